// loader.c — the order of pictures in batches, with their labels; a decoder reads them.
#include "nn/data/loader.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/data/decoder.h"
#include "nn/image/image.h"

#define MAX_TEXTS 8
#define TEXT_SIZE 512

// What is known of a picture. BAD: it is counted and its text kept, it is not read again.
enum { UNKNOWN, BUSY, KEPT, BAD };

struct nn_loader {
    nn_loader_params p;
    uint32_t n_images, n_batches;   // of an epoch
    uint32_t n_listed;              // of the split
    size_t   image_size;            // bytes of a picture
    uint8_t *cache;                 // (n_listed, height, width, 3), or NULL
    nn_augmenter augmenter;
    nn_decoder *decoder;
    uint32_t *taken;                // (batch), pictures of the split that the last batch is of
    uint64_t next;                  // number of the batch the caller takes next, from the start of epoch 0
    uint32_t n_bad;
    bool     has_good, has_none;    // some picture was usable; none is
    char     texts[MAX_TEXTS][TEXT_SIZE];
    pthread_mutex_t lock;           // guards `state`
    bool     has_lock;
    uint8_t *state;                 // (n_listed)
};

static uint32_t get_batch_len(const nn_loader *l, uint64_t batch)
{
    uint32_t first = (uint32_t) (batch % l->n_batches) * l->p.batch;
    return l->n_images - first < l->p.batch ? l->n_images - first : l->p.batch;
}

static bool is_past_end(const nn_loader *l, uint64_t batch)
{
    return l->p.epochs > 0 && batch / l->n_batches >= l->p.epochs;
}

uint32_t nn_loader_find(const nn_loader *l, uint64_t batch, uint32_t at)
{
    uint32_t i = (uint32_t) (batch % l->n_batches) * l->p.batch + at;
    if (l->p.shuffle)
        return nn_shuffle_get(l->p.seed, batch / l->n_batches, l->n_listed, i / l->augmenter.repeats);
    bool is_part = l->p.max_images > 0 && l->p.max_images < l->n_listed;
    return is_part ? (uint32_t) ((uint64_t) i * l->n_listed / l->p.max_images) : i;
}

// The number that a picture's augmentation is drawn by. Its first copy has the picture's own.
static uint64_t find_index(const nn_loader *l, uint64_t batch, uint32_t at)
{
    const uint32_t i = (uint32_t) (batch % l->n_batches) * l->p.batch + at;
    return nn_loader_find(l, batch, at) | (uint64_t) (i % l->augmenter.repeats) << 32;
}

static uint64_t find_key(const nn_loader *l, uint64_t batch, uint32_t at)
{
    return nn_augment_key(l->p.seed, batch / l->n_batches, find_index(l, batch, at));
}

static uint32_t get_len(void *user, uint64_t batch)
{
    const nn_loader *l = user;
    return is_past_end(l, batch) ? 0 : get_batch_len(l, batch);
}

static uint8_t change_state(nn_loader *l, uint32_t image, uint8_t from, uint8_t to)
{
    pthread_mutex_lock(&l->lock);
    const uint8_t was = l->state[image];
    if (was == from)
        l->state[image] = to;
    pthread_mutex_unlock(&l->lock);
    return was;
}

// The whole of a picture, of which only a part is resized.
static vkc_status read_crop(const nn_loader *l, uint64_t batch, uint32_t at, uint8_t *out)
{
    const nn_size size = { l->p.height, l->p.width };
    const uint32_t pillow = nn_dataset_pillow(l->p.data);
    nn_image im;
    vkc_status st = nn_dataset_load(l->p.data, l->p.split, nn_loader_find(l, batch, at), batch / l->n_batches, &im);
    if (st == VKC_OK)
        st = nn_augmenter_crop(&l->augmenter, find_key(l, batch, at), &im, size,
                               pillow != 0 ? pillow : l->p.preprocess.pillow, out);
    nn_image_finish(&im);
    return st;
}

// Decode one picture into `work`, or straight into the cache, and augment it into its batch.
static vkc_status read_picture(void *user, uint64_t batch, uint32_t at, uint8_t *work, uint8_t *rgb)
{
    nn_loader *l = user;
    const uint32_t image = nn_loader_find(l, batch, at);
    const uint64_t epoch = batch / l->n_batches;
    // Two epochs may meet in the decoder: a thread that finds the picture busy decodes it for itself.
    const uint8_t known = change_state(l, image, UNKNOWN, l->cache != NULL ? BUSY : UNKNOWN);
    const bool caches = l->cache != NULL && known == UNKNOWN;
    uint8_t *decoded = caches || known == KEPT ? l->cache + image * l->image_size : work;
    if (known == BAD)
        return VKC_E_FORMAT;
    const nn_size size = { l->p.height, l->p.width };
    vkc_status st = VKC_OK;
    if (l->augmenter.has_crop)
        st = read_crop(l, batch, at, decoded);
    else if (known != KEPT)
        st = nn_dataset_read(l->p.data, l->p.split, image, epoch, &l->p.preprocess, size, decoded);
    if (st == VKC_OK) {
        nn_augment_write(&l->p.augment, l->p.seed, epoch, find_index(l, batch, at), size.height, size.width, decoded,
                         rgb);
        nn_augmenter_change(&l->augmenter, find_key(l, batch, at), size, rgb, work);
    }
    if (caches)
        change_state(l, image, BUSY, st == VKC_OK ? KEPT : UNKNOWN);
    return st;
}

