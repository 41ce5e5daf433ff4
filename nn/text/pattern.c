// pattern.c — splitting as GPT-2 does, and as cl100k and its relatives do (Llama 3, OLMo 2, Qwen).
//
// The two families take, first to last: a contraction; a word, with what may stand before it; a number; other
// characters; lines and spaces. Of spaces before a word the last is left to the word.
#include "nn/text/pattern.h"

#include <string.h>

#include "nn/text/unicode/unicode.h"

struct nn_pattern {
    const char *regex;
    bool        is_cl100k;      // else GPT-2's
    bool        takes_marks;    // marks are part of words
    size_t      max_digits;     // of a number, 0: any
};

#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define LINES "[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

const nn_pattern nn_pattern_gpt2 = {
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", false, false, 0
};

static const nn_pattern others[] = {
    { "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", false, false, 0 },
    { CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+" LINES, true, false, 3 },
    { CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+" LINES, true, false, 1 },
    { CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}+| ?[^\\s\\p{L}\\p{N}]+" LINES, true, false, 0 },
    { CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+" LINES, true, true, 1 },
};

const nn_pattern *nn_pattern_find(const char *regex)
{
    if (strcmp(regex, nn_pattern_gpt2.regex) == 0)
        return &nn_pattern_gpt2;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(regex, others[i].regex) == 0)
            return &others[i];
    return NULL;
}

typedef struct { const unsigned char *text; size_t len; bool has_marks; } source;
typedef struct { uint32_t code; size_t len; nn_text_class kind; } character;      // len 0: the end

// Marks are letters where the expression takes them so.
static character at(const source *s, size_t place)
{
    character c = { 0, 0, NN_TEXT_OTHER };
    if (place < s->len) {
        c.code = nn_utf8_get(s->text + place, s->len - place, &c.len, NULL);
        c.kind = nn_text_class_of(c.code);
        if (c.kind == NN_TEXT_MARK)
            c.kind = s->has_marks ? NN_TEXT_LETTER : NN_TEXT_OTHER;
    }
    return c;
}

static bool is_line_end(uint32_t code)
{
    return code == '\r' || code == '\n';
}

// The end of the run of characters of one kind, at most `max` (0: any).
static size_t run(const source *s, size_t place, nn_text_class kind, size_t max)
{
    character c;
    for (size_t n = 0; (max == 0 || n < max) && (c = at(s, place)).len > 0 && c.kind == kind; n++)
        place += c.len;
    return place;
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char) (c | 0x20) : c;
}

// 's, 't, 're, 've, 'm, 'll, 'd, in either case where that is said; U+017F is an s then.
static size_t contraction(const source *s, bool any_case)
{
    if (s->text[0] != '\'' || s->len < 2)
        return 0;
    if (any_case && s->len >= 3 && s->text[1] == 0xc5 && s->text[2] == 0xbf)
        return 3;
    const unsigned char a = any_case ? lower(s->text[1]) : s->text[1];
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return 2;
    const unsigned char b = s->len < 3 ? 0 : any_case ? lower(s->text[2]) : s->text[2];
    return (b == 'e' && (a == 'r' || a == 'v')) || (a == 'l' && b == 'l') ? 3 : 0;
}

// White space: up to the last line end in it where lines count, else all of it but the last before a word.
static size_t spaces(const source *s, bool has_lines)
{
    size_t end = 0, last = 0, lines = 0;
    for (character c; (c = at(s, end)).len > 0 && c.kind == NN_TEXT_SPACE; end += c.len) {
        last = end;
        if (is_line_end(c.code))
            lines = end + c.len;
    }
    if (has_lines && lines > 0)
        return lines;
    return end < s->len && last > 0 ? last : end;
}

static size_t match_gpt2(const source *s)
{
    const size_t short_word = contraction(s, false);
    if (short_word > 0)
        return short_word;
    const size_t start = s->text[0] == ' ' ? 1 : 0;
    const character c = at(s, start);
    if (c.len == 0 || c.kind == NN_TEXT_SPACE)
        return spaces(s, false);
    return run(s, start, c.kind, 0);
}

static size_t match_cl100k(const nn_pattern *p, const source *s)
{
    const size_t short_word = contraction(s, true);
    if (short_word > 0)
        return short_word;
    const character first = at(s, 0);
    size_t end;
    if (first.kind == NN_TEXT_LETTER)
        return run(s, 0, NN_TEXT_LETTER, 0);
    if (first.kind == NN_TEXT_NUMBER)
        return run(s, 0, NN_TEXT_NUMBER, p->max_digits);
    if (!is_line_end(first.code) && (end = run(s, first.len, NN_TEXT_LETTER, 0)) > first.len)
        return end;
    const size_t start = first.code == ' ' ? 1 : 0;
    if ((end = run(s, start, NN_TEXT_OTHER, 0)) > start) {
        while (end < s->len && is_line_end(s->text[end]))
            end++;
        return end;
    }
    return spaces(s, true);
}

size_t nn_pattern_match(const nn_pattern *p, const char *text, size_t len)
{
    const source s = { (const unsigned char *) text, len, p->takes_marks };
    return p->is_cl100k ? match_cl100k(p, &s) : match_gpt2(&s);
}
