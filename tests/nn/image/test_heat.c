// test_heat.c — sheets of heat maps: order of the colours in grey, panels, hatching, files and limits.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/image/heat.h"
#include "tests/temp_dir.h"

enum { SIZE = 8, SIDE = 4, SCALE = 28, STEP = SIZE / SIDE * SCALE };

static nn_heat *make(uint32_t columns)
{
    nn_heat *h = NULL;
    assert_int_equal(nn_heat_create(&(nn_heat_params) { .size = SIZE, .columns = columns, .title = "WEIGHT" }, &h),
                     VKC_OK);
    assert_int_equal(nn_heat_scale(SIZE), SCALE);
    return h;
}

static const uint8_t *at(const nn_image *im, uint32_t x, uint32_t y)
{
    assert_true(x < im->width && y < im->height);
    return im->rgb + 3 * ((size_t) y * im->width + x);
}

// The middle of value i of panel n.
static const uint8_t *cell(const nn_heat *h, const nn_image *im, uint32_t n, uint32_t i)
{
    uint32_t x, y;
    nn_heat_place(h, n, &x, &y);
    return at(im, x + i % SIDE * STEP + STEP / 2, y + i / SIDE * STEP + STEP / 2);
}

static void test_order(void **state)
{
    int last = -1;
    (void) state;
    for (int i = 0; i <= 64; i++) {
        nn_colour c = nn_heat_colour(i / 64.0);
        int grey = 299 * c.c[0] + 587 * c.c[1] + 114 * c.c[2];
        assert_true(grey > last);
        if (last >= 0)
            assert_true(grey - last > 2000 && grey - last < 5600);      // even steps, of 255000 in all
        last = grey;
    }
    nn_colour low = nn_heat_colour(-1), high = nn_heat_colour(2), zero = nn_heat_colour(0), one = nn_heat_colour(1);
    assert_memory_equal(low.c, zero.c, 3);
    assert_memory_equal(high.c, one.c, 3);
}

static void test_panels(void **state)
{
    nn_heat *h = make(2);
    nn_image im;
    uint8_t rgb[3 * SIZE * SIZE];
    float value[SIDE * SIDE];
    (void) state;
    memset(rgb, 100, sizeof rgb);
    for (int i = 0; i < SIDE * SIDE; i++)
        value[i] = (float) (i * i);
    value[1] = NAN;
    assert_int_equal(nn_heat_add(h, "PICTURE", rgb, NULL, 0), VKC_OK);
    assert_int_equal(nn_heat_add(h, "OVER", rgb, value, SIDE), VKC_OK);
    for (int i = 0; i < SIDE * SIDE; i++)
        value[i] = (float) (i * i) / 4;
    assert_int_equal(nn_heat_add(h, "ALONE", NULL, value, SIDE), VKC_OK);
    assert_int_equal(nn_heat_draw(h, &im), VKC_OK);
    assert_memory_equal(cell(h, &im, 0, 5), rgb, 3);
    for (uint32_t i = 0; i < SIDE * SIDE; i++) {
        nn_colour shade = nn_heat_colour(i / 15.0), half = nn_heat_colour(i / 30.0);
        const uint8_t *over = cell(h, &im, 1, i);
        for (int c = 0; c < 3 && i != 1; c++)
            assert_true(abs(over[c] - (3 * shade.c[c] + 100) / 4) <= 1);
        assert_memory_equal(cell(h, &im, 2, i), half.c, 3);             // one scale for all
    }
    const uint8_t *gap = cell(h, &im, 1, 1);
    assert_true(gap[0] == gap[1] && gap[1] == gap[2] && gap[0] > 100 && gap[0] < 255);
    nn_image_finish(&im);
    nn_heat_destroy(h);
}

static void test_files(void **state)
{
    char path[64];
    nn_heat *h = make(1);
    nn_image drawn, read;
    float value[4] = { 0, 0, 0, 0 };            // nothing to scale by
    (void) state;
    assert_int_equal(nn_heat_add(h, "EMPTY", NULL, value, 2), VKC_OK);
    assert_int_equal(nn_heat_draw(h, &drawn), VKC_OK);
    snprintf(path, sizeof path, "%s/heat.png", dir);
    assert_int_equal(nn_heat_save(h, path), VKC_OK);
    assert_int_equal(nn_image_load(path, &read), VKC_OK);
    assert_int_equal(read.width, drawn.width);
    assert_int_equal(read.height, drawn.height);
    assert_memory_equal(read.rgb, drawn.rgb, 3 * (size_t) read.width * read.height);
    nn_image_finish(&read);
    nn_image_finish(&drawn);
    snprintf(path, sizeof path, "%s/none/heat.png", dir);
    assert_int_equal(nn_heat_save(h, path), VKC_E_IO);
    nn_heat_destroy(h);
}

static void test_limits(void **state)
{
    float value[9] = { 0 };
    nn_heat *h = NULL;
    vkc_status st = VKC_OK;
    uint32_t n = 0;
    (void) state;
    assert_int_equal(nn_heat_create(&(nn_heat_params) { .columns = 1, .title = "" }, &h), VKC_E_ARG);
    assert_int_equal(nn_heat_create(&(nn_heat_params) { .size = 4, .title = "" }, &h), VKC_E_ARG);
    h = make(1);
    assert_int_equal(nn_heat_add(h, "THREE IN EIGHT", NULL, value, 3), VKC_E_ARG);
    for (; st == VKC_OK && n < 1000; n++)
        st = nn_heat_add(h, "ONE", NULL, value, 1);
    assert_int_equal(st, VKC_E_ARG);            // NN_IMAGE_MAX_SIDE
    assert_true(n > 50 && n < 110);
    nn_heat_destroy(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order), cmocka_unit_test(test_panels), cmocka_unit_test(test_files),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
