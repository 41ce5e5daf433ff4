// test_png.c — every filter of the common kinds of PNG by the standard, kinds that are expanded, files cut off and
// damaged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "nn/image/formats/png.h"
#include "tests/nn/image/pictures.h"

typedef struct memory { uint8_t *bytes; size_t size, room; } memory;

static void put_bytes(png_structp png, png_bytep bytes, size_t n)
{
    memory *m = (memory *) png_get_io_ptr(png);
    assert_true(n <= m->room - m->size);
    memcpy(m->bytes + m->size, bytes, n);
    m->size += n;
}

// A PNG of these lines, which begin with the numbers of their filters, in one stored block.
static size_t make_filtered(uint8_t *png, uint32_t w, uint32_t h, int type, const uint8_t *lines, size_t n)
{
    size_t at = make_png(png, w, h, 8, type, lines, 0) - 12;            // without IEND
    uint8_t *idat = png + 33, *p = idat + 8;
    memcpy(p, "\x78\x01\x01", 3);
    p[3] = (uint8_t) n, p[4] = (uint8_t) (n >> 8), p[5] = (uint8_t) ~p[3], p[6] = (uint8_t) ~p[4];
    memcpy(p + 7, lines, n);
    uint32_t a = 1, b = 0;          // Adler-32
    for (size_t i = 0; i < n; i++) {
        a = (a + lines[i]) % 65521;
        b = (b + a) % 65521;
    }
    p[7 + n] = (uint8_t) (b >> 8), p[8 + n] = (uint8_t) b, p[9 + n] = (uint8_t) (a >> 8), p[10 + n] = (uint8_t) a;
    at = 33 + end_chunk(idat, "IDAT", n + 11);
    return at + end_chunk(png + at, "IEND", 0);
}

// The standard's section 9.2, a byte at a time: lines of n bytes, the number of the filter first.
static void undo_filters(uint8_t *lines, size_t n, uint32_t h, size_t size)
{
    for (uint32_t y = 0; y < h; y++)
        for (size_t i = 1; i < n; i++) {
            uint8_t *x = lines + y * n + i;
            const int a = i > size ? x[-(ptrdiff_t) size] : 0, b = y > 0 ? x[-(ptrdiff_t) n] : 0;
            const int c = i > size && y > 0 ? x[-(ptrdiff_t) (n + size)] : 0, p = a + b - c;
            const int paeth = abs(p - a) <= abs(p - b) && abs(p - a) <= abs(p - c) ? a
                              : abs(p - b) <= abs(p - c) ? b : c;
            const int values[] = { 0, a, b, (a + b) / 2, paeth };
            *x = (uint8_t) (*x + values[lines[y * n]]);
        }
}

static void test_kinds(void **state)
{
    (void) state;
    static const int types[] = { 0, 2, 4, 6 }, channels[] = { 1, 3, 2, 4 };
    static uint8_t lines[20000], png[24000];
    uint32_t x = 7;
    for (uint32_t k = 0; k < 4; k++)
        for (uint32_t w = 1; w < 40; w += 6)
            for (uint32_t filter = 0; filter < 7; filter++) {           // 5: another one for every line; 6 is none
                const uint32_t h = 11;
                const size_t n = (size_t) w * (size_t) channels[k] + 1;
                for (size_t i = 0; i < n * h; i++) {
                    x = x * 1664525u + 1013904223u;
                    lines[i] = (uint8_t) (i % n > 0 ? x >> 24 : filter == 5 ? (i / n * 3 + 4) % 5 : filter);
                }
                const size_t size = make_filtered(png, w, h, types[k], lines, n * h);
                static uint8_t got[40 * 11 * 3];
                const vkc_status st = nn_png_read("x", png, size, w, h, got);
                assert_int_equal(st, filter == 6 ? VKC_E_FORMAT : VKC_OK);
                if (filter == 6)
                    continue;
                undo_filters(lines, n, h, (size_t) channels[k]);
                for (uint32_t i = 0; i < w * h; i++)
                    for (uint32_t c = 0; c < 3; c++) {
                        const uint8_t *pixel = lines + i / w * n + 1 + i % w * (size_t) channels[k];
                        assert_int_equal(got[3 * i + c], pixel[channels[k] > 2 ? c : 0]);
                    }
            }
}

