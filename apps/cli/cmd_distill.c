// cmd_distill.c — pare distill: measure, transfer, search, put the student together, compare.
#include "apps/cli/card.h"
#include "apps/cli/distill_report.h"
#include "apps/cli/run.h"
#include "distill/student.h"
#include "nn/files.h"
#include "nn/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WEIGHTS ((size_t) 1 << 40)

typedef struct distill_args {
    common_args common;
    data_args   d;
    const char *mixer, *out, *run;
    double      max_drop, lr, weight_decay, clip;
    uint32_t    epochs, max_steps, timing_batch;
    bool        no_timing, resume, force;
} distill_args;

typedef struct work {               // what the stages hand on
    const distill_args *a;
    const char  *teacher_dir;
    char         mixer_text[sizeof(nn_layer_config)];
    nn_layer_config mixer;
    nn_dataset  *data;
    vkc_device  *dev;
    nn_vit      *teacher, *transferred, *student;
    run_folder   run;
    distill_report report;
} work;

// A checksum of the teacher's weights, so that a run is not resumed with another teacher (FNV-1a).
static vkc_status hash_weights(const char *dir, char out[24])
{
    char path[NN_PATH_MAX];
    unsigned char *bytes = NULL;
    size_t size = 0;
    vkc_status st = nn_path_build(path, dir, "model.safetensors");
    if (st == VKC_OK)
        st = nn_file_load(path, MAX_WEIGHTS, &bytes, &size);
    if (st != VKC_OK)
        return st;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ bytes[i]) * 0x100000001b3u;
    snprintf(out, 24, "%016llx", (unsigned long long) h);
    free(bytes);
    return VKC_OK;
}

static vkc_status start_run(work *w)
{
    const distill_args *a = w->a;
    char hash[24];
    vkc_status st = hash_weights(w->teacher_dir, hash);
    if (st != VKC_OK)
        return st;
    json_t *inputs = json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:i, s:i, s:i, s:f, s:f, s:f, s:I}", "teacher",
                               w->teacher_dir, "weights", hash, "data", a->d.data, "mixer", w->mixer.mixer, "options",
                               w->mixer.options, "max_drop", a->max_drop, "epochs", (int) a->epochs, "batch",
                               (int) a->d.batch, "limit", (int) a->d.limit, "lr", a->lr, "weight_decay",
                               a->weight_decay, "clip", a->clip, "seed", (json_int_t) a->common.seed);
    st = run_open(&w->run, &(run_params) { &a->common, w->dev, a->run, a->out, inputs, a->resume, a->force });
    if (st == VKC_OK && a->resume && !w->run.is_resumed)
        st = app_check_output(a->out, a->force);
    return st;
}

static vkc_status measure_sparsity(work *w)
{
    char path[NN_PATH_MAX];
    distill_sparsity_params p = { .data = w->data, .split = NN_SPLIT_VAL, .images = w->a->d.limit,
                                  .progress = console_progress };
    vkc_status st = distill_sparsity_measure(w->teacher, &p, &w->report.sparsity);
    if (st == VKC_OK)
        st = run_path(&w->run, "sparsity.json", path);
    if (st != VKC_OK)
        return st;
    json_t *o = sparsity_json(&w->report.sparsity);
    st = o ? nn_json_save(path, o) : VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    json_decref(o);
    if (st == VKC_OK && !w->a->common.json) {
        console_clear();
        puts("attention of the teacher:");
        sparsity_print(stdout, &w->report.sparsity, false);
        putchar('\n');
        st = app_flush();
    }
    return st;
}

static vkc_status transfer(work *w)
{
    const distill_args *a = w->a;
    distill_transfer_params p = {
        .data = w->data, .mixer = w->mixer, .batch = a->d.batch, .epochs = a->epochs, .lr = a->lr,
        .weight_decay = a->weight_decay, .clip = a->clip, .seed = a->common.seed, .threads = a->d.threads,
        .run_dir = w->run.dir, .resume = w->run.is_resumed, .max_steps = a->max_steps, .progress = console_progress,
    };
    vkc_status st = distill_student_create(w->teacher, &w->mixer, &w->transferred);
    if (st == VKC_OK)
        st = distill_transfer(w->teacher, w->transferred, &p, &w->report.transfer);
    if (st == VKC_OK && !a->common.json) {
        console_clear();
        distill_report_print_transfer(stdout, &w->report);
        st = app_flush();
    }
    return st;
}

