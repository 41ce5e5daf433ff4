// embed.h — token embeddings: a row of a table for each id, positions added
#ifndef SHADERS_EMBED_H
#define SHADERS_EMBED_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

struct embed_args {
    U32 cols;
    U32 vocab;                     // rows of the table: an id beyond has none, and gives zeros
    U32 has_positions;
};
ARGS_SIZE(embed_args, 12);
#endif
