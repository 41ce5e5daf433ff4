// test_prune.c — hidden units pruned from recurrent mixers: which ones, that nothing else changes, and what is refused.
#include "distill/prune/prune.h"

#include "distill/transfer/tune.h"
#include "nn/infer/infer.h"
#include "nn/base/rng.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>

#define ARCH "vit:image=16,patch=4,dim=16,depth=3,heads=2,classes=10,mixer="
#define IMAGES 2u
#define UNITS 8u                    // channels of a head, so units of a stream
#define STREAMS 4u
#define PIXELS (IMAGES * 3 * 16 * 16)

static nn_model *make_model(vkc_device *dev, const char *mixer)
{
    char arch[160];
    nn_model_config cfg;
    nn_model *v;
    snprintf(arch, sizeof arch, ARCH "%s", mixer);
    assert_ok(nn_model_config_init(&cfg, arch));
    assert_ok(nn_model_create(dev, &cfg, true, &v));
    assert_ok(nn_model_init(v, 7));
    nn_model_config_finish(&cfg);
    return v;
}

static void get_logits(const nn_model *v, float *logits)
{
    float pixels[PIXELS];
    nn_infer *inf;
    for (uint32_t i = 0; i < PIXELS; i++)
        pixels[i] = nn_rng_uniform(3, 1, i) * 2 - 1;
    assert_ok(nn_infer_create(v, IMAGES, &inf));
    assert_ok(nn_infer_run(inf, pixels, IMAGES, logits));
    nn_infer_destroy(inf);
}

static float *read_param(const nn_model *v, const char *name, uint32_t *index)
{
    assert_true(nn_params_find(v->params, name, index));
    float *x = (float *) malloc(nn_shape_len(&v->params->p[*index].shape) * sizeof *x);
    assert_non_null(x);
    assert_ok(nn_params_read(v->params, *index, x));
    return x;
}

// The weights of unit r of stream s become `factor` times what they are; its biases too, so that for 0 it puts out 0.
static void scale_unit(nn_model *v, uint32_t layer, uint32_t s, uint32_t r, float factor)
{
    static const char *const names[] = { "x.weight", "x.bias", "h.weight" };
    for (int k = 0; k < 3; k++) {
        char name[64];
        uint32_t index;
        snprintf(name, sizeof name, "blocks.%u.attn.%s", layer, names[k]);
        float *x = read_param(v, name, &index);
        const uint32_t cols = k == 1 ? 1 : UNITS;       // as many inputs as units here
        for (uint32_t gate = 0; gate < 4; gate++)
            for (uint32_t i = 0; i < UNITS; i++) {
                const uint32_t row = (s * 4 + gate) * UNITS + r, other = (s * 4 + gate) * UNITS + i;
                if (i < cols)
                    x[row * cols + i] *= factor;
                if (k == 2 && i != r)
                    x[other * cols + r] *= factor;
            }
        assert_ok(nn_params_write(v->params, index, x));
        free(x);
    }
}

// Units without weights give nothing: the model without them computes the same.
static void silent_units_can_go(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_model *v = make_model(dev, "attention/bilstm/attention"), *cut;
    distill_prune_layer layer[NN_MAX_DEPTH];
    float before[IMAGES * 10], after[IMAGES * 10];
    for (uint32_t s = 0; s < STREAMS; s++) {
        scale_unit(v, 1, s, s, 0.0f);               // another one in each stream
        scale_unit(v, 1, s, (s + 3) % UNITS, 0.0f);
    }
    get_logits(v, before);
    assert_ok(distill_prune_count(v, &(distill_prune_params) { .threshold = 0.01, .multiple = 1 }, layer));
    assert_int_equal(layer[0].units, 0);
    assert_int_equal(layer[1].units, UNITS);
    assert_int_equal(layer[1].kept, UNITS - 2);
    assert_true(layer[1].least == 0 && layer[1].most > 0);
    assert_ok(distill_prune(v, layer, &cut));
    assert_true(nn_params_count(cut->params) < nn_params_count(v->params));
    assert_non_null(strstr(cut->cfg.layers[1].options, "hidden=6"));
    get_logits(cut, after);
    for (uint32_t i = 0; i < IMAGES * 10; i++)
        assert_float_equal(before[i], after[i], 1e-6f);
    nn_model_destroy(cut);
    nn_model_destroy(v);
}

// All units stay: the same bits, in a model of another config.
static void all_stay(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_model *v = make_model(dev, "bilstm"), *cut;
    distill_prune_layer layer[NN_MAX_DEPTH];
    float before[IMAGES * 10], after[IMAGES * 10];
    get_logits(v, before);
    assert_ok(distill_prune_count(v, &(distill_prune_params) { .keep = 1 }, layer));
    assert_ok(distill_prune(v, layer, &cut));
    get_logits(cut, after);
    assert_memory_equal(before, after, sizeof before);
    assert_int_equal(nn_params_count(cut->params), nn_params_count(v->params));
    nn_model_destroy(cut);
    nn_model_destroy(v);
}

