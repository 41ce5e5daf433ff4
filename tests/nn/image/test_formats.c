// test_formats.c — files of every format and kind against Pillow's pixels (tests/golden/formats.py), under any name;
// cut off and damaged; what a build without a library says; several threads at once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/base/paths.h"
#include "nn/checkpoint/safetensors.h"
#include "nn/image/formats/format.h"
#include "nn/image/image.h"
#include "tests/nn/image/pillow.h"
#include "tests/temp_dir.h"

#define GOLDEN "tests/golden/formats.safetensors"

typedef struct file {
    char     name[64];
    uint8_t *bytes;                 // owned, of exactly `size` bytes, so that a sanitizer sees the end
    size_t   size;
    uint32_t width, height;
    uint64_t sum;
} file;

static file get_file(const nn_safetensors *f, size_t i)
{
    const nn_st_tensor *t = nn_safetensors_at(f, i);
    const char *answer = nn_safetensors_meta(f, t->name);
    file out = { .size = (size_t) t->size, .bytes = malloc((size_t) t->size) };
    assert_non_null(answer);
    assert_non_null(out.bytes);
    snprintf(out.name, sizeof out.name, "%s", t->name);
    assert_int_equal(nn_st_tensor_read_raw(t, 0, out.size, out.bytes), VKC_OK);
    assert_int_equal(sscanf(answer, "%" SCNu32 " %" SCNu32 " %" SCNx64, &out.width, &out.height, &out.sum), 3);
    return out;
}

static bool is_read(const file *x)
{
    const nn_image_format *format = nn_image_format_find(x->bytes, x->size);
    assert_non_null(format);
    return format->size != NULL;
}

static void check_pixels(const file *x, const nn_image *im)
{
    if (im->width != x->width || im->height != x->height)
        fail_msg("%s: %u x %u pixels, want %u x %u", x->name, im->width, im->height, x->width, x->height);
    if (pillow_sum(im->rgb, (size_t) im->width * im->height * 3) != x->sum)
        fail_msg("%s: not Pillow's pixels", x->name);
}

static void test_golden(void **state)
{
    nn_safetensors *f = NULL;
    uint32_t n = 0;
    (void) state;
    assert_int_equal(nn_safetensors_load(GOLDEN, &f), VKC_OK);
    for (size_t i = 0; i < nn_safetensors_len(f); i++) {
        file x = get_file(f, i);
        nn_image im = { 0 };
        const vkc_status st = nn_image_read(x.name, x.bytes, x.size, &im);
        if (is_read(&x)) {
            if (st != VKC_OK)
                fail_msg("%s", vkc_last_error());
            check_pixels(&x, &im);
        } else {
            assert_int_equal(st, VKC_E_FORMAT);
            assert_non_null(strstr(vkc_last_error(), x.name));
            assert_non_null(strstr(vkc_last_error(), "this build has no "));
        }
        nn_image_finish(&im);
        free(x.bytes);
        n++;
    }
    assert_true(n >= 106);
    nn_safetensors_destroy(f);
}

// Words or a picture, whatever is cut off or turned over. What is left of a file never reads as one of another size.
static void test_damage(void **state)
{
    nn_safetensors *f = NULL;
    (void) state;
    assert_int_equal(nn_safetensors_load(GOLDEN, &f), VKC_OK);
    for (size_t k = 0; k < nn_safetensors_len(f); k++) {
        file x = get_file(f, k);
        for (size_t n = 0; n < x.size; n += 1 + x.size / 97) {
            nn_image im = { 0 };
            uint8_t *part = malloc(n + 1);
            assert_non_null(part);
            memcpy(part, x.bytes, n);
            const vkc_status st = nn_image_read("part", part, n, &im);
            assert_true(st == VKC_OK || st == VKC_E_FORMAT);
            if (st == VKC_OK)
                assert_true(im.width == x.width && im.height == x.height);
            nn_image_finish(&im);
            free(part);
        }
        for (size_t i = 0; i < x.size; i += 1 + x.size / 211) {
            nn_image im = { 0 };
            const uint8_t kept = x.bytes[i];
            x.bytes[i] = (uint8_t) (kept ^ (1u << k % 8 | 64u));
            const vkc_status st = nn_image_read("turned", x.bytes, x.size, &im);
            assert_true(st == VKC_OK || st == VKC_E_FORMAT || st == VKC_E_NOMEM);
            nn_image_finish(&im);
            x.bytes[i] = kept;
        }
        free(x.bytes);
    }
    nn_safetensors_destroy(f);
}

// Half of a file is no picture.
static void test_cut_off(void **state)
{
    static const char *const names[] = { "webp_lossy", "webp_lossless", "tiff_rgb", "tiff_rgb_tiff_lzw", "tiff_tiles",
                                         "gif_plain", "gif_interlaced", "bmp_palette_8", "bmp_bits_24", "bmp_rle8",
                                         "jpeg_cmyk", "png_grey_16" };
    nn_safetensors *f = NULL;
    (void) state;
    assert_int_equal(nn_safetensors_load(GOLDEN, &f), VKC_OK);
    for (size_t i = 0; i < nn_safetensors_len(f); i++) {
        file x = get_file(f, i);
        nn_image im = { 0 };
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
            if (strcmp(x.name, names[k]) == 0)
                assert_int_equal(nn_image_read(x.name, x.bytes, x.size / 2, &im), VKC_E_FORMAT);
        assert_null(im.rgb);
        free(x.bytes);
    }
    nn_safetensors_destroy(f);
}

