// test_pipeline_timing.c — the timing loop on made-up contenders: turns, rounds, budgets, least and median, stopping.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pipeline/timing/timing.h"

static char order[256];             // who was replayed, one letter each

typedef struct fake {               // takes ms[n % len] the n-th time
    char     letter;
    const double *ms;
    uint32_t len, n;
    vkc_status st;
} fake;

static vkc_status replay(void *user, double *ms)
{
    fake *f = (fake *) user;
    const size_t at = strlen(order);
    if (at + 1 < sizeof order) {
        order[at] = f->letter;
        order[at + 1] = '\0';
    }
    *ms = f->ms[f->n++ % f->len];
    return f->st == VKC_OK ? VKC_OK : VKC_FAIL(f->st, "a replay failed");
}

static pipeline_race line_up(pipeline_contender *c, fake *f, uint32_t n)
{
    order[0] = '\0';
    for (uint32_t i = 0; i < n; i++)
        c[i] = (pipeline_contender) { .replay = replay, .user = &f[i] };
    return (pipeline_race) { .contender = c, .n = n };
}

static vkc_status run(pipeline_race *r, pipeline_timing t)
{
    const pipeline_context c = { .dev = NULL };
    return pipeline_race_run(&c, &r, 1, &t);
}

static void test_turns(void **state)
{
    (void) state;
    static const double slow[] = { 9, 4, 6, 5 }, fast[] = { 100, 1, 3, 2 };
    fake f[] = { { 'a', slow, 4, 0, VKC_OK }, { 'b', fast, 4, 0, VKC_OK } };
    pipeline_contender c[3];
    pipeline_race r = line_up(c, f, 2);
    c[2] = (pipeline_contender) { .replay = NULL };
    r.n = 3;
    assert_int_equal(run(&r, (pipeline_timing) { .warm_up = 1, .least = 3, .most = 3 }), VKC_OK);
    assert_string_equal(order, "abababab");
    assert_true(r.rounds == 3 && c[0].n == 3 && c[2].n == 0);
    assert_true(c[0].least == 4 && c[1].least == 1);           // the first round does not count
    assert_true(pipeline_median(&c[0]) == 5 && pipeline_median(&c[1]) == 2);
    assert_true(r.spent_ms == 4 + 6 + 5 + 1 + 3 + 2 && r.round_ms == 5 + 2);
}

