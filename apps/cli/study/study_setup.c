// study_setup.c — mixers, seeds and settings of a study, and its run folder.
#include "apps/cli/study/study_setup.h"
#include "apps/cli/core/model_hash.h"

#include "apps/cli/core/students.h"
#include "nn/base/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static vkc_status check_room(const study_work *w, uint32_t more)
{
    return w->n_variants + more <= STUDY_MAX_VARIANTS
        ? VKC_OK : VKC_FAIL(VKC_E_ARG, "at most %d students: mixers times seeds", STUDY_MAX_VARIANTS);
}

static void add_mixer(study_work *w, const char *text)
{
    for (uint32_t i = 0; i < w->n_mixers; i++)
        if (strcmp(w->mixers[i], text) == 0)
            return;
    w->mixers[w->n_mixers++] = text;
}

static vkc_status read_mixers(study_work *w)
{
    char text[NN_PATH_MAX];
    vkc_status st;
    for (const char *at = w->a->mixer; list_next(&at, text, sizeof text);) {
        nn_layer_config layer;
        VKC_TRY(nn_mixer_parse(text, &layer, NULL));
        VKC_TRY(check_room(w, w->a->seeds));
        if (nn_mixer_is_replaceable(&layer))
            return VKC_FAIL(VKC_E_ARG, "--mixer: attention is what is to be replaced");
        const uint32_t n = w->n_mixers;
        for (uint32_t i = 0; i < w->a->seeds; i++) {
            const uint32_t v = w->n_variants++;
            report_layer_text(&layer, w->text[v]);
            w->mixer[v] = layer;
            w->variant[v] = (distill_variant) { w->text[v], w->a->common.seed + i };
            add_mixer(w, w->text[v]);
        }
        if (w->n_mixers == n)
            return VKC_FAIL(VKC_E_ARG, "--mixer: %s is there twice", text);
    }
    st = VKC_OK;
done:
    return st;
}

vkc_status study_read(study_work *w)
{
    const study_args *a = w->a;
    vkc_status st;
    w->hashes = json_array();
    if (!a->out || !a->mixer == !a->from)
        return VKC_FAIL(VKC_E_ARG, !a->out ? "-o is missing: the run folder of the study"
                                           : "a study wants either --mixer or --from");
    VKC_TRY(nn_split_get(a->d.split, &w->split));
    VKC_TRY(tune_make_params(&a->tune, &w->tune));
    VKC_TRY(read_mixers(w));
done:
    return st;
}

vkc_status study_open(study_work *w)
{
    vkc_status st;
    VKC_TRY(measure_open_data(&w->a->d, &w->data));
    if (nn_dataset_len(w->data, w->split) == 0) {
        st = VKC_FAIL(VKC_E_ARG, "%s has no pictures in its %s split to judge by", w->a->d.data,
                      nn_split_name(w->split));
        goto done;
    }
    st = app_open(&w->a->common, &w->dev);
done:
    return st;
}

static uint64_t get_seed(const nn_model *s, uint64_t fallback)
{
    const json_t *seed = json_object_get(s->cfg.provenance, "seed");
    return json_is_integer(seed) ? (uint64_t) json_integer_value(seed) : fallback;
}

static bool is_taken(const study_work *w, const char *mixer, uint64_t seed)
{
    for (uint32_t i = 0; i < w->n_variants; i++)
        if (w->variant[i].seed == seed && strcmp(w->variant[i].mixer, mixer) == 0)
            return true;
    return false;
}

vkc_status study_load_ready(study_work *w, const nn_model *teacher, const bool *fixed)
{
    char dir[NN_PATH_MAX], hash[24];
    vkc_status st = VKC_OK;
    for (const char *at = w->a->from; list_next(&at, dir, sizeof dir);) {
        const uint32_t v = w->n_variants;
        VKC_TRY(check_room(w, 1));
        VKC_TRY(nn_model_load(w->dev, dir, false, &w->ready[v]));
        VKC_TRY(distill_study_check(teacher, w->ready[v], fixed, dir));
        VKC_TRY(model_hash(dir, &w->ready[v]->cfg, true, hash));
        json_array_append_new(w->hashes, json_string(hash));
        student_name(teacher, w->ready[v], dir, w->text[v]);
        uint64_t seed = get_seed(w->ready[v], v);
        while (is_taken(w, w->text[v], seed))           // students of one seed are told apart by counting on
            seed++;
        w->variant[v] = (distill_variant) { w->text[v], seed };
        w->n_variants++;
        add_mixer(w, w->text[v]);
    }
done:
    return st;
}

