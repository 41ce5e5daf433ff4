#!/usr/bin/env python3
"""Each call of pare that can fail fails once: faults.py [options] PARE_FAULTS_PROGRAM [COMMAND ...].

COMMAND is classify, train, train-force (over a model that is there) or distill; all of them without one. Of each point:
no signal, no report of a sanitizer, an end in time, the exit code of its kind and one sentence, no half of a file, and
what the command reads as it was. A command that ends well has given what it gives without a fault; one that does not
can be repeated, with --resume where there is a run to resume, and then gives the same.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

SKIP = 77
LIMIT = 240                             # seconds after which a command hangs, on a machine with other work too
CODES = {"memory": 4, "device": 4, "lost": 5, "write": 6, "read": 6, "thread": 4}
WORDS = {"memory": "memory", "device": "memory", "lost": "lost"}       # one of which the sentence must have
DATA = "synth:ringed-digit,train=8,val=4,test=4"
ARCH = "vit:image=16,patch=8,dim=16,depth=1,heads=2"
TRAIN = ["train", "--data", DATA, "--arch", ARCH, "--epochs", "1", "--warmup", "0", "--max-steps", "2", "--batch", "4",
         "-o", "out"]
COMMANDS = {
    "classify": ["classify", "m", "pictures", "--json", "--batch", "2"],
    "train": TRAIN,
    "train-force": [*TRAIN, "--force"],
    "distill": ["distill", "m", "--any-teacher", "--data", DATA, "--mixer", "linear", "--max-drop", "100", "--epochs",
                "1", "--max-steps", "2", "--batch", "4", "--no-timing", "-o", "out"],
}
FAIL = {"PARE_FAIL_AT", "PARE_FAIL_LIST", "PARE_FAIL_LOG"}
HARMLESS = {"unlink", "rmdir", "close"}     # whose failure may leave something over


def bmp(path, size, shade):
    """A picture that differs from others of another shade."""
    rows = b"".join(bytes((x * shade + y * k) % 256 for x in range(size) for k in (3, 5, 7)) + bytes(-3 * size % 4)
                    for y in range(size))
    path.write_bytes(struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 54 + len(rows), 0, 0, 54, 40, size, size, 1, 24, 0,
                                 len(rows), 2835, 2835, 0, 0) + rows)


def environment(folder, **more):
    env = {k: v for k, v in os.environ.items() if k not in FAIL}
    env.update(HOME=str(folder), XDG_CACHE_HOME=str(folder / "cache"), TMPDIR=str(folder), **more)
    env.setdefault("ASAN_OPTIONS", "detect_leaks=0:allocator_may_return_null=1")
    return env


def run(pare, folder, args, **more):
    """(exit code or None for a hang, standard output, standard error)."""
    try:
        r = subprocess.run([pare, *args, "--quiet"], cwd=folder, env=environment(folder, **more), capture_output=True,
                           stdin=subprocess.DEVNULL, timeout=LIMIT)
        return r.returncode, r.stdout.decode("utf-8", "replace"), r.stderr.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as e:
        return None, "", (e.stderr or b"").decode("utf-8", "replace")


def contents(folder, *names):
    """Path -> hash of all files below."""
    out = {}
    for name in names:
        for path in sorted((folder / name).rglob("*")):
            if path.is_file():
                out[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return out


def result(folder, stdout):
    """What a command gave, without times and dates: weights to the bit, numbers of texts left out."""
    out = {"stdout": stdout if stdout.startswith("{") else re.sub(r"[0-9.]+", "#", stdout)}
    out["stdout"] = re.sub(r"[0-9.]+( |\b)(s|images/s)\b", "# s", re.sub(r"\s+", " ", out["stdout"]))
    for path in sorted((folder / "out").rglob("*")):
        if path.suffix == ".safetensors":
            out[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif path.is_file():
            out[path.name] = re.sub(r"-?[0-9][0-9.e+-]*", "#", path.read_text())
    return out


class Bench:
    """One command, what it starts from and what it gives."""

    def __init__(self, pare, work, name):
        self.pare, self.name, self.args = pare, name, COMMANDS[name]
        self.start = work / f"start-{name}"
        self.start.mkdir()
        (self.start / "cache").mkdir()
        folder = self.start / "pictures"
        folder.mkdir()
        for i in range(3):
            bmp(folder / f"{i}.bmp", 20 + i, 11 + i)
        args = [TRAIN, [*TRAIN[:-1], "m"]]
        for words in [args[1]] + ([[*TRAIN, "--seed", "1"]] if name == "train-force" else []):
            rc, _, said = run(pare, self.start, words)
            if rc != 0:
                sys.exit(f"{' '.join(words)}: exit code {rc}: {said}")
        shutil.rmtree(self.start / "m.run")
        copy = self.copy(work / f"warm-{name}")         # its pipelines in the cache, as for a user's second run
        run(pare, copy, self.args)
        shutil.rmtree(self.start / "cache")
        shutil.copytree(copy / "cache", self.start / "cache")
        self.kept = contents(self.start, "m", "pictures")
        self.old = contents(self.start, "out")
        copy = self.copy(work / f"whole-{name}")
        self.list = work / f"{name}.list"
        rc, said, err = run(pare, copy, self.args, PARE_FAIL_LIST=str(self.list))
        if rc != 0 or err:
            sys.exit(f"{name}: exit code {rc} without a fault: {err}")
        self.whole = result(copy, said)

    def copy(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.start, folder)
        return folder

    def points(self):
        rows = [line.split("\t") for line in self.list.read_text().splitlines()]
        return [dict(number=int(r[0]), kind=r[1], call=r[2], stack=r[3], callers=r[4].split()) for r in rows]

    def judge(self, folder, point):
        """(exit code, sentence, what is wrong)."""
        self.copy(folder)
        log = folder / "fault.log"
        rc, said, err = run(self.pare, folder, self.args, PARE_FAIL_AT=f"{point['stack']}.{point['same']}",
                            PARE_FAIL_LOG=str(log))
        wrong = []
        if not log.exists() or not log.read_text():
            return "-", "", wrong                       # not reached this time
        lines = err.splitlines()
        if rc is None:
            return "hang", err, ["hangs"]
        if rc < 0:
            return rc, err, [f"signal {-rc}"]
        if "Sanitizer" in err or "runtime error:" in err:
            return rc, err, ["a sanitizer's report"]
        if rc not in (0, CODES[point["kind"]]):
            wrong.append(f"exit code {rc}")
        if point["kind"] == "read" and re.search(r"\d of \d images could not be read$", lines[-1] if lines else ""):
            del lines[-1]                               # each with its reason, then how many
        if rc and (len(lines) != 1 or not re.match(r"pare: \S.{8,}", lines[0])):
            wrong.append(f"{len(lines)} lines")
        if rc and WORDS.get(point["kind"], "") not in err and point["call"] != "vkMapMemory":
            wrong.append("another sentence")
        if contents(folder, "m", "pictures") != self.kept:
            wrong.append("harms what it reads")
        if point["call"] not in HARMLESS and [p for p in folder.rglob("*") if ".part" in p.name]:
            wrong.append("half of a file is left")
        if rc == 0:
            now = result(folder, said)
            if point["call"] in HARMLESS:
                now.pop(".pare.lock", None)
            if now != self.whole:
                wrong.append("ends well with another result: " +
                             ", ".join(k for k in {**now, **self.whole} if now.get(k) != self.whole.get(k)))
        elif self.name != "classify":
            wrong += self.repeat(folder)
        return rc, err.strip(), wrong

    def repeat(self, folder):
        """The same command ends well after a fault, and with the same weights."""
        old = contents(folder, "out")
        if self.old and not set(old) >= set(self.old):
            return [f"{', '.join(sorted(set(self.old) - set(old)))} of the older model is gone"]
        tries = [[*self.args, "--resume"], [*self.args, "--force"]]
        said = []
        for args in tries if (folder / "out.run" / "run.json").exists() else tries[1:]:
            rc, out, err = run(self.pare, folder, args)
            if rc == 0:
                now = result(folder, out)
                bad = [k for k in self.whole if k not in ("stdout", "README.md", "pare.json") and
                       now.get(k) != self.whole[k]]
                return [f"{args[-1]} after it gives another {', '.join(bad)}"] if bad else []
            said.append(f"{args[-1]} after it: exit code {rc}: {err.strip()}")
        return said


def choose(points, args):
    """Each with the how-manieth of its stack it is; those that are to be run."""
    seen = collections.Counter()
    out = []
    for p in points:
        p["same"] = seen[p["stack"]]
        seen[p["stack"]] += 1
        if (not args.distinct or p["same"] < args.distinct) and (not args.kinds or p["kind"] in args.kinds):
            out.append(p)
    return out[args.first::args.stride]


def places(pare, callers):
    """Function and line of the nearest callers."""
    try:
        start = next((int(line.split()[0], 16) for line in
                      subprocess.run(["nm", pare], capture_output=True, text=True, check=True).stdout.splitlines()
                      if line.endswith(" __executable_start")), 0)
        at = [hex(int(c, 16) + start - 1) for c in callers[:8]]
        text = subprocess.run(["addr2line", "-f", "-s", "-e", pare, *at],
                              capture_output=True, text=True, check=True).stdout.split("\n")
        return " < ".join(f"{a} ({b.split(' ')[0]})" for a, b in zip(text[::2], text[1::2]))
    except (OSError, subprocess.CalledProcessError):
        return " ".join(callers)


def go_through(bench, work, args):
    """Prints what is wrong; (rows of the table, number of points that fail)."""
    points = bench.points()
    chosen = choose(points, args)
    slot, lock, bad = threading.local(), threading.Lock(), []
    table = collections.defaultdict(collections.Counter)
    numbers = iter(range(args.jobs))

    def one(point):
        if not hasattr(slot, "folder"):
            with lock:
                slot.folder = work / f"slot-{bench.name}-{next(numbers)}"
        rc, said, wrong = bench.judge(slot.folder, point)
        with lock:
            table[point["kind"]][rc] += 1
            if args.log:
                args.log.write(json.dumps(dict(command=bench.name, call=point["call"], kind=point["kind"], rc=rc,
                                               said=said, wrong=wrong, at=f"{point['stack']}.{point['same']}",
                                               callers=point["callers"])) + "\n")
                args.log.flush()
            if wrong:
                bad.append(point)
                print(f"FAILED: {bench.name}: {point['call']} PARE_FAIL_AT={point['stack']}.{point['same']}: "
                      f"{'; '.join(wrong)}\n    said: {said[:600]}\n    at: {places(bench.pare, point['callers'])}",
                      flush=True)

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(one, chosen))
    all_of = collections.Counter(p["kind"] for p in points)
    stacks = collections.Counter(k for k, _ in {(p["kind"], p["stack"]) for p in points})
    for kind in CODES:
        if all_of[kind]:
            codes = ", ".join(f"{n} x {rc}" for rc, n in sorted(table[kind].items(), key=str))
            print(f"{bench.name:12} {kind:8} {all_of[kind]:7} points {stacks[kind]:6} stacks"
                  f" {sum(table[kind].values()):7} run, exit codes: {codes or '-'}", flush=True)
    return len(chosen), len(bad)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("pare")
    p.add_argument("commands", nargs="*", metavar="COMMAND")
    p.add_argument("--distinct", type=int, default=0, help="the first N of each stack of callers; 0 = all")
    p.add_argument("--stride", type=int, default=1, help="every N-th of those")
    p.add_argument("--first", type=int, default=0, help="from this one on")
    p.add_argument("--kinds", type=lambda s: s.split(","), help="of " + ", ".join(CODES))
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--log", type=argparse.FileType("w"), help="a line of JSON for each point")
    args = p.parse_args()
    pare = str(pathlib.Path(args.pare).resolve())
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        os.environ.update(MESA_SHADER_CACHE_DIR=str(work / "mesa"))     # the software driver's own
        if run(pare, work, ["devices"])[0] == 3:
            print("no device")
            return SKIP
        n = n_bad = 0
        for command in args.commands or COMMANDS:
            done, bad = go_through(Bench(pare, work, command), work, args)
            n, n_bad = n + done, n_bad + bad
    print(f"{n} points, {n_bad} of them wrong")
    return 1 if n_bad or not n else 0


if __name__ == "__main__":
    sys.exit(main())
