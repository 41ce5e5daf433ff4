// causal.h — causal language models: GPT-2, Llama 2 and 3 (SmolLM2), Qwen2, Qwen3, OLMo, OLMo 2.
//
// Texts of a batch may be of different lengths, up to the model's context; nothing is padded, and no text sees another.
// Folders are those of Hugging Face's transformers: config.json and weights under their names, read and written; a
// pare.json beside them says what is ours. Logits are (R, vocab): a row for each token.
// Parameters: embed.weight (vocab, C), pos_embed (context, C) with learned positions; of block i "blocks.<i>.": norm1,
// attn.qkv.weight ((H + 2 KV) D, C) with the rows of q, k and v, attn.q_norm.weight and attn.k_norm.weight, attn.proj,
// norm2, mlp.fc1 (of a gated MLP the gate's rows and then the others), mlp.fc2; norm; head.weight (vocab, C) unless the
// embedding's table is the classifier. Which of them there are, and which have a bias, nn_text_config says.
// Thread-safety: as the device.
#ifndef NN_CAUSAL_H
#define NN_CAUSAL_H

#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_CAUSAL_TOKENS 1024u      // room for a text, where nothing else is asked for and the context is longer

// Parameters outside the blocks, by their index in nn_model.params; NN_NO_PARAM where there is none.
typedef struct nn_causal {
    uint32_t table, positions, norm_w, norm_b, head;
} nn_causal;

static inline const nn_causal *nn_causal_of(const nn_model *m)
{
    return (const nn_causal *) m->own;
}

// What the blocks leave (R, C), under its last norm, and the table (vocab, C) whose products with it are the logits:
// for the op vocab_loss, which never has all of them.
nn_tensor *nn_causal_norm(nn_graph *g, const nn_model *m, nn_tensor *x, bool trained);
nn_tensor *nn_causal_table(nn_graph *g, const nn_model *m, bool trained);

// Does config.json name a model of these families? Then nn_model_config_load reads it.
bool nn_causal_is_type(const char *model_type);

#ifdef __cplusplus
}
#endif
#endif
