// heat.c — heat maps drawn: panels with captions, hatching, the bar of colours.
#include "nn/image/heat.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE     224u               // at least, of a panel
#define MARGIN   12u
#define CAPTION  (NN_DRAW_TEXT_H + 6u)
#define BAR_W    256u
#define BAR_H    16u
#define TICKS    5u
#define HATCH    4u                 // pixels from line to line
#define FOOT     (3u * NN_DRAW_TEXT_H + BAR_H + 24u)    // title, bar, ticks
#define KEY_W    130u               // "no token" beside the bar
#define LEAST_W  (2u * MARGIN + BAR_W + 40u + KEY_W)

typedef struct panel {
    char     caption[48];
    nn_lines lines;
    uint8_t *rgb;
    float   *value;
    uint32_t side;
} panel;

struct nn_heat {
    uint32_t size, columns, n, cap;
    uint32_t most_lines;            // under a panel
    char     title[64];
    panel   *panel;                 // (cap)
};

static const nn_colour ink = { { 32, 32, 32 } }, frame = { { 128, 128, 128 } };

nn_colour nn_heat_colour(double x)
{
    static const uint8_t stop[7][3] = { { 4, 4, 16 }, { 62, 16, 108 }, { 142, 42, 112 }, { 214, 78, 74 },
                                        { 246, 138, 40 }, { 252, 196, 70 }, { 252, 248, 190 } };
    return nn_draw_ramp(stop, 7, x > 0.0 ? (uint32_t) (fmin(x, 1.0) * 6 * 256) : 0);
}

uint32_t nn_heat_scale(uint32_t size)
{
    return (SIDE + size - 1) / size;
}

vkc_status nn_heat_create(const nn_heat_params *p, nn_heat **out)
{
    if (p->size == 0 || p->size > NN_IMAGE_MAX_SIDE / 2 || p->columns == 0)
        return VKC_FAIL(VKC_E_ARG, "a sheet of %u heat maps of %u x %u in a row", p->columns, p->size, p->size);
    nn_heat *h = (nn_heat *) calloc(1, sizeof *h);
    if (!h)
        return VKC_FAIL(VKC_E_NOMEM, "heat maps: out of host memory");
    h->size = p->size;
    h->columns = p->columns;
    snprintf(h->title, sizeof h->title, "%s", p->title);
    *out = h;
    return VKC_OK;
}

void nn_heat_destroy(nn_heat *h)
{
    if (!h)
        return;
    for (uint32_t i = 0; i < h->n; i++) {
        free(h->panel[i].rgb);
        free(h->panel[i].value);
    }
    free(h->panel);
    free(h);
}

static uint32_t cell(const nn_heat *h)
{
    return h->size * nn_heat_scale(h->size);
}

// From a panel to the one below it.
static uint32_t cell_height(const nn_heat *h)
{
    return cell(h) + MARGIN + CAPTION + nn_draw_lines_height(h->most_lines);
}

void nn_heat_place(const nn_heat *h, uint32_t i, uint32_t *x, uint32_t *y)
{
    *x = MARGIN + i % h->columns * (cell(h) + MARGIN);
    *y = MARGIN + CAPTION + i / h->columns * cell_height(h);
}

static void measure(const nn_heat *h, uint32_t n, uint64_t *width, uint64_t *height)
{
    const uint64_t columns = n < h->columns ? n : h->columns, rows = n / h->columns + (n % h->columns > 0);
    *width = MARGIN + columns * (cell(h) + MARGIN);
    const uint64_t title = 2 * MARGIN + nn_draw_text_width(h->title);
    *width = *width < LEAST_W ? LEAST_W : *width;
    *width = *width < title ? title : *width;
    *height = MARGIN + rows * cell_height(h) + FOOT;
}

static vkc_status copy(const void *from, size_t size, void **out)
{
    *out = from ? malloc(size) : NULL;
    if (from && !*out)
        return VKC_FAIL(VKC_E_NOMEM, "heat maps: out of host memory");
    if (from)
        memcpy(*out, from, size);
    return VKC_OK;
}

static bool fits(const nn_heat *h, uint32_t n)
{
    uint64_t w, height;
    measure(h, n, &w, &height);
    return w <= NN_IMAGE_MAX_SIDE && height <= NN_IMAGE_MAX_SIDE && w * height <= NN_IMAGE_MAX_PIXELS;
}

vkc_status nn_heat_add(nn_heat *h, const char *caption, const uint8_t *rgb, const float *value, uint32_t side)
{
    panel p = { .side = side };
    void *bytes = NULL, *values = NULL;
    if (value && (side == 0 || h->size % side))
        return VKC_FAIL(VKC_E_ARG, "heat maps: %u values a side of %u pixels", side, h->size);
    if (!fits(h, h->n + 1))
        return VKC_FAIL(VKC_E_ARG, "more than %u heat maps of %u x %u do not fit one sheet", h->n, cell(h), cell(h));
    if (h->n == h->cap) {
        uint32_t cap = h->cap ? 2 * h->cap : 16;
        panel *more = (panel *) realloc(h->panel, cap * sizeof *more);
        if (!more)
            return VKC_FAIL(VKC_E_NOMEM, "heat maps: out of host memory");
        h->panel = more;
        h->cap = cap;
    }
    vkc_status st = copy(rgb, 3 * (size_t) h->size * h->size, &bytes);
    if (st == VKC_OK)
        st = copy(value, (size_t) side * side * sizeof *value, &values);
    if (st != VKC_OK) {
        free(bytes);
        return st;
    }
    p.rgb = (uint8_t *) bytes;
    p.value = (float *) values;
    snprintf(p.caption, sizeof p.caption, "%s", caption);
    h->panel[h->n++] = p;
    return VKC_OK;
}

