// test_folders.c — what a data set's folders say: nested ones, links, what is left out, spellings of splits, parts of a
// plain folder, views with a model's classes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nn/base/files.h"
#include "nn/data/dataset.h"
#include "tests/temp_dir.h"

static const char *at(const char *name)
{
    static char path[2][NN_PATH_MAX];
    static int turn;
    turn = !turn;
    assert_int_equal(nn_path_build(path[turn], dir, name), VKC_OK);
    return path[turn];
}

// A file is a picture by its name: nothing here reads one as a picture.
static void put(const char *name, const char *text)
{
    char folder[NN_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", at(name));
    *strrchr(folder, '/') = '\0';
    assert_int_equal(nn_folder_create(folder), VKC_OK);
    assert_int_equal(nn_file_save(at(name), text, strlen(text)), VKC_OK);
}

static nn_dataset *open_set(const char *name, uint64_t seed, bool whole)
{
    nn_dataset *d = NULL;
    assert_int_equal(nn_dataset_create_with(&(nn_dataset_params) { at(name), seed, whole, NULL, NULL }, &d), VKC_OK);
    return d;
}

// The part of a path behind the data set's folder.
static const char *get_name(const nn_dataset *d, nn_split split, uint32_t i)
{
    static char path[NN_PATH_MAX];
    assert_int_equal(nn_dataset_path(d, split, i, path), VKC_OK);
    return path + strlen(nn_dataset_spec(d)) + 1;
}

static void test_nested(void **state)
{
    (void) state;
    static const char *const want[] = { "c/z.png", "c/a/2.png", "c/a-b/3.png", "c/a/b/1.png", "c/link/1.png" };
    for (size_t i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "nest/%s", want[i]);
        put(name, "x");
    }
    put("elsewhere/1.png", "x");
    put("nest/.git/1.png", "x");
    put("nest/__MACOSX/c/1.png", "x");
    put("nest/c/.thumbs/1.png", "x");
    put("nest/c/__MACOSX/1.png", "x");
    assert_int_equal(symlink(at("elsewhere"), at("nest/c/link")), 0);
    assert_int_equal(symlink("..", at("nest/c/a/up")), 0);              // a circle
    assert_int_equal(symlink("b", at("nest/c/a/b/self")), 0);           // leads nowhere
    nn_dataset *d = open_set("nest", 0, true);
    assert_int_equal(nn_dataset_classes(d), 1);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_ALL), sizeof want / sizeof *want);
    for (uint32_t i = 0; i < sizeof want / sizeof *want; i++)           // as torchvision has them
        assert_string_equal(get_name(d, NN_SPLIT_ALL, i), want[i]);
    nn_dataset_destroy(d);
}

static void test_left_out(void **state)
{
    (void) state;
    char text[300], deep[1000] = "left/train/b/deep";
    put("left/train/a/1.png", "x");
    put("left/train/a/2.PSD", "x");
    put("left/train/a/more/3.psd", "x");
    put("left/train/a/x.tar.gz", "x");
    put("left/train/a/README", "x");
    put("left/train/b/1.png", "x");
    put("left/train/loose.png", "x");
    put("left/extra/c/1.png", "x");
    assert_int_equal(symlink("nowhere", at("left/train/a/gone.png")), 0);
    assert_int_equal(mkfifo(at("left/train/a/pipe.png"), 0600), 0);
    for (int i = 0; i < 70; i++)
        memcpy(deep + strlen(deep), "/d", 3);
    memcpy(deep + strlen(deep), "/1.png", 7);
    put(deep, "x");
    nn_dataset *d = open_set("left", 0, false);
    const nn_left_out *l = nn_dataset_left_out(d);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_TRAIN), 2);
    assert_int_equal(l->n_kinds, 2);
    assert_int_equal(l->other, 2);                      // README, the pipe
    assert_int_equal(l->unreadable, 1);
    assert_int_equal(l->loose, 1);
    assert_int_equal(l->folders, 1);
    assert_int_equal(l->beside, 1);
    assert_int_equal(nn_left_out_files(l), 7);
    nn_left_out_text(l, text, sizeof text);
    assert_non_null(strstr(text, "7 files left out: "));
    assert_non_null(strstr(text, "2 .psd"));
    assert_non_null(strstr(text, "1 .gz"));
    assert_non_null(strstr(text, "1 that cannot be read, 1 beside the class folders, 1 folder that cannot be listed, "
                                 "1 folder beside the splits"));
    nn_left_out_text(l, text, 20);
    assert_true(strlen(text) < 20);
    nn_dataset_destroy(d);
}

