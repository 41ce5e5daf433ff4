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

#endif