// The first bytes say what a file is.
static void test_names(void **state)
{
    static const char *const endings[] = { ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp" };
    nn_safetensors *f = NULL;
    char path[NN_PATH_MAX], name[64];
    (void) state;
    assert_int_equal(nn_safetensors_load(GOLDEN, &f), VKC_OK);
    for (size_t i = 0; i < nn_safetensors_len(f); i++) {
        file x = get_file(f, i);
        nn_image im = { 0 };
        snprintf(name, sizeof name, "a%s", endings[i % 8]);
        assert_true(nn_is_picture(name));
        assert_int_equal(nn_path_build(path, dir, name), VKC_OK);
        assert_int_equal(nn_file_save(path, x.bytes, x.size), VKC_OK);
        assert_int_equal(nn_image_load(path, &im), is_read(&x) ? VKC_OK : VKC_E_FORMAT);
        if (is_read(&x))
            check_pixels(&x, &im);
        nn_image_finish(&im);
        free(x.bytes);
    }
    assert_true(nn_is_picture("A.TIFF") && nn_is_picture("b.WebP") && nn_is_picture(".b.Gif"));
    assert_false(nn_is_picture(".bmp") || nn_is_picture("a.txt") || nn_is_picture("webp") || nn_is_picture("a.bmp.gz"));
    nn_safetensors_destroy(f);
}

static void *read_all(void *user)
{
    nn_safetensors *f = NULL;
    bool *is_good = user;
    *is_good = nn_safetensors_load(GOLDEN, &f) == VKC_OK;
    for (size_t i = 0; *is_good && i < nn_safetensors_len(f); i++) {
        file x = get_file(f, i);
        nn_image im = { 0 };
        if (is_read(&x))
            *is_good = nn_image_read(x.name, x.bytes, x.size, &im) == VKC_OK &&
                       pillow_sum(im.rgb, (size_t) im.width * im.height * 3) == x.sum;
        nn_image_finish(&im);
        free(x.bytes);
    }
    nn_safetensors_destroy(f);
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t thread[4];
    bool is_good[4];
    (void) state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, read_all, &is_good[i]), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    for (size_t i = 0; i < 4; i++)
        assert_true(is_good[i]);
}

// Files that say more pixels than are read, in each way of saying it: refused before memory of that size is asked for.
static void test_claims(void **state)
{
    static const struct { const char *name; size_t at; const char *bytes; size_t n; } lies[] = {
        { "webp_small_frame", 24, "\xff\xff\x00\xff\xff", 5 }, { "gif_plain", 6, "\xff\xff\xff\xff", 4 },
        { "gif_inside", 42, "\x00\x20\x00\x10", 4 },
        { "bmp_bits_24", 18, "\xff\xff\x00\x00\xff\xff\x00\x00", 8 },
        { "bmp_rle8", 18, "\x00\x00\x01\x00\x00\x00\x01", 8 },
        { "bmp_bits_24", 18, "\xff\xff\xff\x7f", 4 }, { "tiff_rgb", 18, "\xff\xff\xff\x7f", 4 },
    };
    nn_safetensors *f = NULL;
    (void) state;
    assert_int_equal(nn_safetensors_load(GOLDEN, &f), VKC_OK);
    for (size_t i = 0; i < nn_safetensors_len(f); i++) {
        file x = get_file(f, i);
        for (size_t k = 0; k < sizeof lies / sizeof lies[0]; k++) {
            nn_image im = { 0 };
            if (strcmp(x.name, lies[k].name) != 0)
                continue;
            uint8_t *copy = malloc(x.size);
            assert_non_null(copy);
            memcpy(copy, x.bytes, x.size);
            memcpy(copy + lies[k].at, lies[k].bytes, lies[k].n);
            assert_int_equal(nn_image_read(x.name, copy, x.size, &im), VKC_E_FORMAT);
            assert_non_null(strstr(vkc_last_error(), x.name));
            assert_null(im.rgb);
            free(copy);
        }
        free(x.bytes);
    }
    nn_safetensors_destroy(f);
}

static void test_table(void **state)
{
    size_t n = 0;
    (void) state;
    for (const nn_image_format *x; (x = nn_image_format_at(n)) != NULL; n++) {
        assert_true(x->name != NULL && x->is_mine != NULL && (x->size == NULL) == (x->read == NULL));
        if (x->size != NULL && x->library != NULL)
            assert_true(x->version()[0] >= '0' && x->version()[0] <= '9');
    }
    assert_int_equal(n, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden), cmocka_unit_test(test_damage), cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_names), cmocka_unit_test(test_threads), cmocka_unit_test(test_claims),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
