// test_sequence.c — the classifier of token sequences: a second kind of model, through the same interface as pictures'.
#include "nn/models/sequence/sequence.h"

#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/base/rng.h"
#include "nn/graph/reference.h"
#include "shaders/loss/cross_entropy.h"
#include "tests/device_dir.h"

enum { VOCAB = 11, CONTEXT = 13, DIM = 16, DEPTH = 2, HEADS = 2, CLASSES = 5, BATCH = 4 };
static const uint32_t LENGTHS[BATCH] = { 13, 1, 7, 4 };

static nn_model *make_model(vkc_device *dev, const char *mixer, bool trainable)
{
    nn_model_config cfg = { 0 };
    nn_model *m = NULL;
    assert_ok(nn_sequence_config_init(&cfg, VOCAB, CONTEXT, DIM, DEPTH, HEADS, CLASSES));
    for (uint32_t l = 0; l < DEPTH; l++)
        assert_ok(nn_layer_config_set(&cfg.layers[l], mixer, NULL));
    assert_ok(nn_model_create(dev, &cfg, trainable, &m));
    nn_model_config_finish(&cfg);
    assert_ok(nn_model_init(m, 3));
    for (uint32_t i = 0; i < m->params->n; i++) {         // values that no starting model has: larger, all different
        const size_t n = nn_shape_len(&m->params->p[i].shape);
        float *x = malloc(n * sizeof *x);
        assert_non_null(x);
        assert_ok(nn_params_read(m->params, i, x));
        for (size_t k = 0; k < n; k++)
            x[k] += 0.4f * (nn_rng_uniform(5, i, (uint32_t) k) - 0.5f);
        assert_ok(nn_params_write(m->params, i, x));
        free(x);
    }
    return m;
}

typedef struct fixture {
    nn_model *m;
    nn_batch  batch;
    nn_graph *g;
    nn_tensor *in[NN_MAX_INPUTS], *labels, *logits, *loss;
    nn_model_taps taps;
    vkc_recording *rec;
} fixture;

static void build(fixture *f, vkc_device *dev, nn_model *m, bool trained)
{
    *f = (fixture) { .m = m };
    assert_ok(nn_model_batch_create(dev, &m->cfg, BATCH, &f->batch));
    assert_ok(nn_graph_create(dev, &f->g));
    assert_int_equal(nn_model_add_inputs(f->g, &m->cfg, &f->batch, f->in), 1);
    f->logits = nn_model_forward(f->g, m, &f->batch, f->in, trained, &f->taps);
    if (trained) {
        f->labels = nn_graph_input(f->g, "labels", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, f->batch.samples);
        f->loss = NN_APPLY(f->g, cross_entropy, &(struct cross_entropy_attr) { 0 }, NULL, f->logits, f->labels);
        nn_graph_add_loss(f->g, f->loss, 1);
    }
    nn_graph_keep(f->g, f->logits);
    assert_ok(nn_graph_plan(f->g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "test" }, &f->rec));
    assert_ok(nn_graph_record(f->g, f->rec));
    assert_ok(vkc_recording_finish(f->rec));
}

static void finish(fixture *f)
{
    vkc_recording_destroy(f->rec);
    nn_graph_destroy(f->g);
    nn_batch_finish(&f->batch);
    nn_model_destroy(f->m);
}

static void fill_ids(uint32_t *ids, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        ids[i] = nn_rng_below(7, 1, i, VOCAB);
}

static void run(fixture *f, const uint32_t *ids, uint32_t n, const uint32_t *lengths, float *logits)
{
    uint32_t rows = 0;
    for (uint32_t b = 0; b < n; b++)
        rows += lengths[b];
    vkc_slice in = nn_tensor_slice(f->in[0]), out = nn_tensor_slice(f->logits);
    in.size = rows * sizeof *ids;
    out.size = (size_t) n * CLASSES * sizeof *logits;
    assert_ok(nn_batch_write_lengths(f->m->dev, &f->batch, n, lengths));
    assert_ok(vkc_write(f->m->dev, in, ids));
    assert_ok(vkc_submit(f->rec, NULL));
    assert_ok(vkc_read(f->m->dev, out, logits));
}

