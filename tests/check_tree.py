#!/usr/bin/env python3
"""Checks the rules of the tree: check_tree.py ROOT, or check_tree.py --self-test.

Includes go down the floors only, files stay below 600 lines of 120 characters, every table row has its
files and every file its row, no path of one machine is built in, the first line of a file says what it is,
the environment is read where it may be, under names that docs/environment.md explains, and no op chooses its
kernels by itself.
"""
import pathlib
import re
import sys
import tempfile

MAX_LINES = 600
MAX_WIDTH = 120     # characters, not bytes
WIDE = {"tests/nn/ops/op_cases.c", "tests/nn/ops/op_cases_streams.def"}       # tables: a row a line reads better
SKIP_DIRS = {".git", "build", "runs", "data", "models", "__pycache__", ".cache"}
SOURCES = {".c", ".h", ".comp", ".glsl", ".py", ".def"}
FLOORS = {"vk": 1, "nn": 2, "distill": 3, "apps": 4}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
MACHINE_PATH = re.compile(r"(?<![\w.$}*-])/(work|tmp|home|root|Users)/")
ENVIRONMENT = "docs/environment.md"
READS = re.compile(r'\bgetenv\("(\w+)"\)|\benviron(?:\.get\(|\[)"(\w+)"|"(PARE_[A-Z_]+)"')
MAY_READ = {"nn/graph/choose/choose.c", "nn/graph/fault.c"}      # of nn/
TEXT_OF_COMMENT = re.compile(r"^//\s*(.*)")
TEXT_OF_SCRIPT = re.compile(r'^(?:#|""")\s*(.*)')


def files_of(root):
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and not SKIP_DIRS.intersection(parts):
            yield path, path.relative_to(root).as_posix()


def is_script(name):
    return "." not in name.split("/")[-1] and name.startswith(("scripts/", ".ci/")) or name.endswith(".sh")


def check_includes(name, text):
    """A floor includes itself and the floors below it."""
    floor = name.split("/")[0]
    if not name.endswith((".c", ".h", ".def")) or floor not in FLOORS:
        return
    for target in INCLUDE.findall(text):
        to = target.split("/")[0]
        if "/" not in target or target.startswith("."):
            yield f'{name}: include "{target}" is not rooted at the top of the tree'
        elif to in FLOORS and FLOORS[to] > FLOORS[floor]:
            yield f'{name}: upward include of "{target}": {floor}/ is below {to}/'
        elif to in ("shaders", "spv") and floor == "vk":
            yield f'{name}: includes "{target}", but vk/ knows no kernel by name'
        elif to == "tests" and not (floor == "apps" and target == "tests/nn/ops/op_cases.h"):
            yield f'{name}: includes "{target}" of the tests'
        elif to not in FLOORS and to not in ("shaders", "spv", "tests"):
            yield f'{name}: include "{target}" is neither of this tree nor in angle brackets'


def check_shader_includes(name, text):
    """Shaders and their headers know the shaders folder only."""
    if name.startswith("shaders/"):
        for target in INCLUDE.findall(text):
            if target.split("/")[0] in (*FLOORS, "tests", "spv") or target.startswith("../.."):
                yield f'{name}: upward include of "{target}": shaders/ is the lowest floor'


def check_length(name, text):
    lines = text.count("\n") + (not text.endswith("\n"))
    if lines > MAX_LINES:
        yield f"{name}: {lines} lines, more than {MAX_LINES}: split it"


def check_width(name, text):
    if pathlib.PurePath(name).suffix not in SOURCES or name in WIDE:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > MAX_WIDTH:
            yield f"{name}:{number}: {len(line)} characters, more than {MAX_WIDTH}: break the line"


def check_paths(name, text):
    if name.startswith("tests/"):
        return
    for number, line in enumerate(text.splitlines(), 1):
        found = MACHINE_PATH.search(line)
        if found:
            yield f"{name}:{number}: path {found.group(0)} belongs to one machine"


