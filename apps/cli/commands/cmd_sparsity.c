// cmd_sparsity.c — pare sparsity: measures the sparsity of each attention layer and head.
#include "apps/cli/core/model.h"
#include "apps/cli/commands/sparsity_gradients.h"
#include "apps/cli/print/print.h"
#include "nn/base/json.h"
#include "nn/models/vit/positions.h"
#include "pipeline/base/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sparsity_args {
    common_args common;
    data_args d;
    map_args m;
    const char *keys, *by;
    bool heads;
    nn_size img_size;
} sparsity_args;

static vkc_status read_view(const sparsity_args *a, sparsity_view *out)
{
    *out = (sparsity_view) { .heads = a->heads, .is_sorted = a->by != NULL };
    vkc_status st = distill_keys_get(a->keys, &out->keys);
    return st == VKC_OK && a->by ? distill_measure_get(a->by, &out->by) : st;
}

static void warn_of_gaps(const nn_model_config *c, const distill_sparsity *s)
{
    for (uint32_t l = 0; l < c->depth; l++)
        if (nn_mixer_has_weights(&c->layers[l]) && !distill_sparsity_has(s, l))
            warn("layer %u has attention, but no figures: its weights are not finite, or no two tokens reach it", l);
}

// `maps` NULL: none by gradients.
static vkc_status print(const sparsity_args *a, const distill_sparsity *s, const sparsity_view *view,
                        const nn_dataset *data, nn_split split, const vkc_device *dev, const gradient_figures *maps)
{
    if (a->common.json) {
        json_t *o = pipeline_sparsity_json(s, dev);
        nn_json_set_new(o, "split", json_string(nn_split_name(split)));
        nn_json_set_new(o, "data", pipeline_data_json(data));
        if (maps)
            nn_json_set_new(o, "maps", build_gradients_json(maps));
        return app_print_json(o);
    }
    print_sparsity(stdout, s, view);
    vkc_status st = print_sparsity_agreement(stdout, s, view->keys);
    if (maps)
        print_gradients(stdout, maps);
    return st == VKC_OK ? app_flush() : st;
}

static vkc_status measure(const sparsity_args *a, vkc_device *dev, nn_model *m, nn_dataset *data, nn_split split,
                          pare_sparsity **out)
{
    const pare_callbacks c = app_callbacks();
    pare_sparsity_options o = pare_sparsity_options_default();
    pare_device *device = NULL;
    pare_model *model = NULL;
    pare_data *set = NULL;
    vkc_status st;
    VKC_TRY(pipeline_wrap_device(dev, &device));
    VKC_TRY(pipeline_wrap_model(device, m, "", &model));
    VKC_TRY(pipeline_wrap_data(data, &set));
    o.split = nn_split_name(split);
    o.images = a->d.limit;
    o.batch = a->d.batch;
    o.callbacks = &c;
    st = pipeline_unwrap_status(pare_measure_sparsity(model, set, &o, out));
done:
    pare_data_close(set);
    pare_model_close(model);
    pare_device_close(device);
    return st;
}

// Before anything is measured: can what is asked for be drawn? *teacher: the model of --teacher.
static vkc_status check_maps(const map_args *maps, const nn_model *m, nn_size size, nn_model **teacher)
{
    vkc_status st = sparsity_maps_check(maps, &m->cfg);
    if (st != VKC_OK || !maps->teacher)
        return st;
    st = model_load(m->dev, maps->teacher, NULL, size, teacher);
    return st == VKC_OK ? sparsity_gradients_check(maps, &m->cfg, &(*teacher)->cfg) : st;
}

