// trials.c — scores of hybrids for a search.
#include "distill/trials.h"

#include "distill/student.h"

#include <stdlib.h>

struct distill_trials {
    distill_trials_params p;
    distill_trials_info info;
};

vkc_status distill_trials_create(const distill_trials_params *p, distill_trials **out)
{
    *out = (distill_trials *) calloc(1, sizeof **out);
    if (!*out)
        return VKC_FAIL(VKC_E_NOMEM, "trials: out of host memory");
    (*out)->p = *p;
    return VKC_OK;
}

void distill_trials_destroy(distill_trials *t)
{
    free(t);
}

vkc_status distill_trials_score(void *user, const uint8_t *choice, uint32_t n_layers, distill_score *out)
{
    distill_trials *t = (distill_trials *) user;
    nn_vit hybrid = { .block = NULL };
    nn_eval_result r;
    if (n_layers != t->p.teacher->cfg.depth)
        return VKC_FAIL(VKC_E_ARG, "trials: %u layers, the teacher has %u", n_layers, t->p.teacher->cfg.depth);
    vkc_status st = distill_hybrid_init(&hybrid, t->p.teacher, t->p.student, t->p.n_students, choice);
    if (st == VKC_OK)
        st = nn_eval(&hybrid, &t->p.eval, &r);
    if (st == VKC_OK)
        *out = (distill_score) { .metric = r.top1 };
    distill_hybrid_finish(&hybrid);
    return st;
}

vkc_status distill_trials_commit(void *user, const uint8_t *choice, uint32_t n_layers)
{
    (void) user;
    (void) choice;
    (void) n_layers;
    return VKC_OK;
}

distill_trials_info distill_trials_get_info(const distill_trials *t)
{
    return t->info;
}
