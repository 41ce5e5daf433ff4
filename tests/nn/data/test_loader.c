// test_loader.c — the same bits whatever the threads and the start, every picture once, broken ones named.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/data/augment.h"
#include "nn/base/files.h"
#include "nn/data/loader.h"
#include "tests/nn/image/pictures.h"
#include "tests/temp_dir.h"


#define SIZE 16
#define PICTURE (SIZE * SIZE * 3)

static void put_file(const char *name, const void *bytes, size_t size)
{
    char path[NN_PATH_MAX];
    assert_int_equal(nn_path_build(path, dir, name), VKC_OK);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(nn_folder_create(path), VKC_OK);
    *slash = '/';
    assert_int_equal(nn_file_save(path, bytes, size), VKC_OK);
}

// A picture whose every byte is `value`.
static void put_flat(const char *name, uint8_t value)
{
    static uint8_t rgb[PICTURE], png[PICTURE + 256];
    memset(rgb, value, sizeof rgb);
    put_file(name, png, make_png(png, SIZE, SIZE, 8, 2, rgb, sizeof rgb));
}

static nn_dataset *open_set(const char *name)
{
    nn_dataset *d = NULL;
    char path[NN_PATH_MAX];
    assert_int_equal(nn_path_build(path, dir, name), VKC_OK);
    assert_int_equal(nn_dataset_create(path, &d), VKC_OK);
    return d;
}

static void test_shuffle(void **state)
{
    (void) state;
    static const uint32_t sizes[] = { 1, 2, 3, 13, 37, 64, 65, 1000, 4097 };
    static uint8_t seen[4097];
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        uint32_t n = sizes[k], moved = 0;
        memset(seen, 0, n);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t j = nn_shuffle_get(7, 3, n, i);
            assert_true(j < n && !seen[j]);
            seen[j] = 1;
            moved += j != nn_shuffle_get(7, 4, n, i);
        }
        assert_true(n < 13 || moved > n / 2);
    }
    // Neighbours end up far apart: the mean step of 1000 shuffled is near a third of them.
    uint64_t steps = 0;
    for (uint32_t i = 1; i < 1000; i++)
        steps += (uint64_t) abs((int) nn_shuffle_get(1, 0, 1000, i) - (int) nn_shuffle_get(1, 0, 1000, i - 1));
    assert_in_range(steps / 999, 300, 366);
}

static void test_augment(void **state)
{
    (void) state;
    uint8_t in[5 * 5 * 3], out[5 * 5 * 3];
    for (int i = 0; i < 25; i++)
        memset(in + 3 * i, i, 3);
    nn_augment_params none = { 0 }, all = { true, true, true, 0 }, shift = { .shift = 2 };
    nn_augment_write(&none, 1, 2, 3, 5, 5, in, out);
    assert_memory_equal(in, out, sizeof in);
    uint32_t corners[25] = { 0 }, centres[25] = { 0 };
    for (uint64_t i = 0; i < 2000; i++) {
        nn_augment_write(&all, 1, 0, i, 5, 5, in, out);
        assert_int_equal(out[36], 12);                      // the middle stays
        uint32_t kind = out[0] == 0 ? 0 : out[0] == 4 ? 1 : out[0] == 20 ? 2 : 3;
        corners[2 * kind + (out[3] == 1 || out[3] == 3 || out[3] == 21 || out[3] == 23)]++;
        nn_augment_write(&shift, 1, 0, i, 5, 5, in, out);
        centres[out[36]]++;
        assert_int_equal(out[39] % 5, out[36] % 5 == 4 ? 3 : out[36] % 5 + 1);     // mirrored at the edge
    }
    for (int k = 0; k < 8; k++)                             // the eight symmetries of a square, evenly
        assert_in_range(corners[k], 190, 310);
    for (int k = 0; k < 25; k++)                            // and the 25 shifts
        assert_in_range(centres[k], 45, 120);
}

