// cmd_distill.c — pare distill: measure, transfer, search, put the student together, tune it, compare.
#include "apps/cli/distill/distill_stages.h"

#include "nn/models/vit/positions.h"

#include <stdio.h>
#include <stdlib.h>

// What can be said before a device is opened.
static vkc_status check_options(distill_work *w)
{
    const distill_args *a = w->a;
    distill_report *r = &w->report;
    distill_tune_params unused;
    distill_target target;
    distill_distance distance;
    vkc_status st;
    if (!a->out || (!a->mixer && !a->from))
        return VKC_FAIL(VKC_E_ARG, "usage: pare distill M --data D --mixer X -o S, or with --from S1,S2 for --mixer");
    if (a->best && a->most)
        return VKC_FAIL(VKC_E_ARG, "--best and --most: want one of the two");
    VKC_TRY(report_objective_get(a->objective, &r->objective));
    VKC_TRY(distill_target_get(a->target, &target));
    VKC_TRY(distill_distance_get(a->distance, &distance));
    VKC_TRY(tune_make_params(&a->tune, &unused));
    VKC_TRY(mixers_read(w));
    if (!a->resume)
        st = app_check_output(a->out, a->force);
done:
    return st;
}

// What the teacher must be, before a folder is made.
static vkc_status check_teacher(distill_work *w)
{
    nn_model_config at = { 0 };
    distill_report *r = &w->report;
    r->depth = w->teacher->cfg.depth;
    const nn_size size = w->a->img_size;
    if (size.height != size.width || w->teacher->cfg.height != w->teacher->cfg.width)
        return VKC_FAIL(VKC_E_ARG, "distill: pictures must be square: it times models at several sizes");
    r->image = size.height ? size.height : w->teacher->cfg.height;
    vkc_status st = nn_model_config_copy(&w->teacher->cfg, &at);
    if (st == VKC_OK)
        st = nn_model_config_set_size(&at, (nn_size) { r->image, r->image });
    if (st == VKC_OK)
        st = search_check(w);
    nn_model_config_finish(&at);
    return st;
}

static vkc_status run_all(distill_work *w)
{
    vkc_status st;
    const distill_args *a = w->a;
    VKC_TRY(check_options(w));
    VKC_TRY(measure_open_data(&a->d, &w->data));
    VKC_TRY(app_open(&a->common, &w->dev));
    VKC_TRY(nn_model_load(w->dev, w->teacher_dir, false, &w->teacher));
    VKC_TRY(check_teacher(w));
    VKC_TRY(mixers_load(w));
    VKC_TRY(stage_run(w));
    console_catch_signals();
    VKC_TRY(stage_sparsity(w));
    VKC_TRY(mixers_transfer(w));
    VKC_TRY(search_run(w));
    VKC_TRY(stage_tune(w));
    VKC_TRY(stage_compare(w));
    st = stage_save(w);
done:
    if (st == VKC_E_STOPPED)
        run_say_stopped(&w->run);
    if (st == VKC_E_CHECK && !w->is_refused)
        run_say_failed(&w->run);
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    const distill_args *a = options;
    distill_work *w = calloc(1, sizeof *w);
    if (!w)
        return VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    w->a = a;
    w->teacher_dir = words->word[0];
    w->report.max_drop = a->max_drop / 100.0;
    w->report.guarded = a->confidence > 0.0;
    w->report.confidence = a->confidence > 0.0 ? a->confidence : 0.9;
    vkc_status st = run_all(w);
    distill_report_finish(&w->report);
    run_close(&w->run);
    nn_model_destroy(w->student);
    for (uint32_t k = 0; k < DISTILL_MAX_CHOICES; k++)
        nn_model_destroy(w->replaced[k]);
    nn_model_destroy(w->teacher);
    app_close(w->dev);
    nn_dataset_destroy(w->data);
    free(w);
    return st;
}

