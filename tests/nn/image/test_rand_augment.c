// test_rand_augment.c — policies read and refused, and how often what is drawn: RandAugment, jitter, crops, erasing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/image/augment/erase.h"
#include "nn/image/augment/rand_augment.h"
#include "nn/image/augment/random_crop.h"
#include "tests/nn/image/pillow.h"

#define N 20000                     // pictures; all counts follow from the seeds, and stay as they are

static void test_policies(void **state)
{
    (void) state;
    static const struct { const char *text; nn_rand_augment want; } good[] = {
        { "rand", { 2, 10, 0, 10, 0.5, false } },
        { "rand-m9-mstd0.5-inc1", { 2, 9, 0.5, 10, 0.5, true } },
        { "rand-inc1-n3-m7-p0.25-mmax12", { 3, 7, 0, 12, 0.25, true } },
        { "rand-m0-inc0-p1", { 2, 0, 0, 10, 1, false } },
        { "rand-mstd101", { 2, 10, INFINITY, 10, 0.5, false } },
    };
    static const char *const bad[] = {
        "", "ran", "v0", "original-mstd0.5", "augmix-m5", "randm9", "rand-", "rand-m", "rand-m9-", "rand-m9--inc1",
        "rand-x9", "rand-m9-m8", "rand-m-9", "rand-m9.5", "rand-n0", "rand-n17", "rand-p1.5", "rand-p-0.5", "rand-inc2",
        "rand-mstd1e9", "rand-m9 ", "rand-mstd.", "rand-tweights", "rand-m1000000000000000000000", "RAND", "rand-M9",
        "rand-mstd0.5.5", "rand-mmax0", "rand-m101", "rand-m9,inc1", "rand-mmmmmmmmmmmmmmmm9",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        nn_rand_augment r = { 0 };
        const nn_rand_augment *w = &good[i].want;
        assert_int_equal(nn_rand_augment_get(good[i].text, &r), VKC_OK);
        assert_true(r.n == w->n && r.magnitude == w->magnitude && r.most == w->most && r.increasing == w->increasing);
        assert_true(r.noise == w->noise && fabs(r.probability - w->probability) < 1e-15);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        nn_rand_augment r = { .n = 77 };
        if (nn_rand_augment_get(bad[i], &r) != VKC_E_ARG)
            fail_msg("the policy \"%s\" is taken", bad[i]);
        assert_int_equal(r.n, 77);
        assert_true(strlen(vkc_last_error()) > 20);
    }
}

// What the values of an operation may be, and how many are below 0 (or, of factors, below 1).
typedef struct tally { uint32_t n, low; double least, most, sum; } tally;

static void draw_all(const char *policy, tally t[NN_N_PIXEL_OPS], uint32_t counts[NN_RAND_AUGMENT_MAX + 1],
                     uint32_t filters[2])
{
    nn_rand_augment r;
    memset(filters, 0, 2 * sizeof *filters);
    memset(counts, 0, (NN_RAND_AUGMENT_MAX + 1) * sizeof *counts);
    for (int op = 0; op < NN_N_PIXEL_OPS; op++)
        t[op] = (tally) { .least = INFINITY, .most = -INFINITY };
    assert_int_equal(nn_rand_augment_get(policy, &r), VKC_OK);
    for (uint32_t i = 0; i < N; i++) {
        nn_pixel_step step[NN_RAND_AUGMENT_MAX];
        nn_draws d = { i * 0x9e3779b97f4a7c15u, 3, 0 };
        const uint32_t n = nn_rand_augment_draw(&r, NN_TRAIN_RANDOM, &d, step);
        counts[n]++;
        for (uint32_t k = 0; k < n; k++) {
            const nn_pixel_op op = step[k].op;
            const bool is_factor = op >= NN_PIXEL_COLOR && op <= NN_PIXEL_SHARPNESS;
            t[op].n++;
            t[op].low += step[k].value < (is_factor ? 1 : 0);
            t[op].least = fmin(t[op].least, step[k].value);
            t[op].most = fmax(t[op].most, step[k].value);
            t[op].sum += step[k].value;
            filters[step[k].filter]++;
        }
    }
}

// Of n draws with this probability: within five standard deviations.
static void assert_share(uint32_t is, uint32_t n, double probability)
{
    const double off = 5 * sqrt(n * probability * (1 - probability));
    if (!(fabs(is - n * probability) <= off))
        fail_msg("%u of %u, want %g of them within %g", is, n, probability, off);
}

