// Random numbers that are a function of (seed, step, stream, index), and of nothing else.
//
// A generator with a state would give other numbers when the work is divided otherwise. This one,
// Threefry-2x32 (Salmon, Moraes, Dror and Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011),
// encrypts the index with the key: any thread can compute any number, at any vector width. It adds,
// rotates and xors 32-bit words, which every instruction set does for vectors. 13 rounds are the
// fewest that pass all tests of BigCrush in that paper.
#pragma once
#include "vector_math.h"

namespace {

struct Key { uint32_t a, b; };

constexpr int ROUNDS = 13;

// Two words from two words, of one number (W = uint32_t) or of lanes.
template <class W> struct Words { W x, y; };
template <class W> ML_INLINE Words<W> threefry(Key key, W x, W y) {
  constexpr int turns[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  const uint32_t keys[3] = {key.a, key.b, 0x1BD11BDA ^ key.a ^ key.b};
  x += keys[0];
  y += keys[1];
  for (int round = 0; round < ROUNDS; round++) {
    const int turn = turns[round % 8], next = round / 4 + 1;
    x += y;
    y = ((y << turn) | (y >> (32 - turn))) ^ x;
    if (round % 4 == 3) {  // the key again
      x += keys[next % 3];
      y += keys[(next + 1) % 3] + (uint32_t)next;
    }
  }
  return {x, y};
}

// The key of one stream (a layer, say) in one step.
ML_INLINE Key key_of(uint32_t seed, uint32_t step, uint32_t stream) {
  const Words<uint32_t> words = threefry<uint32_t>(Key{seed, stream}, step, 0);
  return {words.x, words.y};
}

// Two random words for each lane, of the indices first, first + 1, ... In 64-bit lanes they are in
// the lower half and the upper half is 0.
template <class R> ML_INLINE Words<Bits<R>> words_of(Key key, uint32_t first) {
  typedef Bits<float> W;  // 32-bit words
  W offsets = {};
  for (int i = 0; i < LANES<float>; i++) offsets[i] = (uint32_t)(i * (int)sizeof(float) / (int)sizeof(R));
  const Words<W> words = threefry<W>(key, offsets + first, W{});
  if constexpr (sizeof(R) == 4) return words;
  else {
    const Bits<R> lower = (Bits<R>)whole<R>(0xffffffff);
    return {(Bits<R>)words.x & lower, (Bits<R>)words.y & lower};
  }
}

// Uniform in [0, 1): 24 bits of the first word for float; for double 20 more of the second one, so
// that the two types get nearly the same numbers.
template <class R> ML_INLINE Vec<R> uniform(Key key, uint32_t first) {
  const Words<Bits<R>> words = words_of<R>(key, first);
  if constexpr (sizeof(R) == 4) {
    return as_reals<R>((Mask<R>)(words.x >> 8)) * all<R>((R)0x1p-24);
  } else {
    const Bits<R> bits = (words.x << 20) | (words.y >> 12);
    return (Vec<R>)(bits | (Bits<R>)all<R>(1)) - all<R>(1);  // the digits of a number in [1, 2)
  }
}

// Two vectors of uniform numbers in [0, 1) with 24 bits each, for the price of one: for dropout.
template <class R> struct Pair { Vec<R> v[2]; };
template <class R> ML_INLINE Vec<R> real_of_bits(Bits<R> x);
template <class R> ML_INLINE Pair<R> uniform_pair(Key key, uint32_t first) {
  const Words<Bits<R>> words = words_of<R>(key, first);
  const Vec<R> unit = all<R>((R)0x1p-24);
  return {{real_of_bits<R>(words.x >> 8) * unit, real_of_bits<R>(words.y >> 8) * unit}};
}

// The lower 31 bits as a real number.
template <class R> ML_INLINE Vec<R> real_of_bits(Bits<R> x) {
  if constexpr (sizeof(R) == 4) return as_reals<R>((Mask<R>)x);
  else return (Vec<R>)(x | (Bits<R>)all<R>((R)0x1p52)) - all<R>((R)0x1p52);
}

// Standard normal (Box and Muller, 1958), from 31 bits for the radius and 31 for the angle: its size is
// 6.7 at most.
template <class R> ML_INLINE Vec<R> normal(Key key, uint32_t first) {
  const Words<Bits<R>> words = words_of<R>(key, first);
  const Vec<R> radius = (real_of_bits<R>(words.x >> 1) + all<R>((R)0.5)) * all<R>((R)0x1p-31);  // (0, 1]
  const Vec<R> turns = real_of_bits<R>(words.y >> 1) * all<R>((R)0x1p-31) - all<R>((R)0.5);
  return square_root_of<R>(all<R>(-2) * log_of<R>(radius)) * cosine_of_turns<R>(turns);
}

}  // namespace
