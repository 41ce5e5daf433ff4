// test_check.c — the comparison with the CPU while a graph runs: right models of every mixer and policy pass, in
// inference and training, and each planted fault is named where it is.
#include "nn/graph/check.h"

#include "nn/infer/infer.h"
#include "tests/filter.h"
#include "tests/nn/models/golden_model.h"
#include "tests/nn/models/retention_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ARCH "vit:image=16,patch=4,dim=24,depth=3,heads=3,classes=5"
enum { IMAGES = 4, CLASSES = 5, PIXELS = 3 * 16 * 16 };

static nn_check *start(vkc_device *dev, uint32_t every)
{
    nn_check *c = NULL;
    assert_ok(nn_check_create(dev, &(nn_check_params) { .every = every }, &c));
    return c;
}

static void set_fault(const char *fault)
{
    if (fault)
        assert_int_equal(setenv("PARE_FAULT", fault, 1), 0);
    else
        assert_int_equal(unsetenv("PARE_FAULT"), 0);
}

// Print what was seen, for choosing bars.
static void print_figures(const char *what, const nn_check *c)
{
    const uint32_t i = nn_check_worst(c);
    const nn_check_op *op = nn_check_get_op(c, i);
    double nmse = 0;
    for (uint32_t k = 0; k < nn_n_ops; k++)
        nmse = fmax(nmse, nn_check_get_op(c, k)->nmse);
    printf("%-28s %3llu calls, worst %s at %s: %.1e, NMSE of all at most %.1e\n", what,
           (unsigned long long) nn_check_calls(c), nn_ops[i]->name, op->scope, op->worst, nmse);
}

// Two batches, a full one and one that leaves rows dead, through a model of random values.
static vkc_status infer(vkc_device *dev, const nn_model_config *cfg, float *logits)
{
    nn_model *v = NULL;
    nn_infer *inf = NULL;
    float pixels[IMAGES * PIXELS];
    uint32_t labels[IMAGES];
    vkc_status st;
    assert_ok(nn_model_create(dev, cfg, false, &v));
    golden_fill(v->params, 7, 0.3f);
    golden_batch(cfg, 5, 1, IMAGES, pixels, labels);
    VKC_TRY(nn_infer_create(v, IMAGES, &inf));
    VKC_TRY(nn_infer_run(inf, pixels, IMAGES, logits));
    VKC_TRY(nn_infer_run(inf, pixels, IMAGES - 1, logits));
done:
    nn_infer_destroy(inf);
    nn_model_destroy(v);
    return st;
}

static void right_mixers_pass(void **state)
{
    nn_check *c = start(*state, 0);
    float logits[IMAGES * CLASSES];
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        const nn_mixer_option *o = nn_mixers[m]->options;
        do {                        // the defaults, then each option's other values one by one
            const char *value;
            const bool is_first = o == nn_mixers[m]->options;
            for (uint32_t i = is_first ? 0 : 1; i == 0 || (o && o->key && (value = nn_mixer_option_value(o, i))); i++) {
                char name[96];
                nn_model_config cfg;
                snprintf(name, sizeof name, "%s%s%s%s%s", nn_mixers[m]->name, i ? ":" : "", i ? o->key : "",
                         i ? "=" : "", i ? value : "");
                golden_config(ARCH, name, &cfg);
                const vkc_status st = infer(*state, &cfg, logits);
                if (st != VKC_OK && st != VKC_E_ARG)    // an option that these dimensions cannot have
                    fail_msg("%s: %s", name, vkc_last_error());
                if (st == VKC_OK) {
                    print_figures(name, c);
                    assert_int_equal(nn_check_replays(c), 2);
                }
                nn_check_restart(c);
                nn_model_config_finish(&cfg);
            }
        } while (o && o->key && (++o)->key);
    }
    nn_check_destroy(c);
}

