// test_sequence_fit.c — a model that reads no pictures, trained by the loop that trains all: token sequences of a
// made-up task, judged by the evaluation that judges all, stopped and resumed to the same bits.
#include "nn/train/fit_work.h"

#include <stdlib.h>
#include <string.h>

#include "nn/base/rng.h"
#include "nn/infer/eval.h"
#include "nn/models/sequence/sequence.h"
#include "nn/train/fit.h"
#include "shaders/loss/cross_entropy.h"
#include "tests/device_dir.h"

enum { MARK, VOCAB = 7, CONTEXT = 12, LEAST = 4, CLASSES = VOCAB - 1, BATCH = 64, BATCHES = 40, EPOCHS = 12 };

// Sequences of different lengths with one mark in them: the class is the token behind the mark.
typedef struct task {
    uint64_t seed, next;            // of batches, from the start of epoch 0
} task;

static vkc_status seek(void *self, uint64_t epoch, uint32_t batch)
{
    ((task *) self)->next = epoch * BATCHES + batch;
    return VKC_OK;
}

static vkc_status get(void *self, nn_feed_batch *b)
{
    task *t = self;
    uint32_t *ids = nn_feed_wanted(b, "ids")->data, *labels = nn_feed_wanted(b, "labels")->data, row = 0;
    for (uint32_t i = 0; i < BATCH; i++) {
        const uint32_t stream = (uint32_t) (t->next * BATCH + i);
        const uint32_t n = LEAST + nn_rng_below(t->seed, stream, 0, CONTEXT - LEAST + 1);
        const uint32_t mark = nn_rng_below(t->seed, stream, 1, n - 1);
        for (uint32_t k = 0; k < n; k++)
            ids[row + k] = k == mark ? MARK : 1 + nn_rng_below(t->seed, stream, 2 + k, VOCAB - 1);
        labels[i] = ids[row + mark + 1] - 1;
        b->lengths[i] = n;
        row += n;
    }
    b->n = BATCH;
    t->next++;
    return VKC_OK;
}

static nn_feed feed_of(task *t)
{
    return (nn_feed) {
        .self = t, .cap = BATCH, .cap_tokens = CONTEXT, .batches = BATCHES, .has_lengths = true, .seek = seek,
        .get = get, .n_fields = 2,
        .field = { { "ids", { 1, { 0 } }, NN_DTYPE_U32, NN_PER_TOKEN },
                   { "labels", { 1, { 0 } }, NN_DTYPE_U32, NN_PER_SAMPLE } },
    };
}

static nn_model *make_model(vkc_device *dev, const char *mixer)
{
    nn_model_config cfg = { 0 };
    nn_model *m = NULL;
    assert_ok(nn_sequence_config_init(&cfg, VOCAB, CONTEXT, 32, 2, 2, CLASSES));
    for (uint32_t l = 0; l < cfg.depth; l++)
        assert_ok(nn_layer_config_set(&cfg.layers[l], mixer, NULL));
    assert_ok(nn_model_create(dev, &cfg, true, &m));
    nn_model_config_finish(&cfg);
    assert_ok(nn_model_init(m, 1));
    return m;
}

// Steps of a training; `most` = 0 is all of it.
static vkc_status train(nn_model *m, const char *run_dir, bool resume, uint64_t most, nn_fit_result *r)
{
    task t = { .seed = 11 };
    const nn_feed feed = feed_of(&t);
    nn_fit_work w = { .loader = NULL };
    assert_ok(nn_fit_work_init(&w, m->dev, &m->cfg, &feed));
    nn_tensor *logits = nn_model_forward(w.graph, m, &w.batch, w.input, true, NULL);
    nn_tensor *loss = NN_APPLY(w.graph, cross_entropy, &(struct cross_entropy_attr) { 0 }, NULL, logits,
                               nn_fit_work_input(&w, "labels"));
    nn_graph_add_loss(w.graph, loss, 1);
    assert_ok(nn_stepper_create(&(nn_stepper_params) {
        .dev = m->dev, .graph = w.graph, .params = m->params, .batch = &w.batch, .inputs = w.input,
        .n_inputs = w.n_inputs, .has_lengths = true, .watch = &loss, .n_watch = 1,
        .adamw = { .weight_decay = 0.01f, .max_norm = 1 },
    }, &w.stepper));
    const uint64_t total = (uint64_t) EPOCHS * BATCHES;
    const vkc_status st = nn_fit(&(nn_fit_params) {
        .stepper = w.stepper, .feed = &w.feed, .epochs = EPOCHS, .n_watch = 1, .what = "sequence", .max_steps = most,
        .schedule = { .lr = 3e-3, .total = total, .warmup = 20 }, .run_dir = run_dir, .resume = resume,
    }, r);
    nn_fit_work_finish(&w);
    return st;
}

static nn_eval_result judge(const nn_model *m)
{
    task unseen = { .seed = 12 };
    const nn_feed feed = feed_of(&unseen);
    nn_eval_result r;
    assert_ok(nn_eval_feed(m, &feed, &(nn_eval_params) { .check_finite = true }, &r));
    assert_int_equal(r.images, BATCH * BATCHES);
    return r;
}

static void test_learns(void **state)
{
    nn_model *m = make_model(*state, "attention");
    nn_fit_result r;
    const double before = judge(m).top1;
    assert_true(before < 0.35);                         // chance is 1 / 6
    assert_ok(train(m, NULL, false, 0, &r));
    const nn_eval_result after = judge(m);
    if (after.top1 < 0.95)
        fail_msg("top-1 %.3f -> %.3f on sequences not seen, loss %.3f", before, after.top1, r.loss);
    nn_model_destroy(m);
}

static void test_resumes(void **state)
{
    char run[128];
    nn_model *whole = make_model(*state, "attention"), *part = make_model(*state, "attention");
    nn_fit_result r;
    snprintf(run, sizeof run, "%s/whole", dir);
    assert_status(train(whole, run, false, 70, &r), VKC_E_STOPPED);
    snprintf(run, sizeof run, "%s/part", dir);
    assert_status(train(part, run, false, 33, &r), VKC_E_STOPPED);
    nn_model_destroy(part);
    part = make_model(*state, "attention");
    assert_status(train(part, run, true, 70, &r), VKC_E_STOPPED);
    assert_int_equal(r.steps, 70);
    for (uint32_t i = 0; i < whole->params->n; i++) {
        const size_t n = nn_shape_len(&whole->params->p[i].shape);
        float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
        assert_true(a && b);
        assert_ok(nn_params_read(whole->params, i, a));
        assert_ok(nn_params_read(part->params, i, b));
        assert_memory_equal(a, b, n * sizeof *a);
        free(a);
        free(b);
    }
    nn_model_destroy(whole);
    nn_model_destroy(part);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_learns), cmocka_unit_test(test_resumes) };
    return cmocka_run_group_tests(tests, device_dir_set_up, device_dir_tear_down);
}
