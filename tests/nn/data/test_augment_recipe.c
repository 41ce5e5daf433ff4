// test_augment_recipe.c — a recipe in the loader: the same bits for any threads and start, repeats, what combines.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "nn/data/loader.h"
#include "nn/image/image.h"
#include "nn/models/picture_loader.h"

enum { SIZE = 16, LEN = 3 * SIZE * SIZE, N = 48, BATCH = 8, BATCHES = N / BATCH };

static nn_dataset *open_set(void)
{
    nn_dataset *d = NULL;
    assert_int_equal(nn_dataset_create("synth:ringed-digit,train=48,fresh=0", &d), VKC_OK);
    return d;
}

static nn_loader_params params(const nn_dataset *d)
{
    return (nn_loader_params) { .data = d, .batch = BATCH, .height = SIZE, .width = SIZE, .seed = 5, .shuffle = true,
                                .threads = 1 };
}

static const nn_augment_recipe whole = {
    .aa = "rand-m9-mstd0.5-inc1", .color_jitter = 0.3, .force_color_jitter = true, .reprob = 0.5, .recount = 2,
    .aug_repeats = 3, .scale = { 0.3, 1 }, .hflip = 0.5, .vflip = 0.2,
};

// Batches from (epoch, batch) on, in order.
static void read_all(const nn_loader_params *p, uint64_t epoch, uint32_t batch, uint32_t n, float *out,
                     uint32_t *labels)
{
    nn_loader *l = NULL;
    uint32_t got;
    assert_int_equal(nn_loader_create(p, &l), VKC_OK);
    assert_int_equal(nn_loader_batches(l), BATCHES);
    if (epoch || batch)
        assert_int_equal(nn_loader_seek(l, epoch, batch), VKC_OK);
    for (uint32_t i = 0; i < n; i++, out += BATCH * LEN, labels += BATCH) {
        assert_int_equal(nn_loader_get(l, out, labels, &got), VKC_OK);
        assert_int_equal(got, BATCH);
    }
    nn_loader_destroy(l);
}

static float a[3 * N * LEN], b[3 * N * LEN];
static uint32_t labels_a[3 * N], labels_b[3 * N];

static void test_same_bits(void **state)
{
    (void) state;
    nn_dataset *d = open_set();
    nn_loader_params p = params(d);
    nn_augment_recipe with[4] = { whole, whole, whole, { .aa = "rand-m9", .hflip = 0.5, .reprob = 1 } };
    with[1].aa = NULL;
    memset(with[2].scale, 0, sizeof with[2].scale);
    for (int k = 0; k < 4; k++) {
        p.recipe = with[k];
        p.threads = 1;
        read_all(&p, 0, 0, 2 * BATCHES, a, labels_a);
        p.threads = 4;
        read_all(&p, 0, 0, 2 * BATCHES, b, labels_b);
        assert_memory_equal(a, b, 2 * N * LEN * sizeof *a);
        assert_memory_equal(labels_a, labels_b, 2 * N * sizeof *labels_a);
        p.cache_bytes = 1;
        read_all(&p, 1, 2, 3, b, labels_b);
        assert_memory_equal(a + (N + 2 * BATCH) * LEN, b, 3 * BATCH * LEN * sizeof *a);
        p.cache_bytes = 0;
        p.seed++;
        read_all(&p, 0, 0, BATCHES, b, labels_b);
        assert_memory_not_equal(a, b, N * LEN * sizeof *a);
        assert_memory_not_equal(a, a + N * LEN, N * LEN * sizeof *a);       // and epochs differ
    }
    nn_dataset_destroy(d);
}

