// dwconv.h — depthwise convolution on each image's token grid, k x k, zero padding, dropped tokens are zero.
//   out[y][x][c] = b[c] + sum_ij w[c][i][j] in[y + i - k/2][x + j - k/2][c]     0 for tokens off the grid
#ifndef SHADERS_DWCONV_H
#define SHADERS_DWCONV_H
#include "shaders/inc/shared.h"

#define SPEC_DWCONV_K 1            // odd, 1..7
#define DWCONV_MAX_K 7

struct dwconv_attr {
    U32 col0;                      // first column of the channels in x
};

struct dwconv_args {
    U32 channels;
    U32 ld, col0;                  // row stride and first column of x
    U32 prefix, grid_h, grid_w;    // of the layout
    U32 has_bias;
    U32 splits;                    // parts that the grid's lines are taken in, one an invocation
};
ARGS_SIZE(dwconv_args, 32);
#endif
