// Maps and waveforms are in the page whole; here they are binned for the part that is looked at.
const TYPES = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i1: Int8Array, i2: Int16Array, i4: Int32Array, f4: Float32Array, f8: Float64Array };

function unpacked(spec) {
  const text = atob(spec.bdata), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new TYPES[spec.dtype](bytes.buffer);
}

function window_(axis, range, most) {  // the cells of an axis that are seen, and how many share a bin
  let from = 0, to = axis.n;
  if (range) {
    const [low, high] = range[0] < range[1] ? range : [range[1], range[0]];
    from = Math.max(0, Math.floor((low - axis.first) / axis.step));
    to = Math.min(axis.n, Math.ceil((high - axis.first) / axis.step) + 1);
  }
  const group = Math.max(1, Math.ceil(Math.max(1, to - from) / most));
  from -= from % group;
  return { from, group, n: Math.max(1, Math.ceil((to - from) / group)), first: axis.first + from * axis.step, step: axis.step * group };
}

function map(cells, ranges) {  // the value of largest size of each bin
  const x = window_(cells.x, ranges.x, 900), y = window_(cells.y, ranges.y, 600);
  const z = Array.from({ length: y.n }, () => new Float32Array(x.n).fill(NaN));
  const { column, row, value } = cells;
  for (let i = 0; i < value.length; i++) {
    const c = Math.floor((column[i] - x.from) / x.group), r = Math.floor((row[i] - y.from) / y.group);
    if (c < 0 || r < 0 || c >= x.n || r >= y.n) continue;
    if (!(Math.abs(z[r][c]) >= Math.abs(value[i]))) z[r][c] = value[i];
  }
  const shown = cells.log ? z.map((line) => line.map((v) => (v > 0 ? Math.log10(v) : NaN))) : z;
  return { z: shown, customdata: z, x0: x.first + x.step / 2, dx: x.step, y0: y.first + y.step / 2, dy: y.step };
}

function line(samples, range) {  // the smallest and the largest of each group, in their order
  const { first, step, value } = samples;
  const seen = window_({ first, step, n: value.length }, range, 2000);
  const x = [], y = [];
  for (let k = 0; k < seen.n; k++) {
    const from = seen.from + k * seen.group, to = Math.min(value.length, from + seen.group);
    let low = from, high = from;
    for (let i = from; i < to; i++) {
      if (value[i] < value[low]) low = i;
      if (value[i] > value[high]) high = i;
    }
    if (from >= to) break;
    for (const i of low === high ? [low] : low < high ? [low, high] : [high, low]) { x.push(first + step * i); y.push(value[i]); }
  }
  return { x, y };
}

function opened(figure) {  // unpacks once
  for (const trace of figure.data) {
    const cells = trace.meta && trace.meta.cells, samples = trace.meta && trace.meta.samples;
    if (cells && cells.value.bdata !== undefined) for (const name of ["column", "row", "value"]) cells[name] = unpacked(cells[name]);
    if (samples && samples.value.bdata !== undefined) samples.value = unpacked(samples.value);
  }
}

function ranges(trace, layout) {
  const axis = (name) => (layout[name.replace(/^([xy])/, "$1axis")] || {}).range;
  return { x: axis(trace.xaxis || "x"), y: axis(trace.yaxis || "y") };
}

function filled(trace, layout) {
  if (!trace.meta) return {};
  if (trace.meta.cells) return map(trace.meta.cells, ranges(trace, layout));
  if (trace.meta.samples) return line(trace.meta.samples, ranges(trace, layout).x);
  return {};
}

function refine(plot) {  // after a zoom
  let busy = false;
  plot.on("plotly_relayout", (change) => {
    if (busy || !Object.keys(change).some((key) => /axis/.test(key))) return;
    busy = true;
    const work = [];
    plot.data.forEach((trace, i) => {
      const fresh = filled(trace, plot._fullLayout);
      if (!Object.keys(fresh).length) return;
      const update = Object.fromEntries(Object.entries(fresh).map(([key, value]) => [key, [value]]));
      work.push(Plotly.restyle(plot, update, [i]));
    });
    Promise.all(work).then(() => { busy = false; });
  });
}
