// retention_run.h — a small model with token pruning, on the device and in double at once: its graph with all that
// happens inside readable, and the same graph by the ops' definitions.
#ifndef TESTS_RETENTION_RUN_H
#define TESTS_RETENTION_RUN_H

#include "nn/models/model.h"
#include "nn/graph/reference.h"

typedef struct retention_run {
    nn_model    *v;
    nn_batch   batch;
    nn_graph  *g;
    nn_model_taps taps;
    nn_tensor *pixels, *labels, *logits, *loss;     // labels and loss with `train`: cross-entropy and halt_loss
    nn_tensor *halt_loss;
    vkc_recording *rec;
    nn_reference *ref;
    double   **param;               // (params->n) values in double
    float     *host;                // pixels of the last run
    uint32_t   n;                   // its images
} retention_run;

// A model of this config with values by formula, for batches of at most `cap` images.
vkc_status retention_run_init(retention_run *t, vkc_device *dev, const nn_model_config *cfg, uint32_t cap,
                              uint64_t seed, bool train);
void       retention_run_finish(retention_run *t);
// Pictures by formula, number `step` on; both forms are run. Gradients are cleared first.
vkc_status retention_run_execute(retention_run *t, uint32_t n, uint32_t step);
// All of a kept tensor, by malloc; NULL when it cannot be read.
float     *retention_run_read(const retention_run *t, const nn_tensor *x);
// The layout after block l as it is on the device, by malloc; NULL where none is made.
uint32_t  *retention_run_words(const retention_run *t, uint32_t l);
// The layout that block l reads: of the batch, or made after a block before.
const nn_rows *retention_run_entry(const retention_run *t, uint32_t l);

#endif
