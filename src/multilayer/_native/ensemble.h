// Ensembles whose members share kernels (Wen et al., 2020; TabM: Gorishniy et al., 2024).
//
// A batch has the rows of all members, one member after another, equally many. Members differ in vectors
// that scale what goes into a kernel and what comes out of it, in biases, and in kernels of some layers.
// A chunk is a member: it takes its rows through all layers and back, some at a time, and sums up the
// gradients of its own arrays. Those of shared kernels are formed over all rows afterwards.
#pragma once
#include "steps.h"

namespace {

// to = from * factors, for rows and panels; `factors` are one for each column.
template <class R>
static void scale_columns(const Network<R>& net, const R* from, const R* factors, R* to, int panels, int r0, int r1) {
  constexpr int PW = PANEL<R>;
  for (int p = 0; p < panels; p++)
    for (int v = 0; v < PW; v += LANES<R>) {
      const Vec<R> factor = load(factors + p * PW + v);
      for (long i = p * net.stride + (long)r0 * PW + v; i < p * net.stride + (long)r1 * PW; i += PW)
        store(to + i, load(from + i) * factor);
    }
}

// The sums over rows of g, or of g * x, for each column: added to `to`, or put there where they are the first.
template <class R>
static void sum_columns(const Network<R>& net, const R* g, const R* x, R* to, int panels, int r0, int r1, bool first) {
  constexpr int PW = PANEL<R>;
  for (int p = 0; p < panels; p++)
    for (int v = 0; v < PW; v += LANES<R>) {
      const long at = p * net.stride + (long)r0 * PW + v;
      const Vec<R> sum = column_sum<R>(g + at, x ? x + at : nullptr, r1 - r0);
      store(to + p * PW + v, first ? sum : load(to + p * PW + v) + sum);
    }
}

// Where a member's part of an array begins.
template <class R> static long of_member(const Layer<R>& l, int array, int member) {
  const bool own = array == ML_KERNEL ? l.s.own_kernels : array != ML_BIAS || l.s.own_kernels || l.s.scales_out;
  const long size = array == ML_KERNEL ? l.kernel_size() : (long)(array == ML_SCALE_IN ? l.k_panels : l.n_panels) * PANEL<R>;
  return l.at[array] + (own ? member * size : 0);
}

template <class R>
static void member_forward(const Network<R>& net, int number, const R* params, const Batch& b, int member, int r0, int r1) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  const Layer<R>& l = net.layers[number];
  if (l.s.scales_in) scale_columns(net, l.plain, params + of_member(l, ML_SCALE_IN, member), l.in, l.k_panels, r0, r1);
  const R* bias = params + of_member(l, ML_BIAS, member);
  Product<R> m;
  m.a = l.in, m.a_stride = net.stride, m.k = l.s.n_in;
  m.b = params + of_member(l, ML_KERNEL, member), m.b_stride = (long)l.k_panels * PW * PW, m.n = l.s.n_out;
  m.bias = l.s.scales_out ? nullptr : bias, m.add = m.other = nullptr;
  m.c = l.s.scales_out ? l.sums : l.out, m.c_stride = net.stride, m.ending = END_PLAIN;
  product(m, r0, r1, 0, l.n_panels);
  const R* scale = params + of_member(l, ML_SCALE_OUT, member);
  for (int c = 0; l.s.scales_out && c < l.n_panels * PW; c += VL)
    for (int r = r0; r < r1; r++) {
      const long at = c / PW * net.stride + (long)r * PW + c % PW;
      store(l.out + at, load(l.sums + at) * load(scale + c) + load(bias + c));
    }
  if (number + 1 < net.n_layers) activate(net, number, params, b, r0, r1, 0, l.n_panels);
}

