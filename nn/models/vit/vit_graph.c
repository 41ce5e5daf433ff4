// vit_graph.c — the graph of a vision transformer, and its batch layouts.
#include "nn/models/vit/vit.h"

#include "nn/graph/finite.h"
#include "nn/models/vit/retention_impl.h"
#include "shaders/elementwise/drop_path.h"
#include "shaders/tokens/first_rows.h"
#include "shaders/norm/layernorm.h"
#include "shaders/linear/linear.h"
#include "shaders/tokens/patchify.h"
#include "shaders/tokens/pool.h"
#include "shaders/elementwise/scale.h"

vkc_status nn_batch_create(vkc_device *dev, const nn_model_config *cfg, uint32_t cap_images, nn_batch *out)
{
    const uint32_t h = cfg->height / cfg->patch, w = cfg->width / cfg->patch, n = h * w;
    const uint32_t prefix = nn_model_config_prefix(cfg);
    *out = (nn_batch) { 0 };
    vkc_status st = nn_rows_create(dev, cap_images, 1, 0, 0, 0, &out->images);
    if (st == VKC_OK)
        st = nn_rows_create(dev, cap_images, n, 0, h, w, &out->patches);
    if (st == VKC_OK)
        st = nn_rows_create(dev, cap_images, prefix + n, prefix, h, w, &out->tokens);
    for (uint32_t l = 0; l < cfg->depth && st == VKC_OK; l++) {
        if (!nn_retention_is_made(cfg, l))
            continue;
        st = nn_rows_create(dev, cap_images, prefix + n, prefix, h, w, &out->kept[l]);
        if (st == VKC_OK)
            out->kept[l]->is_made = true;
    }
    if (st != VKC_OK)
        nn_batch_finish(out);
    return st;
}

vkc_status nn_batch_write(vkc_device *dev, nn_batch *b, uint32_t n_images)
{
    vkc_status st = nn_rows_write_dense(dev, b->images, n_images);
    if (st == VKC_OK)
        st = nn_rows_write_dense(dev, b->patches, n_images);
    return st == VKC_OK ? nn_rows_write_dense(dev, b->tokens, n_images) : st;
}

void nn_batch_finish(nn_batch *b)
{
    nn_rows_destroy(b->images);
    nn_rows_destroy(b->patches);
    nn_rows_destroy(b->tokens);
    for (uint32_t l = 0; l < NN_MAX_DEPTH; l++)
        nn_rows_destroy(b->kept[l]);
    *b = (nn_batch) { 0 };
}

typedef struct builder {
    nn_graph *g;
    nn_params *ps;
    bool trained;
    float eps;
} builder;

static nn_tensor *param(const builder *b, uint32_t index)
{
    return nn_graph_param(b->g, b->ps, index, b->trained);
}

static nn_tensor *norm(const builder *b, nn_tensor *x, uint32_t w, uint32_t bias)
{
    return NN_APPLY(b->g, layernorm, &(struct layernorm_attr) { .eps = b->eps }, NULL, x, param(b, w),
                    param(b, bias));
}

static nn_tensor *linear(const builder *b, nn_tensor *x, uint32_t w, uint32_t bias, uint32_t act)
{
    return NN_APPLY(b->g, linear, &(struct linear_attr) { .act = act }, NULL, x, param(b, w), param(b, bias));
}

nn_tensor *nn_vit_attn(nn_graph *g, const nn_vit *v, uint32_t l, nn_tensor *y, bool trained,
                       nn_tensor **heads, nn_mixer_taps *taps)
{
    const nn_vit_block *k = &v->block[l];
    builder b = { g, k->attn_params, trained, (float) v->cfg.eps };
    nn_mixer_dims d = nn_vit_mixer_dims(v, l);
    nn_tensor *p[NN_MAX_MIXER_PARAMS] = { 0 };
    nn_graph_scope(g, "blocks.%u.attn", l);
    for (uint32_t i = 0; i < k->n_mixer_p; i++)
        p[i] = param(&b, k->mixer_p[i]);
    nn_mixer_taps unused = { 0 };
    nn_tensor *o = k->mixer->build(g, &d, y, p, taps ? taps : &unused);
    if (heads)
        *heads = o;
    return linear(&b, o, k->proj_w, k->proj_b, LINEAR_ACT_NONE);
}

