// test_sparsity.c — sparsity measures: closed forms of even, one-hot and geometric rows, streaming against maps stored
// whole, tokens dropped on the way, orientation and agreement.
#include "distill/sparsity/maps.h"
#include "distill/sparsity/sparsity.h"
#include "shaders/attention/attention_stats.h"
#include "tests/nn/models/golden_model.h"
#include "tests/numbers.h"

#include <math.h>
#include <string.h>

#define DATA "synth:ringed-digit,train=4,val=20,test=4"
#define ARCH "vit:image=32,patch=8,dim=16,depth=4,heads=2,classes=10"
#define IMAGES 20u
#define BAR 2e-6

enum { N_LENGTHS = 6, MOST = 197 };
static const uint32_t lengths[N_LENGTHS] = { 1, 2, 3, 10, 65, MOST };

// The statistics (R, ATTENTION_STATS_N) of one head of width 1 whose queries are 1 and whose keys are score[place].
static float *run_rows(vkc_device *dev, const double *score, uint32_t prefix, bool is_causal)
{
    nn_rows *rows;
    nn_graph *g;
    vkc_recording *rec;
    uint32_t total = 0;
    assert_ok(nn_rows_create(dev, N_LENGTHS, MOST, prefix, 0, 0, &rows));
    assert_ok(nn_rows_write(dev, rows, N_LENGTHS, lengths, NULL));
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *qkv = nn_graph_input(g, "qkv", (nn_shape) { 2, { 0, 3 } }, NN_DTYPE_F32, rows);
    const struct attention_stats_attr attr = { .heads = 1, .scale = 1, .causal = is_causal };
    nn_tensor *stats = NN_APPLY(g, attention_stats, &attr, NULL, qkv);
    nn_graph_keep(g, stats);
    assert_ok(nn_graph_plan(g));
    float *in = (float *) calloc(N_LENGTHS * MOST, 3 * sizeof *in);
    float *out = (float *) malloc(N_LENGTHS * MOST * ATTENTION_STATS_N * sizeof *out);
    assert_true(in && out);
    for (uint32_t b = 0; b < N_LENGTHS; b++)
        for (uint32_t j = 0; j < lengths[b]; j++, total++) {
            in[3 * total] = 1;
            in[3 * total + 1] = (float) score[j];
        }
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "stats" }, &rec));
    assert_ok(nn_graph_record(g, rec));
    assert_ok(vkc_recording_finish(rec));
    vkc_slice to = nn_tensor_slice(qkv), from = nn_tensor_slice(stats);
    to.size = total * 3 * sizeof *in;
    from.size = total * ATTENTION_STATS_N * sizeof *out;
    assert_ok(vkc_write(dev, to, in));
    assert_ok(vkc_submit(rec, NULL));
    assert_ok(vkc_read(dev, from, out));
    vkc_recording_destroy(rec);
    nn_graph_destroy(g);
    nn_rows_destroy(rows);
    free(in);
    return out;
}

// Every row of every image, and both sets of keys, against what `want` says of so many keys.
typedef void (*form)(uint32_t n, double out[DISTILL_N_MEASURES]);

static void check_rows(vkc_device *dev, const double *score, uint32_t prefix, bool is_causal, form all, form patches)
{
    float *got = run_rows(dev, score, prefix, is_causal), *row = got;
    for (uint32_t b = 0; b < N_LENGTHS; b++)
        for (uint32_t i = 0; i < lengths[b]; i++)
            for (uint32_t set = 0; set < DISTILL_N_KEYS; set++, row += DISTILL_N_MEASURES) {
                const uint32_t n = (is_causal ? i + 1 : lengths[b]) - (set == DISTILL_KEYS_PATCHES && prefix > 0);
                double want[DISTILL_N_MEASURES];
                if (n >= 2)
                    (set == DISTILL_KEYS_ALL ? all : patches)(n, want);
                for (int m = 0; m < DISTILL_N_MEASURES; m++)
                    if (n < 2)
                        assert_true(row[m] == (float) ATTENTION_STATS_NONE);
                    else if (!(fabs((double) row[m] - want[m]) <= BAR))
                        fail_msg("%s of %u keys, set %u: %.9g, want %.9g", distill_measure_name((distill_measure) m), n,
                                 set, (double) row[m], want[m]);
            }
    free(got);
}

