// test_model_folders.c — what a model folder says, wherever it says it: pixels, logits and scores of
// tests/golden/folders.py,
// names in chunks or behind a prefix, settings that disagree, labels of any form, values that are not finite.
#include "tests/device_dir.h"
#include "tests/numbers.h"

#include "nn/base/files.h"
#include "nn/image/image.h"
#include "nn/infer/classify.h"
#include "nn/infer/golden.h"
#include "nn/infer/infer.h"
#include "nn/models/vit/vit.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/golden/folders"
#define PICTURE FOLDER "/picture.png"
#define MOST 1024                   // floats of a picture, numbers that come out

static void set_file(const char *folder, const char *name, const void *data, size_t size)
{
    char path[NN_PATH_MAX];
    assert_ok(nn_path_build(path, folder, name));
    assert_ok(nn_file_save(path, data, size));
}

static void set_text(const char *folder, const char *name, const char *text)
{
    set_file(folder, name, text, strlen(text));
}

// A folder of the test's own, empty.
static void make(const char *name, char out[NN_PATH_MAX])
{
    assert_ok(nn_path_build(out, dir, name));
    assert_ok(nn_folder_create(out));
}

// All files of a folder but `without`.
static void copy(const char *from, const char *to, const char *without)
{
    DIR *d = opendir(from);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[NN_PATH_MAX];
        unsigned char *data = NULL;
        size_t size = 0;
        assert_ok(nn_path_build(path, from, e->d_name));
        if (!nn_is_file(path) || (without && strcmp(without, e->d_name) == 0))
            continue;
        assert_ok(nn_file_load(path, SIZE_MAX, &data, &size));
        set_file(to, e->d_name, data, size);
        free(data);
    }
    closedir(d);
}

static void assert_note(const nn_model_config *c, const char *folder, const char *words)
{
    if (words ? !c->notes || !strstr(c->notes, words) : c->notes != NULL)
        fail_msg("%s: notes are \"%s\", want \"%s\"", folder, c->notes ? c->notes : "", words ? words : "");
}

// ---- pixels, logits, scores

typedef struct expected {
    float pixels[MOST], logits[MOST], scores[MOST];
    bool  has_scores;
} expected;

static void read_expected(const char *name, const nn_model_config *c, expected *e)
{
    char path[NN_PATH_MAX];
    nn_safetensors *f = NULL;
    snprintf(path, sizeof path, FOLDER "/%s/expected.safetensors", name);
    assert_ok(nn_safetensors_load(path, &f));
    assert_ok(nn_safetensors_get_f32(f, "pixels", 0, NULL, e->pixels, nn_model_config_pixels(c)));
    assert_ok(nn_safetensors_get_f32(f, "logits", 0, NULL, e->logits, c->classes));
    e->has_scores = nn_safetensors_get(f, "scores") != NULL;
    if (e->has_scores)
        assert_ok(nn_safetensors_get_f32(f, "scores", 0, NULL, e->scores, c->classes));
    nn_safetensors_destroy(f);
}

static void prepare_pixels(const nn_model_config *c, float *out)
{
    const uint32_t area = c->height * c->width;
    static uint8_t rgb[3 * MOST];
    nn_image im = { 0 };
    assert_ok(nn_image_load(PICTURE, &im));
    assert_ok(nn_preprocess_run(&c->preprocess, PICTURE, &im, (nn_size) { c->height, c->width }, rgb));
    for (uint32_t k = 0; k < 3; k++)
        for (uint32_t i = 0; i < area; i++)
            out[k * area + i] = (float) ((rgb[3 * i + k] / 255.0 - c->mean[k]) / c->std[k]);
    nn_image_finish(&im);
}

static void assert_like(const char *what, const char *folder, const float *x, const float *want, uint32_t n, double bar)
{
    double worst = 0;
    for (uint32_t i = 0; i < n; i++)
        worst = test_worst(worst, fabs((double) x[i] - (double) want[i]));
    if (!(worst <= bar))
        fail_msg("%s: %s differ by %g", folder, what, worst);
}

