#!/usr/bin/env python3
"""Runs pare classify from outside: files, folders, standard input, batches, rules, dumps: test_cli_classify.py PARE."""
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import zlib

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import SIDE, check, check_json, check_run, plant, train


def lines(out):
    """{file: the rest} of what classify prints."""
    return dict(line.split(": ", 1) for line in out.splitlines())


def classify_lines(code, words, text, *args):
    """The same as check_run, with a text on standard input."""
    done = subprocess.run([cli.pare, "classify", *map(str, args)], input=text, capture_output=True, text=True,
                          timeout=300, check=False)
    check(done.returncode == code, f"classify {args}: exit code {done.returncode}, want {code}: {done.stderr[-300:]}")
    check(words in done.stderr, f"classify {args}: lacks \"{words}\": {done.stderr[-300:]}")
    return done.stdout


def draw(path, width, height, rows=None):
    """A picture of these rows, or one of which no two pixels are the same; its rows."""
    rows = rows or [b"".join(bytes((x * 7 % 256, y * 11 % 256, (x + y) % 256)) for x in range(width))
                    for y in range(height)]

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))) + chunk(b"IEND", b""))
    return rows


def read_tensors(path):
    """{name: (type, shape, bytes)} and the metadata of a safetensors file."""
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    meta = header.pop("__metadata__")
    return {name: (t["dtype"], t["shape"], raw[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]])
            for name, t in header.items()}, meta


def test_lists(work):
    m, data = work / "m", work / "data"
    test = sorted(map(str, (data / "test").rglob("*.png")))
    shutil.copytree(data / "test", work / "deep/a.b")
    (work / "deep/z.PNG").write_bytes((data / "test/dark/0.png").read_bytes())
    (work / "deep/.hidden.png").write_bytes(b"no")
    (work / "deep/notes.txt").write_text("no picture")
    os.symlink(work / "deep", work / "deep/a.b/round")
    found = lines(check_run(0, "", "classify", m, data / "test"))
    check(list(found) == test, f"classify: the pictures of a folder: {list(found)}")
    check(all(text.count("%") == 2 for text in found.values()), "classify: both classes by default")
    deep = [work / "deep/z.PNG"]
    deep += [work / "deep/a.b" / label / f"{i}.png" for label in ("dark", "light") for i in range(6)]
    check(list(lines(check_run(0, "", "classify", m, work / "deep", test[0]))) == sorted(map(str, deep)) + test[:1],
          "classify: folders in folders, then a file")
    check(lines(classify_lines(0, "", "\n".join(test) + "\n\n", m, "-")) == found, "classify: standard input")
    check(lines(classify_lines(0, "", "\0".join(test), m, "-")) == found, "classify: standard input of find -print0")
    check(lines(classify_lines(0, "", str(data / "test"), m, "-")) == found, "classify: a folder by standard input")
    check(classify_lines(0, "", "", m, "-") == "", "classify: nothing on standard input")
    out = lines(classify_lines(6, "2 of 3 images", f"{'x' * 5000}\n{test[0]}\n{work}/gone.png\n", m, "-"))
    check(list(out) == test[:1], "classify: a long line and a file that is gone")
    (work / "hollow").mkdir()
    check(lines(check_run(6, "hollow holds no", "classify", m, work / "hollow", *test)) == found,
          "classify: a hollow folder")
    out = lines(check_run(6, "2 of 26 images", "classify", m, data / "train"))
    check(len(out) == 24 and not [name for name in out if "broken" in name or "empty" in name],
          "classify: a folder with broken ones")


def test_batches(work):
    want = check_json("images", "classify", work / "m", work / "data/val", "--batch", "1")
    for more in (["--batch", "5"], ["--batch", "5", "--threads", "3"], ["--batch", "4096"], []):
        check(check_json("images", "classify", work / "m", work / "data/val", *more) == want,
              f"classify {more}: other scores")
    check(len(want["images"]) == 12 and [len(i["top"]) for i in want["images"]] == [2] * 12,
          "classify: images of --json")
    check_run(2, "want 1 to 4096", "classify", work / "m", work / "data/val", "--batch", "0")
    bad = work / "nan"
    shutil.copytree(work / "m", bad)
    plant(bad, "head.bias", struct.pack("<f", float("nan")))
    check_run(6, "1 of its values is not finite, in 1 tensor; the first is NaN, at index 0 of tensor head.bias",
              "classify", bad, work / "data/test/dark")
    shutil.rmtree(bad)
    shutil.copytree(work / "m", bad)
    for name in ("blocks.0.mlp.fc2.bias", "head.weight"):          # finite values, whose product is not
        plant(bad, name, struct.pack("<f", 3e38))
    out = check_run(6, "no finite score", "classify", bad, work / "data/test/dark")
    check(out == "", f"classify: labels of scores that are not finite: {out}")