static void even(uint32_t n, double out[DISTILL_N_MEASURES])
{
    out[DISTILL_ENTROPY] = out[DISTILL_EFFECTIVE] = out[DISTILL_PARTICIPATION] = 1;
    out[DISTILL_GINI] = out[DISTILL_HOYER] = out[DISTILL_BELOW] = 0;
    out[DISTILL_TOP10] = ceil(n / 10.0) / n;
    out[DISTILL_MASS90] = (double) ((9 * n + 9) / 10) / n;
}

static void one_hot(uint32_t n, double out[DISTILL_N_MEASURES])
{
    out[DISTILL_ENTROPY] = 0;
    out[DISTILL_EFFECTIVE] = out[DISTILL_PARTICIPATION] = out[DISTILL_MASS90] = 1.0 / n;
    out[DISTILL_GINI] = out[DISTILL_BELOW] = 1 - 1.0 / n;
    out[DISTILL_HOYER] = out[DISTILL_TOP10] = 1;
}

#define RATIO 0.93

// p_i = (1 - r) r^i / (1 - r^n), i = 0 .. n - 1.
static void geometric(uint32_t n, double out[DISTILL_N_MEASURES])
{
    const double r = RATIO, rn = pow(r, n), p0 = (1 - r) / (1 - rn), mean = r / (1 - r) - n * rn / (1 - rn);
    const double squares = p0 * p0 * (1 - rn * rn) / (1 - r * r), entropy = -log(p0) - log(r) * mean;
    out[DISTILL_ENTROPY] = entropy / log(n);
    out[DISTILL_EFFECTIVE] = exp(entropy) / n;
    out[DISTILL_GINI] = (n - 1 - 2 * mean) / n;
    out[DISTILL_HOYER] = (sqrt(n) - 1 / sqrt(squares)) / (sqrt(n) - 1);
    out[DISTILL_PARTICIPATION] = 1 / (n * squares);
    out[DISTILL_BELOW] = (n - 1 - floor(-log(n * p0) / log(r))) / n;       // those with p_0 r^i < 1 / n
    out[DISTILL_TOP10] = (1 - pow(r, ceil(n / 10.0))) / (1 - rn);
    out[DISTILL_MASS90] = ceil(log(1 - 0.9 * (1 - rn)) / log(r)) / n;
}

static void test_forms(void **state)
{
    vkc_device *dev = *state;
    double score[MOST] = { 0 };
    check_rows(dev, score, 1, false, even, even);
    check_rows(dev, score, 0, false, even, even);
    score[0] = 1e4;                             // a class token that takes all leaves an even rest
    check_rows(dev, score, 1, false, one_hot, even);
    check_rows(dev, score, 0, false, one_hot, one_hot);
    for (uint32_t j = 0; j < MOST; j++)
        score[j] = j * log(RATIO) + 3;
    check_rows(dev, score, 1, false, geometric, geometric);
    for (uint32_t j = 0; j < MOST; j++)
        score[j] = -1e4;
    score[1] = 0;                               // a patch that takes all
    float *got = run_rows(dev, score, 1, false);
    double want[DISTILL_N_MEASURES];
    one_hot(9, want);
    for (int m = 0; m < DISTILL_N_MEASURES; m++)        // first row of 10 keys: behind images of 1, 2 and 3
        assert_true(fabs((double) got[6 * ATTENTION_STATS_N + ATTENTION_STATS_MEASURES + m] - want[m]) <= BAR);
    free(got);
}

// Causal rows have the forms of as many keys as they see.
static void test_causal_forms(void **state)
{
    vkc_device *dev = *state;
    double score[MOST] = { 0 };
    check_rows(dev, score, 0, true, even, even);
    check_rows(dev, score, 1, true, even, even);
    score[0] = 1e4;
    check_rows(dev, score, 0, true, one_hot, one_hot);
    check_rows(dev, score, 1, true, one_hot, even);
    for (uint32_t j = 0; j < MOST; j++)
        score[j] = j * log(RATIO) + 3;
    check_rows(dev, score, 1, true, geometric, geometric);
}

