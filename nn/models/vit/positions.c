// positions.c — positions of one grid resampled for another, and models at another picture size.
#include "nn/models/vit/positions.h"

#include "nn/models/vit/relative_resample.h"
#include "nn/models/vit/vit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REACH 2.0                   // of the cubic filter, to either side
#define DINOV2_OFFSET 0.1           // which its authors add to a grid's side before they divide by it

typedef struct taps {               // of one place of the new grid
    uint32_t first, n;
    double  *weight;                // (n)
} taps;

// Keys' cubic.
static double get_cubic(double x, double a)
{
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    return x < 2.0 ? (((x - 5.0) * x + 8.0) * x - 4.0) * a : 0.0;
}

// a = -0.5, stretched where the grid shrinks, cut off at the border and scaled to sum 1. `room` holds all weights.
static void fill_smooth(uint32_t from, uint32_t to, uint32_t most, double *room, taps *t)
{
    const double scale = (double) from / to, stretch = scale > 1.0 ? scale : 1.0, reach = REACH * stretch;
    for (uint32_t i = 0; i < to; i++) {
        const double centre = scale * (i + 0.5);
        const double low = floor(centre - reach + 0.5), high = floor(centre + reach + 0.5);
        const uint32_t first = low > 0.0 ? (uint32_t) low : 0, end = high < from ? (uint32_t) high : from;
        double sum = 0.0;
        t[i] = (taps) { first, end - first, room + (size_t) i * most };
        for (uint32_t k = 0; k < t[i].n; k++)
            sum += t[i].weight[k] = get_cubic((first + k + 0.5 - centre) / stretch, -0.5);
        for (uint32_t k = 0; k < t[i].n; k++)
            t[i].weight[k] /= sum;
    }
}

static uint32_t clamp(double x, uint32_t n)
{
    return x < 0.0 ? 0 : x > n - 1.0 ? n - 1 : (uint32_t) x;
}

// a = -0.75 at the four nearest, as they are, the border repeated; `scale` places of the old grid to one of the new.
static void fill_sharp(uint32_t from, uint32_t to, double scale, uint32_t most, double *room, taps *t)
{
    for (uint32_t i = 0; i < to; i++) {
        const double centre = scale * (i + 0.5) - 0.5, low = floor(centre) - 1.0;
        const uint32_t first = clamp(low, from);
        t[i] = (taps) { first, clamp(low + 3.0, from) - first + 1, room + (size_t) i * most };
        for (uint32_t k = 0; k < t[i].n; k++)
            t[i].weight[k] = 0.0;
        for (uint32_t k = 0; k < 4; k++)
            t[i].weight[clamp(low + k, from) - first] += get_cubic(low + k - centre, -0.75);
    }
}

static void fill_taps(nn_pos_rule rule, uint32_t from, uint32_t to, uint32_t most, double *room, taps *t)
{
    if (rule == NN_POSITIONS_TIMM)
        fill_smooth(from, to, most, room, t);
    else
        fill_sharp(from, to, from / (to + (rule == NN_POSITIONS_DINOV2 ? DINOV2_OFFSET : 0.0)), most, room, t);
}

// Rows first, then columns: src (from.h, from.w, dim) -> mid (from.h, to.w, dim) -> dst (to.h, to.w, dim).
static void resample(const float *src, nn_grid from, uint32_t dim, nn_grid to, const taps *tx, const taps *ty,
                     double *mid, float *dst)
{
    for (uint32_t y = 0; y < from.h; y++)
        for (uint32_t x = 0; x < to.w; x++)
            for (uint32_t c = 0; c < dim; c++) {
                double sum = 0.0;
                for (uint32_t k = 0; k < tx[x].n; k++)
                    sum += tx[x].weight[k] * (double) src[((size_t) y * from.w + tx[x].first + k) * dim + c];
                mid[((size_t) y * to.w + x) * dim + c] = sum;
            }
    for (uint32_t y = 0; y < to.h; y++)
        for (uint32_t x = 0; x < to.w; x++)
            for (uint32_t c = 0; c < dim; c++) {
                double sum = 0.0;
                for (uint32_t k = 0; k < ty[y].n; k++)
                    sum += ty[y].weight[k] * mid[((size_t) (ty[y].first + k) * to.w + x) * dim + c];
                dst[((size_t) y * to.w + x) * dim + c] = (float) sum;
            }
}

static uint32_t count_taps(uint32_t from, uint32_t to)
{
    const double stretch = from > to ? (double) from / to : 1.0;
    return (uint32_t) ceil(2.0 * REACH * stretch) + 2;
}

