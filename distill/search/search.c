// search.c — greedy replacement, and walks along a given order.
#include "distill/search/search.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "distill/search/search_impl.h"
#include "vk/clock.h"

// Metrics are ratios of counts, so a drop of exactly max_drop must not fail by rounding.
#define ROUNDING 1e-12

typedef struct search {
    const distill_search_params *p;
    distill__log log;
    uint8_t  choice[DISTILL_MAX_LAYERS];    // committed so far
    distill_score now;              // of that model
    double   cost;
    uint32_t n_trials, n_fresh;     // asked for, of these not from the log
    nn_pace  pace;                  // of the fresh ones
    uint32_t most, n_rounds;        // upper bounds
    double   start, best;           // best: metric of this round, NaN = none yet
    uint32_t round;                 // from 1
    distill_search_result r;
} search;

static double get_cost(const search *s, uint32_t l, uint32_t choice)
{
    return s->p->cost ? s->p->cost[(size_t) l * (s->p->n_choices + 1) + choice] : 0.0;
}

// May choice k > 0 be tried in layer l?
static bool is_candidate(const search *s, uint32_t l, uint32_t k)
{
    return !s->choice[l] && !(s->p->fixed && s->p->fixed[l]) &&
           (!s->p->cost || get_cost(s, l, k) < get_cost(s, l, 0));
}

static bool tell(const search *s, const char *note)
{
    if (!s->p->progress)
        return true;
    double seconds = vkc_seconds() - s->start;
    nn_progress pr = { .what = "search", .done = s->n_trials, .total = s->most, .unit = "trials",
                       .seconds = seconds, .left = -1.0, .note = note };
    pr.rate = nn_pace_rate(&s->pace);
    if (pr.rate > 0)
        pr.left = (s->most - s->n_trials) / pr.rate;
    return s->p->progress(s->p->user, &pr);
}

// "trial 8 of 22, round 2 of 6: layer 3 linear, best 93.8 %"
static void print_note(const search *s, const distill_step *t, char note[160])
{
    char best[32] = "", name[64];
    if (t->layer == UINT32_MAX) {
        snprintf(note, 160, "nothing replaced");
        return;
    }
    if (s->p->name)
        snprintf(name, sizeof name, "%s", s->p->name[t->choice - 1]);
    else
        snprintf(name, sizeof name, "choice %u", t->choice);
    if (!isnan(s->best))
        snprintf(best, sizeof best, ", best %.1f %%", 100.0 * s->best);
    snprintf(note, 160, "trial %u of %u, round %u of %u: layer %u %s%s", s->n_trials + 1, s->most, s->round,
             s->n_rounds, t->layer, name, best);
}

// The score of the committed model and one layer more (UINT32_MAX: none more).
static vkc_status get_score(search *s, distill_step *step)
{
    const uint32_t n = s->p->n_layers;
    char note[160];
    distill__trial t = { .score = { 0 } };
    memcpy(t.choice, s->choice, n);
    if (step->layer < n)
        t.choice[step->layer] = step->choice;
    const distill__trial *known = distill__log_get(&s->log, t.choice);
    if (known) {
        step->score = known->score;
        s->n_trials++;
        return VKC_OK;
    }
    print_note(s, step, note);
    if (!tell(s, note))
        return VKC_FAIL(VKC_E_STOPPED, "search: stopped after %u trials", s->n_trials);
    vkc_status st = s->p->score(s->p->score_user, t.choice, n, &t.score);
    const distill_score *v = &t.score;
    if (st == VKC_OK && !(isfinite(v->metric) && isfinite(v->tie) && isfinite(v->low) && isfinite(v->high)))
        st = VKC_FAIL(VKC_E_ARG, "search: the score of %s is not a finite number", note);
    if (st == VKC_OK)
        st = distill__log_write(&s->log, &t);
    if (st != VKC_OK)
        return st;
    s->n_trials++;
    nn_pace_count(&s->pace, ++s->n_fresh);
    step->score = t.score;
    return VKC_OK;
}

static bool is_allowed(const search *s, const distill_score *t)
{
    const double least = -s->r.max_drop - ROUNDING;
    return t->metric - s->r.base.metric >= least && !(s->p->guarded && t->low < least);
}

