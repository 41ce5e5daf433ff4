// test_topk.c — the choice of tokens: keep_top against a sort on the host, with ties, NaN, infinities, empty images and
// every count; class_attention where images are empty.
#include "nn/graph/choose/choose.h"
#include "spv/args.h"
#include "tests/numbers.h"
#include "tests/nn/ops/op_run.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>

enum { MOST = 4098, IMAGES = 8 };   // tokens of an image; images, and one more that there is room for
static const uint32_t LENGTHS[IMAGES] = { 0, 1, 2, 17, 0, 1025, 4097, 196 };

static const char *const kinds[] = {
    "distinct", "few values", "all equal", "hostile", "neighbours in the last bits", "all NaN", "both signs, ties",
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static float of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static float hostile(uint64_t *seed)
{
    static const uint32_t bits[] = {
        0x7fc00000u, 0xffc00001u, 0x7f800001u, 0xffffffffu,     // NaN, quiet and not, of both signs
        0x7f800000u, 0xff800000u, 0x00000000u, 0x80000000u,     // infinities, zeros
        0x00000001u, 0x80000001u, 0x007fffffu, 0x807fffffu,     // below the normal numbers
        0x7f7fffffu, 0xff7fffffu, 0x3f800000u, 0xbf800000u,     // largest, ones
    };
    return of_bits(bits[(uint32_t) (test_rand(seed) * 16)]);
}

static float value_of(int kind, uint64_t *seed)
{
    const double u = test_rand(seed);
    switch (kind) {
    case 0: return (float) u;
    case 1: return (float) floor(4 * u) / 4;
    case 2: return 0.125f;
    case 3: return hostile(seed);
    case 4: return of_bits(0x3a800000u + (uint32_t) (300 * u));
    case 5: return NAN;
    default: return (float) floor(9 * u) - 4;
    }
}

typedef struct candidate { float score; uint32_t row; } candidate;

// Higher first, NaN last, then by rows.
static int by_rank(const void *a, const void *b)
{
    const candidate *x = (const candidate *) a, *y = (const candidate *) b;
    if (isnan(x->score) != isnan(y->score))
        return isnan(x->score) ? 1 : -1;
    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

static void want_flags(const op_run *t, const struct keep_top_attr *a, uint32_t *keep)
{
    static candidate c[MOST];
    const nn_rows *rows = t->rows[0];
    for (uint32_t b = 0; b < rows->n_images; b++) {
        uint32_t n = 0;
        for (uint32_t r = rows->offsets[b]; r < rows->offsets[b + 1]; r++) {
            keep[r] = rows->pos[r] < a->prefix;
            if (!keep[r])
                c[n++] = (candidate) { t->in[0][r], r };
        }
        qsort(c, n, sizeof *c, by_rank);
        for (uint32_t i = 0; i < n && i < a->count; i++)
            keep[c[i].row] = 1;
    }
}

static void check_kind(op_run *t, const struct keep_top_attr *a, int kind, const char *form)
{
    static uint32_t keep[(IMAGES + 1) * MOST];
    uint64_t seed = 77u * (uint64_t) (kind + 1);
    for (uint32_t r = 0; r < t->rows[0]->n; r++)
        t->in[0][r] = value_of(kind, &seed);
    want_flags(t, a, keep);
    assert_ok(op_run_execute(t, 0.0f));
    if (memcmp(t->out[0], keep, t->rows[0]->n * sizeof *keep))
        for (uint32_t b = 0; b < IMAGES; b++)
            for (uint32_t r = t->rows[0]->offsets[b]; r < t->rows[0]->offsets[b + 1]; r++)
                if (memcmp(&t->out[0][r], &keep[r], 4))
                    fail_msg("%s, the %u highest of %u after %u (%s): flag of token %u is not %u", kinds[kind],
                             a->count, LENGTHS[b], a->prefix, form, r - t->rows[0]->offsets[b], keep[r]);
    for (uint32_t r = t->rows[0]->n; r < nn_rows_cap(t->rows[0]); r++)
        assert_true(op_run_is_poison(t->out[0][r]));
    assert_int_equal(op_run_check_guards(t, kinds[kind]), 0);
}

// Images of LENGTHS; of every third one the first places are missing, and of others places in between.
static void write_layout(op_run *t)
{
    static uint32_t pos[IMAGES * MOST];
    for (uint32_t b = 0, n = 0; b < IMAGES; b++)
        for (uint32_t i = 0; i < LENGTHS[b]; i++)
            pos[n++] = b % 3 == 0 ? i + 1 : LENGTHS[b] < MOST / 2 ? 2 * i : i;
    assert_ok(nn_rows_write(t->dev, t->rows[0], IMAGES, LENGTHS, pos));
}

static void test_keep_top(void **state)
{
    static const uint32_t counts[] = { 0, 1, 16, 195, 1024, 3000, 5000 };
    for (uint32_t i = 0; i < 2 * 3 * sizeof counts / sizeof *counts; i++) {
        const struct keep_top_attr a = { .count = counts[i / 6], .prefix = i / 2 % 3 };
        op_case oc = { .op = "keep_top", .attr = &a, .in = { { 1, { 1, { 0 } } } },
                       .layout = { { { 1, 1, 1, 1, 1, 1, 1, 1 }, .cap_tokens = MOST } } };
        op_run t;
        assert_ok(nn_choice_override((vkc_device *) *state, "lanes", i % 2 ? "32" : NULL));     // 32: what a GPU gets
        assert_ok(op_run_init(&t, (vkc_device *) *state, &oc, 1));
        write_layout(&t);
        for (int kind = 0; kind < N_KINDS; kind++)
            check_kind(&t, &a, kind, i % 2 ? "GPU form" : "software form");
        op_run_finish(&t);
    }
    assert_ok(nn_choice_override((vkc_device *) *state, "lanes", NULL));
}

// Empty images between others, and room for images that are not there.
static void test_class_attention(void **state)
{
    static const uint32_t lengths[] = { 0, 3, 0, 0, 17, 1, 0 };
    const struct class_attention_attr a = { .heads = 3 };
    op_case oc = { .op = "class_attention", .attr = &a, .in = { { 1, { 2, { 0, 36 } } }, { 1, { 2, { 0, 3 } }, 1, 3 } },
                   .layout = { { { 3, 3, 3, 3, 3, 3, 3 }, .cap_tokens = 17 } } };
    op_run t;
    assert_ok(op_run_init(&t, (vkc_device *) *state, &oc, 5));
    assert_ok(nn_rows_write(t.dev, t.rows[0], 7, lengths, NULL));
    assert_ok(op_run_execute(&t, 0.0f));
    op_run_ref(&t);
    assert_true(test_nmse(t.out[0], t.ref_out[0], 21) <= 1e-10);
    for (uint32_t r = 21; r < nn_rows_cap(t.rows[0]); r++)
        assert_true(op_run_is_poison(t.out[0][r]));
    op_run_finish(&t);
}

// The scores are the attention weights of the class token: they sum to 1 over an image.
static void test_weights(void **state)
{
    const struct attention_attr attention = { .heads = 2 };
    const struct class_attention_attr a = { .heads = 2 };
    op_case oc = { .op = "attention", .attr = &attention, .in = { { 1, { 2, { 0, 48 } }, -2, 2 } },
                   .layout = { { { 33, 1, 16 } } } };
    op_run t, u;
    assert_ok(op_run_init(&t, (vkc_device *) *state, &oc, 9));
    assert_ok(op_run_execute(&t, 0.0f));
    oc = (op_case) { .op = "class_attention", .attr = &a, .layout = { oc.layout[0] },
                     .in = { { 1, { 2, { 0, 48 } } }, { 1, { 2, { 0, 2 } } } } };
    assert_ok(op_run_init(&u, (vkc_device *) *state, &oc, 9));
    memcpy(u.in[0], t.in[0], t.rows[0]->n * 48 * sizeof(float));
    memcpy(u.in[1], t.out[1], t.rows[0]->n * 2 * sizeof(float));
    assert_ok(op_run_execute(&u, 0.0f));
    for (uint32_t b = 0; b < 3; b++) {
        double sum = 0;
        for (uint32_t r = u.rows[0]->offsets[b]; r < u.rows[0]->offsets[b + 1]; r++)
            sum += (double) u.out[0][r];
        assert_true(fabs(sum - 1) < 1e-5);
    }
    op_run_finish(&t);
    op_run_finish(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_top), cmocka_unit_test(test_class_attention), cmocka_unit_test(test_weights),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
