// test_pipeline_distill.c — a whole distillation called from C: told stage by stage, stopped and resumed to the same
// bits, refused in words, without a letter on standard output or standard error.
#include "tests/pipeline/distill_run.h"

#include <stdlib.h>

typedef struct seen {               // stages told of
    listener l;                     // first: both callbacks have one user
    uint32_t stage[PIPELINE_DISTILL_TUNE + 1];
    bool     fails;
} seen;

static nn_dataset *data;
static char teacher[128];
static const char *const mixers[] = { "linear", "conv" };

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

static vkc_status hear(void *user, pipeline_distill_stage stage, uint32_t i, const pipeline_distill_result *so_far)
{
    seen *s = (seen *) user;
    assert_true(i < so_far->n_mixers);
    s->stage[stage]++;
    return s->fails ? VKC_FAIL(VKC_E_IO, "the listener failed") : VKC_OK;
}

static pipeline_distill_params make_params(const char *out)
{
    pipeline_distill_params p = PIPELINE_DISTILL_DEFAULTS;
    p.teacher = teacher;
    p.data = (pipeline_data) { .set = data, .batch = 8, .threads = 2 };
    p.place.out = out;
    p.mixer = mixers;
    p.n_mixers = 2;
    p.epochs = 1;
    p.max_drop = 100;
    p.tune.epochs = 1;
    p.no_timing = true;
    p.told = hear;
    return p;
}

// The same decisions and figures.
static void assert_same(const pipeline_distill_result *a, const pipeline_distill_result *b)
{
    assert_int_equal(a->search.n_steps, b->search.n_steps);
    for (uint32_t i = 0; i < a->search.n_steps; i++) {
        assert_int_equal(a->search.step[i].layer, b->search.step[i].layer);
        assert_int_equal(a->search.step[i].choice, b->search.step[i].choice);
        assert_true(a->search.step[i].score.metric == b->search.step[i].score.metric);
    }
    assert_true(a->student.top1 == b->student.top1 && a->student.loss == b->student.loss);
    assert_true(a->teacher.loss == b->teacher.loss);
}

static void test_resume(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    static const struct { const char *what; uint32_t at; } stops[] = {
        { "sparsity", 0 }, { "transfer", 0 }, { "transfer-2", 0 }, { "search", 1 }, { "", 2 }, { "tune", 0 },
        { "evaluate", 1 },
    };
    char whole[128], parts[128];
    seen s = { .fails = false };
    pipeline_distill_params p = make_params(in_dir(whole, "whole"));
    pipeline_distill_result *want = run_distill(dev, &p, &s.l, VKC_OK), *have = NULL;
    assert_int_equal(want->n_chosen, 2);
    assert_int_equal(want->n_tunes, 1);
    assert_non_null(want->json);
    assert_string_equal(json_string_value(json_object_get(want->json, "split")), "test");
    static const uint32_t told[] = { 1, 2, 0, 1, 0, 1 };
    assert_memory_equal(s.stage, told, sizeof told);
    assert_true(s.l.told[PIPELINE_STARTED] == 1 && s.l.told[PIPELINE_STOPPED] == 0);

    p = make_params(in_dir(parts, "parts"));
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        seen stopped = { .l = { .stop_in = stops[i].what, .stop_at = stops[i].at } };
        p.place.resume = i > 0;
        have = run_distill(dev, &p, &stopped.l, VKC_E_STOPPED);
        assert_true(stopped.l.calls > stops[i].at && stopped.l.told[PIPELINE_STOPPED] == 1);
        assert_non_null(strstr(stopped.l.last, have->run_dir));
        assert_null(have->json);
        assert_false(is_there(parts, "config.json"));
        drop(have);
    }
    p.place.resume = true;
    s = (seen) { .fails = false };
    have = run_distill(dev, &p, &s.l, VKC_OK);
    assert_same(have, want);
    assert_same_weights(parts, whole);
    drop(have);
    drop(want);
}

