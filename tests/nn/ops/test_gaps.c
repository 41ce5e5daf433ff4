// test_gaps.c — a recurrence whose decays count dropped tokens is the recurrence over all tokens, where the dropped
// ones add nothing and only let the state decay; both directions, a decay a stream and one a channel.
#include "nn/graph/graph.h"
#include "spv/args.h"
#include "tests/numbers.h"
#include "tests/vk/vk_test.h"

#include <stdlib.h>
#include <string.h>

#define BAR 1e-10                   // NMSE, as of every forward pass
enum { HEADS = 2, D = 4, TOKENS = 150, IMAGES = 4, CAP = TOKENS * IMAGES };
enum { Q, K, V, G, W, N_IN };      // W: step or beta, the strength of a write

typedef struct recurrence {
    const char *name;
    bool     delta;                 // delta_scan; else gated_scan
    uint32_t channels, dirs;
} recurrence;

static uint32_t width_of(const recurrence *c)       // decays of a stream
{
    return c->channels ? D : 1;
}

static uint32_t cols_of(const recurrence *c, int i)
{
    return i == G ? HEADS * c->dirs * width_of(c) : i == W ? HEADS * c->dirs : HEADS * D;
}

static nn_tensor *scan(nn_graph *g, const recurrence *c, nn_tensor *const *x)
{
    const uint32_t wide = width_of(c), dirs = c->dirs;
    const struct delta_scan_attr delta = {
        .heads = HEADS, .dirs = dirs, .dk = D, .dv = D, .q_head = D, .k_head = D, .v_head = D, .g_head = dirs,
        .g_dir = 1, .beta_head = dirs, .beta_dir = 1,
    };
    const struct gated_scan_attr gated = {
        .heads = HEADS, .dirs = dirs, .dk = D, .dv = D, .channels = c->channels, .q_head = D, .k_head = D, .v_head = D,
        .g_head = dirs * wide, .g_dir = wide, .step_head = dirs, .step_dir = 1,
    };
    return c->delta ? NN_APPLY(g, delta_scan, &delta, NULL, x[Q], x[K], x[V], x[G], x[W])
                    : NN_APPLY(g, gated_scan, &gated, NULL, x[Q], x[K], x[V], x[G], x[W]);
}

// The outputs of live rows, from inputs that lie `in` apart by cols_of; through the op gaps, or not.
static void run(vkc_device *dev, const recurrence *c, nn_rows *rows, float *const *in, bool counts, float *out)
{
    nn_graph *g;
    nn_tensor *x[N_IN], *decays[N_IN];
    vkc_recording *rec;
    const struct gaps_attr gaps = { .width = width_of(c), .dirs = c->dirs };
    assert_ok(nn_graph_create(dev, &g));
    for (int i = Q; i < N_IN; i++)
        x[i] = decays[i] = nn_graph_input(g, "x", (nn_shape) { 2, { 0, cols_of(c, i) } }, NN_DTYPE_F32, rows);
    if (counts)
        decays[G] = NN_APPLY(g, gaps, &gaps, NULL, x[G]);
    nn_tensor *o = scan(g, c, decays);
    nn_graph_keep(g, o);
    assert_ok(nn_graph_plan(g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "gaps" }, &rec));
    assert_ok(nn_graph_record(g, rec));
    assert_ok(vkc_recording_finish(rec));
    for (int i = Q; i < N_IN; i++)
        assert_ok(vkc_write(dev, nn_tensor_slice(x[i]), in[i]));
    assert_ok(vkc_submit(rec, NULL));
    assert_ok(vkc_wait(dev, 0));
    assert_ok(vkc_read(dev, nn_tensor_slice(o), out));
    vkc_recording_destroy(rec);
    nn_graph_destroy(g);
}

// Tokens of image b that stay: the first image all, one image its last token alone, the others some.
static bool stays(uint32_t b, uint32_t place)
{
    static const uint32_t apart[] = { 1, TOKENS, 3, 2 };
    return b == 1 ? place == TOKENS - 1 : place % apart[b] == 0 || (place * 7 + b) % 5 == 0;
}

// The decay of stream s at a dropped place is that of the next token the stream meets.
static uint32_t met_next(uint32_t b, uint32_t place, bool backward)
{
    uint32_t p = place;
    while (p < TOKENS && !stays(b, p))
        p = backward ? p - 1 : p + 1;           // below 0 it wraps, and is none
    return p < TOKENS ? p : place;              // none: nobody reads the state any more
}

