// retain_setup.c — from the options of pare retain to the settings of every model of a series.
#include "apps/cli/retain/retain_setup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shaders/halt/halt_loss.h"

#define HALTING_EPOCHS 4u

static vkc_status read_keeps(const char *text, retain_setup *s)
{
    for (const char *at = text;; at++) {
        char *end;
        double keep = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !(keep > 0.0 && keep <= 1.0))
            return VKC_FAIL(VKC_E_ARG, "--keep wants ratios of more than 0 and at most 1 with commas between, not "
                            "\"%.60s\"", text);
        for (uint32_t i = 0; i < s->n; i++)
            if (!(fabs(s->item[i].keep - keep) >= 0.005))
                return VKC_FAIL(VKC_E_ARG, "--keep %.60s: %g and %g are too close", text, s->item[i].keep, keep);
        if (s->n == RETAIN_MAX_SERIES)
            return VKC_FAIL(VKC_E_ARG, "--keep wants at most %d ratios", RETAIN_MAX_SERIES);
        s->item[s->n++].keep = keep;
        if (!*end)
            return VKC_OK;
        at = end;
    }
}

// Shares that go on after the blocks of --at, "0.7,0.2,0.1": the keep ratio follows from them.
static vkc_status read_shares(const char *text, const uint32_t *at, uint32_t n_at, const nn_model_config *cfg,
                              retain_setup *s)
{
    nn_retention_config *r = &s->item[0].retention;
    nn_model_config with = *cfg;        // of which only the retention differs
    uint32_t l = 0;
    const char *p = text;
    double now = 1.0;
    for (uint32_t i = 0; i < n_at; i++, p++) {
        char *end;
        for (; l < at[i] && l < cfg->depth; l++)
            r->share[l] = now;
        now = strtod(p, &end);
        if (end == p || (i + 1 < n_at ? *end != ',' : *end != '\0'))
            return VKC_FAIL(VKC_E_ARG, "--share wants %u numbers with commas between, one a block of --at, not "
                            "\"%.60s\"", n_at, text);
        p = end;
    }
    for (; l < cfg->depth; l++)
        r->share[l] = now;
    r->policy = NN_POLICY_TOPK;
    with.retention = *r;
    vkc_status st = nn_retention_check(&with, VKC_E_ARG, "--share");
    for (l = 0; l < cfg->depth && st == VKC_OK; l++)
        s->item[0].keep += nn_retention_share(&with, l) / cfg->depth;
    s->n = 1;
    return st;
}

static vkc_status read_blocks(const char *text, uint32_t *at, uint32_t *n)
{
    for (const char *p = text;; p++) {
        char *end;
        unsigned long block = strtoul(p, &end, 10);
        if (*p < '0' || *p > '9' || (*end && *end != ',') || block >= NN_MAX_DEPTH || *n == NN_MAX_DEPTH)
            return VKC_FAIL(VKC_E_ARG, "--at wants numbers of blocks with commas between, not \"%.60s\"", text);
        at[(*n)++] = (uint32_t) block;
        if (!*end)
            return VKC_OK;
        p = end;
    }
}

// M of -o, or for a series M-0.80, M-0.60 ...
static vkc_status name_item(const retain_args *a, const retain_setup *s, retain_item *item)
{
    size_t len = strlen(a->out);
    char tail[32] = "";
    while (len > 1 && a->out[len - 1] == '/')
        len--;
    if (s->n > 1)
        snprintf(tail, sizeof tail, "-%.2f", item->keep);
    int n = snprintf(item->out, sizeof item->out, "%.*s%s", (int) len, a->out, tail);
    int m = a->run ? snprintf(item->run, sizeof item->run, "%s%s", a->run, tail) : 0;
    if (n < 0 || (size_t) n >= sizeof item->out || m < 0 || (size_t) m >= sizeof item->run)
        return VKC_FAIL(VKC_E_ARG, "the path of the model or run folder is too long");
    return VKC_OK;
}

static vkc_status read_gaps(const char *text, nn_gaps *out)
{
    if (strcmp(text, "skip") != 0 && strcmp(text, "count") != 0)
        return VKC_FAIL(VKC_E_ARG, "--gaps wants skip or count, not \"%.40s\"", text);
    *out = strcmp(text, "count") == 0 ? NN_GAPS_COUNT : NN_GAPS_SKIP;
    return VKC_OK;
}

static vkc_status read_target(const char *text)
{
    if (strcmp(text, "released") != 0 && strcmp(text, "normalised") != 0)
        return VKC_FAIL(VKC_E_ARG, "--prior-target wants released or normalised, not \"%.40s\"", text);
    return VKC_OK;
}

