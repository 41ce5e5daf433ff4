#!/usr/bin/env python3
"""Maps by gradients from outside: of any mixer, beside a teacher's attention: test_cli_maps.py PARE."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_json, check_run, train


def test_gradients(work):
    """Maps by gradients: of any mixer, beside a teacher's attention; the word for the file; figures."""
    m, data = work / "m", work / "data"
    here = ["sparsity", m, "--data", data, "--images", "2"]
    png, full = m.parent / "gradient.png", m.parent / "gradients"
    out = check_run(0, "top 10 % shared", *here, "--maps", png, "--maps-of", "gradient", "--teacher", m)
    check(png.read_bytes()[:4] == b"\x89PNG" and "rows of the class token" in out, f"sparsity --maps-of: {out}")
    value = check_json("maps", *here, "--maps-of", "gradient", "--full-maps", full, "--layer", "1", "--teacher", m)
    value = value["maps"]
    check(len(list(full.iterdir())) == 2, "sparsity --full-maps: a file a picture")
    layer, = value["layers"]
    got = [value["of"], value["queries"], value["images"], layer["layer"]]
    check(got == ["gradient", "all", 2, 1], f"maps: {value}")
    check(layer["rows"] > 0 and all(0 <= x <= 1 for x in layer["mean"].values()), f"maps: {layer}")
    check(0 <= layer["teacher_overlap"] <= 1, f"maps: {layer}")
    png.unlink()
    done = subprocess.run([os.path.abspath(cli.pare), "sparsity", m.name, "--data", data, "--maps", "gradient"],
                          cwd=m.parent, capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"sparsity --maps gradient: {done.stderr}")
    check(png.read_bytes()[:4] == b"\x89PNG", "sparsity --maps gradient: no gradient.png")
    check_run(2, "add --maps PNG", *here, "--maps-of", "gradient")
    check_run(2, "not the same maps", *here, "--maps", "gradient", "--maps-of", "attention")
    check_run(2, "there are: attention, gradient", *here, "--maps", png, "--maps-of", "weights")
    check_run(2, "beside gradients", *here, "--maps", png, "--teacher", m, "--force")


def test_mixers(work):
    """Students without any attention, whose own figures of it are empty; each row of the table is a layer."""
    data = work / "data"
    arch = cli.ARCH + ",mixer=conv/ssd:direction=forward"
    check_run(0, "", *train(work, "s", "--arch", arch))
    value = check_json("maps", "sparsity", work / "s", "--data", data, "--maps-of", "gradient", "--maps",
                       work / "s.png", "--images", "2", "--teacher", work / "m")["maps"]
    conv, ssd = value["layers"]
    check([conv["mixer"], ssd["mixer"]] == ["conv", "ssd"], f"maps: {value}")
    # The class token is off the grid; in a forward scan it comes first and sees itself alone.
    check([conv["rows"], conv["empty"]] == [0, 2] and conv["mean"]["gini"] is None, f"maps of conv: {conv}")
    check(ssd["rows"] == 2 and abs(ssd["mean"]["entropy"]) < 1e-6, f"maps of ssd: {ssd}")
    check_run(0, "the rows are zero", "sparsity", work / "s", "--data", data, "--maps-of", "gradient", "--maps",
              work / "s.png", "--force")
    check_run(2, "layer 0 has no attention", "sparsity", work / "m", "--data", data, "--maps-of", "gradient", "--maps",
              work / "t.png", "--teacher", work / "s")


def test_all(work):
    check_run(0, "", *train(work, "m"))
    cli.run_tests(work, test_gradients, test_mixers)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
