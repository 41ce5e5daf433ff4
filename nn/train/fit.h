// fit.h — the loop around a stepper: batches in, learning rate, log, checkpoints, resume.
//
// With a run folder: log.jsonl gets one line an epoch, the first with the names of its losses,
// <name>.safetensors the state every minute, at the end and when stopped. Resuming continues to the same bits as a run
// that was never stopped: batches are pure functions of seed, epoch and number (nn/data/feed.h), and the state holds
// all else. After the last step the parameters are their average, where the stepper keeps one; a stopped run leaves
// them as they are.
//
// With a judge every epoch has a score, of that average where there is one, and after the last step the parameters are
// those of the epoch with the best; of equal ones the first. Judging changes no bit of the training.
#ifndef NN_FIT_H
#define NN_FIT_H

#include "nn/base/progress.h"
#include "nn/data/feed.h"
#include "nn/train/judge.h"
#include "nn/train/schedule.h"
#include "nn/train/stepper.h"

#ifdef __cplusplus
extern "C" {
#endif

// A hook that may write the live inputs of the stepper: called after every step on any sample, with its scalars
// (n_watch), and once before the first step of a call with watch = NULL. `state` are n_state words of its own, 0 at
// first, saved in every checkpoint and restored from it. `step` counts those done. With a judge it is called once more
// with watch = NULL after the last step: `state` is then that of the best epoch.
typedef void (*nn_fit_tune_fn)(void *user, nn_stepper *s, uint64_t step, const float *watch, uint64_t *state);
#define NN_FIT_MAX_STATE 16

typedef struct nn_fit_params {
    nn_stepper *stepper;
    const nn_feed *feed;            // whose fields are the stepper's inputs
    nn_schedule schedule;           // total = epochs * batches of the feed
    uint32_t    epochs;
    uint64_t    max_steps;          // stop after so many in all, as if told to; 0 = no limit
    uint32_t    n_watch;            // of the stepper
    const char *const *term;        // (n_watch) what each scalar is, for the log: plain words; NULL = not said
    const float *weight;            // (n_watch) the loss is the sum of weight * scalar; NULL = the first scalar
    nn_fit_tune_fn tune;            // may be NULL
    void       *tune_user;
    uint32_t    n_state;            // words of it, up to NN_FIT_MAX_STATE; 0 without
    nn_judge    judge;              // of the parameters after every epoch
    const char *what;               // for progress and the checkpoint's name: "train", "transfer"
    const char *run_dir;            // NULL = no files
    bool        resume;             // start from the checkpoint if there is one
    nn_progress_fn progress;
    void       *user;
} nn_fit_params;

typedef struct nn_fit_result {
    uint64_t steps, samples;        // in all, those before a resume included
    double   watch[NN_MAX_LOSSES];  // means over the last epoch with any step
    double   loss;                  // the same of the loss
    double   seconds;               // of this call, without the judge's
    double   host_share;            // of it, neither waiting for the device nor for batches
    nn_best  best;                  // whose parameters are there after the last step
} nn_fit_result;

// Errors: E_ARG (the feed lacks an input of the stepper), E_STOPPED (after the checkpoint), E_CHECK (a loss that is no
// number, or a value that the stepper's graph watches), E_IO, E_FORMAT, device errors.
vkc_status nn_fit(const nn_fit_params *p, nn_fit_result *out);

#ifdef __cplusplus
}
#endif
#endif
