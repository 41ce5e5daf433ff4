// test_search.c — greedy replacement on scripted metrics: the path, mixers, objectives, counts of trials, ties,
// guard, refusal, walks, resuming. Orders that do not search.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "distill/search/order.h"
#include "distill/search/search.h"

#define MOST 8                      // layers of a script
#define KINDS 3                     // choices

// Layer l with choice k loses drop[l][k - 1]; both of a pair together lose `pair` more.
typedef struct script {
    double   drop[MOST][KINDS], tie[MOST][KINDS], pair;
    uint32_t pair_a, pair_b;
    double   width;                 // of the interval to each side
    uint32_t calls, stop_after;     // 0 = never stops
    bool     nan;
    uint8_t  told[MOST];            // by commit
    uint32_t n_told;
} script;

static vkc_status score(void *user, const uint8_t *choice, uint32_t n, distill_score *out)
{
    script *s = user;
    if (s->stop_after && s->calls == s->stop_after)
        return VKC_FAIL(VKC_E_STOPPED, "stopped by the test");
    s->calls++;
    double x = 0.9, tie = 0.0;
    for (uint32_t l = 0; l < n; l++) {
        x -= choice[l] ? s->drop[l][choice[l] - 1] : 0.0;
        tie += choice[l] ? s->tie[l][choice[l] - 1] : 0.0;
    }
    if (s->pair > 0.0 && choice[s->pair_a] && choice[s->pair_b])
        x -= s->pair;
    *out = (distill_score) { s->nan ? (double) NAN : x, tie, x - 0.9 - s->width, x - 0.9 + s->width };
    return VKC_OK;
}

static vkc_status commit(void *user, const uint8_t *choice, uint32_t n)
{
    script *s = user;
    memcpy(s->told, choice, n);
    s->n_told++;
    return VKC_OK;
}

static distill_search_params params_of(script *s, uint32_t n_layers, uint32_t n_choices, double max_drop)
{
    return (distill_search_params) { .n_layers = n_layers, .n_choices = n_choices, .max_drop = max_drop,
                                     .score = score, .commit = commit, .score_user = s };
}

static distill_search_result *result(void)
{
    static distill_search_result r[4];
    static uint32_t next;
    return &r[next++ % 4];
}

static void check_step(const distill_step *s, uint32_t layer, uint32_t choice)
{
    assert_int_equal(s->layer, layer);
    assert_int_equal(s->choice, choice);
}

static void test_path(void **state)
{
    (void) state;
    script s = { .drop = { { 0.03 }, { 0.0 }, { 0.01 }, { 0.02 } } };
    distill_search_params p = params_of(&s, 4, 1, 0.03);
    distill_search_result *r = result();
    uint8_t choice[4];
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_true(r->base.metric == 0.9);
    assert_int_equal(r->n_steps, 3);
    check_step(&r->step[0], 1, 1);
    check_step(&r->step[1], 2, 1);
    check_step(&r->step[2], 3, 1);               // a drop of exactly 0.03 is allowed
    check_step(&r->refused, 0, 1);
    assert_int_equal(r->n_best, 1);              // replacing layer 1 costs nothing: a tie goes to more replaced
    assert_int_equal(r->n_trials, 1 + 4 + 3 + 2 + 1);
    assert_int_equal(s.calls, r->n_trials);
    assert_int_equal(s.n_told, 1 + 3);
    assert_memory_equal(s.told, ((uint8_t[]) { 0, 1, 1, 1 }), 4);
    distill_search_choice(r, r->n_best, choice);
    assert_memory_equal(choice, ((uint8_t[]) { 0, 1, 0, 0 }), 4);
    distill_search_choice(r, r->n_steps, choice);
    assert_memory_equal(choice, s.told, 4);
    for (uint32_t l = 0; l < 4; l++)
        assert_true(fabs(r->first[l][0].metric - (0.9 - s.drop[l][0])) < 1e-15);
    assert_true(isnan(r->first[0][1].metric) && isnan(r->first[4][0].metric));
}

