// compile.c — pipelines made by threads of the device, one a core, in the order they were asked for.
//
// A pipeline cache is synchronised by the driver unless it was made otherwise, and what else a thread touches (the
// module, the pipeline) is its own. All that threads share with those who wait is behind the compiler's lock.
#include "vk/compile/compile.h"
#include "vk/clock.h"
#include "vk/headroom.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define TELL_AFTER 1.0              // seconds
#define TELL_EVERY 0.1
#define THREAD_MIB 96u              // of address space: its stack, what it allocates from

VkResult vkc__pipeline_make(vkc_device *dev, vkc_kernel *k)
{
    VkSpecializationMapEntry entries[1 + VKC_MAX_SPEC];
    uint32_t n = 0;
    for (uint32_t i = 0; i <= VKC_MAX_SPEC; i++)
        if (k->values[i] && (k->spec_mask & (1u << i)))
            entries[n++] = (VkSpecializationMapEntry) { .constantID = i, .offset = 4 * i, .size = 4 };
    VkSpecializationInfo spec = {
        .mapEntryCount = n,
        .pMapEntries = entries,
        .dataSize = sizeof k->values,
        .pData = k->values,
    };
    VkShaderModuleCreateInfo code = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = 4 * k->params.shader->n_words,
        .pCode = k->params.shader->words,
    };
    VkShaderModule module = VK_NULL_HANDLE;
    VkResult res = vkCreateShaderModule(dev->vk, &code, NULL, &module);
    if (res != VK_SUCCESS)
        return res;
    VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage = VK_SHADER_STAGE_COMPUTE_BIT,
            .module = module,
            .pName = "main",
            .pSpecializationInfo = &spec,
        },
        .layout = k->layout,
    };
    res = vkCreateComputePipelines(dev->vk, dev->cache, 1, &info, NULL, &k->pipeline);
    vkDestroyShaderModule(dev->vk, module, NULL);
    if (res == VK_SUCCESS)
        vkc__name(dev, VK_OBJECT_TYPE_PIPELINE, (uint64_t) k->pipeline, k->params.shader->name);
    return res;
}

// ---- threads

// The lock is held before and after, not while the kernel is made.
static void make(vkc_device *dev, vkc_kernel *k)
{
    vkc__compiler *c = &dev->compiler;
    pthread_mutex_unlock(&c->lock);
    const VkResult res = c->make(dev, k);
    pthread_mutex_lock(&c->lock);
    k->result = res;
    k->is_made = true;
    dev->cache_dirty |= res == VK_SUCCESS;
    pthread_cond_broadcast(&c->made);
}

