// fit_work.h — the parts of a training run besides its losses: batches, layouts of a batch, graph with its inputs,
// stepper. Made and freed in one place.
//
//   nn_fit_work_init -> nn_fit_work_add_recipe, perhaps -> losses into w.graph
//   -> nn_stepper_create(.., w.input, w.n_inputs, .., &w.stepper) -> nn_fit(.., &w.feed) -> nn_fit_work_finish
// Thread-safety: as the device.
#ifndef NN_FIT_WORK_H
#define NN_FIT_WORK_H

#include "nn/data/feed.h"
#include "nn/data/loader.h"
#include "nn/models/model.h"
#include "nn/train/recipe_feed.h"
#include "nn/train/stepper.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_fit_work {        // owned
    nn_loader  *loader;             // of pictures; NULL where another feed was given
    nn_recipe_feed *recipe;         // NULL without one
    nn_feed     feed;               // of all inputs
    nn_batch    batch;
    nn_graph   *graph;
    nn_tensor  *input[NN_MAX_FIELDS];       // of the graph: the model's first, then what else the feed has
    uint32_t    n_model_inputs, n_inputs;   // the first alone are what a teacher reads
    nn_stepper *stepper;            // NULL until the caller makes it
} nn_fit_work;

// For batches of `feed` (copied; what is behind it must outlive the work) through models of this config: its inputs by
// name, and each further field of the feed as an input of the graph. Errors: those of its parts; finish it then too.
vkc_status nn_fit_work_init(nn_fit_work *w, vkc_device *dev, const nn_model_config *c, const nn_feed *feed);
// The same for pictures as `loader` says: "pixels" and "labels".
vkc_status nn_fit_work_init_pictures(nn_fit_work *w, vkc_device *dev, const nn_model_config *c,
                                     const nn_loader_params *loader);
// Let a recipe mix the batches, and `out` say what it adds to the graph (nn/train/recipe.h). Before the stepper.
vkc_status nn_fit_work_add_recipe(nn_fit_work *w, const nn_recipe *r, uint64_t seed, const nn_model_config *c,
                                  nn_recipe_inputs *out);
nn_tensor *nn_fit_work_input(const nn_fit_work *w, const char *name);   // NULL = there is none
void       nn_fit_work_finish(nn_fit_work *w);          // zeroed is fine

#ifdef __cplusplus
}
#endif
#endif
