// A network in memory: its packed parameters, its buffers, and the passes of its dense layers.
#pragma once
#include <stdlib.h>
#include <string.h>
#include "activations.h"
#include "api.h"
#include "losses.h"
#include "products.h"
#include "random.h"
#include "rules.h"
#include "sparse.h"
#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(_WIN32)
#include <malloc.h>
#endif

namespace {

// Memory: one block for a network, in zeros --------------------------------------------------------

static void* allocate(size_t bytes) {
  size_t page = (size_t)2 << 20, align = bytes >= 2 * page ? page : 4096;
  bytes = (bytes + align - 1) / align * align;
#if defined(_WIN32)
  void* p = _aligned_malloc(bytes, 64);
#else
  void* p = nullptr;
  if (posix_memalign(&p, align, bytes)) p = nullptr;
#if defined(__linux__)
  if (p && align == page) madvise(p, bytes, MADV_HUGEPAGE);
#endif
#endif
  if (p) memset(p, 0, bytes);
  return p;
}
static void release(void* p) {
#if defined(_WIN32)
  _aligned_free(p);
#else
  free(p);
#endif
}

// Hands out parts of a block, first counting them, then giving their addresses.
struct Arena {
  char* base = nullptr;
  size_t used = 0;
  template <class T> T* take(size_t n) {
    size_t at = used;
    used += (n * sizeof(T) + 63) / 64 * 64;
    return base ? (T*)(base + at) : nullptr;
  }
};

template <class R> constexpr int panels(int n) { return (n + PANEL<R> - 1) / PANEL<R>; }

constexpr double NORM_EPSILON = 1e-5;  // added to a variance
constexpr double NORM_MOMENTUM = 0.9;  // share of the old running moments after a step

template <class R> struct Layer {
  ml_layer s;
  int k_panels, n_panels;
  bool fused;     // nothing but a ReLU, or nothing at all, follows the product
  bool mixed;     // its activations are multiplied: by shares, by a mask, by a factor
  Activation<R> activation;
  long at[ML_ARRAYS];  // where its arrays are in a copy of the parameters
  R* transposed;  // the weights once more, for the gradient; null where none is passed on
  R *in, *out;    // activations
  R* slopes;      // of what follows the product; null where fused
  R* gz;          // gradient of the product's result
  R* gy;          // gradient of the normalised values; of parametric activations
  R* go;          // gradient of the outputs, where the layer skips
  R* normed;      // values before scale and shift; f(z) - z of parametric activations
  R* batch_factor;  // of batch normalisation: of each unit
  R* row_factor;  // of layer normalisation: of each row
  long first_unit;  // of the blocks of weights, counted over the layers
  R* plain;       // of an ensemble: inputs before members scale them; else `in`
  R* sums;        // and sums before they do

  bool norm() const { return s.norm != 0; }
  // Learnt arrays from ML_BIAS on that all rows share.
  int vectors() const { return s.scales_out || s.own_kernels ? 0 : norm() ? 3 : s.parametric ? 2 : 1; }
  long kernel_size() const { return (long)n_panels * k_panels * PANEL<R> * PANEL<R>; }
  bool has(int array) const {
    switch (array) {
      case ML_KERNEL: case ML_BIAS: return true;
      case ML_SCALE: return norm() || s.parametric;
      case ML_SHIFT: return norm();
      case ML_SCALE_IN: return s.scales_in;
      case ML_SCALE_OUT: return s.scales_out;
      case ML_DROPOUT: return s.drops;
      default: return s.norm == 1;
    }
  }
};

// What reads the columns of a table, see inputs.h.
template <class R> struct Table {
  ml_table s;
  int32_t *bin_columns, *cardinalities;  // scaled column of each bin; codes of each category
  int n_columns, n_out;
  int ramps_at, scaled_at, bins_at, passed_at, embeddings_at;  // where the parts of the outputs begin
  int frequencies, wave_stride, ramp_bins, ramp_stride, scaled_stride;  // padded numbers
  int first_learnt;    // panel of outputs from which on the gradient is wanted
  long at[ML_EMBEDDINGS];
  long* embedding_at;  // of each category
  R* scaled;           // of each row: the scaled columns, then those with ramps
  int32_t* codes;      // of each row
  R* plain;            // outputs before their weights
  R *g, *own_g;        // gradients: of the outputs, and of what they are before weights and dropout
};

// Some numbers of a copy that are learnt, and how.
template <class R> struct Stretch {
  long at, n;
  R rate, decay;
};

template <class R> struct Network {
  ml_spec spec;
  Layer<R>* layers;
  Table<R>* table;    // or null
  Stretch<R>* stretches;  // of an ensemble that shares kernels; else null
  long n_stretches;
  R* between[2];      // of such an ensemble: gradients on their way through a layer
  int n_layers, n_frozen, stride_rows;
  long stride;        // numbers from one panel of activations to the next
  long copy_size;     // numbers of a copy of the parameters
  long n_units;       // blocks of weights
  R* copies[ML_COPIES];
  R* row_losses;      // weighted, of the rows of a batch
  R* row_weights;     // of the rows of a batch
  double* unit_penalties;  // (2, n_units), of the present step and the one before
  R* scratch;         // a row of raw outputs and one of slopes, for each chunk
  long scratch_size;
  int32_t* units;
  R *levels, *class_weights;
  ml_layer* layer_specs;
  Loss<R> loss, plain_loss;  // in training; and without smoothing and class weights

  Layer<R>& last() { return layers[n_layers - 1]; }
};

// One layer forward --------------------------------------------------------------------------------

struct Batch {  // rows of a step
  int rows;
  uint32_t step;
  bool training;
  double weight_total;
  double strength;  // of dropout and weight decay, which may be annealed
  const ml_rows* sparse;  // what the first layer reads in place of its inputs, or null
  const int32_t* order;   // as of SparseBatch
  int64_t first;
};

template <class R> static SparseBatch<R> sparse_rows(const Network<R>& net, const Batch& b) {
  return {b.sparse, b.order, b.first, (R)net.spec.input_scale};
}

// Dropout: what numbers are multiplied by, 0 with a chance of 1 - keep and else 1 / keep.
template <class R> struct Dropout {
  Key key; R keep; uint32_t panels;  // of a row
  Pair<R> factors(int row, int panel) const {  // of a row's two vectors in a panel
    Pair<R> drawn = uniform_pair<R>(key, ((uint32_t)row * panels + (uint32_t)panel) * LANES<R>);
    for (Vec<R>& x : drawn.v) x = select<R>(x < all<R>(keep), all<R>(1 / keep), all<R>(0));
    return drawn;
  }
};

// What follows an activation function: of parametric ones each unit's share, z + share (f(z) - z); dropout;
// and the factor of all outputs. `normed` has f(z) and gets what the share is multiplied by.
template <class R>
static void mix(const Network<R>& net, const Layer<R>& l, int number, const R* params, const Batch& b, int r0, int r1, int p0, int p1) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  const double chance = b.strength * (l.s.drops ? (double)params[l.at[ML_DROPOUT]] : l.s.dropout);
  const bool drops = b.training && chance > 0;
  const R keep = (R)(1.0 - chance);
  const Dropout<R> dropout = {key_of(net.spec.seed, b.step, (uint32_t)number), keep, (uint32_t)l.n_panels};
  const Vec<R> factor = all<R>((R)l.s.out_factor);
  for (int p = p0; p < p1; p++)
    for (int r = r0; r < r1; r++) {
      const Pair<R> mask = drops ? dropout.factors(r, p) : Pair<R>{{all<R>(1), all<R>(1)}};
      for (int v = 0; v < PW; v += VL) {
        const long at = p * net.stride + (long)r * PW + v;
        const Vec<R> f = mask.v[v / VL] * factor;
        Vec<R> y = load(l.out + at);
        if (l.s.parametric) {
          const Vec<R> share = load(params + l.at[ML_SCALE] + p * PW + v), more = load(l.normed + at) - y;
          y += share * more;
          if (b.training) {
            store(l.normed + at, more * f);
            store(l.slopes + at, (all<R>(1) + share * (load(l.slopes + at) - all<R>(1))) * f);
          }
        } else if (b.training) {
          store(l.slopes + at, load(l.slopes + at) * f);
        }
        store(l.out + at, y * f);
      }
    }
}

