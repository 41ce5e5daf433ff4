// vit_load.c — the weights of a model folder, of any supported format, into the parameters of its model.
#include "nn/models/vit/vit.h"

#include "nn/models/vit/class_vectors.h"
#include "nn/base/files.h"
#include "nn/base/name_list.h"
#include "nn/models/config/tensor_naming.h"
#include "nn/models/vit/positions.h"
#include "nn/checkpoint/safetensors.h"
#include "nn/models/vit/vit_impl.h"
#include "nn/checkpoint/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {              // a tensor and where it goes
    const nn_st_tensor *t;
    uint32_t index, part, parts;    // a parameter, or rows part / parts of it
    bool     is_transposed;
    uint64_t skip;                  // elements of the tensor before those that are loaded
} entry;

typedef struct loading {
    nn_model *model;
    const nn_weights *w;
    entry    *plan;                 // (n)
    size_t    n;
    uint32_t *parts;                // (params->n) bits of the parts that are there
    const nn_st_tensor *folded;     // positions of which the first goes into the class token; NULL = none
    const nn_st_tensor *first;      // of those without a place
    bool      is_clip;              // a text side may lie beside
    nn_naming naming;
    nn_name_list unknown, missing;
    nn_faults *faults;
} loading;

static bool find(const loading *l, const char *ours, uint32_t *index)
{
    const bool is_more = strcmp(ours, "@more") == 0, is_pool = strncmp(ours, "@pool.", 6) == 0;
    const nn_model_config *c = &l->model->cfg;
    *index = is_more ? nn_vit_of(l->model)->more : nn_vit_of(l->model)->map.q_w;
    if (is_pool)                    // where the first of two goes
        return c->pool == NN_POOL_MAP;
    return is_more ? nn__vit_more(c) > 0 : nn_params_find(l->model->params, ours, index);
}

// The shape that a tensor must have, which may leave out ones in front and has the rows of one part.
static bool is_shaped(const nn_st_tensor *t, const nn_param *p, const nn_tensor_name *name)
{
    uint64_t want[NN_MAX_RANK] = { 0 };
    uint32_t rank = p->saved.rank, skip = 0;
    for (uint32_t i = 0; i < rank; i++)
        want[i] = p->saved.dim[i];
    if (name->is_transposed && rank == 2) {
        want[0] = p->saved.dim[1];
        want[1] = p->saved.dim[0];
    }
    if (want[0] % name->parts)
        return false;
    want[0] /= name->parts;
    while (skip < rank && rank - skip > t->rank && want[skip] == 1)
        skip++;
    return t->rank == rank - skip && memcmp(t->shape, want + skip, t->rank * sizeof want[0]) == 0;
}

static vkc_status fail_shape(const nn_st_tensor *t, const nn_param *p, const nn_tensor_name *name)
{
    char want[64] = "", have[64] = "";
    for (uint32_t i = 0; i < p->saved.rank; i++) {
        const size_t at = strlen(want);
        snprintf(want + at, sizeof want - at, i ? ", %u" : "%u", p->saved.dim[i]);
    }
    for (uint32_t i = 0; i < t->rank && i < 6; i++) {
        const size_t at = strlen(have);
        snprintf(have + at, sizeof have - at, i ? ", %llu" : "%llu", (unsigned long long) t->shape[i]);
    }
    if (name->parts > 1)
        return NN_ST_FAIL(VKC_E_FORMAT, t, "is (%s), want one of %u parts of (%s), %s", have, name->parts, want,
                          p->name);
    return NN_ST_FAIL(VKC_E_FORMAT, t, "is (%s), want (%s)", have, want);
}

// The first `len` values of a tensor as float32.
static vkc_status read_first(loading *l, const nn_st_tensor *t, size_t len, float *out)
{
    const vkc_status st = nn_st_tensor_read(t, 0, len, out);
    if (st == VKC_OK)
        nn_faults_scan(l->faults, t, 0, out, len);
    return st;
}

// All of them.
static vkc_status read_all(loading *l, const nn_st_tensor *t, float **out)
{
    *out = (float *) malloc((size_t) t->len * sizeof **out);
    return *out ? read_first(l, t, (size_t) t->len, *out) : VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
}

