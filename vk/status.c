// status.c — status names and the newest failure of this thread.
#include "vk/status.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_FILE 100                // bytes of a file's path, of its end

static _Thread_local vkc_failure last;

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
    return last.text;
}

const char *vkc_last_error_place(void)
{
    return last.place;
}

// Control characters of ASCII, and those that UTF-8 has two bytes for: U+0080 to U+009F.
static bool is_control(const unsigned char *at)
{
    return at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0);
}

void vkc_text_clean(char *out, size_t size, const char *text)
{
    size_t n = 0;
    for (const unsigned char *at = (const unsigned char *) text; *at; at++) {
        const bool is = is_control(at);
        if (n + (is ? 5 : 2) > size)
            break;
        if (is && *at == 0xc2)
            at++;
        if (is)
            n += (size_t) snprintf(out + n, size - n, "\\x%02x", *at);
        else
            out[n++] = (char) *at;
    }
    if (size > 0)
        out[n] = '\0';
}

// Formatted aside: an argument may be the previous vkc_last_error().
static void set_text(const char *fmt, va_list ap)
{
    char text[sizeof last.text];
    vsnprintf(text, sizeof text, fmt, ap);
    vkc_text_clean(last.text, sizeof last.text, text);
}

// `file` is what the compiler calls it, which the build makes a path from the top of the tree.
static void add_place(const char *file, int line)
{
    const size_t at = strlen(last.place), len = strlen(file);
    snprintf(last.place + at, sizeof last.place - at, "%s%s:%d", at ? ", " : "",
             len > MAX_FILE ? file + len - MAX_FILE : file, line);
}

vkc_status vkc_fail(vkc_status st, const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_text(fmt, ap);
    va_end(ap);
    last.place[0] = '\0';
    add_place(file, line);
    return st;
}

vkc_status vkc_wrap(vkc_status st, const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_text(fmt, ap);
    va_end(ap);
    add_place(file, line);
    return st;
}

void vkc_failure_keep(vkc_failure *out)
{
    *out = last;
}

vkc_status vkc_failure_again(vkc_status st, const vkc_failure *f)
{
    last = *f;
    return st;
}
