// test_vk_select.c — the list of devices, choosing one, features switched off by name.
#include "tests/vk/vk_test.h"
#include "vk/internal.h"

#include <string.h>

// ---- choosing from a made-up list

static const vkc_device_info three[] = {
    { .index = 0, .name = "Acme Ray 9", .uuid = "00010203-0405-0607-0809-0a0b0c0d0e0f", .type = VKC_TYPE_DISCRETE },
    { .index = 1, .name = "Acme Ray 9 Super", .uuid = "10010203-0405-0607-0809-0a0b0c0d0e0f" },
    { .index = 2, .name = "softpipe", .uuid = "20010203-0405-0607-0809-0a0b0c0d0e0f", .type = VKC_TYPE_SOFTWARE },
};

static uint32_t match(const char *select)
{
    uint32_t i = 99;
    assert_ok(vkc__match(select, three, 3, &i));
    return i;
}

static void refuse(const char *select, const char *words)
{
    uint32_t i = 99;
    assert_status(vkc__match(select, three, 3, &i), VKC_E_NODEVICE);
    assert_int_equal(i, 99);
    assert_non_null(strstr(vkc_last_error(), words));
    for (int d = 0; d < 3; d++)
        assert_non_null(strstr(vkc_last_error(), three[d].name));   // lists what there is
}

static void choose_by_index_uuid_name(void **state)
{
    (void) state;
    assert_int_equal(match("0"), 0);
    assert_int_equal(match("2"), 2);
    assert_int_equal(match("10010203-0405-0607-0809-0a0b0c0d0e0f"), 1);
    assert_int_equal(match("20010203-0405-0607-0809-0A0B0C0D0E0F"), 2);
    assert_int_equal(match("SOFT"), 2);
    assert_int_equal(match("super"), 1);
    assert_int_equal(match("acme ray 9"), 0);       // a whole name is not ambiguous
    assert_int_equal(match("9 s"), 1);
    refuse("9", "there is no device 9; these are there: 0: Acme Ray 9");    // a number is an index
    refuse("3", "there is no device 3");
    refuse("4294967296", "there is no device 4294967296");
    assert_int_equal(match("002"), 2);
}

static void refuse_ambiguous_and_unknown(void **state)
{
    (void) state;
    refuse("acme", "could be 2");
    refuse("e", "could be 3");
    refuse("3", "no device");
    refuse("99999999999999999999", "no device");
    refuse("-1", "no device");
    refuse("nonesuch", "nonesuch");
    refuse("00010203", "no device");                // no part of a uuid
}

// Sets a variable, or unsets it; returns a copy of what it was.
static char *swap_env(const char *name, const char *value)
{
    char *was = getenv(name) ? strdup(getenv(name)) : NULL;
    assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
    return was;
}

static void restore_env(const char *name, char *was)
{
    free(swap_env(name, was));
    free(was);
}

static void environment_counts_when_nothing_is_asked(void **state)
{
    (void) state;
    char *was = swap_env("PARE_DEVICE", NULL);
    assert_int_equal(match(NULL), 0);
    assert_int_equal(match(""), 0);
    setenv("PARE_DEVICE", "soft", 1);
    assert_int_equal(match(NULL), 2);
    assert_int_equal(match(""), 2);
    assert_int_equal(match("0"), 0);
    setenv("PARE_DEVICE", "", 1);
    assert_int_equal(match(NULL), 0);
    setenv("PARE_DEVICE", "ray", 1);
    refuse(NULL, "could be 2");
    restore_env("PARE_DEVICE", was);
}

// ---- the devices here

static vkc_device_info *list(const char *disable, uint32_t *n)
{
    vkc_device_info *infos = NULL;
    assert_ok(vkc_devices_list(disable, &infos, n));
    return infos;
}

static void the_list_is_in_order(void **state)
{
    (void) state;
    uint32_t n, n_again;
    vkc_device_info *a = list(NULL, &n), *b = list(NULL, &n_again);
    assert_int_equal(n, n_again);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(a[i].index, i);
        assert_true(i == 0 || a[i - 1].type <= a[i].type);
        assert_string_equal(a[i].uuid, b[i].uuid);
        assert_int_equal(strlen(a[i].uuid), 36);
        assert_true(a[i].name[0] && a[i].driver[0] && a[i].api[0]);
        assert_in_range(a[i].subgroup_size, 1, 128);
        assert_true(a[i].max_storage_range >= 1u << 27);
        assert_true(a[i].shared_bytes >= 16384 && a[i].max_invocations >= 128 && a[i].max_bindings >= 4);
        assert_int_equal(a[i].offset_align & (a[i].offset_align - 1), 0);
    }
    free(a);
    free(b);
}

static void open_by(const char *select, vkc_status want, uint32_t index)
{
    vkc_device *dev = NULL;
    assert_status(vkc_device_create(&(vkc_device_params) { .select = select, .log = test_log }, &dev), want);
    if (want == VKC_OK) {
        assert_int_equal(vkc_device_get_info(dev)->index, index);
        assert_int_equal(vkc_device_validation_count(dev), 0);
    } else {
        assert_null(dev);
    }
    vkc_device_destroy(dev);
}

