// samples.c — bits, bytes, halves of words and floats to bytes; inks to light.
#include "nn/image/formats/samples.h"

#include <string.h>

static uint8_t cut(double x)
{
    return (uint8_t) (!(x > 0) ? 0 : x > 255 ? 255 : x);        // not a number counts as 0
}

static uint8_t read_wide(const nn_samples *s, const uint8_t *p)
{
    if (s->bits == 16) {
        uint16_t x;
        memcpy(&x, p, sizeof x);
        return !s->cuts ? (uint8_t) (x >> 8) : cut(s->type == NN_SAMPLE_SIGNED ? (int16_t) x : x);
    }
    uint32_t x;
    float f;
    memcpy(&x, p, sizeof x);
    memcpy(&f, p, sizeof f);
    return cut(s->type == NN_SAMPLE_FLOAT ? (double) f : s->type == NN_SAMPLE_SIGNED ? (double) (int32_t) x : x);
}

void nn_samples_read(const nn_samples *s, const uint8_t *line, uint32_t n, uint8_t *out)
{
    const size_t width = s->bits / 8;
    for (uint32_t i = 0; i < n; i++, out += 4) {
        if (s->bits < 8) {
            const size_t bit = (size_t) i * s->bits;
            out[0] = (uint8_t) (line[bit / 8] >> (8 - s->bits - bit % 8) & ((1u << s->bits) - 1));
            continue;
        }
        const uint8_t *p = line + (size_t) i * s->each * width;
        for (uint32_t k = 0; k < s->use; k++)
            out[k] = width == 1 ? p[k] : read_wide(s, p + k * width);
    }
}

// a * b / 255, rounded.
static uint32_t scale(uint32_t a, uint32_t b)
{
    const uint32_t x = a * b + 128;
    return ((x >> 8) + x) >> 8;
}

void nn_samples_mix_inks(const uint8_t *cmyk, uint32_t n, bool is_inverted, uint8_t *rgb)
{
    const uint8_t flip = is_inverted ? 255 : 0;
    for (uint32_t i = 0; i < n; i++, cmyk += 4)
        for (uint32_t k = 0; k < 3; k++) {
            const uint32_t light = 255u - (cmyk[3] ^ flip), ink = cmyk[k] ^ flip;
            *rgb++ = (uint8_t) (light - scale(ink, light));
        }
}
