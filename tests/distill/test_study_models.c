// test_study_models.c — a study on real models: a group transferred alone is, to the bit, the group of a transfer of
// all layers; studies that are stopped again and again end in the same figures, tuned or not; students that are given.
#include "distill/transfer/student.h"
#include "distill/study/study_models.h"
#include "tests/temp_dir.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>

#define DATA "synth:ringed-digit,train=44,val=16,test=4"       // 6 batches of 8, the last one not full
#define ARCH "vit:image=32,patch=8,dim=16,depth=3,heads=2,classes=10"

static vkc_device *device;
static nn_dataset *data;
static nn_model *teacher;

static int set_up(void **state)
{
    nn_model_config cfg = { 0 };
    assert_int_equal(test_device_setup(state), 0);
    device = (vkc_device *) *state;
    assert_ok(nn_dataset_create(DATA, &data));
    assert_ok(nn_model_config_init(&cfg, ARCH));
    assert_ok(nn_model_create(device, &cfg, true, &teacher));
    assert_ok(nn_model_init(teacher, 3));
    nn_model_config_finish(&cfg);
    return temp_dir_set_up(state);
}

static int tear_down(void **state)
{
    int bad = temp_dir_tear_down(state);
    nn_model_destroy(teacher);
    nn_dataset_destroy(data);
    *state = device;
    return bad ? bad : test_device_teardown(state);
}

// Values of the parameters of layer l's mixer and projection: compared, or with `copy` copied from a to b.
static bool match_layer(const nn_model *a, nn_model *b, uint32_t l, bool copy)
{
    char start[32];
    bool same = true;
    uint32_t n = 0;
    snprintf(start, sizeof start, "blocks.%u.attn.", l);
    for (uint32_t i = 0; i < a->params->n; i++) {
        const nn_param *p = &a->params->p[i];
        uint32_t k;
        if (strncmp(p->name, start, strlen(start)) != 0)
            continue;
        const size_t size = nn_shape_len(&p->shape) * sizeof(float);
        float *x = malloc(size), *y = malloc(size);
        assert_true(x && y && nn_params_find(b->params, p->name, &k));
        assert_ok(nn_params_read(a->params, i, x));
        assert_ok(nn_params_read(b->params, k, y));
        same = same && memcmp(x, y, size) == 0;
        if (copy)
            assert_ok(nn_params_write(b->params, k, x));
        free(x);
        free(y);
        n++;
    }
    assert_true(n > 1);
    return same;
}

static nn_eval_params make_eval(void)
{
    return (nn_eval_params) { .data = data, .split = NN_SPLIT_VAL, .batch = 8, .threads = 2 };
}

static void test_alone(void **state)
{
    (void) state;
    static const char *const mixers[] = { "linear", "mingru", "bilstm" };
    static const uint32_t group[] = { 0, 2 };
    for (uint32_t m = 0; m < 3; m++) {
        nn_model *all, *alone, *start, hybrid;
        nn_layer_config mixer, layer[3];
        distill_transfer_result ra, rb;
        nn_eval_result ea, eb;
        assert_ok(nn_mixer_parse(mixers[m], &mixer, NULL));
        layer[0] = layer[2] = mixer;
        layer[1] = teacher->cfg.layers[1];
        assert_ok(distill_student_create(teacher, &mixer, &all));
        assert_ok(distill_student_create(teacher, &mixer, &start));
        assert_ok(distill_student_create_layers(teacher, layer, &alone));
        for (uint32_t i = 0; i < 2; i++)            // where a value is drawn, both are to start from the same
            match_layer(all, alone, group[i], true);
        const distill_transfer_params p = { .data = data, .mixer = mixer, .batch = 8, .epochs = 1, .seed = 5,
                                            .threads = 2, .weight_decay = 0.01 };
        assert_ok(distill_transfer(teacher, all, &p, &ra));
        assert_ok(distill_transfer(teacher, alone, &p, &rb));
        for (uint32_t i = 0; i < 2; i++) {
            assert_true(match_layer(all, alone, group[i], false));
            assert_false(match_layer(all, start, group[i], false));     // something was learnt
            assert_true(ra.error[group[i]] == rb.error[group[i]]);
        }
        const nn_model *student = all;
        const nn_eval_params ep = make_eval();
        assert_ok(distill_hybrid_init(&hybrid, teacher, &student, 1, (const uint8_t[]) { 1, 0, 1 }));
        assert_ok(nn_eval(&hybrid, &ep, &ea));
        assert_ok(nn_eval(alone, &ep, &eb));
        assert_true(ea.top1 == eb.top1 && ea.loss == eb.loss);
        distill_hybrid_finish(&hybrid);
        distill_transfer_params clipped = p;        // a norm over all layers couples them: then it is not so
        clipped.clip = 1e-3;
        if (m == 0) {
            for (uint32_t l = 0; l < 3; l++)
                match_layer(start, all, l, true);
            for (uint32_t i = 0; i < 2; i++)
                match_layer(start, alone, group[i], true);
            assert_ok(distill_transfer(teacher, all, &clipped, &ra));
            assert_ok(distill_transfer(teacher, alone, &clipped, &rb));
            assert_false(match_layer(all, alone, 0, false));
        }
        nn_model_destroy(start);
        nn_model_destroy(alone);
        nn_model_destroy(all);
    }
}

// Lets `allowed` calls pass, then stops.
typedef struct patience { uint32_t allowed, calls; } patience;

static bool go_on(void *user, const nn_progress *p)
{
    patience *x = (patience *) user;
    (void) p;
    return ++x->calls <= x->allowed;
}

