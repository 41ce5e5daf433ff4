// inflate.c — Huffman codes by table, several literals a look at the input, matches eight bytes at once.
//
// Source: RFC 1951, 3.2.2 to 3.2.7. A code is looked up by its first bits; longer ones go on to a second table.
// The bits not read yet are the lowest of a word of 64, filled up to 56 or more: enough for three literals, or for a
// length and a distance with their extra bits.
#include "nn/image/inflate.h"

#include <string.h>

#define LIT_BITS 11                 // of the first look at a literal or length, and at a distance
#define DIST_BITS 8
#define MAX_BITS 15
#define N_LIT 288
#define N_DIST 32

// An entry: value << 16 | kind or extra bits << 8 | bits of the code. 0 = no code.
#define LITERAL 0x8000u
#define END     0x4000u
#define MORE    0x2000u             // value: where its second table begins
#define EXTRA(e) ((e) >> 8 & 31)

typedef struct tables {
    uint32_t lit[(1 << LIT_BITS) + N_LIT * (1 << (MAX_BITS - LIT_BITS))];
    uint32_t dist[(1 << DIST_BITS) + N_DIST * (1 << (MAX_BITS - DIST_BITS))];
} tables;

typedef struct reader {
    const uint8_t *p, *end;
    uint64_t bits;
    uint32_t n;                     // bits in `bits`, at least
    uint32_t missing;               // bytes that were taken for 0 behind the end
} reader;

typedef struct output { uint8_t *begin, *p, *end; } output;

static uint64_t get_u64(const uint8_t *p)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < 8; i++)
        x |= (uint64_t) p[i] << 8 * i;
    return x;
}

static inline void refill(reader *r)
{
    if (r->end - r->p >= 8) {
        r->bits |= get_u64(r->p) << r->n;
        r->p += (63 - r->n) >> 3;
        r->n |= 56;
        return;
    }
    for (; r->n < 56; r->n += 8) {
        if (r->p < r->end)
            r->bits |= (uint64_t) *r->p++ << r->n;
        else
            r->missing++;
    }
}

static inline void skip(reader *r, uint32_t n)
{
    r->bits >>= n;
    r->n -= n;
}

static inline uint32_t take(reader *r, uint32_t n)
{
    const uint32_t x = (uint32_t) (r->bits & ((1ull << n) - 1));
    skip(r, n);
    return x;
}

// More was taken than there was.
static bool is_past_end(const reader *r)
{
    return 8 * r->missing > r->n;
}

static inline uint32_t look_up(reader *r, const uint32_t *table, uint32_t first_bits)
{
    uint32_t e = table[r->bits & ((1u << first_bits) - 1)];
    if (e & MORE)
        e = table[(e >> 16) + (r->bits >> first_bits & ((1u << (MAX_BITS - first_bits)) - 1))];
    skip(r, e & 31);
    return e;
}

static uint32_t reverse(uint32_t code, uint32_t len)
{
    uint32_t x = 0;
    for (uint32_t i = 0; i < len; i++)
        x |= (code >> i & 1) << (len - 1 - i);
    return x;
}

// Entries of n symbols from the lengths of their codes; meaning[i] is an entry without its bits. False when there are
// more codes than fit. What is left of a code that is not complete is no code.
static bool build(const uint8_t *len, uint32_t n, const uint32_t *meaning, uint32_t first_bits, uint32_t *table)
{
    uint32_t count[MAX_BITS + 1] = { 0 }, code[MAX_BITS + 2] = { 0 }, sum = 0;
    uint32_t at = 1u << first_bits;
    const uint32_t rest = MAX_BITS - first_bits;
    for (uint32_t i = 0; i < n; i++)
        count[len[i]]++;
    count[0] = 0;
    for (uint32_t b = 1; b <= MAX_BITS; b++) {
        code[b + 1] = (code[b] + count[b]) << 1;
        sum += count[b] << (MAX_BITS - b);
    }
    if (sum > 1u << MAX_BITS)
        return false;
    memset(table, 0, sizeof *table << first_bits);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t b = len[i];
        if (b == 0)
            continue;
        const uint32_t bits = reverse(code[b]++, b), e = meaning[i] | b;
        if (b <= first_bits) {
            for (uint32_t k = bits; k < 1u << first_bits; k += 1u << b)
                table[k] = e;
            continue;
        }
        uint32_t *first = &table[bits & ((1u << first_bits) - 1)];
        if (*first == 0) {
            memset(table + at, 0, sizeof *table << rest);
            *first = at << 16 | MORE;
            at += 1u << rest;
        }
        for (uint32_t k = bits >> first_bits; k < 1u << rest; k += 1u << (b - first_bits))
            table[(*first >> 16) + k] = e;
    }
    return true;
}

static bool build_both(tables *t, const uint8_t *lit, const uint8_t *dist)
{
    static const uint16_t length[29] = { 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67,
                                         83, 99, 115, 131, 163, 195, 227, 258 };
    static const uint16_t distance[30] = { 1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513,
                                           769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577 };
    uint32_t meaning[N_LIT] = { 0 };
    for (uint32_t i = 0; i < 256; i++)
        meaning[i] = i << 16 | LITERAL;
    meaning[256] = END;
    for (uint32_t i = 0; i < 29; i++)
        meaning[257 + i] = (uint32_t) length[i] << 16 | (i < 8 || i == 28 ? 0 : (i / 4 - 1) << 8);
    // Symbols 286 and 287 take part in the fixed code and stand for nothing: a match of no length.
    if (!build(lit, N_LIT, meaning, LIT_BITS, t->lit))
        return false;
    memset(meaning, 0, N_DIST * sizeof *meaning);
    for (uint32_t i = 0; i < 30; i++)
        meaning[i] = (uint32_t) distance[i] << 16 | (i < 4 ? 0 : (i / 2 - 1) << 8);
    return build(dist, N_DIST, meaning, DIST_BITS, t->dist);
}

