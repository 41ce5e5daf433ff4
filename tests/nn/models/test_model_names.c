// test_model_names.c — names of tensors and of architectures, other programs' configs, and what is wrong with some.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/models/config/model_names.h"
#include "nn/models/model.h"
#include "tests/temp_dir.h"

static void expect(const char *theirs, const char *ours, uint32_t part, uint32_t parts)
{
    nn_tensor_name name;
    if (!nn_tensor_name_get(theirs, &name))
        fail_msg("%s is not known", theirs);
    assert_string_equal(name.ours, ours);
    assert_int_equal(name.part, part);
    assert_int_equal(name.parts, parts);
}

static void test_tensors(void **state)
{
    static const char *const unknown[] = {
        "", "cls", "cls_tokens", "blocks.norm1.weight", "blocks..norm1.weight", "blocks.01.norm1.weight",
        "blocks.-1.norm1.weight", "blocks.12345.norm1.weight", "blocks.1.norm1.gain", "blocks.1.norm1.",
        "blocks.1.norm1.weight.x", "vit.", "text_model.", "visual.proj.weight", "blocks.1.attn.q_norm.weight",
        "norm.running_mean",
        // GPT-2's, T5's and BERT's: not CLIP's text side, whatever they begin with
        "transformer.wte.weight", "transformer.h.0.attn.c_attn.weight", "transformer.h.0.ln_1.weight",
        "transformer.ln_f.bias", "transformer.resblocks.weight", "transformer.resblocks.0.attn.weight", "transformer.",
        "text_model.shared.weight",
        "decoder.block.0.layer.0.SelfAttention.q.weight", "decoder.embed_tokens.weight",
        "text_model.encoder.layer.0.attention.self.query.weight", "lm_head.weight",
    };
    nn_tensor_name name;
    (void) state;
    expect("cls_token", "cls_token", 0, 1);
    expect("blocks.11.norm1.weight", "blocks.11.norm1.weight", 0, 1);
    expect("blocks.0.gamma_2", "blocks.0.ls2.gamma", 0, 1);
    expect("register_tokens", "@more", 0, 1);
    expect("mask_token", "", 0, 1);
    expect("vit.encoder.layer.3.attention.attention.key.bias", "blocks.3.attn.qkv.bias", 1, 3);
    expect("module.timm_model.blocks.3.mlp.fc1.weight", "blocks.3.mlp.fc1.weight", 0, 1);
    expect("deit.layers.7.attention.v_proj.weight", "blocks.7.attn.qkv.weight", 2, 3);
    expect("dinov2.encoder.layer.0.mlp.up_proj.bias", "blocks.0.mlp.fc1.bias", 1, 2);
    expect("vision_model.pre_layrnorm.weight", "norm_pre.weight", 0, 1);
    expect("text_model.encoder.layers.0.mlp.fc1.weight", "@text", 0, 1);
    expect("text_model.embeddings.position_ids", "@text", 0, 1);
    expect("vision_model.embeddings.position_ids", "", 0, 1);
    expect("vit.pooler.dense.weight", "", 0, 1);
    expect("visual.trunk.patch_embed.proj.weight", "patch_embed.proj.weight", 0, 1);
    expect("visual.transformer.resblocks.23.attn.in_proj_bias", "blocks.23.attn.qkv.bias", 0, 1);
    expect("transformer.resblocks.23.attn.in_proj_bias", "@text", 0, 1);
    expect("visual.proj", "head.weight", 0, 1);
    expect("vision_model.head.attention.in_proj_weight", "@pool.weight", 0, 1);
    expect("vision_model.head.probe", "attn_pool.latent", 0, 1);
    expect("visual.trunk.attn_pool.kv.bias", "attn_pool.kv.bias", 0, 1);
    expect("visual.head.proj.weight", "head.weight", 0, 1);
    expect("ijepa.encoder.layer.3.attention.attention.key.bias", "blocks.3.attn.qkv.bias", 1, 3);
    expect("decoder.decoder_layers.1.attention.attention.key.bias", "", 0, 1);
    expect("decoder_blocks.7.mlp.fc1.weight", "", 0, 1);
    expect("blocks.0.attn.q_bias", "blocks.0.attn.qkv.bias", 0, 3);
    expect("blocks.0.attn.k_proj.weight", "blocks.0.attn.qkv.weight", 1, 3);
    expect("blocks.3.mlp.fc1_x.bias", "blocks.3.mlp.fc1.bias", 1, 2);
    expect("model.layer.7.attention.v_proj.bias", "blocks.7.attn.qkv.bias", 2, 3);
    expect("layer.7.layer_scale2.lambda1", "blocks.7.ls2.gamma", 0, 1);
    expect("text.transformer.resblocks.0.ln_1.weight", "@text", 0, 1);
    expect("blocks.3.attn.relative_position_index", "", 0, 1);
    expect("rel_pos_bias.relative_position_bias_table", "rel_pos_bias.relative_position_bias_table", 0, 1);
    expect("beit.encoder.layer.3.attention.attention.relative_position_bias.relative_position_bias_table",
           "blocks.3.attn.relative_position_bias_table", 0, 1);
    expect("data2vec_vision.encoder.layer.3.lambda_2", "blocks.3.ls2.gamma", 0, 1);
    expect("beit.layers.3.relative_position_bias.relative_position_bias_table",
           "blocks.3.attn.relative_position_bias_table", 0, 1);
    expect("beit.shared_position_bias.relative_position_bias_table", "rel_pos_bias.relative_position_bias_table", 0, 1);
    expect("beit.pooler.layernorm.bias", "fc_norm.bias", 0, 1);
    assert_true(nn_tensor_name_get("visual.proj", &name) && name.is_transposed);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        if (nn_tensor_name_get(unknown[i], &name))
            fail_msg("\"%s\" is taken for %s", unknown[i], name.ours);
}

