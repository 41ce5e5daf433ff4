// test_halt_steps.c — halting block by block: weights that sum to 1 whichever tokens are dropped in between, NaN and
// values too large, as many tokens as there can be; both targets of the depth prior, and what is refused.
#include "tests/nn/ops/halt_run.h"

#include <string.h>

// ---- one block at a time, so that tokens can leave in between

typedef struct step {
    nn_graph  *g;
    nn_tensor *x, *gate, *prev, *halting, *tally;
    vkc_recording *rec;
} step;

static void step_init(step *t, vkc_device *dev, nn_rows *rows, uint32_t last, uint32_t kept)
{
    const struct halt_attr attr = { .eps = EPS, .last = last, .kept = kept };
    const struct halt_tally_attr tally = { .layers = 2, .layer = 1, .kept = kept };
    *t = (step) { 0 };
    assert_ok(nn_graph_create(dev, &t->g));
    t->x = nn_graph_input(t->g, "x", (nn_shape) { 2, { 0, 1 } }, NN_DTYPE_F32, rows);
    t->gate = nn_graph_input(t->g, "gate", (nn_shape) { 1, { GATE_LEN } }, NN_DTYPE_F32, NULL);
    t->prev = nn_graph_input(t->g, "prev", (nn_shape) { 2, { 0, HALT_COLS } }, NN_DTYPE_F32, rows);
    t->halting = NN_APPLY(t->g, halt, &attr, NULL, t->x, t->gate, t->prev);
    t->tally = NN_APPLY(t->g, halt_tally, &tally, NULL, t->halting, t->prev);
    nn_graph_keep(t->g, t->halting);
    nn_graph_keep(t->g, nn_output(t->halting, 1));
    nn_graph_keep(t->g, t->tally);
    assert_ok(nn_graph_plan(t->g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "halt" }, &t->rec));
    assert_ok(nn_graph_record(t->g, t->rec));
    assert_ok(vkc_recording_finish(t->rec));
}

static void step_finish(step *t)
{
    vkc_recording_destroy(t->rec);
    nn_graph_destroy(t->g);
}

// x (cap), prev (cap, HALT_COLS).
static void step_run(step *t, vkc_device *dev, const float gate[GATE_LEN], const float *x, const float *prev)
{
    assert_ok(vkc_write(dev, nn_tensor_slice(t->gate), gate));
    assert_ok(vkc_write(dev, nn_tensor_slice(t->x), x));
    assert_ok(vkc_write(dev, nn_tensor_slice(t->prev), prev));
    execute(dev, t->rec);
}

// ---- weights sum to 1

enum { BLOCKS = 6, IMAGES = 3, TOKENS = 33, CAP = IMAGES * TOKENS };
static const uint32_t LENGTHS[IMAGES] = { 33, 1, 17 };

// Who is there: one image's tokens after the other.
typedef struct crowd {
    uint32_t length[IMAGES], pos[CAP], n;
    float    prev[CAP][HALT_COLS];
} crowd;

// Rows of one block: adds weights to sum[image][place]; leaves in `c` those that go on, with their halting rows.
static void follow(crowd *c, const float *halting, const uint32_t *keep, uint32_t kept, double sum[IMAGES][TOKENS],
                   bool last)
{
    uint32_t n = 0;
    for (uint32_t b = 0, row = 0; b < IMAGES; b++) {
        const uint32_t length = c->length[b];
        c->length[b] = 0;
        for (uint32_t i = 0; i < length; i++, row++) {
            const float *h = halting + row * HALT_COLS;
            const bool is_done = (double) h[HALT_C] >= HALT_DONE;
            sum[b][c->pos[row]] += (double) h[HALT_P];
            assert_true(!last || is_done);
            assert_int_equal(keep[row], !is_done || c->pos[row] < kept);
            assert_true(!is_done || fabsf(h[HALT_R]) == 0);
            if (c->pos[row] < kept) {           // never halts
                assert_true(is_done == last && fabsf(h[HALT_H]) == 0);
                assert_true(h[HALT_P] >= (last ? 1.0f : 0.0f) && h[HALT_P] <= (last ? 1.0f : 0.0f));
            }
            if (!keep[row])
                continue;
            c->pos[n] = c->pos[row];
            memcpy(c->prev[n++], h, sizeof c->prev[0]);
            c->length[b]++;
        }
    }
    c->n = n;
}

