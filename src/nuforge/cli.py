"""The command line: one command per verb, no logic. Nothing heavy is imported before a verb needs it."""

import contextlib
import functools
import inspect
import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.conf import Positional, arg

from nuforge.errors import InputError
from nuforge.samples.lartpc import Engine
from nuforge.samples.nova import Site
from nuforge.samples.nova_neutrinos import Beam, GeneratorName, Only
from nuforge.samples.sample import Side
from nuforge.training.options import Precision

Json = Annotated[bool, arg(name="json")]
Files = Positional[Annotated[tuple[Path, ...], arg(metavar="FILE")]]

USAGE = """usage: nuforge VERB ...      nuforge VERB --help says more

{verbs}

In Python: nuforge.read(file), nuforge.load(checkpoint).predict(events)"""


def list_(*, samples: bool = False, as_json: Json = False) -> None:
    """The catalogue: every experiment with its detector, reference and published figures.

    Args:
        samples: The named samples instead, which `nuforge simulate` makes.
        as_json: JSON for programs.
    """
    from nuforge.experiments import catalogue

    rows = catalogue.sample_rows() if samples else catalogue.rows()
    print(json.dumps(rows, indent=1) if as_json else catalogue.as_text(rows))


@dataclass(frozen=True)
class RunFlags:
    """What any experiment can be told.

    Args:
        quick: A run of minutes: other defaults for the experiment's own flags, which still win when given.
        out: Output folder; runs/NAME if not given.
        data: Files or stores with events, in place of the built-in simulation.
        select: Which events of the files, such as "energy > 100 & interaction == 'CC'".
        init: A checkpoint whose weights training begins with.
        seed: Seed of the weights, of the order of the events and of the bootstrap.
        devices: Number of devices to train on.
        workers: Processes that simulate; the result does not depend on it.
        precision: What layers compute in while they learn, in place of the experiment's own.
        resume: Insist that there is an interrupted run to go on with.
    """

    quick: bool = False
    out: Path | None = None
    data: tuple[Path, ...] = ()
    select: str = ""
    init: Path | None = None
    seed: int = 0
    devices: int = 1
    workers: int = 1
    precision: Precision | None = None
    resume: bool = False


def run(flags: RunFlags, arguments: Mapping[str, Any], name: str) -> None:
    """Simulate (cached) or read the files, train, evaluate beside the baselines, report.

    The same command on an interrupted run's folder goes on where it stopped. Each experiment has flags of its own:
    nuforge run NAME --help. Your own experiment is run as file.py:function.
    """
    from nuforge.experiments.run import run as run_experiment

    given = {key: value for key, value in asdict(flags).items() if key not in {"quick", "out"}}
    out = flags.out or Path("runs") / Path(name).name.replace(":", "-")
    print(run_experiment(name, arguments, out, **given))


def simulate(
    sample: Positional[str],
    *,
    events: int,
    out: Path,
    seed: int = 0,
    workers: int = 1,
    shard_size: int = 100,
    engine: Engine | None = None,
    fewest_vertices: int | None = None,
    most_vertices: int | None = None,
    site: Site | None = None,
    fewest: int | None = None,
    most: int | None = None,
    cosmic_share: float | None = None,
    shift: str | None = None,
    beam: Beam | None = None,
    generator: GeneratorName | None = None,
    side: Side | None = None,
    only: Only | None = None,
) -> None:
    """Events of a named sample as a store; a sample has its own default of whatever is left out.

    Args:
        sample: Its name; nuforge list --samples shows them.
        events: Number of events.
        out: Output folder.
        seed: Seed.
        workers: Processes; the result does not depend on it.
        shard_size: Events that are simulated together; another size gives other events.
        engine: What flies the particles: the transport of the package, or Geant4 (pip install 'nuforge[geant4]'),
            geant4-fine with shorter steps of electrons than its own choice.
        fewest_vertices: Fewest interaction vertices of an event.
        most_vertices: Most of them; more than one make spills.
        site: Far detector, among cosmic muons, or near one.
        fewest: Fewest particles of an event.
        most: Most of them.
        cosmic_share: Share of events that are cosmic muons.
        shift: What the detector's calibration does not know.
        beam: Horn current of the beam: forward, reverse, or both.
        generator: Setting of the generator of neutrino interactions.
        side: test for the events of the test alone, else all.
        only: The flavour whose charged currents are all that there is.
    """
    from nuforge.experiments.simulate import simulate as simulate_sample

    vertices = {"fewest_vertices": fewest_vertices, "most_vertices": most_vertices}
    slices = {"site": site, "fewest": fewest, "most": most, "cosmic_share": cosmic_share, "shift": shift}
    neutrinos = {"beam": beam, "generator": generator, "side": side, "only": only}
    flags = {"engine": engine, **vertices, **slices, **neutrinos}
    chosen = {name: value for name, value in flags.items() if value is not None}
    print(simulate_sample(sample, events, out, seed=seed, workers=workers, shard_size=shard_size, chosen=chosen))


