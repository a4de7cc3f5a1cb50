// Sets the chosen theme before the page is drawn; the system's theme is the default.
const chosen = localStorage.getItem("theme");
if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
