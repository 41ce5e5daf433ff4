// stepper.c — record a training step once, replay it on alternating input slots.
#include "nn/train/stepper.h"

#include <stdio.h>
#include <stdlib.h>

#include "nn/train/stepper_impl.h"

// Trained parameters in a row become one range: AdamW then touches nothing else.
static vkc_status find_ranges(nn_stepper *s)
{
    const nn_params *ps = s->p.params;
    nn_adamw_block *r = (nn_adamw_block *) calloc(ps->n ? ps->n : 1, sizeof *r);
    uint32_t *order = (uint32_t *) malloc((ps->n ? ps->n : 1) * sizeof *order);
    if (!r || !order) {
        free(r);
        free(order);
        return VKC_FAIL(VKC_E_NOMEM, "stepper: out of host memory");
    }
    for (uint32_t i = 0; i < ps->n; i++) {      // by place in memory
        uint32_t k = i;
        for (; k > 0; k--) {
            const nn_param *a = &ps->p[order[k - 1]], *b = &ps->p[i];
            if (a->block < b->block || (a->block == b->block && a->offset < b->offset))
                break;
            order[k] = order[k - 1];
        }
        order[k] = i;
    }
    uint32_t n = 0, block = UINT32_MAX;
    size_t end = 0;
    for (uint32_t k = 0; k < ps->n; k++) {
        const nn_param *p = &ps->p[order[k]];
        if (!nn_graph_is_trained(s->p.graph, ps, order[k]))
            continue;
        size_t size = vkc_align(s->p.dev, nn_shape_bytes(&p->shape, p->dtype));
        if (p->block != block || p->offset != end) {
            block = p->block;
            r[n++].params = (vkc_slice) { ps->value[block], p->offset, 0 };
        }
        end = p->offset + size;
        r[n - 1].params.size += size;
        if (p->decay)
            r[n - 1].decay_len += size / sizeof(float);     // what is trained is fp32
        s->trained[order[k]] = true;
    }
    free(order);
    s->range = r;
    s->n_ranges = n;
    return n ? VKC_OK : VKC_FAIL(VKC_E_ARG, "stepper: the losses reach no trained parameter");
}

// Moments lie in buffers that mirror the parameter blocks.
static vkc_status make_moments(nn_stepper *s)
{
    const nn_params *ps = s->p.params;
    vkc_status st = VKC_OK;
    for (uint32_t b = 0; b < ps->n_blocks && st == VKC_OK; b++) {
        for (int k = 0; k < 2 && st == VKC_OK; k++) {
            st = vkc_buffer_create(s->p.dev, VKC_MEM_DEVICE, ps->block_size[b], k ? "moment v" : "moment m",
                                   &s->moment[k][b]);
            if (st == VKC_OK)
                st = vkc_fill(s->p.dev, vkc_slice_of(s->moment[k][b]), 0);
        }
        if (st == VKC_OK && s->p.adamw.ema > 0)
            st = vkc_buffer_create(s->p.dev, VKC_MEM_DEVICE, ps->block_size[b], "average", &s->average[b]);
    }
    for (uint32_t i = 0; i < s->n_ranges && st == VKC_OK; i++) {
        nn_adamw_block *r = &s->range[i];
        uint32_t b = 0;
        while (ps->value[b] != r->params.buf)
            b++;
        r->grads = (vkc_slice) { ps->grad[b], r->params.offset, r->params.size };
        r->m = (vkc_slice) { s->moment[0][b], r->params.offset, r->params.size };
        r->v = (vkc_slice) { s->moment[1][b], r->params.offset, r->params.size };
        if (s->average[b])
            r->average = (vkc_slice) { s->average[b], r->params.offset, r->params.size };
    }
    return st;
}

