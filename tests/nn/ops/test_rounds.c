// test_rounds.c — sums over more rows than the loops of an invocation go round: lavapipe (Mesa 22.3) leaves them after
// 65,535 rounds of all together without a word, so what a batch makes longer goes over its rows in pieces.
#include "shaders/attention/attention.h"
#include "shaders/attention/attention_pool.h"
#include "shaders/loss/vocab/vocab_loss.h"
#include "tests/nn/ops/op_run.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIM 4u

static void run_case(op_run *t, vkc_device *dev, const op_case *oc, uint64_t seed)
{
    assert_ok(op_run_init(t, dev, oc, seed));
    assert_ok(op_run_execute(t, 0));
}

static double dot(const double *x, const float *y)
{
    double sum = 0;
    for (uint32_t d = 0; d < DIM; d++)
        sum += x[d] * (double) y[d];
    return sum;
}

static void fill(const float *x, double scale, double *out)
{
    for (uint32_t d = 0; d < DIM; d++)
        out[d] = scale * (double) x[d];
}

// Largest difference over the largest of what is wanted.
static double worst(const float *got, const double *want, size_t n)
{
    double most = 0, far = 0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs(want[i]));
        far = fmax(far, fabs((double) got[i] - want[i]));
    }
    return far / most;
}

// The gradients of the scores of a query and n keys, rows of `ld` with v behind k at `v`; g is that of the output.
static void score_gradients(const double *q, const double *g, const float *k, size_t ld, size_t v, uint32_t n,
                            const double *bias, double *ds)
{
    double all = 0, mean = 0;
    for (uint32_t j = 0; j < n; j++) {
        ds[j] = exp(dot(q, k + j * ld) + (bias ? bias[j] : 0));
        all += ds[j];
        mean += ds[j] * dot(g, k + j * ld + v);
    }
    for (uint32_t j = 0; j < n; j++)
        ds[j] = ds[j] / all * (dot(g, k + j * ld + v) - mean / all);
}

static void test_pool(void **state)
{
    enum { N = 25000, B = 3 };
    op_run t;
    double dq[DIM] = { 0 }, q[DIM], g[DIM], *ds = (double *) malloc(N * sizeof *ds);
    assert_non_null(ds);
    run_case(&t, (vkc_device *) *state, &(op_case) { .op = "attention_pool", .note = "many rows",
        .layout = { { .lengths = { N, N, N } }, { .lengths = { 1, 1, 1 } } }, .to = 2,
        .in = { { 1, { 2, { 0, 2 * DIM } }, 0, 0, false }, { 0, { 2, { 1, DIM } }, 0, 0, false } },
        .attr = &(struct attention_pool_attr) { .heads = 1 } }, 21);
    fill(t.in[1], 0.5, q);
    for (uint32_t b = 0; b < B; b++) {
        const float *k = t.in[0] + (size_t) b * N * 2 * DIM;
        fill(t.dout + b * DIM, 1, g);
        score_gradients(q, g, k, 2 * DIM, DIM, N, NULL, ds);
        for (uint32_t j = 0; j < N; j++)
            for (uint32_t d = 0; d < DIM; d++)
                dq[d] += 0.5 * ds[j] * (double) k[j * 2 * DIM + d];
    }
    if (!(worst(t.din[1], dq, DIM) < 1e-3))
        fail_msg("the gradient of the query is off by %.3g", worst(t.din[1], dq, DIM));
    free(ds);
    op_run_finish(&t);
}

// Two ids in all rows: their gradients go to two rows of the table.
static void test_embed(void **state)
{
    enum { N = 6000, C = 90 };         // a lane has up to 96 columns
    op_run t;
    double sum[2 * C] = { 0 };
    run_case(&t, (vkc_device *) *state, &(op_case) { .op = "embed", .note = "many rows", .layout = { { { N, N } } },
        .in = { { 1, { 1, { 0 } }, 0, 1.9, false }, { 0, { 2, { 2, C } }, 0, 0, false } } }, 22);
    for (uint32_t i = 0; i < 2 * N; i++) {
        uint32_t id;
        memcpy(&id, &t.in[0][i], sizeof id);
        for (uint32_t c = 0; c < C && id < 2; c++)
            sum[id * C + c] += (double) t.dout[i * C + c];
    }
    if (!(worst(t.din[1], sum, 2 * C) < 1e-5))
        fail_msg("the gradient of the table is off by %.3g", worst(t.din[1], sum, 2 * C));
    op_run_finish(&t);
}

