// matrix_match.h — the distance between the matrix that a mixer multiplies its values by and a teacher's attention
// weights: the first stage of MOHAWK (Bick et al. 2024). Row i of the matrix of head h, for the tokens of one image:
//   with log decays g, of a recurrence (shaders/scan/gated/gated_scan.h), in dirs directions:
//     M_ij = 1 / dirs sum over the directions in which j does not come after i of
//            scale step_j sum_c q_ic k_jc exp(sum of g_sc over the tokens s after j, up to i)
//   without, of features: M_ij = q_i . k_j / S_i     S_i = max(sum_j q_i . k_j, 1e-6)
//   a_ij = exp(teacher_scale q_i . k_j - lse_i) of the teacher
//   F_bh = sqrt(sum over i, j of (M_ij - a_ij)^2)     loss = mean of F over images and heads
//   stats (R, H, 2) = [S_i | 1, sum_j (M_ij - a_ij) M_ij]
//   backward: dM_ij = (M_ij - a_ij) / (F_bh images heads). With G_i the sum of g up to token i, and D_i what is behind
//   the products above: dG_i = q_i . dq_i, dG_j -= k_j . dk_j, dg_s = sum of dG over s and the tokens after it.
//   Without g: dkappa_ij = (dM_ij - sum_j dM_ij M_ij) / S_i.
// The matrix is made 64 entries at a time, anew in each pass; sums of g are kept in two floats.
#ifndef SHADERS_MATRIX_MATCH_H
#define SHADERS_MATRIX_MATCH_H
#include "shaders/scan/inc/chunk.h"

#define SPEC_MATRIX_MATCH_KEYS 1       // backward: 0 = own rows are queries, 1 = they are keys

#define MATRIX_MATCH_WG 64             // entries that a workgroup makes at a time
#define MATRIX_MATCH_MAX_DIM 256       // dk: four channels an invocation
#define MATRIX_MATCH_EPS 1e-6f

struct matrix_match_attr {
    U32 heads, dirs;                   // dirs 1 or 2
    U32 dk;                            // channels of q and k
    U32 channels;                      // 0: g is one number a stream; 1: dk numbers
    U32 q_col0, q_head, q_dir;         // as in gated_scan
    U32 k_col0, k_head, k_dir;
    U32 g_col0, g_head, g_dir;
    U32 step_col0, step_head, step_dir;
    F32 scale;                         // of q; 0 = 1
    F32 teacher_scale;                 // 0 = 1 / sqrt(channels of a head of the teacher)
    U32 map;                           // 1: out[3] is the matrix
};

struct matrix_match_args {
    STRUCT chunk_cols q, k, g, step;
    U32 heads, dirs, dk;
    U32 width;                         // decays of a stream: 1 or dk; 0 = there are none
    U32 head_dim;                      // of the teacher
    U32 has_step, has_map;
    U32 cap_tokens;
    U32 images;                        // that may come
    F32 scale, teacher_scale;
};
ARGS_SIZE(matrix_match_args, 108);
#endif
