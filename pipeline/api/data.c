// data.c — data sets of the public interface.
#include "pipeline/api/api_impl.h"

#include <stddef.h>
#include <stdlib.h>

#include "pipeline/base/data.h"

vkc_status pipeline_wrap_data(nn_dataset *set, pare_data **out)
{
    pare_data *d = calloc(1, sizeof *d);
    if (!d)
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory");
    *d = (pare_data) { .set = set, .is_borrowed = true };
    *out = d;
    return VKC_OK;
}

pare_status pare_data_open(const char *spec, pare_data **out)
{
    nn_dataset *set = NULL;
    vkc_status st;
    VKC_TRY(API_WANT(spec));
    VKC_TRY(API_WANT(out));
    VKC_TRY(nn_dataset_create(spec, &set));
    VKC_TRY(pipeline_wrap_data(set, out));
    (*out)->is_borrowed = false;
    set = NULL;
done:
    nn_dataset_destroy(set);
    return pipeline__api_status(st);
}

void pare_data_close(pare_data *data)
{
    if (data && !data->is_borrowed)
        nn_dataset_destroy(data->set);
    free(data);
}

pare_status pare_data_set_pillow(pare_data *data, uint32_t pillow)
{
    vkc_status st;
    VKC_TRY(API_WANT(data));
    VKC_TRY(pipeline__api_check_pillow(pillow));
    nn_dataset_set_pillow(data->set, pillow);
done:
    return pipeline__api_status(st);
}

pare_status pare_data_get_info(const pare_data *data, pare_data_info *out)
{
    vkc_status st = API_WANT(data);
    if (st == VKC_OK)
        st = pipeline__api_check(__func__, out, offsetof(pare_data_info, left_out));
    if (st != VKC_OK)
        return pipeline__api_status(st);
    const pare_data_info info = {
        .classes = nn_dataset_classes(data->set), .train = nn_dataset_len(data->set, NN_SPLIT_TRAIN),
        .val = nn_dataset_len(data->set, NN_SPLIT_VAL), .test = nn_dataset_len(data->set, NN_SPLIT_TEST),
        .has_splits = nn_dataset_has_splits(data->set),
        .left_out = (uint32_t) nn_left_out_files(nn_dataset_left_out(data->set)),
    };
    API_GIVE(&info, out);
    return PARE_OK;
}

const char *pare_data_label(const pare_data *data, uint32_t class_index)
{
    return data && class_index < nn_dataset_classes(data->set) ? nn_dataset_labels(data->set)[class_index] : NULL;
}

vkc_status pipeline__api_check_pillow(uint32_t pillow)
{
    return pillow == 0 || pillow == 12 || pillow == 13
         ? VKC_OK : VKC_FAIL(VKC_E_ARG, "pictures are resized as Pillow 12 or 13 does it, not %u", pillow);
}

vkc_status pipeline__api_split(const pipeline_context *c, const pare_data *data, const nn_model *m, const char *split,
                               nn_split usual, nn_split *out)
{
    if (split)
        return nn_split_get(split, out);
    *out = pipeline_choose_split(c, data->set, &m->cfg, usual);
    return VKC_OK;
}

vkc_status pipeline__api_labels(pare_labels labels, nn_labels *out)
{
    static const nn_labels all[] = { [PARE_LABELS_AUTO] = NN_LABELS_AUTO, [PARE_LABELS_INDEX] = NN_LABELS_INDEX,
                                     [PARE_LABELS_NAME] = NN_LABELS_NAME };
    if ((unsigned) labels >= sizeof all / sizeof all[0])
        return VKC_FAIL(VKC_E_ARG, "labels: no way %d to match classes", (int) labels);
    *out = all[labels];
    return VKC_OK;
}