static void test_clip_sides(void **state)
{
    static const struct { const char *name; bool is_image; } rows[] = {
        { "visual.conv1.weight", true }, { "visual.trunk.cls_token", true }, { "visual_projection.weight", true },
        { "vision_model.post_layernorm.weight", true }, { "module.visual.proj", true },
        { "_orig_mod.module.vision_model.embeddings.class_embedding", true },
        { "cls_token", false }, { "vit.embeddings.cls_token", false }, { "visual", false }, { "", false },
        { "text_model.final_layer_norm.bias", false }, { "transformer.resblocks.0.ln_1.weight", false },
        { "blocks.0.visual.proj", false },
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (nn_tensor_name_is_clip_image(rows[i].name) != rows[i].is_image)
            fail_msg("%s is %sof CLIP's image side", rows[i].name, rows[i].is_image ? "" : "not ");
}

// Of shapes built from the name alone; the counts are timm's (results-imagenet.csv, and its models made).
static void test_counts(void **state)
{
    static const struct { const char *name; uint64_t params; } known[] = {
        { "deit_tiny_patch16_224", 5717416 },
        { "deit_tiny_distilled_patch16_224", 5910800 },
        { "deit_small_patch16_224", 22050664 },
        { "deit_base_patch16_224", 86567656 },
        { "deit_base_distilled_patch16_224.fb_in1k", 87338192 },
        { "vit_tiny_patch16_224.augreg_in21k_ft_in1k", 5717416 },
        { "vit_base_patch16_224", 86567656 },
        { "vit_base_patch16_384", 86859496 },
        { "vit_large_patch16_224", 304326632 },
        { "vit_small_patch14_dinov2", 22056192 },
        { "vit_base_patch14_reg4_dinov2.lvd142m", 86582016 },
        { "vit_giant_patch14_reg4_dinov2", 1136483840 },
        // with biases of keys, which ours have as zeros
        { "beit_base_patch16_224", 86530984 + 12 * 768 },
        { "beit_large_patch16_512", 305674728 + 24 * 1024 },
        { "vit_base_patch16_clip_224,classes=512", 86193152 },
        { "deit3_base_patch16_224", 86585320 },
    };
    nn_model_config c;
    (void) state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (nn_model_config_init(&c, known[i].name) != VKC_OK)
            fail_msg("%s: %s", known[i].name, vkc_last_error());
        c.classes = c.classes ? c.classes : 1000;
        if (nn_model_count_params(&c) != known[i].params)
            fail_msg("%s has %llu parameters, want %llu", known[i].name, (unsigned long long) nn_model_count_params(&c),
                     (unsigned long long) known[i].params);
        nn_model_config_finish(&c);
    }
}