static vkc_status run(const void *options, const args_words *words)
{
    const sparsity_args *a = options;
    map_args maps = a->m;
    gradient_figures *drawn = NULL;
    nn_dataset *data = NULL;
    vkc_device *dev = NULL;
    nn_model_config cfg = { 0 };
    nn_model *m = NULL, *teacher = NULL;
    pare_sparsity *measured = NULL;
    const distill_sparsity *s;
    sparsity_view view;
    nn_split split;
    vkc_status st;
    VKC_TRY(read_view(a, &view));
    VKC_TRY(sparsity_maps_settle(&maps));
    VKC_TRY(sparsity_maps_check_paths(&maps, words->word[0], a->d.data));
    VKC_TRY(data_open_for(&a->d, words->word[0], NN_SPLIT_VAL, &data, &split, &cfg));
    VKC_TRY(app_open(&a->common, &dev));
    VKC_TRY(model_load_as(dev, words->word[0], &cfg, NULL, a->img_size, &m));
    VKC_TRY(check_maps(&maps, m, a->img_size, &teacher));
    console_catch_signals();
    VKC_TRY(measure(a, dev, m, data, split, &measured));
    s = pipeline_unwrap_sparsity(measured);
    console_clear();
    warn_of_gaps(&m->cfg, s);
    if (sparsity_maps_by_gradient(&maps)) {     // they have figures to be printed too
        drawn = (gradient_figures *) calloc(1, sizeof *drawn);
        st = drawn ? sparsity_gradients_save(&maps, &a->d, m, teacher, data, split, drawn)
                   : VKC_FAIL(VKC_E_NOMEM, "--maps: out of host memory");
        if (st != VKC_OK)
            goto done;
    }
    VKC_TRY(print(a, s, &view, data, split, dev, drawn));
    if (!drawn)
        VKC_TRY(sparsity_maps_save(&maps, &a->d, m, data, split));
done:
    free(drawn);
    pare_sparsity_free(measured);
    nn_model_destroy(m);
    nn_model_destroy(teacher);
    nn_model_config_finish(&cfg);
    app_close(dev);
    nn_dataset_destroy(data);
    return st;
}

static const arg table[] = {
    DATA_ROW(sparsity_args), SPLIT_ROW(sparsity_args, "val; of a plain folder all"),
    { "limit", 0, ARG_U32, offsetof(sparsity_args, d.limit), 1, 1e9, "N", "measure on at most N images [128]" },
    { "batch", 'b', ARG_U32, offsetof(sparsity_args, d.batch), 1, 65536, "N", "batch size [64]" },
    { "keys", 0, ARG_TEXT, offsetof(sparsity_args, keys), 0, 0, "K",
      "keys to count: all, or patches (without the class token) [all]" },
    { "by", 0, ARG_TEXT, offsetof(sparsity_args, by), 0, 0, "MEASURE",
      "sort layers from sparse to dense by this measure" },
    { "heads", 0, ARG_FLAG, offsetof(sparsity_args, heads), 0, 0, NULL, "also print a line per head" },
    IMG_SIZE_ROW(sparsity_args), MAP_ROWS(sparsity_args),
    { 0 },
};
static const sparsity_args defaults = {
    .d = { .batch = 64, .limit = 128 }, .m = MAP_DEFAULTS, .keys = "all"
};
const command cmd_sparsity = {
    .name = "sparsity", .help = "measure the sparsity of each attention layer and head", .usage = "M --data D",
    .table = table, .defaults = &defaults, .options_size = sizeof defaults,
    .uses = COMMAND_DEVICE | COMMAND_CHECK | COMMAND_JSON | COMMAND_MODEL | COMMAND_KEY,
    .min_words = 1, .max_words = 1, .model_from = 0, .model_to = 1, .run = run,
    .about = "Measures of a row of attention weights p over n keys: means over images and queries, "
             "+- standard deviation:\n"
             "  entropy        normalised: 1 = uniform over all keys, 0 = one key\n"
             "  effective      exp(entropy) / n: the effective fraction of keys\n"
             "  gini           0 = uniform, towards 1 = one key\n"
             "  hoyer          0 = uniform, 1 = one key\n"
             "  participation  1 / (n sum p^2): 1 = uniform, 1 / n = one key\n"
             "  below          fraction of the keys with less than 1 / n\n"
             "  top10          weight on the top 10 % of the keys\n"
             "  mass90         fraction of the keys that hold 90 % of the weight\n"
             "docs/sparsity.md has the formulas.",
};