static vkc_status search(work *w)
{
    const distill_args *a = w->a;
    char path[NN_PATH_MAX];
    bool fixed[NN_MAX_DEPTH], replaced[NN_MAX_DEPTH];
    const uint32_t depth = w->teacher->cfg.depth;
    for (uint32_t l = 0; l < depth; l++)
        fixed[l] = strcmp(w->teacher->cfg.layers[l].mixer, "attention") != 0;
    distill_scorer scorer = {
        .teacher = w->teacher, .student = w->transferred,
        .eval = { .data = w->data, .split = NN_SPLIT_VAL, .batch = a->d.batch, .max_images = a->d.limit,
                  .threads = a->d.threads, .progress = console_goes_on },
    };
    distill_search_params p = {
        .n_layers = depth, .fixed = fixed, .max_drop = w->report.max_drop, .score = distill_score_top1,
        .score_user = &scorer, .log_path = path, .progress = console_progress,
    };
    vkc_status st = run_path(&w->run, "search.jsonl", path);
    if (st == VKC_OK)
        st = distill_search(&p, &w->report.search);
    if (st != VKC_OK)
        return st;
    if (!a->common.json) {
        console_clear();
        distill_report_print_path(stdout, &w->report);
        st = app_flush();
    }
    for (uint32_t l = 0; l < depth; l++)
        replaced[l] = distill_report_has(&w->report, l);
    return st == VKC_OK ? distill_hybrid_create(w->teacher, w->transferred, replaced, &w->student) : st;
}

static vkc_status compare(work *w)
{
    const distill_args *a = w->a;
    distill_report *r = &w->report;
    const nn_model_config *cfg[MEASURE_MODELS] = { &w->teacher->cfg, &w->student->cfg };
    vkc_status st;
    r->split = nn_dataset_len(w->data, NN_SPLIT_TEST) > 0 ? NN_SPLIT_TEST : NN_SPLIT_VAL;
    r->teacher_params = nn_params_count(w->teacher->params);
    r->student_params = nn_params_count(w->student->params);
    VKC_TRY(measure_split(w->teacher, w->data, r->split, &a->d, &r->teacher));
    VKC_TRY(measure_split(w->student, w->data, r->split, &a->d, &r->student));
    if (!a->no_timing) {
        VKC_TRY(measure_times(w->dev, cfg, MEASURE_MODELS, a->timing_batch, a->common.seed, r->time));
        r->timing_batch = a->timing_batch;
    }
done:
    return st;
}

static vkc_status save(work *w)
{
    const distill_args *a = w->a;
    distill_report *r = &w->report;
    json_t *provenance = json_object_get(w->run.info, "provenance");
    json_t *result = distill_report_json(r, w->dev);
    char *more = distill_report_markdown(r), *text = NULL;
    nn_model_config cfg = { 0 };
    vkc_status st;
    VKC_TRY(nn_model_config_copy(&w->student->cfg, &cfg));
    json_decref(cfg.provenance);
    json_decref(cfg.measured);
    cfg.provenance = json_deep_copy(provenance);
    if (cfg.provenance)
        json_object_set(cfg.provenance, "inputs", json_object_get(w->run.info, "inputs"));
    cfg.measured = json_incref(result);
    bool is_test = r->split == NN_SPLIT_TEST;
    text = card_build(&(card) { .cfg = &cfg, .dir = a->out, .data = a->d.data, .params = r->student_params,
                                .provenance = provenance, .seconds = r->transfer.seconds,
                                .val = is_test ? NULL : &r->student, .test = is_test ? &r->student : NULL,
                                .more = more });
    VKC_TRY(app_save_model(w->student, &cfg, a->out, text));
    VKC_TRY(run_finish(&w->run, json_incref(result)));
    console_clear();
    if (a->common.json) {
        st = app_print_json(json_incref(result));
    } else {
        distill_report_print_result(stdout, r);
        printf("student          %s\n", a->out);
    }
done:
    json_decref(result);
    free(more);
    free(text);
    nn_model_config_finish(&cfg);
    return st;
}

