// resample.c — the weights of an axis in fixed point; columns are filtered into a ring of lines, rows out of it. Where
// rows come first, a few lines of them are filtered, and then their columns.
#include "nn/image/resample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nn/image/image.h"

#define BITS 22                     // after the point: what 8 bits of a channel and two of a sum leave of 32
#define HALF (1 << (BITS - 1))
#define LINES 8                     // that are filtered side by side

// The loops over pixels are compiled for AVX2 too, where the compiler and the system can choose at load: SSE2 has no
// product of 32-bit integers. The same integers either way. Not under sanitizers, which start after that choice.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FOR_AVX2 __attribute__((target_clones("avx2", "default")))
#else
#define FOR_AVX2
#endif

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

// Working memory for a window `width` wide.
typedef struct buffers {
    uint32_t n_ring;                // lines of the ring, a multiple of LINES
    uint8_t *ring;                  // (n_ring, 3 width)
    uint8_t *lines;                 // (3 of the picture's width, LINES)
    int32_t *sums;                  // (3 width); where rows come first, of the picture
    uint8_t *rows;                  // (LINES, 3 of the picture's width) where rows come first, else NULL
} buffers;

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

// False when memory is short.
static bool init_buffers(buffers *b, uint32_t taps, uint32_t from_width, uint32_t width, bool rows_first)
{
    b->n_ring = rows_first ? LINES : (taps + 3 * LINES - 1) / LINES * LINES;
    b->ring = malloc((size_t) b->n_ring * width * 3);
    b->lines = malloc((size_t) from_width * 3 * LINES);
    b->sums = malloc((size_t) (rows_first ? from_width : width) * 3 * sizeof *b->sums);
    b->rows = rows_first ? calloc(LINES, (size_t) from_width * 3) : NULL;
    return b->ring != NULL && b->lines != NULL && b->sums != NULL && (b->rows != NULL || !rows_first);
}

static inline uint8_t to_byte(int32_t sum)
{
    int32_t x = sum >> BITS;
    return (uint8_t) (x < 0 ? 0 : x > 255 ? 255 : x);
}

// LINES lines of a picture, from `first` on, so that the same number of each stand side by side. The last line stands
// for those that there are not.
static void gather_lines(const uint8_t *rgb, nn_size size, uint32_t first, uint8_t *out)
{
    const size_t len = (size_t) size.width * 3;
    for (uint32_t l = 0; l < LINES; l++) {
        const uint8_t *line = rgb + (first + l < size.height ? first + l : size.height - 1) * len;
        for (size_t i = 0; i < len; i++)
            out[i * LINES + l] = line[i];
    }
}

// The weighted sums of n pixels of a channel, in LINES lines.
static inline void filter_channel(const uint8_t *p, const int32_t *w, uint32_t n, int32_t *out)
{
    int32_t sum[LINES];
    for (int l = 0; l < LINES; l++)
        sum[l] = HALF;
    for (uint32_t k = 0; k < n; k++)
        for (int l = 0; l < LINES; l++)
            sum[l] += w[k] * p[(size_t) k * 3 * LINES + (size_t) l];
    memcpy(out, sum, sizeof sum);
}

// Those lines to as many of the ring, `len` apart.
FOR_AVX2
static void filter_columns(const uint8_t *lines, const axis *a, uint8_t *out, size_t len)
{
    for (uint32_t x = 0; x < a->n_out; x++) {
        const uint8_t *p = lines + (size_t) a->first[x] * 3 * LINES;
        const int32_t *w = a->weight + (size_t) x * a->taps;
        int32_t sum[3][LINES];
        for (int c = 0; c < 3; c++)
            filter_channel(p + c * LINES, w, a->n[x], sum[c]);
        for (uint32_t l = 0; l < LINES; l++)
            for (size_t c = 0; c < 3; c++)
                out[l * len + 3 * (size_t) x + c] = to_byte(sum[c][l]);
    }
}

// sums (len) += w line (len).
FOR_AVX2
static void add_line(int32_t *restrict sums, const uint8_t *restrict line, int32_t w, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sums[i] += w * line[i];
}

FOR_AVX2
static void to_bytes(const int32_t *restrict sums, uint8_t *restrict out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = to_byte(sums[i]);
}

