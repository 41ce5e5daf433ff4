// test_sheet.c — contact sheets of dropped tokens: pixels at chosen places, the strip of shades, files and limits.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/image/sheet.h"
#include "tests/temp_dir.h"

enum { SIZE = 32, PATCH = 8, SIDE = SIZE / PATCH, SCALE = 12, STEP = PATCH * SCALE, CELL = SIZE * SCALE };

static const uint8_t flat[3] = { 90, 160, 40 };

static nn_sheet *make(uint32_t depth, uint32_t every)
{
    nn_sheet_params p = { .size = SIZE, .patch = PATCH, .depth = depth };
    nn_sheet *s = NULL;
    for (uint32_t l = 0; l + 1 < depth && every > 0; l++)
        p.leaves[l] = (l + 1) % every == 0;
    assert_int_equal(nn_sheet_create(&p, &s), VKC_OK);
    return s;
}

// A picture of one colour, but for the first column of pixels, which is black.
static void add(nn_sheet *s, const uint8_t blocks[SIDE * SIDE])
{
    uint8_t rgb[SIZE * SIZE * 3];
    for (int i = 0; i < SIZE * SIZE; i++)
        memcpy(rgb + 3 * i, flat, 3);
    for (int y = 0; y < SIZE; y++)
        memset(rgb + 3 * y * SIZE, 0, 3);
    assert_int_equal(nn_sheet_add(s, rgb, blocks, NULL), VKC_OK);
}

static const uint8_t *at(const nn_image *im, uint32_t x, uint32_t y)
{
    assert_true(x < im->width && y < im->height);
    return im->rgb + 3 * ((size_t) y * im->width + x);
}

// The middle of patch i of picture n, off the lines.
static const uint8_t *patch(const nn_sheet *s, const nn_image *im, uint32_t n, uint32_t i)
{
    uint32_t x, y;
    nn_sheet_place(s, n, &x, &y);
    return at(im, x + i % SIDE * STEP + STEP / 2, y + i / SIDE * STEP + STEP / 2);
}

static int luma(const uint8_t *p)
{
    return 299 * p[0] + 587 * p[1] + 114 * p[2];
}

static void test_shades(void **state)
{
    (void) state;
    nn_sheet *s = make(6, 1);
    nn_image im = { 0 };
    uint8_t blocks[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++)
        blocks[i] = (uint8_t) (i < 6 ? i + 1 : 6);
    blocks[15] = 0;                                     // never entered: as the first
    add(s, blocks);
    assert_int_equal(nn_sheet_draw(s, &im), VKC_OK);
    assert_int_equal(im.width, CELL + 24);
    assert_true(im.height > CELL + 24 && im.height < CELL + 100);
    for (uint32_t i = 5; i < 15; i++)                   // kept to the end: untouched
        assert_memory_equal(patch(s, &im, 0, i), flat, 3);
    for (uint32_t i = 0; i < 4; i++)                    // the earlier, the darker, with steps that can be told apart
        assert_true(luma(patch(s, &im, 0, i)) + 8000 < luma(patch(s, &im, 0, i + 1)));
    assert_memory_equal(patch(s, &im, 0, 15), patch(s, &im, 0, 0), 3);
    const uint8_t *first = patch(s, &im, 0, 0);         // violet: neither grey nor green as the picture
    assert_true(first[2] > first[0] + 20 && first[2] > first[1] + 20);
    assert_true(luma(first) < luma(flat) / 2);
    uint32_t x, y;
    nn_sheet_place(s, 0, &x, &y);
    assert_memory_equal(at(&im, x - 1, y + 5), "\xff\xff\xff", 3);          // the margin
    assert_memory_equal(at(&im, x + CELL, y + 5), "\xff\xff\xff", 3);
    const uint8_t half[3] = { flat[0] / 2, flat[1] / 2, flat[2] / 2 };
    assert_memory_equal(at(&im, x + STEP + 7, y + 2 * STEP), half, 3);      // lines, one pixel wide
    assert_memory_equal(at(&im, x + 3 * STEP, y + 2 * STEP + 7), half, 3);
    assert_memory_equal(at(&im, x + 3 * STEP + 1, y + 2 * STEP + 7), flat, 3);
    for (uint32_t in = 0; in < 3; in++) {               // a light line between dropped and kept: 4 and 5, 1 and 5
        const uint8_t *across = at(&im, x + STEP + in, y + STEP + 30), *down = at(&im, x + STEP + 30, y + STEP + in);
        assert_memory_equal(across, in < 2 ? (const uint8_t *) "\xff\xff\xff" : flat, 3);
        assert_memory_equal(down, in < 2 ? (const uint8_t *) "\xff\xff\xff" : flat, 3);
    }
    // The picture is seen through a shade: its black column is darker there.
    assert_true(luma(at(&im, x + SCALE - 1, y + 20)) + 5000 < luma(at(&im, x + SCALE, y + 20)));
    assert_memory_equal(at(&im, x + SCALE - 1, y + 2 * STEP + 20), "\0\0\0", 3);
    nn_image_finish(&im);
    nn_sheet_destroy(s);
}

