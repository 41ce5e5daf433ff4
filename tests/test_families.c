// test_families.c — models of every family as timm, transformers and OpenCLIP left them (tests/golden/families.py):
// the stream before the first block, after each, and the logits against PyTorch's.
#include "tests/device_dir.h"
#include "tests/numbers.h"

#include "nn/files.h"
#include "nn/infer.h"
#include "nn/safetensors.h"

#include <dirent.h>
#include <math.h>
#include <string.h>

#define FOLDER "models/selftest"
#define LOGITS_BAR 1e-4             // absolute
#define LAYER_BAR 1e-4              // of the largest magnitude of the layer

typedef struct worst { double logits, layer; } worst;

static float *read_golden(const nn_safetensors *f, const char *name, size_t len)
{
    float *x = (float *) malloc(len * sizeof *x);
    const nn_st_tensor *t = nn_safetensors_get(f, name);
    if (!x || !t || t->len != len)
        fail_msg("%s: %s is missing or not of %zu numbers", nn_safetensors_path(f), name, len);
    else
        assert_ok(nn_st_tensor_read(t, 0, len, x));
    return x;
}

// The largest difference; relative: over the largest magnitude.
static double compare(const nn_safetensors *f, const char *name, const float *have, size_t len, bool is_relative)
{
    double most = 0, error = 0;
    float *want = read_golden(f, name, len);
    for (size_t i = 0; i < len; i++) {
        error = test_worst(error, fabs((double) have[i] - (double) want[i]));
        most = fmax(most, fabs((double) want[i]));
    }
    free(want);
    return is_relative ? error / most : error;
}

// Runs a model on its golden pixels.
static worst check_model(const nn_vit *v, const char *path)
{
    const nn_model_config *c = &v->cfg;
    nn_safetensors *f = NULL;
    nn_infer *inf = NULL;
    worst w = { 0, 0 };
    assert_ok(nn_safetensors_load(path, &f));
    const uint32_t n = (uint32_t) nn_safetensors_get(f, "pixels")->shape[0];
    const size_t tokens = (size_t) n * nn_model_config_tokens(c) * c->dim;
    float *pixels = read_golden(f, "pixels", (size_t) n * nn_model_config_pixels(c));
    float *logits = (float *) malloc((size_t) n * c->classes * sizeof *logits);
    assert_ok(nn_infer_create_with(v, &(nn_infer_params) { .cap_images = n, .blocks = true, .check_finite = true },
                                   &inf));
    assert_ok(nn_infer_run(inf, pixels, n, logits));
    w.layer = compare(f, "tokens", nn_infer_embedded(inf), tokens, true);
    for (uint32_t l = 0; l < c->depth; l++) {
        char name[32];
        snprintf(name, sizeof name, "block.%u", l);
        const double error = compare(f, name, nn_infer_block(inf, l), tokens, true);
        if (!(error < LAYER_BAR))
            fail_msg("%s: %s differs by %.2g", path, name, error);
        w.layer = test_worst(w.layer, error);
    }
    w.logits = compare(f, "logits", logits, (size_t) n * c->classes, false);
    if (!(w.logits < LOGITS_BAR) || !(w.layer < LAYER_BAR))
        fail_msg("%s: logits differ by %.2g, a layer by %.2g", path, w.logits, w.layer);
    nn_infer_destroy(inf);
    nn_safetensors_destroy(f);
    free(pixels);
    free(logits);
    return w;
}

// As it is, and written as a folder of our own and read again.
static void check_folder(vkc_device *dev, const char *name)
{
    char theirs[NN_PATH_MAX], golden[NN_PATH_MAX], ours[NN_PATH_MAX], weights[NN_PATH_MAX];
    nn_vit *v = NULL, *again = NULL;
    assert_ok(nn_path_build(theirs, FOLDER, name));
    assert_ok(nn_path_build(golden, theirs, "golden.safetensors"));
    if (nn_vit_load(dev, theirs, false, &v) != VKC_OK)
        fail_msg("%s: %s", name, vkc_last_error());
    const worst w = check_model(v, golden);
    print_message("%-26s logits differ by %.2g, layers by %.2g\n", name, w.logits, w.layer);
    assert_ok(nn_path_build(ours, dir, name));
    assert_ok(nn_model_config_save(ours, &v->cfg, NULL));
    assert_ok(nn_path_build(weights, ours, "model.safetensors"));
    assert_ok(nn_vit_save_weights(v, weights));
    if (nn_vit_load(dev, ours, true, &again) != VKC_OK)
        fail_msg("%s, written anew: %s", name, vkc_last_error());
    check_model(again, golden);
    nn_vit_destroy(again);
    nn_vit_destroy(v);
}

static void test_golden(void **state)
{
    uint32_t n = 0;
    DIR *d = opendir(FOLDER);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        check_folder((vkc_device *) *state, e->d_name);
        n++;
    }
    closedir(d);
    assert_true(n >= 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
    };
    return cmocka_run_group_tests(tests, device_dir_set_up, device_dir_tear_down);
}
