// cmd_prune.c — pare prune: train recurrent mixers with a penalty, prune their small hidden units, tune the rest.
#include "apps/cli/options/tune_options.h"
#include "apps/cli/print/print.h"
#include "pipeline/train/prune.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct prune_args {
    tune_args tune;                 // of both trainings
    pipeline_prune_params p;        // the rest
} prune_args;

static vkc_status tell(const prune_args *a, const pipeline_prune_result *r)
{
    console_clear();
    if (a->tune.common.json)
        return app_print_json(json_incref(r->json));
    if (a->p.shrink_epochs)
        print_tuning(stdout, "shrink", &r->shrink, 0);
    puts("units a head and direction, and the norms of their weights:");
    for (uint32_t l = 0; l < r->depth; l++)
        if (r->layer[l].units)
            printf("  layer %-3u %3u of %3u stay   %.4f ... %.4f\n", l, r->layer[l].kept, r->layer[l].units,
                   r->layer[l].least, r->layer[l].most);
    if (!a->p.no_tune)
        print_tuning(stdout, "tune", &r->tune, 0);
    print_eval(stdout, "before", &r->before);
    print_eval(stdout, "cut", &r->cut);
    if (!a->p.no_tune)
        print_eval(stdout, "tuned", &r->after);
    printf("parameters  %" PRIu64 " of %" PRIu64 "\n", r->params, r->params_before);
    for (uint32_t i = 0; i < PIPELINE_SIZES; i++)
        if (r->time[i].tokens)
            printf("%5u tokens   %8.2f ms before, %8.2f ms after, batch of %u\n", r->time[i].tokens, r->time[i].ms[0],
                   r->time[i].ms[1], a->p.timing_batch);
    printf("model       %s\n", a->tune.out);
    return app_flush();
}

static vkc_status run(const void *options, const args_words *words)
{
    const prune_args *a = options;
    pipeline_prune_params p = a->p;
    pipeline_prune_result r = { .json = NULL };
    pipeline_context c = app_context(NULL);
    nn_dataset *data = NULL;
    vkc_status st;
    VKC_TRY(tune_open(&a->tune, words->word[0], "prune S --data D -o P [--threshold 0.1 | --keep 0.5]", &p.tune, &data,
                      &c.dev));
    VKC_TRY(pipeline_prune(&c, &p, &r));
    st = tell(a, &r);
done:
    pipeline_prune_finish(&r);
    app_close(c.dev);
    nn_dataset_destroy(data);
    return st;
}

#define AT(member) offsetof(prune_args, member)
static const arg table[] = {
    TUNE_SESSION_ROWS("P", "stop either training after N steps in all, as Ctrl-C does"),
    { "shrink-epochs", 0, ARG_U32, AT(p.shrink_epochs), 0, 100000, "N",
      "epochs of training with the group Hoyer-square penalty before the cut [1]" },
    { "decay", 0, ARG_REAL, AT(p.decay), 0, 1e6, "X", "weight of that penalty [5e-5]" },
    { "threshold", 0, ARG_REAL, AT(p.how.threshold), 0, 0.999, "X",
      "cut units whose norm is below this fraction of the largest in their head and direction [0.1]" },
    { "keep", 'k', ARG_REAL, AT(p.how.keep), 0, 1, "X", "keep this fraction of the units instead of --threshold" },
    { "multiple", 0, ARG_U32, AT(p.how.multiple), 1, 128, "N",
      "round the number of units kept up to a multiple of N [4]" },
    { "no-tune", 0, ARG_FLAG, AT(p.no_tune), 0, 0, NULL, "skip training after the cut" },
    { "timing-batch", 0, ARG_U32, AT(p.timing_batch), 1, 4096, "N", "batch size when timing [4]" },
    { "no-timing", 0, ARG_FLAG, AT(p.no_timing), 0, 0, NULL, "do not time the models" },
    { 0 },
};
static const prune_args defaults = {
    .tune = { .d = { .batch = 64 }, .t = TUNE_DEFAULTS(1) }, .p = PIPELINE_PRUNE_DEFAULTS,
};
const command cmd_prune = {
    .name = "prune", .help = "prune hidden units of bilstm layers",
    .usage = "S --data D -o P [--threshold 0.1 | --keep 0.5]", .table = table, .defaults = &defaults,
    .options_size = sizeof defaults, .uses = COMMAND_ALL, .min_words = 1, .max_words = 1,
    .model_from = 0, .model_to = 1, .run = run,
    .about =
        "The training options apply before the cut, with the group Hoyer-square penalty, and after it.\n"
        "Ctrl-C stops at the next step with a checkpoint; the same command with --resume ends in the same bits.",
};
