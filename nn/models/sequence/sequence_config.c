// sequence_config.c — the config of a classifier of token sequences: made, checked, read, written.
#include "nn/models/sequence/sequence_impl.h"

#include <jansson.h>

#include "nn/base/json.h"
#include "nn/models/config/model_config_impl.h"

#define LAYERNORM_EPS 1e-6          // of a model from scratch

vkc_status nn_sequence_config_init(nn_model_config *c, uint32_t vocab, uint32_t context, uint32_t dim, uint32_t depth,
                                   uint32_t heads, uint32_t classes)
{
    nn_model_config m = {
        .type = NN_MODEL_SEQUENCE, .vocab = vocab, .context = context, .dim = dim, .depth = depth, .heads = heads,
        .hidden = 4 * dim, .classes = classes, .eps = LAYERNORM_EPS,
    };
    vkc_status st;
    VKC_TRY(nn_model_config_check(&m, VKC_E_ARG, "sequence model"));
    for (uint32_t l = 0; l < depth; l++)
        VKC_TRY(nn_layer_config_set(&m.layers[l], nn_mixer_default()->name, NULL));
    *c = m;
done:
    return st;
}

vkc_status nn__sequence_check(const nn_model_config *c, vkc_status st, const char *where)
{
    if (c->vocab == 0 || c->vocab > NN_MAX_VOCAB)
        return VKC_FAIL(st, "%s: a vocabulary of %u tokens, want 1 to %d", where, c->vocab, NN_MAX_VOCAB);
    if (c->context == 0 || c->context > NN_MAX_TOKENS)
        return VKC_FAIL(st, "%s: sequences of %u tokens, want 1 to %d", where, c->context, NN_MAX_TOKENS);
    if (c->retention.policy != NN_POLICY_NONE)
        return VKC_FAIL(st, "%s: token pruning needs a class token, which a model of token sequences has not", where);
    if (c->relative || c->shared_relative)
        return VKC_FAIL(st, "%s: relative positions are those of a picture's patches, which a model of token sequences "
                        "has not", where);
    return VKC_OK;
}

vkc_status nn__sequence_read_config(const char *where, json_t *root, nn_model_config *c)
{
    static const char *const known[] = { "architecture", "vocab_size", "context_length", "hidden_size",
                                         "num_hidden_layers", "num_attention_heads", "intermediate_size", "num_classes",
                                         "label_names", NULL };
    const struct { const char *key; uint32_t most, *out; } numbers[] = {
        { "vocab_size", NN_MAX_VOCAB, &c->vocab },          { "context_length", NN_MAX_TOKENS, &c->context },
        { "hidden_size", NN_MAX_DIM, &c->dim },             { "num_hidden_layers", NN_MAX_DEPTH, &c->depth },
        { "num_attention_heads", NN_MAX_DIM, &c->heads },   { "intermediate_size", NN_MAX_HIDDEN, &c->hidden },
        { "num_classes", NN_MAX_CLASSES, &c->classes },
    };
    vkc_status st;
    VKC_TRY(nn_json_check_keys(where, root, known));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        VKC_TRY(nn_json_get_u32(where, root, numbers[i].key, 1, numbers[i].most, numbers[i].out));
    c->eps = LAYERNORM_EPS;         // pare.json says otherwise
    st = nn__labels_read(where, root, c);
done:
    return st;
}

json_t *nn__sequence_build_config(const nn_model_config *c)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:o*}", "architecture", "pare_sequence", "vocab_size",
                     (int) c->vocab, "context_length", (int) c->context, "hidden_size", (int) c->dim,
                     "num_hidden_layers", (int) c->depth, "num_attention_heads", (int) c->heads, "intermediate_size",
                     (int) c->hidden, "num_classes", (int) c->classes, "label_names", nn__labels_json(c));
}
