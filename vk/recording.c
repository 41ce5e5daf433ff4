// recording.c — append commands, order them by hazards, bind their buffers.
#include "vk/replay.h"

#include <stdlib.h>
#include <string.h>

#define TEXEL 16        // bytes of a vec4

// Room for `more` elements beyond n.
static vkc_status grow(void **array, size_t *cap, size_t n, size_t more, size_t size)
{
    if (n + more <= *cap)
        return VKC_OK;
    size_t want = 2 * *cap + more + 16;
    void *p = realloc(*array, want * size);
    if (!p)
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory while recording");
    *array = p;
    *cap = want;
    return VKC_OK;
}

vkc_status vkc_recording_create(vkc_device *dev, const vkc_recording_params *params, vkc_recording **out)
{
    vkc_status st = vkc__check_alive(dev);
    if (st != VKC_OK)
        return st;
    const char *name = params && params->name ? params->name : "recording";
    vkc_recording *rec = calloc(1, sizeof *rec);
    char *copy = malloc(strlen(name) + 1);
    if (!rec || !copy) {
        free(rec);
        free(copy);
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory while making recording %s", name);
    }
    rec->dev = dev;
    rec->name = strcpy(copy, name);
    rec->profile = params && params->profile;
    *out = rec;
    return VKC_OK;
}

void vkc_recording_destroy(vkc_recording *rec)
{
    if (!rec)
        return;
    if (rec->ticket && vkc_wait(rec->dev, rec->ticket) != VKC_OK)
        vkDeviceWaitIdle(rec->dev->vk);     // lost: nothing may be in use when it is freed
    vkc__replay_finish(rec);
    vkDestroyDescriptorPool(rec->dev->vk, rec->sets, NULL);
    for (size_t i = 0; rec->views && i < rec->n_binds; i++)
        vkDestroyBufferView(rec->dev->vk, rec->views[i], NULL);
    free(rec->views);
    free(rec->commands);
    free(rec->binds);
    free(rec->args);
    free(rec->accesses);
    free(rec->level);
    free(rec->order);
    free(rec->kernels);
    free(rec->name);
    free(rec);
}

// ---- appending

static vkc_status start(vkc_recording *rec, vkc__command **cmd)
{
    vkc_status st = vkc__check_alive(rec->dev);
    if (st != VKC_OK)
        return st;
    if (rec->finished)
        return VKC_FAIL(VKC_E_ARG, "recording %s: already finished", rec->name);
    VKC_TRY(grow((void **) &rec->commands, &rec->cap_commands, rec->n_commands, 1, sizeof *rec->commands));
    VKC_TRY(grow((void **) &rec->binds, &rec->cap_binds, rec->n_binds, VKC_MAX_BIND, sizeof *rec->binds));
    VKC_TRY(grow((void **) &rec->args, &rec->cap_args, rec->n_args, 32, sizeof *rec->args));
    VKC_TRY(grow((void **) &rec->accesses, &rec->cap_accesses, rec->n_accesses, VKC_MAX_BIND + 1,
                 sizeof *rec->accesses));
    *cmd = &rec->commands[rec->n_commands];
    **cmd = (vkc__command) { .first_bind = rec->n_binds, .first_arg = rec->n_args };
done:
    return st;
}

// A serial number above the bits of a size gives each buffer its own addresses.
static void add_access(vkc_recording *rec, size_t *n, vkc_slice s, uint32_t mode)
{
    uint64_t base = s.buf->serial << (VKC__BUFFER_BITS + 1);
    rec->accesses[(*n)++] = (vkc__access) {
        .begin = base + s.offset, .end = base + s.offset + s.size, .command = (uint32_t) rec->n_commands, .mode = mode,
    };
}

