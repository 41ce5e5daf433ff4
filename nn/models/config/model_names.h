// model_names.h — which parameter of ours a tensor of another program is; the table is model_names.def.
//
// Thread-safety: safe.
#ifndef NN_MODEL_NAMES_H
#define NN_MODEL_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "nn/graph/params.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_tensor_name {
    char     ours[NN_MAX_NAME];     // "blocks.3.attn.qkv.weight", "@more", "@pool.weight" (two of ours);
                                    // "" = of no use to a classifier of pictures;
                                    // "@text" = likewise, of CLIP's text side: wrong in a file without its image side
    uint32_t part, parts;           // it is rows part / parts of ours
    bool     is_transposed;         // it is ours the other way round
} nn_tensor_name;

// False: no program of the table has a tensor of this name.
bool nn_tensor_name_get(const char *theirs, nn_tensor_name *out);

// Is it the name of a tensor in a chunk of blocks, "blocks.1.3.norm1.weight": what training with FSDP makes of
// "blocks.3.norm1.weight"? Nn_tensor_name_get knows it as that.
bool nn_tensor_name_is_chunked(const char *theirs);

// Is a name what the programs of CLIP call a tensor of its image side, behind the usual prefixes?
bool nn_tensor_name_is_clip_image(const char *theirs);

// What transformers call part `part` of a parameter of ours in a DINOv2 with a gated MLP or a plain one, without the
// prefix of its class. False: it has no such part.
bool nn_tensor_name_dinov2(const char *ours, uint32_t part, bool is_gated, nn_tensor_name *name,
                           char theirs[NN_MAX_NAME]);

#ifdef __cplusplus
}
#endif
#endif
