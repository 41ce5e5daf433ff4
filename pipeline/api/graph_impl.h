// graph_impl.h — what a pare_graph is: the graph, and the mixer that is being built into it. Internal.
#ifndef PIPELINE_API_GRAPH_IMPL_H
#define PIPELINE_API_GRAPH_IMPL_H

#include "nn/mixers/mixer.h"

struct pare_graph {
    nn_graph            *g;
    const nn_mixer_dims *dims;
};

#endif
