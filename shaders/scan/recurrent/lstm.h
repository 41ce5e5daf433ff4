// lstm.h — long short-term memory, truly separate heads, in one or two directions.
//   stream s = h * dirs + dir as in gated_scan.h; a_t are its 4 D columns of x from s * 4 D, gates in the order
//   i, f, g, o: W_x x_t + b, made by a product over all tokens beforehand
//   a = a_t + W_h[s] h_{t-1}     i, f, o = sigmoid     g = tanh     c_t = f c_{t-1} + i g     h_t = o tanh(c_t)
//   x (R, S 4 D)   w_h (S, 4 D, D)   start, last (images, S, 2 D) = h, c   h (R, S D)   gates (R, S 5 D) = i f g o c
//   backward, from the last token to the first, dh and dc carried:
//   dh += dy_t     dc += dh o (1 - tanh^2 c)
//   da = dc g i (1 - i), dc c_{t-1} f (1 - f), dc i (1 - g^2), dh tanh(c) o (1 - o)     dc *= f     dh = W_h^T da
//   dW_h = sum_t da_t h_{t-1}^T is one product over all tokens, after the loop
#ifndef SHADERS_LSTM_H
#define SHADERS_LSTM_H
#include "shaders/inc/shared.h"

#define LSTM_MAX_DIM 128

struct lstm_attr {
    U32 heads, dirs, dim;          // dim = D, hidden channels of a stream
    U32 carry;                     // 1: out[2] is (h, c) after the last token
};
ARGS_SIZE(lstm_attr, 16);

// Every kernel of the op.
struct lstm_args {
    U32 streams, dirs;             // S = heads * dirs
    U32 has_start;
    U32 keep;                      // 1: leave the gates for backward
    U32 carry;
    U32 splits;                    // of R, for the gradient of w_h
};
ARGS_SIZE(lstm_args, 24);

#define SPEC_LSTM_DIM 1            // D
#define SPEC_LSTM_SIMD 2           // SIMD form: the subgroup size
#define SPEC_LSTM_PARTS 2          // general form: invocations that share a unit
#define SPEC_LSTM_HELD 3           // 1 = an invocation's weights stay in registers
#define SPEC_LSTM_AT_ONCE 4        // columns of w_h (SIMD form: vec4 of them) that are fetched in a round of a loop
#define SPEC_LSTM_TILE_DIM 6       // products: D; the numbers before are those of the tile
#endif
