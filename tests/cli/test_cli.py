#!/usr/bin/env python3
"""Runs the program from outside: exit codes, sentences, JSON keys, bad input, resuming: test_cli.py PARE."""
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib

SKIP = 77
SIDE = 16
ARCH = f"vit:image={SIDE},patch=8,dim=16,depth=2,heads=2"
failures = []
pare = ""


def run(*args, **kwargs):
    """(exit code, standard output, standard error) of one command."""
    done = subprocess.run([pare, *map(str, args)], capture_output=True, text=True, timeout=300, check=False, **kwargs)
    return done.returncode, done.stdout, done.stderr


def check(ok, what):
    if not ok:
        failures.append(what)
        print("FAILED:", what, flush=True)


def check_run(code, words, *args, **kwargs):
    """The command ends with this code, and its messages hold these words."""
    rc, out, err = run(*args, **kwargs)
    line = " ".join(map(str, args))
    check(rc == code, f"{line}: exit code {rc}, want {code}: {err.strip()[-300:]}")
    check(words in err + out, f"{line}: lacks \"{words}\": {err.strip()[-300:]}")
    check(not re.search(r"\.c:\d+\]", err), f"{line}: a place in the sources shows: {err[-200:]}")
    return out


def check_json(keys, *args):
    rc, out, err = run(*args, "--json")
    line = " ".join(map(str, args))
    try:
        value = json.loads(out)
    except ValueError:
        check(False, f"{line} --json: exit code {rc}, no JSON: {out[:200]} {err[-300:]}")
        return {}
    check(rc == 0, f"{line} --json: exit code {rc}")
    missing = [key for key in keys.split() if key not in value]
    check(not missing, f"{line} --json: lacks {missing}")
    return value


def png(path, shade, seed):
    """A noisy grey picture of SIDE x SIDE."""
    noise = random.Random(seed)
    rows = b"".join(b"\0" + bytes(min(255, shade + noise.randrange(60)) for _ in range(3 * SIDE)) for _ in range(SIDE))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def make_data(root):
    for split, n in (("train", 12), ("val", 6), ("test", 6)):
        for label, shade in (("dark", 20), ("light", 180)):
            for i in range(n):
                png(root / split / label / f"{i}.png", shade, f"{split}{label}{i}")
    (root / "train/dark/broken.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    (root / "train/light/empty.jpg").write_bytes(b"")


def tree(folder):
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.rglob("*")) if p.is_file()}


def weights(folder):
    path = folder / "model.safetensors"
    return path.read_bytes() if path.exists() else None


def test_usage():
    check_run(0, "pare train", "--help")
    check_run(0, "pare 0.", "--version")
    check_run(0, "BMP images", "--version")
    check_run(2, "pare train")
    check_run(2, "did you mean distill", "distil")
    check_run(2, "pare --help", "xyzzyxyzzy")
    commands = "devices mixers train eval classify inspect sparsity distill retain tune prune study report bench"
    for command in commands.split():
        check_run(0, "--verbose", command, "--help")
    check_run(2, "did you mean --epochs", "train", "--epoch", "3")
    check_run(2, "wants a whole number", "train", "--epochs", "many")
    check_run(2, "usage: pare eval", "eval")
    check_run(2, "usage: pare bench", "bench", "everything")
    check_run(2, "--data is missing", "eval", "m")


def test_devices():
    found = check_json("devices", "devices").get("devices", [])
    for device in found:
        for key in "index name type driver api uuid subgroup_size shared_bytes features".split():
            check(key in device, f"devices: a device lacks {key}")
    check_run(3, "no-such-device", "devices", "--device", "no-such-device")
    check_run(3, "no-such-device", "devices", env={**os.environ, "PARE_DEVICE": "no-such-device"})
    check_run(2, "no-such-feature", "devices", "--disable", "no-such-feature")
    check_run(0, "", "devices", "--device", "0")
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w", encoding="ascii") as full:
            rc = subprocess.run([pare, "devices"], stdout=full, stderr=subprocess.DEVNULL, check=False).returncode
        check(rc == 6, f"devices to a full disk: exit code {rc}, want 6")


def test_mixers_listed():
    listed = check_json("mixers", "mixers").get("mixers", [])
    table = (pathlib.Path(__file__).resolve().parents[2] / "nn/mixers/mixers.def").read_text(encoding="utf-8")
    rows = [line.split("(")[1].split(")")[0] for line in table.splitlines() if line.startswith("NN_MIXER(")]
    check([m["name"] for m in listed] == rows, f"mixers: {listed}, want {rows}")
    check([m["name"] for m in listed if m["is_replaceable"]] == ["attention"], "mixers: what can be replaced")
    options = {o["key"]: o["values"] for m in listed if m["name"] == "causal_conv" for o in m["options"]}
    check(options == {"kernel": ["4", "2", "8"]}, f"mixers: options of causal_conv {options}")
    check_run(0, "kernel=4|2|8", "mixers")
    check_run(2, "", "mixers", "linear")
    check_run(2, "did you mean --json", "mixers", "--jso")


