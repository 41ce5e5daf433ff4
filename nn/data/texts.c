// texts.c — files of text, of JSON lines and of ids, read into token ids.
#include "nn/data/texts.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "nn/base/files.h"

#define MAX_FILE ((size_t) 4 << 30)
#define LLMC_WORDS 256u             // of llm.c's header
#define LLMC_U16 20240520u
#define LLMC_U32 20240801u

typedef struct reading {
    const nn_texts_params *p;
    nn_text_encoder *encoder;
    nn_texts *out;
    size_t    ids_room, texts_room;
} reading;

static vkc_status fail_memory(void)
{
    return VKC_FAIL(VKC_E_NOMEM, "texts: out of host memory");
}

// Room for `more` ids, and one text.
static vkc_status grow(reading *r, size_t more)
{
    nn_texts *t = r->out;
    const size_t want = (size_t) t->start[t->n] + more;
    if (want > r->ids_room) {
        const size_t room = want + want / 2 + 1024;
        uint32_t *id = (uint32_t *) realloc(t->id, room * sizeof *id);
        if (!id)
            return fail_memory();
        t->id = id;
        r->ids_room = room;
    }
    if (t->n + 2 > r->texts_room) {
        const size_t room = 2 * r->texts_room;
        uint64_t *start = (uint64_t *) realloc(t->start, room * sizeof *start);
        if (!start)
            return fail_memory();
        t->start = start;
        r->texts_room = room;
    }
    return VKC_OK;
}

static vkc_status add_text(reading *r, const char *text, size_t size)
{
    nn_texts *t = r->out;
    const uint32_t *id;
    size_t n;
    if (size == 0)
        return VKC_OK;
    vkc_status st = nn_text_encode(r->encoder, text, size, NN_ENCODE_SPECIAL | NN_ENCODE_LITERAL, &id, &n);
    if (st == VKC_OK)
        st = grow(r, n);
    if (st != VKC_OK || n == 0)
        return st;
    uint32_t *to = t->id + t->start[t->n];
    for (size_t i = 0; i < n; i++) {
        to[i] = id[i];
        if (id[i] >= r->p->vocab)
            return VKC_FAIL(VKC_E_FORMAT, "the tokenizer has a token %u, and the model a vocabulary of %u: it is "
                            "another model's", id[i], r->p->vocab);
    }
    t->start[t->n + 1] = t->start[t->n] + n;
    t->n++;
    t->bytes += size;
    return VKC_OK;
}

// White space around a text that is one of several is none of it.
static vkc_status add_trimmed(reading *r, const char *text, size_t size)
{
    while (size > 0 && strchr(" \t\r\n", text[0]) && text[0])
        text++, size--;
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) && text[size - 1])
        size--;
    return add_text(r, text, size);
}

static vkc_status read_text(reading *r, const char *text, size_t size)
{
    const char *end = text + size, *between = strstr(text, NN_TEXT_BETWEEN);   // a NUL ends the search, no more
    vkc_status st = VKC_OK;
    if (!between)
        return add_text(r, text, size);
    for (; between && st == VKC_OK; between = strstr(text, NN_TEXT_BETWEEN)) {
        st = add_trimmed(r, text, (size_t) (between - text));
        text = between + strlen(NN_TEXT_BETWEEN);
    }
    return st == VKC_OK ? add_trimmed(r, text, (size_t) (end - text)) : st;
}

static vkc_status read_lines(reading *r, const char *path, const char *text, size_t size)
{
    const char *end = text + size;
    vkc_status st = VKC_OK;
    for (uint64_t line = 1; text < end && st == VKC_OK; line++) {
        const char *stop = (const char *) memchr(text, '\n', (size_t) (end - text));
        const size_t len = (size_t) ((stop ? stop : end) - text);
        if (strspn(text, " \t\r") < len) {
            json_t *o = json_loadb(text, len, 0, NULL), *v = json_object_get(o, "text");
            if (json_is_string(v))
                st = add_text(r, json_string_value(v), json_string_length(v));
            else
                st = VKC_FAIL(VKC_E_FORMAT, "%s: line %llu is no JSON object with a text under \"text\"", path,
                              (unsigned long long) line);
            json_decref(o);
        }
        text += len + 1;
    }
    return st;
}

static uint32_t get_id(const unsigned char *at, size_t width)
{
    const uint32_t low = at[0] | (uint32_t) at[1] << 8;
    return width == 2 ? low : low | (uint32_t) at[2] << 16 | (uint32_t) at[3] << 24;
}

