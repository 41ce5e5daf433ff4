// cmd_selftest.c — pare selftest: checks that this device computes correctly.
#include "apps/cli/core/app.h"
#include "apps/cli/selftest/selftest_models.h"
#include "apps/cli/selftest/selftest_random.h"
#include "nn/base/json.h"
#include "nn/graph/check.h"
#include "nn/infer/golden.h"
#include "pipeline/base/version.h"
#include "vk/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct selftest_args {
    common_args common;
    bool quick;
} selftest_args;

typedef struct selftest {
    const selftest_args *a;
    vkc_device *dev;
    json_t *models, *mixers;        // owned
    nn_check_op *op;                // (nn_n_ops) of all checks; owned
    uint32_t n_models, n_bad, n_ops;
} selftest;

static void print_row(const selftest *s, const char *kind, const char *name, bool ok, const char *text)
{
    if (s->a->common.json)
        return;
    const char *end = strstr(text, "; device ");        // which is said once, below
    console_clear();
    printf("%-6s  %-24s  %-4s  %.*s\n", kind, name, ok ? "ok" : "BAD",
           (int) (end ? end - text : (ptrdiff_t) strlen(text)), text);
    fflush(stdout);
}

static void add_figures(selftest *s, const nn_check *c)
{
    for (uint32_t i = 0; i < nn_n_ops; i++) {
        const nn_check_op *now = nn_check_get_op(c, i);
        nn_check_op *all = &s->op[i];
        s->n_ops += now->calls && !all->calls;
        if (now->calls && (!all->calls || now->worst > all->worst)) {
            const uint64_t calls = all->calls;
            const double nmse = all->nmse;
            *all = *now;
            all->calls = calls;
            all->nmse = nmse;
        }
        all->calls += now->calls;
        all->nmse = fmax(all->nmse, now->nmse);
    }
}

static json_t *found_json(const nn_check_found *f)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "op", f->op->name, "place", f->scope, "text",
                     f->text, "row", (json_int_t) f->row, "column", (json_int_t) f->column, "error",
                     pipeline_number(f->error), "bar", pipeline_number(f->bar), "value", pipeline_number(f->value),
                     "want", pipeline_number(f->want));
}

// The result of one golden model; `found` is the op that is to blame, NULL = none.
static void tell_golden(selftest *s, const char *name, const nn_golden_result *r, const nn_check_found *found)
{
    const bool ok = nn_golden_is_right(r) && !found;
    char layer[24], text[1024];
    double most = 0;
    json_t *layers = json_array(), *bad = json_null();
    for (uint32_t l = 0; l < r->n_layers; l++) {
        most = fmax(most, r->layer[l]);
        nn_json_append_new(layers, json_pack("{s:s, s:o}", "name", nn_golden_name(r, l, layer), "error",
                                             pipeline_number(r->layer[l])));
    }
    if (!nn_golden_is_right(r)) {
        const bool at_end = r->first_bad == r->n_layers;
        const double error = at_end ? r->logits : r->layer[r->first_bad];
        nn_golden_name(r, r->first_bad, layer);
        snprintf(text, sizeof text, "%s: differs by %.2g (bar %.0e) from PyTorch; %s", layer, error,
                 at_end ? NN_GOLDEN_LOGITS : NN_GOLDEN_LAYER,
                 found ? found->text : "each op by itself is right: what is wrong is memory, or the model");
        bad = json_pack("{s:s, s:o, s:o}", "layer", layer, "error", pipeline_number(error), "op",
                        found ? found_json(found) : json_null());
    } else if (found) {
        snprintf(text, sizeof text, "%s", found->text);
        bad = json_pack("{s:n, s:n, s:o}", "layer", "error", "op", found_json(found));
    } else {
        snprintf(text, sizeof text, "logits within %.1e of PyTorch's, activations within %.1e of their size", r->logits,
                 most);
    }
    s->n_models++;
    s->n_bad += !ok;
    print_row(s, "model", name, ok, text);
    nn_json_append_new(s->models, json_pack("{s:s, s:b, s:o, s:o, s:o}", "name", name, "ok", (int) ok,
                                            "worst_logits", pipeline_number(r->logits), "layers", layers,
                                            "first_bad", bad));
}

