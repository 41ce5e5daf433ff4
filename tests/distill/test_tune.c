// test_tune.c — end-to-end tuning of a student: what is trained and what keeps its bits, gradients through frozen
// blocks, losses as by hand, stopped and resumed to the same bits, what cannot be; targets and distances of a transfer.
#include "distill/transfer/tune.h"
#include "nn/models/picture_loader.h"
#include "nn/train/fit_work.h"
#include "tests/numbers.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define DATA "synth:ringed-digit,train=44,val=16,test=4"       // 6 batches of 8, the last one not full
#define ARCH "vit:image=32,patch=8,dim=16,depth=3,heads=2,classes=10"

enum { BATCH = 8, DEPTH = 3, DIM = 16, TOKENS = 17, CLASSES = 10 };

typedef struct fixture {
    nn_dataset *data;
    nn_model *teacher;
    char dir[64];
} fixture;

static void open_fixture(void **state, fixture *f)
{
    nn_model_config cfg;
    *f = (fixture) { .dir = "/tmp/pare-tune-XXXXXX" };
    assert_non_null(mkdtemp(f->dir));
    assert_ok(nn_dataset_create(DATA, &f->data));
    assert_ok(nn_model_config_init(&cfg, ARCH));
    assert_ok(nn_model_create((vkc_device *) *state, &cfg, true, &f->teacher));
    assert_ok(nn_model_init(f->teacher, 1));
    for (uint32_t i = 0; i < f->teacher->params->n; i++) {      // not the small numbers of a start
        const nn_param *p = &f->teacher->params->p[i];
        float x[4 * DIM * DIM];
        const size_t n = nn_shape_len(&p->shape);
        if (!p->decay || n > sizeof x / sizeof *x)
            continue;
        assert_ok(nn_params_read(f->teacher->params, i, x));
        for (size_t k = 0; k < n; k++)
            x[k] *= 8;
        assert_ok(nn_params_write(f->teacher->params, i, x));
    }
    nn_model_config_finish(&cfg);
}

