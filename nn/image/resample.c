// resample.c — the weights of an axis in fixed point; columns are filtered line by line into a ring, rows out of it.
#include "nn/image/resample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nn/image/image.h"

#define BITS 22                     // after the point: what 8 bits of a channel and two of a sum leave of 32
#define HALF (1 << (BITS - 1))

// Output i of an axis is the sum of n[i] inputs from first[i] on, weighted.
typedef struct axis {
    uint32_t n_out, taps;           // taps: room for the weights of an output
    uint32_t *first, *n;            // (n_out)
    int32_t  *weight;               // (n_out, taps)
} axis;

static double eval_bilinear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

// Keys' cubic with a = -0.5, in the order of operations that Pillow has.
static double eval_bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static void finish_axis(axis *a)
{
    free(a->first);
    free(a->n);
    free(a->weight);
}

static int32_t to_fixed(double w)
{
    return (int32_t) (w < 0 ? w * (1 << BITS) - 0.5 : w * (1 << BITS) + 0.5);
}

// The outputs `at` .. `at` + n_window - 1 of n_out. `scratch` holds the weights of one before they are divided.
static void fill_axis(axis *a, uint32_t n_in, uint32_t n_out, uint32_t at, nn_filter filter, double *scratch)
{
    const double scale = (double) n_in / n_out, widening = scale < 1.0 ? 1.0 : scale;
    const double support = (filter == NN_FILTER_BICUBIC ? 2.0 : 1.0) * widening, narrowing = 1.0 / widening;
    for (uint32_t i = 0; i < a->n_out; i++) {
        const double centre = (at + (double) i + 0.5) * scale, low = centre - support + 0.5;
        const double high = centre + support + 0.5;
        const uint32_t first = low > 0 ? (uint32_t) low : 0, end = high < n_in ? (uint32_t) high : n_in;
        double sum = 0.0;
        for (uint32_t k = 0; k < end - first; k++) {
            double x = ((double) k + first - centre + 0.5) * narrowing;
            scratch[k] = filter == NN_FILTER_BICUBIC ? eval_bicubic(x) : eval_bilinear(x);
            sum += scratch[k];
        }
        for (uint32_t k = 0; k < end - first; k++)
            a->weight[(size_t) i * a->taps + k] = to_fixed(sum != 0.0 ? scratch[k] / sum : scratch[k]);
        a->first[i] = first;
        a->n[i] = end - first;
    }
}

// False when memory is short. An axis that keeps its size takes every input as it is.
static bool init_axis(axis *a, uint32_t n_in, uint32_t n_out, uint32_t at, uint32_t n_window, nn_filter filter)
{
    const double scale = (double) n_in / n_out;
    const double support = (filter == NN_FILTER_BICUBIC ? 2.0 : 1.0) * (scale < 1.0 ? 1.0 : scale);
    a->n_out = n_window;
    a->taps = n_in == n_out ? 1 : (uint32_t) ceil(support) * 2 + 1;
    a->first = malloc(n_window * sizeof *a->first);
    a->n = malloc(n_window * sizeof *a->n);
    a->weight = malloc((size_t) n_window * a->taps * sizeof *a->weight);
    if (a->first == NULL || a->n == NULL || a->weight == NULL)
        return false;
    if (n_in != n_out) {
        double *scratch = malloc(a->taps * sizeof *scratch);
        if (scratch == NULL)
            return false;
        fill_axis(a, n_in, n_out, at, filter, scratch);
        free(scratch);
        return true;
    }
    for (uint32_t i = 0; i < n_window; i++) {
        a->first[i] = at + i;
        a->n[i] = 1;
        a->weight[i] = 1 << BITS;
    }
    return true;
}

static uint8_t to_byte(int32_t sum)
{
    int32_t x = sum >> BITS;
    return (uint8_t) (x < 0 ? 0 : x > 255 ? 255 : x);
}

