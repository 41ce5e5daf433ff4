// replay.c — command buffers of a recording: cut by time, submitted, timed.
//
// The first replay is cut into submissions of a few commands, with one kernel in each that has never
// run, each timed by the device (or by the host, where the device has no timestamps). Before the
// second, neighbours are merged as long as their times fit the budget; before the third once more,
// since drivers do much in a first run that never comes again. Times are taken on: where a later
// replay is much longer than the budget, because an indirect launch grew, say, it is cut anew.
#include "vk/replay.h"
#include "vk/clock.h"

#include <stdlib.h>

#define FIRST_CUT 4     // commands in a submission of the first replay
#define TOO_LONG 2      // budgets that one submission may take before it is cut anew
#define SETTLED 2       // replays until the cuts stay as they are
#define LOOK_EVERY 16   // replays, at the least, between looks at the times

void vkc__replay_finish(vkc_recording *rec)
{
    VkDevice vk = rec->dev->vk;
    vkDestroyCommandPool(vk, rec->pool, NULL);
    vkDestroyQueryPool(vk, rec->queries, NULL);
    free(rec->buffers);
    free(rec->cut);
    free(rec->cost_ms);
    free(rec->host_ms);
    rec->pool = VK_NULL_HANDLE;
    rec->queries = VK_NULL_HANDLE;
    rec->buffers = NULL;
    rec->cut = NULL;
    rec->cost_ms = rec->host_ms = NULL;
}

// ---- recording command buffers

static void emit(const vkc_recording *rec, VkCommandBuffer cmd, const vkc__command *c)
{
    if (c->kind == VKC__FILL) {
        vkCmdFillBuffer(cmd, c->dst.buf->vk, c->dst.offset, c->dst.size, c->word);
        return;
    }
    if (c->kind == VKC__COPY) {
        VkBufferCopy region = { .srcOffset = c->src.offset, .dstOffset = c->dst.offset, .size = c->dst.size };
        vkCmdCopyBuffer(cmd, c->src.buf->vk, c->dst.buf->vk, 1, &region);
        return;
    }
    const vkc_kernel *k = c->kernel;
    vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, k->pipeline);
    if (c->set)
        vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, k->layout, 0, 1, &c->set, 0, NULL);
    if (k->params.args_size)
        vkCmdPushConstants(cmd, k->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, (uint32_t) k->params.args_size,
                           rec->args + c->first_arg);
    if (c->indirect.buf)
        vkCmdDispatchIndirect(cmd, c->indirect.buf->vk, c->indirect.offset);
    else
        vkCmdDispatch(cmd, c->groups[0], c->groups[1], c->groups[2]);
}

static void stamp(const vkc_recording *rec, VkCommandBuffer cmd, uint32_t query)
{
    vkCmdWriteTimestamp(cmd, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, rec->queries, query);
}

// Submission s into its command buffer. Queries: with profile, 2 i and 2 i + 1 around order[i]; else
// 2 s and 2 s + 1 around submission s.
static vkc_status record_submission(vkc_recording *rec, uint32_t s)
{
    vkc_device *dev = rec->dev;
    VkCommandBuffer cmd = rec->buffers[s];
    uint32_t begin = rec->cut[s], end = rec->cut[s + 1];
    bool whole = rec->has_queries && !rec->profile, each = rec->has_queries && rec->profile;
    VkCommandBufferBeginInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT,  // replays may queue up
    };
    vkc_status st = vkc__check(dev, vkBeginCommandBuffer(cmd, &info), "recording commands");
    if (st != VKC_OK)
        return st;
    if (each)
        vkCmdResetQueryPool(cmd, rec->queries, 2 * begin, 2 * (end - begin));
    if (whole)
        vkCmdResetQueryPool(cmd, rec->queries, 2 * s, 2);
    vkc__barrier(cmd);      // after whatever was submitted before
    if (whole)
        stamp(rec, cmd, 2 * s);
    for (uint32_t i = begin; i < end; i++) {
        uint32_t c = rec->order[i];
        if (i > begin && (each || rec->level[c] != rec->level[rec->order[i - 1]]))
            vkc__barrier(cmd);
        if (each)
            stamp(rec, cmd, 2 * i);
        emit(rec, cmd, &rec->commands[c]);
        if (each) {
            vkc__barrier(cmd);
            stamp(rec, cmd, 2 * i + 1);
        }
    }
    if (end == rec->n_commands)
        vkc__barrier_host(cmd);
    if (whole)
        stamp(rec, cmd, 2 * s + 1);
    return vkc__check(dev, vkEndCommandBuffer(cmd), "recording commands");
}

