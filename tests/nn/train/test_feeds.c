// test_feeds.c — training from feeds: a recipe's batches are those made by hand, sequences of any length reach the
// graph as long as they are, and a run over them is resumed to the same bits.
#include "nn/base/files.h"
#include "nn/base/rng.h"
#include "nn/data/loader_feed.h"
#include "nn/models/model.h"
#include "nn/train/fit.h"
#include "nn/train/fit_work.h"
#include "shaders/elementwise/scale.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- a recipe

#define DATA "synth:ringed-digit,train=22,val=10,test=10"      // 3 batches of 8, the last one not full
#define ARCH "vit:image=32,patch=8,dim=16,depth=2,heads=2,classes=10"
#define BATCH 8u
#define PIXELS (3 * 32 * 32)

typedef struct host_batch {
    float    pixels[BATCH * PIXELS], lambda[BATCH];
    uint32_t labels[BATCH], labels_b[BATCH], key[2];
} host_batch;

static nn_feed_batch want(host_batch *to, const nn_recipe_inputs *in)
{
    nn_feed_batch b = { .n = 0 };
    assert_ok(nn_feed_want(&b, "pixels", to->pixels, sizeof to->pixels));
    assert_ok(nn_feed_want(&b, "labels", to->labels, sizeof to->labels));
    if (in->labels_b) {
        assert_ok(nn_feed_want(&b, NN_RECIPE_LABELS_B, to->labels_b, sizeof to->labels_b));
        assert_ok(nn_feed_want(&b, NN_RECIPE_LAMBDA, to->lambda, sizeof to->lambda));
    }
    if (in->drop.key)
        assert_ok(nn_feed_want(&b, NN_RECIPE_KEY, to->key, sizeof to->key));
    return b;
}

static void check_recipe(vkc_device *dev, const nn_dataset *data, const nn_recipe *r)
{
    static host_batch have, made;
    static float plain[BATCH * PIXELS];
    nn_model_config cfg;
    nn_loader *l;
    nn_fit_work w;
    nn_recipe_inputs in;
    assert_ok(nn_model_config_init(&cfg, ARCH));
    const nn_loader_params lp = { .data = data, .split = NN_SPLIT_TRAIN, .batch = BATCH, .height = 32, .width = 32,
                                  .seed = 3, .shuffle = true, .threads = 2 };
    assert_ok(nn_loader_create(&lp, &l));
    assert_ok(nn_fit_work_init_pictures(&w, dev, &cfg, &lp));
    assert_ok(nn_fit_work_add_recipe(&w, r, 11, &cfg, &in));
    assert_int_equal(w.n_model_inputs, 1);
    assert_int_equal(w.n_inputs, w.feed.n_fields);
    for (uint32_t i = 0; i < w.n_inputs; i++)
        assert_non_null(nn_feed_find(&w.feed, nn_input_name(w.input[i])));
    assert_ptr_equal(nn_fit_work_input(&w, NN_RECIPE_LAMBDA), in.lambda);
    assert_null(nn_fit_work_input(&w, "ids"));
    for (uint32_t k = 0; k < 9; k++) {
        uint64_t step = k + 1;
        uint32_t n;
        if (k == 4) {                                   // as a run does that is resumed
            assert_ok(w.feed.seek(w.feed.self, 5, 2));
            assert_ok(nn_loader_seek(l, 5, 2));
        }
        if (k >= 4)
            step = 5 * 3 + 2 + (k - 4) + 1;
        memset(&have, 0, sizeof have);
        memset(&made, 0, sizeof made);
        nn_feed_batch b = want(&have, &in);
        assert_ok(nn_feed_check(&w.feed, &b));
        assert_ok(w.feed.get(w.feed.self, &b));
        assert_ok(nn_loader_get(l, in.labels_b ? plain : made.pixels, made.labels, &n));
        assert_int_equal(b.n, n);
        if (in.labels_b)
            nn_recipe_mix(&in, step, n, plain, made.labels, made.pixels, made.labels_b, made.lambda);
        if (in.drop.key)
            nn_recipe_key(&in, step, made.key);
        assert_memory_equal(have.pixels, made.pixels, n * PIXELS * sizeof(float));
        assert_memory_equal(have.labels, made.labels, sizeof made.labels);
        assert_memory_equal(have.labels_b, made.labels_b, sizeof made.labels_b);
        assert_memory_equal(have.lambda, made.lambda, sizeof made.lambda);
        assert_memory_equal(have.key, made.key, sizeof made.key);
    }
    nn_feed_batch b = want(&have, &(nn_recipe_inputs) { .seed = 0 });
    assert_status(w.feed.get(w.feed.self, &b), in.labels_b ? VKC_E_ARG : VKC_OK);       // a label is not asked for
    nn_fit_work_finish(&w);
    nn_loader_destroy(l);
    nn_model_config_finish(&cfg);
}

