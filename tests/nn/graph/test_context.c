// test_context.c — choices forced on a device: by the environment when it is first used, then by a caller. They hold
// for calls made from then on, other devices go on as before, and a check lives beside them.
#include "nn/graph/check.h"
#include "nn/graph/choose/choose.h"
#include "nn/graph/graph_impl.h"
#include "tests/device.h"
#include "tests/vk/vk_test.h"

#include <stdlib.h>
#include <string.h>

static uint32_t lanes_of(vkc_device *dev)
{
    nn_graph *g;
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *x = nn_graph_input(g, "x", (nn_shape) { 2, { 3, 5 } }, NN_DTYPE_F32, NULL);
    assert_non_null(NN_APPLY0(g, gelu, NULL, x));
    const uint32_t lanes = nn_row_lanes(&g->node[0].call, 5);
    nn_graph_destroy(g);
    return lanes;
}

// The environment is read once, and what it forces is what NULL goes back to.
static void test_overrides(void **state)
{
    (void) state;
    setenv("PARE_LANES", "32", 1);
    vkc_device *dev = test_device_open(), *other = test_device_open();
    nn_context *context, *again;
    assert_ok(nn_context_get(dev, &context));
    setenv("PARE_LANES", "1", 1);
    assert_ok(nn_context_get(dev, &again));
    assert_ptr_equal(context, again);
    assert_int_equal(lanes_of(dev), 8);
    assert_int_equal(lanes_of(other), 1);           // first used now
    assert_ok(nn_choice_override(dev, "lanes", "1"));
    assert_int_equal(lanes_of(dev), 1);
    assert_ok(nn_choice_override(dev, "lanes", NULL));
    assert_int_equal(lanes_of(dev), 8);
    assert_ok(nn_choice_override(other, "lanes", "32"));
    assert_int_equal(lanes_of(other), 8);
    assert_status(nn_choice_override(dev, "lanes", "2"), VKC_E_ARG);
    assert_status(nn_choice_override(dev, "lane", NULL), VKC_E_ARG);
    assert_int_equal(lanes_of(dev), 8);
    unsetenv("PARE_LANES");
    vkc_device_destroy(other);
    vkc_device_destroy(dev);
}

// A call keeps what it was made under.
static void test_calls_keep(void **state)
{
    (void) state;
    vkc_device *dev = test_device_open();
    nn_graph *g;
    assert_ok(nn_choice_override(dev, "lanes", "32"));
    assert_ok(nn_graph_create(dev, &g));
    nn_tensor *x = nn_graph_input(g, "x", (nn_shape) { 2, { 3, 5 } }, NN_DTYPE_F32, NULL);
    assert_non_null(NN_APPLY0(g, gelu, NULL, x));
    assert_ok(nn_choice_override(dev, "lanes", "1"));
    assert_non_null(NN_APPLY0(g, gelu, NULL, x));
    assert_int_equal(nn_row_lanes(&g->node[0].call, 5), 8);
    assert_int_equal(nn_row_lanes(&g->node[1].call, 5), 1);
    nn_graph_destroy(g);
    vkc_device_destroy(dev);
}

static void test_bad_environment(void **state)
{
    (void) state;
    vkc_device *dev = test_device_open();
    nn_graph *g;
    setenv("PARE_ATTENTION", "quick", 1);
    assert_status(nn_graph_create(dev, &g), VKC_E_ARG);
    assert_non_null(strstr(vkc_last_error(), "PARE_ATTENTION is \"quick\", want tiled or simd"));
    unsetenv("PARE_ATTENTION");
    assert_ok(nn_graph_create(dev, &g));
    nn_graph_destroy(g);
    vkc_device_destroy(dev);
}

static void test_check_beside(void **state)
{
    (void) state;
    vkc_device *dev = test_device_open();
    nn_check *check, *second;
    nn_graph *g;
    assert_ok(nn_choice_override(dev, "lanes", "32"));
    assert_ok(nn_check_create(dev, &(nn_check_params) { .every = 1 }, &check));
    assert_status(nn_check_create(dev, &(nn_check_params) { .every = 1 }, &second), VKC_E_ARG);
    assert_ok(nn_graph_create(dev, &g));
    assert_ptr_equal(g->check, check);
    nn_graph_destroy(g);
    assert_int_equal(lanes_of(dev), 8);
    nn_check_destroy(check);
    assert_ok(nn_graph_create(dev, &g));
    assert_null(g->check);
    nn_graph_destroy(g);
    assert_int_equal(lanes_of(dev), 8);
    vkc_device_destroy(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overrides), cmocka_unit_test(test_calls_keep), cmocka_unit_test(test_bad_environment),
        cmocka_unit_test(test_check_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
