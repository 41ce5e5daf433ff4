// test_compact.c — layouts made on the device: word by word what the host would write, their launches too, replay
// after replay and one after another; ops over them give the bits they give over written ones; gradients through them.
#include "nn/graph/reference.h"
#include "tests/numbers.h"
#include "tests/vk/vk_test.h"
#include "nn/graph/graph_impl.h"
#include "spv/args.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

#define STAGES 2

typedef struct size { uint32_t images, tokens, prefix, side, cols, out; } size;
typedef enum { HALF, ALL, NONE, SOME_IMAGES, ONE, PREFIX } flags_kind;

// x -> compact, gather, layernorm, linear -> compact, gather, layernorm, linear; beside it the last two over layouts
// that the host writes.
typedef struct chain {
    vkc_device *dev;
    size        s;
    uint32_t    cap;
    uint64_t    seed;
    nn_rows    *rows[STAGES + 1], *want[STAGES];    // written, made, made; what those must be, written
    nn_graph   *g, *plain;
    nn_tensor  *x, *keep[STAGES], *src[STAGES], *y[STAGES], *plain_x[STAGES], *plain_y[STAGES], *target[STAGES];
    nn_tensor  *weights[4], *plain_weights[4], *loss[STAGES];
    vkc_recording *rec, *plain_rec;
    vkc_buffer *dx;
    float      *host_x;
    uint32_t   *flags[STAGES], *from[STAGES];       // from: row -> source
} chain;

static uint32_t below(chain *t, uint32_t n)
{
    return (uint32_t) (test_rand(&t->seed) * n);
}

static void *make(size_t n)
{
    void *p = calloc(n ? n : 1, 4);
    assert_non_null(p);
    return p;
}

// Random numbers in the first `live` elements, NaN after them; the same in double where `ref` is given.
static void write_input(chain *t, nn_tensor *to, nn_reference *ref, size_t live)
{
    size_t n = nn_shape_len(nn_tensor_shape(to));
    float *x = make(n);
    for (size_t k = 0; k < n; k++)
        x[k] = k < live ? (float) (2 * test_rand(&t->seed) - 1) : NAN;
    for (size_t k = 0; k < live && ref; k++)
        nn_reference_values(ref, to)[k] = (double) x[k];
    assert_ok(vkc_write(t->dev, nn_tensor_slice(to), x));
    free(x);
}

static void make_weights(chain *t, nn_graph *g, nn_tensor **w)
{
    const nn_shape shape[4] = { { 1, { t->s.cols } }, { 1, { t->s.cols } }, { 2, { t->s.out, t->s.cols } },
                                { 1, { t->s.out } } };
    for (int i = 0; i < 4; i++)
        w[i] = nn_graph_input(g, "weight", shape[i], NN_DTYPE_F32, NULL);
}

static nn_tensor *apply_ops(nn_graph *g, nn_tensor *x, nn_tensor *const *w)
{
    nn_tensor *n = NN_APPLY(g, layernorm, &((struct layernorm_attr) { .eps = 1e-5f }), NULL, x, w[0], w[1]);
    nn_tensor *y = NN_APPLY(g, linear, &((struct linear_attr) { .act = LINEAR_ACT_GELU }), NULL, n, w[2], w[3]);
    nn_graph_keep(g, y);
    return y;
}

static void record(chain *t, nn_graph *g, vkc_recording **rec)
{
    assert_ok(nn_graph_plan(g));
    assert_ok(vkc_recording_create(t->dev, NULL, rec));
    assert_ok(nn_graph_record(g, *rec));
    assert_ok(vkc_recording_finish(*rec));
}

