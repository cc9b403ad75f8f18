// C entry points of the building blocks, one set for each instruction set, for the tests.
//
// Included at the end of the file that is compiled for one instruction set, which defines
// ML_NAME(x): the name with that set appended. `real_bytes` is 4 for float, 8 for double.
#pragma once
#include "api.h"
#include "losses.h"
#include "random.h"

namespace {

// The functions of vector_math.h, by number.
enum FunctionKind { EXP_OF, EXPM1_OF, LOG_OF, LOG1P_OF_SHARE, TANH_OF, NORMAL_BELOW, COSINE_OF_TURNS };

template <class R> void function_entry(int kind, const R* x, R* y, long n) {
  for (long i = 0; i < n; i += LANES<R>) {
    const Vec<R> v = load(x + i);
    Vec<R> r = v;
    switch (kind) {
      case EXP_OF: r = exp_of<R>(v); break;
      case EXPM1_OF: r = expm1_of<R>(v); break;
      case LOG_OF: r = log_of<R>(v); break;
      case LOG1P_OF_SHARE: r = log1p_of_share<R>(v, all<R>(1) / (all<R>(1) + v)); break;
      case TANH_OF: r = tanh_of<R>(v).value; break;
      case NORMAL_BELOW: r = normal_of<R>(v).below; break;
      case COSINE_OF_TURNS: r = cosine_of_turns<R>(v); break;
    }
    store<R>(y + i, r);
  }
}

// How a loss is passed from Python: numbers as double, arrays of R.
struct LossEntry {
  int32_t kind, heads, middle, out_activation;
  double smoothing, delta;
  const int* units;
  const void *levels, *class_weights;
};

// `stride` numbers R of raw and slope for each row (the units and ROOM), `heads` of target.
template <class R>
void losses_entry(const LossEntry& entry, const R* raw, const char* target, R* slope, R* losses, const R* weights,
                  double* sums, long rows, long stride) {
  const Loss<R> loss = {entry.kind, entry.heads, entry.units, entry.middle, entry.out_activation,
                        (R)entry.smoothing, (R)entry.delta, (const R*)entry.levels, (const R*)entry.class_weights};
  const long width = (long)(entry.kind <= ONE_VS_REST ? sizeof(int32_t) : sizeof(R)) * entry.heads;
  for (long i = 0; i < rows; i++) {
    R* own = slope ? slope + i * stride : (R*)0;
    losses[i] = row_loss<R>(loss, raw + i * stride, target + i * width, own);
    if (sums) add_score<R>(loss, raw + i * stride, target + i * width, weights[i], sums);
  }
}

template <class R> void random_entry(int normals, const uint32_t* key, R* y, uint32_t first, long n) {
  const Key own = key_of(key[0], key[1], key[2]);
  for (long i = 0; i < n; i += LANES<R>) {
    const uint32_t index = first + (uint32_t)i;
    store<R>(y + i, normals ? normal<R>(own, index) : uniform<R>(own, index));
  }
}

}  // namespace

// Numbers of elements are multiples of 16. They return 0, or 1 for an unknown kind.
ML_EXPORT int ML_NAME(activation)(int real_bytes, int kind, const void* z, void* y, void* slope, long n) {
  if (!activation_of<float>(kind)) return 1;
  if (real_bytes == 4) activation_of<float>(kind)((const float*)z, (float*)y, (float*)slope, n);
  else activation_of<double>(kind)((const double*)z, (double*)y, (double*)slope, n);
  return 0;
}

ML_EXPORT int ML_NAME(function)(int real_bytes, int kind, const void* x, void* y, long n) {
  if (kind < EXP_OF || kind > COSINE_OF_TURNS) return 1;
  if (real_bytes == 4) function_entry<float>(kind, (const float*)x, (float*)y, n);
  else function_entry<double>(kind, (const double*)x, (double*)y, n);
  return 0;
}

ML_EXPORT int ML_NAME(row_losses)(int real_bytes, const LossEntry* loss, const void* raw, const void* target,
                                  void* slope, void* losses, const void* weights, double* sums, long rows,
                                  long stride) {
  if (loss->kind < SOFTMAX || loss->kind > GAUSSIAN_NLL || !activation_of<float>(loss->out_activation)) return 1;
  if (real_bytes == 4)
    losses_entry<float>(*loss, (const float*)raw, (const char*)target, (float*)slope, (float*)losses,
                        (const float*)weights, sums, rows, stride);
  else
    losses_entry<double>(*loss, (const double*)raw, (const char*)target, (double*)slope, (double*)losses,
                         (const double*)weights, sums, rows, stride);
  return 0;
}

// key: seed, step, stream.
ML_EXPORT void ML_NAME(random_numbers)(int real_bytes, int normals, const uint32_t* key, void* y, uint32_t first,
                                       long n) {
  if (real_bytes == 4) random_entry<float>(normals, key, (float*)y, first, n);
  else random_entry<double>(normals, key, (double*)y, first, n);
}