static void check_scores(vkc_device *dev, const char *folder, const expected *e, uint32_t classes)
{
    nn_classifier *c = NULL;
    nn_top top[8];
    assert_ok(nn_classifier_create(dev, folder, &c));
    assert_ok(nn_classifier_run(c, PICTURE, classes, top));
    for (uint32_t i = 0; i < classes; i++)
        if (fabs(top[i].p - (double) e->scores[top[i].index]) > 1e-5)
            fail_msg("%s: class %u has the score %g, want %g", folder, top[i].index, top[i].p,
                     (double) e->scores[top[i].index]);
    nn_classifier_destroy(c);
}

static void check_folder(vkc_device *dev, const char *folder, const char *name, const char *note)
{
    static expected e;
    float pixels[MOST], logits[MOST];
    nn_model *m = NULL;
    nn_infer *inf = NULL;
    if (nn_model_load(dev, folder, false, &m) != VKC_OK)
        fail_msg("%s: %s", folder, vkc_last_error());
    assert_note(&m->cfg, folder, note);
    read_expected(name, &m->cfg, &e);
    prepare_pixels(&m->cfg, pixels);
    assert_like("pixels", folder, pixels, e.pixels, nn_model_config_pixels(&m->cfg), 2e-6);
    assert_ok(nn_infer_create(m, 1, &inf));
    assert_ok(nn_infer_run(inf, pixels, 1, logits));
    assert_like("logits", folder, logits, e.logits, m->cfg.classes, 2e-5);
    if (e.has_scores)
        check_scores(dev, folder, &e, m->cfg.classes);
    nn_infer_destroy(inf);
    nn_model_destroy(m);
}

// As it is, and written as a folder of our own, which has nothing left to say but what its scores are.
static void test_expected(void **state)
{
    static const struct { const char *name, *note, *again; } cases[] = {
        { "default-args", NULL, NULL },
        { "other-positions", "its positions are for pictures of 12 x 12 pixels, and are resampled for 8 x 8", NULL },
        { "other-labels", "label_names has 5 names for 3 classes: they are not used", NULL },
        { "number-labels", NULL, NULL },
        { "model-prefix", "the names of all tensors begin with \"model.\", which is taken off", NULL },
        { "multi-label", "scores are sigmoids, each class by itself", "scores are sigmoids, each class by itself" },
        { "processor-config", NULL, NULL },
    };
    vkc_device *dev = (vkc_device *) *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char theirs[NN_PATH_MAX], ours[NN_PATH_MAX], path[NN_PATH_MAX];
        nn_model *m = NULL;
        assert_ok(nn_path_build(theirs, FOLDER, cases[i].name));
        check_folder(dev, theirs, cases[i].name, cases[i].note);
        make(cases[i].name, ours);
        assert_ok(nn_model_load(dev, theirs, false, &m));
        assert_ok(nn_model_config_save(ours, &m->cfg, NULL));
        assert_ok(nn_path_build(path, ours, "model.safetensors"));
        assert_ok(nn_model_save_weights(m, path));
        nn_model_destroy(m);
        check_folder(dev, ours, cases[i].name, cases[i].again);
    }
}

// ---- names

// The tensors of a file under other names: `edit` writes them.
static void rename_tensors(const char *from, const char *to, void (*edit)(const char *name, char *out, size_t size))
{
    nn_safetensors *f = NULL;
    assert_ok(nn_safetensors_load(from, &f));
    const size_t n = nn_safetensors_len(f);
    nn_st_save *t = (nn_st_save *) calloc(n, sizeof *t);
    char (*name)[200] = malloc(n * sizeof *name);
    assert_true(t && name);
    for (size_t i = 0; i < n; i++) {
        const nn_st_tensor *old = nn_safetensors_at(f, i);
        void *data = malloc(old->size + 1);
        assert_non_null(data);
        assert_ok(nn_st_tensor_read_raw(old, 0, old->size, data));
        edit(old->name, name[i], sizeof name[i]);
        t[i] = (nn_st_save) { .name = name[i], .dtype = old->dtype, .rank = old->rank, .data = data };
        memcpy(t[i].shape, old->shape, sizeof t[i].shape);
    }
    assert_ok(nn_safetensors_save(to, t, n, NULL, 0));
    for (size_t i = 0; i < n; i++)
        free((void *) (uintptr_t) t[i].data);
    free(name);
    free(t);
    nn_safetensors_destroy(f);
}

