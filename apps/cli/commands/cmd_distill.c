// cmd_distill.c — pare distill: measure, transfer, search, assemble the student, tune it, compare.
#include "apps/cli/core/list.h"
#include "apps/cli/options/schedule_options.h"
#include "apps/cli/options/tune_options.h"
#include "apps/cli/print/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct distill_args {
    common_args common;
    data_args   d;
    const char *mixer, *from, *out, *run, *target, *distance, *objective, *match_loss;
    schedule_options schedule;
    tune_options tune, tune_all;    // after the search; 0 epochs = no tuning
    nn_size     img_size;
    bool        most, resume, force, keep_best;
    double      max_drop;           // < 0: not given
    pipeline_distill_params p;      // the rest
} distill_args;

typedef struct distill_lists { text_list mixer, from; uint32_t layers[NN_MAX_DEPTH]; } distill_lists;

static vkc_status read_objective(const char *name, pipeline_objective *out)
{
    for (int i = 0; i < PIPELINE_N_OBJECTIVES; i++) {
        if (strcmp(pipeline_objective_name((pipeline_objective) i), name) == 0) {
            *out = (pipeline_objective) i;
            return VKC_OK;
        }
    }
    return VKC_FAIL(VKC_E_ARG, "--objective %.40s: want accuracy, latency or params", name);
}

static vkc_status read_options(const distill_args *a, const char *teacher, distill_lists *l,
                               pipeline_distill_params *out)
{
    vkc_status st;
    if (!a->out || (!a->mixer && !a->from))
        return VKC_FAIL(VKC_E_ARG, "usage: pare distill M --data D --mixer X -o S, or with --from S1,S2 for --mixer");
    if (a->p.best && a->most)
        return VKC_FAIL(VKC_E_ARG, "--best and --most: want one of the two");
    if (a->max_drop >= 0.0 && a->p.min_share > 0.0)
        return VKC_FAIL(VKC_E_ARG, "--max-drop and --min-share: want one of the two");
    *out = a->p;
    out->limited = a->max_drop >= 0.0 || a->p.min_share > 0.0;
    if (a->max_drop >= 0.0)
        out->max_drop = a->max_drop;
    out->teacher = teacher;
    out->data.batch = a->d.batch;
    out->place = (pipeline_place) RUN_PLACE(a);
    out->seed = a->common.seed;
    out->size = a->img_size;
    VKC_TRY(read_objective(a->objective, &out->objective));
    VKC_TRY(distill_target_get(a->target, &out->target));
    VKC_TRY(distill_distance_get(a->distance, &out->distance));
    VKC_TRY(schedule_read(&a->schedule, l->layers, out));
    if (a->match_loss)
        VKC_TRY(distill_match_loss_get(a->match_loss, &out->match_loss));
    if (a->match_loss && !a->p.match_epochs)
        return VKC_FAIL(VKC_E_ARG, "--match-loss: wants --match-epochs, how long to match");
    VKC_TRY(tune_read(&a->tune, "tune-", &out->tune));
    VKC_TRY(tune_read(&a->tune_all, "tune-all-", &out->tune_all));
    out->tune_all.keep_last = out->tune.keep_last;      // one option for both
    VKC_TRY(list_split(a->mixer, &l->mixer));
    VKC_TRY(list_split(a->from, &l->from));
    out->mixer = l->mixer.item;
    out->n_mixers = l->mixer.n;
    out->from = l->from.item;
    out->n_from = l->from.n;
done:
    return st;
}

