// st_bytes.h — safetensors files made by hand, honest or not: a header's text and zeros for data.
#ifndef TESTS_ST_BYTES_H
#define TESTS_ST_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// One entry of a header.
#define T(name, dtype, shape, offsets) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

// The length of the header, the header, and `data_size` zeros; free() it.
static inline unsigned char *st_bytes(const char *header, size_t data_size, size_t *size)
{
    const size_t len = strlen(header);
    unsigned char *bytes = (unsigned char *) calloc(1, 8 + len + data_size);
    if (bytes == NULL)
        abort();
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char) ((uint64_t) len >> 8 * i);
    memcpy(bytes + 8, header, len);
    *size = 8 + len + data_size;
    return bytes;
}

#endif