static void close_fixture(fixture *f)
{
    static const char *const files[] = { "log.jsonl", "tune.safetensors", "second.safetensors" };
    for (int i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", f->dir, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(f->dir), 0);
    nn_model_destroy(f->teacher);
    nn_dataset_destroy(f->data);
}

// A student with this mixer in each layer that `layers` names, "02": all else is the teacher's.
static nn_model *make_student(const fixture *f, const char *layers, const char *mixer)
{
    nn_layer_config layer[DEPTH];
    nn_model *s;
    for (uint32_t l = 0; l < DEPTH; l++) {
        layer[l] = f->teacher->cfg.layers[l];
        if (strchr(layers, (int) ('0' + l)))
            assert_ok(nn_mixer_parse(mixer, &layer[l], NULL));
    }
    assert_ok(distill_student_create_layers(f->teacher, layer, &s));
    for (uint32_t l = 0; l < DEPTH; l++)
        assert_int_equal(distill_layer_differs(f->teacher, s, l), strchr(layers, (int) ('0' + l)) != NULL);
    return s;
}

static distill_tune_params make_params(const fixture *f)
{
    return (distill_tune_params) { .data = f->data, .batch = BATCH, .epochs = 2, .seed = 5, .threads = 2, .clip = -1 };
}

static bool is_same(const nn_model *a, const nn_model *b, uint32_t i)
{
    const nn_param *p = &a->params->p[i];
    const size_t size = nn_shape_len(&p->shape) * sizeof(float);
    uint32_t k;
    float *x = malloc(size), *y = malloc(size);
    assert_true(x && y);
    assert_true(nn_params_find(b->params, p->name, &k));
    assert_ok(nn_params_read(a->params, i, x));
    assert_ok(nn_params_read(b->params, k, y));
    const bool same = memcmp(x, y, size) == 0;
    free(x);
    free(y);
    return same;
}

// How many parameters with this in their names have other bits?
static int count_changed(const nn_model *a, const nn_model *b, const char *part)
{
    int n = 0;
    for (uint32_t i = 0; i < a->params->n; i++)
        n += strstr(a->params->p[i].name, part) && !is_same(a, b, i);
    return n;
}

static void test_names(void **state)
{
    (void) state;
    for (int i = 0; i < DISTILL_N_TRAINED; i++) {
        distill_trained t;
        assert_ok(distill_trained_get(distill_trained_name((distill_trained) i), &t));
        assert_int_equal(t, i);
    }
    for (int i = 0; i < DISTILL_N_TARGETS; i++) {
        distill_target t;
        assert_ok(distill_target_get(distill_target_name((distill_target) i), &t));
        assert_int_equal(t, i);
    }
    for (int i = 0; i < DISTILL_N_DISTANCES; i++) {
        distill_distance d;
        assert_ok(distill_distance_get(distill_distance_name((distill_distance) i), &d));
        assert_int_equal(d, i);
        assert_status(distill_distance_get("manhattan", &d), VKC_E_ARG);
        assert_non_null(strstr(vkc_last_error(), distill_distance_name((distill_distance) i)));
    }
}

// Images without a token are not counted; a channel that is 0 in one of the two has distance 1.
static void test_cosine_of_nothing(void **state)
{
    vkc_device *dev = *state;
    nn_rows *rows;
    nn_graph *g;
    vkc_recording *rec;
    const uint32_t lengths[] = { 2, 0, 1 };
    const float a[] = { 3, 0,  4, 0,  2, 5 }, b[] = { 4, 1,  3, 2,  -7, 1 };    // cos: 0.96, none; -1, 1
    float loss;
    assert_ok(nn_rows_create(dev, 3, 2, 0, 0, 0, &rows));
    assert_ok(nn_rows_write(dev, rows, 3, lengths, NULL));
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *x = nn_graph_input(g, "a", (nn_shape) { 2, { 0, 2 } }, NN_DTYPE_F32, rows);
    nn_tensor *y = nn_graph_input(g, "b", (nn_shape) { 2, { 0, 2 } }, NN_DTYPE_F32, rows);
    nn_tensor *d = NN_APPLY0(g, cosine, NULL, x, y);
    nn_graph_keep(g, d);
    assert_ok(nn_graph_plan(g));
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "cosine" }, &rec));
    assert_ok(nn_graph_record(g, rec));
    assert_ok(vkc_recording_finish(rec));
    vkc_slice sx = nn_tensor_slice(x), sy = nn_tensor_slice(y);
    sx.size = sizeof a;
    sy.size = sizeof b;
    assert_ok(vkc_write(dev, sx, a));
    assert_ok(vkc_write(dev, sy, b));
    assert_ok(vkc_submit(rec, NULL));
    assert_ok(vkc_read(dev, nn_tensor_slice(d), &loss));
    assert_true(fabs((double) loss - (0.04 + 1 + 2 + 0) / 4) < 1e-6);
    assert_ok(nn_rows_write(dev, rows, 0, NULL, NULL));
    assert_ok(vkc_submit(rec, NULL));
    assert_ok(vkc_read(dev, nn_tensor_slice(d), &loss));
    assert_true(loss == 0);
    vkc_recording_destroy(rec);
    nn_graph_destroy(g);
    nn_rows_destroy(rows);
}

// Is a part of a block that differs trained?
static bool trains(distill_trained t, const char *part)
{
    const bool is_fc = t == DISTILL_TRAIN_FC || t == DISTILL_TRAIN_FC_HEAD, is_late = t >= DISTILL_TRAIN_BLOCKS;
    if (strcmp(part, "mlp") == 0)
        return is_fc || is_late;
    return strncmp(part, "norm", 4) == 0 ? is_late : strcmp(part, "attn.qkv") == 0 ? !is_fc
                                                                                   : t == DISTILL_TRAIN_ATTN || is_late;
}

