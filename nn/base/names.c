// names.c — a name among those that there are.
#include "nn/base/names.h"

#include <stdio.h>
#include <string.h>

vkc_status nn_name_get(const char *what, const char *name, const char *const *names, uint32_t n, uint32_t *out)
{
    char list[256] = "";
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = i;
            return VKC_OK;
        }
        const size_t len = strlen(list);
        snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "", names[i]);
    }
    return VKC_FAIL(VKC_E_ARG, "no %s \"%.40s\"; there are: %s", what, name, list);
}
