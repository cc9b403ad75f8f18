// What a call does: trains through the ends of epochs, or reads outputs for many rows.
#pragma once
#include "training.h"

namespace {

// A pass over rows at prediction -------------------------------------------------------------------

template <class R> struct Pass {
  Network<R>* net;
  const ml_reading* reading;
  double* losses;  // weighted, of each row, or null
  double* sums;    // of the score, of each row
  int n_sums, chunks;
};

template <class R> static int sums_of_score(const Network<R>& net) {
  return net.spec.loss <= YES_NO ? 1 : net.spec.heads;
}

// The outputs of all members for the same rows, side by side.
template <class R>
static void read_members(Network<R>& net, const R* params, const Batch& b, int64_t row0, int r0, int r1, R* raw, R* out) {
  const Layer<R>& l = net.last();
  const int n = l.s.n_out, members = net.spec.n_members;
  for (int j = 0; j < members; j++) {
    for (int i = 0; i < net.n_layers; i++) member_forward(net, i, params, b, j, r0, r1);
    for (int r = r0; r < r1; r++) {
      unpack_row(net, l, l.out, r, raw);
      memcpy(out + ((row0 + r) * members + j) * n, raw, (size_t)n * sizeof(R));
    }
  }
}

template <class R> static void read_chunk(void* context, long tick, int, int chunk) {
  const Pass<R>& pass = *(const Pass<R>*)context;
  Network<R>& net = *pass.net;
  const ml_reading& reading = *pass.reading;
  const int64_t row0 = (int64_t)tick * net.spec.most_rows;
  const int64_t left = reading.rows.n - row0;
  const int rows = left < net.spec.most_rows ? (int)left : net.spec.most_rows;
  const int r0 = part(rows, chunk, pass.chunks), r1 = part(rows, chunk + 1, pass.chunks);
  if (r0 == r1) return;
  const Batch b = {rows, 0, false, 0, 0, reading.rows.indptr ? &reading.rows : nullptr, nullptr, row0};
  R* raw = net.scratch + chunk * 2 * net.scratch_size;
  for (int r = r0; r < r1 && !b.sparse; r++)
    take_row(net, net.copies[reading.copy], b, reading.rows, row0 + r, r, raw, raw + net.scratch_size);
  R* params = net.copies[reading.copy];
  if (shares_kernels(net)) return read_members(net, params, b, row0, r0, r1, raw, (R*)reading.out);
  for (int i = 0; i <= reading.layer; i++) forward(net, i, params, b, r0, r1, 0, net.layers[i].n_panels);
  const Layer<R>& l = net.layers[reading.layer];
  for (int r = r0; r < r1; r++) {
    const int64_t row = row0 + r;
    unpack_row(net, l, l.out, r, raw);
    if (reading.out) memcpy((R*)reading.out + row * l.s.n_out, raw, (size_t)l.s.n_out * sizeof(R));
    if (!pass.losses) continue;
    const void* target = target_of(net, reading.rows, row);
    const R weight = real_at<R>(reading.rows.weight, row, 1);
    pass.losses[row] = weight != 0 ? (double)(row_loss<R>(net.plain_loss, raw, target, nullptr) * weight) : 0.0;
    add_score<R>(net.plain_loss, raw, target, weight, pass.sums + row * pass.n_sums);
  }
}

template <class R> static int read_rows(Network<R>& net, Team& team, const ml_reading& reading) {
  Pass<R> pass = {&net, &reading, nullptr, nullptr, sums_of_score(net), 0};
  double* memory = nullptr;
  if (reading.loss) {
    memory = (double*)calloc((size_t)reading.rows.n * (1 + pass.n_sums) + 1, sizeof(double));
    if (!memory) return ML_NO_MEMORY;
    pass.losses = memory, pass.sums = memory + reading.rows.n;
  }
  const int64_t most = reading.rows.n < net.spec.most_rows ? reading.rows.n : net.spec.most_rows;
  int chunks = ((int)most + ROWS_OF_CHUNK - 1) / ROWS_OF_CHUNK;
  pass.chunks = chunks < team.size() ? team.size() : chunks;
  const Job job = {read_chunk<R>, &pass, 1, &pass.chunks, (long)((reading.rows.n + net.spec.most_rows - 1) / net.spec.most_rows)};
  team.run(job);
  if (reading.loss) {  // in the order of the rows, whoever computed them
    *reading.loss = 0;
    for (int j = 0; j < pass.n_sums; j++) reading.sums[j] = 0;
    for (int64_t i = 0; i < reading.rows.n; i++) {
      *reading.loss += pass.losses[i];
      for (int j = 0; j < pass.n_sums; j++) reading.sums[j] += pass.sums[i * pass.n_sums + j];
    }
  }
  free(memory);
  return ML_OK;
}

// The end of an epoch ------------------------------------------------------------------------------

// Accuracy, or the mean R2 of the targets: `score` of `_objectives/objective.py`.
template <class R> static double score(const Network<R>& net, const double* sums, const double* scale) {
  const int n = sums_of_score(net);
  if (net.spec.loss <= YES_NO) return sums[0] / (scale[0] > 0 ? scale[0] : 1);
  double total = 0;
  for (int i = 0; i < n; i++) total += scale[i] > 0 ? 1 - sums[i] / scale[i] : sums[i] > 0 ? 0 : 1;
  return total / n;
}

template <class R> struct Figures { R loss, validation_loss, validation_score, rate; };

static inline bool finite(double x) { return x - x == 0; }

// The stopping rule: `close_epoch` of `_engine/stopping.py`, line by line. Returns whether this is the
// best network so far.
template <class R> static bool close_epoch(const ml_spec& spec, ml_call& call, const Figures<R>& f) {
  enum { LOSS, VALIDATION_LOSS, VALIDATION_SCORE };
  const R best_value = (R)call.best_value, best_kept = (R)call.best_kept, best_loss = (R)call.best_loss;
  const bool score_decides = spec.validates && spec.monitor != VALIDATION_LOSS;
  const R value = spec.monitor == LOSS ? f.loss : spec.monitor == VALIDATION_LOSS ? f.validation_loss : -f.validation_score;
  const R deciding = score_decides ? -f.validation_score : value;
  bool gain = value <= best_value - (R)spec.tol;  // NaN is none
  if (spec.monitor == VALIDATION_SCORE) gain = gain && value < best_value;
  int count = gain ? 0 : call.no_improvement + 1;
  if (!(value != value) && !(best_value <= value)) call.best_value = value;
  bool improved = deciding < best_kept;
  if (score_decides) improved = improved || (deciding == best_kept && f.validation_loss < best_loss);
  improved = improved && finite(f.loss);
  if (spec.validates) improved = improved && finite(f.validation_loss);
  bool exhausted = count > spec.patience;
  if (spec.adaptive) {
    const bool lower = exhausted && (R)spec.base_rate / (R)call.rate_divisor > (R)1e-6;
    if (lower) call.rate_divisor = (R)call.rate_divisor * 5, count = 0, exhausted = false;
  }
  call.status = !finite(f.loss) ? 2 : exhausted ? 1 : 0;
  if (improved) call.best_kept = deciding, call.best_loss = f.validation_loss;
  call.no_improvement = count;
  call.loss_sum = call.weight_sum = 0;
  return improved;
}

template <class R> static int end_epoch(Network<R>& net, Team& team, ml_call& call) {
  Figures<R> f;
  const R nan = (R)__builtin_nan("");
  f.loss = call.weight_sum > 0 ? (R)call.loss_sum * (1 / (R)call.weight_sum) : 0;
  f.validation_loss = f.validation_score = nan;
  const int model = net.spec.averaged ? ML_MEAN : ML_PARAMS;
  if (call.validation.X) {
    double loss, sums[1024], weights = 0;
    const ml_reading reading = {call.validation, model, net.n_layers - 1, team.size(), 0, nullptr, &loss, sums};
    const int error = read_rows(net, team, reading);
    if (error) return error;
    for (int64_t i = 0; i < call.validation.n; i++) weights += (double)real_at<R>(call.validation.weight, i, 1);
    f.validation_loss = weights > 0 ? (R)(loss / weights * net.spec.reported_share) : 0;
    f.validation_score = (R)score(net, sums, call.scale);
  }
  f.rate = ((const R*)call.rates)[call.step - 1 - call.first];
  if (net.spec.adaptive) f.rate = f.rate / (R)call.rate_divisor;
  double* line = call.report + 4 * call.n_ended++;
  line[0] = f.loss, line[1] = f.validation_loss, line[2] = f.validation_score, line[3] = f.rate;
  if (!net.spec.closed_outside && close_epoch(net.spec, call, f))
    memcpy(net.copies[ML_BEST], net.copies[model], (size_t)net.copy_size * sizeof(R));
  return ML_OK;
}

// Steps --------------------------------------------------------------------------------------------

// What the steps of a job are, and how many rows and updates come before each.
template <class R> static void prepare(Run<R>& run, ml_call& call, int64_t step, long n, long updates, double pending) {
  const ml_spec& spec = run.net->spec;
  double gathered = pending;
  for (long i = 0; i < n; i++) {
    Step<R>& s = run.steps[i];
    const int32_t* line = call.order + (step + i - call.first) * call.width;
    memset(&s, 0, sizeof s);
    s.rows = (int)call.width;
    while (s.rows > 0 && line[s.rows - 1] < 0) s.rows--;
    R divisor = 0;
    const void* of = call.rows.divisor ? call.rows.divisor : call.rows.weight;
    if (of) for (int r = 0; r < s.rows; r++) divisor += ((const R*)of)[line[r]];
    else divisor = (R)s.rows;
    s.divisor = divisor = call.divisors ? ((const R*)call.divisors)[step + i - call.first] : divisor;
    s.weight_total = s.rows;
    if (call.rows.weight) {
      s.weight_total = 0;
      for (int r = 0; r < s.rows; r++) s.weight_total += (double)((const R*)call.rows.weight)[line[r]];
    }
    s.updates = updates;
    s.due = true;
    if (spec.accumulated) {
      const int64_t within = (step + i) % call.per_epoch + 1;
      s.due = within % spec.accumulate_steps == 0 || within == call.per_epoch;
      gathered = (double)(R)(gathered + (double)divisor);
    } else {
      gathered = (double)divisor;
    }
    s.gathered = (R)gathered;
    if (s.due && gathered > 0) updates++;
    if (s.due) gathered = 0;
  }
}

template <class R> static double frozen_penalty(const Network<R>& net) {
  double total = 0;
  const double l1 = net.spec.alpha * net.spec.l1_ratio, l2 = net.spec.alpha * (1 - net.spec.l1_ratio) / 2;
  for (int i = 0; i < net.n_frozen; i++) {
    const Layer<R>& l = net.layers[i];
    const R* w = net.copies[ML_PARAMS] + l.at[ML_KERNEL];
    for (long j = 0; j < (long)l.n_panels * l.k_panels * PANEL<R> * PANEL<R>; j++) {
      const double x = w[j];
      total += l1 * (x < 0 ? -x : x) + l2 * x * x;
    }
  }
  return total;
}

constexpr long MOST_STEPS = 2048;  // of a job

// The most numbers that a step of sparse rows has.
static int64_t most_entries(const ml_call& call) {
  int64_t most = 0;
  for (int64_t step = call.step; step < call.stop; step++) {
    const int32_t* line = call.order + (step - call.first) * call.width;
    int64_t n = 0;
    for (int64_t i = 0; i < call.width && line[i] >= 0; i++) n += call.rows.indptr[line[i] + 1] - call.rows.indptr[line[i]];
    most = n > most ? n : most;
  }
  return most;
}

template <class R> static bool make_run(Network<R>& net, ml_call& call, int threads, bool update, Run<R>& run) {
  memset((void*)&run, 0, sizeof run);
  run.net = &net, run.call = &call, run.update = update;
  make_plan(net, threads, net.spec.most_rows, update, run.plan);
  run.steps = (Step<R>*)malloc(MOST_STEPS * sizeof(Step<R>));
  run.norms = (double*)calloc((size_t)(net.stretches ? net.n_stretches : n_output_panels(net)) + 1, sizeof(double));
  if (call.rows.indptr && net.n_frozen == 0) {
    run.sorted.entries = (Entry<R>*)malloc((size_t)(most_entries(call) + 1) * sizeof(Entry<R>));
    run.sorted.ends = (int64_t*)malloc((size_t)net.layers[0].k_panels * sizeof(int64_t));
    if (!run.sorted.entries || !run.sorted.ends) return false;
  }
  return run.steps && run.norms;
}

template <class R> static void free_run(Run<R>& run) {
  free(run.steps), free(run.norms), free(run.sorted.entries), free(run.sorted.ends);
}

template <class R> static int train(Network<R>& net, ml_call& call) {
  Team team(call.threads);
  Run<R> run;
  int error = make_run(net, call, team.size(), true, run) ? ML_OK : ML_NO_MEMORY;
  const double frozen = net.n_frozen && net.spec.alpha > 0 ? frozen_penalty(net) : 0;
  call.n_ended = 0;
  while (!error && call.step < call.stop && call.status == 0) {
    const int64_t end = (call.step / call.per_epoch + 1) * call.per_epoch;
    int64_t until = end < call.stop ? end : call.stop;
    if (until > call.step + MOST_STEPS) until = call.step + MOST_STEPS;
    const long n = run.ticks = (long)(until - call.step);
    run.first = call.step;
    prepare(run, call, call.step, n, (long)call.updates, call.pending_weight);
    const Job job = {train_chunk<R>, &run, run.plan.n, run.plan.chunks, n};
    team.run(job);
    if (net.spec.alpha > 0) sum_penalties(net, run.steps[n - 1], until - 1);
    for (long i = 0; i < n; i++) {
      const Step<R>& s = run.steps[i];
      const bool updated = s.due && s.gathered > 0;
      if (call.losses) call.losses[call.step + i - call.first] = s.loss * net.spec.reported_share;
      if (s.divisor > 0) call.loss_sum = (R)((R)call.loss_sum + (R)(s.loss * net.spec.reported_share));
      call.weight_sum = (R)((R)call.weight_sum + s.divisor);
      if (net.spec.alpha > 0 && updated) call.loss_sum = (R)((R)call.loss_sum + (R)(s.penalty * s.gathered + frozen));
      if (net.spec.accumulated) {
        if (s.divisor > 0) call.pending_loss = (R)((R)call.pending_loss + (R)s.loss);
        call.pending_weight = s.due ? 0 : s.gathered;
        if (s.due) call.pending_loss = 0;
      }
      call.updates = s.updates + updated;
    }
    call.step = until;
    if (until == end) error = end_epoch(net, team, call);
  }
  free_run(run);
  return error;
}

// The gradient of one step, into ML_GRADIENT, and its mean weighted loss; no penalty, no update.
template <class R> static int gradient(Network<R>& net, ml_call& call, double* loss) {
  Team team(call.threads);
  Run<R> run;
  int error = make_run(net, call, team.size(), false, run) ? ML_OK : ML_NO_MEMORY;
  if (!error) {
    run.first = call.step, run.ticks = 1;
    prepare(run, call, call.step, 1, 0, 0);
    const Job job = {train_chunk<R>, &run, run.plan.n, run.plan.chunks, 1};
    team.run(job);
    *loss = run.steps[0].divisor > 0 ? run.steps[0].loss / run.steps[0].divisor : 0;
  }
  free_run(run);
  return error;
}

// A network from its description -------------------------------------------------------------------

// Numbers of an array of a layer in a copy, of all members.
template <class R> static long array_size(const Network<R>& net, const Layer<R>& l, int array) {
  const long one = of_member(l, array, 1) - l.at[array], vector = (long)l.n_panels * PANEL<R>;
  return shares_kernels(net) && one ? net.spec.n_members * one : array == ML_KERNEL ? l.kernel_size() : vector;
}

template <class R> static void lay_out(Network<R>& net, Arena& arena) {
  constexpr int PW = PANEL<R>;
  const ml_spec& spec = net.spec;
  const bool trains = spec.rule >= 0;
  long at = net.table ? place_table(*net.table, 0) : 0, unit = 0;
  for (int i = 0; i < net.n_layers; i++) {
    Layer<R>& l = net.layers[i];
    for (int a = 0; a < ML_ARRAYS; a++) {
      l.at[a] = at;
      if (a == ML_DROPOUT) at += l.has(a) ? PW : 0;
      else if (l.has(a)) at += array_size(net, l, a);
    }
    l.first_unit = unit, unit += (long)l.n_panels * l.k_panels;
  }
  net.copy_size = at, net.n_units = unit;
  const int slots = trains ? RULES<R>[spec.rule].slots : 0;
  const bool wanted[ML_COPIES] = {true, slots >= 1, slots >= 2, spec.averaged != 0, spec.accumulated != 0, trains, trains};
  for (int c = 0; c < ML_COPIES; c++) net.copies[c] = wanted[c] ? arena.take<R>(at) : net.copies[0];
  const long rows = net.stride_rows;
  int widest = net.table ? (int)padded<R>(net.table->n_columns > net.table->n_out ? net.table->n_columns : net.table->n_out) : 0;
  R* before = spec.only_sparse ? nullptr : arena.take<R>((size_t)net.layers[0].k_panels * PW * rows);
  if (net.table) place_table_buffers(net, arena, trains);
  for (int i = 0; i < net.n_layers; i++) {
    Layer<R>& l = net.layers[i];
    const long n = (long)l.n_panels * PW * rows;
    const bool learns = trains && !l.s.frozen;
    l.plain = before, l.out = before = arena.take<R>(n);
    l.in = l.s.scales_in ? arena.take<R>((long)l.k_panels * PW * rows) : l.plain;
    l.sums = l.s.scales_out ? arena.take<R>(n) : nullptr;
    const bool below = i > net.n_frozen || l.s.scales_in || (net.table && table_learns<R>(net.table->s));
    l.transposed = learns && below ? arena.take<R>(array_size(net, l, ML_KERNEL)) : nullptr;
    l.slopes = trains && !l.fused ? arena.take<R>(n) : nullptr;
    l.gz = learns ? arena.take<R>(n) : nullptr;
    l.gy = learns && (l.norm() || l.s.parametric) ? arena.take<R>(n) : nullptr;
    l.go = learns && l.s.skip ? arena.take<R>(n) : nullptr;
    l.normed = l.norm() || l.s.parametric ? arena.take<R>(n) : nullptr;
    l.batch_factor = l.norm() ? arena.take<R>(l.n_panels * PW) : nullptr;
    l.row_factor = l.norm() ? arena.take<R>(rows) : nullptr;
    if (l.n_panels * PW > widest) widest = l.n_panels * PW;
  }
  if ((net.table || shares_kernels(net)) && net.layers[0].k_panels * PW > widest) widest = net.layers[0].k_panels * PW;
  for (auto& between : net.between) between = trains && shares_kernels(net) ? arena.take<R>((long)(widest + PW - 1) / PW * PW * rows) : nullptr;
  net.row_losses = arena.take<R>(rows), net.row_weights = arena.take<R>(rows);
  net.unit_penalties = arena.take<double>(2 * unit);
  net.scratch_size = widest + PW;
  net.scratch = arena.take<R>(2 * net.scratch_size * most_row_chunks(net));
}

template <class R> static void free_network(Network<R>* net) {
  if (net->table) free_table(net->table);
  free(net->stretches);
  free(net->layers), free(net->units), free(net->levels), free(net->class_weights), free(net);
}

template <class R> static void* create(const ml_spec* given, int* error) {
  *error = ML_BAD_ARGUMENT;
  if (given->n_layers < 1 || given->n_layers > 120 || given->most_rows < 1 || given->heads < 1 || given->heads > 1024) return nullptr;
  if (given->rule >= N_RULES || given->loss < 0 || given->loss > GAUSSIAN_NLL || (given->accumulated && given->accumulate_steps < 1)) return nullptr;
  if (!given->layers || !given->units || !activation_of<R>(given->out_activation)) return nullptr;
  if (given->middle < 0 || given->middle >= given->units[0] || (given->loss == QUANTILE && !given->levels)) return nullptr;
  int total = 0, classes = 0;
  for (int i = 0; i < given->heads; i++) {
    if (given->units[i] < 1 || given->units[i] > 1 << 24) return nullptr;
    total += given->units[i], classes += given->loss == YES_NO ? 2 : given->units[i];
  }
  for (int i = 0; i < given->n_layers; i++) {
    const ml_layer& l = given->layers[i];
    if (l.n_in < 1 || l.n_out < 1 || !activation_of<R>(l.activation)) return nullptr;
    if (i && l.n_in != given->layers[i - 1].n_out) return nullptr;
    if ((l.skip && l.n_in != l.n_out) || l.norm < 0 || l.norm > 2 || (l.parametric && (l.norm || l.skip))) return nullptr;
    // Frozen layers are the first ones, and not all of them.
    if (l.frozen && (i == given->n_layers - 1 || (i && !given->layers[i - 1].frozen))) return nullptr;
  }
  if (total != given->layers[given->n_layers - 1].n_out) return nullptr;
  if (wrong_ensemble(*given)) return nullptr;
  if (given->only_sparse && (given->table || given->n_members > 1 || given->layers[0].skip)) return nullptr;
  if (given->table) {  // alone: its arrays have no penalty, no average, and no part in the gradient's norm
    const bool around = given->clipped || given->max_normed || given->averaged || given->accumulated || given->alpha > 0;
    if (wrong_table(*given->table) || table_width(*given->table) != given->layers[0].n_in || given->layers[0].frozen || (around && given->n_members < 2)) return nullptr;
  }
  // So that no size below can overflow.
  double numbers = 0;
  if (given->table)
    for (int j = 0; j < given->table->n_categories; j++) numbers += 8.0 * given->table->cardinalities[j] * given->table->category_size;
  for (int i = 0; i < given->n_layers; i++) {
    const double n = given->layers[i].n_in, m = given->layers[i].n_out;
    numbers += (n + 64) * (m + 64) + 4.0 * given->most_rows * (n + m + 128);
  }
  if (numbers > 1e12) return *error = ML_NO_MEMORY, nullptr;
  *error = ML_NO_MEMORY;
  Network<R>* net = (Network<R>*)calloc(1, sizeof(Network<R>));
  if (!net) return nullptr;
  net->spec = *given, net->spec.n_members = given->n_members < 1 ? 1 : given->n_members, net->n_layers = given->n_layers;
  net->layers = (Layer<R>*)calloc((size_t)net->n_layers, sizeof(Layer<R>));
  net->units = (int32_t*)calloc((size_t)given->heads, sizeof(int32_t));
  net->levels = (R*)calloc((size_t)given->units[0] + 1, sizeof(R));
  net->class_weights = (R*)calloc((size_t)classes + 1, sizeof(R));
  net->table = given->table ? make_table<R>(*given->table) : nullptr;
  if (!net->layers || !net->units || !net->levels || !net->class_weights || (given->table && !net->table)) return free_network(net), nullptr;
  for (int i = 0; i < given->heads; i++) net->units[i] = given->units[i];
  net->spec.units = net->units, net->spec.layers = nullptr, net->spec.table = nullptr, net->spec.levels = net->spec.class_weights = nullptr;  // the caller's
  if (given->levels) for (int i = 0; i < given->units[0]; i++) net->levels[i] = (R)given->levels[i];
  if (given->class_weights) for (int i = 0; i < classes; i++) net->class_weights[i] = (R)given->class_weights[i];
  net->loss = {};
  net->loss.kind = given->loss, net->loss.heads = given->heads, net->loss.units = net->units;
  net->loss.middle = given->middle, net->loss.out_activation = given->out_activation;
  net->loss.delta = (R)given->delta, net->loss.levels = net->levels;
  net->plain_loss = net->loss;
  net->loss.smoothing = (R)given->smoothing;
  net->loss.class_weights = given->class_weights ? net->class_weights : nullptr;
  for (int i = 0; i < net->n_layers; i++) {
    Layer<R>& l = net->layers[i];
    l.s = given->layers[i];
    l.k_panels = panels<R>(l.s.n_in), l.n_panels = panels<R>(l.s.n_out);
    l.activation = activation_of<R>(l.s.activation);
    const bool simple = l.s.activation == RELU || l.s.activation == IDENTITY;
    l.mixed = l.s.parametric || l.s.drops || l.s.dropout > 0 || l.s.out_factor != 1;
    l.fused = simple && !l.norm() && !l.s.skip && !l.mixed && !shares_kernels(*net);
    if (l.s.frozen && net->n_frozen == i) net->n_frozen = i + 1;
  }
  net->stride_rows = given->most_rows | 1;
  net->stride = (long)net->stride_rows * PANEL<R>;
  Arena arena;
  lay_out(*net, arena);
  arena.base = (char*)allocate(arena.used);
  if (!arena.base) return free_network(net), nullptr;
  arena.used = 0;
  lay_out(*net, arena);
  net->copies[ML_PARAMS] = (R*)arena.base;
  if (shares_kernels(*net) && given->rule >= 0) {
    net->n_stretches = list_stretches<R>(*net, nullptr);
    net->stretches = (Stretch<R>*)calloc((size_t)net->n_stretches, sizeof(Stretch<R>));
    if (!net->stretches) return release(arena.base), free_network(net), nullptr;
    list_stretches(*net, net->stretches);
  }
  *error = ML_OK;
  return net;
}

template <class R> static void destroy(void* handle) {
  Network<R>* net = (Network<R>*)handle;
  release(net->copies[ML_PARAMS]);
  free_network(net);
}

// Moves an array between a copy and row-major memory.
template <class R> static int move(Network<R>& net, int copy, int layer, int array, R* values, bool in) {
  constexpr int PW = PANEL<R>;
  if (copy < 0 || copy >= ML_COPIES || (copy && net.copies[copy] == net.copies[ML_PARAMS])) return ML_BAD_ARGUMENT;
  if (layer == ML_TABLE) return move_table(net, copy, array, values, in);
  if (layer < 0 || layer >= net.n_layers || array < 0 || array >= ML_ARRAYS) return ML_BAD_ARGUMENT;
  Layer<R>& l = net.layers[layer];
  R* to = net.copies[copy] + l.at[array];
  const int n = l.s.n_out;
  if (!l.has(array)) return ML_BAD_ARGUMENT;
  if (array == ML_DROPOUT) {
    if (in) memcpy(to, values, sizeof(R));
    else memcpy(values, to, sizeof(R));
    return ML_OK;
  }
  // Lines of `plain` values, side by side in Python; here each panel of them is apart in a kernel.
  const long one = of_member(l, array, 1) - l.at[array];
  const int members = shares_kernels(net) && one ? net.spec.n_members : 1;
  const int plain = array == ML_SCALE_IN ? l.s.n_in : n, lines = array == ML_KERNEL ? l.s.n_in : 1;
  const long panel = (long)(array == ML_KERNEL ? l.k_panels * PW : 1) * PW;
  for (int j = 0; j < members; j++)
    for (int p = 0; p * PW < plain; p++) {
      const bool full = plain - p * PW >= PW;  // then the compiler knows how much is copied
      const size_t bytes = (size_t)(plain - p * PW) * sizeof(R);
      for (int k = 0; k < lines; k++) {
        R* packed = to + j * one + p * panel + (long)k * PW;
        R* line = values + ((long)j * lines + k) * plain + p * PW;
        R *target = in ? packed : line, *source = in ? line : packed;
        if (full) memcpy(target, source, PW * sizeof(R));
        else memcpy(target, source, bytes);
      }
    }
  if (in && copy == ML_PARAMS && array == ML_KERNEL && l.transposed)
    for (int j = 0; j < members; j++) transpose_kernel(l, to + j * one, l.transposed + j * one, 0, l.n_panels);
  return ML_OK;
}

}  // namespace
