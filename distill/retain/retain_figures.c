// retain_figures.c — the arithmetic of retain_stats.h on plain arrays.
#include "distill/retain/retain_stats.h"

#include <math.h>
#include <stdlib.h>

// A NaN is the lowest score, as keep_top has it.
static float rank_of(float score)
{
    return isnan(score) ? -INFINITY : score;
}

// How many of the n go before patch i when the highest come first, the lower place first among equals.
static uint32_t count_before(const float *score, uint32_t n, uint32_t i)
{
    const float own = rank_of(score[i]);
    uint32_t before = 0;
    for (uint32_t k = 0; k < n; k++) {
        const float other = rank_of(score[k]);
        before += other > own || (other >= own && k < i);
    }
    return before;
}

static uint32_t count_kept(const uint8_t *kept, uint32_t n)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++)
        k += kept[i] != 0;
    return k;
}

double distill_overlap(const uint8_t *kept, const float *score, uint32_t n)
{
    const uint32_t k = count_kept(kept, n);
    uint32_t both = 0;
    for (uint32_t i = 0; i < n; i++)
        both += kept[i] && count_before(score, n, i) < k;
    return k ? (double) both / k : (double) NAN;
}

// Each kept patch stands in a step with all that have at least its score: average precision is the mean over the kept
// of the precision of their step.
double distill_auprc(const uint8_t *kept, const float *score, uint32_t n)
{
    const uint32_t k = count_kept(kept, n);
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t found = 0, right = 0;
        for (uint32_t j = 0; j < n && kept[i]; j++) {
            const bool is_in = rank_of(score[j]) >= rank_of(score[i]);
            found += is_in;
            right += is_in && kept[j];
        }
        if (kept[i])
            sum += (double) right / found;
    }
    return k ? sum / k : (double) NAN;
}

void distill_survival_add(distill_survival *s, const uint8_t *blocks, const uint8_t *mask, uint32_t n, uint32_t depth)
{
    for (uint32_t i = 0; i < n; i++) {
        s->inside += mask[i] != 0;
        s->outside += mask[i] == 0;
        for (uint32_t l = 0; l < depth && l < blocks[i]; l++)
            *(mask[i] ? &s->in[l] : &s->out[l]) += 1;
    }
}

double distill_survival_ratio(const distill_survival *s, uint32_t l, uint32_t depth)
{
    uint64_t in = 0, out = 0;
    for (uint32_t k = l < depth ? l : 0; k < (l < depth ? l + 1 : depth); k++) {
        in += s->in[k];
        out += s->out[k];
    }
    if (!s->inside || !s->outside || (!in && !out))
        return (double) NAN;
    return out ? (double) in / (double) s->inside / ((double) out / (double) s->outside) : (double) INFINITY;
}
