// test_exchange.c — a step in parts: what an exchange of gradients sees, and that two steppers on half batches each,
// whose gradients become their mean, train as one on the whole batch does.
#include "nn/graph/finite.h"
#include "tests/nn/models/golden_model.h"
#include "tests/nn/models/model_values.h"

#include <math.h>
#include <stdlib.h>

#define ARCH "vit:image=16,patch=4,dim=16,depth=2,heads=2,classes=5"
#define MIXERS "attention/linear"
#define IMAGES 8u
#define HALF (IMAGES / 2)
#define PIXELS (3 * 16 * 16)
#define STEPS 6u
#define MAX_NORM 0.05               // less than any norm here: clipping is always on

// A golden model with settings of its own.
typedef struct trainee {
    golden_model m;
    uint32_t cap;
} trainee;

static void open_trainee(vkc_device *dev, uint32_t cap, const nn_stepper_params *with, bool frozen, trainee *t)
{
    nn_model_config cfg;
    assert_ok(nn_model_config_init(&cfg, ARCH ",mixer=" MIXERS));
    *t = (trainee) { .cap = cap };
    golden_model *m = &t->m;
    assert_ok(nn_model_create(dev, &cfg, true, &m->v));
    golden_fill(m->v->params, 7, 0.3f);
    for (uint32_t i = 0; i < m->v->params->n && frozen; i++)
        m->v->params->p[i].frozen = i % 3 == 1;
    assert_ok(nn_model_batch_create(dev, &cfg, cap, &m->batch));
    assert_ok(nn_graph_create(dev, &m->g));
    nn_tensor *in[NN_MAX_INPUTS] = { NULL };
    nn_model_add_inputs(m->g, &cfg, &m->batch, in);
    nn_tensor *labels = nn_graph_input(m->g, "labels", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, m->batch.samples);
    m->logits = nn_model_forward(m->g, m->v, &m->batch, in, true, NULL);
    m->loss = NN_APPLY(m->g, cross_entropy, &(struct cross_entropy_attr) { .smoothing = 0.1f }, NULL, m->logits,
                       labels);
    nn_finite_watch(m->g, m->logits, "the logits");
    nn_graph_add_loss(m->g, m->loss, 1.0f);
    nn_stepper_params p = *with;
    p.dev = dev;
    p.graph = m->g;
    p.params = m->v->params;
    p.batch = &m->batch;
    p.inputs = (nn_tensor *const[]) { in[0], labels };
    p.n_inputs = 2;
    p.watch = &m->loss;
    p.n_watch = 1;
    assert_ok(nn_stepper_create(&p, &m->stepper));
    nn_model_config_finish(&cfg);
}

// Images from `first` on of the batch of a step.
static void fill(trainee *t, uint32_t step, uint32_t first)
{
    static float pixels[IMAGES * PIXELS];
    uint32_t labels[IMAGES];
    golden_batch(&t->m.v->cfg, 5, step, IMAGES, pixels, labels);
    const uint32_t slot = step % NN_STEPPER_SLOTS;
    memcpy(nn_stepper_input(t->m.stepper, slot, "pixels"), pixels + first * PIXELS,
           t->cap * PIXELS * sizeof(float));
    memcpy(nn_stepper_input(t->m.stepper, slot, "labels"), labels + first, t->cap * sizeof(uint32_t));
}

static void submit(trainee *t, uint32_t step, double lr)
{
    assert_ok(nn_stepper_submit(t->m.stepper, step % NN_STEPPER_SLOTS, t->cap, lr, step));
}

// ---- one that does nothing

static vkc_status count(void *user, const nn_gradients *g, uint64_t step)
{
    uint32_t *n = (uint32_t *) user;
    (void) g;
    assert_int_equal(step, ++*n);
    return VKC_OK;
}

static void test_nothing(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    for (int frozen = 0; frozen < 2; frozen++) {
        nn_stepper_params p = { .adamw = { .weight_decay = 0.05, .max_norm = MAX_NORM, .ema = 0.9 } };
        uint32_t n = 0;
        trainee plain, with;
        size_t size;
        open_trainee(dev, IMAGES, &p, frozen, &plain);
        p.exchange = count;
        p.exchange_user = &n;
        open_trainee(dev, IMAGES, &p, frozen, &with);
        float *start = read_params(plain.m.v, &size);
        for (uint32_t step = 1; step <= STEPS; step++) {
            float loss[2], norm[2];
            trainee *const both[] = { &plain, &with };
            for (int k = 0; k < 2; k++) {
                fill(both[k], step, 0);
                submit(both[k], step, 1e-2);
                assert_ok(nn_stepper_wait(both[k]->m.stepper, &loss[k], &norm[k]));
                assert_ok(nn_stepper_check(both[k]->m.stepper, step));
            }
            assert_true(loss[0] == loss[1] && norm[0] == norm[1] && norm[0] > MAX_NORM);
        }
        assert_int_equal(n, STEPS);
        for (int average = 0; average < 2; average++) {
            float *a = read_params(plain.m.v, &size), *b = read_params(with.m.v, &size);
            assert_memory_equal(a, b, size);
            assert_memory_not_equal(a, start, size);
            free(a);
            free(b);
            assert_ok(nn_stepper_write_average(plain.m.stepper));
            assert_ok(nn_stepper_write_average(with.m.stepper));
        }
        free(start);
        golden_close(&plain.m);
        golden_close(&with.m);
    }
}

