// retain_stream.h — the residual stream of a dense model on some images, and a rotation of it that makes channel 0
// predict which tokens later layers attend to. Internal to distill.
//
// A-ViT halts by channel 0 of the residual stream, whatever it holds in a trained model. The choice of basis is free: a
// layer norm without gain and bias commutes with every orthogonal map that preserves the mean over channels, and gain
// and bias can be folded into the linear map after the norm. So a Householder reflection, applied to all parameters
// that write to the stream or read from it, can make any such direction channel 0 while the model computes the same
// function, to rounding. The direction is fitted by ridge regression to the negative logarithm of the class attention
// that a token gets in later layers.
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

// Runs m without token pruning. `scores` asks for class attention.
vkc_status distill_stream_read(const nn_model *m, const distill_pictures *s, bool scores, distill_stream *out);
void       distill_stream_finish(distill_stream *s);            // zeroed is fine

// Standard deviation of channel 0 over the patches after a block: root mean square over all blocks but the last, whose
// scores decide nothing.
double     distill_stream_spread(const distill_stream *s);

// The direction (dim) of length 1, its channels summing to 1, whose projection best predicts how little later layers
// attend to a token. False when it cannot be fitted: no attention weights after block 0.
bool       distill_fit_direction(const distill_stream *s, double *direction);

// Rotate m's residual stream so that channel 0 becomes x . direction, `direction` from distill_fit_direction. *rotated
// is false, and m unchanged, when a layer is not softmax attention, which reads the stream by qkv.weight and qkv.bias
// alone, or m has parts that do not commute with a rotation.
vkc_status distill_rotate_stream(nn_model *m, const double *direction, bool *rotated);

#ifdef __cplusplus
}
#endif
#endif
