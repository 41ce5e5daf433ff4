// model_config_eva.c — models of timm's Eva class, DINOv3 and EVA-02 among them: its architectures' names, its
// arguments, and the config of such a model of ours.
#include "nn/models/config/model_config_impl.h"

#include <jansson.h>
#include <string.h>

#include "nn/base/json.h"

// Of arch_eva.def: what a model has beside its sizes.
enum { NO_CLASS = 1, BARE_PREFIX = 2, LAYER_SCALE = 4, NO_POS = 8, GATED = 16, MLP_NORM = 32, NO_QKV_BIAS = 64,
       HEADLESS = 128 };

static const struct {
    const char *name;
    uint32_t dim, depth, heads, hidden, patch, image, registers;
    nn_pool  pool;
    uint32_t flags;
    double   eps;
    nn_rope_kind rope;
    double   base;
    uint32_t ref, align;
} archs[] = {
#define NN_ARCH_EVA(name, dim, depth, heads, hidden, patch, image, registers, pool, flags, eps, rope, ...) \
    { name, dim, depth, heads, hidden, patch, image, registers, NN_POOL_##pool, flags, eps, NN_ROPE_##rope, \
      __VA_ARGS__ },
#include "nn/models/config/arch/arch_eva.def"
#undef NN_ARCH_EVA
};

enum { N_ARCHS = sizeof archs / sizeof archs[0] };

static size_t find_arch(const char *name, size_t len)
{
    size_t i = 0;
    while (i < N_ARCHS && (strlen(archs[i].name) != len || memcmp(archs[i].name, name, len) != 0))
        i++;
    return i;
}

bool nn__arch_read_eva(const char *name, size_t len, nn_model_config *c)
{
    const size_t i = find_arch(name, len);
    if (i == N_ARCHS)
        return false;
    const uint32_t flags = archs[i].flags;
    c->dim = archs[i].dim, c->depth = archs[i].depth, c->heads = archs[i].heads, c->hidden = archs[i].hidden;
    c->patch = archs[i].patch, c->height = c->width = archs[i].image, c->registers = archs[i].registers;
    c->channels = 3;
    c->pool = archs[i].pool, c->eps = archs[i].eps;
    c->no_class = flags & NO_CLASS, c->bare_prefix = flags & BARE_PREFIX, c->layer_scale = flags & LAYER_SCALE;
    c->no_pos = flags & NO_POS, c->swiglu = flags & GATED, c->mlp_norm = flags & MLP_NORM;
    c->no_qkv_bias = flags & NO_QKV_BIAS, c->headless = flags & HEADLESS;
    c->no_key_bias = true;
    c->rope = (nn_rope) { .kind = archs[i].rope, .base = archs[i].base, .ref_h = archs[i].ref, .ref_w = archs[i].ref };
    return true;
}

// Which rotary positions, with what periods.
static vkc_status read_rope(const char *where, json_t *args, nn_model_config *c)
{
    const char *type = c->rope.kind == NN_ROPE_DINOV3 ? "dinov3" : "cat", *indexing = "ij";
    bool is_there = true, has_halves = c->rope.kind == NN_ROPE_DINOV3;
    double offset = 0;
    nn_size ref;
    vkc_status st = VKC_OK;
    if (nn_json_has(args, "use_rot_pos_emb"))
        VKC_TRY(nn_json_get_bool(where, args, "use_rot_pos_emb", &is_there));
    if (nn_json_has(args, "rope_type"))
        VKC_TRY(nn_json_get_string(where, args, "rope_type", 40, &type));
    if (nn_json_has(args, "rope_rotate_half"))
        VKC_TRY(nn_json_get_bool(where, args, "rope_rotate_half", &has_halves));
    if (nn_json_has(args, "rope_grid_indexing"))
        VKC_TRY(nn_json_get_string(where, args, "rope_grid_indexing", 40, &indexing));
    if (nn_json_has(args, "rope_grid_offset"))
        VKC_TRY(nn_json_get_number(where, args, "rope_grid_offset", -1e6, 1e6, &offset));
    const bool is_dinov3 = strcmp(type, "dinov3") == 0;
    if (!is_there || (!is_dinov3 && strcmp(type, "cat") != 0) || has_halves != is_dinov3 ||
        strcmp(indexing, "ij") != 0 || offset != 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: of timm's Eva models those with rotary positions as EVA-02 or DINOv3 has "
                        "them are supported, not rope_type %s, rope_rotate_half %s, rope_grid_indexing %s, "
                        "rope_grid_offset %g", where, is_there ? type : "none", has_halves ? "true" : "false",
                        indexing, offset);
    c->rope.kind = is_dinov3 ? NN_ROPE_DINOV3 : NN_ROPE_EVA02;
    if (nn_json_has(args, "rope_temperature"))
        VKC_TRY(nn_json_get_number(where, args, "rope_temperature", 1, 1e9, &c->rope.base));
    if (nn_json_has(args, "ref_feat_shape")) {
        VKC_TRY(nn__size_read(where, args, "ref_feat_shape", &ref));
        c->rope.ref_h = ref.height, c->rope.ref_w = ref.width;
    } else if (json_object_get(args, "ref_feat_shape")) {
        c->rope.ref_h = c->rope.ref_w = 0;
    }
    if (is_dinov3)
        c->rope.ref_h = c->rope.ref_w = 0;
done:
    return st;
}

