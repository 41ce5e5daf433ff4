// test_preprocess_json.c — settings read as timm and Hugging Face read them, refused in words, written and read back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/models/config/preprocess_json.h"
#include "tests/temp_dir.h"

static vkc_status read_text(nn_rule rule, const char *text, nn_model_config *c)
{
    json_t *obj = NULL;
    vkc_status st = nn_json_read("f", text, strlen(text), 1000, &obj);
    assert_int_equal(st, VKC_OK);
    st = rule == NN_RULE_HF ? nn_preprocess_read_hf("f", obj, c) : nn_preprocess_read_timm("f", obj, c);
    json_decref(obj);
    return st;
}

static bool is_like(const nn_preprocess *a, const nn_preprocess *b)
{
    return a->filter == b->filter && a->mode == b->mode && a->rule == b->rule && a->crop_pct == b->crop_pct &&
           a->resize.height == b->resize.height && a->resize.width == b->resize.width &&
           a->crop.height == b->crop.height && a->crop.width == b->crop.width && memcmp(a->fill, b->fill, 3) == 0;
}

#define TIMM .rule = NN_RULE_TIMM
#define HF .rule = NN_RULE_HF
#define CUBIC .filter = NN_FILTER_BICUBIC
#define SIDES(field, h, w) .field = { (h), (w) }

static void test_good(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        nn_preprocess want;
        uint32_t height, width;         // of the model, where nothing else says it
        double mean, std;               // of the first channel
    } cases[] = {
        // timm: its defaults, ImageNet's colours among them
        { "{}", { TIMM, CUBIC, .mode = NN_RESIZE_SHORTEST, .crop_pct = 0.875 }, 224, 224, 0.485, 0.229 },
        { "{\"interpolation\": \"\", \"crop_pct\": 0.9, \"crop_mode\": null, \"mean\": [0.5,0.5,0.5],"
          " \"std\": [0.25,1,1], \"input_size\": [3, 384, 384]}",
          { TIMM, CUBIC, .mode = NN_RESIZE_SHORTEST, .crop_pct = 0.9 }, 384, 384, 0.5, 0.25 },
        { "{\"interpolation\": \"bilinear\", \"crop_pct\": 1, \"crop_mode\": \"squash\", \"input_size\": [3, 64, 48]}",
          { TIMM, .crop_pct = 1 }, 64, 48, 0.485, 0.229 },
        { "{\"crop_mode\": \"border\", \"mean\": [0.5, 0.1, 1.5], \"std\": [1, 1, 1]}",
          { TIMM, CUBIC, .mode = NN_RESIZE_LONGEST, .crop_pct = 0.875, .fill = { 128, 26, 255 } }, 224, 224, 0.5, 1 },
        // keys of a test: without a size of its own, or for that size
        { "{\"crop_pct\": 0.9, \"test_crop_pct\": 0.95}",
          { TIMM, CUBIC, .mode = NN_RESIZE_SHORTEST, .crop_pct = 0.95 }, 224, 224, 0.485, 0.229 },
        { "{\"crop_pct\": 0.9, \"test_crop_pct\": 1, \"test_input_size\": [3, 288, 288]}",
          { TIMM, CUBIC, .mode = NN_RESIZE_SHORTEST, .crop_pct = 0.9 }, 224, 224, 0.485, 0.229 },
        // Hugging Face, new style
        { "{\"image_processor_type\": \"ViTImageProcessor\", \"size\": {\"height\": 224, \"width\": 160},"
          " \"resample\": 2, \"do_resize\": true, \"image_mean\": [0.4,0.5,0.5], \"image_std\": [0.3,0.5,0.5],"
          " \"do_rescale\": true, \"rescale_factor\": 0.00392156862745098, \"do_normalize\": true,"
          " \"do_convert_rgb\": null}",
          { HF }, 224, 160, 0.4, 0.3 },
        { "{\"image_processor_type\": \"DeiTImageProcessorFast\"}",
          { HF, CUBIC, SIDES(resize, 256, 256), SIDES(crop, 224, 224) }, 224, 224, 0.5, 0.5 },
        { "{\"image_processor_type\": \"BitImageProcessor\", \"size\": {\"shortest_edge\": 256},"
          " \"do_center_crop\": true, \"crop_size\": {\"height\": 224, \"width\": 192}, \"resample\": 3}",
          { HF, CUBIC, .mode = NN_RESIZE_SHORTEST, SIDES(resize, 256, 256), SIDES(crop, 224, 192) }, 224, 192,
          0.48145466, 0.26862954 },
        { "{\"image_processor_type\": \"CLIPImageProcessor\", \"size\": {\"height\": 240, \"width\": 250},"
          " \"do_center_crop\": false}",
          { HF, CUBIC }, 240, 250, 0.48145466, 0.26862954 },
        { "{\"image_processor_type\": \"SiglipImageProcessor\"}", { HF, CUBIC }, 224, 224, 0.5, 0.5 },
        // old style: one number
        { "{\"size\": 224, \"image_mean\": [0.5,0.5,0.5], \"image_std\": [0.5,0.5,0.5]}", { HF }, 224, 224, 0.5, 0.5 },
        { "{\"feature_extractor_type\": \"ViTFeatureExtractor\", \"size\": 384, \"resample\": 3}", { HF, CUBIC }, 384,
          384, 0.5, 0.5 },
        { "{\"feature_extractor_type\": \"DeiTFeatureExtractor\", \"size\": 256, \"crop_size\": 224,"
          " \"do_center_crop\": true}",
          { HF, CUBIC, SIDES(resize, 256, 256), SIDES(crop, 224, 224) }, 224, 224, 0.5, 0.5 },
        { "{\"feature_extractor_type\": \"CLIPFeatureExtractor\", \"size\": 336, \"crop_size\": 336}",
          { HF, CUBIC, .mode = NN_RESIZE_SHORTEST, SIDES(resize, 336, 336), SIDES(crop, 336, 336) }, 336, 336,
          0.48145466, 0.26862954 },
        // pictures as they are
        { "{\"image_processor_type\": \"ViTImageProcessor\", \"do_resize\": false}", { HF, .mode = NN_RESIZE_NONE },
          0, 0, 0.5, 0.5 },
        { "{\"image_processor_type\": \"DeiTImageProcessor\", \"do_resize\": false}",
          { HF, CUBIC, .mode = NN_RESIZE_NONE, SIDES(resize, 224, 224), SIDES(crop, 224, 224) }, 224, 224, 0.5, 0.5 },
        // factors fold into mean and std: 0 .. 255, and -1 .. 1 (x / 127.5 - 1)
        { "{\"do_normalize\": false}", { HF }, 224, 224, 0, 1 },
        { "{\"do_normalize\": false, \"do_rescale\": false}", { HF }, 224, 224, 0, 1.0 / 255 },
        { "{\"rescale_factor\": 0.00784313725490196, \"image_mean\": [1,1,1], \"image_std\": [1,1,1]}", { HF }, 224,
          224, 0.5, 0.5 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nn_model_config c = { .channels = 3 };
        if (read_text(cases[i].want.rule, cases[i].text, &c) != VKC_OK)
            fail_msg("%s: %s", cases[i].text, vkc_last_error());
        if (!is_like(&c.preprocess, &cases[i].want) || c.height != cases[i].height || c.width != cases[i].width ||
            fabs(c.mean[0] - cases[i].mean) > 1e-9 || fabs(c.std[0] - cases[i].std) > 1e-9)
            fail_msg("%s: read as filter %d mode %d crop_pct %g, %u x %u, mean %g std %g", cases[i].text,
                     c.preprocess.filter,
                     c.preprocess.mode, c.preprocess.crop_pct, c.height, c.width, c.mean[0], c.std[0]);
    }
}

