// check_judge.c — whether a result of the device is right: tolerances, decisions, and the comparison itself.
#include "nn/base/half.h"
#include "nn/graph/check_impl.h"

#include "shaders/attention/attention_stats.h"
#include "shaders/halt/halt.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AMPLIFIED 16.0              // times what rounding of the inputs does is allowed
#define HALT_MARGIN 1e-5f           // of a cumulative score, to the threshold
#define STATS_KEYS 2.0              // by which a count of attention_stats may be off
#define LOGIT_MARGIN 4e-6           // of a logit of vocab_loss, times the sum of the sizes of its terms

// All ops have the same bars but for a floor: a loss that is what large terms leave of each other has their rounding,
// not its own, and may be zero.
nn_check_bars nn_check_get_bars(const nn_op *op)
{
    nn_check_bars b = { 1e-4, 1e-10, 1e-30 };
    if (op == &nn_op_cross_entropy || op == &nn_op_kl || op == &nn_op_cosine || op == &nn_op_halt_match ||
        op == &nn_op_vocab_loss)
        b.floor = 0.1;
    return b;
}

size_t nn__live(const nn_shape *s, const nn_rows *rows)
{
    const size_t len = nn_shape_len(s);
    return rows && s->dim[0] ? len / s->dim[0] * rows->n : len;
}

// A definition of `halt` with the threshold moved, into outputs of its own.
static vkc_status halt_with(const nn__checked *k, float move, double *const out[2])
{
    nn_call c = k->node->call;
    struct halt_attr a = *NN_ATTR(&c, halt);
    const double *in[NN_MAX_IO] = { k->in[0], k->in[1], k->in[2] };
    double *to[NN_MAX_IO] = { out[0], out[1] };
    a.eps += move;
    c.attr = &a;
    k->node->op->ref(&c, in, to);
    return VKC_OK;
}

static vkc_status settle_halt(nn__checked *k)
{
    const size_t rows = k->out_len[1];
    double *both = (double *) calloc(2 * rows * (HALT_COLS + 1) + 1, sizeof *both);
    if (!both)
        return VKC_FAIL(VKC_E_NOMEM, "check: out of host memory");
    for (int way = 0; way < 2; way++) {
        double *const out[2] = { both, both + rows * HALT_COLS };
        halt_with(k, way ? HALT_MARGIN : -HALT_MARGIN, out);
        for (size_t r = 0; r < rows; r++) {
            const bool is_done = (double) k->out[0][r * HALT_COLS + HALT_C] >= HALT_DONE;
            if (is_done == (k->ref[0][r * HALT_COLS + HALT_C] >= HALT_DONE) ||
                is_done != (out[0][r * HALT_COLS + HALT_C] >= HALT_DONE))
                continue;
            memcpy(k->ref[0] + r * HALT_COLS, out[0] + r * HALT_COLS, HALT_COLS * sizeof *both);
            k->ref[1][r] = out[1][r];
        }
    }
    free(both);
    return VKC_OK;
}

static void settle_stats(nn__checked *k)
{
    static const int counts[] = { 5, 7 };
    const nn_rows *rows = k->node->call.in_rows[0];
    const size_t cols = k->node->call.out[0].dim[1];
    for (uint32_t b = 0; b < rows->n_images; b++) {
        const uint32_t n = rows->offsets[b + 1] - rows->offsets[b];
        const double most = n > 1 ? STATS_KEYS / (n - 1) + 1e-6 : 0;
        for (size_t at = rows->offsets[b] * cols; at < rows->offsets[b + 1] * cols; at += ATTENTION_STATS_MEASURES)
            for (int i = 0; i < 2; i++) {
                const double is = (double) k->out[0][at + (size_t) counts[i]];
                double *want = &k->ref[0][at + (size_t) counts[i]];
                *want = fabs(is - *want) <= most ? is : *want;
            }
    }
}

// A logit of vocab_loss, and by how much rounding may move it.
static double get_logit(const nn__checked *k, size_t row, size_t id, double *margin)
{
    const size_t C = k->node->call.in[0].dim[1];
    const double *x = k->in[0] + row * C, *t = k->in[1] + id * C;
    double sum = 0, size = 0;
    for (size_t j = 0; j < C; j++) {
        sum += x[j] * t[j];
        size += fabs(x[j] * t[j]);
    }
    *margin = LOGIT_MARGIN * size;
    return sum;
}

// Any id whose logit is as large as rounding can tell is the top, and logits as large as the label's are above or not.
static void settle_vocab(nn__checked *k)
{
    const size_t V = k->node->call.in[1].dim[0];
    for (size_t r = 0; r < k->out_len[3]; r++) {
        uint32_t is;
        double a, b;
        memcpy(&is, &k->out[3][r], sizeof is);
        if (is < V && get_logit(k, r, is, &a) + a >= get_logit(k, r, (size_t) k->ref[3][r], &b) - b)
            k->ref[3][r] = is;
    }
    for (size_t r = 0; r < k->out_len[4]; r++) {
        uint32_t is;
        memcpy(&is, &k->out[4][r], sizeof is);
        if (is == k->ref[4][r] || k->in[2][r] >= (double) V)
            continue;
        double margin, other, near = 0;
        const double own = get_logit(k, r, (size_t) k->in[2][r], &margin);
        for (size_t id = 0; id < V; id++)
            near += fabs(get_logit(k, r, id, &other) - own) <= margin + other;
        if (fabs(is - k->ref[4][r]) < near)         // the label's own is near it too
            k->ref[4][r] = is;
    }
}

