// test_preprocess.c — sizes, offsets and pixels against tests/golden/pillow.py, and cases worked out by hand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "nn/image/image.h"
#include "nn/image/preprocess.h"
#include "tests/nn/image/pillow.h"

enum { RULE, MODE, FILTER, RESIZE, CROP = RESIZE + 2, MODEL = CROP + 2, PICTURE = MODEL + 2, RESIZED = PICTURE + 2,
       TOP = RESIZED + 2, LEFT, COLUMNS };

static nn_size get_size(const int32_t *row, int at)
{
    return (nn_size) { (uint32_t) row[at], (uint32_t) row[at + 1] };
}

static nn_preprocess get_settings(const int32_t *row, double crop_pct)
{
    nn_preprocess p = { .filter = (nn_filter) row[FILTER], .mode = (nn_resize) row[MODE], .rule = (nn_rule) row[RULE],
                        .crop_pct = crop_pct, .resize = get_size(row, RESIZE), .crop = get_size(row, CROP) };
    if (p.mode == NN_RESIZE_LONGEST)
        memcpy(p.fill, (uint8_t[]) { 124, 116, 104 }, 3);       // round(255 * (0.485, 0.456, 0.406))
    return p;
}

static void check_pipelines(const char *path, uint32_t pillow)
{
    nn_safetensors *f = NULL;
    assert_int_equal(nn_safetensors_load(path, &f), VKC_OK);
    const nn_st_tensor *numbers = nn_safetensors_get(f, "pipeline.numbers");
    assert_int_equal(numbers->shape[1], COLUMNS);
    assert_true(numbers->shape[0] > 100);
    for (size_t i = 0; i < numbers->shape[0]; i++) {
        int32_t row[COLUMNS];
        uint64_t want;
        double pct;
        nn_placement at;
        assert_int_equal(nn_st_tensor_read_raw(numbers, i * sizeof row, sizeof row, row), VKC_OK);
        PILLOW_GET(f, "pipeline.crop_pct", i, &pct);
        PILLOW_GET(f, "pipeline.fnv", i, &want);
        nn_preprocess p = get_settings(row, pct);
        p.pillow = pillow;
        const nn_size model = get_size(row, MODEL), picture = get_size(row, PICTURE);
        const size_t size = (size_t) model.height * model.width * 3;
        assert_int_equal(nn_preprocess_place(&p, "a picture", picture, model, &at), VKC_OK);
        if (at.resized.height != (uint32_t) row[RESIZED] || at.resized.width != (uint32_t) row[RESIZED + 1] ||
            at.top != row[TOP] || at.left != row[LEFT])
            fail_msg("case %zu: resized to %u x %u, offsets %d, %d; want %d x %d, %d, %d", i, at.resized.height,
                     at.resized.width, (int) at.top, (int) at.left, row[RESIZED], row[RESIZED + 1], row[TOP],
                     row[LEFT]);
        nn_image im = { picture.width, picture.height, malloc((size_t) picture.height * picture.width * 3) };
        uint8_t *out = malloc(size);
        assert_true(im.rgb != NULL && out != NULL);
        pillow_draw(im.rgb, picture.height, picture.width);
        assert_int_equal(nn_preprocess_run(&p, "a picture", &im, model, out), VKC_OK);
        if (pillow_sum(out, size) != want)
            fail_msg("case %zu: the pixels differ from those of Pillow %u", i, pillow);
        free(im.rgb);
        free(out);
    }
    nn_safetensors_destroy(f);
}

static void test_pipelines(void **state)
{
    (void) state;
    check_pipelines(PILLOW_12_FILE, 12);
    check_pipelines(PILLOW_13_FILE, 13);
    check_pipelines(PILLOW_13_FILE, 0);
}