// Twice: as any model runs, against PyTorch; and checked, op by op, which places its tensors apart.
static vkc_status run_golden(selftest *s, const char *name)
{
    vkc_status st;
    nn_golden_result r, unused;
    nn_check *c = NULL;
    char dir[SELFTEST_PATH_MAX] = "";
    VKC_TRY(selftest_unpack(name, dir));
    VKC_TRY(nn_golden_run(s->dev, dir, &r));
    VKC_TRY(nn_check_create(s->dev, &(nn_check_params) { .every = 1, .goes_on = true }, &c));
    VKC_TRY(nn_golden_run(s->dev, dir, &unused));
    tell_golden(s, name, &r, nn_check_first(c));
    add_figures(s, c);
done:
    nn_check_destroy(c);
    selftest_remove(name, dir);
    return st;
}

static void tell_random(selftest *s, const char *name, const nn_check *c)
{
    const nn_check_found *found = nn_check_first(c);
    const uint32_t worst = nn_check_worst(c);
    const double error = worst < nn_n_ops ? nn_check_get_op(c, worst)->worst : 0;
    char text[1024];
    if (found)
        snprintf(text, sizeof text, "%s", found->text);
    else
        snprintf(text, sizeof text, "%llu calls within %.1e of the reference (op %s)",
                 (unsigned long long) nn_check_calls(c), error, worst < nn_n_ops ? nn_ops[worst]->name : "none");
    s->n_models++;
    s->n_bad += found != NULL;
    print_row(s, "random", name, !found, text);
    nn_json_append_new(s->mixers, json_pack("{s:s, s:b, s:I, s:o, s:o}", "name", name, "ok", (int) !found, "calls",
                                            (json_int_t) nn_check_calls(c), "worst", pipeline_number(error),
                                            "first_bad", found ? found_json(found) : json_null()));
}

static vkc_status run_random(selftest *s, uint32_t i)
{
    nn_check *c = NULL;
    vkc_status st = nn_check_create(s->dev, &(nn_check_params) { .every = 1, .goes_on = true }, &c);
    if (st == VKC_OK)
        st = selftest_random_run(s->dev, i, s->a->common.seed);
    if (st == VKC_OK)
        tell_random(s, selftest_random_name(i), c);
    if (st == VKC_OK)
        add_figures(s, c);
    nn_check_destroy(c);
    return st;
}

// A model that could not be run at all; the next may. Some reasons are no verdict on the device.
static vkc_status tell_failure(selftest *s, bool is_golden, const char *name, vkc_status st)
{
    if (st == VKC_OK || st == VKC_E_NOMEM || st == VKC_E_STOPPED || st == VKC_E_IO || st == VKC_E_ARG)
        return st;
    const char *text = vkc_last_error();
    json_t *error = json_string(text);
    s->n_models++;
    s->n_bad++;
    print_row(s, is_golden ? "model" : "random", name, false, text);
    if (is_golden)
        nn_json_append_new(s->models, json_pack("{s:s, s:b, s:n, s:[], s:{s:n, s:n, s:n, s:o}}", "name", name, "ok",
                                                0, "worst_logits", "layers", "first_bad", "layer", "error", "op",
                                                "failure", error));
    else
        nn_json_append_new(s->mixers, json_pack("{s:s, s:b, s:i, s:n, s:{s:o}}", "name", name, "ok", 0, "calls", 0,
                                                "worst", "first_bad", "failure", error));
    return vkc_device_is_lost(s->dev) ? st : VKC_OK;
}

