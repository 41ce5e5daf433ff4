// test_mixer_rows.c — what every row of the mixer table says of its mixer: options, refusals, warm starts, and starting
// values that all learn.
// usage: test_mixer_rows [mixer-name-part]
#include "distill/transfer/transfer.h"
#include "nn/mixers/streams.h"
#include "tests/filter.h"
#include "tests/nn/mixers/mixer_run.h"
#include "tests/vk/vk_test.h"

#include <stdlib.h>
#include <string.h>

static const char *only = "";       // part of the names of those to test

// Mixer m of the table, if it is to be tested.
static const nn_mixer *get_mixer(uint32_t m)
{
    return strstr(nn_mixers[m]->name, only) ? nn_mixers[m] : NULL;
}

// Parse a mixer that is in order.
static void parse(const char *text, nn_layer_config *layer, const nn_mixer **mixer, nn_mixer_options *options)
{
    assert_ok(nn_mixer_parse(text, layer, NULL));
    assert_ok(nn_mixer_check(layer, mixer, options));
}

// ---- refusals

static void check_says(const char *what, const char *word)
{
    if (!strstr(vkc_last_error(), word))
        fail_msg("%s: no \"%s\" in: %s", what, word, vkc_last_error());
}

// What an option cannot be is refused with all that it can be; an option that there is not, with those there are.
static void test_refused_options(void **state)
{
    (void) state;
    nn_layer_config layer;
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        if (!get_mixer(m))
            continue;
        char text[128];
        for (const nn_mixer_option *o = nn_mixers[m]->options; o && o->key; o++) {
            snprintf(text, sizeof text, "%s:%s=96x", nn_mixers[m]->name, o->key);
            assert_status(nn_mixer_parse(text, &layer, NULL), VKC_E_ARG);
            for (uint32_t i = 0; o->values[i]; i++)
                check_says(text, o->values[i]);
            const char *value = nn_mixer_option_value(o, 0);
            snprintf(text, sizeof text, "%s:%s=%s+%s=%s", nn_mixers[m]->name, o->key, value, o->key, value);
            assert_status(nn_mixer_parse(text, &layer, NULL), VKC_E_ARG);
            check_says(text, "is there twice");
        }
        snprintf(text, sizeof text, "%s:magic=1", nn_mixers[m]->name);
        assert_status(nn_mixer_parse(text, &layer, NULL), VKC_E_ARG);
        for (const nn_mixer_option *o = nn_mixers[m]->options; o && o->key; o++)
            check_says(text, o->key);
    }
}

// Options are few enough to be parsed, streams have their direction first, and the parsed form says what the text says.
static void test_parsed_options(void **state)
{
    (void) state;
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        uint32_t n = 0;
        for (const nn_mixer_option *o = nn_mixers[m]->options; o && o->key; o++, n++) {
            assert_true(n < NN_MAX_OPTIONS);
            assert_true(strcmp(o->key, "direction") != 0 || n == NN_DIRECTION);
            for (uint32_t i = 0; o->values[i]; i++) {
                char text[128];
                const char *value = nn_mixer_option_value(o, i);
                nn_layer_config layer;
                nn_mixer_options parsed;
                const nn_mixer *mixer;
                snprintf(text, sizeof text, "%s:%s=%s", nn_mixers[m]->name, o->key, value);
                assert_ok(nn_mixer_parse(text, &layer, NULL));
                assert_ok(nn_mixer_check(&layer, &mixer, &parsed));
                assert_ptr_equal(mixer, nn_mixers[m]);
                assert_int_equal(parsed.value[n], i);
                assert_int_equal(parsed.number[n], strtoul(value, NULL, 10));
            }
        }
    }
}

// The first mixer is the default, and a layer's name leads to its row, or to none.
static void test_lookup(void **state)
{
    (void) state;
    const nn_layer_config none = { .mixer = "nothing" };
    assert_ptr_equal(nn_mixer_default(), nn_mixers[0]);
    assert_true(nn_mixer_default()->is_replaceable && nn_mixer_default()->has_weights);
    assert_null(nn_mixer_of(&none));
    assert_false(nn_mixer_has_weights(&none) || nn_mixer_is_replaceable(&none));
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        nn_layer_config layer;
        assert_ok(nn_mixer_parse(nn_mixers[m]->name, &layer, NULL));
        assert_ptr_equal(nn_mixer_of(&layer), nn_mixers[m]);
        assert_int_equal(nn_mixer_has_weights(&layer), nn_mixers[m]->has_weights);
        assert_int_equal(nn_mixer_is_replaceable(&layer), nn_mixers[m]->is_replaceable);
    }
}

