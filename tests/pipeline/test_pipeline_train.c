// test_pipeline_train.c — training, tuning, pruning and studies called from C: stopped and resumed to the same bits,
// without a letter on standard output or standard error.
#include "tests/pipeline/pipeline_run.h"

#include "pipeline/study/study.h"
#include "pipeline/train/prune.h"

#include <stdlib.h>

static nn_dataset *data;
static char teacher[128], student[128];

static int set_up(void **state)
{
    if (device_dir_set_up(state) != 0 || nn_dataset_create(DATA, &data) != VKC_OK)
        return -1;
    make_teacher((vkc_device *) *state, data, in_dir(teacher, "teacher"));
    return 0;
}

static int tear_down(void **state)
{
    nn_dataset_destroy(data);
    return device_dir_tear_down(state);
}

static pipeline_data pictures(void)
{
    return (pipeline_data) { .set = data, .batch = 8, .threads = 2 };
}

// Run a pipeline silently and hold it against what is expected.
#define RUN(call, want, l) do {                                                     \
        const silence quiet_ = silence_begin();                                     \
        const vkc_status run_ = (call);                                             \
        silence_end(quiet_);                                                        \
        assert_status(run_, want);                                                  \
        assert_false((l).is_odd);                                                   \
    } while (0)

static void test_train(void **state)
{
    listener l = { .stop_in = "train", .stop_at = 0 };
    pipeline_context c = listen_context((vkc_device *) *state, &l);
    pipeline_train_params p = PIPELINE_TRAIN_DEFAULTS;
    pipeline_train_result r;
    p.arch = ARCH ",mixer=bilstm";
    p.data = pictures();
    p.place.out = in_dir(student, "student");
    p.epochs = 1;
    p.recipe.mixup = 0.8;
    RUN(pipeline_train(&c, &p, &r), VKC_E_STOPPED, l);
    assert_true(r.json == NULL && r.train.steps > 0 && r.train.steps < 3 && !is_there(student, "config.json"));
    pipeline_train_finish(&r);
    l = (listener) { .stop_at = 0 };
    p.place.resume = true;
    RUN(pipeline_train(&c, &p, &r), VKC_OK, l);
    assert_true(r.train.steps == 3 && r.test.images == 16 && r.json);
    pipeline_train_finish(&r);
    char whole[128];
    p.place = (pipeline_place) { .out = in_dir(whole, "student-whole") };
    RUN(pipeline_train(&c, &p, &r), VKC_OK, l);
    assert_same_weights(student, whole);
    pipeline_train_finish(&r);
    // Stopped while an epoch is judged, after the last step; what is then kept has the accuracy that was judged.
    l = (listener) { .stop_in = "val", .stop_at = 0 };
    p.place.out = in_dir(whole, "student-val");
    RUN(pipeline_train(&c, &p, &r), VKC_E_STOPPED, l);
    assert_true(r.train.steps == 3 && r.train.best.epoch == 0 && l.calls == 1);
    pipeline_train_finish(&r);
    l = (listener) { .stop_at = 0 };
    p.place.resume = true;
    RUN(pipeline_train(&c, &p, &r), VKC_OK, l);
    assert_true(r.train.best.epoch == 1 && r.train.best.score.top1 == r.val.top1);
    assert_same_weights(student, whole);
    pipeline_train_finish(&r);
    p.place.resume = false;
    // The same classes: the head stays, and nothing is said. A mean for all channels.
    p.arch = NULL;
    p.init = teacher;
    p.mean = (const double[]) { 0.25, 0.25, 0.25 };
    p.recipe.mixup = 0;
    p.place.out = in_dir(whole, "again");
    RUN(pipeline_train(&c, &p, &r), VKC_OK, l);
    assert_int_equal(l.told[PIPELINE_NOTE], 0);
    pipeline_train_finish(&r);
    p.arch = ARCH;
    RUN(pipeline_train(&c, &p, &r), VKC_E_ARG, l);
}

static void test_tune(void **state)
{
    listener l = { .stop_in = "tune", .stop_at = 0 };
    pipeline_context c = listen_context((vkc_device *) *state, &l);
    pipeline_tune_params p = PIPELINE_TUNE_DEFAULTS;
    pipeline_tune_result r;
    char parts[128], whole[128];
    p.student = student;
    p.teacher = teacher;
    p.data = pictures();
    p.tuning.kl = 0.5;
    p.place.out = in_dir(parts, "tuned");
    RUN(pipeline_tune(&c, &p, &r), VKC_E_STOPPED, l);
    assert_true(r.json == NULL && l.told[PIPELINE_STOPPED] == 1);
    pipeline_tune_finish(&r);
    l = (listener) { .stop_at = 0 };
    p.place.resume = true;
    RUN(pipeline_tune(&c, &p, &r), VKC_OK, l);
    assert_true(r.train.steps == 3 && r.teacher_test.images == 16 && r.json);
    pipeline_tune_finish(&r);
    p.place = (pipeline_place) { .out = in_dir(whole, "tuned-whole") };
    RUN(pipeline_tune(&c, &p, &r), VKC_OK, l);
    assert_same_weights(parts, whole);
    pipeline_tune_finish(&r);
}

