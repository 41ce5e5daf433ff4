// checkpoint.c — a stepper's state as one safetensors file: values, m, v and, where there is one, the average of every
// trained parameter under its name with a prefix, then what the caller keeps of them, and the caller's words as a U64
// tensor "state".
#include "nn/train/stepper_impl.h"
#include "nn/checkpoint/weights.h"

#include <stdio.h>
#include <stdlib.h>

enum { VALUE, M, V, AVERAGE, KEPT, MAX_PARTS };
static const char *const prefixes[MAX_PARTS] = { "value.", "adam.m.", "adam.v.", "average.", "best." };
#define NAME_SIZE (NN_MAX_NAME + 16)

static vkc_slice part_of(const nn_stepper *s, uint32_t index, int part)
{
    vkc_slice at = nn_params_value(s->p.params, index);
    const uint32_t block = s->p.params->p[index].block;
    if (part)
        at.buf = part == AVERAGE ? s->average[block] : s->moment[part - 1][block];
    return at;
}

static void build_name(char out[NAME_SIZE], int part, const char *name)
{
    snprintf(out, NAME_SIZE, "%s%s", prefixes[part], name);
}

size_t nn_stepper_len(const nn_stepper *s)
{
    const nn_params *ps = s->p.params;
    size_t len = 0;
    for (uint32_t i = 0; i < ps->n; i++)
        len += s->trained[i] ? nn_shape_len(&ps->p[i].shape) : 0;
    return len;
}

vkc_status nn_stepper_read(nn_stepper *s, float *out)
{
    const nn_params *ps = s->p.params;
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < ps->n && st == VKC_OK; i++) {
        if (!s->trained[i])
            continue;
        st = nn_params_read(ps, i, out);
        out += nn_shape_len(&ps->p[i].shape);
    }
    return st;
}

vkc_status nn_stepper_write(nn_stepper *s, const float *in)
{
    const nn_params *ps = s->p.params;
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < ps->n && st == VKC_OK; i++) {
        if (!s->trained[i])
            continue;
        st = nn_params_write(s->p.params, i, in);
        in += nn_shape_len(&ps->p[i].shape);
    }
    return st;
}

vkc_status nn_stepper_save(nn_stepper *s, const char *path, const nn_stepper_state *state)
{
    const nn_params *ps = s->p.params;
    const bool has[MAX_PARTS] = { true, true, true, s->p.adamw.ema > 0, state->kept != NULL };
    nn_st_save *t = (nn_st_save *) calloc(MAX_PARTS * (size_t) ps->n + 1, sizeof *t);
    char (*names)[NAME_SIZE] = (char (*)[NAME_SIZE]) malloc((MAX_PARTS * (size_t) ps->n + 1) * sizeof *names);
    float *all = (float *) malloc((KEPT * nn_stepper_len(s) + 1) * sizeof *all), *at = all, *kept = state->kept;
    uint32_t count = 0;
    vkc_status st = t && names && all ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "checkpoint: out of host memory");
    if (st == VKC_OK)
        st = nn__stepper_start_average(s);
    for (uint32_t i = 0; i < ps->n && st == VKC_OK; i++)
        for (int part = 0; part < MAX_PARTS && s->trained[i] && st == VKC_OK; part++) {
            const size_t len = nn_shape_len(&ps->p[i].shape);
            float **from = part == KEPT ? &kept : &at;
            if (!has[part])
                continue;
            build_name(names[count], part, ps->p[i].name);
            t[count] = (nn_st_save) { .name = names[count], .dtype = NN_ST_F32, .rank = 1, .shape = { len },
                                      .data = *from };
            if (part != KEPT)
                st = vkc_read(s->p.dev, part_of(s, i, part), at);
            *from += len;
            count++;
        }
    if (st == VKC_OK) {
        t[count++] = (nn_st_save) { .name = "state", .dtype = NN_ST_U64, .rank = 1, .shape = { state->n },
                                    .data = state->words };
        st = nn_safetensors_save(path, t, count, NULL, 0);
    }
    free(all);
    free(names);
    free(t);
    return st;
}

// `write` is false when the file is only looked at: nothing changes before all of it is known to fit. `kept` is where
// what the caller keeps of this parameter goes.
static vkc_status load_part(nn_stepper *s, const nn_safetensors *f, uint32_t i, int part, bool write, float *kept)
{
    const nn_param *p = &s->p.params->p[i];
    char name[NAME_SIZE];
    build_name(name, part, p->name);
    const uint64_t len = nn_shape_len(&p->shape);
    const nn_st_tensor *t = nn_safetensors_get(f, name);
    if (!t)
        return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s is missing", nn_safetensors_path(f), name);
    vkc_status st = nn_st_tensor_check(t, 1, &len);
    if (st != VKC_OK || !write)
        return st;
    if (part == KEPT)
        return nn_st_tensor_read(t, 0, len, kept);
    return nn_weights_upload(s->p.dev, t, 0, part_of(s, i, part), NULL);
}

static vkc_status load_all(nn_stepper *s, const nn_safetensors *f, const bool *has, bool write, float *kept)
{
    const nn_params *ps = s->p.params;
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < ps->n && st == VKC_OK; i++) {
        for (int part = 0; part < MAX_PARTS && s->trained[i] && st == VKC_OK; part++)
            if (has[part])
                st = load_part(s, f, i, part, write, kept);
        kept += kept && s->trained[i] ? nn_shape_len(&ps->p[i].shape) : 0;
    }
    return st;
}

// Is part `part` of any trained parameter in the file?
static bool has_part(const nn_stepper *s, const nn_safetensors *f, int part)
{
    char name[NAME_SIZE];
    bool has = false;
    for (uint32_t i = 0; i < s->p.params->n && !has; i++) {
        build_name(name, part, s->p.params->p[i].name);
        has = s->trained[i] && nn_safetensors_get(f, name);
    }
    return has;
}

vkc_status nn_stepper_load(nn_stepper *s, const char *path, nn_stepper_state *state)
{
    nn_safetensors *f = NULL;
    vkc_status st = nn_safetensors_load(path, &f);
    if (st != VKC_OK)
        return st;
    const nn_st_tensor *words = nn_safetensors_get(f, "state");
    const bool has[MAX_PARTS] = { true, true, true, s->p.adamw.ema > 0 && has_part(s, f, AVERAGE),
                                  state->kept && has_part(s, f, KEPT) };
    size_t trained = 0, want = 1;
    for (uint32_t i = 0; i < s->p.params->n; i++)
        trained += s->trained[i];
    for (int part = 0; part < MAX_PARTS; part++)
        want += has[part] ? trained : 0;
    if (!words || words->dtype != NN_ST_U64 || (words->len != state->n && words->len != state->least) ||
        nn_safetensors_len(f) != want) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s is no checkpoint of this run", path);
        goto done;
    }
    for (int write = 0; write < 2; write++)
        VKC_TRY(load_all(s, f, has, write, state->kept));
    s->has_average = has[AVERAGE];
    state->kept = has[KEPT] ? state->kept : NULL;
    state->n = (uint32_t) words->len;
    st = nn_st_tensor_read_raw(words, 0, state->n * sizeof *state->words, state->words);
done:
    nn_safetensors_destroy(f);
    return st;
}
