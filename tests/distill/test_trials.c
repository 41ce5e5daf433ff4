// test_trials.c — scores of hybrids: cached, whole and by hand the same to the bit; inference from a block.
#include "distill/transfer/student.h"
#include "distill/search/trials.h"
#include "nn/models/picture_loader.h"
#include "nn/base/files.h"
#include "nn/infer/infer.h"
#include "nn/data/loader.h"
#include "tests/device.h"
#include "tests/nn/models/golden_model.h"
#include "tests/nn/image/pictures.h"
#include "tests/temp_dir.h"

#include <math.h>
#include <string.h>

#define DEPTH 4u
#define ARCH "vit:image=64,patch=16,dim=24,depth=4,heads=3,classes=10"
#define DATA "synth:ringed-digit,train=8,val=37,test=8"
#define IMAGES 37u
#define BATCH 8u                    // the last one is not full
#define STUDENTS 3u

static const char *const mixers[STUDENTS] = { "linear", "mingru", "conv" };

static vkc_device *dev;
static nn_dataset *data;
static nn_model *teacher;
static const nn_model *student[STUDENTS];

static nn_model *make_model(const char *mixer, uint64_t seed)
{
    nn_model_config cfg;
    nn_model *v = NULL;
    golden_config(ARCH, mixer, &cfg);
    assert_ok(nn_model_create(dev, &cfg, false, &v));
    golden_fill(v->params, seed, 0.3f);
    nn_model_config_finish(&cfg);
    return v;
}

static distill_trials *make_trials(bool cached)
{
    distill_trials *t = NULL;
    distill_trials_params p = { .teacher = teacher, .student = student, .n_students = STUDENTS, .cached = cached,
                                .eval = { .data = data, .split = NN_SPLIT_VAL, .batch = BATCH }, .seed = 5 };
    assert_ok(distill_trials_create(&p, &t));
    assert_int_equal(distill_trials_get_info(t).is_cached, cached);
    return t;
}

static distill_score score(distill_trials *t, const uint8_t *choice)
{
    distill_score s;
    assert_ok(distill_trials_score(t, choice, DEPTH, &s));
    return s;
}

static void check_same(const distill_score *a, const distill_score *b)
{
    assert_true(a->metric == b->metric);
    assert_true(a->tie == b->tie);
    assert_true(a->low == b->low);
    assert_true(a->high == b->high);
}

// ---- inference from a block

static void run_from(const nn_model *v, const nn_infer *whole, uint32_t l, uint32_t n, const float *want)
{
    const nn_infer_params p = { .cap_images = BATCH, .stream = true, .first = l, .capture = { "blocks.*" } };
    const float *in = l ? nn_infer_captured(whole, "blocks.%u", l - 1) : nn_infer_captured(whole, "tokens");
    float got[BATCH * 10];
    nn_infer *inf = NULL;
    assert_ok(nn_infer_create_with(v, &p, &inf));
    assert_ok(nn_infer_run(inf, in, n, got));
    assert_memory_equal(got, want, n * v->cfg.classes * sizeof *got);
    const size_t len = (size_t) n * nn_model_config_tokens(&v->cfg) * v->cfg.dim;
    for (uint32_t k = l; k < DEPTH; k++)
        assert_memory_equal(nn_infer_captured(inf, "blocks.%u", k), nn_infer_captured(whole, "blocks.%u", k),
                            len * sizeof(float));
    assert_null(nn_infer_captured(inf, "tokens"));
    assert_true(l == 0 || !nn_infer_captured(inf, "blocks.%u", l - 1));
    nn_infer_destroy(inf);
}

