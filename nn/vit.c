// vit.c — the parameters of a vision transformer: names, shapes, starting values, files.
#include "nn/vit.h"

#include "nn/weights.h"

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

static void add_all(adder *a)
{
    nn_vit *v = a->v;
    const nn_model_config *c = &v->cfg;
    const uint32_t C = c->dim, p = c->patch, T = nn_model_config_tokens(c);
    const nn_init ONE = NN_INIT_ONE, ZERO = NN_INIT_ZERO, NORMAL = NN_INIT_NORMAL;
    const nn_shape same = { 0 };
    v->cls = add(a, "cls_token", vec(C), (nn_shape) { 3, { 1, 1, C } }, false, NORMAL);
    v->pos = add(a, "pos_embed", mat(T, C), (nn_shape) { 3, { 1, T, C } }, false, NORMAL);
    v->patch_w = add(a, "patch_embed.proj.weight", mat(C, c->channels * p * p),
                     (nn_shape) { 4, { C, c->channels, p, p } }, true, NORMAL);
    v->patch_b = add(a, "patch_embed.proj.bias", vec(C), same, false, ZERO);
    for (uint32_t l = 0; l < c->depth; l++) {
        nn_vit_block *b = &v->block[l];
        b->norm1_w = add_block(a, l, "norm1.weight", vec(C), false, ONE);
        b->norm1_b = add_block(a, l, "norm1.bias", vec(C), false, ZERO);
        add_mixer(a, l);
        b->norm2_w = add_block(a, l, "norm2.weight", vec(C), false, ONE);
        b->norm2_b = add_block(a, l, "norm2.bias", vec(C), false, ZERO);
        b->fc1_w = add_block(a, l, "mlp.fc1.weight", mat(c->hidden, C), true, NORMAL);
        b->fc1_b = add_block(a, l, "mlp.fc1.bias", vec(c->hidden), false, ZERO);
        b->fc2_w = add_block(a, l, "mlp.fc2.weight", mat(C, c->hidden), true, NORMAL);
        b->fc2_b = add_block(a, l, "mlp.fc2.bias", vec(C), false, ZERO);
    }
    v->norm_w = add(a, "norm.weight", vec(C), same, false, ONE);
    v->norm_b = add(a, "norm.bias", vec(C), same, false, ZERO);
    v->head_w = add(a, "head.weight", mat(c->classes, C), same, true, NORMAL);
    v->head_b = add(a, "head.bias", vec(c->classes), same, false, ZERO);
}

// Names and shapes of all parameters; no memory for their values yet.
static vkc_status create_empty(vkc_device *dev, const nn_model_config *cfg, nn_vit **out)
{
    vkc_status st = VKC_OK;
    nn_vit *v = (nn_vit *) calloc(1, sizeof *v);
    if (!v)
        return VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    v->dev = dev;
    VKC_TRY(nn_model_config_copy(cfg, &v->cfg));
    v->block = (nn_vit_block *) calloc(cfg->depth, sizeof *v->block);
    if (!v->block) {
        st = VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
        goto done;
    }
    for (uint32_t l = 0; l < cfg->depth; l++) {
        VKC_TRY(nn_mixer_check(&v->cfg.layers[l], &v->block[l].mixer));
        v->block[l].layer = v->cfg.layers[l];
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
    vkc_status st = create_empty(dev, cfg, &v);
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

// The tensor of a parameter, of its type and shape.
static vkc_status find_tensor(const nn_param *p, const nn_weights *w, const nn_st_tensor **out)
{
    uint64_t dim[NN_MAX_RANK];
    for (uint32_t k = 0; k < p->saved.rank; k++)
        dim[k] = p->saved.dim[k];
    *out = nn_weights_get(w, p->name);
    if (!*out)
        return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s is missing", nn_weights_path(w), p->name);
    return nn_st_tensor_check(*out, p->saved.rank, dim);
}

// Has the model a place for every tensor?
static vkc_status check_known(const nn_params *ps, const nn_weights *w)
{
    uint32_t index;
    for (size_t i = 0; i < nn_weights_len(w); i++)
        if (!nn_params_find(ps, nn_weights_at(w, i)->name, &index))
            return NN_ST_FAIL(VKC_E_FORMAT, nn_weights_at(w, i),
                              "has no place in the model that config.json describes");
    return VKC_OK;
}

vkc_status nn_vit_load(vkc_device *dev, const char *dir, bool trainable, nn_vit **out)
{
    vkc_status st;
    nn_model_config cfg = { 0 };
    nn_weights *w = NULL;
    nn_vit *v = NULL;
    VKC_TRY(nn_model_config_load(dir, &cfg));
    VKC_TRY(nn_weights_load(dir, &w));
    VKC_TRY(create_empty(dev, &cfg, &v));
    VKC_TRY(check_known(v->params, w));
    // All is known to fit before any memory of the size that config.json claims is asked for.
    const nn_st_tensor *t;
    for (uint32_t i = 0; i < v->params->n; i++)
        VKC_TRY(find_tensor(&v->params->p[i], w, &t));
    VKC_TRY(nn_params_alloc(v->params, trainable));
    for (uint32_t i = 0; i < v->params->n; i++) {
        VKC_TRY(find_tensor(&v->params->p[i], w, &t));
        VKC_TRY(nn_weights_upload(dev, t, 0, nn_params_value(v->params, i)));
    }
    *out = v;
    v = NULL;
done:
    nn_vit_destroy(v);
    nn_weights_destroy(w);
    nn_model_config_finish(&cfg);
    return st;
}

vkc_status nn_vit_save_weights(const nn_vit *v, const char *path)
{
    vkc_status st = VKC_OK;
    const nn_params *ps = v->params;
    nn_st_save *t = (nn_st_save *) calloc(ps->n, sizeof *t);
    float *all = (float *) malloc(nn_params_count(ps) * sizeof *all), *at = all;
    if (!t || !all)
        st = VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    for (uint32_t i = 0; i < ps->n && st == VKC_OK; i++) {
        const nn_param *p = &ps->p[i];
        t[i] = (nn_st_save) { .name = p->name, .dtype = NN_ST_F32, .rank = p->saved.rank, .data = at };
        for (uint32_t k = 0; k < p->saved.rank; k++)
            t[i].shape[k] = p->saved.dim[k];
        st = nn_params_read(ps, i, at);
        at += nn_shape_len(&p->shape);
    }
    if (st == VKC_OK)
        st = nn_safetensors_save(path, t, ps->n, NULL, 0);
    free(all);
    free(t);
    return st;
}
