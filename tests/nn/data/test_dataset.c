// test_dataset.c — class folders with and without splits, bad folders, the built-in set's options, EuroSAT.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/data/dataset.h"
#include "nn/base/files.h"
#include "nn/data/synth.h"
#include "tests/nn/image/pictures.h"
#include "tests/temp_dir.h"

static const nn_preprocess plain;


static void put(const char *name, const void *bytes, size_t size)
{
    char path[NN_PATH_MAX];
    assert_int_equal(nn_path_build(path, dir, name), VKC_OK);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(nn_folder_create(path), VKC_OK);
    *slash = '/';
    assert_int_equal(nn_file_save(path, bytes, size), VKC_OK);
}

static void put_png(const char *name, uint8_t value)
{
    uint8_t rgb[4 * 4 * 3], png[256];
    memset(rgb, value, sizeof rgb);
    put(name, png, make_png(png, 4, 4, 8, 2, rgb, sizeof rgb));
}

static vkc_status open_set(const char *name, nn_dataset **d)
{
    char path[NN_PATH_MAX];
    assert_int_equal(nn_path_build(path, dir, name), VKC_OK);
    return nn_dataset_create(path, d);
}

static vkc_status open_whole(const char *name, nn_dataset **d)
{
    char path[NN_PATH_MAX];
    assert_int_equal(nn_path_build(path, dir, name), VKC_OK);
    return nn_dataset_create_with(&(nn_dataset_params) { .spec = path, .whole = true }, d);
}

static void test_flat(void **state)
{
    (void) state;
    put_png("flat/dog/b.png", 20);
    put_png("flat/dog/a.PNG", 10);
    put_png("flat/cat/z.png", 30);
    put("flat/cat/notes.txt", "x", 1);
    put("flat/cat/.hidden.png", "x", 1);
    put("flat/cat/bad.jpg", "no picture", 10);
    put("flat/LICENSE", "x", 1);
    nn_dataset *d = NULL;
    uint8_t rgb[2 * 2 * 3];
    char path[NN_PATH_MAX];
    assert_int_equal(open_whole("flat", &d), VKC_OK);
    assert_false(nn_dataset_has_splits(d));
    assert_int_equal(nn_dataset_classes(d), 2);
    assert_string_equal(nn_dataset_labels(d)[0], "cat");
    for (int s = 0; s < NN_N_SPLITS; s++)
        assert_int_equal(nn_dataset_len(d, (nn_split) s), 0);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_ALL), 4);
    assert_int_equal(nn_dataset_label(d, NN_SPLIT_ALL, 1), 0);
    assert_int_equal(nn_dataset_label(d, NN_SPLIT_ALL, 2), 1);
    assert_int_equal(nn_dataset_path(d, NN_SPLIT_ALL, 2, path), VKC_OK);
    assert_non_null(strstr(path, "flat/dog/a.PNG"));
    assert_int_equal(nn_left_out_files(nn_dataset_left_out(d)), 1);
    assert_int_equal(nn_dataset_read(d, NN_SPLIT_ALL, 2, 0, &plain, (nn_size) { 2, 2 }, rgb), VKC_OK);
    assert_int_equal(rgb[0], 10);
    assert_int_equal(nn_dataset_read(d, NN_SPLIT_ALL, 0, 0, &plain, (nn_size) { 2, 2 }, rgb), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "bad.jpg is no JPEG, PNG"));
    assert_int_equal(nn_dataset_count_bad(d), 1);
    assert_int_equal(nn_dataset_read(d, NN_SPLIT_ALL, 0, 0, &plain, (nn_size) { 2, 2 }, rgb), VKC_E_FORMAT);
    assert_int_equal(nn_dataset_count_bad(d), 1);       // once each
    assert_int_equal(nn_dataset_read(d, NN_SPLIT_ALL, 4, 0, &plain, (nn_size) { 2, 2 }, rgb), VKC_E_ARG);
    nn_dataset_destroy(d);
}

static void test_splits(void **state)
{
    (void) state;
    put_png("split/train/a/1.png", 1);
    put_png("split/train/b/1.png", 2);
    put_png("split/train/c/1.png", 3);
    put_png("split/test/c/1.png", 4);
    nn_dataset *d = NULL;
    assert_int_equal(open_set("split", &d), VKC_OK);
    assert_true(nn_dataset_has_splits(d));
    assert_int_equal(nn_dataset_classes(d), 3);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_TRAIN), 3);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_VAL), 0);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_TEST), 1);
    assert_int_equal(nn_dataset_label(d, NN_SPLIT_TEST, 0), 2);
    nn_dataset_destroy(d);
    put_png("split/test/other/1.png", 4);
    assert_int_equal(open_set("split", &d), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "other"));
}