static void test_all_and_none(void **state)
{
    (void) state;
    script s = { .drop = { { 0.001 }, { 0.001 }, { 0.001 } } };
    distill_search_params p = params_of(&s, 3, 1, 1.0);
    distill_search_result *r = result();
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 3);
    assert_int_equal(r->refused.layer, UINT32_MAX);
    assert_int_equal(r->n_trials, 1 + 3 + 2 + 1);
    for (uint32_t i = 0; i < 3; i++)
        check_step(&r->step[i], i, 1);           // the first of equals
    p.max_drop = 0.0;                            // a tolerance that nothing meets is no error
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 0);
    assert_int_equal(r->n_best, 0);
    check_step(&r->refused, 0, 1);
    assert_int_equal(r->n_trials, 1 + 3);
    const bool fixed[3] = { true, true, true };  // nor is a model in which nothing can be replaced
    p.fixed = fixed;
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 0);
    assert_int_equal(r->refused.layer, UINT32_MAX);
    assert_int_equal(r->n_trials, 1);
}

// Layers 0 and 1 are cheap alone and dear together: greedy must see this after its first step.
static void test_interaction(void **state)
{
    (void) state;
    script s = { .drop = { { 0.001 }, { 0.002 }, { 0.003 } }, .pair = 0.1, .pair_a = 0, .pair_b = 1 };
    distill_search_params p = params_of(&s, 3, 1, 0.01);
    distill_search_result *r = result();
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 2);
    check_step(&r->step[0], 0, 1);
    check_step(&r->step[1], 2, 1);
    check_step(&r->refused, 1, 1);
}

static void test_fixed(void **state)
{
    (void) state;
    script s = { .drop = { { 0.0 } } };
    const bool fixed[3] = { true, false, true };
    distill_search_params p = params_of(&s, 3, 2, 0.0);
    distill_search_result *r = result();
    p.fixed = fixed;
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 1);
    check_step(&r->step[0], 1, 1);
    assert_int_equal(r->n_trials, 1 + 2);
}

// What drops add up to, over all choices of `n` replaced layers of 5 with 3 mixers: the least there is.
static double find_least(const script *s, uint32_t n)
{
    double least = INFINITY;
    for (uint32_t code = 0; code < 4 * 4 * 4 * 4 * 4; code++) {
        uint32_t n_replaced = 0;
        double sum = 0.0;
        for (uint32_t l = 0, c = code; l < 5; l++, c /= 4) {
            n_replaced += c % 4 != 0;
            sum += c % 4 ? s->drop[l][c % 4 - 1] : 0.0;
        }
        if (n_replaced == n)
            least = fmin(least, sum);
    }
    return least;
}

// Drops that add up make greedy optimal: with each number of layers it finds the least drop of all choices.
static void test_optimum(void **state)
{
    (void) state;
    script s = { .drop = { { 0.011, 0.003, 0.007 }, { 0.002, 0.019, 0.005 }, { 0.013, 0.017, 0.004 },
                           { 0.023, 0.021, 0.029 }, { -0.006, 0.001, 0.008 } } };
    distill_search_params p = params_of(&s, 5, 3, 1.0);
    distill_search_result *r = result();
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 5);
    assert_int_equal(r->n_trials, 1 + 3 * 5 * 6 / 2);
    assert_int_equal(s.calls, r->n_trials);
    for (uint32_t n = 1; n <= 5; n++)
        assert_true(fabs(0.9 - r->step[n - 1].score.metric - find_least(&s, n)) < 1e-12);
    check_step(&r->step[0], 4, 1);
    check_step(&r->step[1], 1, 1);
    check_step(&r->step[2], 0, 2);
    check_step(&r->step[3], 2, 3);
    check_step(&r->step[4], 3, 2);
    assert_int_equal(r->n_best, 1);
    p.max_drop = 0.003;                          // 0.006 is won first, so 0.009 may go
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 4);
    check_step(&r->refused, 3, 2);
}

static void test_ties(void **state)
{
    (void) state;
    script s = { .tie = { { 0.5, 0.4 }, { 0.3, 0.2 }, { 0.2, 0.2 } } };
    distill_search_params p = params_of(&s, 3, 2, 0.0);
    distill_search_result *r = result();
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 3);
    check_step(&r->step[0], 1, 2);               // the lower tie, then the first layer
    check_step(&r->step[1], 2, 1);               // then the first choice
    check_step(&r->step[2], 0, 2);
    assert_int_equal(r->n_best, 3);
}

// The guard looks at the lower end of the interval, the tolerance at its middle.
static void test_guard(void **state)
{
    (void) state;
    script s = { .drop = { { 0.002 }, { 0.004 }, { 0.006 } }, .width = 0.005 };
    distill_search_params p = params_of(&s, 3, 1, 0.011);
    distill_search_result *r = result();
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 2);             // 0.006, and 0.012 would be too much
    p.guarded = true;
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 2);             // 0.006 + 0.005 are exactly 0.011
    s.width = 0.0051;
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 1);
    check_step(&r->refused, 1, 1);
    s.width = 0.0;                               // no interval: the tolerance alone
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 2);
}

