// test_optim.c — ten steps of AdamW and the average of the values against a double reference, clipping, equal bits,
// the schedule.
#include "nn/train/optim.h"

#include "nn/base/rng.h"
#include "nn/train/schedule.h"
#include "tests/device.h"
#include "tests/numbers.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define BLOCKS 3u
#define LEN 20011u                  // odd, and more than the workgroups of a block take at once
#define STEPS 10u

typedef struct arena {
    vkc_device    *dev;
    vkc_buffer    *buf[BLOCKS][5];  // params, grads, m, v, average
    nn_adamw_block blocks[BLOCKS];
    nn_adamw      *opt;
    vkc_recording *rec;
} arena;

static const nn_adamw_params hyper = { .weight_decay = 0.05, .max_norm = 1.0, .ema = 0.4 };
static const nn_schedule schedule = { .lr = 1e-2, .min_lr = 1e-4, .warmup = 3, .total = STEPS };

static void open_arena(arena *t, const nn_adamw_params *params)
{
    *t = (arena) { .dev = test_device_open() };
    for (uint32_t b = 0; b < BLOCKS; b++) {
        vkc_slice s[5];
        for (int i = 0; i < 5; i++) {
            assert_int_equal(vkc_buffer_create(t->dev, VKC_MEM_DEVICE, LEN * 4, "block", &t->buf[b][i]), VKC_OK);
            s[i] = (vkc_slice) { t->buf[b][i], 0, LEN * 4 };
            assert_int_equal(vkc_fill(t->dev, s[i], 0), VKC_OK);
        }
        t->blocks[b] = (nn_adamw_block) {
            .params = s[0], .grads = s[1], .m = s[2], .v = s[3], .decay_len = b == 0 ? LEN : b == 1 ? 777 : 0,
            .average = s[4],
        };
    }
    assert_int_equal(nn_adamw_create(t->dev, params, t->blocks, BLOCKS, &t->opt), VKC_OK);
    assert_int_equal(vkc_recording_create(t->dev, &(vkc_recording_params) { .name = "step" }, &t->rec), VKC_OK);
    assert_int_equal(nn_adamw_record(t->opt, t->rec), VKC_OK);
    assert_int_equal(nn_adamw_record_clear(t->opt, t->rec), VKC_OK);
    assert_int_equal(vkc_recording_finish(t->rec), VKC_OK);
}

static void close_arena(arena *t)
{
    assert_int_equal(vkc_device_validation_count(t->dev), 0);
    vkc_recording_destroy(t->rec);
    nn_adamw_destroy(t->opt);
    for (uint32_t b = 0; b < BLOCKS; b++)
        for (int i = 0; i < 5; i++)
            vkc_buffer_destroy(t->buf[b][i]);
    vkc_device_destroy(t->dev);
}

// Gradients of step `step`: small in the first steps, so that only later ones are clipped.
static float gradient(uint32_t step, uint32_t i)
{
    return (step < 4 ? 1e-3f : 1e-1f) * nn_rng_normal(11, step, i);
}

// Ten steps from the same start; fills p with the parameters and their averages behind them, norms with what was left
// on the device.
static void train(arena *t, float *p, float norms[STEPS][2])
{
    float *g = (float *) malloc(LEN * sizeof *g);
    for (uint32_t b = 0; b < BLOCKS; b++) {
        for (uint32_t i = 0; i < LEN; i++)
            g[i] = nn_rng_normal(5, b, i);
        assert_int_equal(vkc_write(t->dev, t->blocks[b].params, g), VKC_OK);
        assert_int_equal(vkc_write(t->dev, t->blocks[b].average, g), VKC_OK);
        assert_int_equal(vkc_fill(t->dev, t->blocks[b].m, 0), VKC_OK);
        assert_int_equal(vkc_fill(t->dev, t->blocks[b].v, 0), VKC_OK);
    }
    for (uint32_t s = 0; s < STEPS; s++) {
        for (uint32_t b = 0; b < BLOCKS; b++) {
            for (uint32_t i = 0; i < LEN; i++)
                g[i] = gradient(s, b * LEN + i);
            assert_int_equal(vkc_write(t->dev, t->blocks[b].grads, g), VKC_OK);
        }
        nn_adamw_write_step(t->opt, nn_schedule_lr(&schedule, s), s + 1);
        assert_int_equal(vkc_submit(t->rec, NULL), VKC_OK);
        assert_int_equal(vkc_wait(t->dev, 0), VKC_OK);
        assert_int_equal(vkc_read(t->dev, nn_adamw_get_norm(t->opt), norms[s]), VKC_OK);
    }
    for (uint32_t b = 0; b < BLOCKS; b++) {
        assert_int_equal(vkc_read(t->dev, t->blocks[b].params, p + (size_t) b * LEN), VKC_OK);
        assert_int_equal(vkc_read(t->dev, t->blocks[b].average, p + (size_t) (BLOCKS + b) * LEN), VKC_OK);
        assert_int_equal(vkc_read(t->dev, t->blocks[b].grads, g), VKC_OK);
        for (uint32_t i = 0; i < LEN; i++)
            assert_true(g[i] == 0.0f);      // cleared
    }
    free(g);
}

