// cmd_retain.c — pare retain, token pruning: train a model to drop tokens, measure it, write it; one or a series.
#include "apps/cli/core/list.h"
#include "apps/cli/options/halting_options.h"
#include "apps/cli/options/keep_option.h"
#include "apps/cli/options/recipe_options.h"
#include "apps/cli/options/run_options.h"
#include "apps/cli/print/print.h"
#include "nn/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct retain_args {
    common_args common;
    data_args   d;
    halting_args h;
    const char *out, *run, *keep, *at, *share;
    bool        resume, force, keep_best;
    pipeline_retain_params p;       // the rest
} retain_args;

// Shares that go on after the blocks of --at, "0.7,0.2,0.1".
static vkc_status read_shares(const char *text, pipeline_retain_params *p)
{
    const char *at = text;
    for (p->n_share = 0; p->n_share < p->n_at; p->n_share++, at++) {
        const char *end;
        const bool is_number = args_read_number(at, &end, &p->share[p->n_share]);
        if (!is_number || *end != (p->n_share + 1 < p->n_at ? ',' : '\0'))
            return VKC_FAIL(VKC_E_ARG, "--share wants %u numbers with commas between, one a block of --at, not "
                            "\"%.60s\"", p->n_at, text);
        at = end;
    }
    return VKC_OK;
}

static vkc_status read_options(const retain_args *a, const char *teacher, pipeline_retain_params *p)
{
    const pipeline_retain_params usual = PIPELINE_RETAIN_DEFAULTS;
    vkc_status st;
    if (!a->out || (!a->keep && !a->share && !halting_is_given(&a->h)))
        return VKC_FAIL(VKC_E_ARG, "usage: pare retain M --data D --keep 0.7 -o M2, or --gate-centre and --alpha-p in "
                        "place of --keep");
    p->teacher = teacher;
    p->data.batch = a->d.batch;
    p->place = (pipeline_place) RUN_PLACE(a);
    p->seed = a->common.seed;
    VKC_TRY(recipe_check("", &p->recipe, p->lr, usual.lr));
    VKC_TRY(halting_read(&a->h, a->keep != NULL, &p->pruning));
    if ((a->at || a->share) && p->pruning.policy == NN_POLICY_HALTING)
        return VKC_FAIL(VKC_E_ARG, "--at and --share go with --policy topk only");
    if (!p->pruning.fixed_gate && (!a->keep == !a->share || (a->share && !a->at)))
        return VKC_FAIL(VKC_E_ARG, "want either --keep or --at and --share");
    p->keep_last = p->keep_last || (p->pruning.fixed_gate && !a->keep_best);
    if (a->at)
        VKC_TRY(list_read_ranges("at", "block", a->at, NN_MAX_DEPTH, p->at, &p->n_at));
    if (a->keep)
        VKC_TRY(keep_read(a->keep, p->keep, &p->n_keep));
    if (a->share)
        st = read_shares(a->share, p);
done:
    return st;
}

static vkc_status print_model(void *user, uint32_t i, const pipeline_retain_result *r)
{
    (void) user;
    console_clear();
    print_retained(stdout, &r->model[i], r);
    return app_flush();
}

static vkc_status print_all_json(const pipeline_retain_result *r)
{
    if (r->n == 1)
        return app_print_json(json_incref(r->model[0].json));
    json_t *series = json_array();
    for (uint32_t i = 0; i < r->n; i++)
        nn_json_append(series, r->model[i].json);
    return app_print_json(json_pack("{s:o}", "series", series));
}

static vkc_status run(const void *options, const args_words *words)
{
    const retain_args *a = options;
    pipeline_retain_params p = a->p;
    pipeline_context c = app_context(NULL);
    nn_dataset *data = NULL;
    pipeline_retain_result *r = calloc(1, sizeof *r);
    vkc_status st;
    if (!r)
        return VKC_FAIL(VKC_E_NOMEM, "retain: out of host memory");
    VKC_TRY(read_options(a, words->word[0], &p));
    VKC_TRY(pipeline_retain_check(&c, &p));
    VKC_TRY(data_open(&a->d, &data));
    VKC_TRY(app_open(&a->common, &c.dev));
    p.data = data_of(&a->d, data);
    p.told = a->common.json ? NULL : print_model;
    VKC_TRY(pipeline_retain(&c, &p, r));
    if (a->common.json)
        st = print_all_json(r);
    else if (r->n > 1)
        print_series(stdout, r);
done:
    pipeline_retain_finish(r);
    free(r);
    app_close(c.dev);
    nn_dataset_destroy(data);
    return st;
}

