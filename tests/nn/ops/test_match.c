// test_match.c — matching features to attention weights: features that give the very weights have no divergence and
// no gradient; the stage lowers it, trains features alone, stops and resumes to the same bits, and can be left out.
#include "distill/transfer/transfer.h"
#include "nn/base/files.h"
#include "shaders/attention/attention_match.h"
#include "tests/numbers.h"
#include "tests/nn/ops/op_run.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define DATA "synth:ringed-digit,train=44,val=16,test=4"       // 6 batches of 8, the last one not full
#define ARCH "vit:image=32,patch=8,dim=16,depth=2,heads=2,classes=10"

enum { HEADS = 2, DIM = 4, LONG = 9, SHORT = 5 };

// Keys are one of DIM directions, so exp(scale q . k) is a product of DIM features: exp(scale q_d), and the direction.
static void fill_exact(op_run *t)
{
    const nn_rows *rows = t->call.in_rows[0];
    const double size = 1.5, scale = 1 / sqrt((double) DIM);
    float *phi_q = t->in[0], *phi_k = t->in[1], *qkv = t->in[2], *lse = t->in[3];
    for (uint32_t b = 0; b < rows->n_images; b++)
        for (uint32_t h = 0; h < HEADS; h++)
            for (uint32_t i = rows->offsets[b]; i < rows->offsets[b + 1]; i++) {
                double sum = 0;
                for (uint32_t d = 0; d < DIM; d++) {
                    bool is_mine = d == (3 * i + h) % DIM;
                    phi_q[(i * HEADS + h) * DIM + d] =
                        (float) (0.3 * exp(scale * size * (double) qkv[(i * 3 * HEADS + h) * DIM + d]));
                    phi_k[(i * HEADS + h) * DIM + d] = is_mine ? 1 : 0;
                    qkv[((i * 3 + 1) * HEADS + h) * DIM + d] = is_mine ? (float) size : 0;
                }
                for (uint32_t j = rows->offsets[b]; j < rows->offsets[b + 1]; j++)
                    sum += (double) phi_q[(i * HEADS + h) * DIM + (3 * j + h) % DIM] / 0.3;
                lse[i * HEADS + h] = (float) log(sum);
            }
}

static double largest(const op_run *t, int i)
{
    double most = 0;
    for (size_t k = 0; k < op_run_live(t, &t->call.in[i], t->call.in_rows[i]); k++)
        most = test_worst(most, fabs((double) t->din[i][k]));
    return most;
}

static void test_exact(void **state)
{
    const op_case oc = {
        .op = "attention_match", .note = "exact", .layout = { { .lengths = { LONG, SHORT } } },
        .in = { { 1, { 2, { 0, HEADS * DIM } }, 0, 0 }, { 1, { 2, { 0, HEADS * DIM } }, 0, 0 },
                { 1, { 2, { 0, 3 * HEADS * DIM } }, 0, 0 }, { 1, { 2, { 0, HEADS } }, 0, 0 } },
        .attr = &(struct attention_match_attr) { .heads = HEADS },
    };
    op_run t;
    assert_ok(op_run_init(&t, (vkc_device *) *state, &oc, 1));
    t.dout[0] = 1;
    fill_exact(&t);
    assert_ok(op_run_execute(&t, 0));
    assert_true(t.out[1][0] > 1 && t.out[1][0] < log(LONG));
    assert_true(fabs((double) t.out[0][0] - (double) t.out[1][0]) < 2e-6);
    assert_true(largest(&t, 0) < 1e-7 && largest(&t, 1) < 1e-7);
    t.in[0][1] *= 2;                        // one feature of one query is off
    assert_ok(op_run_execute(&t, 0));
    assert_true(t.out[0][0] - t.out[1][0] > 1e-4f);
    assert_true(largest(&t, 0) > 1e-4 && largest(&t, 1) > 1e-4);
    op_run_finish(&t);
}

typedef struct fixture {
    nn_dataset *data;
    nn_model *teacher;
    nn_layer_config mixer;
    char dir[64];
} fixture;

// A teacher whose attention is far from uniform.
static void open_fixture(void **state, fixture *f, const char *mixer)
{
    nn_model_config cfg;
    *f = (fixture) { .dir = "/tmp/pare-match-XXXXXX" };
    assert_non_null(mkdtemp(f->dir));
    assert_ok(nn_dataset_create(DATA, &f->data));
    assert_ok(nn_model_config_init(&cfg, ARCH));
    assert_ok(nn_model_create((vkc_device *) *state, &cfg, false, &f->teacher));
    assert_ok(nn_model_init(f->teacher, 1));
    for (uint32_t l = 0; l < cfg.depth; l++) {
        float w[3 * 16 * 16];
        uint32_t index = f->teacher->block[l].mixer_p[0];
        assert_int_equal(nn_shape_len(&f->teacher->params->p[index].shape), 3 * 16 * 16);
        assert_ok(nn_params_read(f->teacher->params, index, w));
        for (int i = 0; i < 3 * 16 * 16; i++)
            w[i] *= 12;
        assert_ok(nn_params_write(f->teacher->params, index, w));
    }
    nn_model_config_finish(&cfg);
    assert_ok(nn_mixer_parse(mixer, &f->mixer, NULL));
}

