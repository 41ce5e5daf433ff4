// tune.c — end-to-end training of a student with a teacher: which parameters are trained, the losses, the loop.
#include "distill/transfer/tune.h"

#include "distill/transfer/distance.h"
#include "distill/transfer/tune_centre.h"
#include "distill/transfer/tune_halting.h"
#include "nn/models/picture_loader.h"
#include "nn/graph/finite.h"
#include "nn/train/fit.h"
#include "nn/train/fit_work.h"
#include "nn/base/names.h"
#include "shaders/loss/kl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const trained_names[] = { "mixers", "attn", "fc", "fc+head", "blocks", "all" };

// Of a layer: the mixer; the projection and its scale; the MLP; the rest of the block. Of the model: its classifier.
enum { MIXER = 1, PROJECTION = 2, MLP = 4, BLOCK = 8, HEAD = 16 };
static const unsigned trained_parts[DISTILL_N_TRAINED] = {
    [DISTILL_TRAIN_MIXERS] = MIXER, [DISTILL_TRAIN_ATTN] = MIXER | PROJECTION, [DISTILL_TRAIN_FC] = MLP,
    [DISTILL_TRAIN_FC_HEAD] = MLP | HEAD, [DISTILL_TRAIN_BLOCKS] = MIXER | PROJECTION | MLP | BLOCK,
};

const char *distill_trained_name(distill_trained t)
{
    return trained_names[t];
}

vkc_status distill_trained_get(const char *name, distill_trained *out)
{
    uint32_t i;
    const vkc_status st = nn_name_get("part of the model to train called", name, trained_names, DISTILL_N_TRAINED, &i);
    if (st == VKC_OK)
        *out = (distill_trained) i;
    return st;
}

// Parameters with defaults worked out, and what the graph is given to minimise.
typedef struct tuning {
    const distill_tune_params *p;
    const nn_model *teacher;          // NULL = it need not run
    const nn_model *any_teacher;      // the same, whether it runs or not
    nn_model *student;
    distill_centre_target target;   // for the student's gate; read when it is needed first
    double    similarity, ce, kl;   // weights, 0 = none
    distill_distances d;
    distill_halting   halting;
    uint32_t  ce_at, kl_at, d_at, units_at, n_units, halting_at, n;    // places among the watched scalars;
                                                                       // UINT32_MAX = none
    nn_tensor *watch[NN_MAX_LOSSES];
    float     weight[NN_MAX_LOSSES];
    char      name[NN_MAX_LOSSES][40];      // for the log
    const char *term[NN_MAX_LOSSES];        // the same
    nn_recipe_inputs recipe;
} tuning;

static double or_default(double value, double fallback)
{
    return value < 0 ? 0 : value > 0 ? value : fallback;
}

static bool is_early(const distill_tune_params *p)      // the first of the two usual stages
{
    return p->trained == DISTILL_TRAIN_MIXERS || p->trained == DISTILL_TRAIN_ATTN;
}

static uint32_t batch_of(const distill_tune_params *p)
{
    return p->batch ? p->batch : 64;
}

static double lr_of(const distill_tune_params *p)       // unless it follows from the batch
{
    return p->lr > 0 ? p->lr : is_early(p) ? 1e-3 : 2e-4;
}

double distill_tune_lr(const distill_tune_params *p)
{
    return nn_rates_peak(&p->recipe.rates, lr_of(p), batch_of(p));
}

// Is layer l one that is tuned? Without a teacher to differ from: one that nothing would replace any more.
static bool is_replaced(const nn_model *teacher, const nn_model *student, uint32_t l)
{
    return teacher ? distill_layer_differs(teacher, student, l)
                   : !student->block[l].mixer->is_replaceable;
}

static uint32_t count_replaced(const nn_model *teacher, const nn_model *student)
{
    uint32_t n = 0;
    for (uint32_t l = 0; l < student->cfg.depth; l++)
        n += is_replaced(teacher, student, l);
    return n;
}

static void unfreeze(nn_model *m)
{
    for (uint32_t i = 0; i < m->params->n; i++)
        m->params->p[i].frozen = false;
}

static bool is_head(const nn_param *p)
{
    return strncmp(p->name, "head.", 5) == 0 || strncmp(p->name, "head_dist.", 10) == 0;
}

static bool has_head(const nn_model *m)
{
    for (uint32_t i = 0; i < m->params->n; i++)
        if (is_head(&m->params->p[i]))
            return true;
    return false;
}

