// distill_stages.c — the stages of pare distill.
#include "apps/cli/distill_stages.h"

#include "apps/cli/card.h"
#include "distill/student.h"
#include "distill/trials.h"
#include "nn/files.h"
#include "nn/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WEIGHTS ((size_t) 1 << 40)

static uint64_t hash_on(uint64_t h, const void *bytes, size_t size)     // FNV-1a
{
    for (size_t i = 0; i < size; i++)
        h = (h ^ ((const unsigned char *) bytes)[i]) * 0x100000001b3u;
    return h;
}

// A checksum of the teacher's weights and retention, so that a run is not resumed with another teacher.
static vkc_status hash_teacher(const char *dir, const nn_model_config *cfg, char out[24])
{
    char path[NN_PATH_MAX];
    unsigned char *bytes = NULL;
    size_t size = 0;
    vkc_status st = nn_path_build(path, dir, "model.safetensors");
    if (st == VKC_OK)
        st = nn_file_load(path, MAX_WEIGHTS, &bytes, &size);
    if (st != VKC_OK)
        return st;
    uint64_t h = hash_on(0xcbf29ce484222325u, bytes, size);
    json_t *kept = nn_retention_json(cfg);
    char *text = kept ? json_dumps(kept, JSON_COMPACT) : NULL;
    if (text)
        h = hash_on(h, text, strlen(text));
    free(text);
    json_decref(kept);
    snprintf(out, 24, "%016llx", (unsigned long long) h);
    free(bytes);
    return VKC_OK;
}

vkc_status stage_run(distill_work *w)
{
    const distill_args *a = w->a;
    char hash[24];
    vkc_status st = hash_teacher(w->teacher_dir, &w->teacher->cfg, hash);
    if (st != VKC_OK)
        return st;
    json_t *inputs = json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:i, s:i, s:i, s:f, s:f, s:f, s:i, s:f, s:I}", "teacher",
                               w->teacher_dir, "weights", hash, "data", a->d.data, "mixer", w->mixer.mixer, "options",
                               w->mixer.options, "max_drop", a->max_drop, "epochs", (int) a->epochs, "batch",
                               (int) a->d.batch, "limit", (int) a->d.limit, "lr", a->lr, "weight_decay",
                               a->weight_decay, "clip", a->clip, "match_epochs", (int) a->match_epochs, "match_lr",
                               a->match_lr, "seed", (json_int_t) a->common.seed);
    st = run_open(&w->run, &(run_params) { &a->common, w->dev, a->run, a->out, inputs, a->resume, a->force });
    if (st == VKC_OK && a->resume && !w->run.is_resumed)
        st = app_check_output(a->out, a->force);
    return st;
}

vkc_status stage_sparsity(distill_work *w)
{
    char path[NN_PATH_MAX];
    distill_sparsity_params p = { .data = w->data, .split = NN_SPLIT_VAL, .images = w->a->d.limit,
                                  .progress = console_progress };
    vkc_status st = distill_sparsity_measure(w->teacher, &p, &w->report.sparsity);
    if (st == VKC_OK)
        st = run_path(&w->run, "sparsity.json", path);
    if (st != VKC_OK)
        return st;
    json_t *o = sparsity_json(&w->report.sparsity, w->dev);
    st = o ? nn_json_save(path, o) : VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    json_decref(o);
    if (st == VKC_OK && !w->a->common.json) {
        console_clear();
        puts("attention of the teacher:");
        sparsity_print(stdout, &w->report.sparsity, &(sparsity_view) { .keys = DISTILL_KEYS_ALL });
        putchar('\n');
        st = app_flush();
    }
    return st;
}

vkc_status stage_transfer(distill_work *w)
{
    const distill_args *a = w->a;
    distill_transfer_params p = {
        .data = w->data, .mixer = w->mixer, .batch = a->d.batch, .epochs = a->epochs, .lr = a->lr,
        .weight_decay = a->weight_decay, .clip = a->clip, .seed = a->common.seed, .threads = a->d.threads,
        .check_finite = measure_is_checked(&a->d, true),
        .run_dir = w->run.dir, .resume = w->run.is_resumed, .max_steps = a->max_steps, .progress = console_progress,
        .match_epochs = a->match_epochs, .match_lr = a->match_lr,
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

// Layers by whose attention tokens are chosen are not to be replaced.
static void fix_choosers(const nn_model_config *cfg, bool *fixed)
{
    char list[6 * NN_MAX_DEPTH] = "";
    for (uint32_t l = 0; l < cfg->depth; l++) {
        if (cfg->retention.policy != NN_POLICY_TOPK || !nn_retention_is_made(cfg, l))
            continue;
        size_t len = strlen(list);
        snprintf(list + len, sizeof list - len, "%s%u", len ? ", " : "", l);
        fixed[l] = true;
    }
    if (*list)
        say("attention stays in the layers that choose tokens by it (topk): %s", list);
}

vkc_status stage_search(distill_work *w)
{
    const distill_args *a = w->a;
    const uint32_t depth = w->teacher->cfg.depth;
    const nn_vit *const student[1] = { w->transferred };
    const char *const name[1] = { w->mixer.mixer };
    char path[NN_PATH_MAX];
    bool fixed[NN_MAX_DEPTH];
    uint8_t choice[NN_MAX_DEPTH];
    distill_trials *trials = NULL;
    vkc_status st;
    for (uint32_t l = 0; l < depth; l++)
        fixed[l] = strcmp(w->teacher->cfg.layers[l].mixer, "attention") != 0;
    fix_choosers(&w->teacher->cfg, fixed);
    distill_trials_params tp = {
        .teacher = w->teacher, .student = student, .n_students = 1, .cached = true,
        .eval = { .data = w->data, .split = NN_SPLIT_VAL, .batch = a->d.batch, .max_images = a->d.limit,
                  .threads = a->d.threads, .check_finite = measure_is_checked(&a->d, false),
                  .progress = console_goes_on },
    };
    VKC_TRY(distill_trials_create(&tp, &trials));
    distill_search_params p = {
        .n_layers = depth, .n_choices = 1, .fixed = fixed, .max_drop = w->report.max_drop, .name = name,
        .score = distill_trials_score, .commit = distill_trials_commit, .score_user = trials, .log_path = path,
        .progress = console_progress,
    };
    VKC_TRY(run_path(&w->run, "search.jsonl", path));
    VKC_TRY(distill_search(&p, &w->report.search));
    if (!a->common.json) {
        console_clear();
        distill_report_print_path(stdout, &w->report);
        VKC_TRY(app_flush());
    }
    distill_search_choice(&w->report.search, w->report.search.n_steps, choice);
    st = distill_hybrid_create(w->teacher, student, 1, choice, &w->student);
done:
    distill_trials_destroy(trials);
    return st;
}

vkc_status stage_compare(distill_work *w)
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

vkc_status stage_save(distill_work *w)
{
    const distill_args *a = w->a;
    distill_report *r = &w->report;
    json_t *provenance = json_object_get(w->run.info, "provenance");
    json_t *result = distill_report_json(r, w->dev);
    char *more = distill_report_markdown(r), *text = NULL;
    nn_model_config cfg = { 0 };
    vkc_status st;
    VKC_TRY(run_make_config(&w->run, &w->student->cfg, result, &cfg));
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