// Only what was asked for is trained, and everything else, the teacher too, keeps its bits, whatever else there is.
static void test_trained(void **state)
{
    fixture f;
    open_fixture(state, &f);
    nn_model *start = make_student(&f, "02", "linear"), *before = make_student(&f, "", "");
    static const char *const inside[] = { "attn.qkv", "attn.proj", "norm1", "norm2", "mlp.fc1", "mlp.fc2" };
    for (int t = 0; t < DISTILL_N_TRAINED; t++) {
        nn_model *s = make_student(&f, "02", "linear");
        distill_tune_params p = make_params(&f);
        distill_tune_result r;
        p.trained = (distill_trained) t;
        p.kl = 1;
        p.weight_decay = 0.1;
        p.clip = 0.5;
        p.recipe = (nn_recipe) { .smoothing = 0.1, .mixup = 0.8, .drop_path = 0.1, .ema = 0.5 };
        assert_ok(distill_tune(f.teacher, s, &p, &r));
        assert_int_equal(r.steps, 12);
        for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
            const bool changes = trains(p.trained, strncmp(inside[i], "mlp", 3) == 0 ? "mlp" : inside[i]);
            for (char l = '0'; l <= '2'; l++) {
                char name[32];
                snprintf(name, sizeof name, "blocks.%c.%s", l, inside[i]);
                assert_int_equal(count_changed(s, start, name) > 0, l == '1' ? t == DISTILL_TRAIN_ALL : changes);
            }
        }
        static const char *const rest[] = { "blocks.1.", "head.", "embed", "cls_token" };
        for (int i = 0; i < 4; i++)
            assert_int_equal(count_changed(s, start, rest[i]) > 0,
                             t == DISTILL_TRAIN_ALL || (t == DISTILL_TRAIN_FC_HEAD && i == 1));
        for (uint32_t i = 0; i < s->params->n; i++)
            assert_false(s->params->p[i].frozen);
        const bool early = t <= DISTILL_TRAIN_ATTN;
        assert_true(isfinite(r.distance[0]) == early && isfinite(r.distance[2]) == early && isnan(r.distance[1]));
        assert_true(isfinite(r.ce) && isfinite(r.kl) && isnan(r.halting));
        nn_model_destroy(s);
    }
    for (uint32_t i = 0; i < before->params->n; i++)
        assert_true(is_same(before, f.teacher, i));
    nn_model_destroy(start);
    nn_model_destroy(before);
    close_fixture(&f);
}

// A transfer of some layers leaves the others as they are, and those that it trains come out as without them.
static void test_only(void **state)
{
    fixture f;
    open_fixture(state, &f);
    const bool only[DEPTH] = { false, true, true };     // layer 1 is the teacher's
    nn_model *start = make_student(&f, "02", "linear"), *one = make_student(&f, "2", "linear");
    nn_model *s = make_student(&f, "02", "linear");
    distill_transfer_params q = { .data = f.data, .batch = BATCH, .epochs = 1, .match_epochs = 1, .seed = 5,
                                  .threads = 2, .weight_decay = 0.1 };
    distill_transfer_result r, alone;
    assert_ok(distill_transfer(f.teacher, one, &q, &alone));
    q.only = only;
    assert_ok(distill_transfer(f.teacher, s, &q, &r));
    assert_true(isnan(r.error[0]) && isnan(r.error[1]) && r.error[2] == alone.error[2]);
    assert_true(r.match.n_layers == 1 && isnan(r.match.after[0]) && r.match.after[2] == alone.match.after[2]);
    assert_int_equal(count_changed(s, start, "blocks.0."), 0);
    assert_int_equal(count_changed(s, start, "blocks.1."), 0);
    assert_true(count_changed(s, start, "blocks.2.attn.") > 0);
    assert_int_equal(count_changed(one, s, "blocks.2."), 0);
    const bool same[DEPTH] = { false, true, false };
    q.only = same;
    assert_status(distill_transfer(f.teacher, s, &q, &r), VKC_E_ARG);
    nn_model_destroy(start);
    nn_model_destroy(one);
    nn_model_destroy(s);
    close_fixture(&f);
}

