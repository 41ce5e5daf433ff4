// retain_rotate.c — rotates the residual stream: a Householder reflection folded into all parameters that write to it
// or read from it.
#include "distill/retain/retain_stream.h"

#include "nn/models/vit/vit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct rotation {
    nn_model *m;
    uint32_t dim;
    double  *normal;                // (dim) of length 1: the stream x becomes (I - 2 normal normal^T) x
    float   *x, *y, *gain, *bias;   // x, y: as large as the largest parameter
} rotation;

// Rotate n vectors of the stream, a row each.
static void rotate_rows(const rotation *t, float *x, size_t n)
{
    for (size_t r = 0; r < n; r++, x += t->dim) {
        double dot = 0;
        for (uint32_t i = 0; i < t->dim; i++)
            dot += t->normal[i] * (double) x[i];
        for (uint32_t i = 0; i < t->dim; i++)
            x[i] = (float) ((double) x[i] - 2 * dot * t->normal[i]);
    }
}

// A parameter that is added to the stream as it is: (.., dim).
static vkc_status rotate_vectors(rotation *t, uint32_t index)
{
    nn_params *ps = t->m->params;
    vkc_status st = nn_params_read(ps, index, t->x);
    if (st != VKC_OK)
        return st;
    rotate_rows(t, t->x, nn_shape_len(&ps->p[index].shape) / t->dim);
    return nn_params_write(ps, index, t->x);
}

// A linear map whose output is added to the stream: w (dim, k), b (dim).
static vkc_status rotate_output(rotation *t, nn_params *ps, uint32_t w, uint32_t b)
{
    const size_t k = nn_shape_len(&ps->p[w].shape) / t->dim;
    vkc_status st = nn_params_read(ps, w, t->x);
    if (st != VKC_OK)
        return st;
    for (uint32_t i = 0; i < t->dim; i++)
        for (size_t j = 0; j < k; j++)
            t->y[j * t->dim + i] = t->x[i * k + j];
    rotate_rows(t, t->y, k);
    for (uint32_t i = 0; i < t->dim; i++)
        for (size_t j = 0; j < k; j++)
            t->x[i * k + j] = t->y[j * t->dim + i];
    st = nn_params_write(ps, w, t->x);
    return st == VKC_OK ? rotate_vectors(t, b) : st;
}

// A layer norm and the linear map after it, w (m, dim), b (m): the norm's gain and bias are folded into the map.
static vkc_status rotate_input(rotation *t, uint32_t norm_w, uint32_t norm_b, uint32_t w, uint32_t b)
{
    nn_params *ps = t->m->params;
    const size_t m = nn_shape_len(&ps->p[b].shape);
    vkc_status st;
    VKC_TRY(nn_params_read(ps, norm_w, t->gain));
    VKC_TRY(nn_params_read(ps, norm_b, t->bias));
    VKC_TRY(nn_params_read(ps, w, t->x));
    VKC_TRY(nn_params_read(ps, b, t->y));
    for (size_t r = 0; r < m; r++) {
        float *row = t->x + r * t->dim;
        double sum = (double) t->y[r];
        for (uint32_t i = 0; i < t->dim; i++) {
            sum += (double) row[i] * (double) t->bias[i];
            row[i] *= t->gain[i];
        }
        t->y[r] = (float) sum;
    }
    rotate_rows(t, t->x, m);
    for (uint32_t i = 0; i < t->dim; i++) {
        t->gain[i] = 1;
        t->bias[i] = 0;
    }
    VKC_TRY(nn_params_write(ps, norm_w, t->gain));
    VKC_TRY(nn_params_write(ps, norm_b, t->bias));
    VKC_TRY(nn_params_write(ps, w, t->x));
    VKC_TRY(nn_params_write(ps, b, t->y));
done:
    return st;
}

static vkc_status rotate_block(rotation *t, uint32_t l)
{
    const nn_block *k = &t->m->block[l];
    vkc_status st;
    VKC_TRY(rotate_input(t, k->norm1_w, k->norm1_b, k->mixer_p[0], k->mixer_p[1]));
    VKC_TRY(rotate_output(t, t->m->params, k->proj_w, k->proj_b));
    VKC_TRY(rotate_input(t, k->norm2_w, k->norm2_b, k->fc1_w, k->fc1_b));
    st = rotate_output(t, t->m->params, k->fc2_w, k->fc2_b);
done:
    return st;
}

static vkc_status rotate_all(rotation *t)
{
    nn_model *m = t->m;
    const nn_vit *own = nn_vit_of(m);
    vkc_status st;
    VKC_TRY(rotate_output(t, m->params, own->patch_w, own->patch_b));
    if (!m->cfg.no_class)
        VKC_TRY(rotate_vectors(t, own->cls));
    VKC_TRY(rotate_vectors(t, own->pos));
    if (m->cfg.registers > 0)
        VKC_TRY(rotate_vectors(t, own->more));
    for (uint32_t l = 0; l < m->cfg.depth; l++)
        VKC_TRY(rotate_block(t, l));
    st = rotate_input(t, own->norm_w, own->norm_b, own->head_w, own->head_b);
done:
    return st;
}

// Only softmax attention is known to read the stream by qkv.weight and qkv.bias alone, its first two parameters. A norm
// before the blocks and scaled branches do not commute with a rotation, and a second head, or the mean patch beside the
// class token, reads the stream too. What a norm adds goes into the bias behind it, which keys must then have.
static bool can_rotate(const nn_model *m)
{
    if (!nn_vit_of(m) || m->cfg.pre_norm || m->cfg.layer_scale || m->cfg.distilled || m->cfg.headless ||
        m->cfg.no_pos || m->cfg.no_key_bias ||
        m->cfg.pool != (m->cfg.no_class ? NN_POOL_AVG : NN_POOL_TOKEN))
        return false;
    for (uint32_t l = 0; l < m->cfg.depth; l++)
        if (!m->block[l].mixer->has_weights || m->block[l].n_mixer_p != 2 || m->block[l].attn_params != m->params)
            return false;
    return true;
}

vkc_status distill_rotate_stream(nn_model *m, const double *direction, bool *rotated)
{
    rotation t = { .m = m, .dim = m->cfg.dim };
    vkc_status st = VKC_OK;
    size_t most = t.dim;
    double length = 0;
    *rotated = false;
    if (!can_rotate(m))
        return VKC_OK;
    for (uint32_t i = 0; i < m->params->n; i++) {
        const size_t len = nn_shape_len(&m->params->p[i].shape);
        most = len > most ? len : most;
    }
    t.normal = (double *) malloc(t.dim * sizeof *t.normal);
    t.x = (float *) malloc(2 * (most + t.dim) * sizeof *t.x);
    if (!t.normal || !t.x) {
        st = VKC_FAIL(VKC_E_NOMEM, "retention: out of host memory");
        goto done;
    }
    t.y = t.x + most;
    t.gain = t.y + most;
    t.bias = t.gain + t.dim;
    for (uint32_t i = 0; i < t.dim; i++) {          // channel 0 minus direction; both sum to 1, so a mean of 0
        t.normal[i] = (i == 0) - direction[i];
        length += t.normal[i] * t.normal[i];
    }
    for (uint32_t i = 0; i < t.dim; i++)
        t.normal[i] = length > 1e-12 ? t.normal[i] / sqrt(length) : 0;
    st = rotate_all(&t);
    *rotated = st == VKC_OK;
done:
    free(t.normal);
    free(t.x);
    return st;
}
