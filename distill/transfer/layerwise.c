// layerwise.c — loader, graph and stepper of a stage of the transfer, and the loop over them.
#include "distill/transfer/layerwise.h"

#include "nn/models/picture_loader.h"
#include "nn/train/fit_work.h"

#include <stdio.h>

vkc_status distill_fit_layers(const nn_model *teacher, nn_model *student, const distill_transfer_params *p,
                              const distill_pass *pass, nn_fit_result *out)
{
    vkc_status st;
    nn_fit_work w = { .loader = NULL };
    nn_model_taps t = { 0 };
    nn_tensor *watch[NN_MAX_LOSSES];
    char what[48];
    const nn_model_config *c = &teacher->cfg;
    const nn_loader_params lp =
        nn_loader_params_to_train(c, p->data, p->batch ? p->batch : 64, p->seed, p->threads, false);
    *out = (nn_fit_result) { 0 };
    snprintf(what, sizeof what, "%s%s", pass->what, p->tag ? p->tag : "");
    VKC_TRY(nn_fit_work_init_pictures(&w, teacher->dev, c, &lp));
    nn_model_forward(w.graph, teacher, &w.batch, w.input, false, &t);
    if (p->check_finite)
        nn_model_watch(w.graph, teacher, &t);
    const uint32_t n = pass->build(pass->user, w.graph, teacher, student, &w.batch, &t, watch);
    VKC_TRY(nn_stepper_create(&(nn_stepper_params) {
        .dev = teacher->dev, .graph = w.graph, .params = student->params, .batch = &w.batch, .inputs = w.input,
        .n_inputs = w.n_model_inputs, .watch = watch, .n_watch = n,
        .adamw = { .weight_decay = p->weight_decay, .max_norm = p->clip > 0 ? p->clip : 0 },
    }, &w.stepper));
    const uint64_t total = (uint64_t) pass->epochs * w.feed.batches;
    st = nn_fit(&(nn_fit_params) {
        .stepper = w.stepper, .feed = &w.feed, .epochs = pass->epochs, .n_watch = n, .what = what,
        .max_steps = p->max_steps,
        .schedule = { .lr = pass->lr, .total = total, .warmup = total / 10 },
        .run_dir = p->run_dir, .resume = p->resume, .progress = p->progress, .user = p->user,
    }, out);
done:
    nn_fit_work_finish(&w);
    return st;
}
