// sheet.c — the contact sheet drawn: pictures enlarged and shaded, grid lines, the strip that names the shades.
#include "nn/image/sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE      384u              // about what a picture is enlarged to
#define MARGIN    12u               // around everything
#define FEW       4u                // pictures in a row
#define MIN_GRID  6u                // patches narrower than this on the sheet get no lines
#define RIM       2u                // pixels of the line round what is kept
#define SWATCH_H  24u
#define SWATCH_W  28u
#define PAD       6u                // around the text of a swatch
#define GAP       5u                // between swatches

typedef nn_colour rgb;

static const rgb white = { { 255, 255, 255 } }, ink = { { 32, 32, 32 } }, frame = { { 128, 128, 128 } };

struct nn_sheet {
    nn_sheet_params p;
    uint32_t n, cap;
    uint32_t patches;               // of a picture
    uint32_t last;                  // the last block after which tokens may leave; 0 = none
    uint8_t *pictures, *blocks;     // (cap, size, size, 3), (cap, patches)
    nn_lines *lines;                // (cap)
    uint32_t most_lines;            // of a picture
    rgb      shade[NN_MAX_DEPTH + 1];   // by blocks gone through, up to `last`
};

// A way through dark violet, magenta, red and light orange on which lightness only grows.
static rgb ramp(uint32_t i, uint32_t n)
{
    static const uint8_t stop[4][3] = { { 24, 8, 72 }, { 118, 28, 130 }, { 222, 72, 104 }, { 255, 186, 128 } };
    return nn_draw_ramp(stop, 4, n > 1 ? 3 * 256 * i / (n - 1) : 0);
}

// Can a token have gone through d blocks and no more?
static bool is_exit(const nn_sheet_params *p, uint32_t d)
{
    return d < p->depth && p->leaves[d - 1];
}

vkc_status nn_sheet_create(const nn_sheet_params *p, nn_sheet **out)
{
    if (p->depth == 0 || p->depth > NN_MAX_DEPTH || p->patch == 0 || p->size == 0 || p->size % p->patch != 0 ||
        p->size > NN_IMAGE_MAX_SIDE / 2)
        return VKC_FAIL(VKC_E_ARG, "a sheet of pictures of %u x %u pixels in patches of %u", p->size, p->size,
                        p->patch);
    nn_sheet *s = (nn_sheet *) calloc(1, sizeof *s);
    if (!s)
        return VKC_FAIL(VKC_E_NOMEM, "sheet: out of host memory");
    s->p = *p;
    s->patches = (p->size / p->patch) * (p->size / p->patch);
    uint32_t n = 0, k = 0;
    for (uint32_t d = 1; d < p->depth; d++)
        n += is_exit(p, d);
    for (uint32_t d = 1; d <= p->depth; d++) {      // what lies between two exits has the shade of the later
        s->shade[d] = ramp(k < n ? k : 0, n);
        k += is_exit(p, d);
        s->last = is_exit(p, d) ? d : s->last;
    }
    *out = s;
    return VKC_OK;
}

void nn_sheet_destroy(nn_sheet *s)
{
    if (!s)
        return;
    free(s->pictures);
    free(s->blocks);
    free(s->lines);
    free(s);
}

uint32_t nn_sheet_len(const nn_sheet *s)
{
    return s->n;
}

uint32_t nn_sheet_scale(uint32_t size)
{
    uint32_t k = (SIDE + size / 2) / size;
    return k > 0 ? k : 1;
}

static uint32_t columns(uint32_t n)
{
    uint32_t c = n < FEW ? n : FEW;
    while (c * c < n)
        c++;
    return c > 0 ? c : 1;
}

static uint32_t cell(const nn_sheet *s)
{
    return s->p.size * nn_sheet_scale(s->p.size) + MARGIN;
}

static uint32_t cell_height(const nn_sheet *s)
{
    return cell(s) + nn_draw_lines_height(s->most_lines);
}

