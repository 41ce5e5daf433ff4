// draw.h — filled boxes, small text and ramps of colour on a picture: what the sheets of this library are drawn with.
//
// Thread-safety: safe. What lies outside the picture is cut off.
#ifndef NN_DRAW_H
#define NN_DRAW_H

#include "nn/image/image.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_colour { uint8_t c[3]; } nn_colour;

// A white picture, to be finished with nn_image_finish. Errors: E_NOMEM.
vkc_status nn_draw_init(uint32_t width, uint32_t height, nn_image *out);
void       nn_draw_fill(nn_image *im, uint32_t x, uint32_t y, uint32_t w, uint32_t h, nn_colour colour);

#define NN_DRAW_TEXT_H 14u          // pixels of a line of text, without descenders
#define NN_DRAW_LINE_H 20u          // from line to line
// Printable ASCII (nn/image/glyphs.h), all else as '?'. (x, y) is the top left.
void       nn_draw_text(nn_image *im, uint32_t x, uint32_t y, const char *text, nn_colour colour);
uint32_t   nn_draw_text_width(const char *text);

#define NN_MAX_LINES 3
// Lines under a picture: its file, what it was taken for, what it is. UTF-8; any bytes are drawn.
typedef struct nn_lines {
    uint32_t n;
    char     text[NN_MAX_LINES][320];
} nn_lines;
// From (x, y) on, a line below the other; what is wider than `width` has "..." in its middle.
void       nn_draw_lines(nn_image *im, uint32_t x, uint32_t y, uint32_t width, const nn_lines *lines, nn_colour colour);
#define NN_DRAW_LINES_GAP 6u        // pixels between a picture and its lines
uint32_t   nn_draw_lines_height(uint32_t n);    // with that gap; 0 without lines

uint32_t   nn_draw_luma(const uint8_t *rgb);    // 0 .. 255
// Between n colours, evenly spaced 256 apart: `at` is 0 .. 256 * (n - 1).
nn_colour  nn_draw_ramp(const uint8_t (*stop)[3], uint32_t n, uint32_t at);

#ifdef __cplusplus
}
#endif
#endif
