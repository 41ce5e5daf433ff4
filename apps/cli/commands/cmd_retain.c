// cmd_retain.c — pare retain: teach a model to let go of tokens, measure it, write it; one or a series.
#include "apps/cli/bench/bench_time.h"
#include "apps/cli/core/card.h"
#include "apps/cli/retain/retain_report.h"
#include "nn/models/picture_loader.h"
#include "nn/infer/infer.h"
#include "nn/data/loader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMED       9u              // replays, of which the median counts
#define TIMED_BATCH 64u
#define FAR_OFF     0.03            // of the keep ratio asked for

typedef struct retain_work {
    const retain_args *a;
    const char     *teacher_dir;
    nn_dataset     *data;
    vkc_device     *dev;
    nn_model         *teacher, *v;    // v: the model being made
    bool            halts_already;  // the teacher: its gate stays as it is
    retain_setup    setup;
    retain_dense    dense;
    retain_outcome  outcome[RETAIN_MAX_SERIES];
    json_t         *series;
} retain_work;

static nn_split get_split(const retain_work *w)
{
    return nn_dataset_len(w->data, NN_SPLIT_TEST) > 0 ? NN_SPLIT_TEST : NN_SPLIT_VAL;
}

static vkc_status load_batch(const retain_work *w, nn_infer **inf, uint32_t *n, float *pixels, float *logits)
{
    nn_loader *l = NULL;
    nn_loader_params lp = nn_loader_params_of(&w->v->cfg, w->data, get_split(w), TIMED_BATCH);
    lp.max_images = TIMED_BATCH;
    lp.threads = w->a->d.threads;
    vkc_status st;
    VKC_TRY(nn_loader_create(&lp, &l));
    VKC_TRY(nn_loader_get(l, pixels, NULL, n));
    for (int m = 0; m < 2 && *n; m++)
        VKC_TRY(nn_infer_run(inf[m], pixels, *n, logits));
done:
    nn_loader_destroy(l);
    return st;
}

// Images a second without decoding, teacher and model taking turns on the same pictures.
static vkc_status time_models(retain_work *w, retain_outcome *o)
{
    const nn_model_config *c = &w->v->cfg;
    const nn_model *v[2] = { w->teacher, w->v };
    nn_infer *inf[2] = { NULL, NULL };
    double seconds[2][TIMED];
    uint32_t n = 0;
    vkc_status st;
    float *pixels = malloc((size_t) TIMED_BATCH * nn_model_config_pixels(c) * sizeof *pixels);
    float *logits = malloc((size_t) TIMED_BATCH * c->classes * sizeof *logits);
    if (!pixels || !logits) {
        st = VKC_FAIL(VKC_E_NOMEM, "retain: out of host memory");
        goto done;
    }
    for (int m = 0; m < 2; m++)
        VKC_TRY(nn_infer_create(v[m], TIMED_BATCH, &inf[m]));
    VKC_TRY(load_batch(w, inf, &n, pixels, logits));
    for (uint32_t i = 0; i <= TIMED && n; i++)          // the first replay of each is not timed
        for (int m = 0; m < 2; m++)
            VKC_TRY(nn_infer_repeat(inf[m], &seconds[m][i ? i - 1 : 0]));
    if (n) {
        w->dense.images_per_s = n / bench_median(seconds[0], TIMED);
        o->images_per_s = n / bench_median(seconds[1], TIMED);
    }
done:
    for (int m = 0; m < 2; m++)
        nn_infer_destroy(inf[m]);
    free(pixels);
    free(logits);
    return st;
}

static vkc_status measure(retain_work *w, retain_outcome *o)
{
    const retain_args *a = w->a;
    vkc_status st;
    VKC_TRY(measure_split(w->v, w->data, NN_SPLIT_VAL, &a->d, &o->val));
    VKC_TRY(measure_split(w->v, w->data, NN_SPLIT_TEST, &a->d, &o->test));
    VKC_TRY(distill_retain_measure(w->v, &(distill_retain_stats_params) {
        .data = w->data, .split = get_split(w), .dense = w->teacher, .images = a->d.limit, .threads = a->d.threads,
        .progress = console_progress }, &o->stats));
    if (!a->no_timing)
        VKC_TRY(time_models(w, o));
    const nn_eval_result *r = o->test.images ? &o->test : &o->val;
    if (!(fabs(r->keep - o->item->keep) <= FAR_OFF))
        warn("%.1f %% of the patches were to be kept, on the %s split it is %.1f %%", 100.0 * o->item->keep,
             nn_split_name(get_split(w)), 100.0 * r->keep);
done:
    return st;
}

