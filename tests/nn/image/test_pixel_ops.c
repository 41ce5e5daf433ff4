// test_pixel_ops.c — each operation on pixels against Pillow's bytes (tests/golden/augment.py).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/image/augment/pixel_ops.h"
#include "tests/nn/image/pillow.h"

#define FILE_NAME "tests/golden/augment.safetensors"
#define MAX_BYTES (64 * 64 * 3)

enum { OP, FILTER, HEIGHT, WIDTH, SOURCE, N_NUMBERS };

static const uint8_t fill[3] = { 124, 116, 104 };

// The source of a row, changed into `rgb`; its size in bytes.
static size_t change(const uint8_t row[N_NUMBERS], double value, uint8_t *rgb)
{
    static uint8_t spare[MAX_BYTES];
    const nn_pixel_step s = { (nn_pixel_op) row[OP], value, (nn_filter) row[FILTER] };
    const size_t size = (size_t) row[HEIGHT] * row[WIDTH] * 3;
    assert_true(size <= MAX_BYTES);
    pillow_draw(rgb, row[HEIGHT], row[WIDTH]);
    for (size_t i = 0; i < size && row[SOURCE]; i++)
        rgb[i] = (uint8_t) (60 + rgb[i] / 2);
    nn_pixel_apply(&s, (nn_size) { row[HEIGHT], row[WIDTH] }, fill, rgb, spare);
    return size;
}

static void check_whole(const nn_safetensors *f, size_t i, const uint8_t *rgb, size_t size)
{
    char name[32];
    uint8_t want[MAX_BYTES];
    snprintf(name, sizeof name, "whole.%zu", i);
    const nn_st_tensor *all = nn_safetensors_get(f, name);
    if (!all)
        return;
    assert_int_equal(nn_st_tensor_read_raw(all, 0, size, want), VKC_OK);
    assert_memory_equal(rgb, want, size);
}

static void test_pillow(void **state)
{
    (void) state;
    nn_safetensors *f = NULL;
    static uint8_t rgb[MAX_BYTES];
    uint32_t wrong = 0, seen[NN_N_PIXEL_OPS] = { 0 };
    assert_int_equal(nn_safetensors_load(FILE_NAME, &f), VKC_OK);
    const size_t n = (size_t) nn_safetensors_get(f, "rows")->shape[0];
    for (size_t i = 0; i < n; i++) {
        uint8_t row[N_NUMBERS];
        uint64_t want;
        double value;
        for (size_t k = 0; k < N_NUMBERS; k++)
            PILLOW_GET(f, "rows", i * N_NUMBERS + k, &row[k]);
        PILLOW_GET(f, "value", i, &value);
        PILLOW_GET(f, "fnv", i, &want);
        const size_t size = change(row, value, rgb);
        seen[row[OP]]++;
        if (pillow_sum(rgb, size) != want) {
            print_error("%s %.17g, filter %u, %u x %u, source %u: not Pillow's bytes\n",
                        nn_pixel_op_name((nn_pixel_op) row[OP]), value, row[FILTER], row[WIDTH], row[HEIGHT],
                        row[SOURCE]);
            wrong++;
        }
        check_whole(f, i, rgb, size);
    }
    assert_int_equal(wrong, 0);
    for (int op = 0; op < NN_N_PIXEL_OPS; op++)
        assert_true(seen[op] >= 10);
    nn_safetensors_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_pillow) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