// Command buffers for the cuts as they are now.
static vkc_status record_all(vkc_recording *rec)
{
    vkc_device *dev = rec->dev;
    rec->ready = false;
    vkDestroyCommandPool(dev->vk, rec->pool, NULL);
    rec->pool = VK_NULL_HANDLE;
    VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .queueFamilyIndex = dev->queue_family,
    };
    vkc_status st = vkc__check(dev, vkCreateCommandPool(dev->vk, &pool, NULL, &rec->pool), "making a command pool");
    if (st != VKC_OK)
        return st;
    VkCommandBufferAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = rec->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = rec->n_cuts,
    };
    st = vkc__check(dev, vkAllocateCommandBuffers(dev->vk, &info, rec->buffers), "making command buffers");
    for (uint32_t s = 0; s < rec->n_cuts && st == VKC_OK; s++) {
        vkc__name(dev, VK_OBJECT_TYPE_COMMAND_BUFFER, (uint64_t) (uintptr_t) rec->buffers[s], rec->name);
        st = record_submission(rec, s);
    }
    rec->ready = st == VKC_OK;
    return st;
}

// Submissions of a few commands, and at most one kernel that has never run: there a first replay can be stopped.
static void cut_first(vkc_recording *rec)
{
    const uint64_t serial = ++rec->dev->next_list;
    for (uint32_t i = 0; i < rec->n_commands; i++) {
        vkc_kernel *k = (vkc_kernel *) rec->commands[rec->order[i]].kernel;
        const bool is_new = k && !k->has_run && k->listed != serial;
        if (k)
            k->listed = serial;
        if (i == 0 || is_new || i - rec->cut[rec->n_cuts - 1] == FIRST_CUT)
            rec->cut[rec->n_cuts++] = i;
    }
    rec->cut[rec->n_cuts] = (uint32_t) rec->n_commands;
}

vkc_status vkc__replay_init(vkc_recording *rec)
{
    vkc_device *dev = rec->dev;
    uint32_t n = (uint32_t) rec->n_commands;
    if (n == 0) {
        rec->ready = true;
        return VKC_OK;
    }
    rec->cut = calloc((size_t) n + 1, sizeof *rec->cut);
    rec->buffers = calloc(n, sizeof *rec->buffers);     // later cuts are at most one a command
    rec->cost_ms = calloc(n, sizeof *rec->cost_ms);
    rec->host_ms = calloc(n, sizeof *rec->host_ms);
    if (!rec->cut || !rec->buffers || !rec->cost_ms || !rec->host_ms)
        return VKC_FAIL(VKC_E_NOMEM, "recording %s: out of host memory", rec->name);
    cut_first(rec);
    rec->has_queries = vkc_device_has(dev, VKC_FEATURE_TIMESTAMPS);
    if (rec->has_queries) {
        VkQueryPoolCreateInfo info = {
            .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
            .queryType = VK_QUERY_TYPE_TIMESTAMP,
            .queryCount = 2 * n,
        };
        vkc_status st = vkc__check(dev, vkCreateQueryPool(dev->vk, &info, NULL, &rec->queries), "making timestamps");
        if (st != VKC_OK)
            return st;
    }
    return record_all(rec);
}

// ---- measuring and cutting

// Device time between two queries of a replay that is done.
static vkc_status query_ms(vkc_recording *rec, uint32_t from, uint32_t to, double *ms)
{
    vkc_device *dev = rec->dev;
    uint64_t t[2], mask = dev->timestamp_bits < 64 ? (1ull << dev->timestamp_bits) - 1 : UINT64_MAX;
    vkc_status st = VKC_OK;
    for (int i = 0; i < 2 && st == VKC_OK; i++)
        st = vkc__check(dev, vkGetQueryPoolResults(dev->vk, rec->queries, i ? to : from, 1, sizeof t[i], &t[i],
                                                   sizeof t[i], VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT),
                        "reading timestamps");
    if (st == VKC_OK)
        *ms = (double) ((t[1] - t[0]) & mask) * dev->info.timestamp_ns * 1e-6;
    return st;
}

static vkc_status submission_ms(vkc_recording *rec, uint32_t s, double *ms)
{
    if (!rec->has_queries) {
        *ms = rec->host_ms[s];
        return VKC_OK;
    }
    if (rec->profile)
        return query_ms(rec, 2 * rec->cut[s], 2 * rec->cut[s + 1] - 1, ms);
    return query_ms(rec, 2 * s, 2 * s + 1, ms);
}

// Spreads the time of a submission over its commands, in proportion to what they took before.
static void set_cost(vkc_recording *rec, uint32_t s, double ms)
{
    uint32_t begin = rec->cut[s], end = rec->cut[s + 1];
    double before = 0;
    for (uint32_t i = begin; i < end; i++)
        before += rec->cost_ms[i];
    for (uint32_t i = begin; i < end; i++)
        rec->cost_ms[i] = before > 0 ? rec->cost_ms[i] * (ms / before) : ms / (end - begin);
}

static void cut_by_cost(vkc_recording *rec)
{
    double sum = 0;
    rec->n_cuts = 0;
    for (uint32_t i = 0; i < rec->n_commands; i++) {
        if (i == 0 || sum + rec->cost_ms[i] > rec->dev->budget_ms) {
            rec->cut[rec->n_cuts++] = i;
            sum = 0;
        }
        sum += rec->cost_ms[i];
    }
    rec->cut[rec->n_cuts] = (uint32_t) rec->n_commands;
}