// The norm decides, not the signed sum: a strong unit of negative weights stays.
static void norms_decide(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_model *v = make_model(dev, "bilstm"), *cut;
    distill_prune_layer layer[NN_MAX_DEPTH];
    uint32_t old_index, new_index;
    for (uint32_t l = 0; l < 3; l++)
        for (uint32_t s = 0; s < STREAMS; s++)
            scale_unit(v, l, s, 5, -10.0f);
    assert_ok(distill_prune_count(v, &(distill_prune_params) { .keep = 0.125, .multiple = 1 }, layer));
    assert_int_equal(layer[2].kept, 1);
    assert_ok(distill_prune(v, layer, &cut));
    float *was = read_param(v, "blocks.2.attn.x.weight", &old_index);
    float *is = read_param(cut, "blocks.2.attn.x.weight", &new_index);
    for (uint32_t row = 0; row < STREAMS * 4; row++)
        assert_memory_equal(is + row * UNITS, was + (row * UNITS + 5) * UNITS, UNITS * sizeof *is);
    free(was);
    free(is);
    nn_model_destroy(cut);
    nn_model_destroy(v);
}

// As many as the stream that needs most, rounded up, and never more than there are.
static void counts(void **state)
{
    static const struct { distill_prune_params p; uint32_t kept; } cases[] = {
        { { .threshold = 0.01, .multiple = 1 }, 5 }, { { .threshold = 0.01 }, 8 },
        { { .threshold = 0.01, .multiple = 2 }, 6 },
        { { .keep = 0.3, .multiple = 1 }, 3 },       { { .keep = 0.3 }, 4 },
        { { .keep = 0.9, .multiple = 3 }, 8 },
        { { .threshold = 0 , .multiple = 1 }, 5 },
    };
    vkc_device *dev = (vkc_device *) *state;
    nn_model *v = make_model(dev, "bilstm");
    distill_prune_layer layer[NN_MAX_DEPTH];
    for (uint32_t s = 0; s < STREAMS; s++)
        for (uint32_t r = 0; r < 3 + s; r++)        // stream 0 loses 3 of 8, stream 3 loses 6
            scale_unit(v, 0, s, r, 0.0f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(distill_prune_count(v, &cases[i].p, layer));
        assert_int_equal(layer[0].kept, cases[i].kept);
    }
    nn_model_destroy(v);
}

// A few steps with the loss leave the weight less evenly shared than without.
static void the_loss_gathers_weight(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_dataset *data;
    double units[2];
    assert_ok(nn_dataset_create("synth:ringed-digit,train=16,val=8,test=8", &data));
    for (int k = 0; k < 2; k++) {
        nn_model *v = make_model(dev, "bilstm");
        distill_tune_result r;
        assert_ok(distill_tune(NULL, v, &(distill_tune_params) {
            .data = data, .trained = DISTILL_TRAIN_MIXERS, .units = k ? 1.0 : 1e-9, .batch = 8, .epochs = 8, .lr = 1e-2,
            .seed = 1, .threads = 1 }, &r));
        units[k] = r.units;
        nn_model_destroy(v);
    }
    assert_true(isfinite(units[0]) && units[0] <= 3.0 * STREAMS * UNITS);
    assert_true(units[1] < 0.97 * units[0] && units[1] >= 3.0 * STREAMS);
    nn_dataset_destroy(data);
}

static void what_cannot_be(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_model *v = make_model(dev, "attention");
    distill_prune_layer layer[NN_MAX_DEPTH];
    nn_layer_config l;
    assert_status(distill_prune_count(v, &(distill_prune_params) { .keep = 0.5 }, layer), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "no layer"));
    nn_model_destroy(v);
    v = make_model(dev, "bilstm");
    assert_status(distill_prune_count(v, &(distill_prune_params) { .threshold = 1 }, layer), VKC_E_ARG);
    assert_status(distill_prune_count(v, &(distill_prune_params) { .keep = -1 }, layer), VKC_E_ARG);
    for (uint32_t i = 0; i < 3; i++)
        layer[i] = (distill_prune_layer) { .units = UNITS, .kept = 0 };
    nn_model *cut = NULL;
    assert_status(distill_prune(v, layer, &cut), VKC_E_ARG);
    assert_null(cut);
    nn_model_destroy(v);
    static const char *const bad[] = { "bilstm:hidden=0", "bilstm:hidden=-3", "bilstm:hidden=65537", "bilstm:hidden=3x",
                                       "bilstm:hidden=none", "linear:hidden=4" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_status(nn_mixer_parse(bad[i], &l, NULL), VKC_E_ARG);
    assert_ok(nn_mixer_parse("bilstm:hidden=12", &l, NULL));
    nn_mixer_options parsed;
    assert_ok(nn_mixer_check(&l, NULL, &parsed));
    assert_int_equal(parsed.number[1], 12);
    assert_string_equal(nn_mixer_of(&l)->options[1].key, "hidden");
    nn_model_config cfg;
    assert_ok(nn_model_config_init(&cfg, ARCH "bilstm:hidden=129"));
    assert_status(nn_model_create(dev, &cfg, false, &v), VKC_E_ARG);
    nn_model_config_finish(&cfg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silent_units_can_go), cmocka_unit_test(all_stay), cmocka_unit_test(norms_decide),
        cmocka_unit_test(counts), cmocka_unit_test(the_loss_gathers_weight), cmocka_unit_test(what_cannot_be),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
