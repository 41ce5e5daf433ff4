// test_mixer_golden.c — mixers beside the layers of their reference implementations (tests/golden/mixers.py): the
// output and the gradient of the input, with weights that both sides draw.
#include "nn/base/rng.h"
#include "nn/checkpoint/safetensors.h"
#include "tests/nn/mixers/mixer_run.h"
#include "tests/numbers.h"
#include "tests/vk/vk_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// NMSE: both sides compute in fp32. To a length of q and k gated_delta adds D times what the layer does.
#define BAR 1e-11
#define BAR_OF_GATED_DELTA 1e-8

// C, HEADS, LENGTHS and SEED of the script.
enum { DIM = 16, HEADS = 2, IMAGES = 2, SEED = 41 };
static const uint32_t lengths[IMAGES] = { 19, 5 };

// FNV-1a of a parameter's name.
static uint32_t stream_of(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (unsigned char) *name) * 16777619u;
    return h;
}

// The layers have no biases on q, k and v, and one norm for all heads.
static void draw_parameter(const char *name, size_t n, float *x)
{
    const bool is_norm = strcmp(name, "norm.weight") == 0, has_one = is_norm || strcmp(name, "D") == 0;
    const bool is_zero = strcmp(name, "qkv.bias") == 0 || strcmp(name, "qk.bias") == 0 || strcmp(name, "v.bias") == 0;
    for (size_t k = 0; k < n; k++) {
        const float noise = 2 * nn_rng_uniform(SEED, stream_of(name), (uint32_t) k) - 1;
        x[k] = is_zero ? 0 : (has_one ? 1.0f : 0.0f) + 0.5f * noise;
    }
}

static void write_parameters(mixer_run *t, bool has_one_norm)
{
    for (uint32_t i = 0; i < t->ps->n; i++) {
        const size_t n = nn_shape_len(&t->ps->p[i].shape);
        float *x = (float *) malloc(n * sizeof *x);
        assert_non_null(x);
        draw_parameter(t->ps->p[i].name, n, x);
        for (size_t k = n / HEADS; has_one_norm && strcmp(t->ps->p[i].name, "norm.weight") == 0 && k < n; k++)
            x[k] = x[k % (n / HEADS)];
        assert_ok(nn_params_write(t->ps, i, x));
        free(x);
    }
}

static void compare(const nn_safetensors *f, const char *mixer, const char *what, const float *x, size_t n, double bar)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", mixer, what);
    const nn_st_tensor *at = nn_safetensors_get(f, name);
    float *want = (float *) malloc(n * sizeof *want);
    assert_true(want && at && at->len == n);
    assert_ok(nn_st_tensor_read(at, 0, n, want));
    const double e = test_nmse_float(x, want, n);
    printf("%s: NMSE %.2g\n", name, e);
    if (!(e <= bar))
        fail_msg("%s: NMSE %.3g, not %.0e", name, e, bar);
    free(want);
}

// `with` are further options of pare alone, which change nothing.
static void check_mixer(vkc_device *dev, const nn_safetensors *f, const char *mixer, const char *with,
                        bool has_one_norm)
{
    mixer_run t;
    char text[128];
    snprintf(text, sizeof text, "%s%cdirection=forward%s", mixer, strchr(mixer, ':') ? ',' : ':', with);
    const mixer_run_params params = { .mixer = text, .dim = DIM, .heads = HEADS, .cap_images = IMAGES, .grid = 5,
                                      .train = true, .as_started = true };
    assert_ok(mixer_run_init(&t, dev, &params));
    write_parameters(&t, has_one_norm);
    assert_ok(mixer_run_write(&t, IMAGES, lengths, NULL, NULL));
    assert_ok(mixer_run_execute(&t));
    const double bar = strncmp(mixer, "gated_delta", 11) == 0 ? BAR_OF_GATED_DELTA : BAR;
    compare(f, mixer, "heads", t.host_heads, mixer_run_live(&t), bar);
    compare(f, mixer, "dy", t.host_dy, mixer_run_live(&t), bar);
    mixer_run_finish(&t);
}

static void test_reference_layers(void **state)
{
    static const char *const mixers[] = {
        "gla", "gla:expand_v=2", "gated_delta", "gated_delta:expand_v=2", "jet", "jet:expand_v=2", "ssd",
    };
    nn_safetensors *f = NULL;
    assert_ok(nn_safetensors_load("tests/golden/mixers.safetensors", &f));
    for (size_t i = 0; i < sizeof mixers / sizeof *mixers; i++) {
        const bool has_one_norm = strcmp(mixers[i], "ssd") != 0;
        check_mixer((vkc_device *) *state, f, mixers[i], "", has_one_norm);
        check_mixer((vkc_device *) *state, f, mixers[i], ",chunk=16", has_one_norm);
    }
    nn_safetensors_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_reference_layers) };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
