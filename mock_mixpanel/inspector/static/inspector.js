// Enhances pages that are complete without it: live data, keyboard, copying, theme.
// Live: one long poll of /_mock/changes; then the page fetches itself and takes over its content.

const body = document.body;
const live = document.getElementById("live");
const pauseButton = document.getElementById("pause");
const LIVE_PAGES = ["", "requests", "events", "rejected", "people", "groups", "leaks", "identity", "person", "group", "messages"];
const WAIT_SECONDS = 20;
const RETRY_MS = 1000;
// A page that is shown anew takes a part of the server's time: about one part in REST_FACTOR, but a
// new row is there within a second.
const REST_FACTOR = 50;
const LONGEST_REST_MS = 800;

const state = {
  last: Number(body.dataset.last), // of the requests that this page shows
  version: Number(body.dataset.version),
  seen: Number(body.dataset.last), // of the requests that the server told of
  paused: false,
  behind: Number(body.dataset.behind), // requests that the server did not read for this page yet
  since: null, // when the mock stopped answering
  stale: false, // whether the server has something that this page does not show
  stopped: false,
};

function say(text) {
  if (live.textContent !== text) live.textContent = text;
}

function newRequests() {
  return Math.max(0, state.seen - state.last);
}

function showState() {
  const count = newRequests();
  const news = count ? `, ${count} new` : "";
  if (state.since) say(`Mock not answering since ${state.since}`);
  else if (state.paused) say(`Paused${news}`);
  else if (!isLivePage()) say("Connected");
  else say(count ? `Live${news}: press f to show` : "Live");
  pauseButton.textContent = state.paused ? "Resume" : "Pause";
}

// Messages that are skipped make no request, so that the mock tells of no change.
function isPolled() {
  return body.dataset.page === "messages" && !state.paused;
}

function isLivePage() {
  return LIVE_PAGES.includes(body.dataset.page);
}

// New rows come by themselves only where they disturb nobody: at the top, with nothing selected,
// opened or being typed.
function mayRefresh() {
  const active = document.activeElement;
  const typing = active && /^(INPUT|SELECT|TEXTAREA)$/.test(active.tagName);
  const selected = String(window.getSelection() || "") !== "";
  const opened = document.querySelector("main details[open]");
  const older = new URLSearchParams(location.search).has("before");
  return isLivePage() && !state.paused && !typing && !selected && !opened && !older && window.scrollY < 40;
}

let restUntil = 0;

async function refresh() {
  const started = performance.now();
  try {
    await takeOver();
  } finally {
    const took = performance.now() - started;
    restUntil = performance.now() + Math.min(LONGEST_REST_MS, took * REST_FACTOR);
  }
}

