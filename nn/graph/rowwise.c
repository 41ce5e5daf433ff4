// rowwise.c — shape checks and launches of row-wise ops.
#include "nn/graph/rowwise.h"
#include "shaders/linear/linear.h"
#include "spv/shaders.h"

#include <stdio.h>

static void format_shape(char *text, size_t size, const nn_shape *s)
{
    size_t used = (size_t) snprintf(text, size, "(");
    for (uint32_t i = 0; i < s->rank && used < size; i++)
        used += (size_t) snprintf(text + used, size - used, i ? ", %u" : "%u", s->dim[i]);
    if (used < size)
        snprintf(text + used, size - used, ")");
}

vkc_status nn_want_shape(const char *op, const char *what, const nn_shape *got, uint32_t rank,
                         uint32_t d0, uint32_t d1)
{
    char have[64], want[64];
    const uint32_t dim[2] = { d0, d1 };
    bool ok = got->rank == rank;
    uint64_t len = 1;
    for (uint32_t i = 0; ok && i < rank; i++) {
        ok = got->dim[i] != 0 && (dim[i] == 0 || got->dim[i] == dim[i]);
        len *= got->dim[i];
        if (len > UINT32_MAX)
            return VKC_FAIL(VKC_E_ARG, "%s: %s has more elements than a kernel can count", op, what);
    }
    if (ok)
        return VKC_OK;
    format_shape(have, sizeof have, got);
    if (rank == 1)
        snprintf(want, sizeof want, d0 ? "(%u)" : "(C)", d0);
    else if (d0 == 0)
        snprintf(want, sizeof want, d1 ? "(R, %u)" : "(R, C)", d1);
    else
        snprintf(want, sizeof want, d1 ? "(%u, %u)" : "(%u, C)", d0, d1);
    return VKC_FAIL(VKC_E_ARG, "%s: %s is %s, want %s", op, what, have, want);
}

vkc_status nn_want_columns(const char *op, const char *what, const nn_shape *got, const nn_columns *want)
{
    const uint64_t H = want->heads, P = want->dirs, D = want->dim;
    vkc_status st;
    VKC_TRY(nn_want_shape(op, what, got, 2, 0, 0));
    if (!H || !P || P > 2 || !D || H * P > UINT32_MAX / D)
        return VKC_FAIL(VKC_E_ARG, "%s: %u heads in %u directions of %u channels are no streams", op, want->heads,
                        want->dirs, want->dim);
    const uint64_t end = want->col0 + (H - 1) * want->head + (P - 1) * want->dir_stride + D;
    if (end > got->dim[1])
        return VKC_FAIL(VKC_E_ARG, "%s: %s has %u columns, the streams end at %llu", op, what, got->dim[1],
                        (unsigned long long) end);
    if (H > 1 && want->head && want->head < D)
        return VKC_FAIL(VKC_E_ARG, "%s: heads of %s overlap: %u columns apart, %u wide", op, what, want->head,
                        want->dim);
    for (uint64_t h = 0; P > 1 && want->dir_stride && h < (want->head ? H : 1); h++) {
        const uint64_t at = h * want->head, dir = want->dir_stride;
        if ((at < dir ? dir - at : at - dir) < D)
            return VKC_FAIL(VKC_E_ARG, "%s: directions of %s overlap: %u columns apart, heads %u", op, what,
                            want->dir_stride, want->head);
    }
done:
    return st;
}

uint32_t nn_plain_rows(const nn_call *c)
{
    return c->in_rows[0] != NULL ? 0 : c->in[0].dim[0];
}

uint32_t nn_row_groups(const nn_call *c, uint32_t tile_rows)
{
    if (c->in_rows[0] != NULL)
        return 0;
    uint32_t n = (c->in[0].dim[0] - 1) / tile_rows + 1;
    return n < c->dev->max_groups[0] ? n : c->dev->max_groups[0];
}

uint32_t nn_n_partials(uint32_t rows, uint32_t rows_each)
{
    uint32_t n = rows ? (rows - 1) / rows_each + 1 : 1;
    return n < NN_MAX_PARTIALS ? n : NN_MAX_PARTIALS;
}

vkc_status nn_add_parts(nn_run *r, const nn_call *c, uint8_t part, uint8_t grad, uint32_t len, uint32_t splits)
{
    struct linear_reduce_args a = { len, splits };
    const uint32_t wg = 256, groups = (len - 1) / wg + 1, most = c->dev->max_groups[0];
    return NN_DISPATCH(r, linear_reduce, &a, .wg = wg, .groups = { groups < most ? groups : most },
        .bind = { part, grad });
}
