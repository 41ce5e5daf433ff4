// test_vk_kernel.c — kernels: found again, specialised, refused in words beyond the device's limits.
#include "tests/vk/vk_test.h"
#include "tests/vk/vk_add.h"
#include "vk/compile/compile.h"

#include <string.h>

static void same_params_same_kernel(void **state)
{
    vkc_device *dev = *state;
    vkc_kernel_params p = { .shader = &vkc_shader_add_fwd, .args_size = sizeof(struct add_args) };
    const vkc_kernel *a, *b, *c;
    assert_ok(vkc_kernel_get(dev, &p, &a));
    assert_ok(vkc_kernel_get(dev, &p, &b));
    assert_ptr_equal(a, b);
    p.wg = 32;
    assert_ok(vkc_kernel_get(dev, &p, &c));
    assert_ptr_not_equal(a, c);
    assert_int_equal(vkc_kernel_wg(a), 64);
    assert_int_equal(vkc_kernel_wg(c), 32);
    assert_string_equal(vkc_kernel_name(c), "add_fwd");
    assert_int_equal(vkc_kernel_bindings(c), 4);
    assert_int_equal(vkc_kernel_access(c, 2), VKC_ACCESS_WRITE);
    assert_int_equal(vkc_kernel_access(c, 4), 0);
    assert_int_equal(vkc_kernel_access(c, 400), 0);
}

static void refuse(vkc_device *dev, const vkc_kernel_params *p, vkc_status want, const char *words)
{
    const vkc_kernel *k = NULL;
    assert_status(vkc_kernel_get(dev, p, &k), want);
    assert_null(k);
    if (!strstr(vkc_last_error(), words))
        fail_msg("\"%s\" lacks \"%s\"", vkc_last_error(), words);
}

static void wrong_params(void **state)
{
    vkc_device *dev = *state;
    vkc_kernel_params p = { .shader = &vkc_shader_add_fwd, .args_size = 12 };
    refuse(dev, &p, VKC_E_ARG, "add_fwd: args of 12 bytes, but the shader has 8");
    p.args_size = 0;
    refuse(dev, &p, VKC_E_ARG, "args of 0 bytes");
    p.args_size = 8;
    p.wg = vkc_device_get_info(dev)->max_invocations + 1;
    refuse(dev, &p, VKC_E_ARG, "workgroup");
    p.wg = UINT32_MAX;
    refuse(dev, &p, VKC_E_ARG, "workgroup");
    p.shader = NULL;
    refuse(dev, &p, VKC_E_ARG, "no shader");
    uint32_t words[] = { 1, 2, 3 };
    refuse(dev, &(vkc_kernel_params) { .shader = &(vkc_shader) { "rubbish", words, 3 } }, VKC_E_FORMAT, "rubbish");
}

// A device with lower limits than this one.
static void lowered_limits(void **state)
{
    (void) state;
    vkc_device *dev = test_device_open();
    vkc_kernel_params p = { .shader = &vkc_shader_add_fwd, .args_size = 8 };
    dev->info.max_bindings = 3;
    refuse(dev, &p, VKC_E_UNSUPPORTED, "4 buffers, but the device binds at most 3");
    dev->info.max_bindings = 4;
    dev->limits.maxComputeWorkGroupInvocations = 32;
    refuse(dev, &p, VKC_E_ARG, "workgroup of 64 x 1 x 1, but the device takes at most 32");
    p.wg = 32;
    const vkc_kernel *k;
    assert_ok(vkc_kernel_get(dev, &p, &k));
    assert_int_equal(vkc_device_validation_count(dev), 0);
    vkc_device_destroy(dev);
}

// Every embedded kernel as it stands, where it fits the device at its default workgroup.
static void every_kernel_compiles(void **state)
{
    vkc_device *dev = *state;
    for (const vkc_shader *const *s = vkc_shader_all; *s; s++) {
        const vkc_kernel *k = NULL;
        vkc_kernel_params p = { .shader = *s };
        vkc_status st = VKC_E_ARG;
        for (; st == VKC_E_ARG && p.args_size <= 128; p.args_size += 4)
            st = vkc_kernel_get(dev, &p, &k);
        if (st == VKC_E_UNSUPPORTED && strstr(vkc_last_error(), "features"))
            continue;       // a rung above this device
        assert_ok(st);
        assert_true(vkc_kernel_bindings(k) > 0);
        assert_ok(vkc__compile_wait(dev, (vkc_kernel *[]) { (vkc_kernel *) k }, 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_params_same_kernel),
        cmocka_unit_test(wrong_params),
        cmocka_unit_test(lowered_limits),
        cmocka_unit_test(every_kernel_compiles),
    };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
