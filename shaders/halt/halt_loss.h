// halt_loss.h — ponder cost and depth prior of A-ViT (Yin et al. 2022, arXiv:2112.07658)
//   out 0 = gate[GATE_PONDER] * sum_l ponder_l + gate[GATE_PRIOR] / L * sum_l t_l (log t_l - log q_l)
//   q_l = score_l / sum score, clamped to [0.01, 0.99] (no gradient where clamped); no score at all gives q = 0.01
//   t_l = normal density with mean and std at l = 0 .. L - 1; terms with t_l = 0 are 0
//   out 1 = mean over l of alive_l
#ifndef SHADERS_HALT_LOSS_H
#define SHADERS_HALT_LOSS_H
#include "shaders/inc/shared.h"

#define HALT_TARGET_RELEASED   0   // scaled so that the entries l < mean sum to 0.98, as A-ViT's released recipe has it
#define HALT_TARGET_NORMALISED 1   // scaled to sum 1

struct halt_loss_attr {
    U32 target;
    F32 mean, std;
};

#define HALT_MAX_LAYERS 128
#define HALT_Q_MIN 0.01
#define HALT_Q_MAX 0.99
#define HALT_SCORE_MIN 1e-36       // sums of scores below it count as 0: gradients, which divide by them, stay finite

struct halt_loss_args {
    U32 layers;
    F32 mean, half_precision;      // log t_l = log_peak - half_precision ((l - mean)^2 - (peak - mean)^2)
    F32 peak, log_peak;
};
ARGS_SIZE(halt_loss_args, 20);
#endif