static void build_made(chain *t, bool train)
{
    const nn_shape shape = { 2, { 0, t->s.cols } }, outs = { 2, { 0, t->s.out } }, words = { 1, { 0 } };
    assert_ok(nn_graph_create(t->dev, &t->g));
    make_weights(t, t->g, t->weights);
    t->x = nn_graph_input(t->g, "x", shape, NN_DTYPE_F32, t->rows[0]);
    if (train) {
        assert_ok(vkc_buffer_create(t->dev, VKC_MEM_DEVICE, (size_t) t->cap * t->s.cols * 4, "dx", &t->dx));
        t->x->grad = vkc_slice_of(t->dx);
        t->x->requires_grad = true;
    }
    nn_tensor *x = t->x;
    for (int k = 0; k < STAGES; k++) {
        t->keep[k] = nn_graph_input(t->g, "keep", words, NN_DTYPE_U32, t->rows[k]);
        t->src[k] = NN_APPLY0(t->g, compact, t->rows[k + 1], t->keep[k]);
        x = NN_APPLY0(t->g, gather_rows, NULL, x, t->src[k]);
        t->y[k] = apply_ops(t->g, x, t->weights);
        nn_graph_keep(t->g, t->src[k]);
        if (train) {
            t->target[k] = nn_graph_input(t->g, "target", outs, NN_DTYPE_F32, t->rows[k + 1]);
            t->loss[k] = NN_APPLY0(t->g, mse, NULL, t->y[k], t->target[k]);
            nn_graph_add_loss(t->g, t->loss[k], 1);
        }
    }
    record(t, t->g, &t->rec);
}

static void build_plain(chain *t)
{
    const nn_shape shape = { 2, { 0, t->s.cols } };
    assert_ok(nn_graph_create(t->dev, &t->plain));
    make_weights(t, t->plain, t->plain_weights);
    for (int k = 0; k < STAGES; k++) {
        t->plain_x[k] = nn_graph_input(t->plain, "x", shape, NN_DTYPE_F32, t->want[k]);
        t->plain_y[k] = apply_ops(t->plain, t->plain_x[k], t->plain_weights);
    }
    record(t, t->plain, &t->plain_rec);
}

static void make_rows(chain *t, nn_rows **rows, bool is_made)
{
    assert_ok(nn_rows_create(t->dev, t->s.images, t->s.tokens, t->s.prefix, t->s.side, t->s.side, rows));
    (*rows)->is_made = is_made;
}

static void chain_init(chain *t, vkc_device *dev, const size *s, bool train)
{
    *t = (chain) { .dev = dev, .s = *s, .cap = s->images * s->tokens, .seed = 17 };
    for (int k = 0; k <= STAGES; k++)
        make_rows(t, &t->rows[k], k > 0);
    for (int k = 0; k < STAGES; k++) {
        make_rows(t, &t->want[k], false);
        t->flags[k] = make(t->cap);
        t->from[k] = make(t->cap);
    }
    t->host_x = make((size_t) t->cap * s->cols);
    build_made(t, train);
    build_plain(t);
    for (int i = 0; i < 4; i++) {
        uint64_t seed = t->seed;
        write_input(t, t->weights[i], NULL, nn_shape_len(nn_tensor_shape(t->weights[i])));
        t->seed = seed;
        write_input(t, t->plain_weights[i], NULL, nn_shape_len(nn_tensor_shape(t->weights[i])));
    }
}

static void chain_finish(chain *t)
{
    vkc_recording_destroy(t->rec);
    vkc_recording_destroy(t->plain_rec);
    nn_graph_destroy(t->g);
    nn_graph_destroy(t->plain);
    vkc_buffer_destroy(t->dx);
    for (int k = 0; k < STAGES; k++) {
        nn_rows_destroy(t->want[k]);
        free(t->flags[k]);
        free(t->from[k]);
    }
    for (int k = 0; k <= STAGES; k++)
        nn_rows_destroy(t->rows[k]);
    free(t->host_x);
}

// The first layout: images of any length, some full, some empty, with places left out anywhere.
static void write_rows(chain *t, uint32_t images)
{
    uint32_t *lengths = make(images), *pos = make(t->cap), n = 0;
    for (uint32_t b = 0; b < images; b++) {
        uint32_t want = b % 4 == 0 ? t->s.tokens : below(t, t->s.tokens + 1);
        for (uint32_t p = 0; p < t->s.tokens; p++)
            if (below(t, t->s.tokens - p) < want - lengths[b]) {
                pos[n++] = p;
                lengths[b]++;
            }
    }
    assert_ok(nn_rows_write(t->dev, t->rows[0], images, lengths, pos));
    free(lengths);
    free(pos);
}

