// bpe.h — byte-pair encoding: a word becomes characters, and pairs of them are merged, the lowest rank first.
//
// Thread-safety: a model is safe once read; scratch belongs to one thread. Errors: E_FORMAT, E_NOMEM.
#ifndef NN_BPE_H
#define NN_BPE_H

#include "nn/text/vocab.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_merge { uint32_t a, b, rank, made; } nn_merge;       // a NN_TOKEN_NONE: an empty slot

typedef struct nn_bpe {
    nn_vocab  vocab;
    nn_merge *merges;           // by the hash of a and b
    uint32_t  n_slots;          // a power of two
    uint32_t  unk;              // or NN_TOKEN_NONE: what is unknown is left out
    bool      fuse_unk;         // neighbours that are unknown are one
    bool      byte_fallback;    // what is unknown becomes <0xNN>, if all of its bytes are there
    bool      ignore_merges;    // a word that is a token is that token
    uint32_t  bytes[256];       // ids of <0xNN>
} nn_bpe;

typedef struct nn_symbol { uint32_t id, before, next; bool is_gone; } nn_symbol;
typedef struct nn_pending { uint64_t key; uint32_t made; } nn_pending;         // key: rank << 32 | place

typedef struct nn_ids { uint32_t *data; size_t len, room; } nn_ids;

typedef struct nn_bpe_scratch {
    nn_symbol  *symbols;
    nn_pending *queue;          // a heap
    size_t      n_symbols, symbols_room, queued, queue_room;
} nn_bpe_scratch;

// From "model" of a tokenizer.json. Free it after a failure too.
vkc_status nn_bpe_read(const char *where, const struct json_t *model, nn_bpe *b);
void       nn_bpe_free(nn_bpe *b);
void       nn_bpe_scratch_free(nn_bpe_scratch *s);

// Adds the ids of a word, UTF-8 of less than 2 GiB, to `out`.
vkc_status nn_bpe_word(const nn_bpe *b, nn_bpe_scratch *s, const char *word, size_t len, nn_ids *out);
vkc_status nn_ids_add(nn_ids *out, uint32_t id);

const nn_merge *nn_bpe_merge(const nn_bpe *b, uint32_t left, uint32_t right);   // or NULL

#ifdef __cplusplus
}
#endif
#endif
