// block.c — one transformer block of any mixer, recorded at one token count.
#include "pipeline/timing/block.h"

#include "pipeline/timing/timing.h"
#include "nn/models/vit/vit.h"
#include "nn/graph/runner.h"
#include "nn/base/rng.h"
#include "shaders/norm/layernorm.h"

#include <math.h>
#include <stdlib.h>

#define MLP_FACTOR 4u               // width of the MLP over that of the block

struct pipeline_block {
    vkc_device *dev;
    nn_model     *v;                  // of one layer
    nn_rows    *rows;
    nn_rows    *kept;               // made on the device; NULL = all go on
    nn_rows    *images;             // one row an image; NULL = without a class token
    uint32_t    want;               // rows that should be kept
    nn_graph   *g;
    nn_tensor  *loss;               // NULL without a backward pass
    nn_runner  *run;
    uint64_t    bytes;
};

// The height of the grid whose sides are closest.
static uint32_t grid_height(uint32_t tokens)
{
    uint32_t h = 1;
    for (uint32_t k = 1; k * k <= tokens; k++)
        if (tokens % k == 0)
            h = k;
    return h;
}

static vkc_status make_layer(pipeline_block *b, const pipeline_block_params *p)
{
    nn_model_config c = { 0 };
    vkc_status st;
    VKC_TRY(nn_model_config_copy(p->like, &c));
    c.height = c.width = p->image;
    c.depth = 1;
    c.layers[0] = p->layer;
    c.retention = (nn_retention_config) { .policy = NN_POLICY_NONE };
    VKC_TRY(nn_model_config_check(&c, VKC_E_ARG, "timing"));
    VKC_TRY(nn_model_create(b->dev, &c, p->backward, &b->v));
    st = nn_model_init(b->v, p->seed);
done:
    nn_model_config_finish(&c);
    return st;
}

static vkc_status make_model(pipeline_block *b, const pipeline_block_params *p)
{
    if (p->like)
        return make_layer(b, p);
    nn_model_config c = { .height = 1, .width = 1, .patch = 1, .channels = 1, .dim = p->dim, .depth = 1,
                          .heads = p->heads, .hidden = MLP_FACTOR * p->dim, .classes = 1, .eps = 1e-6,
                          .layers = { p->layer } };
    vkc_status st = nn_model_config_check(&c, VKC_E_ARG, "bench");
    if (st == VKC_OK)
        st = nn_model_create(b->dev, &c, p->backward, &b->v);
    if (st == VKC_OK)
        st = nn_model_init(b->v, p->seed);
    return st;
}

static vkc_status make_rows(pipeline_block *b, const pipeline_block_params *p)
{
    const uint32_t prefix = p->has_class, patches = p->tokens - prefix, h = grid_height(patches), w = patches / h;
    vkc_status st;
    if (p->like) {
        const nn_model_config *c = &b->v->cfg;
        st = nn_rows_create(b->dev, p->batch, nn_model_config_tokens(c), nn_model_config_prefix(c),
                            c->height / c->patch, c->width / c->patch, &b->rows);
        return st == VKC_OK ? nn_rows_write_dense(b->dev, b->rows, p->batch) : st;
    }
    VKC_TRY(nn_rows_create(b->dev, p->batch, p->tokens, prefix, h, w, &b->rows));
    VKC_TRY(nn_rows_write_dense(b->dev, b->rows, p->batch));
    if (p->has_class) {
        VKC_TRY(nn_rows_create(b->dev, p->batch, 1, 0, 0, 0, &b->images));
        VKC_TRY(nn_rows_write_dense(b->dev, b->images, p->batch));
    }
    if (p->drops) {
        VKC_TRY(nn_rows_create(b->dev, p->batch, p->tokens, prefix, h, w, &b->kept));
        b->kept->is_made = true;
        b->want = p->batch * pipeline_block_kept(p->tokens);
    }
done:
    return st;
}

uint32_t pipeline_block_kept(uint32_t tokens)
{
    return 1 + tokens / 2;
}

// The class token and every other patch, the first of them included.
static vkc_status write_flags(pipeline_block *b, vkc_slice dst)
{
    uint32_t *keep = (uint32_t *) malloc(dst.size);
    if (!keep)
        return VKC_FAIL(VKC_E_NOMEM, "bench: out of host memory");
    for (uint32_t r = 0; r < nn_rows_cap(b->rows); r++)
        keep[r] = b->rows->pos[r] == 0 || b->rows->pos[r] % 2 == 1;
    vkc_status st = vkc_write(b->dev, dst, keep);
    free(keep);
    return st;
}

static vkc_status write_random(pipeline_block *b, vkc_slice dst, uint64_t seed)
{
    float *x = (float *) malloc(dst.size);
    if (!x)
        return VKC_FAIL(VKC_E_NOMEM, "bench: out of host memory");
    for (size_t i = 0; i < dst.size / sizeof *x; i++)
        x[i] = 2.0f * nn_rng_uniform(seed, 1, (uint32_t) i) - 1.0f;
    vkc_status st = vkc_write(b->dev, dst, x);
    free(x);
    return st;
}

