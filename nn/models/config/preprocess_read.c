// preprocess_read.c — pretrained_cfg of timm and preprocessor_config.json of Hugging Face, read strictly.
//
// Sources: timm, data/config.py (resolve_data_config); transformers, image_processing_utils.py (get_size_dict) and
// models/{vit,deit,clip,bit}/image_processing_*.py.
#include "nn/models/config/preprocess_json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/base/names.h"

#define MAX_SIDE 16384
#define MAX_EDGE (100 * MAX_SIDE)     // before the crop; a crop_pct of 0.01 is the least
#define MAX_NAMED 6                 // unknown keys
#define MAX_COLOR 1e6               // of means; of stds this and its inverse

const double nn_imagenet_mean[3] = { 0.485, 0.456, 0.406 }, nn_imagenet_std[3] = { 0.229, 0.224, 0.225 };
const double nn_clip_mean[3] = { 0.48145466, 0.4578275, 0.40821073 };
const double nn_clip_std[3] = { 0.26862954, 0.26130258, 0.27577711 };
static const double half[3] = { 0.5, 0.5, 0.5 };

void nn__unknown_note(const char *where, json_t *obj, const char *const *known, nn_model_config *c)
{
    char names[400] = "";
    size_t at = 0, n = 0;
    const char *key;
    json_t *v;
    json_object_foreach(obj, key, v) {
        if (nn_json_is_known(known, key) || json_is_null(v) || json_is_false(v))
            continue;
        if (n++ < MAX_NAMED)
            at += (size_t) snprintf(names + at, sizeof names - at, "%s%.60s", n > 1 ? ", " : "", key);
    }
    if (n > MAX_NAMED)
        snprintf(names + at, sizeof names - at, " and %zu more", n - MAX_NAMED);
    if (n)
        nn_model_config_note(c, "%s: not known here, and passed over: %s", where, names);
}

static uint32_t channels_of(const nn_model_config *c)
{
    return c->channels == 0 ? 3 : c->channels;
}

static void set_size(nn_model_config *c, nn_size size)
{
    if (c->height == 0 && c->width == 0) {
        c->height = size.height;
        c->width = size.width;
    }
}

// A number a channel, or one for all.
static vkc_status read_color(const char *where, json_t *obj, const char *key, double min, const nn_model_config *c,
                             double out[3])
{
    if (!json_is_number(json_object_get(obj, key)))
        return nn_json_get_numbers(where, obj, key, channels_of(c), min, MAX_COLOR, out);
    const vkc_status st = nn_json_get_number(where, obj, key, min, MAX_COLOR, out);
    out[1] = out[2] = out[0];
    return st;
}

// Means and stds of the channels; those of `mean` and `std` where the file has none.
static vkc_status read_colors(const char *where, json_t *obj, const char *mean_key, const char *std_key,
                              const double mean[3], const double std[3], nn_model_config *c)
{
    vkc_status st = VKC_OK;
    memcpy(c->mean, mean, sizeof c->mean);
    memcpy(c->std, std, sizeof c->std);
    if (nn_json_has(obj, mean_key))
        VKC_TRY(read_color(where, obj, mean_key, -MAX_COLOR, c, c->mean));
    if (nn_json_has(obj, std_key))
        VKC_TRY(read_color(where, obj, std_key, 1.0 / MAX_COLOR, c, c->std));
done:
    return st;
}

// [channels, height, width]
static vkc_status read_input_size(const char *where, json_t *obj, const char *key, nn_size *out)
{
    double n[3];
    vkc_status st = nn_json_get_numbers(where, obj, key, 3, 1, MAX_SIDE, n);
    if (st != VKC_OK)
        return st;
    if (n[1] != floor(n[1]) || n[2] != floor(n[2]))
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s is not three whole numbers", where, key);
    *out = (nn_size) { (uint32_t) n[1], (uint32_t) n[2] };
    return VKC_OK;
}

// What a key of timm's names; an empty text or null stands for `otherwise`, as in timm.
static vkc_status read_word(const char *where, json_t *obj, const char *key, const char *const *names, uint32_t n,
                            uint32_t otherwise, uint32_t *out)
{
    const char *word = "";
    vkc_status st;
    if (nn_json_has(obj, key))
        VKC_TRY(nn_json_get_string(where, obj, key, 40, &word));
    *out = otherwise;
    if (word[0] != '\0' && nn_name_get(key, word, names, n, out) != VKC_OK)
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s is %s, which is not supported", where, key, word);
    st = VKC_OK;
done:
    return st;
}

