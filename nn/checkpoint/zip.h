// zip.h — the table of a zip archive, to read entries that are stored as they are, as torch.save writes them. Internal
// to the library.
//
// Accepted: zip and zip64, entries with data descriptors (their sizes are those of the table). Refused in words:
// archives in parts, entries that overlap, have the same name, reach out of the file or are called otherwise in their
// place than in the table; and compressed or encrypted ones when they are wanted (nn_zip_check).
// Memory: the table's bytes, and 48 for each entry of 46 or more.
// Thread-safety: an archive once read is read-only and may be shared.
// Errors: E_IO, E_FORMAT (with the file and, where there is one, the entry), E_NOMEM.
#ifndef NN_ZIP_H
#define NN_ZIP_H

#include <stdbool.h>

#include "nn/base/source.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_ZIP_MAX_TABLE ((uint64_t) 256 << 20)

typedef struct nn_zip_entry {
    const char *name;               // its bytes in the table, not ended
    uint32_t    name_len;
    uint64_t    header;             // byte of the file where it begins
    uint64_t    begin, size;        // bytes of the file: its data is begin .. begin + size - 1
    bool        is_compressed, is_encrypted;        // its data are other bytes than they were
} nn_zip_entry;

typedef struct nn_zip {
    unsigned char *table;
    nn_zip_entry  *entry;           // (n), by name
    size_t         n;
} nn_zip;

vkc_status nn_zip_read(const nn_source *src, nn_zip *out);      // zeroed on failure
void       nn_zip_finish(nn_zip *z);                            // zeroed is fine
vkc_status nn_zip_check(const nn_source *src, const nn_zip_entry *e);   // E_FORMAT: its data is not stored as it is
const nn_zip_entry *nn_zip_find(const nn_zip *z, const char *name);     // NULL: none

#ifdef __cplusplus
}
#endif
#endif
