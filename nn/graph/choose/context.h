// context.h — state that nn keeps with a device: kernel choices forced on it, and the check that compares its calls.
//
// There is one context a device, made when nn first uses it and freed with it.
// Thread-safety: as the device.
#ifndef NN_CONTEXT_H
#define NN_CONTEXT_H

#include "vk/device.h"

#ifdef __cplusplus
extern "C" {
#endif

// Settings that force a choice. docs/environment.md says what each does; nn/graph/choose/choose.c has their words.
typedef enum nn_setting {
    NN_SETTING_LINEAR,              // an nn_form
    NN_SETTING_ATTENTION,           // an nn_form
    NN_SETTING_LANES,               // 1 or 32 lanes a row
    NN_SETTING_SCAN,                // an nn_order
    NN_SETTING_SCAN_FORM,           // an nn_form
    NN_SETTING_SCAN_GROUP,          // streams of a launch, at most
    NN_N_SETTINGS
} nn_setting;

typedef struct nn_forced { uint32_t of[NN_N_SETTINGS]; } nn_forced;     // 0 = not forced

typedef struct nn_context {
    struct nn_check *check;         // nn/graph/check.h; NULL = nothing is compared. Borrowed
    nn_forced forced;               // of calls that are made from now on
    nn_forced environment;          // what the environment said when the context was made
} nn_context;

// The context of a device, owned by the device. Errors: E_NOMEM; E_ARG, in words, where a variable of the environment
// has a value that it does not know.
vkc_status nn_context_get(vkc_device *dev, nn_context **out);

#ifdef __cplusplus
}
#endif
#endif
