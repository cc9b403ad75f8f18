// How rows come in: packed as they are, or what is made of the columns of a table.
//
// A row of a table becomes a row of inputs with these parts side by side:
//
//   waves       of the first columns: cosines of learnt frequencies, and a dense layer of each column
//   ramps       of columns after the scaled ones: a linear function, and a dense layer of the places in bins
//   scaled      the first columns, centred, divided by their spread and clipped smoothly
//   bins        the places of scaled columns in their bins, from 0 to 1
//   passed      columns as they are
//   embeddings  of the last columns, which are codes of categories
//
// Then dropout, and a weight of each input. Each part may be empty. The formulas are those of the layers
// in `_nn/column_layers.py` and `_nn/embeddings.py`.
#pragma once
#include "network.h"

namespace {

// Rows as they are ---------------------------------------------------------------------------------

template <class R, class X>
static void pack_row(const X* x, int n, R scale, bool scaled, R* to, long stride) {
  constexpr int PW = PANEL<R>;
  for (; n >= PW; n -= PW, x += PW, to += stride) {
    R part[PW];
    for (int i = 0; i < PW; i++) part[i] = (R)x[i];
    if (scaled)
      for (int i = 0; i < PW; i++) part[i] *= scale;
    memcpy(to, part, sizeof part);
  }
  for (int i = 0; i < n; i++) to[i] = scaled ? (R)x[i] * scale : (R)x[i];
}

// The n columns of a row, each panel of them `stride` numbers after the last one.
template <class R> static void read_row(const Network<R>& net, const ml_rows& rows, int64_t row, int n, R* to, long stride) {
  const R scale = (R)net.spec.input_scale;
  const bool scaled = net.spec.input_scale != 1;
  const int64_t from = row * n;
  switch (rows.X_type) {  // the order of X_TYPES in `_engine/native/library.py`
    case 0: pack_row<R>((const float*)rows.X + from, n, scale, scaled, to, stride); break;
    case 1: pack_row<R>((const double*)rows.X + from, n, scale, scaled, to, stride); break;
    case 2: pack_row<R>((const uint8_t*)rows.X + from, n, scale, scaled, to, stride); break;
    case 3: pack_row<R>((const int8_t*)rows.X + from, n, scale, scaled, to, stride); break;
    case 4: pack_row<R>((const uint16_t*)rows.X + from, n, scale, scaled, to, stride); break;
    case 5: pack_row<R>((const int16_t*)rows.X + from, n, scale, scaled, to, stride); break;
  }
}
constexpr int X_BYTES[6] = {4, 8, 1, 1, 2, 2};

template <class R> static int columns_of(const Network<R>& net) {
  return net.table ? net.table->n_columns : net.layers[0].s.n_in;
}

// Dropout of inputs, and Gaussian noise added to them.
template <class R> static void disturb(const Network<R>& net, const Batch& b, int r0, int r1) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  const Layer<R>& l = net.layers[0];
  const R keep = (R)(1.0 - net.spec.input_dropout), noise = (R)net.spec.input_noise;
  const Dropout<R> dropout = {key_of(net.spec.seed, b.step, (uint32_t)net.n_layers), keep, (uint32_t)l.k_panels};
  const Key noisy = key_of(net.spec.seed, b.step, (uint32_t)net.n_layers + 1);
  for (int p = 0; p < l.k_panels; p++)
    for (int r = r0; r < r1; r++) {
      const Pair<R> mask = net.spec.input_dropout > 0 ? dropout.factors(r, p) : Pair<R>{{all<R>(1), all<R>(1)}};
      for (int v = 0; v < PW; v += VL) {
        R* at = l.in + p * net.stride + (long)r * PW + v;
        const uint32_t index = (uint32_t)r * (uint32_t)(l.k_panels * PW) + (uint32_t)(p * PW + v);
        Vec<R> x = load(at) * mask.v[v / VL];
        if (net.spec.input_noise > 0)
          x += all<R>(noise) * normal<R>(noisy, index) * real_lanes<R>(l.s.n_in - p * PW - v);
        store(at, x);
      }
    }
}

