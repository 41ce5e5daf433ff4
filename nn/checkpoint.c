// checkpoint.c — a stepper's state as one safetensors file: values, m and v of every trained parameter
// under its name with a prefix, and the caller's words as pairs of 32 bits in a U32 tensor "state".
#include "nn/safetensors.h"
#include "nn/stepper_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const prefixes[3] = { "value.", "adam.m.", "adam.v." };

static vkc_slice part_of(const nn_stepper *s, uint32_t index, int part)
{
    vkc_slice at = nn_params_value(s->p.params, index);
    if (part)
        at.buf = s->moment[part - 1][s->p.params->p[index].block];
    return at;
}

static void build_name(char *out, size_t size, int part, const char *name)
{
    snprintf(out, size, "%s%s", prefixes[part], name);
}

vkc_status nn_stepper_save(nn_stepper *s, const char *path, const uint64_t *state, uint32_t n)
{
    const nn_params *ps = s->p.params;
    const size_t name_size = NN_MAX_NAME + 16;
    nn_st_save *t = (nn_st_save *) calloc(3 * (size_t) ps->n + 1, sizeof *t);
    char *names = (char *) malloc(3 * (size_t) ps->n * name_size + 1);
    float *all = (float *) malloc((3 * nn_params_count(ps) + 1) * sizeof *all), *at = all;
    uint32_t count = 0;
    vkc_status st = t && names && all ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "checkpoint: out of host memory");
    for (uint32_t i = 0; i < ps->n && st == VKC_OK; i++)
        for (int part = 0; part < 3 && s->trained[i] && st == VKC_OK; part++) {
            size_t len = nn_shape_len(&ps->p[i].shape);
            char *name = names + count * name_size;
            build_name(name, name_size, part, ps->p[i].name);
            t[count++] = (nn_st_save) { .name = name, .dtype = NN_ST_F32, .rank = 1, .shape = { len }, .data = at };
            st = vkc_read(s->p.dev, part_of(s, i, part), at);
            at += len;
        }
    if (st == VKC_OK) {
        t[count++] = (nn_st_save) { .name = "state", .dtype = NN_ST_U64, .rank = 1, .shape = { n }, .data = state };
        st = nn_safetensors_save(path, t, count, NULL, 0);
    }
    free(all);
    free(names);
    free(t);
    return st;
}

// `write` is false when the file is only looked at: nothing changes before all of it is known to fit.
static vkc_status load_part(nn_stepper *s, const nn_safetensors *f, uint32_t i, int part, bool write)
{
    const nn_param *p = &s->p.params->p[i];
    char name[NN_MAX_NAME + 16];
    build_name(name, sizeof name, part, p->name);
    size_t len = nn_shape_len(&p->shape);
    uint64_t dim = len;
    float *x = (float *) malloc(len * sizeof *x);
    if (!x)
        return VKC_FAIL(VKC_E_NOMEM, "checkpoint: out of host memory");
    vkc_status st = nn_safetensors_get_f32(f, name, 1, &dim, x, len);
    if (st == VKC_OK && write)
        st = vkc_write(s->p.dev, part_of(s, i, part), x);
    free(x);
    return st;
}

vkc_status nn_stepper_load(nn_stepper *s, const char *path, uint64_t *state, uint32_t n)
{
    nn_safetensors *f = NULL;
    vkc_status st = nn_safetensors_load(path, &f);
    if (st != VKC_OK)
        return st;
    const nn_st_tensor *words = nn_safetensors_get(f, "state");
    uint32_t trained = 0;
    for (uint32_t i = 0; i < s->p.params->n; i++)
        trained += s->trained[i];
    if (!words || words->dtype != NN_ST_U64 || words->len != n ||
        nn_safetensors_len(f) != 3 * (size_t) trained + 1) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s is no checkpoint of this run", path);
        goto done;
    }
    for (int write = 0; write < 2; write++)
        for (uint32_t i = 0; i < s->p.params->n; i++)
            for (int part = 0; part < 3 && s->trained[i]; part++)
                VKC_TRY(load_part(s, f, i, part, write));
    memcpy(state, words->data, n * sizeof *state);
done:
    nn_safetensors_destroy(f);
    return st;
}
