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

uint32_t nn_stream_dirs(const nn_mixer_dims *d);        // directions: 2 or 1
uint32_t nn_streams(const nn_mixer_dims *d);            // H dirs

// The log decays (R, columns) of streams, `width` a stream and one stream after the other, over the places since the
// token before: dropped ones count. Decays that skip them (d->gaps) come back as they are. What else is in `decays`
// after a whole number of streams, such as write strengths, changes too: take that from before.
nn_tensor *nn_count_gaps(nn_graph *g, const nn_mixer_dims *d, nn_tensor *decays, uint32_t width);

// The weight (H, D, dirs hidden) that maps [forward_h, backward_h] to head h; with hidden = D it starts at the mean of
// the directions.
nn_mixer_param nn_merge_param(const nn_mixer_dims *d, uint32_t hidden);
// The gate (C, C) on the output of a recurrence; both directions share it.
nn_mixer_param nn_out_gate_param(const nn_mixer_dims *d);
// Norm of each stream of x (R, H dirs D) with `weight` (H dirs D), times the SiLU of y (R, C) through `gate`.
nn_tensor *nn_norm_and_gate(nn_graph *g, const nn_mixer_dims *d, nn_tensor *x, nn_tensor *weight, nn_tensor *y,
                            nn_tensor *gate);
// (R, H dirs D) -> (R, C); `bias` (C) may be NULL.
nn_tensor *nn_merge(nn_graph *g, const nn_mixer_dims *d, nn_tensor *x, nn_tensor *weight, nn_tensor *bias);

#ifdef __cplusplus
}
#endif
#endif