// A row of a table ---------------------------------------------------------------------------------

constexpr int MOST_FREQUENCIES = 256, MOST_WAVES = 64, MOST_RAMPS = 1024, MOST_RAMP_SIZE = 64;  // of a column

// z / sqrt(1 + (z / 3)^2), within (-3, 3).
template <class R> ML_INLINE Vec<R> smooth_clip(Vec<R> z) {
  z = at_least<R>(at_most<R>(z, (R)1e9), (R)-1e9);  // the square of more overflows
  const Vec<R> part = z * all<R>((R)(1.0 / 3.0));
  return z / square_root_of<R>(all<R>(1) + part * part);
}

// Turns within half a turn.
template <class R> ML_INLINE Vec<R> within_half(Vec<R> turns) {
  const Vec<R> rounder = all<R>(Format<R>::ROUNDER);
  return turns - ((turns + rounder) - rounder);
}

// The cosines of a column, in turns: z * frequencies + phases / (2 pi).
template <class R> ML_INLINE Vec<R> turns_of(const Table<R>& t, const R* params, int column, int f, R z) {
  const long at = (long)column * t.frequencies + f;
  const Vec<R> phases = load(params + t.at[ML_PHASES] + at) * all<R>((R)0.15915494309189535);
  return all<R>(z) * load(params + t.at[ML_FREQUENCIES] + at) + phases;
}

template <class R> static void waves_of(const Table<R>& t, const R* params, int column, R z, R* out) {
  alignas(64) R waves[MOST_FREQUENCIES];
  for (int f = 0; f < t.frequencies; f += LANES<R>)
    store(waves + f, cosine_of_turns<R>(within_half<R>(turns_of(t, params, column, f, z))));
  for (int i = 0; i < t.s.wave_size; i++) {
    const R* kernel = params + t.at[ML_WAVE_KERNEL] + ((long)column * t.s.wave_size + i) * t.frequencies;
    Vec<R> sum = all<R>(0);  // padding of the kernel is 0
    for (int f = 0; f < t.frequencies; f += LANES<R>) sum += load(waves + f) * load(kernel + f);
    out[i] = sum_of<R>(sum) + params[t.at[ML_WAVE_BIAS] + (long)column * t.wave_stride + i];
  }
}

// The places of a number in the bins of its column.
template <class R> static void ramp_places(const Table<R>& t, const R* params, int column, R z, R* places) {
  const long at = (long)column * t.ramp_bins;
  for (int i = 0; i < t.ramp_bins; i += LANES<R>) {
    Vec<R> place = (all<R>(z) - load(params + t.at[ML_RAMP_LOW] + at + i)) * load(params + t.at[ML_RAMP_FACTOR] + at + i);
    place = larger<R>(place, load(params + t.at[ML_RAMP_FLOOR] + at + i));
    store(places + i, smaller<R>(place, load(params + t.at[ML_RAMP_CEILING] + at + i)));
  }
}

// The embedding of a number by its places: z * slope + offset + places * kernel.
template <class R> static void ramps_of(const Table<R>& t, const R* params, int column, R z, R* out) {
  alignas(64) R places[MOST_RAMPS], sums[MOST_RAMP_SIZE];
  ramp_places(t, params, column, z, places);
  const long at = (long)column * t.ramp_stride;
  const R* kernel = params + t.at[ML_RAMP_KERNEL] + at * t.s.n_ramps;
  for (int i = 0; i < t.ramp_stride; i += LANES<R>) {
    Vec<R> sum = all<R>(z) * load(params + t.at[ML_RAMP_SLOPE] + at + i) + load(params + t.at[ML_RAMP_OFFSET] + at + i);
    for (int b = 0; b < t.s.n_ramps; b++) sum += all<R>(places[b]) * load(kernel + b * t.ramp_stride + i);
    store(sums + i, sum);
  }
  memcpy(out, sums, (size_t)t.s.ramp_size * sizeof(R));
}

// A code within its category: it is an address.
static inline int32_t code_of(double x, int32_t most) { return !(x >= 0) ? 0 : x >= most ? most - 1 : (int32_t)x; }

