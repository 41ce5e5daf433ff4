// recipe_feed.c — batches of another feed, mixed on their way.
#include "nn/train/recipe_feed.h"

#include <stdlib.h>
#include <string.h>

#define ADDED 3                     // fields at most

struct nn_recipe_feed {
    nn_recipe_inputs in;
    nn_feed  from;
    float   *plain;                 // pixels before they are mixed: ordinary memory, since what goes to the device may
                                    // be slow to read; NULL: they stay as they are
    uint64_t epoch;                 // of the next batch
    uint32_t batch;
};

vkc_status nn_recipe_feed_create(const nn_recipe_inputs *in, const nn_feed *from, nn_recipe_feed **out)
{
    const nn_feed_field *pixels = nn_feed_find(from, "pixels");
    const uint32_t len = in->channels * in->height * in->width;
    if (in->labels_b && (!pixels || pixels->shape.dim[1] != len))
        return VKC_FAIL(VKC_E_ARG, "recipe: mixup and cutmix are for pictures of %u x %u x %u, which the data has not",
                        in->channels, in->height, in->width);
    if (from->n_fields + ADDED > NN_MAX_FIELDS)
        return VKC_FAIL(VKC_E_ARG, "recipe: the data has more than %d fields", NN_MAX_FIELDS - ADDED);
    nn_recipe_feed *f = (nn_recipe_feed *) calloc(1, sizeof *f);
    if (f) {
        *f = (nn_recipe_feed) { .in = *in, .from = *from };
        f->plain = in->labels_b ? (float *) calloc((size_t) from->cap * len, sizeof *f->plain) : NULL;
    }
    if (!f || (in->labels_b && !f->plain)) {
        free(f);
        return VKC_FAIL(VKC_E_NOMEM, "recipe: out of host memory");
    }
    *out = f;
    return VKC_OK;
}

void nn_recipe_feed_destroy(nn_recipe_feed *f)
{
    if (!f)
        return;
    free(f->plain);
    free(f);
}

static vkc_status seek(void *self, uint64_t epoch, uint32_t batch)
{
    nn_recipe_feed *f = (nn_recipe_feed *) self;
    const vkc_status st = f->from.seek(f->from.self, epoch, batch);
    if (st == VKC_OK) {
        f->epoch = epoch;
        f->batch = batch;
    }
    return st;
}

static void *wanted(const nn_feed_batch *b, const char *name)
{
    const nn_field *field = nn_feed_wanted(b, name);
    return field ? field->data : NULL;
}

// What is wanted of the feed behind: the fields that it has, pixels where they can be read again.
static nn_feed_batch ask(const nn_recipe_feed *f, const nn_feed_batch *b)
{
    nn_feed_batch from = { .lengths = b->lengths };
    for (uint32_t i = 0; i < b->n_fields; i++) {
        nn_field field = b->field[i];
        if (!nn_feed_find(&f->from, field.name))
            continue;
        if (f->plain && strcmp(field.name, "pixels") == 0)
            field.data = f->plain;
        from.field[from.n_fields++] = field;
    }
    return from;
}

static vkc_status get(void *self, nn_feed_batch *b)
{
    nn_recipe_feed *f = (nn_recipe_feed *) self;
    const uint64_t step = f->epoch * f->from.batches + f->batch + 1;
    float *mixed = (float *) wanted(b, "pixels"), *lambda = (float *) wanted(b, NN_RECIPE_LAMBDA);
    uint32_t *labels_b = (uint32_t *) wanted(b, NN_RECIPE_LABELS_B), *key = (uint32_t *) wanted(b, NN_RECIPE_KEY);
    if (f->plain && (!mixed || !labels_b || !lambda))
        return VKC_FAIL(VKC_E_ARG, "recipe: pictures are mixed, but labels_b and lambda are not read");
    nn_feed_batch from = ask(f, b);
    const vkc_status st = f->from.get(f->from.self, &from);
    if (st != VKC_OK)
        return st;
    b->n = from.n;
    if (f->plain)
        nn_recipe_mix(&f->in, step, b->n, f->plain, (const uint32_t *) wanted(b, "labels"), mixed, labels_b, lambda);
    if (key)
        nn_recipe_key(&f->in, step, key);
    if (++f->batch == f->from.batches) {
        f->batch = 0;
        f->epoch++;
    }
    return VKC_OK;
}

nn_feed nn_recipe_feed_get(nn_recipe_feed *f)
{
    nn_feed feed = f->from;
    feed.self = f;
    feed.seek = seek;
    feed.get = get;
    if (f->in.labels_b) {
        feed.field[feed.n_fields++] =
            (nn_feed_field) { NN_RECIPE_LABELS_B, { 1, { 0 } }, NN_DTYPE_U32, NN_PER_SAMPLE };
        feed.field[feed.n_fields++] = (nn_feed_field) { NN_RECIPE_LAMBDA, { 1, { 0 } }, NN_DTYPE_F32, NN_PER_SAMPLE };
    }
    if (f->in.drop.key)
        feed.field[feed.n_fields++] = (nn_feed_field) { NN_RECIPE_KEY, { 1, { 2 } }, NN_DTYPE_U32, NN_PER_BATCH };
    return feed;
}
