// test_vocab_loss.c — the loss over a vocabulary in graphs: against linear and cross_entropy, with a frozen table, how
// much memory it takes, ties, chunks of any size, tables that are too large.
#include "nn/base/rng.h"
#include "nn/graph/check.h"
#include "shaders/linear/linear.h"
#include "shaders/loss/cross_entropy.h"
#include "shaders/loss/vocab/vocab_loss.h"
#include "tests/nn/ops/op_run.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>

enum { ROWS = 130, COLS = 20, VOCAB = 9001 };      // two chunks, the second not of whole vec4

typedef enum { FUSED, SEPARATE, FROZEN } kind;

typedef struct made {
    nn_params *ps;
    nn_graph *g;
    nn_tensor *x, *labels, *loss;
    uint32_t table;
} made;

static made build(vkc_device *dev, kind k, uint32_t rows, uint32_t vocab, uint32_t cols)
{
    made m = { 0 };
    assert_ok(nn_params_create(dev, &m.ps));
    assert_ok(nn_params_add(m.ps, "table", &(nn_shape) { 2, { vocab, cols } }, true, &m.table));
    assert_ok(nn_params_alloc(m.ps, k != FROZEN));
    assert_ok(nn_graph_create(dev, &m.g));
    m.x = nn_graph_input(m.g, "x", (nn_shape) { 2, { rows, cols } }, NN_DTYPE_F32, NULL);
    m.x = nn_graph_want_gradient(m.g, m.x);
    m.labels = nn_graph_input(m.g, "labels", (nn_shape) { 1, { rows } }, NN_DTYPE_U32, NULL);
    nn_tensor *table = nn_graph_param(m.g, m.ps, m.table, k != FROZEN);
    if (k == SEPARATE) {
        nn_tensor *logits = NN_APPLY(m.g, linear, &((struct linear_attr) { 0 }), NULL, m.x, table, NULL);
        m.loss = NN_APPLY(m.g, cross_entropy, &((struct cross_entropy_attr) { 0 }), NULL, logits, m.labels);
    } else
        m.loss = NN_APPLY(m.g, vocab_loss, &((struct vocab_loss_attr) { 0 }), NULL, m.x, table, m.labels);
    nn_graph_add_loss(m.g, m.loss, 1.0f);
    nn_graph_keep(m.g, m.loss);
    return m;
}

static void destroy(made *m)
{
    nn_graph_destroy(m->g);
    nn_params_destroy(m->ps);
}

// Loss, gradient of x (ROWS, COLS), gradient of the table (VOCAB, COLS) unless it is frozen.
static void run(vkc_device *dev, kind k, float *out)
{
    made m = build(dev, k, ROWS, VOCAB, COLS);
    vkc_recording *rec = NULL;
    float *v = (float *) malloc(VOCAB * COLS * sizeof *v);
    uint32_t labels[ROWS];
    assert_non_null(v);
    assert_ok(nn_graph_plan(m.g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "vocab_loss" }, &rec));
    assert_ok(nn_graph_record(m.g, rec));
    assert_ok(vkc_recording_finish(rec));
    for (uint32_t i = 0; i < VOCAB * COLS; i++)
        v[i] = nn_rng_normal(5, 1, i);
    assert_ok(nn_params_write(m.ps, m.table, v));
    for (uint32_t i = 0; i < ROWS * COLS; i++)
        v[i] = nn_rng_normal(5, 2, i);
    assert_ok(vkc_write(dev, nn_tensor_slice(m.x), v));
    for (uint32_t i = 0; i < ROWS; i++)
        labels[i] = nn_rng_below(5, 3, i, VOCAB);
    assert_ok(vkc_write(dev, nn_tensor_slice(m.labels), labels));
    assert_ok(vkc_submit(rec, NULL));
    assert_ok(vkc_wait(dev, 0));
    assert_ok(vkc_read(dev, nn_tensor_slice(m.loss), out));
    assert_ok(vkc_read(dev, nn_graph_gradient(m.x), out + 1));
    if (k != FROZEN)
        assert_ok(vkc_read(dev, nn_params_grad(m.ps, m.table), out + 1 + ROWS * COLS));
    free(v);
    vkc_recording_destroy(rec);
    destroy(&m);
}

static double distance(const float *a, const float *b, size_t n)
{
    double d = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        d += pow((double) a[i] - (double) b[i], 2);
        norm += pow((double) b[i], 2);
    }
    return sqrt(d / norm);
}

