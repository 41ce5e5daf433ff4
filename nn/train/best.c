// best.c — judges the parameters after an epoch and keeps the best of them in host memory.
#include "nn/train/best.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float *make_values(const nn_stepper *s)
{
    return (float *) malloc((nn_stepper_len(s) + 1) * sizeof(float));
}

static vkc_status fail_memory(const char *what)
{
    return VKC_FAIL(VKC_E_NOMEM, "%s: out of host memory for the parameters of the best epoch", what);
}

vkc_status nn__best_init(nn__best *b, const nn_fit_params *p)
{
    *b = (nn__best) { .kept = p->judge.fn ? make_values(p->stepper) : NULL };
    return p->judge.fn && !b->kept ? fail_memory(p->what) : VKC_OK;
}

void nn__best_finish(nn__best *b)
{
    free(b->kept);
    b->kept = NULL;
}

vkc_status nn__best_check(const nn__best *b, uint64_t epochs, bool has_kept, const char *path)
{
    const nn__best_state *s = &b->s;
    if (s->judged > epochs || s->epoch > s->judged || has_kept != (s->epoch > 0) ||
        (s->epoch > 0 && !isfinite(s->best.top1)))
        return VKC_FAIL(VKC_E_FORMAT, "%s is no checkpoint of this run: its best epoch is none that was trained", path);
    return VKC_OK;
}

static vkc_status judge(nn__best *b, const nn_fit_params *p, uint64_t epoch, const uint64_t *tuned)
{
    nn__best_state *s = &b->s;
    nn_score score = { (double) NAN, (double) NAN };
    vkc_status st = p->judge.fn(p->judge.user, epoch, &score);
    if (st != VKC_OK)
        return st;
    if (isfinite(score.top1) && (s->epoch == 0 || score.top1 > s->best.top1)) {
        st = nn_stepper_read(p->stepper, b->kept);
        if (st != VKC_OK)
            return st;
        s->epoch = epoch;
        s->best = score;
        memcpy(s->tuned, tuned, sizeof s->tuned);
    }
    s->judged = epoch;
    s->last = score;
    return VKC_OK;
}

vkc_status nn__best_judge(nn__best *b, const nn_fit_params *p, uint64_t epoch, const uint64_t *tuned)
{
    nn_stepper *s = p->stepper;
    vkc_status st;
    if (!nn_stepper_has_average(s))
        return judge(b, p, epoch, tuned);
    float *own = make_values(s);
    if (!own)
        return fail_memory(p->what);
    st = nn_stepper_read(s, own);
    if (st == VKC_OK) {
        st = nn_stepper_write_average(s);
        if (st == VKC_OK)
            st = judge(b, p, epoch, tuned);
        const vkc_status back = nn_stepper_write(s, own);
        st = st == VKC_OK ? back : st;
    }
    free(own);
    return st;
}