static const nn_retention_config policies[] = {
    { .policy = NN_POLICY_HALTING, .every = 1, .gate_scale = 2, .gate_centre = 0.75, .eps = 0.01, .keep_class = true },
    { .policy = NN_POLICY_HALTING, .every = 2, .gate_scale = 2, .gate_centre = 0.75, .eps = 0.01, .read_patches = 0.5 },
    { .policy = NN_POLICY_TOPK, .share = { 0.7, 0.4, 0.4 } },
};
enum { POLICIES = sizeof policies / sizeof *policies };

static void right_policies_pass(void **state)
{
    nn_check *c = start(*state, 0);
    float logits[IMAGES * CLASSES];
    for (uint32_t p = 0; p < POLICIES; p++)
        for (uint32_t m = 0; m < nn_n_mixers; m++) {
            nn_model_config cfg;
            if (policies[p].policy == NN_POLICY_TOPK && !nn_mixers[m]->has_weights)
                continue;
            golden_config(ARCH, nn_mixers[m]->name, &cfg);
            cfg.retention = policies[p];
            assert_ok(infer(*state, &cfg, logits));
            print_figures(nn_mixers[m]->name, c);
            nn_check_restart(c);
            nn_model_config_finish(&cfg);
        }
    nn_check_destroy(c);
}

// Tokens whose score is on the threshold, to what rounding leaves of it: whichever way the device takes is right.
static void halting_on_the_edge_passes(void **state)
{
    nn_check *c = start(*state, 0);
    float logits[IMAGES * CLASSES];
    for (uint32_t i = 0; i < 8; i++) {
        nn_model_config cfg;
        golden_config(ARCH, "attention", &cfg);
        cfg.retention = policies[0];
        cfg.retention.keep_class = false;
        cfg.retention.gate_scale = 1e-7;                // the same score for all, up to rounding
        cfg.retention.gate_centre = -log(99) + (i - 4.0) * 1e-7;        // 0.99 = 1 - eps
        cfg.retention.eps = 0.01;
        assert_ok(infer(*state, &cfg, logits));
        nn_check_restart(c);
        nn_model_config_finish(&cfg);
    }
    nn_check_destroy(c);
}

// ---- training

static void open_training(vkc_device *dev, const char *mixer, golden_model *m)
{
    nn_model_config cfg;
    golden_config(ARCH, mixer, &cfg);
    golden_open(dev, &cfg, IMAGES, m);
    golden_fill(m->v->params, 7, 0.3f);
    nn_model_config_finish(&cfg);
}

static vkc_status step(golden_model *m, uint64_t number)
{
    golden_batch(&m->v->cfg, 5, (uint32_t) number, IMAGES, golden_pixels(m), golden_labels(m));
    golden_step(m, IMAGES, 1e-2, number, NULL);
    return nn_stepper_check(m->stepper, number);
}

static void right_steps_pass(void **state)
{
    nn_check *c = start(*state, 1);
    for (uint32_t i = 0; i < nn_n_mixers; i++) {
        golden_model m;
        open_training(*state, nn_mixers[i]->name, &m);
        for (uint64_t k = 1; k <= 3; k++)
            assert_ok(step(&m, k));
        print_figures(nn_mixers[i]->name, c);
        assert_int_equal(nn_check_replays(c), 3);
        nn_check_restart(c);
        golden_close(&m);
    }
    nn_check_destroy(c);
}

static void every_nth_step_is_compared(void **state)
{
    nn_check *c = start(*state, 3);
    golden_model m;
    open_training(*state, "attention", &m);
    for (uint64_t k = 1; k <= 7; k++) {
        assert_ok(step(&m, k));
        assert_int_equal(nn_check_replays(c), (k + 2) / 3);
    }
    golden_close(&m);
    nn_check_destroy(c);
    c = start(*state, 0);           // and left alone, the first of a hundred
    open_training(*state, "attention", &m);
    for (uint64_t k = 1; k <= 4; k++)
        assert_ok(step(&m, k));
    assert_int_equal(nn_check_replays(c), 1);
    golden_close(&m);
    nn_check_destroy(c);
}

