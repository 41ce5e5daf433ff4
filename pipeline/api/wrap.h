// wrap.h — handles of the public interface for what is there already, for callers who know the floors below it too.
// Thread-safety and errors: as in include/pare.
#ifndef PIPELINE_WRAP_H
#define PIPELINE_WRAP_H

#include <pare/model.h>

#include "distill/sparsity/sparsity.h"

#ifdef __cplusplus
extern "C" {
#endif

// What is wrapped stays the caller's and must outlive the handle, which pare_device_close and its like free.
// `from` is where the model is from, for what is written of it. E_NOMEM.
vkc_status pipeline_wrap_device(vkc_device *dev, pare_device **out);
vkc_status pipeline_wrap_data(nn_dataset *set, pare_data **out);
vkc_status pipeline_wrap_model(pare_device *dev, nn_model *m, const char *from, pare_model **out);

// The status of a failed call, whose sentence is vkc_last_error().
vkc_status pipeline_unwrap_status(pare_status st);
// What a measurement is of; the handle's.
const distill_sparsity *pipeline_unwrap_sparsity(const pare_sparsity *s);

#ifdef __cplusplus
}
#endif
#endif
