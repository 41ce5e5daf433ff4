// test_pipeline_retain.c — token-pruned models, made from C: a series stopped and resumed to the same bits,
// plans, refusals in words, without a letter on standard output or standard error.
#include "tests/pipeline/pipeline_run.h"

#include "pipeline/retain/retain.h"

#include <math.h>
#include <stdlib.h>

typedef struct seen {
    listener l;                     // first: both callbacks have one user
    uint32_t models;
} seen;

static nn_dataset *data;
static char teacher[128];

static int set_up(void **state)
{
    if (device_dir_set_up(state) != 0 || nn_dataset_create(DATA, &data) != VKC_OK)
        return -1;
    make_teacher((vkc_device *) *state, data, in_dir(teacher, "teacher"));
    return 0;
}

static int tear_down(void **state)
{
    nn_dataset_destroy(data);
    return device_dir_tear_down(state);
}

static vkc_status hear(void *user, uint32_t i, const pipeline_retain_result *so_far)
{
    seen *s = (seen *) user;
    assert_true(i == s->models && so_far->model[i].json);
    s->models++;
    return VKC_OK;
}

static pipeline_retain_params make_params(const char *out)
{
    pipeline_retain_params p = PIPELINE_RETAIN_DEFAULTS;
    p.teacher = teacher;
    p.data = (pipeline_data) { .set = data, .batch = 8, .threads = 2 };
    p.place.out = out;
    p.keep[0] = 0.9;
    p.keep[1] = 0.7;
    p.n_keep = 2;
    p.chain = true;
    p.epochs = 1;
    p.lr = 1e-4;
    p.told = hear;
    return p;
}

static pipeline_retain_result *run(vkc_device *dev, const pipeline_retain_params *p, seen *s, vkc_status want)
{
    const pipeline_context c = listen_context(dev, &s->l);
    pipeline_retain_result *r = (pipeline_retain_result *) malloc(sizeof *r);
    assert_non_null(r);
    const silence quiet = silence_begin();
    const vkc_status st = pipeline_retain(&c, p, r);
    silence_end(quiet);
    assert_status(st, want);
    assert_false(s->l.is_odd);
    return r;
}

static void drop(pipeline_retain_result *r)
{
    pipeline_retain_finish(r);
    free(r);
}

static void test_resume(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    static const struct { const char *what; uint32_t at, models; } stops[] = {
        { "retain", 0, 0 }, { "centre", 1, 0 }, { "retention", 0, 0 }, { "", 3, 0 }, { "retention", 1, 1 },
    };
    static const char *const tails[] = { "0.90", "0.70" };
    char whole[128], parts[128];
    seen s = { .models = 0 };
    pipeline_retain_params p = make_params(in_dir(whole, "whole"));
    pipeline_retain_result *want = run(dev, &p, &s, VKC_OK);
    assert_true(s.models == 2 && want->n == 2 && want->epochs == 1 && want->teacher.images == 16);
    for (uint32_t i = 0; i < 2; i++) {
        const pipeline_retained *m = &want->model[i];
        assert_true(m->train.steps == 3 && m->images_per_s > 0 && m->json);
        assert_true(fabs(m->train.val_keep - p.keep[i]) <= 0.03);
        assert_true(pipeline_retained_figures(m) == &m->test);
        assert_int_equal(m->retention.policy, NN_POLICY_HALTING);
        assert_true(json_number_value(json_object_get(m->json, "keep_asked")) == p.keep[i]);
    }
    p = make_params(in_dir(parts, "parts"));
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        seen stopped = { .l = { .stop_in = stops[i].what, .stop_at = stops[i].at } };
        p.place.resume = i > 0;
        pipeline_retain_result *r = run(dev, &p, &stopped, VKC_E_STOPPED);
        assert_true(stopped.l.calls > stops[i].at && stopped.models == stops[i].models);
        assert_int_equal(stopped.l.told[PIPELINE_STOPPED], 1);
        assert_non_null(strstr(stopped.l.last, r->run_dir));
        assert_true(!r->model[0].json == !stopped.models);
        drop(r);
    }
    p.place.resume = true;
    s = (seen) { .models = 0 };
    pipeline_retain_result *have = run(dev, &p, &s, VKC_OK);
    for (uint32_t i = 0; i < 2; i++) {
        char a[160], b[160];
        snprintf(a, sizeof a, "%s-%s", whole, tails[i]);
        snprintf(b, sizeof b, "%s-%s", parts, tails[i]);
        assert_string_equal(have->model[i].out, b);
        assert_same_weights(a, b);
        assert_true(have->model[i].train.loss == want->model[i].train.loss);
        assert_true(have->model[i].test.loss == want->model[i].test.loss);
        assert_true(have->model[i].stats.keep == want->model[i].stats.keep);
    }
    drop(have);
    drop(want);
}

static void test_topk(void **state)
{
    char out[128], runs[128];
    seen s = { .models = 0 };
    pipeline_retain_params p = make_params(in_dir(out, "topk"));
    p.place.run = in_dir(runs, "topk-run");
    p.pruning.policy = NN_POLICY_TOPK;
    p.epochs = PIPELINE_USUAL_EPOCHS;
    p.n_keep = 0;
    p.n_at = p.n_share = 1;
    p.at[0] = 0;
    p.share[0] = 0.5;
    p.chain = false;
    p.no_timing = true;
    pipeline_retain_result *r = run((vkc_device *) *state, &p, &s, VKC_OK);
    assert_true(r->n == 1 && r->epochs == 0 && r->model[0].train.steps == 0 && r->model[0].images_per_s <= 0);
    assert_true(fabs(r->model[0].keep - 0.75) < 1e-12 && fabs(r->model[0].test.keep - 0.75) < 1e-12);
    assert_string_equal(r->run_dir, runs);
    assert_true(is_there(out, "config.json") && is_there(runs, "run.json"));
    assert_string_equal(json_string_value(json_object_get(r->model[0].json, "policy")), "topk");
    drop(r);
}

