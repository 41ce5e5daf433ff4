// left_out.c — counts of files passed over.
#include "nn/data/left_out.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// The end of a name in small letters, "" for one that is long, or not of letters and digits.
static void get_end(const char *name, char end[8])
{
    const char *dot = strrchr(name, '.');
    size_t n = 0;
    end[0] = '\0';
    if (dot == NULL || dot == name || strlen(dot) > 7 || dot[1] == '\0')
        return;
    for (n = 1; dot[n]; n++) {
        const char c = dot[n];
        const bool is_capital = c >= 'A' && c <= 'Z';
        if (!is_capital && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return;
        end[n] = (char) (is_capital ? c - 'A' + 'a' : c);
    }
    end[n] = '\0';
    end[0] = '.';
}

void nn_left_out_add_kind(nn_left_out *l, const char *name)
{
    char end[8];
    uint32_t k = 0;
    get_end(name, end);
    while (k < l->n_kinds && strcmp(l->kind[k].end, end) != 0)
        k++;
    if (end[0] == '\0' || (k == l->n_kinds && k == NN_MAX_KINDS)) {
        l->other++;
        return;
    }
    if (k == l->n_kinds) {
        memcpy(l->kind[k].end, end, sizeof end);
        l->kind[k].n = 0;
        l->n_kinds++;
    }
    l->kind[k].n++;
}

uint64_t nn_left_out_files(const nn_left_out *l)
{
    uint64_t n = l->other + l->unreadable + l->loose;
    for (uint32_t k = 0; k < l->n_kinds; k++)
        n += l->kind[k].n;
    return n;
}

bool nn_left_out_any(const nn_left_out *l)
{
    return nn_left_out_files(l) > 0 || l->folders > 0 || l->beside > 0;
}

typedef struct sentence { char *text; size_t size; bool has_one; } sentence;

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void say(sentence *s, const char *fmt, ...)
{
    size_t len = strlen(s->text);
    va_list ap;
    if (s->has_one) {
        snprintf(s->text + len, s->size - len, ", ");
        len = strlen(s->text);
    }
    va_start(ap, fmt);
    vsnprintf(s->text + len, s->size - len, fmt, ap);
    va_end(ap);
    s->has_one = true;
}

void nn_left_out_text(const nn_left_out *l, char *text, size_t size)
{
    const uint64_t files = nn_left_out_files(l);
    sentence s = { text, size, false };
    text[0] = '\0';
    if (!nn_left_out_any(l))
        return;
    snprintf(text, size, files > 0 ? "%" PRIu64 " %s left out: " : "left out: ", files, files == 1 ? "file" : "files");
    for (uint32_t k = 0; k < l->n_kinds; k++)
        say(&s, "%" PRIu64 " %s", l->kind[k].n, l->kind[k].end);
    if (l->other > 0)
        say(&s, "%" PRIu64 " of other kinds", l->other);
    if (l->unreadable > 0)
        say(&s, "%" PRIu64 " that cannot be read", l->unreadable);
    if (l->loose > 0)
        say(&s, "%" PRIu64 " beside the class folders", l->loose);
    if (l->folders > 0)
        say(&s, "%" PRIu64 " %s that cannot be listed", l->folders, l->folders == 1 ? "folder" : "folders");
    if (l->beside > 0)
        say(&s, "%" PRIu64 " %s beside the splits", l->beside, l->beside == 1 ? "folder" : "folders");
}
