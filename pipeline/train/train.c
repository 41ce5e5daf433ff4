// train.c — a model made, trained, measured and written.
#include "pipeline/train/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"
#include "pipeline/base/data.h"
#include "pipeline/base/judge.h"
#include "pipeline/base/json.h"
#include "pipeline/base/load.h"
#include "pipeline/run/inputs.h"
#include "pipeline/run/output.h"
#include "pipeline/run/save.h"
#include "pipeline/train/tuning.h"

typedef struct training {           // what it is made of, owned
    nn_model_config cfg;
    bool            keep_head;      // the classes are those of init
    pipeline_data   data;           // with the classes of the model
    nn_dataset     *view;
} training;

// The same classes by their names, in whatever order?
static bool has_same_names(const nn_model_config *m, const nn_dataset *data)
{
    const char *const *label = (const char *const *) m->labels;
    nn_class_map map = { .to = NULL };
    if (m->classes != nn_dataset_classes(data) || !nn_labels_are_names(label, m->classes))
        return false;
    const bool fits = nn_class_map_make(&(nn_class_map_params) {
        .data = nn_dataset_spec(data), .folder = nn_dataset_labels(data), .label = label, .n_folders = m->classes,
        .n_classes = m->classes, .how = NN_LABELS_NAME }, &map) == VKC_OK;
    nn_class_map_finish(&map);
    return fits;
}

// Classes of init where the folders have its names, or as labels say; else those of the data, with a new head.
static vkc_status set_classes(const pipeline_context *c, const pipeline_train_params *p, training *t)
{
    const nn_dataset *data = p->data.set;
    nn_model_config *cfg = &t->cfg;
    vkc_status st = VKC_OK;
    t->data = p->data;
    if (p->arch && p->data.labels != NN_LABELS_AUTO)
        return VKC_FAIL(VKC_E_ARG, "train: %slabels goes with %sinit: a new model has the classes of its data",
                        pipeline_dash(c), pipeline_dash(c));
    if (p->arch && !cfg->headless && cfg->classes && cfg->classes != nn_dataset_classes(data))
        return VKC_FAIL(VKC_E_ARG, "%sarch has classes=%u, and %s has %u classes: leave it out", pipeline_dash(c),
                        cfg->classes, nn_dataset_spec(data), nn_dataset_classes(data));
    t->keep_head = p->init && (p->data.labels != NN_LABELS_AUTO || has_same_names(cfg, data));
    if (t->keep_head)
        st = pipeline_data_match(c, &t->data, cfg, p->init, &t->view);
    else
        pipeline_data_tell(c, data);
    if (p->init && !t->keep_head)
        pipeline_say(c, PIPELINE_NOTE, "the classes of %s are others than those of %s: the head starts anew", p->init,
                     nn_dataset_spec(data));
    cfg->scores = NN_SCORES_SOFTMAX;                    // what training by classes makes
    cfg->headless = cfg->outputs_embedding = false;     // what gave features until now gets a classifier of its own
    cfg->projection_dim = t->keep_head ? cfg->projection_dim : 0;
    if (st == VKC_OK && !(t->keep_head && cfg->labels))
        st = nn_model_config_set_labels(cfg, nn_dataset_labels(t->data.set), nn_dataset_classes(t->data.set));
    return st;
}

// Which tokens are kept. A scale that is to be fitted waits for the model (train).
static vkc_status set_pruning(const pipeline_context *c, const pipeline_train_params *p, nn_model_config *cfg)
{
    const pipeline_pruning *r = p->pruning;
    const char *dash = pipeline_dash(c);
    vkc_status st;
    VKC_TRY(pipeline_pruning_check(c, r));
    if (r->policy == NN_POLICY_NONE) {
        cfg->retention = (nn_retention_config) { .policy = NN_POLICY_NONE };
        goto done;
    }
    if (r->policy == NN_POLICY_TOPK && !(p->keep > 0.0))
        return VKC_FAIL(VKC_E_ARG, "%spolicy topk wants %skeep", dash, dash);
    cfg->retention = pipeline_pruning_config(r, cfg);
    if (r->policy == NN_POLICY_TOPK)
        VKC_TRY(nn_retention_topk(cfg, p->keep, NULL, 0, &cfg->retention));
    else if (!r->fixed_gate)
        VKC_TRY(distill_retain_check(cfg, p->keep));
    if (r->policy == NN_POLICY_HALTING && !(cfg->retention.gate_scale > 0.0))
        cfg->retention.gate_scale = 1.0;
done:
    return st;
}

