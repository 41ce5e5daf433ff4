// random_crop.c — where a random crop lies, and its pixels.
#include "nn/image/augment/random_crop.h"

#include <math.h>
#include <string.h>

#define TRIES 10

// Whole pixels, halves to even, of 1 .. most.
static uint32_t round_to(double x, uint32_t most)
{
    const double whole = rint(x);
    return whole < 1 ? 1 : whole > most ? most : (uint32_t) whole;
}

static nn_window take_middle(const nn_random_crop *c, nn_size picture)
{
    nn_window w = { .height = picture.height, .width = picture.width };
    const double ratio = (double) picture.width / picture.height;
    if (ratio < c->ratio[0])
        w.height = round_to(picture.width / c->ratio[0], picture.height);
    else if (ratio > c->ratio[1])
        w.width = round_to(picture.height * c->ratio[1], picture.width);
    w.top = (picture.height - w.height) / 2;
    w.left = (picture.width - w.width) / 2;
    return w;
}

nn_window nn_random_crop_draw(const nn_random_crop *c, nn_size picture, nn_draws *d)
{
    const double area = (double) picture.height * picture.width;
    for (int i = 0; i < TRIES; i++) {
        const double target = area * nn_draw_between(d, c->scale[0], c->scale[1]);
        const double ratio = exp(nn_draw_between(d, log(c->ratio[0]), log(c->ratio[1])));
        const double width = rint(sqrt(target * ratio)), height = rint(sqrt(target / ratio));
        if (width > picture.width || height > picture.height)
            continue;
        nn_window w = { .height = round_to(height, picture.height), .width = round_to(width, picture.width) };
        w.top = nn_draw_below(d, picture.height - w.height + 1);
        w.left = nn_draw_below(d, picture.width - w.width + 1);
        return w;
    }
    return take_middle(c, picture);
}

vkc_status nn_random_crop_write(const nn_window *w, nn_image *im, nn_size size, nn_filter filter, uint32_t pillow,
                                uint8_t *rgb)
{
    const size_t line = (size_t) w->width * 3;
    for (uint32_t y = 0; y < w->height; y++)        // up and to the left, so no line is written over before it is read
        memmove(im->rgb + y * line, im->rgb + (((size_t) y + w->top) * im->width + w->left) * 3, line);
    im->height = w->height;
    im->width = w->width;
    return nn_resample(im->rgb, (nn_size) { w->height, w->width }, size, filter, pillow, NULL, rgb,
                       (size_t) size.width * 3);
}
