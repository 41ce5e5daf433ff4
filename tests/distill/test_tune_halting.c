// test_tune_halting.c — a student under the masks of a teacher with token pruning: a copy is its teacher to the
// bit, the losses of halting by hand and by differences, weights that sum to 1, dropped rows that matter nowhere, topk.
// usage: test_tune_halting [pattern of test names]
#include "distill/transfer/tune_halting.h"
#include "nn/graph/graph_impl.h"
#include "shaders/halt/halt.h"
#include "tests/filter.h"
#include "tests/nn/models/golden_model.h"
#include "nn/graph/reference.h"
#include "tests/numbers.h"

#include <math.h>

#define ARCH "vit:image=16,patch=4,dim=24,depth=4,heads=3,classes=5"
enum { IMAGES = 5, T = 17, C = 24, DEPTH = 4, CLASSES = 5, PIXELS = 3 * 16 * 16, FIGURES = 3 };

#define DEVICE 1e-9                 // NMSE of float against double
#define GRADIENT 1e-4
#define NAN_BITS 0x7fc00000u

static nn_retention_config halting(uint32_t every, bool keep_class, double read_patches)
{
    return (nn_retention_config) { .policy = NN_POLICY_HALTING, .every = every, .gate_scale = 2, .gate_centre = 0.75,
                                   .eps = 0.01, .keep_class = keep_class, .read_patches = read_patches };
}

// ---- two models in one graph, on the device and in double

typedef struct pair_params {
    nn_retention_config r;          // of both
    const char *mixer;              // of the student; the teacher has attention
    uint64_t seed;                  // of the student's values; the teacher's is 3
    bool     similarity, imitates;  // losses
    bool     forced;                // the student's mixers on the teacher's stream, as in a transfer
    double   centre;                // of the student's gate; 0 = the teacher's
    void   (*change)(nn_model *student);
} pair_params;

typedef struct pair {
    nn_model    *teacher, *student;
    nn_batch   batch;
    nn_graph  *g;
    nn_model_taps t, s;
    nn_tensor *pixels, *wanted, *logits, *field, *mse[DEPTH];    // field: what the student's last norm reads
    distill_halting h;
    vkc_recording *rec;
    nn_reference *ref;
} pair;

static nn_model *make_model(vkc_device *dev, const char *mixer, nn_retention_config r, bool trainable, uint64_t seed)
{
    nn_model_config cfg;
    nn_model *v = NULL;
    golden_config(ARCH, mixer, &cfg);
    cfg.retention = r;
    assert_ok(nn_model_create(dev, &cfg, trainable, &v));
    golden_fill(v->params, seed, 0.3f);
    nn_model_config_finish(&cfg);
    return v;
}

static void set_params(pair *p, const nn_model *v, bool trained)
{
    for (uint32_t i = 0; i < v->params->n; i++) {
        const size_t n = nn_shape_len(&v->params->p[i].shape);
        double *to = nn_reference_values(p->ref, nn_graph_param(p->g, v->params, i, trained));
        float *x = (float *) malloc(n * sizeof *x);
        assert_non_null(x);
        assert_ok(nn_params_read(v->params, i, x));
        for (size_t k = 0; k < n; k++)
            to[k] = (double) x[k];
        free(x);
    }
}

static void set_gate(pair *p, const nn_tensor *gate)
{
    float v[GATE_LEN];
    if (!gate)
        return;
    assert_ok(vkc_read(p->teacher->dev, nn_tensor_slice(gate), v));
    for (uint32_t k = 0; k < GATE_LEN; k++)
        nn_reference_values(p->ref, gate)[k] = (double) v[k];
}

