// test_graph.c — the planner and the graph: no overlap, equal bits with and without reuse, the sticky error, where
// gradients go and where not, and how much memory attention takes.
#include "nn/graph/graph_impl.h"
#include "nn/base/rng.h"
#include "nn/models/model.h"
#include "shaders/attention/attention.h"
#include "shaders/loss/cross_entropy.h"
#include "shaders/linear/linear.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>

// ---- the planner alone

static void test_place(void **state)
{
    (void) state;
    enum { N = 160, TIMES = 40, MOST = 16384, ALIGN = 256 };
    for (uint32_t seed = 0; seed < 20; seed++) {
        static nn_piece piece[N];
        nn_piece *list[N];
        for (uint32_t i = 0; i < N; i++) {
            uint32_t start = nn_rng_below(seed, 0, i, TIMES);
            piece[i] = (nn_piece) { .size = 1 + nn_rng_below(seed, 1, i, i % 8 ? 3000 : MOST), .start = start,
                                    .end = start + nn_rng_below(seed, 2, i, TIMES - start) };
            list[i] = &piece[i];
        }
        size_t block[NN_MAX_BLOCKS];
        uint32_t n_blocks = 0;
        assert_ok(nn__place(list, N, ALIGN, MOST, block, &n_blocks));
        for (uint32_t i = 0; i < N; i++) {
            const nn_piece *a = &piece[i];
            assert_true(a->block < n_blocks && a->offset % ALIGN == 0);
            assert_true(a->offset + a->size <= block[a->block] && block[a->block] <= MOST);
            for (uint32_t k = 0; k < i; k++) {
                const nn_piece *b = &piece[k];
                bool meet = a->start <= b->end && b->start <= a->end;
                bool overlap = a->block == b->block && a->offset < b->offset + b->size &&
                               b->offset < a->offset + a->size;
                assert_false(meet && overlap);
            }
        }
    }
}

// Pieces whose times never meet take the memory of the largest, which may be more than a block is meant to have.
static void test_place_limits(void **state)
{
    (void) state;
    nn_piece piece[8], *list[8];
    for (uint32_t i = 0; i < 8; i++) {
        piece[i] = (nn_piece) { .size = 1024 * (i + 1), .start = 2 * i, .end = 2 * i + 1 };
        list[i] = &piece[i];
    }
    size_t block[NN_MAX_BLOCKS];
    uint32_t n_blocks;
    assert_ok(nn__place(list, 8, 256, 1 << 20, block, &n_blocks));
    assert_int_equal(n_blocks, 1);
    assert_int_equal(block[0], 8192);
    assert_ok(nn__place(list, 8, 256, 8191, block, &n_blocks));
    assert_int_equal(n_blocks, 1);
    assert_int_equal(block[0], 8192);
    for (uint32_t i = 0; i < 8; i++)
        piece[i].end = 16;          // now they meet: two of 7 and 8 KiB have blocks of their own
    assert_ok(nn__place(list, 8, 256, 6 << 10, block, &n_blocks));
    const size_t want[] = { 8, 7, 6, 5 + 1, 4 + 2, 3 };
    assert_int_equal(n_blocks, sizeof want / sizeof *want);
    for (uint32_t b = 0; b < n_blocks; b++)
        assert_int_equal(block[b], want[b] << 10);
}

// ---- a whole model, with and without reuse

typedef struct model {
    nn_model *v;
    nn_batch batch;
    nn_graph *g;
    nn_tensor *pixels, *labels, *loss;
    vkc_recording *rec;
} model;

#define IMAGES 3

static void build_model(vkc_device *dev, model *m)
{
    nn_model_config cfg;
    assert_ok(nn_model_config_init(&cfg, "vit:image=12,patch=4,dim=20,depth=2,heads=5,classes=7"));
    assert_ok(nn_layer_config_set(&cfg.layers[1], "linear", ""));
    *m = (model) { 0 };
    assert_ok(nn_model_create(dev, &cfg, true, &m->v));
    assert_ok(nn_model_init(m->v, 5));
    assert_ok(nn_model_batch_create(dev, &cfg, IMAGES, &m->batch));
    assert_ok(nn_graph_create(dev, &m->g));
    m->pixels = nn_graph_input(m->g, "pixels", (nn_shape) { 2, { 0, 3 * 12 * 12 } }, NN_DTYPE_F32, m->batch.samples);
    m->labels = nn_graph_input(m->g, "labels", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, m->batch.samples);
    nn_tensor *logits = nn_model_forward(m->g, m->v, &m->batch, &m->pixels, true, NULL);
    m->loss = NN_APPLY(m->g, cross_entropy, &(struct cross_entropy_attr) { .smoothing = 0.1f }, NULL, logits,
                       m->labels);
    nn_graph_add_loss(m->g, m->loss, 1.0f);
    nn_model_config_finish(&cfg);
}

