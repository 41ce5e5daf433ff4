// fit_work.h — what a training run is made of beside its losses: loader, layouts of a batch, graph with its inputs,
// stepper. Made and freed in one place.
//
//   nn_fit_work_init -> losses into w.graph -> nn_stepper_create(.., &w.stepper) -> nn_fit -> nn_fit_work_finish
// Thread-safety: as the device.
#ifndef NN_FIT_WORK_H
#define NN_FIT_WORK_H

#include "nn/data/loader.h"
#include "nn/train/stepper.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_fit_work {        // owned
    nn_loader  *loader;
    nn_batch    batch;
    nn_graph   *graph;
    nn_tensor  *pixels, *labels;    // inputs of the graph, packed by batch.samples
    nn_stepper *stepper;            // NULL until the caller makes it
} nn_fit_work;

// For pictures as `loader` says, through models of this config. Errors: those of its parts; finish it then too.
vkc_status nn_fit_work_init(nn_fit_work *w, vkc_device *dev, const nn_model_config *c, const nn_loader_params *loader);
void       nn_fit_work_finish(nn_fit_work *w);          // zeroed is fine

#ifdef __cplusplus
}
#endif
#endif