// The same in double.
static void train_ref(const nn_adamw_params *h, double *p, double norms[STEPS][2])
{
    const uint32_t n = BLOCKS * LEN;
    double *m = (double *) calloc(n, sizeof *m), *v = (double *) calloc(n, sizeof *v);
    for (uint32_t i = 0; i < n; i++)
        p[i] = p[n + i] = (double) nn_rng_normal(5, i / LEN, i % LEN);
    for (uint32_t s = 0; s < STEPS; s++) {
        double sum = 0, lr = nn_schedule_lr(&schedule, s), ema = fmin(h->ema, (2.0 + s) / (11.0 + s));
        for (uint32_t i = 0; i < n; i++)
            sum += (double) gradient(s, i) * (double) gradient(s, i);
        norms[s][0] = sqrt(sum);
        norms[s][1] = h->max_norm > 0 ? fmin(1, h->max_norm / (norms[s][0] + 1e-6)) : 1;
        for (uint32_t i = 0; i < n; i++) {
            double g = (double) gradient(s, i) * norms[s][1];
            bool decays = i < LEN || (i < 2 * LEN && i - LEN < 777);
            p[i] *= decays ? 1 - lr * h->weight_decay : 1;
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            p[i] -= lr / (1 - pow(0.9, s + 1)) * m[i] / (sqrt(v[i] / (1 - pow(0.999, s + 1))) + 1e-8);
            if (h->ema > 0)
                p[n + i] = ema * p[n + i] + (1 - ema) * p[i];
        }
    }
    free(m);
    free(v);
}

static void check_training(const nn_adamw_params *h)
{
    const size_t n = (size_t) 2 * BLOCKS * LEN;      // values and averages
    float *a = (float *) malloc(n * sizeof *a), *b = (float *) malloc(n * sizeof *b);
    double *want = (double *) malloc(n * sizeof *want), worst = 0, ref_norms[STEPS][2];
    float norms[STEPS][2], again[STEPS][2];
    arena t;
    open_arena(&t, h);
    train(&t, a, norms);
    train(&t, b, again);
    train_ref(h, want, ref_norms);
    for (size_t i = 0; i < n; i++)
        worst = test_worst(worst, fabs((double) a[i] - want[i]));
    assert_true(worst < 5e-6);
    assert_memory_equal(a, b, n * sizeof *a);
    assert_memory_equal(norms, again, sizeof norms);
    for (uint32_t s = 0; s < STEPS; s++)
        for (int k = 0; k < 2; k++)
            assert_true(fabs((double) norms[s][k] - ref_norms[s][k]) < 1e-5 * ref_norms[s][k]);
    close_arena(&t);
    free(a);
    free(b);
    free(want);
}

static void test_steps(void **state)
{
    (void) state;
    check_training(&hyper);
}

static void test_plain(void **state)
{
    (void) state;
    check_training(&(nn_adamw_params) { .weight_decay = 0 });
}

