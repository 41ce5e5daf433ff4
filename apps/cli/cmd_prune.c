// cmd_prune.c — pare prune: gather the weight of recurrent mixers in few units, cut the others out, tune what is left.
#include "apps/cli/card.h"
#include "apps/cli/model_hash.h"
#include "apps/cli/run.h"
#include "apps/cli/tune_setup.h"
#include "distill/prune.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct prune_args {
    common_args  common;
    data_args    d;
    tune_options t;                 // of both trainings
    const char  *teacher, *out, *run;
    double       decay, threshold, keep;
    uint32_t     shrink_epochs, multiple, max_steps, timing_batch;
    bool         no_tune, no_augment, no_timing, resume, force;
} prune_args;

typedef struct prune_work {
    const prune_args *a;
    const char      *dir;           // of the model to prune
    nn_dataset      *data;
    vkc_device      *dev;
    nn_vit          *teacher, *v, *cut;
    run_folder       run;
    distill_prune_layer layer[NN_MAX_DEPTH];
    distill_tune_result shrink, tune;
    nn_split         split;
    nn_eval_result   before, cut_only, after;
    uint64_t         params_before;
    measure_time     time[MEASURE_SIZES];
} prune_work;

static vkc_status build_inputs(const prune_work *w, json_t **out)
{
    const prune_args *a = w->a;
    char model[MODEL_HASH_MAX], teacher[MODEL_HASH_MAX];
    vkc_status st = model_hash(w->dir, &w->v->cfg, true, model);
    if (st == VKC_OK && a->teacher)
        st = model_hash(a->teacher, &w->teacher->cfg, true, teacher);
    if (st != VKC_OK)
        return st;
    json_t *o = tune_inputs(&a->t);
    json_t *more = json_pack("{s:s, s:s, s:s*, s:s*, s:s, s:f, s:f, s:f, s:i, s:i, s:b, s:i, s:i, s:b, s:I}", "model",
                             w->dir, "weights", model, "teacher", a->teacher, "teacher_weights",
                             a->teacher ? teacher : NULL, "data", a->d.data, "decay", a->decay, "threshold", a->threshold,
                             "keep", a->keep, "shrink_epochs", (int) a->shrink_epochs, "multiple", (int) a->multiple,
                             "no_tune", (int) a->no_tune, "batch", (int) a->d.batch, "limit", (int) a->d.limit,
                             "no_augment", (int) a->no_augment, "seed", (json_int_t) a->common.seed);
    if (!more || json_object_update(o, more) != 0) {
        json_decref(o);
        o = NULL;
    }
    json_decref(more);
    *out = o;
    return VKC_OK;
}

static json_t *build_timing(const prune_work *w)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < MEASURE_SIZES; i++)
        if (w->time[i].tokens)
            json_array_append_new(list, json_pack("{s:i, s:i, s:i, s:f, s:f, s:i}", "image", (int) w->time[i].image,
                                                  "tokens", (int) w->time[i].tokens, "batch",
                                                  (int) w->a->timing_batch, "before_ms", w->time[i].ms[0], "after_ms",
                                                  w->time[i].ms[1], "repeats", (int) w->time[i].repeats));
    return list;
}

static json_t *build_result(const prune_work *w)
{
    const vkc_device_info *i = vkc_device_get_info(w->dev);
    const uint32_t depth = w->v->cfg.depth;
    json_t *layers = json_array(), *stages = json_array();
    for (uint32_t l = 0; l < depth; l++)
        if (w->layer[l].units)
            json_array_append_new(layers, json_pack("{s:i, s:i, s:i, s:f, s:f}", "layer", (int) l, "units",
                                                    (int) w->layer[l].units, "kept", (int) w->layer[l].kept,
                                                    "least_norm", w->layer[l].least, "most_norm", w->layer[l].most));
    if (w->a->shrink_epochs)
        json_array_append_new(stages, tune_json("shrink", &w->a->t, &w->shrink, depth));
    if (!w->a->no_tune)
        json_array_append_new(stages, tune_json("tune", &w->a->t, &w->tune, depth));
    return json_pack("{s:o, s:o, s:o, s:s, s:I, s:I, s:o, s:f, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:s, s:s}",
                     "top1_before", app_number(w->before.top1), "top1_pruned", app_number(w->cut_only.top1), "top1",
                     app_number(w->after.top1), "split", nn_split_name(w->split), "params_before",
                     (json_int_t) w->params_before, "params", (json_int_t) nn_params_count(w->cut->params), "layers",
                     layers, "decay", w->a->decay, "threshold", w->a->threshold, "keep", w->a->keep, "tune", stages,
                     "before", measure_json(&w->before), "pruned", measure_json(&w->cut_only), "after",
                     measure_json(&w->after), "timing", build_timing(w), "device", i->name, "driver", i->driver);
}

