// feed.h — where batches come from: named fields, written into host memory that the caller has.
//
// A loader of pictures is one feed (nn/data/loader_feed.h), a set of token sequences another; one feed may wrap another
// (nn/train/recipe_feed.h). Training (nn/train/fit.h) and evaluation (nn/infer/eval.h) know no more of their data than
// this. Batch k of epoch e is a pure function of what the feed was made with, of e and of k, so that a run can go on
// where it was stopped.
//
//   nn_feed_check once; seek(self, epoch, batch); then get(self, &batch) for one batch after the other
// Thread-safety: one caller at a time per feed.
#ifndef NN_FEED_H
#define NN_FEED_H

#include "nn/graph/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_MAX_FIELDS 16

typedef enum {
    NN_PER_SAMPLE,                  // a row a sample: pixels, labels
    NN_PER_TOKEN,                   // a row a token, those of one sample after the other: ids
    NN_PER_BATCH                    // one value of the whole batch: a key
} nn_field_rows;

typedef struct nn_feed_field {      // what a feed has
    const char *name;               // lives as long as the feed
    nn_shape    shape;              // dim[0] is 0 where it counts samples or tokens, as in nn_graph_input
    nn_dtype    dtype;
    nn_field_rows rows;
} nn_feed_field;

typedef struct nn_field {           // where a batch is to have it
    const char *name;
    void       *data;               // host memory, which may be slow to read
    size_t      size;               // bytes of it
} nn_field;

typedef struct nn_feed_batch {
    nn_field  field[NN_MAX_FIELDS]; // wanted
    uint32_t  n_fields;
    uint32_t *lengths;              // (cap) tokens of each sample; NULL = not wanted
    uint32_t  n;                    // out: samples written, at most cap
} nn_feed_batch;

typedef struct nn_feed {
    void    *self;                  // of the two functions; owned by the maker of the feed
    uint32_t cap;                   // samples of a batch at most
    uint32_t cap_tokens;            // tokens of a sample at most; 0 = no field has a row a token
    uint32_t batches;               // of an epoch
    bool     has_lengths;           // samples differ in their numbers of tokens
    nn_feed_field field[NN_MAX_FIELDS];
    uint32_t n_fields;
    // Go on with this batch. Errors: E_ARG beyond the last batch of an epoch.
    vkc_status (*seek)(void *self, uint64_t epoch, uint32_t batch);
    // Wait for the next batch and write what is wanted of it. After the last batch of an epoch comes the first of the
    // next. b->n is less than cap where samples are missing or broken; it may be 0. Errors: E_FORMAT no sample is
    // usable, E_NOMEM, E_IO.
    vkc_status (*get)(void *self, nn_feed_batch *b);
} nn_feed;

const nn_feed_field *nn_feed_find(const nn_feed *f, const char *name);      // NULL = it has none of that name
// E_ARG with a sentence unless the feed has all that is wanted, there is room for its largest batch, and lengths are
// wanted where it has them.
vkc_status nn_feed_check(const nn_feed *f, const nn_feed_batch *b);
// Room for a field of `size` bytes. E_ARG for more than NN_MAX_FIELDS.
vkc_status nn_feed_want(nn_feed_batch *b, const char *name, void *data, size_t size);
const nn_field *nn_feed_wanted(const nn_feed_batch *b, const char *name);   // NULL = it is not wanted

#ifdef __cplusplus
}
#endif
#endif