static void put_in_backbone(const char *name, char *out, size_t size)
{
    snprintf(out, size, "student.backbone.%s", name);
}

static void put_in_chunk(const char *name, char *out, size_t size)
{
    if (strncmp(name, "blocks.", 7) == 0)
        snprintf(out, size, "blocks.%c.%s", name[7], name + 7);
    else
        snprintf(out, size, "%s", name);
}

static void put_some_in_backbone(const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s%s", strncmp(name, "norm", 4) == 0 ? "teacher." : "student.", name);
}

static void check_golden(vkc_device *dev, const char *folder)
{
    nn_golden_result r;
    char where[24];
    if (nn_golden_run(dev, folder, &r) != VKC_OK)
        fail_msg("%s: %s", folder, vkc_last_error());
    if (!nn_golden_is_right(&r))
        fail_msg("%s: %s is beyond its bar", folder, nn_golden_name(&r, r.first_bad, where));
}

static void test_names(void **state)
{
    static const char from[] = "models/selftest/dinov2-original";
    vkc_device *dev = (vkc_device *) *state;
    const struct { const char *name, *note; void (*edit)(const char *, char *, size_t); } cases[] = {
        { "backbone", "begin with \"student.backbone.\", which is taken off", put_in_backbone },
        { "chunks", "blocks are named in chunks", put_in_chunk },
    };
    char folder[NN_PATH_MAX], path[NN_PATH_MAX];
    nn_model_config c;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make(cases[i].name, folder);
        copy(from, folder, "model.safetensors");
        assert_ok(nn_path_build(path, folder, "model.safetensors"));
        rename_tensors("models/selftest/dinov2-original/model.safetensors", path, cases[i].edit);
        check_golden(dev, folder);
        assert_ok(nn_model_config_load(folder, &c));
        assert_note(&c, folder, cases[i].note);
        assert_note(&c, folder, "has no config: that it has 1 head, of 64 channels each, is a guess");
        nn_model_config_finish(&c);
    }
    rename_tensors("models/selftest/dinov2-original/model.safetensors", path, put_some_in_backbone);
    assert_int_equal(nn_model_config_load(folder, &c), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), "not known are student.blocks.0.attn.proj.bias, "));
    assert_non_null(strstr(vkc_last_error(), "student.blocks.0.mlp.w3.weight and "));      // the tenth
}

// OpenCLIP's vision tower without its config: the projection makes an embedding of it.
static void test_projection(void **state)
{
    char folder[NN_PATH_MAX];
    nn_model_config c;
    make("projection", folder);
    copy("models/selftest/openclip", folder, "open_clip_config.json");
    check_golden((vkc_device *) *state, folder);
    assert_ok(nn_model_config_load(folder, &c));
    assert_true(c.outputs_embedding && c.classes == 16 && !nn_model_config_has_scores(&c));
    assert_note(&c, folder, "CLIP's mean and std");
    nn_model_config_finish(&c);
}

// ---- settings

#define VIT_CONFIG "{\"model_type\": \"vit\", \"hidden_size\": 16, \"num_attention_heads\": 2, \"image_size\": 8, " \
                   "\"patch_size\": 4, \"num_hidden_layers\": 1, \"intermediate_size\": 32, \"num_labels\": 3}"
