// test_mixers.c — every row of the mixer table as a whole: forward and all gradients against its definition in double,
// a batch against each image alone, every option value, dropped tokens, one token at a time. What its row says of it:
// test_mixer_rows.c.
// usage: test_mixers [mixer-name-part]
#include "nn/graph/graph_impl.h"
#include "nn/base/rng.h"
#include "nn/mixers/streams.h"
#include "spv/args.h"
#include "tests/filter.h"
#include "tests/nn/mixers/mixer_run.h"
#include "tests/numbers.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FORWARD 1e-10               // NMSE
#define GRADIENT 1e-4

static const uint32_t LONG[] = { 1, 2, 15, 16, 17, 31, 33, 197, 1025 }, SHORT[] = { 16, 1, 33, 2, 17, 31, 15 };
enum { N_LONG = sizeof LONG / sizeof *LONG, N_SHORT = sizeof SHORT / sizeof *SHORT };

static const char *only = "";       // part of the names of those to test

// Mixer m of the table, if it is to be tested.
static const nn_mixer *get_mixer(uint32_t m)
{
    return strstr(nn_mixers[m]->name, only) ? nn_mixers[m] : NULL;
}

static void check_forward(mixer_run *t)
{
    nn_reference_run(t->ref);
    double e = test_nmse(t->host_heads, nn_reference_values(t->ref, t->heads), mixer_run_live(t));
    if (!(e <= FORWARD))
        fail_msg("%s, %u x %u: forward NMSE %.3g", t->with.mixer, t->with.heads, t->with.dim / t->with.heads, e);
}

// The loss with x moved by h along dir, or element k alone.
static double loss_at(mixer_run *t, const nn_tensor *x, const double *dir, size_t n, size_t k, double h)
{
    double *v = nn_reference_values(t->ref, x), old = v[k];
    for (size_t e = 0; dir && e < n; e++)
        v[e] += h * dir[e];
    if (!dir)
        v[k] += h;
    nn_reference_touch(t->ref, x);
    nn_reference_run(t->ref);
    for (size_t e = 0; dir && e < n; e++)
        v[e] -= h * dir[e];
    if (!dir)
        v[k] = old;
    nn_reference_touch(t->ref, x);
    return (double) MIXER_RUN_LOSS * nn_reference_values(t->ref, t->loss)[0];
}

// The gradient dx of x against differences of the definition: `probes` elements, and one random direction.
static void check_gradient(mixer_run *t, const char *name, const nn_tensor *x, const float *dx, size_t n,
                           uint32_t probes)
{
    const double h = 1e-5;
    uint64_t seed = 0x9e3779b97f4a7c15u + n;
    double num = 0, den = 0, dot = 0, norm = 0;
    for (uint32_t p = 0; p < probes; p++) {
        size_t k = n <= probes ? p % n : (size_t) (test_rand(&seed) * (double) n) % n;
        double fd = (loss_at(t, x, NULL, n, k, h) - loss_at(t, x, NULL, n, k, -h)) / (2 * h);
        double d = fd - (double) dx[k];
        num += d * d;
        den += fd * fd;
    }
    double *dir = (double *) malloc(n * sizeof *dir);
    assert_non_null(dir);
    for (size_t k = 0; k < n; k++) {
        dir[k] = 2 * test_rand(&seed) - 1;
        dot += dir[k] * (double) dx[k];
        norm += (double) dx[k] * (double) dx[k];
    }
    double fd = (loss_at(t, x, dir, n, 0, h) - loss_at(t, x, dir, n, 0, -h)) / (2 * h);
    free(dir);
    const double floor = 1e-7;
    double e1 = sqrt(num) / (sqrt(den) + floor), e2 = fabs(fd - dot) / (sqrt(norm) + fabs(fd) + floor);
    if (!(e1 <= GRADIENT) || !(e2 <= GRADIENT))
        fail_msg("%s, %u x %u: gradient of %s: elements %.3g, direction %.3g", t->with.mixer, t->with.heads,
                 t->with.dim / t->with.heads, name, e1, e2);
    if (!(norm > 0))
        fail_msg("%s: %s has no gradient", t->with.mixer, name);
}

