// vocab.c — the vocabulary of a model: an open hash over texts that lie one behind another.
#include "nn/text/vocab.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static uint32_t hash(const char *text, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char) text[i]) * 16777619u;
    return h ^ h >> 15;
}

// Where the token stands, or the empty slot where it would.
static uint32_t *slot_of(const nn_vocab *v, const char *token, size_t len)
{
    for (uint32_t i = hash(token, len);; i++) {
        uint32_t *slot = &v->slots[i & (v->n_slots - 1)];
        if (*slot == NN_TOKEN_NONE)
            return slot;
        const nn_vocab_entry *e = &v->entries[*slot];
        if (e->len == len && memcmp(v->text.data + e->at, token, len) == 0)
            return slot;
    }
}

static vkc_status reserve(const char *where, const json_t *object, nn_vocab *v)
{
    const size_t n = json_object_size(object);
    const char *token;
    json_t *id;
    uint32_t len = 0;
    json_object_foreach((json_t *) object, token, id) {
        const json_int_t x = json_is_integer(id) ? json_integer_value(id) : -1;
        if (x < 0 || x >= NN_MAX_TOKEN_ID)
            return VKC_FAIL(VKC_E_FORMAT, "%s: the id of token \"%.60s\" is not a whole number below %u", where, token,
                            NN_MAX_TOKEN_ID);
        len = x >= len ? (uint32_t) x + 1 : len;
    }
    for (v->n_slots = 16; v->n_slots < 2 * n; v->n_slots *= 2)
        ;
    v->entries = malloc(((size_t) len + 1) * sizeof *v->entries);
    v->slots = malloc(v->n_slots * sizeof *v->slots);
    if (v->entries == NULL || v->slots == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the vocabulary of %s", where);
    for (uint32_t i = 0; i < len; i++)
        v->entries[i] = (nn_vocab_entry) { 0, NN_TOKEN_NONE };
    memset(v->slots, 0xff, v->n_slots * sizeof *v->slots);
    v->len = len;
    return VKC_OK;
}

vkc_status nn_vocab_read(const char *where, const json_t *object, nn_vocab *v)
{
    const char *token;
    json_t *value;
    vkc_status st;
    VKC_TRY(reserve(where, object, v));
    json_object_foreach((json_t *) object, token, value) {
        const uint32_t id = (uint32_t) json_integer_value(value);
        const size_t len = strlen(token);
        if (v->entries[id].len != NN_TOKEN_NONE) {
            st = VKC_FAIL(VKC_E_FORMAT, "%s: two tokens have id %u, one of them is \"%.60s\"", where, id, token);
            goto done;
        }
        const size_t at = v->text.len;
        VKC_TRY(nn_bytes_add(&v->text, token, len));
        *slot_of(v, token, len) = id;
        v->entries[id] = (nn_vocab_entry) { at, (uint32_t) len };
        v->count++;
    }
done:
    return st;
}

void nn_vocab_free(nn_vocab *v)
{
    nn_bytes_free(&v->text);
    free(v->entries);
    free(v->slots);
    *v = (nn_vocab) { 0 };
}

uint32_t nn_vocab_id(const nn_vocab *v, const char *token, size_t len)
{
    return v->n_slots == 0 ? NN_TOKEN_NONE : *slot_of(v, token, len);
}

const char *nn_vocab_token(const nn_vocab *v, uint32_t id, size_t *len)
{
    if (id >= v->len || v->entries[id].len == NN_TOKEN_NONE)
        return NULL;
    *len = v->entries[id].len;
    return v->text.data == NULL ? "" : v->text.data + v->entries[id].at;
}
