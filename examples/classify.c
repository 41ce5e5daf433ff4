// classify.c — the three most probable classes of pictures: classify MODEL PICTURE...
#include <stdio.h>

#include <pare/pare.h>

static int show(void *user, const pare_classified *p)
{
    (void) user;
    if (p->status != PARE_OK)
        printf("%s\n", p->error);       // this picture is broken; the next may be good
    else
        printf("%s:\n", p->path);
    for (uint32_t i = 0; i < p->n_top; i++)
        printf("  %5.1f %%  %s\n", 100.0 * p->top[i].probability, p->top[i].label);
    return 1;
}

int main(int argc, char **argv)
{
    pare_device *device = NULL;
    pare_model *model = NULL;
    pare_classify_options options = pare_classify_options_default();
    if (argc < 3)
        return fprintf(stderr, "usage: classify MODEL PICTURE...\n"), PARE_E_ARG;
    options.top = 3;
    pare_status st = pare_device_open(NULL, &device);
    if (st == PARE_OK)
        st = pare_model_load(device, argv[1], NULL, &model);
    if (st == PARE_OK)
        st = pare_classify(model, (const char *const *) argv + 2, (size_t) argc - 2, &options, show, NULL);
    if (st != PARE_OK)
        fprintf(stderr, "classify: %s\n", pare_last_error());
    pare_model_close(model);
    pare_device_close(device);
    return st;
}
