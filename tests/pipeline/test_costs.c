// test_costs.c — what teacher and student cost: counts by formula, one direction beside both, what is timed; blocks
// of models with registers or without a class token.
#include <math.h>
#include <string.h>

#include "nn/models/model.h"
#include "pipeline/timing/block.h"
#include "pipeline/timing/costs.h"
#include "tests/nn/models/golden_model.h"

#define ARCH "vit:image=32,patch=8,dim=16,depth=3,heads=2,classes=4"
enum { T = 17, C = 16, H = 2, D = C / H };

static nn_model *make(vkc_device *dev, const char *a, const char *b, const char *c)
{
    const char *const mixer[] = { a, b, c };
    nn_model_config cfg;
    nn_model *m;
    assert_ok(nn_model_config_init(&cfg, ARCH));
    for (uint32_t l = 0; l < 3; l++)
        assert_ok(nn_mixer_parse(mixer[l], &cfg.layers[l], NULL));
    assert_ok(nn_model_create(dev, &cfg, false, &m));
    golden_fill(m->params, 3, 0.3f);
    nn_model_config_finish(&cfg);
    return m;
}

static double real_at(const json_t *o, const char *key)
{
    const json_t *x = json_object_get(o, key);
    return json_is_number(x) ? json_number_value(x) : (double) NAN;
}

static void test_counts(void **state)
{
    const pipeline_context c = { .dev = (vkc_device *) *state };
    nn_model *teacher = make(c.dev, "attention", "attention", "attention");
    nn_model *student = make(c.dev, "bilstm:hidden=3", "attention", "conv");
    pipeline_costs *out = (pipeline_costs *) calloc(1, sizeof *out);
    assert_non_null(out);
    assert_ok(pipeline_costs_measure(&c, &(pipeline_costs_params) { .teacher = teacher, .student = student,
                                                                    .no_timing = true }, out));
    const pipeline_model_cost *t = &out->of[PIPELINE_TEACHER], *s = &out->of[PIPELINE_STUDENT];
    const pipeline_model_cost *f = &out->of[PIPELINE_FORWARD];
    const uint64_t proj = C * C + C, attention = 3 * C * C + 3 * C + proj, U = 3;
    assert_true(!out->is_timed && out->tokens == T && out->image == 32 && t->is_there && s->is_there && f->is_there);
    assert_int_equal(t->params, nn_params_count(teacher->params));
    assert_int_equal(s->macs, nn_model_macs(student, 3));
    assert_int_equal(t->layer[0].params, attention);
    assert_int_equal(t->layer[2].macs, 4 * T * C * C + 2 * T * T * C);
    assert_int_equal(s->layer[1].params, attention);
    assert_int_equal(s->layer[2].params, 10 * C + proj);
    assert_int_equal(s->layer[2].macs, 16 * 9 * C + T * C * C);
    for (uint64_t d = 1; d <= 2; d++) {         // directions
        const pipeline_layer_cost *k = &(d == 2 ? s : f)->layer[0];
        assert_string_equal(k->mixer, "bilstm");
        assert_int_equal(k->params, C * C + C + H * d * 4 * (U * D + U + U * U) + C * d * U + C + proj);
        assert_int_equal(k->macs, T * (C * C + H * d * 4 * U * (D + U) + C * d * U + C * C));
        assert_int_equal(k->is_both, d == 2);
        assert_true(isnan(k->ms));
    }
    assert_true(!s->layer[1].is_both && !t->layer[0].is_both);
    assert_int_equal(f->layer[1].macs, s->layer[1].macs);
    assert_true(isnan(s->ms) && isnan(f->ms));
    json_t *o = pipeline_costs_json(out);
    assert_true(real_at(o, "tokens") == T && json_is_null(json_object_get(json_object_get(o, "student"), "ms")));
    assert_int_equal(json_array_size(json_object_get(json_object_get(o, "student_forward"), "layers")), 3);
    json_decref(o);
    free(out);
    nn_model_destroy(teacher);
    nn_model_destroy(student);
}

