// pare.h — the library pare, all of it: vision transformers measured, and their attention replaced where it can be.
#ifndef PARE_PARE_H
#define PARE_PARE_H

#include "pare/base.h"
#include "pare/data.h"
#include "pare/distill.h"
#include "pare/mixer.h"
#include "pare/model.h"

// Of these headers. Versions with the same first two numbers work with each other's headers.
#define PARE_VERSION_MAJOR 0
#define PARE_VERSION_MINOR 1
#define PARE_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

PARE_API const char *pare_version(void);    // of the library: "0.1.0"

#ifdef __cplusplus
}
#endif
#endif
