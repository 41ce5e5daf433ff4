// test_fit.c — training: stopped and resumed to the same bits, checkpoints that do not fit, folders that cannot be
// written, losses that are no numbers.
#include "nn/models/vit/vit.h"
#include "nn/models/picture_loader.h"
#include "nn/base/files.h"
#include "nn/data/loader_feed.h"
#include "nn/train/fit.h"
#include "nn/infer/infer.h"
#include "nn/train/train.h"
#include "shaders/loss/cross_entropy.h"
#include "tests/nn/models/model_values.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define DATA "synth:ringed-digit,train=22,val=10,test=10"      // 3 batches of 8, the last one not full
#define ARCH "vit:image=32,patch=8,dim=16,depth=2,heads=2,classes=10"
#define STEPS 9

typedef struct fixture {
    vkc_device *dev;
    nn_dataset *data;
    char dir[64], file[128], checkpoint[128];
} fixture;

static void open_fixture(void **state, fixture *t)
{
    *t = (fixture) { .dev = (vkc_device *) *state };
    assert_ok(nn_dataset_create(DATA, &t->data));
    strcpy(t->dir, "/tmp/pare-fit-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    snprintf(t->file, sizeof t->file, "%s/log.jsonl", t->dir);
    snprintf(t->checkpoint, sizeof t->checkpoint, "%s/train.safetensors", t->dir);
}

static void close_fixture(fixture *t)
{
    unlink(t->file);
    unlink(t->checkpoint);
    assert_int_equal(rmdir(t->dir), 0);
    nn_dataset_destroy(t->data);
}

static nn_model *make_model(vkc_device *dev, const char *arch, uint64_t seed)
{
    nn_model_config cfg;
    nn_model *v;
    assert_ok(nn_model_config_init(&cfg, arch));
    assert_ok(nn_model_create(dev, &cfg, true, &v));
    assert_ok(nn_model_init(v, seed));
    nn_model_config_finish(&cfg);
    return v;
}

static nn_train_params train_params(const fixture *t, const char *run_dir)
{
    return (nn_train_params) { .data = t->data, .batch = 8, .epochs = 3, .lr = 3e-3, .seed = 5, .threads = 2,
                               .run_dir = run_dir };
}

// The same values as before, and the model is still usable.
static void check_values(const nn_model *v, const float *want)
{
    size_t size;
    float *have = read_params(v, &size);
    assert_memory_equal(have, want, size);
    free(have);
}

static bool stop_at(void *user, const nn_progress *p)
{
    return p->done < *(const uint64_t *) user;
}

static void test_resume(void **state)
{
    fixture t;
    size_t size;
    open_fixture(state, &t);
    nn_train_result whole, part;
    nn_model *v = make_model(t.dev, ARCH, 1);
    float *before = read_params(v, &size);
    nn_train_params p = train_params(&t, NULL);
    assert_ok(nn_train(v, &p, &whole));
    assert_int_equal(whole.steps, STEPS);
    assert_int_equal(whole.images, 3 * 22);
    float *want = read_params(v, &size);
    assert_memory_not_equal(before, want, size);
    nn_model_destroy(v);

    // Within an epoch, at its end, and one step before the end of all.
    p = train_params(&t, t.dir);
    const uint32_t stops[] = { 4, 6, STEPS - 1 };
    for (uint32_t i = 0; i < 4; i++) {
        v = make_model(t.dev, ARCH, i ? 99 + i : 1);    // resuming does not look at the starting values
        p.max_steps = i < 3 ? stops[i] : 0;
        p.resume = i > 0;
        p.threads = 1 + i % 2;
        assert_status(nn_train(v, &p, &part), i < 3 ? VKC_E_STOPPED : VKC_OK);
        assert_int_equal(part.steps, i < 3 ? stops[i] : STEPS);
        if (i < 3)
            nn_model_destroy(v);
    }
    check_values(v, want);
    assert_true(part.loss == whole.loss && part.images == whole.images);
    assert_ok(nn_train(v, &p, &part));                  // nothing is left to do
    check_values(v, want);
    nn_model_destroy(v);
    free(before);
    free(want);
    close_fixture(&t);
}

static void test_stop(void **state)
{
    fixture t;
    open_fixture(state, &t);
    nn_model *v = make_model(t.dev, ARCH, 1);
    nn_train_params p = train_params(&t, t.dir);
    nn_train_result r;
    uint64_t at = 1;
    p.progress = stop_at;
    p.user = &at;
    p.max_steps = 5;
    assert_status(nn_train(v, &p, &r), VKC_E_STOPPED);
    assert_true(r.steps >= 1 && r.steps <= 5 && nn_is_file(t.checkpoint));
    nn_model_destroy(v);
    close_fixture(&t);
}

static void test_other_checkpoint(void **state)
{
    const char *others[] = { ARCH ",mlp=2", "vit:image=32,patch=8,dim=16,depth=1,heads=2,classes=10" };
    fixture t;
    size_t size, before_size, after_size;
    unsigned char *before, *after;
    open_fixture(state, &t);
    nn_model *v = make_model(t.dev, ARCH, 1);
    nn_train_params p = train_params(&t, t.dir);
    nn_train_result r;
    p.max_steps = 2;
    assert_status(nn_train(v, &p, &r), VKC_E_STOPPED);
    nn_model_destroy(v);
    assert_ok(nn_file_load(t.checkpoint, 1 << 24, &before, &before_size));
    p.resume = true;
    for (int i = 0; i < 2; i++) {
        v = make_model(t.dev, others[i], 2);
        float *values = read_params(v, &size);
        assert_status(nn_train(v, &p, &r), VKC_E_FORMAT);
        check_values(v, values);
        free(values);
        nn_model_destroy(v);
    }
    v = make_model(t.dev, ARCH, 2);
    float *values = read_params(v, &size);
    p.epochs = 1;
    p.batch = 22;                                       // a run of one step, where the checkpoint has two
    assert_status(nn_train(v, &p, &r), VKC_E_FORMAT);
    assert_ok(nn_file_load(t.checkpoint, 1 << 24, &after, &after_size));
    assert_int_equal(before_size, after_size);
    assert_memory_equal(before, after, before_size);
    assert_int_equal(truncate(t.checkpoint, (off_t) before_size / 2), 0);
    p = train_params(&t, t.dir);
    p.resume = true;
    assert_status(nn_train(v, &p, &r), VKC_E_FORMAT);
    free(values);
    nn_model_destroy(v);
    free(before);
    free(after);
    close_fixture(&t);
}

static void test_no_folder(void **state)
{
    fixture t;
    size_t size;
    char path[256];
    open_fixture(state, &t);
    assert_ok(nn_file_save(t.file, "not a folder\n", 13));
    nn_model *v = make_model(t.dev, ARCH, 1);
    float *values = read_params(v, &size);
    nn_train_result r;
    snprintf(path, sizeof path, "%s/run", t.file);
    nn_train_params p = train_params(&t, path);
    assert_status(nn_train(v, &p, &r), VKC_E_IO);
    check_values(v, values);
    p.run_dir = t.file;
    assert_status(nn_train(v, &p, &r), VKC_E_IO);
    check_values(v, values);
    free(values);
    nn_model_destroy(v);
    close_fixture(&t);
}

// An absurd learning rate: the loss becomes no number, which is said, and the last good checkpoint stays.
static void test_not_a_number(void **state)
{
    fixture t;
    size_t before_size, after_size;
    unsigned char *before, *after;
    open_fixture(state, &t);
    nn_model *v = make_model(t.dev, ARCH, 1);
    nn_train_params p = train_params(&t, t.dir);
    nn_train_result r;
    p.max_steps = 2;
    assert_status(nn_train(v, &p, &r), VKC_E_STOPPED);
    assert_ok(nn_file_load(t.checkpoint, 1 << 24, &before, &before_size));
    p.max_steps = 0;
    p.resume = true;
    p.lr = 1e30;
    assert_status(nn_train(v, &p, &r), VKC_E_CHECK);
    assert_non_null(strstr(vkc_last_error(), "not a number"));
    assert_ok(nn_file_load(t.checkpoint, 1 << 24, &after, &after_size));
    assert_int_equal(before_size, after_size);
    assert_memory_equal(before, after, before_size);
    free(before);
    free(after);
    nn_model_destroy(v);
    close_fixture(&t);
}

static void plant(nn_model *v, const char *name, uint32_t at, float value)
{
    uint32_t i;
    assert_true(nn_params_find(v->params, name, &i));
    float *x = (float *) malloc(nn_shape_len(&v->params->p[i].shape) * sizeof *x);
    assert_non_null(x);
    assert_ok(nn_params_read(v->params, i, x));
    x[at] = value;
    assert_ok(nn_params_write(v->params, i, x));
    free(x);
}

// A value that is not finite is laid at the door of the first mixer that reads or gives one; without the check it
// is the loss that fails.
static void test_finite(void **state)
{
    static const struct { const char *name; uint32_t at; float value; const char *words; } cases[] = {
        { "blocks.1.attn.qkv.bias", 2 * 16 + 3, NAN, "layer 1 (linear): its output has 136 values" },
        { "blocks.0.attn.qkv.bias", 2 * 16 + 15, INFINITY, "layer 0 (attention): its output has " },
        { "blocks.0.mlp.fc2.bias", 5, -INFINITY, "layer 1 (linear): its input has " },
        { "cls_token", 0, NAN, "layer 0 (attention): its input has 128 values" },     // the class token of 8 pictures
        { "blocks.1.mlp.fc1.weight", 7, NAN, "the classifier's output has 80 values" },
    };
    fixture t;
    open_fixture(state, &t);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nn_model *v = make_model(t.dev, ARCH ",mixer=attention/linear", 1);
        plant(v, cases[i].name, cases[i].at, cases[i].value);
        nn_train_params p = train_params(&t, NULL);
        nn_train_result r;
        p.check_finite = true;
        assert_status(nn_train(v, &p, &r), VKC_E_CHECK);
        const char *when = strstr(vkc_last_error(), " at step ");
        if (!strstr(vkc_last_error(), cases[i].words) || !when || strcmp(when, " at step 1") != 0)
            fail_msg("%s: %s", cases[i].name, vkc_last_error());
        assert_int_equal(r.steps, 0);
        nn_model_destroy(v);
        v = make_model(t.dev, ARCH ",mixer=attention/linear", 1);
        plant(v, cases[i].name, cases[i].at, cases[i].value);
        p.check_finite = false;
        assert_status(nn_train(v, &p, &r), VKC_E_CHECK);
        assert_non_null(strstr(vkc_last_error(), "loss 0 is not a number at step 1"));
        nn_model_destroy(v);
    }
    close_fixture(&t);
}

