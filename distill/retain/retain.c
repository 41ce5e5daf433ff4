// retain.c — fine-tuning with token pruning.
#include "distill/retain/retain_control.h"

#include "nn/models/picture_loader.h"
#include "nn/graph/finite.h"
#include "nn/train/fit.h"
#include "nn/train/fit_work.h"
#include "shaders/halt/halt.h"
#include "shaders/loss/kl.h"
#include "vk/clock.h"

static double or_default(double value, double fallback)
{
    return value < 0 ? 0 : value > 0 ? value : fallback;
}

static uint32_t batch_of(const distill_retain_params *p)
{
    return p->batch ? p->batch : 64;
}

static double lr_of(const distill_retain_params *p)     // unless it follows from the batch
{
    return p->lr > 0 ? p->lr : 5e-4;
}

typedef struct work {
    nn_fit_work f;
    uint32_t  n_watch, kl_at;       // kl_at: of the watched scalars; 0 = none
    const char *term[3];            // what they are, for the log
} work;

static vkc_status make_stepper(const nn_model *teacher, nn_model *m, distill_control *c, work *w)
{
    const distill_retain_params *p = c->p;
    nn_graph *g = w->f.graph;
    nn_tensor *watch[3], *gate = NULL;
    nn_recipe_inputs in;
    nn_recipe recipe = p->recipe;
    recipe.smoothing = or_default(recipe.smoothing, 0.1);
    const vkc_status st = nn_fit_work_add_recipe(&w->f, &recipe, p->seed, &m->cfg, &in);
    if (st != VKC_OK)
        return st;
    if (m->cfg.retention.policy == NN_POLICY_HALTING)
        gate = nn_graph_input(g, NN_TRAIN_GATE, (nn_shape) { 1, { GATE_LEN } }, NN_DTYPE_F32, NULL);
    nn_model_taps taps = { .drop = in.drop, .retention = { .gate = gate } };
    nn_tensor *logits = nn_model_forward(g, m, &w->f.batch, w->f.input, true, &taps);
    if (p->check_finite) {
        nn_model_watch(g, m, &taps);
        nn_finite_watch(g, logits, "the classifier's output");
    }
    w->term[0] = "ce";
    watch[w->n_watch++] = nn_recipe_loss(g, &in, logits, nn_fit_work_input(&w->f, "labels"));
    nn_graph_add_loss(g, watch[0], 1.0f);
    if (gate) {
        const struct halt_loss_attr prior = distill_control_prior(c);
        nn_tensor *pressure = NN_APPLY(g, halt_loss, &prior, NULL, taps.retention.tally, gate);
        nn_graph_add_loss(g, pressure, 1.0f);
        c->keep_at = w->n_watch;
        w->term[w->n_watch] = "keep ratio";
        watch[w->n_watch++] = nn_output(pressure, 1);
    }
    if (p->kl > 0) {
        nn_tensor *wanted = nn_model_forward(g, teacher, &w->f.batch, w->f.input, false, NULL);
        w->kl_at = w->n_watch;
        w->term[w->n_watch] = "kl";
        watch[w->n_watch] = NN_APPLY(g, kl, &(struct kl_attr) { .temperature = 1 }, NULL, logits, wanted);
        nn_graph_add_loss(g, watch[w->n_watch++], (float) p->kl);
    }
    return nn_stepper_create(&(nn_stepper_params) {
        .dev = m->dev, .graph = g, .params = m->params, .batch = &w->f.batch, .inputs = w->f.input,
        .n_inputs = w->f.n_inputs, .live = &gate, .n_live = 1, .watch = watch, .n_watch = w->n_watch,
        .adamw = { .weight_decay = or_default(p->weight_decay, 0.05), .max_norm = or_default(p->clip, 1),
                   .ema = recipe.ema },
    }, &w->f.stepper);
}

static vkc_status train(const nn_model *teacher, nn_model *m, distill_control *c, distill_retain_result *out)
{
    vkc_status st;
    const distill_retain_params *p = c->p;
    work w = { .n_watch = 0 };
    nn_fit_result r = { .steps = 0 };
    nn_loader_params lp = nn_loader_params_to_train(&m->cfg, p->data, batch_of(p), p->seed, p->threads, p->plain);
    nn_loader_params_augment(&lp, &p->recipe.augment);
    VKC_TRY(nn_fit_work_init_pictures(&w.f, m->dev, &m->cfg, &lp));
    VKC_TRY(make_stepper(teacher, m, c, &w));
    distill_control_begin(c, (uint64_t) p->epochs * w.f.feed.batches);
    st = nn_fit(&(nn_fit_params) {
        .stepper = w.f.stepper, .feed = &w.f.feed, .epochs = p->epochs, .n_watch = w.n_watch, .term = w.term,
        .what = "retain", .max_steps = p->max_steps, .tune = c->keep_at ? distill_control_tune : NULL, .tune_user = c,
        .n_state = c->keep_at ? distill_control_words(c) : 0,
        .schedule = nn_rates_schedule(&p->recipe.rates, lr_of(p), batch_of(p), p->epochs, w.f.feed.batches,
                                      c->total / 10),
        .judge = { p->judge.fn ? distill_control_judge : NULL, c }, .run_dir = p->run_dir, .resume = p->resume,
        .progress = distill_control_report, .user = c,
    }, &r);
    *out = (distill_retain_result) {
        .steps = r.steps, .images = r.samples, .best = r.best, .loss = r.watch[0],
        .divergence = w.kl_at ? r.watch[w.kl_at] : 0,
        .trained_keep = c->keep_at ? r.watch[c->keep_at] : 0,
    };
done:
    nn_fit_work_finish(&w.f);
    return st;
}

static vkc_status teach_halting(const nn_model *teacher, distill_control *c, distill_retain_result *out)
{
    vkc_status st = VKC_OK;
    if (c->p->epochs)
        VKC_TRY(train(teacher, c->m, c, out));
    st = distill_control_end(c, &out->val_keep);
done:
    return st;
}

vkc_status distill_retain(const nn_model *teacher, nn_model *m, const distill_retain_params *p,
                          distill_retain_result *out)
{
    const double start = vkc_seconds();
    const nn_policy policy = m->cfg.retention.policy;
    distill_control c = { .p = p };
    vkc_status st;
    *out = (distill_retain_result) { .steps = 0 };
    if (policy != NN_POLICY_HALTING || !p->fixed_gate)
        VKC_TRY(distill_retain_check(&m->cfg, p->keep));
    VKC_TRY(nn_rates_check(&p->recipe.rates, lr_of(p), batch_of(p)));
    if (nn_dataset_classes(p->data) != m->cfg.classes) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s has %u classes, the model %u", nn_dataset_spec(p->data),
                      nn_dataset_classes(p->data), m->cfg.classes);
        goto done;
    }
    VKC_TRY(distill_control_open(&c, m, p));
    if (policy == NN_POLICY_HALTING)
        st = teach_halting(teacher, &c, out);
    else if (policy != NN_POLICY_TOPK)
        st = VKC_FAIL(VKC_E_ARG, "retain: the model has no token-pruning policy");
    else if (p->epochs)
        st = train(teacher, m, &c, out);
done:
    out->start_centre = c.start_centre;
    distill_control_close(&c);
    out->seconds = vkc_seconds() - start;
    return st;
}
