// lstm_cell.glsl — the pointwise part of an LSTM step, for one hidden unit or four: define CELL as float or vec4.
// No select but by step(): a NaN passes through, and nothing overflows.
struct stream {
    uint s, b, dir;                // stream, image, direction
    uint first, n;                 // rows of the image; n = 0 beyond the last one
};

// Before it, ROWS(0, Tok) and the push constants.
stream stream_get()
{
    stream t;
    t.s = gl_WorkGroupID.x;
    t.b = gl_WorkGroupID.z;
    t.dir = t.s % a.dirs;
    t.first = t.n = 0u;
    if (t.b < Tok.images) {
        t.first = ROWS_OFFSET(Tok, t.b);
        t.n = ROWS_OFFSET(Tok, t.b + 1u) - t.first;
    }
    return t;
}

// Row of the i-th token that the stream meets.
uint stream_row(stream t, uint i)
{
    return t.first + (t.dir == 0u ? i : t.n - 1u - i);
}

CELL cell_sigmoid(CELL x)
{
    CELL e = exp(-abs(x));
    return mix(e, CELL(1.0), step(CELL(0.0), x)) / (1.0 + e);
}

// By its series near 0, where 1 - e would cancel.
CELL cell_tanh(CELL x)
{
    CELL e = exp(-2.0 * abs(x)), z = min(x * x, CELL(0.0625));
    CELL near = x * (1.0 + z * (-0.333333333 + z * (0.133333333 + z * (-0.0539682540 + z * 0.0218694885))));
    return mix(sign(x) * (1.0 - e) / (1.0 + e), near, step(abs(x), CELL(0.25)));
}

// From the sums of the gates to i, f, g, o; gate 4 comes as the c before and leaves as c. Returns h.
CELL cell_forward(inout CELL gate[5])
{
    gate[0] = cell_sigmoid(gate[0]);
    gate[1] = cell_sigmoid(gate[1]);
    gate[2] = cell_tanh(gate[2]);
    gate[3] = cell_sigmoid(gate[3]);
    gate[4] = gate[1] * gate[4] + gate[0] * gate[2];
    return gate[3] * cell_tanh(gate[4]);
}

// da of the four gates; tc = tanh(c). dc becomes that of the token before.
void cell_backward(CELL gate[5], CELL tc, CELL c_before, CELL dh, inout CELL dc, out CELL da[4])
{
    dc += dh * gate[3] * (1.0 - tc * tc);
    da[0] = dc * gate[2] * gate[0] * (1.0 - gate[0]);
    da[1] = dc * c_before * gate[1] * (1.0 - gate[1]);
    da[2] = dc * gate[0] * (1.0 - gate[2] * gate[2]);
    da[3] = dh * tc * gate[3] * (1.0 - gate[3]);
    dc *= gate[1];
}