enum { BRANCH_ATTN, BRANCH_MLP, N_BRANCHES };

// A branch of block l on its way into the residual stream.
static nn_tensor *leave_out(const builder *b, const nn_vit *v, uint32_t l, uint32_t branch, nn_tensor *x,
                            const nn_vit_drop *drop)
{
    const struct drop_path_attr a = {
        .rate = l ? (float) (drop->rate * l / (v->cfg.depth - 1)) : 0.0f, .stream = N_BRANCHES * l + branch,
    };
    return drop->key && a.rate > 0.0f ? NN_APPLY(b->g, drop_path, &a, NULL, x, drop->key) : x;
}

static nn_tensor *layer_scale(const builder *b, nn_tensor *x, uint32_t gamma)
{
    return NN_APPLY(b->g, scale, &(struct scale_attr) { 1.0f }, NULL, x, param(b, gamma));
}

static nn_tensor *mlp(const builder *b, const nn_vit *v, uint32_t l, nn_tensor *x)
{
    const nn_vit_block *k = &v->block[l];
    const uint32_t plain = v->cfg.act == NN_ACT_QUICK_GELU ? LINEAR_ACT_QUICK_GELU : LINEAR_ACT_GELU;
    nn_tensor *h = linear(b, x, k->fc1_w, k->fc1_b, v->cfg.swiglu ? LINEAR_ACT_NONE : plain);
    if (v->cfg.swiglu)
        h = NN_APPLY0(b->g, swiglu, NULL, h);
    h = linear(b, h, k->fc2_w, k->fc2_b, LINEAR_ACT_NONE);
    return v->cfg.layer_scale ? layer_scale(b, h, k->ls2) : h;
}

nn_tensor *nn_vit_block_forward(nn_graph *g, const nn_vit *v, uint32_t l, nn_tensor *x, bool trained,
                                nn_vit_taps *taps)
{
    const nn_vit_block *k = &v->block[l];
    const nn_vit_drop drop = taps ? taps->drop : (nn_vit_drop) { NULL, 0 };
    builder b = { g, v->params, trained, (float) v->cfg.eps };
    nn_graph_scope(g, "blocks.%u.attn", l);
    nn_tensor *heads = NULL, *normed = norm(&b, x, k->norm1_w, k->norm1_b);
    nn_tensor *attn = nn_vit_attn(g, v, l, normed, trained, &heads, taps ? &taps->mixer[l] : NULL);
    nn_tensor *branch = v->cfg.layer_scale ? layer_scale(&b, attn, k->ls1) : attn;
    x = NN_APPLY0(g, add, NULL, x, leave_out(&b, v, l, BRANCH_ATTN, branch, &drop));
    nn_graph_scope(g, "blocks.%u.mlp", l);
    branch = mlp(&b, v, l, norm(&b, x, k->norm2_w, k->norm2_b));
    x = NN_APPLY0(g, add, NULL, x, leave_out(&b, v, l, BRANCH_MLP, branch, &drop));
    if (taps) {
        taps->normed[l] = normed;
        taps->heads[l] = heads;
        taps->attn[l] = attn;
        taps->block[l] = x;
    }
    return x;
}

static nn_tensor *head(const builder *b, const nn_vit *v, nn_tensor *x)
{
    x = v->cfg.headless ? x : linear(b, x, v->head_w, v->head_b, LINEAR_ACT_NONE);
    if (!v->cfg.embed)
        return x;
    x = NN_APPLY0(b->g, unit, NULL, x);
    return NN_APPLY(b->g, linear, &(struct linear_attr) { .act = LINEAR_ACT_NONE }, NULL, x, param(b, v->vectors),
                    NULL);
}

