// test_lstm.c — separate heads are one wide LSTM whose matrices are block-diagonal: shown against a plain one in
// double and against PyTorch's nn.LSTM (tests/golden/lstm.py), both directions, forward and every gradient.
#include "tests/nn/ops/op_run.h"
#include "tests/vk/vk_test.h"

#include "nn/checkpoint/safetensors.h"
#include "shaders/scan/recurrent/lstm.h"

#include <math.h>
#include <string.h>

#define BAR 1e-5                    // of the norm of what is compared
#define DIRS 2u

// What is given and what is asked, in PyTorch's layout: gates i, f, g, o of all C channels, h = [forward | backward].
enum { X, W_X, W_H, B, DH, H, DX, DW_X, DW_H, DB, N_ARRAYS };
static const char *const names[N_ARRAYS] = { "x", "w_x", "w_h", "b", "dh", "h", "dx", "dw_x", "dw_h", "db" };

typedef struct problem {
    uint32_t heads, dim, lengths[8], n_images;
    size_t   C, R;
    double  *v[N_ARRAYS];           // up to DH given, from H on the answer
} problem;

static size_t len_of(const problem *p, int i)
{
    const size_t tokens = p->R * p->C, bias = DIRS * 4 * p->C;
    return i == X || i == DX ? tokens : i == DH || i == H ? DIRS * tokens : i == B || i == DB ? bias : bias * p->C;
}

static double *zeros(size_t n)
{
    double *x = (double *) calloc(n, sizeof *x);
    assert_non_null(x);
    return x;
}

static void open_problem(problem *p, uint32_t heads, uint32_t dim, const uint32_t *lengths, uint32_t n_images)
{
    *p = (problem) { .heads = heads, .dim = dim, .n_images = n_images, .C = (size_t) heads * dim };
    for (uint32_t b = 0; b < n_images; b++)
        p->R += p->lengths[b] = lengths[b];
    for (int i = 0; i < N_ARRAYS; i++)
        p->v[i] = zeros(len_of(p, i));
}

static void close_problem(problem *p)
{
    for (int i = 0; i < N_ARRAYS; i++)
        free(p->v[i]);
}

static bool is_block(const problem *p, size_t row, size_t col)
{
    return row % p->C / p->dim == col / p->dim;
}

// Set what lies outside the blocks of a matrix of each direction to zero.
static void mask(const problem *p, double *w)
{
    for (size_t row = 0; row < DIRS * 4 * p->C; row++)
        for (size_t k = 0; k < p->C; k++)
            if (!is_block(p, row, k))
                w[row * p->C + k] = 0;
}

// Whole numbers of float precision in -1 .. 1, so that the device gets the same.
static double draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (double) (*seed >> 44) / 524288.0 - 1;
}

static void fill(problem *p, uint64_t seed)
{
    for (int i = X; i <= DH; i++)
        for (size_t k = 0; k < len_of(p, i); k++)
            p->v[i][k] = draw(&seed);
    mask(p, p->v[W_X]);
    mask(p, p->v[W_H]);
}

// ---- the wide LSTM in double: every sum over all channels

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

// Row of the token that a direction meets after `i` others.
static size_t row_of(size_t dir, size_t first, size_t n, size_t i)
{
    return first + (dir ? n - 1 - i : i);
}

static void wide_forward(problem *p, size_t dir, size_t first, size_t n, double *gate)
{
    const size_t C = p->C;
    const double *w_x = p->v[W_X] + dir * 4 * C * C, *w_h = p->v[W_H] + dir * 4 * C * C;
    for (size_t i = 0; i < n; i++) {
        const size_t row = row_of(dir, first, n, i), prev = i ? row_of(dir, first, n, i - 1) : 0;
        double *a = gate + row * 5 * C, *h = p->v[H] + row * DIRS * C + dir * C;
        for (size_t m = 0; m < 4 * C; m++) {
            a[m] = p->v[B][dir * 4 * C + m];
            for (size_t k = 0; k < C; k++)
                a[m] += w_x[m * C + k] * p->v[X][row * C + k] +
                        (i ? w_h[m * C + k] * p->v[H][prev * DIRS * C + dir * C + k] : 0);
            a[m] = m / C == 2 ? tanh(a[m]) : sigmoid(a[m]);
        }
        for (size_t u = 0; u < C; u++) {
            a[4 * C + u] = a[u] * a[2 * C + u] + (i ? a[C + u] * gate[prev * 5 * C + 4 * C + u] : 0);
            h[u] = a[3 * C + u] * tanh(a[4 * C + u]);
        }
    }
}

