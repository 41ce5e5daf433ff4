#!/usr/bin/env python3
"""What the program may write over, and what not: every output option of every command: test_cli_outputs.py PARE."""
import fcntl
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import sys

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_run

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "apps/cli"
DATA = "synth:ringed-digit,train=64,val=32,test=32"
ARCH = "vit:image=16,patch=8,dim=16,depth=2,heads=2"

# Every option that names something to write, by command: (option, kind, the rest of a command that would write it).
OUTPUTS = {
    "train": [("--out", "model", ["--data", DATA, "--arch", ARCH]),
              ("--run", "run", ["--data", DATA, "--arch", ARCH, "--out", "new"])],
    "distill": [("--out", "model", ["m", "--data", DATA, "--mixer", "linear"]),
                ("--run", "run", ["m", "--data", DATA, "--mixer", "linear", "--out", "new"])],
    "retain": [("--out", "model", ["m", "--data", DATA, "--keep", "0.7"]),
               ("--run", "run", ["m", "--data", DATA, "--keep", "0.7", "--out", "new"])],
    "tune": [("--out", "model", ["m", "--data", DATA]), ("--run", "run", ["m", "--data", DATA, "--out", "new"])],
    "prune": [("--out", "model", ["m", "--data", DATA]), ("--run", "run", ["m", "--data", DATA, "--out", "new"])],
    "study": [("--out", "run", ["groups", "m", "--data", DATA, "--mixer", "linear"])],
    "export": [("--out", "model", ["m"])],
    "eval": [("--show", "png", ["m", "--data", DATA]), ("--logits", "tensors", ["m", "--data", DATA])],
    "classify": [("--show", "png", ["m", "a.png"]), ("--preprocess-dump", "tensors", ["m", "a.png"])],
    "sparsity": [("--maps", "png", ["m", "--data", DATA]), ("--full-maps", "maps", ["m", "--data", DATA])],
    "bench": [("--out", "run", ["scaling"])],
    "report": [("--out", "page", ["m.run"])],
}
NO_FORCE = {"report"}                   # it has no such option
MARK = "\"pixels\":"


def options_of(text):
    """Names of the options in C whose type is that of something written."""
    return re.findall(r"\{ \"([a-z-]+)\", (?:0|'.'), ARG_OUT(?:_STREAM)?,", text)


def check_table():
    """No output option is missing above: each has the type for them, and none that writes has another."""
    there = set()
    for path in SOURCES.rglob("*.[ch]"):
        there.update(options_of(path.read_text()))
    known = {option[2:] for rows in OUTPUTS.values() for option, _, _ in rows}
    check(there == known, f"output options are {sorted(there)}, the table has {sorted(known)}")
    for command in subprocess.run([cli.pare, "--help"], capture_output=True, text=True, check=True).stdout.splitlines():
        found = re.match(r"  pare ([a-z]+) ", command)
        if not found:
            continue
        shown = subprocess.run([cli.pare, found[1], "--help"], capture_output=True, text=True, check=True).stdout
        names = set(re.findall(r"--([a-z-]+)", "\n".join(re.findall(r"^  (?:-.,|   ) --[a-z-]+ \S+", shown, re.M))))
        want = {option[2:] for option, _, _ in OUTPUTS.get(found[1], [])}
        check(names & there == want, f"{found[1]} writes by {sorted(names & there)}, the table has {sorted(want)}")


def state_of(path):
    """Everything about what lies at a path and below: kinds, links, bytes."""
    if path.is_symlink():
        return "link", os.readlink(path)
    mode = os.lstat(path).st_mode
    if stat.S_ISDIR(mode):
        return "folder", sorted((p.name, state_of(p)) for p in path.iterdir())
    return stat.S_IFMT(mode), path.read_bytes() if stat.S_ISREG(mode) else b""


