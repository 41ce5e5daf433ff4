// test_relative.c — relative positions of attention (BEiT) against timm and transformers (tests/golden/relative.py):
// tables for other grids, models at other picture sizes, gradients; tables read back, and what is refused.
#include "tests/device_dir.h"
#include "tests/nn/models/golden_model.h"

#include "nn/base/files.h"
#include "nn/checkpoint/safetensors.h"
#include "nn/infer/infer.h"
#include "nn/models/vit/positions.h"
#include "nn/models/vit/relative_resample.h"
#include "nn/models/vit/vit.h"
#include "shaders/attention/attention.h"
#include "tests/numbers.h"

#include <math.h>

#define BOTH "models/selftest/timm-beit-both"
#define HF "models/selftest/hf-beit"
enum { HEADS = 3 };

static nn_safetensors *open_golden(void)
{
    nn_safetensors *f = NULL;
    assert_ok(nn_safetensors_load("tests/golden/relative.safetensors", &f));
    return f;
}

static void test_tables(void **state)
{
    static const nn_grid from = { 5, 4 }, to[] = { { 7, 9 }, { 3, 3 }, { 10, 4 }, { 5, 6 }, { 2, 8 }, { 1, 12 } };
    const struct { const char *name; nn_pos_rule rule; } rules[] = { { "timm", NN_POSITIONS_TIMM },
                                                                     { "hf", NN_POSITIONS_HF } };
    float src[66 * HEADS], dst[224 * HEADS], want[224 * HEADS];
    nn_safetensors *f = open_golden();
    (void) state;
    assert_ok(nn_safetensors_get_f32(f, "table", 2, (uint64_t[]) { 66, HEADS }, src, 66 * HEADS));
    for (size_t r = 0; r < 2; r++)
        for (size_t k = 0; k < sizeof to / sizeof to[0]; k++) {
            char name[32];
            const size_t n = (size_t) nn_relative_rows(to[k].h, to[k].w) * HEADS;
            snprintf(name, sizeof name, "%s.%ux%u", rules[r].name, to[k].h, to[k].w);
            assert_ok(nn_safetensors_get_f32(f, name, 2, NULL, want, n));
            assert_ok(nn_relative_resample(rules[r].rule, src, from, HEADS, to[k], dst));
            for (size_t i = 0; i < n; i++)
                if (!(fabs((double) dst[i] - (double) want[i]) <= 1e-5))
                    fail_msg("%s, number %zu: %.7f, want %.7f", name, i, (double) dst[i], (double) want[i]);
        }
    assert_ok(nn_relative_resample(NN_POSITIONS_TIMM, src, from, HEADS, from, dst));
    assert_memory_equal(src, dst, sizeof src);
    assert_status(nn_relative_resample(NN_POSITIONS_TIMM, src, from, HEADS, (nn_grid) { 0, 3 }, dst), VKC_E_ARG);
    nn_safetensors_destroy(f);
}

// A model at another picture size against its own program's.
static void check_size(vkc_device *dev, const char *folder, const char *rule, uint32_t height, uint32_t width)
{
    nn_safetensors *f = open_golden();
    nn_model *m = NULL;
    nn_infer *inf = NULL;
    char name[32];
    float pixels[3 * 48 * 48], want[5], logits[5];
    const nn_model_load_params p = { .size = { height, width } };
    assert_ok(nn_model_load_with(dev, folder, &p, &m));
    snprintf(name, sizeof name, "%s.pixels", rule);
    assert_ok(nn_safetensors_get_f32(f, name, 4, NULL, pixels, 3 * (size_t) height * width));
    snprintf(name, sizeof name, "%s.logits", rule);
    assert_ok(nn_safetensors_get_f32(f, name, 2, NULL, want, m->cfg.classes));
    assert_ok(nn_infer_create(m, 1, &inf));
    assert_ok(nn_infer_run(inf, pixels, 1, logits));
    for (uint32_t i = 0; i < m->cfg.classes; i++)
        if (!(fabs((double) logits[i] - (double) want[i]) <= 1e-4))
            fail_msg("%s at %u x %u: logit %u is %.6f, want %.6f", folder, width, height, i, (double) logits[i],
                     (double) want[i]);
    nn_infer_destroy(inf);
    nn_model_destroy(m);
    nn_safetensors_destroy(f);
}

