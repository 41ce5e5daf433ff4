// masked_vit.c — halting with masks, in double; see masked_vit.h. Settings are rounded to float first, as they reach
// the kernels.
#include "tests/nn/models/masked_vit.h"

#include <math.h>
#include <string.h>

#define HIDDEN 256

typedef struct model {
    const nn_model *v;
    const nn_model_config *c;
    const double *const *param;
    uint32_t T, C;
} model;

// y (n) = w (n, k) x + b
static void affine(const double *w, const double *b, const double *x, uint32_t n, uint32_t k, double *y)
{
    for (uint32_t i = 0; i < n; i++) {
        y[i] = b[i];
        for (uint32_t j = 0; j < k; j++)
            y[i] += w[i * k + j] * x[j];
    }
}

static void norm(const model *m, const double *w, const double *b, const double *x, double *y)
{
    double mean = 0, var = 0;
    for (uint32_t j = 0; j < m->C; j++)
        mean += x[j] / m->C;
    for (uint32_t j = 0; j < m->C; j++)
        var += (x[j] - mean) * (x[j] - mean) / m->C;
    for (uint32_t j = 0; j < m->C; j++)
        y[j] = (x[j] - mean) / sqrt(var + (double) (float) m->c->eps) * w[j] + b[j];
}

// The token at place t before the first block.
static void embed(const model *m, const float *pixels, uint32_t t, double *x)
{
    const uint32_t P = m->c->patch, S = m->c->height, side = S / P, ch = m->c->channels;
    const double *pos = m->param[nn_vit_of(m->v)->pos] + (size_t) t * m->C;
    if (t == 0)
        memcpy(x, m->param[nn_vit_of(m->v)->cls], m->C * sizeof *x);
    if (t > 0) {
        double patch[HIDDEN];
        uint32_t n = 0, y0 = (t - 1) / side * P, x0 = (t - 1) % side * P;
        for (uint32_t k = 0; k < ch; k++)
            for (uint32_t dy = 0; dy < P; dy++)
                for (uint32_t dx = 0; dx < P; dx++)
                    patch[n++] = (double) pixels[(k * S + y0 + dy) * S + x0 + dx];
        affine(m->param[nn_vit_of(m->v)->patch_w], m->param[nn_vit_of(m->v)->patch_b], patch, m->C, n, x);
    }
    for (uint32_t j = 0; j < m->C; j++)
        x[j] += pos[j];
}

// Attention of query t over all keys; those that are not there have -infinity added to their scores.
static void attend(const model *m, const double (*qkv)[3 * MASKED_MAX_DIM], const bool *is_there, uint32_t t, double *o)
{
    const uint32_t H = m->c->heads, D = m->C / H;
    const double scale = (double) (float) (1 / sqrt((double) D));
    for (uint32_t h = 0; h < H; h++) {
        double score[MASKED_MAX_TOKENS], top = -INFINITY, sum = 0;
        for (uint32_t s = 0; s < m->T; s++) {
            score[s] = is_there[s] ? 0 : -INFINITY;
            for (uint32_t d = 0; d < D; d++)
                score[s] += qkv[t][h * D + d] * qkv[s][m->C + h * D + d] * scale;
            top = fmax(top, score[s]);
        }
        for (uint32_t d = 0; d < D; d++)
            o[h * D + d] = 0;
        for (uint32_t s = 0; s < m->T && top > -INFINITY; s++)
            sum += exp(score[s] - top);
        for (uint32_t s = 0; s < m->T && top > -INFINITY; s++)
            for (uint32_t d = 0; d < D; d++)
                o[h * D + d] += exp(score[s] - top) / sum * qkv[s][2 * m->C + h * D + d];
    }
}

static void run_block(const model *m, uint32_t l, const bool *is_there, double (*x)[MASKED_MAX_DIM])
{
    static double qkv[MASKED_MAX_TOKENS][3 * MASKED_MAX_DIM];
    const nn_block *b = &m->v->block[l];
    const double *const *p = m->param;
    const uint32_t C = m->C, hidden = m->c->hidden;
    for (uint32_t t = 0; t < m->T; t++) {
        double y[MASKED_MAX_DIM];
        norm(m, p[b->norm1_w], p[b->norm1_b], x[t], y);
        affine(p[b->mixer_p[0]], p[b->mixer_p[1]], y, 3 * C, C, qkv[t]);
    }
    for (uint32_t t = 0; t < m->T; t++) {
        double o[MASKED_MAX_DIM], y[MASKED_MAX_DIM], h[HIDDEN];
        attend(m, (const double (*)[3 * MASKED_MAX_DIM]) qkv, is_there, t, o);
        affine(p[b->proj_w], p[b->proj_b], o, C, C, y);
        for (uint32_t j = 0; j < C; j++)
            x[t][j] += y[j];
        norm(m, p[b->norm2_w], p[b->norm2_b], x[t], y);
        affine(p[b->fc1_w], p[b->fc1_b], y, hidden, C, h);
        for (uint32_t j = 0; j < hidden; j++)
            h[j] *= 0.5 * (1 + erf(h[j] / sqrt(2.0)));
        affine(p[b->fc2_w], p[b->fc2_b], h, C, hidden, y);
        for (uint32_t j = 0; j < C; j++)
            x[t][j] += y[j];
    }
}

void masked_vit_run(const nn_model *v, const double *const *param, const float *pixels, masked_vit *out)
{
    const model m = { v, &v->cfg, param, nn_model_config_tokens(&v->cfg), v->cfg.dim };
    const nn_retention_config *r = &v->cfg.retention;
    const uint32_t depth = v->cfg.depth, N = m.T - 1;
    static double x[MASKED_MAX_TOKENS][MASKED_MAX_DIM];
    double sum[MASKED_MAX_TOKENS] = { 0 }, rest[MASKED_MAX_TOKENS], field[MASKED_MAX_DIM] = { 0 };
    bool is_there[MASKED_MAX_TOKENS], is_done[MASKED_MAX_TOKENS] = { false };
    memset(out, 0, sizeof *out);
    for (uint32_t t = 0; t < m.T; t++) {
        embed(&m, pixels, t, x[t]);
        rest[t] = 1;
        is_there[t] = true;
    }
    for (uint32_t l = 0; l < depth; l++) {
        memcpy(out->is_there[l], is_there, sizeof is_there);
        run_block(&m, l, is_there, x);
        memcpy(out->block[l], x, sizeof x);
        for (uint32_t t = 0; t < m.T; t++) {
            if (is_done[t])
                continue;
            double h = t == 0 && r->keep_class ? 0 : 1 / (1 + exp(-(r->gate_scale * x[t][0] - r->gate_centre)));
            sum[t] += l + 1 == depth ? 1 : h;
            is_done[t] = sum[t] >= 1 - (double) (float) r->eps;
            double p = is_done[t] ? rest[t] : h;
            rest[t] -= p;
            out->weight[t] += p;
            out->done[t] = (uint8_t) l;
            for (uint32_t j = 0; j < m.C; j++)
                field[j] += (t == 0 ? 1 : r->read_patches / N) * p * x[t][j];
        }
        for (uint32_t t = 0; t < m.T && (l + 1) % r->every == 0; t++)
            is_there[t] = is_there[t] && !is_done[t];
    }
    double y[MASKED_MAX_DIM];
    norm(&m, param[nn_vit_of(v)->norm_w], param[nn_vit_of(v)->norm_b], field, y);
    affine(param[nn_vit_of(v)->head_w], param[nn_vit_of(v)->head_b], y, v->cfg.classes, m.C, out->logits);
}
