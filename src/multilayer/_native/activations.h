// Activation functions with their derivatives, computed in one pass.
//
// A new one is a struct with one function, `at`, from a vector to the value and the slope, its name
// in the enum, and its line in the table at the end. Formulas and slopes at kinks are those of
// `_core/activation_functions.py`.
#pragma once
#include "vector_math.h"

namespace {

enum ActivationKind { IDENTITY, LOGISTIC, TANH, RELU, LEAKY_RELU, ELU, SELU, GELU, SILU, MISH, SOFTPLUS, EXP };

// Of s = exp(-|z|): s, 1 / (1 + s), and logistic(z) and logistic(-z), with all digits of both.
template <class R> struct Sigmoid { Vec<R> small, inverse, yes, no; };
template <class R> ML_INLINE Sigmoid<R> sigmoid_of(Vec<R> z) {
  const Vec<R> one = all<R>(1), small = exp_of<R>(-magnitude<R>(z)), inverse = one / (one + small);
  const Vec<R> less = small * inverse;
  const Mask<R> negative = z < all<R>(0);
  return {small, inverse, select<R>(negative, less, inverse), select<R>(negative, inverse, less)};
}

struct Identity {
  template <class R> ML_INLINE Both<R> at(Vec<R> z) { return {z, all<R>(1)}; }
};
struct Logistic {
  template <class R> ML_INLINE Both<R> at(Vec<R> z) {
    const Sigmoid<R> s = sigmoid_of<R>(z);
    return {s.yes, s.yes * s.no};
  }
};
struct Tanh {
  template <class R> ML_INLINE Both<R> at(Vec<R> z) { return tanh_of<R>(z); }
};
struct Relu {
  template <class R> ML_INLINE Both<R> at(Vec<R> z) {
    const Vec<R> zero = all<R>(0);
    return {select<R>(z < zero, zero, z), select<R>(z > zero, all<R>(1), zero)};
  }
};
struct LeakyRelu {
  template <class R> ML_INLINE Both<R> at(Vec<R> z) {
    const Vec<R> leak = all<R>((R)0.01);
    const Mask<R> above = z >= all<R>(0);
    return {select<R>(above, z, leak * z), select<R>(above, all<R>(1), leak)};
  }
};
struct Elu {
  template <class R> ML_INLINE Both<R> at(Vec<R> z) {
    const Vec<R> zero = all<R>(0), one = all<R>(1);
    const Vec<R> m = expm1_of<R>(select<R>(z > zero, zero, z));
    return {select<R>(z > zero, z, m), select<R>(z > zero, one, m + one)};
  }
};
struct Selu {  // Klambauer et al. (2017), equation 14
  template <class R> ML_INLINE Both<R> at(Vec<R> z) {
    const Vec<R> alpha = all<R>((R)1.6732632423543772), scale = all<R>((R)1.0507009873554805);
    const Both<R> elu = Elu::at<R>(z);
    const Mask<R> above = z > all<R>(0);
    return {scale * select<R>(above, z, alpha * elu.value), scale * select<R>(above, elu.slope, alpha * elu.slope)};
  }
};
struct Gelu {
  template <class R> ML_INLINE Both<R> at(Vec<R> z) {
    const Normal<R> normal = normal_of<R>(z);
    const Vec<R> density = all<R>((R)0.39894228040143267794) * normal.bell;  // 1 / sqrt(2 pi)
    return {z * normal.below, normal.below + z * density};
  }
};
struct Silu {
  template <class R> ML_INLINE Both<R> at(Vec<R> z) {
    const Sigmoid<R> s = sigmoid_of<R>(z);
    return {z * s.yes, s.yes * (all<R>(1) + z * s.no)};
  }
};
struct Mish {
  template <class R> ML_INLINE Both<R> at(Vec<R> z) {
    // tanh(log(1 + e)) of e = exp(z) is m / (m + 2) with m = e (e + 2), and 1 - tanh^2 is
    // 4 (1 + e)^2 / (m + 2)^2. Beyond the bound the value is z, the slope 1.
    const Vec<R> bounded = at_most<R>(z, sizeof(R) == 4 ? (R)20 : (R)40);
    const Vec<R> one = all<R>(1), two = all<R>(2), e = exp_of<R>(bounded), m = e * (e + two);
    const Vec<R> inverse = one / (m + two), t = m / (m + two);
    return {z * t, t + bounded * (all<R>(4) * (one + e) * e * inverse * inverse)};
  }
};
struct Softplus {
  template <class R> ML_INLINE Both<R> at(Vec<R> z) {
    const Sigmoid<R> s = sigmoid_of<R>(z);
    const Vec<R> zero = all<R>(0);
    return {select<R>(z < zero, zero, z) + log1p_of_share<R>(s.small, s.inverse), s.yes};
  }
};
struct Exp {
  template <class R> ML_INLINE Both<R> at(Vec<R> z) {
    const Vec<R> e = exp_of<R>(z);
    return {e, e};
  }
};

// y = f(z); slope = f'(z) unless null. n is a multiple of LANES<R>; y may be z.
template <class R> using Activation = void (*)(const R* z, R* y, R* slope, long n);

template <class R, class F> void apply(const R* z, R* y, R* slope, long n) {
  if (slope) {
    for (long i = 0; i < n; i += LANES<R>) {
      const Both<R> both = F::template at<R>(load(z + i));
      store<R>(y + i, both.value);
      store<R>(slope + i, both.slope);
    }
  } else {
    for (long i = 0; i < n; i += LANES<R>) store<R>(y + i, F::template at<R>(load(z + i)).value);
  }
}

// Null for an unknown kind.
template <class R> Activation<R> activation_of(int kind) {
  static const Activation<R> table[] = {  // in the order of ActivationKind
      apply<R, Identity>, apply<R, Logistic>, apply<R, Tanh>, apply<R, Relu>, apply<R, LeakyRelu>, apply<R, Elu>,
      apply<R, Selu>, apply<R, Gelu>, apply<R, Silu>, apply<R, Mish>, apply<R, Softplus>, apply<R, Exp>,
  };
  const int n = sizeof(table) / sizeof(table[0]);
  return kind >= 0 && kind < n ? table[kind] : (Activation<R>)0;
}

}  // namespace
