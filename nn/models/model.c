// model.c — a model made from its config, filled, copied from, freed.
#include "nn/models/model.h"

#include <stdlib.h>
#include <string.h>

#include "nn/models/model_kind.h"

static vkc_status alloc_own(nn_model *m)
{
    m->kind = nn_model_kind_of(&m->cfg);
    m->own = m->kind->own_size ? calloc(1, m->kind->own_size) : NULL;
    return m->own || !m->kind->own_size ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
}

// The mixers that the config names, each with all its options.
static vkc_status find_mixers(nn_model *m)
{
    m->block = (nn_block *) calloc(m->cfg.depth, sizeof *m->block);
    if (!m->block)
        return VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    for (uint32_t l = 0; l < m->cfg.depth; l++) {
        const vkc_status st = nn_mixer_check(&m->cfg.layers[l], &m->block[l].mixer, &m->block[l].options);
        if (st != VKC_OK)
            return st;
        m->block[l].layer = m->cfg.layers[l];
    }
    return VKC_OK;
}

static vkc_status add_params(nn_model *m)
{
    nn_param_adder a = { m, VKC_OK };
    m->kind->add_front(&a);
    for (uint32_t l = 0; l < m->cfg.depth; l++)
        nn__model_add_block(&a, l);
    m->kind->add_back(&a);
    return a.st;
}

uint64_t nn_model_count_params(const nn_model_config *cfg)
{
    nn_model m = { .dev = NULL };
    uint64_t n = 0;
    if (nn_model_config_copy(cfg, &m.cfg) != VKC_OK)
        return 0;
    if (alloc_own(&m) == VKC_OK && find_mixers(&m) == VKC_OK && nn_params_create(NULL, &m.params) == VKC_OK &&
        add_params(&m) == VKC_OK)
        n = nn_params_count(m.params);
    nn_params_destroy(m.params);
    nn_model_config_finish(&m.cfg);
    free(m.block);
    free(m.init);
    free(m.own);
    return n;
}

vkc_status nn__model_create_empty(vkc_device *dev, const nn_model_config *cfg, nn_model **out)
{
    vkc_status st = VKC_OK;
    nn_model *m = (nn_model *) calloc(1, sizeof *m);
    if (!m)
        return VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    m->dev = dev;
    VKC_TRY(nn_model_config_copy(cfg, &m->cfg));
    VKC_TRY(alloc_own(m));
    VKC_TRY(find_mixers(m));
    for (uint32_t l = 0; l < cfg->depth; l++) {
        const nn_mixer *mixer = m->block[l].mixer;
        const nn_mixer_dims d = nn_model_mixer_dims(m, l);
        if (mixer->check)
            VKC_TRY(mixer->check(&d, vkc_device_get_info(dev)));
    }
    VKC_TRY(nn_params_create(dev, &m->params));
    VKC_TRY(add_params(m));
    *out = m;
    m = NULL;
done:
    nn_model_destroy(m);
    return st;
}

vkc_status nn_model_create(vkc_device *dev, const nn_model_config *cfg, bool trainable, nn_model **out)
{
    nn_model *m = NULL;
    vkc_status st = nn__model_create_empty(dev, cfg, &m);
    if (st == VKC_OK)
        st = nn_params_alloc(m->params, trainable);
    if (st == VKC_OK)
        *out = m;
    else
        nn_model_destroy(m);
    return st;
}

void nn_model_destroy(nn_model *m)
{
    if (!m)
        return;
    nn_params_destroy(m->params);
    nn_model_config_finish(&m->cfg);
    free(m->block);
    free(m->init);
    free(m->own);
    free(m);
}

void nn_model_borrow(nn_model *m, const nn_model *from, uint32_t l)
{
    const nn_block *s = &from->block[l];
    nn_block *d = &m->block[l];
    d->mixer = s->mixer;
    d->layer = s->layer;
    d->options = s->options;
    d->attn_params = s->attn_params;
    memcpy(d->mixer_p, s->mixer_p, sizeof d->mixer_p);
    d->n_mixer_p = s->n_mixer_p;
    d->proj_w = s->proj_w;
    d->proj_b = s->proj_b;
}

vkc_status nn_model_init(nn_model *m, uint64_t seed)
{
    for (uint32_t i = 0; i < m->params->n; i++) {
        const nn_param *p = &m->params->p[i];
        float *x = (float *) malloc(nn_shape_len(&p->shape) * sizeof *x);
        if (!x)
            return VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
        nn_init_fill(m->init[i], &p->shape, seed, i, x);
        vkc_status st = nn_params_write(m->params, i, x);
        free(x);
        if (st != VKC_OK)
            return st;
    }
    return VKC_OK;
}

vkc_status nn_model_batch_create(vkc_device *dev, const nn_model_config *cfg, uint32_t cap, nn_batch *out)
{
    uint32_t prefix, h, w;
    nn_model_kind_of(cfg)->grid(cfg, &prefix, &h, &w);
    const uint32_t tokens = nn_model_config_tokens(cfg);
    *out = (nn_batch) { 0 };
    vkc_status st = nn_rows_create(dev, cap, 1, 0, 0, 0, &out->samples);
    if (st == VKC_OK && h > 0)
        st = nn_rows_create(dev, cap, h * w, 0, h, w, &out->patches);
    if (st == VKC_OK)
        st = nn_rows_create(dev, cap, tokens, prefix, h, w, &out->tokens);
    for (uint32_t l = 0; l < cfg->depth && st == VKC_OK; l++) {
        if (!nn_retention_is_made(cfg, l))
            continue;
        st = nn_rows_create(dev, cap, tokens, prefix, h, w, &out->kept[l]);
        if (st == VKC_OK)
            out->kept[l]->is_made = true;
    }
    if (st != VKC_OK)
        nn_batch_finish(out);
    return st;
}

uint32_t nn_model_inputs(const nn_model_config *cfg, nn_model_input out[NN_MAX_INPUTS])
{
    return nn_model_kind_of(cfg)->inputs(cfg, out);
}

uint32_t nn_model_add_inputs(nn_graph *g, const nn_model_config *cfg, const nn_batch *b, nn_tensor *out[NN_MAX_INPUTS])
{
    nn_model_input in[NN_MAX_INPUTS];
    const uint32_t n = nn_model_inputs(cfg, in);
    for (uint32_t i = 0; i < n; i++)
        out[i] = nn_graph_input(g, in[i].name, in[i].shape, in[i].dtype, in[i].is_per_token ? b->tokens : b->samples);
    return n;
}
