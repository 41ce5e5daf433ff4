// rowwise.h — what ops that work row by row share: shape checks and launches. Internal to nn.
//
// Such a kernel serves packed and plain tensors: its args carry `rows`, the exact count of a plain
// tensor, or 0 for "read the layout" bound through ROWS_IN(0).
#ifndef NN_ROWWISE_H
#define NN_ROWWISE_H

#include "nn/graph/choose/choose.h"
#include "shaders/inc/lanes.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_MAX_PARTIALS 64          // partial sums a fixed-order reduction adds up
#define NN_ROWS_EACH 32             // rows that are worth one

// "op: what is (3, 5), want (3, 7)". A wanted dimension of 0 takes any length but zero.
vkc_status nn_want_shape(const char *op, const char *what, const nn_shape *got, uint32_t rank,
                         uint32_t d0, uint32_t d1);

// Where the streams of a mixer, heads in dirs directions, find their `dim` columns in a tensor of tokens:
// from col0 + h * head + dir * dir_stride. A stride of 0 shares the columns.
typedef struct nn_columns { uint32_t heads, dirs, dim, col0, head, dir_stride; } nn_columns;
// E_ARG unless `got` is a matrix that has them all, and no two streams share columns but by a stride of 0.
vkc_status nn_want_columns(const char *op, const char *what, const nn_shape *got, const nn_columns *want);

uint32_t nn_plain_rows(const nn_call *c);               // for args.rows: 0 when input 0 is packed
uint32_t nn_row_groups(const nn_call *c, uint32_t tile_rows);   // of a plain input 0; 0 when packed

uint32_t nn_n_partials(uint32_t rows, uint32_t rows_each);      // 1 .. NN_MAX_PARTIALS

// grad (len) += the sum over `splits` of part (splits, len), in order.
vkc_status nn_add_parts(nn_run *r, const nn_call *c, uint8_t part, uint8_t grad, uint32_t len, uint32_t splits);

// Spec constants of a kernel that includes reduce_rows.glsl and is launched over input 0 by NN_BY_ROWS.
#define NN_ROW_SPEC(c, lanes, cols)                                     \
    .spec = { [SPEC_LANES - 1] = (lanes), [SPEC_COLS - 1] = (cols),     \
              [SPEC_ONCE - 1] = nn_row_once((c), (c)->in[0].dim[0], NN_ROW_WG / (lanes)) }

// Launch over the live rows of input 0, `tile` rows a workgroup.
#define NN_BY_ROWS(c, tile)                                             \
    .tile_rows = (c)->in_rows[0] != NULL ? (tile) : 0,                  \
    .rows = ROWS_IN(0), .groups = { nn_row_groups((c), (tile)) }, .wg = NN_ROW_WG

#ifdef __cplusplus
}
#endif
#endif