def check_first_line(name, text):
    """Line 1 says what the file is; after the interpreter in a script, after the includes in a .comp."""
    lines = text.splitlines()
    candidates = lines[:1]
    if lines and lines[0].startswith("#!"):
        candidates = lines[1:2]
    elif name.endswith(".comp"):
        candidates = [line for line in lines[:20] if line.startswith("//")][:1]
    comment = TEXT_OF_SCRIPT if name.endswith(".py") or is_script(name) else TEXT_OF_COMMENT
    said = comment.match(candidates[0]) if candidates else None
    if not said or len(re.findall(r"[\w'-]+", said.group(1))) < 3:
        yield f"{name}: line 1 does not say in a sentence what the file is"


def check_environment(root, name, text):
    """Names stand in the page; ops do not look at the environment; only tests change it."""
    if name == "tests/check_tree.py":
        return
    page = (root / ENVIRONMENT).read_text(encoding="utf-8") if (root / ENVIRONMENT).exists() else ""
    for variable in sorted({next(filter(None, found)) for found in READS.findall(text)}):
        if f"`{variable}`" not in page:
            yield f"{name}: reads {variable}, which {ENVIRONMENT} does not explain"
    if name.startswith("nn/") and name not in MAY_READ and re.search(r"\bgetenv\(", text):
        yield f"{name}: reads the environment; in nn/ only {' and '.join(sorted(MAY_READ))} do"
    if name.endswith(".c") and not name.startswith("tests/") and re.search(r"\b(?:un)?setenv\(|\bputenv\(", text):
        yield f"{name}: changes the environment; only tests do"


def check_choices(name, text):
    """Ops ask nn_choose which kernels suit a device; they do not look at what kind it is."""
    if name.startswith("nn/ops/") and re.search(r"\bVKC_TYPE_\w+|\bsubgroup_size\b", text):
        yield f"{name}: looks at the kind of the device; kernels are chosen in nn/graph/choose/rules.c"


def rows_of(root, table, macro):
    path = root / table
    return re.findall(rf"^{macro}\((\w+)", path.read_text(), re.M) if path.exists() else []


def defined_in(root, folder, kind):
    """What the .c files below a folder define of the type `kind`: {name: file}."""
    found = {}
    for path in sorted((root / folder).rglob("*.c")):
        for name in re.findall(rf"^const {kind} {kind}_(\w+)\b", path.read_text(), re.M):
            found[name] = path.relative_to(root).as_posix()
    return found


def check_ops(root):
    rows = rows_of(root, "nn/ops/ops.def", "NN_OP")
    cases = "".join(path.read_text() for path in (root / "tests").rglob("op_cases*.[cd]*"))
    defined = defined_in(root, "nn/ops", "nn_op")
    tested = set(re.findall(r'\{\s*(?:\.op\s*=\s*)?"(\w+)"', cases))
    for op in rows:
        if not defined.get(op, "").endswith(f"/{op}.c"):
            yield f"nn/ops/ops.def: op {op} is defined by no file nn/ops/*/{op}.c"
        if not list((root / "shaders").rglob(f"{op}.h")):
            yield f"nn/ops/ops.def: op {op} has no header {op}.h below shaders/"
        if op not in tested:
            yield f"nn/ops/ops.def: op {op} has no row in tests/nn/ops/op_cases.c"
    for op in sorted(set(defined) - set(rows)):
        yield f"{defined[op]}: has no row in nn/ops/ops.def"
    for op in sorted(op for op in set(rows) if rows.count(op) > 1):
        yield f"nn/ops/ops.def: op {op} stands there twice"


def check_mixers(root):
    rows = rows_of(root, "nn/mixers/mixers.def", "NN_MIXER")
    defined = defined_in(root, "nn/mixers", "nn_mixer")
    for mixer in rows:
        if defined.get(mixer) != f"nn/mixers/{mixer}.c":
            yield f"nn/mixers/mixers.def: mixer {mixer} is not defined by nn/mixers/{mixer}.c"
    for mixer in sorted(set(defined) - set(rows)):
        yield f"{defined[mixer]}: has no row in nn/mixers/mixers.def"


