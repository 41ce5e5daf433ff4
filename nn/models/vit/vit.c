// vit.c — the parameters of a vision transformer: names, shapes, starting values. Files are in vit_load.c
// and vit_save.c.
#include "nn/models/vit/vit.h"

#include "nn/models/vit/vit_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Adds parameters one after the other; the first failure sticks.
typedef struct adder {
    nn_vit *v;
    vkc_status st;
} adder;

static uint32_t add(adder *a, const char *name, nn_shape shape, nn_shape saved, bool decay, nn_init init)
{
    uint32_t i = 0;
    if (a->st == VKC_OK)
        a->st = nn_params_add(a->v->params, name, &shape, decay, &i);
    if (a->st != VKC_OK)
        return 0;
    if (saved.rank)
        a->v->params->p[i].saved = saved;
    nn_init *grown = (nn_init *) realloc(a->v->init, (i + 1) * sizeof *grown);
    if (!grown) {
        a->st = VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
        return 0;
    }
    a->v->init = grown;
    grown[i] = init;
    return i;
}

static uint32_t add_block(adder *a, uint32_t l, const char *name, nn_shape shape, bool decay, nn_init init)
{
    char full[NN_MAX_NAME + 32];    // nn_params_add refuses what is too long
    snprintf(full, sizeof full, "blocks.%u.%s", l, name);
    return add(a, full, shape, (nn_shape) { 0 }, decay, init);
}

static nn_shape vec(uint32_t n)
{
    return (nn_shape) { 1, { n } };
}

static nn_shape mat(uint32_t n, uint32_t k)
{
    return (nn_shape) { 2, { n, k } };
}

nn_mixer_dims nn_vit_mixer_dims(const nn_vit *v, uint32_t l)
{
    return (nn_mixer_dims) { v->cfg.dim, v->cfg.heads, &v->block[l].layer, v->cfg.retention.gaps };
}

static void add_mixer(adder *a, uint32_t l)
{
    nn_vit_block *b = &a->v->block[l];
    const nn_model_config *c = &a->v->cfg;
    nn_mixer_param p[NN_MAX_MIXER_PARAMS];
    const nn_mixer_dims d = nn_vit_mixer_dims(a->v, l);
    b->n_mixer_p = b->mixer->params(&d, p);
    for (uint32_t i = 0; i < b->n_mixer_p; i++) {
        char name[NN_MAX_NAME];
        snprintf(name, sizeof name, "attn.%s", p[i].name);
        b->mixer_p[i] = add_block(a, l, name, p[i].shape, p[i].decay, p[i].init);
    }
    b->proj_w = add_block(a, l, "attn.proj.weight", mat(c->dim, c->dim), true, NN_INIT_NORMAL);
    b->proj_b = add_block(a, l, "attn.proj.bias", vec(c->dim), false, NN_INIT_ZERO);
    b->attn_params = a->v->params;
}

static void add_mlp(adder *a, uint32_t l)
{
    nn_vit_block *b = &a->v->block[l];
    const nn_model_config *c = &a->v->cfg;
    const uint32_t in = c->swiglu ? 2 * c->hidden : c->hidden;
    b->norm2_w = add_block(a, l, "norm2.weight", vec(c->dim), false, NN_INIT_ONE);
    b->norm2_b = add_block(a, l, "norm2.bias", vec(c->dim), false, NN_INIT_ZERO);
    b->fc1_w = add_block(a, l, "mlp.fc1.weight", mat(in, c->dim), true, NN_INIT_NORMAL);
    b->fc1_b = add_block(a, l, "mlp.fc1.bias", vec(in), false, NN_INIT_ZERO);
    b->fc2_w = add_block(a, l, "mlp.fc2.weight", mat(c->dim, c->hidden), true, NN_INIT_NORMAL);
    b->fc2_b = add_block(a, l, "mlp.fc2.bias", vec(c->dim), false, NN_INIT_ZERO);
    if (c->layer_scale)
        b->ls2 = add_block(a, l, "ls2.gamma", vec(c->dim), false, NN_INIT_SMALL);
}

