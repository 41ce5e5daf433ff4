// train.h — train a model on a data set: AdamW, cosine schedule, augmentation, checkpoints.
#ifndef NN_TRAIN_H
#define NN_TRAIN_H

#include "nn/base/progress.h"
#include "nn/data/dataset.h"
#include "nn/data/feed.h"
#include "nn/train/fit.h"
#include "nn/train/judge.h"
#include "nn/train/recipe.h"
#include "nn/models/model.h"
#include "shaders/halt/halt_loss.h"

#ifdef __cplusplus
extern "C" {
#endif

// Of a model that halts tokens: ponder cost and depth prior join the loss, and the gate is a live input, which the hook
// writes before every step. Of the scalars that it is told the second is the keep ratio of the batch.
#define NN_TRAIN_GATE "gate"        // (GATE_LEN) of shaders/halt/halt.h
typedef struct nn_train_halting {
    struct halt_loss_attr prior;
    void (*begin)(void *user, uint64_t steps);      // told before the first step how many there will be
    nn_fit_tune_fn tune;
    void    *user;                  // of both
    uint32_t n_state;               // words that tune keeps
} nn_train_halting;

typedef struct nn_train_params {    // 0 = the default in brackets
    const nn_dataset *data;         // pictures, or
    const nn_feed *feed;            // batches of another kind, with the field "labels", from 0 on; data, batch, seed of
                                    // the order, threads, plain and recipe.augment are then
                                    // not looked at
    uint32_t batch;                 // [128]
    uint32_t epochs;                // [20]
    double   lr;                    // peak [1e-3]
    double   weight_decay;          // [0.05]; < 0 = none
    nn_recipe recipe;               // nn/train/recipe.h; smoothing [0.1], < 0 = none; warm-up [1 epoch]
    double   clip;                  // largest global gradient norm [1]; < 0 = none
    uint64_t seed;
    uint32_t threads;               // decoding [as many as cores]
    bool     plain;                 // no augmentation; else flips, transposes and shifts
    bool     check_finite;          // E_CHECK with layer and mixer for a NaN or infinity in a mixer's input or output
    const char *run_dir;            // run folder for checkpoints and log.jsonl; NULL = none
    bool     resume;                // continue run_dir's checkpoint to the same bits
    uint32_t max_steps;             // stop after so many steps in all [no limit]; for tests
    const nn_train_halting *halting;        // [none]: a model that halts does so by its config, without these losses
    nn_judge judge;                 // of the model after every epoch [none]: the best epoch is kept
    nn_progress_fn progress;        // may be NULL
    void    *user;
} nn_train_params;

typedef struct nn_train_result {
    uint64_t steps, images;
    double   loss;                  // cross-entropy, mean over the last epoch (so far)
    double   keep;                  // with `halting`: keep ratio of the batches, the same mean
    double   seconds;               // without the judge's
    double   host_share;            // share of the wall time spent neither waiting for the device nor for pictures
    uint32_t bad;                   // broken pictures skipped
    nn_best  best;                  // epoch = 0 without a judge
} nn_train_result;

// Train in place; `m` must be trainable. With recipe.ema it ends as its average, with a judge as it was after the best
// epoch. Stopped by progress: writes the checkpoint, E_STOPPED. Errors: E_FORMAT, E_IO, E_CHECK (numbers that are not
// finite), the judge's, device errors; the last checkpoint stays.
vkc_status nn_train(nn_model *m, const nn_train_params *p, nn_train_result *out);

#ifdef __cplusplus
}
#endif
#endif
