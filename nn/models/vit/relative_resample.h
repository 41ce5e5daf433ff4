// relative_resample.h — a table of relative positions of one grid of patches, for another grid: a model at another
// picture size. Internal to nn/models/vit.
//
// Two programs' rules; the config says which (pos_rule):
//   timm, dinov2  the table's rows and columns lie at 0 and at distances that grow by a ratio q, so that the outermost
//                 is as far off as the new grid's: between these it is linear, beyond them even (timm's
//                 resize_rel_pos_bias_table, as it is without SciPy)
//   hf            linear between the two nearest, half-pixel centres, the border repeated (transformers' BEiT)
// The rows of tokens before the grid stay. In double on the host, so the same on every machine.
// Thread-safety: safe.
#ifndef NN_RELATIVE_RESAMPLE_H
#define NN_RELATIVE_RESAMPLE_H

#include "nn/models/vit/positions.h"

#ifdef __cplusplus
extern "C" {
#endif

// src (nn_relative_rows(from), heads) -> dst (nn_relative_rows(to), heads). from == to copies.
// Errors: E_ARG (a side of 0), E_NOMEM.
vkc_status nn_relative_resample(nn_pos_rule rule, const float *src, nn_grid from, uint32_t heads, nn_grid to,
                                float *dst);

#ifdef __cplusplus
}
#endif
#endif
