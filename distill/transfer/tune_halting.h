// tune_halting.h — tuning under a teacher with token pruning: the student runs under its masks, and the student's gate
// is trained to predict them. Internal to distill.
#ifndef DISTILL_TUNE_HALTING_H
#define DISTILL_TUNE_HALTING_H

#include "distill/transfer/tune.h"

#ifdef __cplusplus
extern "C" {
#endif

// The losses that it adds to a graph: halt_match of each block, with its weight.
typedef struct distill_halting {
    uint32_t   n;
    nn_tensor *watch[NN_MAX_DEPTH];
    float      weight[NN_MAX_DEPTH];
} distill_halting;

// E_ARG, in words, when these two cannot run side by side: other masks than the student's config can follow. Called
// before a graph is built, when the teacher runs.
vkc_status distill_halting_check(const nn_model *teacher, const nn_model *student, const distill_tune_params *p);
// Before the student's forward pass; the teacher has run in the same graph, its insides in `t`, which must stay until
// the graph is built. The student follows it (nn/models/retention.h): in which rows there are, and how its mean
// field weighs.
void       distill_halting_start(const nn_model_taps *t, nn_model_taps *s);
// After it: add the losses, of every block but the last, times their weight, to the graph. Nothing where
// the teacher does not halt or p->halting is below 0.
void       distill_halting_add(distill_halting *h, nn_graph *g, const distill_tune_params *p, const nn_model *teacher,
                               const nn_model_taps *t, const nn_model_taps *s);
// The figure of the result, the sum of the means of the scalars watched (n), without weights; NaN where there are none.
double     distill_halting_get(const distill_halting *h, const double *watch);

#ifdef __cplusplus
}
#endif
#endif
