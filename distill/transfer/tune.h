// tune.h — knowledge distillation end to end: train a student on its own activations, with a teacher or without.
//
// In every layer that differs from the teacher's, the output of the student's mixer is compared with that of the
// teacher's in the same layer, and its logits with the labels and with the teacher's logits. So a loss on a layer
// reaches the mixers of earlier layers too. Frozen parameters keep their bits but let gradients through. Two stages are
// usual: mixers alone with all losses, then blocks or the whole network with cross-entropy and divergence. A teacher
// with token pruning (nn/models/retention.h) decides for both which tokens are kept; the student's gate is trained to
// predict its decisions.
//
//   loss = similarity sum_l d(student_l, teacher_l) + ce CE(logits, labels) + kl T^2 KL(teacher || student)
//        + units sum_l (sum of streams of (sum_r n_r)^2 / sum_r n_r^2)
//        + halting (sum_l KL(h_teacher || h_student) + 5 sum_l (keep_student - keep_teacher)^2),  l not the last
#ifndef DISTILL_TUNE_H
#define DISTILL_TUNE_H

#include "distill/transfer/transfer.h"
#include "nn/train/judge.h"
#include "nn/train/recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    // Of the layers that differ; without a teacher, of those without attention:
    DISTILL_TRAIN_MIXERS,           // the mixer, without the projection
    DISTILL_TRAIN_ATTN,             // those and the projections behind them
    DISTILL_TRAIN_FC,               // the MLP: fc1 and fc2, and the norm between them where there is one
    DISTILL_TRAIN_FC_HEAD,          // those and the classifier of the model, `head` and `head_dist`
    DISTILL_TRAIN_BLOCKS,           // mixer, projection, norms and MLP
    DISTILL_TRAIN_ALL,              // and of the model: everything
    DISTILL_N_TRAINED
} distill_trained;
const char *distill_trained_name(distill_trained t);                            // "mixers", "attn", "fc", "fc+head" ...
vkc_status  distill_trained_get(const char *name, distill_trained *out);        // E_ARG with the names that there are

typedef struct distill_tune_params {    // 0 = the default in brackets; of weights < 0 = none
    const nn_dataset *data;
    distill_trained trained;
    double   similarity;            // weight [1 for mixers and attn with a teacher, else none]
    distill_target target;          // what is compared: head outputs or the module's output (transfer.h)
    distill_distance distance;      // and how
    double   ce;                    // weight of cross-entropy with the labels [1]
    double   kl;                    // weight of the divergence from the teacher's logits [none]
    double   temperature;           // of both logits in it [1]
    double   units;                 // weight of the group Hoyer-square of hidden units, which prepares pruning
                                    // (prune.h) [none]
    double   halting;               // weight of imitating a halting teacher's gate [0.1]
    bool     centre;                // of a halting teacher: at the end move the student's gate_centre until, alone, it
                                    // keeps as many tokens (tune_centre.h)
    nn_recipe recipe;               // nn/train/recipe.h; warm-up [a tenth of the steps]
    uint32_t batch;                 // [64]
    uint32_t epochs;                // [1]
    double   lr;                    // [1e-3 for mixers and attn, 2e-4 else] cosine decay after the warm-up
    double   weight_decay;          // [none]
    double   clip;                  // largest global gradient norm [1]
    uint64_t seed;
    uint32_t threads;
    bool     plain;                 // no augmentation
    bool     check_finite;
    nn_judge judge;                 // of the student after every epoch, with its gate as `centre` would have it [none]:
                                    // the best epoch is kept
    const char *what;               // names checkpoint and progress ["tune"]; two stages in one run need two names
    const char *run_dir;
    bool     resume;
    uint32_t max_steps;             // stop after so many steps in all [no limit]
    nn_progress_fn progress;
    void    *user;
} distill_tune_params;

typedef struct distill_tune_result {
    uint64_t steps;
    nn_best  best;                      // epoch = 0 without a judge
    double   seconds;                   // of training
    double   loss, ce, kl, units, halting;      // means over the last epoch; NaN where not asked for
    double   distance[NN_MAX_DEPTH];    // of layer l, relative as in distill_transfer_result; NaN where not compared
    double   teacher_keep, keep;        // with `centre`: keep ratios on the pictures of val, each alone; else NaN
} distill_tune_result;

// The peak of the learning rate that these make.
double      distill_tune_lr(const distill_tune_params *p);
// What distill_tune would refuse of these, before anything is made. `student` need not be trainable yet.
vkc_status distill_tune_check(const nn_model *teacher, const nn_model *student, const distill_tune_params *p);

// Train `student` in place; it must be trainable and of the teacher's shape. `teacher` may be NULL when neither
// similarity, kl nor halting is asked for. Errors: E_ARG (nothing to train, another shape), E_FORMAT (other classes),
// E_CHECK (a loss that is no number), E_STOPPED after a checkpoint, device errors.
vkc_status distill_tune(const nn_model *teacher, nn_model *student, const distill_tune_params *p,
                        distill_tune_result *out);

#ifdef __cplusplus
}
#endif
#endif
