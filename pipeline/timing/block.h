// block.h — one transformer block of any mixer, recorded at one token count, for replays to be timed.
#ifndef PIPELINE_BLOCK_H
#define PIPELINE_BLOCK_H

#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pipeline_block_params {
    nn_layer_config layer;          // checked
    uint32_t dim, heads, batch, tokens;
    uint64_t seed;
    bool     backward;              // forward and backward; else forward alone
    bool     has_class;             // the first token is a class token, and the loss reads it alone
    bool     drops;                 // with it: before the block, every other patch is dropped, on the device
    bool     is_bare;               // no block: what else there is
    // As a layer of this model (borrowed while it is made), for pictures of `image` a side: dim, heads, tokens, what
    // stands before the patches, MLP and positions are its own, and those above are not read. NULL = as above.
    const nn_model_config *like;
    uint32_t image;
    bool     is_module;             // with `like`, forward alone: mixer and projection, not the rest of the block
} pipeline_block_params;

typedef struct pipeline_block pipeline_block;

// A norm, so that the gradient of the block's input is needed, the block (norm, mixer, projection, norm, MLP) and,
// with backward, a mean square; random values and input. The patches are a grid as square as their number allows. With
// `like` there is no norm before a block that has no backward pass.
// Errors: E_ARG (dimensions that the mixer cannot), E_UNSUPPORTED, E_DEVMEM in words.
vkc_status pipeline_block_create(vkc_device *dev, const pipeline_block_params *p, pipeline_block **out);
void       pipeline_block_destroy(pipeline_block *b);            // NULL is fine
vkc_status pipeline_block_replay(void *block, double *ms);       // as a contender of timing.h
uint64_t   pipeline_block_bytes(const pipeline_block *b);        // device memory of all of it
uint64_t   pipeline_block_macs(const pipeline_block *b);         // multiply-adds of its forward pass
// E_CHECK when the replay before gave a loss that is no number, or another number of rows than it should have kept.
vkc_status pipeline_block_check(pipeline_block *b);
uint32_t   pipeline_block_kept(uint32_t tokens);                 // tokens of an image after `drops`, class token too
bool       pipeline_block_is_like(const pipeline_block *a, const pipeline_block *b);   // the same kernels and work

#ifdef __cplusplus
}
#endif
#endif
