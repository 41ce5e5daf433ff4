// layerwise.c — loader, graph and stepper of a stage of the transfer, and the loop over them.
#include "distill/layerwise.h"

#include <stdio.h>

vkc_status distill_fit_layers(const nn_vit *teacher, nn_vit *student, const distill_transfer_params *p,
                              const distill_pass *pass, nn_fit_result *out)
{
    vkc_status st;
    nn_batch b = { 0 };
    nn_graph *g = NULL;
    nn_stepper *s = NULL;
    nn_loader *l = NULL;
    nn_vit_taps t = { 0 };
    nn_tensor *watch[NN_MAX_LOSSES];
    char what[48];
    const nn_model_config *c = &teacher->cfg;
    const uint32_t batch = p->batch ? p->batch : 64;
    *out = (nn_fit_result) { 0 };
    snprintf(what, sizeof what, "%s%s", pass->what, p->tag ? p->tag : "");
    const nn_loader_params lp = nn_loader_params_to_train(c, p->data, batch, p->seed, p->threads, false);
    VKC_TRY(nn_loader_create(&lp, &l));
    VKC_TRY(nn_batch_create(teacher->dev, c, batch, &b));
    VKC_TRY(nn_graph_create(teacher->dev, &g));
    nn_tensor *pixels = nn_graph_input(g, "pixels", (nn_shape) { 2, { 0, c->channels * c->image * c->image } },
                                       NN_DTYPE_F32, b.images);
    nn_vit_forward(g, teacher, &b, pixels, false, &t);
    if (p->check_finite)
        nn_vit_watch(g, teacher, &t);
    const uint32_t n = pass->build(pass->user, g, teacher, student, &b, &t, watch);
    VKC_TRY(nn_stepper_create(&(nn_stepper_params) {
        .dev = teacher->dev, .graph = g, .params = student->params, .batch = &b, .pixels = pixels,
        .watch = watch, .n_watch = n,
        .adamw = { .weight_decay = p->weight_decay, .max_norm = p->clip > 0 ? p->clip : 0 },
    }, &s));
    const uint64_t total = (uint64_t) pass->epochs * nn_loader_batches(l);
    st = nn_fit(&(nn_fit_params) {
        .stepper = s, .loader = l, .epochs = pass->epochs, .n_watch = n, .what = what,
        .max_steps = p->max_steps,
        .schedule = { .lr = pass->lr, .total = total, .warmup = total / 10 },
        .run_dir = p->run_dir, .resume = p->resume, .progress = p->progress, .user = p->user,
    }, out);
done:
    nn_stepper_destroy(s);
    nn_graph_destroy(g);
    nn_batch_finish(&b);
    nn_loader_destroy(l);
    return st;
}
