// cmd_prune.c — pare prune: gather the weight of recurrent mixers in few units, cut the others out, tune what is left.
#include "apps/cli/distill/tune_session.h"
#include "distill/prune/prune.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct prune_args {
    tune_args tune;                 // of both trainings
    double    decay, threshold, keep;
    uint32_t  shrink_epochs, multiple, timing_batch;
    bool      no_tune, no_timing;
} prune_args;

typedef struct prune_work {
    const prune_args *a;
    tune_session     s;
    nn_model          *cut;
    distill_prune_layer layer[NN_MAX_DEPTH];
    distill_tune_result shrink, tune;
    nn_split         split;
    nn_eval_result   before, cut_only, after;
    uint64_t         params_before;
    measure_time     time[MEASURE_SIZES];
} prune_work;

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
    const vkc_device_info *i = vkc_device_get_info(w->s.dev);
    const uint32_t depth = w->s.v->cfg.depth;
    json_t *layers = json_array(), *stages = json_array();
    for (uint32_t l = 0; l < depth; l++)
        if (w->layer[l].units)
            json_array_append_new(layers, json_pack("{s:i, s:i, s:i, s:f, s:f}", "layer", (int) l, "units",
                                                    (int) w->layer[l].units, "kept", (int) w->layer[l].kept,
                                                    "least_norm", w->layer[l].least, "most_norm", w->layer[l].most));
    if (w->a->shrink_epochs)
        json_array_append_new(stages, tune_json("shrink", &w->a->tune.t, &w->shrink, depth));
    if (!w->a->no_tune)
        json_array_append_new(stages, tune_json("tune", &w->a->tune.t, &w->tune, depth));
    return json_pack("{s:o, s:o, s:o, s:s, s:I, s:I, s:o, s:f, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:s, s:s}",
                     "top1_before", app_number(w->before.top1), "top1_pruned", app_number(w->cut_only.top1), "top1",
                     app_number(w->after.top1), "split", nn_split_name(w->split), "params_before",
                     (json_int_t) w->params_before, "params", (json_int_t) nn_params_count(w->cut->params), "layers",
                     layers, "decay", w->a->decay, "threshold", w->a->threshold, "keep", w->a->keep, "tune", stages,
                     "before", measure_json(&w->before), "pruned", measure_json(&w->cut_only), "after",
                     measure_json(&w->after), "timing", build_timing(w), "device", i->name, "driver", i->driver);
}

static distill_prune_params get_how(const prune_args *a)
{
    return (distill_prune_params) { .threshold = a->threshold, .keep = a->keep, .multiple = a->multiple };
}

// Train towards few units, cut, train what is left; accuracy at every step.
static vkc_status prune(prune_work *w)
{
    const prune_args *a = w->a;
    const data_args *d = &a->tune.d;
    const distill_prune_params how = get_how(a);
    vkc_status st;
    w->split = nn_dataset_len(w->s.data, NN_SPLIT_TEST) > 0 ? NN_SPLIT_TEST : NN_SPLIT_VAL;
    w->params_before = nn_params_count(w->s.v->params);
    VKC_TRY(measure_split(w->s.v, w->s.data, w->split, d, &w->before));
    if (a->shrink_epochs) {
        distill_tune_params p = w->s.params;
        p.what = "shrink";
        p.epochs = a->shrink_epochs;
        p.units = a->decay;
        VKC_TRY(distill_tune(w->s.teacher, w->s.v, &p, &w->shrink));
    }
    VKC_TRY(distill_prune_count(w->s.v, &how, w->layer));
    VKC_TRY(distill_prune(w->s.v, w->layer, &w->cut));
    VKC_TRY(measure_split(w->cut, w->s.data, w->split, d, &w->cut_only));
    w->after = w->cut_only;
    if (!a->no_tune) {
        VKC_TRY(distill_tune(w->s.teacher, w->cut, &w->s.params, &w->tune));
        VKC_TRY(measure_split(w->cut, w->s.data, w->split, d, &w->after));
    }
    if (!a->no_timing) {
        const nn_model_config *cfg[MEASURE_MODELS] = { &w->s.v->cfg, &w->cut->cfg };
        uint32_t image[MEASURE_SIZES + 1];
        const uint32_t n = measure_sizes(&w->s.v->cfg, 0, image);
        VKC_TRY(measure_times(w->s.dev, cfg, MEASURE_MODELS, a->timing_batch, a->tune.common.seed, image, n, w->time));
    }
done:
    return st;
}