static void check_sums(vkc_device *dev, uint32_t kept, bool compacts, uint64_t seed)
{
    const float gate[GATE_LEN] = { 1.5f, 1.5f };
    nn_rows *rows;
    step block[2];                  // another one, the last one
    crowd c = { .n = 0 };
    double sum[IMAGES][TOKENS] = { { 0 } };
    assert_ok(nn_rows_create(dev, IMAGES, TOKENS, 1, 0, 0, &rows));
    step_init(&block[0], dev, rows, 0, kept);
    step_init(&block[1], dev, rows, 1, kept);
    for (uint32_t b = 0; b < IMAGES; b++)
        for (uint32_t i = 0; i < (c.length[b] = LENGTHS[b]); i++, c.n++) {
            c.pos[c.n] = i;
            memcpy(c.prev[c.n], (float[HALT_COLS]) { [HALT_R] = 1 }, sizeof c.prev[0]);
        }
    const uint32_t all = c.n;
    for (uint32_t l = 0; l < BLOCKS; l++) {
        float x[CAP];
        const bool last = l + 1 == BLOCKS;
        step *t = &block[last];
        for (uint32_t k = 0; k < CAP; k++)
            x[k] = (float) (4 * test_rand(&seed) - 2);
        assert_ok(nn_rows_write(dev, rows, IMAGES, c.length, c.pos));
        step_run(t, dev, gate, x, c.prev[0]);
        float *halting = (float *) get(dev, t->halting);
        uint32_t *keep = (uint32_t *) get(dev, nn_output(t->halting, 1));
        if (compacts) {
            follow(&c, halting, keep, kept, sum, last);
        } else {
            crowd before = c;
            follow(&before, halting, keep, kept, sum, last);
            memcpy(c.prev, halting, all * sizeof c.prev[0]);
        }
        free(halting);
        free(keep);
    }
    if (compacts)                   // those that stay whatever their score
        assert_int_equal(c.n, kept ? IMAGES : 0);
    for (uint32_t b = 0; b < IMAGES; b++)
        for (uint32_t i = 0; i < LENGTHS[b]; i++)
            if (!(fabs(sum[b][i] - 1) <= 1e-6))
                fail_msg("image %u, token %u: weights sum to %.9g", b, i, sum[b][i]);
    step_finish(&block[0]);
    step_finish(&block[1]);
    nn_rows_destroy(rows);
}

static void test_sums(void **state)
{
    for (uint32_t kept = 0; kept < 2; kept++)
        for (uint64_t seed = 1; seed < 5; seed++) {
            check_sums((vkc_device *) *state, kept, true, seed);
            check_sums((vkc_device *) *state, kept, false, seed);
        }
}

// ---- the prior's target

// Where block l has all of the score, q_l is 0.99 and not 0.01: the loss, with weight L, falls by t_l log 99.
static void check_target(vkc_device *dev, struct halt_loss_attr prior, uint32_t L, const double *want)
{
    nn_graph *g;
    vkc_recording *rec;
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *tally = nn_graph_input(g, "tally", (nn_shape) { 2, { L, TALLY_COLS } }, NN_DTYPE_F32, NULL);
    nn_tensor *gate = nn_graph_input(g, "gate", (nn_shape) { 1, { GATE_LEN } }, NN_DTYPE_F32, NULL);
    nn_tensor *loss = NN_APPLY(g, halt_loss, &prior, NULL, tally, gate);
    nn_graph_keep(g, loss);
    assert_ok(nn_graph_plan(g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "prior" }, &rec));
    assert_ok(nn_graph_record(g, rec));
    assert_ok(vkc_recording_finish(rec));
    assert_ok(vkc_write(dev, nn_tensor_slice(gate), (float[GATE_LEN]) { [GATE_PRIOR] = (float) L }));
    double at_floor = 0;            // the loss of no score at all: q is 0.01 everywhere
    for (uint32_t l = 0; l <= L; l++) {
        float v[HALT_MAX_LAYERS * TALLY_COLS] = { 0 }, got;
        if (l > 0)
            v[(l - 1) * TALLY_COLS + TALLY_SCORE] = 0.3f;
        assert_ok(vkc_write(dev, nn_tensor_slice(tally), v));
        execute(dev, rec);
        assert_ok(vkc_read(dev, nn_tensor_slice(loss), &got));
        if (l == 0)
            at_floor = (double) got;
        else if (!(fabs((at_floor - (double) got) / log(99) - want[l - 1]) <= 1e-6))
            fail_msg("target %u at block %u is %.9g, want %.9g", prior.target, l - 1,
                     (at_floor - (double) got) / log(99), want[l - 1]);
    }
    double floor = 0;
    for (uint32_t l = 0; l < L; l++)
        floor += want[l] > 0 ? want[l] * log(want[l] / 0.01) : 0;
    if (!(fabs(at_floor - floor) <= 1e-5 * fmax(1, fabs(floor))))
        fail_msg("target %u: %.9g where there is no score, want %.9g", prior.target, at_floor, floor);
    vkc_recording_destroy(rec);
    nn_graph_destroy(g);
}