static bool is_kept(chain *t, flags_kind kind, const nn_rows *rows, uint32_t image, uint32_t row)
{
    switch (kind) {
    case HALF: return below(t, 2) == 0;
    case ALL: return true;
    case NONE: return false;
    case SOME_IMAGES: return image % 2 == 1 && below(t, 3) > 0;
    case ONE: return row == rows->n / 2;
    case PREFIX: return rows->pos[row] < rows->prefix;
    }
    return false;
}

// Flags of stage k, and by a plain loop what its layout must become; flags of dead rows are set and must not matter.
static void choose(chain *t, int k, flags_kind kind)
{
    const nn_rows *rows = k ? t->want[k - 1] : t->rows[0];
    const uint32_t set[4] = { 1, 0xffffffffu, 0x80000000u, 2 };
    uint32_t *lengths = make(rows->cap_images), *pos = make(t->cap), n = 0;
    memset(t->flags[k], 0xff, (size_t) t->cap * 4);
    for (uint32_t b = 0; b < rows->n_images; b++)
        for (uint32_t r = rows->offsets[b]; r < rows->offsets[b + 1]; r++) {
            t->flags[k][r] = 0;
            if (!is_kept(t, kind, rows, b, r))
                continue;
            t->flags[k][r] = set[r % 4];
            t->from[k][n] = r;
            pos[n++] = rows->pos[r];
            lengths[b]++;
        }
    assert_ok(nn_rows_write(t->dev, t->want[k], rows->n_images, lengths, pos));
    assert_ok(vkc_write(t->dev, nn_tensor_slice(t->keep[k]), t->flags[k]));
    free(lengths);
    free(pos);
}

// x of the kept rows, NaN in all others; the same rows for the graph over written layouts.
static void write_x(chain *t)
{
    const size_t C = t->s.cols;
    float *moved = make(t->cap * C);
    for (size_t k = 0; k < t->cap * C; k++)
        t->host_x[k] = moved[k] = NAN;
    for (size_t r = 0; r < t->want[0]->n; r++)
        for (size_t j = 0; j < C; j++)
            moved[r * C + j] = t->host_x[t->from[0][r] * C + j] = (float) (2 * test_rand(&t->seed) - 1);
    assert_ok(vkc_write(t->dev, nn_tensor_slice(t->x), t->host_x));
    assert_ok(vkc_write(t->dev, nn_tensor_slice(t->plain_x[0]), moved));
    for (size_t r = 0; r < t->want[1]->n; r++)
        memcpy(moved + r * C, t->host_x + t->from[0][t->from[1][r]] * C, C * sizeof *moved);
    assert_ok(vkc_write(t->dev, nn_tensor_slice(t->plain_x[1]), moved));
    free(moved);
}

static void *read_back(chain *t, vkc_slice s)
{
    void *p = make(s.size / 4);
    assert_ok(vkc_read(t->dev, s, p));
    return p;
}

static void check_words(const uint32_t *got, const uint32_t *want, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (got[i] != want[i])
            fail_msg("%s: word %zu of %zu is %u, want %u", what, i, n, got[i], want[i]);
}

static void check_stage(chain *t, int k)
{
    const nn_rows *made = t->rows[k + 1], *want = t->want[k];
    uint32_t *words = read_back(t, made->words), *commands = read_back(t, made->commands);
    uint32_t *src = read_back(t, nn_tensor_slice(t->src[k]));
    check_words(words, want->image, made->words.size / 4, "layout");
    check_words(src, t->from[k], want->n, "sources");
    const uint32_t most = vkc_device_get_info(t->dev)->max_groups[0];
    assert_true(made->n_launches > 0);
    for (size_t i = 0; i < ROWS_MAX_LAUNCHES; i++) {
        const uint32_t *l = made->launch[i], x = (want->n + l[0] - 1) / l[0];
        check_words(commands + 3 * i, (uint32_t[3]) { x < most ? x : most, l[1], l[2] }, 3, "command");
    }
    uint32_t *y = read_back(t, nn_tensor_slice(t->y[k])), *plain = read_back(t, nn_tensor_slice(t->plain_y[k]));
    check_words(y, plain, (size_t) want->n * t->s.out, "y");
    for (size_t i = 0; i < (size_t) want->n * t->s.out; i++)
        assert_true(isfinite(((float *) y)[i]));
    free(words);
    free(commands);
    free(src);
    free(y);
    free(plain);
}