// Of a layer that is tuned.
static void freeze_layer(nn_model *m, uint32_t l, unsigned parts)
{
    nn_param *p = m->params->p;
    const nn_block *b = &m->block[l];
    const struct { uint32_t param; unsigned part; } rest[] = {
        { b->proj_w, PROJECTION }, { b->proj_b, PROJECTION }, { b->norm1_w, BLOCK }, { b->norm1_b, BLOCK },
        { b->norm2_w, BLOCK },     { b->norm2_b, BLOCK },     { b->fc1_w, MLP },     { b->fc1_b, MLP },
        { b->fc2_w, MLP },         { b->fc2_b, MLP },
    };
    for (uint32_t i = 0; i < b->n_mixer_p; i++)
        p[b->mixer_p[i]].frozen = !(parts & MIXER);
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        p[rest[i].param].frozen = !(parts & rest[i].part);
    if (m->cfg.layer_scale) {
        p[b->ls1].frozen = !(parts & PROJECTION);
        p[b->ls2].frozen = !(parts & BLOCK);
    }
    if (m->cfg.mlp_norm)
        p[b->mlp_norm_w].frozen = p[b->mlp_norm_b].frozen = !(parts & MLP);
}

// Freeze all that is not trained.
static void freeze(const nn_model *teacher, nn_model *m, distill_trained trained)
{
    const unsigned parts = trained_parts[trained];
    if (trained == DISTILL_TRAIN_ALL)
        return;
    for (uint32_t i = 0; i < m->params->n; i++)
        m->params->p[i].frozen = !(parts & HEAD && is_head(&m->params->p[i]));
    for (uint32_t l = 0; l < m->cfg.depth; l++)
        if (is_replaced(teacher, m, l))
            freeze_layer(m, l, parts);
}

static vkc_status check(tuning *w, const nn_model *teacher, const nn_model *student)
{
    const distill_tune_params *p = w->p;
    const uint32_t replaced = count_replaced(teacher, student);
    vkc_status st = nn_recipe_check(&p->recipe);
    if (st == VKC_OK)
        st = nn_rates_check(&p->recipe.rates, lr_of(p), batch_of(p));
    if (st != VKC_OK)
        return st;
    if (nn_dataset_classes(p->data) != student->cfg.classes)
        return VKC_FAIL(VKC_E_FORMAT, "%s has %u classes, the model %u", nn_dataset_spec(p->data),
                        nn_dataset_classes(p->data), student->cfg.classes);
    if (p->trained != DISTILL_TRAIN_ALL && replaced == 0)
        return VKC_FAIL(VKC_E_ARG, "nothing to train: %s", teacher ? "no layer differs from the teacher's"
                                                                   : "attention is in every layer");
    if (p->trained == DISTILL_TRAIN_FC_HEAD && !has_head(student))
        return VKC_FAIL(VKC_E_ARG, "nothing to train by fc+head: the model has no classifier");
    if (p->centre && (!teacher || teacher->cfg.retention.policy != NN_POLICY_HALTING ||
                      student->cfg.retention.policy != NN_POLICY_HALTING))
        return VKC_FAIL(VKC_E_ARG, "tune: the gate's centre wants a teacher and a student that halt tokens");
    if (!teacher && (p->similarity > 0 || p->kl > 0))
        return VKC_FAIL(VKC_E_ARG, "tune: similarity and divergence want a teacher");
    if (p->similarity > 0 && replaced == 0)
        return VKC_FAIL(VKC_E_ARG, "tune: no layer differs from the teacher's, so there is nothing to compare");
    if (p->temperature < 0)
        return VKC_FAIL(VKC_E_ARG, "tune: a temperature of %g, want more than 0", p->temperature);
    w->similarity = or_default(p->similarity, is_early(p) && teacher && replaced ? 1 : 0);
    w->ce = or_default(p->ce, 1);
    w->kl = or_default(p->kl, 0);
    if (teacher)
        st = distill_check_shapes(teacher, student);
    if (st == VKC_OK && w->kl > 0 && teacher->cfg.classes != student->cfg.classes)
        return VKC_FAIL(VKC_E_FORMAT, "the teacher has %u classes, the student %u", teacher->cfg.classes,
                        student->cfg.classes);
    const bool imitates = teacher && teacher->cfg.retention.policy == NN_POLICY_HALTING && p->halting >= 0;
    if (st == VKC_OK && teacher && (w->similarity > 0 || w->kl > 0 || imitates)) {
        w->teacher = teacher;
        st = distill_halting_check(teacher, student, p);
    }
    if (st == VKC_OK && !(w->similarity > 0 || w->ce > 0 || w->kl > 0 || p->units > 0 || imitates))
        st = VKC_FAIL(VKC_E_ARG, "tune: nothing to minimise, all weights of losses are 0");
    return st;
}

