// encode.c — text to ids: added tokens first, then what lies between them, normalized, split and merged word by word.
#include <stdlib.h>
#include <string.h>

#include "nn/text/byte_level.h"
#include "nn/text/tokenizer_impl.h"
#include "nn/text/unicode/unicode.h"

#define CACHED_WORDS 32768u         // a power of two
#define CACHED_BYTES 26             // of a word; longer ones are not kept
#define CACHED_IDS 12

typedef struct { char word[CACHED_BYTES]; uint8_t len, n; uint32_t ids[CACHED_IDS]; } cached;

struct nn_text_encoder {
    const nn_tokenizer *t;
    nn_bytes            valid, normal, room, mapped;
    nn_bytes            scratch[NN_MAX_STEPS];
    nn_bpe_scratch      bpe;
    nn_ids              ids;
    cached             *words;      // by hash, the newest of each
    bool                is_literal;
};

vkc_status nn_text_encoder_create(const nn_tokenizer *t, nn_text_encoder **out)
{
    nn_text_encoder *e = calloc(1, sizeof *e);
    if (e == NULL || (e->words = calloc(CACHED_WORDS, sizeof *e->words)) == NULL) {
        free(e);
        return VKC_FAIL(VKC_E_NOMEM, "no memory for an encoder of text");
    }
    e->t = t;
    *out = e;
    return VKC_OK;
}

void nn_text_encoder_destroy(nn_text_encoder *e)
{
    if (e == NULL)
        return;
    nn_bytes_free(&e->valid);
    nn_bytes_free(&e->normal);
    nn_bytes_free(&e->room);
    nn_bytes_free(&e->mapped);
    for (size_t i = 0; i < NN_MAX_STEPS; i++)
        nn_bytes_free(&e->scratch[i]);
    nn_bpe_scratch_free(&e->bpe);
    free(e->ids.data);
    free(e->words);
    free(e);
}

static cached *cached_of(const nn_text_encoder *e, const char *word, size_t len)
{
    uint64_t h = len;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char) word[i]) * 0x9e3779b97f4a7c15u;
    return &e->words[(h >> 40) & (CACHED_WORDS - 1)];
}

static vkc_status merge(nn_text_encoder *e, const char *word, size_t len)
{
    vkc_status st;
    if (!e->t->is_byte_level)
        return nn_bpe_word(&e->t->bpe, &e->bpe, word, len, &e->ids);
    e->mapped.len = 0;
    VKC_TRY(nn_byte_level_add(word, len, &e->mapped));
    st = nn_bpe_word(&e->t->bpe, &e->bpe, e->mapped.data, e->mapped.len, &e->ids);
done:
    return st;
}

static vkc_status add_word(void *user, const char *word, size_t len)
{
    nn_text_encoder *e = user;
    vkc_status st;
    if (len > CACHED_BYTES)
        return merge(e, word, len);
    cached *c = cached_of(e, word, len);
    if (c->len == len && memcmp(c->word, word, len) == 0) {
        for (size_t i = 0; i < c->n; i++)
            VKC_TRY(nn_ids_add(&e->ids, c->ids[i]));
        return VKC_OK;
    }
    const size_t before = e->ids.len;
    VKC_TRY(merge(e, word, len));
    if (e->ids.len - before <= CACHED_IDS) {
        memcpy(c->word, word, len);
        c->len = (uint8_t) len;
        c->n = (uint8_t) (e->ids.len - before);
        for (size_t i = 0; i < c->n; i++)
            c->ids[i] = e->ids.data[before + i];
    }
done:
    return st;
}

// What white space `text` ends with, in bytes.
static size_t spaces_at_end(const char *text, size_t len)
{
    size_t end = len;
    while (end > 0) {
        size_t head = end - 1, taken;
        while (head > 0 && ((unsigned char) text[head] & 0xc0) == 0x80)
            head--;
        const uint32_t code = nn_utf8_get((const unsigned char *) text + head, end - head, &taken, NULL);
        if (nn_text_class_of(code) != NN_TEXT_SPACE)
            break;
        end = head;
    }
    return len - end;
}

static size_t spaces_at_start(const char *text, size_t len)
{
    size_t at = 0;
    for (size_t taken; at < len; at += taken) {
        const uint32_t code = nn_utf8_get((const unsigned char *) text + at, len - at, &taken, NULL);
        if (nn_text_class_of(code) != NN_TEXT_SPACE)
            break;
    }
    return at;
}

