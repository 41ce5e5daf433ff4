// unicode.c — UTF-8 and classes of characters, looked up in the tables of unicode_tables.c.
#include "nn/text/unicode/unicode.h"

#include "nn/text/unicode/unicode_tables.h"

// The low bits of the last run that begins at `code` or before; 0 if there is none.
static uint32_t run_of(const uint32_t *runs, size_t len, uint32_t code, uint32_t bits)
{
    size_t low = 0, high = len;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (runs[middle] >> bits <= code)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? 0 : runs[low - 1] & ((1u << bits) - 1);
}

nn_text_class nn_text_class_of(uint32_t code)
{
    if (code < 0x80) {
        if ((code | 0x20) >= 'a' && (code | 0x20) <= 'z')
            return NN_TEXT_LETTER;
        if (code >= '0' && code <= '9')
            return NN_TEXT_NUMBER;
        return code == ' ' || (code >= '\t' && code <= '\r') ? NN_TEXT_SPACE : NN_TEXT_OTHER;
    }
    return (nn_text_class) run_of(nn_unicode_classes, nn_unicode_classes_len, code, 3);
}

uint32_t nn_text_combining(uint32_t code)
{
    return code < 0x300 ? 0 : run_of(nn_unicode_combining, nn_unicode_combining_len, code, 8);
}

// By the first byte: how many bytes the character has, and what the second may be; 0: none begins so.
static size_t head_of(unsigned char head, unsigned char *low, unsigned char *high)
{
    *low = head == 0xe0 ? 0xa0 : head == 0xf0 ? 0x90 : 0x80;
    *high = head == 0xed ? 0x9f : head == 0xf4 ? 0x8f : 0xbf;
    if (head < 0x80)
        return 1;
    return head < 0xc2 ? 0 : head < 0xe0 ? 2 : head < 0xf0 ? 3 : head < 0xf5 ? 4 : 0;
}

uint32_t nn_utf8_get(const unsigned char *text, size_t size, size_t *taken, bool *is_valid)
{
    unsigned char low, high;
    const size_t len = head_of(text[0], &low, &high);
    size_t have = 1;
    if (is_valid)
        *is_valid = true;
    if (len == 1) {
        *taken = 1;
        return text[0];
    }
    uint32_t code = len == 0 ? 0 : text[0] & (0x7fu >> len);
    for (; have < len && have < size; have++) {
        if (text[have] < (have == 1 ? low : 0x80) || text[have] > (have == 1 ? high : 0xbf))
            break;
        code = code << 6 | (text[have] & 0x3fu);
    }
    *taken = have;
    if (have == len)
        return code;
    if (is_valid)
        *is_valid = false;
    return 0xfffd;
}

size_t nn_utf8_put(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char) code;
        return 1;
    }
    const size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (char) (0x80 | (code & 0x3f));
    out[0] = (char) ((0xf00u >> len & 0xf0u) | code);
    return len;
}

size_t nn_utf8_unfinished(const unsigned char *text, size_t size)
{
    for (size_t back = 1; back <= 3 && back <= size; back++) {
        const unsigned char *head = text + size - back;
        if ((*head & 0xc0) == 0x80)
            continue;
        unsigned char low, high;
        size_t taken;
        const size_t len = head_of(*head, &low, &high);
        nn_utf8_get(head, back, &taken, NULL);
        return len > back && taken == back ? back : 0;
    }
    return 0;
}