// Everything there is to be timed has a time; what is not there has none. No two times are compared.
static void test_timed(void **state)
{
    const pipeline_context c = { .dev = (vkc_device *) *state };
    nn_model *teacher = make(c.dev, "attention", "attention", "attention");
    nn_model *student = make(c.dev, "ssd", "attention", "ssd");
    nn_model *causal = make(c.dev, "ssd:direction=forward", "linear", "attention");
    pipeline_costs *out = (pipeline_costs *) calloc(1, sizeof *out);
    assert_non_null(out);
    assert_ok(pipeline_costs_measure(&c, &(pipeline_costs_params) { .teacher = teacher, .student = student,
                                                                    .batch = 2 }, out));
    assert_true(out->is_timed && out->batch == 2);
    for (uint32_t m = 0; m < PIPELINE_COSTS; m++) {
        assert_true(out->of[m].is_there && out->of[m].ms > 0);
        for (uint32_t l = 0; l < 3; l++)
            assert_true(out->of[m].layer[l].ms > 0);
    }
    assert_true(out->of[PIPELINE_TEACHER].layer[0].ms == out->of[PIPELINE_STUDENT].layer[1].ms);    // timed once
    assert_true(out->of[PIPELINE_STUDENT].layer[0].ms == out->of[PIPELINE_STUDENT].layer[2].ms);
    const pipeline_model_time known = { .image = 32, .tokens = T, .ms = { 7 } };
    assert_ok(pipeline_costs_measure(&c, &(pipeline_costs_params) { .student = causal, .known = &known }, out));
    assert_true(!out->of[PIPELINE_TEACHER].is_there && !out->of[PIPELINE_FORWARD].is_there);
    assert_true(out->of[PIPELINE_STUDENT].ms == 7 && out->of[PIPELINE_STUDENT].layer[0].ms > 0);
    json_t *o = pipeline_costs_json(out);
    assert_true(json_is_null(json_object_get(o, "teacher")) && json_is_null(json_object_get(o, "student_forward")));
    json_decref(o);
    free(out);
    nn_model_destroy(teacher);
    nn_model_destroy(student);
    nn_model_destroy(causal);
}

// As many tokens as the model has: with registers, without a class token, with a gated MLP of a width of its own.
static void test_blocks(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    for (uint32_t kind = 0; kind < 3; kind++) {
        nn_model_config cfg;
        nn_model *m;
        pipeline_block *b[2];
        double ms;
        assert_ok(nn_model_config_init(&cfg, ARCH ",hidden=24"));
        cfg.registers = kind == 1 ? 3 : 0;
        cfg.no_class = kind == 2;
        cfg.pool = kind == 2 ? NN_POOL_AVG : cfg.pool;
        cfg.swiglu = kind == 1;
        assert_ok(nn_mixer_parse("conv", &cfg.layers[1], NULL));
        assert_ok(nn_model_create(dev, &cfg, false, &m));
        for (uint32_t l = 0; l < 2; l++) {
            for (int k = 0; k < 2; k++) {
                assert_ok(pipeline_block_create(dev, &(pipeline_block_params) {
                    .layer = cfg.layers[l], .batch = 1, .like = &cfg, .image = 32, .is_module = k == 1 }, &b[k]));
                assert_ok(pipeline_block_replay(b[k], &ms));
                assert_ok(pipeline_block_check(b[k]));
            }
            assert_int_equal(pipeline_block_macs(b[0]), nn_model_macs(m, l));
            assert_int_equal(pipeline_block_macs(b[1]), nn_model_attn_macs(m, l));
            pipeline_block_destroy(b[0]);
            pipeline_block_destroy(b[1]);
        }
        nn_model_destroy(m);
        nn_model_config_finish(&cfg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts), cmocka_unit_test(test_timed), cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
