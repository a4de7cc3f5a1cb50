// The translator behind mockpanel's exec protocol: JSON lines in, JSON lines out.
//
//     python -m conformance run --target 'exec:node driver.mjs'

import { createInterface } from "node:readline";
import { translate, unsupported } from "./translator.mjs";

let settings;

const COMMANDS = {
  start(asked) {
    const reason = unsupported(asked.settings);
    if (reason) return { unsupported: reason };
    settings = asked.settings;
    return { protocol: 1, name: "node example", does: "translate" };
  },
  translate({ messages, now }) {
    return { answers: messages.map((each) => translate(each, settings, new Date(now))) };
  },
  stop() {
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let answer;
  try {
    answer = COMMANDS[asked.command](asked);
  } catch (error) {
    answer = { failed: String(error.stack) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
