// Runs `make-mp-data`, told its configuration on standard input, and writes what it says it sent as
// JSON to the file that ANSWERS names: its own output is for people.
//
// Input: {model, ...changes}; `model` names one of the package's own models.
const fs = require("node:fs");
const make = require("make-mp-data");

(async () => {
  const { model, ...changes } = JSON.parse(fs.readFileSync(0, "utf8"));
  const own = require(`make-mp-data/models/${model}.js`);
  const { import: said } = await make({ ...own, writeToDisk: false, ...changes });
  const counts = ({ total, success, failed }) => ({ total, success, failed });
  const groups = said.groups.map(counts);
  const answer = { events: counts(said.events), users: counts(said.users), groups };
  fs.writeFileSync(process.env.ANSWERS, JSON.stringify(answer));
  process.exit(0);
})();