static vkc_status read_ids(reading *r, const char *path, const unsigned char *data, size_t size, size_t width)
{
    nn_texts *t = r->out;
    const uint32_t magic = size >= 4 * LLMC_WORDS ? get_id(data, 4) : 0;
    if (magic == LLMC_U16 || magic == LLMC_U32) {
        width = magic == LLMC_U16 ? 2 : 4;
        data += 4 * (size_t) LLMC_WORDS;
        size -= 4 * (size_t) LLMC_WORDS;
    }
    const size_t n = size / width, row = r->p->row && r->p->row < n ? r->p->row : n;
    if (size % width || n == 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s: %zu bytes are no ids of %zu bytes each", path, size, width);
    for (size_t i = 0; i < n; i += row) {
        const size_t len = n - i < row ? n - i : row;
        const vkc_status st = grow(r, len);
        if (st != VKC_OK)
            return st;
        for (size_t k = 0; k < len; k++) {
            const uint32_t id = get_id(data + (i + k) * width, width);
            if (id >= r->p->vocab)
                return VKC_FAIL(VKC_E_FORMAT, "%s: id %u at place %zu, and the model's vocabulary ends at %u", path, id,
                                i + k, r->p->vocab);
            t->id[t->start[t->n] + k] = id;
        }
        t->start[t->n + 1] = t->start[t->n] + len;
        t->n++;
    }
    return VKC_OK;
}

typedef enum { KIND_NONE, KIND_TEXT, KIND_LINES, KIND_IDS, KIND_IDS32 } file_kind;

static file_kind kind_of(const char *path)
{
    static const struct { const char *end; file_kind kind; } ends[] = {
        { ".txt", KIND_TEXT }, { ".jsonl", KIND_LINES }, { ".ids", KIND_IDS }, { ".bin", KIND_IDS },
        { ".ids32", KIND_IDS32 },
    };
    const size_t len = strlen(path);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (len > strlen(ends[i].end) && strcmp(path + len - strlen(ends[i].end), ends[i].end) == 0)
            return ends[i].kind;
    return KIND_NONE;
}

// Bytes of a byte order mark in front, which some editors write and no text begins with.
static size_t count_mark(const unsigned char *data, size_t size)
{
    return size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static vkc_status read_file(reading *r, const char *path)
{
    const file_kind kind = kind_of(path);
    unsigned char *data = NULL;
    size_t size;
    vkc_status st;
    if (kind == KIND_NONE)
        return VKC_FAIL(VKC_E_ARG, "%s: the name of a file of texts ends with .txt, .jsonl, .ids, .ids32 or .bin",
                        path);
    if (!r->encoder && (kind == KIND_TEXT || kind == KIND_LINES))
        return VKC_FAIL(VKC_E_ARG, "%s: the model has no tokenizer.json, so only files of ids can be read", path);
    VKC_TRY(nn_file_load(path, MAX_FILE, &data, &size));
    const size_t skip = kind == KIND_TEXT || kind == KIND_LINES ? count_mark(data, size) : 0;
    if (kind == KIND_TEXT)
        st = read_text(r, (const char *) data + skip, size - skip);
    else if (kind == KIND_LINES)
        st = read_lines(r, path, (const char *) data + skip, size - skip);
    else
        st = read_ids(r, path, data, size, kind == KIND_IDS32 ? 4 : 2);
done:
    free(data);
    return st;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

// Names of the files in a folder that are read.
static vkc_status list_folder(const char *folder, char ***out, size_t *n)
{
    DIR *d = opendir(folder);
    vkc_status st = d ? VKC_OK : VKC_FAIL(VKC_E_IO, "cannot list %s: %s", folder, nn_reason(errno));
    *out = NULL;
    *n = 0;
    for (const struct dirent *e; st == VKC_OK && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.' || kind_of(e->d_name) == KIND_NONE)
            continue;
        char **grown = (char **) realloc(*out, (*n + 1) * sizeof *grown), *name = strdup(e->d_name);
        *out = grown ? grown : *out;
        if (grown && name)
            grown[(*n)++] = name;
        else
            free(name), st = fail_memory();
    }
    if (d)
        closedir(d);
    if (*n)
        qsort(*out, *n, sizeof **out, compare);
    return st;
}

static vkc_status read_folder(reading *r, const char *folder)
{
    char **name, path[NN_PATH_MAX];
    size_t n;
    vkc_status st = list_folder(folder, &name, &n);
    for (size_t i = 0; i < n && st == VKC_OK; i++) {
        st = nn_path_build(path, folder, name[i]);
        if (st == VKC_OK)
            st = read_file(r, path);
    }
    for (size_t i = 0; i < n; i++)
        free(name[i]);
    free(name);
    return st;
}

vkc_status nn_texts_load(const char *path, const nn_texts_params *p, nn_texts *out)
{
    nn_texts t = { .start = (uint64_t *) calloc(64, sizeof *t.start) };
    reading r = { .p = p, .out = &t, .texts_room = 64 };
    vkc_status st;
    if (!t.start)
        return fail_memory();
    if (p->tokenizer)
        VKC_TRY(nn_text_encoder_create(p->tokenizer, &r.encoder));
    VKC_TRY(nn_is_folder(path) ? read_folder(&r, path) : read_file(&r, path));
    if (t.n == 0) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s: there is no text in it", path);
        goto done;
    }
    *out = t;
    t = (nn_texts) { .id = NULL };
done:
    nn_text_encoder_destroy(r.encoder);
    nn_texts_finish(&t);
    return st;
}

void nn_texts_finish(nn_texts *t)
{
    free(t->id);
    free(t->start);
    *t = (nn_texts) { .id = NULL };
}
