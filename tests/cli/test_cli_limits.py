#!/usr/bin/env python3
"""Numbers, memory, devices, permissions and names at their limits: sentences and codes: test_cli_limits.py PARE."""
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import ARCH, check, check_run, run

DATA = "synth:ringed-digit,train=64,val=32,test=32"
NOBODY = 65534
NAMES = ("filter", "device", "mixer", "keys", "gaps", "checkpoint-key")      # options of such a letter that take a word


def numeric_options():
    """(command, option, kind) of every option that takes a number: N whole, X real, as --help shows them."""
    overview = run("--help")[1]
    for command in re.findall(r"^  pare ([a-z]+) ", overview, re.M):
        shown = run(command, "--help")[1]
        for option, value in re.findall(r"^  (?:-.,|   ) --([a-z-]+) ([NXKHG]) ", shown, re.M):
            if option not in NAMES:
                yield command, option, value


def test_numbers(_):
    """What is no number is refused with the option's name by every option, before anything else is looked at."""
    bad = ["", "nan", "-nan", "inf", "-1", "0x10", "1e999", "5x", " 5", "5 ", "99999999999999999999999", "1,5", "--",
           "½"]
    n = 0
    for command, option, _ in numeric_options():
        for value in bad:
            if (option, value) == ("gate-centre", "-1"):
                continue                                    # may be negative
            rc, out, err = run(command, f"--{option}={value}")
            check(rc == 2 and f"--{option} " in err and not out,
                  f"{command} --{option}={value}: {rc} {err.strip()[-200:]}")
        n += 1
    check(n > 90, f"only {n} numeric options are seen")
    whole = r"^  (?:-.,|   ) --([a-z-]+) (N|K|H|G) "
    for command in ["train", "retain", "distill", "bench", "classify", "study", "prune", "inspect", "eval", "sparsity"]:
        for option, _ in re.findall(whole, run(command, "--help")[1], re.M):
            if option not in ("img-size", *NAMES):
                check_run(2, f"--{option} wants a whole number", command, f"--{option}=1e3")


def test_ranges(work):
    """Settings that make no sense are refused before training."""
    new = ["--data", DATA, "--arch", ARCH, "-o", work / "never"]
    for words, more in [
            ("--ema is 1, want 0 to 0.9999999", ["--ema", "1"]), ("--ema is 1.5", ["--ema", "1.5"]),
            ("--batch wants a whole number from 1 to 65536", ["--batch", "-1"]),
            ("--batch is 0, want 1 to 65536", ["--batch", "0"]), ("--batch is 65537", ["--batch", "65537"]),
            ("--std is 0, want 0.001 to 1000", ["--std", "0"]), ("--std is -1", ["--std", "-1"]),
            ("--std is 1e-09", ["--std", "0.5,1e-9,0.5"]), ("--mean is 1e+30", ["--mean", "1e30"]),
            ("--mean wants one number or three", ["--mean", "nan"]),
            ("--mean wants one number or three", ["--mean", "0.5,0.5"]),
            ("--mean wants one number or three", ["--mean", "0.5,0.5,0x1"]),
            ("--mean wants one number or three", ["--mean", "0.5,0.5,0.5,0.5"]),
            ("--min-lr is 0.1, more than the peak", ["--min-lr", "0.1"]),
            ("--smoothing is 1, want 0 to 0.99", ["--smoothing", "1"]),
            ("--max-steps is 0, want 1 to 4000000000", ["--max-steps", "0"]),
            ("--limit is 1000000001, want 0 to 1000000000", ["--limit", "1000000001"]),
            ("--seed wants a whole number from 0 to 9223372036854775807", ["--seed", "9223372036854775808"])]:
        check_run(2, words, "train", *new, *more)
    model = work / "m"
    for size in ["100000", "16385", "0", "16x", "x16", "16x16x16", "1000000000000", "-16", "16.0"]:
        check_run(2, "--img-size ", "eval", model, "--data", DATA, "--img-size", size)
    check_run(2, "is 100000, want 1 to 16384", "eval", model, "--data", DATA, "--img-size", "100000")
    for keep in ["0x1", "inf", " 0.5", "0.5,,0.6"]:
        check_run(2, "--keep wants ratios", "retain", model, "--data", DATA, "-o", work / "never", "--keep", keep)
    check(not (work / "never").exists() and not (work / "never.run").exists(), "a refused training left something")


