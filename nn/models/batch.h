// batch.h — the packed layouts of a batch of samples: pictures, sequences of tokens.
//
// Thread-safety: as the device.
#ifndef NN_BATCH_H
#define NN_BATCH_H

#include "nn/base/limits.h"
#include "nn/graph/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

// Of at most cap samples. Owned; made by nn_model_batch_create.
typedef struct nn_batch {
    nn_rows *samples;               // one row a sample: pixels, labels, logits
    nn_rows *tokens;                // the residual stream
    nn_rows *patches;               // pictures: one row a patch; NULL in models of other kinds
    nn_rows *kept[NN_MAX_DEPTH];    // made after block l by retention; NULL: all go on as they are
} nn_batch;

// n samples, each as long as there is room for. Blocking.
vkc_status nn_batch_write(vkc_device *dev, nn_batch *b, uint32_t n);
// n samples of `lengths` (n) tokens each; NULL is nn_batch_write. E_ARG for pictures, which are all of one length.
vkc_status nn_batch_write_lengths(vkc_device *dev, nn_batch *b, uint32_t n, const uint32_t *lengths);
void       nn_batch_finish(nn_batch *b);        // zeroed is fine

#ifdef __cplusplus
}
#endif
#endif
