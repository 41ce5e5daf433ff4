// test_recipe.c — mixed pictures and their shares, stochastic depth, the average of the weights, and runs with all of
// it that are stopped and resumed.
#include "nn/models/picture_loader.h"
#include "nn/infer/infer.h"
#include "nn/data/loader.h"
#include "nn/train/recipe.h"
#include "nn/train/stepper.h"
#include "nn/train/train.h"
#include "shaders/elementwise/drop_path.h"
#include "tests/nn/ops/op_run.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define DATA "synth:ringed-digit,train=22,val=10,test=10"
#define ARCH "vit:image=32,patch=8,dim=16,depth=3,heads=2,classes=10"

static const nn_recipe everything = { .smoothing = 0.1, .mixup = 0.8, .cutmix = 1, .drop_path = 0.4, .ema = 0.9 };

// ---- mixing, on the host

typedef struct pictures {
    nn_recipe_inputs in;
    uint32_t n;
    size_t   len;                   // of a picture
    float   *pixels, *mixed, *share;
    uint32_t *labels, *other;
} pictures;

// No two numbers are the same, and a picture's label is its place and a hundred.
static void make_pictures(pictures *t, nn_recipe r, uint32_t n, uint32_t channels, uint32_t size)
{
    *t = (pictures) { .in = { .recipe = r, .seed = 3, .channels = channels, .height = size, .width = size }, .n = n,
                      .len = (size_t) channels * size * size };
    t->pixels = (float *) calloc(n * t->len, sizeof(float));
    t->mixed = (float *) calloc(n * t->len, sizeof(float));
    t->share = (float *) calloc(n, sizeof(float));
    t->labels = (uint32_t *) calloc(n, sizeof(uint32_t));
    t->other = (uint32_t *) calloc(n, sizeof(uint32_t));
    assert_true(t->pixels && t->mixed && t->share && t->labels && t->other);
    for (size_t i = 0; i < n * t->len; i++)
        t->pixels[i] = (float) (i + 1) / 4;
    for (uint32_t i = 0; i < n; i++)
        t->labels[i] = 100 + i;
}

static void mix(pictures *t, uint64_t step)
{
    nn_recipe_mix(&t->in, step, t->n, t->pixels, t->labels, t->mixed, t->other, t->share);
}

static void free_pictures(pictures *t)
{
    free(t->pixels);
    free(t->mixed);
    free(t->share);
    free(t->labels);
    free(t->other);
}

// Numbers of mixed picture i that are its own where they differ from its partner's j; the rest must be j's.
static size_t count_own(const pictures *t, uint32_t i, uint32_t j)
{
    size_t own = 0;
    for (size_t k = 0; k < t->len; k++) {
        const bool is_own = t->mixed[i * t->len + k] == t->pixels[i * t->len + k];
        own += is_own;
        assert_true(is_own || t->mixed[i * t->len + k] == t->pixels[j * t->len + k]);
    }
    return own;
}

static void test_mixup(void **state)
{
    (void) state;
    pictures t;
    make_pictures(&t, (nn_recipe) { .mixup = 0.8 }, 5, 3, 7);
    double sum = 0;
    for (uint64_t step = 1; step < 30; step++) {
        mix(&t, step);
        for (uint32_t i = 0; i < 5; i++) {
            const uint32_t j = t.other[i] - 100;
            assert_true(j < 5 && j != i && (j + 5 - i) % 5 == (t.other[0] - 100));
            assert_true(t.share[i] >= 0 && t.share[i] <= 1);
            for (size_t k = 0; k < t.len; k++) {
                const double want = (double) t.share[i] * (double) t.pixels[i * t.len + k] +
                                    (1 - (double) t.share[i]) * (double) t.pixels[j * t.len + k];
                assert_true(fabs((double) t.mixed[i * t.len + k] - want) <= 2e-7 * want);
            }
            sum += (double) t.share[i];
        }
        const float first = t.share[0];         // the same again, and other shares in another step
        mix(&t, step + 1);
        assert_true(t.share[0] != first);
        mix(&t, step);
        assert_true(t.share[0] == first);
    }
    assert_true(sum > 0.3 * 145 && sum < 0.7 * 145);
    free_pictures(&t);
}

