// test_retain_gate.c — halting with a gate that stays where it is, as A-ViT has it, and halting trained from the start:
// what the weights of the losses do, resumed to the same bits, gates that leave nothing to learn from.
#include "distill/retain/retain.h"
#include "nn/base/files.h"
#include "nn/infer/eval.h"
#include "tests/nn/models/model_values.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define DATA "synth:ringed-digit,train=44,val=40,test=10"      // 6 batches of 8, the last one not full
#define ARCH "vit:image=32,patch=8,dim=16,depth=3,heads=2,classes=10"
#define STEPS 12                    // of two epochs

typedef struct fixture {
    vkc_device *dev;
    nn_dataset *data;
    char dir[64];
} fixture;

static void open_fixture(void **state, fixture *t)
{
    *t = (fixture) { .dev = (vkc_device *) *state };
    assert_ok(nn_dataset_create(DATA, &t->data));
    strcpy(t->dir, "/tmp/pare-gate-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
}

static void close_fixture(fixture *t)
{
    static const char *const files[] = { "log.jsonl", "retain.safetensors", "train.safetensors" };
    char path[128];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", t->dir, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(t->dir), 0);
    nn_dataset_destroy(t->data);
}

// A gate that drops some patches of a model that knows nothing; scale 0 = to be fitted.
static nn_model *make_model(vkc_device *dev, double scale, double centre)
{
    nn_model_config cfg;
    nn_model *v;
    assert_ok(nn_model_config_init(&cfg, ARCH));
    cfg.retention = (nn_retention_config) { .policy = NN_POLICY_HALTING, .every = 1, .gate_scale = 1, .eps = 0.01,
                                            .keep_class = true };
    assert_ok(nn_model_create(dev, &cfg, true, &v));
    assert_ok(nn_model_init(v, 3));
    v->cfg.retention.gate_scale = scale;
    v->cfg.retention.gate_centre = centre;
    nn_model_config_finish(&cfg);
    return v;
}

static distill_retain_params make_params(const fixture *t)
{
    return (distill_retain_params) { .data = t->data, .fixed_gate = true, .plain_gate = true, .batch = 8, .epochs = 2,
                                     .lr = 3e-3, .seed = 5, .threads = 2, .check_finite = true };
}

static double keep_of(const fixture *t, const nn_model *v)
{
    nn_eval_result e;
    assert_ok(nn_eval(v, &(nn_eval_params) { .data = t->data, .split = NN_SPLIT_VAL, .batch = 13 }, &e));
    return e.keep;
}

typedef struct taught { distill_retain_result r; nn_train_result t; } taught;

// By retain, or from the start with a recipe and an average of the weights.
static vkc_status teach(const fixture *t, nn_model *v, const distill_retain_params *p, bool from_start, taught *out)
{
    nn_train_params s = {
        .data = t->data, .batch = 8, .epochs = p->epochs, .lr = p->lr, .seed = p->seed, .threads = 2,
        .recipe = { .mixup = 0.8, .drop_path = 0.1, .ema = 0.9 }, .run_dir = p->run_dir, .resume = p->resume,
        .max_steps = p->max_steps, .judge = p->judge,
    };
    return from_start ? distill_train_halting(v, &s, p, &out->t, &out->r) : distill_retain(NULL, v, p, &out->r);
}

// The gate is afterwards what it was, what is kept is what evaluation measures, and more weight on the ponder cost
// keeps fewer patches: models of several keep ratios without one being asked for.
static void test_pressure(void **state)
{
    static const double ponder[] = { -1, 0.01, 1 };
    fixture t;
    double keep[3];
    open_fixture(state, &t);
    for (uint32_t target = 0; target < 2; target++) {
        for (uint32_t i = 0; i < 3; i++) {
            nn_model *v = make_model(t.dev, 10, 2);
            distill_retain_params p = make_params(&t);
            distill_retain_result r;
            p.epochs = 4;
            p.lr = 1e-3;
            p.ponder = ponder[i];
            p.prior = -1;
            p.prior_target = target ? HALT_TARGET_NORMALISED : HALT_TARGET_RELEASED;
            assert_ok(distill_retain(NULL, v, &p, &r));
            assert_true(v->cfg.retention.gate_scale == 10 && v->cfg.retention.gate_centre == 2);
            assert_true(r.start_centre == 2 && r.steps == 2 * STEPS && r.best.epoch == 0);
            keep[i] = keep_of(&t, v);
            assert_true(fabs(keep[i] - r.val_keep) < 1e-6 && r.trained_keep > 0 && r.trained_keep <= 1);
            nn_model_destroy(v);
        }
        if (!(keep[0] > keep[1] + 0.01 && keep[1] > keep[2] + 0.01))
            fail_msg("with more ponder cost %.3f, %.3f, %.3f of the patches are kept", keep[0], keep[1], keep[2]);
    }
    close_fixture(&t);
}

// Both targets of the prior, its mean and its weight reach the training, retain's and that from the start; twice the
// same gives the same.
static void test_prior(void **state)
{
    static const struct { double prior, mean; uint32_t target; } cases[] = {
        { -1, 0, HALT_TARGET_RELEASED }, { 1, 0, HALT_TARGET_RELEASED }, { 1, 0, HALT_TARGET_NORMALISED },
        { 1, 2, HALT_TARGET_NORMALISED }, { 2, 2, HALT_TARGET_NORMALISED }, { 2, 2, HALT_TARGET_NORMALISED },
    };
    enum { N = sizeof cases / sizeof cases[0] };
    fixture t;
    open_fixture(state, &t);
    for (uint32_t from_start = 0; from_start < 2; from_start++) {
        float *got[N];
        size_t size;
        for (uint32_t i = 0; i < N; i++) {
            nn_model *v = make_model(t.dev, 10, 2);
            distill_retain_params p = make_params(&t);
            taught r;
            p.epochs = 1;
            p.prior = cases[i].prior;
            p.prior_mean = cases[i].mean;
            p.prior_target = cases[i].target;
            assert_ok(teach(&t, v, &p, from_start, &r));
            got[i] = read_params(v, &size);
            nn_model_destroy(v);
        }
        for (uint32_t i = 1; i + 1 < N; i++)
            assert_memory_not_equal(got[i - 1], got[i], size);
        assert_memory_equal(got[N - 2], got[N - 1], size);
        for (uint32_t i = 0; i < N; i++)
            free(got[i]);
    }
    close_fixture(&t);
}

// With a keep ratio too training may begin where the centre is, and ends where it was asked to.
static void test_own_centre(void **state)
{
    fixture t;
    open_fixture(state, &t);
    nn_model *v = make_model(t.dev, 0, -1);
    distill_retain_params p = make_params(&t);
    distill_retain_result r;
    p.fixed_gate = false;
    p.own_centre = true;
    p.keep = 0.8;
    p.lr = 3e-4;
    assert_ok(distill_retain(NULL, v, &p, &r));
    assert_true(r.start_centre == -1 && v->cfg.retention.gate_centre != -1);
    assert_true(fabs(r.val_keep - 0.8) <= 0.03 && fabs(keep_of(&t, v) - r.val_keep) < 1e-6);
    nn_model_destroy(v);
    close_fixture(&t);
}

static void check_resumed(const fixture *t, const distill_retain_params *with, double scale, bool from_start)
{
    static const uint32_t stops[] = { 5, 6, 0 };
    distill_retain_params p = *with;
    taught whole, part;
    size_t size;
    nn_model *v = make_model(t->dev, scale, 2);
    assert_ok(teach(t, v, &p, from_start, &whole));
    assert_true(isfinite(whole.r.loss) && whole.r.loss > 0 && whole.r.steps == STEPS);
    if (!p.fixed_gate)
        assert_true(fabs(whole.r.val_keep - p.keep) <= 0.03 && fabs(keep_of(t, v) - whole.r.val_keep) < 1e-6);
    float *want = read_params(v, &size);
    const nn_retention_config gate = v->cfg.retention;
    assert_true(gate.gate_scale > 0);
    nn_model_destroy(v);
    p.run_dir = t->dir;
    for (uint32_t i = 0; i < 3; i++) {
        v = make_model(t->dev, scale, 2);
        p.max_steps = stops[i];
        p.resume = i > 0;
        assert_status(teach(t, v, &p, from_start, &part), stops[i] ? VKC_E_STOPPED : VKC_OK);
        assert_int_equal(part.r.steps, stops[i] ? stops[i] : STEPS);
        if (stops[i])
            nn_model_destroy(v);
    }
    float *have = read_params(v, &size);
    assert_memory_equal(have, want, size);
    assert_true(v->cfg.retention.gate_centre == gate.gate_centre && v->cfg.retention.gate_scale == gate.gate_scale);
    assert_true(part.r.loss == whole.r.loss && part.r.trained_keep == whole.r.trained_keep);
    assert_true(part.r.val_keep == whole.r.val_keep && part.r.start_centre == whole.r.start_centre);
    free(have);
    free(want);
    nn_model_destroy(v);
}

static void test_resume(void **state)
{
    for (uint32_t k = 0; k < 4; k++) {
        fixture t;
        open_fixture(state, &t);
        distill_retain_params p = make_params(&t);
        p.fixed_gate = k % 2 == 0;
        p.keep = p.fixed_gate ? 0 : 0.8;
        if (k < 2 || p.fixed_gate)                  // retain's controller has its own test
            check_resumed(&t, &p, p.fixed_gate ? 10 : 0, k < 2);
        close_fixture(&t);
    }
}

static vkc_status judge(void *user, uint64_t epoch, nn_score *out)
{
    double *top1 = (double *) user;
    *out = (nn_score) { top1[epoch - 1], 1 };
    return VKC_OK;
}

// A judge is asked after every epoch of both, without a centre being looked for where the gate is fixed.
static void test_judge(void **state)
{
    double top1[2] = { 0.5, 0.25 };
    fixture t;
    open_fixture(state, &t);
    for (uint32_t k = 0; k < 4; k++) {
        distill_retain_params p = make_params(&t);
        taught r;
        nn_model *v = make_model(t.dev, k / 2 ? 0 : 10, 2);
        p.fixed_gate = k / 2 == 0;
        p.keep = p.fixed_gate ? 0 : 0.8;
        p.lr = 3e-4;
        p.judge = (nn_judge) { judge, top1 };
        assert_ok(teach(&t, v, &p, k % 2, &r));
        assert_true(r.r.best.epoch == 1 && r.r.best.epochs == 2);
        if (p.fixed_gate)
            assert_true(v->cfg.retention.gate_centre == 2);
        nn_model_destroy(v);
    }
    close_fixture(&t);
}

// A gate at which no patch reaches the second block is refused in words before a step is made, and the model is as it
// was. One that lets nobody halt is not.
static void test_refused(void **state)
{
    fixture t;
    size_t size;
    taught r;
    open_fixture(state, &t);
    for (uint32_t k = 0; k < 3; k++) {
        distill_retain_params p = make_params(&t);
        nn_model *v = make_model(t.dev, 1, -100);
        float *before = read_params(v, &size);
        assert_status(k == 2 ? distill_retain_check_gate(v, &p) : teach(&t, v, &p, k, &r), VKC_E_ARG);
        assert_non_null(strstr(vkc_last_error(), "centre -100 and scale 1 lets every patch of 40 pictures"));
        float *after = read_params(v, &size);
        assert_memory_equal(before, after, size);
        assert_true(v->cfg.retention.gate_centre == -100);
        free(before);
        free(after);
        v->cfg.retention.every = 3;         // no layout is made: the blocks have all patches whatever the gate says
        assert_ok(distill_retain_check_gate(v, &p));
        v->cfg.retention.every = 1;
        v->cfg.retention.gate_centre = 100;
        assert_ok(distill_retain_check_gate(v, &p));
        v->cfg.retention.gate_scale = 0;
        assert_status(distill_retain_check_gate(v, &p), VKC_E_ARG);
        nn_model_destroy(v);
    }
    nn_model *v = make_model(t.dev, 1, 0);
    distill_retain_params p = make_params(&t);
    p.fixed_gate = false;
    p.keep = 0.2;                           // block 0 alone is a third
    assert_status(teach(&t, v, &p, true, &r), VKC_E_ARG);
    v->cfg.retention = (nn_retention_config) { .policy = NN_POLICY_NONE };
    assert_status(teach(&t, v, &p, true, &r), VKC_E_ARG);
    nn_model_destroy(v);
    close_fixture(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pressure), cmocka_unit_test(test_prior), cmocka_unit_test(test_own_centre),
        cmocka_unit_test(test_resume), cmocka_unit_test(test_judge), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