static void halting_steps_pass(void **state)
{
    nn_check *c = start(*state, 1);
    for (uint32_t p = 0; p < POLICIES; p++) {
        nn_model_config cfg;
        retention_run t;
        golden_config(ARCH, "attention", &cfg);
        cfg.retention = policies[p];
        assert_ok(retention_run_init(&t, *state, &cfg, IMAGES, 3, true));
        assert_ok(nn_check_before(t.g));
        assert_ok(retention_run_execute(&t, IMAGES - 1, 1));
        assert_ok(nn_check_after(t.g, "in a step"));
        print_figures("step of a policy", c);
        nn_check_restart(c);
        retention_run_finish(&t);
        nn_model_config_finish(&cfg);
    }
    nn_check_destroy(c);
}

// What is compared does not change what is computed.
static void results_are_the_same_bits(void **state)
{
    float plain[IMAGES * CLASSES], checked[IMAGES * CLASSES];
    nn_model_config cfg;
    golden_config(ARCH, "linear", &cfg);
    assert_ok(infer(*state, &cfg, plain));
    nn_check *c = start(*state, 0);
    assert_ok(infer(*state, &cfg, checked));
    assert_memory_equal(plain, checked, (IMAGES - 1) * CLASSES * sizeof *plain);
    nn_check_destroy(c);
    nn_model_config_finish(&cfg);
}

// ---- alarms

typedef struct fault { const char *mixer, *fault, *op, *scope; int policy; } fault;

static const fault faults[] = {
    { "attention", "patchify@patch_embed", "patchify", "patch_embed", -1 },
    { "attention", "vit_tokens@patch_embed", "vit_tokens", "patch_embed", -1 },
    { "attention", "layernorm@blocks.0.attn", "layernorm", "blocks.0.attn", -1 },
    { "attention", "attention@1", "attention", "blocks.1.attn", -1 },
    { "attention", "linear@blocks.1.mlp", "linear", "blocks.1.mlp", -1 },
    { "attention", "add@blocks.2.mlp", "add", "blocks.2.mlp", -1 },
    { "attention", "first_rows@blocks.2.attn", "first_rows", "blocks.2.attn", -1 },
    { "attention", "linear@head", "linear", "head", -1 },
    { "linear", "linear_attention@2", "linear_attention", "blocks.2.attn", -1 },
    { "linear", "feature_map@0", "feature_map", "blocks.0.attn", -1 },
    { "gated_delta", "delta_scan@1", "delta_scan", "blocks.1.attn", -1 },
    { "bilstm", "lstm@1", "lstm", "blocks.1.attn", -1 },
    { "attention", "halt@0", "halt", "blocks.0.retention", 0 },
    { "attention", "compact@0", "compact", "blocks.0.retention", 0 },
    { "attention", "mean_field@1", "mean_field", "blocks.1.retention", 0 },
    { "attention", "keep_top@0", "keep_top", "blocks.0.retention", 2 },
    { "attention", "gather_rows@1", "gather_rows", "blocks.1.retention", 2 },
    { "attention", "compact@1", "compact", "blocks.1.retention", 2 },
};

static void check_found(const nn_check *c, const fault *f)
{
    const nn_check_found *found = nn_check_first(c);
    assert_non_null(found);
    if (strcmp(found->op->name, f->op) != 0 || strcmp(found->scope, f->scope) != 0)
        fail_msg("%s: found %s at %s: %s", f->fault, found->op->name, found->scope, found->text);
    char place[NN_MAX_PLACE];
    assert_non_null(strstr(found->text, nn_scope_text(f->scope, place)));
    assert_non_null(strstr(found->text, f->op));
}

