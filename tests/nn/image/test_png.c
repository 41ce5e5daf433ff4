// test_png.c — zlib streams that another program wrote, cut off and damaged; every filter of every kind of PNG.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "nn/image/inflate.h"
#include "nn/image/png.h"
#include "tests/nn/image/pictures.h"

#define N_TEXT 600

// zlib: level 9
static const char dynamic[] =
    "\x78\xda\x6d\x92\x41\x0e\x83\x30\x0c\x04\x4d\x5b\xa0\xe6\xe8\xeb\x5e\xf7\xff\xef\xe8\xb3\x3a\x06\xa9\x52"
    "\x43\x20\x32\x21\x62\x33\xbb\x0e\x61\x47\x59\x0c\x2b\x1d\x19\x72\x46\x2a\xf5\x7c\xad\xdb\xfe\xce\x23\x96"
    "\xc7\x6f\xfa\xf9\xbf\xca\x95\x52\x55\x20\x4b\x1e\xd9\x43\xdc\x83\xec\x9c\x0e\x5a\x21\xba\xa0\x29\x5b\x50"
    "\x31\x91\xcc\x1e\x13\xf0\x8d\x2b\x80\x88\xe2\xdc\xa5\xb0\x9d\x85\xf3\xdc\x27\xe0\x91\x5b\x64\x73\x40\x46"
    "\x03\xf0\x4a\x80\x8f\x65\x02\xbe\x79\x3e\x89\xc6\x78\xa0\x2b\x94\xbc\xb1\xb6\x4d\xc0\x77\xcf\x45\x7f\x90"
    "\x87\x5b\x28\x6a\x60\xb9\x62\x02\x1e\xb4\x44\x13\x11\xd5\x5f\x03\xa7\xe2\x98\xfc\x5e\x27\xe0\x3b\x57\x6d"
    "\x56\xdd\xe5\x14\x70\xb3\x49\x94\x8e\x09\x78\xcc\xeb\xe8\xd3\xa5\x47\xdd\x2a\x75\x49\xf7\x21\x4f\x7e\x8d"
    "\x65\xd0\x7e\x01\x5e\x02\x8b\x15";
// zlib: level 9, Z_FIXED
static const char fixed[] =
    "\x78\x01\x63\x50\x51\x61\x10\x52\x91\x06\x22\x15\x69\x4e\x15\x06\x4e\x06\x69\x15\x4e\x06\x4e\x69\x4e\x69"
    "\x66\x16\x56\x36\x76\x0e\x4e\x2e\x06\x46\x26\x38\xf3\x04\x2a\x10\x52\x11\xe2\x94\x96\x16\x12\x62\x00\x6a"
    "\xe3\x04\x52\x9c\x20\x24\x0d\x84\x68\xda\xc0\x4c\x34\xbd\xd2\x40\x4d\x10\x4b\x39\xa5\x55\x54\xa4\x81\xb6"
    "\x02\x1d\xc1\x09\x64\x31\x61\xb1\x18\xc3\x5e\x69\xa0\x85\x40\x4d\x0c\x60\x53\x84\x80\xce\xe6\x14\x02\xba"
    "\x9c\x93\x1d\x8b\xc5\xe8\xf6\x0a\x01\xfd\xa6\xc2\x00\xb4\x19\xa8\x07\x68\x21\xc4\x07\x40\x77\x30\x62\xb1"
    "\x18\xc3\xcd\x60\x1b\x55\x80\x0e\x67\x00\xea\x13\x02\xea\x04\xf2\x80\x62\x6c\x58\x2c\xc6\x74\xb3\x10\x30"
    "\x7c\x80\xda\x19\x54\x40\x1a\xa5\x81\x24\x03\xd0\xc9\x42\x0c\x58\x2c\x46\xd3\x0b\xf4\x9a\x34\xd0\x8b\xd2"
    "\x20\xd5\x40\xcb\x81\x24\xd0\xc5\x40\xff\xab\xb0\x62\xb1\x18\xd3\x5e\x69\x90\x63\xa5\x41\xa1\xcc\x29\x0d"
    "\xb4\x5c\x05\x68\x08\x83\x90\x34\x17\x16\x8b\xd1\xfd\xab\xc2\x00\x8a\x5d\x60\x18\x81\x82\x4a\x1a\x44\x70"
    "\xaa\x80\x22\x19\x4b\xd2\x60\x44\xd3\x0b\x00\x5e\x02\x8b\x15";
