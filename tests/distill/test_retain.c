// test_retain.c — training token pruning: the keep ratio asked for, stopped and resumed to the same bits,
// what cannot be.
#include "distill/retain/retain.h"
#include "distill/retain/retain_stats.h"
#include "distill/retain/retain_stream.h"
#include "nn/infer/eval.h"
#include "nn/base/files.h"
#include "nn/infer/infer.h"
#include "tests/nn/models/model_values.h"
#include "tests/numbers.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define DATA "synth:ringed-digit,train=44,val=40,test=10"      // 6 batches of 8, the last one not full
#define ARCH "vit:image=32,patch=8,dim=16,depth=3,heads=2,classes=10"
#define STEPS 12

typedef struct fixture {
    vkc_device *dev;
    nn_dataset *data;
    char dir[64];
} fixture;

static void open_fixture(void **state, fixture *t)
{
    *t = (fixture) { .dev = (vkc_device *) *state };
    assert_ok(nn_dataset_create(DATA, &t->data));
    strcpy(t->dir, "/tmp/pare-retain-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
}

static void close_fixture(fixture *t)
{
    char path[128];
    snprintf(path, sizeof path, "%s/log.jsonl", t->dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/retain.safetensors", t->dir);
    unlink(path);
    assert_int_equal(rmdir(t->dir), 0);
    nn_dataset_destroy(t->data);
}

static nn_model *make_model(vkc_device *dev, nn_policy policy, bool trainable)
{
    nn_model_config cfg;
    nn_model *v;
    assert_ok(nn_model_config_init(&cfg, ARCH));
    if (policy == NN_POLICY_HALTING)
        cfg.retention = (nn_retention_config) { .policy = policy, .every = 1, .gate_scale = 1, .eps = 0.01,
                                                .keep_class = true };
    assert_ok(nn_model_create(dev, &cfg, trainable, &v));
    assert_ok(nn_model_init(v, 3));
    v->cfg.retention.gate_scale = 0;            // to be found
    nn_model_config_finish(&cfg);
    return v;
}

static distill_retain_params make_params(const fixture *t, double keep)
{
    return (distill_retain_params) { .data = t->data, .keep = keep, .batch = 8, .epochs = 2, .lr = 3e-3, .seed = 5,
                                     .threads = 2 };
}

// The ratio asked for is what evaluation measures, and the settings that give it are in the config.
static void test_keep(void **state)
{
    fixture t;
    open_fixture(state, &t);
    nn_model *teacher = make_model(t.dev, NN_POLICY_NONE, false);
    static const struct { double keep, kl, read_patches; bool keep_class; uint32_t every; } cases[] = {
        { 0.8, 0, 0, true, 1 }, { 0.6, 1, 1, true, 1 }, { 0.8, 0, 0, false, 2 }, { 1.0, 0, 0, true, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nn_model *v = make_model(t.dev, NN_POLICY_HALTING, true);
        distill_retain_params p = make_params(&t, cases[i].keep);
        distill_retain_result r;
        nn_eval_result e;
        distill_retain_stats s;
        p.kl = cases[i].kl;
        p.lr = 3e-4;                    // slow enough for the controller of so short a run
        p.epochs = 4;
        p.check_finite = true;
        v->cfg.retention.every = cases[i].every;
        v->cfg.retention.read_patches = cases[i].read_patches;
        v->cfg.retention.keep_class = cases[i].keep_class;
        assert_ok(distill_retain(teacher, v, &p, &r));
        assert_int_equal(r.steps, 2 * STEPS);
        assert_true(isfinite(r.loss) && r.loss > 0 && (r.divergence > 0) == (p.kl > 0));
        assert_true(fabs(r.val_keep - p.keep) <= 0.03);
        // A last epoch of six steps, of a model that knows nothing.
        assert_true(fabs(r.trained_keep - p.keep) <= 0.2);
        assert_true(v->cfg.retention.gate_scale > 0);
        assert_ok(nn_retention_check(&v->cfg, VKC_E_CHECK, "config"));
        assert_ok(nn_eval(v, &(nn_eval_params) { .data = t.data, .split = NN_SPLIT_VAL, .batch = 13 }, &e));
        assert_true(fabs(e.keep - r.val_keep) < 1e-6);
        assert_ok(distill_retain_measure(v, &(distill_retain_stats_params) {
            .data = t.data, .split = NN_SPLIT_VAL, .dense = teacher, .batch = 13 }, &s));
        assert_true(fabs(s.keep - e.keep) < 1e-6 && s.images == 40 && !s.has_truth);
        assert_true(s.layer[0] == 1 && s.overlap[0] == 1 && fabs(s.auprc[0] - 1) < 1e-12);
        for (uint32_t l = 1; l < 3; l++)
            assert_true(fabs(s.layer[l] - e.keep_layer[l]) < 1e-6 && s.layer[l] <= s.layer[l - 1] &&
                        (s.layer[l] <= 0 || (s.overlap[l] >= 0 && s.overlap[l] <= 1 && s.auprc[l] > 0)));
        nn_model_destroy(v);
    }
    nn_model_destroy(teacher);
    close_fixture(&t);
}

static void test_resume(void **state)
{
    fixture t;
    size_t size;
    open_fixture(state, &t);
    nn_model *teacher = make_model(t.dev, NN_POLICY_NONE, false), *v = make_model(t.dev, NN_POLICY_HALTING, true);
    distill_retain_params p = make_params(&t, 0.7);
    distill_retain_result whole, part;
    assert_ok(distill_retain(teacher, v, &p, &whole));
    float *want = read_params(v, &size);
    const double centre = v->cfg.retention.gate_centre;
    nn_model_destroy(v);
    p.run_dir = t.dir;
    const uint32_t stops[] = { 5, 6, 0 };
    for (uint32_t i = 0; i < 3; i++) {
        v = make_model(t.dev, NN_POLICY_HALTING, true);
        p.max_steps = stops[i];
        p.resume = i > 0;
        assert_status(distill_retain(teacher, v, &p, &part), stops[i] ? VKC_E_STOPPED : VKC_OK);
        assert_int_equal(part.steps, stops[i] ? stops[i] : STEPS);
        if (stops[i])
            nn_model_destroy(v);
    }
    float *have = read_params(v, &size);
    assert_memory_equal(have, want, size);
    assert_true(v->cfg.retention.gate_centre == centre && part.loss == whole.loss);
    assert_true(part.trained_keep == whole.trained_keep && part.val_keep == whole.val_keep);
    free(have);
    free(want);
    nn_model_destroy(v);
    nn_model_destroy(teacher);
    close_fixture(&t);
}

#define EPOCHS 3

typedef struct script {             // the user of a judge
    nn_model *v;
    const nn_dataset *data;
    const double *top1;             // (EPOCHS)
    double keep[EPOCHS], centre[EPOCHS];
    float *seen[EPOCHS];
} script;

static vkc_status judge(void *user, uint64_t epoch, nn_score *out)
{
    script *s = (script *) user;
    const size_t i = (size_t) epoch - 1;
    nn_eval_result e;
    size_t size;
    assert_true(i < EPOCHS);
    assert_ok(nn_eval(s->v, &(nn_eval_params) { .data = s->data, .split = NN_SPLIT_VAL, .batch = 13 }, &e));
    free(s->seen[i]);
    s->seen[i] = read_params(s->v, &size);
    s->keep[i] = e.keep;
    s->centre[i] = s->v->cfg.retention.gate_centre;
    *out = (nn_score) { s->top1[i], e.loss };
    return VKC_OK;
}

// A judge sees every epoch at the keep ratio asked for, and what it chose is there again at the end, centre included;
// the training goes on as if nobody had looked.
static void test_best(void **state)
{
    static const double top1[2][EPOCHS] = { { 0.5, 0.1, 0.4 }, { 0.1, 0.2, 0.3 } };
    fixture t;
    size_t size;
    open_fixture(state, &t);
    nn_model *teacher = make_model(t.dev, NN_POLICY_NONE, false), *v = make_model(t.dev, NN_POLICY_HALTING, true);
    distill_retain_params p = make_params(&t, 0.7);
    distill_retain_result plain, r;
    p.epochs = EPOCHS;
    p.lr = 3e-4;
    assert_ok(distill_retain(teacher, v, &p, &plain));
    float *last = read_params(v, &size);
    const double last_centre = v->cfg.retention.gate_centre;
    nn_model_destroy(v);
    for (uint32_t k = 0; k < 4; k++) {                          // in one go, and stopped after the first epoch
        const uint32_t best = k % 2 ? EPOCHS : 1;
        script s = { .data = t.data, .top1 = top1[k % 2] };
        p.judge = (nn_judge) { judge, &s };
        p.run_dir = k < 2 ? NULL : t.dir;
        p.resume = false;
        for (uint32_t part = k < 2; part < 2; part++) {
            s.v = v = make_model(t.dev, NN_POLICY_HALTING, true);
            p.max_steps = part ? 0 : STEPS / 2 + 1;
            assert_status(distill_retain(teacher, v, &p, &r), part ? VKC_OK : VKC_E_STOPPED);
            p.resume = true;
            if (!part)
                nn_model_destroy(v);
        }
        float *have = read_params(v, &size);
        assert_true(r.best.epoch == best && r.best.epochs == EPOCHS && r.best.score.top1 == s.top1[best - 1]);
        assert_memory_equal(have, s.seen[best - 1], size);
        assert_true(v->cfg.retention.gate_centre == s.centre[best - 1]);
        assert_true(fabs(r.val_keep - s.keep[best - 1]) < 1e-6);
        assert_memory_equal(s.seen[EPOCHS - 1], last, size);
        assert_true(s.centre[EPOCHS - 1] == last_centre && r.loss == plain.loss);
        for (uint32_t i = 0; i < EPOCHS; i++) {
            assert_true(fabs(s.keep[i] - p.keep) <= 0.03);
            free(s.seen[i]);
        }
        free(have);
        nn_model_destroy(v);
    }
    free(last);
    nn_model_destroy(teacher);
    close_fixture(&t);
}

// Topk changes nothing without epochs, and what it keeps follows from the settings.
static void test_topk(void **state)
{
    fixture t;
    size_t size;
    open_fixture(state, &t);
    nn_model *v = make_model(t.dev, NN_POLICY_NONE, true);
    distill_retain_params p = make_params(&t, 0.5);
    distill_retain_result r;
    nn_eval_result e;
    float *before = read_params(v, &size);
    assert_ok(nn_retention_topk(&v->cfg, p.keep, NULL, 0, &v->cfg.retention));
    p.epochs = 0;
    assert_ok(distill_retain(v, v, &p, &r));
    assert_int_equal(r.steps, 0);
    float *after = read_params(v, &size);
    assert_memory_equal(before, after, size);
    free(after);
    p.epochs = 1;
    assert_ok(distill_retain(v, v, &p, &r));
    assert_int_equal(r.steps, 6);
    after = read_params(v, &size);
    assert_memory_not_equal(before, after, size);
    assert_ok(nn_eval(v, &(nn_eval_params) { .data = t.data, .split = NN_SPLIT_VAL }, &e));
    assert_true(fabs(e.keep - 0.5) < 0.01);
    free(before);
    free(after);
    nn_model_destroy(v);
    close_fixture(&t);
}

// Turning the stream changes what channel 0 is and nothing that the model computes.
static void test_rotate(void **state)
{
    enum { IMAGES = 9 };
    static float before[IMAGES * 10], after[IMAGES * 10];
    fixture t;
    nn_infer *inf;
    distill_pictures pictures;
    distill_stream raw, rotated;
    double direction[16], sum = 0, length = 0, wrong = 0, size = 0;
    bool is_rotated = false;
    open_fixture(state, &t);
    nn_model *v = make_model(t.dev, NN_POLICY_NONE, false);
    for (uint32_t i = 0; i < v->params->n; i++) {       // norms with gains and biases of their own
        const uint32_t len = (uint32_t) nn_shape_len(&v->params->p[i].shape);
        float *x = (float *) malloc(len * sizeof *x);
        assert_non_null(x);
        assert_ok(nn_params_read(v->params, i, x));
        for (uint32_t k = 0; k < len; k++)
            x[k] += 0.05f * sinf((float) (i + 3 * k));
        assert_ok(nn_params_write(v->params, i, x));
        free(x);
    }
    assert_ok(distill_pictures_load(&v->cfg, t.data, IMAGES, 1, &pictures));
    assert_ok(nn_infer_create(v, IMAGES, &inf));
    assert_ok(nn_infer_run(inf, pictures.pixels, IMAGES, before));
    assert_ok(distill_stream_read(v, &pictures, true, &raw));
    assert_true(raw.n == IMAGES && raw.score[1] != NULL);
    assert_true(distill_fit_direction(&raw, direction));
    for (uint32_t i = 0; i < 16; i++) {
        sum += direction[i];
        length += direction[i] * direction[i];
    }
    assert_true(fabs(sum - 1) < 1e-9 && fabs(length - 1) < 1e-9);
    assert_ok(distill_rotate_stream(v, direction, &is_rotated));
    assert_true(is_rotated);
    assert_ok(nn_infer_run(inf, pictures.pixels, IMAGES, after));
    double want[IMAGES * 10];
    for (int i = 0; i < IMAGES * 10; i++)
        want[i] = (double) before[i];
    assert_true(test_nmse(after, want, IMAGES * 10) < 1e-9);
    assert_ok(distill_stream_read(v, &pictures, false, &rotated));
    for (uint32_t l = 0; l < 3; l++)
        for (uint32_t r = 0; r < raw.n * raw.tokens; r++) {
            double dot = 0;
            for (uint32_t i = 0; i < 16; i++)
                dot += direction[i] * (double) raw.x[l][r * 16 + i];
            wrong += (dot - (double) rotated.x[l][r * 16]) * (dot - (double) rotated.x[l][r * 16]);
            size += dot * dot;
        }
    assert_true(wrong < 1e-8 * size && distill_stream_spread(&rotated) > 0);
    distill_stream_finish(&raw);
    distill_stream_finish(&rotated);
    distill_pictures_finish(&pictures);
    nn_infer_destroy(inf);
    nn_model_destroy(v);
    close_fixture(&t);
}

// The direction is the one along which what later layers attend to is least.
static void test_direction(void **state)
{
    enum { TOKENS = 26, DIM = 5, IMAGES = 12, ROWS = IMAGES * TOKENS };
    static float x[2][ROWS * DIM], score[ROWS];
    distill_stream s = { .depth = 2, .dim = DIM, .tokens = TOKENS, .n = IMAGES, .x = { x[0], x[1] },
                         .score = { NULL, score } };
    double direction[DIM];
    (void) state;
    for (uint32_t r = 0; r < ROWS; r++) {
        float sum = 0;
        for (uint32_t i = 0; i < DIM; i++)
            x[0][r * DIM + i] = sinf(0.7f * (float) ((r * 31 + i * 17) % 101));
        for (uint32_t i = 0; i < DIM; i++)
            sum += x[0][r * DIM + i] / DIM;
        score[r] = r % TOKENS ? expf(2 * (x[0][r * DIM + 3] - sum)) : 1e30f;   // the class token does not count
    }
    assert_true(distill_fit_direction(&s, direction));
    for (uint32_t i = 0; i < DIM; i++) {                // -1 at 3, less the mean, made long enough, plus 1 / DIM
        const double want = 1.0 / DIM - ((i == 3) - 1.0 / DIM);
        if (!(fabs(direction[i] - want) < 0.05))
            fail_msg("channel %u: %g, want %g", i, direction[i], want);
    }
    s.score[1] = NULL;
    assert_false(distill_fit_direction(&s, direction));
}

static void test_refused(void **state)
{
    static const double keeps[] = { 0, -0.5, 1.01, NAN, INFINITY, 0.33 };       // a third: block 0 alone
    fixture t;
    open_fixture(state, &t);
    nn_model *v = make_model(t.dev, NN_POLICY_HALTING, true);
    distill_retain_result r;
    for (size_t i = 0; i < sizeof keeps / sizeof keeps[0]; i++) {
        distill_retain_params p = make_params(&t, keeps[i]);
        assert_status(distill_retain(NULL, v, &p, &r), VKC_E_ARG);
    }
    distill_retain_params p = make_params(&t, 0.6);
    v->cfg.retention.every = 2;                 // then two blocks of three have all tokens
    assert_status(distill_retain(NULL, v, &p, &r), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "cannot be reached"));
    v->cfg.retention.every = 1;
    v->cfg.classes = 9;
    assert_status(distill_retain(NULL, v, &p, &r), VKC_E_FORMAT);
    v->cfg.classes = 10;
    v->cfg.retention = (nn_retention_config) { .policy = NN_POLICY_NONE };
    assert_status(distill_retain(NULL, v, &p, &r), VKC_E_ARG);
    nn_model_destroy(v);
    close_fixture(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep), cmocka_unit_test(test_resume), cmocka_unit_test(test_topk),
        cmocka_unit_test(test_best),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_rotate), cmocka_unit_test(test_direction),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
