// test_config.c — --arch texts, model folders there and back, token pruning's settings, and bad configs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "nn/models/config/model_config.h"
#include "nn/models/retention.h"
#include "tests/temp_dir.h"


static void test_arch(void **state)
{
    (void) state;
    nn_model_config c;
    assert_int_equal(nn_model_config_init(&c, "vit:image=64,patch=8,dim=96,depth=6,heads=3"), VKC_OK);
    assert_int_equal(c.height, 64);
    assert_int_equal(c.width, 64);
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
        { "", "want vit:" }, { "vit", "not known" }, { "resnet:depth=3", "want vit:" }, { "vit:", "not one of" },
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
    spoils("config.json", "architecture", NULL, "neither an architecture");
    spoils("config.json", "architecture", "\"resnet50\"", "not known");
    spoils("config.json", "architecture", "7", "not a string");
    spoils("config.json", "num_classes", "-1", "want 0 to");
    spoils("pare.json", "family", "{\"headless\":true}", "contradicts num_classes");
    spoils("pare.json", "family", "{\"pool\":\"max\"}", "pool is max");
    spoils("pare.json", "family", "{\"registers\":65}", "registers is 65");
    spoils("pare.json", "family", "{\"ropes\":true}", "ropes is not supported");
    spoils("pare.json", "family", "{\"rope\":true}", "rope is not a string");
    spoils("pare.json", "family", "{\"relative_positions\":1}", "relative_positions is not");
    spoils("pare.json", "family", "{\"no_positions\":true}", "rotary or relative");
    spoils("config.json", "num_classes", "1e3", "not a whole number");
    spoils("config.json", "num_classes", "99999999999", "want 0 to");
    spoils("config.json", "num_features", "97", "but embed_dim is 96");
    spoils("config.json", "global_pool", "\"max\"", "token, avg and map");
    spoils("config.json", "label_names", "{\"a\": 1}", "label_names is not a list");
    spoils("config.json", "problem_type", "\"ranking\"", "problem_type is ranking");
    spoils("preprocessor_config.json", "image_mean", "[0.5,0.5]", "2 entries");
    spoils("preprocessor_config.json", "resample", "7", "resample is 7");
    spoils("config.json", "model_args", NULL, "but embed_dim is 192");
    spoils("config.json", "model_args.depth", "129", "depth is 129");
    spoils("config.json", "model_args.depth", "-1", "depth is -1");
    spoils("config.json", "model_args.depth", "\"two\"", "not a whole number");
    spoils("config.json", "model_args.num_heads", "5", "not a multiple of heads");
    spoils("config.json", "model_args.img_size", "7", "less than a patch");
    spoils("config.json", "model_args.img_size", "[64,7]", "less than a patch");
    spoils("config.json", "model_args.mlp_ratio", "1e300", "mlp_ratio");
    spoils("config.json", "model_args.mlp_ratio", "60000", "absurd");
    spoils("config.json", "model_args.class_token", "false", "class token");
    spoils("config.json", "model_args.qk_norm", "true", "qk_norm is true; only false is supported");
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

#define HALTING(more) "{\"policy\":\"halting\",\"every\":1,\"gate_scale\":10,\"gate_centre\":30,\"eps\":0.01," \
                      "\"keep_class\":true,\"read_patches\":0" more "}"

static void test_retention_lies(void **state)
{
    (void) state;
    spoils("pare.json", "retention", "[]", "retention is not an object");
    spoils("pare.json", "retention", "{}", "retention: policy is missing");
    spoils("pare.json", "retention", "{\"policy\":\"merging\"}", "want none, halting or topk");
    spoils("pare.json", "retention", "{\"policy\":7}", "policy is not a string");
    spoils("pare.json", "retention", "{\"policy\":\"none\",\"every\":1}", "every is not supported");
    spoils("pare.json", "retention", "{\"policy\":\"halting\"}", "every is missing");
    spoils("pare.json", "retention", HALTING(",\"share\":[1,1]"), "share is not supported");
    spoils("pare.json", "retention", HALTING(",\"gaps\":\"fill\""), "gaps is \"fill\"");
    spoils("pare.json", "retention", HALTING(",\"gaps\":1"), "gaps is not a string");
    static const char *const bad[][3] = {
        { "every", "0", "every is 0" },              { "every", "129", "every is 129" },
        { "every", "1.5", "every" },                 { "gate_scale", "0", "gate_scale" },
        { "gate_scale", "-1", "gate_scale" },        { "gate_scale", "1e300", "gate_scale" },
        { "gate_centre", "20000", "gate_centre" },   { "eps", "0", "eps" }, { "eps", "0.9", "eps" },
        { "keep_class", "1", "keep_class" },         { "read_patches", "-0.5", "read_patches" },
        { "read_patches", "null", "read_patches is missing" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *r = json_loads(HALTING(""), 0, NULL);
        json_object_set_new(r, bad[i][0], json_loads(bad[i][1], JSON_DECODE_ANY, NULL));
        char *text = json_dumps(r, 0);
        spoils("pare.json", "retention", text, bad[i][2]);
        free(text);
        json_decref(r);
    }
    spoils("pare.json", "retention", "{\"policy\":\"topk\"}", "share is missing");
    spoils("pare.json", "retention", "{\"policy\":\"topk\",\"every\":1,\"share\":[1,1]}", "every is not supported");
    spoils("pare.json", "retention", "{\"policy\":\"topk\",\"share\":[1]}", "share has 1 entries");
    spoils("pare.json", "retention", "{\"policy\":\"topk\",\"share\":[1,1,1]}", "share has 3 entries");
    spoils("pare.json", "retention", "{\"policy\":\"topk\",\"share\":[0.5,0.6]}", "more than the 0.5 before it");
    spoils("pare.json", "retention", "{\"policy\":\"topk\",\"share\":[0.5,0.4]}", "no block follows");
    spoils("pare.json", "retention", "{\"policy\":\"topk\",\"share\":[0,0]}", "share after block 0 is 0");
    spoils("pare.json", "retention", "{\"policy\":\"topk\",\"share\":[1.1,1]}", "share");
    spoils("pare.json", "retention", "{\"policy\":\"topk\",\"share\":[\"1\",1]}", "share");
}

// Settings there and back, and what other programs are told.
static void test_retention_round_trip(void **state)
{
    (void) state;
    char folder[NN_PATH_MAX], path[NN_PATH_MAX];
    static const nn_retention_config kept[] = {
        { .policy = NN_POLICY_NONE },
        { .policy = NN_POLICY_HALTING, .every = 2, .gate_scale = 10, .gate_centre = -3.25, .eps = 0.01,
          .keep_class = true, .read_patches = 0.5, .gaps = NN_GAPS_COUNT },
        { .policy = NN_POLICY_HALTING, .every = 1, .gate_scale = 0.1, .gate_centre = 75, .eps = 0.125 },
        { .policy = NN_POLICY_TOPK, .share = { 1, 0.7, 0.7 * 0.7, 0.7 * 0.7 } },
    };
    assert_int_equal(nn_path_build(folder, dir, "models/r"), VKC_OK);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        nn_model_config c, d;
        json_t *root = NULL;
        assert_int_equal(nn_model_config_init(&c, "vit:image=64,patch=8,dim=96,depth=4,heads=3,classes=5"), VKC_OK);
        c.retention = kept[i];
        assert_int_equal(nn_model_config_save(folder, &c, NULL), VKC_OK);
        assert_int_equal(nn_model_config_load(folder, &d), VKC_OK);
        const nn_retention_config *a = &kept[i], *b = &d.retention;
        assert_true(a->policy == b->policy && a->gaps == b->gaps && a->every == b->every &&
                    a->gate_scale == b->gate_scale && a->gate_centre == b->gate_centre && a->eps == b->eps &&
                    a->keep_class == b->keep_class && a->read_patches == b->read_patches);
        for (uint32_t l = 0; l < 4; l++)
            assert_true(fabs(a->share[l] - b->share[l]) < 1e-14);
        assert_int_equal(nn_path_build(path, folder, "config.json"), VKC_OK);
        assert_int_equal(nn_json_load(path, 1 << 20, &root), VKC_OK);
        const char *arch = json_string_value(json_object_get(root, "architecture"));
        assert_true((strcmp(arch, "pare_vit") == 0) == (a->policy != NN_POLICY_NONE));
        json_decref(root);
        nn_model_config_finish(&c);
        nn_model_config_finish(&d);
    }
    nn_model_config c;
    assert_int_equal(nn_model_config_init(&c, "vit:image=64,patch=8,dim=96,depth=4,heads=3,classes=5"), VKC_OK);
    c.retention = kept[1];
    c.retention.every = 0;
    assert_int_equal(nn_model_config_save(folder, &c, NULL), VKC_E_ARG);
    c.retention = (nn_retention_config) { .policy = NN_POLICY_TOPK };
    assert_int_equal(nn_model_config_save(folder, &c, NULL), VKC_E_ARG);
}

static void test_policies(void **state)
{
    (void) state;
    nn_policy p;
    for (int i = NN_POLICY_NONE; i <= NN_POLICY_TOPK; i++) {
        assert_int_equal(nn_policy_get(nn_policy_name((nn_policy) i), &p), VKC_OK);
        assert_int_equal(p, i);
    }
    assert_int_equal(nn_policy_get("Halting", &p), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "none, halting, topk"));
}

