// model_config_timm.c — config.json as timm writes it: an architecture's name, what differs from it, pretrained_cfg.
#include "nn/models/config/model_config_impl.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/models/config/preprocess_json.h"

static vkc_status read_sizes(const char *where, json_t *args, nn_model_config *c)
{
    const struct { const char *key; uint32_t max; uint32_t *to; } whole[] = {
        { "patch_size", 1024, &c->patch }, { "in_chans", 3, &c->channels }, { "embed_dim", NN_MAX_DIM, &c->dim },
        { "depth", NN_MAX_DEPTH, &c->depth }, { "num_heads", NN_MAX_DIM, &c->heads },
    };
    const uint32_t dim = c->dim;                    // 0: no architecture says anything
    double ratio = 0;
    vkc_status st = VKC_OK;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (nn_json_has(args, whole[i].key) || (dim == 0 && whole[i].to != &c->channels))
            VKC_TRY(nn_json_get_u32(where, args, whole[i].key, 1, whole[i].max, whole[i].to));
    if (nn_json_has(args, "img_size") || dim == 0) {
        nn_size size;
        VKC_TRY(nn__size_read(where, args, "img_size", &size));
        c->height = size.height;
        c->width = size.width;
    }
    if (nn_json_has(args, "mlp_ratio"))
        VKC_TRY(nn_json_get_number(where, args, "mlp_ratio", 1.0 / NN_MAX_DIM, NN_MAX_HIDDEN, &ratio));
    if (ratio > 0)
        c->hidden = nn__hidden(c->dim, ratio) / (c->swiglu ? 2 : 1);     // timm counts both halves
    else if (dim == 0)
        c->hidden = nn__hidden(c->dim, 4);
    else if (c->dim != dim)
        c->hidden = (uint32_t) ((uint64_t) c->hidden * c->dim / dim);    // the ratio is the architecture's
done:
    return st;
}

static vkc_status read_act(const char *where, json_t *args, nn_model_config *c)
{
    const char *act;
    vkc_status st = nn_json_get_string(where, args, "act_layer", 40, &act);
    if (st != VKC_OK)
        return st;
    if (c->swiglu && strcmp(act, "silu") == 0)
        return VKC_OK;
    if (c->swiglu)
        return VKC_FAIL(VKC_E_FORMAT, "%s: act_layer is %s; a gated MLP has silu", where, act);
    return nn__act_read(where, "act_layer", act, c);
}

static vkc_status read_pool(const char *where, json_t *obj, nn_model_config *c)
{
    const char *pool;
    vkc_status st;
    if (!nn_json_has(obj, "global_pool"))
        return VKC_OK;
    VKC_TRY(nn_json_get_string(where, obj, "global_pool", 40, &pool));
    if (strcmp(pool, "avg") == 0)       // with or without a norm of the mean: the architecture's, or fc_norm below
        c->pool = c->pool == NN_POOL_NORM_AVG ? NN_POOL_NORM_AVG : NN_POOL_AVG;
    else if (strcmp(pool, "token") == 0 || strcmp(pool, "map") == 0)
        c->pool = strcmp(pool, "map") == 0 ? NN_POOL_MAP : NN_POOL_TOKEN;
    else
        return VKC_FAIL(VKC_E_FORMAT, "%s: global_pool is %s; token, avg and map are supported", where, pool);
done:
    return st;
}

// Where the norm stands: fc_norm after pooling (null: of a mean alone), final_norm before it, where there is no other.
static vkc_status read_norms(const char *where, json_t *args, nn_model_config *c)
{
    bool of_pooled = c->pool == NN_POOL_AVG, at_all = true, with_prefix = false;
    vkc_status st = VKC_OK;
    if (nn_json_has(args, "fc_norm"))
        VKC_TRY(nn_json_get_bool(where, args, "fc_norm", &of_pooled));
    if (nn_json_has(args, "final_norm"))
        VKC_TRY(nn_json_get_bool(where, args, "final_norm", &at_all));
    if (nn_json_has(args, "pool_include_prefix"))
        VKC_TRY(nn_json_get_bool(where, args, "pool_include_prefix", &with_prefix));
    const bool is_mean = c->pool == NN_POOL_AVG || c->pool == NN_POOL_NORM_AVG;
    if (!is_mean && (of_pooled || !at_all))
        return VKC_FAIL(VKC_E_FORMAT, "%s: fc_norm and final_norm are supported with global_pool avg alone", where);
    if (with_prefix && c->pool != NN_POOL_TOKEN && nn_model_config_prefix(c) > 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: pool_include_prefix, a mean over more than the patches, is not supported",
                        where);
    if (is_mean)
        c->pool = of_pooled ? NN_POOL_AVG : at_all ? NN_POOL_NORM_AVG : NN_POOL_RAW_AVG;
done:
    return st;
}

