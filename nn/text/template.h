// template.h — ids that go before and behind a text: "post_processor" of a tokenizer.json.
//
// Thread-safety: safe once read. Errors: E_FORMAT, E_NOMEM.
#ifndef NN_TEMPLATE_H
#define NN_TEMPLATE_H

#include "nn/text/bpe.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_template { nn_ids before, after; bool is_said; } nn_template;     // is_said: the file has one

// NULL or null: none. Free it after a failure too.
vkc_status nn_template_read(const char *where, const struct json_t *value, nn_template *t);
void       nn_template_free(nn_template *t);

#ifdef __cplusplus
}
#endif
#endif
