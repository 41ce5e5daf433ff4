// test_api.c — the public interface: devices, models, classify, evaluate, sparsity, used well and badly.
#define DATA "synth:ringed-digit,train=8,val=16,test=24"

#include "tests/api/api_test.h"

#include "nn/image/image.h"
#include "nn/models/sequence/sequence.h"
#include "pipeline/api/api_impl.h"
#include "pipeline/run/output.h"

#include <math.h>

static void test_version(void **state)
{
    char want[32];
    (void) state;
    snprintf(want, sizeof want, "%d.%d.%d", PARE_VERSION_MAJOR, PARE_VERSION_MINOR, PARE_VERSION_PATCH);
    assert_string_equal(pare_version(), want);
}

static void test_devices(void **state)
{
    pare_device_info info[2] = { pare_device_info_default(), pare_device_info_default() }, mine = info[0];
    pare_device_options o = pare_device_options_default();
    pare_device *second = NULL;
    size_t n = 0;
    (void) state;
    assert_st(PARE_OK, pare_devices(NULL, info, 2, &n));
    assert_true(n >= 1);
    assert_true(info[0].name[0] && info[0].uuid[8] == '-' && info[0].memory_bytes > 0);
    assert_int_equal(info[0].size, sizeof info[0]);
    assert_st(PARE_OK, pare_devices(NULL, NULL, 0, &n));
    assert_st(PARE_OK, pare_device_get_info(device, &mine));
    o.select = mine.uuid;
    o.cache_dir = "";
    assert_st(PARE_OK, pare_device_open(&o, &second));
    pare_device_close(second);
    pare_device_close(NULL);

    o.select = "no such device";
    assert_st(PARE_E_NODEVICE, pare_device_open(&o, &second));
    assert_non_null(strstr(pare_last_error(), mine.name));
    o.select = NULL;
    o.disable = "steam";
    assert_st(PARE_E_ARG, pare_device_open(&o, &second));
    assert_refused(pare_devices(NULL, info, 2, NULL), "n is NULL");
    assert_refused(pare_device_open(NULL, NULL), "out is NULL");
    assert_refused(pare_device_get_info(NULL, &mine), "device is NULL");
    mine.size = 4;
    assert_refused(pare_device_get_info(device, &mine), "a struct of 4 bytes");
}

// A struct of a program that was compiled with later headers: zeros in what is new are the default.
static void test_growing(void **state)
{
    struct { pare_evaluate_options o; char more[16]; } later = { pare_evaluate_options_default(), { 0 } };
    struct { pare_model_info i; char more[16]; } info = { pare_model_info_default(), { 1, 2, 3 } };
    pare_evaluate_result r = pare_evaluate_result_default();
    pare_evaluate_options o = pare_evaluate_options_default();
    (void) state;
    later.o.size = sizeof later;
    later.o.limit = 8;
    assert_st(PARE_OK, pare_evaluate(model, data, &later.o, &r));
    assert_int_equal(r.images, 8);
    later.more[15] = 1;
    assert_refused(pare_evaluate(model, data, &later.o, &r), "of a later version");
    info.i.size = sizeof info;
    assert_st(PARE_OK, pare_model_get_info(model, &info.i));
    assert_int_equal(info.i.size, sizeof info);
    assert_int_equal(info.more[2], 3);
    o.size = 0;
    assert_refused(pare_evaluate(model, data, &o, &r), "a struct of 0 bytes");
    o = pare_evaluate_options_default();
    r.size = 8;
    assert_refused(pare_evaluate(model, data, &o, &r), "a struct of 8 bytes");
}

