// halt.h — A-ViT's halting after a block (Yin et al. 2022, arXiv:2112.07658): scores, mean-field weights, decisions
//   h = sigma(scale x_0 - centre).  Running tokens add h to their cumulative score c. Where c >= 1 - eps, or in the
//   last block, the token is done: its weight is what remains, p = r. Elsewhere p = h and r shrinks by it. So all
//   weights of a token sum to 1. Halted tokens that are not dropped yet (between layouts) have p = 0.
// A kept token never halts: h = 0 whatever its gate says, so p = 0 until the last block and 1 in it. A mean field that
//   reads a kept class token alone is that token of the last block, as in a dense model. No gradient: h (1 - h) = 0.
// A token whose score is NaN is done, kept or not, since c is not below 1 - eps. H is then NaN, so that it shows; a
//   kept token stays all the same.
#ifndef SHADERS_HALT_H
#define SHADERS_HALT_H
#include "shaders/inc/shared.h"

// Columns of a halting tensor (R, 4).
#define HALT_P 0                   // weight of this block's output in the token's mean field
#define HALT_C 1                   // cumulative score; HALT_DONE once the threshold is reached
#define HALT_R 2                   // remainder after this block: 1 - sum of weights so far
#define HALT_H 3                   // this block's score, before the last block is forced; 0 for tokens done before it
#define HALT_COLS 4
#define HALT_DONE 2.0

// A gate tensor (4): what the host may move from step to step.
#define GATE_SCALE  0              // of channel 0 of the residual stream
#define GATE_CENTRE 1              // subtracted; larger = tokens stay longer
#define GATE_PONDER 2              // weight of the ponder cost in halt_loss
#define GATE_PRIOR  3              // weight of the depth prior in halt_loss
#define GATE_LEN    4

struct halt_attr {
    F32 eps;
    U32 last;                      // 1 in the last block
    U32 kept;                      // the first `kept` places of an image never halt (1: class token)
};

struct halt_args {
    F32 full;                      // 1 - eps
    U32 last, kept;
    U32 has_prev;                  // 0 = before the first block: c = 0, r = 1
    U32 cols;                      // of x
};
ARGS_SIZE(halt_args, 20);
#endif