static json_t *shared_inputs(const study_args *a)
{
    json_t *o = json_pack("{s:s, s:s*, s:s*, s:i, s:s, s:i, s:i, s:i, s:f, s:f, s:i, s:f, s:i, s:I}", "data", a->d.data,
                          "mixer", a->mixer, "from", a->from, "seeds", (int) a->seeds, "split", a->d.split, "limit",
                          (int) a->d.limit, "batch", (int) a->d.batch, "epochs", (int) a->epochs, "lr", a->lr,
                          "weight_decay", a->weight_decay, "match_epochs", (int) a->match_epochs, "match_lr",
                          a->match_lr, "tune_epochs", (int) a->tune.epochs, "seed", (json_int_t) a->common.seed);
    if (o && a->tune.epochs)
        json_object_set_new(o, "tune", tune_inputs(&a->tune));
    return o;
}

void study_expect(study_work *w, const distill_study *s, uint32_t times)
{
    uint32_t jobs[DISTILL_N_JOBS];
    distill_study_count(s, jobs);
    for (uint32_t k = 0; k < DISTILL_N_JOBS; k++)
        w->clock.left[k] += times * jobs[k];
}

vkc_status study_start(study_work *w, json_t *inputs)
{
    const study_args *a = w->a;
    char path[RUN_PATH_MAX];
    json_t *shared = shared_inputs(a);
    vkc_status st;
    if (!inputs || !shared || json_object_update(inputs, shared) != 0 ||
        json_object_set(inputs, "from_weights", w->hashes) != 0) {
        json_decref(inputs);
        inputs = NULL;
    }
    json_decref(shared);
    VKC_TRY(run_open(&w->run, &(run_params) { &a->common, w->dev, a->out, a->out, inputs, a->resume, a->force }));
    VKC_TRY(run_path(&w->run, "study.jsonl", path));
    VKC_TRY(distill_study_log_create(path, &w->log));
    w->clock = (distill_study_clock) { .progress = console_progress };
    console_catch_signals();
done:
    return st;
}

distill_study_models study_models(study_work *w, const nn_model *teacher, const char *dir)
{
    const study_args *a = w->a;
    const bool checked = measure_is_checked(&a->d, true);
    distill_study_models m = {
        .teacher = teacher, .variant = w->variant, .mixer = w->mixer,
        .ready = a->from ? (const nn_model *const *) w->ready : NULL,
        .transfer = { .data = w->data, .batch = a->d.batch, .epochs = a->epochs, .lr = a->lr,
                      .weight_decay = a->weight_decay, .threads = a->d.threads, .check_finite = checked,
                      .match_epochs = a->match_epochs, .match_lr = a->match_lr, .max_steps = a->max_steps },
        .tune = w->tune, .tuned = a->tune.epochs > 0,
        .eval = { .data = w->data, .split = w->split, .batch = a->d.batch, .max_images = a->d.limit,
                  .threads = a->d.threads, .check_finite = measure_is_checked(&a->d, false) },
        .run_dir = dir, .progress = distill_study_tell, .user = &w->clock,
    };
    m.tune.data = w->data;
    m.tune.batch = a->d.batch;
    m.tune.threads = a->d.threads;
    m.tune.check_finite = checked;
    m.tune.max_steps = a->max_steps;
    return m;
}

json_t *study_json(const study_work *w)
{
    const vkc_device_info *i = vkc_device_get_info(w->dev);
    json_t *mixers = json_array(), *seeds = json_array();
    for (uint32_t k = 0; k < w->n_mixers; k++)
        json_array_append_new(mixers, json_string(w->mixers[k]));
    for (uint32_t v = 0; v < w->n_variants; v++)
        if (strcmp(w->variant[v].mixer, w->mixers[0]) == 0)
            json_array_append_new(seeds, json_integer((json_int_t) w->variant[v].seed));
    return json_pack("{s:o, s:o, s:s, s:i, s:i, s:s, s:s}", "mixers", mixers, "seeds", seeds, "split",
                     nn_split_name(w->split), "epochs", (int) (w->a->from ? 0 : w->a->epochs), "tune_epochs",
                     (int) w->a->tune.epochs, "device", i->name, "driver", i->driver);
}

void study_close(study_work *w)
{
    for (uint32_t v = 0; v < STUDY_MAX_VARIANTS; v++)
        nn_model_destroy(w->ready[v]);
    distill_study_log_destroy(w->log);
    json_decref(w->hashes);
    run_close(&w->run);
    app_close(w->dev);
    nn_dataset_destroy(w->data);
}
