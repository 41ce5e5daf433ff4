// test_choose.c — which kernels every op gets, on devices that are made up: all that the bench cases and some more
// dispatch, by shape, device and setting, is what tests/nn/graph/choices.txt says. After a change that is wanted:
//   build/release/test_choose --print > tests/nn/graph/choices.txt
// nn_dispatch is this file's own: nothing runs.
#include "apps/cli/bench/bench_ops.h"
#include "nn/graph/choose/choose.h"

#include "spv/args.h"
#include "tests/filter.h"
#include "tests/vk/vk_test.h"

#include <stdlib.h>
#include <string.h>

#define TABLE "tests/nn/graph/choices.txt"
#define GROUPS { 65535, 65535, 65535 }
enum { MAX_TEXT = 1 << 18, MAX_LINE = 16384 };

static char line[MAX_LINE];         // of the call at hand

static const vkc_device_info devices[] = {
    { .name = "lavapipe", .type = VKC_TYPE_SOFTWARE, .subgroup_size = 8, .shared_bytes = 32768, .max_invocations = 1024,
      .max_groups = GROUPS, .max_texels = 1u << 27, .features = ~0u },
    { .name = "swiftshader", .type = VKC_TYPE_SOFTWARE, .subgroup_size = 4, .shared_bytes = 32768,
      .max_invocations = 256, .max_groups = GROUPS, .max_texels = 65536, .features = ~0u },
    { .name = "discrete", .type = VKC_TYPE_DISCRETE, .subgroup_size = 32, .shared_bytes = 49152,
      .max_invocations = 1024, .max_groups = { 2147483647, 65535, 65535 }, .max_texels = 1u << 27, .features = ~0u },
    { .name = "integrated", .type = VKC_TYPE_INTEGRATED, .subgroup_size = 8, .shared_bytes = 32768,
      .max_invocations = 256, .max_groups = GROUPS, .max_texels = 1u << 27, .features = ~0u },
    { .name = "floor", .type = VKC_TYPE_OTHER, .subgroup_size = 64, .shared_bytes = 16384, .max_invocations = 128,
      .max_groups = GROUPS, .max_texels = 65536 },
    { .name = "software, no subgroups", .type = VKC_TYPE_SOFTWARE, .subgroup_size = 8, .shared_bytes = 16384,
      .max_invocations = 128, .max_groups = GROUPS, .max_texels = 65536 },
};

// Ops that no bench case has.
#define SMALL   { { 32, 65, 1, 8 } }
#define ROWS(c) { 1, { 2, { 0, c } }, 0 }
static const bench_case more[] = {
    { "lstm", "3 heads of 32", NULL, SMALL, { ROWS(768), { 0, { 3, { 6, 128, 32 } }, 0 } },
      .attr = &(struct lstm_attr) { .heads = 3, .dirs = 2, .dim = 32 } },
    { "lstm", "a head of 6", NULL, SMALL, { ROWS(24), { 0, { 3, { 1, 24, 6 } }, 0 } },
      .attr = &(struct lstm_attr) { .heads = 1, .dirs = 1, .dim = 6 } },
    { "delta_scan", "3 heads of 32", NULL, SMALL, { ROWS(96), ROWS(96), ROWS(96), ROWS(6), ROWS(6) },
      .attr = &(struct delta_scan_attr) { .heads = 3, .dirs = 2, .dk = 32, .dv = 32, .q_head = 32, .k_head = 32,
          .v_head = 32, .g_head = 2, .g_dir = 1, .beta_head = 2, .beta_dir = 1 } },
    { "class_attention", "3 heads", NULL, SMALL, { ROWS(288), ROWS(3) },
      .attr = &(struct class_attention_attr) { .heads = 3 } },
    { "gather_rows", "", NULL, { { 32, 65, 1, 8 }, { 32, 65, 1, 8 } }, { ROWS(96), { 2, { 1, { 0 } }, 0 } },
      .to = 0 },
    { "add", "37 columns", NULL, SMALL, { ROWS(37), ROWS(37) }, .to = 0 },
    { "gaps", "", NULL, SMALL, { ROWS(192) }, .attr = &(struct gaps_attr) { .width = 1, .dirs = 2 } },
    { "keep_top", "", NULL, SMALL, { { 1, { 1, { 0 } }, 0 } }, .attr = &(struct keep_top_attr) { 16, 1 } },
    { "pool", "", NULL, { { 32, 65, 1, 8 }, { 32, 1, 0, 0 } }, { ROWS(96) }, .to = 2,
      .attr = &(struct pool_attr) { .token = 1 } },
};