// Looking changes no bit of a training, and says nothing where there is nothing; the checkpoint stays when it does.
static void test_finite_bits(void **state)
{
    fixture t;
    size_t size, before_size, after_size;
    unsigned char *before, *after;
    open_fixture(state, &t);
    nn_model *v = make_model(t.dev, ARCH ",mixer=attention/linear", 1);
    nn_train_params p = train_params(&t, NULL);
    nn_train_result r, checked;
    assert_ok(nn_train(v, &p, &r));
    float *want = read_params(v, &size);
    nn_model_destroy(v);
    v = make_model(t.dev, ARCH ",mixer=attention/linear", 1);
    p = train_params(&t, t.dir);
    p.check_finite = true;
    p.max_steps = 5;
    assert_status(nn_train(v, &p, &checked), VKC_E_STOPPED);
    assert_ok(nn_file_load(t.checkpoint, 1 << 24, &before, &before_size));
    p.resume = true;
    p.max_steps = 0;
    assert_ok(nn_train(v, &p, &checked));
    check_values(v, want);
    assert_true(checked.loss == r.loss);
    assert_ok(nn_file_save(t.checkpoint, before, before_size));
    p.lr = 1e30;                                        // some steps on, everything overflows
    assert_status(nn_train(v, &p, &checked), VKC_E_CHECK);
    assert_ok(nn_file_load(t.checkpoint, 1 << 24, &after, &after_size));
    assert_int_equal(before_size, after_size);
    assert_memory_equal(before, after, before_size);
    free(before);
    free(after);
    free(want);
    nn_model_destroy(v);
    close_fixture(&t);
}

