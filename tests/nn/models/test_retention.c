// test_retention.c — models with token pruning: masked, compacted on the device and compacted in double are the same
// for living tokens; gradients; dropped tokens have no influence; both policies, all mixers, and the ends of the range.
// usage: test_retention [pattern of test names]
#include "nn/infer/infer.h"
#include "shaders/halt/halt.h"
#include "tests/filter.h"
#include "tests/nn/models/golden_model.h"
#include "tests/nn/models/masked_vit.h"
#include "tests/numbers.h"
#include "tests/nn/models/retention_run.h"

#include <math.h>
#include <string.h>

#define ARCH "vit:image=16,patch=4,dim=24,depth=4,heads=3,classes=5"
enum { IMAGES = 5, T = 17, C = 24, DEPTH = 4, CLASSES = 5, PIXELS = 3 * 16 * 16 };

#define DEVICE 1e-9                 // NMSE of float against double
#define DOUBLE 1e-20                // and of double against double
#define GRADIENT 1e-4

static nn_retention_config halting(uint32_t every, bool keep_class, double read_patches)
{
    return (nn_retention_config) { .policy = NN_POLICY_HALTING, .every = every, .gate_scale = 2, .gate_centre = 0.75,
                                   .eps = 0.01, .keep_class = keep_class, .read_patches = read_patches };
}

static void make_config(const char *mixer, nn_retention_config r, nn_model_config *out)
{
    golden_config(ARCH, mixer, out);
    out->retention = r;
}

static void open_run(vkc_device *dev, const char *mixer, nn_retention_config r, bool train, retention_run *t)
{
    nn_model_config cfg;
    make_config(mixer, r, &cfg);
    assert_ok(retention_run_init(t, dev, &cfg, IMAGES, 3, train));
    nn_model_config_finish(&cfg);
}

static float *read_tensor(const retention_run *t, const nn_tensor *x)
{
    float *host = retention_run_read(t, x);
    assert_non_null(host);
    return host;
}

// ---- three forms

static uint32_t slot_of(const nn_rows *rows, uint32_t b, uint32_t t)
{
    return rows->pos[nn_rows_cap(rows) + b * rows->cap_tokens + t];
}

// A layout on the device is what the definition made of it on the host.
static void check_layout(const retention_run *t, uint32_t l)
{
    const nn_rows *rows = t->batch.kept[l];
    uint32_t *words = retention_run_words(t, l);
    assert_int_equal(words != NULL, rows != NULL);
    if (!rows)
        return;
    const uint32_t cap = nn_rows_cap(rows), *offsets = words + ROWS_HEADER, *pos = offsets + rows->cap_images + 1;
    assert_int_equal(words[0], rows->n);
    assert_int_equal(words[1], t->n);
    assert_memory_equal(offsets, rows->offsets, (rows->cap_images + 1) * 4);
    assert_memory_equal(pos, rows->pos, rows->n * 4);
    assert_memory_equal(pos + cap, rows->pos + cap, cap * 4);
    free(words);
}

// The residual stream of living tokens after block l, and where tokens are done: against the masked form.
static void check_block(const retention_run *t, const masked_vit *m, uint32_t l, uint32_t *n_done)
{
    const nn_rows *rows = retention_run_entry(t, l);
    float *x = read_tensor(t, t->taps.block[l]), *halt = read_tensor(t, t->taps.retention.halting[l]);
    const double *ref = nn_reference_values(t->ref, t->taps.block[l]);
    double num = 0, num_ref = 0, den = 0;
    for (uint32_t b = 0; b < t->n; b++)
        for (uint32_t k = 0; k < T; k++) {
            const uint32_t row = slot_of(rows, b, k);
            if ((row != ROWS_NONE) != m[b].is_there[l][k])
                fail_msg("block %u, image %u: token %u is %s", l, b, k, row == ROWS_NONE ? "missing" : "still there");
            if (row == ROWS_NONE)
                continue;
            if ((halt[row * HALT_COLS + HALT_C] >= 2) != (m[b].done[k] <= l))
                fail_msg("block %u, image %u: token %u halts in block %u by the masked form", l, b, k, m[b].done[k]);
            *n_done += m[b].done[k] == l;
            for (uint32_t j = 0; j < C; j++) {
                const double want = m[b].block[l][k][j];
                const double d = (double) x[row * C + j] - want, e = ref[row * C + j] - want;
                num += d * d;
                num_ref += e * e;
                den += want * want;
            }
        }
    if (!(test_ratio(num, den) <= DEVICE) || !(test_ratio(num_ref, den) <= DOUBLE))
        fail_msg("block %u: NMSE to the masked form %.3g, in double %.3g", l, test_ratio(num, den),
                 test_ratio(num_ref, den));
    free(x);
    free(halt);
}

