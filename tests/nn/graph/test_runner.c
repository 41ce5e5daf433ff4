// test_runner.c — a graph with host memory: inputs by name and slot, live ones, hooks around it, outputs, counters.
#include "nn/graph/check.h"
#include "nn/graph/finite.h"
#include "nn/graph/runner.h"
#include "shaders/elementwise/scale.h"
#include "tests/vk/vk_test.h"

#include <math.h>
#include <string.h>

#define N 96u
#define SIZE (N * sizeof(float))

// out = 3 * (x + y) + z
typedef struct fixture {
    vkc_device *dev;
    uint64_t  before;               // device memory
    nn_graph *g;
    nn_tensor *x, *y, *z, *sum, *out;
    nn_runner *run;
    vkc_buffer *buffer;             // of hooks
    uint32_t  n_before, n_after;
} fixture;

static void open_fixture(void **state, fixture *t)
{
    const nn_shape shape = { 2, { N / 8, 8 } };
    *t = (fixture) { .dev = (vkc_device *) *state };
    t->before = vkc_memory_get_info(t->dev).in_use;
    assert_ok(nn_graph_create(t->dev, &t->g));
    t->x = nn_graph_input(t->g, "x", shape, NN_DTYPE_F32, NULL);
    t->y = nn_graph_input(t->g, "y", shape, NN_DTYPE_F32, NULL);
    t->z = nn_graph_input(t->g, "z", shape, NN_DTYPE_F32, NULL);
    t->sum = NN_APPLY0(t->g, add, NULL, t->x, t->y);
    t->out = NN_APPLY0(t->g, add, NULL,
                       NN_APPLY(t->g, scale, &(struct scale_attr) { 3.0f }, NULL, t->sum, NULL), t->z);
}

static void close_fixture(fixture *t)
{
    nn_runner_destroy(t->run);
    nn_graph_destroy(t->g);
    vkc_buffer_destroy(t->buffer);
    assert_int_equal(vkc_memory_get_info(t->dev).in_use, t->before);
}

static void fill(const fixture *t, uint32_t slot, const char *name, float start)
{
    float *x = (float *) nn_runner_input(t->run, slot, name);
    assert_non_null(x);
    for (uint32_t i = 0; i < N; i++)
        x[i] = start + (float) i;
}

// Output `at` is first + step * i.
static void check_output(const fixture *t, uint32_t at, float first, float step)
{
    const float *x = (const float *) nn_runner_output(t->run, at);
    assert_non_null(x);
    for (uint32_t i = 0; i < N; i++)
        assert_true(x[i] == first + step * (float) i);
}

static void test_names(void **state)
{
    fixture t;
    open_fixture(state, &t);
    assert_string_equal(nn_input_name(t.y), "y");
    assert_string_equal(nn_input_name(t.sum), "");
    assert_string_equal(nn_input_name(NULL), "");
    nn_tensor *const in[] = { t.x, NULL, t.y }, *const out[] = { t.out, NULL, t.sum };
    assert_ok(nn_runner_create(&(nn_runner_params) {
        .graph = t.g, .name = "test", .inputs = in, .n_inputs = 3, .live = &t.z, .n_live = 1, .outputs = out,
        .n_outputs = 3 }, &t.run));
    assert_int_equal(nn_runner_n_inputs(t.run), 2);
    assert_ptr_equal(nn_runner_input_tensor(t.run, 1), t.y);
    assert_int_equal(nn_runner_input_size(t.run, "x"), SIZE);
    assert_int_equal(nn_runner_input_size(t.run, "z"), SIZE);
    assert_int_equal(nn_runner_input_size(t.run, "w"), 0);
    assert_null(nn_runner_input(t.run, 0, "w"));
    assert_false(nn_runner_is_watched(t.run));
    assert_ok(nn_runner_run(t.run, "at first"));        // all memory starts at 0
    check_output(&t, 0, 0, 0);
    fill(&t, 0, "x", 1);
    fill(&t, 0, "y", 10);
    fill(&t, 0, "z", 5);
    assert_ok(nn_runner_run(t.run, "then"));
    check_output(&t, 0, 3 * 11 + 5, 7);
    check_output(&t, 2, 11, 2);
    assert_null(nn_runner_output(t.run, 1));
    double seconds = -1;
    fill(&t, 0, "z", 6);
    assert_ok(nn_runner_repeat(t.run, &seconds));       // another replay of what is there
    assert_true(seconds > 0);
    check_output(&t, 0, 3 * 11 + 6, 7);
    close_fixture(&t);
}