// da (R, DIRS, 4 C) and dw_h.
static void wide_backward(problem *p, size_t dir, size_t first, size_t n, const double *gate, double *da)
{
    const size_t C = p->C;
    const double *w_h = p->v[W_H] + dir * 4 * C * C;
    double *dw_h = p->v[DW_H] + dir * 4 * C * C, *dh = zeros(C), *dc = zeros(C);
    for (size_t i = n; i-- > 0;) {
        const size_t row = row_of(dir, first, n, i), prev = i ? row_of(dir, first, n, i - 1) : 0;
        const double *a = gate + row * 5 * C, *dy = p->v[DH] + row * DIRS * C + dir * C;
        double *d = da + (row * DIRS + dir) * 4 * C;
        for (size_t u = 0; u < C; u++) {
            const double in = a[u], forget = a[C + u], g = a[2 * C + u], o = a[3 * C + u], tc = tanh(a[4 * C + u]);
            dh[u] += dy[u];
            dc[u] += dh[u] * o * (1 - tc * tc);
            d[u] = dc[u] * g * in * (1 - in);
            d[C + u] = i ? dc[u] * gate[prev * 5 * C + 4 * C + u] * forget * (1 - forget) : 0;
            d[2 * C + u] = dc[u] * in * (1 - g * g);
            d[3 * C + u] = dh[u] * tc * o * (1 - o);
            dc[u] *= forget;
        }
        for (size_t k = 0; k < C; k++) {
            dh[k] = 0;
            for (size_t m = 0; m < 4 * C; m++) {
                dh[k] += w_h[m * C + k] * d[m];
                dw_h[m * C + k] += i ? d[m] * p->v[H][prev * DIRS * C + dir * C + k] : 0;
            }
        }
    }
    free(dh);
    free(dc);
}

// What follows from da alone: gradients of x, w_x and b.
static void products(problem *p, const double *da)
{
    const size_t C = p->C;
    for (size_t row = 0; row < p->R; row++)
        for (size_t m = 0; m < DIRS * 4 * C; m++) {
            const double d = da[row * DIRS * 4 * C + m];
            p->v[DB][m] += d;
            for (size_t k = 0; k < C; k++) {
                p->v[DW_X][m * C + k] += d * p->v[X][row * C + k];
                p->v[DX][row * C + k] += d * p->v[W_X][m * C + k];
            }
        }
}

static void clear_answer(problem *p)
{
    for (int i = H; i < N_ARRAYS; i++)
        memset(p->v[i], 0, len_of(p, i) * sizeof(double));
}

static void solve_wide(problem *p)
{
    double *gate = zeros(p->R * 5 * p->C), *da = zeros(p->R * DIRS * 4 * p->C);
    clear_answer(p);
    for (size_t dir = 0; dir < DIRS; dir++)
        for (size_t b = 0, first = 0; b < p->n_images; first += p->lengths[b++]) {
            wide_forward(p, dir, first, p->lengths[b], gate);
            wide_backward(p, dir, first, p->lengths[b], gate, da);
        }
    products(p, da);
    free(gate);
    free(da);
}

// ---- the op, fed with the blocks only

// Where gate g of unit u of head h stands among the 4 C of a direction.
static size_t wide_row(const problem *p, size_t h, size_t g, size_t u)
{
    return g * p->C + h * p->dim + u;
}

