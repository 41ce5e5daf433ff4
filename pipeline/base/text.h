// text.h — a stream whose bytes become a text in memory, and which knows when there was no memory for some of them.
//
// open_memstream() does not: the C library of GNU drops what found no memory, and then neither ferror() nor fclose()
// says so.
// Thread-safety: one thread per text. Errors: E_NOMEM.
#ifndef NN_TEXT_H
#define NN_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_text {
    FILE  *f;                   // to print to, with any function of stdio
    char  *bytes;               // (size) what was flushed of it, and a zero; the rest is private
    size_t size, capacity;
    bool   is_lost;             // some bytes found no memory
} nn_text;

// At this address until it is closed.
vkc_status nn_text_open(nn_text *t);
// The whole text, zero-ended, to free(), and its bytes without that zero (size may be NULL), or E_NOMEM, and nothing is
// kept. In any case it is closed.
vkc_status nn_text_close(nn_text *t, char **text, size_t *size);

#ifdef __cplusplus
}
#endif
#endif
