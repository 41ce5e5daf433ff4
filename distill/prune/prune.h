// prune.h — cut hidden units out of recurrent mixers (algorithms A.7).
//
// A unit's weight is the norm of all its weights (shaders/loss/hoyer_square.h), not their sum, whose signs cancel.
// Training
// with the group Hoyer-square as a loss (distill_tune_params.units) gathers the weight in few units; those that are
// left with little are then taken out of the model, not set to zero: it has fewer parameters and less to do, and
// nothing that could grow back. All streams (heads in each direction) of a layer keep as many units as the one that
// needs most.
// Thread-safety: as the device.
#ifndef DISTILL_PRUNE_H
#define DISTILL_PRUNE_H

#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_prune_params {
    double   threshold;             // units below this part of the largest norm of their stream are not needed
    double   keep;                  // or, where not 0: this share of the units stays, whatever their norms
    uint32_t multiple;              // round up to a multiple, which kernels like; 0 = 4
} distill_prune_params;

typedef struct distill_prune_layer {
    uint32_t units, kept;           // a stream; both 0 in a layer without units
    double   least, most;           // norms of units, of all streams
} distill_prune_layer;

// What would stay of every layer, layer[depth]. Errors: E_ARG (no layer has units; parameters that make no sense).
vkc_status distill_prune_count(const nn_model *v, const distill_prune_params *p, distill_prune_layer *layer);
// A new, trainable model in which every stream keeps its layer[l].kept strongest units (ties: the first), in their
// order, and all else is v's. Its config has no figures. nn_model_destroy.
vkc_status distill_prune(const nn_model *v, const distill_prune_layer *layer, nn_model **out);

#ifdef __cplusplus
}
#endif
#endif
