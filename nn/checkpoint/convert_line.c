// convert_line.c — the line of Python that converts a file, ready to be pasted into a shell.
#include "nn/checkpoint/weights_impl.h"

#include <stdio.h>
#include <string.h>

#include "nn/base/json.h"

void nn__convert_line(const char *program, const char *path, char *out, size_t size)
{
    // What has a quote or a control character in it is a blank to fill in.
    const bool is_plain = strchr(path, '\'') == NULL && nn_is_printable(path);
    const char *name = strrchr(path, '/');
    const int len = name == NULL ? 1 : (int) (name - path);
    const char *folder = name == NULL ? "." : path;
    if (is_plain)
        snprintf(out, size, "python3 -c \"%s\" '%.*s/model.safetensors' '%s'", program, len, folder, path);
    else
        snprintf(out, size, "python3 -c \"%s\" 'FOLDER/model.safetensors' 'FOLDER/FILE'", program);
}