// Colours of the strip that are neither paper, ink nor frame, from left to right and top to bottom.
static uint32_t find_swatches(const nn_image *im, uint32_t top, uint8_t (*out)[3], uint32_t cap)
{
    uint32_t n = 0;
    for (uint32_t y = top; y < im->height; y++)
        for (uint32_t x = 0; x < im->width; x++) {
            const uint8_t *p = at(im, x, y);
            bool is_known = p[0] == p[1] && p[1] == p[2];
            for (uint32_t i = 0; i < n && !is_known; i++)
                is_known = memcmp(out[i], p, 3) == 0;
            if (is_known)
                continue;
            assert_true(n < cap);
            memcpy(out[n++], p, 3);
        }
    return n;
}

static void test_legend(void **state)
{
    (void) state;
    static const struct { uint32_t depth, every, steps; } rows[] = {
        { 6, 1, 5 }, { 6, 2, 2 }, { 6, 3, 1 }, { 12, 1, 11 }, { 40, 1, 39 }, { 6, 0, 0 }, { 1, 1, 0 },
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        nn_sheet *s = make(rows[r].depth, rows[r].every);
        nn_image im = { 0 };
        uint8_t blocks[SIDE * SIDE], colour[64][3];
        uint32_t y, x;
        memset(blocks, (int) (rows[r].steps ? 1 : rows[r].depth), sizeof blocks);
        blocks[5] = (uint8_t) rows[r].depth;
        add(s, blocks);
        assert_int_equal(nn_sheet_draw(s, &im), VKC_OK);
        nn_sheet_place(s, 0, &x, &y);
        uint32_t n = find_swatches(&im, y + CELL, colour, 64);
        assert_int_equal(n, rows[r].steps);
        for (uint32_t i = 0; i + 1 < n; i++)
            assert_true(luma(colour[i]) < luma(colour[i + 1]));
        if (n > 0) {                                    // the shade is that of the strip, and the picture shows through
            const uint8_t *p = patch(s, &im, 0, 0);
            for (int c = 0; c < 3; c++)
                assert_true(abs((int) p[c] - (colour[0][c] * 7 + luma(flat) / 1000 * 3) / 10) <= 2);
        }
        assert_memory_equal(patch(s, &im, 0, 5), flat, 3);
        nn_image_finish(&im);
        nn_sheet_destroy(s);
    }
}

// With exits after blocks 2 and 4 of 6, a token that went through one block has the shade of 2.
static void test_between_exits(void **state)
{
    (void) state;
    nn_sheet *s = make(6, 2);
    nn_image im = { 0 };
    uint8_t blocks[SIDE * SIDE] = { 1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6 };
    add(s, blocks);
    assert_int_equal(nn_sheet_draw(s, &im), VKC_OK);
    assert_memory_equal(patch(s, &im, 0, 0), patch(s, &im, 0, 1), 3);
    assert_memory_equal(patch(s, &im, 0, 2), patch(s, &im, 0, 3), 3);
    assert_true(luma(patch(s, &im, 0, 1)) < luma(patch(s, &im, 0, 2)));
    assert_memory_equal(patch(s, &im, 0, 4), flat, 3);
    nn_image_finish(&im);
    nn_sheet_destroy(s);
}

