// sequence.h — a classifier of token sequences: token and position embeddings, blocks, the mean token, a head.
//
// Sequences of a batch may be of different lengths, up to the model's context; nothing is padded. The model folder's
// config.json says "architecture": "pare_sequence"; weights lie in model.safetensors under the names below.
// Thread-safety: as the device.
#ifndef NN_SEQUENCE_H
#define NN_SEQUENCE_H

#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

// Parameters outside the blocks, by their index in nn_model.params: embed.weight (vocab, C), pos_embed (context, C),
// norm.weight and norm.bias (C), head.weight (classes, C), head.bias (classes).
typedef struct nn_sequence {
    uint32_t table, positions, norm_w, norm_b, head_w, head_b;
} nn_sequence;

// Init the config of one: `vocab` token ids, at most `context` tokens a sequence, softmax attention in every layer and
// an MLP four times as wide as dim. E_ARG when that cannot be. nn_model_config_finish it.
vkc_status nn_sequence_config_init(nn_model_config *c, uint32_t vocab, uint32_t context, uint32_t dim, uint32_t depth,
                                   uint32_t heads, uint32_t classes);

#ifdef __cplusplus
}
#endif
#endif
