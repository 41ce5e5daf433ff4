// bpe.c — merges by rank: a queue of pairs over a linked list of symbols, so that a long word takes n log n.
//
// Ids equal those of Hugging Face's tokenizers in odd cases too: of equal ranks the leftmost pair goes first, and a
// pair whose symbols have changed since it was queued still counts if merging them gives the same token.
#include "nn/text/bpe.h"

#include <stdlib.h>

#include "nn/text/unicode/unicode.h"

#define NONE UINT32_MAX

void nn_bpe_scratch_free(nn_bpe_scratch *s)
{
    free(s->symbols);
    free(s->queue);
    *s = (nn_bpe_scratch) { 0 };
}

vkc_status nn_ids_add(nn_ids *out, uint32_t id)
{
    const vkc_status st = nn_list_reserve(&out->data, out->len, &out->room, sizeof *out->data);
    if (st == VKC_OK)
        out->data[out->len++] = id;
    return st;
}

static vkc_status add_symbol(nn_bpe_scratch *s, uint32_t id)
{
    const vkc_status st = nn_list_reserve(&s->symbols, s->n_symbols, &s->symbols_room, sizeof *s->symbols);
    if (st != VKC_OK)
        return st;
    const uint32_t at = (uint32_t) s->n_symbols++;
    s->symbols[at] = (nn_symbol) { id, at == 0 ? NONE : at - 1, NONE, false };
    if (at > 0)
        s->symbols[at - 1].next = at;
    return VKC_OK;
}

// The pair that begins at symbol `at`, if there is a merge for it.
static vkc_status push(const nn_bpe *b, nn_bpe_scratch *s, uint32_t at)
{
    const nn_symbol *left = &s->symbols[at];
    const nn_merge *m = left->next == NONE ? NULL : nn_bpe_merge(b, left->id, s->symbols[left->next].id);
    if (m == NULL)
        return VKC_OK;
    const vkc_status st = nn_list_reserve(&s->queue, s->queued, &s->queue_room, sizeof *s->queue);
    if (st != VKC_OK)
        return st;
    const nn_pending x = { (uint64_t) m->rank << 32 | at, m->made };
    size_t i = s->queued++;
    for (; i > 0 && s->queue[(i - 1) / 2].key > x.key; i = (i - 1) / 2)
        s->queue[i] = s->queue[(i - 1) / 2];
    s->queue[i] = x;
    return VKC_OK;
}

static nn_pending pop(nn_bpe_scratch *s)
{
    const nn_pending first = s->queue[0], x = s->queue[--s->queued];
    size_t i = 0;
    for (size_t k; (k = 2 * i + 1) < s->queued; i = k) {
        if (k + 1 < s->queued && s->queue[k + 1].key < s->queue[k].key)
            k++;
        if (s->queue[k].key >= x.key)
            break;
        s->queue[i] = s->queue[k];
    }
    s->queue[i] = x;
    return first;
}

static vkc_status merge_all(const nn_bpe *b, nn_bpe_scratch *s)
{
    vkc_status st = VKC_OK;
    s->queued = 0;
    for (uint32_t i = 0; i < s->n_symbols; i++)
        VKC_TRY(push(b, s, i));
    while (s->queued > 0) {
        const nn_pending top = pop(s);
        const uint32_t at = (uint32_t) top.key;
        nn_symbol *left = &s->symbols[at];
        if (left->is_gone || left->next == NONE)
            continue;
        nn_symbol *right = &s->symbols[left->next];
        const nn_merge *m = nn_bpe_merge(b, left->id, right->id);
        if (m == NULL || m->made != top.made)
            continue;
        left->id = top.made;
        left->next = right->next;
        right->is_gone = true;
        if (left->next != NONE)
            s->symbols[left->next].before = at;
        if (left->before != NONE)
            VKC_TRY(push(b, s, left->before));
        VKC_TRY(push(b, s, at));
    }
done:
    return st;
}

static bool has_bytes(const nn_bpe *b, const unsigned char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (b->bytes[text[i]] == NN_TOKEN_NONE)
            return false;
    return true;
}

// The characters of a word as symbols. One that is unknown waits, so that it may become one with the next; as in
// tokenizers, bytes of a fallback do not end the wait.
static vkc_status split(const nn_bpe *b, nn_bpe_scratch *s, const char *word, size_t len)
{
    bool is_waiting = false;
    vkc_status st = VKC_OK;
    s->n_symbols = 0;
    for (size_t at = 0, taken; at < len; at += taken) {
        const unsigned char *c = (const unsigned char *) word + at;
        nn_utf8_get(c, len - at, &taken, NULL);
        const uint32_t id = nn_vocab_id(&b->vocab, word + at, taken);
        if (id == NN_TOKEN_NONE && b->byte_fallback && has_bytes(b, c, taken)) {
            for (size_t i = 0; i < taken; i++)
                VKC_TRY(add_symbol(s, b->bytes[c[i]]));
            continue;
        }
        if (is_waiting && (id != NN_TOKEN_NONE || !b->fuse_unk)) {
            VKC_TRY(add_symbol(s, b->unk));
            is_waiting = false;
        }
        if (id != NN_TOKEN_NONE)
            VKC_TRY(add_symbol(s, id));
        else
            is_waiting = b->unk != NN_TOKEN_NONE;
    }
    if (is_waiting)
        VKC_TRY(add_symbol(s, b->unk));
done:
    return st;
}

vkc_status nn_bpe_word(const nn_bpe *b, nn_bpe_scratch *s, const char *word, size_t len, nn_ids *out)
{
    vkc_status st;
    if (b->ignore_merges) {
        const uint32_t id = nn_vocab_id(&b->vocab, word, len);
        if (id != NN_TOKEN_NONE)
            return nn_ids_add(out, id);
    }
    if (len > INT32_MAX)
        return VKC_FAIL(VKC_E_ARG, "a word of %zu bytes, want less than 2 GiB", len);
    VKC_TRY(split(b, s, word, len));
    VKC_TRY(merge_all(b, s));
    for (uint32_t i = 0; i < s->n_symbols; i++)
        if (!s->symbols[i].is_gone)
            VKC_TRY(nn_ids_add(out, s->symbols[i].id));
done:
    return st;
}