static void add_tokens(adder *a)
{
    nn_vit *v = a->v;
    const nn_model_config *c = &v->cfg;
    const uint32_t C = c->dim, n_more = nn_model_config_prefix(c) - 1;
    const uint32_t n_pos = c->bare_prefix ? nn_model_config_patches(c) : nn_model_config_tokens(c);
    v->cls = add(a, "cls_token", vec(C), (nn_shape) { 3, { 1, 1, C } }, false, NN_INIT_NORMAL);
    if (n_more)
        v->more = add(a, c->distilled ? "dist_token" : "reg_token", mat(n_more, C), (nn_shape) { 3, { 1, n_more, C } },
                      false, NN_INIT_NORMAL);
    v->pos = add(a, "pos_embed", mat(n_pos, C), (nn_shape) { 3, { 1, n_pos, C } }, false, NN_INIT_NORMAL);
}

static void add_head(adder *a, const char *name, uint32_t *w, uint32_t *b)
{
    const nn_model_config *c = &a->v->cfg;
    char full[32];
    snprintf(full, sizeof full, "%s.weight", name);
    const uint32_t n = c->embed ? c->embed : c->classes;
    *w = add(a, full, mat(n, nn_model_config_features(c)), (nn_shape) { 0 }, true, NN_INIT_NORMAL);
    snprintf(full, sizeof full, "%s.bias", name);
    *b = add(a, full, vec(n), (nn_shape) { 0 }, false, NN_INIT_ZERO);
}

static void add_all(adder *a)
{
    nn_vit *v = a->v;
    const nn_model_config *c = &v->cfg;
    const uint32_t C = c->dim, p = c->patch;
    const nn_shape same = { 0 };
    const bool is_mean = c->pool == NN_POOL_AVG;        // timm's name says whether the norm is of the mean
    add_tokens(a);
    v->patch_w = add(a, "patch_embed.proj.weight", mat(C, c->channels * p * p),
                     (nn_shape) { 4, { C, c->channels, p, p } }, true, NN_INIT_NORMAL);
    if (c->pre_norm) {
        v->norm_pre_w = add(a, "norm_pre.weight", vec(C), same, false, NN_INIT_ONE);
        v->norm_pre_b = add(a, "norm_pre.bias", vec(C), same, false, NN_INIT_ZERO);
    } else {
        v->patch_b = add(a, "patch_embed.proj.bias", vec(C), same, false, NN_INIT_ZERO);
    }
    for (uint32_t l = 0; l < c->depth; l++) {
        nn_vit_block *b = &v->block[l];
        b->norm1_w = add_block(a, l, "norm1.weight", vec(C), false, NN_INIT_ONE);
        b->norm1_b = add_block(a, l, "norm1.bias", vec(C), false, NN_INIT_ZERO);
        add_mixer(a, l);
        if (c->layer_scale)
            b->ls1 = add_block(a, l, "ls1.gamma", vec(C), false, NN_INIT_SMALL);
        add_mlp(a, l);
    }
    v->norm_w = add(a, is_mean ? "fc_norm.weight" : "norm.weight", vec(C), same, false, NN_INIT_ONE);
    v->norm_b = add(a, is_mean ? "fc_norm.bias" : "norm.bias", vec(C), same, false, NN_INIT_ZERO);
    if (!c->headless)
        add_head(a, "head", &v->head_w, &v->head_b);
    if (c->distilled)
        add_head(a, "head_dist", &v->head_dist_w, &v->head_dist_b);
    if (c->embed)
        v->vectors = add(a, "class_vectors.weight", mat(c->classes, c->embed), same, true, NN_INIT_NORMAL);
}