def train(work, out, *more):
    return ["train", "--data", work / "data", "--arch", ARCH, "-o", work / out, "--epochs", "3", "--batch", "8", *more]


def test_train(work):
    result = check_json("steps train_loss val test params device driver", *train(work, "m"))
    check(result.get("val", {}).get("images") == 12, "train: 12 val pictures")
    for name in "config.json model.safetensors preprocessor_config.json pare.json README.md".split():
        check((work / "m" / name).is_file(), f"train: wrote no {name}")
    card = (work / "m/README.md").read_text()
    check("pare train --data" in card, "train: the card lacks the command")
    run_json = json.loads((work / "m.run/run.json").read_text())
    for key in "inputs provenance finished results".split():
        check(key in run_json, f"run.json lacks {key}")
    before = tree(work / "m")
    check_run(2, "is there already", *train(work, "m"))
    check_run(2, "patch", "train", "--data", work / "data", "--arch", "vit:image=16,patch=5,dim=16,depth=1,heads=2",
              "-o", work / "x")
    check_run(2, "usage", "train", "--data", work / "data", "-o", work / "x")
    check_run(2, "there are: attention", *train(work, "x", "--arch", ARCH + ",mixer=magic"))
    check_run(2, "there are: features", *train(work, "x", "--arch", ARCH + ",mixer=linear:magic=1"))
    odd = ARCH.replace("depth=2", "depth=3,mixer=linear/attention")
    check_run(2, "does not divide", *train(work, "x", "--arch", odd))
    check(tree(work / "m") == before, "train: a refused command changed the model")
    check(not (work / "x").exists(), "train: a refused command made a folder")


def test_mixers(work):
    """Every row of the mixer table, alone and as half of a list, makes a model that trains and is read back."""
    out = check_run(0, "attention", "train", "--help")
    names = re.findall(r"^  (\w+) ", out[out.index("\nMixers"):], re.M)
    check(names[:1] == ["attention"] and "linear" in names, f"train --help: mixers {names}")
    for name in names:
        check_run(0, "", *train(work, f"mixer-{name}", "--arch", f"{ARCH},mixer={name}/attention", "--epochs", "1"))
        value = check_json("layers", "inspect", work / f"mixer-{name}")
        check([layer["mixer"] for layer in value.get("layers", [])] == [name, "attention"], f"train: mixer={name}")


def plant(model, name, word):
    """Overwrite the first value of a tensor in a model folder with these four bytes."""
    path = model / "model.safetensors"
    raw = bytearray(path.read_bytes())
    header = int.from_bytes(raw[:8], "little")
    at = 8 + header + json.loads(raw[8:8 + header])[name]["data_offsets"][0]
    raw[at:at + 4] = word
    path.write_bytes(raw)


def test_finite(work):
    nan = work / "nan"
    shutil.copytree(work / "m", nan)
    for kind in ("weight", "bias"):         # finite values, which a norm's output is not
        plant(nan, f"blocks.1.norm1.{kind}", struct.pack("<f", 3e38))
    words = "layer 1 (attention): its input has "
    again = ["train", "--data", work / "data", "--init", nan, "--epochs", "1", "--batch", "8"]
    check_run(1, words, *again, "-o", work / "x")
    check_run(1, words, *again, "-o", work / "x", "--check-finite", "--force")
    check_run(1, "loss 0 is not a number", *again, "-o", work / "x", "--no-check-finite", "--force")
    check_run(1, words, "eval", nan, "--data", work / "data", "--check-finite")
    out = run("sparsity", nan, "--data", work / "data")
    check(out[0] == 0 and "layer 1 has attention, but no figures" in out[2], f"sparsity of a NaN: {out}")
    check_run(1, "is not a number", "eval", nan, "--data", work / "data")
    check_run(0, "top-1", "eval", work / "m", "--data", work / "data", "--check-finite")
    check_run(1, words, "distill", nan, "--data", work / "data", "--mixer", "linear", "-o", work / "x", "--run",
              work / "nan.run")
    check(not (work / "x").exists(), "a model with a NaN: a refused command wrote a model")


