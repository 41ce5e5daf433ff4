// batch.c — the layouts of a batch, written and freed.
#include "nn/models/batch.h"

vkc_status nn_batch_write(vkc_device *dev, nn_batch *b, uint32_t n)
{
    vkc_status st = nn_rows_write_dense(dev, b->samples, n);
    if (st == VKC_OK && b->patches)
        st = nn_rows_write_dense(dev, b->patches, n);
    return st == VKC_OK ? nn_rows_write_dense(dev, b->tokens, n) : st;
}

vkc_status nn_batch_write_lengths(vkc_device *dev, nn_batch *b, uint32_t n, const uint32_t *lengths)
{
    if (!lengths)
        return nn_batch_write(dev, b, n);
    if (b->patches)
        return VKC_FAIL(VKC_E_ARG, "batch: pictures are all of one length");
    const vkc_status st = nn_rows_write_dense(dev, b->samples, n);
    return st == VKC_OK ? nn_rows_write(dev, b->tokens, n, lengths, NULL) : st;
}

void nn_batch_finish(nn_batch *b)
{
    nn_rows_destroy(b->samples);
    nn_rows_destroy(b->patches);
    nn_rows_destroy(b->tokens);
    for (uint32_t l = 0; l < NN_MAX_DEPTH; l++)
        nn_rows_destroy(b->kept[l]);
    *b = (nn_batch) { 0 };
}
