// mixer_run.c — one mixer on the device, see mixer_run.h.
#include "tests/nn/mixers/mixer_run.h"

#include "nn/graph/graph_impl.h"
#include "nn/base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SEED 29

// Starting values and noise, the same on the device and in double.
static vkc_status fill_params(mixer_run *t)
{
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < t->ps->n && st == VKC_OK; i++) {
        const nn_shape *s = &t->ps->p[i].shape;
        const size_t n = nn_shape_len(s);
        float *x = (float *) malloc(n * sizeof *x);
        if (!x)
            return VKC_FAIL(VKC_E_NOMEM, "test: out of memory");
        nn_init_fill(t->param[i].init, s, SEED, i, x);
        double *ref = nn_reference_values(t->ref, t->p[i]);
        for (size_t k = 0; k < n; k++) {
            if (!t->with.as_started)
                x[k] += 0.4f * (nn_rng_uniform(SEED, 100 + i, (uint32_t) k) - 0.5f);
            ref[k] = (double) x[k];
        }
        st = nn_params_write(t->ps, i, x);
        free(x);
    }
    return st;
}

// An input that takes a gradient, as the layer norm's output does in a model.
static vkc_status want_gradient(mixer_run *t)
{
    vkc_status st = vkc_buffer_create(t->dev, VKC_MEM_DEVICE, nn_shape_len(&t->y->shape) * 4, "dy", &t->dy);
    if (st == VKC_OK) {
        t->y->grad = vkc_slice_of(t->dy);
        t->y->requires_grad = true;
    }
    return st;
}

static vkc_status make_params(mixer_run *t, const nn_mixer_dims *d)
{
    uint32_t n = t->mixer->params(d, t->param), index;
    vkc_status st;
    VKC_TRY(nn_params_create(t->dev, &t->ps));
    for (uint32_t i = 0; i < n; i++)
        VKC_TRY(nn_params_add(t->ps, t->param[i].name, &t->param[i].shape, t->param[i].decay, &index));
    VKC_TRY(nn_params_alloc(t->ps, t->with.train));
done:
    return st;
}

static vkc_status build(mixer_run *t)
{
    vkc_status st;
    const mixer_run_params *w = &t->with;
    const nn_mixer_dims d = { .dim = w->dim, .heads = w->heads, .mixer = t->mixer, .options = &t->options,
                              .gaps = w->gaps };
    const nn_shape shape = { 2, { 0, w->dim } };
    VKC_TRY(make_params(t, &d));
    VKC_TRY(nn_rows_create(t->dev, w->cap_images, 1 + w->grid * w->grid, w->grid ? 1 : 0, w->grid, w->grid, &t->rows));
    VKC_TRY(nn_graph_create(t->dev, &t->g));
    t->y = nn_graph_input(t->g, "y", shape, NN_DTYPE_F32, t->rows);
    if (w->train) {
        t->target = nn_graph_input(t->g, "target", shape, NN_DTYPE_F32, t->rows);
        VKC_TRY(want_gradient(t));
    }
    for (uint32_t i = 0; i < t->ps->n; i++)
        t->p[i] = nn_graph_param(t->g, t->ps, i, w->train);
    nn_shape state[NN_MAX_CARRY];
    t->n_carry = w->carry && t->mixer->carries ? t->mixer->carries(&d, w->cap_images, state) : 0;
    t->taps.carry = w->carry;
    for (uint32_t i = 0; i < t->n_carry; i++)
        t->taps.start[i] = nn_graph_input(t->g, "start", state[i], NN_DTYPE_F32, NULL);
    t->heads = t->mixer->build(t->g, &d, t->y, t->p, &t->taps);
    nn_graph_keep(t->g, t->heads);
    for (uint32_t i = 0; i < t->n_carry; i++)
        nn_graph_keep(t->g, t->taps.last[i]);
    if (w->train) {
        t->loss = NN_APPLY0(t->g, mse, NULL, t->heads, t->target);
        nn_graph_add_loss(t->g, t->loss, MIXER_RUN_LOSS);
    }
    VKC_TRY(nn_graph_plan(t->g));
    VKC_TRY(vkc_recording_create(t->dev, &(vkc_recording_params) { .name = "mixer" }, &t->rec));
    VKC_TRY(nn_graph_record(t->g, t->rec));
    VKC_TRY(vkc_recording_finish(t->rec));
done:
    return st;
}