static void test_sizes(void **state)
{
    check_size((vkc_device *) *state, BOTH, "timm", 32, 48);
    check_size((vkc_device *) *state, HF, "hf", 48, 48);
}

// A folder whose tables are for another square of patches than its config.
static void test_stored(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_model *m = NULL, *at = NULL, *read = NULL;
    char path[NN_PATH_MAX];
    assert_ok(nn_model_load(dev, HF, false, &m));
    assert_ok(nn_model_create_at(m, (nn_size) { 48, 48 }, false, &at));
    assert_ok(nn_model_config_save(dir, &at->cfg, NULL));
    assert_ok(nn_path_build(path, dir, "model.safetensors"));
    assert_ok(nn_model_save_weights(m, path));
    assert_ok(nn_model_load(dev, dir, false, &read));
    assert_non_null(strstr(read->cfg.notes, "its positions are for pictures of 32 x 32 pixels, and are resampled for "
                           "48 x 48"));
    for (uint32_t i = 0; i < at->params->n; i++) {
        const size_t n = nn_shape_len(&at->params->p[i].shape);
        float *x = (float *) malloc(2 * n * sizeof *x);
        assert_non_null(x);
        assert_int_equal(nn_shape_len(&read->params->p[i].shape), n);
        assert_ok(nn_params_read(at->params, i, x));
        assert_ok(nn_params_read(read->params, i, x + n));
        assert_memory_equal(x, x + n, n * sizeof *x);
        free(x);
    }
    nn_model_destroy(read);
    nn_model_destroy(at);
    nn_model_destroy(m);
}

static void check_gradient(const golden_model *g, nn_safetensors *f, const char *theirs, uint32_t i)
{
    const size_t n = nn_shape_len(&g->v->params->p[i].shape);
    float *want = (float *) malloc(2 * n * sizeof *want), *have = want + n;
    double error = 0, norm = 0;
    assert_non_null(want);
    assert_ok(nn_safetensors_get_f32(f, theirs, 2, NULL, want, n));
    assert_ok(vkc_read(g->v->dev, nn_params_grad(g->v->params, i), have));
    for (size_t k = 0; k < n; k++) {
        error += pow((double) have[k] - (double) want[k], 2);
        norm += pow((double) want[k], 2);
    }
    if (!(norm > 0) || !(sqrt(error / norm) < 1e-4))
        fail_msg("%s differs by %.2g of its norm", theirs, sqrt(error / norm));
    free(want);
}

static void test_gradients(void **state)
{
    static const char *const names[] = {
        NN_SHARED_TABLE, "blocks.0.attn." NN_RELATIVE_TABLE, "blocks.1.attn." NN_RELATIVE_TABLE,
        "blocks.0.attn.qkv.weight", "blocks.1.attn.qkv.weight",
    };
    vkc_device *dev = (vkc_device *) *state;
    nn_model *m = NULL;
    nn_safetensors *golden = NULL, *f = open_golden();
    golden_model g;
    assert_ok(nn_model_load(dev, BOTH, false, &m));
    golden_open(dev, &m->cfg, 2, &g);
    for (uint32_t i = 0; i < m->params->n; i++) {
        float *x = (float *) malloc(nn_shape_len(&m->params->p[i].shape) * sizeof *x);
        assert_non_null(x);
        assert_ok(nn_params_read(m->params, i, x));
        assert_ok(nn_params_write(g.v->params, i, x));
        free(x);
    }
    assert_ok(nn_safetensors_load(BOTH "/golden.safetensors", &golden));
    assert_ok(nn_safetensors_get_f32(golden, "pixels", 4, NULL, golden_pixels(&g),
                                     2 * (size_t) nn_model_config_pixels(&m->cfg)));
    golden_labels(&g)[0] = 0;
    golden_labels(&g)[1] = 2;
    golden_step(&g, 2, 0.0, 1, NULL);           // its gradients stay
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        char theirs[96];
        uint32_t i;
        snprintf(theirs, sizeof theirs, "grad.%s", names[k]);
        assert_true(nn_params_find(g.v->params, names[k], &i));
        check_gradient(&g, f, theirs, i);
    }
    golden_close(&g);
    nn_model_destroy(m);
    nn_safetensors_destroy(golden);
    nn_safetensors_destroy(f);
}