// A scalar to watch that counts so much in the loss, and what it is, of a layer (UINT32_MAX: of none); returns its
// place.
static uint32_t watch(tuning *w, nn_graph *g, nn_tensor *t, double weight, const char *what, uint32_t layer)
{
    if (w->n == NN_MAX_LOSSES) {
        nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "tune: more than %d figures to watch", NN_MAX_LOSSES));
        return 0;
    }
    w->watch[w->n] = t;
    w->weight[w->n] = (float) weight;
    if (layer == UINT32_MAX)
        snprintf(w->name[w->n], sizeof w->name[0], "%s", what);
    else
        snprintf(w->name[w->n], sizeof w->name[0], "%s, layer %u", what, layer);
    w->term[w->n] = w->name[w->n];
    return w->n++;
}

static void compare_layers(tuning *w, nn_graph *g, const nn_model *student, const nn_model_taps *t,
                           const nn_model_taps *s)
{
    nn_tensor *list[2 * NN_MAX_DEPTH];
    distill_distances_start(&w->d, w->p->target, w->p->distance);
    for (uint32_t l = 0; l < student->cfg.depth; l++)
        if (is_replaced(w->teacher, student, l))
            nn_graph_add_loss(g, distill_distances_add(&w->d, g, l, s->heads[l], s->attn[l], t), (float) w->similarity);
    const uint32_t n = distill_distances_watch(&w->d, list);
    w->d_at = w->n;
    for (uint32_t i = 0; i < n; i++)
        if (i < w->d.n)
            watch(w, g, list[i], w->similarity, "similarity", w->d.layer[i]);
        else
            watch(w, g, list[i], 0, "teacher squared", w->d.layer[i - w->d.n]);
}

// The group Hoyer-square penalty of every layer that has hidden units.
static void gather_units(tuning *w, nn_graph *g, const nn_model *student, const nn_model_taps *s)
{
    w->units_at = w->n;
    for (uint32_t l = 0; l < student->cfg.depth; l++) {
        const nn_mixer_taps *m = &s->mixer[l];
        if (!m->unit_x)
            continue;
        nn_tensor *loss = NN_APPLY0(g, hoyer_square, NULL, m->unit_x, m->unit_h);
        nn_graph_add_loss(g, loss, (float) w->p->units);
        watch(w, g, loss, w->p->units, "units", l);
    }
    w->n_units = w->n - w->units_at;
}

static void build(tuning *w, nn_fit_work *f, const nn_model *student)
{
    const distill_tune_params *p = w->p;
    nn_graph *g = f->graph;
    nn_model_taps t = { 0 }, s = { 0 };
    nn_tensor *wanted = NULL;
    w->ce_at = w->kl_at = w->d_at = w->units_at = w->halting_at = UINT32_MAX;
    s.drop = w->recipe.drop;
    if (w->teacher) {
        wanted = nn_model_forward(g, w->teacher, &f->batch, f->input, false, &t);
        distill_halting_start(&t, &s);
    }
    nn_tensor *logits = nn_model_forward(g, student, &f->batch, f->input, true, &s);
    if (p->check_finite) {
        nn_model_watch(g, student, &s);
        nn_finite_watch(g, logits, "the classifier's output");
    }
    if (w->ce > 0) {
        nn_tensor *loss = nn_recipe_loss(g, &w->recipe, logits, nn_fit_work_input(f, "labels"));
        nn_graph_add_loss(g, loss, (float) w->ce);
        w->ce_at = watch(w, g, loss, w->ce, "ce", UINT32_MAX);
    }
    if (w->kl > 0) {
        const struct kl_attr soft = { .temperature = (float) or_default(p->temperature, 1) };
        nn_tensor *loss = NN_APPLY(g, kl, &soft, NULL, logits, wanted);
        nn_graph_add_loss(g, loss, (float) w->kl);
        w->kl_at = watch(w, g, loss, w->kl, "kl", UINT32_MAX);
    }
    if (w->similarity > 0)
        compare_layers(w, g, student, &t, &s);
    if (p->units > 0)
        gather_units(w, g, student, &s);
    if (w->teacher) {
        distill_halting_add(&w->halting, g, p, w->teacher, &t, &s);
        w->halting_at = w->n;
        for (uint32_t i = 0; i < w->halting.n; i++)
            watch(w, g, w->halting.watch[i], (double) w->halting.weight[i], "halting", i);
    }
}

