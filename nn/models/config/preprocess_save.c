// preprocess_save.c — pretrained_cfg of timm and preprocessor_config.json of Hugging Face, from a config.
#include "nn/models/config/preprocess_json.h"

#include <jansson.h>
#include <math.h>

#include "nn/base/json.h"

static json_t *build_numbers(const double *x, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        nn_json_append_new(list, json_real(x[i]));
    return list;
}

static json_t *build_size(nn_size s)
{
    return json_pack("{s:i, s:i}", "height", (int) s.height, "width", (int) s.width);
}

// The size that a picture of the model's proportions is resized to before the crop; what either rule asks for.
static nn_size find_resized(const nn_model_config *c)
{
    const nn_size model = { c->height, c->width };
    nn_placement at = { .resized = model };
    nn_preprocess squash = c->preprocess;
    if (squash.mode != NN_RESIZE_NONE) {
        squash.mode = NN_RESIZE_SQUASH;
        if (nn_preprocess_place(&squash, "model", model, model, &at) != VKC_OK)
            return model;
    }
    return at.resized;
}

// The share with the fewest digits of which floor(crop / share) is `resized`.
static double find_crop_pct(uint32_t crop, uint32_t resized)
{
    for (double digits = 10; digits < 1e9; digits *= 10) {
        double pct = floor((double) crop / resized * digits) / digits;
        if (pct > 0 && floor(crop / pct) == resized)
            return pct;
    }
    return (double) crop / resized;
}

json_t *nn_preprocess_json_timm(const nn_model_config *c)
{
    const nn_preprocess *p = &c->preprocess;
    const char *mode = p->mode == NN_RESIZE_SHORTEST ? "center" : p->mode == NN_RESIZE_LONGEST ? "border" : "squash";
    double pct = p->crop_pct > 0 ? p->crop_pct : 1.0;
    if (p->rule != NN_RULE_TIMM)
        pct = fmin(fmax(find_crop_pct(c->height, find_resized(c).height), 0.01), 100);     // what is read again
    return json_pack("{s:[i,i,i], s:b, s:s, s:f, s:s, s:o, s:o}", "input_size", (int) c->channels, (int) c->height,
                     (int) c->width, "fixed_input_size", 1, "interpolation",
                     p->filter == NN_FILTER_BICUBIC ? "bicubic" : "bilinear", "crop_pct", pct, "crop_mode", mode,
                     "mean", build_numbers(c->mean, c->channels), "std", build_numbers(c->std, c->channels));
}

// Each of their processors can say another part: ViT squashes, DeiT crops after that, Bit keeps the aspect and crops.
// A border is beyond all of them; pictures are squashed then.
json_t *nn_preprocess_json_hf(const nn_model_config *c)
{
    const nn_preprocess *p = &c->preprocess;
    const nn_size model = { c->height, c->width }, resized = find_resized(c);
    const bool is_edge = p->mode == NN_RESIZE_SHORTEST, resizes = p->mode != NN_RESIZE_NONE;
    const bool is_same = resized.height == model.height && resized.width == model.width;
    const bool crops = p->mode == NN_RESIZE_SQUASH ? !is_same
        : p->mode == NN_RESIZE_NONE ? p->crop.height > 0 : is_edge;
    const uint32_t edge = resized.height > resized.width ? resized.height : resized.width;
    json_t *size = is_edge ? json_pack("{s:i}", "shortest_edge", (int) edge) : build_size(crops ? resized : model);
    return json_pack("{s:s, s:b, s:o, s:i, s:o*, s:o*, s:b, s:f, s:b, s:o, s:o}", "image_processor_type",
                     is_edge ? "BitImageProcessor" : crops ? "DeiTImageProcessor" : "ViTImageProcessor",
                     "do_resize", (int) resizes, "size", size, "resample", p->filter == NN_FILTER_BICUBIC ? 3 : 2,
                     "do_center_crop", crops ? json_true() : NULL, "crop_size",
                     crops ? nn_json_made(build_size(model)) : NULL,
                     "do_rescale", 1, "rescale_factor", 1.0 / 255.0, "do_normalize", 1,
                     "image_mean", build_numbers(c->mean, c->channels),
                     "image_std", build_numbers(c->std, c->channels));
}