static void run_student(pair *p, const pair_params *with)
{
    if (with->forced) {
        for (uint32_t l = 0; l < DEPTH; l++)
            p->s.attn[l] = nn_model_attn(p->g, p->student, l, p->t.normed[l], true, &p->s.heads[l], NULL);
        p->logits = p->wanted;
        return;
    }
    distill_halting_start(&p->t, &p->s);
    p->logits = nn_model_forward(p->g, p->student, &p->batch, &p->pixels, true, &p->s);
    for (uint32_t i = 0; i < p->g->n_nodes; i++)
        if (strcmp(p->g->node[i].op->name, "layernorm") == 0)
            p->field = p->g->node[i].in[0];
    assert_ptr_equal(p->field->rows, p->batch.samples);
    nn_graph_keep(p->g, p->field);
}

// Of block l: the loss, the divergence, the difference of shares.
static nn_tensor *figure_of(const pair *p, uint32_t l, uint32_t k)
{
    return k ? nn_output(p->h.watch[l], k) : p->h.watch[l];
}

static void pair_init(pair *p, vkc_device *dev, const pair_params *with)
{
    *p = (pair) { .teacher = make_model(dev, "attention", with->r, false, 3),
                  .student = make_model(dev, with->mixer, with->r, true, with->seed) };
    if (with->change)
        with->change(p->student);
    if (with->centre != 0)
        p->student->cfg.retention.gate_centre = with->centre;
    assert_ok(nn_model_batch_create(dev, &p->teacher->cfg, IMAGES, &p->batch));
    assert_ok(nn_graph_create(dev, &p->g));
    p->pixels = nn_graph_input(p->g, "pixels", (nn_shape) { 2, { 0, PIXELS } }, NN_DTYPE_F32, p->batch.samples);
    for (uint32_t i = 0; i < p->student->params->n; i++)
        nn_graph_param(p->g, p->student->params, i, true);      // there for the reference, though some may not be read
    p->wanted = nn_model_forward(p->g, p->teacher, &p->batch, &p->pixels, false, &p->t);
    run_student(p, with);
    for (uint32_t l = 0; l < DEPTH && with->similarity; l++) {
        p->mse[l] = NN_APPLY0(p->g, mse, NULL, p->s.attn[l], p->t.attn[l]);
        nn_graph_add_loss(p->g, p->mse[l], 1);
    }
    if (with->imitates)
        distill_halting_add(&p->h, p->g, &(distill_tune_params) { .halting = 1 }, p->teacher, &p->t, &p->s);
    nn_graph_keep(p->g, p->wanted);
    nn_graph_keep(p->g, p->logits);
    for (uint32_t i = 0; i < p->h.n; i++)
        for (uint32_t k = 0; k < FIGURES; k++)
            nn_graph_keep(p->g, figure_of(p, i, k));
    for (uint32_t l = 0; l < DEPTH; l++)
        nn_graph_keep(p->g, p->s.attn[l]);
    assert_ok(nn_graph_plan(p->g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "pair" }, &p->rec));
    assert_ok(nn_graph_record(p->g, p->rec));
    assert_ok(vkc_recording_finish(p->rec));
    assert_ok(nn_reference_create(p->g, &p->ref));
    set_params(p, p->teacher, false);
    set_params(p, p->student, true);
    set_gate(p, p->t.retention.gate);
    set_gate(p, p->s.retention.gate);
}

static void pair_finish(pair *p)
{
    nn_reference_destroy(p->ref);
    vkc_recording_destroy(p->rec);
    nn_graph_destroy(p->g);
    nn_batch_finish(&p->batch);
    nn_model_destroy(p->teacher);
    nn_model_destroy(p->student);
}

