// identity.c — no mixing at all: tokens do not see each other. A control: what a model reaches without.
#include "nn/mixers/mixer.h"

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    (void) d;
    (void) out;
    return 0;
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p, nn_mixer_taps *taps)
{
    (void) g;
    (void) d;
    (void) p;
    (void) taps;
    return y;
}

const nn_mixer nn_mixer_identity = {
    .name = "identity", .about = "nothing: tokens do not see each other (a control)",
    .params = params, .build = build,
};
