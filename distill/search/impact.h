// impact.h — impact scores: what linear probes can read off a layer's states, and what they lose when its attention is
// replaced.
//
// The states of a layer are what its attention, or the mixer in its place, adds to the residual stream of the teacher
// (teacher-forced: both read the same), pooled over an image's tokens: the class token's and the mean of the patches'
// side by side, or without a class token the mean. A probe (distill/statistics/probe.h) is fitted to them on train:
//   full      accuracy of a probe of attention's states, tested on attention's
//   linear    of a probe of the mixer's states, tested on the mixer's
//   cross     of the probe of attention's states, tested on the mixer's
//   impact    1 - (linear + cross) / (2 full): high = keep attention
// One forward pass over the pictures and no trial of a search. Pictures are not augmented, and spread over their
// split. The same bits on one device and driver. Memory: (1 + K) L (images) (2 width) floats.
// Thread-safety: as the device.
#ifndef DISTILL_IMPACT_H
#define DISTILL_IMPACT_H

#include "distill/search/search.h"
#include "nn/data/dataset.h"
#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_impact_params {
    const nn_model *teacher;
    const nn_model *const *student; // (n_students) each replaced throughout, of the teacher's shape
    uint32_t n_students;
    const bool *fixed;              // (depth) layers to leave out; NULL = none
    const nn_dataset *data;
    nn_split split;                 // to test on, not train
    uint32_t batch, threads;        // 0 = 64; 0 = as many as cores
    uint32_t images;                // of each split at most; 0 = 1,000
    nn_progress_fn progress;
    void    *user;
} distill_impact_params;

typedef struct distill_impact_score {
    double full, linear, cross;     // fractions
    double impact;                  // NaN where full is 0
} distill_impact_score;

typedef struct distill_impact {
    uint32_t n_train, n_test;       // pictures
    // All NaN in layers that are left out, or that a student has in common with the teacher.
    distill_impact_score layer[DISTILL_MAX_LAYERS][DISTILL_MAX_CHOICES];
} distill_impact;

// Errors: E_ARG, E_FORMAT (a split without a usable picture), E_STOPPED, E_NOMEM, device errors.
vkc_status distill_impact_measure(const distill_impact_params *p, distill_impact *out);

// The order of replacement (distill/search/order.h) by the impact of each layer with its mixer, the lowest first, equal
// ones from the first layer on; NaN comes last.
uint32_t distill_order_impact(const distill_search_result *r, const distill_impact *scores, distill_step *order);

#ifdef __cplusplus
}
#endif
#endif
