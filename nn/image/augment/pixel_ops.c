// pixel_ops.c — changes of a picture by tables, by blending, and by affine maps.
#include "nn/image/augment/pixel_ops.h"

#include <stdbool.h>
#include <string.h>

#include "nn/image/augment/affine.h"

static const char *const names[NN_N_PIXEL_OPS] = {
    [NN_PIXEL_AUTO_CONTRAST] = "AutoContrast", [NN_PIXEL_EQUALIZE] = "Equalize", [NN_PIXEL_INVERT] = "Invert",
    [NN_PIXEL_ROTATE] = "Rotate", [NN_PIXEL_POSTERIZE] = "Posterize", [NN_PIXEL_SOLARIZE] = "Solarize",
    [NN_PIXEL_SOLARIZE_ADD] = "SolarizeAdd", [NN_PIXEL_COLOR] = "Color", [NN_PIXEL_CONTRAST] = "Contrast",
    [NN_PIXEL_BRIGHTNESS] = "Brightness", [NN_PIXEL_SHARPNESS] = "Sharpness", [NN_PIXEL_SHEAR_X] = "ShearX",
    [NN_PIXEL_SHEAR_Y] = "ShearY", [NN_PIXEL_TRANSLATE_X] = "TranslateXRel", [NN_PIXEL_TRANSLATE_Y] = "TranslateYRel",
};

const char *nn_pixel_op_name(nn_pixel_op op)
{
    return names[op];
}

// ---- tables, one a channel

static uint8_t clip(double x)       // cut off, not rounded
{
    return x <= 0 ? 0 : x >= 255 ? 255 : (uint8_t) x;
}

static void look_up(uint8_t table[3][256], size_t area, uint8_t *rgb)
{
    for (size_t i = 0; i < 3 * area; i++)
        rgb[i] = table[i % 3][rgb[i]];
}

static void count(size_t area, const uint8_t *rgb, uint32_t histogram[3][256])
{
    memset(histogram, 0, 3 * sizeof histogram[0]);
    for (size_t i = 0; i < 3 * area; i++)
        histogram[i % 3][rgb[i]]++;
}

// The first and the last level that some pixel has.
static void find_range(const uint32_t histogram[256], int *first, int *last)
{
    for (*first = 0; *first < 255 && histogram[*first] == 0; (*first)++)
        continue;
    for (*last = 255; *last > 0 && histogram[*last] == 0; (*last)--)
        continue;
}

static void stretch(const uint32_t histogram[256], uint8_t table[256])
{
    int low, high;
    find_range(histogram, &low, &high);
    const double scale = high > low ? 255.0 / (high - low) : 1, offset = high > low ? -low * scale : 0;
    for (int i = 0; i < 256; i++)
        table[i] = clip(i * scale + offset);
}

static void equalize(const uint32_t histogram[256], uint8_t table[256])
{
    int low, high;
    uint64_t sum = 0;
    find_range(histogram, &low, &high);
    for (int i = 0; i < high; i++)
        sum += histogram[i];
    const uint64_t step = high > low ? sum / 255 : 0;
    uint64_t n = step / 2;
    for (int i = 0; i < 256; n += histogram[i++])
        table[i] = step == 0 ? (uint8_t) i : n / step < 255 ? (uint8_t) (n / step) : 255;
}

static uint8_t posterize(int x, double bits)
{
    return bits >= 8 ? (uint8_t) x : bits <= 0 ? 0 : (uint8_t) (x & (0xff << (8 - (int) bits)));
}

static uint8_t change_level(nn_pixel_op op, double value, int x)
{
    switch (op) {
    case NN_PIXEL_POSTERIZE: return posterize(x, value);
    case NN_PIXEL_SOLARIZE: return (uint8_t) (x < value ? x : 255 - x);
    case NN_PIXEL_SOLARIZE_ADD: return x < 128 ? clip(x + value) : (uint8_t) x;
    default: return (uint8_t) (255 - x);
    }
}

static void apply_table(const nn_pixel_step *s, size_t area, uint8_t *rgb)
{
    uint8_t t[3][256];
    uint32_t histogram[3][256];
    const bool is_fitted = s->op == NN_PIXEL_AUTO_CONTRAST || s->op == NN_PIXEL_EQUALIZE;
    if (is_fitted)
        count(area, rgb, histogram);
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 256 && !is_fitted; i++)
            t[c][i] = change_level(s->op, s->value, i);
        if (s->op == NN_PIXEL_AUTO_CONTRAST)
            stretch(histogram[c], t[c]);
        else if (s->op == NN_PIXEL_EQUALIZE)
            equalize(histogram[c], t[c]);
    }
    look_up(t, area, rgb);
}

