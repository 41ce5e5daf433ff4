// bytes.h — bytes that grow, for the files of nn/text.
//
// All zeros is an empty one. Thread-safety: safe on different ones. Errors: E_NOMEM; it is unchanged then.
#ifndef NN_BYTES_H
#define NN_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_bytes { char *data; size_t len, room; } nn_bytes;

void       nn_bytes_free(nn_bytes *b);
vkc_status nn_bytes_reserve(nn_bytes *b, size_t more);          // room for so many bytes behind its end
vkc_status nn_bytes_add(nn_bytes *b, const void *data, size_t size);
vkc_status nn_bytes_add_code(nn_bytes *b, uint32_t code);       // in UTF-8

// Room for one more of `size` bytes each in a list of `len`; *list may move.
vkc_status nn_list_reserve(void *list, size_t len, size_t *room, size_t size);

#ifdef __cplusplus
}
#endif
#endif
