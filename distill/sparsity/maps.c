// maps.c — queries and keys of chosen pictures, and the maps they make.
#include "distill/sparsity/maps.h"

#include "distill/sparsity/attention_taps.h"
#include "nn/models/picture_loader.h"
#include "nn/data/loader.h"
#include "nn/ops/attention/attention_bias.h"
#include "shaders/inc/rows_layout.h"

#include <math.h>
#include <stdlib.h>

struct distill_maps {
    uint32_t depth, heads, dim, tokens, prefix;
    bool     has_class;
    uint32_t n, cap;                // pictures, and what the layouts were made for
    size_t   pixels_len;            // of a picture
    float   *pixels;                // (cap, pixels_len)
    uint32_t *picture;              // (cap), of the split
    float   *qkv[NN_MAX_DEPTH];     // (R, 3 * dim); NULL without attention
    double  *table[NN_MAX_DEPTH];   // of relative positions, (bias.rows, heads); NULL without
    struct attention_bias_args bias;
    uint32_t *layout[NN_MAX_DEPTH]; // words as in shaders/inc/rows_layout.h, without slots
};

static vkc_status fail_memory(void)
{
    return VKC_FAIL(VKC_E_NOMEM, "attention maps: out of host memory");
}

static vkc_status read_layers(distill_maps *m, distill_attention_taps *t)
{
    vkc_status st = VKC_OK;
    float *all = (float *) malloc(distill_attention_taps_len(t) * sizeof *all);
    if (!all)
        return fail_memory();
    for (uint32_t l = 0; l < m->depth; l++) {
        uint32_t rows;
        if (!distill_attention_taps_has(t, l))
            continue;
        VKC_TRY(distill_attention_taps_read(t, l, all, &rows));
        const size_t len = (size_t) rows * 3 * m->dim;
        m->qkv[l] = (float *) malloc((len ? len : 1) * sizeof *all);
        m->layout[l] = (uint32_t *) malloc(distill_attention_taps_words(t) * sizeof *m->layout[l]);
        if (!m->qkv[l] || !m->layout[l]) {
            st = fail_memory();
            goto done;
        }
        for (size_t k = 0; k < len; k++)
            m->qkv[l][k] = all[k];
        VKC_TRY(distill_attention_taps_read_layout(t, l, m->layout[l]));
    }
done:
    free(all);
    return st;
}

// Relative positions of the layers that have some.
static vkc_status read_tables(distill_maps *m, const nn_model *model)
{
    for (uint32_t l = 0; l < m->depth; l++) {
        const uint32_t rows = nn_model_relative_rows(model, l);
        if (!rows)
            continue;
        m->bias = (struct attention_bias_args) { m->prefix, model->cfg.width / model->cfg.patch, rows };
        m->table[l] = (double *) malloc((size_t) rows * m->heads * sizeof *m->table[l]);
        if (!m->table[l])
            return fail_memory();
        const vkc_status st = nn_model_read_relative(model, l, m->table[l]);
        if (st != VKC_OK)
            return st;
    }
    return VKC_OK;
}

vkc_status distill_maps_create(const nn_model *model, const distill_maps_params *params, distill_maps **out)
{
    vkc_status st;
    const nn_model_config *c = &model->cfg;
    distill_attention_taps t = { 0 };
    nn_loader *l = NULL;
    distill_maps *m = (distill_maps *) calloc(1, sizeof *m);
    if (!m)
        return fail_memory();
    *m = (distill_maps) { .depth = c->depth, .heads = c->heads, .dim = c->dim, .tokens = nn_model_config_tokens(c),
                          .prefix = nn_model_config_prefix(c), .has_class = !c->no_class,
                          .cap = params->images ? params->images : 4,
                          .pixels_len = (size_t) nn_model_config_pixels(c) };
    nn_loader_params lp = nn_loader_params_of(c, params->data, params->split, m->cap);
    lp.max_images = m->cap;
    lp.threads = params->threads;
    lp.epochs = 1;
    VKC_TRY(nn_loader_create(&lp, &l));
    m->pixels = (float *) malloc(m->cap * m->pixels_len * sizeof *m->pixels);
    m->picture = (uint32_t *) malloc(m->cap * sizeof *m->picture);
    if (!m->pixels || !m->picture) {
        st = fail_memory();
        goto done;
    }
    VKC_TRY(nn_loader_get(l, m->pixels, NULL, &m->n));
    for (uint32_t i = 0; i < m->n; i++)
        m->picture[i] = nn_loader_taken(l, i);
    if (m->n == 0) {
        st = VKC_FAIL(VKC_E_FORMAT, "no usable image in %s", nn_dataset_spec(params->data));
        goto done;
    }
    VKC_TRY(distill_attention_taps_init(model, m->cap, DISTILL_TAP_QKV, &t));
    VKC_TRY(distill_attention_taps_run(&t, m->pixels, m->n));
    VKC_TRY(read_layers(m, &t));
    VKC_TRY(read_tables(m, model));
    *out = m;
    m = NULL;
done:
    distill_attention_taps_finish(&t);
    nn_loader_destroy(l);
    distill_maps_destroy(m);
    return st;
}

void distill_maps_destroy(distill_maps *m)
{
    if (!m)
        return;
    for (uint32_t l = 0; l < m->depth; l++) {
        free(m->qkv[l]);
        free(m->table[l]);
        free(m->layout[l]);
    }
    free(m->picture);
    free(m->pixels);
    free(m);
}

uint32_t distill_maps_images(const distill_maps *m)
{
    return m->n;
}

