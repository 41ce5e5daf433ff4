// retain.c — fine-tuning with token pruning, and the controller that moves the gate's centre while training.
#include "distill/retain/retain.h"

#include "distill/retain/retain_stream.h"
#include "nn/models/picture_loader.h"
#include "nn/graph/finite.h"
#include "nn/train/fit.h"
#include "nn/train/fit_work.h"
#include "shaders/halt/halt.h"
#include "shaders/halt/halt_loss.h"
#include "shaders/loss/kl.h"
#include "vk/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PICTURES    512u            // on which the centre is calibrated
#define FIRST       128u            // of them, before training
#define FIRST_KEEP  0.97            // where training begins: few tokens are dropped, and the gate is not saturated
#define SPREAD      2.0             // standard deviation of a fitted gate's argument over tokens
#define GAIN        0.5             // controller: spreads of the gate's argument by which the centre moves a step,
#define MAX_MOVE    0.1             // for a keep ratio that is off by 1; and at most
#define FAR         0.1             // off by more, and again to the same side: the network runs away from the centre,
#define ACCELERATE  1.5             // so that its steps grow by this factor each time,
#define MAX_SPEED   64.0            // up to this
#define WITHIN      0.0025          // of the keep ratio asked for, on the pictures
#define GATE_INPUT  "gate"          // a live input of the stepper
#define AT_MOST     0.03            // further off is a failure

// What a run knows beside its parameters.
typedef struct control {
    const distill_retain_params *p;
    const nn_retention_config *r;
    uint64_t total;                 // steps
    double   unit;                  // standard deviation of the gate's argument at the start
    double   start_centre, start_keep;
    double   ponder, prior;
    double   centre, keep, target;  // newest
    nn_model *m;
    const distill_pictures *pictures;       // on which the centre is calibrated; NULL = there is none
    uint32_t keep_at;               // which of the watched scalars is the keep ratio; 0 = none
} control;

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

double distill_prior_mean(double keep, uint32_t depth)
{
    return fmax(keep * depth - 1, 0.5);
}

static void set_gate(const control *c, nn_stepper *s)
{
    float gate[GATE_LEN] = { 0 };
    gate[GATE_SCALE] = (float) c->r->gate_scale;
    gate[GATE_CENTRE] = (float) c->centre;
    gate[GATE_PONDER] = (float) c->ponder;
    gate[GATE_PRIOR] = (float) c->prior;
    memcpy(nn_stepper_input(s, 0, GATE_INPUT), gate, sizeof gate);
}

// The target of a step: a straight line down, then level.
static double target_of(const control *c, uint64_t step)
{
    const double down = or_default(c->p->ramp, 0.2) * (double) c->total;
    const double part = (double) step < down ? (double) step / down : 1;
    return c->start_keep + (c->p->keep - c->start_keep) * part;
}

// What the controller keeps from step to step, as 64-bit words.
typedef struct memory { double centre, speed; } memory;         // speed: factor on the step; < 0: too many tokens
#define MEMORY_WORDS (sizeof(memory) / sizeof(uint64_t))

// An integral controller: too many tokens move the centre down, too few up. nn_fit_tune_fn.
static void tune(void *user, nn_stepper *s, uint64_t step, const float *watch, uint64_t *state)
{
    control *c = (control *) user;
    memory m = { c->start_centre, 1 };
    if (step > (watch != NULL))         // a state is there
        memcpy(&m, state, sizeof m);
    if (watch) {
        c->keep = (double) watch[c->keep_at];
        c->target = target_of(c, step);
        const double off = c->target - c->keep, sign = off < 0 ? -1 : 1;
        const bool again = fabs(off) > FAR && sign * m.speed > 0;
        m.speed = sign * (again ? fmin(ACCELERATE * fabs(m.speed), MAX_SPEED) : 1);
        m.centre += sign * fabs(m.speed) * c->unit * fmin(MAX_MOVE, GAIN * fabs(off));
        m.centre = fmax(-NN_MAX_GATE, fmin(NN_MAX_GATE, m.centre));
    }
    c->centre = m.centre;
    memcpy(state, &m, sizeof m);
    set_gate(c, s);
}

