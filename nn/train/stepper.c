// stepper.c — record a training step once, replay it on alternating input slots.
#include "nn/train/stepper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/graph/check.h"
#include "nn/graph/finite.h"
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

// Host memory for an input, copied to it before each step of a slot; nothing for an input that is not there.
static vkc_status make_input(nn_stepper *s, uint32_t slot, const nn_tensor *t, const char *name, vkc_buffer **out)
{
    if (!t)
        return VKC_OK;
    const vkc_slice to = nn_tensor_slice(t);
    vkc_status st = vkc_buffer_create(s->p.dev, VKC_MEM_UPLOAD, to.size, name, out);
    if (st != VKC_OK)
        return st;
    memset(vkc_buffer_map(*out), 0, to.size);
    return vkc_record_copy(s->copy[slot], to, (vkc_slice) { *out, 0, to.size });
}

static vkc_status make_slots(nn_stepper *s)
{
    vkc_device *dev = s->p.dev;
    vkc_status st;
    const size_t knobs = s->p.knobs ? nn_tensor_slice(s->p.knobs).size : 0;
    if (knobs) {
        VKC_TRY(vkc_buffer_create(dev, VKC_MEM_UPLOAD, knobs, "knobs, host", &s->knobs));
        memset(vkc_buffer_map(s->knobs), 0, knobs);
    }
    for (uint32_t i = 0; i < NN_STEPPER_SLOTS; i++) {
        VKC_TRY(vkc_recording_create(dev, &(vkc_recording_params) { .name = "copy in" }, &s->copy[i]));
        VKC_TRY(make_input(s, i, s->p.pixels, "pixels, host", &s->pixels[i]));
        VKC_TRY(make_input(s, i, s->p.labels, "labels, host", &s->labels[i]));
        VKC_TRY(make_input(s, i, s->recipe.other, "other labels, host", &s->other[i]));
        VKC_TRY(make_input(s, i, s->recipe.share, "shares, host", &s->share[i]));
        VKC_TRY(make_input(s, i, s->recipe.drop.key, "drop path key, host", &s->key[i]));
        if (knobs)
            VKC_TRY(vkc_record_copy(s->copy[i], nn_tensor_slice(s->p.knobs), (vkc_slice) { s->knobs, 0, knobs }));
        VKC_TRY(vkc_recording_finish(s->copy[i]));
    }
done:
    return st;
}

// Where pictures wait to be mixed: ordinary memory, since what goes to the device may be slow to read.
static vkc_status make_plain(nn_stepper *s)
{
    const nn_recipe_inputs *r = &s->recipe;
    const nn_shape *shape = nn_tensor_shape(s->p.pixels);
    if (!r->other)
        return VKC_OK;
    if (shape->dim[1] != r->channels * r->height * r->width)
        return VKC_FAIL(VKC_E_ARG, "stepper: the recipe is for pictures of %u x %u x %u, not of %u numbers",
                        r->channels, r->height, r->width, shape->dim[1]);
    s->plain = (float *) calloc(nn_shape_len(shape), sizeof *s->plain);
    return s->plain ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "stepper: out of host memory");
}

static vkc_status record_step(nn_stepper *s)
{
    vkc_status st;
    VKC_TRY(vkc_buffer_create(s->p.dev, VKC_MEM_READBACK, 4 * (NN_MAX_LOSSES + 1), "losses, host", &s->readback));
    VKC_TRY(vkc_recording_create(s->p.dev, &(vkc_recording_params) { .name = "step", .profile = s->p.profile },
                                 &s->step));
    VKC_TRY(nn_adamw_record_clear(s->opt, s->step));
    VKC_TRY(nn_graph_record(s->p.graph, s->step));
    VKC_TRY(nn_adamw_record(s->opt, s->step));
    for (uint32_t i = 0; i < s->p.n_watch; i++)
        VKC_TRY(vkc_record_copy(s->step, (vkc_slice) { s->readback, 4 * i, 4 }, nn_tensor_slice(s->watch[i])));
    vkc_slice norm = nn_adamw_get_norm(s->opt);
    norm.size = 4;
    VKC_TRY(vkc_record_copy(s->step, (vkc_slice) { s->readback, 4 * NN_MAX_LOSSES, 4 }, norm));
    size_t counters = nn_finite_size(s->p.graph);
    if (counters) {
        VKC_TRY(vkc_buffer_create(s->p.dev, VKC_MEM_READBACK, counters, "counters, host", &s->counters));
        VKC_TRY(nn_finite_record(s->p.graph, s->step, (vkc_slice) { s->counters, 0, counters }));
    }
    VKC_TRY(vkc_recording_finish(s->step));
done:
    return st;
}