static vkc_status read_family(const char *where, json_t *args, nn_model_config *c)
{
    const struct { const char *key; bool *to; } flags[] = {
        { "no_embed_class", &c->bare_prefix }, { "pre_norm", &c->pre_norm },
    };
    bool has_token = !c->no_class, has_bias = !c->no_qkv_bias;
    vkc_status st = VKC_OK;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (nn_json_has(args, flags[i].key))
            VKC_TRY(nn_json_get_bool(where, args, flags[i].key, flags[i].to));
    if (nn_json_has(args, "class_token"))
        VKC_TRY(nn_json_get_bool(where, args, "class_token", &has_token));
    if (nn_json_has(args, "qkv_bias"))
        VKC_TRY(nn_json_get_bool(where, args, "qkv_bias", &has_bias));
    c->no_class = !has_token;
    c->no_qkv_bias = !has_bias;
    if (nn_json_has(args, "reg_tokens"))
        VKC_TRY(nn_json_get_u32(where, args, "reg_tokens", 0, NN_MAX_REGISTERS, &c->registers));
    if (json_object_get(args, "init_values"))       // null says that there is no LayerScale
        c->layer_scale = nn_json_has(args, "init_values");
    if (nn_json_has(args, "act_layer"))
        VKC_TRY(read_act(where, args, c));
    VKC_TRY(read_pool(where, args, c));
    st = read_norms(where, args, c);
done:
    return st;
}

static vkc_status read_args(const char *where, json_t *root, nn_model_config *c)
{
    static const char *const known[] = {
        "img_size", "patch_size", "in_chans", "embed_dim", "depth", "num_heads", "mlp_ratio", "class_token",
        "global_pool", "no_embed_class", "pre_norm", "qkv_bias", "reg_tokens", "init_values", "act_layer",
        "num_classes", "dynamic_img_size", "drop_rate", "pos_drop_rate", "patch_drop_rate", "proj_drop_rate",
        "attn_drop_rate", "drop_path_rate", "fc_norm", "final_norm", "pool_include_prefix", NULL
    };
    static const nn__fixed_key fixed[] = {      // what makes other models, and how values start
        { "qk_norm", "false" }, { "scale_attn_norm", "false" }, { "scale_mlp_norm", "false" }, { "proj_bias", "true" },
        { "pos_embed", "\"learn\"" }, { "dynamic_img_pad", NULL }, { "weight_init", NULL }, { "fix_init", NULL },
        { NULL, NULL }
    };
    json_t *args;
    vkc_status st;
    if (!nn_json_has(root, "model_args") && c->dim > 0)
        return VKC_OK;
    VKC_TRY(nn_json_get_object(where, root, "model_args", &args));
    const char *arch = json_string_value(json_object_get(root, "architecture"));
    if (c->rope.kind)
        return nn__args_read_eva(where, arch, args, c);
    if (nn__arch_is_beit(arch))
        return nn__args_read_beit(where, args, c);
    VKC_TRY(nn__keys_check(where, args, known, fixed));
    VKC_TRY(read_family(where, args, c));
    st = read_sizes(where, args, c);
done:
    return st;
}

