// test_infer.c — inference by names: inputs filled in place, tensors captured inside, an evaluation over any feed.
#include "nn/data/loader_feed.h"
#include "nn/infer/eval.h"
#include "nn/infer/infer.h"
#include "nn/models/picture_loader.h"
#include "tests/nn/models/golden_model.h"

#include <stdlib.h>

#define ARCH "vit:image=32,patch=8,dim=16,depth=3,heads=2,classes=10"
#define DATA "synth:ringed-digit,train=22,val=21,test=10"      // of val 3 batches of 8, the last one not full
#define IMAGES 5u
#define PIXELS (3 * 32 * 32)
#define TOKENS 17
#define DIM 16
#define DEPTH 3u
#define CLASSES 10

static nn_model *make_model(vkc_device *dev, const char *arch)
{
    nn_model_config cfg;
    nn_model *v;
    assert_ok(nn_model_config_init(&cfg, arch));
    assert_ok(nn_model_create(dev, &cfg, false, &v));
    golden_fill(v->params, 4, 0.3f);
    nn_model_config_finish(&cfg);
    return v;
}

// What is written where it is read from gives the bits of what is handed over.
static void test_filled(void **state)
{
    static float pixels[IMAGES * PIXELS], logits[IMAGES * CLASSES];
    uint32_t labels[IMAGES];
    nn_infer *inf;
    nn_feed_batch b;
    nn_model *v = make_model((vkc_device *) *state, ARCH);
    golden_batch(&v->cfg, 3, 0, IMAGES, pixels, labels);
    assert_ok(nn_infer_create(v, IMAGES, &inf));
    assert_ok(nn_infer_run(inf, pixels, IMAGES, logits));
    assert_memory_equal(nn_infer_logits(inf), logits, sizeof logits);
    for (uint32_t n = 1; n <= IMAGES; n++) {
        memset(nn_infer_input(inf, "pixels"), 0, sizeof pixels);
        memcpy(nn_infer_input(inf, "pixels"), pixels, n * PIXELS * sizeof *pixels);
        assert_ok(nn_infer_run_filled(inf, n));
        assert_memory_equal(nn_infer_logits(inf), logits, n * CLASSES * sizeof *logits);
    }
    assert_null(nn_infer_input(inf, "ids"));
    assert_null(nn_infer_lengths(inf));
    assert_status(nn_infer_run_filled(inf, 0), VKC_E_ARG);
    assert_status(nn_infer_run_filled(inf, IMAGES + 1), VKC_E_ARG);
    assert_ok(nn_infer_want(inf, &b));
    assert_int_equal(b.n_fields, 1);
    assert_string_equal(b.field[0].name, "pixels");
    assert_int_equal(b.field[0].size, sizeof pixels);
    assert_ptr_equal(b.field[0].data, nn_infer_input(inf, "pixels"));
    nn_infer_destroy(inf);
    assert_status(nn_infer_create_with(v, &(nn_infer_params) { .cap_images = 1, .has_lengths = true }, &inf),
                  VKC_E_ARG);      // pictures are all of one length
    nn_model_destroy(v);
}

