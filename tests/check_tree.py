#!/usr/bin/env python3
"""Checks the rules of the tree: check_tree.py ROOT, check_tree.py --self-test, or check_tree.py --count-kinds ROOT.

Includes go down the floors only, and down the rooms of a floor; folders have at most 30 files, files stay below 600
lines of 120 characters (Markdown 140); every table row has its files and every file its row; who is no mixer compares
no mixer's name, and no header names a kind of model outside its folder; the environment is read where it may be, under
names that docs/environment.md explains, and no op chooses its kernels by itself; no path of one machine is built in,
and the first line of a file says what it is. --count-kinds says how many files outside its folder name each kind of
model.
"""
import pathlib
import re
import sys
import tempfile

MAX_LINES = 600
MAX_WIDTH = 120     # characters, not bytes
WIDE = {"tests/nn/ops/op_cases.c", "tests/nn/ops/op_cases_streams.def"}       # tables: a row a line reads better
MAX_MARKDOWN = 140
MAX_FILES = 30      # of a folder that is edited by hand
SKIP_DIRS = {".git", "__pycache__", ".cache"}
SKIP_TOPS = {"build", "runs", "data", "models"}
BY_HAND = {"vk", "nn", "distill", "pipeline", "apps", "shaders", "tests", "include", "examples", "scripts", "docs",
           "cmake", "interop", "findings"}
SOURCES = {".c", ".h", ".comp", ".glsl", ".py", ".def"}
FLOORS = {"vk": 1, "nn": 2, "distill": 3, "pipeline": 4, "apps": 5}
ROOMS = {           # the folders of a floor, lowest first
    "nn": ["base", "text", "graph", "ops", "image", "checkpoint", "mixers", "data", "models", "train", "infer"],
    "distill": ["statistics", "sparsity", "prune", "retain", "transfer", "search", "study"],
    "pipeline": ["base", "timing", "run", "train", "retain", "distill", "study", "api"],
}
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
        if path.is_file() and not SKIP_DIRS.intersection(parts) and parts[0] not in SKIP_TOPS:
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


def check_rooms(name, text):
    """A room includes itself and the rooms below it; tables of rows (.def) may be read from anywhere."""
    floor, *folders = name.split("/")[:-1] or [""]
    if floor not in ROOMS or not name.endswith((".c", ".h")):
        return
    rooms = ROOMS[floor]
    if not folders or folders[0] not in rooms:
        yield f"{name}: is in none of the rooms of {floor}/: {', '.join(rooms)}"
        return
    for target in INCLUDE.findall(text):
        to = target.split("/")
        if to[0] != floor or target.endswith(".def") or len(to) < 3 or to[1] not in rooms:
            continue
        if rooms.index(to[1]) > rooms.index(folders[0]):
            yield f'{name}: upward include of "{target}": {floor}/{folders[0]}/ is below {floor}/{to[1]}/'


PUBLIC = re.compile(r'^\s*#\s*include\s+[<"](?:include/)?pare/', re.M)


def check_public(name, text):
    """Public headers include each other alone; of the floors, what is behind them and the command line include them."""
    floor = name.split("/")[0]
    if floor == "include":
        for target in INCLUDE.findall(text):
            if not target.startswith("pare/"):
                yield f'{name}: includes "{target}", which is not installed'
    elif floor in FLOORS and not name.startswith(("pipeline/api/", "apps/")) and PUBLIC.search(text):
        yield f"{name}: includes a public header; only pipeline/api/ and apps/ do"


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


