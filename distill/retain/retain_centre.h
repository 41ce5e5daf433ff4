// retain_centre.h — calibrate the gate's centre to a keep ratio by bisection on images. Internal to distill.
#ifndef DISTILL_RETAIN_CENTRE_H
#define DISTILL_RETAIN_CENTRE_H

#include "distill/retain/retain.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_pictures {   // normalised, in host memory
    float   *pixels;                // (n, channels * size * size), owned
    uint32_t n;
} distill_pictures;

// At most `most` pictures of val, or of train where val has none.
vkc_status distill_pictures_load(const nn_model_config *c, const nn_dataset *data, uint32_t most, uint32_t threads,
                                 distill_pictures *out);
void       distill_pictures_finish(distill_pictures *s);        // zeroed is fine

// Set m's gate_centre so that the keep ratio on the pictures is within `within` of `keep`, or as near as it gets; *got
// is what it is then. `step` is how far a first guess may be off. Progress is told as `what`.
vkc_status distill_find_centre(nn_model *m, const distill_pictures *s, double keep, double within, double step,
                               const distill_retain_params *p, double *got);

#ifdef __cplusplus
}
#endif
#endif