static void test_places(void **state)
{
    (void) state;
    static const struct { uint32_t n, wide, high; } rows[] = {
        { 1, 1, 1 }, { 3, 3, 1 }, { 4, 4, 1 }, { 5, 4, 2 }, { 16, 4, 4 }, { 17, 5, 4 },
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        nn_sheet *s = make(4, 1);
        nn_image im = { 0 };
        for (uint32_t n = 0; n < rows[r].n; n++) {
            uint8_t blocks[SIDE * SIDE];
            memset(blocks, 4, sizeof blocks);
            blocks[n % (SIDE * SIDE)] = (uint8_t) (1 + n % 3);
            add(s, blocks);
        }
        assert_int_equal(nn_sheet_len(s), rows[r].n);
        assert_int_equal(nn_sheet_draw(s, &im), VKC_OK);
        assert_int_equal(im.width, 12 + rows[r].wide * (CELL + 12));
        assert_true(im.height > rows[r].high * (CELL + 12) && im.height < rows[r].high * (CELL + 12) + 100);
        for (uint32_t n = 0; n < rows[r].n; n++)
            for (uint32_t i = 0; i < SIDE * SIDE; i++)
                assert_int_equal(memcmp(patch(s, &im, n, i), flat, 3) != 0, i == n % (SIDE * SIDE));
        nn_image_finish(&im);
        nn_sheet_destroy(s);
    }
    assert_int_equal(nn_sheet_scale(64), 6);
    assert_int_equal(nn_sheet_scale(28), 14);
    assert_int_equal(nn_sheet_scale(224), 2);
    assert_int_equal(nn_sheet_scale(1024), 1);
}

static uint32_t count_ink(const nn_image *im, uint32_t x0, uint32_t x1, uint32_t y0, uint32_t y1)
{
    uint32_t n = 0;
    for (uint32_t y = y0; y < y1; y++)
        for (uint32_t x = x0; x < x1; x++)
            n += memcmp(at(im, x, y), "\xff\xff\xff", 3) != 0;
    return n;
}

// Lines under pictures: each within its picture's width, room for the most lines of any, '?' for what is not ASCII.
static void test_lines(void **state)
{
    (void) state;
    nn_sheet *s = make(4, 1), *plain = make(4, 1);
    nn_image im = { 0 }, bare = { 0 };
    uint8_t rgb[SIZE * SIZE * 3] = { 0 }, blocks[SIDE * SIDE];
    nn_lines one = { 1, { "a.png" } }, three = { 3, { "", "cat 98.2 %", "true: dog" } };
    memset(blocks, 4, sizeof blocks);
    memset(three.text[0], 'W', 300);
    assert_int_equal(nn_sheet_add(s, rgb, blocks, &one), VKC_OK);
    assert_int_equal(nn_sheet_add(s, rgb, blocks, &three), VKC_OK);
    assert_int_equal(nn_sheet_add(s, rgb, blocks, NULL), VKC_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(nn_sheet_add(plain, rgb, blocks, NULL), VKC_OK);
    assert_int_equal(nn_sheet_draw(s, &im), VKC_OK);
    assert_int_equal(nn_sheet_draw(plain, &bare), VKC_OK);
    assert_int_equal(im.width, bare.width);
    assert_true(im.height >= bare.height + 3 * NN_DRAW_LINE_H);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t x, y;
        nn_sheet_place(s, i, &x, &y);
        for (uint32_t k = 0; k < 3; k++) {              // lines that are there and no others
            const uint32_t top = y + CELL + 2 + k * NN_DRAW_LINE_H;
            const bool is_there = k < (i == 0 ? 1u : i == 1 ? 3u : 0u);
            assert_int_equal(count_ink(&im, x, x + CELL, top, top + NN_DRAW_LINE_H) > 0, is_there);
        }
        assert_int_equal(count_ink(&im, x + CELL - 4, x + CELL + 12, y + CELL, y + CELL + 62), 0);
    }
    nn_image_finish(&im);
    nn_image_finish(&bare);
    nn_sheet_destroy(s);
    nn_sheet_destroy(plain);
}

