// retention.c — token pruning on the host: settings, the token counts that follow from them, and decisions read back.
// The graph of it is in retention_graph.c.
#include "nn/models/retention.h"

#include "nn/base/names.h"

#include <math.h>

static const char *const names[] = {
    [NN_POLICY_NONE] = "none", [NN_POLICY_HALTING] = "halting", [NN_POLICY_TOPK] = "topk",
};

const char *nn_policy_name(nn_policy p)
{
    return names[p];
}

vkc_status nn_policy_get(const char *name, nn_policy *out)
{
    uint32_t i;
    const vkc_status st = nn_name_get("policy", name, names, sizeof names / sizeof names[0], &i);
    if (st == VKC_OK)
        *out = (nn_policy) i;
    return st;
}

static uint32_t get_patches(const nn_model_config *cfg)
{
    return nn_model_config_patches(cfg);
}

// Patches of `n` that a share leaves: rounded up, unless that is a rounding error's doing.
static uint32_t count_patches(double share, uint32_t n)
{
    double k = ceil(share * n - 1e-9);
    return k < 1 ? 1 : k > n ? n : (uint32_t) k;
}

static double share_before(const nn_model_config *cfg, uint32_t l)
{
    return l > 0 ? cfg->retention.share[l - 1] : 1.0;
}

bool nn_retention_is_made(const nn_model_config *cfg, uint32_t l)
{
    const nn_retention_config *r = &cfg->retention;
    if (l + 1 >= cfg->depth)
        return false;
    if (r->policy == NN_POLICY_HALTING)
        return (l + 1) % r->every == 0;
    return r->policy == NN_POLICY_TOPK && r->share[l] < share_before(cfg, l);
}

uint32_t nn_retention_count(const nn_model_config *cfg, uint32_t l)
{
    const uint32_t n = get_patches(cfg);
    return cfg->retention.policy == NN_POLICY_TOPK ? count_patches(cfg->retention.share[l], n) : n;
}

double nn_retention_share(const nn_model_config *cfg, uint32_t l)
{
    if (cfg->retention.policy == NN_POLICY_HALTING)
        return l == 0 ? 1.0 : (double) NAN;
    return l == 0 ? 1.0 : (double) nn_retention_count(cfg, l - 1) / get_patches(cfg);
}

// Shares that fall by `factor` after each block of `at`, and the mean share over the blocks that they really give.
static double decline(const nn_model_config *cfg, double factor, const uint32_t *at, uint32_t n_at, double *share)
{
    double now = 1.0, sum = 0.0;
    for (uint32_t l = 0, i = 0; l < cfg->depth; l++) {
        sum += count_patches(now, get_patches(cfg));
        if (i < n_at && at[i] == l) {
            now *= factor;
            i++;
        }
        share[l] = now;
    }
    return sum / ((double) cfg->depth * get_patches(cfg));
}

vkc_status nn_retention_topk(const nn_model_config *cfg, double keep, const uint32_t *at, uint32_t n_at,
                             nn_retention_config *out)
{
    const uint32_t n = get_patches(cfg);
    uint32_t every[NN_MAX_DEPTH];
    nn_retention_config r = { .policy = NN_POLICY_TOPK };
    for (uint32_t l = 0; !at && l < cfg->depth; l++)
        every[l] = l;
    if (!at) {
        at = every;
        n_at = cfg->depth - 1;
    }
    if (!(keep > 0.0 && keep <= 1.0))
        return VKC_FAIL(VKC_E_ARG, "a keep ratio of %g, want more than 0 and at most 1", keep);
    for (uint32_t i = 0; i < n_at; i++)
        if (at[i] + 1 >= cfg->depth || (i > 0 && at[i] <= at[i - 1]))
            return VKC_FAIL(VKC_E_ARG, "tokens cannot be chosen after block %u: want ascending blocks from 0 to %d",
                            at[i], (int) cfg->depth - 2);
    double low = 0.5 / n, high = 1.0, least = decline(cfg, low, at, n_at, r.share);
    const double half = 0.5 / ((double) n * cfg->depth);    // one patch in one block is twice that
    if (keep < least - half)
        return VKC_FAIL(VKC_E_ARG, "a keep ratio of %g cannot be reached: %u choices in %u blocks leave %.3g at least",
                        keep, n_at, cfg->depth, least);
    for (int i = 0; i < 60; i++) {                          // the mean grows with the factor, in steps
        double middle = 0.5 * (low + high);
        if (decline(cfg, middle, at, n_at, r.share) <= keep)
            low = middle;
        else
            high = middle;
    }
    double below = decline(cfg, low, at, n_at, r.share), above = decline(cfg, high, at, n_at, r.share);
    if (keep >= 1.0 || above - keep < keep - below)
        low = keep >= 1.0 ? 1.0 : high;
    decline(cfg, low, at, n_at, r.share);
    r.gaps = cfg->retention.gaps;
    *out = r;
    return VKC_OK;
}