static void test_target(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    // the released one: the first 8 sum to 0.98
    static const double released[12] = { 0, 0, 0.000000020, 0.000004848, 0.000436409, 0.014451895, 0.176060119,
                                         0.789046709, 1.300918093, 0.789046709, 0.176060119, 0.014451895 };
    check_target(dev, (struct halt_loss_attr) { HALT_TARGET_RELEASED, 8, 1 }, 12, released);
    // e^-1/2, 1, e^-1/2 over their sum 2.213061; then times 0.98 e^1/2, so that the first is 0.98
    static const double sums_to_1[3] = { 0.274068619, 0.451862762, 0.274068619 };
    check_target(dev, (struct halt_loss_attr) { HALT_TARGET_NORMALISED, 1, 1 }, 3, sums_to_1);
    static const double first[3] = { 0.98, 1.615746845, 0.98 };
    check_target(dev, (struct halt_loss_attr) { HALT_TARGET_RELEASED, 1, 1 }, 3, first);
    // far past the end and narrow: all but nothing, yet it sums to 1
    static const double end[2] = { 0, 1 };
    check_target(dev, (struct halt_loss_attr) { HALT_TARGET_NORMALISED, 1000, 0.5f }, 2, end);
}

// ---- what is no number, what is too large, what is refused

static void test_extremes(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    enum { N = 8 };                 // the last one is at the threshold to the bit
    const float gate[GATE_LEN] = { 10, 30 };
    const float x[N] = { NAN, 3e38f, -3e38f, INFINITY, -INFINITY, 3, -NAN, -10 };
    const uint32_t keeps[N] = { 0, 0, 1, 0, 1, 1, 0, 0 }, length = N;
    float prev[N][HALT_COLS];
    nn_rows *rows;
    step t;
    for (uint32_t k = 0; k < N; k++)
        memcpy(prev[k], (float[HALT_COLS]) { 0.25f, 0.25f, 0.75f, 0.25f }, sizeof prev[k]);
    prev[N - 1][HALT_C] = (float) FULL;
    assert_ok(nn_rows_create(dev, 1, N, 0, 0, 0, &rows));
    step_init(&t, dev, rows, 0, 0);
    assert_ok(nn_rows_write(dev, rows, 1, &length, NULL));
    step_run(&t, dev, gate, x, prev[0]);
    float *v = (float *) get(dev, t.halting);
    uint32_t *keep = (uint32_t *) get(dev, nn_output(t.halting, 1));
    for (uint32_t k = 0; k < N; k++) {
        assert_int_equal(keep[k], keeps[k]);
        check_near("c", (double) v[k * HALT_COLS + HALT_C], keeps[k] ? k == 5 ? 0.75 : 0.25 : HALT_DONE);
        check_near("p", (double) v[k * HALT_COLS + HALT_P], keeps[k] ? k == 5 ? 0.5 : 0 : 0.75);
        assert_true(isnan(x[k]) ? isnan(v[k * HALT_COLS + HALT_H]) : isfinite(v[k * HALT_COLS + HALT_H]));
    }
    free(v);
    free(keep);
    step_finish(&t);
    nn_rows_destroy(rows);
}

