// jpeg.c — libjpeg-turbo with a file in memory: errors in words instead of an exit, warnings that mean damage as
// errors.
#include "nn/image/formats/jpeg.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "nn/image/formats/samples.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

// Scans of a progressive picture: each takes a pass over all of it. As many as encoders make, more where it is small.
#define LEAST_SCANS 30u
#define MAX_SCANS 200u
#define MOST 8192u                  // pixels of one byte: 8 blocks of 64, each standing for 16 times as many
#define MAX_PASSES (1u << 31)       // pixels of all scans

typedef struct decoder {
    struct jpeg_decompress_struct d;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf out;
    char    why[JMSG_LENGTH_MAX];
    uint8_t *line;                  // CMYK: (width, 4)
} decoder;

static decoder *of(j_common_ptr c)
{
    return (decoder *) c->client_data;
}

static void leave(j_common_ptr c)
{
    c->err->format_message(c, of(c)->why);
    longjmp(of(c)->out, 1);
}

// Of damaged data. What is merely odd (bytes between segments, a version of JFIF that is not known) is let pass.
static void warn(j_common_ptr c, int level)
{
    const int code = c->err->msg_code;
    if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM && code != JWRN_JFIF_MAJOR)
        leave(c);
}

static void be_silent(j_common_ptr c)
{
    (void) c;
}

static void count_scans(j_common_ptr c)
{
    decoder *x = of(c);
    if (!c->is_decompressor)
        return;
    const uint64_t pixels = (uint64_t) x->d.image_width * x->d.image_height, n = pixels ? MAX_PASSES / pixels : 0;
    const uint32_t most = n < LEAST_SCANS ? LEAST_SCANS : n < MAX_SCANS ? (uint32_t) n : MAX_SCANS;
    if (x->d.input_scan_number > (int) most) {
        snprintf(x->why, sizeof x->why, "it has more than %u scans", most);
        longjmp(x->out, 1);
    }
}

static void start(decoder *x, const void *bytes, size_t size)
{
    x->d.err = jpeg_std_error(&x->errors);
    x->d.client_data = x;
    x->errors.error_exit = leave;
    x->errors.emit_message = warn;
    x->errors.output_message = be_silent;
    jpeg_create_decompress(&x->d);
    x->progress.progress_monitor = count_scans;
    x->d.progress = &x->progress;
    jpeg_mem_src(&x->d, (const unsigned char *) bytes, (unsigned long) size);
    jpeg_read_header(&x->d, TRUE);
}

static vkc_status fail(decoder *x, const char *name)
{
    jpeg_destroy_decompress(&x->d);
    free(x->line);
    return VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: %s", name, x->why);
}

// Segments up to the first scan are walked; in what follows, which holds no marker by chance, every marker counts.
// A JPEG that was cut off decodes to half a picture and grey: its end marker is missing.
static const char *find_fault(const uint8_t *p, size_t size)
{
    bool is_scan = false;
    for (size_t i = 2; i + 1 < size;) {
        if (p[i] != 0xff || p[i + 1] == 0xff) {
            i++;
            continue;
        }
        uint8_t marker = p[i + 1];
        i += 2;
        if (marker == 0xd9 && is_scan)
            return NULL;
        if (is_scan)
            continue;
        size_t len = size - i >= 2 ? (size_t) p[i] << 8 | p[i + 1] : 0;
        if (len < 2 || len > size - i)
            return "a segment is broken";
        is_scan = marker == 0xda;
        i += len;
    }
    return "it is cut off";
}

vkc_status nn_jpeg_size(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    const char *fault = find_fault((const uint8_t *) bytes, size);
    decoder x = { .line = NULL };
    if (fault != NULL)
        return VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: %s", name, fault);
    if (setjmp(x.out) != 0)
        return fail(&x, name);
    start(&x, bytes, size);
    *width = x.d.image_width;
    *height = x.d.image_height;
    jpeg_destroy_decompress(&x.d);
    return VKC_OK;
}

static void read_lines(decoder *x, uint8_t *rgb)
{
    const uint32_t width = x->d.output_width;
    const bool is_cmyk = x->d.output_components == 4;
    if (is_cmyk && (x->line = (uint8_t *) malloc((size_t) width * 4)) == NULL)
        ERREXIT1(&x->d, JERR_OUT_OF_MEMORY, 0);
    while (x->d.output_scanline < x->d.output_height) {
        uint8_t *at = rgb + (size_t) x->d.output_scanline * width * 3;
        JSAMPROW row = is_cmyk ? x->line : at;
        jpeg_read_scanlines(&x->d, &row, 1);
        if (is_cmyk)
            nn_samples_mix_inks(x->line, width, true, at);
    }
}

vkc_status nn_jpeg_read(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height,
                        uint8_t *rgb)
{
    decoder x = { .line = NULL };
    if (setjmp(x.out) != 0)
        return fail(&x, name);
    start(&x, bytes, size);
    const bool is_cmyk = x.d.jpeg_color_space == JCS_CMYK || x.d.jpeg_color_space == JCS_YCCK;
    x.d.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&x.d);
    if (x.d.output_width != width || x.d.output_height != height || x.d.output_components != (is_cmyk ? 4 : 3)) {
        snprintf(x.why, sizeof x.why, "its sizes change");
        return fail(&x, name);
    }
    read_lines(&x, rgb);
    jpeg_finish_decompress(&x.d);
    jpeg_destroy_decompress(&x.d);
    free(x.line);
    return VKC_OK;
}

bool nn_jpeg_can_hold(const uint8_t *bytes, size_t size, uint64_t width, uint64_t height)
{
    (void) bytes;
    return width * height / MOST <= size;
}

const char *nn_jpeg_version(void)
{
#ifdef LIBJPEG_TURBO_VERSION
    return TEXT(LIBJPEG_TURBO_VERSION);
#else
    return TEXT(JPEG_LIB_VERSION);
#endif
}
