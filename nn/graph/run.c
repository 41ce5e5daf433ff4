// run.c — resolve slots, choose launch sizes, record.
#include "nn/graph/run.h"

#include "spv/shaders.h"

#include <string.h>

vkc_status nn_run_init(nn_run *r, vkc_device *dev, vkc_recording *rec, nn_rows *const *layouts,
                       uint32_t n_layouts)
{
    *r = (nn_run) { .dev = dev, .rec = rec };
    vkc_status st = vkc_buffer_create(dev, VKC_MEM_DEVICE, 256, "zero", &r->zero);
    if (st == VKC_OK)
        st = vkc_fill(dev, vkc_slice_of(r->zero), 0);
    struct rows_plan_args a = {
        .n_launches = ROWS_MAX_LAUNCHES,
        .max_x = vkc_device_get_info(dev)->max_groups[0],
    };
    const vkc_kernel *plan = NULL;
    if (st == VKC_OK)
        st = vkc_kernel_get(dev, &(vkc_kernel_params) { .shader = &vkc_shader_rows_plan, .wg = 64,
                                                        .args_size = sizeof a }, &plan);
    for (uint32_t i = 0; i < n_layouts && st == VKC_OK; i++) {
        if (i == NN_MAX_LAYOUTS)
            return VKC_FAIL(VKC_E_ARG, "run: more than %d packed layouts", NN_MAX_LAYOUTS);
        nn_rows *l = r->layouts[r->n_layouts++] = layouts[i];
        if (l->is_made)
            continue;
        st = vkc_record_dispatch(rec, &(vkc_dispatch) {
            .kernel = plan, .bind = { l->words, l->launches, l->commands }, .args = &a,
            .groups = { ROWS_MAX_LAUNCHES / 64 } });
    }
    return st;
}

void nn_run_destroy(nn_run *r)
{
    vkc_buffer_destroy(r->zero);
    *r = (nn_run) { 0 };
}

vkc_status nn_run_finish(nn_run *r)
{
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < r->n_layouts && st == VKC_OK; i++)
        st = vkc_write(r->dev, r->layouts[i]->launches, r->layouts[i]->launch);
    return st;
}

vkc_status nn_run_fwd(nn_run *r, const nn_op *op, const nn_call *call, const nn_bind *bind)
{
    r->call = call;
    r->bind = bind;
    return op->fwd(r, call);
}

vkc_status nn_run_bwd(nn_run *r, const nn_op *op, const nn_call *call, const nn_bind *bind)
{
    r->call = call;
    r->bind = bind;
    return op->bwd ? op->bwd(r, call) : VKC_OK;
}

bool nn_is_wanted(const nn_run *r, int din_slot)
{
    return (r->bind->wanted & BIT(IN(din_slot - DIN(0)))) != 0;
}

// The slice of memory that a slot of the current call stands for; an empty one for a wrong slot.
static vkc_slice resolve(const nn_run *r, int slot)
{
    const nn_bind *b = r->bind;
    const nn_rows *made = r->call->out_rows[0] && r->call->out_rows[0]->is_made ? r->call->out_rows[0] : NULL;
    if (slot >= LAUNCHES_OUT)
        return !made ? (vkc_slice) { 0 } : slot == LAUNCHES_OUT ? made->launches : made->commands;
    if (slot >= ROWS_OUT(0) && r->call->out_rows[slot - ROWS_OUT(0)])
        return r->call->out_rows[slot - ROWS_OUT(0)]->words;
    if (slot >= ROWS_IN(0) && slot < ROWS_OUT(0) && r->call->in_rows[slot - ROWS_IN(0)])
        return r->call->in_rows[slot - ROWS_IN(0)]->words;
    if (slot >= ROWS_IN(0))
        return vkc_slice_of(r->zero);
    if (slot >= SCRATCH(0))
        return b->scratch[slot - SCRATCH(0)];
    if (slot >= DIN(0)) {
        int i = slot - DIN(0);
        if (nn_is_wanted(r, slot))
            return b->din[i];
        size_t want = nn_shape_bytes(&r->call->in[i], NN_DTYPE_GRAD);
        vkc_slice t = b->discard;
        if (want && want < t.size)
            t.size = want;
        return want ? t : vkc_slice_of(r->zero);
    }
    if (slot >= DOUT(0))
        return b->dout[slot - DOUT(0)];
    vkc_slice s = slot >= OUT(0) ? b->out[slot - OUT(0)] : b->in[slot - IN(0)];
    return s.buf ? s : vkc_slice_of(r->zero);
}

// Index of the launch (tile_rows, y, z) in the layout's table, appended when new.
static vkc_status find_launch(nn_rows *l, uint32_t tile_rows, uint32_t y, uint32_t z, uint32_t *index)
{
    for (*index = 0; *index < l->n_launches; ++*index) {
        const uint32_t *e = l->launch[*index];
        if (e[0] == tile_rows && e[1] == y && e[2] == z)
            return VKC_OK;
    }
    if (l->n_launches == ROWS_MAX_LAUNCHES)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "run: more than %d kinds of launch over one layout",
                        ROWS_MAX_LAUNCHES);
    l->launch[l->n_launches][0] = tile_rows;
    l->launch[l->n_launches][1] = y;
    l->launch[l->n_launches][2] = z;
    *index = l->n_launches++;
    return VKC_OK;
}

vkc_status nn_dispatch(nn_run *r, const nn_kernel_use *use)
{
    vkc_kernel_params kp = { .shader = use->shader, .wg = use->wg, .args_size = use->args_size };
    memcpy(kp.spec, use->spec, sizeof kp.spec);
    vkc_dispatch d = { .args = use->args };
    vkc_status st = vkc_kernel_get(r->dev, &kp, &d.kernel);
    if (st != VKC_OK)
        return st;
    uint32_t n = vkc_kernel_bindings(d.kernel);
    for (uint32_t i = 0; i < VKC_MAX_BIND; i++) {
        if ((i < n) != (use->bind[i] != 0))
            return VKC_FAIL(VKC_E_ARG, "%s has %u bindings, binding %u is %s", use->shader->name, n, i,
                            i < n ? "missing" : "too many");
        if (i < n)
            d.bind[i] = resolve(r, use->bind[i]);
        if (i < n && !d.bind[i].buf && use->bind[i] >= LAUNCHES_OUT)
            return VKC_FAIL(VKC_E_ARG, "%s: binding %u is of launches, but output 0 has no layout that is made on the "
                            "device", use->shader->name, i);
        if (i < n && !d.bind[i].buf)
            return VKC_FAIL(VKC_E_ARG, "%s: slot %u at binding %u has no memory", use->shader->name,
                            use->bind[i], i);
    }
    if (!use->tile_rows) {
        memcpy(d.groups, use->groups, sizeof d.groups);
        return vkc_record_dispatch(r->rec, &d);
    }
    nn_rows *l = use->rows >= ROWS_OUT(0) ? r->call->out_rows[use->rows - ROWS_OUT(0)]
                                          : r->call->in_rows[use->rows - ROWS_IN(0)];
    if (!l)
        return VKC_FAIL(VKC_E_ARG, "%s: tile_rows over a tensor that is not packed", use->shader->name);
    uint32_t index;
    st = find_launch(l, use->tile_rows, use->groups[1] ? use->groups[1] : 1,
                     use->groups[2] ? use->groups[2] : 1, &index);
    if (st != VKC_OK)
        return st;
    d.indirect = (vkc_slice) { l->commands.buf, l->commands.offset + 12 * index, 12 };
    return vkc_record_dispatch(r->rec, &d);
}
