// test_jpeg.c — JPEG files of every kind of sampling against Pillow's pixels (tests/golden/jpeg.py), cut off and
// damaged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/checkpoint/safetensors.h"
#include "nn/image/image.h"

#define GOLDEN "tests/golden/jpeg.safetensors"

static uint8_t *read_bytes(const nn_st_tensor *t)
{
    uint8_t *bytes = malloc((size_t) t->size);
    assert_non_null(bytes);
    assert_int_equal(nn_st_tensor_read_raw(t, 0, (size_t) t->size, bytes), VKC_OK);
    return bytes;
}

static void test_golden(void **state)
{
    nn_safetensors *f = NULL;
    uint32_t n = 0;
    (void) state;
    assert_int_equal(nn_safetensors_load(GOLDEN, &f), VKC_OK);
    for (size_t i = 0; i < nn_safetensors_len(f); i++) {
        const nn_st_tensor *file = nn_safetensors_at(f, i);
        char name[64];
        const size_t len = strlen(file->name) - strlen(".file");
        if (strcmp(file->name + len, ".file") != 0)
            continue;
        snprintf(name, sizeof name, "%.*s.pixels", (int) len, file->name);
        const nn_st_tensor *pixels = nn_safetensors_get(f, name);
        assert_non_null(pixels);
        uint8_t *bytes = read_bytes(file), *want = read_bytes(pixels);
        nn_image im = { 0 };
        assert_int_equal(nn_image_read(name, bytes, (size_t) file->size, &im), VKC_OK);
        assert_true(im.height == pixels->shape[0] && im.width == pixels->shape[1]);
        for (size_t k = 0; k < pixels->size; k++)
            if (im.rgb[k] != want[k])
                fail_msg("%s: number %zu is %u, want %u", name, k, im.rgb[k], want[k]);
        nn_image_finish(&im);
        free(bytes);
        free(want);
        n++;
    }
    assert_int_equal(n, 28);
    nn_safetensors_destroy(f);
}

// Words or a picture of the same size, whatever is cut off or turned over.
static void test_damage(void **state)
{
    nn_safetensors *f = NULL;
    (void) state;
    assert_int_equal(nn_safetensors_load(GOLDEN, &f), VKC_OK);
    static const char *const names[] = { "420_17x13.file", "420_progressive_17x13.file", "cmyk_17x13.file" };
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        const nn_st_tensor *t = nn_safetensors_get(f, names[k]);
        assert_non_null(t);
        uint8_t *bytes = read_bytes(t);
        nn_image im = { 0 };
        for (size_t n = 0; n < t->size; n++)
            assert_int_equal(nn_image_read("x", bytes, n, &im), VKC_E_FORMAT);
        for (size_t i = 0; i < t->size; i++)
            for (int bit = 0; bit < 8; bit += 3) {
                bytes[i] = (uint8_t) (bytes[i] ^ 1 << bit);
                const vkc_status st = nn_image_read("x", bytes, (size_t) t->size, &im);
                assert_true(st == VKC_OK || st == VKC_E_FORMAT);
                if (st == VKC_OK)
                    nn_image_finish(&im);
                bytes[i] = (uint8_t) (bytes[i] ^ 1 << bit);
            }
        free(bytes);
    }
    nn_safetensors_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_golden), cmocka_unit_test(test_damage) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
