// student.h — models between a teacher and its transferred student: scored on a split, and put together.
//
// A hybrid has the student's mixer and projection in the replaced layers and is the teacher everywhere else.
// Thread-safety: as the device.
#ifndef DISTILL_STUDENT_H
#define DISTILL_STUDENT_H

#include "distill/search.h"
#include "nn/eval.h"

#ifdef __cplusplus
extern "C" {
#endif

// A hybrid that borrows all values from both, which must outlive it; for inference. distill_hybrid_finish frees what
// init made. `replaced` has as many entries as the models have layers.
vkc_status distill_hybrid_init(nn_vit *hybrid, const nn_vit *teacher, const nn_vit *student, const bool *replaced);
void       distill_hybrid_finish(nn_vit *hybrid);       // zeroed is fine

// The same as a model of its own, that can be saved. Its config has no provenance and no figures. nn_vit_destroy.
vkc_status distill_hybrid_create(const nn_vit *teacher, const nn_vit *student, const bool *replaced, nn_vit **out);

// A scorer for distill_search: the accuracy of hybrids. `user` is a distill_scorer.
typedef struct distill_scorer {
    const nn_vit  *teacher, *student;
    nn_eval_params eval;
    nn_eval_result last;            // written by each score
} distill_scorer;
vkc_status distill_score_top1(void *user, const bool *replaced, uint32_t n_layers, double *score);

#ifdef __cplusplus
}
#endif
#endif
