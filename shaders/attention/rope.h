// rope.h — rotary positions: pairs of channels of q and k of every head turned by an angle that the token's place in
// the grid gives; v, and tokens before the grid, as they are.
//   (a, b) -> (a cos - b sin, b cos + a sin)     backward: the same with -sin
// Pair j of a head of D channels is (j, j + D / 2) or, interleaved, (2 j, 2 j + 1).
#ifndef SHADERS_ROPE_H
#define SHADERS_ROPE_H
#include "shaders/inc/shared.h"

struct rope_attr {
    U32 heads;
    U32 interleaved;
};

struct rope_args {
    U32 cols;                      // C: q, k and v have as many columns
    U32 head_dim;                  // D, even
    U32 interleaved;
    U32 prefix;                    // tokens before the grid
    U32 tile_rows;                 // rows a workgroup takes at a time
};
ARGS_SIZE(rope_args, 20);
#endif