vkc_status nn_positions_build(nn_pos_rule rule, uint32_t prefix, const float *src, nn_grid from, uint32_t dim,
                              nn_grid to, float *dst)
{
    const size_t before = (size_t) prefix * dim;
    if (from.h == 0 || from.w == 0 || to.h == 0 || to.w == 0 || dim == 0)
        return VKC_FAIL(VKC_E_ARG, "positions: a grid of %u x %u into one of %u x %u, width %u", from.h, from.w, to.h,
                        to.w, dim);
    memcpy(dst, src, before * sizeof *dst);
    if (from.h == to.h && from.w == to.w) {
        memcpy(dst + before, src + before, (size_t) from.h * from.w * dim * sizeof *dst);
        return VKC_OK;
    }
    const uint32_t most_x = count_taps(from.w, to.w), most_y = count_taps(from.h, to.h);
    taps *t = (taps *) malloc((to.w + to.h) * sizeof *t);
    double *room = (double *) malloc(((size_t) to.w * most_x + (size_t) to.h * most_y) * sizeof *room);
    double *mid = (double *) malloc((size_t) from.h * to.w * dim * sizeof *mid);
    vkc_status st = t && room && mid ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "positions: out of host memory");
    if (st == VKC_OK) {
        fill_taps(rule, from.w, to.w, most_x, room, t);
        fill_taps(rule, from.h, to.h, most_y, room + (size_t) to.w * most_x, t + to.w);
        resample(src + before, from, dim, to, t, t + to.w, mid, dst + before);
    }
    free(t);
    free(room);
    free(mid);
    return st;
}

vkc_status nn_model_config_set_size(nn_model_config *c, nn_size size)
{
    if (size.height > 0 && size.width > 0) {
        if (c->patch && (size.height != c->stored.height || size.width != c->stored.width) &&
            (size.height % c->patch || size.width % c->patch))
            return VKC_FAIL(VKC_E_ARG, "a model at another picture size: the image size %u x %u is not a multiple of "
                            "the patch size %u", size.height, size.width, c->patch);
        c->height = size.height;
        c->width = size.width;
    }
    return nn_model_config_check(c, VKC_E_ARG, "a model at another picture size");
}

static nn_grid get_grid(const nn_model_config *c)
{
    return (nn_grid) { c->height / c->patch, c->width / c->patch };
}

// Parameter i of m from x, its values in `from`, where it depends on the grid: y, which is freed by the caller; else y
// stays NULL.
static vkc_status resample_param(const nn_model *m, const nn_model *from, uint32_t i, const float *x, float **y)
{
    const nn_model_config *c = &m->cfg;
    const bool is_vit = nn_vit_of(m) != NULL, is_pos = is_vit && !c->no_pos && i == nn_vit_of(m)->pos;
    if (!is_pos && !(is_vit && nn_relative_is_table(m->params->p[i].name)))
        return VKC_OK;
    *y = (float *) malloc(nn_shape_len(&m->params->p[i].shape) * sizeof **y);
    if (!*y)
        return VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    if (!is_pos)
        return nn_relative_resample(c->pos_rule, x, get_grid(&from->cfg), c->heads, get_grid(c), *y);
    return nn_positions_build(c->pos_rule, c->bare_prefix ? 0 : nn_model_config_prefix(c), x, get_grid(&from->cfg),
                              c->dim, get_grid(c), *y);
}

static vkc_status copy_values(nn_model *m, const nn_model *from)
{
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < m->params->n && st == VKC_OK; i++) {
        float *x = (float *) malloc(nn_shape_len(&from->params->p[i].shape) * sizeof *x), *y = NULL;
        st = x ? nn_params_read(from->params, i, x) : VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
        if (st == VKC_OK)
            st = resample_param(m, from, i, x, &y);
        if (st == VKC_OK)
            st = nn_params_write(m->params, i, y ? y : x);
        free(x);
        free(y);
    }
    return st;
}

vkc_status nn_model_create_at(const nn_model *m, nn_size size, bool trainable, nn_model **out)
{
    nn_model_config cfg = { 0 };
    nn_model *made = NULL;
    vkc_status st;
    VKC_TRY(nn_model_config_copy(&m->cfg, &cfg));
    VKC_TRY(nn_model_config_set_size(&cfg, size));
    VKC_TRY(nn_model_create(m->dev, &cfg, trainable, &made));
    VKC_TRY(copy_values(made, m));
    *out = made;
    made = NULL;
done:
    nn_model_destroy(made);
    nn_model_config_finish(&cfg);
    return st;
}