// From the stream after the last block to the logits. A norm row by row comes after the rows that are read are chosen,
// where that is the same; the mean of normed patches is not the normed mean.
static nn_tensor *read_out(const builder *b, const nn_vit *v, nn__retention *kept, nn_tensor *x)
{
    const struct pool_attr pool = { v->cfg.pool == NN_POOL_TOKEN_AVG };
    nn_rows *images = kept->batch->images;
    if (v->cfg.pool == NN_POOL_TOKEN_AVG)
        return head(b, v, NN_APPLY(b->g, pool, &pool, images, norm(b, x, v->norm_w, v->norm_b)));
    if (v->cfg.pool == NN_POOL_AVG)
        return head(b, v, norm(b, NN_APPLY(b->g, pool, &pool, images, x), v->norm_w, v->norm_b));
    nn_tensor *logits = head(b, v, norm(b, nn__retention_read_out(kept, x), v->norm_w, v->norm_b));
    if (!v->cfg.distilled)
        return logits;
    nn_tensor *second = NN_APPLY(b->g, first_rows, &(struct first_rows_attr) { .index = 1 }, images, x);
    second = linear(b, norm(b, second, v->norm_w, v->norm_b), v->head_dist_w, v->head_dist_b, LINEAR_ACT_NONE);
    return NN_APPLY(b->g, scale, &(struct scale_attr) { 0.5f }, NULL, NN_APPLY0(b->g, add, NULL, logits, second), NULL);
}

nn_tensor *nn_vit_forward_from(nn_graph *g, const nn_vit *v, const nn_batch *batch, uint32_t first, nn_tensor *x,
                               bool trained, nn_vit_taps *taps)
{
    builder b = { g, v->params, trained, (float) v->cfg.eps };
    nn_vit_taps unused = { 0 }, *t = taps ? taps : &unused;
    *t = (nn_vit_taps) {
        .drop = t->drop, .retention = { .gate = t->retention.gate, .follow = t->retention.follow },
    };
    nn__retention kept = { .g = g, .v = v, .batch = batch, .taps = &t->retention };
    if (first > 0 && (first >= v->cfg.depth || v->cfg.retention.policy != NN_POLICY_NONE))
        return nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "model: cannot start at block %u of %u%s", first, v->cfg.depth,
                                         first < v->cfg.depth ? ", tokens are dropped on the way there" : ""));
    t->tokens = first == 0 ? x : NULL;
    for (uint32_t l = first; l < v->cfg.depth; l++) {
        x = nn_vit_block_forward(g, v, l, x, trained, t);
        x = nn__retention_after(&kept, l, x, &t->mixer[l]);
    }
    nn_graph_scope(g, "head");
    x = read_out(&b, v, &kept, x);
    nn_graph_scope(g, "loss");                  // what may follow
    return x;
}

nn_tensor *nn_vit_forward(nn_graph *g, const nn_vit *v, const nn_batch *batch, nn_tensor *pixels, bool trained,
                          nn_vit_taps *taps)
{
    builder b = { g, v->params, trained, (float) v->cfg.eps };
    struct patchify_attr pa = { v->cfg.channels, v->cfg.height, v->cfg.width, v->cfg.patch };
    nn_graph_scope(g, "patch_embed");
    nn_tensor *x = NN_APPLY(g, patchify, &pa, batch->patches, pixels);
    nn_tensor *bias = v->cfg.pre_norm ? NULL : param(&b, v->patch_b);
    nn_tensor *more = nn_model_config_prefix(&v->cfg) > 1 ? param(&b, v->more) : NULL;
    x = NN_APPLY(g, linear, &(struct linear_attr) { .act = LINEAR_ACT_NONE }, NULL, x, param(&b, v->patch_w), bias);
    x = NN_APPLY0(g, embed, batch->tokens, x, param(&b, v->cls), param(&b, v->pos), more);
    if (v->cfg.pre_norm)
        x = norm(&b, x, v->norm_pre_w, v->norm_pre_b);
    return nn_vit_forward_from(g, v, batch, 0, x, trained, taps);
}

void nn_vit_watch(nn_graph *g, const nn_vit *v, const nn_vit_taps *taps)
{
    for (uint32_t l = 0; l < v->cfg.depth; l++) {
        const char *name = v->block[l].mixer->name;
        nn_finite_watch(g, taps->normed[l], "layer %u (%s): its input", l, name);
        nn_finite_watch(g, taps->heads[l], "layer %u (%s): its output", l, name);
    }
}
