// list.c — lists with commas.
#include "apps/cli/core/list.h"

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
