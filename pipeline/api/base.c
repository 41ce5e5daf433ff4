// base.c — statuses, growing structs and callbacks of the public interface.
#include "pipeline/api/api_impl.h"

#include "pipeline/base/version.h"

const char *pare_version(void)
{
    return pipeline_version;
}

const char *pare_last_error(void)
{
    return vkc_last_error();
}

pare_status pipeline__api_status(vkc_status st)
{
    switch (st) {
    case VKC_OK: return PARE_OK;
    case VKC_E_ARG: return PARE_E_ARG;
    case VKC_E_NOMEM:
    case VKC_E_DEVMEM: return PARE_E_MEMORY;
    case VKC_E_NODEVICE: return PARE_E_NODEVICE;
    case VKC_E_UNSUPPORTED: return PARE_E_UNSUPPORTED;
    case VKC_E_LOST: return PARE_E_LOST;
    case VKC_E_IO:
    case VKC_E_FORMAT: return PARE_E_FILE;
    case VKC_E_STOPPED: return PARE_E_STOPPED;
    case VKC_E_CHECK:
    case VKC_STATUS_COUNT: break;
    }
    return PARE_E_CHECK;
}

vkc_status pipeline_unwrap_status(pare_status st)
{
    switch (st) {
    case PARE_OK: return VKC_OK;
    case PARE_E_ARG: return VKC_E_ARG;
    case PARE_E_NODEVICE: return VKC_E_NODEVICE;
    case PARE_E_MEMORY: return VKC_E_NOMEM;
    case PARE_E_LOST: return VKC_E_LOST;
    case PARE_E_FILE: return VKC_E_FORMAT;
    case PARE_E_UNSUPPORTED: return VKC_E_UNSUPPORTED;
    case PARE_E_STOPPED: return VKC_E_STOPPED;
    case PARE_E_CHECK: break;
    }
    return VKC_E_CHECK;
}

static size_t size_of(const void *in)
{
    size_t size;
    memcpy(&size, in, sizeof size);
    return size;
}

vkc_status pipeline__api_check(const char *what, const void *out, size_t least)
{
    if (!out)
        return VKC_FAIL(VKC_E_ARG, "%s: no struct to fill", what);
    if (size_of(out) < least)
        return VKC_FAIL(VKC_E_ARG, "%s: a struct of %zu bytes by its size, want at least %zu: its _default() sets that",
                        what, size_of(out), least);
    return VKC_OK;
}

vkc_status pipeline__api_take(const char *what, const void *in, size_t least, size_t own, void *out)
{
    memset(out, 0, own);
    if (!in)
        return VKC_OK;
    vkc_status st = pipeline__api_check(what, in, least);
    if (st != VKC_OK)
        return st;
    const size_t size = size_of(in);
    memcpy(out, in, size < own ? size : own);
    for (size_t i = own; i < size; i++)
        if (((const unsigned char *) in)[i])
            return VKC_FAIL(VKC_E_ARG, "%s: byte %zu of a struct is set, which is of a later version than %s", what, i,
                            pipeline_version);
    return VKC_OK;
}

void pipeline__api_give(const void *from, size_t own, void *out)
{
    const size_t size = size_of(out), n = size < own ? size : own;
    memcpy((unsigned char *) out + sizeof size, (const unsigned char *) from + sizeof size, n - sizeof size);
}

bool pipeline__api_progress(void *call, const nn_progress *p)
{
    const pare_callbacks *c = &((const pipeline__api_call *) call)->callbacks;
    const pare_progress progress = {
        .size = sizeof progress, .what = p->what, .unit = p->unit ? p->unit : "", .note = p->note ? p->note : "",
        .done = p->done, .total = p->total, .seconds = p->seconds, .left = p->left, .rate = p->rate,
    };
    return !c->progress || c->progress(c->user, &progress) != 0;
}

static void notify(void *call, pipeline_notice kind, const char *sentence)
{
    static const pare_notice kinds[] = {
        [PIPELINE_NOTE] = PARE_NOTE, [PIPELINE_WARNING] = PARE_WARNING, [PIPELINE_FAILURE] = PARE_WARNING,
        [PIPELINE_STARTED] = PARE_STARTED, [PIPELINE_STOPPED] = PARE_KEPT,
    };
    const pare_callbacks *c = &((const pipeline__api_call *) call)->callbacks;
    if (c->notice)
        c->notice(c->user, kinds[kind], sentence);
}

vkc_status pipeline__api_begin(const char *what, const pare_callbacks *callbacks, const pare_device *dev,
                               pipeline__api_call *out)
{
    out->context = (pipeline_context) { .dev = dev ? dev->vk : NULL, .progress = pipeline__api_progress,
                                        .notify = notify, .user = out,
                                        .dash = dev && dev->is_borrowed ? "--" : NULL };     // for the program pare
    out->watch = (nn_compile_watch) { .dev = NULL };
    const vkc_status st = pipeline__api_take(what, callbacks, sizeof *callbacks, sizeof *callbacks, &out->callbacks);
    if (st == VKC_OK && out->callbacks.progress)
        nn_compile_watch_begin(&out->watch, out->context.dev, pipeline__api_progress, out);
    return st;
}

void pipeline__api_end(pipeline__api_call *call)
{
    nn_compile_watch_end(&call->watch);
}
