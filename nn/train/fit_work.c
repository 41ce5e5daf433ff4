// fit_work.c — the parts of a training run, made and freed.
#include "nn/train/fit_work.h"

vkc_status nn_fit_work_init(nn_fit_work *w, vkc_device *dev, const nn_model_config *c, const nn_loader_params *loader)
{
    vkc_status st;
    const uint32_t len = nn_model_config_pixels(c);
    *w = (nn_fit_work) { .loader = NULL };
    VKC_TRY(nn_loader_create(loader, &w->loader));
    VKC_TRY(nn_model_batch_create(dev, c, loader->batch, &w->batch));
    VKC_TRY(nn_graph_create(dev, &w->graph));
    w->pixels = nn_graph_input(w->graph, "pixels", (nn_shape) { 2, { 0, len } }, NN_DTYPE_F32, w->batch.samples);
    w->labels = nn_graph_input(w->graph, "labels", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, w->batch.samples);
done:
    return st;
}

void nn_fit_work_finish(nn_fit_work *w)
{
    nn_stepper_destroy(w->stepper);
    nn_graph_destroy(w->graph);
    nn_batch_finish(&w->batch);
    nn_loader_destroy(w->loader);
    *w = (nn_fit_work) { .loader = NULL };
}
