// model_relative.c — the tables of relative positions of a model, read back.
#include "nn/models/model.h"

#include <stdlib.h>

// The parameters that are added to the scores of block l; how many.
static uint32_t find_tables(const nn_model *m, uint32_t l, uint32_t index[2])
{
    const nn_block *k = &m->block[l];
    uint32_t n = 0;
    if (!k->mixer->has_weights)
        return 0;
    for (uint32_t i = 0; i < k->n_mixer_p; i++)
        if (nn_relative_is_table(k->attn_params->p[k->mixer_p[i]].name))
            index[n++] = k->mixer_p[i];
    if (m->cfg.shared_relative && nn_params_find(k->attn_params, NN_SHARED_TABLE, &index[n]))
        n++;
    return n;
}

uint32_t nn_model_relative_rows(const nn_model *m, uint32_t l)
{
    uint32_t index[2];
    return find_tables(m, l, index) ? m->block[l].attn_params->p[index[0]].shape.dim[0] : 0;
}

vkc_status nn_model_read_relative(const nn_model *m, uint32_t l, double *table)
{
    uint32_t index[2];
    const uint32_t n = find_tables(m, l, index);
    const size_t len = (size_t) nn_model_relative_rows(m, l) * m->cfg.heads;
    float *x = (float *) malloc((len ? len : 1) * sizeof *x);
    vkc_status st = x ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "model: out of host memory");
    for (uint32_t i = 0; i < n && st == VKC_OK; i++) {
        st = nn_params_read(m->block[l].attn_params, index[i], x);
        for (size_t k = 0; k < len && st == VKC_OK; k++)
            table[k] = (double) x[k] + (i ? table[k] : 0);
    }
    free(x);
    return st;
}