def predict(
    checkpoint: Positional[Path],
    files: Files,
    *,
    out: Path = Path("predictions"),
    select: str = "",
    experiment: str = "",
    seed: int = 0,
) -> None:
    """A network's predictions on files of any format that is read; labels are not needed.

    Args:
        checkpoint: Folder of a checkpoint, or of a run, or the name of a network that comes with the package.
        files: Files or stores with events.
        out: Output folder, a store.
        select: Which events, such as "energy > 100 & interaction == 'CC'".
        experiment: file.py:function, for a checkpoint of an experiment of one's own.
        seed: Seed of the detector response, which is applied to energy deposits.
    """
    from nuforge.experiments.predictor import predict_files

    print(predict_files(checkpoint, files, out, select=select, experiment=experiment, seed=seed))


def evaluate(
    checkpoint: Positional[Path], files: Files, *, out: Path, select: str = "", experiment: str = "", seed: int = 0
) -> None:
    """The report of a network and its baselines on files with labels or energy deposits.

    Args:
        checkpoint: Folder of a checkpoint, or of a run, or the name of a network that comes with the package.
        files: Files or stores with events.
        out: Output folder.
        select: Which events, such as "energy > 100 & interaction == 'CC'".
        experiment: file.py:function, for a checkpoint of an experiment of one's own.
        seed: Seed of the detector response, which is applied to energy deposits, and of the bootstrap.
    """
    from nuforge.experiments.evaluate import evaluate_files

    print(evaluate_files(checkpoint, files, out, select=select, experiment=experiment, seed=seed))


def convert(file: Positional[Path], out: Positional[Path], *, to: str = "store", select: str = "") -> None:
    """The events of a file in another format.

    Args:
        file: A file or folder of any format that is read.
        out: What is made, whole or not at all.
        to: The format: store, or another that is written.
        select: Which events, such as "energy > 100 & interaction == 'CC'".
    """
    from nuforge.experiments.convert import convert as convert_file

    print(convert_file(file, out, to, select))


def info(file: Positional[Path], *, as_json: Json = False) -> None:
    """What a file, store, checkpoint or run holds.

    Args:
        file: The file or folder.
        as_json: JSON for programs.
    """
    from nuforge.experiments import describe

    facts = describe.describe(file)
    print(json.dumps(facts, indent=1) if as_json else describe.as_text(facts))


def show(
    file: Positional[Path],
    *,
    event: int = 0,
    events: int = 8,
    picture: str = "",
    geometry: Path | None = None,
    out: Path = Path("event.html"),
) -> None:
    """Events in the pictures that fit them, as a page that opens in any browser, or one of them as a picture.

    Args:
        file: A file or store with events, or a run.
        event: The first, counted from 0.
        events: How many a page has at most.
        picture: The kind of picture that comes first, such as "waveforms"; the page names all that fit.
        geometry: A file that says where the sensors are: WatChMaL's .npz, GraphNeT's Parquet, Kaggle's CSV.
        out: The page; a name that ends in .png asks for a picture.
    """
    from nuforge.experiments.show import show as show_event

    print(show_event(file, event, out, events, picture, geometry))


VERBS: Mapping[str, Callable[..., None]] = {
    "list": list_,
    "run": run,
    "simulate": simulate,
    "predict": predict,
    "evaluate": evaluate,
    "convert": convert,
    "info": info,
    "show": show,
}


READING = ("info", "convert", "show", "predict", "evaluate")
"""Verbs that read files of others."""


def main(words: Sequence[str] | None = None) -> int:
    """The exit code of one command: 0, 2 for an error of the user's, 130 when interrupted.

    Without words those of the process are taken; then a child process does what reads files (see `outlived`).
    """
    if words is None and sys.argv[1:2] and sys.argv[1] in READING and hasattr(os, "fork"):
        from nuforge.experiments.outlived import outlived

        return outlived(lambda: _answer(sys.argv[1:]), sys.argv[1:])
    return _answer(list(sys.argv[1:] if words is None else words))