// All parts of a row, into `u`; `x` has the row's columns.
template <class R> static void encode_row(const Table<R>& t, const R* params, const R* x, int row, R* u) {
  R* z = t.scaled + (long)row * t.scaled_stride;
  for (int i = 0; i < t.s.n_scaled; i += LANES<R>) {
    const Vec<R> centred = load(x + i) - load(params + t.at[ML_CENTRE] + i);
    store(z + i, smooth_clip<R>(centred * load(params + t.at[ML_FACTOR] + i)));
  }
  for (int c = 0; c < t.s.n_waved; c++) waves_of(t, params, c, z[c], u + c * t.s.wave_size);
  memcpy(z + t.s.n_scaled, x + t.s.n_scaled, (size_t)t.s.n_ramped * sizeof(R));
  for (int c = 0; c < t.s.n_ramped; c++) ramps_of(t, params, c, z[t.s.n_scaled + c], u + t.ramps_at + c * t.s.ramp_size);
  memcpy(u + t.scaled_at, z, (size_t)t.s.n_scaled * sizeof(R));
  const R *low = params + t.at[ML_BIN_LOW], *slope = params + t.at[ML_BIN_SLOPE], *mean = params + t.at[ML_BIN_MEAN];
  const Vec<R> gain = all<R>(params[t.at[ML_BIN_GAIN]]);
  R* bins = u + t.bins_at;  // the column of each bin first; what is written beyond the last is written again
  for (int i = 0; i < t.s.n_bins; i++) bins[i] = z[t.bin_columns[i]];
  for (int i = 0; i < t.s.n_bins; i += LANES<R>) {
    Vec<R> place;
    memcpy(&place, bins + i, sizeof place);
    place = (place - load(low + i)) * load(slope + i);
    place = (smaller<R>(larger<R>(place, all<R>(0)), all<R>(1)) - load(mean + i)) * gain;
    memcpy(bins + i, &place, sizeof place);
  }
  memcpy(u + t.passed_at, x + t.s.n_scaled + t.s.n_ramped, (size_t)t.s.n_passed * sizeof(R));
  const R* codes = x + t.s.n_scaled + t.s.n_ramped + t.s.n_passed;
  for (int j = 0; j < t.s.n_categories; j++) {
    const int32_t code = code_of(codes[j], t.cardinalities[j]);
    t.codes[(long)row * t.s.n_categories + j] = code;
    const R* embedding = params + t.embedding_at[j] + (long)code * t.s.category_size;
    memcpy(u + t.embeddings_at + j * t.s.category_size, embedding, (size_t)t.s.category_size * sizeof(R));
  }
}

// Dropout of a table's outputs in a step.
template <class R> struct TableDropout {
  Dropout<R> dropout; bool drops;
  TableDropout(const Network<R>& net, const R* params, const Batch& b) {
    const Table<R>& t = *net.table;
    const R keep = (R)(1.0 - (double)params[t.at[ML_TABLE_DROPOUT]] * b.strength);
    dropout = {key_of(net.spec.seed, b.step, (uint32_t)net.n_layers), keep, (uint32_t)net.layers[0].k_panels};
    drops = b.training && t.s.drops && keep < 1;
  }
  Pair<R> factors(int row, int panel) const {
    return drops ? dropout.factors(row, panel) : Pair<R>{{all<R>(1), all<R>(1)}};
  }
};

// What outputs are multiplied by after dropout: their weights, and the factor of all.
template <class R> ML_INLINE Vec<R> weights_of(const Table<R>& t, const R* params, int column) {
  const Vec<R> factor = all<R>((R)t.s.out_factor), one = all<R>(1);
  if (!t.s.weighted) return factor;
  return factor * (one + all<R>(params[t.at[ML_USED]]) * (load(params + t.at[ML_WEIGHTS] + column) - one));
}

