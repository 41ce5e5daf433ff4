// runner.c — host memory of a graph's inputs and outputs, copies around its recording, the replay.
#include "nn/graph/runner.h"

#include <stdlib.h>
#include <string.h>

#include "nn/graph/check.h"
#include "nn/graph/finite.h"
#include "vk/clock.h"

#define OUTPUT_ALIGN 16u            // bytes, of an output in host memory: any number type may be read there

typedef struct input {
    const nn_tensor *t;
    bool        is_live;            // host[0] is that of every slot
    vkc_buffer *host[NN_RUNNER_SLOTS];
} input;

typedef struct output {
    vkc_slice src;                  // size 0 = nothing
    uint32_t  buffer;               // in which of host
    size_t    offset;
} output;

struct nn_runner {
    nn_graph   *graph;
    vkc_device *dev;
    uint32_t    slots;
    input      *in;                 // those a slot, then the live ones
    uint32_t    n_in, n_live;
    output     *out;
    uint32_t    n_out;
    vkc_buffer **host;              // of the outputs
    uint32_t    n_host;
    vkc_buffer *counters;           // of watched tensors; NULL without
    vkc_recording *copy[NN_RUNNER_SLOTS];       // of the inputs, where there is more than one slot
    vkc_recording *rec;
    bool        is_recording;       // a hook may add outputs
    uint64_t    ticket;
};

// ---- inputs

static vkc_status add_inputs(nn_runner *r, nn_tensor *const *list, uint32_t n, bool is_live)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!list[i])
            continue;
        const char *name = nn_input_name(list[i]);
        if (!name[0])
            return VKC_FAIL(VKC_E_ARG, "runner: a tensor that is no input of a graph");
        if (nn_runner_input_size(r, name))
            return VKC_FAIL(VKC_E_ARG, "runner: two inputs are called %s", name);
        r->in[r->n_in + r->n_live] = (input) { .t = list[i], .is_live = is_live };
        *(is_live ? &r->n_live : &r->n_in) += 1;
    }
    return VKC_OK;
}

// Its host memory in a slot, and the copy from there at the front of a recording.
static vkc_status make_input(nn_runner *r, input *in, uint32_t slot, vkc_recording *rec)
{
    const vkc_slice to = nn_tensor_slice(in->t);
    const uint32_t k = in->is_live ? 0 : slot;
    if (!in->host[k]) {
        vkc_status st = vkc_buffer_create(r->dev, VKC_MEM_UPLOAD, to.size, nn_input_name(in->t), &in->host[k]);
        if (st != VKC_OK)
            return st;
        memset(vkc_buffer_map(in->host[k]), 0, to.size);
    }
    return vkc_record_copy(rec, to, (vkc_slice) { in->host[k], 0, to.size });
}

// One slot is copied from in the recording itself; of several each has a recording that goes before it.
static vkc_status make_slots(nn_runner *r)
{
    vkc_status st = VKC_OK;
    for (uint32_t s = 0; s < r->slots; s++) {
        vkc_recording *rec = r->rec;
        if (r->slots > 1) {
            VKC_TRY(vkc_recording_create(r->dev, &(vkc_recording_params) { .name = "copy in" }, &r->copy[s]));
            rec = r->copy[s];
        }
        for (uint32_t i = 0; i < r->n_in + r->n_live; i++)
            VKC_TRY(make_input(r, &r->in[i], s, rec));
        if (r->slots > 1)
            VKC_TRY(vkc_recording_finish(rec));
    }
done:
    return st;
}

static const input *find_input(const nn_runner *r, const char *name)
{
    for (uint32_t i = 0; i < r->n_in + r->n_live; i++)
        if (strcmp(nn_input_name(r->in[i].t), name) == 0)
            return &r->in[i];
    return NULL;
}

void *nn_runner_input(const nn_runner *r, uint32_t slot, const char *name)
{
    const input *in = find_input(r, name);
    return in ? vkc_buffer_map(in->host[in->is_live ? 0 : slot]) : NULL;
}

