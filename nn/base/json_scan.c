// json_scan.c — strict JSON from front to back, in place.
#include "nn/base/json_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

vkc_status nn_scan_fail(const nn_scan *s, const char *file, int line, size_t at, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const unsigned long long byte = s->base + at;
    if (s->subject == NULL)
        return vkc_fail(VKC_E_FORMAT, file, line, "%s: byte %llu: %s", s->where, byte, text);
    return vkc_fail(VKC_E_FORMAT, file, line, "%s: %s %s, byte %llu: %s", s->where, s->kind, s->subject, byte, text);
}

size_t nn_scan_place(nn_scan *s)
{
    while (s->at < s->len && strchr(" \t\r\n", s->text[s->at]) != NULL && s->text[s->at] != '\0')
        s->at++;
    return s->at;
}

static bool take(nn_scan *s, char c)
{
    if (nn_scan_place(s) == s->len || s->text[s->at] != c)
        return false;
    s->at++;
    return true;
}

static vkc_status want(nn_scan *s, char c)
{
    return take(s, c) ? VKC_OK : NN_SCAN_FAIL(s, s->at, "not valid JSON here: expected %c", c);
}

// ---- strings

// The length of the UTF-8 sequence at p, 0 where there is none: no overlong form, no surrogate, nothing past U+10FFFF.
static size_t get_utf8_len(const unsigned char *p, size_t room)
{
    const size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (n > room)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

static size_t put_utf8(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char) c;
        return 1;
    }
    const size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char first[5] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char) (0x80 | (c & 0x3f));
    out[0] = (char) (first[n] | c);
    return n;
}

// Four hexadecimal digits, or more than 0xffff.
static uint32_t take_hex(nn_scan *s)
{
    uint32_t x = 0;
    for (int i = 0; i < 4; i++, s->at++) {
        const char *digits = "0123456789abcdef", c = s->at < s->len ? s->text[s->at] : '\0';
        const char *p = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
        if (p == NULL)
            return UINT32_MAX;
        x = x << 4 | (uint32_t) (p - digits);
    }
    return x;
}

// What follows a backslash, as UTF-8 to `out`. No escape is shorter than what it stands for.
static vkc_status take_escape(nn_scan *s, char *out, size_t *len)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const size_t at = s->at - 1;
    const char c = s->at < s->len ? s->text[s->at++] : '\0';
    const char *p = c == '\0' ? NULL : strchr(from, c);
    if (p != NULL) {
        out[0] = to[p - from];
        *len = 1;
        return VKC_OK;
    }
    uint32_t x = c == 'u' ? take_hex(s) : UINT32_MAX;
    if (x >= 0xd800 && x < 0xdc00) {
        const bool is_pair = s->len - s->at > 2 && s->text[s->at] == '\\' && s->text[s->at + 1] == 'u';
        s->at += is_pair ? 2 : 0;
        const uint32_t low = is_pair ? take_hex(s) : 0;
        x = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((x - 0xd800) << 10) + (low - 0xdc00) : UINT32_MAX;
    }
    if (x == 0 || x > 0x10ffff || (x >= 0xdc00 && x < 0xe000))
        return NN_SCAN_FAIL(s, at, "not valid JSON here: an escape that stands for no character");
    *len = put_utf8(x, out);
    return VKC_OK;
}

vkc_status nn_scan_string(nn_scan *s, char **out)
{
    if (!take(s, '"'))
        return NN_SCAN_FAIL(s, s->at, "not valid JSON here: expected a string");
    const size_t begin = s->at;
    size_t to = begin, n = 1;
    while (s->at < s->len && s->text[s->at] != '"') {
        const unsigned char *p = (const unsigned char *) s->text + s->at;
        if (*p == '\\') {
            s->at++;
            vkc_status st = take_escape(s, s->text + to, &n);
            if (st != VKC_OK)
                return st;
        } else {
            n = *p < 0x20 ? 0 : get_utf8_len(p, s->len - s->at);
            if (n == 0)
                return NN_SCAN_FAIL(s, s->at, "a string is not UTF-8 or has control characters");
            memmove(s->text + to, p, n);
            s->at += n;
        }
        to += n;
    }
    if (s->at == s->len)
        return NN_SCAN_FAIL(s, s->len, "not valid JSON: a string does not end");
    s->at++;
    s->text[to] = '\0';
    *out = s->text + begin;
    return VKC_OK;
}

// ---- numbers and words

static bool is_digit(const nn_scan *s)
{
    return s->at < s->len && s->text[s->at] >= '0' && s->text[s->at] <= '9';
}

