// prune.c — which units are kept, and the model without the others.
#include "distill/prune/prune.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/mixers/streams.h"

// A mixer's parameters on the host, in its order.
typedef struct weights {
    float   *p[NN_MAX_MIXER_PARAMS];
    uint32_t n;
} weights;

static void free_weights(weights *w)
{
    for (uint32_t i = 0; i < w->n; i++)
        free(w->p[i]);
    *w = (weights) { .n = 0 };
}

static vkc_status alloc_weights(const nn_model *m, uint32_t l, weights *w)
{
    const nn_block *b = &m->block[l];
    *w = (weights) { .n = b->n_mixer_p };
    for (uint32_t i = 0; i < w->n; i++) {
        w->p[i] = (float *) malloc(nn_shape_len(&b->attn_params->p[b->mixer_p[i]].shape) * sizeof(float));
        if (!w->p[i])
            return VKC_FAIL(VKC_E_NOMEM, "prune: out of host memory");
    }
    return VKC_OK;
}

static vkc_status read_weights(const nn_model *m, uint32_t l, weights *w)
{
    const nn_block *b = &m->block[l];
    vkc_status st = alloc_weights(m, l, w);
    for (uint32_t i = 0; i < w->n && st == VKC_OK; i++)
        st = nn_params_read(b->attn_params, b->mixer_p[i], w->p[i]);
    return st;
}

// Norms of the units of layer l on the heap, and how many streams.
static vkc_status read_norms(const nn_model *m, uint32_t l, weights *w, double **norm, uint32_t *streams)
{
    const nn_mixer_dims d = nn_model_mixer_dims(m, l);
    const nn_mixer_units *u = m->block[l].mixer->units;
    *streams = nn_streams(&d);
    vkc_status st = read_weights(m, l, w);
    if (st != VKC_OK)
        return st;
    *norm = (double *) malloc((size_t) *streams * u->count(&d) * sizeof **norm);
    if (!*norm)
        return VKC_FAIL(VKC_E_NOMEM, "prune: out of host memory");
    u->norms(&d, (const float *const *) w->p, *norm);
    for (size_t i = 0; i < (size_t) *streams * u->count(&d); i++)
        if (!isfinite((*norm)[i]))
            return VKC_FAIL(VKC_E_CHECK, "prune: layer %u has weights that are not finite", l);
    return VKC_OK;
}

static uint32_t round_up(uint32_t n, uint32_t multiple, uint32_t most)
{
    n = (n + multiple - 1) / multiple * multiple;
    return n < 1 ? 1 : n > most ? most : n;
}

static vkc_status count_layer(const nn_model *m, uint32_t l, const distill_prune_params *p, distill_prune_layer *out)
{
    const nn_mixer_dims d = nn_model_mixer_dims(m, l);
    const uint32_t U = m->block[l].mixer->units->count(&d), multiple = p->multiple ? p->multiple : 4;
    weights w = { .n = 0 };
    double *norm = NULL;
    uint32_t streams, need = 0;
    vkc_status st;
    *out = (distill_prune_layer) { .units = U, .least = HUGE_VAL };
    VKC_TRY(read_norms(m, l, &w, &norm, &streams));
    for (uint32_t s = 0; s < streams; s++) {
        const double *n = norm + (size_t) s * U;
        double top = 0;
        uint32_t strong = 0;
        for (uint32_t r = 0; r < U; r++) {
            top = fmax(top, n[r]);
            out->least = fmin(out->least, n[r]);
        }
        for (uint32_t r = 0; r < U; r++)
            strong += n[r] > 0 && n[r] >= p->threshold * top;
        need = strong > need ? strong : need;
        out->most = fmax(out->most, top);
    }
    if (p->keep > 0)
        need = (uint32_t) ceil(p->keep * U - 1e-9);
    out->kept = round_up(need ? need : 1, multiple, U);
done:
    free(norm);
    free_weights(&w);
    return st;
}

vkc_status distill_prune_count(const nn_model *m, const distill_prune_params *p, distill_prune_layer *layer)
{
    bool any = false;
    vkc_status st = VKC_OK;
    if (!(p->threshold >= 0 && p->threshold < 1) || !(p->keep >= 0 && p->keep <= 1))
        return VKC_FAIL(VKC_E_ARG, "prune: a threshold of %g and a share of %g, want 0 to 1", p->threshold, p->keep);
    for (uint32_t l = 0; l < m->cfg.depth && st == VKC_OK; l++) {
        layer[l] = (distill_prune_layer) { 0 };
        if (!m->block[l].mixer->units)
            continue;
        any = true;
        st = count_layer(m, l, p, &layer[l]);
    }
    if (st == VKC_OK && !any)
        st = VKC_FAIL(VKC_E_ARG, "prune: no layer of the model has hidden units that could be cut out");
    return st;
}

