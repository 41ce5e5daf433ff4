// cmd_train.c — pare train: a vision transformer from scratch or from another model.
#include "apps/cli/core/card.h"
#include "apps/cli/core/run.h"
#include "apps/cli/commands/train_setup.h"
#include "nn/train/train.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct outcome {
    nn_train_result train;
    nn_eval_result  val, test;
} outcome;

static json_t *build_result(const outcome *o, const nn_model *v)
{
    const vkc_device_info *i = vkc_device_get_info(v->dev);
    return json_pack("{s:I, s:I, s:o, s:o, s:o, s:I, s:o, s:o, s:s, s:s}", "steps",
                     (json_int_t) o->train.steps, "images", (json_int_t) o->train.images, "train_loss",
                     app_number(o->train.loss), "seconds", app_number(o->train.seconds), "host_share",
                     app_number(o->train.host_share), "params", (json_int_t) nn_params_count(v->params), "val",
                     measure_json(&o->val), "test", measure_json(&o->test), "device", i->name, "driver", i->driver);
}

static vkc_status save(const train_args *a, const nn_model *v, run_folder *r, const outcome *o, json_t *result)
{
    nn_model_config cfg = { 0 };
    char *text = NULL;
    json_t *provenance = json_object_get(r->info, "provenance");
    vkc_status st;
    VKC_TRY(run_make_config(r, &v->cfg, result, &cfg));
    if (cfg.provenance)
        json_object_set_new(cfg.provenance, "seconds", app_number(o->train.seconds));
    char recipe[200];
    recipe_print(&a->recipe, recipe, sizeof recipe);
    text = card_build(&(card) { .cfg = &cfg, .dir = a->out, .data = a->d.data, .more = *recipe ? recipe : NULL,
                                .params = nn_params_count(v->params), .provenance = provenance,
                                .seconds = o->train.seconds, .val = &o->val, .test = &o->test });
    VKC_TRY(app_save_model(v, &cfg, a->out, text));
    st = run_finish(r, json_incref(result));
done:
    free(text);
    nn_model_config_finish(&cfg);
    return st;
}

static vkc_status train(const train_args *a, nn_model *v, const nn_dataset *data, run_folder *r)
{
    outcome o = { .train = { .steps = 0 } };
    nn_train_params p = {
        .data = data, .batch = a->d.batch, .epochs = a->epochs, .lr = a->lr, .min_lr = a->min_lr,
        .warmup = app_or_none(a->warmup), .weight_decay = app_or_none(a->weight_decay), .recipe = a->recipe,
        .clip = app_or_none(a->clip), .seed = a->common.seed, .threads = a->d.threads, .plain = a->no_augment,
        .check_finite = measure_is_checked(&a->d, true), .run_dir = r->dir, .resume = r->is_resumed,
        .max_steps = a->max_steps, .progress = console_progress,
    };
    p.recipe.smoothing = app_or_none(a->recipe.smoothing);
    console_catch_signals();
    vkc_status st = nn_train(v, &p, &o.train);
    vkc_failure failure;                // naming pictures that cannot be read leaves sentences of its own
    vkc_failure_keep(&failure);
    measure_name_bad(data, NN_SPLIT_TRAIN, o.train.bad);
    if (st != VKC_OK)
        vkc_failure_again(st, &failure);
    if (st == VKC_OK)
        st = measure_split(v, data, NN_SPLIT_VAL, &a->d, &o.val);
    if (st == VKC_OK)
        st = measure_split(v, data, NN_SPLIT_TEST, &a->d, &o.test);
    if (st == VKC_E_STOPPED)
        run_say_stopped(r);
    if (st == VKC_E_CHECK)
        run_say_failed(r);
    if (st != VKC_OK)
        return st;
    json_t *result = build_result(&o, v);
    st = save(a, v, r, &o, result);
    console_clear();
    if (st == VKC_OK && !a->common.json) {
        printf("train    loss %.4f, %llu steps in %.0f s", o.train.loss,
               (unsigned long long) o.train.steps, o.train.seconds);
        if (o.train.bad > 0)
            printf(", %u broken pictures skipped", o.train.bad);
        putchar('\n');
        measure_print(stdout, "val", &o.val);
        measure_print(stdout, "test", &o.test);
        printf("model    %s\n", a->out);
    } else if (st == VKC_OK) {
        return app_print_json(result);
    }
    json_decref(result);
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    (void) words;
    const train_args *a = options;
    nn_dataset *data = NULL;
    nn_model_config cfg = { 0 };
    vkc_device *dev = NULL;
    nn_model *v = NULL;
    run_folder r = { .info = NULL };
    bool keep_head = false;
    vkc_status st;
    if (!a->out || !a->arch == !a->init)
        return VKC_FAIL(VKC_E_ARG, "usage: pare train --data D (--arch A | --init M) -o M");
    if (!a->resume)
        VKC_TRY(app_check_output(a->out, a->force));
    VKC_TRY(measure_open_data(&a->d, &data));
    VKC_TRY(train_make_config(a, data, &cfg, &keep_head));
    VKC_TRY(app_open(&a->common, &dev));
    VKC_TRY(train_make_model(a, dev, &cfg, keep_head, &v));
    VKC_TRY(run_open(&r, &(run_params) { &a->common, dev, a->run, a->out, train_inputs(a), a->resume, a->force }));
    if (a->resume && !r.is_resumed)
        VKC_TRY(app_check_output(a->out, a->force));
    st = train(a, v, data, &r);
done:
    run_close(&r);
    nn_model_destroy(v);
    app_close(dev);
    nn_model_config_finish(&cfg);
    nn_dataset_destroy(data);
    return st;
}

