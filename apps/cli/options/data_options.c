// data_options.c — the data set of a command.
#include "apps/cli/options/data_options.h"

#include "pipeline/base/data.h"

static vkc_status open_with(const data_args *d, uint64_t seed, bool whole, nn_dataset **out)
{
    nn_labels unused;
    if (!d->data)
        return VKC_FAIL(VKC_E_ARG, "--data is missing: a folder of class folders, or synth:ringed-digit");
    vkc_status st = d->labels ? nn_labels_get(d->labels, &unused) : VKC_OK;
    if (st != VKC_OK)
        return VKC_WRAP(st, "--labels: %s", vkc_last_error());
    st = nn_dataset_create_with(&(nn_dataset_params) {
        .spec = d->data, .split_seed = seed, .whole = whole, .progress = console_progress }, out);
    if (st == VKC_OK)
        nn_dataset_set_pillow(*out, d->pillow);
    return st;
}

vkc_status data_open(const data_args *d, nn_dataset **out)
{
    return open_with(d, d->split_seed, false, out);
}

vkc_status data_open_for(const data_args *d, const char *model, nn_split usual, nn_dataset **out, nn_split *split,
                         nn_model_config *cfg)
{
    const pipeline_context c = app_context(NULL);
    pipeline_split trained = { 0, 0 };
    vkc_status st;
    *cfg = (nn_model_config) { 0 };
    if (d->split)
        VKC_TRY(nn_split_get(d->split, split));
    if (nn_model_config_load(model, cfg) != VKC_OK)
        *cfg = (nn_model_config) { 0 };
    const bool has = pipeline_split_of(cfg, &trained);
    VKC_TRY(open_with(d, d->split_seed ? d->split_seed : trained.seed, d->split ? *split == NN_SPLIT_ALL : !has, out));
    if (!d->split)
        *split = pipeline_choose_split(&c, *out, cfg, usual);
done:
    return st;
}

pipeline_data data_of(const data_args *d, const nn_dataset *set)
{
    nn_labels labels = NN_LABELS_AUTO;
    if (d->labels && nn_labels_get(d->labels, &labels) != VKC_OK)
        labels = NN_LABELS_AUTO;            // refused when the data set was opened
    return (pipeline_data) { .set = set, .batch = d->batch, .threads = d->threads, .limit = d->limit,
                             .labels = labels, .any_teacher = d->any_teacher,
                             .finite = d->no_check_finite ? PIPELINE_FINITE_NEVER
                                     : d->check_finite    ? PIPELINE_FINITE_ALWAYS : PIPELINE_FINITE_USUAL };
}