// Each picture of an epoch stands three times in a row, each copy changed on its own; the next has others.
static void test_repeats(void **state)
{
    (void) state;
    nn_dataset *d = open_set();
    nn_loader_params p = params(d);
    nn_loader *l = NULL;
    uint32_t seen[N] = { 0 }, n = 0;
    p.recipe = (nn_augment_recipe) { .aug_repeats = 3, .reprob = 1 };
    assert_int_equal(nn_loader_create(&p, &l), VKC_OK);
    assert_int_equal(nn_loader_batches(l), BATCHES);
    for (uint32_t i = 0; i < N; i++)
        seen[nn_loader_find(l, i / BATCH, i % BATCH)]++;
    for (uint32_t i = 0; i < N; i++) {
        assert_true(seen[i] == 0 || seen[i] == 3);
        n += seen[i] == 3;
        const uint32_t first = i / 3 * 3;
        assert_int_equal(nn_loader_find(l, i / BATCH, i % BATCH), nn_loader_find(l, first / BATCH, first % BATCH));
    }
    assert_int_equal(n, N / 3);
    nn_loader_destroy(l);
    read_all(&p, 0, 0, BATCHES, a, labels_a);
    for (uint32_t i = 0; i < N; i += 3) {
        assert_true(labels_a[i] == labels_a[i + 1] && labels_a[i] == labels_a[i + 2]);
        assert_memory_not_equal(a + i * LEN, a + (i + 1) * LEN, LEN * sizeof *a);
        assert_memory_not_equal(a + (i + 1) * LEN, a + (i + 2) * LEN, LEN * sizeof *a);
    }
    p.recipe = (nn_augment_recipe) { .aug_repeats = 3 };    // and nothing else: the copies are alike
    read_all(&p, 0, 0, BATCHES, b, labels_b);
    assert_memory_equal(b, b + LEN, LEN * sizeof *b);
    assert_memory_equal(labels_a, labels_b, N * sizeof *labels_a);
    p.shuffle = false;
    assert_int_equal(nn_loader_create(&p, &l), VKC_E_ARG);
    nn_dataset_destroy(d);
}

// Each part draws from a stream of its own: without erasing, what is not erased is the same.
static void test_parts(void **state)
{
    (void) state;
    nn_dataset *d = open_set();
    nn_loader_params p = params(d);
    uint32_t same = 0;
    p.recipe = whole;
    read_all(&p, 0, 0, BATCHES, a, labels_a);
    p.recipe.reprob = 0;
    read_all(&p, 0, 0, BATCHES, b, labels_b);
    for (uint32_t i = 0; i < N * LEN; i++)
        same += memcmp(&a[i], &b[i], sizeof *a) == 0;
    assert_true(same > N * LEN * 8 / 10 && same < N * LEN);
    // Colour jitter beside RandAugment is left out unless forced.
    p.recipe = (nn_augment_recipe) { .aa = "rand-m9", .color_jitter = 0.4 };
    read_all(&p, 0, 0, BATCHES, a, labels_a);
    p.recipe.color_jitter = 0;
    read_all(&p, 0, 0, BATCHES, b, labels_b);
    assert_memory_equal(a, b, N * LEN * sizeof *a);
    p.recipe.color_jitter = 0.4;
    p.recipe.force_color_jitter = true;
    read_all(&p, 0, 0, BATCHES, b, labels_b);
    assert_memory_not_equal(a, b, N * LEN * sizeof *a);
    // With nothing to do they are the pictures themselves.
    p.recipe = (nn_augment_recipe) { .aa = "rand-p0" };
    read_all(&p, 0, 0, BATCHES, a, labels_a);
    p.recipe = (nn_augment_recipe) { .aa = NULL };
    read_all(&p, 0, 0, BATCHES, b, labels_b);
    assert_memory_equal(a, b, N * LEN * sizeof *a);
    nn_dataset_destroy(d);
}