static void test_cost(void **state)
{
    (void) state;
    // Per unit saved: layer 0 0.01 and 0.003, layer 1 0.002, layer 2 0.004.
    script s = { .drop = { { 0.01, 0.006 }, { 0.008, 0.0 }, { 0.004, 0.0 } } };
    const double cost[3][3] = { { 5, 4, 3 }, { 5, 1, 5 }, { 5, 4, 6 } };
    distill_search_params p = params_of(&s, 3, 2, 0.02);
    distill_search_result *r = result();
    p.cost = cost[0];
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_true(r->base_cost == 15.0);
    assert_int_equal(r->n_steps, 3);
    check_step(&r->step[0], 1, 1);
    check_step(&r->step[1], 0, 2);
    check_step(&r->step[2], 2, 1);
    assert_true(r->step[0].cost == 11.0 && r->step[1].cost == 9.0 && r->step[2].cost == 8.0);
    assert_int_equal(r->n_trials, 1 + 4 + 3 + 1);        // choices that save nothing are not tried
    assert_true(isnan(r->first[1][1].metric) && isnan(r->first[2][1].metric));
    p.max_drop = 0.007;                          // the best for each unit is too much, so the next one
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 1);
    check_step(&r->step[0], 0, 2);
    check_step(&r->refused, 2, 1);               // the best metric of those refused
    const double none[3][3] = { { 5, 5, 6 }, { 5, 5, 5 }, { 0, 1, 2 } };
    p.cost = none[0];
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 0);
    assert_int_equal(r->refused.layer, UINT32_MAX);
    assert_int_equal(r->n_trials, 1);
    const double bad[3][3] = { { 5, 5, (double) NAN } };
    p.cost = bad[0];
    assert_int_equal(distill_search(&p, r), VKC_E_ARG);
}

// What drops nothing comes first, the most saved of it before all.
static void test_cost_free(void **state)
{
    (void) state;
    script s = { .drop = { { 0.0, -0.01 }, { 0.0, 0.0001 } }, .tie = { { 0, 0 }, { 1, 0 } } };
    const double cost[2][3] = { { 9, 6, 8 }, { 9, 6, 1 } };
    distill_search_params p = params_of(&s, 2, 2, 0.02);
    distill_search_result *r = result();
    p.cost = cost[0];
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(r->n_steps, 2);
    check_step(&r->step[0], 0, 1);               // saves 3 as does layer 1, with a lower tie
    check_step(&r->step[1], 1, 1);               // 0.0001 for 8 saved is little, but more than nothing
}

static void test_along(void **state)
{
    (void) state;
    script s = { .drop = { { 0.03, 0.01 }, { 0.0, 0.2 }, { -0.01, 0.0 } } };
    distill_search_params p = params_of(&s, 3, 2, 0.0);
    distill_search_result *r = result();
    const distill_step order[3] = { { .layer = 0, .choice = 2 }, { .layer = 2, .choice = 1 },
                                    { .layer = 1, .choice = 2 } };
    assert_int_equal(distill_search_along(&p, order, 3, r), VKC_OK);
    assert_int_equal(r->n_trials, 1 + 3);        // whatever it costs, and each prefix once
    assert_int_equal(s.calls, 4);
    assert_int_equal(r->n_steps, 3);
    for (uint32_t i = 0; i < 3; i++)
        check_step(&r->step[i], order[i].layer, order[i].choice);
    assert_true(fabs(r->step[0].score.metric - 0.89) < 1e-12 && fabs(r->step[2].score.metric - 0.7) < 1e-12);
    assert_int_equal(r->n_best, 2);
    assert_int_equal(r->refused.layer, UINT32_MAX);
    assert_true(isnan(r->first[0][1].metric));
    assert_int_equal(s.n_told, 1 + 3);
    assert_int_equal(distill_search_along(&p, NULL, 0, r), VKC_OK);
    assert_int_equal(r->n_trials, 1);
    const distill_step twice[2] = { { .layer = 0, .choice = 1 }, { .layer = 0, .choice = 2 } };
    assert_int_equal(distill_search_along(&p, twice, 2, r), VKC_E_ARG);
    const distill_step none = { .layer = 0 }, beyond = { .layer = 3, .choice = 1 }, third = { .layer = 0, .choice = 3 };
    assert_int_equal(distill_search_along(&p, &none, 1, r), VKC_E_ARG);
    assert_int_equal(distill_search_along(&p, &beyond, 1, r), VKC_E_ARG);
    assert_int_equal(distill_search_along(&p, &third, 1, r), VKC_E_ARG);
    const bool fixed[3] = { true };
    p.fixed = fixed;
    assert_int_equal(distill_search_along(&p, twice, 1, r), VKC_E_ARG);
}

