// schedule_options.c — named layers, and how they are replaced without a search, into parameters.
#include "apps/cli/options/schedule_options.h"

#include "apps/cli/core/list.h"

vkc_status schedule_read(const schedule_options *o, uint32_t *list, pipeline_distill_params *out)
{
    vkc_status st = VKC_OK;
    if (o->layers) {
        VKC_TRY(list_read_ranges("layers", "layer", o->layers, NN_MAX_DEPTH, list, &out->n_layers));
        out->layers = list;
    }
    if (o->schedule)
        VKC_TRY(pipeline_schedule_read(o->schedule, &out->schedule));
    if (o->order && (!o->schedule || out->schedule == PIPELINE_SCHEDULE_ALL))
        return VKC_FAIL(VKC_E_ARG, "--schedule-order: only --schedule sequential:K has an order");
    if (o->order)
        st = pipeline_schedule_order_get(o->order, &out->order);
done:
    return st;
}