static void check_logits(const retention_run *t, const masked_vit *m)
{
    float *logits = read_tensor(t, t->logits);
    for (uint32_t b = 0; b < t->n; b++) {
        const double *ref = nn_reference_values(t->ref, t->logits) + b * CLASSES;
        double e = test_nmse(logits + b * CLASSES, m[b].logits, CLASSES), num = 0, den = 0;
        for (uint32_t k = 0; k < CLASSES; k++) {
            num += (ref[k] - m[b].logits[k]) * (ref[k] - m[b].logits[k]);
            den += m[b].logits[k] * m[b].logits[k];
        }
        if (!(e <= DEVICE) || !(test_ratio(num, den) <= DOUBLE))
            fail_msg("image %u: logits, NMSE to the masked form %.3g, in double %.3g", b, e, test_ratio(num, den));
    }
    free(logits);
}

// Run n pictures in all three forms and compare; done[l] = tokens that halt in block l.
static void check_forms(retention_run *t, uint32_t n, uint32_t step, uint32_t done[DEPTH])
{
    static masked_vit m[IMAGES];
    assert_ok(retention_run_execute(t, n, step));
    memset(done, 0, DEPTH * sizeof *done);
    for (uint32_t b = 0; b < n; b++) {
        masked_vit_run(t->v, (const double *const *) t->param, t->host + b * PIXELS, &m[b]);
        for (uint32_t k = 0; k < T; k++)
            assert_true(fabs(m[b].weight[k] - 1) < 1e-12);
    }
    for (uint32_t l = 0; l < DEPTH; l++) {
        check_layout(t, l);
        check_block(t, m, l, &done[l]);
    }
    check_logits(t, m);
}

static void test_forms(void **state)
{
    static const uint32_t every[] = { 1, 2, 3 };
    for (size_t e = 0; e < 3; e++)
        for (int kept = 0; kept < 2; kept++)
            for (int read = 0; read < 2; read++) {
                retention_run t;
                uint32_t done[DEPTH];
                open_run((vkc_device *) *state, "attention", halting(every[e], kept, 0.5 * read), false, &t);
                for (uint32_t step = 0; step < 3; step++) {
                    check_forms(&t, IMAGES - step, step, done);
                    // Or else there is nothing to see: tokens halt in each of the later blocks.
                    assert_true(done[1] > 4 && done[2] > 4 && done[3] > 4);
                }
                retention_run_finish(&t);
            }
}

// The weights that the device gives each token sum to 1.
static void test_weights(void **state)
{
    retention_run t;
    open_run((vkc_device *) *state, "attention", halting(2, false, 0.5), false, &t);
    assert_ok(retention_run_execute(&t, IMAGES, 0));
    double sum[IMAGES][T] = { { 0 } };
    for (uint32_t l = 0; l < DEPTH; l++) {
        const nn_rows *rows = retention_run_entry(&t, l);
        float *halt = read_tensor(&t, t.taps.retention.halting[l]);
        for (uint32_t b = 0; b < IMAGES; b++)
            for (uint32_t r = rows->offsets[b]; r < rows->offsets[b + 1]; r++)
                sum[b][rows->pos[r]] += (double) halt[r * HALT_COLS + HALT_P];
        free(halt);
    }
    for (uint32_t b = 0; b < IMAGES; b++)
        for (uint32_t k = 0; k < T; k++)
            assert_true(fabs(sum[b][k] - 1) < 1e-6);
    retention_run_finish(&t);
}

