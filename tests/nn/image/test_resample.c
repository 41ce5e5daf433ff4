// test_resample.c — resizing against Pillow's bytes (tests/golden/pillow.py), windows, extreme sizes, refusals.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/image/image.h"
#include "nn/image/resample.h"
#include "tests/nn/image/pillow.h"

static uint8_t *draw(nn_size s)
{
    uint8_t *rgb = malloc((size_t) s.height * s.width * 3);
    assert_non_null(rgb);
    pillow_draw(rgb, s.height, s.width);
    return rgb;
}

// All sizes and both filters, as one version of Pillow has them.
static void check_pillow(const char *path, uint32_t pillow)
{
    nn_safetensors *f = NULL;
    assert_int_equal(nn_safetensors_load(path, &f), VKC_OK);
    const size_t n = (size_t) nn_safetensors_get(f, "resize.sizes")->shape[0];
    assert_true(n >= 90);
    uint32_t whole = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        uint32_t s[4];
        uint64_t want;
        char name[32];
        for (size_t k = 0; k < 4; k++)
            PILLOW_GET(f, "resize.sizes", i / 2 * 4 + k, &s[k]);
        PILLOW_GET(f, "resize.fnv", i, &want);
        const nn_size from = { s[0], s[1] }, to = { s[2], s[3] };
        const size_t size = (size_t) to.height * to.width * 3;
        uint8_t *rgb = draw(from), *out = malloc(size);
        assert_non_null(out);
        assert_int_equal(nn_resample(rgb, from, to, (nn_filter) (i % 2), pillow, NULL, out, (size_t) to.width * 3),
                         VKC_OK);
        snprintf(name, sizeof name, "whole.%zu", i);
        const nn_st_tensor *all = nn_safetensors_get(f, name);
        if (all != NULL) {
            uint8_t *want_all = malloc(size);
            assert_non_null(want_all);
            assert_int_equal(nn_st_tensor_read_raw(all, 0, size, want_all), VKC_OK);
            assert_memory_equal(out, want_all, size);
            free(want_all);
            whole++;
        }
        if (pillow_sum(out, size) != want)
            fail_msg("%u x %u to %u x %u, filter %zu: not the bytes of Pillow %u", from.width, from.height, to.width,
                     to.height, i % 2, pillow);
        free(rgb);
        free(out);
    }
    assert_true(whole >= 4);
    nn_safetensors_destroy(f);
}

static void test_pillow(void **state)
{
    (void) state;
    check_pillow(PILLOW_12_FILE, 12);
    check_pillow(PILLOW_13_FILE, 13);
    check_pillow(PILLOW_13_FILE, 0);
}

// Which of the two orders is taken, at the edge of the rule: bytes that differ say that it was another.
static void test_order(void **state)
{
    (void) state;
    nn_safetensors *f = NULL, *g = NULL;
    assert_int_equal(nn_safetensors_load(PILLOW_12_FILE, &f), VKC_OK);
    assert_int_equal(nn_safetensors_load(PILLOW_13_FILE, &g), VKC_OK);
    const size_t n = (size_t) nn_safetensors_get(f, "resize.sizes")->shape[0];
    uint32_t differing = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        int32_t s[4];
        uint64_t a, b;
        for (size_t k = 0; k < 4; k++)
            PILLOW_GET(f, "resize.sizes", i / 2 * 4 + k, &s[k]);
        PILLOW_GET(f, "resize.fnv", i, &a);
        PILLOW_GET(g, "resize.fnv", i, &b);
        if (a != b)
            assert_true(s[0] > s[2] && s[0] - s[2] > 2 * (s[1] - s[3]));
        differing += a != b;
    }
    assert_true(differing >= 40);
    nn_safetensors_destroy(f);
    nn_safetensors_destroy(g);
}

