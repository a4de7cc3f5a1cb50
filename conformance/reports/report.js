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
    (!wanted.cause || outcome.dataset.cause.split(" ").includes(wanted.cause)) &&
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

// A filter that this page does not know would show everything as if it had matched.
function set(wanted, missing) {
  const fields = [...form.elements].filter((field) => field.name);
  const problems = [...wanted.keys()]
    .filter((name) => !fields.some((field) => field.name === name))
    .map((name) => `there is no filter called "${name}"`);
  if (missing !== undefined) problems.push(`no case is called "${missing}"`);
  for (const field of fields) {
    const value = wanted.get(field.name) ?? "";
    field.value = value;
    if (field.value !== value) problems.push(`no ${field.name} is called "${value}"`);
  }
  const unknown = document.getElementById("unknown");
  unknown.textContent = problems.length ? `The address asks for what this report does not have: ${problems.join("; ")}.` : "";
  unknown.hidden = problems.length === 0;
  for (const field of fields) if (field.value === "" || field.selectedIndex === -1) field.value = "";
  apply();
  if (problems.length) {
    for (const outcome of outcomes) outcome.hidden = true;
    document.getElementById("shown").value = `0 of ${outcomes.length}`;
  }
}

function fromAddress() {
  const fragment = location.hash.slice(1);
  if (!fragment.startsWith("?") && fragment !== "") {
    const outcome = document.getElementById(decodeURIComponent(fragment));
    if (outcome && outcome.classList.contains("outcome")) {
      if (outcome.hidden) set(new URLSearchParams());
      outcome.open = true;
      outcome.scrollIntoView();
    } else if (!document.getElementById(decodeURIComponent(fragment))) {
      set(new URLSearchParams(), decodeURIComponent(fragment));
    }
    return;
  }
  set(new URLSearchParams(fragment.slice(1)));
  if (fragment !== "") document.getElementById("list-title").scrollIntoView();
}

function toAddress() {
  document.getElementById("unknown").hidden = true;
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
