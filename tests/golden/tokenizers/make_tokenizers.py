#!/usr/bin/env python3
"""Tokenizers of the families that nn/text reads, trained on the text below, and what `tokenizers` makes of many lines.

    make_tokenizers.py                          writes the files beside this one
    make_tokenizers.py compare 20000            compares so many new lines a family, writes nothing
    make_tokenizers.py compare 20000 PATH...    the same, by tokenizer.json files of others

made with tokenizers 0.23.3 and Python 3.11. No vocabulary is anybody's: of each family come the settings alone, written
out by hand. `compare` builds nn/text with `cc` (and Jansson's headers) as a library of its own and asks that: ids with
and without special tokens and with special tokens as plain text, text of ids of the lines and of ids at random, all at
once and as they come. Characters that Unicode does not have in the version of Python's tables are not drawn.
"""
import ctypes
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

OUT = pathlib.Path(__file__).resolve().parent
ROOT = OUT.parent.parent.parent
SIZE = 480              # of the vocabularies that are written
LINES = 190
BASE = ["files", "json", "leftovers"]     # of nn/base, what nn/text calls
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
MARKS = CL100K.replace(r"?\p{L}+", r"?[\p{L}\p{M}]+").replace(r"\s\p{L}\p{N}", r"\s\p{L}\p{M}\p{N}") % ""
CORPUS = """The tokenizer splits a text into words before anything is merged, and the words into bytes.
It's what they'd call a rule: we're sure that he'll say so, that you've seen it, and that I'm not the one who didn't.
A picture of the river, the bridge and the town; the same picture again, with the river in another light.
def encode(text): return [token.id for token in self.tokens if token.id >= 0]  # every token has an id
for (size_t i = 0; i < len; i++) { sum += values[i] * weights[i]; } /* nothing else is done here */
In 1984 there were 365 days, in 2024 there were 366; 3.14159 is near 22/7 and 1,000,000 is a million.
Der Fluss fließt durch die Stadt, über die Brücke gehen die Leute, größer als früher, müde und schön.
Le café était fermé, l'été passé; où est-ce que la forêt commence, là-bas où l'eau est très claire?
Река течёт через город, люди идут по мосту, и вечером снова становится тихо и светло над водой.
東京の川は静かに流れる。橋の上を人が歩いている。日本語の文章です。中文的句子也在这里，我们走过桥。
한국어 문장도 여기에 있습니다. 강은 도시를 지나 흐릅니다. Ο ποταμός περνά μέσα από την πόλη.
नदी शहर से होकर बहती है। النهر يمر عبر المدينة. แม่น้ำไหลผ่านเมือง dòng sông chảy qua thành phố
    if not found:
        raise ValueError(f"no token {name!r} in {path}")
\tindented\twith\ttabs\t\tand    spaces     of      many       lengths
👍🏽 🙂 ❤️ 👨‍👩‍👧 🇩🇪 1️⃣ …—–“quoted” ‘single’ «guillemets» © ™ € £ ½ ² № ①
"""
WORDS = CORPUS.split() + ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>", "<unk>", "<pad>", "[MASK]",
                          "<0x0A>", "IT'S", "WE'LL", "don't", "'S", "'ſ", "x'll", "'vE", "'Dx", "''s", "e\u0301",
                          "a\u0308\u0323", "\u1100\u1161\u11a8",
                          "\uac00\u11a8", "\u212b", "\ufb01", "\u0344", "\u0958", "\u2126",
                          "ſ", "0123456789", "３４", "Ⅻ", "१२३", "\U0001d7d8", "x²",
                          "▁", "▁▁x", "a▁b", "\u0000", "\x1b[0m",
                          "\u200d", "\u200b", "\ufeff", "\u00ad", "\u0085", "\u2028", "\u3000", "\u00a0", "Ġ", "\ufffd"]
SPACES = [" ", " ", " ", " ", " ", "  ", "   ", "", "", "\n", "\r\n", "\t", " \n", "\n ", "\n\n", " \u00a0", "\u3000",
          "\u2003 ", "\u0085", "\v", "\f"]
BLOCKS = [(0x20, 0x7f), (0x80, 0x600), (0x600, 0x3200), (0x300, 0x370), (0x3200, 0xd800), (0xf900, 0x10000),
          (0x10000, 0x20000), (0x1f300, 0x1fa00), (0x20000, 0x31000), (0xe0100, 0xe01f0)]


