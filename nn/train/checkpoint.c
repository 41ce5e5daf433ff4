// checkpoint.c — a stepper's state as one safetensors file: values, m, v and, where it is kept, the average of every
// trained parameter under its name with a prefix, and the caller's words as pairs of 32 bits in a U32 tensor "state".
#include "nn/train/stepper_impl.h"
#include "nn/checkpoint/weights.h"

#include <stdio.h>
#include <stdlib.h>

#define AVERAGE 3
#define MAX_PARTS 4
static const char *const prefixes[MAX_PARTS] = { "value.", "adam.m.", "adam.v.", "average." };

static int n_parts(const nn_stepper *s)
{
    return s->p.adamw.ema > 0 ? MAX_PARTS : AVERAGE;
}

static vkc_slice part_of(const nn_stepper *s, uint32_t index, int part)
{
    vkc_slice at = nn_params_value(s->p.params, index);
    const uint32_t block = s->p.params->p[index].block;
    if (part)
        at.buf = part == AVERAGE ? s->average[block] : s->moment[part - 1][block];
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
    const size_t parts = (size_t) n_parts(s);
    nn_st_save *t = (nn_st_save *) calloc(parts * ps->n + 1, sizeof *t);
    char *names = (char *) malloc(parts * ps->n * name_size + 1);
    float *all = (float *) malloc((parts * nn_params_count(ps) + 1) * sizeof *all), *at = all;
    uint32_t count = 0;
    vkc_status st = t && names && all ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "checkpoint: out of host memory");
    if (st == VKC_OK)
        st = nn__stepper_start_average(s);
    for (uint32_t i = 0; i < ps->n && st == VKC_OK; i++)
        for (int part = 0; part < n_parts(s) && s->trained[i] && st == VKC_OK; part++) {
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
    const uint64_t len = nn_shape_len(&p->shape);
    const nn_st_tensor *t = nn_safetensors_get(f, name);
    if (!t)
        return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s is missing", nn_safetensors_path(f), name);
    vkc_status st = nn_st_tensor_check(t, 1, &len);
    return st == VKC_OK && write ? nn_weights_upload(s->p.dev, t, 0, part_of(s, i, part), NULL) : st;
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
    const size_t len = nn_safetensors_len(f);
    const int parts = len == (size_t) AVERAGE * trained + 1 ? AVERAGE : n_parts(s);
    if (!words || words->dtype != NN_ST_U64 || words->len != n || len != (size_t) parts * trained + 1) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s is no checkpoint of this run", path);
        goto done;
    }
    for (int write = 0; write < 2; write++)
        for (uint32_t i = 0; i < s->p.params->n; i++)
            for (int part = 0; part < parts && s->trained[i]; part++)
                VKC_TRY(load_part(s, f, i, part, write));
    s->has_average = parts > AVERAGE;
    st = nn_st_tensor_read_raw(words, 0, n * sizeof *state, state);
done:
    nn_safetensors_destroy(f);
    return st;
}
