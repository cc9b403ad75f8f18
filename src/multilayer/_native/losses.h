// Losses of one row, with their gradients with respect to the raw outputs of the network.
//
// The formulas are those of `_objectives/classification.py` and `_objectives/regression.py`, and the
// gradients at kinks those of JAX. A new loss is its number in the enum, a function from a row to the
// sum of the losses of its heads, and its line in `row_loss`; `add_score` if its score is another.
//
// ROOM: raw and slope have room for LANES<R> more numbers than there are output units, as vectors
// read and write past a head's end. What is read there is ignored (NaN too), what is written there is
// no result. slope must not overlap raw. Class numbers are trusted: the caller checks them once.
#pragma once
#include "activations.h"

namespace {

enum LossKind { SOFTMAX, ONE_VS_REST, YES_NO, SQUARED_ERROR, ABSOLUTE_ERROR, HUBER, POISSON, QUANTILE, GAUSSIAN_NLL };

template <class R> struct Loss {
  int kind;
  int heads;                  // groups of output units: one for each column of y
  const int* units;           // output units of each head
  int middle;                 // of the units of a quantile head, the median
  int out_activation;         // of the outputs of a regression: an ActivationKind
  R smoothing;                // of labels, in [0, 1)
  R delta;                    // where huber turns from squared to absolute
  const R* levels;            // of the quantiles, as many as a head has units
  const R* class_weights;     // heads one after another (YES_NO: of no, of yes of each), or null
};

constexpr double SMALLEST_SPREAD = 1e-4;         // as in _objectives/regression_losses.py
constexpr double HALF_LOG_2_PI = 0.91893853320467274178;

// Which lanes are among the `count` numbers left.
template <class R> ML_INLINE Mask<R> among(long count) {
  return lane_numbers<R>() < all<R>((R)(count < LANES<R> ? count : LANES<R>));
}

// Up to LANES numbers, 0 beyond: of arrays that end where they end.
template <class R> ML_INLINE Vec<R> load_few(const R* p, long count) {
  if (count >= LANES<R>) return load<R>(p);
  Vec<R> r = all<R>(0);
  for (int i = 0; i < count; i++) r[i] = p[i];
  return r;
}

// Of a single number, in functions of their own: they are used in many places.
template <class R> struct One { R value, slope; };
template <class R> __attribute__((noinline)) R log_of_one(R x) { return log_of<R>(all<R>(x))[0]; }
template <class R> __attribute__((noinline)) One<R> softplus_of_one(R x) {
  const Both<R> both = Softplus::at<R>(all<R>(x));
  return {both.value[0], both.slope[0]};
}

// Classes -----------------------------------------------------------------------------------------

// Cross-entropy of exclusive classes; the target is 1 - smoothing more for the row's own class than
// the smoothing / n of all. `weight` multiplies loss and slope.
template <class R> R softmax_loss(const R* raw, int n, int label, R smoothing, R weight, R* slope) {
  Vec<R> most = all<R>(-(R)__builtin_inf());
  for (int k = 0; k < n; k += LANES<R>) most = larger<R>(most, select<R>(among<R>(n - k), load(raw + k), most));
  const R largest = largest_of<R>(most);
  // Probabilities before they are divided by their sum, in `slope` if there is one.
  Vec<R> total = all<R>(0), logits = all<R>(0);
  for (int k = 0; k < n; k += LANES<R>) {
    const Mask<R> own = among<R>(n - k);
    const Vec<R> shifted = load(raw + k) - all<R>(largest);
    const Vec<R> e = select<R>(own, exp_of<R>(shifted), all<R>(0));
    total += e;
    logits += select<R>(own, shifted, all<R>(0));
    if (slope) store<R>(slope + k, e);
  }
  const R sum = sum_of<R>(total), log_sum = log_of_one<R>(sum), base = smoothing / (R)n;
  if (slope) {
    const Vec<R> scale = all<R>(weight / sum), less = all<R>(weight * base);
    for (int k = 0; k < n; k += LANES<R>) store<R>(slope + k, load(slope + k) * scale - less);
    slope[label] -= weight * (1 - smoothing);
  }
  R loss = (1 - smoothing) * (log_sum - (raw[label] - largest));
  if (smoothing > 0) loss += base * ((R)n * log_sum - sum_of<R>(logits));
  return weight * loss;
}

// The same for LANES rows at once, one in each lane; class k of them is at raw + k * PANEL, and its slope
// at slopes + k * PANEL. Half of the time of row by row where there are few classes. What of the slopes
// belongs to the labels is left to the caller: weight * (1 - smoothing) less.
template <class R>
ML_INLINE Vec<R> softmax_losses(const R* raw, int n, Vec<R> own, R smoothing, Vec<R> weight, R* slopes) {
  constexpr int PW = PANEL<R>;
  Vec<R> most = load(raw), total = all<R>(0), logits = all<R>(0);
  for (int k = 1; k < n; k++) most = larger<R>(most, load(raw + k * PW));
  for (int k = 0; k < n; k++) {
    const Vec<R> shifted = load(raw + k * PW) - most, e = exp_of<R>(shifted);
    store(slopes + k * PW, e);
    total += e, logits += shifted;
  }
  const R base = smoothing / (R)n;
  const Vec<R> log_sum = log_of<R>(total), scale = weight / total, less = weight * all<R>(base);
  for (int k = 0; k < n; k++) store(slopes + k * PW, load(slopes + k * PW) * scale - less);
  Vec<R> loss = all<R>(1 - smoothing) * (log_sum - (own - most));
  if (smoothing > 0) loss += all<R>(base) * (all<R>((R)n) * log_sum - logits);
  return loss;
}

// Of yes/no outputs: softplus(z) - target z for each, and its slope.
template <class R> ML_INLINE Both<R> yes_no_loss(Vec<R> z, Vec<R> target, R smoothing) {
  const Vec<R> smooth = target * all<R>(1 - smoothing) + all<R>((R)0.5 * smoothing);
  const Both<R> softplus = Softplus::at<R>(z);
  return {softplus.value - smooth * z, softplus.slope - smooth};
}

// One yes/no output for each class, added up.
template <class R> R one_vs_rest_loss(const R* raw, int n, int label, R smoothing, R weight, R* slope) {
  Vec<R> total = all<R>(0);
  for (int k = 0; k < n; k += LANES<R>) {
    const Mask<R> hit = lane_numbers<R>() == all<R>((R)(label - k));
    const Both<R> both = yes_no_loss<R>(load(raw + k), select<R>(hit, all<R>(1), all<R>(0)), smoothing);
    total += select<R>(among<R>(n - k), both.value, all<R>(0));
    if (slope) store<R>(slope + k, both.slope * all<R>(weight));
  }
  return weight * sum_of<R>(total);
}

// A row's weight is divided among its heads: each gets its class weight over the mean of them, 0
// where a row has no weight at all.
template <class R> ML_INLINE R share_of(R weight, R mean) { return mean > 0 ? weight / mean : 0; }

template <class R> R class_loss(const Loss<R>& loss, const R* raw, const int32_t* labels, R* slope) {
  const R* table = loss.class_weights;
  R sum = 0;
  for (int h = 0; table && h < loss.heads; table += loss.units[h], h++) sum += table[labels[h]];
  table = loss.class_weights;
  const R mean = table ? sum / (R)loss.heads : 1;
  R total = 0;
  for (int h = 0; h < loss.heads; h++) {
    const int n = loss.units[h], label = labels[h];
    const R weight = table ? share_of(table[label], mean) : 1;
    total += loss.kind == SOFTMAX ? softmax_loss<R>(raw, n, label, loss.smoothing, weight, slope)
                                  : one_vs_rest_loss<R>(raw, n, label, loss.smoothing, weight, slope);
    raw += n;
    if (slope) slope += n;
    if (table) table += n;
  }
  return total;
}

// Independent yes/no outputs, one for each head.
template <class R> R logistic_loss(const Loss<R>& loss, const R* raw, const R* target, R* slope) {
  const R* table = loss.class_weights;
  R sum = 0;
  for (int h = 0; table && h < loss.heads; h++) sum += table[2 * h + (target[h] > 0)];
  const R mean = sum / (R)loss.heads;
  Vec<R> total = all<R>(0);
  for (int h = 0; h < loss.heads; h += LANES<R>) {
    const long left = loss.heads - h;
    const Both<R> both = yes_no_loss<R>(load(raw + h), load_few<R>(target + h, left), loss.smoothing);
    Vec<R> weight = all<R>(1);
    for (int i = 0; table && i < LANES<R> && i < left; i++)
      weight[i] = share_of(table[2 * (h + i) + (target[h + i] > 0)], mean);
    total += select<R>(among<R>(left), both.value * weight, all<R>(0));
    if (slope) store<R>(slope + h, both.slope * weight);
  }
  return sum_of<R>(total);
}

// Numbers -----------------------------------------------------------------------------------------

// Of predictions: the loss, and its slope with respect to them.
struct SquaredError {
  template <class R> ML_INLINE Both<R> at(Vec<R> predicted, Vec<R> target, R) {
    const Vec<R> error = predicted - target;
    return {all<R>((R)0.5) * error * error, error};
  }
};
struct AbsoluteError {
  template <class R> ML_INLINE Both<R> at(Vec<R> predicted, Vec<R> target, R) {
    const Vec<R> error = predicted - target, one = all<R>(1);
    return {magnitude<R>(error), select<R>(error >= all<R>(0), one, -one)};  // 1 at 0, as JAX has it
  }
};
struct Huber {
  template <class R> ML_INLINE Both<R> at(Vec<R> predicted, Vec<R> target, R delta) {
    const Vec<R> error = predicted - target, distance = magnitude<R>(error);
    const Vec<R> near = at_most<R>(distance, delta);
    return {all<R>((R)0.5) * near * near + all<R>(delta) * (distance - near), with_sign_of<R>(near, error)};
  }
};

// One prediction for each head, under the output activation.
template <class R, class L> R point_loss(const Loss<R>& loss, const R* raw, const R* target, R* slope) {
  const Activation<R> activation = activation_of<R>(loss.out_activation);
  Vec<R> total = all<R>(0);
  for (int h = 0; h < loss.heads; h += LANES<R>) {
    const long left = loss.heads - h;
    R predicted[LANES<R>], steepness[LANES<R>];
    activation(raw + h, predicted, steepness, LANES<R>);
    const Both<R> both = L::template at<R>(load<R>(predicted), load_few<R>(target + h, left), loss.delta);
    total += select<R>(among<R>(left), both.value, all<R>(0));
    if (slope) store<R>(slope + h, both.slope * load<R>(steepness));
  }
  return sum_of<R>(total);
}

// Half the Poisson deviance, from the outputs before their activation (exp or softplus): the
// logarithm of a mean that was rounded to 0 would be -inf.
template <class R> R poisson_loss(const Loss<R>& loss, const R* raw, const R* target, R* slope) {
  Vec<R> total = all<R>(0);
  for (int h = 0; h < loss.heads; h += LANES<R>) {
    const long left = loss.heads - h;
    const Vec<R> z = load(raw + h), t = load_few<R>(target + h, left), zero = all<R>(0);
    Both<R> mean, log_mean;
    if (loss.out_activation == EXP) {
      mean = Exp::at<R>(z);
      log_mean = {z, all<R>(1)};
    } else {
      mean = Softplus::at<R>(z);
      const Mask<R> low = z < all<R>(-15);  // there it is z itself
      const Both<R> bounded = Softplus::at<R>(at_least<R>(z, (R)-15));
      log_mean = {select<R>(low, z, log_of<R>(bounded.value)),
                  select<R>(low, all<R>(1), bounded.slope / bounded.value)};
    }
    const Vec<R> own = select<R>(t == zero, zero, t * log_of<R>(t));
    const Vec<R> value = own - t * log_mean.value - t + mean.value;
    total += select<R>(among<R>(left), value, zero);
    if (slope) store<R>(slope + h, mean.slope - t * log_mean.slope);
  }
  return sum_of<R>(total);
}

// Pinball loss of one head's quantiles, averaged over the levels. The unit in the middle is the
// median; each other one is a distance, made positive by softplus, from its neighbour on the way
// there.
template <class R> R quantile_loss(const Loss<R>& loss, const R* raw, int n, R target, R* slope) {
  const R share = 1 / (R)n, tiny = Format<R>::TINY;
  R total = 0, slopes = 0;
  // Of the median (way 0), then upwards, then downwards from it.
  for (int way = 0; way < 3; way++) {
    const int step = way == 2 ? -1 : 1, first = way == 0 ? loss.middle : loss.middle + step;
    R predicted = raw[loss.middle];
    for (int k = first; k >= 0 && k < n && (way > 0 || k == first); k += step) {
      if (way > 0) predicted += (R)step * (softplus_of_one<R>(raw[k]).value + tiny);
      const R error = target - predicted, q = loss.levels[k];
      const R upper = q * error, lower = (q - 1) * error;
      total += upper > lower ? upper : lower;
      // With respect to this quantile; between both sides where they meet, as JAX has it.
      const R own = share * (error > 0 ? -q : error < 0 ? 1 - q : (R)0.5 - q);
      slopes += own;
      if (slope) slope[k] = own;
    }
  }
  if (slope) {
    // A distance moves its own quantile and those beyond it.
    for (int step = -1; step <= 1; step += 2) {
      R beyond = 0;
      for (int k = step > 0 ? 0 : n - 1; k != loss.middle; k += step) {
        beyond += slope[k];
        slope[k] = (R)-step * beyond * softplus_of_one<R>(raw[k]).slope;
      }
    }
    slope[loss.middle] = slopes;
  }
  return total * share;
}

// Negative log-likelihood of one head's mean and spread.
template <class R> R gaussian_loss(const R* raw, R target, R* slope) {
  const One<R> softplus = softplus_of_one<R>(raw[1]);
  const R spread = softplus.value + (R)SMALLEST_SPREAD, z = (target - raw[0]) / spread;
  if (slope) {
    slope[0] = -z / spread;
    slope[1] = (1 - z * z) / spread * softplus.slope;
  }
  return (R)0.5 * z * z + log_of_one<R>(spread) + (R)HALF_LOG_2_PI;
}

// Of heads with several units each.
template <class R> R distribution_loss(const Loss<R>& loss, const R* raw, const R* target, R* slope) {
  R total = 0;
  for (int h = 0; h < loss.heads; h++) {
    const int n = loss.units[h];
    total += loss.kind == QUANTILE ? quantile_loss<R>(loss, raw, n, target[h], slope)
                                   : gaussian_loss<R>(raw, target[h], slope);
    raw += n;
    if (slope) slope += n;
  }
  return total;
}

// The sum of the losses over the heads; slope gets the gradient unless null. target: class numbers
// (int32_t, one of each head) for SOFTMAX and ONE_VS_REST, else numbers R, one of each head (0 or 1
// for YES_NO).
template <class R> R row_loss(const Loss<R>& loss, const R* raw, const void* target, R* slope) {
  const R* numbers = (const R*)target;
  switch (loss.kind) {
    case SOFTMAX:
    case ONE_VS_REST: return class_loss<R>(loss, raw, (const int32_t*)target, slope);
    case YES_NO: return logistic_loss<R>(loss, raw, numbers, slope);
    case SQUARED_ERROR: return point_loss<R, SquaredError>(loss, raw, numbers, slope);
    case ABSOLUTE_ERROR: return point_loss<R, AbsoluteError>(loss, raw, numbers, slope);
    case HUBER: return point_loss<R, Huber>(loss, raw, numbers, slope);
    case POISSON: return poisson_loss<R>(loss, raw, numbers, slope);
    case QUANTILE:
    case GAUSSIAN_NLL: return distribution_loss<R>(loss, raw, numbers, slope);
  }
  return (R)__builtin_nan("");  // an unknown kind, which the caller refuses
}

// Scores ------------------------------------------------------------------------------------------

// Whether the label's output is the first one of the largest.
template <class R> bool is_first_largest(const R* raw, int n, int label) {
  const R own = raw[label];
  int wrong = own != own;  // NaN is no answer
  for (int k = 0; k < label; k++) wrong |= raw[k] >= own;
  for (int k = label + 1; k < n; k++) wrong |= raw[k] > own;
  return !wrong;
}

template <class R> bool all_heads_right(const Loss<R>& loss, const R* raw, const void* target) {
  for (int h = 0; h < loss.heads; h++) {
    const int n = loss.units[h];
    if (loss.kind == YES_NO) {
      if ((raw[0] > 0) != (((const R*)target)[h] > 0)) return false;
    } else if (!is_first_largest<R>(raw, n, ((const int32_t*)target)[h])) {
      return false;
    }
    raw += n;
  }
  return true;
}

// Adds to sums what a score is computed from: of classes the weight, if all heads are right
// (sums[0]); else each target's squared error times the weight (sums[head]). raw has ROOM.
template <class R> void add_score(const Loss<R>& loss, const R* raw, const void* target, R weight, double* sums) {
  if (loss.kind <= YES_NO) {
    if (all_heads_right<R>(loss, raw, target)) sums[0] += weight;
    return;
  }
  const Activation<R> activation = activation_of<R>(loss.out_activation);
  const R* numbers = (const R*)target;
  for (int h = 0; h < loss.heads; h++) {
    R predicted[LANES<R>];
    if (loss.kind == QUANTILE) predicted[0] = raw[loss.middle];
    else if (loss.kind == GAUSSIAN_NLL) predicted[0] = raw[0];
    else activation(raw, predicted, (R*)0, LANES<R>);
    const R error = numbers[h] - predicted[0];
    sums[h] += (double)weight * (double)error * (double)error;
    raw += loss.units[h];
  }
}

}  // namespace
