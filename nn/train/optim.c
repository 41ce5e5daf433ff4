// optim.c — AdamW: sums of squares, clip scale, update, average.
#include "nn/train/optim.h"

#include "shaders/optim/adamw.h"
#include "spv/shaders.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WG 64
#define MAX_GROUPS 256              // workgroups a block is spread over

struct nn_adamw {
    nn_adamw_params  params;
    nn_adamw_block  *blocks;        // owned: the caller's, cut where one is more than kernels take at once
    uint32_t         n_blocks, n_partials;
    vkc_buffer      *state;         // step | norm | partial, each aligned
    vkc_buffer      *upload;        // the host's copy of step
    vkc_slice        step, norm, partial;
    const vkc_kernel *sumsq, *clip, *adamw, *ema;
};

static uint32_t block_len(const nn_adamw_block *b)
{
    return (uint32_t) (b->params.size / sizeof(float));
}

static uint32_t block_groups(const nn_adamw_block *b)
{
    uint32_t n = (block_len(b) - 1) / (8 * WG) + 1;
    return n < MAX_GROUPS ? n : MAX_GROUPS;
}

static vkc_status check_blocks(const nn_adamw_params *params, const nn_adamw_block *blocks, uint32_t n_blocks)
{
    if (!(params->ema >= 0 && params->ema < 1))
        return VKC_FAIL(VKC_E_ARG, "adamw: an average with decay %g, want 0 to less than 1", params->ema);
    if (n_blocks == 0)
        return VKC_FAIL(VKC_E_ARG, "adamw: no blocks of parameters");
    for (uint32_t i = 0; i < n_blocks; i++) {
        const nn_adamw_block *b = &blocks[i];
        size_t size = b->params.size;
        if (size == 0 || size % sizeof(float) != 0)
            return VKC_FAIL(VKC_E_ARG, "adamw: block %u has %zu bytes", i, size);
        if (b->grads.size != size || b->m.size != size || b->v.size != size)
            return VKC_FAIL(VKC_E_ARG, "adamw: gradients or moments of block %u are not %zu bytes", i, size);
        if (params->ema > 0 && b->average.size != size)
            return VKC_FAIL(VKC_E_ARG, "adamw: the average of block %u is not %zu bytes", i, size);
        if (b->decay_len > size / sizeof(float))
            return VKC_FAIL(VKC_E_ARG, "adamw: block %u decays more than it holds", i);
    }
    return VKC_OK;
}

static vkc_slice cut(vkc_slice s, size_t at, size_t size)
{
    return s.size ? (vkc_slice) { s.buf, s.offset + at, size } : s;
}

// The caller's blocks in pieces of `most` bytes; all but the last of a block are whole ones. NULL: only count them.
static uint32_t cut_blocks(const nn_adamw_block *blocks, uint32_t n_blocks, size_t most, nn_adamw_block *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_blocks; i++) {
        const nn_adamw_block *b = &blocks[i];
        for (size_t at = 0; at < b->params.size; at += most, n++) {
            const size_t left = b->params.size - at, size = left < most ? left : most;
            const size_t len = size / sizeof(float), first = at / sizeof(float);
            const size_t decays = b->decay_len > first ? b->decay_len - first : 0;
            if (out)
                out[n] = (nn_adamw_block) {
                    .params = cut(b->params, at, size), .grads = cut(b->grads, at, size), .m = cut(b->m, at, size),
                    .v = cut(b->v, at, size), .average = cut(b->average, at, size),
                    .decay_len = decays < len ? decays : len,
                };
        }
    }
    return n;
}

static vkc_status get_kernels(nn_adamw *o, vkc_device *dev)
{
    const struct { const vkc_shader *shader; size_t args; const vkc_kernel **out; } want[] = {
        { &vkc_shader_sumsq, sizeof(struct sumsq_args), &o->sumsq },
        { &vkc_shader_clip, sizeof(struct clip_args), &o->clip },
        { &vkc_shader_adamw, sizeof(struct adamw_args), &o->adamw },
        { &vkc_shader_ema, sizeof(struct ema_args), &o->ema },
    };
    vkc_status st = VKC_OK;
    for (size_t i = 0; i < sizeof want / sizeof want[0] && st == VKC_OK; i++) {
        vkc_kernel_params p = { .shader = want[i].shader, .wg = WG, .args_size = want[i].args };
        st = vkc_kernel_get(dev, &p, want[i].out);
    }
    return st;
}

