// bpe_read.c — "model" of a tokenizer.json: vocabulary, merges in both spellings, what is refused.
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/text/bpe.h"

static uint32_t hash(uint32_t a, uint32_t b)
{
    const uint64_t h = ((uint64_t) a << 32 | b) * 0x9e3779b97f4a7c15u;
    return (uint32_t) (h >> 32);
}

static nn_merge *slot_of(const nn_bpe *m, uint32_t a, uint32_t b)
{
    for (uint32_t i = hash(a, b);; i++) {
        nn_merge *slot = &m->merges[i & (m->n_slots - 1)];
        if (slot->a == NN_TOKEN_NONE || (slot->a == a && slot->b == b))
            return slot;
    }
}

const nn_merge *nn_bpe_merge(const nn_bpe *b, uint32_t left, uint32_t right)
{
    const nn_merge *found = slot_of(b, left, right);
    return found->a == NN_TOKEN_NONE ? NULL : found;
}

// The two sides of a merge, "a b" or ["a", "b"].
static bool sides_of(const json_t *merge, const char *side[2], size_t len[2])
{
    if (json_is_string(merge)) {
        side[0] = json_string_value(merge);
        const char *space = strchr(side[0], ' ');
        if (space == NULL || strchr(space + 1, ' ') != NULL)
            return false;
        len[0] = (size_t) (space - side[0]);
        side[1] = space + 1;
        len[1] = strlen(side[1]);
        return true;
    }
    if (json_array_size(merge) != 2)
        return false;
    for (size_t i = 0; i < 2; i++) {
        if (!json_is_string(json_array_get(merge, i)))
            return false;
        side[i] = json_string_value(json_array_get(merge, i));
        len[i] = json_string_length(json_array_get(merge, i));
    }
    return true;
}

static vkc_status read_merge(const char *where, const json_t *merge, uint32_t rank, nn_bytes *made, nn_bpe *b)
{
    const char *side[2];
    size_t len[2];
    vkc_status st;
    if (!sides_of(merge, side, len))
        return VKC_FAIL(VKC_E_FORMAT, "%s: merge %u is not two tokens", where, rank);
    made->len = 0;
    VKC_TRY(nn_bytes_add(made, side[0], len[0]));
    VKC_TRY(nn_bytes_add(made, side[1], len[1]));
    const uint32_t left = nn_vocab_id(&b->vocab, side[0], len[0]), right = nn_vocab_id(&b->vocab, side[1], len[1]);
    const uint32_t id = nn_vocab_id(&b->vocab, made->data == NULL ? "" : made->data, made->len);
    if (left == NN_TOKEN_NONE || right == NN_TOKEN_NONE || id == NN_TOKEN_NONE)
        return VKC_FAIL(VKC_E_FORMAT, "%s: merge %u, \"%.60s\" and \"%.60s\": not all of it is in the vocabulary",
                        where, rank, side[0], side[1]);
    *slot_of(b, left, right) = (nn_merge) { left, right, rank, id };    // of two alike the last counts
done:
    return st;
}

static vkc_status read_merges(const char *where, const json_t *model, nn_bpe *b)
{
    json_t *list;
    nn_bytes made = { 0 };
    vkc_status st;
    VKC_TRY(nn_json_get_array(where, model, "merges", 0, 4 * NN_MAX_TOKEN_ID, &list));
    for (b->n_slots = 16; b->n_slots < json_array_size(list) / 2 * 3 + 1; b->n_slots *= 2)
        ;
    b->merges = malloc(b->n_slots * sizeof *b->merges);
    if (b->merges == NULL) {
        st = VKC_FAIL(VKC_E_NOMEM, "no memory for the merges of %s", where);
        goto done;
    }
    memset(b->merges, 0xff, b->n_slots * sizeof *b->merges);
    for (size_t i = 0; i < json_array_size(list); i++)
        VKC_TRY(read_merge(where, json_array_get(list, i), (uint32_t) i, &made, b));
done:
    nn_bytes_free(&made);
    return st;
}

// What would change ids and is not here.
static vkc_status refuse(const char *where, const json_t *model)
{
    static const char *const known[] = { "type", "dropout", "unk_token", "continuing_subword_prefix",
                                         "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges", "vocab",
                                         "merges", NULL };
    static const char *const affixes[] = { "continuing_subword_prefix", "end_of_word_suffix" };
    const json_t *type = json_object_get(model, "type");
    // Old files have no type, and a model with merges is BPE.
    if (nn_json_has(model, "type") && (!json_is_string(type) || strcmp(json_string_value(type), "BPE") != 0))
        return VKC_FAIL(VKC_E_FORMAT, "%s: model %.60s is not supported, only BPE is", where,
                        json_is_string(type) ? json_string_value(type) : "of no name");
    if (!nn_json_has(model, "type") && !nn_json_has(model, "merges"))
        return VKC_FAIL(VKC_E_FORMAT, "%s: the model has no type and no merges, only BPE is supported", where);
    for (size_t i = 0; i < 2; i++) {
        const json_t *affix = json_object_get(model, affixes[i]);
        if (nn_json_has(model, affixes[i]) && (!json_is_string(affix) || json_string_length(affix) > 0))
            return VKC_FAIL(VKC_E_FORMAT, "%s: %s is not supported", where, affixes[i]);
    }
    if (nn_json_has(model, "dropout") && !(json_number_value(json_object_get(model, "dropout")) <= 0))
        return VKC_FAIL(VKC_E_FORMAT, "%s: dropout of merges is not supported", where);
    return nn_json_check_keys(where, (json_t *) model, known);
}

vkc_status nn_bpe_read(const char *where, const json_t *model, nn_bpe *b)
{
    json_t *vocab;
    vkc_status st;
    VKC_TRY(refuse(where, model));
    VKC_TRY(nn_json_get_object(where, model, "vocab", &vocab));
    VKC_TRY(nn_vocab_read(where, vocab, &b->vocab));
    VKC_TRY(read_merges(where, model, b));
    if (nn_json_has(model, "fuse_unk"))
        VKC_TRY(nn_json_get_bool(where, model, "fuse_unk", &b->fuse_unk));
    if (nn_json_has(model, "byte_fallback"))
        VKC_TRY(nn_json_get_bool(where, model, "byte_fallback", &b->byte_fallback));
    if (nn_json_has(model, "ignore_merges"))
        VKC_TRY(nn_json_get_bool(where, model, "ignore_merges", &b->ignore_merges));
    b->unk = NN_TOKEN_NONE;
    if (nn_json_has(model, "unk_token")) {
        const json_t *unk = json_object_get(model, "unk_token");
        if (json_is_string(unk))
            b->unk = nn_vocab_id(&b->vocab, json_string_value(unk), json_string_length(unk));
        if (b->unk == NN_TOKEN_NONE) {
            st = VKC_FAIL(VKC_E_FORMAT, "%s: unk_token is not in the vocabulary", where);
            goto done;
        }
    }
    for (unsigned i = 0; i < 256; i++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", i);
        b->bytes[i] = nn_vocab_id(&b->vocab, name, 6);
    }
done:
    return st;
}

void nn_bpe_free(nn_bpe *b)
{
    nn_vocab_free(&b->vocab);
    free(b->merges);
    *b = (nn_bpe) { 0 };
}
