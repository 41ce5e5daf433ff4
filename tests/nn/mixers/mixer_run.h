// mixer_run.h — one mixer on the device, with its definition in double beside it. Used by test_mixers.c.
#ifndef TESTS_MIXER_RUN_H
#define TESTS_MIXER_RUN_H

#include "nn/mixers/mixer.h"
#include "nn/graph/reference.h"

#define MIXER_RUN_MAX_IMAGES 10

typedef struct mixer_run_params {
    const char *mixer;              // "ssd:state=128"
    uint32_t dim, heads;
    uint32_t cap_images, grid;      // an image has at most 1 + grid * grid tokens; grid 0 = one
    bool     train;                 // a loss and gradients
    bool     carry;                 // states come from `start` and go to `last`
    nn_gaps  gaps;                  // what decays make of dropped tokens
    bool     as_started;            // parameters are as a new mixer's
} mixer_run_params;

typedef struct mixer_run {
    vkc_device    *dev;
    mixer_run_params with;
    const nn_mixer *mixer;
    nn_layer_config layer;
    nn_mixer_options options;
    nn_params     *ps;
    nn_mixer_param param[NN_MAX_MIXER_PARAMS];
    nn_rows       *rows;
    nn_graph      *g;
    nn_tensor     *y, *target, *heads, *loss, *p[NN_MAX_MIXER_PARAMS];
    nn_mixer_taps  taps;
    uint32_t       n_carry;
    vkc_buffer    *dy;              // gradient of y
    vkc_recording *rec;
    nn_reference     *ref;
    size_t         cols;            // channels
    float         *host_y, *host_heads, *host_dy, *host_target;    // (cap, C)
} mixer_run;

// Parameters get their starting values and, but for as_started, noise on top, so that nothing is zero.
vkc_status mixer_run_init(mixer_run *t, vkc_device *dev, const mixer_run_params *with);
void       mixer_run_finish(mixer_run *t);              // zeroed is fine

// Live rows: tokens first[i] .. first[i] + lengths[i] of image image[i]; NULL = from 0, and images 0, 1, 2 ... The
// values of a token are a function of its image and number. Dead rows are NaN.
vkc_status mixer_run_write(mixer_run *t, uint32_t n, const uint32_t *lengths, const uint32_t *image,
                           const uint32_t *first);
// The same live rows at other places (R), as after dropping tokens between them; NULL = none are missing.
vkc_status mixer_run_place(mixer_run *t, const uint32_t *pos);
// Run on the device: host_heads and, trained, host_dy and the gradients of the parameters.
vkc_status mixer_run_execute(mixer_run *t);
vkc_status mixer_run_gradient(mixer_run *t, uint32_t param, float *dst);
size_t     mixer_run_live(const mixer_run *t);          // live elements of y

#define MIXER_RUN_LOSS 100.0f       // weight of the loss

#endif
