// model.h — models: loaded, asked what they are, used on pictures, measured, written.
#ifndef PARE_MODEL_H
#define PARE_MODEL_H

#include "pare/data.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PARE_MAX_DEPTH 128          // blocks of a model
#define PARE_ALL_HEADS UINT32_MAX

typedef struct pare_model pare_model;

typedef struct pare_model_options {
    size_t      size;
    uint32_t    height, width;      // of pictures: positions resampled; 0 = the model's own
    const char *class_vectors;      // safetensors with a vector a class, for CLIP and models without a classifier
    const char *preprocess;         // "timm" or "hf": pictures cut as this program would; NULL = as the folder says
    const char *policy;             // "none" = all tokens go through all blocks; NULL = as the model was trained
    const pare_callbacks *callbacks;    // `notice` is told of what was guessed
    uint32_t    pillow;             // 12 or 13: pictures resized to the bytes of this version of Pillow; 0 = 13
} pare_model_options;

static inline pare_model_options pare_model_options_default(void)
{
    pare_model_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    return o;
}

typedef struct pare_model_info {    // texts are the model's
    size_t      size;
    const char *kind;               // "vit", "sequence"
    const char *policy;             // how tokens are pruned: "none", "halting", "topk"
    uint32_t    depth, dim, heads;  // blocks, channels of the residual stream
    uint32_t    classes;            // numbers that come out
    uint32_t    tokens;             // of a sample
    uint32_t    height, width;      // pixels of a picture; 0 in models of other kinds
    uint32_t    has_scores;         // not 0: what comes out are scores of classes, not features
    uint64_t    params;             // numbers that it learned
    uint64_t    macs;               // multiply-adds of a sample, with all its tokens
} pare_model_info;

static inline pare_model_info pare_model_info_default(void)
{
    pare_model_info i;
    memset(&i, 0, sizeof i);
    i.size = sizeof i;
    return i;
}

// Load a model folder: ours, or one of timm, transformers or OpenCLIP; or a file of weights, whose folder has the rest
// if anything has. Behind a # stands which entry of a checkpoint of PyTorch is meant: "last.pth#teacher". `options` may
// be NULL. Close the model before its device. Errors: PARE_E_FILE (with the tensor or key that is wrong), PARE_E_ARG,
// PARE_E_MEMORY, PARE_E_LOST.
PARE_API pare_status pare_model_load(pare_device *device, const char *folder, const pare_model_options *options,
                                     pare_model **out);
// One of random values: "vit:image=64,patch=8,dim=96,depth=6,heads=3,classes=10,mixer=linear", or a name of timm's. Of
// the options size and pillow are read, `class_vectors`, `preprocess` and `policy` must be NULL.
PARE_API pare_status pare_model_create(pare_device *device, const char *architecture, uint64_t seed,
                                       const pare_model_options *options, pare_model **out);
PARE_API void        pare_model_close(pare_model *model);               // NULL is fine

PARE_API pare_status pare_model_get_info(const pare_model *model, pare_model_info *out);
// Name of a class, NULL where the model has none; and what a layer has for attention, "attention",
// "linear:features=hedgehog", NULL beyond the last. The model's.
PARE_API const char *pare_model_label(const pare_model *model, uint32_t class_index);
PARE_API const char *pare_model_mixer(const pare_model *model, uint32_t layer);

typedef struct pare_save_options {
    size_t      size;
    uint32_t    force;              // not 0: in place of a model that is there
    const char *command;            // how the model can be had again, for its provenance; NULL = not known
    uint64_t    seed;               // likewise
} pare_save_options;

static inline pare_save_options pare_save_options_default(void)
{
    pare_save_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    return o;
}

// Write the model as a folder that timm and transformers read too. Figures and provenance that it came with stay.
// `options` may be NULL. A folder that is no model of pare, a link, a device, and the folder that the model is from are
// never written over. Errors: PARE_E_ARG (a model or anything else is there), PARE_E_FILE (or another writes there),
// PARE_E_MEMORY.
PARE_API pare_status pare_model_save(const pare_model *model, const char *folder, const pare_save_options *options);

typedef struct pare_classify_options {
    size_t   size;
    uint32_t top;                   // labels a picture; 0 = 5; no more than there are classes
    uint32_t batch;                 // pictures at once; 0 = 32, fewer where memory is short
    uint32_t threads;               // that decode pictures; 0 = as many as cores
    uint32_t blocks;                // not 0: pare_classified.blocks is wanted
    const pare_callbacks *callbacks;
} pare_classify_options;

static inline pare_classify_options pare_classify_options_default(void)
{
    pare_classify_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    return o;
}

typedef struct pare_top {
    const char *label;              // "class 3" where the model names none
    uint32_t    index;
    double      probability;        // of a softmax; of a sigmoid, where a model's classes do not exclude each other
} pare_top;

