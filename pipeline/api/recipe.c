// recipe.c — a training recipe as a program gives it.
#include "pipeline/api/api_impl.h"

#include <string.h>

vkc_status pipeline__api_recipe(const pare_recipe *in, nn_recipe *out)
{
    pare_recipe r;
    if (!in)
        return VKC_OK;
    const vkc_status st = pipeline__api_take("recipe", in, sizeof r, sizeof r, &r);
    if (st != VKC_OK)
        return st;
    *out = (nn_recipe) {
        .smoothing = pipeline__api_or(r.smoothing, out->smoothing),
        .mixup = r.mixup, .cutmix = r.cutmix, .drop_path = r.drop_path, .ema = r.ema,
        .rates = { .min_lr = r.min_lr, .warmup = pipeline__api_or(r.warmup, out->rates.warmup),
                   .warmup_lr = r.warmup_lr, .base = r.lr_base, .base_size = r.lr_base_size },
        .augment = { .aa = r.aa, .color_jitter = r.color_jitter, .force_color_jitter = r.force_color_jitter != 0,
                     .reprob = r.reprob, .remode = r.remode, .recount = r.recount, .aug_repeats = r.aug_repeats,
                     .hflip = r.hflip, .vflip = r.vflip, .train_interpolation = r.train_interpolation },
    };
    memcpy(out->augment.scale, r.scale, sizeof r.scale);
    memcpy(out->augment.ratio, r.ratio, sizeof r.ratio);
    return VKC_OK;
}
