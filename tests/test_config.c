// test_config.c — --arch texts, model folders there and back, and configs that lie.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/files.h"
#include "nn/json.h"
#include "nn/model_config.h"
#include "tests/temp_dir.h"


static void test_arch(void **state)
{
    (void) state;
    nn_model_config c;
    assert_int_equal(nn_model_config_init(&c, "vit:image=64,patch=8,dim=96,depth=6,heads=3"), VKC_OK);
    assert_int_equal(c.image, 64);
    assert_int_equal(c.hidden, 384);
    assert_int_equal(c.channels, 3);
    assert_int_equal(nn_model_config_tokens(&c), 65);
    assert_string_equal(c.layers[5].mixer, "attention");
    assert_string_equal(c.layers[6].mixer, "");
    assert_int_equal(nn_model_config_init(&c, "vit:heads=1,depth=1,dim=5,patch=1,image=1,hidden=7,channels=1"), VKC_OK);
    assert_int_equal(c.hidden, 7);
    assert_int_equal(nn_model_config_init(&c, "vit:mixer=linear:features=elu1,image=8,patch=8,dim=4,depth=3,heads=1"),
                     VKC_OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_string_equal(c.layers[i].mixer, "linear");
        assert_string_equal(c.layers[i].options, "features=elu1");
    }
    assert_string_equal(c.layers[3].mixer, "");
    assert_int_equal(nn_model_config_init(&c, "vit:image=8,patch=8,dim=4,depth=6,heads=1,mixer=linear*2/attention"),
                     VKC_OK);
    for (uint32_t i = 0; i < 6; i++)
        assert_string_equal(c.layers[i].mixer, i % 3 == 2 ? "attention" : "linear");
    static const char *const bad[][2] = {
        { "vit:image=8,patch=8,dim=4,depth=2,heads=1,mixer=magic", "there are: attention, " },
        { "vit:image=8,patch=8,dim=4,depth=2,heads=1,mixer=", "no mixer" },
        { "vit:image=8,patch=8,dim=4,depth=2,heads=1,mixer=linear:features=magic", "it can be: hedgehog, elu1" },
        { "vit:image=8,patch=8,dim=4,depth=2,heads=1,mixer=linear:magic=1+features=elu1", "there are: features" },
        { "vit:image=8,patch=8,dim=4,depth=2,heads=1,mixer=linear,mixer=linear", "twice" },
        { "vit:image=8,patch=8,dim=4,depth=2,heads=1,mixer=linear*3", "more layers" },
        { "vit:image=8,patch=8,dim=4,depth=2,heads=1,mixer=linear*0", "count" },
        { "vit:image=8,patch=8,dim=4,depth=2,heads=1,mixer=linear*", "count" },
        { "vit:image=8,patch=8,dim=4,depth=2,heads=1,mixer=linear/", "no mixer" },
        { "vit:image=8,patch=8,dim=4,depth=5,heads=1,mixer=linear/attention", "does not divide" },
        { "", "want vit:" }, { "vit", "want vit:" }, { "resnet:depth=3", "want vit:" }, { "vit:", "not one of" },
        { "vit:image=64", "patch= is missing" },
        { "vit:image=64,patch=8,dim=96,depth=6", "heads= is missing" },
        { "vit:image=64,patch=8,dim=96,depth=6,heads=3,", "not one of" },
        { "vit:image=64,patch=8,dim=96,depth=6,heads=3,width=3", "not one of" },
        { "vit:image=64,patch=8,dim=96,depth=6,heads=3,heads=3", "twice" },
        { "vit:image=64,patch=8,dim=96,depth=6,heads=x", "whole number" },
        { "vit:image=64,patch=8,dim=96,depth=6,heads=", "heads" },
        { "vit:image=64,patch=8,dim=96,depth=6,heads=-1", "whole number" },
        { "vit:image=64,patch=8,dim=96,depth=6,heads=4294967297", "heads" },
        { "vit:image=64,patch=8,dim=96,depth=1000,heads=3", "depth" },
        { "vit:image=64,patch=8,dim=96,depth=6,heads=7", "multiple of heads" },
        { "vit:image=64,patch=7,dim=96,depth=6,heads=3", "patch size" },
        { "vit:image=16384,patch=1,dim=96,depth=6,heads=3", "more than" },
        { "vit:image=64,patch=8,dim=96,depth=6,heads=3,channels=2", "channels" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (nn_model_config_init(&c, bad[i][0]) != VKC_E_ARG)
            fail_msg("accepted: %s", bad[i][0]);
        if (strstr(vkc_last_error(), bad[i][1]) == NULL)
            fail_msg("%s: '%s' lacks '%s'", bad[i][0], vkc_last_error(), bad[i][1]);
    }
}

static void test_options(void **state)
{
    (void) state;
    nn_layer_config l;
    char value[16];
    assert_int_equal(nn_layer_config_set(&l, "linear", "feature=hedgehog,conv=3"), VKC_OK);
    assert_true(nn_layer_config_get(&l, "feature", value, sizeof value));
    assert_string_equal(value, "hedgehog");
    assert_true(nn_layer_config_get(&l, "conv", value, sizeof value));
    assert_string_equal(value, "3");
    assert_false(nn_layer_config_get(&l, "con", value, sizeof value));
    assert_false(nn_layer_config_get(&l, "feature", value, 8));
    assert_int_equal(nn_layer_config_set(&l, "linear", NULL), VKC_OK);
    static const char *const bad[] = { "feature", "=x", "a=", "a=b,", ",", "a=b,,c=d", "a=b c", "a=\"" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(nn_layer_config_set(&l, "linear", bad[i]), VKC_E_ARG);
    assert_int_equal(nn_layer_config_set(&l, "", NULL), VKC_E_ARG);
    assert_int_equal(nn_layer_config_set(&l, "../x", NULL), VKC_E_ARG);
}

static void test_round_trip(void **state)
{
    (void) state;
    char folder[NN_PATH_MAX], path[NN_PATH_MAX];
    nn_model_config c, d;
    const char *labels[3] = { "cat", "dog", "na\xc3\xafve" };
    assert_int_equal(nn_path_build(folder, dir, "models/m"), VKC_OK);
    assert_int_equal(nn_model_config_init(&c, "vit:image=64,patch=8,dim=90,depth=4,heads=3,hidden=361"), VKC_OK);
    assert_int_equal(nn_model_config_save(folder, &c, NULL), VKC_E_ARG);        // classes unknown
    assert_int_equal(nn_model_config_set_labels(&c, labels, 3), VKC_OK);
    c.mean[0] = 0.3446, c.std[2] = 0.116, c.eps = 1e-5;
    assert_int_equal(nn_layer_config_set(&c.layers[2], "linear", "feature=hedgehog,conv=3"), VKC_OK);
    c.provenance = json_pack("{s:s, s:i}", "command", "pare train", "seed", 3);
    assert_int_equal(nn_model_config_save(folder, &c, "# Card\n"), VKC_OK);
    assert_int_equal(nn_model_config_load(folder, &d), VKC_OK);
    assert_int_equal(d.hidden, 361);
    assert_int_equal(d.classes, 3);
    assert_string_equal(d.labels[2], labels[2]);
    assert_true(d.mean[0] == 0.3446 && d.std[2] == 0.116 && d.eps == 1e-5);
    assert_string_equal(d.layers[2].mixer, "linear");
    assert_string_equal(d.layers[2].options, "feature=hedgehog,conv=3");
    assert_string_equal(d.layers[3].mixer, "attention");
    assert_true(json_equal(c.provenance, d.provenance));
    assert_null(d.measured);
    assert_int_equal(nn_path_build(path, folder, "README.md"), VKC_OK);
    assert_true(nn_is_file(path));
    nn_model_config e;
    assert_int_equal(nn_model_config_copy(&d, &e), VKC_OK);
    nn_model_config_finish(&d);
    assert_string_equal(e.labels[0], "cat");
    assert_true(json_equal(c.provenance, e.provenance));
    nn_model_config_finish(&e);
    nn_model_config_finish(&c);
    // Every width of the MLP survives the detour through mlp_ratio.
    for (uint32_t hidden = 1; hidden < 400; hidden += 3) {
        assert_int_equal(nn_model_config_init(&c, "vit:image=8,patch=8,dim=97,depth=1,heads=1,classes=2"), VKC_OK);
        c.hidden = hidden;
        assert_int_equal(nn_model_config_save(folder, &c, NULL), VKC_OK);
        assert_int_equal(nn_model_config_load(folder, &d), VKC_OK);
        assert_int_equal(d.hidden, hidden);
        nn_model_config_finish(&d);
    }
}

// Changes one value of a good folder and expects one sentence.
static void spoils(const char *file, const char *path_in_file, const char *value, const char *says)
{
    char folder[NN_PATH_MAX], path[NN_PATH_MAX], copy[128];
    nn_model_config c, d;
    json_t *root = NULL;
    assert_int_equal(nn_path_build(folder, dir, "spoiled"), VKC_OK);
    assert_int_equal(nn_model_config_init(&c, "vit:image=64,patch=8,dim=96,depth=2,heads=3,classes=5"), VKC_OK);
    assert_int_equal(nn_model_config_save(folder, &c, NULL), VKC_OK);
    assert_int_equal(nn_path_build(path, folder, file), VKC_OK);
    assert_int_equal(nn_json_load(path, 1 << 20, &root), VKC_OK);
    snprintf(copy, sizeof copy, "%s", path_in_file);
    json_t *at = root;
    char *key = copy;
    for (char *dot; (dot = strchr(key, '.')) != NULL; key = dot + 1) {
        *dot = '\0';
        at = json_is_array(at) ? json_array_get(at, (size_t) atoi(key)) : json_object_get(at, key);
    }
    assert_non_null(at);
    if (value != NULL)
        json_object_set_new(at, key, json_loads(value, JSON_DECODE_ANY, NULL));
    else
        json_object_del(at, key);
    assert_int_equal(nn_json_save(path, root), VKC_OK);
    json_decref(root);
    if (nn_model_config_load(folder, &d) != VKC_E_FORMAT)
        fail_msg("accepted %s = %s", path_in_file, value);
    if (strstr(vkc_last_error(), says) == NULL || strstr(vkc_last_error(), file) == NULL)
        fail_msg("'%s' lacks '%s'", vkc_last_error(), says);
}

static void test_lies(void **state)
{
    (void) state;
    spoils("config.json", "architecture", NULL, "architecture is missing");
    spoils("config.json", "architecture", "\"resnet50\"", "not supported");
    spoils("config.json", "architecture", "7", "not a string");
    spoils("config.json", "num_classes", "0", "want 1 to");
    spoils("config.json", "num_classes", "1e3", "not a whole number");
    spoils("config.json", "num_classes", "99999999999", "want 1 to");
    spoils("config.json", "num_features", "97", "but embed_dim is 96");
    spoils("config.json", "global_pool", "\"avg\"", "only token");
    spoils("config.json", "label_names", "[\"a\"]", "1 entries");
    spoils("config.json", "label_names", "[\"a\",\"b\",\"c\",\"d\",5]", "label_names");
    spoils("config.json", "label_names", "[\"a\",\"b\",\"c\",\"d\",\"\\u001b[2J\"]", "label_names");
    spoils("config.json", "model_args", NULL, "model_args is missing");
    spoils("config.json", "model_args.depth", "129", "depth is 129");
    spoils("config.json", "model_args.depth", "-1", "depth is -1");
    spoils("config.json", "model_args.depth", "null", "depth is missing");
    spoils("config.json", "model_args.num_heads", "5", "not a multiple of heads");
    spoils("config.json", "model_args.img_size", "65", "not a multiple of the patch");
    spoils("config.json", "model_args.img_size", "[64,64]", "not a whole number");
    spoils("config.json", "model_args.mlp_ratio", "1e300", "mlp_ratio");
    spoils("config.json", "model_args.mlp_ratio", "60000", "absurd");
    spoils("config.json", "model_args.class_token", "false", "class token");
    spoils("config.json", "model_args.qk_norm", "true", "qk_norm is not supported");
    spoils("config.json", "pretrained_cfg.mean", "[0.5,0.5]", "2 entries");
    spoils("config.json", "pretrained_cfg.std", "[0.5,0.5,0]", "std");
    spoils("pare.json", "version", "2", "not known");
    spoils("pare.json", "norm_eps", "0", "norm_eps");
    spoils("pare.json", "layers", "[]", "0 entries");
    spoils("pare.json", "layers.0.mixer", "\"Attention!\"", "odd characters");
    spoils("pare.json", "layers.0.mixer", NULL, "mixer is missing");
    spoils("pare.json", "layers.1.keep", "0.5", "keep is not supported");
    spoils("pare.json", "layers.1.options", "{\"feature\":[]}", "options");
    spoils("pare.json", "layers.1.options", "{\"feature\":\"a,b=c d\"}", "odd characters");
    spoils("pare.json", "provenance", "[]", "not an object");
}

static void test_no_folder(void **state)
{
    (void) state;
    nn_model_config c;
    char path[NN_PATH_MAX];
    assert_int_equal(nn_model_config_load("/nonexistent/model", &c), VKC_E_IO);
    assert_int_equal(nn_model_config_load(dir, &c), VKC_E_IO);
    assert_int_equal(nn_path_build(path, dir, "config.json"), VKC_OK);
    assert_int_equal(nn_file_save(path, "[1]", 3), VKC_OK);
    assert_int_equal(nn_model_config_load(dir, &c), VKC_E_FORMAT);
    assert_int_equal(nn_file_save(path, "", 0), VKC_OK);
    assert_int_equal(nn_model_config_load(dir, &c), VKC_E_FORMAT);
    assert_int_equal(nn_file_save(path, "{\"a\":1,\"a\":2}", 13), VKC_OK);
    assert_int_equal(nn_model_config_load(dir, &c), VKC_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arch), cmocka_unit_test(test_options), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_lies), cmocka_unit_test(test_no_folder),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