#define TIMM_CONFIG(more) \
    "{\"architecture\": \"vit_tiny_patch16_224\", \"num_classes\": 3, \"model_args\": {\"img_size\": 8, " \
    "\"patch_size\": 4, \"embed_dim\": 16, \"depth\": 1, \"num_heads\": 2}, \"pretrained_cfg\": {\"input_size\": " \
    "[3, 8, 8], \"interpolation\": \"bicubic\", \"crop_pct\": 1.0, \"mean\": [0.5, 0.5, 0.5], \"std\": " \
    "[0.5, 0.5, 0.5]" more "}}"
#define PROCESSOR(std) \
    "{\"image_processor_type\": \"BitImageProcessor\", \"size\": {\"shortest_edge\": 8}, \"resample\": 3, " \
    "\"crop_size\": {\"height\": 8, \"width\": 8}, \"image_mean\": [0.5, 0.5, 0.5], \"image_std\": " std "}"

static void test_settings(void **state)
{
    static const struct { const char *config, *plain, *nested, *note; double std; } cases[] = {
        { VIT_CONFIG, NULL, NULL, "has neither preprocessor_config.json nor processor_config.json", 0.5 },
        { VIT_CONFIG, PROCESSOR("0.25"), NULL, NULL, 0.25 },
        { VIT_CONFIG, PROCESSOR("0.25"), "{\"processor_class\": \"CLIPProcessor\"}", NULL, 0.25 },
        { VIT_CONFIG, PROCESSOR("0.25"), "{\"image_processor\": " PROCESSOR("0.25") "}", NULL, 0.25 },
        { VIT_CONFIG, PROCESSOR("0.25"), "{\"image_processor\": " PROCESSOR("0.5") "}",
          "processor_config.json and preprocessor_config.json disagree (std)", 0.5 },
        { VIT_CONFIG, "{", "{\"image_processor\": " PROCESSOR("0.5") "}", "E_FORMAT", 0 },
        { VIT_CONFIG, "{\"resample\": 9}", "{\"image_processor\": " PROCESSOR("0.5") "}", "resample is 9", 0.5 },
        { VIT_CONFIG, NULL, "{\"image_processor\": []}", "E_FORMAT", 0 },
        { VIT_CONFIG, "{\"size\": 8, \"sharpen\": 2, \"do_pad\": false, \"pad_size\": null}", NULL,
          "not known here, and passed over: sharpen\n", 0.5 },
        { TIMM_CONFIG(""), PROCESSOR("0.5"), NULL, NULL, 0.5 },
        { TIMM_CONFIG(""), PROCESSOR("0.25"), NULL,
          "config.json and preprocessor_config.json disagree about pictures (std); the first is used", 0.5 },
        { TIMM_CONFIG(""), NULL, "{\"image_processor\": " PROCESSOR("0.25") "}",
          "config.json and processor_config.json", 0.5 },
        { TIMM_CONFIG(""), "{\"image_processor_type\": \"OwlImageProcessor\"}", NULL,
          "pictures are prepared as config.json says", 0.5 },
        { "{\"architecture\": \"vit_tiny_patch16_224\", \"num_classes\": 3, \"model_args\": {\"img_size\": 8, "
          "\"patch_size\": 4, \"num_heads\": 2}, \"pretrained_cfg\": {\"input_size\": [3, 16, 12], \"std\": 0.5}}",
          NULL, NULL, "input_size is 12 x 16, and the model is made for 8 x 8, which is used", 0.5 },
        { TIMM_CONFIG(", \"gamma\": 2.2"), NULL, NULL, "passed over: gamma\n", 0.5 },
    };
    char folder[NN_PATH_MAX], path[NN_PATH_MAX];
    (void) state;
    make("settings", folder);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct { const char *name, *text; } files[] = {
            { "preprocessor_config.json", cases[i].plain }, { "processor_config.json", cases[i].nested },
        };
        nn_model_config c;
        set_text(folder, "config.json", cases[i].config);
        for (size_t k = 0; k < 2; k++) {
            assert_ok(nn_path_build(path, folder, files[k].name));
            remove(path);
            if (files[k].text)
                set_text(folder, files[k].name, files[k].text);
        }
        const vkc_status st = nn_model_config_load(folder, &c);
        if (cases[i].note && strcmp(cases[i].note, "E_FORMAT") == 0) {
            assert_int_equal(st, VKC_E_FORMAT);
            continue;
        }
        if (st != VKC_OK)
            fail_msg("case %zu: %s", i, vkc_last_error());
        assert_note(&c, folder, cases[i].note);
        if (c.std[0] != cases[i].std || c.height != 8)
            fail_msg("case %zu: std %g, height %u", i, c.std[0], c.height);
        nn_model_config_finish(&c);
    }
}