// One folder that may not be opened loses nothing else. Root may open all.
static void test_unreadable(void **state)
{
    (void) state;
    put("shut/a/1.png", "x");
    put("shut/a/no/2.png", "x");
    put("shut/b/3.png", "x");
    put("shut/b/no.png", "x");
    assert_int_equal(chmod(at("shut/a/no"), 0), 0);
    assert_int_equal(chmod(at("shut/b/no.png"), 0), 0);
    const bool is_root = geteuid() == 0;
    nn_dataset *d = open_set("shut", 0, true);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_ALL), is_root ? 4 : 2);
    assert_int_equal(nn_dataset_left_out(d)->folders, !is_root);
    assert_int_equal(nn_dataset_left_out(d)->unreadable, !is_root);
    nn_dataset_destroy(d);
    assert_int_equal(chmod(at("shut/a/no"), 0700), 0);
}

static void test_kinds(void **state)
{
    (void) state;
    nn_left_out l = { .n_kinds = 0 };
    static const char *const names[] = { "a.b", "a.B", ".b", "a.", "a", "a.b\n", "a.toolong7", "a.1", "a.2", "a.3",
                                         "a.4", "a.5", "a.6", "a.7", "a.8", "a.9", "a.\xc3\xa4", "" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        nn_left_out_add_kind(&l, names[i]);
    assert_int_equal(l.n_kinds, NN_MAX_KINDS);
    assert_string_equal(l.kind[0].end, ".b");
    assert_int_equal(l.kind[0].n, 2);
    assert_int_equal(nn_left_out_files(&l), sizeof names / sizeof *names);
}

static void test_spellings(void **state)
{
    (void) state;
    nn_dataset *d;
    put("spell/training/a/1.png", "x");
    put("spell/training/empty/note.md", "x");
    put("spell/valid/a/1.png", "x");
    put("spell/testing/a/1.png", "x");
    d = open_set("spell", 0, false);
    for (int s = 0; s < NN_N_SPLITS; s++)
        assert_int_equal(nn_dataset_len(d, (nn_split) s), 1);
    uint32_t empty[1] = { 9 };
    assert_int_equal(nn_dataset_classes(d), 2);         // the empty one keeps its number
    assert_int_equal(nn_dataset_list_empty(d, empty, 1), 1);
    assert_int_equal(empty[0], 1);
    nn_dataset_destroy(d);
    put("spell/validation/a/1.png", "x");
    d = NULL;
    assert_int_equal(nn_dataset_create(at("spell"), &d), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "both validation/ and valid/: which of them is the val split?"));
    // Classes of these names are classes.
    put("parts/valid/1.png", "x");
    put("parts/invalid/2.png", "y");
    d = open_set("parts", 0, true);
    assert_int_equal(nn_dataset_classes(d), 2);
    nn_dataset_destroy(d);
}

#define FILES 100u

// 100 contents a class; class b has three of a's too, and copies of its own.
static void make_plain(const char *root, const char *pre)
{
    char name[100], text[40];
    for (uint32_t i = 0; i < 2 * FILES; i++) {
        snprintf(name, sizeof name, "%s/%s/%s%u.png", root, i < FILES ? "a" : "b", pre, i);
        snprintf(text, sizeof text, "content %u", i);
        put(name, text);
        if (i >= 3 && i < FILES + 20)
            continue;
        snprintf(name, sizeof name, "%s/b/again-%s%u.png", root, pre, i);
        put(name, text);
    }
}

// The part of each content, 9 = there is none; fails where copies are apart.
static void get_parts(const nn_dataset *d, uint8_t part[2 * FILES], uint32_t *n)
{
    memset(part, 9, 2 * FILES);
    *n = 0;
    for (int s = 0; s < NN_N_SPLITS; s++)
        for (uint32_t i = 0; i < nn_dataset_len(d, (nn_split) s); i++, ++*n) {
            const char *name = get_name(d, (nn_split) s, i);
            const uint32_t k = (uint32_t) strtoul(name + strcspn(name, "0123456789"), NULL, 10);
            assert_true(part[k] == 9 || part[k] == s);
            part[k] = (uint8_t) s;
        }
}

