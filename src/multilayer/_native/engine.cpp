// The engine for one instruction set; compiled once for each, with ML_BYTES and ML_ISA set.
#include "perceptron.h"
#include "session.h"

#define ML_JOIN2(a, b) a##_##b
#define ML_JOIN(a, b) ML_JOIN2(a, b)
#define ML_NAME(x) ML_JOIN(x, ML_ISA)
#define ML_TEXT2(x) #x
#define ML_TEXT(x) ML_TEXT2(x)

namespace {

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
static int put(void* h, int copy, int layer, int array, const void* values) {
  return ML_CALL(h, move(ML_NET(float, h), copy, layer, array, (float*)values, true),
                 move(ML_NET(double, h), copy, layer, array, (double*)values, true));
}
static int get(void* h, int copy, int layer, int array, void* values) {
  return ML_CALL(h, move(ML_NET(float, h), copy, layer, array, (float*)values, false),
                 move(ML_NET(double, h), copy, layer, array, (double*)values, false));
}
template <class R> static int copy_whole(Network<R>& net, int from, int to) {
  if (from < 0 || from >= ML_COPIES || to < 0 || to >= ML_COPIES) return ML_BAD_ARGUMENT;
  if (net.copies[from] != net.copies[to]) memcpy(net.copies[to], net.copies[from], (size_t)net.copy_size * sizeof(R));
  return ML_OK;
}
static int copy_of(void* h, int from, int to) {
  return ML_CALL(h, copy_whole(ML_NET(float, h), from, to), copy_whole(ML_NET(double, h), from, to));
}
static bool wrong(const ml_rows& rows) { return rows.X && (rows.X_type < 0 || rows.X_type > 5 || rows.n < 1 || rows.y_columns < 0); }
static bool wrong(int rule, int most_rows, const ml_call* call) {
  if (rule < 0 || !call || !call->rows.X || !call->order || wrong(call->rows) || wrong(call->validation)) return true;
  if (call->width < 1 || call->width > most_rows || call->per_epoch < 1 || call->step < call->first) return true;
  for (int64_t i = (call->step - call->first) * call->width; i < (call->stop - call->first) * call->width; i++)
    if (call->order[i] >= call->rows.n) return true;
  return false;
}
static int train_handle(void* h, ml_call* call) {
  const ml_spec& spec = ML_CALL(h, ML_NET(float, h).spec, ML_NET(double, h).spec);
  if (wrong(spec.rule, spec.most_rows, call)) return ML_BAD_ARGUMENT;
  return ML_CALL(h, train(ML_NET(float, h), *call), train(ML_NET(double, h), *call));
}
static int gradient_handle(void* h, ml_call* call, double* loss) {
  const ml_spec& spec = ML_CALL(h, ML_NET(float, h).spec, ML_NET(double, h).spec);
  if (wrong(spec.rule, spec.most_rows, call)) return ML_BAD_ARGUMENT;
  return ML_CALL(h, gradient(ML_NET(float, h), *call, loss), gradient(ML_NET(double, h), *call, loss));
}
template <class R> static int read_with(Network<R>& net, const ml_reading& reading) {
  Team team(reading.threads);
  return read_rows(net, team, reading);
}
static int read_handle(void* h, const ml_reading* r) {
  const int layers = ML_CALL(h, ML_NET(float, h).n_layers, ML_NET(double, h).n_layers);
  if (!r || !r->rows.X || wrong(r->rows) || r->copy < 0 || r->copy >= ML_COPIES || r->layer < 0 || r->layer >= layers)
    return ML_BAD_ARGUMENT;
  if (r->loss && r->layer != layers - 1) return ML_BAD_ARGUMENT;
  return ML_CALL(h, read_with(ML_NET(float, h), *r), read_with(ML_NET(double, h), *r));
}

}  // namespace

extern "C" const ml_engine ML_NAME(ml_engine);
extern "C" const ml_engine ML_NAME(ml_engine) = {
    ML_TEXT(ML_ISA), create_handle, destroy_handle, put, get, copy_of, train_handle, gradient_handle, read_handle,
    visit_rows, shuffle,
};
#include "math_entries.h"
