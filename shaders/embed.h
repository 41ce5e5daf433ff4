// embed.h — tokens from patches: class token before, positions added
#ifndef SHADERS_EMBED_H
#define SHADERS_EMBED_H
#include "inc/shared.h"
#include "inc/lanes.h"

struct embed_args {
    U32 cols;
    U32 prefix;                    // tokens before the patches; they get the class token
    U32 sum_tokens;                // embed_bwd_sum: token indices that one workgroup adds up
};
ARGS_SIZE(embed_args, 12);
#endif
