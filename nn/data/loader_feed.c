// loader_feed.c — batches of a loader under the names of their fields.
#include "nn/data/loader_feed.h"

static vkc_status seek(void *self, uint64_t epoch, uint32_t batch)
{
    return nn_loader_seek((nn_loader *) self, epoch, batch);
}

static vkc_status get(void *self, nn_feed_batch *b)
{
    const nn_field *pixels = nn_feed_wanted(b, "pixels"), *labels = nn_feed_wanted(b, "labels");
    if (!pixels)
        return VKC_FAIL(VKC_E_ARG, "loader: pictures whose pixels are not asked for");
    return nn_loader_get((nn_loader *) self, (float *) pixels->data, labels ? (uint32_t *) labels->data : NULL, &b->n);
}

nn_feed nn_loader_feed(nn_loader *l, const nn_loader_params *p)
{
    const uint32_t channels = p->channels ? p->channels : 3;
    return (nn_feed) {
        .self = l, .cap = p->batch, .batches = nn_loader_batches(l), .seek = seek, .get = get, .n_fields = 2,
        .field = {
            { "pixels", { 2, { 0, channels * p->height * p->width } }, NN_DTYPE_F32, NN_PER_SAMPLE },
            { "labels", { 1, { 0 } }, NN_DTYPE_U32, NN_PER_SAMPLE },
        },
    };
}
