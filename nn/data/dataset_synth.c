// dataset_synth.c — options of the built-in data set.
#include "nn/data/dataset_impl.h"

#include <string.h>

#include "nn/data/synth.h"

static vkc_status read_option(nn_dataset *d, const char *text, size_t len)
{
    static const char *const keys[] = { "train=", "val=", "test=", "fresh=" };
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        size_t at = strlen(keys[k]);
        uint32_t x = 0, max = k == 3 ? 1 : 1u << 24;
        if (len <= at || len > at + 8 || strncmp(text, keys[k], at) != 0)
            continue;
        while (at < len && text[at] >= '0' && text[at] <= '9')
            x = x * 10 + (uint32_t) (text[at++] - '0');
        if (at < len || x > max)
            break;
        if (k == 3)
            d->is_fresh = x != 0;
        else
            d->synth_len[k] = x;
        return VKC_OK;
    }
    return VKC_FAIL(VKC_E_ARG, NN_SYNTH_NAME ": '%.*s' is not train=, val= or test= with at most 16777216, or "
                    "fresh=0 or 1", (int) (len < 60 ? len : 60), text);
}

vkc_status nn__dataset_open_synth(nn_dataset *d)
{
    static const uint32_t defaults[NN_N_SPLITS] = { 8192, 1000, 2000 };
    const char *p = d->spec + strlen(NN_SYNTH_NAME);
    d->is_synth = d->has_splits = d->is_fresh = true;
    memcpy(d->synth_len, defaults, sizeof defaults);
    if (strncmp(d->spec, NN_SYNTH_NAME, strlen(NN_SYNTH_NAME)) != 0 || (*p != '\0' && *p != ','))
        return VKC_FAIL(VKC_E_ARG, "the built-in data set '%.60s' is not there; there is " NN_SYNTH_NAME, d->spec);
    while (*p == ',') {
        size_t len = strcspn(p + 1, ",");
        vkc_status st = read_option(d, p + 1, len);
        if (st != VKC_OK)
            return st;
        p += 1 + len;
    }
    for (uint32_t i = 0; i < NN_SYNTH_CLASSES; i++) {
        const char digit[2] = { (char) ('0' + i), '\0' };
        vkc_status st = nn_names_add(&d->classes, digit);
        if (st != VKC_OK)
            return st;
    }
    return VKC_OK;
}
