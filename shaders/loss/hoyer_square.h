// hoyer_square.h — group Hoyer-square sparsity of hidden units (Yang, Wen and Li 2020, DeepHoyer, arXiv:1908.09979)
//   loss = sum over streams of (sum_r n_r)^2 / sum_r n_r^2,  n_r = norm of all weights of unit r; 0 for a stream of
//   zeros
//   Between 1 (one unit has all) and the number of units (all alike). n_r^2 adds the squares of unit r's four gate
//   rows of W_x, its four gate rows of W_h and its column of W_h; what lies on a row and the column of one unit counts
//   twice.
//   dn_r = 2 S1 / S2 - 2 S1^2 n_r / S2^2,  S1 = sum n, S2 = sum n^2; a weight gets dn_r / n_r times itself for every
//   unit it belongs to, a unit of zeros nothing.
//   w_x (H, dirs 4 D, I): 4 D rows a stream, gate by gate   w_h (S, 4 D, D)   norms (S, D)   sums (S, 2) = S1, S2
#ifndef SHADERS_HOYER_SQUARE_H
#define SHADERS_HOYER_SQUARE_H
#include "shaders/inc/shared.h"

struct hoyer_square_args {
    U32 streams, units;            // S, D
    U32 inputs;                    // I; in the backward pass: columns of the weight at hand
    U32 recurrent;                 // backward: 1 = of w_h, whose columns belong to units too
};
ARGS_SIZE(hoyer_square_args, 16);
#endif
