// caption.h — what is written under a picture on a sheet: its file, what the model takes it for, what it is.
#ifndef CLI_CAPTION_H
#define CLI_CAPTION_H

#include "nn/data/dataset.h"
#include "nn/image/draw.h"
#include "nn/models/model.h"

// The last part of the path, the label with its probability, "true: LABEL"; without a label (NULL) no such line.
void caption_write(nn_lines *out, const char *path, const char *label, double probability, const char *truth);
// What a picture is, by the data set that it is of.
typedef struct labelled {
    const nn_dataset *data;
    nn_split split;
    bool     is_matched;            // are its classes the model's? Else the true one is said where none is predicted
} labelled;
// Of picture i of a split: `logits` (classes) are written over; NULL where the model scores no classes. Those that it
// has no names for are called as the data set does. Errors: those of nn_dataset_path.
vkc_status caption_of(nn_lines *out, const nn_model_config *c, const labelled *of, uint32_t i, float *logits);

#endif
