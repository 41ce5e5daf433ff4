// decoder.c — threads take the next picture of a ring of batches; the caller takes the batches out in order.
#include "nn/data/decoder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/image/image.h"

#define SLOTS 3
#define MAX_SLOTS 4096
#define MAX_THREADS 64

typedef struct slot {
    nn_decoded out;
    uint32_t n_done;
} slot;

// What a thread, or the caller, works with, alone.
typedef struct worker {
    nn_decoder *d;
    pthread_t thread;
    uint8_t *rgb, *scratch;
} worker;

struct nn_decoder {
    nn_decoder_params p;
    size_t   rgb_size, pixels_len;  // of a picture: bytes, floats
    slot    *ring;                  // (slots)
    uint8_t *memory;                // of the workers

    pthread_mutex_t lock;           // guards all below, and the counts of the ring
    pthread_cond_t  work, ready;    // there is something to decode; a batch is done, or no thread is busy
    bool     has_lock, has_work, has_ready;
    bool     is_on, is_held, stops; // started; the caller has batch `first`; threads are to end
    uint64_t first;                 // the oldest batch in the ring
    uint64_t claim;                 // batch and place of it that is decoded next, and how many it has; 0 = the end
    uint32_t claim_at, claim_len;
    uint32_t n_busy;                // pictures being decoded
    vkc_status failed;              // what ended the whole
    vkc_failure failure;
    uint32_t n_threads;
    worker   workers[MAX_THREADS + 1];      // the last is the caller
};

static bool is_of_picture(vkc_status st)
{
    return st == VKC_OK || st == VKC_E_FORMAT || st == VKC_E_IO;
}

// The lock is held, and the newest failure of this thread is what ends the whole.
static void fail(nn_decoder *d, vkc_status st)
{
    if (d->failed != VKC_OK)
        return;
    d->failed = st;
    vkc_failure_keep(&d->failure);
}

static void clear_texts(slot *s, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        free(s->out.picture[i].text);
        s->out.picture[i].text = NULL;
    }
}

// The lock is held. A slot is free, and there is a picture for it.
static bool has_work(const nn_decoder *d)
{
    return d->is_on && d->failed == VKC_OK && d->claim_len > 0 && d->claim < d->first + d->p.slots;
}

static void read_picture(nn_decoder *d, const worker *w, slot *s, uint32_t at)
{
    nn_decoded_picture *p = &s->out.picture[at];
    uint8_t *rgb = d->p.rgb ? s->out.rgb + at * d->rgb_size : w->rgb;
    p->st = d->p.source.read(d->p.source.user, s->out.batch, at, w->scratch, rgb);
    if (p->st == VKC_OK) {
        float *pixels = s->out.pixels + at * d->pixels_len;
        nn_image_normalise(rgb, d->rgb_size / 3, d->p.channels, d->p.mean, d->p.std, pixels);
        if (d->p.source.finish != NULL)
            d->p.source.finish(d->p.source.user, s->out.batch, at, pixels);
        return;
    }
    const char *text = vkc_last_error();
    const size_t size = strlen(text) + 1;
    p->text = malloc(size);
    if (p->text != NULL)
        memcpy(p->text, text, size);
}

// Decode the next picture; has_work is true. The lock is held, and given up while working.
static void decode_next(nn_decoder *d, const worker *w)
{
    slot *s = &d->ring[d->claim % d->p.slots];
    const uint32_t at = d->claim_at++;
    if (at == 0) {
        clear_texts(s, s->out.n);
        s->out.batch = d->claim;
        s->out.n = d->claim_len;
        s->n_done = 0;
    }
    if (d->claim_at == d->claim_len) {
        d->claim++;
        d->claim_at = 0;
        d->claim_len = d->p.source.len(d->p.source.user, d->claim);
    }
    d->n_busy++;
    pthread_mutex_unlock(&d->lock);
    read_picture(d, w, s, at);
    pthread_mutex_lock(&d->lock);
    d->n_busy--;
    s->n_done++;
    const nn_decoded_picture *p = &s->out.picture[at];
    if (p->st != VKC_OK && p->text == NULL)
        fail(d, VKC_FAIL(VKC_E_NOMEM, "no memory to say what is wrong with a picture"));
    else if (!is_of_picture(p->st))
        fail(d, p->st);
    if (s->n_done == s->out.n || d->n_busy == 0 || d->failed != VKC_OK)
        pthread_cond_signal(&d->ready);
}

