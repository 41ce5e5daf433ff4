// compact.c — a new packed layout of the rows that are flagged, in their order, made on the device.
//   in:  keep (R) uint32, packed: 0 = dropped, anything else = kept
//   out: src (R') uint32, packed by `to`: row r of `to` is row src[r] of keep's layout
// `to` is made for the same batch (images, tokens, grid) and nothing else writes it: n, offsets, pos, slot and its
// indirect launches come out as nn_rows_write() and rows_plan would have them. Images that lose all rows are empty.
#include "nn/graph/rowwise.h"
#include "shaders/tokens/compact.h"
#include "spv/shaders.h"

#include <stdlib.h>

static vkc_status infer(nn_call *c)
{
    const nn_rows *from = c->in_rows[0], *to = c->to;
    vkc_status st;
    VKC_TRY(nn_want_shape("compact", "keep", &c->in[0], 1, 0, 0));
    if (!from || !to)
        return VKC_FAIL(VKC_E_ARG, "compact: keep must be packed, and a layout to make given");
    if (from == to || !to->is_made)
        return VKC_FAIL(VKC_E_ARG, "compact: the layout to make is %s",
                        from == to ? "that of keep" : "one that the host writes");
    if (from->cap_images != to->cap_images || from->cap_tokens != to->cap_tokens)
        return VKC_FAIL(VKC_E_ARG, "compact: keep is made for %u images of %u tokens, the layout for %u of %u",
                        from->cap_images, from->cap_tokens, to->cap_images, to->cap_tokens);
    if (from->prefix != to->prefix || from->grid_h != to->grid_h || from->grid_w != to->grid_w)
        return VKC_FAIL(VKC_E_ARG, "compact: keep has a %u x %u grid after %u tokens, the layout %u x %u after %u",
                        from->grid_h, from->grid_w, from->prefix, to->grid_h, to->grid_w, to->prefix);
    c->out[0] = (nn_shape) { 1, { nn_rows_cap(to) } };
    c->out_rows[0] = c->to;
    c->scratch_fwd[0] = to->cap_images * sizeof(uint32_t);
done:
    return st;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct compact_plan_args a = { c->dev->max_groups[0] };
    const uint32_t images = c->to->cap_images, groups = images < a.max_x ? images : a.max_x;
    const uint32_t most = nn_choose(c, &(nn_problem) { .op = &nn_op_compact }).wg;
    uint32_t wg = 1;
    while (wg < most && wg < c->to->cap_tokens)
        wg *= 2;
    vkc_status st = NN_DISPATCH0(r, compact_count, .groups = { groups }, .wg = wg,
        .bind = { IN(0), SCRATCH(0), ROWS_IN(0) });
    if (st == VKC_OK)
        st = NN_DISPATCH(r, compact_plan, &a, .wg = most,
            .bind = { SCRATCH(0), ROWS_IN(0), ROWS_OUT(0), LAUNCHES_OUT, COMMANDS_OUT });
    if (st == VKC_OK)
        st = NN_DISPATCH0(r, compact_fill, .groups = { groups }, .wg = wg,
            .bind = { IN(0), OUT(0), ROWS_IN(0), ROWS_OUT(0) });
    return st;
}

// The definition; it makes the host copy of `to` as well, by which definitions that come after know their live rows.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const nn_rows *from = c->in_rows[0];
    uint32_t n = 0, *lengths = calloc(from->cap_images, sizeof *lengths), *pos = malloc((from->n + 1) * sizeof *pos);
    for (uint32_t b = 0; b < from->n_images && lengths && pos; b++)
        for (uint32_t r = from->offsets[b]; r < from->offsets[b + 1]; r++)
            if (in[0][r] != 0) {
                out[0][n] = r;
                pos[n++] = from->pos[r];
                lengths[b]++;
            }
    if (!lengths || !pos || nn_rows_set(c->to, from->n_images, lengths, pos) != VKC_OK)
        abort();                    // there is no way to report it
    free(lengths);
    free(pos);
}

const nn_op nn_op_compact = {
    .name = "compact", .n_in = 1, .n_out = 1,
    .u32 = BIT(IN(0)) | BIT(OUT(0)),
    .infer = infer, .fwd = fwd, .ref = ref,
};