// The mean share that a topk configuration gives, and after which blocks it chooses.
static double mean_share(const nn_model_config *c, uint32_t *made)
{
    double sum = 0;
    *made = 0;
    for (uint32_t l = 0; l < c->depth; l++) {
        sum += nn_retention_share(c, l) / c->depth;
        *made |= (uint32_t) nn_retention_is_made(c, l) << l;
    }
    return sum;
}

static void test_topk(void **state)
{
    (void) state;
    static const char *const arch[] = {
        "vit:image=64,patch=8,dim=96,depth=6,heads=3,classes=5", "vit:image=224,patch=16,dim=8,depth=12,heads=1",
        "vit:image=8,patch=4,dim=8,depth=4,heads=1", "vit:image=24,patch=8,dim=8,depth=2,heads=1",
    };
    static const uint32_t chosen[] = { 0x1f, 0x7ff, 7, 1 };     // after every block but the last
    const uint32_t at[] = { 0, 3 }, falling[] = { 3, 0 }, late[] = { 0, 5 };
    for (size_t i = 0; i < sizeof arch / sizeof *arch; i++) {
        nn_model_config c;
        uint32_t made;
        assert_int_equal(nn_model_config_init(&c, arch[i]), VKC_OK);
        const double patch = 1.0 / (c.depth * (nn_model_config_tokens(&c) - 1));
        assert_true(fabs(mean_share(&c, &made) - 1) < 1e-12 && made == 0);
        for (int k = 20; k > 7; k--) {
            nn_model_config kept = c;
            const double keep = 0.05 * k;
            if (nn_retention_topk(&c, keep, NULL, 0, &kept.retention) != VKC_OK) {
                assert_true((c.depth == 2 && k < 12) || (c.depth == 4 && k < 9));   // one patch stays
                continue;
            }
            assert_int_equal(nn_retention_check(&kept, VKC_E_ARG, "here"), VKC_OK);
            double mean = mean_share(&kept, &made);
            if (!(fabs(mean - keep) <= 2 * c.depth * patch))
                fail_msg("%s: keep %g gives %g", arch[i], keep, mean);
            assert_int_equal(made, k == 20 ? 0 : chosen[i]);
        }
    }
    nn_model_config c;
    uint32_t made;
    nn_retention_config r;
    assert_int_equal(nn_model_config_init(&c, arch[0]), VKC_OK);
    assert_int_equal(nn_retention_topk(&c, 0.5, at, 2, &r), VKC_OK);
    c.retention = r;
    assert_true(fabs(mean_share(&c, &made) - 0.5) < 0.01);
    assert_int_equal(made, 1 | 1u << 3);
    assert_int_equal(nn_retention_topk(&c, 0.5, falling, 2, &r), VKC_E_ARG);
    assert_int_equal(nn_retention_topk(&c, 0.5, late, 2, &r), VKC_E_ARG);
    assert_int_equal(nn_retention_topk(&c, 0.1, at, 2, &r), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "cannot be reached"));
    static const double bad[] = { 0, -1, 1.0001, NAN, INFINITY };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(nn_retention_topk(&c, bad[i], NULL, 0, &r), VKC_E_ARG);
}

