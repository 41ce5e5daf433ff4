// cmd_export.c — pare export: converts a model to a model folder, which timm and transformers read too.
// Of the name of an architecture with --random: one with random values, to try sizes and devices with.
#include "apps/cli/core/hub.h"
#include "apps/cli/core/model.h"

typedef struct export_args {
    common_args common;
    nn_size img_size;
    const char *out, *class_vectors;
    bool force, random;
} export_args;

// A model of an architecture's name has no weights: made on request alone, and never taken for the pretrained one.
static vkc_status refuse_name(const char *name)
{
    nn_model_config cfg = { 0 };
    hub_found f;
    if (hub_is_path(name) || nn_model_config_init(&cfg, name) != VKC_OK)
        return VKC_OK;              // loading it says what is wrong, if anything
    nn_model_config_finish(&cfg);
    hub_find(name, &f);
    if (f.names.n > 0)
        return VKC_FAIL(VKC_E_ARG, "%s is the name of an architecture: --random makes a model of it with random "
                        "values, and --from-cache takes %s, which has weights of that name", name, f.path);
    return VKC_FAIL(VKC_E_ARG, "%s is the name of an architecture, which has no weights: --random makes a model of it "
                    "with random values", name);
}

static vkc_status load(const export_args *a, const char *name, pare_device *device, vkc_device *dev, nn_model **m,
                       pare_model **out)
{
    vkc_status st;
    if (a->random) {
        pare_model_options o = pare_model_options_default();
        o.height = a->img_size.height;
        o.width = a->img_size.width;
        o.class_vectors = a->class_vectors;
        return pipeline_unwrap_status(pare_model_create(device, name, a->common.seed, &o, out));
    }
    VKC_TRY(refuse_name(name));
    VKC_TRY(model_load(dev, name, a->class_vectors, a->img_size, m));
    st = pipeline_wrap_model(device, *m, name, out);
done:
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    const export_args *a = options;
    pipeline_context c = app_context(NULL);
    pare_save_options o = pare_save_options_default();
    pare_model_info info = pare_model_info_default();
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
    VKC_TRY(pipeline_wrap_device(c.dev, &device));
    VKC_TRY(load(a, words->word[0], device, c.dev, &m, &model));
    o.force = a->force;
    o.command = c.command;
    o.seed = a->common.seed;
    VKC_TRY(pipeline_unwrap_status(pare_model_save(model, a->out, &o)));
    VKC_TRY(pipeline_unwrap_status(pare_model_get_info(model, &info)));
    if (a->common.json)
        st = app_print_json(json_pack("{s:s, s:I}", "out", a->out, "params", (json_int_t) info.params));
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
    { "random", 0, ARG_FLAG, offsetof(export_args, random), 0, 0, NULL,
      "make a model of an architecture's name, with random values" },
    IMG_SIZE_ROW(export_args), VECTORS_ROW(export_args),
    { 0 },
};
static const export_args defaults = { .out = NULL };
const command cmd_export = {
    .name = "export", .help = "convert a timm, transformers or OpenCLIP model to a model folder that they can read",
    .usage = "M -o F, or pare export ARCHITECTURE --random -o F", .table = table, .defaults = &defaults,
    .options_size = sizeof defaults, .uses = COMMAND_DEVICE | COMMAND_SEED | COMMAND_JSON | COMMAND_MODEL | COMMAND_KEY,
    .min_words = 1, .max_words = 1, .model_from = 0, .model_to = 1, .takes_names = true, .run = run,
};
