// student.h — models between a teacher and its transferred students, one for each mixer.
//
// choice[l] of a hybrid is 0 where layer l is the teacher's, k where its mixer and projection are those of
// student[k - 1]. All else is the teacher's. Thread-safety: as the device.
// Errors: E_ARG (other shapes than the teacher's, a choice without a student), E_NOMEM, E_DEVMEM.
#ifndef DISTILL_STUDENT_H
#define DISTILL_STUDENT_H

#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

// A hybrid that borrows all values, so that teacher and students must outlive it; for inference.
// distill_hybrid_finish frees what init made.
vkc_status distill_hybrid_init(nn_model *hybrid, const nn_model *teacher, const nn_model *const *student,
                               uint32_t n_students, const uint8_t *choice);
void       distill_hybrid_finish(nn_model *hybrid);       // zeroed is fine

// The same as a model of its own, that can be saved. Its config has no provenance and no figures. nn_model_destroy.
vkc_status distill_hybrid_create(const nn_model *teacher, const nn_model *const *student, uint32_t n_students,
                                 const uint8_t *choice, nn_model **out);

#ifdef __cplusplus
}
#endif
#endif
