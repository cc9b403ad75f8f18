// The three matrix products of a dense layer, on packed operands.
//
// Packed layouts, all aligned to 64 bytes (PW = PANEL<R>, the columns of two vectors):
//   activations, gradients  [panel of columns][row][PW]            `stride` numbers from panel to panel
//   weights                 [panel of outputs][input][PW]          inputs padded to a multiple of PW
//   transposed weights      [panel of inputs][output][PW]          outputs padded to a multiple of PW
// Whatever is padding holds zeros, so that products may run over it.
//
// Each number of a result is a sum in one fixed order, by one thread: no number depends on how many
// threads there are, or on the rows and columns that are computed beside it.
#pragma once
#include "simd.h"

namespace {

// Rows of a tile of two vectors, and of one: as many sums as fit in the registers.
#if ML_BYTES == 64
constexpr int MOST2 = 12, MOST1 = 12;
#else
constexpr int MOST2 = 6, MOST1 = 8;
#endif
constexpr int K_BLOCK = 384;    // inputs of a block of a product: a panel of weights stays in the cache
constexpr int ROW_BLOCK = 160;  // rows of a block of a gradient

// sums += a[rows] * b[panel] for one input.
template <class R, int MR, int NV> ML_INLINE void multiply_add_input(const R* a, const R* b, Vec<R> (&sums)[MR][NV]) {
  Vec<R> w[NV];
#pragma GCC unroll 2
  for (int v = 0; v < NV; v++) w[v] = load(b + v * LANES<R>);
#pragma GCC unroll 16
  for (int i = 0; i < MR; i++) {
    Vec<R> x = all<R>(a[i * PANEL<R>]);
#pragma GCC unroll 2
    for (int v = 0; v < NV; v++) sums[i][v] += x * w[v];
  }
}

// sums += a[rows, k0:k1] * b[k0:k1, panel]; `a` points at the first row of the tile in panel 0.
template <class R, int MR, int NV>
ML_INLINE void multiply_add(const R* a, long stride, const R* b, int k0, int k1, Vec<R> (&sums)[MR][NV]) {
  constexpr int PW = PANEL<R>;
  const R* ap = a + (long)(k0 / PW) * stride;
  const R* bp = b + (long)k0 * PW;
  for (int k = k0; k < k1; k += PW, ap += stride) {
    int n = k1 - k < PW ? k1 - k : PW;
    if (n == PW) {
#pragma GCC unroll 4
      for (int kk = 0; kk < PW; kk++, bp += PW) multiply_add_input<R>(ap + kk, bp, sums);
    } else {
#pragma GCC unroll 1
      for (int kk = 0; kk < n; kk++, bp += PW) multiply_add_input<R>(ap + kk, bp, sums);
    }
  }
}

// 1. X * W and 2. G * W^T -----------------------------------------------------------------------------

enum Ending {  // what happens to a finished sum
  END_PLAIN,
  END_RELU,   // 0 where it is below 0
  END_MASK,   // 0 where `other` is not above 0: the gradient of a ReLU, given its values
  END_SCALE,  // multiplied by `other`: the gradient of an activation, given its slopes
};

template <class R> struct Tile {
  const R* a; long stride; const R* b; int k0, k1;
  const R* bias;  // what the sums of a row start from, or null
  const R* add;   // or each sum from its own number, or null
  bool first, last;
  R* c; const R* other; int ending;
};

template <class R, int MR, int NV> static void product_tile(const Tile<R>& t) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  Vec<R> sums[MR][NV];
  const R* start = t.first ? t.add : t.c;
  if (start) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
      for (int v = 0; v < NV; v++) sums[i][v] = load(start + i * PW + v * VL);
  } else {
#pragma GCC unroll 2
    for (int v = 0; v < NV; v++) {
      Vec<R> b = t.bias ? load(t.bias + v * VL) : all<R>(0);
#pragma GCC unroll 16
      for (int i = 0; i < MR; i++) sums[i][v] = b;
    }
  }
  multiply_add<R, MR, NV>(t.a, t.stride, t.b, t.k0, t.k1, sums);
  if (t.last && t.ending == END_RELU) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
      for (int v = 0; v < NV; v++)  // NaN stays NaN
        sums[i][v] = select<R>(all<R>(0) > sums[i][v], all<R>(0), sums[i][v]);
  } else if (t.last && t.ending == END_MASK) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
      for (int v = 0; v < NV; v++)
        sums[i][v] = (Vec<R>)((Mask<R>)sums[i][v] & (load(t.other + i * PW + v * VL) > all<R>(0)));
  } else if (t.last && t.ending == END_SCALE) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
      for (int v = 0; v < NV; v++) sums[i][v] *= load(t.other + i * PW + v * VL);
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
    for (int v = 0; v < NV; v++) store(t.c + i * PW + v * VL, sums[i][v]);
}

