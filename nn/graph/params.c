// params.c — named parameters in flat blocks.
#include "nn/base/half.h"
#include "nn/graph/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

vkc_status nn_params_create(vkc_device *dev, nn_params **out)
{
    nn_params *ps = (nn_params *) calloc(1, sizeof *ps);
    if (!ps)
        return VKC_FAIL(VKC_E_NOMEM, "params: out of host memory");
    ps->dev = dev;
    *out = ps;
    return VKC_OK;
}

void nn_params_destroy(nn_params *ps)
{
    if (!ps)
        return;
    for (uint32_t b = 0; b < ps->n_blocks; b++) {
        vkc_buffer_destroy(ps->value[b]);
        vkc_buffer_destroy(ps->grad[b]);
    }
    free(ps->p);
    free(ps);
}

vkc_status nn_params_add(nn_params *ps, const char *name, const nn_shape *shape, bool decay,
                         uint32_t *index)
{
    uint32_t dummy;
    if (strlen(name) >= NN_MAX_NAME || nn_params_find(ps, name, &dummy))
        return VKC_FAIL(VKC_E_ARG, "parameter %s: the name is %s", name,
                        strlen(name) >= NN_MAX_NAME ? "too long" : "there twice");
    if (ps->n_blocks)
        return VKC_FAIL(VKC_E_ARG, "parameter %s comes after the memory was made", name);
    nn_param *p = (nn_param *) realloc(ps->p, (ps->n + 1) * sizeof *p);
    if (!p)
        return VKC_FAIL(VKC_E_NOMEM, "params: out of host memory");
    ps->p = p;
    p += ps->n;
    *p = (nn_param) { .shape = *shape, .saved = *shape, .decay = decay };
    strcpy(p->name, name);
    *index = ps->n++;
    return VKC_OK;
}

bool nn_params_find(const nn_params *ps, const char *name, uint32_t *index)
{
    for (uint32_t i = 0; i < ps->n; i++)
        if (strcmp(ps->p[i].name, name) == 0) {
            *index = i;
            return true;
        }
    return false;
}

static size_t size_of(const nn_param *p)
{
    return nn_shape_bytes(&p->shape, p->dtype);
}

// One pass over the parameters with `decay`, filling the current block and opening new ones.
static void place(nn_params *ps, uint32_t first, uint32_t end, bool decay)
{
    uint32_t b = ps->n_blocks - 1;
    for (uint32_t i = first; i < end; i++) {
        nn_param *p = &ps->p[i];
        if (p->decay != decay)
            continue;
        p->block = b;
        p->offset = ps->block_size[b];
        ps->block_size[b] += vkc_align(ps->dev, size_of(p));
    }
}

vkc_status nn_params_alloc(nn_params *ps, bool with_grads)
{
    const size_t most = vkc_block_size(ps->dev);
    char what[NN_MAX_NAME + 16];
    uint64_t all = 0;
    for (uint32_t i = 0; i < ps->n; i++)
        all += vkc_align(ps->dev, size_of(&ps->p[i]));
    // With gradients they are trained, and an optimiser keeps two moments of each.
    vkc_status fits = vkc_check_memory(ps->dev, with_grads ? "parameters, gradients and moments take"
                                                           : "parameters take", with_grads ? 4 * all : all);
    if (fits != VKC_OK)
        return fits;
    for (uint32_t first = 0, end; first < ps->n; first = end) {
        size_t size = 0;
        for (end = first; end < ps->n; end++) {
            size_t want = vkc_align(ps->dev, size_of(&ps->p[end]));
            snprintf(what, sizeof what, "parameter %s", ps->p[end].name);
            vkc_status st = vkc_check_buffer(ps->dev, what, want);
            if (st != VKC_OK)
                return st;
            if (size && size + want > most)
                break;              // what is larger than a block has one of its own
            size += want;
        }
        if (ps->n_blocks == NN_MAX_BLOCKS)
            return VKC_FAIL(VKC_E_UNSUPPORTED, "params: more than %d blocks of memory", NN_MAX_BLOCKS);
        uint32_t b = ps->n_blocks++;
        place(ps, first, end, true);
        ps->decay_end[b] = ps->block_size[b];
        place(ps, first, end, false);
        vkc_status st = vkc_buffer_create(ps->dev, VKC_MEM_DEVICE, ps->block_size[b], "parameters",
                                          &ps->value[b]);
        if (st == VKC_OK)
            st = vkc_fill(ps->dev, vkc_slice_of(ps->value[b]), 0);
        if (st == VKC_OK && with_grads)
            st = vkc_buffer_create(ps->dev, VKC_MEM_DEVICE, ps->block_size[b], "gradients", &ps->grad[b]);
        if (st == VKC_OK && with_grads)
            st = vkc_fill(ps->dev, vkc_slice_of(ps->grad[b]), 0);
        if (st != VKC_OK)
            return st;
    }
    return VKC_OK;
}

vkc_slice nn_params_value(const nn_params *ps, uint32_t index)
{
    const nn_param *p = &ps->p[index];
    return (vkc_slice) { ps->value[p->block], p->offset, size_of(p) };
}

vkc_slice nn_params_grad(const nn_params *ps, uint32_t index)
{
    vkc_slice s = nn_params_value(ps, index);
    s.buf = ps->grad[ps->p[index].block];
    return s;
}

vkc_status nn_params_write(nn_params *ps, uint32_t index, const float *src)
{
    const vkc_slice to = nn_params_value(ps, index);
    if (ps->p[index].dtype != NN_DTYPE_F16)
        return vkc_write(ps->dev, to, src);
    uint16_t *halves = (uint16_t *) calloc(to.size, 1);
    if (!halves)
        return VKC_FAIL(VKC_E_NOMEM, "params: out of host memory");
    nn_half_narrow(halves, src, nn_shape_len(&ps->p[index].shape));
    vkc_status st = vkc_write(ps->dev, to, halves);
    free(halves);
    return st;
}

vkc_status nn_params_read(const nn_params *ps, uint32_t index, float *dst)
{
    const size_t len = nn_shape_len(&ps->p[index].shape);
    const vkc_slice from = nn_params_value(ps, index);
    vkc_status st = vkc_read(ps->dev, from, dst);
    if (st == VKC_OK && ps->p[index].dtype == NN_DTYPE_F16)
        nn_half_widen(dst, len);    // len floats are room for the halves and the rest of their last word
    return st;
}

uint64_t nn_params_count(const nn_params *ps)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < ps->n; i++)
        n += nn_shape_len(&ps->p[i].shape);
    return n;
}
