// steps.c — runs pre-tokenizers: each hands its pieces to the next, the last to the caller.
#include "nn/text/steps.h"

#include <stdlib.h>
#include <string.h>

#include "nn/text/normalizer.h"
#include "nn/text/unicode/unicode.h"

typedef struct runner {
    const nn_steps *steps;
    nn_bytes       *scratch;
    nn_steps_word  *word;
    void           *user;
} runner;

// A step that is under way in a text: pieces that wait to be joined with what comes.
typedef struct splitter {
    const runner *r;
    size_t        next;             // the step that gets the pieces
    const char   *text;
    bool          is_first;
    size_t        from, to;         // what waits, if from < to
    bool          was_found;        // the last part was what is looked for
} splitter;

static vkc_status run_step(const runner *r, size_t i, const char *text, size_t len, bool is_first);

static vkc_status emit(const splitter *p, size_t from, size_t to)
{
    return from == to ? VKC_OK : run_step(p->r, p->next, p->text + from, to - from, p->is_first && from == 0);
}

static vkc_status flush(splitter *p)
{
    const vkc_status st = emit(p, p->from, p->to);
    p->from = p->to;
    return st;
}

// The next part of the text, which begins where the last one ended.
static vkc_status part(splitter *p, const nn_step *s, size_t from, size_t to, bool is_found)
{
    vkc_status st = VKC_OK;
    if (from == to)
        return VKC_OK;
    is_found = is_found != s->invert;
    const bool was_found = p->was_found, joins =
        (s->behavior == NN_WITH_PREVIOUS && is_found && !was_found) ||
        (s->behavior == NN_WITH_NEXT && !is_found && was_found) ||
        (s->behavior == NN_CONTIGUOUS && is_found == was_found);
    p->was_found = is_found;
    if (s->behavior == NN_ISOLATED)
        return emit(p, from, to);
    if (s->behavior == NN_REMOVED)
        return is_found ? VKC_OK : emit(p, from, to);
    if (!joins || p->from == p->to) {
        VKC_TRY(flush(p));
        p->from = from;
    }
    p->to = to;
done:
    return st;
}

static vkc_status by_regex(splitter *p, const nn_step *s, size_t len)
{
    vkc_status st = VKC_OK;
    for (size_t at = 0, taken; at < len; at += taken) {
        taken = nn_pattern_match(s->pattern, p->text + at, len - at);
        VKC_TRY(part(p, s, at, at + taken, true));
    }
    st = flush(p);
done:
    return st;
}

static const char *find(const char *text, size_t len, const nn_bytes *what)
{
    const char *end = text + len;
    while ((size_t) (end - text) >= what->len) {
        text = memchr(text, what->data[0], (size_t) (end - text) - what->len + 1);
        if (text == NULL || memcmp(text, what->data, what->len) == 0)
            return text;
        text++;
    }
    return NULL;
}

static vkc_status by_string(splitter *p, const nn_step *s, size_t len)
{
    size_t at = 0;
    vkc_status st = VKC_OK;
    for (const char *found; (found = find(p->text + at, len - at, &s->text)) != NULL;) {
        const size_t from = (size_t) (found - p->text);
        VKC_TRY(part(p, s, at, from, false));
        at = from + s->text.len;
        VKC_TRY(part(p, s, from, at, true));
    }
    VKC_TRY(part(p, s, at, len, false));
    st = flush(p);
done:
    return st;
}

static vkc_status by_digits(splitter *p, const nn_step *s, size_t len)
{
    size_t rest = 0;
    vkc_status st = VKC_OK;
    for (size_t at = 0, taken; at < len; at += taken) {
        const uint32_t code = nn_utf8_get((const unsigned char *) p->text + at, len - at, &taken, NULL);
        if (nn_text_class_of(code) != NN_TEXT_NUMBER)
            continue;
        VKC_TRY(part(p, s, rest, at, false));
        VKC_TRY(part(p, s, at, at + taken, true));
        rest = at + taken;
    }
    VKC_TRY(part(p, s, rest, len, false));
    st = flush(p);
done:
    return st;
}