static void test_model(void **state)
{
    pare_model_info i = pare_model_info_default();
    pare_model *m = NULL;
    (void) state;
    assert_st(PARE_OK, pare_model_get_info(model, &i));
    assert_string_equal(i.kind, "vit");
    assert_string_equal(i.policy, "none");
    assert_true(i.has_scores && i.classes == 10 && i.height == i.width && i.params > 1000 && i.macs > i.params / 10);
    for (uint32_t l = 0; l < i.depth; l++)
        assert_string_equal(pare_model_mixer(model, l), "attention");
    assert_null(pare_model_mixer(model, i.depth));
    assert_null(pare_model_mixer(NULL, 0));
    assert_string_equal(pare_model_label(model, 3), "3");
    assert_null(pare_model_label(model, i.classes));

    const uint32_t tokens = i.tokens, height = i.height;
    pare_model_options o = pare_model_options_default();
    o.height = o.width = 2 * height;
    o.size = offsetof(pare_model_options, pillow);          // of a program of before
    o.pillow = 99;                                          // which has something else there
    assert_st(PARE_OK, pare_model_load(device, MODEL, &o, &m));
    assert_st(PARE_OK, pare_model_get_info(m, &i));
    assert_true(i.height == 2 * height && i.tokens > 3 * tokens);
    pare_model_close(m);
    pare_model_close(NULL);

    o.height = o.width = 0;
    assert_st(PARE_OK, pare_model_create(device, "vit:image=16,patch=8,dim=12,depth=2,heads=3,classes=2,mixer=linear",
                                         1, &o, &m));
    assert_st(PARE_OK, pare_model_get_info(m, &i));
    assert_int_equal(i.depth, 2);
    assert_string_equal(pare_model_mixer(m, 1), "linear:features=hedgehog");
    assert_null(pare_model_label(m, 0));
    pare_model_close(m);
}

static void test_bad_models(void **state)
{
    pare_model_options o = pare_model_options_default();
    pare_model *m = NULL;
    (void) state;
    assert_st(PARE_E_FILE, pare_model_load(device, in_dir("nothing"), NULL, &m));
    assert_non_null(strstr(pare_last_error(), "nothing"));
    assert_null(strstr(pare_last_error(), ".c:"));
    assert_refused(pare_model_load(NULL, MODEL, NULL, &m), "device is NULL");
    assert_refused(pare_model_load(device, NULL, NULL, &m), "folder is NULL");
    assert_refused(pare_model_load(device, "", NULL, &m), "the name of the model is empty");
    assert_refused(pare_model_load(device, MODEL, NULL, NULL), "out is NULL");
    o.height = 7;
    o.width = 7;
    assert_st(PARE_E_ARG, pare_model_load(device, MODEL, &o, &m));
    o = pare_model_options_default();
    o.policy = "halting";
    assert_refused(pare_model_load(device, MODEL, &o, &m), "pare_retain");
    o.policy = "none";
    assert_st(PARE_OK, pare_model_load(device, MODEL, &o, &m));
    pare_model_close(m);
    m = NULL;
    assert_refused(pare_model_create(device, "vit:image=16", 0, &o, &m), "no policy");
    assert_st(PARE_E_ARG, pare_model_create(device, "vit:legs=4", 0, NULL, &m));
    o = pare_model_options_default();
    o.preprocess = "magic";
    assert_refused(pare_model_load(device, MODEL, &o, &m), "timm");
    assert_refused(pare_model_get_info(model, NULL), "no struct");
    assert_null(m);
}

static void test_save(void **state)
{
    pare_save_options s = pare_save_options_default();
    pare_evaluate_result a = pare_evaluate_result_default(), b = a;
    pare_evaluate_options o = pare_evaluate_options_default();
    pare_model *m = NULL;
    (void) state;
    assert_st(PARE_OK, pare_model_save(model, in_dir("saved"), NULL));
    assert_refused(pare_model_save(model, in_dir("saved"), NULL), "is there already; force replaces it");
    assert_null(strstr(pare_last_error(), "resume"));
    assert_refused(pare_model_save(model, "", NULL), "empty");
    assert_refused(pare_model_save(model, "/", NULL), "holds others");
    assert_refused(pare_model_save(model, "/dev/null", NULL), "a device");
    s.force = 1;
    assert_st(PARE_OK, pare_model_save(model, in_dir("saved"), &s));
    assert_st(PARE_OK, pare_model_load(device, in_dir("saved"), NULL, &m));
    o.limit = 16;
    assert_st(PARE_OK, pare_evaluate(model, data, &o, &a));
    assert_st(PARE_OK, pare_evaluate(m, data, &o, &b));
    assert_true(a.loss == b.loss && a.top1 == b.top1);
    pare_model_close(m);
    assert_refused(pare_model_save(NULL, in_dir("saved"), NULL), "model is NULL");
    assert_refused(pare_model_save(model, NULL, NULL), "folder is NULL");
    s.size = 1;
    assert_refused(pare_model_save(model, in_dir("saved"), &s), "a struct of 1 bytes");
}

