// test_api_run.c — distil and retain through the public interface: stopped in the middle and resumed to the same bits,
// and what is refused.
#define DATA "synth:ringed-digit,train=24,val=16,test=16"

#include "tests/api/api_test.h"

#include <math.h>
#include <sys/stat.h>

static const char *const mixers[] = { "linear", "conv" };

static int set_up(void **state)
{
    pare_model *m = NULL;
    if (api_set_up(state) != 0 ||
        pare_model_create(device, "vit:image=16,patch=4,dim=16,depth=2,heads=2,classes=10", 3, NULL, &m) != PARE_OK ||
        pare_model_save(m, in_dir("teacher"), NULL) != PARE_OK)
        return -1;
    pare_model_close(m);
    return 0;
}

// Whole files, byte by byte.
static void assert_same_weights(const char *a, const char *b)
{
    const char *folders[] = { a, b };
    static char bytes[2][1 << 20];
    size_t n[2];
    for (int i = 0; i < 2; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/model.safetensors", folders[i]);
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        n[i] = fread(bytes[i], 1, sizeof bytes[i], f);
        fclose(f);
    }
    assert_true(n[0] > 1000 && n[0] < sizeof bytes[0] && n[0] == n[1]);
    assert_memory_equal(bytes[0], bytes[1], n[0]);
}

static bool is_there(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0;
}

static pare_distill_options distill_options(const pare_callbacks *c)
{
    pare_distill_options o = pare_distill_options_default();
    o.mixers = mixers;
    o.n_mixers = 2;
    o.max_drop = 100;
    o.epochs = 2;
    o.tune_epochs = 1;
    o.batch = 8;
    o.threads = 2;
    o.callbacks = c;
    return o;
}

static void test_distill(void **state)
{
    heard h = { 0 };
    const pare_callbacks c = callbacks_of(&h);
    pare_distill_options o = distill_options(&c);
    pare_distill_result r = pare_distill_result_default();
    (void) state;
    assert_st(PARE_OK, pare_distill(device, in_dir("teacher"), data, in_dir("whole"), &o, &r));
    assert_true(r.depth == 2 && r.replaced == 2 && r.images == 16 && r.trials > 0 && r.student_params > 0);
    assert_true(r.timing_batch > 0 && r.teacher_ms > 0 && r.student_ms > 0 && r.teacher_params > r.student_params);
    assert_true(h.notices[PARE_STARTED] == 1 && h.notices[PARE_KEPT] == 0 && h.calls > 10);
    assert_true(r.most_replaced == 2 && r.best_replaced <= 2 && r.most_top1 >= 0 && r.best_top1 >= 0);
    assert_true(is_there(in_dir("whole-best")) == (r.best_replaced == 1));

    // In a transfer, and in the tuning.
    for (int i = 0; i < 2; i++) {
        h = (heard) { .stop_in = i ? "tune" : "transfer", .stops_at = 1 };
        o.resume = i > 0;
        assert_st(PARE_E_STOPPED, pare_distill(device, in_dir("teacher"), data, in_dir("parts"), &o, &r));
        assert_int_equal(h.notices[PARE_KEPT], 1);
        assert_non_null(strstr(h.last, "parts.run"));
        assert_false(is_there(in_dir("parts")));
    }
    h = (heard) { 0 };
    o.resume = 0;
    assert_refused(pare_distill(device, in_dir("teacher"), data, in_dir("parts"), &o, &r), "not finished; resume");
    o.resume = 1;
    assert_st(PARE_OK, pare_distill(device, in_dir("teacher"), data, in_dir("parts"), &o, NULL));
    assert_same_weights(in_dir("whole"), in_dir("parts"));
}

