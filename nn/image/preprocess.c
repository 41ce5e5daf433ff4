// preprocess.c — sizes and offsets by the two programs' rules, and the resize, crop and pad that follow from them.
//
// Sources: timm, data/transforms_factory.py (transforms_imagenet_eval) and data/transforms.py (ResizeKeepRatio,
// CenterCropOrPad); torchvision, transforms/functional.py (_compute_resized_output_size, center_crop); transformers,
// image_transforms.py (get_resize_output_image_size, center_crop).
#include "nn/image/preprocess.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "nn/image/image.h"
#include "nn/image/resample.h"

static bool is_same(nn_size a, nn_size b)
{
    return a.height == b.height && a.width == b.width;
}

// `size` grows with the model as `at` does from `from`; rounded.
static double scale_edge(uint32_t size, uint32_t at, uint32_t from)
{
    return (double) (((uint64_t) size * at + from / 2) / from);
}

typedef struct edges { double height, width; } edges;      // whole numbers

// What the picture is resized for, before its aspect counts. timm floors; for Hugging Face the files name sizes.
static edges find_edges(const nn_preprocess *p, nn_size model)
{
    const double pct = p->crop_pct > 0 ? p->crop_pct : 1.0;
    if (p->rule == NN_RULE_TIMM)
        return (edges) { floor(model.height / pct), floor(model.width / pct) };
    if (p->resize.height == 0 || p->resize.width == 0 || p->crop.height == 0 || p->crop.width == 0)
        return (edges) { model.height, model.width };
    edges e = { scale_edge(p->resize.height, model.height, p->crop.height),
                scale_edge(p->resize.width, model.width, p->crop.width) };
    if (p->mode == NN_RESIZE_SHORTEST)                     // one number for both
        e.height = e.width = e.height > e.width ? e.height : e.width;
    return e;
}

// The shorter edge to `edge`; the longer one is truncated.
static edges fit_shortest(nn_size picture, double edge)
{
    if (picture.width <= picture.height)
        return (edges) { trunc(edge * picture.height / picture.width), edge };
    return (edges) { edge, trunc(edge * picture.width / picture.height) };
}

// Inside (longest) or around a frame; both edges are rounded, halves to even.
static edges fit_ratio(nn_size picture, edges frame, bool is_longest)
{
    double tall = picture.height / frame.height, wide = picture.width / frame.width;
    double ratio = (tall > wide) == is_longest ? tall : wide;
    return (edges) { rint(picture.height / ratio), rint(picture.width / ratio) };
}

static double at_least_one(double edge)
{
    return edge < 1.0 ? 1.0 : edge;
}

// Where a centre crop of `model` begins in an edge of `resized`, < 0 when that is shorter. timm's crop rounds halves
// to even and pads the lesser half first; Hugging Face's floors both.
static int64_t find_offset(int64_t resized, int64_t model, nn_rule rule)
{
    const int64_t missing = model - resized;
    if (rule == NN_RULE_TIMM)
        return missing > 0 ? -(missing / 2) : (int64_t) rint((double) -missing / 2.0);
    return missing > 0 ? -((missing + 1) / 2) : -missing / 2;
}

vkc_status nn_preprocess_place(const nn_preprocess *p, const char *name, nn_size picture, nn_size model,
                               nn_placement *out)
{
    if (picture.height == 0 || picture.width == 0 || model.height == 0 || model.width == 0)
        return VKC_FAIL(VKC_E_ARG, "%s: a picture of %u x %u pixels for a model of %u x %u", name, picture.width,
                        picture.height, model.width, model.height);
    if (p->mode == NN_RESIZE_NONE && p->crop.height == 0 && !is_same(picture, model))
        return VKC_FAIL(VKC_E_FORMAT, "%s has %u x %u pixels; the model takes pictures as they are, of %u x %u", name,
                        picture.width, picture.height, model.width, model.height);
    edges e = find_edges(p, model);
    e = (edges) { at_least_one(e.height), at_least_one(e.width) };
    const bool is_frame = p->rule == NN_RULE_TIMM && e.height != e.width;
    out->filter = p->filter;
    if (p->mode == NN_RESIZE_SHORTEST && is_frame) {
        e = fit_ratio(picture, e, false);
    } else if (p->mode == NN_RESIZE_SHORTEST) {
        e = fit_shortest(picture, e.height);
    } else if (p->mode == NN_RESIZE_LONGEST) {
        e = fit_ratio(picture, e, true);
    } else if (p->mode == NN_RESIZE_NONE) {
        e = (edges) { picture.height, picture.width };
    }
    if (e.height > INT32_MAX || e.width > INT32_MAX)
        return VKC_FAIL(VKC_E_FORMAT, "%s has %u x %u pixels, too long and thin to be resized", name, picture.width,
                        picture.height);
    out->resized = (nn_size) { (uint32_t) at_least_one(e.height), (uint32_t) at_least_one(e.width) };
    out->top = find_offset(out->resized.height, model.height, p->rule);
    out->left = find_offset(out->resized.width, model.width, p->rule);
    return VKC_OK;
}

// The part of an edge that both pictures have: `len` pixels, from `from` on in the resized one, `to` in the model's.
static uint32_t find_overlap(int64_t offset, uint32_t resized, uint32_t model, uint32_t *from, uint32_t *to)
{
    *from = offset > 0 ? (uint32_t) offset : 0;
    *to = offset < 0 ? (uint32_t) -offset : 0;
    return resized - *from < model - *to ? resized - *from : model - *to;
}

static void fill(uint8_t *rgb, size_t n, const uint8_t color[3])
{
    for (size_t i = 0; i < n; i++)
        memcpy(rgb + 3 * i, color, 3);
}

vkc_status nn_preprocess_run(const nn_preprocess *p, const char *name, const nn_image *im, nn_size model, uint8_t *rgb)
{
    const nn_size picture = { im->height, im->width };
    nn_placement at;
    nn_window w;
    uint32_t top, left;
    vkc_status st = nn_preprocess_place(p, name, picture, model, &at);
    if (st != VKC_OK)
        return st;
    if (is_same(picture, model) && is_same(picture, at.resized)) {
        memcpy(rgb, im->rgb, (size_t) model.height * model.width * 3);
        return VKC_OK;
    }
    w.height = find_overlap(at.top, at.resized.height, model.height, &w.top, &top);
    w.width = find_overlap(at.left, at.resized.width, model.width, &w.left, &left);
    if (w.height < model.height || w.width < model.width)
        fill(rgb, (size_t) model.height * model.width, p->fill);
    const size_t stride = (size_t) model.width * 3;
    return nn_resample(im->rgb, picture, at.resized, at.filter, p->pillow, &w, rgb + top * stride + (size_t) left * 3,
                       stride);
}
