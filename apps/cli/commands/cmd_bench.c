// cmd_bench.c — pare bench ops: device time of every op; pare bench model: a model at three token counts; pare bench
// scaling: a block of every mixer over token counts; pare bench retention: time that token pruning saves.
#include "apps/cli/bench/bench_ops.h"
#include "apps/cli/bench/bench_retention.h"
#include "apps/cli/options/policy.h"
#include "apps/cli/bench/scaling_report.h"
#include "nn/base/json.h"
#include "nn/graph/choose/choose.h"
#include "nn/models/vit/positions.h"
#include "pipeline/timing/model_times.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench_args {
    common_args common;
    const char *filter, *policy;
    bool        forward;
    uint32_t    batch;              // 0 = the default of the benchmark
    scaling_args scaling;           // of retention too
    const char *model, *data;       // of retention
    bool        no_model;
    nn_size     img_size;           // of model
} bench_args;

#define MODEL_BATCH 4u

typedef struct bench_row {
    const bench_case *c;
    bench_pass pass;
    bench_time time;
    double     of_peak;
} bench_row;

static const char *const pass_names[] = { [BENCH_FWD] = "forward", [BENCH_BWD] = "backward" };

// The setting by which an op's form is forced.
static const char *form_setting(const bench_case *c)
{
    return strcmp(c->op, "linear") == 0 ? "linear" : "attention";
}

static vkc_status run_case(vkc_device *dev, const bench_case *c, bench_pass pass, bench_time *out)
{
    if (!c->form)
        return bench_run(dev, c, pass, out);
    vkc_status st = nn_choice_override(dev, form_setting(c), c->form);
    if (st == VKC_OK)
        st = bench_run(dev, c, pass, out);
    vkc_status back = nn_choice_override(dev, form_setting(c), NULL);
    return st == VKC_OK ? back : st;
}

static double larger(double a, double b)
{
    return b > a ? b : a;           // b may be NaN
}

// The share of the best rate that any row of this run reached, in arithmetic or in memory, whichever is more.
static void fill_shares(bench_row *row, uint32_t n)
{
    double gflops = 0.0, gbps = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        gflops = larger(gflops, row[i].time.gflops);
        gbps = larger(gbps, row[i].time.gbps);
    }
    for (uint32_t i = 0; i < n; i++)
        row[i].of_peak = larger(larger(0.0, row[i].time.gflops / gflops), row[i].time.gbps / gbps);
}

// How much faster than the plain form of the same case and pass; NaN when that was not run.
static double get_ratio(const bench_row *row, uint32_t n, const bench_row *r)
{
    for (uint32_t i = 0; i < n; i++)
        if (row[i].pass == r->pass && row[i].c->form && strcmp(row[i].c->form, "plain") == 0 &&
            strcmp(row[i].c->op, r->c->op) == 0 && strcmp(row[i].c->note, r->c->note) == 0)
            return row[i].time.ms / r->time.ms;
    return (double) NAN;
}

static void print_number(double x, int digits)
{
    if (isfinite(x))
        printf("  %9.*f", digits, x);
    else
        printf("  %9s", "-");
}

static void print_rows(const bench_row *row, uint32_t n)
{
    printf("%-17s %-26s %-8s %9s  %9s  %9s  %9s  %9s\n", "op", "shape", "pass", "ms", "GFLOP/s", "GB/s", "of best",
           "to plain");
    for (uint32_t i = 0; i < n; i++) {
        char shape[64];
        snprintf(shape, sizeof shape, "%s%s%s", row[i].c->note, row[i].c->form ? ", " : "",
                 row[i].c->form ? row[i].c->form : "");
        printf("%-17s %-26s %-8s %9.3f", row[i].c->op, shape, pass_names[row[i].pass], row[i].time.ms);
        print_number(row[i].time.gflops, 2);
        print_number(row[i].time.gbps, 2);
        printf("  %7.0f %%", 100.0 * row[i].of_peak);
        print_number(get_ratio(row, n, &row[i]), 2);
        putchar('\n');
    }
}

static json_t *build_rows(const bench_row *row, uint32_t n)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < n; i++) {
        const bench_row *r = &row[i];
        json_t *o = json_pack("{s:s, s:s, s:s, s:s*, s:f, s:o, s:o, s:f, s:o, s:i, s:s}",
                              "op", r->c->op, "shape", r->c->note, "pass", pass_names[r->pass], "form", r->c->form,
                              "ms", r->time.ms, "gflops", pipeline_number(r->time.gflops), "gbps",
                              pipeline_number(r->time.gbps), "of_peak", r->of_peak, "to_plain",
                              pipeline_number(get_ratio(row, n, r)), "repeats", (int) r->time.repeats,
                              "clock", r->time.is_wall ? "wall" : "device");
        nn_json_append_new(rows, o);
    }
    return rows;
}