// ---- the ends of the range

// All that may halt are done in block 0: a kept class token alone remains, or no token, and images have length 0.
static void test_all_halt(void **state)
{
    for (int kept = 0; kept < 2; kept++)
        for (uint32_t every = 1; every <= 2; every++) {
            retention_run t;
            uint32_t done[DEPTH];
            nn_retention_config r = halting(every, kept, 0.5);
            r.gate_centre = -100;
            open_run((vkc_device *) *state, "attention", r, true, &t);
            check_forms(&t, IMAGES, 0, done);
            assert_int_equal(done[0], IMAGES * (uint32_t) (T - kept));
            assert_int_equal(done[DEPTH - 1], kept ? IMAGES : 0);
            for (uint32_t l = 0; l < DEPTH; l++)
                if (t.batch.kept[l])
                    assert_int_equal(t.batch.kept[l]->n, kept ? IMAGES : 0);
            for (uint32_t i = 0; i < t.v->params->n; i++) {     // and the backward pass minds no empty image
                const size_t n = nn_shape_len(&t.v->params->p[i].shape);
                float *dx = (float *) malloc(n * sizeof *dx);
                assert_non_null(dx);
                assert_ok(vkc_read(t.v->dev, nn_params_grad(t.v->params, i), dx));
                for (size_t k = 0; k < n; k++)
                    assert_true(isfinite(dx[k]));
                free(dx);
            }
            retention_run_finish(&t);
        }
}

// Nobody halts before the last block.
static void test_none_halt(void **state)
{
    retention_run t;
    uint32_t done[DEPTH];
    nn_retention_config r = halting(1, true, 0);
    r.gate_centre = 100;
    open_run((vkc_device *) *state, "attention", r, false, &t);
    check_forms(&t, IMAGES, 0, done);
    assert_int_equal(done[DEPTH - 1], IMAGES * T);
    retention_run_finish(&t);
}

// Where no token is dropped, for no layout is ever made, the classifier reads a kept class token of the last block as a
// dense model does, whatever its gate says. One that halts it reads of the blocks before too.
static void test_class_token(void **state)
{
    retention_run t;
    open_run((vkc_device *) *state, "attention", (nn_retention_config) { .policy = NN_POLICY_NONE }, false, &t);
    assert_ok(retention_run_execute(&t, IMAGES, 0));
    float *dense = read_tensor(&t, t.logits);
    retention_run_finish(&t);
    for (int kept = 0; kept < 2; kept++) {
        uint32_t done[DEPTH];
        open_run((vkc_device *) *state, "attention", halting(DEPTH, kept, 0), false, &t);
        check_forms(&t, IMAGES, 0, done);
        assert_true(done[0] + done[1] + done[2] > IMAGES);
        float *logits = read_tensor(&t, t.logits);
        double e = test_nmse_float(logits, dense, IMAGES * CLASSES);
        if (kept ? !(e <= DEVICE) : !(e > 1e-3))
            fail_msg("a class token that %s: NMSE to the dense model %.3g", kept ? "is kept" : "halts", e);
        free(logits);
        retention_run_finish(&t);
    }
    free(dense);
}

// ---- gradients

static double loss_at(retention_run *t, const nn_tensor *x, size_t k, double h)
{
    double *v = nn_reference_values(t->ref, x), old = v[k];
    v[k] += h;
    nn_reference_touch(t->ref, x);
    nn_reference_run(t->ref);
    v[k] = old;
    nn_reference_touch(t->ref, x);
    return nn_reference_values(t->ref, t->loss)[0] + (t->halt_loss ? nn_reference_values(t->ref, t->halt_loss)[0] : 0);
}