// m9-mstd0.5-inc1, the published recipe: magnitudes of 9 with noise, at most 10.
static void test_draws(void **state)
{
    (void) state;
    tally t[NN_N_PIXEL_OPS];
    uint32_t counts[NN_RAND_AUGMENT_MAX + 1], filters[2];
    draw_all("rand-m9-mstd0.5-inc1", t, counts, filters);
    assert_share(counts[0], N, 0.25);
    assert_share(counts[1], N, 0.5);
    assert_share(counts[2], N, 0.25);
    assert_int_equal(counts[0] + counts[1] + counts[2], N);
    assert_share(filters[1], filters[0] + filters[1], 0.5);
    for (int op = 0; op < NN_N_PIXEL_OPS; op++)
        assert_share(t[op].n, filters[0] + filters[1], 1.0 / NN_N_PIXEL_OPS);
    static const struct { nn_pixel_op op; double least, most, size; } both[] = {     // with either sign
        { NN_PIXEL_ROTATE, -30, 30, 27 }, { NN_PIXEL_SHEAR_X, -0.3, 0.3, 0.27 }, { NN_PIXEL_SHEAR_Y, -0.3, 0.3, 0.27 },
        { NN_PIXEL_TRANSLATE_X, -0.45, 0.45, 0.405 }, { NN_PIXEL_TRANSLATE_Y, -0.45, 0.45, 0.405 },
        { NN_PIXEL_COLOR, 0.1, 1.9, 0.81 }, { NN_PIXEL_CONTRAST, 0.1, 1.9, 0.81 },
        { NN_PIXEL_BRIGHTNESS, 0.1, 1.9, 0.81 }, { NN_PIXEL_SHARPNESS, 0.1, 1.9, 0.81 },
    };
    for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
        const tally *o = &t[both[i].op];
        const double middle = (both[i].least + both[i].most) / 2;
        assert_share(o->low, o->n, 0.5);
        assert_true(o->least >= both[i].least - 1e-12 && o->most <= both[i].most + 1e-12);
        assert_true(o->least <= middle - both[i].size && o->most >= middle + both[i].size);
        assert_true(fabs(o->sum / o->n - middle) < both[i].size / 10);
    }
    assert_true(t[NN_PIXEL_POSTERIZE].least == 0 && t[NN_PIXEL_POSTERIZE].most == 2);   // 4 - trunc(3.6), mostly
    assert_true(fabs(t[NN_PIXEL_POSTERIZE].sum / t[NN_PIXEL_POSTERIZE].n - 0.98) < 0.03);
    assert_true(t[NN_PIXEL_SOLARIZE].least >= 0 && fabs(t[NN_PIXEL_SOLARIZE].sum / t[NN_PIXEL_SOLARIZE].n - 27) < 3);
    assert_true(t[NN_PIXEL_SOLARIZE_ADD].most <= 110 &&
                fabs(t[NN_PIXEL_SOLARIZE_ADD].sum / t[NN_PIXEL_SOLARIZE_ADD].n - 98) < 3);
}

static void test_magnitudes(void **state)
{
    (void) state;
    tally t[NN_N_PIXEL_OPS];
    uint32_t counts[NN_RAND_AUGMENT_MAX + 1], filters[2];
    draw_all("rand-m5-p1-n3", t, counts, filters);          // no noise: one value each; less is more
    assert_int_equal(counts[3], N);
    assert_true(t[NN_PIXEL_POSTERIZE].least == 2 && t[NN_PIXEL_POSTERIZE].most == 2);
    assert_true(t[NN_PIXEL_SOLARIZE].least == 128 && t[NN_PIXEL_SOLARIZE].most == 128);
    assert_true(t[NN_PIXEL_SOLARIZE_ADD].least == 55 && t[NN_PIXEL_SOLARIZE_ADD].most == 55);
    assert_true(t[NN_PIXEL_COLOR].least == 1 && t[NN_PIXEL_COLOR].most == 1);
    assert_true(t[NN_PIXEL_ROTATE].least == -15 && t[NN_PIXEL_ROTATE].most == 15);
    draw_all("rand-m20-mmax20-p1-inc1", t, counts, filters);
    assert_true(t[NN_PIXEL_ROTATE].least == -60 && t[NN_PIXEL_ROTATE].most == 60);
    assert_true(t[NN_PIXEL_POSTERIZE].least == -4 && t[NN_PIXEL_SOLARIZE].least == 0);
    assert_true(t[NN_PIXEL_COLOR].least == 0.1 && fabs(t[NN_PIXEL_COLOR].most - 2.8) < 1e-12);
    draw_all("rand-m8-mstd200-p1", t, counts, filters);     // uniform from 0 to 8
    assert_true(t[NN_PIXEL_ROTATE].most <= 24 && t[NN_PIXEL_ROTATE].least >= -24);
    assert_true(fabs(t[NN_PIXEL_SOLARIZE].sum / t[NN_PIXEL_SOLARIZE].n - 102) < 3);
    draw_all("rand-p0", t, counts, filters);
    assert_int_equal(counts[0], N);
}