static void test_recipe(void **state)
{
    nn_dataset *data;
    assert_ok(nn_dataset_create(DATA, &data));
    check_recipe((vkc_device *) *state, data, &(nn_recipe) { .smoothing = 0.1 });
    check_recipe((vkc_device *) *state, data, &(nn_recipe) { .drop_path = 0.3 });
    check_recipe((vkc_device *) *state, data, &(nn_recipe) { .mixup = 0.8 });
    check_recipe((vkc_device *) *state, data, &(nn_recipe) { .mixup = 0.8, .cutmix = 1, .drop_path = 0.3 });
    nn_dataset_destroy(data);
}

// Pictures of another size than the model's, or none: nothing to mix.
static void test_recipe_misfit(void **state)
{
    nn_recipe_feed *f = NULL;
    nn_graph *g;
    nn_rows *rows;
    assert_ok(nn_graph_create((vkc_device *) *state, &g));
    assert_ok(nn_rows_create((vkc_device *) *state, 2, 1, 0, 0, 0, &rows));
    nn_recipe_inputs in = { .channels = 3, .height = 4, .width = 4,
                            .labels_b = nn_graph_input(g, "b", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, rows) };
    nn_feed from = { .cap = 2, .batches = 1, .n_fields = 1,
                     .field = { { "pixels", { 2, { 0, 3 * 4 * 5 } }, NN_DTYPE_F32, NN_PER_SAMPLE } } };
    assert_status(nn_recipe_feed_create(&in, &from, &f), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "pictures of 3 x 4 x 4"));
    from.field[0].name = "ids";
    assert_status(nn_recipe_feed_create(&in, &from, &f), VKC_E_ARG);
    for (from.n_fields = 1; from.n_fields < NN_MAX_FIELDS - 1; from.n_fields++)
        from.field[from.n_fields].name = "more";
    assert_status(nn_recipe_feed_create(&(nn_recipe_inputs) { .seed = 1 }, &from, &f), VKC_E_ARG);
    nn_graph_destroy(g);
    nn_rows_destroy(rows);
}

// ---- sequences

enum { CAP = 4, TOKENS = 6, DIM = 3, BATCHES = 3, EPOCHS = 3 };

// Sequence i of batch k has 1 + (k + 2 i) % TOKENS tokens; the last batch of an epoch is short.
typedef struct sequences {
    uint64_t at;                    // batches given so far, or sought
} sequences;

static float value_of(uint64_t k, uint32_t row, uint32_t col, uint32_t which)
{
    return nn_rng_uniform(17 + which, (uint32_t) k, row * DIM + col) * 2 - 1;
}

static vkc_status seek(void *self, uint64_t epoch, uint32_t batch)
{
    ((sequences *) self)->at = epoch * BATCHES + batch;
    return VKC_OK;
}

