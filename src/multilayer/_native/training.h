// The work of each phase of a step.
#pragma once
#include "ensemble.h"

namespace {

template <class R> static void rows_chunk(const Run<R>& run, const Phase& phase, const Step<R>& s, const Batch& b,
                                          const int32_t* line, int chunk, int chunks) {
  Network<R>& net = *run.net;
  const int r0 = part(b.rows, chunk, chunks), r1 = part(b.rows, chunk + 1, chunks);
  if (phase.gathers && run.sorted.entries) {
    const int n = net.layers[0].k_panels;
    sort_entries(sparse_rows(net, b), b.rows, part(n, chunk, chunks), part(n, chunk + 1, chunks), run.sorted);
  }
  if (r0 == r1) return;
  if (phase.gathers) {
    R* x = net.scratch + chunk * 2 * net.scratch_size;
    for (int r = r0; r < r1; r++) {
      if (!b.sparse) take_row(net, net.copies[ML_PARAMS], b, run.call->rows, line[r], r, x, x + net.scratch_size);
      net.row_weights[r] = real_at<R>(run.call->rows.weight, line[r], 1);
    }
    if (net.spec.input_dropout > 0 || net.spec.input_noise > 0) disturb(net, b, r0, r1);
  }
  for (int i = phase.forward0; i < phase.forward1; i++)
    forward(net, i, net.copies[ML_PARAMS], b, r0, r1, 0, net.layers[i].n_panels);
  if (phase.judges) judge_rows(run, s, line, chunk, r0, r1);
  for (int i = phase.backward1 - 1; i >= phase.backward0; i--)
    backward(net, i, net.copies[ML_PARAMS], b, r0, r1, 0, net.layers[i].n_panels);
  if (phase.reaches_table) table_backward(net, net.copies[ML_PARAMS], b, r0, r1);
}

// Gradients of weights -----------------------------------------------------------------------------

// What a rule changes in a panel besides the matrix: bias, scale, shift.
template <class R>
static void update_vectors(const Network<R>& net, const Layer<R>& l, Apply<R> apply, Numbers<R> h, int rows, int p, R* into) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  const R decay = h.weight_decay;
  h.l1 = h.l2 = 0;
  const long from = p * net.stride;
  const R* of[3][2] = {{l.gz, nullptr}, {l.gy, l.normed}, {l.gy, nullptr}};
  const int arrays[3] = {ML_BIAS, ML_SCALE, ML_SHIFT};
  for (int a = 0; a < l.vectors(); a++) {
    const long at = l.at[arrays[a]] + p * PW;
    h.factor = (R)l.s.rates[arrays[a]], h.weight_decay = decay * (R)l.s.decays[arrays[a]];
    alignas(64) R sums[PW];
    for (int v = 0; v < PW; v += VL)
      store(sums + v, column_sum<R>(of[a][0] + from + v, of[a][1] ? of[a][1] + from + v : nullptr, rows));
    Weights<R> w = weights_at(net, at);
    if (into) w.w = into + at;
    apply(h, sums, w, PW, nullptr);
  }
}

// Moves the average of what no rule changes: running moments.
template <class R> static void average_moments(const Network<R>& net, const Layer<R>& l, R ema, int p) {
  if (l.s.norm != 1) return;
  const int arrays[2] = {ML_RUNNING_MEAN, ML_RUNNING_VARIANCE};
  for (int a : arrays)
    for (int v = 0; v < PANEL<R>; v += LANES<R>) {
      const long at = l.at[a] + p * PANEL<R> + v;
      R* mean = net.copies[ML_MEAN] + at;
      store(mean, all<R>(ema) * load(mean) + all<R>(1 - ema) * load(net.copies[ML_PARAMS] + at));
    }
}

// Asks for a block of weights while its gradient is being summed up.
template <class R> ML_INLINE void prefetch_block(Weights<R> w, int slots, int inputs) {
  constexpr int PW = PANEL<R>;
  for (int i = 0; i < inputs * PW; i += 64 / (int)sizeof(R)) {
    __builtin_prefetch(w.w + i, 1);
    if (slots >= 1) __builtin_prefetch(w.m + i, 1);
    if (slots >= 2) __builtin_prefetch(w.v + i, 1);
  }
}