// Batch normalisation of a panel: by the weighted moments of the batch, or by the running ones.
template <class R>
static void batch_normalise(const Network<R>& net, const Layer<R>& l, R* params, const Batch& b, int p, int r0, int r1) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  const bool own = b.training && !l.s.frozen;
  for (int v = 0; v < PW; v += VL) {
    const int c = p * PW + v;
    R* z = l.out + p * net.stride + v;
    Vec<R> mean = load(params + l.at[ML_RUNNING_MEAN] + c), variance = load(params + l.at[ML_RUNNING_VARIANCE] + c);
    if (own) {
      const R share = b.weight_total > 0 ? (R)(1 / b.weight_total) : (R)0;
      Vec<R> sum = all<R>(0), squares = all<R>(0);
      for (int r = r0; r < r1; r++) sum += all<R>(net.row_weights[r] * share) * load(z + (long)r * PW);
      for (int r = r0; r < r1; r++) {
        Vec<R> d = load(z + (long)r * PW) - sum;
        squares += all<R>(net.row_weights[r] * share) * (d * d);
      }
      const R keep = b.weight_total > 0 ? (R)NORM_MOMENTUM : (R)1;
      store(params + l.at[ML_RUNNING_MEAN] + c, all<R>(keep) * mean + all<R>(1 - keep) * sum);
      store(params + l.at[ML_RUNNING_VARIANCE] + c, all<R>(keep) * variance + all<R>(1 - keep) * squares);
      mean = sum, variance = squares;
    }
    const Vec<R> factor = all<R>(1) / square_root_of<R>(variance + all<R>((R)NORM_EPSILON));
    const Vec<R> scale = load(params + l.at[ML_SCALE] + c), shift = load(params + l.at[ML_SHIFT] + c);
    if (own) store(l.batch_factor + c, factor);
    for (int r = r0; r < r1; r++) {
      Vec<R> x = (load(z + (long)r * PW) - mean) * factor;
      store(l.normed + p * net.stride + (long)r * PW + v, x);
      store(z + (long)r * PW, x * scale + shift);
    }
  }
}

