// test_best.c — the best epoch by a judge with a script: which is kept, that judging changes no bit of a training, and
// that a run stopped anywhere chooses the same.
#include "nn/base/files.h"
#include "nn/models/model.h"
#include "nn/train/train.h"
#include "tests/nn/models/model_values.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define DATA "synth:ringed-digit,train=22,val=10,test=10"      // 3 batches of 8, the last one not full
#define ARCH "vit:image=16,patch=8,dim=8,depth=1,heads=2,classes=10"
#define EPOCHS 4
#define STEPS (3 * EPOCHS)

static const double none = (double) NAN;

typedef struct script {             // the user of the judge
    nn_model *v;
    const double *top1;             // (EPOCHS)
    uint32_t stop_at, calls;        // once, in this epoch; calls that were answered
    vkc_status fails;               // in place of an answer
    float *seen[EPOCHS];            // parameters as they were to be judged
    size_t size;
} script;

typedef struct fixture {
    vkc_device *dev;
    nn_dataset *data;
    char dir[64], log[128], checkpoint[128];
} fixture;

static void open_fixture(void **state, fixture *t)
{
    *t = (fixture) { .dev = (vkc_device *) *state };
    assert_ok(nn_dataset_create(DATA, &t->data));
    strcpy(t->dir, "/tmp/pare-best-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    snprintf(t->log, sizeof t->log, "%s/log.jsonl", t->dir);
    snprintf(t->checkpoint, sizeof t->checkpoint, "%s/train.safetensors", t->dir);
}

static void clear(const fixture *t)
{
    unlink(t->log);
    unlink(t->checkpoint);
}

static void close_fixture(fixture *t)
{
    clear(t);
    assert_int_equal(rmdir(t->dir), 0);
    nn_dataset_destroy(t->data);
}

static nn_model *make_model(vkc_device *dev, uint64_t seed)
{
    nn_model_config cfg;
    nn_model *v;
    assert_ok(nn_model_config_init(&cfg, ARCH));
    assert_ok(nn_model_create(dev, &cfg, true, &v));
    assert_ok(nn_model_init(v, seed));
    nn_model_config_finish(&cfg);
    return v;
}

static vkc_status judge(void *user, uint64_t epoch, nn_score *out)
{
    script *s = (script *) user;
    assert_true(epoch >= 1 && epoch <= EPOCHS);
    if (s->stop_at == epoch) {
        s->stop_at = 0;
        return VKC_FAIL(VKC_E_STOPPED, "told to stop");
    }
    if (s->fails != VKC_OK)
        return VKC_FAIL(s->fails, "the judge fails");
    free(s->seen[epoch - 1]);
    s->seen[epoch - 1] = read_params(s->v, &s->size);
    s->calls++;
    *out = (nn_score) { s->top1[epoch - 1], 1 / (double) epoch };
    return VKC_OK;
}

static void finish_script(script *s)
{
    for (uint32_t i = 0; i < EPOCHS; i++) {
        free(s->seen[i]);
        s->seen[i] = NULL;
    }
}

static nn_train_params train_params(const fixture *t, script *s, const char *run_dir)
{
    return (nn_train_params) { .data = t->data, .batch = 8, .epochs = EPOCHS, .lr = 3e-3, .seed = 5, .threads = 1,
                               .run_dir = run_dir, .judge = { s ? judge : NULL, s } };
}

// Train a new model; its parameters afterwards, or NULL when it was to end otherwise.
static float *train(const fixture *t, nn_train_params *p, script *s, vkc_status want, nn_train_result *r)
{
    size_t size;
    nn_model *v = make_model(t->dev, p->resume ? 77 : 1);       // resuming does not look at the starting values
    if (s)
        s->v = v;
    const vkc_status st = nn_train(v, p, r);
    assert_status(st, want);
    float *x = want == VKC_OK ? read_params(v, &size) : NULL;
    nn_model_destroy(v);
    return x;
}

static uint32_t count_lines(const fixture *t, const char *words)
{
    unsigned char *text;
    size_t size;
    uint32_t n = 0;
    assert_ok(nn_file_load(t->log, 1 << 20, &text, &size));
    char *line = (char *) malloc(size + 1);
    assert_non_null(line);
    memcpy(line, text, size);
    line[size] = '\0';
    for (char *at = line; (at = strstr(at, words)); at++)
        n++;
    free(line);
    free(text);
    return n;
}

// The best in the middle, of equal ones the first, of none the last; as in a run that nothing judged until then.
static void check_choice(void **state, double ema)
{
    static const struct { double top1[EPOCHS]; uint32_t best; } cases[] = {
        { { 0.2, 0.7, 0.5, 0.6 }, 2 }, { { 0.2, 0.7, 0.7, 0.7 }, 2 }, { { 0, 0, 0, 0 }, 1 },
        { { 0.1, 0.2, 0.3, 0.4 }, 4 }, { { NAN, NAN, 0.1, NAN }, 3 }, { { NAN, NAN, NAN, INFINITY }, 0 },
    };
    fixture t;
    nn_train_result r;
    open_fixture(state, &t);
    nn_train_params p = train_params(&t, NULL, NULL);
    p.recipe.ema = ema;
    float *last = train(&t, &p, NULL, VKC_OK, &r);
    assert_int_equal(r.best.epoch, 0);
    const double loss = r.loss;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script s = { .top1 = cases[i].top1 };
        p = train_params(&t, &s, i % 2 ? t.dir : NULL);
        p.recipe.ema = ema;
        float *x = train(&t, &p, &s, VKC_OK, &r);
        const uint32_t best = cases[i].best;
        assert_int_equal(s.calls, EPOCHS);
        assert_int_equal(r.best.epoch, best);
        assert_int_equal(r.best.epochs, EPOCHS);
        assert_true(best == 0 || (r.best.score.top1 == s.top1[best - 1] && r.best.score.loss == 1.0 / best));
        assert_memory_equal(x, best ? s.seen[best - 1] : last, s.size);
        assert_memory_equal(s.seen[EPOCHS - 1], last, s.size);
        assert_memory_not_equal(s.seen[0], s.seen[1], s.size);
        assert_true(r.loss == loss);
        free(x);
        finish_script(&s);
        clear(&t);
    }
    free(last);
    close_fixture(&t);
}