// A few elements of the gradient of parameter i against differences of the definition; errors are measured by the
// size of the whole gradient, for some elements of it are 0 (a key's bias).
static void check_gradient(retention_run *t, uint32_t i, uint32_t probes, const char *note)
{
    const nn_param *p = &t->v->params->p[i];
    const nn_tensor *x = nn_graph_param(t->g, t->v->params, i, true);
    const size_t n = nn_shape_len(&p->shape);
    const double h = 1e-6;          // so small that no token crosses the threshold for it
    uint64_t seed = 77 + i;
    double num = 0, den = 0, all = 0;
    float *dx = (float *) malloc(n * sizeof *dx);
    assert_non_null(dx);
    assert_ok(vkc_read(t->v->dev, nn_params_grad(t->v->params, i), dx));
    for (size_t k = 0; k < n; k++)
        all += (double) dx[k] * (double) dx[k];
    for (uint32_t q = 0; q < probes; q++) {
        size_t k = (size_t) (test_rand(&seed) * (double) n) % n;
        double fd = (loss_at(t, x, k, h) - loss_at(t, x, k, -h)) / (2 * h), d = fd - (double) dx[k];
        num += d * d;
        den += fd * fd;
    }
    free(dx);
    all *= (double) probes / (double) n;
    if (!(sqrt(num) <= GRADIENT * sqrt(fmax(den, all))) || !(all > 0))
        fail_msg("%s: gradient of %s: %.3g of its size", note, p->name, sqrt(num / fmax(den, all)));
}

