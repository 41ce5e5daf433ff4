// vit_graph.c — what a vision transformer does before and after its blocks.
#include "nn/models/vit/vit_impl.h"

#include "shaders/elementwise/scale.h"
#include "shaders/linear/linear.h"
#include "shaders/norm/layernorm.h"
#include "shaders/tokens/first_rows.h"
#include "shaders/tokens/patchify.h"
#include "shaders/tokens/pool.h"

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

static nn_tensor *head(const builder *b, const nn_model *m, nn_tensor *x)
{
    const nn_vit *own = nn_vit_of(m);
    x = m->cfg.headless ? x : linear(b, x, own->head_w, own->head_b, LINEAR_ACT_NONE);
    if (!m->cfg.projection_dim)
        return x;
    x = NN_APPLY0(b->g, l2_normalize, NULL, x);
    return NN_APPLY(b->g, linear, &(struct linear_attr) { .act = LINEAR_ACT_NONE }, NULL, x, param(b, own->vectors),
                    NULL);
}

// From the stream after the last block to the logits. A norm row by row comes after the rows that are read are chosen,
// where that is the same; the mean of normed patches is not the normed mean.
nn_tensor *nn__vit_read_out(nn_graph *g, const nn_model *m, nn__retention *kept, nn_tensor *x, bool trained)
{
    const builder whole = { g, m->params, trained, (float) m->cfg.eps }, *b = &whole;
    const nn_vit *own = nn_vit_of(m);
    const struct pool_attr pool = { m->cfg.pool == NN_POOL_TOKEN_AVG };
    nn_rows *images = kept->batch->samples;
    if (m->cfg.pool == NN_POOL_TOKEN_AVG)
        return head(b, m, NN_APPLY(b->g, pool, &pool, images, norm(b, x, own->norm_w, own->norm_b)));
    if (m->cfg.pool == NN_POOL_AVG)
        return head(b, m, norm(b, NN_APPLY(b->g, pool, &pool, images, x), own->norm_w, own->norm_b));
    nn_tensor *logits = head(b, m, norm(b, nn__retention_read_out(kept, x), own->norm_w, own->norm_b));
    if (!m->cfg.distilled)
        return logits;
    nn_tensor *second = NN_APPLY(b->g, first_rows, &(struct first_rows_attr) { .index = 1 }, images, x);
    second = linear(b, norm(b, second, own->norm_w, own->norm_b), own->head_dist_w, own->head_dist_b, LINEAR_ACT_NONE);
    return NN_APPLY(b->g, scale, &(struct scale_attr) { 0.5f }, NULL, NN_APPLY0(b->g, add, NULL, logits, second), NULL);
}

nn_tensor *nn__vit_embed(nn_graph *g, const nn_model *m, const nn_batch *batch, nn_tensor *const *in, bool trained)
{
    builder b = { g, m->params, trained, (float) m->cfg.eps };
    const nn_vit *own = nn_vit_of(m);
    struct patchify_attr pa = { m->cfg.channels, m->cfg.height, m->cfg.width, m->cfg.patch };
    nn_graph_scope(g, "patch_embed");
    nn_tensor *x = NN_APPLY(g, patchify, &pa, batch->patches, in[0]);
    nn_tensor *bias = m->cfg.pre_norm ? NULL : param(&b, own->patch_b);
    nn_tensor *more = nn_model_config_prefix(&m->cfg) > 1 ? param(&b, own->more) : NULL;
    x = NN_APPLY(g, linear, &(struct linear_attr) { .act = LINEAR_ACT_NONE }, NULL, x, param(&b, own->patch_w), bias);
    x = NN_APPLY0(g, vit_tokens, batch->tokens, x, param(&b, own->cls), param(&b, own->pos), more);
    if (m->cfg.pre_norm)
        x = norm(&b, x, own->norm_pre_w, own->norm_pre_b);
    return x;
}
