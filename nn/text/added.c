// added.c — reads added tokens, and finds the leftmost and longest of them in a text.
#include "nn/text/added.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"

#define FOUND(list, t) ((list)->text.data + (t)->find_at)

// Adds bytes to the texts of the list, with a NUL behind.
static vkc_status keep(nn_added_list *list, const char *text, size_t len, size_t *at)
{
    vkc_status st;
    *at = list->text.len;
    VKC_TRY(nn_bytes_add(&list->text, text, len));
    st = nn_bytes_add(&list->text, "", 1);
done:
    return st;
}

static vkc_status flag(const char *where, const json_t *object, const char *key, bool *out)
{
    *out = false;
    return nn_json_has(object, key) ? nn_json_get_bool(where, object, key, out) : VKC_OK;
}

static vkc_status read_one(const char *where, const json_t *object, const nn_vocab *vocab,
                           const nn_normalizer *normalizer, nn_added_list *list)
{
    const json_t *content = json_object_get(object, "content");
    nn_added t = { 0 };
    nn_bytes a = { 0 }, b = { 0 };
    bool single_word;
    vkc_status st;
    if (!json_is_string(content))
        return VKC_FAIL(VKC_E_FORMAT, "%s: an added token has no content", where);
    if (json_string_length(content) == 0)
        return VKC_OK;
    const char *text = json_string_value(content);
    t.len = json_string_length(content);
    VKC_TRY(nn_json_get_u32(where, object, "id", 0, NN_MAX_TOKEN_ID - 1, &t.id));
    VKC_TRY(flag(where, object, "lstrip", &t.lstrip));
    VKC_TRY(flag(where, object, "rstrip", &t.rstrip));
    VKC_TRY(flag(where, object, "special", &t.special));
    t.normalized = !t.special;
    if (nn_json_has(object, "normalized"))
        VKC_TRY(nn_json_get_bool(where, object, "normalized", &t.normalized));
    VKC_TRY(flag(where, object, "single_word", &single_word));
    if (single_word) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s: added token \"%.60s\": single_word is not supported", where, text);
        goto done;
    }
    const uint32_t id = nn_vocab_id(vocab, text, t.len);
    size_t other;
    if (id != NN_TOKEN_NONE ? id != t.id : nn_vocab_token(vocab, t.id, &other) != NULL) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s: added token \"%.60s\" has id %u, which the vocabulary gives otherwise", where,
                      text, t.id);
        goto done;
    }
    VKC_TRY(keep(list, text, t.len, &t.at));
    t.find_at = t.at;
    t.find_len = t.len;
    if (t.normalized) {
        VKC_TRY(nn_normalizer_apply(normalizer, text, t.len, &a, &b));
        if (a.len == 0) {
            st = VKC_FAIL(VKC_E_FORMAT, "%s: nothing is left of added token \"%.60s\" once it is normalized", where,
                          text);
            goto done;
        }
        VKC_TRY(keep(list, a.data, a.len, &t.find_at));
        t.find_len = a.len;
    }
    VKC_TRY(nn_list_reserve(&list->tokens, list->len, &list->room, sizeof *list->tokens));
    t.order = list->len + (t.special ? 0 : NN_MAX_TOKEN_ID);
    list->tokens[list->len++] = t;
done:
    nn_bytes_free(&a);
    nn_bytes_free(&b);
    return st;
}

typedef struct { const nn_added *token; const char *text; } row;

static int compare(const void *x, const void *y)
{
    const row *a = x, *b = y;
    const size_t la = a->token->find_len, lb = b->token->find_len;
    const int by_text = memcmp(a->text, b->text, la < lb ? la : lb);
    if (by_text != 0)
        return by_text;
    if (la != lb)
        return la < lb ? -1 : 1;
    return a->token->order < b->token->order ? -1 : 1;
}

// Tokens with the flag `normalized`, sorted; of those that look the same the first in order stays.
static vkc_status make_set(const char *where, const nn_added_list *list, bool normalized, nn_added_set *set)
{
    row *rows = malloc((list->len + 1) * sizeof *rows);
    size_t n = 0;
    set->tokens = malloc((list->len + 1) * sizeof *set->tokens);
    if (rows == NULL || set->tokens == NULL) {
        free(rows);
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the added tokens of %s", where);
    }
    for (size_t i = 0; i < list->len; i++)
        if (list->tokens[i].normalized == normalized)
            rows[n++] = (row) { &list->tokens[i], FOUND(list, &list->tokens[i]) };
    qsort(rows, n, sizeof *rows, compare);
    for (size_t i = 0; i < n; i++) {
        const nn_added *t = rows[i].token, *before = set->len > 0 ? set->tokens[set->len - 1] : NULL;
        if (before == NULL || before->find_len != t->find_len ||
            memcmp(FOUND(list, before), rows[i].text, t->find_len) != 0)
            set->tokens[set->len++] = t;
    }
    for (size_t i = 0, byte = 0; byte <= 256; byte++) {
        while (i < set->len && (unsigned char) FOUND(list, set->tokens[i])[0] < byte)
            i++;
        set->first[byte] = i;
    }
    free(rows);
    return VKC_OK;
}

