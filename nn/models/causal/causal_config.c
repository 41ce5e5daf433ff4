// causal_config.c — config.json of causal language models, with the keys of transformers: read, checked, written.
//
// A key that a file leaves out has the value that transformers give it. What these programs can say and this one cannot
// do (windows, soft caps, experts) is refused.
#include "nn/models/causal/causal_impl.h"

#include <jansson.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/models/config/model_config_impl.h"

const nn_causal_family nn__causal_families[] = {
    { "llama", "LlamaForCausalLM", NN_TEXT_GATED, 1e-6, 2048, .rms_norm = true, .takes_biases = true },
    { "gpt2", "GPT2LMHeadModel", NN_TEXT_PLAIN, 1e-5, 1024, .tied = true, .positions = true, .qkv_bias = true,
      .proj_bias = true, .mlp_bias = true },
    { "qwen2", "Qwen2ForCausalLM", NN_TEXT_GATED, 1e-6, 32768, .rms_norm = true, .qkv_bias = true },
    { "qwen3", "Qwen3ForCausalLM", NN_TEXT_GATED, 1e-6, 32768, .rms_norm = true, .qk_norm = NN_QK_NORM_HEAD,
      .takes_biases = true },
    { "olmo", "OlmoForCausalLM", NN_TEXT_GATED, 1e-5, 2048, .bare_norm = true, .takes_biases = true,
      .takes_clip = true },
    { "olmo2", "Olmo2ForCausalLM", NN_TEXT_GATED, 1e-5, 2048, .rms_norm = true, .post_norm = true,
      .qk_norm = NN_QK_NORM_WHOLE, .takes_biases = true },
};
const uint32_t nn__causal_n_families = sizeof nn__causal_families / sizeof *nn__causal_families;

static const nn_causal_family *family_of(const nn_model_config *c)
{
    return &nn__causal_families[c->text.family];
}

static bool find_family(const char *type, uint32_t *out)
{
    for (*out = 0; *out < nn__causal_n_families; ++*out)
        if (strcmp(type, nn__causal_families[*out].type) == 0)
            return true;
    return false;
}

bool nn_causal_is_type(const char *model_type)
{
    uint32_t family;
    return find_family(model_type, &family);
}

vkc_status nn__causal_check(const nn_model_config *c, vkc_status st, const char *where)
{
    const nn_text_attention *t = &c->text.attention;
    if (c->vocab == 0 || c->vocab > NN_MAX_VOCAB)
        return VKC_FAIL(st, "%s: a vocabulary of %u tokens, want 1 to %d", where, c->vocab, NN_MAX_VOCAB);
    if (c->context == 0)
        return VKC_FAIL(st, "%s: texts of no tokens", where);
    if (t->kv_heads == 0 || c->heads % t->kv_heads)
        return VKC_FAIL(st, "%s: %u heads of keys and values do not divide %u heads", where, t->kv_heads, c->heads);
    if (t->head_dim == 0 || (uint64_t) t->head_dim * c->heads > NN_MAX_DIM)
        return VKC_FAIL(st, "%s: heads of %u channels", where, t->head_dim);
    if (t->rope.base > 0 && nn_rope_text_check(&t->rope, t->head_dim) != VKC_OK)
        return VKC_WRAP(st, "%s: %s", where, vkc_last_error());
    if (c->retention.policy != NN_POLICY_NONE)
        return VKC_FAIL(st, "%s: token pruning needs a class token, which a language model has not", where);
    if (c->relative || c->shared_relative)
        return VKC_FAIL(st, "%s: relative positions are those of a picture's patches, which a language model has not",
                        where);
    return VKC_OK;
}

// A whole number, or `other` where there is none; null is none.
static vkc_status read_u32(const char *where, json_t *root, const char *key, uint32_t max, uint32_t other,
                           uint32_t *out)
{
    *out = other;
    return nn_json_has(root, key) ? nn_json_get_u32(where, root, key, 1, max, out) : VKC_OK;
}

static vkc_status read_bool(const char *where, json_t *root, const char *key, bool other, bool *out)
{
    *out = other;
    return nn_json_has(root, key) ? nn_json_get_bool(where, root, key, out) : VKC_OK;
}

