// vit.c — the row of vision transformers in the table of kinds. Parameters are in vit_params.c, the graph in
// vit_graph.c, files in vit_load.c and vit_save.c.
#include "nn/models/vit/vit_impl.h"

static uint32_t inputs(const nn_model_config *c, nn_model_input out[NN_MAX_INPUTS])
{
    out[0] = (nn_model_input) { "pixels", { 2, { 0, nn_model_config_pixels(c) } }, NN_DTYPE_F32, false };
    return 1;
}

static void grid(const nn_model_config *c, uint32_t *prefix, uint32_t *height, uint32_t *width)
{
    *prefix = !c->no_class + nn__vit_more(c);
    *height = c->height / c->patch;
    *width = c->width / c->patch;
}

static uint32_t tokens(const nn_model_config *c)
{
    return !c->no_class + nn__vit_more(c) + (c->height / c->patch) * (c->width / c->patch);
}

static vkc_status check(const nn_model_config *c, vkc_status st, const char *where)
{
    if (c->patch == 0 || c->height < c->patch || c->width < c->patch)       // what is left over is not read
        return VKC_FAIL(st, "%s: the image size %u x %u is less than a patch of %u", where, c->height, c->width,
                        c->patch);
    const uint64_t patches = (uint64_t) (c->height / c->patch) * (c->width / c->patch);
    if (c->height > 16384 || c->width > 16384 || patches > NN_MAX_TOKENS)
        return VKC_FAIL(st, "%s: image %u x %u in patches of %u is more than %d patches", where, c->height, c->width,
                        c->patch, NN_MAX_TOKENS);
    if (c->channels != 1 && c->channels != 3)
        return VKC_FAIL(st, "%s: channels is %u, want 1 or 3", where, c->channels);
    if (c->registers > NN_MAX_REGISTERS || (c->distilled && (c->registers || c->pool != NN_POOL_TOKEN || c->headless)))
        return VKC_FAIL(st, "%s: %u registers, with a distillation token or without: no such model is known", where,
                        c->registers);
    if ((int) c->act < NN_ACT_GELU || (int) c->act > NN_ACT_GELU_TANH || (int) c->pool < NN_POOL_TOKEN ||
        (int) c->pool > NN_POOL_MAP ||
        ((c->swiglu || c->mlp_norm) && (c->act != NN_ACT_GELU || c->pool == NN_POOL_MAP)))
        return VKC_FAIL(st, "%s: activation %d or pooling %d is none there is", where, (int) c->act, (int) c->pool);
    if (c->no_class && (c->distilled || c->pool == NN_POOL_TOKEN || c->pool == NN_POOL_TOKEN_AVG))
        return VKC_FAIL(st, "%s: a model without a class token whose classifier reads it (pooling token) cannot be",
                        where);
    const uint32_t given = c->projection_dim ? c->projection_dim : c->classes;
    if (c->headless && given != nn_model_config_features(c))
        return VKC_FAIL(st, "%s: a model without a classifier gives %u features, not %u", where,
                        nn_model_config_features(c), given);
    if ((int) c->rope.kind < NN_ROPE_NONE || (int) c->rope.kind > NN_ROPE_EVA02 ||
        (c->rope.kind && (!(c->rope.base >= 1 && c->rope.base <= 1e9) || c->dim / c->heads % 4 ||
                          c->rope.ref_h > 16384 || c->rope.ref_w > 16384 || !c->rope.ref_h != !c->rope.ref_w)))
        return VKC_FAIL(st, "%s: rotary positions want heads of a multiple of 4 channels, not %u, and periods with a "
                        "base of 1 to 1e9, not %g", where, c->dim / c->heads, c->rope.base);
    if (c->no_pos && ((!c->rope.kind && !c->relative && !c->shared_relative) || c->bare_prefix || c->distilled))
        return VKC_FAIL(st, "%s: a model has learned positions, or rotary or relative ones", where);
    if (c->projection_dim > NN_MAX_CLASSES || (c->projection_dim && c->distilled))
        return VKC_FAIL(st, "%s: class vectors of %u numbers, with a distillation token or without, cannot be", where,
                        c->projection_dim);
    return VKC_OK;
}

static bool reads_class_token(const nn_model_config *c)
{
    return c->pool == NN_POOL_TOKEN && !c->distilled && c->retention.policy != NN_POLICY_HALTING;
}

const nn_model_kind nn_model_kind_vit = {
    .name = "vit", .about = "a classifier of pictures: patches, class token, learned positions",
    .own_size = sizeof(nn_vit), .reads_pictures = true, .check = check, .tokens = tokens, .inputs = inputs,
    .grid = grid, .add_front = nn__vit_add_front, .add_back = nn__vit_add_back, .embed = nn__vit_embed,
    .reads_class_token = reads_class_token, .read_out = nn__vit_read_out, .load = nn__vit_load,
    .save_weights = nn__vit_save_weights,
};
