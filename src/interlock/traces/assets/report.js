(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const MARGIN = { l: 104, r: 18, t: 34, b: 36 };
  const NARROW = { l: 88, r: 8, t: 34, b: 36 };
  const PAPER_PX = 690;
  const paper = () => document.documentElement.classList.contains("paper");
  let graphs = [];
  let syncing = false;

  const resolve = (value, style) => {
    if (typeof value === "string") return value.startsWith("--") ? style.getPropertyValue(value).trim() : value;
    if (Array.isArray(value)) {
      return typeof value[0] === "number" || value[0] === null ? value : value.map((v) => resolve(v, style));
    }
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, resolve(v, style)]));
    }
    return value;
  };

  const layoutOf = (figure, style) => {
    const css = (name) => style.getPropertyValue(name).trim();
    const own = resolve(figure.layout, style);
    const axis = {
      gridcolor: css("--grid"), zerolinecolor: css("--grid"), linecolor: css("--line"), tickcolor: css("--line"),
      automargin: false, tickfont: { size: 11.5 }, ticks: "",
    };
    return {
      autosize: true, width: paper() ? PAPER_PX : undefined, uniformtext: { mode: "hide", minsize: 10 }, height: figure.height, margin: innerWidth < 700 ? NARROW : MARGIN,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: css("--font"), size: 12, color: css("--muted") },
      hovermode: "x unified", hoverdistance: 40, dragmode: "zoom",
      hoverlabel: { bgcolor: css("--card"), bordercolor: css("--line"), font: { color: css("--ink"), size: 12 }, align: "left" },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--line"), activecolor: css("--accent") },
      legend: { orientation: "h", x: 0, xanchor: "left", yref: "container", y: 1, yanchor: "top", font: { size: 12, color: css("--ink") }, tracegroupgap: 0 },
      showlegend: own.barmode === "overlay" || figure.data.length > 1,
      ...own,
      xaxis: { ...axis, showgrid: true, zeroline: false, ticksuffix: " s", hoverformat: ".2f", range: extent.slice(), minallowed: extent[0], maxallowed: extent[1] },
      yaxis: { ...axis, ...own.yaxis, title: own.yaxis.title && innerWidth >= 700 ? { ...own.yaxis.title, standoff: 6, font: { size: 12 } } : undefined },
    };
  };

  const extent = (() => {
    let low = 0;
    let high = 0;
    for (const { data } of figures) {
      for (const trace of data) {
        trace.x.forEach((x, i) => { high = Math.max(high, (trace.base ? trace.base[i] : 0) + x); });
      }
    }
    const pad = 0.004 * (high - low || 1);
    return [low - pad, high + pad];
  })();

  const draw = () => {
    const style = getComputedStyle(document.documentElement);
    const config = { displaylogo: false, displayModeBar: "hover", responsive: true, modeBarButtons: [["toImage", "resetScale2d"]] };
    return Promise.all(figures.map((figure) => {
      const place = document.getElementById(`plot-${figure.name}`);
      const data = figure.data.map((trace) => resolve(trace, style));
      return Plotly.react(place, data, layoutOf(figure, style), config).then(() => place);
    }));
  };

  const follow = (source) => {
    source.on("plotly_relayout", (change) => {
      if (syncing) return;
      const range = source.layout.xaxis.range.slice();
      if (!Object.keys(change).some((key) => key.startsWith("xaxis"))) return;
      syncing = true;
      const whole = change["xaxis.autorange"];
      Promise.all(graphs.map((graph) => (graph === source && !whole ? null
        : Plotly.relayout(graph, { "xaxis.range": whole ? extent.slice() : range.slice() })))).finally(() => { syncing = false; });
    });
    source.on("plotly_hover", ({ xvals, points }) => {
      const x = xvals ? xvals[0] : points[0].x;
      for (const graph of graphs) {
        const { _offset, _length } = graph._fullLayout.xaxis;
        const px = graph._fullLayout.xaxis.d2p(x);
        const cursor = graph.querySelector(".cursor");
        cursor.hidden = graph === source || px < 0 || px > _length;
        cursor.style.left = `${_offset + px}px`;
      }
    });
    source.on("plotly_unhover", () => {
      for (const graph of graphs) graph.querySelector(".cursor").hidden = true;
    });
  };

  const ready = (places) => {
    graphs = places;
    for (const place of places) {
      const cursor = document.createElement("div");
      cursor.className = "cursor";
      cursor.hidden = true;
      place.append(cursor);
      follow(place);
    }
    document.body.dataset.plots = places.length;
    document.body.dataset.ready = "1";
  };

  draw().then(ready);
  dark.addEventListener("change", draw);
  addEventListener("beforeprint", () => { document.documentElement.classList.add("paper"); draw(); });
  addEventListener("afterprint", () => { document.documentElement.classList.remove("paper"); draw(); });
})();