static void faults_are_named(void **state)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const fault *f = &faults[i];
        float logits[IMAGES * CLASSES] = { 77 };
        nn_model_config cfg;
        golden_config(ARCH, f->mixer, &cfg);
        if (f->policy >= 0)
            cfg.retention = policies[f->policy];
        set_fault(f->fault);
        nn_check *c = start(*state, 0);
        if (infer(*state, &cfg, logits) != VKC_E_CHECK)
            fail_msg("%s was not noticed", f->fault);
        printf("%s\n", vkc_last_error());
        assert_true(logits[0] == 77);                   // nothing wrong comes out
        check_found(c, f);
        assert_int_equal(nn_check_replays(c), 1);
        nn_check_destroy(c);
        set_fault(NULL);
        nn_model_config_finish(&cfg);
    }
}

static void faults_in_training_are_named(void **state)
{
    static const fault in_training[] = {
        { "attention", "linear@blocks.1.mlp", "linear", "blocks.1.mlp", -1 },
        { "attention", "cross_entropy@loss", "cross_entropy", "loss", -1 },
        { "ssd", "gated_scan@0", "gated_scan", "blocks.0.attn", -1 },
    };
    for (size_t i = 0; i < sizeof in_training / sizeof *in_training; i++) {
        golden_model m;
        nn_check *c = start(*state, 1);
        set_fault(in_training[i].fault);
        open_training(*state, in_training[i].mixer, &m);
        assert_status(step(&m, 1), VKC_E_CHECK);
        check_found(c, &in_training[i]);
        golden_close(&m);
        nn_check_destroy(c);
        set_fault(NULL);
    }
}

// Values that no driver would get wrong by so little, for how much is noticed: one weight of a graph's own is moved
// between the replay and the comparison.
static void a_small_difference_is_enough(void **state)
{
    const double moves[] = { 1e-6, 1e-2 };
    for (int i = 0; i < 2; i++) {
        nn_check *c = start(*state, 0);
        nn_model *v = NULL;
        nn_batch batch;
        nn_graph *g = NULL;
        vkc_recording *rec = NULL;
        nn_model_config cfg;
        float pixels[IMAGES * PIXELS], w;
        uint32_t labels[IMAGES];
        golden_config(ARCH, "attention", &cfg);
        golden_batch(&cfg, 5, 1, IMAGES, pixels, labels);
        assert_ok(nn_model_create(*state, &cfg, false, &v));
        golden_fill(v->params, 7, 0.3f);
        assert_ok(nn_model_batch_create(*state, &cfg, IMAGES, &batch));
        assert_ok(nn_graph_create(*state, &g));
        nn_tensor *x = nn_graph_input(g, "pixels", (nn_shape) { 2, { 0, PIXELS } }, NN_DTYPE_F32, batch.samples);
        nn_graph_keep(g, nn_model_forward(g, v, &batch, &x, false, NULL));
        assert_ok(nn_graph_plan(g));
        assert_ok(vkc_recording_create(*state, &(vkc_recording_params) { .name = "small" }, &rec));
        assert_ok(nn_graph_record(g, rec));
        assert_ok(vkc_recording_finish(rec));
        assert_ok(nn_batch_write(*state, &batch, IMAGES));
        assert_ok(vkc_write(*state, nn_tensor_slice(x), pixels));
        assert_ok(nn_check_before(g));
        assert_ok(vkc_submit(rec, NULL));
        vkc_slice at = nn_params_value(v->params, v->block[1].fc2_b);
        at.size = sizeof w;
        assert_ok(vkc_read(*state, at, &w));
        w += (float) moves[i];
        assert_ok(vkc_write(*state, at, &w));
        assert_status(nn_check_after(g, "in a test"), i ? VKC_E_CHECK : VKC_OK);
        if (i)
            check_found(c, &(fault) { "attention", "a moved bias", "linear", "blocks.1.mlp", -1 });
        vkc_recording_destroy(rec);
        nn_graph_destroy(g);
        nn_batch_finish(&batch);
        nn_model_destroy(v);
        nn_check_destroy(c);
        nn_model_config_finish(&cfg);
    }
}