def things(work):
    """What stands in the way, and the kind of output that may replace it with --force."""
    (work / "notes.txt").write_text("notes\n")
    (work / "sheet.png").write_bytes((work / "a.png").read_bytes())
    (work / "page.html").write_text('<!DOCTYPE html>\n<meta name="generator" content="pare 0.1.0">\n')
    (work / "other.html").write_text("<!DOCTYPE html>\n<title>mine</title>\n")
    head = ('{"pixels":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}').encode()
    (work / "dump.safetensors").write_bytes(len(head).to_bytes(8, "little") + head)
    shutil.copytree(work / "m", work / "other")
    shutil.copytree(work / "m.run", work / "other.run")
    shutil.copytree(work / "m", work / "hub")
    (work / "hub/pare.json").unlink()
    (work / "maps").mkdir()
    shutil.copy(work / "a.png", work / "maps/picture-000-layer-00.png")
    (work / "photos").mkdir()
    shutil.copy(work / "a.png", work / "photos/holiday.png")
    (work / "link").symlink_to("sheet.png")
    (work / "link-to-model").symlink_to("other")
    (work / "dangling").symlink_to("no-such")
    os.mkfifo(work / "pipe")
    s = socket.socket(socket.AF_UNIX)
    s.bind("socket")
    s.close()
    return {"notes.txt": None, "sheet.png": "png", "page.html": "page", "other.html": None,
            "dump.safetensors": "tensors", "other": "model", "other.run": "run", "hub": None, "maps": "maps",
            "photos": None, "link": None,
            "link-to-model": None, "dangling": None, "pipe": None, "socket": None, "/dev/null": None,
            "/dev/stdout": None}


def test_refused(work):
    """No output option takes a bad path, or replaces anything of another kind, --force or not."""
    there = things(work)
    before = state_of(work)
    for command, rows in OUTPUTS.items():
        for option, kind, rest in rows:
            for path in ["", "/", ".", "..", "./", "m/..", "//"]:
                for force in [[], ["--force"]][:1 if command in NO_FORCE else 2]:
                    check_run(2, option, command, *rest, option, path, *force)
            if command != "report":     # whose page may go to standard output
                check_run(2, "standard output", command, *rest, option, "-")
            for path, replaced_by in there.items():
                own = kind == replaced_by
                if own and kind == "run" and option == "-o":    # no model, so the run is what was asked for
                    check_run(2, "holds a finished run; --force replaces it", command, *rest, option, path)
                elif not own or kind not in ("run", "page"):    # which replace what is finished unasked
                    check_run(2, "is there already", command, *rest, option, path)
                if not own and command not in NO_FORCE:
                    check_run(2, "is there already", command, *rest, option, path, "--force")
    check(state_of(work) == before, "something was written")


def test_inputs(work):
    """What a command reads is not what it writes."""
    before = state_of(work)
    for command, rows in OUTPUTS.items():
        for option, kind, rest in rows:
            if kind == "model" and "m" in rest:
                for path in ["m", "./m/", work / "m"]:
                    check_run(2, "is what is read", command, *rest, option, path, "--force")
    check_run(2, "is what is read", "train", "--data", DATA, "--init", "m", "-o", "m", "--force")
    check_run(2, "is what is read", "tune", "other", "--teacher", "m", "--data", DATA, "-o", "m", "--force")
    check_run(2, "is what is read", "distill", "m", "--from", "other", "--data", DATA, "-o", "other", "--force")
    check_run(2, "is what is read", "retain", "m", "--data", DATA, "--keep", "0.7", "-o", "m", "--resume")
    check_run(2, "is part of m", "eval", "m", "--data", DATA, "--logits", "m/model.safetensors", "--force")
    check_run(2, "is part of photos", "eval", "m", "--data", "photos", "--show", "photos/holiday.png", "--force")
    check_run(2, "are both", "eval", "m", "--data", DATA, "--show", "x", "--logits", "x")
    check_run(2, "are both", "classify", "m", "a.png", "--show", "x", "--preprocess-dump", "x")
    check_run(2, "are both", "sparsity", "m", "--data", DATA, "--maps", "x", "--full-maps", "x")
    check_run(2, "are both", "tune", "m", "--data", DATA, "-o", "x", "--run", "x/")
    check_run(6, "no folder no", "eval", "m", "--data", DATA, "--logits", "no/such.safetensors")
    check(state_of(work) == before, "something was written over what is read")