// The config that arch or init, the data set, mean and std give.
static vkc_status make_config(const pipeline_context *c, const pipeline_train_params *p, training *t)
{
    nn_model_config *cfg = &t->cfg;
    vkc_status st = p->arch ? nn_model_config_init(cfg, p->arch) : nn_model_config_load(p->init, cfg);
    if (st == VKC_OK)
        st = nn_model_config_check_pictures(cfg);
    if (st != VKC_OK)
        return st;
    if (p->mean)
        memcpy(cfg->mean, p->mean, sizeof cfg->mean);
    if (p->std)
        memcpy(cfg->std, p->std, sizeof cfg->std);
    st = set_classes(c, p, t);
    if (st == VKC_OK && p->pruning)
        st = set_pruning(c, p, cfg);
    if (st != VKC_OK)
        return st;
    char where[16];
    snprintf(where, sizeof where, "%s%s", pipeline_dash(c), p->arch ? "arch" : "init");
    return nn_model_config_check(cfg, VKC_E_ARG, where);
}

static void finish_training(training *t)
{
    nn_model_config_finish(&t->cfg);
    nn_dataset_destroy(t->view);
}

// Of pixels in 0 .. 1. Past these bounds all pixels are the same number for a network, or none at all.
static vkc_status check_pixels(const pipeline_context *c, const char *name, const double *x, double least, double most)
{
    for (int k = 0; x && k < 3; k++)
        if (!(x[k] >= least && x[k] <= most))
            return VKC_FAIL(VKC_E_ARG, "%s%s is %g, want %g to %g", pipeline_dash(c), name, x[k], least, most);
    return VKC_OK;
}

vkc_status pipeline_train_check(const pipeline_context *c, const pipeline_train_params *p)
{
    training t = { .view = NULL };
    const pipeline_context silent = { .dash = c->dash };
    vkc_status st;
    if (!p->place.out || !p->arch == !p->init)
        return VKC_FAIL(VKC_E_ARG, "train: want an architecture or a model to start from, and a folder to write");
    VKC_TRY(check_pixels(c, "mean", p->mean, -10.0, 10.0));
    VKC_TRY(check_pixels(c, "std", p->std, 1e-3, 1e3));
    VKC_TRY(pipeline_recipe_check(c, "", &p->recipe, p->lr, p->data.batch));
    VKC_TRY(pipeline_check_data(&p->data));
    const char *const read[] = { p->init, nn_dataset_spec(p->data.set) };
    VKC_TRY(pipeline_check_place(c, &p->place, read, 2));
    st = make_config(&silent, p, &t);
done:
    finish_training(&t);
    return st;
}

// The values of `dir` into v, all but the head's when the classes differ.
static vkc_status copy_values(const pipeline_context *c, const char *dir, nn_model *m, bool keep_head)
{
    nn_model *from = NULL;
    float *x = NULL;
    vkc_status st;
    VKC_TRY(pipeline_load_model(c, dir, false, &from));
    for (uint32_t i = 0; i < m->params->n; i++) {
        const nn_param *p = &m->params->p[i];
        uint32_t k;
        if ((!keep_head && strncmp(p->name, "head", 4) == 0) || !nn_params_find(from->params, p->name, &k))
            continue;
        float *grown = (float *) realloc(x, nn_shape_len(&p->shape) * sizeof *x);
        if (!grown) {
            st = VKC_FAIL(VKC_E_NOMEM, "train: out of host memory");
            goto done;
        }
        x = grown;
        VKC_TRY(nn_params_read(from->params, k, x));
        VKC_TRY(nn_params_write(m->params, i, x));
    }
done:
    free(x);
    nn_model_destroy(from);
    return st;
}

// A new model, with random values or those of init.
static vkc_status make_model(const pipeline_context *c, const pipeline_train_params *p, training *t, nn_model **out)
{
    vkc_status st;
    VKC_TRY(make_config(c, p, t));
    VKC_TRY(nn_model_create(c->dev, &t->cfg, true, out));
    VKC_TRY(nn_model_init(*out, p->seed));
    if (p->init)
        st = copy_values(c, p->init, *out, t->keep_head);
done:
    return st;
}

// One number where the three are the same.
static json_t *build_three(const double *x)
{
    return x ? pipeline_number_list_json(x, memcmp(&x[0], &x[1], 2 * sizeof *x) == 0 ? 1 : 3) : NULL;
}

