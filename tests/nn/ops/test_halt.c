// test_halt.c — halting over several blocks in one graph: an example traced by hand, and the gradients of the whole
// chain, its losses included, against its graph in double.
#include "nn/graph/graph_impl.h"
#include "shaders/halt/mean_field.h"
#include "nn/graph/reference.h"
#include "tests/nn/ops/halt_run.h"

// ---- several blocks as one graph, no compaction: block l's output is the input x[l]

#define MAX_BLOCKS 4

typedef struct chain_params {
    uint32_t blocks, dim, cap_images, cap_tokens, kept;
    float    patches;
    struct halt_loss_attr prior;
    bool     train;                 // losses: halt_loss, and the mean field against `target`
} chain_params;

typedef struct chain {
    vkc_device *dev;
    chain_params with;
    nn_rows    *tokens, *images;
    nn_graph   *g;
    nn_tensor  *x[MAX_BLOCKS], *gate, *target;
    nn_tensor  *halting[MAX_BLOCKS], *keep[MAX_BLOCKS], *field[MAX_BLOCKS], *row[MAX_BLOCKS];
    nn_tensor  *z, *tally, *loss, *mse;
    vkc_buffer *dx[MAX_BLOCKS];
    vkc_recording *rec;
    nn_reference  *ref;
} chain;

static vkc_status build(chain *t)
{
    vkc_status st;
    const chain_params *w = &t->with;
    const nn_shape shape = { 2, { 0, w->dim } };
    VKC_TRY(nn_rows_create(t->dev, w->cap_images, w->cap_tokens, 1, 0, 0, &t->tokens));
    VKC_TRY(nn_rows_create(t->dev, w->cap_images, 1, 0, 0, 0, &t->images));
    VKC_TRY(nn_graph_create(t->dev, &t->g));
    t->gate = nn_graph_input(t->g, "gate", (nn_shape) { 1, { GATE_LEN } }, NN_DTYPE_F32, NULL);
    nn_tensor *prev = NULL;
    for (uint32_t l = 0; l < w->blocks; l++) {
        const struct halt_attr halt = { .eps = EPS, .last = l + 1 == w->blocks, .kept = w->kept };
        const struct halt_tally_attr tally = { .layers = w->blocks, .layer = l, .kept = w->kept };
        t->x[l] = nn_graph_input(t->g, "x", shape, NN_DTYPE_F32, t->tokens);
        if (w->train) {
            VKC_TRY(vkc_buffer_create(t->dev, VKC_MEM_DEVICE, nn_shape_len(&t->x[l]->shape) * 4, "dx", &t->dx[l]));
            t->x[l]->grad = vkc_slice_of(t->dx[l]);
            t->x[l]->requires_grad = true;
        }
        t->halting[l] = NN_APPLY(t->g, halt, &halt, NULL, t->x[l], t->gate, prev);
        t->keep[l] = nn_output(t->halting[l], 1);
        t->field[l] = NN_APPLY(t->g, mean_field, &(struct mean_field_attr) { .patches = w->patches }, t->images,
                               t->x[l],
                               t->halting[l]);
        t->row[l] = NN_APPLY(t->g, halt_tally, &tally, NULL, t->halting[l], prev);
        t->z = l ? NN_APPLY0(t->g, add, NULL, t->z, t->field[l]) : t->field[l];
        t->tally = l ? NN_APPLY0(t->g, add, NULL, t->tally, t->row[l]) : t->row[l];
        prev = t->halting[l];
        nn_graph_keep(t->g, t->halting[l]);
        nn_graph_keep(t->g, t->keep[l]);
        nn_graph_keep(t->g, t->field[l]);
    }
    nn_graph_keep(t->g, t->z);
    nn_graph_keep(t->g, t->tally);
    t->loss = NN_APPLY(t->g, halt_loss, &w->prior, NULL, t->tally, t->gate);
    nn_graph_keep(t->g, t->loss);
    nn_graph_keep(t->g, nn_output(t->loss, 1));
    if (w->train) {
        t->target = nn_graph_input(t->g, "target", shape, NN_DTYPE_F32, t->images);
        t->mse = NN_APPLY0(t->g, mse, NULL, t->z, t->target);
        nn_graph_add_loss(t->g, t->loss, 1);
        nn_graph_add_loss(t->g, t->mse, 1);
    }
    VKC_TRY(nn_graph_plan(t->g));
    VKC_TRY(vkc_recording_create(t->dev, &(vkc_recording_params) { .name = "halting" }, &t->rec));
    VKC_TRY(nn_graph_record(t->g, t->rec));
    VKC_TRY(vkc_recording_finish(t->rec));
done:
    return st;
}

