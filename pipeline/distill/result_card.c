// result_card.c — the result of a distillation as Markdown for the model card.
#include "pipeline/distill/stages_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"

// The student that is not this one.
static void print_sibling(FILE *f, const pipeline_distill_result *r, pipeline_pick k)
{
    static const char *const what[] = { "with the most layers replaced within the tolerance",
                                        "with the best top-1 on val on the way" };
    const pipeline_pick asked = pipeline_distill_asked(r), other = k == PIPELINE_MOST ? PIPELINE_BEST : PIPELINE_MOST;
    const pipeline_picked *m = &r->picked[other];
    fprintf(f, "\nThis is the search's model %s", what[k]);
    if (r->is_one)
        fprintf(f, ", and the one %s", what[other]);
    else if (m->n == 0)
        fputs("; none on the way was as good as the teacher", f);
    else
        fprintf(f, "; the one %s has %u layer%s replaced, top-1 on %s %.2f %%, and lies beside this one, with %s%s at "
                "the end of its name", what[other], m->n, m->n == 1 ? "" : "s", nn_split_name(r->split),
                100.0 * (other == asked ? r->student : m->eval).top1, other == asked ? "no -" : "-",
                pipeline_pick_name(other == asked ? k : other));
    fputs(".\n", f);
}

static void print_markdown(FILE *f, const pipeline_distill_result *r, pipeline_pick k)
{
    const distill_search_result *s = &r->search;
    const char *split = nn_split_name(r->split);
    const bool is_asked = k == pipeline_distill_asked(r);   // alone tuned, timed, judged at other sizes
    const pipeline_picked *m = &r->picked[k];
    fprintf(f, "## Against its teacher\n\n|  | teacher | student |\n|---|---|---|\n");
    fprintf(f, "| top-1 on %s | %.2f %% | %.2f %% |\n", split, 100.0 * r->teacher.top1,
            100.0 * (is_asked ? r->student : m->eval).top1);
    if (r->teacher_at.images && is_asked)
        fprintf(f, "| top-1 on %s, pictures of %u x %u, positions resampled | %.2f %% | %.2f %% |\n", split, r->image,
                r->image, 100.0 * r->teacher_at.top1, 100.0 * r->student_at.top1);
    fprintf(f, "| parameters | %" PRIu64 " | %" PRIu64 " |\n", r->teacher_params,
            is_asked ? r->student_params : m->params);
    if (is_asked)
        fprintf(f, "| multiply-adds a picture | %" PRIu64 " | %" PRIu64 " |\n", r->costs.of[PIPELINE_TEACHER].macs,
                r->costs.of[PIPELINE_STUDENT].macs);
    for (uint32_t i = 0; i < r->n_times && is_asked; i++) {
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
    for (uint32_t i = 0; i < m->n && !r->schedule; i++)
        fprintf(f, "; layer %u by `%s`: %.2f %%", s->step[i].layer, r->mixer[s->step[i].choice - 1].text,
                100.0 * s->step[i].score.metric);
    if (m->n < s->n_steps)
        fprintf(f, "; the best of %u steps", s->n_steps);
    if (s->refused.layer != UINT32_MAX)
        fprintf(f, "; refused: layer %u: %.2f %%", s->refused.layer, 100.0 * s->refused.score.metric);
    fputs(".", f);
    for (uint32_t i = 0; i < r->n_tunes && is_asked; i++)
        if (!r->schedule || strcmp(r->tune[i].what, "tune-all") == 0)   // of the others each step has told
            fprintf(f, " Then tuned end to end: %s, %llu steps.", distill_trained_name(r->tune[i].settings.trained),
                    (unsigned long long) r->tune[i].result.steps);
    fputc('\n', f);
    if (!r->schedule)
        print_sibling(f, r, k);
}

char *pipeline__work_card(const pipeline_distill_result *r, pipeline_pick k)
{
    char *text = NULL;
    pipeline_text t;
    if (pipeline_text_open(&t) != VKC_OK)
        return NULL;
    print_markdown(t.f, r, k);
    return pipeline_text_close(&t, &text, NULL) == VKC_OK ? text : NULL;
}