// The share is the area that is left, and what is put in is one box, the same in all channels.
static void test_cutmix(void **state)
{
    (void) state;
    pictures t;
    const uint32_t S = 7;
    uint32_t partial = 0;
    make_pictures(&t, (nn_recipe) { .cutmix = 1 }, 4, 3, S);
    for (uint64_t step = 1; step < 60; step++) {
        mix(&t, step);
        for (uint32_t i = 0; i < 4; i++) {
            const size_t own = count_own(&t, i, t.other[i] - 100);
            assert_true(t.share[i] == (float) ((double) own / (double) t.len));
            partial += own > 0 && own < t.len;
            uint32_t x0 = S, x1 = 0, y0 = S, y1 = 0;
            for (uint32_t k = 0; k < t.len; k++) {
                const uint32_t x = k % S, y = k / S % S;
                if (t.mixed[i * t.len + k] == t.pixels[i * t.len + k])
                    continue;
                x0 = x < x0 ? x : x0;
                y0 = y < y0 ? y : y0;
                x1 = x >= x1 ? x + 1 : x1;
                y1 = y >= y1 ? y + 1 : y1;
            }
            const uint32_t box = x1 > x0 ? (x1 - x0) * (y1 - y0) : 0;
            assert_int_equal(3 * box, t.len - own);
        }
    }
    assert_true(partial > 150);
    free_pictures(&t);
}

// A picture alone stays as it is; two take from each other; without labels nothing is read of them.
static void test_small_batches(void **state)
{
    (void) state;
    pictures t;
    const nn_recipe recipes[] = { { .mixup = 0.4 }, { .cutmix = 1 }, { .mixup = 0.4, .cutmix = 1 } };
    for (uint32_t r = 0; r < 3; r++) {
        make_pictures(&t, recipes[r], 2, 1, 3);
        mix(&t, 1);
        assert_true(t.other[0] == 101 && t.other[1] == 100);
        t.n = 1;
        mix(&t, 2);
        assert_true(t.other[0] == 100 && t.share[0] == 1);
        assert_memory_equal(t.mixed, t.pixels, t.len * sizeof(float));
        nn_recipe_mix(&t.in, 1, 2, t.pixels, NULL, t.mixed, t.other, t.share);
        nn_recipe_mix(&t.in, 1, 0, NULL, NULL, NULL, NULL, NULL);
        free_pictures(&t);
    }
}

// Shares are beta(alpha, alpha): mean 1/2, variance 1 / (4 (2 alpha + 1)), for small alpha too.
static void test_shares(void **state)
{
    (void) state;
    const double alpha[] = { 0.01, 0.1, 0.8, 1, 4, 100 };
    const uint32_t n = 20000;
    for (uint32_t a = 0; a < 6; a++) {
        pictures t;
        double sum = 0, squares = 0, below = 0;
        make_pictures(&t, (nn_recipe) { .mixup = alpha[a] }, n, 1, 1);
        mix(&t, 7);
        for (uint32_t i = 0; i < n; i++) {
            const double x = (double) t.share[i];
            assert_true(x >= 0 && x <= 1);
            sum += x;
            squares += (x - 0.5) * (x - 0.5);
            below += x < 0.25;
        }
        const double variance = 1 / (4 * (2 * alpha[a] + 1)), error = sqrt(variance / n);
        assert_true(fabs(sum / n - 0.5) < 5 * error);
        assert_true(fabs(squares / n - variance) < 0.05 * variance);
        if (alpha[a] == 1)
            assert_true(fabs(below / n - 0.25) < 0.016);
        free_pictures(&t);
    }
}

static void test_kinds(void **state)
{
    (void) state;
    pictures t;
    uint32_t cut = 0;
    make_pictures(&t, (nn_recipe) { .mixup = 4, .cutmix = 4 }, 2, 1, 8);
    for (uint64_t step = 1; step <= 400; step++) {
        mix(&t, step);
        bool is_cut = true;
        for (size_t k = 0; k < t.len; k++)
            is_cut = is_cut && (t.mixed[k] == t.pixels[k] || t.mixed[k] == t.pixels[t.len + k]);
        cut += is_cut;
    }
    assert_true(cut > 150 && cut < 250);
    free_pictures(&t);
}

