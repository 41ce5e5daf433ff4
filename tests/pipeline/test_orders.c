// test_orders.c — ranks and agreement of orders of replacement, of runs made up here: two mixers, seeds, layers that
// stay, orders that are not known.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/study/orders.h"

static pipeline_orders_result *result;

// Layers 0, 2, 3 and 4 of 5; mixer a with two seeds, b with two.
static int set_up(void **state)
{
    static const uint32_t greedy[4][4] = { { 0, 2, 3, 4 }, { 0, 3, 2, 4 }, { 4, 3, 2, 0 }, { 4, 3, 2, 0 } };
    static const char *const mixers[] = { "a", "b" };
    (void) state;
    result = calloc(1, sizeof *result);
    if (!result || !(result->run = calloc(4, sizeof *result->run)))
        return -1;
    result->depth = 5;
    result->n_layers = 4;
    result->fixed[1] = true;
    result->variants.n = 4;
    result->variants.n_mixers = 2;
    for (uint32_t v = 0; v < 4; v++) {
        result->variants.variant[v] = (distill_variant) { mixers[v / 2], v % 2 };
        result->variants.mixers[v / 2] = mixers[v / 2];
        result->run[v].has[PIPELINE_ORDER_GREEDY] = true;
        memcpy(result->run[v].layer[PIPELINE_ORDER_GREEDY], greedy[v], sizeof greedy[v]);
        result->run[v].has[PIPELINE_ORDER_DEPTH] = true;
        memcpy(result->run[v].layer[PIPELINE_ORDER_DEPTH], greedy[0], sizeof greedy[0]);
    }
    result->run[3].has[PIPELINE_ORDER_IMPACT] = true;       // of one seed alone
    memcpy(result->run[3].layer[PIPELINE_ORDER_IMPACT], (uint32_t[]) { 2, 0, 4, 3 }, 4 * sizeof(uint32_t));
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    pipeline_orders_finish(result);
    free(result);
    return 0;
}

static void check_row(const double *row, double a, double b, double c, double d)
{
    assert_true(row[0] == a && isnan(row[1]) && row[2] == b && row[3] == c && row[4] == d && isnan(row[5]));
}

static void test_ranks(void **state)
{
    (void) state;
    double mean[NN_MAX_DEPTH], std[NN_MAX_DEPTH];
    assert_true(pipeline_orders_rank(result, "a", PIPELINE_ORDER_GREEDY, mean, std));
    check_row(mean, 1, 2.5, 2.5, 4);
    check_row(std, 0, sqrt(0.5), sqrt(0.5), 0);
    assert_true(pipeline_orders_rank(result, "b", PIPELINE_ORDER_GREEDY, mean, std));
    check_row(mean, 4, 3, 2, 1);
    check_row(std, 0, 0, 0, 0);
    assert_true(pipeline_orders_rank(result, "b", PIPELINE_ORDER_IMPACT, mean, std));
    check_row(mean, 2, 1, 4, 3);
    assert_false(pipeline_orders_rank(result, "a", PIPELINE_ORDER_IMPACT, mean, std));
    assert_true(isnan(mean[0]) && isnan(std[4]));
    assert_false(pipeline_orders_rank(result, "c", PIPELINE_ORDER_GREEDY, mean, std));
}

static void test_agreement(void **state)
{
    (void) state;
    distill_agreement g, want;
    const double a[] = { 1, 2.5, 2.5, 4 }, b[] = { 4, 3, 2, 1 };
    assert_int_equal(pipeline_orders_agree(result, "a", PIPELINE_ORDER_GREEDY, "b", PIPELINE_ORDER_GREEDY, &g), VKC_OK);
    assert_int_equal(distill_agree(a, b, 4, &want), VKC_OK);
    assert_true(g.n == 4 && g.tau == want.tau && g.rho == want.rho && g.tau_p == want.tau_p && g.rho_p == want.rho_p);
    assert_true(g.tau < -0.9);
    assert_int_equal(pipeline_orders_agree(result, "b", PIPELINE_ORDER_GREEDY, "b", PIPELINE_ORDER_DEPTH, &g), VKC_OK);
    assert_true(g.tau == -1 && g.rho == -1 && fabs(g.tau_p - 2 / 24.0) < 1e-15);
    assert_int_equal(pipeline_orders_agree(result, "a", PIPELINE_ORDER_GREEDY, "a", PIPELINE_ORDER_IMPACT, &g), VKC_OK);
    assert_true(g.n == 0 && isnan(g.tau));
}

static void test_runs(void **state)
{
    (void) state;
    uint32_t n;
    double tau;
    assert_int_equal(pipeline_orders_agree_runs(result, "a", "a", PIPELINE_ORDER_GREEDY, &n, &tau), VKC_OK);
    assert_true(n == 1 && fabs(tau - 4 / 6.0) < 1e-12);     // one pair of layers of six the other way round
    assert_int_equal(pipeline_orders_agree_runs(result, "b", "b", PIPELINE_ORDER_GREEDY, &n, &tau), VKC_OK);
    assert_true(n == 1 && tau == 1);
    assert_int_equal(pipeline_orders_agree_runs(result, "a", "b", PIPELINE_ORDER_GREEDY, &n, &tau), VKC_OK);
    assert_true(n == 4 && fabs(tau + (2 * 1 + 2 * 4 / 6.0) / 4) < 1e-12);
    assert_int_equal(pipeline_orders_agree_runs(result, "b", "b", PIPELINE_ORDER_IMPACT, &n, &tau), VKC_OK);
    assert_true(n == 0 && isnan(tau));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks), cmocka_unit_test(test_agreement), cmocka_unit_test(test_runs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
