import { Draft } from "./draft.js";
import { kubectlPatch, yamlDiff } from "./preview.js";
import { refresh } from "./refresh.js";

/**
 * The faders of one route around the server's own form.
 *
 * The server's word is in `data-weights`, `data-digest` and `data-total`, which every morph renews; what the person has
 * in mind is a Draft. `#render` writes both into the form, at any time. One write is under way at most; of what comes
 * meanwhile only the newest is sent.
 */
class WeightForm extends HTMLElement {
  #draft = null;
  #sent = null;
  #waiting = false;
  #status = 0;
  #chosen = Infinity;
  #listening = null;

  connectedCallback() {
    this.#draft ??= new Draft(this.#server());
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    const on = (target, name, listener) => target.addEventListener(name, listener, { signal });
    on(this, "input", (event) => this.#input(event));
    on(this, "change", (event) => this.#change(event));
    on(this, "click", (event) => this.#click(event));
    on(this, "keydown", (event) => this.#key(event));
    on(this, "submit", (event) => this.#submit(event));
    on(this, "htmx:after:request", ({ detail }) => (this.#status = detail.ctx.response.status));
    on(this.#route, "htmx:before:request", ({ target }) => target.matches(".history form") && this.#draft.reset());
    on(document, "htmx:after:swap", ({ target }) => target.closest?.(".answers") ?? this.#follow());
    this.#render();
  }

  disconnectedCallback() {
    this.#listening.abort();
  }

  get #route() {
    return this.closest(".route");
  }

  get #form() {
    return this.querySelector("form");
  }

  get #faders() {
    return [...this.querySelectorAll(".fader")];
  }

  /** Which destination a preset means: the one moved last, else the last: the canary by custom. */
  get #target() {
    return Math.min(this.#chosen, this.#draft.stored.length - 1);
  }

  #part(name) {
    return this.querySelector(`[data-part="${name}"]`);
  }

  #action(name) {
    return this.querySelector(`[data-action="${name}"]`);
  }

  #say(words) {
    this.#part("words").textContent = words;
  }

  #server() {
    const { weights, digest, total } = this.dataset;
    return { weights: weights.split(" ").map(Number), digest, total: Number(total) };
  }

  /** The page was morphed: take in what is stored now, and write the draft over it again. */
  #follow() {
    const heard = this.#draft.take(this.#server(), this.#sent);
    const who = this.dataset.by || "Somebody";
    if (heard === "theirs") this.#say(`${who} changed this route. Your draft is kept.`);
    if (heard === "reshaped") this.#say(`${who} changed this route's destinations. Your draft fits no more.`);
    this.#render();
  }

  #indexOf(target) {
    return this.#faders.indexOf(target.closest(".fader"));
  }

