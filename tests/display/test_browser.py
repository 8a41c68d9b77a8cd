"""Pages in a browser without a screen: all buttons pressed, no error, and something drawn."""

import re
import shutil
import subprocess
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from toy_pictures import TOYS

from nuforge.display.show import Choice, show

SIZE = (560, 520)  # of a page in the screenshot
KINDS = ("images", "waveforms", "sensors")
PRESS = """
<script>
window.onerror = (message) => console.log("ERROR KIND " + message);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
(async () => {
  let pressed = 0;
  const wanted = (b) => !["event", "detector", "charge"].includes(b.textContent);  // to draw is slow here
  for (let k = 0; k < document.querySelectorAll("#tools button").length; k++) {
    const button = document.querySelectorAll("#tools button")[k];
    if (button.disabled || !wanted(button)) continue;
    button.click();
    pressed += 1;
    await wait(5);
    if (!document.querySelector("#event .main-svg")) console.log("ERROR KIND after " + button.textContent);
  }
  Object.assign(state, { event: 0, picture: 0, coloring: "" });
  draw();
  await wait(100);
  const plot = document.getElementById("event"), axis = plot.layout.xaxis;
  const detailed = (t) => t.meta && (t.meta.cells || t.meta.samples);
  const seen = () => plot.data.filter(detailed).map((t) => t.dx || (t.x[t.x.length - 1] - t.x[0]) / t.x.length);
  if (seen().length) {
    const before = seen(), [low, high] = axis.range;
    await Plotly.relayout(plot, { "xaxis.range": [low, low + (high - low) / 50] });
    await wait(200);
    console.log("ZOOM KIND " + before[0] + " " + seen()[0]);
    draw();
  }
  console.log("DONE KIND " + pressed);
})();
</script></body>"""


def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("chromium is not installed")
    return found


def photographed(page, picture, columns, rows):
    """A screenshot of a page, and what it wrote to the console."""
    flags = ["--headless", "--no-sandbox", "--enable-unsafe-swiftshader", "--use-angle=swiftshader"]
    flags += ["--hide-scrollbars", "--virtual-time-budget=3000", "--enable-logging=stderr", f"--screenshot={picture}"]
    flags += [f"--window-size={SIZE[0] * columns},{SIZE[1] * rows}", f"--user-data-dir={picture}.profile"]
    done = subprocess.run([chromium(), *flags, page.as_uri()], capture_output=True, text=True, timeout=600, check=False)
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.slow
def test_pages_are_drawn_in_a_browser_without_an_error_and_their_buttons_work(tmp_path):
    chromium()
    columns = 3
    for kind in KINDS:
        path = show(TOYS[kind], 0, tmp_path / f"{kind}.html", choice=Choice(n=2))
        page = path.read_text()
        path.write_text(page.replace("</body>", PRESS.replace("KIND", kind)))
    frames = "".join(
        f'<iframe src="{kind}.html" style="width:{SIZE[0]}px;height:{SIZE[1]}px;border:0;float:left"></iframe>'
        for kind in KINDS
    )
    harness = tmp_path / "all.html"
    harness.write_text(f'<body style="margin:0;width:{SIZE[0] * columns}px">{frames}</body>')
    console = photographed(harness, tmp_path / "all.png", columns, len(KINDS) // columns)
    said = "\n".join(console)
    assert not re.search(r"ERROR|Uncaught|Refused|TypeError", said), said
    assert all(f"DONE {kind}" in said for kind in KINDS), said
    for coarse, fine in re.findall(r"ZOOM waveforms (\S+) ([\d.e+-]+)", said):
        assert float(fine) < 0.2 * float(coarse)  # zoomed in, samples come nearer
    assert "ZOOM images" in said
    pixels = matplotlib.image.imread(Path(tmp_path / "all.png"))[..., :3]
    for k, kind in enumerate(KINDS):
        row, column = divmod(k, columns)
        tile = pixels[row * SIZE[1] : (row + 1) * SIZE[1], column * SIZE[0] : (column + 1) * SIZE[0]]
        drawing = (255 * tile[200:]).astype(int)  # below title and buttons
        colorful = np.ptp(drawing, axis=2) > 40
        assert colorful.sum() > 300, f"{kind}: {colorful.sum()} coloured pixels"
        assert len(np.unique(drawing.reshape(-1, 3), axis=0)) > 20, kind
