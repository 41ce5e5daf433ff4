// scaling.c — blocks timed in turn at each token count, within a budget of time and memory.
#include "apps/cli/bench/scaling.h"

#include "apps/cli/bench/bench_race.h"
#include "nn/graph/choose/choose.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOGETHER (1ull << 30)       // bytes of blocks that are timed in turn; beyond, they are timed in groups
#define PROBE 512u                  // tokens timed before a first size above them, to foresee what that takes
#define SERIAL_SETTING "scan"

enum { FWD, FWD_BWD, SERIAL_FWD, SERIAL_FWD_BWD, N_BLOCKS };

typedef struct contender {
    uint32_t   mixer;
    char       note[160];           // of its progress
    bench_race race;                // serial blocks: none with the same kernels as the form that is there
} contender;

typedef struct work {
    scaling            *s;
    const scaling_args *a;
    vkc_device         *dev;
    uint64_t            seed;
    uint32_t            tokens;     // of the size at hand
    uint32_t            repeat, column;
    double              rate[SCALING_MAX_MIXERS];               // ms of a round a multiply-add, at the newest size
} work;

static vkc_status make_blocks(work *w, contender *c, int first)
{
    vkc_status st = VKC_OK;
    pipeline_block_params p = { .layer = w->s->layer[c->mixer], .dim = w->a->dim, .heads = w->a->heads,
                             .batch = w->a->batch, .tokens = w->tokens, .seed = w->seed };
    for (int i = 0; i < 2 && st == VKC_OK; i++) {
        p.backward = i == FWD_BWD;
        st = pipeline_block_create(w->dev, &p, &c->race.block[first + i]);
    }
    return st;
}

// The blocks of a contender, the form of the token-serial oracle too where that is another.
static vkc_status make_forms(work *w, contender *c)
{
    vkc_status st = make_blocks(w, c, FWD);
    if (st != VKC_OK || !w->a->compare_serial)
        return st;
    st = nn_choice_override(w->dev, SERIAL_SETTING, "serial");
    if (st == VKC_OK)
        st = make_blocks(w, c, SERIAL_FWD);
    vkc_status back = nn_choice_override(w->dev, SERIAL_SETTING, NULL);
    if (st == VKC_OK)
        st = back;
    if (st == VKC_OK && pipeline_block_is_like(c->race.block[FWD_BWD], c->race.block[SERIAL_FWD_BWD])) {
        for (int i = SERIAL_FWD; i <= SERIAL_FWD_BWD; i++) {
            pipeline_block_destroy(c->race.block[i]);
            c->race.block[i] = NULL;
        }
    }
    return st;
}

static void line_up(work *w, contender *c)
{
    snprintf(c->note, sizeof c->note, "%s, %u tokens", w->s->name[c->mixer], w->tokens);
    bench_race_line_up(&c->race, &(nn_progress) { .what = "bench", .done = w->column, .total = w->s->n_tokens,
                                                  .left = -1.0, .note = c->note });
}

// Make it and replay it untimed: pipelines are compiled in the first replay, recordings are cut by its times.
static vkc_status prepare(work *w, contender *c)
{
    double ms = 0.0, budget = 1e3 * w->a->budget;
    const pipeline_context ctx = app_context(w->dev);
    vkc_status st = make_forms(w, c);
    line_up(w, c);
    if (st == VKC_OK)               // by work, not by the times of two sizes: those swing on a busy machine
        ms = w->rate[c->mixer] * (double) pipeline_block_macs(c->race.block[FWD]);
    if (st == VKC_OK && 2.0 * ms > budget)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "a replay would take about %.3g s, too long for --budget %g", 1e-3 * ms,
                        w->a->budget);
    if (st == VKC_OK)
        st = pipeline_race_round(&ctx, &c->race.race, false);
    if (st == VKC_OK)
        st = pipeline_block_check(c->race.block[FWD_BWD]);
    if (st == VKC_OK && 8.0 * c->race.race.round_ms < budget)
        st = pipeline_race_round(&ctx, &c->race.race, false);
    return st;
}

// Rounds in turn, so that what disturbs the machine disturbs all alike.
static vkc_status compete(work *w, contender *c, uint32_t n)
{
    const pipeline_context ctx = app_context(w->dev);
    pipeline_race *race[SCALING_MAX_MIXERS];
    for (uint32_t i = 0; i < n; i++)
        race[i] = &c[i].race.race;
    vkc_status st = pipeline_race_run(&ctx, race, n, &(pipeline_timing) {
        .most = w->repeat, .budget_ms = 1e3 * w->a->budget });
    if (st != VKC_OK)
        return st;
    for (uint32_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (int k = 0; k < N_BLOCKS; k++)
            sum += c[i].race.block[k] ? c[i].race.of[k].least : 0.0;
        w->rate[c[i].mixer] = sum / (double) pipeline_block_macs(c[i].race.block[FWD]);
    }
    return VKC_OK;
}

