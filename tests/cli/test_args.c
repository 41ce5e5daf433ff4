// test_args.c — the option table: every type, both spellings, and a sentence for every mistake.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <stdlib.h>

#include "apps/cli/core/args.h"
#include "apps/cli/print/resume_line.h"

typedef struct options {
    bool        flag, check;
    const char *text;
    uint32_t    u32;
    uint64_t    u64;
    double      real, range[2];
} options;

#define AT(member) offsetof(options, member)
static const arg first[] = {
    { .name = "flag", .letter = 'f', .type = ARG_FLAG, .offset = AT(flag), .help = "a flag" },
    { .name = "text", .letter = 'o', .type = ARG_TEXT, .offset = AT(text), .value = "T", .help = "a text" },
    { 0 },
};
static const arg second[] = {
    { .name = "epochs", .type = ARG_U32, .offset = AT(u32), .min = 1, .max = 100, .value = "N", .help = "some" },
    { .name = "check", .letter = 'c', .type = ARG_FLAG, .offset = AT(check), .help = "another flag" },
    { .name = "seed", .letter = 's', .type = ARG_U64, .offset = AT(u64), .value = "N", .help = "a seed" },
    { .name = "lr", .type = ARG_REAL, .offset = AT(real), .max = 1, .value = "X", .help = "a rate" },
    { .name = "scale", .type = ARG_RANGE, .offset = AT(range), .min = 0.1, .max = 2, .value = "X,X", .help = "both" },
    { 0 },
};
static const arg *const tables[] = { first, second, NULL };

#define MAX_WORDS 16

static vkc_status parse(options *o, args_words *w, const char *const *list)
{
    static char *argv[MAX_WORDS];
    int n = 0;
    *o = (options) { .u32 = 7, .real = 0.5 };
    for (; list[n]; n++)
        argv[n] = (char *) (uintptr_t) list[n];
    return args_read(tables, o, n, argv, w);
}
#define PARSE(o, w, ...) parse((o), (w), (const char *const[]) { __VA_ARGS__, NULL })

static void test_good(void **state)
{
    (void) state;
    options o;
    args_words w;
    assert_int_equal(PARSE(&o, &w, "a", "--text", "x", "--epochs=3", "b", "--seed", "9223372036854775807", "--lr",
                           "1e-3", "-f", "--", "--c", "-"), VKC_OK);
    assert_true(o.flag);
    assert_string_equal(o.text, "x");
    assert_int_equal(o.u32, 3);
    assert_true(o.u64 == INT64_MAX);
    assert_true(o.real == 1e-3);
    assert_int_equal(w.n, 4);
    assert_string_equal(w.word[0], "a");
    assert_string_equal(w.word[1], "b");
    assert_string_equal(w.word[2], "--c");
    assert_string_equal(w.word[3], "-");
    assert_int_equal(PARSE(&o, &w, "-o", "-", "--text=a=b"), VKC_OK);
    assert_string_equal(o.text, "a=b");
    assert_int_equal(o.u32, 7);                 // untouched
    assert_true(o.real == 0.5);
    assert_int_equal(PARSE(&o, &w, "--scale", "0.25,1"), VKC_OK);
    assert_true(o.range[0] == 0.25 && o.range[1] == 1);
    static const char *const bad[] = {
        "", "1", "1,", ",1", "1,2,", "1,2,3", "1 ,2", "1,2x", "1;2", "nan,1", "0.05,1", "1,2.5", "2,1", "1,inf",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(PARSE(&o, &w, "--scale", bad[i]), VKC_E_ARG);
}

static void test_letters(void **state)
{
    (void) state;
    static const char *const good[][4] = {
        { "-fcs7" }, { "-f", "-c", "-s", "7" }, { "-cf", "-s7" }, { "-fcs", "7" }, { "-c", "-fs=7" },
    };
    options o;
    args_words w;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(PARSE(&o, &w, good[i][0], good[i][1], good[i][2], good[i][3]), VKC_OK);
        assert_true(o.flag && o.check && o.u64 == 7);
        assert_int_equal(w.n, 0);
    }
    assert_int_equal(PARSE(&o, &w, "-ofc"), VKC_OK);            // what follows -o is its value
    assert_string_equal(o.text, "fc");
    assert_false(o.flag);
    assert_true(args_takes_next(tables, "-s"));
    assert_true(args_takes_next(tables, "-fo"));
    assert_true(args_takes_next(tables, "--lr"));
    assert_false(args_takes_next(tables, "-s7"));
    assert_false(args_takes_next(tables, "-f"));
    assert_false(args_takes_next(tables, "--lr=1"));
    assert_false(args_takes_next(tables, "--flag"));
    assert_false(args_takes_next(tables, "--none"));
}

