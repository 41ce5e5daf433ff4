// retain_stream.h — the residual stream of a dense model on a few pictures, and a turn of it that makes channel 0 say
// which tokens matter. Internal to distill.
//
// A-ViT halts by channel 0, whatever that channel happens to hold. But which direction of the stream is channel 0 is a
// matter of coordinates: a layer norm commutes with every rotation that leaves the mean of the channels alone, once its
// gain and bias are folded into the linear map behind it. So the stream can be turned, by a reflection of all that
// writes to it and reads from it, so that any direction becomes channel 0 and the model computes what it did before, to
// rounding. The direction is fitted (ridge regression) to how little the class token will attend to a token in later
// layers.
#ifndef DISTILL_RETAIN_STREAM_H
#define DISTILL_RETAIN_STREAM_H

#include "distill/retain/retain_centre.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_stream {
    uint32_t depth, dim, tokens, n; // n images
    float   *x[NN_MAX_DEPTH];       // (n * tokens, dim) after block l
    float   *score[NN_MAX_DEPTH];   // (n * tokens) class attention in layer l; NULL where there is none
} distill_stream;

// v's retention is not looked at. `scores` asks for class attention.
vkc_status distill_stream_read(const nn_model *v, const distill_pictures *s, bool scores, distill_stream *out);
void       distill_stream_finish(distill_stream *s);            // zeroed is fine

// Standard deviation of channel 0 among the patches after a block, without the mean of the block: root mean square over
// all blocks but the last, whose scores decide nothing.
double     distill_stream_spread(const distill_stream *s);

// The direction (dim) of length 1, whose channels sum to 1, along which tokens that later layers attend to least lie
// furthest. False when nothing can be said: no attention weights after block 0.
bool       distill_fit_direction(const distill_stream *s, double *direction);

// Turn v's stream so that channel 0 becomes x . direction. *turned is false when v is not made for it, as only
// attention is known to read the stream by qkv.weight and qkv.bias alone; v is then as it was.
vkc_status distill_turn(nn_model *v, const double *direction, bool *turned);

#ifdef __cplusplus
}
#endif
#endif