static void test_separate(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    enum { N = 1 + ROWS * COLS + VOCAB * COLS };
    float *of[3];
    for (int k = FUSED; k <= FROZEN; k++) {
        of[k] = (float *) calloc(N, sizeof **of);
        assert_non_null(of[k]);
        run(dev, (kind) k, of[k]);
    }
    assert_true(isfinite(of[FUSED][0]) && of[FUSED][0] > 1);
    assert_true(distance(of[FUSED], of[SEPARATE], 1) < 1e-6);
    assert_true(distance(of[FUSED] + 1, of[SEPARATE] + 1, ROWS * COLS) < 1e-5);
    assert_true(distance(of[FUSED] + 1 + ROWS * COLS, of[SEPARATE] + 1 + ROWS * COLS, VOCAB * COLS) < 1e-5);
    assert_memory_equal(of[FROZEN], of[FUSED], (1 + ROWS * COLS) * sizeof **of);
    for (int k = FUSED; k <= FROZEN; k++)
        free(of[k]);
}

// 2,048 rows of 128,256 logits are 1,002 MiB; a frozen table of 64 columns, whose gradient nothing reads, 31 MiB.
static void test_memory(void **state)
{
    for (int k = FUSED; k <= FROZEN; k += FROZEN - FUSED) {
        made m = build((vkc_device *) *state, (kind) k, 2048, 128256, 64);
        assert_ok(nn_graph_plan(m.g));
        const nn_graph_info info = nn_graph_get_info(m.g);
        print_message("2,048 rows, 128,256 ids%s: %.2f MiB\n", k == FROZEN ? ", frozen" : "",
                      (double) info.activation_bytes / (1 << 20));
        assert_true(info.activation_bytes < 17u << 20);
        assert_true(info.macs == 2048ull * 128256 * 64);
        destroy(&m);
    }
}

static op_case make_case(uint32_t vocab, uint32_t chunk, struct vocab_loss_attr *attr)
{
    *attr = (struct vocab_loss_attr) { .top = 1, .rank = 1, .chunk = chunk };
    return (op_case) { .op = "vocab_loss", .note = "by hand", .layout = { { .lengths = { 5, 12 } } },
        .in = { { 1, { 2, { 0, 8 } }, 0, 0, false }, { 0, { 2, { vocab, 8 } }, 0, 0, false },
                { 1, { 1, { 0 } }, 0, vocab - 1, false } }, .attr = attr };
}

static uint32_t get_u32(const float *v)
{
    uint32_t u;
    memcpy(&u, v, sizeof u);
    return u;
}

// Rows of the table that are all the same: the first is the top, none is above the label.
static void test_ties(void **state)
{
    enum { V = 50 };
    struct vocab_loss_attr attr;
    const op_case oc = make_case(V, 16, &attr);
    op_run t;
    assert_ok(op_run_init(&t, (vkc_device *) *state, &oc, 7));
    for (uint32_t k = 8; k < 8 * V; k++)
        t.in[1][k] = t.in[1][k - 8];
    assert_ok(op_run_execute(&t, 0));
    assert_true(fabs((double) t.out[0][0] - log(V)) < 1e-5);
    assert_int_equal(get_u32(t.out[2]), 17);
    for (uint32_t i = 0; i < 17; i++) {
        assert_int_equal(get_u32(&t.out[3][i]), 0);
        assert_int_equal(get_u32(&t.out[4][i]), 0);
    }
    op_run_finish(&t);
}

// However large the chunks, ids and ranks are the same, and the loss nearly.
static void test_chunks(void **state)
{
    enum { V = 203 };
    static const uint32_t chunks[] = { 0, 1, 4, 36, 202, 203, 8192 };
    struct vocab_loss_attr attr;
    float loss = 0;
    uint32_t top[17], rank[17];
    for (size_t k = 0; k < sizeof chunks / sizeof *chunks; k++) {
        const op_case oc = make_case(V, chunks[k], &attr);
        op_run t;
        assert_ok(op_run_init(&t, (vkc_device *) *state, &oc, 8));
        assert_ok(op_run_execute(&t, 0));
        if (k == 0) {
            loss = t.out[0][0];
            memcpy(top, t.out[3], sizeof top);
            memcpy(rank, t.out[4], sizeof rank);
        }
        assert_true(fabs((double) t.out[0][0] - (double) loss) < 1e-5);
        assert_memory_equal(t.out[3], top, sizeof top);
        assert_memory_equal(t.out[4], rank, sizeof rank);
        op_run_finish(&t);
    }
}