static void test_jitter(void **state)
{
    (void) state;
    uint32_t order[3] = { 0 }, low = 0;
    double least = 2, most = 0;
    for (uint32_t i = 0; i < N; i++) {
        nn_pixel_step s[3];
        nn_draws d = { i * 0x9e3779b97f4a7c15u, 4, 0 };
        nn_color_jitter_draw(0.3, &d, s);
        uint32_t seen = 0;
        for (uint32_t k = 0; k < 3; k++) {
            seen |= 1u << (s[k].op - NN_PIXEL_COLOR);
            order[k] += s[k].op == NN_PIXEL_BRIGHTNESS;
            low += s[k].value < 1;
            least = fmin(least, s[k].value);
            most = fmax(most, s[k].value);
        }
        assert_int_equal(seen, 7);
    }
    for (int k = 0; k < 3; k++)
        assert_share(order[k], N, 1.0 / 3);
    assert_share(low, 3 * N, 0.5);
    assert_true(least >= 0.7 && least < 0.701 && most <= 1.3 && most > 1.299);
    nn_draws d = { 1, 4, 0 };
    nn_pixel_step s[3];
    for (uint32_t i = 0; i < 1000; i++) {
        nn_color_jitter_draw(4, &d, s);                     // no factor is below 0
        assert_true(s[0].value >= 0 && s[1].value >= 0 && s[2].value >= 0);
    }
}

static void test_crops(void **state)
{
    (void) state;
    const nn_random_crop usual = { { 0.08, 1 }, { 3.0 / 4, 4.0 / 3 } };
    uint32_t low = 0, wide = 0, left = 0;
    double least = 1, sum = 0;
    for (uint32_t i = 0; i < N; i++) {
        nn_draws d = { i * 0x9e3779b97f4a7c15u, 1, 0 };
        const nn_window w = nn_random_crop_draw(&usual, (nn_size) { 300, 400 }, &d);
        const double area = (double) w.height * w.width / 120000, ratio = (double) w.width / w.height;
        assert_true(w.top + w.height <= 300 && w.left + w.width <= 400);
        assert_true(area > 0.078 && ratio > 0.74 && ratio < 1.35);
        low += area < 0.54;
        wide += ratio > 1;
        left += 2 * w.left < 400 - w.width;
        least = fmin(least, area);
        sum += area;
    }
    // timm 1.0.31 has 0.677, 0.572, 0.497, 0.432 and 0.0796 of as many draws.
    assert_share(low, N, 0.675);
    assert_share(wide, N, 0.57);
    assert_share(left, N, 0.496);
    assert_true(fabs(sum / N - 0.433) < 0.005 && fabs(least - 0.08) < 0.001);
    // Too long for any draw: the middle, at the nearest ratio; and never nothing.
    nn_draws d = { 5, 1, 0 };
    nn_window w = nn_random_crop_draw(&(nn_random_crop) { { 1, 1 }, { 0.75, 1.5 } }, (nn_size) { 10, 100 }, &d);
    assert_true(w.height == 10 && w.width == 15 && w.top == 0 && w.left == 42);
    w = nn_random_crop_draw(&(nn_random_crop) { { 1, 1 }, { 0.75, 1.5 } }, (nn_size) { 100, 10 }, &d);
    assert_true(w.height == 13 && w.width == 10 && w.top == 43 && w.left == 0);
    for (uint32_t i = 0; i < 100; i++) {
        w = nn_random_crop_draw(&usual, (nn_size) { 1, 1 }, &d);
        assert_true(w.height == 1 && w.width == 1 && w.top == 0 && w.left == 0);
    }
}