// What a stage found, as soon as it is over.
static vkc_status print_stage(void *user, pipeline_distill_stage stage, uint32_t i, const pipeline_distill_result *r)
{
    const pipeline_distill_params *p = user;
    console_clear();
    switch (stage) {
    case PIPELINE_DISTILL_SPARSITY:
        puts("attention of the teacher:");
        print_sparsity(stdout, &r->sparsity, &(sparsity_view) { .keys = DISTILL_KEYS_ALL });
        putchar('\n');
        break;
    case PIPELINE_DISTILL_TRANSFER: print_transfer(stdout, r, i); break;
    case PIPELINE_DISTILL_COST: print_block_times(stdout, r, p->timing_batch); break;
    case PIPELINE_DISTILL_SEARCH: print_path(stdout, r); break;
    case PIPELINE_DISTILL_BASELINES:
        print_impact(stdout, r);
        print_baselines(stdout, r);
        break;
    case PIPELINE_DISTILL_TUNE:
        print_tuning(stdout, r->tune[i].what, &r->tune[i].result, r->depth);
        putchar('\n');
        break;
    case PIPELINE_DISTILL_STEP: print_schedule_step(stdout, r, i); break;
    }
    return app_flush();
}

static vkc_status tell(const distill_args *a, const pipeline_distill_params *p, const pipeline_distill_result *r)
{
    char beside[PIPELINE_PATH_MAX];
    vkc_status st = pipeline_distill_beside(&p->place, p->best, beside);
    if (st != VKC_OK)
        return st;
    console_clear();
    if (a->common.json)
        return app_print_json(json_incref(r->json));
    print_student(stdout, r);
    print_costs(stdout, &r->costs);
    if (!r->schedule)
        print_students(stdout, r);
    printf("student          %s\n", a->out);
    if (r->picked[pipeline_distill_other(r)].is_written)
        printf("beside it        %s\n", beside);
    return VKC_OK;
}

static vkc_status run(const void *options, const args_words *words)
{
    const distill_args *a = options;
    distill_lists lists = { .mixer = { .n = 0 } };
    pipeline_distill_params p;
    pipeline_context c = app_context(NULL);
    nn_dataset *data = NULL;
    pipeline_distill_result *r = calloc(1, sizeof *r);
    vkc_status st;
    if (!r)
        return VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    VKC_TRY(read_options(a, words->word[0], &lists, &p));
    VKC_TRY(pipeline_distill_check(&c, &p));
    VKC_TRY(data_open(&a->d, &data));
    VKC_TRY(app_open(&a->common, &c.dev));
    p.data = data_of(&a->d, data);
    p.told = a->common.json ? NULL : print_stage;
    c.user = &p;
    VKC_TRY(pipeline_distill(&c, &p, r));
    st = tell(a, &p, r);
done:
    pipeline_distill_finish(r);
    free(r);
    app_close(c.dev);
    nn_dataset_destroy(data);
    text_list_free(&lists.mixer);
    text_list_free(&lists.from);
    return st;
}