// A kept token never halts by any number, but one that is none is seen, and is done from then on.
static void test_kept(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    enum { N = 7 };
    const float gate[GATE_LEN] = { 10, 30 };
    const float x[N] = { NAN, 3e38f, -3e38f, INFINITY, -INFINITY, 100, -NAN };
    uint32_t lengths[N];
    float prev[N][HALT_COLS];
    nn_rows *rows;
    assert_ok(nn_rows_create(dev, N, 1, 0, 0, 0, &rows));
    for (uint32_t k = 0; k < N; k++) {
        lengths[k] = 1;
        memcpy(prev[k], (float[HALT_COLS]) { [HALT_R] = 1 }, sizeof prev[k]);
    }
    assert_ok(nn_rows_write(dev, rows, N, lengths, NULL));
    for (uint32_t last = 0; last < 2; last++) {
        step t;
        step_init(&t, dev, rows, last, 1);
        step_run(&t, dev, gate, x, prev[0]);
        float *v = (float *) get(dev, t.halting);
        uint32_t *keep = (uint32_t *) get(dev, nn_output(t.halting, 1));
        for (uint32_t k = 0; k < N; k++) {
            const float *h = v + k * HALT_COLS;
            const bool is_done = last || isnan(x[k]);
            assert_int_equal(keep[k], 1);
            check_near("p", (double) h[HALT_P], last == 0 ? is_done : !isnan(x[k]));
            check_near("c", (double) h[HALT_C], is_done ? HALT_DONE : 0);
            check_near("r", (double) h[HALT_R], !is_done);
            if (last == 0 && isnan(x[k]))
                assert_true(isnan(h[HALT_H]));
            else
                check_near("h", (double) h[HALT_H], 0);
        }
        memcpy(prev, v, sizeof prev);
        free(v);
        free(keep);
        step_finish(&t);
    }
    nn_rows_destroy(rows);
}

// As many tokens as a model ever has: sums keep their precision.
static void test_many(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    enum { MANY = 64, LONG = 1025 };
    const float gate[GATE_LEN] = { 1, 0.5f };
    uint64_t seed = 3;
    nn_rows *rows;
    step t;
    float *x = (float *) malloc(MANY * LONG * sizeof *x), *prev = (float *) malloc(MANY * LONG * HALT_COLS * sizeof *x);
    assert_true(x && prev);
    fill(&seed, x, MANY * LONG, 3);
    for (size_t k = 0; k < (size_t) MANY * LONG; k++)
        memcpy(prev + k * HALT_COLS, (float[HALT_COLS]) { 0.25f, k % 3 ? 0.25f : (float) HALT_DONE, 0.75f, 0.25f },
               HALT_COLS * sizeof *prev);
    assert_ok(nn_rows_create(dev, MANY, LONG, 1, 0, 0, &rows));
    assert_ok(nn_rows_write_dense(dev, rows, MANY));
    step_init(&t, dev, rows, 0, 1);
    step_run(&t, dev, gate, x, prev);
    float *v = (float *) get(dev, t.halting), *tally = (float *) get(dev, t.tally);
    double ponder = 0, score = 0;
    for (size_t k = 0; k < (size_t) MANY * LONG; k++) {
        if (k % LONG == 0 || k % 3 == 0)
            continue;
        const double h = 1 / (1 + exp(0.5 - (double) x[k]));
        ponder += 1 + (0.25 + h >= FULL ? 0.75 : 0);
        score += h;
    }
    const double n = MANY * (LONG - 1.0);
    check_near("ponder of 65,600 tokens", (double) tally[TALLY_COLS + TALLY_PONDER], ponder / n);
    check_near("score of 65,600 tokens", (double) tally[TALLY_COLS + TALLY_SCORE], score / n);
    check_near("alive of 65,600 tokens", (double) tally[TALLY_COLS + TALLY_ALIVE], 1);
    free(x);
    free(prev);
    free(v);
    free(tally);
    step_finish(&t);
    nn_rows_destroy(rows);
}

static void check_prior_refused(vkc_device *dev, float mean, float std, uint32_t target)
{
    nn_graph *g;
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *tally = nn_graph_input(g, "tally", (nn_shape) { 2, { 4, TALLY_COLS } }, NN_DTYPE_F32, NULL);
    nn_tensor *gate = nn_graph_input(g, "gate", (nn_shape) { 1, { GATE_LEN } }, NN_DTYPE_F32, NULL);
    NN_APPLY(g, halt_loss, &((struct halt_loss_attr) { target, mean, std }), NULL, tally, gate);
    assert_status(nn_graph_plan(g), VKC_E_ARG);
    nn_graph_destroy(g);
}

static void test_refused(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    check_prior_refused(dev, 0, 1, HALT_TARGET_RELEASED);       // no block before the mean
    check_prior_refused(dev, 1, 0.05f, HALT_TARGET_RELEASED);   // e^200 times the first block at the second
    check_prior_refused(dev, 1, 0, HALT_TARGET_NORMALISED);
    check_prior_refused(dev, NAN, 1, HALT_TARGET_NORMALISED);
    check_prior_refused(dev, 1, 1, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_target),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