static void test_from_block(void **state)
{
    (void) state;
    const uint32_t len = 3 * 64 * 64, n = BATCH - 3;
    float *pixels = (float *) malloc(BATCH * len * sizeof *pixels), logits[BATCH * 10];
    uint32_t labels[BATCH];
    assert_non_null(pixels);
    for (uint32_t k = 0; k < nn_n_mixers; k++) {
        nn_model *v = make_model(nn_mixers[k]->name, 9);
        nn_infer *whole = NULL;
        golden_batch(&v->cfg, 3, k, n, pixels, labels);
        assert_ok(nn_infer_create_with(v, &(nn_infer_params) {
            .cap_images = BATCH, .capture = { "tokens", "blocks.*" } }, &whole));
        assert_ok(nn_infer_run(whole, pixels, n, logits));
        for (uint32_t l = 0; l < DEPTH; l++)
            run_from(v, whole, l, n, logits);
        nn_infer_destroy(whole);
        nn_model_destroy(v);
    }
    free(pixels);
}

static void set_halting(nn_model *v)
{
    v->cfg.retention = (nn_retention_config) { .policy = NN_POLICY_HALTING, .every = 1, .gate_scale = 5.0,
                                               .gate_centre = 0.0, .eps = 0.01 };
}

static void test_from_block_refused(void **state)
{
    (void) state;
    nn_infer *inf = NULL;
    nn_infer_params p = { .cap_images = 1, .stream = true, .first = DEPTH };
    assert_status(nn_infer_create_with(teacher, &p, &inf), VKC_E_ARG);
    p.first = 1;
    nn_model *v = make_model("attention", 9);
    set_halting(v);
    assert_status(nn_infer_create_with(v, &p, &inf), VKC_E_ARG);
    p.first = 0;
    assert_status(nn_infer_create_with(v, &p, &inf), VKC_E_ARG);
    nn_model_destroy(v);
}

// ---- scores

static void fill_logits(const nn_model *v, float *logits, uint32_t *labels)
{
    nn_loader_params lp = nn_loader_params_of(&v->cfg, data, NN_SPLIT_VAL, BATCH);
    nn_loader *l = NULL;
    nn_infer *inf = NULL;
    float *pixels = (float *) malloc(BATCH * 3 * 64 * 64 * sizeof *pixels);
    assert_non_null(pixels);
    assert_ok(nn_loader_create(&lp, &l));
    assert_ok(nn_infer_create(v, BATCH, &inf));
    for (uint32_t at = 0, n; at < IMAGES; at += n) {
        assert_ok(nn_loader_get(l, pixels, labels + at, &n));
        assert_ok(nn_infer_run(inf, pixels, n, logits + at * 10));
    }
    nn_infer_destroy(inf);
    nn_loader_destroy(l);
    free(pixels);
}

static void softmax(const float *logits, double p[10])
{
    double sum = 0.0;
    for (uint32_t k = 0; k < 10; k++)
        sum += p[k] = exp((double) logits[k] - (double) logits[0]);
    for (uint32_t k = 0; k < 10; k++)
        p[k] /= sum;
}

// Metric and tie by their definitions.
static distill_score score_by_hand(const uint8_t *choice)
{
    static float base[IMAGES * 10], own[IMAGES * 10];
    uint32_t labels[IMAGES], n_hits = 0;
    nn_model hybrid;
    double kl = 0.0, p[10], q[10];
    assert_ok(distill_hybrid_init(&hybrid, teacher, student, STUDENTS, choice));
    fill_logits(teacher, base, labels);
    fill_logits(&hybrid, own, labels);
    distill_hybrid_finish(&hybrid);
    for (uint32_t i = 0; i < IMAGES; i++) {
        uint32_t best = 0;
        for (uint32_t k = 1; k < 10; k++)
            best = own[i * 10 + k] > own[i * 10 + best] ? k : best;
        n_hits += best == labels[i];
        softmax(base + i * 10, p);
        softmax(own + i * 10, q);
        for (uint32_t k = 0; k < 10; k++)
            kl += p[k] * log(p[k] / q[k]) / IMAGES;
    }
    return (distill_score) { .metric = (double) n_hits / IMAGES, .tie = kl };
}

