// transfer.c — the student model, and teacher-forced transfer of all its layers in one pass.
#include "distill/transfer.h"

#include "distill/layerwise.h"
#include "nn/finite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static vkc_status copy_param(const nn_vit *from, uint32_t a, nn_vit *to, uint32_t b)
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

static vkc_status copy_rows(const nn_vit *from, uint32_t a, nn_vit *to, uint32_t b, const nn_row_copy *copy)
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
    for (uint32_t i = 0; i < NN_MAX_ROW_COPIES && copy[i].n; i++) {
        if ((uint64_t) copy[i].from + copy[i].n > pa->shape.dim[0] ||
            (uint64_t) copy[i].to + copy[i].n > pb->shape.dim[0]) {
            st = VKC_FAIL(VKC_E_ARG, "%s of the student wants rows that are not there", pb->name);
            goto done;
        }
        memcpy(y + copy[i].to * row, x + copy[i].from * row, copy[i].n * row * sizeof *y);
    }
    VKC_TRY(nn_params_write(to->params, b, y));
done:
    free(x);
    return st;
}

// Mixer parameters take what their row says; the student was initialised before, so the rest stays.
static vkc_status warm_start(const nn_vit *teacher, nn_vit *student, uint32_t l)
{
    const nn_vit_block *b = &student->block[l];
    nn_mixer_param p[NN_MAX_MIXER_PARAMS];
    nn_mixer_dims d = nn_vit_mixer_dims(student, l);
    uint32_t n = b->mixer->params(&d, p);
    const bool same = teacher->block[l].mixer == b->mixer;  // not replaced: takes everything
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

static bool is_mixer_param(const nn_vit *v, uint32_t index)
{
    for (uint32_t l = 0; l < v->cfg.depth; l++)
        for (uint32_t i = 0; i < v->block[l].n_mixer_p; i++)
            if (v->block[l].mixer_p[i] == index)
                return true;
    return false;
}

vkc_status distill_student_create(const nn_vit *teacher, const nn_layer_config *mixer, nn_vit **out)
{
    vkc_status st;
    nn_model_config cfg = { 0 };
    nn_vit *s = NULL;
    VKC_TRY(nn_model_config_copy(&teacher->cfg, &cfg));
    for (uint32_t l = 0; l < cfg.depth; l++)
        if (strcmp(teacher->block[l].mixer->name, "attention") == 0)
            cfg.layers[l] = *mixer;
    VKC_TRY(nn_vit_create(teacher->dev, &cfg, true, &s));
    VKC_TRY(nn_vit_init(s, 0));
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
    nn_vit_destroy(s);
    nn_model_config_finish(&cfg);
    return st;
}

// Losses first, then the mean squares of the teacher's outputs: watch[i], watch[n + i].
static uint32_t build_losses(void *user, nn_graph *g, const nn_vit *teacher, const nn_vit *student,
                             const nn_batch *b, const nn_vit_taps *t, nn_tensor **watch)
{
    const distill_transfer_params *p = (const distill_transfer_params *) user;
    nn_tensor *size[NN_MAX_DEPTH];
    nn_tensor *zero = NULL;
    (void) b;
    uint32_t n = 0;
    for (uint32_t l = 0; l < teacher->cfg.depth; l++) {
        nn_tensor *heads, *o = nn_vit_attn(g, student, l, t->normed[l], true, &heads, NULL);
        if (p->check_finite)
            nn_finite_watch(g, heads, "layer %u (%s): its output", l, student->block[l].mixer->name);
        watch[n] = NN_APPLY0(g, mse, NULL, o, t->attn[l]);
        nn_graph_add_loss(g, watch[n], 1.0f);
        if (!zero || nn_tensor_rows(zero) != nn_tensor_rows(t->attn[l]))    // a teacher may drop tokens on the way
            zero = nn_graph_input(g, "zero", (nn_shape) { 2, { 0, teacher->cfg.dim } }, NN_DTYPE_F32,
                                  nn_tensor_rows(t->attn[l]));
        size[n++] = NN_APPLY0(g, mse, NULL, t->attn[l], zero);
    }
    memcpy(watch + n, size, n * sizeof *size);
    return 2 * n;
}

vkc_status distill_transfer(const nn_vit *teacher, nn_vit *student, const distill_transfer_params *p,
                            distill_transfer_result *out)
{
    vkc_status st;
    distill_transfer_params rest = *p;
    nn_fit_result r;
    *out = (distill_transfer_result) { 0 };
    VKC_TRY(distill_match(teacher, student, p, &out->match));
    if (p->max_steps && out->match.steps >= p->max_steps) {
        st = VKC_FAIL(VKC_E_STOPPED, "transfer: stopped before its first step");
        goto done;
    }
    rest.max_steps = p->max_steps ? p->max_steps - (uint32_t) out->match.steps : 0;
    st = distill_fit_layers(teacher, student, &rest, &(distill_pass) {
        .what = "transfer", .epochs = p->epochs ? p->epochs : 3, .lr = p->lr > 0 ? p->lr : 1e-2, .build = build_losses,
        .user = &rest,
    }, &r);
    out->steps = r.steps;
    out->seconds = out->match.seconds + r.seconds;
    for (uint32_t i = 0, n = teacher->cfg.depth; i < n; i++)
        out->mse[i] = r.watch[n + i] > 0 ? r.watch[i] / r.watch[n + i] : r.watch[i];
done:
    return st;
}
