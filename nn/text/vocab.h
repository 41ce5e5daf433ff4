// vocab.h — tokens and their ids, in both directions.
//
// Thread-safety: safe once filled. Errors: E_FORMAT, E_NOMEM.
#ifndef NN_VOCAB_H
#define NN_VOCAB_H

#include <stdbool.h>

#include "nn/text/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t;

#define NN_MAX_TOKEN_ID (1u << 20)          // ids are below
#define NN_TOKEN_NONE UINT32_MAX            // no id

typedef struct nn_vocab_entry { size_t at; uint32_t len; } nn_vocab_entry;     // len NN_TOKEN_NONE: no such token

typedef struct nn_vocab {
    nn_bytes        text;       // all tokens, one behind another
    nn_vocab_entry *entries;    // by id
    uint32_t        len;        // the largest id and 1
    uint32_t        count;      // tokens
    uint32_t       *slots;      // ids by hash, NN_TOKEN_NONE where empty
    uint32_t        n_slots;    // a power of two
} nn_vocab;

// From the object {"token": id}. Free it after a failure too.
vkc_status  nn_vocab_read(const char *where, const struct json_t *object, nn_vocab *v);
void        nn_vocab_free(nn_vocab *v);
uint32_t    nn_vocab_id(const nn_vocab *v, const char *token, size_t len);      // or NN_TOKEN_NONE
const char *nn_vocab_token(const nn_vocab *v, uint32_t id, size_t *len);        // or NULL; no NUL behind it

#ifdef __cplusplus
}
#endif
#endif