template <class R> static void slopes_chunk(const Run<R>& run, const Step<R>& s, int64_t step, int chunk, int chunks) {
  constexpr int PW = PANEL<R>;
  Network<R>& net = *run.net;
  const bool update = run.update && fuses(net), gathers = run.update && net.spec.accumulated;
  if (!(s.divisor > 0) && run.update && !gathers) return;
  const Apply<R> apply = update ? RULES<R>[net.spec.rule].apply : gathers ? gather_gradient<R> : write_gradient<R>;
  R* into = update ? nullptr : net.copies[gathers ? ML_PENDING : ML_GRADIENT];
  Numbers<R> h = numbers_of(run, s, step);
  double* penalties = net.unit_penalties + (step & 1) * net.n_units;
  // Whether weights whose inputs are all 0 stay as they are.
  const bool rests = gathers || (update && rests_at_zero(net.spec.rule) && !(net.spec.alpha > 0) && h.weight_decay == 0 && !net.spec.averaged);
  alignas(64) R sums[PW * PW];
  for (int i = net.n_frozen; i < net.n_layers; i++) {
    Layer<R>& l = net.layers[i];
    if (l.s.own_kernels) continue;  // ensemble.h
    const long n = (long)l.n_panels * l.k_panels;
    Numbers<R> own = h;
    own.factor = (R)l.s.rates[ML_KERNEL], own.weight_decay *= (R)l.s.decays[ML_KERNEL];
    for (long u = n * chunk / chunks; u < n * (chunk + 1) / chunks; u++) {
      const int p = (int)(u / l.k_panels), q = (int)(u % l.k_panels);
      const long at = l.at[ML_KERNEL] + u * PW * PW;
      const int inputs = l.s.n_in - q * PW < PW ? l.s.n_in - q * PW : PW;
      Weights<R> w = weights_at(net, at);
      if (into) w.w = into + at;
      const bool sparse = i == 0 && run.sorted.entries;
      R penalty = 0;
      if (sparse && rests) {
        if (q + PANELS_AHEAD < l.k_panels) prefetch_lanes(run.sorted, q + PANELS_AHEAD, w.w + (long)PANELS_AHEAD * PW * PW);
        uint32_t lanes = sparse_slope(run.sorted, q, l.gz + p * net.stride, sums);
        for (; lanes; lanes &= lanes - 1) {
          const long j = __builtin_ctz(lanes) * PW;
          apply(own, sums + j, w.at(j), PW, nullptr);
        }
      } else {
        prefetch_block(w, update ? RULES<R>[net.spec.rule].slots : 0, inputs);
        if (sparse) memset((void*)sums, 0, sizeof sums), sparse_slope(run.sorted, q, l.gz + p * net.stride, sums);
        else slope(l.in + q * net.stride, l.gz + p * net.stride, s.rows, inputs, l.s.n_out - p * PW, sums);
        apply(own, sums, w, (long)inputs * PW, net.spec.alpha > 0 ? &penalty : nullptr);
      }
      if (update && net.spec.alpha > 0) penalties[l.first_unit + u] = penalty;
      if (update && l.transposed) transpose(w.w, l.transposed + ((long)q * l.n_panels + p) * PW * PW);
      if (q == 0) {
        update_vectors(net, l, apply, h, s.rows, p, into);
        if (update && net.spec.averaged) average_moments(net, l, h.ema, p);
      }
    }
  }
  const int units = table_units(net);
  for (int u = part(units, chunk, chunks); u < part(units, chunk + 1, chunks); u++)
    table_slopes(net, u, apply, h, s.rows, into);
}

// Updates from gradients that were written down ----------------------------------------------------

// Calls f(at, n, array) for stretches of what is learnt in panel p of a layer.
template <class R, class F> static void each_stretch(const Layer<R>& l, int p, F f) {
  constexpr int PW = PANEL<R>;
  const long panel = l.at[ML_KERNEL] + (long)p * l.k_panels * PW * PW, n = (long)l.s.n_in * PW;
  for (long i = 0; i < n; i += STRETCH) f(panel + i, n - i < STRETCH ? n - i : STRETCH, ML_KERNEL);
  const int arrays[3] = {ML_BIAS, ML_SCALE, ML_SHIFT};
  for (int a = 0; a < l.vectors(); a++) f(l.at[arrays[a]] + p * PW, (long)PW, arrays[a]);
}

// The gradient of a stretch: gathered ones divided, the penalty's part added, shortened.
template <class R>
static void complete(const Numbers<R>& h, R share, R shorter, const R* g, const R* w, long n, bool matrix, R* out) {
  const Vec<R> l1 = all<R>(h.l1), l2 = all<R>(h.l2);
  for (long i = 0; i < n; i += LANES<R>) {
    Vec<R> x = load(g + i) * all<R>(share);
    if (matrix) x += l2 * load(w + i) + l1 * sign_of<R>(load(w + i));
    store(out + i, x * all<R>(shorter));
  }
}

template <class R> static long n_output_panels(const Network<R>& net) {
  long n = 0;
  for (int i = net.n_frozen; i < net.n_layers; i++) n += net.layers[i].n_panels;
  return n;
}