static void replay(chain *t, uint32_t images, flags_kind first, flags_kind second)
{
    write_rows(t, images);
    choose(t, 0, first);
    choose(t, 1, second);
    write_x(t);
    assert_ok(vkc_submit(t->rec, NULL));
    assert_ok(vkc_submit(t->plain_rec, NULL));
    assert_ok(vkc_wait(t->dev, 0));
    for (int k = 0; k < STAGES; k++)
        check_stage(t, k);
}

static void run_size(void **state, const size *s)
{
    chain t;
    chain_init(&t, *state, s, false);
    replay(&t, s->images, HALF, HALF);
    replay(&t, s->images, ALL, SOME_IMAGES);
    replay(&t, (s->images + 1) / 2, SOME_IMAGES, ALL);
    replay(&t, s->images, NONE, HALF);
    replay(&t, s->images, PREFIX, ONE);
    replay(&t, s->images - s->images / 3, HALF, NONE);
    replay(&t, 0, ALL, ALL);
    replay(&t, s->images, ALL, ALL);
    chain_finish(&t);
}

static void a_layout_is_what_the_host_would_write(void **state)
{
    run_size(state, &(size) { 1, 1, 0, 0, 3, 2 });
    run_size(state, &(size) { 7, 65, 1, 8, 8, 12 });
    run_size(state, &(size) { 5, 37, 1, 6, 5, 3 });
    run_size(state, &(size) { 3, 1025, 1, 32, 32, 7 });
}

// More images than the workgroup that scans them has invocations, whatever the form.
static void many_images(void **state)
{
    run_size(state, &(size) { 700, 3, 1, 1, 4, 4 });
}

// More images than a launch has workgroups where that many is the least a device may offer.
static void more_images_than_workgroups(void **state)
{
    const size s = { 65600, 1, 0, 0, 1, 1 };
    chain t;
    chain_init(&t, *state, &s, false);
    replay(&t, s.images, HALF, HALF);
    replay(&t, s.images, SOME_IMAGES, ALL);
    chain_finish(&t);
}

// Several replays are under way at a time: each sees its own layouts, and leaves the same.
static void replays_in_a_row_do_not_meet(void **state)
{
    chain t;
    chain_init(&t, *state, &(size) { 7, 65, 1, 8, 8, 12 }, false);
    write_rows(&t, 7);
    choose(&t, 0, HALF);
    choose(&t, 1, HALF);
    write_x(&t);
    for (int i = 0; i < 5; i++) {
        assert_ok(vkc_submit(t.rec, NULL));
        assert_ok(vkc_submit(t.plain_rec, NULL));
    }
    assert_ok(vkc_wait(t.dev, 0));
    for (int k = 0; k < STAGES; k++)
        check_stage(&t, k);
    chain_finish(&t);
}

// ---- gradients

static double loss_at(chain *t, nn_reference *ref, const double *dir, double h)
{
    double *x = nn_reference_values(ref, t->x);
    const size_t n = (size_t) t->rows[0]->n * t->s.cols;
    for (size_t k = 0; k < n; k++)
        x[k] = (double) t->host_x[k] + h * dir[k];
    nn_reference_touch(ref, t->x);
    nn_reference_run(ref);
    return *nn_reference_values(ref, t->loss[0]) + *nn_reference_values(ref, t->loss[1]);
}

static void fill_ref(chain *t, nn_reference *ref)
{
    for (int i = 0; i < 4; i++)
        write_input(t, t->weights[i], ref, nn_shape_len(nn_tensor_shape(t->weights[i])));
    for (int k = 0; k < STAGES; k++) {
        write_input(t, t->target[k], ref, (size_t) t->want[k]->n * t->s.out);
        for (size_t r = 0; r < t->cap; r++)
            nn_reference_values(ref, t->keep[k])[r] = t->flags[k][r];
    }
}

