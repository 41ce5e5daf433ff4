// positions.h — learned positions of a grid of patches, for another grid: a model at another picture size.
//
// timm's rule (resample_abs_pos_embed, in its words bicubic with antialias): a separable cubic filter with a = -0.5
// and half-pixel centres, stretched by the ratio of the grids when it shrinks, its weights cut off at the border and
// scaled to sum 1. The class token's position stays. In double on the host, so the same on every machine.
// Thread-safety: safe.
#ifndef NN_POSITIONS_H
#define NN_POSITIONS_H

#include "nn/vit.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_grid { uint32_t h, w; } nn_grid;      // patches of a picture

// src (1 + from.h * from.w, dim) -> dst (1 + to.h * to.w, dim). from == to copies. Errors: E_ARG (a side of 0), E_NOMEM.
vkc_status nn_positions_build(const float *src, nn_grid from, uint32_t dim, nn_grid to, float *dst);

// Let a config be one of another picture size; 0 x 0 = leave it. E_ARG, in words, when the patch does not fit.
vkc_status nn_model_config_set_size(nn_model_config *c, nn_size size);

// A copy of v for pictures of another size, values and config its own; 0 x 0 = v's size. Errors: E_ARG as above.
vkc_status nn_vit_create_at(const nn_vit *v, nn_size size, bool trainable, nn_vit **out);

// nn_vit_load, for pictures of another size; 0 x 0 = the folder's, and then the same bits as nn_vit_load. The folder stays
// as it is.
vkc_status nn_vit_load_at(vkc_device *dev, const char *dir, nn_size size, bool trainable, nn_vit **out);

#ifdef __cplusplus
}
#endif
#endif