// A gate that stays where it is: one model, no ratio asked for; nothing is written for one that leaves no patch.
static void test_fixed(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    char out[128], parts[128], run_dir[136];
    seen s = { .models = 0 };
    pipeline_retain_params p = make_params(in_dir(out, "fixed"));
    p.n_keep = 0;
    p.chain = false;
    p.pruning.fixed_gate = true;
    p.pruning.gate_scale = 2;
    p.pruning.gate_centre = 1;
    p.keep_last = true;
    pipeline_retain_result *want = run(dev, &p, &s, VKC_OK);
    const pipeline_retained *m = &want->model[0];
    assert_true(want->n == 1 && s.models == 1 && m->train.steps == 3 && m->train.best.epoch == 0);
    assert_true(m->keep == 0 && m->test.keep > 0.5 && m->test.keep <= 1 && m->retention.gate_centre == 1);
    assert_true(json_is_null(json_object_get(m->json, "keep_asked")));
    assert_true(m->macs > 0 && m->kept_macs <= 1.01 * m->macs);
    assert_true(json_number_value(json_object_get(m->json, "kept_macs")) == m->kept_macs);
    assert_true(json_number_value(json_object_get(m->json, "macs")) == m->macs);
    p.place.out = in_dir(parts, "fixed-parts");
    s = (seen) { .l = { .stop_in = "retain", .stop_at = 0 } };
    drop(run(dev, &p, &s, VKC_E_STOPPED));
    p.place.resume = true;
    s = (seen) { .models = 0 };
    drop(run(dev, &p, &s, VKC_OK));
    assert_same_weights(out, parts);
    p.place = (pipeline_place) { .out = in_dir(parts, "fixed-none") };
    p.pruning.gate_centre = -100;
    s = (seen) { .models = 0 };
    drop(run(dev, &p, &s, VKC_E_ARG));
    snprintf(run_dir, sizeof run_dir, "%s.run", parts);
    assert_true(nn_is_folder(parts) == false && nn_is_folder(run_dir) == false);
    drop(want);
}

// Every refusal comes before a device is read, and in words.
static void test_refusals(void **state)
{
    (void) state;
    char out[128];
    listener l = { .stop_at = 0 };
    const pipeline_context c = listen_context(NULL, &l);
    const pipeline_retain_params good = make_params(in_dir(out, "refused"));
    assert_ok(pipeline_retain_check(&c, &good));
    struct { pipeline_retain_params p; const char *words; } bad[14];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        bad[i].p = good;
    bad[0].p.keep[1] = 1.5, bad[0].words = "keep wants ratios";
    bad[1].p.keep[1] = 0.901, bad[1].words = "too close";
    bad[2].p.keep[1] = 0.95, bad[2].words = "chain wants falling keep ratios, not 0.95 after 0.9";
    bad[3].p.pruning.policy = NN_POLICY_NONE, bad[3].words = "policy wants halting or topk";
    bad[4].p.n_at = 1, bad[4].words = "at and share go with policy topk only";
    bad[5].p.n_keep = 0, bad[5].words = "want either keep or at and share";
    bad[6].p.n_keep = PIPELINE_MAX_SERIES + 1, bad[6].words = "at most 16 ratios";
    bad[7].p.place.out = NULL, bad[7].words = "a folder to write";
    bad[8].p.pruning.policy = NN_POLICY_TOPK, bad[8].p.n_keep = 0, bad[8].p.n_at = 2, bad[8].p.n_share = 1;
    bad[8].words = "share wants 2 numbers";
    bad[9].p.pruning.fixed_gate = true, bad[9].words = "a fixed gate goes with policy halting and without keep";
    for (size_t i = 10; i < sizeof bad / sizeof bad[0]; i++)
        bad[i].p.pruning.fixed_gate = true, bad[i].p.n_keep = 0;
    bad[10].p.pruning.gate_scale = 0, bad[10].words = "gate-scale 0 is a gate that is the same for all tokens";
    bad[11].p.pruning.gate_centre = 1e5, bad[11].words = "gate-centre is 100000, want -10000 to 10000";
    bad[12].p.pruning.ponder = -1, bad[12].words = "alpha-p, alpha-d) are -1 and 0.001, want 0 or more";
    bad[13].p.pruning.prior = (double) NAN, bad[13].words = "want 0 or more";
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_status(pipeline_retain_check(&c, &bad[i].p), VKC_E_ARG);
        if (!strstr(vkc_last_error(), bad[i].words) || strstr(vkc_last_error(), "--"))
            fail_msg("\"%s\" lacks \"%s\", or has dashes", vkc_last_error(), bad[i].words);
    }
    pipeline_context typed = c;
    typed.dash = "--";
    assert_status(pipeline_retain_check(&typed, &bad[3].p), VKC_E_ARG);
    assert_string_equal(vkc_last_error(), "--policy wants halting or topk");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume), cmocka_unit_test(test_topk), cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