def test_resume(work):
    check_run(130, "--resume", *train(work, "r", "--max-steps", "4"))
    said = run(*train(work, "r", "--max-steps", "4", "--resume"))[2]
    check("To go on: pare train" in said and "--max-steps" not in said and said.count("--resume") == 1,
          f"train: the line that goes on would stop at once: {said}")
    check(not (work / "r").exists(), "train: a stopped run wrote a model")
    check_run(2, "not finished", *train(work, "r"))
    check_run(2, "another run", *train(work, "r", "--resume", "--lr", "0.5"))
    check_run(0, "", *train(work, "r", "--resume"))
    check(weights(work / "r") == weights(work / "m"), "train: a resumed run gives other weights")
    recipe = ["--mixup", "0.8", "--cutmix", "1", "--drop-path", "0.2", "--ema", "0.9"]
    check_run(0, "", *train(work, "rec", *recipe))
    for name, value in (("mixup", 0.8), ("cutmix", 1.0), ("drop_path", 0.2), ("ema", 0.9), ("smoothing", 0.1)):
        run_json = json.loads((work / "rec.run/run.json").read_text())
        check(run_json["inputs"].get(name) == value, f"train: run.json lacks {name}")
    card = (work / "rec/README.md").read_text()
    check("mixup 0.8, cutmix 1, stochastic depth 0.2" in card, "train: no recipe in the card")
    check_run(130, "--resume", *train(work, "rec2", *recipe, "--max-steps", "4"))
    check_run(2, "another run: its mixup is 0.8", *train(work, "rec2", "--resume"))
    check_run(2, "another run: its mixup is 0.8, not 0.5", *train(work, "rec2", "--resume", *recipe, "--mixup", "0.5"))
    check_run(0, "", *train(work, "rec2", "--resume", *recipe))
    check(weights(work / "rec2") == weights(work / "rec"), "train: a resumed run with a recipe gives other weights")
    check(weights(work / "rec2") != weights(work / "m"), "train: a recipe that does nothing")
    check_run(2, "--drop-path", *train(work, "x", "--drop-path", "1"))


def test_sparsity(m, data):
    value = check_json("images depth heads measures keys agreement device driver", "sparsity", m, "--data", data)
    names = [measure["name"] for measure in value["measures"]]
    check(names == "entropy effective gini hoyer participation below top10 mass90".split(), f"sparsity: {names}")
    high = [measure["name"] for measure in value["measures"] if measure["sparser"] == "high"]
    check(high == "gini hoyer below top10".split(), f"sparsity: sparser when high: {high}")
    for keys in ("all", "patches"):
        mean, std = value["keys"][keys]["mean"], value["keys"][keys]["std"]
        check(len(mean) == 2 and all(len(layer) == value["heads"] for layer in mean), f"sparsity {keys}: shape")
        check(all(0 <= x <= 1 for layer in mean for head in layer for x in head), f"sparsity {keys}: {mean}")
        check(all(0 <= x <= 1 for layer in std for head in layer for x in head), f"sparsity {keys}: {std}")
        rho = value["agreement"][keys]
        check(all(abs(rho[i][i] - 1) < 1e-9 for i in range(8) if rho[i][i] is not None), f"sparsity {keys}: {rho}")
        check(all(rho[i][k] == rho[k][i] for i in range(8) for k in range(8)), f"sparsity {keys}: {rho}")
    entropy = [sum(head[0] for head in layer) / len(layer) for layer in value["keys"]["patches"]["mean"]]
    out = check_run(0, "rank agreement", "sparsity", m, "--data", data, "--by", "entropy", "--keys", "patches",
                    "--heads")
    order = [int(line.split()[0]) for line in out.splitlines() if re.match(r" +\d+ +all ", line)]
    check(order == sorted((0, 1), key=lambda l: entropy[l]), f"sparsity --by entropy: {order}, {entropy}")
    maps = [m, "--data", data, "--maps", m.parent / "maps.png", "--full-maps", m.parent / "full", "--images", "2"]
    check_run(0, "", "sparsity", *maps, "--layer", "1", "--head", "0")
    check((m.parent / "maps.png").read_bytes()[:4] == b"\x89PNG", "sparsity --maps: no PNG")
    names = sorted(p.name for p in (m.parent / "full").iterdir())
    check(names == ["picture-000-layer-01.png", "picture-001-layer-01.png"], f"sparsity --full-maps: {names}")
    check_run(2, "is there already", "sparsity", *maps)
    check_run(0, "", "sparsity", *maps, "--force")
    check(len(list((m.parent / "full").iterdir())) == 4, "sparsity --full-maps: a file a picture and layer")
    check_run(2, "there is no layer 2, want 0 .. 1", "sparsity", *maps, "--force", "--layer", "0,2")
    check_run(2, "heads 0 ..", "sparsity", *maps, "--force", "--head", "7")
    check_run(2, "draws square images", "sparsity", *maps, "--force", "--img-size", "32x64")
    check_run(2, "there are: entropy, effective", "sparsity", m, "--data", data, "--by", "size")
    check_run(2, "there are: all, patches", "sparsity", m, "--data", data, "--keys", "class")