// The loop's own note, with what the controller does behind it.
static bool report(void *user, const nn_progress *p)
{
    const control *c = (const control *) user;
    char note[192];
    nn_progress with = *p;
    snprintf(note, sizeof note, "%s keep %.3f of %.3f, centre %.2f", p->note, c->keep, c->target, c->centre);
    if (c->keep_at && c->keep > 0)
        with.note = note;
    return !c->p->progress || c->p->progress(c->p->user, &with);
}

// Centre and what it gives, from where the controller has it.
static vkc_status calibrate(const control *c, double *keep)
{
    c->m->cfg.retention.gate_centre = c->centre;
    return distill_find_centre(c->m, c->pictures, c->p->keep, WITHIN, 0.1 * c->unit, c->p, keep);
}

// The model as it would be written now; of no use where no centre gives the keep ratio. nn_judge_fn.
static vkc_status judge(void *user, uint64_t epoch, nn_score *out)
{
    const control *c = (const control *) user;
    const nn_judge *asked = &c->p->judge;
    nn_retention_config *r = &c->m->cfg.retention;
    const double centre = r->gate_centre;
    double keep = c->p->keep;
    vkc_status st = c->pictures ? calibrate(c, &keep) : VKC_OK;
    if (st == VKC_OK && fabs(keep - c->p->keep) <= AT_MOST)
        st = asked->fn(asked->user, epoch, out);
    r->gate_centre = centre;
    return st;
}

typedef struct work {
    nn_fit_work f;
    uint32_t  n_watch, kl_at;       // kl_at: of the watched scalars; 0 = none
    const char *term[3];            // what they are, for the log
} work;

static vkc_status make_stepper(const nn_model *teacher, nn_model *m, control *c, work *w)
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
    if (c->r->policy == NN_POLICY_HALTING)
        gate = nn_graph_input(g, GATE_INPUT, (nn_shape) { 1, { GATE_LEN } }, NN_DTYPE_F32, NULL);
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
        const double depth = m->cfg.depth;
        struct halt_loss_attr prior = {
            .target = p->prior_target,
            .mean = (float) (p->prior_mean > 0 ? p->prior_mean : distill_prior_mean(p->keep, m->cfg.depth)),
            .std = (float) (p->prior_std > 0 ? p->prior_std : fmax(depth / 12, 1)),
        };
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