#define AT(member) offsetof(distill_args, member)
static const arg table[] = {
    DATA_ROW(distill_args),
    { "mixer", 'm', ARG_TEXT, AT(mixer), 0, 0, "X,X",
      "what may replace attention: linear,ssd:state=128 ...; all are below" },
    { "from", 0, ARG_TEXT, AT(from), 0, 0, "S,S", "students with every attention layer replaced, besides or instead" },
    { "max-drop", 0, ARG_REAL, AT(max_drop), 0, 100, "X", "points of top-1 on val that may be lost [1.0]" },
    { "confidence", 0, ARG_REAL, AT(confidence), 0.5, 0.999, "X",
      "the drop must stay within that by the interval of this probability too [it is shown: 0.9]" },
    { "objective", 0, ARG_TEXT, AT(objective), 0, 0, "O",
      "accuracy, latency (of a block, here, at --img-size) or params [accuracy]" },
    IMG_SIZE_ROW(distill_args),
    { "most", 0, ARG_FLAG, AT(most), 0, 0, NULL, "the student is the one with the most replaced [so it is]" },
    { "best", 0, ARG_FLAG, AT(best), 0, 0, NULL, "the student is the most accurate on the way" },
    { "baselines", 0, ARG_FLAG, AT(baselines), 0, 0, NULL, "other orders too: one-shot, sparsity, uniform, random" },
    { "path-test", 0, ARG_FLAG, AT(path_test), 0, 0, NULL, "judge each step of the search on test too" },
    { "whole-trials", 0, ARG_FLAG, AT(whole_trials), 0, 0, NULL,
      "run all layers in every trial: slower, the same scores" },
    { "out", 'o', ARG_TEXT, AT(out), 0, 0, "S", "model folder to write" },
    RUN_ROWS(distill_args, "S.run"),
    BATCH_ROW(distill_args, "64"),
    { "match-epochs", 0, ARG_U32, AT(match_epochs), 0, 100000, "N",
      "that match learned features to the attention weights first [0]" },
    { "match-lr", 0, ARG_REAL, AT(match_lr), 1e-12, 100, "X", "highest learning rate of the matching [1e-2]" },
    { "epochs", 'e', ARG_U32, AT(epochs), 1, 100000, "N", "of the transfer [3]" },
    { "lr", 0, ARG_REAL, AT(lr), 1e-12, 100, "X", "highest learning rate of the transfer [1e-2]" },
    { "target", 0, ARG_TEXT, AT(target), 0, 0, "T", "of the transfer: a module's output, or its heads [output]" },
    { "distance", 0, ARG_TEXT, AT(distance), 0, 0, "D", "of the transfer: mse, or cosine along the tokens [mse]" },
    { "weight-decay", 0, ARG_REAL, AT(weight_decay), 0, 100, "X", "of matrices [0]" },
    { "clip", 0, ARG_REAL, AT(clip), 0, 1e9, "X", "largest gradient norm over all layers, 0 = any [0]" },
    { "max-steps", 0, ARG_U32, AT(max_steps), 1, 4e9, "N",
      "stop training after N steps in all, as Ctrl-C does" },
    TUNE_ROWS(distill_args, tune, "tune-", "0"),
    { "tune-all-epochs", 0, ARG_U32, AT(tune_all_epochs), 1, 100000, "N",
      "of tuning the whole network after that [0]" },
    { "tune-all-lr", 0, ARG_REAL, AT(tune_all_lr), 1e-12, 100, "X", "highest learning rate of it [2e-4]" },
    FINITE_ROWS(distill_args, "on in training"), THREADS_ROW(distill_args), LIMIT_ROW(distill_args),
    { "timing-batch", 0, ARG_U32, AT(timing_batch), 1, 4096, "N", "pictures at once when timing [4]" },
    { "no-timing", 0, ARG_FLAG, AT(no_timing), 0, 0, NULL, "do not time teacher and student" },
    { 0 },
};
static const distill_args defaults = {
    .d = { .batch = 64 }, .objective = "accuracy", .target = "output", .distance = "mse", .max_drop = 1.0, .lr = 1e-2,
    .epochs = 3, .match_lr = 1e-2, .timing_batch = 4, .tune = TUNE_DEFAULTS(0), .tune_all_lr = -1.0,
};
const command cmd_distill = {
    .name = "distill", .help = "replace the attention that can go, and write the student",
    .usage = "M --data D --mixer X[,X] -o S [--max-drop 1.0]", .table = table, .defaults = &defaults,
    .options_size = sizeof defaults, .min_words = 1, .max_words = 1, .run = run,
    .about = "Ctrl-C stops at the next step; the same command with --resume goes on to the same student.\n"
             "With --tune-epochs or --tune-all-epochs the student is trained on its own stream after the search.",
    .print_more = app_print_mixers,
};