// One line of the picture to one of the ring.
static void filter_columns(const uint8_t *line, const axis *a, uint8_t *out)
{
    for (uint32_t x = 0; x < a->n_out; x++) {
        const uint8_t *p = line + (size_t) a->first[x] * 3;
        const int32_t *w = a->weight + (size_t) x * a->taps;
        int32_t r = HALF, g = HALF, b = HALF;
        for (uint32_t k = 0; k < a->n[x]; k++, p += 3) {
            r += w[k] * p[0];
            g += w[k] * p[1];
            b += w[k] * p[2];
        }
        *out++ = to_byte(r);
        *out++ = to_byte(g);
        *out++ = to_byte(b);
    }
}

// Lines that are done stay in the ring until no output reads them: those of one output fit in it, and the first of
// an output is never before that of the output above.
static void filter_rows(const uint8_t *rgb, uint32_t width, const axis *ax, const axis *ay, uint8_t *ring,
                        uint32_t n_ring, int32_t *sums, uint8_t *out, size_t stride)
{
    const size_t len = (size_t) ax->n_out * 3;
    uint32_t done = ay->first[0];
    for (uint32_t y = 0; y < ay->n_out; y++, out += stride) {
        const uint32_t first = ay->first[y], end = first + ay->n[y];
        for (done = done < first ? first : done; done < end; done++)
            filter_columns(rgb + (size_t) done * width * 3, ax, ring + done % n_ring * len);
        for (size_t i = 0; i < len; i++)
            sums[i] = HALF;
        for (uint32_t k = 0; k < ay->n[y]; k++) {
            const uint8_t *line = ring + (first + k) % n_ring * len;
            const int32_t w = ay->weight[(size_t) y * ay->taps + k];
            for (size_t i = 0; i < len; i++)
                sums[i] += w * line[i];
        }
        for (size_t i = 0; i < len; i++)
            out[i] = to_byte(sums[i]);
    }
}

static bool is_inside(const nn_window *w, nn_size to)
{
    return w->height > 0 && w->width > 0 && w->height <= NN_IMAGE_MAX_SIDE && w->width <= NN_IMAGE_MAX_SIDE &&
           w->top < to.height && w->height <= to.height - w->top && w->left < to.width &&
           w->width <= to.width - w->left;
}

vkc_status nn_resample(const uint8_t *rgb, nn_size from, nn_size to, nn_filter filter, const nn_window *window,
                       uint8_t *out, size_t stride)
{
    const nn_window w = window != NULL ? *window : (nn_window) { 0, 0, to.height, to.width };
    vkc_status st = VKC_OK;
    axis ax = { 0 }, ay = { 0 };
    uint8_t *ring = NULL;
    int32_t *sums = NULL;
    if (from.height == 0 || from.width == 0 || from.height > NN_IMAGE_MAX_SIDE || from.width > NN_IMAGE_MAX_SIDE ||
        to.height > INT32_MAX || to.width > INT32_MAX || !is_inside(&w, to))
        return VKC_FAIL(VKC_E_ARG, "a picture of %u x %u pixels cannot be resized to %u x %u", from.width, from.height,
                        to.width, to.height);
    bool has_axes = init_axis(&ax, from.width, to.width, w.left, w.width, filter) &&
                    init_axis(&ay, from.height, to.height, w.top, w.height, filter);
    uint32_t n_ring = ay.taps < from.height ? ay.taps : from.height;
    if (has_axes) {
        ring = malloc((size_t) n_ring * w.width * 3);
        sums = malloc((size_t) w.width * 3 * sizeof *sums);
    }
    if (ring == NULL || sums == NULL)
        st = VKC_FAIL(VKC_E_NOMEM, "no memory to resize a picture of %u x %u pixels", from.width, from.height);
    else
        filter_rows(rgb, from.width, &ax, &ay, ring, n_ring, sums, out, stride);
    free(ring);
    free(sums);
    finish_axis(&ax);
    finish_axis(&ay);
    return st;
}