static void finish_picture(void *user, uint64_t batch, uint32_t at, float *pixels)
{
    const nn_loader *l = user;
    nn_augmenter_erase(&l->augmenter, find_key(l, batch, at), l->p.channels, (nn_size) { l->p.height, l->p.width },
                       pixels);
}

static vkc_status check(const nn_loader_params *p)
{
    if (p->data == NULL || p->batch == 0 || p->batch > 1u << 20 || p->height == 0 || p->width == 0 ||
        p->height > NN_IMAGE_MAX_SIDE || p->width > NN_IMAGE_MAX_SIDE)
        return VKC_FAIL(VKC_E_ARG, "loader: a batch of %u pictures of %u x %u pixels", p->batch, p->height, p->width);
    if (p->channels != 0 && p->channels != 1 && p->channels != 3)
        return VKC_FAIL(VKC_E_ARG, "loader: %u channels, want 1 or 3", p->channels);
    if (p->augment.shift >= p->height || p->augment.shift >= p->width)
        return VKC_FAIL(VKC_E_ARG, "loader: a shift of %u pixels in a picture of %u x %u", p->augment.shift, p->height,
                        p->width);
    if (p->augment.transpose && p->height != p->width)
        return VKC_FAIL(VKC_E_ARG, "loader: pictures of %u x %u pixels cannot be transposed", p->height, p->width);
    if (p->recipe.aug_repeats > 1 && !p->shuffle)
        return VKC_FAIL(VKC_E_ARG, "loader: pictures in their own order cannot be repeated");
    if (nn_dataset_len(p->data, p->split) == 0)
        return VKC_FAIL(VKC_E_FORMAT, "%s has no %s pictures", nn_dataset_spec(p->data), nn_split_name(p->split));
    return VKC_OK;
}

static void set_defaults(nn_loader *l)
{
    nn_loader_params *p = &l->p;
    if (p->channels == 0)
        p->channels = 3;
    for (int i = 0; p->std[0] == 0 && p->std[1] == 0 && p->std[2] == 0 && i < 3; i++)
        p->mean[i] = 0.5;
    for (int i = 0; i < 3; i++)
        if (p->std[i] == 0)
            p->std[i] = 0.5;
    if (p->cache_bytes == 0)
        p->cache_bytes = (size_t) 1 << 30;
    l->n_listed = nn_dataset_len(p->data, p->split);
    l->n_images = p->max_images > 0 && p->max_images < l->n_listed ? p->max_images : l->n_listed;
    l->n_batches = l->n_images / p->batch + (l->n_images % p->batch > 0 && !p->drop_last);
    l->image_size = (size_t) p->height * p->width * 3;
}