// The device against the same graph by the ops' definitions, with sequences of different lengths.
static void test_reference(void **state)
{
    static const char *const mixers[] = { "attention", "mingru", "ssd" };
    uint32_t ids[BATCH * CONTEXT];
    float logits[BATCH * CLASSES];
    fill_ids(ids, BATCH * CONTEXT);
    for (size_t k = 0; k < sizeof mixers / sizeof mixers[0]; k++) {
        fixture f;
        nn_reference *ref = NULL;
        build(&f, *state, make_model(*state, mixers[k], false), false);
        run(&f, ids, BATCH, LENGTHS, logits);
        assert_ok(nn_reference_create(f.g, &ref));
        for (uint32_t i = 0; i < f.m->params->n; i++) {
            const size_t n = nn_shape_len(&f.m->params->p[i].shape);
            float *x = malloc(n * sizeof *x);
            assert_non_null(x);
            assert_ok(nn_params_read(f.m->params, i, x));
            double *to = nn_reference_values(ref, nn_graph_param(f.g, f.m->params, i, false));
            for (size_t j = 0; j < n; j++)
                to[j] = (double) x[j];
            free(x);
        }
        for (uint32_t i = 0; i < 25; i++)
            nn_reference_values(ref, f.in[0])[i] = ids[i];
        nn_reference_touch_all(ref);
        nn_reference_run(ref);
        const double *want = nn_reference_values(ref, f.logits);
        double error = 0, size = 0;
        for (uint32_t i = 0; i < BATCH * CLASSES; i++) {
            error += ((double) logits[i] - want[i]) * ((double) logits[i] - want[i]);
            size += want[i] * want[i];
        }
        assert_true(size > 0.1);
        if (error > 1e-10 * size)
            fail_msg("%s: relative square error %.3g", mixers[k], error / size);
        nn_reference_destroy(ref);
        finish(&f);
    }
}

// What a sequence gives does not depend on what else is in its batch: the same bits alone.
static void test_alone(void **state)
{
    uint32_t ids[BATCH * CONTEXT], at = 0;
    float all[BATCH * CLASSES], one[CLASSES];
    fixture f;
    fill_ids(ids, BATCH * CONTEXT);
    build(&f, *state, make_model(*state, "attention", false), false);
    run(&f, ids, BATCH, LENGTHS, all);
    for (uint32_t b = 0; b < BATCH; b++) {
        run(&f, ids + at, 1, &LENGTHS[b], one);
        assert_memory_equal(one, all + b * CLASSES, sizeof one);
        at += LENGTHS[b];
    }
    assert_memory_not_equal(all, all + CLASSES, sizeof one);
    finish(&f);
}

// Every parameter has a gradient, and those of token embeddings are of the tokens that are there alone.
static void test_gradients(void **state)
{
    static const uint32_t ids[BATCH * CONTEXT] = { 1, 2, 2, 4, 4, 4, 1, 1, 2, 2, 2, 4, 4, 4, 4, 1, 1, 2, 4, 4, 4, 2, 2,
                                                   1, 1 };
    static const uint32_t labels[BATCH] = { 0, 1, 2, 3 };
    float logits[BATCH * CLASSES], table[VOCAB * DIM];
    fixture f;
    build(&f, *state, make_model(*state, "attention", true), true);
    for (uint32_t b = 0; b < f.m->params->n_blocks; b++)
        assert_ok(vkc_fill(f.m->dev, vkc_slice_of(f.m->params->grad[b]), 0));
    vkc_slice to = nn_tensor_slice(f.labels);
    to.size = sizeof labels;
    assert_ok(vkc_write(f.m->dev, to, labels));
    run(&f, ids, BATCH, LENGTHS, logits);
    for (uint32_t i = 0; i < f.m->params->n; i++) {
        const nn_param *p = &f.m->params->p[i];
        const size_t n = nn_shape_len(&p->shape);
        float *x = malloc(n * sizeof *x), most = 0;
        assert_non_null(x);
        assert_ok(vkc_read(f.m->dev, nn_params_grad(f.m->params, i), x));
        for (size_t k = 0; k < n; k++)
            most = x[k] > most ? x[k] : -x[k] > most ? -x[k] : most;
        if (!(most > 0))
            fail_msg("%s has no gradient", p->name);
        if (strcmp(p->name, "embed.weight") == 0)
            memcpy(table, x, sizeof table);
        free(x);
    }
    for (uint32_t v = 0; v < VOCAB; v++)
        for (uint32_t j = 0; j < DIM; j++)
            assert_true((v == 1 || v == 2 || v == 4) == (table[v * DIM + j] != 0));
    finish(&f);
}

