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
    const uint32_t C = c->dim, n_more = nn_model_config_prefix(c) - 1;
    const uint32_t n_pos = c->bare_prefix ? nn_model_config_patches(c) : nn_model_config_tokens(c);
    v->cls = nn_param_add(a, "cls_token", nn_vec(C), (nn_shape) { 3, { 1, 1, C } }, false, NN_INIT_NORMAL);
    if (n_more)
        v->more = nn_param_add(a, c->distilled ? "dist_token" : "reg_token", nn_mat(n_more, C),
                               (nn_shape) { 3, { 1, n_more, C } }, false, NN_INIT_NORMAL);
    v->pos = nn_param_add(a, "pos_embed", nn_mat(n_pos, C), (nn_shape) { 3, { 1, n_pos, C } }, false, NN_INIT_NORMAL);
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

void nn__vit_add_back(nn_param_adder *a)
{
    nn_vit *v = own_of(a);
    const nn_model_config *c = &a->m->cfg;
    const uint32_t C = c->dim;
    const nn_shape same = { 0 };
    const bool is_mean = c->pool == NN_POOL_AVG;        // timm's name says whether the norm is of the mean
    v->norm_w = nn_param_add(a, is_mean ? "fc_norm.weight" : "norm.weight", nn_vec(C), same, false, NN_INIT_ONE);
    v->norm_b = nn_param_add(a, is_mean ? "fc_norm.bias" : "norm.bias", nn_vec(C), same, false, NN_INIT_ZERO);
    if (!c->headless)
        add_head(a, "head", &v->head_w, &v->head_b);
    if (c->distilled)
        add_head(a, "head_dist", &v->head_dist_w, &v->head_dist_b);
    if (c->projection_dim)
        v->vectors = nn_param_add(a, "class_vectors.weight", nn_mat(c->classes, c->projection_dim), same, true,
                                  NN_INIT_NORMAL);
}
