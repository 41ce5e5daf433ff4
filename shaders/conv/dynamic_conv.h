// dynamic_conv.h — depthwise convolution along the tokens of an image, whose filters each token brings along, causal in
// the direction it runs in, then SiLU.
//   n = dir * cols + c;  x_t the token at place t of the direction's order (dir 1: from the last to the first),
//   x_t = start or 0 for t < 0
//   u_t[n] = sum_j k_t[n][j] x_{t - (K - 1) + j}[col0 + dir * dir_stride + c]      out = silu(u) or u
#ifndef SHADERS_DYNAMIC_CONV_H
#define SHADERS_DYNAMIC_CONV_H
#include "shaders/inc/shared.h"

#define SPEC_DYNAMIC_CONV_K 1            // taps, 1..8
#define SPEC_DYNAMIC_CONV_SHIFTED 2      // four channels an invocation: 1 = they do not lie at whole vec4 in x
#define DYNAMIC_CONV_MAX_K 8

struct dynamic_conv_attr {
    U32 dirs;                      // 1 or 2
    U32 cols;                      // channels of a direction
    U32 col0, dir_stride;          // first column in x; 0 = both directions read the same
    U32 silu;                      // 1: SiLU after it
    U32 carry;                     // 1: out[1] are the last K - 1 inputs
};

struct dynamic_conv_args {
    U32 dirs, cols;
    U32 ld, col0, dir_stride;      // row stride and columns of x
    U32 silu, has_start;
    U32 wants_x, wants_k;          // backward: which gradients
    U32 tile;                      // tokens that an invocation walks along
    U32 tiles;                     // of an image, at capacity
    U32 last_texel;                // of x
};
ARGS_SIZE(dynamic_conv_args, 48);
#endif