// The sum of a layer's own table and the shared one; nothing where a block has another mixer.
static void test_read(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_model *m = NULL, *other = NULL;
    nn_model_config c = { 0 };
    uint32_t own, shared;
    assert_ok(nn_model_load(dev, BOTH, false, &m));
    const uint32_t rows = nn_model_relative_rows(m, 1), n = rows * m->cfg.heads;
    assert_int_equal(rows, nn_relative_rows(5, 3));
    float a[100], b[100];
    double sum[100];
    assert_true(n <= 100 && nn_params_find(m->params, "blocks.1.attn." NN_RELATIVE_TABLE, &own) &&
                nn_params_find(m->params, NN_SHARED_TABLE, &shared));
    assert_ok(nn_params_read(m->params, own, a));
    assert_ok(nn_params_read(m->params, shared, b));
    assert_ok(nn_model_read_relative(m, 1, sum));
    for (uint32_t i = 0; i < n; i++)
        assert_true(fabs(sum[i] - ((double) a[i] + (double) b[i])) < 1e-12);
    assert_ok(nn_model_config_copy(&m->cfg, &c));
    assert_ok(nn_mixer_parse("linear", &c.layers[1], NULL));
    assert_ok(nn_model_create(dev, &c, false, &other));
    assert_int_equal(nn_model_relative_rows(other, 0), rows);
    assert_int_equal(nn_model_relative_rows(other, 1), 0);
    nn_model_destroy(other);
    nn_model_destroy(m);
    nn_model_config_finish(&c);
}

// Tables that are not of the grid, or of one that is too small for the tokens.
static void test_refused(void **state)
{
    static const struct { uint32_t rows, cols, grid_w; const char *says; } bad[] = {
        { 51, 2, 4, "a table of 51 rows" }, { 52, 3, 4, "table is (52, 3)" }, { 52, 2, 0, "0 patches wide" },
        { 52, 2, 5, "5 patches wide" }, { 28, 2, 3, "17 tokens" }, { 3, 2, 4, "a table of 3 rows" },
        { 52, 2, 0x80000000u, "patches wide" },
    };
    vkc_device *dev = (vkc_device *) *state;
    nn_rows *rows = NULL;
    assert_ok(nn_rows_create(dev, 1, 17, 1, 4, 4, &rows));
    struct attention_attr attr = { .heads = 2, .grid_w = 4 };
    nn_call c = { .in = { { 2, { 17, 24 } }, { 2, { 52, 2 } } }, .in_rows = { rows }, .attr = &attr,
                  .dev = vkc_device_get_info(dev) };
    assert_ok(nn_op_infer(&nn_op_attention, &c));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        c.in[1] = (nn_shape) { 2, { bad[i].rows, bad[i].cols } };
        attr.grid_w = bad[i].grid_w;
        assert_status(nn_op_infer(&nn_op_attention, &c), VKC_E_ARG);
        if (!strstr(vkc_last_error(), bad[i].says))
            fail_msg("\"%s\" does not say %s", vkc_last_error(), bad[i].says);
    }
    nn_rows_destroy(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables), cmocka_unit_test(test_sizes), cmocka_unit_test(test_stored),
        cmocka_unit_test(test_gradients), cmocka_unit_test(test_read),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, device_dir_set_up, device_dir_tear_down);
}