async function takeOver() {
  const target = Math.max(state.seen, state.last);
  const response = await fetch(location.href, { headers: { Accept: "text/html", "X-Live": "1" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const main = page.querySelector("main");
  if (!main) return;
  const focused = document.activeElement && document.activeElement.closest("tr[id]");
  document.querySelector("main").replaceChildren(...main.childNodes);
  for (const selector of ["nav", ".status p:first-child"]) {
    const [old, fresh] = [document.querySelector(selector), page.querySelector(selector)];
    if (old && fresh) old.replaceChildren(...fresh.childNodes);
  }
  state.last = Math.max(target, Number(page.body.dataset.last) || 0);
  state.seen = Math.max(state.seen, state.last);
  state.version = Number(page.body.dataset.version) || state.version;
  state.behind = Number(page.body.dataset.behind) || 0;
  enhance();
  if (focused) focusRow(document.getElementById(focused.id));
  showState();
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function whenVisible() {
  if (document.visibilityState === "visible") return Promise.resolve();
  return new Promise((done) => {
    document.addEventListener("visibilitychange", () => done(), { once: true });
  });
}

async function watch() {
  while (!state.stopped) {
    await whenVisible();
    const wait = state.stale || state.behind || isPolled() ? 1 : WAIT_SECONDS;
    const query = new URLSearchParams({ after: state.seen, version: state.version, wait });
    let answer = null;
    try {
      const response = await fetch(`/_mock/changes?${query}`);
      if (!response.ok) throw new Error(`status ${response.status}`);
      answer = await response.json();
    } catch {
      state.since = state.since || new Date().toTimeString().slice(0, 8);
      showState();
      await pause(RETRY_MS);
      continue;
    }
    const restarted = state.since !== null;
    state.since = null;
    if (answer.last < state.seen) state.last = 0; // the mock forgot its requests
    const changed = answer.changed || restarted || answer.version !== state.version;
    state.stale = state.stale || changed || state.behind > 0 || isPolled();
    state.seen = answer.last;
    state.version = answer.version;
    showState();
    if (state.stale && mayRefresh()) {
      await pause(restUntil - performance.now()); // what changes meanwhile comes together
      if (mayRefresh()) {
        state.stale = false;
        await refresh().catch(() => { state.stale = true; });
      }
    }
    if (!answer.waited) await pause(RETRY_MS);
    else await pause(answer.changed ? 200 : 50); // bursts come together
  }
}

// Keyboard

const VIEWS = {
  o: "", r: "requests", e: "events", x: "rejected", p: "people", g: "groups", i: "identity",
  f: "faults", c: "clock", l: "leaks",
};
let afterG = false;

function rows() {
  return [...document.querySelectorAll("main tbody tr")].filter((row) => row.querySelector("a"));
}

function focusRow(row) {
  const link = row && row.querySelector("a");
  if (!link) return;
  link.focus();
  row.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = rows();
  const at = all.findIndex((row) => row.contains(document.activeElement));
  focusRow(all[Math.min(all.length - 1, Math.max(0, at + step))]);
}

function view(page) {
  const here = new URLSearchParams(location.search);
  const kept = new URLSearchParams();
  for (const name of ["token", "region"]) if (here.get(name)) kept.set(name, here.get(name));
  location.href = `/_mock/ui/${page}${kept.size ? `?${kept}` : ""}`;
}

function showHelp() {
  let help = document.getElementById("help");
  if (!help) {
    help = document.createElement("dialog");
    help.id = "help";
    help.setAttribute("aria-label", "Keyboard");
    const list = document.createElement("dl");
    for (const [keys, what] of [
      ["j, k", "next or previous row"], ["Enter", "open"], ["Escape", "back to the list"],
      ["/", "search"], ["p", "pause or resume"], ["f", "show the newest"], ["c", "copy"],
      ["g then o r e x p g i f c l", "overview, requests, events, rejected, people, groups, identity, faults, clock, leaks"],
      ["?", "this help"],
    ]) {
      const term = document.createElement("dt");
      term.textContent = keys;
      const text = document.createElement("dd");
      text.textContent = what;
      list.append(term, text);
    }
    const close = document.createElement("button");
    close.textContent = "Close";
    close.addEventListener("click", () => help.close());
    help.append(list, close);
    body.append(help);
  }
  help.showModal();
}

function togglePause() {
  state.paused = !state.paused;
  showState();
  if (!state.paused && newRequests()) refresh().catch(() => {});
}

function follow() {
  const here = new URL(location.href);
  state.paused = false;
  if (here.searchParams.has("before")) {
    here.searchParams.delete("before");
    location.href = here;
    return;
  }
  window.scrollTo(0, 0);
  refresh().catch(() => {});
}

function back() {
  const listed = sessionStorage.getItem("list");
  if (listed && /\/(requests|events|person|group)(\/|\?|$)/.test(location.pathname + location.search)) {
    location.href = listed;
  }
}

const KEYS = {
  j: () => move(1), k: () => move(-1), p: togglePause, f: follow, "?": showHelp, Escape: back,
  "/": () => (document.getElementById("filter") || document.getElementById("q")).focus(),
  c: () => { const first = document.querySelector("[data-copy]"); if (first) copy(first); },
  g: () => { afterG = true; setTimeout(() => { afterG = false; }, 1500); },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (afterG && event.key in VIEWS) {
    event.preventDefault();
    afterG = false;
    view(VIEWS[event.key]);
    return;
  }
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// A list remembers itself and the row that was opened, so that Escape returns to it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("main tbody a");
  if (!link) return;
  const row = link.closest("tr[id]");
  sessionStorage.setItem("list", location.href);
  if (row) sessionStorage.setItem("row", row.id);
});

// Copying

async function copy(button) {
  const target = document.getElementById(button.dataset.copy);
  target.closest("details").open = true;
  try {
    await navigator.clipboard.writeText(target.textContent);
    button.textContent = "Copied";
  } catch { // plain http on another host has no clipboard
    const range = document.createRange();
    range.selectNodeContents(target);
    window.getSelection().removeAllRanges();
    window.getSelection().addRange(range);
    button.textContent = "Selected: press Ctrl+C";
  }
}

function enhance() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  if (location.hash) {
    const row = document.querySelector(`[id="${CSS.escape(location.hash.slice(1))}"]`);
    if (row && row.tagName === "TR") focusRow(row);
  }
}

// On a narrow screen the pages are a row that scrolls: show the current one.
const current = document.querySelector("nav [aria-current]");
if (current) {
  const list = current.closest("ul");
  list.scrollLeft = current.offsetLeft - list.offsetLeft - 40;
}

const theme = document.getElementById("theme");
theme.hidden = false;
theme.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
});

if (isLivePage()) {
  pauseButton.hidden = false;
  pauseButton.addEventListener("click", togglePause);
}
enhance();
if (location.href === sessionStorage.getItem("list") && sessionStorage.getItem("row")) {
  focusRow(document.getElementById(sessionStorage.getItem("row")));
  sessionStorage.removeItem("row");
}
showState();
window.addEventListener("pagehide", () => { state.stopped = true; });
window.addEventListener("pageshow", (event) => {
  if (event.persisted) { state.stopped = false; watch(); }
});
watch();
