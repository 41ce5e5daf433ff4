// test_class_vectors.c — class vectors make a classifier of a model that gives features:
// scores by the formula, lies refused.
#include "tests/device_dir.h"

#include "nn/models/vit/class_vectors.h"
#include "nn/base/files.h"
#include "nn/image/image.h"
#include "nn/infer/classify.h"
#include "nn/infer/infer.h"
#include "nn/base/rng.h"
#include "nn/checkpoint/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MODEL "models/selftest/hf-clip"
enum { CLASSES = 3, DIM = 16, PIXELS = 3 * 32 * 32 };

static char file[NN_PATH_MAX];

static void fill(float v[CLASSES * DIM])
{
    for (uint32_t i = 0; i < CLASSES * DIM; i++)
        v[i] = 2.0f * nn_rng_uniform(7, 1, i) - 1.0f;
}

static void write_with(const float *v, uint32_t classes, uint32_t dim, const nn_st_meta *meta, size_t n_meta)
{
    const nn_st_save t = { .name = "vectors", .dtype = NN_ST_F32, .rank = 2, .shape = { classes, dim }, .data = v };
    assert_ok(nn_path_build(file, dir, "vectors.safetensors"));
    assert_ok(nn_safetensors_save(file, &t, 1, meta, n_meta));
}

static void write(const float *v, uint32_t classes, uint32_t dim, const char *labels, const char *scale)
{
    write_with(v, classes, dim, (const nn_st_meta[]) { { "labels", labels }, { "logit_scale", scale } }, 2);
}

static void run(const nn_model *v, float *logits)
{
    static float pixels[PIXELS];
    nn_infer *inf = NULL;
    for (uint32_t i = 0; i < PIXELS; i++)
        pixels[i] = 2.0f * nn_rng_uniform(3, 1, i) - 1.0f;
    assert_ok(nn_infer_create(v, 1, &inf));
    assert_ok(nn_infer_run(inf, pixels, 1, logits));
    nn_infer_destroy(inf);
}

static double dot(const float *a, const float *b)
{
    double sum = 0;
    for (uint32_t i = 0; i < DIM; i++)
        sum += (double) a[i] * (double) b[i];
    return sum;
}

// `bias`: of the logits, as SigLIP has it; NULL = none.
static void check_scores(vkc_device *dev, const char *bias)
{
    float v[CLASSES * DIM], x[DIM], logits[CLASSES], again[CLASSES];
    char ours[NN_PATH_MAX], weights[NN_PATH_MAX];
    nn_model *plain = NULL, *with = NULL, *saved = NULL;
    fill(v);
    write_with(v, CLASSES, DIM, (const nn_st_meta[]) { { "labels", "[\"a cat\", \"a dog\", \"a bird\"]" },
                                                       { "logit_scale", "20" }, { "logit_bias", bias } }, bias ? 3 : 2);
    assert_ok(nn_model_load(dev, MODEL, false, &plain));
    assert_ok(nn_model_load_with(dev, MODEL, &(nn_model_load_params) { .class_vectors = file }, &with));
    assert_int_equal(with->cfg.classes, CLASSES);
    assert_string_equal(with->cfg.labels[1], "a dog");
    assert_int_equal(with->cfg.scores, bias != NULL ? NN_SCORES_SIGMOID : NN_SCORES_SOFTMAX);
    run(plain, x);
    run(with, logits);
    for (uint32_t k = 0; k < CLASSES; k++) {
        const float *row = v + k * DIM;
        const double want = 20 * dot(x, row) / sqrt(dot(x, x) * dot(row, row)) + (bias ? strtod(bias, NULL) : 0);
        assert_true(fabs((double) logits[k] - want) < 1e-4);
    }
    // As a folder of our own it is a classifier like any other.
    assert_ok(nn_path_build(ours, dir, "ours"));
    assert_ok(nn_model_config_save(ours, &with->cfg, NULL));
    assert_ok(nn_path_build(weights, ours, "model.safetensors"));
    assert_ok(nn_model_save_weights(with, weights));
    assert_ok(nn_model_load(dev, ours, false, &saved));
    run(saved, again);
    assert_memory_equal(again, logits, sizeof logits);
    assert_int_equal(saved->cfg.scores, bias != NULL ? NN_SCORES_SIGMOID : NN_SCORES_SOFTMAX);
    nn_model_destroy(saved);
    nn_model_destroy(with);
    nn_model_destroy(plain);
}

