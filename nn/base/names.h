// names.h — values of an enumeration by the names that users write. Internal to the library.
#ifndef NN_NAMES_H
#define NN_NAMES_H

#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// *out = the place of `name` among n names. E_ARG else: no WHAT "NAME"; there are: ...
vkc_status nn_name_get(const char *what, const char *name, const char *const *names, uint32_t n, uint32_t *out);

#ifdef __cplusplus
}
#endif
#endif
