// test_families.c — models of every family as timm, transformers and OpenCLIP left them (tests/golden/families.py):
// the stream before the first block, after each, and the logits against PyTorch's.
#include "tests/device_dir.h"
#include "tests/numbers.h"

#include "nn/base/files.h"
#include "nn/infer/golden.h"
#include "nn/models/model.h"

#include <dirent.h>
#include <stdlib.h>

#define FOLDER "models/selftest"

// Layers and logits within the bars of nn/infer/golden.h.
static void check_model(vkc_device *dev, const char *name, const char *folder)
{
    nn_golden_result r;
    char where[24];
    double worst = 0;
    if (nn_golden_run(dev, folder, &r) != VKC_OK)
        fail_msg("%s: %s", folder, vkc_last_error());
    for (uint32_t l = 0; l < r.n_layers; l++)
        worst = test_worst(worst, r.layer[l]);
    print_message("%-26s logits differ by %.2g, layers by %.2g\n", name, r.logits, worst);
    if (!nn_golden_is_right(&r))
        fail_msg("%s: %s is beyond its bar", folder, nn_golden_name(&r, r.first_bad, where));
}

// As it is, and written as a folder of our own and read again.
static void check_folder(vkc_device *dev, const char *name)
{
    char theirs[NN_PATH_MAX], ours[NN_PATH_MAX], path[NN_PATH_MAX];
    unsigned char *golden = NULL;
    size_t size = 0;
    nn_model *v = NULL;
    assert_ok(nn_path_build(theirs, FOLDER, name));
    check_model(dev, name, theirs);
    assert_ok(nn_model_load(dev, theirs, false, &v));
    assert_ok(nn_path_build(ours, dir, name));
    assert_ok(nn_model_config_save(ours, &v->cfg, NULL));
    assert_ok(nn_path_build(path, ours, "model.safetensors"));
    assert_ok(nn_model_save_weights(v, path));
    assert_ok(nn_path_build(path, theirs, "golden.safetensors"));
    assert_ok(nn_file_load(path, SIZE_MAX, &golden, &size));
    assert_ok(nn_path_build(path, ours, "golden.safetensors"));
    assert_ok(nn_file_save(path, golden, size));
    check_model(dev, "  as a folder of ours", ours);
    free(golden);
    nn_model_destroy(v);
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