static void test_budget(void **state)
{
    (void) state;
    static const double ten[] = { 10 };
    static const struct { pipeline_timing t; uint32_t rounds; } cases[] = {
        { { .most = 7 }, 1 },                               // one at least, though there is no budget
        { { .most = 7, .budget_ms = 40 }, 4 },
        { { .most = 7, .budget_ms = 49 }, 4 },
        { { .most = 3, .budget_ms = 1000 }, 3 },
        { { .least = 5, .most = 7, .budget_ms = 20 }, 5 },
        { { .least = 5, .most = 7, .budget_ms = 60 }, 6 },
        { { .least = 5, .most = 7, .limit_ms = 15 }, 2 },   // too slow even for `least`
        { { .warm_up = 2, .most = 7, .budget_ms = 40 }, 4 },
        { { .most = 0, .budget_ms = 40 }, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake f = { 'a', ten, 1, 0, VKC_OK };
        pipeline_contender c;
        pipeline_race r = line_up(&c, &f, 1);
        assert_int_equal(run(&r, cases[i].t), VKC_OK);
        assert_int_equal(r.rounds, cases[i].rounds);
        assert_int_equal(f.n, cases[i].rounds + cases[i].t.warm_up);
    }
}

// Races take turns round by round, and one that has spent its budget leaves the others to go on.
static void test_races(void **state)
{
    (void) state;
    static const double one[] = { 1 }, ten[] = { 10 };
    fake f[] = { { 'a', one, 1, 0, VKC_OK }, { 'b', ten, 1, 0, VKC_OK } };
    pipeline_contender c[2];
    const pipeline_context ctx = { .dev = NULL };
    pipeline_race a = line_up(&c[0], &f[0], 1), b = line_up(&c[1], &f[1], 1);
    assert_int_equal(pipeline_race_run(&ctx, (pipeline_race *[]) { &a, &b }, 2,
                                       &(pipeline_timing) { .most = 4, .budget_ms = 25 }), VKC_OK);
    assert_string_equal(order, "ababaa");
    assert_true(a.rounds == 4 && b.rounds == 2);
}

// Rounds that were played before count towards a budget.
static void test_rounds(void **state)
{
    (void) state;
    static const double ten[] = { 10 };
    fake f = { 'a', ten, 1, 0, VKC_OK };
    pipeline_contender c;
    const pipeline_context ctx = { .dev = NULL };
    pipeline_race r = line_up(&c, &f, 1);
    assert_int_equal(pipeline_race_round(&ctx, &r, false), VKC_OK);
    assert_true(r.rounds == 0 && c.n == 0 && r.round_ms == 10);
    assert_int_equal(run(&r, (pipeline_timing) { .most = 9, .budget_ms = 30 }), VKC_OK);
    assert_int_equal(r.rounds, 2);
}

// The median is that of the newest times.
static void test_many(void **state)
{
    (void) state;
    double ms[2 * PIPELINE_TIMES];
    for (uint32_t i = 0; i < 2 * PIPELINE_TIMES; i++)
        ms[i] = i < PIPELINE_TIMES ? 1 : 2;
    fake f = { 'a', ms, 2 * PIPELINE_TIMES, 0, VKC_OK };
    pipeline_contender c;
    pipeline_race r = line_up(&c, &f, 1);
    assert_int_equal(run(&r, (pipeline_timing) { .least = 2 * PIPELINE_TIMES, .most = 2 * PIPELINE_TIMES }), VKC_OK);
    assert_true(c.n == 2 * PIPELINE_TIMES && c.least == 1 && pipeline_median(&c) == 2);
}

typedef struct told { uint32_t n, stop_at, asked; uint64_t done; char note[16]; } told;

static bool hear(void *user, const nn_progress *p)
{
    told *t = (told *) user;
    t->asked += !*p->what;
    t->done = p->done;
    snprintf(t->note, sizeof t->note, "%s", p->note ? p->note : "");
    return ++t->n < t->stop_at;
}

static void test_progress(void **state)
{
    (void) state;
    static const double one[] = { 1 };
    fake f[] = { { 'a', one, 1, 0, VKC_OK }, { 'b', one, 1, 0, VKC_OK } };
    pipeline_contender c[2];
    told t = { .stop_at = 6 };
    const pipeline_context ctx = { .progress = hear, .user = &t };
    pipeline_race r = line_up(c, f, 2);
    r.progress = (nn_progress) { .what = "time", .total = 9, .note = "the race" };
    r.shows_rounds = true;
    c[1].note = "b";
    assert_int_equal(pipeline_race_run(&ctx, &(pipeline_race *) { &r }, 1,
                                       &(pipeline_timing) { .least = 9, .most = 9 }), VKC_E_STOPPED);
    assert_true(t.n == 6 && t.asked == 0 && t.done == 2 && strcmp(t.note, "b") == 0);
    t = (told) { .stop_at = 3 };
    r = line_up(c, f, 2);           // nothing to show: asked all the same
    assert_int_equal(pipeline_race_run(&ctx, &(pipeline_race *) { &r }, 1,
                                       &(pipeline_timing) { .least = 9, .most = 9 }), VKC_E_STOPPED);
    assert_true(t.n == 3 && t.asked == 3);
}

static void test_failure(void **state)
{
    (void) state;
    static const double one[] = { 1 };
    fake f[] = { { 'a', one, 1, 0, VKC_OK }, { 'b', one, 1, 0, VKC_E_LOST } };
    pipeline_contender c[2];
    pipeline_race r = line_up(c, f, 2);
    assert_int_equal(run(&r, (pipeline_timing) { .least = 3, .most = 3 }), VKC_E_LOST);
    assert_string_equal(order, "ab");
    assert_int_equal(r.rounds, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns), cmocka_unit_test(test_budget), cmocka_unit_test(test_races),
        cmocka_unit_test(test_rounds), cmocka_unit_test(test_many), cmocka_unit_test(test_progress),
        cmocka_unit_test(test_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