template <class R> ML_INLINE Vec<R> real_lanes(int columns) {  // 1 in the first `columns` lanes, 0 beyond
  return select<R>(lane_numbers<R>() < all<R>((R)columns), all<R>(1), all<R>(0));
}

// Layer normalisation of rows: each by the moments of its units.
template <class R>
static void layer_normalise(const Network<R>& net, const Layer<R>& l, const R* params, int r0, int r1) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  const int n = l.s.n_out;
  const R share = (R)(1.0 / n);
  for (int r = r0; r < r1; r++) {
    R* z = l.out + (long)r * PW;
    R* x = l.normed + (long)r * PW;
    Vec<R> sum = all<R>(0), squares = all<R>(0);
    for (int c = 0; c < n; c += VL) sum += load(z + c / PW * net.stride + c % PW);
    const R mean = sum_of<R>(sum) * share;
    for (int c = 0; c < n; c += VL) {
      Vec<R> d = (load(z + c / PW * net.stride + c % PW) - all<R>(mean)) * real_lanes<R>(n - c);
      squares += d * d;
    }
    const R factor = 1 / square_root(sum_of<R>(squares) * share + (R)NORM_EPSILON);
    l.row_factor[r] = factor;
    for (int c = 0; c < n; c += VL) {
      const long at = c / PW * net.stride + c % PW;
      Vec<R> d = (load(z + at) - all<R>(mean)) * all<R>(factor) * real_lanes<R>(n - c);
      store(x + at, d);
      store(z + at, d * load(params + l.at[ML_SCALE] + c) + load(params + l.at[ML_SHIFT] + c));
    }
  }
}

