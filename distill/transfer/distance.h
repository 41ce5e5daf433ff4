// distance.h — losses between the module outputs of student and teacher, layer by layer, and their values in results.
// Internal to distill.
#ifndef DISTILL_DISTANCE_H
#define DISTILL_DISTANCE_H

#include "distill/transfer/transfer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_distances {
    distill_target   target;
    distill_distance distance;
    uint32_t   n, layer[NN_MAX_DEPTH];              // layers compared, in the order of adding
    nn_tensor *loss[NN_MAX_DEPTH];                  // plain scalars
    nn_tensor *size[NN_MAX_DEPTH];                  // mse: mean squares of what the teacher gives
    nn_tensor *zero;
} distill_distances;

void       distill_distances_start(distill_distances *d, distill_target target, distill_distance distance);
// Compare layer l, where the student gives `heads` and, after the projection, `attn`; the teacher has run, its insides
// are in `t`. Both must have the same rows. Returns the distance; nothing is minimised yet.
nn_tensor *distill_distances_add(distill_distances *d, nn_graph *g, uint32_t l, nn_tensor *heads, nn_tensor *attn,
                                 const nn_model_taps *t);
// The scalars to watch, losses first; returns how many.
uint32_t   distill_distances_watch(const distill_distances *d, nn_tensor **watch);
// From their means to the figure of every layer (NN_MAX_DEPTH), relative to the teacher's mean square for mse; NaN in
// layers that are not compared. watch may be NULL: all NaN.
void       distill_distances_get(const distill_distances *d, const double *watch, double *out);

#ifdef __cplusplus
}
#endif
#endif
