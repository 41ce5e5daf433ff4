// test_destination.c — what is written where: every kind of thing in the way of every kind of output; locks; logs whose
// last line is torn; files that go when a program is ended.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nn/base/destination.h"
#include "nn/base/files.h"
#include "nn/base/leftovers.h"
#include "nn/base/lines.h"
#include "nn/base/lock.h"
#include "tests/temp_dir.h"

#define N_KINDS (NN_TO_PAGE + 1)

static const char png[] = "\x89PNG\r\n\x1a\n";
static const char page[] = "<!DOCTYPE html>\n<meta name=\"generator\" content=\"pare 0.1\">";
static const char tensors[] = "\x10\0\0\0\0\0\0\0{\"pixels\":{}}   ";
static const char weights[] = "\x10\0\0\0\0\0\0\0{\"cls_token\":{}}";

static void put(const char *path, const char *text, size_t size)
{
    assert_int_equal(nn_file_save(path, text, size), VKC_OK);
}

static vkc_status check(const char *path, nn_destination_kind kind, bool force, const char *read)
{
    return nn_destination_check(&(nn_destination) { .name = "--out", .path = path, .kind = kind, .force = force,
                                                    .force_hint = "--force replaces it", .input = &read,
                                                    .n_inputs = 1 }, 1);
}

static void check_refused(const char *words, const char *path, nn_destination_kind kind, bool force, const char *read)
{
    const vkc_status st = check(path, kind, force, read);
    if (st != VKC_E_ARG || !strstr(vkc_last_error(), words))
        fail_msg("%s as kind %d: status %d, \"%s\", want \"%s\"", path, (int) kind, (int) st, vkc_last_error(), words);
}

// Whatever is to be written, these are no places for it.
static void test_names(void **state)
{
    static const struct { const char *path, *words; } bad[] = {
        { "", "empty" }, { "-", "standard output" }, { "/", "holds others" }, { ".", "holds others" },
        { "./", "holds others" }, { "..", "holds others" }, { "a/..", "holds others" }, { "a/./", "holds others" },
        { "/dev/null", "a device" }, { "//", "holds others" },
    };
    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (int k = 0; k < N_KINDS; k++)
            for (int force = 0; force < 2; force++)
                check_refused(bad[i].words, bad[i].path, (nn_destination_kind) k, force, NULL);
}

typedef struct thing {              // something that is there, and which kind of output may replace it
    const char *name;
    int         replaced_by;        // -1 = none
} thing;

// Rows: what is there. It is replaced by its own kind with force, and by no other.
static void test_things(void **state)
{
    static const thing things[] = {
        { "picture.png", NN_TO_PNG }, { "page.html", NN_TO_PAGE }, { "dump.safetensors", NN_TO_TENSORS },
        { "weights.safetensors", -1 }, { "notes.txt", -1 }, { "model", NN_TO_MODEL }, { "model.run", NN_TO_RUN },
        { "maps", NN_TO_MAPS }, { "hub", -1 }, { "pictures", -1 }, { "link", -1 }, { "dangling", -1 }, { "pipe", -1 },
        { "link-to-folder", -1 },
    };
    char path[NN_PATH_MAX], other[NN_PATH_MAX];
    (void) state;
    assert_int_equal(chdir(dir), 0);
    put("picture.png", png, sizeof png - 1);
    put("page.html", page, sizeof page - 1);
    put("dump.safetensors", tensors, sizeof tensors - 1);
    put("weights.safetensors", weights, sizeof weights - 1);
    put("notes.txt", "notes", 5);
    assert_int_equal(nn_folder_create("model"), VKC_OK);
    put("model/pare.json", "{\"format\": \"pare\"}", 18);
    assert_int_equal(nn_folder_create("model.run"), VKC_OK);
    put("model.run/run.json", "{\"format\": \"pare-run\"}", 22);
    assert_int_equal(nn_folder_create("maps"), VKC_OK);
    put("maps/picture-000-layer-01.png", png, sizeof png - 1);
    assert_int_equal(nn_folder_create("hub"), VKC_OK);
    put("hub/config.json", "{}", 2);
    put("hub/model.safetensors", weights, sizeof weights - 1);
    assert_int_equal(nn_folder_create("pictures"), VKC_OK);
    put("pictures/a.png", png, sizeof png - 1);
    assert_int_equal(symlink("picture.png", "link"), 0);
    assert_int_equal(symlink("no-such", "dangling"), 0);
    assert_int_equal(symlink("model", "link-to-folder"), 0);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    for (size_t i = 0; i < sizeof things / sizeof things[0]; i++)
        for (int k = 0; k < N_KINDS; k++) {
            const nn_destination_kind kind = (nn_destination_kind) k;
            check_refused("is there already", things[i].name, kind, false, NULL);
            if (k == things[i].replaced_by)
                assert_int_equal(check(things[i].name, kind, true, NULL), VKC_OK);
            else
                check_refused("is there already", things[i].name, kind, true, NULL);
            snprintf(path, sizeof path, "%s/", things[i].name);         // which would follow a link
            assert_int_not_equal(check(path, kind, false, NULL), VKC_OK);
        }
    // New places, and empty ones.
    assert_int_equal(nn_folder_create("empty"), VKC_OK);
    for (int k = 0; k < N_KINDS; k++) {
        assert_int_equal(check("new", (nn_destination_kind) k, false, NULL), VKC_OK);
        snprintf(other, sizeof other, "no-such/new");
        assert_int_equal(check(other, (nn_destination_kind) k, false, NULL), k < NN_TO_PNG ? VKC_OK : VKC_E_IO);
    }
    assert_int_equal(check("empty", NN_TO_MODEL, false, NULL), VKC_OK);
    // And a folder that a killed run had claimed is its own.
    put("empty/" NN_LOCK_NAME, "", 0);
    assert_int_equal(check("empty", NN_TO_MODEL, false, NULL), VKC_OK);
    put("empty/model.safetensors", weights, sizeof weights - 1);
    check_refused("--force replaces it", "empty", NN_TO_MODEL, false, NULL);
    assert_int_equal(check("empty", NN_TO_MODEL, true, NULL), VKC_OK);
}

