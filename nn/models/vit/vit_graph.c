// vit_graph.c — what a vision transformer does before and after its blocks.
#include "nn/models/vit/vit_impl.h"

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
    return NN_APPLY(g, linear, &(struct linear_attr) { .act = LINEAR_ACT_NONE }, NULL, x,
                    param(g, m, own->vectors, trained), NULL);
}

static nn_tensor *last_norm(nn_graph *g, const nn_model *m, nn_tensor *x, bool trained)
{
    const nn_vit *own = nn_vit_of(m);
    return nn__layernorm(g, m, x, own->norm_w, own->norm_b, trained);
}

// From the stream after the last block to the logits. A norm row by row comes after the rows that are read are chosen,
// where that is the same; the mean of normed patches is not the normed mean.
nn_tensor *nn__vit_read_out(nn_graph *g, const nn_model *m, nn__retention *kept, nn_tensor *x, bool trained)
{
    const nn_vit *own = nn_vit_of(m);
    const struct pool_attr pool = { m->cfg.pool == NN_POOL_TOKEN_AVG };
    nn_rows *images = kept->batch->samples;
    if (m->cfg.pool == NN_POOL_TOKEN_AVG)
        return head(g, m, NN_APPLY(g, pool, &pool, images, last_norm(g, m, x, trained)), trained);
    if (m->cfg.pool == NN_POOL_AVG)
        return head(g, m, last_norm(g, m, NN_APPLY(g, pool, &pool, images, x), trained), trained);
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
    nn_tensor *more = nn_model_config_prefix(&m->cfg) > 1 ? param(g, m, own->more, trained) : NULL;
    x = NN_APPLY(g, linear, &(struct linear_attr) { .act = LINEAR_ACT_NONE }, NULL, x, param(g, m, own->patch_w,
                                                                                             trained), bias);
    x = NN_APPLY0(g, vit_tokens, batch->tokens, x, param(g, m, own->cls, trained), param(g, m, own->pos, trained),
                  more);
    if (m->cfg.pre_norm)
        x = nn__layernorm(g, m, x, own->norm_pre_w, own->norm_pre_b, trained);
    return x;
}
