// bench_block.h — one transformer block of any mixer, recorded at one token count, for replays to be timed.
#ifndef CLI_BENCH_BLOCK_H
#define CLI_BENCH_BLOCK_H

#include "apps/cli/core/app.h"

typedef struct bench_block_params {
    nn_layer_config layer;          // checked
    uint32_t dim, heads, batch, tokens;
    uint64_t seed;
    bool     backward;              // forward and backward; else forward alone
    bool     has_class;             // the first token is a class token, and the loss reads it alone
    bool     drops;                 // with it: before the block, every other patch is dropped, on the device
    bool     is_bare;               // no block: what else there is
} bench_block_params;

typedef struct bench_block bench_block;

// A norm, so that the gradient of the block's input is needed, the block (norm, mixer, projection, norm, MLP) and,
// with backward, a mean square; random values and input. The patches are a grid as square as their number allows.
// Errors: E_ARG (dimensions that the mixer cannot), E_UNSUPPORTED, E_DEVMEM in words.
vkc_status bench_block_create(vkc_device *dev, const bench_block_params *p, bench_block **out);
void       bench_block_destroy(bench_block *b);         // NULL is fine
vkc_status bench_block_replay(bench_block *b, double *ms);
uint64_t   bench_block_bytes(const bench_block *b);     // device memory of all of it
uint64_t   bench_block_macs(const bench_block *b);      // multiply-adds of its forward pass
// E_CHECK when the replay before gave a loss that is no number, or another number of rows than it should have kept.
vkc_status bench_block_check(bench_block *b);
uint32_t   bench_block_kept(uint32_t tokens);           // tokens of an image after `drops`, class token included
bool       bench_block_is_like(const bench_block *a, const bench_block *b);    // the same kernels on the same work

#endif