static void give(const problem *p, op_run *t)
{
    const size_t C = p->C, D = p->dim, S = p->heads * DIRS;
    for (size_t s = 0; s < S; s++)
        for (size_t m = 0; m < 4 * D; m++) {
            const size_t h = s / DIRS, dir = s % DIRS, at = dir * 4 * C + wide_row(p, h, m / D, m % D);
            for (size_t k = 0; k < D; k++)
                t->in[1][(s * 4 * D + m) * D + k] = (float) p->v[W_H][at * C + h * D + k];
            for (size_t row = 0; row < p->R; row++) {
                double a = p->v[B][at];
                for (size_t k = h * D; k < (h + 1) * D; k++)
                    a += p->v[W_X][at * C + k] * p->v[X][row * C + k];
                t->in[0][(row * S + s) * 4 * D + m] = (float) a;
                if (m < D)
                    t->dout[(row * S + s) * D + m] = (float) p->v[DH][row * DIRS * C + dir * C + h * D + m];
            }
        }
}

static void take(problem *p, const op_run *t)
{
    const size_t C = p->C, D = p->dim, S = p->heads * DIRS;
    double *da = zeros(p->R * DIRS * 4 * C);
    clear_answer(p);
    for (size_t s = 0; s < S; s++)
        for (size_t m = 0; m < 4 * D; m++) {
            const size_t h = s / DIRS, dir = s % DIRS, at = dir * 4 * C + wide_row(p, h, m / D, m % D);
            for (size_t k = 0; k < D; k++)
                p->v[DW_H][at * C + h * D + k] = (double) t->din[1][(s * 4 * D + m) * D + k];
            for (size_t row = 0; row < p->R; row++) {
                da[row * DIRS * 4 * C + at] = (double) t->din[0][(row * S + s) * 4 * D + m];
                if (m < D)
                    p->v[H][row * DIRS * C + dir * C + h * D + m] = (double) t->out[0][(row * S + s) * D + m];
            }
        }
    products(p, da);
    free(da);
}

static void solve_heads(vkc_device *dev, problem *p)
{
    const struct lstm_attr attr = { .heads = p->heads, .dirs = DIRS, .dim = p->dim };
    const uint32_t S = p->heads * DIRS, D = p->dim;
    op_case oc = { .op = "lstm", .attr = &attr,
        .in = { { .layout = 1, .shape = { 2, { 0, S * 4 * D } } }, { .shape = { 3, { S, 4 * D, D } } } } };
    memcpy(oc.layout[0].lengths, p->lengths, sizeof p->lengths);
    op_run t;
    vkc_status st = op_run_init(&t, dev, &oc, 1);
    if (st == VKC_OK)
        give(p, &t);
    assert_ok(st != VKC_OK ? st : op_run_execute(&t, 0.0f));
    take(p, &t);
    op_run_finish(&t);
}

// ---- comparing

// |a - b| / |b|, both masked to the blocks where they are matrices.
static double differ(const problem *a, const problem *b, int i)
{
    double num = 0, den = 0;
    for (size_t k = 0; k < len_of(a, i); k++) {
        if ((i == DW_X || i == DW_H) && !is_block(a, k / a->C, k % a->C))
            continue;
        num += pow(a->v[i][k] - b->v[i][k], 2);
        den += pow(b->v[i][k], 2);
    }
    assert_true(den > 0);
    return sqrt(num / den);
}

static void check_same(const problem *have, const problem *want)
{
    for (int i = H; i < N_ARRAYS; i++) {
        double e = differ(have, want, i);
        print_message("%u heads of %u: %s differs by %.2g\n", have->heads, have->dim, names[i], e);
        if (!(e < BAR))
            fail_msg("%s differs by %.3g of its norm", names[i], e);
    }
}

static void copy_given(problem *to, const problem *from)
{
    for (int i = X; i <= DH; i++)
        memcpy(to->v[i], from->v[i], len_of(from, i) * sizeof(double));
}

static double loss_at(problem *p, const problem *dir, double step)
{
    double loss = 0;
    for (int i = X; i <= B; i++)
        for (size_t k = 0; k < len_of(p, i); k++)
            p->v[i][k] += step * dir->v[i][k];
    solve_wide(p);
    for (size_t k = 0; k < len_of(p, H); k++)
        loss += p->v[H][k] * p->v[DH][k];
    for (int i = X; i <= B; i++)
        for (size_t k = 0; k < len_of(p, i); k++)
            p->v[i][k] -= step * dir->v[i][k];
    return loss;
}

