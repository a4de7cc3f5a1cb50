"use strict";
// The filter lives in the address: #?verdict=fail&level=must. Any other fragment is the id of one
// outcome, which is then shown and opened.
const form = document.getElementById("filter");
const outcomes = [...document.querySelectorAll(".outcome")];
const texts = new Map();

function textOf(outcome) {
  if (!texts.has(outcome)) texts.set(outcome, outcome.textContent.toLowerCase());
  return texts.get(outcome);
}

function headingsOf(outcome) {
  const heading = outcome.dataset.heading;
  return heading === "other sources" ? [heading] : heading.split(" ");
}

function matches(outcome, wanted) {
  return (
    (!wanted.verdict || outcome.dataset.verdict === wanted.verdict) &&
    (!wanted.level || outcome.dataset.level === wanted.level) &&
    (!wanted.heading || headingsOf(outcome).includes(wanted.heading)) &&
    (!wanted.q || wanted.q.toLowerCase().split(/\s+/).every((word) => textOf(outcome).includes(word)))
  );
}

function apply() {
  const wanted = Object.fromEntries(new FormData(form));
  let shown = 0;
  for (const outcome of outcomes) {
    outcome.hidden = !matches(outcome, wanted);
    shown += !outcome.hidden;
  }
  document.getElementById("shown").value = `${shown} of ${outcomes.length}`;
}

function set(wanted) {
  for (const field of form.elements) if (field.name) field.value = wanted.get(field.name) ?? "";
  apply();
}

function fromAddress() {
  const fragment = location.hash.slice(1);
  if (!fragment.startsWith("?") && fragment !== "") {
    const outcome = document.getElementById(decodeURIComponent(fragment));
    if (outcome && outcome.classList.contains("outcome")) {
      if (outcome.hidden) set(new URLSearchParams());
      outcome.open = true;
      outcome.scrollIntoView();
    }
    return;
  }
  set(new URLSearchParams(fragment.slice(1)));
  if (fragment !== "") document.getElementById("list-title").scrollIntoView();
}

function toAddress() {
  const wanted = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  history.replaceState(null, "", `#?${wanted}`);
  apply();
}

form.addEventListener("input", toAddress);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(toAddress));
document.getElementById("open").addEventListener("click", () => {
  const shown = outcomes.filter((outcome) => !outcome.hidden);
  const open = !shown.every((outcome) => outcome.open);
  for (const outcome of shown) outcome.open = open;
});
addEventListener("hashchange", fromAddress);
fromAddress();