// What follows the sums of a layer, and what is done to them: `out` has them.
template <class R>
static void activate(const Network<R>& net, int number, const R* params, const Batch& b, int r0, int r1, int p0, int p1) {
  constexpr int PW = PANEL<R>;
  const Layer<R>& l = net.layers[number];
  for (int p = p0; p < p1; p++) {
    const long at = p * net.stride + (long)r0 * PW;
    R* values = l.s.parametric ? l.normed + at : l.out + at;
    l.activation(l.out + at, values, b.training ? l.slopes + at : nullptr, (long)(r1 - r0) * PW);
  }
  if (l.mixed) mix(net, l, number, params, b, r0, r1, p0, p1);
}

// A layer's outputs for rows and panels. Batch normalisation needs all rows, layer normalisation all
// panels: training.h sees to it.
template <class R>
static void forward(const Network<R>& net, int number, R* params, const Batch& b, int r0, int r1, int p0, int p1) {
  constexpr int PW = PANEL<R>;
  const Layer<R>& l = net.layers[number];
  Product<R> m;
  m.a = l.in, m.a_stride = net.stride, m.k = l.s.n_in;
  m.b = params + l.at[ML_KERNEL], m.b_stride = (long)l.k_panels * PW * PW, m.n = l.s.n_out;
  m.bias = params + l.at[ML_BIAS], m.add = nullptr, m.other = nullptr;
  m.c = l.out, m.c_stride = net.stride;
  m.ending = l.fused && l.s.activation == RELU ? END_RELU : END_PLAIN;
  if (number == 0 && b.sparse) sparse_product(sparse_rows(net, b), m, r0, r1, p0, p1);
  else product(m, r0, r1, p0, p1);
  if (l.fused) return;
  if (l.s.norm == 1)
    for (int p = p0; p < p1; p++) batch_normalise(net, l, params, b, p, r0, r1);
  if (l.s.norm == 2) layer_normalise(net, l, params, r0, r1);
  activate(net, number, params, b, r0, r1, p0, p1);
  if (l.s.skip)
    for (int p = p0; p < p1; p++)
      for (long i = (long)r0 * PW; i < (long)r1 * PW; i += LANES<R>)
        store(l.out + p * net.stride + i, load(l.out + p * net.stride + i) + load(l.in + p * net.stride + i));
}

// One layer backward -------------------------------------------------------------------------------

// The gradient through the normalisation of a panel of all rows: `gy` becomes `gz`.
template <class R> static void batch_normalise_back(const Network<R>& net, const Layer<R>& l, const R* params,
                                                    const Batch& b, int p) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  const R share = b.weight_total > 0 ? (R)(1 / b.weight_total) : (R)0;
  for (int v = 0; v < PW; v += VL) {
    const int c = p * PW + v;
    const R* gy = l.gy + p * net.stride + v;
    const R* x = l.normed + p * net.stride + v;
    Vec<R> sum = all<R>(0), product = all<R>(0);
    for (int r = 0; r < b.rows; r++) {
      sum += load(gy + (long)r * PW);
      product += load(gy + (long)r * PW) * load(x + (long)r * PW);
    }
    const Vec<R> factor = load(params + l.at[ML_SCALE] + c) * load(l.batch_factor + c);
    for (int r = 0; r < b.rows; r++) {
      const Vec<R> part = all<R>(net.row_weights[r] * share);
      Vec<R> g = load(gy + (long)r * PW) - part * (sum + load(x + (long)r * PW) * product);
      store(l.gz + p * net.stride + (long)r * PW + v, factor * g);
    }
  }
}

