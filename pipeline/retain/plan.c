// plan.c — from the parameters of a series to the settings of every model of it.
#include "pipeline/retain/retain.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/train/tuning.h"

#define HALTING_EPOCHS 4u

static vkc_status read_keeps(const pipeline_context *c, const pipeline_retain_params *p, pipeline_retain_result *r)
{
    if (p->n_keep > PIPELINE_MAX_SERIES)
        return VKC_FAIL(VKC_E_ARG, "%skeep wants at most %d ratios", pipeline_dash(c), PIPELINE_MAX_SERIES);
    for (; r->n < p->n_keep; r->n++) {
        const double keep = p->keep[r->n];
        if (!(keep > 0.0 && keep <= 1.0))
            return VKC_FAIL(VKC_E_ARG, "%skeep wants ratios of more than 0 and at most 1, not %g", pipeline_dash(c),
                            keep);
        for (uint32_t i = 0; i < r->n; i++)
            if (!(fabs(r->model[i].keep - keep) >= 0.005))
                return VKC_FAIL(VKC_E_ARG, "%skeep: %g and %g are too close", pipeline_dash(c), r->model[i].keep, keep);
        r->model[r->n].keep = keep;
    }
    return VKC_OK;
}

// Shares that go on after the blocks of `at`: the keep ratio follows from them.
static vkc_status read_shares(const pipeline_context *c, const pipeline_retain_params *p, const nn_model_config *cfg,
                              pipeline_retain_result *r)
{
    nn_retention_config *kept = &r->model[0].retention;
    nn_model_config with = *cfg;        // of which only the retention differs
    uint32_t l = 0;
    double now = 1.0;
    char where[16];
    if (p->n_share != p->n_at)
        return VKC_FAIL(VKC_E_ARG, "%sshare wants %u numbers, one a block of %sat, not %u", pipeline_dash(c), p->n_at,
                        pipeline_dash(c), p->n_share);
    for (uint32_t i = 0; i < p->n_at; i++) {
        for (; l < p->at[i] && l < cfg->depth; l++)
            kept->share[l] = now;
        now = p->share[i];
    }
    for (; l < cfg->depth; l++)
        kept->share[l] = now;
    kept->policy = NN_POLICY_TOPK;
    with.retention = *kept;
    snprintf(where, sizeof where, "%sshare", pipeline_dash(c));
    vkc_status st = nn_retention_check(&with, VKC_E_ARG, where);
    for (l = 0; l < cfg->depth && st == VKC_OK; l++)
        r->model[0].keep += nn_retention_share(&with, l) / cfg->depth;
    r->n = 1;
    return st;
}

// out, or for a series out-0.80, out-0.60 ...
static vkc_status name_model(const pipeline_place *place, const pipeline_retain_result *r, pipeline_retained *m)
{
    size_t len = strlen(place->out);
    char tail[32] = "";
    while (len > 1 && place->out[len - 1] == '/')
        len--;
    if (r->n > 1)
        snprintf(tail, sizeof tail, "-%.2f", m->keep);
    int n = snprintf(m->out, sizeof m->out, "%.*s%s", (int) len, place->out, tail);
    int k = place->run ? snprintf(m->run, sizeof m->run, "%s%s", place->run, tail) : 0;
    if (n < 0 || (size_t) n >= sizeof m->out || k < 0 || (size_t) k >= sizeof m->run)
        return VKC_FAIL(VKC_E_ARG, "the path of the model or run folder is too long");
    return VKC_OK;
}

