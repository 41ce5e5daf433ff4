// tokenizer.h — text to ids and back, by the tokenizer.json of Hugging Face's `tokenizers`.
//
// What is read and what is refused is in docs/text.md. Ids equal those of `tokenizers` for any text in UTF-8, but for
// characters that are younger than Unicode 15.0, which it may split otherwise. Bytes that are no UTF-8, which
// `tokenizers` never sees, are read as Python's bytes.decode("utf-8", "replace") reads them: each maximal subpart
// (Unicode's term) becomes one U+FFFD.
//
// Thread-safety: a tokenizer does not change once it is open, and threads share it; an encoder or a decoder belongs to
// one thread at a time. Both borrow their tokenizer, which outlives them. A handle that is NULL is fine to destroy.
// Errors: E_FORMAT (a file that lies or asks for what is not supported), E_IO, E_NOMEM, E_ARG.
#ifndef NN_TOKENIZER_H
#define NN_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_TOKENIZER_NONE UINT32_MAX                        // no id
#define NN_TOKENIZER_MAX_TEXT ((size_t) 1 << 30)            // bytes of a text to encode

typedef struct nn_tokenizer nn_tokenizer;

// From a model's folder, or a tokenizer.json itself. tokenizer_config.json beside it, if it is there, says what token
// begins and ends a text (bos_token, eos_token), and, where tokenizer.json has no template for that, whether encoding
// puts them there (add_bos_token, add_eos_token).
vkc_status nn_tokenizer_open(const char *path, nn_tokenizer **out);
// The same from memory: `where` names it in messages, `config` may be NULL.
vkc_status nn_tokenizer_read(const char *where, const char *json, size_t size, const char *config, size_t config_size,
                             nn_tokenizer **out);
void       nn_tokenizer_destroy(nn_tokenizer *t);

uint32_t    nn_tokenizer_len(const nn_tokenizer *t);        // ids are below; not each of them has a token
// The token of an id as its file spells it ("Ġthe", "▁the", "<0x0A>"), borrowed and without NUL; NULL: there is none.
const char *nn_tokenizer_token(const nn_tokenizer *t, uint32_t id, size_t *len);
uint32_t    nn_tokenizer_id(const nn_tokenizer *t, const char *token, size_t len);     // or NN_TOKENIZER_NONE
bool        nn_tokenizer_is_special(const nn_tokenizer *t, uint32_t id);
uint32_t    nn_tokenizer_bos(const nn_tokenizer *t);        // what begins a text, or NN_TOKENIZER_NONE
uint32_t    nn_tokenizer_eos(const nn_tokenizer *t);        // what ends one

typedef enum {
    NN_ENCODE_SPECIAL = 1,      // with the ids that the file puts before and behind a text
    NN_ENCODE_LITERAL = 2,      // special tokens that are spelled out in the text are text like any other
} nn_encode_flags;

// An encoder keeps words that it has met, some 3 MiB of them: keep it for many texts.
typedef struct nn_text_encoder nn_text_encoder;
vkc_status nn_text_encoder_create(const nn_tokenizer *t, nn_text_encoder **out);
void       nn_text_encoder_destroy(nn_text_encoder *e);
// Ids of `size` bytes, at most NN_TOKENIZER_MAX_TEXT; they are borrowed from the encoder until its next call.
vkc_status nn_text_encode(nn_text_encoder *e, const char *text, size_t size, unsigned flags, const uint32_t **ids,
                          size_t *len);

typedef enum {
    NN_DECODE_SKIP_SPECIAL = 1,     // special tokens give nothing
    NN_DECODE_BYTES = 2,            // the bytes of tokens as they are, where else what is no UTF-8 becomes U+FFFD
} nn_decode_flags;

// The text of ids, with a NUL behind its end that *size does not count; free() it. Ids without a token give nothing.
vkc_status nn_tokenizer_decode(const nn_tokenizer *t, const uint32_t *ids, size_t len, unsigned flags, char **text,
                               size_t *size);

// Ids that come one by one: each call gives the text that is certain by now, whole characters only (any bytes, with
// NN_DECODE_BYTES), borrowed until the next call and without NUL; nothing is fine. Together, up to the end, it is what
// nn_tokenizer_decode gives. One difference: of bytes of a byte fallback that are no UTF-8, nn_tokenizer_decode, as
// `tokenizers` does, gives up all that stand together, and this only those that are wrong.
typedef struct nn_text_decoder nn_text_decoder;
vkc_status nn_text_decoder_create(const nn_tokenizer *t, unsigned flags, nn_text_decoder **out);
void       nn_text_decoder_destroy(nn_text_decoder *d);
vkc_status nn_text_decoder_add(nn_text_decoder *d, uint32_t id, const char **text, size_t *size);
vkc_status nn_text_decoder_end(nn_text_decoder *d, const char **text, size_t *size);    // what was left; starts anew

#ifdef __cplusplus
}
#endif
#endif