static void close_fixture(fixture *f)
{
    static const char *const files[] = { "log.jsonl", "match.safetensors", "transfer.safetensors" };
    for (int i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", f->dir, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(f->dir), 0);
    nn_model_destroy(f->teacher);
    nn_dataset_destroy(f->data);
}

static distill_transfer_params make_params(const fixture *f, uint32_t match_epochs)
{
    return (distill_transfer_params) { .data = f->data, .mixer = f->mixer, .batch = 8, .epochs = 1, .seed = 5,
                                       .threads = 2, .match_epochs = match_epochs };
}

static nn_model *make_student(const fixture *f)
{
    nn_model *s;
    assert_ok(distill_student_create(f->teacher, &f->mixer, &s));
    return s;
}

// Are the values of both students the same, in parameters with `part` in their names or (has = false) in all others?
static bool is_same(const nn_model *a, const nn_model *b, const char *part, bool has)
{
    bool same = true;
    assert_int_equal(a->params->n, b->params->n);
    for (uint32_t i = 0; i < a->params->n; i++) {
        const nn_param *p = &a->params->p[i];
        size_t size = nn_shape_len(&p->shape) * sizeof(float);
        if ((strstr(p->name, part) != NULL) != has)
            continue;
        float *x = malloc(size), *y = malloc(size);
        assert_true(x && y);
        assert_ok(nn_params_read(a->params, i, x));
        assert_ok(nn_params_read(b->params, i, y));
        same = same && memcmp(x, y, size) == 0;
        free(x);
        free(y);
    }
    return same;
}

static void test_lowers(void **state)
{
    fixture f;
    open_fixture(state, &f, "linear");
    nn_model *untouched = make_student(&f), *s = make_student(&f);
    distill_transfer_params p = make_params(&f, 4);
    distill_match_result m, again;
    assert_ok(distill_match(f.teacher, s, &p, &m));
    assert_int_equal(m.n_layers, 2);
    assert_int_equal(m.steps, 24);
    for (int l = 0; l < 2; l++) {
        print_message("layer %d: loss %.4f, divergence %.4f -> %.4f\n", l, m.loss[l], m.before[l], m.after[l]);
        assert_true(m.before[l] > 0.01 && m.after[l] > 0 && m.after[l] < 0.8 * m.before[l]);
        assert_true(m.loss[l] > m.after[l] && m.loss[l] < 3);
    }
    assert_false(is_same(s, untouched, "attn.feature_", true));
    assert_true(is_same(s, untouched, "attn.feature_", false));     // nothing else was trained
    assert_ok(distill_match(f.teacher, s, &p, &again));             // from where the first ended
    for (int l = 0; l < 2; l++)
        assert_true(again.before[l] == m.after[l]);
    nn_model_destroy(s);
    nn_model_destroy(untouched);
    close_fixture(&f);
}

// Every feature map that learns has its weights matched.
static void test_features(void **state)
{
    static const char *const mixers[] = { "linear:features=t2r", "linear:features=exp", "linear:window=4" };
    for (int i = 0; i < 3; i++) {
        fixture f;
        open_fixture(state, &f, mixers[i]);
        nn_model *untouched = make_student(&f), *s = make_student(&f);
        distill_transfer_params p = make_params(&f, 4);
        distill_match_result m;
        assert_ok(distill_match(f.teacher, s, &p, &m));
        assert_int_equal(m.n_layers, 2);
        for (int l = 0; l < 2; l++) {
            print_message("%s, layer %d: divergence %.4f -> %.4f\n", mixers[i], l, m.before[l], m.after[l]);
            assert_true(m.after[l] > 0 && m.after[l] < m.before[l]);
        }
        assert_true(is_same(s, untouched, "attn.feature_", false));
        nn_model_destroy(s);
        nn_model_destroy(untouched);
        close_fixture(&f);
    }
}

// Mixing matrices come closer to the weights: of features with or without weights, of scans in one direction and two.
static void test_matrix(void **state)
{
    static const char *const mixers[] = { "linear", "linear:features=elu1", "ssd", "gla", "gla:direction=forward" };
    for (int i = 0; i < 5; i++) {
        fixture f;
        open_fixture(state, &f, mixers[i]);
        nn_model *untouched = make_student(&f), *s = make_student(&f);
        distill_transfer_params p = make_params(&f, 2);
        distill_match_result m;
        p.match_loss = DISTILL_MATCH_MATRIX;
        assert_ok(distill_match(f.teacher, s, &p, &m));
        assert_int_equal(m.kind, DISTILL_MATCH_MATRIX);
        assert_int_equal(m.n_layers, 2);
        for (int l = 0; l < 2; l++) {
            print_message("%s, layer %d: loss %.4f, distance %.4f -> %.4f\n", mixers[i], l, m.loss[l], m.before[l],
                          m.after[l]);
            assert_true(m.after[l] > 0 && m.after[l] < m.before[l] && m.loss[l] > 0);
        }
        assert_false(is_same(s, untouched, ".attn.", true));
        assert_true(is_same(s, untouched, ".attn.", false));
        assert_true(is_same(s, untouched, "attn.proj.", true));     // the matrix does not reach what is behind it
        nn_model_destroy(s);
        nn_model_destroy(untouched);
        close_fixture(&f);
    }
}

// What has no such matrix is refused by name, and nothing is trained.
static void test_no_matrix(void **state)
{
    static const char *const mixers[] = { "mingru", "conv", "bilstm", "gated_delta", "identity", "causal_conv",
                                          "linear:window=4" };
    for (int i = 0; i < 7; i++) {
        fixture f;
        open_fixture(state, &f, mixers[i]);
        nn_model *untouched = make_student(&f), *s = make_student(&f);
        distill_transfer_params p = make_params(&f, 1);
        distill_match_result m;
        p.match_loss = DISTILL_MATCH_MATRIX;
        assert_status(distill_match(f.teacher, s, &p, &m), VKC_E_ARG);
        assert_non_null(strstr(vkc_last_error(), f.mixer.mixer));
        assert_true(is_same(s, untouched, "", true));
        nn_model_destroy(s);
        nn_model_destroy(untouched);
        close_fixture(&f);
    }
}

static bool stop_at(void *user, const nn_progress *p)
{
    assert_true(strcmp(p->what, "match") == 0 || strcmp(p->what, "transfer") == 0);
    return strcmp(p->unit, "steps") != 0 || p->done < *(const uint64_t *) user;
}

static void test_resume(void **state)
{
    fixture f;
    open_fixture(state, &f, "linear");
    nn_model *whole = make_student(&f), *s = NULL;
    distill_transfer_params p = make_params(&f, 1);
    distill_transfer_result r, part;
    uint64_t at = 1;
    assert_ok(distill_transfer(f.teacher, whole, &p, &r));
    assert_int_equal(r.match.steps, 6);
    assert_int_equal(r.steps, 6);
    // Within the matching, at its end, within the transfer.
    const uint32_t stops[] = { 3, 6, 8, 0 };
    p.run_dir = f.dir;
    for (int i = 0; i < 4; i++) {
        nn_model_destroy(s);
        s = make_student(&f);
        p.max_steps = stops[i];
        p.resume = i > 0;
        assert_status(distill_transfer(f.teacher, s, &p, &part), stops[i] ? VKC_E_STOPPED : VKC_OK);
        assert_int_equal(part.match.steps + part.steps, stops[i] ? stops[i] : 12);
    }
    assert_true(is_same(s, whole, "", true));
    for (int l = 0; l < 2; l++)
        assert_true(part.error[l] == r.error[l] && part.match.loss[l] == r.match.loss[l] &&
                    part.match.before[l] == r.match.before[l] && part.match.after[l] == r.match.after[l]);
    // Told to stop, as by Ctrl-C: the first stage leaves its checkpoint.
    p = make_params(&f, 1);
    p.run_dir = f.dir;
    p.progress = stop_at;
    p.user = &at;
    nn_model_destroy(s);
    s = make_student(&f);
    assert_status(distill_transfer(f.teacher, s, &p, &part), VKC_E_STOPPED);
    assert_true(part.match.steps >= 1 && part.steps == 0);
    nn_model_destroy(s);
    nn_model_destroy(whole);
    close_fixture(&f);
}

static void test_left_out(void **state)
{
    static const char *const mixers[] = { "linear", "linear:features=elu1" };
    for (uint32_t i = 0; i < 2; i++) {      // no epochs, and no features that learn
        fixture f;
        open_fixture(state, &f, mixers[i]);
        nn_model *untouched = make_student(&f), *s = make_student(&f);
        distill_transfer_params p = make_params(&f, i);
        distill_match_result m;
        assert_ok(distill_match(f.teacher, s, &p, &m));
        assert_true(m.n_layers == 0 && m.steps == 0 && isnan(m.before[0]) && isnan(m.after[1]));
        assert_true(is_same(s, untouched, "", true));
        nn_model_destroy(s);
        nn_model_destroy(untouched);
        close_fixture(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact), cmocka_unit_test(test_lowers), cmocka_unit_test(test_resume),
        cmocka_unit_test(test_left_out), cmocka_unit_test(test_features), cmocka_unit_test(test_matrix),
        cmocka_unit_test(test_no_matrix),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
