// schedule_options.c — lists and ranges of layers, and the options around them, into parameters.
#include "apps/cli/options/schedule_options.h"

#include <stdlib.h>
#include <string.h>

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
static vkc_status read_range(const char *text, const char **at, uint32_t *first, uint32_t *last)
{
    bool ok = read_number(at, first);
    *last = *first;
    if (ok && **at == '-') {
        ++*at;
        ok = read_number(at, last);
    }
    if (!ok || (**at != ',' && **at != '\0'))
        return VKC_FAIL(VKC_E_ARG, "--layers %.60s: want numbers of layers and ranges of them, such as 0,3,5-7", text);
    if (*last < *first)
        return VKC_FAIL(VKC_E_ARG, "--layers %.60s: the range %u-%u runs backwards", text, *first, *last);
    return VKC_OK;
}

vkc_status schedule_read_layers(const char *text, uint32_t *list, uint32_t most, uint32_t *n)
{
    const char *at = text;
    *n = 0;
    if (!*text)
        return VKC_FAIL(VKC_E_ARG, "--layers: the list is empty; want numbers of layers, such as 0,3,5-7");
    for (;; at++) {
        uint32_t first = 0, last;
        vkc_status st = read_range(text, &at, &first, &last);
        if (st != VKC_OK)
            return st;
        if (last >= most)
            return VKC_FAIL(VKC_E_ARG, "--layers %.60s: there is no layer %u, a model has %u at most", text, last,
                            most);
        for (uint32_t l = first; l <= last; l++) {
            for (uint32_t i = 0; i < *n; i++)
                if (list[i] == l)
                    return VKC_FAIL(VKC_E_ARG, "--layers %.60s: layer %u is there twice", text, l);
            list[(*n)++] = l;
        }
        if (!*at)
            return VKC_OK;
    }
}

vkc_status schedule_read(const schedule_options *o, uint32_t *list, pipeline_distill_params *out)
{
    vkc_status st = VKC_OK;
    if (o->layers) {
        VKC_TRY(schedule_read_layers(o->layers, list, NN_MAX_DEPTH, &out->n_layers));
        out->layers = list;
    }
    if (o->schedule)
        VKC_TRY(pipeline_schedule_read(o->schedule, &out->schedule));
    if (o->order && (!o->schedule || out->schedule == PIPELINE_SCHEDULE_ALL))
        return VKC_FAIL(VKC_E_ARG, "--schedule-order: only --schedule sequential:K has an order");
    if (o->order)
        st = pipeline_schedule_order_get(o->order, &out->order);
done:
    return st;
}
