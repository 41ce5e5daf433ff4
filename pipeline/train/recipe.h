// recipe.h — a training recipe (nn/train/recipe.h) as inputs of a run and in words.
#ifndef PIPELINE_RECIPE_H
#define PIPELINE_RECIPE_H

#include "nn/train/recipe.h"

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

// What decides the result, into the inputs of a run (run.h); what is 0 is left out, but for the smoothing.
void pipeline_recipe_add_inputs(json_t *inputs, const nn_recipe *r);
// A sentence for a card, "Recipe: label smoothing 0.1, mixup 0.8.", or an empty one.
void pipeline_recipe_text(const nn_recipe *r, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