// Pictures number `step` on, in both forms; `bits` is what stands in all activations before.
static void execute(pair *p, uint32_t n, uint32_t step, uint32_t bits)
{
    static float pixels[IMAGES * PIXELS];
    uint32_t labels[IMAGES];
    vkc_device *dev = p->teacher->dev;
    vkc_slice in = nn_tensor_slice(p->pixels);
    golden_batch(&p->teacher->cfg, 5, step, n, pixels, labels);
    for (uint32_t b = 0; b < p->g->n_blocks; b++)
        assert_ok(vkc_fill(dev, vkc_slice_of(p->g->block[b]), bits));
    for (uint32_t b = 0; b < p->student->params->n_blocks; b++)
        assert_ok(vkc_fill(dev, vkc_slice_of(p->student->params->grad[b]), 0));
    assert_ok(nn_batch_write(dev, &p->batch, n));
    in.size = n * PIXELS * sizeof *pixels;
    assert_ok(vkc_write(dev, in, pixels));
    for (uint32_t k = 0; k < n * PIXELS; k++)
        nn_reference_values(p->ref, p->pixels)[k] = (double) pixels[k];
    assert_ok(vkc_submit(p->rec, NULL));
    assert_ok(vkc_wait(dev, 0));
    nn_reference_touch_all(p->ref);
    nn_reference_run(p->ref);
}

static float *read_tensor(const pair *p, const nn_tensor *x)
{
    float *v = (float *) malloc(nn_tensor_slice(x).size);
    assert_non_null(v);
    assert_ok(vkc_read(p->teacher->dev, nn_tensor_slice(x), v));
    return v;
}

static double read_scalar(const pair *p, const nn_tensor *x)
{
    float v;
    assert_ok(vkc_read(p->teacher->dev, nn_tensor_slice(x), &v));
    return (double) v;
}

static void check_as_in_double(const pair *p, const nn_tensor *x, size_t n, const char *what)
{
    float *v = read_tensor(p, x);
    const double e = test_nmse(v, nn_reference_values(p->ref, x), n);
    free(v);
    if (!(e <= DEVICE))
        fail_msg("%s: NMSE %.3g", what, e);
}

// ---- a copy of the teacher under the teacher's masks

static void test_copy(void **state)
{
    static const nn_retention_config topk = { .policy = NN_POLICY_TOPK, .share = { 0.8, 0.8, 0.4, 0.4 } };
    static const nn_retention_config none = { .policy = NN_POLICY_NONE };
    const nn_retention_config cases[] = { halting(1, true, 0), halting(1, true, 0.5), halting(2, false, 0.5),
                                          halting(1, false, 0), halting(3, true, 0.5), topk, none };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pair p;
        const bool halts = cases[i].policy == NN_POLICY_HALTING;
        pair_init(&p, (vkc_device *) *state, &(pair_params) { .r = cases[i], .mixer = "attention", .seed = 3,
                                                              .similarity = true, .imitates = true });
        assert_int_equal(p.h.n, halts ? DEPTH - 1 : 0);
        execute(&p, IMAGES - 1, (uint32_t) i, NAN_BITS);
        float *want = read_tensor(&p, p.wanted), *got = read_tensor(&p, p.logits);
        assert_memory_equal(want, got, (IMAGES - 1) * CLASSES * sizeof *want);
        for (uint32_t k = 0; k < p.h.n * FIGURES; k++)
            assert_true(read_scalar(&p, figure_of(&p, k / FIGURES, k % FIGURES)) == 0);
        for (uint32_t l = 0; l < DEPTH; l++) {
            assert_true(read_scalar(&p, p.mse[l]) == 0);
            assert_ptr_equal(nn_tensor_rows(p.s.attn[l]), nn_tensor_rows(p.t.attn[l]));
            assert_null(p.s.retention.source[l]);
        }
        if (p.batch.kept[0] && halts)           // or else there is nothing to see
            assert_true(p.batch.kept[2]->n < (IMAGES - 1) * T);
        free(want);
        free(got);
        pair_finish(&p);
    }
}

// ---- the losses by hand

static double sigmoid(double u)
{
    return 1 / (1 + exp(-u));
}

