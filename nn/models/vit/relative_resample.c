// relative_resample.c — tables of relative positions of one grid for another.
#include "nn/models/vit/relative_resample.h"

#include "nn/mixers/relative.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE_GRID 3u              // rows behind those of pairs of patches

typedef struct between {            // a place of the new table: (1 - part) of old place `first`, part of the next
    uint32_t first;
    double   part;
} between;

// The ratio that places the last of `n` distances 1, 1 + q, 1 + q + q^2 ... at `reach`, within timm's bounds.
static double find_ratio(uint32_t n, double reach)
{
    double left = 1.01, right = 1.5, q = left;
    while (right - left > 1e-6) {
        q = (left + right) / 2;
        if ((1 - pow(q, n)) / (1 - q) > reach)
            right = q;
        else
            left = q;
    }
    return q;
}

// Of sides of `from` and `to` places, both odd. `at` is room for `from`: where the old places lie.
static void fill_geometric(uint32_t from, uint32_t to, double *at, between *out)
{
    const uint32_t n = from / 2;
    const double q = find_ratio(n, to / 2);     // of whole steps
    double distance = 1;
    at[n] = 0;
    for (uint32_t i = 0; i < n; i++) {
        at[n + 1 + i] = distance;
        at[n - 1 - i] = -distance;
        distance += pow(q, i + 1.0);
    }
    for (uint32_t i = 0; i < to; i++) {
        const double x = (double) i - to / 2;
        uint32_t right = 0;
        while (right < from && at[right] < x)
            right++;
        if (right == 0 || right == from)        // beyond the outermost
            out[i] = (between) { right ? from - 1 : 0, 0 };
        else
            out[i] = (between) { right - 1, (x - at[right - 1]) / (at[right] - at[right - 1]) };
    }
}

static void fill_linear(uint32_t from, uint32_t to, between *out)
{
    for (uint32_t i = 0; i < to; i++) {
        const double x = fmax((i + 0.5) * from / to - 0.5, 0);
        const uint32_t first = (uint32_t) x;
        out[i] = first + 1 < from ? (between) { first, x - first } : (between) { from - 1, 0 };
    }
}

static void fill(nn_pos_rule rule, uint32_t from, uint32_t to, double *at, between *out)
{
    if (rule == NN_POSITIONS_HF)
        fill_linear(from, to, out);
    else
        fill_geometric(from, to, at, out);
}

static void resample(const float *src, nn_grid from, uint32_t heads, nn_grid to, const between *y, const between *x,
                     float *dst)
{
    for (uint32_t r = 0; r < to.h; r++)
        for (uint32_t c = 0; c < to.w; c++) {
            const uint32_t y0 = y[r].first, y1 = y0 + (y[r].part > 0), x0 = x[c].first, x1 = x0 + (x[c].part > 0);
            const double p = y[r].part, q = x[c].part;
            for (uint32_t h = 0; h < heads; h++) {
                const double above = (1 - q) * (double) src[((size_t) y0 * from.w + x0) * heads + h] +
                                     q * (double) src[((size_t) y0 * from.w + x1) * heads + h];
                const double below = (1 - q) * (double) src[((size_t) y1 * from.w + x0) * heads + h] +
                                     q * (double) src[((size_t) y1 * from.w + x1) * heads + h];
                dst[((size_t) r * to.w + c) * heads + h] = (float) ((1 - p) * above + p * below);
            }
        }
}

vkc_status nn_relative_resample(nn_pos_rule rule, const float *src, nn_grid from, uint32_t heads, nn_grid to,
                                float *dst)
{
    if (!from.h || !from.w || !to.h || !to.w || !heads)
        return VKC_FAIL(VKC_E_ARG, "relative positions: a grid of %u x %u into one of %u x %u, %u heads", from.h,
                        from.w, to.h, to.w, heads);
    const nn_grid old = { 2 * from.h - 1, 2 * from.w - 1 }, made = { 2 * to.h - 1, 2 * to.w - 1 };
    const size_t rest = (size_t) BEFORE_GRID * heads, old_len = (size_t) old.h * old.w * heads,
                 new_len = (size_t) made.h * made.w * heads;
    if (from.h == to.h && from.w == to.w) {     // where one side is the same timm moves it too
        memcpy(dst, src, (old_len + rest) * sizeof *dst);
        return VKC_OK;
    }
    between *y = (between *) malloc(((size_t) made.h + made.w) * sizeof *y), *x = y + made.h;
    double *at = (double *) malloc((old.h > old.w ? old.h : old.w) * sizeof *at);
    const vkc_status st = y && at ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "relative positions: out of host memory");
    if (st == VKC_OK) {
        fill(rule, old.h, made.h, at, y);
        fill(rule, old.w, made.w, at, x);
        resample(src, old, heads, made, y, x, dst);
        memcpy(dst + new_len, src + old_len, rest * sizeof *dst);
    }
    free(y);
    free(at);
    return st;
}
