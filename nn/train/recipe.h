// recipe.h — a training recipe: label smoothing, mixup, cutmix, stochastic depth, the exponential moving average of the
// weights; how the learning rate goes (nn/train/schedule.h) and how pictures are augmented (nn/data/augment_recipe.h),
// which those apply who have the schedule and the loader. The usual names and meanings.
//
// All of it is a pure function of seed and step, so that a resumed run ends in the same bits. A graph takes it in three
// places, the batches through a feed (nn/train/recipe_feed.h), and the optimiser keeps the average:
//
//   nn_recipe_build(g, &recipe, seed, &cfg, batch.samples, &in);       or nn_fit_work_add_recipe, which makes the feed
//   taps.drop = in.drop;                   then the model's forward pass with these taps
//   loss = nn_recipe_loss(g, &in, logits, labels);
//   nn_adamw_params.ema = recipe.ema;
//
// Sources: Szegedy et al. 2016 (smoothing), Zhang et al. 2018 (mixup), Yun et al. 2019 (cutmix), Huang et al. 2016
// (stochastic depth), Polyak & Juditsky 1992 (averaging).
#ifndef NN_RECIPE_H
#define NN_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "nn/data/augment_recipe.h"
#include "nn/graph/graph.h"
#include "nn/models/model.h"
#include "nn/train/schedule.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_recipe {          // zero = none of it
    double smoothing;               // of labels, 0 .. 1
    double mixup, cutmix;           // alpha of the beta distribution of lambda; with both, each for half of the batches
    double drop_path;               // probability that a branch of the last block is left out of an image, < 1; that of
                                    // the first is 0, with a straight line between them
    double ema;                     // decay of the average of the weights, 0.9999, less in the first steps
                                    // (nn/train/optim.h); what is saved is then the average
    nn_rates rates;                 // of learning
    nn_augment_recipe augment;      // of pictures
} nn_recipe;

// E_ARG with a sentence unless all of it can be.
vkc_status nn_recipe_check(const nn_recipe *r);
bool       nn_recipe_is_mixed(const nn_recipe *r);      // mixup or cutmix

// What a recipe adds to the inputs of a graph, by name. The tensors are the graph's.
#define NN_RECIPE_LABELS_B "labels_b"
#define NN_RECIPE_LAMBDA   "lambda"
#define NN_RECIPE_KEY      "drop path key"
typedef struct nn_recipe_inputs {
    nn_recipe  recipe;
    uint64_t   seed;
    uint32_t   channels, height, width;     // of a picture
    nn_tensor *labels_b, *lambda;   // (B) uint32 second labels, (B) share of the first; NULL: pictures stay as they are
    nn_drop_paths drop;               // for nn_model_taps
} nn_recipe_inputs;

// `images` are the layout of pixels and labels. A failure is the graph's sticky error.
void       nn_recipe_build(nn_graph *g, const nn_recipe *r, uint64_t seed, const nn_model_config *cfg, nn_rows *images,
                           nn_recipe_inputs *out);
// Mean cross-entropy of logits (B, K) with smoothed labels (B), and with the second ones by their share.
nn_tensor *nn_recipe_loss(nn_graph *g, const nn_recipe_inputs *in, nn_tensor *logits, nn_tensor *labels);

// Mix n pictures (n, channels, height, width), normalised, with one another for a step: `mixed` gets each with a part
// of another of them, labels_b[i] that one's label and lambda[i] the share of its own; a picture alone stays. Pairs,
// kind and shares are drawn anew in every step, the shares from beta(alpha, alpha); that of cutmix is then the area
// left. The arrays do not overlap; `mixed` is written in order and never read. Host; thread-safe.
void       nn_recipe_mix(const nn_recipe_inputs *in, uint64_t step, uint32_t n, const float *pixels,
                         const uint32_t *labels, float *mixed, uint32_t *labels_b, float *lambda);
// The words of drop.key in a step.
void       nn_recipe_key(const nn_recipe_inputs *in, uint64_t step, uint32_t key[2]);

#ifdef __cplusplus
}
#endif
#endif