static void test_data(void **state)
{
    pare_data_info i = pare_data_info_default();
    pare_data *d = NULL;
    (void) state;
    assert_st(PARE_OK, pare_data_get_info(data, &i));
    assert_true(i.classes == 10 && i.train == 8 && i.val == 16 && i.test == 24 && i.has_splits);
    assert_string_equal(pare_data_label(data, 9), "9");
    assert_null(pare_data_label(data, 10));
    assert_null(pare_data_label(NULL, 0));
    pare_data_close(NULL);
    assert_st(PARE_E_FILE, pare_data_open(in_dir("nothing"), &d));
    assert_st(PARE_E_ARG, pare_data_open("synth:ringed-digit,legs=4", &d));
    assert_refused(pare_data_open(NULL, &d), "spec is NULL");
    assert_refused(pare_data_open("", &d), "the name of the data set is empty");
    assert_refused(pare_data_open("synth:ringed-digit", NULL), "out is NULL");
    assert_st(PARE_OK, pare_data_set_pillow(data, 12));
    assert_st(PARE_OK, pare_data_set_pillow(data, 0));
    assert_refused(pare_data_set_pillow(data, 11), "as Pillow 12 or 13 does it, not 11");
    assert_refused(pare_data_set_pillow(NULL, 13), "data is NULL");
    assert_refused(pare_data_get_info(NULL, &i), "data is NULL");
    assert_int_equal(i.left_out, 0);
    i.left_out = 9;
    i.size = offsetof(pare_data_info, left_out);            // of a program of before
    assert_st(PARE_OK, pare_data_get_info(data, &i));
    assert_int_equal(i.left_out, 9);
    i.size = 0;
    assert_refused(pare_data_get_info(data, &i), "a struct of 0 bytes");
    assert_null(d);
}

static void test_evaluate(void **state)
{
    heard h = { 0 };
    const pare_callbacks c = callbacks_of(&h);
    pare_evaluate_options o = pare_evaluate_options_default();
    pare_evaluate_result r = pare_evaluate_result_default();
    pare_data *empty = NULL;
    (void) state;
    o.callbacks = &c;
    o.batch = 8;
    o.check_finite = 1;
    assert_st(PARE_OK, pare_evaluate(model, data, &o, &r));
    assert_true(r.images == 24 && r.bad == 0 && r.top1 > 0.8 && r.top5 >= r.top1 && r.loss > 0 && r.n_keep == 0);
    assert_true(r.seconds > 0 && r.images_per_s > 0);
    assert_string_equal(h.what, "evaluate");
    assert_true(h.done > 0 && h.total > 0);

    h = (heard) { .stops_at = 1 };
    assert_st(PARE_E_STOPPED, pare_evaluate(model, data, &o, &r));
    o.callbacks = NULL;
    o.split = "elsewhere";
    assert_st(PARE_E_ARG, pare_evaluate(model, data, &o, &r));
    o.split = NULL;
    assert_refused(pare_evaluate(NULL, data, &o, &r), "model is NULL");
    assert_refused(pare_evaluate(model, NULL, &o, &r), "data is NULL");
    assert_st(PARE_OK, pare_data_open("synth:ringed-digit,test=0", &empty));
    assert_st(PARE_E_FILE, pare_evaluate(model, empty, &o, &r));
    pare_data_close(empty);
    assert_refused(pare_evaluate(model, data, &o, NULL), "no struct");

    o.split = "all";                    // and by names that the model has
    o.labels = PARE_LABELS_NAME;
    assert_st(PARE_OK, pare_evaluate(model, data, &o, &r));
    assert_int_equal(r.images, 8 + 16 + 24);
    o.labels = (pare_labels) 7;
    assert_refused(pare_evaluate(model, data, &o, &r), "no way 7 to match classes");
    o.size = offsetof(pare_evaluate_options, labels);       // a program of before knows no labels
    assert_st(PARE_OK, pare_evaluate(model, data, &o, &r));
}

