// mean_field.h — what a block adds to an image's mean field: its outputs, weighted by halting probabilities
//   z_b = p x of the token at place 0  +  patches / N * sum of p x over the tokens from place `prefix` on,
//   N = the patches of a full image (cap_tokens - prefix of the layout); a dropped token adds nothing. Without a class
//   token the first term is not there.
#ifndef SHADERS_MEAN_FIELD_H
#define SHADERS_MEAN_FIELD_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

struct mean_field_attr {
    F32 patches;                   // weight of the mean patch; 0: the class token alone is read
    U32 no_class;                  // 1 = the token at place 0 is none
};

struct mean_field_args {
    F32 mean;                      // patches / N; 0: no row but that at place 0 is touched
    U32 prefix;
    U32 cols;
    F32 token;                     // weight of the token at place 0 besides
};
ARGS_SIZE(mean_field_args, 16);
#endif