// A picture with a NaN, at odd sizes; what a dead row still holds from it does not count in the next batch.
static void test_finite_picture(void **state)
{
    enum { PIXELS = 3 * 32 * 32, IMAGES = 3 };
    static float pixels[IMAGES * PIXELS], logits[IMAGES * 10];
    nn_infer *inf;
    nn_model *v = make_model((vkc_device *) *state, "vit:image=32,patch=8,dim=13,depth=1,heads=1,classes=10", 1);
    assert_ok(nn_infer_create_with(v, &(nn_infer_params) { .cap_images = IMAGES, .check_finite = true }, &inf));
    assert_ok(nn_infer_run(inf, pixels, IMAGES, logits));
    pixels[2 * PIXELS + 5] = NAN;
    assert_status(nn_infer_run(inf, pixels, IMAGES, logits), VKC_E_CHECK);
    assert_non_null(strstr(vkc_last_error(),
                           "layer 0 (attention): its input has 13 values that are not finite in batch"));
    assert_ok(nn_infer_run(inf, pixels, 2, logits));
    pixels[PIXELS + 5] = INFINITY;
    assert_status(nn_infer_run(inf, pixels, 2, logits), VKC_E_CHECK);
    nn_infer_destroy(inf);
    assert_ok(nn_infer_create(v, IMAGES, &inf));
    assert_ok(nn_infer_run(inf, pixels, IMAGES, logits));
    assert_true(isnan(logits[10]));
    nn_infer_destroy(inf);
    nn_model_destroy(v);
}

