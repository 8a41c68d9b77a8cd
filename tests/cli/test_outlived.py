"""A command whose libraries break off ends in one line and exit code 2, and leaves nothing half made."""

import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

BREAKS = """
import os, signal, sys
from pathlib import Path
from nuforge.experiments.outlived import outlived

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored

def work():
    Path(sys.argv[3]).with_name(f".{Path(sys.argv[3]).name}.{os.getpid()}.tmp").mkdir()
    print("begun", flush=True)
    {end}

sys.exit(outlived(work, sys.argv[1:]))
"""


def command(tmp_path, end):
    return [sys.executable, "-c", BREAKS.replace("{end}", end), "convert", "in.h5", str(tmp_path / "out[1].h5")]


def ended(tmp_path, end):
    return subprocess.run(command(tmp_path, end), capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"])
def test_a_library_that_breaks_off_ends_in_one_line(tmp_path, name):
    found = ended(tmp_path, f"os.kill(os.getpid(), signal.{name})")
    assert found.returncode == 2
    assert found.stderr.startswith(f"nuforge: a library broke off ({name}) at: convert in.h5 ")
    assert found.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_exit_codes_and_output_are_those_of_the_work(tmp_path):
    found = ended(tmp_path, "return 7")
    assert (found.returncode, found.stdout, found.stderr) == (7, "begun\n", "")
    assert ended(tmp_path, "sys.exit(3)").returncode == 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_who_ends_the_command_ends_its_work(tmp_path, number, code):
    process = subprocess.Popen(command(tmp_path, "import time; time.sleep(60)"), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.5)  # the parent sets its handlers
    process.send_signal(number)
    assert process.wait(20) == code
    process.stdout.close()
    assert not list(tmp_path.iterdir())