  #input({ target }) {
    const index = this.#indexOf(target);
    if (index < 0 || !/^[0-9]+$/.test(target.value)) return;
    this.#chosen = index;
    this.#draft.move(index, Number(target.value));
    const reached = this.#draft.current[index];
    if (reached !== Number(target.value)) this.#say(`Stopped at ${reached}: there is no more room.`);
    this.#clear();
    this.#render();
  }

  #change({ target }) {
    if (this.#indexOf(target) < 0) return;
    this.#render({ all: true });
    if (this.#part("at-once").checked) this.#apply();
  }

  #click(event) {
    const [button, draft] = [event.target.closest("[data-action]"), this.#draft];
    const actions = {
      lock: () => draft.lock(this.#indexOf(button)),
      preset: () => draft.move(this.#target, Math.round((draft.total * Number(button.dataset.share)) / 100), "preset"),
      swap: () => draft.swap(),
      scale: () => draft.rescale(100),
      reset: () => draft.reset(),
      take: () => draft.reset(),
      overwrite: () => draft.rebase(),
    };
    const action = button?.dataset.action;
    if (!action) return;
    event.preventDefault();
    actions[action]();
    this.#clear();
    this.#render({ all: true });
    const moved = action === "preset" || action === "swap";
    if (action === "overwrite" || (moved && this.#part("at-once").checked)) this.#apply();
  }

  #key({ key, target }) {
    if (key === "Enter" && target.type === "range") this.#form.requestSubmit();
    if (key !== "Escape" || !this.#draft.weights || this.querySelector("dialog").open) return;
    this.#draft.reset();
    this.#clear();
    this.#say("Draft thrown away.");
    this.#render({ all: true });
  }

  #submit(event) {
    if (event.target !== this.#form) return;
    event.preventDefault();
    this.#draft.settle();
    this.#apply();
  }

  async #apply() {
    const draft = this.#draft;
    if (draft.conflict) this.#action("overwrite").focus();
    this.#waiting = true;
    if (this.#sent) return;
    while (this.#waiting && draft.weights && !draft.conflict) {
      this.#waiting = false;
      const agreed = await this.#agreed();
      if (!agreed || !draft.weights || draft.conflict) return;
      await this.#send(draft.weights);
      if (this.#status !== 200) return;
    }
  }

  async #send(weights) {
    const route = this.#route;
    this.#status = 0;
    this.#sent = weights;
    this.#render({ all: true });
    this.#say(`Sending ${weights.join("/")}.`);
    const place = { target: route, select: `#${route.id}`, swap: "outerMorph ignoreTitle:true" };
    await htmx.ajax("POST", this.#form.action, { source: this.#form, ...place });
    this.#sent = null;
    if (this.#status === 200) this.#say(`Stored: ${weights.join("/")}.`);
    else this.#explain();
    this.#render({ all: true });
  }

  /** After an error its words are on the page, if it had any; after a conflict theirs shall be, too. */
  #explain() {
    const place = this.#route.querySelector(".message");
    if (!place.textContent.trim()) {
      const gone = "Crossfade does not answer. Whether the shift was stored shows when it does.";
      const textContent = this.#status ? `The answer was ${this.#status}, without words.` : gone;
      place.replaceChildren(Object.assign(document.createElement("div"), { role: "alert", textContent }));
    }
    if (this.#status === 409) refresh();
  }

  #clear() {
    this.#route.querySelector(".message").replaceChildren();
  }

  /** Ask before traffic goes where too few pods are ready to take it. */
  async #agreed() {
    const { stored, scale, weights, total } = this.#draft;
    const words = this.#faders.map(({ dataset: { version, ready, pods } }, each) => {
      if (weights[each] * scale <= stored[each] * total || !(Number(ready) < Number(pods) || ready === "0")) return "";
      const none = `no ready pod (0 of ${pods}): what is sent there fails`;
      const there = ready === "0" ? none : `only ${ready} of ${pods} pods ready`;
      return `${version} has ${there}. It would get ${weights[each]} of ${total}.`;
    });
    if (!words.some(Boolean)) return true;
    const dialog = this.querySelector("dialog");
    this.#part("question").textContent = words.join(" ");
    dialog.returnValue = "";
    dialog.showModal();
    dialog.querySelector(".primary").focus();
    await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
    return dialog.returnValue === "send";
  }

  /** Write the draft into the form. The field in which somebody types is left alone, except with `all`. */
  #render({ all = false } = {}) {
    const { current, stored, weights, digest, total, locked, conflict } = this.#draft;
    const apply = this.#part("apply");
    const faders = this.#faders;
    const versions = faders.map(({ dataset }) => dataset.version);
    const words = versions.map((version, each) => `${version} ${current[each]}`);
    const segments = this.querySelectorAll("[data-part=next] .segment");
    this.toggleAttribute("data-drafting", Boolean(weights));
    this.#form.elements.route_digest.value = digest;
    faders.forEach((fader, each) => {
      const [range, number] = fader.querySelectorAll("input");
      const share = (100 * current[each]) / total;
      const others = words.toSpliced(each, 1).join(", ");
      range.max = number.max = total;
      range.value = current[each];
      range.style.setProperty("--at", `${share}%`);
      range.setAttribute("aria-valuetext", `${words[each]} of ${total}, then ${others}`);
      range.disabled = number.readOnly = locked.has(each) || !apply;
      if (all || document.activeElement !== number) number.value = current[each];
      fader.querySelector(".lock").setAttribute("aria-pressed", String(locked.has(each)));
      widen(segments[each], share);
      segments[each].querySelector("i").textContent = current[each];
    });
    this.#part("next").setAttribute("aria-label", words.join(", "));
    if (!apply) return;
    // Not `disabled`: a button that is would lose the focus of who has just pressed it.
    for (const button of [apply, this.#action("reset")]) button.setAttribute("aria-disabled", String(!weights));
    apply.firstChild.textContent = this.#sent ? `Sending ${this.#sent.join("/")} ` : "Apply ";
    apply.hidden = conflict;
    this.#part("theirs").hidden = !conflict;
    this.#action("scale")?.toggleAttribute("hidden", total === 100);
    this.#part("chosen").textContent = versions[this.#target];
    const change = { ...this.dataset, versions, stored, draft: current };
    this.#part("diff").replaceChildren(...yamlDiff(change));
    this.#part("kubectl").textContent = weights ? kubectlPatch(change) : "Nothing to change yet.";
  }
}

/** Give a bar's segment its share of the width, in the classes that the server uses too. */
function widen(segment, share) {
  const percent = share > 0 ? Math.max(1, Math.round(share)) : 0;
  const rest = segment.className.replace(/ [tu][0-9]+/g, "");
  segment.className = `${rest} t${Math.floor(percent / 10)} u${percent % 10}`;
}

customElements.define("weight-form", WeightForm);