// The slot that is not submitted may be filled before the wait; what is live is read by whichever comes next.
static void test_slots(void **state)
{
    fixture t;
    open_fixture(state, &t);
    nn_tensor *const in[] = { t.x, t.y };
    assert_ok(nn_runner_create(&(nn_runner_params) {
        .graph = t.g, .name = "test", .inputs = in, .n_inputs = 2, .live = &t.z, .n_live = 1,
        .slots = NN_RUNNER_SLOTS, .outputs = &t.out, .n_outputs = 1 }, &t.run));
    assert_ptr_not_equal(nn_runner_input(t.run, 0, "x"), nn_runner_input(t.run, 1, "x"));
    assert_ptr_equal(nn_runner_input(t.run, 0, "z"), nn_runner_input(t.run, 1, "z"));
    fill(&t, 0, "x", 0);
    for (uint32_t k = 0; k < 7; k++) {
        const uint32_t slot = k % NN_RUNNER_SLOTS;
        fill(&t, 0, "z", (float) (100 * k));
        assert_ok(nn_runner_submit(t.run, slot));
        fill(&t, 1 - slot, "x", (float) (k + 1));
        fill(&t, 1 - slot, "y", (float) (k + 1));
        assert_ok(nn_runner_wait(t.run));
        assert_ok(nn_runner_check(t.run, "in a slot"));
        check_output(&t, 0, (float) (6 * k + 100 * k), k ? 7 : 4);
    }
    close_fixture(&t);
}

// z from a buffer of the hook's own.
static vkc_status write_z(void *user, nn_runner *r, vkc_recording *rec)
{
    fixture *t = (fixture *) user;
    (void) r;
    t->n_before++;
    return vkc_record_copy(rec, nn_tensor_slice(t->z), (vkc_slice) { t->buffer, 0, SIZE });
}

// Half of the sum, as a slice.
static vkc_status read_sum(void *user, nn_runner *r, vkc_recording *rec)
{
    fixture *t = (fixture *) user;
    const vkc_slice all = nn_tensor_slice(t->sum);
    t->n_after++;
    assert_ok(vkc_record_copy(rec, (vkc_slice) { t->buffer, SIZE, SIZE }, nn_tensor_slice(t->out)));
    return nn_runner_add_output(r, (vkc_slice) { all.buf, all.offset + SIZE / 2, SIZE / 2 });
}

static void test_hooks(void **state)
{
    fixture t;
    float z[N], out[N];
    open_fixture(state, &t);
    assert_ok(vkc_buffer_create(t.dev, VKC_MEM_DEVICE, 2 * SIZE, "test", &t.buffer));
    nn_tensor *const in[] = { t.x, t.y };
    nn_graph_keep(t.g, t.sum);
    assert_ok(nn_runner_create(&(nn_runner_params) {
        .graph = t.g, .name = "test", .inputs = in, .n_inputs = 2, .outputs = &t.out, .n_outputs = 1,
        .before = write_z, .after = read_sum, .user = &t }, &t.run));
    for (uint32_t k = 0; k < 3; k++) {
        for (uint32_t i = 0; i < N; i++)
            z[i] = (float) k;
        assert_ok(vkc_write(t.dev, (vkc_slice) { t.buffer, 0, SIZE }, z));
        fill(&t, 0, "x", 1);
        assert_ok(nn_runner_run(t.run, "with hooks"));
        check_output(&t, 0, 3 + (float) k, 3);
        const float *half = (const float *) nn_runner_output(t.run, 1);
        for (uint32_t i = 0; i < N / 2; i++)
            assert_true(half[i] == (float) (1 + N / 2 + i));
        assert_ok(vkc_read(t.dev, (vkc_slice) { t.buffer, SIZE, SIZE }, out));
        assert_memory_equal(out, nn_runner_output(t.run, 0), SIZE);
    }
    assert_true(t.n_before == 1 && t.n_after == 1);     // recorded once
    assert_status(nn_runner_add_output(t.run, (vkc_slice) { t.buffer, 0, SIZE }), VKC_E_ARG);
    close_fixture(&t);
}