def test_model(work):
    m, data = work / "m", work / "data"
    value = check_json("top1 top5 loss images images_per_s device driver", "eval", m, "--data", data)
    check(0 <= value.get("top1", -1) <= 1, "eval: top1 is no fraction")
    value = check_json("params macs tokens layers", "inspect", m)
    check(value.get("tokens") == 5 and len(value.get("layers", [])) == 2, "inspect: 5 tokens, 2 layers")
    check(all(key in value["layers"][0] for key in ("mixer", "params", "macs")), "inspect: keys of a layer")
    test_sparsity(m, data)
    value = check_json("rows", "bench", "model", m, "--batch", "1")
    check(len(value.get("rows", [])) == 3, "bench model: three sizes")
    registers = pathlib.Path(__file__).resolve().parents[2] / "models/selftest/timm-dinov2-reg4-swiglu"
    tokens = [row["tokens"] for row in check_json("rows", "bench", "model", registers, "--batch", "1")["rows"]]
    own = check_json("tokens", "inspect", registers)["tokens"]
    check(tokens[0] == own and tokens[1] == 4 * (own - 5) + 5, f"bench model: {tokens} tokens, of {own} with registers")
    value = check_json("rows", "bench", "ops", "--filter", "mse")
    check(all(key in value["rows"][0] for key in "op shape ms gflops gbps of_peak".split()), "bench ops: keys of a row")
    small = ["bench", "scaling", "--dim", "16", "--heads", "2", "--repeat", "1", "-o", work / "scaling",
             "--force"]
    value = check_json("rows exponent crossover skipped device driver", *small, "--tokens", "6,1")
    names = list(value.get("exponent", []))
    check(names[:1] == ["attention"] and list(value.get("crossover", [])) == names, f"bench scaling: {names}")
    rows = value.get("rows", [])
    check([(row["mixer"], row["tokens"]) for row in rows] == [(name, n) for name in names for n in (1, 6)],
          f"bench scaling: rows {rows}, skipped {value.get('skipped')}")
    check(all(row[key] > 0 for row in rows for key in ("fwd_ms", "fwd_bwd_ms", "bytes")), "bench scaling: figures")
    check((work / "scaling/scaling.tsv").read_text().count("\n") == len(rows) + 1, "bench scaling: lines of the table")
    check((work / "scaling/scaling.svg").is_file() == bool(shutil.which("gnuplot")), "bench scaling: the plot")
    check(json.loads((work / "scaling/run.json").read_text())["finished"], "bench scaling: run.json")
    # A mixer whose kernels are the serial ones anyway on this device is not compared.
    chunked = re.findall(r"^  (\w+) [^\n]*\n(?: {10}[^\n]*\n)* {10,}chunk=", run("bench", "--help")[1], re.M)
    value = check_json("rows", *small, "--tokens", "5", "--compare-serial", "--mixers",
                       ",".join([*chunked, "identity"]))
    compared = {row["mixer"] for row in value.get("rows", []) if row.get("serial_ratio", 0) > 0}
    check(compared and compared <= set(chunked), f"bench scaling --compare-serial: {value.get('rows')}")
    check_run(0, "gnuplot is not installed", *small, "--tokens", "4", "--mixers", "attention",
              env={**os.environ, "PATH": str(work / "no-such-folder")})
    check_run(2, "there are: attention", "bench", "scaling", "--mixers", "magic")
    check_run(2, "whole number from 1", "bench", "scaling", "--tokens", "64,many")
    check_run(2, "not a multiple", "bench", "scaling", "--dim", "7", "--heads", "2")
    check_run(4, "at once", "bench", "scaling", "--tokens", "1024", "--batch", "4096", "--dim", "256", "--heads", "4")
    value = check_json("images", "classify", m, data / "test/dark/0.png", data / "test/light/0.png")
    check([i["top"][0].keys() >= {"label", "p"} for i in value.get("images", [])] == [True, True], "classify: keys")


def test_bad_input(work):
    m, data = work / "m", work / "data"
    check_run(6, "no-such-model", "eval", work / "no-such-model", "--data", data)
    check_run(6, "no-such-data", "eval", m, "--data", work / "no-such-data")
    (work / "hollow").mkdir()
    check_run(6, "hollow", "eval", m, "--data", work / "hollow")
    check_run(2, "nowhere", "eval", m, "--data", data, "--split", "nowhere")
    check_run(6, "classes", "eval", m, "--data", "synth:ringed-digit,test=10")
    out = check_run(6, "1 of 3 images", "classify", m, data / "test/dark/0.png", data / "train/dark/broken.png",
                    data / "test/light/0.png")
    check(out.count("\n") == 2, "classify: the good pictures are not both there")
    check_run(6, "", "classify", m, work)
    for name, edit in (("weights", lambda d: (d / "model.safetensors").write_bytes(weights(m)[:-4])),
                       ("lies", lambda d: (d / "config.json").write_text("{\"model_args\": {\"depth\": 1e9}}")),
                       ("other", lambda d: shutil.copy(work / "o/model.safetensors", d / "model.safetensors"))):
        bad = work / f"bad-{name}"
        shutil.copytree(m, bad)
        if name == "other":
            check_run(0, "", "train", "--data", data, "--arch", ARCH.replace("depth=2", "depth=1"), "-o", work / "o",
                      "--epochs", "1")
        edit(bad)
        check_run(6, "", "inspect", bad)
    before = tree(m)
    check_run(2, "no mixer", "distill", m, "--data", data, "--mixer", "magic", "-o", work / "x")
    check_run(2, "cannot be", "distill", m, "--data", data, "--mixer", "linear:features=magic", "-o", work / "x")
    check_run(2, "is what is read", "distill", m, "--data", data, "--mixer", "linear", "-o", m)
    check(tree(m) == before and not (work / "x").exists(), "distill: a refused command changed something")


