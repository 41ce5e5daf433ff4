// inflate.h — a zlib stream (RFC 1950, 1951) of known length, decompressed from untrusted bytes.
//
// Thread-safety: safe.
#ifndef NN_INFLATE_H
#define NN_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NN_INFLATE_SLACK 16         // bytes that `out` holds beyond n_out, with anything in them afterwards

// False when the stream is broken or does not hold exactly n_out bytes. What follows it, its checksum too, is not read.
bool nn_inflate(const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out);

#ifdef __cplusplus
}
#endif
#endif