// Runs it and returns the gradients of all parameters, then the loss.
static float *run_model(vkc_device *dev, model *m, size_t *len)
{
    float pixels[IMAGES * 3 * 12 * 12];
    const uint32_t labels[IMAGES] = { 2, 6, 0 };
    for (uint32_t i = 0; i < sizeof pixels / sizeof *pixels; i++)
        pixels[i] = nn_rng_normal(9, 1, i);
    assert_ok(nn_graph_plan(m->g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "model" }, &m->rec));
    assert_ok(nn_graph_record(m->g, m->rec));
    assert_ok(vkc_recording_finish(m->rec));
    assert_ok(nn_batch_write(dev, &m->batch, IMAGES));
    assert_ok(vkc_write(dev, nn_tensor_slice(m->pixels), pixels));
    assert_ok(vkc_write(dev, nn_tensor_slice(m->labels), labels));
    assert_ok(vkc_submit(m->rec, NULL));
    assert_ok(vkc_wait(dev, 0));
    const nn_params *ps = m->v->params;
    *len = nn_params_count(ps) + 1;
    float *all = (float *) malloc(*len * sizeof *all), *at = all;
    assert_non_null(all);
    for (uint32_t i = 0; i < ps->n; i++) {
        assert_ok(vkc_read(dev, nn_params_grad(ps, i), at));
        at += nn_shape_len(&ps->p[i].shape);
    }
    assert_ok(vkc_read(dev, nn_tensor_slice(m->loss), at));
    return all;
}

static void close_model(model *m)
{
    vkc_recording_destroy(m->rec);
    nn_graph_destroy(m->g);
    nn_batch_finish(&m->batch);
    nn_model_destroy(m->v);
}

static void test_reuse(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    float *grads[2];
    nn_graph_info info[2];
    size_t len = 0;
    for (int keep = 0; keep < 2; keep++) {
        model m;
        build_model(dev, &m);
        for (uint32_t i = 0; keep && i < m.g->n_tensors; i++)
            nn_graph_keep(m.g, m.g->tensor[i]);
        grads[keep] = run_model(dev, &m, &len);
        info[keep] = nn_graph_get_info(m.g);
        assert_int_equal(info[keep].n_backward, info[keep].n_calls - 1);     // all but patchify
        close_model(&m);
    }
    double sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += fabs((double) grads[0][i]);
    assert_true(sum > 0 && isfinite(sum));
    assert_memory_equal(grads[0], grads[1], len * sizeof **grads);
    assert_true(info[0].activation_bytes < info[1].activation_bytes);
    assert_true(info[0].activation_bytes < info[0].unplanned_bytes);
    assert_true(info[0].macs == info[1].macs && info[0].macs > 0);
    print_message("activations %.0f kB, kept %.0f kB, without plan %.0f kB\n", (double) info[0].activation_bytes / 1e3,
                  (double) info[1].activation_bytes / 1e3, (double) info[0].unplanned_bytes / 1e3);
    free(grads[0]);
    free(grads[1]);
}

// ---- small graphs with gradients that can be written down: y = x w^T, loss = mean (y - t)^2

#define R 5u
#define K 3u
#define N 4u

typedef struct net {
    vkc_device *dev;
    nn_params *ps;
    uint32_t w[2];
    nn_graph *g;
    nn_tensor *x, *t;
    vkc_recording *rec;
    float xv[R * K], tv[R * N], wv[2][N * K];
} net;