def test_not_finite(work):
    """A loss that is no number is never printed as a result."""
    broken = work / "broken"
    shutil.copytree(work / "m", broken)
    path = broken / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-4:] = bytes.fromhex("0000c07f")      # a NaN, in whatever tensor is the last
    path.write_bytes(data)
    rc, out, err = run("eval", broken, "--data", DATA)
    check(rc in (1, 6) and "nan" not in out.lower(), f"eval of a NaN: {rc} {out} {err[-200:]}")
    rc, out, err = run("eval", broken, "--data", DATA, "--json")
    check(rc in (1, 6) and not out.strip(), f"eval --json of a NaN: {rc} {out} {err[-200:]}")


def test_sizes(work):
    """What does not fit is refused by its planned size, with both numbers, before it is asked for."""
    rc, _, err = run("train", "--data", DATA, "--arch", "vit:image=512,patch=8,dim=4096,depth=128,heads=64", "-o",
                     work / "never")
    found = re.search(r"parameters, gradients and moments take ([0-9.]+) GiB of device memory, and .* has ([0-9.]+) "
                      r"(GiB|MiB) free", err)
    check(rc == 4 and found, f"a model of 400 GiB: {rc} {err.strip()[-300:]}")
    check(rc == 4 and found and float(found[1]) > 90, f"its size: {err.strip()[-300:]}")
    check(not (work / "never").exists(), "it left a folder")


def run_limited(mib, kind, *args):
    """A command with its address space, or its data, limited."""
    def limit():
        resource.setrlimit(kind, (mib << 20, mib << 20))
    return subprocess.run([cli.pare, *map(str, args)], capture_output=True, text=True, timeout=300, check=False,
                          preexec_fn=limit)


def test_memory(work):
    """However little memory a process may take, it says so with code 4, or does its work; it never crashes."""
    train = ["train", "--data", DATA, "--arch", ARCH, "--epochs", "1", "--batch", "16", "-o", work / "small", "--force"]
    classify = ["classify", work / "m", work / "a.png", "--img-size", "256"]
    if "Sanitizer" in run_limited(4000, resource.RLIMIT_AS, "--version").stderr:
        print("a sanitizer reserves more addresses than these limits allow: memory is not looked at")
        return
    codes = set()
    for kind in [resource.RLIMIT_AS, resource.RLIMIT_DATA]:
        for mib in [100, 250, 350, 400, 420, 440, 480, 600, 1000, 4000]:
            for args in [train, classify]:
                done = run_limited(mib, kind, *args)
                codes.add(done.returncode)
                check(done.returncode in (0, 4), f"{args[0]} with {mib} MiB ({kind}): {done.returncode} "
                                                 f"{done.stderr.strip()[-200:]}")
                check(done.returncode == 0 or "memory" in done.stderr,
                      f"{args[0]} with {mib} MiB: {done.stderr[-200:]}")
    check(codes == {0, 4}, f"the limits give {codes}")


def test_devices(_):
    """A whole number is an index; what is not there is told with what is."""
    n = len(json.loads(run("devices", "--json")[1])["devices"])
    for select in [n, n + 1, 15, 4294967296, 99999999999999999999]:
        check_run(3, f"there is no device {select}"[:40], "devices", "--device", select)
        rc, _, err = run("devices", env={**os.environ, "PARE_DEVICE": str(select)})
        check(rc == 3 and "these are there: 0: " in err, f"PARE_DEVICE={select}: {rc} {err}")
    check_run(3, 'no device is called "nope"; these are there: 0: ', "devices", "--device", "nope")
    check_run(0, "", "devices", "--device", "0")