vkc_status nn_adamw_create(vkc_device *dev, const nn_adamw_params *params, const nn_adamw_block *blocks,
                           uint32_t n_blocks, nn_adamw **out)
{
    vkc_status st = check_blocks(params, blocks, n_blocks);
    if (st != VKC_OK)
        return st;
    const size_t align = vkc_align(dev, 1), most = vkc_block_size(dev) / align * align;
    const uint32_t n = cut_blocks(blocks, n_blocks, most, NULL);
    nn_adamw *o = (nn_adamw *) calloc(1, sizeof *o);
    if (o == NULL || (o->blocks = (nn_adamw_block *) calloc(n, sizeof *o->blocks)) == NULL) {
        st = VKC_FAIL(VKC_E_NOMEM, "adamw: no memory for %u blocks", n_blocks);
        goto done;
    }
    o->params = *params;
    o->params.beta1 = params->beta1 > 0 ? params->beta1 : 0.9;
    o->params.beta2 = params->beta2 > 0 ? params->beta2 : 0.999;
    o->params.eps = params->eps > 0 ? params->eps : 1e-8;
    o->n_blocks = cut_blocks(blocks, n_blocks, most, o->blocks);
    for (uint32_t i = 0; i < n; i++)
        o->n_partials += block_groups(&o->blocks[i]);

    size_t unit = vkc_align(dev, sizeof(struct adamw_step)), sums = o->n_partials * sizeof(float);
    VKC_TRY(vkc_buffer_create(dev, VKC_MEM_DEVICE, 2 * unit + sums, "adamw state", &o->state));
    VKC_TRY(vkc_buffer_create(dev, VKC_MEM_UPLOAD, sizeof(struct adamw_step), "adamw step", &o->upload));
    o->step = (vkc_slice) { o->state, 0, sizeof(struct adamw_step) };
    o->norm = (vkc_slice) { o->state, unit, 2 * sizeof(float) };
    o->partial = (vkc_slice) { o->state, 2 * unit, sums };
    VKC_TRY(get_kernels(o, dev));
    nn_adamw_write_step(o, 0, 1);
    *out = o;
    o = NULL;
done:
    nn_adamw_destroy(o);
    return st;
}

void nn_adamw_destroy(nn_adamw *opt)
{
    if (opt == NULL)
        return;
    vkc_buffer_destroy(opt->state);
    vkc_buffer_destroy(opt->upload);
    free(opt->blocks);
    free(opt);
}

vkc_status nn_adamw_record_clear(nn_adamw *opt, vkc_recording *rec)
{
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < opt->n_blocks && st == VKC_OK; i++)
        st = vkc_record_fill(rec, opt->blocks[i].grads, 0);
    return st;
}

vkc_status nn_adamw_record(nn_adamw *opt, vkc_recording *rec)
{
    vkc_slice step = vkc_slice_of(opt->upload);
    step.size = opt->step.size;
    vkc_status st = vkc_record_copy(rec, opt->step, step);
    struct sumsq_args sq = { .first = 0 };
    for (uint32_t i = 0; i < opt->n_blocks && st == VKC_OK; i++) {
        const nn_adamw_block *b = &opt->blocks[i];
        sq.len = block_len(b);
        st = vkc_record_dispatch(rec, &(vkc_dispatch) { .kernel = opt->sumsq, .args = &sq,
            .groups = { block_groups(b) }, .bind = { b->grads, opt->partial } });
        sq.first += block_groups(b);
    }
    struct clip_args clip = { .n_partials = opt->n_partials };
    if (st == VKC_OK)
        st = vkc_record_dispatch(rec, &(vkc_dispatch) { .kernel = opt->clip, .args = &clip,
            .bind = { opt->partial, opt->step, opt->norm } });
    for (uint32_t i = 0; i < opt->n_blocks && st == VKC_OK; i++) {
        const nn_adamw_block *b = &opt->blocks[i];
        struct adamw_args a = {
            .len = block_len(b), .decay_len = (uint32_t) b->decay_len, .eps = (float) opt->params.eps,
            .beta1 = (float) opt->params.beta1, .rest1 = (float) (1 - opt->params.beta1),
            .beta2 = (float) opt->params.beta2, .rest2 = (float) (1 - opt->params.beta2),
        };
        st = vkc_record_dispatch(rec, &(vkc_dispatch) { .kernel = opt->adamw, .args = &a,
            .groups = { block_groups(b) }, .bind = { b->params, b->grads, b->m, b->v, opt->step, opt->norm } });
    }
    for (uint32_t i = 0; i < opt->n_blocks && opt->params.ema > 0 && st == VKC_OK; i++) {
        const nn_adamw_block *b = &opt->blocks[i];
        struct ema_args a = { .len = block_len(b) };
        st = vkc_record_dispatch(rec, &(vkc_dispatch) { .kernel = opt->ema, .args = &a,
            .groups = { block_groups(b) }, .bind = { b->average, b->params, opt->step } });
    }
    return st;
}

void nn_adamw_write_step(nn_adamw *opt, double lr, uint64_t step)
{
    const double t = (double) (step > 0 ? step : 1);
    const struct adamw_step s = {
        .keep = (float) (1 - lr * opt->params.weight_decay),
        .size = (float) (lr / (1 - pow(opt->params.beta1, t))),
        .root = (float) (1 / sqrt(1 - pow(opt->params.beta2, t))),
        .max_norm = (float) opt->params.max_norm,
        .ema_rest = (float) (1 - fmin(opt->params.ema, (1 + t) / (10 + t))),
    };
    memcpy(vkc_buffer_map(opt->upload), &s, sizeof s);
}

vkc_slice nn_adamw_get_norm(const nn_adamw *opt)
{
    return opt->norm;
}
