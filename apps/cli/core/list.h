// list.h — options that are lists with commas: "linear,ssd:state=128", "1,0.8,0.6", "0,3,5-7".
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include <stdint.h>

#include "vk/status.h"

typedef struct text_list {
    char        *copy;              // owned, cut up
    const char **item;              // (n) owned, into copy
    uint32_t     n;
} text_list;

// NULL = no list: n is 0. text_list_free it.
vkc_status list_split(const char *text, text_list *out);
void       text_list_free(text_list *l);        // zeroed is fine

// "0,3,5-7": whole numbers below `most` and ranges of them, each number once, into list (most) in the order given.
// E_ARG in words, which name the option, as "layers", and `what` the numbers are of, as "layer".
vkc_status list_read_ranges(const char *option, const char *what, const char *text, uint32_t most, uint32_t *list,
                            uint32_t *n);

#endif
