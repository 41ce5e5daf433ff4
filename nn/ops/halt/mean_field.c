// mean_field.c — what a block adds to an image's mean field.
//   in:  x (R, C), packed   halting (R, HALT_COLS) of op `halt`, the same layout
//   out: (B, C), packed by `to`, which has one token an image
#include "nn/graph/rowwise.h"
#include "shaders/halt/halt.h"
#include "shaders/halt/mean_field.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

static vkc_status infer(nn_call *c)
{
    const struct mean_field_attr *t = NN_ATTR(c, mean_field);
    vkc_status st;
    if (!t || !isfinite(t->patches) || t->no_class > 1)
        return VKC_FAIL(VKC_E_ARG, "mean_field: the weight of the mean patch is missing or not finite");
    VKC_TRY(nn_want_shape("mean_field", "x", &c->in[0], 2, 0, 0));
    VKC_TRY(nn_want_shape("mean_field", "halting", &c->in[1], 2, c->in[0].dim[0], HALT_COLS));
    if (c->in_rows[0] == NULL || c->to == NULL)
        return VKC_FAIL(VKC_E_ARG, "mean_field: x must be packed, and a layout of images given");
    if (c->in_rows[1] != c->in_rows[0])
        return VKC_FAIL(VKC_E_ARG, "mean_field: x and halting are packed by different layouts");
    if (c->to->cap_images != c->in_rows[0]->cap_images)
        return VKC_FAIL(VKC_E_ARG, "mean_field: x is made for %u images, the layout for %u",
                        c->in_rows[0]->cap_images, c->to->cap_images);
    c->out[0] = (nn_shape) { 2, { nn_rows_cap(c->to), c->in[0].dim[1] } };
    c->out_rows[0] = c->to;
done:
    return st;
}

// Weight of one patch.
static double mean(const nn_call *c)
{
    const nn_rows *rows = c->in_rows[0];
    return rows->cap_tokens > rows->prefix ?
        (double) NN_ATTR(c, mean_field)->patches / (rows->cap_tokens - rows->prefix) : 0;
}

static struct mean_field_args make_args(const nn_call *c)
{
    return (struct mean_field_args) {
        .mean = (float) mean(c), .prefix = c->in_rows[0]->prefix, .cols = c->in[0].dim[1],
        .token = NN_ATTR(c, mean_field)->no_class ? 0.0f : 1.0f,
    };
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct mean_field_args a = make_args(c);
    return NN_DISPATCH(r, mean_field_fwd, &a, .tile_rows = 1, .rows = ROWS_OUT(0), .wg = NN_ROW_WG,
        .groups = { 0, (a.cols - 1) / NN_ROW_WG + 1 },
        .bind = { IN(0), IN(1), OUT(0), ROWS_IN(0), ROWS_OUT(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct mean_field_args a = make_args(c);
    const uint32_t lanes = nn_row_lanes(c, a.cols), rows = a.mean != 0 ? c->in_rows[0]->cap_tokens : 1;
    if (!nn_is_wanted(r, DIN(0)) && !nn_is_wanted(r, DIN(1)))
        return VKC_OK;
    return NN_DISPATCH(r, mean_field_bwd, &a, .tile_rows = 1, .rows = ROWS_OUT(0), .wg = NN_ROW_WG,
        .groups = { 0, nn_n_partials(rows, NN_ROW_WG / lanes) },
        .spec = { [SPEC_LANES - 1] = lanes, [SPEC_COLS - 1] = a.cols },
        .bind = { IN(0), IN(1), DOUT(0), DIN(0), DIN(1), ROWS_IN(0), ROWS_OUT(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const nn_rows *rows = c->in_rows[0];
    const size_t C = c->in[0].dim[1];
    for (uint32_t b = 0; b < c->out_rows[0]->n; b++) {
        memset(out[0] + b * C, 0, C * sizeof(double));
        for (uint32_t row = rows->offsets[b]; row < rows->offsets[b + 1]; row++) {
            const double token = NN_ATTR(c, mean_field)->no_class ? 0 : 1;
            const double w = (rows->pos[row] == 0 ? token : 0) + (rows->pos[row] >= rows->prefix ? mean(c) : 0);
            for (size_t j = 0; j < C && w != 0; j++)
                out[0][b * C + j] += w * in[1][row * HALT_COLS + HALT_P] * in[0][row * C + j];
        }
    }
}

static uint64_t macs(const nn_call *c)
{
    const uint64_t rows = mean(c) != 0 ? c->in[0].dim[0] : c->in_rows[0]->cap_images;
    return rows * c->in[0].dim[1];
}

const nn_op nn_op_mean_field = {
    .name = "mean_field", .n_in = 2, .n_out = 1,
    .keep = BIT(IN(0)) | BIT(IN(1)),
    .grad = BIT(IN(0)) | BIT(IN(1)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
