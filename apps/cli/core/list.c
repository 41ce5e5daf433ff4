// list.c — lists with commas.
#include "apps/cli/core/list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

vkc_status list_split(const char *text, text_list *out)
{
    *out = (text_list) { .n = 0 };
    if (!text)
        return VKC_OK;
    out->copy = strdup(text);
    out->item = malloc((strlen(text) + 1) * sizeof *out->item);
    if (!out->copy || !out->item)
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory");
    for (char *at = out->copy; at;) {
        char *end = strchr(at, ',');
        out->item[out->n++] = at;
        if (end)
            *end++ = '\0';
        at = end;
    }
    return VKC_OK;
}

void text_list_free(text_list *l)
{
    free(l->copy);
    free(l->item);
    *l = (text_list) { .n = 0 };
}

#define MAX_DIGITS 6u

static bool read_number(const char **at, uint32_t *out)
{
    const size_t n = strspn(*at, "0123456789");
    if (n == 0 || n > MAX_DIGITS)
        return false;
    *out = (uint32_t) strtoul(*at, NULL, 10);
    *at += n;
    return true;
}

// "5" or "5-7", which ends at a comma or at the end of the text.
static bool read_range(const char **at, uint32_t *first, uint32_t *last)
{
    bool ok = read_number(at, first);
    *last = *first;
    if (ok && **at == '-') {
        ++*at;
        ok = read_number(at, last);
    }
    return ok && (**at == ',' || **at == '\0');
}

vkc_status list_read_ranges(const char *option, const char *what, const char *text, uint32_t most, uint32_t *list,
                            uint32_t *n)
{
    const char *at = text;
    *n = 0;
    for (;; at++) {
        uint32_t first = 0, last;
        if (!read_range(&at, &first, &last))
            return VKC_FAIL(VKC_E_ARG, "--%s %.60s: want numbers of %ss and ranges of them, such as 0,3,5-7", option,
                            text, what);
        if (last < first)
            return VKC_FAIL(VKC_E_ARG, "--%s %.60s: the range %u-%u runs backwards", option, text, first, last);
        if (last >= most)
            return VKC_FAIL(VKC_E_ARG, "--%s %.60s: there is no %s %u, want 0 .. %u", option, text, what, last,
                            most - 1);
        for (uint32_t x = first; x <= last; x++) {
            for (uint32_t i = 0; i < *n; i++)
                if (list[i] == x)
                    return VKC_FAIL(VKC_E_ARG, "--%s %.60s: %s %u is there twice", option, text, what, x);
            list[(*n)++] = x;
        }
        if (!*at)
            return VKC_OK;
    }
}