static void a_gradient_comes_through(void **state)
{
    for (uint32_t cols = 5; cols <= 8; cols += 3) {
        chain t;
        chain_init(&t, *state, &(size) { 5, 17, 1, 4, cols, 3 }, true);
        write_rows(&t, 4);
        choose(&t, 0, HALF);
        choose(&t, 1, HALF);
        write_x(&t);
        nn_reference *ref = NULL;
        assert_ok(nn_reference_create(t.g, &ref));
        fill_ref(&t, ref);
        assert_ok(vkc_fill(t.dev, vkc_slice_of(t.dx), 0));
        assert_ok(vkc_submit(t.rec, NULL));
        assert_ok(vkc_wait(t.dev, 0));
        float *dx = read_back(&t, vkc_slice_of(t.dx));
        const size_t n = (size_t) t.rows[0]->n * cols;
        double *dir = calloc(n, sizeof *dir), num = 0, den = 0;
        const double h = 1e-5;
        assert_non_null(dir);
        for (size_t k = 0; k < n; k++) {
            dir[k] = 1;
            double fd = (loss_at(&t, ref, dir, h) - loss_at(&t, ref, dir, -h)) / (2 * h), d = fd - (double) dx[k];
            dir[k] = 0;
            num += d * d;
            den += fd * fd;
            if (!t.flags[0][k / cols] && dx[k] != 0.0f)
                fail_msg("row %zu was dropped and has a gradient", k / cols);
        }
        assert_true(den > 0);
        double e = sqrt(num / den);
        if (!(e <= 1e-4))
            fail_msg("dx is off by %.3g", e);
        for (int k = 0; k < STAGES; k++)        // and the definition has made the host copies
            check_words(t.rows[k + 1]->image, t.want[k]->image, t.want[k]->words.size / 4, "host copy");
        assert_int_equal(t.rows[2]->n, t.want[1]->n);
        assert_int_equal(t.rows[2]->n_images, 4);
        free(dir);
        free(dx);
        nn_reference_destroy(ref);
        chain_finish(&t);
    }
}

// ---- as many layouts as a model can be deep

static void a_layout_a_block(void **state)
{
    enum { DEPTH = 128, TOKENS = 140 };
    vkc_device *dev = *state;
    nn_rows *rows[DEPTH + 1];
    nn_tensor *keep[DEPTH], *src = NULL;
    nn_graph *g;
    vkc_recording *rec;
    assert_ok(nn_graph_create(dev, &g));
    for (uint32_t l = 0; l <= DEPTH; l++) {
        assert_ok(nn_rows_create(dev, 2, TOKENS, 0, 0, 0, &rows[l]));
        rows[l]->is_made = l > 0;
    }
    for (uint32_t l = 0; l < DEPTH; l++) {
        keep[l] = nn_graph_input(g, "keep", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, rows[l]);
        src = NN_APPLY0(g, compact, rows[l + 1], keep[l]);
    }
    nn_graph_keep(g, src);
    assert_ok(nn_graph_plan(g));
    assert_ok(vkc_recording_create(dev, NULL, &rec));
    assert_ok(nn_graph_record(g, rec));
    assert_ok(vkc_recording_finish(rec));
    assert_ok(nn_rows_write_dense(dev, rows[0], 2));
    for (uint32_t l = 0; l < DEPTH; l++) {      // each drops the first row of the second image
        uint32_t flags[2 * TOKENS];
        for (uint32_t r = 0; r < 2 * TOKENS; r++)
            flags[r] = r != TOKENS;
        assert_ok(vkc_write(dev, nn_tensor_slice(keep[l]), flags));
    }
    assert_ok(vkc_submit(rec, NULL));
    assert_ok(vkc_wait(dev, 0));
    uint32_t got[2 * TOKENS], words[ROWS_HEADER + 3 + 4 * TOKENS];
    assert_ok(vkc_read(dev, nn_tensor_slice(src), got));
    assert_ok(vkc_read(dev, rows[DEPTH]->words, words));
    assert_int_equal(words[0], 2 * TOKENS - DEPTH);
    for (uint32_t r = 0; r < 2 * TOKENS - DEPTH; r++) {
        assert_int_equal(got[r], r < TOKENS ? r : r + 1);
        assert_int_equal(words[ROWS_HEADER + 3 + r], r < TOKENS ? r : r - TOKENS + DEPTH);
    }
    vkc_recording_destroy(rec);
    nn_graph_destroy(g);
    for (uint32_t l = 0; l <= DEPTH; l++)
        nn_rows_destroy(rows[l]);
}