static vkc_status plan_model(const pipeline_context *c, const pipeline_retain_params *p, const nn_model_config *cfg,
                             pipeline_retain_result *r, uint32_t i)
{
    pipeline_retained *m = &r->model[i];
    nn_model_config with = *cfg;        // of which only the retention differs
    vkc_status st;
    VKC_TRY(name_model(&p->place, r, m));
    if (p->chain && i > 0 && m->keep > m[-1].keep)
        return VKC_FAIL(VKC_E_ARG, "%schain wants falling keep ratios, not %g after %g", pipeline_dash(c), m->keep,
                        m[-1].keep);
    with.retention = pipeline_pruning_config(&p->pruning, cfg);
    if (p->n_share)
        memcpy(with.retention.share, m->retention.share, sizeof with.retention.share);
    else if (p->pruning.policy == NN_POLICY_TOPK)
        VKC_TRY(nn_retention_topk(&with, m->keep, p->n_at ? p->at : NULL, p->n_at, &with.retention));
    if (p->pruning.fixed_gate)
        VKC_TRY(nn_retention_check(&with, VKC_E_ARG, "retain"));
    else
        VKC_TRY(distill_retain_check(&with, m->keep));
    m->retention = with.retention;
done:
    return st;
}

// What is asked for: ratios, shares, or nothing with a gate that stays as it is.
static vkc_status read_asked(const pipeline_context *c, const pipeline_retain_params *p, const nn_model_config *cfg,
                             pipeline_retain_result *r)
{
    const char *dash = pipeline_dash(c);
    if (p->pruning.fixed_gate) {
        if (p->n_keep || p->n_share || p->pruning.policy != NN_POLICY_HALTING)
            return VKC_FAIL(VKC_E_ARG, "a fixed gate goes with %spolicy halting and without %skeep", dash, dash);
        r->n = 1;
        return VKC_OK;
    }
    if (!p->n_keep == !p->n_share || (p->n_share && !p->n_at))
        return VKC_FAIL(VKC_E_ARG, "want either %skeep or %sat and %sshare", dash, dash, dash);
    return p->n_keep ? read_keeps(c, p, r) : read_shares(c, p, cfg, r);
}

vkc_status pipeline_retain_plan(const pipeline_context *c, const pipeline_retain_params *p, const nn_model_config *cfg,
                                pipeline_retain_result *out)
{
    const char *dash = pipeline_dash(c);
    vkc_status st;
    out->n = 0;
    if (p->pruning.policy == NN_POLICY_NONE)
        return VKC_FAIL(VKC_E_ARG, "%spolicy wants halting or topk", dash);
    if ((p->n_at || p->n_share) && p->pruning.policy != NN_POLICY_TOPK)
        return VKC_FAIL(VKC_E_ARG, "%sat and %sshare go with %spolicy topk only", dash, dash, dash);
    VKC_TRY(pipeline_recipe_check(c, "", &p->recipe, p->lr, p->data.batch));
    VKC_TRY(pipeline_pruning_check(c, &p->pruning));
    VKC_TRY(read_asked(c, p, cfg, out));
    for (uint32_t i = 0; i < out->n; i++)
        VKC_TRY(plan_model(c, p, cfg, out, i));
    const uint32_t usual = p->pruning.policy == NN_POLICY_TOPK ? 0 : HALTING_EPOCHS;
    out->epochs = p->epochs != PIPELINE_USUAL_EPOCHS ? p->epochs : usual;
done:
    return st;
}

distill_retain_params pipeline_retain_training(const pipeline_context *c, const pipeline_retain_params *p,
                                               const pipeline_retain_result *plan, uint32_t i)
{
    const bool goes_on = p->chain && i > 0;
    nn_recipe recipe = pipeline_recipe_of(&p->recipe);
    recipe.smoothing = pipeline_or_none(recipe.smoothing);
    distill_retain_params t = {
        .keep = plan->model[i].keep, .batch = p->data.batch, .epochs = plan->epochs, .lr = p->lr,
        .weight_decay = pipeline_or_none(p->weight_decay), .recipe = recipe,
        .clip = pipeline_or_none(p->clip), .kl = pipeline_or_none(p->kl),
        .plain_gate = p->plain_gate || p->pruning.fixed_gate || goes_on,
        .start_keep = goes_on ? plan->model[i - 1].keep : 0, .seed = p->seed, .threads = p->data.threads,
        .plain = p->plain,
        .check_finite = pipeline_is_checked(&p->data, true), .max_steps = p->max_steps, .progress = c->progress,
        .user = c->user,
    };
    pipeline_pruning_fill(&p->pruning, &t);
    t.own_centre = t.own_centre && !goes_on;
    return t;
}
