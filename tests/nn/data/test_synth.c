// test_synth.c — the built-in pictures: the same bits everywhere, the ring where the truth says, balance.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "nn/data/synth.h"

static uint8_t rgb[64 * 64 * 3], other[64 * 64 * 3];

static uint64_t hash(const uint8_t *p, size_t n, uint64_t h)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

// Bundled models were trained on these very bits: whoever changes the drawing must train them again.
static void test_same_bits(void **state)
{
    (void) state;
    uint64_t h = 0xcbf29ce484222325u;
    for (uint64_t i = 0; i < 200; i++) {
        nn_synth_read(3, i, rgb, NULL);
        h = hash(rgb, sizeof rgb, h);
    }
    assert_int_equal(h, 0x4c961491a3207699);
    nn_synth_read(3, 5, rgb, NULL);
    nn_synth_read(3, 5, other, NULL);
    assert_memory_equal(rgb, other, sizeof rgb);
    nn_synth_read(2, 5, other, NULL);
    assert_memory_not_equal(rgb, other, sizeof rgb);
}

static float brightness(float x, float y)
{
    const uint8_t *p = rgb + ((int) y * 64 + (int) x) * 3;
    return (float) (p[0] + p[1] + p[2]) / 3;
}

static void test_truth(void **state)
{
    (void) state;
    uint32_t count[10] = { 0 }, digits = 0;
    for (uint64_t i = 0; i < 500; i++) {
        nn_synth_truth t;
        nn_synth_read(1, i, rgb, &t);
        assert_int_equal(t.label, i % 10);
        assert_in_range(t.n_digits, 1, 6);
        digits += t.n_digits;
        count[t.label]++;
        assert_true(t.x - t.radius >= 0 && t.y - t.radius >= 0 && t.x + t.radius <= 64 && t.y + t.radius <= 64);
        // The ring's line is about two pixels wide: bright along it, darker just inside.
        float on = 0, in = 0;
        for (int a = 0; a < 32; a++) {
            float c = cosf((float) a * 0.19635f), s = sinf((float) a * 0.19635f);
            on += brightness(t.x + (t.radius - 1) * c, t.y + (t.radius - 1) * s);
            in += brightness(t.x + (t.radius - 3.2f) * c, t.y + (t.radius - 3.2f) * s);
        }
        assert_true(on > 1.25f * in);
    }
    assert_true(digits > 3 * 500);
    for (int k = 0; k < 10; k++)
        assert_int_equal(count[k], 50);
}

static void test_mask(void **state)
{
    (void) state;
    uint8_t mask[64 * 64];
    nn_synth_truth t = { .x = 20, .y = 36, .radius = 12 };
    nn_synth_mask(&t, 8, mask);
    assert_int_equal(mask[4 * 8 + 2], 1);
    assert_int_equal(mask[4 * 8 + 0], 0);       // x from 0 to 8: the ring begins at 8
    assert_int_equal(mask[4 * 8 + 1], 1);
    assert_int_equal(mask[4 * 8 + 4], 0);
    assert_int_equal(mask[0], 0);
    nn_synth_mask(&t, 1, mask);
    uint32_t n = 0;
    for (int i = 0; i < 64 * 64; i++)
        n += mask[i];
    assert_in_range(n, 440, 520);               // pi 12^2 = 452, and the pixels the edge cuts
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits), cmocka_unit_test(test_truth), cmocka_unit_test(test_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
