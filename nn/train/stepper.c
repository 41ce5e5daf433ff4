// stepper.c — record a training step once, replay it on alternating input slots.
#include "nn/train/stepper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

// The norm is read back behind the losses.
static vkc_status record_after(void *user, nn_runner *r, vkc_recording *rec)
{
    nn_stepper *s = (nn_stepper *) user;
    const vkc_slice norm = nn_adamw_get_norm(s->opt);
    const vkc_status st = nn_adamw_record(s->opt, rec);
    return st == VKC_OK ? nn_runner_add_output(r, (vkc_slice) { norm.buf, norm.offset, sizeof(float) }) : st;
}

static vkc_status build(nn_stepper *s)
{
    const nn_recipe_inputs *r = &s->recipe;
    nn_tensor *const inputs[] = { s->p.pixels, s->p.labels, r->other, r->share, r->drop.key };
    vkc_status st = nn_runner_create(&(nn_runner_params) {
        .graph = s->p.graph, .name = "step", .inputs = inputs, .n_inputs = sizeof inputs / sizeof *inputs,
        .live = &s->p.knobs, .n_live = 1, .slots = NN_STEPPER_SLOTS, .outputs = s->p.watch, .n_outputs = s->p.n_watch,
        .before = record_before, .after = record_after, .user = s, .profile = s->p.profile,
    }, &s->run);
    return st == VKC_OK ? make_plain(s) : st;
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
    nn_runner_destroy(s->run);
    nn_adamw_destroy(s->opt);
    for (uint32_t b = 0; b < NN_MAX_BLOCKS; b++) {
        vkc_buffer_destroy(s->moment[0][b]);
        vkc_buffer_destroy(s->moment[1][b]);
        vkc_buffer_destroy(s->average[b]);
    }
    free(s->range);
    free(s->trained);
    free(s->plain);
    free(s);
}

static void *host(const nn_stepper *s, uint32_t slot, const nn_tensor *t)
{
    return nn_runner_input(s->run, slot, nn_input_name(t));
}

float *nn_stepper_pixels(nn_stepper *s, uint32_t slot)
{
    return s->plain ? s->plain : (float *) host(s, slot, s->p.pixels);
}

uint32_t *nn_stepper_labels(nn_stepper *s, uint32_t slot)
{
    return (uint32_t *) host(s, slot, s->p.labels);
}

void nn_stepper_mix(nn_stepper *s, uint32_t slot, uint32_t n, uint64_t step)
{
    const nn_recipe_inputs *r = &s->recipe;
    if (s->plain)
        nn_recipe_mix(r, step, n, s->plain, nn_stepper_labels(s, slot), (float *) host(s, slot, s->p.pixels),
                      (uint32_t *) host(s, slot, r->other), (float *) host(s, slot, r->share));
    if (r->drop.key)
        nn_recipe_key(r, step, (uint32_t *) host(s, slot, r->drop.key));
}

void nn_stepper_set_knobs(nn_stepper *s, const float *values)
{
    if (s->p.knobs)
        memcpy(host(s, 0, s->p.knobs), values, nn_tensor_slice(s->p.knobs).size);
}

vkc_status nn_stepper_submit(nn_stepper *s, uint32_t slot, uint32_t n, double lr, uint64_t step)
{
    vkc_status st = nn__stepper_start_average(s);
    if (st == VKC_OK)
        st = nn_batch_write(s->p.dev, s->p.batch, n);
    if (st != VKC_OK)
        return st;
    nn_adamw_write_step(s->opt, lr, step);
    return nn_runner_submit(s->run, slot);
}

vkc_status nn_stepper_wait(nn_stepper *s, float *watch, float *norm)
{
    vkc_status st = nn_runner_wait(s->run);
    if (st != VKC_OK)
        return st;
    for (uint32_t i = 0; i < s->p.n_watch && watch; i++)
        watch[i] = *(const float *) nn_runner_output(s->run, i);
    if (norm)
        *norm = *(const float *) nn_runner_output(s->run, s->p.n_watch);
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