// Takes in a row as input of the first layer; `x` and `u` are memory for the columns and the outputs.
template <class R> static void take_row(const Network<R>& net, const R* params, const Batch& b, const ml_rows& rows,
                                        int64_t number, int row, R* x, R* u) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  const Layer<R>& l = net.layers[0];
  if (!net.table) return read_row(net, rows, number, l.s.n_in, l.plain + (long)row * PW, net.stride);
  const Table<R>& t = *net.table;
  read_row(net, rows, number, t.n_columns, x, (long)PW);
  for (int i = t.n_columns; i < (t.n_columns + PW - 1) / PW * PW; i++) x[i] = 0;
  encode_row(t, params, x, row, u);
  for (int i = l.s.n_in; i < l.k_panels * PW; i++) u[i] = 0;
  const TableDropout<R> dropout(net, params, b);
  for (int p = 0; p < l.k_panels; p++) {
    const Pair<R> mask = dropout.factors(row, p);
    for (int v = 0; v < PW; v += VL) {
      const int column = p * PW + v;
      const long at = p * net.stride + (long)row * PW + v;
      const Vec<R> plain = load(u + column) * mask.v[v / VL];
      if (t.plain) store(t.plain + at, plain);
      store(l.plain + at, plain * weights_of(t, params, column));
    }
  }
}

// The gradient of a table's outputs for rows, as far as something in front of them learns.
template <class R> static void table_backward(const Network<R>& net, const R* params, const Batch& b, int r0, int r1) {
  constexpr int PW = PANEL<R>;
  const Table<R>& t = *net.table;
  const Layer<R>& l = net.layers[0];
  Product<R> m;
  m.a = l.gz, m.a_stride = net.stride, m.k = l.s.n_out;
  m.b = l.transposed, m.b_stride = (long)l.n_panels * PW * PW, m.n = l.s.n_in;
  m.bias = m.add = m.other = nullptr, m.c = t.g, m.c_stride = net.stride, m.ending = END_PLAIN;
  product(m, r0, r1, t.first_learnt, l.k_panels);
  if (!t.own_g) return;
  const TableDropout<R> dropout(net, params, b);
  for (int p = t.first_learnt; p < l.k_panels; p++)
    for (int r = r0; r < r1; r++) {
      const Pair<R> mask = dropout.factors(r, p);
      for (int v = 0; v < PW; v += LANES<R>) {
        const long at = p * net.stride + (long)r * PW + v;
        store(t.own_g + at, load(t.g + at) * mask.v[v / LANES<R>] * weights_of(t, params, p * PW + v));
      }
    }
}

// Gradients of what a table learns, in units: panels of weights, columns with waves, with ramps, categories

template <class R> static bool table_learns(const ml_table& s) {
  return s.weighted || s.n_waved || s.n_ramped || s.n_categories;
}

template <class R> static int table_units(const Network<R>& net) {
  if (!net.table) return 0;
  const ml_table& s = net.table->s;
  return table_learns<R>(s) && net.table->g ? (s.weighted ? net.layers[0].k_panels : 0) + s.n_waved + s.n_ramped + s.n_categories : 0;
}

// The gradient of an output in row 0; that of row r is r * PANEL numbers further on.
template <class R> ML_INLINE const R* gradients_of(const Network<R>& net, int column) {
  constexpr int PW = PANEL<R>;
  return net.table->own_g + column / PW * net.stride + column % PW;
}

