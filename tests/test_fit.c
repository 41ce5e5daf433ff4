// test_fit.c — training: stopped and resumed to the same bits, checkpoints that do not fit, folders that cannot be
// written, losses that are no numbers.
#include "nn/files.h"
#include "nn/train.h"
#include "tests/vk_test.h"

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

static nn_vit *make_model(vkc_device *dev, const char *arch, uint64_t seed)
{
    nn_model_config cfg;
    nn_vit *v;
    assert_ok(nn_model_config_init(&cfg, arch));
    assert_ok(nn_vit_create(dev, &cfg, true, &v));
    assert_ok(nn_vit_init(v, seed));
    nn_model_config_finish(&cfg);
    return v;
}

static nn_train_params train_params(const fixture *t, const char *run_dir)
{
    return (nn_train_params) { .data = t->data, .batch = 8, .epochs = 3, .lr = 3e-3, .seed = 5, .threads = 2,
                               .run_dir = run_dir };
}

static float *read_params(const nn_vit *v, size_t *size)
{
    const nn_params *ps = v->params;
    *size = nn_params_count(ps) * sizeof(float);
    float *all = (float *) malloc(*size), *at = all;
    assert_non_null(all);
    for (uint32_t i = 0; i < ps->n; i++) {
        assert_ok(nn_params_read(ps, i, at));
        at += nn_shape_len(&ps->p[i].shape);
    }
    return all;
}

// The same values as before, and the model is still usable.
static void check_values(const nn_vit *v, const float *want)
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
    nn_vit *v = make_model(t.dev, ARCH, 1);
    float *before = read_params(v, &size);
    nn_train_params p = train_params(&t, NULL);
    assert_ok(nn_train(v, &p, &whole));
    assert_int_equal(whole.steps, STEPS);
    assert_int_equal(whole.images, 3 * 22);
    float *want = read_params(v, &size);
    assert_memory_not_equal(before, want, size);
    nn_vit_destroy(v);

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
            nn_vit_destroy(v);
    }
    check_values(v, want);
    assert_true(part.loss == whole.loss && part.images == whole.images);
    assert_ok(nn_train(v, &p, &part));                  // nothing is left to do
    check_values(v, want);
    nn_vit_destroy(v);
    free(before);
    free(want);
    close_fixture(&t);
}

static void test_stop(void **state)
{
    fixture t;
    open_fixture(state, &t);
    nn_vit *v = make_model(t.dev, ARCH, 1);
    nn_train_params p = train_params(&t, t.dir);
    nn_train_result r;
    uint64_t at = 1;
    p.progress = stop_at;
    p.user = &at;
    p.max_steps = 5;
    assert_status(nn_train(v, &p, &r), VKC_E_STOPPED);
    assert_true(r.steps >= 1 && r.steps <= 5 && nn_is_file(t.checkpoint));
    nn_vit_destroy(v);
    close_fixture(&t);
}

static void test_other_checkpoint(void **state)
{
    const char *others[] = { ARCH ",mlp=2", "vit:image=32,patch=8,dim=16,depth=1,heads=2,classes=10" };
    fixture t;
    size_t size, before_size, after_size;
    unsigned char *before, *after;
    open_fixture(state, &t);
    nn_vit *v = make_model(t.dev, ARCH, 1);
    nn_train_params p = train_params(&t, t.dir);
    nn_train_result r;
    p.max_steps = 2;
    assert_status(nn_train(v, &p, &r), VKC_E_STOPPED);
    nn_vit_destroy(v);
    assert_ok(nn_file_load(t.checkpoint, 1 << 24, &before, &before_size));
    p.resume = true;
    for (int i = 0; i < 2; i++) {
        v = make_model(t.dev, others[i], 2);
        float *values = read_params(v, &size);
        assert_status(nn_train(v, &p, &r), VKC_E_FORMAT);
        check_values(v, values);
        free(values);
        nn_vit_destroy(v);
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
    nn_vit_destroy(v);
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
    nn_vit *v = make_model(t.dev, ARCH, 1);
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
    nn_vit_destroy(v);
    close_fixture(&t);
}

// An absurd learning rate: the loss becomes no number, which is said, and the last good checkpoint stays.
static void test_not_a_number(void **state)
{
    fixture t;
    size_t before_size, after_size;
    unsigned char *before, *after;
    open_fixture(state, &t);
    nn_vit *v = make_model(t.dev, ARCH, 1);
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
    nn_vit_destroy(v);
    close_fixture(&t);
}

static void test_wrong_classes(void **state)
{
    fixture t;
    open_fixture(state, &t);
    nn_vit *v = make_model(t.dev, "vit:image=32,patch=8,dim=16,depth=1,heads=2,classes=9", 1);
    nn_train_params p = train_params(&t, NULL);
    nn_train_result r;
    assert_status(nn_train(v, &p, &r), VKC_E_FORMAT);
    nn_vit_destroy(v);
    close_fixture(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume),    cmocka_unit_test(test_stop),         cmocka_unit_test(test_other_checkpoint),
        cmocka_unit_test(test_no_folder), cmocka_unit_test(test_not_a_number), cmocka_unit_test(test_wrong_classes),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
