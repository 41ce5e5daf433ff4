// test_lstm_heads.c — separate heads are one wide LSTM whose weights are zero off the diagonal blocks: the mixer
// bilstm with 3 heads of 4 against one head of 12, outputs and gradients.
#include "tests/mixer_run.h"
#include "tests/vk_test.h"

#include <math.h>
#include <string.h>

enum { H = 3, D = 4, C = H * D, DIRS = 2, GATES = 4 };

// Where element k of a parameter of the separate heads lies in that of the wide LSTM.
static size_t wide_place(const char *name, size_t k)
{
    const size_t col = k % D, row = k / D;
    if (strcmp(name, "x.weight") == 0) {        // (H, DIRS 4 D, D): head, direction, gate, unit
        size_t unit = row % D, gate = row / D % GATES, dir = row / D / GATES % DIRS, h = row / D / GATES / DIRS;
        return (dir * GATES * C + gate * C + h * D + unit) * C + h * D + col;
    }
    if (strcmp(name, "x.bias") == 0) {          // (H DIRS 4 D)
        size_t gate = row % GATES, dir = row / GATES % DIRS, h = row / GATES / DIRS;
        return dir * GATES * C + gate * C + h * D + col;
    }
    if (strcmp(name, "h.weight") == 0) {        // (H DIRS, 4 D, D)
        size_t unit = row % D, gate = row / D % GATES, stream = row / D / GATES, h = stream / DIRS;
        return (stream % DIRS * GATES * C + gate * C + h * D + unit) * C + h * D + col;
    }
    if (strcmp(name, "merge.weight") == 0) {    // (H, D, DIRS D)
        size_t dir = row % DIRS, unit = row / DIRS % D, h = row / DIRS / D;
        return (h * D + unit) * DIRS * C + dir * C + h * D + col;
    }
    return k;                                   // pre_proj, merge.bias: the same
}

static float *alloc(size_t n)
{
    float *x = (float *) calloc(n, sizeof *x);
    assert_non_null(x);
    return x;
}

static double nmse(const float *a, const float *b, size_t n)
{
    double num = 0, den = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double) a[i] - (double) b[i];
        num += d * d;
        den += (double) b[i] * (double) b[i];
    }
    assert_true(den > 0);
    return num / den;
}

static void test_block_diagonal(void **state)
{
    static const uint32_t lengths[] = { 5, 1, 17, 10 };
    vkc_device *dev = (vkc_device *) *state;
    mixer_run apart, wide;
    mixer_run_params with = { .mixer = "bilstm", .dim = C, .heads = H, .cap_images = 4, .grid = 4, .train = true };
    assert_ok(mixer_run_init(&apart, dev, &with));
    with.heads = 1;
    assert_ok(mixer_run_init(&wide, dev, &with));
    for (uint32_t i = 0; i < apart.ps->n; i++) {
        const size_t n = nn_shape_len(&apart.ps->p[i].shape), n_wide = nn_shape_len(&wide.ps->p[i].shape);
        float *a = alloc(n), *w = alloc(n_wide);
        assert_ok(nn_params_read(apart.ps, i, a));
        for (size_t k = 0; k < n; k++) {
            size_t at = wide_place(apart.ps->p[i].name, k);
            assert_true(at < n_wide && w[at] == 0);
            w[at] = a[k];
        }
        assert_ok(nn_params_write(wide.ps, i, w));
        free(a);
        free(w);
    }
    assert_ok(mixer_run_write(&apart, 4, lengths, NULL, NULL));
    assert_ok(mixer_run_write(&wide, 4, lengths, NULL, NULL));
    assert_ok(mixer_run_execute(&apart));
    assert_ok(mixer_run_execute(&wide));
    assert_true(nmse(apart.host_heads, wide.host_heads, mixer_run_live(&apart)) <= 1e-10);
    assert_true(nmse(apart.host_dy, wide.host_dy, mixer_run_live(&apart)) <= 1e-10);
    for (uint32_t i = 0; i < apart.ps->n; i++) {
        const size_t n = nn_shape_len(&apart.ps->p[i].shape);
        float *a = alloc(n), *of_wide = alloc(n), *w = alloc(nn_shape_len(&wide.ps->p[i].shape));
        assert_ok(mixer_run_gradient(&apart, i, a));
        assert_ok(mixer_run_gradient(&wide, i, w));
        for (size_t k = 0; k < n; k++)
            of_wide[k] = w[wide_place(apart.ps->p[i].name, k)];
        double e = nmse(a, of_wide, n);
        if (!(e <= 1e-10))
            fail_msg("gradient of %s: NMSE %.3g", apart.ps->p[i].name, e);
        free(a);
        free(of_wide);
        free(w);
    }
    mixer_run_finish(&apart);
    mixer_run_finish(&wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_block_diagonal) };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
