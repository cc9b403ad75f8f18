// What crosses from Python: plain structures. `_engine/native/library.py` has the same ones.
#pragma once
#include <stdint.h>

#if defined(_WIN32)
#define ML_EXPORT extern "C" __declspec(dllexport)
#else
#define ML_EXPORT extern "C" __attribute__((visibility("default")))
#endif

extern "C" {

struct ml_layer {
  int32_t n_in, n_out;
  int32_t activation;  // of activations.h; the output layer's is identity, its loss does the rest
  int32_t norm;        // 0 none, 1 batch, 2 layer
  int32_t skip;        // 1: adds its input to its output
  int32_t frozen;
  int32_t parametric;  // 1: each unit learns its share of the activation, z + share (f(z) - z)
  int32_t drops;       // 1: the chance of dropout is an array of its own, ML_DROPOUT
  int32_t scales_in;   // of an ensemble, 1: members scale its inputs
  int32_t scales_out;  // 1: they scale its sums, and have biases of their own
  int32_t own_kernels; // 1: they have kernels and biases of their own
  int32_t pad;
  double dropout;      // chance of a unit to be dropped in training
  double out_factor;   // of its outputs: what the next layer divides its inputs by
  double rates[6], decays[6];  // factors of learning rate and weight decay, from ML_KERNEL to ML_SCALE_OUT
};

// What reads the columns of a table, in front of the first layer; see inputs.h. Its outputs are, side by
// side: waves, ramps, scaled columns, bins, columns that pass, embeddings.
struct ml_table {
  int32_t n_scaled;        // first columns, which are centred, scaled and clipped
  int32_t n_passed;        // columns that follow and stay as they are
  int32_t n_bins;
  const int32_t* bin_columns;  // (n_bins,) scaled column of each bin
  int32_t n_waved, n_frequencies, wave_size;  // first columns with periodic embeddings
  int32_t n_ramped, n_ramps, ramp_size;  // columns after the scaled ones with piecewise linear embeddings
  int32_t n_categories;    // last columns: codes
  const int32_t* cardinalities;
  int32_t category_size;
  int32_t drops;           // 1: outputs are dropped in training, with the chance ML_TABLE_DROPOUT
  int32_t weighted;        // 1: each output has a weight that learns
  double out_factor, wave_rate, weight_rate;  // rates: factors of learning rate and of weight decay
};

struct ml_spec {
  int32_t real_bytes;  // 4 or 8
  int32_t n_layers;
  const ml_layer* layers;
  const ml_table* table;  // or null: inputs are what the first layer gets
  int32_t most_rows;   // of a batch
  int32_t n_members;   // of an ensemble that shares kernels: a batch has their rows one after another
  int32_t only_sparse; // 1: all rows are sparse, and there is no memory for dense ones
  int32_t rule;        // of rules.h, or -1: never trained
  // The loss, see losses.h.
  int32_t loss, heads, middle, out_activation;
  const int32_t* units;
  double smoothing, delta;
  const double* levels;         // (units of a head,) or null
  const double* class_weights;  // or null
  double reported_share;        // what losses are multiplied by when they are reported
  // What is done around the rule; numbers that are not in use are 0.
  int32_t clipped, max_normed, averaged, accumulated, adaptive, accumulate_steps;
  double clip_norm, max_norm, ema_decay, alpha, l1_ratio;
  double beta1, beta2, epsilon, momentum, decay_rate, weight_decay;
  double input_scale, input_dropout, input_noise;
  uint32_t seed;
  // The stopping rule, see `_engine/stopping.py`.
  int32_t validates, monitor, closed_outside, patience;  // monitor: 0 loss, 1 validation loss, 2 score
  double tol, base_rate;
  double total_steps;  // that dropout and weight decay are annealed over, or 0: they are not
};

// Rows: inputs `(n, n_in)`, targets `(n, columns)` and weights. Sparse inputs, those of a CSR matrix, are for
// a first layer without a table before it, and in training without dropout or noise of inputs.
struct ml_rows {
  const void* X;           // of sparse rows the stored numbers, which are reals
  int32_t X_type;          // 0 float, 1 double, 2 uint8, 3 int8, 4 uint16, 5 int16
  int32_t y_columns;
  const void* y;           // int32 class numbers, or reals
  const void* weight;      // reals, or null: 1 everywhere
  const void* divisor;     // reals, or null: as the weights
  int64_t n;
  const int32_t* indices;  // columns of the stored numbers, which rise within a row
  const int64_t* indptr;   // (n + 1,) where each row's begin, or null: rows are dense
  int64_t n_entries;
};

// A call: the steps from `step` up to `stop`, or up to the end of an epoch where training ends.
struct ml_call {
  ml_rows rows;
  const int32_t* order;    // (steps, width) row numbers; -1 after the last of a batch
  int64_t lines, width, first;  // steps that `order` and `rates` have; `first` is the step of order[0]
  const void* rates;       // (steps,) reals
  const void* divisors;    // (steps,) reals that losses are divided by, or null: those of the rows
  int64_t step, stop, per_epoch, updates;  // `step` and `updates` so far: in and out
  int64_t most_ended;      // lines of the report: epochs that may end
  ml_rows validation;      // X null where there is none
  const double* scale;     // what the sums of the score are divided by
  int32_t threads, status, no_improvement, n_ended;  // `n_ended`: epochs that ended, out
  double best_kept, best_loss, best_value, rate_divisor, loss_sum, weight_sum;  // in and out
  double pending_loss, pending_weight;
  double* losses;          // (steps,) out: sums of the weighted losses of each step's rows, or null
  double* report;          // (epochs, 4): loss, validation loss, validation score, learning rate
};

// What is read from a network for many rows.
struct ml_reading {
  ml_rows rows;
  int32_t copy;            // whose parameters
  int32_t layer;           // outputs of this layer; the last one's are before their activation
  int32_t threads, pad;
  void* out;               // (n, n_out of the layer) reals, or null: only the sums are wanted
  double* loss;            // (1,) sum of weight * loss of the rows, or null
  double* sums;            // of the score
};

// The rule of the perceptron: one threshold unit visits rows in an order. See perceptron.h.
struct ml_perceptron {
  const void* X;           // (n_rows, n_features); of sparse rows the stored numbers, doubles
  int32_t X_type;          // as of ml_rows; 6 int32, 7 int64; -1: sparse rows
  int32_t index_bytes;     // of sparse rows: 4 or 8
  const void* indices;     // columns of the stored numbers
  const int64_t* indptr;   // (n_rows + 1,) where each row's begin
  int64_t n_rows, n_features, n_entries;
  const double *targets, *sizes, *norms;  // of the rows: -1 or 1, sizes of the steps, norms
  const int64_t* order;    // (n_order,) row numbers
  int64_t n_order, first, stop;  // this call visits order[first] up to order[stop]
  double* weights;         // (n_features,)
  double* paid;            // (n_features,) what L1 has taken, or null: there is no penalty
  int32_t learns_bias, pad;
  double bias_share;
  double alpha, l1_ratio, owed_step, shrink_by;  // of the penalty
  double bias, factor, owed, square, absolute;   // in and out: the unit, and its penalty
  double length, sum_squares, sum_sizes;         // in and out within a pass
  double loss;             // in and out: sums of the pass
  int64_t updates;
};

// Copies of a network's parameters, and their arrays in each layer.
enum { ML_PARAMS, ML_SLOT1, ML_SLOT2, ML_MEAN, ML_PENDING, ML_BEST, ML_GRADIENT, ML_COPIES };
// ML_SCALE is also the share of a parametric activation.
enum {
  ML_KERNEL, ML_BIAS, ML_SCALE, ML_SHIFT, ML_SCALE_IN, ML_SCALE_OUT, ML_RUNNING_MEAN, ML_RUNNING_VARIANCE, ML_DROPOUT,
  ML_ARRAYS
};
// The arrays of a table, as those of layer ML_TABLE: measured ones, then learnt ones. The embedding of
// category j is ML_EMBEDDINGS + j.
enum {
  ML_CENTRE, ML_FACTOR, ML_BIN_LOW, ML_BIN_SLOPE, ML_BIN_MEAN, ML_BIN_GAIN, ML_USED, ML_TABLE_DROPOUT,
  ML_RAMP_LOW, ML_RAMP_FACTOR, ML_RAMP_FLOOR, ML_RAMP_CEILING,
  ML_WEIGHTS, ML_FREQUENCIES, ML_PHASES, ML_WAVE_KERNEL, ML_WAVE_BIAS, ML_RAMP_SLOPE, ML_RAMP_OFFSET,
  ML_RAMP_KERNEL, ML_EMBEDDINGS
};
enum { ML_TABLE = -1 };
struct ml_place { int32_t layer, array; };
enum { ML_OK, ML_NO_MEMORY, ML_BAD_ARGUMENT };

// The functions of one instruction set.
struct ml_engine {
  const char* name;
  void* (*create)(const ml_spec*, int* error);
  void (*destroy)(void*);
  int (*put)(void*, int copy, int n, const ml_place*, void* const* values);  // n arrays of a copy of the parameters
  int (*get)(void*, int copy, int n, const ml_place*, void* const* values);
  int (*train)(void*, ml_call*);
  int (*gradient)(void*, ml_call*, double* loss);
  int (*read)(void*, const ml_reading*);
  int (*train_many)(void**, ml_call*, int n, int threads);  // networks of their own, one on each thread
  int (*read_many)(void**, const ml_reading*, int n, int threads);
  double (*multiply_adds)(long repeats);  // for benchmarks: operations done in a loop of the micro-kernel
  int (*perceptron)(ml_perceptron*);
  int (*shuffle)(uint32_t seed, int64_t n, int64_t* order);
};
}