static vkc_status save(const retain_work *w, const retain_outcome *o, run_folder *r, json_t *result)
{
    nn_model_config cfg = { 0 };
    char *more = retain_markdown(o, &w->dense), *text = NULL;
    json_t *provenance = json_object_get(r->info, "provenance");
    vkc_status st;
    VKC_TRY(run_make_config(r, &w->v->cfg, result, &cfg));
    text = card_build(&(card) { .cfg = &cfg, .dir = o->item->out, .data = w->a->d.data,
                                .params = nn_params_count(w->v->params), .provenance = provenance,
                                .seconds = o->train.seconds, .val = &o->val, .test = &o->test, .more = more });
    VKC_TRY(app_save_model(w->v, &cfg, o->item->out, text));
    st = run_finish(r, json_incref(result));
done:
    free(text);
    free(more);
    nn_model_config_finish(&cfg);
    return st;
}

static vkc_status make_model(retain_work *w, uint32_t i, run_folder *r)
{
    const retain_args *a = w->a;
    retain_outcome *o = &w->outcome[i];
    vkc_status st;
    o->item = &w->setup.item[i];
    VKC_TRY(run_open(r, &(run_params) { &a->common, w->dev, a->run ? o->item->run : NULL, o->item->out,
                                        retain_inputs(a, &w->setup, i, w->teacher_dir), a->resume, a->force }));
    if (a->resume && !r->is_resumed)
        VKC_TRY(app_check_output(o->item->out, a->force));
    if (i == 0 || !a->chain) {
        nn_model_destroy(w->v);
        w->v = NULL;
        VKC_TRY(nn_model_load(w->dev, w->teacher_dir, true, &w->v));
    }
    const double scale = i > 0 && a->chain ? w->v->cfg.retention.gate_scale : a->gate_scale;
    w->v->cfg.retention = o->item->retention;
    w->v->cfg.retention.gate_scale = scale;
    distill_retain_params p = retain_params(a, &w->setup, i);
    p.plain_gate = p.plain_gate || w->halts_already;
    p.data = w->data;
    p.run_dir = r->dir;
    p.resume = r->is_resumed;
    VKC_TRY(distill_retain(w->teacher, w->v, &p, &o->train));
    VKC_TRY(measure(w, o));
    json_t *result = retain_json(o, &w->dense, w->v);
    if (!result) {
        st = VKC_FAIL(VKC_E_NOMEM, "retain: out of host memory");
        goto done;
    }
    json_array_append_new(w->series, result);
    VKC_TRY(save(w, o, r, result));
    console_clear();
    if (!a->common.json) {
        retain_print(stdout, o, &w->dense);
        st = app_flush();
    }
done:
    if (st == VKC_E_STOPPED)
        run_say_stopped(r);
    if (st == VKC_E_CHECK)
        run_say_failed(r);
    return st;
}

static vkc_status run_all(retain_work *w)
{
    const retain_args *a = w->a;
    nn_model_config cfg = { 0 };
    vkc_status st;
    if (!a->out || (!a->keep && !a->share))
        return VKC_FAIL(VKC_E_ARG, "usage: pare retain M --data D --keep 0.7 -o M2");
    VKC_TRY(nn_model_config_load(w->teacher_dir, &cfg));
    VKC_TRY(retain_make_setup(a, &cfg, &w->setup));
    for (uint32_t i = 0; i < w->setup.n && !a->resume; i++)
        VKC_TRY(app_check_output(w->setup.item[i].out, a->force));
    VKC_TRY(measure_open_data(&a->d, &w->data));
    VKC_TRY(app_open(&a->common, &w->dev));
    VKC_TRY(nn_model_load(w->dev, w->teacher_dir, false, &w->teacher));
    if (w->teacher->cfg.retention.policy != NN_POLICY_NONE)
        say("%s lets go of tokens already; what it learned is where this starts, and its teacher with all tokens",
            w->teacher_dir);
    w->halts_already = w->teacher->cfg.retention.policy == NN_POLICY_HALTING;
    w->teacher->cfg.retention = (nn_retention_config) { .policy = NN_POLICY_NONE };
    console_catch_signals();
    VKC_TRY(measure_split(w->teacher, w->data, get_split(w), &a->d, &w->dense.figures));
    for (uint32_t i = 0; i < w->setup.n; i++) {
        run_folder r = { .info = NULL };
        st = make_model(w, i, &r);
        run_close(&r);
        if (st != VKC_OK)
            goto done;
    }
    if (a->common.json)
        st = app_print_json(w->setup.n == 1 ? json_incref(json_array_get(w->series, 0))
                                            : json_pack("{s:O}", "series", w->series));
    else if (w->setup.n > 1)
        retain_print_series(stdout, w->outcome, w->setup.n, &w->dense);
done:
    nn_model_config_finish(&cfg);
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    retain_work *w = calloc(1, sizeof *w);
    if (!w)
        return VKC_FAIL(VKC_E_NOMEM, "retain: out of host memory");
    w->a = options;
    w->teacher_dir = words->word[0];
    w->series = json_array();
    vkc_status st = run_all(w);
    json_decref(w->series);
    nn_model_destroy(w->v);
    nn_model_destroy(w->teacher);
    app_close(w->dev);
    nn_dataset_destroy(w->data);
    free(w);
    return st;
}