// The three figures of each block, from channel 0 of both residual streams in double; nothing of `halt` is looked at.
static void compute(const pair *p, uint32_t n, double out[DEPTH][FIGURES], uint32_t *n_running)
{
    const nn_retention_config *a = &p->teacher->cfg.retention, *b = &p->student->cfg.retention;
    double c_t[IMAGES][T] = { { 0 } }, c_s[IMAGES][T] = { { 0 } };
    for (uint32_t l = 0; l + 1 < DEPTH; l++) {              // the last block's scores are not compared
        const nn_rows *rows = nn_tensor_rows(p->t.block[l]);
        const double *x_t = nn_reference_values(p->ref, p->t.block[l]);
        const double *x_s = nn_reference_values(p->ref, p->s.block[l]);
        double kl = 0, keep = 0, count = 0;
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t r = rows->offsets[i]; r < rows->offsets[i + 1]; r++) {
                const uint32_t k = rows->pos[r];
                if (k < a->keep_class || c_t[i][k] >= 0.99)
                    continue;
                const double h = sigmoid(a->gate_scale * x_t[r * C] - a->gate_centre);
                const double q = sigmoid(b->gate_scale * x_s[r * C] - b->gate_centre);
                c_t[i][k] += h;
                c_s[i][k] += q;
                kl += h * log(h / q) + (1 - h) * log((1 - h) / (1 - q));
                keep += sigmoid((0.99 - c_s[i][k]) / 0.1) - sigmoid((0.99 - c_t[i][k]) / 0.1);
                count++;
            }
        assert_true(count > 0);
        *n_running += (uint32_t) count;
        out[l][0] = kl / count + 5 * (keep / count) * (keep / count);
        out[l][1] = kl / count;
        out[l][2] = keep / count;
    }
}

static void check_figure(const pair *p, uint32_t l, uint32_t k, double want)
{
    const double got = read_scalar(p, figure_of(p, l, k));
    assert_true(fabs(want) > 1e-4);
    if (!(fabs(got - want) <= 1e-4 * fabs(want)))
        fail_msg("every %u, block %u: figure %u is %.8g, by hand %.8g", p->teacher->cfg.retention.every, l, k, got,
                 want);
}

static void test_by_hand(void **state)
{
    for (uint32_t every = 1; every <= 2; every++)
        for (int kept = 0; kept < 2; kept++) {
            pair p;
            pair_init(&p, (vkc_device *) *state, &(pair_params) { .r = halting(every, kept, 0.5), .mixer = "linear",
                                                                  .seed = 3, .imitates = true, .centre = 1.25 });
            for (uint32_t step = 0; step < 2; step++) {
                double want[DEPTH][FIGURES];
                uint32_t n_running = 0;
                execute(&p, IMAGES - step, step, NAN_BITS);
                compute(&p, IMAGES - step, want, &n_running);
                assert_true(n_running < (IMAGES - step) * T * (DEPTH - 1));     // tokens have left or are done
                for (uint32_t l = 0; l + 1 < DEPTH; l++)
                    for (uint32_t k = 0; k < FIGURES; k++)
                        check_figure(&p, l, k, want[l][k]);
                check_as_in_double(&p, p.logits, (IMAGES - step) * CLASSES, "the student's logits");
            }
            pair_finish(&p);
        }
}

// ---- gradients

static double loss_at(pair *p, const nn_tensor *x, size_t k, double h)
{
    double *v = nn_reference_values(p->ref, x), old = v[k];
    v[k] += h;
    nn_reference_touch(p->ref, x);
    nn_reference_run(p->ref);
    v[k] = old;
    nn_reference_touch(p->ref, x);
    double sum = 0;
    for (uint32_t l = 0; l < p->h.n; l++)
        sum += nn_reference_values(p->ref, p->h.watch[l])[0];
    return sum;
}

static float *read_gradient(const pair *p, uint32_t i)
{
    float *dx = (float *) malloc(nn_shape_len(&p->student->params->p[i].shape) * sizeof *dx);
    assert_non_null(dx);
    assert_ok(vkc_read(p->teacher->dev, nn_params_grad(p->student->params, i), dx));
    return dx;
}

