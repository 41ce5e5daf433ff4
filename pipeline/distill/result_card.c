// result_card.c — the result of a distillation as Markdown for the model card.
#include "pipeline/distill/stages_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"

static void print_markdown(FILE *f, const pipeline_distill_result *r)
{
    const distill_search_result *s = &r->search;
    const char *split = nn_split_name(r->split);
    fprintf(f, "## Against its teacher\n\n|  | teacher | student |\n|---|---|---|\n");
    fprintf(f, "| top-1 on %s | %.2f %% | %.2f %% |\n", split, 100.0 * r->teacher.top1, 100.0 * r->student.top1);
    if (r->teacher_at.images)
        fprintf(f, "| top-1 on %s, pictures of %u x %u, positions resampled | %.2f %% | %.2f %% |\n", split, r->image,
                r->image, 100.0 * r->teacher_at.top1, 100.0 * r->student_at.top1);
    fprintf(f, "| parameters | %" PRIu64 " | %" PRIu64 " |\n", r->teacher_params, r->student_params);
    for (uint32_t i = 0; i < r->n_times; i++) {
        char word[32];
        if (r->time[i].tokens)
            fprintf(f, "| %u tokens, batch of %u | %.2f ms | %.2f ms, %s |\n", r->time[i].tokens, r->timing_batch,
                    r->time[i].ms[0], r->time[i].ms[1], pipeline_distill_verdict(&r->time[i], word));
    }
    if (r->schedule)
        pipeline__schedule_print(f, r);
    else
        fprintf(f, "\nReplaced one by one for %s, top-1 on val %.2f %% before", pipeline_objective_name(r->objective),
                100.0 * s->base.metric);
    for (uint32_t i = 0; i < r->n_chosen && !r->schedule; i++)
        fprintf(f, "; layer %u by `%s`: %.2f %%", s->step[i].layer, r->mixer[s->step[i].choice - 1].text,
                100.0 * s->step[i].score.metric);
    if (r->n_chosen < s->n_steps)
        fprintf(f, "; the best of %u steps", s->n_steps);
    if (s->refused.layer != UINT32_MAX)
        fprintf(f, "; refused: layer %u: %.2f %%", s->refused.layer, 100.0 * s->refused.score.metric);
    fputs(".", f);
    for (uint32_t i = 0; i < r->n_tunes; i++)
        if (!r->schedule || strcmp(r->tune[i].what, "tune-all") == 0)   // of the others each step has told
            fprintf(f, " Then tuned end to end: %s, %llu steps.", distill_trained_name(r->tune[i].settings.trained),
                    (unsigned long long) r->tune[i].result.steps);
    fputc('\n', f);
}

char *pipeline__work_card(const pipeline_distill_result *r)
{
    char *text = NULL;
    pipeline_text t;
    if (pipeline_text_open(&t) != VKC_OK)
        return NULL;
    print_markdown(t.f, r);
    return pipeline_text_close(&t, &text, NULL) == VKC_OK ? text : NULL;
}
