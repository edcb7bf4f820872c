import { colours, failureHatch, hatched, unknownHatch, versionHatch } from "./palette.js";
import { FAILURES, SECONDS } from "./window.js";

const FONT = "12px system-ui, sans-serif";
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });

/** Shares of the last minute, stacked: a column a second, a layer a version, failures upon them; shifts as lines. */
export class Chart {
  #host;
  #plot = null;
  #versions = "";
  #now = 0;
  #data = null;
  #shifts = [];
  #resized;

  /** @param {HTMLElement} host its size is the chart's */
  constructor(host) {
    this.#host = host;
    this.#resized = new ResizeObserver(() => this.#fit());
    this.#resized.observe(host);
  }

  /** Forget the plot: the next data builds it anew, in today's colours. */
  reset() {
    this.#plot?.destroy();
    this.#plot = null;
  }

  close() {
    this.#resized.disconnect();
    this.reset();
  }

  /** @param {[string, number][]} versions names and marks @param {number[][]} data from AnswerWindow.columns */
  show(versions, data, now) {
    const names = JSON.stringify(versions);
    if (names !== this.#versions) this.reset();
    [this.#versions, this.#data] = [names, data];
    if (!this.#plot && this.#host.clientWidth) this.#build(versions);
    this.#plot?.setData(data, false);
    this.move(now, true);
  }

  /** Mark a shift. @param {{at: number, label: string}} shift */
  mark(shift) {
    this.#shifts = [...this.#shifts.filter(({ at }) => at > this.#now - SECONDS && at !== shift.at), shift].slice(-20);
  }

  /** Let time pass; draws only when something has moved by a pixel of the screen. */
  move(now, always = false) {
    const pixel = SECONDS / Math.max(1, this.#host.clientWidth * devicePixelRatio);
    if (!this.#plot || (!always && now - this.#now < pixel)) return;
    this.#now = now;
    this.#plot.setScale("x", { min: now - SECONDS, max: now });
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (this.#plot && width) this.#plot.setSize({ width, height });
    else if (this.#data && width) this.show(JSON.parse(this.#versions), this.#data, this.#now);
  }

  #build(versions) {
    const theme = colours();
    const { clientWidth: width, clientHeight: height } = this.#host;
    const origin = this.#data[0][0];
    const layer = (colour, hatch) => {
      let fill = null;
      return {
        points: { show: false },
        paths: (plot, series) => this.#columns(plot, series),
        fill: (plot) => {
          fill ??= hatch ? hatched(plot.ctx, colour, hatch, uPlot.pxRatio) : colour;
          // The hatching travels with the columns.
          fill.setTransform?.(new DOMMatrix().translate(plot.valToPos(origin, "x", true) % (8 * uPlot.pxRatio), 0));
          return fill;
        },
      };
    };
    const axis = { stroke: theme.faint, font: FONT, ticks: { show: false }, grid: { stroke: theme.line, width: 1 } };
    const times = {
      size: 28,
      grid: { show: false },
      splits: (plot, _, min, max) => rounds(min, max, plot.width < 440 ? 20 : 15),
      values: (_, splits) => splits.map((at) => clock.format(at * 1_000)),
    };
    const shares = { size: 44, gap: 8, splits: () => [0, 50, 100], values: () => ["0 %", "50 %", "100 %"] };
    const options = {
      width,
      height,
      cursor: { show: false },
      legend: { show: false },
      padding: [22, 0, 0, 0],
      scales: { x: { time: false, auto: false }, y: { auto: false, range: [0, 100] } },
      axes: [{ ...axis, ...times }, { ...axis, ...shares }],
      series: [
        {},
        ...versions.map(([, mark]) => layer(theme.versions[mark % 6].fill, versionHatch(mark))),
        layer(theme.line, unknownHatch),
        ...FAILURES.map((_, place) => layer(theme.failed, failureHatch(place))),
      ],
      hooks: { draw: [(plot) => this.#drawShifts(plot, theme)] },
    };
    this.#plot = new uPlot(options, this.#data, this.#host);
  }

  /** One rectangle a second, from the layer below to this one's edge; the second that runs grows with the clock. */
  #columns(plot, series) {
    const [seconds] = plot.data;
    const fill = new Path2D();
    const y = (share) => plot.valToPos(share, "y", true);
    const { left, width } = plot.bbox;
    seconds.forEach((second, each) => {
      const upper = plot.data[series][each];
      const lower = series > 1 ? plot.data[series - 1][each] : 0;
      if (upper === null || upper === lower) return;
      const from = Math.max(left, Math.round(plot.valToPos(second, "x", true)));
      const to = Math.min(left + width, Math.round(plot.valToPos(second + 1, "x", true)));
      if (to > from) fill.rect(from, y(upper), to - from, y(lower) - y(upper));
    });
    return { stroke: null, fill };
  }

  #drawShifts(plot, theme) {
    const { ctx } = plot;
    const { top, left, width, height } = plot.bbox;
    const ratio = uPlot.pxRatio;
    ctx.save();
    ctx.font = `600 ${12 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = "bottom";
    let free = left + width;
    for (const { at, label } of this.#shifts.toSorted((one, other) => other.at - one.at)) {
      const x = Math.round(plot.valToPos(at, "x", true));
      if (x < left || x > left + width) continue;
      ctx.fillStyle = theme.surface;
      ctx.fillRect(x - 2 * ratio, top, 4 * ratio, height);
      ctx.fillStyle = theme.ink;
      ctx.fillRect(x - ratio, top - 4 * ratio, 2 * ratio, height + 4 * ratio);
      const half = ctx.measureText(label).width / 2;
      const middle = Math.min(Math.max(x, left + half), left + width - half);
      // Of labels that would cover each other the newer one counts.
      if (middle + half > free) continue;
      free = middle - half - 8 * ratio;
      ctx.textAlign = "center";
      ctx.fillText(label, middle, top - 5 * ratio);
    }
    ctx.restore();
  }
}

/** The round moments between two, as far from the right edge as their label needs. */
function rounds(min, max, step) {
  const first = Math.ceil(min / step) * step;
  return Array.from({ length: Math.floor((max - step / 5 - first) / step) + 1 }, (_, each) => first + step * each);
}