static distill_tune_params make_params(const prune_work *w, const distill_tune_params *base, const char *what,
                                       uint32_t epochs, double units)
{
    const prune_args *a = w->a;
    distill_tune_params p = *base;
    p.data = w->data;
    p.batch = a->d.batch;
    p.epochs = epochs;
    p.units = units;
    p.seed = a->common.seed;
    p.threads = a->d.threads;
    p.plain = a->no_augment;
    p.check_finite = measure_is_checked(&a->d, true);
    p.what = what;
    p.run_dir = w->run.dir;
    p.resume = w->run.is_resumed;
    p.max_steps = a->max_steps;
    p.progress = console_progress;
    return p;
}

// Train towards few units, cut, train what is left; accuracy at every step.
static vkc_status prune(prune_work *w, const distill_tune_params *base)
{
    const prune_args *a = w->a;
    const distill_prune_params how = { .threshold = a->threshold, .keep = a->keep, .multiple = a->multiple };
    vkc_status st;
    VKC_TRY(distill_prune_count(w->v, &how, w->layer));         // before anything long: is there anything to cut?
    w->split = nn_dataset_len(w->data, NN_SPLIT_TEST) > 0 ? NN_SPLIT_TEST : NN_SPLIT_VAL;
    w->params_before = nn_params_count(w->v->params);
    VKC_TRY(measure_split(w->v, w->data, w->split, &a->d, &w->before));
    if (a->shrink_epochs) {
        const distill_tune_params p = make_params(w, base, "shrink", a->shrink_epochs, a->decay);
        VKC_TRY(distill_tune(w->teacher, w->v, &p, &w->shrink));
        VKC_TRY(distill_prune_count(w->v, &how, w->layer));
    }
    VKC_TRY(distill_prune(w->v, w->layer, &w->cut));
    VKC_TRY(measure_split(w->cut, w->data, w->split, &a->d, &w->cut_only));
    w->after = w->cut_only;
    if (!a->no_tune) {
        const distill_tune_params p = make_params(w, base, "tune", a->t.epochs, 0);
        VKC_TRY(distill_tune(w->teacher, w->cut, &p, &w->tune));
        VKC_TRY(measure_split(w->cut, w->data, w->split, &a->d, &w->after));
    }
    if (!a->no_timing) {
        const nn_model_config *cfg[MEASURE_MODELS] = { &w->v->cfg, &w->cut->cfg };
        uint32_t image[MEASURE_SIZES + 1];
        const uint32_t n = measure_sizes(&w->v->cfg, 0, image);
        VKC_TRY(measure_times(w->dev, cfg, MEASURE_MODELS, a->timing_batch, a->common.seed, image, n, w->time));
    }
done:
    return st;
}

static vkc_status save(prune_work *w, json_t *result)
{
    const bool is_test = w->split == NN_SPLIT_TEST;
    nn_model_config cfg = { 0 };
    char *text = NULL;
    vkc_status st;
    VKC_TRY(run_make_config(&w->run, &w->cut->cfg, result, &cfg));
    text = card_build(&(card) { .cfg = &cfg, .dir = w->a->out, .data = w->a->d.data,
                                .params = nn_params_count(w->cut->params),
                                .provenance = json_object_get(w->run.info, "provenance"),
                                .seconds = w->shrink.seconds + w->tune.seconds, .val = is_test ? NULL : &w->after,
                                .test = is_test ? &w->after : NULL });
    VKC_TRY(app_save_model(w->cut, &cfg, w->a->out, text));
    st = run_finish(&w->run, json_incref(result));
done:
    free(text);
    nn_model_config_finish(&cfg);
    return st;
}

static vkc_status tell(const prune_work *w, json_t *result)
{
    const prune_args *a = w->a;
    console_clear();
    if (a->common.json)
        return app_print_json(json_incref(result));
    if (a->shrink_epochs)
        tune_print(stdout, "shrink", &w->shrink, 0);
    puts("units a head and direction, and the norms of their weights:");
    for (uint32_t l = 0; l < w->v->cfg.depth; l++)
        if (w->layer[l].units)
            printf("  layer %-3u %3u of %3u stay   %.4f ... %.4f\n", l, w->layer[l].kept, w->layer[l].units,
                   w->layer[l].least, w->layer[l].most);
    if (!a->no_tune)
        tune_print(stdout, "tune", &w->tune, 0);
    measure_print(stdout, "before", &w->before);
    measure_print(stdout, "cut", &w->cut_only);
    if (!a->no_tune)
        measure_print(stdout, "tuned", &w->after);
    printf("parameters  %" PRIu64 " of %" PRIu64 "\n", nn_params_count(w->cut->params), w->params_before);
    for (uint32_t i = 0; i < MEASURE_SIZES; i++)
        if (w->time[i].tokens)
            printf("%5u tokens   %8.2f ms before, %8.2f ms after, batch of %u\n", w->time[i].tokens, w->time[i].ms[0],
                   w->time[i].ms[1], a->timing_batch);
    printf("model       %s\n", a->out);
    return app_flush();
}