static vkc_status bench_ops(const bench_args *a, vkc_device *dev)
{
    vkc_status st = VKC_OK;
    uint32_t n = 0;
    bench_row *row = calloc(2 * (size_t) n_bench_cases, sizeof *row);
    if (!row)
        return VKC_FAIL(VKC_E_NOMEM, "bench: out of host memory");
    for (uint32_t i = 0; i < n_bench_cases; i++) {
        const bench_case *c = &bench_cases[i];
        if (a->filter && !strstr(c->op, a->filter))
            continue;
        const nn_op *op = nn_op_get(c->op);
        bool has_backward = op && op->grad && !a->forward;
        for (int pass = BENCH_FWD; pass <= (has_backward ? BENCH_BWD : BENCH_FWD); pass++) {
            nn_progress p = { .what = "bench", .done = i, .total = n_bench_cases, .left = -1.0, .note = c->op };
            if (!console_progress(NULL, &p)) {
                st = VKC_FAIL(VKC_E_STOPPED, "bench: stopped");
                goto done;
            }
            row[n] = (bench_row) { .c = c, .pass = (bench_pass) pass };
            st = run_case(dev, c, (bench_pass) pass, &row[n].time);
            if (st == VKC_E_DEVMEM || st == VKC_E_UNSUPPORTED)
                warn_failure();
            else if (st != VKC_OK)
                goto done;
            else
                n++;
        }
    }
    st = n > 0 ? VKC_OK : VKC_FAIL(VKC_E_ARG, "no op has \"%.40s\" in its name", a->filter ? a->filter : "");
    if (st != VKC_OK)
        goto done;
    console_clear();
    fill_shares(row, n);
    if (a->common.json)
        st = app_print_json(json_pack("{s:o, s:s, s:s}", "rows", build_rows(row, n), "device",
                                      vkc_device_get_info(dev)->name, "driver", vkc_device_get_info(dev)->driver));
    else
        print_rows(row, n);
done:
    free(row);
    return st;
}

static vkc_status bench_model(const bench_args *a, vkc_device *dev, const char *dir)
{
    pipeline_model_time t[PIPELINE_SIZES];
    uint32_t image[PIPELINE_SIZES + 1];
    nn_model_config cfg = { 0 };
    const nn_model_config *list[] = { &cfg };
    const uint32_t batch = a->batch ? a->batch : MODEL_BATCH;
    const pipeline_context c = app_context(dev);
    vkc_status st;
    VKC_TRY(nn_model_config_load(dir, &cfg));
    VKC_TRY(nn_model_config_check_pictures(&cfg));
    VKC_TRY(nn_model_config_set_size(&cfg, a->img_size));
    VKC_TRY(policy_apply(a->policy, dir, &cfg));
    if (cfg.retention.policy == NN_POLICY_HALTING)
        warn("values and images are random here, and they decide which tokens halt; `pare eval` times the "
             "trained model");
    pipeline_model_sizes(&cfg, 0, image);
    VKC_TRY(pipeline_time_models(&c, list, 1, batch, a->common.seed, image, PIPELINE_SIZES, t));
    console_clear();
    json_t *rows = json_array();
    for (int i = 0; i < PIPELINE_SIZES; i++) {
        double rate = 1e3 * batch / t[i].ms[0];
        if (t[i].tokens == 0)
            continue;
        const bool drops = cfg.retention.policy != NN_POLICY_NONE;
        nn_json_append_new(rows, json_pack("{s:i, s:i, s:f, s:f, s:i, s:o*}", "tokens", (int) t[i].tokens, "image",
                                           (int) t[i].image, "ms", t[i].ms[0], "images_per_s", rate, "repeats",
                                           (int) t[i].repeats, "keep",
                                           drops ? pipeline_number(t[i].keep[0]) : NULL));
        if (a->common.json)
            continue;
        printf("%5u tokens (%u x %u pixels): %.2f ms a batch of %u, %.1f images/s", t[i].tokens, t[i].image,
               t[i].image, t[i].ms[0], batch, rate);
        if (drops)
            printf(", %.1f %% of the patches kept", 100.0 * t[i].keep[0]);
        putchar('\n');
    }
    if (a->common.json)
        st = app_print_json(json_pack("{s:o, s:i, s:s, s:s}", "rows", rows, "batch", (int) batch, "device",
                                      vkc_device_get_info(dev)->name, "driver", vkc_device_get_info(dev)->driver));
    else
        json_decref(rows);
done:
    nn_model_config_finish(&cfg);
    return st;
}

