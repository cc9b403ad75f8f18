// Update rules: what a gradient does to a weight. A new rule is one struct and one line of the table.
//
// The same formulas as `_optim/rules.py`. A rule sees vectors; `m` and `v` are its two slots, numbers
// that it keeps beside each weight.
#pragma once
#include "simd.h"

namespace {

// Numbers of one update. Those of an array: `factor`, `weight_decay`, `l1` and `l2`.
template <class R> struct Numbers {
  R rate;
  R factor;       // of the array's own rate
  R beta1, beta2, epsilon;
  R scale1, scale2;  // what corrects the moments, by the number of the update
  R momentum, decay_rate;
  R weight_decay; // beside the rule (Loshchilov and Hutter, 2019)
  R l1, l2;       // shares of the penalty in the gradient: alpha / divisor, split by l1_ratio
  R ema;          // share of the old average
  R gathered;     // what a gradient that waits is multiplied by
};

// A weight and all that belongs to it.
template <class R> struct Weights {
  R* w; R* m; R* v;
  R* mean;  // of the average over the steps, or null
  Weights at(long i) const { return {w + i, m + i, v + i, mean ? mean + i : nullptr}; }
};

template <class R> ML_INLINE Vec<R> sign_of(Vec<R> w) {
  return select<R>(w > all<R>(0), all<R>(1), select<R>(w < all<R>(0), all<R>(-1), all<R>(0)));
}

enum RuleKind { PLAIN_SGD, SGD, NESTEROV, ADAM, CORRECTED_ADAM, ADAMW, ADAGRAD, RMSPROP, N_RULES };

// Each returns the step, which is added to the weight. AdamW is Adam with a weight decay.
template <class R> struct PlainSgd {
  static constexpr int slots = 0;
  ML_INLINE Vec<R> step(const Numbers<R>& h, Vec<R> g, R*, R*) { return all<R>(-h.rate) * g; }
};
template <class R> struct Momentum {
  static constexpr int slots = 1;
  ML_INLINE Vec<R> step(const Numbers<R>& h, Vec<R> g, R* m, R*) {
    Vec<R> t = g + all<R>(h.momentum) * load(m);
    store(m, t);
    return all<R>(-h.rate) * t;
  }
};
template <class R> struct Nesterov {
  static constexpr int slots = 1;
  ML_INLINE Vec<R> step(const Numbers<R>& h, Vec<R> g, R* m, R*) {
    Vec<R> t = g + all<R>(h.momentum) * load(m);
    store(m, t);
    return all<R>(-h.rate) * (g + all<R>(h.momentum) * t);
  }
};
// Kingma and Ba (2015), the form at the end of section 2: epsilon beside the uncorrected moment.
template <class R> struct Adam {
  static constexpr int slots = 2;
  ML_INLINE Vec<R> step(const Numbers<R>& h, Vec<R> g, R* m, R* v) {
    Vec<R> a = all<R>(h.beta1) * load(m) + all<R>(1 - h.beta1) * g;
    Vec<R> b = all<R>(h.beta2) * load(v) + all<R>(1 - h.beta2) * (g * g);
    store(m, a), store(v, b);
    return all<R>(-h.rate * h.scale1) * a / (square_root_of<R>(b) + all<R>(h.epsilon));
  }
};
template <class R> struct CorrectedAdam {
  static constexpr int slots = 2;
  ML_INLINE Vec<R> step(const Numbers<R>& h, Vec<R> g, R* m, R* v) {
    Vec<R> a = all<R>(h.beta1) * load(m) + all<R>(1 - h.beta1) * g;
    Vec<R> b = all<R>(h.beta2) * load(v) + all<R>(1 - h.beta2) * (g * g);
    store(m, a), store(v, b);
    return all<R>(-h.rate * h.scale1) * a / (square_root_of<R>(b * all<R>(h.scale2)) + all<R>(h.epsilon));
  }
};
template <class R> struct Adagrad {
  static constexpr int slots = 1;
  ML_INLINE Vec<R> step(const Numbers<R>& h, Vec<R> g, R* m, R*) {
    Vec<R> sum = load(m) + g * g;
    store(m, sum);
    Vec<R> step = all<R>(-h.rate) * g / square_root_of<R>(sum + all<R>(h.epsilon));
    return select<R>(sum > all<R>(0), step, all<R>(0));
  }
};
template <class R> struct RmsProp {
  static constexpr int slots = 2;
  ML_INLINE Vec<R> step(const Numbers<R>& h, Vec<R> g, R* m, R* v) {
    Vec<R> square = all<R>(h.decay_rate) * load(m) + all<R>(1 - h.decay_rate) * (g * g);
    store(m, square);
    Vec<R> t = all<R>(-h.rate) * g / square_root_of<R>(square + all<R>(h.epsilon)) + all<R>(h.momentum) * load(v);
    store(v, t);
    return t;
  }
};

// A rule on `n` numbers that lie one after another. `penalty` gathers that of the weights as they were,
// l1 * |w| + l2 / 2 * w^2, unless null.
template <class R> using Apply = void (*)(const Numbers<R>& h, const R* g, Weights<R> at, long n, R* penalty);

template <class R, class RULE>
static void apply_rule(const Numbers<R>& h, const R* gradient, Weights<R> at, long n, R* penalty) {
  const Numbers<R> numbers = h;  // a copy, which nothing written below can change
  const Vec<R> l1 = all<R>(h.l1), l2 = all<R>(h.l2), factor = all<R>(h.factor), ema = all<R>(h.ema), rest = all<R>(1 - h.ema);
  const Vec<R> decay = all<R>(h.rate * h.weight_decay);
  Vec<R> total = all<R>(0);
  for (long i = 0; i < n; i += LANES<R>) {
    Vec<R> w = load(at.w + i), g = load(gradient + i) + l2 * w;
    if (h.l1 != 0) g += l1 * sign_of<R>(w);
    if (penalty) total += l1 * magnitude<R>(w) + all<R>((R)0.5) * l2 * (w * w);
    w += factor * (RULE::step(numbers, g, at.m + i, at.v + i) - decay * w);
    store(at.w + i, w);
    if (at.mean) store(at.mean + i, ema * load(at.mean + i) + rest * w);
  }
  if (penalty) *penalty += sum_of<R>(total);
}

// The gradient written down in place of an update: `at.w` is the store then.
template <class R> static void write_gradient(const Numbers<R>&, const R* g, Weights<R> at, long n, R*) {
  for (long i = 0; i < n; i += LANES<R>) store(at.w + i, load(g + i));
}
// Or added, times the divisor of its batch, to those of the batches before.
template <class R> static void gather_gradient(const Numbers<R>& h, const R* g, Weights<R> at, long n, R*) {
  for (long i = 0; i < n; i += LANES<R>) store(at.w + i, load(at.w + i) + all<R>(h.gathered) * load(g + i));
}

// Whether a gradient of 0 changes nothing: neither the weight nor what the rule remembers.
constexpr bool rests_at_zero(int rule) { return rule == PLAIN_SGD || rule == ADAGRAD; }

template <class R> struct Rule {
  Apply<R> apply;
  int slots;
};
template <class R, class RULE> constexpr Rule<R> rule() { return {apply_rule<R, RULE>, RULE::slots}; }
template <class R> constexpr Rule<R> RULES[N_RULES] = {  // in the order of RuleKind
    rule<R, PlainSgd<R>>(),      rule<R, Momentum<R>>(), rule<R, Nesterov<R>>(), rule<R, Adam<R>>(),
    rule<R, CorrectedAdam<R>>(), rule<R, Adam<R>>(),     rule<R, Adagrad<R>>(),  rule<R, RmsProp<R>>(),
};

}  // namespace