static void test_by_hand(void **state)
{
    (void) state;
    const uint8_t choice[3][DEPTH] = { { 0 }, { 0, 2, 0, 0 }, { 1, 0, 3, 2 } };
    distill_trials *t = make_trials(true);
    for (uint32_t i = 0; i < 3; i++) {
        const distill_score got = score(t, choice[i]), want = score_by_hand(choice[i]);
        nn_eval_params ep = { .data = data, .split = NN_SPLIT_VAL, .batch = BATCH };
        nn_eval_result r;
        nn_model hybrid;
        assert_true(got.metric == want.metric);
        assert_true(fabs(got.tie - want.tie) < 1e-9 * (1.0 + want.tie));
        assert_true(i == 0 ? got.tie == 0.0 : got.tie > 1e-6);
        assert_true(got.low <= got.high);
        assert_ok(distill_hybrid_init(&hybrid, teacher, student, STUDENTS, choice[i]));
        assert_ok(nn_eval(&hybrid, &ep, &r));
        distill_hybrid_finish(&hybrid);
        assert_true(got.metric == r.top1);
    }
    assert_int_equal(distill_trials_get_info(t).images, IMAGES);
    distill_trials_destroy(t);
}

// Every layer with every mixer, on top of what is committed, after each commit; and models that share nothing with it.
static void test_cached(void **state)
{
    (void) state;
    const uint8_t path[][DEPTH] = { { 0, 0, 0, 0 }, { 0, 0, 2, 0 }, { 1, 0, 2, 0 }, { 1, 0, 2, 3 }, { 0, 3, 0, 0 } };
    const uint8_t other[DEPTH] = { 2, 2, 1, 0 };
    distill_trials *a = make_trials(true), *b = make_trials(false);
    for (uint32_t i = 0; i < sizeof path / sizeof *path; i++) {
        assert_ok(distill_trials_commit(a, path[i], DEPTH));
        assert_ok(distill_trials_commit(b, path[i], DEPTH));
        for (uint32_t l = 0; l < DEPTH; l++) {
            for (uint8_t k = 1; k <= STUDENTS; k++) {
                uint8_t choice[DEPTH];
                memcpy(choice, path[i], DEPTH);
                if (choice[l] == 0)
                    choice[l] = k;
                else if (k > 1)
                    continue;
                const distill_score x = score(a, choice), y = score(b, choice);
                check_same(&x, &y);
            }
        }
        const distill_score x = score(a, other), y = score(b, other);
        check_same(&x, &y);
    }
    distill_trials_destroy(a);
    distill_trials_destroy(b);
}

static void check_search(const distill_search_result *a, const distill_search_result *b)
{
    assert_int_equal(a->n_steps, b->n_steps);
    check_same(&a->base, &b->base);
    for (uint32_t i = 0; i < a->n_steps; i++) {
        assert_int_equal(a->step[i].layer, b->step[i].layer);
        assert_int_equal(a->step[i].choice, b->step[i].choice);
        check_same(&a->step[i].score, &b->step[i].score);
    }
}

