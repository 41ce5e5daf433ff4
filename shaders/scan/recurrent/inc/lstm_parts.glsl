// lstm_parts.glsl — shared by the general form of the LSTM: a workgroup is PARTS x D invocations.
layout(constant_id = SPEC_LSTM_DIM) const uint D = 32u;
layout(constant_id = SPEC_LSTM_PARTS) const uint PARTS = 1u;
layout(constant_id = SPEC_LSTM_HELD) const uint HELD = 0u;
layout(constant_id = SPEC_LSTM_AT_ONCE) const uint AT_ONCE = 1u;
const uint EACH = (D + PARTS - 1u) / PARTS;

#define CELL float
#include "shaders/scan/recurrent/inc/lstm_cell.glsl"
#define UNIT (gl_LocalInvocationID.x % D)
#define PART (gl_LocalInvocationID.x / D)
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)

// Units of a part whose weights are not held, AT_ONCE at a time; those beyond the part have no weights.
#define FOR_SOME(J) for (uint J = 0u; J < EACH; J += AT_ONCE)
#define SOME(J, E)  ((J) + (E) < EACH ? PART * EACH + (J) + (E) : D)
