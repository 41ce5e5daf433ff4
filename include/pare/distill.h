// distill.h — whole runs: attention replaced by cheaper mixers where it can be (distil), token pruning (retain).
//
// A run reads a model folder and a data set, and writes a model folder and, beside it, a run folder: its
// checkpoints, its log and run.json. One that was stopped goes on with `resume`, to the same bits.
#ifndef PARE_DISTILL_H
#define PARE_DISTILL_H

#include "pare/data.h"

#ifdef __cplusplus
extern "C" {
#endif

// How a model is trained: regularisation, the course of the learning rate, augmentation of pictures. Names and meanings
// are timm's; docs/augmentation.md says what each does, and what replaces what. All of it is a function of the seed,
// the epoch and the picture: a run that was stopped and resumed gives the same bits.
typedef struct pare_recipe {        // 0 and NULL = none, unless another is named; texts are looked at during the call
    size_t   size;
    double   smoothing;             // of the labels, 0 to 1; 0 = 0.1, < 0 = none
    double   mixup, cutmix;         // alpha of the beta distribution of the shares
    double   drop_path;             // stochastic depth: rate of the last block, below 1
    double   ema;                   // decay of the average of the weights, which is what is written then
    double   min_lr;                // of the last step
    double   warmup;                // epochs; 0 = a tenth of the steps, < 0 = none
    double   warmup_lr;             // of the first step; 0 = the peak / steps of the warm-up
    double   lr_base;               // not 0: the peak is lr_base * batch / lr_base_size
    uint32_t lr_base_size;          // 0 = 256
    uint32_t aug_repeats;           // an epoch has one in so many pictures, each so often; 0 = 1
    const char *aa;                 // RandAugment: "rand-m9-mstd0.5-inc1"
    double   color_jitter;          // left out beside `aa`
    uint32_t force_color_jitter;    // not 0: applied all the same
    uint32_t recount;               // boxes erased, at most; 0 = 1
    double   reprob;                // probability of random erasing
    const char *remode;             // "pixel", "const", "rand"; NULL = pixel
    double   scale[2], ratio[2];    // random resized crop: from, to
    double   hflip, vflip;          // probability of a flip
    const char *train_interpolation;        // "random", "bilinear", "bicubic"; NULL = random
} pare_recipe;

static inline pare_recipe pare_recipe_default(void)
{
    pare_recipe r;
    memset(&r, 0, sizeof r);
    r.size = sizeof r;
    return r;
}

typedef enum pare_objective {
    PARE_OBJECTIVE_ACCURACY = 0,    // as many layers as the tolerance allows, the most accurate first
    PARE_OBJECTIVE_LATENCY = 1,     // for the time of a block on this device
    PARE_OBJECTIVE_PARAMS = 2       // for the number of parameters
} pare_objective;

#define PARE_SCHEDULE_ALL 0xffffffffu

typedef enum pare_order {           // in which layers are replaced by a schedule
    PARE_ORDER_SHALLOW = 0,         // from the first block to the last
    PARE_ORDER_DEEP = 1,            // from the last to the first
    PARE_ORDER_SPARSE = 2           // the sparsest attention first, by entropy
} pare_order;

typedef enum pare_trained {         // what a tuning trains; the rest keeps its bits
    PARE_TRAIN_USUAL = 0,           // mixers in the first tuning, all in the second
    PARE_TRAIN_MIXERS = 1,          // of the layers that were replaced: the mixers, without the projection
    PARE_TRAIN_ATTN = 2,            // those and the projections
    PARE_TRAIN_FC = 3,              // the MLPs
    PARE_TRAIN_FC_HEAD = 4,         // those and the classifier
    PARE_TRAIN_BLOCKS = 5,          // mixer, projection, norms and MLP
    PARE_TRAIN_ALL = 6              // of the model: everything
} pare_trained;

typedef struct pare_tuning {        // of a tuning, but its recipe; 0 = the usual; < 0 = none of what may be none
    size_t   size;
    pare_trained trained;
    double   lr;                    // 0.001 for mixers and attn, else 0.0002
    double   weight_decay;          // none
    double   clip;                  // largest norm of all gradients: 1
    double   similarity;            // weight of the distance from the teacher's modules: 1 for mixers and attn
    uint32_t heads;                 // not 0: of their head outputs, before the projection
    uint32_t cosine;                // not 0: 1 - cosine along the tokens, not the mean square
    double   ce;                    // weight of the cross-entropy with the labels: 1
    double   kl;                    // weight of the divergence from the teacher's logits: none
    double   temperature;           // of both in it: 1
    double   halting;               // weight of imitating a halting teacher's gate: 0.1
    uint32_t centre;                // not 0: move the gate's centre to the teacher's keep ratio at the end
} pare_tuning;

static inline pare_tuning pare_tuning_default(void)
{
    pare_tuning t;
    memset(&t, 0, sizeof t);
    t.size = sizeof t;
    return t;
}

typedef struct pare_distill_options {
    size_t   size;
    const char *const *mixers;      // (n_mixers) what may replace attention: "linear", "ssd:state=128"
    const char *const *from;        // (n_from) folders of students without attention, besides or instead
    uint32_t n_mixers, n_from;
    pare_objective objective;
    double   max_drop;              // points of top-1 on val that may be lost; 0 = 1, by a schedule any; < 0 = none
    double   confidence;            // of the interval that must stay within that too, 0.9 say; 0 = it need not
    uint32_t best;                  // not 0: the student is the most accurate on the way, not the most replaced
    uint32_t epochs;                // of the transfer to each mixer; 0 = 3
    uint32_t match_epochs;          // before it, learned features are matched to the attention weights; 0 = none
    double   lr;                    // of the transfer; 0 = 0.01
    uint32_t tune_epochs;           // of the mixers that the student has, afterwards; 0 = none
    uint32_t tune_all_epochs;       // of the whole student after that; 0 = none
    uint32_t batch;                 // pictures at once; 0 = 64
    uint32_t limit;                 // pictures that a trial of the search is judged by; 0 = all
    uint32_t threads;               // that decode pictures; 0 = as many as cores
    uint32_t max_steps;             // of training in all; 0 = no limit
    uint64_t seed;
    uint32_t no_timing;             // not 0: teacher and student are not timed
    uint32_t resume;                // not 0: go on with the run that is there
    uint32_t force;                 // not 0: in place of a model or run that is there
    const char *run;                // run folder; NULL = `out` with ".run" behind it
    const char *command;            // how the run can be had again, for its provenance; NULL = not known
    const pare_callbacks *callbacks;
    pare_labels labels;             // how class folders are matched with the teacher's classes
    uint32_t any_teacher;           // not 0: go on with a teacher that is no better than chance
    uint32_t keep_last;             // not 0: tuning ends with the parameters of its last epoch, not of the best on val
    const pare_recipe *tune_recipe; // of the first tuning; NULL = label smoothing of 0.1 alone
    const pare_recipe *tune_all_recipe;     // of the second
    const uint32_t *layers;         // (n_layers) the only layers that may be replaced; NULL = all with attention
    uint32_t n_layers;
    uint32_t schedule;              // not 0: replace all of these without a search, so many at a time, each time with
                                    // the transfer and the first tuning; PARE_SCHEDULE_ALL = all at once
    pare_order order;               // of a schedule
    uint32_t no_transfer;           // not 0: no transfer; mixers start from what they take from the attention
    uint32_t heads;                 // of the transfer, as in pare_tuning
    uint32_t cosine;
    const pare_tuning *tune;        // of the first tuning; NULL = the usual
    const pare_tuning *tune_all;    // of the second, which takes nothing from the first; NULL = the usual
    double   min_share;             // in place of max_drop: share of the teacher's top-1 on val to keep; 0 = none
} pare_distill_options;

static inline pare_distill_options pare_distill_options_default(void)
{
    pare_distill_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    return o;
}

typedef struct pare_distill_result {
    size_t   size;
    uint32_t depth, replaced;       // layers of the student; those that have another mixer than in the teacher
    uint32_t trials;                // of the search
    uint32_t images;                // of test, or of val where there is no test, that the next are of
    double   teacher_top1, student_top1;        // fractions
    uint64_t teacher_params, student_params;
    double   teacher_ms, student_ms;            // a batch of `timing_batch` pictures; 0 = not timed
    uint32_t timing_batch;
    // Both students of the search, before tuning: with the most replaced, and the most accurate on the way. A schedule
    // has one student: both counts are its layers, and neither accuracy is measured (0).
    uint32_t most_replaced, best_replaced;      // layers
    double   most_top1, best_top1;              // fractions, of `images`
    uint32_t steps;                 // of the schedule that the student has; 0 without one
} pare_distill_result;

static inline pare_distill_result pare_distill_result_default(void)
{
    pare_distill_result r;
    memset(&r, 0, sizeof r);
    r.size = sizeof r;
    return r;
}

// Measure the teacher, transfer each of its attention layers to each mixer, search which layers are replaced by which,
// tune the student and write it to `out`. The search's other student is written, untuned, to `out` with "-best" behind
// it, or with `best` "-most", unless it is the same or the teacher itself. With a schedule there is no search and one
// student: the layers are replaced and trained step by step, and max_drop or min_share, if it is not 0, ends it before
// the step that would cost more. The teacher's folder stays as it is. `result` may be NULL.
// Errors: PARE_E_ARG (options, mixers, folders that are there, another run), PARE_E_FILE, PARE_E_CHECK (nothing can be
// replaced within the tolerance; the teacher is no better than chance; numbers that are not finite),
// PARE_E_STOPPED (what is done is kept, notice PARE_KEPT), PARE_E_MEMORY, PARE_E_LOST.
PARE_API pare_status pare_distill(pare_device *device, const char *teacher, const pare_data *data, const char *out,
                                  const pare_distill_options *options, pare_distill_result *result);

typedef struct pare_retain_options {
    size_t      size;
    double      keep;               // mean share of patches at the entry of a block that is asked for, above 0 to 1; 0
                                    // with fixed_gate
    const char *policy;             // "halting": patches halt by a learned score; "topk": those with the most attention
                                    // of the class token go on, without training; NULL = halting
    uint32_t    epochs;             // 0 = the policy's own: 4 and none
    uint32_t    every;              // halting: patches that are done leave after every N-th block; 0 = 1
    uint32_t    count_gaps;         // not 0: decays of recurrent mixers count dropped tokens
    double      lr;                 // 0 = 5e-4
    uint32_t    batch;              // pictures at once; 0 = 64
    uint32_t    limit;              // pictures that models are judged by; 0 = all
    uint32_t    threads;            // that decode pictures; 0 = as many as cores
    uint32_t    max_steps;          // of training in all; 0 = no limit
    uint64_t    seed;
    uint32_t    no_timing;          // not 0: the models are not timed
    uint32_t    resume;             // as in pare_distill_options
    uint32_t    force;
    const char *run, *command;
    const pare_callbacks *callbacks;
    pare_labels labels;             // as in pare_distill_options
    uint32_t    any_teacher;
    uint32_t    keep_last;
    const pare_recipe *recipe;      // NULL = label smoothing of 0.1 alone
    // Halting as A-ViT has it: not 0 = no keep ratio is asked for, the gate sigma(gate_scale x - gate_centre) and the
    // weights of its losses decide; the last epoch is kept unless keep_best is not 0.
    uint32_t    fixed_gate, keep_best;
    double      gate_scale;         // 0 = 10; without fixed_gate fitted to the model
    const double *gate_centre;      // NULL = 30; without fixed_gate what keeps 97 %: training begins there
    double      ponder, prior;      // weights of ponder cost and depth prior (alpha_p, alpha_d); 0 = 5e-4 and 1e-3,
                                    // < 0 = none
    uint32_t    normalised_prior;   // not 0: the prior's target sums to 1; else it is that of A-ViT's released recipe
} pare_retain_options;

static inline pare_retain_options pare_retain_options_default(void)
{
    pare_retain_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    return o;
}

typedef struct pare_retain_result {
    size_t   size;
    uint32_t images;                // of test, or of val where there is no test, that the next are of
    double   teacher_top1, model_top1;          // fractions; the teacher with all its tokens
    double   keep;                  // share of its patches that a picture enters a block with: mean of blocks, pictures
    double   teacher_images_per_s, model_images_per_s;          // 0 = not timed
    double   teacher_macs, model_macs;          // multiply-adds of a picture: with all its tokens, with those it keeps
} pare_retain_result;

static inline pare_retain_result pare_retain_result_default(void)
{
    pare_retain_result r;
    memset(&r, 0, sizeof r);
    r.size = sizeof r;
    return r;
}

// Make of a model one that prunes tokens on the way through its blocks, and write it to `out`. `result` may be NULL.
// Errors: as pare_distill.
PARE_API pare_status pare_retain(pare_device *device, const char *teacher, const pare_data *data, const char *out,
                                 const pare_retain_options *options, pare_retain_result *result);

#ifdef __cplusplus
}
#endif
#endif