template <class R>
static void layer_normalise_back(const Network<R>& net, const Layer<R>& l, const R* params, int r0, int r1) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  const int n = l.s.n_out;
  const R share = (R)(1.0 / n);
  for (int r = r0; r < r1; r++) {
    const long row = (long)r * PW;
    Vec<R> sum = all<R>(0), product = all<R>(0);
    for (int c = 0; c < n; c += VL) {
      const long at = c / PW * net.stride + c % PW + row;
      Vec<R> g = load(l.gy + at) * load(params + l.at[ML_SCALE] + c);  // the scale is 0 beyond the units
      sum += g, product += g * load(l.normed + at);
    }
    const Vec<R> mean = all<R>(sum_of<R>(sum) * share), slope = all<R>(sum_of<R>(product) * share);
    for (int c = 0; c < n; c += VL) {
      const long at = c / PW * net.stride + c % PW + row;
      Vec<R> g = load(l.gy + at) * load(params + l.at[ML_SCALE] + c) - mean - load(l.normed + at) * slope;
      store(l.gz + at, g * all<R>(l.row_factor[r]) * real_lanes<R>(n - c));
    }
  }
}

// The gradient that layer `number` gets from the one above, for rows and panels of its outputs.
template <class R>
static void backward(const Network<R>& net, int number, const R* params, const Batch& b, int r0, int r1, int p0, int p1) {
  constexpr int PW = PANEL<R>;
  const Layer<R>& l = net.layers[number];
  const Layer<R>& above = net.layers[number + 1];
  R* gy = l.norm() ? l.gy : l.gz;
  R* go = l.s.skip ? l.go : l.s.parametric ? l.gy : nullptr;  // where the gradient of the outputs is wanted
  Product<R> m;
  m.a = above.gz, m.a_stride = net.stride, m.k = above.s.n_out;
  m.b = above.transposed, m.b_stride = (long)above.n_panels * PW * PW, m.n = l.s.n_out;
  m.bias = nullptr, m.add = above.s.skip ? above.go : nullptr;
  m.c = go ? go : gy, m.c_stride = net.stride;
  m.ending = go ? END_PLAIN : !l.fused ? END_SCALE : l.s.activation == RELU ? END_MASK : END_PLAIN;
  m.other = l.fused ? l.out : l.slopes;
  product(m, r0, r1, p0, p1);
  if (go)
    for (int p = p0; p < p1; p++)
      for (long i = p * net.stride + (long)r0 * PW; i < p * net.stride + (long)r1 * PW; i += LANES<R>)
        store(gy + i, load(go + i) * load(l.slopes + i));
  if (l.s.norm == 1)
    for (int p = p0; p < p1; p++) batch_normalise_back(net, l, params, b, p);
  if (l.s.norm == 2) layer_normalise_back(net, l, params, r0, r1);
}

// Weights with what belongs to them, and sums over rows --------------------------------------------------

template <class R> static bool shares_kernels(const Network<R>& net) { return net.spec.n_members > 1; }

template <class R> static bool fuses(const Network<R>& net) {  // whether gradients are applied as they come
  return !shares_kernels(net) && !net.spec.clipped && !net.spec.accumulated && !net.spec.max_normed;
}

template <class R> static Weights<R> weights_at(const Network<R>& net, long at) {
  R* mean = net.spec.averaged && fuses(net) ? net.copies[ML_MEAN] + at : nullptr;
  return {net.copies[ML_PARAMS] + at, net.copies[ML_SLOT1] + at, net.copies[ML_SLOT2] + at, mean};
}

// Sums over rows of a panel: of the gradient, or of its product with `x`.
template <class R> ML_INLINE Vec<R> column_sum(const R* g, const R* x, int rows) {
  constexpr int PW = PANEL<R>;
  Vec<R> s[4] = {all<R>(0), all<R>(0), all<R>(0), all<R>(0)};
  for (int r = 0; r < rows; r++) {
    Vec<R> y = load(g + (long)r * PW);
    s[r & 3] += x ? y * load(x + (long)r * PW) : y;
  }
  return (s[0] + s[1]) + (s[2] + s[3]);
}

}  // namespace
