// model_weights.c — weights under the parameters' own names: read into a model, written from one.
#include "nn/models/model_kind.h"

#include <stdlib.h>

#include "nn/base/name_list.h"
#include "nn/checkpoint/weights.h"

static vkc_status check_names(const nn_params *ps, const nn_weights *w)
{
    nn_name_list unknown = { 0 };
    for (size_t i = 0; i < nn_weights_len(w); i++) {
        uint32_t index;
        if (!nn_params_find(ps, nn_weights_at(w, i)->name, &index))
            nn_name_list_add(&unknown, nn_weights_at(w, i)->name);
    }
    if (unknown.n)
        return VKC_FAIL(VKC_E_FORMAT, "%s: of its tensors %u with no place in the model that the config describes: %s",
                        nn_weights_path(w), unknown.n, nn_name_list_end(&unknown));
    for (uint32_t i = 0; i < ps->n; i++) {
        const nn_st_tensor *t = nn_weights_get(w, ps->p[i].name);
        const nn_shape *want = &ps->p[i].saved;
        uint64_t dim[NN_MAX_RANK];
        if (!t)
            return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s is missing", nn_weights_path(w), ps->p[i].name);
        for (uint32_t k = 0; k < want->rank; k++)
            dim[k] = want->dim[k];
        const vkc_status st = nn_st_tensor_check(t, want->rank, dim);
        if (st != VKC_OK)
            return st;
    }
    return VKC_OK;
}

void nn__model_note_entry(const nn_weights *w, nn_model_config *c)
{
    const nn_torch_notes *notes = nn_weights_notes(w);
    if (notes && *notes->others)
        nn_model_config_note(c, "%s: the weights under %s are read; there are others under %s (--checkpoint-key, "
                             "MODEL#KEY)", nn_weights_path(w), *notes->key ? notes->key : "no entry", notes->others);
}

vkc_status nn__model_load_as_named(vkc_device *dev, const char *dir, const nn_model_config *cfg,
                                   const nn_model_load_params *p, nn_model **out)
{
    nn_weights *w = NULL;
    nn_model *m = NULL;
    nn_faults own = { 0 }, *faults = p->faults ? p->faults : &own;
    vkc_status st;
    if (p->size.height || p->class_vectors)
        return VKC_FAIL(VKC_E_ARG, "%s: a model that reads no pictures has no picture size and no class vectors", dir);
    VKC_TRY(nn_weights_load(dir, &w));
    VKC_TRY(nn__model_create_empty(dev, cfg, &m));
    VKC_TRY(check_names(m->params, w));
    VKC_TRY(nn_params_alloc(m->params, p->trainable));      // not before all that the config claims is there
    for (uint32_t i = 0; i < m->params->n; i++)
        VKC_TRY(nn_weights_upload(dev, nn_weights_get(w, m->params->p[i].name), 0, nn_params_value(m->params, i),
                                  faults));
    if (!p->faults)
        VKC_TRY(nn_faults_check(faults, nn_weights_path(w)));
    nn__model_note_entry(w, &m->cfg);
    *out = m;
    m = NULL;
done:
    nn_model_destroy(m);
    nn_weights_destroy(w);
    return st;
}

vkc_status nn__model_save_as_named(const nn_model *m, const char *path)
{
    const nn_params *ps = m->params;
    nn_st_save *t = (nn_st_save *) calloc(ps->n, sizeof *t);
    float *all = (float *) malloc(nn_params_count(ps) * sizeof *all), *at = all;
    vkc_status st = t && all ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
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