// What is captured is what a graph of one's own keeps of the same pass.
static void test_captured(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    static float pixels[IMAGES * PIXELS], logits[2][IMAGES * CLASSES], want[IMAGES * TOKENS * DIM];
    static const char *const names[] = { "tokens", "blocks.0", "blocks.2", "blocks.1.heads", "blocks.1.normed" };
    uint32_t labels[IMAGES];
    nn_infer *plain, *inf;
    golden_model m;
    nn_model_taps taps = { .drop = { NULL, 0 } };
    nn_tensor *in[NN_MAX_INPUTS] = { NULL };
    vkc_recording *rec;
    nn_model *v = make_model(dev, ARCH ",mixer=attention/linear/ssd");
    golden_batch(&v->cfg, 3, 0, IMAGES, pixels, labels);
    assert_ok(nn_infer_create(v, IMAGES, &plain));
    assert_ok(nn_infer_create_with(v, &(nn_infer_params) {
        .cap_images = IMAGES, .capture = { "tokens", "blocks.*", "blocks.1.heads", "blocks.*.normed" } }, &inf));
    assert_ok(nn_infer_run(plain, pixels, IMAGES, logits[0]));
    assert_ok(nn_infer_run(inf, pixels, IMAGES, logits[1]));
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);

    assert_ok(nn_model_batch_create(dev, &v->cfg, IMAGES, &m.batch));
    assert_ok(nn_graph_create(dev, &m.g));
    nn_model_add_inputs(m.g, &v->cfg, &m.batch, in);
    nn_model_forward(m.g, v, &m.batch, in, false, &taps);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        nn_graph_keep(m.g, nn_model_taps_find(v, &taps, names[i]));
    assert_ok(nn_graph_plan(m.g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "test" }, &rec));
    assert_ok(nn_graph_record(m.g, rec));
    assert_ok(vkc_recording_finish(rec));
    assert_ok(nn_batch_write(dev, &m.batch, IMAGES));
    assert_ok(vkc_write(dev, nn_tensor_slice(in[0]), pixels));
    assert_ok(vkc_submit(rec, NULL));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const vkc_slice from = nn_tensor_slice(nn_model_taps_find(v, &taps, names[i]));
        assert_int_equal(from.size, sizeof want);
        assert_ok(vkc_read(dev, from, want));
        assert_non_null(nn_infer_captured(inf, "%s", names[i]));
        assert_memory_equal(nn_infer_captured(inf, "%s", names[i]), want, sizeof want);
    }
    for (uint32_t l = 0; l < DEPTH; l++) {
        assert_non_null(nn_infer_captured(inf, "blocks.%u", l));
        assert_non_null(nn_infer_captured(inf, "blocks.%u.normed", l));
        assert_int_equal(nn_infer_captured(inf, "blocks.%u.heads", l) != NULL, l == 1);
    }
    assert_null(nn_infer_captured(inf, "blocks.3"));
    assert_null(nn_infer_captured(plain, "tokens"));
    vkc_recording_destroy(rec);
    nn_graph_destroy(m.g);
    nn_batch_finish(&m.batch);
    nn_infer_destroy(plain);
    nn_infer_destroy(inf);
    nn_model_destroy(v);
}

// Where the classifier reads the class token, rows of the last block are left out, if nothing else reads them.
static void test_only_logits(void **state)
{
    static const struct { nn_pool pool; bool only, narrows; } c[] = {
        { NN_POOL_TOKEN, true, true }, { NN_POOL_TOKEN, false, false }, { NN_POOL_AVG, true, false },
    };
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        nn_model_config cfg;
        nn_model *v;
        nn_model_taps taps = { .only_logits = c[i].only };
        nn_tensor *in[NN_MAX_INPUTS] = { NULL };
        nn_batch batch;
        nn_graph *g;
        const uint32_t last = DEPTH - 1;
        assert_ok(nn_model_config_init(&cfg, ARCH));
        cfg.pool = c[i].pool;
        assert_ok(nn_model_create(*state, &cfg, false, &v));
        nn_model_config_finish(&cfg);
        assert_ok(nn_model_batch_create(*state, &v->cfg, IMAGES, &batch));
        assert_ok(nn_graph_create(*state, &g));
        nn_model_add_inputs(g, &v->cfg, &batch, in);
        nn_model_forward(g, v, &batch, in, false, &taps);
        assert_true(c[i].narrows == (taps.block[last] == NULL));
        assert_true(c[i].narrows == (taps.attn[last] == NULL));
        assert_non_null(taps.heads[last]);
        assert_non_null(taps.block[last - 1]);
        assert_ok(nn_graph_plan(g));
        nn_graph_destroy(g);
        nn_batch_finish(&batch);
        nn_model_destroy(v);
    }
}

static void test_captured_refused(void **state)
{
    static const char *const unknown[] = { "token", "blocks.3", "blocks.*.head", "*", "" };
    nn_infer *inf = NULL;
    nn_model *v = make_model((vkc_device *) *state, ARCH);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        nn_infer_params p = { .cap_images = 1, .capture = { "tokens", unknown[i] } };
        assert_status(nn_infer_create_with(v, &p, &inf), VKC_E_ARG);
        assert_non_null(strstr(vkc_last_error(), "the model has no tensor called"));
    }
    nn_infer_params p = { .cap_images = 1, .stream = true, .first = 1, .capture = { "tokens" } };
    assert_status(nn_infer_create_with(v, &p, &inf), VKC_E_ARG);       // before the block that it starts at
    v->cfg.retention = (nn_retention_config) { .policy = NN_POLICY_TOPK, .share = { 0.5, 0.5, 0.5 } };
    p = (nn_infer_params) { .cap_images = 1, .capture = { "tokens" } };
    assert_status(nn_infer_create_with(v, &p, &inf), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "drops tokens"));
    nn_model_destroy(v);
}