// Without a command there is none in what is written.
static void test_provenance(void **state)
{
    (void) state;
    char path[256];
    unsigned char *text;
    size_t size;
    snprintf(path, sizeof path, "%s/whole/README.md", dir);
    assert_ok(nn_file_load(path, 1 << 20, &text, &size));
    assert_non_null(strstr((char *) text, "How it was made"));
    assert_null(strstr((char *) text, "```sh"));
    free(text);
    snprintf(path, sizeof path, "%s/whole.run/run.json", dir);
    assert_ok(nn_file_load(path, 1 << 20, &text, &size));
    assert_null(strstr((char *) text, "\"command\""));
    free(text);
}

static void test_failures(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    char out[128];
    seen s = { .fails = true };
    pipeline_distill_params p = make_params(in_dir(out, "failing"));
    drop(run_distill(dev, &p, &s.l, VKC_E_IO));           // what is told fails
    assert_int_equal(s.stage[PIPELINE_DISTILL_SPARSITY], 1);
    assert_int_equal(s.stage[PIPELINE_DISTILL_TRANSFER], 0);

    s = (seen) { .fails = false };
    drop(run_distill(dev, &p, &s.l, VKC_E_ARG));          // the run is there, and not finished
    assert_non_null(strstr(vkc_last_error(), "resume continues it"));
    p.place.resume = true;
    p.lr = 0.5;
    drop(run_distill(dev, &p, &s.l, VKC_E_ARG));
    assert_non_null(strstr(vkc_last_error(), "is another run: its lr is 0.01, not 0.5"));

    p = make_params(in_dir(out, "whole"));      // a student is there
    drop(run_distill(dev, &p, &s.l, VKC_E_ARG));
    p = make_params(in_dir(out, "none"));
    p.mixer = (const char *const[]) { "linear", "linear" };
    drop(run_distill(dev, &p, &s.l, VKC_E_ARG));
    assert_non_null(strstr(vkc_last_error(), "is there twice"));
    p.mixer = (const char *const[]) { "attention" };
    p.n_mixers = 1;
    drop(run_distill(dev, &p, &s.l, VKC_E_ARG));
    p.n_mixers = 0;
    drop(run_distill(dev, &p, &s.l, VKC_E_ARG));
    p = make_params(out);
    p.data.set = NULL;
    drop(run_distill(dev, &p, &s.l, VKC_E_ARG));
    p = make_params(out);
    p.teacher = "/nonexistent";
    drop(run_distill(dev, &p, &s.l, VKC_E_IO));
    assert_false(is_there(dir, "none"));
    assert_false(is_there(dir, "none.run"));
}

// Timed for latency and against the teacher; neither callback is needed.
static void test_latency(void **state)
{
    char out[128];
    const pipeline_context c = { .dev = (vkc_device *) *state };
    pipeline_distill_params p = make_params(in_dir(out, "latency"));
    pipeline_distill_result *r = (pipeline_distill_result *) malloc(sizeof *r);
    assert_non_null(r);
    p.mixer = (const char *const[]) { "identity" };
    p.n_mixers = 1;
    p.tune.epochs = 0;
    p.objective = PIPELINE_LATENCY;
    p.size = (nn_size) { 64, 64 };
    p.timing_batch = 2;
    p.no_timing = false;
    p.told = NULL;
    assert_ok(pipeline_distill(&c, &p, r));
    assert_true(r->block_ms[0] > 0 && r->block_ms[1] > 0 && r->n_times == PIPELINE_SIZES + 1);
    const pipeline_model_time *t = pipeline_distill_time(r);
    assert_true(t && t->image == 64 && t->tokens == 257 && t->ms[0] > 0 && t->ms[1] > 0 && t->repeats >= 3);
    drop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume), cmocka_unit_test(test_provenance), cmocka_unit_test(test_failures),
        cmocka_unit_test(test_latency),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
