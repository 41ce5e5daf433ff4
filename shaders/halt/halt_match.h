// halt_match.h — loss between the halting of a student and of its teacher in a block
//   Over the n tokens, of all images and from place `kept` on, that were running when they entered the block (by the
//   teacher), with h = sigma(u) and c from halt_soft.h, h_t from halt.h and c_t = c before this block + h_t:
//   KL   = 1 / n sum h_t log(h_t / h) + (1 - h_t) log((1 - h_t) / (1 - h)),   h and h_t clamped to 1e-6 .. 1 - 1e-6
//   keep = 1 / n sum k(c) - k(c_t),   k(c) = sigma((full - c) / tau), a soft share of kept tokens
//   out 0 = KL + weight keep^2;  0 where n is
// Both shares go through the same k, so that a student with the teacher's scores has no loss; as tau falls they become
// the exact shares. Gradients: d KL / du = (h - h_t) / n, without the clamp, which would leave a saturated
// student where it is.
#ifndef SHADERS_HALT_MATCH_H
#define SHADERS_HALT_MATCH_H
#include "shaders/inc/shared.h"

#define MATCH_H_MIN 1e-6

// Columns of the partial sums.
#define MATCH_KL   0
#define MATCH_KEEP 1
#define MATCH_N    2
#define MATCH_COLS 3

struct halt_match_attr {
    F32 eps;                       // full = 1 - eps
    F32 tau;
    F32 weight;
    U32 kept;                      // as in halt_attr: places whose tokens do not count
};

struct halt_match_args {
    F32 full, inv_tau, weight;
    U32 kept;
    U32 has_prev;                  // 0 = all were running, c = 0
    U32 n_partials;
};
ARGS_SIZE(halt_match_args, 24);
#endif
