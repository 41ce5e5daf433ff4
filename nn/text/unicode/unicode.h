// unicode.h — UTF-8 and what kind of character a code point is.
//
// Thread-safety: safe. Nothing here fails or allocates.
#ifndef NN_UNICODE_H
#define NN_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    NN_TEXT_OTHER,
    NN_TEXT_LETTER,         // general category L
    NN_TEXT_NUMBER,         // N
    NN_TEXT_MARK,           // M
    NN_TEXT_SPACE,          // White_Space
} nn_text_class;

nn_text_class nn_text_class_of(uint32_t code);
uint32_t      nn_text_combining(uint32_t code);         // canonical combining class

// The code point at `text`, which has at least one byte, and how many bytes it takes. What is no UTF-8 gives U+FFFD for
// as many bytes as Unicode calls a maximal subpart, at least one; *is_valid, if not NULL, says which.
uint32_t nn_utf8_get(const unsigned char *text, size_t size, size_t *taken, bool *is_valid);
size_t   nn_utf8_put(uint32_t code, char out[4]);       // bytes written
// How many bytes at the end of `text` begin a character that more bytes may make whole: 0 to 3.
size_t   nn_utf8_unfinished(const unsigned char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