static void test_sparsity(void **state)
{
    heard h = { 0 };
    const pare_callbacks c = callbacks_of(&h);
    pare_sparsity_options o = pare_sparsity_options_default();
    pare_model_info i = pare_model_info_default();
    pare_sparsity *s = NULL;
    uint32_t n = 0;
    (void) state;
    assert_st(PARE_OK, pare_model_get_info(model, &i));
    o.images = 8;
    assert_st(PARE_OK, pare_measure_sparsity(model, data, &o, &s));
    assert_int_equal(pare_sparsity_images(s), 8);
    assert_string_equal(pare_sparsity_measure(0), "entropy");
    for (; pare_sparsity_measure(n); n++) {
        double sum = 0;
        for (uint32_t head = 0; head < i.heads; head++)
            sum += pare_sparsity_get(s, 1, head, n, 0);
        assert_true(fabs(sum / i.heads - pare_sparsity_get(s, 1, PARE_ALL_HEADS, n, 0)) < 1e-12);
        assert_true(pare_sparsity_std(s, 1, 0, n, 1) >= 0);
    }
    assert_true(n >= 8 && !pare_sparsity_is_high(0) && pare_sparsity_is_high(2) && !pare_sparsity_is_high(n));
    assert_true(isnan(pare_sparsity_get(s, 999, 0, 0, 0)) && isnan(pare_sparsity_get(s, 0, 999, 0, 0)));
    assert_true(isnan(pare_sparsity_get(s, 0, 0, n, 0)) && isnan(pare_sparsity_get(NULL, 0, 0, 0, 0)));
    pare_sparsity_free(s);
    pare_sparsity_free(NULL);
    s = NULL;

    h.stops_at = 1;
    o.callbacks = &c;
    assert_st(PARE_E_STOPPED, pare_measure_sparsity(model, data, &o, &s));
    assert_refused(pare_measure_sparsity(model, data, &o, NULL), "out is NULL");
    assert_refused(pare_measure_sparsity(NULL, data, &o, &s), "model is NULL");
    assert_null(s);
}

typedef struct seen { size_t n, bad, stops_at; uint32_t best[8]; } seen;

static int picture(void *user, const pare_classified *p)
{
    seen *s = user;
    assert_int_equal(p->index, s->n);
    if (p->status == PARE_OK) {
        assert_true(p->n_top > 0 && p->top[0].probability >= p->top[p->n_top - 1].probability && p->rgb && p->pixels);
        assert_string_equal(p->error, "");
        s->best[s->n] = p->top[0].index;
        assert_non_null(p->top[0].label);
    } else {
        assert_int_equal(p->status, PARE_E_FILE);
        assert_non_null(strstr(p->error, p->path));
        assert_true(p->n_top == 0 && !p->rgb);
        s->bad++;
    }
    return ++s->n != s->stops_at;
}

static int keep_rgb(void *user, const pare_classified *p)
{
    assert_int_equal(p->status, PARE_OK);
    memcpy(user, p->rgb, 64 * 64 * 3);
    return 1;
}

// A tall picture, resized as either version of Pillow does it, and by default as the newer one.
static void test_pillow(void **state)
{
    static const uint32_t versions[] = { 12, 13, 0 };
    static uint8_t pixels[100 * 70 * 3], rgb[3][64 * 64 * 3];
    char path[256];
    (void) state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t) (i * 2654435761u >> 13);
    snprintf(path, sizeof path, "%s", in_dir("tall.png"));
    const char *paths[] = { path };
    assert_int_equal(nn_image_save(&(nn_image) { 70, 100, pixels }, path), VKC_OK);
    for (size_t i = 0; i < 3; i++) {
        pare_model_options o = pare_model_options_default();
        pare_model *m = NULL;
        o.pillow = versions[i];
        assert_st(PARE_OK, pare_model_load(device, MODEL, &o, &m));
        assert_st(PARE_OK, pare_classify(m, paths, 1, NULL, keep_rgb, rgb[i]));
        pare_model_close(m);
    }
    assert_memory_equal(rgb[1], rgb[2], sizeof rgb[1]);
    assert_memory_not_equal(rgb[0], rgb[1], sizeof rgb[1]);
    pare_model_options o = pare_model_options_default();
    pare_model *m = NULL;
    o.pillow = 9;
    assert_refused(pare_model_load(device, MODEL, &o, &m), "as Pillow 12 or 13 does it, not 9");
    assert_null(m);
}

