// test_image.c — decoding of good and bad pictures made here byte by byte, normalising.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/image/image.h"
#include "tests/nn/image/pictures.h"

static void test_png(void **state)
{
    (void) state;
    uint8_t rgb[5 * 3 * 3], png[512];
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t) (i * 37);
    nn_image im = { 0 };
    size_t size = make_png(png, 5, 3, 8, 2, rgb, sizeof rgb);
    assert_int_equal(nn_image_read("a.png", png, size, &im), VKC_OK);
    assert_int_equal(im.width, 5);
    assert_int_equal(im.height, 3);
    assert_memory_equal(im.rgb, rgb, sizeof rgb);
    nn_image_finish(&im);
    for (size_t cut = 0; cut + 12 < size; cut++)        // all but the empty end chunk
        assert_int_equal(nn_image_read("cut.png", png, cut, &im), VKC_E_FORMAT);
    assert_null(im.rgb);
}

static void test_kinds_of_png(void **state)
{
    (void) state;
    nn_image im = { 0 };
    uint8_t png[512];
    const uint8_t grey[2] = { 10, 200 }, grey_alpha[4] = { 10, 0, 200, 255 }, rgba[8] = { 1, 2, 3, 0, 4, 5, 6, 255 };
    const uint8_t deep[12] = { 0x12, 0xff, 0x34, 0, 0x56, 0, 0xff, 0xff, 0x80, 0, 0, 1 };
    const uint8_t want_grey[6] = { 10, 10, 10, 200, 200, 200 }, want_rgba[6] = { 1, 2, 3, 4, 5, 6 };
    const uint8_t want_deep[6] = { 0x12, 0x34, 0x56, 0xff, 0x80, 0 };
    const struct { int bits, type; const uint8_t *data; size_t size; const uint8_t *want; } kinds[] = {
        { 8, 0, grey, 2, want_grey }, { 8, 4, grey_alpha, 4, want_grey },
        { 8, 6, rgba, 8, want_rgba }, { 16, 2, deep, 12, want_deep },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t size = make_png(png, 2, 1, kinds[i].bits, kinds[i].type, kinds[i].data, kinds[i].size);
        assert_int_equal(nn_image_read("k.png", png, size, &im), VKC_OK);
        assert_memory_equal(im.rgb, kinds[i].want, 6);
        nn_image_finish(&im);
    }
}

static void test_no_pictures(void **state)
{
    (void) state;
    nn_image im = { 0 };
    uint8_t png[256];
    const uint8_t rgb[3] = { 0 };
    assert_int_equal(nn_image_read("e.jpg", "", 0, &im), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "e.jpg is empty"));
    assert_int_equal(nn_image_read("t.jpg", "hello, world", 12, &im), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "t.jpg is no JPEG, PNG, WebP, TIFF, GIF or BMP picture"));
    assert_int_equal(nn_image_read("g.jpg", "GIF89a\1\0\1\0\0\0\0", 13, &im), VKC_E_FORMAT);
    assert_int_equal(nn_image_read("j.jpg", "\xff\xd8\xff\xe0\0\4ab", 8, &im), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "cut off"));
    assert_int_equal(nn_image_read("j.jpg", "\xff\xd8\xff\xe0\0\4ab\xff\xda\0\2\xff\xd9", 14, &im), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "broken"));
    uint8_t dht[1200] = { 0xff, 0xd8, 0xff, 0xc4, 4, 0x93 };        // 2 + 17 + 4 * 255 + 132 bytes
    dht[7] = dht[8] = dht[9] = dht[10] = 255, dht[11] = 132;
    memcpy(dht + 1175, "\xff\xda\0\2\xff\xd9", 6);
    assert_int_equal(nn_image_read("h.jpg", dht, 1181, &im), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "Huffman"));
    size_t size = make_png(png, 16385, 1, 8, 2, rgb, 3);
    assert_int_equal(nn_image_read("w.png", png, size, &im), VKC_E_FORMAT);
    size = make_png(png, 16384, 16384, 8, 2, rgb, 3);
    assert_int_equal(nn_image_read("w.png", png, size, &im), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "million"));
    size = make_png(png, 0, 1, 8, 2, rgb, 3);
    assert_int_equal(nn_image_read("w.png", png, size, &im), VKC_E_FORMAT);
    assert_int_equal(nn_image_load("/dev/null/a.png", &im), VKC_E_IO);
    assert_null(im.rgb);
}

// Files that claim what they cannot have: nothing of that size is asked for.
static void test_claims(void **state)
{
    static const struct { const char *file, *says; } bad[] = {
        { "tests/corpus/image/long-chunk.png", "a chunk is longer than the file" },
        { "tests/corpus/image/claims.png", "cannot hold 8000 x 8000 pixels" },
    };
    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        nn_image im = { 0 };
        assert_int_equal(nn_image_load(bad[i].file, &im), VKC_E_FORMAT);
        assert_non_null(strstr(vkc_last_error(), bad[i].says));
        assert_null(im.rgb);
    }
}

// A version of JFIF that is not known changes nothing in how the pixels are read.
static void test_jfif_version(void **state)
{
    (void) state;
    nn_image want = { 0 }, im = { 0 };
    uint8_t *bytes = NULL;
    size_t size = 0;
    assert_int_equal(nn_file_load("tests/corpus/image/small.jpg", 1 << 20, &bytes, &size), VKC_OK);
    assert_int_equal(nn_image_read("v1.jpg", bytes, size, &want), VKC_OK);
    assert_memory_equal(bytes + 6, "JFIF\0\1", 6);
    bytes[11] = 2;
    assert_int_equal(nn_image_read("v2.jpg", bytes, size, &im), VKC_OK);
    assert_true(im.width == want.width && im.height == want.height);
    assert_memory_equal(im.rgb, want.rgb, (size_t) im.width * im.height * 3);
    nn_image_finish(&im);
    nn_image_finish(&want);
    free(bytes);
}

static void test_normalise(void **state)
{
    (void) state;
    const uint8_t rgb[12] = { 0, 255, 51, 255, 0, 102, 0, 0, 0, 255, 255, 255 };
    const double mean[3] = { 0.5, 0.25, 0 }, std[3] = { 0.5, 1, 2 };
    float out[12];
    nn_image_normalise(rgb, 4, 3, mean, std, out);
    assert_true(out[0] == -1 && out[1] == 1 && out[4] == 0.75f && out[5] == -0.25f);
    assert_true(fabsf(out[8] - 0.1f) < 1e-6f);
    nn_image_normalise(rgb, 4, 1, mean, std, out);
    assert_true(out[2] == -1 && fabsf(out[3] - 1) < 1e-6f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png), cmocka_unit_test(test_kinds_of_png), cmocka_unit_test(test_no_pictures),
        cmocka_unit_test(test_jfif_version), cmocka_unit_test(test_normalise), cmocka_unit_test(test_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