static vkc_status get(void *self, nn_feed_batch *b)
{
    sequences *s = (sequences *) self;
    const uint64_t k = s->at++;
    float *x = (float *) nn_feed_wanted(b, "x")->data, *y = (float *) nn_feed_wanted(b, "y")->data;
    uint32_t rows = 0;
    b->n = k % BATCHES == BATCHES - 1 ? CAP - 1 : CAP;
    for (uint32_t i = 0; i < b->n; i++)
        rows += b->lengths[i] = (uint32_t) (1 + (k + 2 * i) % TOKENS);
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < DIM; c++) {
            x[r * DIM + c] = value_of(k, r, c, 0);
            y[r * DIM + c] = value_of(k, r, c, 1);
        }
    for (uint32_t i = rows * DIM; i < CAP * TOKENS * DIM; i++)
        x[i] = y[i] = NAN;          // behind the last token nothing is read
    return VKC_OK;
}

// One weight a channel, and the mean over the tokens of (w x - y)^2.
typedef struct weighing {
    sequences s;
    nn_feed    feed;
    nn_batch   b;
    nn_params *ps;
    nn_graph  *g;
    nn_stepper *stepper;
} weighing;

static const nn_feed_field fields[] = {
    { "x", { 2, { 0, DIM } }, NN_DTYPE_F32, NN_PER_TOKEN }, { "y", { 2, { 0, DIM } }, NN_DTYPE_F32, NN_PER_TOKEN },
};

static void open_weighing(vkc_device *dev, weighing *t)
{
    uint32_t w;
    const float start[DIM] = { 0.5f, -1, 2 };
    *t = (weighing) { .feed = { .cap = CAP, .cap_tokens = TOKENS, .batches = BATCHES, .has_lengths = true,
                                .field = { fields[0], fields[1] }, .n_fields = 2, .seek = seek, .get = get } };
    t->feed.self = &t->s;
    assert_ok(nn_rows_create(dev, CAP, 1, 0, 0, 0, &t->b.samples));
    assert_ok(nn_rows_create(dev, CAP, TOKENS, 0, 0, 0, &t->b.tokens));
    assert_ok(nn_params_create(dev, &t->ps));
    assert_ok(nn_params_add(t->ps, "w", &(nn_shape) { 1, { DIM } }, false, &w));
    assert_ok(nn_params_alloc(t->ps, true));
    assert_ok(nn_params_write(t->ps, w, start));
    assert_ok(nn_graph_create(dev, &t->g));
    nn_tensor *in[2];
    for (int i = 0; i < 2; i++)
        in[i] = nn_graph_input(t->g, fields[i].name, fields[i].shape, fields[i].dtype, t->b.tokens);
    nn_tensor *loss = NN_APPLY0(t->g, mse, NULL, NN_APPLY(t->g, scale, &(struct scale_attr) { 1.0f }, NULL, in[0],
                                                          nn_graph_param(t->g, t->ps, w, true)), in[1]);
    nn_graph_add_loss(t->g, loss, 1.0f);
    assert_ok(nn_stepper_create(&(nn_stepper_params) {
        .dev = dev, .graph = t->g, .params = t->ps, .batch = &t->b, .inputs = in, .n_inputs = 2, .has_lengths = true,
        .watch = &loss, .n_watch = 1 }, &t->stepper));
}

static void close_weighing(weighing *t)
{
    nn_stepper_destroy(t->stepper);
    nn_graph_destroy(t->g);
    nn_params_destroy(t->ps);
    nn_batch_finish(&t->b);
}

// The loss of batch k with weights w.
static double loss_by_hand(uint64_t k, const float *w)
{
    const uint32_t n = k % BATCHES == BATCHES - 1 ? CAP - 1 : CAP;
    uint32_t rows = 0;
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        rows += (uint32_t) (1 + (k + 2 * i) % TOKENS);
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < DIM; c++)
            sum += pow((double) w[c] * (double) value_of(k, r, c, 0) - (double) value_of(k, r, c, 1), 2);
    return sum / (rows * DIM);
}