// The graph is planned: what is trained is known, and its gradients start at 0.
static vkc_status record_before(void *user, nn_runner *r, vkc_recording *rec)
{
    nn_stepper *s = (nn_stepper *) user;
    vkc_status st;
    (void) r;
    VKC_TRY(find_ranges(s));
    VKC_TRY(make_moments(s));
    VKC_TRY(nn_adamw_create(s->p.dev, &s->p.adamw, s->range, s->n_ranges, &s->opt));
    st = nn_adamw_record_clear(s->opt, rec);
done:
    return st;
}

static vkc_slice norm_of(const nn_stepper *s)
{
    const vkc_slice norm = nn_adamw_get_norm(s->opt);
    return (vkc_slice) { norm.buf, norm.offset, sizeof(float) };
}

// Without an exchange the optimiser goes on where the backward pass ends, its norm read back behind the losses.
static vkc_status record_after(void *user, nn_runner *r, vkc_recording *rec)
{
    nn_stepper *s = (nn_stepper *) user;
    if (s->p.exchange)
        return VKC_OK;
    const vkc_status st = nn_adamw_record(s->opt, rec);
    return st == VKC_OK ? nn_runner_add_output(r, norm_of(s)) : st;
}

// With one it has a recording of its own.
static vkc_status record_update(nn_stepper *s)
{
    vkc_status st;
    s->grad = (vkc_slice *) calloc(s->n_ranges, sizeof *s->grad);
    if (!s->grad)
        return VKC_FAIL(VKC_E_NOMEM, "stepper: out of host memory");
    for (uint32_t i = 0; i < s->n_ranges; i++)
        s->grad[i] = s->range[i].grads;
    const vkc_recording_params p = { .name = "update", .profile = s->p.profile };
    VKC_TRY(vkc_buffer_create(s->p.dev, VKC_MEM_READBACK, sizeof(float), "norm, host", &s->norm));
    VKC_TRY(vkc_recording_create(s->p.dev, &p, &s->update));
    VKC_TRY(nn_adamw_record(s->opt, s->update));
    VKC_TRY(vkc_record_copy(s->update, (vkc_slice) { s->norm, 0, sizeof(float) }, norm_of(s)));
    VKC_TRY(vkc_recording_finish(s->update));
done:
    return st;
}

static vkc_status make_lengths(nn_stepper *s)
{
    for (uint32_t i = 0; i < NN_STEPPER_SLOTS && s->p.has_lengths; i++) {
        s->lengths[i] = (uint32_t *) calloc(s->p.batch->samples->cap_images, sizeof *s->lengths[i]);
        if (!s->lengths[i])
            return VKC_FAIL(VKC_E_NOMEM, "stepper: out of host memory");
    }
    return VKC_OK;
}

static vkc_status build(nn_stepper *s)
{
    vkc_status st = make_lengths(s);
    if (st == VKC_OK)
        st = nn_runner_create(&(nn_runner_params) {
            .graph = s->p.graph, .name = "step", .inputs = s->p.inputs, .n_inputs = s->p.n_inputs, .live = s->p.live,
            .n_live = s->p.n_live, .slots = NN_STEPPER_SLOTS, .outputs = s->p.watch, .n_outputs = s->p.n_watch,
            .before = record_before, .after = record_after, .user = s, .profile = s->p.profile,
        }, &s->run);
    return st == VKC_OK && s->p.exchange ? record_update(s) : st;
}

vkc_status nn_stepper_create(const nn_stepper_params *p, nn_stepper **out)
{
    if (p->n_watch > NN_MAX_LOSSES)
        return VKC_FAIL(VKC_E_ARG, "stepper: more than %d losses to watch", NN_MAX_LOSSES);
    nn_stepper *s = (nn_stepper *) calloc(1, sizeof *s);
    if (s)
        s->trained = (bool *) calloc(p->params->n ? p->params->n : 1, sizeof *s->trained);
    if (!s || !s->trained) {
        free(s);
        return VKC_FAIL(VKC_E_NOMEM, "stepper: out of host memory");
    }
    s->p = *p;
    vkc_status st = build(s);
    if (st != VKC_OK) {
        nn_stepper_destroy(s);
        return st;
    }
    s->p.inputs = s->p.live = s->p.watch = NULL;        // the caller's lists may go
    *out = s;
    return VKC_OK;
}

