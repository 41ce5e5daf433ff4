// schedule_result.c — the steps of a schedule as JSON and in words.
#include "pipeline/distill/stages_impl.h"

#include "nn/base/json.h"
#include "pipeline/base/json.h"

json_t *pipeline__step_json(const pipeline_step *t)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I}", "layers", pipeline_integers(t->layer, t->n), "val_top1",
                     pipeline_number(t->val_top1), "val_loss", pipeline_number(t->val_loss), "loss",
                     pipeline_number(t->loss), "transfer_steps", (json_int_t) t->transfer_steps, "tune_steps",
                     (json_int_t) t->tune_steps);
}

json_t *pipeline__schedule_json(const pipeline_distill_result *r)
{
    if (!r->schedule)
        return json_null();
    json_t *steps = json_array();
    for (uint32_t i = 0; i < r->n_steps; i++)
        nn_json_append_new(steps, pipeline__step_json(&r->step[i]));
    return json_pack("{s:o, s:s, s:b, s:o, s:o}", "name", pipeline__schedule_name(r->schedule), "order",
                     pipeline_schedule_order_name(r->order), "limited", (int) r->limited, "steps", steps, "refused",
                     r->refused.n ? pipeline__step_json(&r->refused) : json_null());
}

static void print_step(FILE *f, const pipeline_distill_result *r, const pipeline_step *t)
{
    fputs(t->n == 1 ? "; layer " : "; layers ", f);
    for (uint32_t i = 0; i < t->n; i++)
        fprintf(f, "%s%u", i ? ", " : "", t->layer[i]);
    fprintf(f, " by `%s`", r->mixer[0].text);
    if (t->tune_steps)
        fprintf(f, ", tuned for %llu steps", (unsigned long long) t->tune_steps);
    fprintf(f, ": %.2f %%", 100.0 * t->val_top1);
}

void pipeline__schedule_print(FILE *f, const pipeline_distill_result *r)
{
    static const char *const order[PIPELINE_N_SCHEDULE_ORDERS] = {
        "from the first on", "from the last on", "the sparsest first",
    };
    if (r->schedule == PIPELINE_SCHEDULE_ALL)
        fprintf(f, "\nReplaced all at once, %u layers", r->n_scheduled);
    else
        fprintf(f, "\nReplaced %u at a time, %s", r->schedule, order[r->order]);
    fprintf(f, ", top-1 on val %.2f %% before", 100.0 * r->search.base.metric);
    for (uint32_t i = 0; i < r->n_steps; i++)
        print_step(f, r, &r->step[i]);
    if (r->refused.n)
        fputs("; refused", f);
    if (r->refused.n)
        print_step(f, r, &r->refused);
}