static json_t *ops_json(const selftest *s)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < nn_n_ops; i++)
        if (s->op[i].calls)
            nn_json_append_new(list, json_pack("{s:s, s:I, s:o, s:o, s:o}", "op", nn_ops[i]->name, "calls",
                                               (json_int_t) s->op[i].calls, "worst", pipeline_number(s->op[i].worst),
                                               "nmse", pipeline_number(s->op[i].nmse), "bar",
                                               pipeline_number(nn_check_get_bars(nn_ops[i]).error)));
    return list;
}

static vkc_status print(const selftest *s, double seconds)
{
    const vkc_device_info *d = vkc_device_get_info(s->dev);
    char driver[520];
    snprintf(driver, sizeof driver, "%s %s", d->driver, d->driver_info);
    if (s->a->common.json)
        return app_print_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:O, s:o, s:O, s:o, s:b}", "device", d->name,
                                        "driver", driver, "api", d->api, "version", pipeline_version, "commit",
                                        pipeline_commit, "models", s->models, "ops", ops_json(s), "mixers", s->mixers,
                                        "seconds", pipeline_number(seconds), "ok", (int) (s->n_bad == 0)));
    printf("\ndevice  %s\ndriver  %s, Vulkan %s\npare    %s%s%s\n", d->name, driver, d->api, pipeline_version,
           *pipeline_commit ? ", commit " : "", pipeline_commit);
    if (s->n_bad)
        printf("%u of %u models BAD in %.1f s\n", s->n_bad, s->n_models, seconds);
    else
        printf("%u model%s and %u ops right in %.1f s\n", s->n_models, s->n_models == 1 ? "" : "s", s->n_ops, seconds);
    return app_flush();
}

static vkc_status run_all(selftest *s)
{
    vkc_status st = VKC_OK;
    for (const char *m = selftest_next(NULL); m && st == VKC_OK && !console_is_stopped(); m = selftest_next(m))
        st = tell_failure(s, true, m, run_golden(s, m));
    for (uint32_t i = 0; !s->a->quick && selftest_random_name(i) && st == VKC_OK && !console_is_stopped(); i++)
        st = tell_failure(s, false, selftest_random_name(i), run_random(s, i));
    return st == VKC_OK && console_is_stopped() ? VKC_FAIL(VKC_E_STOPPED, "selftest: stopped") : st;
}

static vkc_status run(const void *options, const args_words *words)
{
    (void) words;
    selftest s = { .a = options, .models = json_array(), .mixers = json_array(),
                   .op = (nn_check_op *) calloc(nn_n_ops, sizeof *s.op) };
    common_args common = s.a->common;
    const double start = vkc_seconds();
    vkc_status st;
    common.check_cpu = false;       // it does so by itself
    common.check_every = 0;
    console_catch_signals();
    if (!s.op) {
        st = VKC_FAIL(VKC_E_NOMEM, "selftest: out of host memory");
        goto done;
    }
    VKC_TRY(app_open(&common, &s.dev));
    VKC_TRY(run_all(&s));
    VKC_TRY(print(&s, vkc_seconds() - start));
    if (s.n_bad)
        st = VKC_FAIL(VKC_E_CHECK, "this device or its driver computes wrong results, or pare does: please report it, "
                      "and attach the output of `pare selftest --json`");
done:
    app_close(s.dev);
    json_decref(s.models);
    json_decref(s.mixers);
    free(s.op);
    return st;
}

static const arg table[] = {
    { "quick", 0, ARG_FLAG, offsetof(selftest_args, quick), 0, 0, NULL,
      "only the models with reference outputs of PyTorch" },
    { 0 },
};
static const selftest_args defaults = { .quick = false };
const command cmd_selftest = {
    .name = "selftest", .help = "check that this device computes correctly", .usage = "", .table = table,
    .defaults = &defaults, .options_size = sizeof defaults, .uses = COMMAND_DEVICE | COMMAND_SEED | COMMAND_JSON,
    .run = run,
    .about =
        "Models with reference outputs of PyTorch are run and compared block by block; then each op of theirs, and\n"
        "of random models with every mixer and pruning policy, is compared with the CPU. Exit code 1 when anything\n"
        "differs.",
};
