// test_pipeline_schedule.c — named layers replaced by a schedule: which, in what order, what is trained and what keeps
// the teacher's bits, stopped and resumed to the same bits, two tunings that take nothing from each other.
#define ARCH "vit:image=16,patch=4,dim=16,depth=4,heads=2"
#include "tests/pipeline/distill_run.h"

#include <math.h>
#include <stdlib.h>

#define DEPTH 4

typedef struct seen {               // stages told of
    listener l;                     // first: both callbacks have one user
    uint32_t stage[PIPELINE_DISTILL_STEP + 1];
} seen;

static nn_dataset *data;
static char teacher[128];
static const char *const linear[] = { "linear" };
static const uint32_t two[] = { 3, 1 };         // of a set: their order says nothing

// Of layers 1 and 3: what a mixer has, and the projection besides.
static const char *const mixers[] = {
    "blocks.1.attn.qkv", "blocks.1.attn.feature", "blocks.1.attn.conv", "blocks.3.attn.qkv", "blocks.3.attn.feature",
    "blocks.3.attn.conv", NULL,
};
static const char *const attn[] = { "blocks.1.attn.", "blocks.3.attn.", NULL };

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

static vkc_status hear(void *user, pipeline_distill_stage stage, uint32_t i, const pipeline_distill_result *so_far)
{
    (void) i;
    (void) so_far;
    ((seen *) user)->stage[stage]++;
    return VKC_OK;
}

// Layers 1 and 3 at once, with settings that would move whatever they reach.
static pipeline_distill_params make_params(const char *out)
{
    pipeline_distill_params p = PIPELINE_DISTILL_DEFAULTS;
    p.teacher = teacher;
    p.data = (pipeline_data) { .set = data, .batch = 8, .threads = 2 };
    p.place.out = out;
    p.mixer = linear;
    p.n_mixers = 1;
    p.layers = two;
    p.n_layers = 2;
    p.schedule = PIPELINE_SCHEDULE_ALL;
    p.epochs = 1;
    p.weight_decay = 0.1;
    p.clip = 1;
    p.tune.epochs = 1;
    p.tune.weight_decay = 0.1;
    p.tune.recipe.ema = 0.5;
    p.no_timing = true;
    p.told = hear;
    return p;
}

static pipeline_distill_result *make(vkc_device *dev, const pipeline_distill_params *p)
{
    seen s = { .l = { .stop_at = 0 } };
    return run_distill(dev, p, &s.l, VKC_OK);
}

// Is the value of this parameter, of which there may be none in the teacher, the same bytes in two model folders?
static bool is_same(const nn_model *a, const nn_model *b, uint32_t i)
{
    const nn_param *p = &a->params->p[i];
    const size_t size = nn_shape_len(&p->shape) * sizeof(float);
    uint32_t k;
    if (!nn_params_find(b->params, p->name, &k))
        return false;
    float *x = (float *) malloc(2 * size), *y = x + size / sizeof *x;
    assert_non_null(x);
    assert_int_equal(nn_shape_len(&b->params->p[k].shape) * sizeof(float), size);
    assert_ok(nn_params_read(a->params, i, x));
    assert_ok(nn_params_read(b->params, k, y));
    const bool same = memcmp(x, y, size) == 0;
    free(x);
    return same;
}

static bool begins(const char *name, const char *const *with)
{
    for (; *with; with++)
        if (strncmp(name, *with, strlen(*with)) == 0)
            return true;
    return false;
}

// The student's parameters are the teacher's bytes, but for those whose names begin so, and each of these has moved.
static void assert_moved(vkc_device *dev, const char *student, const char *const *moved)
{
    nn_model *t, *s;
    assert_ok(nn_model_load(dev, teacher, false, &t));
    assert_ok(nn_model_load(dev, student, false, &s));
    for (uint32_t i = 0; i < s->params->n; i++) {
        const char *name = s->params->p[i].name;
        const bool moves = begins(name, moved);
        if (is_same(s, t, i) == moves)
            fail_msg("%s %s", name, moves ? "has not moved" : "has moved");
    }
    nn_model_destroy(t);
    nn_model_destroy(s);
}

