// fuzz_tokenizer.c — libFuzzer target: the bytes up to the first NUL are tokenizer.json, the rest is a text.
// Between the two, behind another NUL, may stand tokenizer_config.json. What is accepted encodes any text and decodes
// any ids; a stream gives the bytes that decoding at once gives.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nn/text/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t up_to_nul(const uint8_t *data, size_t size)
{
    const uint8_t *cut = size > 0 ? memchr(data, 0, size) : NULL;
    return cut != NULL ? (size_t) (cut - data) : size;
}

static void check_stream(const nn_tokenizer *t, const uint32_t *ids, size_t len)
{
    nn_text_decoder *d;
    char *whole;
    const char *part;
    size_t size, n, at = 0;
    if (nn_tokenizer_decode(t, ids, len, NN_DECODE_BYTES, &whole, &size) != VKC_OK ||
        nn_text_decoder_create(t, NN_DECODE_BYTES, &d) != VKC_OK)
        abort();
    for (size_t i = 0; i <= len; i++) {
        if ((i < len ? nn_text_decoder_add(d, ids[i], &part, &n) : nn_text_decoder_end(d, &part, &n)) != VKC_OK)
            abort();
        if (n > size - at || memcmp(whole + at, part, n) != 0)
            abort();
        at += n;
    }
    if (at != size)
        abort();
    nn_text_decoder_destroy(d);
    free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t json = up_to_nul(data, size);
    const uint8_t *rest = data + json + (json < size);
    size_t left = size - json - (json < size);
    const size_t config = up_to_nul(rest, left);
    const char *settings = config < left ? (const char *) rest : NULL;
    nn_tokenizer *t = NULL;
    nn_text_encoder *e;
    const uint32_t *ids;
    size_t len;
    char *text;
    if (nn_tokenizer_read("fuzz", (const char *) data, json, settings, config, &t) != VKC_OK)
        return 0;
    if (settings != NULL) {
        rest += config + 1;
        left -= config + 1;
    }
    if (nn_text_encoder_create(t, &e) != VKC_OK)
        abort();
    for (unsigned flags = 0; flags < 4; flags++) {
        if (nn_text_encode(e, (const char *) rest, left, flags, &ids, &len) != VKC_OK)
            abort();
        for (size_t i = 0; i < len; i++)
            if (nn_tokenizer_token(t, ids[i], &size) == NULL)
                abort();
    }
    check_stream(t, ids, len);
    for (unsigned flags = 0; flags < 2; flags++) {
        if (nn_tokenizer_decode(t, ids, len, flags, &text, &size) != VKC_OK)
            abort();
        free(text);
    }
    uint32_t any[64];
    for (size_t i = 0; i < 64; i++)
        any[i] = left > 0 ? rest[i % left] + (uint32_t) i : (uint32_t) i;
    check_stream(t, any, 64);
    nn_text_encoder_destroy(e);
    nn_tokenizer_destroy(t);
    return 0;
}