static void run(const nn_loader_params *p, uint64_t epoch, uint32_t batch, uint32_t n_batches, float *pixels,
                uint32_t *labels, uint32_t *n)
{
    nn_loader *l = NULL;
    assert_int_equal(nn_loader_create(p, &l), VKC_OK);
    if (epoch > 0 || batch > 0)
        assert_int_equal(nn_loader_seek(l, epoch, batch), VKC_OK);
    *n = 0;
    for (uint32_t i = 0; i < n_batches; i++) {
        uint32_t got = 0;
        assert_int_equal(nn_loader_get(l, pixels + (size_t) *n * 3 * p->height * p->width, labels + *n, &got), VKC_OK);
        *n += got;
    }
    nn_loader_destroy(l);
}

// Epochs of 7 batches (6 x 8 + 5): 20 batches from the first, on 1 and 4 threads, with and without a cache, and the
// last 9 of them after a seek.
static void test_same_bits(void **state)
{
    (void) state;
    static const char *const specs[] = { "synth:ringed-digit,train=53", "synth:ringed-digit,train=53,fresh=0" };
    const size_t image = 3 * SIZE * SIZE;
    float *a = malloc(200 * image * sizeof *a), *b = malloc(200 * image * sizeof *b);
    uint32_t labels_a[200], labels_b[200], n_a, n_b;
    for (int k = 0; k < 2; k++) {
        nn_dataset *d = NULL;
        assert_int_equal(nn_dataset_create(specs[k], &d), VKC_OK);
        nn_loader_params p = { .data = d, .batch = 8, .height = SIZE, .width = SIZE, .seed = 5, .shuffle = true,
                               .threads = 1, .augment = { true, true, true, 3 } };
        run(&p, 0, 0, 20, a, labels_a, &n_a);
        assert_int_equal(n_a, 53 + 53 + 48);
        p.threads = 4;
        run(&p, 0, 0, 20, b, labels_b, &n_b);
        assert_int_equal(n_a, n_b);
        assert_memory_equal(a, b, n_a * image * sizeof *a);
        assert_memory_equal(labels_a, labels_b, n_a * sizeof *labels_a);
        p.cache_bytes = 1, p.threads = 3;
        run(&p, 1, 4, 9, b, labels_b, &n_b);
        assert_int_equal(n_b, 21 + 48);
        assert_memory_equal(a + (n_a - n_b) * image, b, n_b * image * sizeof *a);
        assert_memory_equal(labels_a + (n_a - n_b), labels_b, n_b * sizeof *labels_a);
        p.seed = 6;
        run(&p, 1, 4, 9, b, labels_b, &n_b);
        assert_memory_not_equal(a + (n_a - n_b) * image, b, n_b * image * sizeof *a);
        nn_dataset_destroy(d);
    }
    free(a);
    free(b);
}

static void test_seeks(void **state)
{
    (void) state;
    nn_dataset *d = NULL;
    nn_loader *l = NULL;
    static float want[7][8 * 3 * SIZE * SIZE], x[8 * 3 * SIZE * SIZE];
    uint32_t labels[8], n;
    assert_int_equal(nn_dataset_create("synth:ringed-digit,train=53", &d), VKC_OK);
    nn_loader_params p = { .data = d, .batch = 8, .height = SIZE, .width = SIZE, .shuffle = true, .threads = 4 };
    assert_int_equal(nn_loader_create(&p, &l), VKC_OK);
    assert_int_equal(nn_loader_batches(l), 7);
    for (int k = 0; k < 7; k++)
        assert_int_equal(nn_loader_get(l, want[k], labels, &n), VKC_OK);
    for (uint32_t i = 0; i < 60; i++) {
        uint32_t k = i * 5 % 7;
        assert_int_equal(nn_loader_seek(l, 0, k), VKC_OK);
        for (uint32_t j = 0; j < i % 3; j++, k++) {
            if (k == 7)
                break;
            assert_int_equal(nn_loader_get(l, x, labels, &n), VKC_OK);
            assert_int_equal(n, k == 6 ? 5 : 8);
            assert_memory_equal(x, want[k], n * 3 * SIZE * SIZE * sizeof *x);
        }
    }
    assert_int_equal(nn_loader_seek(l, 0, 7), VKC_E_ARG);
    nn_loader_destroy(l);
    nn_dataset_destroy(d);
}

