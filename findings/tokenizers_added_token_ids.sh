#!/usr/bin/env bash
# An entry of added_tokens in a tokenizer.json has an "id", and one would expect it to be the id that the token gets:
# models have a row of their embedding for it. tokenizers 0.23.3 reads the id and does not use it unless the model's
# vocabulary has the token too. Otherwise the token gets the next free id, in the order of the list, without a warning;
# saved again, the file has those. So a file whose list has a gap, another order, or places kept free for later (ids
# from 100 on above a vocabulary of 3) encodes to rows that the model was not trained with.
# tokenizers 0.23.3, Python 3.11; 2026-12-01.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q tokenizers==0.23.3
cat >"$work/ids.py" <<'PY'
import json
import tokenizers
from tokenizers import Tokenizer

assert tokenizers.__version__ == "0.23.3"


def make(vocab, added):
    entry = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    return Tokenizer.from_str(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "pre_tokenizer": None,
        "post_processor": None, "decoder": None,
        "added_tokens": [dict(entry, id=i, content=text) for text, i in added],
        "model": {"type": "BPE", "vocab": vocab, "merges": [], "unk_token": None}}))


vocab = {"a": 0, "b": 1, "c": 2}
for what, given, added in [("a gap", vocab, [("<x>", 100), ("<y>", 101)]),
                           ("another order", vocab, [("<x>", 4), ("<y>", 3)]),
                           ("in the vocabulary too", {**vocab, "<x>": 100, "<y>": 101}, [("<x>", 100), ("<y>", 101)])]:
    t = make(given, added)
    got = t.encode("a<x><y>").ids
    saved = {e["content"]: e["id"] for e in json.loads(t.to_str())["added_tokens"]}
    print(f"{what}: the file says {dict(added)}, a<x><y> is {got}, saved again as {saved}")
    assert got == ([0, 100, 101] if given is not vocab else [0, 3, 4]), got
    assert saved == (dict(added) if given is not vocab else {"<x>": 3, "<y>": 4}), saved
PY
"$work/env/bin/python" "$work/ids.py"
