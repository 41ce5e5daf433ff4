// data.h — labelled pictures: a folder of class folders, if need be below train/, val/ and test/; or the built-in
// synth:ringed-digit, whose pictures are drawn.
#ifndef PARE_DATA_H
#define PARE_DATA_H

#include "pare/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pare_data pare_data;

typedef struct pare_data_info {
    size_t   size;
    uint32_t classes;
    uint32_t train, val, test;      // pictures listed; broken ones are found when they are read
    uint32_t has_splits;            // 0: there are no train/, val/ and test/, and all three are the whole folder
} pare_data_info;

static inline pare_data_info pare_data_info_default(void)
{
    pare_data_info i;
    memset(&i, 0, sizeof i);
    i.size = sizeof i;
    return i;
}

// `spec` is a folder, or synth:ringed-digit and options, "synth:ringed-digit,train=8192,val=1000,test=2000". Files are
// only listed. May be used by several threads at once. Errors: PARE_E_FILE, PARE_E_ARG (an unknown name or option),
// PARE_E_MEMORY.
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