// Each slot has lengths of its own, and each step reads those of its slot.
static void test_lengths(void **state)
{
    weighing t;
    float w[DIM];
    open_weighing((vkc_device *) *state, &t);
    assert_ptr_not_equal(nn_stepper_lengths(t.stepper, 0), nn_stepper_lengths(t.stepper, 1));
    nn_feed_batch b[NN_STEPPER_SLOTS];
    assert_ok(nn_stepper_want(t.stepper, 0, &b[0]));
    assert_ok(nn_feed_check(&t.feed, &b[0]));
    assert_ok(t.feed.get(t.feed.self, &b[0]));
    for (uint64_t k = 0; k < 7; k++) {
        const uint32_t slot = k % NN_STEPPER_SLOTS, other = 1 - slot;
        float loss;
        assert_ok(nn_params_read(t.ps, 0, w));
        const double want_loss = loss_by_hand(k, w);
        assert_ok(nn_stepper_submit(t.stepper, slot, b[slot].n, 1e-1, k + 1));
        assert_ok(nn_stepper_want(t.stepper, other, &b[other]));
        assert_ok(t.feed.get(t.feed.self, &b[other]));
        assert_ok(nn_stepper_wait(t.stepper, &loss, NULL));
        assert_true(fabs((double) loss - want_loss) < 1e-5 * want_loss);
    }
    close_weighing(&t);
}

// The loop over the same, whole and stopped and resumed, to the same bits.
static void test_fit(void **state)
{
    char dir[] = "/tmp/pare-feeds-XXXXXX", file[2][64];
    assert_non_null(mkdtemp(dir));
    snprintf(file[0], sizeof file[0], "%s/log.jsonl", dir);
    snprintf(file[1], sizeof file[1], "%s/weigh.safetensors", dir);
    float w[3][DIM], start[DIM];
    nn_fit_result r[3];
    for (int k = 0; k < 3; k++) {
        weighing t;
        open_weighing((vkc_device *) *state, &t);
        assert_ok(nn_params_read(t.ps, 0, start));
        const nn_fit_params p = {
            .stepper = t.stepper, .feed = &t.feed, .schedule = { .lr = 1e-1, .total = EPOCHS * BATCHES },
            .epochs = EPOCHS, .n_watch = 1, .what = "weigh", .run_dir = k ? dir : NULL, .resume = k == 2,
            .max_steps = k == 1 ? 4 : 0,
        };
        assert_status(nn_fit(&p, &r[k]), k == 1 ? VKC_E_STOPPED : VKC_OK);
        assert_ok(nn_params_read(t.ps, 0, w[k]));
        close_weighing(&t);
    }
    assert_int_equal(r[0].steps, EPOCHS * BATCHES);
    assert_int_equal(r[0].samples, EPOCHS * (BATCHES * CAP - 1));
    assert_memory_not_equal(w[0], start, sizeof start);
    assert_memory_not_equal(w[0], w[1], sizeof start);
    assert_memory_equal(w[0], w[2], sizeof start);
    assert_true(r[0].loss == r[2].loss && r[0].samples == r[2].samples);
    unlink(file[0]);
    unlink(file[1]);
    assert_int_equal(rmdir(dir), 0);
}

// A feed that lacks what the stepper reads is refused before the first step.
static void test_fit_misfit(void **state)
{
    weighing t;
    nn_fit_result r;
    open_weighing((vkc_device *) *state, &t);
    for (int k = 0; k < 3; k++) {
        nn_feed feed = t.feed;
        if (k == 0)
            feed.n_fields = 1;
        if (k == 1)
            feed.cap_tokens++;
        if (k == 2)
            feed.has_lengths = false;
        const nn_fit_params p = { .stepper = t.stepper, .feed = &feed, .schedule = { .lr = 1e-1, .total = BATCHES },
                                  .epochs = 1, .n_watch = 1, .what = "weigh" };
        assert_status(nn_fit(&p, &r), VKC_E_ARG);
        assert_int_equal(r.steps, 0);
    }
    close_weighing(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipe), cmocka_unit_test(test_recipe_misfit), cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_fit),    cmocka_unit_test(test_fit_misfit),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
