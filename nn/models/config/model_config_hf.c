// model_config_hf.c — config.json as Hugging Face's transformers write it, for ViT, MAE, I-JEPA, DeiT, DINOv2, DINOv3,
// BEiT, data2vec-vision and the vision towers of CLIP and SigLIP.
//
// A key that a file leaves out has the value that transformers give it. What these programs can say and this one cannot
// do is refused.
#include "nn/models/config/model_config_impl.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"

// What a model_type is when a file says nothing else.
typedef struct family {
    const char *model_type;
    uint32_t image, patch, hidden_size, layers, heads, intermediate, registers;
    double   eps;
    const char *act;
    nn_pos_rule pos_rule;
    nn_pool  pool;              // of a model saved without a classifier
    bool     is_dinov2, is_dinov3, is_beit, is_clip, has_second_token, no_class;
    bool     is_bare;           // saved without a classifier, when no class is named
} family;

static const family families[] = {
    { "vit", 224, 16, 768, 12, 12, 3072, 0, 1e-12, "gelu", NN_POSITIONS_HF, .pool = NN_POOL_TOKEN },
    { "vit_mae", 224, 16, 768, 12, 12, 3072, 0, 1e-12, "gelu", NN_POSITIONS_HF, .pool = NN_POOL_TOKEN,
      .is_bare = true },
    { "ijepa", 224, 16, 768, 12, 12, 3072, 0, 1e-12, "gelu", NN_POSITIONS_HF, .pool = NN_POOL_NORM_AVG,
      .is_bare = true, .no_class = true },
    { "deit", 224, 16, 768, 12, 12, 3072, 0, 1e-12, "gelu", NN_POSITIONS_HF, .pool = NN_POOL_TOKEN,
      .has_second_token = true },
    { "dinov2", 224, 14, 768, 12, 12, 3072, 0, 1e-6, "gelu", NN_POSITIONS_HF, .pool = NN_POOL_TOKEN,
      .is_dinov2 = true },
    { "dinov2_with_registers", 224, 16, 768, 12, 12, 3072, 4, 1e-6, "gelu", NN_POSITIONS_TIMM, .pool = NN_POOL_TOKEN,
      .is_dinov2 = true },
    { "dinov3_vit", 224, 16, 384, 12, 6, 1536, 0, 1e-5, "gelu", NN_POSITIONS_HF, .pool = NN_POOL_TOKEN,
      .is_dinov3 = true, .is_bare = true },
    { "beit", 224, 16, 768, 12, 12, 3072, 0, 1e-12, "gelu", NN_POSITIONS_HF, .is_beit = true },
    { "data2vec-vision", 224, 16, 768, 12, 12, 3072, 0, 1e-12, "gelu", NN_POSITIONS_HF, .is_beit = true },
    { "clip_vision_model", 224, 32, 768, 12, 12, 3072, 0, 1e-5, "quick_gelu", NN_POSITIONS_HF, .pool = NN_POOL_TOKEN,
      .is_clip = true },
    { "siglip_vision_model", 224, 16, 768, 12, 12, 3072, 0, 1e-6, "gelu_pytorch_tanh", NN_POSITIONS_HF,
      .pool = NN_POOL_MAP, .is_bare = true, .no_class = true },
};

typedef enum { HEAD_NONE, HEAD_MASKED, HEAD_CLASSIFIER, HEAD_TWO, HEAD_PROJECTION } head_kind;