static vkc_status train(const nn_model *teacher, nn_model *m, control *c, distill_retain_result *out)
{
    vkc_status st;
    const distill_retain_params *p = c->p;
    work w = { .n_watch = 0 };
    nn_fit_result r = { .steps = 0 };
    nn_loader_params lp = nn_loader_params_to_train(&m->cfg, p->data, batch_of(p), p->seed, p->threads, p->plain);
    nn_loader_params_augment(&lp, &p->recipe.augment);
    VKC_TRY(nn_fit_work_init_pictures(&w.f, m->dev, &m->cfg, &lp));
    VKC_TRY(make_stepper(teacher, m, c, &w));
    c->total = (uint64_t) p->epochs * w.f.feed.batches;
    st = nn_fit(&(nn_fit_params) {
        .stepper = w.f.stepper, .feed = &w.f.feed, .epochs = p->epochs, .n_watch = w.n_watch, .term = w.term,
        .what = "retain",
        .max_steps = p->max_steps, .tune = c->keep_at ? tune : NULL, .tune_user = c,
        .n_state = c->keep_at ? MEMORY_WORDS : 0,
        .schedule = nn_rates_schedule(&p->recipe.rates, lr_of(p), batch_of(p), p->epochs, w.f.feed.batches,
                                      c->total / 10),
        .judge = { p->judge.fn ? judge : NULL, c }, .run_dir = p->run_dir, .resume = p->resume, .progress = report,
        .user = c,
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

vkc_status distill_retain_check(const nn_model_config *c, double keep)
{
    const nn_retention_config *r = &c->retention;
    const uint32_t all = r->every < c->depth ? r->every : c->depth;
    const double least = (double) all / c->depth;
    if (!(keep > 0 && keep <= 1))
        return VKC_FAIL(VKC_E_ARG, "a keep ratio of %g, want more than 0 and at most 1", keep);
    if (r->policy == NN_POLICY_HALTING && keep < least - 1e-9)
        return VKC_FAIL(VKC_E_ARG, "a keep ratio of %g cannot be reached: all tokens go through the first %u of %u "
                        "blocks, which is %.3g", keep, all, c->depth, least);
    return VKC_OK;
}

// The gate's scale, where it is to be fitted, and the unit of its argument; before, the stream is rotated.
static vkc_status prepare_gate(nn_model *m, control *c, const distill_pictures *pictures)
{
    vkc_status st;
    nn_retention_config *r = &m->cfg.retention;
    distill_stream s = { .n = 0 };
    double direction[NN_MAX_DIM], spread;
    bool rotated = false;
    VKC_TRY(distill_stream_read(m, pictures, !c->p->plain_gate, &s));
    if (!c->p->plain_gate && distill_fit_direction(&s, direction))
        VKC_TRY(distill_rotate_stream(m, direction, &rotated));
    if (rotated) {
        distill_stream_finish(&s);
        VKC_TRY(distill_stream_read(m, pictures, false, &s));
    }
    spread = distill_stream_spread(&s);
    if (!(spread > 0 && isfinite(spread))) {
        st = VKC_FAIL(VKC_E_CHECK, "retention: channel 0 of the model, which is to be the gate, is the same for all "
                      "tokens or not finite");
        goto done;
    }
    if (!(r->gate_scale > 0))
        r->gate_scale = fmin(SPREAD / spread, NN_MAX_GATE);
    c->unit = r->gate_scale * spread;
    st = nn_retention_check(&m->cfg, VKC_E_ARG, "retain");
done:
    distill_stream_finish(&s);
    return st;
}

static vkc_status teach_halting(const nn_model *teacher, nn_model *m, control *c, distill_retain_result *out)
{
    vkc_status st;
    const distill_retain_params *p = c->p;
    nn_retention_config *r = &m->cfg.retention;
    distill_pictures pictures = { .n = 0 };
    VKC_TRY(distill_pictures_load(&m->cfg, p->data, PICTURES, p->threads, &pictures));
    VKC_TRY(prepare_gate(m, c, &pictures));
    const distill_pictures first = { pictures.pixels, pictures.n < FIRST ? pictures.n : FIRST };
    r->gate_centre = 2 * c->unit;
    const double start_keep = fmax(p->keep, or_default(p->start_keep, FIRST_KEEP));
    VKC_TRY(distill_find_centre(m, &first, start_keep, 2 * WITHIN, c->unit, p, &c->start_keep));
    c->start_centre = c->centre = r->gate_centre;
    c->pictures = &pictures;
    if (p->epochs)
        VKC_TRY(train(teacher, m, c, out));
    VKC_TRY(calibrate(c, &out->val_keep));
    if (!(fabs(out->val_keep - p->keep) <= AT_MOST))
        st = VKC_FAIL(VKC_E_CHECK, "a keep ratio of %g is not reached: the nearest is %.3f", p->keep, out->val_keep);
done:
    out->start_centre = c->start_centre;
    distill_pictures_finish(&pictures);
    return st;
}

vkc_status distill_retain(const nn_model *teacher, nn_model *m, const distill_retain_params *p,
                          distill_retain_result *out)
{
    const double start = vkc_seconds();
    control c = { .p = p, .m = m, .r = &m->cfg.retention, .ponder = or_default(p->ponder, 5e-4),
                  .prior = or_default(p->prior, 1e-3) };
    *out = (distill_retain_result) { .steps = 0 };
    vkc_status st = distill_retain_check(&m->cfg, p->keep);
    if (st == VKC_OK)
        st = nn_rates_check(&p->recipe.rates, lr_of(p), batch_of(p));
    if (st != VKC_OK)
        return st;
    if (nn_dataset_classes(p->data) != m->cfg.classes)
        return VKC_FAIL(VKC_E_FORMAT, "%s has %u classes, the model %u", nn_dataset_spec(p->data),
                        nn_dataset_classes(p->data), m->cfg.classes);
    if (c.r->policy == NN_POLICY_HALTING)
        st = teach_halting(teacher, m, &c, out);
    else if (c.r->policy != NN_POLICY_TOPK)
        st = VKC_FAIL(VKC_E_ARG, "retain: the model has no token-pruning policy");
    else if (p->epochs)
        st = train(teacher, m, &c, out);
    out->seconds = vkc_seconds() - start;
    return st;
}
