// cmd_eval.c — pare eval: accuracy of a model on a split, or the loss of a language model over texts.
#include "apps/cli/commands/logits.h"
#include "apps/cli/options/data_options.h"
#include "apps/cli/core/model.h"
#include "apps/cli/options/policy.h"
#include "apps/cli/commands/show.h"
#include "apps/cli/print/print.h"
#include "apps/cli/text/eval_text.h"
#include "nn/base/json.h"
#include "nn/models/vit/positions.h"
#include "pipeline/base/data.h"

#include <stdio.h>
#include <string.h>

typedef struct eval_args {
    common_args common;
    data_args d;
    const char *policy, *show, *logits;
    bool force;
    uint32_t show_images, context, row;
    nn_size img_size;
    const char *class_vectors;
} eval_args;

typedef struct judged {             // by what, and how it went
    const nn_dataset *data;
    nn_split split;
    nn_eval_result r;
} judged;

static vkc_status print(const eval_args *a, const judged *j, const distill_retain_stats *s, uint32_t image,
                        const vkc_device *dev)
{
    const vkc_device_info *i = vkc_device_get_info(dev);
    const nn_eval_result *r = &j->r;
    if (!a->common.json) {
        print_eval(stdout, nn_split_name(j->split), r);
        for (uint32_t l = 0; l < r->n_keep; l++)
            printf("%s%.1f %%%s", l ? ", " : "kept     by layer: ", 100.0 * r->keep_layer[l],
                   l + 1 == r->n_keep ? "\n" : "");
        print_ring(stdout, s);
        return VKC_OK;
    }
    json_t *o = pipeline_eval_json(r);
    pipeline_add_ring(o, s);
    nn_json_set_new(o, "image", json_integer((json_int_t) image));
    nn_json_set_new(o, "split", json_string(nn_split_name(j->split)));
    nn_json_set_new(o, "data", pipeline_data_json(j->data));
    nn_json_set_new(o, "device", json_string(i->name));
    nn_json_set_new(o, "driver", json_string(i->driver));
    return app_print_json(o);
}

static vkc_status evaluate(const eval_args *a, vkc_device *dev, nn_model *m, const char *from,
                           nn_dataset *data, judged *j)
{
    static const pare_labels labels[] = { [NN_LABELS_AUTO] = PARE_LABELS_AUTO, [NN_LABELS_INDEX] = PARE_LABELS_INDEX,
                                          [NN_LABELS_NAME] = PARE_LABELS_NAME };
    const pare_callbacks c = app_callbacks();
    pare_evaluate_options o = pare_evaluate_options_default();
    pare_evaluate_result r = pare_evaluate_result_default();
    pare_device *device = NULL;
    pare_model *model = NULL;
    pare_data *set = NULL;
    vkc_status st;
    VKC_TRY(pipeline_wrap_device(dev, &device));
    VKC_TRY(pipeline_wrap_model(device, m, from, &model));
    VKC_TRY(pipeline_wrap_data(data, &set));
    o.split = nn_split_name(j->split);
    o.labels = labels[data_of(&a->d, data).labels];
    o.batch = a->d.batch;
    o.limit = a->d.limit;
    o.threads = a->d.threads;
    o.check_finite = a->d.check_finite && !a->d.no_check_finite;
    o.callbacks = &c;
    VKC_TRY(pipeline_unwrap_status(pare_evaluate(model, set, &o, &r)));
    j->r = (nn_eval_result) { .top1 = r.top1, .top5 = r.top5, .loss = r.loss, .images = r.images, .bad = r.bad,
                              .seconds = r.seconds, .images_per_s = r.images_per_s, .n_keep = r.n_keep,
                              .keep = r.keep };
    memcpy(j->r.keep_layer, r.keep_layer, r.n_keep * sizeof *r.keep_layer);
done:
    pare_data_close(set);
    pare_model_close(model);
    pare_device_close(device);
    return st;
}

// What is of pictures alone says nothing of a language model, and the other way round.
static vkc_status check_options(const eval_args *a, bool is_text)
{
    const struct { const char *name; bool is_given, is_text; } options[] = {
        { "show", a->show, false }, { "logits", a->logits, false }, { "policy", a->policy, false },
        { "split", a->d.split, false }, { "labels", a->d.labels, false }, { "class-vectors", a->class_vectors, false },
        { "img-size", a->img_size.height, false }, { "context", a->context, true }, { "row", a->row, true },
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].is_given && options[i].is_text != is_text)
            return VKC_FAIL(VKC_E_ARG, "--%s is for models of %s", options[i].name, is_text ? "pictures" : "texts");
    return VKC_OK;
}

