// test_impact.c — impact scores against states that inference captures and the host pools, what is left out, the order
// that follows from them.
#include "distill/search/impact.h"
#include "distill/search/order.h"
#include "distill/statistics/probe.h"
#include "distill/transfer/student.h"
#include "nn/data/loader.h"
#include "nn/infer/infer.h"
#include "nn/models/picture_loader.h"
#include "tests/device.h"
#include "tests/nn/models/golden_model.h"

#include <math.h>
#include <string.h>

#define DEPTH 3u
#define DIM 16u
#define ARCH "vit:image=32,patch=8,dim=16,depth=3,heads=2,classes=10"
#define DATA "synth:ringed-digit,train=90,val=45,test=8"
#define BATCH 16u                   // the last one is not full
#define TRAIN 90u
#define VAL 45u

static vkc_device *dev;
static nn_dataset *data;
static nn_model *teacher;
static nn_model *student[2];

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

static distill_impact_params params_of(uint32_t n_students)
{
    return (distill_impact_params) { .teacher = teacher, .student = (const nn_model *const *) student,
                                     .n_students = n_students, .data = data, .split = NN_SPLIT_VAL, .batch = BATCH };
}

static distill_impact *measure(const distill_impact_params *p)
{
    static distill_impact out[2];
    static uint32_t next;
    distill_impact *to = &out[next++ % 2];
    memset(to, 0xff, sizeof *to);
    assert_ok(distill_impact_measure(p, to));
    return to;
}

// States of layer l of a model: the class token's and the mean of the patches', by inference.
static void read_states(const nn_model *m, uint32_t l, nn_split split, float *x, uint32_t *label)
{
    nn_loader_params lp = nn_loader_params_of(&m->cfg, data, split, BATCH);
    nn_loader *loader = NULL;
    nn_infer *inf = NULL;
    float *pixels = (float *) malloc((size_t) BATCH * nn_model_config_pixels(&m->cfg) * sizeof *pixels);
    float logits[BATCH * 10];
    const uint32_t tokens = nn_model_config_tokens(&m->cfg);
    assert_non_null(pixels);
    assert_ok(nn_loader_create(&lp, &loader));
    assert_ok(nn_infer_create_with(m, &(nn_infer_params) { .cap_images = BATCH, .capture = { "blocks.*.attn" } },
                                   &inf));
    for (uint32_t k = 0; k < nn_loader_batches(loader); k++) {
        uint32_t n;
        assert_ok(nn_loader_get(loader, pixels, label, &n));
        assert_ok(nn_infer_run(inf, pixels, n, logits));
        const float *rows = nn_infer_captured(inf, "blocks.%u.attn", l);
        assert_non_null(rows);
        for (uint32_t b = 0; b < n; b++, rows += (size_t) tokens * DIM, x += 2 * DIM, label++)
            for (uint32_t i = 0; i < DIM; i++) {
                double sum = 0;
                for (uint32_t t = 1; t < tokens; t++)
                    sum += (double) rows[t * DIM + i];
                x[i] = rows[i];
                x[DIM + i] = (float) (sum / (tokens - 1));
            }
    }
    nn_infer_destroy(inf);
    nn_loader_destroy(loader);
    free(pixels);
}

typedef struct part { float train[TRAIN * 2 * DIM], val[VAL * 2 * DIM]; uint32_t of_train[TRAIN], of_val[VAL]; } part;

static void read_parts(const nn_model *m, uint32_t l, part *out)
{
    read_states(m, l, NN_SPLIT_TRAIN, out->train, out->of_train);
    read_states(m, l, NN_SPLIT_VAL, out->val, out->of_val);
}

static double probe(const part *fit, const part *test)
{
    distill_probe *p = NULL;
    double a;
    assert_ok(distill_probe_create(fit->train, fit->of_train, TRAIN, 2 * DIM, 10, DISTILL_PROBE_RIDGE, &p));
    assert_ok(distill_probe_test(p, test->val, test->of_val, VAL, &a));
    distill_probe_destroy(p);
    return a;
}

// Sums in another order may move a picture or two over a border.
static void assert_near(double a, double b)
{
    assert_true(fabs(a - b) < 2.5 / VAL);
}

static void test_states(void **state)
{
    (void) state;
    static part full, linear;
    const distill_impact_params p = params_of(2);
    const distill_impact *r = measure(&p);
    double spread = 0;
    assert_int_equal(r->n_train, TRAIN);
    assert_int_equal(r->n_test, VAL);
    for (uint32_t l = 0; l < DEPTH; l++)
        for (uint32_t k = 0; k < 2; k++) {
            const distill_impact_score *s = &r->layer[l][k];
            uint8_t choice[DEPTH] = { 0 };
            nn_model hybrid = { .block = NULL };
            choice[l] = (uint8_t) (k + 1);
            assert_ok(distill_hybrid_init(&hybrid, teacher, (const nn_model *const *) student, 2, choice));
            read_parts(teacher, l, &full);
            read_parts(&hybrid, l, &linear);     // what enters layer l is the teacher's
            distill_hybrid_finish(&hybrid);
            assert_near(s->full, probe(&full, &full));
            assert_near(s->linear, probe(&linear, &linear));
            assert_near(s->cross, probe(&full, &linear));
            assert_true(s->full > 0.12);         // better than chance, so there is something to lose
            assert_true(s->impact == 1.0 - (s->linear + s->cross) / (2.0 * s->full));
            spread += fabs(s->linear - s->cross);
        }
    assert_true(spread > 0);
    assert_true(isnan(r->layer[DEPTH][0].full) && isnan(r->layer[0][2].impact));
    const distill_impact *again = measure(&p);
    assert_memory_equal(r, again, sizeof *r);
}