// A whole search: the same with and without the cache; and the layers that are run are those that must.
static void test_search(void **state)
{
    (void) state;
    static distill_search_result cached, whole;
    distill_trials *a = make_trials(true), *b = make_trials(false);
    distill_search_params p = { .n_layers = DEPTH, .n_choices = STUDENTS, .max_drop = 1.0,
                                .score = distill_trials_score, .commit = distill_trials_commit, .score_user = a };
    assert_ok(distill_search(&p, &cached));
    p.score_user = b;
    assert_ok(distill_search(&p, &whole));
    check_search(&cached, &whole);
    assert_int_equal(cached.n_steps, DEPTH);
    uint32_t want = DEPTH;                      // the base
    bool is_left[DEPTH] = { true, true, true, true };
    for (uint32_t i = 0; i < DEPTH; i++) {
        for (uint32_t l = 0; l < DEPTH; l++)
            want += is_left[l] ? STUDENTS * (DEPTH - l) : 0;
        const uint32_t f = cached.step[i].layer;
        is_left[f] = false;
        want += i + 1 < DEPTH && f + 1 < DEPTH ? DEPTH - f : 0;
    }
    assert_int_equal(distill_trials_get_info(a).n_layers_run, want);
    assert_int_equal(distill_trials_get_info(b).n_layers_run, DEPTH * (1 + STUDENTS * DEPTH * (DEPTH + 1) / 2));
    const distill_step order[DEPTH] = { { .layer = 1, .choice = 2 }, { .layer = 3, .choice = 1 },
                                        { .layer = 0, .choice = 3 }, { .layer = 2, .choice = 1 } };
    assert_ok(distill_search_along(&p, order, DEPTH, &whole));
    p.score_user = a;
    assert_ok(distill_search_along(&p, order, DEPTH, &cached));
    check_search(&cached, &whole);
    distill_trials_destroy(a);
    distill_trials_destroy(b);
}

// A search that starts behind its log: trials are made of a committed model before the base is ever asked for.
static void test_resumed(void **state)
{
    (void) state;
    const uint8_t committed[DEPTH] = { 0, 1, 0, 2 }, choice[DEPTH] = { 0, 1, 3, 2 };
    distill_trials *a = make_trials(true), *b = make_trials(true);
    assert_ok(distill_trials_commit(a, committed, DEPTH));
    distill_score x = score(a, choice), y = score(b, choice);
    check_same(&x, &y);
    x = score(a, (uint8_t[DEPTH]) { 0 });
    y = score(b, (uint8_t[DEPTH]) { 0 });
    check_same(&x, &y);
    distill_trials_destroy(a);
    distill_trials_destroy(b);
}

// Too large a cache, and a model with token pruning: scored whole, to the same bits as nn_eval says.
static void test_fall_back(void **state)
{
    (void) state;
    const uint8_t choice[DEPTH] = { 0, 1, 3, 0 };
    distill_trials *small = NULL, *t = make_trials(true), *halting = NULL;
    distill_trials_params p = { .teacher = teacher, .student = student, .n_students = STUDENTS, .cached = true,
                                .cache_bytes = DEPTH * IMAGES * 17 * 24 * 4, .seed = 5,
                                .eval = { .data = data, .split = NN_SPLIT_VAL, .batch = BATCH } };
    assert_ok(distill_trials_create(&p, &small));
    assert_true(distill_trials_get_info(small).is_cached);      // just fits
    assert_int_equal(distill_trials_get_info(small).cache_size, p.cache_bytes);
    distill_trials_destroy(small);
    p.cache_bytes--;
    assert_ok(distill_trials_create(&p, &small));
    assert_false(distill_trials_get_info(small).is_cached);
    const distill_score a = score(small, choice), b = score(t, choice);
    check_same(&a, &b);
    nn_model *v = make_model("attention", 1), hybrid;
    set_halting(v);
    p.teacher = v;
    p.cache_bytes = 0;
    assert_ok(distill_trials_create(&p, &halting));
    assert_false(distill_trials_get_info(halting).is_cached);
    assert_ok(distill_trials_commit(halting, (uint8_t[DEPTH]) { 0, 1, 0, 0 }, DEPTH));
    const distill_score c = score(halting, choice);
    nn_eval_result r;
    assert_ok(distill_hybrid_init(&hybrid, v, student, STUDENTS, choice));
    assert_ok(nn_eval(&hybrid, &p.eval, &r));
    distill_hybrid_finish(&hybrid);
    assert_true(c.metric == r.top1);
    assert_true(c.tie != b.tie);
    distill_trials_destroy(halting);
    distill_trials_destroy(small);
    distill_trials_destroy(t);
    nn_model_destroy(v);
}

