// run.h — where the dispatches of one call go: slots become slices of memory, in a recording.
//
// The graph (graph.h) drives it; tests and the bench drive it with memory of their own.
// Thread-safety: as the device.
#ifndef NN_RUN_H
#define NN_RUN_H

#include "nn/graph/op.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_MAX_LAYOUTS 160          // one a block of the deepest model, and those of the batch

// Memory of one call. Gradients that are not wanted may be left empty when `discard` is as large.
typedef struct nn_bind {
    vkc_slice in[NN_MAX_IO], out[NN_MAX_IO], dout[NN_MAX_IO], din[NN_MAX_IO];
    vkc_slice scratch[NN_MAX_SCRATCH];
    uint32_t  wanted;               // BIT(IN(i)) of inputs whose gradient is wanted
    vkc_slice discard;              // scratch for gradients that nothing reads
} nn_bind;

struct nn_run {
    vkc_device    *dev;
    vkc_recording *rec;
    vkc_buffer    *zero;            // what absent optional inputs bind; owned
    nn_rows       *layouts[NN_MAX_LAYOUTS];
    uint32_t       n_layouts;
    const nn_call *call;            // of the call being recorded
    const nn_bind *bind;
};

// `layouts` are all that the calls use. Launches over those that the host writes before a replay are planned first;
// of those that are made on the device, by the op that makes them.
vkc_status nn_run_init(nn_run *r, vkc_device *dev, vkc_recording *rec, nn_rows *const *layouts,
                       uint32_t n_layouts);
vkc_status nn_run_fwd(nn_run *r, const nn_op *op, const nn_call *call, const nn_bind *bind);
vkc_status nn_run_bwd(nn_run *r, const nn_op *op, const nn_call *call, const nn_bind *bind);
// Writes the launch tables; call after the last dispatch, before the first submit. The run must stay
// until the recording is destroyed.
vkc_status nn_run_finish(nn_run *r);
void       nn_run_destroy(nn_run *r);                   // frees what init made, not r itself

#ifdef __cplusplus
}
#endif
#endif
