// recipe_options.h — options of a training recipe (nn/train/recipe.h), for commands that train end to end.
#ifndef CLI_RECIPE_OPTIONS_H
#define CLI_RECIPE_OPTIONS_H

#include "apps/cli/core/app.h"
#include "nn/train/recipe.h"

// Rows of an option table, for an nn_recipe member `m`; `pre` stands before the names: "" or "tune-". The usual values
// are 0 unless said.
#define RECIPE_ROWS(type, m, pre, smoothing_usual) \
    { pre "smoothing", 0, ARG_REAL, offsetof(type, m.smoothing), 0, 0.99, "X", \
      "label smoothing [" smoothing_usual "]" }, \
    { pre "mixup", 0, ARG_REAL, offsetof(type, m.mixup), 0, 100, "X", \
      "mixup with weights from beta(X, X); 0.8 is usual [0]" }, \
    { pre "cutmix", 0, ARG_REAL, offsetof(type, m.cutmix), 0, 100, "X", \
      "cutmix with areas from beta(X, X); 1 is usual; with --mixup, half of the batches each [0]" }, \
    { pre "drop-path", 0, ARG_REAL, offsetof(type, m.drop_path), 0, 0.99, "X", \
      "stochastic depth: drop rate of the last block, linear from 0; 0.1 is usual [0]" }, \
    { pre "ema", 0, ARG_REAL, offsetof(type, m.ema), 0, 0.9999999, "X", \
      "decay of an exponential moving average of the weights; 0.9999 is usual for long runs [0]" }

// How the learning rate goes besides its peak.
#define RATE_ROWS(type, m, pre, warmup_usual) \
    { pre "min-lr", 0, ARG_REAL, offsetof(type, m.rates.min_lr), 0, 100, "X", "final learning rate [0]" }, \
    { pre "warmup", 0, ARG_REAL, offsetof(type, m.rates.warmup), 0, 100000, "X", \
      "epochs of linear warm-up [" warmup_usual "]" }, \
    { pre "warmup-lr", 0, ARG_REAL, offsetof(type, m.rates.warmup_lr), 0, 100, "X", \
      "learning rate of the first step of the warm-up [the peak / steps of the warm-up]" }, \
    { pre "lr-base", 0, ARG_REAL, offsetof(type, m.rates.base), 1e-12, 100, "X", \
      "in place of the peak learning rate: it is X * batch / size" }, \
    { pre "lr-base-size", 0, ARG_U32, offsetof(type, m.rates.base_size), 1, 1e9, "N", "that size [256]" }

// Augmentation, by timm's names.
#define AUGMENT_ROWS(type, m, pre) \
    { pre "aa", 0, ARG_TEXT, offsetof(type, m.augment.aa), 0, 0, "P", \
      "RandAugment by a policy such as rand-m9-mstd0.5-inc1" }, \
    { pre "color-jitter", 0, ARG_REAL, offsetof(type, m.augment.color_jitter), 0, 10, "X", \
      "brightness, contrast and colour by factors of 1-X to 1+X; left out with --" pre "aa, as timm does [0]" }, \
    { pre "force-color-jitter", 0, ARG_FLAG, offsetof(type, m.augment.force_color_jitter), 0, 0, NULL, \
      "colour jitter with --" pre "aa too" }, \
    { pre "reprob", 0, ARG_REAL, offsetof(type, m.augment.reprob), 0, 1, "X", \
      "probability of random erasing; 0.25 is usual [0]" }, \
    { pre "remode", 0, ARG_TEXT, offsetof(type, m.augment.remode), 0, 0, "M", \
      "what erases: pixel (noise), const (the mean) or rand (one colour) [pixel]" }, \
    { pre "recount", 0, ARG_U32, offsetof(type, m.augment.recount), 1, NN_MAX_REPEATS, "N", \
      "boxes that are erased, at most [1]" }, \
    { pre "aug-repeats", 0, ARG_U32, offsetof(type, m.augment.aug_repeats), 1, NN_MAX_REPEATS, "N", \
      "repeated augmentation: an epoch has 1/N of the images, each N times [1]" }, \
    { pre "scale", 0, ARG_RANGE, offsetof(type, m.augment.scale), 1e-6, 1, "X,X", \
      "random resized crop of this fraction of the area; replaces the usual flips, transposes and shifts" }, \
    { pre "ratio", 0, ARG_RANGE, offsetof(type, m.augment.ratio), 1e-3, 1e3, "X,X", \
      "width / height of that crop [0.75,1.333]" }, \
    { pre "hflip", 0, ARG_REAL, offsetof(type, m.augment.hflip), 0, 1, "X", \
      "probability of a horizontal flip, which replaces the usual ones too [0]" }, \
    { pre "vflip", 0, ARG_REAL, offsetof(type, m.augment.vflip), 0, 1, "X", "of a vertical one [0]" }, \
    { pre "train-interpolation", 0, ARG_TEXT, offsetof(type, m.augment.train_interpolation), 0, 0, "F", \
      "of crops and of --" pre "aa: random, bilinear or bicubic [random]" }

// What tables cannot say of a recipe: options that exclude each other. `lr` is the peak that was given, `usual` the one
// without the option. E_ARG in words.
vkc_status recipe_check(const char *pre, const nn_recipe *r, double lr, double usual);

#endif
