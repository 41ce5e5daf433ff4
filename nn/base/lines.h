// lines.h — a text file that grows by a line at a time: a log that a killed program leaves readable.
//
// Thread-safety: not safe. Errors: E_IO with the path and the system's reason, E_FORMAT (too large), E_NOMEM, E_ARG.
#ifndef NN_LINES_H
#define NN_LINES_H

#include <stddef.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_lines nn_lines;

// Told of a line that is there, without its end; anything but OK ends the reading with that.
typedef vkc_status (*nn_lines_fn)(void *user, const char *text, size_t len);

// Hand every whole line of a file of at most `max` bytes to `fn`, and open it for more. A last line that was cut off is
// dropped. A file that is not there is made; what is no file is left alone.
vkc_status nn_lines_create(const char *path, size_t max, nn_lines_fn fn, void *user, nn_lines **out);
void       nn_lines_destroy(nn_lines *l);               // NULL is fine
vkc_status nn_lines_write(nn_lines *l, const char *text);       // and the end of the line

// One line more, and the file closed again; a last line that was cut off is dropped.
vkc_status nn_lines_append(const char *path, const char *text);

#ifdef __cplusplus
}
#endif
#endif