template <class R> static void wave_slopes(const Network<R>& net, int column, int rows) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  const Table<R>& t = *net.table;
  const R* params = net.copies[ML_PARAMS];
  R* g = net.copies[ML_GRADIENT];
  const int size = t.s.wave_size, n = t.frequencies;
  const long at = (long)column * n;
  const R* own[MOST_WAVES];
  R* bias = g + t.at[ML_WAVE_BIAS] + (long)column * t.wave_stride;
  for (int i = 0; i < size; i++) {
    own[i] = gradients_of(net, column * size + i), bias[i] = 0;
    for (int r = 0; r < rows; r++) bias[i] += own[i][(long)r * PW];
  }
  for (int f = 0; f < n; f += VL) {
    const R* z = t.scaled + column;
    Vec<R> phases = all<R>(0), frequencies = all<R>(0), kernel[MOST_WAVES], sums[MOST_WAVES];
    for (int i = 0; i < size; i++)
      kernel[i] = load(params + t.at[ML_WAVE_KERNEL] + at * size + i * n + f), sums[i] = all<R>(0);
    for (int r = 0; r < rows; r++, z += t.scaled_stride) {
      const Angle<R> angle = angle_of_turns<R>(within_half<R>(turns_of(t, params, column, f, *z)));
      Vec<R> up = all<R>(0);
      for (int i = 0; i < size; i++) {
        const Vec<R> mine = all<R>(own[i][(long)r * PW]);
        sums[i] += mine * angle.cosine, up += mine * kernel[i];
      }
      const Vec<R> slope = up * angle.sine;
      phases -= slope, frequencies -= slope * all<R>(*z);
    }
    store(g + t.at[ML_PHASES] + at + f, phases);
    store(g + t.at[ML_FREQUENCIES] + at + f, frequencies * all<R>((R)6.283185307179586));
    // Padded frequencies are 0 but their cosine is not: padding of the kernel must stay 0.
    for (int i = 0; i < size; i++)
      store(g + t.at[ML_WAVE_KERNEL] + at * size + i * n + f, sums[i] * real_lanes<R>(t.s.n_frequencies - f));
  }
}

template <class R> static void ramp_slopes(const Network<R>& net, int column, int rows) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  const Table<R>& t = *net.table;
  R* g = net.copies[ML_GRADIENT];
  const int size = t.s.ramp_size, stride = t.ramp_stride, bins = t.s.n_ramps;
  const long at = (long)column * stride;
  R *slope = g + t.at[ML_RAMP_SLOPE] + at, *offset = g + t.at[ML_RAMP_OFFSET] + at, *kernel = g + t.at[ML_RAMP_KERNEL] + at * bins;
  memset(slope, 0, (size_t)stride * sizeof(R)), memset(offset, 0, (size_t)stride * sizeof(R));
  memset(kernel, 0, (size_t)stride * bins * sizeof(R));
  alignas(64) R places[MOST_RAMPS], mine[MOST_RAMP_SIZE] = {};
  const R* own[MOST_RAMP_SIZE];
  for (int i = 0; i < size; i++) own[i] = gradients_of(net, t.ramps_at + column * size + i);
  for (int r = 0; r < rows; r++) {
    const R z = t.scaled[(long)r * t.scaled_stride + t.s.n_scaled + column];
    ramp_places(t, net.copies[ML_PARAMS], column, z, places);
    for (int i = 0; i < size; i++) mine[i] = own[i][(long)r * PW];
    for (int i = 0; i < stride; i += VL) {
      const Vec<R> up = load(mine + i);
      store(slope + i, load(slope + i) + up * all<R>(z)), store(offset + i, load(offset + i) + up);
      for (int b = 0; b < bins; b++)
        if (places[b] != 0) store(kernel + b * stride + i, load(kernel + b * stride + i) + up * all<R>(places[b]));
    }
  }
}

template <class R> static void embedding_slopes(const Network<R>& net, int category, int rows) {
  constexpr int PW = PANEL<R>;
  const Table<R>& t = *net.table;
  const int size = t.s.category_size;
  R* g = net.copies[ML_GRADIENT] + t.embedding_at[category];
  memset(g, 0, (size_t)t.cardinalities[category] * size * sizeof(R));
  for (int i = 0; i < size; i++) {
    const R* own = gradients_of(net, t.embeddings_at + category * size + i);
    const int32_t* code = t.codes + category;
    for (int r = 0; r < rows; r++, code += t.s.n_categories) g[(long)*code * size + i] += own[(long)r * PW];
  }
}

