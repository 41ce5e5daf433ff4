// test_pipeline_data.c — what runs say of a data set and a model's classes, splits that models remember, luck.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "pipeline/base/data.h"
#include "tests/temp_dir.h"

typedef struct heard { uint32_t n[PIPELINE_STOPPED + 1]; char last[4096]; } heard;

static void hear(void *user, pipeline_notice kind, const char *sentence)
{
    heard *h = user;
    h->n[kind]++;
    snprintf(h->last, sizeof h->last, "%s", sentence);
}

static void put(const char *name, const char *text)
{
    char path[NN_PATH_MAX];
    assert_int_equal(nn_path_build(path, dir, name), VKC_OK);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(nn_folder_create(path), VKC_OK);
    *slash = '/';
    assert_int_equal(nn_file_save(path, text, strlen(text)), VKC_OK);
}

static nn_dataset *open_set(const char *name, uint64_t seed)
{
    char path[NN_PATH_MAX];
    nn_dataset *d = NULL;
    assert_int_equal(nn_path_build(path, dir, name), VKC_OK);
    assert_int_equal(nn_dataset_create_with(&(nn_dataset_params) { .spec = path, .split_seed = seed }, &d), VKC_OK);
    return d;
}

// The least number of right answers that is no luck, by exact sums of the binomial distribution.
static void test_chance(void **state)
{
    (void) state;
    static const struct { uint32_t n, classes, least; } rows[] = {
        { 100, 2, 59 }, { 100, 10, 16 }, { 100, 1000, 2 }, { 200, 10, 28 }, { 1000, 10, 117 }, { 1000, 12, 99 },
        { 1000, 1000, 4 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t right = 0;
        while (pipeline_is_chance(right, rows[i].n, rows[i].classes))
            right++;
        if (right != rows[i].least)
            fail_msg("row %zu: %u, want %u", i, right, rows[i].least);
        assert_false(pipeline_is_chance(rows[i].n, rows[i].n, rows[i].classes));
    }
    assert_false(pipeline_is_chance(0, 99, 10));        // too few to tell
    assert_false(pipeline_is_chance(0, 1000, 1));
}

static nn_model_config make_config(const char *const *label, uint32_t n)
{
    char arch[100];
    nn_model_config c;
    snprintf(arch, sizeof arch, "vit:image=16,patch=4,dim=16,depth=1,heads=2,classes=%u", n);
    assert_int_equal(nn_model_config_init(&c, arch), VKC_OK);
    if (label)
        assert_int_equal(nn_model_config_set_labels(&c, label, n), VKC_OK);
    return c;
}

static void test_match(void **state)
{
    (void) state;
    static const char *const three[] = { "c", "b", "a" };
    heard h = { { 0 }, "" };
    const pipeline_context c = { .dash = "--", .notify = hear, .user = &h };
    nn_model_config named = make_config(three, 3), bare = make_config(NULL, 3);
    nn_dataset *view = NULL;
    put("m/train/a/1.png", "1");
    put("m/train/c/2.png", "2");
    nn_dataset *set = open_set("m", 0);
    pipeline_data d = { .set = set, .batch = 1 };
    assert_int_equal(pipeline_data_match(&c, &d, &named, "M", &view), VKC_OK);
    assert_ptr_equal(d.set, view);
    assert_int_equal(nn_dataset_classes(view), 3);
    assert_int_equal(nn_dataset_label(view, NN_SPLIT_TRAIN, 0), 2);
    assert_int_equal(h.n[PIPELINE_NOTE], 1);
    assert_non_null(strstr(h.last, "2 of the 3 classes of M, which chooses among all"));
    nn_dataset_destroy(view);
    d.set = set;
    assert_int_equal(pipeline_data_match(&c, &d, &bare, "M", &view), VKC_E_FORMAT);
    assert_ptr_equal(d.set, set);
    static const char *const other[] = { "c", "x", "a" };
    nn_model_config third = make_config(other, 3);
    assert_int_equal(pipeline_check_labels(&named, "M", &bare, "B"), VKC_OK);
    assert_int_equal(pipeline_check_labels(&named, "M", &third, "T"), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "class 1 is \"b\" in M and \"x\" in T"));
    nn_model_config_finish(&third);
    nn_model_config_finish(&named);
    nn_model_config_finish(&bare);
    nn_dataset_destroy(set);
}