// A flip that is certain, twice over with the picture's own.
static void test_flips(void **state)
{
    (void) state;
    nn_dataset *d = open_set();
    nn_loader_params p = params(d);
    p.recipe = (nn_augment_recipe) { .hflip = 1 };
    read_all(&p, 0, 0, BATCHES, a, labels_a);
    p.recipe = (nn_augment_recipe) { .vflip = 1 };
    read_all(&p, 0, 0, BATCHES, a + N * LEN, labels_a);
    p.recipe = (nn_augment_recipe) { .aa = NULL };
    read_all(&p, 0, 0, BATCHES, b, labels_b);
    for (uint32_t i = 0; i < N * 3; i++)
        for (uint32_t y = 0; y < SIZE; y++)
            for (uint32_t x = 0; x < SIZE; x++) {
                const float *is = b + i * SIZE * SIZE + y * SIZE + x;
                assert_memory_equal(is, a + i * SIZE * SIZE + y * SIZE + SIZE - 1 - x, sizeof *is);
                assert_memory_equal(is, a + N * LEN + i * SIZE * SIZE + (SIZE - 1 - y) * SIZE + x, sizeof *is);
            }
    nn_dataset_destroy(d);
}

// What says where pixels come from takes the place of the usual flips, transposes and shifts; the rest does not.
static void test_combines(void **state)
{
    (void) state;
    static const struct { nn_augment_recipe r; bool replaces; } rows[] = {
        { { .aa = "rand-m9" }, false }, { { .color_jitter = 0.3 }, false }, { { .reprob = 1 }, false },
        { { .aug_repeats = 3 }, false }, { { .scale = { 0.1, 1 } }, true }, { { .ratio = { 1, 1 } }, true },
        { { .hflip = 0.5 }, true }, { { .vflip = 0.5 }, true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nn_loader_params p = { .augment = { true, true, true, 3 } };
        nn_loader_params_augment(&p, &rows[i].r);
        assert_int_equal(p.augment.flip_h, !rows[i].replaces);
        assert_int_equal(p.augment.shift, rows[i].replaces ? 0 : 3);
        assert_memory_equal(&p.recipe, &rows[i].r, sizeof p.recipe);
    }
}

static void test_refusals(void **state)
{
    (void) state;
    static const struct { nn_augment_recipe r; const char *word; } bad[] = {
        { { .aa = "v0" }, "aa: " }, { { .color_jitter = -0.1 }, "color-jitter" }, { { .reprob = 1.01 }, "reprob" },
        { { .reprob = -1 }, "reprob" }, { { .remode = "noise" }, "remode: " }, { { .recount = 65 }, "recount" },
        { { .aug_repeats = 65 }, "aug-repeats" }, { { .scale = { 0.5, 0.1 } }, "scale" },
        { { .scale = { 0, 1 } }, "scale" }, { { .scale = { 0.1, 1.1 } }, "scale" }, { { .ratio = { -1, 1 } }, "ratio" },
        { { .hflip = 2 }, "hflip" }, { { .vflip = -1 }, "vflip" },
        { { .train_interpolation = "nearest" }, "train-interpolation: " },
    };
    nn_dataset *d = open_set();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        nn_loader_params p = params(d);
        nn_loader *l = NULL;
        p.recipe = bad[i].r;
        assert_int_equal(nn_augment_recipe_check(&bad[i].r), VKC_E_ARG);
        assert_non_null(strstr(vkc_last_error(), bad[i].word));
        assert_int_equal(nn_loader_create(&p, &l), VKC_E_ARG);
        assert_null(l);
    }
    assert_int_equal(nn_augment_recipe_check(&whole), VKC_OK);
    nn_dataset_destroy(d);
}

// The colour that comes from outside is the mean of the model's pixels.
static void test_fill(void **state)
{
    (void) state;
    nn_augmenter r;
    const double mean[3] = { 0.485, 0.5, -2 };
    assert_int_equal(nn_augmenter_init(&r, &whole, mean), VKC_OK);
    assert_true(r.fill[0] == 124 && r.fill[1] == 128 && r.fill[2] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits), cmocka_unit_test(test_repeats), cmocka_unit_test(test_parts),
        cmocka_unit_test(test_flips), cmocka_unit_test(test_combines), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_fill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