// A language model's part of the command; *is_one = false: the model is none.
static vkc_status run_text(const eval_args *a, const char *model, bool *is_one)
{
    nn_model_config cfg = { 0 };
    vkc_status st = VKC_OK;
    *is_one = nn_model_config_load(model, &cfg) == VKC_OK && cfg.type == NN_MODEL_CAUSAL;
    VKC_TRY(check_options(a, *is_one));
    if (*is_one)
        st = eval_text_run(&(eval_text) {
            .common = &a->common, .model = model, .data = a->d.data, .cfg = &cfg, .context = a->context, .row = a->row,
            .batch = a->d.batch, .limit = a->d.limit });
done:
    nn_model_config_finish(&cfg);
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    eval_args own = *(const eval_args *) options;
    const eval_args *a = &own;
    bool is_text;
    nn_dataset *data = NULL, *view = NULL;
    vkc_device *dev = NULL;
    nn_model_config cfg = { 0 };
    nn_model *m = NULL;
    judged j = { .data = NULL };
    distill_retain_stats stats = { .has_truth = false };
    vkc_status st;
    VKC_TRY(run_text(a, words->word[0], &is_text));
    if (is_text)
        return st;
    own.d.batch = own.d.batch ? own.d.batch : 128;
    const char *const read[] = { words->word[0], a->class_vectors, a->d.data };
    VKC_TRY(nn_destination_check((const nn_destination[]) {
        { OUTPUT_OF("--show", a->show, NN_TO_PNG, a->force), .input = read, .n_inputs = 3 },
        { OUTPUT_OF("--logits", a->logits, NN_TO_TENSORS, a->force), .input = read, .n_inputs = 3 } }, 2));
    VKC_TRY(data_open_for(&a->d, words->word[0], NN_SPLIT_TEST, &data, &j.split, &cfg));
    j.data = data;
    VKC_TRY(app_open(&a->common, &dev));
    VKC_TRY(model_load_as(dev, words->word[0], &cfg, a->class_vectors, a->img_size, &m));
    VKC_TRY(policy_apply(a->policy, words->word[0], &m->cfg));
    console_catch_signals();
    VKC_TRY(evaluate(a, dev, m, words->word[0], data, &j));
    if (j.r.n_keep && distill_has_truth(data, j.split, &m->cfg))
        VKC_TRY(distill_retain_measure(m, &(distill_retain_stats_params) {
            .data = data, .split = j.split, .images = a->d.limit, .batch = a->d.batch, .threads = a->d.threads,
            .progress = console_progress }, &stats));
    console_clear();
    VKC_TRY(print(a, &j, &stats, m->cfg.height, dev));
    if (a->logits)
        VKC_TRY(logits_save(m, data, j.split, &a->d, j.r.images, a->logits));
    if (a->show) {
        pipeline_data matched = data_of(&a->d, data);
        VKC_TRY(pipeline_data_match(&(pipeline_context) { .dev = dev }, &matched, &m->cfg, words->word[0], &view));
        st = show_split(m, view, j.split, &a->d, a->show_images, a->show);
    }
done:
    nn_model_destroy(m);
    nn_model_config_finish(&cfg);
    app_close(dev);
    nn_dataset_destroy(view);
    nn_dataset_destroy(data);
    return st;
}

static const arg table[] = {
    DATA_ROW(eval_args), SPLIT_ROW(eval_args, "test; of a plain folder all"), LABELS_ROW(eval_args),
    BATCH_ROW(eval_args, "128"), THREADS_ROW(eval_args), LIMIT_ROW(eval_args),
    FINITE_ROWS(eval_args, "off"), POLICY_ROW(eval_args), SHOW_ROWS(eval_args),
    IMG_SIZE_ROW(eval_args), VECTORS_ROW(eval_args),
    { "show-images", 0, ARG_U32, offsetof(eval_args, show_images), 1, 256, "N",
      "how many images --show draws, from the first [8]" },
    { "logits", 0, ARG_OUT, offsetof(eval_args, logits), 0, 0, "FILE",
      "write pixels (n, channels, height, width) and logits (n, classes) as safetensors" },
    { "context", 0, ARG_U32, offsetof(eval_args, context), 1, 32767, "N",
      "language models: tokens of a window [the model's positions, at most 1024]" },
    { "row", 0, ARG_U32, offsetof(eval_args, row), 2, 1e9, "N",
      "language models: files of ids have a text every N ids [a file is one]" },
    { 0 },
};
static const eval_args defaults = { .show_images = 8 };
const command cmd_eval = {
    .name = "eval", .help = "measure accuracy on a split", .usage = "M --data D [--split test]", .table = table,
    .defaults = &defaults, .options_size = sizeof defaults,
    .uses = COMMAND_DEVICE | COMMAND_CHECK | COMMAND_JSON | COMMAND_MODEL | COMMAND_KEY,
    .min_words = 1, .max_words = 1, .model_from = 0, .model_to = 1, .run = run,
};
