"""The house: which module may import which, and how large a part may be."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "gradcheck_cli"
MODULES = sorted(PACKAGE.rglob("*.py"))

# from the ground up; a module may import from lower layers and from its own folder; `peers` may not import each other
LAYERS = (
    {"errors", "source", "files", "late"},
    {"expr", "functions", "greek", "grids", "shapes", "yamltree"},
    {"parsing", "write", "graph", "inference"},
    {"expand", "lowering", "problem"},
    {"symbolic", "tape", "probe"},
    {"crosscheck", "judge"},
    {"solving", "train"},
    {"verifying"},
    {"render"},
    {"cli", "__main__", "__init__"},
)
PEERS = ({"parsing", "write", "graph"}, {"symbolic", "tape", "probe"})
LEVEL = {name: level for level, layer in enumerate(LAYERS) for name in layer}
ONLY = {"click": {"cli"}, "rich": {"render"}, "yaml": {"yamltree"}, "sympy": {"symbolic"}, "mpmath": {"probe"},
        "flint": {"symbolic", "judge"}, "numpy": {"tape", "train"}, "matplotlib": {"render"},
        "safetensors": {"train"}}  # fmt: skip
FORBIDDEN = {"eval", "exec", "sympify", "parse_expr", "pickle", "lambdify", "compile_command"}


def part(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    """(module, indented) for each import, also those for types and inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) not in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names] if node.module == "gradcheck_cli" else [""]
            yield from ((f"{node.module}.{name}".rstrip("."), id(node) not in top) for name in names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    here = part(path)
    assert here in LEVEL, f"put {here} into a layer of this table"
    for module, _ in imports(path):
        if not module.startswith("gradcheck_cli"):
            continue
        there = [*module.split("."), "__init__"][1]
        if here in {there, "__init__"}:
            continue
        assert LEVEL[there] <= LEVEL[here], f"{here} may not import {there}, which lies above it"
        for peers in PEERS:
            assert not {here, there} <= peers, f"{here} and {there} may not know each other"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_library_has_its_place(path):
    for module, _ in imports(path):
        library = module.split(".")[0]
        assert part(path) in ONLY.get(library, {part(path)}), f"{library} is for {ONLY.get(library)} only"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_commands_import_late(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) and part(path) != "cli":
            late = [node for node in ast.walk(function) if isinstance(node, (ast.Import, ast.ImportFrom))]
            assert not late, f"{function.name} imports inside"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_is_imported_late_is_named_for_types(path):
    """The import for types is what the tables above see."""
    seen = {module for module, _ in imports(path)}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    seen |= {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "late":
            assert isinstance(node.args[0], ast.Constant)
            assert node.args[0].value in seen, f"import {node.args[0].value} under TYPE_CHECKING"


def test_no_two_modules_import_each_other():
    edges = {}
    for path in MODULES:
        name = "gradcheck_cli." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        edges[name.removesuffix(".__init__")] = {
            module for module, _ in imports(path) if module.startswith("gradcheck")
        }
    done, open_now = set(), []

    def visit(name):
        assert name not in open_now, " -> ".join([*open_now, name])
        if name in done or name not in edges or name.count(".") == 0:
            return
        open_now.append(name)
        for below in edges[name]:
            if below != name:
                visit(below)
        open_now.pop()
        done.add(name)

    for name in edges:
        visit(name)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            lines = node.end_lineno - node.body[0].lineno + 1
            if isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            assert lines <= 40, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_runs_text(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        assert name not in FORBIDDEN
        if isinstance(node, ast.keyword):
            assert node.arg != "shell"


def test_the_map_of_the_code_names_every_part_and_nothing_else():
    page = (PACKAGE.parent / "docs" / "code.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+(?:/|\.py))`", page))
    parts = {
        path.name if path.is_file() else f"{path.name}/"
        for path in PACKAGE.iterdir()
        if (path / "__init__.py").exists() or path.suffix == ".py"
    }
    assert parts - {"__init__.py", "__main__.py"} <= named
    inside = {str(path.relative_to(PACKAGE)) for path in MODULES} | {path.name for path in MODULES}
    elsewhere = {
        "tests/",
        "problems/",
        "tests/test_layers.py",
        "tests/test_functions.py",
        "tests/test_against_torch.py",
    }
    folders = {f"{path.parent.relative_to(PACKAGE)}/" for path in MODULES}
    assert named <= inside | folders | elsewhere
