// measure.c — accuracy on a split.
#include "pipeline/base/measure.h"

#include <math.h>

#define MAX_NAMED   8u              // broken pictures
#define BAD_SIZE    8u              // pixels a side they are decoded to

bool pipeline_is_checked(const pipeline_data *d, bool usual)
{
    return d->finite != PIPELINE_FINITE_NEVER && (usual || d->finite == PIPELINE_FINITE_ALWAYS);
}

vkc_status pipeline_check_data(const pipeline_data *d)
{
    return d->set && d->batch ? VKC_OK : VKC_FAIL(VKC_E_ARG, "want a data set and a batch of at least one picture");
}

nn_split pipeline_final_split(const nn_dataset *set)
{
    return nn_dataset_len(set, NN_SPLIT_TEST) > 0 ? NN_SPLIT_TEST : NN_SPLIT_VAL;
}

vkc_status pipeline_measure(const pipeline_context *c, const nn_model *m, const pipeline_data *d, nn_split split,
                            nn_eval_result *out)
{
    *out = (nn_eval_result) { .images = 0 };
    if (nn_dataset_len(d->set, split) == 0)
        return VKC_OK;
    nn_eval_params p = { .data = d->set, .split = split, .batch = d->batch, .max_images = d->limit,
                         .threads = d->threads, .check_finite = pipeline_is_checked(d, false),
                         .progress = c->progress, .user = c->user };
    vkc_status st = nn_eval(m, &p, out);
    if (st == VKC_OK)
        pipeline_name_bad(c, d->set, split, out->bad);
    if (st == VKC_OK && !isfinite(out->loss))
        st = VKC_FAIL(VKC_E_CHECK, "the loss on the %s split of %s is not a number: the model gives values that are "
                      "not finite, and %scheck-finite names the first layer that does", nn_split_name(split),
                      nn_dataset_spec(d->set), pipeline_dash(c));
    return st;
}

void pipeline_name_bad(const pipeline_context *c, const nn_dataset *set, nn_split split, uint32_t bad)
{
    uint8_t rgb[3 * BAD_SIZE * BAD_SIZE];
    uint32_t named = 0, n = nn_dataset_len(set, split);
    for (uint32_t i = 0; i < n && named < bad && named < MAX_NAMED; i++) {
        if (!nn_dataset_is_bad(set, split, i))
            continue;               // read again only for its sentence
        vkc_status st = nn_dataset_read(set, split, i, 0, &(nn_preprocess) { 0 }, (nn_size) { BAD_SIZE, BAD_SIZE },
                                        rgb);
        if (st == VKC_E_FORMAT || st == VKC_E_IO) {
            pipeline_say_failure(c);
            named++;
        }
    }
    if (bad > named)
        pipeline_say(c, PIPELINE_WARNING, "%u more broken pictures were skipped", bad - named);
}