static json_t *build_inputs(const pipeline_train_params *p)
{
    json_t *inputs = json_pack(
        "{s:s, s:s*, s:s*, s:o*, s:o*, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:b, s:i, s:I}", "data",
        nn_dataset_spec(p->data.set), "arch", p->arch, "init", p->init, "mean", build_three(p->mean), "std",
        build_three(p->std), "batch", (int) p->data.batch, "epochs", (int) p->epochs, "lr",
        nn_rates_peak(&p->recipe.rates, p->lr, p->data.batch), "min_lr", p->recipe.rates.min_lr, "warmup",
        p->recipe.rates.warmup, "weight_decay", p->weight_decay, "clip", p->clip, "no_augment", (int) p->plain, "limit",
        (int) p->data.limit, "seed",
        (json_int_t) p->seed);
    if (p->pruning)
        pipeline_pruning_add_inputs(inputs, p->pruning);
    if (p->pruning && p->keep > 0.0)
        nn_json_set_new(inputs, "keep", json_real(p->keep));
    pipeline_recipe_add_inputs(inputs, &p->recipe);
    pipeline_judge_add_inputs(inputs, p->keep_last);
    pipeline_data_add_inputs(inputs, &p->data);
    return inputs;
}

static const nn_eval_result *get_figures(const pipeline_train_result *r)
{
    return r->test.images ? &r->test : &r->val;
}

// By the names that they have in the results of pare retain.
static void add_pruning(json_t *o, const pipeline_train_params *p, const pipeline_train_result *r, const nn_model *m)
{
    nn_json_update_new(o, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "policy", nn_policy_name(m->cfg.retention.policy),
                                    "keep_asked", p->keep > 0.0 ? pipeline_number(p->keep) : json_null(), "keep",
                                    pipeline_number(get_figures(r)->keep), "retention", nn_retention_json(&m->cfg),
                                    "macs", pipeline_number(r->macs), "kept_macs", pipeline_number(r->kept_macs)));
    if (r->halted.steps) {
        nn_json_set_new(o, "trained_keep", pipeline_number(r->halted.trained_keep));
        nn_json_set_new(o, "start_centre", pipeline_number(r->halted.start_centre));
    }
}

static json_t *build_result(const pipeline_train_params *p, const pipeline_train_result *r, const nn_model *m)
{
    const vkc_device_info *i = vkc_device_get_info(m->dev);
    json_t *o = json_pack("{s:I, s:I, s:o, s:o, s:o, s:I, s:o, s:o, s:s, s:s}", "steps",
                     (json_int_t) r->train.steps, "images", (json_int_t) r->train.images, "train_loss",
                     pipeline_number(r->train.loss), "seconds", pipeline_number(r->train.seconds), "host_share",
                     pipeline_number(r->train.host_share), "params", (json_int_t) nn_params_count(m->params), "val",
                     pipeline_eval_json(&r->val), "test", pipeline_eval_json(&r->test), "device", i->name, "driver",
                     i->driver);
    pipeline_best_add(o, &r->train.best);
    if (m->cfg.retention.policy != NN_POLICY_NONE)
        add_pruning(o, p, r, m);
    return o;
}

// What a gate would do, before anything is written. The scale that waited for the model is to be fitted from here on.
static vkc_status check_gate(const pipeline_context *c, const pipeline_train_params *p, const pipeline_data *data,
                             nn_model *m)
{
    distill_retain_params h = { .keep = p->keep, .data = data->set, .threads = data->threads,
                                .resume = p->place.resume, .progress = c->progress, .user = c->user };
    if (!p->pruning || p->pruning->policy != NN_POLICY_HALTING)
        return VKC_OK;
    pipeline_pruning_fill(p->pruning, &h);
    m->cfg.retention.gate_scale = pipeline_pruning_config(p->pruning, &m->cfg).gate_scale;
    return distill_retain_check_gate(m, &h);
}

static vkc_status train_model(nn_model *m, const pipeline_train_params *p, const nn_train_params *t,
                              pipeline_train_result *r)
{
    distill_retain_params h = { .keep = p->keep };
    if (!p->pruning || p->pruning->policy != NN_POLICY_HALTING)
        return nn_train(m, t, &r->train);
    pipeline_pruning_fill(p->pruning, &h);
    return distill_train_halting(m, t, &h, &r->train, &r->halted);
}

static void measure_macs(const pipeline_context *c, const pipeline_train_params *p, const pipeline_data *d,
                         const nn_model *m, pipeline_train_result *r)
{
    const nn_eval_result *e = get_figures(r);
    if (m->cfg.retention.policy == NN_POLICY_NONE || !e->images)
        return;
    r->macs = (double) nn_model_macs(m, m->cfg.depth);
    r->kept_macs = nn_model_kept_macs(m, e->keep_layer);
    if (p->pruning)
        pipeline_pruning_tell(c, p->pruning, &m->cfg, p->keep, e, pipeline_final_split(d->set));
}

