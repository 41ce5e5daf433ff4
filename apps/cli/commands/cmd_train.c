// cmd_train.c — pare train: a vision transformer from scratch or from another model.
#include "apps/cli/options/data_options.h"
#include "apps/cli/options/halting_options.h"
#include "apps/cli/options/recipe_options.h"
#include "apps/cli/options/run_options.h"
#include "apps/cli/print/print.h"
#include "pipeline/run/output.h"
#include "pipeline/train/train.h"

#include <stdio.h>

typedef struct train_args {
    common_args common;
    data_args   d;
    halting_args h;
    const char *out, *run, *mean, *std;
    bool        resume, force, keep_best;
    pipeline_train_params p;        // the rest
} train_args;

// "0.5" or "0.485,0.456,0.406"; *given: there is such an option.
static vkc_status read_three(const char *option, const char *text, double out[3], const double **given)
{
    uint32_t n = 0;
    *given = text ? out : NULL;
    for (const char *at = text, *end; text && n < 3; at = end + 1) {
        if (!args_read_number(at, &end, &out[n]) || (*end && *end != ','))
            break;
        n++;
        if (*end == '\0' && n == 1)
            out[1] = out[2] = out[0];
        if (*end == '\0' && n != 2)
            return VKC_OK;
    }
    return !text ? VKC_OK : VKC_FAIL(VKC_E_ARG, "%s wants one number or three with commas between, not \"%.60s\"",
                                     option, text);
}

// Token pruning, where a policy is given; `pruning` is the place for it.
static vkc_status read_pruning(const train_args *a, pipeline_train_params *p, pipeline_pruning *pruning)
{
    vkc_status st;
    if (!a->h.policy)
        return p->keep > 0.0 || halting_is_given(&a->h)
            ? VKC_FAIL(VKC_E_ARG, "--keep and the gate's options go with --policy halting or topk") : VKC_OK;
    VKC_TRY(halting_read(&a->h, p->keep > 0.0, pruning));
    p->keep_last = p->keep_last || (pruning->fixed_gate && !a->keep_best);
    p->pruning = pruning;
done:
    return st;
}

static vkc_status tell(const train_args *a, const pipeline_train_result *r)
{
    console_clear();
    if (a->common.json)
        return app_print_json(json_incref(r->json));
    printf("train    loss %.4f, %llu steps in %.0f s", r->train.loss, (unsigned long long) r->train.steps,
           r->train.seconds);
    if (r->train.bad > 0)
        printf(", %u broken images skipped", r->train.bad);
    putchar('\n');
    print_best(stdout, &r->train.best);
    if (r->macs > 0.0)
        printf("compute  %.4g M multiply-adds a picture, with all tokens %.4g M: %.1f %%\n", 1e-6 * r->kept_macs,
               1e-6 * r->macs, 100.0 * r->kept_macs / r->macs);
    print_eval(stdout, "val", &r->val);
    print_eval(stdout, "test", &r->test);
    printf("model    %s\n", a->out);
    return VKC_OK;
}

static vkc_status run(const void *options, const args_words *words)
{
    (void) words;
    const train_args *a = options;
    const pipeline_train_params usual = PIPELINE_TRAIN_DEFAULTS;
    pipeline_train_params p = a->p;
    pipeline_train_result r = { .json = NULL };
    pipeline_context c = app_context(NULL);
    nn_dataset *data = NULL;
    pipeline_pruning pruning;
    double mean[3], std[3];
    vkc_status st;
    if (!a->out || !p.arch == !p.init)
        return VKC_FAIL(VKC_E_ARG, "usage: pare train --data D (--arch A | --init M) -o M");
    VKC_TRY(recipe_check("", &p.recipe, p.lr, usual.lr));
    p.place = (pipeline_place) RUN_PLACE(a);
    p.seed = a->common.seed;
    VKC_TRY(read_pruning(a, &p, &pruning));
    const char *const read[] = { p.init, a->d.data };
    VKC_TRY(pipeline_check_place(&c, &p.place, read, 2));       // before listing the data, which may take long
    VKC_TRY(data_open(&a->d, &data));
    p.data = data_of(&a->d, data);
    VKC_TRY(read_three("--mean", a->mean, mean, &p.mean));
    VKC_TRY(read_three("--std", a->std, std, &p.std));
    VKC_TRY(pipeline_train_check(&c, &p));
    VKC_TRY(app_open(&a->common, &c.dev));
    VKC_TRY(pipeline_train(&c, &p, &r));
    st = tell(a, &r);
done:
    pipeline_train_finish(&r);
    app_close(c.dev);
    nn_dataset_destroy(data);
    return st;
}