static void check_gradients(mixer_run *t, uint32_t probes)
{
    check_gradient(t, "y", t->y, t->host_dy, mixer_run_live(t), probes);
    for (uint32_t i = 0; i < t->ps->n; i++) {
        size_t n = nn_shape_len(&t->ps->p[i].shape);
        float *dx = (float *) malloc(n * sizeof *dx);
        assert_non_null(dx);
        assert_ok(mixer_run_gradient(t, i, dx));
        check_gradient(t, t->ps->p[i].name, t->p[i], dx, n, probes);
        free(dx);
    }
}

// A batch of all lengths: forward, gradients, and each image alone.
static void test_long(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        if (!get_mixer(m))
            continue;
        mixer_run t;
        mixer_run_params with = { .mixer = nn_mixers[m]->name, .dim = 12, .heads = 3, .cap_images = N_LONG + 1,
                                  .grid = 32, .train = true };
        assert_ok(mixer_run_init(&t, dev, &with));
        assert_ok(mixer_run_write(&t, N_LONG, LONG, NULL, NULL));
        assert_ok(mixer_run_execute(&t));
        check_forward(&t);
        check_gradients(&t, 0);
        const size_t live = mixer_run_live(&t);
        float *heads = (float *) malloc(2 * live * sizeof *heads), *dy = heads + live;
        assert_non_null(heads);
        memcpy(heads, t.host_heads, live * sizeof *heads);
        memcpy(dy, t.host_dy, live * sizeof *dy);
        size_t at = 0;
        for (uint32_t i = 0; i < N_LONG; i++) {
            assert_ok(mixer_run_write(&t, 1, &LONG[i], &i, NULL));
            assert_ok(mixer_run_execute(&t));
            const size_t n = mixer_run_live(&t);
            double e = test_nmse_float(heads + at, t.host_heads, n);
            double de = test_nmse_scaled(dy + at, t.host_dy, n, (double) n / (double) live);
            if (!(e <= FORWARD) || !(de <= FORWARD))
                fail_msg("%s: image of %u tokens alone: NMSE %.3g, gradient %.3g", with.mixer, LONG[i], e, de);
            at += n;
        }
        free(heads);
        mixer_run_finish(&t);
    }
}

static void check_short(vkc_device *dev, const char *mixer, uint32_t dim, uint32_t heads, uint32_t probes)
{
    mixer_run t;
    mixer_run_params with = { .mixer = mixer, .dim = dim, .heads = heads, .cap_images = N_SHORT + 1, .grid = 6,
                              .train = true };
    assert_ok(mixer_run_init(&t, dev, &with));
    assert_ok(mixer_run_write(&t, N_SHORT, SHORT, NULL, NULL));
    assert_ok(mixer_run_execute(&t));
    check_forward(&t);
    check_gradients(&t, probes);
    mixer_run_finish(&t);
}

// Single elements of every gradient, at widths that come in fours and at odd ones.
static void test_gradients(void **state)
{
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        if (!get_mixer(m))
            continue;
        check_short((vkc_device *) *state, nn_mixers[m]->name, 16, 2, 12);
        check_short((vkc_device *) *state, nn_mixers[m]->name, 9, 3, 4);
    }
}

// Every value of every option that is no default: forward, and a direction of every gradient.
static void test_options(void **state)
{
    for (uint32_t m = 0; m < nn_n_mixers; m++)
        for (const nn_mixer_option *o = get_mixer(m) ? nn_mixers[m]->options : NULL; o && o->key; o++)
            for (uint32_t i = 1; o->values[i]; i++) {
                char text[128];
                snprintf(text, sizeof text, "%s:%s=%s", nn_mixers[m]->name, o->key, nn_mixer_option_value(o, i));
                check_short((vkc_device *) *state, text, 12, 3, 0);
            }
}