static void test_bad(void **state)
{
    (void) state;
    static const struct { nn_rule rule; const char *text, *words; } cases[] = {
        { NN_RULE_TIMM, "{\"interpolation\": \"random\"}", "interpolation is random" },
        { NN_RULE_TIMM, "{\"interpolation\": 3}", "not a string" },
        { NN_RULE_TIMM, "{\"crop_mode\": \"corner\"}", "crop_mode is corner" },
        { NN_RULE_TIMM, "{\"crop_pct\": 0}", "crop_pct is 0" },
        { NN_RULE_TIMM, "{\"crop_pct\": 1e-9}", "crop_pct" },
        { NN_RULE_TIMM, "{\"crop_pct\": \"big\"}", "crop_pct is not a number" },
        { NN_RULE_TIMM, "{\"input_size\": [224, 224]}", "input_size has 2 entries" },
        { NN_RULE_TIMM, "{\"input_size\": [3, 224.5, 224]}", "three whole numbers" },
        { NN_RULE_TIMM, "{\"input_size\": [3, 224, 1e9]}", "input_size" },
        { NN_RULE_TIMM, "{\"mean\": [0.5]}", "mean has 1 entries" },
        { NN_RULE_TIMM, "{\"std\": [1, 1, 0]}", "std" },
        { NN_RULE_HF, "{\"image_processor_type\": \"ConvNextImageProcessor\"}",
          "ConvNextImageProcessor; ViT, DeiT, Bit, CLIP, Siglip and Beit" },
        { NN_RULE_HF, "{\"image_processor_type\": \"ViT\"}", "image_processor_type is ViT;" },
        { NN_RULE_HF, "{\"image_processor_type\": 7}", "not a string" },
        { NN_RULE_HF, "{\"size\": {\"height\": 224}}", "width is missing" },
        { NN_RULE_HF, "{\"size\": {\"longest_edge\": 224}}", "longest_edge is not supported" },
        { NN_RULE_HF, "{\"size\": {\"shortest_edge\": 224, \"height\": 3}}", "shortest_edge and height or width" },
        { NN_RULE_HF, "{\"size\": {\"shortest_edge\": 224}}", "pictures of different sizes" },
        { NN_RULE_HF, "{\"size\": -1}", "size is -1" },
        { NN_RULE_HF, "{\"size\": 70000}", "70000 x 70000 pixels are too large" },
        { NN_RULE_HF, "{\"size\": 7000000}", "size is 7000000" },
        { NN_RULE_HF, "{\"size\": [224, 224]}", "size is not an object" },
        { NN_RULE_HF, "{\"do_center_crop\": true}", "crop_size is missing" },
        { NN_RULE_HF, "{\"do_center_crop\": true, \"crop_size\": {\"shortest_edge\": 3}}",
          "crop_size has a shortest_edge" },
        { NN_RULE_HF, "{\"do_center_crop\": 1}", "not true or false" },
        { NN_RULE_HF, "{\"resample\": 1}", "resample is 1 (lanczos); 2 (bilinear) and 3 (bicubic)" },
        { NN_RULE_HF, "{\"resample\": 0}", "nearest" },
        { NN_RULE_HF, "{\"resample\": \"bicubic\"}", "whole number" },
        { NN_RULE_HF, "{\"do_pad\": true}", "do_pad is not supported" },
        { NN_RULE_HF, "{\"do_\\u0007\": true}", "control characters is not supported" },
        { NN_RULE_HF, "{\"crop_pct\": 0.875}", "crop_pct is not supported" },
        { NN_RULE_HF, "{\"rescale_factor\": 0}", "rescale_factor is 0" },
        { NN_RULE_HF, "{\"image_mean\": [0.5, 0.5]}", "image_mean has 2 entries" },
        { NN_RULE_HF, "{\"image_std\": [0.5, 0.5, -1]}", "image_std" },
        { NN_RULE_HF, "{\"image_std\": [1e-6, 1, 1], \"do_rescale\": false}", "do not fit the rescale_factor" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nn_model_config c = { .channels = 3 };
        const vkc_status st = read_text(cases[i].rule, cases[i].text, &c);
        if (st != VKC_E_FORMAT || strstr(vkc_last_error(), cases[i].words) == NULL ||
            strncmp(vkc_last_error(), "f: ", 3) != 0)
            fail_msg("%s: %s", cases[i].text, st == VKC_OK ? "is taken" : vkc_last_error());
    }
}

// A processor without a name is that of the family; a size that is known stays.
static void test_context(void **state)
{
    (void) state;
    const char *text = "{\"size\": 240}";
    nn_model_config c = { .channels = 3, .pre_norm = true };
    assert_int_equal(read_text(NN_RULE_HF, text, &c), VKC_OK);
    assert_int_equal(c.preprocess.mode, NN_RESIZE_SHORTEST);
    c = (nn_model_config) { .channels = 3, .distilled = true };
    assert_int_equal(read_text(NN_RULE_HF, text, &c), VKC_OK);
    assert_true(c.preprocess.mode == NN_RESIZE_SQUASH && c.preprocess.crop.height == 224 &&
                c.preprocess.resize.width == 240);
    c = (nn_model_config) { .channels = 1, .height = 32, .width = 48 };
    assert_int_equal(read_text(NN_RULE_TIMM, "{\"input_size\": [1, 64, 64], \"mean\": [0.25], \"std\": [2]}", &c),
                     VKC_OK);
    assert_true(c.height == 32 && c.width == 48 && c.mean[0] == 0.25 && c.std[0] == 2);
    c = (nn_model_config) { .channels = 3, .height = 288, .width = 288 };
    assert_int_equal(read_text(NN_RULE_TIMM,
                               "{\"crop_pct\": 0.9, \"test_crop_pct\": 1, \"test_input_size\": [3, 288, 288]}", &c),
                     VKC_OK);
    assert_true(c.preprocess.crop_pct == 1);
}

static void assert_same_place(const nn_preprocess *a, const nn_preprocess *b, nn_size model, int64_t off)
{
    static const nn_size pictures[] = { { 480, 640 }, { 640, 427 }, { 100, 100 } };
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        nn_placement p, q;
        assert_int_equal(nn_preprocess_place(a, "p", pictures[i], model, &p), VKC_OK);
        assert_int_equal(nn_preprocess_place(b, "p", pictures[i], model, &q), VKC_OK);
        assert_true(p.filter == q.filter && p.resized.height == q.resized.height && p.resized.width == q.resized.width);
        assert_true(p.top - q.top <= off && q.top - p.top <= off && p.left - q.left <= off && q.left - p.left <= off);
    }
}

