// test_retain_stats.c — overlap, average precision and survival on cases worked out by hand. No device.
#include "distill/retain/retain_stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void check_near(double have, double want)
{
    if (!(fabs(have - want) <= 1e-12))
        fail_msg("%.17g, want %.17g", have, want);
}

static void test_overlap(void **state)
{
    (void) state;
    const float score[6] = { 0.1f, 0.9f, 0.5f, 0.5f, 0.2f, 0.0f };
    // Order: 1, 2, 3 (a tie: the lower place first), 4, 0, 5.
    check_near(distill_overlap((const uint8_t[]) { 0, 1, 1, 0, 0, 0 }, score, 6), 1.0);
    check_near(distill_overlap((const uint8_t[]) { 0, 1, 0, 1, 0, 0 }, score, 6), 0.5);
    check_near(distill_overlap((const uint8_t[]) { 1, 0, 0, 0, 1, 1 }, score, 6), 0.0);
    check_near(distill_overlap((const uint8_t[]) { 1, 1, 0, 0, 1, 0 }, score, 6), 1.0 / 3);
    check_near(distill_overlap((const uint8_t[]) { 1, 1, 1, 1, 1, 1 }, score, 6), 1.0);
    assert_true(isnan(distill_overlap((const uint8_t[6]) { 0 }, score, 6)));
    const float odd[3] = { NAN, -INFINITY, NAN };       // all lowest: by place
    check_near(distill_overlap((const uint8_t[]) { 1, 0, 0 }, odd, 3), 1.0);
    check_near(distill_overlap((const uint8_t[]) { 0, 0, 1 }, odd, 3), 0.0);
    check_near(distill_overlap((const uint8_t[]) { 0, 1, 0 }, (const float[]) { NAN, -3, NAN }, 3), 1.0);
}

static void test_auprc(void **state)
{
    (void) state;
    // Highest first: kept, dropped, kept, dropped: precision 1/1 at the first, 2/3 at the second.
    const float down[4] = { 4, 3, 2, 1 };
    check_near(distill_auprc((const uint8_t[]) { 1, 0, 1, 0 }, down, 4), (1.0 + 2.0 / 3) / 2);
    check_near(distill_auprc((const uint8_t[]) { 1, 1, 0, 0 }, down, 4), 1.0);
    check_near(distill_auprc((const uint8_t[]) { 0, 0, 1, 1 }, down, 4), (1.0 / 3 + 2.0 / 4) / 2);
    assert_true(isnan(distill_auprc((const uint8_t[4]) { 0 }, down, 4)));
    // No information: chance, the keep ratio, wherever the kept ones stand.
    const float flat[5] = { 7, 7, 7, 7, 7 };
    check_near(distill_auprc((const uint8_t[]) { 1, 0, 0, 1, 0 }, flat, 5), 0.4);
    check_near(distill_auprc((const uint8_t[]) { 0, 0, 0, 1, 1 }, flat, 5), 0.4);
    // Steps {9: kept}, {5: kept, dropped, dropped}, {1: dropped}: (1 + 2/4) / 2, in any order of places.
    check_near(distill_auprc((const uint8_t[]) { 0, 1, 1, 0, 0 }, (const float[]) { 5, 5, 9, 5, 1 }, 5), 0.75);
    check_near(distill_auprc((const uint8_t[]) { 1, 0, 0, 0, 1 }, (const float[]) { 9, 5, 5, 1, 5 }, 5), 0.75);
    check_near(distill_auprc((const uint8_t[]) { 1, 0 }, (const float[]) { NAN, -1 }, 2), 0.5);
}

static void test_survival(void **state)
{
    (void) state;
    distill_survival s;
    memset(&s, 0, sizeof s);
    // Two pictures of four patches and three blocks; inside: 1 + 2 patches, outside: 3 + 2.
    distill_survival_add(&s, (const uint8_t[]) { 3, 1, 2, 1 }, (const uint8_t[]) { 1, 0, 0, 0 }, 4, 3);
    distill_survival_add(&s, (const uint8_t[]) { 3, 2, 3, 1 }, (const uint8_t[]) { 1, 1, 0, 0 }, 4, 3);
    assert_true(s.inside == 3 && s.outside == 5);
    assert_true(s.in[0] == 3 && s.in[1] == 3 && s.in[2] == 2);
    assert_true(s.out[0] == 5 && s.out[1] == 2 && s.out[2] == 1);
    check_near(distill_survival_ratio(&s, 0, 3), 1.0);
    check_near(distill_survival_ratio(&s, 1, 3), (3.0 / 3) / (2.0 / 5));
    check_near(distill_survival_ratio(&s, 2, 3), (2.0 / 3) / (1.0 / 5));
    check_near(distill_survival_ratio(&s, 3, 3), (8.0 / 3) / (8.0 / 5));
    memset(&s, 0, sizeof s);
    distill_survival_add(&s, (const uint8_t[]) { 2, 1 }, (const uint8_t[]) { 1, 0 }, 2, 2);
    assert_true(isinf(distill_survival_ratio(&s, 1, 2)));
    memset(&s, 0, sizeof s);
    distill_survival_add(&s, (const uint8_t[]) { 2, 1 }, (const uint8_t[]) { 0, 0 }, 2, 2);
    assert_true(isnan(distill_survival_ratio(&s, 1, 2)));
    memset(&s, 0, sizeof s);
    distill_survival_add(&s, (const uint8_t[]) { 1, 1 }, (const uint8_t[]) { 0, 1 }, 2, 2);
    assert_true(isnan(distill_survival_ratio(&s, 1, 2)));       // nothing of either is left
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlap), cmocka_unit_test(test_auprc), cmocka_unit_test(test_survival),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
