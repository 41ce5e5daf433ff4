// model_graph.c — the forward pass that all kinds of model share: blocks, token pruning between them, captures.
#include "nn/models/model.h"

#include <stdio.h>
#include <string.h>

#include "nn/graph/finite.h"
#include "nn/models/model_kind.h"
#include "shaders/elementwise/drop_path.h"
#include "shaders/elementwise/scale.h"
#include "shaders/linear/linear.h"
#include "shaders/norm/layernorm.h"
#include "shaders/norm/rms_norm.h"

nn_tensor *nn__param(nn_graph *g, nn_params *ps, uint32_t index, bool trained)
{
    return index == NN_NO_PARAM ? NULL : nn_graph_param(g, ps, index, trained);
}

nn_tensor *nn__norm(nn_graph *g, const nn_model *m, nn_tensor *x, uint32_t w, uint32_t b, bool trained)
{
    nn_tensor *weight = nn__param(g, m->params, w, trained), *bias = nn__param(g, m->params, b, trained);
    if (m->cfg.text.rms_norm)
        return NN_APPLY(g, rms_norm, &(struct rms_norm_attr) { .eps = (float) m->cfg.eps }, NULL, x, weight);
    return NN_APPLY(g, layernorm, &(struct layernorm_attr) { .eps = (float) m->cfg.eps }, NULL, x, weight, bias);
}

nn_tensor *nn__linear(nn_graph *g, const nn_model *m, nn_tensor *x, uint32_t w, uint32_t b, bool trained)
{
    return NN_APPLY(g, linear, &(struct linear_attr) { .act = LINEAR_ACT_NONE }, NULL, x,
                    nn__param(g, m->params, w, trained), nn__param(g, m->params, b, trained));
}

uint32_t nn__model_act(const nn_model_config *cfg)
{
    static const uint32_t acts[] = {
        [NN_ACT_GELU] = LINEAR_ACT_GELU, [NN_ACT_QUICK_GELU] = LINEAR_ACT_QUICK_GELU,
        [NN_ACT_GELU_TANH] = LINEAR_ACT_GELU_TANH,
    };
    return acts[cfg->act];
}

typedef struct builder {
    nn_graph *g;
    nn_params *ps;
    bool trained;
} builder;

static nn_tensor *param(const builder *b, uint32_t index)
{
    return nn__param(b->g, b->ps, index, b->trained);
}

static nn_tensor *linear(const builder *b, nn_tensor *x, uint32_t w, uint32_t bias, uint32_t act)
{
    return NN_APPLY(b->g, linear, &(struct linear_attr) { .act = act }, NULL, x, param(b, w), param(b, bias));
}

// The mixer of block l, without its projection.
static nn_tensor *mix(nn_graph *g, const nn_model *m, uint32_t l, nn_tensor *y, bool trained, nn_mixer_taps *taps)
{
    const nn_block *k = &m->block[l];
    const builder b = { g, k->attn_params, trained };
    nn_mixer_dims d = nn_model_mixer_dims(m, l);
    nn_tensor *p[NN_MAX_MIXER_PARAMS] = { 0 };
    nn_graph_scope(g, "blocks.%u.attn", l);
    for (uint32_t i = 0; i < k->n_mixer_p; i++)
        p[i] = param(&b, k->mixer_p[i]);
    uint32_t shared;
    if (m->cfg.shared_relative && nn_params_find(k->attn_params, NN_SHARED_TABLE, &shared))
        d.relative.shared = param(&b, shared);
    nn_mixer_taps unused = { 0 };
    return k->mixer->build(g, &d, y, p, taps ? taps : &unused);
}

static nn_tensor *project(nn_graph *g, const nn_model *m, uint32_t l, nn_tensor *heads, bool trained)
{
    const nn_block *k = &m->block[l];
    const builder b = { g, k->attn_params, trained };
    return linear(&b, heads, k->proj_w, k->proj_b, LINEAR_ACT_NONE);
}

nn_tensor *nn_model_attn(nn_graph *g, const nn_model *m, uint32_t l, nn_tensor *y, bool trained,
                       nn_tensor **heads, nn_mixer_taps *taps)
{
    nn_tensor *o = mix(g, m, l, y, trained, taps);
    if (heads)
        *heads = o;
    return project(g, m, l, o, trained);
}

enum { BRANCH_ATTN, BRANCH_MLP, N_BRANCHES };

// A branch of block l on its way into the residual stream.
static nn_tensor *leave_out(const builder *b, const nn_model *m, uint32_t l, uint32_t branch, nn_tensor *x,
                            const nn_drop_paths *drop)
{
    const struct drop_path_attr a = {
        .rate = l ? (float) (drop->rate * l / (m->cfg.depth - 1)) : 0.0f, .stream = N_BRANCHES * l + branch,
    };
    return drop->key && a.rate > 0.0f ? NN_APPLY(b->g, drop_path, &a, NULL, x, drop->key) : x;
}

static nn_tensor *layer_scale(const builder *b, nn_tensor *x, uint32_t gamma)
{
    return NN_APPLY(b->g, scale, &(struct scale_attr) { 1.0f }, NULL, x, param(b, gamma));
}

static nn_tensor *mlp(const builder *b, const nn_model *m, uint32_t l, nn_tensor *x)
{
    const nn_block *k = &m->block[l];
    nn_tensor *h = linear(b, x, k->fc1_w, k->fc1_b, m->cfg.swiglu ? LINEAR_ACT_NONE :
                                                                nn__model_act(&m->cfg));
    if (m->cfg.swiglu)
        h = NN_APPLY0(b->g, swiglu, NULL, h);
    if (m->cfg.mlp_norm)
        h = nn__norm(b->g, m, h, k->mlp_norm_w, k->mlp_norm_b, b->trained);
    h = linear(b, h, k->fc2_w, k->fc2_b, LINEAR_ACT_NONE);
    return m->cfg.layer_scale ? layer_scale(b, h, k->ls2) : h;
}

