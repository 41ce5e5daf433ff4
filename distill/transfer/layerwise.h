// layerwise.h — the teacher-forced training loop over all layers of a student at once, shared by the stages of a
// transfer. Internal to distill.
#ifndef DISTILL_LAYERWISE_H
#define DISTILL_LAYERWISE_H

#include "distill/transfer/transfer.h"
#include "nn/train/fit.h"

#ifdef __cplusplus
extern "C" {
#endif

// Add losses to a graph in which the teacher has run, its insides in `t`, and hand out the scalars to watch; returns
// how many.
typedef uint32_t (*distill_losses_fn)(void *user, nn_graph *g, const nn_model *teacher, const nn_model *student,
                                      const nn_batch *b, const nn_model_taps *t, nn_tensor **watch);

typedef struct distill_pass {
    const char *what;               // for progress and the checkpoint's name
    uint32_t    epochs;
    double      lr;                 // cosine to 0 after a tenth of warm-up
    distill_losses_fn build;
    void       *user;               // of build
} distill_pass;

// All else is as `p` says. `out` is filled on errors too, as by nn_fit.
vkc_status distill_fit_layers(const nn_model *teacher, nn_model *student, const distill_transfer_params *p,
                              const distill_pass *pass, nn_fit_result *out);

#ifdef __cplusplus
}
#endif
#endif
