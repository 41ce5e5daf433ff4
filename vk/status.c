// status.c — status names and the newest failure of this thread.
#include "vk/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char last_error[4096];

const char *vkc_status_str(vkc_status st)
{
    static const char *const text[] = {
#define X(id, sentence) #id ": " sentence,
        VKC_STATUS_MAP(X)
#undef X
    };
    return (unsigned) st < VKC_STATUS_COUNT ? text[st] : "unknown status";
}

const char *vkc_last_error(void)
{
    return last_error;
}

// The part of a path that starts at one of the project's own folders.
static const char *short_path(const char *file)
{
    static const char *const folder[] = { "/shaders/", "/vk/", "/nn/", "/distill/", "/apps/", "/tests/" };
    const char *best = file;
    for (size_t i = 0; i < sizeof folder / sizeof *folder; i++)
        for (const char *p = strstr(file, folder[i]); p; p = strstr(p + 1, folder[i]))
            if (p + 1 > best)
                best = p + 1;
    return best;
}

vkc_status vkc_fail(vkc_status st, const char *file, int line, const char *fmt, ...)
{
    // Formatted aside: an argument may be the previous vkc_last_error().
    char text[sizeof last_error - 96];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    snprintf(last_error, sizeof last_error, "%s [%.60s:%d]", text, short_path(file), line);
    return st;
}