static void test_eval(void **state)
{
    nn_dataset *data;
    nn_loader *l;
    nn_eval_result a, b;
    nn_model *v = make_model((vkc_device *) *state, ARCH);
    assert_ok(nn_dataset_create(DATA, &data));
    for (int k = 0; k < 2; k++) {
        if (k)
            v->cfg.retention = (nn_retention_config) { .policy = NN_POLICY_TOPK, .share = { 0.5, 0.5, 0.5 } };
        const nn_loader_params lp = nn_loader_params_of(&v->cfg, data, NN_SPLIT_VAL, 8);
        assert_ok(nn_loader_create(&lp, &l));
        nn_feed feed = nn_loader_feed(l, &lp);
        assert_ok(nn_eval(v, &(nn_eval_params) { .data = data, .split = NN_SPLIT_VAL, .batch = 8 }, &a));
        assert_ok(feed.seek(feed.self, 3, 1));          // wherever it was
        assert_ok(nn_eval_feed(v, &feed, &(nn_eval_params) { .check_finite = true }, &b));
        assert_true(a.images == 21 && b.images == 21 && a.loss > 0);
        assert_true(a.top1 == b.top1 && a.top5 == b.top5 && a.loss == b.loss);
        assert_true(a.keep == b.keep && a.n_keep == b.n_keep && a.n_keep == (k ? DEPTH : 0));
        assert_true(k ? a.keep < 1 : a.keep == 1);
        feed.n_fields = 1;                              // without labels
        assert_status(nn_eval_feed(v, &feed, &(nn_eval_params) { .batch = 0 }, &b), VKC_E_ARG);
        assert_non_null(strstr(vkc_last_error(), "the data has no labels"));
        feed = nn_loader_feed(l, &lp);
        feed.batches = 0;
        assert_status(nn_eval_feed(v, &feed, &(nn_eval_params) { .batch = 0 }, &b), VKC_E_FORMAT);
        nn_loader_destroy(l);
    }
    nn_dataset_destroy(data);
    nn_model_destroy(v);
}

static bool stop(void *user, const nn_progress *progress)
{
    (void) user;
    (void) progress;
    return false;
}

// A graph that is kept gives what a new one does, when values and gate have changed too, and is dropped by an error.
static void test_eval_kept(void **state)
{
    nn_dataset *data;
    nn_eval_result a, b;
    nn_infer *kept = NULL;
    double keep[3];
    nn_model *v = make_model((vkc_device *) *state, ARCH);
    v->cfg.retention = (nn_retention_config) { .policy = NN_POLICY_HALTING, .every = 1, .gate_scale = 1, .eps = 0.5,
                                               .read_patches = 0.5 };
    assert_ok(nn_dataset_create(DATA, &data));
    nn_eval_params p = { .data = data, .split = NN_SPLIT_VAL, .batch = 8, .kept = &kept };
    const nn_eval_params anew = { .data = data, .split = NN_SPLIT_VAL, .batch = 8 };
    for (int k = 0; k < 3; k++) {
        const nn_infer *before = kept;
        v->cfg.retention.gate_centre = k == 1 ? 3 : -1;
        if (k == 2)
            assert_ok(nn_model_init(v, 77));
        assert_ok(nn_eval(v, &p, &a));
        assert_ok(nn_eval(v, &anew, &b));
        assert_true(kept && (k == 0 || kept == before));
        assert_true(a.images == b.images && a.top1 == b.top1 && a.loss == b.loss && a.keep == b.keep);
        keep[k] = a.keep;
    }
    assert_true(keep[0] != keep[1]);
    p.progress = stop;
    assert_status(nn_eval(v, &p, &a), VKC_E_STOPPED);
    assert_null(kept);
    p.progress = NULL;
    assert_ok(nn_eval(v, &p, &a));
    assert_true(a.loss == b.loss);
    nn_infer_destroy(kept);
    nn_dataset_destroy(data);
    nn_model_destroy(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filled), cmocka_unit_test(test_captured), cmocka_unit_test(test_only_logits),
        cmocka_unit_test(test_captured_refused), cmocka_unit_test(test_eval),
        cmocka_unit_test(test_eval_kept),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