static void check_gradient(pair *p, uint32_t i, uint32_t probes)
{
    const nn_param *param = &p->student->params->p[i];
    const nn_tensor *x = nn_graph_param(p->g, p->student->params, i, true);
    const size_t n = nn_shape_len(&param->shape);
    const double h = 1e-6;
    uint64_t seed = 7 + i;
    double num = 0, den = 0, all = 0;
    float *dx = read_gradient(p, i);
    for (size_t k = 0; k < n; k++)
        all += (double) dx[k] * (double) dx[k];
    for (uint32_t q = 0; q < probes; q++) {
        const size_t k = (size_t) (test_rand(&seed) * (double) n) % n;
        const double fd = (loss_at(p, x, k, h) - loss_at(p, x, k, -h)) / (2 * h), d = fd - (double) dx[k];
        num += d * d;
        den += fd * fd;
    }
    free(dx);
    all *= (double) probes / (double) n;
    if (!(sqrt(num) <= GRADIENT * sqrt(fmax(den, all)) + 1e-9) || !isfinite(all))
        fail_msg("gradient of %s: %.3g of its size", param->name, sqrt(num / fmax(den, all)));
}

// The losses of halting alone: they reach channel 0 of every block's output but the last one's, nothing else of the
// last that is compared, and what lies before it in full.
static void test_gradients(void **state)
{
    for (uint32_t every = 1; every <= 2; every++) {
        pair p;
        pair_init(&p, (vkc_device *) *state, &(pair_params) { .r = halting(every, every == 1, 0.5), .mixer = "linear",
                                                              .seed = 3, .imitates = true, .centre = 1.25 });
        execute(&p, 3, 0, NAN_BITS);
        for (uint32_t i = 0; i < p.student->params->n; i++)
            check_gradient(&p, i, 2);
        for (uint32_t l = 0; l < DEPTH; l++) {
            float *dx = read_gradient(&p, p.student->block[l].fc2_b);
            if (l + 1 < DEPTH)
                assert_true(fabsf(dx[0]) > 1e-4f);
            for (uint32_t j = 0; j < C; j++)
                if (l + 1 == DEPTH || (l + 2 == DEPTH && j > 0))
                    assert_true(fabsf(dx[j]) <= 0);
            free(dx);
        }
        pair_finish(&p);
    }
}

// ---- weights

// A student whose blocks add nothing: its mean field is that of its embedding, whoever halts where, if
// weights sum to 1.
static void empty_blocks(nn_model *v)
{
    static const float zero[4 * C * C];
    for (uint32_t l = 0; l < DEPTH; l++) {
        const nn_block *b = &v->block[l];
        const uint32_t none[] = { b->proj_w, b->proj_b, b->fc2_w, b->fc2_b };
        for (size_t i = 0; i < sizeof none / sizeof *none; i++)
            assert_ok(nn_params_write(v->params, none[i], zero));
    }
}

static void test_weights(void **state)
{
    static const double centres[] = { 0.75, -100, 100 };    // some tokens halt, all in block 0, none before the end
    for (uint32_t every = 1; every <= 2; every++)
        for (int kept = 0; kept < 2; kept++)
            for (size_t i = 0; i < 3; i++) {
                pair p;
                double want[IMAGES * C];
                nn_retention_config r = halting(every, kept, 0.5);
                r.gate_centre = centres[i];
                pair_init(&p, (vkc_device *) *state, &(pair_params) { .r = r, .mixer = "attention", .seed = 8,
                                                                      .change = empty_blocks });
                execute(&p, IMAGES, 0, NAN_BITS);
                const double *x = nn_reference_values(p.ref, p.s.tokens);
                for (uint32_t b = 0; b < IMAGES; b++)
                    for (uint32_t j = 0; j < C; j++) {
                        want[b * C + j] = x[b * T * C + j];
                        for (uint32_t k = 1; k < T; k++)
                            want[b * C + j] += 0.5 / (T - 1) * x[(b * T + k) * C + j];
                    }
                float *field = read_tensor(&p, p.field);
                const double e = test_nmse(field, want, IMAGES * C);
                if (!(e <= 1e-10))
                    fail_msg("every %u, kept %d, centre %g: mean field, NMSE %.3g", every, kept, centres[i], e);
                free(field);
                pair_finish(&p);
            }
}