static vkc_status read_number(const char *where, json_t *root, const char *key, double min, double max, double other,
                              double *out)
{
    *out = other;
    return nn_json_has(root, key) ? nn_json_get_number(where, root, key, min, max, out) : VKC_OK;
}

static const char *const rope_types[] = { [NN_ROPE_TEXT_DEFAULT] = "default", [NN_ROPE_TEXT_LINEAR] = "linear",
                                          [NN_ROPE_TEXT_DYNAMIC] = "dynamic", [NN_ROPE_TEXT_LLAMA3] = "llama3" };
#define N_ROPE_TYPES (sizeof rope_types / sizeof *rope_types)

// The object that says how frequencies are scaled; its type has two spellings.
static vkc_status read_scaling(const char *where, json_t *o, nn_model_config *c)
{
    nn_rope_text *r = &c->text.attention.rope;
    const char *type = rope_types[NN_ROPE_TEXT_DEFAULT];
    size_t i = 0;
    vkc_status st = VKC_OK;
    for (size_t k = 0; k < 2; k++)
        if (nn_json_has(o, k ? "rope_type" : "type"))
            VKC_TRY(nn_json_get_string(where, o, k ? "rope_type" : "type", 40, &type));
    while (i < N_ROPE_TYPES && strcmp(type, rope_types[i]) != 0)
        i++;
    if (i == N_ROPE_TYPES)
        return VKC_FAIL(VKC_E_FORMAT, "%s: rotary positions of type %.40s; default, linear, dynamic and llama3 are "
                        "supported", where, nn_is_printable(type) ? type : "?");
    r->type = (nn_rope_text_type) i;
    VKC_TRY(read_number(where, o, "rope_theta", 1, 1e12, r->base, &r->base));
    if (r->type == NN_ROPE_TEXT_DEFAULT)
        goto done;
    VKC_TRY(nn_json_get_number(where, o, "factor", 1, 1e6, &r->factor));
    VKC_TRY(read_u32(where, o, "original_max_position_embeddings", 1u << 30, c->context, &r->trained));
    if (r->type == NN_ROPE_TEXT_LLAMA3) {
        VKC_TRY(nn_json_get_number(where, o, "low_freq_factor", 1e-6, 1e6, &r->low));
        VKC_TRY(nn_json_get_number(where, o, "high_freq_factor", 1e-6, 1e6, &r->high));
    }
done:
    return st;
}

static vkc_status read_rope(const char *where, json_t *root, nn_model_config *c)
{
    json_t *o;
    vkc_status st;
    c->text.attention.rope = (nn_rope_text) { .base = 10000, .trained = c->context };
    VKC_TRY(read_number(where, root, "rope_theta", 1, 1e12, 10000, &c->text.attention.rope.base));
    const char *const keys[] = { "rope_scaling", "rope_parameters" };       // the second is the newer spelling
    for (size_t i = 0; i < 2; i++)
        if (nn_json_has(root, keys[i])) {
            VKC_TRY(nn_json_get_object(where, root, keys[i], &o));
            VKC_TRY(read_scaling(where, o, c));
        }
done:
    return st;
}

// Every layer looks at all that is before it.
static vkc_status check_windows(const char *where, json_t *root)
{
    json_t *types = json_object_get(root, "layer_types"), *v;
    const json_t *window = json_object_get(root, "sliding_window"), *use = json_object_get(root, "use_sliding_window");
    size_t i;
    bool is_windowed = json_is_integer(window) && !json_is_false(use) && (use || !json_is_array(types));
    json_array_foreach(types, i, v)
        is_windowed |= !json_is_string(v) || strcmp(json_string_value(v), "full_attention") != 0;
    return is_windowed ? VKC_FAIL(VKC_E_FORMAT, "%s: layers that see a window of tokens alone are not supported", where)
                       : VKC_OK;
}

static vkc_status check_rest(const char *where, json_t *root)
{
    static const nn__fixed_key fixed[] = {
        { "scale_attn_weights", "true" }, { "scale_attn_by_inverse_layer_idx", "false" },
        { "reorder_and_upcast_attn", NULL }, { "add_cross_attention", "false" }, 
        { "final_logit_softcapping", "null" }, { "attn_logit_softcapping", "null" }, { "partial_rotary_factor", "1.0" },
        { "num_experts", "0" }, { "num_local_experts", "0" }, { "quantization_config", "null" }, { NULL, NULL },
    };
    const vkc_status st = nn__fixed_check(where, root, fixed);
    return st == VKC_OK ? check_windows(where, root) : st;
}

