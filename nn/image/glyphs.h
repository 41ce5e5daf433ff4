// glyphs.h — printable ASCII in 5 x 7 dots and a row below for descenders, drawn twice as large.
#ifndef NN_GLYPHS_H
#define NN_GLYPHS_H

#include <stdbool.h>
#include <stdint.h>

#define GLYPH_DOT  2u               // pixels a dot
#define GLYPH_W    (5 * GLYPH_DOT)
#define GLYPH_H    (7 * GLYPH_DOT)  // without the descender
#define GLYPH_FOOT GLYPH_DOT
#define GLYPH_STEP (6 * GLYPH_DOT)  // to the next glyph

// Eight rows of five dots from ' ' on, the top left in bit 39.
static const uint64_t nn_glyphs[] = {
    0x0000000000, 0x2108420080, 0x5280000000, 0x52beafa940, 0x23e8e2f880, 0xce44444e60, 0x64a88ac9a0, 0x2100000000,
    0x1110841040, 0x4104211100, 0x012aea9000, 0x0109f21000, 0x0000001888, 0x0001f00000, 0x0000003180, 0x0844444200,
    0x74675cc5c0, 0x23084211c0, 0x74422223e0, 0x744260c5c0, 0x11952f8840, 0xfc3c10c5c0, 0x3221e8c5c0, 0xf844442100,
    0x7462e8c5c0, 0x7462f08980, 0x0318063000, 0x0318061088, 0x1111041040, 0x003e0f8000, 0x4104111100, 0x7442220080,
    0x746f5bc1e0, 0x7463f8c620, 0xf463e8c7c0, 0x74610845c0, 0xf46318c7c0, 0xfc21e843e0, 0xfc21e84200, 0x746178c5c0,
    0x8c63f8c620, 0x71084211c0, 0x3884214980, 0x8ca98a4a20, 0x84210843e0, 0x8eeb58c620, 0x8e6b38c620, 0x746318c5c0,
    0xf463e84200, 0x74631ac9a0, 0xf463ea4a20, 0x7c20e087c0, 0xf908421080, 0x8c6318c5c0, 0x8c6318a880, 0x8c635aee20,
    0x8c54454620, 0x8c54421080, 0xf8444443e0, 0x72108421c0, 0x8410410420, 0x70842109c0, 0x22a2000000, 0x00000003e0,
    0x4100000000, 0x001c17c5e0, 0x843d18c7c0, 0x001d0845c0, 0x085f18c5e0, 0x001d1fc1c0, 0x3251c42100, 0x001f18bc2e,
    0x843d18c620, 0x20184211c0, 0x100c210a4c, 0x84254c5240, 0x61084211c0, 0x00355ad620, 0x003d18c620, 0x001d18c5c0,
    0x003d18fa10, 0x001f18bc21, 0x002d984200, 0x001f0707c0, 0x42388424c0, 0x002318cda0, 0x002318a880, 0x00235ad540,
    0x0022a22a20, 0x002318bc2e, 0x003e2223e0, 0x1108821040, 0x2108421080, 0x4108221100, 0x0013590000,
};

// Is pixel (x, y) of this character ink? What is not printable ASCII looks like a question mark.
static inline bool nn_glyph_has(char c, uint32_t x, uint32_t y)
{
    const uint64_t dots = nn_glyphs[(c < ' ' || c > '~' ? '?' : c) - ' '];
    return (dots >> (5 * (7 - y / GLYPH_DOT) + 4 - x / GLYPH_DOT) & 1) != 0;
}
#endif