// A loss whose target the host moves, as a live input: the classifier is pulled towards it.
typedef struct pulled {
    nn_batch  b;
    nn_graph *g;
    nn_loader *l;
    nn_feed   feed;
    nn_stepper *s;
    uint32_t  n_calls, n_starts;
} pulled;

static void open_pulled(const fixture *t, nn_model *v, pulled *k)
{
    *k = (pulled) { .n_calls = 0 };
    nn_loader_params lp = nn_loader_params_of(&v->cfg, t->data, NN_SPLIT_TRAIN, 8);
    lp.shuffle = true;
    lp.threads = 2;
    assert_ok(nn_loader_create(&lp, &k->l));
    k->feed = nn_loader_feed(k->l, &lp);
    assert_ok(nn_model_batch_create(t->dev, &v->cfg, 8, &k->b));
    assert_ok(nn_graph_create(t->dev, &k->g));
    nn_tensor *pixels = nn_graph_input(k->g, "pixels", (nn_shape) { 2, { 0, 3 * 32 * 32 } }, NN_DTYPE_F32,
                                       k->b.samples);
    nn_tensor *labels = nn_graph_input(k->g, "labels", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, k->b.samples);
    nn_tensor *target = nn_graph_input(k->g, "target", (nn_shape) { 2, { 10, 16 } }, NN_DTYPE_F32, NULL);
    nn_tensor *logits = nn_model_forward(k->g, v, &k->b, &pixels, true, NULL);
    nn_tensor *watch[2] = {
        NN_APPLY(k->g, cross_entropy, &(struct cross_entropy_attr) { .smoothing = 0.1f }, NULL, logits, labels),
        NN_APPLY0(k->g, mse, NULL, nn_graph_param(k->g, v->params, nn_vit_of(v)->head_w, true), target),
    };
    nn_graph_add_loss(k->g, watch[0], 1.0f);
    nn_graph_add_loss(k->g, watch[1], 1.0f);
    assert_ok(nn_stepper_create(&(nn_stepper_params) {
        .dev = t->dev, .graph = k->g, .params = v->params, .batch = &k->b,
        .inputs = (nn_tensor *const[]) { pixels, labels }, .n_inputs = 2, .live = &target, .n_live = 1,
        .watch = watch, .n_watch = 2 }, &k->s));
}

