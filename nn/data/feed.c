// feed.c — checks that a feed has the fields that are wanted of it.
#include "nn/data/feed.h"

#include <string.h>

const nn_feed_field *nn_feed_find(const nn_feed *f, const char *name)
{
    for (uint32_t i = 0; i < f->n_fields; i++)
        if (strcmp(f->field[i].name, name) == 0)
            return &f->field[i];
    return NULL;
}

// Bytes of a field in the largest batch.
static size_t most_bytes(const nn_feed *f, const nn_feed_field *field)
{
    nn_shape s = field->shape;
    if (field->rows != NN_PER_BATCH)
        s.dim[0] = field->rows == NN_PER_TOKEN ? f->cap * f->cap_tokens : f->cap;
    return nn_shape_bytes(&s, field->dtype);
}

vkc_status nn_feed_check(const nn_feed *f, const nn_feed_batch *b)
{
    for (uint32_t i = 0; i < b->n_fields; i++) {
        const nn_feed_field *field = nn_feed_find(f, b->field[i].name);
        if (!field)
            return VKC_FAIL(VKC_E_ARG, "the data has no %s, which the graph reads", b->field[i].name);
        if (b->field[i].size < most_bytes(f, field))
            return VKC_FAIL(VKC_E_ARG, "%s of the data is %zu bytes a batch, of the graph %zu", field->name,
                            most_bytes(f, field), b->field[i].size);
    }
    if (f->has_lengths != (b->lengths != NULL))
        return VKC_FAIL(VKC_E_ARG, f->has_lengths ? "samples of the data differ in length, the graph wants all alike"
                                                  : "the data has no lengths, which the graph reads");
    return VKC_OK;
}

vkc_status nn_feed_want(nn_feed_batch *b, const char *name, void *data, size_t size)
{
    if (b->n_fields == NN_MAX_FIELDS)
        return VKC_FAIL(VKC_E_ARG, "feed: more than %d fields", NN_MAX_FIELDS);
    b->field[b->n_fields++] = (nn_field) { name, data, size };
    return VKC_OK;
}

const nn_field *nn_feed_wanted(const nn_feed_batch *b, const char *name)
{
    for (uint32_t i = 0; i < b->n_fields; i++)
        if (strcmp(b->field[i].name, name) == 0)
            return &b->field[i];
    return NULL;
}
