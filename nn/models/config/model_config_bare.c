// model_config_bare.c — models without any config: values inferred from the shapes of their tensors.
#include "nn/models/config/model_config_impl.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/base/name_list.h"
#include "nn/models/config/preprocess_json.h"
#include "nn/models/config/tensor_naming.h"
#include "nn/checkpoint/weights.h"
#include "nn/mixers/relative.h"

#define HEAD_CHANNELS 64            // of nearly every vision transformer; shapes do not tell

// Shapes of the tensors that tell, under our names.
typedef struct shapes {
    const nn_st_tensor *patch, *pos, *fc1, *fc2, *head, *proj, *more;       // proj: the head the other way round
    const nn_st_tensor *own, *shared;   // tables of relative positions, of the first layer and of all
    uint32_t depth;
    bool     has_scale, has_pre_norm, has_fc_norm, has_head_bias, has_query_bias;
    nn_name_list unknown;
} shapes;

static void look(const nn_st_tensor *t, const char *theirs, shapes *s)
{
    nn_tensor_name name;
    unsigned l;
    if (!nn_tensor_name_get(theirs, &name)) {
        nn_name_list_add(&s->unknown, t->name);
        return;
    }
    if (sscanf(name.ours, "blocks.%u.", &l) == 1 && l < NN_MAX_DEPTH && l + 1 > s->depth)
        s->depth = l + 1;
    const struct { const char *ours; const nn_st_tensor **to; } wanted[] = {
        { "patch_embed.proj.weight", &s->patch }, { "pos_embed", &s->pos }, { "blocks.0.mlp.fc1.weight", &s->fc1 },
        { "blocks.0.mlp.fc2.weight", &s->fc2 }, { "head.weight", &s->head }, { "@more", &s->more },
        { "blocks.0.attn." NN_RELATIVE_TABLE, &s->own }, { "rel_pos_bias." NN_RELATIVE_TABLE, &s->shared },
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (strcmp(name.ours, wanted[i].ours) == 0 && name.parts == 1 && !name.is_transposed)
            *wanted[i].to = t;
    s->has_scale = s->has_scale || strcmp(name.ours, "blocks.0.ls1.gamma") == 0;
    s->has_pre_norm = s->has_pre_norm || strcmp(name.ours, "norm_pre.weight") == 0;
    s->has_fc_norm = s->has_fc_norm || strcmp(name.ours, "fc_norm.weight") == 0;
    s->has_head_bias = s->has_head_bias || strcmp(name.ours, "head.bias") == 0;
    s->has_query_bias = s->has_query_bias || (strcmp(name.ours, "blocks.0.attn.qkv.bias") == 0 && name.parts == 3);
    if (strcmp(name.ours, "head.weight") == 0 && name.is_transposed)
        s->proj = t;
}

static bool is_in(uint64_t x, uint64_t max)
{
    return x >= 1 && x <= max;
}

// Of a model with relative positions, whose tables tell heads and the sizes of a square picture.
static vkc_status guess_relative(const char *path, const shapes *s, nn_model_config *c)
{
    const nn_st_tensor *t = s->own ? s->own : s->shared;
    const uint64_t rows = is_in(t->shape[0], 4ull * NN_MAX_TOKENS) ? t->shape[0] - 3 : 0;
    const uint32_t wide = (uint32_t) sqrt((double) rows + 0.5);
    if (t->shape[0] <= 3 || rows == 0 || (uint64_t) wide * wide != rows || wide % 2 == 0 ||
        !is_in(t->shape[1], NN_MAX_DIM))
        return VKC_FAIL(VKC_E_FORMAT, "%s: relative positions of %llu rows are no square of patches, and there is no "
                        "config to say more", path, (unsigned long long) t->shape[0]);
    c->height = c->width = (wide + 1) / 2 * c->patch;
    c->heads = (uint32_t) t->shape[1];
    c->relative = s->own, c->shared_relative = s->shared, c->no_pos = !s->pos, c->no_key_bias = s->has_query_bias;
    return VKC_OK;
}

// The sizes of a square picture: patches and the tokens that have positions before them.
static vkc_status guess_tokens(const char *path, const shapes *s, nn_model_config *c)
{
    if (s->own || s->shared)
        return guess_relative(path, s, c);
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

// What the name of an architecture in a checkpoint says and shapes do not, where they agree in all else: heads,
// epsilon, activation.
static bool use_arch(const nn_weights *w, const shapes *s, nn_model_config *c)
{
    const nn_torch_notes *notes = nn_weights_notes(w);
    nn_model_config a = { .channels = 3 };
    if (!notes || !*notes->arch || nn__arch_read(VKC_E_FORMAT, nn_weights_path(w), notes->arch, &a) != VKC_OK ||
        a.dim != s->patch->shape[0] || a.depth != s->depth || a.patch != s->patch->shape[2] ||
        a.hidden != s->fc2->shape[1] || a.pre_norm != s->has_pre_norm)
        return false;
    c->heads = a.heads, c->eps = a.eps, c->act = a.act;
    return true;
}

// arch: where heads, epsilon and activation are from, NULL = guessed too.
static void note_guesses(const char *model, const char *arch, nn_model_config *c)
{
    const bool has_table = c->relative || c->shared_relative;
    char from[512] = "";
    if (arch)
        snprintf(from, sizeof from, "heads, epsilon and activation are those of %s, which its file names", arch);
    else if (has_table)
        snprintf(from, sizeof from, "that its MLP has GELU is a guess");
    else
        snprintf(from, sizeof from, "that it has %u head%s, of 64 channels each%s, is a guess", c->heads,
                 c->heads == 1 ? "" : "s", c->swiglu ? "" : ", and GELU");
    nn_model_config_note(c, "%s has no config: %s%s how pictures are prepared: the shorter edge resized, bicubic, %s "
                         "mean and std", model, from, arch ? "; a guess is" : ", and so is",
                         c->pre_norm ? "CLIP's" : has_table ? "BEiT's (0.5)" : "ImageNet's");
}

vkc_status nn__config_guess(const char *model, nn_model_config *c)
{
    nn_weights *w = NULL;
    shapes s = { 0 };
    vkc_status st;
    VKC_TRY(nn_weights_load(model, &w));
    const nn_naming naming = nn_naming_find(w, NULL, c);
    for (size_t i = 0; i < nn_weights_len(w); i++)
        look(nn_weights_at(w, i), nn_weights_at(w, i)->name + naming.skip, &s);
    const char *path = nn_weights_path(w);
    if (!s.patch || s.patch->rank != 4 || !(s.pos || s.own || s.shared) || (s.pos && s.pos->rank < 2) ||
        (s.own && s.own->rank != 2) || (s.shared && s.shared->rank != 2) || !s.fc1 || s.fc1->rank != 2 || !s.fc2 ||
        s.fc2->rank != 2 || (s.head && s.head->rank != 2) || (s.proj && s.proj->rank != 2) ||
        (s.more && (s.more->rank < 2 || !is_in(s.more->shape[s.more->rank - 2], NN_MAX_REGISTERS)))) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s has no config.json beside it, and its tensors are not those of a vision "
                      "transformer%s%s", path, s.unknown.n ? "; not known are " : "",
                      nn_name_list_end(&s.unknown));
        goto done;
    }
    const uint64_t dim = s.patch->shape[0], classes = s.head ? s.head->shape[0] : s.proj ? s.proj->shape[1] : dim;
    const bool is_named = use_arch(w, &s, c), has_table = s.own || s.shared;
    if (!is_in(dim, NN_MAX_DIM) || (!is_named && !has_table && dim % HEAD_CHANNELS) || !is_in(s.patch->shape[1], 3) ||
        !is_in(s.patch->shape[2], 1024) || s.patch->shape[3] != s.patch->shape[2] ||
        !is_in(s.fc2->shape[1], NN_MAX_HIDDEN) || !is_in(classes, NN_MAX_CLASSES)) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s has no config.json beside it, and its shapes alone do not say what model it is",
                      path);
        goto done;
    }
    c->dim = (uint32_t) dim, c->channels = (uint32_t) s.patch->shape[1], c->patch = (uint32_t) s.patch->shape[2];
    c->depth = s.depth, c->hidden = (uint32_t) s.fc2->shape[1];
    c->swiglu = s.fc1->shape[0] == 2 * s.fc2->shape[1];
    c->layer_scale = s.has_scale, c->pre_norm = s.has_pre_norm, c->headless = !s.head && !s.proj;
    c->outputs_embedding = !c->headless && !s.has_head_bias;        // CLIP's projection
    c->pool = s.has_fc_norm ? NN_POOL_AVG : NN_POOL_TOKEN;
    c->classes = (uint32_t) classes;
    if (!is_named) {
        c->heads = c->dim / HEAD_CHANNELS;
        c->eps = s.has_pre_norm ? 1e-5 : 1e-6;
    }
    VKC_TRY(guess_tokens(path, &s, c));
    c->pos_rule = s.has_scale && !c->registers && !has_table ? NN_POSITIONS_DINOV2 : NN_POSITIONS_TIMM;
    for (int i = 0; i < 3; i++) {
        c->mean[i] = has_table ? 0.5 : c->pre_norm ? nn_clip_mean[i] : nn_imagenet_mean[i];
        c->std[i] = has_table ? 0.5 : c->pre_norm ? nn_clip_std[i] : nn_imagenet_std[i];
    }
    c->preprocess = (nn_preprocess) { .filter = NN_FILTER_BICUBIC, .mode = NN_RESIZE_SHORTEST, .crop_pct = 1 };
    note_guesses(model, is_named ? nn_weights_notes(w)->arch : NULL, c);
done:
    nn_weights_destroy(w);
    return st;
}