static void test_ends(void **state)
{
    (void) state;
    nn_dataset *d = NULL;
    nn_loader *l = NULL;
    static float x[8 * SIZE * SIZE];
    uint32_t labels[8], n, count[10] = { 0 };
    assert_int_equal(nn_dataset_create("synth:ringed-digit,val=53,test=0", &d), VKC_OK);
    nn_loader_params p = { .data = d, .split = NN_SPLIT_VAL, .batch = 8, .height = SIZE, .width = SIZE, .channels = 1,
                           .epochs = 1, .max_images = 20 };
    assert_int_equal(nn_loader_create(&p, &l), VKC_OK);
    assert_int_equal(nn_loader_images(l), 20);
    for (uint32_t k = 0; k < 3; k++) {
        assert_int_equal(nn_loader_get(l, x, labels, &n), VKC_OK);
        assert_int_equal(n, k == 2 ? 4 : 8);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(labels[i], (k * 8 + i) * 53 / 20 % 10);
            count[labels[i]]++;
        }
    }
    for (int k = 0; k < 10; k++)
        assert_in_range(count[k], 1, 3);
    assert_int_equal(nn_loader_get(l, x, labels, &n), VKC_E_ARG);
    nn_loader_destroy(l);
    p.max_images = 0, p.drop_last = true;
    assert_int_equal(nn_loader_create(&p, &l), VKC_OK);
    assert_int_equal(nn_loader_images(l), 48);
    nn_loader_destroy(l);
    l = NULL;
    p.batch = 54;
    assert_int_equal(nn_loader_create(&p, &l), VKC_E_ARG);
    p.batch = 0;
    assert_int_equal(nn_loader_create(&p, &l), VKC_E_ARG);
    p.batch = 8, p.split = NN_SPLIT_TEST;
    assert_int_equal(nn_loader_create(&p, &l), VKC_E_FORMAT);
    p.split = NN_SPLIT_VAL, p.augment.shift = SIZE;
    assert_int_equal(nn_loader_create(&p, &l), VKC_E_ARG);
    assert_null(l);
    nn_dataset_destroy(d);
}

static void test_bad_pictures(void **state)
{
    (void) state;
    char name[64];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "mixed/c%d/%02d.png", i % 2, i);
        put_flat(name, (uint8_t) (10 * i));
    }
    put_file("mixed/c0/04.png", "", 0);
    put_file("mixed/c1/07.png", "junk", 4);
    nn_dataset *d = open_set("mixed");
    nn_loader *l = NULL;
    static float x[8 * PICTURE];
    uint32_t labels[8], n, total = 0, sum = 0;
    nn_loader_params p = { .data = d, .split = NN_SPLIT_ALL, .batch = 8, .height = SIZE, .width = SIZE, .seed = 1,
                           .shuffle = true, .threads = 3, .mean = { 0, 0, 0 }, .std = { 1, 1, 1 } };
    assert_int_equal(nn_loader_create(&p, &l), VKC_OK);
    for (int k = 0; k < 9; k++) {                       // three epochs
        assert_int_equal(nn_loader_get(l, x, labels, &n), VKC_OK);
        total += n;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t value = (uint32_t) (x[i * PICTURE] * 25.5f + 0.5f);        // 10 i / 255 * 25.5 = i
            assert_int_equal(labels[i], value % 2);
            sum += value;
        }
    }
    assert_int_equal(total, 3 * 18);
    assert_int_equal(sum, 3 * (190 - 4 - 7));
    assert_int_equal(nn_loader_bad(l), 2);
    const char *first = nn_loader_bad_text(l, 0), *second = nn_loader_bad_text(l, 1);
    assert_true(strstr(first, "04.png is empty") != NULL || strstr(second, "04.png is empty") != NULL);
    assert_true(strchr(first, '[') == NULL);
    assert_null(nn_loader_bad_text(l, 2));
    nn_loader_destroy(l);
    nn_dataset_destroy(d);

    put_file("broken/a/1.png", "junk", 4);
    put_file("broken/a/2.png", "", 0);
    put_file("broken/b/3.jpg", "junk", 4);
    d = open_set("broken");
    p.data = d, p.batch = 2;
    assert_int_equal(nn_loader_create(&p, &l), VKC_OK);
    assert_int_equal(nn_loader_get(l, x, labels, &n), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "no usable image in"));
    nn_loader_destroy(l);
    nn_dataset_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shuffle), cmocka_unit_test(test_augment), cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_seeks),   cmocka_unit_test(test_ends),    cmocka_unit_test(test_bad_pictures),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