// Layer 1 alone, without a search and a transfer, by two tunings that have their own settings.
static void test_schedule(void **state)
{
    static const uint32_t layers[] = { 1, 0 };
    heard h = { 0 };
    const pare_callbacks c = callbacks_of(&h);
    pare_distill_options o = distill_options(&c);
    pare_distill_result r = pare_distill_result_default();
    pare_tuning first = pare_tuning_default(), second = pare_tuning_default();
    pare_recipe recipe = pare_recipe_default();
    pare_model *m = NULL;
    (void) state;
    o.n_mixers = 1;
    o.layers = layers;
    o.n_layers = 1;
    o.schedule = PARE_SCHEDULE_ALL;
    o.max_drop = 0;
    o.no_transfer = o.no_timing = 1;
    o.tune_all_epochs = 1;
    o.tune = &first;
    o.tune_all = &second;
    first.heads = 1;
    first.weight_decay = 0.05;
    first.clip = -1;
    o.tune_recipe = &recipe;
    recipe.ema = 0.9;
    second.trained = PARE_TRAIN_FC_HEAD;
    second.lr = 1e-3;
    assert_st(PARE_OK, pare_distill(device, in_dir("teacher"), data, in_dir("fc"), &o, &r));
    assert_true(r.depth == 2 && r.replaced == 1 && r.steps == 1 && r.trials == 0 && r.teacher_ms == 0);
    assert_st(PARE_OK, pare_model_load(device, in_dir("fc"), NULL, &m));
    assert_true(strcmp(pare_model_mixer(m, 0), "attention") == 0 && strncmp(pare_model_mixer(m, 1), "linear", 6) == 0);
    pare_model_close(m);

    // Both layers, the last first; the run goes on to the same bits.
    o.n_layers = 2;
    o.schedule = 1;
    o.order = PARE_ORDER_DEEP;
    o.no_transfer = 0;
    o.force = 1;
    assert_st(PARE_OK, pare_distill(device, in_dir("teacher"), data, in_dir("fc"), &o, &r));
    assert_true(r.replaced == 2 && r.steps == 2);
    for (int k = 0; k < 2; k++) {
        h = (heard) { .stop_in = k ? "tune-2" : "transfer-2", .stops_at = 1 };
        o.resume = k > 0;
        o.force = 0;
        assert_st(PARE_E_STOPPED, pare_distill(device, in_dir("teacher"), data, in_dir("fc-parts"), &o, NULL));
    }
    h = (heard) { 0 };
    assert_st(PARE_OK, pare_distill(device, in_dir("teacher"), data, in_dir("fc-parts"), &o, NULL));
    assert_same_weights(in_dir("fc"), in_dir("fc-parts"));
}

static void test_bad_schedule(void **state)
{
    pare_distill_options o = distill_options(NULL);
    pare_tuning t = pare_tuning_default();
    const char *teacher = in_dir("teacher"), *out = in_dir("never");
    const uint32_t layers[] = { 0, 2 };
    (void) state;
    o.n_layers = 2;
    assert_refused(pare_distill(device, teacher, data, out, &o, NULL), "layers is NULL");
    o.layers = layers;
    assert_refused(pare_distill(device, teacher, data, out, &o, NULL), "has no layer 2");
    o.n_layers = 4000000000u;
    assert_refused(pare_distill(device, teacher, data, out, &o, NULL), "4000000000 numbers");
    o.n_layers = 0;
    assert_refused(pare_distill(device, teacher, data, out, &o, NULL), "the list is empty");
    o = distill_options(NULL);
    o.schedule = 1;
    assert_refused(pare_distill(device, teacher, data, out, &o, NULL), "want one mixer");
    o.n_mixers = 1;
    o.schedule = 4000;
    assert_refused(pare_distill(device, teacher, data, out, &o, NULL), "a schedule of 4000 layers at a time");
    o.schedule = 1;
    o.order = (pare_order) 9;
    assert_refused(pare_distill(device, teacher, data, out, &o, NULL), "no order 9");
    o.order = PARE_ORDER_SPARSE;
    o.tune = &t;
    t.trained = (pare_trained) 9;
    assert_refused(pare_distill(device, teacher, data, out, &o, NULL), "no part of the model to train");
    t = pare_tuning_default();
    t.lr = -1;
    assert_refused(pare_distill(device, teacher, data, out, &o, NULL), "a lr of -1");
    t.lr = 0;
    t.kl = (double) NAN;
    assert_refused(pare_distill(device, teacher, data, out, &o, NULL), "a kl of nan");
    t.kl = 0;
    t.size = 8;
    o.tune = NULL;
    o.tune_all = &t;
    assert_refused(pare_distill(device, teacher, data, out, &o, NULL), "a struct of 8 bytes");
    assert_false(is_there(out));
    assert_false(is_there(in_dir("never.run")));
}

