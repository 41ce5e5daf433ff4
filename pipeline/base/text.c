// text.c — a stream with a write function of ours behind it.
#define _GNU_SOURCE                     // fopencookie
#define _DARWIN_C_SOURCE                // funopen

#include "pipeline/base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define FIRST_CAPACITY 4096u

static bool append(pipeline_text *t, const char *bytes, size_t n)
{
    if (t->is_lost || n >= SIZE_MAX / 2 - t->size) {
        t->is_lost = true;
        return false;
    }
    if (t->size + n >= t->capacity) {
        size_t capacity = t->capacity ? t->capacity : FIRST_CAPACITY;
        while (t->size + n >= capacity)
            capacity *= 2;
        char *more = (char *) realloc(t->bytes, capacity);
        if (!more) {
            t->is_lost = true;
            return false;
        }
        t->bytes = more;
        t->capacity = capacity;
    }
    memcpy(t->bytes + t->size, bytes, n);
    t->size += n;
    t->bytes[t->size] = '\0';
    return true;
}

#if defined(__linux__)
static ssize_t write_cookie(void *user, const char *bytes, size_t n)
{
    return append((pipeline_text *) user, bytes, n) ? (ssize_t) n : 0;
}

static FILE *open_stream(pipeline_text *t)
{
    return fopencookie(t, "w", (cookie_io_functions_t) { .write = write_cookie });
}
#else
static int write_cookie(void *user, const char *bytes, int n)
{
    return append((pipeline_text *) user, bytes, (size_t) n) ? n : -1;
}

static FILE *open_stream(pipeline_text *t)
{
    return funopen(t, NULL, write_cookie, NULL, NULL);
}
#endif

vkc_status pipeline_text_open(pipeline_text *t)
{
    *t = (pipeline_text) { .f = NULL };
    if (append(t, "", 0))
        t->f = open_stream(t);
    if (t->f)
        return VKC_OK;
    free(t->bytes);
    t->bytes = NULL;
    return VKC_FAIL(VKC_E_NOMEM, "out of host memory for a text");
}

vkc_status pipeline_text_close(pipeline_text *t, char **text, size_t *size)
{
    const bool failed = ferror(t->f) != 0, is_bad = fclose(t->f) != 0 || failed;
    t->f = NULL;
    if (is_bad || t->is_lost) {
        free(t->bytes);
        t->bytes = NULL;
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory for a text");
    }
    *text = t->bytes;
    t->bytes = NULL;
    if (size)
        *size = t->size;
    return VKC_OK;
}