static void open_each(void **state)
{
    (void) state;
    uint32_t n;
    vkc_device_info *infos = list(NULL, &n);
    for (uint32_t i = 0; i < n; i++) {
        char index[12];
        snprintf(index, sizeof index, "%u", i);
        open_by(index, VKC_OK, i);
        open_by(infos[i].uuid, VKC_OK, i);
    }
    open_by("no such device", VKC_E_NODEVICE, 0);
    free(infos);
}

static void no_driver_no_device(void **state)
{
    (void) state;
    char *files = swap_env("VK_DRIVER_FILES", "/dev/null/driver.json");
    char *old = swap_env("VK_ICD_FILENAMES", "/dev/null/driver.json");
    vkc_device_info *infos = NULL;
    uint32_t n;
    vkc_status st = vkc_devices_list(NULL, &infos, &n);
    restore_env("VK_DRIVER_FILES", files);
    restore_env("VK_ICD_FILENAMES", old);
    assert_status(st, VKC_E_NODEVICE);
    assert_null(infos);
}

static void validation_without_its_layer(void **state)
{
    (void) state;
    char *was = swap_env("VK_LAYER_PATH", "/dev/null/folder");
    vkc_device *dev = NULL;
    vkc_status st = vkc_device_create(&(vkc_device_params) { .validate = true }, &dev);
    restore_env("VK_LAYER_PATH", was);
    assert_status(st, VKC_E_UNSUPPORTED);
    assert_non_null(strstr(vkc_last_error(), "not installed"));
    assert_null(dev);
}

// ---- features

static const struct { const char *name; uint32_t bit; } features[] = {
#define X(id, name, text) { name, VKC_FEATURE_##id },
    VKC_FEATURE_MAP(X)
#undef X
};

static void switch_off_by_name(void **state)
{
    (void) state;
    uint32_t n, m;
    char all[200] = "";
    char *was = swap_env("PARE_DISABLE", NULL);
    vkc_device_info *infos = list(NULL, &n);
    for (size_t f = 0; f < VKC_FEATURE_COUNT; f++) {
        vkc_device_info *without = list(features[f].name, &m);
        assert_int_equal(n, m);
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(without[i].features, infos[i].features & ~features[f].bit);
        free(without);
        strcat(strcat(all, features[f].name), f % 2 ? ", " : ",");
    }
    setenv("PARE_DISABLE", all, 1);
    vkc_device_info *none = list("timestamps", &m);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(none[i].features, 0);
        assert_true(none[i].timestamp_ns <= 0);
    }
    free(none);
    free(infos);

    // A device with nothing but the floor still works.
    vkc_device *dev = test_device_open();
    vkc_buffer *buf;
    uint32_t word = 0;
    assert_int_equal(vkc_device_get_info(dev)->features, 0);
    assert_true(vkc_device_has(dev, 0));
    for (size_t f = 0; f < VKC_FEATURE_COUNT; f++)
        assert_false(vkc_device_has(dev, features[f].bit));
    assert_ok(vkc_buffer_create(dev, VKC_MEM_DEVICE, 16, "word", &buf));
    assert_ok(vkc_fill(dev, vkc_slice_of(buf), 41));
    assert_ok(vkc_read(dev, (vkc_slice) { buf, 12, 4 }, &word));
    assert_int_equal(word, 41);
    vkc_buffer_destroy(buf);
    assert_int_equal(vkc_device_validation_count(dev), 0);
    vkc_device_destroy(dev);
    restore_env("PARE_DISABLE", was);
}

static void unknown_features(void **state)
{
    (void) state;
    vkc_device_info *infos = NULL;
    vkc_device *dev = NULL;
    uint32_t n;
    static const char *const wrong[] = { "nonesuch", "fp16,nonesuch", "subgrou", "subgroups", "FP16" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_status(vkc_devices_list(wrong[i], &infos, &n), VKC_E_ARG);
        assert_status(vkc_device_create(&(vkc_device_params) { .disable = wrong[i] }, &dev), VKC_E_ARG);
    }
    assert_non_null(strstr(vkc_last_error(), "FP16"));
    assert_null(infos);
    assert_null(dev);
    char *was = swap_env("PARE_DISABLE", "rubbish");
    vkc_status st = vkc_devices_list(NULL, &infos, &n);
    restore_env("PARE_DISABLE", was);
    assert_status(st, VKC_E_ARG);
}

int main(void)
{
    vkc_device_destroy(test_device_open());     // skips when there is none
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choose_by_index_uuid_name),
        cmocka_unit_test(refuse_ambiguous_and_unknown),
        cmocka_unit_test(environment_counts_when_nothing_is_asked),
        cmocka_unit_test(the_list_is_in_order),
        cmocka_unit_test(open_each),
        cmocka_unit_test(no_driver_no_device),
        cmocka_unit_test(validation_without_its_layer),
        cmocka_unit_test(switch_off_by_name),
        cmocka_unit_test(unknown_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