static vkc_status build(nn_stepper *s)
{
    vkc_status st;
    for (uint32_t i = 0; i < s->p.n_watch; i++) {
        s->watch[i] = s->p.watch[i];
        nn_graph_keep(s->p.graph, s->watch[i]);
    }
    VKC_TRY(nn_graph_plan(s->p.graph));
    VKC_TRY(find_ranges(s));
    VKC_TRY(make_moments(s));
    VKC_TRY(nn_adamw_create(s->p.dev, &s->p.adamw, s->range, s->n_ranges, &s->opt));
    VKC_TRY(make_slots(s));
    VKC_TRY(make_plain(s));
    VKC_TRY(record_step(s));
done:
    return st;
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
    if (p->recipe) {
        s->recipe = *p->recipe;
        s->p.recipe = NULL;
        s->p.adamw.ema = p->recipe->recipe.ema;
    }
    vkc_status st = build(s);
    if (st != VKC_OK) {
        nn_stepper_destroy(s);
        return st;
    }
    *out = s;
    return VKC_OK;
}

void nn_stepper_destroy(nn_stepper *s)
{
    if (!s)
        return;
    vkc_recording_destroy(s->step);
    for (uint32_t i = 0; i < NN_STEPPER_SLOTS; i++) {
        vkc_recording_destroy(s->copy[i]);
        vkc_buffer_destroy(s->pixels[i]);
        vkc_buffer_destroy(s->labels[i]);
        vkc_buffer_destroy(s->other[i]);
        vkc_buffer_destroy(s->share[i]);
        vkc_buffer_destroy(s->key[i]);
    }
    nn_adamw_destroy(s->opt);
    for (uint32_t b = 0; b < NN_MAX_BLOCKS; b++) {
        vkc_buffer_destroy(s->moment[0][b]);
        vkc_buffer_destroy(s->moment[1][b]);
        vkc_buffer_destroy(s->average[b]);
    }
    vkc_buffer_destroy(s->knobs);
    vkc_buffer_destroy(s->readback);
    vkc_buffer_destroy(s->counters);
    free(s->range);
    free(s->trained);
    free(s->plain);
    free(s);
}

float *nn_stepper_pixels(nn_stepper *s, uint32_t slot)
{
    return s->plain ? s->plain : (float *) vkc_buffer_map(s->pixels[slot]);
}

uint32_t *nn_stepper_labels(nn_stepper *s, uint32_t slot)
{
    return s->labels[slot] ? (uint32_t *) vkc_buffer_map(s->labels[slot]) : NULL;
}

void nn_stepper_mix(nn_stepper *s, uint32_t slot, uint32_t n, uint64_t step)
{
    if (s->plain)
        nn_recipe_mix(&s->recipe, step, n, s->plain, nn_stepper_labels(s, slot),
                      (float *) vkc_buffer_map(s->pixels[slot]), (uint32_t *) vkc_buffer_map(s->other[slot]),
                      (float *) vkc_buffer_map(s->share[slot]));
    if (s->key[slot])
        nn_recipe_key(&s->recipe, step, (uint32_t *) vkc_buffer_map(s->key[slot]));
}

void nn_stepper_set_knobs(nn_stepper *s, const float *values)
{
    if (s->knobs)
        memcpy(vkc_buffer_map(s->knobs), values, nn_tensor_slice(s->p.knobs).size);
}

vkc_status nn_stepper_submit(nn_stepper *s, uint32_t slot, uint32_t n, double lr, uint64_t step)
{
    vkc_status st = nn__stepper_start_average(s);
    if (st == VKC_OK)
        st = nn_batch_write(s->p.dev, s->p.batch, n);
    if (st != VKC_OK)
        return st;
    nn_adamw_write_step(s->opt, lr, step);
    st = vkc_submit(s->copy[slot], NULL);
    if (st == VKC_OK)
        st = nn_check_before(s->p.graph);
    return st == VKC_OK ? vkc_submit(s->step, &s->ticket) : st;
}

vkc_status nn_stepper_wait(nn_stepper *s, float *watch, float *norm)
{
    vkc_status st = vkc_wait(s->p.dev, s->ticket);
    if (st != VKC_OK)
        return st;
    const float *host = (const float *) vkc_buffer_map(s->readback);
    if (watch)
        memcpy(watch, host, s->p.n_watch * sizeof *watch);
    if (norm)
        *norm = host[NN_MAX_LOSSES];
    return VKC_OK;
}

bool nn_stepper_is_checked(const nn_stepper *s)
{
    return s->counters != NULL;
}

vkc_status nn_stepper_check(const nn_stepper *s, uint64_t step)
{
    char when[40];
    snprintf(when, sizeof when, "at step %llu", (unsigned long long) step);
    vkc_status st = nn_check_after(s->p.graph, when);
    return st == VKC_OK && s->counters ? nn_finite_check(s->p.graph, vkc_buffer_map(s->counters), when) : st;
}

vkc_recording *nn_stepper_recording(nn_stepper *s)
{
    return s->step;
}
