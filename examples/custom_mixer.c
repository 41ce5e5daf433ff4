// custom_mixer.c — a mixer of its own, in attention's place: custom_mixer TEACHER DATA OUT [MAX_DROP]
//
// The mixer, "local", sees no further than its neighbours: a 5 x 5 convolution on the grid of patches, on the values of
// the attention that it replaces, gated by the token itself.
#include <stdio.h>
#include <stdlib.h>

#include <pare/pare.h>

#define SIDE 5

enum { PROJ_W, PROJ_B, CONV_W, CONV_B };

static void add(pare_params *list, const char *name, uint32_t rows, uint32_t cols, uint32_t more, pare_init init)
{
    pare_mixer_param p = pare_mixer_param_default();
    p.name = name;
    p.rank = more ? 3 : cols ? 2 : 1;
    p.dim[0] = rows;
    p.dim[1] = cols;
    p.dim[2] = more;
    p.init = init;
    pare_params_add(list, &p);
}

static void params(void *user, const pare_mixer_dims *d, pare_params *list)
{
    const uint32_t C = d->dim;
    pare_mixer_param proj = pare_mixer_param_default();
    (void) user;
    proj.name = "in_proj.weight";   // C rows of gates, then C rows of values, which the teacher's attention gives
    proj.rank = 2;
    proj.dim[0] = 2 * C;
    proj.dim[1] = C;
    proj.init = PARE_INIT_UNIFORM;
    proj.decay = 1;
    proj.from = "qkv.weight";
    proj.copy[0].to = C;
    proj.copy[0].from = 2 * C;
    proj.copy[0].n = C;
    pare_params_add(list, &proj);
    add(list, "in_proj.bias", 2 * C, 0, 0, PARE_INIT_ZERO);
    add(list, "conv.weight", C, SIDE, SIDE, PARE_INIT_CONV);
    add(list, "conv.bias", C, 0, 0, PARE_INIT_ZERO);
}

static pare_tensor *build(void *user, pare_graph *g, const pare_mixer_dims *d, pare_tensor *y, pare_tensor *const *p)
{
    (void) user;
    (void) d;
    pare_tensor *x = pare_graph_linear(g, y, p[PROJ_W], p[PROJ_B]);
    return pare_graph_grid_conv(g, pare_graph_swiglu(g, x), p[CONV_W], p[CONV_B]);      // silu(gate) * value
}

static void print(const pare_model *model, const pare_distill_result *r)
{
    for (uint32_t l = 0; l < r->depth; l++)
        printf("layer %-2u  %s\n", l, pare_model_mixer(model, l));
    printf("top-1     %.1f %%, the teacher %.1f %%\n", 100.0 * r->student_top1, 100.0 * r->teacher_top1);
}

int main(int argc, char **argv)
{
    const char *const mixers[] = { "local" };
    pare_mixer_desc desc = pare_mixer_desc_default();
    pare_distill_options options = pare_distill_options_default();
    pare_distill_result result = pare_distill_result_default();
    pare_data *data = NULL;
    pare_device *device = NULL;
    pare_model *model = NULL;
    if (argc < 4)
        return fprintf(stderr, "usage: custom_mixer TEACHER DATA OUT [MAX_DROP]\n"), PARE_E_ARG;
    desc.name = "local";
    desc.about = "a gated 5 x 5 convolution on the grid of patches";
    desc.params = params;
    desc.build = build;
    options.mixers = mixers;
    options.n_mixers = 1;
    options.max_drop = argc > 4 ? strtod(argv[4], NULL) : 5.0;      // points of top-1
    options.no_timing = 1;
    options.force = 1;
    pare_status st = pare_mixer_register(&desc);
    if (st == PARE_OK)
        st = pare_data_open(argv[2], &data);
    if (st == PARE_OK)
        st = pare_device_open(NULL, &device);
    if (st == PARE_OK)
        st = pare_distill(device, argv[1], data, argv[3], &options, &result);
    if (st == PARE_OK)
        st = pare_model_load(device, argv[3], NULL, &model);    // the folder names the mixer, the program brings it
    if (st == PARE_OK)
        print(model, &result);
    else
        fprintf(stderr, "custom_mixer: %s\n", pare_last_error());
    pare_model_close(model);
    pare_device_close(device);
    pare_data_close(data);
    return st;
}