static vkc_status by_runs(splitter *p, const nn_step *s, size_t len)
{
    size_t from = 0, at = 0;
    vkc_status st = VKC_OK;
    for (const char *found; (found = find(p->text + at, len - at, &s->text)) != NULL;) {
        const size_t start = (size_t) (found - p->text);
        if (start > at) {                               // something is between it and the one before
            VKC_TRY(emit(p, from, start));
            from = start;
        }
        at = start + s->text.len;
    }
    st = emit(p, from, len);
done:
    return st;
}

static bool begins(const char *text, size_t len, const char *with, size_t with_len)
{
    return len >= with_len && memcmp(text, with, with_len) == 0;
}

// Spaces changed, and one put before; *text becomes what is in the scratch then.
static vkc_status metaspace(const nn_step *s, nn_bytes *scratch, const char **text, size_t *len, bool is_first)
{
    char space[] = " ";
    const nn_bytes from = { space, 1, 0 };
    vkc_status st;
    scratch->len = 0;
    const bool has_it = begins(*text, *len, " ", 1) || begins(*text, *len, s->text.data, s->text.len);
    if (s->prefix && !has_it && (is_first || !s->first_only))
        VKC_TRY(nn_bytes_add(scratch, s->text.data, s->text.len));
    VKC_TRY(nn_text_replace(*text, *len, &from, &s->text, scratch));
    *text = scratch->data;
    *len = scratch->len;
done:
    return st;
}

static vkc_status byte_level(splitter *p, const nn_step *s, nn_bytes *scratch, size_t len)
{
    vkc_status st = VKC_OK;
    if (s->prefix && p->text[0] != ' ') {
        scratch->len = 0;
        VKC_TRY(nn_bytes_add(scratch, " ", 1));
        VKC_TRY(nn_bytes_add(scratch, p->text, len));
        p->text = scratch->data;
        len = scratch->len;
    }
    return s->pattern != NULL ? by_regex(p, s, len) : emit(p, 0, len);
done:
    return st;
}

static vkc_status run_step(const runner *r, size_t i, const char *text, size_t len, bool is_first)
{
    vkc_status st;
    if (i == r->steps->len)
        return r->word(r->user, text, len);
    const nn_step *s = &r->steps->steps[i];
    splitter p = { r, i + 1, text, is_first, 0, 0, false };
    switch (s->kind) {
    case NN_STEP_REGEX:
        return by_regex(&p, s, len);
    case NN_STEP_STRING:
        return by_string(&p, s, len);
    case NN_STEP_DIGITS:
        return by_digits(&p, s, len);
    case NN_STEP_RUNS:
        return by_runs(&p, s, len);
    case NN_STEP_BYTE_LEVEL:
        return byte_level(&p, s, &r->scratch[i], len);
    case NN_STEP_METASPACE:
        break;
    }
    VKC_TRY(metaspace(s, &r->scratch[i], &p.text, &len, is_first));
    return s->behavior == NN_WITH_NEXT ? by_string(&p, s, len) : emit(&p, 0, len);
done:
    return st;
}

vkc_status nn_steps_run(const nn_steps *s, nn_bytes scratch[NN_MAX_STEPS], const char *text, size_t len, bool is_first,
                        nn_steps_word *word, void *user)
{
    const runner r = { s, scratch, word, user };
    return len == 0 ? VKC_OK : run_step(&r, 0, text, len, is_first);
}

void nn_steps_free(nn_steps *s)
{
    for (size_t i = 0; i < s->len; i++)
        nn_bytes_free(&s->steps[i].text);
    s->len = 0;
}

bool nn_steps_are_byte_level(const nn_steps *s)
{
    return s->len > 0 && s->steps[s->len - 1].kind == NN_STEP_BYTE_LEVEL;
}
