// causal_load.c — the weights of a causal language model, from and to files of transformers'.
#include "nn/models/causal/causal_impl.h"

#include <stdlib.h>
#include <string.h>

#include "nn/base/name_list.h"
#include "nn/checkpoint/safetensors.h"
#include "nn/checkpoint/weights.h"

typedef struct loading {
    vkc_device *dev;
    nn_model   *model;
    const nn_weights *w;
    uint32_t   *seen;               // (params->n) rows of each that are there; ROWS_ALL
    nn_faults  *faults;
} loading;
#define ALL_ROWS UINT32_MAX

// The values of one row of a parameter.
static uint32_t row_len(const nn_param *p)
{
    return p->shape.rank > 1 ? p->shape.dim[1] : 1;
}

static vkc_status check_shape(const nn_param *p, const nn_causal_place *at, const nn_st_tensor *t)
{
    const uint64_t rows = at->rows ? at->rows : p->shape.dim[0];
    const uint64_t want[2] = { at->is_transposed ? row_len(p) : rows, at->is_transposed ? rows : row_len(p) };
    return nn_st_tensor_check(t, p->shape.rank, want);
}

static vkc_status load_transposed(const loading *l, const nn_st_tensor *t, uint32_t index)
{
    const size_t rows = (size_t) t->shape[1], cols = (size_t) t->shape[0];     // of ours
    float *x = (float *) malloc((size_t) t->len * sizeof *x), *y = (float *) malloc((size_t) t->len * sizeof *y);
    vkc_status st = x && y ? nn_st_tensor_read(t, 0, (size_t) t->len, x)
                           : VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    if (st == VKC_OK) {
        nn_faults_scan(l->faults, t, 0, x, (size_t) t->len);
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < cols; c++)
                y[r * cols + c] = x[c * rows + r];
        st = nn_params_write(l->model->params, index, y);
    }
    free(x);
    free(y);
    return st;
}

// Where a tensor goes: false = nowhere, and that is right.
static bool find(const loading *l, const nn_st_tensor *t, nn_causal_place *at, uint32_t *index, nn_name_list *unknown)
{
    const nn_model_config *c = &l->model->cfg;
    if (!nn__causal_place_get(c, t->name, at)) {
        nn_name_list_add(unknown, t->name);
        return false;
    }
    if (!*at->name || (c->text.tied && strcmp(at->name, "head.weight") == 0))
        return false;
    if (nn_params_find(l->model->params, at->name, index))
        return true;
    nn_name_list_add(unknown, t->name);
    return false;
}

static vkc_status plan(loading *l)
{
    const nn_params *ps = l->model->params;
    nn_name_list unknown = { 0 }, missing = { 0 };
    for (size_t i = 0; i < nn_weights_len(l->w); i++) {
        const nn_st_tensor *t = nn_weights_at(l->w, i);
        nn_causal_place at;
        uint32_t index;
        if (!find(l, t, &at, &index, &unknown))
            continue;
        const uint32_t rows = at.rows ? at.rows : ps->p[index].shape.dim[0];
        const vkc_status st = check_shape(&ps->p[index], &at, t);
        if (st != VKC_OK)
            return st;
        l->seen[index] += rows;
    }
    if (unknown.n)
        return VKC_FAIL(VKC_E_FORMAT, "%s: of its tensors %u with no place in the model that the config describes: %s",
                        nn_weights_path(l->w), unknown.n, nn_name_list_end(&unknown));
    for (uint32_t i = 0; i < ps->n; i++)
        if (l->seen[i] != ps->p[i].shape.dim[0])
            nn_name_list_add(&missing, ps->p[i].name);
    if (missing.n)
        return VKC_FAIL(VKC_E_FORMAT, "%s: %u parameters are missing, in part or there twice: %s",
                        nn_weights_path(l->w), missing.n, nn_name_list_end(&missing));
    return VKC_OK;
}

static vkc_status read_all(const loading *l)
{
    nn_params *ps = l->model->params;
    nn_name_list unused = { 0 };
    vkc_status st = VKC_OK;
    for (size_t i = 0; i < nn_weights_len(l->w) && st == VKC_OK; i++) {
        const nn_st_tensor *t = nn_weights_at(l->w, i);
        nn_causal_place at;
        uint32_t index;
        if (!find(l, t, &at, &index, &unused))
            continue;
        vkc_slice to = nn_params_value(ps, index);
        const size_t row = row_len(&ps->p[index]) * sizeof(float);
        if (at.rows) {
            to.offset += at.row * row;
            to.size = at.rows * row;
        }
        st = at.is_transposed ? load_transposed(l, t, index) : nn_weights_upload(l->dev, t, 0, to, l->faults);
    }
    return st;
}