static void test_gradients(void **state)
{
    struct { const char *note; nn_retention_config r; } cases[] = {
        { "every block", halting(1, true, 0.5) },
        { "every second block, the class token halts", halting(2, false, 0) },
        { "topk", { .policy = NN_POLICY_TOPK, .share = { 0.8, 0.8, 0.4, 0.4 } } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        retention_run t;
        open_run((vkc_device *) *state, "attention", cases[i].r, true, &t);
        assert_ok(retention_run_execute(&t, 3, 0));
        for (uint32_t p = 0; p < t.v->params->n; p++)
            check_gradient(&t, p, 2, cases[i].note);
        retention_run_finish(&t);
    }
}

// ---- topk

// The tokens with the `count` highest scores of an image's patches by what the device says, and the class token.
static void choose(const nn_rows *rows, const float *score, uint32_t b, uint32_t count, bool *keeps)
{
    memset(keeps, 0, T * sizeof *keeps);
    for (uint32_t r = rows->offsets[b]; r < rows->offsets[b + 1]; r++) {
        uint32_t above = 0;
        for (uint32_t s = rows->offsets[b]; s < rows->offsets[b + 1]; s++)
            above += rows->pos[s] > 0 && (score[s] > score[r] || (s < r && !(score[s] < score[r])));
        keeps[rows->pos[r]] = rows->pos[r] == 0 || above < count;
    }
}

static void test_topk(void **state)
{
    nn_model_config cfg;
    retention_run t;
    double share[DEPTH] = { 0 }, want = 0, mean = 0;
    make_config("attention", (nn_retention_config) { .policy = NN_POLICY_NONE }, &cfg);
    nn_retention_config r;
    assert_ok(nn_retention_topk(&cfg, 0.6, NULL, 0, &r));
    open_run((vkc_device *) *state, "attention", r, false, &t);
    for (uint32_t step = 0; step < 2; step++) {
        assert_ok(retention_run_execute(&t, IMAGES, step));
        for (uint32_t l = 0; l < DEPTH; l++) {
            check_layout(&t, l);
            if (!t.batch.kept[l])
                continue;
            const nn_rows *from = retention_run_entry(&t, l), *to = t.batch.kept[l];
            float *score = read_tensor(&t, t.taps.retention.score[l]);
            double e = test_nmse(score, nn_reference_values(t.ref, t.taps.retention.score[l]), from->n);
            assert_true(e <= DEVICE);
            for (uint32_t b = 0; b < IMAGES; b++) {
                bool keeps[T];
                choose(from, score, b, nn_retention_count(&t.v->cfg, l), keeps);
                for (uint32_t k = 0; k < T; k++)
                    assert_true((slot_of(to, b, k) != ROWS_NONE) == keeps[k]);
            }
            free(score);
        }
    }
    float *logits = read_tensor(&t, t.logits);
    assert_true(test_nmse(logits, nn_reference_values(t.ref, t.logits), IMAGES * CLASSES) <= DEVICE);
    free(logits);
    const uint32_t *words[NN_MAX_DEPTH] = { 0 };
    for (uint32_t l = 0; l < DEPTH; l++)
        words[l] = retention_run_words(&t, l);
    nn_retention_add_shares(&t.v->cfg, words, IMAGES, share);
    for (uint32_t l = 0; l < DEPTH; l++) {
        assert_true(fabs(share[l] / IMAGES - nn_retention_share(&t.v->cfg, l)) < 1e-12);
        mean += share[l] / IMAGES / DEPTH;
        want += nn_retention_share(&t.v->cfg, l) / DEPTH;
        free((void *) words[l]);
    }
    assert_true(fabs(mean - want) < 1e-12 && fabs(mean - 0.6) <= 0.5 / (T - 1));
    retention_run_finish(&t);
}

// A layer without attention weights cannot choose; one without a choice may be anything.
static void test_topk_refused(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    const nn_retention_config r = { .policy = NN_POLICY_TOPK, .share = { 1, 0.5, 0.5, 0.5 } };
    for (uint32_t m = 0; m < nn_n_mixers; m++)
        for (uint32_t l = 0; l < 2; l++) {
            nn_model_config cfg;
            nn_model *v = NULL;
            nn_infer *inf = NULL;
            make_config("attention", r, &cfg);
            assert_ok(nn_mixer_parse(nn_mixers[m]->name, &cfg.layers[l], NULL));
            assert_ok(nn_model_create(dev, &cfg, false, &v));
            const bool may = l == 0 || nn_mixers[m]->has_weights;
            vkc_status st = nn_infer_create(v, 2, &inf);
            if (st != (may ? VKC_OK : VKC_E_ARG) || (!may && !strstr(vkc_last_error(), nn_mixers[m]->name)))
                fail_msg("%s in layer %u: %s: %s", nn_mixers[m]->name, l, vkc_status_str(st), vkc_last_error());
            nn_infer_destroy(inf);
            nn_model_destroy(v);
            nn_model_config_finish(&cfg);
        }
}

// ---- dropped tokens

typedef struct cut {                // tokens and flags -> compaction -> two blocks -> class tokens
    nn_batch batch;
    nn_graph *g;
    nn_tensor *x, *keep, *block, *first;
    vkc_recording *rec;
} cut;

static void open_cut(const nn_model *v, cut *t)
{
    assert_ok(nn_model_batch_create(v->dev, &v->cfg, IMAGES, &t->batch));
    assert_ok(nn_graph_create(v->dev, &t->g));
    t->x = nn_graph_input(t->g, "x", (nn_shape) { 2, { 0, C } }, NN_DTYPE_F32, t->batch.tokens);
    t->keep = nn_graph_input(t->g, "keep", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, t->batch.tokens);
    nn_tensor *src = NN_APPLY0(t->g, compact, t->batch.kept[0], t->keep);
    nn_tensor *x = NN_APPLY0(t->g, gather_rows, NULL, t->x, src);
    x = nn_model_block_forward(t->g, v, 0, x, false, NULL);
    t->block = nn_model_block_forward(t->g, v, 1, x, false, NULL);
    t->first = NN_APPLY0(t->g, first_rows, t->batch.samples, t->block);
    nn_graph_keep(t->g, t->block);
    nn_graph_keep(t->g, t->first);
    assert_ok(nn_graph_plan(t->g));
    assert_ok(vkc_recording_create(v->dev, &(vkc_recording_params) { .name = "cut" }, &t->rec));
    assert_ok(nn_graph_record(t->g, t->rec));
    assert_ok(vkc_recording_finish(t->rec));
    assert_ok(nn_batch_write(v->dev, &t->batch, IMAGES));
}

static void run_cut(vkc_device *dev, const cut *t, const float *x, const uint32_t *keep, uint32_t n, float *out)
{
    vkc_slice block = nn_tensor_slice(t->block), first = nn_tensor_slice(t->first);
    block.size = n * C * sizeof *out;
    first.size = IMAGES * C * sizeof *out;
    assert_ok(vkc_write(dev, nn_tensor_slice(t->x), x));
    assert_ok(vkc_write(dev, nn_tensor_slice(t->keep), keep));
    assert_ok(vkc_submit(t->rec, NULL));
    assert_ok(vkc_wait(dev, 0));
    assert_ok(vkc_read(dev, block, out));
    assert_ok(vkc_read(dev, first, out + n * C));
}

// Whatever stands in the rows of dropped tokens, the bits of all others are the same.
static void test_poison(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        nn_model_config cfg;
        nn_model *v = NULL;
        cut t;
        static float x[IMAGES * T * C], clean[IMAGES * (T + 1) * C], poisoned[IMAGES * (T + 1) * C];
        uint32_t keep[IMAGES * T], n = 0;
        uint64_t seed = 1;
        make_config(nn_mixers[m]->name, halting(1, true, 0), &cfg);
        assert_ok(nn_model_create(dev, &cfg, false, &v));
        golden_fill(v->params, 9, 0.3f);
        open_cut(v, &t);
        for (uint32_t r = 0; r < IMAGES * T; r++) {
            keep[r] = r % T == 0 || (r / T > 0 && test_rand(&seed) < 0.5);      // image 0 keeps its class token alone
            n += keep[r];
            for (uint32_t j = 0; j < C; j++)
                x[r * C + j] = (float) test_rand(&seed) - 0.5f;
        }
        run_cut(dev, &t, x, keep, n, clean);
        for (uint32_t r = 0; r < IMAGES * T; r++)
            for (uint32_t j = 0; j < C && !keep[r]; j++)
                x[r * C + j] = NAN;
        run_cut(dev, &t, x, keep, n, poisoned);
        assert_memory_equal(clean, poisoned, (n + IMAGES) * C * sizeof *clean);
        for (uint32_t k = 0; k < (n + IMAGES) * C; k++)
            assert_true(isfinite(clean[k]));
        vkc_recording_destroy(t.rec);
        nn_graph_destroy(t.g);
        nn_batch_finish(&t.batch);
        nn_model_destroy(v);
        nn_model_config_finish(&cfg);
    }
}