// The gradient of a unit over all rows, and what a rule makes of it (or `into` a copy, where it is not null).
template <class R>
static void table_slopes(const Network<R>& net, int unit, Apply<R> apply, Numbers<R> h, int rows, R* into) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  const Table<R>& t = *net.table;
  const R decay = h.weight_decay;
  h.l1 = h.l2 = 0;
  auto update = [&](long at, const R* gradient, long n, double rate, double decays) {
    Numbers<R> own = h;
    own.factor = (R)rate, own.weight_decay = decay * (R)decays;
    Weights<R> w = weights_at(net, at);
    if (into) w.w = into + at;
    apply(own, gradient, w, n, nullptr);
  };
  const R* g = net.copies[ML_GRADIENT];
  if (t.s.weighted && unit < net.layers[0].k_panels) {
    alignas(64) R sums[PW];
    const R factor = (R)t.s.out_factor * net.copies[ML_PARAMS][t.at[ML_USED]];
    const long from = unit * net.stride;
    for (int v = 0; v < PW; v += VL) store(sums + v, column_sum<R>(t.g + from + v, t.plain + from + v, rows) * all<R>(factor));
    return update(t.at[ML_WEIGHTS] + unit * PW, sums, PW, t.s.weight_rate, t.s.weight_rate);
  }
  if (t.s.weighted) unit -= net.layers[0].k_panels;
  if (unit < t.s.n_waved) {
    wave_slopes(net, unit, rows);
    const long at = (long)unit * t.frequencies, n = (long)t.frequencies * t.s.wave_size;
    const long parts[4][2] = {{t.at[ML_FREQUENCIES] + at, t.frequencies}, {t.at[ML_PHASES] + at, t.frequencies},
                              {t.at[ML_WAVE_KERNEL] + at * t.s.wave_size, n},
                              {t.at[ML_WAVE_BIAS] + (long)unit * t.wave_stride, t.wave_stride}};
    for (auto& part : parts) update(part[0], g + part[0], part[1], t.s.wave_rate, t.s.wave_rate);
    return;
  }
  unit -= t.s.n_waved;
  if (unit < t.s.n_ramped) {
    ramp_slopes(net, unit, rows);
    const long at = (long)unit * t.ramp_stride;
    const int linear[2] = {ML_RAMP_SLOPE, ML_RAMP_OFFSET};
    for (int a : linear) update(t.at[a] + at, g + t.at[a] + at, t.ramp_stride, 1, 0);
    const long kernel = t.at[ML_RAMP_KERNEL] + at * t.s.n_ramps;
    return update(kernel, g + kernel, (long)t.ramp_stride * t.s.n_ramps, 1, 1);
  }
  unit -= t.s.n_ramped;
  embedding_slopes(net, unit, rows);
  const long n = (long)t.cardinalities[unit] * t.s.category_size;
  update(t.embedding_at[unit], g + t.embedding_at[unit], (n + VL - 1) / VL * VL, 1, 1);
}

// A table in memory --------------------------------------------------------------------------------

template <class R> static long padded(long n) { return (n + PANEL<R> - 1) / PANEL<R> * PANEL<R>; }

// The number of an array's values as Python has them, and 0 where there is none.
template <class R> static long table_values(const Table<R>& t, int array) {
  const ml_table& s = t.s;
  switch (array) {
    case ML_CENTRE: case ML_FACTOR: return s.n_scaled;
    case ML_BIN_LOW: case ML_BIN_SLOPE: case ML_BIN_MEAN: return s.n_bins;
    case ML_BIN_GAIN: return 1;
    case ML_RAMP_LOW: case ML_RAMP_FACTOR: case ML_RAMP_FLOOR: case ML_RAMP_CEILING: return (long)s.n_ramped * s.n_ramps;
    case ML_RAMP_SLOPE: case ML_RAMP_OFFSET: return (long)s.n_ramped * s.ramp_size;
    case ML_RAMP_KERNEL: return (long)s.n_ramped * s.n_ramps * s.ramp_size;
    case ML_USED: return s.weighted;
    case ML_TABLE_DROPOUT: return s.drops;
    case ML_WEIGHTS: return s.weighted ? t.n_out : 0;
    case ML_FREQUENCIES: case ML_PHASES: return (long)s.n_waved * s.n_frequencies;
    case ML_WAVE_KERNEL: return (long)s.n_waved * s.n_frequencies * s.wave_size;
    case ML_WAVE_BIAS: return (long)s.n_waved * s.wave_size;
  }
  array -= ML_EMBEDDINGS;
  return array >= 0 && array < s.n_categories ? (long)t.cardinalities[array] * s.category_size : 0;
}