static vkc_status train(const pipeline_context *c, const pipeline_train_params *p, const pipeline_data *data,
                        nn_model *m, const pipeline_run *run, pipeline_train_result *r)
{
    nn_train_params t = {
        .data = data->set, .batch = p->data.batch, .epochs = p->epochs, .lr = p->lr,
        .weight_decay = pipeline_or_none(p->weight_decay), .recipe = pipeline_recipe_of(&p->recipe),
        .clip = pipeline_or_none(p->clip), .seed = p->seed, .threads = p->data.threads, .plain = p->plain,
        .check_finite = pipeline_is_checked(&p->data, true), .run_dir = run->dir, .resume = run->is_resumed,
        .max_steps = p->max_steps, .progress = c->progress, .user = c->user,
    };
    t.recipe.smoothing = pipeline_or_none(p->recipe.smoothing);
    pipeline_judge judge;
    t.judge = pipeline_judge_make(&judge, c, m, data, p->keep_last);
    vkc_status st = train_model(m, p, &t, r);
    pipeline_judge_finish(&judge);
    vkc_failure failure;                // naming pictures that cannot be read leaves sentences of its own
    vkc_failure_keep(&failure);
    pipeline_name_bad(c, p->data.set, NN_SPLIT_TRAIN, r->train.bad);
    if (st != VKC_OK)
        return vkc_failure_again(st, &failure);
    VKC_TRY(pipeline_measure(c, m, data, NN_SPLIT_VAL, &r->val));
    VKC_TRY(pipeline_measure(c, m, data, NN_SPLIT_TEST, &r->test));
    measure_macs(c, p, data, m, r);
done:
    return st;
}

// A sentence for the card.
static void print_tokens(const nn_retention_config *c, const pipeline_train_result *r, char *text, size_t size)
{
    int n = snprintf(text, size, "Tokens are dropped by the policy %s", nn_policy_name(c->policy));
    if (c->policy == NN_POLICY_HALTING)
        n += snprintf(text + n, size - (size_t) n, ", with the gate sigma(%g x - %g)", c->gate_scale, c->gate_centre);
    snprintf(text + n, size - (size_t) n, ": %.1f %% of the patches are kept, mean over blocks; %.4g M multiply-adds a "
             "picture, with all tokens %.4g M.\n", 100.0 * get_figures(r)->keep, 1e-6 * r->kept_macs, 1e-6 * r->macs);
}

static vkc_status save(const pipeline_train_params *p, pipeline_run *run, const nn_model *m, pipeline_train_result *r)
{
    char more[PIPELINE_RECIPE_TEXT + 640];
    pipeline_recipe_text(&p->recipe, more, sizeof more);
    pipeline_best_text(&r->train.best, more + strlen(more), sizeof more - strlen(more));
    if (r->macs > 0)
        print_tokens(&m->cfg.retention, r, more + strlen(more), sizeof more - strlen(more));
    r->json = build_result(p, r, m);
    return pipeline_run_save(run, &(pipeline_saved) {
        .model = m, .out = p->place.out, .data = p->data.set, .result = r->json,
        .seconds = r->train.seconds, .keep_seconds = true, .val = &r->val, .test = &r->test,
        .more = *more ? more : NULL });
}

vkc_status pipeline_train(const pipeline_context *c, const pipeline_train_params *p, pipeline_train_result *out)
{
    nn_model *m = NULL;
    training t = { .view = NULL };
    pipeline_run run = { .info = NULL };
    vkc_status st;
    *out = (pipeline_train_result) { .json = NULL };
    VKC_TRY(pipeline_train_check(c, p));
    pipeline_recipe_tell(c, &p->recipe);
    VKC_TRY(make_model(c, p, &t, &m));
    VKC_TRY(check_gate(c, p, &t.data, m));
    VKC_TRY(pipeline_run_open(&run, c, &p->place, p->seed,
                              pipeline_inputs_with_model(pipeline_inputs_with_data(build_inputs(p), p->data.set),
                                                         "init_weights", p->init)));
    VKC_TRY(train(c, p, &t.data, m, &run, out));
    st = save(p, &run, m, out);
done:
    pipeline_run_end(&run, c, st);
    pipeline_run_close(&run);
    nn_model_destroy(m);
    finish_training(&t);
    return st;
}

void pipeline_train_finish(pipeline_train_result *r)
{
    json_decref(r->json);
    r->json = NULL;
}
