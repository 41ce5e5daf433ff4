// test_golden.c — models against PyTorch's answers (tests/golden/make.py): logits, gradients, ten AdamW steps.
//
// PARE_GOLDEN_STEPS names a steps file of larger size to check as well (tests/golden/eurosat_steps.py).
#include "tests/nn/models/golden_model.h"
#include "tests/numbers.h"

#include "nn/checkpoint/safetensors.h"
#include "nn/train/schedule.h"

#include <math.h>

#define LOGITS_BAR 1e-4             // absolute
#define GRADIENT_BAR 1e-4           // of the gradient's norm
#define LOSS_BAR 1e-3
#define MAX_STEPS 100

typedef struct golden {
    nn_safetensors *f;
    nn_model_config cfg;
    uint64_t seed;
    float    scale;
    double   lr;
    uint32_t batch;
    golden_model m;
} golden;

static const char *meta(const golden *t, const char *key)
{
    const char *value = nn_safetensors_meta(t->f, key);
    if (!value)
        fail_msg("%s: no %s in its metadata", nn_safetensors_path(t->f), key);
    return value;
}

static void open_golden(vkc_device *dev, const char *path, golden *t)
{
    *t = (golden) { 0 };
    assert_ok(nn_safetensors_load(path, &t->f));
    golden_config(meta(t, "arch"), meta(t, "mixer"), &t->cfg);
    t->seed = strtoull(meta(t, "seed"), NULL, 10);
    t->scale = strtof(meta(t, "scale"), NULL);
    t->lr = strtod(meta(t, "lr"), NULL);
    t->batch = (uint32_t) strtoul(meta(t, "batch"), NULL, 10);
    golden_open(dev, &t->cfg, t->batch, &t->m);
    golden_fill(t->m.v->params, t->seed, t->scale);
}

static void close_golden(golden *t)
{
    golden_close(&t->m);
    nn_model_config_finish(&t->cfg);
    nn_safetensors_destroy(t->f);
}

// Batch `step` into slot 0: from the file where it has pixels, else by formula.
static void fill_slot(golden *t, uint32_t step)
{
    float *pixels = golden_pixels(&t->m);
    uint32_t *labels = golden_labels(&t->m);
    const nn_st_tensor *px = nn_safetensors_get(t->f, "pixels"), *lb = nn_safetensors_get(t->f, "labels");
    size_t len = (size_t) t->batch * nn_model_config_pixels(&t->cfg);
    if (!px || !lb) {
        golden_batch(&t->cfg, t->seed, step, t->batch, pixels, labels);
        return;
    }
    assert_true(lb->size >= (size_t) (step + 1) * t->batch * 4);
    assert_ok(nn_st_tensor_read(px, step * len, len, pixels));
    assert_ok(nn_st_tensor_read_raw(lb, (uint64_t) step * t->batch * 4, t->batch * sizeof *labels, labels));
}

static float *read_file(const golden *t, const char *name, size_t len)
{
    float *x = (float *) malloc(len * sizeof *x);
    const nn_st_tensor *at = nn_safetensors_get(t->f, name);
    if (!x || !at || at->len != len)
        fail_msg("%s: %s is missing or not of %zu numbers", nn_safetensors_path(t->f), name, len);
    else
        assert_ok(nn_st_tensor_read(at, 0, len, x));
    return x;
}

static void check_logits(golden *t)
{
    size_t n = (size_t) t->batch * t->cfg.classes;
    float *want = read_file(t, "logits", n), *have = (float *) malloc(n * sizeof *have);
    double worst = 0;
    assert_non_null(have);
    assert_ok(vkc_read(t->m.v->dev, nn_tensor_slice(t->m.logits), have));
    for (size_t i = 0; i < n; i++)
        worst = test_worst(worst, fabs((double) have[i] - (double) want[i]));
    print_message("logits differ by %.2g\n", worst);
    assert_true(worst < LOGITS_BAR);
    free(want);
    free(have);
}