// By the objective. Both cost less than the committed model, when there are costs.
static bool is_better(const search *s, const distill_step *a, const distill_step *b)
{
    if (!s->p->cost)
        return distill__is_higher(&a->score, &b->score);
    const double drop_a = s->now.metric - a->score.metric, drop_b = s->now.metric - b->score.metric;
    const double saved_a = s->cost - a->cost, saved_b = s->cost - b->cost;
    if ((drop_a <= 0.0) != (drop_b <= 0.0))
        return drop_a <= 0.0;
    const double worth_a = drop_a <= 0.0 ? saved_a : drop_b * saved_a;
    const double worth_b = drop_a <= 0.0 ? saved_b : drop_a * saved_b;
    return worth_a > worth_b || (worth_a == worth_b && a->score.tie < b->score.tie);
}

static void add_step(search *s, const distill_step *step)
{
    distill_search_result *r = &s->r;
    const double best = r->n_best ? r->step[r->n_best - 1].score.metric : r->base.metric;
    s->choice[step->layer] = step->choice;
    s->cost = step->cost;
    s->now = step->score;
    r->step[r->n_steps++] = *step;
    if (step->score.metric >= best)
        r->n_best = r->n_steps;
}

static vkc_status commit(search *s, const uint8_t *choice)
{
    return s->p->commit ? s->p->commit(s->p->score_user, choice, s->p->n_layers) : VKC_OK;
}

// Try every candidate; *best is the one to commit, or layer = UINT32_MAX with the one that came nearest in `refused`.
static vkc_status find_step(search *s, distill_step *best)
{
    distill_step *refused = &s->r.refused;
    best->layer = refused->layer = UINT32_MAX;
    s->best = NAN;
    for (uint32_t l = 0; l < s->p->n_layers; l++) {
        for (uint32_t k = 1; k <= s->p->n_choices; k++) {
            if (!is_candidate(s, l, k))
                continue;
            distill_step t = { .layer = l, .choice = (uint8_t) k,
                               .cost = s->cost - get_cost(s, l, 0) + get_cost(s, l, k) };
            vkc_status st = get_score(s, &t);
            if (st != VKC_OK)
                return st;
            if (s->r.n_steps == 0)
                s->r.first[l][k - 1] = t.score;
            s->best = fmax(s->best, t.score.metric);        // not a number: none yet
            if (is_allowed(s, &t.score) && (best->layer == UINT32_MAX || is_better(s, &t, best)))
                *best = t;
            if (refused->layer == UINT32_MAX || distill__is_higher(&t.score, &refused->score))
                *refused = t;
        }
    }
    if (best->layer != UINT32_MAX)
        refused->layer = UINT32_MAX;
    return VKC_OK;
}

// The base: its score, and the callback for it.
static vkc_status start(search *s)
{
    distill_step base = { .layer = UINT32_MAX };
    s->r.refused.layer = UINT32_MAX;
    for (uint32_t l = 0; l < s->p->n_layers; l++)
        s->cost += get_cost(s, l, 0);
    vkc_status st = get_score(s, &base);
    if (st != VKC_OK)
        return st;
    s->r.base = base.score;
    s->r.max_drop = s->p->min_share > 0.0 ? (1.0 - s->p->min_share) * fmax(base.score.metric, 0.0) : s->p->max_drop;
    s->r.base_cost = s->cost;
    s->now = base.score;
    return commit(s, s->choice);
}

static vkc_status run_search(search *s, const distill_step *order, uint32_t n)
{
    (void) order;
    (void) n;
    vkc_status st = start(s);
    while (st == VKC_OK) {
        distill_step step;
        s->round++;
        st = find_step(s, &step);
        if (st != VKC_OK || step.layer == UINT32_MAX)
            break;
        add_step(s, &step);
        st = commit(s, s->choice);
    }
    return st;
}

static vkc_status run_along(search *s, const distill_step *order, uint32_t n)
{
    uint8_t next[DISTILL_MAX_LAYERS] = { 0 };
    vkc_status st = start(s);
    s->best = s->r.base.metric;
    for (uint32_t i = 0; i < n && st == VKC_OK; i++) {
        distill_step t = { .layer = order[i].layer, .choice = order[i].choice };
        t.cost = s->cost - get_cost(s, t.layer, 0) + get_cost(s, t.layer, t.choice);
        s->round++;
        next[t.layer] = t.choice;
        st = commit(s, next);
        if (st == VKC_OK)
            st = get_score(s, &t);
        if (st != VKC_OK)
            break;
        s->best = fmax(s->best, t.score.metric);
        add_step(s, &t);
    }
    return st;
}