// Values of all tokens such that dropped ones add nothing.
static void fill(const recurrence *c, float *const *full)
{
    uint64_t seed = 12345;
    for (int i = Q; i < N_IN; i++)
        for (size_t k = 0; k < (size_t) CAP * cols_of(c, i); k++) {
            const double u = test_rand(&seed);
            full[i][k] = (float) (i == G ? -0.5 * u : i == W ? 0.1 + 0.9 * u : 2 * u - 1) * (i == K ? 0.4f : 1);
        }
    for (uint32_t r = 0; r < CAP; r++) {
        const uint32_t b = r / TOKENS, place = r % TOKENS, wide = width_of(c), cols = cols_of(c, G);
        if (stays(b, place))
            continue;
        const int none = c->delta ? W : K;
        memset(full[none] + (size_t) r * cols_of(c, none), 0, cols_of(c, none) * sizeof(float));
        for (uint32_t j = 0; j < cols; j++)
            full[G][(size_t) r * cols + j] =
                full[G][(size_t) (b * TOKENS + met_next(b, place, j / wide % c->dirs)) * cols + j];
    }
}

static void check(vkc_device *dev, const recurrence *c)
{
    uint32_t lengths[IMAGES] = { 0 }, pos[CAP], from[CAP], n = 0;
    float *full[N_IN + 1], *part[N_IN + 1];     // and the outputs
    nn_rows *all, *kept;
    const uint32_t wide = HEADS * c->dirs * D;
    for (int i = Q; i <= N_IN; i++) {
        full[i] = (float *) calloc((size_t) CAP * wide, sizeof(float));
        part[i] = (float *) calloc((size_t) CAP * wide, sizeof(float));
        assert_true(full[i] && part[i]);
    }
    fill(c, full);
    for (uint32_t r = 0; r < CAP; r++)
        if (stays(r / TOKENS, r % TOKENS)) {
            lengths[r / TOKENS]++;
            pos[n] = r % TOKENS;
            from[n++] = r;
        }
    assert_true(lengths[0] == TOKENS && lengths[1] == 1 && n < CAP * 2 / 3);
    for (int i = Q; i < N_IN; i++)
        for (uint32_t r = 0; r < n; r++)
            memcpy(part[i] + (size_t) r * cols_of(c, i), full[i] + (size_t) from[r] * cols_of(c, i),
                   cols_of(c, i) * sizeof(float));
    assert_ok(nn_rows_create(dev, IMAGES, TOKENS, 0, 0, 0, &all));
    assert_ok(nn_rows_create(dev, IMAGES, TOKENS, 0, 0, 0, &kept));
    assert_ok(nn_rows_write_dense(dev, all, IMAGES));
    assert_ok(nn_rows_write(dev, kept, IMAGES, lengths, pos));
    run(dev, c, all, full, false, full[N_IN]);
    for (int counts = 0; counts < 2; counts++) {
        run(dev, c, kept, part, counts, part[N_IN]);
        double worst = 0;
        for (uint32_t r = 0; r < n; r++) {
            const float *o = part[N_IN] + (size_t) r * wide, *want = full[N_IN] + (size_t) from[r] * wide;
            worst = test_worst(worst, test_nmse_float(o, want, wide));
        }
        if (counts ? !(worst <= BAR) : worst <= 1e-3)   // without the op it is another recurrence
            fail_msg("%s: NMSE %.3g of a row, gaps %s", c->name, worst, counts ? "counted" : "skipped");
    }
    nn_rows_destroy(all);
    nn_rows_destroy(kept);
    for (int i = Q; i <= N_IN; i++) {
        free(full[i]);
        free(part[i]);
    }
}

static void test_recurrences(void **state)
{
    static const recurrence all[] = {
        { "gated_scan, a decay a stream", false, 0, 2 }, { "gated_scan, a decay a channel", false, 1, 2 },
        { "gated_scan, forward", false, 0, 1 }, { "gated_scan, forward, a decay a channel", false, 1, 1 },
        { "delta_scan", true, 0, 2 }, { "delta_scan, forward", true, 0, 1 },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check((vkc_device *) *state, &all[i]);
}

// Refused in words: what is no streams.
static void test_refused(void **state)
{
    static const struct gaps_attr bad[] = { { 0, 1 }, { 1, 3 }, { 4, 2 }, { 3, 1 } };
    static const char *const want[] = { "width", "dirs", "streams", "streams" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nn_graph *g;
        nn_rows *rows;
        assert_ok(nn_rows_create((vkc_device *) *state, 1, 3, 0, 0, 0, &rows));
        assert_ok(nn_graph_create((vkc_device *) *state, &g));
        nn_tensor *x = nn_graph_input(g, "x", (nn_shape) { 2, { 0, 4 } }, NN_DTYPE_F32, rows);
        assert_null(NN_APPLY(g, gaps, &bad[i], NULL, x));
        assert_status(nn_graph_plan(g), VKC_E_ARG);
        assert_non_null(strstr(vkc_last_error(), want[i]));
        nn_graph_destroy(g);
        nn_rows_destroy(rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_recurrences), cmocka_unit_test(test_refused) };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
