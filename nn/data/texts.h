// texts.h — texts as token ids: files of text through a tokenizer, lines of JSON, or files of ids.
//
//   .txt            a text each; with a line "<|endoftext|>" between them several
//   .jsonl          a line of JSON a text, its member "text"
//                   (a byte order mark in front of either is no part of it)
//   .ids, .bin      ids, 16 bits each, little endian; llm.c's header of 1,024 bytes (20240520 with ids of 16 bits,
//                   20240801 of 32) is known by its first word
//   .ids32          ids of 32 bits
//   a folder        all such files in it, in bytewise order of their names
// Thread-safety: safe on different values. Errors: E_IO, E_FORMAT (with file and, of JSON, line; an id beyond the
// vocabulary; nothing to read), E_NOMEM, E_ARG (text without a tokenizer).
#ifndef NN_TEXTS_H
#define NN_TEXTS_H

#include "nn/text/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_TEXT_BETWEEN "<|endoftext|>"

typedef struct nn_texts {           // zeroed is empty
    uint32_t *id;                   // of all texts, one after the other; owned
    uint64_t *start;                // (n + 1) where each begins in `id`; owned
    uint64_t  n;
    uint64_t  bytes;                // of the texts in UTF-8, what lies between them left out; 0 = files of ids alone
} nn_texts;

typedef struct nn_texts_params {
    const nn_tokenizer *tokenizer;  // of the model; NULL: only files of ids
    uint32_t vocab;                 // ids are below
    uint32_t row;                   // of files of ids, every so many are a text; 0 = a file is one
} nn_texts_params;

// Texts are encoded with what the tokenizer puts before and behind one. Texts without any id are left out.
vkc_status nn_texts_load(const char *path, const nn_texts_params *p, nn_texts *out);
void       nn_texts_finish(nn_texts *t);

#ifdef __cplusplus
}
#endif
#endif