// ---- dropped rows

typedef struct bits {
    float logits[IMAGES * CLASSES];
    double figure[DEPTH][FIGURES], mse[DEPTH];
    float *grad;
} bits;

static bits run_bits(pair *p, uint32_t before)
{
    bits b;
    size_t n = 0;
    memset(&b, 0, sizeof b);
    execute(p, IMAGES, 1, before);
    float *logits = read_tensor(p, p->logits);
    memcpy(b.logits, logits, sizeof b.logits);
    free(logits);
    for (uint32_t l = 0; l < p->h.n; l++)
        for (uint32_t k = 0; k < FIGURES; k++)
            b.figure[l][k] = read_scalar(p, figure_of(p, l, k));
    for (uint32_t l = 0; l < DEPTH; l++)
        b.mse[l] = read_scalar(p, p->mse[l]);
    assert_non_null(b.grad = (float *) calloc(nn_params_count(p->student->params), sizeof *b.grad));
    for (uint32_t i = 0; i < p->student->params->n; i++) {
        const size_t len = nn_shape_len(&p->student->params->p[i].shape);
        float *dx = read_gradient(p, i);
        memcpy(b.grad + n, dx, len * sizeof *dx);
        free(dx);
        n += len;
    }
    for (size_t k = 0; k < n; k++)
        assert_true(isfinite(b.grad[k]));
    return b;
}

// The mean square over live rows alone, in double.
static void check_similarity(const pair *p)
{
    for (uint32_t l = 0; l < DEPTH; l++) {
        const nn_rows *rows = nn_tensor_rows(p->t.attn[l]);
        const double *a = nn_reference_values(p->ref, p->s.attn[l]), *b = nn_reference_values(p->ref, p->t.attn[l]);
        double want = 0, got = read_scalar(p, p->mse[l]);
        for (uint32_t k = 0; k < rows->n * C; k++)
            want += (a[k] - b[k]) * (a[k] - b[k]) / (rows->n * C);
        if (!(fabs(got - want) <= 1e-4 * want))
            fail_msg("block %u: similarity %.8g, over %u live rows %.8g", l, got, rows->n, want);
    }
    assert_true(p->batch.kept[2]->n < p->batch.kept[0]->n && p->batch.kept[0]->n < IMAGES * T);
}

// Whatever stands where dropped tokens were, no bit of losses and gradients is another; the student on its own stream
// and, as in a transfer, on the teacher's. Scans run on the tokens that are there, by either setting of gaps.
static void test_dropped(void **state)
{
    static const char *const mixers[] = { "linear", "ssd", "bilstm", "mingru" };
    for (size_t m = 0; m < sizeof mixers / sizeof *mixers; m++)
        for (int gaps = NN_GAPS_SKIP; gaps <= NN_GAPS_COUNT; gaps++)
            for (int forced = 0; forced < 2; forced++) {
                pair p;
                nn_retention_config r = halting(1, true, 0.5);
                r.gaps = gaps;
                r.gate_centre = 0.25;           // tokens halt after block 0 too
                r.eps = 0.4;
                pair_init(&p, (vkc_device *) *state, &(pair_params) { .r = r, .mixer = mixers[m], .seed = 3,
                          .similarity = true, .imitates = !forced, .forced = forced });
                bits clean = run_bits(&p, 0), poisoned = run_bits(&p, NAN_BITS);
                assert_memory_equal(clean.logits, poisoned.logits, sizeof clean.logits);
                assert_memory_equal(clean.figure, poisoned.figure, sizeof clean.figure);
                assert_memory_equal(clean.mse, poisoned.mse, sizeof clean.mse);
                assert_memory_equal(clean.grad, poisoned.grad, nn_params_count(p.student->params) * sizeof(float));
                check_similarity(&p);
                for (uint32_t l = 0; l < DEPTH; l++)
                    check_as_in_double(&p, p.s.attn[l], (size_t) nn_tensor_rows(p.s.attn[l])->n * C, mixers[m]);
                free(clean.grad);
                free(poisoned.grad);
                pair_finish(&p);
            }
}

