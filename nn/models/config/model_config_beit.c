// model_config_beit.c — BEiT and what has its parts: architectures and arguments of timm's Beit class, the config of
// such a model of ours, and what the configs of transformers' BEiT and data2vec-vision say besides sizes.
#include "nn/models/config/model_config_impl.h"

#include <jansson.h>
#include <string.h>

#include "nn/base/json.h"

// Of arch_beit.def: what a model has beside its sizes.
enum { LAYER_SCALE = 1, POS = 2, RELATIVE = 4, SHARED = 8, GATED = 16, MLP_NORM = 32, NO_QKV_BIAS = 64 };

static const struct {
    const char *name;
    uint32_t dim, depth, heads, hidden, patch, image;
    nn_pool  pool;
    uint32_t flags;
    double   eps;
} archs[] = {
#define NN_ARCH_BEIT(name, dim, depth, heads, hidden, patch, image, pool, flags, eps) \
    { name, dim, depth, heads, hidden, patch, image, NN_POOL_##pool, flags, eps },
#include "nn/models/config/arch/arch_beit.def"
#undef NN_ARCH_BEIT
};

enum { N_ARCHS = sizeof archs / sizeof archs[0] };

bool nn__arch_read_beit(const char *name, size_t len, nn_model_config *c)
{
    size_t i = 0;
    while (i < N_ARCHS && (strlen(archs[i].name) != len || memcmp(archs[i].name, name, len) != 0))
        i++;
    if (i == N_ARCHS)
        return false;
    const uint32_t flags = archs[i].flags;
    c->dim = archs[i].dim, c->depth = archs[i].depth, c->heads = archs[i].heads, c->hidden = archs[i].hidden;
    c->patch = archs[i].patch, c->height = c->width = archs[i].image;
    c->channels = 3;
    c->pool = archs[i].pool, c->eps = archs[i].eps;
    c->layer_scale = flags & LAYER_SCALE, c->no_pos = !(flags & POS), c->relative = flags & RELATIVE;
    c->shared_relative = flags & SHARED, c->swiglu = flags & GATED, c->mlp_norm = flags & MLP_NORM;
    c->no_qkv_bias = flags & NO_QKV_BIAS;
    c->no_key_bias = true;
    return true;
}

bool nn__arch_is_beit(const char *name)
{
    nn_model_config unused = { .channels = 3 };
    return nn__arch_read_beit(name, strcspn(name, "."), &unused);
}

// What is read, and where its norm stands.
static vkc_status read_pool(const char *where, json_t *args, nn_model_config *c)
{
    const char *pool = c->pool == NN_POOL_TOKEN ? "token" : "avg";
    bool of_pooled = c->pool == NN_POOL_AVG;
    vkc_status st = VKC_OK;
    if (nn_json_has(args, "global_pool")) {
        VKC_TRY(nn_json_get_string(where, args, "global_pool", 40, &pool));
        of_pooled = strcmp(pool, "avg") == 0;
    }
    if (nn_json_has(args, "use_fc_norm"))
        VKC_TRY(nn_json_get_bool(where, args, "use_fc_norm", &of_pooled));
    if (strcmp(pool, "avg") == 0)
        c->pool = of_pooled ? NN_POOL_AVG : NN_POOL_NORM_AVG;
    else if (strcmp(pool, "token") == 0 && !of_pooled)
        c->pool = NN_POOL_TOKEN;
    else
        return VKC_FAIL(VKC_E_FORMAT, "%s: global_pool is %s%s; token and avg are supported in timm's Beit models, "
                        "use_fc_norm with avg alone", where, pool, of_pooled ? " with use_fc_norm" : "");
done:
    return st;
}

vkc_status nn__args_read_beit(const char *where, json_t *args, nn_model_config *c)
{
    static const char *const known[] = {
        "img_size", "patch_size", "in_chans", "num_classes", "global_pool", "embed_dim", "depth", "num_heads",
        "qkv_bias", "mlp_ratio", "swiglu_mlp", "scale_mlp", "init_values", "use_abs_pos_emb", "use_rel_pos_bias",
        "use_shared_rel_pos_bias", "use_fc_norm", "head_init_scale", "drop_rate", "pos_drop_rate", "proj_drop_rate",
        "attn_drop_rate", "drop_path_rate", NULL
    };
    const struct { const char *key; uint32_t max; uint32_t *to; } whole[] = {
        { "patch_size", 1024, &c->patch }, { "in_chans", 3, &c->channels }, { "embed_dim", NN_MAX_DIM, &c->dim },
        { "depth", NN_MAX_DEPTH, &c->depth }, { "num_heads", NN_MAX_DIM, &c->heads },
    };
    bool has_bias = !c->no_qkv_bias, has_pos = !c->no_pos;
    const struct { const char *key; bool *to; } flags[] = {
        { "swiglu_mlp", &c->swiglu }, { "scale_mlp", &c->mlp_norm }, { "use_rel_pos_bias", &c->relative },
        { "use_shared_rel_pos_bias", &c->shared_relative }, { "qkv_bias", &has_bias }, { "use_abs_pos_emb", &has_pos },
    };
    const uint32_t dim = c->dim;
    double ratio, scale = 0;
    vkc_status st;
    VKC_TRY(nn_json_check_keys(where, args, known));
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (nn_json_has(args, whole[i].key))
            VKC_TRY(nn_json_get_u32(where, args, whole[i].key, 1, whole[i].max, whole[i].to));
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (nn_json_has(args, flags[i].key))
            VKC_TRY(nn_json_get_bool(where, args, flags[i].key, flags[i].to));
    if (nn_json_has(args, "img_size")) {
        nn_size size;
        VKC_TRY(nn__size_read(where, args, "img_size", &size));
        c->height = size.height, c->width = size.width;
    }
    c->no_qkv_bias = !has_bias, c->no_pos = !has_pos;
    if (nn_json_has(args, "init_values"))
        VKC_TRY(nn_json_get_number(where, args, "init_values", 0, 1e6, &scale));
    if (json_object_get(args, "init_values"))       // null and 0 say that there is no LayerScale
        c->layer_scale = scale > 0;
    if (nn_json_has(args, "mlp_ratio")) {
        VKC_TRY(nn_json_get_number(where, args, "mlp_ratio", 1.0 / NN_MAX_DIM, NN_MAX_HIDDEN, &ratio));
        c->hidden = nn__hidden(c->dim, ratio);
    } else if (c->dim != dim) {
        c->hidden = (uint32_t) ((uint64_t) c->hidden * c->dim / dim);    // the ratio is the architecture's
    }
    st = read_pool(where, args, c);
done:
    return st;
}

bool nn__config_is_beit(const nn_model_config *c)
{
    return nn__config_is_plain(c) && c->no_key_bias && !c->rope.kind && !c->no_class && !c->registers &&
           !c->distilled && !c->pre_norm && !c->bare_prefix && c->act == NN_ACT_GELU && c->eps <= 5e-6 &&
           (c->pool == NN_POOL_TOKEN || c->pool == NN_POOL_AVG || c->pool == NN_POOL_NORM_AVG);
}

// Beside what all models say: sizes and pooling.
void nn__args_add_beit(const nn_model_config *c, json_t *args)
{
    json_t *more = json_pack("{s:b, s:b, s:b, s:b, s:b, s:b, s:b}", "qkv_bias", 1, "swiglu_mlp", (int) c->swiglu,
                             "scale_mlp", (int) c->mlp_norm, "use_abs_pos_emb", (int) !c->no_pos, "use_rel_pos_bias",
                             (int) c->relative, "use_shared_rel_pos_bias", (int) c->shared_relative, "use_fc_norm",
                             c->pool == NN_POOL_AVG);
    nn_json_update_new(args, more);
    nn_json_set_new(args, "init_values", json_real(c->layer_scale ? 1e-5 : 0));     // null is the architecture's 0.1
    json_object_del(args, "class_token");           // such a model always has one
}

vkc_status nn__config_read_hf_beit(const char *where, json_t *obj, nn_model_config *c)
{
    bool has_pos = false, is_mean = true;
    const struct { const char *key; bool *to; } flags[] = {
        { "use_absolute_position_embeddings", &has_pos }, { "use_relative_position_bias", &c->relative },
        { "use_shared_relative_position_bias", &c->shared_relative }, { "use_mean_pooling", &is_mean },
    };
    double scale = 0.1;
    vkc_status st = VKC_OK;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (nn_json_has(obj, flags[i].key))
            VKC_TRY(nn_json_get_bool(where, obj, flags[i].key, flags[i].to));
    if (nn_json_has(obj, "layer_scale_init_value"))
        VKC_TRY(nn_json_get_number(where, obj, "layer_scale_init_value", -1e6, 1e6, &scale));
    c->layer_scale = scale > 0;
    c->no_pos = !has_pos;
    c->no_key_bias = true;
    c->pool = is_mean ? NN_POOL_AVG : NN_POOL_TOKEN;
done:
    return st;
}
