// test_gradients.c — gradient maps: known by hand for mixers that are linear in what they read, finite differences of
// the definition in double for every mixer, dropped tokens, and the measures of rows.
#include "distill/sparsity/gradients.h"

#include "distill/sparsity/maps.h"
#include "distill/sparsity/row_measures.h"
#include "nn/graph/reference.h"
#include "nn/infer/infer.h"
#include "tests/nn/models/golden_model.h"
#include "tests/numbers.h"

#include <math.h>
#include <string.h>

#define ARCH "vit:image=32,patch=8,dim=16,depth=2,heads=2,classes=4"
enum { IMAGES = 2, TOKENS = 17, DIM = 16, HEADS = 2, WIDTH = DIM / HEADS, SIDE = 4 };
#define BAR 1e-4

typedef struct subject {
    nn_model_config cfg;
    nn_model *v;
    float *pixels;
    distill_gradients *g;
} subject;

// A model of s->cfg, and what it looks at.
static void open_model(vkc_device *dev, subject *s)
{
    uint32_t labels[IMAGES];
    assert_ok(nn_model_create(dev, &s->cfg, false, &s->v));
    golden_fill(s->v->params, 11, 0.5f);
    s->pixels = (float *) malloc((size_t) IMAGES * nn_model_config_pixels(&s->cfg) * sizeof(float));
    assert_non_null(s->pixels);
    golden_batch(&s->cfg, 5, 0, IMAGES, s->pixels, labels);
    assert_ok(distill_gradients_create(s->v, s->pixels, IMAGES, &s->g));
}

static void open_subject(vkc_device *dev, const char *mixer, subject *s)
{
    *s = (subject) { .v = NULL };
    golden_config(ARCH, mixer, &s->cfg);
    open_model(dev, s);
}

static void close_subject(subject *s)
{
    distill_gradients_destroy(s->g);
    free(s->pixels);
    nn_model_destroy(s->v);
    nn_model_config_finish(&s->cfg);
}

// The parameter of a name; to be freed.
static float *read_param(const nn_model *m, const char *name)
{
    for (uint32_t i = 0; i < m->params->n; i++)
        if (strcmp(m->params->p[i].name, name) == 0) {
            float *x = (float *) malloc(nn_shape_len(&m->params->p[i].shape) * sizeof *x);
            assert_non_null(x);
            assert_ok(nn_params_read(m->params, i, x));
            return x;
        }
    fail_msg("no parameter %s", name);
    return NULL;
}

static void expect(double got, double want, const char *what, uint32_t i, uint32_t k)
{
    if (!(fabs(got - want) <= BAR * (fabs(want) + 1e-3)))
        fail_msg("%s: query %u, key %u: %.9g, want %.9g", what, i, k, got, want);
}

// A token looks at itself alone: d o[c'] / d y[c] is 1 where c' = c.
static void test_identity(void **state)
{
    subject s;
    double map[TOKENS * TOKENS];
    open_subject((vkc_device *) *state, "identity", &s);
    assert_int_equal(distill_gradients_len(s.g, 1, 1), TOKENS);
    for (uint32_t h = 0; h <= HEADS; h++) {
        const bool is_all = h == HEADS;
        assert_ok(distill_gradients_read(s.g, 1, 1, is_all ? DISTILL_GRADIENTS_ALL : h, 0, TOKENS, map));
        for (uint32_t i = 0; i < TOKENS; i++)
            for (uint32_t k = 0; k < TOKENS; k++)
                expect(map[i * TOKENS + k], i == k ? (is_all ? DIM : WIDTH) : 0, "identity", i, k);
    }
    assert_status(distill_gradients_read(s.g, 1, 1, HEADS, 0, 1, map), VKC_E_ARG);
    assert_status(distill_gradients_read(s.g, 1, 1, 0, TOKENS, 1, map), VKC_E_ARG);
    assert_status(distill_gradients_read(s.g, 1, 1, 0, 1, TOKENS, map), VKC_E_ARG);
    assert_ok(distill_gradients_read(s.g, 1, 1, 0, TOKENS, 0, map));
    close_subject(&s);
}

// By hand for the 3 x 3 convolution: the sum over the head's channels of |the tap that reaches the key|; tokens at
// `place` of the full picture, the class token apart.
static double conv_score(const float *w, uint32_t query, uint32_t key, uint32_t c0, uint32_t c1)
{
    if (query == 0 || key == 0)
        return 0;
    const int dy = (int) ((key - 1) / SIDE) - (int) ((query - 1) / SIDE);
    const int dx = (int) ((key - 1) % SIDE) - (int) ((query - 1) % SIDE);
    double sum = 0;
    for (uint32_t c = c0; c < c1 && abs(dy) <= 1 && abs(dx) <= 1; c++)
        sum += fabs((double) w[9 * c + (uint32_t) (3 * (dy + 1) + dx + 1)]);
    return sum;
}

