// listing.h — the class folders in a folder, and the pictures below them at any depth. Internal to data sets.
//
// Left out without a word: names that begin with a dot, and __MACOSX. Links are followed, but not in a circle.
// Thread-safety: safe on different listings. Errors: E_IO, E_FORMAT (too many folders), E_NOMEM.
#ifndef NN_LISTING_H
#define NN_LISTING_H

#include "nn/data/left_out.h"
#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_names { char **name; size_t n, room; } nn_names;      // owned, sorted bytewise; zeroed is empty

typedef struct nn_picture {
    uint32_t label;
    char    *file;                  // owned
    uint64_t size;                  // bytes, when it was listed
} nn_picture;

typedef struct nn_listing {         // zeroed is empty
    nn_picture *picture;            // owned
    uint32_t n, room;
} nn_listing;

char      *nn_text_copy(const char *text);                  // NULL = no memory; free() it
vkc_status nn_names_add(nn_names *list, const char *name);
void       nn_names_finish(nn_names *list);

// The folders in a folder, sorted; *loose counts the pictures beside them.
vkc_status nn_names_list(const char *folder, nn_names *out, uint64_t *loose);

// Add the pictures of a class folder and of all below it, at most 64 deep: those of a folder in bytewise order of their
// names, folders in that of their paths. What cannot be listed or read is counted and no failure.
vkc_status nn_listing_add(nn_listing *list, const char *folder, uint32_t label, nn_left_out *left);
vkc_status nn_listing_move(nn_listing *list, nn_picture *p);            // takes the picture over: p->file becomes NULL
void       nn_listing_finish(nn_listing *list);

#ifdef __cplusplus
}
#endif
#endif