static void test_bad_distill(void **state)
{
    pare_distill_options o = distill_options(NULL);
    pare_distill_result r = pare_distill_result_default();
    const char *teacher = in_dir("teacher"), *out = in_dir("never");
    const char *const wrong[] = { "magic" }, *const none[] = { NULL }, *const same[] = { "attention" };
    (void) state;
    assert_refused(pare_distill(NULL, teacher, data, out, &o, &r), "device is NULL");
    assert_refused(pare_distill(device, NULL, data, out, &o, &r), "teacher is NULL");
    assert_refused(pare_distill(device, teacher, NULL, out, &o, &r), "data is NULL");
    assert_refused(pare_distill(device, teacher, data, NULL, &o, &r), "out is NULL");
    assert_refused(pare_distill(device, teacher, data, out, NULL, &r), "what may replace its attention");
    assert_st(PARE_E_FILE, pare_distill(device, in_dir("nothing"), data, out, &o, &r));
    o.mixers = wrong;
    o.n_mixers = 1;
    assert_refused(pare_distill(device, teacher, data, out, &o, &r), "no mixer \"magic\"");
    o.mixers = none;
    assert_refused(pare_distill(device, teacher, data, out, &o, &r), "mixers[0] is NULL");
    o.mixers = same;
    assert_refused(pare_distill(device, teacher, data, out, &o, &r), "attention is what is to be replaced");
    o.mixers = NULL;
    assert_refused(pare_distill(device, teacher, data, out, &o, &r), "mixers or from is NULL");
    o = distill_options(NULL);
    o.objective = (pare_objective) 9;
    assert_refused(pare_distill(device, teacher, data, out, &o, &r), "no objective 9");
    o = distill_options(NULL);
    o.confidence = 1.5;
    assert_refused(pare_distill(device, teacher, data, out, &o, &r), "confidence");
    o = distill_options(NULL);
    o.min_share = 0.9;
    assert_refused(pare_distill(device, teacher, data, out, &o, &r), "in place of max_drop");
    o.max_drop = 0;
    o.min_share = 1.5;
    assert_refused(pare_distill(device, teacher, data, out, &o, &r), "min_share is 0 to 1");
    o = distill_options(NULL);
    o.size = 16;
    assert_refused(pare_distill(device, teacher, data, out, &o, &r), "a struct of 16 bytes");
    o = distill_options(NULL);
    r.size = 8;
    assert_refused(pare_distill(device, teacher, data, out, &o, &r), "a struct of 8 bytes");
    r = pare_distill_result_default();
    assert_refused(pare_distill(device, teacher, data, teacher, &o, &r), "is what is read");
    assert_false(is_there(out));
    assert_false(is_there(in_dir("never.run")));
}

static pare_retain_options retain_options(const pare_callbacks *c)
{
    pare_retain_options o = pare_retain_options_default();
    o.keep = 0.7;
    o.epochs = 2;
    o.batch = 8;
    o.threads = 2;
    o.no_timing = 1;
    o.callbacks = c;
    return o;
}

