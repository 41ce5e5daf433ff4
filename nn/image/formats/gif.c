// gif.c — giflib with a file in memory, as far as the first picture, line by line.
#include "nn/image/formats/gif.h"

#ifdef PARE_HAS_GIF

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <gif_lib.h>

#define GRAPHICS_CONTROL 0xf9
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

typedef struct input {
    const uint8_t *bytes;
    size_t size, at;
    GifFileType *gif;
    uint8_t background;             // color of what the picture does not fill
} input;

static int read_bytes(GifFileType *gif, GifByteType *out, int n)
{
    input *in = (input *) gif->UserData;
    const size_t rest = in->size - in->at, len = n < 0 ? 0 : (size_t) n < rest ? (size_t) n : rest;
    memcpy(out, in->bytes + in->at, len);
    in->at += len;
    return (int) len;
}

static void close_gif(input *in)
{
    int code;
    if (in->gif != NULL)
        DGifCloseFile(in->gif, &code);
    in->gif = NULL;
}

static vkc_status fail(const char *name, int code)
{
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to read %s", name);
    const char *why = code == D_GIF_ERR_READ_FAILED || code == D_GIF_ERR_EOF_TOO_SOON ? "it is cut off"
                                                                                      : "its data are damaged";
    return VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: %s", name, why);
}

static bool skip_extension(input *in)
{
    GifByteType *block;
    int kind;
    if (DGifGetExtension(in->gif, &kind, &block) == GIF_ERROR)
        return false;
    if (kind == GRAPHICS_CONTROL && block != NULL && block[0] >= 4 && (block[1] & 1) != 0)
        in->background = block[4];
    while (block != NULL)
        if (DGifGetExtensionNext(in->gif, &block) == GIF_ERROR)
            return false;
    return true;
}

// As far as the description of the first picture.
static vkc_status open_gif(const char *name, const void *bytes, size_t size, input *in)
{
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    int code = 0;
    *in = (input) { .bytes = (const uint8_t *) bytes, .size = size };
    in->gif = DGifOpen(in, read_bytes, &code);
    if (in->gif == NULL)
        return fail(name, code);
    bool is_good;
    do {
        is_good = DGifGetRecordType(in->gif, &record) != GIF_ERROR;
        if (is_good && record == EXTENSION_RECORD_TYPE)
            is_good = skip_extension(in);
    } while (is_good && record != IMAGE_DESC_RECORD_TYPE && record != TERMINATE_RECORD_TYPE);
    if (is_good && record == TERMINATE_RECORD_TYPE) {
        close_gif(in);
        return VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: it holds none", name);
    }
    if (is_good && DGifGetImageDesc(in->gif) != GIF_ERROR)
        return VKC_OK;
    const vkc_status st = fail(name, in->gif->Error);
    close_gif(in);
    return st;
}

// Codes have 3 bits at least; one stands for at most a pixel more than the one before, and for 4,096. The screen around
// the picture may be of any size.
static bool can_hold(size_t size, const GifImageDesc *d)
{
    const uint64_t codes = (uint64_t) size * 8 / 3, most = codes * (codes < 4096 ? codes : 4096);
    return d->Width >= 0 && d->Height >= 0 && (uint64_t) d->Width * (uint64_t) d->Height <= most;
}

static uint32_t get_extent(GifWord screen, GifWord at, GifWord n)
{
    const uint32_t end = (uint32_t) at + (uint32_t) n;
    return end > (uint32_t) screen ? end : (uint32_t) screen;
}

vkc_status nn_gif_size(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    input in;
    const vkc_status st = open_gif(name, bytes, size, &in);
    if (st != VKC_OK)
        return st;
    const GifImageDesc *d = &in.gif->Image;
    const int w = d->Width, h = d->Height;
    const bool is_good = can_hold(size, d);
    *width = get_extent(in.gif->SWidth, d->Left, w);
    *height = get_extent(in.gif->SHeight, d->Top, h);
    close_gif(&in);
    return is_good ? VKC_OK
                   : VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: %zu bytes cannot hold %d x %d pixels", name, size,
                              w, h);
}

// Without a palette a number is a shade of grey.
static void fill_palette(const GifFileType *gif, uint8_t palette[256][3])
{
    const ColorMapObject *map = gif->Image.ColorMap != NULL ? gif->Image.ColorMap : gif->SColorMap;
    for (int i = 0; i < 256; i++)
        memset(palette[i], map != NULL ? 0 : i, 3);
    for (int i = 0; map != NULL && i < map->ColorCount && i < 256; i++) {
        palette[i][0] = map->Colors[i].Red;
        palette[i][1] = map->Colors[i].Green;
        palette[i][2] = map->Colors[i].Blue;
    }
}

static void write_line(const uint8_t *line, uint32_t n, uint8_t palette[256][3], uint8_t *rgb)
{
    for (uint32_t i = 0; i < n; i++)
        memcpy(rgb + 3 * i, palette[line[i]], 3);
}

// The lines of an interlaced picture come in four passes.
static bool read_lines(const input *in, uint32_t width, uint8_t palette[256][3], uint8_t *line, uint8_t *rgb)
{
    static const uint32_t first[] = { 0, 4, 2, 1 }, step[] = { 8, 8, 4, 2 };
    const GifImageDesc *d = &in->gif->Image;
    const uint32_t w = (uint32_t) d->Width, h = (uint32_t) d->Height;
    for (int pass = 0; pass < (d->Interlace ? 4 : 1); pass++)
        for (uint32_t y = d->Interlace ? first[pass] : 0; y < h; y += d->Interlace ? step[pass] : 1) {
            if (DGifGetLine(in->gif, line, (int) w) == GIF_ERROR)
                return false;
            write_line(line, w, palette, rgb + (((size_t) d->Top + y) * width + (size_t) d->Left) * 3);
        }
    return true;
}

vkc_status nn_gif_read(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height,
                       uint8_t *rgb)
{
    input in;
    uint8_t palette[256][3];
    vkc_status st = open_gif(name, bytes, size, &in);
    if (st != VKC_OK)
        return st;
    const GifImageDesc *d = &in.gif->Image;
    if (d->Left < 0 || d->Top < 0 || d->Width < 1 || d->Height < 1 ||
        get_extent(in.gif->SWidth, d->Left, d->Width) != width ||
        get_extent(in.gif->SHeight, d->Top, d->Height) != height) {
        close_gif(&in);
        return VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: its first picture is empty", name);
    }
    uint8_t *line = malloc((size_t) d->Width);
    if (line == NULL) {
        close_gif(&in);
        return VKC_FAIL(VKC_E_NOMEM, "no memory to read %s", name);
    }
    fill_palette(in.gif, palette);
    for (size_t i = 0; i < (size_t) width * height; i++)
        memcpy(rgb + 3 * i, palette[in.background], 3);
    if (!read_lines(&in, width, palette, line, rgb))
        st = fail(name, in.gif->Error);
    free(line);
    close_gif(&in);
    return st;
}

const char *nn_gif_version(void)
{
    return TEXT(GIFLIB_MAJOR) "." TEXT(GIFLIB_MINOR) "." TEXT(GIFLIB_RELEASE);
}

#endif