// ---- mixers

// Every mixer after a compaction: as in double; other pictures and other counts in the same recording; a batch as each
// image alone.
static void check_mixer(vkc_device *dev, const char *mixer, nn_retention_config r, float all[IMAGES * CLASSES])
{
    retention_run t;
    open_run(dev, mixer, r, false, &t);
    for (uint32_t step = 0; step < 3; step++) {
        assert_ok(retention_run_execute(&t, step == 1 ? 2 : IMAGES, step));
        float *logits = read_tensor(&t, t.logits);
        double e = test_nmse(logits, nn_reference_values(t.ref, t.logits), t.n * CLASSES);
        if (!(e <= DEVICE))
            fail_msg("%s, batch %u: NMSE %.3g", mixer, step, e);
        for (uint32_t l = 0; l < DEPTH; l++)
            check_layout(&t, l);
        assert_true(t.batch.kept[0]->n < t.n * T && t.batch.kept[2]->n < t.batch.kept[0]->n);
        free(logits);
    }
    nn_infer *many, *one;
    float pixels[IMAGES * PIXELS], alone[CLASSES];
    memcpy(pixels, t.host, sizeof pixels);
    assert_ok(nn_infer_create_with(t.v, &(nn_infer_params) { .cap_images = IMAGES, .kept = true }, &many));
    assert_ok(nn_infer_create(t.v, 1, &one));
    assert_ok(nn_infer_run(many, pixels, IMAGES, all));
    for (uint32_t b = 0; b < IMAGES; b++) {
        assert_ok(nn_infer_run(one, pixels + b * PIXELS, 1, alone));
        double e = test_nmse_float(alone, all + b * CLASSES, CLASSES);
        if (!(e <= DEVICE))
            fail_msg("%s: image %u alone, NMSE %.3g", mixer, b, e);
    }
    for (uint32_t l = 0; l < DEPTH; l++) {
        uint32_t *words = retention_run_words(&t, l);
        assert_int_equal(words != NULL, nn_infer_kept(many, l) != NULL);
        if (words)
            assert_memory_equal(nn_infer_kept(many, l), words, t.batch.kept[l]->words.size);
        assert_null(nn_infer_kept(one, l));     // nobody asked
        free(words);
    }
    nn_infer_destroy(many);
    nn_infer_destroy(one);
    retention_run_finish(&t);
}