// ---- dropped tokens

static bool is_same(const float *a, const float *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

static bool has_same_gradients(mixer_run *a, mixer_run *b)
{
    bool same = is_same(a->host_dy, b->host_dy, mixer_run_live(a));
    for (uint32_t i = 0; i < a->ps->n; i++) {
        const size_t n = nn_shape_len(&a->ps->p[i].shape);
        float *x = (float *) malloc(2 * n * sizeof *x);
        assert_non_null(x);
        assert_ok(mixer_run_gradient(a, i, x));
        assert_ok(mixer_run_gradient(b, i, x + n));
        same = same && is_same(x, x + n, n);
        free(x);
    }
    return same;
}

// The node that applies `op`, or NULL.
static const nn_node *find_node(const nn_graph *g, const nn_op *op)
{
    for (uint32_t i = 0; i < g->n_nodes; i++)
        if (g->node[i].op == op)
            return &g->node[i];
    return NULL;
}

// Column `at` of the decays is that of a stream in direction `dir`.
static void check_direction(const char *mixer, const struct gaps_attr *a, uint32_t at, uint32_t dir)
{
    if (at / a->width % a->dirs != dir)
        fail_msg("%s: column %u counts the gaps of the wrong direction", mixer, at);
}

// A mixer with a decay counts its gaps: what the scan decays by comes from there, what it writes by does not, and each
// stream's columns have its direction.
static bool check_gaps_graph(const char *mixer, const nn_graph *g)
{
    enum { DECAY = 3, WRITE = 4 };              // inputs of both scans
    const nn_node *gaps = find_node(g, &nn_op_gaps), *gated = find_node(g, &nn_op_gated_scan);
    const nn_node *delta = find_node(g, &nn_op_delta_scan), *scan = gated ? gated : delta;
    assert_int_equal(gaps != NULL, scan != NULL);
    if (!scan)
        return false;
    const struct gaps_attr *a = (const struct gaps_attr *) gaps->attr;
    assert_ptr_equal(scan->in[DECAY], gaps->out[0]);
    assert_true(scan->in[WRITE] != gaps->out[0]);
    const struct gated_scan_attr *t = (const struct gated_scan_attr *) scan->attr;
    const struct delta_scan_attr *u = (const struct delta_scan_attr *) scan->attr;
    for (uint32_t h = 0; h < (gated ? t->heads : u->heads); h++)
        for (uint32_t dir = 0; dir < (gated ? t->dirs : u->dirs); dir++)
            for (uint32_t i = 0; i < (gated && t->channels ? t->dk : 1); i++)
                check_direction(mixer, a, gated ? t->g_col0 + h * t->g_head + dir * t->g_dir + i
                                                : u->g_col0 + h * u->g_head + dir * u->g_dir, dir);
    return true;
}

// Whether decays count dropped tokens is the same, bit for bit, where none are, and for mixers without decays.
static bool check_gaps(vkc_device *dev, const char *mixer)
{
    enum { CAP = 145 };
    mixer_run t[2];
    uint32_t pos[N_SHORT * 33], n = 0;
    for (uint32_t b = 0; b < N_SHORT; b++)      // 0 to 3 tokens dropped before each
        for (uint32_t i = 0, place = b % 3; i < SHORT[b]; i++, place += 1 + (i * i + b) % 4) {
            assert_true(place < CAP);
            pos[n++] = place;
        }
    for (int k = 0; k < 2; k++) {
        mixer_run_params with = { .mixer = mixer, .dim = 12, .heads = 3, .cap_images = N_SHORT + 1, .grid = 12,
                                  .train = true, .gaps = k ? NN_GAPS_COUNT : NN_GAPS_SKIP };
        assert_ok(mixer_run_init(&t[k], dev, &with));
        assert_ok(mixer_run_write(&t[k], N_SHORT, SHORT, NULL, NULL));
        assert_ok(mixer_run_execute(&t[k]));
    }
    const bool counts = check_gaps_graph(mixer, t[1].g);
    assert_int_equal(nn_graph_get_info(t[1].g).n_calls, nn_graph_get_info(t[0].g).n_calls + counts);
    if (!is_same(t[0].host_heads, t[1].host_heads, mixer_run_live(&t[0])) || !has_same_gradients(&t[0], &t[1]))
        fail_msg("%s: counting no gaps is not skipping them", mixer);
    for (int k = 0; k < 2; k++) {
        assert_ok(mixer_run_place(&t[k], pos));
        assert_ok(mixer_run_execute(&t[k]));
    }
    if (is_same(t[0].host_heads, t[1].host_heads, mixer_run_live(&t[0])) == counts)
        fail_msg("%s: its decays %s gaps", mixer, counts ? "miss" : "count");
    if (counts) {
        check_forward(&t[1]);
        check_gradients(&t[1], 4);
    }
    mixer_run_finish(&t[0]);
    mixer_run_finish(&t[1]);
    return counts;
}

static void test_gaps(void **state)
{
    uint32_t n_counting = 0;
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        char text[64];
        if (!get_mixer(m))
            continue;
        n_counting += check_gaps((vkc_device *) *state, nn_mixers[m]->name);
        snprintf(text, sizeof text, "%s:direction=forward", nn_mixers[m]->name);
        if (nn_mixers[m]->carries)
            check_gaps((vkc_device *) *state, text);
    }
    assert_true(n_counting >= 3 || *only);
}

