// attention_taps.h — tensors of a model's attention layers, kept on the device for a batch; internal to distill.
//
// One recording, replayed a batch. Layers without attention weights have none but what their mixer reads.
// Thread-safety: as the device.
#ifndef DISTILL_ATTENTION_TAPS_H
#define DISTILL_ATTENTION_TAPS_H

#include "nn/graph/runner.h"
#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    DISTILL_TAP_STATS,              // op attention_stats: (R, heads * ATTENTION_STATS_N)
    DISTILL_TAP_QKV,                // (R, 3 * dim), columns [q | k | v], heads one after the other in each
    DISTILL_TAP_NORMED              // (R, dim): what the mixer reads; of every layer, with attention or without
} distill_tap;

typedef struct distill_attention_taps {
    const nn_model *v;
    nn_batch  batch;
    nn_graph *g;
    nn_runner *run;
    uint32_t  cols;                 // floats a row
    float    *pixels;               // host memory of the input
    vkc_slice tap[NN_MAX_DEPTH];    // empty for layers that have none
    const nn_rows *layout[NN_MAX_DEPTH];        // of the rows; a model may drop tokens on the way
} distill_attention_taps;

// For batches of at most cap_images; `v` must outlive it. After a failure finish frees what there is.
vkc_status distill_attention_taps_init(const nn_model *m, uint32_t cap_images, distill_tap what,
                                       distill_attention_taps *out);
void       distill_attention_taps_finish(distill_attention_taps *t);    // zeroed is fine

bool       distill_attention_taps_has(const distill_attention_taps *t, uint32_t l);
size_t     distill_attention_taps_len(const distill_attention_taps *t);     // floats that _read may write
// Run pixels (n, channels, size, size), normalised. Blocking.
vkc_status distill_attention_taps_run(distill_attention_taps *t, const float *pixels, uint32_t n);
// Of the last run: the rows of layer l and how many. Blocking.
vkc_status distill_attention_taps_read(distill_attention_taps *t, uint32_t l, float *out, uint32_t *rows);
// And the layout of these rows (shaders/inc/rows_layout.h) but for its slots: distill_attention_taps_words words.
uint32_t   distill_attention_taps_words(const distill_attention_taps *t);
vkc_status distill_attention_taps_read_layout(distill_attention_taps *t, uint32_t l, uint32_t *words);

#ifdef __cplusplus
}
#endif
#endif
