// tune_setup.h — the options of tuning, which pare tune and pare distill share, and the settings they make.
#ifndef CLI_TUNE_SETUP_H
#define CLI_TUNE_SETUP_H

#include "apps/cli/distill/measure.h"
#include "apps/cli/core/recipe.h"
#include "distill/transfer/tune.h"

typedef struct tune_options {       // of one tuning; weights and lr < 0: not given
    const char *train, *target, *distance;
    uint32_t    epochs;
    double      lr, weight_decay, clip, similarity, ce, kl, temperature, halting;
    bool        centre;
    nn_recipe   recipe;
} tune_options;

// What they are before options are read, n epochs.
#define TUNE_DEFAULTS(n) { .train = "mixers", .target = "output", .distance = "mse", .epochs = (n), .lr = -1.0, \
    .clip = 1.0, .similarity = -1.0, .ce = 1.0, .temperature = 1.0, .halting = -1.0, .recipe = { .smoothing = 0.1 } }

// Rows of an option table, for a tune_options member `m`; `pre` stands before the names: "" or "tune-"; `usual`
// is the number of epochs without the option.
#define TUNE_AT(type, m, name) offsetof(type, m.name)
#define TUNE_ROWS(type, m, pre, usual) \
    { pre "train", 0, ARG_TEXT, TUNE_AT(type, m, train), 0, 0, "W", \
      "mixers, attn, blocks (of the layers that differ) or all [mixers]" }, \
    { pre "epochs", 0, ARG_U32, TUNE_AT(type, m, epochs), 1, 100000, "N", "of tuning [" usual "]" }, \
    { pre "lr", 0, ARG_REAL, TUNE_AT(type, m, lr), 1e-12, 100, "X", \
      "highest learning rate of tuning [mixers, attn: 1e-3; blocks, all: 2e-4]; cosine decay" }, \
    { pre "weight-decay", 0, ARG_REAL, TUNE_AT(type, m, weight_decay), 0, 100, "X", "of matrices [0]" }, \
    { pre "clip", 0, ARG_REAL, TUNE_AT(type, m, clip), 0, 1e9, "X", "largest gradient norm, 0 = any [1]" }, \
    { pre "similarity", 0, ARG_REAL, TUNE_AT(type, m, similarity), 0, 1e6, "X", \
      "weight of the distance from the teacher's modules [mixers, attn: 1; blocks, all: 0]" }, \
    { pre "target", 0, ARG_TEXT, TUNE_AT(type, m, target), 0, 0, "T", \
      "of it: a module's output, or its heads before the projection [output]" }, \
    { pre "distance", 0, ARG_TEXT, TUNE_AT(type, m, distance), 0, 0, "D", "mse, or cosine along the tokens [mse]" }, \
    { pre "ce", 0, ARG_REAL, TUNE_AT(type, m, ce), 0, 1e6, "X", "weight of cross-entropy with the labels [1]" }, \
    { pre "kl", 0, ARG_REAL, TUNE_AT(type, m, kl), 0, 1e6, "X", \
      "weight of the divergence from the teacher's logits [0]" }, \
    { pre "temperature", 0, ARG_REAL, TUNE_AT(type, m, temperature), 1e-3, 1e3, "X", "of the logits in it [1]" }, \
    { pre "halting", 0, ARG_REAL, TUNE_AT(type, m, halting), 0, 1e6, "X", \
      "weight of imitating the gate of a teacher that halts [0.1]" }, \
    { pre "centre", 0, ARG_FLAG, TUNE_AT(type, m, centre), 0, 0, NULL, \
      "of such a student: at the end move its gate's centre until it keeps as many tokens" }, \
    RECIPE_ROWS(type, m.recipe, pre, "0.1")

// What the options say; data, seed, run and progress are the caller's. E_ARG in words.
vkc_status tune_make_params(const tune_options *o, distill_tune_params *out);
// For run.json: what of it decides the result.
json_t    *tune_inputs(const tune_options *o);
// {what, train, steps, seconds, loss, ce, kl, halting, teacher_keep, keep, distance: [a layer]}; null where there is no
// such figure.
json_t    *tune_json(const char *what, const tune_options *o, const distill_tune_result *r, uint32_t depth);
// A line of losses and one of distances.
void       tune_print(FILE *f, const char *what, const distill_tune_result *r, uint32_t depth);

#endif
