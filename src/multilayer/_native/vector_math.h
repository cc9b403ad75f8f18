// exp, expm1, log, log(1 + x), tanh and the normal distribution, of all lanes of a vector at once.
//
// Each one follows the same plan: bring the argument into a short interval by a step that is exact
// (or nearly so), use a polynomial there, undo the step. The polynomials interpolate at Chebyshev
// nodes; float has shorter ones than double. There are no branches: where lanes need different
// formulas both are computed and `select` takes one of them. NaN stays NaN. The formulas are the same
// for every instruction set; what differs is rounding, as some fuse a multiply and an add.
//
// The order of additions below is deliberate: a compiler may not change it (no -ffast-math).
#pragma once
#include "simd.h"

namespace {

// How numbers of a type are stored: 1 bit of sign, the exponent plus BIAS, MANTISSA bits.
template <class R> struct Format;
template <> struct Format<float> {
  static constexpr int MANTISSA = 23, BIAS = 127;
  static constexpr int32_t SIGN = INT32_MIN, SQRT_HALF = 0x3f3504f3, UPPER_HALF = ~0xfff;
  // Added to a small number, this leaves the nearest whole number in the lowest bits.
  static constexpr float ROUNDER = 12582912.0f;                        // 1.5 * 2^23
  static constexpr float LN2_HIGH = 0.693359375f, LN2_LOW = -2.12194440e-4f;  // their sum is ln 2
  static constexpr float EXP_MOST = 89.0f, EXP_LEAST = -104.0f;        // exp is inf, 0 beyond
  static constexpr float EXPM1_LEAST = -25.0f;                         // expm1 is -1 below
  static constexpr float TINY = 1.17549435e-38f, LARGEST = 3.40282347e38f;
};
template <> struct Format<double> {
  static constexpr int MANTISSA = 52, BIAS = 1023;
  static constexpr int64_t SIGN = INT64_MIN, SQRT_HALF = 0x3fe6a09e667f3bcd, UPPER_HALF = ~0x7ffffffLL;
  static constexpr double ROUNDER = 6755399441055744.0;                // 1.5 * 2^52
  static constexpr double LN2_HIGH = 6.93147180369123816490e-01, LN2_LOW = 1.90821492927058770002e-10;
  static constexpr double EXP_MOST = 710.0, EXP_LEAST = -746.0;
  static constexpr double EXPM1_LEAST = -50.0;
  static constexpr double TINY = 2.2250738585072014e-308, LARGEST = 1.7976931348623157e308;
};

// An integer of R's width in all lanes.
template <class R> ML_INLINE Mask<R> whole(int64_t s) { return Mask<R>{} + (decltype(Mask<R>{}[0] + 0))s; }

// c0 + c1 x + c2 x^2 + ..., from the last coefficient to the first.
template <class R> ML_INLINE Vec<R> polynomial(Vec<R>, double last) { return all<R>((R)last); }
template <class R, class... C> ML_INLINE Vec<R> polynomial(Vec<R> x, double c0, double c1, C... rest) {
  return all<R>((R)c0) + x * polynomial<R>(x, c1, rest...);
}

// At most, at least; NaN stays NaN.
template <class R> ML_INLINE Vec<R> at_most(Vec<R> x, R bound) { return select<R>(x > all<R>(bound), all<R>(bound), x); }
template <class R> ML_INLINE Vec<R> at_least(Vec<R> x, R bound) { return select<R>(x < all<R>(bound), all<R>(bound), x); }

template <class R> ML_INLINE Vec<R> with_sign_of(Vec<R> size, Vec<R> signed_one) {
  const Mask<R> sign = whole<R>(Format<R>::SIGN);
  return (Vec<R>)(((Mask<R>)size & ~sign) | ((Mask<R>)signed_one & sign));
}

// Whole numbers that wrap around, as those made of NaN may: of signed ones that is undefined.
template <class R> ML_INLINE Bits<R> wrapping(int64_t n) { return (Bits<R>)whole<R>(n); }

// 2^n for n of normal numbers: n goes into the exponent.
template <class R> ML_INLINE Vec<R> power_of_two(Bits<R> n) {
  return (Vec<R>)((n + wrapping<R>(Format<R>::BIAS)) << Format<R>::MANTISSA);
}

// x + low = n ln 2 + r with |r| <= ln(2) / 2: gives n, and exp(r) - 1.
template <class R> struct Reduced { Bits<R> n; Vec<R> expm1; };
template <class R> ML_INLINE Reduced<R> reduced(Vec<R> x, Vec<R> low) {
  typedef Format<R> F;
  const Vec<R> rounder = all<R>(F::ROUNDER);
  const Vec<R> shifted = x * all<R>((R)1.4426950408889634) + rounder;  // x / ln 2
  const Vec<R> n = shifted - rounder;
  // ln 2 in two parts: n times the first one is exact.
  const Vec<R> r = ((x - n * all<R>(F::LN2_HIGH)) - n * all<R>(F::LN2_LOW)) + low;
  Vec<R> p;  // (exp(r) - 1 - r) / r^2
  if constexpr (sizeof(R) == 4)
    p = polynomial<R>(r, 0.5, 0.1666657338, 0.04166655011, 0.008363773874, 0.001392692661);
  else
    p = polynomial<R>(r, 0.5, 0.1666666666666667144, 0.04166666666666667007, 0.0083333333333255447,
                      0.001388888888888332667, 0.0001984126987686435493, 0.00002480158732700718673,
                      2.755725283351690975e-6, 2.755727181021979957e-7, 2.510627473357329469e-8,
                      2.091544229778011522e-9);
  return {(Bits<R>)shifted - (Bits<R>)rounder, r + r * r * p};
}

// exp(x + low) for a low far smaller than x: for an x known to more digits than a number has.
template <class R> ML_INLINE Vec<R> exp_of_sum(Vec<R> x, Vec<R> low) {
  typedef Format<R> F;
  const Reduced<R> part = reduced<R>(at_least<R>(at_most<R>(x, F::EXP_MOST), F::EXP_LEAST), low);
  // Times 2^n in two steps, as 2^n itself may be too large, or too small, for a normal number.
  const Bits<R> half = ((part.n + wrapping<R>(4096)) >> 1) - wrapping<R>(2048);
  return (all<R>(1) + part.expm1) * power_of_two<R>(half) * power_of_two<R>(part.n - half);
}
template <class R> ML_INLINE Vec<R> exp_of(Vec<R> x) { return exp_of_sum<R>(x, all<R>(0)); }

// exp(x) - 1, with all its digits near 0.
template <class R> ML_INLINE Vec<R> expm1_of(Vec<R> x) {
  typedef Format<R> F;
  const Reduced<R> part = reduced<R>(at_least<R>(at_most<R>(x, F::EXP_MOST), F::EXPM1_LEAST), all<R>(0));
  const Vec<R> half = power_of_two<R>(part.n - wrapping<R>(1));  // 2^n itself may be too large
  return all<R>(2) * (half * part.expm1 + (half - all<R>((R)0.5)));
}

// log of 2^n (1 + f), where 1 + f lies between sqrt(1/2) and sqrt(2).
template <class R> ML_INLINE Vec<R> log_of_parts(Vec<R> n, Vec<R> f) {
  typedef Format<R> F;
  // log(1 + f) = 2 atanh(s) for s = f / (2 + f); arranged around f, which is exact.
  const Vec<R> s = f / (all<R>(2) + f);
  const Vec<R> z = s * s, half_square = all<R>((R)0.5) * f * f;
  Vec<R> p;  // (2 atanh(s) / s - 2) / z
  if constexpr (sizeof(R) == 4)
    p = polynomial<R>(z, 0.666666856, 0.3998855099, 0.2959031736);
  else
    p = polynomial<R>(z, 0.6666666666666669907, 0.3999999999989322176, 0.2857142862881099562,
                      0.2222221067423851233, 0.18182922513516105, 0.1533061730673890625,
                      0.146300313641684056);
  const Vec<R> small = s * (half_square + z * p) + n * all<R>(F::LN2_LOW);
  return n * all<R>(F::LN2_HIGH) + (f - (half_square - small));
}

// log(x): -inf of 0, NaN of numbers below.
template <class R> ML_INLINE Vec<R> log_of(Vec<R> x) {
  typedef Format<R> F;
  const Mask<R> tiny = x < all<R>(F::TINY);  // denormal: as a normal number first
  const Vec<R> scaled = select<R>(tiny, x * power_of_two<R>(wrapping<R>(F::MANTISSA + 2)), x);
  // The exponent as a whole number, such that the rest lies between sqrt(1/2) and sqrt(2).
  const Bits<R> above = (Bits<R>)scaled - wrapping<R>(F::SQRT_HALF);
  const Bits<R> biased = (above + (wrapping<R>(F::BIAS) << F::MANTISSA)) >> F::MANTISSA;
  const Bits<R> n = biased - wrapping<R>(F::BIAS);
  const Vec<R> f = (Vec<R>)((Bits<R>)scaled - (n << F::MANTISSA)) - all<R>(1);
  // To a real number by the rounder: processors before AVX-512 cannot convert integers of 64 bits.
  const Vec<R> rounder = all<R>(F::ROUNDER);
  const Vec<R> power = (Vec<R>)((Bits<R>)rounder + n) - rounder - select<R>(tiny, all<R>(F::MANTISSA + 2), all<R>(0));
  const Vec<R> result = log_of_parts<R>(power, f);
  const Vec<R> inf = all<R>((R)__builtin_inf());
  // What is not a positive finite number.
  const Vec<R> odd = select<R>(x == all<R>(0), -inf, select<R>(x == inf, inf, all<R>((R)__builtin_nan(""))));
  return select<R>((x > all<R>(0)) & (x <= all<R>(F::LARGEST)), result, odd);
}

// log(1 + x) for x from 0 to 1, with all its digits near 0; `inverse` is 1 / (1 + x).
template <class R> ML_INLINE Vec<R> log1p_of_share(Vec<R> x, Vec<R> inverse) {
  const Vec<R> one = all<R>(1), u = one + x;
  const Mask<R> upper = u > all<R>((R)1.4142135623730951);  // there log 2 + log(u / 2)
  const Vec<R> f = select<R>(upper, all<R>((R)0.5) * u, u) - one;
  // What rounding 1 + x lost, added back: log(u + lost) is nearly log(u) + lost / u.
  return log_of_parts<R>(select<R>(upper, one, all<R>(0)), f) + (x - (u - one)) * inverse;
}

// tanh(x), and its derivative 1 - tanh(x)^2 with all its digits too.
template <class R> struct Both { Vec<R> value, slope; };
template <class R> ML_INLINE Both<R> tanh_of(Vec<R> x) {
  // Of m = exp(2 |x|) - 1: m / (m + 2) and 4 (m + 1) / (m + 2)^2.
  const Vec<R> size = at_most<R>(magnitude<R>(x), (R)((Format<R>::EXP_MOST - 1) / 2));
  const Vec<R> m = expm1_of<R>(size + size);
  const Vec<R> inverse = all<R>(1) / (m + all<R>(2));
  // The quotient again, and not m * inverse, which never becomes 1.
  return {with_sign_of<R>(m / (m + all<R>(2)), x), all<R>(4) * ((m + all<R>(1)) * inverse) * inverse};
}

// Of a standard normal Z: P(Z <= z), and exp(-z^2 / 2), with all digits in the tails too.
template <class R> struct Normal { Vec<R> below, bell; };
template <class R> ML_INLINE Normal<R> normal_of(Vec<R> z) {
  const Vec<R> size = at_most<R>(magnitude<R>(z), sizeof(R) == 4 ? (R)14.5 : (R)38.7);
  // The square of the upper half of the digits is exact; the rest is added inside exp.
  const Vec<R> high = (Vec<R>)((Mask<R>)size & whole<R>(Format<R>::UPPER_HALF));
  const Vec<R> half = all<R>((R)0.5);
  const Vec<R> bell = exp_of_sum<R>(-half * high * high, -half * (size - high) * (size + high));
  // erfc(b) exp(b^2) (1 + 2 b) for b = size / sqrt(2) is smooth in t = (b - 3) / (b + 3): Shepherd and
  // Laframboise (1981).
  const Vec<R> b = size * all<R>((R)0.70710678118654752440);
  const Vec<R> t = (b - all<R>(3)) / (b + all<R>(3));
  Vec<R> p;
  if constexpr (sizeof(R) == 4)
    p = polynomial<R>(t, 1.253008058, -0.1356211504, -0.04756232849, 0.1296467462, -0.1192717287,
                      0.06829294517, -0.02379575873, 0.002576125594, 0.002003469475,
                      -0.0007856262976, -0.0002726707478);
  else
    p = polynomial<R>(
        t, 1.2530080582697296, -0.1356211061245797008, -0.04756229435344430478,
        0.1296451587025574004, -0.1192736634152731467, 0.06830802735147075292,
        -0.02377051492426250442, 0.002529391694354069459, 0.0018886904433723744,
        -0.0007798312025102560162, -0.0001051603178902358633, 0.0001250937284749582402,
        4.95088826173658752e-6, -0.00002008200878714334091, -7.320009816006735843e-7,
        3.433520101865779414e-6, 3.501355727078099854e-7, -5.660845683569079262e-7,
        -1.241607935429022889e-7, 6.406540415056156838e-8, 2.307762706947393311e-8);
  const Vec<R> tail = half * bell * p / (all<R>(1) + (b + b));
  return {select<R>(z < all<R>(0), tail, all<R>(1) - tail), bell};
}

// cos(2 pi turns) and sin(2 pi turns), for turns from -1/2 to 1/2.
template <class R> struct Angle { Vec<R> cosine, sine; };
template <class R> ML_INLINE Angle<R> angle_of_turns(Vec<R> turns) {
  // The nearest quarter of a turn, and the rest, an eighth at most.
  const Vec<R> rounder = all<R>(Format<R>::ROUNDER);
  const Vec<R> shifted = turns * all<R>(4) + rounder;
  const Mask<R> quarter = (Mask<R>)shifted - (Mask<R>)rounder;  // -2 to 2
  const Vec<R> f = turns - (shifted - rounder) * all<R>((R)0.25), z = f * f;
  Vec<R> c, s;
  if constexpr (sizeof(R) == 4) {
    c = polynomial<R>(z, 1.0, -19.73920865, 64.93931614, -85.44284467, 59.22016896);
    s = polynomial<R>(z, 6.283185288, -41.34166257, 81.59254287, -75.4016127);
  } else {
    c = polynomial<R>(z, 1.0, -19.73920880217871699, 64.93939402266795753, -85.45681720652271249,
                      60.24464132886729332, -26.42625090862213594, 7.903091687751696981,
                      -1.696849470291871497);
    s = polynomial<R>(z, 6.283185307179586477, -41.34170224039976014, 81.60524927607493067,
                      -76.70585975299812673, 42.05869392898878344, -15.09464040389154564,
                      3.81978812016321118, -0.7116358090781624623);
  }
  // Of a quarter more cos is -sin and sin is cos, of a half more both change their signs.
  const Mask<R> odd = (quarter & whole<R>(1)) != whole<R>(0), one = whole<R>(1), two = whole<R>(2);
  const Vec<R> cosine = select<R>(odd, f * s, c), sine = select<R>(odd, c, f * s);
  const Mask<R> below = ((quarter + one) & two) != whole<R>(0), left = (quarter & two) != whole<R>(0);
  return {select<R>(below, -cosine, cosine), select<R>(left, -sine, sine)};
}
template <class R> ML_INLINE Vec<R> cosine_of_turns(Vec<R> turns) { return angle_of_turns<R>(turns).cosine; }

}  // namespace