// Calls f(layer, panel, number) for the panels of outputs that are a chunk's.
template <class R, class F> static void each_panel(Network<R>& net, int chunk, int chunks, F f) {
  const long n = n_output_panels(net), from = n * chunk / chunks, to = n * (chunk + 1) / chunks;
  long number = 0;
  for (int i = net.n_frozen; i < net.n_layers; i++)
    for (int p = 0; p < net.layers[i].n_panels; p++, number++)
      if (number >= from && number < to) f(net.layers[i], p, number);
}

template <class R> static void norm_chunk(const Run<R>& run, const Step<R>& s, int64_t step, int chunk, int chunks) {
  Network<R>& net = *run.net;
  if (!s.due) return;
  if (net.stretches) return stretch_norms(run, chunk, chunks);
  const Numbers<R> h = numbers_of(run, s, step);
  const bool gathered = net.spec.accumulated;
  const R* g = net.copies[gathered ? ML_PENDING : ML_GRADIENT];
  const R share = !gathered ? 1 : s.gathered > 0 ? 1 / s.gathered : 0;
  each_panel(net, chunk, chunks, [&](Layer<R>& l, int p, long number) {
    double squares = 0;
    each_stretch(l, p, [&](long at, long n, int array) {
      alignas(64) R x[STRETCH];
      complete<R>(h, share, 1, g + at, net.copies[ML_PARAMS] + at, n, array == ML_KERNEL, x);
      Vec<R> sum = all<R>(0);
      for (long i = 0; i < n; i += LANES<R>) sum += load(x + i) * load(x + i);
      squares += (double)sum_of<R>(sum);
    });
    run.norms[number] = squares;
  });
}

// Shortens the incoming weights of each unit of a panel to a norm (Srivastava et al., 2014).
template <class R> static void limit_panel(const Network<R>& net, const Layer<R>& l, int p) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  R* w = net.copies[ML_PARAMS] + l.at[ML_KERNEL] + (long)p * l.k_panels * PW * PW;
  const R tiny = sizeof(R) == 4 ? (R)1.17549435e-38 : (R)2.2250738585072014e-308;
  for (int v = 0; v < PW; v += VL) {
    Vec<R> squares = all<R>(0);
    for (int k = 0; k < l.s.n_in; k++) squares += load(w + (long)k * PW + v) * load(w + (long)k * PW + v);
    Vec<R> factor = smaller<R>(all<R>(1), all<R>((R)net.spec.max_norm) / larger<R>(square_root_of<R>(squares), all<R>(tiny)));
    for (int k = 0; k < l.s.n_in; k++) store(w + (long)k * PW + v, load(w + (long)k * PW + v) * factor);
  }
}

// What the norm of the gradient shortens it by.
template <class R> static R shortening(const Run<R>& run) {
  const Network<R>& net = *run.net;
  if (!net.spec.clipped) return 1;
  double squares = 0;
  for (long i = 0; i < (net.stretches ? net.n_stretches : n_output_panels(net)); i++) squares += run.norms[i];
  const double norm = __builtin_sqrt(squares);
  return norm < net.spec.clip_norm ? (R)1 : (R)(net.spec.clip_norm / norm);
}

// Moves the average of all that is learnt in a panel.
template <class R> static void average_panel(const Network<R>& net, const Layer<R>& l, R ema, int p) {
  each_stretch(l, p, [&](long at, long n, int) {
    R* mean = net.copies[ML_MEAN] + at;
    for (long i = 0; i < n; i += LANES<R>)
      store(mean + i, all<R>(ema) * load(mean + i) + all<R>(1 - ema) * load(net.copies[ML_PARAMS] + at + i));
  });
  average_moments(net, l, ema, p);
}

template <class R> static void update_chunk(const Run<R>& run, const Step<R>& s, int64_t step, int chunk, int chunks) {
  constexpr int PW = PANEL<R>;
  Network<R>& net = *run.net;
  if (!s.due) return;
  const Numbers<R> h = numbers_of(run, s, step);
  if (net.stretches) {
    if (s.gathered > 0) stretch_updates(run, h, shortening(run), chunk, chunks);
    return;
  }
  const bool gathered = net.spec.accumulated;
  R* g = net.copies[gathered ? ML_PENDING : ML_GRADIENT];
  const R share = !gathered ? 1 : s.gathered > 0 ? 1 / s.gathered : 0, shorter = shortening(run);
  double* penalties = net.unit_penalties + (step & 1) * net.n_units;
  each_panel(net, chunk, chunks, [&](Layer<R>& l, int p, long) {
    Vec<R> penalty = all<R>(0);
    if (s.gathered > 0)
      each_stretch(l, p, [&](long at, long n, int array) {
        const bool matrix = array == ML_KERNEL;
        alignas(64) R x[STRETCH];
        const R* w = net.copies[ML_PARAMS] + at;
        complete<R>(h, share, shorter, g + at, w, n, matrix, x);
        for (long i = 0; matrix && i < n; i += LANES<R>)
          penalty += all<R>(h.l1) * magnitude<R>(load(w + i)) + all<R>(h.l2 / 2) * (load(w + i) * load(w + i));
        Numbers<R> own = h;
        own.l1 = own.l2 = 0;  // the penalty is in the gradient
        own.factor = (R)l.s.rates[array], own.weight_decay *= (R)l.s.decays[array];
        RULES<R>[net.spec.rule].apply(own, x, weights_at(net, at), n, nullptr);
      });
    penalties[l.first_unit + (long)p * l.k_panels] = (double)sum_of<R>(penalty);
    if (gathered) each_stretch(l, p, [&](long at, long n, int) { memset(g + at, 0, (size_t)n * sizeof(R)); });
    if (!(s.gathered > 0)) return;
    if (net.spec.max_normed && &l != &net.last()) limit_panel(net, l, p);
    if (net.spec.averaged) average_panel(net, l, h.ema, p);
    if (l.transposed)
      for (int q = 0; q < l.k_panels; q++)
        transpose(net.copies[ML_PARAMS] + l.at[ML_KERNEL] + ((long)p * l.k_panels + q) * PW * PW,
                  l.transposed + ((long)q * l.n_panels + p) * PW * PW);
  });
}