template <class R> using ProductTile = void (*)(const Tile<R>&);
template <class R, int NV, int MR> constexpr void fill_tiles(ProductTile<R>* table) {
  table[MR] = product_tile<R, MR, NV>;
  if constexpr (MR > 1) fill_tiles<R, NV, MR - 1>(table);
}
template <class R> struct ProductTiles {  // by the rows of a tile
  ProductTile<R> two[MOST2 + 1], one[MOST1 + 1];
  constexpr ProductTiles() : two{}, one{} { fill_tiles<R, 2, MOST2>(two), fill_tiles<R, 1, MOST1>(one); }
};
template <class R> constexpr ProductTiles<R> PRODUCT_TILES;

// Cuts `n` into parts of at most `most`, all of nearly the same size.
struct Parts {
  int count, base, extra;
  Parts(int n, int most) : count((n + most - 1) / most), base(0), extra(0) {
    if (count) base = n / count, extra = n % count;
  }
  int size(int i) const { return base + (i < extra); }
};

template <class R> struct Product {
  const R* a; long a_stride; int k;        // rows, and how many columns are summed over
  const R* b; long b_stride; int n;        // packed weights, and how many columns come out
  const R* bias;                           // one per column (padded), or null
  const R* add; const R* other; R* c; long c_stride; int ending;
};

// c[r0:r1, panels p0:p1] = ending(a * b + bias).
template <class R> static void product(const Product<R>& m, int r0, int r1, int p0, int p1) {
  const ProductTiles<R>& tiles = PRODUCT_TILES<R>;
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  if (r1 <= r0) return;
  int n_blocks = (m.k + K_BLOCK - 1) / K_BLOCK, k_block = ((m.k + n_blocks - 1) / n_blocks + PW - 1) / PW * PW;
  for (int p = p0; p < p1; p++) {
    bool half = m.n - p * PW <= VL;
    Parts parts(r1 - r0, half ? MOST1 : MOST2);
    for (int k0 = 0; k0 < m.k; k0 += k_block) {
      Tile<R> t;
      t.stride = m.a_stride, t.b = m.b + p * m.b_stride;
      t.k0 = k0, t.k1 = k0 + k_block < m.k ? k0 + k_block : m.k;
      t.bias = m.bias ? m.bias + p * PW : nullptr;
      t.first = k0 == 0, t.last = t.k1 == m.k, t.ending = m.ending;
      int r = r0;
      for (int i = 0; i < parts.count; i++) {
        long at = p * m.c_stride + (long)r * PW;
        t.a = m.a + (long)r * PW, t.c = m.c + at;
        t.add = m.add ? m.add + at : nullptr, t.other = m.other ? m.other + at : nullptr;
        (half ? tiles.one : tiles.two)[parts.size(i)](t);
        r += parts.size(i);
      }
    }
  }
}

// 3. X^T * G: one block of PW inputs and PW outputs, into memory that stays in the nearest cache --------

template <class R> struct Slope {
  const R* a;  // panel of inputs, from the tile's first column
  const R* g;  // panel of the gradient
  int rows; bool first;
  R* sums;     // of the tile, rows of PW
};

