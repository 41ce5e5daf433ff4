// test_vit.c — models: files and back, weights that do not fit, batches of any size, dropped tokens, hybrids.
#include "nn/base/files.h"
#include "nn/infer/infer.h"
#include "nn/checkpoint/safetensors.h"
#include "tests/nn/models/golden_model.h"
#include "tests/numbers.h"

#include <math.h>
#include <unistd.h>

#define ARCH "vit:image=12,patch=4,dim=20,depth=2,heads=5,classes=7"
#define CLASSES 7u
#define PIXELS (3 * 12 * 12)
#define PATCHES 9u
#define IMAGES 3u

// Attention in layer 0, `mixer` in layer 1; weights by formula.
static nn_model *make_model(vkc_device *dev, const char *mixer, uint64_t seed)
{
    nn_model_config cfg;
    nn_model *v = NULL;
    golden_config(ARCH, "attention", &cfg);
    assert_ok(nn_mixer_parse(mixer, &cfg.layers[1], NULL));
    assert_ok(nn_model_create(dev, &cfg, false, &v));
    golden_fill(v->params, seed, 0.3f);
    nn_model_config_finish(&cfg);
    return v;
}

static void fill_pixels(const nn_model *v, float pixels[IMAGES * PIXELS])
{
    uint32_t labels[IMAGES];
    golden_batch(&v->cfg, 11, 0, IMAGES, pixels, labels);
}

static float *read_params(const nn_params *ps)
{
    float *all = (float *) malloc(nn_params_count(ps) * sizeof *all), *at = all;
    assert_non_null(all);
    for (uint32_t i = 0; i < ps->n; i++) {
        assert_ok(nn_params_read(ps, i, at));
        at += nn_shape_len(&ps->p[i].shape);
    }
    return all;
}

// Text k of those that a layer can be: every mixer, with its defaults and with every other value of each option.
static bool mixer_text(uint32_t k, char out[128])
{
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        const char *name = nn_mixers[m]->name;
        if (k-- == 0)
            return snprintf(out, 128, "%s", name) > 0;
        for (const nn_mixer_option *o = nn_mixers[m]->options; o && o->key; o++)
            for (uint32_t i = 1; o->values[i]; i++)
                if (k-- == 0)
                    return snprintf(out, 128, "%s:%s=%s", name, o->key, nn_mixer_option_value(o, i)) > 0;
    }
    return false;
}

// ---- files

typedef struct folder { char dir[64], weights[128], other[128]; } folder;

