// model_names.c — names of tensors matched against the patterns of model_names.def.
#include "nn/models/config/model_names.h"

#include <stdio.h>
#include <string.h>

static const char *const prefixes[] = {
#define NN_PREFIX(text) text,
#include "nn/models/config/model_names.def"
    NULL
};

static const char *const unused[] = {
#define NN_UNUSED(text) text,
#include "nn/models/config/model_names.def"
    NULL
};

static const char *const text_sides[] = {
#define NN_TEXT_SIDE(text) text,
#include "nn/models/config/model_names.def"
    NULL
};

// Of CLIP's image side.
static const char *const images[] = {
#define NN_IMAGE(text) text,
#include "nn/models/config/model_names.def"
    NULL
};

typedef enum { WRITE_NONE, WRITE_ALL, WRITE_PLAIN, WRITE_GATED } written;

static const struct {
    const char *theirs, *ours;
    uint32_t part, parts;
    bool is_transposed;
    written written;
} rows[] = {
#define NN_ROW(...) { __VA_ARGS__ },
#include "nn/models/config/model_names.def"
};

// What a pattern left open, found in a name.
typedef struct blanks { char block[8], kind[8]; } blanks;

// A block's number: at most four digits, none of them a leading zero.
static size_t match_block(const char *name, blanks *b)
{
    const size_t n = strspn(name, "0123456789");
    if (n == 0 || n > 4 || (n > 1 && name[0] == '0'))
        return 0;
    memcpy(b->block, name, n);
    b->block[n] = '\0';
    return n;
}

static bool match(const char *pattern, const char *name, blanks *b)
{
    *b = (blanks) { .block = "" };
    while (*pattern) {
        if (strcmp(pattern, "*") == 0) {
            snprintf(b->kind, sizeof b->kind, "%.7s", name);
            return strcmp(name, "weight") == 0 || strcmp(name, "bias") == 0;
        }
        if (strncmp(pattern, "{i}", 3) == 0) {
            const size_t n = match_block(name, b);
            if (n == 0)
                return false;
            pattern += 3, name += n;
        } else if (*pattern++ != *name++) {
            return false;
        }
    }
    return *name == '\0';
}

// A pattern with its blanks filled in.
static void fill(const char *pattern, const blanks *b, char out[NN_MAX_NAME])
{
    size_t at = 0;
    for (const char *p = pattern; *p && at + sizeof b->block < NN_MAX_NAME;) {
        if (strncmp(p, "{i}", 3) == 0) {
            at += (size_t) snprintf(out + at, NN_MAX_NAME - at, "%s", b->block);
            p += 3;
        } else if (strcmp(p, "*") == 0) {
            at += (size_t) snprintf(out + at, NN_MAX_NAME - at, "%s", b->kind);
            p++;
        } else {
            out[at++] = *p++;
        }
    }
    out[at] = '\0';
}

static bool look_up(const char *name, nn_tensor_name *out)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        blanks b;
        if (!match(rows[i].theirs, name, &b))
            continue;
        *out = (nn_tensor_name) { .part = rows[i].part, .parts = rows[i].parts,
                                  .is_transposed = rows[i].is_transposed };
        fill(rows[i].ours, &b, out->ours);
        return true;
    }
    return false;
}

// The one of a list that a name begins with; NULL = none.
static const char *find_start(const char *const *list, const char *name)
{
    while (*list && strncmp(name, *list, strlen(*list)) != 0)
        list++;
    return *list;
}

// The name from its block's number on, behind "blocks." and a chunk's number; NULL: it has none. Numbers of blocks
// count through all chunks.
static const char *find_chunked(const char *name)
{
    if (strncmp(name, "blocks.", 7) != 0)
        return NULL;
    const size_t chunk = strspn(name + 7, "0123456789");
    const char *block = name + 7 + chunk + 1;
    if (chunk == 0 || block[-1] != '.')
        return NULL;
    const size_t n = strspn(block, "0123456789");
    return n > 0 && block[n] == '.' ? block : NULL;
}

static bool look_up_chunked(const char *name, nn_tensor_name *out)
{
    char whole[2 * NN_MAX_NAME];
    const char *block = find_chunked(name);
    return block && snprintf(whole, sizeof whole, "blocks.%s", block) < (int) sizeof whole && look_up(whole, out);
}

bool nn_tensor_name_is_chunked(const char *theirs)
{
    nn_tensor_name name;
    for (;;) {
        if (look_up_chunked(theirs, &name))
            return true;
        const char *prefix = find_start(prefixes, theirs);
        if (!prefix)
            return false;
        theirs += strlen(prefix);
    }
}

bool nn_tensor_name_get(const char *theirs, nn_tensor_name *out)
{
    while (!look_up(theirs, out) && !look_up_chunked(theirs, out)) {
        const char *prefix = find_start(prefixes, theirs);
        if (!prefix) {
            const bool is_text = find_start(text_sides, theirs) != NULL;
            *out = (nn_tensor_name) { .parts = 1 };
            snprintf(out->ours, sizeof out->ours, "%s", is_text ? "@text" : "");
            return is_text || find_start(unused, theirs);
        }
        theirs += strlen(prefix);
    }
    return true;
}

bool nn_tensor_name_is_clip_image(const char *theirs)
{
    const char *prefix = "";
    while (prefix && !find_start(images, theirs)) {
        prefix = find_start(prefixes, theirs);
        theirs += prefix ? strlen(prefix) : 0;
    }
    return prefix != NULL;
}

bool nn_tensor_name_dinov2(const char *ours, uint32_t part, bool is_gated, nn_tensor_name *name,
                           char theirs[NN_MAX_NAME])
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        blanks b;
        const bool is_written = rows[i].written == WRITE_ALL ||
                                rows[i].written == (is_gated ? WRITE_GATED : WRITE_PLAIN);
        if (!is_written || rows[i].part != part || !match(rows[i].ours, ours, &b))
            continue;
        *name = (nn_tensor_name) { .part = part, .parts = rows[i].parts };
        fill(rows[i].theirs, &b, theirs);
        return true;
    }
    return false;
}
