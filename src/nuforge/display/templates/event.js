const EVENTS = [...document.querySelectorAll("script.event")].map((each) => JSON.parse(each.textContent));
const SAMPLE = JSON.parse(document.getElementById("sample").textContent);
const state = { event: 0, picture: 0, coloring: "", hidden: new Set() };
const ROLES = { truth: "truth", prediction: "reconstruction", detector: "detector" };
const place = (id) => document.getElementById(id);

function pictures() {
  return [...(EVENTS[state.event] || { pictures: [] }).pictures, ...SAMPLE.pictures];
}

function colorings(figure) {
  return [...new Set(figure.data.map((trace) => (trace.meta || {}).coloring).filter(Boolean))];
}

function visible(trace, coloring) {
  const meta = trace.meta || {};
  if (meta.coloring && meta.coloring !== coloring) return false;
  if (state.hidden.has(meta.role)) return false;
  return trace.visible === undefined ? true : trace.visible;
}

function draw() {
  const all = pictures(), picture = all[Math.min(state.picture, all.length - 1)];
  const figure = picture.figure, known = colorings(figure);
  const coloring = known.includes(state.coloring) ? state.coloring : known[0];
  opened(figure);
  const layout = { ...figure.layout, autosize: true };
  delete layout.height;  // the page says how high it is
  const data = figure.data.map((trace) => ({ ...trace, ...filled(trace, figure.layout), visible: visible(trace, coloring) }));
  barred(data);
  Plotly.purge("event");
  Plotly.newPlot("event", data, layout, CONFIG).then((plot) => { link(plot); refine(plot); });
  words(picture);
  tools(all, picture, known, coloring);
}

function barred(data) {  // the colours that are shown have one bar for each scale
  const seen = new Set();
  for (const trace of data) {
    const look = trace.type === "heatmap" ? trace : trace.marker || {};
    if (!look.colorbar || !trace.meta || trace.visible === false) continue;
    const key = look.colorbar.title.text + look.cmin + look.cmax + look.zmin + look.zmax;
    look.showscale = !seen.has(key);
    seen.add(key);
  }
}

function words(picture) {
  const own = EVENTS[state.event] && EVENTS[state.event].pictures.includes(picture);
  place("title").textContent = own ? EVENTS[state.event].title : SAMPLE.title;
  place("note").textContent = picture.note;
  place("facts").replaceChildren(...picture.facts.map((fact) => made("span", fact)));
  const listing = picture.listing, target = place("listing");
  target.replaceChildren();
  if (!listing) return;
  const table = made("table"), row = (tag) => (cells) => { const tr = made("tr"); tr.append(...cells.map((c) => made(tag, c))); return tr; };
  table.append(row("th")(listing.header), ...listing.rows.map(row("td")));
  target.append(table, made("p", listing.caption));
}

function made(tag, text = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function button(text, pressed, action, disabled = false) {
  const element = made("button", text);
  element.setAttribute("aria-pressed", pressed);
  element.disabled = disabled;
  element.onclick = () => { action(); draw(); };
  return element;
}

function group(name, ...children) {
  const element = made("div");
  element.className = "group";
  if (name) element.append(made("span", name));
  element.append(...children);
  return element;
}

function tools(all, picture, known, coloring) {
  const bar = [];
  if (EVENTS.length > 1) {
    const select = made("select");
    EVENTS.forEach((each, i) => { const option = made("option", each.title); option.value = i; select.append(option); });
    select.value = state.event;
    select.setAttribute("aria-label", "event");
    select.onchange = () => { state.event = Number(select.value); draw(); };
    const step = (by) => () => { state.event += by; };
    bar.push(group("", button("‹", false, step(-1), !state.event), select, button("›", false, step(1), state.event === EVENTS.length - 1)));
  }
  if (all.length > 1) {
    bar.push(group("", ...all.map((each, k) => button(each.name, each === picture, () => { state.picture = k; }))));
  }
  if (known.length > 1) {
    bar.push(group("colour", ...known.map((name) => button(name, name === coloring, () => { state.coloring = name; }))));
  }
  const zooms = (picture.figure.layout.meta || {}).names || [];
  if (zooms.length) bar.push(group("zoom", ...zooms.map((name) => zoom(name, picture.figure.layout.meta))));
  const roles = Object.keys(ROLES).filter((role) => picture.figure.data.some((trace) => (trace.meta || {}).role === role));
  const mixed = picture.figure.data.some((trace) => trace.meta && !roles.includes(trace.meta.role)) || roles.length > 1;
  if (roles.length && mixed) bar.push(group("", ...roles.map(box)));
  place("tools").replaceChildren(...bar);
}

function zoom(name, meta) {
  const element = made("button", name);
  element.onclick = () => {
    const change = {};
    for (const [scene, cubes] of Object.entries(meta.zooms)) {
      if (cubes[name]) ["x", "y", "z"].forEach((axis, k) => { change[`${scene}.${axis}axis.range`] = cubes[name][k]; });
    }
    Plotly.relayout("event", change);
  };
  return element;
}

function box(role) {
  const label = made("label"), input = made("input");
  input.type = "checkbox";
  input.checked = !state.hidden.has(role);
  input.onchange = () => { if (input.checked) state.hidden.delete(role); else state.hidden.add(role); draw(); };
  label.append(input, ROLES[role]);
  return label;
}

draw();
