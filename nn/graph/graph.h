// graph.h — a step as a graph of op calls: built, planned, recorded once.
//
//   nn_graph_create -> inputs, parameters, nn_apply ... -> nn_graph_add_loss, nn_graph_keep
//   -> nn_graph_plan (lifetimes to memory) -> nn_graph_record (into a recording, forward then backward)
//
// Building has a sticky error: after the first failure every builder returns NULL and accepts NULL, and
// nn_graph_plan() reports it. So layer code stays a straight line.
//
// Ownership: the graph owns its tensors, its activation memory and its inputs; parameters and packed
// layouts are borrowed and must outlive it. Thread-safety: as the device.
#ifndef NN_GRAPH_H
#define NN_GRAPH_H

#include "nn/graph/op.h"
#include "nn/graph/params.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_graph nn_graph;
typedef struct nn_tensor nn_tensor;

vkc_status nn_graph_create(vkc_device *dev, nn_graph **out);
void       nn_graph_destroy(nn_graph *g);               // the recording it is in goes first
vkc_device *nn_graph_device(const nn_graph *g);

// A tensor that the host (or another recording) writes before each replay; memory of its own.
// Packed when rows is not NULL: dim[0] is then filled in from the layout's capacity. `name` is copied.
nn_tensor *nn_graph_input(nn_graph *g, const char *name, nn_shape shape, nn_dtype dtype, nn_rows *rows);
// A plain fp32 tensor that is the same in every replay: `values` are copied to the device now. Blocking. A name of its
// own; the one of that name, NULL when there is none.
nn_tensor *nn_graph_constant(nn_graph *g, const char *name, nn_shape shape, const float *values);
nn_tensor *nn_graph_find_constant(const nn_graph *g, const char *name);
// A parameter; its gradient is added up in ps's gradient blocks when `trained`, unless it is frozen. Only fp32
// parameters are trained.
nn_tensor *nn_graph_param(nn_graph *g, nn_params *ps, uint32_t index, bool trained);

// Say where in the model the calls that follow are: "blocks.3.attn". For messages (nn/graph/check.h).
#define NN_MAX_SCOPE 32
void nn_graph_scope(nn_graph *g, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

// Apply an op; returns its first output. Absent optional inputs are NULL. attr is copied.
// `to` is the layout a row-moving op moves into, else NULL.
nn_tensor *nn_apply(nn_graph *g, const nn_op *op, const void *attr, size_t attr_size, nn_rows *to,
                    uint32_t n_in, nn_tensor *const *in);
#define NN_APPLY(g, name, attr, to, ...) \
    nn_apply((g), &nn_op_##name, (attr), sizeof *(attr), (to), \
             sizeof((nn_tensor *[]) { __VA_ARGS__ }) / sizeof(nn_tensor *), (nn_tensor *[]) { __VA_ARGS__ })
#define NN_APPLY0(g, name, to, ...) \
    nn_apply((g), &nn_op_##name, NULL, 0, (to), \
             sizeof((nn_tensor *[]) { __VA_ARGS__ }) / sizeof(nn_tensor *), (nn_tensor *[]) { __VA_ARGS__ })
nn_tensor *nn_output(nn_tensor *t, uint32_t i);         // output i of the call that made t; no gradient

const nn_shape *nn_tensor_shape(const nn_tensor *t);
nn_dtype        nn_tensor_dtype(const nn_tensor *t);    // what its values are; NN_DTYPE_F32 for NULL
nn_rows        *nn_tensor_rows(const nn_tensor *t);     // NULL: not packed
const char     *nn_input_name(const nn_tensor *t);      // of an input; "" of any other tensor
nn_tensor *nn_stop_gradient(nn_graph *g, nn_tensor *t); // the same values; no gradient flows back

// Minimise weight * t, where t is a plain fp32 scalar (1). Several losses add up.
void nn_graph_add_loss(nn_graph *g, nn_tensor *t, float weight);
// Run backward from t (fp32, any shape) with `seed`, an input of t's shape and layout, as its gradient: what minimising
// the sum of seed * t over live rows would. Several seeds and losses of the graph add up, but one a tensor. Rows of
// `seed` past the live count are to hold numbers.
void nn_graph_add_seed(nn_graph *g, nn_tensor *t, nn_tensor *seed);
// Give an fp32 input a gradient, before it is used: anew in each replay, of live rows only. Returns t.
nn_tensor *nn_graph_want_gradient(nn_graph *g, nn_tensor *t);
vkc_slice nn_graph_gradient(const nn_tensor *t);        // after plan, of such an input: as its shape
void nn_graph_keep(nn_graph *g, nn_tensor *t);          // readable after a replay: memory not reused

// Make the failure that has just left its sentence in vkc_last_error() the sticky error, unless there is one; for
// builders that find out for themselves. Always NULL.
nn_tensor *nn_graph_fail(nn_graph *g, vkc_status st);

// Check, decide what runs backward, place activations. Errors: the sticky one; E_DEVMEM, E_NOMEM,
// E_UNSUPPORTED (a tensor larger than the device binds at once, in words).
vkc_status nn_graph_plan(nn_graph *g);
// Append the forward pass and, with losses, the backward pass to an open recording. The gradients of
// parameters are added to; clear them first (nn_adamw_record_clear). What replays it with its inputs and outputs is
// nn/graph/runner.h.
vkc_status nn_graph_record(nn_graph *g, vkc_recording *rec);
bool       nn_graph_is_trained(const nn_graph *g, const nn_params *ps, uint32_t index);   // after plan
vkc_slice  nn_tensor_slice(const nn_tensor *t);         // after plan: inputs, parameters, kept tensors

typedef struct nn_graph_info {
    uint32_t n_calls, n_backward;
    uint64_t activation_bytes;      // planned, after reuse
    uint64_t unplanned_bytes;       // what all activations and gradients would take without reuse
    uint64_t macs;                  // of the forward pass at capacity
} nn_graph_info;
nn_graph_info nn_graph_get_info(const nn_graph *g);

#ifdef __cplusplus
}
#endif
#endif