static void test_architectures(void **state)
{
    static const char *const unknown[] = {
        "vit", "vit_base", "vit_base_224", "vit_base_patch16_siglip_225", "vit_medium_patch16_gap", "resnet50",
        "test_vit3",
        "vit_tiny_", "vit_base_distilled_patch16_224", "vit_basepatch16", "vit_base_patch0_224",
        "vit_base_patch16_99999", "vit_base_patch16__224",
    };
    nn_model_config c;
    (void) state;
    assert_int_equal(nn_model_config_init(&c, "vit_large_patch14_clip_quickgelu_336"), VKC_OK);
    assert_true(c.pre_norm && c.act == NN_ACT_QUICK_GELU && c.height == 336 && c.patch == 14 && c.eps == 1e-5);
    assert_int_equal(nn_model_config_init(&c, "vit_giant_patch14_dinov2"), VKC_OK);
    assert_true(c.swiglu && c.hidden == 4096 && c.dim == 1536 && c.heads == 24 && c.layer_scale && c.headless &&
                c.height == 518);
    assert_int_equal(nn_model_config_init(&c, "vit_so400m_patch16_siglip_384.v2_webli"), VKC_OK);
    assert_true(c.no_class && c.pool == NN_POOL_MAP && c.act == NN_ACT_GELU_TANH && c.headless && c.hidden == 4304 &&
                c.height == 384);
    assert_int_equal(nn_model_config_init(&c, "vit_medium_patch16_gap_240"), VKC_OK);
    assert_true(c.no_class && c.pool == NN_POOL_NORM_AVG && c.layer_scale && c.no_qkv_bias);
    assert_int_equal(nn_model_config_init(&c, "vit_base_patch16_reg4_gap_256"), VKC_OK);
    assert_true(c.no_class && c.pool == NN_POOL_AVG && c.registers == 4 && c.bare_prefix && c.height == 256);
    assert_int_equal(nn_model_config_init(&c, "deit_tiny_patch16_224,image=32,patch=8,classes=10,mixer=linear"),
                     VKC_OK);
    assert_true(c.height == 32 && c.patch == 8 && c.classes == 10 && strcmp(c.layers[11].mixer, "linear") == 0);
    assert_int_equal(nn_model_config_init(&c, "vit_huge_plus_patch16_dinov3.lvd1689m"), VKC_OK);
    assert_true(c.rope.kind == NN_ROPE_DINOV3 && c.rope.base == 100 && c.no_pos && c.no_key_bias && c.no_qkv_bias &&
                c.registers == 4 && c.swiglu && c.hidden == 5120 && c.layer_scale && c.eps == 1e-5);
    assert_int_equal(nn_model_config_init(&c, "eva02_base_patch14_448"), VKC_OK);
    assert_true(c.rope.kind == NN_ROPE_EVA02 && c.rope.ref_h == 16 && c.mlp_norm && c.hidden == 2048 && !c.no_pos &&
                c.pool == NN_POOL_AVG && !c.headless);
    assert_int_equal(nn_model_config_init(&c, "beit_large_patch16_384.in22k_ft_in22k_in1k"), VKC_OK);
    assert_true(c.relative && !c.shared_relative && c.no_pos && c.no_key_bias && c.layer_scale && c.dim == 1024 &&
                c.height == 384 && c.pool == NN_POOL_AVG && !c.headless);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        if (nn_model_config_init(&c, unknown[i]) == VKC_OK)
            fail_msg("%s is taken for an architecture", unknown[i]);
}

static vkc_status load(const char *config, nn_model_config *c)
{
    char path[NN_PATH_MAX];
    assert_int_equal(nn_path_build(path, dir, "config.json"), VKC_OK);
    assert_int_equal(nn_file_save(path, config, strlen(config)), VKC_OK);
    return nn_model_config_load(dir, c);
}

static void refuses(const char *config, const char *word)
{
    nn_model_config c;
    if (load(config, &c) != VKC_E_FORMAT)
        fail_msg("not refused: %s", config);
    if (!strstr(vkc_last_error(), word) || !strstr(vkc_last_error(), "config.json"))
        fail_msg("\"%s\" does not speak of %s", vkc_last_error(), word);
}

#define HF(...) "{\"model_type\": \"vit\", \"hidden_size\": 64, \"num_attention_heads\": 2, " __VA_ARGS__ "}"
#define TIMM(...) \
    "{\"architecture\": \"vit_tiny_patch16_224\", \"num_classes\": 3, " \
    "\"pretrained_cfg\": {\"input_size\": [3, 224, 224]}, " \
    "\"model_args\": {" __VA_ARGS__ "}}"

#define BEIT(...) "{\"architecture\": \"beit_base_patch16_224\", \"num_classes\": 3, " \
    "\"pretrained_cfg\": {\"input_size\": [3, 224, 224]}, \"model_args\": {" __VA_ARGS__ "}}"
#define HF_BEIT(...) "{\"model_type\": \"beit\", " __VA_ARGS__ "}"

