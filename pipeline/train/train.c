// train.c — a model made, trained, measured and written.
#include "pipeline/train/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/json.h"
#include "pipeline/base/load.h"
#include "pipeline/run/output.h"
#include "pipeline/run/save.h"
#include "pipeline/train/tuning.h"

static bool has_labels(const nn_model_config *c, const nn_dataset *data)
{
    if (!c->labels || c->classes != nn_dataset_classes(data))
        return false;
    for (uint32_t i = 0; i < c->classes; i++)
        if (strcmp(c->labels[i], nn_dataset_labels(data)[i]) != 0)
            return false;
    return true;
}

// The config that arch or init, the data set, mean and std give. *keep_head: the classes are those of init.
static vkc_status make_config(const pipeline_context *c, const pipeline_train_params *p, nn_model_config *cfg,
                              bool *keep_head)
{
    const nn_dataset *data = p->data.set;
    vkc_status st = p->arch ? nn_model_config_init(cfg, p->arch) : nn_model_config_load(p->init, cfg);
    if (st == VKC_OK)
        st = nn_model_config_check_pictures(cfg);
    if (st != VKC_OK)
        return st;
    if (p->mean)
        memcpy(cfg->mean, p->mean, sizeof cfg->mean);
    if (p->std)
        memcpy(cfg->std, p->std, sizeof cfg->std);
    *keep_head = p->init && has_labels(cfg, data);
    if (p->init && !*keep_head)
        pipeline_say(c, PIPELINE_NOTE, "the classes of %s are others than those of %s: the head starts anew", p->init,
                     nn_dataset_spec(data));
    cfg->scores = NN_SCORES_SOFTMAX;                    // what training by classes makes
    cfg->headless = cfg->outputs_embedding = false;     // what gave features until now gets a classifier of its own
    cfg->projection_dim = *keep_head ? cfg->projection_dim : 0;
    st = nn_model_config_set_labels(cfg, nn_dataset_labels(data), nn_dataset_classes(data));
    if (st != VKC_OK)
        return st;
    char where[16];
    snprintf(where, sizeof where, "%s%s", pipeline_dash(c), p->arch ? "arch" : "init");
    return nn_model_config_check(cfg, VKC_E_ARG, where);
}

vkc_status pipeline_train_check(const pipeline_context *c, const pipeline_train_params *p)
{
    nn_model_config cfg = { 0 };
    bool keep_head;
    const pipeline_context silent = { .dash = c->dash };
    vkc_status st;
    if (!p->place.out || !p->arch == !p->init)
        return VKC_FAIL(VKC_E_ARG, "train: want an architecture or a model to start from, and a folder to write");
    if (!p->place.resume)
        VKC_TRY(pipeline_check_output(c, p->place.out, p->place.force));
    VKC_TRY(pipeline_check_data(&p->data));
    st = make_config(&silent, p, &cfg, &keep_head);
done:
    nn_model_config_finish(&cfg);
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
static vkc_status make_model(const pipeline_context *c, const pipeline_train_params *p, nn_model **out)
{
    nn_model_config cfg = { 0 };
    bool keep_head;
    vkc_status st;
    VKC_TRY(make_config(c, p, &cfg, &keep_head));
    VKC_TRY(nn_model_create(c->dev, &cfg, true, out));
    VKC_TRY(nn_model_init(*out, p->seed));
    if (p->init)
        st = copy_values(c, p->init, *out, keep_head);
done:
    nn_model_config_finish(&cfg);
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
        "{s:s, s:s*, s:s*, s:o*, s:o*, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:b, s:I}", "data",
        nn_dataset_spec(p->data.set), "arch", p->arch, "init", p->init, "mean", build_three(p->mean), "std",
        build_three(p->std), "batch", (int) p->data.batch, "epochs", (int) p->epochs, "lr", p->lr, "min_lr", p->min_lr,
        "warmup", p->warmup, "weight_decay", p->weight_decay, "clip", p->clip, "no_augment", (int) p->plain, "seed",
        (json_int_t) p->seed);
    pipeline_recipe_add_inputs(inputs, &p->recipe);
    return inputs;
}

