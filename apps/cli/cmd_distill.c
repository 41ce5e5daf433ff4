// cmd_distill.c — pare distill: measure, transfer, search, put the student together, compare.
#include "apps/cli/distill_stages.h"

#include <stdio.h>
#include <stdlib.h>

static vkc_status run_all(distill_work *w)
{
    vkc_status st;
    const distill_args *a = w->a;
    if (!a->out || !a->mixer)
        return VKC_FAIL(VKC_E_ARG, "usage: pare distill M --data D --mixer X -o S");
    VKC_TRY(nn_mixer_parse(a->mixer, &w->mixer, NULL));
    snprintf(w->mixer_text, sizeof w->mixer_text, "%s%s%s", w->mixer.mixer, *w->mixer.options ? ":" : "",
             w->mixer.options);
    w->report.mixer = w->mixer_text;
    if (!a->resume)
        VKC_TRY(app_check_output(a->out, a->force));
    VKC_TRY(measure_open_data(&a->d, &w->data));
    VKC_TRY(app_open(&a->common, &w->dev));
    VKC_TRY(nn_vit_load(w->dev, w->teacher_dir, false, &w->teacher));
    w->report.depth = w->teacher->cfg.depth;
    VKC_TRY(stage_run(w));
    console_catch_signals();
    VKC_TRY(stage_sparsity(w));
    VKC_TRY(stage_transfer(w));
    VKC_TRY(stage_search(w));
    VKC_TRY(stage_compare(w));
    st = stage_save(w);
done:
    if (st == VKC_E_STOPPED)
        run_say_stopped(&w->run);
    if (st == VKC_E_CHECK)
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
    vkc_status st = run_all(w);
    distill_sparsity_finish(&w->report.sparsity);
    run_close(&w->run);
    nn_vit_destroy(w->student);
    nn_vit_destroy(w->transferred);
    nn_vit_destroy(w->teacher);
    app_close(w->dev);
    nn_dataset_destroy(w->data);
    free(w);
    return st;
}

#define AT(member) offsetof(distill_args, member)
static const arg table[] = {
    DATA_ROW(distill_args),
    { "mixer", 'm', ARG_TEXT, AT(mixer), 0, 0, "X", "what replaces attention: ssd:state=128 ...; all are below" },
    { "max-drop", 0, ARG_REAL, AT(max_drop), 0, 100, "X", "points of top-1 on val that may be lost [1.0]" },
    { "out", 'o', ARG_TEXT, AT(out), 0, 0, "S", "model folder to write" },
    RUN_ROWS(distill_args, "S.run"),
    BATCH_ROW(distill_args, "64"),
    { "match-epochs", 0, ARG_U32, AT(match_epochs), 0, 100000, "N",
      "that match learned features to the attention weights first [0]" },
    { "match-lr", 0, ARG_REAL, AT(match_lr), 1e-12, 100, "X", "highest learning rate of the matching [1e-2]" },
    { "epochs", 'e', ARG_U32, AT(epochs), 1, 100000, "N", "of the transfer [3]" },
    { "lr", 0, ARG_REAL, AT(lr), 1e-12, 100, "X", "highest learning rate of the transfer [1e-2]" },
    { "weight-decay", 0, ARG_REAL, AT(weight_decay), 0, 100, "X", "of matrices [0]" },
    { "clip", 0, ARG_REAL, AT(clip), 0, 1e9, "X", "largest gradient norm over all layers, 0 = any [0]" },
    { "max-steps", 0, ARG_U32, AT(max_steps), 1, 4e9, "N",
      "stop matching or transfer after N steps in all, as Ctrl-C does" },
    FINITE_ROWS(distill_args, "on in matching and transfer"), THREADS_ROW(distill_args), LIMIT_ROW(distill_args),
    { "timing-batch", 0, ARG_U32, AT(timing_batch), 1, 4096, "N", "pictures at once when timing [4]" },
    { "no-timing", 0, ARG_FLAG, AT(no_timing), 0, 0, NULL, "do not time teacher and student" },
    { 0 },
};
static const distill_args defaults = {
    .d = { .batch = 64 }, .max_drop = 1.0, .lr = 1e-2, .epochs = 3, .match_lr = 1e-2,
    .timing_batch = 4,
};
const command cmd_distill = {
    .name = "distill", .help = "replace the attention that can go, and write the student",
    .usage = "M --data D --mixer X -o S [--max-drop 1.0]", .table = table, .defaults = &defaults,
    .options_size = sizeof defaults, .min_words = 1, .max_words = 1, .run = run,
    .about = "Ctrl-C stops at the next step; the same command with --resume goes on to the same student.",
    .print_more = app_print_mixers,
};