// As many rows as the loop that links those of one id may go round, one id in nearly all of them; and more.
static void test_embed_most(void **state)
{
    enum { N = 21844 };                 // rows have room for three samples
    op_run t;
    double sum[2] = { 0 };
    op_case oc = { .op = "embed", .note = "most rows", .layout = { { { N, N } } },
                   .in = { { 1, { 1, { 0 } }, 0, 0.001, false }, { 0, { 2, { 2, 1 } }, 0, 0, false } } };
    run_case(&t, (vkc_device *) *state, &oc, 24);
    for (uint32_t i = 0; i < 2 * N; i++) {
        uint32_t id;
        memcpy(&id, &t.in[0][i], sizeof id);
        sum[id] += (double) t.dout[i];
    }
    if (!(worst(t.din[1], sum, 2) < 1e-5))
        fail_msg("the gradient of the table is off by %.3g", worst(t.din[1], sum, 2));
    op_run_finish(&t);
    oc.layout[0] = (op_layout) { .lengths = { N + 1, N + 1 } };
    assert_status(op_run_init(&t, (vkc_device *) *state, &oc, 24), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "at most 65533"));
    op_run_finish(&t);
}

static void test_vocab_loss(void **state)
{
    enum { N = 70000, V = 3 };
    op_run t;
    double want[V] = { 0 };
    run_case(&t, (vkc_device *) *state, &(op_case) { .op = "vocab_loss", .note = "many rows",
        .in = { { 0, { 2, { N, 1 } }, 0, 0, false }, { 0, { 2, { V, 1 } }, 0, 0, false },
                { 0, { 1, { N } }, 0, V - 1, false } },
        .attr = &(struct vocab_loss_attr) { 0 } }, 25);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t label;
        memcpy(&label, &t.in[2][i], sizeof label);
        const double x = (double) t.in[0][i];
        double z[V], all = 0;
        for (uint32_t k = 0; k < V; k++)
            all += z[k] = exp(x * (double) t.in[1][k]);
        for (uint32_t k = 0; k < V; k++)
            want[k] += (double) t.dout[0] / N * x * (z[k] / all - (k == label));
    }
    if (!(worst(t.din[1], want, V) < 1e-4))
        fail_msg("the gradient of the table is off by %.3g", worst(t.din[1], want, V));
    op_run_finish(&t);
}

static void test_relative(void **state)
{
    enum { SIDE = 32, N = SIDE * SIDE + 1, WIDE = 2 * SIDE - 1, ROWS = WIDE * WIDE + 3 };
    op_run t;
    double q[DIM], g[DIM], *want = (double *) calloc(ROWS + 2 * N, sizeof *want), *ds = want + ROWS, *bias = ds + N;
    assert_non_null(want);
    run_case(&t, (vkc_device *) *state, &(op_case) { .op = "attention", .note = "many pairs",
        .layout = { { .lengths = { N }, .prefix = 1, .grid_h = SIDE, .grid_w = SIDE } },
        .in = { { 1, { 2, { 0, 3 * DIM } }, 0, 0, false }, { 0, { 2, { ROWS, 1 } }, 0, 0, false } },
        .attr = &(struct attention_attr) { .heads = 1, .grid_w = SIDE } }, 23);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t row[N];
        for (uint32_t j = 0; j < N; j++) {
            const uint32_t y = (i - 1) / SIDE + SIDE - 1 - (j - 1) / SIDE;
            const uint32_t x = (i - 1) % SIDE + SIDE - 1 - (j - 1) % SIDE;
            row[j] = i && j ? y * WIDE + x : !i && !j ? ROWS - 1 : i ? ROWS - 2 : ROWS - 3;
            bias[j] = (double) t.in[1][row[j]];
        }
        fill(t.in[0] + (size_t) i * 3 * DIM, 0.5, q);
        fill(t.dout + (size_t) i * DIM, 1, g);
        score_gradients(q, g, t.in[0] + DIM, 3 * DIM, DIM, N, bias, ds);
        for (uint32_t j = 0; j < N; j++)
            want[row[j]] += ds[j];
    }
    if (!(worst(t.din[1], want, ROWS) < 1e-4))
        fail_msg("the gradient of the table is off by %.3g", worst(t.din[1], want, ROWS));
    free(want);
    op_run_finish(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_embed), cmocka_unit_test(test_embed_most),
        cmocka_unit_test(test_relative), cmocka_unit_test(test_vocab_loss),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
