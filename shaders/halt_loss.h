// halt_loss.h — ponder cost and depth prior (algorithms D.2)
//   out 0 = gate[GATE_PONDER] * sum_l ponder_l + gate[GATE_PRIOR] / L * sum_l t_l (log t_l - log q_l)
//   q_l = score_l / sum score, clamped to [0.01, 0.99] (no gradient where clamped); a sum of 0 gives q = 0.01
//   t_l = normal density with mean and std at l = 0 .. L - 1; terms with t_l = 0 are 0
//   out 1 = mean over l of alive_l
#ifndef SHADERS_HALT_LOSS_H
#define SHADERS_HALT_LOSS_H
#include "inc/shared.h"

#define HALT_TARGET_RELEASED   0   // scaled so that the entries l < mean sum to 0.98, as A-ViT's released recipe has it
#define HALT_TARGET_NORMALISED 1   // scaled to sum 1

struct halt_loss_attr {
    U32 target;
    F32 mean, std;
};
#endif