static void test_mixers(void **state)
{
    uint32_t n_decays = 0;
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        float skip[IMAGES * CLASSES], count[IMAGES * CLASSES];
        nn_retention_config r = halting(1, true, 0.5);
        r.gate_centre = 0.25;       // tokens halt after block 0 too
        r.eps = 0.4;
        check_mixer((vkc_device *) *state, nn_mixers[m]->name, r, skip);
        r.gaps = NN_GAPS_COUNT;
        check_mixer((vkc_device *) *state, nn_mixers[m]->name, r, count);
        n_decays += memcmp(skip, count, sizeof skip) != 0;
    }
    assert_int_equal(n_decays, 4);  // ssd, gla, gated_delta, jet: those whose decay is a rate a token
}

// ---- dense models

// A model that keeps all tokens gives the bits of one that was never asked; scores come beside and change nothing.
static void test_dense(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    float pixels[IMAGES * PIXELS], logits[3][IMAGES * CLASSES];
    uint32_t labels[IMAGES];
    for (int k = 0; k < 3; k++) {
        nn_model_config cfg;
        nn_model *v;
        nn_infer *inf;
        nn_retention_config r = { .policy = k == 1 ? NN_POLICY_TOPK : NN_POLICY_NONE, .share = { 1, 1, 1, 1 } };
        make_config("attention", r, &cfg);
        assert_ok(nn_mixer_parse("ssd", &cfg.layers[2], NULL));
        assert_ok(nn_model_create(dev, &cfg, false, &v));
        golden_fill(v->params, 4, 0.3f);
        golden_batch(&cfg, 6, 0, IMAGES, pixels, labels);
        assert_ok(nn_infer_create_with(v, &(nn_infer_params) { .cap_images = IMAGES, .kept = k > 0, .scores = k == 2 },
                                       &inf));
        assert_ok(nn_infer_run(inf, pixels, IMAGES, logits[k]));
        assert_memory_equal(logits[0], logits[k], sizeof logits[0]);
        for (uint32_t l = 0; l < DEPTH; l++) {
            const float *score = nn_infer_scores(inf, l);
            assert_null(nn_infer_kept(inf, l));
            assert_int_equal(score != NULL, k == 2 && l != 2);
            for (uint32_t b = 0; score && b < IMAGES; b++) {    // the weights of one query, mean over heads
                double sum = 0;
                for (uint32_t t = 0; t < T; t++)
                    sum += (double) score[b * T + t];
                assert_true(fabs(sum - 1) < 1e-5);
            }
        }
        nn_infer_destroy(inf);
        nn_model_destroy(v);
        nn_model_config_finish(&cfg);
    }
    nn_model_config cfg;
    nn_model *v;
    nn_infer *inf = NULL;
    make_config("attention", halting(1, true, 0), &cfg);
    assert_ok(nn_model_create(dev, &cfg, false, &v));
    assert_status(nn_infer_create_with(v, &(nn_infer_params) { .cap_images = 1, .scores = true }, &inf), VKC_E_ARG);
    nn_model_destroy(v);
    nn_model_config_finish(&cfg);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),   cmocka_unit_test(test_weights),   cmocka_unit_test(test_all_halt),
        cmocka_unit_test(test_none_halt), cmocka_unit_test(test_class_token), cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_topk), cmocka_unit_test(test_topk_refused), cmocka_unit_test(test_poison),
        cmocka_unit_test(test_mixers), cmocka_unit_test(test_dense),
    };
    test_filter_names(argc, argv, tests, sizeof tests / sizeof *tests);
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
