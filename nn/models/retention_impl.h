// retention_impl.h — token pruning in the graph of a model, for nn/models/ and the folders below it.
#ifndef NN_RETENTION_IMPL_H
#define NN_RETENTION_IMPL_H

#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

// A graph on its way through the blocks; the first four members are given.
typedef struct nn__retention {
    nn_graph *g;
    const nn_model *m;
    const nn_batch *batch;
    nn_retention_taps *taps;
    nn_tensor *prev;                // halting state of the tokens that are there; NULL before block 0's
    nn_tensor *field;               // (B, C) mean field so far
    bool is_narrowed;               // the last block gives the class tokens' rows alone, packed by batch->samples
} nn__retention;

// What block l + 1 gets of what block l gave: x itself, or the rows of it that go on. `mixer` is what its mixer left.
nn_tensor *nn__retention_after(nn__retention *r, uint32_t l, nn_tensor *x, const nn_mixer_taps *mixer);
// (B, C), what the classifier reads, after all blocks: the mean field, or the class tokens of x.
nn_tensor *nn__retention_read_out(nn__retention *r, nn_tensor *x);

#ifdef __cplusplus
}
#endif
#endif
