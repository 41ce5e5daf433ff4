// search.c — the search for layers to replace, and the student.
#include "pipeline/distill/stages_impl.h"

#include "distill/transfer/student.h"
#include "distill/search/trials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Layers that are no attention, and those by whose attention tokens are chosen, are not to be replaced.
vkc_status pipeline__search_check(distill_work *w)
{
    const nn_model_config *cfg = &w->teacher->cfg;
    char list[6 * NN_MAX_DEPTH] = "";
    uint32_t n_free = 0;
    for (uint32_t l = 0; l < cfg->depth; l++) {
        const bool is_attention = nn_mixer_is_replaceable(&cfg->layers[l]);
        const bool chooses = cfg->retention.policy == NN_POLICY_TOPK && nn_retention_is_made(cfg, l);
        size_t len = strlen(list);
        if (is_attention && chooses)
            snprintf(list + len, sizeof list - len, "%s%u", len ? ", " : "", l);
        w->fixed[l] = !is_attention || chooses;
        n_free += !w->fixed[l];
    }
    if (*list)
        pipeline_say(w->c, PIPELINE_NOTE, "attention stays in the layers that choose tokens by it (topk): %s", list);
    if (n_free == 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s has no attention layer that could be replaced", w->p->teacher);
    if (nn_dataset_len(w->p->data.set, NN_SPLIT_VAL) == 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s has no pictures in its val split, by which replacements are judged",
                        nn_dataset_spec(w->p->data.set));
    return VKC_OK;
}

// Nothing was replaced: why.
static vkc_status fail_without_steps(distill_work *w)
{
    const pipeline_distill_result *r = w->r;
    w->is_refused = true;
    const distill_step *near = &r->search.refused;
    if (near->layer == UINT32_MAX)
        return VKC_FAIL(VKC_E_CHECK, "nothing is replaced and no student written: by none of these mixers does a layer "
                        "get %s", r->objective == PIPELINE_LATENCY ? "faster on this device at this size" : "smaller");
    const double drop = 100.0 * (r->search.base.metric - near->score.metric);
    if (r->guarded && drop <= 100.0 * r->max_drop)
        return VKC_FAIL(VKC_E_CHECK, "nothing is replaced and no student written: the least, layer %u by %s, costs "
                        "%.2f points, but %.2f may well be, and %.2f are allowed; more pictures in val tell better",
                        near->layer, r->mixer[near->choice - 1].text, drop, -100.0 * near->score.low,
                        100.0 * r->max_drop);
    return VKC_FAIL(VKC_E_CHECK, "nothing is replaced and no student written: the least, layer %u by %s, costs %.2f "
                    "points, and %.2f are allowed (%s%s)", near->layer, r->mixer[near->choice - 1].text, drop,
                    100.0 * r->max_drop, pipeline_dash(w->c), r->min_share > 0.0 ? "min-share" : "max-drop");
}

static vkc_status make_student(distill_work *w)
{
    pipeline_distill_result *r = w->r;
    r->is_best = w->p->best;
    r->n_chosen = r->is_best ? r->search.n_best : r->search.n_steps;
    w->is_refused = r->n_chosen == 0;
    if (w->is_refused)
        return VKC_FAIL(VKC_E_CHECK, "no student written: the best on the way is the teacher itself; without %sbest "
                        "it is the one with %u of %u layers replaced", pipeline_dash(w->c), r->search.n_steps,
                        r->depth);
    pipeline__students_pick(w);
    distill_search_choice(&r->search, r->n_chosen, r->choice);
    vkc_status st = distill_hybrid_create(w->teacher, (const nn_model *const *) w->replaced, r->n_mixers, r->choice,
                                          &w->student);
    if (st == VKC_OK)
        memcpy(r->layer, w->student->cfg.layers, sizeof r->layer);
    return st;
}

// For the progress line: the mixer without its options where no other choice has the same one.
static const char *get_short_name(const pipeline_distill_result *r, uint32_t k)
{
    const char *text = r->mixer[k].text, *name = r->mixer[k].mixer.mixer;
    const size_t len = strcspn(text, ":");
    bool is_unique = !r->mixer[k].is_given;
    for (uint32_t i = 0; i < r->n_mixers; i++)
        is_unique = is_unique && (i == k || strcspn(r->mixer[i].text, ":") != len ||
                                  strncmp(r->mixer[i].text, text, len) != 0);
    return is_unique ? name : text;
}

vkc_status pipeline__search_run(distill_work *w)
{
    const pipeline_distill_params *a = w->p;
    pipeline_distill_result *r = w->r;
    char path[PIPELINE_PATH_MAX];
    const char *name[DISTILL_MAX_CHOICES];
    double *cost = NULL;
    distill_trials *trials = NULL;
    vkc_status st;
    for (uint32_t k = 0; k < r->n_mixers; k++)
        name[k] = get_short_name(r, k);
    VKC_TRY(pipeline_run_path(&w->run, "search.jsonl", path));
    if (r->objective != PIPELINE_ACCURACY) {
        cost = calloc((size_t) r->depth * (1 + r->n_mixers), sizeof *cost);
        st = cost ? pipeline__cost_fill(w, cost) : VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
        if (st != VKC_OK)
            goto done;
    }
    VKC_TRY(distill_trials_create(&(distill_trials_params) {
        .teacher = w->teacher, .student = (const nn_model *const *) w->replaced, .n_students = r->n_mixers,
        .eval = { .data = a->data.set, .split = NN_SPLIT_VAL, .batch = a->data.batch, .max_images = a->data.limit,
                  .threads = a->data.threads, .check_finite = pipeline_is_checked(&a->data, false),
                  .progress = pipeline_ask, .user = (void *) w->c },
        .cached = !a->whole_trials, .confidence = r->confidence, .seed = a->seed,
    }, &trials));
    const distill_search_params p = {
        .n_layers = r->depth, .n_choices = r->n_mixers, .fixed = w->fixed, .max_drop = r->max_drop,
        .min_share = r->min_share, .guarded = r->guarded, .cost = cost, .name = name, .score = distill_trials_score,
        .commit = distill_trials_commit, .score_user = trials, .log_path = path, .progress = w->c->progress,
        .user = w->c->user,
    };
    VKC_TRY(distill_search(&p, &r->search));
    r->max_drop = r->search.max_drop;
    VKC_TRY(pipeline__work_tell(w, PIPELINE_DISTILL_SEARCH, 0));
    if (r->search.n_steps == 0) {
        st = fail_without_steps(w);
        goto done;
    }
    if (a->baselines)
        VKC_TRY(pipeline__baselines_walk(w, &p));
    if (a->path_test && nn_dataset_len(w->p->data.set, NN_SPLIT_TEST) > 0)
        VKC_TRY(pipeline__baselines_path_test(w));
    if (r->n_baselines || r->has_path_test)
        VKC_TRY(pipeline__work_tell(w, PIPELINE_DISTILL_BASELINES, 0));
    st = make_student(w);
done:
    distill_trials_destroy(trials);
    free(cost);
    return st;
}
