// safetensors_strided.c — elements of a tensor that is not packed, in row-major order, from where they lie in the file.
#include "nn/checkpoint/safetensors_impl.h"

#include <string.h>

#define WINDOW ((size_t) 16 << 10)  // bytes read at a time

typedef struct box {                // index from[d] .. from[d] + len[d] - 1 of each dimension
    uint64_t from[NN_ST_MAX_RANK], len[NN_ST_MAX_RANK];
} box;

// `n` elements along dimension `run` from the tensor's element `at` on, as they lie; in `out` they are `step` bytes
// apart.
static vkc_status read_run(const nn_st_tensor *t, size_t one, uint64_t at, uint64_t n, uint32_t run, size_t step,
                           unsigned char *out)
{
    const size_t room = WINDOW / one;
    const uint64_t stride = t->stride[run];
    unsigned char window[WINDOW];
    for (uint64_t i = 0; i < n;) {
        uint64_t k = stride == 0 ? n : 1 + (room - 1) / stride;     // as many as the window has
        k = k < n - i ? k : n - i;
        const size_t span = (size_t) ((k - 1) * stride + 1) * one;
        vkc_status st = nn_source_read(&t->file->src, t->begin + (at + i * stride) * one, span, window);
        if (st != VKC_OK)
            return st;
        for (uint64_t j = 0; j < k; j++)
            memcpy(out + (i + j) * step, window + j * stride * one, one);
        i += k;
    }
    return VKC_OK;
}

// A box, row-major, from out[0] on: run by run along the dimension whose elements lie closest together.
static vkc_status read_box(const nn_st_tensor *t, size_t one, const box *b, unsigned char *out)
{
    uint64_t step[NN_ST_MAX_RANK], i[NN_ST_MAX_RANK] = { 0 }, at = 0, to = 0, next = one;
    uint32_t run = t->rank;
    for (uint32_t d = t->rank; d-- > 0;) {
        step[d] = next;
        next *= b->len[d];
        at += b->from[d] * t->stride[d];
        if (b->len[d] > 1 && (run == t->rank || t->stride[d] < t->stride[run]))
            run = d;
    }
    if (run == t->rank)             // of one element
        run = 0;
    for (;;) {
        vkc_status st = read_run(t, one, at, b->len[run], run, (size_t) step[run], out + to);
        if (st != VKC_OK)
            return st;
        uint32_t d = t->rank;
        while (d-- > 0) {
            if (d == run)
                continue;
            at += t->stride[d], to += step[d];
            if (++i[d] < b->len[d])
                break;
            at -= b->len[d] * t->stride[d], to -= b->len[d] * step[d];
            i[d] = 0;
        }
        if (d == UINT32_MAX)
            return VKC_OK;
    }
}

// The largest box that begins at element `first` and has at most `len`: whole rows of some dimension, or a part of one.
static uint64_t take_box(const nn_st_tensor *t, uint64_t first, uint64_t len, box *b)
{
    uint64_t below = 1, rest = first;
    uint32_t d = t->rank - 1;
    for (uint32_t k = t->rank; k-- > 0; rest /= t->shape[k]) {
        b->from[k] = rest % t->shape[k];
        b->len[k] = 1;
    }
    // Up to the first dimension that is not begun at its first row, or of which not all rows are wanted.
    for (; d > 0 && b->from[d] == 0 && len >= below * t->shape[d]; d--) {
        b->len[d] = t->shape[d];
        below *= t->shape[d];
    }
    const uint64_t left = t->shape[d] - b->from[d], want = len / below;
    b->len[d] = want < left ? want : left;
    return below * b->len[d];
}

vkc_status nn__st_gather(const nn_st_tensor *t, size_t one, uint64_t first, size_t len, unsigned char *out)
{
    while (len > 0) {
        box b;
        const uint64_t n = take_box(t, first, len, &b);
        vkc_status st = read_box(t, one, &b, out);
        if (st != VKC_OK)
            return st;
        first += n, len -= (size_t) n, out += (size_t) n * one;
    }
    return VKC_OK;
}