// Places its arrays in a copy from `at` on; returns where they end. Padding is 0 from the start.
template <class R> static long place_table(Table<R>& t, long at) {
  for (int a = 0; a < ML_EMBEDDINGS; a++) {
    t.at[a] = at;
    const bool waves = a >= ML_FREQUENCIES && a <= ML_WAVE_KERNEL;
    if (waves) at += (long)t.s.n_waved * t.frequencies * (a == ML_WAVE_KERNEL ? t.s.wave_size : 1);
    else if (a == ML_WAVE_BIAS) at += (long)t.s.n_waved * t.wave_stride;
    else if (a >= ML_RAMP_LOW && a <= ML_RAMP_CEILING) at += (long)t.s.n_ramped * t.ramp_bins;
    else if (a >= ML_RAMP_SLOPE) at += (long)t.s.n_ramped * t.ramp_stride * (a == ML_RAMP_KERNEL ? t.s.n_ramps : 1);
    else at += padded<R>(table_values(t, a));
  }
  for (int j = 0; j < t.s.n_categories; j++) t.embedding_at[j] = at, at += padded<R>(table_values(t, ML_EMBEDDINGS + j));
  return at;
}

template <class R> static void place_table_buffers(Network<R>& net, Arena& arena, bool trains) {
  Table<R>& t = *net.table;
  const long rows = net.stride_rows, n = (long)net.layers[0].k_panels * PANEL<R> * rows;
  t.scaled = arena.take<R>((size_t)t.scaled_stride * rows);
  t.codes = arena.take<int32_t>((size_t)t.s.n_categories * rows);
  const bool learns = trains && table_learns<R>(t.s);
  t.plain = learns && t.s.weighted ? arena.take<R>(n) : nullptr;
  t.g = learns ? arena.take<R>(n) : nullptr;
  t.own_g = learns && (t.s.n_waved || t.s.n_ramped || t.s.n_categories) ? arena.take<R>(n) : nullptr;
}

static inline bool wrong_table(const ml_table& s) {
  const int32_t counts[] = {s.n_scaled, s.n_passed, s.n_bins, s.n_waved, s.n_frequencies, s.wave_size,
                            s.n_ramped, s.n_ramps, s.ramp_size, s.n_categories, s.category_size};
  for (int32_t n : counts) if (n < 0 || n > 1 << 24) return true;
  if (s.n_waved > s.n_scaled || (s.n_waved && (s.n_frequencies < 1 || s.n_frequencies > MOST_FREQUENCIES || s.wave_size < 1 || s.wave_size > MOST_WAVES))) return true;
  if (s.n_ramped && (s.n_ramps < 1 || s.n_ramps > MOST_RAMPS || s.ramp_size < 1 || s.ramp_size > MOST_RAMP_SIZE)) return true;
  if ((s.n_bins && !s.bin_columns) || (s.n_categories && (!s.cardinalities || s.category_size < 1))) return true;
  for (int i = 0; i < s.n_bins; i++) if (s.bin_columns[i] < 0 || s.bin_columns[i] >= s.n_scaled) return true;
  for (int j = 0; j < s.n_categories; j++) if (s.cardinalities[j] < 1 || s.cardinalities[j] > 1 << 24) return true;
  return false;
}

static inline int64_t table_width(const ml_table& s) {
  return (int64_t)s.n_waved * s.wave_size + (int64_t)s.n_ramped * s.ramp_size + s.n_scaled + s.n_bins + s.n_passed + (int64_t)s.n_categories * s.category_size;
}

template <class R> static void free_table(Table<R>* t) {
  free(t->bin_columns), free(t->cardinalities), free(t->embedding_at), free(t);
}

