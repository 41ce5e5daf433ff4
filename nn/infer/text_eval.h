// text_eval.h — the loss of a causal language model over texts.
//
// A text of n tokens has n - 1 to predict, each from those before it in its window: windows of `context` tokens, one
// after the other. Several are packed into a batch; none sees another. Logits are never all there (op vocab_loss).
// Thread-safety: as the device. Errors: E_ARG (a model that is no language model, a window longer than its positions,
// no token to predict), E_STOPPED, E_CHECK, E_DEVMEM, E_NOMEM.
#ifndef NN_TEXT_EVAL_H
#define NN_TEXT_EVAL_H

#include "nn/base/progress.h"
#include "nn/data/texts.h"
#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_text_eval_params {
    uint32_t context;               // tokens of a window; 0 = as many as the model has positions, 1,024 at most
    uint32_t batch;                 // windows at a time; 0 = some 2,048 tokens
    uint64_t limit;                 // texts at most; 0 = all
    nn_progress_fn progress;        // may be NULL
    void    *user;
} nn_text_eval_params;

typedef struct nn_text_eval_result {
    double   loss;                  // mean over tokens, nats
    double   perplexity;            // exp(loss)
    double   bits_per_byte;         // of texts whose bytes are known (nn_texts.bytes), all of them; else 0
    uint64_t texts, tokens;         // predicted
    double   top1;                  // share of the tokens that were the likeliest
    double   seconds, tokens_per_s;
} nn_text_eval_result;

vkc_status nn_text_eval(const nn_model *m, const nn_texts *texts, const nn_text_eval_params *p,
                        nn_text_eval_result *out);

// Device memory of what it needs beside the weights, for windows of p->context, p->batch at a time.
vkc_status nn_text_eval_bytes(const nn_model *m, const nn_text_eval_params *p, uint64_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