// ---- labels and scores

#define LABELLED(more) \
    "{\"model_type\": \"vit\", \"hidden_size\": 16, \"num_attention_heads\": 2, \"image_size\": 8, " \
    "\"patch_size\": 4, " more "}"

static void test_labels(void **state)
{
    char folder[NN_PATH_MAX], text[2000], longer[600];
    nn_model_config c;
    (void) state;
    make("labels", folder);
    set_text(folder, "preprocessor_config.json", "{\"size\": 8}");
    set_text(folder, "config.json", LABELLED("\"id2label\": {\"0\": 12, \"1\": 0.5, \"2\": true, \"3\": \"a\\nb\", "
                                             "\"4\": null, \"6\": \"g\"}"));
    assert_ok(nn_model_config_load(folder, &c));
    assert_int_equal(c.classes, 6);
    const char *want[] = { "12", "0.5", "true", "a b", "class 4", "class 5" };
    for (uint32_t i = 0; i < 6; i++)
        assert_string_equal(c.labels[i], want[i]);
    assert_note(&c, folder, "id2label has no name for 2 of 6 classes, class 4 the first");
    assert_note(&c, folder, "1 of the names in id2label are cut to 256 bytes or had control characters");
    nn_model_config_finish(&c);
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    memcpy(longer + 255, "\xc3\xa9", 2);                // cut before it, not within
    snprintf(text, sizeof text, LABELLED("\"id2label\": [\"%s\", \"b\"]"), longer);
    set_text(folder, "config.json", text);
    assert_ok(nn_model_config_load(folder, &c));
    assert_int_equal(strlen(c.labels[0]), 255);
    assert_string_equal(c.labels[1], "b");
    nn_model_config_finish(&c);
}

static void test_problem_type(void **state)
{
    static const struct { const char *config; nn_scores scores; bool has_scores; } cases[] = {
        { LABELLED("\"num_labels\": 3"), NN_SCORES_SOFTMAX, true },
        { LABELLED("\"num_labels\": 1"), NN_SCORES_SIGMOID, true },
        { LABELLED("\"num_labels\": 3, \"problem_type\": null"), NN_SCORES_SOFTMAX, true },
        { LABELLED("\"num_labels\": 3, \"problem_type\": \"single_label_classification\""), NN_SCORES_SOFTMAX, true },
        { LABELLED("\"num_labels\": 3, \"problem_type\": \"multi_label_classification\""), NN_SCORES_SIGMOID, true },
        { LABELLED("\"num_labels\": 1, \"problem_type\": \"regression\""), NN_SCORES_NONE, false },
    };
    char folder[NN_PATH_MAX];
    (void) state;
    make("labels", folder);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nn_model_config c;
        set_text(folder, "config.json", cases[i].config);
        assert_ok(nn_model_config_load(folder, &c));
        assert_int_equal(nn_model_config_scores(&c), cases[i].scores);
        assert_int_equal(nn_model_config_has_scores(&c), cases[i].has_scores);
        assert_int_equal(nn_model_config_check_exclusive(&c) == VKC_OK, cases[i].scores != NN_SCORES_SIGMOID);
        nn_model_config_finish(&c);
    }
}

// ---- values that are not finite

