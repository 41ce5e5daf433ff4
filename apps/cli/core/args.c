// args.c — the words of a command line into a struct, by a table of typed options.
#include "apps/cli/core/args.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/destination.h"

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

// "--name" or "--name=...".
static const arg *find_long(const arg *const *tables, const char *word)
{
    const size_t len = strcspn(word + 2, "=");
    const arg *a;
    for (size_t i = 0; (a = get_arg(tables, i)) != NULL; i++)
        if (strlen(a->name) == len && strncmp(a->name, word + 2, len) == 0)
            return a;
    return NULL;
}

static const arg *find_letter(const arg *const *tables, char letter)
{
    const arg *a;
    for (size_t i = 0; (a = get_arg(tables, i)) != NULL; i++)
        if (a->letter && a->letter == letter)
            return a;
    return NULL;
}

bool args_read_number(const char *text, const char **end, double *out)
{
    // Strtod knows more than a person means: blanks before, "0x10", "inf", "nan(1)".
    const size_t len = strspn(text, "+-.0123456789eE");
    char *at;
    const double x = strtod(text, &at);
    *end = at;
    *out = x;
    return at != text && (size_t) (at - text) <= len && isfinite(x);
}

// Of whole numbers too, all of whose digits are said.
static void print_bound(char out[32], double x)
{
    snprintf(out, 32, fabs(x) < 1e10 ? "%.10g" : "%.0f", x);
}

static vkc_status fail_range(const arg *a, const char *text)
{
    char least[32], most[32];
    print_bound(least, a->min);
    print_bound(most, a->max);
    return VKC_FAIL(VKC_E_ARG, "--%s is %.40s, want %s to %s", a->name, text, least, most);
}

static bool has_range(const arg *a)
{
    return a->min != 0.0 || a->max != 0.0;
}

static bool is_in_range(const arg *a, double x)
{
    return !has_range(a) || (x >= a->min && x <= a->max);
}

static vkc_status read_whole(const arg *a, const char *text, uint64_t most, uint64_t *out)
{
    char *end, least[32] = "0", largest[32];
    errno = 0;
    uint64_t x = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || x > most) {
        snprintf(largest, sizeof largest, "%llu", (unsigned long long) most);
        if (has_range(a)) {
            print_bound(least, a->min);
            print_bound(largest, a->max);
        }
        return VKC_FAIL(VKC_E_ARG, "--%s wants a whole number from %s to %s, not \"%.40s\"", a->name, least, largest,
                        text);
    }
    *out = x;
    return VKC_OK;
}

// Up to nine digits from *text on.
static bool read_digits(const char **text, uint32_t *out)
{
    const size_t len = strspn(*text, "0123456789");
    *out = (uint32_t) strtoul(*text, NULL, 10);
    *text += len;
    return len > 0 && len < 10;
}

// "224" or "224x160": height, width.
static vkc_status read_size(const arg *a, const char *text, char *at)
{
    nn_size size;
    const char *end = text;
    bool is_good = read_digits(&end, &size.height);
    size.width = size.height;
    if (is_good && *end == 'x') {
        end++;
        is_good = read_digits(&end, &size.width);
    }
    if (!is_good || *end)
        return VKC_FAIL(VKC_E_ARG, "--%s wants pixels a side, 224, or height and width, 224x160; not \"%.40s\"",
                        a->name, text);
    if (!is_in_range(a, size.height) || !is_in_range(a, size.width))
        return fail_range(a, text);
    memcpy(at, &size, sizeof size);
    return VKC_OK;
}

// "0.08,1": from, to.
static vkc_status read_range(const arg *a, const char *text, char *at)
{
    const char *end;
    double x[2];
    if (!args_read_number(text, &end, &x[0]) || *end != ',' || !args_read_number(end + 1, &end, &x[1]) || *end)
        return VKC_FAIL(VKC_E_ARG, "--%s wants two numbers with a comma between, not \"%.40s\"", a->name, text);
    if (!is_in_range(a, x[0]) || !is_in_range(a, x[1]))
        return fail_range(a, text);
    if (x[0] > x[1])
        return VKC_FAIL(VKC_E_ARG, "--%s wants the lesser number first, not \"%.40s\"", a->name, text);
    memcpy(at, x, sizeof x);
    return VKC_OK;
}