// The keys of a test count for the size that they are for.
static vkc_status read_crop(const char *where, json_t *obj, nn_model_config *c)
{
    nn_size size = { 224, 224 }, test = { 0 };
    const char *key = "crop_pct";
    vkc_status st = VKC_OK;
    if (nn_json_has(obj, "input_size"))
        VKC_TRY(read_input_size(where, obj, "input_size", &size));
    if (nn_json_has(obj, "test_input_size"))
        VKC_TRY(read_input_size(where, obj, "test_input_size", &test));
    set_size(c, size);
    if (nn_json_has(obj, "test_crop_pct") &&
        (test.height == 0 || (test.height == c->height && test.width == c->width)))
        key = "test_crop_pct";
    c->preprocess.crop_pct = 0.875;
    if (nn_json_has(obj, key))
        VKC_TRY(nn_json_get_number(where, obj, key, 0.01, 100, &c->preprocess.crop_pct));
done:
    return st;
}

vkc_status nn_preprocess_read_timm(const char *where, json_t *obj, nn_model_config *c)
{
    static const char *const filters[] = { "bilinear", "bicubic" };
    static const char *const modes[] = { "squash", "center", "border" };    // in the order of nn_resize
    uint32_t filter, mode;
    vkc_status st;
    c->preprocess = (nn_preprocess) { .rule = NN_RULE_TIMM };
    VKC_TRY(read_word(where, obj, "interpolation", filters, 2, NN_FILTER_BICUBIC, &filter));
    VKC_TRY(read_word(where, obj, "crop_mode", modes, 3, NN_RESIZE_SHORTEST, &mode));
    VKC_TRY(read_crop(where, obj, c));
    VKC_TRY(read_colors(where, obj, "mean", "std", nn_imagenet_mean, nn_imagenet_std, c));
    c->preprocess.filter = (nn_filter) filter;
    c->preprocess.mode = (nn_resize) mode;
    for (uint32_t i = 0; mode == NN_RESIZE_LONGEST && i < 3; i++) {
        double x = rint(255 * c->mean[channels_of(c) == 1 ? 0 : i]);
        c->preprocess.fill[i] = (uint8_t) (x < 0 ? 0 : x > 255 ? 255 : x);
    }
done:
    return st;
}

// What a processor of Hugging Face does when its file does not say.
typedef struct processor {
    const char *name;               // what stands before ImageProcessor, ImageProcessorFast or FeatureExtractor
    nn_filter filter;
    bool      is_square;            // `size` as one number means both edges
    uint32_t  size, crop;           // 0 = no crop
    const double *mean, *std;
} processor;

enum { VIT, DEIT, BIT, CLIP, SIGLIP, DINOV3, BEIT, N_PROCESSORS };
static const processor processors[N_PROCESSORS] = {
    [VIT] = { "ViT", NN_FILTER_BILINEAR, true, 224, 0, half, half },
    [DEIT] = { "DeiT", NN_FILTER_BICUBIC, true, 256, 224, half, half },
    [BIT] = { "Bit", NN_FILTER_BICUBIC, false, 224, 224, nn_clip_mean, nn_clip_std },
    [CLIP] = { "CLIP", NN_FILTER_BICUBIC, false, 224, 224, nn_clip_mean, nn_clip_std },
    [SIGLIP] = { "Siglip", NN_FILTER_BICUBIC, true, 224, 0, half, half },
    [DINOV3] = { "DINOv3ViT", NN_FILTER_BILINEAR, true, 224, 0, nn_imagenet_mean, nn_imagenet_std },
    [BEIT] = { "Beit", NN_FILTER_BICUBIC, true, 224, 0, half, half },
};

static const processor *find_processor(const char *type)
{
    static const char *const ends[] = { "ImageProcessor", "ImageProcessorFast", "FeatureExtractor" };
    for (int i = 0; i < N_PROCESSORS; i++) {
        const size_t len = strlen(processors[i].name);
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
            if (strncmp(type, processors[i].name, len) == 0 && strcmp(type + len, ends[k]) == 0)
                return &processors[i];
    }
    return NULL;
}

