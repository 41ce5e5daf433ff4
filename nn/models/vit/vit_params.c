// vit_params.c — the parameters of a vision transformer: names, shapes, starting values.
#include "nn/models/vit/vit_impl.h"

#include <stdio.h>

const nn_vit *nn_vit_of(const nn_model *m)
{
    return m->kind == &nn_model_kind_vit ? (const nn_vit *) m->own : NULL;
}

static nn_vit *own_of(nn_param_adder *a)
{
    return (nn_vit *) a->m->own;
}

static void add_tokens(nn_param_adder *a)
{
    nn_vit *v = own_of(a);
    const nn_model_config *c = &a->m->cfg;
    const uint32_t C = c->dim, n_more = nn__vit_more(c);
    const uint32_t n_pos = c->bare_prefix ? nn_model_config_patches(c) : nn_model_config_tokens(c);
    if (!c->no_class)
        v->cls = nn_param_add(a, "cls_token", nn_vec(C), (nn_shape) { 3, { 1, 1, C } }, false,
                              NN_INIT_NORMAL);
    if (n_more)
        v->more = nn_param_add(a, c->distilled ? "dist_token" : "reg_token", nn_mat(n_more, C),
                               (nn_shape) { 3, { 1, n_more, C } }, false, NN_INIT_NORMAL);
    if (!c->no_pos)
        v->pos = nn_param_add(a, "pos_embed", nn_mat(n_pos, C), (nn_shape) { 3, { 1, n_pos, C } }, false,
                              NN_INIT_NORMAL);
    if (c->shared_relative)
        v->relative = nn_param_add(a, NN_SHARED_TABLE,
                                   nn_mat(nn_relative_rows(c->height / c->patch, c->width / c->patch), c->heads),
                                   (nn_shape) { 0 }, false, NN_INIT_ZERO);
}

static void add_head(nn_param_adder *a, const char *name, uint32_t *w, uint32_t *b)
{
    const nn_model_config *c = &a->m->cfg;
    char full[32];
    snprintf(full, sizeof full, "%s.weight", name);
    const uint32_t n = c->projection_dim ? c->projection_dim : c->classes;
    *w = nn_param_add(a, full, nn_mat(n, nn_model_config_features(c)), (nn_shape) { 0 }, true, NN_INIT_NORMAL);
    snprintf(full, sizeof full, "%s.bias", name);
    *b = nn_param_add(a, full, nn_vec(n), (nn_shape) { 0 }, false, NN_INIT_ZERO);
}

void nn__vit_add_front(nn_param_adder *a)
{
    nn_vit *v = own_of(a);
    const nn_model_config *c = &a->m->cfg;
    const uint32_t C = c->dim, p = c->patch;
    const nn_shape same = { 0 };
    add_tokens(a);
    v->patch_w = nn_param_add(a, "patch_embed.proj.weight", nn_mat(C, c->channels * p * p),
                              (nn_shape) { 4, { C, c->channels, p, p } }, true, NN_INIT_NORMAL);
    if (c->pre_norm) {
        v->norm_pre_w = nn_param_add(a, "norm_pre.weight", nn_vec(C), same, false, NN_INIT_ONE);
        v->norm_pre_b = nn_param_add(a, "norm_pre.bias", nn_vec(C), same, false, NN_INIT_ZERO);
    } else {
        v->patch_b = nn_param_add(a, "patch_embed.proj.bias", nn_vec(C), same, false, NN_INIT_ZERO);
    }
}

static void add_linear(nn_param_adder *a, const char *name, uint32_t out, uint32_t in, uint32_t *w, uint32_t *b)
{
    char full[64];
    snprintf(full, sizeof full, "attn_pool.%s.weight", name);
    *w = nn_param_add(a, full, nn_mat(out, in), (nn_shape) { 0 }, true, NN_INIT_NORMAL);
    snprintf(full, sizeof full, "attn_pool.%s.bias", name);
    *b = nn_param_add(a, full, nn_vec(out), (nn_shape) { 0 }, false, NN_INIT_ZERO);
}

// Attention pooling, under the names that timm's AttentionPoolLatent has.
static void add_map(nn_param_adder *a)
{
    nn_vit *v = own_of(a);
    const uint32_t C = a->m->cfg.dim, hidden = a->m->cfg.hidden;
    const nn_shape same = { 0 };
    v->map.latent = nn_param_add(a, "attn_pool.latent", nn_mat(1, C), (nn_shape) { 3, { 1, 1, C } }, false,
                                 NN_INIT_NORMAL);
    add_linear(a, "q", C, C, &v->map.q_w, &v->map.q_b);
    add_linear(a, "kv", 2 * C, C, &v->map.kv_w, &v->map.kv_b);
    add_linear(a, "proj", C, C, &v->map.proj_w, &v->map.proj_b);
    v->map.norm_w = nn_param_add(a, "attn_pool.norm.weight", nn_vec(C), same, false, NN_INIT_ONE);
    v->map.norm_b = nn_param_add(a, "attn_pool.norm.bias", nn_vec(C), same, false, NN_INIT_ZERO);
    add_linear(a, "mlp.fc1", hidden, C, &v->map.fc1_w, &v->map.fc1_b);
    add_linear(a, "mlp.fc2", C, hidden, &v->map.fc2_w, &v->map.fc2_b);
}

void nn__vit_add_back(nn_param_adder *a)
{
    nn_vit *v = own_of(a);
    const nn_model_config *c = &a->m->cfg;
    const uint32_t C = c->dim;
    const nn_shape same = { 0 };
    const bool is_mean = c->pool == NN_POOL_AVG;        // timm's name says whether the norm is of the mean
    if (c->pool != NN_POOL_RAW_AVG) {
        v->norm_w = nn_param_add(a, is_mean ? "fc_norm.weight" : "norm.weight", nn_vec(C), same, false, NN_INIT_ONE);
        v->norm_b = nn_param_add(a, is_mean ? "fc_norm.bias" : "norm.bias", nn_vec(C), same, false, NN_INIT_ZERO);
    }
    if (c->pool == NN_POOL_MAP)
        add_map(a);
    if (!c->headless)
        add_head(a, "head", &v->head_w, &v->head_b);
    if (c->distilled)
        add_head(a, "head_dist", &v->head_dist_w, &v->head_dist_b);
    if (c->projection_dim && c->scores == NN_SCORES_SIGMOID)
        v->vectors_b = nn_param_add(a, "class_vectors.bias", nn_vec(c->classes), same, false, NN_INIT_ZERO);
    if (c->projection_dim)
        v->vectors = nn_param_add(a, "class_vectors.weight", nn_mat(c->classes, c->projection_dim), same, true,
                                  NN_INIT_NORMAL);
}
