// The engine, compiled once for each instruction set (ML_ISA), with ML_BYTES wide vectors.
#include "simd.h"

#define ML_JOIN2(a, b) a##_##b
#define ML_JOIN(a, b) ML_JOIN2(a, b)
#define ML_NAME(name) ML_JOIN(ml_##name, ML_ISA)

extern "C" int ML_NAME(width)(void) { return LANES<float> * (int)sizeof(float); }
