// Products of the first dense layer with sparse rows, whose inputs are mostly 0.
//
// Rows come as in a CSR matrix: the numbers that are not 0, and their columns, which rise within a row.
// Each result is the sum that products.h forms, in the same order, without the terms that are 0: sparse
// rows give the bits that dense ones give.
#pragma once
#include "api.h"
#include "products.h"

namespace {

// The rows of a batch, or of a pass over all rows.
template <class R> struct SparseBatch {
  const ml_rows* rows;
  const int32_t* order;  // the numbers of the rows, or null: they follow each other from `first` on
  int64_t first;
  R scale;               // what inputs are multiplied by
  int64_t number(int row) const { return order ? order[row] : first + row; }
  int64_t begin(int row) const { return rows->indptr[number(row)]; }
  int64_t end(int row) const { return rows->indptr[number(row) + 1]; }
  R value(int64_t i) const { return ((const R*)rows->X)[i] * scale; }
};

// 1. X * W -----------------------------------------------------------------------------------------------

constexpr int MOST_SPARSE = 4;  // panels of outputs at a time: so many sums hide how long each takes

// c[row, NP panels] = bias + x[row] * w; `b` and `c` are those of the first panel.
template <class R, int NP>
static void sparse_tile(const SparseBatch<R>& x, int row, const R* b, long b_stride, const R* bias, bool relu, R* c, long c_stride) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  Vec<R> sums[NP][2];
#pragma GCC unroll 4
  for (int p = 0; p < NP; p++)
#pragma GCC unroll 2
    for (int v = 0; v < 2; v++) sums[p][v] = load(bias + p * PW + v * VL);
  const int32_t* indices = x.rows->indices;
  const int64_t end = x.end(row);
  for (int64_t i = x.begin(row); i < end; i++) {
    const Vec<R> value = all<R>(x.value(i));
    const R* w = b + (long)indices[i] * PW;
#pragma GCC unroll 4
    for (int p = 0; p < NP; p++)
#pragma GCC unroll 2
      for (int v = 0; v < 2; v++) sums[p][v] += value * load(w + p * b_stride + v * VL);
  }
#pragma GCC unroll 4
  for (int p = 0; p < NP; p++)
#pragma GCC unroll 2
    for (int v = 0; v < 2; v++) {
      const Vec<R> sum = sums[p][v];  // NaN stays NaN
      store(c + p * c_stride + v * VL, relu ? select<R>(all<R>(0) > sum, all<R>(0), sum) : sum);
    }
}

// c[r0:r1, panels p0:p1] = ending(x * b + bias); of `m` the operand `a` is not read.
template <class R> static void sparse_product(const SparseBatch<R>& x, const Product<R>& m, int r0, int r1, int p0, int p1) {
  typedef void (*SparseTile)(const SparseBatch<R>&, int, const R*, long, const R*, bool, R*, long);
  constexpr SparseTile tiles[MOST_SPARSE + 1] = {nullptr, sparse_tile<R, 1>, sparse_tile<R, 2>, sparse_tile<R, 3>, sparse_tile<R, 4>};
  constexpr int PW = PANEL<R>;
  const Parts parts(p1 - p0, MOST_SPARSE);
  for (int i = 0, p = p0; i < parts.count; p += parts.size(i++))
    for (int r = r0; r < r1; r++)
      tiles[parts.size(i)](x, r, m.b + p * m.b_stride, m.b_stride, m.bias + p * PW, m.ending == END_RELU,
                           m.c + p * m.c_stride + (long)r * PW, m.c_stride);
}

// 3. X^T * G -----------------------------------------------------------------------------------------------

// The numbers of a batch, sorted by panels of inputs; those of a panel by rows, then columns.
template <class R> struct Entry {
  R value;
  int32_t row, lane;  // of the batch; column within the panel
};
template <class R> struct Sorted {
  Entry<R>* entries;  // null where nothing is to be sorted
  int64_t* ends;      // of each panel
  int64_t begin(int panel) const { return panel ? ends[panel - 1] : 0; }
};

// The first entry of a row from a column on.
template <class R> static int64_t entry_from(const SparseBatch<R>& x, int row, int64_t column) {
  int64_t low = x.begin(row), high = x.end(row);
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (x.rows->indices[middle] < column) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Sorts the entries of the panels q0 up to q1: where they go does not depend on who sorts the others.
template <class R> static void sort_entries(const SparseBatch<R>& x, int rows, int q0, int q1, const Sorted<R>& to) {
  constexpr int PW = PANEL<R>;
  if (q0 == q1) return;
  const int32_t* indices = x.rows->indices;
  const int64_t from = (int64_t)q0 * PW, until = (int64_t)q1 * PW;
  int64_t at = 0;
  for (int q = q0; q < q1; q++) to.ends[q] = 0;
  for (int r = 0; r < rows; r++) {
    const int64_t begin = entry_from(x, r, from), end = x.end(r);
    at += begin - x.begin(r);
    for (int64_t i = begin; i < end && indices[i] < until; i++) to.ends[indices[i] / PW]++;
  }
  for (int q = q0; q < q1; q++) {
    const int64_t n = to.ends[q];
    to.ends[q] = at, at += n;
  }
  for (int r = 0; r < rows; r++) {
    const int64_t end = x.end(r);
    for (int64_t i = entry_from(x, r, from); i < end && indices[i] < until; i++)
      to.entries[to.ends[indices[i] / PW]++] = {x.value(i), r, indices[i] % PW};
  }
}

// As `slope`: sums[lane][j] = sum over the rows of x[row][lane] * g[row][j], for the entries of a panel of
// inputs. Returns which lanes have entries, a bit each; the others are not written.
template <class R> static uint32_t sparse_slope(const Sorted<R>& x, int panel, const R* g, R* sums) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  uint32_t lanes = 0;
  for (int64_t i = x.begin(panel); i < x.ends[panel]; i++) {
    const Entry<R>& e = x.entries[i];
    R* sum = sums + e.lane * PW;
    const R* row = g + (long)e.row * PW;
    const uint32_t lane = (uint32_t)1 << e.lane;
    if (!(lanes & lane)) memset((void*)sum, 0, PW * sizeof(R));
    lanes |= lane;
    for (int v = 0; v < PW; v += VL) store(sum + v, load(sum + v) + all<R>(e.value) * load(row + v));
  }
  return lanes;
}

constexpr int PANELS_AHEAD = 8;

// Asks for the weights that the entries of a panel are of: they lie scattered.
template <class R> ML_INLINE void prefetch_lanes(const Sorted<R>& x, int panel, const R* w) {
  constexpr int PW = PANEL<R>;
  for (int64_t i = x.begin(panel); i < x.ends[panel]; i++)
    for (int j = 0; j < PW; j += 64 / (int)sizeof(R)) __builtin_prefetch(w + x.entries[i].lane * PW + j, 1);
}

// What the caller says, looked at before any of it is an address --------------------------------------------

// Whether a row is none of `width` columns.
static inline bool wrong_row(const ml_rows& rows, int64_t number, int32_t width) {
  const int64_t begin = rows.indptr[number], end = rows.indptr[number + 1];
  if (begin < 0 || end < begin || end > rows.n_entries) return true;
  if (begin == end) return false;
  const int32_t* indices = rows.indices;
  int wrong = indices[begin] < 0 || indices[end - 1] >= width;
  for (int64_t i = begin + 1; i < end; i++) wrong |= indices[i] <= indices[i - 1];
  return wrong;
}

}  // namespace