static void test_bad_folders(void **state)
{
    (void) state;
    nn_dataset *d = NULL;
    nn_split split;
    char path[NN_PATH_MAX];
    assert_int_equal(open_set("missing", &d), VKC_E_IO);
    put_png("loose/1.png", 1);
    assert_int_equal(open_set("loose", &d), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "no class folders"));
    assert_int_equal(nn_path_build(path, dir, "empty/class"), VKC_OK);
    assert_int_equal(nn_folder_create(path), VKC_OK);
    assert_int_equal(open_set("empty", &d), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "no usable image"));
    assert_int_equal(open_set("loose/1.png", &d), VKC_E_IO);
    assert_null(d);
    assert_int_equal(nn_split_get("val", &split), VKC_OK);
    assert_int_equal(split, NN_SPLIT_VAL);
    assert_int_equal(nn_split_get("all", &split), VKC_OK);
    assert_int_equal(split, NN_SPLIT_ALL);
    assert_int_equal(nn_split_get("valid", &split), VKC_E_ARG);
}

static void test_synth_spec(void **state)
{
    (void) state;
    nn_dataset *d = NULL;
    uint8_t rgb[64 * 64 * 3], again[64 * 64 * 3];
    assert_int_equal(nn_dataset_create("synth:ringed-digit", &d), VKC_OK);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_TRAIN), 8192);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_VAL), 1000);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_TEST), 2000);
    assert_int_equal(nn_dataset_classes(d), 10);
    assert_string_equal(nn_dataset_labels(d)[7], "7");
    assert_int_equal(nn_dataset_label(d, NN_SPLIT_TEST, 37), 7);
    nn_synth_read(nn_dataset_synth_seed(NN_SPLIT_TEST), 37, again, NULL);
    assert_int_equal(nn_dataset_read(d, NN_SPLIT_TEST, 37, 5, &plain, (nn_size) { 64, 64 }, rgb), VKC_OK);
    assert_memory_equal(rgb, again, sizeof rgb);
    assert_true(nn_dataset_is_fresh(d, NN_SPLIT_TRAIN));
    assert_int_equal(nn_dataset_read(d, NN_SPLIT_TRAIN, 0, 0, &plain, (nn_size) { 64, 64 }, rgb), VKC_OK);
    assert_int_equal(nn_dataset_read(d, NN_SPLIT_TRAIN, 0, 1, &plain, (nn_size) { 64, 64 }, again), VKC_OK);
    assert_memory_not_equal(rgb, again, sizeof rgb);
    nn_synth_read(nn_dataset_synth_seed(NN_SPLIT_TRAIN), 8200, rgb, NULL);      // 8192, up to a multiple of ten
    assert_memory_equal(rgb, again, sizeof rgb);
    nn_dataset_destroy(d);
    assert_int_equal(nn_dataset_create("synth:ringed-digit,train=60,test=7,fresh=0", &d), VKC_OK);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_TRAIN), 60);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_TEST), 7);
    assert_false(nn_dataset_is_fresh(d, NN_SPLIT_TRAIN));
    nn_dataset_destroy(d);
    d = NULL;
    static const char *const bad[] = { "synth:", "synth:digits", "synth:ringed-digits", "synth:ringed-digit,",
        "synth:ringed-digit,train=", "synth:ringed-digit,train=-1", "synth:ringed-digit,train=99999999",
        "synth:ringed-digit,train=999999999999", "synth:ringed-digit,fresh=2", "synth:ringed-digit,size=3" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (nn_dataset_create(bad[i], &d) != VKC_E_ARG)
            fail_msg("accepted: %s", bad[i]);
}

static void test_eurosat(void **state)
{
    (void) state;
    const char *data = getenv("PARE_DATA");
    char command[3 * NN_PATH_MAX], zip[NN_PATH_MAX];
    static uint8_t rgb[64 * 64 * 3];
    assert_int_equal(nn_path_build(zip, data != NULL ? data : "../shared/data", "eurosat-val.zip"), VKC_OK);
    snprintf(command, sizeof command, "unzip -q '%s' -d '%s' 2>/dev/null", zip, dir);
    if (!nn_is_file(zip) || system(command) != 0) {
        print_message("skipped: no %s, or no unzip\n", zip);
        skip();
    }
    nn_dataset *d = NULL;
    assert_int_equal(open_set("eurosat", &d), VKC_OK);
    assert_true(nn_dataset_has_splits(d));
    assert_int_equal(nn_dataset_classes(d), 10);
    assert_string_equal(nn_dataset_labels(d)[0], "AnnualCrop");
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_VAL), 1000);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_TRAIN), 0);
    for (uint32_t i = 0; i < 1000; i += 7)
        assert_int_equal(nn_dataset_read(d, NN_SPLIT_VAL, i, 0, &plain, (nn_size) { 64, 64 }, rgb), VKC_OK);
    nn_dataset_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flat),       cmocka_unit_test(test_splits),  cmocka_unit_test(test_bad_folders),
        cmocka_unit_test(test_synth_spec), cmocka_unit_test(test_eurosat),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