static vkc_status read_gpt2(const char *where, json_t *root, nn_model_config *c)
{
    vkc_status st;
    VKC_TRY(read_u32(where, root, "vocab_size", NN_MAX_VOCAB, 50257, &c->vocab));
    VKC_TRY(read_u32(where, root, "n_positions", NN_MAX_TOKENS, 1024, &c->context));
    VKC_TRY(read_u32(where, root, "n_embd", NN_MAX_DIM, 768, &c->dim));
    VKC_TRY(read_u32(where, root, "n_layer", NN_MAX_DEPTH, 12, &c->depth));
    VKC_TRY(read_u32(where, root, "n_head", NN_MAX_DIM, 12, &c->heads));
    VKC_TRY(read_u32(where, root, "n_inner", NN_MAX_HIDDEN, 4 * c->dim, &c->hidden));
    VKC_TRY(read_number(where, root, "layer_norm_epsilon", 0, 1, 1e-5, &c->eps));
    c->text.attention.kv_heads = c->heads;
    c->text.attention.head_dim = c->dim / c->heads;
done:
    return st;
}

static vkc_status read_llama(const char *where, json_t *root, const nn_causal_family *f, nn_model_config *c)
{
    nn_text_attention *t = &c->text.attention;
    vkc_status st;
    VKC_TRY(nn_json_get_u32(where, root, "vocab_size", 1, NN_MAX_VOCAB, &c->vocab));
    VKC_TRY(nn_json_get_u32(where, root, "hidden_size", 1, NN_MAX_DIM, &c->dim));
    VKC_TRY(nn_json_get_u32(where, root, "num_hidden_layers", 1, NN_MAX_DEPTH, &c->depth));
    VKC_TRY(nn_json_get_u32(where, root, "num_attention_heads", 1, NN_MAX_DIM, &c->heads));
    VKC_TRY(nn_json_get_u32(where, root, "intermediate_size", 1, NN_MAX_HIDDEN, &c->hidden));
    VKC_TRY(read_u32(where, root, "max_position_embeddings", 1u << 30, f->context, &c->context));
    VKC_TRY(read_u32(where, root, "num_key_value_heads", NN_MAX_DIM, c->heads, &t->kv_heads));
    VKC_TRY(read_u32(where, root, "head_dim", NN_MAX_DIM, c->dim / c->heads, &t->head_dim));
    if (!f->bare_norm)
        VKC_TRY(read_number(where, root, "rms_norm_eps", 0, 1, f->eps, &c->eps));
    if (f->takes_biases) {
        VKC_TRY(read_bool(where, root, "attention_bias", false, &t->has_bias));
        c->text.proj_bias = t->has_bias;
        if (strcmp(f->type, "llama") == 0)
            VKC_TRY(read_bool(where, root, "mlp_bias", false, &c->text.mlp_bias));
    }
    if (f->takes_clip)
        VKC_TRY(read_number(where, root, "clip_qkv", 1e-6, 1e6, 0, &t->clip));
    else if (nn_json_has(root, "clip_qkv"))
        return VKC_FAIL(VKC_E_FORMAT, "%s: clip_qkv of a %s is not known", where, f->type);
    c->swiglu = true;
    st = read_rope(where, root, c);
done:
    return st;
}