static void test_bad_blocks(void **state)
{
    (void) state;
    arena t;
    open_arena(&t, &hyper);
    nn_adamw *o = NULL;
    nn_adamw_block b = t.blocks[0];
    assert_int_equal(nn_adamw_create(t.dev, &hyper, &b, 0, &o), VKC_E_ARG);
    b.m.size -= 4;
    assert_int_equal(nn_adamw_create(t.dev, &hyper, &b, 1, &o), VKC_E_ARG);
    b = t.blocks[0];
    b.decay_len = LEN + 1;
    assert_int_equal(nn_adamw_create(t.dev, &hyper, &b, 1, &o), VKC_E_ARG);
    b = t.blocks[0];
    b.average = (vkc_slice) { 0 };
    assert_int_equal(nn_adamw_create(t.dev, &hyper, &b, 1, &o), VKC_E_ARG);
    assert_int_equal(nn_adamw_create(t.dev, &(nn_adamw_params) { .ema = 1 }, t.blocks, 1, &o), VKC_E_ARG);
    assert_null(o);
    close_arena(&t);
}

static void test_schedule(void **state)
{
    (void) state;
    const nn_schedule s = { .lr = 1, .min_lr = 0.1, .warmup = 4, .total = 14 };
    assert_true(nn_schedule_lr(&s, 0) == 0.25 && nn_schedule_lr(&s, 3) == 1 && nn_schedule_lr(&s, 4) == 1);
    assert_true(fabs(nn_schedule_lr(&s, 9) - 0.55) < 1e-12);
    assert_true(nn_schedule_lr(&s, 14) == 0.1 && nn_schedule_lr(&s, 100) == 0.1);
    const nn_schedule cold = { .lr = 1, .total = 2 }, empty = { .lr = 1 };
    assert_true(nn_schedule_lr(&cold, 0) == 1 && fabs(nn_schedule_lr(&cold, 1) - 0.5) < 1e-12);
    assert_true(nn_schedule_lr(&empty, 0) == 0);
    const nn_schedule from = { .lr = 1, .min_lr = 0.1, .warmup = 4, .total = 14, .warmup_lr = 0.2 };
    assert_true(nn_schedule_lr(&from, 0) == 0.2 && fabs(nn_schedule_lr(&from, 2) - 0.6) < 1e-12);
    assert_true(nn_schedule_lr(&from, 4) == 1 && nn_schedule_lr(&from, 14) == 0.1);
}

// What a run asks for, as a schedule.
static void test_rates(void **state)
{
    (void) state;
    const nn_rates usual = { .min_lr = 0 }, none = { .warmup = -1, .min_lr = 1e-6 },
                   scaled = { .warmup = 0.5, .base = 5e-4, .base_size = 512, .warmup_lr = 1e-6 },
                   plain = { .base = 1 };
    nn_schedule s = nn_rates_schedule(&usual, 1e-3, 64, 10, 20, 7);
    assert_true(s.lr == 1e-3 && s.min_lr == 0 && s.warmup == 7 && s.total == 200 && s.warmup_lr == 0);
    s = nn_rates_schedule(&none, 1e-3, 64, 10, 20, 7);
    assert_true(s.warmup == 0 && s.min_lr == 1e-6 && nn_schedule_lr(&s, 0) == 1e-3 && nn_schedule_lr(&s, 200) == 1e-6);
    s = nn_rates_schedule(&scaled, 1e-3, 1024, 10, 20, 7);
    assert_true(s.lr == 1e-3 && s.warmup == 10 && nn_schedule_lr(&s, 0) == 1e-6);
    assert_true(nn_rates_peak(&scaled, 7, 64) == 5e-4 / 8 && nn_rates_peak(&usual, 7, 64) == 7);
    assert_true(nn_rates_peak(&plain, 7, 64) == 0.25);
    static const nn_rates bad[] = {
        { .min_lr = -1 }, { .min_lr = 2e-3 }, { .warmup_lr = 2e-3 }, { .warmup_lr = -1 }, { .base = -1 },
        { .base = 1e-3, .min_lr = 1e-3 }, { .min_lr = NAN }, { .warmup = NAN }, { .base = INFINITY },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(nn_rates_check(&bad[i], 1e-3, 64), VKC_E_ARG);
    assert_int_equal(nn_rates_check(&scaled, 0, 64), VKC_OK);
    assert_int_equal(nn_rates_check(&(nn_rates) { .min_lr = 1e-3 }, 1e-3, 64), VKC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_bad_blocks),
        cmocka_unit_test(test_schedule), cmocka_unit_test(test_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
