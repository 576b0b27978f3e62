// Outlines by the thousand: read once into plain numbers, drawn on one canvas where they are in sight.
const outlines = (function () {
  "use strict";
  const TOGETHER = 200; // shapes drawn as one path: longer paths take the browser longer than many
  const STEP = 0.7; // pixels: points nearer than this to the last one are not drawn
  const SMALL = 2; // pixels: smaller shapes are drawn as a square

  // whole numbers, five bits a character, the sixth saying that more follow (compact.packed)
  function unpacked(text) {
    const numbers = [];
    let n = 0;
    let shift = 0;
    for (let i = 0; i < text.length; i++) {
      const part = text.charCodeAt(i) - 63;
      n |= (part & 31) << shift;
      shift += 5;
      if (part & 32) continue;
      numbers.push((n >>> 1) ^ -(n & 1));
      n = 0;
      shift = 0;
    }
    return numbers;
  }

  // Shapes (compact.encode) as flat arrays: points in pixels of the whole world at zoom 0.
  // first[n] is the first ring of shape n, ring[r] the first point of ring r; box: four a shape.
  function read(shapes, origin) {
    const x = [];
    const y = [];
    const ring = [];
    const first = new Int32Array(shapes.length + 1);
    const box = new Float64Array(4 * shapes.length);
    shapes.forEach((shape, n) => {
      let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
      shape.forEach((rings) => rings.forEach((text) => {
        ring.push(x.length);
        const steps = typeof text === "string" ? unpacked(text) : text;
        let [lng, lat] = origin;
        for (let i = 0; i < steps.length; i += 2) {
          lng += steps[i];
          lat += steps[i + 1];
          const px = 256 * (lng / 360e6 + 0.5);
          const py = 256 * (0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360e6)) / (2 * Math.PI));
          x.push(px);
          y.push(py);
          if (px < west) west = px;
          if (px > east) east = px;
          if (py < north) north = py;
          if (py > south) south = py;
        }
      }));
      first[n + 1] = ring.length;
      box.set([west, north, east, south], 4 * n);
    });
    ring.push(x.length);
    return { n: shapes.length, x: Float64Array.from(x), y: Float64Array.from(y), ring: Int32Array.from(ring), first: first, box: box };
  }

  // Shapes of `set` that the view may show, in order; `keeps(n)` may pass some over.
  function inSight(set, view, keeps) {
    const found = [];
    const box = set.box;
    for (let n = 0, b = 0; n < set.n; n++, b += 4) {
      if (box[b] <= view.east && box[b + 2] >= view.west && box[b + 1] <= view.south && box[b + 3] >= view.north && (!keeps || keeps(n))) found.push(n);
    }
    return found;
  }

  function trace(pen, set, n, view) {
    const b = 4 * n;
    const { scale, left, top } = view;
    if ((set.box[b + 2] - set.box[b]) * scale < SMALL && (set.box[b + 3] - set.box[b + 1]) * scale < SMALL) {
      pen.rect(set.box[b] * scale - left - 0.5, set.box[b + 1] * scale - top - 0.5, SMALL, SMALL);
      return;
    }
    for (let r = set.first[n]; r < set.first[n + 1]; r++) {
      let px = set.x[set.ring[r]] * scale - left;
      let py = set.y[set.ring[r]] * scale - top;
      pen.moveTo(px, py);
      for (let i = set.ring[r] + 1; i < set.ring[r + 1]; i++) {
        const qx = set.x[i] * scale - left;
        const qy = set.y[i] * scale - top;
        if (Math.abs(qx - px) + Math.abs(qy - py) < STEP) continue;
        pen.lineTo(qx, qy);
        px = qx;
        py = qy;
      }
      pen.closePath();
    }
  }

  // Draw shapes alike: style = {color, weight, dash (list), fill (colour, pattern or null), alpha}.
  function draw(pen, set, list, style, view) {
    pen.lineJoin = "round";
    pen.strokeStyle = style.color;
    pen.lineWidth = style.weight;
    pen.setLineDash(style.dash || []);
    if (style.fill && style.fill.hold) style.fill.hold(view);
    for (let i = 0; i < list.length; i += TOGETHER) {
      pen.beginPath();
      const end = Math.min(i + TOGETHER, list.length);
      for (let k = i; k < end; k++) trace(pen, set, list[k], view);
      if (style.fill) {
        pen.globalAlpha = style.alpha;
        pen.fillStyle = style.fill;
        pen.fill("evenodd");
        pen.globalAlpha = 1;
      }
      pen.stroke();
    }
    pen.setLineDash([]);
  }

  // The first shape that holds a point (pixels at zoom 0), or -1; a bare point is `near` or not.
  function at(set, point, near, keeps) {
    const box = set.box;
    for (let n = 0, b = 0; n < set.n; n++, b += 4) {
      if (point.x < box[b] - near || point.x > box[b + 2] + near || point.y < box[b + 1] - near || point.y > box[b + 3] + near) continue;
      if ((!keeps || keeps(n)) && (box[b] === box[b + 2] || holds(set, n, point))) return n;
    }
    return -1;
  }
  function holds(set, n, point) {
    let inside = false;
    for (let r = set.first[n]; r < set.first[n + 1]; r++) {
      for (let i = set.ring[r], j = set.ring[r + 1] - 1; i < set.ring[r + 1]; j = i++) {
        const [xi, yi, xj, yj] = [set.x[i], set.y[i], set.x[j], set.y[j]];
        if (yi > point.y !== yj > point.y && point.x < ((xj - xi) * (point.y - yi)) / (yj - yi) + xi) inside = !inside;
      }
    }
    return inside;
  }

  // A canvas that calls paint(pen, view) whenever the map shows something else. It draws at once,
  // never a frame later: a canvas moved before it is drawn again would flicker.
  const Sheet = L.Renderer.extend({
    initialize: function (paint, options) {
      this._paint = paint;
      L.Renderer.prototype.initialize.call(this, options);
    },
    _initContainer: function () {
      this._container = document.createElement("canvas");
      this._pen = this._container.getContext("2d");
    },
    _destroyContainer: function () {
      L.DomUtil.remove(this._container);
      delete this._container;
      delete this._pen;
    },
    _update: function () {
      if (this._map._animatingZoom && this._bounds) return;
      L.Renderer.prototype._update.call(this);
      const corner = this._bounds.min;
      const size = this._bounds.getSize();
      const start = this._map.getPixelOrigin();
      L.DomUtil.setPosition(this._container, corner);
      const shown = [corner.x + start.x, corner.y + start.y, size.x, size.y, this._zoom].join(" ");
      if (shown !== this._shown) this.redraw();
      this._shown = shown;
    },
    redraw: function () {
      if (!this._bounds) return;
      const fine = L.Browser.retina ? 2 : 1;
      const size = this._bounds.getSize();
      const canvas = this._container;
      canvas.width = fine * size.x; // which also wipes it
      canvas.height = fine * size.y;
      canvas.style.width = size.x + "px";
      canvas.style.height = size.y + "px";
      this._pen.scale(fine, fine);
      const scale = Math.pow(2, this._zoom);
      const corner = this._bounds.min.add(this._map.getPixelOrigin());
      this._paint(this._pen, {
        scale: scale, left: corner.x, top: corner.y,
        west: corner.x / scale, north: corner.y / scale,
        east: (corner.x + size.x) / scale, south: (corner.y + size.y) / scale,
      });
    },
  });

  // Slanted lines on pale paper, as the hatches of the legend; `period` in pixels.
  function hatched(pen, colour, period) {
    const side = Math.round(period * Math.SQRT2);
    const tile = document.createElement("canvas");
    tile.width = tile.height = side;
    const ink = tile.getContext("2d");
    ink.fillStyle = "rgba(255, 255, 255, 0.55)";
    ink.fillRect(0, 0, side, side);
    ink.strokeStyle = colour;
    ink.lineWidth = period / 3;
    ink.beginPath();
    for (let shift = -side; shift <= side; shift += side) {
      ink.moveTo(shift - 1, side + 1);
      ink.lineTo(shift + side + 1, -1);
    }
    ink.stroke();
    const pattern = pen.createPattern(tile, "repeat");
    // held to the ground, not to the canvas: lines stay where they are when the map moves
    pattern.hold = (view) => pattern.setTransform(new DOMMatrix([1, 0, 0, 1, -(view.left % side), -(view.top % side)]));
    return pattern;
  }

  return { unpacked: unpacked, read: read, inSight: inSight, draw: draw, at: at, Sheet: Sheet, hatched: hatched };
})();
