// fuzz_folder.h — files of a folder for fuzz targets, written without the care that nn_file_save takes.
#ifndef TESTS_FUZZ_FOLDER_H
#define TESTS_FUZZ_FOLDER_H

#include <stdio.h>
#include <stdlib.h>

#include "nn/base/files.h"

static inline void write_plainly(const char *folder, const char *name, const void *data, size_t size)
{
    char path[NN_PATH_MAX];
    if (nn_path_build(path, folder, name) != VKC_OK)
        abort();
    FILE *f = fopen(path, "wb");
    if (f == NULL || (size > 0 && fwrite(data, 1, size, f) != size))
        abort();
    fclose(f);
}

#endif
