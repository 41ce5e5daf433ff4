// policy.c — --policy: the token-pruning policy of a model, and its description in messages.
#include "apps/cli/options/policy.h"

vkc_status policy_apply(const char *policy, const char *model, nn_model_config *cfg)
{
    const nn_policy own = cfg->retention.policy;
    nn_policy p = own;
    vkc_status st = policy ? nn_policy_get(policy, &p) : VKC_OK;
    if (st != VKC_OK || p == own)
        return st;
    if (p == NN_POLICY_NONE) {
        cfg->retention = (nn_retention_config) { .policy = NN_POLICY_NONE };
        return VKC_OK;
    }
    if (own == NN_POLICY_NONE)
        return VKC_FAIL(VKC_E_ARG, "%s keeps all its tokens; %s needs `pare retain %s --policy %s`", model,
                        nn_policy_name(p), model, nn_policy_name(p));
    return VKC_FAIL(VKC_E_ARG, "%s was trained for token pruning by %s; %s needs `pare retain %s --policy %s`", model,
                    nn_policy_name(own), nn_policy_name(p), model, nn_policy_name(p));
}

static void print_halting(FILE *f, const nn_model_config *cfg)
{
    const nn_retention_config *r = &cfg->retention;
    fprintf(f, "tokens halt by sigma(%g x_0 - %g) when their scores sum to %g, and are dropped after every ",
            r->gate_scale, r->gate_centre, 1.0 - r->eps);
    if (r->every == 1)
        fputs("block", f);
    else
        fprintf(f, "%u blocks", r->every);
    if (!cfg->no_class)
        fprintf(f, "; the class token %s", r->keep_class ? "stays" : "halts too");
    if (r->read_patches > 0 && !cfg->no_class)
        fprintf(f, "; the classifier reads the mean patch too, times %g", r->read_patches);
}

static void print_topk(FILE *f, const nn_model_config *cfg)
{
    double keep = 0.0;
    fprintf(f, "patches are kept by %s:", cfg->no_class ? "the attention they receive" : "class attention");
    for (uint32_t l = 0; l < cfg->depth; l++) {
        keep += nn_retention_share(cfg, l) / cfg->depth;
        if (nn_retention_is_made(cfg, l))
            fprintf(f, " %u after block %u,", nn_retention_count(cfg, l), l);
    }
    fprintf(f, " of %u; %.1f %% on average", nn_model_config_patches(cfg), 100.0 * keep);
}

void policy_print(FILE *f, const nn_model_config *cfg)
{
    if (cfg->retention.policy == NN_POLICY_NONE)
        return;
    if (cfg->retention.policy == NN_POLICY_HALTING)
        print_halting(f, cfg);
    else
        print_topk(f, cfg);
    fprintf(f, "; decays %s dropped tokens\n", cfg->retention.gaps == NN_GAPS_COUNT ? "count" : "pass over");
}