static vkc_status open_run(const bench_args *a, vkc_device *dev, json_t *inputs, pipeline_run *out)
{
    const pipeline_context c = app_context(dev);
    return pipeline_run_open(out, &c, &(pipeline_place) { .run = a->scaling.out, .force = a->scaling.force },
                             a->common.seed, inputs);
}

// Before anything is timed.
static vkc_status check_out(const bench_args *a)
{
    const pipeline_context c = app_context(NULL);
    return a->scaling.out ? pipeline_check_place(&c, &(pipeline_place) { .run = a->scaling.out }, NULL, 0) : VKC_OK;
}

static vkc_status bench_scaling(const bench_args *a)
{
    vkc_status st = VKC_OK;
    scaling_args p = a->scaling;
    pipeline_run r = { .info = NULL };
    scaling *s = calloc(1, sizeof *s);
    vkc_device *dev = NULL;
    json_t *result = NULL;
    if (!s)
        return VKC_FAIL(VKC_E_NOMEM, "bench: out of host memory");
    p.batch = a->batch ? a->batch : 1;
    VKC_TRY(check_out(a));
    VKC_TRY(scaling_init(s, &p));
    VKC_TRY(app_open(&a->common, &dev));
    console_catch_signals();
    if (p.out)
        VKC_TRY(open_run(a, dev, scaling_inputs(s, &p, a->common.seed), &r));
    VKC_TRY(scaling_run(s, &p, dev, a->common.seed));
    console_clear();
    result = scaling_json(s, &p, dev);
    if (p.out)
        VKC_TRY(scaling_save(s, &p, dev, &r));
    if (p.out)
        VKC_TRY(pipeline_run_finish(&r, json_incref(result)));
    if (a->common.json)
        st = app_print_json(json_incref(result));
    else
        scaling_print(stdout, s, &p, dev);
done:
    json_decref(result);
    pipeline_run_close(&r);
    app_close(dev);
    free(s);
    return st;
}

// The model of --model, before blocks are timed for minutes.
static vkc_status check_model(const char *dir)
{
    nn_model_config cfg = { 0 };
    vkc_status st = dir ? nn_model_config_load(dir, &cfg) : VKC_OK;
    if (st == VKC_OK && dir)
        st = nn_model_config_check_pictures(&cfg);
    nn_model_config_finish(&cfg);
    return st;
}

static vkc_status bench_retention(const bench_args *a)
{
    vkc_status st = VKC_OK;
    retention_args p = { .lists = a->scaling, .model = a->model, .data = a->data, .forward = a->forward,
                         .no_model = a->no_model };
    pipeline_run r = { .info = NULL };
    retention_bench *b = calloc(1, sizeof *b);
    vkc_device *dev = NULL;
    json_t *result = NULL;
    if (!b)
        return VKC_FAIL(VKC_E_NOMEM, "bench: out of host memory");
    p.lists.batch = a->batch ? a->batch : 1;
    p.lists.mixers = p.lists.mixers ? p.lists.mixers : RETENTION_MIXERS;
    p.lists.tokens = p.lists.tokens ? p.lists.tokens : RETENTION_TOKENS;
    VKC_TRY(check_out(a));
    VKC_TRY(scaling_init(&b->lists, &p.lists));
    if (a->data && (!a->model || a->no_model)) {
        st = VKC_FAIL(VKC_E_ARG, "--data: images for a model, which --model names");
        goto done;
    }
    if (!a->no_model)
        VKC_TRY(check_model(a->model));
    VKC_TRY(app_open(&a->common, &dev));
    console_catch_signals();
    if (p.lists.out)
        VKC_TRY(open_run(a, dev, retention_inputs(b, &p, a->common.seed), &r));
    VKC_TRY(retention_bench_run(b, &p, dev, a->common.seed));
    if (!p.no_model)
        VKC_TRY(retention_bench_models(b, &p, dev, a->common.seed));
    console_clear();
    result = retention_json(b, &p, dev);
    if (p.lists.out)
        VKC_TRY(retention_save(b, &r));
    if (p.lists.out)
        VKC_TRY(pipeline_run_finish(&r, json_incref(result)));
    if (a->common.json)
        st = app_print_json(json_incref(result));
    else
        retention_print(stdout, b, &p, dev);
done:
    json_decref(result);
    pipeline_run_close(&r);
    app_close(dev);
    free(b);
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    const bench_args *a = options;
    bool is_ops = words->n == 1 && strcmp(words->word[0], "ops") == 0;
    bool is_model = words->n == 2 && strcmp(words->word[0], "model") == 0;
    bool is_scaling = words->n == 1 && strcmp(words->word[0], "scaling") == 0;
    bool is_retention = words->n == 1 && strcmp(words->word[0], "retention") == 0;
    vkc_device *dev = NULL;
    if (!is_ops && !is_model && !is_scaling && !is_retention)
        return VKC_FAIL(VKC_E_ARG, "usage: pare bench ops | pare bench model M | pare bench scaling | pare bench "
                                   "retention");
    if (is_scaling || is_retention)
        return is_scaling ? bench_scaling(a) : bench_retention(a);
    vkc_status st = app_open(&a->common, &dev);
    if (st == VKC_OK) {
        console_catch_signals();
        st = is_ops ? bench_ops(a, dev) : bench_model(a, dev, words->word[1]);
    }
    app_close(dev);
    return st;
}