static void chain_init(chain *t, vkc_device *dev, const chain_params *with)
{
    *t = (chain) { .dev = dev, .with = *with };
    assert_ok(build(t));
    assert_ok(nn_reference_create(t->g, &t->ref));
}

static void chain_finish(chain *t)
{
    nn_reference_destroy(t->ref);
    vkc_recording_destroy(t->rec);
    nn_graph_destroy(t->g);
    nn_rows_destroy(t->tokens);
    nn_rows_destroy(t->images);
    for (uint32_t l = 0; l < MAX_BLOCKS; l++)
        vkc_buffer_destroy(t->dx[l]);
}

// Live values to the device, NaN behind them, and the same to the graph in double.
static void put(chain *t, const nn_tensor *x, const float *live, size_t n)
{
    const size_t cap = nn_shape_len(nn_tensor_shape(x));
    float *v = (float *) malloc(cap * sizeof *v);
    assert_non_null(v);
    for (size_t k = 0; k < cap; k++) {
        v[k] = k < n ? live[k] : NAN;
        nn_reference_values(t->ref, x)[k] = k < n ? (double) live[k] : 0;
    }
    assert_ok(vkc_write(t->dev, nn_tensor_slice(x), v));
    nn_reference_touch(t->ref, x);
    free(v);
}

// The token of channel 0 whose score is h, with the gate's scale 2 and centre 1.
static float scored(double h)
{
    return (float) ((log(h / (1 - h)) + 1) / 2);
}

// ---- three tokens, four blocks: a class token with scores that reach the threshold in block 1, a patch that never
// reaches it, a patch that reaches it at once. The class token halts as any other, or is kept and never does.

enum { B4 = 4, T3 = 3 };
static const double SCORE[B4][T3] = { { 0.2, 0.1, 0.999 }, { 0.8, 0.2, 0.3 }, { 0.5, 0.25, 0.6 }, { 0.5, 0.5, 0.9 } };
static const float VALUE[B4][T3] = { { 1, 10, 100 }, { 2, 20, 7 }, { 3, 30, 7 }, { 4, 40, 7 } };    // channel 1

typedef struct trace {
    uint32_t kept;
    double   cls[B4][HALT_COLS];        // p, c, r, h of the class token
    uint32_t goes_on[B4];               // the class token
    double   field[B4], z;
    double   rho[T3];                   // blocks executed + remainder
    double   tally[B4][TALLY_COLS];
    double   loss;
} trace;

static const double PATCHES[B4][T3 - 1][HALT_COLS] = {      // p, c, r, h, the same in both cases
    { { 0.1, 0.1, 0.9, 0.1 }, { 1, HALT_DONE, 0, 0.999 } },
    { { 0.2, 0.3, 0.7, 0.2 }, { 0, HALT_DONE, 0, 0 } },
    { { 0.25, 0.55, 0.45, 0.25 }, { 0, HALT_DONE, 0, 0 } },
    { { 0.45, HALT_DONE, 0, 0.5 }, { 0, HALT_DONE, 0, 0 } },
};
static const uint32_t PATCHES_GO_ON[B4][T3 - 1] = { { 1, 0 }, { 1, 0 }, { 1, 0 }, { 0, 0 } };

