// orders.c — the order of replacement of each mixer and seed: a transfer, a search through all layers, cheap orders.
#include "pipeline/study/orders_impl.h"

#include "distill/search/order.h"
#include "distill/search/trials.h"
#include "nn/base/files.h"
#include "pipeline/base/data.h"
#include "pipeline/base/load.h"
#include "pipeline/run/model_hash.h"
#include "vk/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct order_work {
    study_work  w;
    const char *dir;
    nn_model   *teacher;
    distill_study_models   models;
    distill_search_result *search;  // of the variant at work, owned
    distill_impact        *impact;  // likewise
    double      error[NN_MAX_DEPTH];
    pipeline_orders_result *r;
} order_work;

static json_t *build_inputs(const order_work *o)
{
    char hash[PIPELINE_HASH_MAX];
    vkc_status st = pipeline_model_hash(o->dir, &o->teacher->cfg, true, hash);
    return st != VKC_OK ? NULL
                        : json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "study", "orders", "teacher", o->dir, "weights",
                                    hash, "by", distill_measure_name(o->r->measure), "keys",
                                    distill_keys_name(o->r->keys), "images", (int) o->w.p->images);
}

static vkc_status check(study_work *w, const pipeline_context *c, const pipeline_study_params *p, pipeline_variants *v)
{
    vkc_status st = pipeline__study_read(w, c, p, v);
    return st != VKC_OK || !p->tune.epochs
        ? st : VKC_FAIL(VKC_E_ARG, "%stune-epochs: a study of orders tunes nothing: its search judges "
                        "hybrids as they are", pipeline_dash(c));
}

static vkc_status count_layers(order_work *o)
{
    pipeline_orders_result *r = o->r;
    r->depth = o->teacher->cfg.depth;
    distill_study_fixed(&o->teacher->cfg, r->fixed);
    for (uint32_t l = 0; l < r->depth; l++)
        r->n_layers += !r->fixed[l];
    return r->n_layers > 1 ? VKC_OK : VKC_FAIL(VKC_E_ARG, "%s has %u layer%s with attention that can be replaced; an "
                                               "order wants two at least", o->dir, r->n_layers,
                                               r->n_layers == 1 ? "" : "s");
}

static json_t *make_key(const order_work *o, const char *what, const distill_variant *v)
{
    return json_pack("{s:s, s:s, s:s, s:I}", "what", what, "teacher", o->dir, "mixer", v->mixer, "seed",
                     (json_int_t) v->seed);
}

// What runs next, for the progress line.
static double begin_job(order_work *o, uint32_t kind, const distill_variant *v)
{
    distill_study_clock *c = &o->w.clock;
    c->now = kind;
    snprintf(c->note, sizeof c->note, "%.60s %.40s seed %llu", o->dir, v->mixer, (unsigned long long) v->seed);
    return vkc_seconds();
}

static void end_job(order_work *o, uint32_t kind, double start)
{
    distill_study_clock *c = &o->w.clock;
    c->left[kind] -= c->left[kind] > 0;
    c->timed[kind] += start >= 0;
    c->seconds[kind] += start >= 0 ? vkc_seconds() - start : 0;
}

static vkc_status search(order_work *o, uint32_t v, bool again)
{
    const pipeline_study_params *p = o->w.p;
    const nn_model *student = o->models.ready ? o->models.ready[v] : o->models.student;
    const char *name = o->w.v->variant[v].mixer;
    distill_trials *trials = NULL;
    char dir[NN_PATH_MAX], path[NN_PATH_MAX];
    vkc_status st;
    VKC_TRY(distill_study_dir(&o->models, v, NULL, dir));
    VKC_TRY(nn_folder_create(dir));
    VKC_TRY(nn_path_build(path, dir, "search.jsonl"));
    if (!again)
        unlink(path);               // of an earlier study in the same place
    VKC_TRY(distill_trials_create(&(distill_trials_params) {
        .teacher = o->teacher, .student = &student, .n_students = 1,
        .eval = { .data = p->data.set, .split = p->split, .batch = p->data.batch, .max_images = p->data.limit,
                  .threads = p->data.threads, .check_finite = pipeline_is_checked(&p->data, false),
                  .progress = pipeline_ask, .user = (void *) o->w.c },
        .cached = true, .seed = p->seed }, &trials));
    st = distill_search(&(distill_search_params) {
        .n_layers = o->r->depth, .n_choices = 1, .fixed = o->r->fixed, .max_drop = 1.0, .name = &name,
        .score = distill_trials_score, .commit = distill_trials_commit, .score_user = trials, .log_path = path,
        .progress = distill_study_tell, .user = &o->w.clock }, o->search);
done:
    distill_trials_destroy(trials);
    return st;
}