def edit(work, name, timm=None, hf=None):
    folder = work / name
    shutil.copytree(work / "m", folder)
    for file, keys, change in (("config.json", ["pretrained_cfg"], timm), ("preprocessor_config.json", [], hf)):
        config = json.loads((folder / file).read_text())
        at = config
        for key in keys:
            at = at[key]
        at.update(change or {})
        (folder / file).write_text(json.dumps(config))
    return folder


def dump(work, model, *args):
    path = work / "dump.safetensors"
    check_run(0, "holds the pixels of", "classify", model, *args, "--preprocess-dump", path, "--force")
    return read_tensors(path)


def test_dump(work):
    """A wide picture cut to the model's size: no pixel is resampled, so all are known."""
    rows = draw(work / "wide.png", 2 * SIDE + 1, SIDE)
    rule = {"crop_mode": "center", "crop_pct": 1.0, "interpolation": "bicubic"}
    m = edit(work, "rules", rule, {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": SIDE},
                                   "resample": 3, "do_center_crop": True, "crop_size": {"height": SIDE, "width": SIDE}})
    for args, left in (([], SIDE // 2), (["--preprocess", "timm"], SIDE // 2), (["--preprocess", "hf"], SIDE // 2)):
        tensors, meta = dump(work, m, work / "wide.png", *args)
        check(tensors["rgb"][:2] == ("U8", [1, SIDE, SIDE, 3]) and tensors["pixels"][:2] == ("F32", [1, 3, SIDE, SIDE]),
              f"--preprocess-dump: {[t[:2] for t in tensors.values()]}")
        want = b"".join(row[3 * left:3 * (left + SIDE)] for row in rows)
        check(tensors["rgb"][2] == want, f"--preprocess-dump {args}: other pixels")
        check(json.loads(meta["files"]) == [str(work / "wide.png")], f"--preprocess-dump: files {meta}")
        pixels = struct.unpack(f"<{3 * SIDE * SIDE}f", tensors["pixels"][2])
        config = json.loads((m / "config.json").read_text())["pretrained_cfg"]
        error = max(abs(pixels[c * SIDE * SIDE + i] - (want[3 * i + c] / 255 - config["mean"][c]) / config["std"][c])
                    for c in range(3) for i in range(SIDE * SIDE))
        check(error < 1e-5, f"--preprocess-dump: pixels are off by {error}")
    draw(work / "wider.png", 2 * SIDE + 3, SIDE)        # (35 - 16) / 2 = 9.5: to even 10, floored 9
    both = [dump(work, m, work / "wider.png", "--preprocess", rule)[0]["rgb"][2][0] for rule in ("timm", "hf")]
    check(both == [70, 63], f"--preprocess: the first columns are {both}")


FORMATS = ("webp", "tiff", "gif", "bmp")


def golden_files():
    """Files of tests/golden/formats.safetensors, {name: bytes}."""
    path = pathlib.Path(__file__).resolve().parent.parent / "golden/formats.safetensors"
    return {name: body for name, (_, _, body) in read_tensors(path)[0].items()}


def test_formats(work):
    """Pictures of all formats in a folder, and what a build without a library says of its files."""
    m, folder, golden = work / "m", work / "formats", golden_files()
    version = check_run(0, "reads JPEG", "--version")
    missing = [f for f in FORMATS if f"does not read {f} pictures" in version.lower()]
    folder.mkdir()
    for name in ("webp_lossy", "tiff_tiles", "tiff_turned_6", "gif_plain", "bmp_rle8"):
        (folder / f"{name}.{name.split('_')[0]}").write_bytes(golden[name])
    (folder / "named.jpg").write_bytes(golden["bmp_bits_24"])
    left_out = [p for p in sorted(folder.iterdir()) if p.suffix[1:] in missing]
    read = [str(p) for p in sorted(folder.iterdir()) if p not in left_out]
    out = check_run(6 if left_out else 0, f"{len(left_out)} of 6 images" if left_out else "", "classify", m, folder)
    check(list(lines(out)) == read, f"classify: pictures of all formats: {list(lines(out))}, want {read}")
    for path in left_out:
        check_run(6, "this build has no ", "classify", m, path)
    shutil.copytree(folder, work / "all/test/dark")
    shutil.copytree(work / "data/test/light", work / "all/test/light")
    result = check_json("images bad", "eval", m, "--data", work / "all")
    check(result["images"] == len(read) + 6 and result["bad"] == len(left_out),
          f"eval: {result['images']} pictures of all formats, {result['bad']} bad")


def test_pillow(work):
    """--pillow: both orders of passes, 13 without it; the same for a data set."""
    noise = random.Random(1)
    draw(work / "tall.png", 30, 75, [noise.randbytes(90) for _ in range(75)])
    pixels = [dump(work, work / "m", "--pillow", v, work / "tall.png")[0]["pixels"][2] for v in (12, 13)]
    check(pixels[0] != pixels[1], "classify: --pillow 12 and 13 give the same bytes")
    check(dump(work, work / "m", work / "tall.png")[0]["pixels"][2] == pixels[1], "classify: 13 is not the usual")
    for label in ("dark", "light"):
        (work / f"tall/test/{label}").mkdir(parents=True)
        shutil.copy(work / "tall.png", work / f"tall/test/{label}/a.png")
    for version, want in ((12, pixels[0]), (13, pixels[1])):
        check_run(0, "", "eval", work / "m", "--data", work / "tall", "--pillow", version, "--logits", work / "logits",
                  "--force")
        got = read_tensors(work / "logits")[0]["pixels"][2]
        check(got == want * 2, f"eval --pillow {version}: other pixels than classify")
    for command in (("classify", work / "m", work / "tall.png"), ("eval", work / "m", "--data", work / "tall")):
        check_run(2, "--pillow is 11, want 12 to 13", *command, "--pillow", 11)


def test_refusals(work):
    m, one, path = work / "m", work / "data/test/dark/0.png", work / "once.safetensors"
    check_run(0, "the pixels of 1 image", "classify", m, one, "--preprocess-dump", path)
    before = path.read_bytes()
    check_run(2, "--preprocess-dump: ", "classify", m, one, "--preprocess-dump", path)
    check(path.read_bytes() == before, "--preprocess-dump: a refused command changed the file")
    check_run(6, "is not written", "classify", m, work / "data/train/dark/broken.png", "--preprocess-dump",
              work / "none")
    check(not (work / "none").exists(), "--preprocess-dump: a file of nothing")
    classify_lines(2, "at most 4096 images, here are 4097", f"{one}\n" * 4097, m, "-", "--preprocess-dump",
                   work / "none")
    check_run(2, "there are: timm, hf", "classify", m, one, "--preprocess", "magic")
    no = edit(work, "no-hf")
    (no / "preprocessor_config.json").unlink()
    check_run(6, "no preprocessor_config.json", "classify", no, one, "--preprocess", "hf")
    check_run(0, "", "classify", no, one, "--preprocess", "timm")
    fixed = edit(work, "fixed", None, {"do_resize": False})
    check_run(0, "", "classify", fixed, one, "--preprocess", "hf")
    draw(work / "tall.png", SIDE, SIDE + 1)
    check_run(6, f"takes pictures as they are, of {SIDE} x {SIDE}", "classify", fixed, work / "tall.png",
              "--preprocess", "hf")
    own = json.loads((fixed / "pare.json").read_text())
    (fixed / "pare.json").write_text(json.dumps({**own, "preprocess": "hf"}))       # the model's own rule
    check_run(6, "takes pictures as they are", "classify", fixed, work / "tall.png")
    check_run(0, "", "classify", fixed, work / "tall.png", "--preprocess", "timm")
    (fixed / "pare.json").write_text(json.dumps({**own, "preprocess": "magic"}))
    check_run(6, "preprocess is magic", "classify", fixed, one)


def test_all(work):
    check_run(0, "", *train(work, "m"))
    cli.run_tests(work, test_lists, test_batches, test_dump, test_formats, test_pillow, test_refusals)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
