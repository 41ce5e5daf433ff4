// model_params.c — parameters added to a model one after the other: those of its blocks, and those of its kind.
#include "nn/models/model_kind.h"

#include <stdio.h>
#include <stdlib.h>

uint32_t nn_param_add(nn_param_adder *a, const char *name, nn_shape shape, nn_shape saved, bool decay, nn_init init)
{
    uint32_t i = 0;
    if (a->st == VKC_OK)
        a->st = nn_params_add(a->m->params, name, &shape, decay, &i);
    if (a->st != VKC_OK)
        return 0;
    if (saved.rank)
        a->m->params->p[i].saved = saved;
    nn_init *grown = (nn_init *) realloc(a->m->init, (i + 1) * sizeof *grown);
    if (!grown) {
        a->st = VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
        return 0;
    }
    a->m->init = grown;
    grown[i] = init;
    return i;
}

static uint32_t add(nn_param_adder *a, uint32_t l, const char *name, nn_shape shape, bool decay, nn_init init)
{
    char full[NN_MAX_NAME + 32];    // nn_params_add refuses what is too long
    snprintf(full, sizeof full, "blocks.%u.%s", l, name);
    return nn_param_add(a, full, shape, (nn_shape) { 0 }, decay, init);
}

nn_mixer_dims nn_model_mixer_dims(const nn_model *m, uint32_t l)
{
    const nn_block *b = &m->block[l];
    nn_mixer_dims d = { m->cfg.dim, m->cfg.heads, b->mixer, &b->options, m->cfg.retention.gaps, m->cfg.rope,
                        m->cfg.no_key_bias, { .is_own = m->cfg.relative }, m->cfg.text.attention };
    uint32_t prefix;
    if (d.rope.kind)
        m->kind->grid(&m->cfg, &prefix, &d.rope.grid_h, &d.rope.grid_w);
    if (m->cfg.relative || m->cfg.shared_relative)
        m->kind->grid(&m->cfg, &prefix, &d.relative.grid_h, &d.relative.grid_w);
    return d;
}

void nn__norm_add(nn_param_adder *a, const char *name, uint32_t *w, uint32_t *b)
{
    const nn_text_config *c = &a->m->cfg.text;
    char full[NN_MAX_NAME];
    *w = *b = NN_NO_PARAM;
    snprintf(full, sizeof full, "%s.weight", name);
    if (!c->bare_norm)
        *w = nn_param_add(a, full, nn_vec(a->m->cfg.dim), (nn_shape) { 0 }, false, NN_INIT_ONE);
    snprintf(full, sizeof full, "%s.bias", name);
    if (!c->bare_norm && !c->rms_norm)
        *b = nn_param_add(a, full, nn_vec(a->m->cfg.dim), (nn_shape) { 0 }, false, NN_INIT_ZERO);
}

static void add_norm(nn_param_adder *a, uint32_t l, const char *name, uint32_t *w, uint32_t *b)
{
    char full[NN_MAX_NAME];
    snprintf(full, sizeof full, "blocks.%u.%s", l, name);
    nn__norm_add(a, full, w, b);
}

static uint32_t add_bias(nn_param_adder *a, uint32_t l, const char *name, uint32_t n, bool is_there)
{
    return is_there ? add(a, l, name, nn_vec(n), false, NN_INIT_ZERO) : NN_NO_PARAM;
}

// Has a model such biases? Only a causal language model may be without.
static bool has_bias(const nn_model_config *c, bool is_named)
{
    return c->type != NN_MODEL_CAUSAL || is_named;
}

static void add_mixer(nn_param_adder *a, uint32_t l)
{
    nn_block *b = &a->m->block[l];
    const nn_model_config *c = &a->m->cfg;
    nn_mixer_param p[NN_MAX_MIXER_PARAMS];
    const nn_mixer_dims d = nn_model_mixer_dims(a->m, l);
    b->n_mixer_p = b->mixer->params(&d, p);
    for (uint32_t i = 0; i < b->n_mixer_p; i++) {
        char name[NN_MAX_NAME];
        snprintf(name, sizeof name, "attn.%s", p[i].name);
        b->mixer_p[i] = add(a, l, name, p[i].shape, p[i].decay, p[i].init);
    }
    b->proj_w = add(a, l, "attn.proj.weight", nn_mat(c->dim, nn_mixer_width(&d)), true, NN_INIT_NORMAL);
    b->proj_b = add_bias(a, l, "attn.proj.bias", c->dim, has_bias(c, c->text.proj_bias));
    b->attn_params = a->m->params;
}

static void add_mlp(nn_param_adder *a, uint32_t l)
{
    nn_block *b = &a->m->block[l];
    const nn_model_config *c = &a->m->cfg;
    const uint32_t in = c->swiglu ? 2 * c->hidden : c->hidden;
    const bool is_biased = has_bias(c, c->text.mlp_bias);
    add_norm(a, l, "norm2", &b->norm2_w, &b->norm2_b);
    b->fc1_w = add(a, l, "mlp.fc1.weight", nn_mat(in, c->dim), true, NN_INIT_NORMAL);
    b->fc1_b = add_bias(a, l, "mlp.fc1.bias", in, is_biased);
    if (c->mlp_norm) {
        b->mlp_norm_w = add(a, l, "mlp.norm.weight", nn_vec(c->hidden), false, NN_INIT_ONE);
        b->mlp_norm_b = add(a, l, "mlp.norm.bias", nn_vec(c->hidden), false, NN_INIT_ZERO);
    }
    b->fc2_w = add(a, l, "mlp.fc2.weight", nn_mat(c->dim, c->hidden), true, NN_INIT_NORMAL);
    b->fc2_b = add_bias(a, l, "mlp.fc2.bias", c->dim, is_biased);
    if (c->layer_scale)
        b->ls2 = add(a, l, "ls2.gamma", nn_vec(c->dim), false, NN_INIT_SMALL);
}

void nn__model_add_block(nn_param_adder *a, uint32_t l)
{
    nn_block *b = &a->m->block[l];
    const uint32_t C = a->m->cfg.dim;
    add_norm(a, l, "norm1", &b->norm1_w, &b->norm1_b);
    add_mixer(a, l);
    if (a->m->cfg.layer_scale)
        b->ls1 = add(a, l, "ls1.gamma", nn_vec(C), false, NN_INIT_SMALL);
    add_mlp(a, l);
}
