// retain_setup.h — the options of pare retain, and the settings of every model of a series that they make.
#ifndef CLI_RETAIN_SETUP_H
#define CLI_RETAIN_SETUP_H

#include "apps/cli/distill/measure.h"
#include "apps/cli/core/run.h"
#include "distill/retain/retain.h"

#define RETAIN_MAX_SERIES 16
#define RETAIN_NO_EPOCHS UINT32_MAX     // --epochs was not given

typedef struct retain_args {
    common_args common;
    data_args   d;
    const char *out, *run, *keep, *policy, *at, *share, *gaps, *prior_target;
    uint32_t    epochs, max_steps, every;
    double      lr, weight_decay, smoothing, clip, kl, ponder, prior, prior_mean, ramp, gate_scale, read_patches;
    bool        plain_gate, drop_class, chain, no_augment, no_timing, resume, force;
} retain_args;

typedef struct retain_item {        // a model of the series
    double keep;
    char   out[RUN_PATH_MAX], run[RUN_PATH_MAX];
    nn_retention_config retention;
} retain_item;

typedef struct retain_setup {
    retain_item item[RETAIN_MAX_SERIES];
    uint32_t    n, epochs;
} retain_setup;

// What the options make of a model of this config. E_ARG in words.
vkc_status retain_make_setup(const retain_args *a, const nn_model_config *cfg, retain_setup *out);
distill_retain_params retain_params(const retain_args *a, const retain_setup *s, uint32_t i);
// For run.json.
json_t    *retain_inputs(const retain_args *a, const retain_setup *s, uint32_t i, const char *teacher);

#endif
