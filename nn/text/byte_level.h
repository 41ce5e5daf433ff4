// byte_level.h — the characters that stand for bytes in byte-level vocabularies: printable ones for themselves.
//
// Thread-safety: safe. Errors: E_NOMEM.
#ifndef NN_BYTE_LEVEL_H
#define NN_BYTE_LEVEL_H

#include "nn/text/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

// Adds the characters of bytes, in UTF-8.
vkc_status nn_byte_level_add(const char *bytes, size_t len, nn_bytes *out);
// Adds the bytes that a token's characters stand for; if one of them stands for none, the token as it is.
vkc_status nn_byte_level_undo(const char *token, size_t len, nn_bytes *out);

#ifdef __cplusplus
}
#endif
#endif