// What layer 2 gives depends on the mixer of layer 0, so its distance trains that too, where a teacher-forced one
// cannot: layer 0 then learns the same whether or not layer 2 is compared.
static void test_reaches(void **state)
{
    fixture f;
    open_fixture(state, &f);
    nn_model *s[2][2];
    for (int own = 0; own < 2; own++) {
        for (int two = 0; two < 2; two++) {
            s[own][two] = make_student(&f, two ? "02" : "0", "linear");
            distill_tune_params p = make_params(&f);
            distill_transfer_params q = { .data = f.data, .batch = BATCH, .epochs = 1, .seed = 5, .threads = 2 };
            distill_tune_result r;
            distill_transfer_result tr;
            p.ce = -1;
            p.epochs = 1;
            p.plain = false;
            assert_ok(own ? distill_tune(f.teacher, s[own][two], &p, &r)
                          : distill_transfer(f.teacher, s[own][two], &q, &tr));
            if (!own)
                assert_true(tr.error[0] > 0 && isnan(tr.error[1]) && (tr.error[2] > 0) == two);
        }
        assert_int_equal(count_changed(s[own][0], s[own][1], "blocks.0.attn.") > 0, own);
        assert_int_equal(count_changed(s[own][0], s[own][1], "blocks.1."), 0);
    }
    for (int i = 0; i < 4; i++)
        nn_model_destroy(s[i / 2][i % 2]);
    close_fixture(&f);
}

// A graph of both models on the first batch, and the values of what is kept.
typedef struct by_hand {
    nn_fit_work w;
    nn_model_taps taps[2];            // teacher, student
    nn_tensor  *logits[2];
    vkc_recording *rec;
    uint32_t    labels[BATCH];
} by_hand;

static void open_by_hand(by_hand *h, const fixture *f, const nn_model *student)
{
    const nn_model *v[2] = { f->teacher, student };
    const nn_loader_params lp = nn_loader_params_to_train(&student->cfg, f->data, BATCH, 5, 2, false);
    float pixels[BATCH * 3 * 32 * 32];
    uint32_t n;
    *h = (by_hand) { .rec = NULL };
    assert_ok(nn_fit_work_init_pictures(&h->w, student->dev, &student->cfg, &lp));
    for (int m = 0; m < 2; m++) {
        h->logits[m] = nn_model_forward(h->w.graph, v[m], &h->w.batch, h->w.input, false, &h->taps[m]);
        nn_graph_keep(h->w.graph, h->logits[m]);
        for (int l = 0; l < DEPTH; l++) {
            nn_graph_keep(h->w.graph, h->taps[m].heads[l]);
            nn_graph_keep(h->w.graph, h->taps[m].attn[l]);
        }
    }
    assert_ok(nn_graph_plan(h->w.graph));
    assert_ok(vkc_recording_create(student->dev, &(vkc_recording_params) { .name = "by hand" }, &h->rec));
    assert_ok(nn_graph_record(h->w.graph, h->rec));
    assert_ok(vkc_recording_finish(h->rec));
    assert_ok(nn_loader_get(h->w.loader, pixels, h->labels, &n));
    assert_int_equal(n, BATCH);
    assert_ok(nn_batch_write(student->dev, &h->w.batch, n));
    assert_int_equal(nn_tensor_slice(h->w.input[0]).size, sizeof pixels);
    assert_ok(vkc_write(student->dev, nn_tensor_slice(h->w.input[0]), pixels));
    assert_ok(vkc_submit(h->rec, NULL));
}

static void read_layer(const by_hand *h, vkc_device *dev, int m, int l, distill_target target, float *out)
{
    const nn_model_taps *t = &h->taps[m];
    vkc_slice s = nn_tensor_slice(target == DISTILL_TARGET_HEADS ? t->heads[l] : t->attn[l]);
    s.size = BATCH * TOKENS * DIM * sizeof *out;
    assert_ok(vkc_read(dev, s, out));
}

