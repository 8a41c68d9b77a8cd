function link(plot) {  // turning one view turns the other
  let busy = false;
  const follow = (change) => {
    if (busy) return;
    const update = {};
    for (const [key, value] of Object.entries(change)) {
      const place = key.split(".", 1)[0], what = key.slice(place.length);
      const other = { scene: "scene2", scene2: "scene" }[place];
      if (other && plot.layout[other] && value && /^[.](camera|aspectratio)/.test(what)) update[other + what] = value;
    }
    if (!Object.keys(update).length) return;
    busy = true;
    Plotly.relayout(plot, update).then(() => { busy = false; });
  };
  plot.on("plotly_relayouting", follow);
  plot.on("plotly_relayout", follow);
}
