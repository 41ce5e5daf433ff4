// vocab_loss.c — mean cross-entropy over a vocabulary too large for a tensor of logits: logits = x table^T come a chunk
// of the vocabulary at a time, and again in the backward pass. Never more than one chunk of them is in memory.
//   in:  x (R, C)   table (V, C)   labels (R) uint32, packed as x; a row whose label is no row of the table is not
//        counted
//   out: loss (1), the mean over counted rows; without any, 0     lse (R), log of the sum of exponentials of each row
//        count (1) uint32, of counted rows
//        top (R) uint32, where the attribute asks for it: the first of the largest logits
//        rank (R) uint32, where the attribute asks for it: how many logits are above that of the label, so the label is
//        among the k largest where it is less than k; VOCAB_LOSS_NONE in rows that are not counted
// Ranks cost a second pass over all chunks but the last, because the label's logit must be known before.
// The products are those of the op `linear`, whose forms they have and whose setting forces them; dtable is added to by
// one workgroup a tile, the rows in order.
#include "nn/graph/rowwise.h"
#include "shaders/loss/vocab/vocab_loss.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

#define CHUNK_BYTES (16u << 20)     // of logits
#define LEAST_COLS  64u             // of a chunk
#define MOST_COLS   8192u           // an invocation may walk them twice
#define MOST_VOCAB  (1u << 24)      // ids are floats on their way
#define PIECE_ROWS  16384u          // that a kernel of dtable sums at a time (NN_MAX_ROUNDS)

enum { CHUNK = SCRATCH(0), STATE = SCRATCH(1), PARTIAL = SCRATCH(2) };

typedef struct vocab_kernels { const vkc_shader *logits, *slopes, *dx, *dtable; } vocab_kernels;

#define KERNELS(name) { &vkc_shader_vocab_loss_##name##_logits, &vkc_shader_vocab_loss_##name##_slopes, \
    &vkc_shader_vocab_loss_##name##_dx, &vkc_shader_vocab_loss_##name##_dtable }
static const vocab_kernels kernels[] = {
    [NN_FORM_PLAIN] = KERNELS(plain), [NN_FORM_TILED] = KERNELS(tiled), [NN_FORM_SIMD] = KERNELS(simd),
};

static uint32_t ceil_div(uint32_t n, uint32_t d)
{
    return (n - 1) / d + 1;
}

// Columns of a chunk: as many as there is memory for, chunks of about the same size.
static uint32_t get_chunk(const nn_call *c)
{
    const uint32_t V = c->in[1].dim[0], R = c->in[0].dim[0], asked = NN_ATTR(c, vocab_loss)->chunk;
    uint32_t most = asked;
    if (!asked) {
        most = CHUNK_BYTES / sizeof(float) / R;
        most = most < LEAST_COLS ? LEAST_COLS : most > MOST_COLS ? MOST_COLS : most;
    }
    const uint32_t unit = asked ? 4 : LEAST_COLS, each = ceil_div(V, ceil_div(V, most));
    return ceil_div(each, unit) * unit;
}

static vkc_status infer(nn_call *c)
{
    const struct vocab_loss_attr *t = NN_ATTR(c, vocab_loss);
    const uint32_t R = c->in[0].dim[0];
    vkc_status st;
    VKC_TRY(nn_want_shape("vocab_loss", "x", &c->in[0], 2, 0, 0));
    VKC_TRY(nn_want_shape("vocab_loss", "table", &c->in[1], 2, 0, c->in[0].dim[1]));
    VKC_TRY(nn_want_shape("vocab_loss", "labels", &c->in[2], 1, R, 0));
    if (c->in_rows[0] != c->in_rows[2] || c->in_rows[1])
        return VKC_FAIL(VKC_E_ARG, "vocab_loss: x and labels are packed by different layouts, or the table is packed");
    if (!t || t->top > 1 || t->rank > 1 || t->chunk > MOST_COLS)
        return VKC_FAIL(VKC_E_ARG, "vocab_loss: top and rank are 0 or 1, chunk is at most %u", MOST_COLS);
    if (c->in[1].dim[0] > MOST_VOCAB)
        return VKC_FAIL(VKC_E_ARG, "vocab_loss: the table has %u rows, want at most %u", c->in[1].dim[0], MOST_VOCAB);
    const uint64_t chunk = (uint64_t) R * get_chunk(c);
    if (chunk > UINT32_MAX)
        return VKC_FAIL(VKC_E_ARG, "vocab_loss: %u rows are more than a kernel can count logits of", R);
    c->out[0] = c->out[2] = (nn_shape) { 1, { 1 } };
    c->out[1] = (nn_shape) { 1, { R } };
    c->out[3] = t->top ? c->out[1] : (nn_shape) { 0 };
    c->out[4] = t->rank ? c->out[1] : (nn_shape) { 0 };
    c->out_rows[0] = c->out_rows[2] = NULL;
    c->out_rows[1] = c->in_rows[0];
    c->out_rows[3] = t->top ? c->in_rows[0] : NULL;
    c->out_rows[4] = t->rank ? c->in_rows[0] : NULL;
    c->scratch_fwd[0] = c->scratch_bwd[0] = chunk * sizeof(float);
    c->scratch_fwd[1] = 4 * sizeof(float) * (size_t) R;
    c->scratch_fwd[2] = 2 * sizeof(float) * NN_MAX_PARTIALS;
done:
    return st;
}

