// vit.c — the parameters of a vision transformer: names, shapes, starting values; and its row in the table of kinds.
// Files are in vit_load.c and vit_save.c.
#include "nn/models/vit/vit.h"

#include <stdio.h>

#include "nn/models/vit/vit_impl.h"

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
        v->more = nn_param_add(a, c->distilled ? "dist_token" : "reg_token", nn_mat(n_more, C), (nn_shape) { 3, { 1, n_more, C } },
                      false, NN_INIT_NORMAL);
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

static void add_front(nn_param_adder *a)
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

static void add_back(nn_param_adder *a)
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
        v->vectors = nn_param_add(a, "class_vectors.weight", nn_mat(c->classes, c->projection_dim), same, true, NN_INIT_NORMAL);
}

static uint32_t inputs(const nn_model_config *c, nn_model_input out[NN_MAX_INPUTS])
{
    out[0] = (nn_model_input) { "pixels", { 2, { 0, nn_model_config_pixels(c) } }, NN_DTYPE_F32, false };
    return 1;
}

static void grid(const nn_model_config *c, uint32_t *prefix, uint32_t *height, uint32_t *width)
{
    *prefix = 1 + c->distilled + c->registers;
    *height = c->height / c->patch;
    *width = c->width / c->patch;
}

static uint32_t tokens(const nn_model_config *c)
{
    return 1 + c->distilled + c->registers + (c->height / c->patch) * (c->width / c->patch);
}

static vkc_status check(const nn_model_config *c, vkc_status st, const char *where)
{
    if (c->height == 0 || c->width == 0 || c->patch == 0 || c->height % c->patch != 0 || c->width % c->patch != 0)
        return VKC_FAIL(st, "%s: the image size %u x %u is not a multiple of the patch size %u", where, c->height,
                        c->width, c->patch);
    const uint64_t patches = (uint64_t) (c->height / c->patch) * (c->width / c->patch);
    if (c->height > 16384 || c->width > 16384 || patches > NN_MAX_TOKENS)
        return VKC_FAIL(st, "%s: image %u x %u in patches of %u is more than %d patches", where, c->height, c->width,
                        c->patch, NN_MAX_TOKENS);
    if (c->channels != 1 && c->channels != 3)
        return VKC_FAIL(st, "%s: channels is %u, want 1 or 3", where, c->channels);
    if (c->registers > NN_MAX_REGISTERS || (c->distilled && (c->registers || c->pool != NN_POOL_TOKEN || c->headless)))
        return VKC_FAIL(st, "%s: %u registers, with a distillation token or without: no such model is known", where,
                        c->registers);
    if ((int) c->act < NN_ACT_GELU || (int) c->act > NN_ACT_QUICK_GELU || (int) c->pool < NN_POOL_TOKEN ||
        (int) c->pool > NN_POOL_TOKEN_AVG || (c->swiglu && c->act != NN_ACT_GELU))
        return VKC_FAIL(st, "%s: activation %d or pooling %d is none there is", where, (int) c->act, (int) c->pool);
    const uint32_t given = c->projection_dim ? c->projection_dim : c->classes;
    if (c->headless && given != nn_model_config_features(c))
        return VKC_FAIL(st, "%s: a model without a classifier gives %u features, not %u", where,
                        nn_model_config_features(c), given);
    if (c->projection_dim > NN_MAX_CLASSES || (c->projection_dim && c->distilled))
        return VKC_FAIL(st, "%s: class vectors of %u numbers, with a distillation token or without, cannot be", where,
                        c->projection_dim);
    return VKC_OK;
}

const nn_model_kind nn_model_kind_vit = {
    .name = "vit", .about = "a classifier of pictures: patches, class token, learned positions",
    .own_size = sizeof(nn_vit), .reads_pictures = true, .check = check, .tokens = tokens, .inputs = inputs, .grid = grid, .add_front = add_front, .add_back = add_back,
    .embed = nn__vit_embed, .read_out = nn__vit_read_out, .load = nn__vit_load, .save_weights = nn__vit_save_weights,
};