#define AT(member) offsetof(train_args, member)
static const arg table[] = {
    DATA_ROW(train_args), LABELS_ROW(train_args),
    { "arch", 'a', ARG_TEXT, AT(p.arch), 0, 0, "A",
      "vit:image=64,patch=8,dim=96,depth=6,heads=3[,mixer=linear][,mlp=4][,channels=3]" },
    { "init", 0, ARG_MODEL, AT(p.init), 0, 0, "M", "start from this model in place of --arch" },
    { "out", 'o', ARG_OUT, AT(out), 0, 0, "M", "model folder to write" },
    RUN_ROWS(train_args, "M.run"),
    BATCH_ROW(train_args, "128"),
    { "epochs", 'e', ARG_U32, AT(p.epochs), 1, 100000, "N", "epochs of training [20]" },
    { "lr", 0, ARG_REAL, AT(p.lr), 1e-12, 100, "X", "peak learning rate, cosine decay [1e-3]" },
    RATE_ROWS(train_args, p.recipe, "", "1"),
    { "weight-decay", 0, ARG_REAL, AT(p.weight_decay), 0, 100, "X", "weight decay of matrices [0.05]" },
    RECIPE_ROWS(train_args, p.recipe, "", "0.1"), AUGMENT_ROWS(train_args, p.recipe, ""),
    { "clip", 0, ARG_REAL, AT(p.clip), 0, 1e9, "X", "gradient clipping: largest global norm, 0 = off [1]" },
    KEEP_BEST_ROWS(train_args, p.keep_last, "on; off with a fixed gate"),
    { "policy", 0, ARG_TEXT, AT(h.policy), 0, 0, "P",
      "token pruning while training: halting or topk [as --init has it]" },
    { "keep", 'k', ARG_REAL, AT(p.keep), 1e-6, 1, "X",
      "with --policy, mean keep ratio: fraction of patches entering a block; without it the gate stays fixed" },
    HALTING_ROWS(train_args, h),
    { "mean", 0, ARG_TEXT, AT(mean), 0, 0, "X[,X,X]", "mean per channel, pixels in 0..1 [0.5]" },
    { "std", 0, ARG_TEXT, AT(std), 0, 0, "X[,X,X]", "standard deviation per channel [0.5]" },
    { "no-augment", 0, ARG_FLAG, AT(p.plain), 0, 0, NULL,
      "no flips, transposes and shifts; what other options ask for stays" },
    FINITE_ROWS(train_args, "on"), THREADS_ROW(train_args), LIMIT_ROW(train_args),
    { "max-steps", 0, ARG_U32, AT(p.max_steps), 1, 4e9, "N", "stop after N steps in total, as Ctrl-C does" },
    { 0 },
};
static const train_args defaults = {
    .d = { .batch = 128 }, .h = HALTING_DEFAULTS(NULL), .p = PIPELINE_TRAIN_DEFAULTS,
};
const command cmd_train = {
    .name = "train", .help = "train a vision transformer from scratch or from another model",
    .usage = "--data D (--arch A | --init M) -o M", .table = table, .defaults = &defaults,
    .options_size = sizeof defaults, .uses = COMMAND_ALL & ~COMMAND_KEY, .min_words = 0, .max_words = 0, .run = run,
    .about =
        "Ctrl-C stops at the next step with a checkpoint; the same command with --resume ends in the same bits.\n"
        "mixer=X sets the mixer of all layers; mixer=X*3/Y is a list, repeated to fill the depth.",
    .print_more = app_print_mixers,
};