static void check_gradients(golden *t)
{
    const nn_params *ps = t->m.v->params;
    double worst = 0;
    for (uint32_t i = 0; i < ps->n; i++) {
        char name[NN_MAX_NAME + 8];
        snprintf(name, sizeof name, "grad.%s", ps->p[i].name);
        size_t n = nn_shape_len(&ps->p[i].shape);
        float *want = read_file(t, name, n), *have = (float *) malloc(n * sizeof *have);
        double error = 0, norm = 0;
        assert_non_null(have);
        assert_ok(vkc_read(ps->dev, nn_params_grad(ps, i), have));
        for (size_t k = 0; k < n; k++) {
            error += pow((double) have[k] - (double) want[k], 2);
            norm += pow((double) want[k], 2);
        }
        // Exactly zero where nothing reaches the class token any more.
        double relative = error > 0 ? sqrt(error / norm) : 0;
        if (!(relative < GRADIENT_BAR))
            fail_msg("gradient of %s differs by %.2g of its norm", ps->p[i].name, relative);
        worst = test_worst(worst, relative);
        free(want);
        free(have);
    }
    print_message("gradients of %u parameters differ by %.2g of their norm\n", ps->n, worst);
}

// A step at learning rate 0: its gradients stay in place, its values do not change.
static void check_model(golden *t)
{
    float *want = read_file(t, "loss", 1);
    fill_slot(t, 0);
    float loss = golden_step(&t->m, t->batch, 0.0, 1, NULL);
    assert_true(fabs((double) loss - (double) *want) < LOGITS_BAR);
    free(want);
    check_logits(t);
    check_gradients(t);
}

static void check_steps(golden *t)
{
    const nn_st_tensor *at = nn_safetensors_get(t->f, "losses");
    assert_non_null(at);
    assert_true(at->len > 0 && at->len <= MAX_STEPS);
    uint32_t steps = (uint32_t) at->len;
    float *want = read_file(t, "losses", steps), *norms = read_file(t, "norms", steps);
    const nn_schedule schedule = { .lr = t->lr, .warmup = 3, .total = steps };
    double worst = 0, worst_norm = 0;
    for (uint32_t s = 0; s < steps; s++) {
        float norm;
        fill_slot(t, s);
        double loss = (double) golden_step(&t->m, t->batch, nn_schedule_lr(&schedule, s), s + 1, &norm);
        worst = test_worst(worst, fabs(loss - (double) want[s]));
        worst_norm = test_worst(worst_norm, fabs((double) norm / (double) norms[s] - 1));
    }
    print_message("losses of %u steps differ by %.2g, gradient norms by %.2g\n", steps, worst, worst_norm);
    assert_true(worst < LOSS_BAR);
    assert_true(worst_norm < 10 * LOSS_BAR);
    free(want);
    free(norms);
}

static void check_file(void **state, const char *name)
{
    golden t;
    char path[256];
    snprintf(path, sizeof path, "tests/golden/%s.safetensors", name);
    open_golden((vkc_device *) *state, path, &t);
    check_model(&t);
    close_golden(&t);
    open_golden((vkc_device *) *state, path, &t);       // anew: the moments start at zero
    check_steps(&t);
    close_golden(&t);
}

static void test_attention(void **state) { check_file(state, "vit_attention"); }
static void test_hedgehog(void **state) { check_file(state, "vit_hedgehog"); }
static void test_elu1(void **state) { check_file(state, "vit_elu1"); }

static void test_eurosat_shape(void **state)
{
    const char *more[] = { "tests/golden/steps_eurosat_shape.safetensors", getenv("PARE_GOLDEN_STEPS") };
    for (int i = 0; i < 2; i++) {
        golden t;
        if (!more[i])
            continue;
        open_golden((vkc_device *) *state, more[i], &t);
        check_steps(&t);
        close_golden(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_hedgehog),
        cmocka_unit_test(test_elu1),
        cmocka_unit_test(test_eurosat_shape),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