static const trace TRACES[] = {
    {   // kept: the class token's scores do not matter, and the last block's output is read
        .kept = 1,
        .cls = { { 0, 0, 1, 0 }, { 0, 0, 1, 0 }, { 0, 0, 1, 0 }, { 1, HALT_DONE, 0, 0 } },
        .goes_on = { 1, 1, 1, 1 },
        // p of the class token times its value, plus 0.5 / 2 times the same of both patches
        .field = { 0.25 * (1 + 100), 0.25 * 4, 0.25 * 7.5, 4 + 0.25 * 18 }, .z = 36.625,
        .rho = { 4 + 1, 4 + 0.45, 1 + 1 },
        // of the two patches: (1 + 1 + [done] p) / 2, (h + h) / 2, both are there
        .tally = { { 1.5, 0.5495, 1, 0 }, { 0.5, 0.1, 1, 0 }, { 0.5, 0.125, 1, 0 }, { 0.725, 0.25, 1, 0 } },
        // 2 (1.5 + 0.5 + 0.5 + 0.725) + 0.6 / 4 (-0.188742 + 0.627261 + 0.193683 - 0.083172), the prior's mean, std 1
        .loss = 6.532354525,
    },
    {   // not kept: done after block 1 with the remainder, 0.8
        .kept = 0,
        .cls = { { 0.2, 0.2, 0.8, 0.2 }, { 0.8, HALT_DONE, 0, 0.8 }, { 0, HALT_DONE, 0, 0 }, { 0, HALT_DONE, 0, 0 } },
        .goes_on = { 1, 0, 0, 0 },
        .field = { 0.2 + 0.25 * (1 + 100), 1.6 + 0.25 * 4, 0.25 * 7.5, 0.25 * 18 }, .z = 34.425,
        .rho = { 2 + 0.8, 4 + 0.45, 1 + 1 },
        // of all three
        .tally = { { 4 / 3.0, 1.299 / 3, 1, 0 }, { 2.8 / 3, 1 / 3.0, 1, 0 }, { 1 / 3.0, 0.25 / 3, 1, 0 },
                   { 1.45 / 3, 0.5 / 3, 1, 0 } },
        // 2 (4 + 2.8 + 1 + 1.45) / 3 + 0.6 / 4 (-0.129270 + 0.111174 + 0.296338 - 0.060267)
        .loss = 6.199362950,
    },
};

static void check_traced_block(chain *t, const trace *want, uint32_t l, double rho[T3])
{
    float *halting = (float *) get(t->dev, t->halting[l]), *field = (float *) get(t->dev, t->field[l]);
    uint32_t *keep = (uint32_t *) get(t->dev, t->keep[l]);
    for (uint32_t k = 0; k < T3; k++) {
        const double *row = k ? PATCHES[l][k - 1] : want->cls[l];
        for (uint32_t j = 0; j < HALT_COLS; j++)
            check_near("p, c, r or h", (double) halting[k * HALT_COLS + j], row[j]);
        assert_int_equal(keep[k], k ? PATCHES_GO_ON[l][k - 1] : want->goes_on[l]);
        const bool was_running = l == 0 || (k ? PATCHES[l - 1][k - 1] : want->cls[l - 1])[HALT_C] < HALT_DONE;
        const bool is_done = (double) halting[k * HALT_COLS + HALT_C] >= HALT_DONE;
        rho[k] += was_running ? 1 + (is_done ? (double) halting[k * HALT_COLS + HALT_P] : 0) : 0;
    }
    check_near("mean field of a block", (double) field[1], want->field[l]);
    free(halting);
    free(field);
    free(keep);
}