def test_replaced(work):
    """And what is of the same kind is, when that is asked for."""
    check_run(0, "", "export", "m", "-o", "other", "--force")
    check_run(0, "", "eval", "m", "--data", DATA, "--logits", "dump.safetensors", "--show", "sheet.png", "--force")
    check(MARK.encode() in (work / "dump.safetensors").read_bytes(), "the logits were not written")
    check_run(0, "", "eval", "m", "--data", DATA, "--logits", "dump.safetensors", "--force")
    check_run(0, "", "sparsity", "m", "--data", DATA, "--full-maps", "maps", "--images", "1", "--force")
    check_run(0, "", "classify", "m", "a.png", "--preprocess-dump", "dump.safetensors", "--force")
    check_run(0, "", "report", "m.run", "-o", "page.html")
    check_run(0, "", "report", "m.run", "-o", "page.html")
    page = check_run(0, "", "report", "m.run", "-o", "-")
    check(page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>"), "the page on standard output")
    check_run(2, "one of the two", "report", "m.run", "-o", "-", "--json")


def test_locks(work):
    """Two processes are not let into one run, or to one model by two runs."""
    for name, words in [("busy.run", "busy.run is being written"), ("busy", "busy is being written")]:
        (work / name).mkdir()
        with open(work / name / ".pare.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            check_run(6, words, "train", "--data", DATA, "--arch", ARCH, "--epochs", "1", "-o", "busy")
            if name == "busy":
                check_run(6, words, "export", "m", "-o", "busy")
        shutil.rmtree(work / name)
        shutil.rmtree(work / "busy.run", ignore_errors=True)
    check_run(0, "", "train", "--data", DATA, "--arch", ARCH, "--epochs", "1", "-o", "busy")
    check(not list(work.glob("busy*/.pare.lock")), "a lock is left behind")
    # A lock that a killed process left keeps nobody out, and a half of a model that it left is replaced.
    for name in ["busy", "busy.run"]:
        (work / name / ".pare.lock").touch()
    for name in ["config.json", "pare.json"]:
        (work / "busy" / name).unlink()
    check_run(2, "--force replaces it", "train", "--data", DATA, "--arch", ARCH, "--epochs", "1", "-o", "busy")
    check_run(0, "", "train", "--data", DATA, "--arch", ARCH, "--epochs", "1", "-o", "busy", "--force")
    check((work / "busy/config.json").exists(), "the model is whole again")
    # A run that is refused leaves no folder behind.
    check_run(2, "not a run folder", "train", "--data", DATA, "--arch", ARCH, "-o", "none", "--run", "photos",
              "--force")
    check(not (work / "none").exists(), "a folder was made for a run that was refused")


def test_streams(work):
    """Standard output that is closed, or that nobody reads: the code for files, never a signal."""
    commands = [["mixers"], ["devices"], ["inspect", "m"], ["eval", "m", "--data", DATA], ["classify", "m", "a.png"],
                ["eval", "m", "--data", DATA, "--json"], ["train", "--help"], ["--help"], ["--version"],
                ["report", "m.run", "-o", "-"], ["sparsity", "m", "--data", DATA]]
    for command in commands:
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([cli.pare, *command], stdout=write, stderr=subprocess.PIPE, timeout=300, check=False)
        os.close(write)
        check(done.returncode == 6 and b"cannot write to standard output: broken pipe" in done.stderr,
              f"{command} into a pipe that nobody reads: {done.returncode} {done.stderr[-200:]}")
        done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", cli.pare, *command], stderr=subprocess.PIPE,
                              timeout=300, check=False)
        check(done.returncode == 6 and b"cannot write to standard output" in done.stderr,
              f"{command} with standard output closed: {done.returncode} {done.stderr[-200:]}")
    # Nothing that is written while a stream is closed gets what was meant for it.
    for closed in [">&-", "2>&-", "<&-", ">&- 2>&- <&-"]:
        done = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", cli.pare, "export", "m", "-o", "closed",
                               "--force"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300,
                              check=False)
        check(done.returncode == (6 if closed.startswith(">") else 0), f"export with {closed}: {done.returncode}")
        for name in ["config.json", "pare.json"]:
            json.loads((work / "closed" / name).read_text())
        check((work / "closed/model.safetensors").read_bytes() == (work / "m/model.safetensors").read_bytes(),
              f"export with {closed} writes the same weights")


def test_all(work):
    os.chdir(work)
    cli.png(work / "a.png", 20, "a")
    check_run(0, "", "train", "--data", DATA, "--arch", ARCH, "--epochs", "1", "-o", "m")
    check_table()
    cli.run_tests(work, test_refused, test_inputs, test_replaced, test_locks, test_streams)
    os.chdir("/")


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
