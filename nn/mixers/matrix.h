// matrix.h — the matrix that a mixer multiplies its values by, held against a teacher's attention weights.
//
// A matrix belongs to an op, not to a mixer: it is that of the scan or the linear attention in a mixer's graph, so
// mixers need not know of it; op matrix_match makes it a piece at a time. What has no matrix of one number a pair of
// tokens and head is refused by name: a delta rule (its matrix is a product of N matrices), recurrences and
// convolutions a channel, and windows of softmax.
// Thread-safety: as the graph.
#ifndef NN_MIXER_MATRIX_H
#define NN_MIXER_MATRIX_H

#include "nn/mixers/mixer.h"

#ifdef __cplusplus
extern "C" {
#endif

// The distance (1) between the matrix of the mixer of dims `d` whose calls are those of `g` from number `first` on, and
// the attention weights of a teacher of as many heads, of whose `qkv` (R, 3C) and `lse` (R, H) they are made. Its
// output 1 are the distances of each image and head. NULL and the graph's sticky error, E_ARG, when it has none.
nn_tensor *nn_mixer_match_matrix(nn_graph *g, uint32_t first, const nn_mixer_dims *d, nn_tensor *qkv, nn_tensor *lse);
// E_ARG, by name, when the mixer of these dims has none; asked by building it once on `dev`.
vkc_status nn_mixer_check_matrix(vkc_device *dev, const nn_mixer_dims *d);

#ifdef __cplusplus
}
#endif
#endif