// A loss of everything, or of what a classifier would read.
static nn_tensor *add_loss(pipeline_block *b, const pipeline_block_params *p, nn_tensor *y)
{
    const nn_shape shape = { 2, { 0, p->dim } };
    nn_rows *rows = p->has_class ? b->images : b->rows;
    y = p->has_class ? NN_APPLY0(b->g, first_rows, b->images, y) : y;
    nn_tensor *loss = NN_APPLY0(b->g, mse, NULL, y, nn_graph_input(b->g, "target", shape, NN_DTYPE_F32, rows));
    // As a sum of squares: gradients of a usual size at any token count.
    nn_graph_add_loss(b->g, loss, (float) nn_rows_cap(rows) * (float) p->dim);
    return loss;
}

static vkc_status make_graph(pipeline_block *b, const pipeline_block_params *p)
{
    const nn_shape shape = { 2, { 0, b->v->cfg.dim } };
    const bool trained = p->backward;
    vkc_status st = nn_graph_create(b->dev, &b->g);
    if (st != VKC_OK)
        return st;
    nn_graph *g = b->g;
    nn_tensor *input = nn_graph_input(g, "tokens", shape, NN_DTYPE_F32, b->rows);
    nn_tensor *x = input, *keep = NULL;
    if (!p->like || p->backward)
        x = NN_APPLY(g, layernorm, &(struct layernorm_attr) { (float) b->v->cfg.eps }, NULL, input,
                     nn_graph_param(g, b->v->params, nn_vit_of(b->v)->norm_w, trained),
                     nn_graph_param(g, b->v->params, nn_vit_of(b->v)->norm_b, trained));
    if (p->drops) {
        keep = nn_graph_input(g, "keep", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, b->rows);
        x = NN_APPLY0(g, gather_rows, NULL, x, NN_APPLY0(g, compact, b->kept, keep));
    }
    nn_tensor *y = p->is_bare   ? x
                 : p->is_module ? nn_model_attn(g, b->v, 0, x, trained, NULL, NULL)
                                : nn_model_block_forward(g, b->v, 0, x, trained, NULL);
    if (p->backward)
        b->loss = add_loss(b, p, y);
    nn_graph_keep(g, y);
    // What is written once is no input of the runner: a replay is the block alone.
    VKC_TRY(nn_runner_create(&(nn_runner_params) { .graph = g, .name = p->layer.mixer }, &b->run));
    if (keep)
        VKC_TRY(write_flags(b, nn_tensor_slice(keep)));
    st = write_random(b, nn_tensor_slice(input), p->seed);
done:
    return st;
}

vkc_status pipeline_block_create(vkc_device *dev, const pipeline_block_params *p, pipeline_block **out)
{
    pipeline_block *b = (pipeline_block *) calloc(1, sizeof *b);
    if (!b)
        return VKC_FAIL(VKC_E_NOMEM, "bench: out of host memory");
    b->dev = dev;
    uint64_t before = vkc_memory_get_info(dev).in_use;
    vkc_status st = make_model(b, p);
    if (st == VKC_OK)
        st = make_rows(b, p);
    if (st == VKC_OK)
        st = make_graph(b, p);
    b->bytes = vkc_memory_get_info(dev).in_use - before;
    if (st != VKC_OK) {
        pipeline_block_destroy(b);
        return st;
    }
    *out = b;
    return VKC_OK;
}

void pipeline_block_destroy(pipeline_block *b)
{
    if (!b)
        return;
    nn_runner_destroy(b->run);
    nn_graph_destroy(b->g);
    nn_rows_destroy(b->rows);
    nn_rows_destroy(b->kept);
    nn_rows_destroy(b->images);
    nn_model_destroy(b->v);
    free(b);
}

vkc_status pipeline_block_replay(void *block, double *ms)
{
    pipeline_block *b = block;
    return pipeline_replay(b->dev, nn_runner_recording(b->run), 0, ms);
}

uint64_t pipeline_block_bytes(const pipeline_block *b)
{
    return b->bytes;
}

uint64_t pipeline_block_macs(const pipeline_block *b)
{
    return nn_graph_get_info(b->g).macs;
}

vkc_status pipeline_block_check(pipeline_block *b)
{
    float loss = 0.0f;
    vkc_status st = nn_runner_compare(b->run, "in the bench");
    if (st != VKC_OK)
        return st;
    st = b->loss ? vkc_read(b->dev, nn_tensor_slice(b->loss), &loss) : VKC_OK;
    if (st == VKC_OK && !isfinite(loss))
        st = VKC_FAIL(VKC_E_CHECK, "the block of %s gives values that are not finite", b->v->block[0].mixer->name);
    uint32_t n = b->want;
    if (st == VKC_OK && b->kept)
        st = vkc_read(b->dev, (vkc_slice) { b->kept->words.buf, b->kept->words.offset, sizeof n }, &n);
    if (st == VKC_OK && n != b->want)
        st = VKC_FAIL(VKC_E_CHECK, "the compaction left %u rows, want %u", n, b->want);
    return st;
}

bool pipeline_block_is_like(const pipeline_block *a, const pipeline_block *b)
{
    return vkc_recording_is_like(nn_runner_recording(a->run), nn_runner_recording(b->run));
}
