// bench_ops.c — one op on memory of its own, its kernels timed by the device's timestamps.
#include "apps/cli/bench/bench_ops.h"

#include "pipeline/timing/timing.h"
#include "nn/base/rng.h"
#include "nn/graph/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MIN_REPEATS 3u
#define MAX_REPEATS 50u
#define MAX_MS      500.0           // a pass, beyond MIN_REPEATS
#define SLOW_MS     3000.0          // a pass that takes longer is repeated no more
#define MAX_BUFFERS (4 * NN_MAX_IO + NN_MAX_SCRATCH)

typedef struct bench {
    vkc_device  *dev;
    const nn_op *op;
    nn_call      call;
    nn_rows     *rows[2];
    vkc_buffer  *buffer[MAX_BUFFERS];
    uint32_t     n_buffers;
    nn_bind      bind;
    nn_run       run;
    vkc_recording *rec;
    uint32_t     n_first;           // dispatches before the timed pass
    bool         is_wall;
} bench;

static vkc_status make_call(bench *b, const bench_case *c)
{
    b->op = nn_op_get(c->op);
    if (!b->op)
        return VKC_FAIL(VKC_E_ARG, "bench: no op %s", c->op);
    nn_context *context;
    vkc_status known = nn_context_get(b->dev, &context);
    if (known != VKC_OK)
        return known;
    b->call = (nn_call) { .attr = c->attr, .train = true, .dev = vkc_device_get_info(b->dev),
                          .forced = context->forced };
    for (int i = 0; i < 2; i++) {
        if (c->layout[i].images == 0)
            continue;
        vkc_status st = nn_rows_create(b->dev, c->layout[i].images, c->layout[i].tokens, c->layout[i].prefix,
                                       c->layout[i].side, c->layout[i].side, &b->rows[i]);
        if (st == VKC_OK)
            st = nn_rows_write_dense(b->dev, b->rows[i], c->layout[i].images);
        if (st != VKC_OK)
            return st;
    }
    for (int i = 0; i < b->op->n_in; i++) {
        b->call.in[i] = c->in[i].shape;
        b->call.in_dtype[i] = b->op->u32 & BIT(IN(i)) ? NN_DTYPE_U32 : NN_DTYPE_F32;
        if (c->in[i].layout) {
            b->call.in_rows[i] = b->rows[c->in[i].layout - 1];
            b->call.in[i].dim[0] = nn_rows_cap(b->call.in_rows[i]);
        }
    }
    b->call.to = c->to ? b->rows[c->to - 1] : NULL;
    return nn_op_infer(b->op, &b->call);
}

static vkc_status reserve(bench *b, size_t size, vkc_slice *out)
{
    if (size == 0)
        return VKC_OK;
    vkc_buffer **buf = &b->buffer[b->n_buffers];
    vkc_status st = vkc_buffer_create(b->dev, VKC_MEM_DEVICE, size, "bench", buf);
    if (st != VKC_OK)
        return st;
    b->n_buffers++;
    *out = (vkc_slice) { *buf, 0, size };
    return vkc_fill(b->dev, vkc_slice_of(*buf), 0);
}

static vkc_status write_random(bench *b, vkc_slice dst, uint32_t stream, uint32_t below)
{
    size_t n = dst.size / 4;
    float *x = (float *) malloc(dst.size);
    if (!x)
        return VKC_FAIL(VKC_E_NOMEM, "bench: out of host memory");
    for (size_t i = 0; i < n; i++) {
        float u = nn_rng_uniform(0, stream, (uint32_t) i);
        uint32_t whole = (uint32_t) (u * (float) below);
        if (below)
            memcpy(&x[i], &whole, 4);
        else
            x[i] = u + 0.01f;               // above zero: linear attention divides by sums of these
    }
    vkc_status st = vkc_write(b->dev, dst, x);
    free(x);
    return st;
}

