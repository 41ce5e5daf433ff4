// retain_turn.c — a reflection of the residual stream in all parameters that write to it or read from it.
#include "distill/retain/retain_stream.h"

#include "nn/models/vit/vit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct turn {
    nn_model  *v;
    uint32_t dim;
    double  *mirror;                // (dim) of length 1: the stream x becomes x - 2 mirror (mirror . x)
    float   *x, *y, *gain, *bias;   // x, y: as large as the largest parameter
} turn;

// Rows of n vectors of the stream, each turned.
static void turn_rows(const turn *t, float *x, size_t n)
{
    for (size_t r = 0; r < n; r++, x += t->dim) {
        double dot = 0;
        for (uint32_t i = 0; i < t->dim; i++)
            dot += t->mirror[i] * (double) x[i];
        for (uint32_t i = 0; i < t->dim; i++)
            x[i] = (float) ((double) x[i] - 2 * dot * t->mirror[i]);
    }
}

// What is added to the stream as it is: (.., dim).
static vkc_status turn_vectors(turn *t, uint32_t index)
{
    nn_params *ps = t->v->params;
    vkc_status st = nn_params_read(ps, index, t->x);
    if (st != VKC_OK)
        return st;
    turn_rows(t, t->x, nn_shape_len(&ps->p[index].shape) / t->dim);
    return nn_params_write(ps, index, t->x);
}

// A linear map into the stream: w (dim, k), b (dim).
static vkc_status turn_writer(turn *t, nn_params *ps, uint32_t w, uint32_t b)
{
    const size_t k = nn_shape_len(&ps->p[w].shape) / t->dim;
    vkc_status st = nn_params_read(ps, w, t->x);
    if (st != VKC_OK)
        return st;
    for (uint32_t i = 0; i < t->dim; i++)
        for (size_t j = 0; j < k; j++)
            t->y[j * t->dim + i] = t->x[i * k + j];
    turn_rows(t, t->y, k);
    for (uint32_t i = 0; i < t->dim; i++)
        for (size_t j = 0; j < k; j++)
            t->x[i * k + j] = t->y[j * t->dim + i];
    st = nn_params_write(ps, w, t->x);
    return st == VKC_OK ? turn_vectors(t, b) : st;
}

// A layer norm and the linear map behind it, w (m, dim), b (m): gain and bias go into the map.
static vkc_status turn_reader(turn *t, uint32_t norm_w, uint32_t norm_b, uint32_t w, uint32_t b)
{
    nn_params *ps = t->v->params;
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
    turn_rows(t, t->x, m);
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

static vkc_status turn_block(turn *t, uint32_t l)
{
    const nn_block *k = &t->v->block[l];
    vkc_status st;
    VKC_TRY(turn_reader(t, k->norm1_w, k->norm1_b, k->mixer_p[0], k->mixer_p[1]));
    VKC_TRY(turn_writer(t, t->v->params, k->proj_w, k->proj_b));
    VKC_TRY(turn_reader(t, k->norm2_w, k->norm2_b, k->fc1_w, k->fc1_b));
    st = turn_writer(t, t->v->params, k->fc2_w, k->fc2_b);
done:
    return st;
}

static vkc_status turn_all(turn *t)
{
    nn_model *v = t->v;
    const nn_vit *own = nn_vit_of(v);
    vkc_status st;
    VKC_TRY(turn_writer(t, v->params, own->patch_w, own->patch_b));
    VKC_TRY(turn_vectors(t, own->cls));
    VKC_TRY(turn_vectors(t, own->pos));
    if (nn_model_config_prefix(&v->cfg) > 1)
        VKC_TRY(turn_vectors(t, own->more));
    for (uint32_t l = 0; l < v->cfg.depth; l++)
        VKC_TRY(turn_block(t, l));
    st = turn_reader(t, own->norm_w, own->norm_b, own->head_w, own->head_b);
done:
    return st;
}

// Only softmax attention is known to read the stream by qkv.weight and qkv.bias alone, its first two parameters. A norm
// before the blocks and scaled branches do not commute with a mirror, and a second head or the mean patch reads the
// stream too.
static bool is_made_for_it(const nn_model *v)
{
    if (!nn_vit_of(v) || v->cfg.pre_norm || v->cfg.layer_scale || v->cfg.distilled || v->cfg.headless ||
        v->cfg.pool != NN_POOL_TOKEN)
        return false;
    for (uint32_t l = 0; l < v->cfg.depth; l++)
        if (!v->block[l].mixer->has_weights || v->block[l].n_mixer_p != 2 || v->block[l].attn_params != v->params)
            return false;
    return true;
}

vkc_status distill_turn(nn_model *v, const double *direction, bool *turned)
{
    turn t = { .v = v, .dim = v->cfg.dim };
    vkc_status st = VKC_OK;
    size_t most = t.dim;
    double length = 0;
    *turned = false;
    if (!is_made_for_it(v))
        return VKC_OK;
    for (uint32_t i = 0; i < v->params->n; i++) {
        const size_t len = nn_shape_len(&v->params->p[i].shape);
        most = len > most ? len : most;
    }
    t.mirror = (double *) malloc(t.dim * sizeof *t.mirror);
    t.x = (float *) malloc(2 * (most + t.dim) * sizeof *t.x);
    if (!t.mirror || !t.x) {
        st = VKC_FAIL(VKC_E_NOMEM, "retention: out of host memory");
        goto done;
    }
    t.y = t.x + most;
    t.gain = t.y + most;
    t.bias = t.gain + t.dim;
    for (uint32_t i = 0; i < t.dim; i++) {          // between the direction and channel 0, whose sums are equal
        t.mirror[i] = (i == 0) - direction[i];
        length += t.mirror[i] * t.mirror[i];
    }
    for (uint32_t i = 0; i < t.dim; i++)
        t.mirror[i] = length > 1e-12 ? t.mirror[i] / sqrt(length) : 0;
    st = turn_all(&t);
    *turned = st == VKC_OK;
done:
    free(t.mirror);
    free(t.x);
    return st;
}