void nn_sheet_place(const nn_sheet *s, uint32_t i, uint32_t *x, uint32_t *y)
{
    uint32_t c = columns(s->n);
    *x = MARGIN + i % c * cell(s);
    *y = MARGIN + i / c * cell_height(s);
}

// A pen that goes from left to right and on to the next line where the sheet ends.
typedef struct pen { nn_image *im; uint32_t x, y, width; } pen;

static void advance(pen *p, uint32_t w)
{
    if (p->x > MARGIN && p->x + w + MARGIN > p->width) {
        p->x = MARGIN;
        p->y += SWATCH_H + GAP;
    }
}

// NULL as a colour: text alone.
static void write_item(pen *p, const char *text, const rgb *colour)
{
    uint32_t tw = nn_draw_text_width(text), w = !colour ? tw : tw + 2 * PAD > SWATCH_W ? tw + 2 * PAD : SWATCH_W;
    advance(p, w);
    if (p->im) {
        rgb on = colour && nn_draw_luma(colour->c) < 128 ? white : ink;
        if (colour) {
            nn_draw_fill(p->im, p->x, p->y, w, SWATCH_H, frame);
            nn_draw_fill(p->im, p->x + 1, p->y + 1, w - 2, SWATCH_H - 2, *colour);
        }
        nn_draw_text(p->im, p->x + (w - tw) / 2, p->y + (SWATCH_H - NN_DRAW_TEXT_H) / 2, text, on);
    }
    p->x += w + GAP;
}

// The strip that names the shades, from height y on; returns where it ends. Without an image nothing is drawn.
static uint32_t write_legend(const nn_sheet *s, nn_image *im, uint32_t width, uint32_t y)
{
    pen p = { im, MARGIN, y, width };
    char number[12];
    bool any = false;
    for (uint32_t d = 1; d < s->p.depth; d++) {
        if (!is_exit(&s->p, d))
            continue;
        if (!any)
            write_item(&p, "dropped after block", NULL);
        any = true;
        snprintf(number, sizeof number, "%u", d - 1);
        write_item(&p, number, &s->shade[d]);
    }
    write_item(&p, any ? "kept" : "all kept", &white);
    return p.y + SWATCH_H;
}

static void measure(const nn_sheet *s, uint32_t n, uint64_t *width, uint64_t *height)
{
    uint32_t c = columns(n), rows = (n + c - 1) / c;
    *width = MARGIN + (uint64_t) c * cell(s);
    *height = MARGIN + (uint64_t) rows * cell_height(s);
    if (*width <= UINT32_MAX && *height <= UINT32_MAX / 2)
        *height = write_legend(s, NULL, (uint32_t) *width, (uint32_t) *height) + MARGIN;
}

static vkc_status grow(nn_sheet *s)
{
    const uint32_t cap = s->cap ? 2 * s->cap : FEW;
    uint8_t *p = (uint8_t *) realloc(s->pictures, cap * 3 * (size_t) s->p.size * s->p.size);
    s->pictures = p ? p : s->pictures;
    uint8_t *b = (uint8_t *) realloc(s->blocks, (size_t) cap * s->patches);
    s->blocks = b ? b : s->blocks;
    nn_lines *l = (nn_lines *) realloc(s->lines, cap * sizeof *l);
    s->lines = l ? l : s->lines;
    if (!p || !b || !l)
        return VKC_FAIL(VKC_E_NOMEM, "sheet: out of host memory");
    s->cap = cap;
    return VKC_OK;
}

