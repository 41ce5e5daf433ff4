// streams.h — what the sequential mixers share. A stream is one head in one direction: s = h * dirs + dir; a tensor
// of streams is (R, H dirs D).
#ifndef NN_STREAMS_H
#define NN_STREAMS_H

#include "nn/mixers/mixer.h"

#ifdef __cplusplus
extern "C" {
#endif

// Rows of a mixer's option table. The direction is the first of every mixer that has streams.
#define NN_DIRECTION 0
#define NN_OPTION_DIRECTION \
    { "direction", "both, or forward: causal, can run token by token", { "both", "forward", NULL } }
#define NN_OPTION_STATE { "state", "channels of the state a head", { "64", "128", NULL } }
#define NN_OPTION_CHUNK \
    { "chunk", "tokens taken at once; any gives the same", { "auto", "16", "32", "64", "128", NULL } }
#define NN_OPTION_CHUNK_64 \
    { "chunk", "tokens taken at once; any gives the same", { "auto", "16", "32", "64", NULL } }
// The channels of a head's values are E D, E = the number that this option is.
#define NN_OPTION_EXPAND_V { "expand_v", "channels of the values, in channels of the keys", { "1", "2", NULL } }

uint32_t nn_stream_dirs(const nn_mixer_dims *d);        // directions: 2 or 1
uint32_t nn_streams(const nn_mixer_dims *d);            // H dirs

// The log decays (R, columns) of streams, `width` a stream and one stream after the other, over the places since the
// token before: dropped ones count. Decays that skip them (d->gaps) come back as they are. What else is in `decays`
// after a whole number of streams, such as write strengths, changes too: take that from before.
nn_tensor *nn_count_gaps(nn_graph *g, const nn_mixer_dims *d, nn_tensor *decays, uint32_t width);

// Fill out[0] and out[1] with the projection to q, k and values of E D channels a head, warm from attention's: each
// head takes its values E times. Returns 2.
uint32_t nn_expanded_qkv(const nn_mixer_dims *d, uint32_t E, nn_mixer_param *out);
// The rows of attention's q, k, v that the values of E D channels a head take, E entries of `copy`; they go from row
// `to` on.
void nn_copy_values(const nn_mixer_dims *d, uint32_t E, uint32_t to, nn_row_copy *copy);

// The weight (H, D, dirs hidden) that maps [forward_h, backward_h] to head h; with hidden = D it starts at the mean of
// the directions.
nn_mixer_param nn_merge_param(const nn_mixer_dims *d, uint32_t hidden);
// The same of streams of E D channels; it starts at the mean of the directions and of the E parts of each.
nn_mixer_param nn_expanded_merge_param(const nn_mixer_dims *d, uint32_t E);
// The gate (E C, C) on the output of a recurrence; both directions share it.
nn_mixer_param nn_out_gate_param(const nn_mixer_dims *d, uint32_t E);
// Norm of each stream of x (R, H dirs E D) with `weight` (H dirs E D), times the SiLU of y (R, C) through `gate`.
nn_tensor *nn_norm_and_gate(nn_graph *g, const nn_mixer_dims *d, uint32_t E, nn_tensor *x, nn_tensor *weight,
                            nn_tensor *y, nn_tensor *gate);
// E_ARG, with the heads that would do, when a state of D x E D has a side of more than `most`.
vkc_status nn_check_state(const nn_mixer_dims *d, uint32_t E, uint32_t most);
// (R, H dirs k) -> (R, C); `bias` (C) may be NULL.
nn_tensor *nn_merge(nn_graph *g, const nn_mixer_dims *d, nn_tensor *x, nn_tensor *weight, nn_tensor *bias);

#ifdef __cplusplus
}
#endif
#endif
