// tune_centre.c — keep ratios of teacher and student by their own gates, and bisection over the student's centre.
#include "distill/transfer/tune_centre.h"

#include <math.h>

#define PICTURES 512u
#define WITHIN   0.0025             // of the teacher's keep ratio
#define STEP     0.2                // a tenth of the spread that `pare retain` gives a gate's argument

// The keep ratio where the centre is: within 1 of any keep ratio is one try.
static vkc_status measure(nn_model *m, const distill_pictures *s, const distill_retain_params *told, double *keep)
{
    return distill_find_centre(m, s, 0.5, 1, STEP, told, keep);
}

static distill_retain_params get_told(const distill_tune_params *p)
{
    return (distill_retain_params) { .progress = p->progress, .user = p->user };
}

vkc_status distill_centre_target_init(distill_centre_target *t, const nn_model *teacher, const nn_model *student,
                                      const distill_tune_params *p)
{
    vkc_status st;
    nn_model as_it_is = *teacher;     // its config is written to, with what it was
    const nn_policy own = student->cfg.retention.policy, of_teacher = teacher->cfg.retention.policy;
    const distill_retain_params told = get_told(p);
    *t = (distill_centre_target) { .keep = (double) NAN };
    if (of_teacher != NN_POLICY_HALTING || own != NN_POLICY_HALTING)
        return VKC_FAIL(VKC_E_ARG, "centre: teacher and student must halt tokens; their policies are %s and %s",
                        nn_policy_name(of_teacher), nn_policy_name(own));
    VKC_TRY(distill_pictures_load(&teacher->cfg, p->data, PICTURES, p->threads, &t->pictures));
    st = measure(&as_it_is, &t->pictures, &told, &t->keep);
done:
    if (st != VKC_OK)
        distill_centre_target_finish(t);
    return st;
}

void distill_centre_target_finish(distill_centre_target *t)
{
    distill_pictures_finish(&t->pictures);
}

vkc_status distill_centre_move(const distill_centre_target *t, nn_model *student, const distill_tune_params *p,
                               double *keep)
{
    const distill_retain_params told = get_told(p);
    return distill_find_centre(student, &t->pictures, t->keep, WITHIN, STEP, &told, keep);
}

vkc_status distill_tune_centre(const nn_model *teacher, nn_model *student, const distill_tune_params *p, bool move,
                               distill_centre_result *out)
{
    vkc_status st;
    distill_centre_target target;
    const nn_retention_config *s = &student->cfg.retention;
    const distill_retain_params told = get_told(p);
    const double none = (double) NAN;
    *out = (distill_centre_result) { .teacher_keep = none, .before = none, .after = none,
                                     .centre_before = s->gate_centre, .centre_after = s->gate_centre };
    VKC_TRY(distill_centre_target_init(&target, teacher, student, p));
    out->teacher_keep = target.keep;
    VKC_TRY(measure(student, &target.pictures, &told, &out->before));
    out->after = out->before;
    if (move)
        VKC_TRY(distill_centre_move(&target, student, p, &out->after));
    out->centre_after = s->gate_centre;
done:
    distill_centre_target_finish(&target);
    return st;
}
