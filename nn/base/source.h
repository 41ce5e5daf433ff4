// source.h — bytes that are read from any place: of a file that stays open, or in memory; and their checksum.
//
// A file is read with pread and never mapped: one that shrinks while it is read is an error in words, not a signal.
// Thread-safety: a source once open may be read from several threads.
// Errors: E_IO with the path, the byte and the system's reason.
#ifndef NN_SOURCE_H
#define NN_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_source {
    const char *path;               // borrowed, for messages
    int         fd;                 // -1: in memory
    const unsigned char *bytes;     // borrowed, when in memory
    uint64_t    size;               // bytes; of a file: when it was opened
} nn_source;

vkc_status nn_source_open(const char *path, nn_source *out);    // a regular file, links followed
nn_source  nn_source_of(const char *where, const void *bytes, size_t size);
void       nn_source_close(nn_source *s);                       // zeroed or closed is fine

// Copy bytes at .. at + size - 1 to `out`. E_IO too where they end after the source.
vkc_status nn_source_read(const nn_source *s, uint64_t at, size_t size, void *out);

// FNV-1a with 64 bits, which tells what was changed by accident, not by intent; the same on every machine.
#define NN_HASH_START 0xcbf29ce484222325u                       // the hash of nothing
uint64_t   nn_hash_add(uint64_t h, const void *bytes, size_t size);     // of what `h` is the hash of, and these bytes
vkc_status nn_hash_add_source(uint64_t *h, const nn_source *s);         // after an error *h is of no use

#ifdef __cplusplus
}
#endif
#endif