static double distance_by_hand(const float *a, const float *b, distill_distance d, double *size)
{
    double sum = 0;
    *size = d == DISTILL_MSE ? 0 : 1;
    for (int i = 0; i < BATCH * TOKENS * DIM && d == DISTILL_MSE; i++) {
        const double x = (double) a[i], y = (double) b[i];
        sum += (x - y) * (x - y) / (BATCH * TOKENS * DIM);
        *size += y * y / (BATCH * TOKENS * DIM);
    }
    for (int k = 0; k < BATCH * DIM && d == DISTILL_COSINE; k++) {
        double aa = 0, bb = 0, ab = 0;
        for (int t = 0; t < TOKENS; t++) {
            const int i = (k / DIM * TOKENS + t) * DIM + k % DIM;
            const double x = (double) a[i], y = (double) b[i];
            aa += x * x, bb += y * y, ab += x * y;
        }
        sum += (1 - ab / sqrt(aa * bb)) / (BATCH * DIM);
    }
    return sum;
}

static void log_softmax(const float *z, double temperature, double out[CLASSES])
{
    double sum = 0;
    for (int k = 0; k < CLASSES; k++)
        sum += exp((double) z[k] / temperature);
    for (int k = 0; k < CLASSES; k++)
        out[k] = (double) z[k] / temperature - log(sum);
}

// The first step, before anything was trained: every loss is what the insides of both models say, and their sum.
static void test_by_hand(void **state)
{
    fixture f;
    by_hand h;
    float a[BATCH * TOKENS * DIM], b[BATCH * TOKENS * DIM], z[2][BATCH * CLASSES];
    const double temperature = 2, smoothing = 0.1;
    double ce = 0, kl = 0;
    open_fixture(state, &f);
    nn_model *s = make_student(&f, "02", "linear");
    open_by_hand(&h, &f, s);
    for (int m = 0; m < 2; m++)
        assert_ok(vkc_read(s->dev, nn_tensor_slice(h.logits[m]), z[m]));
    for (int i = 0; i < BATCH; i++) {
        double plain[CLASSES], soft[2][CLASSES];
        log_softmax(z[1] + i * CLASSES, 1, plain);
        for (int m = 0; m < 2; m++)
            log_softmax(z[m] + i * CLASSES, temperature, soft[m]);
        for (int k = 0; k < CLASSES; k++) {
            const double want = smoothing / CLASSES + (k == (int) h.labels[i] ? 1 - smoothing : 0);
            ce -= want * plain[k] / BATCH;
            kl += temperature * temperature * exp(soft[0][k]) * (soft[0][k] - soft[1][k]) / BATCH;
        }
    }
    assert_true(kl > 1e-4);
    for (int i = 0; i < DISTILL_N_TARGETS * DISTILL_N_DISTANCES; i++) {
        distill_tune_params p = make_params(&f);
        distill_tune_result r;
        double sum = 0.5 * ce + 3 * kl;
        p.trained = DISTILL_TRAIN_ALL;
        p.target = (distill_target) (i / DISTILL_N_DISTANCES);
        p.distance = (distill_distance) (i % DISTILL_N_DISTANCES);
        p.similarity = 0.25;
        p.ce = 0.5;
        p.kl = 3;
        p.temperature = temperature;
        p.recipe.smoothing = smoothing;
        p.max_steps = 1;
        nn_model *v = make_student(&f, "02", "linear");
        assert_status(distill_tune(f.teacher, v, &p, &r), VKC_E_STOPPED);
        assert_int_equal(r.steps, 1);
        for (int l = 0; l < DEPTH; l += 2) {
            double size;
            read_layer(&h, s->dev, 0, l, p.target, b);
            read_layer(&h, s->dev, 1, l, p.target, a);
            const double d = distance_by_hand(a, b, p.distance, &size);
            // 1 - cos is rounded as numbers near 1 are.
            const double bar = 1e-4 * d / size + (p.distance == DISTILL_COSINE ? 1e-7 : 0);
            assert_true(d > 1e-5 && fabs(r.distance[l] - d / size) < bar);
            sum += 0.25 * d;
        }
        assert_true(fabs(r.ce - ce) < 1e-5 * ce && fabs(r.kl - kl) < 1e-4 * kl && fabs(r.loss - sum) < 1e-4 * sum);
        nn_model_destroy(v);
    }
    vkc_recording_destroy(h.rec);
    nn_fit_work_finish(&h.w);
    nn_model_destroy(s);
    close_fixture(&f);
}

