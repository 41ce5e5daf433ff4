// test_class_map.c — folders and a model's classes matched by name and by place, row by row; the natural order.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "nn/data/class_map.h"

#define MAX 16
#define NONE { NULL }

typedef struct row {
    const char *folder[MAX], *label[MAX];       // up to the first NULL; no label = the model has no names
    uint32_t    classes;                        // of a model without names
    nn_labels   how;
    uint32_t    to[MAX];
    const char *refused;                        // part of the sentence; NULL = it fits
    bool        by_name, natural, moved;
} row;

static const row rows[] = {
    // The same names, in another order and in the same.
    { { "a", "b", "c" }, { "c", "a", "b" }, 0, NN_LABELS_AUTO, { 1, 2, 0 }, NULL, true, false, true },
    { { "a", "b", "c" }, { "a", "b", "c" }, 0, NN_LABELS_AUTO, { 0, 1, 2 }, NULL, true, false, false },
    { { "a", "b", "c" }, { "c", "a", "b" }, 0, NN_LABELS_NAME, { 1, 2, 0 }, NULL, true, false, true },
    { { "a", "b", "c" }, { "c", "a", "b" }, 0, NN_LABELS_INDEX, { 0, 1, 2 }, NULL, false, false, false },
    // Fewer folders than classes.
    { { "b", "d" }, { "d", "c", "b", "a" }, 0, NN_LABELS_AUTO, { 2, 0 }, NULL, true, false, true },
    { { "b", "d" }, { "d", "c", "b", "a" }, 0, NN_LABELS_INDEX, { 0 }, "by their order they must be as many",
      0, 0, 0 },
    // A folder that is no class.
    { { "a", "x" }, { "a", "b" }, 0, NN_LABELS_AUTO, { 0 }, "1 of those are none of the model's, \"x\" first",
      0, 0, 0 },
    { { "a", "x" }, { "a", "b" }, 0, NN_LABELS_AUTO, { 0 }, "--labels index takes them by their order", 0, 0, 0 },
    { { "a", "x" }, { "a", "b" }, 0, NN_LABELS_INDEX, { 0, 1 }, NULL, false, false, false },
    { { "A", "b" }, { "a", "b" }, 0, NN_LABELS_NAME, { 0 }, "\"A\" first", 0, 0, 0 },
    { { "a", "b", "c" }, { "a", "b" }, 0, NN_LABELS_AUTO, { 0 }, "3 classes, the model 2", 0, 0, 0 },
    // Synonyms: the whole label first, then a part that one class alone has.
    { { "Tinca tinca", "goldfish" }, { "goldfish, Carassius auratus", "tench, Tinca tinca" }, 0, NN_LABELS_AUTO,
      { 1, 0 }, NULL, true, false, true },
    { { "crane", "hoist" }, { "crane", "crane, hoist" }, 0, NN_LABELS_AUTO, { 0, 1 }, NULL, true, false, false },
    { { "crane" }, { "crane, bird", "crane, hoist" }, 0, NN_LABELS_AUTO, { 0 },
      "the name of the model's classes 0 and 1", 0, 0, 0 },
    { { "crane" }, { "crane", "b", "crane" }, 0, NN_LABELS_AUTO, { 0 }, "the model's classes 0 and 2", 0, 0, 0 },
    { { "Tinca tinca", "tench" }, { "x", "tench, Tinca tinca" }, 0, NN_LABELS_AUTO, { 0 },
      "are both the model's class 1", 0, 0, 0 },
    { { "a" }, { "a, a", "b" }, 0, NN_LABELS_AUTO, { 0 }, NULL, true, false, false },
    { { "b" }, { "a,,  b  ,", "c" }, 0, NN_LABELS_AUTO, { 0 }, NULL, true, false, false },
    { { "n01440764", "n01443537" }, { "n01443537", "n01440764" }, 0, NN_LABELS_AUTO, { 1, 0 }, NULL,
      true, false, true },
    // No names: natural order, which may be the bytewise one.
    { { "0", "1", "10", "11", "2" }, NONE, 5, NN_LABELS_AUTO, { 0, 1, 3, 4, 2 }, NULL, false, true, true },
    { { "0", "1", "10", "11", "2" }, NONE, 5, NN_LABELS_INDEX, { 0, 1, 2, 3, 4 }, NULL, false, false, false },
    { { "a1", "a2", "b1" }, NONE, 3, NN_LABELS_AUTO, { 0, 1, 2 }, NULL, false, false, false },
    { { "B", "a" }, NONE, 2, NN_LABELS_AUTO, { 1, 0 }, NULL, false, true, true },
    { { "0", "1" }, NONE, 3, NN_LABELS_AUTO, { 0 }, "2 classes, the model 3, and no names", 0, 0, 0 },
    { { "0", "1" }, NONE, 2, NN_LABELS_NAME, { 0 }, "the model has no names", 0, 0, 0 },
    // Names that are none, and one that is.
    { { "1", "10", "2" }, { "LABEL_0", "LABEL_1", "LABEL_2" }, 0, NN_LABELS_AUTO, { 0, 2, 1 }, NULL,
      false, true, true },
    { { "x", "y" }, { "LABEL_1", "LABEL_0" }, 0, NN_LABELS_AUTO, { 0 }, "none of the model's", 0, 0, 0 },
};

static uint32_t count(const char *const *names)
{
    uint32_t n = 0;
    while (n < MAX && names[n] != NULL)
        n++;
    return n;
}

static void test_rows(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const row *r = &rows[i];
        const uint32_t n = count(r->folder), classes = r->classes ? r->classes : count(r->label);
        nn_class_map map = { .to = NULL };
        const vkc_status st = nn_class_map_make(&(nn_class_map_params) {
            .data = "D", .dash = "--", .folder = r->folder, .label = r->classes ? NULL : r->label, .n_folders = n,
            .n_classes = classes, .how = r->how }, &map);
        if (r->refused ? st != VKC_E_FORMAT || !strstr(vkc_last_error(), r->refused) || map.to != NULL
                       : st != VKC_OK || memcmp(map.to, r->to, n * sizeof *map.to) != 0 || map.by_name != r->by_name ||
                         map.natural != r->natural || map.moved != r->moved)
            fail_msg("row %zu: status %d: %s", i, (int) st, vkc_last_error());
        nn_class_map_finish(&map);
    }
}

// Each stands before the next.
static void test_natural(void **state)
{
    (void) state;
    static const char *const order[] = { "", "0", "1", "2", "9", "10", "11", "a", "a1", "A2", "a10", "a10b", "ab", "B",
                                         "b2c1", "b2c10", "b12", "c99999999999999999999999998",
                                         "c99999999999999999999999999", "\xc3\xa4" };
    const size_t n = sizeof order / sizeof *order;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            const int is = nn_compare_naturally(order[i], order[k]), want = (i > k) - (i < k);
            if (is != want)
                fail_msg("\"%s\" and \"%s\": %d, want %d", order[i], order[k], is, want);
        }
    assert_int_equal(nn_compare_naturally("a01", "A1"), 0);
    assert_int_equal(nn_compare_naturally("000", "0"), 0);
}

static void test_names(void **state)
{
    (void) state;
    nn_labels how;
    assert_int_equal(nn_labels_get("name", &how), VKC_OK);
    assert_int_equal(how, NN_LABELS_NAME);
    assert_string_equal(nn_labels_name(NN_LABELS_INDEX), "index");
    assert_int_equal(nn_labels_get("order", &how), VKC_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows), cmocka_unit_test(test_natural), cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
