// test_scan.c — scans in chunks: any length of chunk, any composition and any kernel give what the token-serial
// form gives; a state carried from one part of a sequence to the next gives what the whole gives.
#include "tests/vk/vk_test.h"

#include "nn/graph/choose/choose.h"
#include "spv/args.h"
#include "tests/numbers.h"
#include "tests/nn/ops/op_run.h"

#include <math.h>
#include <string.h>

#define N_IN 5
#define BAR 1e-10                  // NMSE, as of every forward pass

typedef struct form { const char *scan, *kernel; uint32_t chunk; const char *group; } form;

static const form forms[] = {
    { "serial", "", 0, NULL },
    { "fused", "", 16, NULL }, { "fused", "", 32, NULL }, { "fused", "", 64, NULL }, { "fused", "", 128, NULL },
    { "fused", "general", 16, NULL }, { "fused", "general", 32, NULL },
    { "split", "", 16, NULL }, { "split", "", 32, NULL }, { "split", "", 64, NULL }, { "split", "", 128, NULL },
    { "fused", "", 16, "3" }, { "split", "", 16, "1" },    // streams in groups: 3 and 1, 1 and 1 ...
};
#define N_FORMS (sizeof forms / sizeof forms[0])

static void choose(vkc_device *dev, const form *f)
{
    assert_ok(nn_choice_override(dev, "scan", f->scan));
    assert_ok(nn_choice_override(dev, "scan_form", f->kernel));
    assert_ok(nn_choice_override(dev, "scan_group", f->group ? f->group : "0"));
}

static void forget(vkc_device *dev)
{
    choose(dev, &(form) { .scan = NULL });
    assert_ok(nn_choice_override(dev, "scan_group", NULL));
}

static void check_forms(vkc_device *dev, op_case oc, struct gated_scan_attr attr)
{
    op_run t;
    op_snapshot first = { 0 };
    oc.attr = &attr;
    for (size_t f = 0; f < N_FORMS; f++) {
        attr.chunk = forms[f].chunk;
        choose(dev, &forms[f]);
        assert_ok(op_run_init(&t, dev, &oc, 7));
        assert_ok(op_run_execute(&t, 0.0f));
        if (f == 0) {
            op_run_ref(&t);
            size_t live = op_run_live(&t, &t.call.out[0], t.call.out_rows[0]);
            for (size_t k = 0; k < live; k++)
                assert_true(fabs((double) t.out[0][k] - t.ref_out[0][k]) < 1e-4);
            first = op_run_snapshot(&t);
        }
        double worst = test_nmse_float(t.out[0], first.out[0], op_run_live(&t, &t.call.out[0], t.call.out_rows[0]));
        for (int i = 0; i < N_IN; i++)
            if (t.call.in[i].rank)
                worst = test_worst(worst, test_nmse_float(t.din[i], first.din[i],
                                                          op_run_live(&t, &t.call.in[i], t.call.in_rows[i])));
        if (!(worst <= BAR))
            fail_msg("form %zu, %s %s, chunks of %u: NMSE %.3g from serial", f, forms[f].scan, forms[f].kernel,
                     forms[f].chunk, worst);
        op_run_finish(&t);
    }
    op_snapshot_free(&first);
    forget(dev);
}

static void test_a_decay_a_stream(void **state)
{
    check_forms(*state, (op_case) {
        .op = "gated_scan", .layout = { { { 197, 33, 1 } } },
        .in = { { 1, { 2, { 0, 16 } } }, { 1, { 2, { 0, 16 } } }, { 1, { 2, { 0, 32 } } },
                { 1, { 2, { 0, 4 } }, -1, 0 }, { 1, { 2, { 0, 4 } }, 0.1, 1 } },
    }, (struct gated_scan_attr) { .heads = 2, .dirs = 2, .dk = 8, .dv = 8, .q_dir = 8, .k_dir = 8, .v_head = 16,
                                  .v_dir = 8, .g_head = 2, .g_dir = 1, .step_head = 2, .step_dir = 1 });
}