// The chunk that begins with row `first` of the table.
static struct vocab_loss_args make_args(const nn_call *c, uint32_t first)
{
    const uint32_t V = c->in[1].dim[0], ld = get_chunk(c);
    return (struct vocab_loss_args) {
        .rows = nn_plain_rows(c), .cols = c->in[0].dim[1], .vocab = V, .first = first,
        .n = V - first < ld ? V - first : ld, .ld = ld,
    };
}

// The form for a product with (m, n) results: that of the op `linear`. All read rows of x and of the table.
static nn_choice choose_product(const nn_call *c, uint32_t m, uint32_t n)
{
    const uint64_t R = c->in[0].dim[0], V = c->in[1].dim[0], C = c->in[0].dim[1], ld = get_chunk(c);
    const uint64_t widest = R * (ld > C ? ld : C);
    return nn_choose(c, &(nn_problem) { .op = &nn_op_linear, .rows = m, .cols = n, .copies = 1, .odd = (uint32_t) C,
                                        .len = widest > V * C ? widest : V * C });
}

// A product with (R, n) results.
static vkc_status by_product(nn_run *r, const nn_call *c, const struct vocab_loss_args *a, const nn_choice *f,
                             uint32_t n, nn_kernel_use use)
{
    const uint32_t groups = ceil_div(c->in[0].dim[0], f->tile), max = c->dev->max_groups[0];
    use.args = a;
    use.args_size = sizeof *a;
    use.wg = f->wg;
    use.groups[0] = groups < max ? groups : max;
    use.groups[1] = ceil_div(n, f->tile_cols);
    use.tile_rows = c->in_rows[0] ? f->tile : 0;
    use.rows = ROWS_IN(0);
    memcpy(use.spec, f->spec, sizeof f->spec);
    return nn_dispatch(r, &use);
}

static vkc_status get_logits(nn_run *r, const nn_call *c, const struct vocab_loss_args *a)
{
    const nn_choice f = choose_product(c, c->in[0].dim[0], a->ld);
    return by_product(r, c, a, &f, a->n, (nn_kernel_use) { .shader = kernels[f.form].logits,
        .bind = { IN(0), IN(1), CHUNK, ROWS_IN(0) } });
}

// Lanes of a row read it in turns; a software device has one, which reads four columns at a time.
static nn_choice choose_rows(const nn_call *c)
{
    return nn_choose(c, &(nn_problem) { .op = &nn_op_vocab_loss, .odd = get_chunk(c), .cols = 32,
                                        .len = (uint64_t) c->in[0].dim[0] * get_chunk(c) });
}

static vkc_status by_rows(nn_run *r, const nn_call *c, const struct vocab_loss_args *a, const vkc_shader *shader,
                          const uint8_t bind[5])
{
    const nn_choice o = choose_rows(c);
    nn_kernel_use use = { .shader = shader, .args = a, .args_size = sizeof *a, NN_BY_ROWS(c, o.tile),
        .spec = { [SPEC_LANES - 1] = o.lanes, [SPEC_ONCE - 1] = nn_row_once(c, c->in[0].dim[0], o.tile),
                  [SPEC_VOCAB_LOSS_TOP - 1] = NN_ATTR(c, vocab_loss)->top } };
    memcpy(use.bind, bind, 5);
    return nn_dispatch(r, &use);
}

static vkc_status finish(nn_run *r, const nn_call *c)
{
    const struct vocab_loss_mean_args m = {
        .rows = nn_plain_rows(c), .vocab = c->in[1].dim[0], .top = NN_ATTR(c, vocab_loss)->top,
        .n_partials = nn_n_partials(c->in[0].dim[0], NN_ROW_WG),
    };
    vkc_status st;
    VKC_TRY(NN_DISPATCH(r, vocab_loss_finish, &m, .groups = { m.n_partials }, .wg = NN_ROW_WG,
        .bind = { STATE, IN(2), OUT(1), OUT(3), PARTIAL, ROWS_IN(0) }));
    VKC_TRY(NN_DISPATCH(r, vocab_loss_mean, &m, .wg = NN_ROW_WG, .bind = { PARTIAL, OUT(0), OUT(2) }));
done:
    return st;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const uint32_t ld = get_chunk(c), n_chunks = ceil_div(c->in[1].dim[0], ld);
    const bool is_quads = choose_rows(c).form == NN_FORM_QUADS;
    const vkc_shader *rows = is_quads ? &vkc_shader_vocab_loss_quads_rows : &vkc_shader_vocab_loss_rows;
    const vkc_shader *rank = is_quads ? &vkc_shader_vocab_loss_quads_rank : &vkc_shader_vocab_loss_rank;
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < n_chunks; i++) {
        const struct vocab_loss_args a = make_args(c, i * ld);
        VKC_TRY(get_logits(r, c, &a));
        VKC_TRY(by_rows(r, c, &a, rows, (const uint8_t[5]) { CHUNK, IN(2), STATE, CHUNK, ROWS_IN(0) }));
    }
    for (uint32_t i = n_chunks; i-- > 0 && c->out[4].rank;) {       // the last chunk is still there
        const struct vocab_loss_args a = make_args(c, i * ld);
        if (i + 1 < n_chunks)
            VKC_TRY(get_logits(r, c, &a));
        VKC_TRY(by_rows(r, c, &a, rank, (const uint8_t[5]) { CHUNK, IN(2), STATE, OUT(4), ROWS_IN(0) }));
    }
    VKC_TRY(finish(r, c));
