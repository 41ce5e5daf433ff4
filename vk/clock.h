// clock.h — wall time.
#ifndef VKC_CLOCK_H
#define VKC_CLOCK_H

#ifdef __cplusplus
extern "C" {
#endif

double vkc_seconds(void);           // since some fixed moment; never goes back. Thread-safety: safe

#ifdef __cplusplus
}
#endif
#endif