// ---- one token at a time

enum { IMAGES = 3, TOKENS = 23, CUT = 11 };
static const uint32_t STEPPED[IMAGES] = { 23, 12, 19 };

typedef struct heads { float v[IMAGES][TOKENS][12]; } heads;

// Put the live rows of a run, tokens first .. of every image, where they belong.
static void gather(const mixer_run *t, uint32_t first, heads *out)
{
    for (uint32_t b = 0; b < IMAGES; b++)
        for (uint32_t r = t->rows->offsets[b]; r < t->rows->offsets[b + 1]; r++)
            memcpy(out->v[b][first + r - t->rows->offsets[b]], t->host_heads + r * t->cols, t->cols * sizeof(float));
}

static void hand_on(const mixer_run *from, mixer_run *to)
{
    for (uint32_t i = 0; i < from->n_carry; i++) {
        vkc_slice a = nn_tensor_slice(from->taps.last[i]), b = nn_tensor_slice(to->taps.start[i]);
        assert_int_equal(a.size, b.size);
        unsigned char *x = (unsigned char *) malloc(a.size);
        assert_non_null(x);
        assert_ok(vkc_read(from->dev, a, x));
        assert_ok(vkc_write(from->dev, b, x));
        free(x);
    }
}

// Tokens first .. end of every image, where it has them; the others repeat their last one, which nobody reads.
static void run_tokens(mixer_run *t, uint32_t first, uint32_t end, heads *out)
{
    uint32_t lengths[IMAGES], from[IMAGES];
    for (uint32_t b = 0; b < IMAGES; b++) {
        from[b] = first < STEPPED[b] ? first : STEPPED[b] - 1;
        lengths[b] = (end < STEPPED[b] ? end : STEPPED[b]) - from[b];
    }
    assert_ok(mixer_run_write(t, IMAGES, lengths, NULL, from));
    assert_ok(mixer_run_execute(t));
    heads part;
    gather(t, 0, &part);
    for (uint32_t b = 0; b < IMAGES; b++)
        for (uint32_t k = first; k < end && k < STEPPED[b]; k++)
            memcpy(out->v[b][k], part.v[b][k - first], sizeof part.v[b][0]);
}

static void check_stepped(const char *mixer, const char *how, const heads *a, const heads *b)
{
    for (uint32_t i = 0; i < IMAGES; i++) {
        double e = test_nmse_float(a->v[i][0], b->v[i][0], STEPPED[i] * 12);
        if (!(e <= FORWARD))
            fail_msg("%s, %s: image %u, NMSE %.3g", mixer, how, i, e);
    }
}