static void open_net(vkc_device *dev, net *n)
{
    *n = (net) { .dev = dev };
    const nn_shape shape = { 2, { N, K } };
    assert_ok(nn_params_create(dev, &n->ps));
    assert_ok(nn_params_add(n->ps, "a", &shape, true, &n->w[0]));
    assert_ok(nn_params_add(n->ps, "b", &shape, true, &n->w[1]));
    assert_ok(nn_params_alloc(n->ps, true));
    for (uint32_t p = 0; p < 2; p++) {
        for (uint32_t i = 0; i < N * K; i++)
            n->wv[p][i] = nn_rng_normal(3, p, i);
        assert_ok(nn_params_write(n->ps, n->w[p], n->wv[p]));
    }
    assert_ok(nn_graph_create(dev, &n->g));
    n->x = nn_graph_input(n->g, "x", (nn_shape) { 2, { R, K } }, NN_DTYPE_F32, NULL);
    n->t = nn_graph_input(n->g, "t", (nn_shape) { 2, { R, N } }, NN_DTYPE_F32, NULL);
    for (uint32_t i = 0; i < R * K; i++)
        n->xv[i] = nn_rng_normal(3, 8, i);
    for (uint32_t i = 0; i < R * N; i++)
        n->tv[i] = nn_rng_normal(3, 9, i);
}

static nn_tensor *linear(net *n, uint32_t p, bool trained)
{
    return NN_APPLY(n->g, linear, &(struct linear_attr) { 0 }, NULL, n->x,
                    nn_graph_param(n->g, n->ps, n->w[p], trained));
}

static void run_net(net *n)
{
    assert_ok(nn_graph_plan(n->g));
    assert_ok(vkc_recording_create(n->dev, &(vkc_recording_params) { .name = "net" }, &n->rec));
    assert_ok(nn_graph_record(n->g, n->rec));
    assert_ok(vkc_recording_finish(n->rec));
    assert_ok(vkc_write(n->dev, nn_tensor_slice(n->x), n->xv));
    assert_ok(vkc_write(n->dev, nn_tensor_slice(n->t), n->tv));
    assert_ok(vkc_submit(n->rec, NULL));
    assert_ok(vkc_wait(n->dev, 0));
}

static void close_net(net *n)
{
    vkc_recording_destroy(n->rec);
    nn_graph_destroy(n->g);
    nn_params_destroy(n->ps);
}

// Add to dw what the gradient of weight * mean (scale x w^T - t)^2 is.
static void add_mse_gradient(const net *n, uint32_t p, double weight, double scale, double *dw)
{
    for (uint32_t r = 0; r < R; r++)
        for (uint32_t c = 0; c < N; c++) {
            double y = 0;
            for (uint32_t k = 0; k < K; k++)
                y += scale * (double) n->xv[r * K + k] * (double) n->wv[p][c * K + k];
            double dy = weight * 2 * (y - (double) n->tv[r * N + c]) / (R * N);
            for (uint32_t k = 0; k < K; k++)
                dw[c * K + k] += scale * dy * (double) n->xv[r * K + k];
        }
}

static void check_gradient(const net *n, uint32_t p, const double *want)
{
    float dw[N * K];
    assert_ok(vkc_read(n->dev, nn_params_grad(n->ps, n->w[p]), dw));
    for (uint32_t i = 0; i < N * K; i++)
        if (fabs((double) dw[i] - want[i]) > 1e-6 * (1 + fabs(want[i])))
            fail_msg("gradient %u of parameter %u is %g, want %g", i, p, (double) dw[i], want[i]);
}

static void test_two_losses(void **state)
{
    net n;
    double want[N * K] = { 0 };
    open_net((vkc_device *) *state, &n);
    nn_tensor *y = linear(&n, 0, true);
    nn_graph_add_loss(n.g, NN_APPLY0(n.g, mse, NULL, y, n.t), 0.5f);
    nn_graph_add_loss(n.g, NN_APPLY0(n.g, mse, NULL, NN_APPLY0(n.g, add, NULL, y, y), n.t), 2.0f);   // y twice
    run_net(&n);
    add_mse_gradient(&n, 0, 0.5, 1, want);
    add_mse_gradient(&n, 0, 2.0, 2, want);
    check_gradient(&n, 0, want);
    close_net(&n);
}