const float *distill_maps_pixels(const distill_maps *m, uint32_t i)
{
    return m->pixels + i * m->pixels_len;
}

uint32_t distill_maps_picture(const distill_maps *m, uint32_t i)
{
    return m->picture[i];
}

bool distill_maps_has(const distill_maps *m, uint32_t layer)
{
    return m->qkv[layer] != NULL;
}

static uint32_t first_row(const distill_maps *m, uint32_t layer, uint32_t i)
{
    return m->layout[layer][ROWS_HEADER + i];
}

uint32_t distill_maps_len(const distill_maps *m, uint32_t layer, uint32_t i)
{
    return first_row(m, layer, i + 1) - first_row(m, layer, i);
}

const uint32_t *distill_maps_places(const distill_maps *m, uint32_t layer, uint32_t i)
{
    return m->layout[layer] + ROWS_HEADER + m->cap + 1 + first_row(m, layer, i);
}

// The weights (n) of query `row` of picture i.
static void read_row(const distill_maps *m, uint32_t layer, uint32_t i, uint32_t head, uint32_t row, double *p)
{
    const uint32_t D = m->dim / m->heads, ld = 3 * m->dim, n = distill_maps_len(m, layer, i);
    const float *at = m->qkv[layer] + (size_t) first_row(m, layer, i) * ld + (size_t) head * D;
    const float *q = at + (size_t) row * ld, *k = at + m->dim;
    const uint32_t *place = distill_maps_places(m, layer, i);
    double top = -HUGE_VAL, sum = 0;
    for (uint32_t j = 0; j < n; j++) {
        p[j] = 0;
        for (uint32_t d = 0; d < D; d++)
            p[j] += (double) q[d] * (double) k[(size_t) j * ld + d];
        p[j] = p[j] / sqrt((double) D) + nn_bias_ref(&m->bias, m->table[layer], m->heads, place[row], place[j], head);
        top = fmax(top, p[j]);
    }
    for (uint32_t j = 0; j < n; j++)
        sum += p[j] = exp(p[j] - top);
    for (uint32_t j = 0; j < n; j++)
        p[j] /= sum;
}

void distill_maps_read(const distill_maps *m, uint32_t layer, uint32_t i, uint32_t head, double *p)
{
    const uint32_t n = distill_maps_len(m, layer, i);
    for (uint32_t row = 0; row < n; row++)
        read_row(m, layer, i, head, row, p + (size_t) row * n);
}

// Add the weights of a row, times the number of keys over `over`, to full places; `p` is room for a row.
static void add_shares(const distill_maps *m, uint32_t layer, uint32_t i, uint32_t head, uint32_t row, uint32_t over,
                       double *p, double *sum)
{
    const uint32_t n = distill_maps_len(m, layer, i), *place = distill_maps_places(m, layer, i);
    read_row(m, layer, i, head, row, p);
    for (uint32_t j = 0; j < n; j++)
        sum[place[j]] += p[j] * n / over;
}

// The shares of queries row .. row + n_rows at full size, their mean, NaN where no token is: (tokens).
static void read_shares(const distill_maps *m, uint32_t layer, uint32_t i, uint32_t head, uint32_t row, uint32_t n_rows,
                        double *room, double *sum)
{
    const uint32_t n = distill_maps_len(m, layer, i), *place = distill_maps_places(m, layer, i);
    for (uint32_t k = 0; k < m->tokens; k++)
        sum[k] = (double) NAN;
    for (uint32_t j = 0; j < n; j++)
        sum[place[j]] = 0;
    for (uint32_t end = row + n_rows; row < end; row++) {
        if (head != DISTILL_MAPS_HEADS)
            add_shares(m, layer, i, head, row, n_rows, room, sum);
        for (uint32_t h = 0; head == DISTILL_MAPS_HEADS && h < m->heads; h++)
            add_shares(m, layer, i, h, row, m->heads * n_rows, room, sum);
    }
}

vkc_status distill_maps_read_class(const distill_maps *m, uint32_t layer, uint32_t i, uint32_t head, float *share)
{
    const uint32_t n = distill_maps_len(m, layer, i);
    const bool is_there = n > 0 && (!m->has_class || distill_maps_places(m, layer, i)[0] == 0);
    double *room = (double *) malloc(2 * (size_t) m->tokens * sizeof *room), *sum = room + m->tokens;
    if (!room)
        return fail_memory();
    if (is_there)
        read_shares(m, layer, i, head, 0, m->has_class ? 1 : n, room, sum);
    for (uint32_t k = m->prefix; k < m->tokens; k++)
        share[k - m->prefix] = is_there ? (float) sum[k] : NAN;
    free(room);
    return VKC_OK;
}

vkc_status distill_maps_read_full(const distill_maps *m, uint32_t layer, uint32_t i, uint32_t head, float *share)
{
    const uint32_t n = distill_maps_len(m, layer, i), *place = distill_maps_places(m, layer, i);
    double *room = (double *) malloc(2 * (size_t) m->tokens * sizeof *room), *sum = room + m->tokens;
    if (!room)
        return fail_memory();
    for (size_t k = 0; k < (size_t) m->tokens * m->tokens; k++)
        share[k] = NAN;
    for (uint32_t row = 0; row < n; row++) {
        read_shares(m, layer, i, head, row, 1, room, sum);
        for (uint32_t k = 0; k < m->tokens; k++)
            share[(size_t) place[row] * m->tokens + k] = (float) sum[k];
    }
    free(room);
    return VKC_OK;
}
