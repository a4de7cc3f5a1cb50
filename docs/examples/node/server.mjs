// The translator as a server: Segment's Tracking API in front, Mixpanel behind.
//
//     node server.mjs [PORT]                (0, the default, picks a free one and prints it)
//     python -m conformance run --target http:http://127.0.0.1:PORT
//
// SETTINGS is a file with its settings, MIXPANEL and MIXPANEL_EU where Mixpanel is. Who tests it can
// also tell it all that, and the time, at /_conformance. Delivery is as simple as can be: one record
// a request, in order, and what fails is printed.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { translate, unsupported } from "./translator.mjs";

const CALLS = ["track", "identify", "page", "screen", "group", "alias"];
const env = process.env;

let settings = env.SETTINGS ? JSON.parse(readFileSync(env.SETTINGS)) : { token: "T" };
let hosts = {
  "https://api.mixpanel.com": env.MIXPANEL ?? "http://127.0.0.1:8080",
  "https://api-eu.mixpanel.com": env.MIXPANEL_EU ?? "http://127.0.0.1:8081",
};
let clock = () => new Date();
let delivering = Promise.resolve();

// A queue of one: each operation waits for the one before it.
function deliver(operation) {
  delivering = delivering.then(() => send(operation)).catch((error) => console.error(String(error)));
}

async function send({ endpoint, host, payload }) {
  const query = endpoint === "/import" ? "strict=1&ip=0" : "verbose=1&ip=0";
  const headers = { "Content-Type": "application/json" };
  if (endpoint === "/import") headers.Authorization = `Basic ${btoa(`${settings.apiSecret}:`)}`;
  const body = JSON.stringify([payload]);
  const answer = await fetch(`${hosts[host]}${endpoint}?${query}`, { method: "POST", headers, body });
  const text = await answer.text();
  if (!answer.ok || JSON.parse(text).status === 0) console.error(`${endpoint}: ${text}`);
}

// What a test suite may say: settings, hosts, the time, and "wait until all is delivered".
const CONTROL = {
  start(asked) {
    const reason = unsupported(asked.settings);
    if (reason) return { unsupported: reason };
    settings = asked.settings;
    hosts = asked.base_urls;
    return { protocol: 1, name: "node example", does: "deliver" };
  },
  async deliver({ now }) {
    clock = () => new Date(now);
    await delivering;
    return { answers: [] };
  },
  stop() {
    return {};
  },
};

async function answer(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const path = request.url.split("?")[0].replace(/^\/v1/, "");
  let body;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return [400, { success: false, message: "the body is no JSON" }];
  }
  if (path === "/_conformance") return [200, await CONTROL[body.command](body)];
  const messages = path === "/batch" ? body.batch : [{ ...body, type: path.slice(1) }];
  if (path !== "/batch" && !CALLS.includes(path.slice(1))) return [404, { success: false }];
  for (const message of messages) {
    const { operations, error } = translate(message, settings, clock());
    if (error) console.error(`${error.code}: ${error.message}`);
    operations.forEach(deliver);
  }
  return [200, { success: true }];
}

const server = createServer(async (request, response) => {
  let status = 500;
  let body;
  try {
    [status, body] = await answer(request);
  } catch (error) {
    body = { success: false, message: String(error.stack) };
  }
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
});

server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