// A tensor that is a loss itself and goes into another: d/dw (3 y + (y - t)^2), y = x w^T a single number.
static void test_loss_inside(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_params *ps;
    nn_graph *g;
    vkc_recording *rec;
    uint32_t w;
    const float wv[2] = { 0.5f, -1.5f }, xv[2] = { 2.0f, 1.0f }, tv = 4.0f;
    float dw[2], value;
    assert_ok(nn_params_create(dev, &ps));
    assert_ok(nn_params_add(ps, "w", &(nn_shape) { 2, { 1, 2 } }, true, &w));
    assert_ok(nn_params_alloc(ps, true));
    assert_ok(nn_params_write(ps, w, wv));
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *x = nn_graph_input(g, "x", (nn_shape) { 2, { 1, 2 } }, NN_DTYPE_F32, NULL);
    nn_tensor *t = nn_graph_input(g, "t", (nn_shape) { 2, { 1, 1 } }, NN_DTYPE_F32, NULL);
    nn_tensor *y = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, x, nn_graph_param(g, ps, w, true));
    nn_graph_add_loss(g, y, 3.0f);
    nn_graph_add_loss(g, NN_APPLY0(g, mse, NULL, y, t), 1.0f);
    assert_ok(nn_graph_plan(g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "loss" }, &rec));
    assert_ok(nn_graph_record(g, rec));
    assert_ok(vkc_recording_finish(rec));
    assert_ok(vkc_write(dev, nn_tensor_slice(x), xv));
    assert_ok(vkc_write(dev, nn_tensor_slice(t), &tv));
    assert_ok(vkc_submit(rec, NULL));
    assert_ok(vkc_wait(dev, 0));
    assert_ok(vkc_read(dev, nn_params_grad(ps, w), dw));
    assert_ok(vkc_read(dev, nn_tensor_slice(y), &value));
    assert_true(value == -0.5f);
    assert_true(dw[0] == (3 + 2 * (-0.5f - 4)) * 2 && dw[1] == (3 + 2 * (-0.5f - 4)) * 1);
    vkc_recording_destroy(rec);
    nn_graph_destroy(g);
    nn_params_destroy(ps);
}

static void test_stop_gradient(void **state)
{
    net n;
    double want[N * K] = { 0 }, zero[N * K] = { 0 };
    open_net((vkc_device *) *state, &n);
    nn_tensor *b = linear(&n, 1, true), *a = linear(&n, 0, true);
    nn_tensor *stopped = nn_stop_gradient(n.g, b);
    nn_graph_keep(n.g, b);
    assert_ptr_equal(nn_stop_gradient(n.g, stopped), stopped);
    nn_graph_add_loss(n.g, NN_APPLY0(n.g, mse, NULL, a, stopped), 1.0f);
    run_net(&n);
    assert_true(nn_graph_is_trained(n.g, n.ps, n.w[0]));
    assert_false(nn_graph_is_trained(n.g, n.ps, n.w[1]));
    assert_ok(vkc_read(n.dev, nn_tensor_slice(b), n.tv));       // the other model's output is the target
    add_mse_gradient(&n, 0, 1, 1, want);
    check_gradient(&n, 0, want);
    check_gradient(&n, 1, zero);
    close_net(&n);
}

// Untrained parameters keep whatever their gradient memory holds; trained ones are added to.
static void test_wanted(void **state)
{
    net n;
    double want[N * K], kept[N * K];
    open_net((vkc_device *) *state, &n);
    for (uint32_t i = 0; i < N * K; i++)
        want[i] = kept[i] = 1;
    assert_ok(vkc_fill(n.dev, vkc_slice_of(n.ps->grad[0]), 0x3f800000u));      // 1.0f
    nn_tensor *y = NN_APPLY0(n.g, add, NULL, linear(&n, 0, true), linear(&n, 1, false));
    nn_tensor *alone = NN_APPLY0(n.g, add, NULL, y, y);         // no loss below: no backward
    nn_graph_add_loss(n.g, NN_APPLY0(n.g, mse, NULL, y, n.t), 1.0f);
    run_net(&n);
    assert_int_equal(nn_graph_get_info(n.g).n_backward, 3);     // mse, add, one linear
    assert_false(alone->has_grad);
    check_gradient(&n, 1, kept);
    for (uint32_t r = 0; r < R; r++)                            // t - x b^T is what a has to reach
        for (uint32_t c = 0; c < N; c++)
            for (uint32_t k = 0; k < K; k++)
                n.tv[r * N + c] -= n.xv[r * K + k] * n.wv[1][c * K + k];
    add_mse_gradient(&n, 0, 1, 1, want);
    check_gradient(&n, 0, want);
    close_net(&n);
}

