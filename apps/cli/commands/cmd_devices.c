// cmd_devices.c — pare devices: the devices found, which one is used by default, their features.
#include "apps/cli/core/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"

typedef struct devices_args { common_args common; } devices_args;

static json_t *build_features(const pare_device_info *d)
{
    json_t *list = json_array();
    for (const char *at = d->features; *at;) {
        const size_t len = strcspn(at, ",");
        nn_json_append_new(list, json_stringn(at, len));
        at += len + (at[len] == ',');
    }
    return list;
}

static json_t *build_device(const pare_device_info *d, bool is_used)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:I, s:o, s:b}", "index", (int) d->index,
                     "name", d->name, "type", d->type, "driver", d->driver, "driver_info", d->driver_info, "api",
                     d->api, "uuid", d->uuid, "subgroup_size", (int) d->subgroup_size, "shared_bytes",
                     (int) d->shared_bytes, "max_invocations", (int) d->max_invocations, "max_storage_range",
                     (json_int_t) d->max_storage_range, "memory_bytes", (json_int_t) d->memory_bytes, "features",
                     build_features(d), "used", (int) is_used);
}

static void print_device(const pare_device_info *d, bool is_used)
{
    printf("%u  %s%s\n", d->index, d->name, is_used ? "  <- would be used" : "");
    printf("   %s, %s %s, Vulkan %s, uuid %s\n", d->type, d->driver, d->driver_info, d->api, d->uuid);
    printf("   %.1f GiB, subgroups of %u, workgroups of %u, %u KiB shared, %.0f MiB at once\n",
           (double) d->memory_bytes / (1 << 30), d->subgroup_size, d->max_invocations, d->shared_bytes / 1024,
           (double) d->max_storage_range / (1 << 20));
    printf("   ");
    for (const char *at = d->features; *at; at++)
        fputs(*at == ',' ? ", " : (const char[]) { *at, '\0' }, stdout);
    puts(*d->features ? "" : "no optional features");
}

#define USUAL 16                    // devices, for which one look is enough

static vkc_status list_devices(const pare_device_options *o, pare_device_info **out, size_t *n)
{
    vkc_status st = VKC_OK;
    *n = 0;
    for (size_t cap = 0; st == VKC_OK && (cap == 0 || cap < *n);) {
        cap = cap == 0 ? USUAL : *n;
        free(*out);
        *out = calloc(cap, sizeof **out);
        if (!*out)
            return VKC_FAIL(VKC_E_NOMEM, "out of host memory");
        for (size_t i = 0; i < cap; i++)
            (*out)[i] = pare_device_info_default();
        st = pipeline_unwrap_status(pare_devices(o, *out, cap, n));
    }
    return st;
}

static void log_notice(void *user, pare_notice kind, const char *sentence)
{
    console_log(user, kind == PARE_WARNING ? VKC_LOG_WARN : VKC_LOG_INFO, sentence);
}

// The device that --device or PARE_DEVICE picks; opening it is how a choice is judged.
static vkc_status find_used(const pare_device_options *o, uint32_t *index)
{
    pare_device *dev = NULL;
    pare_device_info info = pare_device_info_default();
    pare_status st = pare_device_open(o, &dev);
    if (st == PARE_OK)
        st = pare_device_get_info(dev, &info);
    *index = info.index;
    pare_device_close(dev);
    return pipeline_unwrap_status(st);
}

static vkc_status run(const void *options, const args_words *words)
{
    (void) words;
    const common_args *c = &((const devices_args *) options)->common;
    pare_device_options o = pare_device_options_default();
    pare_device_info *list = NULL;
    size_t n = 0;
    uint32_t used = 0;
    o.select = c->device;
    o.disable = c->disable;
    o.cache_dir = "";
    o.notice = log_notice;
    vkc_status st = list_devices(&o, &list, &n);
    if (st == VKC_OK)
        st = find_used(&o, &used);
    if (st == VKC_OK && c->json) {
        json_t *devices = json_array();
        for (size_t i = 0; i < n; i++)
            nn_json_append_new(devices, build_device(&list[i], i == used));
        st = app_print_json(json_pack("{s:o}", "devices", devices));
    } else if (st == VKC_OK) {
        for (size_t i = 0; i < n; i++)
            print_device(&list[i], i == used);
    }
    free(list);
    return st;
}

static const arg table[] = { { 0 } };
static const devices_args defaults = { 0 };
const command cmd_devices = {
    .name = "devices", .help = "list Vulkan devices, their features and the default", .usage = "",
    .table = table, .defaults = &defaults, .options_size = sizeof defaults, .uses = COMMAND_DEVICE | COMMAND_JSON,
    .run = run,
};