def added(content, special=True, normalized=False, lstrip=False, rstrip=False):
    return {"content": content, "single_word": False, "lstrip": lstrip, "rstrip": rstrip, "normalized": normalized,
            "special": special}


def byte_level(regex=True, prefix=False):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def split(regex, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": behavior, "invert": invert}


def sequence(key, *parts):
    return {"type": "Sequence", key: list(parts)}


def template(*pieces):
    return {"type": "TemplateProcessing", "pieces": pieces}


REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
PIECES = sequence("decoders", {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
                  {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0})
CHAT = [added("<|im_start|>"), added("<|im_end|>"), added("<tool>", special=False)]
FAMILIES = {
    "gpt2": dict(pre=byte_level(), post=byte_level(), decoder=byte_level(), tokens=[added("<|endoftext|>")], old=True),
    "prefix": dict(pre=byte_level(prefix=True), decoder=byte_level(),
                   tokens=[added("<s>"), added("<pad>", rstrip=True), added("[MASK]", lstrip=True)]),
    "llama3": dict(pre=sequence("pretokenizers", split(CL100K % "{1,3}"), byte_level(False)), decoder=byte_level(),
                   post=sequence("processors", byte_level(), template("<|begin_of_text|>", None)), ignore_merges=True,
                   tokens=[added("<|begin_of_text|>"), added("<|endoftext|>")] + CHAT),
    "qwen2": dict(normalizer={"type": "NFC"}, decoder=byte_level(), post=byte_level(),
                  pre=sequence("pretokenizers", split(CL100K % ""), byte_level(False)),
                  tokens=[added("<|endoftext|>")] + CHAT),
    "marks": dict(normalizer={"type": "NFC"}, decoder=byte_level(), tokens=[added("<|endoftext|>")],
                  pre=sequence("pretokenizers", split(MARKS), byte_level(False))),
    "olmo": dict(normalizer={"type": "NFC"}, pre=byte_level(), decoder=byte_level(), old=True,
                 post=template(None, "<|endoftext|>"),
                 tokens=[added("<|endoftext|>"), added("|||PHONE|||", special=False), added("e\u0301t", False, True)] +
                 [added(" " * n, special=False, normalized=True) for n in range(8, 1, -1)]),
    "olmo2": dict(pre=sequence("pretokenizers", split(CL100K % "{1,3}", "Removed", True), byte_level(False)),
                  decoder=byte_level(), tokens=[added("<|endoftext|>")] + CHAT),
    "smollm2": dict(pre=sequence("pretokenizers", {"type": "Digits", "individual_digits": True}, byte_level()),
                    decoder=byte_level(), tokens=[added("<|endoftext|>")] + CHAT),
    "llama2": dict(normalizer=sequence("normalizers", {"type": "Prepend", "prepend": "▁"}, REPLACE), decoder=PIECES,
                   tokens=[added("<unk>"), added("<s>"), added("</s>")], byte_fallback=True, fuse_unk=True,
                   post=template("<s>", None)),
    "metaspace": dict(pre={"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False},
                      decoder=PIECES, tokens=[added("<unk>"), added("<s>"), added("</s>")], fuse_unk=True, old=True,
                      post=template("<s>", None, "</s>")),
}


def bound_template(value, ids):
    """TemplateProcessing as files have it, from the names of its tokens; None is the text."""
    if value is None or value["type"] == "ByteLevel":
        return value
    if value["type"] == "Sequence":
        return sequence("processors", *(bound_template(part, ids) for part in value["processors"]))
    single = [{"Sequence": {"id": "A", "type_id": 0}} if name is None else {"SpecialToken": {"id": name, "type_id": 0}}
              for name in value["pieces"]]
    names = {name for name in value["pieces"] if name is not None}
    return {"type": "TemplateProcessing", "single": single, "pair": single + [{"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in sorted(names)}}


def train(name, size):
    """The tokenizer.json of a family, as a dictionary."""
    family = FAMILIES[name]
    bytes_too = family.get("byte_fallback", False)
    is_bytes = "decoders" not in family["decoder"]
    trained = Tokenizer(models.BPE())
    if is_bytes:
        pre = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    else:
        pre, alphabet = pre_tokenizers.Metaspace(), []
    trained.pre_tokenizer = pre
    front = [token["content"] for token in family["tokens"]] if not is_bytes else []
    front += [f"<0x{byte:02X}>" for byte in range(256)] if bytes_too else []
    trained.train_from_iterator(CORPUS.splitlines(keepends=True), trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=sorted(alphabet), special_tokens=front,
        limit_alphabet=256 if is_bytes else 90))
    model = json.loads(trained.to_str())["model"]
    vocab, merges = model["vocab"], model["merges"]
    if family.get("ignore_merges"):
        for word in ("Ġriver", "Ġnothing", "ĠпÑĢ"):     # tokens that merging alone may not make
            vocab.setdefault(word, len(vocab))
    ids, tokens = dict(vocab), []
    for token in family["tokens"]:
        tokens.append({"id": ids.setdefault(token["content"], len(ids)), **token})
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens,
        "normalizer": family.get("normalizer"), "pre_tokenizer": family.get("pre"),
        "post_processor": bound_template(family.get("post"), ids), "decoder": family["decoder"],
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>" if not is_bytes else None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": family.get("fuse_unk", False), "byte_fallback": bytes_too,
                  "ignore_merges": family.get("ignore_merges", False), "vocab": vocab,
                  "merges": [" ".join(pair) for pair in merges] if family.get("old") else merges},
    }


def drawn(rng, words=13):
    """One line: words and spaces of all kinds, now and then any characters that there are."""
    kind = rng.random()
    if kind < 0.15:
        start = rng.randrange(len(CORPUS))
        return CORPUS[start:start + rng.randint(1, 9 * words)]
    text = ""
    for _ in range(rng.randint(1, words)):
        if rng.random() < 0.25:
            for _ in range(rng.randrange(1, 5)):
                code = rng.randrange(*rng.choice(BLOCKS))
                if unicodedata.category(chr(code)) not in ("Cn", "Cs"):
                    text += chr(code)
        else:
            word = rng.choice(WORDS)
            text += word if rng.random() < 0.8 else word[rng.randrange(len(word)):]
        text += rng.choice(SPACES)
    return text


class Library:
    """nn/text as a shared library."""

    def __init__(self, folder):
        sources = [*sorted((ROOT / "nn/text").rglob("*.c")), *(ROOT / f"nn/base/{name}.c" for name in BASE),
                   ROOT / "vk/status.c", ROOT / "vk/clock.c"]
        path = pathlib.Path(folder) / "text.so"
        subprocess.run(["cc", "-std=c11", "-O2", "-shared", "-fPIC", "-D_POSIX_C_SOURCE=200809L", f"-I{ROOT}",
                        "-o", path, *sources, "-ljansson", "-lpthread", "-lm"], check=True)
        self.lib = ctypes.CDLL(str(path))
        self.lib.vkc_last_error.restype = ctypes.c_char_p

    def must(self, status):
        if status != 0:
            raise RuntimeError(self.lib.vkc_last_error().decode())

    def open(self, text):
        data = text.encode()
        self.tokenizer, self.encoder = ctypes.c_void_p(), ctypes.c_void_p()
        self.must(self.lib.nn_tokenizer_read(b"tokenizer.json", data, ctypes.c_size_t(len(data)), None,
                                             ctypes.c_size_t(0), ctypes.byref(self.tokenizer)))
        self.must(self.lib.nn_text_encoder_create(self.tokenizer, ctypes.byref(self.encoder)))

    def close(self):
        self.lib.nn_text_encoder_destroy(self.encoder)
        self.lib.nn_tokenizer_destroy(self.tokenizer)

    def encode(self, text, flags):
        data = text.encode()
        ids, count = ctypes.POINTER(ctypes.c_uint32)(), ctypes.c_size_t()
        self.must(self.lib.nn_text_encode(self.encoder, data, ctypes.c_size_t(len(data)), flags, ctypes.byref(ids),
                                          ctypes.byref(count)))
        return ids[:count.value]

    def decode(self, ids, flags):
        text, size = ctypes.c_void_p(), ctypes.c_size_t()
        self.must(self.lib.nn_tokenizer_decode(self.tokenizer, (ctypes.c_uint32 * len(ids))(*ids),
                                               ctypes.c_size_t(len(ids)), flags, ctypes.byref(text),
                                               ctypes.byref(size)))
        found = ctypes.string_at(text, size.value)
        ctypes.CDLL(None).free(text)
        return found.decode()

    def stream(self, ids, flags):
        decoder, text, size, found = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_size_t(), ""
        self.must(self.lib.nn_text_decoder_create(self.tokenizer, flags, ctypes.byref(decoder)))
        for each in ids:
            self.must(self.lib.nn_text_decoder_add(decoder, each, ctypes.byref(text), ctypes.byref(size)))
            found += ctypes.string_at(text, size.value).decode()
        self.must(self.lib.nn_text_decoder_end(decoder, ctypes.byref(text), ctypes.byref(size)))
        found += ctypes.string_at(text, size.value).decode()
        self.lib.nn_text_decoder_destroy(decoder)
        return found


def compare(name, text, count, library):
    """How many of `count` lines differ; the first few are printed."""
    other = Tokenizer.from_str(text)
    library.open(text)
    rng, wrong, size = random.Random(f"{name} {count}"), 0, other.get_vocab_size()
    is_bytes = "ByteFallback" not in json.dumps(json.loads(text)["decoder"])
    for _ in range(count):
        line = drawn(rng)
        plain = other.encode(line, add_special_tokens=False).ids
        ids = [rng.randrange(size) for _ in range(rng.randrange(1, 12))]
        pairs = [("ids", plain, library.encode(line, 0)),
                 ("ids with special tokens", other.encode(line).ids, library.encode(line, 1))]
        other.encode_special_tokens = True
        pairs.append(("ids of plain text", other.encode(line, add_special_tokens=False).ids, library.encode(line, 2)))
        other.encode_special_tokens = False
        for these in (plain, ids):
            pairs.append(("text", other.decode(these, skip_special_tokens=False), library.decode(these, 0)))
            pairs.append(("text without special tokens", other.decode(these), library.decode(these, 1)))
            if is_bytes or these is plain:
                pairs.append(("text as it comes", other.decode(these), library.stream(these, 1)))
        bad = [(what, want, got) for what, want, got in pairs if want != got]
        wrong += bool(bad)
        if bad and wrong <= 3:
            print(f"{name}: {line!r}: {bad[0][0]}: want {bad[0][1]}, got {bad[0][2]}")
    library.close()
    print(f"{name}: {count} lines, {wrong} differ", flush=True)
    return wrong


def write():
    OUT.mkdir(exist_ok=True)
    rng = random.Random(20)
    lines = ["", " ", "a", "\n", *CORPUS.splitlines(), *(drawn(rng, 5) for _ in range(LINES))]
    # Jansson reads no "\\u0000".
    lines = [line.replace("\x00", "") for line in lines]
    (OUT / "lines.json").write_text(json.dumps(lines, ensure_ascii=True, indent=0) + "\n")
    for name in FAMILIES:
        text = json.dumps(train(name, SIZE), ensure_ascii=False, separators=(",", ":"))
        other = Tokenizer.from_str(text)
        ids = [other.encode(line).ids for line in lines]
        told = {"made_with": f"tokenizers {tokenizers.__version__}", "ids": ids,
                "texts": [other.decode(each) for each in ids[:24]]}
        (OUT / f"{name}.json").write_text(text + "\n")
        (OUT / f"{name}.ids.json").write_text(json.dumps(told, separators=(",", ":")).replace("],[", "],\n[") + "\n")
    print(f"{sum(path.stat().st_size for path in OUT.iterdir())} bytes")


def main():
    if len(sys.argv) == 1:
        return write()
    if sys.argv[1] != "compare" or len(sys.argv) < 3:
        sys.exit(__doc__)
    count, wrong = int(sys.argv[2]), 0
    with tempfile.TemporaryDirectory() as folder:
        library = Library(folder)
        texts = {path: pathlib.Path(path).read_text(encoding="utf-8") for path in sys.argv[3:]}
        texts = texts or {name: json.dumps(train(name, 2000)) for name in FAMILIES}
        for name, text in texts.items():
            wrong += compare(name, text, count, library)
    sys.exit(1 if wrong else 0)


main()