static vkc_status read_processor(const char *where, json_t *obj, const nn_model_config *c, const processor **out)
{
    const char *type;
    vkc_status st;
    const char *key = nn_json_has(obj, "image_processor_type") ? "image_processor_type" : "feature_extractor_type";
    const bool is_beit = c->no_key_bias && !c->rope.kind;
    *out = &processors[is_beit ? BEIT : c->no_pos ? DINOV3 : c->pre_norm ? CLIP : c->layer_scale ? BIT :
                       c->distilled ? DEIT : c->pool == NN_POOL_MAP ? SIGLIP : VIT];
    if (!nn_json_has(obj, key))
        return VKC_OK;
    VKC_TRY(nn_json_get_string(where, obj, key, 100, &type));
    *out = find_processor(type);
    if (*out == NULL)
        st = VKC_FAIL(VKC_E_FORMAT, "%s: %s is %s; ViT, DeiT, Bit, CLIP, Siglip and Beit image processors are "
                      "supported", where, key, type);
done:
    return st;
}

// What their processors write: what is read here, and what says nothing about the pixels of one picture.
static const char *const hf_known[] = {
    "image_processor_type", "feature_extractor_type", "do_resize", "size", "default_to_square", "resample",
    "do_center_crop", "crop_size", "do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std",
    "do_convert_rgb", "processor_class", "auto_map", "_valid_processor_keys", "_processor_class", "return_tensors",
    "data_format", "input_data_format", "device", "disable_grouping", "image_seq_length", "transformers_version",
    "_name_or_path", "_image_processor_type", "do_reduce_labels", "reduce_labels", NULL
};

// What is done to pictures beside resize, crop, rescale and normalise is not known here.
static vkc_status check_steps(const char *where, json_t *obj)
{
    static const char *const known[] = { "do_resize", "do_center_crop", "do_rescale", "do_normalize",
                                         "do_convert_rgb", "do_reduce_labels" };
    const char *key;
    json_t *v;
    json_object_foreach(obj, key, v) {
        bool is_known = (strncmp(key, "do_", 3) != 0 || !json_is_true(v)) && strcmp(key, "crop_pct") != 0;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            is_known |= strcmp(key, known[i]) == 0;
        if (!is_known && !json_is_null(v))
            return VKC_FAIL(VKC_E_FORMAT, "%s: %.60s is not supported", where,
                            nn_is_printable(key) ? key : "a key with control characters");
    }
    return VKC_OK;
}

static vkc_status read_flag(const char *where, json_t *obj, const char *key, bool otherwise, bool *out)
{
    *out = otherwise;
    return nn_json_has(obj, key) ? nn_json_get_bool(where, obj, key, out) : VKC_OK;
}

// {height, width}, {shortest_edge} or one number.
static vkc_status read_size(const char *where, json_t *obj, const char *key, bool is_square, nn_size *out,
                            bool *is_shortest)
{
    static const char *const known[] = { "height", "width", "shortest_edge", NULL };
    json_t *size;
    vkc_status st;
    *is_shortest = !is_square;
    if (json_is_integer(json_object_get(obj, key))) {
        VKC_TRY(nn_json_get_u32(where, obj, key, 1, MAX_EDGE, &out->height));
        out->width = out->height;
        goto done;
    }
    VKC_TRY(nn_json_get_object(where, obj, key, &size));
    VKC_TRY(nn_json_check_keys(where, size, known));
    *is_shortest = nn_json_has(size, "shortest_edge");
    if (*is_shortest && (nn_json_has(size, "height") || nn_json_has(size, "width")))
        return VKC_FAIL(VKC_E_FORMAT, "%s: %s has shortest_edge and height or width", where, key);
    if (*is_shortest) {
        VKC_TRY(nn_json_get_u32(where, size, "shortest_edge", 1, MAX_EDGE, &out->height));
        out->width = out->height;
        goto done;
    }
    VKC_TRY(nn_json_get_u32(where, size, "height", 1, MAX_EDGE, &out->height));
    VKC_TRY(nn_json_get_u32(where, size, "width", 1, MAX_EDGE, &out->width));
done:
    return st;
}