static void check_steps(vkc_device *dev, const char *text)
{
    mixer_run scan, piece, step;
    static heads whole, other;
    mixer_run_params with = { .mixer = text, .dim = 12, .heads = 3, .cap_images = IMAGES, .grid = 5 };
    assert_ok(mixer_run_init(&scan, dev, &with));
    with.carry = true;
    assert_ok(mixer_run_init(&piece, dev, &with));
    with.grid = 0;
    assert_ok(mixer_run_init(&step, dev, &with));
    assert_true(step.n_carry > 0);
    run_tokens(&scan, 0, TOKENS, &whole);
    for (uint32_t k = 0; k < TOKENS; k++) {
        run_tokens(&step, k, k + 1, &other);
        hand_on(&step, &step);
    }
    check_stepped(text, "token after token", &other, &whole);
    memset(&other, 0, sizeof other);
    run_tokens(&piece, 0, CUT, &other);
    hand_on(&piece, &step);
    for (uint32_t k = CUT; k < TOKENS; k++) {
        run_tokens(&step, k, k + 1, &other);
        hand_on(&step, &step);
    }
    check_stepped(text, "a piece, then tokens", &other, &whole);
    hand_on(&piece, &piece);
    run_tokens(&piece, CUT, TOKENS, &other);
    check_stepped(text, "two pieces", &other, &whole);
    mixer_run_finish(&scan);
    mixer_run_finish(&piece);
    mixer_run_finish(&step);
}

// Parse a mixer that is in order.
static void parse(const char *text, nn_layer_config *layer, const nn_mixer **mixer, nn_mixer_options *options)
{
    assert_ok(nn_mixer_parse(text, layer, NULL));
    assert_ok(nn_mixer_check(layer, mixer, options));
}

// Shapes of the states that a mixer carries.
static uint32_t get_states(const char *text, nn_shape state[NN_MAX_CARRY])
{
    nn_layer_config layer;
    const nn_mixer *mixer;
    nn_mixer_options options;
    parse(text, &layer, &mixer, &options);
    const nn_mixer_dims d = { .dim = 12, .heads = 3, .mixer = mixer, .options = &options };
    memset(state, 0, NN_MAX_CARRY * sizeof *state);
    return mixer->carries(&d, IMAGES, state);
}

// The whole sequence at once is the same as token after token, as two pieces, and as a piece and then tokens; with
// every value of an option that changes a state.
static void test_steps(void **state)
{
    uint32_t n_stepped = 0;
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        if (!get_mixer(m) || !nn_mixers[m]->carries)
            continue;
        char text[128];
        nn_shape plain[NN_MAX_CARRY], other[NN_MAX_CARRY];
        snprintf(text, sizeof text, "%s:direction=forward", nn_mixers[m]->name);
        assert_true(get_states(text, plain) > 0);
        check_steps((vkc_device *) *state, text);
        n_stepped++;
        for (const nn_mixer_option *o = nn_mixers[m]->options + NN_DIRECTION + 1; o->key; o++)
            for (uint32_t i = 1; o->values[i]; i++) {
                snprintf(text, sizeof text, "%s:direction=forward,%s=%s", nn_mixers[m]->name, o->key,
                         nn_mixer_option_value(o, i));
                get_states(text, other);
                if (memcmp(plain, other, sizeof plain) != 0)
                    check_steps((vkc_device *) *state, text);
            }
    }
    assert_true(n_stepped > 0 || *only);
}

int main(int argc, char **argv)
{
    bool is_any = false;
    only = argc > 1 ? argv[1] : "";
    for (uint32_t m = 0; m < nn_n_mixers; m++)
        is_any |= get_mixer(m) != NULL;
    test_filter_check(argc, argv, 1, is_any);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_steps),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
