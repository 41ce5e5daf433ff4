// test_exif.c — orientations found in JPEG and PNG files and applied, and files that lie about where they are.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nn/image/exif.h"
#include "nn/image/image.h"
#include "tests/nn/image/pictures.h"

static size_t put(uint8_t *p, uint32_t x, size_t n, bool is_big)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t) (x >> 8 * (is_big ? n - 1 - i : i));
    return n;
}

// A TIFF header with two entries, of which the second is the orientation: 38 bytes.
static size_t make_tiff(uint8_t *p, uint32_t value, bool is_big)
{
    size_t at = 0;
    memcpy(p, is_big ? "MM" : "II", 2), at += 2;
    at += put(p + at, 42, 2, is_big);
    at += put(p + at, 8, 4, is_big);
    at += put(p + at, 2, 2, is_big);
    at += put(p + at, 0x0100, 2, is_big), at += put(p + at, 4, 2, is_big), at += put(p + at, 1, 4, is_big);
    at += put(p + at, 640, 4, is_big);
    at += put(p + at, 0x0112, 2, is_big), at += put(p + at, 3, 2, is_big), at += put(p + at, 1, 4, is_big);
    at += put(p + at, value, 2, is_big), at += put(p + at, 0, 2, is_big);
    return at + put(p + at, 0, 4, is_big);
}

// A JPEG as far as its segments go: APP0, APP1 with something else, APP1 with Exif.
static size_t make_jpeg(uint8_t *p, const uint8_t *tiff, size_t size)
{
    static const uint8_t head[] = { 0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xe1, 0, 10, 'h', 't', 't', 'p',
                                    ':', '/', '/', 0 };
    memcpy(p, head, sizeof head);
    size_t at = sizeof head;
    p[at++] = 0xff, p[at++] = 0xe1;
    at += put(p + at, (uint32_t) size + 8, 2, true);
    memcpy(p + at, "Exif\0", 6), at += 6;
    memcpy(p + at, tiff, size), at += size;
    memcpy(p + at, "\xff\xda\0\2\xff\xd9", 6);
    return at + 6;
}

static void test_find(void **state)
{
    (void) state;
    uint8_t tiff[64], file[128], exact[128];
    for (uint32_t value = 0; value <= 9; value++)
        for (int is_big = 0; is_big < 2; is_big++) {
            size_t n = make_tiff(tiff, value, is_big), size = make_jpeg(file, tiff, n);
            const uint32_t want = value >= 1 && value <= 8 ? value : 1;
            assert_int_equal(nn_exif_find(file, size), want);
            for (size_t cut = 0; cut < size; cut++) {       // a copy of its own, so that a sanitizer sees the end
                uint8_t *part = malloc(cut + 1);
                assert_non_null(part);
                memcpy(part, file, cut);
                const uint32_t got = nn_exif_find(part, cut);
                assert_true(got == 1 || got == want);
                free(part);
            }
        }
    const size_t n = make_tiff(tiff, 6, false), size = make_jpeg(file, tiff, n);
    for (size_t i = 0; i < size * 8; i++) {                 // any bit turned: no harm, and a value that there is
        memcpy(exact, file, size);
        exact[i / 8] ^= (uint8_t) (1u << i % 8);
        const uint32_t got = nn_exif_find(exact, size);
        assert_true(got >= 1 && got <= 8);
    }
}

static void test_lies(void **state)
{
    (void) state;
    uint8_t tiff[64], file[128];
    static const struct { size_t at; uint32_t value; size_t n; } lies[] = {
        { 4, 0xffffffff, 4 }, { 4, 37, 4 }, { 4, 38, 4 }, { 22, 4, 4 }, { 24, 4, 2 }, { 26, 2, 4 },
        { 26, 0xffffffff, 4 }, { 8, 1, 2 }, { 8, 0, 2 }, { 2, 43, 2 },
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        const size_t n = make_tiff(tiff, 6, false);
        put(tiff + lies[i].at, lies[i].value, lies[i].n, false);
        assert_int_equal(nn_exif_find(file, make_jpeg(file, tiff, n)), 1);
    }
    size_t n = make_tiff(tiff, 6, false);
    put(tiff + 8, 0xffff, 2, false);                        // more entries than there is room for
    assert_int_equal(nn_exif_find(file, make_jpeg(file, tiff, n)), 6);
    n = make_tiff(tiff, 6, true);
    size_t size = make_jpeg(file, tiff, n);
    file[21 + 3] = 1;                                       // the segment ends before its Exif does
    assert_int_equal(nn_exif_find(file, size), 1);
    assert_int_equal(nn_exif_find("\xff\xd8\xff\xff\xff\xff\xff\xff\xff\xff", 10), 1);
    assert_int_equal(nn_exif_find("", 0), 1);
}

// What looks like a chunk of a PNG is none in a file of another kind.
static void test_other_kinds(void **state)
{
    (void) state;
    static const char *const begins[] = { "\x89PNG\r\n\x1a\n", "GIF89a\1", "BM\0\0\0\0\0" };
    uint8_t file[128] = { 0 };
    const size_t n = make_tiff(file + 16, 6, true);
    put(file + 8, (uint32_t) n, 4, true);
    memcpy(file + 12, "eXIf", 4);
    for (int i = 0; i < 3; i++) {
        memcpy(file, begins[i], 8);
        assert_int_equal(nn_exif_find(file, n + 20), i == 0 ? 6 : 1);
    }
}

// 2 x 3 pixels 1 2 3 / 4 5 6, and how the standard wants them shown.
static const uint8_t shown[9][6] = {
    [1] = { 1, 2, 3, 4, 5, 6 }, [2] = { 3, 2, 1, 6, 5, 4 }, [3] = { 6, 5, 4, 3, 2, 1 }, [4] = { 4, 5, 6, 1, 2, 3 },
    [5] = { 1, 4, 2, 5, 3, 6 }, [6] = { 4, 1, 5, 2, 6, 3 }, [7] = { 6, 3, 5, 2, 4, 1 }, [8] = { 3, 6, 2, 5, 1, 4 },
};

static void test_turn(void **state)
{
    (void) state;
    uint8_t rgb[18], png[512], with[600], tiff[64];
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t) (10 * (i / 3 + 1) + i % 3);
    const size_t size = make_png(png, 3, 2, 8, 2, rgb, sizeof rgb), head = 8 + 25;
    for (uint32_t o = 1; o <= 8; o++) {
        nn_image im = { 0 };
        const size_t n = make_tiff(tiff, o, o % 2 == 0);
        memcpy(with, png, head);
        memcpy(with + head + 8, tiff, n);
        const size_t chunk = end_chunk(with + head, "eXIf", n);
        memcpy(with + head + chunk, png + head, size - head);
        assert_int_equal(nn_image_read("turned.png", with, size + chunk, &im), VKC_OK);
        assert_int_equal(im.width, o >= 5 ? 2 : 3);
        assert_int_equal(im.height, o >= 5 ? 3 : 2);
        for (size_t i = 0; i < 18; i++)
            assert_int_equal(im.rgb[i], 10 * shown[o][i / 3] + i % 3);
        nn_image_finish(&im);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_find), cmocka_unit_test(test_lies),
                                        cmocka_unit_test(test_other_kinds), cmocka_unit_test(test_turn) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
