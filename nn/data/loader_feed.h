// loader_feed.h — a loader of pictures as a feed: the fields "pixels" and "labels".
#ifndef NN_LOADER_FEED_H
#define NN_LOADER_FEED_H

#include "nn/data/feed.h"
#include "nn/data/loader.h"

#ifdef __cplusplus
extern "C" {
#endif

// "pixels" (B, channels * height * width), normalised, which must be wanted, and "labels" (B) uint32. `p` is what `l`
// was made with; l must outlive the feed. Thread-safety: as the loader.
nn_feed nn_loader_feed(nn_loader *l, const nn_loader_params *p);

#ifdef __cplusplus
}
#endif
#endif