// Mixer and projection move; the rest of these blocks, the other blocks and all around them keep their bits.
static void test_untouched(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    char out[128];
    pipeline_distill_params p = make_params(in_dir(out, "at-once"));
    pipeline_distill_result *r = make(dev, &p);
    assert_true(r->n_steps == 1 && r->step[0].n == 2 && r->step[0].layer[0] == 1 && r->step[0].layer[1] == 3);
    assert_true(r->n_chosen == 2 && r->search.n_trials == 0 && r->n_tunes == 1);
    assert_true(isnan(r->mixer[0].transfer.error[0]) && r->mixer[0].transfer.error[1] > 0);
    assert_true(r->choice[0] == 0 && r->choice[1] == 1 && r->choice[2] == 0 && r->choice[3] == 1);
    assert_string_equal(r->layer[1].mixer, "linear");
    assert_string_equal(r->layer[2].mixer, "attention");
    drop(r);
    assert_moved(dev, out, attn);

    // Head outputs are compared before the projection, so that keeps its bits too.
    p = make_params(in_dir(out, "heads"));
    p.target = p.tune.target = DISTILL_TARGET_HEADS;
    p.schedule = 1;
    p.order = PIPELINE_SCHEDULE_DEEP;
    r = make(dev, &p);
    assert_true(r->n_steps == 2 && r->step[0].layer[0] == 3 && r->step[1].layer[0] == 1 && r->n_tunes == 2);
    assert_string_equal(r->tune[0].what, "tune");
    assert_string_equal(r->tune[1].what, "tune-2");
    drop(r);
    assert_moved(dev, out, mixers);

    // A search among these layers.
    p = make_params(in_dir(out, "searched"));
    p.schedule = 0;
    p.max_drop = 100;
    r = make(dev, &p);
    assert_true(r->n_steps == 0 && r->search.n_steps == 2 && r->search.n_trials == 1 + 2 + 1);
    assert_true(isnan(r->mixer[0].transfer.error[0]) && isnan(r->mixer[0].transfer.error[2]));
    drop(r);
    assert_moved(dev, out, attn);
}

// The second tuning: of MLPs, of MLPs and classifier, of blocks; without the transfer, without the first tuning.
static void test_second(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    static const char *const fc[] = { "blocks.1.attn.", "blocks.3.attn.", "blocks.1.mlp.", "blocks.3.mlp.", NULL };
    static const char *const head[] = { "blocks.1.attn.", "blocks.3.attn.", "blocks.1.mlp.", "blocks.3.mlp.", "head.",
                                        NULL };
    static const char *const blocks[] = { "blocks.1.", "blocks.3.", NULL };
    static const struct { distill_trained trained; const char *const *moved; } of[] = {
        { DISTILL_TRAIN_FC, fc }, { DISTILL_TRAIN_FC_HEAD, head }, { DISTILL_TRAIN_BLOCKS, blocks },
    };
    char out[128];
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        char name[16];
        snprintf(name, sizeof name, "second-%zu", i);
        pipeline_distill_params p = make_params(in_dir(out, name));
        p.tune_all.epochs = 1;
        p.tune_all.trained = of[i].trained;
        pipeline_distill_result *r = make(dev, &p);
        assert_true(r->n_tunes == 2 && r->tune[1].settings.trained == of[i].trained);
        drop(r);
        assert_moved(dev, out, of[i].moved);
    }
}

// Without a transfer the mixers start from the attention, and the first tuning does the rest; without that too they are
// the warm start, whose queries, keys, values and projection are the teacher's bytes.
static void test_no_transfer(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    static const char *const fresh[] = { "blocks.1.attn.feature", "blocks.1.attn.conv", "blocks.3.attn.feature",
                                         "blocks.3.attn.conv", NULL };
    char out[128], path[140];
    pipeline_distill_params p = make_params(in_dir(out, "tuned-only"));
    p.epochs = 0;
    pipeline_distill_result *r = make(dev, &p);
    assert_true(r->mixer[0].transfer.steps == 0 && isnan(r->mixer[0].transfer.error[1]));
    assert_true(r->step[0].transfer_steps == 0 && r->step[0].tune_steps == 3);
    snprintf(path, sizeof path, "%s.run", out);
    assert_false(is_there(path, "transfer.safetensors"));
    drop(r);
    assert_moved(dev, out, mixers);
    p = make_params(in_dir(out, "untrained"));
    p.epochs = p.tune.epochs = 0;
    drop(make(dev, &p));
    assert_moved(dev, out, fresh);
}

