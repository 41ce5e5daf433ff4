// halting_options.h — the options of a gate that halts tokens, which pare retain and train share.
#ifndef CLI_HALTING_OPTIONS_H
#define CLI_HALTING_OPTIONS_H

#include "apps/cli/core/app.h"
#include "pipeline/train/pruning.h"

typedef struct halting_args {
    const char *policy, *gaps, *prior_target;
    double ponder, prior, alpha_p, alpha_d;         // NaN = not given
    pipeline_pruning p;             // the rest
} halting_args;

#define HALTING_NONE ((double) NAN)
#define HALTING_DEFAULTS(policy_name) \
    { .policy = policy_name, .gaps = "skip", .prior_target = "released", .ponder = HALTING_NONE, \
      .prior = HALTING_NONE, .alpha_p = HALTING_NONE, .alpha_d = HALTING_NONE, .p = PIPELINE_PRUNING_DEFAULTS }

// Rows of an option table, for a halting_args member `m`.
#define HALTING_AT(type, m, name) offsetof(type, m.name)
#define HALTING_ROWS(type, m) \
    { "every", 0, ARG_U32, HALTING_AT(type, m, p.every), 1, NN_MAX_DEPTH, "N", \
      "halting: drop halted tokens after every N-th block [1]" }, \
    { "drop-class", 0, ARG_FLAG, HALTING_AT(type, m, p.drop_class), 0, 0, NULL, \
      "halting: the class token may halt too" }, \
    { "read-patches", 0, ARG_REAL, HALTING_AT(type, m, p.read_patches), 0, NN_MAX_GATE, "X", \
      "halting: weight of the mean patch in the classifier's input [0]" }, \
    { "gate-scale", 0, ARG_REAL, HALTING_AT(type, m, p.gate_scale), 0, NN_MAX_GATE, "X", \
      "halting: scale of channel 0 (gamma), 0 = fitted to the model [with --keep 0, else 10]" }, \
    { "gate-centre", 0, ARG_REAL, HALTING_AT(type, m, p.gate_centre), -NN_MAX_GATE, NN_MAX_GATE, "X", \
      "halting: what is subtracted (beta): without --keep for good, with it at first [30; what keeps 97 %]" }, \
    { "alpha-p", 0, ARG_REAL, HALTING_AT(type, m, alpha_p), 0, 1e6, "X", \
      "halting: weight of the ponder cost, A-ViT's name of --ponder [5e-4]" }, \
    { "alpha-d", 0, ARG_REAL, HALTING_AT(type, m, alpha_d), 0, 1e6, "X", \
      "halting: weight of the depth prior, A-ViT's name of --prior [1e-3]" }, \
    { "ponder", 0, ARG_REAL, HALTING_AT(type, m, ponder), 0, 1e6, "X", \
      "halting: weight of the ponder cost [5e-4]" }, \
    { "prior", 0, ARG_REAL, HALTING_AT(type, m, prior), 0, 1e6, "X", "halting: weight of the depth prior [1e-3]" }, \
    { "prior-target", 0, ARG_TEXT, HALTING_AT(type, m, prior_target), 0, 0, "T", \
      "halting: depth prior, released or normalised [released]" }, \
    { "prior-mean", 0, ARG_REAL, HALTING_AT(type, m, p.prior_mean), 0, 2 * NN_MAX_DEPTH, "X", \
      "halting: mean halting block of the prior [keep * depth - 1; without --keep that of 0.75]" }, \
    { "ramp", 0, ARG_REAL, HALTING_AT(type, m, p.ramp), 0, 1, "X", \
      "halting: fraction of training in which the ratio falls to --keep [0.2]" }, \
    { "gaps", 0, ARG_TEXT, HALTING_AT(type, m, gaps), 0, 0, "G", \
      "whether decays of mixers skip or count dropped tokens [skip]" }

// Is anything given that makes a gate without a keep ratio?
bool       halting_is_given(const halting_args *a);
// The settings that the options make; the gate is fixed where there is no keep ratio and the policy is halting. E_ARG
// in words.
vkc_status halting_read(const halting_args *a, bool has_keep, pipeline_pruning *out);

#endif
