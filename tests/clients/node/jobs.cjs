// Runs `mixpanel-import` as told on standard input, one job after another, and writes what each
// answered as JSON to the file that ANSWERS names: its own output is for people.
//
// Input: [[credentials, data, options], ...].
const fs = require("node:fs");
const mixpanelImport = require("mixpanel-import");

(async () => {
  const answers = [];
  for (const job of JSON.parse(fs.readFileSync(0, "utf8"))) {
    answers.push(await mixpanelImport(...job));
  }
  fs.writeFileSync(process.env.ANSWERS, JSON.stringify(answers));
  process.exit(0);
})();