static vkc_status read_geometry(const char *where, json_t *obj, const processor *p, nn_model_config *c)
{
    nn_size size = { p->size, p->size }, crop = { p->crop, p->crop };
    bool resizes, crops, is_square, is_shortest = !p->is_square, is_edge = false;
    vkc_status st;
    VKC_TRY(read_flag(where, obj, "default_to_square", p->is_square, &is_square));
    VKC_TRY(read_flag(where, obj, "do_resize", true, &resizes));
    VKC_TRY(read_flag(where, obj, "do_center_crop", p->crop > 0, &crops));
    if (nn_json_has(obj, "size"))
        VKC_TRY(read_size(where, obj, "size", is_square, &size, &is_shortest));
    if (crops && (nn_json_has(obj, "crop_size") || p->crop == 0))
        VKC_TRY(read_size(where, obj, "crop_size", true, &crop, &is_edge));
    if (is_edge)
        return VKC_FAIL(VKC_E_FORMAT, "%s: crop_size has a shortest_edge", where);
    const nn_size out = crops ? crop : size;
    if (out.height > MAX_SIDE || out.width > MAX_SIDE)
        return VKC_FAIL(VKC_E_FORMAT, "%s: pictures of %u x %u pixels are too large", where, out.width, out.height);
    if (resizes && is_shortest && !crops)
        return VKC_FAIL(VKC_E_FORMAT, "%s: without a centre crop, shortest_edge gives pictures of different sizes",
                        where);
    c->preprocess.mode = !resizes ? NN_RESIZE_NONE : is_shortest ? NN_RESIZE_SHORTEST : NN_RESIZE_SQUASH;
    if (crops) {
        c->preprocess.crop = crop;
        c->preprocess.resize = resizes ? size : crop;
    }
    if (crops || resizes)
        set_size(c, out);
done:
    return st;
}

static vkc_status read_filter(const char *where, json_t *obj, const processor *p, nn_filter *out)
{
    static const char *const names[] = { "nearest", "lanczos", "bilinear", "bicubic", "box", "hamming" };
    uint32_t code;
    vkc_status st;
    *out = p->filter;
    if (!nn_json_has(obj, "resample"))
        return VKC_OK;
    VKC_TRY(nn_json_get_u32(where, obj, "resample", 0, 5, &code));
    if (code != 2 && code != 3)
        return VKC_FAIL(VKC_E_FORMAT, "%s: resample is %u (%s); 2 (bilinear) and 3 (bicubic) are supported", where,
                        code, names[code]);
    *out = code == 2 ? NN_FILTER_BILINEAR : NN_FILTER_BICUBIC;
done:
    return st;
}

// (255 f x - mean) / std of x in 0 .. 1 is (x - mean / 255 f) / (std / 255 f).
static vkc_status read_values(const char *where, json_t *obj, const processor *p, nn_model_config *c)
{
    static const double zero[3], one[3] = { 1, 1, 1 };
    bool rescales, normalises;
    double factor = 1.0 / 255.0;
    vkc_status st;
    VKC_TRY(read_flag(where, obj, "do_rescale", true, &rescales));
    VKC_TRY(read_flag(where, obj, "do_normalize", true, &normalises));
    if (rescales && nn_json_has(obj, "rescale_factor"))
        VKC_TRY(nn_json_get_number(where, obj, "rescale_factor", 1e-5, 1, &factor));
    if (!rescales)
        factor = 1.0;
    if (normalises) {
        VKC_TRY(read_colors(where, obj, "image_mean", "image_std", p->mean, p->std, c));
    } else {
        memcpy(c->mean, zero, sizeof zero);
        memcpy(c->std, one, sizeof one);
    }
    const double most = 255.0 * factor;
    for (int i = 0; fabs(most - 1.0) > 1e-9 && i < 3; i++) {
        c->mean[i] /= most;
        c->std[i] /= most;
    }
    for (uint32_t i = 0; i < channels_of(c); i++)
        if (!(fabs(c->mean[i]) <= MAX_COLOR && c->std[i] >= 1.0 / MAX_COLOR && c->std[i] <= MAX_COLOR))
            st = VKC_FAIL(VKC_E_FORMAT, "%s: image_mean and image_std do not fit the rescale_factor", where);
done:
    return st;
}

vkc_status nn_preprocess_read_hf(const char *where, json_t *obj, nn_model_config *c)
{
    const processor *p;
    vkc_status st;
    c->preprocess = (nn_preprocess) { .rule = NN_RULE_HF };
    VKC_TRY(check_steps(where, obj));
    nn__unknown_note(where, obj, hf_known, c);
    VKC_TRY(read_processor(where, obj, c, &p));
    VKC_TRY(read_filter(where, obj, p, &c->preprocess.filter));
    VKC_TRY(read_geometry(where, obj, p, c));
    VKC_TRY(read_values(where, obj, p, c));
done:
    return st;
}
