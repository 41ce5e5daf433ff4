// model_config_bare.c — models without any config: values inferred from the shapes of their tensors.
#include "nn/models/config/model_config_impl.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/models/config/model_names.h"
#include "nn/models/config/preprocess_json.h"
#include "nn/checkpoint/weights.h"

#define HEAD_CHANNELS 64            // of nearly every vision transformer; shapes do not tell

// Shapes of the tensors that tell, under our names.
typedef struct shapes {
    const nn_st_tensor *patch, *pos, *fc1, *fc2, *head, *more;
    uint32_t depth;
    bool     has_scale, has_pre_norm, has_fc_norm;
} shapes;

static void look(const nn_st_tensor *t, shapes *s)
{
    nn_tensor_name name;
    unsigned l;
    if (!nn_tensor_name_get(t->name, &name))
        return;
    if (sscanf(name.ours, "blocks.%u.", &l) == 1 && l < NN_MAX_DEPTH && l + 1 > s->depth)
        s->depth = l + 1;
    const struct { const char *ours; const nn_st_tensor **to; } wanted[] = {
        { "patch_embed.proj.weight", &s->patch }, { "pos_embed", &s->pos }, { "blocks.0.mlp.fc1.weight", &s->fc1 },
        { "blocks.0.mlp.fc2.weight", &s->fc2 }, { "head.weight", &s->head }, { "@more", &s->more },
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (strcmp(name.ours, wanted[i].ours) == 0 && name.parts == 1 && !name.is_transposed)
            *wanted[i].to = t;
    s->has_scale = s->has_scale || strcmp(name.ours, "blocks.0.ls1.gamma") == 0;
    s->has_pre_norm = s->has_pre_norm || strcmp(name.ours, "norm_pre.weight") == 0;
    s->has_fc_norm = s->has_fc_norm || strcmp(name.ours, "fc_norm.weight") == 0;
}

static bool is_in(uint64_t x, uint64_t max)
{
    return x >= 1 && x <= max;
}

// The sizes of a square picture: patches and the tokens that have positions before them.
static vkc_status guess_tokens(const char *path, const shapes *s, nn_model_config *c)
{
    const uint64_t rows = s->pos->shape[s->pos->rank - 2], more = s->more ? s->more->shape[s->more->rank - 2] : 0;
    const uint64_t before[] = { 1, 0, 1 + more };
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        const uint64_t n = rows > before[i] ? rows - before[i] : 0;
        const uint32_t side = (uint32_t) sqrt((double) n + 0.5);
        if (!is_in(n, NN_MAX_TOKENS) || (uint64_t) side * side != n)
            continue;
        c->height = c->width = side * c->patch;
        c->registers = (uint32_t) more;
        c->bare_prefix = i == 1 || (i == 0 && more > 0);
        return VKC_OK;
    }
    return VKC_FAIL(VKC_E_FORMAT, "%s: %llu positions are no square of patches, and there is no config to say more",
                    path, (unsigned long long) rows);
}

vkc_status nn__config_guess(const char *folder, nn_model_config *c)
{
    nn_weights *w = NULL;
    shapes s = { 0 };
    vkc_status st;
    VKC_TRY(nn_weights_load(folder, &w));
    for (size_t i = 0; i < nn_weights_len(w); i++)
        look(nn_weights_at(w, i), &s);
    const char *path = nn_weights_path(w);
    if (!s.patch || s.patch->rank != 4 || !s.pos || s.pos->rank < 2 || !s.fc1 || s.fc1->rank != 2 || !s.fc2 ||
        s.fc2->rank != 2 || (s.head && s.head->rank != 2) ||
        (s.more && (s.more->rank < 2 || !is_in(s.more->shape[s.more->rank - 2], NN_MAX_REGISTERS)))) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s has no config.json beside it, and its tensors are not those of a vision "
                      "transformer", path);
        goto done;
    }
    const uint64_t dim = s.patch->shape[0], classes = s.head ? s.head->shape[0] : dim;
    if (!is_in(dim, NN_MAX_DIM) || dim % HEAD_CHANNELS || !is_in(s.patch->shape[1], 3) ||
        !is_in(s.patch->shape[2], 1024) || s.patch->shape[3] != s.patch->shape[2] ||
        !is_in(s.fc2->shape[1], NN_MAX_HIDDEN) || !is_in(classes, NN_MAX_CLASSES)) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s has no config.json beside it, and its shapes alone do not say what model it is",
                      path);
        goto done;
    }
    c->dim = (uint32_t) dim, c->channels = (uint32_t) s.patch->shape[1], c->patch = (uint32_t) s.patch->shape[2];
    c->depth = s.depth, c->heads = c->dim / HEAD_CHANNELS, c->hidden = (uint32_t) s.fc2->shape[1];
    c->swiglu = s.fc1->shape[0] == 2 * s.fc2->shape[1];
    c->layer_scale = s.has_scale, c->pre_norm = s.has_pre_norm, c->headless = !s.head;
    c->pool = s.has_fc_norm ? NN_POOL_AVG : NN_POOL_TOKEN;
    c->classes = (uint32_t) classes;
    c->eps = s.has_pre_norm ? 1e-5 : 1e-6;
    c->guessed_heads = true;
    VKC_TRY(guess_tokens(path, &s, c));
    c->pos_rule = s.has_scale && !c->registers ? NN_POSITIONS_DINOV2 : NN_POSITIONS_TIMM;
    memcpy(c->mean, nn_imagenet_mean, sizeof c->mean);
    memcpy(c->std, nn_imagenet_std, sizeof c->std);
    c->preprocess = (nn_preprocess) { .filter = NN_FILTER_BICUBIC, .mode = NN_RESIZE_SHORTEST, .crop_pct = 1 };
done:
    nn_weights_destroy(w);
    return st;
}
