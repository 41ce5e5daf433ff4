// retain.h — token pruning: fine-tune a trained transformer until its mean keep ratio is the one asked for.
//
// Halting (A-ViT; Yin et al. 2022, arXiv:2112.07658): cross-entropy with the tokens dropped, a ponder cost and a depth
// prior. These losses favour early halting but do not set the keep ratio. The gate's centre does, a threshold that all
// tokens share: while training, an integral controller moves it after every step so that the keep ratio of the batches
// follows a target, which falls from that of the dense model to the one asked for over the first part of the run and
// then holds. After training the centre is calibrated by bisection on images of the val split, and stays in the
// model's config. A judge sees the model after every epoch as it would be then, calibrated to the keep ratio asked for,
// so that epochs are compared at one cost, those in which the target still falls too.
//
// Or the gate stays where it is, as A-ViT has it (`fixed_gate`): then ponder cost, prior and the gate's numbers alone
// decide how many tokens are kept, and nothing is calibrated.
//
// Topk needs no training; epochs of it are cross-entropy alone. Thread-safety: as the device.
#ifndef DISTILL_RETAIN_H
#define DISTILL_RETAIN_H

#include "nn/data/dataset.h"
#include "nn/base/progress.h"
#include "nn/models/model.h"
#include "nn/train/judge.h"
#include "nn/train/train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_retain_params {      // 0 = the default in brackets; < 0 = none of it
    const nn_dataset *data;
    double   keep;                  // the mean keep ratio that is asked for, more than 0 and at most 1
    bool     fixed_gate;            // halting: none is; scale and centre are those of the config and stay
    bool     own_centre;            // halting with a keep ratio: training begins with the centre of the config,
                                    // whatever it keeps, in place of start_keep
    uint32_t batch;                 // [64]
    uint32_t epochs;                // 0 = no training
    double   lr;                    // [5e-4] cosine decay after the warm-up
    double   weight_decay;          // [0.05]
    nn_recipe recipe;               // nn/train/recipe.h; smoothing [0.1], warm-up [a tenth of the steps]
    double   clip;                  // largest global gradient norm [1]
    double   kl;                    // weight of the divergence from the dense teacher's logits [none]
    double   ponder;                // weight of the ponder cost [5e-4]
    double   prior;                 // weight of the depth prior [1e-3]
    uint32_t prior_target;          // HALT_TARGET_* of shaders/halt/halt_loss.h
    double   prior_mean;            // the block after which tokens should stop [that of `keep`: distill_prior_mean;
                                    // with a fixed gate that of 0.75]
    double   prior_std;             // [a twelfth of the depth, at least 1]
    bool     plain_gate;            // halting: channel 0 unchanged; else the residual stream is first rotated so that
                                    // channel 0 predicts later class attention (retain_stream.h)
    double   start_keep;            // first target keep ratio [0.97]
    double   ramp;                  // fraction of training in which the target falls [0.2]
    uint64_t seed;
    uint32_t threads;
    bool     plain;                 // no augmentation
    bool     check_finite;
    const char *run_dir;            // checkpoints and log.jsonl; NULL = none
    bool     resume;
    uint32_t max_steps;             // stop after so many steps in all [no limit]
    nn_judge judge;                 // of the model after every epoch [none]: the best epoch is kept
    nn_progress_fn progress;
    void    *user;
} distill_retain_params;

typedef struct distill_retain_result {
    uint64_t steps, images;
    double   loss, divergence;      // cross-entropy and KL, means over the last epoch
    double   trained_keep;          // halting: mean over the last epoch, as the controller saw it
    nn_best  best;                  // epoch = 0 without a judge
    double   start_centre;          // halting: where training began
    double   val_keep;              // halting: on at most 512 pictures of val, those on which the centre was found
    double   seconds;               // of training, judging and finding centres
} distill_retain_result;

// Tokens that go through keep * depth blocks stop after block keep * depth - 1, counted from 0: 8 of 12 for 0.75, as
// A-ViT has it. At least a half: the released target wants a block before it.
double distill_prior_mean(double keep, uint32_t depth);

// E_ARG, in words, when halting cannot reach this keep ratio: all tokens go through the blocks before the first choice.
vkc_status distill_retain_check(const nn_model_config *c, double keep);

// E_ARG, in words, when a fixed gate lets every patch of some pictures halt before training, where that is not asked to
// go on from a checkpoint: what distill_retain says too, to be had before anything is written. m stays as it is.
vkc_status distill_retain_check_gate(nn_model *m, const distill_retain_params *p);

// Train m in place; its config has the pruning policy (nn_model.cfg.retention). For halting without a fixed gate,
// gate_scale = 0 asks for one fitted to channel 0 of the model, and gate_centre is calibrated; both are stored in the
// config. `teacher` is the dense model, needed for kl alone. Errors: E_ARG (a keep ratio that cannot be reached, a
// fixed gate that lets every patch halt before training), E_FORMAT (other classes), E_CHECK (no centre gives the keep
// ratio within 0.03; a loss that is no number), E_STOPPED after a checkpoint, device errors.
vkc_status distill_retain(const nn_model *teacher, nn_model *m, const distill_retain_params *p,
                          distill_retain_result *out);

// The same from random values, or from those that m has, by nn_train and with all that it takes: m halts by its config;
// of `p` the keep ratio, the weights, prior, ramp, fixed_gate and own_centre are looked at. The stream is not rotated.
vkc_status distill_train_halting(nn_model *m, const nn_train_params *t, const distill_retain_params *p,
                                 nn_train_result *trained, distill_retain_result *out);

#ifdef __cplusplus
}
#endif
#endif
