// The functions that Python calls: chosen once, by what the processor can do.
#include "api.h"
#if defined(__x86_64__) || defined(_M_X64)
#include <cpuid.h>
#endif

#if defined(__x86_64__)
extern "C" const ml_engine ml_engine_baseline, ml_engine_avx2, ml_engine_avx512;
static const ml_engine* const ENGINES[] = {&ml_engine_baseline, &ml_engine_avx2, &ml_engine_avx512};

// By cpuid and not by __builtin_cpu_supports, which answers no to everything in some compilers.
static int best() {
  unsigned a, b, c, d, low, high;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1) || !(c >> 28 & 1) || !(c >> 12 & 1)) return 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 6) != 6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b >> 5 & 1)) return 0;
  const bool wide = (low & 0xe0) == 0xe0 && (b >> 16 & 1) && (b >> 17 & 1) && (b >> 30 & 1) && (b >> 31 & 1);
  return wide ? 2 : 1;
}
#elif defined(__aarch64__)
extern "C" const ml_engine ml_engine_neon;
static const ml_engine* const ENGINES[] = {&ml_engine_neon};
static int best() { return 0; }
#else
extern "C" const ml_engine ml_engine_baseline;
static const ml_engine* const ENGINES[] = {&ml_engine_baseline};
static int best() { return 0; }
#endif

static int chosen = -1;
static const ml_engine& engine() { return *ENGINES[chosen < 0 ? chosen = best() : chosen]; }

ML_EXPORT const char* ml_instruction_set(void) { return engine().name; }
ML_EXPORT const char* ml_compiler(void) {
#if defined(__clang__)
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}
// Takes a lesser instruction set than the best one; returns what is in use. For tests.
ML_EXPORT const char* ml_use(int level) {
  chosen = level < 0 || level > best() ? best() : level;
  return engine().name;
}
ML_EXPORT int ml_sizes(int32_t* sizes) {  // of the structures, to be compared with Python's
  sizes[0] = sizeof(ml_layer), sizes[1] = sizeof(ml_spec), sizes[2] = sizeof(ml_rows), sizes[3] = sizeof(ml_call);
  sizes[4] = sizeof(ml_reading), sizes[5] = sizeof(ml_perceptron), sizes[6] = sizeof(ml_table);
  return 7;
}
ML_EXPORT void* ml_create(const ml_spec* spec, int* error) { return engine().create(spec, error); }
ML_EXPORT void ml_destroy(void* h) { engine().destroy(h); }
ML_EXPORT int ml_put(void* h, int copy, int n, const ml_place* places, void* const* values) { return engine().put(h, copy, n, places, values); }
ML_EXPORT int ml_get(void* h, int copy, int n, const ml_place* places, void* const* values) { return engine().get(h, copy, n, places, values); }
ML_EXPORT int ml_train(void* h, ml_call* call) { return engine().train(h, call); }
ML_EXPORT int ml_gradient(void* h, ml_call* call, double* loss) { return engine().gradient(h, call, loss); }
ML_EXPORT int ml_read(void* h, const ml_reading* reading) { return engine().read(h, reading); }
ML_EXPORT int ml_train_many(void** h, ml_call* calls, int n, int threads) { return engine().train_many(h, calls, n, threads); }
ML_EXPORT int ml_read_many(void** h, const ml_reading* readings, int n, int threads) { return engine().read_many(h, readings, n, threads); }
ML_EXPORT double ml_multiply_adds(long repeats) { return engine().multiply_adds(repeats); }
ML_EXPORT int ml_visit(ml_perceptron* call) { return engine().perceptron(call); }
ML_EXPORT int ml_shuffle(uint32_t seed, int64_t n, int64_t* order) { return engine().shuffle(seed, n, order); }