size_t nn_runner_input_size(const nn_runner *r, const char *name)
{
    const input *in = find_input(r, name);
    return in ? nn_tensor_slice(in->t).size : 0;
}

uint32_t nn_runner_n_inputs(const nn_runner *r)
{
    return r->n_in;
}

const nn_tensor *nn_runner_input_tensor(const nn_runner *r, uint32_t i)
{
    return r->in[i].t;
}

// ---- outputs

static vkc_status add_output(nn_runner *r, vkc_slice src)
{
    output *grown = (output *) realloc(r->out, (r->n_out + 1) * sizeof *grown);
    if (!grown)
        return VKC_FAIL(VKC_E_NOMEM, "runner: out of host memory");
    r->out = grown;
    r->out[r->n_out++] = (output) { .src = src };
    return VKC_OK;
}

vkc_status nn_runner_add_output(nn_runner *r, vkc_slice src)
{
    return r->is_recording ? add_output(r, src) : VKC_FAIL(VKC_E_ARG, "runner: it is too late for another output");
}

static vkc_status make_host(nn_runner *r, size_t size)
{
    vkc_buffer **grown = (vkc_buffer **) realloc(r->host, (r->n_host + 1) * sizeof(vkc_buffer *));
    if (!grown)
        return VKC_FAIL(VKC_E_NOMEM, "runner: out of host memory");
    r->host = grown;
    const vkc_status st = vkc_buffer_create(r->dev, VKC_MEM_READBACK, size, "outputs, host", &r->host[r->n_host]);
    r->n_host += st == VKC_OK;
    return st;
}

// Outputs one behind the other in blocks; what is larger has a buffer of its own.
static vkc_status record_outputs(nn_runner *r)
{
    const size_t most = vkc_block_size(r->dev);
    vkc_status st = VKC_OK;
    for (uint32_t first = 0, end; first < r->n_out; first = end) {
        size_t size = 0;
        for (end = first; end < r->n_out && (end == first || size + r->out[end].src.size <= most); end++) {
            r->out[end].buffer = r->n_host;
            r->out[end].offset = size;
            size += (r->out[end].src.size + OUTPUT_ALIGN - 1) / OUTPUT_ALIGN * OUTPUT_ALIGN;
        }
        if (size == 0)
            continue;
        VKC_TRY(make_host(r, size));
        for (uint32_t i = first; i < end; i++)
            if (r->out[i].src.size)
                VKC_TRY(vkc_record_copy(r->rec, (vkc_slice) { r->host[r->out[i].buffer], r->out[i].offset,
                                                              r->out[i].src.size }, r->out[i].src));
    }
done:
    return st;
}

static vkc_status record_counters(nn_runner *r)
{
    const size_t size = nn_finite_size(r->graph);
    if (!size)
        return VKC_OK;
    vkc_status st = vkc_buffer_create(r->dev, VKC_MEM_READBACK, size, "counters, host", &r->counters);
    return st == VKC_OK ? nn_finite_record(r->graph, r->rec, (vkc_slice) { r->counters, 0, size }) : st;
}

const void *nn_runner_output(const nn_runner *r, uint32_t i)
{
    const output *o = &r->out[i];
    return o->src.size ? (const char *) vkc_buffer_map(r->host[o->buffer]) + o->offset : NULL;
}

// ---- made and freed

static vkc_status build(nn_runner *r, const nn_runner_params *p)
{
    vkc_status st;
    for (uint32_t i = 0; i < p->n_outputs; i++)
        nn_graph_keep(r->graph, p->outputs[i]);
    VKC_TRY(nn_graph_plan(r->graph));
    VKC_TRY(add_inputs(r, p->inputs, p->n_inputs, false));
    VKC_TRY(add_inputs(r, p->live, p->n_live, true));
    for (uint32_t i = 0; i < p->n_outputs; i++)
        VKC_TRY(add_output(r, p->outputs[i] ? nn_tensor_slice(p->outputs[i]) : (vkc_slice) { 0 }));
    VKC_TRY(vkc_recording_create(r->dev, &(vkc_recording_params) { .name = p->name, .profile = p->profile }, &r->rec));
    VKC_TRY(make_slots(r));
    r->is_recording = true;
    if (p->before)
        VKC_TRY(p->before(p->user, r, r->rec));
    VKC_TRY(nn_graph_record(r->graph, r->rec));
    if (p->after)
        VKC_TRY(p->after(p->user, r, r->rec));
    r->is_recording = false;
    VKC_TRY(record_outputs(r));
    VKC_TRY(record_counters(r));
    VKC_TRY(vkc_recording_finish(r->rec));
done:
    return st;
}

