// augment_recipe.c — a recipe of augmentation checked, read, and applied.
#include "nn/data/augment_recipe.h"

#include <math.h>
#include <string.h>

#include "nn/base/names.h"

enum { STREAM_CROP = 1, STREAM_FLIP, STREAM_AA, STREAM_JITTER, STREAM_ERASE };

#define MAX_JITTER 10.0
#define MAX_RATIO 1000.0

static bool is_given(const double range[2])
{
    return range[0] != 0 || range[1] != 0;
}

bool nn_augment_recipe_is_geometric(const nn_augment_recipe *r)
{
    return is_given(r->scale) || is_given(r->ratio) || r->hflip > 0 || r->vflip > 0;
}

static vkc_status check_range(const char *what, const double range[2], double most)
{
    if (is_given(range) && !(range[0] > 0 && range[0] <= range[1] && range[1] <= most))
        return VKC_FAIL(VKC_E_ARG, "%s is %g to %g, want a range above 0 and within %g", what, range[0], range[1],
                        most);
    return VKC_OK;
}

static vkc_status check_numbers(const nn_augment_recipe *r)
{
    const struct { const char *what; double value, most; } number[] = {
        { "color-jitter", r->color_jitter, MAX_JITTER }, { "reprob", r->reprob, 1 }, { "hflip", r->hflip, 1 },
        { "vflip", r->vflip, 1 }, { "recount", r->recount, NN_MAX_REPEATS },
        { "aug-repeats", r->aug_repeats, NN_MAX_REPEATS },
    };
    for (size_t i = 0; i < sizeof number / sizeof number[0]; i++)
        if (!(number[i].value >= 0 && number[i].value <= number[i].most))
            return VKC_FAIL(VKC_E_ARG, "%s is %g, want 0 to %g", number[i].what, number[i].value, number[i].most);
    const vkc_status st = check_range("scale", r->scale, 1);
    return st == VKC_OK ? check_range("ratio", r->ratio, MAX_RATIO) : st;
}

static vkc_status get_filter(const char *name, nn_train_filter *out)
{
    static const char *const names[] = { "random", "bilinear", "bicubic" };
    uint32_t i;
    const vkc_status st = nn_name_get("interpolation called", name, names, 3, &i);
    if (st == VKC_OK)
        *out = (nn_train_filter) i;
    return st;
}

// The texts, each named in what is said of it.
static vkc_status read_texts(nn_augmenter *a, const nn_augment_recipe *r)
{
    const char *name = "aa";
    vkc_status st = r->aa ? nn_rand_augment_get(r->aa, &a->aa) : VKC_OK;
    if (st == VKC_OK && r->remode) {
        name = "remode";
        st = nn_erase_mode_get(r->remode, &a->erase.mode);
    }
    if (st == VKC_OK && r->train_interpolation) {
        name = "train-interpolation";
        st = get_filter(r->train_interpolation, &a->filter);
    }
    return st == VKC_OK ? st : VKC_WRAP(st, "%s: %s", name, vkc_last_error());
}

static void set_range(const double given[2], double least, double most, double out[2])
{
    out[0] = is_given(given) ? given[0] : least;
    out[1] = is_given(given) ? given[1] : most;
}

vkc_status nn_augmenter_init(nn_augmenter *a, const nn_augment_recipe *r, const double mean[3])
{
    vkc_status st;
    *a = (nn_augmenter) {
        .erase = { .probability = r->reprob, .count = r->recount }, .hflip = r->hflip, .vflip = r->vflip,
        .repeats = r->aug_repeats ? r->aug_repeats : 1, .has_crop = is_given(r->scale) || is_given(r->ratio),
        .jitter = !r->aa || r->force_color_jitter ? r->color_jitter : 0,
    };
    VKC_TRY(check_numbers(r));
    VKC_TRY(read_texts(a, r));
    set_range(r->scale, 0.08, 1, a->crop.scale);
    set_range(r->ratio, 3.0 / 4, 4.0 / 3, a->crop.ratio);
    for (int c = 0; c < 3; c++)
        a->fill[c] = (uint8_t) fmin(fmax(rint(255 * mean[c]), 0), 255);
done:
    return st;
}

vkc_status nn_augment_recipe_check(const nn_augment_recipe *r)
{
    static const double mean[3] = { 0 };
    nn_augmenter unused;
    return nn_augmenter_init(&unused, r, mean);
}

vkc_status nn_augmenter_crop(const nn_augmenter *a, uint64_t key, nn_image *im, nn_size size, uint32_t pillow,
                             uint8_t *rgb)
{
    nn_draws d = { key, STREAM_CROP, 0 };
    const nn_window w = nn_random_crop_draw(&a->crop, (nn_size) { im->height, im->width }, &d);
    return nn_random_crop_write(&w, im, size, nn_train_filter_draw(a->filter, &d), pillow, rgb);
}

static void swap_pixels(uint8_t *p, uint8_t *q)
{
    uint8_t keep[3];
    memcpy(keep, p, 3);
    memcpy(p, q, 3);
    memcpy(q, keep, 3);
}

static void flip_h(nn_size size, uint8_t *rgb)
{
    for (uint32_t y = 0; y < size.height; y++)
        for (uint32_t x = 0; x < size.width / 2; x++)
            swap_pixels(rgb + ((size_t) y * size.width + x) * 3, rgb + ((size_t) (y + 1) * size.width - 1 - x) * 3);
}

static void flip_v(nn_size size, uint8_t *rgb)
{
    for (uint32_t y = 0; y < size.height / 2; y++)
        for (uint32_t x = 0; x < size.width; x++)
            swap_pixels(rgb + ((size_t) y * size.width + x) * 3,
                        rgb + ((size_t) (size.height - 1 - y) * size.width + x) * 3);
}

void nn_augmenter_change(const nn_augmenter *a, uint64_t key, nn_size size, uint8_t *rgb, uint8_t *spare)
{
    nn_draws flips = { key, STREAM_FLIP, 0 }, aa = { key, STREAM_AA, 0 }, jitter = { key, STREAM_JITTER, 0 };
    nn_pixel_step step[NN_RAND_AUGMENT_MAX + 3];
    if (nn_draw_uniform(&flips) < a->hflip)
        flip_h(size, rgb);
    if (nn_draw_uniform(&flips) < a->vflip)
        flip_v(size, rgb);
    uint32_t n = nn_rand_augment_draw(&a->aa, a->filter, &aa, step);
    if (a->jitter > 0) {
        nn_color_jitter_draw(a->jitter, &jitter, step + n);
        n += 3;
    }
    for (uint32_t i = 0; i < n; i++)
        nn_pixel_apply(&step[i], size, a->fill, rgb, spare);
}

void nn_augmenter_erase(const nn_augmenter *a, uint64_t key, uint32_t channels, nn_size size, float *pixels)
{
    nn_draws d = { key, STREAM_ERASE, 0 };
    nn_erase_write(&a->erase, &d, channels, size, pixels);
}