// ---- misuse

static void test_sticky(void **state)
{
    net n;
    open_net((vkc_device *) *state, &n);
    nn_tensor *wrong = NN_APPLY(n.g, linear, &(struct linear_attr) { 0 }, NULL, n.t,
                                nn_graph_param(n.g, n.ps, n.w[0], true));
    assert_null(wrong);
    char text[256];
    snprintf(text, sizeof text, "%.60s", vkc_last_error());
    assert_non_null(strstr(text, "linear"));
    assert_null(NN_APPLY0(n.g, add, NULL, wrong, wrong));
    assert_null(nn_graph_input(n.g, "late", (nn_shape) { 1, { 1 } }, NN_DTYPE_F32, NULL));
    assert_null(nn_graph_param(n.g, n.ps, n.w[1], true));
    assert_null(nn_stop_gradient(n.g, wrong));
    assert_null(nn_output(wrong, 1));
    nn_graph_add_loss(n.g, wrong, 1.0f);
    nn_graph_keep(n.g, wrong);
    for (int i = 0; i < 2; i++) {
        VKC_FAIL(VKC_E_IO, "something else");
        assert_status(nn_graph_plan(n.g), VKC_E_ARG);
        assert_non_null(strstr(vkc_last_error(), text));
    }
    close_net(&n);
}

// From y = x a^T with t as its gradient: dx = t a, anew in every replay, and da = t^T x; of what is an input and seeded
// itself, the seed.
static void test_seed(void **state)
{
    net n;
    float dx[R * K], same[R * N];
    double da[N * K] = { 0 };
    open_net((vkc_device *) *state, &n);
    nn_graph_want_gradient(n.g, n.x);
    const nn_shape shape = { 2, { R, N } };
    nn_tensor *u = nn_graph_want_gradient(n.g, nn_graph_input(n.g, "u", shape, NN_DTYPE_F32, NULL));
    nn_graph_add_seed(n.g, linear(&n, 0, true), n.t);
    nn_graph_add_seed(n.g, u, n.t);
    run_net(&n);
    for (int replay = 0; replay < 2; replay++) {
        if (replay) {
            assert_ok(vkc_submit(n.rec, NULL));
            assert_ok(vkc_wait(n.dev, 0));
        }
        assert_ok(vkc_read(n.dev, nn_graph_gradient(n.x), dx));
        for (uint32_t r = 0; r < R; r++)
            for (uint32_t k = 0; k < K; k++) {
                double want = 0;
                for (uint32_t c = 0; c < N; c++)
                    want += (double) n.tv[r * N + c] * (double) n.wv[0][c * K + k];
                assert_true(fabs((double) dx[r * K + k] - want) <= 1e-6 * (1 + fabs(want)));
            }
        for (uint32_t r = 0; r < R; r++)        // parameters' gradients add up
            for (uint32_t c = 0; c < N; c++)
                for (uint32_t k = 0; k < K; k++)
                    da[c * K + k] += (double) n.tv[r * N + c] * (double) n.xv[r * K + k];
        check_gradient(&n, 0, da);
    }
    assert_ok(vkc_read(n.dev, nn_graph_gradient(u), same));
    assert_memory_equal(same, n.tv, sizeof same);
    close_net(&n);
}

// Each of these is one sentence when the graph is planned.
static void test_seed_misuse(void **state)
{
    for (int k = 0; k < 5; k++) {
        net n;
        open_net((vkc_device *) *state, &n);
        nn_tensor *y = linear(&n, 0, true);
        switch (k) {
        case 0: nn_graph_add_seed(n.g, y, y); break;                    // no input
        case 1: nn_graph_add_seed(n.g, y, n.x); break;                  // of another shape
        case 2: nn_graph_add_seed(n.g, y, n.t); nn_graph_add_seed(n.g, y, n.t); break;
        case 3: assert_null(nn_graph_want_gradient(n.g, y)); break;
        default: assert_null(nn_graph_want_gradient(n.g, nn_graph_param(n.g, n.ps, n.w[1], false)));
        }
        assert_status(nn_graph_plan(n.g), VKC_E_ARG);
        close_net(&n);
    }
}

