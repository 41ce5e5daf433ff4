// pickle.c — a pickle's stack machine: one function for each kind of opcode. What its calls give is in pickle_call.c.
#include "nn/checkpoint/pickle_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 256u               // bytes of the name of a module or a class

typedef unsigned long long ull;

typedef struct machine {
    nn_pickle *p;
    uint64_t   begin, op_at;        // bytes of the file: of the pickle, of the opcode
    unsigned char buf[16384];       // bytes p->at - pos .. of the file
    size_t     pos, len;
    nn_pk_value const **stack, **memo;
    size_t    *mark;                // heights of the stack
    size_t     n, cap, n_memo, cap_memo, n_marks, cap_marks;
    uint64_t   copied;              // items of lists that became dicts
    bool       is_done;
} machine;

#define PK_FAIL(m, ...) fail((m), __LINE__, __VA_ARGS__)
static vkc_status fail(const machine *m, int line, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

static vkc_status fail(const machine *m, int line, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return vkc_fail(VKC_E_FORMAT, __FILE__, line, "%s: byte %llu: %s", m->p->src->path, (ull) m->op_at, text);
}

// ---- bytes

// The next n bytes to `out`, or passed over when that is NULL.
static vkc_status take(machine *m, uint64_t n, void *out)
{
    nn_pickle *p = m->p;
    if (n > p->end - p->at)
        return PK_FAIL(m, "the pickle ends in the middle of what begins here; the file is cut off");
    if (p->at + n - m->begin > NN_PK_MAX_BYTES)
        return PK_FAIL(m, "the pickle has more than the %llu MiB that are read", (ull) NN_PK_MAX_BYTES >> 20);
    for (unsigned char *to = out; n > 0;) {
        const size_t have = m->len - m->pos, size = n < have ? (size_t) n : have;
        if (size > 0 && to != NULL) {
            memcpy(to, m->buf + m->pos, size);
            to += size;
        }
        m->pos += size, p->at += size, n -= size;
        if (n == 0)
            break;
        if (to == NULL && n > sizeof m->buf) {      // nobody wants them
            const uint64_t skip = n - n % sizeof m->buf;
            p->at += skip, n -= skip;
        }
        m->pos = 0;
        m->len = p->end - p->at < sizeof m->buf ? (size_t) (p->end - p->at) : sizeof m->buf;
        vkc_status st = nn_source_read(p->src, p->at, m->len, m->buf);
        if (st != VKC_OK)
            return st;
    }
    return VKC_OK;
}

static vkc_status take_number(machine *m, size_t bytes, uint64_t *out)     // little-endian
{
    unsigned char b[8];
    vkc_status st = take(m, bytes, b);
    *out = 0;
    for (size_t i = bytes; st == VKC_OK && i-- > 0;)
        *out = *out << 8 | b[i];
    return st;
}

static vkc_status take_line(machine *m, const char **out)
{
    char line[MAX_NAME + 1];
    size_t n = 0;
    for (;; n++) {
        vkc_status st = take(m, 1, &line[n]);
        if (st != VKC_OK)
            return st;
        if (line[n] == '\n')
            break;
        if (line[n] == '\0' || n == MAX_NAME)
            return PK_FAIL(m, "the name of a class is longer than %u bytes or has a NUL", MAX_NAME);
    }
    char *kept = nn__pk_alloc(m->p, n + 1, 1);
    if (kept == NULL)
        return VKC_E_NOMEM;
    memcpy(kept, line, n);
    *out = kept;
    return VKC_OK;
}

// ---- the stack

static vkc_status grow(machine *m, void **at, size_t *cap, size_t n, size_t size)
{
    if (n < *cap)
        return VKC_OK;
    const size_t more = n < 32 ? 64 : n * 2;
    void *grown = realloc(*at, more * size);
    if (grown == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the values of %s", m->p->src->path);
    *at = grown;
    *cap = more;
    return VKC_OK;
}

static vkc_status push(machine *m, const nn_pk_value *v)
{
    void *stack = m->stack;
    if (v == NULL)
        return VKC_E_NOMEM;         // its maker has said so
    vkc_status st = grow(m, &stack, &m->cap, m->n, sizeof *m->stack);
    m->stack = stack;
    if (st == VKC_OK)
        m->stack[m->n++] = v;
    return st;
}

// Are there n values above the last mark?
static vkc_status need(const machine *m, size_t n)
{
    const size_t floor = m->n_marks > 0 ? m->mark[m->n_marks - 1] : 0;
    return m->n - floor >= n ? VKC_OK : PK_FAIL(m, "the pickle takes more values from its stack than it put there");
}

// The height below the values above the last mark, which is taken away.
static vkc_status pop_mark(machine *m, size_t *height)
{
    if (m->n_marks == 0)
        return PK_FAIL(m, "the pickle takes values from its stack up to a mark that is not there");
    *height = m->mark[--m->n_marks];
    return VKC_OK;
}

static const nn_pk_value *pop(machine *m)      // after need()
{
    return m->stack[--m->n];
}

// ---- opcodes: each has read its code

typedef vkc_status op_fn(machine *m, unsigned char op);

static vkc_status do_proto(machine *m, unsigned char op)
{
    uint64_t version;
    (void) op;
    vkc_status st = take_number(m, 1, &version);
    if (st == VKC_OK && (version < 2 || version > 5))
        st = PK_FAIL(m, "the pickle is of protocol %llu; 2 to 5 are read", (ull) version);
    return st;
}

static vkc_status do_frame(machine *m, unsigned char op)        // how long it says the next ones are is not needed
{
    (void) op;
    return take(m, 8, NULL);
}

static vkc_status do_stop(machine *m, unsigned char op)
{
    (void) op;
    vkc_status st = need(m, 1);
    if (st == VKC_OK)
        m->p->root = pop(m);
    m->is_done = true;
    return st;
}

static vkc_status do_constant(machine *m, unsigned char op)
{
    return push(m, op == 'N' ? &nn__pk_none : op == ')' ? &nn__pk_empty : op == 0x88 ? &nn__pk_true : &nn__pk_false);
}

static vkc_status do_int(machine *m, unsigned char op)
{
    uint64_t x;
    vkc_status st = take_number(m, op == 'J' ? 4 : op == 'M' ? 2 : 1, &x);
    nn_pk_value *v = st == VKC_OK ? nn__pk_new(m->p, NN_PK_INT) : NULL;
    if (v != NULL)
        v->as.i = op == 'J' ? (int64_t) (x & 0x7fffffffu) - (int64_t) (x & 0x80000000u) : (int64_t) x;
    return st == VKC_OK ? push(m, v) : st;
}

// Two's complement of as many bytes as it says; what fits 64 bits is a number like others.
static vkc_status do_long(machine *m, unsigned char op)
{
    uint64_t len;
    unsigned char b[255];
    vkc_status st = take_number(m, op == 0x8a ? 1 : 4, &len);
    if (st == VKC_OK)
        st = take(m, len, len <= sizeof b ? b : NULL);
    nn_pk_value *v = st == VKC_OK ? nn__pk_new(m->p, len <= 8 ? NN_PK_INT : NN_PK_LONG) : NULL;
    if (st != VKC_OK || v == NULL)
        return st != VKC_OK ? st : VKC_E_NOMEM;
    if (len <= 8) {
        uint64_t x = len > 0 && b[len - 1] & 0x80 ? UINT64_MAX : 0;
        for (size_t i = (size_t) len; i-- > 0;)
            x = x << 8 | b[i];
        memcpy(&v->as.i, &x, sizeof x);
    } else if (len <= sizeof b) {
        char *kept = nn__pk_alloc(m->p, (size_t) len, 1);
        if (kept == NULL)
            return VKC_E_NOMEM;
        v->as.text.at = memcpy(kept, b, (size_t) len);
        v->as.text.len = (size_t) len;
    }
    return push(m, v);
}

static vkc_status do_float(machine *m, unsigned char op)
{
    uint64_t bits = 0;
    unsigned char b[8];
    (void) op;
    vkc_status st = take(m, 8, b);          // big-endian
    nn_pk_value *v = st == VKC_OK ? nn__pk_new(m->p, NN_PK_FLOAT) : NULL;
    for (int i = 0; v != NULL && i < 8; i++)
        bits = bits << 8 | b[i];
    if (v != NULL)
        memcpy(&v->as.f, &bits, sizeof bits);
    return st == VKC_OK ? push(m, v) : st;
}

// Strings are kept as long as names can be; bytes are of no use here.
static vkc_status do_text(machine *m, unsigned char op)
{
    const bool is_text = op == 'X' || op == 'U' || op == 'T' || op == 0x8c || op == 0x8d;
    const size_t head = op == 'U' || op == 'C' || op == 0x8c ? 1 : op == 0x8d || op == 0x8e || op == 0x96 ? 8 : 4;
    uint64_t len;
    vkc_status st = take_number(m, head, &len);
    if (st != VKC_OK)
        return st;
    nn_pk_value *v = nn__pk_new(m->p, is_text ? NN_PK_TEXT : NN_PK_BYTES);
    if (v == NULL)
        return VKC_E_NOMEM;
    char *kept = NULL;
    if (is_text && len <= NN_PK_MAX_TEXT) {
        kept = nn__pk_alloc(m->p, (size_t) len + 1, 1);
        if (kept == NULL)
            return VKC_E_NOMEM;
    }
    st = take(m, len, kept);
    v->as.text.at = kept;
    v->as.text.len = (size_t) len;
    return st == VKC_OK ? push(m, v) : st;
}

static vkc_status do_empty(machine *m, unsigned char op)
{
    return push(m, nn__pk_new(m->p, op == ']' ? NN_PK_LIST : op == '}' ? NN_PK_DICT : NN_PK_SET));
}

static vkc_status do_mark(machine *m, unsigned char op)
{
    void *mark = m->mark;
    (void) op;
    vkc_status st = grow(m, &mark, &m->cap_marks, m->n_marks, sizeof *m->mark);
    m->mark = mark;
    if (st == VKC_OK)
        m->mark[m->n_marks++] = m->n;
    return st;
}

static vkc_status do_pop(machine *m, unsigned char op)
{
    size_t height = 0;
    if (op == '1' || (m->n_marks > 0 && m->mark[m->n_marks - 1] == m->n)) {
        vkc_status st = pop_mark(m, &height);
        if (st == VKC_OK)
            m->n = height;
        return st;
    }
    vkc_status st = need(m, 1);
    if (st == VKC_OK)
        m->n--;
    return st;
}

static vkc_status do_dup(machine *m, unsigned char op)
{
    (void) op;
    vkc_status st = need(m, 1);
    return st == VKC_OK ? push(m, m->stack[m->n - 1]) : st;
}

static vkc_status do_tuple(machine *m, unsigned char op)
{
    size_t height = 0;
    vkc_status st;
    if (op == 't') {
        st = pop_mark(m, &height);
    } else {
        const size_t want = (size_t) op - 0x84;     // 1 to 3
        st = need(m, want);
        height = m->n - want;
    }
    if (st != VKC_OK)
        return st;
    const size_t n = m->n - height;
    nn_pk_value *v = nn__pk_new(m->p, NN_PK_TUPLE);
    const nn_pk_value **at = v != NULL ? nn__pk_alloc(m->p, n, sizeof *at) : NULL;
    if (at == NULL)
        return VKC_E_NOMEM;
    if (n > 0)
        memcpy(at, m->stack + height, n * sizeof *at);
    v->as.tuple.at = at;
    v->as.tuple.n = n;
    m->n = height;
    return push(m, v);
}

// A value below what is put into it. What is on the stack is this machine's own.
static nn_pk_items *get_items(const nn_pk_value *v, bool of_pairs)
{
    nn_pk_value *own = (nn_pk_value *) (uintptr_t) v;
    if (own->kind == NN_PK_OBJECT)          // a class made of a dict or a list
        return &own->as.object.items;
    const bool fits = of_pairs ? own->kind == NN_PK_DICT : own->kind == NN_PK_LIST || own->kind == NN_PK_SET;
    return fits ? &own->as.items : NULL;
}

static vkc_status do_add(machine *m, unsigned char op)
{
    const bool of_pairs = op == 's' || op == 'u';
    size_t height = m->n - (op == 's' ? 2 : 1);
    vkc_status st = op == 'a' || op == 's' ? need(m, op == 's' ? 3 : 2) : pop_mark(m, &height);
    if (st != VKC_OK)
        return st;
    if (height == 0 || (m->n_marks > 0 && m->mark[m->n_marks - 1] == height))
        return PK_FAIL(m, "the pickle adds items to nothing");
    nn_pk_items *to = get_items(m->stack[height - 1], of_pairs);
    if (to == NULL || (of_pairs && (m->n - height) % 2))
        return PK_FAIL(m, "the pickle adds %s to what has none", of_pairs ? "pairs" : "items");
    for (size_t i = height; i < m->n && st == VKC_OK; i += of_pairs ? 2 : 1)
        st = nn__pk_append(m->p, to, of_pairs ? m->stack[i] : NULL, m->stack[of_pairs ? i + 1 : i]);
    m->n = height;
    return st;
}

static vkc_status do_frozenset(machine *m, unsigned char op)
{
    size_t height = 0;
    (void) op;
    vkc_status st = pop_mark(m, &height);
    if (st != VKC_OK)
        return st;
    m->n = height;
    return push(m, nn__pk_new(m->p, NN_PK_SET));
}

// Numbers of the memo follow each other, so none is above the bytes that were read: a table of them is no longer.
static vkc_status do_put(machine *m, unsigned char op)
{
    uint64_t i = m->n_memo;
    void *memo = m->memo;
    vkc_status st = op == 0x94 ? VKC_OK : take_number(m, op == 'q' ? 1 : 4, &i);
    if (st == VKC_OK)
        st = need(m, 1);
    if (st == VKC_OK && i > m->p->at - m->begin)
        st = PK_FAIL(m, "the memo has no entry %llu yet", (ull) i);
    if (st == VKC_OK)
        st = grow(m, &memo, &m->cap_memo, (size_t) i, sizeof *m->memo);
    m->memo = memo;
    if (st != VKC_OK)
        return st;
    for (; m->n_memo <= i; m->n_memo++)
        m->memo[m->n_memo] = NULL;
    m->memo[i] = m->stack[m->n - 1];
    return VKC_OK;
}

static vkc_status do_get(machine *m, unsigned char op)
{
    uint64_t i;
    vkc_status st = take_number(m, op == 'h' ? 1 : 4, &i);
    if (st != VKC_OK)
        return st;
    if (i >= m->n_memo || m->memo[i] == NULL)
        return PK_FAIL(m, "the memo has no entry %llu", (ull) i);
    return push(m, m->memo[i]);
}

static vkc_status do_global(machine *m, unsigned char op)
{
    const char *module = NULL, *name = NULL;
    vkc_status st = VKC_OK;
    if (op == 'c') {
        st = take_line(m, &module);
        if (st == VKC_OK)
            st = take_line(m, &name);
    } else {
        st = need(m, 2);
        if (st == VKC_OK && (!nn_pk_is_text(m->stack[m->n - 1]) || !nn_pk_is_text(m->stack[m->n - 2])))
            st = PK_FAIL(m, "the pickle names a class by what are no names");
        if (st == VKC_OK)
            name = pop(m)->as.text.at, module = pop(m)->as.text.at;
    }
    nn_pk_value *v = st == VKC_OK ? nn__pk_new(m->p, NN_PK_GLOBAL) : NULL;
    if (v != NULL)
        v->as.global.module = module, v->as.global.name = name;
    return st == VKC_OK ? push(m, v) : st;
}

static vkc_status do_call(machine *m, unsigned char op)
{
    const size_t n = op == 0x92 ? 3 : 2;    // the last of three are arguments by name
    uint64_t budget = m->p->at - m->begin > m->copied ? m->p->at - m->begin - m->copied : 0;
    const uint64_t before = budget;
    nn_pk_value *v = NULL;
    vkc_status st = need(m, n);
    if (st == VKC_OK)
        st = nn__pk_call(m->p, m->stack[m->n - n], m->stack[m->n - n + 1], &budget, &v);
    m->copied += before - budget;
    if (st != VKC_OK)
        return st;
    m->n -= n;
    return push(m, v);
}

// The state of an object is kept; that of a dict, a tensor or a name is of no use here.
static vkc_status do_build(machine *m, unsigned char op)
{
    (void) op;
    vkc_status st = need(m, 2);
    if (st != VKC_OK)
        return st;
    const nn_pk_value *state = pop(m);
    nn_pk_value *own = (nn_pk_value *) (uintptr_t) m->stack[m->n - 1];
    if (own->kind == NN_PK_OBJECT)
        own->as.object.state = state;
    return VKC_OK;
}

static vkc_status do_persistent(machine *m, unsigned char op)
{
    nn_pk_value *v = NULL;
    (void) op;
    vkc_status st = need(m, 1);
    if (st == VKC_OK)
        st = nn__pk_find_storage(m->p, m->stack[m->n - 1], &v);
    if (st == VKC_OK && v == NULL)
        st = PK_FAIL(m, "a persistent id is none of a storage of PyTorch");
    if (st != VKC_OK)
        return st;
    m->n--;
    return push(m, v);
}

static op_fn *const ops[256] = {
    [0x80] = do_proto,      [0x95] = do_frame,      ['.'] = do_stop,        ['N'] = do_constant,    [')'] = do_constant,
    [0x88] = do_constant,   [0x89] = do_constant,   ['J'] = do_int,         ['K'] = do_int,         ['M'] = do_int,
    [0x8a] = do_long,       [0x8b] = do_long,       ['G'] = do_float,       ['X'] = do_text,        ['U'] = do_text,
    ['T'] = do_text,        [0x8c] = do_text,       [0x8d] = do_text,       ['B'] = do_text,        ['C'] = do_text,
    [0x8e] = do_text,       [0x96] = do_text,       [']'] = do_empty,       ['}'] = do_empty,       [0x8f] = do_empty,
    ['('] = do_mark,        ['0'] = do_pop,         ['1'] = do_pop,         ['2'] = do_dup,         ['t'] = do_tuple,
    [0x85] = do_tuple,      [0x86] = do_tuple,      [0x87] = do_tuple,      ['a'] = do_add,         ['e'] = do_add,
    ['s'] = do_add,         ['u'] = do_add,         [0x90] = do_add,        [0x91] = do_frozenset,  ['q'] = do_put,
    ['r'] = do_put,         [0x94] = do_put,        ['h'] = do_get,         ['j'] = do_get,         ['c'] = do_global,
    [0x93] = do_global,     ['R'] = do_call,        [0x81] = do_call,       [0x92] = do_call,       ['b'] = do_build,
    ['Q'] = do_persistent,
};

static vkc_status run(machine *m)
{
    vkc_status st = VKC_OK;
    while (st == VKC_OK && !m->is_done) {
        unsigned char op = 0;
        m->op_at = m->p->at;
        st = take(m, 1, &op);
        if (st == VKC_OK && ops[op] == NULL)
            st = PK_FAIL(m, "%u is no opcode of a pickle of protocols 2 to 5 that is read here", op);
        if (st == VKC_OK)
            st = ops[op](m, op);
    }
    return st;
}

vkc_status nn_pickle_read(nn_pickle *p)
{
    machine *m = calloc(1, sizeof *m);
    if (m == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the values of %s", p->src->path);
    m->p = p;
    m->begin = p->at;
    const vkc_status st = run(m);
    free(m->stack);
    free(m->memo);
    free(m->mark);
    free(m);
    return st;
}
