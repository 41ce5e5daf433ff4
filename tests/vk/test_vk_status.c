// test_vk_status.c — failures: the sentence and its place apart, wrapped in other words, kept, made the newest again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "vk/status.h"

#define HERE "tests/vk/test_vk_status.c"

static void check_newest(const char *text, const char *first_file, int first_line, const char *then)
{
    char place[VKC_MAX_PLACE];
    snprintf(place, sizeof place, "%s:%d%s", first_file, first_line, then);
    assert_string_equal(vkc_last_error(), text);
    assert_string_equal(vkc_last_error_place(), place);
}

// The file is named from the top of the tree, wherever that lies and whatever its folders are called.
static void test_apart(void **state)
{
    (void) state;
    assert_string_equal(vkc_last_error(), "");
    assert_string_equal(vkc_last_error_place(), "");
    const int line = __LINE__ + 1;
    assert_int_equal(VKC_FAIL(VKC_E_IO, "%s [is] %d", "this", 7), VKC_E_IO);
    check_newest("this [is] 7", HERE, line, "");
    assert_int_equal(vkc_fail(VKC_E_ARG, "nn/vk/apps/tests/a.c", 12, "that"), VKC_E_ARG);
    check_newest("that", "nn/vk/apps/tests/a.c", 12, "");
}

// An argument may be the newest sentence itself.
static void test_wrapped(void **state)
{
    (void) state;
    vkc_fail(VKC_E_DEVMEM, "vk/memory.c", 20, "no memory");
    assert_int_equal(vkc_wrap(VKC_E_ARG, "nn/plan.c", 60, "graph: %s, and %s", vkc_last_error(), vkc_last_error()),
                     VKC_E_ARG);
    check_newest("graph: no memory, and no memory", "vk/memory.c", 20, ", nn/plan.c:60");
    const int line = __LINE__ + 2;
    char then[100];
    VKC_WRAP(VKC_E_ARG, "%s; so it ends", vkc_last_error());
    snprintf(then, sizeof then, ", nn/plan.c:60, " HERE ":%d", line);
    check_newest("graph: no memory, and no memory; so it ends", "vk/memory.c", 20, then);
    VKC_FAIL(VKC_E_ARG, "%s", vkc_last_error());        // not wrapped: a failure of this line
    check_newest("graph: no memory, and no memory; so it ends", HERE, line + 3, "");
}

static void *fail_elsewhere(void *user)
{
    if (*vkc_last_error() || *vkc_last_error_place())
        return NULL;
    vkc_fail(VKC_E_IO, "a.c", 1, "of the thread");
    vkc_failure_keep((vkc_failure *) user);
    return user;
}

static void test_kept(void **state)
{
    (void) state;
    vkc_failure kept = { .text = "none" };
    pthread_t thread;
    void *done = NULL;
    vkc_fail(VKC_E_ARG, "b.c", 2, "of this one");
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &kept), 0);
    assert_int_equal(pthread_join(thread, &done), 0);
    assert_non_null(done);                              // nothing of this thread was seen there
    check_newest("of this one", "b.c", 2, "");
    assert_int_equal(vkc_failure_again(VKC_E_IO, &kept), VKC_E_IO);
    check_newest("of the thread", "a.c", 1, "");
}

// What does not fit is cut off: the end of a sentence, the beginning of a file's path.
static void test_long(void **state)
{
    (void) state;
    static char text[2 * VKC_MAX_ERROR], file[2 * VKC_MAX_PLACE];
    memset(text, 'x', sizeof text - 1);
    memset(file, 'y', sizeof file - 1);
    memcpy(file + sizeof file - 5, "/e.c", 5);
    vkc_fail(VKC_E_ARG, file, 2147483647, "%s", text);
    assert_int_equal(strlen(vkc_last_error()), VKC_MAX_ERROR - 1);
    assert_non_null(strstr(vkc_last_error_place(), "y/e.c:2147483647"));
    for (int i = 0; i < 10; i++)
        vkc_wrap(VKC_E_ARG, file, i, "%s", vkc_last_error());
    assert_true(strlen(vkc_last_error_place()) < VKC_MAX_PLACE);
    assert_non_null(strstr(vkc_last_error_place(), "y/e.c:2147483647, "));
}

// A name in a sentence does not drive a terminal; cleaning twice is cleaning once.
static void test_clean(void **state)
{
    (void) state;
    char out[16];
    vkc_fail(VKC_E_ARG, "f.c", 1, "cannot read %s", "a\x1b[31m\n\r\x7f\xc2\x9b\xc3\xa9z");
    assert_string_equal(vkc_last_error(), "cannot read a\\x1b[31m\\x0a\\x0d\\x7f\\x9b\xc3\xa9z");
    vkc_wrap(VKC_E_ARG, "f.c", 2, "again: %s", vkc_last_error());
    assert_string_equal(vkc_last_error(), "again: cannot read a\\x1b[31m\\x0a\\x0d\\x7f\\x9b\xc3\xa9z");
    vkc_text_clean(out, sizeof out, "0123456789abcdefgh");
    assert_string_equal(out, "0123456789abcde");
    vkc_text_clean(out, 4, "\n");
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apart), cmocka_unit_test(test_wrapped), cmocka_unit_test(test_kept),
        cmocka_unit_test(test_long), cmocka_unit_test(test_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