static void close_pulled(pulled *k)
{
    nn_stepper_destroy(k->s);
    nn_graph_destroy(k->g);
    nn_batch_finish(&k->b);
    nn_loader_destroy(k->l);
}

// Adds up what the classifier lost, and pulls towards it.
static void follow(void *user, nn_stepper *s, uint64_t step, const float *watch, uint64_t *state)
{
    pulled *k = (pulled *) user;
    double sum;
    float *target = (float *) nn_stepper_input(s, 0, "target");
    memcpy(&sum, state, sizeof sum);
    if (watch)
        sum += (double) watch[0];
    else
        k->n_starts++;
    k->n_calls++;
    assert_true(state[1] == step - (watch != NULL));
    state[1] = step;
    memcpy(state, &sum, sizeof sum);
    for (uint32_t i = 0; i < 160; i++)
        target[i] = (float) sum * (float) (i % 7) / 7;
}

static vkc_status fit_pulled(const fixture *t, pulled *k, bool resume, uint64_t max_steps, uint32_t n_state,
                             nn_fit_result *r)
{
    return nn_fit(&(nn_fit_params) {
        .stepper = k->s, .feed = &k->feed, .schedule = { .lr = 1e-2, .total = STEPS }, .epochs = 3, .n_watch = 2,
        .max_steps = max_steps, .tune = follow, .tune_user = k, .n_state = n_state, .what = "train",
        .run_dir = t->dir, .resume = resume }, r);
}

// What a hook makes of the steps reaches the next one, and goes on where it was after a resume.
static void test_live(void **state)
{
    fixture t;
    pulled k;
    size_t size;
    nn_fit_result whole, part;
    open_fixture(state, &t);
    nn_model *v = make_model(t.dev, ARCH, 1);
    open_pulled(&t, v, &k);
    assert_ok(fit_pulled(&t, &k, false, 0, 2, &whole));
    assert_int_equal(k.n_calls, STEPS + 1);
    assert_int_equal(k.n_starts, 1);
    float *want = read_params(v, &size);
    close_pulled(&k);
    nn_model_destroy(v);
    for (uint32_t i = 0; i < 3; i++) {
        const uint64_t stops[] = { 2, 6, 0 };
        v = make_model(t.dev, ARCH, 1 + i);
        open_pulled(&t, v, &k);
        if (i == 2) {
            assert_status(fit_pulled(&t, &k, true, 0, 3, &part), VKC_E_FORMAT);     // another hook's checkpoint
            assert_status(fit_pulled(&t, &k, true, 0, NN_FIT_MAX_STATE + 1, &part), VKC_E_ARG);
        }
        assert_status(fit_pulled(&t, &k, i > 0, stops[i], 2, &part), stops[i] ? VKC_E_STOPPED : VKC_OK);
        if (i == 2)
            check_values(v, want);
        close_pulled(&k);
        nn_model_destroy(v);
    }
    assert_true(part.watch[0] == whole.watch[0] && part.watch[1] == whole.watch[1]);
    // Without the target, the loss that it pulls and the values would be others.
    assert_true(whole.watch[1] > 1);
    free(want);
    close_fixture(&t);
}

static void test_wrong_classes(void **state)
{
    fixture t;
    open_fixture(state, &t);
    nn_model *v = make_model(t.dev, "vit:image=32,patch=8,dim=16,depth=1,heads=2,classes=9", 1);
    nn_train_params p = train_params(&t, NULL);
    nn_train_result r;
    assert_status(nn_train(v, &p, &r), VKC_E_FORMAT);
    nn_model_destroy(v);
    close_fixture(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume),    cmocka_unit_test(test_stop),         cmocka_unit_test(test_other_checkpoint),
        cmocka_unit_test(test_no_folder), cmocka_unit_test(test_not_a_number), cmocka_unit_test(test_wrong_classes),
        cmocka_unit_test(test_finite),    cmocka_unit_test(test_finite_bits),  cmocka_unit_test(test_finite_picture),
        cmocka_unit_test(test_live),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
