// keep_option.c — shares of patches from a list with commas.
#include "apps/cli/options/keep_option.h"

vkc_status keep_read(const char *text, double keep[PIPELINE_MAX_SERIES], uint32_t *n)
{
    *n = 0;
    for (const char *at = text;; at++) {
        const char *end;
        double one;
        if (!args_read_number(at, &end, &one) || (*end && *end != ',') || !(one > 0.0 && one <= 1.0))
            return VKC_FAIL(VKC_E_ARG, "--keep wants ratios of more than 0 and at most 1 with commas between, not "
                            "\"%.60s\"", text);
        if (*n == PIPELINE_MAX_SERIES)
            return VKC_FAIL(VKC_E_ARG, "--keep wants at most %d ratios", PIPELINE_MAX_SERIES);
        keep[(*n)++] = one;
        if (!*end)
            return VKC_OK;
        at = end;
    }
}
