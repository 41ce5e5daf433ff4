// transfer.h — teach replacement mixers, layer by layer, what the teacher's attention puts out.
//
// Teacher-forced (algorithms A.2, C.1): every layer alone, on the teacher's own stream, all layers in one pass
// over the data: minimise MSE between the student's and the teacher's attention output after the projection.
// The student starts from the layer's own q, k, v and projection. Where its mixer has learned features of queries and
// keys, a first stage may match the weights they give, phi_q_i . phi_k_j / sum_j, to the teacher's attention weights
// by cross-entropy (algorithms E.2), in all layers at once, and train nothing but these features.
#ifndef DISTILL_TRANSFER_H
#define DISTILL_TRANSFER_H

#include "nn/dataset.h"
#include "nn/progress.h"
#include "nn/vit.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_transfer_params {    // 0 = the default in brackets
    const nn_dataset *data;
    nn_layer_config mixer;          // checked (nn_mixer_parse)
    uint32_t batch;                 // [64]
    uint32_t epochs;                // [3]
    double   lr;                    // [1e-2] cosine to 0 after a tenth of warm-up
    double   weight_decay;          // [0]
    double   clip;                  // [none] couples the layers: the norm is over all of them
    uint64_t seed;
    uint32_t threads;
    bool     check_finite;          // E_CHECK with layer and mixer for a NaN or infinity in a mixer's input or output
    const char *run_dir;            // checkpoints; NULL = none
    bool     resume;
    uint32_t max_steps;             // of both stages together [no limit]
    uint32_t match_epochs;          // of matching, before the transfer [none]
    double   match_lr;              // [1e-2] the same schedule
    nn_progress_fn progress;
    void    *user;
} distill_transfer_params;

// A new model of the teacher's shape whose every attention layer is `mixer`, all else the teacher's values,
// mixers warm-started. Trainable.
vkc_status distill_student_create(const nn_vit *teacher, const nn_layer_config *mixer, nn_vit **out);

// Figures of layer l; NaN where its mixer has no learned features or the teacher's no attention weights.
typedef struct distill_match_result {
    uint32_t n_layers;              // matched; 0 = there was nothing to do
    uint64_t steps;
    double   seconds;
    double   loss[NN_MAX_DEPTH];    // cross-entropy, mean over the last epoch
    double   before[NN_MAX_DEPTH], after[NN_MAX_DEPTH];     // KL divergence on the first pictures of val
} distill_match_result;

// The first stage alone; transfer runs it when match_epochs is not 0. Its checkpoint is another than transfer's.
vkc_status distill_match(const nn_vit *teacher, nn_vit *student, const distill_transfer_params *p,
                         distill_match_result *out);

typedef struct distill_transfer_result {
    distill_match_result match;
    uint64_t steps;                 // without those of matching
    double   seconds;
    double   mse[NN_MAX_DEPTH];     // relative: MSE / mean square of the teacher's output, last epoch
} distill_transfer_result;

// Train student's mixers and projections in place. E_STOPPED after a checkpoint when told to stop.
vkc_status distill_transfer(const nn_vit *teacher, nn_vit *student, const distill_transfer_params *p,
                            distill_transfer_result *out);

#ifdef __cplusplus
}
#endif
#endif