vkc_status retain_make_setup(const retain_args *a, const nn_model_config *cfg, retain_setup *out)
{
    vkc_status st;
    nn_policy policy;
    nn_gaps gaps = NN_GAPS_SKIP;
    uint32_t at[NN_MAX_DEPTH], n_at = 0;
    nn_model_config with = *cfg;        // of which only the retention differs
    *out = (retain_setup) { .n = 0 };
    VKC_TRY(nn_policy_get(a->policy, &policy));
    VKC_TRY(read_gaps(a->gaps, &gaps));
    VKC_TRY(read_target(a->prior_target));
    if (policy == NN_POLICY_NONE)
        return VKC_FAIL(VKC_E_ARG, "--policy wants halting or topk");
    if ((a->at || a->share) && policy != NN_POLICY_TOPK)
        return VKC_FAIL(VKC_E_ARG, "--at and --share go with --policy topk only");
    if (!a->keep == !a->share || (a->share && !a->at))
        return VKC_FAIL(VKC_E_ARG, "want either --keep or --at and --share");
    if (a->at)
        VKC_TRY(read_blocks(a->at, at, &n_at));
    VKC_TRY(a->keep ? read_keeps(a->keep, out) : read_shares(a->share, at, n_at, cfg, out));
    for (uint32_t i = 0; i < out->n; i++) {
        retain_item *item = &out->item[i];
        VKC_TRY(name_item(a, out, item));
        if (a->chain && i > 0 && item->keep > out->item[i - 1].keep)
            return VKC_FAIL(VKC_E_ARG, "--chain wants falling keep ratios, not \"%.60s\"", a->keep);
        with.retention = (nn_retention_config) {
            .policy = policy, .gaps = gaps, .every = a->every, .gate_scale = a->gate_scale, .eps = 0.01,
            .keep_class = !a->drop_class, .read_patches = a->read_patches,
        };
        if (a->share)
            memcpy(with.retention.share, item->retention.share, sizeof with.retention.share);
        else if (policy == NN_POLICY_TOPK)
            VKC_TRY(nn_retention_topk(&with, item->keep, a->at ? at : NULL, n_at, &with.retention));
        VKC_TRY(distill_retain_check(&with, item->keep));
        item->retention = with.retention;
    }
    out->epochs = a->epochs != RETAIN_NO_EPOCHS ? a->epochs : policy == NN_POLICY_TOPK ? 0 : HALTING_EPOCHS;
done:
    return st;
}

distill_retain_params retain_params(const retain_args *a, const retain_setup *s, uint32_t i)
{
    const bool released = strcmp(a->prior_target, "released") == 0;
    return (distill_retain_params) {
        .keep = s->item[i].keep, .batch = a->d.batch, .epochs = s->epochs, .lr = a->lr,
        .weight_decay = app_or_none(a->weight_decay), .smoothing = app_or_none(a->smoothing),
        .clip = app_or_none(a->clip), .kl = app_or_none(a->kl), .ponder = app_or_none(a->ponder),
        .prior = app_or_none(a->prior),
        .prior_target = released ? HALT_TARGET_RELEASED : HALT_TARGET_NORMALISED, .prior_mean = a->prior_mean,
        .plain_gate = a->plain_gate || (a->chain && i > 0),
        .start_keep = a->chain && i > 0 ? s->item[i - 1].keep : 0, .ramp = app_or_none(a->ramp), .seed = a->common.seed,
        .threads = a->d.threads, .plain = a->no_augment, .check_finite = measure_is_checked(&a->d, true),
        .max_steps = a->max_steps, .progress = console_progress,
    };
}

json_t *retain_inputs(const retain_args *a, const retain_setup *s, uint32_t i, const char *teacher)
{
    return json_pack("{s:s, s:s, s:f, s:s, s:s*, s:s*, s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, "
                     "s:f, s:f, s:f, s:f, s:b, s:b, s:b, s:s*, s:I}",
                     "teacher", teacher, "data", a->d.data, "keep", s->item[i].keep, "policy", a->policy, "at", a->at,
                     "share", a->share, "gaps", a->gaps, "prior_target", a->prior_target, "every", (int) a->every,
                     "epochs", (int) s->epochs, "batch", (int) a->d.batch, "lr", a->lr, "weight_decay", a->weight_decay,
                     "smoothing", a->smoothing, "clip", a->clip, "kl", a->kl, "ponder", a->ponder, "prior", a->prior,
                     "prior_mean", a->prior_mean, "ramp", a->ramp, "gate_scale", a->gate_scale, "read_patches",
                     a->read_patches, "plain_gate", (int) a->plain_gate, "drop_class", (int) a->drop_class,
                     "no_augment", (int) a->no_augment, "after", a->chain && i > 0 ? s->item[i - 1].out : NULL, "seed",
                     (json_int_t) a->common.seed);
}
