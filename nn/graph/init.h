// init.h — how a parameter starts, and the numbers that makes.
//
// Values are pure functions of seed, stream and place (rng.h). Thread-safety: safe.
#ifndef NN_INIT_H
#define NN_INIT_H

#include "nn/graph/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    NN_INIT_ZERO, NN_INIT_ONE, NN_INIT_NORMAL,      // normal: sigma 0.02, cut at two sigma
    NN_INIT_SMALL,                  // 1e-5: LayerScale, whose branches come in slowly
    NN_INIT_IDENTITY,               // (H, D, n D): the mean of n parts: n identities beside each other, over n
    NN_INIT_UNIFORM,                // +- 1 / sqrt(fan_in), fan_in = the last dimension
    NN_INIT_CONV,                   // the same with fan_in = elements of a channel, all dimensions but the first
    NN_INIT_A_LOG,                  // log of uniform 1..16                                     (Mamba-2)
    NN_INIT_DT_BIAS,                // softplus^-1 of log-uniform 0.001..0.1, at least 1e-4     (Mamba-2)
    // Gates that remember tau tokens, log-uniform 2..128, after Tallec & Ollivier 2018, so that tokens far apart meet
    // from the first step on:
    NN_INIT_CHRONO_GRU,             // (n 2, C): rows gate, candidate: -log(tau - 1), 0
    NN_INIT_CHRONO_LSTM,            // (n 4, D): rows i, f, g, o: -log(tau - 1), log(tau - 1), 0, 0
    NN_INIT_ALIKE,                  // (3C), a bias of q, k, v: 1, 1, 0. Without softmax or feature map, a token then
                                    // starts with a mean of the values, and not with noise
    NN_INIT_ALIKE_WIDE,             // (4C), the same with twice as many channels of v: 1, 1, 0, 0
    NN_INIT_TENTH,                  // log(1 / 9): a logit whose sigmoid is 0.1
} nn_init;

// Fill dst with the elements of `shape`. Parameters of one model take a stream each.
void nn_init_fill(nn_init init, const nn_shape *shape, uint64_t seed, uint32_t stream, float *dst);

#ifdef __cplusplus
}
#endif
#endif