static const struct { const char *name; head_kind kind; } classes[] = {
    { "ViTForImageClassification", HEAD_CLASSIFIER }, { "ViTModel", HEAD_NONE },
    { "DeiTForImageClassification", HEAD_CLASSIFIER }, { "DeiTForImageClassificationWithTeacher", HEAD_TWO },
    { "DeiTModel", HEAD_NONE }, { "Dinov2ForImageClassification", HEAD_CLASSIFIER }, { "Dinov2Model", HEAD_NONE },
    { "Dinov2WithRegistersForImageClassification", HEAD_CLASSIFIER }, { "Dinov2WithRegistersModel", HEAD_NONE },
    { "DINOv3ViTModel", HEAD_NONE },
    { "BeitForImageClassification", HEAD_CLASSIFIER }, { "BeitModel", HEAD_NONE },
    { "BeitForMaskedImageModeling", HEAD_MASKED }, { "Data2VecVisionForImageClassification", HEAD_CLASSIFIER },
    { "Data2VecVisionModel", HEAD_NONE },
    { "CLIPVisionModelWithProjection", HEAD_PROJECTION }, { "CLIPModel", HEAD_PROJECTION },
    { "CLIPVisionModel", HEAD_NONE }, { "CLIPForImageClassification", HEAD_CLASSIFIER },
    { "SiglipModel", HEAD_NONE }, { "SiglipVisionModel", HEAD_NONE },
    { "SiglipForImageClassification", HEAD_CLASSIFIER }, { "ViTMAEModel", HEAD_NONE },
    { "ViTMAEForPreTraining", HEAD_NONE }, { "IJepaModel", HEAD_NONE },
    { "IJepaForImageClassification", HEAD_CLASSIFIER },
};

static vkc_status find_family(const char *where, const char *type, const family **out)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        *out = &families[i];
        if (strcmp(type, families[i].model_type) == 0)
            return VKC_OK;
    }
    return VKC_FAIL(VKC_E_FORMAT, "%s: model_type is %s; vit, vit_mae, ijepa, deit, dinov2, dinov2_with_registers, "
                    "dinov3_vit, beit, data2vec-vision, clip, clip_vision_model, siglip and siglip_vision_model are "
                    "supported", where, type);
}

// What the classifier is, by the class that was saved.
static vkc_status read_head(const char *where, json_t *root, const family *f, head_kind *out)
{
    json_t *list;
    vkc_status st;
    *out = HEAD_NONE;
    if (!nn_json_has(root, "architectures")) {
        *out = f->is_clip ? HEAD_PROJECTION : f->is_bare ? HEAD_NONE : HEAD_CLASSIFIER;
        return VKC_OK;
    }
    VKC_TRY(nn_json_get_array(where, root, "architectures", 1, 16, &list));
    const char *name = json_string_value(json_array_get(list, 0));
    for (size_t i = 0; name && i < sizeof classes / sizeof classes[0]; i++)
        if (strcmp(name, classes[i].name) == 0) {
            *out = classes[i].kind;
            return VKC_OK;
        }
    st = VKC_FAIL(VKC_E_FORMAT, "%s: a model saved as %.100s is not supported", where,
                  name && nn_is_printable(name) ? name : "?");
done:
    return st;
}

static vkc_status read_act(const char *where, json_t *obj, const family *f, nn_model_config *c)
{
    const char *act = f->act;
    vkc_status st = VKC_OK;
    if (nn_json_has(obj, "hidden_act"))
        st = nn_json_get_string(where, obj, "hidden_act", 40, &act);
    if (st != VKC_OK)
        return st;
    if (c->swiglu && f->is_dinov3)
        return strcmp(act, "silu") == 0 ? VKC_OK : VKC_FAIL(VKC_E_FORMAT, "%s: hidden_act is %s; a gated MLP has silu",
                                                            where, act);
    return nn__act_read(where, "hidden_act", act, c);
}

