// tiff.c — lines, tiles and planes of samples, turned into RGB here, since libtiff's own
// RGB rounds other numbers and multiplies by alpha.
#include "nn/image/formats/tiff.h"

#ifdef PARE_HAS_TIFF

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/image/formats/samples.h"
#include "nn/image/formats/tiff_file.h"

#define MAX_TILE ((tmsize_t) 64 << 20)          // bytes of a tile, or of a line

typedef struct kind {
    nn_samples samples;
    uint32_t   photometric;
    bool       is_inverted, is_multiplied, is_planar, is_tiled, is_foreign;     // is_foreign: libtiff makes RGB of it
    uint8_t    palette[256][3];     // of grey and palettes
} kind;

static vkc_status fail(const char *name, nn__tiff_file *f)
{
    const vkc_status st = VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: %s", name,
                                   f->why[0] != '\0' ? f->why : "its data are damaged");
    nn__tiff_close(f);
    return st;
}

static uint32_t get_short(TIFF *tiff, uint32_t tag)
{
    uint16_t x = 0;
    TIFFGetFieldDefaulted(tiff, tag, &x);
    return x;
}

static bool is_known_compression(uint32_t c)
{
    switch (c) {
    case COMPRESSION_NONE: case COMPRESSION_CCITTRLE: case COMPRESSION_CCITTFAX3: case COMPRESSION_CCITTFAX4:
    case COMPRESSION_LZW: case COMPRESSION_JPEG: case COMPRESSION_ADOBE_DEFLATE: case COMPRESSION_DEFLATE:
    case COMPRESSION_PACKBITS: case 34925: case 50000: case 50001:      // LZMA, Zstandard, WebP
        return TIFFIsCODECConfigured((uint16_t) c);
    default:
        return false;
    }
}

// Grey of up to 8 bits is a palette too.
static bool fill_palette(nn__tiff_file *f, kind *k)
{
    const uint32_t n = 1u << (k->samples.bits < 8 ? k->samples.bits : 8);
    uint16_t *channel[3];
    if (k->photometric != PHOTOMETRIC_PALETTE) {
        for (uint32_t i = 0; i < n; i++)
            memset(k->palette[i], (int) ((k->is_inverted ? n - 1 - i : i) * 255 / (n - 1)), 3);
        return true;
    }
    if (!TIFFGetField(f->tiff, TIFFTAG_COLORMAP, &channel[0], &channel[1], &channel[2]))
        return false;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < 3; c++)
            k->palette[i][c] = (uint8_t) (channel[c][i] >> 8);
    return true;
}

// Samples of a pixel that are its color: without those for transparency and the like.
static uint32_t count_colors(const kind *k)
{
    return k->photometric == PHOTOMETRIC_RGB ? 3 : k->photometric == PHOTOMETRIC_SEPARATED ? 4 : 1;
}

// Is it one of the kinds that are read?
static bool is_known_kind(const kind *k, uint32_t extras)
{
    const nn_samples *s = &k->samples;
    const uint32_t own = count_colors(k);
    if (s->each < own || s->each > 6 || (s->each != own + extras && k->photometric != PHOTOMETRIC_RGB))
        return false;
    switch (k->photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_PALETTE:
        if (s->bits < 8 || k->photometric == PHOTOMETRIC_PALETTE)
            return (s->bits == 1 || s->bits == 2 || s->bits == 4 || s->bits == 8) && s->type == NN_SAMPLE_UNSIGNED &&
                   (s->bits == 8 || s->each == 1);
        if (s->bits == 8)
            return s->type != NN_SAMPLE_FLOAT;
        return s->each == 1 && !k->is_inverted && (s->bits == 32 || (s->bits == 16 && s->type != NN_SAMPLE_FLOAT));
    case PHOTOMETRIC_RGB:
    case PHOTOMETRIC_SEPARATED:
        return (s->bits == 8 || s->bits == 16) && s->type == NN_SAMPLE_UNSIGNED;
    default:
        return false;
    }
}