static vkc_status init(nn_loader *l)
{
    const nn_loader_params *p = &l->p;
    const double grey[3] = { p->mean[0], p->mean[0], p->mean[0] };
    vkc_status st = nn_augmenter_init(&l->augmenter, &p->recipe, p->channels == 1 ? grey : p->mean);
    if (st != VKC_OK)
        return st;
    l->p.recipe = (nn_augment_recipe) { .aa = NULL };       // its texts are the caller's
    nn_decoder_params dp = {
        .source = { get_len, read_picture, l, finish_picture }, .batch = p->batch, .threads = p->threads,
        .size = { p->height, p->width }, .channels = p->channels, .scratch = l->image_size,
    };
    memcpy(dp.mean, p->mean, sizeof dp.mean);
    memcpy(dp.std, p->std, sizeof dp.std);
    l->state = calloc(l->n_listed, 1);
    l->taken = calloc(p->batch, sizeof *l->taken);
    if (l->state == NULL || l->taken == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for a list of %u pictures", l->n_listed);
    l->has_lock = pthread_mutex_init(&l->lock, NULL) == 0;
    if (!l->has_lock)
        return VKC_FAIL(VKC_E_NOMEM, "loader: no lock to be had");
    // Pages are touched when a picture is decoded; without the cache everything works, only slower.
    if (!nn_dataset_is_fresh(p->data, p->split) && !l->augmenter.has_crop &&
        l->n_listed <= p->cache_bytes / l->image_size)
        l->cache = malloc(l->n_listed * l->image_size);
    return nn_decoder_create(&dp, &l->decoder);
}

vkc_status nn_loader_create(const nn_loader_params *params, nn_loader **out)
{
    vkc_status st = check(params);
    if (st != VKC_OK)
        return st;
    nn_loader *l = calloc(1, sizeof *l);
    if (l == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for a loader");
    l->p = *params;
    set_defaults(l);
    if (l->n_batches == 0) {
        st = VKC_FAIL(VKC_E_ARG, "loader: %u pictures do not fill a batch of %u", l->n_images, l->p.batch);
        goto done;
    }
    VKC_TRY(init(l));
    nn_decoder_start(l->decoder, 0);
    *out = l, l = NULL;
done:
    nn_loader_destroy(l);
    return st;
}

void nn_loader_destroy(nn_loader *l)
{
    if (l == NULL)
        return;
    nn_decoder_destroy(l->decoder);
    if (l->has_lock)
        pthread_mutex_destroy(&l->lock);
    free(l->cache);
    free(l->state);
    free(l->taken);
    free(l);
}

uint32_t nn_loader_batches(const nn_loader *l)
{
    return l->n_batches;
}

uint32_t nn_loader_images(const nn_loader *l)
{
    uint64_t full = (uint64_t) l->n_batches * l->p.batch;
    return full < l->n_images ? (uint32_t) full : l->n_images;
}

vkc_status nn_loader_seek(nn_loader *l, uint64_t epoch, uint32_t batch)
{
    if (batch >= l->n_batches || epoch > UINT64_MAX / l->n_batches - 2)
        return VKC_FAIL(VKC_E_ARG, "loader: an epoch has %u batches, there is no batch %u", l->n_batches, batch);
    l->next = epoch * l->n_batches + batch;
    nn_decoder_start(l->decoder, l->next);
    return VKC_OK;
}

// Count the broken pictures of a batch that no other has had, and keep what is wrong with the first few.
static void note_bad(nn_loader *l, const nn_decoded *batch)
{
    for (uint32_t i = 0; i < batch->n; i++) {
        if (batch->picture[i].st == VKC_OK)
            continue;
        const uint32_t image = nn_loader_find(l, batch->batch, i);
        pthread_mutex_lock(&l->lock);
        const bool is_new = l->state[image] != BAD;
        l->state[image] = BAD;
        pthread_mutex_unlock(&l->lock);
        if (is_new && l->n_bad < MAX_TEXTS)
            snprintf(l->texts[l->n_bad], TEXT_SIZE, "%s", batch->picture[i].text);
        l->n_bad += is_new;
    }
}

// A whole batch was broken, and nothing good has been seen yet: is there anything?
static vkc_status find_good(nn_loader *l)
{
    vkc_status st = VKC_E_FORMAT;
    uint8_t *rgb = malloc(l->image_size);
    if (rgb == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for a decoded picture");
    for (uint32_t i = 0; i < l->n_listed && st != VKC_OK; i++)
        if (change_state(l, i, UNKNOWN, UNKNOWN) != BAD)
            st = nn_dataset_read(l->p.data, l->p.split, i, 0, &l->p.preprocess, (nn_size) { l->p.height, l->p.width },
                                 rgb);
    free(rgb);
    l->has_good = st == VKC_OK;
    l->has_none = st != VKC_OK;
    return VKC_OK;
}

vkc_status nn_loader_get(nn_loader *l, float *pixels, uint32_t *labels, uint32_t *n)
{
    const nn_decoded *batch = NULL;
    vkc_status st = VKC_OK;
    if (is_past_end(l, l->next))
        return VKC_FAIL(VKC_E_ARG, "loader: all %u epochs have been read", l->p.epochs);
    if (!l->has_none)
        VKC_TRY(nn_decoder_get(l->decoder, &batch));
    if (batch != NULL) {
        note_bad(l, batch);
        l->has_good |= batch->good > 0;
        if (!l->has_good)
            VKC_TRY(find_good(l));
    }
    if (batch == NULL || l->has_none)
        return VKC_FAIL(VKC_E_FORMAT, "no usable image in %s: %s", nn_dataset_spec(l->p.data), l->texts[0]);
    memcpy(pixels, batch->pixels, batch->good * (size_t) l->p.height * l->p.width * l->p.channels * sizeof *pixels);
    for (uint32_t i = 0; i < batch->n; i++)
        if (batch->picture[i].st == VKC_OK)
            l->taken[batch->picture[i].place] = nn_loader_find(l, l->next, i);
    for (uint32_t i = 0; labels != NULL && i < batch->good; i++)
        labels[i] = nn_dataset_label(l->p.data, l->p.split, l->taken[i]);
    *n = batch->good;
    nn_decoder_release(l->decoder);
    l->next++;
done:
    return st;
}

uint32_t nn_loader_taken(const nn_loader *l, uint32_t i)
{
    return l->taken[i];
}

uint32_t nn_loader_bad(nn_loader *l)
{
    return l->n_bad;
}

const char *nn_loader_bad_text(nn_loader *l, uint32_t i)
{
    return i < MAX_TEXTS && i < l->n_bad ? l->texts[i] : NULL;
}

nn_augment_params nn_augment_default(const nn_dataset *data, uint32_t height, uint32_t width)
{
    if (nn_dataset_is_oriented(data))       // and drawn for its own grid of patches
        return (nn_augment_params) { .shift = 0 };
    return (nn_augment_params) { .flip_h = true, .flip_v = true, .transpose = height == width,
                                  .shift = (height < width ? height : width) / 16 };
}