static void *run_worker(void *user)
{
    const worker *w = user;
    nn_decoder *d = w->d;
    pthread_mutex_lock(&d->lock);
    while (!d->stops) {
        if (has_work(d))
            decode_next(d, w);
        else
            pthread_cond_wait(&d->work, &d->lock);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

static vkc_status check(const nn_decoder_params *p)
{
    if (p->source.len == NULL || p->source.read == NULL)
        return VKC_FAIL(VKC_E_ARG, "decoder: no source");
    if (p->batch == 0 || p->batch > 1u << 20 || p->slots > MAX_SLOTS || p->size.height == 0 || p->size.width == 0 ||
        p->size.height > NN_IMAGE_MAX_SIDE || p->size.width > NN_IMAGE_MAX_SIDE)
        return VKC_FAIL(VKC_E_ARG, "decoder: %u batches of %u pictures of %u x %u pixels", p->slots, p->batch,
                        p->size.height, p->size.width);
    if (p->channels != 1 && p->channels != 3)
        return VKC_FAIL(VKC_E_ARG, "decoder: %u channels, want 1 or 3", p->channels);
    if (p->std[0] == 0 || (p->channels == 3 && (p->std[1] == 0 || p->std[2] == 0)))
        return VKC_FAIL(VKC_E_ARG, "decoder: a standard deviation of 0");
    return VKC_OK;
}

static void set_defaults(nn_decoder *d)
{
    nn_decoder_params *p = &d->p;
    p->slots = p->slots > 0 ? p->slots : SLOTS;
    const uint64_t most = (uint64_t) p->slots * p->batch;
    long n = p->threads > 0 ? (long) p->threads : sysconf(_SC_NPROCESSORS_ONLN);
    n = n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
    p->threads = (uint64_t) n > most ? (uint32_t) most : (uint32_t) n;
    d->rgb_size = (size_t) p->size.height * p->size.width * 3;
    d->pixels_len = (size_t) p->size.height * p->size.width * p->channels;
}

// Pages are touched when pictures are decoded into them.
static vkc_status init_memory(nn_decoder *d)
{
    const nn_decoder_params *p = &d->p;
    if (d->pixels_len > SIZE_MAX / sizeof(float) / p->batch)
        return VKC_FAIL(VKC_E_ARG, "a batch of %u pictures of %u x %u pixels is too large", p->batch, p->size.height,
                        p->size.width);
    bool is_short = (d->ring = calloc(p->slots, sizeof *d->ring)) == NULL;
    for (uint32_t i = 0; !is_short && i < p->slots; i++) {
        nn_decoded *o = &d->ring[i].out;
        o->picture = calloc(p->batch, sizeof *o->picture);
        o->pixels = malloc(p->batch * d->pixels_len * sizeof *o->pixels);
        o->rgb = p->rgb ? malloc(p->batch * d->rgb_size) : NULL;
        is_short = o->picture == NULL || o->pixels == NULL || (p->rgb && o->rgb == NULL);
    }
    const size_t each = d->rgb_size + p->scratch;
    d->memory = malloc((p->threads + 1) * each);
    if (is_short || d->memory == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for %u batches of %u pictures of %u x %u pixels", p->slots, p->batch,
                        p->size.height, p->size.width);
    for (uint32_t i = 0; i <= p->threads; i++) {
        worker *w = &d->workers[i < p->threads ? i : MAX_THREADS];
        *w = (worker) { .d = d, .rgb = d->memory + i * each, .scratch = d->memory + i * each + d->rgb_size };
    }
    return VKC_OK;
}

static vkc_status start_threads(nn_decoder *d)
{
    d->has_lock = pthread_mutex_init(&d->lock, NULL) == 0;
    d->has_work = pthread_cond_init(&d->work, NULL) == 0;
    d->has_ready = pthread_cond_init(&d->ready, NULL) == 0;
    if (!d->has_lock || !d->has_work || !d->has_ready)
        return VKC_FAIL(VKC_E_NOMEM, "decoder: no lock to be had");
    while (d->n_threads < d->p.threads &&
           pthread_create(&d->workers[d->n_threads].thread, NULL, run_worker, &d->workers[d->n_threads]) == 0)
        d->n_threads++;
    return VKC_OK;
}

vkc_status nn_decoder_create(const nn_decoder_params *p, nn_decoder **out)
{
    vkc_status st = check(p);
    if (st != VKC_OK)
        return st;
    nn_decoder *d = calloc(1, sizeof *d);
    if (d == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for a decoder");
    d->p = *p;
    set_defaults(d);
    VKC_TRY(init_memory(d));
    VKC_TRY(start_threads(d));
    *out = d, d = NULL;
done:
    nn_decoder_destroy(d);
    return st;
}

void nn_decoder_destroy(nn_decoder *d)
{
    if (d == NULL)
        return;
    if (d->n_threads > 0) {
        pthread_mutex_lock(&d->lock);
        d->stops = true;
        pthread_cond_broadcast(&d->work);
        pthread_mutex_unlock(&d->lock);
        for (uint32_t i = 0; i < d->n_threads; i++)
            pthread_join(d->workers[i].thread, NULL);
    }
    if (d->has_work)
        pthread_cond_destroy(&d->work);
    if (d->has_ready)
        pthread_cond_destroy(&d->ready);
    if (d->has_lock)
        pthread_mutex_destroy(&d->lock);
    for (uint32_t i = 0; d->ring != NULL && i < d->p.slots; i++) {
        slot *s = &d->ring[i];
        if (s->out.picture != NULL)
            clear_texts(s, s->out.n);
        free(s->out.picture);
        free(s->out.pixels);
        free(s->out.rgb);
    }
    free(d->ring);
    free(d->memory);
    free(d);
}

// The lock is held.
static void stop(nn_decoder *d)
{
    d->is_on = false;
    while (d->n_busy > 0)
        pthread_cond_wait(&d->ready, &d->lock);
    d->is_held = false;
}

void nn_decoder_cancel(nn_decoder *d)
{
    pthread_mutex_lock(&d->lock);
    stop(d);
    pthread_mutex_unlock(&d->lock);
}

void nn_decoder_start(nn_decoder *d, uint64_t batch)
{
    pthread_mutex_lock(&d->lock);
    stop(d);
    d->failed = VKC_OK;
    d->first = d->claim = batch;
    d->claim_at = 0;
    d->claim_len = d->p.source.len(d->p.source.user, batch);
    d->is_on = true;
    pthread_cond_broadcast(&d->work);
    pthread_mutex_unlock(&d->lock);
}

// The lock is held.
static void release(nn_decoder *d)
{
    if (!d->is_held)
        return;
    d->is_held = false;
    d->first++;
    pthread_cond_broadcast(&d->work);
}

void nn_decoder_release(nn_decoder *d)
{
    pthread_mutex_lock(&d->lock);
    release(d);
    pthread_mutex_unlock(&d->lock);
}

// Wait until batch `first` is done; false when there is none. The lock is held.
static bool wait_for(nn_decoder *d)
{
    const slot *s = &d->ring[d->first % d->p.slots];
    while (d->failed == VKC_OK) {
        if (d->claim == d->first && d->claim_len == 0)
            return false;
        if (d->claim > d->first && s->n_done == s->out.n)
            return true;
        if (d->claim == d->first)           // some of it is not begun
            decode_next(d, &d->workers[MAX_THREADS]);
        else
            pthread_cond_wait(&d->ready, &d->lock);
    }
    return false;
}

// Pixels of good pictures move up over those of broken ones.
static void pack(nn_decoded *o, size_t len)
{
    o->good = 0;
    for (uint32_t i = 0; i < o->n; i++) {
        o->picture[i].place = o->good;
        if (o->picture[i].st != VKC_OK)
            continue;
        if (o->good < i)
            memcpy(o->pixels + o->good * len, o->pixels + i * len, len * sizeof *o->pixels);
        o->good++;
    }
}

vkc_status nn_decoder_get(nn_decoder *d, const nn_decoded **out)
{
    vkc_status st = VKC_OK;
    *out = NULL;
    pthread_mutex_lock(&d->lock);
    release(d);
    if (!d->is_on)
        st = VKC_FAIL(VKC_E_ARG, "decoder: nothing was started");
    else if (wait_for(d))
        d->is_held = true;
    else if (d->failed != VKC_OK)
        st = vkc_failure_again(d->failed, &d->failure);
    const bool is_held = d->is_held;
    pthread_mutex_unlock(&d->lock);
    if (is_held) {                          // by this caller
        slot *s = &d->ring[d->first % d->p.slots];
        pack(&s->out, d->pixels_len);
        *out = &s->out;
    }
    return st;
}
