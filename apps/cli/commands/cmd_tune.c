// cmd_tune.c — pare tune: train a student end to end, with a teacher or without.
#include "apps/cli/options/tune_options.h"
#include "apps/cli/print/print.h"

#include <stdio.h>

static vkc_status tell(const tune_args *a, const pipeline_tune_result *r)
{
    console_clear();
    if (a->common.json)
        return app_print_json(json_incref(r->json));
    print_tuning(stdout, "tune", &r->train, r->depth);
    print_eval(stdout, "val", &r->val);
    print_eval(stdout, "test", &r->test);
    print_eval(stdout, "teacher val", &r->teacher_val);
    print_eval(stdout, "teacher test", &r->teacher_test);
    print_costs(stdout, &r->costs);
    printf("model    %s\n", a->out);
    return app_flush();
}

static vkc_status run(const void *options, const args_words *words)
{
    const tune_args *a = options;
    pipeline_tune_params p;
    pipeline_tune_result r = { .json = NULL };
    pipeline_context c = app_context(NULL);
    nn_dataset *data = NULL;
    vkc_status st;
    VKC_TRY(tune_open(a, words->word[0], "tune S --data D [--teacher M] -o S2", &p, &data, &c.dev));
    VKC_TRY(pipeline_tune(&c, &p, &r));
    st = tell(a, &r);
done:
    pipeline_tune_finish(&r);
    app_close(c.dev);
    nn_dataset_destroy(data);
    return st;
}

static const arg table[] = {
    TUNE_SESSION_ROWS("S2", "stop after N steps in total, as Ctrl-C does"),
    { "timing-batch", 0, ARG_U32, offsetof(tune_args, timing_batch), 1, 4096, "N", "batch size when timing [4]" },
    { "no-timing", 0, ARG_FLAG, offsetof(tune_args, no_timing), 0, 0, NULL, "do not time teacher and student" },
    { 0 },
};
static const tune_args defaults = { .d = { .batch = 64 }, .t = TUNE_DEFAULTS(1), .timing_batch = 4 };
const command cmd_tune = {
    .name = "tune", .help = "train a student end to end, with a teacher or without",
    .usage = "S --data D [--teacher M] -o S2", .table = table, .defaults = &defaults, .options_size = sizeof defaults,
    .uses = COMMAND_ALL, .min_words = 1, .max_words = 1, .model_from = 0, .model_to = 1, .run = run,
    .about =
        "Layers are compared where S differs from M. Without a teacher S learns from labels alone, and --train\n"
        "mixers, attn and blocks mean its layers without attention.\n"
        "Ctrl-C stops at the next step with a checkpoint; the same command with --resume ends in the same bits.",
};