static const char *const settings[][2] = {      // of the first device, where that changes anything
    { "linear", "plain" }, { "linear", "tiled" }, { "linear", "simd" }, { "attention", "tiled" },
    { "attention", "simd" }, { "lanes", "1" }, { "lanes", "32" }, { "scan", "serial" }, { "scan", "chunked" },
    { "scan", "fused" }, { "scan", "split" }, { "scan_form", "general" }, { "scan_form", "simd" },
    { "scan_group", "1" },
};

// ---- in place of nn/graph/run.c

vkc_status nn_dispatch(nn_run *r, const nn_kernel_use *use)
{
    (void) r;
    const size_t used = strlen(line);
    char spec[160] = "";
    uint32_t n = VKC_MAX_SPEC;
    while (n > 0 && use->spec[n - 1] == 0)
        n--;
    for (uint32_t i = 0; i < n; i++)
        snprintf(spec + strlen(spec), sizeof spec - strlen(spec), i ? ",%u" : "%u", use->spec[i]);
    snprintf(line + used, sizeof line - used, "  %s %u <%s> %ux%ux%u", use->shader->name, use->wg, spec,
             use->tile_rows ? use->tile_rows : use->groups[0], use->groups[1], use->groups[2]);
    return VKC_OK;
}

bool nn_is_wanted(const nn_run *r, int slot)
{
    (void) r;
    (void) slot;
    return true;
}

// ---- one call

static nn_call make_call(const bench_case *b, nn_rows rows[2], const nn_op *op, bool is_half)
{
    nn_call c = { .attr = b->attr, .train = true };
    for (int i = 0; i < 2; i++)
        rows[i] = (nn_rows) { .cap_images = b->layout[i].images, .cap_tokens = b->layout[i].tokens,
                              .prefix = b->layout[i].prefix, .grid_h = b->layout[i].side, .grid_w = b->layout[i].side };
    for (int i = 0; i < op->n_in; i++) {
        c.in[i] = b->in[i].shape;
        c.in_dtype[i] = op->u32 & BIT(IN(i)) ? NN_DTYPE_U32
                        : is_half && op->f16 & BIT(IN(i)) ? NN_DTYPE_F16 : NN_DTYPE_F32;
        if (b->in[i].layout) {
            c.in_rows[i] = &rows[b->in[i].layout - 1];
            c.in[i].dim[0] = nn_rows_cap(c.in_rows[i]);
        }
    }
    c.to = b->to ? &rows[b->to - 1] : NULL;
    return c;
}

// Fills `line`: forward and backward of a case.
static void record(const bench_case *b, const vkc_device_info *dev, const nn_forced *forced, bool is_half)
{
    const nn_op *op = nn_op_get(b->op);
    nn_rows rows[2];
    nn_call c = make_call(b, rows, op, is_half);
    c.dev = dev;
    c.forced = *forced;
    line[0] = '\0';
    assert_ok(nn_op_infer(op, &c));
    assert_ok(op->fwd(NULL, &c));
    strcat(line, " |");
    if (op->bwd)
        assert_ok(op->bwd(NULL, &c));
    assert_true(strlen(line) + 1 < sizeof line);
}