vkc_status nn_runner_create(const nn_runner_params *p, nn_runner **out)
{
    if (p->slots > NN_RUNNER_SLOTS)
        return VKC_FAIL(VKC_E_ARG, "runner: %u slots, at most %d", p->slots, NN_RUNNER_SLOTS);
    nn_runner *r = (nn_runner *) calloc(1, sizeof *r);
    if (r)
        r->in = (input *) calloc((size_t) p->n_inputs + p->n_live + 1, sizeof *r->in);
    if (!r || !r->in) {
        free(r);
        return VKC_FAIL(VKC_E_NOMEM, "runner: out of host memory");
    }
    r->graph = p->graph;
    r->dev = nn_graph_device(p->graph);
    r->slots = p->slots ? p->slots : 1;
    const vkc_status st = build(r, p);
    if (st == VKC_OK)
        *out = r;
    else
        nn_runner_destroy(r);
    return st;
}

void nn_runner_destroy(nn_runner *r)
{
    if (!r)
        return;
    vkc_recording_destroy(r->rec);
    for (uint32_t s = 0; s < NN_RUNNER_SLOTS; s++)
        vkc_recording_destroy(r->copy[s]);
    for (uint32_t i = 0; i < r->n_in + r->n_live; i++)
        for (uint32_t s = 0; s < NN_RUNNER_SLOTS; s++)
            vkc_buffer_destroy(r->in[i].host[s]);
    for (uint32_t i = 0; i < r->n_host; i++)
        vkc_buffer_destroy(r->host[i]);
    vkc_buffer_destroy(r->counters);
    free(r->host);
    free(r->out);
    free(r->in);
    free(r);
}

// ---- replays

vkc_status nn_runner_submit(nn_runner *r, uint32_t slot)
{
    vkc_status st = r->slots > 1 ? vkc_submit(r->copy[slot], NULL) : VKC_OK;
    if (st == VKC_OK)
        st = nn_check_before(r->graph);
    return st == VKC_OK ? vkc_submit(r->rec, &r->ticket) : st;
}

vkc_status nn_runner_wait(nn_runner *r)
{
    return vkc_wait(r->dev, r->ticket);
}

vkc_status nn_runner_check(const nn_runner *r, const char *when)
{
    const vkc_status st = nn_check_after(r->graph, when);
    return st == VKC_OK && r->counters ? nn_finite_check(r->graph, vkc_buffer_map(r->counters), when) : st;
}

bool nn_runner_is_watched(const nn_runner *r)
{
    return r->counters != NULL;
}

vkc_status nn_runner_run(nn_runner *r, const char *when)
{
    vkc_status st = nn_runner_submit(r, 0);
    if (st == VKC_OK)
        st = nn_runner_wait(r);
    return st == VKC_OK ? nn_runner_check(r, when) : st;
}

vkc_status nn_runner_repeat(nn_runner *r, double *seconds)
{
    const double start = vkc_seconds();
    vkc_status st = r->slots > 1 ? vkc_submit(r->copy[0], NULL) : VKC_OK;
    if (st == VKC_OK)
        st = vkc_submit(r->rec, &r->ticket);
    if (st == VKC_OK)
        st = nn_runner_wait(r);
    *seconds = vkc_seconds() - start;
    return st;
}

vkc_recording *nn_runner_recording(nn_runner *r)
{
    return r->rec;
}

vkc_status nn_runner_compare(nn_runner *r, const char *when)
{
    const vkc_status st = nn_check_before(r->graph);
    return st == VKC_OK ? nn_runner_check(r, when) : st;
}