static void test_retain(void **state)
{
    heard h = { 0 };
    const pare_callbacks c = callbacks_of(&h);
    pare_retain_options o = retain_options(&c);
    pare_retain_result r = pare_retain_result_default();
    pare_evaluate_result e = pare_evaluate_result_default();
    pare_model_info i = pare_model_info_default();
    pare_model *m = NULL;
    (void) state;
    assert_st(PARE_OK, pare_retain(device, in_dir("teacher"), data, in_dir("kept"), &o, &r));
    assert_true(r.images == 16 && r.keep > 0 && r.keep <= 1 && r.model_images_per_s == 0);
    assert_true(r.teacher_macs > 0 && r.model_macs > 0 && (r.model_macs < r.teacher_macs) == (r.keep < 0.99));
    assert_st(PARE_OK, pare_model_load(device, in_dir("kept"), NULL, &m));
    assert_st(PARE_OK, pare_model_get_info(m, &i));
    assert_string_equal(i.policy, "halting");
    assert_st(PARE_OK, pare_evaluate(m, data, NULL, &e));
    assert_true(e.n_keep == 2 && e.keep == r.keep && e.top1 == r.model_top1 && e.keep_layer[0] == 1);
    pare_model_close(m);

    h = (heard) { .stop_in = "retain", .stops_at = 1 };
    assert_st(PARE_E_STOPPED, pare_retain(device, in_dir("teacher"), data, in_dir("kept2"), &o, &r));
    assert_int_equal(h.notices[PARE_KEPT], 1);
    o.resume = 1;
    h = (heard) { 0 };
    assert_st(PARE_OK, pare_retain(device, in_dir("teacher"), data, in_dir("kept2"), &o, NULL));
    assert_same_weights(in_dir("kept"), in_dir("kept2"));

    const double centre = 1.25;
    o = retain_options(NULL);       // a gate that stays where it is
    o.keep = 0;
    o.fixed_gate = 1;
    o.gate_scale = 2;
    o.gate_centre = &centre;
    o.ponder = -1;
    o.epochs = 1;
    r.size = offsetof(pare_retain_result, teacher_macs);        // of a program of before
    r.teacher_macs = -1;
    assert_st(PARE_OK, pare_retain(device, in_dir("teacher"), data, in_dir("fixed"), &o, &r));
    assert_true(r.images == 16 && r.keep >= 0.5 && r.keep <= 1 && r.teacher_macs < 0);
    r = pare_retain_result_default();

    o = retain_options(NULL);       // without training
    o.policy = "topk";
    o.epochs = 0;
    assert_st(PARE_OK, pare_retain(device, in_dir("teacher"), data, in_dir("top"), &o, &r));
    assert_true(r.keep < 0.75);
}

// A recipe does something, stops and goes on to the same bits, and is written down.
static void test_recipe(void **state)
{
    heard h = { .stop_in = "retain", .stops_at = 1 };
    const pare_callbacks c = callbacks_of(&h);
    pare_recipe recipe = pare_recipe_default();
    pare_retain_options o = retain_options(NULL);
    (void) state;
    recipe = (pare_recipe) {
        .size = sizeof recipe, .smoothing = -1, .mixup = 0.8, .cutmix = 1, .drop_path = 0.1, .ema = 0.9,
        .min_lr = 1e-6, .warmup = 1, .warmup_lr = 1e-5, .lr_base = 0.01, .lr_base_size = 64, .aug_repeats = 2,
        .aa = "rand-m9-mstd0.5-inc1", .color_jitter = 0.3, .force_color_jitter = 1, .reprob = 0.25, .remode = "const",
        .scale = { 0.3, 1 }, .hflip = 0.5, .train_interpolation = "bicubic",
    };
    o.policy = "topk";
    o.recipe = &recipe;
    assert_st(PARE_OK, pare_retain(device, in_dir("teacher"), data, in_dir("recipe"), &o, NULL));
    o.callbacks = &c;
    assert_st(PARE_E_STOPPED, pare_retain(device, in_dir("teacher"), data, in_dir("recipe2"), &o, NULL));
    h = (heard) { 0 };
    o.resume = 1;
    recipe.aa = "rand-m8";
    assert_refused(pare_retain(device, in_dir("teacher"), data, in_dir("recipe2"), &o, NULL), "another run");
    recipe.aa = "rand-m9-mstd0.5-inc1";
    assert_st(PARE_OK, pare_retain(device, in_dir("teacher"), data, in_dir("recipe2"), &o, NULL));
    assert_same_weights(in_dir("recipe"), in_dir("recipe2"));
}

