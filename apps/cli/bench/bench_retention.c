// bench_retention.c — blocks with all their tokens against compactions to half and the blocks after them.
#include "apps/cli/bench/bench_retention.h"

#include "apps/cli/bench/bench_race.h"

#include <stdio.h>
#include <string.h>

// What is raced, forward and then forward and backward. All have a norm first and, backward, a loss at the class
// token; the first has nothing else, and is what the others lose to it. The last two are of the whole batch, and only
// there where the others are of a part of it.
enum { BARE, DENSE, COMPACT, AFTER, WHOLE_BARE, WHOLE_COMPACT, N_PARTS };

static const struct { bool drops, is_bare, is_whole; } parts[N_PARTS] = {
    [BARE] = { .is_bare = true },
    [DENSE] = { .drops = false },
    [COMPACT] = { .drops = true, .is_bare = true },
    [AFTER] = { .drops = true },
    [WHOLE_BARE] = { .is_bare = true, .is_whole = true },
    [WHOLE_COMPACT] = { .drops = true, .is_bare = true, .is_whole = true },
};

double retention_bar(const retention_bench *b, const retention_row *r)
{
    bool is_attention = nn_mixer_has_weights(&b->lists.layer[r->mixer]);
    return is_attention ? RETENTION_BAR_ATTENTION : RETENTION_BAR_LINEAR;
}

static vkc_status make(const retention_bench *b, const retention_args *a, vkc_device *dev, uint64_t seed,
                       const retention_row *row, bench_race *race)
{
    const scaling_args *l = &a->lists;
    pipeline_block_params p = { .layer = b->lists.layer[row->mixer], .dim = l->dim, .heads = l->heads,
                             .tokens = row->tokens, .seed = seed, .has_class = true };
    vkc_status st = VKC_OK;
    for (int i = 0; i < (a->forward ? N_PARTS : 2 * N_PARTS) && st == VKC_OK; i++) {
        p.backward = i >= N_PARTS;
        p.drops = parts[i % N_PARTS].drops;
        p.is_bare = parts[i % N_PARTS].is_bare;
        p.batch = parts[i % N_PARTS].is_whole ? l->batch : row->block_batch;
        if (!parts[i % N_PARTS].is_whole || l->batch != row->block_batch)
            st = pipeline_block_create(dev, &p, &race->block[i]);
    }
    return st;
}

// The largest part of the batch whose blocks fit the device.
static vkc_status make_what_fits(const retention_bench *b, const retention_args *a, vkc_device *dev, uint64_t seed,
                                 retention_row *row, bench_race *race)
{
    for (row->block_batch = a->lists.batch;; row->block_batch /= 2) {
        vkc_status st = make(b, a, dev, seed, row, race);
        if (!bench_is_too_large(st) || row->block_batch % 2 != 0)
            return st;
        bench_race_finish(race);
    }
}

// The first rounds are not timed: pipelines are compiled in them, and recordings are cut by what they took.
static vkc_status play(const retention_args *a, const pipeline_context *c, bench_race *race, const nn_progress *p)
{
    const double budget = 1e3 * a->lists.budget;
    bench_race_line_up(race, p);
    vkc_status st = pipeline_race_round(c, &race->race, false);
    for (int i = 0; i < BENCH_RACE_MAX && st == VKC_OK; i++)
        st = race->block[i] ? pipeline_block_check(race->block[i]) : VKC_OK;
    if (st == VKC_OK && 8.0 * race->race.round_ms < budget)
        st = pipeline_race_round(c, &race->race, false);
    if (st == VKC_OK)
        st = pipeline_race_run(c, &(pipeline_race *) { &race->race }, 1, &(pipeline_timing) {
            .most = a->lists.repeat, .budget_ms = budget });
    return st;
}

static void keep(const bench_race *race, uint32_t batch, uint32_t block_batch, retention_row *r)
{
    const pipeline_contender *of = race->of + (r->backward ? N_PARTS : 0);
    const double times = (double) batch / block_batch;
    const bool is_part = batch != block_batch;
    r->dense_ms = times * (of[DENSE].least - of[BARE].least);
    r->after_ms = times * (of[AFTER].least - of[COMPACT].least);
    r->compact_ms = is_part ? of[WHOLE_COMPACT].least - of[WHOLE_BARE].least : of[COMPACT].least - of[BARE].least;
    r->block_batch = block_batch;
    r->repeats = race->race.rounds;
    r->is_there = true;
}

// A mixer at a token count: one row, or two with the backward pass.
static vkc_status run_one(retention_bench *b, const retention_args *a, vkc_device *dev, uint64_t seed,
                          retention_row *first)
{
    const uint32_t n = a->forward ? 1 : 2;
    const pipeline_context c = app_context(dev);
    bench_race race = { .race = { .n = 0 } };
    char note[160];
    snprintf(note, sizeof note, "%s, %u tokens", b->lists.name[first->mixer], first->tokens);
    nn_progress p = { .what = "bench", .done = b->n_rows, .total = n * b->lists.n_mixers * b->lists.n_tokens,
                      .left = -1.0, .note = note };
    vkc_status st = make_what_fits(b, a, dev, seed, first, &race);
    if (st == VKC_OK)
        st = play(a, &c, &race, &p);
    if (bench_is_skippable(st)) {
        snprintf(first->why, sizeof first->why, "%s", vkc_last_error());
        warn("%s is left out: %s", note, first->why);
        st = VKC_OK;
    } else if (st == VKC_OK) {
        for (uint32_t i = 0; i < n; i++)
            keep(&race, a->lists.batch, first->block_batch, &first[i]);
    }
    bench_race_finish(&race);
    return st;
}

vkc_status retention_bench_run(retention_bench *b, const retention_args *a, vkc_device *dev, uint64_t seed)
{
    const scaling *s = &b->lists;
    vkc_status st = VKC_OK;
    bool any = false;
    for (uint32_t t = 0; t < s->n_tokens; t++)
        if (s->tokens[t] < 3)
            return VKC_FAIL(VKC_E_ARG, "--tokens %u: want at least 3, a class token and two patches", s->tokens[t]);
    b->n_rows = 0;
    for (uint32_t m = 0; m < s->n_mixers && st == VKC_OK; m++) {
        for (uint32_t t = 0; t < s->n_tokens && st == VKC_OK; t++) {
            retention_row *first = &b->row[b->n_rows];
            for (int i = 0; i < (a->forward ? 1 : 2); i++)
                first[i] = (retention_row) { .mixer = m, .tokens = s->tokens[t],
                                             .kept = pipeline_block_kept(s->tokens[t]), .backward = i == 1 };
            st = run_one(b, a, dev, seed, first);
            any = any || first->is_there;
            b->n_rows += a->forward || !first->is_there ? 1 : 2;
        }
    }
    if (st == VKC_OK && !any)
        st = VKC_FAIL(VKC_E_UNSUPPORTED, "no block could be timed: %s", b->row[0].why);
    return st;
}
