// cmd_bench.c — pare bench ops: device time of every op; pare bench model: a model at three token counts.
#include "apps/cli/bench_ops.h"
#include "apps/cli/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench_args {
    common_args common;
    const char *filter;
    bool        forward;
    uint32_t    batch;
} bench_args;

typedef struct bench_row {
    const bench_case *c;
    bench_pass pass;
    bench_time time;
    double     of_peak;
} bench_row;

static const char *const pass_names[] = { [BENCH_FWD] = "forward", [BENCH_BWD] = "backward" };

// The environment variable by which an op's form is forced.
static const char *form_variable(const bench_case *c)
{
    return strcmp(c->op, "linear") == 0 ? "PARE_LINEAR" : "PARE_ATTENTION";
}

static vkc_status run_case(vkc_device *dev, const bench_case *c, bench_pass pass, bench_time *out)
{
    if (!c->form)
        return bench_run(dev, c, pass, out);
    const char *name = form_variable(c), *had = getenv(name);
    char *before = had ? strdup(had) : NULL;
    setenv(name, c->form, 1);
    vkc_status st = bench_run(dev, c, pass, out);
    if (before)
        setenv(name, before, 1);
    else
        unsetenv(name);
    free(before);
    return st;
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
                              "ms", r->time.ms, "gflops", app_number(r->time.gflops), "gbps",
                              app_number(r->time.gbps), "of_peak", r->of_peak, "to_plain",
                              app_number(get_ratio(row, n, r)), "repeats", (int) r->time.repeats,
                              "clock", r->time.is_wall ? "wall" : "device");
        json_array_append_new(rows, o);
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
    measure_time t[MEASURE_SIZES];
    nn_model_config cfg = { 0 };
    const nn_model_config *list[] = { &cfg };
    vkc_status st;
    VKC_TRY(nn_model_config_load(dir, &cfg));
    VKC_TRY(measure_times(dev, list, 1, a->batch, a->common.seed, t));
    console_clear();
    json_t *rows = json_array();
    for (int i = 0; i < MEASURE_SIZES; i++) {
        double rate = 1e3 * a->batch / t[i].ms[0];
        if (t[i].tokens == 0)
            continue;
        json_array_append_new(rows, json_pack("{s:i, s:i, s:f, s:f, s:i}", "tokens", (int) t[i].tokens, "image",
                                              (int) t[i].image, "ms", t[i].ms[0], "images_per_s", rate, "repeats",
                                              (int) t[i].repeats));
        if (!a->common.json)
            printf("%5u tokens (%u x %u pixels): %.2f ms a batch of %u, %.1f images/s\n", t[i].tokens, t[i].image,
                   t[i].image, t[i].ms[0], a->batch, rate);
    }
    if (a->common.json)
        st = app_print_json(json_pack("{s:o, s:i, s:s, s:s}", "rows", rows, "batch", (int) a->batch, "device",
                                      vkc_device_get_info(dev)->name, "driver", vkc_device_get_info(dev)->driver));
    else
        json_decref(rows);
done:
    nn_model_config_finish(&cfg);
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    const bench_args *a = options;
    bool is_ops = words->n == 1 && strcmp(words->word[0], "ops") == 0;
    bool is_model = words->n == 2 && strcmp(words->word[0], "model") == 0;
    vkc_device *dev = NULL;
    if (!is_ops && !is_model)
        return VKC_FAIL(VKC_E_ARG, "usage: pare bench ops | pare bench model M");
    vkc_status st = app_open(&a->common, &dev);
    if (st == VKC_OK) {
        console_catch_signals();
        st = is_ops ? bench_ops(a, dev) : bench_model(a, dev, words->word[1]);
    }
    app_close(dev);
    return st;
}

static const arg table[] = {
    { "filter", 0, ARG_TEXT, offsetof(bench_args, filter), 0, 0, "X", "ops: only those with X in their name" },
    { "forward", 0, ARG_FLAG, offsetof(bench_args, forward), 0, 0, NULL, "ops: no backward passes" },
    { "batch", 'b', ARG_U32, offsetof(bench_args, batch), 1, 4096, "N", "model: pictures at once [4]" },
    { 0 },
};
static const bench_args defaults = { .batch = 4 };
const command cmd_bench = {
    .name = "bench", .help = "time ops, or a model at three token counts", .usage = "ops | model M", .table = table,
    .defaults = &defaults, .options_size = sizeof defaults, .min_words = 1, .max_words = 2, .run = run,
    .about = "Medians of several replays; device time by timestamps for ops, wall time of whole batches for models.\n"
             "Forward work is counted in full, backward work as twice that; bytes once a tensor.",
};
