#!/usr/bin/env python3
"""One signal ends any command, wherever it is; runs go on from there to the same bits: test_cli_signals.py PARE.

Signals are sent when the program says something (that a device is open, how far it is), and every command here would
take hours: that it ends is due to the signal. Nothing is measured in seconds.
"""
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile

SKIP = 77
LONG = 240                              # seconds after which a command hangs
SMALL = "synth:ringed-digit,train=256,val=64,test=64"
HUGE = "synth:ringed-digit,train=4000000,val=4000000,test=4000000"
ARCH = "vit:image=16,patch=8,dim=16,depth=2,heads=2"
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
failures = []
pare = ""


def check(ok, what):
    if not ok:
        failures.append(what)
        print("FAILED:", what, flush=True)


class Running:
    """A command whose standard error is a terminal, so that it shows how far it is."""

    def __init__(self, args, **kwargs):
        self.terminal, slave = pty.openpty()
        self.said = ""
        self.args = " ".join(map(str, args))
        self.process = subprocess.Popen([pare, *map(str, args)], stdin=kwargs.pop("stdin", subprocess.DEVNULL),
                                        stdout=subprocess.DEVNULL, stderr=slave, **kwargs)
        os.close(slave)

    def read(self):
        """False once nothing more comes."""
        ready, _, _ = select.select([self.terminal], [], [], LONG)
        try:
            text = os.read(self.terminal, 65536).decode("utf-8", "replace") if ready else ""
        except OSError:                 # the other end is closed
            text = ""
        self.said += text
        return bool(text)

    def wait_for(self, words):
        while not re.search(words, self.said):
            if not self.read():
                return False
        return True

    def end(self):
        """The exit code."""
        while self.read():
            pass
        os.close(self.terminal)
        try:
            return self.process.wait(LONG)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def stop(work, args, moment, number, **kwargs):
    """Start a command, wait for the moment, send the signal: it ends with code 130 and leaves no half of a file."""
    r = Running(args, **kwargs)
    came = r.wait_for(moment)
    check(came, f"{r.args}: says nothing like \"{moment}\": {r.said[-300:]}")
    r.process.send_signal(number)
    rc = r.end()
    check(rc == 130, f"{r.args}: {number.name} at \"{moment}\" gives {rc}: {r.said[-300:]}")
    parts = [str(p) for p in work.rglob("*.part")] + [str(p) for p in work.glob("tmp/*")]
    check(not parts, f"{r.args}: {number.name} at \"{moment}\" leaves {parts}")
    return r.said


def commands(work):
    """(words, moments) of every command that can take long."""
    many = ["a.png"] * 100000
    run = ["--force", "--batch", "4"]
    device = r"device 0:"
    return [
        (["train", "--data", SMALL, "--arch", ARCH, "--epochs", 100000, "-o", "t", *run], [device, r"train: "]),
        (["train", "--data", HUGE, "--arch", ARCH, "--epochs", 1, "-o", "t", *run], [r"epoch 1 "]),
        (["train", "--data", HUGE, "--init", "m", "--epochs", 1, "-o", "t", *run], [device]),
        (["distill", "m", "--any-teacher", "--data", SMALL, "--mixer", "linear", "--epochs", 100000, "-o", "s", *run],
         [device, r"transfer: "]),
        (["distill", "m", "--any-teacher", "--data", HUGE, "--mixer", "linear", "-o", "s", *run], [r"sparsity: "]),
        (["retain", "m", "--any-teacher", "--data", SMALL, "--keep", "0.7", "--epochs", 100000, "-o", "r", *run],
         [device, r"retain: "]),
        (["retain", "m", "--any-teacher", "--data", HUGE, "--keep", "0.7",
         "--policy", "topk", "-o", "r", *run], [r"evaluate: "]),
        (["tune", "m", "--data", SMALL, "--train", "all", "--epochs", 100000, "-o", "u", *run], [device, r"tune: "]),
        (["prune", "lstm", "--data", HUGE, "-o", "p", *run], [device, r"evaluate: "]),
        (["prune", "lstm", "--data", SMALL, "--shrink-epochs", 100000, "-o", "p", *run], [r"shrink: "]),
        (["study", "groups", "m", "--data", SMALL, "--mixer", "linear", "--epochs", 100000, "--groups", 2, "-o", "g",
          *run], [device, r"left"]),
        (["study", "orders", "m", "--data", HUGE, "--mixer", "linear", "--max-steps", 100000, "-o", "so", *run],
         [r"left"]),
        (["eval", "m", "--data", HUGE, "--batch", 4], [device, r"evaluate: "]),
        (["eval", "m", "--data", HUGE, "--batch", 4, "--limit", 1000000, "--logits", "l.safetensors"], [r"evaluate: "]),
        (["classify", "m", *many], [device, r"classify: "]),
        (["classify", "m", "-"], [device]),
        (["sparsity", "m", "--data", HUGE, "--limit", 1000000], [device, r"sparsity: "]),
        (["bench", "ops"], [device, r"bench: "]),
        (["bench", "model", "m", "--img-size", 640], [device]),
        (["bench", "scaling", "--budget", 100000, "--repeat", 1000], [device, r"bench: "]),
        (["bench", "retention", "--budget", 100000, "--repeat", 1000], [device, r"bench: "]),
        (["selftest"], [device]),
    ]


def test_all(work):
    """Every command, at every moment, by one of the signals in turn."""
    turn = 0
    for args, moments in commands(work):
        for moment in moments:
            waits = args[0] == "classify" and args[-1] == "-"
            read, write = os.pipe()     # on which nothing comes
            stop(work, args, moment, SIGNALS[turn % len(SIGNALS)], **({"stdin": read} if waits else {}))
            os.close(read)
            os.close(write)
            turn += 1