static bool stop(void *user, const nn_progress *p)
{
    uint32_t *left = user;
    assert_true(p->done <= p->total);
    return *left == 0 || --*left > 0;
}

// Stopped in the base, while following a commit and in a trial, then asked again.
static void test_stopped(void **state)
{
    (void) state;
    const uint8_t committed[DEPTH] = { 0, 2, 0, 0 }, choice[DEPTH] = { 0, 2, 1, 0 };
    uint32_t left = 0;
    distill_trials *plain = make_trials(false), *t = NULL;
    distill_trials_params p = { .teacher = teacher, .student = student, .n_students = STUDENTS, .cached = true,
                                .eval = { .data = data, .split = NN_SPLIT_VAL, .batch = BATCH, .progress = stop,
                                          .user = &left }, .seed = 5 };
    const distill_score want = score(plain, choice);
    distill_score got;
    const uint32_t n_batches = (IMAGES - 1) / BATCH + 1;
    assert_ok(distill_trials_create(&p, &t));
    left = 2;
    assert_status(distill_trials_score(t, choice, DEPTH, &got), VKC_E_STOPPED);
    got = score(t, choice);                     // left is 0: goes on
    check_same(&got, &want);
    assert_ok(distill_trials_commit(t, committed, DEPTH));
    left = 2;
    assert_status(distill_trials_score(t, choice, DEPTH, &got), VKC_E_STOPPED);
    got = score(t, choice);
    check_same(&got, &want);
    left = n_batches + 2;
    assert_ok(distill_trials_commit(t, (uint8_t[DEPTH]) { 1, 2, 0, 0 }, DEPTH));
    assert_status(distill_trials_score(t, choice, DEPTH, &got), VKC_E_STOPPED);
    got = score(t, choice);
    check_same(&got, &want);
    distill_trials_destroy(plain);
    distill_trials_destroy(t);
}