static vkc_status read_act(const char *where, json_t *root, const nn_causal_family *f, nn_model_config *c)
{
    const bool is_plain = f->mlp == NN_TEXT_PLAIN;
    const char *key = is_plain ? "activation_function" : "hidden_act", *act = is_plain ? "gelu_new" : "silu";
    vkc_status st = VKC_OK;
    if (nn_json_has(root, key))
        VKC_TRY(nn_json_get_string(where, root, key, 40, &act));
    if (is_plain)
        return nn__act_read(where, key, act, c);
    if (strcmp(act, "silu") != 0 && strcmp(act, "swish") != 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: hidden_act is %.40s; a gated MLP has silu", where, act);
done:
    return st;
}

vkc_status nn__causal_read_config(const char *where, json_t *root, nn_model_config *c)
{
    const char *type;
    nn_text_config *t = &c->text;
    vkc_status st;
    VKC_TRY(nn_json_get_string(where, root, "model_type", 40, &type));
    if (!find_family(type, &t->family))
        return VKC_FAIL(VKC_E_FORMAT, "%s: model_type %s is no language model that is supported", where, type);
    const nn_causal_family *f = family_of(c);
    c->type = NN_MODEL_CAUSAL;
    c->eps = f->eps;
    t->rms_norm = f->rms_norm, t->bare_norm = f->bare_norm, t->post_norm = f->post_norm;
    t->positions = f->positions, t->proj_bias = f->proj_bias, t->mlp_bias = f->mlp_bias;
    t->attention.has_bias = f->qkv_bias, t->attention.qk_norm = f->qk_norm;
    VKC_TRY(f->mlp == NN_TEXT_PLAIN ? read_gpt2(where, root, c) : read_llama(where, root, f, c));
    VKC_TRY(read_act(where, root, f, c));
    VKC_TRY(read_bool(where, root, "tie_word_embeddings", f->tied, &t->tied));
    t->attention.eps = c->eps;
    c->classes = c->vocab;
    st = check_rest(where, root);
done:
    return st;
}

static json_t *build_rope(const nn_rope_text *r)
{
    if (r->type == NN_ROPE_TEXT_DEFAULT)
        return json_null();
    json_t *o = json_pack("{s:s, s:f}", "rope_type", rope_types[r->type], "factor", r->factor);
    nn_json_set_new(o, "original_max_position_embeddings", json_integer(r->trained));
    if (r->type == NN_ROPE_TEXT_LLAMA3) {
        nn_json_set_new(o, "low_freq_factor", json_real(r->low));
        nn_json_set_new(o, "high_freq_factor", json_real(r->high));
    }
    return o;
}

static json_t *build_gpt2(const nn_model_config *c)
{
    static const char *const acts[] = { [NN_ACT_GELU] = "gelu", [NN_ACT_QUICK_GELU] = "quick_gelu",
                                        [NN_ACT_GELU_TANH] = "gelu_new" };
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:s}", "vocab_size", (int) c->vocab, "n_positions",
                     (int) c->context, "n_embd", (int) c->dim, "n_layer", (int) c->depth, "n_head", (int) c->heads,
                     "n_inner", (int) c->hidden, "layer_norm_epsilon", c->eps, "activation_function", acts[c->act]);
}

static json_t *build_llama(const nn_model_config *c)
{
    const nn_text_config *t = &c->text;
    json_t *o = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:s}", "vocab_size", (int) c->vocab,
                          "hidden_size", (int) c->dim, "num_hidden_layers", (int) c->depth, "num_attention_heads",
                          (int) c->heads, "num_key_value_heads", (int) t->attention.kv_heads, "intermediate_size",
                          (int) c->hidden, "max_position_embeddings", (int) c->context, "head_dim",
                          (int) t->attention.head_dim, "rope_theta", t->attention.rope.base, "hidden_act", "silu");
    nn_json_set_new(o, "rope_scaling", build_rope(&t->attention.rope));
    if (t->attention.clip > 0)
        nn_json_set_new(o, "clip_qkv", json_real(t->attention.clip));
    if (!t->bare_norm)
        nn_json_set_new(o, "rms_norm_eps", json_real(c->eps));
    if (family_of(c)->takes_biases) {
        nn_json_set_new(o, "attention_bias", json_boolean(t->attention.has_bias));
        if (t->mlp_bias)
            nn_json_set_new(o, "mlp_bias", json_true());
    }
    return o;
}

json_t *nn__causal_build_config(const nn_model_config *c)
{
    const nn_causal_family *f = family_of(c);
    json_t *o = f->mlp == NN_TEXT_PLAIN ? build_gpt2(c) : build_llama(c);
    nn_json_set_new(o, "model_type", json_string(f->type));
    nn_json_set_new(o, "architectures", json_pack("[s]", f->architecture));
    nn_json_set_new(o, "tie_word_embeddings", json_boolean(c->text.tied));
    nn_json_set_new(o, "torch_dtype", json_string("float32"));
    return o;
}
