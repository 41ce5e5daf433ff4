// lock.h — a folder that one call writes to, and no other at the same time.
//
// The lock is that of flock(2) on a file in the folder: it ends with the process, however that ends. Two calls of one
// process keep each other out, too. Where the file system knows no such locks, nobody is kept out.
// Thread-safety: not safe on one lock. Errors: E_IO (another has it, or the system's reason), E_ARG, E_NOMEM.
#ifndef NN_LOCK_H
#define NN_LOCK_H

#include <stdbool.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_LOCK_NAME ".pare.lock"       // left behind by a killed process; means nothing then

typedef struct nn_lock nn_lock;

// Lock a folder, which is made if it is not there. E_IO at once when another call has it.
vkc_status nn_lock_create(const char *folder, nn_lock **out);
// Unlock; NULL is fine. `keep`: leave the file, as a sign that what lies there is unfinished; else it goes, and so does
// a folder that was made for it and is empty.
void       nn_lock_destroy(nn_lock *l, bool keep);

#ifdef __cplusplus
}
#endif
#endif