// Sizes, each with the family's value where there is none.
static vkc_status read_sizes(const char *where, json_t *obj, const family *f, nn_model_config *c)
{
    const struct { const char *key; uint32_t min, max, or; uint32_t *to; } whole[] = {
        { "hidden_size", 1, NN_MAX_DIM, f->hidden_size, &c->dim },
        { "num_hidden_layers", 1, NN_MAX_DEPTH, f->layers, &c->depth },
        { "num_attention_heads", 1, NN_MAX_DIM, f->heads, &c->heads },
        { "num_channels", 1, 3, 3, &c->channels },
        { "num_register_tokens", 0, NN_MAX_REGISTERS, f->registers, &c->registers },
        { "intermediate_size", 1, NN_MAX_HIDDEN, f->intermediate, &c->hidden },
    };
    const struct { const char *key; uint32_t or; nn_size size; } pixels[] = {
        { "image_size", f->image, { f->image, f->image } }, { "patch_size", f->patch, { f->patch, f->patch } },
    };
    nn_size size[2];
    vkc_status st = VKC_OK;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        *whole[i].to = whole[i].or;
        if (nn_json_has(obj, whole[i].key))
            VKC_TRY(nn_json_get_u32(where, obj, whole[i].key, whole[i].min, whole[i].max, whole[i].to));
    }
    for (size_t i = 0; i < 2; i++) {
        size[i] = pixels[i].size;
        if (nn_json_has(obj, pixels[i].key))
            VKC_TRY(nn__size_read(where, obj, pixels[i].key, &size[i]));
    }
    if (size[1].height != size[1].width)
        return VKC_FAIL(VKC_E_FORMAT, "%s: patches of %u x %u pixels are not supported, only square ones", where,
                        size[1].height, size[1].width);
    c->height = size[0].height, c->width = size[0].width, c->patch = size[1].height;
    c->eps = f->eps;
    if (nn_json_has(obj, "layer_norm_eps"))
        VKC_TRY(nn_json_get_number(where, obj, "layer_norm_eps", 0, 1, &c->eps));
done:
    return st;
}

// A gated MLP has two thirds of the width, up to a multiple of 8.
static uint32_t get_dinov2_hidden(uint32_t hidden, bool is_gated)
{
    return is_gated ? (2 * hidden / 3 + 7) / 8 * 8 : hidden;
}

// DINOv2's MLP: a ratio, and gated on request.
static vkc_status read_dinov2(const char *where, json_t *obj, nn_model_config *c)
{
    double ratio = 4;
    vkc_status st = VKC_OK;
    if (nn_json_has(obj, "mlp_ratio"))
        VKC_TRY(nn_json_get_number(where, obj, "mlp_ratio", 1.0 / NN_MAX_DIM, NN_MAX_HIDDEN, &ratio));
    if (nn_json_has(obj, "use_swiglu_ffn"))
        VKC_TRY(nn_json_get_bool(where, obj, "use_swiglu_ffn", &c->swiglu));
    c->hidden = get_dinov2_hidden(nn__hidden(c->dim, ratio), c->swiglu);
    c->layer_scale = true;
    c->bare_prefix = c->registers > 0;      // their class token's position goes into the token
done:
    return st;
}

// DINOv3's parts: which biases there are, the periods of its positions, a gated MLP on request.
static vkc_status read_dinov3(const char *where, json_t *obj, nn_model_config *c)
{
    bool query = true, key = false, value = true, proj = true, mlp = true;
    const struct { const char *name; bool *to; } flags[] = {
        { "query_bias", &query }, { "key_bias", &key }, { "value_bias", &value }, { "proj_bias", &proj },
        { "mlp_bias", &mlp }, { "use_gated_mlp", &c->swiglu },
    };
    vkc_status st = VKC_OK;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (nn_json_has(obj, flags[i].name))
            VKC_TRY(nn_json_get_bool(where, obj, flags[i].name, flags[i].to));
    c->rope = (nn_rope) { .kind = NN_ROPE_DINOV3, .base = 100 };
    if (nn_json_has(obj, "rope_theta"))
        VKC_TRY(nn_json_get_number(where, obj, "rope_theta", 1, 1e9, &c->rope.base));
    if (query != value || (key && !query) || !proj || !mlp)
        return VKC_FAIL(VKC_E_FORMAT, "%s: a DINOv3 whose q and v do not both have a bias, or neither, or without "
                        "proj_bias or mlp_bias, is not supported", where);
    c->no_qkv_bias = !query, c->no_key_bias = !key;
    c->layer_scale = c->no_pos = true;
done:
    return st;
}

