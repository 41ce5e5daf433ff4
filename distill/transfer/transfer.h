// transfer.h — layerwise distillation: train replacement mixers to reproduce the outputs of the teacher's attention.
//
// Teacher-forced: every layer is trained alone on the teacher's residual stream, all layers in one pass over the data,
// to minimise d(m_l(x), a_l(x)): x the teacher's input of layer l, a_l its attention module, m_l the student's, both
// after the projection or before it, d the distance. Layers that are the same in both are not trained.
// The student starts from the layer's own q, k, v and projection. Where its mixer has learned feature maps of queries
// and keys, a first stage may match the weights that they give, phi_q_i . phi_k_j / sum_j phi_q_i . phi_k_j, to the
// teacher's attention weights by cross-entropy (Zhang et al. 2024, Hedgehog, arXiv:2402.04347), in all layers at once,
// and train nothing but these features.
#ifndef DISTILL_TRANSFER_H
#define DISTILL_TRANSFER_H

#include "nn/data/dataset.h"
#include "nn/base/progress.h"
#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {                      // what is compared
    DISTILL_TARGET_OUTPUT,          // after the projection: what enters the residual stream
    DISTILL_TARGET_HEADS,           // head outputs before it; the projection is then not trained and keeps its bits
    DISTILL_N_TARGETS
} distill_target;
const char *distill_target_name(distill_target t);                              // "output", "heads"
vkc_status  distill_target_get(const char *name, distill_target *out);          // E_ARG with the names that there are

typedef enum {                      // and how: both are means over the live rows and the channels
    DISTILL_MSE,
    DISTILL_COSINE,                 // 1 - cos along the tokens of an image (op cosine)
    DISTILL_N_DISTANCES
} distill_distance;
const char *distill_distance_name(distill_distance d);                          // "mse", "cosine"
vkc_status  distill_distance_get(const char *name, distill_distance *out);      // E_ARG with the names that there are

typedef enum {                      // what a matching stage minimises
    DISTILL_MATCH_KL,               // cross-entropy of the teacher's attention weights and those of learned features
    DISTILL_MATCH_MATRIX,           // Frobenius distance of the weights and the mixing matrix, mean of images, heads
    DISTILL_N_MATCH_LOSSES
} distill_match_loss;
const char *distill_match_loss_name(distill_match_loss m);                      // "kl", "matrix"
vkc_status  distill_match_loss_get(const char *name, distill_match_loss *out);  // E_ARG with the names that there are

typedef struct distill_transfer_params {    // 0 = the default in brackets
    const nn_dataset *data;
    nn_layer_config mixer;          // checked (nn_mixer_parse)
    distill_target target;          // [output]
    distill_distance distance;      // [mse]
    uint32_t batch;                 // [64]
    uint32_t epochs;                // [3]
    double   lr;                    // [1e-2] cosine to 0 after a tenth of warm-up
    double   weight_decay;          // [0]
    double   clip;                  // [none] couples the layers: the norm is over all of them
    uint64_t seed;
    uint32_t threads;
    bool     check_finite;          // E_CHECK with layer and mixer for a NaN or infinity in a mixer's input or output
    const char *run_dir;            // checkpoints; NULL = none
    const char *tag;                // ends their names and those of log and progress [none]; "-2": the second of a run
    bool     resume;
    uint32_t max_steps;             // of both stages together [no limit]
    uint32_t match_epochs;          // of matching, before the transfer [none]
    distill_match_loss match_loss;  // [kl]
    double   match_lr;              // [1e-2] the same schedule
    const bool *only;               // (depth) layers to train of those that differ; NULL = all
    nn_progress_fn progress;
    void    *user;
} distill_transfer_params;

// A new model of the teacher's shape whose every attention layer is `mixer`, all else the teacher's values,
// mixers warm-started. Trainable.
vkc_status distill_student_create(const nn_model *teacher, const nn_layer_config *mixer, nn_model **out);
// The same with any mixer in each layer: layer[l] (depth), checked; where it is the teacher's own, the layer is a copy.
vkc_status distill_student_create_layers(const nn_model *teacher, const nn_layer_config *layer, nn_model **out);
// Is layer l of the student another module than the teacher's: another mixer, or other options of it?
bool       distill_layer_differs(const nn_model *teacher, const nn_model *student, uint32_t l);
// E_ARG, with both values, unless the two are of one shape, token pruning aside.
vkc_status distill_check_shapes(const nn_model *teacher, const nn_model *student);

// Figures of layer l; NaN where its mixer has no learned features or the teacher's no attention weights.
typedef struct distill_match_result {
    distill_match_loss kind;
    uint32_t n_layers;              // matched; 0 = there was nothing to do
    uint64_t steps;
    double   seconds;
    double   loss[NN_MAX_DEPTH];    // cross-entropy or distance, mean over the last epoch
    double   before[NN_MAX_DEPTH], after[NN_MAX_DEPTH];     // KL divergence or distance on the first pictures of val
} distill_match_result;

// The first stage alone; transfer runs it when match_epochs is not 0. Its checkpoint is another than transfer's.
// Trained are, by KL, the parameters that features are made with and that have no value in the teacher to start from;
// by matrix (the first stage of MOHAWK, Bick et al. 2024) all that the mixer's mixing matrix is made with. E_ARG, by
// name, for a mixer without a mixing matrix (nn/mixers/matrix.h).
vkc_status distill_match(const nn_model *teacher, nn_model *student, const distill_transfer_params *p,
                         distill_match_result *out);

typedef struct distill_transfer_result {
    distill_match_result match;
    uint64_t steps;                 // without those of matching
    double   seconds;
    // Last epoch: MSE / mean square of what the teacher gives, or the cosine distance; NaN where layers do not differ.
    double   error[NN_MAX_DEPTH];
} distill_transfer_result;

// Train in place the student's mixers that differ from the teacher's and, for target output, their projections.
// All else keeps its bits. E_ARG when none differs or the shapes do; E_STOPPED after a checkpoint when told to stop.
vkc_status distill_transfer(const nn_model *teacher, nn_model *student, const distill_transfer_params *p,
                            distill_transfer_result *out);

#ifdef __cplusplus
}
#endif
#endif