def test_permissions(work):
    """Who may not read or write is told so, whatever it is."""
    closed = work / "closed"
    shutil.copytree(work / "m", closed / "m")
    shutil.copytree(work / "m.run", closed / "run")
    (closed / "data/a").mkdir(parents=True)
    (closed / "data/b").mkdir()
    for label in "ab":
        shutil.copy(work / "a.png", closed / f"data/{label}/0.png")
    for path in [work, *work.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        can_run = run("mixers", **as_nobody)[0] == 0
    except PermissionError:
        can_run = False
    if not can_run:
        print("the program cannot be run as another user: permissions are not looked at")
        return
    rows = [(closed / "m", "inspect", [closed / "m"]), (closed / "m/config.json", "inspect", [closed / "m"]),
            (closed / "m/model.safetensors", "inspect", [closed / "m"]),
            (closed / "m/pare.json", "inspect", [closed / "m"]),
            (closed / "data", "eval", [work / "m", "--data", closed / "data"]),
            (closed / "data/a", "classify", [work / "m", closed / "data"]),
            (closed / "data/a/0.png", "classify", [work / "m", closed / "data/a/0.png"]),
            (closed / "run", "report", [closed / "run"]), (closed / "run/run.json", "report", [closed / "run"])]
    # One class folder of several is left out, with a word.
    (closed / "data/a").chmod(0)
    _, _, err = run("eval", work / "m", "--data", closed / "data", **as_nobody)
    (closed / "data/a").chmod(0o755)
    check("left out: 1 folder that cannot be listed" in err and "without pictures" in err, f"a closed class: {err}")
    for path, command, args in rows:
        mode = path.stat().st_mode
        path.chmod(0)
        rc, _, err = run(command, *args, **as_nobody)
        check(rc == 6 and "cannot read" in err and "permission denied" in err and path.name in err,
              f"{command} without a right to {path.name}: {rc} {err.strip()[-200:]}")
        path.chmod(mode)
    for command, args in [("export", [work / "m", "-o", closed / "new"]),
                          ("eval", [work / "m", "--data", DATA, "--logits", closed / "new.safetensors"]),
                          ("train", ["--data", DATA, "--arch", ARCH, "-o", closed / "new"])]:
        rc, _, err = run(command, *args, **as_nobody)
        check(rc == 6 and "permission denied" in err, f"{command} into a folder of others: {rc} {err.strip()[-200:]}")


def test_names(work):
    """Control characters in names reach no terminal; empty names get sentences."""
    odd = work / "a\x1b[31m\n\x9b.png"
    shutil.copy(work / "a.png", odd)
    broken = work / "b\x1b]0;title\x07.png"
    broken.write_bytes(b"no picture")
    for args in [["classify", work / "m", odd, broken], ["inspect", work / "no\x1b[2J"],
                 ["eval", work / "m", "--data", work / "no\x1b[2J"], ["devices", "--device", "\x1b[2Jx"],
                 ["report", work / "\x07"], ["export", work / "m", "-o", work / "\x1b/new", "--class-vectors", "\x1b"],
                 ["\x1b[2J"], ["train", "--\x1b[2J"], ["train", "--lr", "\x1b[2J"]]:
        rc, out, err = run(*args)
        both = out + err
        check(not re.search("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", both), f"{args[0]!r}: control characters in {both!r}")
        check("\\x1b" in both or "\\x07" in both, f"{args[0]!r}: the name is not told: {both!r}")
        check(len(out.splitlines()) == (1 if args[0] == "classify" else 0), f"{args[0]!r}: lines of {out!r}")
    check_run(2, "the name of the model is empty", "inspect", "")
    check_run(2, "the name of the model is empty", "eval", "", "--data", DATA)
    check_run(6, "the name of a picture is empty", "classify", work / "m", "")


def test_all(work):
    rc, _, err = run("train", "--data", DATA, "--arch", ARCH, "--epochs", "1", "-o", work / "m")
    check(rc == 0, f"no model: {err}")
    (work / "a.png").write_bytes(bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63087531060001be00cd"
        "94abb7800000000049454e44ae426082"))
    cli.run_tests(work, test_numbers, test_ranges, test_not_finite, test_sizes, test_devices, test_permissions,
                  test_names, test_memory)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