// What is read is not replaced, by whatever path.
static void test_inputs(void **state)
{
    (void) state;
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(nn_folder_create("sub"), VKC_OK);
    check_refused("what is read", "model", NN_TO_MODEL, true, "model");
    check_refused("what is read", "./sub/../model//", NN_TO_MODEL, true, "model");
    check_refused("what is read", "model", NN_TO_MODEL, true, "link-to-folder");
    check_refused("what is read", "model", NN_TO_MODEL, true, "model#teacher");
    check_refused("has model/pare.json#ema in it", "model/", NN_TO_MODEL, true, "model/pare.json#ema");
    check_refused("has model/pare.json in it", "model", NN_TO_MODEL, true, "model/pare.json");
    put("model/dump.safetensors", tensors, sizeof tensors - 1);
    check_refused("part of model", "model/dump.safetensors", NN_TO_TENSORS, true, "model");
    check_refused("part of pictures", "pictures/a.png", NN_TO_PNG, true, "pictures");
    check_refused("what is read", "picture.png", NN_TO_PNG, true, "picture.png");
    assert_int_equal(check("picture.png", NN_TO_PNG, true, "pictures"), VKC_OK);
    assert_int_equal(check("picture.png", NN_TO_PNG, true, "synth:ringed-digit"), VKC_OK);
    assert_int_equal(nn_destination_check((const nn_destination[]) {
        { .name = "--a", .path = "x", .kind = NN_TO_MODEL }, { .name = "--b", .path = "x/", .kind = NN_TO_RUN } }, 2),
        VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "both"));
}

// Writers leave alone what is no file even when nobody asked first.
static void test_writers(void **state)
{
    (void) state;
    nn_lines *l = NULL;
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(nn_file_save("link", "x", 1), VKC_E_IO);
    assert_int_equal(nn_file_save("pipe", "x", 1), VKC_E_IO);
    assert_int_equal(nn_lines_append("dangling", "x"), VKC_E_IO);
    assert_int_equal(nn_lines_append("pipe", "x"), VKC_E_IO);
    assert_int_equal(nn_lines_create("pipe", 100, NULL, NULL, &l), VKC_E_IO);
    assert_false(nn_is_file("no-such"));
}

static vkc_status count_line(void *user, const char *text, size_t len)
{
    assert_int_equal(len, 3);
    assert_memory_equal(text, "one", 3);
    ++*(int *) user;
    return VKC_OK;
}

