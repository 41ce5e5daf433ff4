// cmd_eval.c — pare eval: accuracy of a model on a split.
#include "apps/cli/commands/logits.h"
#include "apps/cli/core/data_options.h"
#include "apps/cli/core/model.h"
#include "apps/cli/core/policy.h"
#include "apps/cli/commands/show.h"
#include "apps/cli/print/print.h"
#include "nn/models/vit/positions.h"

#include <stdio.h>
#include <string.h>

typedef struct eval_args {
    common_args common;
    data_args d;
    const char *policy, *show, *logits;
    bool force;
    uint32_t show_images;
    nn_size img_size;
    const char *class_vectors;
} eval_args;

// The same number of classes under other names is most likely another data set.
static void compare_labels(const nn_model_config *c, const nn_dataset *data)
{
    for (uint32_t i = 0; c->labels && c->classes == nn_dataset_classes(data) && i < c->classes; i++) {
        if (strcmp(c->labels[i], nn_dataset_labels(data)[i]) != 0) {
            warn("class %u is \"%s\" in the model and \"%s\" in the data", i, c->labels[i], nn_dataset_labels(data)[i]);
            return;
        }
    }
}

static vkc_status print(const eval_args *a, const nn_eval_result *r, const distill_retain_stats *s, uint32_t image,
                        const vkc_device *dev)
{
    const vkc_device_info *i = vkc_device_get_info(dev);
    if (!a->common.json) {
        print_eval(stdout, a->d.split, r);
        for (uint32_t l = 0; l < r->n_keep; l++)
            printf("%s%.1f %%%s", l ? ", " : "kept     by layer: ", 100.0 * r->keep_layer[l],
                   l + 1 == r->n_keep ? "\n" : "");
        print_ring(stdout, s);
        return VKC_OK;
    }
    json_t *o = pipeline_eval_json(r);
    pipeline_add_ring(o, s);
    json_object_set_new(o, "image", json_integer((json_int_t) image));
    json_object_set_new(o, "split", json_string(a->d.split));
    json_object_set_new(o, "device", json_string(i->name));
    json_object_set_new(o, "driver", json_string(i->driver));
    return app_print_json(o);
}

static vkc_status evaluate(const eval_args *a, vkc_device *dev, nn_model *m, nn_dataset *data, nn_eval_result *out)
{
    const pare_callbacks c = app_callbacks();
    pare_evaluate_options o = pare_evaluate_options_default();
    pare_evaluate_result r = pare_evaluate_result_default();
    pare_device *device = NULL;
    pare_model *model = NULL;
    pare_data *set = NULL;
    vkc_status st;
    VKC_TRY(pipeline_wrap_device(dev, &device));
    VKC_TRY(pipeline_wrap_model(device, m, "", &model));
    VKC_TRY(pipeline_wrap_data(data, &set));
    o.split = a->d.split;
    o.batch = a->d.batch;
    o.limit = a->d.limit;
    o.threads = a->d.threads;
    o.check_finite = a->d.check_finite && !a->d.no_check_finite;
    o.callbacks = &c;
    VKC_TRY(pipeline_unwrap_status(pare_evaluate(model, set, &o, &r)));
    *out = (nn_eval_result) { .top1 = r.top1, .top5 = r.top5, .loss = r.loss, .images = r.images, .bad = r.bad,
                              .seconds = r.seconds, .images_per_s = r.images_per_s, .n_keep = r.n_keep,
                              .keep = r.keep };
    memcpy(out->keep_layer, r.keep_layer, r.n_keep * sizeof *r.keep_layer);
done:
    pare_data_close(set);
    pare_model_close(model);
    pare_device_close(device);
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    const eval_args *a = options;
    nn_dataset *data = NULL;
    vkc_device *dev = NULL;
    nn_model *m = NULL;
    nn_eval_result r;
    distill_retain_stats stats = { .has_truth = false };
    nn_split split;
    vkc_status st;
    VKC_TRY(show_check("--show", a->show, a->force));
    VKC_TRY(show_check("--logits", a->logits, a->force));
    VKC_TRY(nn_split_get(a->d.split, &split));
    VKC_TRY(data_open(&a->d, &data));
    VKC_TRY(app_open(&a->common, &dev));
    VKC_TRY(model_load(dev, words->word[0], a->class_vectors, a->img_size, &m));
    VKC_TRY(policy_apply(a->policy, words->word[0], &m->cfg));
    compare_labels(&m->cfg, data);
    console_catch_signals();
    VKC_TRY(evaluate(a, dev, m, data, &r));
    if (r.n_keep && distill_has_truth(data, split, &m->cfg))
        VKC_TRY(distill_retain_measure(m, &(distill_retain_stats_params) {
            .data = data, .split = split, .images = a->d.limit, .batch = a->d.batch, .threads = a->d.threads,
            .progress = console_progress }, &stats));
    console_clear();
    VKC_TRY(print(a, &r, &stats, m->cfg.height, dev));
    if (a->logits)
        VKC_TRY(logits_save(m, data, split, &a->d, r.images, a->logits));
    if (a->show)
        st = show_split(m, data, split, &a->d, a->show_images, a->show);
done:
    nn_model_destroy(m);
    app_close(dev);
    nn_dataset_destroy(data);
    return st;
}

static const arg table[] = {
    DATA_ROW(eval_args), SPLIT_ROW(eval_args), BATCH_ROW(eval_args, "128"), THREADS_ROW(eval_args),
    LIMIT_ROW(eval_args), FINITE_ROWS(eval_args, "off"), POLICY_ROW(eval_args), SHOW_ROWS(eval_args),
    IMG_SIZE_ROW(eval_args), VECTORS_ROW(eval_args),
    { "show-images", 0, ARG_U32, offsetof(eval_args, show_images), 1, 256, "N",
      "how many images --show draws, from the first [8]" },
    { "logits", 0, ARG_TEXT, offsetof(eval_args, logits), 0, 0, "FILE",
      "write pixels (n, channels, height, width) and logits (n, classes) as safetensors" },
    { 0 },
};
static const eval_args defaults = { .d = { .split = "test", .batch = 128 }, .show_images = 8 };
const command cmd_eval = {
    .name = "eval", .help = "measure accuracy on a split", .usage = "M --data D [--split test]", .table = table,
    .defaults = &defaults, .options_size = sizeof defaults, .min_words = 1, .max_words = 1,
    .model_from = 0, .model_to = 1, .run = run,
};