static void make_folder(folder *f)
{
    strcpy(f->dir, "/tmp/pare-vit-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->weights, sizeof f->weights, "%s/model.safetensors", f->dir);
    snprintf(f->other, sizeof f->other, "%s/other.safetensors", f->dir);
}

static void remove_folder(const folder *f)
{
    const char *names[] = { "config.json", "pare.json", "preprocessor_config.json", "README.md",
                            "model.safetensors", "other.safetensors" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[160];
        snprintf(path, sizeof path, "%s/%s", f->dir, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(f->dir), 0);
}

static void save_model(const folder *f, const nn_model *v)
{
    assert_ok(nn_model_config_save(f->dir, &v->cfg, NULL));
    assert_ok(nn_model_save_weights(v, f->weights));
}

static void check_same_files(const char *a, const char *b)
{
    unsigned char *x, *y;
    size_t nx, ny;
    assert_ok(nn_file_load(a, 1 << 24, &x, &nx));
    assert_ok(nn_file_load(b, 1 << 24, &y, &ny));
    assert_int_equal(nx, ny);
    assert_memory_equal(x, y, nx);
    free(x);
    free(y);
}

static void test_round_trip(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    char mixer[128];
    for (uint32_t i = 0; mixer_text(i, mixer); i++) {
        folder f;
        make_folder(&f);
        nn_model *v = make_model(dev, mixer, 2), *back = NULL;
        save_model(&f, v);
        assert_ok(nn_model_load(dev, f.dir, false, &back));
        assert_int_equal(back->params->n, v->params->n);
        for (uint32_t l = 0; l < 2; l++) {
            assert_ptr_equal(back->block[l].mixer, v->block[l].mixer);
            assert_string_equal(back->block[l].layer.options, v->block[l].layer.options);
        }
        float *a = read_params(v->params), *b = read_params(back->params);
        assert_memory_equal(a, b, nn_params_count(v->params) * sizeof *a);
        assert_ok(nn_model_save_weights(back, f.other));
        check_same_files(f.weights, f.other);
        free(a);
        free(b);
        nn_model_destroy(v);
        nn_model_destroy(back);
        remove_folder(&f);
    }
}

// Write the weights again with tensor `name` changed: left out, of another shape, or of whole numbers; or with one
// more tensor of that name.
typedef enum { LEFT_OUT, RESHAPED, WHOLE, EXTRA } change;

static vkc_status copy_bytes(void *user, uint64_t offset, void *out, size_t size)
{
    return nn_st_tensor_read_raw((const nn_st_tensor *) user, offset, size, out);
}

static void save_changed(const folder *f, const char *name, change how)
{
    nn_safetensors *file;
    static const float more[2] = { 1, 2 };
    assert_ok(nn_safetensors_load(f->other, &file));
    size_t len = nn_safetensors_len(file), n = 0;
    nn_st_save *t = (nn_st_save *) calloc(len + 1, sizeof *t);
    assert_non_null(t);
    for (size_t i = 0; i < len; i++) {
        const nn_st_tensor *s = nn_safetensors_at(file, i);
        bool is_it = strcmp(s->name, name) == 0;
        if (is_it && how == LEFT_OUT)
            continue;
        t[n] = (nn_st_save) { .name = s->name, .dtype = s->dtype, .rank = s->rank, .read = copy_bytes,
                              .user = (void *) (uintptr_t) s };
        memcpy(t[n].shape, s->shape, sizeof s->shape);
        if (is_it && how == RESHAPED) {         // turned on its side: the same number of bytes
            t[n].shape[0] = s->shape[1];
            t[n].shape[1] = s->shape[0];
        }
        if (is_it && how == WHOLE)
            t[n].dtype = NN_ST_I32;
        n++;
    }
    if (how == EXTRA)
        t[n++] = (nn_st_save) { .name = name, .dtype = NN_ST_F32, .rank = 1, .shape = { 2 }, .data = more };
    assert_ok(nn_safetensors_save(f->weights, t, n, NULL, 0));
    free(t);
    nn_safetensors_destroy(file);
}

static void check_refused(vkc_device *dev, const folder *f, vkc_status want, const char *word)
{
    nn_model *v = NULL;
    uint64_t before = vkc_memory_get_info(dev).in_use;
    assert_status(nn_model_load(dev, f->dir, true, &v), want);
    if (!strstr(vkc_last_error(), word))
        fail_msg("no \"%s\" in: %s", word, vkc_last_error());
    assert_null(v);
    assert_int_equal(vkc_memory_get_info(dev).in_use, before);
}

static void test_unfit_weights(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    const struct { const char *name; change how; } bad[] = {
        { "blocks.1.attn.qkv.weight", LEFT_OUT }, { "cls_token", LEFT_OUT }, { "head.bias", LEFT_OUT },
        { "blocks.0.mlp.fc1.weight", RESHAPED },  { "pos_embed", RESHAPED }, { "norm.weight", WHOLE },
        { "blocks.2.norm1.weight", EXTRA },       { "dist_token", EXTRA },
    };
    folder f;
    make_folder(&f);
    nn_model *v = make_model(dev, "linear", 2);
    save_model(&f, v);
    assert_ok(nn_model_save_weights(v, f.other));
    nn_model_destroy(v);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        save_changed(&f, bad[i].name, bad[i].how);
        check_refused(dev, &f, VKC_E_FORMAT, bad[i].name);
    }
    assert_int_equal(truncate(f.weights, 4000), 0);
    check_refused(dev, &f, VKC_E_FORMAT, "model.safetensors");
    assert_int_equal(unlink(f.weights), 0);
    check_refused(dev, &f, VKC_E_IO, "model.safetensors");
    remove_folder(&f);
}

// ---- batches

static void test_batches(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    char mixer[128];
    for (uint32_t k = 0; mixer_text(k, mixer); k++) {
        nn_model *v = make_model(dev, mixer, 4);
        nn_infer *many, *one;
        float pixels[IMAGES * PIXELS], all[IMAGES * CLASSES], part[IMAGES * CLASSES];
        double worst = 0;
        fill_pixels(v, pixels);
        assert_ok(nn_infer_create(v, IMAGES, &many));
        assert_ok(nn_infer_create(v, 1, &one));
        assert_ok(nn_infer_run(many, pixels, IMAGES, all));
        for (uint32_t n = 1; n <= IMAGES; n++)          // part of a batch
            for (uint32_t b = 0; b + n <= IMAGES; b++) {
                assert_ok(nn_infer_run(many, pixels + b * PIXELS, n, part));
                assert_memory_equal(part, all + b * CLASSES, n * CLASSES * sizeof *part);
            }
        for (uint32_t b = 0; b < IMAGES; b++) {         // another capacity may choose other tiles
            assert_ok(nn_infer_run(one, pixels + b * PIXELS, 1, part));
            for (uint32_t i = 0; i < CLASSES; i++)
                worst = test_worst(worst, fabs((double) part[i] - (double) all[b * CLASSES + i]));
        }
        assert_true(worst < 1e-5);
        assert_status(nn_infer_run(one, pixels, 2, part), VKC_E_ARG);
        nn_infer_destroy(many);
        nn_infer_destroy(one);
        nn_model_destroy(v);
    }
}

// ---- dropped tokens

typedef struct forward {
    nn_batch batch;
    nn_graph *g;
    nn_tensor *pixels, *logits;
    vkc_recording *rec;
} forward;

static void open_forward(const nn_model *v, forward *f)
{
    *f = (forward) { 0 };
    assert_ok(nn_model_batch_create(v->dev, &v->cfg, IMAGES, &f->batch));
    assert_ok(nn_graph_create(v->dev, &f->g));
    f->pixels = nn_graph_input(f->g, "pixels", (nn_shape) { 2, { 0, PIXELS } }, NN_DTYPE_F32, f->batch.samples);
    f->logits = nn_model_forward(f->g, v, &f->batch, &f->pixels, false, NULL);
    nn_graph_keep(f->g, f->logits);
    assert_ok(nn_graph_plan(f->g));
    assert_ok(vkc_recording_create(v->dev, &(vkc_recording_params) { .name = "forward" }, &f->rec));
    assert_ok(nn_graph_record(f->g, f->rec));
    assert_ok(vkc_recording_finish(f->rec));
}

static void close_forward(forward *f)
{
    vkc_recording_destroy(f->rec);
    nn_graph_destroy(f->g);
    nn_batch_finish(&f->batch);
}

// Logits of `n` images of which only the patches in `keep` (bits) are live.
static void run_forward(vkc_device *dev, forward *f, const float *pixels, uint32_t n, const uint32_t *keep, float *out)
{
    uint32_t patches[IMAGES] = { 0 }, tokens[IMAGES], patch_pos[IMAGES * PATCHES], token_pos[IMAGES * (PATCHES + 1)];
    uint32_t np = 0, nt = 0;
    for (uint32_t b = 0; b < n; b++) {
        token_pos[nt++] = 0;
        for (uint32_t p = 0; p < PATCHES; p++)
            if (keep[b] & 1u << p) {
                patch_pos[np++] = p;
                token_pos[nt++] = p + 1;
                patches[b]++;
            }
        tokens[b] = patches[b] + 1;
    }
    assert_ok(nn_rows_write_dense(dev, f->batch.samples, n));
    assert_ok(nn_rows_write(dev, f->batch.patches, n, patches, patch_pos));
    assert_ok(nn_rows_write(dev, f->batch.tokens, n, tokens, token_pos));
    vkc_slice in = nn_tensor_slice(f->pixels), logits = nn_tensor_slice(f->logits);
    in.size = n * PIXELS * sizeof *pixels;
    logits.size = n * CLASSES * sizeof *out;
    assert_ok(vkc_write(dev, in, pixels));
    assert_ok(vkc_submit(f->rec, NULL));
    assert_ok(vkc_wait(dev, 0));
    assert_ok(vkc_read(dev, logits, out));
}

// Pixels of patches that are not kept become NaN: nobody may look at them.
static void poison(float *pixels, uint32_t keep)
{
    for (uint32_t i = 0; i < PIXELS; i++) {
        uint32_t y = i / 12 % 12, x = i % 12;
        if (!(keep & 1u << (y / 4 * 3 + x / 4)))
            pixels[i] = NAN;
    }
}

static void test_dropped_tokens(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    char mixer[128];
    const uint32_t all = (1u << PATCHES) - 1, keep[IMAGES] = { all, 0x0b6, 0x100 }, full[IMAGES] = { all, all, all };
    for (uint32_t k = 0; mixer_text(k, mixer); k++) {
        nn_model *v = make_model(dev, mixer, 6);
        forward f;
        float pixels[IMAGES * PIXELS], dense[IMAGES * CLASSES], uneven[IMAGES * CLASSES], one[CLASSES];
        fill_pixels(v, pixels);
        open_forward(v, &f);
        run_forward(dev, &f, pixels, IMAGES, full, dense);
        for (uint32_t b = 0; b < IMAGES; b++)
            poison(pixels + b * PIXELS, keep[b]);
        run_forward(dev, &f, pixels, IMAGES, keep, uneven);
        for (uint32_t b = 0; b < IMAGES; b++) {         // alone or among others: the same bits
            run_forward(dev, &f, pixels + b * PIXELS, 1, keep + b, one);
            assert_memory_equal(one, uneven + b * CLASSES, sizeof one);
        }
        assert_memory_equal(dense, uneven, CLASSES * sizeof *dense);
        for (uint32_t i = CLASSES; i < IMAGES * CLASSES; i++)
            assert_true(isfinite(uneven[i]) && uneven[i] != dense[i]);
        close_forward(&f);
        nn_model_destroy(v);
    }
}

// ---- hybrids

// Copy every parameter of `to` from the one of that name in `from` that `part` is a piece of.
static void copy_params(nn_params *to, const nn_params *from, const char *part)
{
    for (uint32_t i = 0; i < to->n; i++) {
        uint32_t at;
        float x[4096];
        if (!strstr(to->p[i].name, part) || !nn_params_find(from, to->p[i].name, &at))
            continue;
        assert_true(nn_shape_len(&from->p[at].shape) <= 4096);
        assert_ok(nn_params_read(from, at, x));
        assert_ok(nn_params_write(to, i, x));
    }
}

static void infer(const nn_model *v, const float *pixels, float *out)
{
    nn_infer *inf;
    assert_ok(nn_infer_create(v, IMAGES, &inf));
    assert_ok(nn_infer_run(inf, pixels, IMAGES, out));
    nn_infer_destroy(inf);
}

// A teacher whose layer 1 is borrowed from a student = a model of that shape with both one's weights.
static void test_borrow(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_model *teacher = make_model(dev, "attention", 1), *student = make_model(dev, "linear", 2);
    nn_model *same = make_model(dev, "attention", 1), *native = make_model(dev, "linear", 3);
    float pixels[IMAGES * PIXELS], plain[IMAGES * CLASSES], got[IMAGES * CLASSES], want[IMAGES * CLASSES];
    fill_pixels(teacher, pixels);
    infer(teacher, pixels, plain);
    nn_model_borrow(teacher, same, 0);            // equal weights: equal bits
    infer(teacher, pixels, got);
    assert_memory_equal(got, plain, sizeof got);
    nn_model_borrow(teacher, student, 1);
    assert_string_equal(teacher->block[1].mixer->name, "linear");
    infer(teacher, pixels, got);
    assert_memory_not_equal(got, plain, sizeof got);
    copy_params(native->params, teacher->params, "");
    copy_params(native->params, student->params, "blocks.1.attn.");
    infer(native, pixels, want);
    assert_memory_equal(got, want, sizeof got);
    nn_model_borrow(teacher, same, 1);            // and back
    infer(teacher, pixels, got);
    assert_memory_equal(got, plain, sizeof got);
    nn_model_destroy(teacher);
    nn_model_destroy(student);
    nn_model_destroy(same);
    nn_model_destroy(native);
}

// ---- counts

static void test_counts(void **state)
{
    const struct { const char *arch; uint64_t n; } known[] = {
        { "vit:image=224,patch=16,dim=192,depth=12,heads=3,classes=1000", 5717416 },     // timm: deit_tiny_patch16_224
        { "vit:image=64,patch=8,dim=96,depth=6,heads=3,classes=10", 697066 },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        nn_model_config cfg;
        nn_model *v;
        assert_ok(nn_model_config_init(&cfg, known[i].arch));
        assert_ok(nn_model_create((vkc_device *) *state, &cfg, false, &v));
        assert_int_equal(nn_params_count(v->params), known[i].n);
        const uint64_t n = nn_model_config_tokens(&cfg), c = cfg.dim, some[] = { 1, 2, n / 2, n };
        for (int k = 0; k < 4; k++)         // multiply-adds of a block of attention, by hand
            assert_int_equal(nn_model_block_macs(v, 0, (uint32_t) some[k]),
                             some[k] * (4 * c * c + 2 * c * cfg.hidden) + 2 * some[k] * some[k] * c);
        assert_int_equal(nn_model_block_macs(v, 0, (uint32_t) n), nn_model_macs(v, 0));
        // With all patches the whole model; with a part of them in the second block less by hand, between two numbers
        // of tokens on a straight line; with none the class token alone.
        double keep[NN_MAX_DEPTH] = { 0 }, spared = 0;
        const double all = (double) nn_model_macs(v, cfg.depth);
        for (uint32_t l = 0; l < cfg.depth; l++)
            keep[l] = 1;
        assert_true(nn_model_kept_macs(v, keep) == all);
        keep[1] = ((double) n / 2 - 0.75) / (double) (n - 1);           // n / 2 rounded down and a quarter
        const uint64_t low = n / 2, part[] = { low, low + 1 };
        if (n % 2 == 1)
            keep[1] = ((double) low - 0.75) / (double) (n - 1);
        for (int k = 0; k < 2; k++)
            spared += (k ? 0.25 : 0.75) * (double) ((n - part[k]) * (4 * c * c + 2 * c * cfg.hidden) +
                                                    2 * (n * n - part[k] * part[k]) * c);
        assert_true(fabs(nn_model_kept_macs(v, keep) - (all - spared)) <= 1e-9 * all);
        keep[1] = 0;
        assert_true(fabs(nn_model_kept_macs(v, keep) - (all - (double) (nn_model_macs(v, 1) -
                                                                        nn_model_block_macs(v, 1, 1)))) < 1);
        nn_model_destroy(v);
        nn_model_config_finish(&cfg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_unfit_weights),  cmocka_unit_test(test_batches),
        cmocka_unit_test(test_borrow),     cmocka_unit_test(test_dropped_tokens), cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
