// mingru.h — the minimal gated recurrent unit (Feng et al. 2024), linear-space recurrence, one or two directions.
//   stream s = h * dirs + dir as in gated_scan.h; its gate is at columns dir * 2 C + h D of x, its candidate C
//   columns further, C = heads D
//   z = sigmoid(gate)     h_t = (1 - z) h_{t-1} + z candidate
//   backward, lam_t = dh_t + (1 - z_{t+1}) lam_{t+1}:
//   dcandidate = z lam     dgate = z (1 - z) (candidate - h_{t-1}) lam
//   An image's tokens may be cut into segments: a walk maps what comes into a segment to A in + B, so the segments
//   find (A, B) first, each composes those before its own, and walks its tokens then.
#ifndef SHADERS_MINGRU_H
#define SHADERS_MINGRU_H
#include "shaders/inc/shared.h"

#define SPEC_MINGRU_AHEAD 1        // tokens that are loaded before the first of them is worked on
#define SPEC_MINGRU_BACKWARD 2     // of the kernel that finds (A, B): 1 = of the backward walk

struct mingru_attr {
    U32 heads, dirs, dim;          // dim = D
    U32 carry;                     // 1: out[1] is h after the last token
};

struct mingru_args {
    U32 heads, dirs, dim;
    U32 has_start, carry;
    U32 segments;                  // of an image
};
ARGS_SIZE(mingru_args, 24);
#endif
