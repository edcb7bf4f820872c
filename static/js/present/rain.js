import { colours, failedShape, shape, unknownShape } from "../palette.js";
import { isFailure } from "../window.js";

const FALL_MS = 2_600;
const MOST = 400;
/** Pixels: without a graphics card a canvas as large as a 4K screen costs twice as much, and marks this large hide it. */
const WIDEST = 1_920;
/** Spreads neighbours far apart, evenly over the width, however many fall. */
const GOLDEN = 0.618033988749895;

/** Answers as they come, falling: a mark each, in its version's colour and shape. */
export class Rain {
  #host;
  #canvas = document.createElement("canvas");
  #pen = this.#canvas.getContext("2d");
  #drops = [];
  #sprites = new Map();
  #versions = new Map();
  #frame = 0;
  #held = 0;
  #ratio = 1;
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {HTMLElement} host its size is the rain's */
  constructor(host) {
    this.#host = host;
    host.append(this.#canvas);
    new ResizeObserver(() => this.#fit()).observe(host);
  }

  /** Colours have changed. */
  reset() {
    this.#sprites.clear();
    this.#draw(performance.now());
  }

  /** Stop the picture, or let it go on. */
  hold() {
    const now = performance.now();
    if (this.#held) for (const drop of this.#drops) drop.from += now - this.#held;
    this.#held = this.#held ? 0 : now;
    this.#host.dataset.held = this.#held ? "yes" : "no";
    this.#run();
  }

  /** @param {[string, number][]} versions names and marks @param {Array[]} answers as the stream writes them */
  add(versions, answers) {
    if (JSON.stringify(versions) !== JSON.stringify([...this.#versions])) this.#sprites.clear();
    this.#versions = new Map(versions);
    if (this.#held) return;
    const now = performance.now();
    // The stream brings them in bundles: they fall at the pace at which they were asked.
    const newest = Math.max(...answers.map(([, at]) => at));
    for (const [sequence, at, version, kind] of answers) {
      const name = isFailure(kind) ? "failed" : this.#versions.has(version) ? version : "unknown";
      const wait = Math.max(0, 500 - (newest - at) * 1_000);
      this.#drops.push({ name, x: (sequence * GOLDEN) % 1, from: now + wait });
    }
    this.#drops.splice(0, this.#drops.length - MOST);
    this.#run();
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.#host;
    this.#ratio = Math.min(devicePixelRatio, WIDEST / (width || 1));
    Object.assign(this.#canvas, { width: width * this.#ratio, height: height * this.#ratio });
    this.#sprites.clear();
    this.#draw(performance.now());
  }

  #run() {
    if (this.#frame || this.#held || !this.#drops.length) return;
    this.#frame = requestAnimationFrame((now) => {
      this.#frame = 0;
      this.#draw(now);
      this.#run();
    });
  }

  #draw(now) {
    const { width, height } = this.#canvas;
    const size = this.#size;
    this.#pen.clearRect(0, 0, width, height);
    this.#drops = this.#drops.filter(({ from }) => now - from < FALL_MS);
    for (const { name, x, from } of this.#drops) {
      const age = (now - from) / FALL_MS;
      if (age < 0) continue;
      const sprite = this.#sprite(name, size);
      // Where less motion is asked for a mark appears in its place, and goes.
      const y = this.#still.matches ? ((x * 7.3) % 1) * (height - size) : age * (height + size) - size;
      this.#pen.globalAlpha = Math.min(1, (1 - age) * 4);
      this.#pen.drawImage(sprite, Math.round(x * (width - size)), Math.round(y));
    }
    this.#pen.globalAlpha = 1;
  }

  get #size() {
    return Math.round(Math.min(Math.max(this.#canvas.height / 9, 18 * this.#ratio), 56 * this.#ratio));
  }

  #sprite(name, size) {
    const known = this.#sprites.get(name);
    if (known?.width === size) return known;
    const theme = colours();
    const canvas = new OffscreenCanvas(size, size);
    const pen = canvas.getContext("2d");
    pen.scale(size / 16, size / 16);
    const mark = this.#versions.get(name);
    if (mark === undefined) {
      pen.fillStyle = name === "failed" ? theme.failed : theme.faint;
      pen.fill(name === "failed" ? failedShape() : unknownShape(), "evenodd");
    } else {
      const { fill, edge } = theme.versions[mark % 6];
      [pen.fillStyle, pen.strokeStyle, pen.lineWidth] = [fill, edge, 1];
      pen.fill(shape(mark));
      pen.stroke(shape(mark));
    }
    this.#sprites.set(name, canvas);
    return canvas;
  }
}
