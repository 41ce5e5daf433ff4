// tiff_file.h — for tiff.c: a TIFF file in memory, opened by libtiff, which prints nothing and leaves its words here.
//
// In builds with PARE_TIFF. Thread-safety: safe on different files.
#ifndef NN_TIFF_FILE_H
#define NN_TIFF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tiffio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn__tiff_file {
    const uint8_t *bytes;
    size_t size;
    uint64_t at;
    TIFF  *tiff;                    // NULL: not open
    char   why[160];                // the first error; "" where libtiff said nothing, or only to its global handler
} nn__tiff_file;

// False when it cannot be opened. `f` stays where it is until nn__tiff_close; `bytes` are read where they lie.
bool nn__tiff_open(nn__tiff_file *f, const void *bytes, size_t size);
void nn__tiff_close(nn__tiff_file *f);      // not open is fine

#ifdef __cplusplus
}
#endif
#endif