// Block l. `only`, a layout of one row a sample: what comes after the mixer is computed for class tokens alone; NULL =
// for all.
static nn_tensor *block(nn_graph *g, const nn_model *m, uint32_t l, nn_tensor *x, bool trained, nn_rows *only,
                        nn_model_taps *taps)
{
    const nn_block *k = &m->block[l];
    const nn_drop_paths drop = taps ? taps->drop : (nn_drop_paths) { NULL, 0 };
    builder b = { g, m->params, trained };
    nn_graph_scope(g, "blocks.%u.attn", l);
    const bool is_post = m->cfg.text.post_norm;
    nn_tensor *normed = is_post ? x : nn__norm(g, m, x, k->norm1_w, k->norm1_b, trained);
    nn_tensor *heads = mix(g, m, l, normed, trained, taps ? &taps->mixer[l] : NULL), *read = heads;
    if (only) {
        read = NN_APPLY0(g, first_rows, only, heads);
        x = NN_APPLY0(g, first_rows, only, x);
    }
    nn_tensor *attn = project(g, m, l, read, trained);
    nn_tensor *branch = m->cfg.layer_scale ? layer_scale(&b, attn, k->ls1) : attn;
    if (is_post)
        branch = nn__norm(g, m, branch, k->norm1_w, k->norm1_b, trained);
    x = NN_APPLY0(g, add, NULL, x, leave_out(&b, m, l, BRANCH_ATTN, branch, &drop));
    nn_graph_scope(g, "blocks.%u.mlp", l);
    if (is_post)
        branch = nn__norm(g, m, mlp(&b, m, l, x), k->norm2_w, k->norm2_b, trained);
    else
        branch = mlp(&b, m, l, nn__norm(g, m, x, k->norm2_w, k->norm2_b, trained));
    x = NN_APPLY0(g, add, NULL, x, leave_out(&b, m, l, BRANCH_MLP, branch, &drop));
    if (taps) {
        taps->normed[l] = normed;
        taps->heads[l] = heads;
        taps->attn[l] = only ? NULL : attn;
        taps->block[l] = only ? NULL : x;
    }
    return x;
}

nn_tensor *nn_model_block_forward(nn_graph *g, const nn_model *m, uint32_t l, nn_tensor *x, bool trained,
                                nn_model_taps *taps)
{
    return block(g, m, l, x, trained, NULL, taps);
}

nn_tensor *nn_model_forward_from(nn_graph *g, const nn_model *m, const nn_batch *batch, uint32_t first, nn_tensor *x,
                               bool trained, nn_model_taps *taps)
{
    nn_model_taps unused = { 0 }, *t = taps ? taps : &unused;
    *t = (nn_model_taps) {
        .drop = t->drop, .only_logits = t->only_logits, .only_stream = t->only_stream,
        .retention = { .gate = t->retention.gate, .follow = t->retention.follow },
    };
    nn__retention kept = { .g = g, .m = m, .batch = batch, .taps = &t->retention };
    if (first > 0 && (first >= m->cfg.depth || m->cfg.retention.policy != NN_POLICY_NONE))
        return nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "model: cannot start at block %u of %u%s", first, m->cfg.depth,
                                         first < m->cfg.depth ? ", tokens are dropped on the way there" : ""));
    t->tokens = first == 0 ? x : NULL;
    kept.is_narrowed = t->only_logits && !t->retention.follow && m->kind->reads_class_token &&
                       m->kind->reads_class_token(&m->cfg);
    for (uint32_t l = first; l < m->cfg.depth; l++) {
        x = block(g, m, l, x, trained, kept.is_narrowed && l + 1 == m->cfg.depth ? batch->samples : NULL, t);
        x = nn__retention_after(&kept, l, x, &t->mixer[l]);
    }
    if (t->only_stream)
        return x;
    nn_graph_scope(g, "head");
    x = m->kind->read_out(g, m, &kept, x, trained);
    nn_graph_scope(g, "loss");                  // what may follow
    return x;
}

nn_tensor *nn_model_forward(nn_graph *g, const nn_model *m, const nn_batch *batch, nn_tensor *const *in, bool trained,
                            nn_model_taps *taps)
{
    return nn_model_forward_from(g, m, batch, 0, m->kind->embed(g, m, batch, in, trained), trained, taps);
}

void nn_model_watch(nn_graph *g, const nn_model *m, const nn_model_taps *taps)
{
    for (uint32_t l = 0; l < m->cfg.depth; l++) {
        const char *name = m->block[l].mixer->name;
        nn_finite_watch(g, taps->normed[l], "layer %u (%s): its input", l, name);
        nn_finite_watch(g, taps->heads[l], "layer %u (%s): its output", l, name);
    }
}

nn_tensor *nn_model_taps_find(const nn_model *m, const nn_model_taps *taps, const char *name)
{
    unsigned l;
    int end = 0;
    if (strcmp(name, "tokens") == 0)
        return taps->tokens;
    if (sscanf(name, "blocks.%u%n", &l, &end) != 1 || l >= m->cfg.depth)
        return NULL;
    const struct { const char *suffix; nn_tensor *t; } inside[] = {
        { "", taps->block[l] }, { ".normed", taps->normed[l] }, { ".heads", taps->heads[l] },
        { ".attn", taps->attn[l] },
    };
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (strcmp(name + end, inside[i].suffix) == 0)
            return inside[i].t;
    return NULL;
}