template <class R, int MR, int NV> static void slope_tile(const Slope<R>& t) {
  constexpr int PW = PANEL<R>, VL = LANES<R>;
  Vec<R> sums[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
    for (int v = 0; v < NV; v++) sums[i][v] = t.first ? all<R>(0) : load(t.sums + i * PW + v * VL);
  const R *a = t.a, *g = t.g;
#pragma GCC unroll 2
  for (int b = 0; b < t.rows; b++, a += PW, g += PW) {
    Vec<R> y[NV];
#pragma GCC unroll 2
    for (int v = 0; v < NV; v++) y[v] = load(g + v * VL);
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++) {
      Vec<R> x = all<R>(a[i]);
#pragma GCC unroll 2
      for (int v = 0; v < NV; v++) sums[i][v] += x * y[v];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
    for (int v = 0; v < 2; v++) store(t.sums + i * PW + v * VL, v < NV ? sums[i][v < NV ? v : 0] : all<R>(0));
}

template <class R> using SlopeTile = void (*)(const Slope<R>&);
template <class R, int NV, int MR> constexpr void fill_slopes(SlopeTile<R>* table) {
  table[MR] = slope_tile<R, MR, NV>;
  if constexpr (MR > 1) fill_slopes<R, NV, MR - 1>(table);
}
template <class R> struct SlopeTiles {
  SlopeTile<R> two[MOST2 + 1], one[MOST1 + 1];
  constexpr SlopeTiles() : two{}, one{} { fill_slopes<R, 2, MOST2>(two), fill_slopes<R, 1, MOST1>(one); }
};
template <class R> constexpr SlopeTiles<R> SLOPE_TILES;

// sums[i][j] = sum over the rows of a[row][i] * g[row][j]; `inputs` and `outputs` are how many of the
// PW are real; columns beyond them are 0.
template <class R> static void slope(const R* a, const R* g, int n_rows, int inputs, int outputs, R* sums) {
  constexpr int PW = PANEL<R>;
  const bool half = outputs <= LANES<R>;
  const Parts parts(inputs, half ? MOST1 : MOST2);
  int b0 = 0;
  do {
    const int n = n_rows - b0 < ROW_BLOCK ? n_rows - b0 : ROW_BLOCK;
    for (int j = 0, r = 0; j < parts.count; r += parts.size(j++)) {
      const Slope<R> t = {a + (long)b0 * PW + r, g + (long)b0 * PW, n, b0 == 0, sums + r * PW};
      (half ? SLOPE_TILES<R>.one : SLOPE_TILES<R>.two)[parts.size(j)](t);
    }
    b0 += n;
  } while (b0 < n_rows);
}

// The transpose of a block of PW by PW, both with rows of PW.
template <class R> static void transpose(const R* w, R* wt) {
  constexpr int PW = PANEL<R>;
#if defined(__x86_64__) && ML_BYTES == 32
  if constexpr (sizeof(R) == 4) {
    typedef Vec<float> V;
    for (int r = 0; r < 2; r++)
      for (int c = 0; c < 2; c++) {
        const float* s = w + r * 8 * PW + c * 8;
        float* d = wt + c * 8 * PW + r * 8;
        V x[8], y[8], z[8];
        for (int i = 0; i < 8; i++) x[i] = load(s + i * PW);
        for (int i = 0; i < 8; i += 2) {
          y[i] = __builtin_shufflevector(x[i], x[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
          y[i + 1] = __builtin_shufflevector(x[i], x[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
        }
        for (int i = 0; i < 8; i += 4) {
          z[i] = __builtin_shufflevector(y[i], y[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
          z[i + 1] = __builtin_shufflevector(y[i], y[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
          z[i + 2] = __builtin_shufflevector(y[i + 1], y[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
          z[i + 3] = __builtin_shufflevector(y[i + 1], y[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
        }
        for (int i = 0; i < 4; i++) {
          store(d + i * PW, __builtin_shufflevector(z[i], z[i + 4], 0, 1, 2, 3, 8, 9, 10, 11));
          store(d + (i + 4) * PW, __builtin_shufflevector(z[i], z[i + 4], 4, 5, 6, 7, 12, 13, 14, 15));
        }
      }
    return;
  }
#endif
  for (int i = 0; i < PW; i++)
    for (int j = 0; j < PW; j++) wt[j * PW + i] = w[i * PW + j];
}

}  // namespace
