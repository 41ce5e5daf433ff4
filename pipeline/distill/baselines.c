// baselines.c — what a search is measured against: other orders of replacement at as many layers, and its path on test.
#include "pipeline/distill/stages_impl.h"

#include "distill/search/order.h"
#include "distill/transfer/student.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum order_kind { ONE_SHOT, IMPACT, SPARSITY, UNIFORM, RANDOM, RANDOM_2, RANDOM_3, N_ORDERS } order_kind;
_Static_assert(N_ORDERS == PIPELINE_BASELINES, "a baseline an order");
static const char *const names[N_ORDERS] = { "one-shot", "impact", "sparsity", "uniform", "random 1", "random 2",
                                             "random 3" };

static uint32_t build_order(const distill_work *w, order_kind kind, distill_step *order)
{
    const pipeline_distill_result *r = w->r;
    double value[NN_MAX_DEPTH];
    switch (kind) {
    case ONE_SHOT: return distill_order_one_shot(&r->search, order);
    case IMPACT: return distill_order_impact(&r->search, r->impact, order);
    case UNIFORM: return distill_order_uniform(&r->search, order);
    case SPARSITY:
        for (uint32_t l = 0; l < r->depth; l++)     // the sparsest first, by entropy
            value[l] = distill_sparsity_score(&r->sparsity, DISTILL_KEYS_ALL, l, DISTILL_ENTROPY);
        return distill_order_by(&r->search, value, order);
    default: return distill_order_random(&r->search, w->p->seed + (uint64_t) kind - RANDOM, order);
    }
}

static vkc_status probe(distill_work *w)
{
    pipeline_distill_result *r = w->r;
    const pipeline_data *d = &w->p->data;
    if (nn_dataset_len(d->set, NN_SPLIT_TRAIN) == 0) {
        pipeline_say(w->c, PIPELINE_NOTE, "%s has no pictures in its train split: there is no order by impact scores",
                     nn_dataset_spec(d->set));
        return VKC_OK;
    }
    r->impact = calloc(1, sizeof *r->impact);
    if (!r->impact)
        return VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    return distill_impact_measure(&(distill_impact_params) {
        .teacher = w->teacher, .student = (const nn_model *const *) w->replaced, .n_students = r->n_mixers,
        .fixed = w->fixed, .data = d->set, .split = NN_SPLIT_VAL, .batch = d->batch, .threads = d->threads,
        .images = d->limit, .progress = w->c->progress, .user = w->c->user }, r->impact);
}

// Trials of the first round, by which one-shot orders layers, and every order chooses among mixers.
static uint32_t count_first(const pipeline_distill_result *r)
{
    uint32_t n = 0;
    for (uint32_t l = 0; l < r->depth; l++)
        for (uint32_t k = 0; k < r->n_mixers; k++)
            n += isnan(r->search.first[l][k].metric) ? 0 : 1;
    return n;
}

vkc_status pipeline__baselines_walk(distill_work *w, const distill_search_params *p)
{
    pipeline_distill_result *r = w->r;
    vkc_status st = probe(w);
    for (int kind = 0; kind < N_ORDERS && st == VKC_OK; kind++) {
        distill_step order[DISTILL_MAX_LAYERS];
        pipeline_baseline *b = &r->baseline[r->n_baselines];
        if (kind == IMPACT && !r->impact)
            continue;
        b->path = calloc(1, sizeof *b->path);
        if (!b->path)
            return VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
        r->n_baselines++;
        snprintf(b->name, sizeof b->name, "%s", names[kind]);
        b->n_trials = kind == ONE_SHOT || r->n_mixers > 1 ? count_first(r) : 0;
        const uint32_t n = build_order(w, (order_kind) kind, order);
        st = distill_search_along(p, order, n < r->search.n_steps ? n : r->search.n_steps, b->path);
    }
    return st;
}

// Accuracy on test after each step of the search, as a picture of how far val can be believed.
vkc_status pipeline__baselines_path_test(distill_work *w)
{
    pipeline_distill_result *r = w->r;
    const nn_model *const *students = (const nn_model *const *) w->replaced;
    for (uint32_t i = 0; i < r->search.n_steps; i++) {
        uint8_t choice[DISTILL_MAX_LAYERS];
        nn_model hybrid = { .block = NULL };
        nn_eval_result e = { .images = 0 };
        distill_search_choice(&r->search, i + 1, choice);
        vkc_status st = distill_hybrid_init(&hybrid, w->teacher, students, r->n_mixers, choice);
        if (st == VKC_OK)
            st = pipeline_measure(w->c, &hybrid, &w->p->data, NN_SPLIT_TEST, &e);
        distill_hybrid_finish(&hybrid);
        if (st != VKC_OK)
            return st;
        r->path_test[i] = e.top1;
    }
    r->has_path_test = true;
    return VKC_OK;
}

vkc_status pipeline__baselines_judge(distill_work *w)
{
    pipeline_distill_result *r = w->r;
    for (uint32_t i = 0; i < r->n_baselines; i++) {
        pipeline_baseline *b = &r->baseline[i];
        for (int k = 0; k < PIPELINE_N_PICKS; k++) {
            const pipeline_picked *m = &r->picked[k];
            uint8_t choice[DISTILL_MAX_LAYERS];
            nn_eval_result e = m->eval;
            distill_search_choice(b->path, m->n, choice);
            const bool is_short = m->n > b->path->n_steps;
            if (k > 0 && r->picked[k].n == r->picked[0].n) {
                b->top1[k] = b->top1[0];
                continue;
            }
            if (!is_short && memcmp(choice, m->choice, r->depth) != 0) {    // else the search has come to it too
                vkc_status st = pipeline__students_measure(w, choice, &e);
                if (st != VKC_OK)
                    return st;
            }
            b->top1[k] = is_short ? (double) NAN : e.top1;
        }
    }
    return VKC_OK;
}