// Logits that rounding does not tell apart: a check lets the device say which is the top and how many are above.
// `far` moves the parameters of the first row of the table before the comparison, so that the top is another.
static void check_near_ties(vkc_device *dev, bool far)
{
    enum { R = 40, C = 16, V = 70 };
    nn_check *c = NULL;
    nn_params *ps = NULL;
    nn_graph *g = NULL;
    vkc_recording *rec = NULL;
    float x[R * C], table[V * C];
    uint32_t labels[R], at;
    assert_ok(nn_check_create(dev, &(nn_check_params) { 0 }, &c));
    assert_ok(nn_params_create(dev, &ps));
    assert_ok(nn_params_add(ps, "table", &(nn_shape) { 2, { V, C } }, true, &at));
    assert_ok(nn_params_alloc(ps, false));
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *in = nn_graph_input(g, "x", (nn_shape) { 2, { R, C } }, NN_DTYPE_F32, NULL);
    nn_tensor *ids = nn_graph_input(g, "labels", (nn_shape) { 1, { R } }, NN_DTYPE_U32, NULL);
    const struct vocab_loss_attr attr = { .top = 1, .rank = 1 };
    nn_graph_keep(g, NN_APPLY(g, vocab_loss, &attr, NULL, in, nn_graph_param(g, ps, at, false), ids));
    assert_ok(nn_graph_plan(g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "ties" }, &rec));
    assert_ok(nn_graph_record(g, rec));
    assert_ok(vkc_recording_finish(rec));
    for (uint32_t i = 0; i < R * C; i++)
        x[i] = nn_rng_normal(6, 1, i);
    for (uint32_t i = 0; i < V * C; i++)        // rows that differ in the last places
        table[i] = nn_rng_normal(6, 2, i % C) * (1 + 1e-7f * (float) nn_rng_below(6, 3, i, 3));
    for (uint32_t i = 0; i < R; i++)
        labels[i] = nn_rng_below(6, 4, i, V);
    assert_ok(nn_params_write(ps, at, table));
    assert_ok(vkc_write(dev, nn_tensor_slice(in), x));
    assert_ok(vkc_write(dev, nn_tensor_slice(ids), labels));
    assert_ok(nn_check_before(g));
    assert_ok(vkc_submit(rec, NULL));
    assert_ok(vkc_wait(dev, 0));
    for (uint32_t i = 0; i < C && far; i++)
        table[i] *= 1 + 1e-4f;
    assert_ok(nn_params_write(ps, at, table));
    assert_status(nn_check_after(g, "in a test"), far ? VKC_E_CHECK : VKC_OK);
    vkc_recording_destroy(rec);
    nn_graph_destroy(g);
    nn_params_destroy(ps);
    nn_check_destroy(c);
}

static void test_near_ties(void **state)
{
    check_near_ties((vkc_device *) *state, false);
    check_near_ties((vkc_device *) *state, true);
}

static void test_refused(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    struct vocab_loss_attr attr;
    op_run t;
    op_case oc = make_case(50, 0, &attr);
    attr.chunk = 8193;
    assert_status(op_run_init(&t, dev, &oc, 1), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "chunk is at most 8192"));
    op_run_finish(&t);
    attr.chunk = 0;
    oc.in[1].shape = (nn_shape) { 2, { 50, 9 } };
    assert_status(op_run_init(&t, dev, &oc, 1), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "vocab_loss: table is (50, 9), want (R, 8)"));
    op_run_finish(&t);
    oc.in[1].shape = (nn_shape) { 2, { (1 << 24) + 1, 8 } };
    assert_status(op_run_init(&t, dev, &oc, 1), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "want at most 16777216"));
    op_run_finish(&t);
}

// A table that no binding covers, where the device binds little enough to try.
static void test_large_table(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    const uint64_t most = vkc_max_bind(dev);
    if (most > 300u << 20)
        skip();
    made m = build(dev, FROZEN, 3, (uint32_t) (most / 1024) + 1, 256);
    vkc_recording *rec = NULL;
    vkc_status st = nn_graph_plan(m.g);
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "vocab_loss" }, &rec));
    if (st == VKC_OK)
        st = nn_graph_record(m.g, rec);
    print_message("%s\n", vkc_last_error());
    assert_status(st, VKC_E_UNSUPPORTED);
    vkc_recording_destroy(rec);
    destroy(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_separate), cmocka_unit_test(test_memory), cmocka_unit_test(test_ties),
        cmocka_unit_test(test_chunks), cmocka_unit_test(test_near_ties), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_large_table),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