static void test_bad_recipe(void **state)
{
    static const struct { pare_recipe r; const char *word; } bad[] = {
        { { .aa = "v0" }, "aa: no policy" }, { { .reprob = 2 }, "reprob is 2" }, { { .remode = "x" }, "remode: " },
        { { .scale = { 0.5, 2 } }, "scale" }, { { .min_lr = 1 }, "min-lr is 1, more than" },
        { { .warmup_lr = 1 }, "warmup-lr" }, { { .lr_base = -1 }, "lr-base" }, { { .mixup = -1 }, "mixup" },
        { { .smoothing = 2 }, "smoothing" }, { { .drop_path = 1 }, "stochastic depth" }, { { .ema = 1 }, "average" },
        { { .aug_repeats = 1000 }, "aug-repeats" }, { { .color_jitter = -1 }, "color-jitter" },
        { { .smoothing = NAN }, "smoothing" }, { { .warmup = NAN }, "warmup is no number" },
    };
    const char *teacher = in_dir("teacher"), *out = in_dir("never");
    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        pare_recipe r = bad[i].r;
        pare_retain_options o = retain_options(NULL);
        pare_distill_options d = distill_options(NULL);
        r.size = sizeof r;
        o.recipe = d.tune_recipe = &r;
        assert_refused(pare_retain(device, teacher, data, out, &o, NULL), bad[i].word);
        assert_refused(pare_distill(device, teacher, data, out, &d, NULL), bad[i].word);
    }
    pare_recipe small = { .size = 8 };
    pare_retain_options o = retain_options(NULL);
    o.recipe = &small;
    assert_refused(pare_retain(device, teacher, data, out, &o, NULL), "a struct of 8 bytes");
    assert_false(is_there(out));
}

static void test_bad_retain(void **state)
{
    pare_retain_options o = retain_options(NULL);
    pare_retain_result r = pare_retain_result_default();
    const char *teacher = in_dir("teacher"), *out = in_dir("never");
    (void) state;
    assert_refused(pare_retain(NULL, teacher, data, out, &o, &r), "device is NULL");
    assert_refused(pare_retain(device, NULL, data, out, &o, &r), "teacher is NULL");
    assert_refused(pare_retain(device, teacher, NULL, out, &o, &r), "data is NULL");
    assert_refused(pare_retain(device, teacher, data, NULL, &o, &r), "out is NULL");
    assert_refused(pare_retain(device, teacher, data, out, NULL, &r), "keep wants ratios");
    assert_refused(pare_retain(device, teacher, data, teacher, &o, &r), "is what is read");
    assert_st(PARE_E_FILE, pare_retain(device, in_dir("nothing"), data, out, &o, &r));
    o.keep = 1.5;
    assert_refused(pare_retain(device, teacher, data, out, &o, &r), "keep wants ratios");
    o = retain_options(NULL);
    o.policy = "none";
    assert_refused(pare_retain(device, teacher, data, out, &o, &r), "halting or topk");
    o.policy = "chance";
    assert_st(PARE_E_ARG, pare_retain(device, teacher, data, out, &o, &r));
    o = retain_options(NULL);
    o.fixed_gate = 1;
    assert_refused(pare_retain(device, teacher, data, out, &o, &r), "fixed_gate goes without keep");
    o.keep = 0;
    o.gate_scale = -1;
    assert_refused(pare_retain(device, teacher, data, out, &o, &r), "gate-scale is -1");
    o = retain_options(NULL);
    o.size = 8;
    assert_refused(pare_retain(device, teacher, data, out, &o, &r), "a struct of 8 bytes");
    o = retain_options(NULL);
    r.size = 0;
    assert_refused(pare_retain(device, teacher, data, out, &o, &r), "a struct of 0 bytes");
    assert_false(is_there(out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distill), cmocka_unit_test(test_bad_distill), cmocka_unit_test(test_retain),
        cmocka_unit_test(test_bad_retain), cmocka_unit_test(test_recipe), cmocka_unit_test(test_bad_recipe),
        cmocka_unit_test(test_schedule), cmocka_unit_test(test_bad_schedule),
    };
    return cmocka_run_group_tests(tests, set_up, api_tear_down);
}
