// bytes.c — bytes and lists that grow by half.
#include "nn/text/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "nn/text/unicode/unicode.h"

void nn_bytes_free(nn_bytes *b)
{
    free(b->data);
    *b = (nn_bytes) { 0 };
}

vkc_status nn_bytes_reserve(nn_bytes *b, size_t more)
{
    if (b->data != NULL && more <= b->room - b->len)
        return VKC_OK;
    if (more > SIZE_MAX / 4 - b->len)
        return VKC_FAIL(VKC_E_NOMEM, "a text of %zu bytes", more);
    const size_t room = (b->len + more) + (b->len + more) / 2 + 64;
    char *data = realloc(b->data, room);
    if (data == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for a text of %zu bytes", room);
    b->data = data;
    b->room = room;
    return VKC_OK;
}

vkc_status nn_bytes_add(nn_bytes *b, const void *data, size_t size)
{
    const vkc_status st = nn_bytes_reserve(b, size);
    if (st == VKC_OK && size > 0) {
        memcpy(b->data + b->len, data, size);
        b->len += size;
    }
    return st;
}

vkc_status nn_bytes_add_code(nn_bytes *b, uint32_t code)
{
    char text[4];
    return nn_bytes_add(b, text, nn_utf8_put(code, text));
}

vkc_status nn_list_reserve(void *list, size_t len, size_t *room, size_t size)
{
    void **data = list, *moved;
    if (len < *room)
        return VKC_OK;
    const size_t wanted = len + len / 2 + 16;
    if (wanted > SIZE_MAX / 2 / size || (moved = realloc(*data, wanted * size)) == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for a list of %zu", wanted);
    *data = moved;
    *room = wanted;
    return VKC_OK;
}