def test_second(work):
    """A second signal ends at once, whatever is in hand."""
    r = Running(["train", "--data", SMALL, "--arch", ARCH, "--epochs", 100000, "-o", "t", "--force"])
    check(r.wait_for(r"train: "), "train says nothing")
    r.process.send_signal(signal.SIGINT)
    r.process.send_signal(signal.SIGTERM)
    rc = r.end()
    check(rc == 130, f"two signals give {rc}")


def test_ignored(work):
    """A signal that was ignored when the program began stays so, as nohup wants it."""
    r = Running(["train", "--data", SMALL, "--arch", ARCH, "--epochs", 100000, "-o", "t", "--force"],
                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    check(r.wait_for(r"train: "), "train says nothing")
    r.process.send_signal(signal.SIGHUP)
    r.said = ""
    check(r.wait_for(r"train: "), f"SIGHUP ends what ignores it: {r.said[-200:]}")
    r.process.send_signal(signal.SIGTERM)
    check(r.end() == 130, "and SIGTERM does not")


def test_resumed(work):
    """Stopped by each of the signals, one after the other, and resumed: the same bits as without."""
    args = ["train", "--data", SMALL, "--arch", ARCH, "--epochs", 12, "--batch", 16, "--ema", "0.99", "--mixup", "0.2"]
    check(Running([*args, "-o", "whole"]).end() == 0, "the run that is not stopped")
    said = stop(work, [*args, "-o", "parts"], r"train: ", SIGNALS[0])
    check("To go on: pare train" in said and "--resume" in said, f"how to go on is not said: {said[-300:]}")
    check((work / "parts.run/train.safetensors").exists(), "a training that was stopped wrote no checkpoint")
    for number in SIGNALS[1:]:
        stop(work, [*args, "-o", "parts", "--resume"], r"train: ", number)
    log = work / "parts.run/log.jsonl"
    with open(log, "a") as f:           # and killed while a line was written
        f.write('{"what": "tr')
    check(Running([*args, "-o", "parts", "--resume"]).end() == 0, "resuming to the end")
    same = (work / "whole/model.safetensors").read_bytes() == (work / "parts/model.safetensors").read_bytes()
    check(same, "resumed runs end in other bits")
    text = log.read_text()
    try:
        lines = [json.loads(line) for line in text.splitlines()]
    except ValueError:
        lines = []
    check('"tr{' not in text and text.endswith("}\n") and lines, "the torn line is still in the log")


def test_other_run(work):
    """--resume goes on with the same data and arguments, and with no others."""
    data = work / "data"
    for split in ["train", "val"]:
        for label in "ab":
            (data / split / label).mkdir(parents=True)
            for i in range(4):
                (data / split / label / f"{i}.png").write_bytes((work / "a.png").read_bytes())
    args = ["train", "--data", "data", "--arch", ARCH, "--batch", 4, "--epochs", 100000, "-o", "d"]
    stop(work, args, r"train: ", signal.SIGINT)

    def refused(words, *more):
        r = Running([*args, "--resume", *more])
        rc = r.end()
        check(rc == 2 and words in r.said.replace("\r\n", " "), f"{r.args}: {rc}, lacks \"{words}\": {r.said[-300:]}")

    refused("its lr is 0.001, not 0.002", "--lr", "0.002")
    refused("its seed is 0, not 1", "--seed", "1")
    refused("its limit is 0, not 3", "--limit", "3")
    new = data / "train/a/9.png"
    new.write_bytes((work / "a.png").read_bytes())
    refused("pictures of its data were added")
    new.unlink()
    longer = data / "val/b/0.png"
    longer.write_bytes((work / "a.png").read_bytes() + b"more")
    refused("changed in size")
    longer.write_bytes((work / "a.png").read_bytes())
    (data / "train/a/0.png").rename(data / "train/b/0a.png")
    refused("renamed")
    (data / "train/b/0a.png").rename(data / "train/a/0.png")
    stop(work, [*args, "--resume"], r"train: ", signal.SIGINT)
    # A model to start from that is another now.
    args[3:5] = ["--init", "m"]
    args[args.index("d")] = "e"
    stop(work, args, r"train: ", signal.SIGINT)
    weights = work / "m/model.safetensors"
    was = weights.read_bytes()
    weights.write_bytes(was[:-1] + bytes([was[-1] ^ 1]))
    refused("its init_weights is")
    weights.write_bytes(was)


def main():
    global pare
    pare = os.path.abspath(sys.argv[1])
    done = subprocess.run([pare, "devices"], capture_output=True, text=True, check=False)
    if done.returncode == 3:
        if os.environ.get("PARE_REQUIRE_DEVICE") == "1":
            sys.exit("no device: " + done.stderr)
        sys.exit(SKIP)
    with tempfile.TemporaryDirectory(prefix="pare-signals-") as name:
        work = pathlib.Path(name)
        os.chdir(work)
        (work / "tmp").mkdir()
        os.environ["TMPDIR"] = str(work / "tmp")
        (work / "a.png").write_bytes(bytes.fromhex(
            "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63087531060001be00cd"
            "94abb7800000000049454e44ae426082"))
        for model, arch in [("m", ARCH), ("lstm", ARCH + ",mixer=bilstm")]:
            check(Running(["train", "--data", SMALL, "--arch", arch, "--epochs", 1, "-o", model]).end() == 0,
                  f"no model {model}")
        for test in [test_all, test_second, test_ignored, test_resumed, test_other_run]:
            test(work)
        os.chdir("/")
    print(f"{len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
