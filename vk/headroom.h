// headroom.h — how much more host memory this process may take. Internal to vk/.
//
// Drivers that compile by LLVM end the program when memory runs out inside them; so what they may need is asked for
// before they are called. Thread-safety: safe.
#ifndef VKC_HEADROOM_H
#define VKC_HEADROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VKC__START_MIB   448u       // of address space that loading the drivers takes
#define VKC__COMPILE_MIB 160u       // that a kernel or a submission may take in a software driver

// E_NOMEM when the limits of the process (ulimit -v, ulimit -d) leave less than `mib` MiB to it, and `more` bytes; OK
// without limits. `what`: "out of host memory while WHAT: ...".
vkc_status vkc__headroom_check(const char *what, uint32_t mib, uint64_t more);
bool       vkc__headroom_has(uint32_t mib);     // do those limits leave so much?
// Bytes that the host still has for this process: by what is free, its control group and its limits. `taken`: bytes
// that the process has asked for, and may not have touched yet.
uint64_t   vkc__headroom_host(uint64_t taken);
// MiB that the threads of a software driver take of address space: a stack for every CPU.
uint32_t   vkc__headroom_threads(void);

#ifdef __cplusplus
}
#endif
#endif
