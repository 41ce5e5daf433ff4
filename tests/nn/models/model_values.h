// model_values.h — all parameters of a model, one behind the other, to compare.
#ifndef TESTS_MODEL_VALUES_H
#define TESTS_MODEL_VALUES_H

#include "nn/models/model.h"
#include "tests/vk/vk_test.h"

#include <stdlib.h>

// free() it. *size: bytes.
static inline float *read_params(const nn_model *v, size_t *size)
{
    const nn_params *ps = v->params;
    *size = nn_params_count(ps) * sizeof(float);
    float *all = (float *) malloc(*size), *at = all;
    assert_non_null(all);
    for (uint32_t i = 0; i < ps->n; i++) {
        assert_ok(nn_params_read(ps, i, at));
        at += nn_shape_len(&ps->p[i].shape);
    }
    return all;
}

#endif