// zlib: level 9, Z_FULL_FLUSH after 100 bytes, an empty stored block
static const char flushed[] =
    "\x18\xd3\x5c\x8b\x31\x0e\x80\x30\x14\x42\xa9\x5a\x2b\x8e\xac\xac\xdc\xff\x1c\x1e\xcb\xdf\xa5\x89\xc2\x4b"
    "\x60\x79\x48\xa0\xb8\x88\x19\x10\x0e\x41\xd3\xfb\xd1\xcf\x71\xf1\x46\xdb\xd6\x7d\xbe\x51\x44\x5b\x42\x69"
    "\xac\xe1\xc4\xd5\x9f\xf6\x02\x00\x00\xff\xff\x6d\x8f\x31\x0e\xc3\x30\x0c\x03\xe9\x36\x49\xcb\x8c\x5c\xb9"
    "\xea\xff\xef\xe8\xb3\x4a\x7b\x28\x50\xdb\x19\x04\x39\xd0\xe9\xa8\xf6\x78\x1e\xe7\xe7\xff\x33\x40\x95\xcb"
    "\xa4\xab\xec\x62\x59\x4c\xd7\x67\xaf\xd7\x9b\x37\xda\xaf\x9d\xd8\x70\x44\xe6\x8d\xb1\x45\x05\x52\x84\x39"
    "\x61\xa3\x9d\xbd\x72\x84\x88\x39\x4c\x84\xa2\x2d\x25\x47\xdb\x88\x97\xcc\xc3\x58\x09\x8e\x70\x0a\x99\x57"
    "\xfe\x5d\x1b\xf1\x9a\x59\x54\xc7\x51\x1d\x74\x2a\x12\x59\xd8\x88\x27\x36\xa7\x39\x27\xba\x4f\x47\x9e\x9a"
    "\xc4\xcc\x09\xe7\x46\xbc\x7a\xdd\xc3\xda\x55\xb9\x3c\xf2\xca\x12\xc8\xf7\x46\x3c\xdf\x5b\xb0\x32\x2d\x52"
    "\x59\xd1\x0b\xe3\x07\x8f\x8d\x78\x62\xbf\x5e\x02\x8b\x15";

static const struct { const char *bytes; size_t n; } streams[] = {
    { dynamic, sizeof dynamic - 1 }, { fixed, sizeof fixed - 1 }, { flushed, sizeof flushed - 1 },
};
enum { N_STREAMS = sizeof streams / sizeof streams[0] };

// What the streams hold: noise of few values, a ramp, a run.
static void write_text(uint8_t text[N_TEXT])
{
    uint32_t x = 1;
    for (uint32_t i = 0; i < N_TEXT; i++) {
        x = x * 1664525u + 1013904223u;
        text[i] = (uint8_t) (i % 60 < 25 ? (x >> 24) % 5 * 9 : i % 60 < 45 ? i % 11 : 200);
    }
}

// From a block of its own size, so that a sanitizer sees what is read behind it.
static bool inflate_copy(const char *bytes, size_t n, uint8_t *out, size_t n_out)
{
    uint8_t *in = malloc(n > 0 ? n : 1);
    assert_non_null(in);
    memcpy(in, bytes, n);
    const bool is_good = nn_inflate(in, n, out, n_out);
    free(in);
    return is_good;
}

static void test_streams(void **state)
{
    (void) state;
    uint8_t text[N_TEXT], *out = malloc(N_TEXT + 1 + NN_INFLATE_SLACK);
    assert_non_null(out);
    write_text(text);
    for (int k = 0; k < N_STREAMS; k++) {
        memset(out, 0, N_TEXT);
        assert_true(inflate_copy(streams[k].bytes, streams[k].n, out, N_TEXT));
        assert_memory_equal(out, text, N_TEXT);
        assert_false(inflate_copy(streams[k].bytes, streams[k].n, out, N_TEXT - 1));
        assert_false(inflate_copy(streams[k].bytes, streams[k].n, out, N_TEXT + 1));
        assert_false(inflate_copy(streams[k].bytes, streams[k].n, out, 0));
    }
    free(out);
}

