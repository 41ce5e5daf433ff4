// normalizer.h — what a tokenizer does to the text before it is split: NFC, a prefix, texts replaced.
//
// Thread-safety: safe once read. Errors: E_FORMAT, E_NOMEM.
#ifndef NN_NORMALIZER_H
#define NN_NORMALIZER_H

#include <stdbool.h>

#include "nn/text/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t;

#define NN_MAX_NORMALIZERS 16

typedef enum { NN_NORMALIZE_NFC, NN_NORMALIZE_PREPEND, NN_NORMALIZE_REPLACE } nn_normalize_kind;
typedef struct nn_normalize { nn_normalize_kind kind; nn_bytes from, to; } nn_normalize;    // PREPEND: `to`
typedef struct nn_normalizer {
    nn_normalize steps[NN_MAX_NORMALIZERS];
    size_t       len;
    double       growth;        // nn_text_growth
} nn_normalizer;

// From "normalizer" of a tokenizer.json, NULL or null: none. Free it after a failure too.
vkc_status nn_normalizer_read(const char *where, const struct json_t *value, nn_normalizer *n);
void       nn_normalizer_free(nn_normalizer *n);

// `a` gets the text normalized; `b` is room for it to work in.
vkc_status nn_normalizer_apply(const nn_normalizer *n, const char *text, size_t len, nn_bytes *a, nn_bytes *b);
// Is `text` what nn_normalizer_apply would make of it? False where only trying tells.
bool       nn_normalizer_keeps(const nn_normalizer *n, const char *text, size_t len);

// For readers of other parts: {"String": "..."} as bytes; {"Regex": ...} is refused, as are empty texts.
vkc_status nn_text_pattern_read(const char *where, const struct json_t *step, nn_bytes *out);
// Several replacements, one behind another, may make much of little: *growth, 0 to begin with, becomes how many times
// as long a text may have become with this one. E_FORMAT where that is more than 64.
vkc_status nn_text_growth(const char *where, const nn_bytes *from, const nn_bytes *to, double *growth);
// `text` with every `from` (not empty), left to right, made `to`, is added to `out`.
vkc_status nn_text_replace(const char *text, size_t len, const nn_bytes *from, const nn_bytes *to, nn_bytes *out);

#ifdef __cplusplus
}
#endif
#endif