// Option `key` of a layer becomes `n`.
static vkc_status set_number(nn_layer_config *layer, const char *key, uint32_t n)
{
    char options[sizeof layer->options] = "";
    size_t len = 0, key_len = strlen(key);
    for (const char *at = layer->options; *at;) {
        const size_t whole = strcspn(at, ",");
        if (!(strncmp(at, key, key_len) == 0 && at[key_len] == '=')) {
            memcpy(options + len, at, whole);
            len += whole;
            options[len++] = ',';
        }
        at += whole + (at[whole] == ',');
    }
    const int more = snprintf(options + len, sizeof options - len, "%s=%u", key, n);
    if (more < 0 || len + (size_t) more >= sizeof options)
        return VKC_FAIL(VKC_E_ARG, "prune: the options of %s do not fit", layer->mixer);
    memcpy(layer->options, options, sizeof options);
    return VKC_OK;
}

// The n units of each stream with the largest norms, in their order.
static void choose(const double *norm, uint32_t streams, uint32_t U, uint32_t n, uint32_t *kept)
{
    for (uint32_t s = 0; s < streams; s++) {
        const double *x = norm + (size_t) s * U;
        uint32_t at = 0;
        for (uint32_t r = 0; r < U; r++) {
            uint32_t better = 0;
            for (uint32_t q = 0; q < U; q++)
                better += x[q] > x[r] || (x[q] == x[r] && q < r);
            if (better < n)
                kept[(size_t) s * n + at++] = r;
        }
    }
}

static vkc_status cut_layer(const nn_model *m, uint32_t l, uint32_t n, nn_model *out)
{
    const nn_mixer_dims from = nn_model_mixer_dims(m, l), to = nn_model_mixer_dims(out, l);
    const nn_mixer_units *u = m->block[l].mixer->units;
    weights w = { .n = 0 }, less = { .n = 0 };
    double *norm = NULL;
    uint32_t *kept = NULL, streams;
    vkc_status st;
    VKC_TRY(read_norms(m, l, &w, &norm, &streams));
    VKC_TRY(alloc_weights(out, l, &less));
    kept = (uint32_t *) malloc((size_t) streams * n * sizeof *kept);
    if (!kept) {
        st = VKC_FAIL(VKC_E_NOMEM, "prune: out of host memory");
        goto done;
    }
    choose(norm, streams, u->count(&from), n, kept);
    u->cut(&from, &to, kept, (const float *const *) w.p, less.p);
    for (uint32_t i = 0; i < less.n; i++)
        VKC_TRY(nn_params_write(out->params, out->block[l].mixer_p[i], less.p[i]));
done:
    free(kept);
    free(norm);
    free_weights(&w);
    free_weights(&less);
    return st;
}

static vkc_status copy_rest(const nn_model *m, const distill_prune_layer *layer, nn_model *out)
{
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < out->params->n && st == VKC_OK; i++) {
        const nn_param *p = &out->params->p[i];
        unsigned l;
        int end = 0;
        uint32_t k;
        const bool is_cut = sscanf(p->name, "blocks.%u.attn.%n", &l, &end) == 1 && end > 0 && layer[l].units &&
                            strncmp(p->name + end, "proj.", 5) != 0;
        if (is_cut)
            continue;
        if (!nn_params_find(m->params, p->name, &k) || nn_shape_len(&m->params->p[k].shape) != nn_shape_len(&p->shape))
            return VKC_FAIL(VKC_E_ARG, "prune: no value for %s", p->name);
        float *x = (float *) malloc(nn_shape_len(&p->shape) * sizeof *x);
        st = x ? nn_params_read(m->params, k, x) : VKC_FAIL(VKC_E_NOMEM, "prune: out of host memory");
        if (st == VKC_OK)
            st = nn_params_write(out->params, i, x);
        free(x);
    }
    return st;
}

vkc_status distill_prune(const nn_model *m, const distill_prune_layer *layer, nn_model **out)
{
    nn_model_config cfg = { 0 };
    nn_model *p = NULL;
    vkc_status st;
    VKC_TRY(nn_model_config_copy(&m->cfg, &cfg));
    json_decref(cfg.provenance);
    json_decref(cfg.measured);
    cfg.provenance = cfg.measured = NULL;
    for (uint32_t l = 0; l < cfg.depth; l++) {
        const nn_mixer_units *u = m->block[l].mixer->units;
        if (!layer[l].units)
            continue;
        if (!u || !layer[l].kept || layer[l].kept > layer[l].units) {
            st = VKC_FAIL(VKC_E_ARG, "prune: layer %u cannot keep %u of %u units", l, layer[l].kept, layer[l].units);
            goto done;
        }
        VKC_TRY(set_number(&cfg.layers[l], u->key, layer[l].kept));
    }
    VKC_TRY(nn_model_create(m->dev, &cfg, true, &p));
    VKC_TRY(copy_rest(m, layer, p));
    for (uint32_t l = 0; l < cfg.depth; l++)
        if (layer[l].units)
            VKC_TRY(cut_layer(m, l, layer[l].kept, p));
    *out = p;
    p = NULL;
done:
    nn_model_destroy(p);
    nn_model_config_finish(&cfg);
    return st;
}
