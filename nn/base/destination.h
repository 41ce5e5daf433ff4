// destination.h — what may be written where: the one policy for every path that a command or a public call writes to.
//
// Something that is there is replaced only when it is of the kind that is to be written, and only when that was asked
// for. Devices, links, pipes, sockets, other programs' folders and what the call itself reads are never replaced.
// Thread-safety: safe. Errors: E_ARG in a sentence that names the parameter, E_IO (a folder that cannot be read).
#ifndef NN_DESTINATION_H
#define NN_DESTINATION_H

#include <stdbool.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum nn_destination_kind {
    NN_TO_MODEL,                // a folder with pare.json
    NN_TO_RUN,                  // a folder with run.json
    NN_TO_MAPS,                 // a folder of pictures that pare drew
    NN_TO_PNG,
    NN_TO_TENSORS,              // safetensors with pixels in it: logits, pixel dumps
    NN_TO_PAGE                  // HTML of pare report
} nn_destination_kind;

typedef struct nn_destination {
    const char *name;               // of the parameter, for sentences: "--out"
    const char *path;               // NULL = not written; nothing is checked
    nn_destination_kind kind;
    bool        force;              // replace what is there
    const char *force_hint;         // behind "X is there already; ": "--force replaces it"
    const char *const *input;       // (n_inputs) files and folders that are read; NULL and what is no path are skipped
                                    // FILE#KEY is FILE, and a folder is not written to from a file in it
    uint32_t    n_inputs;
} nn_destination;

// The path alone, as it was given: E_ARG for "", "-", "/", and what ends in "." or "..".
vkc_status nn_destination_check_path(const char *name, const char *path);
// All of it, for n outputs of one call, before any work: also that no two are the same path.
vkc_status nn_destination_check(const nn_destination *o, uint32_t n);

#ifdef __cplusplus
}
#endif
#endif
