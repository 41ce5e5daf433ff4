// filter.h — what a test program runs of its tests when its command line names some; a name of none is an error.
#ifndef TESTS_FILTER_H
#define TESTS_FILTER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

// Ends the program with 1 and a sentence when the words after its name are more than `most`, or choose nothing.
// Called before a device is opened, so that nothing that is renamed passes anywhere.
static inline void test_filter_check(int argc, char **argv, int most, bool is_any)
{
    const char *name = argv[0];
    if (argc - 1 > most)
        fprintf(stderr, "%s: takes %d word%s that choose%s tests, not %d\n", name, most, most == 1 ? "" : "s",
                most == 1 ? "s" : "", argc - 1);
    else if (!is_any)
        fprintf(stderr, "%s: no test has \"%s\"%s%s%s in its name\n", name, argv[1], argc > 2 ? " and \"" : "",
                argc > 2 ? argv[2] : "", argc > 2 ? "\"" : "");
    else
        return;
    exit(1);
}

// At most one word: the name of a cmocka test, or a pattern with * and ?.
static inline void test_filter_names(int argc, char **argv, const struct CMUnitTest *tests, size_t n)
{
    bool is_any = argc < 2;
    for (size_t i = 0; i < n; i++)
        is_any |= argc > 1 && fnmatch(argv[1], tests[i].name, 0) == 0;
    test_filter_check(argc, argv, 1, is_any);
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
}

#endif
