// test_search_picks.c — the two models of a search on metrics scripted for every set of layers: the most replaced, the
// best on the way, ties, a path that greedy cannot leave, a tolerance as a share.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "distill/search/search.h"

#define MOST 5                      // layers of a script

typedef struct script {
    double metric[1 << MOST];       // by the set of replaced layers, layer l as bit l
    double tie[1 << MOST];
    double width;
    uint32_t calls;
} script;

static vkc_status score(void *user, const uint8_t *choice, uint32_t n, distill_score *out)
{
    script *s = user;
    uint32_t set = 0;
    s->calls++;
    for (uint32_t l = 0; l < n; l++)
        set |= (uint32_t) (choice[l] != 0) << l;
    const double off = s->metric[set] - s->metric[0];
    *out = (distill_score) { s->metric[set], s->tie[set], off - s->width, off + s->width };
    return VKC_OK;
}

static distill_search_result r;

static void search(script *s, uint32_t n_layers, double max_drop, double min_share, bool guarded)
{
    const distill_search_params p = { .n_layers = n_layers, .n_choices = 1, .max_drop = max_drop,
                                      .min_share = min_share, .guarded = guarded, .score = score, .score_user = s };
    s->calls = 0;
    assert_int_equal(distill_search(&p, &r), VKC_OK);
    assert_int_equal(s->calls, r.n_trials);
}

// The set of layers of the model after n steps.
static uint32_t set_after(uint32_t n)
{
    uint8_t choice[DISTILL_MAX_LAYERS];
    uint32_t set = 0;
    distill_search_choice(&r, n, choice);
    for (uint32_t l = 0; l < r.n_layers; l++)
        set |= (uint32_t) (choice[l] != 0) << l;
    return set;
}

// The best metric of all sets of n layers.
static double find_best(const script *s, uint32_t n_layers, uint32_t n)
{
    double best = -1.0;
    for (uint32_t set = 0; set < 1u << n_layers; set++)
        if ((uint32_t) __builtin_popcount(set) == n)
            best = fmax(best, s->metric[set]);
    return best;
}

// The best model has two layers replaced, the most replaced within the tolerance three; greedy finds both optima.
static void test_both(void **state)
{
    (void) state;
    script s = { .metric = { [0] = 0.80, [1] = 0.84, [2] = 0.82, [4] = 0.79, [8] = 0.70,
                             [3] = 0.88, [5] = 0.81, [9] = 0.75, [6] = 0.80, [10] = 0.71, [12] = 0.69,
                             [7] = 0.79, [11] = 0.74, [13] = 0.70, [14] = 0.68, [15] = 0.60 } };
    search(&s, 4, 0.02, 0.0, false);
    assert_int_equal(r.n_steps, 3);
    assert_int_equal(r.n_best, 2);
    assert_int_equal(set_after(r.n_best), 3);
    assert_int_equal(set_after(r.n_steps), 7);
    for (uint32_t n = 1; n <= 3; n++)
        assert_true(r.step[n - 1].score.metric == find_best(&s, 4, n));
    assert_int_equal(r.n_trials, 1 + 4 * 5 / 2);
    assert_int_equal(r.refused.layer, 3);
    assert_true(r.max_drop == 0.02);
}

// Layer 0 is the best alone, and with it every pair is worse than the pair 1 and 2, which greedy never sees.
static void test_trap(void **state)
{
    (void) state;
    script s = { .metric = { [0] = 0.80, [1] = 0.81, [2] = 0.79, [4] = 0.79,
                             [3] = 0.78, [5] = 0.77, [6] = 0.95, [7] = 0.70 } };
    search(&s, 3, 0.03, 0.0, false);
    assert_int_equal(r.n_steps, 2);
    assert_int_equal(set_after(2), 3);
    assert_true(r.step[1].score.metric < find_best(&s, 3, 2));
    assert_int_equal(r.n_best, 1);
    assert_int_equal(set_after(1), 1);
    assert_int_equal(r.n_trials, 1 + 3 + 2 + 1);
}