// ---- blends: from a lesser picture to this one, and beyond

static uint8_t luma(const uint8_t *p)
{
    return (uint8_t) ((p[0] * 19595u + p[1] * 38470u + p[2] * 7471u + 0x8000u) >> 16);
}

static void make_grey(size_t area, const uint8_t *rgb, uint8_t *out)
{
    for (size_t i = 0; i < area; i++)
        memset(out + 3 * i, luma(rgb + 3 * i), 3);
}

static void make_mean(size_t area, const uint8_t *rgb, uint8_t *out)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < area; i++)
        sum += luma(rgb + 3 * i);
    memset(out, (int) ((double) sum / (double) area + 0.5), 3 * area);
}

// Means of 3 x 3 pixels in which the middle counts five times; the pixels at the edges stay.
static void make_smooth(nn_size size, const uint8_t *rgb, uint8_t *out)
{
    const float side = 1.0f / 13.0f, middle = 5.0f / 13.0f;
    const size_t line = (size_t) size.width * 3;
    memcpy(out, rgb, line * size.height);
    for (uint32_t y = 1; y + 1 < size.height; y++)
        for (size_t i = 3; i + 3 < line; i++) {
            const uint8_t *p = rgb + y * line + i;
            const uint8_t *const row[3] = { p + line, p, p - line };
            float sum = 0.5f;
            for (int k = 0; k < 3; k++)
                sum += (float) row[k][-3] * side + (float) row[k][0] * (k == 1 ? middle : side) +
                       (float) row[k][3] * side;
            out[y * line + i] = sum >= 255 ? 255 : (uint8_t) sum;
        }
}

static void blend(const nn_pixel_step *s, nn_size size, uint8_t *rgb, uint8_t *spare)
{
    const size_t area = (size_t) size.height * size.width;
    const float share = (float) s->value;
    if (s->op == NN_PIXEL_COLOR)
        make_grey(area, rgb, spare);
    else if (s->op == NN_PIXEL_CONTRAST)
        make_mean(area, rgb, spare);
    else if (s->op == NN_PIXEL_SHARPNESS)
        make_smooth(size, rgb, spare);
    else
        memset(spare, 0, 3 * area);
    for (size_t i = 0; i < 3 * area; i++) {
        const float x = (float) spare[i] + share * (float) (rgb[i] - spare[i]);
        rgb[i] = x <= 0 ? 0 : x >= 255 ? 255 : (uint8_t) x;
    }
}

// ---- maps

static nn_affine find_map(const nn_pixel_step *s, nn_size size)
{
    nn_affine m = { .a = 1, .e = 1 };
    switch (s->op) {
    case NN_PIXEL_SHEAR_X: m.b = s->value; break;
    case NN_PIXEL_SHEAR_Y: m.d = s->value; break;
    case NN_PIXEL_TRANSLATE_X: m.c = s->value * size.width; break;
    case NN_PIXEL_TRANSLATE_Y: m.f = s->value * size.height; break;
    default: m = nn_affine_rotation(s->value, size); break;
    }
    return m;
}

void nn_pixel_apply(const nn_pixel_step *s, nn_size size, const uint8_t fill[3], uint8_t *rgb, uint8_t *spare)
{
    const size_t area = (size_t) size.height * size.width;
    switch (s->op) {
    case NN_PIXEL_AUTO_CONTRAST: case NN_PIXEL_EQUALIZE: case NN_PIXEL_INVERT: case NN_PIXEL_POSTERIZE:
    case NN_PIXEL_SOLARIZE: case NN_PIXEL_SOLARIZE_ADD:
        apply_table(s, area, rgb);
        break;
    case NN_PIXEL_COLOR: case NN_PIXEL_CONTRAST: case NN_PIXEL_BRIGHTNESS: case NN_PIXEL_SHARPNESS:
        blend(s, size, rgb, spare);
        break;
    default: {
        const nn_affine m = find_map(s, size);
        memcpy(spare, rgb, 3 * area);
        nn_affine_write(&m, size, s->filter, fill, spare, rgb);
        break;
    }
    }
}
