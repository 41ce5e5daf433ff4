// model_config_open_clip.c — open_clip_config.json: OpenCLIP's own image towers, and those that are models of timm's.
#include "nn/models/config/model_config_impl.h"

#include <jansson.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/base/names.h"
#include "nn/models/config/preprocess_json.h"

#define HEAD_CHANNELS 64            // when nothing is said

static vkc_status read_own(const char *where, json_t *tower, nn_model_config *c)
{
    static const char *const known[] = { "image_size", "layers", "width", "patch_size", "head_width", "mlp_ratio",
                                         "ls_init_value", "patch_dropout", "no_ln_pre", NULL };
    static const nn__fixed_key fixed[] = {      // OpenCLIP's defaults; what else they can say makes other models
        { "attentional_pool", "false" }, { "attn_pooler_queries", NULL }, { "attn_pooler_heads", NULL },
        { "pos_embed_type", "\"learnable\"" }, { "final_ln_after_pool", "false" }, { "pool_type", "\"tok\"" },
        { "output_tokens", NULL }, { "block_type", "\"default\"" }, { "qk_norm", "false" },
        { "scaled_cosine_attn", "false" }, { "scale_heads", "false" }, { "scale_attn_inner", "false" },
        { "scale_attn", "false" }, { "scale_fc", "false" }, { "timm_model_pretrained", NULL }, { "timm_pool", NULL },
        { "timm_proj", NULL }, { "timm_proj_bias", NULL }, { "timm_drop", NULL }, { NULL, NULL }
    };
    uint32_t head = HEAD_CHANNELS;
    double ratio = 4;
    bool is_bare = false;
    nn_size size;
    vkc_status st;
    VKC_TRY(nn__keys_check(where, tower, known, fixed));
    VKC_TRY(nn__size_read(where, tower, "image_size", &size));
    VKC_TRY(nn_json_get_u32(where, tower, "patch_size", 1, 1024, &c->patch));
    VKC_TRY(nn_json_get_u32(where, tower, "width", 1, NN_MAX_DIM, &c->dim));
    VKC_TRY(nn_json_get_u32(where, tower, "layers", 1, NN_MAX_DEPTH, &c->depth));
    if (nn_json_has(tower, "head_width"))
        VKC_TRY(nn_json_get_u32(where, tower, "head_width", 1, NN_MAX_DIM, &head));
    if (nn_json_has(tower, "mlp_ratio"))
        VKC_TRY(nn_json_get_number(where, tower, "mlp_ratio", 1.0 / NN_MAX_DIM, NN_MAX_HIDDEN, &ratio));
    if (nn_json_has(tower, "no_ln_pre"))
        VKC_TRY(nn_json_get_bool(where, tower, "no_ln_pre", &is_bare));
    c->height = size.height, c->width = size.width;
    c->channels = 3;
    c->heads = c->dim / head;
    c->hidden = nn__hidden(c->dim, ratio);
    c->layer_scale = nn_json_has(tower, "ls_init_value");
    c->pre_norm = !is_bare;
    c->no_patch_bias = is_bare;             // its convolution has none, with the norm or without
    c->outputs_embedding = true;
    c->eps = 1e-5;
done:
    return st;
}

// The pooling of timm's model, where it is said, and the projection behind it.
static vkc_status read_timm_head(const char *where, json_t *tower, nn_model_config *c)
{
    static const char *const pools[] = { "", "token", "avg", "map" }, *const projections[] = { "linear", "none", "" };
    const char *pool = "avg", *projection = "linear";
    uint32_t i, k;
    vkc_status st;
    if (nn_json_has(tower, "timm_pool"))
        VKC_TRY(nn_json_get_string(where, tower, "timm_pool", 20, &pool));
    if (nn_json_has(tower, "timm_proj"))
        VKC_TRY(nn_json_get_string(where, tower, "timm_proj", 20, &projection));
    if (nn_name_get("timm_pool", pool, pools, 4, &i) != VKC_OK ||
        nn_name_get("timm_proj", projection, projections, 3, &k) != VKC_OK)
        return VKC_FAIL(VKC_E_FORMAT, "%s: timm_pool %s with timm_proj %s is not supported", where, pool, projection);
    if (i == 2)
        c->pool = c->pool == NN_POOL_AVG ? NN_POOL_AVG : NN_POOL_NORM_AVG;      // only an architecture has fc_norm
    else if (i > 0)
        c->pool = i == 3 ? NN_POOL_MAP : NN_POOL_TOKEN;
    c->headless = k > 0;
    c->outputs_embedding = k == 0;
done:
    return st;
}