static void *run(void *user)
{
    vkc_device *dev = user;
    vkc__compiler *c = &dev->compiler;
    pthread_mutex_lock(&c->lock);
    while (!c->is_ending) {
        vkc_kernel *k = c->first;
        if (!k) {
            c->n_idle++;
            pthread_cond_wait(&c->asked, &c->lock);
            c->n_idle--;
            continue;
        }
        c->first = k->queued;
        make(dev, k);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static uint32_t most_threads(void)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > VKC__COMPILE_THREADS ? VKC__COMPILE_THREADS : (uint32_t) cores;
}

vkc_status vkc__compile_init(vkc_device *dev)
{
    vkc__compiler *c = &dev->compiler;
    c->make = vkc__pipeline_make;
    c->most = most_threads();
    dev->tell_after = TELL_AFTER;
    dev->tell_every = TELL_EVERY;
    if (pthread_mutex_init(&c->lock, NULL) != 0)
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory while opening a device");
    if (pthread_cond_init(&c->asked, NULL) != 0) {
        pthread_mutex_destroy(&c->lock);
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory while opening a device");
    }
    if (pthread_cond_init(&c->made, NULL) != 0) {
        pthread_cond_destroy(&c->asked);
        pthread_mutex_destroy(&c->lock);
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory while opening a device");
    }
    c->is_there = true;
    return VKC_OK;
}

void vkc__compile_finish(vkc_device *dev)
{
    vkc__compiler *c = &dev->compiler;
    if (!c->is_there)
        return;
    pthread_mutex_lock(&c->lock);
    c->is_ending = true;
    pthread_cond_broadcast(&c->asked);
    pthread_mutex_unlock(&c->lock);
    for (uint32_t i = 0; i < c->n_threads; i++)
        pthread_join(c->thread[i], NULL);
    pthread_cond_destroy(&c->made);
    pthread_cond_destroy(&c->asked);
    pthread_mutex_destroy(&c->lock);
    c->is_there = false;
}

// For one thread more, while all the others compile?
static bool has_room(const vkc__compiler *c)
{
    return vkc__headroom_has(VKC__COMPILE_MIB * (c->n_threads + 1) + THREAD_MIB);
}

// Where none can be started the caller compiles.
static void start_thread(vkc_device *dev)
{
    vkc__compiler *c = &dev->compiler;
    if (c->n_idle == 0 && c->n_threads < c->most && has_room(c) &&
        pthread_create(&c->thread[c->n_threads], NULL, run, dev) == 0)
        c->n_threads++;
}

void vkc__compile(vkc_device *dev, vkc_kernel *k)
{
    vkc__compiler *c = &dev->compiler;
    pthread_mutex_lock(&c->lock);
    start_thread(dev);
    k->is_made = false;
    k->queued = NULL;
    if (c->n_threads == 0) {
        make(dev, k);
    } else {
        vkc_kernel **end = &c->first;
        while (*end)
            end = &(*end)->queued;
        *end = k;
        pthread_cond_signal(&c->asked);
    }
    pthread_mutex_unlock(&c->lock);
}

// ---- waiting

vkc_status vkc__tell(vkc__telling *t)
{
    const vkc_device *dev = t->dev;
    const double now = vkc_seconds();
    if (t->start <= 0.0)
        t->start = now;
    if (!dev->on_compile || now - t->start < dev->tell_after || now - t->last < dev->tell_every)
        return VKC_OK;
    t->last = now;
    if (dev->on_compile(dev->on_compile_user, t->done, t->total, now - t->start))
        return VKC_OK;
    return VKC_FAIL(VKC_E_STOPPED, "stopped after %u of %u kernels were compiled", t->done, t->total);
}

// A while, or until a kernel is made. The lock is held.
static void wait_a_while(vkc__compiler *c)
{
    struct timespec until;
    timespec_get(&until, TIME_UTC);
    until.tv_nsec += VKC__TELL_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_cond_timedwait(&c->made, &c->lock, &until);
}

vkc_status vkc__compile_wait(vkc_device *dev, vkc_kernel *const *kernels, uint32_t n)
{
    vkc__compiler *c = &dev->compiler;
    vkc__telling t = { .dev = dev, .total = n };
    vkc_status st = VKC_OK;
    VkResult res = VK_SUCCESS;
    const char *name = "";
    pthread_mutex_lock(&c->lock);
    for (;;) {
        t.done = 0;
        for (uint32_t i = 0; i < n && res == VK_SUCCESS; i++) {
            t.done += kernels[i]->is_made;
            if (kernels[i]->is_made && kernels[i]->result != VK_SUCCESS) {
                res = kernels[i]->result;
                name = kernels[i]->params.shader->name;
            }
        }
        if (t.done == n || res != VK_SUCCESS)
            break;
        pthread_mutex_unlock(&c->lock);     // whoever is told may take his time
        st = vkc__tell(&t);
        pthread_mutex_lock(&c->lock);
        if (st != VKC_OK)
            break;
        wait_a_while(c);
    }
    pthread_mutex_unlock(&c->lock);
    if (st != VKC_OK || res == VK_SUCCESS)
        return st;
    char what[160];
    snprintf(what, sizeof what, "compiling kernel %s", name);
    return vkc__check(dev, res, what);
}
