// arch_names.c — timm's names of architectures:
// SIZE[_distilled]_patchP[_clip][_quickgelu][_regN][_dinov2][_IMAGE][.TAG]
#include "nn/models/config/model_config_impl.h"

#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"

typedef struct arch {
    const char *name;
    uint32_t dim, depth, heads, hidden;
} arch;

static const arch archs[] = {
#define NN_ARCH(...) { __VA_ARGS__ },
#include "nn/models/config/arch/arch_names.def"
#undef NN_ARCH
};

// Of arch_more.def: what a model has beside its sizes.
enum { NO_CLASS = 1, BARE_PREFIX = 2, LAYER_SCALE = 4, PRE_NORM = 8, NO_QKV_BIAS = 16, HEADLESS = 32 };

static const struct {
    const char *name;
    uint32_t dim, depth, heads, hidden, patch, image, registers;
    nn_pool  pool;
    nn_act   act;
    uint32_t flags;
    double   eps;
} more[] = {
#define NN_ARCH_MORE(name, dim, depth, heads, hidden, patch, image, registers, pool, act, flags, eps) \
    { name, dim, depth, heads, hidden, patch, image, registers, NN_POOL_##pool, NN_ACT_##act, flags, eps },
#include "nn/models/config/arch/arch_more.def"
#undef NN_ARCH_MORE
};

// A model whose whole name is in that table.
static bool read_more(const char *name, size_t len, nn_model_config *c)
{
    size_t i = 0;
    while (i < sizeof more / sizeof more[0] && (strlen(more[i].name) != len || memcmp(more[i].name, name, len) != 0))
        i++;
    if (i == sizeof more / sizeof more[0])
        return false;
    const uint32_t flags = more[i].flags;
    c->dim = more[i].dim, c->depth = more[i].depth, c->heads = more[i].heads, c->hidden = more[i].hidden;
    c->patch = more[i].patch, c->height = c->width = more[i].image, c->registers = more[i].registers;
    c->channels = 3;
    c->pool = more[i].pool, c->act = more[i].act, c->eps = more[i].eps;
    c->no_class = flags & NO_CLASS, c->bare_prefix = flags & BARE_PREFIX, c->layer_scale = flags & LAYER_SCALE;
    c->pre_norm = flags & PRE_NORM, c->no_qkv_bias = flags & NO_QKV_BIAS, c->headless = flags & HEADLESS;
    return true;
}

// The size whose name begins this one and ends at a part of it.
static const arch *find_arch(const char *name)
{
    const arch *best = NULL;
    for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++) {
        const size_t len = strlen(archs[i].name);
        if (strncmp(name, archs[i].name, len) == 0 && name[len] == '_')
            best = &archs[i];
    }
    return best;
}

static bool is_part(const char *part, size_t len, const char *want)
{
    return strlen(want) == len && memcmp(part, want, len) == 0;
}

// "patch16": the number behind a word, at most 16384; 0 when the part is not of this kind.
static uint32_t get_number(const char *part, size_t len, const char *word)
{
    const size_t skip = strlen(word);
    uint32_t n = 0;
    if (len <= skip || len > skip + 5 || memcmp(part, word, skip) != 0)
        return 0;
    for (size_t i = skip; i < len; i++) {
        if (part[i] < '0' || part[i] > '9')
            return 0;
        n = 10 * n + (uint32_t) (part[i] - '0');
    }
    return n <= 16384 ? n : 0;
}

static bool read_part(const char *part, size_t len, nn_model_config *c)
{
    const uint32_t patch = get_number(part, len, "patch"), registers = get_number(part, len, "reg"),
                   image = get_number(part, len, "");
    if (patch) {
        c->patch = patch;
    } else if (registers) {
        c->registers = registers;
        c->bare_prefix = true;
    } else if (image) {
        c->height = c->width = image;
    } else if (is_part(part, len, "distilled")) {
        c->distilled = true;
    } else if (is_part(part, len, "clip")) {
        c->pre_norm = true;
        c->eps = 1e-5;
    } else if (is_part(part, len, "quickgelu")) {
        c->act = NN_ACT_QUICK_GELU;
    } else if (is_part(part, len, "dinov2")) {
        c->height = c->width = 518;
        c->layer_scale = c->headless = true;
    } else {
        return false;
    }
    return true;
}

// DINOv2's giant is another than the plain one, and gated.
static void fix_giant(nn_model_config *c)
{
    if (!c->headless || c->dim != 1408)
        return;
    c->dim = 1536;
    c->heads = 24;
    c->hidden = 4096;
    c->swiglu = true;
}

vkc_status nn__arch_read(vkc_status st, const char *where, const char *name, nn_model_config *c)
{
    const size_t len = strcspn(name, ".");
    if (read_more(name, len, c) || nn__arch_read_eva(name, len, c) || nn__arch_read_beit(name, len, c))
        return VKC_OK;
    const arch *a = find_arch(name);
    if (!a)
        return VKC_FAIL(st, "%s: the architecture %.100s is not known; those of ViT, DeiT, DeiT-3, DINOv2, DINOv3, "
                        "EVA-02, BEiT, CLIP and SigLIP are, by timm's names", where,
                        nn_is_printable(name) ? name : "?");
    c->dim = a->dim, c->depth = a->depth, c->heads = a->heads, c->hidden = a->hidden;
    c->channels = 3;
    c->height = c->width = 224;
    c->eps = 1e-6;
    c->layer_scale = c->bare_prefix = strncmp(name, "deit3_", 6) == 0;
    for (size_t at = strlen(a->name) + 1; at < len;) {
        size_t part = 0;
        while (at + part < len && name[at + part] != '_')
            part++;
        if (!read_part(name + at, part, c))
            return VKC_FAIL(st, "%s: the architecture %.100s is not known, for its part %.*s", where, name,
                            (int) (part < 40 ? part : 40), name + at);
        at += part + 1;
    }
    if (c->patch == 0 || (c->distilled && strncmp(name, "deit_", 5) != 0))
        return VKC_FAIL(st, "%s: there is no architecture %.100s", where, name);
    fix_giant(c);
    return VKC_OK;
}