static void check_text(const char *path, const char *want)
{
    unsigned char *text;
    size_t size;
    assert_int_equal(nn_file_load(path, 1 << 20, &text, &size), VKC_OK);
    assert_string_equal((const char *) text, want);
    free(text);
}

static void test_torn_lines(void **state)
{
    (void) state;
    nn_lines *l = NULL;
    int n = 0;
    assert_int_equal(chdir(dir), 0);
    put("log", "one\none\n{\"to", 12);
    assert_int_equal(nn_lines_create("log", 100, count_line, &n, &l), VKC_OK);
    assert_int_equal(n, 2);
    check_text("log", "one\none\n");
    assert_int_equal(nn_lines_write(l, "two"), VKC_OK);
    nn_lines_destroy(l);
    check_text("log", "one\none\ntwo\n");
    put("log", "one\n{\"to", 8);
    assert_int_equal(nn_lines_append("log", "two"), VKC_OK);
    assert_int_equal(nn_lines_append("log", "three"), VKC_OK);
    check_text("log", "one\ntwo\nthree\n");
    put("log", "torn", 4);
    assert_int_equal(nn_lines_append("log", "one"), VKC_OK);
    check_text("log", "one\n");
    char longer[10000];
    memset(longer, 'x', sizeof longer);         // a torn line of several pieces, and a whole one before
    memcpy(longer, "one\n", 4);
    put("log", longer, sizeof longer);
    assert_int_equal(nn_lines_append("log", "two"), VKC_OK);
    check_text("log", "one\ntwo\n");
}

static void test_lock(void **state)
{
    (void) state;
    nn_lock *a = NULL, *b = NULL;
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(nn_lock_create("locked", &a), VKC_OK);
    assert_int_equal(nn_lock_create("locked", &b), VKC_E_IO);
    assert_non_null(strstr(vkc_last_error(), "locked is being written by another run"));
    // Another process is kept out as well, and one that ends without a word lets go.
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(nn_lock_create("locked", &b) == VKC_E_IO ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    nn_lock_destroy(a, false);
    assert_false(nn_is_folder("locked"));       // it was made for the lock, and is empty
    child = fork();
    if (child == 0)
        _exit(nn_lock_create("locked", &b) == VKC_OK ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(nn_is_file("locked/" NN_LOCK_NAME));
    assert_int_equal(nn_lock_create("locked", &a), VKC_OK);
    put("locked/x", "x", 1);
    nn_lock_destroy(a, true);
    assert_true(nn_is_file("locked/" NN_LOCK_NAME));
    assert_int_equal(nn_lock_create("locked", &a), VKC_OK);
    nn_lock_destroy(a, false);
    assert_false(nn_is_file("locked/" NN_LOCK_NAME));
    assert_true(nn_is_file("locked/x"));
}

static void test_leftovers(void **state)
{
    (void) state;
    nn_saver *s = NULL;
    int status = 0;
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(nn_folder_create("gone"), VKC_OK);
    const pid_t child = fork();
    if (child == 0) {
        nn_leftover_add("gone");
        if (nn_saver_create("gone/file", &s) != VKC_OK || nn_saver_write(s, "x", 1) != VKC_OK)
            _exit(1);
        nn_leftovers_remove();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_false(nn_is_folder("gone"));
    put("stays", "x", 1);                       // what was finished does not go
    nn_leftovers_remove();
    assert_true(nn_is_file("stays"));
}

static void test_reasons(void **state)
{
    (void) state;
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(nn_folder_check("no-such"), VKC_E_IO);
    assert_string_equal(vkc_last_error(), "there is no folder no-such");
    assert_int_equal(nn_folder_check("notes.txt"), VKC_E_IO);
    assert_string_equal(vkc_last_error(), "notes.txt is not a folder");
    assert_string_equal(nn_reason(13), "permission denied");
    assert_string_equal(nn_reason(2), "no such file or directory");
    if (geteuid() == 0)
        return;                                 // who may read everything
    assert_int_equal(nn_folder_create("closed"), VKC_OK);
    assert_int_equal(chmod("closed", 0), 0);
    assert_int_equal(nn_folder_check("closed"), VKC_E_IO);
    assert_string_equal(vkc_last_error(), "cannot read closed: permission denied");
    assert_int_equal(chmod("closed", 0700), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names), cmocka_unit_test(test_things), cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_writers), cmocka_unit_test(test_torn_lines), cmocka_unit_test(test_lock),
        cmocka_unit_test(test_leftovers), cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