// A picture of w x h pixels that libpng wrote in one kind; returns its size.
static size_t write_kind(uint8_t *out, size_t room, uint32_t w, uint32_t h, int depth, int type, int interlace)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    memory m = { out, 0, room };
    uint8_t row[256];
    assert_non_null(info);
    png_set_write_fn(png, &m, put_bytes, NULL);
    png_set_IHDR(png, info, w, h, depth, type, interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        const png_color colors[4] = { { 1, 2, 3 }, { 40, 50, 60 }, { 255, 0, 7 }, { 9, 200, 100 } };
        png_set_PLTE(png, info, colors, 4);
    }
    png_write_info(png, info);
    const int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < h; y++) {
            for (size_t i = 0; i < sizeof row; i++)
                row[i] = (uint8_t) (type != PNG_COLOR_TYPE_PALETTE ? i * 37 + y * 11 : depth == 8 ? (i + y) % 4 : 0x1b);
            png_write_row(png, row);
        }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return m.size;
}

// Kinds that are expanded or cut to 8 bits, interlaced or not: both give the same pixels.
static void test_expanded(void **state)
{
    (void) state;
    static const struct { int depth, type; } kinds[] = {
        { 1, PNG_COLOR_TYPE_GRAY }, { 4, PNG_COLOR_TYPE_GRAY }, { 16, PNG_COLOR_TYPE_GRAY },
        { 16, PNG_COLOR_TYPE_RGB }, { 16, PNG_COLOR_TYPE_RGB_ALPHA }, { 2, PNG_COLOR_TYPE_PALETTE },
        { 8, PNG_COLOR_TYPE_PALETTE },
    };
    static uint8_t png[8192];
    uint8_t plain[13 * 9 * 3], interlaced[13 * 9 * 3];
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        size_t n = write_kind(png, sizeof png, 13, 9, kinds[k].depth, kinds[k].type, PNG_INTERLACE_NONE);
        assert_int_equal(nn_png_read("x", png, n, 13, 9, plain), VKC_OK);
        n = write_kind(png, sizeof png, 13, 9, kinds[k].depth, kinds[k].type, PNG_INTERLACE_ADAM7);
        assert_int_equal(nn_png_read("x", png, n, 13, 9, interlaced), VKC_OK);
        assert_memory_equal(plain, interlaced, sizeof plain);
        if (kinds[k].depth == 16 && kinds[k].type == PNG_COLOR_TYPE_GRAY)
            for (uint32_t i = 0; i < 13 * 9; i++) {         // cut at 255, in all three channels
                const uint8_t high = (uint8_t) (i % 13 * 2 * 37 + i / 13 * 11), low = (uint8_t) (high + 37);
                assert_true(plain[3 * i] == (high > 0 ? 255 : low) && plain[3 * i] == plain[3 * i + 2]);
            }
        if (kinds[k].depth == 8)
            assert_memory_equal(plain, "\1\2\3\50\62\74\377\0\7", 9);
    }
}

// Every bit of a picture turned, every length cut: words or pixels, never more.
static void test_damage(void **state)
{
    (void) state;
    static uint8_t png[4096], other[4096];
    uint8_t rgb[8 * 8 * 3], got[8 * 8 * 3];
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t) (i * 7);
    const size_t size = make_png(png, 8, 8, 8, 2, rgb, sizeof rgb);
    assert_int_equal(nn_png_read("x", png, size, 8, 8, got), VKC_OK);
    assert_memory_equal(got, rgb, sizeof rgb);
    for (size_t n = 0; n < size; n++)
        assert_int_equal(nn_png_read("x", png, n, 8, 8, got), VKC_E_FORMAT);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        memcpy(other, png, size);
        other[bit / 8] = (uint8_t) (other[bit / 8] ^ 1 << bit % 8);
        const vkc_status st = nn_png_read("x", other, size, 8, 8, got);
        assert_true(st == VKC_E_FORMAT || (st == VKC_OK && memcmp(got, rgb, sizeof rgb) == 0));
    }
    assert_int_equal(nn_png_read("x", png, size, 8, 9, got), VKC_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds), cmocka_unit_test(test_expanded), cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
