// pruning.c — token pruning of a training: from parameters to a config, to settings and to the inputs of a run.
#include "pipeline/train/pruning.h"

#include "nn/base/json.h"
#include "nn/models/retention.h"
#include "pipeline/train/tuning.h"

#define AVIT_SCALE  10.0            // of the released recipe for a small model
#define AVIT_CENTRE 30.0
#define FAR_OFF     0.03            // of the keep ratio asked for
#define ALL_GONE    0.01            // of the patches, mean over the blocks after the first layout

static double get_scale(const pipeline_pruning *p)
{
    return !isnan(p->gate_scale) ? p->gate_scale : p->fixed_gate ? AVIT_SCALE : 0.0;
}

static double get_centre(const pipeline_pruning *p)
{
    return !isnan(p->gate_centre) ? p->gate_centre : p->fixed_gate ? AVIT_CENTRE : 0.0;
}

vkc_status pipeline_pruning_check(const pipeline_context *c, const pipeline_pruning *p)
{
    const char *dash = pipeline_dash(c);
    const double scale = get_scale(p), centre = get_centre(p);
    if (p->policy != NN_POLICY_HALTING)
        return VKC_OK;
    if (!(scale >= 0.0 && scale <= NN_MAX_GATE))
        return VKC_FAIL(VKC_E_ARG, "%sgate-scale is %g, want 0 to %g", dash, scale, NN_MAX_GATE);
    if (p->fixed_gate && !(scale > 0.0))
        return VKC_FAIL(VKC_E_ARG, "%sgate-scale 0 is a gate that is the same for all tokens: without %skeep it is not "
                        "fitted to the model, want more than 0", dash, dash);
    if (!(fabs(centre) <= NN_MAX_GATE))
        return VKC_FAIL(VKC_E_ARG, "%sgate-centre is %g, want %g to %g", dash, centre, -NN_MAX_GATE, NN_MAX_GATE);
    if (!(p->ponder >= 0.0) || !isfinite(p->ponder) || !(p->prior >= 0.0) || !isfinite(p->prior))
        return VKC_FAIL(VKC_E_ARG, "the weights of ponder cost and prior (%salpha-p, %salpha-d) are %g and %g, want 0 "
                        "or more", dash, dash, p->ponder, p->prior);
    return VKC_OK;
}

nn_retention_config pipeline_pruning_config(const pipeline_pruning *p, const nn_model_config *cfg)
{
    return (nn_retention_config) {
        .policy = p->policy, .gaps = p->gaps, .every = p->every, .gate_scale = get_scale(p),
        .gate_centre = get_centre(p), .eps = 0.01, .keep_class = !p->drop_class && !cfg->no_class,
        .read_patches = cfg->no_class ? 1 : p->read_patches,
    };
}

void pipeline_pruning_fill(const pipeline_pruning *p, distill_retain_params *out)
{
    out->fixed_gate = p->fixed_gate;
    out->own_centre = !p->fixed_gate && !isnan(p->gate_centre);
    out->ponder = pipeline_or_none(p->ponder);
    out->prior = pipeline_or_none(p->prior);
    out->prior_target = p->prior_target;
    out->prior_mean = p->prior_mean;
    out->ramp = pipeline_or_none(p->ramp);
}

void pipeline_pruning_add_inputs(json_t *inputs, const pipeline_pruning *p)
{
    json_t *own = json_pack("{s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:b}", "policy",
                            nn_policy_name(p->policy), "gaps", p->gaps == NN_GAPS_COUNT ? "count" : "skip",
                            "prior_target", p->prior_target == HALT_TARGET_RELEASED ? "released" : "normalised",
                            "every", (int) p->every, "ponder", p->ponder, "prior", p->prior, "prior_mean",
                            p->prior_mean, "ramp", p->ramp, "gate_scale", get_scale(p), "read_patches",
                            p->read_patches, "drop_class", (int) p->drop_class);
    if (p->policy == NN_POLICY_HALTING && (p->fixed_gate || !isnan(p->gate_centre)))
        nn_json_set_new(own, "gate_centre", json_real(get_centre(p)));
    nn_json_update_new(inputs, own);
}

// Shares of patches after the first layout: is next to none left, or were all kept?
static void tell_extremes(const pipeline_context *c, const nn_model_config *cfg, const double *keep)
{
    const uint32_t first = cfg->retention.every;
    const char *dash = pipeline_dash(c);
    double sum = 0.0;
    for (uint32_t l = first; l < cfg->depth; l++)
        sum += keep[l] / (cfg->depth - first);
    if (sum < ALL_GONE)
        pipeline_say(c, PIPELINE_WARNING, "after block %u the blocks have %.1f %% of the patches: a larger "
                     "%sgate-centre or a smaller %salpha-p lets patches stay longer", first - 1, 100.0 * sum, dash,
                     dash);
    else if (sum >= 1.0)
        pipeline_say(c, PIPELINE_NOTE, "no patch was dropped: a smaller %sgate-centre or a larger %salpha-p lets "
                     "patches halt earlier", dash, dash);
}

void pipeline_pruning_tell(const pipeline_context *c, const pipeline_pruning *p, const nn_model_config *cfg,
                           double asked, const nn_eval_result *e, nn_split split)
{
    if (p->fixed_gate && cfg->retention.every < cfg->depth)
        tell_extremes(c, cfg, e->keep_layer);
    if (!p->fixed_gate && !(fabs(e->keep - asked) <= FAR_OFF))
        pipeline_say(c, PIPELINE_WARNING, "%.1f %% of the patches were to be kept, on the %s split it is %.1f %%",
                     100.0 * asked, nn_split_name(split), 100.0 * e->keep);
}
