"""The house stands as drawn: rooms look only downward, nothing heavy loads early, nothing unsafe is called."""

import ast
import resource
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "nuforge"
FILES = sorted(SOURCE.rglob("*.py"))

ROOMS = (
    "errors",
    "compiled",
    "units",
    "shapes",
    "events",
    "physics",
    "detectors",
    "formats",
    "simulation",
    "samples",
    "metrics",
    "nn",
    "models",
    "tasks",
    "baselines",
    "reconstruction",
    "training",
    "evaluation",
    "display",
    "experiments",
    "serving",
    "cli",
)
"""From the ground floor up: a room may import itself and the rooms before it."""

DOORS = {"nuforge/__init__.py", "nuforge/__main__.py"}
"""The package's own entrances, which may import anything, late."""

HEAVY = ("torch", "numpy", "scipy", "lightning", "sklearn", "matplotlib", "plotly", "pyarrow", "h5py", "jaxtyping")


def room_of(module: str) -> str:
    return module.split(".")[1]


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(tree: ast.AST, package: str) -> set[str]:
    """Every nuforge module that is imported anywhere in a file, functions and type-checking blocks included."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package.split(".")[: len(package.split(".")) - node.level + 1], base]).rstrip(".")
            found |= {f"{base}.{alias.name}" for alias in node.names} if base == "nuforge" else {base}
    return {name for name in found if name.startswith("nuforge.") and room_of(name) in {*ROOMS, *known_names()}}


def known_names() -> set[str]:
    return {path.stem if path.is_file() else path.name for path in SOURCE.iterdir()}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_room_imports_only_rooms_below_it(path):
    if str(path.relative_to(SOURCE.parent)) in DOORS:
        return
    module = module_of(path)
    assert room_of(module) in ROOMS, f"{module} is in no room; the rooms are {ROOMS}"
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    imported = imported_modules(ast.parse(path.read_text()), package)
    above = {name for name in imported if ROOMS.index(room_of(name)) > ROOMS.index(room_of(module))}
    assert not above, f"{module} imports {sorted(above)} from above"


def test_the_walk_sees_late_relative_and_whole_package_imports():
    code = "def f():\n    from ..cli import main\n    import nuforge.training.fit\n    from nuforge import serving\n"
    found = imported_modules(ast.parse(code), "nuforge.events")
    assert found >= {"nuforge.cli", "nuforge.training.fit"}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_file_has_at_most_four_hundred_lines_and_says_what_it_is_about(path):
    assert len(path.read_text().splitlines()) <= 400
    assert path.stem not in {"utils", "util", "helpers", "misc", "common"}


def calls_and_imports(tree: ast.AST) -> set[str]:
    """Names of what a file calls, and the modules it imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            names.add(ast.unparse(node.func))
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return names


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_nothing_unpickles_or_evaluates_code(path):
    names = calls_and_imports(ast.parse(path.read_text()))
    if module_of(path).endswith("formats.dune_cvn"):  # its unpickler knows no global: see its tests
        names -= {"pickle", "pickle.Unpickler", "pickle.UnpicklingError"}
    unsafe = {
        "eval",
        "exec",
        "compile",
        "torch.load",
        "torch.save",
        "pickle",
        "dill",
        "cloudpickle",
        "joblib",
        "marshal",
    }
    allowed = {"pickle"} if only_plain_data_is_unpickled(path) else set()
    found = {name for name in names if name in unsafe or name.startswith(("pickle.", "joblib.", "torch.load"))}
    assert not found - allowed


def only_plain_data_is_unpickled(path):
    """Whether pickle is used for nothing but a base class whose every way to a name of code only raises."""
    tree = ast.parse(path.read_text())
    uses = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "pickle"]
    classes = [
        n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and "pickle.Unpickler" in map(ast.unparse, n.bases)
    ]
    for each in classes:
        methods = {n.name: n.body for n in each.body if isinstance(n, ast.FunctionDef)}
        if set(methods) != {"find_class", "persistent_load"}:
            return False
        if not all(len(body) == 1 and isinstance(body[0], ast.Raise) for body in methods.values()):
            return False
    return len(classes) == 1 and len(uses) == 1


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_nothing_touches_the_global_random_state(path):
    names = calls_and_imports(ast.parse(path.read_text()))
    allowed = tuple(f"{np}.random.{own}" for np in ("np", "numpy") for own in ("default_rng", "Generator"))
    touched = {
        n for n in names if n.startswith(("np.random.", "numpy.random", "random.")) and not n.startswith(allowed)
    }
    assert not touched | (names & {"torch.seed", "numpy.random.seed"})


def loaded_by(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter has loaded after running some code."""
    report = f"\nimport sys; print('loaded', *sorted(set(sys.modules) & {set(HEAVY)}), file=sys.__stdout__)"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    "code",
    [
        "import nuforge",
        "import nuforge.experiments.catalogue as c; c.experiments()",
        "from nuforge.cli import main; main(['--help'])",
        "from nuforge.cli import main; main(['list'])",
        "from nuforge.cli import main; main(['list', '--json'])",
        "from nuforge.cli import main; main(['list', '--samples'])",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(code):
    assert loaded_by(code) == set()


@pytest.mark.parametrize("command", ["--help", "list"])
def test_help_and_the_catalogue_answer_within_half_a_second_of_work(command):
    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "nuforge", command], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 0.5
