// Calls `@segment/analytics-node` as told on standard input, flushing after each list of calls, and
// writes the errors it told of as JSON.
//
// Input: {"options", "calls": [[[method, message], ...], ...]}.
const fs = require("node:fs");
const { Analytics } = require("@segment/analytics-node");

const input = JSON.parse(fs.readFileSync(0, "utf8"));
const told = [];

(async () => {
  const analytics = new Analytics({ writeKey: "write-key", ...input.options });
  analytics.on("error", (error) => told.push(String(error.reason || error)));
  for (const calls of input.calls) {
    for (const [method, message] of calls) analytics[method](message);
    await analytics.flush();
  }
  await analytics.closeAndFlush();
  process.stdout.write(JSON.stringify(told), () => process.exit(0));
})();