static vkc_status check(const distill_search_params *p)
{
    if (p->n_layers == 0 || p->n_layers > DISTILL_MAX_LAYERS || p->n_choices == 0 ||
        p->n_choices > DISTILL_MAX_CHOICES || !p->score || !(p->max_drop >= 0.0) ||
        !(p->min_share >= 0.0 && p->min_share <= 1.0))
        return VKC_FAIL(VKC_E_ARG, "search: wants 1 to %d layers, 1 to %d mixers, a scorer, a drop of at least 0 and a "
                        "share of at most 1", DISTILL_MAX_LAYERS, DISTILL_MAX_CHOICES);
    for (uint32_t l = 0; p->cost && l < p->n_layers; l++)
        for (uint32_t k = 0; k <= p->n_choices; k++)
            if (!isfinite(p->cost[(size_t) l * (p->n_choices + 1) + k]))
                return VKC_FAIL(VKC_E_ARG, "search: the cost of layer %u with choice %u is not a finite number", l, k);
    return VKC_OK;
}

static vkc_status check_order(const distill_search_params *p, const distill_step *order, uint32_t n)
{
    bool seen[DISTILL_MAX_LAYERS] = { false };
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t l = order[i].layer;
        if (l >= p->n_layers || seen[l] || (p->fixed && p->fixed[l]) || order[i].choice == 0 ||
            order[i].choice > p->n_choices)
            return VKC_FAIL(VKC_E_ARG, "search: step %u of the order (layer %u, choice %u) cannot be taken", i, l,
                            order[i].choice);
        seen[l] = true;
    }
    return VKC_OK;
}

// Rounds and trials when every round commits: layers with fewer candidates go first at worst.
static void count_trials(search *s)
{
    uint32_t n_of[DISTILL_MAX_CHOICES + 1] = { 0 };         // layers with so many candidates
    for (uint32_t l = 0; l < s->p->n_layers; l++) {
        uint32_t n = 0;
        for (uint32_t k = 1; k <= s->p->n_choices; k++)
            n += is_candidate(s, l, k);
        n_of[n]++;
    }
    s->most = 1;
    for (uint32_t n = 1; n <= s->p->n_choices; n++)
        while (n_of[n]-- > 0)
            s->most += n * ++s->n_rounds;
}

typedef vkc_status (*run_fn)(search *s, const distill_step *order, uint32_t n);

static vkc_status run(const distill_search_params *p, run_fn fn, const distill_step *order, uint32_t n,
                      distill_search_result *out)
{
    search s = { .p = p, .start = vkc_seconds(), .best = NAN };
    s.r = (distill_search_result) { .n_layers = p->n_layers, .n_choices = p->n_choices };
    for (uint32_t l = 0; l < DISTILL_MAX_LAYERS; l++)
        for (uint32_t k = 0; k < DISTILL_MAX_CHOICES; k++)
            s.r.first[l][k].metric = NAN;
    if (fn == run_along)
        s.most = 1 + n, s.n_rounds = n;
    else
        count_trials(&s);
    vkc_status st = distill__log_init(&s.log, p->log_path, p->n_layers, p->n_choices);
    if (st == VKC_OK)
        st = fn(&s, order, n);
    if (st == VKC_OK) {
        s.r.n_trials = s.n_trials;
        tell(&s, "done");
        *out = s.r;
    }
    distill__log_finish(&s.log);
    return st;
}

vkc_status distill_search(const distill_search_params *p, distill_search_result *out)
{
    vkc_status st = check(p);
    return st == VKC_OK ? run(p, run_search, NULL, 0, out) : st;
}

vkc_status distill_search_along(const distill_search_params *p, const distill_step *order, uint32_t n,
                                distill_search_result *out)
{
    vkc_status st = check(p);
    if (st == VKC_OK)
        st = check_order(p, order, n);
    return st == VKC_OK ? run(p, run_along, order, n, out) : st;
}

void distill_search_choice(const distill_search_result *r, uint32_t n, uint8_t *choice)
{
    memset(choice, 0, r->n_layers);
    for (uint32_t i = 0; i < n && i < r->n_steps; i++)
        choice[r->step[i].layer] = r->step[i].choice;
}