static vkc_status set_value(const arg *a, void *options, const char *text)
{
    vkc_status st = VKC_OK;
    char *at = (char *) options + a->offset;
    char name[MAX_WORD];
    const char *end;
    uint64_t whole = 0;
    uint32_t small;
    double x;
    switch (a->type) {
    case ARG_FLAG:
        memcpy(at, &(bool) { true }, sizeof(bool));
        return VKC_OK;
    case ARG_OUT:
    case ARG_OUT_STREAM:
        snprintf(name, sizeof name, "--%s", a->name);
        if (a->type == ARG_OUT || strcmp(text, "-") != 0)
            st = nn_destination_check_path(name, text);
        if (st == VKC_OK)
            memcpy(at, &text, sizeof text);
        return st;
    case ARG_TEXT:
    case ARG_MODEL:
        if (*text == '\0')
            return VKC_FAIL(VKC_E_ARG, "--%s wants a value", a->name);
        memcpy(at, &text, sizeof text);
        return VKC_OK;
    case ARG_U32:
        st = read_whole(a, text, UINT32_MAX, &whole);
        if (st == VKC_OK && !is_in_range(a, (double) whole))
            st = fail_range(a, text);
        if (st != VKC_OK)
            return st;
        small = (uint32_t) whole;
        memcpy(at, &small, sizeof small);
        return VKC_OK;
    case ARG_U64:
        st = read_whole(a, text, INT64_MAX, &whole);       // as run.json and pare.json can hold it
        if (st == VKC_OK)
            memcpy(at, &whole, sizeof whole);
        return st;
    case ARG_SIZE:
        return read_size(a, text, at);
    case ARG_RANGE:
        return read_range(a, text, at);
    case ARG_REAL:
        if (!args_read_number(text, &end, &x) || *end)
            return VKC_FAIL(VKC_E_ARG, "--%s wants a number, not \"%.40s\"", a->name, text);
        if (!is_in_range(a, x))
            return fail_range(a, text);
        memcpy(at, &x, sizeof x);
        return VKC_OK;
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

// The words that are left; *used of them are taken.
typedef struct rest { char **word; int n, used; } rest;

static vkc_status next_value(const arg *a, const char *word, rest *r, const char **out)
{
    if (r->used == r->n)
        return VKC_FAIL(VKC_E_ARG, "%s wants a value: %s %s", word, word, a->value);
    *out = r->word[r->used++];
    return VKC_OK;
}

static vkc_status read_long(const arg *const *tables, void *options, const char *word, rest *r)
{
    const arg *a = find_long(tables, word);
    const char *equals = strchr(word, '='), *value = equals ? equals + 1 : NULL;
    if (!a)
        return fail_unknown(tables, word);
    if (a->type == ARG_FLAG && equals)
        return VKC_FAIL(VKC_E_ARG, "--%s takes no value", a->name);
    vkc_status st = a->type == ARG_FLAG || value ? VKC_OK : next_value(a, word, r, &value);
    return st == VKC_OK ? set_value(a, options, value) : st;
}

// "-v", "-vq", "-k 1", "-k1", "-k=1": flags one after the other, the last of which may be an option with a value.
static vkc_status read_letters(const arg *const *tables, void *options, const char *word, rest *r)
{
    for (const char *p = word + 1; *p; p++) {
        const arg *a = find_letter(tables, *p);
        const char *value = p[1] ? p + 1 + (p[1] == '=') : NULL;
        if (!a || (a->type == ARG_FLAG && p[1] == '='))
            return fail_unknown(tables, word);
        vkc_status st = a->type == ARG_FLAG || value ? VKC_OK : next_value(a, word, r, &value);
        if (st == VKC_OK)
            st = set_value(a, options, value);
        if (st != VKC_OK || a->type != ARG_FLAG)
            return st;
    }
    return VKC_OK;
}

vkc_status args_read(const arg *const *tables, void *options, int argc, char **argv, args_words *words)
{
    int n = 0;
    bool only_words = false;
    for (int i = 0; i < argc;) {
        char *word = argv[i++];
        if (only_words || word[0] != '-' || word[1] == '\0') {
            argv[n++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            only_words = true;
            continue;
        }
        rest r = { argv + i, argc - i, 0 };
        vkc_status st = word[1] == '-' ? read_long(tables, options, word, &r) : read_letters(tables, options, word, &r);
        if (st != VKC_OK)
            return st;
        i += r.used;
    }
    *words = (args_words) { argv, n };
    return VKC_OK;
}

bool args_takes_next(const arg *const *tables, const char *word)
{
    if (word[0] == '-' && word[1] == '-') {
        const arg *a = find_long(tables, word);
        return a && a->type != ARG_FLAG && !strchr(word, '=');
    }
    for (const char *p = word + 1; *p; p++) {
        const arg *a = find_letter(tables, *p);
        if (!a || a->type != ARG_FLAG)
            return a && !p[1];
    }
    return false;
}

#define HELP_AT   29                // the column of the help texts
#define MIN_WIDTH (HELP_AT + 20)

// Words from column `at` on; what does not fit the line goes on below, from HELP_AT.
static void print_wrapped(FILE *f, const char *text, int at, int width)
{
    for (bool is_first = true; *text; is_first = false) {
        const int len = (int) strcspn(text, " ");
        if (!is_first && at + 1 + len > width) {
            fprintf(f, "\n%*s", HELP_AT, "");
            at = HELP_AT;
        } else if (!is_first) {
            fputc(' ', f);
            at++;
        }
        fprintf(f, "%.*s", len, text);
        at += len;
        text += len;
        text += strspn(text, " ");
    }
    fputc('\n', f);
}

void args_print(FILE *f, const arg *table, int width)
{
    for (const arg *a = table; a->name; a++) {
        char left[64];
        if (a->letter)
            snprintf(left, sizeof left, "-%c, --%s %s", a->letter, a->name, a->value ? a->value : "");
        else
            snprintf(left, sizeof left, "    --%s %s", a->name, a->value ? a->value : "");
        const int at = fprintf(f, "  %-*s ", HELP_AT - 3, left);
        print_wrapped(f, a->help, at, width > MIN_WIDTH ? width : MIN_WIDTH);
    }
}
