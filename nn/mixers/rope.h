// rope.h — rotary positions in two dimensions: what attention turns queries and keys by (nn/ops/attention/rope.c).
//
// Of the D / 2 angles of a head's pairs of channels the first half come from the patch's row, the others from its
// column; angle j of a half is coordinate * scale / base^(j / (D / 4)).
// Thread-safety: as the device.
#ifndef NN_ROPE_H
#define NN_ROPE_H

#include "nn/graph/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    NN_ROPE_NONE,
    NN_ROPE_DINOV3,                 // coordinates of the patches' centres, -1 .. 1 over the grid, times 2 pi;
                                    // pairs (j, j + D / 2)
    NN_ROPE_EVA02,                  // coordinates 0, 1, 2 ..., as of a grid of `ref`; pairs (2 j, 2 j + 1)
} nn_rope_kind;

typedef struct nn_rope {
    nn_rope_kind kind;
    double       base;              // of the angles' periods: 100 (DINOv3), 10000 (EVA-02)
    uint32_t     ref_h, ref_w;      // EVA-02: the grid that coordinates are scaled to; 0 x 0 = the model's own
    uint32_t     grid_h, grid_w;    // the model's own
} nn_rope;

// Fill `table` (grid_h * grid_w, head_dim) with each patch's cosines and sines. head_dim is a multiple of 4.
void nn_rope_fill(const nn_rope *r, uint32_t head_dim, float *table);
// qkv (R, 3C) with q and k turned; qkv itself without rotary positions. A graph has one table for all its layers.
nn_tensor *nn_rope_apply(nn_graph *g, const nn_rope *r, uint32_t heads, nn_tensor *qkv);

#ifdef __cplusplus
}
#endif
#endif