static void test_beit(void **state)
{
    nn_model_config c;
    (void) state;
    assert_int_equal(load(BEIT("\"embed_dim\": 96, \"num_heads\": 3, \"global_pool\": \"token\", "
                               "\"init_values\": 0"), &c), VKC_OK);
    assert_true(c.pool == NN_POOL_TOKEN && !c.layer_scale && c.relative && c.no_key_bias && c.hidden == 384);
    assert_int_equal(load(BEIT("\"use_fc_norm\": false, \"use_rel_pos_bias\": false, \"use_abs_pos_emb\": true, "
                               "\"use_shared_rel_pos_bias\": true, \"qkv_bias\": false, \"swiglu_mlp\": true"),
                          &c), VKC_OK);
    assert_true(c.pool == NN_POOL_NORM_AVG && !c.relative && c.shared_relative && !c.no_pos && c.no_qkv_bias &&
                c.swiglu && c.hidden == 3072);
    assert_int_equal(load(HF_BEIT("\"use_relative_position_bias\": true, \"num_labels\": 4"), &c), VKC_OK);
    assert_true(c.pool == NN_POOL_AVG && c.relative && c.no_pos && c.no_key_bias && c.layer_scale && c.classes == 4 &&
                c.eps == 1e-12 && c.pos_rule == NN_POSITIONS_HF && c.preprocess.filter == NN_FILTER_BICUBIC);
    assert_int_equal(load("{\"model_type\": \"data2vec-vision\", \"architectures\": [\"Data2VecVisionModel\"], "
                          "\"use_shared_relative_position_bias\": true, \"layer_scale_init_value\": 0.0, "
                          "\"use_mean_pooling\": false}", &c), VKC_OK);
    assert_true(c.pool == NN_POOL_TOKEN && c.shared_relative && !c.layer_scale && c.headless && c.classes == 768);
    assert_int_equal(load(HF_BEIT("\"use_relative_position_bias\": true, \"architectures\": "
                                  "[\"BeitForMaskedImageModeling\"]"), &c), VKC_OK);
    assert_true(c.pool == NN_POOL_NORM_AVG && c.headless);
    refuses(HF_BEIT("\"num_labels\": 4"), "rotary or relative");
    refuses(HF_BEIT("\"use_relative_position_bias\": 1"), "use_relative_position_bias");
    refuses(HF_BEIT("\"architectures\": [\"BeitForSemanticSegmentation\"]"), "BeitForSemanticSegmentation");
    refuses(BEIT("\"use_rel_pos_bias\": false"), "rotary or relative");
    refuses(BEIT("\"global_pool\": \"\""), "token and avg");
    refuses(BEIT("\"global_pool\": \"token\", \"use_fc_norm\": true"), "use_fc_norm");
    refuses(BEIT("\"attn_head_dim\": 32"), "attn_head_dim");
    refuses(BEIT("\"init_values\": \"small\""), "init_values");
    refuses("{\"architecture\": \"beit3_base_patch16_224\", \"num_classes\": 3}", "beit3_base_patch16_224");
}

