// A step of training: its phases, its numbers, and the losses of its rows.
#pragma once
#include "inputs.h"
#include "threads.h"

namespace {

constexpr int ROWS_OF_CHUNK = 96;   // so many rows of all layers stay in the cache of a core
constexpr long WIDE_LAYER = 150000; // weights of a first layer that is split by columns

// Targets and raw outputs --------------------------------------------------------------------------

template <class R> static R real_at(const void* p, int64_t i, R otherwise) { return p ? ((const R*)p)[i] : otherwise; }

template <class R> static const void* target_of(const Network<R>& net, const ml_rows& rows, int64_t row) {
  const bool classes = net.spec.loss <= ONE_VS_REST;
  return (const char*)rows.y + row * rows.y_columns * (classes ? (int64_t)sizeof(int32_t) : (int64_t)sizeof(R));
}

// A row of raw outputs, out of the panels and back into them.
template <class R> static void unpack_row(const Network<R>& net, const Layer<R>& l, const R* from, int row, R* to) {
  constexpr int PW = PANEL<R>;
  for (int p = 0; p < l.n_panels; p++)
    for (int v = 0; v < PW; v += LANES<R>)
      store(to + p * PW + v, load(from + p * net.stride + (long)row * PW + v));
}
template <class R> static void pack_slopes(const Network<R>& net, const Layer<R>& l, const R* from, R factor, int row) {
  constexpr int PW = PANEL<R>;
  for (int p = 0; p < l.n_panels; p++)
    for (int v = 0; v < PW; v += LANES<R>)
      store(l.gz + p * net.stride + (long)row * PW + v, load(from + p * PW + v) * all<R>(factor));
}

// The plan of a step -------------------------------------------------------------------------------

// Phases that are split by rows do as many layers as they can; those that are split by columns do
// one, because batch normalisation needs all rows of a unit, or because a wide first layer's weights
// should stay in the cache of one core. An ensemble that shares kernels is split by members.
enum PhaseKind { BY_ROWS, BY_MEMBER, FORWARD_BY_COLUMNS, BACKWARD_BY_COLUMNS, SLOPES, NORM_OF_GRADIENT, UPDATE, TRANSPOSE };

struct Phase {
  int kind;
  bool gathers, judges;      // of BY_ROWS: takes the rows in; computes the loss
  int forward0, forward1;    // layers that it runs forward
  int backward0, backward1;  // layers that get their gradient, from backward1 - 1 down to backward0
  bool reaches_table;        // whether the columns of a table get theirs then
  int layer;                 // of phases by columns
};

struct Plan {
  Phase phases[MOST_PHASES];
  int chunks[MOST_PHASES];
  int n;
  Phase& add(int kind) {
    Phase& p = phases[n++];
    memset(&p, 0, sizeof p);
    p.kind = kind;
    return p;
  }
};

template <class R> static bool by_columns(const Network<R>& net, int i, int threads) {
  const Layer<R>& l = net.layers[i];
  if (l.s.norm == 1 && !l.s.frozen) return true;
  return i == 0 && threads > 1 && net.n_layers > 1 && l.s.norm != 2 && (long)l.s.n_in * l.s.n_out >= WIDE_LAYER &&
         l.n_panels >= threads;
}

template <class R> static void make_plan(const Network<R>& net, int threads, int rows, bool update, Plan& plan) {
  const int L = net.n_layers;
  plan.n = 0;
  if (shares_kernels(net)) {
    const int kinds[] = {BY_MEMBER, SLOPES, NORM_OF_GRADIENT, UPDATE, TRANSPOSE};
    for (int kind : kinds)
      if (update ? kind != NORM_OF_GRADIENT || net.spec.clipped : kind <= SLOPES) {
        plan.add(kind);
        plan.chunks[plan.n - 1] = kind == BY_MEMBER ? net.spec.n_members : threads == 1 ? 1 : 2 * threads;
      }
    return;
  }
  Phase* open = &plan.add(BY_ROWS);
  open->gathers = true;
  for (int i = 0; i < L; i++) {
    if (by_columns(net, i, threads)) {
      plan.add(FORWARD_BY_COLUMNS).layer = i;
      open = nullptr;
      continue;
    }
    if (!open) open = &plan.add(BY_ROWS), open->forward0 = open->forward1 = i;
    open->forward1 = i + 1;
  }
  if (!open) open = &plan.add(BY_ROWS), open->forward0 = open->forward1 = L;
  open->judges = true;
  open->backward0 = open->backward1 = L - 1;
  for (int i = L - 2; i >= net.n_frozen; i--) {
    if (net.layers[i].s.norm == 1) {
      plan.add(BACKWARD_BY_COLUMNS).layer = i;
      open = nullptr;
      continue;
    }
    if (!open) open = &plan.add(BY_ROWS), open->forward0 = open->forward1 = L, open->backward1 = i + 1;
    open->backward0 = i;
  }
  if (net.table && net.table->g) {
    if (!open) open = &plan.add(BY_ROWS), open->forward0 = open->forward1 = L, open->backward0 = open->backward1 = 0;
    open->reaches_table = true;
  }
  plan.add(SLOPES);
  if (update && !fuses(net)) {
    if (net.spec.clipped) plan.add(NORM_OF_GRADIENT);
    plan.add(UPDATE);
  }
  int by_rows = (rows + ROWS_OF_CHUNK - 1) / ROWS_OF_CHUNK;
  by_rows = by_rows < threads ? threads : (by_rows + threads - 1) / threads * threads;
  if (by_rows > rows) by_rows = rows < 1 ? 1 : rows;
  for (int i = 0; i < plan.n; i++) {
    const int kind = plan.phases[i].kind;
    plan.chunks[i] = kind == BY_ROWS ? by_rows : threads == 1 ? 1 : 2 * threads;
  }
}

// So many chunks at once have memory of their own.
template <class R> static int most_row_chunks(const Network<R>& net) {
  return (net.spec.most_rows + ROWS_OF_CHUNK - 1) / ROWS_OF_CHUNK + MOST_THREADS + net.spec.n_members;
}

static inline int part(int n, int chunk, int chunks) { return (int)((long)n * chunk / chunks); }

// A run of steps -----------------------------------------------------------------------------------

template <class R> struct Step {
  int rows;
  R divisor;           // of the loss: the sum of those of the rows, or as the call says
  double weight_total; // of batch normalisation
  long updates;        // made before it
  bool due;            // whether it ends with an update
  R gathered;          // divisors of the batches since the last update
  double loss;         // sum of the weighted losses of its rows
  double penalty;      // in units of the divisor
};

template <class R> struct Run {
  Network<R>* net;
  ml_call* call;
  Plan plan;
  Step<R>* steps;
  int64_t first;       // step of steps[0]
  Sorted<R> sorted;    // of sparse rows: the numbers of the present step
  double* norms;       // of the gradient: of each panel of outputs, or of each stretch; see NORM_OF_GRADIENT
  long ticks;          // steps of the job
  bool update;
};

// What dropout and weight decay are multiplied by: 1 in the first half, then half a cosine down to 0
// ("flat_cos" of Holzmueller et al., 2024).
static inline double strength_of(const ml_spec& spec, int64_t step) {
  const double t = spec.total_steps > 0 ? (double)step / spec.total_steps : 0;
  return t <= 0.5 ? 1 : 0.5 * (1 + __builtin_cos(3.14159265358979323846 * (2 * t - 1)));
}

template <class R> static Numbers<R> numbers_of(const Run<R>& run, const Step<R>& s, int64_t step) {
  const ml_spec& spec = run.net->spec;
  Numbers<R> h;
  h.rate = ((const R*)run.call->rates)[step - run.call->first];
  if (spec.adaptive) h.rate = h.rate / (R)run.call->rate_divisor;
  h.factor = 1;
  h.beta1 = (R)spec.beta1, h.beta2 = (R)spec.beta2, h.epsilon = (R)spec.epsilon;
  h.momentum = (R)spec.momentum, h.decay_rate = (R)spec.decay_rate, h.weight_decay = (R)(spec.weight_decay * strength_of(spec, step));
  h.scale1 = h.scale2 = 1;
  if (spec.rule == ADAM || spec.rule == ADAMW || spec.rule == CORRECTED_ADAM) {
    const double t = (double)(s.updates + 1), one = 1 - __builtin_pow(spec.beta1, t), two = 1 - __builtin_pow(spec.beta2, t);
    h.scale1 = spec.rule == CORRECTED_ADAM ? (R)(1 / one) : (R)(__builtin_sqrt(two) / one);
    h.scale2 = (R)(1 / two);
  }
  const double divisor = spec.accumulated ? s.gathered : s.divisor;
  const double shrink = divisor > 0 ? spec.alpha / divisor : 0;
  h.l1 = (R)(shrink * spec.l1_ratio), h.l2 = (R)(shrink * (1 - spec.l1_ratio));
  h.ema = 0;
  if (spec.averaged) {
    const int64_t group = spec.accumulated ? spec.accumulate_steps : 1, per = run.call->per_epoch;
    const double t = (double)(step / per * ((per + group - 1) / group) + step % per / group);
    const double follow = (1 + t) / (10 + t);
    h.ema = (R)(follow < spec.ema_decay ? follow : spec.ema_decay);
  }
  h.gathered = spec.accumulated ? s.divisor : 1;
  return h;
}

// Softmax over the classes of one panel, PW rows at a time. A row is alone in its lane, so that no
// number depends on where blocks of rows begin.
template <class R> static void judge_classes(const Run<R>& run, const Step<R>& s, const int32_t* line, int r0, int r1) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  Network<R>& net = *run.net;
  Layer<R>& l = net.last();
  const R share = s.divisor > 0 ? 1 / s.divisor : 0, smoothing = net.loss.smoothing;
  const int n = l.s.n_out;
  for (int r = r0; r < r1; r += PW) {
    const int rows = r1 - r < PW ? r1 - r : PW;
    alignas(64) R given[PW * PW] = {}, raw[PW * PW], slopes[PW * PW] = {}, own[PW] = {}, weight[PW] = {}, losses[PW];
    int label[PW];
    memcpy(given, l.out + (long)r * PW, (size_t)rows * PW * sizeof(R));
    for (int i = 0; i < rows; i++) {
      label[i] = *(const int32_t*)target_of(net, run.call->rows, line[r + i]);
      own[i] = given[i * PW + label[i]], weight[i] = real_at<R>(run.call->rows.weight, line[r + i], 1);
    }
    transpose(given, raw);
    for (int v = 0; v < PW; v += VL) {
      const Vec<R> factor = load(weight + v) * all<R>(share);
      store(losses + v, softmax_losses<R>(raw + v, n, load(own + v), smoothing, factor, slopes + v));
    }
    transpose(slopes, given);
    for (int i = 0; i < rows; i++) {
      given[i * PW + label[i]] -= weight[i] * share * (1 - smoothing);
      net.row_losses[r + i] = losses[i] * weight[i];
    }
    memcpy(l.gz + (long)r * PW, given, (size_t)rows * PW * sizeof(R));
  }
}

// The part of BY_ROWS that computes the losses of rows and the gradient of the outputs.
template <class R> static void judge_rows(const Run<R>& run, const Step<R>& s, const int32_t* line, int chunk, int r0, int r1) {
  Network<R>& net = *run.net;
  Layer<R>& l = net.last();
  if (net.loss.kind == SOFTMAX && net.loss.heads == 1 && l.n_panels == 1) return judge_classes(run, s, line, r0, r1);
  R* raw = net.scratch + chunk * 2 * net.scratch_size;
  R* slopes = raw + net.scratch_size;
  const R share = s.divisor > 0 ? 1 / s.divisor : 0;
  for (int r = r0; r < r1; r++) {
    const R weight = real_at<R>(run.call->rows.weight, line[r], 1);
    unpack_row(net, l, l.out, r, raw);
    net.row_losses[r] = row_loss<R>(net.loss, raw, target_of(net, run.call->rows, line[r]), slopes) * weight;
    for (int i = l.s.n_out; i < l.n_panels * PANEL<R>; i++) slopes[i] = 0;
    pack_slopes(net, l, slopes, weight * share, r);
  }
}

}  // namespace
