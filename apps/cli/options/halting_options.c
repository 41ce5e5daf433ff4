// halting_options.c — from the options of a gate to its settings.
#include "apps/cli/options/halting_options.h"

#include <math.h>
#include <string.h>

static vkc_status read_gaps(const char *text, nn_gaps *out)
{
    if (strcmp(text, "skip") != 0 && strcmp(text, "count") != 0)
        return VKC_FAIL(VKC_E_ARG, "--gaps wants skip or count, not \"%.40s\"", text);
    *out = strcmp(text, "count") == 0 ? NN_GAPS_COUNT : NN_GAPS_SKIP;
    return VKC_OK;
}

static vkc_status read_target(const char *text, uint32_t *out)
{
    if (strcmp(text, "released") != 0 && strcmp(text, "normalised") != 0)
        return VKC_FAIL(VKC_E_ARG, "--prior-target wants released or normalised, not \"%.40s\"", text);
    *out = strcmp(text, "released") == 0 ? HALT_TARGET_RELEASED : HALT_TARGET_NORMALISED;
    return VKC_OK;
}

// A weight under one of its two names.
static vkc_status read_weight(double own, double avit, const char *own_name, const char *avit_name, double *out)
{
    if (!isnan(own) && !isnan(avit))
        return VKC_FAIL(VKC_E_ARG, "--%s and --%s are one number: give one of them", own_name, avit_name);
    if (!isnan(own) || !isnan(avit))
        *out = isnan(own) ? avit : own;
    return VKC_OK;
}

bool halting_is_given(const halting_args *a)
{
    const double given[] = { a->p.gate_scale, a->p.gate_centre, a->ponder, a->prior, a->alpha_p, a->alpha_d };
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        if (!isnan(given[i]))
            return true;
    return false;
}

vkc_status halting_read(const halting_args *a, bool has_keep, pipeline_pruning *out)
{
    vkc_status st;
    *out = a->p;
    VKC_TRY(nn_policy_get(a->policy, &out->policy));
    VKC_TRY(read_gaps(a->gaps, &out->gaps));
    VKC_TRY(read_target(a->prior_target, &out->prior_target));
    VKC_TRY(read_weight(a->ponder, a->alpha_p, "ponder", "alpha-p", &out->ponder));
    VKC_TRY(read_weight(a->prior, a->alpha_d, "prior", "alpha-d", &out->prior));
    out->fixed_gate = !has_keep && out->policy == NN_POLICY_HALTING;
done:
    return st;
}