static void check_bad(const char *words, const char *a, const char *b)
{
    options o;
    args_words w;
    assert_int_equal(PARSE(&o, &w, a, b), VKC_E_ARG);
    if (!strstr(vkc_last_error(), words))
        fail_msg("\"%s\" lacks \"%s\"", vkc_last_error(), words);
}

static void test_bad(void **state)
{
    (void) state;
    check_bad("did you mean --epochs", "--epoch", "3");
    check_bad("did you mean --text", "--txet=3", NULL);
    check_bad("--help lists them", "--zzzzzzzz", NULL);
    check_bad("no option -z", "-z", NULL);
    check_bad("no option -fx", "-fx", NULL);
    check_bad("no option -f=1", "-f=1", NULL);
    check_bad("did you mean --flag", "-flag", NULL);
    check_bad("-fo wants a value", "-fo", NULL);
    check_bad("wants a value", "--text", NULL);
    check_bad("wants a value", "--text=", NULL);
    check_bad("takes no value", "--flag=1", NULL);
    check_bad("whole number", "--epochs", "three");
    check_bad("whole number", "--epochs", "-3");
    check_bad("whole number", "--epochs", "3x");
    check_bad("whole number", "--epochs", "4294967296");
    check_bad("whole number", "--seed", "9223372036854775808");
    check_bad("want 1 to 100", "--epochs", "0");
    check_bad("want 1 to 100", "--epochs", "101");
    check_bad("wants a number", "--lr", "fast");
    check_bad("wants a number", "--lr", "nan");
    check_bad("wants a number", "--lr", "1e999");
    check_bad("want 0 to 1", "--lr", "-1");
}

static void test_print(void **state)
{
    (void) state;
    static const arg table[] = {
        { .name = "keep", .letter = 'k', .type = ARG_REAL, .value = "X", .help = "one two three four five six seven" },
        { .name = "a-very-long-name-of-an-option", .type = ARG_TEXT, .value = "TEXT", .help = "far to the right" },
        { 0 },
    };
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    args_print(f, table, 50);
    fclose(f);
    assert_string_equal(text, "  -k, --keep X               one two three four\n"
                              "                             five six seven\n"
                              "      --a-very-long-name-of-an-option TEXT far to\n"
                              "                             the right\n");
    free(text);
    f = open_memstream(&text, &size);
    args_print(f, table, 1);        // no column is narrower than 20
    fclose(f);
    assert_non_null(strstr(text, "one two three four\n"));
    free(text);
}

static void check_line(const char *typed, bool is_over, const char *want)
{
    char line[256];
    resume_line(typed, is_over, line, sizeof line);
    assert_string_equal(line, want);
}

static void test_resume_line(void **state)
{
    (void) state;
    char line[12];
    check_line("pare train -o m", true, "pare train -o m --resume");
    check_line("pare train --resume -o m", false, "pare train --resume -o m");
    check_line("pare train --max-steps 4 -o m", true, "pare train -o m --resume");
    check_line("pare train --max-steps 4 -o m", false, "pare train --max-steps 4 -o m --resume");
    check_line("pare train --resume -o m --max-steps=4", true, "pare train --resume -o m");
    check_line("pare train --max-steps 4 --max-steps 5", true, "pare train --resume");
    check_line("pare train -o 'a --max-steps 4 --resume'", true, "pare train -o 'a --max-steps 4 --resume' --resume");
    check_line("pare train -o 'it'\\''s --max-steps 4' -q", true, "pare train -o 'it'\\''s --max-steps 4' -q --resume");
    check_line("pare tune --max-steps 4 -- --resume", true, "pare tune --resume -- --resume");
    check_line("pare tune -- --max-steps", true, "pare tune --resume -- --max-steps");
    resume_line("pare train -o model", true, line, sizeof line);
    assert_string_equal(line, "pare train ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good), cmocka_unit_test(test_letters), cmocka_unit_test(test_bad),
        cmocka_unit_test(test_print), cmocka_unit_test(test_resume_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