// By hand from the sources: sizes of real models.
static void test_sizes(void **state)
{
    (void) state;
    static const struct {
        nn_preprocess p;
        nn_size picture, model, resized;
        int top, left;
    } cases[] = {
        // floor(224 / 0.9) = 248; int(248 * 640 / 427) = 371; (371 - 224) / 2 = 73.5, to even 74
        { { .mode = NN_RESIZE_SHORTEST, .crop_pct = 0.9 }, { 427, 640 }, { 224, 224 }, { 248, 371 }, 12, 74 },
        // floor(224 / 0.875) = 256; int(256 * 640 / 427) = 383; (383 - 224) / 2 = 79.5, to even 80
        { { .mode = NN_RESIZE_SHORTEST, .crop_pct = 0.875 }, { 427, 640 }, { 224, 224 }, { 256, 383 }, 16, 80 },
        // the same sizes by Hugging Face: 79.5 is floored
        { { .mode = NN_RESIZE_SHORTEST, .rule = NN_RULE_HF, .resize = { 256, 256 }, .crop = { 224, 224 } },
          { 427, 640 },
          { 224, 224 }, { 256, 383 }, 16, 79 },
        // another size of the model: 256 * 448 / 224
        { { .mode = NN_RESIZE_SHORTEST, .rule = NN_RULE_HF, .resize = { 256, 256 }, .crop = { 224, 224 } },
          { 427, 640 },
          { 448, 448 }, { 512, 767 }, 32, 159 },
        { { .rule = NN_RULE_HF, .resize = { 256, 256 }, .crop = { 224, 224 } }, { 427, 640 }, { 224, 224 },
          { 256, 256 }, 16, 16 },
        // no crop: to the model's size, whatever that is
        { { .rule = NN_RULE_HF }, { 427, 640 }, { 384, 160 }, { 384, 160 }, 0, 0 },
        { { .crop_pct = 0 }, { 427, 640 }, { 384, 160 }, { 384, 160 }, 0, 0 },
        // border: 640 / 224 is the larger ratio; round(149.45); (224 - 149) // 2
        { { .mode = NN_RESIZE_LONGEST, .crop_pct = 1 }, { 427, 640 }, { 224, 224 }, { 149, 224 }, -37, 0 },
        // nothing is left of a thread: one pixel
        { { .mode = NN_RESIZE_LONGEST, .crop_pct = 1 }, { 1, 16384 }, { 32, 32 }, { 1, 32 }, -15, 0 },
        { { .mode = NN_RESIZE_NONE, .rule = NN_RULE_HF, .crop = { 20, 20 } }, { 31, 16 }, { 20, 20 }, { 31, 16 },
          5, -2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nn_placement at;
        assert_int_equal(nn_preprocess_place(&cases[i].p, "a", cases[i].picture, cases[i].model, &at), VKC_OK);
        assert_int_equal(at.resized.height, cases[i].resized.height);
        assert_int_equal(at.resized.width, cases[i].resized.width);
        assert_int_equal(at.top, cases[i].top);
        assert_int_equal(at.left, cases[i].left);
    }
}

// A thread of 1 x 16384 pixels is resized to 4 million pixels a side in the mind only.
static void test_thread(void **state)
{
    (void) state;
    const nn_preprocess p = { .mode = NN_RESIZE_SHORTEST, .crop_pct = 0.875, .filter = NN_FILTER_BICUBIC };
    nn_image im = { 16384, 1, malloc(16384 * 3) };
    uint8_t out[224 * 224 * 3];
    assert_non_null(im.rgb);
    memset(im.rgb, 200, 16384 * 3);
    assert_int_equal(nn_preprocess_run(&p, "t", &im, (nn_size) { 224, 224 }, out), VKC_OK);
    for (size_t i = 0; i < sizeof out; i++)
        assert_int_equal(out[i], 200);
    free(im.rgb);
}

static void test_refusals(void **state)
{
    (void) state;
    nn_placement at;
    const nn_preprocess none = { .mode = NN_RESIZE_NONE, .rule = NN_RULE_HF };
    const nn_preprocess tiny = { .mode = NN_RESIZE_SHORTEST, .crop_pct = 0.01 };
    assert_int_equal(nn_preprocess_place(&none, "p.png", (nn_size) { 5, 4 }, (nn_size) { 4, 4 }, &at), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "p.png has 4 x 5 pixels; the model takes pictures as they are, of 4 x 4"));
    assert_int_equal(nn_preprocess_place(&none, "p.png", (nn_size) { 4, 4 }, (nn_size) { 4, 4 }, &at), VKC_OK);
    assert_int_equal(nn_preprocess_place(&tiny, "p.png", (nn_size) { 16384, 1 }, (nn_size) { 16384, 16384 }, &at),
                     VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "too long and thin"));
    assert_int_equal(nn_preprocess_place(&none, "p.png", (nn_size) { 0, 4 }, (nn_size) { 4, 4 }, &at), VKC_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipelines), cmocka_unit_test(test_sizes), cmocka_unit_test(test_thread),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
