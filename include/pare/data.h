// data.h — labelled pictures: a folder of class folders, if need be below train/, val/ and test/; or the built-in
// synth:ringed-digit, whose pictures are drawn.
#ifndef PARE_DATA_H
#define PARE_DATA_H

#include "pare/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pare_data pare_data;

// How class folders are matched with a model's classes.
typedef enum pare_labels {
    PARE_LABELS_AUTO = 0,           // by name where the model has names, else by place in natural order (1, 2, 10)
    PARE_LABELS_INDEX = 1,          // the i-th folder in bytewise order (1, 10, 2) is class i
    PARE_LABELS_NAME = 2            // by name; PARE_E_FILE when the model has none
} pare_labels;

typedef struct pare_data_info {
    size_t   size;
    uint32_t classes;
    uint32_t train, val, test;      // pictures listed; broken ones are found when they are read
    uint32_t has_splits;            // 0: there are no train/, val/ and test/, and the folder is split by what its files
                                    // hold: about 70, 15 and 15 % of each class, files that are alike in one part
    uint32_t left_out;              // files in class folders that are no pictures, or that cannot be read
} pare_data_info;

static inline pare_data_info pare_data_info_default(void)
{
    pare_data_info i;
    memset(&i, 0, sizeof i);
    i.size = sizeof i;
    return i;
}

// `spec` is a folder, or synth:ringed-digit and options, "synth:ringed-digit,train=8192,val=1000,test=2000". Files are
// only listed; those of a plain folder of classes are read once, to be split. May be used by several threads at once.
// Errors: PARE_E_FILE, PARE_E_ARG (an unknown name or option), PARE_E_MEMORY.
PARE_API pare_status pare_data_open(const char *spec, pare_data **out);
PARE_API void        pare_data_close(pare_data *data);          // NULL is fine
// Pictures resized to the bytes of this version of Pillow, 12 or 13, whatever a model was loaded with; 0 = as that was
// (pare_model_options.pillow), in pare_distill and pare_retain 13. To be set before the data are used. Errors:
// PARE_E_ARG.
PARE_API pare_status pare_data_set_pillow(pare_data *data, uint32_t pillow);
PARE_API pare_status pare_data_get_info(const pare_data *data, pare_data_info *out);
// Name of a class, the data set's; NULL beyond the last.
PARE_API const char *pare_data_label(const pare_data *data, uint32_t class_index);

#ifdef __cplusplus
}
#endif
#endif