def retained(work, name, settings):
    """The model m with these retention settings."""
    folder = work / name
    shutil.copytree(work / "m", folder)
    own = json.loads((folder / "pare.json").read_text())
    (folder / "pare.json").write_text(json.dumps({**own, "retention": settings}))
    return folder


def sides(path):
    """Width and height of a PNG."""
    raw = path.read_bytes()
    check(raw[:8] == b"\x89PNG\r\n\x1a\n", f"{path.name} is no PNG")
    return struct.unpack(">II", raw[16:24])


def test_show(work):
    data = work / "data"
    half = retained(work, "show-half", {"policy": "topk", "share": [0.5, 0.5]})
    good = [data / "test/dark/0.png", data / "test/light/0.png"]
    check_run(0, "shows where tokens were dropped", "classify", half, *good, "--show", work / "a.png")
    check(sides(work / "a.png")[0] == 2 * (24 * SIDE + 12) + 12, "classify --show: two pictures side by side")
    before = (work / "a.png").read_bytes()
    check_run(2, "--force replaces it", "classify", half, *good, "--show", work / "a.png")
    check_run(2, "and no file", "classify", half, *good, "--show", work, "--force")
    check_run(6, "1 of 2 images", "classify", half, good[0], data / "train/dark/broken.png", "--show",
              work / "one.png")
    check(sides(work / "one.png")[0] == 24 * SIDE + 24, "classify --show: the good picture alone")
    check_run(6, "is not written", "classify", half, data / "train/dark/broken.png", "--show", work / "none.png")
    check(not (work / "none.png").exists(), "classify --show: a sheet of nothing")
    check((work / "a.png").read_bytes() == before, "classify --show: a refused command changed the sheet")
    check_run(0, "drops no tokens", "classify", work / "m", *good, "--show", work / "a.png", "--force")
    check((work / "a.png").read_bytes() != before, "classify --show: the same with all tokens")
    check_run(0, "drops no tokens", "classify", half, *good, "--policy", "none", "--show", work / "b.png")
    check((work / "a.png").read_bytes() == (work / "b.png").read_bytes(), "classify --show: --policy none")
    check_json("top1 keep", "eval", half, "--data", data, "--show", work / "c.png")
    check(sides(work / "c.png")[0] == 4 * (24 * SIDE + 12) + 12, "eval --show: eight pictures, four in a row")
    check_run(0, "top-1", "eval", half, "--data", data, "--show", work / "c.png", "--show-images", "3", "--force")
    check(sides(work / "c.png")[0] == 3 * (24 * SIDE + 12) + 12, "eval --show: three pictures")
    check_run(6, "no-such-folder", "eval", half, "--data", data, "--show", work / "no-such-folder/c.png")


