// The engine for one instruction set; compiled once for each, with ML_BYTES and ML_ISA set.
#include "perceptron.h"
#include "session.h"

#define ML_JOIN2(a, b) a##_##b
#define ML_JOIN(a, b) ML_JOIN2(a, b)
#define ML_NAME(x) ML_JOIN(x, ML_ISA)
#define ML_TEXT2(x) #x
#define ML_TEXT(x) ML_TEXT2(x)

namespace {

// The practical limit: the micro-kernel on operands that stay in the nearest cache.
static double multiply_adds(long repeats) {
  typedef float R;
  constexpr int PW = PANEL<R>, K = 16 * PW;
  alignas(64) static thread_local R a[(K / PW) * MOST2 * PW], b[K * PW], c[MOST2 * PW];
  Tile<R> t = {a, (long)MOST2 * PW, b, 0, K, nullptr, nullptr, true, true, c, nullptr, END_PLAIN};
  for (long i = 0; i < repeats; i++) PRODUCT_TILES<R>.two[MOST2](t);
  return (double)repeats * 2 * MOST2 * PW * K;
}

// Handles say what they are of, so that one set of functions serves both types.
struct Handle { int real_bytes; void* net; };

#define ML_CALL(h, f32, f64) (((Handle*)(h))->real_bytes == 4 ? (f32) : (f64))
#define ML_NET(R, h) (*(Network<R>*)((Handle*)(h))->net)

static void* create_handle(const ml_spec* spec, int* error) {
  *error = ML_BAD_ARGUMENT;
  if (!spec || (spec->real_bytes != 4 && spec->real_bytes != 8)) return nullptr;
  Handle* h = (Handle*)calloc(1, sizeof(Handle));
  if (!h) return *error = ML_NO_MEMORY, nullptr;
  h->real_bytes = spec->real_bytes;
  h->net = spec->real_bytes == 4 ? create<float>(spec, error) : create<double>(spec, error);
  if (h->net) return h;
  free(h);
  return nullptr;
}
static void destroy_handle(void* h) {
  if (!h) return;
  ((Handle*)h)->real_bytes == 4 ? destroy<float>(((Handle*)h)->net) : destroy<double>(((Handle*)h)->net);
  free(h);
}
template <class R> static int move_all(Network<R>& net, int copy, int n, const ml_place* places, void* const* values, bool in) {
  int error = n < 0 || !places || !values ? ML_BAD_ARGUMENT : ML_OK;
  for (int i = 0; i < n && !error; i++)
    error = values[i] ? move(net, copy, places[i].layer, places[i].array, (R*)values[i], in) : ML_BAD_ARGUMENT;
  return error;
}
static int put(void* h, int copy, int n, const ml_place* places, void* const* values) {
  return ML_CALL(h, move_all(ML_NET(float, h), copy, n, places, values, true),
                 move_all(ML_NET(double, h), copy, n, places, values, true));
}
static int get(void* h, int copy, int n, const ml_place* places, void* const* values) {
  return ML_CALL(h, move_all(ML_NET(float, h), copy, n, places, values, false),
                 move_all(ML_NET(double, h), copy, n, places, values, false));
}
// Once more what Python has checked: a wrong size or number must not become a wrong address.

// Whether rows are none of a network; `read` says that all of them are read, not those of an order alone.
template <class R> static bool wrong(const Network<R>& net, const ml_rows& rows, bool judged, bool read) {
  const ml_spec& spec = net.spec;
  if (!rows.X || rows.X_type < 0 || rows.X_type > 5 || rows.n < 1) return true;
  if (rows.indptr) {
    if (!rows.indices || rows.n_entries < 0 || rows.X_type != (sizeof(R) == 8)) return true;
    if (net.table || shares_kernels(net) || net.layers[0].s.skip) return true;
    for (int64_t i = 0; read && i < rows.n; i++)
      if (wrong_row(rows, i, net.layers[0].s.n_in)) return true;
  } else if (spec.only_sparse) {
    return true;
  }
  if (!judged) return false;
  if (!rows.y || rows.y_columns != spec.heads) return true;
  if (spec.loss > ONE_VS_REST) return false;
  const int32_t* y = (const int32_t*)rows.y;
  for (int64_t i = 0; i < rows.n; i++)
    for (int h = 0; h < spec.heads; h++, y++)
      if (*y < 0 || *y >= spec.units[h]) return true;
  return false;
}
template <class R> static bool wrong(const Network<R>& net, const ml_call* call, int64_t lines) {
  const ml_spec& spec = net.spec;
  if (spec.rule < 0 || !call || !call->order || !call->rates) return true;
  if (call->width < 1 || call->width > spec.most_rows || call->per_epoch < 1 || call->step < call->first) return true;
  if (call->stop < call->step || (call->stop / call->per_epoch - call->step / call->per_epoch) > lines) return true;
  if (call->first < 0 || call->lines < 0 || call->stop - call->first > call->lines) return true;
  // A row is looked at once, or as often as it is visited where that is less for all of them.
  const bool sparse = call->rows.indptr, all_read = (call->stop - call->step) > call->rows.n / call->width;
  if (wrong(net, call->rows, true, all_read) || (sparse && (spec.input_dropout > 0 || spec.input_noise > 0))) return true;
  if (call->validation.X) {
    const bool read = call->stop / call->per_epoch > call->step / call->per_epoch;
    if (spec.n_members > 1 || !call->scale || wrong(net, call->validation, true, read)) return true;
  }
  for (int64_t step = call->step; step < call->stop; step++) {
    const int32_t* line = call->order + (step - call->first) * call->width;
    int64_t rows = 0;
    bool ended = false;  // nothing but -1 follows the last row of a batch
    for (int64_t i = 0; i < call->width; i++) {
      if (line[i] >= call->rows.n || (ended && line[i] >= 0)) return true;
      ended = ended || line[i] < 0;
      if (sparse && !ended && !all_read && wrong_row(call->rows, line[i], net.layers[0].s.n_in)) return true;
      rows += !ended;
    }
    if (rows % spec.n_members) return true;
  }
  return false;
}
template <class R> static int train_with(Network<R>& net, ml_call* call) {
  return wrong(net, call, call && call->report ? call->most_ended : 0) ? ML_BAD_ARGUMENT : train(net, *call);
}
static int train_handle(void* h, ml_call* call) {
  return ML_CALL(h, train_with(ML_NET(float, h), call), train_with(ML_NET(double, h), call));
}
template <class R> static int gradient_with(Network<R>& net, ml_call* call, double* loss) {
  if (!loss || wrong(net, call, INT64_MAX) || call->stop != call->step + 1) return ML_BAD_ARGUMENT;
  return gradient(net, *call, loss);
}
static int gradient_handle(void* h, ml_call* call, double* loss) {
  return ML_CALL(h, gradient_with(ML_NET(float, h), call, loss), gradient_with(ML_NET(double, h), call, loss));
}
template <class R> static int read_with(Network<R>& net, const ml_reading* r) {
  const ml_spec& spec = net.spec;
  if (!r || r->copy < 0 || r->copy >= ML_COPIES || r->layer < 0 || r->layer >= spec.n_layers) return ML_BAD_ARGUMENT;
  if (spec.n_members > 1 && (r->loss || !r->out || r->layer != spec.n_layers - 1)) return ML_BAD_ARGUMENT;
  if (r->loss && (!r->sums || r->layer != spec.n_layers - 1)) return ML_BAD_ARGUMENT;
  if (wrong(net, r->rows, r->loss != nullptr, true)) return ML_BAD_ARGUMENT;
  Team team(r->threads);
  return read_rows(net, team, *r);
}
static int read_handle(void* h, const ml_reading* r) {
  return ML_CALL(h, read_with(ML_NET(float, h), r), read_with(ML_NET(double, h), r));
}

// Networks of their own side by side, one on each thread; the first error of theirs.
struct Many { void** handles; ml_call* calls; const ml_reading* readings; int* errors; };
static void many_chunk(void* context, long, int, int i) {
  Many& m = *(Many*)context;
  m.errors[i] = m.calls ? train_handle(m.handles[i], &m.calls[i]) : read_handle(m.handles[i], &m.readings[i]);
}
static int run_many(Many m, int n, int threads) {
  if (n < 1 || n > 65535 || !m.handles || (!m.calls && !m.readings)) return ML_BAD_ARGUMENT;
  m.errors = (int*)calloc((size_t)n, sizeof(int));
  if (!m.errors) return ML_NO_MEMORY;
  {
    Team team(threads < n ? threads : n);
    const Job job = {many_chunk, &m, 1, &n, 1};
    team.run(job);
  }
  int error = ML_OK;
  for (int i = 0; i < n && !error; i++) error = m.errors[i];
  free(m.errors);
  return error;
}
static int train_many(void** handles, ml_call* calls, int n, int threads) {
  return run_many({handles, calls, nullptr, nullptr}, n, threads);
}
static int read_many(void** handles, const ml_reading* readings, int n, int threads) {
  return run_many({handles, nullptr, readings, nullptr}, n, threads);
}

}  // namespace

extern "C" const ml_engine ML_NAME(ml_engine);
extern "C" const ml_engine ML_NAME(ml_engine) = {
    ML_TEXT(ML_ISA), create_handle, destroy_handle, put, get, train_handle, gradient_handle, read_handle, train_many,
    read_many, multiply_adds, visit_rows, shuffle,
};
#include "math_entries.h"
