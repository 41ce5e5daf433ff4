// mixer.c — mixers of a program's own, as rows of the table of mixers.
#include "pipeline/api/api_impl.h"
#include "pipeline/api/graph_impl.h"
#include "nn/base/json.h"

#include <stdio.h>
#include <string.h>

_Static_assert(PARE_MAX_RANK == NN_MAX_RANK && PARE_MAX_MIXER_PARAMS == NN_MAX_MIXER_PARAMS &&
               PARE_MAX_ROW_COPIES == NN_MAX_ROW_COPIES, "the public limits are the library's");

typedef struct custom {
    nn_mixer        row;            // first: a mixer's functions get their row, and find the rest behind it
    pare_mixer_desc desc;
    char            name[sizeof ((nn_layer_config *) NULL)->mixer], about[128];
} custom;

static custom customs[NN_MAX_MIXERS];
static uint32_t n_customs;

struct pare_params {
    nn_mixer_param *out;            // (NN_MAX_MIXER_PARAMS)
    uint32_t        n;
    vkc_status      st;
};

static const custom *custom_of(const nn_mixer_dims *d)
{
    return (const custom *) (const void *) d->mixer;
}

static pare_mixer_dims dims_of(const nn_mixer_dims *d)
{
    return (pare_mixer_dims) { .size = sizeof (pare_mixer_dims), .dim = d->dim, .heads = d->heads };
}

static vkc_status read_param(const pare_mixer_param *in, nn_mixer_param *out)
{
    static const nn_init inits[] = {
        [PARE_INIT_ZERO] = NN_INIT_ZERO, [PARE_INIT_ONE] = NN_INIT_ONE, [PARE_INIT_NORMAL] = NN_INIT_NORMAL,
        [PARE_INIT_UNIFORM] = NN_INIT_UNIFORM, [PARE_INIT_CONV] = NN_INIT_CONV, [PARE_INIT_IDENTITY] = NN_INIT_IDENTITY,
    };
    pare_mixer_param p;
    vkc_status st = API_WANT(in);
    if (st == VKC_OK)
        st = API_TAKE(in, &p);
    if (st != VKC_OK)
        return st;
    if (!p.name || !*p.name || p.rank < 1 || p.rank > NN_MAX_RANK)
        return VKC_FAIL(VKC_E_ARG, "parameter %s: want a name and a rank of 1 to %d", p.name ? p.name : "without name",
                        NN_MAX_RANK);
    if ((unsigned) p.init >= sizeof inits / sizeof inits[0])
        return VKC_FAIL(VKC_E_ARG, "parameter %s: no init %d", p.name, (int) p.init);
    *out = (nn_mixer_param) { .name = p.name, .shape = { .rank = p.rank }, .decay = p.decay != 0,
                              .init = inits[p.init], .from = p.from };
    for (uint32_t i = 0; i < p.rank; i++) {
        if (!p.dim[i])
            return VKC_FAIL(VKC_E_ARG, "parameter %s: dimension %u is 0", p.name, i);
        out->shape.dim[i] = p.dim[i];
    }
    for (uint32_t i = 0; i < NN_MAX_ROW_COPIES; i++)
        out->copy[i] = (nn_row_copy) { .to = p.copy[i].to, .from = p.copy[i].from, .n = p.copy[i].n };
    return VKC_OK;
}

int pare_params_add(pare_params *list, const pare_mixer_param *param)
{
    if (!list || list->st != VKC_OK)
        return 0;
    list->st = list->n < NN_MAX_MIXER_PARAMS
                   ? read_param(param, &list->out[list->n])
                   : VKC_FAIL(VKC_E_ARG, "more than %d parameters", NN_MAX_MIXER_PARAMS);
    if (list->st == VKC_OK)
        list->n++;
    return list->st == VKC_OK;
}

static vkc_status list_params(const nn_mixer_dims *d, nn_mixer_param *out, uint32_t *n)
{
    const custom *c = custom_of(d);
    const pare_mixer_dims dims = dims_of(d);
    pare_params list = { .out = out };
    c->desc.params(c->desc.user, &dims, &list);
    *n = list.n;
    return list.st == VKC_OK ? VKC_OK : VKC_WRAP(list.st, "mixer %s: %s", c->name, vkc_last_error());
}

static uint32_t params(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS])
{
    uint32_t n;
    (void) list_params(d, out, &n);         // check has said what is wrong with them
    return n;
}

static vkc_status check(const nn_mixer_dims *d, const vkc_device_info *dev)
{
    (void) dev;
    const custom *c = custom_of(d);
    const pare_mixer_dims dims = dims_of(d);
    char reason[256] = "";
    nn_mixer_param p[NN_MAX_MIXER_PARAMS];
    uint32_t n;
    if (c->desc.check && !c->desc.check(c->desc.user, &dims, reason, sizeof reason))
        return VKC_FAIL(VKC_E_ARG, "mixer %s: %s", c->name,
                        *reason ? reason : "it cannot have this number of channels and heads");
    return list_params(d, p, &n);
}

static nn_tensor *build(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p, nn_mixer_taps *taps)
{
    (void) taps;
    const custom *c = custom_of(d);
    const pare_mixer_dims dims = dims_of(d);
    pare_graph graph = { g, d };
    nn_tensor *heads = (nn_tensor *) c->desc.build(c->desc.user, &graph, &dims, (pare_tensor *) y,
                                                   (pare_tensor *const *) (const void *) p);
    const nn_shape *s = heads ? nn_tensor_shape(heads) : NULL;
    if (heads && s->rank == 2 && s->dim[1] == d->dim && nn_tensor_rows(heads) == nn_tensor_rows(y))
        return heads;
    // A failure before this one is what the graph reports.
    return nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "mixer %s: its build gives no packed (R, %u)", c->name, d->dim));
}

static vkc_status add(const pare_mixer_desc *desc)
{
    custom *c = &customs[n_customs];
    pare_mixer_desc d;
    vkc_status st;
    VKC_TRY(API_WANT(desc));
    VKC_TRY(API_TAKE(desc, &d));
    VKC_TRY(API_WANT(d.name));
    VKC_TRY(API_WANT(d.params));
    VKC_TRY(API_WANT(d.build));
    if (strlen(d.name) >= sizeof c->name) {
        st = VKC_FAIL(VKC_E_ARG, "'%.30s' is no name for a mixer: want at most %zu letters", d.name,
                      sizeof c->name - 1);
        goto done;
    }
    if (d.about && !nn_is_printable(d.about)) {
        st = VKC_FAIL(VKC_E_ARG, "mixer %s: about is to be one line, without control characters", d.name);
        goto done;
    }
    if (n_customs == NN_MAX_MIXERS) {
        st = VKC_FAIL(VKC_E_ARG, "mixer %s: no room for more than %d", d.name, NN_MAX_MIXERS);
        goto done;
    }
    c->desc = d;
    snprintf(c->name, sizeof c->name, "%s", d.name);
    snprintf(c->about, sizeof c->about, "%s", d.about ? d.about : "");
    c->row = (nn_mixer) { .name = c->name, .about = c->about, .params = params, .check = check, .build = build };
    VKC_TRY(nn_mixer_register(&c->row));
    n_customs++;
done:
    return st;
}

pare_status pare_mixer_register(const pare_mixer_desc *desc)
{
    return pipeline__api_status(add(desc));
}

const char *pare_mixer_name(uint32_t i)
{
    return i < nn_n_mixers ? nn_mixers[i]->name : NULL;
}
