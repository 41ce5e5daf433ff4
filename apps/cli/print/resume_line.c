// resume_line.c — a command line, word by word, to one that resumes.
#include "apps/cli/print/resume_line.h"

#include <string.h>

#define LIMIT "--max-steps"

typedef struct line { char *out; size_t size, len; } line;

static void append(line *l, const char *text, size_t len)
{
    const size_t room = l->size - 1 - l->len;
    len = len < room ? len : room;
    memcpy(l->out + l->len, text, len);
    l->len += len;
    l->out[l->len] = '\0';
}

static void append_word(line *l, const char *word, size_t len)
{
    if (l->len > 0)
        append(l, " ", 1);
    append(l, word, len);
}

// Up to the blank behind a word; blanks in quotes are part of it, and so is what a backslash is before.
static size_t measure_word(const char *at)
{
    bool is_quoted = false;
    size_t n = 0;
    for (; at[n] && (is_quoted || at[n] != ' '); n++) {
        if (at[n] == '\'')
            is_quoted = !is_quoted;
        else if (at[n] == '\\' && !is_quoted && at[n + 1])
            n++;
    }
    return n;
}

static bool is_word(const char *word, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(word, text, len) == 0;
}

void resume_line(const char *typed, bool is_over, char *out, size_t size)
{
    line l = { out, size, 0 };
    bool has_resume = false, has_ended = false, is_value = false;
    out[0] = '\0';
    for (size_t len; *typed; typed += len + (typed[len] == ' ')) {
        len = measure_word(typed);
        const bool drops = is_value || (is_over && !has_ended && (is_word(typed, len, LIMIT) ||
                                        strncmp(typed, LIMIT "=", sizeof LIMIT) == 0));
        is_value = drops && !is_value && is_word(typed, len, LIMIT);
        if (drops)
            continue;
        has_resume = has_resume || (!has_ended && is_word(typed, len, "--resume"));
        if (is_word(typed, len, "--") && !has_resume) {
            append_word(&l, "--resume", 8);
            has_resume = true;
        }
        has_ended = has_ended || is_word(typed, len, "--");
        append_word(&l, typed, len);
    }
    if (!has_resume)
        append_word(&l, "--resume", 8);
}