vkc_status nn_heat_add_lines(nn_heat *h, const nn_lines *lines)
{
    const uint32_t had = h->most_lines;
    if (h->n == 0)
        return VKC_FAIL(VKC_E_ARG, "heat maps: text under a panel, and there is none");
    h->most_lines = lines->n > had ? lines->n : had;
    if (!fits(h, h->n)) {
        h->most_lines = had;
        return VKC_FAIL(VKC_E_ARG, "the text of %u heat maps does not fit one sheet", h->n);
    }
    h->panel[h->n - 1].lines = *lines;
    return VKC_OK;
}

// The largest value of the sheet, and whether some are missing.
static double find_top(const nn_heat *h, bool *has_gaps)
{
    double top = 0.0;
    *has_gaps = false;
    for (uint32_t i = 0; i < h->n; i++) {
        const panel *p = &h->panel[i];
        for (size_t k = 0; p->value && k < (size_t) p->side * p->side; k++) {
            *has_gaps = *has_gaps || !isfinite(p->value[k]);
            if (isfinite(p->value[k]))
                top = fmax(top, (double) p->value[k]);
        }
    }
    return top;
}

static nn_colour hatch(uint32_t x, uint32_t y)
{
    return (x + y) % HATCH ? (nn_colour) { { 232, 232, 232 } } : (nn_colour) { { 176, 176, 176 } };
}

static nn_colour pixel(const nn_heat *h, const panel *p, double top, uint32_t x, uint32_t y)
{
    const uint32_t k = nn_heat_scale(h->size);
    const uint8_t *under = p->rgb ? p->rgb + 3 * ((size_t) (y / k) * h->size + x / k) : NULL;
    nn_colour out;
    if (!p->value) {
        memcpy(out.c, under, 3);
        return out;
    }
    const uint32_t step = h->size / p->side * k;
    const double value = (double) p->value[(size_t) (y / step) * p->side + x / step];
    if (!isfinite(value))
        return hatch(x, y);
    out = nn_heat_colour(top > 0.0 ? sqrt(fmax(value, 0.0) / top) : 0.0);
    for (int c = 0; c < 3 && under; c++)
        out.c[c] = (uint8_t) ((3u * out.c[c] + nn_draw_luma(under)) / 4);
    return out;
}

static void draw_panel(const nn_heat *h, uint32_t i, double top, nn_image *im)
{
    const panel *p = &h->panel[i];
    uint32_t x0, y0;
    nn_heat_place(h, i, &x0, &y0);
    nn_draw_text(im, x0, y0 - CAPTION + 2, p->caption, ink);
    for (uint32_t y = 0; y < cell(h) && (p->value || p->rgb); y++)
        for (uint32_t x = 0; x < cell(h); x++) {
            nn_colour c = pixel(h, p, top, x, y);
            memcpy(im->rgb + 3 * ((size_t) (y0 + y) * im->width + x0 + x), c.c, 3);
        }
    nn_draw_lines(im, x0, y0 + cell(h) + NN_DRAW_LINES_GAP, cell(h) - MARGIN, &p->lines, ink);
}

static void draw_bar(const nn_heat *h, double top, bool has_gaps, nn_image *im)
{
    uint32_t y = im->height - FOOT + 4, x0 = MARGIN + 8;
    char text[24];
    nn_draw_text(im, MARGIN, y, h->title, ink);
    y += NN_DRAW_TEXT_H + 6;
    nn_draw_fill(im, x0 - 1, y - 1, BAR_W + 2, BAR_H + 2, frame);
    for (uint32_t x = 0; x < BAR_W; x++)
        nn_draw_fill(im, x0 + x, y, 1, BAR_H, nn_heat_colour((double) x / (BAR_W - 1)));
    for (uint32_t i = 0; i < TICKS; i++) {
        const uint32_t x = x0 + i * (BAR_W - 1) / (TICKS - 1);
        const double shade = (double) i / (TICKS - 1), value = top * shade * shade;
        snprintf(text, sizeof text, value == 0.0 ? "0" : value < 9.95 ? "%.2f" : "%.0f", value);
        nn_draw_fill(im, x, y + BAR_H, 1, 5, ink);
        const uint32_t half = nn_draw_text_width(text) / 2;
        nn_draw_text(im, x > half ? x - half : 0, y + BAR_H + 7, text, ink);
    }
    if (!has_gaps)
        return;
    x0 += BAR_W + 32;
    nn_draw_fill(im, x0 - 1, y - 1, BAR_H + 2, BAR_H + 2, frame);
    for (uint32_t j = 0; j < BAR_H; j++)
        for (uint32_t i = 0; i < BAR_H; i++)
            nn_draw_fill(im, x0 + i, y + j, 1, 1, hatch(i, j));
    nn_draw_text(im, x0 + BAR_H + 6, y + (BAR_H - NN_DRAW_TEXT_H) / 2, "no token", ink);
}

vkc_status nn_heat_draw(const nn_heat *h, nn_image *out)
{
    uint64_t w, height;
    bool has_gaps;
    const double top = find_top(h, &has_gaps);
    measure(h, h->n, &w, &height);
    vkc_status st = nn_draw_init((uint32_t) w, (uint32_t) height, out);
    if (st != VKC_OK)
        return st;
    for (uint32_t i = 0; i < h->n; i++)
        draw_panel(h, i, top, out);
    draw_bar(h, top, has_gaps, out);
    return VKC_OK;
}

vkc_status nn_heat_save(const nn_heat *h, const char *path)
{
    nn_image im = { 0 };
    vkc_status st = nn_heat_draw(h, &im);
    if (st == VKC_OK)
        st = nn_image_save(&im, path);
    nn_image_finish(&im);
    return st;
}