static bool read_fixed(tables *t)
{
    uint8_t lit[N_LIT], dist[N_DIST];
    memset(lit, 8, 144);
    memset(lit + 144, 9, 112);
    memset(lit + 256, 7, 24);
    memset(lit + 280, 8, 8);
    memset(dist, 5, sizeof dist);
    return build_both(t, lit, dist);
}

// The lengths of both codes come as one list, run-length coded and then Huffman coded by a third code.
static bool read_dynamic(reader *r, tables *t)
{
    static const uint8_t order[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
    uint8_t len[19] = { 0 }, list[N_LIT + N_DIST] = { 0 }, lit[N_LIT] = { 0 }, dist[N_DIST] = { 0 };
    uint32_t meaning[19];
    refill(r);
    const uint32_t n_lit = take(r, 5) + 257, n_dist = take(r, 5) + 1, n_len = take(r, 4) + 4;
    for (uint32_t i = 0; i < n_len; i++) {
        refill(r);
        len[order[i]] = (uint8_t) take(r, 3);
    }
    for (uint32_t i = 0; i < 19; i++)
        meaning[i] = i << 16 | LITERAL;
    if (n_lit > 286 || n_dist > 30 || !build(len, 19, meaning, LIT_BITS, t->lit))
        return false;
    for (uint32_t i = 0; i < n_lit + n_dist;) {
        refill(r);
        const uint32_t e = look_up(r, t->lit, LIT_BITS), x = e >> 16;
        if (e == 0 || (x == 16 && i == 0))
            return false;
        const uint8_t value = x < 16 ? (uint8_t) x : x == 16 ? list[i - 1] : 0;
        const uint32_t n = x < 16 ? 1 : x == 16 ? 3 + take(r, 2) : x == 17 ? 3 + take(r, 3) : 11 + take(r, 7);
        if (n > n_lit + n_dist - i)
            return false;
        memset(list + i, value, n);
        i += n;
    }
    memcpy(lit, list, n_lit);
    memcpy(dist, list + n_lit, n_dist);
    return !is_past_end(r) && build_both(t, lit, dist);
}

// `len` bytes from `dist` before; up to seven beyond them are written too.
static inline void copy_match(uint8_t *p, size_t dist, size_t len)
{
    const uint8_t *from = p - dist, *end = p + len;
    if (dist >= 8) {
        for (; p < end; p += 8, from += 8)
            memcpy(p, from, 8);
    } else if (dist == 1) {
        memset(p, *from, len);
    } else {
        while (p < end)
            *p++ = *from++;
    }
}

static bool read_codes(reader *in, const tables *t, output *out)
{
    reader r = *in;                 // both in registers
    uint8_t *p = out->p;
    for (;;) {
        refill(&r);
        uint32_t e = look_up(&r, t->lit, LIT_BITS);
        for (int i = 0; i < 2 && (e & LITERAL); i++) {
            *p++ = (uint8_t) (e >> 16);
            e = look_up(&r, t->lit, LIT_BITS);
        }
        if (e & LITERAL) {
            *p++ = (uint8_t) (e >> 16);
            if (p > out->end)
                return false;
            continue;
        }
        if (p > out->end)
            return false;
        if (e & END)
            break;
        refill(&r);
        const size_t len = (e >> 16) + take(&r, EXTRA(e));
        e = look_up(&r, t->dist, DIST_BITS);
        const size_t dist = (e >> 16) + take(&r, EXTRA(e));
        if (len == 0 || dist == 0 || dist > (size_t) (p - out->begin) || len > (size_t) (out->end - p))
            return false;
        copy_match(p, dist, len);
        p += len;
    }
    *in = r;
    out->p = p;
    return !is_past_end(&r);
}

static bool read_stored(reader *r, output *out)
{
    refill(r);
    skip(r, r->n & 7);
    r->p -= r->n / 8 - r->missing;          // whole bytes go back
    if (r->missing > 0 || r->end - r->p < 4)
        return false;
    const size_t n = (size_t) (r->p[0] | r->p[1] << 8), inverse = (size_t) (r->p[2] | r->p[3] << 8);
    r->p += 4;
    r->bits = r->n = 0;
    if ((n ^ inverse) != 0xffff || n > (size_t) (r->end - r->p) || n > (size_t) (out->end - out->p))
        return false;
    memcpy(out->p, r->p, n);
    out->p += n;
    r->p += n;
    return true;
}

bool nn_inflate(const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out)
{
    tables t;
    reader r = { .p = in + 2, .end = in + n_in };
    output o = { out, out, out + n_out };
    if (n_in < 2 || (in[0] & 15) != 8 || (in[1] & 32) != 0 || (in[0] * 256u + in[1]) % 31 != 0)
        return false;
    for (bool is_last = false; !is_last;) {
        refill(&r);
        is_last = take(&r, 1) != 0;
        const uint32_t kind = take(&r, 2);
        if (kind == 0 ? !read_stored(&r, &o)
                      : kind == 3 || !(kind == 1 ? read_fixed(&t) : read_dynamic(&r, &t)) || !read_codes(&r, &t, &o))
            return false;
    }
    return o.p == o.end;
}