static void test_choice(void **state)
{
    check_choice(state, 0);
}

static void test_choice_of_averages(void **state)
{
    check_choice(state, 0.9);
}

// Stopped after any step, and resumed from the files alone.
static void check_resume(void **state, double ema)
{
    const double top1[EPOCHS] = { 0.2, 0.7, 0.7, 0.5 };
    fixture t;
    nn_train_result r;
    script s = { .top1 = top1 };
    open_fixture(state, &t);
    nn_train_params p = train_params(&t, &s, NULL);
    p.recipe.ema = ema;
    float *want = train(&t, &p, &s, VKC_OK, &r);
    for (uint32_t stop = 1; stop < STEPS; stop++) {
        p.run_dir = t.dir;
        p.max_steps = stop;
        p.resume = false;
        s.calls = 0;
        train(&t, &p, &s, VKC_E_STOPPED, &r);
        p.max_steps = 0;
        p.resume = true;
        for (uint32_t again = 0; again < 2; again++) {          // the second time nothing is left to do
            float *x = train(&t, &p, &s, VKC_OK, &r);
            assert_memory_equal(x, want, s.size);
            assert_true(r.best.epoch == 2 && r.best.score.top1 == 0.7 && r.best.score.loss == 0.5);
            assert_int_equal(s.calls, EPOCHS);
            free(x);
        }
        assert_int_equal(count_lines(&t, "\"val_top1\": "), EPOCHS);
        assert_int_equal(count_lines(&t, "\"val_top1\": 0.7, \"val_loss\": 0.5"), 1);
        clear(&t);
    }
    free(want);
    finish_script(&s);
    close_fixture(&t);
}

static void test_resume(void **state)
{
    check_resume(state, 0);
}

static void test_resume_with_average(void **state)
{
    check_resume(state, 0.9);
}