// A config as of a model that was trained on this data set.
static nn_model_config make_trained(const nn_dataset *set)
{
    static const char *const two[] = { "a", "b" };
    nn_model_config m = make_config(two, 2);
    json_t *inputs = json_pack("{s:s}", "data", nn_dataset_spec(set));
    pipeline_data_add_inputs(inputs, &(pipeline_data) { .set = set, .labels = NN_LABELS_NAME });
    assert_string_equal(json_string_value(json_object_get(inputs, "labels")), "name");
    m.provenance = json_pack("{s:o}", "inputs", inputs);
    return m;
}

static void test_splits(void **state)
{
    (void) state;
    char name[40], text[40];
    heard h = { { 0 }, "" };
    const pipeline_context c = { .dash = "--", .notify = hear, .user = &h };
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "plain/%c/%d.png", i % 2 ? 'a' : 'b', i);
        snprintf(text, sizeof text, "%d", i);
        put(name, text);
    }
    nn_dataset *set = open_set("plain", 3), *turned = open_set("plain", 4), *view = NULL;
    nn_model_config m = make_trained(set), fresh = make_config(NULL, 2);
    pipeline_split split;
    assert_true(pipeline_split_of(&m, &split));
    assert_int_equal(split.seed, 3);
    assert_false(pipeline_split_of(&fresh, &split));
    assert_int_equal(pipeline_choose_split(&c, set, &m, NN_SPLIT_VAL), NN_SPLIT_VAL);
    assert_int_equal(h.n[PIPELINE_NOTE], 0);
    assert_int_equal(pipeline_choose_split(&c, set, &fresh, NN_SPLIT_TEST), NN_SPLIT_ALL);
    assert_int_equal(h.n[PIPELINE_NOTE], 1);
    pipeline_data d = { .set = turned, .batch = 1 };
    assert_int_equal(pipeline_data_match(&c, &d, &m, "M", &view), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "with --split-seed 3 its training pictures stay out"));
    put("plain/a/more.png", "more");
    nn_dataset *grown = open_set("plain", 3);
    assert_int_equal(pipeline_choose_split(&c, grown, &m, NN_SPLIT_TEST), NN_SPLIT_TEST);
    assert_int_equal(h.n[PIPELINE_WARNING], 1);
    d.set = grown;
    assert_int_equal(pipeline_data_match(&c, &d, &m, "M", &view), VKC_OK);
    nn_dataset_destroy(view);
    // What a hostile pare.json may say of it.
    json_t *said = json_object_get(json_object_get(m.provenance, "inputs"), "split");
    static const char *const lies[] = { "", "123", "zzzzzzzzzzzzzzzz", "0123456789abcdef0" };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        json_object_set_new(said, "contents", json_string(lies[i]));
        assert_false(pipeline_split_of(&m, &split));
    }
    nn_dataset_destroy(grown);
    nn_dataset_destroy(turned);
    nn_dataset_destroy(set);
    nn_model_config_finish(&m);
    nn_model_config_finish(&fresh);
}

// Of three broken pictures the two that were read.
static void test_broken(void **state)
{
    (void) state;
    heard h = { { 0 }, "" };
    const pipeline_context c = { .dash = "--", .notify = hear, .user = &h };
    uint8_t rgb[3];
    put("broken/val/a/1.png", "1");
    put("broken/val/a/2.png", "2");
    put("broken/val/a/3.png", "3");
    nn_dataset *set = open_set("broken", 0);
    for (uint32_t i = 1; i < 3; i++)
        assert_int_equal(nn_dataset_read(set, NN_SPLIT_VAL, i, 0, &(nn_preprocess) { 0 }, (nn_size) { 1, 1 }, rgb),
                         VKC_E_FORMAT);
    assert_false(nn_dataset_is_bad(set, NN_SPLIT_VAL, 0));
    assert_true(nn_dataset_is_bad(set, NN_SPLIT_VAL, 1) && nn_dataset_is_bad(set, NN_SPLIT_ALL, 2));
    pipeline_name_bad(&c, set, NN_SPLIT_VAL, 2);
    assert_int_equal(h.n[PIPELINE_FAILURE], 2);
    assert_non_null(strstr(h.last, "3.png"));
    assert_int_equal(nn_dataset_count_bad(set), 2);
    nn_dataset_destroy(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chance), cmocka_unit_test(test_match), cmocka_unit_test(test_splits),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
