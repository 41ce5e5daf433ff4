// files.h — whole files in, whole files out: reading with a limit, and writing that leaves the old or the new.
//
// Thread-safety: safe. Errors everywhere: E_IO with the path and the system's reason, E_NOMEM, E_ARG.
#ifndef NN_FILES_H
#define NN_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_PATH_MAX 4096

bool nn_is_file(const char *path);      // a regular file, links followed
bool nn_is_folder(const char *path);
// E_IO unless `path` is a folder that can be looked into: it is not there, is something else, or permission is denied.
vkc_status nn_folder_check(const char *path);
// What an errno means, in a sentence: "permission denied". It lasts until the thread's next call.
const char *nn_reason(int number);

// out = dir + "/" + name; `out` holds NN_PATH_MAX bytes.
vkc_status nn_path_build(char *out, const char *dir, const char *name);

// Make a folder and those above it. Fine if it is there already.
vkc_status nn_folder_create(const char *path);

// Read a whole regular file of at most `max` bytes (more: E_FORMAT). *data has one NUL after its
// end that *size does not count; free() it.
vkc_status nn_file_load(const char *path, size_t max, unsigned char **data, size_t *size);

// A file being written: its bytes go to a file beside `path`; nn_saver_submit flushes them to the
// disk and renames it over `path`. Until then, and after any failure, `path` is as it was.
typedef struct nn_saver nn_saver;
vkc_status nn_saver_create(const char *path, nn_saver **out);
vkc_status nn_saver_write(nn_saver *s, const void *data, size_t size);
vkc_status nn_saver_submit(nn_saver *s);
void       nn_saver_destroy(nn_saver *s);       // not submitted: the new bytes are thrown away

// All three at once.
vkc_status nn_file_save(const char *path, const void *data, size_t size);

#ifdef __cplusplus
}
#endif
#endif
