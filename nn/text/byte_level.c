// byte_level.c — bytes to characters and back: 188 are themselves, the other 68 are U+0100 and on, in their order.
#include "nn/text/byte_level.h"

#include "nn/text/unicode/unicode.h"

static uint32_t code_of(uint32_t byte)
{
    if (byte < 0x21)
        return 0x100 + byte;
    if (byte >= 0x7f && byte <= 0xa0)
        return 0x121 + (byte - 0x7f);
    return byte == 0xad ? 0x143 : byte;
}

static bool byte_of(uint32_t code, char *byte)
{
    if (code >= 0x100 && code <= 0x143)
        code = code < 0x121 ? code - 0x100 : code < 0x143 ? code - 0x121 + 0x7f : 0xad;
    else if (code > 0xff || code != code_of(code))
        return false;
    *byte = (char) code;
    return true;
}

vkc_status nn_byte_level_add(const char *bytes, size_t len, nn_bytes *out)
{
    const vkc_status st = nn_bytes_reserve(out, 2 * len);
    for (size_t i = 0; st == VKC_OK && i < len; i++)
        out->len += nn_utf8_put(code_of((unsigned char) bytes[i]), out->data + out->len);
    return st;
}

vkc_status nn_byte_level_undo(const char *token, size_t len, nn_bytes *out)
{
    const size_t before = out->len;
    char byte;
    vkc_status st = VKC_OK;
    for (size_t at = 0, taken; at < len; at += taken) {
        if (!byte_of(nn_utf8_get((const unsigned char *) token + at, len - at, &taken, NULL), &byte)) {
            out->len = before;
            return nn_bytes_add(out, token, len);
        }
        VKC_TRY(nn_bytes_add(out, &byte, 1));
    }
done:
    return st;
}
