// test_positions.c — positions of one grid for another, against PyTorch's; models at other sizes.
#include "nn/infer/infer.h"
#include "nn/models/vit/positions.h"
#include "nn/models/vit/vit.h"
#include "nn/checkpoint/safetensors.h"
#include "tests/nn/models/golden_model.h"

#include <math.h>

#define DIM 2u
#define SQUARE(n) (nn_grid) { (n), (n) }
#define FROM 4u

// torch.nn.functional.interpolate(x, (n, n), mode="bicubic", antialias=True) of the grid of fill(), in float64.
static const double grid2[] = { -0.012516222, 0.173673246, 0.669541015, 0.404839150 };
static const double grid3[] = {
    -0.485419099, -0.164254633, -0.048905843, 0.623806929, 0.677801724, 0.525980842, 0.703954569, 0.490779692,
    0.071789139,
};
static const double grid6[] = {
    -1.170966066, -0.696207430, -0.264254386, -0.583516082, -0.301277090, 0.039387119, -0.159829721, -0.200692042,
    -0.138310185, 0.199788943, 0.112456747, -0.062500000, 0.859405458, 0.448971950, 0.223936900, 0.963563100,
    0.588813998, 0.044286062, 0.493847466, 0.740774782, 0.917266804, 0.603566529, 0.630344499, 0.743177388,
    0.764512384, 0.641868512, 0.530943627, 0.618770425, 0.358131488, 0.101393189, 1.105176593, 0.466911765,
    -0.013584308, 0.731603314, 0.101393189, -0.670966066,
};

// The class token's position, then the grid: channel 0 as PyTorch got it, channel 1 constant.
static void fill(float x[(1 + FROM * FROM) * DIM])
{
    x[0] = 17.0f;
    x[1] = -19.0f;
    for (uint32_t i = 0; i < FROM * FROM; i++) {
        const uint32_t row = i / FROM, col = i % FROM;
        x[(1 + i) * DIM] = (float) ((7 * row * row + 3 * col * col * col + 5 * col * row) % 11) / 4.0f - 1.0f;
        x[(1 + i) * DIM + 1] = 0.375f;
    }
}

static void check_grid(uint32_t to, const double *want)
{
    float src[(1 + FROM * FROM) * DIM], dst[(1 + 36) * DIM];
    fill(src);
    assert_ok(nn_positions_build(NN_POSITIONS_TIMM, 1, src, SQUARE(FROM), DIM, SQUARE(to), dst));
    assert_true(dst[0] == 17.0f && dst[1] == -19.0f);
    for (uint32_t i = 0; i < to * to; i++) {
        if (!(fabs((double) dst[(1 + i) * DIM] - want[i]) <= 1e-7))
            fail_msg("grid of %u, patch %u: %.9f, want %.9f", to, i, (double) dst[(1 + i) * DIM], want[i]);
        assert_true(dst[(1 + i) * DIM + 1] == 0.375f);
    }
}

static void test_golden(void **state)
{
    (void) state;
    check_grid(2, grid2);
    check_grid(3, grid3);
    check_grid(6, grid6);
}

// Grids that are not square, by all three rules (tests/golden/positions.py).
static void test_rules(void **state)
{
    static const char *const names[] = { "timm", "hf", "dinov2" };
    static const nn_grid from = { 5, 4 }, to[] = { { 7, 9 }, { 3, 3 }, { 10, 4 }, { 5, 6 }, { 2, 8 } };
    enum { WIDTH = 3, PREFIX = 2 };
    float src[(PREFIX + 20) * WIDTH], dst[(PREFIX + 63) * WIDTH], want[63 * WIDTH];
    nn_safetensors *f = NULL;
    (void) state;
    assert_ok(nn_safetensors_load("tests/golden/positions.safetensors", &f));
    for (uint32_t i = 0; i < PREFIX * WIDTH; i++)
        src[i] = (float) i;
    assert_ok(nn_safetensors_get_f32(f, "grid", 3, (uint64_t[]) { 5, 4, WIDTH }, src + PREFIX * WIDTH, 20 * WIDTH));
    for (uint32_t rule = 0; rule < 3; rule++)
        for (uint32_t k = 0; k < sizeof to / sizeof to[0]; k++) {
            char name[32];
            const size_t n = (size_t) to[k].h * to[k].w * WIDTH;
            snprintf(name, sizeof name, "%s.%ux%u", names[rule], to[k].h, to[k].w);
            assert_ok(nn_safetensors_get_f32(f, name, 3, NULL, want, n));
            assert_ok(nn_positions_build((nn_pos_rule) rule, PREFIX, src, from, WIDTH, to[k], dst));
            assert_memory_equal(dst, src, PREFIX * WIDTH * sizeof *dst);
            for (size_t i = 0; i < n; i++)
                if (!(fabs((double) dst[PREFIX * WIDTH + i] - (double) want[i]) <= 1e-6))
                    fail_msg("%s, number %zu: %.8f, want %.8f", name, i, (double) dst[PREFIX * WIDTH + i],
                             (double) want[i]);
        }
    nn_safetensors_destroy(f);
}

