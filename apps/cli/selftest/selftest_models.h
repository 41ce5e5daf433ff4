// selftest_models.h — the golden models (models/selftest/) that are part of the program, and a folder to load one from.
#ifndef CLI_SELFTEST_MODELS_H
#define CLI_SELFTEST_MODELS_H

#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

typedef struct selftest_file {
    const char *model, *name;       // folder and file
    size_t      size;               // bytes
    const uint64_t *words;          // eight bytes each, the first in the highest bits
} selftest_file;

extern const selftest_file selftest_files[];    // by model; a row of NULLs ends it

#define SELFTEST_PATH_MAX 1024

// The next model's name after `model`, or the first for NULL; NULL at the end.
const char *selftest_next(const char *model);
// Write a model's files to a new folder below $TMPDIR, or where that is usual. Errors: E_IO.
vkc_status selftest_unpack(const char *model, char dir[SELFTEST_PATH_MAX]);
void       selftest_remove(const char *model, const char *dir);     // what unpack wrote; "" is fine

#endif