static const char *read_kind(nn__tiff_file *f, kind *k)
{
    TIFF *t = f->tiff;
    uint16_t extras = 0, *extra = NULL;
    *k = (kind) { .photometric = get_short(t, TIFFTAG_PHOTOMETRIC), .is_tiled = TIFFIsTiled(t) };
    const uint32_t compression = get_short(t, TIFFTAG_COMPRESSION), format = get_short(t, TIFFTAG_SAMPLEFORMAT);
    nn_samples *s = &k->samples;
    s->bits = get_short(t, TIFFTAG_BITSPERSAMPLE);
    s->each = get_short(t, TIFFTAG_SAMPLESPERPIXEL);
    s->type = format == SAMPLEFORMAT_INT ? NN_SAMPLE_SIGNED : format == SAMPLEFORMAT_IEEEFP ? NN_SAMPLE_FLOAT
                                                                                           : NN_SAMPLE_UNSIGNED;
    if (!is_known_compression(compression))
        return "its compression is none that is read";
    if (format > SAMPLEFORMAT_VOID)
        return "it is of a kind of TIFF that is not read";
    TIFFGetFieldDefaulted(t, TIFFTAG_EXTRASAMPLES, &extras, &extra);
    k->is_planar = get_short(t, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE && s->each > 1;
    k->is_inverted = k->photometric == PHOTOMETRIC_MINISWHITE;
    k->is_multiplied = extras > 0 && extra[0] == EXTRASAMPLE_ASSOCALPHA && k->photometric != PHOTOMETRIC_SEPARATED &&
                       k->photometric != PHOTOMETRIC_PALETTE;
    if (k->photometric == PHOTOMETRIC_YCBCR) {
        const bool is_jpeg = compression == COMPRESSION_JPEG && !k->is_planar;
        if (s->bits != 8 || s->each != 3)
            return "it is of a kind of TIFF that is not read";
        k->is_foreign = !is_jpeg;
        k->photometric = PHOTOMETRIC_RGB;
        if (is_jpeg)
            TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    }
    if (!is_known_kind(k, extras))
        return "it is of a kind of TIFF that is not read";
    const uint32_t own = count_colors(k);
    s->use = own + (k->is_multiplied && s->each > own);
    s->cuts = own == 1 && s->bits > 8;
    return own > 1 || s->bits > 8 || fill_palette(f, k) ? NULL : "it has no palette";
}

static vkc_status open_tiff(const char *name, const void *bytes, size_t size, nn__tiff_file *f, kind *k,
                            uint32_t sides[2])
{
    if (!nn__tiff_open(f, bytes, size) || !TIFFGetField(f->tiff, TIFFTAG_IMAGEWIDTH, &sides[0]) ||
        !TIFFGetField(f->tiff, TIFFTAG_IMAGELENGTH, &sides[1]))
        return fail(name, f);
    const char *fault = read_kind(f, k);
    if (fault == NULL)
        return VKC_OK;
    snprintf(f->why, sizeof f->why, "%s", fault);
    return fail(name, f);
}

vkc_status nn_tiff_size(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    nn__tiff_file f;
    kind k;
    uint32_t sides[2] = { 0, 0 };
    const vkc_status st = open_tiff(name, bytes, size, &f, &k, sides);
    if (st != VKC_OK)
        return st;
    nn__tiff_close(&f);
    *width = sides[0];
    *height = sides[1];
    return VKC_OK;
}

// Colors that were multiplied by alpha, which is the sample behind them.
static void divide(uint8_t *samples, uint32_t n, uint32_t own)
{
    for (uint32_t i = 0; i < n; i++, samples += 4)
        for (uint32_t c = 0; c < own; c++) {
            const uint32_t a = samples[own], x = a > 0 ? samples[c] * 255u / a : 0;
            samples[c] = (uint8_t) (x > 255 ? 255 : x);
        }
}

// (n, 4) of 8 bits to (n, 3).
static void write_rgb(const kind *k, uint8_t *samples, uint32_t n, uint8_t *rgb)
{
    const uint32_t own = count_colors(k);
    if (k->samples.use > own)
        divide(samples, n, own);
    if (own == 4) {
        nn_samples_mix_inks(samples, n, false, rgb);
        return;
    }
    for (uint32_t i = 0; i < n; i++, samples += 4, rgb += 3) {
        if (own == 3)
            memcpy(rgb, samples, 3);
        else if (k->samples.bits > 8)
            memset(rgb, samples[0], 3);
        else
            memcpy(rgb, k->palette[samples[0]], 3);
    }
}

// What a picture of planes is gathered in, else a line: samples (n, 4).
typedef struct target {
    const kind *k;
    uint32_t width, height;
    uint8_t *samples, *rgb;
} target;

// n pixels of a line, of all samples or of one plane, to their place.
static void put_line(const target *t, uint32_t plane, const uint8_t *line, uint32_t y, uint32_t x, uint32_t n)
{
    const size_t at = (size_t) y * t->width + x;
    nn_samples s = t->k->samples;
    if (!t->k->is_planar) {
        nn_samples_read(&s, line, n, t->samples);
        write_rgb(t->k, t->samples, n, t->rgb + 3 * at);
        return;
    }
    s.each = s.use = 1;
    nn_samples_read(&s, line, n, t->samples + 4 * at + plane);
}

static uint64_t get_line_bytes(const kind *k, uint32_t width)
{
    return ((uint64_t) width * k->samples.bits * (k->is_planar ? 1 : k->samples.each) + 7) / 8;
}

static bool read_lines(nn__tiff_file *f, const target *t, uint32_t planes)
{
    const tmsize_t len = TIFFScanlineSize(f->tiff);
    const uint64_t want = get_line_bytes(t->k, t->width);
    if (len <= 0 || len > MAX_TILE || (uint64_t) len < want)
        return false;
    uint8_t *line = calloc(1, (size_t) len);
    bool is_good = line != NULL;
    for (uint32_t p = 0; p < planes && is_good; p++)
        for (uint32_t y = 0; y < t->height && is_good; y++) {
            is_good = TIFFReadScanline(f->tiff, line, y, (uint16_t) p) == 1;
            if (is_good)
                put_line(t, p, line, y, 0, t->width);
        }
    free(line);
    return is_good;
}

static bool read_tiles(nn__tiff_file *f, const target *t, uint32_t planes)
{
    uint32_t w = 0, h = 0;
    const tmsize_t size = TIFFTileSize(f->tiff), row = TIFFTileRowSize(f->tiff);
    TIFFGetField(f->tiff, TIFFTAG_TILEWIDTH, &w);
    TIFFGetField(f->tiff, TIFFTAG_TILELENGTH, &h);
    const uint64_t want = get_line_bytes(t->k, w);
    if (w == 0 || h == 0 || size <= 0 || size > MAX_TILE || row <= 0 || (uint64_t) row < want ||
        (uint64_t) row * h > (uint64_t) size)
        return false;
    uint8_t *tile = calloc(1, (size_t) size);
    bool is_good = tile != NULL;
    for (uint32_t p = 0; p < planes && is_good; p++)
        for (uint64_t y = 0; y < t->height && is_good; y += h)
            for (uint64_t x = 0; x < t->width && is_good; x += w) {
                is_good = TIFFReadTile(f->tiff, tile, (uint32_t) x, (uint32_t) y, 0, (uint16_t) p) >= 0;
                const uint32_t n = t->width - x < w ? (uint32_t) (t->width - x) : w;
                for (uint32_t i = 0; is_good && i < h && y + i < t->height; i++)
                    put_line(t, p, tile + (size_t) i * (size_t) row, (uint32_t) y + i, (uint32_t) x, n);
            }
    free(tile);
    return is_good;
}

// As libtiff has it, in the order of the file.
static bool read_foreign(nn__tiff_file *f, const target *t)
{
    TIFFRGBAImage image;
    char why[1024] = "";
    const size_t n = (size_t) t->width * t->height;
    if (!TIFFRGBAImageBegin(&image, f->tiff, 1, why)) {
        snprintf(f->why, sizeof f->why, "%.*s", (int) sizeof f->why - 1, why);
        return false;
    }
    image.orientation = image.req_orientation = ORIENTATION_TOPLEFT;
    uint32_t *raster = calloc(n, sizeof *raster);
    const bool is_good = raster != NULL && TIFFRGBAImageGet(&image, raster, t->width, t->height) == 1;
    for (size_t i = 0; is_good && i < n; i++) {
        t->rgb[3 * i] = (uint8_t) TIFFGetR(raster[i]);
        t->rgb[3 * i + 1] = (uint8_t) TIFFGetG(raster[i]);
        t->rgb[3 * i + 2] = (uint8_t) TIFFGetB(raster[i]);
    }
    free(raster);
    TIFFRGBAImageEnd(&image);
    return is_good;
}

vkc_status nn_tiff_read(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height,
                        uint8_t *rgb)
{
    nn__tiff_file f;
    kind k;
    uint32_t sides[2] = { 0, 0 };
    vkc_status st = open_tiff(name, bytes, size, &f, &k, sides);
    if (st != VKC_OK)
        return st;
    const size_t n = k.is_planar ? (size_t) width * height : width;
    target t = { .k = &k, .width = width, .height = height, .rgb = rgb, .samples = calloc(n, 4) };
    bool is_good = sides[0] == width && sides[1] == height && t.samples != NULL;
    if (is_good && k.is_foreign) {
        is_good = read_foreign(&f, &t);
    } else if (is_good) {
        const uint32_t planes = k.is_planar ? k.samples.use : 1;
        is_good = k.is_tiled ? read_tiles(&f, &t, planes) : read_lines(&f, &t, planes);
        for (uint32_t y = 0; is_good && k.is_planar && y < height; y++)
            write_rgb(&k, t.samples + (size_t) y * width * 4, width, rgb + (size_t) y * width * 3);
    }
    free(t.samples);
    if (!is_good)
        return fail(name, &f);
    nn__tiff_close(&f);
    return VKC_OK;
}

const char *nn_tiff_version(void)
{
    static _Thread_local char text[32];
    int major = 0, minor = 0, patch = 0;
    if (sscanf(TIFFGetVersion(), "LIBTIFF, Version %d.%d.%d", &major, &minor, &patch) != 3)
        return "";
    snprintf(text, sizeof text, "%d.%d.%d", major, minor, patch);
    return text;
}

#endif