static vkc_status check_bind(vkc_recording *rec, const vkc_kernel *k, uint32_t i, vkc_slice s)
{
    const vkc_device_info *info = &rec->dev->info;
    vkc_status st = vkc__slice_check(rec->dev, s, k->params.shader->name);
    if (st != VKC_OK)
        return VKC_WRAP(st, "binding %u of %s", i, vkc_last_error());
    if (s.size == 0 || s.offset % info->offset_align)
        return VKC_FAIL(VKC_E_ARG, "%s: binding %u is %zu bytes at offset %zu, want at least 1 at a multiple of %u",
                        k->params.shader->name, i, s.size, s.offset, info->offset_align);
    if (s.size > info->max_storage_range)
        return VKC_FAIL(VKC_E_ARG, "%s: binding %u is %zu bytes, but %s binds at most %llu at once "
                        "(maxStorageBufferRange)", k->params.shader->name, i, s.size, info->name,
                        (unsigned long long) info->max_storage_range);
    if ((k->texels & (1u << i)) && (s.size < TEXEL || s.size / TEXEL > info->max_texels))
        return VKC_FAIL(VKC_E_ARG, "%s: binding %u is %zu bytes, but a samplerBuffer takes %d to %llu",
                        k->params.shader->name, i, s.size, TEXEL, (unsigned long long) TEXEL * info->max_texels);
    return VKC_OK;
}

static vkc_status check_groups(vkc_recording *rec, const vkc_dispatch *d, vkc__command *cmd)
{
    const char *name = d->kernel->params.shader->name;
    if (d->indirect.buf) {
        vkc_status st = vkc__slice_check(rec->dev, d->indirect, name);
        if (st == VKC_OK && (d->indirect.size < 12 || d->indirect.offset % 4))
            st = VKC_FAIL(VKC_E_ARG, "%s: indirect group counts need 12 bytes at a multiple of 4", name);
        cmd->indirect = d->indirect;
        cmd->indirect.size = 12;
        return st;
    }
    for (int i = 0; i < 3; i++) {
        cmd->groups[i] = d->groups[i] ? d->groups[i] : 1;
        if (cmd->groups[i] > rec->dev->info.max_groups[i])
            return VKC_FAIL(VKC_E_ARG, "%s: %u groups along axis %d, but the device takes at most %u", name,
                            cmd->groups[i], i, rec->dev->info.max_groups[i]);
    }
    return VKC_OK;
}

vkc_status vkc_record_dispatch(vkc_recording *rec, const vkc_dispatch *d)
{
    vkc__command *cmd = NULL;
    vkc_status st = start(rec, &cmd);
    if (st != VKC_OK)
        return st;
    const vkc_kernel *k = d->kernel;
    if (!k)
        return VKC_FAIL(VKC_E_ARG, "recording %s: a dispatch without a kernel", rec->name);
    if (k->params.args_size && !d->args)
        return VKC_FAIL(VKC_E_ARG, "%s: no args, want %zu bytes", k->params.shader->name, k->params.args_size);
    if ((st = check_groups(rec, d, cmd)) != VKC_OK)
        return st;
    size_t n = rec->n_accesses;
    for (uint32_t i = 0; i < k->n_bindings; i++) {
        if (!k->access[i])
            continue;
        if ((st = check_bind(rec, k, i, d->bind[i])) != VKC_OK)
            return st;
        add_access(rec, &n, d->bind[i], k->access[i]);
    }
    if (cmd->indirect.buf)
        add_access(rec, &n, cmd->indirect, VKC_ACCESS_READ);
    cmd->kind = VKC__DISPATCH;
    cmd->kernel = k;
    memcpy(rec->binds + rec->n_binds, d->bind, k->n_bindings * sizeof *d->bind);
    if (k->params.args_size)
        memcpy(rec->args + rec->n_args, d->args, k->params.args_size);
    rec->n_binds += k->n_bindings;
    rec->n_args += k->params.args_size / 4;
    rec->n_accesses = n;
    rec->n_commands++;
    rec->n_dispatches++;
    return VKC_OK;
}

vkc_status vkc_record_fill(vkc_recording *rec, vkc_slice dst, uint32_t word)
{
    vkc__command *cmd = NULL;
    vkc_status st = start(rec, &cmd);
    if (st == VKC_OK)
        st = vkc__slice_check(rec->dev, dst, "fill");
    if (st != VKC_OK)
        return st;
    if (dst.offset % 4 || dst.size % 4)
        return VKC_FAIL(VKC_E_ARG, "fill: offset %zu and size %zu must be multiples of 4", dst.offset, dst.size);
    if (dst.size == 0)
        return VKC_OK;
    cmd->kind = VKC__FILL;
    cmd->dst = dst;
    cmd->word = word;
    add_access(rec, &rec->n_accesses, dst, VKC_ACCESS_WRITE);
    rec->n_commands++;
    return VKC_OK;
}