static void test_prune(void **state)
{
    listener l = { .stop_in = "shrink", .stop_at = 0 };
    pipeline_context c = listen_context((vkc_device *) *state, &l);
    pipeline_prune_params p = PIPELINE_PRUNE_DEFAULTS;
    pipeline_prune_result r;
    char parts[128], whole[128];
    p.tune.student = student;
    p.tune.data = pictures();
    p.tune.place.out = in_dir(parts, "pruned");
    p.how.keep = 0.5;
    p.timing_batch = 1;
    RUN(pipeline_prune(&c, &p, &r), VKC_E_STOPPED, l);
    pipeline_prune_finish(&r);
    l = (listener) { .stop_at = 0 };
    p.tune.place.resume = true;
    RUN(pipeline_prune(&c, &p, &r), VKC_OK, l);
    assert_true(r.params < r.params_before && r.layer[0].kept < r.layer[0].units && r.time[0].tokens == 17 && r.json);
    assert_true(r.shrink.steps == 3 && r.tune.steps == 3 && r.after.images == 16);
    pipeline_prune_finish(&r);
    p.tune.place = (pipeline_place) { .out = in_dir(whole, "pruned-whole") };
    p.no_timing = true;
    RUN(pipeline_prune(&c, &p, &r), VKC_OK, l);
    assert_true(r.time[0].tokens == 0);
    assert_same_weights(parts, whole);
    pipeline_prune_finish(&r);
}

static pipeline_study_params study(const char *run)
{
    static const char *const mixers[] = { "linear", "conv" };
    pipeline_study_params p = PIPELINE_STUDY_DEFAULTS;
    p.data = pictures();
    p.place.run = run;
    p.mixer = mixers;
    p.n_mixers = 2;
    p.seeds = 1;
    p.epochs = 1;
    p.groups = 2;
    p.images = 8;
    return p;
}

static void test_groups(void **state)
{
    listener l = { .stop_in = "evaluate", .stop_at = 3 };
    pipeline_context c = listen_context((vkc_device *) *state, &l);
    char parts[128], whole[128];
    pipeline_study_params p = study(in_dir(parts, "groups"));
    pipeline_groups_result *r = (pipeline_groups_result *) malloc(2 * sizeof *r);
    assert_non_null(r);
    RUN(pipeline_groups(&c, &p, teacher, &r[0]), VKC_E_STOPPED, l);
    assert_true(r[0].json == NULL && l.told[PIPELINE_STOPPED] == 1);
    assert_string_equal(r[0].run_dir, parts);
    pipeline_groups_finish(&r[0]);
    l = (listener) { .stop_at = 0 };
    p.place.resume = true;
    RUN(pipeline_groups(&c, &p, teacher, &r[0]), VKC_OK, l);
    p = study(in_dir(whole, "groups-whole"));
    RUN(pipeline_groups(&c, &p, teacher, &r[1]), VKC_OK, l);
    assert_true(r[0].study.n_groups == 2 + 2 + 2 && r[0].variants.n == 2 && r[0].json);
    assert_true(json_equal(r[0].json, r[1].json));
    pipeline_groups_finish(&r[0]);
    pipeline_groups_finish(&r[1]);
    p.n_mixers = 0;
    RUN(pipeline_groups(&c, &p, teacher, &r[0]), VKC_E_ARG, l);
    pipeline_groups_finish(&r[0]);
    free(r);
}

static void test_teachers(void **state)
{
    listener l = { .stop_in = "transfer", .stop_at = 2 };
    pipeline_context c = listen_context((vkc_device *) *state, &l);
    char parts[128], whole[128];
    const char *const given[] = { teacher };
    pipeline_study_params p = study(in_dir(parts, "teachers"));
    pipeline_teachers_result *r = (pipeline_teachers_result *) malloc(2 * sizeof *r);
    assert_non_null(r);
    RUN(pipeline_teachers(&c, &p, given, 1, &r[0]), VKC_E_ARG, l);      // one alone is no series
    pipeline_teachers_finish(&r[0]);
    p.n_keep = 2;
    p.keep[0] = 1;
    p.keep[1] = 0.6;
    p.policy = NN_POLICY_TOPK;
    p.n_mixers = 1;
    RUN(pipeline_teachers(&c, &p, given, 1, &r[0]), VKC_E_STOPPED, l);
    pipeline_teachers_finish(&r[0]);
    l = (listener) { .stop_at = 0 };
    p.place.resume = true;
    RUN(pipeline_teachers(&c, &p, given, 1, &r[0]), VKC_OK, l);
    p.place = (pipeline_place) { .run = in_dir(whole, "teachers-whole") };
    RUN(pipeline_teachers(&c, &p, given, 1, &r[1]), VKC_OK, l);
    assert_true(r[0].n == 2 && json_equal(r[0].json, r[1].json));
    assert_string_equal(r[0].teacher[0].name, teacher);
    assert_string_equal(r[0].teacher[1].name, "keep-0.60");
    assert_true(is_there(parts, "keep-0.60/config.json"));
    pipeline_teachers_finish(&r[0]);
    pipeline_teachers_finish(&r[1]);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train), cmocka_unit_test(test_tune), cmocka_unit_test(test_prune),
        cmocka_unit_test(test_groups), cmocka_unit_test(test_teachers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