static void test_watched(void **state)
{
    fixture t;
    open_fixture(state, &t);
    nn_finite_watch(t.g, t.sum, "the sum");
    assert_ok(nn_runner_create(&(nn_runner_params) { .graph = t.g, .name = "test", .inputs = &t.x, .n_inputs = 1,
                                                     .slots = NN_RUNNER_SLOTS }, &t.run));
    assert_true(nn_runner_is_watched(t.run));
    ((float *) nn_runner_input(t.run, 0, "x"))[7] = NAN;
    ((float *) nn_runner_input(t.run, 0, "x"))[8] = INFINITY;
    assert_status(nn_runner_run(t.run, "in batch 7"), VKC_E_CHECK);
    assert_non_null(strstr(vkc_last_error(), "the sum has 2 values that are not finite in batch 7"));
    assert_ok(nn_runner_submit(t.run, 1));
    assert_ok(nn_runner_wait(t.run));
    assert_ok(nn_runner_check(t.run, "in batch 8"));
    close_fixture(&t);
}

// Where the device is checked each replay is compared, the ones submitted past the runner too.
static void test_compared(void **state)
{
    fixture t;
    nn_check *c = NULL;
    assert_ok(nn_check_create((vkc_device *) *state, &(nn_check_params) { .every = 1 }, &c));
    open_fixture(state, &t);
    assert_ok(nn_runner_create(&(nn_runner_params) { .graph = t.g, .name = "test", .inputs = &t.x, .n_inputs = 1 },
                               &t.run));
    fill(&t, 0, "x", 1);
    assert_ok(nn_runner_run(t.run, "through the runner"));
    assert_int_equal(nn_check_replays(c), 1);
    assert_ok(vkc_submit(nn_runner_recording(t.run), NULL));
    assert_ok(vkc_wait(t.dev, 0));
    assert_ok(nn_runner_compare(t.run, "past it"));
    assert_int_equal(nn_check_replays(c), 2);
    assert_int_equal(nn_check_calls(c), 6);
    close_fixture(&t);
    nn_check_destroy(c);
}

static vkc_status refuse(void *user, nn_runner *r, vkc_recording *rec)
{
    (void) user;
    (void) r;
    (void) rec;
    return VKC_FAIL(VKC_E_IO, "a hook that fails");
}

// Each refusal leaves nothing behind (close_fixture).
static void test_misuse(void **state)
{
    for (uint32_t k = 0; k < 6; k++) {
        fixture t;
        open_fixture(state, &t);
        nn_tensor *const twice[] = { t.x, t.x }, *const none[] = { t.x, t.sum };
        nn_runner_params p = { .graph = t.g, .name = "test", .inputs = twice, .n_inputs = 1 };
        vkc_status want = VKC_E_ARG;
        if (k == 0)
            p.n_inputs = 2;
        if (k == 1)
            p = (nn_runner_params) { .graph = t.g, .name = "test", .inputs = none, .n_inputs = 2 };
        if (k == 2)
            p.slots = NN_RUNNER_SLOTS + 1;
        if (k == 3)
            nn_graph_fail(t.g, VKC_FAIL(want = VKC_E_UNSUPPORTED, "a graph that failed"));
        if (k == 4 || k == 5) {
            *(k == 4 ? &p.before : &p.after) = refuse;
            want = VKC_E_IO;
        }
        assert_status(nn_runner_create(&p, &t.run), want);
        assert_true(k != 3 || strstr(vkc_last_error(), "a graph that failed"));
        assert_null(t.run);
        close_fixture(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),   cmocka_unit_test(test_slots),    cmocka_unit_test(test_hooks),
        cmocka_unit_test(test_watched), cmocka_unit_test(test_compared), cmocka_unit_test(test_misuse),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