// Its own program's file says exactly what a config says; the other's differs by half a pixel's rounding of the crop.
static void test_round(void **state)
{
    (void) state;
    static const nn_preprocess settings[] = {
        { TIMM, .crop_pct = 1 }, { TIMM, CUBIC, .crop_pct = 0.9 }, { TIMM, CUBIC, .mode = NN_RESIZE_SHORTEST,
                                                                     .crop_pct = 0.95 },
        { TIMM, CUBIC, .mode = NN_RESIZE_SHORTEST, .crop_pct = 1 }, { HF }, { HF, CUBIC, SIDES(resize, 256, 256),
                                                                              SIDES(crop, 224, 224) },
        { HF, CUBIC, .mode = NN_RESIZE_SHORTEST, SIDES(resize, 255, 255), SIDES(crop, 224, 224) },
        { HF, .mode = NN_RESIZE_SHORTEST, SIDES(resize, 224, 224), SIDES(crop, 224, 224) },
    };
    const nn_size model = { 224, 224 };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        nn_model_config c = { .height = 224, .width = 224, .channels = 3, .mean = { 0.1, 0.2, 0.3 }, .std =
                              { 1, 2, 3 } };
        c.preprocess = settings[i];
        json_t *timm = nn_preprocess_json_timm(&c), *hf = nn_preprocess_json_hf(&c);
        assert_true(timm != NULL && hf != NULL);
        nn_model_config d = { .channels = 3 }, e = { .channels = 3 };
        assert_int_equal(nn_preprocess_read_timm("t", timm, &d), VKC_OK);
        if (nn_preprocess_read_hf("h", hf, &e) != VKC_OK)
            fail_msg("settings %zu: %s", i, vkc_last_error());
        assert_true(d.height == 224 && e.width == 224 && d.mean[1] == 0.2 && e.mean[1] == 0.2 && d.std[2] == 3 &&
                    e.std[2] == 3);
        assert_same_place(&c.preprocess, &d.preprocess, model, c.preprocess.rule != NN_RULE_TIMM);
        assert_same_place(&c.preprocess, &e.preprocess, model, c.preprocess.rule != NN_RULE_HF);
        json_decref(timm);
        json_decref(hf);
    }
}