static vkc_status calibrate(tuning *w, double *keep)
{
    vkc_status st = VKC_OK;
    if (w->target.pictures.n == 0)
        st = distill_centre_target_init(&w->target, w->any_teacher, w->student, w->p);
    return st == VKC_OK ? distill_centre_move(&w->target, w->student, w->p, keep) : st;
}

// The student as it would be written now: with its gate calibrated, where that is asked for. nn_judge_fn.
static vkc_status judge(void *user, uint64_t epoch, nn_score *out)
{
    tuning *w = (tuning *) user;
    const distill_tune_params *p = w->p;
    nn_retention_config *r = &w->student->cfg.retention;
    const double centre = r->gate_centre;
    double keep;
    vkc_status st = p->centre ? calibrate(w, &keep) : VKC_OK;
    if (st == VKC_OK)
        st = p->judge.fn(p->judge.user, epoch, out);
    r->gate_centre = centre;
    return st;
}

static vkc_status train(tuning *w, nn_model *student, distill_tune_result *out)
{
    vkc_status st;
    const distill_tune_params *p = w->p;
    nn_fit_work f = { .loader = NULL };
    nn_fit_result r = { .steps = 0 };
    const uint32_t epochs = p->epochs ? p->epochs : 1;
    nn_loader_params lp =
        nn_loader_params_to_train(&student->cfg, p->data, batch_of(p), p->seed, p->threads, p->plain);
    nn_loader_params_augment(&lp, &p->recipe.augment);
    VKC_TRY(nn_fit_work_init_pictures(&f, student->dev, &student->cfg, &lp));
    VKC_TRY(nn_fit_work_add_recipe(&f, &p->recipe, p->seed, &student->cfg, &w->recipe));
    build(w, &f, student);
    VKC_TRY(nn_stepper_create(&(nn_stepper_params) {
        .dev = student->dev, .graph = f.graph, .params = student->params, .batch = &f.batch, .inputs = f.input,
        .n_inputs = f.n_inputs, .watch = w->watch, .n_watch = w->n,
        .adamw = { .weight_decay = p->weight_decay, .max_norm = or_default(p->clip, 1), .ema = p->recipe.ema },
    }, &f.stepper));
    const uint64_t total = (uint64_t) epochs * f.feed.batches;
    st = nn_fit(&(nn_fit_params) {
        .stepper = f.stepper, .feed = &f.feed, .epochs = epochs, .n_watch = w->n, .term = w->term,
        .weight = w->weight,
        .what = p->what ? p->what : "tune", .max_steps = p->max_steps,
        .schedule = nn_rates_schedule(&p->recipe.rates, lr_of(p), batch_of(p), epochs, f.feed.batches, total / 10),
        .judge = { p->judge.fn ? judge : NULL, w }, .run_dir = p->run_dir, .resume = p->resume,
        .progress = p->progress, .user = p->user,
    }, &r);
    out->best = r.best;
    out->steps = r.steps;
    out->seconds = r.seconds;
    out->loss = r.loss;
    if (w->ce_at != UINT32_MAX)
        out->ce = r.watch[w->ce_at];
    if (w->kl_at != UINT32_MAX)
        out->kl = r.watch[w->kl_at];
    out->units = w->n_units ? 0 : out->units;
    for (uint32_t i = 0; i < w->n_units; i++)
        out->units += r.watch[w->units_at + i];
    if (w->halting_at != UINT32_MAX)
        out->halting = distill_halting_get(&w->halting, r.watch + w->halting_at);
    if (w->d_at != UINT32_MAX)
        distill_distances_get(&w->d, r.watch + w->d_at, out->distance);
done:
    nn_fit_work_finish(&f);
    return st;
}

vkc_status distill_tune_check(const nn_model *teacher, const nn_model *student, const distill_tune_params *p)
{
    tuning w = { .p = p };
    return check(&w, teacher, student);
}

vkc_status distill_tune(const nn_model *teacher, nn_model *student, const distill_tune_params *p,
                        distill_tune_result *out)
{
    tuning w = { .p = p, .any_teacher = teacher, .student = student };
    const double none = (double) NAN;
    *out = (distill_tune_result) { .loss = none, .ce = none, .kl = none, .units = none, .halting = none,
                                   .teacher_keep = none, .keep = none };
    distill_distances_get(&w.d, NULL, out->distance);
    vkc_status st = check(&w, teacher, student);
    if (st == VKC_OK) {
        freeze(teacher, student, p->trained);
        st = train(&w, student, out);
        unfreeze(student);
    }
    if (st == VKC_OK && p->centre) {
        st = calibrate(&w, &out->keep);
        out->teacher_keep = w.target.keep;
    }
    distill_centre_target_finish(&w.target);
    return st;
}
