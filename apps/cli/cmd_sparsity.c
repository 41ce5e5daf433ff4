// cmd_sparsity.c — pare sparsity: how much of its attention every layer and head needs.
#include "apps/cli/sparsity_table.h"

#include <stdio.h>

typedef struct sparsity_args {
    common_args common;
    data_args d;
} sparsity_args;

static vkc_status run(const void *options, const args_words *words)
{
    const sparsity_args *a = options;
    nn_dataset *data = NULL;
    vkc_device *dev = NULL;
    nn_vit *v = NULL;
    distill_sparsity s = { .head = NULL };
    nn_split split;
    vkc_status st;
    VKC_TRY(nn_split_get(a->d.split, &split));
    VKC_TRY(measure_open_data(&a->d, &data));
    VKC_TRY(app_open(&a->common, &dev));
    VKC_TRY(nn_vit_load(dev, words->word[0], false, &v));
    console_catch_signals();
    VKC_TRY(distill_sparsity_measure(v, &(distill_sparsity_params) {
        .data = data, .split = split, .images = a->d.limit, .batch = a->d.batch, .progress = console_progress }, &s));
    console_clear();
    if (a->common.json)
        st = app_print_json(sparsity_json(&s));
    else
        sparsity_print(stdout, &s, true);
done:
    distill_sparsity_finish(&s);
    nn_vit_destroy(v);
    app_close(dev);
    nn_dataset_destroy(data);
    return st;
}

static const arg table[] = {
    DATA_ROW(sparsity_args), SPLIT_ROW(sparsity_args),
    { "limit", 0, ARG_U32, offsetof(sparsity_args, d.limit), 1, 1e9, "N", "pictures to look at [128]" },
    { "batch", 'b', ARG_U32, offsetof(sparsity_args, d.batch), 1, 65536, "N", "pictures at once [64]" },
    { 0 },
};
static const sparsity_args defaults = { .d = { .split = "val", .batch = 64, .limit = 128 } };
const command cmd_sparsity = {
    .name = "sparsity", .help = "how much of its attention every layer and head needs", .usage = "M --data D",
    .table = table, .defaults = &defaults, .options_size = sizeof defaults, .min_words = 1, .max_words = 1, .run = run,
    .about = "entropy: 1 = even over all tokens, 0 = one token. mass90: share of the tokens that hold 90 % of the\n"
             "weight. top10: weight on the tenth of the tokens with most of it. Means over pictures and queries.",
};