static void test_check(void **state)
{
    (void) state;
    const nn_recipe bad[] = { { .smoothing = 1.5 }, { .mixup = -1 }, { .cutmix = (double) NAN }, { .cutmix = 1e9 },
                              { .drop_path = 1 }, { .ema = 1 }, { .ema = -0.1 }, { .mixup = (double) INFINITY } };
    assert_ok(nn_recipe_check(&everything));
    assert_ok(nn_recipe_check(&(nn_recipe) { 0 }));
    for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_status(nn_recipe_check(&bad[i]), VKC_E_ARG);
}

// ---- stochastic depth

#define RATE 0.3f
#define KEYS 400

// Over many keys an image's branch is what it is without; in each it is left out whole, with its gradient, or not.
static void test_drop_path(void **state)
{
    const op_case oc = {
        "drop_path", "", .layout = { { { 1, 5, 13, 2 }, .cap_tokens = 16 } },
        .in = { { 1, { 2, { 0, 3 } } }, { 0, { 1, { 2 } }, 0, 1 } },
        .attr = &(struct drop_path_attr) { .rate = RATE, .stream = 5 },
    };
    const nn_recipe_inputs in = { .seed = 11 };
    uint32_t kept[4] = { 0 }, together = 0;
    op_run t;
    assert_ok(op_run_init(&t, (vkc_device *) *state, &oc, 1));
    for (uint32_t step = 1; step <= KEYS; step++) {
        nn_recipe_key(&in, step, (uint32_t *) t.in[1]);
        assert_ok(op_run_execute(&t, 0));
        bool keeps[4];
        for (uint32_t b = 0; b < 4; b++) {
            const uint32_t from = 3 * t.rows[0]->offsets[b], to = 3 * t.rows[0]->offsets[b + 1];
            keeps[b] = t.out[0][from] != 0;
            kept[b] += keeps[b];
            const double scale = keeps[b] ? 1 / (1 - (double) RATE) : 0;
            for (uint32_t i = from; i < to; i++) {
                assert_true(fabs((double) t.out[0][i] - scale * (double) t.in[0][i]) < 1e-6);
                assert_true(fabs((double) t.din[0][i] - scale * (double) t.dout[i]) < 1e-6);
                assert_true(keeps[b] || (t.out[0][i] == 0 && t.din[0][i] == 0));
            }
        }
        together += keeps[0] == keeps[1];
    }
    op_run_finish(&t);
    const double p = 1 - (double) RATE, error = sqrt(p * (1 - p) * KEYS), same = p * p + (1 - p) * (1 - p);
    for (uint32_t b = 0; b < 4; b++)
        assert_true(fabs(kept[b] - p * KEYS) < 4 * error);      // its mean is then that of x, within the same
    assert_true(fabs(together - same * KEYS) < 4 * sqrt(same * (1 - same) * KEYS));
}

static nn_model *make_model(vkc_device *dev, const char *arch, nn_policy policy, uint64_t seed)
{
    nn_model_config cfg;
    nn_model *v;
    nn_retention_config kept = { .policy = policy, .every = 1, .gate_scale = 2, .gate_centre = 0.2, .eps = 0.05,
                                 .keep_class = true };
    assert_ok(nn_model_config_init(&cfg, arch));
    if (policy == NN_POLICY_TOPK)
        assert_ok(nn_retention_topk(&cfg, 0.6, NULL, 0, &kept));
    if (policy != NN_POLICY_NONE)
        cfg.retention = kept;
    assert_ok(nn_model_create(dev, &cfg, true, &v));
    assert_ok(nn_model_init(v, seed));
    nn_model_config_finish(&cfg);
    return v;
}

static uint32_t count_calls(vkc_device *dev, const nn_model *v, double rate)
{
    nn_batch b;
    nn_graph *g;
    nn_recipe_inputs in;
    assert_ok(nn_model_batch_create(dev, &v->cfg, 2, &b));
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *pixels = nn_graph_input(g, "pixels", (nn_shape) { 2, { 0, 3 * 32 * 32 } }, NN_DTYPE_F32, b.samples);
    nn_recipe_build(g, &(nn_recipe) { .drop_path = rate }, 1, &v->cfg, b.samples, &in);
    nn_model_taps taps = { .drop = in.drop };
    nn_graph_keep(g, nn_model_forward(g, v, &b, &pixels, false, &taps));
    assert_ok(nn_graph_plan(g));
    const uint32_t n = nn_graph_get_info(g).n_calls;
    nn_graph_destroy(g);
    nn_batch_finish(&b);
    return n;
}