// Bytes that a model for 32 pictures takes on the device, checked or not.
static uint64_t bytes_of(vkc_device *dev, const nn_model *v, bool is_checked)
{
    nn_check *c = is_checked ? start(dev, 0) : NULL;
    nn_infer *inf = NULL;
    assert_ok(nn_infer_create(v, 32, &inf));
    const uint64_t bytes = nn_infer_bytes(inf);
    nn_infer_destroy(inf);
    nn_check_destroy(c);
    return bytes;
}

static void memory_that_does_not_fit_is_said(void **state)
{
    nn_model_config cfg;
    nn_model *v = NULL;
    nn_infer *inf = NULL;
    vkc_device *small = NULL;
    golden_config(ARCH, "attention", &cfg);
    assert_ok(nn_model_create(*state, &cfg, false, &v));
    const uint64_t plain = bytes_of(*state, v, false), checked = bytes_of(*state, v, true);
    printf("%llu bytes, checked %llu\n", (unsigned long long) plain, (unsigned long long) checked);
    assert_true(checked > plain + plain / 2);
    const uint64_t params = vkc_memory_get_info(*state).in_use;
    nn_model_destroy(v);
    const vkc_device_params room = { .log = test_log, .max_memory = params + plain + plain / 4 };
    assert_ok(vkc_device_create(&room, &small));
    assert_ok(nn_model_create(small, &cfg, false, &v));
    assert_ok(nn_infer_create(v, 32, &inf));
    nn_infer_destroy(inf);
    inf = NULL;
    nn_check *c = start(small, 0);
    assert_status(nn_infer_create(v, 32, &inf), VKC_E_DEVMEM);
    assert_non_null(strstr(vkc_last_error(), "a smaller batch needs less"));
    nn_check_destroy(c);
    nn_model_destroy(v);
    assert_int_equal(vkc_device_validation_count(small), 0);
    vkc_device_destroy(small);
    nn_model_config_finish(&cfg);
}

static void wrong_use_is_refused(void **state)
{
    static const char *const wrong[] = { "linear", "@1", "linear@", "no_such_op@1" };
    float logits[IMAGES * CLASSES];
    nn_model_config cfg;
    golden_config(ARCH, "attention", &cfg);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        set_fault(wrong[i]);
        assert_status(infer(*state, &cfg, logits), VKC_E_ARG);
        assert_non_null(strstr(vkc_last_error(), "PARE_FAULT"));
    }
    set_fault("halt@0");            // no such call in this graph
    assert_ok(infer(*state, &cfg, logits));
    set_fault(NULL);
    nn_check *c = start(*state, 0), *second = NULL;
    assert_status(nn_check_create(*state, &(nn_check_params) { .every = 1 }, &second), VKC_E_ARG);
    nn_check_destroy(c);
    nn_model_config_finish(&cfg);
}

static void scopes_read_well(void **state)
{
    static const char *const text[][2] = {
        { "blocks.3.attn", "layer 3, attention branch" }, { "blocks.12.mlp", "layer 12, MLP branch" },
        { "patch_embed", "patch embedding" }, { "head", "classifier" }, { "blocks.0.odd", "layer 0, odd" },
        { "odd", "odd" }, { "", "outside of the model" }, { "blocks.", "blocks." },
    };
    char out[NN_MAX_PLACE];
    (void) state;
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        assert_string_equal(nn_scope_text(text[i][0], out), text[i][1]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_mixers_pass),
        cmocka_unit_test(right_policies_pass),
        cmocka_unit_test(halting_on_the_edge_passes),
        cmocka_unit_test(right_steps_pass),
        cmocka_unit_test(every_nth_step_is_compared),
        cmocka_unit_test(halting_steps_pass),
        cmocka_unit_test(results_are_the_same_bits),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(faults_in_training_are_named),
        cmocka_unit_test(a_small_difference_is_enough),
        cmocka_unit_test(memory_that_does_not_fit_is_said),
        cmocka_unit_test(wrong_use_is_refused),
        cmocka_unit_test(scopes_read_well),
    };
    test_filter_names(argc, argv, tests, sizeof tests / sizeof *tests);
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