vkc_status nn__causal_load(vkc_device *dev, const char *dir, const nn_model_config *cfg, const nn_model_load_params *p,
                           nn_model **out)
{
    nn_weights *w = NULL;
    nn_model *m = NULL;
    nn_faults own = { 0 };
    loading l = { .dev = dev, .faults = p->faults ? p->faults : &own };
    vkc_status st;
    for (uint32_t k = 0; k < cfg->depth; k++)       // others see what comes later
        if (nn_mixer_of(&cfg->layers[k]) != nn_mixer_default())
            return VKC_FAIL(VKC_E_FORMAT, "%s: layer %u has mixer %s; language models have attention alone so far",
                            dir, k, cfg->layers[k].mixer);
    if (p->size.height || p->class_vectors)
        return VKC_FAIL(VKC_E_ARG, "%s: a model that reads no pictures has no picture size and no class vectors", dir);
    VKC_TRY(nn_weights_load(dir, &w));
    VKC_TRY(nn__model_create_empty(dev, cfg, &m));
    l.model = m;
    l.w = w;
    l.seen = (uint32_t *) calloc(m->params->n, sizeof *l.seen);
    if (!l.seen) {
        st = VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
        goto done;
    }
    VKC_TRY(plan(&l));
    VKC_TRY(nn_params_alloc(m->params, p->trainable));      // not before all that the config claims is there
    VKC_TRY(read_all(&l));
    if (!p->faults)
        VKC_TRY(nn_faults_check(l.faults, nn_weights_path(w)));
    nn__model_note_entry(w, &m->cfg);
    *out = m;
    m = NULL;
done:
    free(l.seen);
    nn_model_destroy(m);
    nn_weights_destroy(w);
    return st;
}

typedef struct saving {
    nn_st_save *t;
    char      (*name)[NN_MAX_NAME];
    size_t      n, cap;
    float      *all, *turned;       // values of all parameters, and of those the other way round
} saving;

// The tensors that parameter i is in files of the family; its values are at `x`.
static vkc_status add_parts(saving *s, const nn_model *m, uint32_t i, const float *x, float **turned)
{
    const nn_param *p = &m->params->p[i];
    const size_t cols = row_len(p);
    nn_causal_place at;
    for (uint32_t part = 0; s->n < s->cap && nn__causal_name_get(&m->cfg, p->name, part, &at, s->name[s->n]); part++) {
        const size_t rows = at.rows ? at.rows : p->shape.dim[0];
        nn_st_save *t = &s->t[s->n];
        *t = (nn_st_save) { .name = s->name[s->n], .dtype = NN_ST_F32, .rank = p->shape.rank,
                            .data = x + at.row * cols };
        t->shape[0] = at.is_transposed ? cols : rows;
        t->shape[1] = at.is_transposed ? rows : cols;
        if (at.is_transposed) {
            for (size_t r = 0; r < rows; r++)
                for (size_t c = 0; c < cols; c++)
                    (*turned)[c * rows + r] = x[(at.row + r) * cols + c];
            t->data = *turned;
            *turned += rows * cols;
        }
        s->n++;
    }
    return at.name[0] ? VKC_OK : VKC_FAIL(VKC_E_UNSUPPORTED, "model: files of its family have no tensor %s", p->name);
}

vkc_status nn__causal_save_weights(const nn_model *m, const char *path)
{
    const nn_params *ps = m->params;
    const size_t len = (size_t) nn_params_count(ps);
    saving s = { .cap = 3 * (size_t) ps->n };
    s.t = (nn_st_save *) calloc(s.cap, sizeof *s.t);
    s.name = (char (*)[NN_MAX_NAME]) calloc(s.cap, sizeof *s.name);
    s.all = (float *) malloc(len * sizeof *s.all);
    s.turned = (float *) malloc(len * sizeof *s.turned);
    vkc_status st = s.t && s.name && s.all && s.turned ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    float *at = s.all, *turned = s.turned;
    for (uint32_t i = 0; i < ps->n && st == VKC_OK; i++) {
        st = nn_params_read(ps, i, at);
        if (st == VKC_OK)
            st = add_parts(&s, m, i, at, &turned);
        at += nn_shape_len(&ps->p[i].shape);
    }
    if (st == VKC_OK)
        st = nn_safetensors_save(path, s.t, s.n, NULL, 0);
    free(s.t);
    free(s.name);
    free(s.all);
    free(s.turned);
    return st;
}
