// prune.h — structured pruning of hidden units of recurrent mixers.
//
// A unit is judged by the norm of all its weights (shaders/loss/hoyer_square.h), not by their sum, whose signs cancel.
// Training with the group Hoyer-square penalty (Yang, Wen and Li 2020, DeepHoyer, arXiv:1908.09979;
// distill_tune_params.units) makes the norms sparse; units with small norms are then removed, not set to zero: the
// model has fewer parameters and less to compute. All streams (heads in each direction) of a layer keep as many units
// as the one that needs most.
// Thread-safety: as the device.
#ifndef DISTILL_PRUNE_H
#define DISTILL_PRUNE_H

#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_prune_params {
    double   threshold;             // units below this fraction of the largest norm of their stream are removed
    double   keep;                  // if not 0: keep this fraction of the units instead
    uint32_t multiple;              // round up to a multiple, for the kernels; 0 = 4
} distill_prune_params;

typedef struct distill_prune_layer {
    uint32_t units, kept;           // a stream; both 0 in a layer without units
    double   least, most;           // norms of units, of all streams
} distill_prune_layer;

// The units that each layer would keep, layer[depth]. Errors: E_ARG (no layer has units; parameters out of range).
vkc_status distill_prune_count(const nn_model *m, const distill_prune_params *p, distill_prune_layer *layer);
// A new, trainable model in which every stream keeps its layer[l].kept strongest units (ties: the first), in their
// order, and all else is m's. Its config has no figures. nn_model_destroy.
vkc_status distill_prune(const nn_model *m, const distill_prune_layer *layer, nn_model **out);

#ifdef __cplusplus
}
#endif
#endif