def test_bench_retention(work):
    half = retained(work, "bench-half", {"policy": "topk", "share": [0.5, 0.5]})
    small = ["bench", "retention", "--dim", "16", "--heads", "2", "--repeat", "1"]
    value = check_json("rows model skipped device driver", *small, "--tokens", "17,6", "--mixers",
                       "attention,mingru", "-o", work / "bench-retention")
    rows, models = value.get("rows", []), value.get("model", {}).get("rows", [])
    want = [(mixer, tokens, 1 + tokens // 2, p) for mixer in ("attention", "mingru")
            for tokens in (6, 17) for p in ("forward", "fwd+bwd")]
    check([(r["mixer"], r["tokens"], r["kept"], r["pass"]) for r in rows] == want, f"bench retention: rows {value}")
    check(all(r.keys() >= {"ratio", "compact_share"} and
              r["ratio_bar"] == (0.55 if r["mixer"] == "attention" else 0.6) for r in rows), "bench retention: keys")
    check(all(isinstance(r[key], float) for r in rows for key in ("dense_ms", "compact_ms", "after_ms")) and
          all(r["block_batch"] == 1 and r["repeats"] == 1 for r in rows), f"bench retention: figures {rows}")
    # Five patches are no square picture; of 16, half in two of six blocks and a quarter in two.
    check([m["tokens"] for m in models] == [17] * 2 and len(value.get("skipped", [])) == 2,
          f"bench retention: {models}")
    check(all(abs(m["keep"] - (2 + 2 * 0.5 + 2 * 0.25) / 6) < 1e-9 for m in models), f"bench retention: keep {models}")
    check(all(m["gain"] > 0 and 1.2 < m["ideal_gain"] < 1.9 for m in models), f"bench retention: gains {models}")
    for name, lines in (("retention.tsv", len(rows)), ("models.tsv", len(models))):
        check((work / "bench-retention" / name).read_text().count("\n") == lines + 1, f"bench retention: {name}")
    value = check_json("rows", *small, "--tokens", "3", "--forward", "--no-model")
    check([r["mixer"] for r in value["rows"]] == ["attention", "linear", "ssd", "gla", "mingru"],
          f"bench retention: mixers {value}")
    one = [*small, "--tokens", "5", "--mixers", "linear", "--forward"]
    value = check_json("rows model", *one, "--no-model", "--batch", "3")
    check([r["block_batch"] for r in value["rows"]] == [3] and not value["model"]["rows"],
          f"bench retention --forward --no-model: {value}")
    value = check_json("model", *one, "--model", half, "--data", work / "data", "--batch", "4")
    check([(m["tokens"], m["keep"]) for m in value["model"]["rows"]] == [(5, 0.75)],
          f"bench retention --model: {value}")
    check_run(0, "half of those after two thirds", *one, "--model", work / "mixer-attention")
    check_run(2, "at least 3", *small, "--tokens", "2")
    check_run(2, "--model names", *one, "--data", work / "data")
    check_run(6, "no-such-model", *one, "--model", work / "no-such-model")


def test_retention(work):
    data = work / "data"
    half = retained(work, "half", {"policy": "topk", "share": [0.5, 0.5]})
    halts = retained(work, "halts", {"policy": "halting", "every": 1, "gate_scale": 1000.0, "gate_centre": 0.0,
                                     "eps": 0.01, "keep_class": True, "read_patches": 0.5, "gaps": "count"})
    value = check_json("keep keep_layer", "eval", half, "--data", data)
    check(value.get("keep") == 0.75 and value.get("keep_layer") == [1, 0.5], f"eval: topk keeps {value}")
    value = check_json("keep keep_layer", "eval", halts, "--data", data)
    check(value.get("keep_layer", [0])[0] == 1 and 0.5 <= value["keep"] < 1, f"eval: halting keeps {value}")
    check_run(0, "75.0 % of the patches kept", "eval", half, "--data", data, "--policy", "topk")
    dense = check_json("top1", "eval", work / "m", "--data", data)
    for model in (half, halts):
        value = check_json("loss", "eval", model, "--data", data, "--policy", "none")
        check("keep" not in value and value["loss"] == dense["loss"], f"eval --policy none: {value}")
        check_json("images", "classify", model, data / "test/dark/0.png", "--policy", "none")
    check_run(2, "by topk; halting needs `pare retain", "eval", half, "--data", data, "--policy", "halting")
    check_run(2, "by halting; topk needs `pare retain", "classify", halts, data / "test/dark/0.png", "--policy", "topk")
    check_run(2, "keeps all its tokens; topk needs", "bench", "model", work / "m", "--policy", "topk")
    check_run(2, "there are: none, halting, topk", "eval", half, "--data", data, "--policy", "merging")
    value = check_json("rows", "bench", "model", half, "--batch", "1")
    check([round(row["keep"], 2) for row in value["rows"]] == [0.75] * 3, f"bench model: {value}")
    value = check_json("rows", "bench", "model", half, "--batch", "1", "--policy", "none")
    check(all("keep" not in row for row in value["rows"]), f"bench model --policy none: {value}")
    check_run(0, "2 after block 0, of 4; 75.0 %", "inspect", half)
    check_run(0, "tokens halt by sigma(1000 x_0 - 0)", "inspect", halts)
    check(check_json("retention", "inspect", halts).get("retention", {}).get("gaps") == "count", "inspect: retention")
    args = ["--data", data, "--mixer", "linear", "--max-drop", "100", "--epochs", "1", "--batch", "8", "--no-timing"]
    out = run("distill", half, *args, "-o", work / "half-student", "--match-epochs", "1")
    check(out[0] == 0 and "attention stays in the layers that choose tokens by it (topk): 0" in out[2],
          f"distill of topk: {out}")
    value = check_json("replaced", "distill", halts, *args, "-o", work / "halts-student")
    check(sorted(value.get("replaced", [])) == [0, 1], f"distill of halting: {value}")
    for student, mixers in (("half-student", ["attention", "linear"]), ("halts-student", ["linear", "linear"])):
        value = check_json("layers retention", "inspect", work / student)
        check([layer["mixer"] for layer in value.get("layers", [])] == mixers, f"{student}: {value.get('layers')}")
        check_json("keep", "eval", work / student, "--data", data)
    tune = ["tune", work / "halts-student", "--teacher", halts, "--data", data, "--batch", "8", "--centre"]
    value = check_json("halting teacher_keep keep val", *tune, "--halting", "1", "-o", work / "halts-tuned")
    check(value["halting"] >= 0 and 0.5 <= value["teacher_keep"] < 1 and "keep" in value["val"], f"tune: {value}")
    check_run(2, "driven", "tune", work / "halts-student", "--teacher", half, "--data", data, "-o", work / "no")
    check_run(2, "that halt tokens", "tune", work / "half-student", "--teacher", half, "--data", data, "--centre", "-o",
              work / "no")
    value = check_json("keys", "sparsity", halts, "--data", data)
    check(all(0 <= x <= 1 for key in value["keys"].values() for layer in key["mean"] for head in layer for x in head),
          f"sparsity of a model with token pruning: {value}")
    bad = retained(work, "bad-share", {"policy": "topk", "share": [0.5, 0.6]})
    check_run(6, "more than the 0.5 before it", "eval", bad, "--data", data)
    bad = retained(work, "bad-policy", {"policy": "merging"})
    check_run(6, "want none, halting or topk", "inspect", bad)


def test_lists(work, plain):
    """An unfinished run whose lists are kept as they were typed, 0.50: the same numbers, the same run."""
    shares = [*plain, "--policy", "topk", "--at", "0", "-o", work / "kl", "--no-timing"]
    check_run(130, "--resume", *shares, "--share", "0.5", "--max-steps", "3")
    path = work / "kl.run/run.json"
    info = json.loads(path.read_text())
    check(info["inputs"]["share"] == "0.5", f"retain: share in run.json: {info['inputs']}")
    info["inputs"]["share"] = "0.50"
    info["inputs"]["at"] = "00"
    path.write_text(json.dumps(info))
    check_run(2, "is another run", *shares, "--share", "0.51", "--resume")
    check_run(0, "", *shares, "--share", "0.5", "--resume")


def test_retain(work):
    m, data = work / "m", work / "data"
    plain = ["retain", m, "--data", data, "--batch", "8", "--epochs", "2"]
    value = check_json("keep keep_asked top1 keep_per_layer images_per_s teacher_top1 retention val test overlap auprc",
                       *plain, "--keep", "0.8", "-o", work / "k")
    check(abs(value.get("val", {}).get("keep", 0) - 0.8) <= 0.03, f"retain: keeps {value.get('val')}")
    check(value.get("retention", {}).get("policy") == "halting", "retain: the policy")
    check(len(value.get("keep_per_layer", [])) == 2 and value["keep_per_layer"][0] == 1, "retain: keep by layer")
    seen = check_json("top1 keep keep_layer", "eval", work / "k", "--data", data)
    check(seen.get("top1") == value.get("top1") and seen.get("keep") == value.get("keep"), f"eval of retain: {seen}")
    check_run(0, "kept     by layer: 100.0 %, ", "eval", work / "k", "--data", data)
    card = (work / "k/README.md").read_text()
    check("pare retain" in card and "Policy halting" in card, "retain: the card")
    check_run(130, "--resume", *plain, "--keep", "0.8", "-o", work / "kr", "--max-steps", "3", "--no-timing")
    test_lists(work, plain)
    check_run(2, "not finished", *plain, "--keep", "0.8", "-o", work / "kr")
    check_run(2, "another run", *plain, "--keep", "0.7", "-o", work / "kr", "--resume")
    check_run(0, "asked: 80.0 %", *plain, "--keep", "0.8", "-o", work / "kr", "--resume", "--no-timing")
    check(weights(work / "kr") == weights(work / "k"), "retain: a resumed run gives other weights")
    centre = [json.loads((work / name / "pare.json").read_text())["retention"] for name in ("k", "kr")]
    check(centre[0] == centre[1], f"retain: a resumed run gives other settings: {centre}")
    topk = ["retain", m, "--data", data, "--policy", "topk", "--no-timing"]
    value = check_json("series", *topk, "--keep", "0.875,0.75", "-o", work / "t/", "--run", work / "tr")
    check([round(one["keep"], 6) for one in value.get("series", [])] == [0.875, 0.75], f"retain: series {value}")
    check(weights(work / "t-0.75") == weights(m) and (work / "tr-0.88/run.json").is_file(),
          "retain: topk and its folders")
    check_run(0, "asked       kept", *topk, "--keep", "0.875,0.75", "-o", work / "c", "--chain", "--epochs", "1")
    check(weights(work / "c-0.75") != weights(work / "c-0.88"), "retain --chain: the second is trained on")
    value = check_json("keep", *topk, "--at", "0", "--share", "0.25", "-o", work / "sh")
    check(value.get("keep") == 0.625, f"retain --share: keeps {value.get('keep')}")
    before = tree(m)
    for keep in "0", "-1", "1.5", "nan", "inf", "much", "", "0.5,", "0.8,,0.5", "0.8,0.8":
        check_run(2, "", *plain, "--keep=" + keep, "-o", work / "refused")
    check_run(2, "cannot be reached", *plain, "--keep", "0.3", "-o", work / "refused")
    check_run(2, "cannot be reached", *plain, "--keep", "0.8", "--every", "2", "-o", work / "refused")
    check_run(2, "cannot be reached", *topk, "--keep", "0.3", "-o", work / "refused")
    check_run(2, "usage", *plain, "-o", work / "refused")
    check_run(2, "usage", *plain, "--keep", "0.8")
    check_run(2, "there are: none, halting, topk", *plain, "--keep", "0.8", "--policy", "magic", "-o", work / "refused")
    check_run(2, "halting or topk", *plain, "--keep", "0.8", "--policy", "none", "-o", work / "refused")
    check_run(2, "topk only", *plain, "--keep", "0.8", "--at", "0", "-o", work / "refused")
    check_run(2, "block 1", *topk, "--keep", "0.8", "--at", "1", "-o", work / "refused")
    check_run(2, "--at 0,: want numbers of blocks", *topk, "--keep", "0.8", "--at", "0,", "-o", work / "refused")
    check_run(2, "--share wants", *topk, "--at", "0", "--share", "0.5,0.5", "-o", work / "refused")
    check_run(2, "want either", *topk, "--keep", "0.8", "--at", "0", "--share", "0.5", "-o", work / "refused")
    check_run(2, "more than 0 and at most 1", *topk, "--at", "0", "--share", "1.5", "-o", work / "refused")
    check_run(2, "skip or count", *plain, "--keep", "0.8", "--gaps", "magic", "-o", work / "refused")
    check_run(2, "released or normalised", *plain, "--keep", "0.8", "--prior-target", "magic", "-o", work / "refused")
    check_run(2, "falling", *plain, "--keep", "0.7,0.8", "--chain", "-o", work / "refused")
    check_run(2, "is what is read", *plain, "--keep", "0.8", "-o", m)
    check_run(6, "classes", "retain", m, "--data", "synth:ringed-digit,val=10,test=10", "--keep", "0.8",
              "-o", work / "refused")
    check_run(6, "no-such", "retain", work / "no-such", "--data", data, "--keep", "0.8", "-o", work / "refused")
    check(tree(m) == before, "retain: a refused command changed something")
    check(not any(p.name.startswith("refused") for p in work.iterdir()), "retain: a refused command made a folder")


def test_full_disk(work):
    """Writing fails: a sentence, and the old model as it was."""
    before = tree(work / "m")

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    rc, _, err = run(*train(work, "m", "--force", "--run", work / "full.run", "--epochs", "1", "--no-cache"),
                     preexec_fn=small_files)
    if rc == -signal.SIGBUS or "AddressSanitizer: BUS" in err:
        print("full disk: not tried, this driver keeps its memory in a file")
        (work / "m/.pare.lock").unlink(missing_ok=True)         # of a program that was killed; nothing holds it
    else:
        check(rc == 6, f"train on a full disk: exit code {rc}: {err[-300:]}")
    check(tree(work / "m") == before, "train on a full disk: the old model was harmed")
    shutil.copytree(work / "m", work / "odd")
    (work / "odd/model.safetensors").unlink()
    (work / "odd/model.safetensors").mkdir()
    before = tree(work / "odd")
    check_run(6, "model.safetensors", *train(work, "odd", "--force", "--epochs", "1"))
    check(tree(work / "odd") == before, "train over an odd folder: something in it changed")


def run_tests(work, *tests):
    for test in tests:
        start = time.monotonic()
        test(work)
        print(f"{test.__name__}: {time.monotonic() - start:.1f} s", flush=True)


def main(test_all):
    """Calls test_all with a new folder that has data in it; exit code 1 when a check failed."""
    global pare
    pare = os.path.abspath(sys.argv[1])
    if run("devices")[0] == 3 and not os.environ.get("PARE_REQUIRE_DEVICE"):
        print("no device")
        return SKIP
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        make_data(work / "data")
        test_all(work)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


def test_all(work):
    test_usage()
    test_devices()
    test_mixers_listed()
    run_tests(work, test_train, test_mixers, test_finite, test_resume, test_model, test_bad_input, test_retention,
              test_show, test_bench_retention, test_retain, test_full_disk)


if __name__ == "__main__":
    sys.exit(main(test_all))
