// student_create.c — a student of a teacher: other mixers in some layers, all else the teacher's values.
#include "distill/transfer/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool distill_layer_differs(const nn_model *teacher, const nn_model *student, uint32_t l)
{
    const nn_layer_config *a = &teacher->block[l].layer, *b = &student->block[l].layer;
    return strcmp(a->mixer, b->mixer) != 0 || strcmp(a->options, b->options) != 0;
}

vkc_status distill_check_shapes(const nn_model *teacher, const nn_model *student)
{
    const nn_model_config *a = &teacher->cfg, *b = &student->cfg;
    const struct { const char *what; uint32_t teacher, student; } same[] = {
        { "layers", a->depth, b->depth },                       { "channels a token", a->dim, b->dim },
        { "heads", a->heads, b->heads },                        { "channels in the MLP", a->hidden, b->hidden },
        { "pixels a column", a->height, b->height },            { "pixels a row", a->width, b->width },
        { "pixels a side of a patch", a->patch, b->patch },     { "channels a picture", a->channels, b->channels },
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (same[i].teacher != same[i].student)
            return VKC_FAIL(VKC_E_ARG, "the student has %u %s, the teacher %u", same[i].student, same[i].what,
                            same[i].teacher);
    return VKC_OK;
}

static vkc_status copy_param(const nn_model *from, uint32_t a, nn_model *to, uint32_t b)
{
    size_t n = nn_shape_len(&from->params->p[a].shape);
    if (n != nn_shape_len(&to->params->p[b].shape))
        return VKC_FAIL(VKC_E_ARG, "parameter %s of the student has another size", to->params->p[b].name);
    float *x = (float *) malloc(n * sizeof *x);
    if (!x)
        return VKC_FAIL(VKC_E_NOMEM, "student: out of host memory");
    vkc_status st = nn_params_read(from->params, a, x);
    if (st == VKC_OK)
        st = nn_params_write(to->params, b, x);
    free(x);
    return st;
}

static vkc_status copy_rows(const nn_model *from, uint32_t a, nn_model *to, uint32_t b, const nn_row_copy *copy)
{
    const nn_param *pa = &from->params->p[a], *pb = &to->params->p[b];
    const size_t na = nn_shape_len(&pa->shape), nb = nn_shape_len(&pb->shape), row = nb / pb->shape.dim[0];
    vkc_status st = VKC_OK;
    float *x = (float *) malloc((na + nb) * sizeof *x), *y = x + na;
    if (!x)
        return VKC_FAIL(VKC_E_NOMEM, "student: out of host memory");
    if (row != na / pa->shape.dim[0]) {
        st = VKC_FAIL(VKC_E_ARG, "rows of %s of the student have another size", pb->name);
        goto done;
    }
    VKC_TRY(nn_params_read(from->params, a, x));
    VKC_TRY(nn_params_read(to->params, b, y));
    for (uint32_t i = 0; i < NN_MAX_ROW_COPIES && copy[i].n; i++)
        for (uint32_t k = 0; k <= copy[i].more; k++) {
            const uint64_t source = copy[i].from + (uint64_t) k * copy[i].from_step;
            const uint64_t place = copy[i].to + (uint64_t) k * copy[i].to_step;
            if (source + copy[i].n > pa->shape.dim[0] || place + copy[i].n > pb->shape.dim[0]) {
                st = VKC_FAIL(VKC_E_ARG, "%s of the student wants rows that are not there", pb->name);
                goto done;
            }
            memcpy(y + place * row, x + source * row, copy[i].n * row * sizeof *y);
        }
    VKC_TRY(nn_params_write(to->params, b, y));
done:
    free(x);
    return st;
}

// Mixer parameters take what their row says; the student was initialised before, so the rest stays.
static vkc_status warm_start(const nn_model *teacher, nn_model *student, uint32_t l)
{
    const nn_block *b = &student->block[l];
    nn_mixer_param p[NN_MAX_MIXER_PARAMS];
    nn_mixer_dims d = nn_model_mixer_dims(student, l);
    uint32_t n = b->mixer->params(&d, p);
    const bool same = !distill_layer_differs(teacher, student, l);     // takes everything
    for (uint32_t i = 0; i < n; i++) {
        char name[NN_MAX_NAME];
        const char *source = same ? p[i].name : p[i].from;
        uint32_t from;
        if (!source)
            continue;
        snprintf(name, sizeof name, "blocks.%u.attn.%s", l, source);
        if (!nn_params_find(teacher->params, name, &from))
            return VKC_FAIL(VKC_E_ARG, "layer %u of the teacher has no %s to start from", l, source);
        vkc_status st = p[i].copy[0].n && !same ? copy_rows(teacher, from, student, b->mixer_p[i], p[i].copy)
                                                : copy_param(teacher, from, student, b->mixer_p[i]);
        if (st != VKC_OK)
            return st;
    }
    return VKC_OK;
}

static bool is_mixer_param(const nn_model *m, uint32_t index)
{
    for (uint32_t l = 0; l < m->cfg.depth; l++)
        for (uint32_t i = 0; i < m->block[l].n_mixer_p; i++)
            if (m->block[l].mixer_p[i] == index)
                return true;
    return false;
}

vkc_status distill_student_create_layers(const nn_model *teacher, const nn_layer_config *layer, nn_model **out)
{
    vkc_status st;
    nn_model_config cfg = { 0 };
    nn_model *s = NULL;
    VKC_TRY(nn_model_config_copy(&teacher->cfg, &cfg));
    memcpy(cfg.layers, layer, cfg.depth * sizeof *layer);
    VKC_TRY(nn_model_create(teacher->dev, &cfg, true, &s));
    VKC_TRY(nn_model_init(s, 0));
    for (uint32_t i = 0; i < s->params->n; i++) {
        uint32_t from;
        if (is_mixer_param(s, i))
            continue;
        if (!nn_params_find(teacher->params, s->params->p[i].name, &from)) {
            st = VKC_FAIL(VKC_E_ARG, "the teacher has no %s", s->params->p[i].name);
            goto done;
        }
        VKC_TRY(copy_param(teacher, from, s, i));
    }
    for (uint32_t l = 0; l < cfg.depth; l++)
        VKC_TRY(warm_start(teacher, s, l));
    *out = s;
    s = NULL;
done:
    nn_model_destroy(s);
    nn_model_config_finish(&cfg);
    return st;
}

vkc_status distill_student_create(const nn_model *teacher, const nn_layer_config *mixer, nn_model **out)
{
    nn_layer_config layer[NN_MAX_DEPTH];
    for (uint32_t l = 0; l < teacher->cfg.depth; l++)
        layer[l] = teacher->block[l].mixer->is_replaceable ? *mixer : teacher->block[l].layer;
    return distill_student_create_layers(teacher, layer, out);
}