static void test_scores(void **state)
{
    check_scores((vkc_device *) *state, NULL);
    check_scores((vkc_device *) *state, "-12.5");
}

// A class is scored on its own where there is a bias, against all others where there is none.
static void test_probabilities(void **state)
{
    static const char *const biases[] = { NULL, "-12.5" };
    float v[CLASSES * DIM];
    uint8_t rgb[3 * 32 * 32] = { 200 };
    const nn_image picture = { 32, 32, rgb };
    char path[NN_PATH_MAX];
    fill(v);
    assert_ok(nn_path_build(path, dir, "picture.png"));
    assert_ok(nn_image_save(&picture, path));
    for (uint32_t i = 0; i < 2; i++) {
        nn_model *m = NULL;
        nn_classifier *c = NULL;
        nn_top top[CLASSES];
        double sum = 0;
        const nn_st_meta meta[] = { { "logit_scale", "20" }, { "logit_bias", biases[i] } };
        const nn_model_load_params with = { .class_vectors = file };
        write_with(v, CLASSES, DIM, meta, 1 + i);
        assert_ok(nn_model_load_with((vkc_device *) *state, MODEL, &with, &m));
        assert_ok(nn_classifier_create_of(m, &(nn_classifier_params) { .batch = 1 }, &c));
        assert_ok(nn_classifier_run(c, path, CLASSES, top));
        for (uint32_t k = 0; k < CLASSES; k++)
            sum += top[k].p;
        assert_true(i == 0 ? fabs(sum - 1) < 1e-9 : sum < 0.9);
        nn_classifier_destroy(c);
        nn_model_destroy(m);
    }
}

static void refuses(vkc_device *dev, vkc_status st, const char *word)
{
    nn_model *v = NULL;
    assert_status(nn_model_load_with(dev, MODEL, &(nn_model_load_params) { .class_vectors = file }, &v), st);
    if (!strstr(vkc_last_error(), word))
        fail_msg("\"%s\" does not speak of %s", vkc_last_error(), word);
}

static void test_lies(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    float v[CLASSES * DIM];
    const char *const good = "[\"a\", \"b\", \"c\"]";
    fill(v);
    write(v, 6, DIM / 2, "[\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]", "20");
    refuses(dev, VKC_E_FORMAT, "of 8 numbers for a model that gives 16");
    write(v, CLASSES, DIM, "[\"a\", \"b\"]", "20");
    refuses(dev, VKC_E_FORMAT, "no list of 3 names");
    write(v, CLASSES, DIM, "[\"a\", \"b\", 3]", "20");
    refuses(dev, VKC_E_FORMAT, "label 2");
    write(v, CLASSES, DIM, "[\"a\", \"b\"", "20");
    refuses(dev, VKC_E_FORMAT, "vectors.safetensors");
    write(v, CLASSES, DIM, good, "-3");
    refuses(dev, VKC_E_FORMAT, "logit_scale");
    write_with(v, CLASSES, DIM, (const nn_st_meta[]) { { "logit_bias", "1e9" } }, 1);
    refuses(dev, VKC_E_FORMAT, "logit_bias");
    write(v, CLASSES, DIM, good, "nan");
    refuses(dev, VKC_E_FORMAT, "logit_scale");
    memset(v + DIM, 0, DIM * sizeof *v);
    write(v, CLASSES, DIM, good, "20");
    refuses(dev, VKC_E_FORMAT, "row 1 has no length");
    assert_ok(nn_path_build(file, dir, "none.safetensors"));
    refuses(dev, VKC_E_IO, "none.safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores), cmocka_unit_test(test_probabilities), cmocka_unit_test(test_lies),
    };
    return cmocka_run_group_tests(tests, device_dir_set_up, device_dir_tear_down);
}
