// hard_concrete.h — gates that can be exactly 0 or 1 (Louizos et al. 2018): stretched, clipped binary concrete numbers
//   training:    s = sigmoid((log u - log(1 - u) + log_alpha) / beta), u uniform, clipped to 1e-6 .. 1 - 1e-6
//   evaluation:  s = sigmoid(log_alpha)
//   z = clip(s (ZETA - GAMMA) + GAMMA, 0, 1)
//   dz/dlog_alpha = (ZETA - GAMMA) s (1 - s) / beta where z is inside 0 .. 1, else 0; without 1 / beta in evaluation
//   P(z != 0) = sigmoid(log_alpha - beta log(-GAMMA / ZETA))        (shaders/loss/hard_concrete_l0.h)
// Gates of other ops share shaders/elementwise/inc/hard_concrete.glsl.
#ifndef SHADERS_HARD_CONCRETE_H
#define SHADERS_HARD_CONCRETE_H
#include "shaders/inc/shared.h"

#define HARD_CONCRETE_GAMMA -0.1f
#define HARD_CONCRETE_ZETA 1.1f
#define HARD_CONCRETE_BETA (2.0f / 3.0f)   // what a temperature of 0 stands for
#define HARD_CONCRETE_CLIP 1e-6f

struct hard_concrete_attr {
    F32 beta;                      // temperature, above 0; 0 = 2/3
    U32 stream;                    // which gates these are: others draw other bits from the same key
    U32 each;                      // log_alpha (C) over rows: 1 = every element draws its own number, 0 = a column one
};

struct hard_concrete_args {
    U32 rows;                      // 0 = packed, read the live count
    U32 cols;
    U32 stream;
    F32 beta_inv;
    U32 is_sampled;                // 0 = evaluation
    U32 has_x;
    U32 is_shared;                 // log_alpha is (C), the same for all rows
    U32 is_each;                   // numbers by element, not by column
    U32 blocks;                    // parts of the rows that the gradient of a shared log_alpha is summed in
};
ARGS_SIZE(hard_concrete_args, 36);
#endif