static vkc_status tell(const prune_work *w, json_t *result)
{
    const prune_args *a = w->a;
    console_clear();
    if (a->tune.common.json)
        return app_print_json(json_incref(result));
    if (a->shrink_epochs)
        tune_print(stdout, "shrink", &w->shrink, 0);
    puts("units a head and direction, and the norms of their weights:");
    for (uint32_t l = 0; l < w->s.v->cfg.depth; l++)
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
    printf("model       %s\n", a->tune.out);
    return app_flush();
}

// Before anything long: is there anything to cut, and can it be trained?
static vkc_status check(const tune_session *s)
{
    const prune_args *a = (const prune_args *) s->a;
    const distill_prune_params how = get_how(a);
    distill_prune_layer layer[NN_MAX_DEPTH];
    vkc_status st = distill_prune_count(s->v, &how, layer);
    return st == VKC_OK ? distill_tune_check(s->teacher, s->v, &s->params) : st;
}

static vkc_status run_all(prune_work *w, const char *dir)
{
    const prune_args *a = w->a;
    json_t *result = NULL;
    json_t *inputs = json_pack("{s:f, s:f, s:f, s:i, s:i, s:b, s:i}", "decay", a->decay, "threshold", a->threshold,
                               "keep", a->keep, "shrink_epochs", (int) a->shrink_epochs, "multiple", (int) a->multiple,
                               "no_tune", (int) a->no_tune, "limit", (int) a->tune.d.limit);
    vkc_status st;
    VKC_TRY(tune_session_open(&w->s, &a->tune, dir, "prune S --data D -o P [--threshold 0.1 | --keep 0.5]", inputs,
                              check));
    VKC_TRY(prune(w));
    result = build_result(w);
    const bool is_test = w->split == NN_SPLIT_TEST;
    VKC_TRY(tune_session_save(&w->s, w->cut, result, w->shrink.seconds + w->tune.seconds, is_test ? NULL : &w->after,
                              is_test ? &w->after : NULL));
    st = tell(w, result);
done:
    json_decref(result);
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    prune_work *w = calloc(1, sizeof *w);
    if (!w)
        return VKC_FAIL(VKC_E_NOMEM, "prune: out of host memory");
    w->a = options;
    vkc_status st = run_all(w, words->word[0]);
    nn_model_destroy(w->cut);
    st = tune_session_close(&w->s, st);
    free(w);
    return st;
}

#define AT(member) offsetof(prune_args, member)
static const arg table[] = {
    TUNE_SESSION_ROWS("P", "stop either training after N steps in all, as Ctrl-C does"),
    { "shrink-epochs", 0, ARG_U32, AT(shrink_epochs), 0, 100000, "N",
      "of training in which the weight is to gather in few units; 0 = none [1]" },
    { "decay", 0, ARG_REAL, AT(decay), 0, 1e6, "X", "weight of the group Hoyer-square in it [5e-5]" },
    { "threshold", 0, ARG_REAL, AT(threshold), 0, 0.999, "X",
      "units below this part of the largest norm of their head and direction go [0.1]" },
    { "keep", 'k', ARG_REAL, AT(keep), 0, 1, "X", "or this share of the units stays, whatever their norms" },
    { "multiple", 0, ARG_U32, AT(multiple), 1, 128, "N", "what stays is rounded up to a multiple [4]" },
    { "no-tune", 0, ARG_FLAG, AT(no_tune), 0, 0, NULL, "no training after the cut" },
    { "timing-batch", 0, ARG_U32, AT(timing_batch), 1, 4096, "N", "pictures at once when timing [4]" },
    { "no-timing", 0, ARG_FLAG, AT(no_timing), 0, 0, NULL, "do not time the models" },
    { 0 },
};
static const prune_args defaults = {
    .tune = { .d = { .batch = 64 }, .t = TUNE_DEFAULTS(1) }, .decay = 5e-5, .threshold = 0.1, .shrink_epochs = 1,
    .multiple = 4, .timing_batch = 4,
};
const command cmd_prune = {
    .name = "prune", .help = "cut hidden units out of recurrent mixers",
    .usage = "S --data D -o P [--threshold 0.1 | --keep 0.5]", .table = table, .defaults = &defaults,
    .options_size = sizeof defaults, .min_words = 1, .max_words = 1, .run = run,
    .about =
        "The options of training count for both parts: before the cut, with the group Hoyer-square, and after it.\n"
        "Ctrl-C stops at the next step with a checkpoint; the same command with --resume ends in the same bits.",
};