// The mixers that the config names, each with all its options.
static vkc_status find_mixers(nn_vit *v)
{
    v->block = (nn_vit_block *) calloc(v->cfg.depth, sizeof *v->block);
    if (!v->block)
        return VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    for (uint32_t l = 0; l < v->cfg.depth; l++) {
        vkc_status st = nn_mixer_check(&v->cfg.layers[l], &v->block[l].mixer);
        if (st != VKC_OK)
            return st;
        v->block[l].layer = v->cfg.layers[l];
    }
    return VKC_OK;
}

uint64_t nn_vit_count_params(const nn_model_config *cfg)
{
    nn_vit v = { .dev = NULL };
    uint64_t n = 0;
    adder a = { &v, VKC_OK };
    if (nn_model_config_copy(cfg, &v.cfg) != VKC_OK)
        return 0;
    if (find_mixers(&v) == VKC_OK && nn_params_create(NULL, &v.params) == VKC_OK)
        add_all(&a);
    if (v.params && a.st == VKC_OK)
        n = nn_params_count(v.params);
    nn_params_destroy(v.params);
    nn_model_config_finish(&v.cfg);
    free(v.block);
    free(v.init);
    return n;
}

vkc_status nn__vit_create_empty(vkc_device *dev, const nn_model_config *cfg, nn_vit **out)
{
    vkc_status st = VKC_OK;
    nn_vit *v = (nn_vit *) calloc(1, sizeof *v);
    if (!v)
        return VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    v->dev = dev;
    VKC_TRY(nn_model_config_copy(cfg, &v->cfg));
    VKC_TRY(find_mixers(v));
    for (uint32_t l = 0; l < cfg->depth; l++) {
        const nn_mixer *m = v->block[l].mixer;
        const nn_mixer_dims d = nn_vit_mixer_dims(v, l);
        if (m->check)
            VKC_TRY(m->check(&d, vkc_device_get_info(dev)));
    }
    VKC_TRY(nn_params_create(dev, &v->params));
    adder a = { v, VKC_OK };
    add_all(&a);
    VKC_TRY(a.st);
    *out = v;
    v = NULL;
done:
    nn_vit_destroy(v);
    return st;
}

vkc_status nn_vit_create(vkc_device *dev, const nn_model_config *cfg, bool trainable, nn_vit **out)
{
    nn_vit *v = NULL;
    vkc_status st = nn__vit_create_empty(dev, cfg, &v);
    if (st == VKC_OK)
        st = nn_params_alloc(v->params, trainable);
    if (st == VKC_OK)
        *out = v;
    else
        nn_vit_destroy(v);
    return st;
}

void nn_vit_destroy(nn_vit *v)
{
    if (!v)
        return;
    nn_params_destroy(v->params);
    nn_model_config_finish(&v->cfg);
    free(v->block);
    free(v->init);
    free(v);
}

void nn_vit_borrow(nn_vit *v, const nn_vit *from, uint32_t l)
{
    const nn_vit_block *s = &from->block[l];
    nn_vit_block *d = &v->block[l];
    d->mixer = s->mixer;
    d->layer = s->layer;
    d->attn_params = s->attn_params;
    memcpy(d->mixer_p, s->mixer_p, sizeof d->mixer_p);
    d->n_mixer_p = s->n_mixer_p;
    d->proj_w = s->proj_w;
    d->proj_b = s->proj_b;
}

vkc_status nn_vit_init(nn_vit *v, uint64_t seed)
{
    for (uint32_t i = 0; i < v->params->n; i++) {
        const nn_param *p = &v->params->p[i];
        float *x = (float *) malloc(nn_shape_len(&p->shape) * sizeof *x);
        if (!x)
            return VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
        nn_init_fill(v->init[i], &p->shape, seed, i, x);
        vkc_status st = nn_params_write(v->params, i, x);
        free(x);
        if (st != VKC_OK)
            return st;
    }
    return VKC_OK;
}
