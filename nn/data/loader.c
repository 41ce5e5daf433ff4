// loader.c — worker threads fill a ring of batches; the caller takes them out in order.
#include "nn/data/loader.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/image/image.h"

#define RING 3                      // batches decoded ahead
#define MAX_THREADS 64
#define MAX_TEXTS 8
#define TEXT_SIZE 512

enum { UNKNOWN, BUSY, KEPT, BAD };  // what is known of a picture

typedef struct slot {
    uint32_t n_done;
    uint8_t *rgb;                   // (batch, height, width, 3)
    uint8_t *is_good;               // (batch)
    uint32_t *labels;               // (batch)
} slot;

struct nn_loader {
    nn_loader_params p;
    uint32_t n_images, n_batches;   // of an epoch
    uint32_t n_listed;              // of the split
    size_t   image_size;            // bytes of a picture
    uint8_t *cache;                 // (n_listed, height, width, 3), or NULL
    slot     ring[RING];

    pthread_mutex_t lock;           // guards all below, state and the counts of the ring
    pthread_cond_t  work, ready;    // there is something to decode; a batch or a worker is done
    bool     has_sync;
    uint64_t next;                  // number of the batch the caller takes next, from the start of epoch 0
    uint64_t claim;                 // batch and place of it that is decoded next
    uint32_t claim_at;
    uint32_t n_busy;                // pictures being decoded
    bool     stops;
    uint8_t *state;                 // (n_listed)
    uint32_t n_bad;
    bool     has_good;              // some picture was usable
    char     texts[MAX_TEXTS][TEXT_SIZE];
    vkc_status failed;              // what stopped a worker for good
    vkc_failure failure;
    pthread_t threads[MAX_THREADS];
    uint32_t n_threads;
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
        return nn_shuffle_get(l->p.seed, batch / l->n_batches, l->n_listed, i);
    bool is_part = l->p.max_images > 0 && l->p.max_images < l->n_listed;
    return is_part ? (uint32_t) ((uint64_t) i * l->n_listed / l->p.max_images) : i;
}

// The lock is held.
static void note_failure(nn_loader *l, uint32_t image, vkc_status st)
{
    if (st != VKC_E_FORMAT && st != VKC_E_IO) {         // memory is short: not the picture's fault
        if (l->failed == VKC_OK) {
            l->failed = st;
            vkc_failure_keep(&l->failure);
        }
        return;
    }
    if (l->state[image] != BAD) {
        if (l->n_bad < MAX_TEXTS)
            snprintf(l->texts[l->n_bad], TEXT_SIZE, "%s", vkc_last_error());
        l->n_bad++;
        l->state[image] = BAD;
    }
}

// Decode one picture into `work`, or straight into the cache, and augment it into its slot. Called with the
// lock held, which is given up while working.
static void fill(nn_loader *l, uint64_t batch, uint32_t at, uint8_t *work)
{
    uint32_t image = nn_loader_find(l, batch, at);
    uint64_t epoch = batch / l->n_batches;
    slot *s = &l->ring[batch % RING];
    uint8_t known = l->state[image], *decoded = work;
    // Two epochs may meet in the ring: whoever finds the picture busy decodes it for itself.
    if (l->cache != NULL && known != BAD && known != BUSY)
        decoded = l->cache + image * l->image_size;
    if (decoded != work && known == UNKNOWN)
        l->state[image] = BUSY;
    pthread_mutex_unlock(&l->lock);

    vkc_status st = VKC_OK;
    if (known != BAD && known != KEPT)
        st = nn_dataset_read(l->p.data, l->p.split, image, epoch, &l->p.preprocess,
                             (nn_size) { l->p.height, l->p.width }, decoded);
    if (known != BAD && st == VKC_OK)
        nn_augment_write(&l->p.augment, l->p.seed, epoch, image, l->p.height, l->p.width, decoded,
                         s->rgb + at * l->image_size);

    pthread_mutex_lock(&l->lock);
    if (decoded != work && known == UNKNOWN && l->state[image] == BUSY)
        l->state[image] = st == VKC_OK ? KEPT : UNKNOWN;
    if (st != VKC_OK)
        note_failure(l, image, st);
    s->is_good[at] = known != BAD && st == VKC_OK;
    l->has_good |= s->is_good[at];
    s->labels[at] = nn_dataset_label(l->p.data, l->p.split, image);
    s->n_done++;
}