// The names of id2label, {"0": "cat", ...} or a list, by class.
static void list_names(json_t *names, uint32_t n, json_t **labels)
{
    const char *key;
    json_t *v;
    for (uint32_t i = 0; json_is_array(names) && i < n; i++)
        labels[i] = json_array_get(names, i);
    json_object_foreach(names, key, v) {
        char *end;
        const unsigned long i = strtoul(key, &end, 10);
        if (key[0] >= '0' && key[0] <= '9' && *end == '\0' && i < n)
            labels[i] = v;
    }
}

// id2label says how many classes there are and their names; else num_labels does, or there are two.
static vkc_status read_labels(const char *where, json_t *root, nn_model_config *c)
{
    json_t *names = json_object_get(root, "id2label");
    vkc_status st = VKC_OK;
    c->classes = 2;
    if (!nn_json_has(root, "id2label")) {
        if (nn_json_has(root, "num_labels"))
            st = nn_json_get_u32(where, root, "num_labels", 1, NN_MAX_CLASSES, &c->classes);
        return st;
    }
    if (!json_is_array(names))
        VKC_TRY(nn_json_get_object(where, root, "id2label", &names));
    const size_t n = json_is_array(names) ? json_array_size(names) : json_object_size(names);
    if (n == 0 || n > NN_MAX_CLASSES)
        return VKC_FAIL(VKC_E_FORMAT, "%s: id2label has %zu entries, want 1 to %d", where, n, NN_MAX_CLASSES);
    c->classes = (uint32_t) n;
    json_t **labels = (json_t **) calloc(n, sizeof *labels);
    if (!labels)
        return VKC_FAIL(VKC_E_NOMEM, "%s: no memory for id2label", where);
    list_names(names, c->classes, labels);
    st = nn__labels_set(where, "id2label", labels, c);
    free(labels);
done:
    return st;
}

static vkc_status read_classes(const char *where, json_t *root, json_t *tower, head_kind head, nn_model_config *c)
{
    uint32_t projected = 512;
    vkc_status st = VKC_OK;
    switch (head) {
    case HEAD_NONE:
    case HEAD_MASKED:
        c->headless = true;
        c->classes = nn_model_config_features(c);
        break;
    case HEAD_PROJECTION:
        if (nn_json_has(root, "projection_dim"))
            st = nn_json_get_u32(where, root, "projection_dim", 1, NN_MAX_CLASSES, &projected);
        else if (nn_json_has(tower, "projection_dim"))
            st = nn_json_get_u32(where, tower, "projection_dim", 1, NN_MAX_CLASSES, &projected);
        c->classes = projected;
        c->outputs_embedding = true;
        break;
    default:
        st = read_labels(where, root, c);
    }
    return st;
}

// What is read of the tokens. Classifiers on CLIP and SigLIP read the mean patch, before CLIP's last norm and after
// SigLIP's, and leave what else their towers end with.
static vkc_status read_pool(const char *where, json_t *tower, const family *f, head_kind head, nn_model_config *c)
{
    bool has_head = true;
    vkc_status st = VKC_OK;
    if (f->is_beit) {               // its config says
        c->pool = head == HEAD_MASKED ? NN_POOL_NORM_AVG : c->pool;
        return st;
    }
    c->pool = f->pool;
    if (head == HEAD_CLASSIFIER && f->is_dinov2)
        c->pool = NN_POOL_TOKEN_AVG;
    else if (head == HEAD_CLASSIFIER && f->is_clip)
        c->pool = NN_POOL_RAW_AVG;
    else if (head == HEAD_CLASSIFIER && f->pool == NN_POOL_MAP)
        c->pool = NN_POOL_NORM_AVG;
    if (f->pool == NN_POOL_MAP && nn_json_has(tower, "vision_use_head"))
        st = nn_json_get_bool(where, tower, "vision_use_head", &has_head);
    c->pool = has_head ? c->pool : NN_POOL_NORM_AVG;
    return st;
}

