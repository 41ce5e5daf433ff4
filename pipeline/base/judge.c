// judge.c — a model in training, judged on the val split.
#include "pipeline/base/judge.h"

#include <math.h>
#include <stdio.h>

#include "nn/base/json.h"
#include "pipeline/base/json.h"

static bool tell(void *user, const nn_progress *p)
{
    const pipeline_judge *j = (const pipeline_judge *) user;
    nn_progress with = *p;
    char note[40];
    snprintf(note, sizeof note, "epoch %llu", (unsigned long long) j->epoch);
    with.what = "val";
    with.note = note;
    return pipeline_tell(j->c, &with);
}

// Broken pictures are named when the finished model is measured, not after every epoch.
static vkc_status judge(void *user, uint64_t epoch, nn_score *out)
{
    pipeline_judge *j = (pipeline_judge *) user;
    const pipeline_data *d = j->data;
    nn_eval_result r;
    nn_eval_params p = { .data = d->set, .split = NN_SPLIT_VAL, .batch = j->batch, .max_images = d->limit,
                         .threads = d->threads, .progress = tell, .user = j, .kept = &j->infer };
    vkc_status st;
    j->epoch = epoch;
    while (((st = nn_eval(j->model, &p, &r)) == VKC_E_DEVMEM || st == VKC_E_NOMEM) && p.batch > 1)
        j->batch = p.batch /= 2;
    if (st != VKC_OK)
        return st;
    const bool is_finite = isfinite(r.loss);    // else it gives no numbers, and what is called its best class is none
    *out = (nn_score) { is_finite ? r.top1 : (double) NAN, r.loss };
    return VKC_OK;
}

nn_judge pipeline_judge_make(pipeline_judge *j, const pipeline_context *c, const nn_model *m, const pipeline_data *d,
                             bool keep_last)
{
    *j = (pipeline_judge) { .c = c, .model = m, .data = d, .batch = d->batch };
    return (nn_judge) { keep_last || nn_dataset_len(d->set, NN_SPLIT_VAL) == 0 ? NULL : judge, j };
}

void pipeline_judge_finish(pipeline_judge *j)
{
    nn_infer_destroy(j->infer);
    j->infer = NULL;
}

void pipeline_judge_add_inputs(json_t *inputs, bool keep_last)
{
    if (keep_last)
        nn_json_set_new(inputs, "keep_best", json_false());
}

void pipeline_best_add(json_t *o, const nn_best *b)
{
    nn_json_set_new(o, "epochs", json_integer(b->epochs));
    nn_json_set_new(o, "best_epoch", b->epoch ? json_integer(b->epoch) : json_null());
    nn_json_set_new(o, "best_val_top1", b->epoch ? pipeline_number(b->score.top1) : json_null());
}

void pipeline_best_text(const nn_best *b, char *text, size_t size)
{
    *text = '\0';
    if (b->epoch)
        snprintf(text, size, "The parameters are those after epoch %u of %u, the best on val.\n", b->epoch, b->epochs);
}
