// nfc.h — Unicode's normalization form C, of version 9.0, which is what Hugging Face's tokenizers normalize by.
//
// Thread-safety: safe. Errors: E_NOMEM.
#ifndef NN_NFC_H
#define NN_NFC_H

#include "nn/text/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

// `text` is UTF-8; its normal form is added to `out`.
vkc_status nn_nfc(const char *text, size_t size, nn_bytes *out);

#ifdef __cplusplus
}
#endif
#endif