// ---- what it is handed

static bool is_inside(vkc_slice a, vkc_slice b)
{
    return a.buf == b.buf && a.offset >= b.offset && a.offset + a.size <= b.offset + b.size;
}

// The ranges are the trained parameters and padding of 0, in the order of memory.
static vkc_status look(void *user, const nn_gradients *g, uint64_t step)
{
    size_t all = 0, used = 0;
    double sum[2] = { 0, 0 };
    (void) step;
    for (uint32_t r = 0; r < g->n_ranges; r++) {
        const vkc_slice *s = &g->range[r];
        float *x = (float *) malloc(s->size);
        assert_non_null(x);
        assert_ok(vkc_read(g->dev, *s, x));
        for (size_t i = 0; i < s->size / sizeof *x; i++)
            sum[0] += pow((double) x[i], 2);
        free(x);
        all += s->size;
        assert_true(r == 0 || s->buf != s[-1].buf || s->offset >= s[-1].offset + s[-1].size);
    }
    for (uint32_t i = 0; i < g->params->n; i++) {
        const vkc_slice s = nn_params_grad(g->params, i);
        bool found = false;
        for (uint32_t r = 0; r < g->n_ranges; r++)
            found = found || is_inside(s, g->range[r]);
        assert_true(found == g->trained[i]);
        assert_true(g->trained[i] == !g->params->p[i].frozen);
        if (!found)
            continue;
        float *x = (float *) malloc(s.size);
        assert_non_null(x);
        assert_ok(vkc_read(g->dev, s, x));
        for (size_t k = 0; k < s.size / sizeof *x; k++)
            sum[1] += pow((double) x[k], 2);
        free(x);
        used += vkc_align(g->dev, s.size);
    }
    assert_int_equal(all, used);
    assert_true(sum[0] > 0 && fabs(sum[0] - sum[1]) < 1e-12 * sum[0]);
    *(double *) user = sqrt(sum[0]);
    return VKC_OK;
}

static void test_ranges(void **state)
{
    for (int frozen = 0; frozen < 2; frozen++) {
        double want = 0;
        float norm;
        trainee t;
        open_trainee((vkc_device *) *state, IMAGES,
                     &(nn_stepper_params) { .exchange = look, .exchange_user = &want }, frozen, &t);
        fill(&t, 1, 0);
        submit(&t, 1, 1e-2);
        assert_ok(nn_stepper_wait(t.m.stepper, NULL, &norm));
        assert_true(fabs((double) norm - want) < 1e-5 * want);
        golden_close(&t.m);
    }
}

// ---- one that changes them

static vkc_status multiply(void *user, const nn_gradients *g, uint64_t step)
{
    (void) step;
    for (uint32_t r = 0; r < g->n_ranges; r++) {
        float *x = (float *) malloc(g->range[r].size);
        assert_non_null(x);
        assert_ok(vkc_read(g->dev, g->range[r], x));
        for (size_t i = 0; i < g->range[r].size / sizeof *x; i++)
            x[i] *= *(const float *) user;
        assert_ok(vkc_write(g->dev, g->range[r], x));
        free(x);
    }
    return VKC_OK;
}

// The norm is that of the gradients as exchanged, and so is what clipping makes of them: with any factor in front the
// same step, when the moments take no more than the clipped gradient.
static void test_norm(void **state)
{
    const float factor[] = { 1, 1024, 0.25f };
    float norm[3];
    float *values[3];
    size_t size;
    for (int k = 0; k < 3; k++) {
        float f = factor[k];
        trainee t;
        open_trainee((vkc_device *) *state, IMAGES, &(nn_stepper_params) {
            .exchange = multiply, .exchange_user = &f, .adamw = { .max_norm = MAX_NORM, .eps = 1e-3 } }, false, &t);
        fill(&t, 1, 0);
        submit(&t, 1, 1e-2);
        assert_ok(nn_stepper_wait(t.m.stepper, NULL, &norm[k]));
        values[k] = read_params(t.m.v, &size);
        golden_close(&t.m);
    }
    for (int k = 1; k < 3; k++) {
        assert_true(norm[k] == factor[k] * norm[0]);            // a power of two: exact
        assert_true(norm[k] > MAX_NORM);
        for (size_t i = 0; i < size / sizeof(float); i++)
            assert_true(fabsf(values[k][i] - values[0][i]) < 1e-6f);
    }
    for (int k = 0; k < 3; k++)
        free(values[k]);
}

static vkc_status break_off(void *user, const nn_gradients *g, uint64_t step)
{
    (void) user;
    (void) g;
    return step == 2 ? VKC_FAIL(VKC_E_IO, "the other machine is gone") : VKC_OK;
}

