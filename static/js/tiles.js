import { colours, failedShape, shape, unknownShape } from "./palette.js";
import { isFailure, LAST } from "./window.js";

const FADING = 12;

/**
 * The last 200 answers, one mark each. An answer keeps its place until its place is needed again: nothing shifts, the
 * writing hand goes round.
 */
export class Tiles {
  #host;
  #canvas = document.createElement("canvas");
  #answers = [];
  #versions = new Map();
  #theme = null;
  #resized;

  /** @param {HTMLElement} host its width is the tiles' */
  constructor(host) {
    this.#host = host;
    Object.assign(this.#canvas, { width: 0, height: 0 });
    host.append(this.#canvas);
    host.addEventListener("pointermove", (event) => this.#point(event));
    this.#resized = new ResizeObserver(() => this.#draw());
    this.#resized.observe(host);
  }

  reset() {
    this.#theme = null;
  }

  close() {
    this.#resized.disconnect();
    this.#canvas.remove();
  }

  /** @param {[string, number][]} versions names and marks @param {Array[]} answers oldest first */
  show(versions, answers) {
    [this.#versions, this.#answers] = [new Map(versions), answers];
    this.#draw();
  }

  get #columns() {
    return this.#host.clientWidth >= 480 ? 40 : 25;
  }

  get #cell() {
    return Math.min(18, this.#host.clientWidth / this.#columns);
  }

  #draw() {
    const [columns, cell, ratio] = [this.#columns, this.#cell, devicePixelRatio];
    if (!cell || !this.#answers.length) return;
    this.#theme ??= { ...colours(), unknown: unknownShape(), cross: failedShape(), shapes: [] };
    const [width, height] = [columns * cell, (LAST / columns) * cell];
    Object.assign(this.#canvas, { width: width * ratio, height: height * ratio });
    Object.assign(this.#canvas.style, { width: `${width}px`, height: `${height}px` });
    const pen = this.#canvas.getContext("2d");
    const size = cell * 0.72;
    this.#answers.forEach(([sequence, , version, kind], each) => {
      // The oldest fade: their places are needed next.
      pen.globalAlpha = Math.min(1, (each + LAST - this.#answers.length + 1) / FADING);
      const place = sequence % LAST;
      const scale = (size / 16) * ratio;
      const at = (cells) => (cells * cell + (cell - size) / 2) * ratio;
      pen.setTransform(scale, 0, 0, scale, at(place % columns), at(Math.floor(place / columns)));
      this.#mark(pen, version, kind);
    });
  }

  #mark(pen, version, kind) {
    const mark = this.#versions.get(version);
    if (isFailure(kind) || mark === undefined) {
      pen.fillStyle = isFailure(kind) ? this.#theme.failed : this.#theme.faint;
      pen.fill(isFailure(kind) ? this.#theme.cross : this.#theme.unknown, "evenodd");
      return;
    }
    const { fill, edge } = this.#theme.versions[mark % 6];
    const path = (this.#theme.shapes[mark] ??= shape(mark));
    [pen.fillStyle, pen.strokeStyle, pen.lineWidth] = [fill, edge, 1.5];
    pen.fill(path);
    pen.stroke(path);
  }

  /** Say what the pointer is on. */
  #point({ offsetX, offsetY }) {
    const place = Math.floor(offsetY / this.#cell) * this.#columns + Math.floor(offsetX / this.#cell);
    const found = this.#answers.find(([sequence]) => sequence % LAST === place);
    if (!found) return this.#host.removeAttribute("title");
    const [, at, version, kind, milliseconds] = found;
    const words = [version ?? "not identified", kind.replaceAll("_", " "), `${milliseconds.toFixed(1)} ms`];
    this.#host.title = [...words, new Date(at * 1_000).toLocaleTimeString()].join(", ");
  }
}