static vkc_status index_ids(const char *where, nn_added_list *list)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->tokens[i].id >= list->ids)
            list->ids = list->tokens[i].id + 1;
    list->by_id = calloc((size_t) list->ids + 1, sizeof *list->by_id);
    if (list->by_id == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the added tokens of %s", where);
    for (size_t i = 0; i < list->len; i++) {
        const nn_added *t = &list->tokens[i];
        if (list->by_id[t->id] != 0)
            return VKC_FAIL(VKC_E_FORMAT, "%s: two added tokens have id %u, one of them is \"%.60s\"", where, t->id,
                            nn_added_content(list, t));
        list->by_id[t->id] = (uint32_t) i + 1;
    }
    return VKC_OK;
}

vkc_status nn_added_read(const char *where, const json_t *root, const nn_vocab *vocab,
                         const nn_normalizer *normalizer, nn_added_list *list)
{
    json_t *tokens;
    vkc_status st;
    if (nn_json_has(root, "added_tokens")) {
        VKC_TRY(nn_json_get_array(where, root, "added_tokens", 0, NN_MAX_TOKEN_ID, &tokens));
        for (size_t i = 0; i < json_array_size(tokens); i++)
            VKC_TRY(read_one(where, json_array_get(tokens, i), vocab, normalizer, list));
    }
    VKC_TRY(index_ids(where, list));
    VKC_TRY(make_set(where, list, false, &list->plain));
    st = make_set(where, list, true, &list->normalized);
done:
    return st;
}

void nn_added_free(nn_added_list *list)
{
    free(list->tokens);
    free(list->by_id);
    free(list->plain.tokens);
    free(list->normalized.tokens);
    nn_bytes_free(&list->text);
    *list = (nn_added_list) { 0 };
}

const nn_added *nn_added_of(const nn_added_list *list, uint32_t id)
{
    return id < list->ids && list->by_id[id] != 0 ? &list->tokens[list->by_id[id] - 1] : NULL;
}

const nn_added *nn_added_named(const nn_added_list *list, const char *content, size_t len)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->tokens[i].len == len && memcmp(nn_added_content(list, &list->tokens[i]), content, len) == 0)
            return &list->tokens[i];
    return NULL;
}

const char *nn_added_content(const nn_added_list *list, const nn_added *token)
{
    return list->text.data + token->at;
}

const char *nn_added_found(const nn_added_list *list, const nn_added *token, size_t *len)
{
    *len = token->find_len;
    return FOUND(list, token);
}

// Of the range [from, to), whose tokens agree in their first n bytes and are longer: the first with byte `c` or more.
static size_t bound(const nn_added_list *list, const nn_added_set *set, size_t from, size_t to, size_t n, unsigned c)
{
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if ((unsigned char) FOUND(list, set->tokens[middle])[n] < c)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

// The longest token that `text` begins with. Those that agree with its first bytes are neighbours: their range narrows.
static const nn_added *match(const nn_added_list *list, const nn_added_set *set, const char *text, size_t len)
{
    const unsigned char head = (unsigned char) text[0];
    size_t from = set->first[head], to = set->first[head + 1];
    const nn_added *longest = NULL;
    for (size_t n = 1; from < to; n++) {
        if (set->tokens[from]->find_len == n)
            longest = set->tokens[from++];
        if (n == len)
            break;
        const unsigned c = (unsigned char) text[n];
        from = bound(list, set, from, to, n, c);
        to = bound(list, set, from, to, n, c + 1);
    }
    return longest;
}

const nn_added *nn_added_find(const nn_added_list *list, const nn_added_set *set, const char *text, size_t len,
                              size_t from, size_t *start)
{
    for (size_t at = from; at < len; at++) {
        const unsigned char head = (unsigned char) text[at];
        if (set->first[head] == set->first[head + 1])
            continue;
        const nn_added *t = match(list, set, text + at, len - at);
        if (t != NULL) {
            *start = at;
            return t;
        }
    }
    return NULL;
}
