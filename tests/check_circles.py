#!/usr/bin/env python3
"""Finds files that call each other in a circle: check_circles.py BUILD_DIR, or check_circles.py --self-test.

What calls what is read from the object files of a build: a file calls another when it needs a function that the
other defines. Data does not count: a table may name functions that use the table's type. Environment: NM and, for
the self-test, CC name the programs to use.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

FLOORS = ("vk", "nn", "distill", "pipeline", "apps")
NM = os.environ.get("NM", "nm")
CC = os.environ.get("CC", "cc")


def objects_of(build, source):
    """{name of a .c file: its object}, without objects that an earlier build left and generated sources."""
    found = {}
    for floor in FLOORS:
        for path in sorted((build / floor).glob("CMakeFiles/*.dir/**/*.o")):
            parts = path.relative_to(build / floor).parts[2:]
            name = "/".join((floor, *parts)).removesuffix(".o")
            if name.endswith(".c") and (source / name).is_file():
                found[name] = path
    return found


def calls_of(objects):
    """{file: {file that it calls: the functions}}"""
    needs, defined = {name: set() for name in objects}, {}
    name_of = {str(path): name for name, path in objects.items()}
    table = subprocess.run([NM, "-A", *name_of], check=True, capture_output=True, text=True).stdout
    for row in table.splitlines():
        path, rest = row.rsplit(":", 1)
        kind, symbol = rest.split()[-2:]
        if kind == "U":
            needs[name_of[path]].add(symbol)
        elif kind == "T":
            defined[symbol] = name_of[path]
    calls = {name: {} for name in objects}
    for name, symbols in needs.items():
        for symbol in sorted(symbols.intersection(defined)):
            calls[name].setdefault(defined[symbol], []).append(symbol.lstrip("_"))
    return calls


def way_back(calls, start):
    """The shortest way from a file over others back to it, as a list of files; None = there is none."""
    before, front = {}, [start]
    while front:
        reached = []
        for name in front:
            for to in calls[name]:
                if to == start:
                    way = [name]
                    while way[-1] != start:
                        way.append(before[way[-1]])
                    return way[::-1]
                if to not in before:
                    before[to] = name
                    reached.append(to)
        front = reached
    return None


def circles_of(calls):
    """Shortest circles, no two over the same files, one for every file that is in any."""
    circles = {}
    for name in sorted(calls):
        way = way_back(calls, name)
        if way:
            circles.setdefault(frozenset(way), way)
    return list(circles.values())


def check(build, source):
    objects = objects_of(build, source)
    if not objects:
        sys.exit(f"check_circles: no object files of {', '.join(FLOORS)} below {build}")
    calls = calls_of(objects)
    circles = circles_of(calls)
    for way in circles:
        print(f"circle of {len(way)} files:")
        for name, to in zip(way, way[1:] + way[:1]):
            print(f"  {name} calls {', '.join(calls[name][to])} of {to}")
    print(f"check_circles: {len(objects)} files, {len(circles)} circles")
    return len(circles)


CASES = [
    ("two files that call each other", 1, {
        "a.c": "int b(int x);\nint a(int x);\nint a(int x) { return x ? b(x - 1) : 0; }\n",
        "b.c": "int a(int x);\nint b(int x);\nint b(int x) { return x ? a(x - 1) : 1; }\n",
    }),
    ("a circle of three", 1, {
        "a.c": "int b(int x);\nint a(int x);\nint a(int x) { return b(x); }\n",
        "b.c": "int c(int x);\nint b(int x);\nint b(int x) { return c(x); }\n",
        "c.c": "int a(int x);\nint c(int x);\nint c(int x) { return x ? a(x - 1) : 1; }\n",
    }),
    ("a call one way", 0, {
        "a.c": "int b(int x);\nint a(int x);\nint a(int x) { return b(x); }\n",
        "b.c": "int b(int x);\nint b(int x) { return x + 1; }\n",
    }),
    ("a table that names what reads it", 0, {
        "a.c": "int b(int x);\nint (*const table[])(int);\nint (*const table[])(int) = { b };\n",
        "b.c": "extern int (*const table[])(int);\nint b(int x);\nint b(int x) { return x ? table[0](x - 1) : 0; }\n",
    }),
]


def self_test():
    failed = 0
    for what, want, files in CASES:
        with tempfile.TemporaryDirectory() as folder:
            source, build = pathlib.Path(folder), pathlib.Path(folder) / "build"
            objects = build / "nn/CMakeFiles/nn.dir"
            objects.mkdir(parents=True)
            (source / "nn").mkdir()
            for name, text in files.items():
                (source / "nn" / name).write_text(text)
                subprocess.run([CC, "-c", str(source / "nn" / name), "-o", str(objects / f"{name}.o")], check=True)
            found = check(build, source)
            if found != want:
                failed += 1
                print(f"self-test: {what}: {found} circles, want {want}")
    print(f"self-test: {len(CASES)} programs, {failed} failures")
    return failed


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--self-test":
        sys.exit(1 if self_test() else 0)
    found = check(pathlib.Path(sys.argv[1]), pathlib.Path(__file__).resolve().parent.parent)
    sys.exit(1 if found else 0)


main()