static void test_folder(void **state)
{
    (void) state;
    static const nn_preprocess settings[] = {
        { 0 }, { TIMM, CUBIC, .mode = NN_RESIZE_LONGEST, .crop_pct = 0.9, .fill = { 128, 128, 128 } },
        { HF, CUBIC, .mode = NN_RESIZE_SHORTEST, SIDES(resize, 37, 37), SIDES(crop, 32, 32) },
            { HF, .mode = NN_RESIZE_NONE },
        { HF, CUBIC, .mode = NN_RESIZE_NONE, SIDES(resize, 32, 32), SIDES(crop, 32, 32) },
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        nn_model_config c, d = { 0 };
        nn_preprocess want = settings[i];
        assert_int_equal(nn_model_config_init(&c, "vit:image=32,patch=8,dim=8,depth=1,heads=1,classes=2"), VKC_OK);
        c.preprocess = want;
        assert_int_equal(nn_model_config_save(dir, &c, NULL), VKC_OK);
        assert_int_equal(nn_model_config_load(dir, &d), VKC_OK);
        if (want.rule == NN_RULE_TIMM && want.crop_pct == 0)
            want.crop_pct = 1;
        assert_true(is_like(&d.preprocess, &want));
        // The other program's settings are there too.
        assert_int_equal(nn_preprocess_load(dir, want.rule == NN_RULE_HF ? NN_RULE_TIMM : NN_RULE_HF, &d), VKC_OK);
        assert_true(d.preprocess.rule != want.rule);
        nn_model_config_finish(&c);
        nn_model_config_finish(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_context),
            cmocka_unit_test(test_round),
        cmocka_unit_test(test_folder),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