vkc_status mixer_run_init(mixer_run *t, vkc_device *dev, const mixer_run_params *with)
{
    vkc_status st;
    *t = (mixer_run) { .dev = dev, .with = *with, .cols = with->dim };
    VKC_TRY(nn_mixer_parse(with->mixer, &t->layer, NULL));
    VKC_TRY(nn_mixer_check(&t->layer, &t->mixer, &t->options));
    VKC_TRY(build(t));
    const size_t n = nn_shape_len(nn_tensor_shape(t->y));
    VKC_TRY(nn_reference_create(t->g, &t->ref));
    t->host_y = (float *) calloc(n, 4);
    t->host_heads = (float *) calloc(n, 4);
    t->host_dy = (float *) calloc(n, 4);
    t->host_target = (float *) calloc(n, 4);
    if (!t->host_y || !t->host_heads || !t->host_dy || !t->host_target)
        return VKC_FAIL(VKC_E_NOMEM, "test: out of memory");
    VKC_TRY(fill_params(t));
done:
    return st;
}

void mixer_run_finish(mixer_run *t)
{
    nn_reference_destroy(t->ref);
    vkc_recording_destroy(t->rec);
    nn_graph_destroy(t->g);
    nn_params_destroy(t->ps);
    nn_rows_destroy(t->rows);
    vkc_buffer_destroy(t->dy);
    free(t->host_y);
    free(t->host_heads);
    free(t->host_dy);
    free(t->host_target);
}

size_t mixer_run_live(const mixer_run *t)
{
    return t->rows->n * t->cols;
}

vkc_status mixer_run_write(mixer_run *t, uint32_t n, const uint32_t *lengths, const uint32_t *image,
                           const uint32_t *first)
{
    vkc_status st = nn_rows_write(t->dev, t->rows, n, lengths, NULL);
    const size_t C = t->cols, cap = nn_shape_len(nn_tensor_shape(t->y)), live = mixer_run_live(t);
    if (st != VKC_OK)
        return st;
    for (size_t k = 0; k < cap; k++)
        t->host_y[k] = t->host_target[k] = NAN;
    for (uint32_t i = 0; i < n; i++)
        for (size_t k = 0; k < lengths[i] * C; k++) {
            const uint32_t stream = 1000 + (image ? image[i] : i);
            const uint32_t at = (uint32_t) (k + (first ? first[i] * C : 0));
            t->host_y[t->rows->offsets[i] * C + k] = 3 * nn_rng_uniform(SEED, stream, at) - 1.5f;
            t->host_target[t->rows->offsets[i] * C + k] = 2 * nn_rng_uniform(SEED, 1000 + stream, at) - 1;
        }
    st = vkc_write(t->dev, nn_tensor_slice(t->y), t->host_y);
    if (st == VKC_OK && t->target)
        st = vkc_write(t->dev, nn_tensor_slice(t->target), t->host_target);
    double *y = nn_reference_values(t->ref, t->y), *target = t->target ? nn_reference_values(t->ref, t->target) : NULL;
    for (size_t k = 0; k < live; k++) {
        y[k] = (double) t->host_y[k];
        if (target)
            target[k] = (double) t->host_target[k];
    }
    nn_reference_touch_all(t->ref);
    return st;
}

vkc_status mixer_run_place(mixer_run *t, const uint32_t *pos)
{
    uint32_t lengths[MIXER_RUN_MAX_IMAGES];
    for (uint32_t b = 0; b < t->rows->n_images; b++)
        lengths[b] = t->rows->offsets[b + 1] - t->rows->offsets[b];
    nn_reference_touch_all(t->ref);
    return nn_rows_write(t->dev, t->rows, t->rows->n_images, lengths, pos);
}

vkc_status mixer_run_execute(mixer_run *t)
{
    vkc_status st = VKC_OK;
    for (uint32_t b = 0; b < t->ps->n_blocks && t->with.train; b++)
        VKC_TRY(vkc_fill(t->dev, vkc_slice_of(t->ps->grad[b]), 0));
    if (t->dy)
        VKC_TRY(vkc_fill(t->dev, vkc_slice_of(t->dy), 0));
    VKC_TRY(vkc_submit(t->rec, NULL));
    VKC_TRY(vkc_wait(t->dev, 0));
    VKC_TRY(vkc_read(t->dev, nn_tensor_slice(t->heads), t->host_heads));
    if (t->dy)
        VKC_TRY(vkc_read(t->dev, vkc_slice_of(t->dy), t->host_dy));
done:
    return st;
}

vkc_status mixer_run_gradient(mixer_run *t, uint32_t param, float *dst)
{
    return vkc_read(t->dev, nn_params_grad(t->ps, param), dst);
}
