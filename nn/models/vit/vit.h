// vit.h — a vision transformer: what it has beside its blocks (nn/models/model.h), under timm's names.
//
// Tokens are the class token, unless the model has none, then those of the family (distillation token, registers), then
// the patches row by row.
// What else families differ in, nn_model_config says.
// Thread-safety: as the device.
#ifndef NN_VIT_H
#define NN_VIT_H

#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

// Parameters outside the blocks, by their index in nn_model.params.
typedef struct nn_vit {
    uint32_t patch_w, patch_b, norm_w, norm_b, head_w, head_b;
    uint32_t cls;                   // unless no_class
    uint32_t pos;                   // unless no_pos
    uint32_t relative;              // with shared_relative
    uint32_t more;                  // tokens between class token and patches, where the family has them
    uint32_t norm_pre_w, norm_pre_b;        // with pre_norm, and then no patch_b
    uint32_t head_dist_w, head_dist_b;      // with a distillation token
    uint32_t vectors;               // with cfg.projection_dim: (classes, embed) unit rows times a scale
    uint32_t vectors_b;             // (classes), with vectors and NN_SCORES_SIGMOID
    struct {                        // with attention pooling (NN_POOL_MAP)
        uint32_t latent, q_w, q_b, kv_w, kv_b, proj_w, proj_b, norm_w, norm_b, fc1_w, fc1_b, fc2_w, fc2_b;
    } map;
} nn_vit;

// Of a model that is a vision transformer; NULL for any other.
const nn_vit *nn_vit_of(const nn_model *m);

#ifdef __cplusplus
}
#endif
#endif
