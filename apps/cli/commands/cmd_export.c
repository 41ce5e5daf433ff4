// cmd_export.c — pare export: converts a model to a model folder, which timm and transformers read too.
// Of the name of an architecture: one with random values, to try sizes and devices with.
#include "apps/cli/core/model.h"

typedef struct export_args {
    common_args common;
    nn_size img_size;
    const char *out, *class_vectors;
    bool force;
} export_args;

static vkc_status run(const void *options, const args_words *words)
{
    const export_args *a = options;
    pipeline_context c = app_context(NULL);
    pare_save_options o = pare_save_options_default();
    pare_device *device = NULL;
    pare_model *model = NULL;
    nn_model *m = NULL;
    vkc_status st;
    if (!a->out)
        return VKC_FAIL(VKC_E_ARG, "export: -o, the folder to write, is missing");
    const char *const read[] = { words->word[0], a->class_vectors };
    VKC_TRY(nn_destination_check(&(nn_destination) { OUTPUT_OF("--out", a->out, NN_TO_MODEL, a->force), .input = read,
                                           .n_inputs = 2 }, 1));
    VKC_TRY(app_open(&a->common, &c.dev));
    VKC_TRY(a->class_vectors ? model_load(c.dev, words->word[0], a->class_vectors, a->img_size, &m)
                             : model_load_or_make(c.dev, words->word[0], a->img_size, &m));
    VKC_TRY(pipeline_wrap_device(c.dev, &device));
    VKC_TRY(pipeline_wrap_model(device, m, words->word[0], &model));
    o.force = a->force;
    o.command = c.command;
    o.seed = a->common.seed;
    VKC_TRY(pipeline_unwrap_status(pare_model_save(model, a->out, &o)));
    if (a->common.json)
        st = app_print_json(json_pack("{s:s, s:I}", "out", a->out, "params", (json_int_t) nn_params_count(m->params)));
    else
        printf("model    %s\n", a->out);
done:
    pare_model_close(model);
    pare_device_close(device);
    nn_model_destroy(m);
    app_close(c.dev);
    return st;
}

static const arg table[] = {
    { "out", 'o', ARG_OUT, offsetof(export_args, out), 0, 0, "F", "model folder to write" },
    { "force", 'f', ARG_FLAG, offsetof(export_args, force), 0, 0, NULL, "overwrite an existing model" },
    IMG_SIZE_ROW(export_args), VECTORS_ROW(export_args),
    { 0 },
};
static const export_args defaults = { .out = NULL };
const command cmd_export = {
    .name = "export", .help = "convert a timm, transformers or OpenCLIP model to a model folder that they can read",
    .usage = "M|ARCHITECTURE -o F", .table = table, .defaults = &defaults, .options_size = sizeof defaults,
    .uses = COMMAND_DEVICE | COMMAND_SEED | COMMAND_JSON,
    .min_words = 1, .max_words = 1, .run = run,
};
