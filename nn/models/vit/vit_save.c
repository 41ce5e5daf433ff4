// vit_save.c — the parameters of a model as a safetensors file, under timm's names or,
// where only transformers have such a model, under theirs.
#include "nn/models/vit/vit_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/models/config/model_config_impl.h"
#include "nn/models/config/model_names.h"
#include "nn/checkpoint/safetensors.h"

#define MAX_PARTS 3u                // of a parameter: q, k and v

typedef struct saving {
    const nn_model *model;
    nn_st_save *t;                  // (n), room for all
    char      (*name)[NN_MAX_NAME + 32];
    uint32_t    n;
    float      *all;                // values, one parameter after the other
    float      *pos, *mask;         // of DINOv2: positions with the class token's, and its mask token
} saving;

static nn_st_save *append(saving *s, const char *name, const nn_shape *shape, const float *data)
{
    nn_st_save *t = &s->t[s->n];
    snprintf(s->name[s->n], sizeof s->name[0], "%s", name);
    *t = (nn_st_save) { .name = s->name[s->n++], .dtype = NN_ST_F32, .rank = shape->rank, .data = data };
    for (uint32_t k = 0; k < shape->rank; k++)
        t->shape[k] = shape->dim[k];
    return t;
}

static vkc_status append_parts(saving *s, const nn_param *p, const float *data)
{
    const nn_model_config *c = &s->model->cfg;
    const char *class = c->registers ? "dinov2_with_registers." : "dinov2.";
    const char *ours = strcmp(p->name, "reg_token") == 0 ? "@more" : p->name;
    nn_tensor_name name;
    char theirs[NN_MAX_NAME], full[NN_MAX_NAME + 32];
    uint32_t part = 0;
    for (; nn_tensor_name_dinov2(ours, part, c->swiglu, &name, theirs); part++) {
        nn_shape shape = p->saved;
        shape.dim[0] /= name.parts;
        snprintf(full, sizeof full, "%s%s", strncmp(theirs, "classifier.", 11) == 0 ? "" : class, theirs);
        append(s, full, &shape, data + part * nn_shape_len(&shape));
    }
    return part ? VKC_OK : VKC_FAIL(VKC_E_ARG, "model: transformers have no name for %s", p->name);
}

// The names of timm's Eva and Beit classes: q and v have a bias each, k none; a gated MLP may have two matrices.
static void append_eva(saving *s, const nn_param *p, const float *data)
{
    static const struct { const char *ours, *theirs[3]; uint32_t parts; bool is_split; } rows[] = {
        { ".attn.qkv.bias", { ".attn.q_bias", NULL, ".attn.v_bias" }, 3, true },
        { ".ls1.gamma", { ".gamma_1" }, 1, true }, { ".ls2.gamma", { ".gamma_2" }, 1, true },
        { ".mlp.fc1.weight", { ".mlp.fc1_g.weight", ".mlp.fc1_x.weight" }, 2, false },
        { ".mlp.fc1.bias", { ".mlp.fc1_g.bias", ".mlp.fc1_x.bias" }, 2, false },
    };
    const bool is_split = s->model->cfg.swiglu && (s->model->cfg.mlp_norm || nn__config_is_beit(&s->model->cfg));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *at = strstr(p->name, rows[i].ours);
        nn_shape shape = p->saved;
        if (!at || strcmp(at, rows[i].ours) != 0 || !(rows[i].is_split || is_split))
            continue;
        shape.dim[0] /= rows[i].parts;
        for (uint32_t part = 0; part < rows[i].parts; part++) {
            char full[NN_MAX_NAME + 32];
            snprintf(full, sizeof full, "%.*s%s", (int) (at - p->name), p->name,
                     rows[i].theirs[part] ? rows[i].theirs[part] : "");
            if (rows[i].theirs[part])
                append(s, full, &shape, data + part * nn_shape_len(&shape));
        }
        return;
    }
    append(s, p->name, &p->saved, data);
}

// Their files have a position for the class token too, which ours may have added to it, and a token for masked patches.
static vkc_status append_more(saving *s)
{
    const nn_model *m = s->model;
    const uint32_t C = m->cfg.dim, T = nn_model_config_patches(&m->cfg) + 1;
    const char *class = m->cfg.registers ? "dinov2_with_registers" : "dinov2";
    char name[80];
    s->mask = (float *) calloc(C, sizeof *s->mask);
    s->pos = (float *) calloc((size_t) T * C, sizeof *s->pos);
    if (!s->mask || !s->pos)
        return VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    snprintf(name, sizeof name, "%s.embeddings.mask_token", class);
    append(s, name, &(nn_shape) { 2, { 1, C } }, s->mask);
    for (uint32_t i = 0; i < s->n && m->cfg.bare_prefix; i++) {
        if (!strstr(s->t[i].name, "position_embeddings"))
            continue;
        memcpy(s->pos + C, s->t[i].data, (size_t) (T - 1) * C * sizeof *s->pos);
        s->t[i].data = s->pos;
        s->t[i].shape[1] = T;
    }
    return VKC_OK;
}

static vkc_status collect(saving *s)
{
    const nn_params *ps = s->model->params;
    const bool is_dinov2 = nn__config_is_dinov2(&s->model->cfg);
    float *at = s->all;
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < ps->n && st == VKC_OK; i++) {
        st = nn_params_read(ps, i, at);
        if (st == VKC_OK && is_dinov2)
            st = append_parts(s, &ps->p[i], at);
        else if (st == VKC_OK && (nn__config_is_eva(&s->model->cfg) || nn__config_is_beit(&s->model->cfg)))
            append_eva(s, &ps->p[i], at);
        else if (st == VKC_OK)
            append(s, ps->p[i].name, &ps->p[i].saved, at);
        at += nn_shape_len(&ps->p[i].shape);
    }
    return st == VKC_OK && is_dinov2 ? append_more(s) : st;
}

vkc_status nn__vit_save_weights(const nn_model *m, const char *path)
{
    const size_t room = MAX_PARTS * (size_t) m->params->n + 1;
    saving s = { .model = m };
    vkc_status st = VKC_OK;
    s.t = (nn_st_save *) calloc(room, sizeof *s.t);
    s.name = malloc(room * sizeof *s.name);
    s.all = (float *) malloc(nn_params_count(m->params) * sizeof *s.all);
    if (!s.t || !s.name || !s.all)
        st = VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    if (st == VKC_OK)
        st = collect(&s);
    if (st == VKC_OK)
        st = nn_safetensors_save(path, s.t, s.n, NULL, 0);
    free(s.pos);
    free(s.mask);
    free(s.all);
    free(s.name);
    free(s.t);
    return st;
}