// Both distances of both targets fall, teacher-forced and end to end.
static void test_falls(void **state)
{
    fixture f;
    open_fixture(state, &f);
    for (int i = 0; i < DISTILL_N_TARGETS * DISTILL_N_DISTANCES; i++) {
        const distill_target target = (distill_target) (i / DISTILL_N_DISTANCES);
        const distill_distance distance = (distill_distance) (i % DISTILL_N_DISTANCES);
        nn_model *s = make_student(&f, "02", "bilstm"), *start = make_student(&f, "02", "bilstm");
        distill_transfer_params q = { .data = f.data, .batch = BATCH, .epochs = 1, .seed = 5, .threads = 2,
                                      .target = target, .distance = distance };
        distill_tune_params p = make_params(&f);
        distill_transfer_result first, last;
        distill_tune_result r, end;
        assert_ok(distill_transfer(f.teacher, s, &q, &first));
        q.epochs = 4;
        assert_ok(distill_transfer(f.teacher, s, &q, &last));
        const bool projects = target == DISTILL_TARGET_OUTPUT;
        assert_int_equal(count_changed(s, start, "blocks.0.attn.proj") > 0, projects);
        assert_int_equal(count_changed(s, start, "blocks.1."), 0);
        p.epochs = 1;
        p.target = target;
        p.distance = distance;
        p.lr = 3e-3;
        p.ce = -1;
        assert_ok(distill_tune(f.teacher, start, &p, &r));
        p.epochs = 6;
        assert_ok(distill_tune(f.teacher, start, &p, &end));
        print_message("%s, %s: layer 0 %.4f -> %.4f; tuning %.4f -> %.4f, loss %.4f -> %.4f\n",
                      distill_target_name(target), distill_distance_name(distance), first.error[0], last.error[0],
                      r.distance[0], end.distance[0], r.loss, end.loss);
        assert_true(last.error[0] < 0.9 * first.error[0] && last.error[2] < 0.95 * first.error[2]);
        assert_true(end.loss < 0.9 * r.loss && end.distance[0] < 0.9 * r.distance[0]);
        nn_model_destroy(s);
        nn_model_destroy(start);
    }
    close_fixture(&f);
}

static bool stop_at(void *user, const nn_progress *p)
{
    return p->done < *(const uint64_t *) user;
}

static void test_resume(void **state)
{
    fixture f;
    open_fixture(state, &f);
    nn_model *whole = make_student(&f, "02", "linear"), *s = NULL;
    distill_tune_params p = make_params(&f);
    distill_tune_result r, part;
    uint64_t at = 1;
    p.kl = 1;
    p.recipe = (nn_recipe) { .smoothing = 0.1, .mixup = 0.8, .cutmix = 1, .drop_path = 0.2, .ema = 0.9 };
    assert_ok(distill_tune(f.teacher, whole, &p, &r));
    p.run_dir = f.dir;
    const uint32_t stops[] = { 3, 6, 8, 0 };    // within an epoch, at its end, within the next
    for (int i = 0; i < 4; i++) {
        nn_model_destroy(s);
        s = make_student(&f, "02", "linear");
        p.max_steps = stops[i];
        p.resume = i > 0;
        assert_status(distill_tune(f.teacher, s, &p, &part), stops[i] ? VKC_E_STOPPED : VKC_OK);
        assert_int_equal(part.steps, stops[i] ? stops[i] : 12);
    }
    for (uint32_t i = 0; i < s->params->n; i++)
        assert_true(is_same(s, whole, i));
    assert_true(part.loss == r.loss && part.ce == r.ce && part.kl == r.kl && part.distance[0] == r.distance[0] &&
                part.distance[2] == r.distance[2]);
    // A second stage has a checkpoint of its own; told to stop as by Ctrl-C, it leaves one.
    p.what = "second";
    p.trained = DISTILL_TRAIN_ALL;
    p.progress = stop_at;
    p.user = &at;
    assert_status(distill_tune(f.teacher, s, &p, &part), VKC_E_STOPPED);
    assert_true(part.steps >= 1 && part.steps < 12);
    p.progress = NULL;
    assert_ok(distill_tune(f.teacher, s, &p, &part));
    assert_int_equal(part.steps, 12);
    nn_model_destroy(s);
    nn_model_destroy(whole);
    close_fixture(&f);
}

