// setup.c — variants and settings of a study, and its run folder.
#include "pipeline/study/study_impl.h"

#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"
#include "pipeline/base/data.h"
#include "pipeline/base/json.h"
#include "pipeline/run/inputs.h"
#include "pipeline/run/model_hash.h"

static vkc_status check_room(const study_work *w, uint32_t more)
{
    return w->v->n + more <= PIPELINE_MAX_VARIANTS
        ? VKC_OK : VKC_FAIL(VKC_E_ARG, "at most %d students: mixers times seeds", PIPELINE_MAX_VARIANTS);
}

static void add_mixer(pipeline_variants *v, const char *text)
{
    for (uint32_t i = 0; i < v->n_mixers; i++)
        if (strcmp(v->mixers[i], text) == 0)
            return;
    v->mixers[v->n_mixers++] = text;
}

static vkc_status read_mixers(study_work *w)
{
    pipeline_variants *v = w->v;
    vkc_status st = VKC_OK;
    for (uint32_t k = 0; k < w->p->n_mixers; k++) {
        nn_layer_config layer;
        VKC_TRY(nn_mixer_parse(w->p->mixer[k], &layer, NULL));
        VKC_TRY(check_room(w, w->p->seeds));
        if (nn_mixer_is_replaceable(&layer))
            return VKC_FAIL(VKC_E_ARG, "%smixer: attention is what is to be replaced", pipeline_dash(w->c));
        const uint32_t n = v->n_mixers;
        for (uint32_t i = 0; i < w->p->seeds; i++) {
            const uint32_t at = v->n++;
            pipeline_layer_text(&layer, v->text[at]);
            v->mixer[at] = layer;
            v->variant[at] = (distill_variant) { v->text[at], w->p->seed + i };
            add_mixer(v, v->text[at]);
        }
        if (v->n_mixers == n)
            return VKC_FAIL(VKC_E_ARG, "%smixer: %s is there twice", pipeline_dash(w->c), w->p->mixer[k]);
    }
done:
    return st;
}

vkc_status pipeline__study_read(study_work *w, const pipeline_context *c, const pipeline_study_params *p,
                                pipeline_variants *v)
{
    *w = (study_work) { .c = c, .p = &w->own, .own = *p, .set = p->data.set, .v = v, .hashes = json_array() };
    vkc_status st;
    if (!p->place.run)
        return VKC_FAIL(VKC_E_ARG, "a study wants a run folder");
    VKC_TRY(pipeline_check_place(c, &p->place, NULL, 0));
    if (!p->n_mixers == !p->n_from)
        return VKC_FAIL(VKC_E_ARG, "a study wants either %smixer or %sfrom", pipeline_dash(c), pipeline_dash(c));
    VKC_TRY(pipeline_tuning_check(c, "tune-", &p->tune, p->data.batch));
    VKC_TRY(read_mixers(w));
    VKC_TRY(pipeline_check_data(&p->data));
    if (p->split == NN_SPLIT_ALL)
        st = VKC_FAIL(VKC_E_ARG, "a study judges by train, val or test, not by all: it trains on train");
    else if (nn_dataset_len(p->data.set, p->split) == 0)
        st = VKC_FAIL(VKC_E_ARG, "%s has no pictures in its %s split to judge by", nn_dataset_spec(p->data.set),
                      nn_split_name(p->split));
done:
    return st;
}

vkc_status pipeline__study_match(study_work *w, const nn_model_config *m, const char *name)
{
    const pipeline_context silent = { .dash = w->c->dash };
    const pipeline_context *c = w->view ? &silent : w->c;
    nn_dataset *view = NULL;
    w->own.data.set = w->set;
    vkc_status st = pipeline_data_match(c, &w->own.data, m, name, &view);
    if (st == VKC_OK) {
        nn_dataset_destroy(w->view);
        w->view = view;
    }
    return st;
}

static uint64_t get_seed(const nn_model *s, uint64_t fallback)
{
    const json_t *seed = json_object_get(s->cfg.provenance, "seed");
    return json_is_integer(seed) ? (uint64_t) json_integer_value(seed) : fallback;
}

static bool is_taken(const pipeline_variants *v, const char *mixer, uint64_t seed)
{
    for (uint32_t i = 0; i < v->n; i++)
        if (v->variant[i].seed == seed && strcmp(v->variant[i].mixer, mixer) == 0)
            return true;
    return false;
}

vkc_status pipeline__study_load_ready(study_work *w, const nn_model *teacher, const bool *fixed)
{
    pipeline_variants *v = w->v;
    char hash[PIPELINE_HASH_MAX];
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < w->p->n_from; i++) {
        const char *dir = w->p->from[i];
        const uint32_t at = v->n;
        VKC_TRY(check_room(w, 1));
        VKC_TRY(nn_model_load(w->c->dev, dir, false, &w->ready[at]));
        VKC_TRY(distill_study_check(teacher, w->ready[at], fixed, dir));
        VKC_TRY(pipeline_check_labels(&teacher->cfg, "the teacher", &w->ready[at]->cfg, dir));
        VKC_TRY(pipeline_model_hash(dir, &w->ready[at]->cfg, true, hash));
        nn_json_append_new(w->hashes, json_string(hash));
        pipeline_student_name(teacher, w->ready[at], dir, v->text[at]);
        uint64_t seed = get_seed(w->ready[at], at);
        while (is_taken(v, v->text[at], seed))          // students of one seed are told apart by counting on
            seed++;
        v->variant[at] = (distill_variant) { v->text[at], seed };
        v->n++;
        add_mixer(v, v->text[at]);
    }
done:
    return st;
}