static void *run_worker(void *user)
{
    nn_loader *l = user;
    uint8_t *work = malloc(l->image_size);
    pthread_mutex_lock(&l->lock);
    if (work == NULL && l->failed == VKC_OK) {
        l->failed = VKC_E_NOMEM;
        VKC_FAIL(l->failed, "no memory for a decoded picture");
        vkc_failure_keep(&l->failure);
    }
    while (!l->stops && work != NULL) {
        if (l->claim >= l->next + RING || is_past_end(l, l->claim)) {
            pthread_cond_wait(&l->work, &l->lock);
            continue;
        }
        uint64_t batch = l->claim;
        uint32_t at = l->claim_at++;
        if (at == 0)
            l->ring[batch % RING].n_done = 0;
        if (l->claim_at == get_batch_len(l, batch)) {
            l->claim++;
            l->claim_at = 0;
        }
        l->n_busy++;
        fill(l, batch, at, work);
        l->n_busy--;
        pthread_cond_signal(&l->ready);
    }
    pthread_mutex_unlock(&l->lock);
    free(work);
    return NULL;
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
    long cores = p->threads > 0 ? (long) p->threads : sysconf(_SC_NPROCESSORS_ONLN);
    p->threads = cores < 1 ? 1 : cores > MAX_THREADS ? MAX_THREADS : (uint32_t) cores;
    l->n_listed = nn_dataset_len(p->data, p->split);
    l->n_images = p->max_images > 0 && p->max_images < l->n_listed ? p->max_images : l->n_listed;
    l->n_batches = l->n_images / p->batch + (l->n_images % p->batch > 0 && !p->drop_last);
    l->image_size = (size_t) p->height * p->width * 3;
}

static vkc_status init_memory(nn_loader *l)
{
    bool is_short = false;
    if (l->image_size > SIZE_MAX / l->p.batch)
        return VKC_FAIL(VKC_E_ARG, "loader: a batch of %u pictures is too large", l->p.batch);
    for (int i = 0; i < RING; i++) {
        slot *s = &l->ring[i];
        s->rgb = malloc(l->p.batch * l->image_size);
        s->is_good = malloc(l->p.batch);
        s->labels = malloc(l->p.batch * sizeof *s->labels);
        is_short |= s->rgb == NULL || s->is_good == NULL || s->labels == NULL;
    }
    l->state = calloc(l->n_listed, 1);
    if (is_short || l->state == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for batches of %u pictures of %u x %u pixels", l->p.batch,
                        l->p.height, l->p.width);
    // Pages are touched when a picture is decoded; without the cache everything works, only slower.
    if (!nn_dataset_is_fresh(l->p.data, l->p.split) && l->n_listed <= l->p.cache_bytes / l->image_size)
        l->cache = malloc(l->n_listed * l->image_size);
    return VKC_OK;
}

static vkc_status start(nn_loader *l)
{
    if (pthread_mutex_init(&l->lock, NULL) != 0)
        return VKC_FAIL(VKC_E_NOMEM, "loader: no lock to be had");
    if (pthread_cond_init(&l->work, NULL) != 0 || pthread_cond_init(&l->ready, NULL) != 0)
        return VKC_FAIL(VKC_E_NOMEM, "loader: no lock to be had");
    l->has_sync = true;
    for (uint32_t i = 0; i < l->p.threads; i++) {
        if (pthread_create(&l->threads[i], NULL, run_worker, l) != 0)
            break;
        l->n_threads++;
    }
    return l->n_threads > 0 ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "loader: no thread could be started");
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
    VKC_TRY(init_memory(l));
    VKC_TRY(start(l));
    *out = l, l = NULL;
done:
    nn_loader_destroy(l);
    return st;
}