static const uint32_t lengths[] = { 7, 1, 12, 2 };

// The wide LSTM's own gradients are those of finite differences, outside the blocks as well.
static void test_wide_gradient(void **state)
{
    (void) state;
    problem p, dir;
    open_problem(&p, 2, 3, lengths, 4);
    open_problem(&dir, 1, 6, lengths, 4);       // one head: nothing is masked
    fill(&p, 5);
    fill(&dir, 6);
    double fd = (loss_at(&p, &dir, 1e-5) - loss_at(&p, &dir, -1e-5)) / 2e-5, dot = 0;
    solve_wide(&p);
    for (int i = X; i <= B; i++)
        for (size_t k = 0; k < len_of(&p, i); k++)
            dot += dir.v[i][k] * p.v[i == X ? DX : i == W_X ? DW_X : i == W_H ? DW_H : DB][k];
    assert_true(fabs(fd) > 1e-2 && fabs(fd - dot) < 1e-7 * fabs(fd));
    close_problem(&p);
    close_problem(&dir);
}

static void test_block_diagonal(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    const uint32_t shapes[][2] = { { 3, 8 }, { 2, 5 }, { 4, 1 }, { 2, 12 } };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        problem wide, heads;
        open_problem(&wide, shapes[i][0], shapes[i][1], lengths, 4);
        open_problem(&heads, shapes[i][0], shapes[i][1], lengths, 4);
        fill(&wide, 17 + i);
        copy_given(&heads, &wide);
        solve_wide(&wide);
        solve_heads(dev, &heads);
        check_same(&heads, &wide);
        // One weight between two heads, and they are no longer the same.
        wide.v[W_H][wide.C - 1] = 1;
        solve_wide(&wide);
        assert_true(differ(&heads, &wide, H) > 100 * BAR);
        close_problem(&wide);
        close_problem(&heads);
    }
}

static void test_pytorch(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    const uint32_t golden_lengths[] = { 9, 5 };     // LENGTHS of the script
    nn_safetensors *f = NULL;
    assert_ok(nn_safetensors_load("tests/golden/lstm.safetensors", &f));
    for (uint32_t h = 1; h <= 2; h++) {
        problem torch, heads;
        open_problem(&torch, h, 12 / h, golden_lengths, 2);
        open_problem(&heads, h, 12 / h, golden_lengths, 2);
        for (int i = 0; i < N_ARRAYS; i++) {
            char name[32];
            snprintf(name, sizeof name, "heads%u.%s", h, names[i]);
            const nn_st_tensor *at = nn_safetensors_get(f, name);
            float *x = (float *) malloc(len_of(&torch, i) * sizeof *x);
            assert_true(x && at && at->len == len_of(&torch, i));
            assert_ok(nn_st_tensor_read(at, 0, at->len, x));
            for (size_t k = 0; k < at->len; k++)
                torch.v[i][k] = (double) x[k];
            free(x);
        }
        copy_given(&heads, &torch);
        solve_heads(dev, &heads);
        check_same(&heads, &torch);
        close_problem(&torch);
        close_problem(&heads);
    }
    nn_safetensors_destroy(f);
}

static void test_refused(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    const struct lstm_attr bad[] = { { 1, 1, 129, 0 }, { 1, 1, 0, 0 }, { 0, 1, 8, 0 }, { 1, 3, 8, 0 } };
    const char *const says[] = { "1 to 128", "1 to 128", "1 or more", "1 or 2" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        nn_call c = { .attr = &bad[i], .dev = vkc_device_get_info(dev) };
        assert_status(nn_op_lstm.infer(&c), VKC_E_ARG);
        assert_non_null(strstr(vkc_last_error(), says[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_wide_gradient),
        cmocka_unit_test(test_block_diagonal),
        cmocka_unit_test(test_pytorch),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
