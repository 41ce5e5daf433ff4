// rope_text.h — rotary positions of texts: the frequencies by transformers' rules, the table of the op `rope`.
//
// Pair j of `rotary` channels is turned by place * frequency j, which is base^(-2 j / rotary) and then scaled so that
// more tokens than a model was trained on have places it knows.
// Thread-safety: as the device; nn_rope_text_check, _frequencies and _fill from anywhere.
#ifndef NN_ROPE_TEXT_H
#define NN_ROPE_TEXT_H

#include "nn/graph/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {                      // transformers' rope_type
    NN_ROPE_TEXT_DEFAULT,
    NN_ROPE_TEXT_LINEAR,            // every frequency over `factor`
    NN_ROPE_TEXT_DYNAMIC,           // a larger base, by how many tokens there are more than `trained`
    NN_ROPE_TEXT_LLAMA3,            // low frequencies over `factor`, high ones as they are, a ramp between
} nn_rope_text_type;

typedef struct nn_rope_text {
    nn_rope_text_type type;
    double   base;                  // rope_theta, such as 10000
    double   factor;                // of all but the default
    double   low, high;             // llama3: low_freq_factor and high_freq_factor: turns over `trained` tokens
    uint32_t trained;               // dynamic: max_position_embeddings; llama3: original_max_position_embeddings
} nn_rope_text;

// May `rotary` channels be turned so? E_ARG, in words, if not.
vkc_status nn_rope_text_check(const nn_rope_text *r, uint32_t rotary);
// Fill frequency (rotary / 2) with radians a place. `tokens`, the longest text that there may be, matters to dynamic
// scaling alone; transformers takes that of the texts at hand. The settings must pass the check.
void nn_rope_text_frequencies(const nn_rope_text *r, uint32_t rotary, uint32_t tokens, double *frequency);
// Fill table (tokens, rotary) with the cosines, then the sines, of places 0, 1, 2 ... E_NOMEM.
vkc_status nn_rope_text_fill(const nn_rope_text *r, uint32_t rotary, uint32_t tokens, float *table);
// qkv (R, (heads + 2 kv_heads) D), packed, with the first `rotary` channels of each head of q and k turned, 0 = all D;
// interleaved: pairs (2 j, 2 j + 1), else (j, j + rotary / 2). A graph has one table for all its layers. What is wrong
// with the settings becomes the graph's error.
nn_tensor *nn_rope_text_apply(nn_graph *g, const nn_rope_text *r, uint32_t heads, uint32_t kv_heads, uint32_t rotary,
                              bool interleaved, nn_tensor *qkv);

#ifdef __cplusplus
}
#endif
#endif