// Both branches of all blocks but the first; nothing at all at a rate of 0.
static void test_graph(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_model *v = make_model(dev, ARCH, NN_POLICY_NONE, 1);
    assert_int_equal(count_calls(dev, v, 0.2), count_calls(dev, v, 0) + 2 * 2);
    nn_model_destroy(v);
    v = make_model(dev, "vit:image=32,patch=8,dim=16,depth=1,heads=2,classes=10", NN_POLICY_NONE, 1);
    assert_int_equal(count_calls(dev, v, 0.2), count_calls(dev, v, 0));
    nn_model_destroy(v);
}

// ---- training

typedef struct fixture {
    vkc_device *dev;
    nn_dataset *data;
    char dir[64];
} fixture;

static void open_fixture(void **state, fixture *t)
{
    *t = (fixture) { .dev = (vkc_device *) *state };
    assert_ok(nn_dataset_create(DATA, &t->data));
    strcpy(t->dir, "/tmp/pare-recipe-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
}

static void empty_folder(const fixture *t)
{
    const char *names[] = { "log.jsonl", "train.safetensors" };
    char path[128];
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", t->dir, names[i]);
        unlink(path);
    }
}

static void close_fixture(fixture *t)
{
    empty_folder(t);
    assert_int_equal(rmdir(t->dir), 0);
    nn_dataset_destroy(t->data);
}

static nn_train_params train_params(const fixture *t, nn_recipe recipe, uint32_t batch, uint32_t epochs)
{
    return (nn_train_params) { .data = t->data, .batch = batch, .epochs = epochs, .lr = 3e-3, .seed = 5, .threads = 2,
                               .recipe = recipe };
}

static float *read_params(const nn_model *v, size_t *n)
{
    *n = nn_params_count(v->params);
    float *all = (float *) malloc(*n * sizeof *all), *at = all;
    assert_non_null(all);
    for (uint32_t i = 0; i < v->params->n; i++) {
        assert_ok(nn_params_read(v->params, i, at));
        at += nn_shape_len(&v->params->p[i].shape);
    }
    return all;
}

// What the first step sees: its loss is that of the mixed pictures with both labels, made here from the same batch.
static void test_first_loss(void **state)
{
    enum { B = 7, K = 10 };
    fixture t;
    nn_train_result r;
    nn_loader *l;
    nn_infer *inf;
    uint32_t n;
    float logits[B * K];
    open_fixture(state, &t);
    nn_train_params p = train_params(&t, (nn_recipe) { .smoothing = 0.2, .mixup = 1, .cutmix = 1 }, B, 2);
    for (uint32_t k = 0; k < 2; k++, p.seed += 4) {
        nn_model *v = make_model(t.dev, ARCH, NN_POLICY_NONE, 1);
        pictures s;
        make_pictures(&s, p.recipe, B, 3, 32);
        s.in.seed = p.seed;
        nn_loader_params lp = nn_loader_params_to_train(&v->cfg, t.data, B, p.seed, 1, false);
        assert_ok(nn_loader_create(&lp, &l));
        assert_ok(nn_loader_get(l, s.pixels, s.labels, &n));
        assert_int_equal(n, B);
        mix(&s, 1);
        assert_ok(nn_infer_create(v, B, &inf));
        assert_ok(nn_infer_run(inf, s.mixed, B, logits));
        double want = 0;
        for (uint32_t i = 0; i < B; i++) {
            double sum = 0, mean = 0;
            for (uint32_t c = 0; c < K; c++)
                sum += exp((double) logits[i * K + c]);
            for (uint32_t c = 0; c < K; c++)
                mean += (log(sum) - (double) logits[i * K + c]) / K;
            const double own = log(sum) - (double) logits[i * K + s.labels[i]];
            const double other = log(sum) - (double) logits[i * K + s.other[i]], share = (double) s.share[i];
            want += (0.8 * (share * own + (1 - share) * other) + 0.2 * mean) / B;
        }
        p.max_steps = 1;
        assert_status(nn_train(v, &p, &r), VKC_E_STOPPED);
        assert_true(fabs(r.loss - want) < 1e-5);
        nn_infer_destroy(inf);
        nn_loader_destroy(l);
        free_pictures(&s);
        nn_model_destroy(v);
    }
    close_fixture(&t);
}