static void check_conv(vkc_device *dev, const nn_retention_config *retention, uint32_t layer, uint32_t len)
{
    subject s;
    double map[TOKENS * TOKENS];
    char name[64];
    s = (subject) { .v = NULL };
    golden_config(ARCH, "attention", &s.cfg);
    assert_ok(nn_mixer_parse("conv", &s.cfg.layers[layer], NULL));
    if (retention)                          // what attention in layer 0 scores low is not there in layer 1
        s.cfg.retention = *retention;
    open_model(dev, &s);
    snprintf(name, sizeof name, "blocks.%u.attn.conv.weight", layer);
    float *w = read_param(s.v, name);
    for (uint32_t image = 0; image < IMAGES; image++)
        for (uint32_t h = 0; h < HEADS; h++) {
            const uint32_t n = distill_gradients_len(s.g, layer, image);
            const uint32_t *place = distill_gradients_places(s.g, layer, image);
            assert_int_equal(n, len);
            assert_ok(distill_gradients_read(s.g, layer, image, h, 0, n, map));
            for (uint32_t i = 0; i < n; i++)
                for (uint32_t k = 0; k < n; k++)
                    expect(map[i * n + k], conv_score(w, place[i], place[k], h * WIDTH, (h + 1) * WIDTH), "conv", i, k);
        }
    free(w);
    close_subject(&s);
}

static void test_conv(void **state)
{
    check_conv((vkc_device *) *state, NULL, 0, TOKENS);
    const nn_retention_config topk = { .policy = NN_POLICY_TOPK, .share = { 0.5, 1 } };
    check_conv((vkc_device *) *state, &topk, 1, 9);
}

// By hand: o[i, c'] = b + sum over t of w[c', t] (W y[i - K + 1 + t])[c'], so key k = i - K + 1 + t scores
// sum over c of |sum over c' of w[c', t] W[c', c]|; what is later scores 0.
static void test_causal_conv(void **state)
{
    enum { TAPS = 4 };
    subject s;
    double map[TOKENS * TOKENS];
    open_subject((vkc_device *) *state, "causal_conv", &s);
    float *in = read_param(s.v, "blocks.0.attn.in_proj.weight"), *w = read_param(s.v, "blocks.0.attn.conv.weight");
    for (uint32_t h = 0; h <= HEADS; h++) {
        const uint32_t from = h == HEADS ? 0 : h * WIDTH, to = h == HEADS ? DIM : from + WIDTH;
        assert_ok(distill_gradients_read(s.g, 0, 0, h == HEADS ? DISTILL_GRADIENTS_ALL : h, 0, TOKENS, map));
        for (uint32_t i = 0; i < TOKENS; i++)
            for (uint32_t k = 0; k < TOKENS; k++) {
                double want = 0;
                for (uint32_t c = 0; c < DIM && k <= i && i - k < TAPS; c++) {
                    double sum = 0;
                    for (uint32_t o = from; o < to; o++)
                        sum += (double) w[o * TAPS + TAPS - 1 - (i - k)] * (double) in[o * DIM + c];
                    want += fabs(sum);
                }
                expect(map[i * TOKENS + k], want, "causal_conv", i, k);
            }
    }
    free(in);
    free(w);
    close_subject(&s);
}

// ---- every mixer

typedef struct definition {
    nn_batch like;
    nn_graph *g;
    nn_tensor *y, *heads;
    nn_reference *ref;
} definition;

static void open_definition(const subject *s, uint32_t layer, uint32_t image, definition *d)
{
    const nn_model *v = s->v;
    float logits[IMAGES * 4];
    nn_infer *inf;
    *d = (definition) { .g = NULL };
    assert_ok(nn_model_batch_create(v->dev, &s->cfg, 1, &d->like));
    assert_ok(nn_batch_write(v->dev, &d->like, 1));
    assert_ok(nn_graph_create(v->dev, &d->g));
    d->y = nn_graph_input(d->g, "y", (nn_shape) { 2, { 0, DIM } }, NN_DTYPE_F32, d->like.tokens);
    nn_model_attn(d->g, v, layer, d->y, false, &d->heads, NULL);
    for (uint32_t i = 0; i < v->params->n; i++)
        assert_non_null(nn_graph_param(d->g, v->params, i, false));
    assert_ok(nn_reference_create(d->g, &d->ref));
    for (uint32_t i = 0; i < v->params->n; i++) {
        float *x = read_param(v, v->params->p[i].name);
        double *to = nn_reference_values(d->ref, nn_graph_param(d->g, v->params, i, false));
        for (size_t k = 0; k < nn_shape_len(&v->params->p[i].shape); k++)
            to[k] = (double) x[k];
        free(x);
    }
    assert_ok(nn_infer_create_with(v, &(nn_infer_params) { .cap_images = IMAGES, .capture = { "blocks.*.normed" } },
                                   &inf));
    assert_ok(nn_infer_run(inf, s->pixels, IMAGES, logits));
    const float *y = nn_infer_captured(inf, "blocks.%u.normed", layer);
    assert_non_null(y);
    for (uint32_t k = 0; k < TOKENS * DIM; k++)
        nn_reference_values(d->ref, d->y)[k] = (double) y[image * TOKENS * DIM + k];
    nn_infer_destroy(inf);
}

