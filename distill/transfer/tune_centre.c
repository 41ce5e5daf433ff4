// tune_centre.c — keep ratios of teacher and student by their own gates, and bisection over the student's centre.
#include "distill/transfer/tune_centre.h"

#include "distill/retain/retain_centre.h"

#include <math.h>

#define PICTURES 512u
#define WITHIN   0.0025             // of the teacher's keep ratio
#define STEP     0.2                // a tenth of the spread that `pare retain` gives a gate's argument

vkc_status distill_tune_centre(const nn_model *teacher, nn_model *student, const distill_tune_params *p, bool move,
                               distill_centre_result *out)
{
    vkc_status st;
    distill_pictures pictures = { .n = 0 };
    nn_model as_it_is = *teacher;     // its config is written to, with what it was
    nn_retention_config *s = &student->cfg.retention;
    const distill_retain_params told = { .progress = p->progress, .user = p->user };
    const double none = (double) NAN;
    *out = (distill_centre_result) { .teacher_keep = none, .before = none, .after = none,
                                     .centre_before = s->gate_centre, .centre_after = s->gate_centre };
    if (teacher->cfg.retention.policy != NN_POLICY_HALTING || s->policy != NN_POLICY_HALTING)
        return VKC_FAIL(VKC_E_ARG, "centre: teacher and student must halt tokens; their policies are %s and %s",
                        nn_policy_name(teacher->cfg.retention.policy), nn_policy_name(s->policy));
    VKC_TRY(distill_pictures_load(&teacher->cfg, p->data, PICTURES, p->threads, &pictures));
    // Within 1 of any keep ratio: one try, where the centre is.
    VKC_TRY(distill_find_centre(&as_it_is, &pictures, 0.5, 1, STEP, &told, &out->teacher_keep));
    VKC_TRY(distill_find_centre(student, &pictures, 0.5, 1, STEP, &told, &out->before));
    out->after = out->before;
    if (move)
        VKC_TRY(distill_find_centre(student, &pictures, out->teacher_keep, WITHIN, STEP, &told, &out->after));
    out->centre_after = s->gate_centre;
done:
    distill_pictures_finish(&pictures);
    return st;
}
