// attention_bias.h — relative positions of attention (shaders/attention/attention_bias.h): what the ops that add a
// table of them to their scores have alike.
#ifndef NN_ATTENTION_BIAS_H
#define NN_ATTENTION_BIAS_H

#include "nn/graph/op.h"
#include "shaders/attention/attention_bias.h"

#ifdef __cplusplus
extern "C" {
#endif

// E_ARG unless in[input] is absent, or the table (N, heads) of a grid `grid_w` patches wide that has all tokens of the
// layout of in[rows].
vkc_status nn_bias_check(const char *op, const nn_call *c, int input, int rows, uint32_t heads, uint32_t grid_w);
// What a shader gets; zeros without a table.
struct attention_bias_args nn_bias_args(const nn_call *c, int input, int rows, uint32_t grid_w);
// Its specialisation constant.
uint32_t   nn_bias_spec(const nn_call *c, int input);
// What is added to the score of a query and a key, by their places in the full image; 0 for a table of NULL.
double     nn_bias_ref(const struct attention_bias_args *a, const double *table, size_t heads, uint32_t query,
                        uint32_t key, size_t h);

#ifdef __cplusplus
}
#endif
#endif