// All that is in the table, as text; owned by the caller.
static char *make_table(void)
{
    char *text = malloc(MAX_TEXT), own[MAX_LINE];
    size_t used = 0;
    assert_non_null(text);
    for (uint32_t k = 0; k < n_bench_cases + sizeof more / sizeof *more; k++) {
        const bench_case *b = k < n_bench_cases ? &bench_cases[k] : &more[k - n_bench_cases];
        const nn_forced none = { { 0 } };
        if (b->form)
            continue;
        for (size_t d = 0; d < sizeof devices / sizeof *devices; d++) {
            record(b, &devices[d], &none, false);
            used += (size_t) snprintf(text + used, MAX_TEXT - used, "%s, %s; %s:%s\n", b->op, b->note, devices[d].name,
                                      line);
            assert_true(used < MAX_TEXT);
            if (nn_op_get(b->op)->f16 == 0)
                continue;
            record(b, &devices[d], &none, true);
            used += (size_t) snprintf(text + used, MAX_TEXT - used, "%s, %s; %s, fp16:%s\n", b->op, b->note,
                                      devices[d].name, line);
            assert_true(used < MAX_TEXT);
        }
        record(b, &devices[0], &none, false);
        memcpy(own, line, sizeof own);
        for (size_t s = 0; s < sizeof settings / sizeof *settings; s++) {
            nn_forced forced = none;
            assert_ok(nn_forced_set(&forced, settings[s][0], settings[s][1]));
            record(b, &devices[0], &forced, false);
            if (strcmp(line, own) != 0)
                used += (size_t) snprintf(text + used, MAX_TEXT - used, "%s, %s; %s=%s:%s\n", b->op, b->note,
                                          settings[s][0], settings[s][1], line);
            assert_true(used < MAX_TEXT);
        }
    }
    return text;
}

static void test_table(void **state)
{
    (void) state;
    char *text = make_table(), *want = calloc(1, MAX_TEXT);
    FILE *f = fopen(TABLE, "rb");
    assert_non_null(want);
    if (!f)
        fail_msg("no %s", TABLE);
    assert_true(fread(want, 1, MAX_TEXT - 1, f) > 0);
    fclose(f);
    size_t at = 0, start = 0, number = 1;
    for (; text[at] == want[at] && text[at]; at++)
        if (text[at] == '\n')
            start = at + 1, number++;
    if (text[at] != want[at])
        fail_msg("%s:%zu is not what is chosen:\n%.*s\n%.*s", TABLE, number, (int) strcspn(want + start, "\n"),
                 want + start, (int) strcspn(text + start, "\n"), text + start);
    free(want);
    free(text);
}

// ---- settings

static void test_words(void **state)
{
    (void) state;
    static const struct { const char *setting, *value, *says; } bad[] = {
        { "linear", "fast", "the setting linear is \"fast\", want plain, tiled or simd" },
        { "attention", "plain", "want tiled or simd" }, { "lanes", "16", "want 1 or 32" },
        { "scan", "general", "want serial, chunked, fused or split" }, { "scan_form", "tiled", "want general or simd" },
        { "scan_group", "-1", "a whole number" }, { "scan_group", "2x", "a whole number" },
        { "scan_group", "99999999999", "a whole number" }, { "warp", "32", "no setting \"warp\"" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nn_forced f = { { 0 } };
        const nn_forced none = f;
        assert_status(nn_forced_set(&f, bad[i].setting, bad[i].value), VKC_E_ARG);
        if (!strstr(vkc_last_error(), bad[i].says))
            fail_msg("\"%s\" does not say \"%s\"", vkc_last_error(), bad[i].says);
        assert_memory_equal(&f, &none, sizeof f);
    }
    nn_forced f = { { 0 } };
    assert_ok(nn_forced_set(&f, "linear", "lanes"));        // the older word
    assert_int_equal(f.of[NN_SETTING_LINEAR], NN_FORM_SIMD);
    assert_ok(nn_forced_set(&f, "linear", ""));
    assert_int_equal(f.of[NN_SETTING_LINEAR], NN_FORM_NONE);
}

static void test_environment(void **state)
{
    (void) state;
    nn_forced f;
    setenv("PARE_SCAN", "split", 1);
    setenv("PARE_SCAN_GROUP", "3", 1);
    setenv("PARE_LANES", "", 1);
    assert_ok(nn_forced_read(&f));
    assert_int_equal(f.of[NN_SETTING_SCAN], NN_ORDER_SPLIT);
    assert_int_equal(f.of[NN_SETTING_SCAN_GROUP], 3);
    assert_int_equal(f.of[NN_SETTING_LANES], 0);
    setenv("PARE_LANES", "33", 1);
    assert_status(nn_forced_read(&f), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "PARE_LANES is \"33\", want 1 or 32"));
    unsetenv("PARE_SCAN");
    unsetenv("PARE_SCAN_GROUP");
    unsetenv("PARE_LANES");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        fputs(make_table(), stdout);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table), cmocka_unit_test(test_words), cmocka_unit_test(test_environment),
    };
    test_filter_names(argc, argv, tests, sizeof tests / sizeof *tests);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
