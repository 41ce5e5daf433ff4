// test_feed.c — what is wanted of a feed held against what it has, and a loader of pictures as a feed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "nn/data/loader_feed.h"

#define assert_status(expr, want) assert_int_equal(expr, want)
#define assert_ok(expr) assert_status(expr, VKC_OK)

#define DATA "synth:ringed-digit,train=22,val=10,test=10"      // 3 batches of 8, the last one not full
#define BATCH 8u
#define PIXELS (3 * 32 * 32)

typedef struct fixture {
    nn_dataset *data;
    nn_loader_params p;
    nn_loader *l[2];
    nn_feed    feed;                // of the second
    float     *pixels[2];
    uint32_t   labels[2][BATCH];
} fixture;

static void open_fixture(fixture *t)
{
    *t = (fixture) { .data = NULL };
    assert_ok(nn_dataset_create(DATA, &t->data));
    t->p = (nn_loader_params) { .data = t->data, .split = NN_SPLIT_TRAIN, .batch = BATCH, .height = 32, .width = 32,
                                .seed = 3, .shuffle = true, .threads = 2 };
    for (int k = 0; k < 2; k++) {
        assert_ok(nn_loader_create(&t->p, &t->l[k]));
        t->pixels[k] = (float *) calloc(BATCH * PIXELS, sizeof(float));
        assert_non_null(t->pixels[k]);
    }
    t->feed = nn_loader_feed(t->l[1], &t->p);
}

static void close_fixture(fixture *t)
{
    for (int k = 0; k < 2; k++) {
        nn_loader_destroy(t->l[k]);
        free(t->pixels[k]);
    }
    nn_dataset_destroy(t->data);
}

// Pixels and labels, or pixels alone.
static nn_feed_batch want(fixture *t, bool labels)
{
    nn_feed_batch b = { .n = 0 };
    assert_ok(nn_feed_want(&b, "pixels", t->pixels[1], BATCH * PIXELS * sizeof(float)));
    if (labels)
        assert_ok(nn_feed_want(&b, "labels", t->labels[1], sizeof t->labels[1]));
    return b;
}

// The loader's own batches, over the end of an epoch and after a leap.
static void test_loader(void **state)
{
    fixture t;
    (void) state;
    open_fixture(&t);
    assert_int_equal(t.feed.cap, BATCH);
    assert_int_equal(t.feed.batches, 3);
    assert_false(t.feed.has_lengths);
    for (uint32_t k = 0; k < 9; k++) {
        uint32_t n;
        nn_feed_batch b = want(&t, k != 2);
        memset(t.labels, 0xff, sizeof t.labels);
        if (k == 5) {
            assert_ok(nn_loader_seek(t.l[0], 7, 1));
            assert_ok(t.feed.seek(t.feed.self, 7, 1));
        }
        assert_ok(nn_feed_check(&t.feed, &b));
        assert_ok(nn_loader_get(t.l[0], t.pixels[0], k != 2 ? t.labels[0] : NULL, &n));
        assert_ok(t.feed.get(t.feed.self, &b));
        assert_int_equal(b.n, n);
        assert_memory_equal(t.pixels[0], t.pixels[1], n * PIXELS * sizeof(float));
        assert_memory_equal(t.labels[0], t.labels[1], sizeof t.labels[0]);
    }
    assert_status(t.feed.seek(t.feed.self, 0, 4), VKC_E_ARG);
    nn_feed_batch none = { .n = 0 };
    assert_status(t.feed.get(t.feed.self, &none), VKC_E_ARG);
    close_fixture(&t);
}

static void test_fields(void **state)
{
    fixture t;
    (void) state;
    open_fixture(&t);
    assert_int_equal(nn_feed_find(&t.feed, "pixels")->shape.dim[1], PIXELS);
    assert_int_equal(nn_feed_find(&t.feed, "labels")->dtype, NN_DTYPE_U32);
    assert_null(nn_feed_find(&t.feed, "ids"));
    nn_feed_batch b = want(&t, true);
    assert_ptr_equal(nn_feed_wanted(&b, "labels")->data, t.labels[1]);
    assert_null(nn_feed_wanted(&b, "ids"));
    b.field[1].size--;                                  // no room for the largest batch
    assert_status(nn_feed_check(&t.feed, &b), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "labels of the data is 32 bytes a batch, of the graph 31"));
    b.field[1].size += 8;                               // more than is needed
    assert_ok(nn_feed_check(&t.feed, &b));
    b.lengths = t.labels[0];
    assert_status(nn_feed_check(&t.feed, &b), VKC_E_ARG);
    b = want(&t, true);
    assert_ok(nn_feed_want(&b, "ids", t.labels[0], sizeof t.labels[0]));
    assert_status(nn_feed_check(&t.feed, &b), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "the data has no ids, which the graph reads"));
    while (b.n_fields < NN_MAX_FIELDS)
        assert_ok(nn_feed_want(&b, "ids", t.labels[0], sizeof t.labels[0]));
    assert_status(nn_feed_want(&b, "ids", t.labels[0], sizeof t.labels[0]), VKC_E_ARG);
    close_fixture(&t);
}

// Rows a token and values of the whole batch take their own room.
static void test_rows(void **state)
{
    (void) state;
    uint32_t ids[12], key[2];
    const nn_feed f = { .cap = 3, .cap_tokens = 4, .batches = 1, .has_lengths = true, .n_fields = 2,
                        .field = { { "ids", { 1, { 0 } }, NN_DTYPE_U32, NN_PER_TOKEN },
                                   { "key", { 1, { 2 } }, NN_DTYPE_U32, NN_PER_BATCH } } };
    for (size_t k = 0; k < 4; k++) {
        nn_feed_batch b = { .lengths = ids };
        assert_ok(nn_feed_want(&b, "ids", ids, sizeof ids - (k & 1)));
        assert_ok(nn_feed_want(&b, "key", key, sizeof key - (k >> 1)));
        assert_status(nn_feed_check(&f, &b), k ? VKC_E_ARG : VKC_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loader), cmocka_unit_test(test_fields), cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
