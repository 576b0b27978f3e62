// Draws the island "donnees" with Leaflet. Every text enters the page through textContent.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("donnees").textContent);
  // What blocks share is written once: {"t": n} stands for the n-th of data.shared, read once too.
  const heard = [];
  const spoken = (said) => {
    if (Array.isArray(said)) return said.map(spoken);
    if (said === null || typeof said !== "object") return said;
    if ("t" in said) {
      if (!(said.t in heard)) heard[said.t] = spoken(data.shared[said.t]);
      return heard[said.t];
    }
    if ("l" in said) return outlines.unpacked(said.l).map((t) => spoken({ t: t }));
    return Object.fromEntries(Object.entries(said).map(([key, value]) => [key, spoken(value)]));
  };
  data.blocks = data.blocks.map(spoken);
  data.places = data.places.map(spoken);
  const SVG = "http://www.w3.org/2000/svg";
  const FILLED = 0.75; // darker than hatching on average: grey paper keeps the answers apart
  const FOCUSABLE = 50; // beyond, the table is the way in by keyboard
  const PATHS = 200; // blocks beyond this are drawn on the canvas: SVG paths make the page heavy
  const BOLD = 300; // blocks in sight beyond this are drawn with thinner lines
  const ROWS = 150; // rows of the list shown first, and each time that its end is reached
  const SIGNS = 150; // farms and canteens in sight beyond this are drawn small
  const CLOSE = 3000; // parcels are drawn where no more than this are in sight
  const ROUTES_SHOWN = 6;
  const ASKED_SHOWN = 12;
  const KEYS = ["yes", "unknown", "no", "none"];
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const byId = (id) => document.getElementById(id);

  // ------------------------------------------------------------ French: all of it stands in data.words
  const w = data.words;
  const plural = new Intl.PluralRules("fr");
  const count = (n) => n.toLocaleString("fr-FR");
  // a value is never read again: what stands between braces in it stays as it is
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  const many = (forms, n, values) => fill(forms[plural.select(n)] || forms.other, Object.assign({ n: count(n) }, values));

  // ------------------------------------------------------------ making elements
  function el(tag, attributes, ...children) {
    const made = document.createElement(tag);
    Object.entries(attributes || {}).forEach(([name, value]) => made.setAttribute(name, value));
    children.forEach((child) => made.append(child));
    return made;
  }
  function svg(tag, attributes, ...children) {
    const made = document.createElementNS(SVG, tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    children.forEach((child) => made.append(child));
    return made;
  }
  function button(label, action, attributes) {
    const made = el("button", Object.assign({ type: "button" }, attributes), label);
    made.addEventListener("click", action);
    return made;
  }
  function pairs(list) {
    const made = el("dl");
    list.forEach(([label, value]) => made.append(el("dt", {}, label), el("dd", {}, value)));
    return made;
  }
  const bullets = (list) => el("ul", {}, ...list.map((text) => el("li", {}, text)));

  // ------------------------------------------------------------ reading outlines back
  const unpacked = outlines.unpacked;
  const place = (x, y) => [(data.origin[1] + y) / 1e6, (data.origin[0] + x) / 1e6];
  function ring(text) {
    const steps = unpacked(text);
    const points = [];
    let x = 0;
    let y = 0;
    for (let i = 0; i < steps.length; i += 2) {
      x += steps[i];
      y += steps[i + 1];
      points.push(place(x, y));
    }
    return points;
  }
  const polygons = (shape) => shape.map((rings) => rings.map(ring));
  // ------------------------------------------------------------ rows: a long list is laid out as it is scrolled
  const lines = data.blocks.map((block) => byId("ligne-" + block.id));
  const stays = data.blocks.map(() => true); // what the filters keep
  let reached = ROWS;
  const more = button("", () => further(), { class: "more screen" });
  function listed() {
    let n = 0;
    lines.forEach((row, k) => {
      n += stays[k] ? 1 : 0;
      row.classList.toggle("later", stays[k] && n > reached);
    });
    more.hidden = n <= reached;
    more.textContent = fill(w.more_rows, { n: count(n - reached) });
  }
  function further() {
    reached += ROWS;
    listed();
  }
  const list = byId("liste").parentNode;
  list.append(more);
  list.addEventListener("scroll", () => { if (!more.hidden && list.scrollTop + list.clientHeight > list.scrollHeight - 300) further(); });
  listed();

  // ------------------------------------------------------------ the map and its layers
  const map = L.map("carte", { zoomControl: false, attributionControl: false, preferCanvas: false, zoomSnap: 0.5, maxZoom: 20, zoomAnimation: !still, fadeAnimation: !still, markerZoomAnimation: !still, maxBoundsViscosity: 0.8 });
  L.control.zoom({ zoomInTitle: w.zoom_in, zoomOutTitle: w.zoom_out }).addTo(map);
  L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);
  function pane(name, height) {
    map.createPane(name).style.zIndex = height;
    map.getPane(name).style.pointerEvents = "none";
    return name;
  }
  pane("parcelles", 350);
  const shade = L.svg({ pane: pane("dehors", 360), padding: 0.5 }); // above the canvas, which prints opaque
  const drawing = L.svg({ padding: 0.3 });

  const area = polygons(data.outline[0] || []);
  const all = L.latLngBounds([]);
  area.forEach((rings) => rings[0].forEach((point) => all.extend(point)));
  const land = outlines.read(data.blocks.map((block) => block.shape), data.origin);
  const rest = data.rest;
  rest.outlines = rest.shape.length;
  const points = unpacked(rest.points);
  for (let i = 0; i < points.length; i += 2) rest.shape.push([[points.slice(i, i + 2)]]);
  rest.land = outlines.read(rest.shape, data.origin);
  // the bounds of a shape read into numbers, in degrees
  const degrees = (x, y) => L.CRS.EPSG3857.pointToLatLng(L.point(x, y), 0);
  const boundsOf = (set, n) => L.latLngBounds(degrees(set.box[4 * n], set.box[4 * n + 1]), degrees(set.box[4 * n + 2], set.box[4 * n + 3]));
  [land, rest.land].forEach((set) => { for (let n = 0; n < set.n; n++) all.extend(boundsOf(set, n)); });
  const whole = all.isValid() ? all : L.latLngBounds([[41, -5], [51.2, 9.7]]);
  map.fitBounds(whole.pad(0.02), { animate: false });

  const edge = L.layerGroup().addTo(map);
  if (area.length) {
    const outside = [[85, -180], [85, 180], [-85, 180], [-85, -180]];
    L.polygon([outside].concat(area.map((rings) => rings[0])), { renderer: shade, interactive: false, stroke: false, fillColor: "#8a8a8a", fillOpacity: 0.35 }).addTo(edge);
    L.polygon(area.map((rings) => [rings[0]]), { renderer: shade, interactive: false, color: "#1b1b1b", weight: 1.5, fill: false }).addTo(edge);
  }

  const parcels = data.parcels;
  parcels.answer = unpacked(parcels.answer);
  if (parcels.id) {
    // identifiers are written as runs: ten characters, then the numbers that follow
    const named = [].concat(...parcels.id.map(([head, numbers]) => unpacked(numbers).map((n) => [head, n])));
    parcels.id = named.map(([head, n]) => head + String(n).padStart(4, "0"));
    parcels.ref = named.map(([head, n]) => head.slice(5, 8) + " " + (head.slice(8).replace(/^0+/, "") || head.slice(8)) + " " + n);
    parcels.block = unpacked(parcels.block);
  }
  const partsOf = (n) => (Array.isArray(parcels.texts[n]) ? parcels.texts[n].map(partsOf).join(" ; ") : parcels.texts[n]);
  function figure(value, unit) {
    if (value === 0) return w.unknown;
    return unit ? fill(w.with_unit, { n: count(value - 1), unit: unit }) : count(value - 1);
  }
  const ground = outlines.read(parcels.shape, data.origin);
  const PARCEL_STYLE = {
    yes: { color: data.answers.yes.colour, weight: 1.4, fill: data.answers.yes.colour, alpha: 0.16 },
    unknown: { color: data.answers.unknown.colour, weight: 1.2 },
    no: { color: "#8a8a8a", weight: 0.6 },
    none: { color: "#8a8a8a", weight: 0.6 },
  };
  // what the legend switches on and off on the canvas; as Leaflet's layers, it comes and goes
  const on = {};
  function switched(name) {
    const turn = (shows) => () => { on[name] = shows; sheet.redraw(); };
    on[name] = true;
    return { addTo: turn(true), remove: turn(false) };
  }
  const parcelLayers = {};
  KEYS.forEach((key, code) => {
    const n = parcels.answer.reduce((found, answer) => found + (answer === code), 0);
    if (n) parcelLayers[key] = { n: n, layer: switched("parcel " + key) };
  });

  // ------------------------------------------------------------ hatches
  function hatch(id, colour) {
    return svg("pattern", { id: id, patternUnits: "userSpaceOnUse", width: 8, height: 8, patternTransform: "rotate(45)" },
      svg("rect", { width: 8, height: 8, fill: "#ffffff", "fill-opacity": 0.55 }),
      svg("rect", { width: 2.6, height: 8, fill: colour }));
  }
  let byStage = false;
  function look(block) {
    const answer = data.answers[block.answer];
    const stage = byStage ? data.stages[block.stage] : null;
    const colour = byStage ? (stage ? stage.colour : "#6b6b6b") : answer.colour;
    const style = byStage ? (stage ? stage.hatch : "none") : answer.hatch;
    const name = byStage ? "hachure-stade-" + block.stage : "hachure-" + block.answer;
    return {
      color: colour, weight: 2.5, dashArray: answer.dash || null, fill: true,
      fillColor: style === "lines" ? "url(#" + name + ")" : style === "solid" ? colour : "#ffffff",
      fillOpacity: style === "solid" ? FILLED : style === "lines" ? 1 : 0.2,
    };
  }

  // ------------------------------------------------------------ blocks
  const blockLayers = {};
  const blockLine = (block) => fill(w.block_line, { id: block.id, area: block.area, answer: data.answers[block.answer].word });
  const focusable = data.blocks.length <= FOCUSABLE;
  const paths = data.blocks.length + rest.land.n <= PATHS;
  // a click on a block opens it; on a block already open, the parcel under it
  function clicked(n, latlng, from) {
    const inside = chosen && chosen.block === n ? parcelAt(latlng) : -1;
    if (inside >= 0) openParcel(inside, from);
    else openBlock(n, from);
  }
  data.blocks.forEach((block, n) => {
    if (!paths) {
      blockLayers[block.answer] = blockLayers[block.answer] || switched("block " + block.answer);
      return;
    }
    const layer = L.polygon(polygons(block.shape), Object.assign({ renderer: drawing, className: "ilot" }, look(block)));
    layer.bindTooltip(el("span", { class: "tip" }, blockLine(block)), { sticky: true });
    layer.on("click", (event) => {
      L.DomEvent.stopPropagation(event);
      clicked(n, event.latlng, layer.getElement());
    });
    block.layer = layer;
    blockLayers[block.answer] = blockLayers[block.answer] || L.layerGroup().addTo(map);
    layer.addTo(blockLayers[block.answer]);
    layer.on("add", () => reachable(block, n));
    reachable(block, n);
  });
  function reachable(block, n) {
    const path = block.layer.getElement();
    if (!path) return;
    path.setAttribute("data-block", n);
    if (!focusable) return;
    path.setAttribute("tabindex", "0");
    path.setAttribute("role", "button");
    path.setAttribute("aria-label", blockLine(block));
    if (path.hasAttribute("data-keys")) return;
    path.setAttribute("data-keys", "");
    path.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      openBlock(n, path);
    });
  }
  drawing.addTo(map);
  {
    const defs = svg("defs", {});
    Object.entries(data.answers).forEach(([key, answer]) => defs.append(hatch("hachure-" + key, answer.colour)));
    data.stages.forEach((stage, n) => defs.append(hatch("hachure-stade-" + n, stage.colour)));
    drawing._container.prepend(defs);
  }

  // ------------------------------------------------------------ the canvas: parcels; blocks where they are many
  // blocks after the first ones by rank: an outline or a point, no card but a short one
  const restLayers = {};
  rest.answer = unpacked(rest.answer);
  rest.stage = unpacked(rest.stage);
  rest.area = unpacked(rest.area);
  rest.id = [].concat(...rest.id.map(([head, width, steps]) => {
    let n = 0;
    return unpacked(steps).map((step) => head + (width ? String((n += step)).padStart(width, "0") : ""));
  }));
  rest.block = rest.id.map((id, n) => ({ id: id, answer: KEYS[rest.answer[n]], stage: rest.stage[n] }));
  rest.block.forEach((block) => { restLayers[block.answer] = restLayers[block.answer] || switched("rest " + block.answer); });
  let filtered = false;
  const drawnBlock = (n) => stays[n] && on["block " + data.blocks[n].answer];
  const drawnRest = (n) => !filtered && on["rest " + rest.block[n].answer];

  const looks = {};
  // a block's look on the canvas; thin: many are in sight, so lines are thin and hatches narrow
  function inked(pen, block, thin) {
    const name = [byStage ? block.stage : block.answer, byStage, thin].join(" ");
    if (looks[name]) return looks[name];
    const { color, dashArray, fillColor, fillOpacity } = look(block);
    const lines = fillColor.startsWith("url");
    looks[name] = {
      color: color, weight: thin ? 1 : 2.5, dash: dashArray && !thin ? dashArray.split(" ").map(Number) : [],
      fill: lines ? outlines.hatched(pen, color, thin ? 5 : 8) : fillColor, alpha: fillOpacity,
    };
    return looks[name];
  }
  function paintBlocks(pen, view, set, blocks, seen, thin) {
    const alike = new Map();
    seen.forEach((n) => {
      const style = inked(pen, blocks[n], thin);
      if (!alike.has(style)) alike.set(style, []);
      alike.get(style).push(n);
    });
    alike.forEach((list, style) => outlines.draw(pen, set, list, style, view));
  }
  const far = el("p", { class: "hint" }, w.closer);
  function paint(pen, view) {
    const seen = outlines.inSight(ground, view, (m) => on["parcel " + KEYS[parcels.answer[m]]]);
    far.hidden = seen.length <= CLOSE;
    // faint lines first, so that candidates are drawn over them
    if (far.hidden) [3, 2, 1, 0].forEach((code) => outlines.draw(pen, ground, seen.filter((m) => parcels.answer[m] === code), PARCEL_STYLE[KEYS[code]], view));
    if (paths) return;
    const told = outlines.inSight(land, view, drawnBlock);
    const others = outlines.inSight(rest.land, view, drawnRest);
    const thin = told.length + others.length > BOLD;
    paintBlocks(pen, view, rest.land, rest.block, others, thin);
    paintBlocks(pen, view, land, data.blocks, told, thin);
  }
  const sheet = new outlines.Sheet(paint, { pane: "parcelles", padding: 0.3 }).addTo(map);

  const NEAR = 6; // pixels
  const flat = (latlng) => map.project(latlng, 0);
  const blockAt = (latlng) => (paths ? -1 : outlines.at(land, flat(latlng), 0, drawnBlock));
  const restAt = (latlng) => outlines.at(rest.land, flat(latlng), NEAR / map.getZoomScale(map.getZoom(), 0), drawnRest);
  if (!paths) {
    const tip = L.tooltip({ sticky: true, direction: "auto", offset: [12, 0] });
    map.on("mousemove", (event) => {
      const n = blockAt(event.latlng);
      const m = n < 0 ? restAt(event.latlng) : -1;
      byId("carte").classList.toggle("over", n >= 0 || m >= 0);
      if (n < 0 && m < 0) { tip.remove(); return; }
      const said = n >= 0 ? blockLine(data.blocks[n]) : restLine(m);
      if (!map.hasLayer(tip) || tip.said !== said) tip.setContent(el("span", { class: "tip" }, said));
      tip.said = said;
      tip.setLatLng(event.latlng).addTo(map);
    });
    map.on("mouseout", () => tip.remove());
  }

  // ------------------------------------------------------------ farms and canteens: a house, a disc
  function sign(kind) {
    const edges = { stroke: "#ffffff", "stroke-width": 1.6 };
    const body = kind === "farm"
      ? svg("path", Object.assign({ d: "M11 1 L21 9 V21 H1 V9 Z", fill: data.colours.farm }, edges))
      : svg("circle", Object.assign({ cx: 11, cy: 11, r: 10, fill: data.colours.canteen }, edges));
    const mark = kind === "farm"
      ? svg("rect", { x: 8.5, y: 12, width: 5, height: 9, fill: "#ffffff" })
      : svg("path", { d: "M8 5 V17 M6 5 V9 H10 V5 M14.5 17 V5 Q17 8 14.5 12", fill: "none", stroke: "#ffffff", "stroke-width": 1.6 });
    return svg("svg", { width: 22, height: 22, viewBox: "0 0 22 22", "aria-hidden": "true" }, body, mark);
  }
  const KIND = { farm: w.farm, canteen: w.canteen };
  const placeName = (item) => fill(w.place_named, { kind: KIND[item.kind], name: item.name });
  const placeLayers = { farm: L.layerGroup().addTo(map), canteen: L.layerGroup().addTo(map) };
  const placeById = {};
  data.places.forEach((item) => {
    item.where = place(item.at[0], item.at[1]);
    placeById[item.kind + " " + item.id] = item;
    const marker = L.marker(item.where, { icon: L.divIcon({ html: el("span", {}, sign(item.kind)), className: "shape", iconSize: [24, 24], iconAnchor: [12, 12] }), keyboard: data.places.length <= FOCUSABLE, riseOnHover: true });
    marker.bindTooltip(el("span", { class: "tip" }, placeName(item)));
    marker.on("click", () => openPlace(item, marker.getElement()));
    marker.on("add", () => marker.getElement().setAttribute("aria-label", placeName(item)));
    marker.addTo(placeLayers[item.kind]);
  });

  // signs would hide the land where hundreds are in sight: they shrink
  const crowd = () => {
    const sight = map.getBounds();
    byId("carte").classList.toggle("crowd", data.places.filter((item) => sight.contains(item.where)).length > SIGNS);
  };
  map.on("zoomend moveend", crowd);
  crowd();

  // ------------------------------------------------------------ the card: one block, place or parcel
  const card = byId("fiche");
  const state = byId("etat");
  const links = L.layerGroup().addTo(map);
  let chosen = null;
  let opener = null;
  const tell = (text) => { state.textContent = text; };

  function show(title, parts, from, goes) {
    if (from && !card.contains(from)) opener = from;
    card.textContent = "";
    card.append(button(w.close, close, { class: "close" }), el("h3", { id: "fiche-titre" }, title), ...parts);
    card.hidden = false;
    card.scrollTop = 0;
    card.focus({ preventScroll: goes !== true });
  }
  function unmark() {
    links.clearLayers();
    if (chosen && chosen.block !== undefined) {
      const block = data.blocks[chosen.block];
      if (paths) block.layer.setStyle(look(block));
      const row = byId("ligne-" + block.id);
      if (row) row.removeAttribute("aria-current");
    }
    chosen = null;
  }
  function close() {
    if (card.hidden) return;
    unmark();
    card.hidden = true;
    tell(w.closed);
    if (opener && opener.isConnected && opener.focus) opener.focus({ preventScroll: true });
    else byId("carte").focus({ preventScroll: true });
    opener = null;
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });

  const besides = () => window.getComputedStyle(card).position === "absolute";
  function frame(bounds) {
    const right = besides() ? card.offsetWidth + 30 : 30;
    map.fitBounds(bounds, { paddingTopLeft: [50, 30], paddingBottomRight: [right, 30], maxZoom: 17, animate: !still });
  }
  function line(from, item) {
    const points = [from, item.where];
    L.polyline(points, { color: "#ffffff", weight: 6, interactive: false, renderer: drawing }).addTo(links);
    L.polyline(points, { color: data.colours[item.kind], weight: 2.5, dashArray: item.kind === "farm" ? null : "2 6", interactive: false, renderer: drawing }).addTo(links);
  }

  function openBlock(n, from, goes) {
    const block = data.blocks[n];
    unmark();
    const row = byId("ligne-" + block.id);
    if (row) row.setAttribute("aria-current", "true");
    show(fill(w.block, { id: block.id }), blockParts(block, n), from, goes);
    chosen = { block: n };
    const bounds = boundsOf(land, n);
    const centre = bounds.getCenter();
    [["farm", block.match.farm], ["canteen", block.match.canteen]].forEach(([kind, id]) => {
      const item = placeById[kind + " " + id];
      if (!item) return;
      line(centre, item);
      bounds.extend(item.where);
    });
    if (paths) {
      block.layer.setStyle({ weight: 5 });
      block.layer.bringToFront();
    } else marked(block.shape, look(block));
    frame(bounds);
    tell(fill(w.block_opened, { id: block.id }));
  }
  // on the canvas a chosen block is drawn again above the others
  const marked = (shape, style) => L.polygon(polygons(shape), Object.assign({}, style, { weight: 5, interactive: false, renderer: drawing })).addTo(links);
  const restArea = (m) => fill(w.with_unit, { n: (rest.area[m] / 100).toLocaleString("fr-FR", { minimumFractionDigits: 2 }), unit: "ha" });
  const restLine = (m) => blockLine({ id: rest.id[m], area: restArea(m), answer: rest.block[m].answer });
  function openRest(m, from) {
    const block = rest.block[m];
    const answer = data.answers[block.answer];
    unmark();
    const stage = data.stages[block.stage];
    show(fill(w.block, { id: block.id }), [
      el("p", {}, el("span", { class: "answer " + block.answer }, answer.word), fill(w.sentence, { said: answer.sentence })),
      pairs([[w.area, restArea(m)], [w.stage, stage ? stage.name : w.no_stage]]),
      el("p", { class: "hint" }, fill(w.rest_said, { n: count(data.blocks.length) })),
    ], from);
    chosen = { rest: m };
    if (m < rest.outlines) marked(rest.shape[m], look(block));
    frame(boundsOf(rest.land, m));
    tell(fill(w.block_opened, { id: block.id }));
  }
  function blockParts(block, n) {
    const answer = data.answers[block.answer];
    const parts = [el("p", {}, el("span", { class: "answer " + block.answer }, answer.word), fill(w.sentence, { said: answer.sentence }))];
    parts.push(pairs(block.facts));
    parts.push(el("h4", {}, w.meals));
    if (block.meals.length) {
      parts.push(el("p", {}, block.eaten_said));
      parts.push(...block.meals.map(crop));
    } else parts.push(el("p", {}, w.no_harvest));
    parts.push(el("h4", {}, w.partners), pairs(partners(block)));
    parts.push(el("h4", {}, w.routes));
    if (block.routes.length) parts.push(...folded(block.routes.map(route), ROUTES_SHOWN, w.more_routes));
    else parts.push(el("p", {}, w.no_route));
    if (block.ask.length) parts.push(el("h4", {}, w.ask), ...folded([bullets(block.ask.slice(0, ASKED_SHOWN)), ...(block.ask.length > ASKED_SHOWN ? [bullets(block.ask.slice(ASKED_SHOWN))] : [])], 1, w.more_questions));
    const own = parcelsOf(n);
    if (own.length) {
      parts.push(el("h4", {}, w.parcels));
      parts.push(el("div", { class: "found" }, ...own.map((m) => button(parcels.ref[m], () => openParcel(m, card), { "aria-label": fill(w.parcel, { id: parcels.ref[m] }) }))));
    }
    const back = el("a", { href: "#ligne-" + block.id }, w.back);
    back.addEventListener("click", (event) => {
      event.preventDefault();
      const row = byId("ligne-" + block.id);
      row.classList.remove("later");
      row.scrollIntoView({ block: "center" });
      row.querySelector("button").focus({ preventScroll: true });
    });
    parts.push(el("div", { class: "links" }, el("a", { href: "sheets/" + block.id + ".html" }, fill(w.sheet, { id: block.id })), back));
    return parts;
  }
  // The first parts, then the others behind one button: nothing is left out, nothing drowns.
  function folded(parts, shown, title) {
    if (parts.length <= shown) return parts;
    const rest = el("details", {}, el("summary", {}, title));
    rest.append(...parts.slice(shown));
    return [...parts.slice(0, shown), rest];
  }
  function crop(item) {
    const made = el("details", {}, el("summary", {}, item.crop));
    made.append(el("p", {}, fill(w.whole_meals, { said: item.whole })), el("p", {}, item.group), el("p", { class: "hint" }, item.source));
    if (item.limits) made.append(el("p", { class: "hint" }, fill(w.limits, { said: item.limits })));
    return made;
  }
  function partners(block) {
    const said = [];
    [["farm", block.match.farm_min], ["canteen", block.match.canteen_min]].forEach(([kind, time]) => {
      const item = placeById[kind + " " + block.match[kind]];
      said.push([KIND[kind], item ? fill(w.partner_said, { name: item.name, minutes: time }) : w.to_find]);
    });
    if (block.match.why) said.push([w.why, block.match.why]);
    return said;
  }
  function route(item) {
    const made = el("details", {}, el("summary", {}, fill(w.route_named, { title: item.title }), el("span", { class: "state " + item.state }, item.word)));
    made.append(pairs(item.lines));
    if (item.ask.length) made.append(el("p", {}, w.ask_here), bullets(item.ask));
    return made;
  }

  function openPlace(item, from) {
    unmark();
    const served = data.blocks.map((block, n) => [block, n]).filter(([block]) => block.match[item.kind] === item.id);
    const parts = [el("p", {}, KIND[item.kind]), pairs(item.facts)];
    if (served.length) {
      parts.push(el("h4", {}, w.offered));
      parts.push(el("div", { class: "found" }, ...served.map(([block, n]) => button(block.id, () => openBlock(n, card), { "aria-label": fill(w.block, { id: block.id }) }))));
    }
    show(item.name, parts, from);
    chosen = { place: item };
    tell(fill(w.place_opened, { kind: KIND[item.kind] }));
  }

  // ------------------------------------------------------------ parcels
  const parcelsOf = (n) => (parcels.block || []).reduce((own, block, m) => (block === n ? own.concat(m) : own), []);
  const parcelAt = (latlng) => (parcels.id ? outlines.at(ground, flat(latlng), 0) : -1);
  function openParcel(m, from) {
    const home = parcels.block[m];
    unmark();
    const key = KEYS[parcels.answer[m]];
    parcels.lines.forEach((row) => { if (typeof row.values === "string") row.values = unpacked(row.values); });
    const said = parcels.lines.map((row) => [row.label, row.unit === null ? partsOf(row.values[m]) : figure(row.values[m], row.unit)]).filter((pair) => pair[1]);
    const parts = [el("p", {}, el("span", { class: "answer " + key }, data.answers[key].word), fill(w.sentence, { said: data.answers[key].sentence })), pairs([[w.parcel_id, parcels.id[m]]].concat(said))];
    if (home >= 0) parts.push(el("p", {}, button(fill(w.see_block, { id: data.blocks[home].id }), () => openBlock(home, card))));
    show(fill(w.parcel, { id: parcels.ref[m] }), parts, from);
    chosen = { parcel: m };
    const bounds = boundsOf(ground, m);
    L.polygon(polygons(parcels.shape[m]), { color: "#1b1b1b", weight: 4, fill: false, interactive: false, renderer: drawing }).addTo(links);
    if (!map.getBounds().contains(bounds) || map.getZoom() < 14) frame(bounds);
    tell(fill(w.parcel_opened, { id: parcels.ref[m] }));
  }
  map.on("click", (event) => {
    const n = blockAt(event.latlng);
    if (n >= 0) { clicked(n, event.latlng, byId("carte")); return; }
    const other = restAt(event.latlng);
    if (other >= 0) { openRest(other, byId("carte")); return; }
    const m = parcelAt(event.latlng);
    if (m >= 0) openParcel(m, byId("carte"));
  });

  // ------------------------------------------------------------ legend, which is also the layer control
  const legend = byId("legende");
  function swatch(colour, style, dash, id) {
    const fill = style === "lines" ? "url(#" + id + ")" : style === "solid" ? colour : "none";
    const made = svg("svg", { width: 26, height: 18, "aria-hidden": "true" });
    if (style === "lines") made.append(svg("defs", {}, hatch(id, colour)));
    made.append(svg("rect", { x: 2, y: 2, width: 22, height: 14, fill: fill, "fill-opacity": style === "solid" ? FILLED : 1, stroke: colour, "stroke-width": 2.5, "stroke-dasharray": dash || "none" }));
    return made;
  }
  function outline(style) {
    return svg("svg", { width: 26, height: 18, "aria-hidden": "true" }, svg("rect", { x: 2, y: 2, width: 22, height: 14, fill: style.fill || "none", "fill-opacity": style.alpha || 0, stroke: style.color, "stroke-width": style.weight }));
  }
  function toggle(picture, label, layer) {
    const box = el("input", { type: "checkbox" });
    box.checked = true;
    box.addEventListener("change", () => (box.checked ? layer.addTo(map) : layer.remove()));
    return el("label", {}, box, picture, label);
  }
  function group(title, rows, extra) {
    legend.append(el("fieldset", { class: extra || "" }, el("legend", {}, title), ...rows));
  }
  const shown = Object.keys(data.answers).filter((key) => blockLayers[key]);
  group(rest.land.n ? w.told_blocks : w.candidate_blocks, shown.map((key) => {
    const answer = data.answers[key];
    const n = data.blocks.filter((block) => block.answer === key).length;
    return toggle(swatch(answer.colour, answer.hatch, answer.dash, "legende-" + key), fill(w.counted, { word: answer.word, n: count(n) }), blockLayers[key]);
  }));
  if (rest.land.n) group(w.other_blocks, Object.keys(data.answers).filter((key) => restLayers[key]).map((key) => {
    const answer = data.answers[key];
    const n = rest.block.filter((block) => block.answer === key).length;
    return toggle(swatch(answer.colour, answer.hatch, answer.dash, "legende-reste-" + key), fill(w.counted, { word: answer.word, n: count(n) }), restLayers[key]);
  }));
  const drawn = { yes: w.parcels_yes, unknown: w.parcels_unknown, no: w.parcels_no, none: w.parcels_none };
  group(w.parcels, KEYS.filter((key) => parcelLayers[key]).map((key) => toggle(outline(PARCEL_STYLE[key]), fill(w.counted, { word: drawn[key], n: count(parcelLayers[key].n) }), parcelLayers[key].layer)).concat(far));
  const spots = ["farm", "canteen"].filter((kind) => data.places.some((item) => item.kind === kind));
  group(w.spots, spots.map((kind) => toggle(sign(kind), kind === "farm" ? w.farms : w.canteens, placeLayers[kind])).concat(area.length ? [toggle(outline({ color: "#1b1b1b", weight: 1.5 }), w.territory, edge)] : []));

  const stagesShown = data.stages.map((stage, n) => [stage, n]).filter(([, n]) => data.blocks.some((block) => block.stage === n));
  if (stagesShown.length) {
    const list = el("div", {}, ...stagesShown.map(([stage, n]) => el("label", {}, swatch(stage.colour, stage.hatch, "", "legende-stade-" + n), stage.name)));
    list.append(el("label", {}, swatch("#6b6b6b", "none", ""), w.no_stage));
    list.hidden = true;
    const radios = [w.by_answer, w.by_stage].map((word, n) => {
      const dot = el("input", { type: "radio", name: "couleurs" });
      dot.checked = n === 0;
      dot.addEventListener("change", () => {
        byStage = n === 1;
        list.hidden = !byStage;
        list.parentNode.classList.toggle("on", byStage);
        if (paths) data.blocks.forEach((block) => block.layer.setStyle(look(block)));
        else sheet.redraw();
      });
      return el("label", { class: "choice" }, dot, word);
    });
    group(w.colours, radios.concat(list), "colours");
  }

  // ------------------------------------------------------------ background maps, when asked for
  if (data.base_maps.length) {
    const blank = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
    let current = null;
    const pick = (base) => {
      if (current) current.remove();
      current = base ? L.tileLayer(base.url, { maxNativeZoom: base.zoom, maxZoom: 20, errorTileUrl: blank }) : null;
      if (!current) return;
      current.once("tileerror", () => tell(w.ground_off));
      current.addTo(map);
    };
    const rows = [null].concat(data.base_maps).map((base, n) => {
      const dot = el("input", { type: "radio", name: "fond" });
      dot.checked = n === (navigator.onLine ? 1 : 0);
      dot.addEventListener("change", () => pick(base));
      return el("label", {}, dot, base ? base.name : w.no_ground);
    });
    group(w.ground, rows, "only-screen");
    pick(navigator.onLine ? data.base_maps[0] : null);
  }

  // ------------------------------------------------------------ moving without dragging; north
  const Pan = L.Control.extend({
    options: { position: "topleft" },
    onAdd: function () {
      const step = 120;
      const rows = [["↑", w.north, [0, -step]], ["←", w.west, [-step, 0]], ["⌂", w.whole, null], ["→", w.east, [step, 0]], ["↓", w.south, [0, step]]];
      const box = el("div", { class: "pan" }, ...rows.map(([sign_, label, by]) => button(sign_, () => (by ? map.panBy(by, { animate: !still }) : map.fitBounds(whole.pad(0.02), { animate: !still })), { "aria-label": label, title: label })));
      L.DomEvent.disableClickPropagation(box);
      return box;
    },
  });
  new Pan().addTo(map);
  const North = L.Control.extend({
    options: { position: "bottomleft" },
    onAdd: () => el("div", { class: "north" }, svg("svg", { width: 30, height: 44, viewBox: "0 0 30 44", role: "img", "aria-label": w.north_up }, svg("path", { d: "M15 2 L24 28 L15 22 L6 28 Z", fill: "#1b1b1b", stroke: "#ffffff", "stroke-width": 1.5 }), svg("text", { x: 15, y: 42, "text-anchor": "middle", "font-size": 13, "font-weight": 700, fill: "#1b1b1b" }, w.north_letter))),
  });
  new North().addTo(map);
  byId("credits").textContent = data.credits;

  // ------------------------------------------------------------ table, filters, search
  byId("outils").hidden = false;
  document.querySelectorAll("tr[data-block] .pick").forEach((pick) => {
    pick.addEventListener("click", () => openBlock(Number(pick.closest("tr").dataset.block), pick, true));
  });
  const value = (id) => (byId(id) ? byId(id).value : "");
  const slider = byId("f-annee");
  const year = () => (slider && slider.value !== slider.max ? Number(slider.value) : Infinity);
  const shut = (block) => block.routes.length > 0 && block.routes.every((item) => item.state === "no");
  // an unknown date is not a late one; a block whose routes are all closed serves no meal
  const inTime = (block) => year() === Infinity || (block.first ? Number(block.first.slice(0, 4)) <= year() : !shut(block));
  function keeps(block) {
    const commune = value("f-commune");
    const answer = value("f-reponse");
    const way = value("f-voie");
    const most = value("f-minutes");
    return (!commune || block.commune === commune) && (!answer || block.answer === answer)
      && (!way || block.routes.some((item) => item.id === way && item.state !== "no"))
      && (!most || block.minutes.farm === null || block.minutes.farm <= Number(most))
      && inTime(block);
  }
  function filter() {
    let kept = 0;
    let undated = 0;
    data.blocks.forEach((block, n) => {
      const now = keeps(block);
      kept += now ? 1 : 0;
      undated += now && !block.first ? 1 : 0;
      if (now === stays[n]) return;
      stays[n] = now;
      lines[n].hidden = !now;
      if (!paths) return;
      if (now) block.layer.addTo(blockLayers[block.answer]);
      else blockLayers[block.answer].removeLayer(block.layer);
    });
    filtered = kept < data.blocks.length;
    reached = ROWS;
    listed();
    if (!paths) sheet.redraw();
    byId("aucun").hidden = kept > 0;
    const without = undated && year() !== Infinity ? fill(w.undated, { n: count(undated) }) : "";
    const said = kept === 0 ? w.none_left : many(w.left, kept, { all: count(data.blocks.length), undated: without });
    byId("tri").hidden = kept === data.blocks.length;
    byId("tri").textContent = fill(w.filtered, { said: said });
    tell(said);
  }
  ["f-commune", "f-reponse", "f-voie", "f-minutes"].forEach((id) => byId(id) && byId(id).addEventListener("change", filter));
  if (slider) {
    slider.value = slider.max; // some browsers keep the last value on reload
    slider.addEventListener("input", () => {
      const said = slider.value === slider.max ? fill(w.year_all, { year: slider.value }) : slider.value;
      byId("annee").textContent = said;
      slider.setAttribute("aria-valuetext", said);
      filter();
    });
  }

  const plain = (text) => text.toUpperCase().replace(/[^0-9A-Z]/g, "");
  function search() {
    const asked = plain(value("cherche"));
    const list = byId("trouve");
    list.textContent = "";
    list.hidden = true;
    if (!asked) return;
    const n = data.blocks.findIndex((block) => plain(block.id) === asked);
    if (n >= 0) { openBlock(n, byId("cherche"), true); return; }
    const other = rest.id.findIndex((id) => plain(id) === asked);
    if (other >= 0) { openRest(other, byId("cherche")); return; }
    const found = [];
    (parcels.id || []).forEach((id, m) => {
      const said = parcels.ref[m].split(" ");
      const whole_ = said.join("");
      const padded = id.slice(8);
      if (asked === id || asked === whole_ || asked === said.slice(1).join("") || asked === padded || asked === id.slice(5)) found.push(m);
    });
    if (found.length === 1) { openParcel(found[0], byId("cherche")); return; }
    if (!found.length) { tell(fill(w.not_found, { asked: value("cherche") })); return; }
    found.slice(0, 20).forEach((m) => list.append(el("li", {}, button(parcels.id[m].slice(0, 5) + " " + parcels.ref[m], () => openParcel(m, byId("cherche"))))));
    list.hidden = false;
    tell(fill(w.which, { n: count(found.length) }));
  }
  byId("cherche-va").addEventListener("click", search);
  byId("cherche").addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); search(); } });

  // ------------------------------------------------------------ print: the whole territory, to the paper's width
  let before = null;
  window.addEventListener("beforeprint", () => {
    before = [map.getCenter(), map.getZoom()];
    document.documentElement.classList.add("printing");
    map.invalidateSize({ animate: false });
    map.fitBounds(whole.pad(0.02), { animate: false });
  });
  window.addEventListener("afterprint", () => {
    document.documentElement.classList.remove("printing");
    map.invalidateSize({ animate: false });
    if (before) map.setView(before[0], before[1], { animate: false });
  });
})();
