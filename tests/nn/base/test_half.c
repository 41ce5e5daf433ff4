// test_half.c — all 65,536 halves against their definition, and rounding at, above and below every one and every tie.
#include "nn/base/half.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define N 65536u
#define INF 0x7c00u

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// The definition, in double.
static double value_of(uint32_t h)
{
    const uint32_t exponent = h >> 10 & 31u, fraction = h & 0x3ffu;
    const double size = exponent ? ldexp(1024 + (double) fraction, (int) exponent - 25) : ldexp(fraction, -24);
    return h & 0x8000u ? -size : size;
}

static void test_to_float(void **state)
{
    (void) state;
    for (uint32_t h = 0; h < N; h++) {
        const float x = nn_half_to_float((uint16_t) h);
        assert_int_equal(bits_of(x) >> 31, h >> 15);
        if ((h & INF) != INF)
            assert_true((double) x == value_of(h));
        else
            assert_int_equal(bits_of(x) & 0x7fffffffu, 0x7f800000u | (h & 0x3ffu) << 13);
    }
}

static void test_there_and_back(void **state)
{
    (void) state;
    for (uint32_t h = 0; h < N; h++) {
        const bool is_nan = (h & 0x7fffu) > INF;    // comes back quiet
        assert_int_equal(nn_half_from_float(nn_half_to_float((uint16_t) h)), is_nan ? h | 0x200u : h);
    }
}

// Between two neighbours: the middle goes to the even one, the floats beside it to the nearer one. The middle behind
// the largest half is 65520, and goes to infinity.
static void test_rounding(void **state)
{
    (void) state;
    for (uint32_t sign = 0; sign < 2; sign++)
        for (uint32_t h = 0; h < INF; h++) {
            const double above = h + 1 < INF ? value_of(h + 1) : 65536;
            const float middle = (float) ((value_of(h) + above) / 2);
            const uint32_t bits = bits_of(middle) | sign << 31, s = sign << 15;
            assert_true((double) middle == (value_of(h) + above) / 2);
            assert_int_equal(nn_half_from_float(float_of(bits)), (s | h) + h % 2);
            assert_int_equal(nn_half_from_float(float_of(bits - 1)), s | h);
            assert_int_equal(nn_half_from_float(float_of(bits + 1)), (s | h) + 1);
            if (h) {
                const uint32_t at = bits_of((float) value_of(h)) | sign << 31;
                assert_int_equal(nn_half_from_float(float_of(at + 1)), s | h);
                assert_int_equal(nn_half_from_float(float_of(at - 1)), s | h);
            }
        }
}

static void test_ends(void **state)
{
    (void) state;
    assert_int_equal(nn_half_from_float(NN_HALF_MAX), INF - 1);
    assert_int_equal(nn_half_from_float(3.4e38f), INF);
    assert_int_equal(nn_half_from_float(-INFINITY), 0x8000u | INF);
    assert_int_equal(nn_half_from_float(float_of(1)), 0);              // the least float
    assert_int_equal(nn_half_from_float(float_of(0x80000001u)), 0x8000u);
    assert_int_equal(nn_half_from_float(float_of(0x7f800001u)), 0x7e00u);       // a payload that has no room
    assert_int_equal(nn_half_from_float(float_of(0xffffffffu)), 0xffffu);
}

static void test_arrays(void **state)
{
    (void) state;
    float x[N + 1], *both = (float *) malloc(sizeof x);
    uint16_t *h = (uint16_t *) malloc(N * sizeof *h);
    assert_non_null(both);
    assert_non_null(h);
    for (uint32_t i = 0; i < N; i++)
        x[i] = float_of(i * 65537u);
    x[N] = both[N] = 7.0f;
    nn_half_narrow(h, x, N);
    memcpy(both, h, N * sizeof *h);
    nn_half_widen(both, N);
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(h[i], nn_half_from_float(x[i]));
        assert_int_equal(bits_of(both[i]), bits_of(nn_half_to_float(h[i])));
    }
    assert_true(both[N] == 7.0f);
    free(both);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_float), cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_ends),     cmocka_unit_test(test_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
