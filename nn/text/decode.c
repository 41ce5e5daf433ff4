// decode.c — ids to text, all at once or as they come.
#include <stdlib.h>
#include <string.h>

#include "nn/text/byte_level.h"
#include "nn/text/tokenizer_impl.h"
#include "nn/text/unicode/unicode.h"

struct nn_text_decoder {
    const nn_tokenizer *t;
    unsigned            flags;
    bool                keeps_runs;     // bytes of a fallback are judged when all that stand together are there
    bool                is_first;       // no token yet
    bool                in_run;         // the last token was a byte of a fallback
    uint32_t            strips;         // characters that may still go from the front
    nn_bytes            pending;        // bytes of which it is not sure what characters they are
    nn_bytes            out, a, b;
};

static void start(nn_text_decoder *d)
{
    d->is_first = true;
    d->in_run = false;
    d->strips = d->t->decoding.strips;
    d->pending.len = 0;
}

vkc_status nn_text_decoder_create(const nn_tokenizer *t, unsigned flags, nn_text_decoder **out)
{
    nn_text_decoder *d = calloc(1, sizeof *d);
    if (d == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for a decoder of text");
    d->t = t;
    d->flags = flags;
    start(d);
    *out = d;
    return VKC_OK;
}

void nn_text_decoder_destroy(nn_text_decoder *d)
{
    if (d == NULL)
        return;
    nn_bytes_free(&d->pending);
    nn_bytes_free(&d->out);
    nn_bytes_free(&d->a);
    nn_bytes_free(&d->b);
    free(d);
}

// Text on its way out: what is stripped from the front is not there yet.
static vkc_status give(nn_text_decoder *d, const char *text, size_t len)
{
    const nn_bytes *strip = &d->t->decoding.strip;
    while (d->strips > 0 && len >= strip->len && memcmp(text, strip->data, strip->len) == 0) {
        text += strip->len;
        len -= strip->len;
        d->strips--;
    }
    if (len > 0)
        d->strips = 0;
    return nn_bytes_add(&d->out, text, len);
}

// Pending bytes but for the last `keep` as characters. What is none becomes one U+FFFD, or one for each of its bytes.
static vkc_status give_characters(nn_text_decoder *d, size_t keep, bool each_byte)
{
    const unsigned char *bytes = (const unsigned char *) d->pending.data;
    const size_t len = d->pending.len - keep;
    vkc_status st = VKC_OK;
    for (size_t at = 0, taken; at < len; at += taken) {
        bool is_valid;
        nn_utf8_get(bytes + at, len - at, &taken, &is_valid);
        if (is_valid)
            VKC_TRY(give(d, d->pending.data + at, taken));
        for (size_t i = 0; !is_valid && i < (each_byte ? taken : 1); i++)
            VKC_TRY(give(d, "\xef\xbf\xbd", 3));
    }
    if (keep > 0)
        memmove(d->pending.data, d->pending.data + len, keep);
    d->pending.len = keep;
done:
    return st;
}

// The bytes of a run: characters if all of them are, else U+FFFD for each.
static vkc_status give_run(nn_text_decoder *d)
{
    const unsigned char *bytes = (const unsigned char *) d->pending.data;
    const size_t len = d->pending.len;
    bool is_valid = true;
    vkc_status st = VKC_OK;
    for (size_t at = 0, taken; is_valid && at < len; at += taken)
        nn_utf8_get(bytes + at, len - at, &taken, &is_valid);
    if (is_valid)
        VKC_TRY(give(d, d->pending.data, len));
    for (size_t i = 0; !is_valid && i < len; i++)
        VKC_TRY(give(d, "\xef\xbf\xbd", 3));
    d->pending.len = 0;
done:
    return st;
}

static vkc_status end_run(nn_text_decoder *d)
{
    d->in_run = false;
    return d->keeps_runs ? give_run(d) : give_characters(d, 0, true);
}

static bool hex(char c, unsigned *out)
{
    const bool is_digit = c >= '0' && c <= '9', is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'f';
    *out = is_digit ? (unsigned) (c - '0') : (unsigned) ((c | 0x20) - 'a') + 10;
    return is_digit || is_letter;
}

// <0xNN>; `tokenizers` takes a plus sign for the first digit too.
static bool byte_of(const char *token, size_t len, char *byte)
{
    unsigned high = 0, low = 0;
    if (len != 6 || memcmp(token, "<0x", 3) != 0 || token[5] != '>' || !hex(token[4], &low))
        return false;
    if (token[3] != '+' && !hex(token[3], &high))
        return false;
    *byte = (char) (unsigned char) (16 * high + low);
    return true;
}

static vkc_status add_byte_level(nn_text_decoder *d, const char *token, size_t len)
{
    vkc_status st;
    VKC_TRY(nn_byte_level_undo(token, len, &d->pending));
    if (d->flags & NN_DECODE_BYTES) {
        VKC_TRY(give(d, d->pending.data, d->pending.len));
        d->pending.len = 0;
        return VKC_OK;
    }
    st = d->pending.len == 0 ? VKC_OK :
         give_characters(d, nn_utf8_unfinished((const unsigned char *) d->pending.data, d->pending.len), false);
done:
    return st;
}

static vkc_status add_pieces(nn_text_decoder *d, const char *token, size_t len)
{
    const nn_decoding *how = &d->t->decoding;
    static const nn_bytes nothing;
    char byte;
    vkc_status st;
    d->a.len = 0;
    VKC_TRY(nn_bytes_add(&d->a, token, len));
    for (size_t i = 0; i < how->n_replaces; i++) {
        const bool drops = how->kind == NN_DECODING_METASPACE && how->drops_first && d->is_first;
        d->b.len = 0;
        VKC_TRY(nn_text_replace(d->a.data, d->a.len, &how->replaces[i].from, drops ? &nothing : &how->replaces[i].to,
                                &d->b));
        const nn_bytes swap = d->a;
        d->a = d->b;
        d->b = swap;
    }
    if (!how->byte_fallback || !byte_of(d->a.data, d->a.len, &byte)) {
        VKC_TRY(end_run(d));
        return give(d, d->a.data, d->a.len);
    }
    if (d->flags & NN_DECODE_BYTES)
        return give(d, &byte, 1);
    d->in_run = true;
    VKC_TRY(nn_bytes_add(&d->pending, &byte, 1));
    if (!d->keeps_runs)
        st = give_characters(d, nn_utf8_unfinished((const unsigned char *) d->pending.data, d->pending.len), true);
done:
    return st;
}

static vkc_status add(nn_text_decoder *d, uint32_t id)
{
    const nn_added *added = nn_added_of(&d->t->added, id);
    size_t len;
    vkc_status st;
    const char *token = added != NULL ? nn_added_found(&d->t->added, added, &len) :
                        nn_vocab_token(&d->t->bpe.vocab, id, &len);
    if (token == NULL || ((d->flags & NN_DECODE_SKIP_SPECIAL) && added != NULL && added->special))
        return VKC_OK;
    if (d->t->decoding.kind == NN_DECODING_BYTE_LEVEL) {
        st = add_byte_level(d, token, len);
    } else if (d->t->decoding.kind == NN_DECODING_JOINED) {
        if (!d->is_first)
            VKC_TRY(give(d, " ", 1));
        st = give(d, token, len);
    } else {
        st = add_pieces(d, token, len);
    }
    d->is_first = false;
done:
    return st;
}

static vkc_status end(nn_text_decoder *d)
{
    const vkc_status st = d->in_run ? end_run(d) : give_characters(d, 0, false);
    start(d);
    return st;
}

static void give_out(const nn_text_decoder *d, const char **text, size_t *size)
{
    *text = d->out.data != NULL ? d->out.data : "";
    *size = d->out.len;
}

vkc_status nn_text_decoder_add(nn_text_decoder *d, uint32_t id, const char **text, size_t *size)
{
    d->out.len = 0;
    const vkc_status st = add(d, id);
    if (st == VKC_OK)
        give_out(d, text, size);
    return st;
}

vkc_status nn_text_decoder_end(nn_text_decoder *d, const char **text, size_t *size)
{
    d->out.len = 0;
    const vkc_status st = end(d);
    if (st == VKC_OK)
        give_out(d, text, size);
    return st;
}

vkc_status nn_tokenizer_decode(const nn_tokenizer *t, const uint32_t *ids, size_t len, unsigned flags, char **text,
                               size_t *size)
{
    nn_text_decoder *d = NULL;
    vkc_status st;
    VKC_TRY(nn_text_decoder_create(t, flags, &d));
    d->keeps_runs = true;
    for (size_t i = 0; i < len; i++)
        VKC_TRY(add(d, ids[i]));
    VKC_TRY(end(d));
    VKC_TRY(nn_bytes_add(&d->out, "", 1));
    *text = d->out.data;
    *size = d->out.len - 1;
    d->out = (nn_bytes) { 0 };
done:
    nn_text_decoder_destroy(d);
    return st;
}
