// attention_bias.h — relative positions: what is added to the scores of attention before the softmax, head by head.
//   s_ij = scale q_i . k_j + table[t(i, j)][h]     table (N, H), N = (2 h - 1)(2 w - 1) + 3 in a grid of h x w patches
//   t of a query and a key that are patches, y rows and x columns apart (query less key):
//     (y + h - 1)(2 w - 1) + x + w - 1
//   t of a token before the grid and a patch: N - 3; of a patch and such a token: N - 2; of two such tokens: N - 1
//   backward: dtable[t] = sum over all images' pairs of rows with t(i, j) = t of ds_ij
// Places are those of the full image, so tokens that stay when others are dropped keep what is between them.
// Source: Bao et al. 2021, BEiT.
#ifndef SHADERS_ATTENTION_BIAS_H
#define SHADERS_ATTENTION_BIAS_H
#include "shaders/inc/shared.h"

#define SPEC_ATTENTION_BIAS 6      // 1 = there is a table

struct attention_bias_args {
    U32 prefix;                    // tokens before the grid
    U32 grid_w;                    // w
    U32 rows;                      // N
};
#endif
