// rows_layout.h — how a packed row layout (nn/rows.h) lies in its buffer, in 32-bit words.
//   [0] n        live rows of the whole batch
//   [1] images   live images
//   [2] cap_images, [3] cap_tokens     what the buffer was made for
//   [4] offsets  (cap_images + 1)      first row of image b; offsets[images] = n
//   then pos     (cap_images * cap_tokens)   row -> token index in its full image
//   then slot    (cap_images * cap_tokens)   b * cap_tokens + token index -> row, or ROWS_NONE
#ifndef SHADERS_ROWS_LAYOUT_H
#define SHADERS_ROWS_LAYOUT_H
#include "shaders/inc/shared.h"

#define ROWS_NONE 0xffffffffu
#define ROWS_HEADER 4
#define ROWS_MAX_LAUNCHES 256      // distinct indirect launches over one layout

// rows_plan: groups for every launch over a layout, written as VkDispatchIndirectCommand.
// Launch i reads { tile_rows, y, z } and gets { min(ceil(n / tile_rows), max_x), y, z }.
struct rows_plan_args {
    U32 n_launches;
    U32 max_x;                     // maxComputeWorkGroupCount[0]; kernels stride over the rest
};
ARGS_SIZE(rows_plan_args, 8);
#endif
