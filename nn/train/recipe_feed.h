// recipe_feed.h — a feed of pictures with a recipe applied: mixup, cutmix, and a key of stochastic depth per batch.
#ifndef NN_RECIPE_FEED_H
#define NN_RECIPE_FEED_H

#include "nn/data/feed.h"
#include "nn/train/recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_recipe_feed nn_recipe_feed;

// The fields of `from`, its pixels mixed where the recipe says so, and those that `in` adds (NN_RECIPE_LABELS_B ..). A
// batch is mixed for the step that will take it when each batch is one step: epoch * batches + batch + 1.
// `from` is copied; what is behind it must outlive the feed. Errors: E_ARG (pictures to mix, and the feed has none of
// that size), E_NOMEM.
vkc_status nn_recipe_feed_create(const nn_recipe_inputs *in, const nn_feed *from, nn_recipe_feed **out);
void       nn_recipe_feed_destroy(nn_recipe_feed *f);   // NULL is fine
nn_feed    nn_recipe_feed_get(nn_recipe_feed *f);       // f must outlive it

#ifdef __cplusplus
}
#endif
#endif