static void keep(const contender *c, scaling_cell *out)
{
    *out = (scaling_cell) {
        .is_there = true, .fwd_ms = c->race.of[FWD].least, .fwd_bwd_ms = c->race.of[FWD_BWD].least,
        .repeats = c->race.race.rounds, .bytes = pipeline_block_bytes(c->race.block[FWD_BWD]),
        .serial_fwd_ms = c->race.block[SERIAL_FWD] ? c->race.of[SERIAL_FWD].least : (double) NAN,
        .serial_fwd_bwd_ms = c->race.block[SERIAL_FWD_BWD] ? c->race.of[SERIAL_FWD_BWD].least : (double) NAN,
    };
}

static void leave_out(work *w, uint32_t mixer, scaling_cell *out)
{
    if (!out)
        return;                     // a probe: its turn comes
    snprintf(out->why, sizeof out->why, "%s", vkc_last_error());
    warn("%s at %u tokens is left out: %s", w->s->name[mixer], w->tokens, out->why);
}

// All mixers at one size; `column` of the cells, or -1 for a probe.
static vkc_status run_size(work *w, int column)
{
    vkc_status st = VKC_OK;
    for (uint32_t m = 0; m < w->s->n_mixers && st == VKC_OK;) {
        contender c[SCALING_MAX_MIXERS] = { { .mixer = 0 } };
        uint32_t n = 0;
        uint64_t bytes = 0;
        while (m < w->s->n_mixers && bytes < TOGETHER && st == VKC_OK) {
            scaling_cell *cell = column < 0 ? NULL : &w->s->cell[m][column];
            c[n].mixer = m;
            st = prepare(w, &c[n]);
            if (st == VKC_OK) {
                bytes += 2 * pipeline_block_bytes(c[n].race.block[FWD_BWD]);
                n++;
                m++;
                continue;
            }
            if (!bench_is_skippable(st))
                break;
            bench_race_finish(&c[n].race);
            bool is_crowded = n > 0 && (st == VKC_E_DEVMEM || st == VKC_E_NOMEM);
            st = VKC_OK;
            if (is_crowded)
                break;              // again when the others are gone
            leave_out(w, m++, cell);
        }
        if (st == VKC_OK)
            st = compete(w, c, n);
        for (uint32_t i = 0; i < n && st == VKC_OK && column >= 0; i++)
            keep(&c[i], &w->s->cell[c[i].mixer][column]);
        for (uint32_t i = 0; i < SCALING_MAX_MIXERS; i++)
            bench_race_finish(&c[i].race);
    }
    return st;
}

vkc_status scaling_run(scaling *s, const scaling_args *a, vkc_device *dev, uint64_t seed)
{
    work w = { .s = s, .a = a, .dev = dev, .seed = seed, .repeat = 1 };
    vkc_status st = VKC_OK;
    if (s->tokens[0] > PROBE) {
        w.tokens = PROBE;
        st = run_size(&w, -1);
    }
    w.repeat = a->repeat;
    bool any = false;
    for (uint32_t t = 0; t < s->n_tokens && st == VKC_OK; t++) {
        w.tokens = s->tokens[t];
        w.column = t;
        st = run_size(&w, (int) t);
        for (uint32_t m = 0; m < s->n_mixers; m++)
            any = any || s->cell[m][t].is_there;
    }
    if (st == VKC_OK && !any)
        st = VKC_FAIL(VKC_E_UNSUPPORTED, "no block could be timed: %s", s->cell[0][0].why);
    return st;
}

double scaling_exponent(const scaling *s, uint32_t mixer)
{
    double n = 0.0, sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0;
    for (uint32_t t = 0; t < s->n_tokens; t++) {
        const scaling_cell *c = &s->cell[mixer][t];
        if (!c->is_there || s->tokens[t] < 512)
            continue;
        double x = log((double) s->tokens[t]), y = log(c->fwd_bwd_ms);
        n += 1.0;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    return n >= 2.0 ? (n * sxy - sx * sy) / (n * sxx - sx * sx) : (double) NAN;
}

double scaling_crossover(const scaling *s, uint32_t mixer, uint32_t *last)
{
    uint32_t attention = 0;
    double before = 0.0, at = (double) NAN, x0 = 0.0;
    while (attention < s->n_mixers && nn_mixer_of(&s->layer[attention]) != nn_mixer_default())
        attention++;
    *last = 0;
    for (uint32_t t = 0; t < s->n_tokens && attention < s->n_mixers && mixer != attention; t++) {
        const scaling_cell *a = &s->cell[attention][t], *c = &s->cell[mixer][t];
        if (!a->is_there || !c->is_there)
            continue;
        double x = log((double) s->tokens[t]), lead = log(a->fwd_bwd_ms / c->fwd_bwd_ms);
        if (lead <= 0.0)
            at = (double) INFINITY;
        else if (*last == 0)
            at = (double) s->tokens[t];
        else if (before <= 0.0)
            at = exp(x0 + (x - x0) * before / (before - lead));
        before = lead;
        x0 = x;
        *last = s->tokens[t];
    }
    return at;
}