vkc_status nn_sheet_add(nn_sheet *s, const uint8_t *picture, const uint8_t *blocks, const nn_lines *lines)
{
    const size_t size = 3 * (size_t) s->p.size * s->p.size;
    const uint32_t had = s->most_lines;
    uint64_t w, h;
    if (lines && lines->n > s->most_lines)
        s->most_lines = lines->n;
    measure(s, s->n + 1, &w, &h);
    vkc_status st = VKC_OK;
    if (w > NN_IMAGE_MAX_SIDE || h > NN_IMAGE_MAX_SIDE || w * h > NN_IMAGE_MAX_PIXELS)
        st = VKC_FAIL(VKC_E_ARG, "more than %u pictures do not fit one sheet", s->n);
    else if (s->n == s->cap)
        st = grow(s);
    if (st != VKC_OK) {
        s->most_lines = had;
        return st;
    }
    memcpy(s->pictures + s->n * size, picture, size);
    memcpy(s->blocks + (size_t) s->n * s->patches, blocks, s->patches);
    s->lines[s->n++] = lines ? *lines : (nn_lines) { .n = 0 };
    return VKC_OK;
}

static bool is_kept(const nn_sheet *s, uint32_t blocks)
{
    return blocks > s->last;
}

// A pixel of the picture under the shade of its patch.
static rgb colour_of(const nn_sheet *s, const uint8_t *p, uint32_t blocks)
{
    rgb out;
    uint32_t grey = nn_draw_luma(p), d = blocks > 0 ? blocks : 1;
    if (is_kept(s, blocks)) {
        memcpy(out.c, p, 3);
        return out;
    }
    for (int c = 0; c < 3; c++)
        out.c[c] = (uint8_t) ((s->shade[d].c[c] * 7u + grey * 3u) / 10);
    return out;
}

// What is seen `in` pixels behind the edge to the patch before: a thin dark line, or a light one round what is kept.
static rgb line_over(const nn_sheet *s, rgb under, uint32_t in, uint32_t blocks, uint32_t before)
{
    if (is_kept(s, blocks) != is_kept(s, before))
        return in < RIM ? white : under;
    for (int i = 0; i < 3 && in == 0; i++)
        under.c[i] /= 2;
    return under;
}

static void draw_picture(const nn_sheet *s, uint32_t n, nn_image *im)
{
    const uint32_t size = s->p.size, k = nn_sheet_scale(size), side = size / s->p.patch, step = s->p.patch * k;
    const uint8_t *p = s->pictures + (size_t) n * 3 * size * size, *blocks = s->blocks + (size_t) n * s->patches;
    uint32_t x0, y0;
    const bool has_lines = step >= MIN_GRID;
    nn_sheet_place(s, n, &x0, &y0);
    for (uint32_t y = 0; y < size * k; y++) {
        uint8_t *to = im->rgb + 3 * ((size_t) (y0 + y) * im->width + x0);
        for (uint32_t x = 0; x < size * k; x++, to += 3) {
            const uint32_t at = y / step * side + x / step;
            rgb c = colour_of(s, p + 3 * ((size_t) (y / k) * size + x / k), blocks[at]);
            if (has_lines && x >= step)
                c = line_over(s, c, x % step, blocks[at], blocks[at - 1]);
            if (has_lines && y >= step && (x < step || x % step > 0))
                c = line_over(s, c, y % step, blocks[at], blocks[at - side]);
            memcpy(to, c.c, 3);
        }
    }
    nn_draw_lines(im, x0, y0 + size * k + NN_DRAW_LINES_GAP, size * k - MARGIN, &s->lines[n], ink);
}

vkc_status nn_sheet_draw(const nn_sheet *s, nn_image *out)
{
    uint64_t w, h;
    measure(s, s->n, &w, &h);
    nn_image im;
    vkc_status st = nn_draw_init((uint32_t) w, (uint32_t) h, &im);
    if (st != VKC_OK)
        return st;
    uint32_t c = columns(s->n), y = MARGIN + (s->n + c - 1) / c * cell_height(s);
    for (uint32_t i = 0; i < s->n; i++)
        draw_picture(s, i, &im);
    write_legend(s, &im, im.width, y);
    *out = im;
    return VKC_OK;
}

vkc_status nn_sheet_save(const nn_sheet *s, const char *path)
{
    nn_image im = { 0 };
    vkc_status st = nn_sheet_draw(s, &im);
    if (st == VKC_OK)
        st = nn_image_save(&im, path);
    nn_image_finish(&im);
    return st;
}
