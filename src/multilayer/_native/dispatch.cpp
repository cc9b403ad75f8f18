// Which instruction set this processor has, and the functions Python calls.
#include <stdint.h>

#if defined(_WIN32)
#define ML_EXPORT extern "C" __declspec(dllexport)
#else
#define ML_EXPORT extern "C" __attribute__((visibility("default")))
#endif

enum { ML_BASELINE = 0, ML_AVX2 = 1, ML_AVX512 = 2, ML_NEON = 3 };

#if defined(__x86_64__)
#include <cpuid.h>

// What the system saves when it changes threads. An instruction, as the intrinsic needs -mxsave.
static uint64_t saved_registers(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

// By cpuid: __builtin_cpu_supports is wrong where zig links.
ML_EXPORT int ml_instruction_set(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return ML_BASELINE;
  const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28;
  if ((c & (fma | osxsave | avx)) != (fma | osxsave | avx)) return ML_BASELINE;
  const uint64_t saved = saved_registers(), ymm = 0x6, zmm = 0xe6;
  if ((saved & ymm) != ymm) return ML_BASELINE;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & 1u << 5)) return ML_BASELINE;
  const unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
  return (b & avx512) == avx512 && (saved & zmm) == zmm ? ML_AVX512 : ML_AVX2;
}
#elif defined(__aarch64__)
ML_EXPORT int ml_instruction_set(void) { return ML_NEON; }
#else
ML_EXPORT int ml_instruction_set(void) { return ML_BASELINE; }
#endif
