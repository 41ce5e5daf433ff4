// args.c — the words of a command line into a struct, by a table of typed options.
#include "apps/cli/core/args.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORD 64

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

// Number of letters to change, add or drop to make b of a.
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(b), row[MAX_WORD + 1];
    if (n > MAX_WORD)
        return MAX_WORD;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t above = row[j + 1];
            row[j + 1] = smallest(above + 1, row[j] + 1, corner + (a[i] != b[j]));
            corner = above;
        }
    }
    return row[n];
}

const char *args_closest(const char *word, const char *(*next)(const void *user, size_t i), const void *user)
{
    const char *best = NULL, *candidate;
    size_t best_distance = 0;
    for (size_t i = 0; (candidate = next(user, i)) != NULL; i++) {
        size_t d = distance(word, candidate);
        if (!best || d < best_distance) {
            best = candidate;
            best_distance = d;
        }
    }
    return best && best_distance <= 1 + strlen(best) / 3 ? best : NULL;
}

// Option i of all tables one after the other, or NULL.
static const arg *get_arg(const arg *const *tables, size_t i)
{
    for (size_t t = 0; t < ARGS_MAX_TABLES && tables[t]; t++)
        for (const arg *a = tables[t]; a->name; a++)
            if (i-- == 0)
                return a;
    return NULL;
}

static const char *get_name(const void *user, size_t i)
{
    const arg *a = get_arg((const arg *const *) user, i);
    return a ? a->name : NULL;
}

// "--name", "--name=..." or "-o".
static const arg *find_arg(const arg *const *tables, const char *word)
{
    bool is_long = word[1] == '-';
    size_t len = strcspn(word + 2, "=");
    const arg *a;
    for (size_t i = 0; (a = get_arg(tables, i)) != NULL; i++) {
        if (is_long && strlen(a->name) == len && strncmp(a->name, word + 2, len) == 0)
            return a;
        if (!is_long && a->letter && word[1] == a->letter && word[2] == '\0')
            return a;
    }
    return NULL;
}

static vkc_status read_whole(const arg *a, const char *text, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    uint64_t x = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || x > most)
        return VKC_FAIL(VKC_E_ARG, "--%s wants a whole number from 0 to %llu, not \"%.40s\"", a->name,
                        (unsigned long long) most, text);
    *out = x;
    return VKC_OK;
}

static vkc_status check_range(const arg *a, double x)
{
    if ((a->min != 0.0 || a->max != 0.0) && !(x >= a->min && x <= a->max))
        return VKC_FAIL(VKC_E_ARG, "--%s is %g, want %g to %g", a->name, x, a->min, a->max);
    return VKC_OK;
}

// "224" or "224x160": height, width.
static vkc_status read_size(const arg *a, const char *text, char *at)
{
    unsigned height, width;
    char rest;
    const int n = sscanf(text, "%5ux%5u%c", &height, &width, &rest);
    const bool is_square = n == 1 && strspn(text, "0123456789") == strlen(text);
    if ((n != 2 && !is_square) || text[0] < '0' || text[0] > '9')
        return VKC_FAIL(VKC_E_ARG, "--%s wants pixels a side, 224, or height and width, 224x160; not \"%.40s\"",
                        a->name, text);
    const nn_size size = { (uint32_t) height, (uint32_t) (is_square ? height : width) };
    vkc_status st = check_range(a, size.height);
    if (st == VKC_OK)
        st = check_range(a, size.width);
    if (st == VKC_OK)
        memcpy(at, &size, sizeof size);
    return st;
}

static vkc_status set_value(const arg *a, void *options, const char *text)
{
    vkc_status st = VKC_OK;
    char *at = (char *) options + a->offset;
    uint64_t whole = 0;
    uint32_t small;
    switch (a->type) {
    case ARG_FLAG:
        memcpy(at, &(bool) { true }, sizeof(bool));
        return VKC_OK;
    case ARG_TEXT:
    case ARG_MODEL:
        if (*text == '\0')
            return VKC_FAIL(VKC_E_ARG, "--%s wants a value", a->name);
        memcpy(at, &text, sizeof text);
        return VKC_OK;
    case ARG_U32:
        st = read_whole(a, text, UINT32_MAX, &whole);
        if (st == VKC_OK)
            st = check_range(a, (double) whole);
        if (st != VKC_OK)
            return st;
        small = (uint32_t) whole;
        memcpy(at, &small, sizeof small);
        return VKC_OK;
    case ARG_U64:
        st = read_whole(a, text, UINT64_MAX, &whole);
        if (st == VKC_OK)
            memcpy(at, &whole, sizeof whole);
        return st;
    case ARG_SIZE:
        return read_size(a, text, at);
    case ARG_REAL: {
        char *end;
        double x = strtod(text, &end);
        if (end == text || *end || !isfinite(x))
            return VKC_FAIL(VKC_E_ARG, "--%s wants a number, not \"%.40s\"", a->name, text);
        st = check_range(a, x);
        if (st == VKC_OK)
            memcpy(at, &x, sizeof x);
        return st;
    }
    }
    return st;
}

static vkc_status fail_unknown(const arg *const *tables, const char *word)
{
    char name[MAX_WORD];
    const char *start = word + strspn(word, "-");
    snprintf(name, sizeof name, "%.*s", (int) strcspn(start, "="), start);
    const char *close = args_closest(name, get_name, tables);
    if (close)
        return VKC_FAIL(VKC_E_ARG, "no option %.60s; did you mean --%s?", word, close);
    return VKC_FAIL(VKC_E_ARG, "no option %.60s; --help lists them", word);
}

vkc_status args_read(const arg *const *tables, void *options, int argc, char **argv, args_words *words)
{
    int n = 0;
    bool only_words = false;
    for (int i = 0; i < argc; i++) {
        char *word = argv[i];
        if (only_words || word[0] != '-' || word[1] == '\0') {
            argv[n++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            only_words = true;
            continue;
        }
        const arg *a = find_arg(tables, word);
        if (!a)
            return fail_unknown(tables, word);
        const char *equals = word[1] == '-' ? strchr(word, '=') : NULL;
        const char *value = NULL;
        if (a->type == ARG_FLAG) {
            if (equals)
                return VKC_FAIL(VKC_E_ARG, "--%s takes no value", a->name);
        } else if (equals) {
            value = equals + 1;
        } else {
            if (i + 1 == argc)
                return VKC_FAIL(VKC_E_ARG, "%s wants a value: %s %s", word, word, a->value);
            value = argv[++i];
        }
        vkc_status st = set_value(a, options, value);
        if (st != VKC_OK)
            return st;
    }
    *words = (args_words) { argv, n };
    return VKC_OK;
}

void args_print(FILE *f, const arg *table)
{
    for (const arg *a = table; a->name; a++) {
        char left[64];
        if (a->letter)
            snprintf(left, sizeof left, "-%c, --%s %s", a->letter, a->name, a->value ? a->value : "");
        else
            snprintf(left, sizeof left, "    --%s %s", a->name, a->value ? a->value : "");
        fprintf(f, "  %-26s %s\n", left, a->help);
    }
}