// A window is what the whole has there.
static void test_window(void **state)
{
    (void) state;
    static const struct { nn_size from, to; } sizes[] = {
        { { 40, 50 }, { 23, 31 } }, { { 23, 31 }, { 40, 50 } }, { { 40, 50 }, { 40, 20 } }, { { 40, 50 }, { 40, 50 } },
    };
    for (size_t i = 0; i < 8; i++) {
        const nn_size from = sizes[i / 2].from, to = sizes[i / 2].to;
        const nn_filter filter = (nn_filter) (i % 2);
        const nn_window w = { 5, 7, 11, 6 };
        uint8_t *rgb = draw(from), *all = malloc((size_t) to.height * to.width * 3), part[11][20];
        assert_non_null(all);
        memset(part, 99, sizeof part);
        assert_int_equal(nn_resample(rgb, from, to, filter, 0, NULL, all, (size_t) to.width * 3), VKC_OK);
        assert_int_equal(nn_resample(rgb, from, to, filter, 0, &w, part[0], sizeof part[0]), VKC_OK);
        for (uint32_t y = 0; y < w.height; y++) {
            assert_memory_equal(part[y], all + ((size_t) (w.top + y) * to.width + w.left) * 3, w.width * 3);
            assert_true(part[y][18] == 99 && part[y][19] == 99);
        }
        free(rgb);
        free(all);
    }
}

// One pixel wide and as long as it may be, to and from; grey stays grey, and no sum of weights leaves 32 bits.
static void test_extremes(void **state)
{
    (void) state;
    static const nn_size sizes[] = { { NN_IMAGE_MAX_SIDE, 1 }, { 1, NN_IMAGE_MAX_SIDE }, { 1, 1 }, { 3, 5461 },
                                     { 129, 127 } };
    const size_t n = sizeof sizes / sizeof *sizes;
    for (size_t i = 0; i < n * n * 2; i++) {
        const nn_size from = sizes[i / 2 % n], to = sizes[i / 2 / n];
        if ((uint64_t) to.height * to.width > 1u << 20 || (uint64_t) from.height * to.width > 1u << 22)
            continue;                                       // too slow for a test
        const size_t in_size = (size_t) from.height * from.width * 3, size = (size_t) to.height * to.width * 3;
        uint8_t *rgb = malloc(in_size), *out = malloc(size);
        assert_true(rgb != NULL && out != NULL);
        for (int shade = 0; shade <= 255; shade += 85) {
            memset(rgb, shade, in_size);
            assert_int_equal(nn_resample(rgb, from, to, (nn_filter) (i % 2), 0, NULL, out, (size_t) to.width * 3),
                             VKC_OK);
            for (size_t k = 0; k < size; k++)
                assert_int_equal(out[k], shade);
        }
        free(rgb);
        free(out);
    }
    // A window of a picture that would not fit into any memory.
    uint8_t line[3 * 64], out[9 * 9 * 3];
    memset(line, 7, sizeof line);
    const nn_window w = { INT32_MAX - 10, INT32_MAX / 2, 9, 9 };
    assert_int_equal(nn_resample(line, (nn_size) { 8, 8 }, (nn_size) { INT32_MAX, INT32_MAX }, NN_FILTER_BICUBIC, 0, &w,
                                 out, 27),
                     VKC_OK);
    assert_int_equal(out[0], 7);
    assert_int_equal(out[sizeof out - 1], 7);
}

static void test_refusals(void **state)
{
    (void) state;
    uint8_t rgb[12] = { 0 }, out[12];
    const nn_size two = { 2, 2 };
    assert_int_equal(nn_resample(rgb, (nn_size) { 0, 2 }, two, NN_FILTER_BILINEAR, 0, NULL, out, 6), VKC_E_ARG);
    assert_int_equal(nn_resample(rgb, two, (nn_size) { 2, 0 }, NN_FILTER_BILINEAR, 0, NULL, out, 6), VKC_E_ARG);
    assert_int_equal(nn_resample(rgb, (nn_size) { NN_IMAGE_MAX_SIDE + 1, 1 }, two, NN_FILTER_BILINEAR, 0, NULL, out, 6),
                     VKC_E_ARG);
    assert_int_equal(nn_resample(rgb, two, (nn_size) { 1u << 31, 1 }, NN_FILTER_BILINEAR, 0, NULL, out, 6), VKC_E_ARG);
    static const nn_window bad[] = { { 2, 0, 1, 1 }, { 0, 1, 1, 2 }, { 0, 0, 0, 1 }, { UINT32_MAX, 0, 2, 1 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(nn_resample(rgb, two, two, NN_FILTER_BICUBIC, 0, &bad[i], out, 6), VKC_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pillow), cmocka_unit_test(test_order), cmocka_unit_test(test_window),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
