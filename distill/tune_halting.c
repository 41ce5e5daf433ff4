// tune_halting.c — tuning under a teacher that lets go of tokens.
#include "distill/tune_halting.h"

#include <math.h>

vkc_status distill_halting_check(const nn_vit *teacher, const nn_vit *student, const distill_tune_params *p)
{
    (void) p;
    if (teacher->cfg.retention.policy != NN_POLICY_NONE || student->cfg.retention.policy != NN_POLICY_NONE)
        return VKC_FAIL(VKC_E_ARG, "tune: teacher and student keep all tokens side by side; the teacher's policy is "
                        "%s, the student's %s", nn_policy_name(teacher->cfg.retention.policy),
                        nn_policy_name(student->cfg.retention.policy));
    return VKC_OK;
}

void distill_halting_start(const nn_vit *teacher, const nn_vit_taps *t, nn_vit_taps *s)
{
    (void) teacher, (void) t, (void) s;
}

void distill_halting_add(distill_halting *h, nn_graph *g, const distill_tune_params *p, const nn_vit *teacher,
                         const nn_vit *student, const nn_batch *b, const nn_vit_taps *t, const nn_vit_taps *s)
{
    (void) g, (void) p, (void) teacher, (void) student, (void) b, (void) t, (void) s;
    h->n = 0;
}

double distill_halting_get(const distill_halting *h, const double *watch)
{
    double sum = 0;
    for (uint32_t i = 0; i < h->n; i++)
        sum += (double) h->weight[i] * watch[i];
    return h->n ? sum : (double) NAN;
}