// Where norms stand: fc_norm after pooling, and a last norm before it where there is none.
static vkc_status read_norms(const char *where, json_t *args, nn_model_config *c)
{
    bool of_pooled = c->pool == NN_POOL_AVG, is_before = false, at_all;
    vkc_status st = VKC_OK;
    if (nn_json_has(args, "use_fc_norm"))
        VKC_TRY(nn_json_get_bool(where, args, "use_fc_norm", &of_pooled));
    at_all = !of_pooled;
    if (nn_json_has(args, "use_post_transformer_norm"))
        VKC_TRY(nn_json_get_bool(where, args, "use_post_transformer_norm", &at_all));
    if (nn_json_has(args, "use_pre_transformer_norm"))
        VKC_TRY(nn_json_get_bool(where, args, "use_pre_transformer_norm", &is_before));
    const bool is_mean = c->pool == NN_POOL_AVG || c->pool == NN_POOL_NORM_AVG;
    if (is_before || (of_pooled && at_all) || (!is_mean && !at_all))
        return VKC_FAIL(VKC_E_FORMAT, "%s: of timm's Eva models those with one norm behind the blocks are supported, "
                        "before or after the mean, and none before them", where);
    if (is_mean)
        c->pool = of_pooled ? NN_POOL_AVG : at_all ? NN_POOL_NORM_AVG : NN_POOL_RAW_AVG;
done:
    return st;
}

static vkc_status read_pool(const char *where, json_t *args, nn_model_config *c)
{
    const char *pool;
    vkc_status st;
    if (!nn_json_has(args, "global_pool"))
        return VKC_OK;
    VKC_TRY(nn_json_get_string(where, args, "global_pool", 40, &pool));
    const bool is_mean = c->pool == NN_POOL_NORM_AVG || c->pool == NN_POOL_AVG;
    if (strcmp(pool, "avg") == 0)
        c->pool = is_mean ? c->pool : NN_POOL_AVG;
    else if (strcmp(pool, "token") == 0)
        c->pool = NN_POOL_TOKEN;
    else
        return VKC_FAIL(VKC_E_FORMAT, "%s: global_pool is %s; token and avg are supported in timm's Eva models", where,
                        pool);
done:
    return st;
}

// What no model here has, unless it says that it has none.
static vkc_status refuse_others(const char *where, json_t *args)
{
    static const char *const flags[] = { "use_post_norm", "scale_attn_inner", "qk_norm", "gated_attn",
                                         "attn_only_layer_scale" };
    const char *type = "eva";
    vkc_status st = VKC_OK;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        bool is_set = false;
        if (nn_json_has(args, flags[i]))
            VKC_TRY(nn_json_get_bool(where, args, flags[i], &is_set));
        if (is_set)
            return VKC_FAIL(VKC_E_FORMAT, "%s: %s is not supported in timm's Eva models", where, flags[i]);
    }
    if (nn_json_has(args, "attn_type"))
        VKC_TRY(nn_json_get_string(where, args, "attn_type", 40, &type));
    if (strcmp(type, "eva") != 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: attn_type is %s; eva is supported", where, type);
done:
    return st;
}

// The width of the MLP: timm's ratio, and for a gated one the multiple that it is rounded up to.
static vkc_status read_hidden(const char *where, json_t *args, const char *arch, uint32_t dim, nn_model_config *c)
{
    const size_t i = find_arch(arch, strcspn(arch, "."));
    double ratio = 0;
    uint32_t align = i < N_ARCHS ? archs[i].align : 0;
    vkc_status st = VKC_OK;
    if (nn_json_has(args, "swiglu_align_to"))
        VKC_TRY(nn_json_get_u32(where, args, "swiglu_align_to", 0, NN_MAX_DIM, &align));
    if (nn_json_has(args, "mlp_ratio")) {
        VKC_TRY(nn_json_get_number(where, args, "mlp_ratio", 1.0 / NN_MAX_DIM, NN_MAX_HIDDEN, &ratio));
        c->hidden = nn__hidden(c->dim, ratio);
    } else if (c->dim != dim) {
        c->hidden = (uint32_t) ((uint64_t) c->hidden * c->dim / dim);    // the ratio is the architecture's
    }
    if (c->swiglu && align > 1)
        c->hidden = (c->hidden + align - 1) / align * align;
done:
    return st;
}

