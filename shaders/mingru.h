// mingru.h — the minimal gated recurrent unit (Feng et al. 2024), linear-space recurrence, one or two directions.
//   stream s = h * dirs + dir as in gated_scan.h; its gate is at columns dir * 2 C + h D of x, its candidate C
//   columns further, C = heads D
//   z = sigmoid(gate)     h_t = (1 - z) h_{t-1} + z candidate
#ifndef SHADERS_MINGRU_H
#define SHADERS_MINGRU_H
#include "inc/shared.h"

struct mingru_attr {
    U32 heads, dirs, dim;          // dim = D
    U32 carry;                     // 1: out[1] is h after the last token
};
#endif