def _answer(words: Sequence[str]) -> int:
    """The exit code of one command, in this process."""
    if "OMP_WAIT_POLICY" not in os.environ:
        # Read when torch loads: its threads look out for work some 50 us before they sleep. Asleep at once, to wake
        # them costs more than small operations; if they looked out for longer, other processes would slow them much.
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    try:
        _dispatch(words)
    except SystemExit as stop:  # help was printed, or a library was interrupted and left
        return stop.code if isinstance(stop.code, int) else 0
    except KeyboardInterrupt:
        again = "; the same command again goes on from there" if words[:1] in (["run"], ["simulate"]) else ""
        print(f"\nnuforge: interrupted{again}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of the output left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, OSError) as error:
        if os.environ.get("NUFORGE_DEBUG"):
            raise
        print(f"nuforge: {_one_line(error)}", file=sys.stderr)
        return 2
    return 0


def _dispatch(words: Sequence[str]) -> None:
    verb = words[0] if words else "--help"
    if verb in {"-h", "--help"}:
        print(USAGE.format(verbs="\n".join(f"  {name:10}{_first_line(f)}" for name, f in VERBS.items())))
    elif verb in {"-V", "--version"}:
        from nuforge import __version__

        print(f"nuforge {__version__}")
    elif verb == "run":
        _run(words[1:])
    elif verb in VERBS:
        VERBS[verb](**_parse(_captured(VERBS[verb]), f"nuforge {verb}", words[1:]))
    else:
        from nuforge.experiments.catalogue import unknown_name

        raise InputError(unknown_name("verb", verb, VERBS) + "; see nuforge --help")


def _run(words: Sequence[str]) -> None:
    """The verb `run`: its own flags and those of the experiment that is named first."""
    from nuforge.experiments.catalogue import experiments, find

    if not words or words[0].startswith("-"):
        if not {"-h", "--help"} & set(words):
            raise InputError(f"run needs an experiment first, got {list(words)}; there is {', '.join(experiments())}")
        print(f"{inspect.getdoc(run)}\n\nThere is {', '.join(experiments())}.\n")
        _parse(RunFlags, "nuforge run NAME", ["--help"])
    recipe = find(words[0])
    taken = sorted({field.name for field in fields(RunFlags)} & set(recipe.defaults()))
    if taken:
        raise InputError(f"experiment '{recipe.name}' has the arguments {taken}, flags of every run; rename them")
    own = _captured(recipe.function, recipe.defaults(quick="--quick" in words))

    def both(flags: RunFlags, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {"flags": flags, "arguments": arguments}

    both.__annotations__ = {
        "flags": Annotated[RunFlags, arg(name="")],
        "arguments": Annotated[Any, arg(name="", constructor=own)],
    }
    both.__doc__ = _first_line(recipe.function)
    run(**_parse(both, f"nuforge run {words[0]}", words[1:]), name=words[0])


def _captured(function: Callable[..., Any], defaults: Mapping[str, Any] | None = None) -> Callable[..., dict[str, Any]]:
    """A function of the same signature, with some defaults replaced, that returns its arguments."""
    signature = inspect.signature(function, eval_str=True)
    parameters = [
        p.replace(default=(defaults or {}).get(p.name, p.default), kind=p.KEYWORD_ONLY)
        for p in signature.parameters.values()
    ]

    @functools.wraps(function)
    def arguments(**chosen: Any) -> dict[str, Any]:  # noqa: ANN401
        return chosen

    vars(arguments)["__signature__"] = signature.replace(parameters=parameters, return_annotation=dict)
    return arguments


def _parse(function: Callable[..., Any], prog: str, words: Sequence[str]) -> Any:  # noqa: ANN401
    """What `function` returns for the words of a command line; a complaint about them is one line."""
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(function, prog=prog, args=list(words), config=(tyro.conf.FlagCreatePairsOff,))
    except SystemExit as stop:
        if not stop.code:
            raise
        raise InputError(_without_frame(complaint.getvalue()) + f"; see {prog} --help") from None


def _without_frame(box: str) -> str:
    """What a complaint in a frame of the parser says, as one line."""
    rows = [line.strip("│| ") for line in box.splitlines()[1:]]  # the first is the title
    rules = [i for i, row in enumerate(rows) if row and not row.strip("─-╰╯")]
    begin = 1 if rules[:1] == [0] else 0  # a plain terminal underlines the title
    end = next((i for i in rules if i > begin), len(rows))
    return " ".join(" ".join(rows[begin:end]).split())


def _first_line(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f" '{error.filename}'" if error.filename else ""
        return f"{error.strerror.lower()}{where}; give a path that can be used"
    where = "" if isinstance(error, InputError) else " (NUFORGE_DEBUG=1 shows where)"
    return " ".join(str(error).split()) + where