static vkc_status run_all(prune_work *w)
{
    const prune_args *a = w->a;
    distill_tune_params base;
    json_t *result = NULL, *inputs = NULL;
    vkc_status st;
    if (!a->out)
        return VKC_FAIL(VKC_E_ARG, "usage: pare prune S --data D -o P [--threshold 0.1 | --keep 0.5]");
    VKC_TRY(tune_make_params(&a->t, &base));
    if (!a->resume)
        VKC_TRY(app_check_output(a->out, a->force));
    VKC_TRY(measure_open_data(&a->d, &w->data));
    VKC_TRY(app_open(&a->common, &w->dev));
    VKC_TRY(nn_vit_load(w->dev, w->dir, true, &w->v));
    if (a->teacher)
        VKC_TRY(nn_vit_load(w->dev, a->teacher, false, &w->teacher));
    VKC_TRY(build_inputs(w, &inputs));
    VKC_TRY(run_open(&w->run, &(run_params) { &a->common, w->dev, a->run, a->out, inputs, a->resume, a->force }));
    if (a->resume && !w->run.is_resumed)
        VKC_TRY(app_check_output(a->out, a->force));
    console_catch_signals();
    VKC_TRY(prune(w, &base));
    result = build_result(w);
    VKC_TRY(save(w, result));
    st = tell(w, result);
done:
    if (st == VKC_E_STOPPED)
        run_say_stopped(&w->run);
    if (st == VKC_E_CHECK)
        run_say_failed(&w->run);
    json_decref(result);
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    prune_work *w = calloc(1, sizeof *w);
    if (!w)
        return VKC_FAIL(VKC_E_NOMEM, "prune: out of host memory");
    w->a = options;
    w->dir = words->word[0];
    vkc_status st = run_all(w);
    run_close(&w->run);
    nn_vit_destroy(w->teacher);
    nn_vit_destroy(w->cut);
    nn_vit_destroy(w->v);
    app_close(w->dev);
    nn_dataset_destroy(w->data);
    free(w);
    return st;
}

#define AT(member) offsetof(prune_args, member)
static const arg table[] = {
    DATA_ROW(prune_args),
    { "teacher", 't', ARG_TEXT, AT(teacher), 0, 0, "M", "model to learn from besides the labels (--kl, --similarity)" },
    { "out", 'o', ARG_TEXT, AT(out), 0, 0, "P", "model folder to write" },
    RUN_ROWS(prune_args, "P.run"),
    BATCH_ROW(prune_args, "64"),
    { "shrink-epochs", 0, ARG_U32, AT(shrink_epochs), 0, 100000, "N",
      "of training in which the weight is to gather in few units; 0 = none [1]" },
    { "decay", 0, ARG_REAL, AT(decay), 0, 1e6, "X", "weight of the group Hoyer-square in it [5e-5]" },
    { "threshold", 0, ARG_REAL, AT(threshold), 0, 0.999, "X",
      "units below this part of the largest norm of their head and direction go [0.1]" },
    { "keep", 'k', ARG_REAL, AT(keep), 0, 1, "X", "or this share of the units stays, whatever their norms" },
    { "multiple", 0, ARG_U32, AT(multiple), 1, 128, "N", "what stays is rounded up to a multiple [4]" },
    { "no-tune", 0, ARG_FLAG, AT(no_tune), 0, 0, NULL, "no training after the cut" },
    TUNE_ROWS(prune_args, t, "", "1"),
    { "no-augment", 0, ARG_FLAG, AT(no_augment), 0, 0, NULL, "no flips, transposes and shifts" },
    { "max-steps", 0, ARG_U32, AT(max_steps), 1, 4e9, "N", "stop either training after N steps in all, as Ctrl-C does" },
    FINITE_ROWS(prune_args, "on in training"), THREADS_ROW(prune_args), LIMIT_ROW(prune_args),
    { "timing-batch", 0, ARG_U32, AT(timing_batch), 1, 4096, "N", "pictures at once when timing [4]" },
    { "no-timing", 0, ARG_FLAG, AT(no_timing), 0, 0, NULL, "do not time the models" },
    { 0 },
};
static const prune_args defaults = {
    .d = { .batch = 64 }, .t = TUNE_DEFAULTS(1), .decay = 5e-5, .threshold = 0.1, .shrink_epochs = 1, .multiple = 4,
    .timing_batch = 4,
};
const command cmd_prune = {
    .name = "prune", .help = "cut hidden units out of recurrent mixers",
    .usage = "S --data D -o P [--threshold 0.1 | --keep 0.5]", .table = table, .defaults = &defaults,
    .options_size = sizeof defaults, .min_words = 1, .max_words = 1, .run = run,
    .about =
        "The options of training count for both parts: before the cut, with the group Hoyer-square, and after it.\n"
        "Ctrl-C stops at the next step with a checkpoint; the same command with --resume ends in the same bits.",
};