typedef vkc_status add_text(nn_text_encoder *e, const char *text, size_t len, bool is_first);

// The tokens of a set are ids, and what lies between goes to `rest`.
static vkc_status add_around(nn_text_encoder *e, const nn_added_set *set, const char *text, size_t len, bool is_first,
                             add_text *rest)
{
    const nn_added_list *list = &e->t->added;
    size_t done_to = 0, from = 0, start = 0;
    vkc_status st = VKC_OK;
    for (const nn_added *a; (a = nn_added_find(list, set, text, len, from, &start)) != NULL;) {
        size_t stop = start + a->find_len;
        from = stop;
        if (e->is_literal && a->special)
            continue;
        if (a->lstrip) {
            const size_t stripped = start - spaces_at_end(text, start);
            start = stripped > done_to ? stripped : done_to;
        }
        if (a->rstrip)
            stop += spaces_at_start(text + stop, len - stop);
        if (start >= stop)                  // the token before has taken all of it as white space behind it
            continue;
        if (done_to < start)
            VKC_TRY(rest(e, text + done_to, start - done_to, is_first && done_to == 0));
        VKC_TRY(nn_ids_add(&e->ids, a->id));
        done_to = stop;
    }
    if (done_to < len)
        VKC_TRY(rest(e, text + done_to, len - done_to, is_first && done_to == 0));
done:
    return st;
}

static vkc_status add_split(nn_text_encoder *e, const char *text, size_t len, bool is_first)
{
    return nn_steps_run(&e->t->steps, e->scratch, text, len, is_first, add_word, e);
}

static vkc_status add_raw(nn_text_encoder *e, const char *text, size_t len, bool is_first)
{
    const nn_tokenizer *t = e->t;
    vkc_status st;
    if (!nn_normalizer_keeps(&t->normalizer, text, len)) {
        VKC_TRY(nn_normalizer_apply(&t->normalizer, text, len, &e->normal, &e->room));
        text = e->normal.data;
        len = e->normal.len;
    }
    st = add_around(e, &t->added.normalized, text, len, is_first, add_split);
done:
    return st;
}

// *text becomes a copy if not all of it is UTF-8.
static vkc_status make_valid(nn_text_encoder *e, const char **text, size_t *size)
{
    const unsigned char *from = (const unsigned char *) *text;
    size_t kept = 0, taken;
    vkc_status st = VKC_OK;
    e->valid.len = 0;
    for (size_t at = 0; at < *size; at += taken) {
        bool is_valid = true;
        taken = 1;
        if (from[at] < 0x80)
            continue;
        nn_utf8_get(from + at, *size - at, &taken, &is_valid);
        if (is_valid)
            continue;
        VKC_TRY(nn_bytes_add(&e->valid, from + kept, at - kept));
        VKC_TRY(nn_bytes_add_code(&e->valid, 0xfffd));
        kept = at + taken;
    }
    if (kept > 0) {
        VKC_TRY(nn_bytes_add(&e->valid, from + kept, *size - kept));
        *text = e->valid.data;
        *size = e->valid.len;
    }
done:
    return st;
}

static vkc_status add_ids(nn_text_encoder *e, const nn_ids *ids)
{
    vkc_status st = VKC_OK;
    for (size_t i = 0; i < ids->len; i++)
        VKC_TRY(nn_ids_add(&e->ids, ids->data[i]));
done:
    return st;
}

vkc_status nn_text_encode(nn_text_encoder *e, const char *text, size_t size, unsigned flags, const uint32_t **ids,
                          size_t *len)
{
    const nn_tokenizer *t = e->t;
    vkc_status st;
    if (size > NN_TOKENIZER_MAX_TEXT)
        return VKC_FAIL(VKC_E_ARG, "a text of %zu bytes, want at most %zu", size, NN_TOKENIZER_MAX_TEXT);
    e->ids.len = 0;
    e->is_literal = (flags & NN_ENCODE_LITERAL) != 0;
    VKC_TRY(make_valid(e, &text, &size));
    if (flags & NN_ENCODE_SPECIAL)
        VKC_TRY(add_ids(e, &t->around.before));
    VKC_TRY(add_around(e, &t->added.plain, text, size, true, add_raw));
    if (flags & NN_ENCODE_SPECIAL)
        VKC_TRY(add_ids(e, &t->around.after));
    *ids = e->ids.data;
    *len = e->ids.len;
done:
    return st;
}