static vkc_status check_heads(vkc_device *dev, const char *text, uint32_t dim, uint32_t n_heads)
{
    nn_layer_config layer;
    const nn_mixer *mixer;
    nn_mixer_options options;
    parse(text, &layer, &mixer, &options);
    nn_mixer_dims d = { .dim = dim, .heads = n_heads, .mixer = mixer, .options = &options };
    return mixer->check(&d, vkc_device_get_info(dev));
}

// Heads wider than a mixer can do are refused with a width, before anything runs: with every value of every option.
static void test_refused_heads(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        if (!get_mixer(m) || !nn_mixers[m]->check)
            continue;
        mixer_run t;
        for (const nn_mixer_option *o = nn_mixers[m]->options; o && o->key; o++)
            for (uint32_t i = 0; o->values[i]; i++) {
                char text[128], limit[32];
                uint32_t most = 4096;
                snprintf(text, sizeof text, "%s:%s=%s", nn_mixers[m]->name, o->key, nn_mixer_option_value(o, i));
                while (check_heads(dev, text, most, 1) != VKC_OK)
                    most--;
                assert_true(most >= 64 && most < 4096);
                assert_status(check_heads(dev, text, 2 * most, 1), VKC_E_ARG);
                check_says(text, nn_mixers[m]->name);
                snprintf(limit, sizeof limit, "at most %u", most);
                check_says(text, limit);
                check_says(text, "heads=2 or more");
                assert_ok(check_heads(dev, text, 2 * most, 2));
            }
        mixer_run_params with = { .mixer = nn_mixers[m]->name, .dim = 12, .heads = 3, .cap_images = 1, .grid = 2 };
        assert_ok(mixer_run_init(&t, dev, &with));
        assert_int_equal(t.taps.qkv && t.taps.lse, nn_mixers[m]->has_weights);
        mixer_run_finish(&t);
    }
}

// ---- warm starts

static float *read_param(const nn_model *v, const char *name, size_t *len)
{
    uint32_t i;
    if (!nn_params_find(v->params, name, &i))
        return NULL;
    *len = nn_shape_len(&v->params->p[i].shape);
    float *x = (float *) malloc(*len * sizeof *x);
    assert_non_null(x);
    assert_ok(nn_params_read(v->params, i, x));
    return x;
}

// A parameter of the mixer of layer 0: rows that its row names are the teacher's, the rest are as from scratch.
static void check_warm(const nn_model *teacher, const nn_model *student, const nn_model *scratch,
                       const nn_mixer_param *p)
{
    char name[NN_MAX_NAME], from[NN_MAX_NAME];
    size_t n = 0, n_from = 0;
    snprintf(name, sizeof name, "blocks.0.attn.%s", p->name);
    snprintf(from, sizeof from, "blocks.0.attn.%s", p->from ? p->from : "qkv.weight");
    float *x = read_param(student, name, &n), *want = read_param(scratch, name, &n);
    float *source = read_param(teacher, from, &n_from);
    const size_t row = n / p->shape.dim[0];
    if (p->from && !p->copy[0].n) {
        assert_int_equal(n, n_from);
        memcpy(want, source, n * sizeof *want);
    }
    for (uint32_t i = 0; p->from && i < NN_MAX_ROW_COPIES && p->copy[i].n; i++)
        for (uint32_t k = 0; k <= p->copy[i].more; k++)
            memcpy(want + (p->copy[i].to + k * p->copy[i].to_step) * row,
                   source + (p->copy[i].from + k * p->copy[i].from_step) * row, p->copy[i].n * row * sizeof *want);
    if (memcmp(x, want, n * sizeof *x))
        fail_msg("%s of %s does not start as it should", name, student->block[0].mixer->name);
    free(x);
    free(want);
    free(source);
}