vkc_status nn__args_read_eva(const char *where, const char *arch, json_t *args, nn_model_config *c)
{
    static const char *const known[] = {
        "img_size", "patch_size", "in_chans", "embed_dim", "depth", "num_heads", "mlp_ratio", "class_token",
        "global_pool", "no_embed_class", "qkv_bias", "qkv_fused", "num_reg_tokens", "init_values", "num_classes",
        "swiglu_mlp", "swiglu_align_to", "scale_mlp", "use_fc_norm", "use_post_transformer_norm",
        "use_pre_transformer_norm", "use_abs_pos_emb", "use_rot_pos_emb", "rope_type", "rope_rotate_half",
        "rope_grid_indexing", "rope_grid_offset", "rope_temperature", "ref_feat_shape", "use_post_norm",
        "scale_attn_inner", "qk_norm", "gated_attn", "attn_only_layer_scale", "attn_type", "dynamic_img_size",
        "drop_rate", "pos_drop_rate", "patch_drop_rate", "proj_drop_rate", "attn_drop_rate", "drop_path_rate",
        "rope_shift_coords", "rope_jitter_coords", "rope_rescale_coords", NULL
    };
    const struct { const char *key; uint32_t min, max; uint32_t *to; } whole[] = {
        { "patch_size", 1, 1024, &c->patch }, { "in_chans", 1, 3, &c->channels },
        { "embed_dim", 1, NN_MAX_DIM, &c->dim }, { "depth", 1, NN_MAX_DEPTH, &c->depth },
        { "num_heads", 1, NN_MAX_DIM, &c->heads }, { "num_reg_tokens", 0, NN_MAX_REGISTERS, &c->registers },
    };
    bool has_token = !c->no_class, has_bias = !c->no_qkv_bias, has_pos = !c->no_pos;
    const struct { const char *key; bool *to; } flags[] = {
        { "no_embed_class", &c->bare_prefix }, { "swiglu_mlp", &c->swiglu }, { "scale_mlp", &c->mlp_norm },
        { "class_token", &has_token }, { "qkv_bias", &has_bias }, { "use_abs_pos_emb", &has_pos },
    };
    const uint32_t dim = c->dim;
    vkc_status st;
    VKC_TRY(nn_json_check_keys(where, args, known));
    VKC_TRY(refuse_others(where, args));
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (nn_json_has(args, whole[i].key))
            VKC_TRY(nn_json_get_u32(where, args, whole[i].key, whole[i].min, whole[i].max, whole[i].to));
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (nn_json_has(args, flags[i].key))
            VKC_TRY(nn_json_get_bool(where, args, flags[i].key, flags[i].to));
    if (nn_json_has(args, "img_size")) {
        nn_size size;
        VKC_TRY(nn__size_read(where, args, "img_size", &size));
        c->height = size.height, c->width = size.width;
    }
    c->no_class = !has_token, c->no_qkv_bias = !has_bias, c->no_pos = !has_pos;
    c->bare_prefix = c->bare_prefix && has_pos;
    if (json_object_get(args, "init_values"))       // null says that there is no LayerScale
        c->layer_scale = nn_json_has(args, "init_values");
    VKC_TRY(read_hidden(where, args, arch, dim, c));
    VKC_TRY(read_rope(where, args, c));
    VKC_TRY(read_pool(where, args, c));
    st = read_norms(where, args, c);
done:
    return st;
}

bool nn__config_is_eva(const nn_model_config *c)
{
    return nn__config_is_plain(c) && c->rope.kind && c->no_key_bias && !c->distilled && !c->pre_norm &&
           c->act == NN_ACT_GELU && c->pool != NN_POOL_TOKEN_AVG && c->pool != NN_POOL_MAP;
}

const char *nn__arch_of_eva(const nn_model_config *c)
{
    return c->eps > 5e-6 ? "vit_base_patch16_dinov3_qkvb" : "eva02_tiny_patch14_224";
}

// Beside what all models say: sizes, ratio, class token, pooling.
void nn__args_add_eva(const nn_model_config *c, json_t *args)
{
    const bool is_dinov3 = c->rope.kind == NN_ROPE_DINOV3;
    json_t *more = json_pack("{s:b, s:i, s:b, s:b, s:i, s:b, s:b, s:b, s:b, s:b, s:s, s:b, s:f, s:f}",
                             "qkv_bias", 1, "num_reg_tokens", (int) c->registers, "no_embed_class",
                             (int) c->bare_prefix, "swiglu_mlp", (int) c->swiglu, "swiglu_align_to", 0, "scale_mlp",
                             (int) c->mlp_norm, "use_fc_norm", c->pool == NN_POOL_AVG, "use_post_transformer_norm",
                             c->pool != NN_POOL_AVG && c->pool != NN_POOL_RAW_AVG, "use_abs_pos_emb",
                             (int) !c->no_pos, "use_rot_pos_emb", 1, "rope_type", is_dinov3 ? "dinov3" : "cat",
                             "rope_rotate_half", (int) is_dinov3, "rope_temperature", c->rope.base,
                             "rope_grid_offset", 0.0);
    nn_json_update_new(args, more);
    nn_json_set_new(args, "init_values", c->layer_scale ? json_real(1e-5) : json_null());
    nn_json_set_new(args, "ref_feat_shape",
                    c->rope.ref_h ? json_pack("[i,i]", (int) c->rope.ref_h, (int) c->rope.ref_w) : json_null());
}