done:
    return st;
}

static vkc_status bwd_table(nn_run *r, const nn_call *c, struct vocab_loss_args a)
{
    const nn_choice f = choose_product(c, a.ld, a.cols);
    vkc_status st = VKC_OK;
    for (a.row0 = 0; a.row0 < c->in[0].dim[0]; a.row0 = a.row1) {
        a.row1 = a.row0 + PIECE_ROWS;
        nn_kernel_use use = { .shader = kernels[f.form].dtable, .args = &a, .args_size = sizeof a, .wg = f.wg,
            .groups = { ceil_div(a.n, f.tile), ceil_div(a.cols, f.tile_cols) },
            .bind = { CHUNK, IN(0), DIN(1), ROWS_IN(0) } };
        memcpy(use.spec, f.spec, sizeof f.spec);
        VKC_TRY(nn_dispatch(r, &use));
    }
done:
    return st;
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    const uint32_t R = c->in[0].dim[0], V = c->in[1].dim[0], C = c->in[0].dim[1], ld = get_chunk(c);
    const nn_choice f = choose_product(c, R, ld), x = choose_product(c, R, C);
    const bool has_dx = nn_is_wanted(r, DIN(0)), has_dtable = nn_is_wanted(r, DIN(1));
    vkc_status st = VKC_OK;
    for (uint32_t first = 0; first < V && (has_dx || has_dtable); first += ld) {
        const struct vocab_loss_args a = make_args(c, first);
        VKC_TRY(by_product(r, c, &a, &f, a.n, (nn_kernel_use) { .shader = kernels[f.form].slopes,
            .bind = { IN(0), IN(1), CHUNK, ROWS_IN(0), IN(2), OUT(1), DOUT(0), OUT(2) } }));
        if (has_dx)
            VKC_TRY(by_product(r, c, &a, &x, C, (nn_kernel_use) { .shader = kernels[x.form].dx,
                .bind = { CHUNK, IN(1), DIN(0), ROWS_IN(0) } }));
        if (has_dtable)
            VKC_TRY(bwd_table(r, c, a));
    }
done:
    return st;
}

static double dot(const double *a, const double *b, uint32_t n)
{
    double sum = 0;
    for (uint32_t j = 0; j < n; j++)
        sum += a[j] * b[j];
    return sum;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const uint32_t R = c->in_rows[0] ? c->in_rows[0]->n : c->in[0].dim[0], V = c->in[1].dim[0], C = c->in[0].dim[1];
    out[0][0] = out[2][0] = 0;
    for (uint32_t i = 0; i < R; i++) {
        const double *x = in[0] + (size_t) i * C;
        const bool is_counted = in[2][i] < V;
        const double own = is_counted ? dot(x, in[1] + (size_t) in[2][i] * C, C) : 0;
        double best = -INFINITY, sum = 0, top = 0, rank = 0;
        for (uint32_t k = 0; k < V; k++) {
            const double z = dot(x, in[1] + (size_t) k * C, C);
            if (z > best) {
                sum *= exp(best - z);
                best = z;
                top = k;
            }
            sum += exp(z - best);
            rank += z > own;
        }
        out[1][i] = best + log(sum);
        out[0][0] += is_counted ? out[1][i] - own : 0;
        out[2][0] += is_counted;
        if (c->out[3].rank)
            out[3][i] = top;
        if (c->out[4].rank)
            out[4][i] = is_counted ? rank : VOCAB_LOSS_NONE;
    }
    out[0][0] /= out[2][0] > 0 ? out[2][0] : 1;
}

static uint64_t macs(const nn_call *c)
{
    return (uint64_t) c->in[0].dim[0] * nn_shape_len(&c->in[1]);
}

const nn_op nn_op_vocab_loss = {
    .name = "vocab_loss", .n_in = 3, .n_out = 5,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(IN(2)) | BIT(OUT(1)) | BIT(OUT(2)),
    .grad = BIT(IN(0)) | BIT(IN(1)), .skip = BIT(IN(0)) | BIT(IN(1)),
    .u32 = BIT(IN(2)) | BIT(OUT(2)) | BIT(OUT(3)) | BIT(OUT(4)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