def check_markdown(root):
    for path in sorted(root.rglob("*.md")):
        parts = path.relative_to(root).parts
        if SKIP_DIRS.intersection(parts) or parts[0] in SKIP_TOPS - {"models"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if len(line) > MAX_MARKDOWN:
                yield f"{'/'.join(parts)}:{number}: {len(line)} characters, more than {MAX_MARKDOWN}: break the line"


def check_folders(root):
    sizes = {}
    for _, name in files_of(root):
        folder = name.rpartition("/")[0]
        if name.split("/")[0] in BY_HAND and not folder.startswith("tests/corpus"):
            sizes[folder] = sizes.get(folder, 0) + 1
    for folder, size in sizes.items():
        if size > MAX_FILES:
            yield f"{folder}/: {size} files, more than {MAX_FILES}: make folders of what belongs together"


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


def rows_of(root, table, macro, argument=1):
    """One argument of each row MACRO(...) of a table."""
    path = root / table
    before = r"\w+,\s*" * (argument - 1)
    return re.findall(rf"^{macro}\({before}(\w+)", path.read_text(), re.M) if path.exists() else []


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


COMPARED = re.compile(r'\bstrn?(?:case)?cmp\s*\(([^;"]*)"(\w+)"')
OP = re.compile(r"\bop\b")          # ops have names too, and some are those of mixers


def check_mixer_names(name, text, mixers):
    """What there is to ask of a mixer its row says (nn/mixers/mixer.h); whoever compares its name goes past that."""
    floor = name.split("/")[0]
    if floor not in FLOORS or not name.endswith((".c", ".h")) or name.startswith("nn/mixers/"):
        return
    for found in COMPARED.finditer(text):
        if found.group(2) in mixers and not OP.search(found.group(1)):
            line = text.count("\n", 0, found.start()) + 1
            yield f'{name}:{line}: compares with the name of mixer "{found.group(2)}": ask its row (nn/mixers/mixer.h)'


def names_of_kind(kind, text):
    return re.findall(rf"\bnn_{{1,2}}{kind}(?:_\w+)?\b", text)


def check_kinds(name, text, kinds):
    """What only one kind of model has stays in the headers of its folder."""
    if not name.endswith(".h") or name.startswith("tests/"):
        return
    for kind in kinds:
        found = names_of_kind(kind, text)
        if found and not name.startswith(f"nn/models/{kind}/"):
            yield f"{name}: names {found[0]}, which belongs to nn/models/{kind}/"


def count_kinds(root):
    """How many headers and other sources outside its folder, and outside the tests, name what is a kind's."""
    for kind in rows_of(root, "nn/models/models.def", "NN_MODEL", 2):
        headers, sources = [], []
        for path, name in files_of(root):
            if name.endswith((".c", ".h")) and not name.startswith((f"nn/models/{kind}/", "tests/")):
                if names_of_kind(kind, path.read_text(encoding="utf-8")):
                    (headers if name.endswith(".h") else sources).append(name)
        print(f"nn_{kind}: {len(headers)} headers and {len(sources)} sources outside nn/models/{kind}/")
        for name in headers + sources:
            print(f"  {name}")


def check(root):
    problems = []
    mixers = set(rows_of(root, "nn/mixers/mixers.def", "NN_MIXER"))
    kinds = rows_of(root, "nn/models/models.def", "NN_MODEL", 2)
    for path, name in files_of(root):
        if path.suffix not in SOURCES and not is_script(name):
            continue
        text = path.read_text(encoding="utf-8")
        for rule in (check_includes, check_rooms, check_public, check_shader_includes, check_length, check_width,
                     check_paths, check_first_line, check_choices):
            problems += rule(name, text)
        problems += check_environment(root, name, text)
        problems += check_mixer_names(name, text, mixers)
        problems += check_kinds(name, text, kinds)
    for rule in (check_markdown, check_folders, check_ops, check_mixers):
        problems += rule(root)
    return problems


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
    "nn/models/models.def": "// models.def — one row a kind of model.\nNN_MODEL(VIT, vit)\n",
    "nn/models/vit/vit.h": "// vit.h — what only this kind has.\ntypedef struct nn_vit nn_vit;\n",
    "nn/graph/op.h": '// op.h — what an op is.\n#include "nn/ops/ops.def"\n',
    "distill/search/greedy.c": '// greedy.c — replaces layer by layer.\n#include "nn/graph/op.h"\n'
                               '#include "distill/transfer/transfer.h"\n'
                               'bool is_op = strcmp(c->op, "linear") == 0;\n' + FULL_LINE,
    **{f"findings/{i}.txt": "Just as many as may be.\n" for i in range(MAX_FILES)},
    "docs/list.md": "# A list\n\n" + "é" * MAX_MARKDOWN + "\n",
    "include/pare/pare.h": '// pare.h — all of the library.\n#include "pare/base.h"\n',
    "pipeline/api/base.c": "// base.c — behind the public header.\n#include <pare/pare.h>\n",
    "pipeline/run/run.c": '// run.c — a run whole.\n#include "distill/search/greedy.h"\n',
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
    ({"include/pare/b.h": '// b.h — a public header.\n#include "nn/graph/op.h"\n'}, "not installed"),
    ({"pipeline/run/a.c": "// a.c — a run of it.\n#include <pare/pare.h>\n"}, "only pipeline/api/ and apps/"),
    ({"nn/graph/a.c": '// a.c — a file of nn.\n#include "distill/greedy.h"\n'}, "upward include"),
    ({"distill/search/a.c": '// a.c — a file of distill.\n#include "apps/cli/core/args.h"\n'}, "upward include"),
    ({"distill/search/a.c": '// a.c — a file of distill.\n#include "pipeline/run/run.h"\n'}, "upward include"),
    ({"pipeline/run/a.c": '// a.c — a file of pipeline.\n#include "apps/cli/core/args.h"\n'}, "upward include"),
    ({"pipeline/run/a.c": '// a.c — a file of pipeline.\n#include "pipeline/study/study.h"\n'}, "upward include"),
    ({"pipeline/a.c": "// a.c — a file of pipeline.\n"}, "is in none of the rooms"),
    ({"vk/a.c": '// a.c — a file of vk.\n#include "spv/shaders.h"\n'}, "knows no kernel"),
    ({"nn/graph/a.c": '// a.c — a file of nn.\n#include "tests/device.h"\n'}, "of the tests"),
    ({"nn/graph/a.c": '// a.c — a file of nn.\n#include "op.h"\n'}, "not rooted"),
    ({"nn/graph/a.c": '// a.c — a file of nn.\n#include "jansson/jansson.h"\n'}, "neither of this tree"),
    ({"shaders/b.h": '// b.h — shared by both sides.\n#include "nn/graph/op.h"\n'}, "lowest floor"),
    ({"nn/graph/long.c": LONG}, "lines, more than"),
    ({"nn/graph/wide.h": "// wide.h — says it in one breath.\n" + WIDE_LINE},
     "nn/graph/wide.h:2: 122 characters, more than"),
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
    ({"nn/graph/a.c": '// a.c — a file of nn.\nconst char *p = "/home/x";\n'}, "belongs to one machine"),
    ({"scripts/demo": "#!/bin/sh\n# demo — the main job.\nls /tmp/x\n"}, "belongs to one machine"),
    ({"nn/graph/a.c": '#include "vk/device.h"\n'}, "does not say"),
    ({"nn/graph/a.h": "// a.h\n"}, "does not say"),
    ({"shaders/add.comp": "#version 460\nvoid main() {}\n"}, "does not say"),
    ({"scripts/demo": "#!/usr/bin/env bash\nset -e\n"}, "does not say"),
    ({"nn/ops/elementwise/b.c": "// b.c — a file of nn.\nint x = dev->type == VKC_TYPE_CPU;\n"}, "kind of the device"),
    ({"nn/ops/elementwise/b.c": '// b.c — a file of nn.\nint x = dev->subgroup_size == 8;\n'}, "kind of the device"),
    ({"vk/a.c": '// a.c — a file of vk.\nint x = getenv("PARE_NEW") != 0;\n'}, "reads PARE_NEW, which docs"),
    ({"apps/a.c": '// a.c — a file of apps.\nint x = getenv("COLUMNS") != 0;\n'}, "reads COLUMNS, which docs"),
    ({"nn/graph/a.c": '// a.c — a file of nn.\nconst char *name = "PARE_NEW";\n'}, "reads PARE_NEW, which docs"),
    ({"tests/a.py": '"""A file of the tests."""\nx = os.environ["SHELL"]\n'}, "reads SHELL, which docs"),
    ({"docs/environment.md": "`PARE_DEVICE`\n"}, "nn/graph/fault.c: reads HOME, which docs"),
    ({"docs/environment.md": None}, "vk/select.c: reads PARE_DEVICE, which docs"),
    ({"nn/ops/elementwise/b.c": '// b.c — a file of nn.\nint x = getenv(name) != 0;\n'}, "in nn/ only"),
    ({"apps/a.c": '// a.c — a file of apps.\nint f() { return setenv("HOME", "x", 1); }\n'}, "only tests do"),
    ({"nn/graph/a.c": '// a.c — a file of nn.\nint f() { return unsetenv("HOME"); }\n'}, "only tests do"),
    ({"nn/base/a.c": '// a.c — a file of base.\n#include "nn/graph/op.h"\n'}, "nn/base/ is below nn/graph/"),
    ({"nn/train/a.h": '// a.h — a file of train.\n#include "nn/infer/eval.h"\n'}, "nn/train/ is below nn/infer/"),
    ({"distill/retain/a.c": '// a.c — a file of retain.\n#include "distill/transfer/tune.h"\n'},
     "distill/retain/ is below distill/transfer/"),
    ({"nn/flat.c": "// flat.c — a file in no room.\n"}, "in none of the rooms"),
    ({"nn/models/a.c": '#include "vk/device.h"\n'}, "nn/models/a.c: line 1 does not say"),
    ({"findings/30.txt": "One too many.\n"}, "findings/: 31 files, more than 30"),
    ({"docs/wide.md": "# Wide\n\n" + "é" * (MAX_MARKDOWN + 1) + "\n"}, "docs/wide.md:3: 141 characters"),
    ({"models/a/README.md": "| " + "a" * MAX_MARKDOWN + " |\n"}, "models/a/README.md:1: 144 characters"),
    ({"nn/train/a.c": '// a.c — a file of train.\nbool b = strcmp(l->mixer,\n    "linear") == 0;\n'},
     'nn/train/a.c:2: compares with the name of mixer "linear"'),
    ({"apps/cli/a.c": '// a.c — a file of apps.\nbool b = !strncmp(name, "linear", 6);\n'}, "compares with the name"),
    ({"nn/models/model.h": "// model.h — any kind of model.\nconst nn_vit *nn_vit_of(const nn_model *m);\n"},
     "nn/models/model.h: names nn_vit, which belongs"),
    ({"distill/search/a.h": "// a.h — a file of search.\nvoid f(nn__vit_parts *p);\n"}, "names nn__vit_parts"),
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
    if len(sys.argv) == 3 and sys.argv[1] == "--count-kinds":
        count_kinds(pathlib.Path(sys.argv[2]))
        return
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
