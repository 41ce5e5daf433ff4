// positions.c — positions of one grid resampled for another, and models at another picture size.
#include "nn/positions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REACH 2.0                   // of the cubic filter, to either side

typedef struct taps {               // of one place of the new grid
    uint32_t first, n;
    double  *weight;                // (n)
} taps;

// Keys' cubic with a = -0.5.
static double get_cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    return x < 2.0 ? (((x - 5.0) * x + 8.0) * x - 4.0) * a : 0.0;
}

// `room` holds the weights of all places.
static void fill_taps(uint32_t from, uint32_t to, uint32_t most, double *room, taps *t)
{
    const double scale = (double) from / to, stretch = scale > 1.0 ? scale : 1.0, reach = REACH * stretch;
    for (uint32_t i = 0; i < to; i++) {
        const double centre = scale * (i + 0.5);
        const double low = floor(centre - reach + 0.5), high = floor(centre + reach + 0.5);
        const uint32_t first = low > 0.0 ? (uint32_t) low : 0, end = high < from ? (uint32_t) high : from;
        double sum = 0.0;
        t[i] = (taps) { first, end - first, room + (size_t) i * most };
        for (uint32_t k = 0; k < t[i].n; k++)
            sum += t[i].weight[k] = get_cubic((first + k + 0.5 - centre) / stretch);
        for (uint32_t k = 0; k < t[i].n; k++)
            t[i].weight[k] /= sum;
    }
}

// Rows first, then columns: src (from, from, dim) -> mid (from, to, dim) -> dst (to, to, dim).
static void resample(const float *src, uint32_t from, uint32_t dim, uint32_t to, const taps *t, double *mid, float *dst)
{
    for (uint32_t y = 0; y < from; y++)
        for (uint32_t x = 0; x < to; x++)
            for (uint32_t c = 0; c < dim; c++) {
                double sum = 0.0;
                for (uint32_t k = 0; k < t[x].n; k++)
                    sum += t[x].weight[k] * (double) src[((size_t) y * from + t[x].first + k) * dim + c];
                mid[((size_t) y * to + x) * dim + c] = sum;
            }
    for (uint32_t y = 0; y < to; y++)
        for (uint32_t x = 0; x < to; x++)
            for (uint32_t c = 0; c < dim; c++) {
                double sum = 0.0;
                for (uint32_t k = 0; k < t[y].n; k++)
                    sum += t[y].weight[k] * mid[((size_t) (t[y].first + k) * to + x) * dim + c];
                dst[((size_t) y * to + x) * dim + c] = (float) sum;
            }
}

vkc_status nn_positions_build(const float *src, uint32_t from, uint32_t dim, uint32_t to, float *dst)
{
    if (from == 0 || to == 0 || dim == 0)
        return VKC_FAIL(VKC_E_ARG, "positions: a grid of %u into one of %u, width %u", from, to, dim);
    memcpy(dst, src, dim * sizeof *dst);
    if (from == to) {
        memcpy(dst + dim, src + dim, (size_t) from * from * dim * sizeof *dst);
        return VKC_OK;
    }
    const double stretch = from > to ? (double) from / to : 1.0;
    const uint32_t most = (uint32_t) ceil(2.0 * REACH * stretch) + 2;
    taps *t = (taps *) malloc(to * sizeof *t);
    double *room = (double *) malloc((size_t) to * most * sizeof *room);
    double *mid = (double *) malloc((size_t) from * to * dim * sizeof *mid);
    vkc_status st = t && room && mid ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "positions: out of host memory");
    if (st == VKC_OK) {
        fill_taps(from, to, most, room, t);
        resample(src + dim, from, dim, to, t, mid, dst + dim);
    }
    free(t);
    free(room);
    free(mid);
    return st;
}

vkc_status nn_model_config_set_image(nn_model_config *c, uint32_t image)
{
    c->image = image ? image : c->image;
    return nn_model_config_check(c, VKC_E_ARG, "a model at another picture size");
}

static vkc_status copy_values(nn_vit *v, const nn_vit *from)
{
    const uint32_t dim = v->cfg.dim, side = v->cfg.image / v->cfg.patch, had = from->cfg.image / from->cfg.patch;
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < v->params->n && st == VKC_OK; i++) {
        float *x = (float *) malloc(nn_shape_len(&from->params->p[i].shape) * sizeof *x), *y = NULL;
        st = x ? nn_params_read(from->params, i, x) : VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
        if (st == VKC_OK && i == v->pos) {
            y = (float *) malloc(nn_shape_len(&v->params->p[i].shape) * sizeof *y);
            st = y ? nn_positions_build(x, had, dim, side, y) : VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
        }
        if (st == VKC_OK)
            st = nn_params_write(v->params, i, y ? y : x);
        free(x);
        free(y);
    }
    return st;
}

vkc_status nn_vit_create_at(const nn_vit *v, uint32_t image, bool trainable, nn_vit **out)
{
    nn_model_config cfg = { 0 };
    nn_vit *made = NULL;
    vkc_status st;
    VKC_TRY(nn_model_config_copy(&v->cfg, &cfg));
    VKC_TRY(nn_model_config_set_image(&cfg, image));
    VKC_TRY(nn_vit_create(v->dev, &cfg, trainable, &made));
    VKC_TRY(copy_values(made, v));
    *out = made;
    made = NULL;
done:
    nn_vit_destroy(made);
    nn_model_config_finish(&cfg);
    return st;
}

vkc_status nn_vit_load_at(vkc_device *dev, const char *dir, uint32_t image, bool trainable, nn_vit **out)
{
    nn_vit *v = NULL;
    vkc_status st;
    VKC_TRY(nn_vit_load(dev, dir, trainable, &v));
    if (image == 0 || image == v->cfg.image) {
        *out = v;
        return VKC_OK;
    }
    st = nn_vit_create_at(v, image, trainable, out);
done:
    nn_vit_destroy(v);
    return st;
}
