// student.c — models between a teacher and its transferred students.
#include "distill/transfer/student.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The student that layer l is taken from; NULL = the teacher.
static const nn_model *get_student(const nn_model *const *student, const uint8_t *choice, uint32_t l)
{
    return choice[l] ? student[choice[l] - 1] : NULL;
}

static vkc_status check_students(const nn_model *teacher, const nn_model *const *student, uint32_t n_students,
                                 const uint8_t *choice)
{
    const nn_model_config *t = &teacher->cfg;
    for (uint32_t l = 0; l < t->depth; l++) {
        if (choice[l] > n_students)
            return VKC_FAIL(VKC_E_ARG, "student: layer %u is to be of student %u, there are %u", l, choice[l],
                            n_students);
        const nn_model *from = get_student(student, choice, l);
        if (from && (from->cfg.depth != t->depth || from->cfg.dim != t->dim))
            return VKC_FAIL(VKC_E_ARG, "the student has %u layers of width %u, the teacher %u of width %u",
                            from->cfg.depth, from->cfg.dim, t->depth, t->dim);
    }
    return VKC_OK;
}

vkc_status distill_hybrid_init(nn_model *hybrid, const nn_model *teacher, const nn_model *const *student,
                               uint32_t n_students, const uint8_t *choice)
{
    vkc_status st = check_students(teacher, student, n_students, choice);
    if (st != VKC_OK)
        return st;
    nn_block *block = (nn_block *) malloc(teacher->cfg.depth * sizeof *block);
    if (!block)
        return VKC_FAIL(VKC_E_NOMEM, "student: out of host memory");
    memcpy(block, teacher->block, teacher->cfg.depth * sizeof *block);
    *hybrid = *teacher;
    hybrid->block = block;
    for (uint32_t l = 0; l < teacher->cfg.depth; l++)
        if (choice[l])
            nn_model_borrow(hybrid, get_student(student, choice, l), l);
    return VKC_OK;
}

void distill_hybrid_finish(nn_model *hybrid)
{
    free(hybrid->block);
    *hybrid = (nn_model) { .block = NULL };
}

// Whose value a parameter takes: the mixer and projection of a replaced layer are its student's.
static const nn_model *get_source(const char *name, const nn_model *teacher, const nn_model *const *student,
                                const uint8_t *choice)
{
    unsigned l;
    int end = 0;
    if (sscanf(name, "blocks.%u.attn.%n", &l, &end) == 1 && end > 0 && l < teacher->cfg.depth && choice[l])
        return get_student(student, choice, l);
    return teacher;
}

static vkc_status copy_values(nn_model *m, const nn_model *teacher, const nn_model *const *student,
                              const uint8_t *choice)
{
    size_t most = 0;
    for (uint32_t i = 0; i < m->params->n; i++) {
        size_t len = nn_shape_len(&m->params->p[i].shape);
        most = len > most ? len : most;
    }
    float *x = (float *) malloc(most * sizeof *x);
    if (!x)
        return VKC_FAIL(VKC_E_NOMEM, "student: out of host memory");
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < m->params->n && st == VKC_OK; i++) {
        const nn_param *p = &m->params->p[i];
        const nn_params *from = get_source(p->name, teacher, student, choice)->params;
        uint32_t k;
        if (!nn_params_find(from, p->name, &k) || nn_shape_len(&from->p[k].shape) != nn_shape_len(&p->shape))
            st = VKC_FAIL(VKC_E_ARG, "student: no value for %s", p->name);
        if (st == VKC_OK)
            st = nn_params_read(from, k, x);
        if (st == VKC_OK)
            st = nn_params_write(m->params, i, x);
    }
    free(x);
    return st;
}

vkc_status distill_hybrid_create(const nn_model *teacher, const nn_model *const *student, uint32_t n_students,
                                 const uint8_t *choice, nn_model **out)
{
    nn_model_config cfg = { 0 };
    nn_model *m = NULL;
    vkc_status st;
    VKC_TRY(check_students(teacher, student, n_students, choice));
    VKC_TRY(nn_model_config_copy(&teacher->cfg, &cfg));
    json_decref(cfg.provenance);
    json_decref(cfg.measured);
    cfg.provenance = cfg.measured = NULL;
    for (uint32_t l = 0; l < cfg.depth; l++)
        if (choice[l])
            cfg.layers[l] = get_student(student, choice, l)->cfg.layers[l];
    VKC_TRY(nn_model_create(teacher->dev, &cfg, false, &m));
    VKC_TRY(copy_values(m, teacher, student, choice));
    *out = m;
    m = NULL;
done:
    nn_model_destroy(m);
    nn_model_config_finish(&cfg);
    return st;
}
