// order.h — orders of replacement that do not search: the baselines that a search is measured against.
//
// An order is walked by distill_search_along, which scores each of its prefixes. It has every layer that was tried in
// the first round of a search, once, with the mixer that scored best there alone (ties: the lower tie, then the lower
// choice); so of all baselines only the order differs. `order` holds n_layers steps; the number of steps is returned.
// Thread-safety: safe.
#ifndef DISTILL_ORDER_H
#define DISTILL_ORDER_H

#include "distill/search/search.h"

#ifdef __cplusplus
extern "C" {
#endif

// By the score of each layer replaced alone, the best first: a search that looks once.
uint32_t distill_order_one_shot(const distill_search_result *r, distill_step *order);
// By a value of each layer (n_layers), the largest first, equal ones from the first layer on; NaN comes last.
uint32_t distill_order_by(const distill_search_result *r, const double *value, distill_step *order);
// Every prefix spread over the depth as evenly as may be: always the layer farthest from those before it and from
// both ends, the first of equals.
uint32_t distill_order_uniform(const distill_search_result *r, distill_step *order);
// A permutation that follows from the seed.
uint32_t distill_order_random(const distill_search_result *r, uint64_t seed, distill_step *order);

#ifdef __cplusplus
}
#endif
#endif
