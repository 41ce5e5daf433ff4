// cmd_classify.c — pare classify: the most probable labels of pictures, a line each.
#include "apps/cli/options/data_options.h"
#include "apps/cli/core/model.h"
#include "apps/cli/commands/caption.h"
#include "apps/cli/commands/pixel_dump.h"
#include "apps/cli/options/policy.h"
#include "apps/cli/commands/show.h"
#include "nn/base/files.h"
#include "nn/base/json.h"
#include "nn/base/names.h"
#include "nn/base/paths.h"
#include "nn/models/vit/positions.h"
#include "nn/models/config/preprocess_json.h"
#include "vk/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MAX_TOP 100

typedef struct classify_args {
    common_args common;
    uint32_t top, batch, threads, pillow;
    nn_size img_size;
    const char *policy, *show, *preprocess, *dump, *class_vectors;
    bool force;
} classify_args;

typedef struct job {
    const classify_args *a;
    nn_model *loaded;
    pare_device *device;
    pare_model *model;
    nn_sheet *sheet;                // NULL without --show
    pixel_dump *dump;               // NULL without --preprocess-dump
    nn_paths list;
    json_t *images;
    vkc_status st;                  // of what was done with a picture, and why it failed
    vkc_failure failure;
    size_t bad, unlisted;           // pictures of the list that could not be read; folders and lines that gave none
} job;

static json_t *build_image(const char *file, const pare_top *top, uint32_t k)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < k; i++)
        nn_json_append_new(list, json_pack("{s:s, s:f}", "label", top[i].label, "p", top[i].probability));
    return json_pack("{s:o, s:o}", "file", nn_json_name(file), "top", list);
}

// A picture, a folder or a line that gave none, and why.
static json_t *build_error(const char *file, const char *error)
{
    return json_pack("{s:o, s:o}", "file", nn_json_name(file), "error", nn_json_name(error));
}

static void print_image(const char *file, const pare_top *top, uint32_t k)
{
    print_name(stdout, file);
    fputs(": ", stdout);
    for (uint32_t i = 0; i < k; i++) {
        fputs(i ? ", " : " ", stdout);
        print_name(stdout, top[i].label);
        printf(" %.1f %%", 100.0 * top[i].probability);
    }
    putchar('\n');
}

// Is it this folder or line that is bad? Then say so and go on: the next may be good.
static bool goes_on(job *j, vkc_status st, const char *what)
{
    if (st != VKC_E_FORMAT && st != VKC_E_IO)
        return st == VKC_OK;
    warn_failure();
    nn_json_append_new(j->images, build_error(what, vkc_last_error()));
    j->unlisted++;
    return true;
}

static vkc_status add_lines(job *j)
{
    char line[NN_PATH_MAX] = "";
    for (;;) {
        bool is_there = false;
        vkc_status st = nn_paths_read_line(stdin, "standard input", line, &is_there);
        if (st == VKC_E_IO)
            return st;
        if (st == VKC_OK && !is_there)
            return VKC_OK;
        if (st == VKC_OK)
            st = nn_paths_add(&j->list, line);
        if (!goes_on(j, st, line))
            return st;
    }
}

static vkc_status list_pictures(job *j, const args_words *words)
{
    for (int i = 1; i < words->n; i++) {
        vkc_status st = strcmp(words->word[i], "-") == 0 ? add_lines(j) : nn_paths_add(&j->list, words->word[i]);
        if (!goes_on(j, st, words->word[i]))
            return st;
    }
    return VKC_OK;
}

// --preprocess: the other program's rule, where the model's folder has it.
static vkc_status set_rule(const char *word, const char *model, nn_model_config *cfg)
{
    static const char *const names[] = { "timm", "hf" };        // in the order of nn_rule
    uint32_t rule;
    if (!word)
        return VKC_OK;
    vkc_status st = nn_name_get("rule of --preprocess", word, names, 2, &rule);
    return st == VKC_OK ? nn_preprocess_load(model, (nn_rule) rule, cfg) : st;
}

static vkc_status prepare(job *j, const args_words *words, vkc_device *dev)
{
    const classify_args *a = j->a;
    vkc_status st;
    VKC_TRY(model_load(dev, words->word[0], a->class_vectors, a->img_size, &j->loaded));
    VKC_TRY(nn_model_config_check_pictures(&j->loaded->cfg));
    VKC_TRY(policy_apply(a->policy, words->word[0], &j->loaded->cfg));
    VKC_TRY(set_rule(a->preprocess, words->word[0], &j->loaded->cfg));
    j->loaded->cfg.preprocess.pillow = a->pillow;
    VKC_TRY(list_pictures(j, words));
    if (a->dump)
        VKC_TRY(pixel_dump_create(&j->loaded->cfg, j->list.n, &j->dump));
    if (a->show)
        VKC_TRY(show_create(&j->loaded->cfg, &j->sheet));
    VKC_TRY(pipeline_wrap_device(dev, &j->device));
    st = pipeline_wrap_model(j->device, j->loaded, words->word[0], &j->model);
done:
    return st;
}