static void test_same(void **state)
{
    (void) state;
    float src[(1 + FROM * FROM) * DIM], dst[(1 + FROM * FROM) * DIM];
    fill(src);
    assert_ok(nn_positions_build(NN_POSITIONS_TIMM, 1, src, SQUARE(FROM), DIM, SQUARE(FROM), dst));
    assert_memory_equal(src, dst, sizeof src);
    assert_status(nn_positions_build(NN_POSITIONS_TIMM, 1, src, SQUARE(FROM), DIM, SQUARE(0), dst), VKC_E_ARG);
    assert_ok(nn_positions_build(NN_POSITIONS_TIMM, 1, src, SQUARE(FROM), DIM, SQUARE(1), dst));
    // One patch becomes all.
    assert_ok(nn_positions_build(NN_POSITIONS_TIMM, 1, src, SQUARE(1), DIM, SQUARE(FROM), dst));
    for (uint32_t i = 1; i < 1 + FROM * FROM; i++)
        assert_memory_equal(&src[DIM], &dst[i * DIM], DIM * sizeof *dst);
}

static void run(const nn_model *v, uint64_t seed, float logits[6])
{
    const size_t len = 2 * (size_t) nn_model_config_pixels(&v->cfg);
    nn_infer *inf = NULL;
    float *pixels = (float *) malloc(len * sizeof *pixels);
    assert_non_null(pixels);
    for (size_t i = 0; i < len; i++)
        pixels[i] = 2.0f * nn_rng_uniform(seed, 1, (uint32_t) i) - 1.0f;
    assert_ok(nn_infer_create(v, 2, &inf));
    assert_ok(nn_infer_run(inf, pixels, 2, logits));
    nn_infer_destroy(inf);
    free(pixels);
}

static void test_model(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_model_config cfg;
    nn_model *v = NULL, *same = NULL, *large = NULL, *none = NULL;
    float a[6], b[6];
    assert_ok(nn_model_config_init(&cfg, "vit:image=12,patch=4,dim=20,depth=2,heads=5,classes=3,"
                                          "mixer=attention/linear"));
    assert_ok(nn_model_create(dev, &cfg, false, &v));
    golden_fill(v->params, 3, 0.3f);
    assert_ok(nn_model_create_at(v, (nn_size) { 0, 0 }, false, &same));
    run(v, 5, a);
    run(same, 5, b);
    assert_memory_equal(a, b, sizeof a);
    assert_ok(nn_model_create_at(v, (nn_size) { 20, 20 }, false, &large));
    assert_int_equal(nn_model_config_tokens(&large->cfg), 26);
    assert_int_equal(v->cfg.height, 12);
    run(large, 5, a);
    for (int i = 0; i < 6; i++)
        assert_true(isfinite(a[i]));
    // Values other than positions are the same; positions are those of the rule.
    float src[10 * 20], want[26 * 20], got[26 * 20], x[3 * 20], y[3 * 20];
    assert_ok(nn_params_read(v->params, nn_vit_of(v)->pos, src));
    assert_ok(nn_params_read(large->params, nn_vit_of(large)->pos, got));
    assert_ok(nn_positions_build(NN_POSITIONS_TIMM, 1, src, SQUARE(3), 20, SQUARE(5), want));
    assert_memory_equal(got, want, sizeof got);
    assert_ok(nn_params_read(v->params, nn_vit_of(v)->head_w, x));
    assert_ok(nn_params_read(large->params, nn_vit_of(large)->head_w, y));
    assert_memory_equal(x, y, sizeof x);
    assert_status(nn_model_create_at(v, (nn_size) { 18, 18 }, false, &none), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "not a multiple of the patch"));
    assert_null(none);
    nn_model_destroy(large);
    nn_model_destroy(same);
    nn_model_destroy(v);
    nn_model_config_finish(&cfg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden), cmocka_unit_test(test_rules), cmocka_unit_test(test_same),
        cmocka_unit_test(test_model),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