// Probes want pictures to be fitted to, and others to be tested on.
static bool is_probed(const order_work *o)
{
    return o->w.p->split != NN_SPLIT_TRAIN && nn_dataset_len(o->w.p->data.set, NN_SPLIT_TRAIN) > 0;
}

static vkc_status probe(order_work *o, uint32_t v)
{
    const pipeline_study_params *p = o->w.p;
    const nn_model *student = o->models.ready ? o->models.ready[v] : o->models.student;
    if (!is_probed(o))
        return VKC_OK;
    return distill_impact_measure(&(distill_impact_params) {
        .teacher = o->teacher, .student = &student, .n_students = 1, .fixed = o->r->fixed, .data = p->data.set,
        .split = p->split, .batch = p->data.batch, .threads = p->data.threads, .images = p->data.limit,
        .progress = distill_study_tell, .user = &o->w.clock }, o->impact);
}

// An order of every layer that can be replaced; false when what it goes by is not known.
static bool build_order(const order_work *o, pipeline_order kind, distill_step *order)
{
    const pipeline_orders_result *r = o->r;
    double value[NN_MAX_DEPTH];
    bool is_known = true;
    switch (kind) {
    case PIPELINE_ORDER_GREEDY:
        memcpy(order, o->search->step, r->n_layers * sizeof *order);
        return true;
    case PIPELINE_ORDER_ONE_SHOT:
        distill_order_one_shot(o->search, order);
        return true;
    case PIPELINE_ORDER_IMPACT:
        if (is_probed(o))
            distill_order_impact(o->search, o->impact, order);
        return is_probed(o);
    default:
        break;
    }
    for (uint32_t l = 0; l < r->depth; l++) {
        value[l] = kind == PIPELINE_ORDER_ERROR ? -o->error[l]
                   : kind == PIPELINE_ORDER_SPARSITY ? distill_sparsity_score(&r->sparsity, r->keys, l, r->measure)
                                                     : -(double) l;
        is_known = is_known && (r->fixed[l] || !isnan(value[l]));
    }
    if (is_known)
        distill_order_by(o->search, value, order);
    return is_known;
}

static void fill_run(const order_work *o, pipeline_order_run *run)
{
    const distill_search_result *s = o->search;
    *run = (pipeline_order_run) { .n_best = s->n_best, .trials = s->n_trials };
    for (int kind = 0; kind < PIPELINE_N_ORDERS; kind++) {
        distill_step order[DISTILL_MAX_LAYERS];
        run->has[kind] = build_order(o, (pipeline_order) kind, order);
        for (uint32_t i = 0; i < o->r->n_layers && run->has[kind]; i++)
            run->layer[kind][i] = order[i].layer;
    }
    for (uint32_t i = 0; i < o->r->n_layers; i++)
        run->top1[i] = s->step[i].score.metric;
    o->r->teacher_top1 = s->base.metric;
}

