// Vectors: one source for every instruction set.
//
// A file that includes this one is compiled once for each instruction set, with ML_BYTES set to the
// width of its registers: 16 (SSE2, NEON), 32 (AVX2 with FMA) or 64 (AVX-512). Everything is in an
// unnamed namespace, so that the copies cannot be mixed up by the linker. `R` is float or double.
#pragma once
#include <stdint.h>

#define ML_INLINE static inline __attribute__((always_inline))

namespace {

template <class R> struct Vectors;
template <> struct Vectors<float> {
  typedef float V __attribute__((vector_size(ML_BYTES)));
  typedef float Loose __attribute__((vector_size(ML_BYTES), aligned(4), may_alias));
  typedef int32_t I __attribute__((vector_size(ML_BYTES)));
  typedef uint32_t U __attribute__((vector_size(ML_BYTES)));
};
template <> struct Vectors<double> {
  typedef double V __attribute__((vector_size(ML_BYTES)));
  typedef double Loose __attribute__((vector_size(ML_BYTES), aligned(8), may_alias));
  typedef int64_t I __attribute__((vector_size(ML_BYTES)));
  typedef uint64_t U __attribute__((vector_size(ML_BYTES)));
};

template <class R> using Vec = typename Vectors<R>::V;   // LANES numbers
template <class R> using Mask = typename Vectors<R>::I;  // integers as wide: a comparison gives -1 or 0
template <class R> using Bits = typename Vectors<R>::U;   // the same without a sign: shifts fill with 0
template <class R> constexpr int LANES = ML_BYTES / (int)sizeof(R);
template <class R> constexpr int PANEL = 2 * LANES<R>;   // columns of a panel: two vectors

template <class R> ML_INLINE Vec<R> load(const R* p) { return *(const typename Vectors<R>::Loose*)p; }
template <class R> ML_INLINE void store(R* p, Vec<R> x) { *(typename Vectors<R>::Loose*)p = x; }

// All lanes the same. Written as initialiser lists: GCC 12 builds a loop lane by lane.
template <class R> ML_INLINE Vec<R> all(R s) {
  typedef Vec<R> V;
  if constexpr (LANES<R> == 2) return V{s, s};
  else if constexpr (LANES<R> == 4) return V{s, s, s, s};
  else if constexpr (LANES<R> == 8) return V{s, s, s, s, s, s, s, s};
  else return V{s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s};
}

template <class R> ML_INLINE Vec<R> select(Mask<R> where, Vec<R> a, Vec<R> b) {
  return (Vec<R>)(((Mask<R>)a & where) | ((Mask<R>)b & ~where));
}
template <class R> ML_INLINE Vec<R> larger(Vec<R> a, Vec<R> b) { return select<R>(a > b, a, b); }
template <class R> ML_INLINE Vec<R> smaller(Vec<R> a, Vec<R> b) { return select<R>(a < b, a, b); }
template <class R> ML_INLINE Vec<R> magnitude(Vec<R> a) { return select<R>(a < all<R>(0), -a, a); }

ML_INLINE float square_root(float x) { return __builtin_sqrtf(x); }
ML_INLINE double square_root(double x) { return __builtin_sqrt(x); }

template <class R> ML_INLINE Vec<R> square_root_of(Vec<R> x) {
#if defined(__clang__)
  return __builtin_elementwise_sqrt(x);
#elif defined(__x86_64__) && ML_BYTES == 16
  if constexpr (sizeof(R) == 4) return (Vec<R>)__builtin_ia32_sqrtps((typename Vectors<float>::V)x);
  else return (Vec<R>)__builtin_ia32_sqrtpd((typename Vectors<double>::V)x);
#elif defined(__x86_64__) && ML_BYTES == 32
  if constexpr (sizeof(R) == 4) return (Vec<R>)__builtin_ia32_sqrtps256((typename Vectors<float>::V)x);
  else return (Vec<R>)__builtin_ia32_sqrtpd256((typename Vectors<double>::V)x);
#elif defined(__x86_64__) && ML_BYTES == 64
  typedef typename Vectors<float>::V F;
  typedef typename Vectors<double>::V D;
  if constexpr (sizeof(R) == 4) return (Vec<R>)__builtin_ia32_sqrtps512_mask((F)x, (F)x, (unsigned short)-1, 4);
  else return (Vec<R>)__builtin_ia32_sqrtpd512_mask((D)x, (D)x, (unsigned char)-1, 4);
#else
  Vec<R> r = x;
  for (int i = 0; i < LANES<R>; i++) r[i] = square_root(x[i]);
  return r;
#endif
}

// Of the lanes: the upper half to the lower half, until one is left.
template <class R> ML_INLINE R sum_of(Vec<R> x) {
  for (int half = LANES<R> / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) x[i] += x[i + half];
  return x[0];
}
template <class R> ML_INLINE R largest_of(Vec<R> x) {
  for (int half = LANES<R> / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) x[i] = x[i] > x[i + half] ? x[i] : x[i + half];
  return x[0];
}

// To integers, towards 0, and back.
template <class R> ML_INLINE Mask<R> truncated(Vec<R> x) { return __builtin_convertvector(x, Mask<R>); }
template <class R> ML_INLINE Vec<R> as_reals(Mask<R> x) { return __builtin_convertvector(x, Vec<R>); }

// The numbers 0, 1, 2, ... of the lanes.
template <class R> ML_INLINE Vec<R> lane_numbers() {
  Vec<R> r = all<R>(0);
  for (int i = 0; i < LANES<R>; i++) r[i] = (R)i;
  return r;
}

}  // namespace