// A judge that is told to stop: its epoch is judged after the resume, and has one line in the log. Any other failure
// ends the run.
static void test_stopped_judge(void **state)
{
    const double top1[EPOCHS] = { none, 0.3, 0.2, 0.1 };
    fixture t;
    nn_train_result r;
    open_fixture(state, &t);
    for (uint32_t at = 1; at <= EPOCHS; at++) {
        script s = { .top1 = top1, .stop_at = at };
        nn_train_params p = train_params(&t, &s, t.dir);
        train(&t, &p, &s, VKC_E_STOPPED, &r);
        assert_int_equal(r.steps, 3 * at);
        assert_int_equal(s.calls, at - 1);
        p.resume = true;
        s.stop_at = at;                                         // and stopped in it once more
        train(&t, &p, &s, VKC_E_STOPPED, &r);
        assert_int_equal(r.steps, 3 * at);
        float *x = train(&t, &p, &s, VKC_OK, &r);
        assert_int_equal(s.calls, EPOCHS);
        assert_int_equal(r.best.epoch, 2);
        assert_memory_equal(x, s.seen[1], s.size);
        assert_int_equal(count_lines(&t, "\"val_top1\": "), EPOCHS);
        assert_int_equal(count_lines(&t, "\"val_top1\": null"), 1);
        assert_int_equal(count_lines(&t, "\"norm\": 0,"), 0);
        free(x);
        finish_script(&s);
        clear(&t);
    }
    script s = { .top1 = top1, .fails = VKC_E_CHECK };
    nn_train_params p = train_params(&t, &s, NULL);
    train(&t, &p, &s, VKC_E_CHECK, &r);
    assert_non_null(strstr(vkc_last_error(), "the judge fails"));
    close_fixture(&t);
}

// A checkpoint of a version without a judge: what follows is judged. One with a judge is no run without.
static void test_other_checkpoints(void **state)
{
    const double top1[EPOCHS] = { 0.9, 0.1, 0.3, 0.2 };
    fixture t;
    nn_train_result r;
    open_fixture(state, &t);
    for (uint32_t stop = 3; stop <= 4; stop++) {                // at the end of an epoch, and in one
        script s = { .top1 = top1 };
        nn_train_params p = train_params(&t, NULL, t.dir);
        p.max_steps = stop;
        train(&t, &p, NULL, VKC_E_STOPPED, &r);
        p = train_params(&t, &s, t.dir);
        p.resume = true;
        float *x = train(&t, &p, &s, VKC_OK, &r);
        assert_int_equal(s.calls, 3);
        assert_int_equal(r.best.epoch, 3);
        assert_memory_equal(x, s.seen[2], s.size);
        free(x);
        p = train_params(&t, NULL, t.dir);
        p.resume = true;
        train(&t, &p, NULL, VKC_E_FORMAT, &r);
        finish_script(&s);
        clear(&t);
    }
    close_fixture(&t);
}

// Words of a checkpoint that cannot be: a best epoch that was not trained yet.
static void test_damaged(void **state)
{
    const double top1[EPOCHS] = { 0.25, 0.5, 0.125, 0.375 };
    const uint64_t lies[] = { 3, 0, UINT64_MAX };
    fixture t;
    nn_train_result r;
    unsigned char *file;
    size_t size;
    open_fixture(state, &t);
    script s = { .top1 = top1 };
    nn_train_params p = train_params(&t, &s, t.dir);
    p.max_steps = 7;
    train(&t, &p, &s, VKC_E_STOPPED, &r);
    assert_ok(nn_file_load(t.checkpoint, 1 << 24, &file, &size));
    const uint64_t words[] = { 2, 2 };                          // judged, best; 0.5 is its score, further on
    unsigned char *at = NULL;
    for (size_t i = 0; i + sizeof words <= size; i++)
        if (memcmp(file + i, words, sizeof words) == 0) {
            assert_null(at);
            at = file + i + sizeof words[0];
        }
    assert_non_null(at);
    p.max_steps = 0;
    p.resume = true;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        memcpy(at, &lies[i], sizeof lies[i]);
        assert_ok(nn_file_save(t.checkpoint, file, size));
        train(&t, &p, &s, VKC_E_FORMAT, &r);
        assert_non_null(strstr(vkc_last_error(), "its best epoch"));
    }
    free(file);
    finish_script(&s);
    close_fixture(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),            cmocka_unit_test(test_choice_of_averages),
        cmocka_unit_test(test_resume),            cmocka_unit_test(test_resume_with_average),
        cmocka_unit_test(test_stopped_judge),     cmocka_unit_test(test_other_checkpoints),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
