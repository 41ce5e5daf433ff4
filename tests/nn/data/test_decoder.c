// test_decoder.c — batches in order and the same bits whatever the threads; broken pictures, cancelling, failures.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nn/data/decoder.h"
#include "nn/image/image.h"

#define SIDE 4
#define RGB (SIDE * SIDE * 3)
#define NO_PICTURE UINT64_MAX

// Pictures counted from 0, `batch` of each batch but the last; what each holds follows from its number.
typedef struct pictures {
    uint64_t n, batch;
    uint64_t broken_every;          // number % this == 1 is broken; 0 = none
    uint64_t fatal;                 // this one ends the whole
    atomic_uint begun, busy;
    bool slow;                      // a millisecond each
} pictures;

static uint32_t get_len(void *user, uint64_t batch)
{
    const pictures *s = user;
    const uint64_t first = batch * s->batch, left = first < s->n ? s->n - first : 0;
    return (uint32_t) (left < s->batch ? left : s->batch);
}

static bool is_broken(const pictures *s, uint64_t number)
{
    return s->broken_every > 0 && number % s->broken_every == 1;
}

static void draw(uint64_t number, uint8_t *rgb)
{
    for (uint32_t i = 0; i < RGB; i++)
        rgb[i] = (uint8_t) (number * 31 + i * 7);
}

static vkc_status read_picture(void *user, uint64_t batch, uint32_t at, uint8_t *scratch, uint8_t *rgb)
{
    pictures *s = user;
    const uint64_t number = batch * s->batch + at;
    atomic_fetch_add(&s->begun, 1);
    atomic_fetch_add(&s->busy, 1);
    // Uneven work, so that threads overtake one another.
    const struct timespec pause = { 0, s->slow ? 1000000 : (long) (number * 7919 % 5) * 50000 };
    if (pause.tv_nsec > 0)
        nanosleep(&pause, NULL);
    draw(number, scratch);
    memcpy(rgb, scratch, RGB);
    atomic_fetch_sub(&s->busy, 1);
    if (number == s->fatal)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for picture %llu", (unsigned long long) number);
    return is_broken(s, number) ? VKC_FAIL(VKC_E_FORMAT, "picture %llu is cut off", (unsigned long long) number)
                                : VKC_OK;
}

static nn_decoder_params make_params(pictures *s, uint32_t threads)
{
    return (nn_decoder_params) {
        .source = { get_len, read_picture, s }, .batch = (uint32_t) s->batch, .threads = threads,
        .size = { SIDE, SIDE }, .channels = 3, .mean = { 0.5, 0.4, 0.3 }, .std = { 0.2, 0.3, 0.4 }, .rgb = true,
        .scratch = RGB,
    };
}

static nn_decoder *make(pictures *s, uint32_t threads)
{
    nn_decoder *d = NULL;
    const nn_decoder_params p = make_params(s, threads);
    assert_int_equal(nn_decoder_create(&p, &d), VKC_OK);
    return d;
}

// Batch `k` as it has to be, worked out without a decoder.
static void check_batch(pictures *s, const nn_decoded *b, uint64_t k)
{
    const nn_decoder_params p = make_params(s, 1);
    uint8_t rgb[RGB];
    float want[RGB];
    uint32_t good = 0;
    assert_non_null(b);
    assert_true(b->batch == k);
    assert_int_equal(b->n, get_len(s, k));
    for (uint32_t i = 0; i < b->n; i++) {
        const uint64_t number = k * s->batch + i;
        const nn_decoded_picture *d = &b->picture[i];
        assert_int_equal(d->place, good);
        if (is_broken(s, number)) {
            char text[64];
            snprintf(text, sizeof text, "picture %llu is cut off", (unsigned long long) number);
            assert_int_equal(d->st, VKC_E_FORMAT);
            assert_string_equal(d->text, text);
            continue;
        }
        assert_int_equal(d->st, VKC_OK);
        assert_null(d->text);
        draw(number, rgb);
        nn_image_normalise(rgb, SIDE * SIDE, 3, p.mean, p.std, want);
        assert_memory_equal(b->rgb + (size_t) i * RGB, rgb, RGB);
        assert_memory_equal(b->pixels + (size_t) good * RGB, want, sizeof want);
        good++;
    }
    assert_int_equal(b->good, good);
}

static void check_all(pictures *s, nn_decoder *d, uint64_t first)
{
    const nn_decoded *b = NULL;
    const uint64_t n = (s->n + s->batch - 1) / s->batch;
    for (uint64_t k = first; k < n; k++) {
        assert_int_equal(nn_decoder_get(d, &b), VKC_OK);
        check_batch(s, b, k);
        if (k % 3 == 0)
            nn_decoder_release(d);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(nn_decoder_get(d, &b), VKC_OK);
        assert_null(b);
    }
}

static void test_order(void **state)
{
    (void) state;
    for (uint32_t threads = 1; threads <= 8; threads++) {
        pictures s = { .n = 103, .batch = 7, .broken_every = 5, .fatal = NO_PICTURE };
        nn_decoder *d = make(&s, threads);
        for (uint64_t first = 0; first < 15; first += 6) {
            nn_decoder_start(d, first);
            check_all(&s, d, first);
        }
        nn_decoder_start(d, 15);            // beyond the last
        check_all(&s, d, 15);
        nn_decoder_destroy(d);
    }
}