// ---- what cannot be

static void refuse(vkc_device *dev, nn_rows *from, nn_rows *to, const char *says)
{
    nn_call c = { .in = { { 1, { from ? nn_rows_cap(from) : 6 } } }, .in_rows = { from }, .to = to,
                  .dev = vkc_device_get_info(dev) };
    assert_status(nn_op_compact.infer(&c), VKC_E_ARG);
    if (!strstr(vkc_last_error(), says))
        fail_msg("\"%s\" does not say \"%s\"", vkc_last_error(), says);
}

static vkc_status plan_again(nn_run *r, const nn_call *c)
{
    (void) c;
    const struct rows_plan_args a = { ROWS_MAX_LAUNCHES, 1 };
    return NN_DISPATCH(r, rows_plan, &a, .bind = { ROWS_OUT(0), LAUNCHES_OUT, COMMANDS_OUT }, .groups = { 4 });
}

static void launches_are_of_a_made_layout(vkc_device *dev, nn_rows *written, nn_rows *made)
{
    const nn_op op = { .name = "plan_again", .fwd = plan_again };
    const nn_bind bind = { 0 };
    nn_rows *const layouts[] = { written, made };
    nn_rows *const outs[] = { NULL, written, made };
    for (int i = 0; i < 3; i++) {
        vkc_recording *rec;
        nn_run run;
        const nn_call c = { .out_rows = { outs[i] }, .dev = vkc_device_get_info(dev) };
        assert_ok(vkc_recording_create(dev, NULL, &rec));
        assert_ok(nn_run_init(&run, dev, rec, layouts, 2));
        assert_int_equal(vkc_recording_get_info(rec).n_dispatches, 1);     // none for the one that an op makes
        assert_status(nn_run_fwd(&run, &op, &c, &bind), i == 2 ? VKC_OK : VKC_E_ARG);
        if (i < 2)
            assert_non_null(strstr(vkc_last_error(), "made on the device"));
        vkc_recording_destroy(rec);
        nn_run_destroy(&run);
    }
}

static void what_cannot_be_is_refused(void **state)
{
    vkc_device *dev = *state;
    const uint32_t make_of[6][5] = { { 2, 5, 1, 2, 2 }, { 2, 5, 1, 2, 2 }, { 3, 5, 1, 2, 2 }, { 2, 6, 1, 2, 2 },
                                     { 2, 5, 0, 2, 2 }, { 2, 5, 1, 4, 1 } };
    const char *says[6] = { NULL, NULL, "2 images of 5 tokens, the layout for 3 of 5", "for 2 of 6",
                            "2 x 2 after 0", "4 x 1 after 1" };
    nn_rows *rows[6];
    for (int i = 0; i < 6; i++) {
        const uint32_t *m = make_of[i];
        assert_ok(nn_rows_create(dev, m[0], m[1], m[2], m[3], m[4], &rows[i]));
        rows[i]->is_made = i > 0;
        if (says[i])
            refuse(dev, rows[0], rows[i], says[i]);
    }
    refuse(dev, NULL, rows[1], "must be packed");
    refuse(dev, rows[0], NULL, "a layout to make");
    refuse(dev, rows[1], rows[1], "that of keep");
    refuse(dev, rows[1], rows[0], "the host writes");
    assert_status(nn_rows_write_dense(dev, rows[1], 2), VKC_E_ARG);
    assert_status(nn_rows_write_dense(dev, rows[1], 0), VKC_E_ARG);     // as it is, yet nobody's to say
    assert_status(nn_rows_write(dev, rows[1], 1, (uint32_t[]) { 2 }, NULL), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "made on the device"));
    launches_are_of_a_made_layout(dev, rows[0], rows[1]);
    for (int i = 0; i < 6; i++)
        nn_rows_destroy(rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layout_is_what_the_host_would_write),
        cmocka_unit_test(many_images),
        cmocka_unit_test(more_images_than_workgroups),
        cmocka_unit_test(replays_in_a_row_do_not_meet),
        cmocka_unit_test(a_gradient_comes_through),
        cmocka_unit_test(a_layout_a_block),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
