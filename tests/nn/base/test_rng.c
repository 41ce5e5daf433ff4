// test_rng.c — known values, the same bits in C and GLSL, moments, neighbours, shuffles.
#include "nn/base/rng.h"

#include "shaders/inc/rng.h"
#include "shaders/engine/rng_fill.h"
#include "spv/shaders.h"
#include "tests/device.h"
#include "vk/recording.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define N 4097u

// Published test vectors of Threefry-2x32, 20 rounds.
static void test_known(void **state)
{
    (void) state;
    const uint32_t f = 0xffffffffu;
    assert_int_equal(rng_word(0, 0, 0, 0, 0), 0x6b200159u);
    assert_int_equal(rng_word(0, 0, 0, 0, 1), 0x99ba4efeu);
    assert_int_equal(rng_word(f, f, f, f, 0), 0x1cb996fcu);
    assert_int_equal(rng_word(f, f, f, f, 1), 0xbb002be7u);
    assert_int_equal(rng_word(0x13198a2eu, 0x03707344u, 0x85a308d3u, 0x243f6a88u, 0), 0xc4923a9cu);
    assert_int_equal(rng_word(0x13198a2eu, 0x03707344u, 0x85a308d3u, 0x243f6a88u, 1), 0x483df7a0u);
    assert_int_equal(nn_rng_bits(0x0370734413198a2eu, 0x85a308d3u, 0x243f6a88u), 0xc4923a9cu);
}

static void test_moments(void **state)
{
    (void) state;
    const uint32_t n = 1u << 17;
    double sum = 0, square = 0, near = 0, across = 0, u_sum = 0, u_square = 0;
    for (uint32_t i = 0; i < n; i++) {
        double x = (double) nn_rng_normal(7, 3, i), u = (double) nn_rng_uniform(7, 4, i) - 0.5;
        sum += x;
        square += x * x;
        near += x * (double) nn_rng_normal(7, 3, i + 1);
        across += x * (double) nn_rng_normal(7, 4, i);
        u_sum += u;
        u_square += u * u;
        assert_true(u >= -0.5 && u < 0.5);
    }
    const double sigma = 1 / sqrt(n);       // of the mean of n numbers of variance 1
    assert_true(fabs(sum / n) < 5 * sigma);
    assert_true(fabs(square / n - 1) < 5 * sqrt(2) * sigma);
    assert_true(fabs(near / n) < 5 * sigma);
    assert_true(fabs(across / n) < 5 * sigma);
    assert_true(fabs(u_sum / n) < 5 * sigma * sqrt(1.0 / 12));
    assert_true(fabs(u_square / n - 1.0 / 12) < 5 * sigma * sqrt(1.0 / 180));
}

static void test_shuffle(void **state)
{
    (void) state;
    uint32_t list[100], other[100], seen[100] = { 0 }, same = 0, first[5] = { 0 };
    for (uint32_t i = 0; i < 100; i++)
        list[i] = other[i] = i;
    nn_rng_shuffle(1, 2, list, 100);
    nn_rng_shuffle(1, 3, other, 100);
    for (uint32_t i = 0; i < 100; i++) {
        seen[list[i]]++;
        same += list[i] == other[i];
    }
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(seen[i], 1);
    assert_true(same < 10);
    for (uint32_t k = 0; k < 5000; k++) {
        uint32_t five[5] = { 0, 1, 2, 3, 4 };
        nn_rng_shuffle(9, k, five, 5);
        first[five[0]]++;
    }
    for (uint32_t i = 0; i < 5; i++)
        assert_in_range(first[i], 850, 1150);
    nn_rng_shuffle(1, 2, NULL, 0);
    assert_int_equal(nn_rng_below(1, 2, 3, 0), 0);
    assert_int_equal(nn_rng_below(1, 2, 3, 1), 0);
}

// Fill on the device with counters from 1000 on.
static void fill(vkc_device *dev, vkc_buffer *buf, uint32_t kind, uint64_t seed, uint32_t *out)
{
    const struct rng_fill_args a = {
        .len = N, .kind = kind, .seed_lo = (uint32_t) seed, .seed_hi = (uint32_t) (seed >> 32),
        .stream = 5, .first = 1000,
    };
    vkc_kernel_params kp = { .shader = &vkc_shader_rng_fill, .args_size = sizeof a };
    vkc_dispatch d = { .bind = { vkc_slice_of(buf) }, .args = &a, .groups = { 7 } };
    vkc_recording *rec = NULL;
    assert_int_equal(vkc_kernel_get(dev, &kp, &d.kernel), VKC_OK);
    assert_int_equal(vkc_recording_create(dev, &(vkc_recording_params) { .name = "rng" }, &rec), VKC_OK);
    assert_int_equal(vkc_record_dispatch(rec, &d), VKC_OK);
    assert_int_equal(vkc_recording_finish(rec), VKC_OK);
    assert_int_equal(vkc_submit(rec, NULL), VKC_OK);
    assert_int_equal(vkc_read(dev, (vkc_slice) { buf, 0, N * 4 }, out), VKC_OK);
    vkc_recording_destroy(rec);
}

static void test_device(void **state)
{
    (void) state;
    static uint32_t got[N];
    const uint64_t seed = 0x123456789abcdef0u;
    vkc_device *dev = test_device_open();
    vkc_buffer *buf = NULL;
    assert_int_equal(vkc_buffer_create(dev, VKC_MEM_DEVICE, N * 4, "rng", &buf), VKC_OK);
    fill(dev, buf, RNG_FILL_BITS, seed, got);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(got[i], nn_rng_bits(seed, 5, 1000 + i));
    fill(dev, buf, RNG_FILL_UNIFORM, seed, got);
    for (uint32_t i = 0; i < N; i++) {
        float want = nn_rng_uniform(seed, 5, 1000 + i);
        assert_memory_equal(&got[i], &want, 4);
    }
    fill(dev, buf, RNG_FILL_NORMAL, seed, got);
    for (uint32_t i = 0; i < N; i++) {
        float have;
        memcpy(&have, &got[i], 4);
        assert_true(fabsf(have - nn_rng_normal(seed, 5, 1000 + i)) < 1e-3f);
    }
    vkc_buffer_destroy(buf);
    assert_int_equal(vkc_device_validation_count(dev), 0);
    vkc_device_destroy(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_shuffle),
        cmocka_unit_test(test_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
