// text.h — a stream whose bytes become a text in memory, and which knows when there was no memory for some of them.
//
// open_memstream() does not: the C library of GNU drops what found no memory, and then neither ferror() nor fclose()
// says so.
// Thread-safety: one thread per text. Errors: E_NOMEM.
#ifndef PIPELINE_TEXT_H
#define PIPELINE_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pipeline_text {
    FILE  *f;                   // to print to, with any function of stdio
    char  *bytes;               // (size) what was flushed of it, and a zero; the rest is private
    size_t size, capacity;
    bool   is_lost;             // some bytes found no memory
} pipeline_text;

// At this address until it is closed.
vkc_status pipeline_text_open(pipeline_text *t);
// The whole text, zero-ended, to free(), and its bytes without that zero (size may be NULL), or E_NOMEM, and nothing is
// kept. In any case it is closed.
vkc_status pipeline_text_close(pipeline_text *t, char **text, size_t *size);

#ifdef __cplusplus
}
#endif
#endif
