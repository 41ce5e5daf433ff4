// evaluate.c — accuracy of a model on a data set, and how sparse its attention is: evaluate MODEL DATA [PICTURES]
#include <stdio.h>
#include <stdlib.h>

#include <pare/pare.h>

static void print_model(const pare_model *model, const pare_model_info *info)
{
    printf("%s, %u layers of %u channels, %u heads, %.2f million parameters\n", info->kind, info->depth, info->dim,
           info->heads, (double) info->params / 1e6);
    for (uint32_t l = 0; l < info->depth; l++)
        printf("  layer %-2u %s\n", l, pare_model_mixer(model, l));
}

static pare_status accuracy(pare_model *model, const pare_data *data, uint32_t limit)
{
    pare_evaluate_options options = pare_evaluate_options_default();
    pare_evaluate_result r = pare_evaluate_result_default();
    options.limit = limit;
    pare_status st = pare_evaluate(model, data, &options, &r);
    if (st == PARE_OK)
        printf("top-1 %.1f %%, top-5 %.1f %%, loss %.3f of %u pictures, %.0f a second\n", 100.0 * r.top1,
               100.0 * r.top5, r.loss, r.images, r.images_per_s);
    return st;
}

// Measure 0 is the entropy: 1 = a token looks at all others alike, 0 = at one of them.
static pare_status sparsity(pare_model *model, const pare_data *data, uint32_t depth)
{
    pare_sparsity_options options = pare_sparsity_options_default();
    pare_sparsity *s = NULL;
    options.images = 32;
    pare_status st = pare_measure_sparsity(model, data, &options, &s);
    for (uint32_t l = 0; l < depth && st == PARE_OK; l++)
        printf("  layer %-2u %s %.3f\n", l, pare_sparsity_measure(0), pare_sparsity_get(s, l, PARE_ALL_HEADS, 0, 0));
    pare_sparsity_free(s);
    return st;
}

int main(int argc, char **argv)
{
    pare_device *device = NULL;
    pare_data *data = NULL;
    pare_model *model = NULL;
    pare_model_info info = pare_model_info_default();
    if (argc < 3)
        return fprintf(stderr, "usage: evaluate MODEL DATA [PICTURES]\n"), PARE_E_ARG;
    pare_status st = pare_data_open(argv[2], &data);
    if (st == PARE_OK)
        st = pare_device_open(NULL, &device);
    if (st == PARE_OK)
        st = pare_model_load(device, argv[1], NULL, &model);
    if (st == PARE_OK)
        st = pare_model_get_info(model, &info);
    if (st == PARE_OK) {
        print_model(model, &info);
        st = accuracy(model, data, argc > 3 ? (uint32_t) strtoul(argv[3], NULL, 10) : 0);
    }
    if (st == PARE_OK)
        st = sparsity(model, data, info.depth);
    if (st != PARE_OK)
        fprintf(stderr, "evaluate: %s\n", pare_last_error());
    pare_model_close(model);
    pare_device_close(device);
    pare_data_close(data);
    return st;
}