static void test_parts(void **state)
{
    (void) state;
    uint8_t part[3][2 * FILES];
    uint32_t n, of[2][NN_N_SPLITS] = { { 0 } };
    uint64_t seed[3], contents[3];
    make_plain("plain", "x");
    make_plain("renamed/deeper", "other");
    nn_dataset *d = open_set("plain", 0, false);
    assert_false(nn_dataset_has_splits(d));
    assert_true(nn_dataset_get_split(d, &seed[0], &contents[0]));
    get_parts(d, part[0], &n);
    assert_int_equal(n, 2 * FILES + 3 + 80);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_ALL), n);
    for (uint32_t i = 0; i < 2 * FILES; i++)
        of[i / FILES][part[0][i]]++;
    for (int k = 0; k < 2; k++) {
        assert_int_equal(of[k][NN_SPLIT_TRAIN], 70);
        assert_int_equal(of[k][NN_SPLIT_VAL], 15);
        assert_int_equal(of[k][NN_SPLIT_TEST], 15);
    }
    nn_dataset_destroy(d);
    d = open_set("renamed/deeper", 0, false);           // names decide nothing
    assert_true(nn_dataset_get_split(d, &seed[1], &contents[1]));
    get_parts(d, part[1], &n);
    assert_memory_equal(part[1], part[0], sizeof part[0]);
    assert_true(contents[1] == contents[0]);
    nn_dataset_destroy(d);
    d = open_set("plain", 1, false);                    // the seed does
    assert_true(nn_dataset_get_split(d, &seed[2], &contents[2]));
    get_parts(d, part[2], &n);
    assert_memory_not_equal(part[2], part[0], sizeof part[0]);
    assert_true(contents[2] == contents[0] && seed[2] == 1);
    nn_dataset_destroy(d);
    put("plain/b/one-more.png", "new");
    d = open_set("plain", 1, false);
    assert_true(nn_dataset_get_split(d, &seed[2], &contents[2]));
    assert_true(contents[2] != contents[0]);
    nn_dataset_destroy(d);
}

static void test_small(void **state)
{
    (void) state;
    char name[40], text[8];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "small/a/%d.png", i);
        snprintf(text, sizeof text, "%d", i);
        put(name, text);
    }
    put("small/b/1.png", "only");
    nn_dataset *d = open_set("small", 0, false);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_TRAIN), 2);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_VAL), 1);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_TEST), 1);
    nn_dataset_destroy(d);
    d = open_set("small", 0, true);
    uint64_t seed, contents;
    assert_false(nn_dataset_get_split(d, &seed, &contents));
    nn_dataset_destroy(d);
}

static void test_view(void **state)
{
    (void) state;
    static const char *const label[] = { "z", "b", "y", "a" };
    static const uint32_t to[] = { 3, 1 }, turned[] = { 1, 0 };
    put("view/a/1.png", "1");
    put("view/b/2.png", "2");
    nn_dataset *d = open_set("view", 0, true), *v = NULL;
    assert_int_equal(nn_dataset_create_view(d, to, label, 4, &v), VKC_OK);
    assert_int_equal(nn_dataset_classes(v), 4);
    assert_string_equal(nn_dataset_labels(v)[3], "a");
    assert_int_equal(nn_dataset_label(v, NN_SPLIT_ALL, 0), 3);
    assert_int_equal(nn_dataset_label(v, NN_SPLIT_ALL, 1), 1);
    assert_int_equal(nn_dataset_label(d, NN_SPLIT_ALL, 0), 0);
    assert_string_equal(get_name(v, NN_SPLIT_ALL, 1), "b/2.png");
    nn_dataset_destroy(v);
    assert_int_equal(nn_dataset_create_view(d, turned, NULL, 2, &v), VKC_OK);
    assert_string_equal(nn_dataset_labels(v)[0], "b");
    nn_dataset_destroy(v);
    nn_dataset_destroy(d);
}

static void test_all_of_splits(void **state)
{
    (void) state;
    nn_dataset *d = NULL;
    put("three/train/a/1.png", "1");
    put("three/train/b/2.png", "2");
    put("three/test/b/3.png", "3");
    d = open_set("three", 0, false);
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_ALL), 3);
    assert_string_equal(get_name(d, NN_SPLIT_ALL, 2), "test/b/3.png");
    assert_int_equal(nn_dataset_label(d, NN_SPLIT_ALL, 2), 1);
    nn_dataset_destroy(d);
    assert_int_equal(nn_dataset_create("synth:ringed-digit,train=3,val=2,test=4", &d), VKC_OK);
    char path[NN_PATH_MAX];
    assert_int_equal(nn_dataset_len(d, NN_SPLIT_ALL), 9);
    assert_int_equal(nn_dataset_path(d, NN_SPLIT_ALL, 4, path), VKC_OK);
    assert_string_equal(path, "synth:ringed-digit val 1");
    assert_int_equal(nn_dataset_label(d, NN_SPLIT_ALL, 8), 3);
    nn_dataset_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nested), cmocka_unit_test(test_left_out), cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_kinds), cmocka_unit_test(test_spellings), cmocka_unit_test(test_parts),
        cmocka_unit_test(test_small), cmocka_unit_test(test_view), cmocka_unit_test(test_all_of_splits),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
