// tensor.c — shapes and packed row layouts.
#include "nn/graph/tensor.h"

#include <stdlib.h>
#include <string.h>

// One row a type: bytes of an element, name.
static const struct { uint32_t size; const char *name; } dtypes[NN_DTYPE_COUNT] = {
    [NN_DTYPE_F32] = { 4, "fp32" }, [NN_DTYPE_U32] = { 4, "uint32" }, [NN_DTYPE_F16] = { 2, "fp16" },
};

size_t nn_dtype_size(nn_dtype t)
{
    return dtypes[t].size;
}

const char *nn_dtype_name(nn_dtype t)
{
    return dtypes[t].name;
}

size_t nn_shape_len(const nn_shape *s)
{
    size_t len = s->rank ? 1 : 0;
    for (uint32_t i = 0; i < s->rank; i++)
        len *= s->dim[i];
    return len;
}

size_t nn_shape_bytes(const nn_shape *s, nn_dtype t)
{
    return (nn_shape_len(s) * dtypes[t].size + 3) / 4 * 4;      // kernels and fills work on whole words
}

bool nn_shape_is(const nn_shape *s, uint32_t rank, const uint32_t *dim)
{
    if (s->rank != rank)
        return false;
    for (uint32_t i = 0; i < rank; i++)
        if (s->dim[i] != dim[i])
            return false;
    return true;
}

uint32_t nn_rows_cap(const nn_rows *rows)
{
    return rows->cap_images * rows->cap_tokens;
}

static size_t words_len(const nn_rows *rows)
{
    return ROWS_HEADER + rows->cap_images + 1 + 2 * (size_t) nn_rows_cap(rows);
}

vkc_status nn_rows_create(vkc_device *dev, uint32_t cap_images, uint32_t cap_tokens, uint32_t prefix,
                          uint32_t grid_h, uint32_t grid_w, nn_rows **out)
{
    if (cap_images == 0 || cap_tokens == 0 || (uint64_t) cap_images * cap_tokens > UINT32_MAX / 4)
        return VKC_FAIL(VKC_E_ARG, "rows: %u images of %u tokens", cap_images, cap_tokens);
    if (cap_tokens > NN_ROWS_MAX_TOKENS)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "rows: samples of %u tokens; at most %u are supported", cap_tokens,
                        NN_ROWS_MAX_TOKENS);
    if (prefix + (uint64_t) grid_h * grid_w > cap_tokens)
        return VKC_FAIL(VKC_E_ARG, "rows: a %u x %u grid after %u tokens does not fit %u tokens", grid_h,
                        grid_w, prefix, cap_tokens);
    vkc_status st = VKC_OK;
    nn_rows *r = (nn_rows *) calloc(1, sizeof *r);
    if (!r)
        return VKC_FAIL(VKC_E_NOMEM, "rows: out of host memory");
    r->cap_images = cap_images;
    r->cap_tokens = cap_tokens;
    r->prefix = prefix;
    r->grid_h = grid_h;
    r->grid_w = grid_w;
    for (uint32_t i = 0; i < ROWS_MAX_LAUNCHES; i++)
        r->launch[i][0] = r->launch[i][1] = r->launch[i][2] = 1;
    r->image = (uint32_t *) calloc(words_len(r), 4);
    if (!r->image) {
        st = VKC_FAIL(VKC_E_NOMEM, "rows: out of host memory");
        goto done;
    }
    r->offsets = r->image + ROWS_HEADER;
    r->pos = r->offsets + cap_images + 1;
    size_t table = sizeof r->launch;
    size_t at_launches = vkc_align(dev, words_len(r) * 4);
    size_t at_commands = at_launches + vkc_align(dev, table);
    VKC_TRY(vkc_buffer_create(dev, VKC_MEM_DEVICE, at_commands + table, "rows", &r->buffer));
    r->words = (vkc_slice) { r->buffer, 0, words_len(r) * 4 };
    r->launches = (vkc_slice) { r->buffer, at_launches, table };
    r->commands = (vkc_slice) { r->buffer, at_commands, table };
    VKC_TRY(nn_rows_write(dev, r, 0, NULL, NULL));
    *out = r;
    r = NULL;
done:
    nn_rows_destroy(r);
    return st;
}

void nn_rows_destroy(nn_rows *rows)
{
    if (!rows)
        return;
    vkc_buffer_destroy(rows->buffer);
    free(rows->image);
    free(rows);
}

static vkc_status check_written(const nn_rows *rows)
{
    return rows->is_made ? VKC_FAIL(VKC_E_ARG, "rows: this layout is made on the device, the host cannot write it")
                         : VKC_OK;
}

