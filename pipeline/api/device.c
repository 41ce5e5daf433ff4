// device.c — devices of the public interface.
#include "pipeline/api/api_impl.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const feature_names[VKC_FEATURE_COUNT] = {
#define X(id, name, text) name,
    VKC_FEATURE_MAP(X)
#undef X
};

static void describe(const vkc_device_info *d, pare_device_info *out)
{
    *out = (pare_device_info) {
        .index = d->index, .subgroup_size = d->subgroup_size, .max_invocations = d->max_invocations,
        .shared_bytes = d->shared_bytes, .max_storage_range = d->max_storage_range, .memory_bytes = d->memory_bytes,
    };
    snprintf(out->name, sizeof out->name, "%s", d->name);
    snprintf(out->driver, sizeof out->driver, "%s", d->driver);
    snprintf(out->driver_info, sizeof out->driver_info, "%s", d->driver_info);
    snprintf(out->api, sizeof out->api, "%s", d->api);
    snprintf(out->uuid, sizeof out->uuid, "%s", d->uuid);
    snprintf(out->type, sizeof out->type, "%s", vkc_device_type_name(d->type));
    for (uint32_t f = 0; f < VKC_FEATURE_COUNT; f++) {
        const size_t len = strlen(out->features);
        if (d->features & 1u << f)
            snprintf(out->features + len, sizeof out->features - len, "%s%s", len ? "," : "", feature_names[f]);
    }
}

pare_status pare_devices(const pare_device_options *options, pare_device_info *out, size_t cap, size_t *n)
{
    pare_device_options o;
    vkc_device_info *list = NULL;
    uint32_t len = 0;
    vkc_status st;
    VKC_TRY(API_WANT(n));
    VKC_TRY(API_TAKE(options, &o));
    if (cap > 0)
        VKC_TRY(API_CHECK(out));
    VKC_TRY(vkc_devices_list(o.disable, &list, &len));
    for (size_t i = 0; i < len && i < cap; i++) {
        pare_device_info info;
        describe(&list[i], &info);
        API_GIVE(&info, (pare_device_info *) (void *) ((unsigned char *) out + i * out->size));
    }
    *n = len;
done:
    free(list);
    return pipeline__api_status(st);
}

static void log_notice(void *device, vkc_log_level level, const char *msg)
{
    const pare_device *d = device;
    d->notice(d->user, level >= VKC_LOG_INFO ? PARE_NOTE : PARE_WARNING, msg);
}

pare_status pare_device_open(const pare_device_options *options, pare_device **out)
{
    pare_device_options o;
    pare_device *d = NULL;
    vkc_status st;
    VKC_TRY(API_WANT(out));
    VKC_TRY(API_TAKE(options, &o));
    d = calloc(1, sizeof *d);
    if (!d) {
        st = VKC_FAIL(VKC_E_NOMEM, "out of host memory");
        goto done;
    }
    d->notice = o.notice;
    d->user = o.user;
    VKC_TRY(vkc_device_create(&(vkc_device_params) {
        .select = o.select, .disable = o.disable, .cache_dir = o.cache_dir, .validate = o.validate != 0,
        .max_memory = o.max_memory, .log = o.notice ? log_notice : NULL, .log_user = d }, &d->vk));
    *out = d;
    d = NULL;
done:
    pare_device_close(d);
    return pipeline__api_status(st);
}

void pare_device_close(pare_device *device)
{
    if (device && !device->is_borrowed)
        vkc_device_destroy(device->vk);
    free(device);
}

vkc_status pipeline_wrap_device(vkc_device *dev, pare_device **out)
{
    pare_device *d = calloc(1, sizeof *d);
    if (!d)
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory");
    *d = (pare_device) { .vk = dev, .is_borrowed = true };
    *out = d;
    return VKC_OK;
}

pare_status pare_device_get_info(const pare_device *device, pare_device_info *out)
{
    pare_device_info info;
    vkc_status st = API_WANT(device);
    if (st == VKC_OK)
        st = API_CHECK(out);
    if (st == VKC_OK) {
        describe(vkc_device_get_info(device->vk), &info);
        API_GIVE(&info, out);
    }
    return pipeline__api_status(st);
}
