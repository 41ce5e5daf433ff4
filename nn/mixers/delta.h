// delta.h — what the mixers with a gated delta rule share: from q, k and v of each stream to heads.
#ifndef NN_DELTA_H
#define NN_DELTA_H

#include "nn/mixers/streams.h"

#ifdef __cplusplus
extern "C" {
#endif

// The parameters, one after the other: write strengths, time steps, output gate, norm, merge.
enum {
    NN_DELTA_BETA, NN_DELTA_DT, NN_DELTA_DT_BIAS, NN_DELTA_A_LOG, NN_DELTA_OUT_GATE, NN_DELTA_NORM, NN_DELTA_MERGE,
    NN_N_DELTA_PARAMS
};

// What goes into the recurrence, and where a direction's columns begin: (H, D) of q and k, (H, E D) of v.
typedef struct nn_delta_inputs {
    nn_tensor *qk, *v;
    uint32_t   q_col0, k_col0, qk_dirs, qk_dir;     // qk_dirs = 1: both directions share q and k
    uint32_t   v_col0, v_dir;
    float      eps;                                 // q and k become q / sqrt(|q|^2 + D eps)
} nn_delta_inputs;

// Fill out[0 .. NN_N_DELTA_PARAMS) for values of E D channels a head.
void nn_delta_params(const nn_mixer_dims *d, uint32_t E, nn_mixer_param *out);
// Shape (images H, D, E D) of the state that is carried.
nn_shape nn_delta_state(const nn_mixer_dims *d, uint32_t E, uint32_t images);
vkc_status nn_delta_check(const nn_mixer_dims *d, uint32_t E);
// Heads (R, C) from y (R, C) and `in`. `chunk`: tokens of a chunk or 0. The state to start from is taps->start[1], with
// taps->carry that after the last token goes to taps->last[1].
nn_tensor *nn_delta_build(nn_graph *g, const nn_mixer_dims *d, uint32_t E, const nn_delta_inputs *in, uint32_t chunk,
                          nn_tensor *y, nn_tensor *const *p, nn_mixer_taps *taps);

#ifdef __cplusplus
}
#endif
#endif