static void test_all_broken(void **state)
{
    (void) state;
    pictures s = { .n = 9, .batch = 1, .broken_every = 2, .fatal = NO_PICTURE };       // every other batch
    nn_decoder *d = make(&s, 3);
    nn_decoder_start(d, 0);
    check_all(&s, d, 0);
    nn_decoder_destroy(d);
}

// A ring that holds more than there is, and nothing at all.
static void test_few(void **state)
{
    (void) state;
    for (uint64_t n = 0; n < 4; n++) {
        pictures s = { .n = n, .batch = 2, .fatal = NO_PICTURE };
        nn_decoder_params p = make_params(&s, 8);
        nn_decoder *d = NULL;
        p.slots = 50;
        assert_int_equal(nn_decoder_create(&p, &d), VKC_OK);
        nn_decoder_start(d, 0);
        check_all(&s, d, 0);
        assert_int_equal(atomic_load(&s.begun), n);
        nn_decoder_destroy(d);
    }
}

static void wait_until(const atomic_uint *x, uint32_t least)
{
    const struct timespec pause = { 0, 1000000 };
    while (atomic_load(x) < least)
        nanosleep(&pause, NULL);
}

// No more than the slots hold is begun before a batch is released, and a batch that is held stays as it is.
static void test_back_pressure(void **state)
{
    (void) state;
    pictures s = { .n = 1000, .batch = 4, .fatal = NO_PICTURE };
    const struct timespec pause = { 0, 20000000 };
    const nn_decoded *b = NULL;
    nn_decoder *d = make(&s, 4);            // three slots
    nn_decoder_start(d, 0);
    wait_until(&s.begun, 12);
    nanosleep(&pause, NULL);
    assert_int_equal(atomic_load(&s.begun), 12);
    assert_int_equal(nn_decoder_get(d, &b), VKC_OK);
    nanosleep(&pause, NULL);
    assert_int_equal(atomic_load(&s.begun), 12);
    check_batch(&s, b, 0);
    nn_decoder_release(d);
    wait_until(&s.begun, 16);
    nanosleep(&pause, NULL);
    assert_int_equal(atomic_load(&s.begun), 16);
    nn_decoder_destroy(d);
}

static void test_cancel(void **state)
{
    (void) state;
    for (uint32_t round = 0; round < 20; round++) {
        pictures s = { .n = 1000, .batch = 8, .fatal = NO_PICTURE, .slow = true };
        const nn_decoded *b = NULL;
        nn_decoder *d = make(&s, 1 + round % 4);
        nn_decoder_start(d, 0);
        for (uint32_t i = 0; i < round % 3; i++)
            assert_int_equal(nn_decoder_get(d, &b), VKC_OK);
        wait_until(&s.begun, 1);
        nn_decoder_cancel(d);
        const uint32_t begun = atomic_load(&s.begun);
        assert_int_equal(atomic_load(&s.busy), 0);
        assert_true(begun < 100);
        assert_int_equal(nn_decoder_get(d, &b), VKC_E_ARG);
        assert_null(b);
        assert_int_equal(atomic_load(&s.begun), begun);
        s.slow = false;
        s.n = 50;
        nn_decoder_start(d, 2);
        if (round % 2 == 0)
            check_all(&s, d, 2);
        nn_decoder_destroy(d);              // in the middle of things
        assert_int_equal(atomic_load(&s.busy), 0);
    }
}

// What is no picture's affair ends the whole, at the latest when its batch is asked for; a new start goes on.
static void test_fatal(void **state)
{
    (void) state;
    for (uint32_t threads = 1; threads <= 4; threads++) {
        pictures s = { .n = 60, .batch = 6, .fatal = 33, .broken_every = 4 };
        const nn_decoded *b = NULL;
        vkc_status st = VKC_OK;
        nn_decoder *d = make(&s, threads);
        nn_decoder_start(d, 0);
        uint32_t k = 0;
        for (; st == VKC_OK && k < 10; k++)
            st = nn_decoder_get(d, &b);
        assert_int_equal(st, VKC_E_NOMEM);
        assert_true(k <= 6);
        assert_non_null(strstr(vkc_last_error(), "no memory for picture 33"));
        assert_int_equal(nn_decoder_get(d, &b), VKC_E_NOMEM);
        nn_decoder_cancel(d);               // what other threads had begun is over
        s.fatal = NO_PICTURE;
        nn_decoder_start(d, 0);
        check_all(&s, d, 0);
        nn_decoder_destroy(d);
    }
}

static void test_bad_params(void **state)
{
    (void) state;
    pictures s = { .n = 1, .batch = 1 };
    nn_decoder *d = NULL;
    const nn_decoder_params good = make_params(&s, 1);
    nn_decoder_params p[] = { good, good, good, good, good, good };
    p[0].batch = 0;
    p[1].size.width = 0;
    p[2].size.height = NN_IMAGE_MAX_SIDE + 1;
    p[3].channels = 2;
    p[4].std[2] = 0;
    p[5].source.read = NULL;
    for (size_t i = 0; i < sizeof p / sizeof p[0]; i++)
        assert_int_equal(nn_decoder_create(&p[i], &d), VKC_E_ARG);
    assert_null(d);
    nn_decoder_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order), cmocka_unit_test(test_all_broken), cmocka_unit_test(test_few),
        cmocka_unit_test(test_back_pressure), cmocka_unit_test(test_cancel), cmocka_unit_test(test_fatal),
        cmocka_unit_test(test_bad_params),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