#define AT(member) offsetof(bench_args, scaling.member)
static const arg table[] = {
    { "filter", 0, ARG_TEXT, offsetof(bench_args, filter), 0, 0, "X", "ops: only those with X in their name" },
    { "forward", 0, ARG_FLAG, offsetof(bench_args, forward), 0, 0, NULL, "ops, retention: skip backward passes" },
    { "batch", 'b', ARG_U32, offsetof(bench_args, batch), 1, 4096, "N", "batch size [model: 4, others: 1]" },
    POLICY_ROW(bench_args),
    { "img-size", 0, ARG_SIZE, offsetof(bench_args, img_size), 1, 16384, "N",
      "model: the smallest of the three image sizes [its own]" },
    { "mixers", 0, ARG_TEXT, AT(mixers), 0, 0, "X,X",
      "scaling, retention: mixers to time, their options joined by + [below]" },
    { "tokens", 0, ARG_TEXT, AT(tokens), 0, 0, "N,N", "scaling, retention: token counts [below]" },
    { "dim", 0, ARG_U32, AT(dim), 1, NN_MAX_DIM, "N", "scaling, retention: width of the block [192]" },
    { "heads", 0, ARG_U32, AT(heads), 1, NN_MAX_DIM, "N", "scaling, retention: number of heads [3]" },
    { "repeat", 0, ARG_U32, AT(repeat), 1, 1000, "N", "scaling, retention: maximum number of replays [5]" },
    { "budget", 0, ARG_REAL, AT(budget), 1e-3, 1e6, "X",
      "scaling, retention: time limit in seconds per mixer and token count [60]" },
    { "compare-serial", 0, ARG_FLAG, AT(compare_serial), 0, 0, NULL,
      "scaling: also time the token-by-token recurrence of chunked mixers" },
    { "out", 'o', ARG_OUT, AT(out), 0, 0, "RUN", "scaling, retention: run folder for tables and a plot" },
    { "force", 'f', ARG_FLAG, AT(force), 0, 0, NULL, "scaling, retention: replace an unfinished run" },
    { "model", 0, ARG_MODEL, offsetof(bench_args, model), 0, 0, "M", "retention: time this model [built-in shapes]" },
    { "data", 'd', ARG_TEXT, offsetof(bench_args, data), 0, 0, "D", "retention: data set for --model [noise]" },
    { "no-model", 0, ARG_FLAG, offsetof(bench_args, no_model), 0, 0, NULL, "retention: skip whole models" },
    { 0 },
};
static const bench_args defaults = { .scaling = { .dim = 192, .heads = 3, .repeat = 5, .budget = 60.0 } };
const command cmd_bench = {
    .name = "bench", .help = "time ops, a model, a block of every mixer over token counts, or token pruning",
    .usage = "ops | model M | scaling | retention", .table = table,
    .defaults = &defaults, .options_size = sizeof defaults, .uses = COMMAND_ALL, .min_words = 1, .max_words = 2,
    .model_from = 1, .model_to = 2, .run = run,
    .about = "Medians of several replays; device time by timestamps for ops, wall time of whole batches for models.\n"
             "Backward work is counted as twice the forward work; the bytes of each tensor are counted once.\n"
             "scaling: the minimum of several replays, mixers interleaved, device time where there are timestamps;\n"
             "exponents of forward and backward from 512 tokens up; a mixer that would take too long or does not\n"
             "fit at a token count is skipped there. Defaults: all mixers; 64,128 ... 8192 tokens.\n"
             "retention: a block with all tokens, the compaction that drops every other patch, and the block after\n"
             "it, interleaved; then whole models with and without token pruning. Defaults: attention,linear,ssd,gla,\n"
             "mingru; 257 and 1025 tokens. --batch 64 --tokens 1025 --forward --no-model measures the compaction "
             "alone.",
    .print_more = app_print_mixers,
};
