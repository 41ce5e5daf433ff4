// train.c — a classifier's graph and loss, and the loop around it.
#include "nn/models/picture_loader.h"
#include "nn/train/train.h"

#include "nn/graph/finite.h"
#include "nn/train/fit.h"
#include "nn/train/fit_work.h"
#include "shaders/halt/halt.h"

static double or_default(double value, double fallback)
{
    return value < 0 ? 0 : value > 0 ? value : fallback;
}

#define MAX_WATCH 2u

// What the gate's losses add to the scalars watched: the keep ratio.
static nn_tensor *add_halting(nn_graph *g, const nn_train_halting *h, nn_tensor *tally, nn_tensor *gate)
{
    nn_tensor *pressure = NN_APPLY(g, halt_loss, &h->prior, NULL, tally, gate);
    nn_graph_add_loss(g, pressure, 1.0f);
    return nn_output(pressure, 1);
}

static vkc_status make_stepper(nn_model *m, const nn_train_params *p, nn_fit_work *w)
{
    nn_graph *g = w->graph;
    nn_tensor *watch[MAX_WATCH], *gate = NULL;
    uint32_t n_watch = 0;
    nn_recipe r = p->recipe;
    r.smoothing = or_default(r.smoothing, 0.1);
    nn_recipe_inputs in;
    const vkc_status st = nn_fit_work_add_recipe(w, &r, p->seed, &m->cfg, &in);
    if (st != VKC_OK)
        return st;
    if (p->halting)
        gate = nn_graph_input(g, NN_TRAIN_GATE, (nn_shape) { 1, { GATE_LEN } }, NN_DTYPE_F32, NULL);
    nn_model_taps taps = { .drop = in.drop, .retention = { .gate = gate } };
    nn_tensor *logits = nn_model_forward(g, m, &w->batch, w->input, true, &taps);
    if (p->check_finite) {
        nn_model_watch(g, m, &taps);
        nn_finite_watch(g, logits, "the classifier's output");
    }
    watch[n_watch++] = nn_recipe_loss(g, &in, logits, nn_fit_work_input(w, "labels"));
    nn_graph_add_loss(g, watch[0], 1.0f);
    if (p->halting)
        watch[n_watch++] = add_halting(g, p->halting, taps.retention.tally, gate);
    return nn_stepper_create(&(nn_stepper_params) {
        .dev = m->dev, .graph = g, .params = m->params, .batch = &w->batch, .inputs = w->input,
        .n_inputs = w->n_inputs, .has_lengths = w->feed.has_lengths, .live = &gate, .n_live = gate != NULL,
        .watch = watch, .n_watch = n_watch,
        .adamw = { .weight_decay = or_default(p->weight_decay, 0.05), .max_norm = or_default(p->clip, 1),
                   .ema = r.ema },
    }, &w->stepper);
}

static uint32_t batch_of(const nn_train_params *p)
{
    return p->feed ? p->feed->cap : p->batch ? p->batch : 128;
}

static vkc_status open_data(const nn_model *m, const nn_train_params *p, nn_fit_work *w)
{
    if (p->feed)
        return nn_fit_work_init(w, m->dev, &m->cfg, p->feed);
    if (nn_dataset_classes(p->data) != m->cfg.classes)
        return VKC_FAIL(VKC_E_FORMAT, "%s has %u classes, the model %u", nn_dataset_spec(p->data),
                        nn_dataset_classes(p->data), m->cfg.classes);
    nn_loader_params lp = nn_loader_params_to_train(&m->cfg, p->data, batch_of(p), p->seed, p->threads, p->plain);
    nn_loader_params_augment(&lp, &p->recipe.augment);
    return nn_fit_work_init_pictures(w, m->dev, &m->cfg, &lp);
}

vkc_status nn_train(nn_model *m, const nn_train_params *p, nn_train_result *out)
{
    vkc_status st;
    nn_fit_work w = { .loader = NULL };
    const uint32_t epochs = p->epochs ? p->epochs : 20;
    const double lr = p->lr > 0 ? p->lr : 1e-3;
    *out = (nn_train_result) { 0 };
    VKC_TRY(nn_rates_check(&p->recipe.rates, lr, batch_of(p)));
    VKC_TRY(open_data(m, p, &w));
    VKC_TRY(make_stepper(m, p, &w));
    const uint64_t batches = w.feed.batches;
    nn_fit_result r;
    static const char *const terms[] = { "ce", "keep ratio" };
    const nn_train_halting none = { .tune = NULL }, *h = p->halting ? p->halting : &none;
    if (h->begin)
        h->begin(h->user, epochs * batches);
    st = nn_fit(&(nn_fit_params) {
        .stepper = w.stepper, .feed = &w.feed, .epochs = epochs, .n_watch = p->halting ? 2 : 1,
        .term = p->halting ? terms : NULL, .what = "train",
        .max_steps = p->max_steps, .tune = h->tune, .tune_user = h->user, .n_state = h->n_state,
        .schedule = nn_rates_schedule(&p->recipe.rates, lr, batch_of(p), epochs, batches, batches),
        .judge = p->judge, .run_dir = p->run_dir, .resume = p->resume, .progress = p->progress, .user = p->user,
    }, &r);
    *out = (nn_train_result) {
        .steps = r.steps, .images = r.samples, .loss = r.watch[0], .keep = p->halting ? r.watch[1] : 0,
        .seconds = r.seconds,
        .host_share = r.host_share, .best = r.best, .bad = w.loader ? nn_loader_bad(w.loader) : 0,
    };
done:
    nn_fit_work_finish(&w);
    return st;
}