typedef struct run {
    nn_layer_config mixer[2];
    distill_variant variant[2];
    distill_group  *group;
    distill_study   study;
    distill_study_models models;
} run;

static void make_run(run *r, const char *folder, bool tuned)
{
    static const double level[] = { 0.3, 0.1, 0.2 };
    *r = (run) { .group = NULL };
    for (uint32_t i = 0; i < 2; i++) {
        assert_ok(nn_mixer_parse("linear", &r->mixer[i], NULL));
        r->variant[i] = (distill_variant) { "linear", i };
    }
    r->models = (distill_study_models) {
        .teacher = teacher, .variant = r->variant, .mixer = r->mixer, .run_dir = folder, .tuned = tuned,
        .transfer = { .data = data, .batch = 8, .epochs = 1, .threads = 2 },
        .tune = { .data = data, .batch = 8, .epochs = 1, .threads = 2 }, .eval = make_eval(),
    };
    r->study = (distill_study) { .teacher = "tiny", .n_layers = 3, .n_variants = 2, .variant = r->variant,
                                 .base = distill_study_base, .prepare = distill_study_prepare,
                                 .score = distill_study_score, .user = &r->models };
    assert_ok(distill_cut_groups(level, NULL, 3, 2, &r->group, &r->study.n_groups));
    r->study.group = r->group;
}

static void finish_run(run *r)
{
    distill_study_models_finish(&r->models);
    free(r->group);
}

static void expect_same(const distill_study_result *a, const distill_study_result *b, uint32_t n)
{
    assert_memory_equal(&a->base, &b->base, sizeof a->base);
    for (uint32_t i = 0; i < n; i++)
        assert_memory_equal(&a->run[i], &b->run[i], sizeof a->run[i]);
}

static void check_resumed(bool tuned)
{
    run r;
    distill_study_result want = { .run = NULL }, got = { .run = NULL };
    char folder[sizeof dir + 16], path[sizeof dir + 32];
    make_run(&r, NULL, tuned);
    assert_ok(distill_study_go(&r.study, &want));
    const uint32_t n = 2 * r.study.n_groups;
    bool differs = false;
    for (uint32_t i = 0; i < n; i++) {
        assert_true(isfinite(want.run[i].error) && want.run[i].error > 0);
        differs = differs || want.run[i].figures.loss != want.run[0].figures.loss;
    }
    assert_true(differs);
    assert_true(want.run[0].figures.loss != want.run[r.study.n_groups].figures.loss);       // the seeds differ
    finish_run(&r);
    snprintf(folder, sizeof folder, "%s/%s", dir, tuned ? "tuned" : "plain");
    snprintf(path, sizeof path, "%s/%s.jsonl", dir, tuned ? "tuned" : "plain");
    vkc_status st = VKC_E_STOPPED;
    uint32_t rounds = 0;
    for (; st == VKC_E_STOPPED; rounds++) {
        patience x = { .allowed = rounds };             // a little further each time
        distill_study_log *log = NULL;
        assert_true(rounds < 1000);
        make_run(&r, folder, tuned);
        assert_ok(distill_study_log_create(path, &log));
        r.study.log = log;
        r.models.progress = go_on;
        r.models.user = &x;
        st = distill_study_go(&r.study, &got);
        distill_study_log_destroy(log);
        finish_run(&r);
    }
    assert_int_equal(st, VKC_OK);
    assert_true(rounds > 3);
    expect_same(&got, &want, n);
    distill_study_finish(&want);
    distill_study_finish(&got);
}

static void test_resume(void **state)
{
    (void) state;
    check_resumed(false);
}

static void test_resume_tuned(void **state)
{
    (void) state;
    check_resumed(true);
}

// Students that are there already: the figures of their hybrids, no error of a transfer; refused when not fully
// replaced.
static void test_ready(void **state)
{
    (void) state;
    run r, q;
    distill_study_result want = { .run = NULL }, got = { .run = NULL };
    nn_model *made[2] = { NULL, NULL }, *part;
    nn_layer_config layer[3];
    const bool fixed[3] = { false }, first[3] = { true, false, false };
    make_run(&r, NULL, false);
    assert_ok(distill_study_go(&r.study, &want));
    make_run(&q, NULL, false);
    for (uint32_t i = 0; i < 2; i++) {
        distill_transfer_params p = r.models.transfer;
        distill_transfer_result tr;
        p.mixer = r.mixer[i];
        p.seed = i;
        assert_ok(distill_student_create(teacher, &r.mixer[i], &made[i]));
        assert_ok(distill_transfer(teacher, made[i], &p, &tr));
        assert_ok(distill_study_check(teacher, made[i], fixed, "made"));
    }
    q.models.ready = (const nn_model *const *) made;
    assert_ok(distill_study_go(&q.study, &got));
    for (uint32_t i = 0; i < 2 * r.study.n_groups; i++) {
        assert_memory_equal(&got.run[i].figures, &want.run[i].figures, sizeof want.run[i].figures);
        assert_true(isnan(got.run[i].error));
    }
    memcpy(layer, teacher->cfg.layers, sizeof layer);
    layer[1] = layer[2] = r.mixer[0];
    assert_ok(distill_student_create_layers(teacher, layer, &part));
    assert_status(distill_study_check(teacher, part, fixed, "part"), VKC_E_ARG);
    assert_ok(distill_study_check(teacher, part, first, "part"));
    nn_model_destroy(part);
    for (uint32_t i = 0; i < 2; i++)
        nn_model_destroy(made[i]);
    distill_study_finish(&want);
    distill_study_finish(&got);
    finish_run(&r);
    finish_run(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone), cmocka_unit_test(test_resume), cmocka_unit_test(test_resume_tuned),
        cmocka_unit_test(test_ready),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