static vkc_status run_all(work *w)
{
    vkc_status st;
    const distill_args *a = w->a;
    if (!a->out || !a->mixer)
        return VKC_FAIL(VKC_E_ARG, "usage: pare distill M --data D --mixer X -o S");
    VKC_TRY(nn_mixer_parse(a->mixer, &w->mixer, NULL));
    snprintf(w->mixer_text, sizeof w->mixer_text, "%s%s%s", w->mixer.mixer, *w->mixer.options ? ":" : "",
             w->mixer.options);
    w->report.mixer = w->mixer_text;
    if (!a->resume)
        VKC_TRY(app_check_output(a->out, a->force));
    VKC_TRY(measure_open_data(&a->d, &w->data));
    VKC_TRY(app_open(&a->common, &w->dev));
    VKC_TRY(nn_vit_load(w->dev, w->teacher_dir, false, &w->teacher));
    w->report.depth = w->teacher->cfg.depth;
    VKC_TRY(start_run(w));
    console_catch_signals();
    VKC_TRY(measure_sparsity(w));
    VKC_TRY(transfer(w));
    VKC_TRY(search(w));
    VKC_TRY(compare(w));
    st = save(w);
done:
    if (st == VKC_E_STOPPED)
        run_say_stopped(&w->run);
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    const distill_args *a = options;
    work *w = calloc(1, sizeof *w);
    if (!w)
        return VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    w->a = a;
    w->teacher_dir = words->word[0];
    w->report.max_drop = a->max_drop / 100.0;
    vkc_status st = run_all(w);
    distill_sparsity_finish(&w->report.sparsity);
    run_close(&w->run);
    nn_vit_destroy(w->student);
    nn_vit_destroy(w->transferred);
    nn_vit_destroy(w->teacher);
    app_close(w->dev);
    nn_dataset_destroy(w->data);
    free(w);
    return st;
}

#define AT(member) offsetof(distill_args, member)
static const arg table[] = {
    DATA_ROW(distill_args),
    { "mixer", 'm', ARG_TEXT, AT(mixer), 0, 0, "X", "what replaces attention: linear or linear:features=elu1" },
    { "max-drop", 0, ARG_REAL, AT(max_drop), 0, 100, "X", "points of top-1 on val that may be lost [1.0]" },
    { "out", 'o', ARG_TEXT, AT(out), 0, 0, "S", "model folder to write" },
    { "run", 0, ARG_TEXT, AT(run), 0, 0, "DIR", "run folder: checkpoint and search log [S.run]" },
    { "resume", 0, ARG_FLAG, AT(resume), 0, 0, NULL, "continue the run of the run folder" },
    { "force", 'f', ARG_FLAG, AT(force), 0, 0, NULL, "replace a model or run that is there" },
    BATCH_ROW(distill_args),
    { "epochs", 'e', ARG_U32, AT(epochs), 1, 100000, "N", "of the transfer [3]" },
    { "lr", 0, ARG_REAL, AT(lr), 1e-12, 100, "X", "highest learning rate of the transfer [1e-3]" },
    { "weight-decay", 0, ARG_REAL, AT(weight_decay), 0, 100, "X", "of matrices [0]" },
    { "clip", 0, ARG_REAL, AT(clip), 0, 1e9, "X", "largest gradient norm over all layers, 0 = any [0]" },
    { "max-steps", 0, ARG_U32, AT(max_steps), 1, 4e9, "N", "stop the transfer after N steps, as Ctrl-C does" },
    THREADS_ROW(distill_args), LIMIT_ROW(distill_args),
    { "timing-batch", 0, ARG_U32, AT(timing_batch), 1, 4096, "N", "pictures at once when timing [4]" },
    { "no-timing", 0, ARG_FLAG, AT(no_timing), 0, 0, NULL, "do not time teacher and student" },
    { 0 },
};
static const distill_args defaults = { .d = { .batch = 128 }, .max_drop = 1.0, .lr = 1e-3, .epochs = 3, .timing_batch = 4 };
const command cmd_distill = {
    .name = "distill", .help = "replace the attention that can go, and write the student",
    .usage = "M --data D --mixer X -o S [--max-drop 1.0]", .table = table, .defaults = &defaults,
    .options_size = sizeof defaults, .min_words = 1, .max_words = 1, .run = run,
    .about = "Ctrl-C stops at the next step; the same command with --resume goes on to the same student.",
};
