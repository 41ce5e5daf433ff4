// kernel.c — kernels, one for each shader and specialisation; their pipelines are made by compile.c.
#include "vk/compile/compile.h"
#include "vk/headroom.h"
#include "vk/compile/spirv.h"

#include <stdlib.h>
#include <string.h>

static bool same(const vkc_kernel_params *a, const vkc_kernel_params *b)
{
    return a->shader == b->shader && a->wg == b->wg && a->args_size == b->args_size &&
           memcmp(a->spec, b->spec, sizeof a->spec) == 0;
}

static void kernel_destroy(vkc_device *dev, vkc_kernel *k)
{
    vkDestroyPipeline(dev->vk, k->pipeline, NULL);
    vkDestroyPipelineLayout(dev->vk, k->layout, NULL);
    vkDestroyDescriptorSetLayout(dev->vk, k->set_layout, NULL);
    free(k);
}

void vkc__kernels_finish(vkc_device *dev)
{
    while (dev->kernels) {
        vkc_kernel *next = dev->kernels->next;
        kernel_destroy(dev, dev->kernels);
        dev->kernels = next;
    }
}

// Can this device run the shader as specialised?
static vkc_status check_limits(const vkc_device *dev, const vkc_kernel_params *p, const vkc__spirv_info *s)
{
    const char *name = p->shader->name;
    const VkPhysicalDeviceLimits *l = &dev->limits;
    uint64_t all = (uint64_t) s->local_size[0] * s->local_size[1] * s->local_size[2];
    uint32_t missing = s->features & ~dev->info.features, n_buffers = 0;
    for (uint32_t i = 0; i < s->n_bindings; i++)
        n_buffers += s->access[i] != 0;
    if (p->args_size != s->push_size)
        return VKC_FAIL(VKC_E_ARG, "kernel %s: args of %zu bytes, but the shader has %u", name, p->args_size,
                        s->push_size);
    if (p->args_size % 4 || p->args_size > 128)
        return VKC_FAIL(VKC_E_ARG, "kernel %s: args of %zu bytes, want a multiple of 4 up to 128", name,
                        p->args_size);
    if (p->wg && s->local_size[0] != p->wg)
        return VKC_FAIL(VKC_E_ARG, "kernel %s: workgroup of %u asked for, but its size is fixed at %u", name, p->wg,
                        s->local_size[0]);
    for (int i = 0; i < 3; i++)
        if (s->local_size[i] > l->maxComputeWorkGroupSize[i] || all > l->maxComputeWorkGroupInvocations)
            return VKC_FAIL(VKC_E_ARG, "kernel %s: workgroup of %u x %u x %u, but the device takes at most %u", name,
                            s->local_size[0], s->local_size[1], s->local_size[2],
                            l->maxComputeWorkGroupInvocations);
    if (s->shared_bytes > l->maxComputeSharedMemorySize)
        return VKC_FAIL(VKC_E_ARG, "kernel %s: %u bytes of shared memory, but the device has %u", name,
                        s->shared_bytes, l->maxComputeSharedMemorySize);
    if (n_buffers > dev->info.max_bindings)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "kernel %s: %u buffers, but the device binds at most %u", name,
                        n_buffers, dev->info.max_bindings);
    if (missing)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "kernel %s: needs features this device lacks or has off (mask %#x)", name,
                        missing);
    return VKC_OK;
}

static vkc_status make_layouts(vkc_device *dev, vkc_kernel *k)
{
    VkDescriptorSetLayoutBinding bindings[VKC_MAX_BIND];
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->n_bindings; i++)
        if (k->access[i])
            bindings[n++] = (VkDescriptorSetLayoutBinding) {
                .binding = i,
                .descriptorType = k->texels & (1u << i) ? VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER
                                                        : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                .descriptorCount = 1,
                .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
            };
    VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = n,
        .pBindings = bindings,
    };
    vkc_status st = vkc__check(dev, vkCreateDescriptorSetLayout(dev->vk, &set, NULL, &k->set_layout),
                               "making a set layout");
    if (st != VKC_OK)
        return st;
    VkPushConstantRange push = {
        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        .size = (uint32_t) k->params.args_size,
    };
    VkPipelineLayoutCreateInfo layout = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &k->set_layout,
        .pushConstantRangeCount = push.size ? 1 : 0,
        .pPushConstantRanges = &push,
    };
    return vkc__check(dev, vkCreatePipelineLayout(dev->vk, &layout, NULL, &k->layout), "making a pipeline layout");
}

// One that could not be made, for lack of memory perhaps, is tried anew.
static vkc_status again(vkc_device *dev, vkc_kernel *k)
{
    pthread_mutex_lock(&dev->compiler.lock);
    const bool is_bad = k->is_made && k->result != VK_SUCCESS;
    pthread_mutex_unlock(&dev->compiler.lock);
    if (is_bad)
        vkc__compile(dev, k);
    return VKC_OK;
}

vkc_status vkc_kernel_get(vkc_device *dev, const vkc_kernel_params *params, const vkc_kernel **out)
{
    vkc_status st = vkc__check_alive(dev);
    if (st != VKC_OK)
        return st;
    if (!params->shader)
        return VKC_FAIL(VKC_E_ARG, "kernel: no shader");
    for (vkc_kernel *k = dev->kernels; k; k = k->next)
        if (same(&k->params, params)) {
            *out = k;
            return again(dev, k);
        }

    if (dev->stopped && dev->stopped())
        return VKC_FAIL(VKC_E_STOPPED, "stopped while compiling kernels");
    st = vkc__headroom_check("compiling a kernel", VKC__COMPILE_MIB, 0);
    if (st != VKC_OK)
        return st;
    uint32_t values[1 + VKC_MAX_SPEC] = { params->wg };
    memcpy(values + 1, params->spec, sizeof params->spec);
    vkc__spirv_info info;
    vkc_kernel *k = NULL;
    VKC_TRY(vkc__spirv_get(params->shader, values, 1 + VKC_MAX_SPEC, &info));
    VKC_TRY(check_limits(dev, params, &info));
    k = calloc(1, sizeof *k);
    if (!k) {
        st = VKC_FAIL(VKC_E_NOMEM, "kernel %s: out of host memory", params->shader->name);
        goto done;
    }
    k->params = *params;
    k->n_bindings = info.n_bindings;
    k->wg = values[0] = info.local_size[0];     // id 0 is always specialised
    memcpy(k->values, values, sizeof k->values);
    k->spec_mask = info.spec_mask;
    memcpy(k->access, info.access, sizeof k->access);
    k->texels = info.texels;
    VKC_TRY(make_layouts(dev, k));
    k->next = dev->kernels;
    dev->kernels = k;
    vkc__compile(dev, k);
    *out = k, k = NULL;
done:
    if (k)
        kernel_destroy(dev, k);
    return st;
}

uint32_t vkc_kernel_bindings(const vkc_kernel *k)
{
    return k->n_bindings;
}

vkc_access vkc_kernel_access(const vkc_kernel *k, uint32_t binding)
{
    return (vkc_access) (binding < k->n_bindings ? k->access[binding] : 0);
}

uint32_t vkc_kernel_wg(const vkc_kernel *k)
{
    return k->wg;
}

const char *vkc_kernel_name(const vkc_kernel *k)
{
    return k->params.shader->name;
}