vkc_status nn__settle(nn__checked *k)
{
    if (k->node->op == &nn_op_halt)
        return settle_halt(k);
    if (k->node->op == &nn_op_attention_stats)
        settle_stats(k);
    if (k->node->op == &nn_op_vocab_loss)
        settle_vocab(k);
    return VKC_OK;
}

// Words are the same or not.
static void compare_words(const nn__checked *k, uint32_t output, nn__verdict *v)
{
    for (size_t i = 0; i < k->out_len[output] && !v->is_wrong; i++) {
        uint32_t word;
        memcpy(&word, &k->out[output][i], sizeof word);
        if ((double) word != k->ref[output][i])
            *v = (nn__verdict) { .is_wrong = true, .output = output, .at = i, .error = 1, .value = word,
                                 .want = k->ref[output][i] };
    }
}

// Is it right that one of the two is not finite?
static bool is_excused(const nn__checked *k, nn_dtype dtype, double is, double want)
{
    const double most = dtype == NN_DTYPE_F16 ? (double) NN_HALF_MAX : (double) FLT_MAX;
    return (isnan(is) && isnan(want)) || is == want || !k->is_plain || fabs(want) > most;
}

// How far a value is off, beyond what storing it in its type may round by.
static double off_by(nn_dtype dtype, double is, double want)
{
    const double rounding = dtype == NN_DTYPE_F16 ? fmax(fabs(want) * 0x1p-11, 0x1p-25) : 0;
    return fmax(fabs(is - want) - rounding, 0);
}

static void compare_floats(const nn__checked *k, uint32_t output, const double *moved, nn__verdict *v)
{
    const nn_check_bars bar = nn_check_get_bars(k->node->op);
    const float *is = k->out[output];
    const double *want = k->ref[output];
    const size_t n = k->out_len[output];
    const nn_dtype dtype = k->node->call.out_dtype[output];
    double squares = 0, off = 0, spread = 0, slack = 0, worst = -1;
    size_t count = 0, at = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(is[i]) || !isfinite(want[i])) {
            if (is_excused(k, dtype, (double) is[i], want[i]))
                continue;
            *v = (nn__verdict) { .is_wrong = true, .output = output, .at = i, .error = INFINITY, .bar = bar.error,
                                 .value = (double) is[i], .want = want[i] };
            return;
        }
        const double d = off_by(dtype, (double) is[i], want[i]);
        squares += want[i] * want[i];
        off += d * d;
        count++;
        if (moved) {
            const double m = fabs(moved[i] - want[i]);
            spread += isfinite(m) ? m * m : 0;
            slack = isfinite(m) && m > slack ? m : slack;
        }
    }
    const double rms = count ? sqrt(squares / (double) count) : 0, scale = fmax(rms, bar.floor);
    for (size_t i = 0; i < n; i++) {
        const double e = (off_by(dtype, (double) is[i], want[i]) - AMPLIFIED * slack) / fmax(scale, fabs(want[i]));
        if (e > worst) {            // never of a NaN
            worst = e;
            at = i;
        }
    }
    const double nmse = count ? fmax(off - AMPLIFIED * AMPLIFIED * spread, 0) / ((double) count * scale * scale) : 0;
    const bool is_off = nmse > bar.nmse, is_far = worst > bar.error;
    // Of a right value what is not excused, of a wrong one all.
    const double whole = count ? off_by(dtype, (double) is[at], want[at]) / fmax(scale, fabs(want[at])) : 0;
    const double error = is_far ? whole : fmax(worst, 0);
    const double most = fmax(nmse, v->nmse);
    if (is_off || is_far || error > v->error)
        *v = (nn__verdict) { .is_wrong = is_off || is_far, .output = output, .at = at, .error = error,
                             .bar = bar.error, .value = (double) is[at], .want = want[at] };
    if (is_off && !is_far) {
        v->error = sqrt(nmse);
        v->bar = sqrt(bar.nmse);
    }
    v->nmse = most;
}

void nn__compare(const nn__checked *k, const double *const *moved, nn__verdict *out)
{
    const nn_op *op = k->node->op;
    *out = (nn__verdict) { .is_wrong = false };
    for (uint32_t i = 0; i < op->n_out && !out->is_wrong; i++) {
        if (!k->out[i])
            continue;
        if (k->node->call.out_dtype[i] == NN_DTYPE_U32)
            compare_words(k, i, out);
        else
            compare_floats(k, i, moved ? moved[i] : NULL, out);
    }
}
