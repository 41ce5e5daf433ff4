// model_config_family.c — what a family differs in from the plain ViT, as pare.json has it:
// only what differs is written.
#include "nn/models/config/model_config_impl.h"

#include <jansson.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/base/names.h"

static const char *const acts[] = { "gelu", "quick_gelu", "gelu_tanh" },
                  *const pools[] = { "token", "avg", "token_avg", "norm_avg", "raw_avg", "map" },
                  *const rules[] = { "timm", "hf", "dinov2" }, *const mlps[] = { "plain", "swiglu" },
                  *const scores[] = { "softmax", "sigmoid" }, *const ropes[] = { "none", "dinov3", "eva02" };

static vkc_status read_word(const char *where, json_t *obj, const char *key, const char *const *words, uint32_t n,
                            uint32_t *out)
{
    const char *word;
    if (!nn_json_has(obj, key))
        return VKC_OK;
    vkc_status st = nn_json_get_string(where, obj, key, 40, &word);
    if (st == VKC_OK && nn_name_get(key, word, words, n, out) != VKC_OK)
        st = VKC_FAIL(VKC_E_FORMAT, "%s: family: %s is %s, which is none there is", where, key, word);
    return st;
}

// Rotary positions, by the program or paper that has them.
static vkc_status read_rope(const char *where, json_t *obj, nn_model_config *c)
{
    uint32_t kind = 0;
    nn_size ref;
    vkc_status st;
    VKC_TRY(read_word(where, obj, "rope", ropes, 3, &kind));
    c->rope.kind = (nn_rope_kind) kind;
    if (kind)
        VKC_TRY(nn_json_get_number(where, obj, "rope_base", 1, 1e9, &c->rope.base));
    if (kind && nn_json_has(obj, "rope_grid")) {
        VKC_TRY(nn__size_read(where, obj, "rope_grid", &ref));
        c->rope.ref_h = ref.height, c->rope.ref_w = ref.width;
    }
done:
    return st;
}

vkc_status nn__family_read(const char *where, json_t *root, nn_model_config *c)
{
    static const char *const known[] = { "registers", "no_class", "distilled", "pre_norm", "layer_scale", "mlp",
                                         "bare_prefix", "headless", "act", "pool", "positions", "embed", "embeds",
                                         "scores", "mlp_norm", "no_positions", "no_key_bias", "rope", "rope_base",
                                         "rope_grid", "relative_positions", "shared_relative_positions", NULL };
    json_t *obj;
    uint32_t act = 0, pool = 0, rule = 0, mlp = 0, score = 0;
    vkc_status st;
    const struct { const char *key; bool *to; } flags[] = {
        { "no_class", &c->no_class }, { "distilled", &c->distilled }, { "pre_norm", &c->pre_norm },
        { "layer_scale", &c->layer_scale }, { "mlp_norm", &c->mlp_norm }, { "no_positions", &c->no_pos },
        { "no_key_bias", &c->no_key_bias }, { "relative_positions", &c->relative },
        { "shared_relative_positions", &c->shared_relative },
        { "bare_prefix", &c->bare_prefix }, { "headless", &c->headless }, { "embeds", &c->outputs_embedding },
    };
    const bool was_gated = c->swiglu, was_headless = c->headless;
    c->registers = c->projection_dim = 0;
    c->rope = (nn_rope) { .kind = NN_ROPE_NONE };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        *flags[i].to = false;
    if (nn_json_has(root, "family")) {
        VKC_TRY(nn_json_get_object(where, root, "family", &obj));
        VKC_TRY(nn_json_check_keys(where, obj, known));
        for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
            if (nn_json_has(obj, flags[i].key))
                VKC_TRY(nn_json_get_bool(where, obj, flags[i].key, flags[i].to));
        if (nn_json_has(obj, "registers"))
            VKC_TRY(nn_json_get_u32(where, obj, "registers", 0, NN_MAX_REGISTERS, &c->registers));
        if (nn_json_has(obj, "embed"))
            VKC_TRY(nn_json_get_u32(where, obj, "embed", 1, NN_MAX_CLASSES, &c->projection_dim));
        VKC_TRY(read_word(where, obj, "mlp", mlps, 2, &mlp));
        VKC_TRY(read_word(where, obj, "act", acts, 3, &act));
        VKC_TRY(read_word(where, obj, "pool", pools, 6, &pool));
        VKC_TRY(read_word(where, obj, "positions", rules, 3, &rule));
        VKC_TRY(read_word(where, obj, "scores", scores, 2, &score));
        VKC_TRY(read_rope(where, obj, c));
    }
    c->swiglu = mlp == 1;
    if (score == 1)                     // of class vectors; of a classifier config.json says it, as problem_type
        c->scores = NN_SCORES_SIGMOID;
    if (c->swiglu != was_gated)         // timm's ratio counts both halves
        c->hidden = c->swiglu ? c->hidden / 2 : 2 * c->hidden;
    c->act = (nn_act) act, c->pool = (nn_pool) pool, c->pos_rule = (nn_pos_rule) rule;
    if (c->headless != was_headless && !c->projection_dim)
        return VKC_FAIL(VKC_E_FORMAT, "%s: family: headless contradicts num_classes of config.json", where);
    if (c->headless && !c->projection_dim)
        c->classes = nn_model_config_features(c);
    st = VKC_OK;
done:
    return st;
}

json_t *nn__family_json(const nn_model_config *c)
{
    const struct { const char *key; bool value; } flags[] = {
        { "no_class", c->no_class }, { "distilled", c->distilled }, { "pre_norm", c->pre_norm },
        { "layer_scale", c->layer_scale }, { "mlp_norm", c->mlp_norm }, { "no_positions", c->no_pos },
        { "no_key_bias", c->no_key_bias }, { "relative_positions", c->relative },
        { "shared_relative_positions", c->shared_relative },
        { "bare_prefix", c->bare_prefix }, { "headless", c->headless }, { "embeds", c->outputs_embedding },
    };
    const struct { const char *key, *value; bool is_set; } words[] = {
        { "mlp", "swiglu", c->swiglu },
        { "act", acts[c->act], c->act != NN_ACT_GELU },
        { "pool", pools[c->pool], c->pool != NN_POOL_TOKEN },
        { "scores", "sigmoid", c->projection_dim && c->scores == NN_SCORES_SIGMOID },
        { "positions", rules[c->pos_rule], c->pos_rule != NN_POSITIONS_TIMM },
    };
    json_t *obj = nn_json_made(json_object());
    if (c->registers)
        nn_json_set_new(obj, "registers", json_integer(c->registers));
    if (c->projection_dim)
        nn_json_set_new(obj, "embed", json_integer(c->projection_dim));
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (flags[i].value)
            nn_json_set_new(obj, flags[i].key, json_true());
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].is_set)
            nn_json_set_new(obj, words[i].key, json_string(words[i].value));
    if (c->rope.kind) {
        nn_json_set_new(obj, "rope", json_string(ropes[c->rope.kind]));
        nn_json_set_new(obj, "rope_base", json_real(c->rope.base));
    }
    if (c->rope.ref_h)
        nn_json_set_new(obj, "rope_grid", json_pack("[i,i]", (int) c->rope.ref_h, (int) c->rope.ref_w));
    if (json_object_size(obj) > 0)
        return obj;
    json_decref(obj);
    return NULL;
}