// From the gradient of the outputs to that of what the table learns; `first` rows of the member, or more.
template <class R> static void member_backward(const Network<R>& net, const R* params, int member, int r0, int r1, bool first) {
  constexpr int PW = PANEL<R>;
  R *g = net.copies[ML_GRADIENT], *below = net.between[1];
  const bool into_table = net.table && net.table->own_g;
  for (int i = net.n_layers - 1; i >= 0; i--) {
    const Layer<R>& l = net.layers[i];
    R* gradient = l.s.scales_out ? net.between[0] : l.gz;
    if (l.s.scales_out || l.s.own_kernels)
      sum_columns<R>(net, gradient, nullptr, g + of_member(l, ML_BIAS, member), l.n_panels, r0, r1, first);
    if (l.s.scales_out) {
      const long at = of_member(l, ML_SCALE_OUT, member);
      sum_columns<R>(net, gradient, l.sums, g + at, l.n_panels, r0, r1, first);
      scale_columns<R>(net, gradient, params + at, l.gz, l.n_panels, r0, r1);
    }
    if (i == 0 && !into_table && !l.s.scales_in) return;
    Product<R> m;
    m.a = l.gz, m.a_stride = net.stride, m.k = l.s.n_out;
    m.b = l.transposed + (l.s.own_kernels ? member * l.kernel_size() : 0), m.b_stride = (long)l.n_panels * PW * PW;
    m.n = l.s.n_in, m.bias = m.add = m.other = nullptr;
    m.c = below, m.c_stride = net.stride, m.ending = END_PLAIN;
    product(m, r0, r1, 0, l.k_panels);
    if (l.s.scales_in) {
      const long at = of_member(l, ML_SCALE_IN, member);
      sum_columns<R>(net, below, l.plain, g + at, l.k_panels, r0, r1, first);
      scale_columns<R>(net, below, params + at, below, l.k_panels, r0, r1);
    }
    if (i == 0 && !into_table) return;
    const R* slopes = i ? net.layers[i - 1].slopes : nullptr;
    R* to = i == 0 ? net.table->own_g : net.layers[i - 1].s.scales_out ? net.between[0] : net.layers[i - 1].gz;
    const Vec<R> factor = all<R>(i == 0 ? (R)net.table->s.out_factor : (R)1);
    for (int p = 0; p < l.k_panels; p++)
      for (long j = p * net.stride + (long)r0 * PW; j < p * net.stride + (long)r1 * PW; j += LANES<R>)
        store(to + j, load(below + j) * (slopes ? load(slopes + j) : factor));
  }
}

// The gradient of a member's own kernels, over all of its rows.
template <class R> static void own_kernel_slopes(const Network<R>& net, int member, int r0, int rows) {
  constexpr int PW = PANEL<R>;
  for (int i = 0; i < net.n_layers; i++) {
    const Layer<R>& l = net.layers[i];
    if (!l.s.own_kernels) continue;
    R* to = net.copies[ML_GRADIENT] + of_member(l, ML_KERNEL, member);
    const long row = (long)r0 * PW;
    for (int p = 0; p < l.n_panels; p++)
      for (int q = 0; q < l.k_panels; q++, to += PW * PW) {
        alignas(64) R sums[PW * PW];
        const int inputs = l.s.n_in - q * PW < PW ? l.s.n_in - q * PW : PW;
        slope(l.in + q * net.stride + row, l.gz + p * net.stride + row, rows, inputs, l.s.n_out - p * PW, sums);
        memcpy(to, sums, (size_t)inputs * PW * sizeof(R));
      }
  }
}

template <class R> static void member_chunk(const Run<R>& run, const Step<R>& s, const Batch& b, const int32_t* line, int member) {
  Network<R>& net = *run.net;
  const R* params = net.copies[ML_PARAMS];
  const int rows = b.rows / net.spec.n_members, begin = member * rows;
  R* x = net.scratch + member * 2 * net.scratch_size;
  const Parts parts(rows, ROWS_OF_CHUNK);
  for (int i = 0, r0 = begin; i < parts.count; r0 += parts.size(i++)) {
    const int r1 = r0 + parts.size(i);
    for (int r = r0; r < r1; r++) take_row(net, params, b, run.call->rows, line[r], r, x, x + net.scratch_size);
    for (int l = 0; l < net.n_layers; l++) member_forward(net, l, params, b, member, r0, r1);
    judge_rows(run, s, line, member, r0, r1);
    member_backward(net, params, member, r0, r1, i == 0);
  }
  own_kernel_slopes(net, member, begin, rows);
}

// Norms and updates, by stretches of what is learnt -------------------------------------------------

constexpr long STRETCH = 512;

template <class R> static void stretch_norms(const Run<R>& run, int chunk, int chunks) {
  const Network<R>& net = *run.net;
  for (long i = net.n_stretches * chunk / chunks; i < net.n_stretches * (chunk + 1) / chunks; i++) {
    const Stretch<R>& own = net.stretches[i];
    Vec<R> sum = all<R>(0);
    for (long j = own.at; j < own.at + own.n; j += LANES<R>) {
      const Vec<R> x = load(net.copies[ML_GRADIENT] + j);
      sum += x * x;
    }
    run.norms[i] = (double)sum_of<R>(sum);
  }
}