// K at a time in each order, the last step with what is left; the sparsest as the measures say.
static void test_orders(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    for (int o = 0; o < PIPELINE_N_SCHEDULE_ORDERS; o++) {
        char out[128];
        pipeline_distill_params p = make_params(in_dir(out, pipeline_schedule_order_name((pipeline_schedule_order) o)));
        p.layers = NULL;
        p.n_layers = 0;
        p.schedule = 3;
        p.order = (pipeline_schedule_order) o;
        p.epochs = p.tune.epochs = 0;
        pipeline_distill_result *r = make(dev, &p);
        assert_true(r->n_steps == 2 && r->step[0].n == 3 && r->step[1].n == 1 && r->n_scheduled == DEPTH);
        uint32_t at[DEPTH] = { r->step[0].layer[0], r->step[0].layer[1], r->step[0].layer[2], r->step[1].layer[0] };
        for (uint32_t i = 0; i + 1 < DEPTH; i++) {
            const double a = distill_sparsity_score(&r->sparsity, DISTILL_KEYS_ALL, at[i], DISTILL_ENTROPY);
            const double b = distill_sparsity_score(&r->sparsity, DISTILL_KEYS_ALL, at[i + 1], DISTILL_ENTROPY);
            assert_true(o == PIPELINE_SCHEDULE_SHALLOW ? at[i] < at[i + 1]
                        : o == PIPELINE_SCHEDULE_DEEP  ? at[i] > at[i + 1] : a >= b);
        }
        drop(r);
    }
}

// A transfer is teacher-forced, so without tuning and with no norm over all layers, layers one by one are what they are
// at once: no step trains what an earlier one replaced.
static void test_parts(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    char one[128], parts[128];
    pipeline_distill_params p = make_params(in_dir(one, "one"));
    p.clip = 0;
    p.tune.epochs = 0;
    drop(make(dev, &p));
    p.place.out = in_dir(parts, "one-by-one");
    p.schedule = 1;
    drop(make(dev, &p));
    assert_same_weights(one, parts);
}

// Stopped in every part of two steps and of the second tuning, and gone on with.
static void test_resume(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    static const struct { const char *what; uint32_t at; } stops[] = {
        { "transfer", 0 }, { "tune", 0 }, { "evaluate", 1 }, { "transfer-2", 0 }, { "tune-2", 0 }, { "tune-all", 0 },
    };
    char whole[128], parts[128];
    seen s = { .l = { .stop_at = 0 } };
    pipeline_distill_params p = make_params(in_dir(whole, "whole"));
    p.schedule = 1;
    p.epochs = p.tune.epochs = 2;
    p.tune_all.epochs = 2;
    pipeline_distill_result *want = run_distill(dev, &p, &s.l, VKC_OK), *have;
    static const uint32_t told[] = { 1, 2, 0, 0, 0, 3, 2 };
    assert_memory_equal(s.stage, told, sizeof told);
    p.place.out = in_dir(parts, "parts");
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        seen stopped = { .l = { .stop_in = stops[i].what, .stop_at = stops[i].at } };
        p.place.resume = i > 0;
        have = run_distill(dev, &p, &stopped.l, VKC_E_STOPPED);
        assert_int_equal(stopped.l.told[PIPELINE_STOPPED], 1);
        assert_false(is_there(parts, "config.json"));
        drop(have);
    }
    p.place.resume = true;
    have = make(dev, &p);
    assert_same_weights(parts, whole);
    assert_int_equal(have->n_steps, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const pipeline_step *a = &have->step[i], *b = &want->step[i];
        assert_true(a->val_top1 == b->val_top1 && a->val_loss == b->val_loss && a->loss == b->loss);
        assert_true(a->transfer_steps == b->transfer_steps && a->tune_steps == b->tune_steps);
        assert_true(a->n == 1 && a->layer[0] == b->layer[0]);
    }
    assert_true(have->student.loss == want->student.loss);
    assert_true(json_equal(json_object_get(have->json, "schedule"), json_object_get(want->json, "schedule")));
    drop(have);
    p.schedule = 2;
    seen again = { .l = { .stop_at = 0 } };
    drop(run_distill(dev, &p, &again.l, VKC_E_ARG));
    assert_non_null(strstr(vkc_last_error(), "is another run: its schedule is"));
    drop(want);
}

