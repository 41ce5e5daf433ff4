// logits.c — pixels and logits of a split into a file: pictures go to the disk batch by batch, as they are run.
#include "apps/cli/commands/logits.h"

#include "nn/models/picture_loader.h"
#include "nn/infer/infer.h"
#include "nn/data/loader.h"
#include "nn/checkpoint/safetensors.h"

#include <stdlib.h>
#include <string.h>

typedef struct stream {
    nn_loader *l;
    nn_infer  *inf;
    float     *pixels, *logits;     // (batch, len), (n, classes)
    size_t     len;                 // floats of a picture
    uint32_t   classes, n, done;    // pictures wanted, and run so far
    size_t     at, size;            // bytes of `pixels` that are written, and that there are
} stream;

static vkc_status run_batch(stream *s)
{
    uint32_t there = 0;
    if (console_is_stopped())
        return VKC_FAIL(VKC_E_STOPPED, "--logits: stopped after %u images", s->done);
    vkc_status st = nn_loader_get(s->l, s->pixels, NULL, &there);
    if (st == VKC_OK && there > s->n - s->done)
        there = s->n - s->done;
    if (st == VKC_OK && there > 0)
        st = nn_infer_run(s->inf, s->pixels, there, s->logits + (size_t) s->done * s->classes);
    s->done += there;
    s->at = 0;
    s->size = there * s->len * sizeof *s->pixels;
    if (st == VKC_E_ARG)            // the loader's word for an epoch that is over
        st = VKC_FAIL(VKC_E_FORMAT, "--logits: %u images were judged, %u could be read again", s->n, s->done);
    return st;
}

// The next bytes of all pictures: they are asked for in order.
static vkc_status read_pixels(void *user, uint64_t offset, void *out, size_t size)
{
    stream *s = user;
    (void) offset;
    for (size_t filled = 0; filled < size;) {
        if (s->at == s->size) {
            vkc_status st = run_batch(s);
            if (st != VKC_OK)
                return st;
        }
        const size_t left = s->size - s->at, n = left < size - filled ? left : size - filled;
        memcpy((unsigned char *) out + filled, (const unsigned char *) s->pixels + s->at, n);
        s->at += n;
        filled += n;
    }
    return VKC_OK;
}

vkc_status logits_save(const nn_model *m, const nn_dataset *data, nn_split split, const data_args *d, uint32_t n,
                       const char *path)
{
    const nn_model_config *c = &m->cfg;
    stream s = { .len = nn_model_config_pixels(c), .classes = c->classes, .n = n };
    nn_loader_params p = nn_loader_params_of(c, data, split, d->batch);
    vkc_status st;
    p.threads = d->threads;
    p.max_images = d->limit;
    p.epochs = 1;
    s.pixels = (float *) malloc(d->batch * s.len * sizeof *s.pixels);
    s.logits = (float *) malloc((size_t) n * c->classes * sizeof *s.logits);
    if (!s.pixels || !s.logits) {
        st = VKC_FAIL(VKC_E_NOMEM, "--logits: out of host memory");
        goto done;
    }
    VKC_TRY(nn_loader_create(&p, &s.l));
    VKC_TRY(nn_infer_create(m, d->batch, &s.inf));
    const nn_st_save tensors[] = {  // the logits are complete when the pixels are written
        { .name = "pixels", .dtype = NN_ST_F32, .rank = 4, .shape = { n, c->channels, c->height, c->width },
          .read = read_pixels, .user = &s },
        { .name = "logits", .dtype = NN_ST_F32, .rank = 2, .shape = { n, c->classes }, .data = s.logits },
    };
    st = nn_safetensors_save(path, tensors, sizeof tensors / sizeof tensors[0], NULL, 0);
done:
    nn_infer_destroy(s.inf);
    nn_loader_destroy(s.l);
    free(s.logits);
    free(s.pixels);
    return st;
}
