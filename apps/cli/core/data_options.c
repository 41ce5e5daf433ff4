// data_options.c — the data set of a command.
#include "apps/cli/core/data_options.h"

vkc_status data_open(const data_args *d, nn_dataset **out)
{
    if (!d->data)
        return VKC_FAIL(VKC_E_ARG, "--data is missing: a folder of class folders, or synth:ringed-digit");
    vkc_status st = nn_dataset_create(d->data, out);
    if (st == VKC_OK)
        nn_dataset_set_pillow(*out, d->pillow);
    if (st == VKC_OK && !nn_dataset_has_splits(*out))
        warn("%s has no train/, val/ and test/: every split is the whole folder", d->data);
    return st;
}

pipeline_data data_of(const data_args *d, const nn_dataset *set)
{
    return (pipeline_data) { .set = set, .batch = d->batch, .threads = d->threads, .limit = d->limit,
                             .finite = d->no_check_finite ? PIPELINE_FINITE_NEVER
                                     : d->check_finite    ? PIPELINE_FINITE_ALWAYS : PIPELINE_FINITE_USUAL };
}