static json_t *shared_inputs(const pipeline_study_params *p)
{
    json_t *o = json_pack("{s:s, s:o*, s:o*, s:i, s:s, s:i, s:i, s:i, s:f, s:f, s:i, s:f, s:i, s:I}", "data",
                          nn_dataset_spec(p->data.set), "mixer", pipeline_list_json(p->mixer, p->n_mixers), "from",
                          pipeline_list_json(p->from, p->n_from), "seeds", (int) p->seeds, "split",
                          nn_split_name(p->split), "limit", (int) p->data.limit, "batch", (int) p->data.batch, "epochs",
                          (int) p->epochs, "lr", p->lr, "weight_decay", p->weight_decay, "match_epochs",
                          (int) p->match_epochs, "match_lr", p->match_lr, "tune_epochs", (int) p->tune.epochs, "seed",
                          (json_int_t) p->seed);
    if (o && p->tune.epochs)
        nn_json_set_new(o, "tune", pipeline_tuning_inputs(&p->tune));
    pipeline_data_add_inputs(o, &p->data);
    return o;
}

void pipeline__study_expect(study_work *w, const distill_study *s, uint32_t times)
{
    uint32_t jobs[DISTILL_N_JOBS];
    distill_study_count(s, jobs);
    for (uint32_t k = 0; k < DISTILL_N_JOBS; k++)
        w->clock.left[k] += times * jobs[k];
}

vkc_status pipeline__study_start(study_work *w, json_t *inputs)
{
    char path[PIPELINE_PATH_MAX];
    json_t *shared = shared_inputs(w->p);
    vkc_status st;
    if (!inputs || !shared || json_object_update(inputs, shared) != 0 ||
        json_object_set(inputs, "from_weights", w->hashes) != 0) {
        json_decref(inputs);
        inputs = NULL;
    }
    json_decref(shared);
    VKC_TRY(pipeline_run_open(&w->run, w->c, &w->p->place, w->p->seed,
                              pipeline_inputs_with_data(inputs, w->p->data.set)));
    VKC_TRY(pipeline_run_path(&w->run, "study.jsonl", path));
    VKC_TRY(distill_study_log_create(path, &w->log));
    w->clock = (distill_study_clock) { .progress = w->c->progress, .user = w->c->user };
done:
    return st;
}

distill_study_models pipeline__study_models(study_work *w, const nn_model *teacher, const char *dir)
{
    const pipeline_study_params *p = w->p;
    const pipeline_data *d = &p->data;
    const bool checked = pipeline_is_checked(d, true);
    distill_study_models m = {
        .teacher = teacher, .variant = w->v->variant, .mixer = w->v->mixer,
        .ready = p->n_from ? (const nn_model *const *) w->ready : NULL,
        .transfer = { .data = d->set, .batch = d->batch, .epochs = p->epochs, .lr = p->lr,
                      .weight_decay = p->weight_decay, .threads = d->threads, .check_finite = checked,
                      .match_epochs = p->match_epochs, .match_lr = p->match_lr, .max_steps = p->max_steps },
        .tuned = p->tune.epochs > 0,
        .eval = { .data = d->set, .split = p->split, .batch = d->batch, .max_images = d->limit,
                  .threads = d->threads, .check_finite = pipeline_is_checked(d, false) },
        .run_dir = dir, .progress = distill_study_tell, .user = &w->clock,
    };
    pipeline_tuning_fill(&p->tune, &m.tune);
    m.tune.data = d->set;
    m.tune.batch = d->batch;
    m.tune.threads = d->threads;
    m.tune.check_finite = checked;
    m.tune.max_steps = p->max_steps;
    return m;
}

json_t *pipeline__study_json(const study_work *w)
{
    const vkc_device_info *i = vkc_device_get_info(w->c->dev);
    const pipeline_variants *v = w->v;
    json_t *mixers = json_array(), *seeds = json_array();
    for (uint32_t k = 0; k < v->n_mixers; k++)
        nn_json_append_new(mixers, json_string(v->mixers[k]));
    for (uint32_t k = 0; k < v->n; k++)
        if (strcmp(v->variant[k].mixer, v->mixers[0]) == 0)
            nn_json_append_new(seeds, json_integer((json_int_t) v->variant[k].seed));
    return json_pack("{s:o, s:o, s:o, s:s, s:i, s:i, s:s, s:s}", "data", pipeline_data_json(w->set),
                     "mixers", mixers, "seeds", seeds, "split", nn_split_name(w->p->split), "epochs",
                     (int) (w->p->n_from ? 0 : w->p->epochs), "tune_epochs", (int) w->p->tune.epochs, "device",
                     i->name, "driver", i->driver);
}

vkc_status pipeline__study_close(study_work *w, vkc_status st, char run_dir[PIPELINE_PATH_MAX])
{
    if (st == VKC_E_STOPPED && w->log)
        pipeline_run_end(&w->run, w->c, st);
    memcpy(run_dir, w->run.dir, sizeof w->run.dir);
    for (uint32_t k = 0; k < PIPELINE_MAX_VARIANTS; k++)
        nn_model_destroy(w->ready[k]);
    nn_dataset_destroy(w->view);
    distill_study_log_destroy(w->log);
    json_decref(w->hashes);
    pipeline_run_close(&w->run);
    return st;
}

vkc_status pipeline__study_check(const pipeline_context *c, const pipeline_study_params *p,
                                 pipeline__study_read_fn read)
{
    char unused[PIPELINE_PATH_MAX];
    study_work *w = (study_work *) malloc(sizeof *w);
    pipeline_variants *v = (pipeline_variants *) calloc(1, sizeof *v);
    vkc_status st = VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    if (w && v)
        st = pipeline__study_close(w, read(w, c, p, v), unused);
    free(v);
    free(w);
    return st;
}