template <class R> static void stretch_updates(const Run<R>& run, const Numbers<R>& h, R shorter, int chunk, int chunks) {
  const Network<R>& net = *run.net;
  for (long i = net.n_stretches * chunk / chunks; i < net.n_stretches * (chunk + 1) / chunks; i++) {
    const Stretch<R>& own = net.stretches[i];
    alignas(64) R g[STRETCH];
    for (long j = 0; j < own.n; j += LANES<R>) store(g + j, load(net.copies[ML_GRADIENT] + own.at + j) * all<R>(shorter));
    Numbers<R> numbers = h;
    numbers.factor = own.rate, numbers.weight_decay *= own.decay;
    RULES<R>[net.spec.rule].apply(numbers, g, weights_at(net, own.at), own.n, nullptr);
  }
}

// Writes a kernel's transpose beside it, for some of its panels of outputs.
template <class R> static void transpose_kernel(const Layer<R>& l, const R* kernel, R* to, int p0, int p1) {
  constexpr int PW = PANEL<R>;
  for (int p = p0; p < p1; p++)
    for (int q = 0; q < l.k_panels; q++)
      transpose(kernel + ((long)p * l.k_panels + q) * PW * PW, to + ((long)q * l.n_panels + p) * PW * PW);
}

template <class R> static void transpose_chunk(const Network<R>& net, int chunk, int chunks) {
  for (int i = 0; i < net.n_layers; i++) {
    const Layer<R>& l = net.layers[i];
    if (!l.transposed) continue;
    const int kernels = l.s.own_kernels ? net.spec.n_members : 1, all_panels = kernels * l.n_panels;
    for (int k = part(all_panels, chunk, chunks); k < part(all_panels, chunk + 1, chunks); k++) {
      const long from = k / l.n_panels * l.kernel_size();
      transpose_kernel(l, net.copies[ML_PARAMS] + l.at[ML_KERNEL] + from, l.transposed + from, k % l.n_panels, k % l.n_panels + 1);
    }
  }
}

// The stretches of a network, counted where `to` is null.
template <class R> static long list_stretches(const Network<R>& net, Stretch<R>* to) {
  long count = 0;
  auto add = [&](long at, long n, double rate, double decay) {
    for (long i = 0; i < n; i += STRETCH, count++)
      if (to) to[count] = {at + i, n - i < STRETCH ? n - i : STRETCH, (R)rate, (R)decay};
  };
  const long members = net.spec.n_members;
  if (net.table) {
    const Table<R>& t = *net.table;
    const int waves[] = {ML_FREQUENCIES, ML_PHASES, ML_WAVE_KERNEL, ML_WAVE_BIAS};
    for (int a : waves) add(t.at[a], t.at[a + 1] - t.at[a], t.s.wave_rate, t.s.wave_rate);
    add(t.at[ML_RAMP_SLOPE], t.at[ML_RAMP_KERNEL] - t.at[ML_RAMP_SLOPE], 1, 0);
    add(t.at[ML_RAMP_KERNEL], (long)t.s.n_ramped * t.s.n_ramps * t.ramp_stride, 1, 1);
    for (int j = 0; j < t.s.n_categories; j++) add(t.embedding_at[j], padded<R>(table_values(t, ML_EMBEDDINGS + j)), 1, 1);
  }
  for (int i = 0; i < net.n_layers; i++) {
    const Layer<R>& l = net.layers[i];
    const int arrays[] = {ML_KERNEL, ML_BIAS, ML_SCALE_IN, ML_SCALE_OUT};
    for (int a : arrays) {
      if (!l.has(a)) continue;
      const long one = of_member(l, a, 1) - l.at[a], size = a == ML_KERNEL ? l.kernel_size() : (long)l.n_panels * PANEL<R>;
      add(l.at[a], one ? members * one : size, l.s.rates[a], l.s.decays[a]);
    }
  }
  return count;
}

// What an ensemble that shares kernels cannot have.
static inline bool wrong_ensemble(const ml_spec& spec) {
  const bool shared = spec.n_members > 1;
  if (spec.n_members > 4096 || (shared && spec.most_rows % spec.n_members)) return true;
  if (shared && spec.table && (spec.table->weighted || spec.table->drops)) return true;
  if (shared && (spec.max_normed || spec.averaged || spec.accumulated || spec.alpha > 0)) return true;
  for (int i = 0; i < spec.n_layers; i++) {
    const ml_layer& l = spec.layers[i];
    if (!shared && (l.scales_in || l.scales_out || l.own_kernels)) return true;
    if (shared && (l.norm || l.skip || l.frozen || l.parametric || (l.scales_out && (l.own_kernels || i == spec.n_layers - 1)))) return true;
  }
  return false;
}

}  // namespace