// A picture and a model that stand still: each step leaves out other branches, and in the same step the same ones.
static void check_keys(vkc_device *dev, double rate)
{
    enum { STEPS = 8 };
    nn_batch b;
    nn_graph *g;
    nn_stepper *s;
    nn_recipe_inputs in;
    float loss[STEPS + 1];
    uint32_t changes = 0;
    nn_model *v = make_model(dev, ARCH, NN_POLICY_NONE, 1);
    assert_ok(nn_model_batch_create(dev, &v->cfg, 1, &b));
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *pixels = nn_graph_input(g, "pixels", (nn_shape) { 2, { 0, 3 * 32 * 32 } }, NN_DTYPE_F32, b.samples);
    nn_tensor *labels = nn_graph_input(g, "labels", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, b.samples);
    nn_recipe_build(g, &(nn_recipe) { .drop_path = rate }, 1, &v->cfg, b.samples, &in);
    nn_model_taps taps = { .drop = in.drop };
    nn_tensor *watch = nn_recipe_loss(g, &in, nn_model_forward(g, v, &b, &pixels, true, &taps), labels);
    nn_graph_add_loss(g, watch, 1.0f);
    assert_ok(nn_stepper_create(&(nn_stepper_params) {
        .dev = dev, .graph = g, .params = v->params, .batch = &b,
        .inputs = (nn_tensor *const[]) { pixels, labels, in.drop.key }, .n_inputs = 3,
        .watch = &watch, .n_watch = 1 }, &s));
    for (uint32_t i = 0; i <= STEPS; i++) {
        const uint32_t slot = i % NN_STEPPER_SLOTS, step = 1 + i % STEPS;       // the last is the first again
        for (uint32_t k = 0; k < 3 * 32 * 32; k++)
            ((float *) nn_stepper_input(s, slot, "pixels"))[k] = (float) (k % 7) / 7;
        *(uint32_t *) nn_stepper_input(s, slot, "labels") = 3;
        if (rate > 0)
            nn_recipe_key(&in, step, (uint32_t *) nn_stepper_input(s, slot, NN_RECIPE_KEY));
        assert_ok(nn_stepper_submit(s, slot, 1, 0, step));
        assert_ok(nn_stepper_wait(s, &loss[i], NULL));
        changes += loss[i] != loss[0];
    }
    assert_true(rate > 0 ? changes >= 2 : changes == 0);
    assert_true(loss[STEPS] == loss[0]);
    nn_stepper_destroy(s);
    nn_graph_destroy(g);
    nn_batch_finish(&b);
    nn_model_destroy(v);
}

static void test_keys(void **state)
{
    check_keys((vkc_device *) *state, 0);
    check_keys((vkc_device *) *state, 0.8);
}

// Five steps one by one, averaged here, are what a training with an average ends as.
static void test_average(void **state)
{
    enum { N = 5 };
    const double ema = 0.3;             // more than the first steps take: both sides of the minimum
    fixture t;
    nn_train_result r;
    size_t n;
    open_fixture(state, &t);
    nn_train_params p = train_params(&t, (nn_recipe) { .smoothing = -1 }, N, 1);
    p.run_dir = t.dir;
    nn_model *v = make_model(t.dev, ARCH, NN_POLICY_NONE, 1);
    float *x = read_params(v, &n);
    double *want = (double *) malloc(n * sizeof *want), error = 0, moved = 0;
    for (size_t i = 0; i < n; i++)
        want[i] = (double) x[i];
    for (uint32_t step = 1; step <= N; step++) {
        p.max_steps = step;
        p.resume = step > 1;
        assert_status(nn_train(v, &p, &r), step < N ? VKC_E_STOPPED : VKC_OK);
        assert_int_equal(r.steps, step);
        free(x);
        x = read_params(v, &n);
        const double decay = fmin(ema, (1.0 + step) / (10.0 + step));
        for (size_t i = 0; i < n; i++)
            want[i] = decay * want[i] + (1 - decay) * (double) x[i];
    }
    nn_model_destroy(v);
    v = make_model(t.dev, ARCH, NN_POLICY_NONE, 1);
    p = train_params(&t, (nn_recipe) { .smoothing = -1, .ema = ema }, N, 1);
    assert_ok(nn_train(v, &p, &r));
    float *have = read_params(v, &n);
    for (size_t i = 0; i < n; i++) {
        error = fmax(error, fabs((double) have[i] - want[i]));
        moved = fmax(moved, fabs((double) x[i] - want[i]));
    }
    assert_true(error < 1e-6);
    assert_true(moved > 1e-4);
    nn_model_destroy(v);
    free(x);
    free(have);
    free(want);
    close_fixture(&t);
}