#define AT(member) offsetof(train_args, member)
static const arg table[] = {
    DATA_ROW(train_args),
    { "arch", 'a', ARG_TEXT, AT(arch), 0, 0, "A",
      "vit:image=64,patch=8,dim=96,depth=6,heads=3[,mixer=linear][,mlp=4][,channels=3]" },
    { "init", 0, ARG_TEXT, AT(init), 0, 0, "M", "start from this model instead" },
    { "out", 'o', ARG_TEXT, AT(out), 0, 0, "M", "model folder to write" },
    RUN_ROWS(train_args, "M.run"),
    BATCH_ROW(train_args, "128"),
    { "epochs", 'e', ARG_U32, AT(epochs), 1, 100000, "N", "passes over the pictures [20]" },
    { "lr", 0, ARG_REAL, AT(lr), 1e-12, 100, "X", "highest learning rate [1e-3]; cosine decay" },
    { "min-lr", 0, ARG_REAL, AT(min_lr), 0, 100, "X", "where the decay ends [0]" },
    { "warmup", 0, ARG_REAL, AT(warmup), 0, 100000, "X", "epochs of linear warm-up [1]" },
    { "weight-decay", 0, ARG_REAL, AT(weight_decay), 0, 100, "X", "of matrices [0.05]" },
    RECIPE_ROWS(train_args, recipe, "", "0.1"),
    { "clip", 0, ARG_REAL, AT(clip), 0, 1e9, "X", "largest gradient norm, 0 = any [1]" },
    { "mean", 0, ARG_TEXT, AT(mean), 0, 0, "X[,X,X]", "of the channels, pixels in 0..1 [0.5]" },
    { "std", 0, ARG_TEXT, AT(std), 0, 0, "X[,X,X]", "of the channels [0.5]" },
    { "no-augment", 0, ARG_FLAG, AT(no_augment), 0, 0, NULL, "no flips, transposes and shifts" },
    FINITE_ROWS(train_args, "on"), THREADS_ROW(train_args), LIMIT_ROW(train_args),
    { "max-steps", 0, ARG_U32, AT(max_steps), 1, 4e9, "N", "stop after N steps in all, as Ctrl-C does" },
    { 0 },
};
static const train_args defaults = {
    .d = { .batch = 128 }, .epochs = 20, .lr = 1e-3, .warmup = 1.0, .weight_decay = 0.05, .clip = 1.0,
    .recipe = { .smoothing = 0.1 },
};
const command cmd_train = {
    .name = "train", .help = "a vision transformer, from scratch or from another model",
    .usage = "--data D (--arch A | --init M) -o M", .table = table, .defaults = &defaults,
    .options_size = sizeof defaults, .min_words = 0, .max_words = 0, .run = run,
    .about =
        "Ctrl-C stops at the next step with a checkpoint; the same command with --resume ends in the same bits.\n"
        "mixer=X gives all layers that mixer; mixer=X*3/Y is a list, repeated until it fills the depth.",
    .print_more = app_print_mixers,
};
