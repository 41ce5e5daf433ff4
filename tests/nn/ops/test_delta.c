// test_delta.c — delta_scan: every chunk length, form and group gives the same, an image alone is as in a batch,
// token by token from a carried state is the scan, what cannot be is refused with the values that work.
#include "nn/graph/choose/choose.h"
#include "tests/numbers.h"
#include "tests/nn/ops/op_run.h"
#include "tests/vk/vk_test.h"
#include "spv/args.h"

#include <string.h>

// q, k, v of both directions share columns; g and beta are one number a stream.
static struct delta_scan_attr make_attr(uint32_t dk, uint32_t dv, uint32_t dirs)
{
    return (struct delta_scan_attr) {
        .heads = 2, .dirs = dirs, .dk = dk, .dv = dv, .q_head = dk, .k_head = dk, .v_head = dv,
        .g_head = dirs, .g_dir = dirs - 1, .beta_head = dirs, .beta_dir = dirs - 1,
    };
}

static op_case make_case(const struct delta_scan_attr *t, const uint32_t *lengths, uint32_t n)
{
    const uint32_t streams = t->heads * t->dirs;
    op_case oc = { .op = "delta_scan", .attr = t, .in = {
        { 1, { 2, { 0, t->heads * t->dk } }, -1, 1 },
        { 1, { 2, { 0, t->heads * t->dk } }, -0.3, 0.3 },
        { 1, { 2, { 0, t->heads * t->dv } }, -1, 1 },
        { 1, { 2, { 0, streams } }, -0.5, 0 },
        { 1, { 2, { 0, streams } }, 0, 1 } } };
    memcpy(oc.layout[0].lengths, lengths, n * sizeof *lengths);
    return oc;
}

static void assert_same(const op_run *a, const op_run *b, const char *what)
{
    size_t n = op_run_live(a, &a->call.out[0], a->call.out_rows[0]);
    double e = test_nmse_float(a->out[0], b->out[0], n);
    if (!(e <= 1e-10))
        fail_msg("%s: o differs by NMSE %.3g", what, e);
    for (int i = 0; i < 5; i++) {
        e = test_nmse_float(a->din[i], b->din[i], op_run_live(a, &a->call.in[i], a->call.in_rows[i]));
        if (!(e <= 1e-10))
            fail_msg("%s: d in[%d] differs by NMSE %.3g", what, i, e);
    }
}

static void every_way_gives_the_same(void **state)
{
    static const struct { const char *scan, *form, *group; uint32_t chunk; } ways[] = {
        { "serial", "general", NULL, 16 }, { NULL, NULL, NULL, 0 }, { "chunked", NULL, NULL, 16 },
        { "chunked", NULL, "3", 64 }, { "chunked", "general", NULL, 16 }, { "chunked", "general", "1", 32 },
        { "serial", NULL, "1", 16 },
    };
    const uint32_t lengths[] = { 33, 1, 130 };
    op_run first, other;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        struct delta_scan_attr t = make_attr(4, 8, 2);
        const op_case oc = make_case(&t, lengths, 3);
        op_run *run = w ? &other : &first;
        char what[80];
        snprintf(what, sizeof what, "%s, %s, groups of %s, chunk %u", ways[w].scan ? ways[w].scan : "chosen",
                 ways[w].form ? ways[w].form : "chosen", ways[w].group ? ways[w].group : "all", ways[w].chunk);
        t.chunk = ways[w].chunk;
        assert_ok(nn_choice_override(*state, "scan", ways[w].scan));
        assert_ok(nn_choice_override(*state, "scan_form", ways[w].form));
        assert_ok(nn_choice_override(*state, "scan_group", ways[w].group));
        assert_ok(op_run_init(run, *state, &oc, 5));
        assert_ok(op_run_execute(run, 0.0f));
        if (w) {
            assert_same(run, &first, what);
            op_run_finish(run);
        }
    }
    op_run_finish(&first);
    assert_ok(nn_choice_override(*state, "scan", NULL));
    assert_ok(nn_choice_override(*state, "scan_form", NULL));
    assert_ok(nn_choice_override(*state, "scan_group", NULL));
}