static void test_configs(void **state)
{
    nn_model_config c;
    (void) state;
    assert_int_equal(load(HF("\"id2label\": {\"1\": \"b\", \"0\": \"a\"}, \"hidden_act\": \"quick_gelu\""), &c),
                     VKC_OK);
    assert_true(c.classes == 2 && strcmp(c.labels[0], "a") == 0 && c.eps == 1e-12 && c.depth == 12 && c.hidden == 3072);
    assert_true(c.act == NN_ACT_QUICK_GELU && c.pos_rule == NN_POSITIONS_HF && c.mean[0] == 0.5 && c.height == 224);
    nn_model_config_finish(&c);
    assert_int_equal(load(HF("\"image_size\": [224, 160], \"layer_norm_eps\": 1e-6, \"num_labels\": 7"), &c), VKC_OK);
    assert_true(c.height == 224 && c.width == 160 && c.eps == 1e-6 && c.classes == 7);
    nn_model_config_finish(&c);
    assert_int_equal(load(TIMM("\"init_values\": 1e-5, \"reg_tokens\": 4, \"no_embed_class\": true"), &c), VKC_OK);
    assert_true(c.layer_scale && c.registers == 4 && c.bare_prefix && c.dim == 192 && c.eps == 1e-6);
    nn_model_config_finish(&c);
    assert_int_equal(load(TIMM("\"embed_dim\": 96"), &c), VKC_OK);
    assert_true(c.hidden == 384);                   // the ratio is the architecture's
    nn_model_config_finish(&c);
    assert_int_equal(load(TIMM("\"class_token\": false, \"global_pool\": \"avg\""), &c), VKC_OK);
    assert_true(c.no_class && c.pool == NN_POOL_AVG && nn_model_config_prefix(&c) == 0);
    assert_int_equal(load(TIMM("\"global_pool\": \"avg\", \"fc_norm\": false"), &c), VKC_OK);
    assert_true(c.pool == NN_POOL_NORM_AVG);
    assert_int_equal(load(TIMM("\"global_pool\": \"avg\", \"fc_norm\": false, \"final_norm\": false"), &c), VKC_OK);
    assert_true(c.pool == NN_POOL_RAW_AVG);
    assert_int_equal(load(TIMM("\"class_token\": false, \"global_pool\": \"map\", \"act_layer\": \"gelu_tanh\""), &c),
                     VKC_OK);
    assert_true(c.no_class && c.pool == NN_POOL_MAP && c.act == NN_ACT_GELU_TANH);
    assert_int_equal(load("{\"model_type\": \"siglip_vision_model\"}", &c), VKC_OK);
    assert_true(c.no_class && c.pool == NN_POOL_MAP && c.headless && c.classes == 768 && c.eps == 1e-6 &&
                c.act == NN_ACT_GELU_TANH && c.preprocess.filter == NN_FILTER_BICUBIC && c.mean[0] == 0.5);
    assert_int_equal(load("{\"model_type\": \"vit_mae\", \"architectures\": [\"ViTMAEForPreTraining\"]}", &c), VKC_OK);
    assert_true(c.headless && !c.no_class && c.pool == NN_POOL_TOKEN);
    assert_int_equal(load("{\"model_type\": \"ijepa\"}", &c), VKC_OK);
    assert_true(c.headless && c.no_class && c.pool == NN_POOL_NORM_AVG);
    refuses("{}", "neither an architecture");
    refuses("{\"model_type\": \"swin\"}", "swin");
    refuses("{\"model_type\": 3}", "model_type");
    refuses("{\"architecture\": \"swin_tiny\"}", "swin_tiny");
    refuses(HF("\"hidden_act\": \"relu\""), "relu");
    refuses(HF("\"architectures\": [\"ViTForMaskedImageModeling\"]"), "ViTForMaskedImageModeling");
    refuses(HF("\"architectures\": []"), "architectures");
    refuses(HF("\"patch_size\": [16, 8]"), "only square ones");
    refuses(HF("\"image_size\": [224, 160.5]"), "whole numbers");
    refuses(HF("\"num_hidden_layers\": 100000"), "num_hidden_layers");
    refuses(HF("\"num_hidden_layers\": -1"), "num_hidden_layers");
    refuses(HF("\"layer_norm_eps\": \"small\""), "layer_norm_eps");
    refuses(HF("\"id2label\": {}"), "id2label");
    refuses("{\"model_type\": \"clip\"}", "vision_config");
    refuses(TIMM("\"class_token\": false"), "class token");
    refuses(TIMM("\"qk_norm\": true"), "qk_norm");
    refuses(TIMM("\"global_pool\": \"avgmax\""), "avgmax; token, avg and map");
    refuses(TIMM("\"global_pool\": \"max\""), "token, avg and map");
    refuses(TIMM("\"class_token\": false, \"global_pool\": \"map\", \"fc_norm\": true"), "fc_norm");
    refuses(TIMM("\"reg_tokens\": 4, \"global_pool\": \"avg\", \"pool_include_prefix\": true"), "pool_include_prefix");
    refuses(HF("\"hidden_act\": \"gelu_fast\""), "gelu_fast");
    refuses("{\"model_type\": \"siglip\"}", "vision_config");
    refuses("{\"model_type\": \"siglip_vision_model\", \"vision_use_head\": 3}", "vision_use_head");
    refuses("{\"model_type\": \"siglip2_vision_model\"}", "siglip2_vision_model");
    refuses(TIMM("\"act_layer\": \"relu\""), "relu");
    refuses(TIMM("\"reg_tokens\": 1000"), "reg_tokens");
    refuses(TIMM("\"mlp_ratio\": 1e300"), "mlp_ratio");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors), cmocka_unit_test(test_clip_sides), cmocka_unit_test(test_counts),
        cmocka_unit_test(test_architectures), cmocka_unit_test(test_beit), cmocka_unit_test(test_configs),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
