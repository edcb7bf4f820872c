import { Chart } from "./chart.js";
import { Tiles } from "./tiles.js";
import { AnswerWindow } from "./window.js";

/**
 * What the gateway answers on one route. The stream's answers come in by `answers` and `shift`; the chart moves with
 * the server's clock, and only while somebody can see it.
 */
class LivePanel extends HTMLElement {
  #window = new AnswerWindow();
  #versions = [];
  #chart = null;
  #tiles = null;
  #offset = null;
  #frame = 0;
  #seen = false;
  #running = false;
  #listening = null;
  #watching = null;

  connectedCallback() {
    this.#chart = new Chart(this.querySelector(".chart"));
    this.#tiles = new Tiles(this.querySelector(".tiles"));
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    const repaint = () => this.#repaint();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint, { signal });
    document.addEventListener("crossfade:theme", repaint, { signal });
    document.addEventListener("visibilitychange", () => this.#move(), { signal });
    this.#watching = new IntersectionObserver((entries) => {
      this.#seen = entries.at(-1).isIntersecting;
      this.#move();
    });
    this.#watching.observe(this);
  }

  disconnectedCallback() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#listening.abort();
    this.#watching.disconnect();
    this.#chart.close();
    this.#tiles.close();
  }

  /** Take in the stream's `answers`. */
  answers({ reset, now, window, html, versions, state, shifts }) {
    const offset = now - performance.now() / 1_000;
    // The network's delay varies, the clocks don't: the smallest delay seen is nearest to the truth.
    this.#offset = reset || this.#offset === null ? offset : Math.max(this.#offset, offset);
    this.#window.add(window, reset, now);
    [this.#versions, this.#running] = [versions, state === "running"];
    shifts.forEach((shift) => this.#chart.mark(shift));
    this.#paint();
    const place = this.querySelector(".answers");
    htmx.swap({ text: html, target: place, sourceElement: place, swap: "innerMorph" });
    this.#move();
  }

  /** Mark a shift of the weights. */
  shift({ at, label }) {
    this.#chart.mark({ at, label });
  }

  get #now() {
    return performance.now() / 1_000 + this.#offset;
  }

  #paint() {
    const names = this.#versions.map(([name]) => name);
    this.#chart.show(this.#versions, this.#window.columns(names, this.#now), this.#now);
    this.#tiles.show(this.#versions, this.#window.recent);
    const say = (place, words) => this.querySelector(place).setAttribute("aria-label", words);
    say(".chart", `Shares of the last 60 seconds: ${this.#window.words(this.#window.minute)}`);
    say(".tiles", `The last 200 answers: ${this.#window.words(this.#window.recent)}`);
  }

  #repaint() {
    this.#chart.reset();
    this.#tiles.reset();
    if (this.#offset !== null) this.#paint();
  }

  /** Run the clock while it is seen; where less motion is asked for, the chart moves with the answers only. */
  #move() {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const wanted = this.#seen && this.#running && !still && document.visibilityState === "visible";
    if (!wanted || this.#frame) return;
    const step = () => {
      this.#frame = 0;
      this.#chart.move(this.#now);
      this.#move();
    };
    this.#frame = requestAnimationFrame(step);
  }
}

customElements.define("live-panel", LivePanel);
