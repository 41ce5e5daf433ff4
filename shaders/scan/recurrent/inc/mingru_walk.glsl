// mingru_walk.glsl — an invocation owns one channel of a stream and walks one segment of an image's tokens.
//
// Include after ROWS(0, Tok) and PUSH_ARGS(mingru_args). Channels are counted in T, see quads.glsl.
#extension GL_EXT_control_flow_attributes : require
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"
layout(constant_id = SPEC_MINGRU_AHEAD) const uint AHEAD = 2u;
READ(1, x);                                                    // (R, dirs 2 C), C = heads dim
#define DIM      (a.dim / T_LEN)
#define CHANNELS (a.heads * a.dirs * DIM)                      // of h
#define FOR(I, COUNT) [[unroll]] for (uint I = 0u; I < (COUNT); I++)

uint image, first, count;          // first row and tokens of the image; none when it is not live
uint channel, dir, column;         // of h; its direction; the column of its gate in x

void walk_begin(uint b, uint n)
{
    image = b;
    first = count = 0u;
    if (b < Tok.images) {
        first = ROWS_OFFSET(Tok, b);
        count = ROWS_OFFSET(Tok, b + 1u) - first;
    }
    channel = n;
    uint s = n / DIM;
    dir = s % a.dirs;
    column = dir * 2u * a.heads * DIM + s / a.dirs * DIM + n % DIM;
}

// First place of segment k, in the direction's order.
uint place_of(uint k)
{
    return min(k * ((count + a.segments - 1u) / a.segments), count);
}

// Row of the token at place t.
uint row_at(uint t)
{
    return dir == 0u ? first + t : first + count - 1u - t;
}

// Where the gate at row r lies in x, and, with the second, its candidate.
#define GATE_AT(R) ((R) * a.dirs * 2u * a.heads * DIM + column)
#define CANDIDATE  (a.heads * DIM)
#define H_AT(R)    ((R) * CHANNELS + channel)

// Where (A, B) of segment k lie: two T beside each other.
#define MAP_AT(K) (((image * a.segments + (K)) * CHANNELS + channel) * 2u)
