// lstm.h — long short-term memory, truly separate heads, in one or two directions.
//   stream s = h * dirs + dir as in gated_scan.h; a_t are its 4 D columns of x from s * 4 D, gates in the order
//   i, f, g, o: W_x x_t + b, made by a product over all tokens beforehand
//   a = a_t + W_h[s] h_{t-1}     i, f, o = sigmoid     g = tanh     c_t = f c_{t-1} + i g     h_t = o tanh(c_t)
#ifndef SHADERS_LSTM_H
#define SHADERS_LSTM_H
#include "inc/shared.h"

struct lstm_attr {
    U32 heads, dirs, dim;          // dim = D, hidden channels of a stream
    U32 carry;                     // 1: out[2] is (h, c) after the last token
};
#endif
