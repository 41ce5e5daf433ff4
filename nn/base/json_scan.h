// json_scan.h — a JSON text that may be hostile, read once from front to back without allocating anything.
//
// For large or much-attacked files (headers of weight files, their indices): strings are unescaped in place, so the
// text is changed and what is returned lies in it; what a file may hold is decided by callbacks, as it is met.
// Strict: RFC 8259, UTF-8, at most NN_SCAN_MAX_DEPTH levels, no NUL in a string. Keys that come twice are the
// callback's concern.
// Thread-safety: safe on different texts. Errors: E_FORMAT with the file and the byte,
// "model.safetensors: tensor a.b, byte 57: expected a whole number".
#ifndef NN_JSON_SCAN_H
#define NN_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_SCAN_MAX_DEPTH 16

typedef struct nn_scan {
    const char *where;              // the file, for messages
    const char *kind, *subject;     // "tensor", "a.b"; subject NULL: no more to say
    char       *text;               // `len` bytes
    size_t      len, at;            // at: the next byte
    uint64_t    base;               // byte of the file at which the text begins
    uint32_t    depth;
} nn_scan;

// A member of an object: its key, the byte where that began, and the scan standing before the value. An item of a list.
typedef vkc_status nn_scan_member(void *user, nn_scan *s, char *key, size_t key_at);
typedef vkc_status nn_scan_item(void *user, nn_scan *s);

vkc_status nn_scan_object(nn_scan *s, nn_scan_member *member, void *user);
vkc_status nn_scan_list(nn_scan *s, nn_scan_item *item, void *user);
vkc_status nn_scan_string(nn_scan *s, char **out);      // ends with NUL, lies in the text
vkc_status nn_scan_whole(nn_scan *s, uint64_t *out);    // digits alone: no sign, fraction or exponent
vkc_status nn_scan_skip(nn_scan *s);                    // any value
vkc_status nn_scan_end(nn_scan *s);                     // nothing but white space is left
size_t     nn_scan_place(nn_scan *s);                   // of the next byte that is not white space

// E_FORMAT with `at`, a place in the text, as a byte of the file.
#define NN_SCAN_FAIL(s, at, ...) nn_scan_fail((s), __FILE__, __LINE__, (at), __VA_ARGS__)
vkc_status nn_scan_fail(const nn_scan *s, const char *file, int line, size_t at, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;

#ifdef __cplusplus
}
#endif
#endif
