// positions.h — learned positions of a grid of patches, for another grid: a model at another picture size.
//
// Three programs' rules, each a separable cubic filter with half-pixel centres; the config says which (pos_rule):
//   timm    a = -0.5, stretched by the ratio of the grids when it shrinks, weights cut off at the border and scaled to
//           sum 1 (resample_abs_pos_embed, in its words bicubic with antialias; transformers' DINOv2 with registers
//           too)
//   hf      a = -0.75 at the four nearest places, the border repeated (transformers' ViT, DeiT, DINOv2, CLIP)
//   dinov2  the same, with 0.1 added to the sides of the new grid, so that all of it moves a little (its authors' code)
// Positions of the tokens before the patches stay. In double on the host, so the same on every machine.
// Thread-safety: safe.
#ifndef NN_POSITIONS_H
#define NN_POSITIONS_H

#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_grid { uint32_t h, w; } nn_grid;      // patches of a picture

// src (prefix + from.h * from.w, dim) -> dst (prefix + to.h * to.w, dim). from == to copies.
// Errors: E_ARG (a side of 0), E_NOMEM.
vkc_status nn_positions_build(nn_pos_rule rule, uint32_t prefix, const float *src, nn_grid from, uint32_t dim,
                              nn_grid to, float *dst);

// Let a config be one of another picture size; 0 x 0 = leave it. E_ARG, in words, when the patch does not fit.
vkc_status nn_model_config_set_size(nn_model_config *c, nn_size size);

// A copy of m for pictures of another size, values and config its own; 0 x 0 = m's size. Errors: E_ARG as above.
vkc_status nn_model_create_at(const nn_model *m, nn_size size, bool trainable, nn_model **out);

#ifdef __cplusplus
}
#endif
#endif
