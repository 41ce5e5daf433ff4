// test_rope_text.c — rotary positions of texts: frequencies and angles against transformers' (made by
// tests/golden/text/rope_text.py), settings that are refused, the table in a graph.
#include "nn/checkpoint/safetensors.h"
#include "nn/mixers/rope_text.h"
#include "tests/device.h"
#include "tests/filter.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>

enum { MOST = 128, N_PLACES = 4 };

static const uint32_t places[N_PLACES] = { 0, 1, 17, 300 };

#define LLAMA3(f) { NN_ROPE_TEXT_LLAMA3, 500000, f, 1, 4, 8192 }
static const struct { const char *name; uint32_t dim, tokens; nn_rope_text r; } cases[] = {
    { "default.64", 64, 2048, { NN_ROPE_TEXT_DEFAULT, 10000, 0, 0, 0, 0 } },
    { "default.128", 128, 40960, { NN_ROPE_TEXT_DEFAULT, 1000000, 0, 0, 0, 0 } },
    { "linear.64", 64, 8192, { NN_ROPE_TEXT_LINEAR, 10000, 4, 0, 0, 0 } },
    { "dynamic.64", 64, 5000, { NN_ROPE_TEXT_DYNAMIC, 10000, 2, 0, 0, 2048 } },
    { "dynamic.short", 64, 1000, { NN_ROPE_TEXT_DYNAMIC, 10000, 2, 0, 0, 2048 } },
    { "llama3.64", 64, 131072, LLAMA3(32) },
    { "llama3.128", 128, 131072, LLAMA3(8) },
};

static void test_golden(void **state)
{
    (void) state;
    nn_safetensors *f = NULL;
    assert_ok(nn_safetensors_load("tests/golden/text/rope_text.safetensors", &f));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint32_t dim = cases[i].dim, half = dim / 2;
        float want[MOST * N_PLACES], *table = malloc((places[N_PLACES - 1] + 1) * dim * sizeof *table);
        double got[MOST];
        char name[64];
        assert_non_null(table);
        assert_ok(nn_rope_text_check(&cases[i].r, dim));
        nn_rope_text_frequencies(&cases[i].r, dim, cases[i].tokens, got);
        assert_ok(nn_safetensors_get_f32(f, cases[i].name, 1, (uint64_t[]) { half }, want, half));
        for (uint32_t j = 0; j < half; j++)         // transformers' are fp32
            if (!(fabs(got[j] - (double) want[j]) <= 1e-6 * (double) want[j]))
                fail_msg("%s: frequency %u is %.9g, want %.9g", cases[i].name, j, got[j], (double) want[j]);
        if (cases[i].r.type != NN_ROPE_TEXT_DYNAMIC) {
            snprintf(name, sizeof name, "%s.places", cases[i].name);
            assert_ok(nn_safetensors_get_f32(f, name, 2, (uint64_t[]) { N_PLACES, dim }, want, N_PLACES * dim));
            assert_ok(nn_rope_text_fill(&cases[i].r, dim, places[N_PLACES - 1] + 1, table));
            for (uint32_t k = 0; k < N_PLACES * dim; k++) {
                const double v = (double) table[places[k / dim] * dim + k % dim];
                if (!(fabs(v - (double) want[k]) <= 5e-5))      // of an angle of 300, in fp32
                    fail_msg("%s: place %u, number %u: %.8f, want %.8f", cases[i].name, places[k / dim], k % dim, v,
                             (double) want[k]);
            }
        }
        free(table);
    }
    nn_safetensors_destroy(f);
}

static void test_refused(void **state)
{
    (void) state;
    static const struct { nn_rope_text r; uint32_t rotary; const char *says; } bad[] = {
        { { NN_ROPE_TEXT_DEFAULT, 10000, 0, 0, 0, 0 }, 3, "3 channels" },
        { { NN_ROPE_TEXT_DEFAULT, 10000, 0, 0, 0, 0 }, 0, "0 channels" },
        { { (nn_rope_text_type) 4, 10000, 1, 0, 0, 1 }, 4, "no type 4" },
        { { NN_ROPE_TEXT_DEFAULT, 0, 0, 0, 0, 0 }, 4, "the base is 0" },
        { { NN_ROPE_TEXT_DEFAULT, (double) NAN, 0, 0, 0, 0 }, 4, "the base is" },
        { { NN_ROPE_TEXT_LINEAR, 10000, 0.5, 0, 0, 0 }, 4, "the factor is 0.5" },
        { { NN_ROPE_TEXT_DYNAMIC, 10000, 2, 0, 0, 0 }, 4, "trained on are missing" },
        { { NN_ROPE_TEXT_DYNAMIC, 10000, 2, 0, 0, 8 }, 2, "want 4 or more" },
        { { NN_ROPE_TEXT_LLAMA3, 10000, 8, 4, 4, 8192 }, 4, "low_freq_factor is 4" },
        { { NN_ROPE_TEXT_LLAMA3, 10000, 8, 0, 4, 8192 }, 4, "low_freq_factor is 0" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_status(nn_rope_text_check(&bad[i].r, bad[i].rotary), VKC_E_ARG);
        if (!strstr(vkc_last_error(), bad[i].says))
            fail_msg("\"%s\" does not say \"%s\"", vkc_last_error(), bad[i].says);
    }
}

// Two layers, one table; settings that are wrong are the graph's error.
static void test_graph(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    const nn_rope_text r = { .base = 10000 }, wrong = { .base = -1 };
    nn_rows *rows = NULL;
    nn_graph *g = NULL;
    assert_ok(nn_rows_create(dev, 2, 5, 0, 0, 0, &rows));
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *x = nn_graph_input(g, "qkv", (nn_shape) { 2, { 0, 4 * 8 } }, NN_DTYPE_F32, rows);
    nn_tensor *y = nn_rope_text_apply(g, &r, 2, 1, 4, false, x);
    assert_non_null(y);
    assert_non_null(nn_rope_text_apply(g, &r, 2, 1, 4, true, y));
    assert_int_equal(nn_graph_get_info(g).n_calls, 2);
    assert_null(nn_rope_text_apply(g, &wrong, 2, 1, 4, true, y));
    assert_status(nn_graph_plan(g), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "the base is -1"));
    nn_graph_destroy(g);
    nn_rows_destroy(rows);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden), cmocka_unit_test(test_refused), cmocka_unit_test(test_graph),
    };
    test_filter_names(argc, argv, tests, sizeof tests / sizeof *tests);
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