// Sums that one thread forms once in a step.
template <class R> static void sum_losses(const Network<R>& net, Step<R>& s) {
  double total = 0;
  for (int r = 0; r < s.rows; r++) total += net.row_losses[r];
  s.loss = total;
}
template <class R> static void sum_penalties(const Network<R>& net, Step<R>& s, int64_t step) {
  double total = 0;
  const double* parts = net.unit_penalties + (step & 1) * net.n_units;
  for (long u = 0; u < net.n_units; u++) total += parts[u];
  s.penalty = total;
}

// Asks for the rows of the next step while the weights are being updated.
// Always inline: GCC removes the call of a function that does nothing else.
template <class R> ML_INLINE void prefetch_rows(const Run<R>& run, int64_t step, int chunk, int chunks) {
  const ml_call& call = *run.call;
  if (call.rows.indptr) return;
  const int64_t bytes = (int64_t)columns_of(*run.net) * X_BYTES[call.rows.X_type];
  const Step<R>& s = run.steps[step - run.first];
  const int32_t* line = call.order + (step - call.first) * call.width;
  for (int r = part(s.rows, chunk, chunks); r < part(s.rows, chunk + 1, chunks); r++)
    for (long i = 0; i < bytes; i += 64) __builtin_prefetch((const char*)call.rows.X + line[r] * bytes + i, 0, 2);
}

template <class R> static void train_chunk(void* context, long tick, int number, int chunk) {
  Run<R>& run = *(Run<R>*)context;
  Network<R>& net = *run.net;
  const int64_t step = run.first + tick;
  Step<R>& s = run.steps[tick];
  const Phase& phase = run.plan.phases[number];
  const int chunks = run.plan.chunks[number];
  const int32_t* line = run.call->order + (step - run.call->first) * run.call->width;
  const Batch b = {s.rows, (uint32_t)step, true, s.weight_total, strength_of(net.spec, step), run.call->rows.indptr ? &run.call->rows : nullptr, line, 0};
  if (number == 0 && chunk == 0 && tick > 0 && net.spec.alpha > 0 && run.update)
    sum_penalties(net, run.steps[tick - 1], step - 1);
  switch (phase.kind) {
    case BY_ROWS: rows_chunk(run, phase, s, b, line, chunk, chunks); break;
    case BY_MEMBER: member_chunk(run, s, b, line, chunk); break;
    case TRANSPOSE: transpose_chunk(net, chunk, chunks); break;
    case FORWARD_BY_COLUMNS: {
      const int n = net.layers[phase.layer].n_panels;
      forward(net, phase.layer, net.copies[ML_PARAMS], b, 0, b.rows, part(n, chunk, chunks), part(n, chunk + 1, chunks));
      break;
    }
    case BACKWARD_BY_COLUMNS: {
      const int n = net.layers[phase.layer].n_panels;
      backward(net, phase.layer, net.copies[ML_PARAMS], b, 0, b.rows, part(n, chunk, chunks), part(n, chunk + 1, chunks));
      break;
    }
    case SLOPES:
      if (chunk == 0) sum_losses(net, s);
      slopes_chunk(run, s, step, chunk, chunks);
      if (tick + 1 < run.ticks && run.call->rows.n * columns_of(net) > 1 << 16) prefetch_rows(run, step + 1, chunk, chunks);
      break;
    case NORM_OF_GRADIENT: norm_chunk(run, s, step, chunk, chunks); break;
    case UPDATE: update_chunk(run, s, step, chunk, chunks); break;
  }
}

}  // namespace