// Before a replay: looks at the times of the one before, and cuts anew after the first ones or where
// a submission took too long. A replay still running is left alone, but not for ever.
static vkc_status recut(vkc_recording *rec)
{
    bool early = rec->n_replays <= SETTLED, late = early;
    if (rec->n_replays % LOOK_EVERY != 0 && !early && !vkc_is_done(rec->dev, rec->ticket))
        return VKC_OK;
    vkc_status st = vkc_wait(rec->dev, rec->ticket);
    for (uint32_t s = 0; s < rec->n_cuts && st == VKC_OK; s++) {
        double ms = 0;
        st = submission_ms(rec, s, &ms);
        bool slow = ms > TOO_LONG * rec->dev->budget_ms && rec->cut[s + 1] - rec->cut[s] > 1;
        if (early || slow)
            set_cost(rec, s, ms);
        late |= slow;
    }
    if (st != VKC_OK || !late)
        return st;
    cut_by_cost(rec);
    return record_all(rec);
}

static uint32_t count_new(const vkc_recording *rec)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rec->n_kernels; i++)
        n += !rec->kernels[i]->has_run;
    return n;
}

static void mark_run(vkc_recording *rec, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++) {
        vkc_kernel *k = (vkc_kernel *) rec->commands[rec->order[i]].kernel;
        if (k)
            k->has_run = true;
    }
}

// Waits for submission s, which may have kernels in it that the driver compiles only now.
static vkc_status wait_and_tell(vkc_recording *rec, uint32_t s, vkc__telling *t)
{
    bool is_done = false;
    vkc_status st = VKC_OK;
    while (st == VKC_OK && !is_done) {
        st = vkc__wait_for(rec->dev, VKC__TELL_MS, &is_done);
        if (st == VKC_OK && is_done) {
            mark_run(rec, rec->cut[s], rec->cut[s + 1]);
            t->done = t->total - count_new(rec);
        }
        if (st == VKC_OK)
            st = vkc__tell(t);
    }
    return st;
}

vkc_status vkc_submit(vkc_recording *rec, uint64_t *ticket)
{
    vkc_device *dev = rec->dev;
    vkc_status st = vkc__check_alive(dev);
    if (st != VKC_OK)
        return st;
    if (!rec->ready)
        return VKC_FAIL(VKC_E_ARG, "recording %s: submitted before it was finished", rec->name);
    if (rec->n_replays > 0 && rec->n_cuts > 0)
        st = recut(rec);
    // Without timestamps the host times a replay now and then by waiting for each submission.
    bool timed = !rec->has_queries && (rec->n_replays < SETTLED || rec->n_replays % LOOK_EVERY == 0);
    vkc__telling telling = { .dev = dev, .total = dev->on_compile ? count_new(rec) : 0 };
    for (uint32_t s = 0; s < rec->n_cuts && st == VKC_OK; s++) {
        double began = vkc_seconds();
        st = vkc__submit(dev, rec->buffers[s]);
        rec->ticket = dev->submitted;       // also when a later submission fails
        if (st == VKC_OK && telling.total)
            st = wait_and_tell(rec, s, &telling);
        else if (st == VKC_OK && timed)
            st = vkc_wait(dev, 0);
        rec->host_ms[s] = timed ? (vkc_seconds() - began) * 1e3 : 0;
    }
    if (st != VKC_OK)
        return st;
    if (rec->n_replays++ == 0)
        mark_run(rec, 0, (uint32_t) rec->n_commands);
    if (ticket)
        *ticket = dev->submitted;
    return VKC_OK;
}

vkc_status vkc_recording_get_total(vkc_recording *rec, double *ms)
{
    if (!rec->has_queries)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "recording %s: the device has no timestamps", rec->name);
    if (rec->n_replays == 0)
        return VKC_FAIL(VKC_E_ARG, "recording %s: no time before a replay", rec->name);
    vkc_status st = vkc_wait(rec->dev, rec->ticket);
    double sum = 0.0;
    for (uint32_t s = 0; s < rec->n_cuts && st == VKC_OK; s++) {
        double one = 0.0;
        st = submission_ms(rec, s, &one);
        sum += one;
    }
    if (st == VKC_OK)
        *ms = sum;
    return st;
}

vkc_status vkc_recording_get_time(vkc_recording *rec, uint32_t i, const char **kernel, double *ms)
{
    if (!rec->profile || !rec->has_queries)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "recording %s: not profiled, or the device has no timestamps", rec->name);
    if (i >= rec->n_dispatches || rec->n_replays == 0)
        return VKC_FAIL(VKC_E_ARG, "recording %s: no time for dispatch %u of %u before a replay", rec->name, i,
                        rec->n_dispatches);
    vkc_status st = vkc_wait(rec->dev, rec->ticket);
    uint32_t c = 0, place = 0;
    while (rec->commands[c].kind != VKC__DISPATCH || i-- > 0)
        c++;
    while (rec->order[place] != c)
        place++;
    if (st == VKC_OK)
        st = query_ms(rec, 2 * place, 2 * place + 1, ms);
    if (st == VKC_OK && kernel)
        *kernel = vkc_kernel_name(rec->commands[c].kernel);
    return st;
}