#define AT(member) offsetof(retain_args, member)
static const arg table[] = {
    DATA_ROW(retain_args), LABELS_ROW(retain_args), ANY_TEACHER_ROW(retain_args),
    { "keep", 'k', ARG_TEXT, AT(keep), 0, 0, "X[,X]",
      "mean keep ratio: fraction of patches entering a block; several make a series; without it the gate stays fixed" },
    { "policy", 0, ARG_TEXT, AT(h.policy), 0, 0, "P", "pruning policy: halting or topk [halting]" },
    { "out", 'o', ARG_OUT, AT(out), 0, 0, "M2", "model folder to write; a series adds -0.80, -0.60 ..." },
    RUN_ROWS(retain_args, "M2.run"),
    { "chain", 0, ARG_FLAG, AT(p.chain), 0, 0, NULL, "start each model of a series from the previous one, not from M" },
    BATCH_ROW(retain_args, "64"),
    { "epochs", 'e', ARG_U32, AT(p.epochs), 0, 100000, "N", "epochs of fine-tuning [halting: 4, topk: 0]" },
    { "lr", 0, ARG_REAL, AT(p.lr), 1e-12, 100, "X", "peak learning rate, cosine decay [5e-4]" },
    { "weight-decay", 0, ARG_REAL, AT(p.weight_decay), 0, 100, "X", "weight decay of matrices [0.05]" },
    RATE_ROWS(retain_args, p.recipe, "", "a tenth of the steps"), RECIPE_ROWS(retain_args, p.recipe, "", "0.1"),
    AUGMENT_ROWS(retain_args, p.recipe, ""),
    { "clip", 0, ARG_REAL, AT(p.clip), 0, 1e9, "X", "gradient clipping: largest global norm, 0 = off [1]" },
    KEEP_BEST_ROWS(retain_args, p.keep_last, "on with --keep"),
    { "kl", 0, ARG_REAL, AT(p.kl), 0, 1e6, "X", "weight of the KL divergence from M's logits [0]" },
    { "at", 0, ARG_TEXT, AT(at), 0, 0, "N,N", "topk: prune after these blocks, such as 0,3,5-7 [all]" },
    { "share", 0, ARG_TEXT, AT(share), 0, 0, "X,X",
      "topk: fraction kept after each block of --at, in place of --keep" },
    HALTING_ROWS(retain_args, h),
    { "plain-gate", 0, ARG_FLAG, AT(p.plain_gate), 0, 0, NULL,
      "halting: gate on channel 0 unchanged; else with --keep the residual stream is first rotated so that it predicts "
      "attention" },
    { "no-augment", 0, ARG_FLAG, AT(p.plain), 0, 0, NULL,
      "no flips, transposes and shifts; what other options ask for stays" },
    { "max-steps", 0, ARG_U32, AT(p.max_steps), 1, 4e9, "N", "stop after N steps in total, as Ctrl-C does" },
    FINITE_ROWS(retain_args, "on in training"), THREADS_ROW(retain_args), LIMIT_ROW(retain_args),
    { "no-timing", 0, ARG_FLAG, AT(p.no_timing), 0, 0, NULL, "do not time the models" },
    { 0 },
};
static const retain_args defaults = {
    .d = { .batch = 64 }, .h = HALTING_DEFAULTS("halting"), .p = PIPELINE_RETAIN_DEFAULTS,
};
const command cmd_retain = {
    .name = "retain", .help = "token pruning: train a model to drop tokens between blocks",
    .usage = "M --data D (--keep 0.7 | --gate-centre X --alpha-p X) -o M2 [--policy topk]", .table = table,
    .defaults = &defaults, .options_size = sizeof defaults, .uses = COMMAND_ALL, .min_words = 1, .max_words = 1,
    .model_from = 0, .model_to = 1, .run = run,
    .about =
        "topk keeps the patches with the most class attention and needs no training; halting is learned per token.\n"
        "With --keep a controller moves the gate; without it gate and weights stay as they are given, as in A-ViT.\n"
        "Ctrl-C stops at the next step with a checkpoint; the same command with --resume ends in the same bits.",
};
