// erase.c — boxes drawn and filled.
#include "nn/image/augment/erase.h"

#include <math.h>

#include "nn/base/names.h"

#define TRIES 10
#define LEAST_AREA 0.02
#define MOST_AREA (1.0 / 3.0)
#define LEAST_RATIO 0.3

vkc_status nn_erase_mode_get(const char *name, nn_erase_mode *out)
{
    static const char *const names[] = { "pixel", "const", "rand" };
    uint32_t i;
    const vkc_status st = nn_name_get("mode of random erasing called", name, names, 3, &i);
    if (st == VKC_OK)
        *out = (nn_erase_mode) i;
    return st;
}

static void fill(const nn_erase *e, nn_draws *d, uint32_t height, uint32_t width, uint32_t stride, float *from)
{
    const float color = e->mode == NN_ERASE_RAND ? (float) nn_draw_normal(d) : 0;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            from[(size_t) y * stride + x] = e->mode == NN_ERASE_PIXEL ? (float) nn_draw_normal(d) : color;
}

static void erase_box(const nn_erase *e, nn_draws *d, double share, uint32_t channels, nn_size size, float *pixels)
{
    const double area = (double) size.height * size.width;
    for (int i = 0; i < TRIES; i++) {
        const double target = nn_draw_between(d, LEAST_AREA, MOST_AREA) * area / share;
        const double ratio = exp(nn_draw_between(d, log(LEAST_RATIO), -log(LEAST_RATIO)));
        const double h = rint(sqrt(target * ratio)), w = rint(sqrt(target / ratio));
        if (!(h < size.height && w < size.width))
            continue;
        const uint32_t height = (uint32_t) h, width = (uint32_t) w;
        const uint32_t top = nn_draw_below(d, size.height - height + 1);
        const uint32_t left = nn_draw_below(d, size.width - width + 1);
        for (uint32_t c = 0; c < channels; c++)
            fill(e, d, height, width, size.width,
                 pixels + ((size_t) c * size.height + top) * size.width + left);
        return;
    }
}

void nn_erase_write(const nn_erase *e, nn_draws *d, uint32_t channels, nn_size size, float *pixels)
{
    if (!(e->probability > 0) || nn_draw_uniform(d) > e->probability)
        return;
    const uint32_t n = e->count > 1 ? 1 + nn_draw_below(d, e->count) : 1;
    for (uint32_t i = 0; i < n; i++)
        erase_box(e, d, n, channels, size, pixels);
}
