const rows = () => document.querySelectorAll("details[data-text]");
document.getElementById("filter")?.addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/);
  for (const row of rows()) {
    row.hidden = !words.every((word) => row.dataset.text.toLowerCase().includes(word));
  }
  const rare = document.querySelector("details.rare");
  if (rare) {
    rare.hidden = !rare.querySelector("details[data-text]:not([hidden])");
    if (event.target.value) rare.open = true;
  }
});
document.getElementById("sort")?.addEventListener("change", (event) => {
  const compare = event.target.value === "messages"
    ? (a, b) => b.dataset.messages - a.dataset.messages
    : (a, b) => a.dataset.name.localeCompare(b.dataset.name);
  for (const place of document.querySelectorAll(".sorted")) {
    place.append(...[...place.children].sort(compare));
  }
});
for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", async () => {
    const text = button.parentElement.querySelector("pre").textContent + "\n";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A file: address has no clipboard in some browsers.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
  });
}
