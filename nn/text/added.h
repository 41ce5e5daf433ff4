// added.h — tokens that are found in the text as they stand, before it is split: "<|endoftext|>", runs of spaces.
//
// Thread-safety: safe once read. Errors: E_FORMAT, E_NOMEM.
#ifndef NN_ADDED_H
#define NN_ADDED_H

#include <stdbool.h>

#include "nn/text/normalizer.h"
#include "nn/text/vocab.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_added {
    uint32_t id;
    size_t   at, len;               // its content, in `text` of the list
    size_t   find_at, find_len;     // what to look for: normalized where that is said
    bool     lstrip, rstrip, normalized, special;
    size_t   order;                 // special ones first, then as in the file
} nn_added;

// Tokens sorted by what to look for, and where in them those with a first byte begin.
typedef struct nn_added_set { const nn_added **tokens; size_t len, first[257]; } nn_added_set;

typedef struct nn_added_list {
    nn_added    *tokens;
    size_t       len, room;
    nn_bytes     text;
    nn_added_set plain, normalized;     // looked for in the text as it is, and in what is normalized
    uint32_t    *by_id;                 // places in `tokens` and 1, 0: none; `ids` of them
    uint32_t     ids;
} nn_added_list;

// From "added_tokens" of a tokenizer.json. Free it after a failure too.
vkc_status nn_added_read(const char *where, const struct json_t *root, const nn_vocab *vocab,
                         const nn_normalizer *normalizer, nn_added_list *list);
void       nn_added_free(nn_added_list *list);

const nn_added *nn_added_of(const nn_added_list *list, uint32_t id);                                // or NULL
const nn_added *nn_added_named(const nn_added_list *list, const char *content, size_t len);         // or NULL
const char     *nn_added_content(const nn_added_list *list, const nn_added *token);                 // NUL behind it

// What is looked for, and what the token gives when it is decoded: its content, normalized where that is said.
const char     *nn_added_found(const nn_added_list *list, const nn_added *token, size_t *len);

// The first of the set in `text` from `from` on, the longest of several; NULL: none. It stands at *start.
const nn_added *nn_added_find(const nn_added_list *list, const nn_added_set *set, const char *text, size_t len,
                              size_t from, size_t *start);

#ifdef __cplusplus
}
#endif
#endif
