// tune_centre.h — calibrate a student's halting threshold, the gate's centre, to the teacher's keep ratio.
//
// While tuning under a halting teacher its masks decide (distill/transfer/tune.h); alone, the student decides by its
// own gate, whose centre is still the teacher's. Moving the centre corrects the mean error of its scores.
#ifndef DISTILL_TUNE_CENTRE_H
#define DISTILL_TUNE_CENTRE_H

#include "distill/retain/retain_centre.h"
#include "distill/transfer/tune.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_centre_result {
    double teacher_keep;            // keep ratios (docs/retention.md) on at most 512 pictures of val
    double before, after;           // the student's
    double centre_before, centre_after;
} distill_centre_result;

// Both must halt. With `move`, leave in student->cfg the centre that gives the teacher's keep ratio, as near as it
// gets; without, only measure. Of `p` data, threads, progress and user are read. Blocking; thread-safety as the device.
// Errors: E_ARG (a model that does not halt), E_FORMAT (no usable picture), E_STOPPED, device errors.
vkc_status distill_tune_centre(const nn_model *teacher, nn_model *student, const distill_tune_params *p, bool move,
                               distill_centre_result *out);

// The same in parts, for a student that is calibrated again and again: what stays is read and measured once.
typedef struct distill_centre_target {  // zeroed is none
    distill_pictures pictures;
    double keep;                    // the teacher's keep ratio on them
} distill_centre_target;

vkc_status distill_centre_target_init(distill_centre_target *t, const nn_model *teacher, const nn_model *student,
                                      const distill_tune_params *p);
void       distill_centre_target_finish(distill_centre_target *t);
// Leave the centre in student->cfg; *keep is what the student keeps then.
vkc_status distill_centre_move(const distill_centre_target *t, nn_model *student, const distill_tune_params *p,
                               double *keep);

#ifdef __cplusplus
}
#endif
#endif