// A step that is as good as the best so far moves it on to the more linear model; a later, worse one does not.
static void test_ties(void **state)
{
    (void) state;
    script s = { .metric = { [0] = 0.80, [1] = 0.80, [2] = 0.80, [4] = 0.75, [3] = 0.80, [5] = 0.70, [6] = 0.70,
                             [7] = 0.79 }, .tie = { [1] = 0.2, [2] = 0.1 } };
    search(&s, 3, 0.05, 0.0, false);
    assert_int_equal(set_after(1), 2);           // of equal metrics the lower divergence
    assert_int_equal(r.n_best, 2);
    assert_int_equal(r.n_steps, 3);
    s.tie[1] = 0.1;                              // and of equal divergences the first layer
    search(&s, 3, 0.05, 0.0, false);
    assert_int_equal(set_after(1), 1);
    s.metric[7] = 0.80;                          // both are one model
    search(&s, 3, 0.05, 0.0, false);
    assert_int_equal(r.n_best, 3);
    assert_int_equal(r.n_steps, 3);
    s = (script) { .metric = { [0] = 0.80, [1] = 0.79, [2] = 0.78, [3] = 0.7999999 } };
    search(&s, 2, 0.05, 0.0, false);             // the best is the teacher
    assert_int_equal(r.n_best, 0);
    assert_int_equal(r.n_steps, 2);
    assert_int_equal(set_after(r.n_best), 0);
}

// What is refused is not the best on the way, however good its metric is.
static void test_refused(void **state)
{
    (void) state;
    script s = { .metric = { [0] = 0.80, [1] = 0.80, [2] = 0.70, [3] = 0.90 }, .width = 0.04 };
    search(&s, 2, 0.05, 0.0, true);
    assert_int_equal(r.n_steps, 2);
    assert_int_equal(r.n_best, 2);
    s.width = 0.06;                              // by the lower end no first step is allowed
    search(&s, 2, 0.05, 0.0, true);
    assert_int_equal(r.n_steps, 0);
    assert_int_equal(r.n_best, 0);
    assert_int_equal(r.refused.layer, 0);
}

static void test_share(void **state)
{
    (void) state;
    script s = { .metric = { [0] = 0.80, [1] = 0.76, [2] = 0.70, [3] = 0.75 } };
    search(&s, 2, 0.5, 0.95, false);             // 0.95 * 0.80 = 0.76 exactly is allowed, max_drop is not read
    assert_int_equal(r.n_steps, 1);
    assert_int_equal(set_after(1), 1);
    assert_true(fabs(r.max_drop - 0.04) < 1e-12);
    search(&s, 2, 0.0, 0.95, true);
    assert_int_equal(r.n_steps, 1);
    s.width = 0.001;                             // the share holds for the lower end of the interval too
    search(&s, 2, 0.0, 0.95, true);
    assert_int_equal(r.n_steps, 0);
    s.width = 0.0;
    search(&s, 2, 0.5, 1.0, false);              // nothing may go
    assert_int_equal(r.n_steps, 0);
    search(&s, 2, 0.5, 0.5, false);
    assert_int_equal(r.n_steps, 2);
    s.metric[0] = 0.0;                           // of nothing any share is nothing
    search(&s, 2, 0.5, 0.95, false);
    assert_int_equal(r.n_steps, 2);
    assert_true(r.max_drop == 0.0);
    static const double bad[] = { -0.1, 1.01, (double) NAN };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const distill_search_params p = { .n_layers = 2, .n_choices = 1, .min_share = bad[i], .score = score,
                                          .score_user = &s };
        assert_int_equal(distill_search(&p, &r), VKC_E_ARG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both),    cmocka_unit_test(test_trap),  cmocka_unit_test(test_ties),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