vkc_status vkc_record_copy(vkc_recording *rec, vkc_slice dst, vkc_slice src)
{
    vkc__command *cmd = NULL;
    vkc_status st = start(rec, &cmd);
    if (st == VKC_OK)
        st = vkc__slice_check(rec->dev, dst, "copy, target");
    if (st == VKC_OK)
        st = vkc__slice_check(rec->dev, src, "copy, source");
    if (st != VKC_OK)
        return st;
    if (dst.size != src.size)
        return VKC_FAIL(VKC_E_ARG, "copy: %zu bytes into %zu", src.size, dst.size);
    if (dst.buf == src.buf && dst.offset < src.offset + src.size && src.offset < dst.offset + dst.size)
        return VKC_FAIL(VKC_E_ARG, "copy: source and target overlap");
    if (dst.size == 0)
        return VKC_OK;
    cmd->kind = VKC__COPY;
    cmd->dst = dst;
    cmd->src = src;
    add_access(rec, &rec->n_accesses, src, VKC_ACCESS_READ);
    add_access(rec, &rec->n_accesses, dst, VKC_ACCESS_WRITE);
    rec->n_commands++;
    return VKC_OK;
}

// ---- finishing

// order[] = commands by level, program order within a level (a counting sort).
static vkc_status sort_by_level(vkc_recording *rec)
{
    uint32_t *start_of = calloc((size_t) rec->n_levels + 1, sizeof *start_of);
    if (!start_of)
        return VKC_FAIL(VKC_E_NOMEM, "recording %s: out of host memory", rec->name);
    for (size_t c = 0; c < rec->n_commands; c++)
        start_of[rec->level[c] + 1]++;
    for (uint32_t l = 0; l < rec->n_levels; l++)
        start_of[l + 1] += start_of[l];
    for (uint32_t c = 0; c < rec->n_commands; c++)
        rec->order[start_of[rec->level[c]]++] = c;
    free(start_of);
    return VKC_OK;
}

// Views for the samplerBuffers of a dispatch: whole vec4 of the slice.
static vkc_status make_views(vkc_recording *rec, const vkc__command *cmd)
{
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < cmd->kernel->n_bindings && st == VKC_OK; i++) {
        if (!(cmd->kernel->texels & (1u << i)))
            continue;
        vkc_slice s = rec->binds[cmd->first_bind + i];
        VkBufferViewCreateInfo info = {
            .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
            .buffer = s.buf->vk,
            .format = VK_FORMAT_R32G32B32A32_SFLOAT,
            .offset = s.offset,
            .range = s.size / TEXEL * TEXEL,
        };
        st = vkc__check(rec->dev, vkCreateBufferView(rec->dev->vk, &info, NULL, &rec->views[cmd->first_bind + i]),
                        "making a buffer view");
    }
    return st;
}

static void write_set(vkc_recording *rec, const vkc__command *cmd)
{
    VkDescriptorBufferInfo buffers[VKC_MAX_BIND];
    VkWriteDescriptorSet writes[VKC_MAX_BIND];
    uint32_t n = 0;
    for (uint32_t i = 0; i < cmd->kernel->n_bindings; i++) {
        if (!cmd->kernel->access[i])
            continue;
        vkc_slice s = rec->binds[cmd->first_bind + i];
        buffers[n] = (VkDescriptorBufferInfo) { .buffer = s.buf->vk, .offset = s.offset, .range = s.size };
        writes[n] = (VkWriteDescriptorSet) {
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = cmd->set,
            .dstBinding = i,
            .descriptorCount = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .pBufferInfo = &buffers[n],
        };
        if (cmd->kernel->texels & (1u << i)) {
            writes[n].descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
            writes[n].pTexelBufferView = &rec->views[cmd->first_bind + i];
        }
        n++;
    }
    vkUpdateDescriptorSets(rec->dev->vk, n, writes, 0, NULL);
}