static vkc_status save(const nn_model *m, const char *folder)
{
    char path[NN_PATH_MAX];
    vkc_status st = nn_model_config_save(folder, &m->cfg, "a card");
    if (st == VKC_OK)
        st = nn_path_build(path, folder, "model.safetensors");
    return st == VKC_OK ? nn_model_save_weights(m, path) : st;
}

static void test_folder(void **state)
{
    char folder[NN_PATH_MAX], path[NN_PATH_MAX];
    float a[BATCH * CLASSES], b[BATCH * CLASSES];
    uint32_t ids[BATCH * CONTEXT];
    fixture f;
    nn_model *again = NULL;
    fill_ids(ids, BATCH * CONTEXT);
    build(&f, *state, make_model(*state, "mingru", false), false);
    run(&f, ids, BATCH, LENGTHS, a);
    assert_ok(nn_path_build(folder, dir, "sequence"));
    assert_ok(save(f.m, folder));
    finish(&f);
    assert_ok(nn_model_load(*state, folder, false, &again));
    assert_int_equal(again->cfg.type, NN_MODEL_SEQUENCE);
    assert_int_equal(again->cfg.vocab, VOCAB);
    assert_string_equal(again->block[0].layer.mixer, "mingru");
    build(&f, *state, again, false);
    run(&f, ids, BATCH, LENGTHS, b);
    assert_memory_equal(a, b, sizeof a);
    finish(&f);
    const nn_model_load_params at = { .size = { 64, 64 } };
    assert_status(nn_model_load_with(*state, folder, &at, &again), VKC_E_ARG);
    assert_ok(nn_path_build(path, folder, "config.json"));
    static const char *const bad[] = {
        "{\"architecture\": \"pare_sequence\"}",
        "{\"architecture\": \"pare_sequence\", \"vocab_size\": 12, \"context_length\": 13, \"hidden_size\": 16, "
        "\"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"intermediate_size\": 64, \"num_classes\": 5}",
        "{\"architecture\": \"pare_sequence\", \"vocab_size\": 4000000000, \"context_length\": 13, "
        "\"hidden_size\": 16, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"intermediate_size\": 64, "
        "\"num_classes\": 5}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_ok(nn_file_save(path, bad[i], strlen(bad[i])));
        assert_status(nn_model_load(*state, folder, false, &again), VKC_E_FORMAT);
    }
}

static void test_refused(void **state)
{
    nn_model_config c = { 0 };
    (void) state;
    assert_status(nn_sequence_config_init(&c, 0, CONTEXT, DIM, DEPTH, HEADS, CLASSES), VKC_E_ARG);
    assert_status(nn_sequence_config_init(&c, VOCAB, 0, DIM, DEPTH, HEADS, CLASSES), VKC_E_ARG);
    assert_status(nn_sequence_config_init(&c, VOCAB, CONTEXT, DIM, DEPTH, 3, CLASSES), VKC_E_ARG);
    assert_ok(nn_sequence_config_init(&c, VOCAB, CONTEXT, DIM, DEPTH, HEADS, CLASSES));
    c.retention = (nn_retention_config) { .policy = NN_POLICY_TOPK, .share = { 0.5, 1 } };
    assert_status(nn_model_config_check(&c, VKC_E_ARG, "test"), VKC_E_ARG);
    assert_int_equal(nn_model_config_tokens(&c), CONTEXT);
    assert_int_equal(nn_model_config_patches(&c), 0);
    nn_model_config_finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference), cmocka_unit_test(test_alone), cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_folder), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, device_dir_set_up, device_dir_tear_down);
}