// A picture, good or bad. Nonzero: go on.
static int show_picture(void *user, const pare_classified *p)
{
    job *j = (job *) user;
    console_clear();
    if (p->status != PARE_OK) {
        warn_failure();
        nn_json_append_new(j->images, build_error(p->path, p->error));
        j->bad++;
        return 1;
    }
    if (j->sheet) {
        nn_lines lines;
        caption_write(&lines, p->path, p->n_top ? p->top[0].label : NULL, p->n_top ? p->top[0].probability : 0.0, NULL);
        j->st = nn_sheet_add(j->sheet, p->rgb, p->blocks, &lines);
    }
    if (j->st == VKC_OK && j->dump)
        j->st = pixel_dump_add(j->dump, p->path, p->rgb, p->pixels);
    if (j->st != VKC_OK) {
        vkc_failure_keep(&j->failure);
        return 0;
    }
    if (j->a->common.json)
        nn_json_append_new(j->images, build_image(p->path, p->top, p->n_top));
    else
        print_image(p->path, p->top, p->n_top);
    return 1;
}

// Between two batches.
static int show_progress(void *user, const pare_progress *p)
{
    job *j = (job *) user;
    if (!j->a->common.json)
        j->st = app_flush();                // a reader of the pipe sees results as they come
    if (j->st != VKC_OK) {                  // and when there is none, there is no use in more
        vkc_failure_keep(&j->failure);
        return 0;
    }
    return app_progress(NULL, p);
}

static vkc_status classify_all(job *j)
{
    pare_callbacks c = pare_callbacks_default();
    pare_classify_options o = pare_classify_options_default();
    c.progress = show_progress;
    c.user = j;
    o.callbacks = &c;
    o.top = j->a->top;
    o.batch = j->a->batch;
    o.threads = j->a->threads;
    o.blocks = j->sheet != NULL;
    pare_status st = pare_classify(j->model, (const char *const *) j->list.path, j->list.n, &o, show_picture, j);
    console_clear();
    return j->st != VKC_OK ? vkc_failure_again(j->st, &j->failure) : pipeline_unwrap_status(st);
}

static vkc_status finish(job *j)
{
    const classify_args *a = j->a;
    const bool is_alone = nn_model_config_scores(&j->loaded->cfg) == NN_SCORES_SIGMOID;
    vkc_status st = VKC_OK;
    if (j->sheet)
        VKC_TRY(show_save(j->sheet, &j->loaded->cfg, a->show));
    if (j->dump)
        VKC_TRY(pixel_dump_save(j->dump, a->dump));
    if (a->common.json)
        VKC_TRY(app_print_json(json_pack("{s:s, s:O}", "scores", is_alone ? "sigmoid" : "softmax", "images",
                                         j->images)));
    if (j->bad + j->unlisted > 0)
        st = VKC_FAIL(VKC_E_FORMAT, "%zu of %zu images could not be read", j->bad + j->unlisted,
                      j->list.n + j->unlisted);
done:
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    const classify_args *a = options;
    vkc_device *dev = NULL;
    job j = { .a = a, .images = json_array() };
    vkc_status st;
    const char *const read[] = { words->word[0], a->class_vectors };
    VKC_TRY(nn_destination_check((const nn_destination[]) {
        { OUTPUT_OF("--show", a->show, NN_TO_PNG, a->force), .input = read, .n_inputs = 2 },
        { OUTPUT_OF("--preprocess-dump", a->dump, NN_TO_TENSORS, a->force), .input = read, .n_inputs = 2 } }, 2));
    VKC_TRY(app_open(&a->common, &dev));
    console_catch_signals();
    VKC_TRY(prepare(&j, words, dev));
    VKC_TRY(classify_all(&j));
    st = finish(&j);
done:
    json_decref(j.images);
    nn_paths_finish(&j.list);
    pixel_dump_destroy(j.dump);
    nn_sheet_destroy(j.sheet);
    pare_model_close(j.model);
    pare_device_close(j.device);
    nn_model_destroy(j.loaded);
    app_close(dev);
    return st;
}

static const arg table[] = {
    { "top", 'k', ARG_U32, offsetof(classify_args, top), 1, MAX_TOP, "K", "labels per image [5]" },
    { "batch", 0, ARG_U32, offsetof(classify_args, batch), 1, 4096, "N",
      "batch size [32, less if memory is short]" },
    { "threads", 0, ARG_U32, offsetof(classify_args, threads), 1, 64, "N",
      "decoding threads [one per core]" },
    PILLOW_ROW(classify_args, pillow),
    { "preprocess", 0, ARG_TEXT, offsetof(classify_args, preprocess), 0, 0, "RULE",
      "timm or hf: preprocess as that library does, if the model folder has its settings [the model's own]" },
    { "preprocess-dump", 0, ARG_OUT, offsetof(classify_args, dump), 0, 0, "FILE",
      "write the model's input pixels, before and after normalisation, as safetensors" },
    POLICY_ROW(classify_args), IMG_SIZE_ROW(classify_args), VECTORS_ROW(classify_args), SHOW_ROWS(classify_args),
    { 0 },
};
static const classify_args defaults = { .top = 5 };
const command cmd_classify = {
    .name = "classify", .help = "print the most probable labels of images", .usage = "M IMAGE...",
    .about = "An IMAGE is a file (pare --version lists the formats), a folder that is searched recursively, or - for\n"
             "a list of paths on standard input, one per line.",
    .table = table, .defaults = &defaults, .options_size = sizeof defaults,
    .uses = COMMAND_DEVICE | COMMAND_CHECK | COMMAND_JSON | COMMAND_MODEL | COMMAND_KEY,
    .min_words = 2, .max_words = INT_MAX, .model_from = 0, .model_to = 1, .run = run,
};
