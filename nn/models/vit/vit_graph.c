// vit_graph.c — what a vision transformer does before and after its blocks.
#include "nn/models/vit/vit_impl.h"

#include "shaders/attention/attention_pool.h"
#include "shaders/elementwise/scale.h"
#include "shaders/linear/linear.h"
#include "shaders/tokens/first_rows.h"
#include "shaders/tokens/patchify.h"
#include "shaders/tokens/pool.h"

static nn_tensor *param(nn_graph *g, const nn_model *m, uint32_t index, bool trained)
{
    return nn_graph_param(g, m->params, index, trained);
}

static nn_tensor *head(nn_graph *g, const nn_model *m, nn_tensor *x, bool trained)
{
    const nn_vit *own = nn_vit_of(m);
    x = m->cfg.headless ? x : nn__linear(g, m, x, own->head_w, own->head_b, trained);
    if (!m->cfg.projection_dim)
        return x;
    x = NN_APPLY0(g, l2_normalize, NULL, x);
    nn_tensor *bias = m->cfg.scores == NN_SCORES_SIGMOID ? param(g, m, own->vectors_b, trained) : NULL;
    return NN_APPLY(g, linear, &(struct linear_attr) { .act = LINEAR_ACT_NONE }, NULL, x,
                    param(g, m, own->vectors, trained), bias);
}

static nn_tensor *last_norm(nn_graph *g, const nn_model *m, nn_tensor *x, bool trained)
{
    const nn_vit *own = nn_vit_of(m);
    return nn__norm(g, m, x, own->norm_w, own->norm_b, trained);
}

// What one learned query reads of the normed tokens x of an image, and an MLP of that: (B, C).
static nn_tensor *attention_pool(nn_graph *g, const nn_model *m, nn_rows *images, nn_tensor *x, bool trained)
{
    const nn_vit *own = nn_vit_of(m);
    const struct attention_pool_attr attr = { .heads = m->cfg.heads };
    const struct linear_attr mlp = { .act = nn__model_act(&m->cfg) };
    nn_tensor *kv = nn__linear(g, m, x, own->map.kv_w, own->map.kv_b, trained);
    nn_tensor *q = nn__linear(g, m, param(g, m, own->map.latent, trained), own->map.q_w, own->map.q_b, trained);
    nn_tensor *y = NN_APPLY(g, attention_pool, &attr, images, kv, q);
    y = nn__linear(g, m, y, own->map.proj_w, own->map.proj_b, trained);
    nn_tensor *h = nn__norm(g, m, y, own->map.norm_w, own->map.norm_b, trained);
    h = NN_APPLY(g, linear, &mlp, NULL, h, param(g, m, own->map.fc1_w, trained), param(g, m, own->map.fc1_b, trained));
    h = nn__linear(g, m, h, own->map.fc2_w, own->map.fc2_b, trained);
    return NN_APPLY0(g, add, NULL, y, h);
}

// From the stream after the last block to the logits. A norm row by row comes after the rows that are read are chosen,
// where that is the same; the mean of normed patches is not the normed mean.
nn_tensor *nn__vit_read_out(nn_graph *g, const nn_model *m, nn__retention *kept, nn_tensor *x, bool trained)
{
    const nn_vit *own = nn_vit_of(m);
    const struct pool_attr pool = { m->cfg.pool == NN_POOL_TOKEN_AVG };
    nn_rows *images = kept->batch->samples;
    switch (m->cfg.pool) {
    case NN_POOL_TOKEN_AVG:
    case NN_POOL_NORM_AVG:
        return head(g, m, NN_APPLY(g, pool, &pool, images, last_norm(g, m, x, trained)), trained);
    case NN_POOL_AVG:
        x = m->cfg.retention.policy == NN_POLICY_HALTING ? nn__retention_read_out(kept, x) :
                                                           NN_APPLY(g, pool, &pool, images, x);
        return head(g, m, last_norm(g, m, x, trained), trained);
    case NN_POOL_RAW_AVG:
        return head(g, m, NN_APPLY(g, pool, &pool, images, x), trained);
    case NN_POOL_MAP:
        return head(g, m, attention_pool(g, m, images, last_norm(g, m, x, trained), trained), trained);
    default:
        break;
    }
    nn_tensor *logits = head(g, m, last_norm(g, m, nn__retention_read_out(kept, x), trained), trained);
    if (!m->cfg.distilled)
        return logits;
    nn_tensor *second = NN_APPLY(g, first_rows, &(struct first_rows_attr) { .index = 1 }, images, x);
    second = nn__linear(g, m, last_norm(g, m, second, trained), own->head_dist_w, own->head_dist_b, trained);
    return NN_APPLY(g, scale, &(struct scale_attr) { 0.5f }, NULL, NN_APPLY0(g, add, NULL, logits, second), NULL);
}

nn_tensor *nn__vit_embed(nn_graph *g, const nn_model *m, const nn_batch *batch, nn_tensor *const *in, bool trained)
{
    const nn_vit *own = nn_vit_of(m);
    struct patchify_attr pa = { m->cfg.channels, m->cfg.height, m->cfg.width, m->cfg.patch };
    nn_graph_scope(g, "patch_embed");
    nn_tensor *x = NN_APPLY(g, patchify, &pa, batch->patches, in[0]);
    nn_tensor *bias = m->cfg.pre_norm ? NULL : param(g, m, own->patch_b, trained);
    nn_tensor *more = nn__vit_more(&m->cfg) > 0 ? param(g, m, own->more, trained) : NULL;
    nn_tensor *cls = m->cfg.no_class ? NULL : param(g, m, own->cls, trained);
    x = NN_APPLY(g, linear, &(struct linear_attr) { .act = LINEAR_ACT_NONE }, NULL, x, param(g, m, own->patch_w,
                                                                                             trained), bias);
    nn_tensor *pos = m->cfg.no_pos ? NULL : param(g, m, own->pos, trained);
    x = NN_APPLY0(g, vit_tokens, batch->tokens, x, pos, cls, more);
    if (m->cfg.pre_norm)
        x = nn__norm(g, m, x, own->norm_pre_w, own->norm_pre_b, trained);
    return x;
}
