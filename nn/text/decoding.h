// decoding.h — how tokens become text: "decoder" of a tokenizer.json.
//
// Thread-safety: safe once read. Errors: E_FORMAT, E_NOMEM.
#ifndef NN_DECODING_H
#define NN_DECODING_H

#include <stdbool.h>

#include "nn/text/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t;

#define NN_MAX_REPLACES 8

typedef enum {
    NN_DECODING_JOINED,         // no decoder: tokens with spaces between
    NN_DECODING_BYTE_LEVEL,     // characters that stand for bytes
    NN_DECODING_PIECES,         // texts replaced in each token, bytes of <0xNN>, something stripped from the front
    NN_DECODING_METASPACE,      // a character becomes a space, or nothing in the first token
} nn_decoding_kind;

typedef struct nn_decoding {
    nn_decoding_kind kind;
    struct { nn_bytes from, to; } replaces[NN_MAX_REPLACES];
    size_t   n_replaces;
    double   growth;            // nn_text_growth
    bool     byte_fallback;
    nn_bytes strip;             // a character
    uint32_t strips;            // how many of it go at most
    bool     drops_first;       // METASPACE: nothing in the first token
} nn_decoding;

// NULL or null: JOINED. Free it after a failure too.
vkc_status nn_decoding_read(const char *where, const struct json_t *value, nn_decoding *d);
void       nn_decoding_free(nn_decoding *d);

#ifdef __cplusplus
}
#endif
#endif
