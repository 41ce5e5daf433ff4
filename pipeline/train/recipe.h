// recipe.h — a training recipe (nn/train/recipe.h) checked, as inputs of a run, and in words.
#ifndef PIPELINE_RECIPE_H
#define PIPELINE_RECIPE_H

#include "nn/train/recipe.h"
#include "pipeline/base/context.h"

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PIPELINE_RECIPE_TEXT 640    // bytes that the sentence for a card may take

// In a pipeline's parameters rates.warmup is 0 for none and < 0 for the usual; for the library below as that has it.
nn_recipe  pipeline_recipe_of(const nn_recipe *r);
// What is wrong with it; rates and augmentation are named as options are: `pre` is "" or "tune-". E_ARG. `lr`: the peak
// unless it follows from the batch.
vkc_status pipeline_recipe_check(const pipeline_context *c, const char *pre, const nn_recipe *r, double lr,
                                 uint32_t batch);
// Notes on what of it has no effect.
void       pipeline_recipe_tell(const pipeline_context *c, const nn_recipe *r);
// What decides the result, into the inputs of a run (run.h); what is as usual is left out, but for the smoothing.
void       pipeline_recipe_add_inputs(json_t *inputs, const nn_recipe *r);
// A sentence for a card, "Recipe: label smoothing 0.1, mixup 0.8.", or an empty one.
void       pipeline_recipe_text(const nn_recipe *r, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
