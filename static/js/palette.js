/* The page's colours, shapes and patterns for canvases, read from the page itself, so that they are said once. */

const COLOURS = 6;
const path = (name) => new Path2D(document.querySelector(`#mark-${name} path`).getAttribute("d"));

/** The shape of a version's mark in a 16 by 16 box; from the seventh on shape and colour pair anew. */
export const shape = (mark) => path((mark + Math.floor(mark / COLOURS)) % COLOURS);
export const failedShape = () => path("failed");
export const unknownShape = () => path("unknown");

/** The colours as they are right now, for a theme may change them: `versions` by mark, the others by name. */
export function colours() {
  const probe = document.body.appendChild(document.createElement("i"));
  const read = (name, of = "") => {
    probe.className = `palette ${of}`;
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const version = (_, each) => ({ fill: read("c", `c${each}`), edge: read("edge", `c${each}`) });
  const versions = Array.from({ length: COLOURS }, version);
  const plain = Object.fromEntries(["ink", "faint", "line", "surface", "failed"].map((name) => [name, read(name)]));
  probe.remove();
  return { versions, ...plain };
}

/** How each layer is hatched, as strokes on a tile of 8 by 8; the first colour is plain. */
const HATCHES = ["", "M-2 6L2 10M0 0L8 8M6 -2L10 2", "M4 3.5v1", "M-2 2L2 -2M0 8L8 0M6 10L10 6", "M0 4H8", "M4 0V8"];
const CROSS = `${HATCHES[1]}${HATCHES[3]}`;

/** A fill for a canvas: a colour with its hatching, scaled to the screen's pixels. */
export function hatched(context, colour, hatch, ratio) {
  const tile = new OffscreenCanvas(8 * ratio, 8 * ratio);
  const pen = tile.getContext("2d");
  pen.scale(ratio, ratio);
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = "#0003";
  pen.lineWidth = 1.5;
  pen.stroke(new Path2D(hatch));
  return context.createPattern(tile, "repeat");
}

export const versionHatch = (mark) => HATCHES[mark % COLOURS];
/** Failures are red and crossed, each kind its own way; what can't be told is grey and striped. */
export const failureHatch = (place) => [CROSS, `${CROSS}M0 4H8`, `${HATCHES[4]}${HATCHES[5]}`, HATCHES[1]][place];
export const unknownHatch = HATCHES[3];