static void test_misuse(void **state)
{
    net n;
    open_net((vkc_device *) *state, &n);
    nn_graph_add_loss(n.g, NN_APPLY0(n.g, mse, NULL, linear(&n, 0, true), n.t), 1.0f);
    vkc_recording *rec;
    assert_ok(vkc_recording_create(n.dev, &(vkc_recording_params) { .name = "early" }, &rec));
    assert_status(nn_graph_record(n.g, rec), VKC_E_ARG);        // not planned
    vkc_recording_destroy(rec);
    run_net(&n);
    assert_status(nn_graph_plan(n.g), VKC_E_ARG);
    assert_ok(vkc_recording_create(n.dev, &(vkc_recording_params) { .name = "twice" }, &rec));
    assert_status(nn_graph_record(n.g, rec), VKC_E_ARG);
    vkc_recording_destroy(rec);
    close_net(&n);
    open_net((vkc_device *) *state, &n);
    nn_graph_add_loss(n.g, linear(&n, 0, true), 1.0f);          // not a scalar
    assert_status(nn_graph_plan(n.g), VKC_E_ARG);
    close_net(&n);
}

// ---- the memory bar: 4,096 tokens, one head of 64, forward and backward, in 64 MB of device memory in all

static void test_attention_memory(void **state)
{
    enum { TOKENS = 4096, DIM = 64 };
    vkc_device *dev = (vkc_device *) *state;
    nn_rows *rows;
    nn_params *ps;
    nn_graph *g;
    vkc_recording *rec;
    uint32_t w, b;
    assert_int_equal(vkc_memory_get_info(dev).in_use, 0);
    assert_ok(nn_rows_create(dev, 1, TOKENS, 0, 0, 0, &rows));
    assert_ok(nn_params_create(dev, &ps));
    assert_ok(nn_params_add(ps, "qkv.weight", &(nn_shape) { 2, { 3 * DIM, DIM } }, true, &w));
    assert_ok(nn_params_add(ps, "qkv.bias", &(nn_shape) { 1, { 3 * DIM } }, false, &b));
    assert_ok(nn_params_alloc(ps, true));
    assert_ok(nn_graph_create(dev, &g));
    const nn_shape shape = { 2, { 0, DIM } };
    nn_tensor *x = nn_graph_input(g, "x", shape, NN_DTYPE_F32, rows);
    nn_tensor *t = nn_graph_input(g, "t", shape, NN_DTYPE_F32, rows);
    nn_tensor *qkv = NN_APPLY(g, linear, &(struct linear_attr) { 0 }, NULL, x, nn_graph_param(g, ps, w, true),
                              nn_graph_param(g, ps, b, true));
    nn_tensor *o = NN_APPLY(g, attention, &(struct attention_attr) { .heads = 1 }, NULL, qkv);
    nn_graph_add_loss(g, NN_APPLY0(g, mse, NULL, o, t), 1.0f);
    assert_ok(nn_graph_plan(g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "attention" }, &rec));
    assert_ok(nn_graph_record(g, rec));
    assert_ok(vkc_recording_finish(rec));
    const uint32_t few = 33;        // memory is by capacity; a replay of all tokens would take its time
    assert_ok(nn_rows_write(dev, rows, 1, &few, NULL));
    assert_ok(vkc_submit(rec, NULL));
    assert_ok(vkc_wait(dev, 0));
    vkc_memory_info info = vkc_memory_get_info(dev);
    print_message("attention of %d tokens, forward and backward: %.1f MB of device memory\n", TOKENS,
                  (double) info.peak / 1e6);
    assert_true(info.in_use < 64000000);
    vkc_recording_destroy(rec);
    nn_graph_destroy(g);
    nn_params_destroy(ps);
    nn_rows_destroy(rows);
    assert_int_equal(vkc_memory_get_info(dev).in_use, 0);       // nothing is left behind
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention_memory),    // first: it reads the peak
        cmocka_unit_test(test_place),        cmocka_unit_test(test_place_limits),
        cmocka_unit_test(test_reuse),        cmocka_unit_test(test_two_losses),
        cmocka_unit_test(test_loss_inside),  cmocka_unit_test(test_stop_gradient),
        cmocka_unit_test(test_wanted),       cmocka_unit_test(test_sticky),
        cmocka_unit_test(test_misuse), cmocka_unit_test(test_seed), cmocka_unit_test(test_seed_misuse),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