static void test_damage(void **state)
{
    (void) state;
    char bytes[1024];
    uint8_t text[N_TEXT], *out = malloc(N_TEXT + NN_INFLATE_SLACK);
    assert_non_null(out);
    write_text(text);
    for (int k = 0; k < N_STREAMS; k++) {
        // The checksum, four bytes, is not read.
        for (size_t n = 0; n < streams[k].n - 4; n++)
            assert_false(inflate_copy(streams[k].bytes, n, out, N_TEXT));
        assert_true(streams[k].n <= sizeof bytes);
        for (size_t bit = 0; bit < 8 * streams[k].n; bit++) {
            memcpy(bytes, streams[k].bytes, streams[k].n);
            bytes[bit / 8] = (char) (bytes[bit / 8] ^ 1 << bit % 8);
            const bool is_good = inflate_copy(bytes, streams[k].n, out, N_TEXT);
            assert_true(!is_good || bit >= 8 * 2);          // the head is a multiple of 31
            assert_true(!is_good || bit < 8 * (streams[k].n - 4) || memcmp(out, text, N_TEXT) == 0);
        }
    }
    free(out);
}

// A PNG of these lines, which begin with the numbers of their filters, in one stored block.
static size_t make_filtered(uint8_t *png, uint32_t w, uint32_t h, int type, const uint8_t *lines, size_t n)
{
    size_t at = make_png(png, w, h, 8, type, lines, 0) - 12;            // without IEND
    uint8_t *idat = png + 33, *p = idat + 8;
    memcpy(p, "\x78\x01\x01", 3);
    p[3] = (uint8_t) n, p[4] = (uint8_t) (n >> 8), p[5] = (uint8_t) ~p[3], p[6] = (uint8_t) ~p[4];
    memcpy(p + 7, lines, n);
    memset(p + 7 + n, 0, 4);
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
                uint8_t *got = nn_png_read(png, size, w, h);
                if (filter == 6) {
                    assert_null(got);
                    continue;
                }
                assert_non_null(got);
                undo_filters(lines, n, h, (size_t) channels[k]);
                for (uint32_t i = 0; i < w * h; i++)
                    for (uint32_t c = 0; c < 3; c++) {
                        const uint8_t *pixel = lines + i / w * n + 1 + i % w * (size_t) channels[k];
                        assert_int_equal(got[3 * i + c], pixel[channels[k] > 2 ? c : 0]);
                    }
                free(got);
            }
}

// What is left to stb_image: palettes, 16 bits, interlacing, a transparent color, IDAT chunks with others between.
static void test_left(void **state)
{
    (void) state;
    static uint8_t png[4096], other[4200];
    uint8_t rgb[8 * 8 * 3];
    memset(rgb, 50, sizeof rgb);
    const size_t size = make_png(png, 8, 8, 8, 2, rgb, sizeof rgb), idat = size - 12 - 33;
    uint8_t *got = nn_png_read(png, size, 8, 8);
    assert_non_null(got);
    assert_memory_equal(got, rgb, sizeof rgb);
    free(got);
    for (size_t at = 24; at < 29; at++) {       // depth, type, compression, filter, interlacing
        memcpy(other, png, size);
        other[at] = at == 24 ? 16 : at == 25 ? 3 : 1;
        assert_null(nn_png_read(other, size, 8, 8));
    }
    static const char *const chunks[] = { "tRNS", "PLTE", "gAMA" };
    for (int k = 0; k < 3; k++) {               // before IDAT; gAMA says nothing of the pixels
        memcpy(other, png, 33);
        memset(other + 33 + 8, 0, 6);
        const size_t n = end_chunk(other + 33, chunks[k], 6);
        memcpy(other + 33 + n, png + 33, size - 33);
        got = nn_png_read(other, size + n, 8, 8);
        assert_true((got != NULL) == (k == 2));
        free(got);
    }
    for (int between = 0; between < 2; between++) {     // two IDAT chunks
        size_t at = 33, half = (idat - 12) / 2, rest = idat - 12 - half;
        memcpy(other, png, 33);
        memcpy(other + at + 8, png + 33 + 8, half);
        at += end_chunk(other + at, "IDAT", half);
        if (between)
            at += end_chunk(other + at, "tEXt", 0);
        memcpy(other + at + 8, png + 33 + 8 + half, rest);
        at += end_chunk(other + at, "IDAT", rest);
        at += end_chunk(other + at, "IEND", 0);
        got = nn_png_read(other, at, 8, 8);
        assert_true((got == NULL) == (between == 1));
        assert_true(got == NULL || memcmp(got, rgb, sizeof rgb) == 0);
        free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams), cmocka_unit_test(test_damage), cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
