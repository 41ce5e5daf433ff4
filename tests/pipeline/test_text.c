// test_text.c — texts in memory: whole whatever their size, or said to be lost; JSON that lost a part is not written.
#include "nn/base/json.h"
#include "pipeline/base/text.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_whole(void **state)
{
    (void) state;
    static const int lines[] = { 0, 1, 255, 256, 257, 4096, 100000 };       // 16 bytes each
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        pipeline_text t;
        char *text = NULL;
        size_t size = 0;
        assert_int_equal(pipeline_text_open(&t), VKC_OK);
        for (int k = 0; k < lines[i]; k++)
            fprintf(t.f, "%015d\n", k);
        assert_int_equal(pipeline_text_close(&t, &text, &size), VKC_OK);
        assert_int_equal(size, 16 * (size_t) lines[i]);
        assert_int_equal(strlen(text), size);
        for (int k = 0; k < lines[i]; k++)
            assert_int_equal(atoi(text + 16 * k), k);
        free(text);
    }
}

// More than can be had is asked for in the middle, and what follows would fit again.
static void test_lost(void **state)
{
    (void) state;
    pipeline_text t;
    char *text = NULL;
    assert_int_equal(pipeline_text_open(&t), VKC_OK);
    fputs("first", t.f);
    assert_int_equal(fflush(t.f), 0);
    const size_t size = t.size;
    t.size = SIZE_MAX / 2;
    fputs("second", t.f);
    assert_int_not_equal(fflush(t.f), 0);
    t.size = size;
    fputs("third", t.f);
    assert_int_equal(pipeline_text_close(&t, &text, NULL), VKC_E_NOMEM);
    assert_null(text);
    assert_string_equal(vkc_last_error(), "out of host memory for a text");
}

static void test_json(void **state)
{
    (void) state;
    json_t *o = json_object();
    nn_json_set_new(o, "a", json_integer(1));
    char *text = nn_json_print(o, JSON_COMPACT);
    assert_string_equal(text, "{\"a\":1}");
    free(text);
    nn_json_set_new(o, "b", NULL);                  // as json_integer() gives it without memory
    nn_json_set_new(o, "c", json_integer(3));
    assert_null(nn_json_print(o, JSON_COMPACT));
    text = nn_json_print(o, JSON_COMPACT);          // said once
    assert_non_null(text);
    free(text);
    nn_json_set_new(o, "b", NULL);
    assert_int_equal(nn_json_save("no-such-folder/x.json", o), VKC_E_NOMEM);
    nn_json_append_new(NULL, json_integer(1));      // a list that nobody wants
    assert_true(nn_json_is_whole());
    json_decref(o);
}

static void test_utf8(void **state)
{
    (void) state;
    static const struct { const char *text; bool is; } cases[] = {
        { "", true }, { "tench", true }, { "T\xc3\xbcr", true }, { "\xe2\x82\xac", true }, { "\xf0\x9f\x90\x9f", true },
        { "\xef\xbf\xbf", true }, { "\xf4\x8f\xbf\xbf", true }, { "\xff", false }, { "\x80", false }, { "\xc3", false },
        { "\xc3(", false }, { "\xc0\xaf", false }, { "\xe0\x80\xaf", false }, { "\xed\xa0\x80", false },
        { "\xf4\x90\x80\x80", false }, { "\xf0\x8f\xbf\xbf", false }, { "\xe2\x82", false }, { "a\xf0\x9f\x90", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *value = json_string(cases[i].text);
        assert_int_equal(nn_is_utf8(cases[i].text), cases[i].is);
        assert_int_equal(value != NULL, cases[i].is);
        json_decref(value);
        value = nn_json_name(cases[i].text);
        assert_int_equal(json_is_string(value), cases[i].is);
        assert_int_equal(json_is_null(value), !cases[i].is);
        json_decref(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