// The bytes are those of the part, cut out and resized.
static void test_crop_bytes(void **state)
{
    (void) state;
    const nn_size size = { 16, 12 };
    nn_image im = { 29, 31, malloc(29 * 31 * 3) };
    static uint8_t part[10 * 13 * 3], want[16 * 12 * 3], out[16 * 12 * 3];
    const nn_window w = { .top = 7, .left = 11, .height = 10, .width = 13 };
    assert_non_null(im.rgb);
    pillow_draw(im.rgb, 31, 29);
    for (uint32_t y = 0; y < w.height; y++)
        memcpy(part + y * w.width * 3, im.rgb + ((y + w.top) * 29 + w.left) * 3, w.width * 3);
    assert_int_equal(nn_resample(part, (nn_size) { 10, 13 }, size, NN_FILTER_BICUBIC, 13, NULL, want, 12 * 3), VKC_OK);
    assert_int_equal(nn_random_crop_write(&w, &im, size, NN_FILTER_BICUBIC, 13, out), VKC_OK);
    assert_memory_equal(out, want, sizeof want);
    assert_true(im.height == 10 && im.width == 13);
    nn_image_finish(&im);
}

enum { CHANNELS = 3, SIDE = 20, LEN = SIDE * SIDE };

// Erase a picture of 7s; the box, and whether it is one in all channels.
static uint32_t erase(const nn_erase *e, uint64_t key, float *pixels)
{
    nn_draws d = { key, 5, 0 };
    uint32_t n = 0;
    for (int i = 0; i < CHANNELS * LEN; i++)
        pixels[i] = 7;
    nn_erase_write(e, &d, CHANNELS, (nn_size) { SIDE, SIDE }, pixels);
    for (int i = 0; i < LEN; i++) {
        n += pixels[i] != 7;
        assert_true((pixels[i] != 7) == (pixels[LEN + i] != 7) && (pixels[i] != 7) == (pixels[2 * LEN + i] != 7));
    }
    return n;
}

static void test_erasing(void **state)
{
    (void) state;
    static float x[CHANNELS * LEN];
    uint32_t done = 0, n_noise = 0;
    double sum = 0, squares = 0, share = 0;
    for (uint32_t i = 0; i < N; i++) {
        const uint32_t n = erase(&(nn_erase) { .probability = 0.25 }, i * 0x9e3779b97f4a7c15u, x);
        done += n > 0;
        share += (double) n / LEN;
        assert_true(n == 0 || (n >= 0.01 * LEN && n <= 0.36 * LEN));
        for (int k = 0; k < CHANNELS * LEN; k++)
            if (x[k] != 7) {
                n_noise++;
                sum += (double) x[k];
                squares += (double) x[k] * (double) x[k];
            }
    }
    assert_share(done, N, 0.25);
    assert_true(share / done > 0.14 && share / done < 0.19);
    assert_true(fabs(sum / n_noise) < 0.01 && fabs(squares / n_noise - 1) < 0.01);
    for (uint32_t i = 0; i < 200; i++) {
        const uint32_t n = erase(&(nn_erase) { .probability = 1, .mode = NN_ERASE_CONST }, i, x);
        for (int k = 0; k < CHANNELS * LEN; k++)
            assert_true(x[k] == 7 || x[k] == 0);
        assert_true(n > 0);
        erase(&(nn_erase) { .probability = 1, .mode = NN_ERASE_RAND }, i, x);
        for (int c = 0; c < CHANNELS; c++) {
            float color = 7;
            for (int k = 0; k < LEN; k++) {
                const float is = x[c * LEN + k];
                color = color == 7 ? is : color;
                assert_true(is == 7 || is == color);
            }
            assert_true(color != 7);
        }
        erase(&(nn_erase) { .probability = 1, .count = 4 }, i, x);
    }
    nn_erase_mode mode = NN_ERASE_RAND;
    assert_int_equal(nn_erase_mode_get("const", &mode), VKC_OK);
    assert_int_equal(mode, NN_ERASE_CONST);
    assert_int_equal(nn_erase_mode_get("noise", &mode), VKC_E_ARG);
    assert_int_equal(erase(&(nn_erase) { .probability = 0 }, 3, x), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies), cmocka_unit_test(test_draws), cmocka_unit_test(test_magnitudes),
        cmocka_unit_test(test_jitter), cmocka_unit_test(test_crops), cmocka_unit_test(test_crop_bytes),
        cmocka_unit_test(test_erasing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