// Lines that are done, LINES at a time, stay in the ring until no output reads them: it has room for those of one
// output and for a group at either end, and the first of an output is never before that of the output above.
static void filter_rows(const uint8_t *rgb, nn_size from, const axis *ax, const axis *ay, const buffers *b,
                        uint8_t *out, size_t stride)
{
    const size_t len = (size_t) ax->n_out * 3;
    uint32_t done = 0;
    for (uint32_t y = 0; y < ay->n_out; y++, out += stride) {
        const uint32_t first = ay->first[y], end = first + ay->n[y];
        if (done < first)
            done = first - first % LINES;
        for (; done < end; done += LINES) {
            gather_lines(rgb, from, done, b->lines);
            filter_columns(b->lines, ax, b->ring + done % b->n_ring * len, len);
        }
        for (size_t i = 0; i < len; i++)
            b->sums[i] = HALF;
        for (uint32_t k = 0; k < ay->n[y]; k++)
            add_line(b->sums, b->ring + (first + k) % b->n_ring * len,
                     ay->weight[(size_t) y * ay->taps + k], len);
        to_bytes(b->sums, out, len);
    }
}

// Rows first, LINES outputs at a time: lines as long as the picture's, as far as columns read them.
static void filter_rows_first(const uint8_t *rgb, nn_size from, const axis *ax, const axis *ay, const buffers *b,
                              uint8_t *out, size_t stride)
{
    const uint32_t last = ax->n_out - 1;
    const size_t whole = (size_t) from.width * 3, len = (size_t) ax->n_out * 3, left = (size_t) ax->first[0] * 3;
    const size_t used = ((size_t) ax->first[last] + ax->n[last]) * 3 - left;
    for (uint32_t y = 0; y < ay->n_out; y += LINES) {
        const uint32_t n = ay->n_out - y < LINES ? ay->n_out - y : LINES;
        for (uint32_t l = 0; l < n; l++) {
            for (size_t i = 0; i < used; i++)
                b->sums[i] = HALF;
            for (uint32_t k = 0; k < ay->n[y + l]; k++)
                add_line(b->sums, rgb + (ay->first[y + l] + k) * whole + left,
                         ay->weight[(size_t) (y + l) * ay->taps + k], used);
            to_bytes(b->sums, b->rows + l * whole + left, used);
        }
        gather_lines(b->rows, (nn_size) { n, from.width }, 0, b->lines);
        filter_columns(b->lines, ax, b->ring, len);
        for (uint32_t l = 0; l < n; l++, out += stride)
            memcpy(out, b->ring + l * len, len);
    }
}

// Pillow from 13 on (Pillow#9549): where the height shrinks by more than twice what the width does, in pixels.
static bool has_rows_first(uint32_t pillow, nn_size from, nn_size to)
{
    const int64_t down = (int64_t) from.height - to.height, across = (int64_t) from.width - to.width;
    return pillow != 12 && down > 0 && down > 2 * across;
}

static bool is_inside(const nn_window *w, nn_size to)
{
    return w->height > 0 && w->width > 0 && w->height <= NN_IMAGE_MAX_SIDE && w->width <= NN_IMAGE_MAX_SIDE &&
           w->top < to.height && w->height <= to.height - w->top && w->left < to.width &&
           w->width <= to.width - w->left;
}

vkc_status nn_resample(const uint8_t *rgb, nn_size from, nn_size to, nn_filter filter, uint32_t pillow,
                       const nn_window *window, uint8_t *out, size_t stride)
{
    const nn_window w = window != NULL ? *window : (nn_window) { 0, 0, to.height, to.width };
    vkc_status st = VKC_OK;
    axis ax = { 0 }, ay = { 0 };
    buffers b = { 0 };
    if (from.height == 0 || from.width == 0 || from.height > NN_IMAGE_MAX_SIDE || from.width > NN_IMAGE_MAX_SIDE ||
        to.height > INT32_MAX || to.width > INT32_MAX || !is_inside(&w, to))
        return VKC_FAIL(VKC_E_ARG, "a picture of %u x %u pixels cannot be resized to %u x %u", from.width, from.height,
                        to.width, to.height);
    bool has_axes = init_axis(&ax, from.width, to.width, w.left, w.width, filter) &&
                    init_axis(&ay, from.height, to.height, w.top, w.height, filter);
    const bool rows_first = has_rows_first(pillow, from, to);
    if (!has_axes ||
        !init_buffers(&b, ay.taps < from.height ? ay.taps : from.height, from.width, w.width, rows_first))
        st = VKC_FAIL(VKC_E_NOMEM, "no memory to resize a picture of %u x %u pixels", from.width, from.height);
    else if (rows_first)
        filter_rows_first(rgb, from, &ax, &ay, &b, out, stride);
    else
        filter_rows(rgb, from, &ax, &ay, &b, out, stride);
    free(b.ring);
    free(b.rows);
    free(b.lines);
    free(b.sums);
    finish_axis(&ax);
    finish_axis(&ay);
    return st;
}
