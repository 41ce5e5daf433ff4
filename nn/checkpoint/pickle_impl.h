// pickle_impl.h — what the pickle reader's files share: memory of values, and what a pickle's calls give.
#ifndef NN_PICKLE_IMPL_H
#define NN_PICKLE_IMPL_H

#include "nn/checkpoint/pickle.h"

extern const nn_pk_value nn__pk_none, nn__pk_true, nn__pk_false, nn__pk_empty;     // the last: a tuple of nothing

// Memory that lives until nn_pickle_finish, for an array of n. NULL: none left, and the failure is recorded.
void        *nn__pk_alloc(nn_pickle *p, size_t n, size_t size);
nn_pk_value *nn__pk_new(nn_pickle *p, nn_pk_kind kind);
vkc_status   nn__pk_append(nn_pickle *p, nn_pk_items *to, const nn_pk_value *key, const nn_pk_value *value);

// What a call of `callee` with `args` is taken for: a tensor, a dict, a set, a size, or an object of that name. *budget
// is how many items may still be copied.
vkc_status nn__pk_call(nn_pickle *p, const nn_pk_value *callee, const nn_pk_value *args, uint64_t *budget,
                       nn_pk_value **out);
// The storage that a persistent id names; NULL without an error: it names none.
vkc_status nn__pk_find_storage(nn_pickle *p, const nn_pk_value *id, nn_pk_value **out);

#endif