void nn_loader_destroy(nn_loader *l)
{
    if (l == NULL)
        return;
    if (l->has_sync) {
        pthread_mutex_lock(&l->lock);
        l->stops = true;
        pthread_cond_broadcast(&l->work);
        pthread_mutex_unlock(&l->lock);
        for (uint32_t i = 0; i < l->n_threads; i++)
            pthread_join(l->threads[i], NULL);
        pthread_cond_destroy(&l->work);
        pthread_cond_destroy(&l->ready);
        pthread_mutex_destroy(&l->lock);
    }
    for (int i = 0; i < RING; i++) {
        free(l->ring[i].rgb);
        free(l->ring[i].is_good);
        free(l->ring[i].labels);
    }
    free(l->cache);
    free(l->state);
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
    pthread_mutex_lock(&l->lock);
    l->claim = UINT64_MAX;                      // nobody begins anything
    while (l->n_busy > 0)
        pthread_cond_wait(&l->ready, &l->lock);
    l->next = l->claim = epoch * l->n_batches + batch;
    l->claim_at = 0;
    for (int i = 0; i < RING; i++)
        l->ring[i].n_done = 0;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return VKC_OK;
}

// A whole batch was broken, and nothing good has been seen yet: is there anything? The lock is held.
static vkc_status find_good(nn_loader *l)
{
    vkc_status st = VKC_E_FORMAT;
    uint8_t *rgb = malloc(l->image_size);
    if (rgb == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for a decoded picture");
    for (uint32_t i = 0; i < l->n_listed && st != VKC_OK; i++)
        st = l->state[i] == BAD ? VKC_E_FORMAT
                                : nn_dataset_read(l->p.data, l->p.split, i, 0, &l->p.preprocess,
                                                  (nn_size) { l->p.height, l->p.width }, rgb);
    free(rgb);
    l->has_good = st == VKC_OK;
    if (st == VKC_OK)
        return VKC_OK;
    return VKC_FAIL(VKC_E_FORMAT, "no usable image in %s: %s", nn_dataset_spec(l->p.data), l->texts[0]);
}

// The lock is held.
static vkc_status wait_for(nn_loader *l)
{
    if (is_past_end(l, l->next))
        return VKC_FAIL(VKC_E_ARG, "loader: all %u epochs have been read", l->p.epochs);
    slot *s = &l->ring[l->next % RING];
    uint32_t want = get_batch_len(l, l->next);
    while (l->failed == VKC_OK && (l->claim <= l->next || s->n_done < want))
        pthread_cond_wait(&l->ready, &l->lock);
    if (l->failed != VKC_OK)
        return vkc_failure_again(l->failed, &l->failure);
    return l->has_good ? VKC_OK : find_good(l);
}

vkc_status nn_loader_get(nn_loader *l, float *pixels, uint32_t *labels, uint32_t *n)
{
    pthread_mutex_lock(&l->lock);
    vkc_status st = wait_for(l);
    pthread_mutex_unlock(&l->lock);
    if (st != VKC_OK)
        return st;
    // A finished batch is nobody else's until `next` moves on.
    const slot *s = &l->ring[l->next % RING];
    uint32_t len = get_batch_len(l, l->next), good = 0;
    size_t picture = (size_t) l->p.height * l->p.width * l->p.channels;
    for (uint32_t i = 0; i < len; i++) {
        if (!s->is_good[i])
            continue;
        nn_image_normalise(s->rgb + i * l->image_size, l->image_size / 3, l->p.channels, l->p.mean, l->p.std,
                           pixels + good * picture);
        if (labels)
            labels[good] = s->labels[i];
        good++;
    }
    *n = good;
    pthread_mutex_lock(&l->lock);
    l->next++;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return VKC_OK;
}

uint32_t nn_loader_bad(nn_loader *l)
{
    pthread_mutex_lock(&l->lock);
    uint32_t n = l->n_bad;
    pthread_mutex_unlock(&l->lock);
    return n;
}

const char *nn_loader_bad_text(nn_loader *l, uint32_t i)
{
    return i < MAX_TEXTS && i < nn_loader_bad(l) ? l->texts[i] : NULL;
}

nn_augment_params nn_augment_default(const nn_dataset *data, uint32_t height, uint32_t width)
{
    if (nn_dataset_is_oriented(data))       // and drawn for its own grid of patches
        return (nn_augment_params) { .shift = 0 };
    return (nn_augment_params) { .flip_h = true, .flip_v = true, .transpose = height == width,
                                  .shift = (height < width ? height : width) / 16 };
}