static void check_trace(vkc_device *dev, const trace *want)
{
    chain t;
    const chain_params with = { .blocks = B4, .dim = 2, .cap_images = 1, .cap_tokens = T3, .kept = want->kept,
                                .patches = 0.5f, .prior = { HALT_TARGET_NORMALISED, 1, 1 } };
    const float gate[GATE_LEN] = { 2, 1, 2, 0.6f };
    const uint32_t length = T3;
    double rho[T3] = { 0 }, ponder = 0, mean_rho = 0;
    chain_init(&t, dev, &with);
    assert_ok(nn_rows_write(t.dev, t.tokens, 1, &length, NULL));
    assert_ok(nn_rows_write_dense(t.dev, t.images, 1));
    put(&t, t.gate, gate, GATE_LEN);
    for (uint32_t l = 0; l < B4; l++) {
        float x[T3][2];
        for (uint32_t k = 0; k < T3; k++) {
            x[k][0] = scored(SCORE[l][k]);
            x[k][1] = VALUE[l][k];
        }
        put(&t, t.x[l], x[0], 2 * T3);
    }
    execute(t.dev, t.rec);
    for (uint32_t l = 0; l < B4; l++)
        check_traced_block(&t, want, l, rho);
    for (uint32_t k = 0; k < T3; k++)
        check_near("rho", rho[k], want->rho[k]);
    float *z = (float *) get(t.dev, t.z), *tally = (float *) get(t.dev, t.tally), *loss = (float *) get(t.dev, t.loss);
    float *alive = (float *) get(t.dev, nn_output(t.loss, 1));
    check_near("mean field", (double) z[1], want->z);
    for (uint32_t i = 0; i < B4 * TALLY_COLS; i++)
        check_near("tally", (double) tally[i], want->tally[i / TALLY_COLS][i % TALLY_COLS]);
    for (uint32_t l = 0; l < B4; l++)
        ponder += (double) tally[l * TALLY_COLS + TALLY_PONDER];
    for (uint32_t k = want->kept; k < T3; k++)
        mean_rho += want->rho[k] / (T3 - want->kept);
    check_near("ponder, the mean of rho over tokens that may leave", ponder, mean_rho);
    check_near("loss", (double) loss[0], want->loss);
    check_near("alive", (double) alive[0], 1);
    free(z);
    free(tally);
    free(loss);
    free(alive);
    chain_finish(&t);
}

static void test_traced(void **state)
{
    for (size_t i = 0; i < sizeof TRACES / sizeof *TRACES; i++)
        check_trace((vkc_device *) *state, &TRACES[i]);
}

// ---- gradients of the chain

static double loss_of(chain *t)
{
    nn_reference_run(t->ref);
    return nn_reference_values(t->ref, t->loss)[0] + nn_reference_values(t->ref, t->mse)[0];
}

// The loss with x moved by h along dir, or element k alone.
static double loss_at(chain *t, const nn_tensor *x, const double *dir, size_t n, size_t k, double h)
{
    double *v = nn_reference_values(t->ref, x);
    for (size_t e = dir ? 0 : k; e < (dir ? n : k + 1); e++)
        v[e] += h * (dir ? dir[e] : 1);
    nn_reference_touch(t->ref, x);
    const double loss = loss_of(t);
    for (size_t e = dir ? 0 : k; e < (dir ? n : k + 1); e++)
        v[e] -= h * (dir ? dir[e] : 1);
    nn_reference_touch(t->ref, x);
    return loss;
}

static void check_gradient(chain *t, uint32_t l, const float *dx, size_t n, uint64_t *seed)
{
    const double h = 1e-5;
    double num = 0, den = 0, dot = 0, norm = 0, dir[1024];
    assert_true(n && n <= sizeof dir / sizeof *dir);
    for (size_t k = 0; k < n; k++) {
        double fd = (loss_at(t, t->x[l], NULL, n, k, h) - loss_at(t, t->x[l], NULL, n, k, -h)) / (2 * h);
        num += (fd - (double) dx[k]) * (fd - (double) dx[k]);
        den += fd * fd;
        dir[k] = 2 * test_rand(seed) - 1;
        dot += dir[k] * (double) dx[k];
        norm += (double) dx[k] * (double) dx[k];
    }
    double fd = (loss_at(t, t->x[l], dir, n, 0, h) - loss_at(t, t->x[l], dir, n, 0, -h)) / (2 * h);
    double e1 = sqrt(num / den), e2 = fabs(fd - dot) / (sqrt(norm) + fabs(fd));
    if (!(e1 <= 1e-4) || !(e2 <= 1e-4) || !(norm > 0))
        fail_msg("patches %g, block %u: elements %.3g, direction %.3g, norm %.3g", (double) t->with.patches, l, e1, e2,
                 sqrt(norm));
}

