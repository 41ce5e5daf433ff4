// schedule_print.c — the steps of a schedule, as soon as each is over.
#include "apps/cli/print/print.h"

#include <math.h>

static void print_layers(FILE *f, const pipeline_step *t)
{
    fputs(t->n == 1 ? "layer" : "layers", f);
    for (uint32_t i = 0; i < t->n; i++)
        fprintf(f, "%s%u", i ? ", " : " ", t->layer[i]);
}

void print_schedule_step(FILE *f, const pipeline_distill_result *r, uint32_t i)
{
    const bool is_refused = i >= r->n_steps;
    const pipeline_step *t = is_refused ? &r->refused : &r->step[i];
    const double base = r->search.base.metric;
    if (i == 0)
        fprintf(f, "schedule: top-1 on val, teacher %.2f %%\n", 100.0 * base);
    fprintf(f, "  step %u: ", i + 1);
    print_layers(f, t);
    fprintf(f, " by %s  %.2f %%  %+.2f, val loss %.4f", r->mixer[0].text, 100.0 * t->val_top1,
            100.0 * (t->val_top1 - base), t->val_loss);
    if (isfinite(t->loss))
        fprintf(f, ", training loss %.4f", t->loss);
    fprintf(f, "; %llu steps of training\n", (unsigned long long) (t->transfer_steps + t->tune_steps));
    if (is_refused)
        fprintf(f, "  at most %.2f points may go: %u of %u layers stay replaced\n", 100.0 * r->max_drop,
                r->search.n_steps, r->n_scheduled);
    else
        fprintf(f, "  %u of %u layers replaced\n", r->search.n_steps, r->n_scheduled);
    fputc('\n', f);
}