vkc_status nn_rows_write_dense(vkc_device *dev, nn_rows *rows, uint32_t n_images)
{
    vkc_status st = check_written(rows);
    if (st != VKC_OK)
        return st;
    if (rows->n_images == n_images && rows->n == n_images * rows->cap_tokens)
        return VKC_OK;              // already so: a steady training loop writes nothing
    if (n_images > rows->cap_images)
        return VKC_FAIL(VKC_E_ARG, "rows: %u images, room for %u", n_images, rows->cap_images);
    uint32_t *lengths = (uint32_t *) malloc((n_images ? n_images : 1) * sizeof *lengths);
    if (!lengths)
        return VKC_FAIL(VKC_E_NOMEM, "rows: out of host memory");
    for (uint32_t b = 0; b < n_images; b++)
        lengths[b] = rows->cap_tokens;
    st = nn_rows_write(dev, rows, n_images, lengths, NULL);
    free(lengths);
    return st;
}

vkc_status nn_rows_write(vkc_device *dev, nn_rows *rows, uint32_t n_images, const uint32_t *lengths,
                         const uint32_t *pos)
{
    vkc_status st = check_written(rows);
    if (st == VKC_OK)
        st = nn_rows_set(rows, n_images, lengths, pos);
    return st == VKC_OK ? vkc_write(dev, rows->words, rows->image) : st;
}

vkc_status nn_rows_set(nn_rows *rows, uint32_t n_images, const uint32_t *lengths, const uint32_t *pos)
{
    if (n_images > rows->cap_images)
        return VKC_FAIL(VKC_E_ARG, "rows: %u images, room for %u", n_images, rows->cap_images);
    for (uint32_t b = 0; b < n_images; b++)
        if (lengths[b] > rows->cap_tokens)
            return VKC_FAIL(VKC_E_ARG, "rows: image %u has %u tokens, room for %u", b, lengths[b],
                            rows->cap_tokens);
    uint32_t cap = nn_rows_cap(rows), n = 0;
    uint32_t *slot = rows->pos + cap;
    memset(rows->pos, 0, cap * sizeof *rows->pos);
    memset(slot, 0xff, cap * sizeof *slot);     // ROWS_NONE
    for (uint32_t b = 0; b < n_images; b++) {
        rows->offsets[b] = n;
        for (uint32_t i = 0; i < lengths[b]; i++, n++) {
            uint32_t p = pos ? pos[n] : i;
            if (p >= rows->cap_tokens)
                return VKC_FAIL(VKC_E_ARG, "rows: image %u has a token at place %u of %u", b, p,
                                rows->cap_tokens);
            rows->pos[n] = p;
            slot[b * rows->cap_tokens + p] = n;
        }
    }
    for (uint32_t b = n_images; b <= rows->cap_images; b++)
        rows->offsets[b] = n;       // images that are not there are empty
    rows->n = n;
    rows->n_images = n_images;
    rows->image[0] = n;
    rows->image[1] = n_images;
    rows->image[2] = rows->cap_images;
    rows->image[3] = rows->cap_tokens;
    return VKC_OK;
}

// What every reader of a layout counts on. NULL = it is one, else what is wrong.
static const char *find_flaw(const nn_rows *rows, const uint32_t *words)
{
    const uint32_t *offsets = words + ROWS_HEADER, *pos = offsets + rows->cap_images + 1;
    const uint32_t *slot = pos + nn_rows_cap(rows), n = words[0];
    if (words[1] > rows->cap_images || n > nn_rows_cap(rows))
        return "more images or rows than there is room for";
    for (uint32_t b = 0; b < words[1]; b++)
        if (offsets[b + 1] < offsets[b] || offsets[b + 1] - offsets[b] > rows->cap_tokens)
            return "an image with a length that cannot be";
    if (offsets[0] != 0 || offsets[words[1]] != n)
        return "images that do not add up to its rows";
    for (uint32_t r = 0; r < n; r++)
        if (pos[r] >= rows->cap_tokens)
            return "a row at a place that there is not";
    for (size_t k = 0; k < nn_rows_cap(rows); k++)
        if (slot[k] != ROWS_NONE && slot[k] >= n)
            return "a place with a row that is not live";
    return NULL;
}

vkc_status nn_rows_read(vkc_device *dev, nn_rows *rows)
{
    uint32_t *words = (uint32_t *) malloc(rows->words.size);
    if (!words)
        return VKC_FAIL(VKC_E_NOMEM, "rows: out of host memory");
    vkc_status st = vkc_read(dev, rows->words, words);
    const char *flaw = st == VKC_OK ? find_flaw(rows, words) : NULL;
    if (flaw)
        st = VKC_FAIL(VKC_E_CHECK, "rows: the layout on the device has %s", flaw);
    if (st == VKC_OK) {
        memcpy(rows->image, words, rows->words.size);
        rows->n = words[0];
        rows->n_images = words[1];
    }
    free(words);
    return st;
}