static void close_definition(definition *d)
{
    nn_reference_destroy(d->ref);
    nn_graph_destroy(d->g);
    nn_batch_finish(&d->like);
}

// What the definition gives with y[at] moved by h.
static void run_moved(definition *d, size_t at, double h, double *o)
{
    double *y = nn_reference_values(d->ref, d->y);
    y[at] += h;
    nn_reference_touch(d->ref, d->y);
    nn_reference_run(d->ref);
    memcpy(o, nn_reference_values(d->ref, d->heads), TOKENS * DIM * sizeof *o);
    y[at] -= h;
}

// (HEADS + 1, queries, keys); the last are all channels.
static void differentiate(definition *d, double map[(HEADS + 1) * TOKENS * TOKENS])
{
    static double up[TOKENS * DIM], down[TOKENS * DIM];
    const double h = 1e-5;
    memset(map, 0, (HEADS + 1) * TOKENS * TOKENS * sizeof *map);
    for (uint32_t k = 0; k < TOKENS; k++)
        for (uint32_t c = 0; c < DIM; c++) {
            run_moved(d, k * DIM + c, h, up);
            run_moved(d, k * DIM + c, -h, down);
            for (uint32_t i = 0; i < TOKENS; i++) {
                double all = 0;
                for (uint32_t head = 0; head < HEADS; head++) {
                    double sum = 0;
                    for (uint32_t o = head * WIDTH; o < (head + 1) * WIDTH; o++)
                        sum += (up[i * DIM + o] - down[i * DIM + o]) / (2 * h);
                    map[(head * TOKENS + i) * TOKENS + k] += fabs(sum);
                    all += sum;
                }
                map[(HEADS * TOKENS + i) * TOKENS + k] += fabs(all);
            }
        }
}

static void check_mixer(vkc_device *dev, const char *mixer)
{
    static double want[(HEADS + 1) * TOKENS * TOKENS], got[TOKENS * TOKENS];
    subject s;
    definition d;
    open_subject(dev, mixer, &s);
    open_definition(&s, 1, 1, &d);
    differentiate(&d, want);
    for (uint32_t h = 0; h <= HEADS; h++) {
        double num = 0, den = 0;
        const double *w = want + h * TOKENS * TOKENS;
        assert_ok(distill_gradients_read(s.g, 1, 1, h == HEADS ? DISTILL_GRADIENTS_ALL : h, 0, TOKENS, got));
        for (uint32_t k = 0; k < TOKENS * TOKENS; k++) {
            num += (got[k] - w[k]) * (got[k] - w[k]);
            den += w[k] * w[k];
        }
        if (!(den > 0) || !(sqrt(num / den) <= BAR))
            fail_msg("%s, head %u: off by %.3g of %.3g", mixer, h, sqrt(num), sqrt(den));
        double some[2 * TOKENS];            // the same whatever runs beside it
        assert_ok(distill_gradients_read(s.g, 1, 1, h == HEADS ? DISTILL_GRADIENTS_ALL : h, 3, 2, some));
        assert_memory_equal(some, got + 3 * TOKENS, sizeof some);
    }
    close_definition(&d);
    close_subject(&s);
}

static void test_mixers(void **state)
{
    for (uint32_t m = 0; m < nn_n_mixers; m++)
        check_mixer((vkc_device *) *state, nn_mixers[m]->name);
    check_mixer((vkc_device *) *state, "ssd:direction=forward");
    check_mixer((vkc_device *) *state, "linear:features=elu1");
}

