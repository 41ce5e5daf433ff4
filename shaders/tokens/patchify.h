// patchify.h — cut pictures into square patches, one row a patch
#ifndef SHADERS_PATCHIFY_H
#define SHADERS_PATCHIFY_H
#include "shaders/inc/shared.h"

// The divisors are constants: division by a number the compiler knows is cheap.
#define SPEC_PATCH  1              // pixels along a side of a patch
#define SPEC_LINES  2              // lines of a patch: channels * PATCH
#define SPEC_GRID_W 3              // patches along a line of the picture

struct patchify_attr {
    U32 channels;
    U32 height;                    // of the picture, a multiple of patch_size
    U32 width;
    U32 patch_size;
};

struct patchify_args {
    U32 channels;
    U32 height;
    U32 width;
};
ARGS_SIZE(patchify_args, 12);
#endif