static json_t *build_result(const pipeline_train_result *r, const nn_model *m)
{
    const vkc_device_info *i = vkc_device_get_info(m->dev);
    return json_pack("{s:I, s:I, s:o, s:o, s:o, s:I, s:o, s:o, s:s, s:s}", "steps",
                     (json_int_t) r->train.steps, "images", (json_int_t) r->train.images, "train_loss",
                     pipeline_number(r->train.loss), "seconds", pipeline_number(r->train.seconds), "host_share",
                     pipeline_number(r->train.host_share), "params", (json_int_t) nn_params_count(m->params), "val",
                     pipeline_eval_json(&r->val), "test", pipeline_eval_json(&r->test), "device", i->name, "driver",
                     i->driver);
}

static vkc_status train(const pipeline_context *c, const pipeline_train_params *p, nn_model *m, const pipeline_run *run,
                        pipeline_train_result *r)
{
    nn_train_params t = {
        .data = p->data.set, .batch = p->data.batch, .epochs = p->epochs, .lr = p->lr, .min_lr = p->min_lr,
        .warmup = pipeline_or_none(p->warmup), .weight_decay = pipeline_or_none(p->weight_decay), .recipe = p->recipe,
        .clip = pipeline_or_none(p->clip), .seed = p->seed, .threads = p->data.threads, .plain = p->plain,
        .check_finite = pipeline_is_checked(&p->data, true), .run_dir = run->dir, .resume = run->is_resumed,
        .max_steps = p->max_steps, .progress = c->progress, .user = c->user,
    };
    t.recipe.smoothing = pipeline_or_none(p->recipe.smoothing);
    vkc_status st = nn_train(m, &t, &r->train);
    vkc_failure failure;                // naming pictures that cannot be read leaves sentences of its own
    vkc_failure_keep(&failure);
    pipeline_name_bad(c, p->data.set, NN_SPLIT_TRAIN, r->train.bad);
    if (st != VKC_OK)
        return vkc_failure_again(st, &failure);
    VKC_TRY(pipeline_measure(c, m, &p->data, NN_SPLIT_VAL, &r->val));
    st = pipeline_measure(c, m, &p->data, NN_SPLIT_TEST, &r->test);
done:
    return st;
}

static vkc_status save(const pipeline_train_params *p, pipeline_run *run, const nn_model *m, pipeline_train_result *r)
{
    char recipe[200];
    pipeline_recipe_text(&p->recipe, recipe, sizeof recipe);
    r->json = build_result(r, m);
    return pipeline_run_save(run, &(pipeline_saved) {
        .model = m, .out = p->place.out, .data = nn_dataset_spec(p->data.set), .result = r->json,
        .seconds = r->train.seconds, .keep_seconds = true, .val = &r->val, .test = &r->test,
        .more = *recipe ? recipe : NULL });
}

vkc_status pipeline_train(const pipeline_context *c, const pipeline_train_params *p, pipeline_train_result *out)
{
    nn_model *m = NULL;
    pipeline_run run = { .info = NULL };
    vkc_status st;
    *out = (pipeline_train_result) { .json = NULL };
    VKC_TRY(pipeline_train_check(c, p));
    VKC_TRY(make_model(c, p, &m));
    VKC_TRY(pipeline_run_open(&run, c, &p->place, p->seed, build_inputs(p)));
    VKC_TRY(train(c, p, m, &run, out));
    st = save(p, &run, m, out);
done:
    pipeline_run_end(&run, c, st);
    pipeline_run_close(&run);
    nn_model_destroy(m);
    return st;
}

void pipeline_train_finish(pipeline_train_result *r)
{
    json_decref(r->json);
    r->json = NULL;
}
