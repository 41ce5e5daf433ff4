// order.c — orders of replacement that do not search.
#include "distill/search/order.h"

#include <math.h>

#include "distill/search/search_impl.h"
#include "nn/base/rng.h"

// The layers that the first round tried, each with the best of its mixers, by layer.
static uint32_t start(const distill_search_result *r, distill_step *order)
{
    uint32_t n = 0;
    for (uint32_t l = 0; l < r->n_layers; l++) {
        distill_step best = { .layer = l };
        for (uint32_t k = 0; k < r->n_choices; k++) {
            const distill_score *t = &r->first[l][k];
            if (!isnan(t->metric) && (!best.choice || distill__is_higher(t, &best.score)))
                best.choice = (uint8_t) (k + 1), best.score = *t;
        }
        if (best.choice)
            order[n++] = best;
    }
    return n;
}

static void swap(distill_step *a, distill_step *b)
{
    distill_step t = *a;
    *a = *b;
    *b = t;
}

// Move step `from` to place `to` before it; those between keep their order.
static void move(distill_step *order, uint32_t from, uint32_t to)
{
    for (; from > to; from--)
        swap(&order[from], &order[from - 1]);
}

uint32_t distill_order_one_shot(const distill_search_result *r, distill_step *order)
{
    const uint32_t n = start(r, order);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t best = i;
        for (uint32_t k = i + 1; k < n; k++)
            if (distill__is_higher(&order[k].score, &order[best].score))
                best = k;
        move(order, best, i);
    }
    return n;
}

uint32_t distill_order_by(const distill_search_result *r, const double *value, distill_step *order)
{
    const uint32_t n = start(r, order);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t best = i;
        for (uint32_t k = i + 1; k < n; k++) {
            const double a = value[order[k].layer], b = value[order[best].layer];
            if (a > b || (isnan(b) && !isnan(a)))
                best = k;
        }
        move(order, best, i);
    }
    return n;
}

uint32_t distill_order_uniform(const distill_search_result *r, distill_step *order)
{
    const uint32_t n = start(r, order);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t best = i, farthest = 0;
        for (uint32_t k = i; k < n; k++) {
            const uint32_t l = order[k].layer;
            uint32_t least = l + 1 < r->n_layers - l ? l + 1 : r->n_layers - l;     // to just outside the model
            for (uint32_t j = 0; j < i; j++) {
                const uint32_t d = l > order[j].layer ? l - order[j].layer : order[j].layer - l;
                least = d < least ? d : least;
            }
            if (least > farthest)
                farthest = least, best = k;
        }
        move(order, best, i);
    }
    return n;
}

uint32_t distill_order_random(const distill_search_result *r, uint64_t seed, distill_step *order)
{
    const uint32_t n = start(r, order);
    for (uint32_t i = n; i > 1; i--)
        swap(&order[i - 1], &order[nn_rng_below(seed, 0, i, i)]);
    return n;
}