static nn_model *make_teacher(vkc_device *dev, const char *arch)
{
    nn_model_config cfg;
    nn_model *v;
    assert_ok(nn_model_config_init(&cfg, arch));
    assert_ok(nn_model_create(dev, &cfg, false, &v));
    nn_model_config_finish(&cfg);
    return v;
}

static void refuse(const nn_model *teacher, nn_model *s, const distill_tune_params *p, vkc_status want,
                   const char *words)
{
    distill_tune_result r;
    assert_status(distill_tune_check(teacher, s, p), want);
    assert_status(distill_tune(teacher, s, p, &r), want);
    if (!strstr(vkc_last_error(), words))
        fail_msg("\"%s\" does not say \"%s\"", vkc_last_error(), words);
    assert_int_equal(r.steps, 0);
}

static void test_refused(void **state)
{
    fixture f;
    open_fixture(state, &f);
    nn_model *s = make_student(&f, "02", "linear"), *same = make_student(&f, "", "");
    nn_model *narrow = make_teacher(s->dev, "vit:image=32,patch=8,dim=8,depth=3,heads=2,classes=10");
    nn_model *heads = make_teacher(s->dev, "vit:image=32,patch=8,dim=16,depth=3,heads=4,classes=10");
    nn_model *seven = make_teacher(s->dev, "vit:image=32,patch=8,dim=16,depth=3,heads=2,classes=7");
    const distill_tune_params usual = make_params(&f);
    distill_tune_params p = usual;
    refuse(narrow, s, &p, VKC_E_ARG, "the student has 16 channels a token, the teacher 8");
    refuse(heads, s, &p, VKC_E_ARG, "the student has 2 heads, the teacher 4");
    refuse(f.teacher, same, &p, VKC_E_ARG, "nothing to train");
    refuse(NULL, same, &p, VKC_E_ARG, "nothing to train");
    p.kl = 1;
    refuse(seven, s, &p, VKC_E_FORMAT, "the teacher has 7 classes, the student 10");
    refuse(NULL, s, &p, VKC_E_ARG, "want a teacher");
    p = usual;
    p.similarity = 1;
    p.trained = DISTILL_TRAIN_ALL;
    refuse(f.teacher, same, &p, VKC_E_ARG, "nothing to compare");
    p.similarity = -1;
    p.ce = -1;
    refuse(f.teacher, s, &p, VKC_E_ARG, "nothing to minimise");
    p = usual;
    p.trained = DISTILL_TRAIN_ALL;
    refuse(NULL, seven, &p, VKC_E_FORMAT, "has 10 classes, the model 7");
    p.epochs = 1;                               // and alone, fine-tuning
    distill_tune_result r;
    assert_ok(distill_tune(NULL, same, &p, &r));
    assert_true(isfinite(r.ce) && r.loss == r.ce && isnan(r.kl) && isnan(r.distance[0]));
    distill_transfer_result tr;
    assert_status(distill_transfer(f.teacher, same, &(distill_transfer_params) { .data = f.data }, &tr), VKC_E_ARG);
    nn_model_destroy(s);
    nn_model_destroy(same);
    nn_model_destroy(narrow);
    nn_model_destroy(heads);
    nn_model_destroy(seven);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names), cmocka_unit_test(test_cosine_of_nothing), cmocka_unit_test(test_trained),
        cmocka_unit_test(test_only), cmocka_unit_test(test_reaches), cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_falls), cmocka_unit_test(test_resume), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