static vkc_status run_variant(order_work *o, uint32_t v)
{
    const distill_variant *of = &o->w.v->variant[v];
    pipeline_order_run *run = &o->r->run[v];
    const json_t *line = distill_study_log_get(o->w.log, make_key(o, "order", of));
    vkc_status st;
    double start;
    if (pipeline__orders_read(line, o->r, run)) {
        o->r->teacher_top1 = json_number_value(json_object_get(line, "teacher_top1"));
        end_job(o, DISTILL_JOB_TRANSFER, -1);
        end_job(o, DISTILL_JOB_SCORE, -1);
        return VKC_OK;
    }
    const bool again = distill_study_log_get(o->w.log, make_key(o, "begin", of)) != NULL;
    if (!again)
        VKC_TRY(distill_study_log_write(o->w.log, make_key(o, "begin", of), NULL));
    start = begin_job(o, DISTILL_JOB_TRANSFER, of);
    VKC_TRY(distill_study_prepare(&o->models, v, again, o->error));
    end_job(o, DISTILL_JOB_TRANSFER, start);
    start = begin_job(o, DISTILL_JOB_SCORE, of);
    VKC_TRY(search(o, v, again));
    if (o->search->n_steps != o->r->n_layers) {
        st = VKC_FAIL(VKC_E_CHECK, "study: the search replaced %u of %u layers", o->search->n_steps, o->r->n_layers);
        goto done;
    }
    VKC_TRY(probe(o, v));
    end_job(o, DISTILL_JOB_SCORE, start);
    fill_run(o, run);
    st = distill_study_log_write(o->w.log, make_key(o, "order", of), pipeline__orders_line(o->r, run));
done:
    return st;
}

static vkc_status run_all(order_work *o, const pipeline_context *c, const pipeline_study_params *p)
{
    study_work *w = &o->w;
    pipeline_orders_result *r = o->r;
    vkc_status st;
    VKC_TRY(check(w, c, p, &r->variants));
    VKC_TRY(pipeline_load_model(c, o->dir, false, &o->teacher));
    VKC_TRY(nn_model_config_check_pictures(&o->teacher->cfg));
    VKC_TRY(pipeline__study_match(w, &o->teacher->cfg, o->dir));
    VKC_TRY(count_layers(o));
    VKC_TRY(pipeline__study_load_ready(w, o->teacher, r->fixed));
    r->run = calloc(r->variants.n, sizeof *r->run);
    o->search = calloc(1, sizeof *o->search);
    o->impact = calloc(1, sizeof *o->impact);
    if (!r->run || !o->search || !o->impact) {
        st = VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
        goto done;
    }
    VKC_TRY(pipeline__study_start(w, build_inputs(o)));
    VKC_TRY(pipeline__study_sparsity_get(w, o->teacher, o->dir, &r->sparsity));
    if (!is_probed(o))
        pipeline_say(c, PIPELINE_NOTE, "there is no order by impact scores: probes are fitted to train and tested on "
                     "another split");
    o->models = pipeline__study_models(w, o->teacher, w->run.dir);
    w->clock.left[DISTILL_JOB_TRANSFER] = w->clock.left[DISTILL_JOB_SCORE] = r->variants.n;
    for (uint32_t v = 0; v < r->variants.n; v++)
        VKC_TRY(run_variant(o, v));
    pipeline_data_tell_bad(w->c, w->set);
    VKC_TRY(pipeline__orders_json(w, r, &r->json));
    st = pipeline_run_finish(&w->run, json_incref(r->json));
done:
    return st;
}

vkc_status pipeline_orders_check(const pipeline_context *c, const pipeline_study_params *p)
{
    return pipeline__study_check(c, p, check);
}

vkc_status pipeline_orders(const pipeline_context *c, const pipeline_study_params *p, const char *teacher,
                           pipeline_orders_result *out)
{
    memset(out, 0, sizeof *out);
    out->split = p->split;
    out->measure = p->by;
    out->keys = p->keys;
    order_work *o = (order_work *) calloc(1, sizeof *o);
    if (!o)
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    o->dir = teacher;
    o->r = out;
    vkc_status st = run_all(o, c, p);
    distill_study_models_finish(&o->models);
    st = pipeline__study_close(&o->w, st, out->run_dir);
    nn_model_destroy(o->teacher);
    free(o->search);
    free(o->impact);
    free(o);
    return st;
}

void pipeline_orders_finish(pipeline_orders_result *r)
{
    distill_sparsity_finish(&r->sparsity);
    free(r->run);
    r->run = NULL;
    json_decref(r->json);
    r->json = NULL;
}
