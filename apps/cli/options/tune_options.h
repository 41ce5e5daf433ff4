// tune_options.h — the options of tuning, which pare tune, distill, prune and study share.
#ifndef CLI_TUNE_OPTIONS_H
#define CLI_TUNE_OPTIONS_H

#include "apps/cli/options/data_options.h"
#include "apps/cli/options/recipe_options.h"
#include "apps/cli/options/run_options.h"
#include "pipeline/train/tune.h"

typedef struct tune_options {       // of one tuning
    const char *train, *target, *distance;
    pipeline_tuning p;              // the rest of it
} tune_options;

// What they are before options are read, n epochs, of the mixers or of what is named.
#define TUNE_DEFAULTS(n) TUNE_DEFAULTS_OF(n, "mixers")
#define TUNE_DEFAULTS_OF(n, what) \
    { .train = what, .target = "output", .distance = "mse", .p = PIPELINE_TUNING_DEFAULTS(n) }

// Rows of an option table, for a tune_options member `m`; `pre` stands before the names: "", "tune-" or "tune-all-";
// `usual` is the number of epochs without the option, `what` the parameters that are trained, `of` the tuning's name.
#define TUNE_AT(type, m, name) offsetof(type, m.name)
#define TUNE_ROWS(type, m, pre, usual) TUNE_ROWS_OF(type, m, pre, usual, "mixers", "tuning")
#define TUNE_ROWS_OF(type, m, pre, usual, what, of) \
    { pre "train", 0, ARG_TEXT, TUNE_AT(type, m, train), 0, 0, "W", \
      "parameters to train: mixers, attn, fc, blocks (of the layers that differ), fc+head or all [" what "]" }, \
    { pre "epochs", 0, ARG_U32, TUNE_AT(type, m, p.epochs), 1, 100000, "N", "epochs of " of " [" usual "]" }, \
    { pre "lr", 0, ARG_REAL, TUNE_AT(type, m, p.lr), 1e-12, 100, "X", \
      "peak learning rate of " of ", cosine decay [mixers, attn: 1e-3; else 2e-4]" }, \
    { pre "weight-decay", 0, ARG_REAL, TUNE_AT(type, m, p.weight_decay), 0, 100, "X", \
      "weight decay of matrices [0]" }, \
    { pre "clip", 0, ARG_REAL, TUNE_AT(type, m, p.clip), 0, 1e9, "X", \
      "gradient clipping: largest global norm, 0 = off [1]" }, \
    { pre "similarity", 0, ARG_REAL, TUNE_AT(type, m, p.similarity), 0, 1e6, "X", \
      "weight of the loss on the teacher's modules [mixers, attn: 1; else 0]" }, \
    { pre "target", 0, ARG_TEXT, TUNE_AT(type, m, target), 0, 0, "T", \
      "that loss on the module's output, or its heads before the projection [output]" }, \
    { pre "distance", 0, ARG_TEXT, TUNE_AT(type, m, distance), 0, 0, "D", \
      "that loss: mse, or cosine along the tokens [mse]" }, \
    { pre "ce", 0, ARG_REAL, TUNE_AT(type, m, p.ce), 0, 1e6, "X", "weight of the cross-entropy with labels [1]" }, \
    { pre "kl", 0, ARG_REAL, TUNE_AT(type, m, p.kl), 0, 1e6, "X", \
      "weight of the KL divergence from the teacher's logits [0]" }, \
    { pre "temperature", 0, ARG_REAL, TUNE_AT(type, m, p.temperature), 1e-3, 1e3, "X", "its temperature [1]" }, \
    { pre "halting", 0, ARG_REAL, TUNE_AT(type, m, p.halting), 0, 1e6, "X", \
      "weight of the loss on a halting teacher's gate [0.1]" }, \
    { pre "centre", 0, ARG_FLAG, TUNE_AT(type, m, p.centre), 0, 0, NULL, \
      "calibrate the halting threshold to the teacher's keep ratio" }, \
    RATE_ROWS(type, m.p.recipe, pre, "a tenth of the steps"), RECIPE_ROWS(type, m.p.recipe, pre, "0.1"), \
    AUGMENT_ROWS(type, m.p.recipe, pre)

// The settings that the options make; `pre` as in the table. E_ARG in words.
vkc_status tune_read(const tune_options *o, const char *pre, pipeline_tuning *out);

typedef struct tune_args {          // of pare tune; a command with options of its own has this as its first member
    common_args  common;
    data_args    d;
    tune_options t;
    const char  *teacher, *out, *run;
    uint32_t     max_steps, timing_batch;       // the latter and no_timing of pare tune alone
    bool         no_timing, no_augment, resume, force, keep_best;
} tune_args;

// Rows of an option table. `to` is the letter of the model that is written.
#define TUNE_SESSION_ROWS(to, stops) \
    DATA_ROW(tune_args), LABELS_ROW(tune_args), ANY_TEACHER_ROW(tune_args), \
    { "teacher", 't', ARG_MODEL, offsetof(tune_args, teacher), 0, 0, "M", "teacher model [none]" }, \
    { "out", 'o', ARG_OUT, offsetof(tune_args, out), 0, 0, to, "model folder to write" }, \
    RUN_ROWS(tune_args, to ".run"), \
    BATCH_ROW(tune_args, "64"), \
    TUNE_ROWS(tune_args, t, "", "1"), \
    KEEP_BEST_ROWS(tune_args, t.p.keep_last, "on"), \
    { "no-augment", 0, ARG_FLAG, offsetof(tune_args, no_augment), 0, 0, NULL, \
      "no flips, transposes and shifts; what other options ask for stays" }, \
    { "max-steps", 0, ARG_U32, offsetof(tune_args, max_steps), 1, 4e9, "N", stops }, \
    FINITE_ROWS(tune_args, "on in training"), THREADS_ROW(tune_args), LIMIT_ROW(tune_args)

// Parameters of a command on a student's folder: checked, data and device opened, which the caller closes after a
// failure too. `usage` is said when there is nothing to write to.
vkc_status tune_open(const tune_args *a, const char *dir, const char *usage, pipeline_tune_params *out,
                     nn_dataset **data, vkc_device **dev);

#endif
