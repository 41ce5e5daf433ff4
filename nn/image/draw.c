// draw.c — boxes, glyphs and colours.
#include "nn/image/draw.h"

#include <stdlib.h>
#include <string.h>

#include "nn/image/glyphs.h"

#define DOTS "..."

_Static_assert(NN_DRAW_TEXT_H == GLYPH_H, "a line of text is a glyph high");
_Static_assert(NN_DRAW_LINE_H >= GLYPH_H + GLYPH_FOOT, "lines do not touch");

vkc_status nn_draw_init(uint32_t width, uint32_t height, nn_image *out)
{
    *out = (nn_image) { width, height, (uint8_t *) malloc(3 * (size_t) width * height) };
    if (!out->rgb)
        return VKC_FAIL(VKC_E_NOMEM, "a picture of %u x %u: out of host memory", width, height);
    memset(out->rgb, 255, 3 * (size_t) width * height);
    return VKC_OK;
}

void nn_draw_fill(nn_image *im, uint32_t x, uint32_t y, uint32_t w, uint32_t h, nn_colour colour)
{
    for (uint32_t j = y; j < y + h && j < im->height; j++)
        for (uint32_t i = x; i < x + w && i < im->width; i++)
            memcpy(im->rgb + 3 * ((size_t) j * im->width + i), colour.c, 3);
}

void nn_draw_text(nn_image *im, uint32_t x, uint32_t y, const char *text, nn_colour colour)
{
    for (; *text; text++, x += GLYPH_STEP)
        for (uint32_t j = 0; j < GLYPH_H + GLYPH_FOOT; j++)
            for (uint32_t i = 0; i < GLYPH_W; i++)
                if (nn_glyph_has(*text, i, j))
                    nn_draw_fill(im, x + i, y + j, 1, 1, colour);
}

uint32_t nn_draw_text_width(const char *text)
{
    return *text ? (uint32_t) strlen(text) * GLYPH_STEP - (GLYPH_STEP - GLYPH_W) : 0;
}

// A '?' for each character that is not printable ASCII: the bytes that only go on with one are left out.
static size_t to_ascii(const char *text, char *out)
{
    size_t n = 0;
    for (; *text; text++)
        if ((*text & 0xc0) != 0x80)
            out[n++] = *text < ' ' || *text > '~' ? '?' : *text;
    out[n] = '\0';
    return n;
}

// To at most `most` characters, with dots in the middle.
static void shorten(char *text, size_t len, size_t most)
{
    const size_t dots = most < sizeof DOTS - 1 ? most : sizeof DOTS - 1;
    if (len <= most)
        return;
    const size_t end = (most - dots) / 2, start = most - dots - end;
    memcpy(text + start, DOTS, dots);
    memmove(text + start + dots, text + len - end, end);
    text[most] = '\0';
}

void nn_draw_lines(nn_image *im, uint32_t x, uint32_t y, uint32_t width, const nn_lines *lines, nn_colour colour)
{
    char text[sizeof lines->text[0]];
    for (uint32_t i = 0; i < lines->n; i++) {
        shorten(text, to_ascii(lines->text[i], text), (width + GLYPH_STEP - GLYPH_W) / GLYPH_STEP);
        nn_draw_text(im, x, y + i * NN_DRAW_LINE_H, text, colour);
    }
}

uint32_t nn_draw_lines_height(uint32_t n)
{
    return n ? NN_DRAW_LINES_GAP + n * NN_DRAW_LINE_H : 0;
}

uint32_t nn_draw_luma(const uint8_t *rgb)
{
    return (77u * rgb[0] + 150u * rgb[1] + 29u * rgb[2]) / 256;
}

nn_colour nn_draw_ramp(const uint8_t (*stop)[3], uint32_t n, uint32_t at)
{
    uint32_t k = at / 256 < n - 2 ? at / 256 : n - 2, f = at - 256 * k;
    nn_colour out;
    for (int c = 0; c < 3; c++)
        out.c[c] = (uint8_t) ((stop[k][c] * (256 - f) + stop[k + 1][c] * f) / 256);
    return out;
}