// A student whose layer 1 gives what is no number.
static void test_not_finite(void **state)
{
    (void) state;
    const uint8_t bad[DEPTH] = { 0, 1, 0, 0 }, good[DEPTH] = { 1, 0, 0, 0 };
    nn_model *v = make_model("linear", 2);
    const nn_model *const broken[1] = { v };
    float bias[24];
    for (uint32_t i = 0; i < 24; i++)
        bias[i] = i == 3 ? NAN : 0.0f;
    assert_ok(nn_params_write(v->params, v->block[1].proj_b, bias));
    distill_trials_params p = { .teacher = teacher, .student = broken, .n_students = 1, .cached = true,
                                .eval = { .data = data, .split = NN_SPLIT_VAL, .batch = BATCH } };
    for (int i = 0; i < 2; i++) {
        distill_trials *t = NULL;
        distill_score s;
        p.eval.check_finite = i == 0;
        assert_ok(distill_trials_create(&p, &t));
        if (p.eval.check_finite) {
            assert_status(distill_trials_score(t, bad, DEPTH, &s), VKC_E_CHECK);
            assert_non_null(strstr(vkc_last_error(), "layer 2"));
        } else {
            assert_ok(distill_trials_score(t, bad, DEPTH, &s));
            assert_true(s.metric == 0.0 && s.tie == 1e6);
        }
        assert_ok(distill_trials_score(t, good, DEPTH, &s));    // what was kept stays usable
        assert_true(s.tie < 1e5);
        distill_trials_destroy(t);
    }
    nn_model_destroy(v);
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

// Ten classes of one picture each, the third one broken.
static void test_broken_picture(void **state)
{
    (void) state;
    uint8_t rgb[8 * 8 * 3], png[1024];
    char path[96];
    nn_dataset *d = NULL;
    for (uint32_t k = 0; k < 10; k++) {
        for (uint32_t i = 0; i < sizeof rgb; i++)
            rgb[i] = (uint8_t) nn_rng_below(k, 0, i, 256);
        snprintf(path, sizeof path, "%s/class%u", dir, k);
        assert_ok(nn_folder_create(path));
        snprintf(path, sizeof path, "%s/class%u/a.png", dir, k);
        write_bytes(path, png, make_png(png, 8, 8, 8, 2, rgb, sizeof rgb) / (k == 2 ? 2 : 1));
    }
    assert_ok(nn_dataset_create(dir, &d));
    distill_trials_params p = { .teacher = teacher, .student = student, .n_students = STUDENTS,
                                .eval = { .data = d, .split = NN_SPLIT_ALL, .batch = 4 } };
    const uint8_t choice[2][DEPTH] = { { 0, 0, 1, 0 }, { 0, 3, 1, 0 } };
    distill_score s[2][2];
    for (uint32_t i = 0; i < 2; i++) {
        distill_trials *t = NULL;
        p.cached = i;
        assert_ok(distill_trials_create(&p, &t));
        for (uint32_t k = 0; k < 2; k++) {
            assert_ok(distill_trials_score(t, choice[k], DEPTH, &s[i][k]));
            assert_ok(distill_trials_commit(t, choice[k], DEPTH));
        }
        assert_int_equal(distill_trials_get_info(t).images, 9);
        assert_int_equal(distill_trials_get_info(t).bad, 1);
        distill_trials_destroy(t);
    }
    check_same(&s[0][0], &s[1][0]);
    check_same(&s[0][1], &s[1][1]);
    nn_dataset_destroy(d);
}

static void test_bad(void **state)
{
    (void) state;
    nn_dataset *two = NULL;
    distill_trials *t = NULL;
    distill_score s;
    char path[96];
    for (uint32_t k = 0; k < 2; k++) {
        snprintf(path, sizeof path, "%s/two/c%u", dir, k);
        assert_ok(nn_folder_create(path));
        snprintf(path, sizeof path, "%s/two/c%u/a.png", dir, k);
        write_bytes(path, "x", 1);
    }
    snprintf(path, sizeof path, "%s/two", dir);
    assert_ok(nn_dataset_create(path, &two));
    distill_trials_params p = { .teacher = teacher, .student = student, .n_students = STUDENTS,
                                .eval = { .data = two, .split = NN_SPLIT_VAL } };
    assert_status(distill_trials_create(&p, &t), VKC_E_FORMAT);     // other classes
    assert_null(t);
    nn_dataset_destroy(two);
    t = make_trials(true);
    assert_status(distill_trials_score(t, (uint8_t[2]) { 0 }, 2, &s), VKC_E_ARG);
    assert_status(distill_trials_commit(t, (uint8_t[2]) { 0 }, 2), VKC_E_ARG);
    assert_status(distill_trials_score(t, (uint8_t[DEPTH]) { STUDENTS + 1 }, DEPTH, &s), VKC_E_ARG);
    distill_trials_destroy(t);
    distill_trials_destroy(NULL);
}

static int set_up(void **state)
{
    dev = test_device_open();
    teacher = make_model("attention", 1);
    for (uint32_t k = 0; k < STUDENTS; k++)
        student[k] = make_model(mixers[k], 2 + k);
    return nn_dataset_create(DATA, &data) != VKC_OK || temp_dir_set_up(state);
}

static int tear_down(void **state)
{
    for (uint32_t k = 0; k < STUDENTS; k++)
        nn_model_destroy((nn_model *) student[k]);
    nn_model_destroy(teacher);
    nn_dataset_destroy(data);
    void *opened = dev;
    return test_device_teardown(&opened) | temp_dir_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_block),      cmocka_unit_test(test_from_block_refused),
        cmocka_unit_test(test_by_hand),         cmocka_unit_test(test_cached),
        cmocka_unit_test(test_search),          cmocka_unit_test(test_resumed),
        cmocka_unit_test(test_fall_back),       cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_not_finite),      cmocka_unit_test(test_broken_picture),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
