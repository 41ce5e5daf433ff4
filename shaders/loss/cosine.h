// cosine.h — cosine distance of two tensors: 1 - cos along the tokens of an image, for each channel alone
//   cos = sum a b / sqrt((sum a^2 + EPS) (sum b^2 + EPS)),   sums over the tokens of the image
//   loss = mean of 1 - cos over the channels of the images that have a token; without any it is 0
// A channel that is 0 in all tokens of a or b has distance 1, and EPS bounds its gradient.
#ifndef SHADERS_COSINE_H
#define SHADERS_COSINE_H
#include "shaders/inc/shared.h"

#define COSINE_EPS 1e-12f

struct cosine_args {
    U32 cols;
    U32 n_partials;                // cosine_mean: partial sums
};
ARGS_SIZE(cosine_args, 8);
#endif