// One element of a tensor in a file.
static void spoil(const char *folder, const char *file, const char *tensor, uint64_t index, uint32_t bits)
{
    char path[NN_PATH_MAX];
    nn_safetensors *f = NULL;
    unsigned char *data = NULL;
    size_t size = 0;
    assert_ok(nn_path_build(path, folder, file));
    assert_ok(nn_safetensors_load(path, &f));
    const nn_st_tensor *t = nn_safetensors_get(f, tensor);
    assert_non_null(t);
    const size_t each = nn_st_dtype_size(t->dtype);
    if (t->dtype == NN_ST_F16)
        bits = (bits & 0x80000000u) >> 16 | 0x7c00 | (bits & 0x7fffff ? 0x200 : 0);
    if (t->dtype == NN_ST_BF16)
        bits >>= 16;
    assert_ok(nn_file_load(path, SIZE_MAX, &data, &size));
    for (size_t k = 0; k < each; k++)
        data[t->begin + index * each + k] = (unsigned char) (bits >> 8 * k);
    assert_ok(nn_file_save(path, data, size));
    free(data);
    nn_safetensors_destroy(f);
}

static void test_not_finite(void **state)
{
    enum { QNAN = 0x7fc00000, INFINITE = 0x7f800000 };
    static const struct { const char *from, *file, *tensor; uint64_t index; } cases[] = {
        { "models/selftest/timm-vit", "model.safetensors", "blocks.1.mlp.fc1.weight", 4095 },           // F32
        { "models/selftest/timm-vit-wide", "model.safetensors", "blocks.0.attn.qkv.weight", 1 },        // F16
        { "models/selftest/timm-vit-avg", "model.safetensors", "fc_norm.bias", 31 },                    // BF16
        { "models/selftest/openclip", "open_clip_model.safetensors", "visual.proj", 17 },               // turned round
        { "models/selftest/dinov2-original", "model.safetensors", "cls_token", 0 },
    };
    vkc_device *dev = (vkc_device *) *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char folder[NN_PATH_MAX], words[200];
        nn_model *m = NULL;
        nn_faults faults = { 0 };
        make("spoiled", folder);
        copy(cases[i].from, folder, NULL);
        spoil(folder, cases[i].file, cases[i].tensor, cases[i].index, QNAN);
        spoil(folder, cases[i].file, cases[i].tensor, cases[i].index / 2 + 2, INFINITE | 0x80000000u);
        const uint64_t first = cases[i].index < cases[i].index / 2 + 2 ? cases[i].index : cases[i].index / 2 + 2;
        assert_int_equal(nn_model_load(dev, folder, false, &m), VKC_E_FORMAT);
        snprintf(words, sizeof words, "2 of its values are not finite, in 1 tensor; the first is %s, at index %llu of "
                 "tensor %s", first == cases[i].index ? "NaN" : "infinite", (unsigned long long) first,
                 cases[i].tensor);
        if (!strstr(vkc_last_error(), words))
            fail_msg("\"%s\" lacks \"%s\"", vkc_last_error(), words);
        assert_ok(nn_model_load_with(dev, folder, &(nn_model_load_params) { .faults = &faults }, &m));
        assert_true(faults.values == 2 && faults.tensors == 1 && faults.shown[0].values == 2);
        assert_true(faults.shown[0].first == first);
        nn_model_destroy(m);
        m = NULL;
        DIR *d = opendir(folder);                       // the next case has other files
        for (const struct dirent *e; (e = readdir(d)) != NULL;) {
            char path[NN_PATH_MAX];
            assert_ok(nn_path_build(path, folder, e->d_name));
            if (nn_is_file(path))
                remove(path);
        }
        closedir(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expected), cmocka_unit_test(test_names), cmocka_unit_test(test_projection),
        cmocka_unit_test(test_settings), cmocka_unit_test(test_labels), cmocka_unit_test(test_problem_type),
        cmocka_unit_test(test_not_finite),
    };
    return cmocka_run_group_tests(tests, device_dir_set_up, device_dir_tear_down);
}