#define AT(member) offsetof(retain_args, member)
static const arg table[] = {
    DATA_ROW(retain_args),
    { "keep", 'k', ARG_TEXT, AT(keep), 0, 0, "X[,X]",
      "mean share of patches at the entry of a block; several: a series" },
    { "policy", 0, ARG_TEXT, AT(policy), 0, 0, "P", "halting or topk [halting]" },
    { "out", 'o', ARG_TEXT, AT(out), 0, 0, "M2", "model folder to write; of a series M2-0.80, M2-0.60 ..." },
    RUN_ROWS(retain_args, "M2.run"),
    { "chain", 0, ARG_FLAG, AT(chain), 0, 0, NULL, "each of a series from the one before, not from M" },
    BATCH_ROW(retain_args, "64"),
    { "epochs", 'e', ARG_U32, AT(epochs), 0, 100000, "N", "of fine-tuning [halting: 4, topk: 0]" },
    { "lr", 0, ARG_REAL, AT(lr), 1e-12, 100, "X", "highest learning rate [5e-4]; cosine decay" },
    { "weight-decay", 0, ARG_REAL, AT(weight_decay), 0, 100, "X", "of matrices [0.05]" },
    { "smoothing", 0, ARG_REAL, AT(smoothing), 0, 0.99, "X", "of labels [0.1]" },
    { "clip", 0, ARG_REAL, AT(clip), 0, 1e9, "X", "largest gradient norm, 0 = any [1]" },
    { "kl", 0, ARG_REAL, AT(kl), 0, 1e6, "X", "weight of the divergence from M's logits with all tokens [0]" },
    { "at", 0, ARG_TEXT, AT(at), 0, 0, "N,N", "topk: after these blocks [every one]" },
    { "share", 0, ARG_TEXT, AT(share), 0, 0, "X,X",
      "topk: in place of --keep, the share that goes on after each block of --at" },
    { "every", 0, ARG_U32, AT(every), 1, NN_MAX_DEPTH, "N", "halting: done tokens leave after every N-th block [1]" },
    { "drop-class", 0, ARG_FLAG, AT(drop_class), 0, 0, NULL, "halting: the class token halts as any other" },
    { "read-patches", 0, ARG_REAL, AT(read_patches), 0, NN_MAX_GATE, "X",
      "halting: weight of the mean patch in what the classifier reads [0]" },
    { "gate-scale", 0, ARG_REAL, AT(gate_scale), 0, NN_MAX_GATE, "X",
      "halting: of channel 0 [0 = as it suits the model]" },
    { "plain-gate", 0, ARG_FLAG, AT(plain_gate), 0, 0, NULL,
      "halting: by channel 0 as it is; else it is first made one that tells what later layers attend to" },
    { "ponder", 0, ARG_REAL, AT(ponder), 0, 1e6, "X", "halting: weight of the ponder cost [5e-4]" },
    { "prior", 0, ARG_REAL, AT(prior), 0, 1e6, "X", "halting: weight of the depth prior [1e-3]" },
    { "prior-target", 0, ARG_TEXT, AT(prior_target), 0, 0, "T", "halting: released or normalised [released]" },
    { "prior-mean", 0, ARG_REAL, AT(prior_mean), 0, 2 * NN_MAX_DEPTH, "X",
      "halting: block after which to stop [0 = keep * depth - 1]" },
    { "ramp", 0, ARG_REAL, AT(ramp), 0, 1, "X", "halting: part of the run in which the ratio goes down [0.2]" },
    { "gaps", 0, ARG_TEXT, AT(gaps), 0, 0, "G", "decays of mixers skip or count dropped tokens [skip]" },
    { "no-augment", 0, ARG_FLAG, AT(no_augment), 0, 0, NULL, "no flips, transposes and shifts" },
    { "max-steps", 0, ARG_U32, AT(max_steps), 1, 4e9, "N", "stop after N steps in all, as Ctrl-C does" },
    FINITE_ROWS(retain_args, "on in training"), THREADS_ROW(retain_args), LIMIT_ROW(retain_args),
    { "no-timing", 0, ARG_FLAG, AT(no_timing), 0, 0, NULL, "do not time the models" },
    { 0 },
};
static const retain_args defaults = {
    .d = { .batch = 64 }, .policy = "halting", .gaps = "skip", .prior_target = "released", .epochs = RETAIN_NO_EPOCHS,
    .every = 1, .lr = 5e-4, .weight_decay = 0.05, .smoothing = 0.1, .clip = 1.0, .ponder = 5e-4, .prior = 1e-3,
    .ramp = 0.2,
};
const command cmd_retain = {
    .name = "retain", .help = "teach a model to let go of tokens on the way",
    .usage = "M --data D --keep 0.7 -o M2 [--policy topk]", .table = table, .defaults = &defaults,
    .options_size = sizeof defaults, .min_words = 1, .max_words = 1, .run = run,
    .about =
        "topk keeps the patches with the most class attention and needs no training; halting learns, token by token.\n"
        "Ctrl-C stops at the next step with a checkpoint; the same command with --resume ends in the same bits.",
};