static vkc_status load_transposed(loading *l, const nn_st_tensor *t, uint32_t index)
{
    const size_t rows = (size_t) t->shape[1], cols = (size_t) t->shape[0];     // of ours
    float *x = NULL, *y = (float *) malloc((size_t) t->len * sizeof *y);
    vkc_status st = y ? read_all(l, t, &x) : VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    for (size_t r = 0; st == VKC_OK && r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            y[r * cols + c] = x[c * rows + r];
    if (st == VKC_OK)
        st = nn_params_write(l->model->params, index, y);
    free(x);
    free(y);
    return st;
}

// Positions of the class token and of the patches, where only patches have some: the first goes into the class token.
static bool is_to_fold(const loading *l, const nn_st_tensor *t, uint32_t index)
{
    const nn_model_config *c = &l->model->cfg;
    const uint32_t rank = t->rank;
    return !c->no_pos && index == nn_vit_of(l->model)->pos && c->bare_prefix && !c->no_class &&
           rank >= 2 && rank <= 3 && (rank == 2 || t->shape[0] == 1) &&
           t->shape[rank - 2] == nn_model_config_patches(c) + 1 && t->shape[rank - 1] == c->dim;
}

static vkc_status load_class_token(loading *l, const nn_st_tensor *t)
{
    const uint32_t C = l->model->cfg.dim;
    float *x = NULL, *first = (float *) malloc(C * sizeof *first);
    vkc_status st = first ? read_all(l, t, &x) : VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    if (st == VKC_OK)
        st = read_first(l, l->folded, C, first);
    for (uint32_t i = 0; st == VKC_OK && i < C; i++)
        x[i] += first[i];
    if (st == VKC_OK)
        st = nn_params_write(l->model->params, nn_vit_of(l->model)->cls, x);
    free(x);
    free(first);
    return st;
}

// Does a tensor fit its place, and is it the only one there?
static vkc_status plan_part(loading *l, const nn_st_tensor *t, const nn_tensor_name *name, uint32_t index)
{
    const nn_param *p = &l->model->params->p[index];
    const bool is_folded = is_to_fold(l, t, index);
    if (!is_folded && !is_shaped(t, p, name))
        return fail_shape(t, p, name);
    const vkc_status st = nn_st_tensor_check(t, t->rank, t->shape);        // of a type that is read
    if (st != VKC_OK)
        return st;
    if (l->parts[index] & 1u << name->part)
        return NN_ST_FAIL(VKC_E_FORMAT, t, "is one of two that are both %s", p->name);
    l->parts[index] |= name->parts == 1 ? ~0u : 1u << name->part;
    l->folded = is_folded ? t : l->folded;
    l->plan[l->n++] = (entry) { t, index, name->part, name->parts, name->is_transposed,
                                is_folded ? l->model->cfg.dim : 0 };
    return VKC_OK;
}

// The query's projection and, behind it, that of keys and values, in one tensor (3 C, C), or their biases (3 C).
static vkc_status plan_pool(loading *l, const nn_st_tensor *t, bool is_weight)
{
    const nn_vit *own = nn_vit_of(l->model);
    const uint64_t C = l->model->cfg.dim, want[2] = { 3 * C, C };
    const uint32_t to[2] = { is_weight ? own->map.q_w : own->map.q_b, is_weight ? own->map.kv_w : own->map.kv_b };
    const vkc_status st = nn_st_tensor_check(t, is_weight ? 2 : 1, want);
    for (uint32_t i = 0; i < 2 && st == VKC_OK; i++) {
        if (l->parts[to[i]])
            return NN_ST_FAIL(VKC_E_FORMAT, t, "is one of two that are both %s", l->model->params->p[to[i]].name);
        l->parts[to[i]] = ~0u;
        l->plan[l->n++] = (entry) { .t = t, .index = to[i], .parts = 1, .skip = i * C * (is_weight ? C : 1) };
    }
    return st;
}

// May a tensor be passed over, being what such models are stored with?
static bool is_left_out(const loading *l, const nn_tensor_name *name)
{
    const nn_pool pool = l->model->cfg.pool;
    if (pool == NN_POOL_RAW_AVG && strncmp(name->ours, "norm.", 5) == 0)        // there, and not read
        return true;
    if (pool == NN_POOL_NORM_AVG &&
        (strncmp(name->ours, "attn_pool.", 10) == 0 || strncmp(name->ours, "@pool.", 6) == 0))
        return true;
    return !*name->ours || (l->is_clip && strcmp(name->ours, "@text") == 0);
}

// BEiT's head of pre-training, by a name that language models have too.
static bool is_masked_head(const loading *l, const char *theirs)
{
    const nn_model_config *c = &l->model->cfg;
    return c->headless && c->no_key_bias && !c->rope.kind && strncmp(theirs, "lm_head.", 8) == 0;
}

static vkc_status plan_all(loading *l)
{
    vkc_status st = VKC_OK;
    for (size_t i = 0; i < nn_weights_len(l->w); i++)
        l->is_clip |= nn_tensor_name_is_clip_image(nn_weights_at(l->w, i)->name + l->naming.skip);
    for (size_t i = 0; i < nn_weights_len(l->w) && st == VKC_OK; i++) {
        const nn_st_tensor *t = nn_weights_at(l->w, i);
        const char *theirs = t->name + l->naming.skip;
        nn_tensor_name name;
        uint32_t index;
        const bool is_none = t->len == 0 && nn__vit_more(&l->model->cfg) == 0;  // DINOv3's registers, of which it has 0
        if (is_masked_head(l, theirs))
            continue;
        if (nn_params_find(l->model->params, theirs, &index))      // ours, whatever the mixer
            name = (nn_tensor_name) { .ours = "", .parts = 1 };
        else if (!nn_tensor_name_get(theirs, &name) ||
                 (!is_left_out(l, &name) && !is_none && !find(l, name.ours, &index))) {
            l->first = l->unknown.n == 0 ? t : l->first;
            nn_name_list_add(&l->unknown, t->name);
            continue;
        } else if (is_left_out(l, &name) || is_none)
            continue;
        if (name.parts == 2 && name.part == 1 && !l->model->cfg.swiglu)     // where nothing is gated the half is all
            name.part = 0, name.parts = 1;
        st = strncmp(name.ours, "@pool.", 6) == 0 ? plan_pool(l, t, strcmp(name.ours, "@pool.weight") == 0) :
                                                     plan_part(l, t, &name, index);
    }
    return st;
}

static vkc_status load_entry(loading *l, const entry *e)
{
    vkc_slice to = nn_params_value(l->model->params, e->index);
    if (e->is_transposed)
        return load_transposed(l, e->t, e->index);
    if (l->folded && e->index == nn_vit_of(l->model)->cls && !l->model->cfg.no_class)
        return load_class_token(l, e->t);
    to.size /= e->parts;
    to.offset += e->part * to.size;
    return nn_weights_upload(l->model->dev, e->t, e->skip, to, l->faults);
}

// May a parameter be zero because the model that it comes from has no such thing?
static bool is_zero(const loading *l, uint32_t index)
{
    const nn_model_config *c = &l->model->cfg;
    const bool is_projection = !c->headless && (c->outputs_embedding || c->projection_dim);     // CLIP's
    return (c->no_qkv_bias && strstr(l->model->params->p[index].name, ".attn.qkv.bias")) ||
           (c->no_patch_bias && !c->pre_norm && index == nn_vit_of(l->model)->patch_b) ||
           (is_projection && index == nn_vit_of(l->model)->head_b);
}

static vkc_status check_whole(loading *l)
{
    const nn_params *ps = l->model->params;
    for (uint32_t i = 0; i < ps->n; i++) {
        const bool is_qkv = strstr(ps->p[i].name, ".attn.qkv.") != NULL,
                   is_gated = strstr(ps->p[i].name, ".mlp.fc1.") != NULL;
        const bool is_bias = is_qkv && strstr(ps->p[i].name, ".bias") != NULL;
        const uint32_t all = is_bias && l->model->cfg.no_key_bias ? 5u : is_qkv ? 7u : is_gated ? 3u : 1u;
        if ((l->parts[i] & all) == all || (l->parts[i] == 0 && is_zero(l, i)))
            continue;
        nn_name_list_add(&l->missing, ps->p[i].name);
    }
    if (l->unknown.n == 0 && l->missing.n == 0)
        return VKC_OK;
    if (l->unknown.n == 1 && l->missing.n == 0)
        return NN_ST_FAIL(VKC_E_FORMAT, l->first, "has no place in the model that the config describes");
    char missing[sizeof l->missing.text + 40] = "", unknown[sizeof l->unknown.text + 80] = "";
    if (l->missing.n)
        snprintf(missing, sizeof missing, "%u missing: %s", l->missing.n, nn_name_list_end(&l->missing));
    if (l->unknown.n)
        snprintf(unknown, sizeof unknown, "%u with no place in the model that the config describes: %s", l->unknown.n,
                 nn_name_list_end(&l->unknown));
    return VKC_FAIL(VKC_E_FORMAT, "%s: of its tensors %s%s%s", nn_weights_path(l->w), missing,
                    l->missing.n && l->unknown.n ? "; " : "", unknown);
}

// Class vectors turn what the model gave until now into numbers to compare with them.
static vkc_status attach_vectors(nn_model_config *c, const nn_class_vectors *k)
{
    if (c->projection_dim)
        return VKC_FAIL(VKC_E_ARG, "%s: the model has class vectors already", k->path);
    if (k->dim != c->classes)
        return VKC_FAIL(VKC_E_FORMAT, "%s: class vectors of %u numbers for a model that gives %u", k->path, k->dim,
                        c->classes);
    if (nn_model_config_has_scores(c) && c->labels)
        return VKC_FAIL(VKC_E_ARG, "%s: the model is a classifier and needs no class vectors", k->path);
    c->projection_dim = c->classes;
    c->classes = k->classes;
    c->outputs_embedding = false;
    c->scores = k->has_bias ? NN_SCORES_SIGMOID : NN_SCORES_SOFTMAX;       // of the products with the vectors
    return k->labels ? nn_model_config_set_labels(c, (const char *const *) k->labels, k->classes) : VKC_OK;
}

// Of the file that is named, or of the folder's own; none of these: k->classes stays 0.
static vkc_status load_vectors(const char *dir, const char *file, nn_model_config *c, nn_class_vectors *k)
{
    char path[NN_PATH_MAX], folder[NN_WEIGHTS_MAX_PLACE];
    vkc_status st = nn_weights_get_folder(dir, folder);
    if (st == VKC_OK)
        st = nn_path_build(path, folder, NN_CLASS_VECTORS_FILE);
    if (st != VKC_OK || (!file && !nn_is_file(path)))
        return st;
    st = nn_class_vectors_load(file ? file : path, k);
    return st == VKC_OK ? attach_vectors(c, k) : st;
}

static vkc_status write_vectors(nn_model *m, const nn_class_vectors *k)
{
    vkc_status st = k->classes ? nn_params_write(m->params, nn_vit_of(m)->vectors, k->scaled) : VKC_OK;
    if (st != VKC_OK || !k->has_bias)
        return st;
    float *bias = (float *) malloc(k->classes * sizeof *bias);
    if (!bias)
        return VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    for (uint32_t i = 0; i < k->classes; i++)
        bias[i] = k->bias;
    st = nn_params_write(m->params, nn_vit_of(m)->vectors_b, bias);
    free(bias);
    return st;
}

// The model at the size that its files are for.
static vkc_status load_stored(vkc_device *dev, const nn_weights *w, const nn_model_config *cfg,
                              const nn_class_vectors *k, bool trainable, nn_faults *faults, nn_model **out)
{
    loading l = { .w = w };
    nn_faults own = { 0 };
    vkc_status st;
    l.faults = faults ? faults : &own;
    VKC_TRY(nn__model_create_empty(dev, cfg, &l.model));
    l.naming = nn_naming_find(w, l.model->params, &l.model->cfg);
    l.parts = (uint32_t *) calloc(l.model->params->n, sizeof *l.parts);
    l.plan = (entry *) malloc((2 * nn_weights_len(w) + 1) * sizeof *l.plan);
    if (!l.parts || !l.plan) {
        st = VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
        goto done;
    }
    if (k->classes)
        l.parts[nn_vit_of(l.model)->vectors] = ~0u;
    if (k->classes && k->has_bias)
        l.parts[nn_vit_of(l.model)->vectors_b] = ~0u;
    VKC_TRY(plan_all(&l));
    VKC_TRY(check_whole(&l));
    VKC_TRY(nn_params_alloc(l.model->params, trainable));       // not before all that the config claims is there
    VKC_TRY(write_vectors(l.model, k));
    for (size_t i = 0; i < l.n; i++)
        VKC_TRY(load_entry(&l, &l.plan[i]));
    if (!faults)
        VKC_TRY(nn_faults_check(l.faults, nn_weights_path(w)));
    nn__model_note_entry(w, &l.model->cfg);
    *out = l.model;
    l.model = NULL;
done:
    free(l.plan);
    free(l.parts);
    nn_model_destroy(l.model);
    return st;
}

vkc_status nn__vit_load(vkc_device *dev, const char *dir, const nn_model_config *config, const nn_model_load_params *p,
                        nn_model **out)
{
    vkc_status st;
    nn_model_config cfg = { 0 };
    nn_class_vectors k = { 0 };
    nn_weights *w = NULL;
    nn_model *m = NULL;
    nn_size size = p->size;
    VKC_TRY(nn_model_config_copy(config, &cfg));
    VKC_TRY(load_vectors(dir, p->class_vectors, &cfg, &k));
    if (size.height == 0)
        size = (nn_size) { cfg.height, cfg.width };
    VKC_TRY(nn_weights_load(dir, &w));
    nn__vit_find_stored(w, size, &cfg);
    VKC_TRY(nn_model_config_set_size(&cfg, cfg.stored));
    cfg.stored = (nn_size) { 0, 0 };
    const bool is_same = size.height == cfg.height && size.width == cfg.width;
    VKC_TRY(load_stored(dev, w, &cfg, &k, p->trainable && is_same, p->faults, &m));
    if (!is_same) {
        st = nn_model_create_at(m, size, p->trainable, out);
        goto done;
    }
    *out = m;
    m = NULL;
done:
    nn_model_destroy(m);
    nn_weights_destroy(w);
    nn_class_vectors_finish(&k);
    nn_model_config_finish(&cfg);
    return st;
}