// ---- topk

// A student without attention weights cannot choose for itself, but follows.
static void test_topk(void **state)
{
    pair p;
    const nn_retention_config r = { .policy = NN_POLICY_TOPK, .share = { 0.8, 0.8, 0.4, 0.4 } };
    pair_init(&p, (vkc_device *) *state, &(pair_params) { .r = r, .mixer = "ssd", .seed = 3, .similarity = true,
                                                          .imitates = true });
    assert_int_equal(p.h.n, 0);
    for (uint32_t step = 0; step < 2; step++) {
        execute(&p, IMAGES - step, step, NAN_BITS);
        check_as_in_double(&p, p.logits, (IMAGES - step) * CLASSES, "the student's logits");
        assert_int_equal(nn_tensor_rows(p.s.attn[3])->n, (IMAGES - step) * 8);      // the class token and 7 of 16
        assert_true(read_scalar(&p, p.mse[3]) > 0);
    }
    pair_finish(&p);
}

static void test_refused(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    const nn_retention_config none = { .policy = NN_POLICY_NONE };
    const nn_retention_config topk = { .policy = NN_POLICY_TOPK, .share = { 0.8, 0.8, 0.4, 0.4 } };
    const nn_retention_config less = { .policy = NN_POLICY_TOPK, .share = { 0.8, 0.6, 0.4, 0.4 } };
    const struct { nn_retention_config t, s; double halting; bool may; } cases[] = {
        { halting(1, true, 0), halting(1, true, 0.5), 0, true },
        { none, none, -1, true },                                { topk, topk, 0, true },
        { none, none, 1, false },                                { topk, topk, 1, false },
        { halting(1, true, 0), none, 0, false },                 { none, halting(1, true, 0), -1, false },
        { halting(1, true, 0), halting(2, true, 0), 0, false },
        { halting(1, true, 0), halting(1, false, 0), 0, false },
        { topk, less, 0, false },                                { halting(1, true, 0), topk, 0, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nn_model *t = make_model(dev, "attention", cases[i].t, false, 3);
        nn_model *s = make_model(dev, "attention", cases[i].s, false, 3);
        const distill_tune_params p = { .halting = cases[i].halting };
        assert_status(distill_halting_check(t, s, &p), cases[i].may ? VKC_OK : VKC_E_ARG);
        nn_model_destroy(t);
        nn_model_destroy(s);
    }
    // The graph itself refuses what it cannot do.
    nn_model *t = make_model(dev, "attention", halting(1, true, 0), false, 3);
    nn_model *s = make_model(dev, "attention", none, false, 3);
    nn_batch b;
    nn_graph *g;
    nn_model_taps taps = { 0 }, follows = { .retention = { .follow = &taps.retention } };
    assert_ok(nn_model_batch_create(dev, &t->cfg, 2, &b));
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *pixels = nn_graph_input(g, "pixels", (nn_shape) { 2, { 0, PIXELS } }, NN_DTYPE_F32, b.samples);
    assert_non_null(nn_model_forward(g, t, &b, &pixels, false, &taps));
    assert_null(nn_model_forward(g, s, &b, &pixels, false, &follows));
    assert_status(nn_graph_plan(g), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "follow"));
    nn_graph_destroy(g);
    nn_batch_finish(&b);
    nn_model_destroy(t);
    nn_model_destroy(s);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy),    cmocka_unit_test(test_by_hand), cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_weights), cmocka_unit_test(test_dropped), cmocka_unit_test(test_topk),
        cmocka_unit_test(test_refused),
    };
    test_filter_names(argc, argv, tests, sizeof tests / sizeof *tests);
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
