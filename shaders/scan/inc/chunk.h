// chunk.h — what kernels over chunks of streams share with C: specialisation constants, columns of a tensor.
#ifndef SHADERS_CHUNK_H
#define SHADERS_CHUNK_H
#include "shaders/inc/shared.h"

#define SPEC_CHUNK_ROWS     1      // rows of a chunk
#define SPEC_CHUNK_REVERSED 2      // 1: against the stream's own direction, as gradients run
#define SPEC_CHUNK_FUSED    3      // 1: a workgroup walks all chunks of its image, the state in its own memory
#define SPEC_CHUNK_CHANNELS 4      // 1: a decay a channel, 0: one a stream
#define SPEC_CHUNK_SIMD    5       // SIMD forms: the subgroup size
#define SPEC_CHUNK_STEP     6      // 1: the optional input `step` is there

// Where stream (h, dir) has its columns in a tensor of rows: col0 + h * head + dir * dir_.
struct chunk_cols {
    U32 col0, head, dir_, ld;      // ld: row stride of the tensor
};

// chunk_pass: the states before each chunk from what each chunk adds, element by element.
struct chunk_pass_args {
    U32 heads, dirs;
    U32 stream0, streams;          // streams of this launch: stream0 ..
    U32 chunks;                    // slots of an image
    U32 dk, dv;
    U32 has_start, has_last;
};
ARGS_SIZE(chunk_pass_args, 36);
#endif
