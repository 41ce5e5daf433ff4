// vit_tokens.h — tokens from patches: class token and others before, positions added
#ifndef SHADERS_VIT_TOKENS_H
#define SHADERS_VIT_TOKENS_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

struct vit_tokens_args {
    U32 cols;
    U32 prefix;                    // tokens before the patches
    U32 more_from;                 // of those, the first that is a row of `more`; the ones before are the class token
    U32 pos_from;                  // the first token that has a position: 0, or prefix
    U32 first_token, sum_tokens;   // vit_tokens_bwd_sum: the first token index, and how many a workgroup adds up
};
ARGS_SIZE(vit_tokens_args, 24);
#endif