static vkc_status read_timm(const char *where, json_t *tower, nn_model_config *c)
{
    static const char *const known[] = { "image_size", "timm_model_name", "timm_model_pretrained", "timm_pool",
                                         "timm_proj", "timm_proj_bias", "timm_drop", "timm_drop_path", "patch_dropout",
                                         NULL };
    const char *name;
    nn_size size;
    vkc_status st;
    VKC_TRY(nn_json_check_keys(where, tower, known));
    VKC_TRY(nn_json_get_string(where, tower, "timm_model_name", 100, &name));
    VKC_TRY(nn__arch_read(VKC_E_FORMAT, where, name, c));
    if (nn_json_has(tower, "image_size")) {
        VKC_TRY(nn__size_read(where, tower, "image_size", &size));
        c->height = size.height, c->width = size.width;
    }
    st = read_timm_head(where, tower, c);
done:
    return st;
}

static vkc_status read_preprocess(const char *where, json_t *pre, nn_model_config *c)
{
    static const char *const known[] = { "size", "mode", "mean", "std", "interpolation", "resize_mode", "fill_color",
                                         NULL };
    static const char *const filters[] = { "bilinear", "bicubic" };
    static const char *const modes[] = { "squash", "shortest", "longest" };
    const char *filter = "bicubic", *mode = "shortest";
    uint32_t i, k, fill = 0;
    vkc_status st = VKC_OK;
    nn__unknown_note(where, pre, known, c);
    if (nn_json_has(pre, "mean"))
        VKC_TRY(nn_json_get_numbers(where, pre, "mean", 3, -1e3, 1e3, c->mean));
    if (nn_json_has(pre, "std"))
        VKC_TRY(nn_json_get_numbers(where, pre, "std", 3, 1e-3, 1e3, c->std));
    if (nn_json_has(pre, "interpolation"))
        VKC_TRY(nn_json_get_string(where, pre, "interpolation", 20, &filter));
    if (nn_json_has(pre, "resize_mode"))
        VKC_TRY(nn_json_get_string(where, pre, "resize_mode", 20, &mode));
    if (nn_json_has(pre, "fill_color"))
        VKC_TRY(nn_json_get_u32(where, pre, "fill_color", 0, 255, &fill));
    if (nn_name_get("interpolation", filter, filters, 2, &i) != VKC_OK ||
        nn_name_get("resize_mode", mode, modes, 3, &k) != VKC_OK)
        return VKC_FAIL(VKC_E_FORMAT, "%s: interpolation %s with resize_mode %s is not supported", where, filter, mode);
    c->preprocess.filter = i == 0 ? NN_FILTER_BILINEAR : NN_FILTER_BICUBIC;
    c->preprocess.mode = k == 0 ? NN_RESIZE_SQUASH : k == 1 ? NN_RESIZE_SHORTEST : NN_RESIZE_LONGEST;
    memset(c->preprocess.fill, (int) fill, sizeof c->preprocess.fill);
done:
    return st;
}

vkc_status nn__config_read_open_clip(const char *where, json_t *root, nn_model_config *c)
{
    json_t *model, *tower, *pre;
    bool is_quick = false;
    vkc_status st;
    VKC_TRY(nn_json_get_object(where, root, "model_cfg", &model));
    VKC_TRY(nn_json_get_object(where, model, "vision_cfg", &tower));
    const bool is_timm = nn_json_has(tower, "timm_model_name");
    VKC_TRY(is_timm ? read_timm(where, tower, c) : read_own(where, tower, c));
    VKC_TRY(nn_json_get_u32(where, model, "embed_dim", 1, NN_MAX_CLASSES, &c->classes));
    if (nn_json_has(model, "quick_gelu") && !is_timm)
        VKC_TRY(nn_json_get_bool(where, model, "quick_gelu", &is_quick));
    if (!is_timm)
        c->act = is_quick ? NN_ACT_QUICK_GELU : NN_ACT_GELU;
    c->pos_rule = NN_POSITIONS_TIMM;        // OpenCLIP resamples with antialias
    memcpy(c->mean, nn_clip_mean, sizeof c->mean);
    memcpy(c->std, nn_clip_std, sizeof c->std);
    c->preprocess = (nn_preprocess) { .filter = NN_FILTER_BICUBIC, .mode = NN_RESIZE_SHORTEST, .crop_pct = 1 };
    if (nn_json_has(root, "preprocess_cfg")) {
        VKC_TRY(nn_json_get_object(where, root, "preprocess_cfg", &pre));
        st = read_preprocess(where, pre, c);
    } else {
        nn_model_config_note(c, "%s has no preprocess_cfg: pictures are prepared as OpenAI's CLIP does", where);
    }
done:
    return st;
}