// Differences are blind across a threshold: no token, and no share of a score, may lie near one. Every kind of
// token must be there.
static void check_margins(chain *t)
{
    uint32_t n_run = 0, n_reach = 0, n_done = 0;
    const uint32_t L = t->with.blocks;
    for (uint32_t l = 0; l < L; l++) {
        const double *v = nn_reference_values(t->ref, t->halting[l]);
        const double *prev = l ? nn_reference_values(t->ref, t->halting[l - 1]) : NULL;
        for (uint32_t k = 0; k < t->tokens->n; k++) {
            const double before = prev ? prev[k * HALT_COLS + HALT_C] : 0, c = before + v[k * HALT_COLS + HALT_H];
            const bool was_done = before >= HALT_DONE;
            assert_true(was_done || fabs(c - FULL) > 1e-4);
            n_done += was_done;
            n_reach += !was_done && c >= FULL;
            n_run += !was_done && c < FULL;
        }
    }
    assert_true(n_run && n_reach && n_done);
    double sum = 0;
    const double *tally = nn_reference_values(t->ref, t->tally);
    for (uint32_t l = 0; l < L; l++)
        sum += tally[l * TALLY_COLS + TALLY_SCORE];
    for (uint32_t l = 0; l < L; l++) {
        const double q = tally[l * TALLY_COLS + TALLY_SCORE] / sum;
        assert_true(q > 0.011 && q < 0.989);
    }
}

static void check_forward(chain *t, const char *what, const nn_tensor *x, size_t live)
{
    float *v = (float *) get(t->dev, x);
    double e = test_nmse(v, nn_reference_values(t->ref, x), live);
    free(v);
    if (!(e <= 1e-10))
        fail_msg("%s: NMSE %.3g", what, e);
}

static void check_chain(vkc_device *dev, float patches, uint32_t kept, struct halt_loss_attr prior)
{
    enum { C = 5, N = 4 };
    static const uint32_t lengths[N] = { 7, 0, 12, 1 };
    const float gate[GATE_LEN] = { 1.2f, 1, 0.3f, 0.5f };
    const chain_params with = { .blocks = 4, .dim = C, .cap_images = N + 1, .cap_tokens = 13, .kept = kept,
                                .patches = patches, .prior = prior, .train = true };
    chain t;
    uint64_t seed = 7;
    float x[20 * C], target[N * C];
    chain_init(&t, dev, &with);
    assert_ok(nn_rows_write(dev, t.tokens, N, lengths, NULL));
    assert_ok(nn_rows_write_dense(dev, t.images, N));
    put(&t, t.gate, gate, GATE_LEN);
    fill(&seed, target, N * C, 1);
    put(&t, t.target, target, N * C);
    for (uint32_t l = 0; l < with.blocks; l++) {
        fill(&seed, x, 20 * C, 2);
        put(&t, t.x[l], x, 20 * C);
        assert_ok(vkc_fill(dev, vkc_slice_of(t.dx[l]), 0));
    }
    execute(dev, t.rec);
    nn_reference_touch_all(t.ref);
    loss_of(&t);
    check_margins(&t);
    check_forward(&t, "mean field", t.z, N * C);
    check_forward(&t, "tally", t.tally, with.blocks * TALLY_COLS);
    check_forward(&t, "loss", t.loss, 1);
    check_forward(&t, "alive", nn_output(t.loss, 1), 1);
    float *z = (float *) get(dev, t.z);
    for (uint32_t j = 0; j < C; j++)
        assert_true(fabsf(z[C + j]) == 0);      // the image without tokens
    free(z);
    const size_t cap = nn_shape_len(nn_tensor_shape(t.x[0]));
    float *dx = (float *) malloc(cap * sizeof *dx);
    assert_non_null(dx);
    for (uint32_t l = 0; l < with.blocks; l++) {
        assert_ok(vkc_read(dev, (vkc_slice) { t.dx[l], 0, cap * sizeof *dx }, dx));
        check_gradient(&t, l, dx, 20 * C, &seed);
        for (size_t k = 20 * C; k < cap; k++)
            assert_true(fabsf(dx[k]) == 0);     // dead rows
    }
    free(dx);
    chain_finish(&t);
}

static void test_gradients(void **state)
{
    check_chain((vkc_device *) *state, 0, 1, (struct halt_loss_attr) { HALT_TARGET_RELEASED, 2.5f, 1 });
    check_chain((vkc_device *) *state, 0.5f, 1, (struct halt_loss_attr) { HALT_TARGET_NORMALISED, 2, 0.8f });
    check_chain((vkc_device *) *state, 0.5f, 0, (struct halt_loss_attr) { HALT_TARGET_RELEASED, 1.5f, 1 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traced),
        cmocka_unit_test(test_gradients),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