vkc_status nn__labels_read(const char *where, json_t *root, nn_model_config *c)
{
    const char *key = nn_json_has(root, "label_names") ? "label_names" : "labels";
    const json_t *described = json_object_get(root, "label_descriptions");
    json_t *list;
    vkc_status st;
    if (!nn_json_has(root, key) || c->headless)
        return VKC_OK;
    VKC_TRY(nn_json_get_array(where, root, key, 0, SIZE_MAX, &list));
    if (json_array_size(list) != c->classes) {
        nn_model_config_note(c, "%s: %s has %zu names for %u classes: they are not used", where, key,
                             json_array_size(list), c->classes);
        return VKC_OK;
    }
    json_t **labels = (json_t **) calloc(c->classes, sizeof *labels);
    if (!labels)
        return VKC_FAIL(VKC_E_NOMEM, "%s: no memory for %s", where, key);
    for (uint32_t i = 0; i < c->classes; i++) {
        labels[i] = json_array_get(list, i);
        const char *name = json_string_value(labels[i]);
        json_t *more = name ? json_object_get(described, name) : NULL;
        labels[i] = json_is_string(more) ? more : labels[i];
    }
    st = nn__labels_set(where, key, labels, c);
    free(labels);
done:
    return st;
}

// num_classes stands beside the architecture or, in old files, among the settings of pictures.
static vkc_status read_classes(const char *where, json_t *root, json_t *pre, nn_model_config *c)
{
    json_t *from = nn_json_has(root, "num_classes") ? root : pre;
    uint32_t classes = 0, features;
    vkc_status st;
    VKC_TRY(nn_json_get_u32(where, from, "num_classes", 0, NN_MAX_CLASSES, &classes));
    if (nn_json_has(root, "num_features")) {
        VKC_TRY(nn_json_get_u32(where, root, "num_features", 1, NN_MAX_DIM, &features));
        if (features != c->dim)
            return VKC_FAIL(VKC_E_FORMAT, "%s: num_features is %u but embed_dim is %u", where, features, c->dim);
    }
    c->headless = classes == 0;
    c->classes = classes ? classes : nn_model_config_features(c);
done:
    return st;
}

// The model's size is what counts: it takes no other.
static void note_size(const char *where, json_t *pre, nn_model_config *c)
{
    double n[3];
    if (nn_json_has(pre, "input_size") && nn_json_get_numbers(where, pre, "input_size", 3, 1, 16384, n) == VKC_OK &&
        (n[1] != c->height || n[2] != c->width))
        nn_model_config_note(c, "%s: input_size is %g x %g, and the model is made for %u x %u, which is used", where,
                             n[2], n[1], c->width, c->height);
}

// What timm has in pretrained_cfg.
static const char *const cfg_known[] = {
    "url", "file", "state_dict", "hf_hub_id", "hf_hub_filename", "source", "architecture", "tag", "custom_load",
    "input_size", "test_input_size", "min_input_size", "fixed_input_size", "interpolation", "crop_pct", "test_crop_pct",
    "crop_mode", "mean", "std", "num_classes", "label_offset", "label_names", "label_descriptions", "pool_size",
    "test_pool_size", "first_conv", "classifier", "license", "description", "origin_url", "paper_name", "paper_ids",
    "notes", "hf_hub", NULL
};

vkc_status nn__config_read_timm(const char *where, json_t *root, nn_model_config *c)
{
    const char *arch;
    json_t *pre = root;             // old files have it at the top
    vkc_status st;
    VKC_TRY(nn_json_get_string(where, root, "architecture", 100, &arch));
    if (strcmp(arch, "pare_vit") != 0)
        VKC_TRY(nn__arch_read(VKC_E_FORMAT, where, arch, c));
    else
        c->eps = 1e-6, c->channels = 3;
    c->pos_rule = NN_POSITIONS_TIMM;
    if (nn_json_has(root, "pretrained_cfg"))
        VKC_TRY(nn_json_get_object(where, root, "pretrained_cfg", &pre));
    VKC_TRY(read_pool(where, root, c));
    VKC_TRY(read_args(where, root, c));
    VKC_TRY(read_classes(where, root, pre, c));
    VKC_TRY(nn__labels_read(where, root, c));
    VKC_TRY(nn__scores_read(where, root, c));
    if (pre != root)
        nn__unknown_note(where, pre, cfg_known, c);
    VKC_TRY(nn_preprocess_read_timm(where, pre, c));
    note_size(where, pre, c);
done:
    return st;
}
