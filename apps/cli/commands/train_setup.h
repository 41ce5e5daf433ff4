// train_setup.h — the options of pare train, and the model and inputs they make.
#ifndef CLI_TRAIN_SETUP_H
#define CLI_TRAIN_SETUP_H

#include "apps/cli/distill/measure.h"
#include "apps/cli/core/recipe.h"

typedef struct train_args {
    common_args common;
    data_args   d;
    const char *arch, *init, *out, *run, *mean, *std;
    uint32_t    epochs, max_steps;
    double      lr, min_lr, warmup, weight_decay, clip;
    nn_recipe   recipe;
    bool        no_augment, resume, force;
} train_args;

// The config that --arch or --init, the data set and --mean and --std give.
// *keep_head: the classes are those of --init.
vkc_status train_make_config(const train_args *a, const nn_dataset *data, nn_model_config *cfg, bool *keep_head);
// A new model of it, with random values or those of --init. nn_model_destroy.
vkc_status train_make_model(const train_args *a, vkc_device *dev, const nn_model_config *cfg, bool keep_head,
                            nn_model **out);
json_t    *train_inputs(const train_args *a);           // what decides the result, for run.json

#endif
