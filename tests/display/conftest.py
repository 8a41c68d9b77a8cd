import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "evaluation"))  # the toy report is that of the evaluation tests
sys.path.append(str(Path(__file__).parents[1] / "formats"))  # made files of all formats are those of their tests
