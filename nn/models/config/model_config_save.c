// model_config_save.c — a model folder's JSON files and card, each written atomically.
#include "nn/models/config/model_config.h"

#include <jansson.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "nn/models/config/model_config_impl.h"
#include "nn/models/config/preprocess_json.h"
#include "nn/models/model_kind.h"
#include "nn/models/retention.h"

// timm computes the width of the MLP as int(dim * mlp_ratio): aim past the whole number, where no rounding
// of the quotient falls below it.
static double get_ratio(const nn_model_config *c)
{
    const bool is_vit = !nn__config_is_eva(c) && !nn__config_is_beit(c);
    const uint32_t hidden = c->swiglu && is_vit ? 2 * c->hidden : c->hidden;        // both halves of a gated one
    bool is_exact = 4 * (uint64_t) hidden % c->dim == 0;
    return (hidden + (is_exact ? 0.0 : 0.25)) / c->dim;
}

// One number for a square, which every reader takes.
static json_t *build_size(const nn_model_config *c)
{
    return c->height == c->width ? json_integer(c->height) : json_pack("[i,i]", (int) c->height, (int) c->width);
}

static json_t *build_pretrained_cfg(const nn_model_config *c)
{
    json_t *cfg = nn_preprocess_json_timm(c);
    if (cfg != NULL) {
        nn_json_set_new(cfg, "num_classes", json_integer(c->headless && !c->projection_dim ? 0 : c->classes));
        nn_json_set_new(cfg, "first_conv", json_string("patch_embed.proj"));
        nn_json_set_new(cfg, "classifier",
                        c->distilled ? json_pack("[s, s]", "head", "head_dist") : json_string("head"));
    }
    return cfg;
}

// The architecture of timm's that comes closest: its class, activation and epsilon; sizes are arguments. Another
// program must not take a model with other mixers, or one that drops tokens, for a plain vision transformer.
static const char *get_arch(const nn_model_config *c)
{
    if (nn__config_is_eva(c))
        return nn__arch_of_eva(c);
    if (nn__config_is_beit(c))
        return "beit_base_patch16_224";
    if (!nn__config_is_plain(c) || c->pool == NN_POOL_TOKEN_AVG || c->rope.kind || c->mlp_norm || c->no_key_bias ||
        c->relative || c->shared_relative)
        return "pare_vit";
    if (c->distilled)
        return "deit_tiny_distilled_patch16_224";
    if (c->swiglu)
        return "vit_giant_patch14_dinov2";
    if (c->act == NN_ACT_QUICK_GELU)
        return "vit_base_patch32_clip_quickgelu_224";
    return c->pre_norm || c->eps > 5e-6 ? "vit_base_patch32_clip_224" : "vit_tiny_patch16_224";
}

// What timm calls the pooling: a mean wherever the norm stands, a token where it has no such thing.
static const char *get_pool(const nn_model_config *c)
{
    static const char *const pools[] = {
        [NN_POOL_TOKEN] = "token", [NN_POOL_AVG] = "avg", [NN_POOL_TOKEN_AVG] = "token", [NN_POOL_NORM_AVG] = "avg",
        [NN_POOL_RAW_AVG] = "avg", [NN_POOL_MAP] = "map",
    };
    return pools[c->pool];
}

static json_t *build_args(const nn_model_config *c)
{
    json_t *args = json_pack("{s:o, s:i, s:i, s:i, s:i, s:i, s:f, s:b}", "img_size", build_size(c), "patch_size",
                             (int) c->patch, "in_chans", (int) c->channels, "embed_dim", (int) c->dim, "depth",
                             (int) c->depth, "num_heads", (int) c->heads, "mlp_ratio", get_ratio(c), "class_token",
                             (int) !c->no_class);
    if (args == NULL)
        return NULL;
    if ((c->pool != NN_POOL_TOKEN && c->pool != NN_POOL_TOKEN_AVG) || nn__config_is_eva(c) || nn__config_is_beit(c))
        nn_json_set_new(args, "global_pool", json_string(get_pool(c)));
    if (nn__config_is_eva(c)) {
        nn__args_add_eva(c, args);
        return args;
    }
    if (nn__config_is_beit(c)) {
        nn__args_add_beit(c, args);
        return args;
    }
    if (c->pool == NN_POOL_NORM_AVG || c->pool == NN_POOL_RAW_AVG)
        nn_json_set_new(args, "fc_norm", json_false());
    if (c->pool == NN_POOL_RAW_AVG)
        nn_json_set_new(args, "final_norm", json_false());
    if (c->act == NN_ACT_GELU_TANH)
        nn_json_set_new(args, "act_layer", json_string("gelu_tanh"));
    if (c->registers)
        nn_json_set_new(args, "reg_tokens", json_integer(c->registers));
    if (c->bare_prefix)
        nn_json_set_new(args, "no_embed_class", json_true());
    if (c->layer_scale || c->swiglu)
        nn_json_set_new(args, "init_values", c->layer_scale ? json_real(1e-5) : json_null());
    if (c->pre_norm || strstr(get_arch(c), "clip"))
        nn_json_set_new(args, "pre_norm", json_boolean(c->pre_norm));
    return args;
}

