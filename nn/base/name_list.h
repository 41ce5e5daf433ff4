// name_list.h — names for a message: the first ten, and how many more there are.
//
// Thread-safety: safe on different lists.
#ifndef NN_NAME_LIST_H
#define NN_NAME_LIST_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NN_NAMES_SHOWN 10

// Zeroed: empty.
typedef struct nn_name_list {
    uint32_t n;                     // names that were added
    bool     is_ended;
    char     text[NN_NAMES_SHOWN * 96 + 32];
} nn_name_list;

void        nn_name_list_add(nn_name_list *l, const char *name);    // a longer one is cut to 92 bytes
// "a, b, c and 4 more". The list's; no name is added after it.
const char *nn_name_list_end(nn_name_list *l);

#ifdef __cplusplus
}
#endif
#endif