static vkc_status check_halting(const nn_retention_config *r, vkc_status st, const char *where)
{
    if (r->every == 0 || r->every > NN_MAX_DEPTH)
        return VKC_FAIL(st, "%s: retention: every is %u, want 1 to %d", where, r->every, NN_MAX_DEPTH);
    if (!(r->gate_scale > 0.0 && r->gate_scale <= NN_MAX_GATE))
        return VKC_FAIL(st, "%s: retention: gate_scale is %g, want more than 0 and at most %g", where, r->gate_scale,
                        NN_MAX_GATE);
    if (!(fabs(r->gate_centre) <= NN_MAX_GATE))
        return VKC_FAIL(st, "%s: retention: gate_centre is %g, want %g to %g", where, r->gate_centre, -NN_MAX_GATE,
                        NN_MAX_GATE);
    if (!(r->eps >= 1e-6 && r->eps <= 0.5))
        return VKC_FAIL(st, "%s: retention: eps is %g, want 1e-06 to 0.5", where, r->eps);
    if (!(r->read_patches >= 0.0 && r->read_patches <= NN_MAX_GATE))
        return VKC_FAIL(st, "%s: retention: read_patches is %g, want 0 to %g", where, r->read_patches, NN_MAX_GATE);
    return VKC_OK;
}

vkc_status nn_retention_check(const nn_model_config *cfg, vkc_status st, const char *where)
{
    const nn_retention_config *r = &cfg->retention;
    if ((int) r->policy < NN_POLICY_NONE || (int) r->policy > NN_POLICY_TOPK)
        return VKC_FAIL(st, "%s: retention: policy %d is none there is", where, (int) r->policy);
    if ((int) r->gaps < NN_GAPS_SKIP || (int) r->gaps > NN_GAPS_COUNT)
        return VKC_FAIL(st, "%s: retention: gaps %d is neither skip nor count", where, (int) r->gaps);
    const nn_pool halting = cfg->no_class ? NN_POOL_AVG : NN_POOL_TOKEN;
    if (r->policy == NN_POLICY_HALTING && (cfg->distilled || cfg->pool != halting))
        return VKC_FAIL(st, "%s: retention: halting is for models whose classifier reads the class token alone or, "
                        "without one, the norm of the mean patch; topk is for all", where);
    if (r->policy == NN_POLICY_HALTING && cfg->no_class && (r->keep_class || r->read_patches != 1.0))
        return VKC_FAIL(st, "%s: retention: without a class token keep_class is false and read_patches 1", where);
    if (r->policy == NN_POLICY_HALTING)
        return check_halting(r, st, where);
    for (uint32_t l = 0; r->policy == NN_POLICY_TOPK && l < cfg->depth; l++) {
        if (!(r->share[l] > 0.0 && r->share[l] <= 1.0))
            return VKC_FAIL(st, "%s: retention: the share after block %u is %g, want more than 0 and at most 1",
                            where, l, r->share[l]);
        if (r->share[l] > share_before(cfg, l))
            return VKC_FAIL(st, "%s: retention: the share after block %u is %g, more than the %g before it", where, l,
                            r->share[l], share_before(cfg, l));
        if (l + 1 == cfg->depth && r->share[l] < share_before(cfg, l))
            return VKC_FAIL(st, "%s: retention: the share falls after block %u, where no block follows", where, l);
    }
    return VKC_OK;
}

// Does a layout have token t of image b?
static bool has_token(const uint32_t *words, uint32_t b, uint32_t t)
{
    const uint32_t cap_images = words[2], cap_tokens = words[3];
    const uint32_t *slot = words + ROWS_HEADER + cap_images + 1 + (size_t) cap_images * cap_tokens;
    return b < words[1] && t < cap_tokens && slot[(size_t) b * cap_tokens + t] != ROWS_NONE;
}

void nn_retention_add_shares(const nn_model_config *cfg, const uint32_t *const *words, uint32_t n, double *share)
{
    const uint32_t *now = NULL;     // the layout that block l reads; NULL = all tokens
    for (uint32_t l = 0; l < cfg->depth; l++) {
        for (uint32_t b = 0; b < n; b++) {
            const uint32_t *offset = now ? now + ROWS_HEADER + b : NULL;
            uint32_t there = now ? offset[1] - offset[0] : nn_model_config_tokens(cfg);
            for (uint32_t t = 0; t < nn_model_config_prefix(cfg); t++)
                there -= now ? has_token(now, b, t) : 1;
            share[l] += (double) there / get_patches(cfg);
        }
        now = words[l] ? words[l] : now;
    }
}

void nn_retention_depths(const nn_model_config *cfg, const uint32_t *const *words, uint32_t b, uint8_t *blocks)
{
    for (uint32_t t = 0; t < nn_model_config_tokens(cfg); t++) {
        uint32_t l = 0;
        while (l < cfg->depth && (!words[l] || has_token(words[l], b, t)))
            l++;
        blocks[t] = (uint8_t) (l < cfg->depth ? l + 1 : cfg->depth);
    }
}
