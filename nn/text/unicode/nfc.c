// nfc.c — decompose, order by combining class, compose (UAX #15).
#include "nn/text/unicode/nfc.h"

#include <stdlib.h>

#include "nn/text/unicode/unicode.h"
#include "nn/text/unicode/unicode_tables.h"

enum { HANGUL = 0xac00, LEADS = 0x1100, VOWELS = 0x1161, TAILS = 0x11a7, N_LEADS = 19, N_VOWELS = 21, N_TAILS = 28 };
#define N_HANGUL (N_LEADS * N_VOWELS * N_TAILS)
#define PAIR(i) (nn_unicode_pairs + 3 * (i))

typedef struct { uint32_t code, combining; } part;
typedef struct { part *parts; size_t len, room; } parts;

static vkc_status add(parts *p, uint32_t code)
{
    const vkc_status st = nn_list_reserve(&p->parts, p->len, &p->room, sizeof *p->parts);
    if (st == VKC_OK)
        p->parts[p->len++] = (part) { code, nn_text_combining(code) };
    return st;
}

static const uint32_t *pair_of(uint32_t code)
{
    size_t low = 0, high = nn_unicode_pairs_len / 3;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (PAIR(middle)[0] == code)
            return PAIR(middle);
        if (PAIR(middle)[0] < code)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

// What `code` decomposes into alone, or `code`.
static uint32_t single_of(uint32_t code)
{
    size_t low = 0, high = nn_unicode_singles_len / 2;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (nn_unicode_singles[2 * middle] <= code)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return code;
    const uint32_t first = nn_unicode_singles[2 * low - 2], at = nn_unicode_singles[2 * low - 1] + (code - first);
    const size_t end = 2 * low < nn_unicode_singles_len ? nn_unicode_singles[2 * low + 1] : nn_unicode_targets_len;
    return at < end ? nn_unicode_targets[at] : code;
}

// Only the first part decomposes further; a chain is short (at most 3 long).
static vkc_status decompose(parts *p, uint32_t code)
{
    uint32_t behind[8];
    size_t n = 0;
    vkc_status st = VKC_OK;
    if (code < 0xc0)
        return add(p, code);
    if (code >= HANGUL && code < HANGUL + N_HANGUL) {
        const uint32_t at = code - HANGUL;
        VKC_TRY(add(p, LEADS + at / (N_VOWELS * N_TAILS)));
        VKC_TRY(add(p, VOWELS + at / N_TAILS % N_VOWELS));
        return at % N_TAILS > 0 ? add(p, TAILS + at % N_TAILS) : VKC_OK;
    }
    for (;;) {
        const uint32_t *pair = pair_of(code), single = single_of(code);
        if (pair != NULL && n < 8) {
            behind[n++] = pair[2];
            code = pair[1];
        } else if (single != code) {
            code = single;
        } else {
            break;
        }
    }
    VKC_TRY(add(p, code));
    while (n > 0)
        VKC_TRY(add(p, single_of(behind[--n])));
done:
    return st;
}

static void order(parts *p)
{
    for (size_t i = 1; i < p->len; i++) {
        const part x = p->parts[i];
        size_t k = i;
        for (; x.combining > 0 && k > 0 && p->parts[k - 1].combining > x.combining; k--)
            p->parts[k] = p->parts[k - 1];
        p->parts[k] = x;
    }
}

// What two compose into, or 0.
static uint32_t compose(uint32_t a, uint32_t b)
{
    if (a >= LEADS && a < LEADS + N_LEADS && b >= VOWELS && b < VOWELS + N_VOWELS)
        return HANGUL + ((a - LEADS) * N_VOWELS + (b - VOWELS)) * N_TAILS;
    if (a >= HANGUL && a < HANGUL + N_HANGUL && (a - HANGUL) % N_TAILS == 0 && b > TAILS && b < TAILS + N_TAILS)
        return a + (b - TAILS);
    size_t low = 0, high = nn_unicode_composes_len;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const uint32_t *pair = PAIR(nn_unicode_composes[middle]);
        if (pair[1] == a && pair[2] == b)
            return pair[0];
        if (pair[1] < a || (pair[1] == a && pair[2] < b))
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static void compose_all(parts *p)
{
    size_t starter = SIZE_MAX, len = 0;
    for (size_t i = 0; i < p->len; i++) {
        const part x = p->parts[i];
        // Nothing between the two, or what is between has a lower class: not blocked.
        const bool is_next = starter != SIZE_MAX && (len == starter + 1 || p->parts[len - 1].combining < x.combining);
        const uint32_t made = is_next ? compose(p->parts[starter].code, x.code) : 0;
        if (made != 0) {
            p->parts[starter].code = made;
            continue;
        }
        if (x.combining == 0)
            starter = len;
        p->parts[len++] = x;
    }
    p->len = len;
}

// Composes what has gathered and passes it on.
static vkc_status flush(parts *p, nn_bytes *out)
{
    vkc_status st = VKC_OK;
    order(p);
    compose_all(p);
    for (size_t i = 0; i < p->len; i++)
        VKC_TRY(nn_bytes_add_code(out, p->parts[i].code));
    p->len = 0;
done:
    return st;
}

vkc_status nn_nfc(const char *text, size_t size, nn_bytes *out)
{
    const unsigned char *at = (const unsigned char *) text, *end = at + size;
    parts p = { 0 };
    vkc_status st = VKC_OK;
    while (at < end) {
        // ASCII composes with nothing that is before it; the last may with what comes behind.
        const unsigned char *plain = at;
        while (plain < end && *plain < 0x80)
            plain++;
        if (plain > at + 1) {
            VKC_TRY(flush(&p, out));
            VKC_TRY(nn_bytes_add(out, at, (size_t) (plain - at) - 1));
            at = plain - 1;
        }
        size_t taken;
        const uint32_t code = nn_utf8_get(at, (size_t) (end - at), &taken, NULL);
        if (code < 0x80)
            VKC_TRY(flush(&p, out));
        VKC_TRY(decompose(&p, code));
        at += taken;
    }
    VKC_TRY(flush(&p, out));
done:
    free(p.parts);
    return st;
}