static void check_warm_start(vkc_device *dev, const nn_model *teacher, const char *text)
{
    nn_layer_config layer;
    nn_model *student, *scratch;
    nn_mixer_param p[NN_MAX_MIXER_PARAMS];
    assert_ok(nn_mixer_parse(text, &layer, NULL));
    assert_ok(distill_student_create(teacher, &layer, &student));
    assert_ptr_equal(student->block[0].mixer, nn_mixer_of(&layer));
    assert_ok(nn_model_create(dev, &student->cfg, false, &scratch));
    assert_ok(nn_model_init(scratch, 0));
    const nn_mixer_dims d = nn_model_mixer_dims(student, 0);
    uint32_t n = student->block[0].mixer->params(&d, p);
    for (uint32_t i = 0; i < n; i++)
        check_warm(teacher, student, scratch, &p[i]);
    nn_model_destroy(student);
    nn_model_destroy(scratch);
}

// With every value of every option.
static void test_warm_starts(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_model_config cfg;
    nn_model *teacher;
    assert_ok(nn_model_config_init(&cfg, "vit:image=8,patch=4,dim=72,depth=1,heads=3,classes=3"));
    assert_ok(nn_model_create(dev, &cfg, false, &teacher));
    assert_ok(nn_model_init(teacher, 77));
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        if (!get_mixer(m))
            continue;
        check_warm_start(dev, teacher, nn_mixers[m]->name);
        for (const nn_mixer_option *o = nn_mixers[m]->options; o && o->key; o++)
            for (uint32_t i = 1; o->values[i]; i++) {
                char text[128];
                snprintf(text, sizeof text, "%s:%s=%s", nn_mixers[m]->name, o->key, nn_mixer_option_value(o, i));
                check_warm_start(dev, teacher, text);
            }
    }
    nn_model_destroy(teacher);
    nn_model_config_finish(&cfg);
}

// Every parameter of a new mixer learns: it has a gradient, or has one after a step of the others.
static void test_starts_learning(void **state)
{
    const uint32_t lengths[] = { 16, 3, 17 };
    for (uint32_t m = 0; m < nn_n_mixers; m++) {
        if (!get_mixer(m))
            continue;
        mixer_run t;
        bool learns[NN_MAX_MIXER_PARAMS] = { false };
        mixer_run_params with = { .mixer = nn_mixers[m]->name, .dim = 16, .heads = 2, .cap_images = 3, .grid = 4,
                                  .train = true, .as_started = true };
        assert_ok(mixer_run_init(&t, (vkc_device *) *state, &with));
        assert_ok(mixer_run_write(&t, 3, lengths, NULL, NULL));
        for (int step = 0; step < 2; step++) {
            assert_ok(mixer_run_execute(&t));
            for (uint32_t i = 0; i < t.ps->n; i++) {
                const size_t n = nn_shape_len(&t.ps->p[i].shape);
                float *x = (float *) malloc(2 * n * sizeof *x), *dx = x + n;
                assert_non_null(x);
                assert_ok(nn_params_read(t.ps, i, x));
                assert_ok(mixer_run_gradient(&t, i, dx));
                for (size_t k = 0; k < n; k++) {
                    learns[i] |= dx[k] != 0;
                    x[k] -= 0.01f * dx[k];
                }
                assert_ok(nn_params_write(t.ps, i, x));
                free(x);
            }
        }
        for (uint32_t i = 0; i < t.ps->n; i++)
            if (!learns[i])
                fail_msg("%s: %s never gets a gradient", nn_mixers[m]->name, t.ps->p[i].name);
        mixer_run_finish(&t);
    }
}

int main(int argc, char **argv)
{
    bool is_any = false;
    only = argc > 1 ? argv[1] : "";
    for (uint32_t m = 0; m < nn_n_mixers; m++)
        is_any |= get_mixer(m) != NULL;
    test_filter_check(argc, argv, 1, is_any);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_options),
        cmocka_unit_test(test_parsed_options),
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_refused_heads),
        cmocka_unit_test(test_warm_starts),
        cmocka_unit_test(test_starts_learning),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
