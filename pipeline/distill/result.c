// result.c — the result of a distillation: reported while it grows, counted, freed.
#include "pipeline/distill/stages_impl.h"

#include "distill/search/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *pipeline_objective_name(pipeline_objective o)
{
    static const char *const names[PIPELINE_N_OBJECTIVES] = { "accuracy", "latency", "params" };
    return names[o];
}

const pipeline_model_time *pipeline_distill_time(const pipeline_distill_result *r)
{
    for (uint32_t i = 0; i < r->n_times; i++)
        if (r->time[i].image == r->image && r->time[i].tokens)
            return &r->time[i];
    return NULL;
}

const char *pipeline_distill_verdict(const pipeline_model_time *t, char out[32])
{
    if (t->ms[1] > t->ms[0])
        snprintf(out, 32, "%.2f x slower", t->ms[1] / t->ms[0]);
    else
        snprintf(out, 32, "%.2f x faster", t->ms[0] / t->ms[1]);
    return out;
}

void pipeline_distill_finish(pipeline_distill_result *r)
{
    distill_sparsity_finish(&r->sparsity);
    for (uint32_t i = 0; i < r->n_baselines; i++)
        free(r->baseline[i].path);
    r->n_baselines = 0;
    free(r->impact);
    r->impact = NULL;
    json_decref(r->json);
    r->json = NULL;
}

const char *pipeline_pick_name(pipeline_pick k)
{
    static const char *const names[PIPELINE_N_PICKS] = { "most", "best" };
    return names[k];
}

pipeline_pick pipeline_distill_asked(const pipeline_distill_result *r)
{
    return r->is_best ? PIPELINE_BEST : PIPELINE_MOST;
}

pipeline_pick pipeline_distill_other(const pipeline_distill_result *r)
{
    return r->is_best ? PIPELINE_MOST : PIPELINE_BEST;
}

vkc_status pipeline_distill_beside(const pipeline_place *p, bool best, char out[PIPELINE_PATH_MAX])
{
    size_t len = strlen(p->out);
    while (len > 1 && p->out[len - 1] == '/')
        len--;
    const int n = snprintf(out, PIPELINE_PATH_MAX, "%.*s-%s", (int) len, p->out,
                           pipeline_pick_name(best ? PIPELINE_MOST : PIPELINE_BEST));
    return n > 0 && n < PIPELINE_PATH_MAX ? VKC_OK : VKC_FAIL(VKC_E_ARG, "the path of the model folder is too long");
}

uint32_t pipeline_distill_most_trials(const pipeline_distill_result *r)
{
    distill_step order[DISTILL_MAX_LAYERS];
    const uint32_t n = distill_order_one_shot(&r->search, order);     // layers tried
    return r->n_mixers * n * (n + 1) / 2;
}

vkc_status pipeline__work_tell(const distill_work *w, pipeline_distill_stage stage, uint32_t i)
{
    return w->p->told ? w->p->told(w->c->user, stage, i, w->r) : VKC_OK;
}

vkc_status pipeline__work_steps_left(const distill_work *w, uint32_t *left)
{
    const pipeline_distill_result *r = w->r;
    uint64_t done = 0;
    for (uint32_t k = 0; k < r->n_mixers; k++)
        done += r->mixer[k].transfer.steps + r->mixer[k].transfer.match.steps;
    for (uint32_t i = 0; i < r->n_tunes; i++)
        done += r->tune[i].result.steps;
    *left = w->p->max_steps > done ? w->p->max_steps - (uint32_t) done : 0;
    if (w->p->max_steps && *left == 0)
        return VKC_FAIL(VKC_E_STOPPED, "stopped after %llu steps", (unsigned long long) done);
    return VKC_OK;
}

double pipeline__work_seconds(const pipeline_distill_result *r, bool tuned)
{
    double sum = 0.0;
    for (uint32_t k = 0; k < r->n_mixers; k++)
        sum += r->mixer[k].transfer.seconds;
    for (uint32_t i = 0; i < r->n_tunes && tuned; i++)
        sum += r->tune[i].result.seconds;
    return sum;
}