// One that fails leaves the parameters as the step before made them.
static void test_failure(void **state)
{
    trainee t;
    size_t size;
    open_trainee((vkc_device *) *state, IMAGES, &(nn_stepper_params) { .exchange = break_off }, false, &t);
    fill(&t, 1, 0);
    submit(&t, 1, 1e-2);
    assert_ok(nn_stepper_wait(t.m.stepper, NULL, NULL));
    float *before = read_params(t.m.v, &size);
    fill(&t, 2, 0);
    submit(&t, 2, 1e-2);
    assert_status(nn_stepper_wait(t.m.stepper, NULL, NULL), VKC_E_IO);
    assert_non_null(strstr(vkc_last_error(), "the other machine is gone"));
    float *after = read_params(t.m.v, &size);
    assert_memory_equal(before, after, size);
    free(before);
    free(after);
    golden_close(&t.m);
}

// ---- two that average

typedef struct pair {
    trainee  t[2];
    double   own_norm;              // of the first, before the exchange
    uint32_t n;                     // exchanges
} pair;

// Both have gone backward by the time that the first is waited for: each parameter's gradients get the mean of both,
// through host memory, and the second finds it there.
static vkc_status average(void *user, const nn_gradients *g, uint64_t step)
{
    pair *p = (pair *) user;
    const nn_params *other = p->t[1].m.v->params;
    double sum = 0;
    (void) step;
    if (g->params == other)
        return VKC_OK;
    for (uint32_t i = 0; i < g->params->n; i++) {
        const vkc_slice x = nn_params_grad(g->params, i), y = nn_params_grad(other, i);
        float *a = (float *) malloc(x.size), *b = (float *) malloc(y.size);
        assert_true(a && b && g->trained[i] && x.size == y.size);
        assert_ok(vkc_read(g->dev, x, a));
        assert_ok(vkc_read(g->dev, y, b));
        for (size_t k = 0; k < x.size / sizeof *a; k++) {
            sum += pow((double) a[k], 2);
            a[k] = (a[k] + b[k]) / 2;
        }
        assert_ok(vkc_write(g->dev, x, a));
        assert_ok(vkc_write(g->dev, y, a));
        free(a);
        free(b);
    }
    p->own_norm = sqrt(sum);
    p->n++;
    return VKC_OK;
}

static void test_halves(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    pair p = { .n = 0 };
    trainee whole;
    size_t size;
    // The eps keeps Adam from making steps of what is 0 but for rounding (biases of keys).
    nn_stepper_params with = { .adamw = { .weight_decay = 0.05, .max_norm = MAX_NORM, .eps = 1e-3 } };
    open_trainee(dev, IMAGES, &with, false, &whole);
    with.exchange_user = &p;
    with.exchange = average;
    for (uint32_t k = 0; k < 2; k++)
        open_trainee(dev, HALF, &with, false, &p.t[k]);
    bool differs = false;
    for (uint32_t step = 1; step <= STEPS; step++) {
        float loss, norm, half_loss[2], half_norm[2];
        fill(&whole, step, 0);
        submit(&whole, step, 1e-2);
        assert_ok(nn_stepper_wait(whole.m.stepper, &loss, &norm));
        for (uint32_t k = 0; k < 2; k++) {
            fill(&p.t[k], step, k * HALF);
            submit(&p.t[k], step, 1e-2);
        }
        for (uint32_t k = 0; k < 2; k++)
            assert_ok(nn_stepper_wait(p.t[k].m.stepper, &half_loss[k], &half_norm[k]));
        assert_true(fabsf((half_loss[0] + half_loss[1]) / 2 - loss) < 1e-5f * loss);
        assert_true(norm > MAX_NORM && half_norm[0] == half_norm[1]);
        assert_true(fabsf(half_norm[0] - norm) < 1e-5f * norm);
        differs = differs || fabs(p.own_norm - (double) norm) > 0.01 * (double) norm;
    }
    assert_int_equal(p.n, STEPS);
    assert_true(differs);                   // clipped by the halves' own norms it would have been another training
    float *want = read_params(whole.m.v, &size);
    for (uint32_t k = 0; k < 2; k++) {
        float *have = read_params(p.t[k].m.v, &size);
        double error = 0, scale = 0;
        for (size_t i = 0; i < size / sizeof(float); i++) {
            error += pow((double) have[i] - (double) want[i], 2);
            scale += pow((double) want[i], 2);
        }
        print_message("half %u: parameters differ by %.2g of their norm\n", k, sqrt(error / scale));
        assert_true(sqrt(error / scale) < 1e-5);
        free(have);
    }
    free(want);
    golden_close(&whole.m);
    golden_close(&p.t[0].m);
    golden_close(&p.t[1].m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing), cmocka_unit_test(test_ranges), cmocka_unit_test(test_norm),
        cmocka_unit_test(test_failure), cmocka_unit_test(test_halves),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