void nn_stepper_destroy(nn_stepper *s)
{
    if (!s)
        return;
    nn_runner_destroy(s->run);
    vkc_recording_destroy(s->update);
    nn_adamw_destroy(s->opt);
    for (uint32_t b = 0; b < NN_MAX_BLOCKS; b++) {
        vkc_buffer_destroy(s->moment[0][b]);
        vkc_buffer_destroy(s->moment[1][b]);
        vkc_buffer_destroy(s->average[b]);
    }
    vkc_buffer_destroy(s->norm);
    for (uint32_t i = 0; i < NN_STEPPER_SLOTS; i++)
        free(s->lengths[i]);
    free(s->grad);
    free(s->range);
    free(s->trained);
    free(s);
}

void *nn_stepper_input(nn_stepper *s, uint32_t slot, const char *name)
{
    return nn_runner_input(s->run, slot, name);
}

uint32_t *nn_stepper_lengths(nn_stepper *s, uint32_t slot)
{
    return s->lengths[slot];
}

vkc_status nn_stepper_want(nn_stepper *s, uint32_t slot, nn_feed_batch *out)
{
    vkc_status st = VKC_OK;
    *out = (nn_feed_batch) { .lengths = s->lengths[slot] };
    for (uint32_t i = 0; i < nn_runner_n_inputs(s->run) && st == VKC_OK; i++) {
        const char *name = nn_input_name(nn_runner_input_tensor(s->run, i));
        st = nn_feed_want(out, name, nn_runner_input(s->run, slot, name), nn_runner_input_size(s->run, name));
    }
    return st;
}

vkc_status nn_stepper_submit(nn_stepper *s, uint32_t slot, uint32_t n, double lr, uint64_t step)
{
    vkc_status st = nn__stepper_start_average(s);
    if (st == VKC_OK)
        st = nn_batch_write_lengths(s->p.dev, s->p.batch, n, s->lengths[slot]);
    if (st != VKC_OK)
        return st;
    s->step = step;
    nn_adamw_write_step(s->opt, lr, step);
    return nn_runner_submit(s->run, slot);
}

// The gradients are there: what others make of them, then the optimiser.
static vkc_status update(nn_stepper *s)
{
    const nn_gradients g = { .dev = s->p.dev, .range = s->grad, .n_ranges = s->n_ranges, .params = s->p.params,
                             .trained = s->trained };
    uint64_t ticket;
    vkc_status st = s->p.exchange(s->p.exchange_user, &g, s->step);
    if (st == VKC_OK)
        st = vkc_submit(s->update, &ticket);
    return st == VKC_OK ? vkc_wait(s->p.dev, ticket) : st;
}

vkc_status nn_stepper_wait(nn_stepper *s, float *watch, float *norm)
{
    vkc_status st = nn_runner_wait(s->run);
    if (st == VKC_OK && s->update)
        st = update(s);
    if (st != VKC_OK)
        return st;
    for (uint32_t i = 0; i < s->p.n_watch && watch; i++)
        watch[i] = *(const float *) nn_runner_output(s->run, i);
    if (norm)
        *norm = *(const float *) (s->update ? vkc_buffer_map(s->norm) : nn_runner_output(s->run, s->p.n_watch));
    return VKC_OK;
}

bool nn_stepper_is_checked(const nn_stepper *s)
{
    return nn_runner_is_watched(s->run);
}

vkc_status nn_stepper_check(const nn_stepper *s, uint64_t step)
{
    char when[40];
    snprintf(when, sizeof when, "at step %llu", (unsigned long long) step);
    return nn_runner_check(s->run, when);
}

vkc_recording *nn_stepper_recording(nn_stepper *s)
{
    return nn_runner_recording(s->run);
}