vkc_status nn__config_read_hf(const char *where, json_t *root, nn_model_config *c)
{
    const char *type;
    const family *f;
    json_t *tower = root;
    head_kind head;
    bool has_bias = true;
    vkc_status st;
    VKC_TRY(nn_json_get_string(where, root, "model_type", 100, &type));
    if (strcmp(type, "clip") == 0 || strcmp(type, "siglip") == 0) {
        VKC_TRY(nn_json_get_object(where, root, "vision_config", &tower));
        type = strcmp(type, "clip") == 0 ? "clip_vision_model" : "siglip_vision_model";
    }
    VKC_TRY(find_family(where, type, &f));
    VKC_TRY(read_head(where, root, f, &head));
    VKC_TRY(read_sizes(where, tower, f, c));
    if (f->is_dinov3)
        VKC_TRY(read_dinov3(where, tower, c));
    if (f->is_beit)
        VKC_TRY(nn__config_read_hf_beit(where, tower, c));
    VKC_TRY(read_act(where, tower, f, c));
    if (nn_json_has(tower, "qkv_bias"))
        VKC_TRY(nn_json_get_bool(where, tower, "qkv_bias", &has_bias));
    c->no_qkv_bias = c->no_qkv_bias || !has_bias;
    c->pos_rule = f->pos_rule;
    c->pre_norm = f->is_clip;
    if (f->is_dinov2)
        VKC_TRY(read_dinov2(where, tower, c));
    else if (!f->is_dinov3)
        c->registers = 0;
    c->distilled = f->has_second_token && head == HEAD_TWO;
    if (f->has_second_token && head != HEAD_TWO)
        c->registers = 1;           // the second token is there, and is not read
    c->no_class = f->no_class;
    VKC_TRY(read_pool(where, tower, f, head, c));
    VKC_TRY(read_classes(where, root, tower, head, c));
    st = nn__scores_read(where, root, c);
done:
    return st;
}

// The ratio of the MLP as their configs must have it, a whole number; 0 = no such number gives this width.
static uint32_t find_ratio(const nn_model_config *c)
{
    uint32_t ratio = 1;
    while (ratio <= 64 && get_dinov2_hidden(c->dim * ratio, c->swiglu) != c->hidden)
        ratio++;
    return ratio <= 64 ? ratio : 0;
}

bool nn__config_is_dinov2(const nn_model_config *c)
{
    return nn__config_is_plain(c) && !c->rope.kind && !c->no_key_bias && !c->mlp_norm &&
           c->pool == NN_POOL_TOKEN_AVG && c->layer_scale && !c->headless && !c->pre_norm &&
           c->act == NN_ACT_GELU && c->bare_prefix == (c->registers > 0) && find_ratio(c) > 0;
}

void nn__config_add_dinov2(const nn_model_config *c, json_t *config)
{
    json_t *names = json_object(), *more;
    for (uint32_t i = 0; i < c->classes; i++) {
        char key[16], other[24];
        snprintf(key, sizeof key, "%u", i);
        snprintf(other, sizeof other, "LABEL_%u", i);
        nn_json_set_new(names, key, json_string(c->labels ? c->labels[i] : other));
    }
    const bool is_square = c->height == c->width;
    more = json_pack("{s:s, s:[s], s:i, s:i, s:i, s:i, s:s, s:f, s:o, s:i, s:i, s:b, s:b, s:f, s:i, s:o}", "model_type",
                     c->registers ? "dinov2_with_registers" : "dinov2", "architectures",
                     c->registers ? "Dinov2WithRegistersForImageClassification" : "Dinov2ForImageClassification",
                     "hidden_size", (int) c->dim, "num_hidden_layers", (int) c->depth, "num_attention_heads",
                     (int) c->heads, "mlp_ratio", (int) find_ratio(c), "hidden_act", "gelu", "layer_norm_eps", c->eps,
                     "image_size",
                     is_square ? json_integer(c->height) : json_pack("[i,i]", (int) c->height, (int) c->width),
                     "patch_size", (int) c->patch, "num_channels", (int) c->channels, "qkv_bias", 1,
                     "use_swiglu_ffn", (int) c->swiglu, "layerscale_value", 1.0,
                     "num_register_tokens", (int) c->registers, "id2label", names);
    nn_json_update_new(config, more);
}