// Makes a table from a description that is not wrong; null where memory is short.
template <class R> static Table<R>* make_table(const ml_table& s) {
  Table<R>* t = (Table<R>*)calloc(1, sizeof(Table<R>));
  if (!t) return nullptr;
  t->s = s;
  t->bin_columns = (int32_t*)calloc((size_t)s.n_bins + 1, sizeof(int32_t));
  t->cardinalities = (int32_t*)calloc((size_t)s.n_categories + 1, sizeof(int32_t));
  t->embedding_at = (long*)calloc((size_t)s.n_categories + 1, sizeof(long));
  if (!t->bin_columns || !t->cardinalities || !t->embedding_at) return free_table(t), nullptr;
  for (int i = 0; i < s.n_bins; i++) t->bin_columns[i] = s.bin_columns[i];
  for (int j = 0; j < s.n_categories; j++) t->cardinalities[j] = s.cardinalities[j];
  t->s.bin_columns = t->s.cardinalities = nullptr;  // the caller's
  t->n_columns = s.n_scaled + s.n_ramped + s.n_passed + s.n_categories;
  t->ramps_at = s.n_waved * s.wave_size, t->scaled_at = t->ramps_at + s.n_ramped * s.ramp_size;
  t->bins_at = t->scaled_at + s.n_scaled;
  t->passed_at = t->bins_at + s.n_bins, t->embeddings_at = t->passed_at + s.n_passed;
  t->n_out = t->embeddings_at + s.n_categories * s.category_size;
  t->frequencies = s.n_waved ? (int)padded<R>(s.n_frequencies) : 0;
  t->wave_stride = s.n_waved ? (int)padded<R>(s.wave_size) : 0;
  t->ramp_stride = s.n_ramped ? (int)padded<R>(s.ramp_size) : 0;
  t->ramp_bins = s.n_ramped ? (int)padded<R>(s.n_ramps) : 0;
  t->scaled_stride = (int)padded<R>(s.n_scaled + s.n_ramped + 1);
  t->first_learnt = s.weighted || s.n_waved || s.n_ramped ? 0 : t->embeddings_at / PANEL<R>;
  return t;
}

// Moves an array of the table between a copy and row-major memory.
template <class R> static int move_table(Network<R>& net, int copy, int array, R* values, bool in) {
  if (!net.table || array < 0 || array >= ML_EMBEDDINGS + net.table->s.n_categories) return ML_BAD_ARGUMENT;
  const Table<R>& t = *net.table;
  const long n = table_values(t, array);
  if (!n) return ML_BAD_ARGUMENT;
  R* own = net.copies[copy] + (array < ML_EMBEDDINGS ? t.at[array] : t.embedding_at[array - ML_EMBEDDINGS]);
  auto exchange = [&](R* packed, R* plain, long count) {
    if (in) memcpy(packed, plain, (size_t)count * sizeof(R));
    else memcpy(plain, packed, (size_t)count * sizeof(R));
  };
  // Columns of so many lines of `plain` values, packed to lines of `wide` numbers.
  auto lines = [&](long count, int plain, int wide) {
    for (long i = 0; i < count; i++) exchange(own + i * wide, values + i * plain, plain);
    return ML_OK;
  };
  const int f = t.s.n_frequencies, size = t.s.wave_size;
  switch (array) {
    case ML_FREQUENCIES: case ML_PHASES: return lines(t.s.n_waved, f, t.frequencies);
    case ML_WAVE_BIAS: return lines(t.s.n_waved, size, t.wave_stride);
    case ML_RAMP_LOW: case ML_RAMP_FACTOR: case ML_RAMP_FLOOR: case ML_RAMP_CEILING:
      return lines(t.s.n_ramped, t.s.n_ramps, t.ramp_bins);
    case ML_RAMP_SLOPE: case ML_RAMP_OFFSET: return lines(t.s.n_ramped, t.s.ramp_size, t.ramp_stride);
    case ML_RAMP_KERNEL: return lines((long)t.s.n_ramped * t.s.n_ramps, t.s.ramp_size, t.ramp_stride);
    case ML_WAVE_KERNEL:  // transposed: the frequencies of an output side by side
      for (long c = 0; c < t.s.n_waved; c++)
        for (int k = 0; k < f; k++)
          for (int i = 0; i < size; i++)
            exchange(own + (c * size + i) * t.frequencies + k, values + (c * f + k) * size + i, 1);
      return ML_OK;
  }
  return exchange(own, values, n), ML_OK;
}

}  // namespace