static bool is_one_of(const nn_scan *s, const char *chars)
{
    return s->at < s->len && s->text[s->at] != '\0' && strchr(chars, s->text[s->at]) != NULL;
}

vkc_status nn_scan_whole(nn_scan *s, uint64_t *out)
{
    const size_t begin = nn_scan_place(s);
    uint64_t x = 0;
    for (; is_digit(s); s->at++) {
        const uint64_t digit = (uint64_t) (s->text[s->at] - '0');
        if (x > (UINT64_MAX - digit) / 10)
            return NN_SCAN_FAIL(s, begin, "a whole number is too large");
        x = 10 * x + digit;
    }
    if (s->at == begin || (s->text[begin] == '0' && s->at > begin + 1) || is_one_of(s, ".eE"))
        return NN_SCAN_FAIL(s, begin, "expected a whole number: digits, no sign, no fraction and no exponent");
    *out = x;
    return VKC_OK;
}

static bool take_digits(nn_scan *s)
{
    const size_t begin = s->at;
    while (is_digit(s))
        s->at++;
    return s->at > begin;
}

static vkc_status skip_number(nn_scan *s)
{
    const size_t begin = s->at;
    bool is_good = true;
    s->at += is_one_of(s, "-");
    const size_t first = s->at;
    is_good = take_digits(s) && (s->text[first] != '0' || s->at == first + 1);
    if (is_good && is_one_of(s, ".")) {
        s->at++;
        is_good = take_digits(s);
    }
    if (is_good && is_one_of(s, "eE")) {
        s->at++;
        s->at += is_one_of(s, "+-");
        is_good = take_digits(s);
    }
    return is_good ? VKC_OK : NN_SCAN_FAIL(s, begin, "not valid JSON here: expected a value");
}

static vkc_status skip_word(nn_scan *s)
{
    static const char *const words[] = { "true", "false", "null" };
    for (int i = 0; i < 3; i++) {
        const size_t n = strlen(words[i]);
        if (s->len - s->at >= n && memcmp(s->text + s->at, words[i], n) == 0) {
            s->at += n;
            return VKC_OK;
        }
    }
    return skip_number(s);
}

// ---- objects and lists

static vkc_status enter(nn_scan *s, char open)
{
    vkc_status st = want(s, open);
    if (st == VKC_OK && ++s->depth > NN_SCAN_MAX_DEPTH)
        st = NN_SCAN_FAIL(s, s->at - 1, "the JSON is nested more than %d deep", NN_SCAN_MAX_DEPTH);
    return st;
}

vkc_status nn_scan_object(nn_scan *s, nn_scan_member *member, void *user)
{
    vkc_status st;
    char *key;
    VKC_TRY(enter(s, '{'));
    for (bool more = !take(s, '}'); more;) {
        const size_t at = nn_scan_place(s);
        VKC_TRY(nn_scan_string(s, &key));
        VKC_TRY(want(s, ':'));
        VKC_TRY(member(user, s, key, at));
        more = take(s, ',');
        if (!more)
            VKC_TRY(want(s, '}'));
    }
    s->depth--;
done:
    return st;
}

vkc_status nn_scan_list(nn_scan *s, nn_scan_item *item, void *user)
{
    vkc_status st;
    VKC_TRY(enter(s, '['));
    for (bool more = !take(s, ']'); more;) {
        VKC_TRY(item(user, s));
        more = take(s, ',');
        if (!more)
            VKC_TRY(want(s, ']'));
    }
    s->depth--;
done:
    return st;
}

static vkc_status skip_member(void *user, nn_scan *s, char *key, size_t key_at)
{
    (void) user, (void) key, (void) key_at;
    return nn_scan_skip(s);
}

static vkc_status skip_item(void *user, nn_scan *s)
{
    (void) user;
    return nn_scan_skip(s);
}

vkc_status nn_scan_skip(nn_scan *s)
{
    char *text;
    nn_scan_place(s);
    switch (s->at < s->len ? s->text[s->at] : '\0') {
    case '{': return nn_scan_object(s, skip_member, NULL);
    case '[': return nn_scan_list(s, skip_item, NULL);
    case '"': return nn_scan_string(s, &text);
    default: return skip_word(s);
    }
}

vkc_status nn_scan_end(nn_scan *s)
{
    return nn_scan_place(s) == s->len ? VKC_OK : NN_SCAN_FAIL(s, s->at, "not valid JSON: more than one value");
}