static void test_left_out(void **state)
{
    (void) state;
    const bool fixed[DEPTH] = { [1] = true };
    distill_impact_params p = params_of(1);
    const distill_impact *all = measure(&p);
    p.fixed = fixed;
    const distill_impact *r = measure(&p);
    assert_true(isnan(r->layer[1][0].full) && isnan(r->layer[1][0].impact));
    for (uint32_t l = 0; l < DEPTH; l += 2)
        assert_memory_equal(&r->layer[l][0], &all->layer[l][0], sizeof r->layer[l][0]);
    const nn_model *same[1] = { teacher };      // no layer differs: nothing to probe
    p.student = same;
    r = measure(&p);
    for (uint32_t l = 0; l < DEPTH; l++)
        assert_true(isnan(r->layer[l][0].full));
    p = params_of(1);
    p.images = 20;
    r = measure(&p);
    assert_int_equal(r->n_train, 20);
    assert_int_equal(r->n_test, 20);
}

// A teacher that drops tokens: states are of the tokens that are there.
static void test_halting(void **state)
{
    (void) state;
    nn_model *m = make_model("attention", 3);
    m->cfg.retention = (nn_retention_config) { .policy = NN_POLICY_HALTING, .every = 1, .gate_scale = 5.0,
                                               .eps = 0.01 };
    distill_impact_params p = params_of(1);
    p.teacher = m;
    const distill_impact *r = measure(&p);
    for (uint32_t l = 0; l < DEPTH; l++)
        assert_true(r->layer[l][0].full > 0 && r->layer[l][0].linear >= 0 && r->layer[l][0].cross >= 0);
    nn_model_destroy(m);
}

static bool stop(void *user, const nn_progress *p)
{
    uint32_t *left = (uint32_t *) user;
    assert_string_equal(p->what, "probe");
    return (*left)-- > 0;
}

static void test_refused(void **state)
{
    (void) state;
    distill_impact out;
    distill_impact_params p = params_of(1);
    nn_dataset *other = NULL;
    for (uint32_t n = 0; n < 10; n += 3) {       // while pictures are read, and between probes
        uint32_t left = n;
        p.progress = stop;
        p.user = &left;
        assert_status(distill_impact_measure(&p, &out), VKC_E_STOPPED);
    }
    p = params_of(1);
    p.split = NN_SPLIT_TRAIN;
    assert_status(distill_impact_measure(&p, &out), VKC_E_ARG);
    p = params_of(1);
    assert_ok(nn_dataset_create("synth:ringed-digit,train=8,val=0,test=8", &other));
    p.data = other;
    assert_status(distill_impact_measure(&p, &out), VKC_E_FORMAT);
    nn_dataset_destroy(other);
}

// By the impact of each layer with the mixer that is best there alone.
static void test_order(void **state)
{
    (void) state;
    static distill_search_result r;
    static distill_impact impact;
    distill_step order[DEPTH + 1];
    r = (distill_search_result) { .n_layers = 4, .n_choices = 2 };
    for (uint32_t l = 0; l < 4; l++)
        for (uint32_t k = 0; k < 2; k++)
            r.first[l][k].metric = l == 1 && k == 1 ? 0.9 : k == 0 ? 0.8 : (double) NAN;
    impact.layer[0][0].impact = 0.3;
    impact.layer[1][0].impact = 0.9;             // not the mixer of that layer
    impact.layer[1][1].impact = -0.1;
    impact.layer[2][0].impact = (double) NAN;
    impact.layer[3][0].impact = 0.3;
    assert_int_equal(distill_order_impact(&r, &impact, order), 4);
    static const uint32_t layers[] = { 1, 0, 3, 2 }, choices[] = { 2, 1, 1, 1 };
    for (uint32_t i = 0; i < 4; i++)
        assert_true(order[i].layer == layers[i] && order[i].choice == choices[i]);
}

static int set_up(void **state)
{
    (void) state;
    dev = test_device_open();
    teacher = make_model("attention", 1);
    student[0] = make_model("linear", 2);
    student[1] = make_model("conv", 4);
    return nn_dataset_create(DATA, &data) != VKC_OK;
}

static int tear_down(void **state)
{
    (void) state;
    nn_model_destroy(teacher);
    nn_model_destroy(student[0]);
    nn_model_destroy(student[1]);
    nn_dataset_destroy(data);
    void *opened = dev;
    return test_device_teardown(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),  cmocka_unit_test(test_left_out), cmocka_unit_test(test_halting),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