static vkc_status make_sets(vkc_recording *rec)
{
    vkc_device *dev = rec->dev;
    VkDescriptorPoolSize sizes[2] = {       // room for either kind
        { .type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = (uint32_t) rec->n_binds },
        { .type = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, .descriptorCount = (uint32_t) rec->n_binds },
    };
    VkDescriptorPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = rec->n_dispatches,
        .poolSizeCount = 2,
        .pPoolSizes = sizes,
    };
    if (rec->n_binds == 0)
        return VKC_OK;
    rec->views = calloc(rec->n_binds, sizeof *rec->views);
    if (!rec->views)
        return VKC_FAIL(VKC_E_NOMEM, "recording %s: out of host memory", rec->name);
    vkc_status st = vkc__check(dev, vkCreateDescriptorPool(dev->vk, &pool, NULL, &rec->sets), "making a set pool");
    for (size_t c = 0; c < rec->n_commands && st == VKC_OK; c++) {
        vkc__command *cmd = &rec->commands[c];
        if (cmd->kind != VKC__DISPATCH || cmd->kernel->n_bindings == 0)
            continue;
        VkDescriptorSetAllocateInfo info = {
            .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
            .descriptorPool = rec->sets,
            .descriptorSetCount = 1,
            .pSetLayouts = &cmd->kernel->set_layout,
        };
        st = vkc__check(dev, vkAllocateDescriptorSets(dev->vk, &info, &cmd->set), "allocating a set");
        if (st == VKC_OK)
            st = make_views(rec, cmd);
        if (st == VKC_OK)
            write_set(rec, cmd);
    }
    return st;
}

static vkc_status list_kernels(vkc_recording *rec)
{
    const uint64_t serial = ++rec->dev->next_list;
    rec->kernels = calloc((size_t) rec->n_dispatches + 1, sizeof *rec->kernels);
    if (!rec->kernels)
        return VKC_FAIL(VKC_E_NOMEM, "recording %s: out of host memory", rec->name);
    for (size_t c = 0; c < rec->n_commands; c++) {
        vkc_kernel *k = (vkc_kernel *) rec->commands[c].kernel;     // the device's own, of which callers see a const
        if (k && k->listed != serial)
            rec->kernels[rec->n_kernels++] = k;
        if (k)
            k->listed = serial;
    }
    return VKC_OK;
}

vkc_status vkc_recording_finish(vkc_recording *rec)
{
    vkc_status st = vkc__check_alive(rec->dev);
    if (st != VKC_OK)
        return st;
    if (rec->finished)
        return VKC_FAIL(VKC_E_ARG, "recording %s: already finished", rec->name);
    rec->finished = true;
    rec->level = calloc(rec->n_commands + 1, sizeof *rec->level);
    rec->order = calloc(rec->n_commands + 1, sizeof *rec->order);
    if (!rec->level || !rec->order)
        return VKC_FAIL(VKC_E_NOMEM, "recording %s: out of host memory", rec->name);
    VKC_TRY(vkc__levels_get(rec->accesses, rec->n_accesses, (uint32_t) rec->n_commands, rec->level, &rec->n_levels));
    VKC_TRY(sort_by_level(rec));
    VKC_TRY(list_kernels(rec));
    VKC_TRY(make_sets(rec));
    VKC_TRY(vkc__compile_wait(rec->dev, rec->kernels, rec->n_kernels));
    VKC_TRY(vkc__replay_init(rec));
done:
    return st;
}

vkc_recording_info vkc_recording_get_info(const vkc_recording *rec)
{
    return (vkc_recording_info) {
        .n_dispatches = rec->n_dispatches, .n_levels = rec->n_levels, .n_submissions = rec->n_cuts,
        .is_profiled = rec->profile,
    };
}

static bool is_like(const vkc_recording *a, const vkc__command *x, const vkc_recording *b, const vkc__command *y)
{
    if (x->kind != y->kind || x->kernel != y->kernel || x->word != y->word || x->dst.size != y->dst.size ||
        memcmp(x->groups, y->groups, sizeof x->groups) != 0 || !x->indirect.buf != !y->indirect.buf)
        return false;
    if (!x->kernel)
        return true;
    for (uint32_t i = 0; i < x->kernel->n_bindings; i++)
        if (a->binds[x->first_bind + i].size != b->binds[y->first_bind + i].size)
            return false;
    size_t size = x->kernel->params.args_size;
    return size == 0 || memcmp(a->args + x->first_arg, b->args + y->first_arg, size) == 0;
}

bool vkc_recording_is_like(const vkc_recording *a, const vkc_recording *b)
{
    if (a->n_commands != b->n_commands)
        return false;
    for (size_t i = 0; i < a->n_commands; i++)
        if (!is_like(a, &a->commands[i], b, &b->commands[i]))
            return false;
    return true;
}