static void test_classify(void **state)
{
    const char *paths[] = { "tests/corpus/image/rgb.png", "models/ringed-digit/README.md", "tests/corpus/image/rgb.png",
                            "tests/corpus/image/small.jpg" };
    pare_classify_options o = pare_classify_options_default();
    seen s = { 0 };
    (void) state;
    assert_st(PARE_OK, pare_classify(model, paths, 4, NULL, picture, &s));
    assert_true(s.n == 4 && s.bad == 1 && s.best[0] == s.best[2]);
    s = (seen) { 0 };
    o.batch = 1;
    o.top = 100;
    o.threads = 2;
    assert_st(PARE_OK, pare_classify(model, paths, 4, &o, picture, &s));
    assert_true(s.n == 4 && s.best[0] == s.best[2]);
    s = (seen) { .stops_at = 2 };
    assert_st(PARE_E_STOPPED, pare_classify(model, paths, 4, &o, picture, &s));
    assert_int_equal(s.n, 2);
    s = (seen) { 0 };
    assert_st(PARE_OK, pare_classify(model, NULL, 0, &o, picture, &s));
    assert_int_equal(s.n, 0);

    assert_refused(pare_classify(NULL, paths, 4, &o, picture, &s), "model is NULL");
    assert_refused(pare_classify(model, NULL, 4, &o, picture, &s), "paths is NULL");
    assert_refused(pare_classify(model, paths, 4, &o, NULL, &s), "picture is NULL");
    paths[1] = NULL;
    assert_refused(pare_classify(model, paths, 4, &o, picture, &s), "paths[i] is NULL");
}

// A model that reads tokens: known for what it is, and refused where pictures go in.
static void test_sequence(void **state)
{
    const char *paths[] = { "tests/corpus/image/rgb.png" }, *const mixers[] = { "linear" },
        *folder = in_dir("sequence");
    pare_evaluate_result r = pare_evaluate_result_default();
    pare_distill_options distill = pare_distill_options_default();
    pare_retain_options retain = pare_retain_options_default();
    pare_model_info i = pare_model_info_default();
    pare_sparsity *s = NULL;
    pare_model *m = NULL;
    nn_model_config cfg = { 0 };
    nn_model *nn = NULL;
    seen seen_ = { 0 };
    (void) state;
    assert_int_equal(nn_sequence_config_init(&cfg, 16, 8, 16, 2, 2, 10), VKC_OK);
    assert_int_equal(nn_model_create(device->vk, &cfg, false, &nn), VKC_OK);
    assert_int_equal(nn_model_init(nn, 1), VKC_OK);
    assert_int_equal(pipeline_save_model(nn, &cfg, folder, NULL), VKC_OK);
    nn_model_destroy(nn);
    nn_model_config_finish(&cfg);
    assert_st(PARE_OK, pare_model_load(device, folder, NULL, &m));
    assert_st(PARE_OK, pare_model_get_info(m, &i));
    assert_string_equal(i.kind, "sequence");
    assert_true(i.tokens == 8 && i.height == 0 && i.width == 0);
    assert_refused(pare_evaluate(m, data, NULL, &r), "reads no pictures");
    assert_refused(pare_measure_sparsity(m, data, NULL, &s), "reads no pictures");
    assert_refused(pare_classify(m, paths, 1, NULL, picture, &seen_), "reads no pictures");
    pare_model_close(m);
    distill.mixers = mixers;
    distill.n_mixers = 1;
    retain.keep = 0.5;
    assert_refused(pare_distill(device, folder, data, in_dir("never"), &distill, NULL), "reads no pictures");
    assert_refused(pare_retain(device, folder, data, in_dir("never"), &retain, NULL), "reads no pictures");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version), cmocka_unit_test(test_devices), cmocka_unit_test(test_growing),
        cmocka_unit_test(test_model), cmocka_unit_test(test_bad_models), cmocka_unit_test(test_save),
        cmocka_unit_test(test_data), cmocka_unit_test(test_evaluate), cmocka_unit_test(test_sparsity),
        cmocka_unit_test(test_classify), cmocka_unit_test(test_pillow), cmocka_unit_test(test_sequence),
    };
    return cmocka_run_group_tests(tests, api_set_up, api_tear_down);
}
