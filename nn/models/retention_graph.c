// retention_graph.c — token pruning in the graph of a model: after each block, and what the classifier reads.
#include "nn/models/retention_impl.h"

#include "shaders/attention/class_attention.h"
#include "shaders/halt/halt.h"
#include "shaders/halt/halt_soft.h"
#include "shaders/halt/halt_tally.h"
#include "shaders/tokens/keep_top.h"
#include "shaders/halt/mean_field.h"

vkc_status nn_retention_write_gate(vkc_device *dev, const nn_tensor *gate, double scale, double centre)
{
    const float value[GATE_LEN] = { [GATE_SCALE] = (float) scale, [GATE_CENTRE] = (float) centre };
    return vkc_write(dev, nn_tensor_slice(gate), value);
}

// The gate that the config says, where the caller gave none to move.
static void make_gate(nn__retention *r)
{
    const nn_retention_config *c = &r->m->cfg.retention;
    if (r->taps->gate)
        return;
    r->taps->gate = nn_graph_input(r->g, "gate", (nn_shape) { 1, { GATE_LEN } }, NN_DTYPE_F32, NULL);
    vkc_status st = r->taps->gate ?
        nn_retention_write_gate(r->m->dev, r->taps->gate, c->gate_scale, c->gate_centre) : VKC_OK;
    if (st != VKC_OK)
        nn_graph_fail(r->g, st);
}

static nn_tensor *add(nn_graph *g, nn_tensor *sum, nn_tensor *x)
{
    return sum ? NN_APPLY0(g, add, NULL, sum, x) : x;
}

// The rows of x, and of the halting state, by where they come from.
static nn_tensor *move(nn__retention *r, nn_tensor *x, nn_tensor *source)
{
    if (r->prev)
        r->prev = NN_APPLY0(r->g, gather_rows, NULL, r->prev, source);
    return NN_APPLY0(r->g, gather_rows, NULL, x, source);
}

// The rows of x that are flagged, in a layout of their own.
static nn_tensor *drop(nn__retention *r, uint32_t l, nn_tensor *x, nn_tensor *keep)
{
    if (x && !r->batch->kept[l])
        return nn_graph_fail(r->g, VKC_FAIL(VKC_E_ARG, "retention: the batch has no layout after block %u", l));
    r->taps->source[l] = NN_APPLY0(r->g, compact, r->batch->kept[l], keep);
    return move(r, x, r->taps->source[l]);
}

static nn_tensor *halt(nn__retention *r, uint32_t l, nn_tensor *x)
{
    const nn_retention_config *c = &r->m->cfg.retention;
    const uint32_t kept = c->keep_class, depth = r->m->cfg.depth;
    make_gate(r);
    const struct halt_attr stop = { (float) c->eps, l + 1 == depth, kept };
    const struct mean_field_attr read = { (float) c->read_patches, r->m->cfg.no_class };
    const struct halt_tally_attr count = { depth, l, kept };
    nn_tensor *before = r->prev;
    nn_tensor *now = NN_APPLY(r->g, halt, &stop, NULL, x, r->taps->gate, before);
    r->field = add(r->g, r->field, NN_APPLY(r->g, mean_field, &read, r->batch->samples, x, now));
    r->taps->tally = add(r->g, r->taps->tally, NN_APPLY(r->g, halt_tally, &count, NULL, now, before));
    r->taps->before[l] = before;
    r->taps->halting[l] = now;
    r->prev = now;
    return nn_retention_is_made(&r->m->cfg, l) ? drop(r, l, x, nn_output(now, 1)) : x;
}

static nn_tensor *choose(nn__retention *r, uint32_t l, nn_tensor *x, const nn_mixer_taps *mixer)
{
    if (!nn_retention_is_made(&r->m->cfg, l))
        return x;
    if (x && (!mixer->qkv || !mixer->lse))
        return nn_graph_fail(r->g, VKC_FAIL(VKC_E_ARG, "retention: topk chooses tokens after block %u by its class "
                                            "attention, and its mixer %s has no attention weights", l,
                                            r->m->block[l].mixer->name));
    const struct class_attention_attr attention = { .heads = r->m->cfg.heads, .received = r->m->cfg.no_class,
                                                    .grid_w = mixer->grid_w };
    nn_tensor *score = NN_APPLY(r->g, class_attention, &attention, NULL, mixer->qkv, mixer->lse, mixer->table);
    r->taps->score[l] = score;
    const struct keep_top_attr top = {
        .count = nn_retention_count(&r->m->cfg, l), .prefix = nn_model_config_prefix(&r->m->cfg),
    };
    return drop(r, l, x, NN_APPLY(r->g, keep_top, &top, NULL, score));
}

// Rows move as those of the followed model did; of its halting the weights are taken, and this model's gate is asked
// what it would have said.
static nn_tensor *follow(nn__retention *r, uint32_t l, nn_tensor *x)
{
    const nn_retention_taps *f = r->taps->follow;
    const nn_retention_config *c = &r->m->cfg.retention;
    if (x && (f->halting[l] != NULL) != (c->policy == NN_POLICY_HALTING))
        return nn_graph_fail(r->g, VKC_FAIL(VKC_E_ARG, "retention: the model is to follow one that %s in block %u, and "
                                            "its own policy is %s", f->halting[l] ? "halts tokens" : "does not halt",
                                            l, nn_policy_name(c->policy)));
    if (f->halting[l]) {
        const struct halt_soft_attr soft = { c->keep_class };
        const struct mean_field_attr read = { (float) c->read_patches, r->m->cfg.no_class };
        nn_tensor *weights = nn_stop_gradient(r->g, f->halting[l]);
        make_gate(r);
        r->field = add(r->g, r->field, NN_APPLY(r->g, mean_field, &read, r->batch->samples, x, weights));
        if (l + 1 < r->m->cfg.depth)
            r->prev = r->taps->soft[l] = NN_APPLY(r->g, halt_soft, &soft, NULL, x, r->taps->gate, r->prev);
    }
    return f->source[l] ? move(r, x, f->source[l]) : x;
}

nn_tensor *nn__retention_after(nn__retention *r, uint32_t l, nn_tensor *x, const nn_mixer_taps *mixer)
{
    nn_graph_scope(r->g, "blocks.%u.retention", l);
    if (r->taps->follow)
        return follow(r, l, x);
    switch (r->m->cfg.retention.policy) {
    case NN_POLICY_HALTING:
        return halt(r, l, x);
    case NN_POLICY_TOPK:
        return choose(r, l, x, mixer);
    default:
        return x;
    }
}

nn_tensor *nn__retention_read_out(nn__retention *r, nn_tensor *x)
{
    if (r->m->cfg.retention.policy == NN_POLICY_HALTING)
        return r->field;
    if (r->is_narrowed)
        return x;
    return NN_APPLY0(r->g, first_rows, r->batch->samples, x);
}
