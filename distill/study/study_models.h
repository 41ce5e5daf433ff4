// study_models.h — what a study asks of models: students by transfer or ready made, scored as hybrids on a split.
//
// The callbacks of distill_study over a teacher on a device. One student is in memory at a time. Each variant has a
// folder below the run's, with checkpoint and log of its transfer; tuning has one for each group below that.
// Thread-safety: as the device.
#ifndef DISTILL_STUDY_MODELS_H
#define DISTILL_STUDY_MODELS_H

#include "distill/study/study.h"
#include "distill/transfer/transfer.h"
#include "distill/transfer/tune.h"
#include "nn/infer/eval.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_study_models {
    const nn_model *teacher;
    const distill_variant *variant; // of the study
    const nn_layer_config *mixer;   // (n_variants) of each variant, checked
    const nn_model *const *ready;     // (n_variants) students all of whose replaceable layers are replaced;
                                    // NULL = transfer
    // Of each transfer; student, mixer, seed, folder and progress are set here.
    distill_transfer_params transfer;
    // Of each group, on the student's own stream, after its layers were replaced; the same are set here.
    distill_tune_params tune;
    bool        tuned;              // false: no tuning
    nn_eval_params eval;
    const char *run_dir;            // of this teacher; NULL = no checkpoints
    nn_progress_fn progress;        // of what runs inside a job: distill_study_tell with the study's clock, or another
    void       *user;
    nn_model     *student;            // owned, of the last prepared variant
} distill_study_models;

void distill_study_models_finish(distill_study_models *m);  // zeroed is fine

// Layers that a study leaves alone: those without attention, and those by whose attention tokens are chosen (topk).
void distill_study_fixed(const nn_model_config *teacher, bool *fixed);

// E_ARG, in words, unless `student` has the teacher's shape and classes and another mixer wherever `fixed` is false.
vkc_status distill_study_check(const nn_model *teacher, const nn_model *student, const bool *fixed, const char *name);

// The folder of a variant below the run's, "linear-features-elu1-seed-0" of letters, digits and dashes, or of the
// tuning of a group below that (NULL = none); "" without a run folder. `out` has NN_PATH_MAX. E_ARG: too long.
vkc_status distill_study_dir(const distill_study_models *m, uint32_t variant, const distill_group *g, char *out);

// Callbacks of distill_study; `user` is a distill_study_models. Errors: of transfer.h, tune.h, eval.h.
vkc_status distill_study_base(void *user, distill_figures *out);
vkc_status distill_study_prepare(void *user, uint32_t variant, bool again, double *error);
vkc_status distill_study_score(void *user, uint32_t variant, const distill_group *g, bool again, distill_figures *out);

#ifdef __cplusplus
}
#endif
#endif