// The definitions again, naively, of a row that sums to 1.
static void measure_row(const double *p, uint32_t n, double out[DISTILL_N_MEASURES])
{
    double *s = (double *) malloc(n * sizeof *s), entropy = 0, squares = 0, apart = 0, mass = 0;
    uint32_t below = 0, k = 0;
    assert_non_null(s);
    for (uint32_t i = 0; i < n; i++) {          // insertion, largest first
        uint32_t at = i;
        for (; at > 0 && s[at - 1] < p[i]; at--)
            s[at] = s[at - 1];
        s[at] = p[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        entropy -= p[i] > 0 ? p[i] * log(p[i]) : 0;
        squares += p[i] * p[i];
        below += p[i] < (1 - 1e-4) / n;
        for (uint32_t j = 0; j < n; j++)
            apart += fabs(p[i] - p[j]);         // Gini by mean difference
    }
    while (mass < 0.9 - 1e-4)
        mass += s[k++];
    out[DISTILL_ENTROPY] = entropy / log(n);
    out[DISTILL_EFFECTIVE] = exp(entropy) / n;
    out[DISTILL_GINI] = apart / (2.0 * n);
    out[DISTILL_HOYER] = (sqrt(n) - 1 / sqrt(squares)) / (sqrt(n) - 1);
    out[DISTILL_PARTICIPATION] = 1 / (n * squares);
    out[DISTILL_BELOW] = (double) below / n;
    out[DISTILL_TOP10] = 0;
    for (uint32_t i = 0; i < (n + 9) / 10; i++)
        out[DISTILL_TOP10] += s[i];
    out[DISTILL_MASS90] = (double) k / n;
    free(s);
}

typedef struct series { double *x; uint32_t n; } series;        // measures of rows, one after the other

static void add_map(const double *p, uint32_t n, uint32_t skip, series *out)
{
    for (uint32_t i = 0; i < n && n - skip >= 2; i++) {
        double row[64], sum = 0;
        for (uint32_t j = skip; j < n; j++)
            sum += p[i * n + j];
        for (uint32_t j = skip; j < n; j++)
            row[j - skip] = p[i * n + j] / sum;
        measure_row(row, n - skip, out->x + DISTILL_N_MEASURES * out->n++);
    }
}

static void check_series(const distill_sparsity *s, distill_keys k, uint32_t l, uint32_t h, const series *x)
{
    for (int m = 0; m < DISTILL_N_MEASURES; m++) {
        double mean = 0, square = 0;
        for (uint32_t i = 0; i < x->n; i++)
            mean += x->x[i * DISTILL_N_MEASURES + (uint32_t) m] / x->n;
        for (uint32_t i = 0; i < x->n; i++)
            square += pow(x->x[i * DISTILL_N_MEASURES + (uint32_t) m] - mean, 2) / (x->n - 1);
        const double a = distill_sparsity_get(s, k, l, h, (distill_measure) m);
        const double b = distill_sparsity_std(s, k, l, h, (distill_measure) m);
        if (!(fabs(a - mean) <= BAR && fabs(b - sqrt(square)) <= BAR))
            fail_msg("layer %u head %u %s of %s: %.9g +- %.9g, stored maps say %.9g +- %.9g", l, h,
                     distill_measure_name((distill_measure) m), distill_keys_name(k), a, b, mean, sqrt(square));
    }
}

// Figures of a model by the streaming pass, and by its maps; returns the tokens that the last layer got in all.
static uint32_t check_model(vkc_device *dev, const nn_retention_config *retention, bool is_mixed, bool is_relative)
{
    nn_model_config cfg;
    nn_dataset *data;
    nn_model *v;
    distill_sparsity s, again;
    distill_maps *maps;
    uint32_t living = 0;
    assert_ok(nn_model_config_init(&cfg, ARCH));
    if (is_mixed)
        assert_ok(nn_mixer_parse("linear", &cfg.layers[1], NULL));
    if (retention)
        cfg.retention = *retention;
    cfg.relative = cfg.shared_relative = is_relative;
    assert_ok(nn_dataset_create(DATA, &data));
    assert_ok(nn_model_create(dev, &cfg, false, &v));
    golden_fill(v->params, 7, 0.5f);
    distill_sparsity_params p = { .data = data, .split = NN_SPLIT_VAL, .images = IMAGES, .batch = 8 };
    assert_ok(distill_sparsity_measure(v, &p, &s));
    assert_ok(distill_sparsity_measure(v, &p, &again));
    assert_ok(distill_maps_create(v, &(distill_maps_params) { .data = data, .split = NN_SPLIT_VAL,
                                                              .images = IMAGES }, &maps));
    assert_int_equal(s.images, IMAGES);
    assert_int_equal(distill_maps_images(maps), IMAGES);
    const uint32_t tokens = nn_model_config_tokens(&cfg);
    double *map = (double *) malloc((size_t) tokens * tokens * sizeof *map);
    series x[DISTILL_N_KEYS];
    for (int k = 0; k < DISTILL_N_KEYS; k++)
        x[k].x = (double *) malloc((size_t) IMAGES * tokens * DISTILL_N_MEASURES * sizeof *x[k].x);
    assert_true(map && x[0].x && x[1].x);
    for (uint32_t l = 0; l < cfg.depth; l++) {
        assert_int_equal(distill_sparsity_has(&s, l), !(is_mixed && l == 1));
        assert_int_equal(distill_maps_has(maps, l), !(is_mixed && l == 1));
        if (!distill_maps_has(maps, l)) {
            assert_true(isnan(distill_sparsity_score(&s, DISTILL_KEYS_PATCHES, l, DISTILL_GINI)));
            continue;
        }
        for (uint32_t h = 0; h < cfg.heads; h++) {
            x[0].n = x[1].n = 0;
            for (uint32_t i = 0; i < IMAGES; i++) {
                const uint32_t n = distill_maps_len(maps, l, i);
                const bool has_class = n > 0 && distill_maps_places(maps, l, i)[0] == 0;
                distill_maps_read(maps, l, i, h, map);
                add_map(map, n, 0, &x[DISTILL_KEYS_ALL]);
                add_map(map, n, has_class, &x[DISTILL_KEYS_PATCHES]);
                living += h == 0 && l + 1 == cfg.depth ? n : 0;
            }
            assert_true(x[0].n > 1 && x[1].n > 1);
            for (int k = 0; k < DISTILL_N_KEYS; k++)
                check_series(&s, (distill_keys) k, l, h, &x[k]);
        }
    }
    const size_t len = (size_t) DISTILL_N_KEYS * cfg.depth * cfg.heads * DISTILL_N_MEASURES;
    assert_memory_equal(s.mean, again.mean, len * sizeof *s.mean);
    assert_memory_equal(s.std, again.std, len * sizeof *s.std);
    free(x[0].x);
    free(x[1].x);
    free(map);
    distill_maps_destroy(maps);
    distill_sparsity_finish(&again);
    distill_sparsity_finish(&s);
    nn_model_destroy(v);
    nn_dataset_destroy(data);
    nn_model_config_finish(&cfg);
    return living;
}

static void test_streaming(void **state)
{
    assert_int_equal(check_model(*state, NULL, false, false), IMAGES * 17);
    assert_int_equal(check_model(*state, NULL, true, false), IMAGES * 17);
    assert_int_equal(check_model(*state, NULL, true, true), IMAGES * 17);
}

static void test_dropped(void **state)
{
    nn_retention_config topk = { .policy = NN_POLICY_TOPK, .share = { 0.5, 0.25, 0.25, 1 } };
    assert_int_equal(check_model(*state, &topk, false, false), IMAGES * 5);
    assert_int_equal(check_model(*state, &topk, false, true), IMAGES * 5);
    nn_retention_config halting = { .policy = NN_POLICY_HALTING, .every = 1, .gate_scale = 1, .gate_centre = 1,
                                    .eps = 0.5, .read_patches = 0.5 };
    uint32_t living = check_model(*state, &halting, false, false);
    assert_true(living > 0 && living < IMAGES * 17);
}

static void test_shares(void **state)
{
    vkc_device *dev = *state;
    nn_model_config cfg;
    nn_dataset *data;
    nn_model *v;
    distill_maps *m;
    float share[16], full[17 * 17];
    double map[17 * 17];
    assert_ok(nn_model_config_init(&cfg, ARCH));
    cfg.retention = (nn_retention_config) { .policy = NN_POLICY_TOPK, .share = { 0.5, 0.25, 0.25, 1 } };
    assert_ok(nn_dataset_create(DATA, &data));
    assert_ok(nn_model_create(dev, &cfg, false, &v));
    golden_fill(v->params, 7, 0.5f);
    assert_ok(distill_maps_create(v, &(distill_maps_params) { .data = data, .split = NN_SPLIT_VAL, .images = 2 }, &m));
    for (uint32_t l = 0; l < 2; l++) {
        const uint32_t n = distill_maps_len(m, l, 1), *place = distill_maps_places(m, l, 1);
        uint32_t there = 0;
        assert_int_equal(n, l ? 9 : 17);
        distill_maps_read(m, l, 1, 1, map);
        assert_ok(distill_maps_read_class(m, l, 1, 1, share));
        assert_ok(distill_maps_read_full(m, l, 1, 1, full));
        for (uint32_t i = 0; i < 17 * 17; i++)
            there += isnan(full[i]) ? 0 : 1;
        assert_int_equal(there, n * n);
        for (uint32_t i = 0; i < n; i++) {
            double sum = 0;
            for (uint32_t j = 0; j < n; j++) {
                sum += map[i * n + j];
                assert_true(full[place[i] * 17 + place[j]] == (float) (map[i * n + j] * n));
            }
            assert_true(fabs(sum - 1) < 1e-12);
            assert_true(i == 0 || share[place[i] - 1] == (float) (map[i] * n));
        }
    }
    distill_maps_destroy(m);
    nn_model_destroy(v);
    nn_dataset_destroy(data);
    nn_model_config_finish(&cfg);
}

static void test_orientation(void **state)
{
    (void) state;
    enum { LEN = DISTILL_N_KEYS * 3 * 2 * DISTILL_N_MEASURES };
    double mean[LEN], rho[DISTILL_N_MEASURES][DISTILL_N_MEASURES];
    distill_sparsity s = { .depth = 3, .heads = 2, .images = 1, .mean = mean };
    distill_measure m;
    distill_keys k;
    for (uint32_t i = 0; i < LEN; i++) {        // rows 0 .. 5 get sparser in every measure; layer 1 has no attention
        const uint32_t row = i / DISTILL_N_MEASURES % 6;
        mean[i] = distill_measure_is_high((distill_measure) (i % DISTILL_N_MEASURES)) ? row / 8.0 : 1 - row / 8.0;
        mean[i] = row / 2 == 1 ? (double) NAN : mean[i];
    }
    for (int a = 0; a < DISTILL_N_MEASURES; a++) {
        assert_ok(distill_measure_get(distill_measure_name((distill_measure) a), &m));
        assert_int_equal(m, a);
        assert_true(distill_sparsity_score(&s, DISTILL_KEYS_ALL, 2, m) >
                    distill_sparsity_score(&s, DISTILL_KEYS_ALL, 0, m));
        assert_true(isnan(distill_sparsity_score(&s, DISTILL_KEYS_ALL, 1, m)));
    }
    assert_true(fabs(distill_sparsity_layer(&s, DISTILL_KEYS_PATCHES, 2, DISTILL_GINI) - 4.5 / 8) < 1e-15);
    assert_ok(distill_sparsity_agreement(&s, DISTILL_KEYS_PATCHES, rho));
    for (int a = 0; a < DISTILL_N_MEASURES; a++)
        for (int b = 0; b < DISTILL_N_MEASURES; b++)
            assert_true(fabs(rho[a][b] - 1) < 1e-12);
    assert_status(distill_measure_get("size", &m), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "participation"));
    assert_ok(distill_keys_get("patches", &k));
    assert_int_equal(k, DISTILL_KEYS_PATCHES);
    assert_status(distill_keys_get("", &k), VKC_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms), cmocka_unit_test(test_causal_forms), cmocka_unit_test(test_streaming),
        cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_shares), cmocka_unit_test(test_orientation),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
