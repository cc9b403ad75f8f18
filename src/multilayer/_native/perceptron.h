// The rule of the perceptron, row by row, in double.
//
// `_sklearn/perceptron/rule.py` has the same rule in NumPy, and the names. Weights and biases are the
// same to the last bit: whether a row is an error is decided on a sum taken from the first feature to
// the last, every product rounded before it is added. Such a sum waits for each addition, so a row is
// first scored by a product in any order, and by that sum only where rounding might decide.
#pragma once
#include <math.h>
#include <stdlib.h>
#include "api.h"
#include "simd.h"

namespace {

// A product that is rounded before anything is added to it: compilers would fuse the two.
#if defined(__x86_64__)
#define ML_ROUND(x) __asm__("" : "+x"(x))
#elif defined(__aarch64__)
#define ML_ROUND(x) __asm__("" : "+w"(x))
#else
#define ML_ROUND(x) __asm__("" : "+m"(x))
#endif
typedef Vec<double> Doubles;
ML_INLINE double product(double a, double b) { double p = a * b; ML_ROUND(p); return p; }
ML_INLINE Doubles product(Doubles a, Doubles b) { Doubles p = a * b; ML_ROUND(p); return p; }

constexpr int AHEAD = 6;                 // rows that are asked of memory before their turn
constexpr int64_t FETCHED = 16;             // lines of each; the processor goes on by itself
constexpr double SMALLEST_FACTOR = 1e-9; // below it the factor is multiplied into the weights
constexpr double EPSILON = 2.220446049250313e-16;

// Always inline, like what calls it: GCC leaves out calls of a function that does nothing else.
ML_INLINE void fetch(const void* from, int64_t bytes) {
  const int64_t lines = (bytes + 63) / 64;
  for (int64_t i = 0; i < (lines < FETCHED ? lines : FETCHED); i++) __builtin_prefetch((const char*)from + 64 * i);
}

// Sums over weights: of their squares and of their sizes.
struct Sums { double squares, sizes; };
ML_INLINE Sums sums_of(const double* w, int64_t n) {
  Doubles squares = all<double>(0), sizes = all<double>(0);
  int64_t j = 0;
  for (; j + LANES<double> <= n; j += LANES<double>) {
    const Doubles each = load(w + j);
    squares += each * each, sizes += magnitude<double>(each);
  }
  Sums sums = {sum_of<double>(squares), sum_of<double>(sizes)};
  for (; j < n; j++) sums.squares += w[j] * w[j], sums.sizes += fabs(w[j]);
  return sums;
}

// What a weight pays: L1 takes what it owes, and stops at 0. Its new value; `paid` is changed.
ML_INLINE double after_l1(double before, double& paid, double owed, double factor) {
  double after = before;
  if (before > 0) after = before - (owed + paid) / factor, after = after < 0 ? 0 : after;
  else if (before < 0) after = before + (owed - paid) / factor, after = after > 0 ? 0 : after;
  paid += product(factor, after - before);
  return after;
}
ML_INLINE Doubles after_l1(Doubles before, Doubles& paid, Doubles owed, Doubles factor) {
  const Doubles zero = all<double>(0);
  const Doubles low = before - (owed + paid) / factor, high = before + (owed - paid) / factor;
  const Doubles lowered = select<double>(low < zero, zero, low), raised = select<double>(high > zero, zero, high);
  const Doubles after = select<double>(before > zero, lowered, select<double>(before < zero, raised, before));
  paid += product(factor, after - before);
  return after;
}

template <class T> constexpr bool IS_DOUBLE = false;
template <> constexpr bool IS_DOUBLE<double> = true;

// Dense rows of numbers of type T; those that are not doubles are converted one row at a time.
template <class T> struct DenseRows {
  const ml_perceptron& c;
  double* room;
  const double* x = nullptr;
  explicit DenseRows(const ml_perceptron& call, double* room) : c(call), room(room) {}

  bool has(int64_t i) const { return i >= 0 && i < c.n_rows; }
  const T* at(int64_t i) const { return (const T*)c.X + i * c.n_features; }
  __attribute__((always_inline)) void fetch_row(int64_t i) const { fetch(at(i), c.n_features * (int64_t)sizeof(T)); }
  bool take(int64_t i) {
    if constexpr (IS_DOUBLE<T>) return x = at(i), true;
    const T* from = at(i);
    for (int64_t j = 0; j < c.n_features; j++) room[j] = (double)from[j];
    return x = room, true;
  }
  double terms() const { return (double)c.n_features; }
  double in_any_order(const double* w) const {
    const int64_t n = c.n_features;
    constexpr int L = LANES<double>;
    Doubles s0 = all<double>(0), s1 = s0, s2 = s0, s3 = s0;
    int64_t j = 0;
    for (; j + 4 * L <= n; j += 4 * L) {
      s0 += load(x + j) * load(w + j), s1 += load(x + j + L) * load(w + j + L);
      s2 += load(x + j + 2 * L) * load(w + j + 2 * L), s3 += load(x + j + 3 * L) * load(w + j + 3 * L);
    }
    for (; j + L <= n; j += L) s0 += load(x + j) * load(w + j);
    double sum = sum_of<double>((s0 + s1) + (s2 + s3));
    for (; j < n; j++) sum += x[j] * w[j];
    return sum;
  }
  double in_sequence(const double* w) const {
    double sum = 0;
    for (int64_t j = 0; j < c.n_features; j++) sum += product(x[j], w[j]);
    return sum;
  }
  void move(double* w, double step) const {
    int64_t j = 0;
    for (; j + LANES<double> <= c.n_features; j += LANES<double>)
      store<double>(w + j, load(w + j) + product(all<double>(step), load(x + j)));
    for (; j < c.n_features; j++) w[j] += product(step, x[j]);
  }
  void move(double* w, double step, Sums& sums) const {
    move(w, step);
    sums = sums_of(w, c.n_features);
  }
  void collect(double* w, double* paid, double owed, double factor, Sums&) const {
    int64_t j = 0;
    for (; j + LANES<double> <= c.n_features; j += LANES<double>) {
      Doubles own = load(paid + j);
      store<double>(w + j, after_l1(load(w + j), own, all<double>(owed), all<double>(factor)));
      store<double>(paid + j, own);
    }
    for (; j < c.n_features; j++) w[j] = after_l1(w[j], paid[j], owed, factor);
  }
};

// Sparse rows: columns in order, each at most once in a row.
template <class I, class U> struct SparseRows {
  const ml_perceptron& c;
  const double* x = nullptr;
  const I* at = nullptr;
  int64_t n = 0;
  explicit SparseRows(const ml_perceptron& call, double*) : c(call) {}

  bool has(int64_t i) const {
    return i >= 0 && i < c.n_rows && c.indptr[i] >= 0 && c.indptr[i] <= c.indptr[i + 1] && c.indptr[i + 1] <= c.n_entries;
  }
  __attribute__((always_inline)) void fetch_row(int64_t i) const {
    const int64_t entries = c.indptr[i + 1] - c.indptr[i];
    fetch((const I*)c.indices + c.indptr[i], entries * (int64_t)sizeof(I));
    fetch((const double*)c.X + c.indptr[i], entries * (int64_t)sizeof(double));
  }
  bool take(int64_t i) {
    x = (const double*)c.X + c.indptr[i], at = (const I*)c.indices + c.indptr[i], n = c.indptr[i + 1] - c.indptr[i];
    const U most = (U)-1 >> 1, end = (uint64_t)c.n_features > most ? most + 1 : (U)c.n_features;
    U wrong = 0;
    for (int64_t j = 0; j < n; j++) wrong |= (U)((U)at[j] >= end);  // what is below 0 is a large U
    return !wrong;
  }
  double terms() const { return (double)n; }
  double in_any_order(const double* w) const {
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    int64_t j = 0;
    for (; j + 4 <= n; j += 4) {
      s0 += x[j] * w[at[j]], s1 += x[j + 1] * w[at[j + 1]];
      s2 += x[j + 2] * w[at[j + 2]], s3 += x[j + 3] * w[at[j + 3]];
    }
    for (; j < n; j++) s0 += x[j] * w[at[j]];
    return (s0 + s1) + (s2 + s3);
  }
  double in_sequence(const double* w) const {
    double sum = 0;
    for (int64_t j = 0; j < n; j++) sum += product(x[j], w[at[j]]);
    return sum;
  }
  void move(double* w, double step) const {
    for (int64_t j = 0; j < n; j++) w[at[j]] += product(step, x[j]);
  }
  // Sums are carried on, as there may be far more weights than a row has entries.
  static void set(double& w, double after, Sums& sums) {
    sums.squares += after * after - w * w, sums.sizes += fabs(after) - fabs(w);
    w = after;
  }
  void move(double* w, double step, Sums& sums) const {
    for (int64_t j = 0; j < n; j++) set(w[at[j]], w[at[j]] + product(step, x[j]), sums);
  }
  void collect(double* w, double* paid, double owed, double factor, Sums& sums) const {
    constexpr int L = LANES<double>;
    Doubles squares = all<double>(0), sizes = squares;
    int64_t j = 0;
    for (; j + L <= n; j += L) {  // side by side without branches: signs are hard to foresee
      Doubles before = squares, own = squares;
      for (int l = 0; l < L; l++) before[l] = w[at[j + l]], own[l] = paid[at[j + l]];
      const Doubles after = after_l1(before, own, all<double>(owed), all<double>(factor));
      for (int l = 0; l < L; l++) w[at[j + l]] = after[l], paid[at[j + l]] = own[l];
      squares += after * after - before * before, sizes += magnitude<double>(after) - magnitude<double>(before);
    }
    sums.squares += sum_of<double>(squares), sums.sizes += sum_of<double>(sizes);
    for (; j < n; j++) set(w[at[j]], after_l1(w[at[j]], paid[at[j]], owed, factor), sums);
  }
};

// Brings up a row, and looks ahead; false where it is not one.
template <class Rows> ML_INLINE bool bring_up(const ml_perceptron& c, Rows& rows, int64_t k) {
  const int64_t i = c.order[k];
  if (!rows.has(i)) return false;
  if (k + AHEAD < c.stop && rows.has(c.order[k + AHEAD])) rows.fetch_row(c.order[k + AHEAD]);
  return rows.take(i);
}

// Two ways of adding up a score are each off by at most about n * eps / 2 * (|w| |x| + |b|), so a
// margin above this has its sign for sure; `length` is at least |w| + |b|.
ML_INLINE double doubt(double terms, double reach, double length) { return 4 * (terms + 2) * EPSILON * reach * length; }

template <class Rows> static int visit_plainly(ml_perceptron& c, Rows& rows) {
  double *w = c.weights, bias = c.bias, length = c.length;
  for (int64_t k = c.first; k < c.stop; k++) {
    if (!bring_up(c, rows, k)) return ML_BAD_ARGUMENT;
    const int64_t i = c.order[k];
    const double y = c.targets[i], reach = c.norms[i] + 1;
    if (y * (rows.in_any_order(w) + bias) > doubt(rows.terms(), reach, length)) continue;
    const double margin = y * (rows.in_sequence(w) + bias), size = c.sizes[i], step = y * size;
    if (!(margin <= 0)) continue;
    rows.move(w, step);
    if (c.learns_bias) bias += product(step, c.bias_share);
    length += size * reach;
    c.loss -= margin;
    c.updates += size != 0;
  }
  return c.bias = bias, c.length = length, ML_OK;
}

// Multiplies the factor into the weights.
static inline void settle(double* w, int64_t n, double& factor, Sums& sums) {
  for (int64_t j = 0; j < n; j++) w[j] *= factor;
  sums.squares *= factor * factor, sums.sizes *= factor;
  factor = 1;
}

// The penalty of a row: L2 shrinks all weights by a factor that is stored apart; L1 is cumulative.
template <class Rows> static int visit_penalised(ml_perceptron& c, Rows& rows) {
  double* const w = c.weights;
  double* const paid = c.paid;
  const double l1_ratio = c.l1_ratio, alpha = c.alpha, part2 = (1 - l1_ratio) * 0.5, by = c.shrink_by, by2 = by * by;
  double bias = c.bias, factor = c.factor, owed = c.owed, square = c.square, absolute = c.absolute;
  double length = c.length, loss = c.loss;
  int64_t updates = c.updates;
  Sums sums = {c.sum_squares, c.sum_sizes};
  for (int64_t k = c.first; k < c.stop; k++) {
    if (!bring_up(c, rows, k)) return ML_BAD_ARGUMENT;
    const int64_t i = c.order[k];
    const double y = c.targets[i], reach = c.norms[i] + 1, size = c.sizes[i];
    double margin = y * (product(rows.in_any_order(w), factor) + bias);
    if (!(margin > doubt(rows.terms(), reach, length))) margin = y * (product(rows.in_sequence(w), factor) + bias);
    const double penalty = product(alpha, product(part2, square) + product(l1_ratio, absolute));
    loss += (-margin > 0 ? -margin : 0) + penalty;
    if (l1_ratio < 1) {
      factor *= by, square *= by2, absolute *= by;
      if (factor < SMALLEST_FACTOR) settle(w, c.n_features, factor, sums);
    }
    if (margin <= 0 && size > 0) {
      rows.move(w, y * size / factor, sums);
      if (c.learns_bias) bias += product(y * size, c.bias_share);
      square = sums.squares * (factor * factor), absolute = sums.sizes * factor;
      length += size * reach;
      updates++;
    }
    if (l1_ratio > 0) {
      owed += c.owed_step;
      rows.collect(w, paid, owed, factor, sums);
    }
  }
  c.bias = bias, c.factor = factor, c.owed = owed, c.square = square, c.absolute = absolute;
  c.length = length, c.loss = loss, c.updates = updates;
  c.sum_squares = sums.squares, c.sum_sizes = sums.sizes;
  return ML_OK;
}

template <class Rows> static int visit_all(ml_perceptron& c, double* room) {
  if (c.first == 0) {
    const Sums sums = sums_of(c.weights, c.n_features);
    c.sum_squares = sums.squares, c.sum_sizes = sums.sizes;
    c.length = sqrt(sums.squares) * c.factor + fabs(c.bias);
  }
  Rows rows(c, room);
  return c.paid ? visit_penalised(c, rows) : visit_plainly(c, rows);
}

template <class T> static int visit_dense(ml_perceptron& c) {
  double* room = (double*)malloc((size_t)c.n_features * sizeof(double));
  if (!room) return ML_NO_MEMORY;
  const int code = visit_all<DenseRows<T>>(c, room);
  free(room);
  return code;
}

static int visit_rows(ml_perceptron* call) {
  if (!call || !call->X || !call->targets || !call->sizes || !call->norms || !call->order || !call->weights) return ML_BAD_ARGUMENT;
  ml_perceptron& c = *call;
  if (c.n_rows < 1 || c.n_features < 1 || c.first < 0 || c.first > c.stop || c.stop > c.n_order) return ML_BAD_ARGUMENT;
  if (!(c.factor > 0)) return ML_BAD_ARGUMENT;
  switch (c.X_type) {
    case -1:
      if (!c.indices || !c.indptr || c.n_entries < 0) return ML_BAD_ARGUMENT;
      if (c.index_bytes == 4) return visit_all<SparseRows<int32_t, uint32_t>>(c, nullptr);
      return c.index_bytes == 8 ? visit_all<SparseRows<int64_t, uint64_t>>(c, nullptr) : ML_BAD_ARGUMENT;
    case 0: return visit_dense<float>(c);
    case 1: return visit_dense<double>(c);
    case 2: return visit_dense<uint8_t>(c);
    case 3: return visit_dense<int8_t>(c);
    case 4: return visit_dense<uint16_t>(c);
    case 5: return visit_dense<int16_t>(c);
    case 6: return visit_dense<int32_t>(c);
    case 7: return visit_dense<int64_t>(c);
  }
  return ML_BAD_ARGUMENT;
}

// The permutation of `_data/order.py`: Durstenfeld's shuffle with Marsaglia's xorshift.
static int shuffle(uint32_t seed, int64_t n, int64_t* order) {
  if (n < 0 || !order) return ML_BAD_ARGUMENT;
  uint32_t word = seed ? seed : 1;
  for (int64_t i = 0; i < n; i++) order[i] = i;
  for (int64_t i = 0; i + 1 < n; i++) {
    word ^= word << 13, word ^= word >> 17, word ^= word << 5;
    const int64_t j = i + (int64_t)(word & 0x7fffffffu) % (n - i), other = order[j];
    order[j] = order[i], order[i] = other;
  }
  return ML_OK;
}

}  // namespace