static void test_a_decay_a_channel(void **state)
{
    check_forms(*state, (op_case) {
        .op = "gated_scan", .layout = { { { 197, 33, 1 } } },
        .in = { { 1, { 2, { 0, 48 } } }, { 1, { 2, { 0, 48 } } }, { 1, { 2, { 0, 48 } } },
                { 1, { 2, { 0, 32 } }, -1, 0 } },
    }, (struct gated_scan_attr) { .heads = 2, .dirs = 2, .dk = 8, .dv = 8, .channels = 1, .q_head = 8, .k_col0 = 16,
                                  .k_head = 8, .v_col0 = 32, .v_head = 8, .g_head = 16, .g_dir = 8 });
}

// A sequence of 70 in parts of 1, 40 and 29.
static void test_carried(void **state)
{
    enum { WHOLE = 70, D = 8, SIZE = D * D };
    static const uint32_t parts[] = { 1, 40, 29 };
    static const form both[] = { { "fused", "", 0, NULL }, { "split", "", 0, NULL } };
    const struct gated_scan_attr attr = { .heads = 1, .dirs = 1, .dk = D, .dv = D, .channels = 1, .carry = 1 };
    op_case oc = { .op = "gated_scan", .attr = &attr, .layout = { { { WHOLE } } },
                   .in = { { 1, { 2, { 0, D } } }, { 1, { 2, { 0, D } } }, { 1, { 2, { 0, D } } },
                           { 1, { 2, { 0, D } }, -0.5, 0 }, { 0 }, { 0, { 3, { 2, D, D } } } } };
    for (size_t f = 0; f < 2; f++) {
        op_run whole, part;
        float carried[SIZE];
        choose(*state, &both[f]);
        oc.layout[0].lengths[0] = WHOLE;
        assert_ok(op_run_init(&whole, *state, &oc, 3));
        assert_ok(op_run_execute(&whole, 0.0f));
        memcpy(carried, whole.in[5], sizeof carried);
        for (uint32_t p = 0, row = 0; p < 3; row += parts[p++]) {
            oc.layout[0].lengths[0] = parts[p];
            assert_ok(op_run_init(&part, *state, &oc, 4));
            for (int i = 0; i < 4; i++)
                memcpy(part.in[i], whole.in[i] + row * D, parts[p] * D * sizeof(float));
            memcpy(part.in[5], carried, sizeof carried);
            assert_ok(op_run_execute(&part, 0.0f));
            assert_true(test_nmse_float(part.out[0], whole.out[0] + row * D, parts[p] * D) <= BAR);
            memcpy(carried, part.out[1], sizeof carried);
            op_run_finish(&part);
        }
        assert_true(test_nmse_float(carried, whole.out[1], SIZE) <= BAR);
        op_run_finish(&whole);
    }
    forget(*state);
}

// What cannot be done is refused with what can.
static void test_refused(void **state)
{
    const struct gated_scan_attr bad[] = {
        { .heads = 1, .dirs = 1, .dk = 257, .dv = 1 }, { .heads = 1, .dirs = 1, .dk = 1, .dv = 1, .chunk = 17 },
        { .heads = 1, .dirs = 3, .dk = 1, .dv = 1 }, { .heads = 2, .dirs = 1, .dk = 2, .dv = 2, .q_head = 1 },
    };
    static const char *const want[] = { "256", "128", "directions", "strides" };
    for (size_t i = 0; i < 4; i++) {
        op_case oc = { .op = "gated_scan", .attr = &bad[i], .layout = { { { 3 } } },
                       .in = { { 1, { 2, { 0, 8 } } }, { 1, { 2, { 0, 8 } } }, { 1, { 2, { 0, 8 } } },
                               { 1, { 2, { 0, 8 } } } } };
        op_run t;
        assert_status(op_run_init(&t, *state, &oc, 1), VKC_E_ARG);
        assert_non_null(strstr(vkc_last_error(), want[i]));
        op_run_finish(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_decay_a_stream), cmocka_unit_test(test_a_decay_a_channel),
        cmocka_unit_test(test_carried), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
