#!/usr/bin/env python3
"""PyTorch's answers for tests/nn/ops/test_lstm.c: a bidirectional nn.LSTM, forward and every gradient, in double.

    /usr/bin/python3 tests/golden/lstm.py       (Debian: python3-torch python3-numpy)

writes lstm.safetensors beside it: once one head of 12 channels, once two of 6, as one LSTM of width 12 whose
matrices are block-diagonal. Directions come first in every weight; h is [forward | backward], as PyTorch has it.
"""
import torch

import make

C, LENGTHS, SEED = 12, (9, 5), 11


def draw(stream, *shape):
    n = int(torch.tensor(shape).prod())
    return torch.tensor(make.uniform(SEED, stream, n)).double().reshape(shape) * 2 - 1


def solve(heads):
    rows = sum(LENGTHS)
    head = torch.arange(C) // (C // heads)
    blocks = (head[:, None] == head[None]).double().repeat(4, 1)       # (4 C, C), the same for each gate
    given = {"x": draw(1, rows, C), "w_x": draw(2, 2, 4 * C, C) * blocks, "w_h": draw(3, 2, 4 * C, C) * blocks,
             "b": draw(4, 2, 4 * C), "dh": draw(5, rows, 2 * C)}
    lstm = torch.nn.LSTM(C, C, bidirectional=True, batch_first=True).double()
    kinds = {"w_x": "weight_ih_l0", "w_h": "weight_hh_l0", "b": "bias_ih_l0"}
    named = dict(lstm.named_parameters())
    with torch.no_grad():
        for parameter in named.values():
            parameter.zero_()
        for key, name in kinds.items():
            for direction, suffix in enumerate(("", "_reverse")):
                named[name + suffix].copy_(given[key][direction])
    x = given["x"].clone().requires_grad_()
    h = torch.cat([lstm(part[None])[0][0] for part in x.split(LENGTHS)])
    (h * given["dh"]).sum().backward()
    grads = {f"d{key}": torch.stack([named[name].grad, named[name + "_reverse"].grad]) for key, name in kinds.items()}
    return {**given, "h": h, "dx": x.grad, **grads}


def main():
    out = {f"heads{heads}.{name}": value for heads in (1, 2) for name, value in solve(heads).items()}
    make.save(make.HERE / "lstm.safetensors", {"lengths": list(LENGTHS), "seed": SEED, "script": "lstm.py"}, out)


if __name__ == "__main__":
    main()