static vkc_status make_memory(bench *b, const bench_case *c)
{
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < NN_MAX_IO && st == VKC_OK; i++) {
        const size_t in = nn_shape_bytes(&b->call.in[i], b->call.in_dtype[i]);
        const size_t out = nn_shape_bytes(&b->call.out[i], b->call.out_dtype[i]);
        st = reserve(b, in, &b->bind.in[i]);
        if (st == VKC_OK && in)
            st = write_random(b, b->bind.in[i], i, c->in[i].below);
        if (st == VKC_OK)
            st = reserve(b, out, &b->bind.out[i]);
        if (st == VKC_OK && in && (b->op->grad & BIT(IN(i)))) {
            b->bind.wanted |= BIT(IN(i));
            st = reserve(b, nn_shape_bytes(&b->call.in[i], NN_DTYPE_GRAD), &b->bind.din[i]);
        }
    }
    if (st == VKC_OK)
        st = reserve(b, nn_shape_bytes(&b->call.out[0], NN_DTYPE_GRAD), &b->bind.dout[0]);
    if (st == VKC_OK)
        st = write_random(b, b->bind.dout[0], NN_MAX_IO, 0);
    for (uint32_t i = 0; i < NN_MAX_SCRATCH && st == VKC_OK; i++) {
        size_t f = b->call.scratch_fwd[i], g = b->call.scratch_bwd[i];
        st = reserve(b, f > g ? f : g, &b->bind.scratch[i]);
    }
    return st;
}

// Backward reads what forward left, so forward is recorded first and not counted.
static vkc_status record(bench *b, bench_pass pass)
{
    nn_rows *layouts[2];
    uint32_t n = 0;
    for (int i = 0; i < 2; i++)
        if (b->rows[i])
            layouts[n++] = b->rows[i];
    b->is_wall = !vkc_device_has(b->dev, VKC_FEATURE_TIMESTAMPS);
    vkc_recording_params p = { .name = b->op->name, .profile = !b->is_wall };
    vkc_status st = vkc_recording_create(b->dev, &p, &b->rec);
    if (st == VKC_OK)
        st = nn_run_init(&b->run, b->dev, b->rec, layouts, n);
    b->n_first = vkc_recording_get_info(b->rec).n_dispatches;
    if (st == VKC_OK)
        st = nn_run_fwd(&b->run, b->op, &b->call, &b->bind);
    if (st == VKC_OK && pass == BENCH_BWD) {
        b->n_first = vkc_recording_get_info(b->rec).n_dispatches;
        st = nn_run_bwd(&b->run, b->op, &b->call, &b->bind);
    }
    if (st == VKC_OK)
        st = nn_run_finish(&b->run);
    return st == VKC_OK ? vkc_recording_finish(b->rec) : st;
}

static void fill_rates(const bench *b, bench_pass pass, bench_time *out)
{
    double bytes = 0.0, macs = b->op->macs ? (double) b->op->macs(&b->call) : 0.0;
    for (int i = 0; i < NN_MAX_IO; i++) {
        bytes += (double) b->bind.in[i].size + (double) b->bind.out[i].size;
        if (pass == BENCH_BWD)
            bytes += (double) b->bind.din[i].size + (double) b->bind.dout[i].size;
    }
    out->gbps = out->is_wall && pass == BENCH_BWD ? (double) NAN : 1e-6 * bytes / out->ms;
    out->gflops = macs > 0.0 ? 1e-6 * 2.0 * macs * (pass == BENCH_BWD ? 2.0 : 1.0) / out->ms : (double) NAN;
}

static vkc_status replay(void *user, double *ms)
{
    bench *b = user;
    return pipeline_replay(b->dev, b->rec, b->n_first, ms);
}

static vkc_status measure(bench *b, bench_pass pass, bench_time *out)
{
    const pipeline_context c = app_context(b->dev);
    pipeline_contender alone = { .replay = replay, .user = b };
    pipeline_race race = { .contender = &alone, .n = 1 };
    vkc_status st = pipeline_race_run(&c, &(pipeline_race *) { &race }, 1, &(pipeline_timing) {
        .warm_up = 1, .least = MIN_REPEATS, .most = MAX_REPEATS, .budget_ms = MAX_MS, .limit_ms = SLOW_MS });
    if (st != VKC_OK)
        return st;
    *out = (bench_time) { .ms = pipeline_median(&alone), .repeats = alone.n, .is_wall = b->is_wall };
    fill_rates(b, pass, out);
    return VKC_OK;
}

vkc_status bench_run(vkc_device *dev, const bench_case *c, bench_pass pass, bench_time *out)
{
    bench b = { .dev = dev };
    vkc_status st;
    VKC_TRY(make_call(&b, c));
    VKC_TRY(make_memory(&b, c));
    VKC_TRY(record(&b, pass));
    st = measure(&b, pass, out);
done:
    vkc_recording_destroy(b.rec);
    nn_run_destroy(&b.run);
    for (uint32_t i = 0; i < b.n_buffers; i++)
        vkc_buffer_destroy(b.buffer[i]);
    nn_rows_destroy(b.rows[0]);
    nn_rows_destroy(b.rows[1]);
    return st;
}
