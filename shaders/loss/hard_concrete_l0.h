// hard_concrete_l0.h — the expected share of hard-concrete gates that are not 0 (shaders/elementwise/hard_concrete.h):
//   P = sigmoid(log_alpha - beta log(-GAMMA / ZETA))     loss = mean of P     dP/dlog_alpha = P (1 - P)
// The expected number of open gates, the L0 penalty, is the mean times how many there are.
#ifndef SHADERS_HARD_CONCRETE_L0_H
#define SHADERS_HARD_CONCRETE_L0_H
#include "shaders/elementwise/hard_concrete.h"

struct hard_concrete_l0_attr {
    F32 beta;                      // temperature of the gates, above 0; 0 = 2/3
};

struct hard_concrete_l0_args {
    U32 rows;                      // 0 = packed, read the live count
    U32 cols;
    F32 shift;                     // beta log(-GAMMA / ZETA)
};
ARGS_SIZE(hard_concrete_l0_args, 12);
#endif