// A picture of several replays; models with registers before the grid, or without a class token.
static void test_sizes(void **state)
{
    enum { GRID = 64, MOST = GRID + 3 };
    static double whole[MOST * MOST], one[MOST];
    for (uint32_t kind = 0; kind < 3; kind++) {
        subject s = { .v = NULL };
        golden_config("vit:image=64,patch=8,dim=16,depth=1,heads=2,classes=4", "linear", &s.cfg);
        s.cfg.registers = kind == 1 ? 2 : 0;
        s.cfg.no_class = kind == 2;
        s.cfg.pool = kind == 2 ? NN_POOL_AVG : s.cfg.pool;
        open_model((vkc_device *) *state, &s);
        const uint32_t n = distill_gradients_len(s.g, 0, 1);
        assert_int_equal(n, kind == 0 ? GRID + 1 : kind == 1 ? GRID + 3 : GRID);
        assert_ok(distill_gradients_read(s.g, 0, 1, 0, 0, n, whole));
        assert_ok(distill_gradients_read(s.g, 0, 1, 0, n - 1, 1, one));
        assert_memory_equal(one, whole + (size_t) (n - 1) * n, n * sizeof *one);
        close_subject(&s);
    }
}

// ---- rows

static void test_rows(void **state)
{
    (void) state;
    double even[10], one[10] = { 0 }, out[DISTILL_N_MEASURES];
    distill_row_figures f = { 0 };
    for (uint32_t j = 0; j < 10; j++)
        even[j] = 3;
    one[4] = 0.25;
    assert_ok(distill_row_figures_add(&f, one, even, 10));
    assert_true(fabs(f.mean[DISTILL_HOYER] - 1) < 1e-12 && fabs(f.mean[DISTILL_ENTROPY]) < 1e-12);
    assert_true(f.overlap <= 0 && f.compared == 1);     // of equal keys the first is the largest
    distill_row_measures(even, 10, out);
    assert_true(fabs(out[DISTILL_ENTROPY] - 1) < 1e-12 && fabs(out[DISTILL_PARTICIPATION] - 1) < 1e-12);
    assert_true(fabs(out[DISTILL_MASS90] - 0.9) < 1e-12 && fabs(out[DISTILL_TOP10] - 0.1) < 1e-12);
    assert_true(fabs(out[DISTILL_GINI]) < 1e-12 && fabs(out[DISTILL_BELOW]) < 1e-12);
    assert_ok(distill_row_figures_add(&f, even, NULL, 10));
    assert_true(f.rows == 2 && f.compared == 1 && fabs(f.mean[DISTILL_ENTROPY] - 0.5) < 1e-12);
    const double none[3] = { 0 };
    assert_ok(distill_row_figures_add(&f, none, NULL, 3));
    assert_ok(distill_row_figures_add(&f, even, NULL, 1));
    assert_true(f.rows == 2 && f.empty == 1);
    double a[20], b[20];                                // the two largest of 20: one is shared
    for (uint32_t j = 0; j < 20; j++)
        a[j] = b[j] = j;
    b[19] = -1;
    assert_true(fabs(distill_row_overlap(a, b, 20) - 0.5) < 1e-12);
    assert_true(fabs(distill_row_overlap(a, a, 20) - 1) < 1e-12);
}

// Rows of stored attention maps measured on the host, against what the device measures of the same.
static void test_against_attention(void **state)
{
    subject s;
    nn_dataset *data;
    distill_maps *m;
    distill_sparsity want;
    double map[TOKENS * TOKENS];
    open_subject((vkc_device *) *state, "attention", &s);
    assert_ok(nn_dataset_create("synth:ringed-digit,train=4,val=6,test=4", &data));
    assert_ok(distill_sparsity_measure(s.v, &(distill_sparsity_params) { .data = data, .split = NN_SPLIT_VAL,
                                                                         .images = 6 }, &want));
    assert_ok(distill_maps_create(s.v, &(distill_maps_params) { .data = data, .split = NN_SPLIT_VAL, .images = 6 },
                                  &m));
    for (uint32_t l = 0; l < s.cfg.depth; l++) {
        distill_row_figures f = { 0 };
        for (uint32_t i = 0; i < 6; i++) {
            distill_maps_read(m, l, i, 1, map);
            for (uint32_t q = 0; q < TOKENS; q++)
                assert_ok(distill_row_figures_add(&f, map + q * TOKENS, map + q * TOKENS, TOKENS));
        }
        assert_int_equal(f.rows, 6 * TOKENS);
        assert_true(fabs(f.overlap - 1) < 1e-12);
        for (int k = 0; k < DISTILL_N_MEASURES; k++)
            assert_true(fabs(f.mean[k] - distill_sparsity_get(&want, DISTILL_KEYS_ALL, l, 1, (distill_measure) k)) <
                        1e-5);
    }
    distill_maps_destroy(m);
    distill_sparsity_finish(&want);
    nn_dataset_destroy(data);
    close_subject(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity), cmocka_unit_test(test_conv), cmocka_unit_test(test_causal_conv),
        cmocka_unit_test(test_mixers), cmocka_unit_test(test_sizes), cmocka_unit_test(test_rows),
        cmocka_unit_test(test_against_attention),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