// Two images of 1 + 4 tokens in a model of 4 blocks, layouts after blocks 0 and 2.
static void test_depths(void **state)
{
    (void) state;
    enum { CAP = 3, T = 5, SLOT = ROWS_HEADER + CAP + 1 + CAP * T, LEN = SLOT + CAP * T };
    uint32_t first[LEN], second[LEN];
    nn_model_config c;
    uint8_t blocks[T];
    assert_int_equal(nn_model_config_init(&c, "vit:image=8,patch=4,dim=8,depth=4,heads=1"), VKC_OK);
    memset(first, 0xff, sizeof first);
    memset(second, 0xff, sizeof second);
    first[1] = second[1] = 2, first[2] = second[2] = CAP, first[3] = second[3] = T;
    for (uint32_t t = 0; t < T; t++)
        first[SLOT + t] = t;                    // image 0 keeps all at first
    first[SLOT + T + 3] = 5;                    // image 1 keeps token 3 alone
    second[SLOT] = 0, second[SLOT + 4] = 1;     // and then image 0 keeps 0 and 4, image 1 nothing
    const uint32_t *words[NN_MAX_DEPTH] = { first, NULL, second };
    nn_retention_depths(&c, words, 0, blocks);
    assert_memory_equal(blocks, ((uint8_t[]) { 4, 3, 3, 3, 4 }), T);
    nn_retention_depths(&c, words, 1, blocks);
    assert_memory_equal(blocks, ((uint8_t[]) { 1, 1, 1, 3, 1 }), T);
    words[0] = words[2] = NULL;
    nn_retention_depths(&c, words, 0, blocks);
    assert_memory_equal(blocks, ((uint8_t[]) { 4, 4, 4, 4, 4 }), T);
}

static void test_no_folder(void **state)
{
    (void) state;
    nn_model_config c;
    char path[NN_PATH_MAX];
    assert_int_equal(nn_model_config_load("/dev/null/model", &c), VKC_E_IO);
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
        cmocka_unit_test(test_lies), cmocka_unit_test(test_retention_lies), cmocka_unit_test(test_retention_round_trip),
        cmocka_unit_test(test_policies), cmocka_unit_test(test_topk), cmocka_unit_test(test_depths),
        cmocka_unit_test(test_no_folder),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
