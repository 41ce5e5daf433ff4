// masked_vit.h — reference of token pruning by halting: A-ViT's equations (docs/retention.md) in double, every image
// at full size, dropped tokens masked by -infinity on their keys. Attention only. What the
// compacted forms are compared with; it shares no code with them.
#ifndef TESTS_MASKED_VIT_H
#define TESTS_MASKED_VIT_H

#include "nn/models/vit/vit.h"

#define MASKED_MAX_TOKENS 32
#define MASKED_MAX_DIM 32

// One image.
typedef struct masked_vit {
    double  block[NN_MAX_DEPTH][MASKED_MAX_TOKENS][MASKED_MAX_DIM];     // residual stream after each block
    bool    is_there[NN_MAX_DEPTH][MASKED_MAX_TOKENS];  // at the entry of each block
    uint8_t done[MASKED_MAX_TOKENS];                    // block in which the token reached the threshold
    double  weight[MASKED_MAX_TOKENS];                  // sum of its mean-field weights
    double  logits[MASKED_MAX_DIM];
} masked_vit;

// `param` are the values of v->params in double. Halting models of at most so many tokens and channels.
void masked_vit_run(const nn_model *v, const double *const *param, const float *pixels, masked_vit *out);

#endif