static json_t *build_config(const nn_model_config *c)
{
    json_t *labels = nn__labels_json(c);
    json_t *config = json_pack("{s:s, s:i, s:i, s:s, s:o*, s:o, s:o}", "architecture", get_arch(c), "num_classes",
                     c->headless && !c->projection_dim ? 0 : (int) c->classes, "num_features", (int) c->dim,
                     "global_pool", get_pool(c), "label_names", labels,
                     "model_args", build_args(c), "pretrained_cfg", build_pretrained_cfg(c));
    if (config != NULL && nn__scores_name(c->scores))
        nn_json_set_new(config, "problem_type", json_string(nn__scores_name(c->scores)));
    if (config != NULL && nn__config_is_dinov2(c))
        nn__config_add_dinov2(c, config);
    return config;
}

static json_t *build_layer(const nn_layer_config *l)
{
    json_t *options = l->options[0] != '\0' ? nn_json_made(json_object()) : NULL;
    for (const char *p = l->options; *p != '\0';) {
        size_t len = strcspn(p, ","), key = strcspn(p, "=");
        char name[sizeof l->options];
        if (key >= len)
            break;
        memcpy(name, p, key);
        name[key] = '\0';
        nn_json_set_new(options, name, json_stringn(p + key + 1, len - key - 1));
        p += len + (p[len] == ',');
    }
    return json_pack("{s:s, s:o*}", "mixer", l->mixer, "options", options);
}

static json_t *build_pare(const nn_model_config *c)
{
    json_t *layers = json_array();
    for (uint32_t i = 0; i < c->depth; i++)
        nn_json_append_new(layers, build_layer(&c->layers[i]));
    return json_pack("{s:s, s:i, s:f, s:o*, s:s*, s:o, s:o*, s:O*, s:O*}", "format", "pare", "version", 1, "norm_eps",
                     c->eps, "family", nn__family_json(c),
                     "preprocess", c->preprocess.rule == NN_RULE_HF ? "hf" : NULL, "layers", layers, "retention",
                     nn_retention_json(c), "provenance", c->provenance, "measured", c->measured);
}

static vkc_status save(const char *folder, const char *name, json_t *value)
{
    char path[NN_PATH_MAX];
    vkc_status st;
    if (value == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for %s of %s", name, folder);
    VKC_TRY(nn_path_build(path, folder, name));
    VKC_TRY(nn_json_save(path, value));
done:
    json_decref(value);
    return st;
}

vkc_status nn_model_config_save(const char *folder, const nn_model_config *c, const char *card)
{
    char path[NN_PATH_MAX];
    const nn_model_kind *kind = nn_model_kind_of(c);
    vkc_status st;
    VKC_TRY(nn_model_config_check(c, VKC_E_ARG, "model"));
    if (c->classes == 0)
        return VKC_FAIL(VKC_E_ARG, "model: the number of classes is not set");
    VKC_TRY(nn_folder_create(folder));
    VKC_TRY(save(folder, "config.json", kind->build_config ? kind->build_config(c) : build_config(c)));
    if (kind->reads_pictures)
        VKC_TRY(save(folder, "preprocessor_config.json", nn_preprocess_json_hf(c)));
    VKC_TRY(save(folder, "pare.json", build_pare(c)));
    if (card != NULL) {
        VKC_TRY(nn_path_build(path, folder, "README.md"));
        VKC_TRY(nn_file_save(path, card, strlen(card)));
    }
done:
    return st;
}