// Stop and resume with everything on, token pruning among it: the same bits.
static void check_resume(const fixture *t, nn_policy policy)
{
    nn_train_result whole, part;
    size_t n;
    nn_train_params p = train_params(t, everything, 8, 3);
    nn_model *v = make_model(t->dev, ARCH, policy, 1);
    assert_ok(nn_train(v, &p, &whole));
    float *want = read_params(v, &n);
    nn_model_destroy(v);
    p.run_dir = t->dir;
    const uint32_t stops[] = { 1, 4, 6, 0 };
    for (uint32_t i = 0; i < 5; i++) {              // the last time there is nothing left to do
        v = make_model(t->dev, ARCH, policy, 1 + i);
        p.max_steps = i < 3 ? stops[i] : 0;
        p.resume = i > 0;
        assert_status(nn_train(v, &p, &part), i < 3 ? VKC_E_STOPPED : VKC_OK);
        float *have = read_params(v, &n);
        assert_true((memcmp(have, want, n * sizeof *have) == 0) == (i >= 3));
        free(have);
        nn_model_destroy(v);
    }
    assert_true(part.loss == whole.loss);
    p = train_params(t, everything, 8, 3);          // another seed draws other pictures, shares and branches
    p.seed++;
    v = make_model(t->dev, ARCH, policy, 1);
    assert_ok(nn_train(v, &p, &part));
    assert_true(part.loss != whole.loss);
    nn_model_destroy(v);
    free(want);
}

static void test_resume(void **state)
{
    fixture t;
    open_fixture(state, &t);
    check_resume(&t, NN_POLICY_NONE);
    empty_folder(&t);
    check_resume(&t, NN_POLICY_TOPK);
    empty_folder(&t);
    check_resume(&t, NN_POLICY_HALTING);
    close_fixture(&t);
}

// From a checkpoint without an average it starts with the values there; one that has it is of another run without.
static void test_old_checkpoint(void **state)
{
    fixture t;
    nn_train_result r;
    size_t n;
    open_fixture(state, &t);
    nn_model *v = make_model(t.dev, ARCH, NN_POLICY_NONE, 1);
    nn_train_params p = train_params(&t, (nn_recipe) { 0 }, 8, 3);
    p.run_dir = t.dir;
    p.max_steps = 8;
    assert_status(nn_train(v, &p, &r), VKC_E_STOPPED);
    float *before = read_params(v, &n);
    p.resume = true;
    p.recipe.ema = 0.5;
    p.max_steps = 0;
    assert_ok(nn_train(v, &p, &r));
    assert_int_equal(r.steps, 9);
    float *average = read_params(v, &n);
    p.recipe.ema = 0;
    assert_status(nn_train(v, &p, &r), VKC_E_FORMAT);
    empty_folder(&t);
    nn_model_destroy(v);
    v = make_model(t.dev, ARCH, NN_POLICY_NONE, 1);
    p.resume = false;
    assert_ok(nn_train(v, &p, &r));
    float *after = read_params(v, &n);
    for (size_t i = 0; i < n; i++)
        assert_true(fabs((double) average[i] - ((double) before[i] + (double) after[i]) / 2) < 1e-6);
    nn_model_destroy(v);
    free(before);
    free(average);
    free(after);
    close_fixture(&t);
}

static void test_refused(void **state)
{
    fixture t;
    nn_train_result r;
    open_fixture(state, &t);
    nn_model *v = make_model(t.dev, ARCH, NN_POLICY_NONE, 1);
    nn_train_params p = train_params(&t, (nn_recipe) { .drop_path = 1 }, 8, 1);
    assert_status(nn_train(v, &p, &r), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "stochastic depth"));
    nn_model_destroy(v);
    close_fixture(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixup),   cmocka_unit_test(test_cutmix),     cmocka_unit_test(test_small_batches),
        cmocka_unit_test(test_shares),  cmocka_unit_test(test_kinds),      cmocka_unit_test(test_check),
        cmocka_unit_test(test_drop_path), cmocka_unit_test(test_graph),    cmocka_unit_test(test_first_loss),
        cmocka_unit_test(test_average), cmocka_unit_test(test_resume),     cmocka_unit_test(test_old_checkpoint),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