// The middle of what is too wide gives way to dots; a character of several bytes is one mark.
static void test_text(void **state)
{
    (void) state;
    static const struct { const char *text, *as; } rows[] = {
        { "abcdefghij", "abcdefghij" }, { "abcdefghijk", "abcd...ijk" }, { "n\xc3\xa9""e\x01", "n?e?" },
        { "\xe2\x82\xac\xff", "??" }, { "", "" },
    };
    const nn_colour black = { { 0, 0, 0 } };
    const uint32_t width = nn_draw_text_width("abcdefghij");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nn_image a, b;
        nn_lines lines = { .n = 1 };
        snprintf(lines.text[0], sizeof lines.text[0], "%s", rows[i].text);
        assert_int_equal(nn_draw_init(300, 30, &a), VKC_OK);
        assert_int_equal(nn_draw_init(300, 30, &b), VKC_OK);
        nn_draw_lines(&a, 5, 5, width, &lines, black);
        nn_draw_text(&b, 5, 5, rows[i].as, black);
        assert_memory_equal(a.rgb, b.rgb, 3 * 300 * 30);
        nn_image_finish(&a);
        nn_image_finish(&b);
    }
    for (int c = '!'; c <= '~'; c++)                    // no two look alike
        for (int d = c + 1; d <= '~'; d++) {
            const char x[2] = { (char) c, 0 }, y[2] = { (char) d, 0 };
            nn_image a, b;
            assert_int_equal(nn_draw_init(12, 20, &a), VKC_OK);
            assert_int_equal(nn_draw_init(12, 20, &b), VKC_OK);
            nn_draw_text(&a, 0, 0, x, black);
            nn_draw_text(&b, 0, 0, y, black);
            assert_memory_not_equal(a.rgb, b.rgb, 3 * 12 * 20);
            nn_image_finish(&a);
            nn_image_finish(&b);
        }
}

static void test_file(void **state)
{
    (void) state;
    char path[NN_PATH_MAX];
    uint8_t blocks[SIDE * SIDE] = { 1, 2, 3, 4 };
    nn_image drawn = { 0 }, read = { 0 };
    nn_sheet *s = make(4, 1);
    add(s, blocks);
    assert_int_equal(nn_path_build(path, dir, "sheet.png"), VKC_OK);
    assert_int_equal(nn_sheet_save(s, path), VKC_OK);
    assert_int_equal(nn_sheet_draw(s, &drawn), VKC_OK);
    assert_int_equal(nn_image_load(path, &read), VKC_OK);
    assert_int_equal(read.width, drawn.width);
    assert_int_equal(read.height, drawn.height);
    assert_memory_equal(read.rgb, drawn.rgb, 3 * (size_t) read.width * read.height);
    assert_int_equal(nn_path_build(path, dir, "sheet.png/below.png"), VKC_OK);       // nobody can make that
    assert_int_equal(nn_sheet_save(s, path), VKC_E_IO);
    nn_image_finish(&drawn);
    nn_image_finish(&read);
    nn_sheet_destroy(s);
}

static void test_limits(void **state)
{
    (void) state;
    nn_sheet *s = NULL;
    static const nn_sheet_params bad[] = {
        { 32, 8, 0, { 0 } }, { 32, 8, NN_MAX_DEPTH + 1, { 0 } }, { 32, 0, 6, { 0 } }, { 32, 5, 6, { 0 } },
        { 0, 8, 6, { 0 } },  { NN_IMAGE_MAX_SIDE, 16, 6, { 0 } },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(nn_sheet_create(&bad[i], &s), VKC_E_ARG);
    const uint32_t size = 2048;
    nn_sheet_params large = { .size = size, .patch = 64, .depth = 6 };
    uint8_t *rgb = calloc(3, (size_t) size * size), *blocks = calloc(32, 32);
    assert_non_null(rgb);
    assert_non_null(blocks);
    assert_int_equal(nn_sheet_create(&large, &s), VKC_OK);
    vkc_status st = VKC_OK;
    uint32_t n = 0;
    while (n < 100 && (st = nn_sheet_add(s, rgb, blocks, NULL)) == VKC_OK)
        n++;
    assert_int_equal(st, VKC_E_ARG);
    assert_true(n >= 8 && n < 17);                      // of the 64 million pixels
    assert_int_equal(nn_sheet_len(s), n);
    nn_sheet_destroy(s);
    free(rgb);
    free(blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shades), cmocka_unit_test(test_legend), cmocka_unit_test(test_between_exits),
        cmocka_unit_test(test_places), cmocka_unit_test(test_lines), cmocka_unit_test(test_text),
        cmocka_unit_test(test_file),   cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