// Row r0 .. of a batch's inputs as the inputs of one image.
static void copy_rows(op_run *to, const op_run *from, size_t r0)
{
    size_t n = to->rows[0]->n;
    for (int i = 0; i < 5; i++) {
        size_t cols = from->call.in[i].dim[1];
        memcpy(to->in[i], from->in[i] + r0 * cols, n * cols * sizeof(float));
    }
    size_t cols = from->call.out[0].dim[1];
    memcpy(to->dout, from->dout + r0 * cols, n * cols * sizeof(float));
}

static void an_image_alone_is_as_in_a_batch(void **state)
{
    const uint32_t lengths[] = { 33, 1, 70 };
    const struct delta_scan_attr t = make_attr(4, 8, 2);
    const op_case all = make_case(&t, lengths, 3);
    op_run batch, one;
    assert_ok(op_run_init(&batch, *state, &all, 7));
    assert_ok(op_run_execute(&batch, 0.0f));
    size_t r0 = 0;
    for (int b = 0; b < 3; b++) {
        const op_case alone = make_case(&t, &lengths[b], 1);
        assert_ok(op_run_init(&one, *state, &alone, 1));
        copy_rows(&one, &batch, r0);
        assert_ok(op_run_execute(&one, 0.0f));
        size_t cols = one.call.out[0].dim[1];
        assert_memory_equal(one.out[0], batch.out[0] + r0 * cols, lengths[b] * cols * sizeof(float));
        for (int i = 0; i < 5; i++) {
            cols = one.call.in[i].dim[1];
            assert_memory_equal(one.din[i], batch.din[i] + r0 * cols, lengths[b] * cols * sizeof(float));
        }
        op_run_finish(&one);
        r0 += lengths[b];
    }
    op_run_finish(&batch);
}

static void token_by_token_is_the_scan(void **state)
{
    const uint32_t n = 19, one = 1;
    struct delta_scan_attr t = make_attr(4, 8, 1);
    const op_case all = make_case(&t, &n, 1);
    op_run scan, step;
    assert_ok(op_run_init(&scan, *state, &all, 9));
    assert_ok(op_run_execute(&scan, 0.0f));
    t.carry = 1;
    op_case each = make_case(&t, &one, 1);
    each.in[5].shape = (nn_shape) { 3, { 2 * t.heads, t.dk, t.dv } };   // a layout has room for an image more
    assert_ok(op_run_init(&step, *state, &each, 1));
    const size_t len = nn_shape_len(&step.call.out[1]), cols = step.call.out[0].dim[1];
    memset(step.in[5], 0, len * sizeof(float));
    for (size_t r = 0; r < n; r++) {
        copy_rows(&step, &scan, r);
        assert_ok(op_run_execute(&step, 0.0f));
        double e = test_nmse_float(step.out[0], scan.out[0] + r * cols, cols);
        if (!(e <= 1e-10))
            fail_msg("token %zu differs by NMSE %.3g", r, e);
        memcpy(step.in[5], step.out[1], len * sizeof(float));
    }
    op_run_finish(&step);
    op_run_finish(&scan);
}

static void refuse(vkc_device *dev, struct delta_scan_attr t, const char *says)
{
    const uint32_t n = 3;
    const struct delta_scan_attr plain = make_attr(4, 8, 2);
    op_case oc = make_case(&plain, &n, 1);
    op_run run;
    oc.attr = &t;
    assert_status(op_run_init(&run, dev, &oc, 1), VKC_E_ARG);
    if (!strstr(vkc_last_error(), says))
        fail_msg("\"%s\" does not say \"%s\"", vkc_last_error(), says);
    op_run_finish(&run);
}

static void what_cannot_be_is_refused(void **state)
{
    struct delta_scan_attr t = make_attr(4, 8, 2);
    t.chunk = 20;
    refuse(*state, t, "16, 32 or 64");
    t = make_attr(129, 8, 2);
    refuse(*state, t, "1 to 128");
    t = make_attr(4, 8, 3);
    refuse(*state, t, "1 or 2 directions");
    t = make_attr(4, 8, 2), t.k_dir = 2;
    refuse(*state, t, "k of streams 0 and 1 overlap");
    t = make_attr(4, 8, 2), t.v_col0 = 1;
    refuse(*state, t, "v has no columns 1 to 17");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_gives_the_same),
        cmocka_unit_test(an_image_alone_is_as_in_a_batch),
        cmocka_unit_test(token_by_token_is_the_scan),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