typedef struct pare_classified {    // made by the library; what it points to lasts for the callback
    size_t          size;
    size_t          index;          // in the list
    const char     *path;
    pare_status     status;         // PARE_OK; or what is wrong with this picture
    const char     *error;          // in words; "" when nothing is
    uint32_t        n_top;          // 0 when something is wrong
    const pare_top *top;            // best first
    const uint8_t  *rgb;            // (height, width, 3): the picture as it was cut; NULL when something is wrong
    const float    *pixels;         // (channels, height, width): what the model got; likewise
    const uint8_t  *blocks;         // (patches): blocks that each patch went through; likewise, and unless asked for
} pare_classified;

// Called for each picture, in order, from the thread that made the call. Nonzero = go on.
typedef int (*pare_classified_fn)(void *user, const pare_classified *picture);

// The most probable classes of picture files: JPEG, PNG, BMP, and WebP, TIFF and GIF where the library was built with
// them. Pictures are decoded while the device works. A broken picture is no failure of the call. `options` may be NULL.
// Errors: PARE_E_ARG (no scores of classes), PARE_E_MEMORY, PARE_E_LOST, PARE_E_CHECK, PARE_E_STOPPED (either
// callback).
PARE_API pare_status pare_classify(pare_model *model, const char *const *paths, size_t n,
                                   const pare_classify_options *options, pare_classified_fn picture, void *user);

typedef struct pare_evaluate_options {
    size_t      size;
    const char *split;              // "train", "val", "test", "all"; NULL = test, and of a plain folder of classes all,
                                    // unless the model was trained on a part of it
    uint32_t    batch;              // 0 = 128
    uint32_t    limit;              // pictures at most; 0 = all
    uint32_t    threads;            // that decode; 0 = as many as cores
    uint32_t    check_finite;       // not 0: PARE_E_CHECK, with layer and mixer, for a number that is not finite
    const pare_callbacks *callbacks;
    pare_labels labels;             // how class folders are matched with the model's classes
} pare_evaluate_options;

static inline pare_evaluate_options pare_evaluate_options_default(void)
{
    pare_evaluate_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    return o;
}

typedef struct pare_evaluate_result {
    size_t   size;
    double   top1, top5;            // fractions of the pictures
    double   loss;                  // mean cross-entropy, nats
    double   seconds;               // wall time, decoding included
    double   images_per_s;
    uint32_t images, bad;           // judged; broken ones, left out
    uint32_t n_keep;                // blocks of a model that prunes tokens, else 0
    double   keep;                  // share of its patches that a picture enters a block with: mean of blocks, pictures
    double   keep_layer[PARE_MAX_DEPTH];        // (n_keep) the same, block by block
} pare_evaluate_result;

static inline pare_evaluate_result pare_evaluate_result_default(void)
{
    pare_evaluate_result r;
    memset(&r, 0, sizeof r);
    r.size = sizeof r;
    return r;
}

// Accuracy on a split of a data set. A picture of a class is right when the model prefers that class to all of its own.
// `options` may be NULL. Errors: PARE_E_FILE (no usable picture, other classes than the model's),
// PARE_E_ARG, PARE_E_CHECK, PARE_E_MEMORY, PARE_E_LOST, PARE_E_STOPPED.
PARE_API pare_status pare_evaluate(pare_model *model, const pare_data *data, const pare_evaluate_options *options,
                                   pare_evaluate_result *out);

typedef struct pare_sparsity pare_sparsity;

typedef struct pare_sparsity_options {
    size_t      size;
    const char *split;              // "train", "val", "test", "all"; NULL = val; of a plain folder as in
                                    // pare_evaluate_options
    uint32_t    images;             // spread evenly over the split; 0 = 128
    uint32_t    batch;              // 0 = 64
    const pare_callbacks *callbacks;
} pare_sparsity_options;

static inline pare_sparsity_options pare_sparsity_options_default(void)
{
    pare_sparsity_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    return o;
}

// How much of its attention every layer and head needs. Free the result. Errors: as pare_evaluate; PARE_E_UNSUPPORTED
// (more tokens than rows can be sorted).
PARE_API pare_status pare_measure_sparsity(pare_model *model, const pare_data *data,
                                           const pare_sparsity_options *options, pare_sparsity **out);
PARE_API void        pare_sparsity_free(pare_sparsity *sparsity);       // NULL is fine; the model may be closed before

// Name of measure i, "entropy", "gini" ...; NULL beyond the last. Is a larger value sparser?
PARE_API const char *pare_sparsity_measure(uint32_t i);
PARE_API int         pare_sparsity_is_high(uint32_t measure);
PARE_API uint32_t    pare_sparsity_images(const pare_sparsity *sparsity);       // that were measured

// Mean over pictures and queries, and standard deviation, of a head or of PARE_ALL_HEADS (its deviation: the mean of
// theirs). patches_only not 0: over the keys but the class token. NaN for a layer without attention, for one that is
// not there, and for NULL.
PARE_API double      pare_sparsity_get(const pare_sparsity *sparsity, uint32_t layer, uint32_t head, uint32_t measure,
                                       int patches_only);
PARE_API double      pare_sparsity_std(const pare_sparsity *sparsity, uint32_t layer, uint32_t head, uint32_t measure,
                                       int patches_only);

#ifdef __cplusplus
}
#endif
#endif
