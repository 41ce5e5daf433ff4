// stb.c — the one place where stb_image and stb_image_write are compiled: from memory, into memory, sizes bounded.
#include "nn/image/image.h"

#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS NN_IMAGE_MAX_SIDE
#define STBI_ASSERT(x) ((void) (x))
#include <stb_image.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#define STBIW_ASSERT(x) ((void) (x))
#include <stb_image_write.h>