def check(root):
    problems = []
    for path, name in files_of(root):
        if path.suffix not in SOURCES and not is_script(name):
            continue
        text = path.read_text(encoding="utf-8")
        for rule in (check_includes, check_shader_includes, check_length, check_width, check_paths,
                     check_first_line, check_choices):
            problems += rule(name, text)
        problems += check_environment(root, name, text)
    return problems + list(check_ops(root)) + list(check_mixers(root))


FULL_LINE = "// " + "—" * (MAX_WIDTH - 3) + "\n"
WIDE_LINE = "//" + FULL_LINE

# A small tree that is right, and one change a rule that must be caught with the words beside it.
GOOD = {
    "vk/device.h": "// device.h — finds the devices here.\n",
    "nn/ops/ops.def": "// ops.def — one row an op.\nNN_OP(add)\n",
    "nn/ops/elementwise/add.c": '// add.c — the sum of two.\n#include "vk/device.h"\n'
                                '#include "shaders/elementwise/add.h"\n'
                                "const nn_op nn_op_add = { 0 };\n",
    "nn/mixers/mixers.def": "// mixers.def — one row a mixer.\nNN_MIXER(linear)\n",
    "nn/mixers/linear.c": "// linear.c — attention without softmax.\nconst nn_mixer nn_mixer_linear = { 0 };\n",
    "distill/greedy.c": '// greedy.c — replaces layer by layer.\n#include "nn/graph/op.h"\n' + FULL_LINE,
    "apps/cli/bench.c": '// bench.c — times every op.\n#include "tests/nn/ops/op_cases.h"\n',
    "shaders/elementwise/add.h": '// add.h — what both sides share.\n#include "shaders/inc/shared.h"\n',
    "shaders/add.comp": '#version 460\n#include "shaders/elementwise/add.h"\n// Adds two rows, element by element.\n',
    "tests/nn/ops/op_cases.c": '// op_cases.c — one row a case.\n    { "add", .nmse = 0 },\n'
                               '// /home/ is fine in a test\n'
                        + WIDE_LINE,
    "scripts/demo": "#!/usr/bin/env bash\n# demo — the main job in one go.\n",
    "docs/environment.md": "`PARE_DEVICE` and `HOME`\n",
    "vk/select.c": '// select.c — which device is used.\nint x = getenv("PARE_DEVICE") && getenv(name);\n',
    "nn/graph/fault.c": '// fault.c — plants a fault.\nint x = getenv("HOME") != 0;\n',
    "tests/test_a.c": '// test_a.c — sets what it needs.\nint f() { return setenv("PARE_DEVICE", "0", 1); }\n',
    "tests/test_b.py": '"""Reads what it needs."""\nx = os.environ.get("HOME"), os.environ["PARE_DEVICE"]\n',
}
LONG = "// long.c — says the same thing again.\n" + "int x;\n" * MAX_LINES
BAD = [
    ({"vk/a.c": '// a.c — a file of vk.\n#include "nn/graph/op.h"\n'}, "upward include"),
    ({"nn/a.c": '// a.c — a file of nn.\n#include "distill/greedy.h"\n'}, "upward include"),
    ({"distill/a.c": '// a.c — a file of distill.\n#include "apps/cli/core/args.h"\n'}, "upward include"),
    ({"vk/a.c": '// a.c — a file of vk.\n#include "spv/shaders.h"\n'}, "knows no kernel"),
    ({"nn/a.c": '// a.c — a file of nn.\n#include "tests/device.h"\n'}, "of the tests"),
    ({"nn/a.c": '// a.c — a file of nn.\n#include "op.h"\n'}, "not rooted"),
    ({"nn/a.c": '// a.c — a file of nn.\n#include "jansson/jansson.h"\n'}, "neither of this tree"),
    ({"shaders/b.h": '// b.h — shared by both sides.\n#include "nn/graph/op.h"\n'}, "lowest floor"),
    ({"nn/long.c": LONG}, "lines, more than"),
    ({"nn/wide.h": "// wide.h — says it in one breath.\n" + WIDE_LINE}, "nn/wide.h:2: 122 characters, more than"),
    ({"tests/wide.py": '"""Says it in one breath."""\n' + WIDE_LINE.replace("/", "#")}, "characters, more than"),
    ({"scripts/long": "#!/bin/sh\n# long — a script too long.\n" + ":\n" * MAX_LINES}, "lines, more than"),
    ({"nn/ops/ops.def": "// ops.def — one row an op.\n"}, "nn/ops/elementwise/add.c: has no row"),
    ({"nn/ops/elementwise/add.c": None}, "is defined by no file nn/ops/*/add.c"),
    ({"shaders/elementwise/add.h": None}, "has no header add.h"),
    ({"tests/nn/ops/op_cases.c": "// op_cases.c — one row a case.\n"}, "has no row in tests/nn/ops/op_cases.c"),
    ({"nn/ops/ops.def": "// ops.def — one row an op.\nNN_OP(add)\nNN_OP(add)\n"}, "twice"),
    ({"nn/mixers/linear.c": None}, "is not defined by nn/mixers/linear.c"),
    ({"nn/mixers/ssd.c": "// ssd.c — a mixer without row.\nconst nn_mixer nn_mixer_ssd = { 0 };\n"},
     "nn/mixers/ssd.c: has no row"),
    ({"nn/a.c": '// a.c — a file of nn.\nconst char *p = "/home/x";\n'}, "belongs to one machine"),
    ({"scripts/demo": "#!/bin/sh\n# demo — the main job.\nls /tmp/x\n"}, "belongs to one machine"),
    ({"nn/a.c": '#include "vk/device.h"\n'}, "does not say"),
    ({"nn/a.h": "// a.h\n"}, "does not say"),
    ({"shaders/add.comp": "#version 460\nvoid main() {}\n"}, "does not say"),
    ({"scripts/demo": "#!/usr/bin/env bash\nset -e\n"}, "does not say"),
    ({"nn/ops/elementwise/b.c": "// b.c — a file of nn.\nint x = dev->type == VKC_TYPE_CPU;\n"}, "kind of the device"),
    ({"nn/ops/elementwise/b.c": '// b.c — a file of nn.\nint x = dev->subgroup_size == 8;\n'}, "kind of the device"),
    ({"vk/a.c": '// a.c — a file of vk.\nint x = getenv("PARE_NEW") != 0;\n'}, "reads PARE_NEW, which docs"),
    ({"apps/a.c": '// a.c — a file of apps.\nint x = getenv("COLUMNS") != 0;\n'}, "reads COLUMNS, which docs"),
    ({"nn/a.c": '// a.c — a file of nn.\nconst char *name = "PARE_NEW";\n'}, "reads PARE_NEW, which docs"),
    ({"tests/a.py": '"""A file of the tests."""\nx = os.environ["SHELL"]\n'}, "reads SHELL, which docs"),
    ({"docs/environment.md": "`PARE_DEVICE`\n"}, "nn/graph/fault.c: reads HOME, which docs"),
    ({"docs/environment.md": None}, "vk/select.c: reads PARE_DEVICE, which docs"),
    ({"nn/ops/elementwise/b.c": '// b.c — a file of nn.\nint x = getenv(name) != 0;\n'}, "in nn/ only"),
    ({"apps/a.c": '// a.c — a file of apps.\nint f() { return setenv("HOME", "x", 1); }\n'}, "only tests do"),
    ({"nn/a.c": '// a.c — a file of nn.\nint f() { return unsetenv("HOME"); }\n'}, "only tests do"),
]


def problems_of(files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            if text is not None:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
        return check(root)


def self_test():
    failed = 0
    wrong = problems_of(GOOD)
    if wrong:
        failed += 1
        print("self-test: the good tree is refused:", *wrong, sep="\n  ")
    for change, words in BAD:
        found = problems_of({**GOOD, **change})
        if not any(words in problem for problem in found):
            failed += 1
            print(f"self-test: {list(change)} should give '{words}', gave {found}")
    print(f"self-test: {len(BAD) + 1} trees, {failed} failures")
    return failed


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--self-test":
        sys.exit(1 if self_test() else 0)
    problems = check(pathlib.Path(sys.argv[1]))
    for problem in problems:
        print(problem)
    print(f"check_tree: {len(problems)} problems")
    sys.exit(1 if problems else 0)


main()
