// paths.h — a list of picture files, out of files, folders and lines of text.
//
// Files are only listed; what is missing or broken shows when it is read. Thread-safety: safe on different lists.
// Errors: E_IO (a folder cannot be read), E_FORMAT (it holds no pictures; a line is too long), E_NOMEM. After one the
// list holds what it held before.
#ifndef NN_PATHS_H
#define NN_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_paths { char **path; size_t n, room; } nn_paths;     // owned; zeroed is an empty list

// Does a name end in one of these, in whatever case? What a file then is, its first bytes say (nn/image/image.h).
#define NN_PICTURE_ENDINGS ".jpg, .jpeg, .png, .webp, .tif, .tiff, .gif or .bmp"
bool nn_is_picture(const char *name);

// A file as it is; of a folder the pictures in it and in the folders below, sorted by their paths. Hidden files and
// folders are left out, and links to folders, which may lead in a circle. A folder below that cannot be opened, or is
// more than 64 deep, is in the list itself, so that reading it says so.
vkc_status nn_paths_add(nn_paths *list, const char *path);
// The next line of a text without its end (a newline or NUL), at most NN_PATH_MAX - 1 bytes, into `line`, which holds
// NN_PATH_MAX; empty lines are passed over.
// *is_there is false at the end. E_FORMAT: longer, the rest of it is passed over and `line` has its beginning.
vkc_status nn_paths_read_line(FILE *f, const char *where, char *line, bool *is_there);
void       nn_paths_finish(nn_paths *list);

#ifdef __cplusplus
}
#endif
#endif
