// tiff_file.c — libtiff's calls for a file that is memory. Warnings are let pass; the first error is kept.
#ifdef PARE_HAS_TIFF

#include "nn/image/formats/tiff_file.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_BLOCK ((tmsize_t) 512 << 20)        // bytes that libtiff may ask for at once
#define HAS_OPTIONS (TIFFLIB_VERSION >= 20221213)       // 4.5.0: handlers of one file in place of the program's

static tmsize_t read_bytes(thandle_t user, void *out, tmsize_t n)
{
    nn__tiff_file *f = (nn__tiff_file *) user;
    const uint64_t rest = f->at < f->size ? f->size - f->at : 0;
    const size_t len = n < 0 ? 0 : (uint64_t) n < rest ? (size_t) n : (size_t) rest;
    if (len > 0)
        memcpy(out, f->bytes + f->at, len);
    f->at += len;
    return (tmsize_t) len;
}

static tmsize_t write_nothing(thandle_t user, void *bytes, tmsize_t n)
{
    (void) user, (void) bytes, (void) n;
    return -1;
}

static toff_t seek(thandle_t user, toff_t to, int whence)
{
    nn__tiff_file *f = (nn__tiff_file *) user;
    f->at = whence == SEEK_CUR ? f->at + to : whence == SEEK_END ? f->size + to : to;
    return f->at;
}

static int close_nothing(thandle_t user)
{
    (void) user;
    return 0;
}

static toff_t get_size(thandle_t user)
{
    return ((nn__tiff_file *) user)->size;
}

// libtiff reads in the file where it lies, and changes nothing of what it was opened to read.
static int map(thandle_t user, void **base, toff_t *size)
{
    const nn__tiff_file *f = (const nn__tiff_file *) user;
    memcpy(base, &f->bytes, sizeof *base);
    *size = f->size;
    return 1;
}

static void unmap(thandle_t user, void *base, toff_t size)
{
    (void) user, (void) base, (void) size;
}

#if HAS_OPTIONS
static int keep_error(TIFF *tiff, void *user, const char *module, const char *format, va_list args)
{
    nn__tiff_file *f = (nn__tiff_file *) user;
    (void) tiff, (void) module;
    if (f->why[0] == '\0')
        vsnprintf(f->why, sizeof f->why, format, args);
    return 1;
}

static int ignore_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list args)
{
    (void) tiff, (void) user, (void) module, (void) format, (void) args;
    return 1;
}

static TIFF *open_client(nn__tiff_file *f)
{
    TIFFOpenOptions *o = TIFFOpenOptionsAlloc();
    if (o == NULL)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(o, keep_error, f);
    TIFFOpenOptionsSetWarningHandlerExtR(o, ignore_warning, f);
    TIFFOpenOptionsSetMaxSingleMemAlloc(o, MAX_BLOCK);
    TIFF *tiff = TIFFClientOpenExt("memory", "r", f, read_bytes, write_nothing, seek, close_nothing, get_size, map,
                                   unmap, o);
    TIFFOpenOptionsFree(o);
    return tiff;
}
#else
static void be_silent(void)
{
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
}

static TIFF *open_client(nn__tiff_file *f)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, be_silent);
    return TIFFClientOpen("memory", "r", f, read_bytes, write_nothing, seek, close_nothing, get_size, map, unmap);
}
#endif

bool nn__tiff_open(nn__tiff_file *f, const void *bytes, size_t size)
{
    *f = (nn__tiff_file) { .bytes = (const uint8_t *) bytes, .size = size };
    f->tiff = open_client(f);
    return f->tiff != NULL;
}

void nn__tiff_close(nn__tiff_file *f)
{
    if (f->tiff != NULL)
        TIFFClose(f->tiff);
    f->tiff = NULL;
}

#else

typedef int nn__no_tiff;            // ISO C has no empty file

#endif