// Mixers from a student that was made before, step by step, are the bytes that it has.
static void test_from(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    char all[128], out[128];
    pipeline_distill_params p = make_params(in_dir(all, "all"));
    p.layers = NULL;
    p.n_layers = 0;
    p.tune.epochs = 0;
    drop(make(dev, &p));
    p = make_params(in_dir(out, "from"));
    p.from = (const char *const[]) { all };
    p.n_from = 1;
    p.n_mixers = 0;
    p.schedule = 1;
    p.tune.epochs = 0;
    drop(make(dev, &p));
    nn_model *a, *b;
    assert_ok(nn_model_load(dev, all, false, &a));
    assert_ok(nn_model_load(dev, in_dir(out, "from"), false, &b));
    for (uint32_t i = 0; i < b->params->n; i++)
        if (strncmp(b->params->p[i].name, "blocks.1.", 9) == 0 || strncmp(b->params->p[i].name, "blocks.3.", 9) == 0)
            assert_true(is_same(b, a, i));
    nn_model_destroy(a);
    nn_model_destroy(b);
    assert_moved(dev, out, attn);
}

static void refuse(vkc_device *dev, const pipeline_distill_params *p, const char *words)
{
    seen s = { .l = { .stop_at = 0 } };
    drop(run_distill(dev, p, &s.l, VKC_E_ARG));
    if (!strstr(vkc_last_error(), words))
        fail_msg("\"%s\" does not say \"%s\"", vkc_last_error(), words);
}

static void test_refused(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    char out[128], student[128];
    const pipeline_distill_params usual = make_params(in_dir(out, "never"));
    pipeline_distill_params p = usual;
    p.layers = (const uint32_t[]) { 1, 4 };
    refuse(dev, &p, "has no layer 4, it has 4, from 0 on");
    p.layers = (const uint32_t[]) { 1, 1 };
    refuse(dev, &p, "layer 1 is there twice");
    p.layers = (const uint32_t[]) { 1, 4000000000u };
    refuse(dev, &p, "there is no layer 4000000000");
    p.n_layers = 0;
    refuse(dev, &p, "the list is empty");
    p = usual;
    p.mixer = (const char *const[]) { "linear", "conv" };
    p.n_mixers = 2;
    refuse(dev, &p, "want one mixer");
    p = usual;
    p.best = true;
    refuse(dev, &p, "schedule and best");
    p = usual;
    p.confidence = 0.9;
    refuse(dev, &p, "schedule and confidence");
    p = usual;
    p.schedule = 0;
    p.order = PIPELINE_SCHEDULE_SPARSE;
    refuse(dev, &p, "a search makes its own order");
    p = usual;
    p.teacher = in_dir(student, "at-once");     // made above
    refuse(dev, &p, "is linear:features=hedgehog already");
    p.mixer = (const char *const[]) { "conv" };
    refuse(dev, &p, "has no attention to be replaced");
    p.teacher = in_dir(student, "all");
    p.layers = NULL;
    p.n_layers = 0;
    refuse(dev, &p, "nothing to replace");
    assert_false(is_there(dir, "never"));
    assert_false(is_there(dir, "never.run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_untouched), cmocka_unit_test(test_second), cmocka_unit_test(test_no_transfer),
        cmocka_unit_test(test_orders), cmocka_unit_test(test_parts), cmocka_unit_test(test_resume),
        cmocka_unit_test(test_from), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
