// context.c — the context of a device: made on first use, freed with the device.
#include "nn/graph/choose/choose.h"

#include <stdlib.h>

vkc_status nn_context_get(vkc_device *dev, nn_context **out)
{
    *out = (nn_context *) vkc_device_get_user(dev);
    if (*out)
        return VKC_OK;
    nn_context *c = (nn_context *) calloc(1, sizeof *c);
    vkc_status st = c ? nn_forced_read(&c->environment) : VKC_FAIL(VKC_E_NOMEM, "context: out of host memory");
    if (st != VKC_OK) {
        free(c);
        return st;
    }
    c->forced = c->environment;
    vkc_device_set_user(dev, c, free);
    *out = c;
    return VKC_OK;
}
