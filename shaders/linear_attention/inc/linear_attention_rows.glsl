// linear_attention_rows.glsl — which rows and head an invocation owns. A few rows each on software devices,
// which pay for every load instruction: what is loaded once then serves all of them.
#extension GL_EXT_control_flow_attributes : require
layout(constant_id = SPEC_LINEAR_ATTENTION_DIM) const uint D = 32u;
layout(constant_id = SPEC_LINEAR_ATTENTION_OWN) const uint OWN = 1u;
layout(constant_id = SPEC_LINEAR_ATTENTION_CAUSAL) const uint CAUSAL = 0u;
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)

struct span {
    uint h;                        // head
    uint state;                    // first element of its state, causal: of its rows' chunk, which is one
    uint first, end;               // own rows: first .. first + OWN, those below end
    bool live;                     // false: nothing to do
};

span span_get(uint images, uint heads, uint features, uint chunks)
{
    span s;
    uint b = gl_WorkGroupID.z, r0 = 0u, lane = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    s.end = 0u;
    if (b < images) {
        r0 = ROWS_OFFSET(Tok, b);
        s.end = ROWS_OFFSET(Tok, b + 1u);
    }
    uint each = max((s.end - r0 + OWN - 1u) / OWN, 1u);
    s.live = lane < heads * each && s.end > r0;
    s.h = s.live ? lane / each : 0u;
    s.first = s.live ? r0 + lane % each * OWN : 0u;
    uint chunk = CAUSAL == 0u || !s.live ? 0u : (s.first - r0) / uint(LINEAR_ATTENTION_CHUNK);
    s.state = ((b * chunks + chunk) * heads + s.h) * features * (D + 4u);
    return s;
}

// Own row r in (R, H); the last row again where there is none.
#define OWN_ROW(T, R) (min((T).first + (R), (T).end - 1u) * a.heads + (T).h)
#define IS_OWN(T, R)  ((T).first + (R) < (T).end)
