// glyphs.h — the letters, figures and signs that sheets are labelled with, 3 x 5 dots each, drawn twice as large.
#ifndef NN_GLYPHS_H
#define NN_GLYPHS_H

#include <stdbool.h>
#include <stdint.h>

#define GLYPH_DOT  2u               // pixels a dot
#define GLYPH_W    (3 * GLYPH_DOT)
#define GLYPH_H    (5 * GLYPH_DOT)
#define GLYPH_STEP (4 * GLYPH_DOT)  // to the next glyph

// Is pixel (x, y) of this character ink? Characters that are not in the table are blank.
static inline bool nn_glyph_has(char c, uint32_t x, uint32_t y)
{
    static const struct { char c; uint16_t rows; } table[] = {     // an octal digit a row of dots, the top one first
        { '0', 075557 }, { '1', 026227 }, { '2', 071747 }, { '3', 071717 }, { '4', 055711 }, { '5', 074717 },
        { '6', 074757 }, { '7', 071222 }, { '8', 075757 }, { '9', 075717 }, { 'A', 025755 }, { 'B', 065656 },
        { 'C', 034443 }, { 'D', 065556 }, { 'E', 074647 }, { 'F', 074644 }, { 'G', 034553 }, { 'H', 055755 },
        { 'I', 072227 }, { 'J', 011152 }, { 'K', 055655 }, { 'L', 044447 }, { 'M', 057755 }, { 'N', 065555 },
        { 'O', 025552 }, { 'P', 065644 }, { 'Q', 025563 }, { 'R', 065655 }, { 'S', 034216 }, { 'T', 072222 },
        { 'U', 055557 }, { 'V', 055552 }, { 'W', 055775 }, { 'X', 055255 }, { 'Y', 055222 }, { 'Z', 071247 },
        { '.', 000002 }, { '/', 011244 }, { '-', 000700 },
    };
    for (uint32_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].c == c)
            return (table[i].rows >> (3 * (4 - y / GLYPH_DOT) + 2 - x / GLYPH_DOT) & 1) != 0;
    return false;
}
#endif
