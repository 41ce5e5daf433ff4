// cmd_devices.c — pare devices: what is here, which would be used, what each can do.
#include "apps/cli/core/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct devices_args { common_args common; } devices_args;

static const char *const feature_names[VKC_FEATURE_COUNT] = {
#define X(id, name, text) name,
    VKC_FEATURE_MAP(X)
#undef X
};

static json_t *build_features(const vkc_device_info *d)
{
    json_t *list = json_array();
    for (uint32_t f = 0; f < VKC_FEATURE_COUNT; f++)
        if (d->features & 1u << f)
            json_array_append_new(list, json_string(feature_names[f]));
    return list;
}

static json_t *build_device(const vkc_device_info *d, bool is_used)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:I, s:o, s:b}", "index", (int) d->index,
                     "name", d->name, "type", vkc_device_type_name(d->type), "driver", d->driver, "driver_info",
                     d->driver_info, "api", d->api, "uuid", d->uuid, "subgroup_size", (int) d->subgroup_size,
                     "shared_bytes", (int) d->shared_bytes, "max_invocations", (int) d->max_invocations,
                     "max_storage_range", (json_int_t) d->max_storage_range, "memory_bytes",
                     (json_int_t) d->memory_bytes, "features", build_features(d), "used", (int) is_used);
}

static void print_device(const vkc_device_info *d, bool is_used)
{
    printf("%u  %s%s\n", d->index, d->name, is_used ? "  <- would be used" : "");
    printf("   %s, %s %s, Vulkan %s, uuid %s\n", vkc_device_type_name(d->type), d->driver, d->driver_info, d->api,
           d->uuid);
    printf("   %.1f GiB, subgroups of %u, workgroups of %u, %u KiB shared, %.0f MiB at once\n",
           (double) d->memory_bytes / (1 << 30), d->subgroup_size, d->max_invocations, d->shared_bytes / 1024,
           (double) d->max_storage_range / (1 << 20));
    printf("   ");
    const char *separator = "";
    for (uint32_t f = 0; f < VKC_FEATURE_COUNT; f++) {
        if (d->features & 1u << f) {
            printf("%s%s", separator, feature_names[f]);
            separator = ", ";
        }
    }
    puts(*separator ? "" : "no optional features");
}

// The device that --device or PARE_DEVICE picks; opening it is how a choice is judged.
static vkc_status find_used(const common_args *c, uint32_t *index)
{
    vkc_device *dev = NULL;
    vkc_device_params p = { .select = c->device, .disable = c->disable, .cache_dir = "", .log = console_log };
    vkc_status st = vkc_device_create(&p, &dev);
    if (st == VKC_OK)
        *index = vkc_device_get_info(dev)->index;
    vkc_device_destroy(dev);
    return st;
}

static vkc_status run(const void *options, const args_words *words)
{
    (void) words;
    const common_args *c = &((const devices_args *) options)->common;
    vkc_device_info *list = NULL;
    uint32_t n = 0, used = 0;
    vkc_status st = vkc_devices_list(c->disable, &list, &n);
    if (st == VKC_OK)
        st = find_used(c, &used);
    if (st == VKC_OK && c->json) {
        json_t *devices = json_array();
        for (uint32_t i = 0; i < n; i++)
            json_array_append_new(devices, build_device(&list[i], i == used));
        st = app_print_json(json_pack("{s:o}", "devices", devices));
    } else if (st == VKC_OK) {
        for (uint32_t i = 0; i < n; i++)
            print_device(&list[i], i == used);
    }
    free(list);
    return st;
}

static const arg table[] = { { 0 } };
static const devices_args defaults = { 0 };
const command cmd_devices = {
    .name = "devices", .help = "what is here, which device would be used, what each can do", .usage = "",
    .table = table, .defaults = &defaults, .options_size = sizeof defaults, .run = run,
};
