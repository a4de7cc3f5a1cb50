// Makes calls on @segment/analytics-react-native with its Mixpanel plugin, in Node.
//
// Standard input: {"settings": the destination's settings, "calls": [[method, ...arguments], ...],
// "requests": how many requests of mixpanel-react-native the calls lead to}. mixpanel-react-native
// runs in its JavaScript mode; React Native and its storage are the packages in `stubs`. Requests
// to Segment are answered here, so the settings are those of standard input.
const { readFileSync } = require("node:fs");

const { buildSync } = require("esbuild");

const answered = new EventTarget();
const send = globalThis.fetch;
globalThis.fetch = async (address, options) => {
  if (!/^https:\/\/[^/]*mixpanel\.com\//.test(address)) return new Response("{}", { status: 404 });
  const response = await send(address, options);
  answered.dispatchEvent(new Event("request"));
  return response;
};

function packages() {
  const contents = `
    export { createClient } from "@segment/analytics-react-native";
    export { MixpanelPlugin } from "@segment/analytics-react-native-plugin-mixpanel";
  `;
  const built = buildSync({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    format: "cjs",
    loader: { ".js": "jsx" },
    mainFields: ["main"],
    platform: "node",
    write: false,
  });
  const loaded = { exports: {} };
  globalThis.__DEV__ = false;
  new Function("module", "exports", "require", built.outputFiles[0].text)(
    loaded,
    loaded.exports,
    require,
  );
  return loaded.exports;
}

async function main() {
  const given = JSON.parse(readFileSync(0, "utf8"));
  const { createClient, MixpanelPlugin } = packages();
  const client = createClient({
    writeKey: "write-key",
    autoAddSegmentDestination: false,
    trackAppLifecycleEvents: false,
    defaultSettings: { integrations: { Mixpanel: given.settings } },
    flushPolicies: [],
    errorHandler: () => {},
  });
  client.add({ plugin: new MixpanelPlugin() });
  await client.init();
  for (const [method, ...words] of given.calls) await client[method](...words);
  let left = given.requests;
  const all = new Promise((done) => {
    answered.addEventListener("request", () => --left || done());
  });
  await client.flush();
  await all;
  process.exit(0);
}

main();