#define AT(member) offsetof(distill_args, member)
static const arg table[] = {
    DATA_ROW(distill_args), LABELS_ROW(distill_args), ANY_TEACHER_ROW(distill_args),
    { "mixer", 'm', ARG_TEXT, AT(mixer), 0, 0, "X,X",
      "candidates to replace attention, such as linear,ssd:state=128; listed below" },
    { "from", 0, ARG_MODELS, AT(from), 0, 0, "S,S",
      "students with all attention replaced, or that of --layers, as more candidates or in place of --mixer" },
    SCHEDULE_ROWS(distill_args, schedule),
    { "max-drop", 0, ARG_REAL, AT(max_drop), 0, 100, "X",
      "largest drop of top-1 on val, in percentage points [1.0; with --schedule any]" },
    { "min-share", 0, ARG_REAL, AT(p.min_share), 1e-6, 1, "X",
      "in place of it: share of the teacher's top-1 on val to keep, such as 0.95" },
    { "confidence", 0, ARG_REAL, AT(p.confidence), 0.5, 0.999, "X",
      "also require the lower confidence bound to stay within the tolerance" },
    { "objective", 0, ARG_TEXT, AT(objective), 0, 0, "O",
      "order layers by accuracy, latency (measured per block at --img-size) or params [accuracy]" },
    IMG_SIZE_ROW(distill_args),
    { "most", 0, ARG_FLAG, AT(most), 0, 0, NULL,
      "S is the model with the most layers replaced, S-best the most accurate of the search (default)" },
    { "best", 0, ARG_FLAG, AT(p.best), 0, 0, NULL, "S is the most accurate, S-most the one with the most replaced" },
    { "baselines", 0, ARG_FLAG, AT(p.baselines), 0, 0, NULL,
      "also evaluate other orders: one-shot, impact, sparsity, uniform, random" },
    { "path-test", 0, ARG_FLAG, AT(p.path_test), 0, 0, NULL, "also evaluate each step of the search on test" },
    { "whole-trials", 0, ARG_FLAG, AT(p.whole_trials), 0, 0, NULL,
      "run all layers in every trial: slower, same scores" },
    { "out", 'o', ARG_OUT, AT(out), 0, 0, "S", "model folder to write" },
    RUN_ROWS(distill_args, "S.run"),
    BATCH_ROW(distill_args, "64"),
    { "match-epochs", 0, ARG_U32, AT(p.match_epochs), 0, 100000, "N",
      "epochs of matching feature maps to the attention weights first [0]" },
    { "match-loss", 0, ARG_TEXT, AT(match_loss), 0, 0, "L",
      "match features by kl, or a mixer's mixing matrix by its distance: matrix [kl]" },
    { "match-lr", 0, ARG_REAL, AT(p.match_lr), 1e-12, 100, "X", "peak learning rate of the matching [1e-2]" },
    { "epochs", 'e', ARG_U32, AT(p.epochs), 0, 100000, "N",
      "epochs of the transfer; 0 = none, mixers start from the attention's parameters [3]" },
    { "lr", 0, ARG_REAL, AT(p.lr), 1e-12, 100, "X", "peak learning rate of the transfer [1e-2]" },
    { "target", 0, ARG_TEXT, AT(target), 0, 0, "T", "transfer loss on the module's output or its heads [output]" },
    { "distance", 0, ARG_TEXT, AT(distance), 0, 0, "D", "transfer loss: mse, or cosine along the tokens [mse]" },
    { "weight-decay", 0, ARG_REAL, AT(p.weight_decay), 0, 100, "X", "weight decay of matrices [0]" },
    { "clip", 0, ARG_REAL, AT(p.clip), 0, 1e9, "X", "gradient clipping: largest global norm, 0 = off [0]" },
    { "max-steps", 0, ARG_U32, AT(p.max_steps), 1, 4e9, "N",
      "stop after N training steps in total, as Ctrl-C does" },
    TUNE_ROWS(distill_args, tune, "tune-", "0"),
    TUNE_ROWS_OF(distill_args, tune_all, "tune-all-", "0", "all", "a second tuning, after that"),
    KEEP_BEST_ROWS(distill_args, tune.p.keep_last, "on"),
    FINITE_ROWS(distill_args, "on in training"), THREADS_ROW(distill_args), LIMIT_ROW(distill_args),
    { "timing-batch", 0, ARG_U32, AT(p.timing_batch), 1, 4096, "N", "batch size when timing [4]" },
    { "no-timing", 0, ARG_FLAG, AT(p.no_timing), 0, 0, NULL, "do not time teacher and student" },
    { 0 },
};
static const distill_args defaults = {
    .d = { .batch = 64 }, .max_drop = -1.0, .objective = "accuracy", .target = "output", .distance = "mse",
    .tune = TUNE_DEFAULTS(0), .tune_all = TUNE_DEFAULTS_OF(0, "all"),
    .p = PIPELINE_DISTILL_DEFAULTS,
};
const command cmd_distill = {
    .name = "distill", .help = "replace attention layers within an accuracy budget, write the student",
    .usage = "M --data D --mixer X[,X] -o S [--max-drop 1.0]", .table = table, .defaults = &defaults,
    .options_size = sizeof defaults, .uses = COMMAND_ALL, .min_words = 1, .max_words = 1,
    .model_from = 0, .model_to = 1, .run = run,
    .about = "Ctrl-C stops at the next step; the same command with --resume continues to the same student.\n"
             "With --tune-epochs the student is trained end to end after the search, or in every step of a schedule;\n"
             "with --tune-all-epochs once more after that, by options of its own.",
    .print_more = app_print_mixers,
};
