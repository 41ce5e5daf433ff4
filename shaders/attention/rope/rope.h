// rope.h — rotary positions: pairs of channels of q and k of every head turned by an angle that the token's place in
// the grid or in its text gives; v, tokens before the grid, and channels of a head from the first `rotary` on, as they
// are.
//   (a, b) -> (a cos - b sin, b cos + a sin)     backward: the same with -sin
// Pair j of `rotary` channels is (j, j + rotary / 2) or, interleaved, (2 j, 2 j + 1).
#ifndef SHADERS_ROPE_H
#define SHADERS_ROPE_H
#include "shaders/inc/shared.h"

#define SPEC_ROPE_PLACES 1         // 1 = places of rows are given

struct rope_attr {
    U32 heads;                     // of q
    U32 interleaved;
    U32 kv_heads;                  // of k, and of v; 0 = heads
    U32 rotary;                    // channels of a head that are turned, even; 0 = all
};

struct rope_args {
    U32 ld;                        // columns of q, k and v
    U32 turned;                    // of q and k
    U32 head_dim;                  // D
    U32 rotary;
    U32 interleaved;
    U32 prefix;                    // tokens before the grid
    U32 places;                    // rows of the table
    U32 tile_rows;                 // rows a workgroup takes at a time
};
ARGS_SIZE(rope_args, 32);
#endif
