// test_scaling.c — pare bench scaling: its lists, exponents of growth and crossovers, on made-up times.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli/bench/scaling.h"

static scaling *make(const char *mixers, const char *tokens)
{
    scaling *s = calloc(1, sizeof *s);
    assert_non_null(s);
    assert_int_equal(scaling_init(s, &(scaling_args) { .mixers = mixers, .tokens = tokens, .dim = 192, .heads = 3 }),
                     VKC_OK);
    return s;
}

// Times of factor * tokens^p.
static void fill(scaling *s, uint32_t m, double factor, double p)
{
    for (uint32_t t = 0; t < s->n_tokens; t++)
        s->cell[m][t] = (scaling_cell) { .is_there = true, .fwd_bwd_ms = factor * pow((double) s->tokens[t], p) };
}

static void test_lists(void **state)
{
    (void) state;
    scaling *s = make(NULL, NULL);
    assert_int_equal(s->n_mixers, nn_n_mixers);
    assert_int_equal(s->n_tokens, 8);
    assert_int_equal(s->tokens[7], 8192);
    free(s);
    s = make("linear:features=elu1,attention", "512,64,512,100");
    assert_int_equal(s->n_mixers, 2);
    assert_string_equal(s->name[0], "linear:features=elu1");
    assert_string_equal(s->layer[0].options, "features=elu1");
    assert_int_equal(s->n_tokens, 3);
    assert_int_equal(s->tokens[0], 64);
    assert_int_equal(s->tokens[1], 100);
    assert_int_equal(s->tokens[2], 512);
    static const scaling_args bad[] = {
        { .mixers = "magic", .dim = 192, .heads = 3 },       { .mixers = "linear,linear", .dim = 192, .heads = 3 },
        { .mixers = "linear,", .dim = 192, .heads = 3 },     { .tokens = "", .dim = 192, .heads = 3 },
        { .tokens = "64,,128", .dim = 192, .heads = 3 },     { .tokens = "65537", .dim = 192, .heads = 3 },
        { .tokens = "4294967360", .dim = 192, .heads = 3 },  { .tokens = "-1", .dim = 192, .heads = 3 },
        { .tokens = "0", .dim = 192, .heads = 3 },           { .dim = 192, .heads = 5 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(scaling_init(s, &bad[i]), VKC_E_ARG);
    free(s);
}

static void test_exponent(void **state)
{
    (void) state;
    scaling *s = make("attention,linear", "64,128,512,1024,2048");
    fill(s, 0, 0.01, 1.75);
    s->cell[0][0].fwd_bwd_ms = s->cell[0][1].fwd_bwd_ms = 5.0;      // below 512 nothing counts
    assert_true(fabs(scaling_exponent(s, 0) - 1.75) < 1e-9);
    assert_true(isnan(scaling_exponent(s, 1)));
    s->cell[0][3].is_there = false;
    assert_true(fabs(scaling_exponent(s, 0) - 1.75) < 1e-9);
    s->cell[0][4].is_there = false;
    assert_true(isnan(scaling_exponent(s, 0)));
    free(s);
}

static void test_crossover(void **state)
{
    (void) state;
    uint32_t last;
    scaling *s = make("linear,attention", "64,128,256,512,1024");
    assert_true(isnan(scaling_crossover(s, 0, &last)));             // no times
    fill(s, 1, 1.0, 2.0);
    fill(s, 0, 300.0, 1.0);                                         // equal at 300 tokens
    assert_true(fabs(scaling_crossover(s, 0, &last) - 300.0) < 1e-6);
    assert_int_equal(last, 1024);
    assert_true(isnan(scaling_crossover(s, 1, &last)));             // attention against itself
    s->cell[1][2].is_there = false;                                 // power laws: a size less changes nothing
    assert_true(fabs(scaling_crossover(s, 0, &last) - 300.0) < 1e-6);
    fill(s, 1, 1.0, 2.0);
    s->cell[0][1].fwd_bwd_ms = 1.0;                                 // faster once, slower again: the last crossing
    assert_true(fabs(scaling_crossover(s, 0, &last) - 300.0) < 1e-6);
    fill(s, 0, 1.0, 1.0);
    assert_true(scaling_crossover(s, 0, &last) == 64.0);            // from the first size on
    fill(s, 0, 2000.0, 1.0);
    s->cell[1][4].is_there = false;
    assert_true(isinf(scaling_crossover(s, 0, &last)));
    assert_int_equal(last, 512);
    free(s);
    s = make("linear", "64");
    fill(s, 0, 1.0, 1.0);
    assert_true(isnan(scaling_crossover(s, 0, &last)));             // no attention
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists), cmocka_unit_test(test_exponent), cmocka_unit_test(test_crossover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