static void check_order(const distill_step *order, uint32_t n, const char *want)
{
    char text[128] = "";
    for (uint32_t i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%u:%u ", order[i].layer, order[i].choice);
    assert_string_equal(text, want);
}

static void test_orders(void **state)
{
    (void) state;
    script s = { .drop = { { 0.03, 0.01 }, { 0.05, 0.2 }, { 0.0 }, { 0.02, 0.02 }, { 0.01, 0.2 }, { 0.2, 0.2 } },
                 .tie = { { 0, 2 }, { 0 }, { 0 }, { 3, 2 }, { 1 } } };
    const bool fixed[6] = { [2] = true };
    distill_search_params p = params_of(&s, 6, 2, 0.0);
    distill_search_result *r = result();
    distill_step order[6], other[6];
    p.fixed = fixed;
    assert_int_equal(distill_search(&p, r), VKC_OK);
    check_order(order, distill_order_one_shot(r, order), "4:1 0:2 3:2 1:1 5:1 ");
    const double value[6] = { 1, (double) NAN, 9, 3, 1, 7 };
    check_order(order, distill_order_by(r, value, order), "5:1 3:2 0:2 4:1 1:1 ");
    check_order(order, distill_order_uniform(r, order), "3:2 1:1 0:2 4:1 5:1 ");
    const uint32_t n = distill_order_random(r, 7, order);
    assert_int_equal(n, 5);
    uint32_t seen = 0, n_moved = 0;
    for (uint32_t i = 0; i < n; i++)
        seen |= 1u << order[i].layer;
    assert_int_equal(seen, 0x3b);
    assert_int_equal(distill_order_random(r, 7, other), n);
    for (uint32_t i = 0; i < n; i++)
        check_step(&other[i], order[i].layer, order[i].choice);
    for (uint64_t seed = 0; seed < 20; seed++) {
        distill_order_random(r, seed, other);
        n_moved += other[0].layer != order[0].layer;
    }
    assert_in_range(n_moved, 10, 20);            // 16 are expected
    assert_int_equal(distill_search_along(&p, order, n, r), VKC_OK);
}

// Of 15 layers the middle, then the quarters, then the eighths.
static void test_uniform(void **state)
{
    (void) state;
    distill_search_result *r = result();
    *r = (distill_search_result) { .n_layers = 15, .n_choices = 1 };
    distill_step order[15];
    check_order(order, distill_order_uniform(r, order),
                "7:1 3:1 11:1 1:1 5:1 9:1 13:1 0:1 2:1 4:1 6:1 8:1 10:1 12:1 14:1 ");
}

static void test_bad(void **state)
{
    (void) state;
    script s = { .nan = true };
    distill_search_params p = params_of(&s, 2, 1, 0.0);
    distill_search_result *r = result();
    assert_int_equal(distill_search(&p, r), VKC_E_ARG);         // not a number
    s.nan = false;
    s.tie[0][0] = INFINITY;
    assert_int_equal(distill_search(&p, r), VKC_E_ARG);
    p.n_layers = DISTILL_MAX_LAYERS + 1;
    assert_int_equal(distill_search(&p, r), VKC_E_ARG);
    p = params_of(&s, 2, 1, -1.0);
    assert_int_equal(distill_search(&p, r), VKC_E_ARG);
    p = params_of(&s, 2, DISTILL_MAX_CHOICES + 1, 0.0);
    assert_int_equal(distill_search(&p, r), VKC_E_ARG);
    p.n_choices = 0;
    assert_int_equal(distill_search(&p, r), VKC_E_ARG);
    p = params_of(&s, 2, 1, 0.0);
    p.log_path = "/dev/null/log.jsonl";
    assert_int_equal(distill_search(&p, r), VKC_E_IO);
}

static void fill_path(char path[64])
{
    strcpy(path, "/tmp/pare-search-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
}

static void write_text(const char *path, const char *mode, const char *text)
{
    FILE *f = fopen(path, mode);
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static bool is_same_score(const distill_score *a, const distill_score *b)
{
    return a->metric == b->metric && a->tie == b->tie && a->low == b->low && a->high == b->high;
}

static void check_same(const distill_search_result *a, const distill_search_result *b)
{
    assert_int_equal(a->n_steps, b->n_steps);
    assert_int_equal(a->n_trials, b->n_trials);
    assert_int_equal(a->n_best, b->n_best);
    assert_int_equal(a->refused.layer, b->refused.layer);
    assert_true(is_same_score(&a->base, &b->base));
    for (uint32_t i = 0; i < a->n_steps; i++) {
        check_step(&a->step[i], b->step[i].layer, b->step[i].choice);
        assert_true(is_same_score(&a->step[i].score, &b->step[i].score));
        assert_true(a->step[i].cost == b->step[i].cost);
    }
    for (uint32_t l = 0; l < a->n_layers; l++)
        for (uint32_t k = 0; k < a->n_choices; k++)
            assert_true(is_same_score(&a->first[l][k], &b->first[l][k]) ||
                        (isnan(a->first[l][k].metric) && isnan(b->first[l][k].metric)));
}

// Stopped after every possible number of trials, then continued: nothing is tried twice, all decisions are the same.
static void check_resume(const script *plain, distill_search_params p)
{
    script s = *plain;
    char path[64];
    fill_path(path);
    distill_search_result *whole = result(), *r = result();
    distill_step order[MOST];
    p.score_user = &s;
    assert_int_equal(distill_search(&p, whole), VKC_OK);
    assert_true(whole->n_steps > 0);
    p.log_path = path;
    for (uint32_t stop = 1; stop < whole->n_trials; stop++) {
        write_text(path, "w", "");
        s = *plain;
        s.stop_after = stop;
        assert_int_equal(distill_search(&p, r), VKC_E_STOPPED);
        if (stop % 2)
            write_text(path, "a", "{\"layers\":4,\"choice\":[0,0,");     // killed while it wrote
        s = *plain;
        assert_int_equal(distill_search(&p, r), VKC_OK);
        assert_int_equal(s.calls, whole->n_trials - stop);
        assert_int_equal(s.n_told, 1 + whole->n_steps);
        check_same(whole, r);
    }
    s = *plain;
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(s.calls, 0);
    check_same(whole, r);
    const uint32_t n = distill_order_one_shot(whole, order);     // a walk with the log of the search
    assert_int_equal(distill_search_along(&p, order, n, r), VKC_OK);
    assert_true(s.calls <= n - 1);               // base and first step are there already
    s.calls = 0;
    assert_int_equal(distill_search_along(&p, order, n, r), VKC_OK);
    assert_int_equal(s.calls, 0);
    unlink(path);
}

static void test_resume(void **state)
{
    (void) state;
    const script plain = { .drop = { { 0.01, 0.02 }, { 0.007, 0.001 }, { 0.0031, 0.02 }, { 1.0 / 3.0, 0.03 } },
                           .tie = { { 0.1, 1.0 / 7.0 } }, .width = 0.01 / 3.0,
                           .pair = 0.001, .pair_a = 1, .pair_b = 2 };
    const double cost[4][3] = { { 3, 1, 2 }, { 3, 2, 2 }, { 3, 2, 1.0 / 3.0 }, { 3, 4, 1 } };
    script s = plain;
    distill_search_params p = params_of(&s, 4, 2, 0.05);
    check_resume(&plain, p);
    p.guarded = true;
    p.max_drop = 0.02;
    check_resume(&plain, p);
    p.cost = cost[0];
    check_resume(&plain, p);
}

// A log whose last line is cut, one of the older format, hostile lines: what is not a trial is tried again.
static void test_hostile_log(void **state)
{
    (void) state;
    script s = { .drop = { { 0.001 }, { 0.002 } } };
    char path[64];
    fill_path(path);
    distill_search_params p = params_of(&s, 2, 1, 0.1);
    distill_search_result *r = result();
    p.log_path = path;
    write_text(path, "w",
               "{\"layers\":2,\"choice\":[0,0],\"metric\":0.9,\"tie\":0,\"low\":0,\"high\":0.0}\n"
               "{\"layers\":2,\"replaced\":[0],\"score\":0.1}\n"                                        // older
               "{\"layers\":3,\"choice\":[1,0,0],\"metric\":0.1,\"tie\":0,\"low\":0,\"high\":0}\n"     // another model
               "{\"layers\":2,\"choice\":[2,0],\"metric\":0.1,\"tie\":0,\"low\":0,\"high\":0}\n"       // another search
               "{\"layers\":2,\"choice\":[1],\"metric\":0.1,\"tie\":0,\"low\":0,\"high\":0}\n"
               "{\"layers\":2,\"choice\":[1,0,0],\"metric\":0.1,\"tie\":0,\"low\":0,\"high\":0}\n"
               "{\"layers\":2,\"choice\":[-1,0],\"metric\":0.1,\"tie\":0,\"low\":0,\"high\":0}\n"
               "{\"layers\":2,\"choice\":[257,0],\"metric\":0.1,\"tie\":0,\"low\":0,\"high\":0}\n"
               "{\"layers\":2,\"choice\":[\"1\",0],\"metric\":0.1,\"tie\":0,\"low\":0,\"high\":0}\n"
               "{\"layers\":2,\"choice\":{},\"metric\":0.1,\"tie\":0,\"low\":0,\"high\":0}\n"
               "{\"layers\":2,\"choice\":[1,0],\"metric\":1e999,\"tie\":0,\"low\":0,\"high\":0}\n"
               "{\"layers\":2,\"choice\":[1,0],\"metric\":null,\"tie\":0,\"low\":0,\"high\":0}\n"
               "{\"layers\":2,\"choice\":[1,0],\"metric\":0.1,\"low\":0,\"high\":0}\n"
               "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n"
               "\n\xff\xfe\n"
               "{\"layers\":2,\"choice\":[0,1],\"metric\":0.4,\"tie\":0,\"low\":0,\"hi");               // cut off
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(s.calls, 3);                // all but the base
    assert_int_equal(r->n_steps, 2);
    assert_true(r->step[0].score.metric == 0.9 - 0.001);
    s.calls = 0;
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_int_equal(s.calls, 0);                // the new trials were appended behind the cut line
    unlink(path);
    if (access("/dev/full", W_OK) == 0) {        // a full disk is an error, not a lost trial
        p.log_path = "/dev/full";
        assert_int_equal(distill_search(&p, r), VKC_E_IO);
    }
}

typedef struct teller {
    uint32_t n, stop_at;
    char     notes[1024];
} teller;

static bool tell(void *user, const nn_progress *p)
{
    teller *t = user;
    assert_true(p->done <= p->total);
    assert_string_equal(p->unit, "trials");
    assert_true(t->n < 3 || p->left >= 0.0);            // rates begin with the first trial
    snprintf(t->notes + strlen(t->notes), sizeof t->notes - strlen(t->notes), "%u %s\n", (unsigned) p->total, p->note);
    return ++t->n != t->stop_at;
}

static void test_progress(void **state)
{
    (void) state;
    script s = { .drop = { { 0.001, 0.05 }, { 0.002, 0.0 } } };
    const char *const names[2] = { "linear", "ssd" };
    teller t = { .stop_at = 3 };
    distill_search_params p = params_of(&s, 2, 2, 0.1);
    distill_search_result *r = result();
    p.progress = tell;
    p.user = &t;
    assert_int_equal(distill_search(&p, r), VKC_E_STOPPED);
    assert_int_equal(s.calls, 2);
    t = (teller) { .stop_at = 0 };
    p.name = names;
    assert_int_equal(distill_search(&p, r), VKC_OK);
    assert_string_equal(t.notes, "7 nothing replaced\n"
                                 "7 trial 2 of 7, round 1 of 2: layer 0 linear\n"
                                 "7 trial 3 of 7, round 1 of 2: layer 0 ssd, best 89.9 %\n"
                                 "7 trial 4 of 7, round 1 of 2: layer 1 linear, best 89.9 %\n"
                                 "7 trial 5 of 7, round 1 of 2: layer 1 ssd, best 89.9 %\n"
                                 "7 trial 6 of 7, round 2 of 2: layer 0 linear\n"
                                 "7 trial 7 of 7, round 2 of 2: layer 0 ssd, best 89.9 %\n"
                                 "7 done\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),        cmocka_unit_test(test_all_and_none),
        cmocka_unit_test(test_interaction), cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_optimum),     cmocka_unit_test(test_ties),
        cmocka_unit_test(test_guard),       cmocka_unit_test(test_cost),
        cmocka_unit_test(test_cost_free),   cmocka_unit_test(test_along),
        cmocka_unit_test(test_orders),      cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_bad),         cmocka_unit_test(test_resume),
        cmocka_unit_test(test_hostile_log), cmocka_unit_test(test_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
