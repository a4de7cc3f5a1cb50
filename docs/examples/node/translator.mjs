// A small Segment to Mixpanel translator: track, page, screen, identify, alias and group in cloud
// mode. `translate(message, settings, now)` gives operations; it does not send them.

import { createHash } from "node:crypto";

const DAY = 86_400_000;
const HOSTS = { us: "https://api.mixpanel.com", eu: "https://api-eu.mixpanel.com" };

// Section and key in the context -> property of events; those in PROFILE are on profiles too.
const CONTEXT = {
  app: { version: "$app_version", build: "$app_release" },
  page: { url: "$current_url" },
  device: { name: "$device" },
  campaign: {
    source: "utm_source",
    medium: "utm_medium",
    term: "utm_term",
    content: "utm_content",
    name: "utm_campaign",
  },
};
const PROFILE = {
  network: { carrier: "$carrier", wifi: "$wifi" },
  device: { manufacturer: "$manufacturer", model: "$model" },
  os: { name: "$os", version: "$os_version" },
  screen: { height: "$screen_height", width: "$screen_width" },
};
const TRAITS = {
  created: "$created",
  email: "$email",
  firstName: "$first_name",
  lastName: "$last_name",
  name: "$name",
  username: "$username",
  phone: "$phone",
};

// What this translator does not support; conformance then skips the scenario and says so.
const UNSUPPORTED = ["superProperties", "legacySuperProperties", "peopleProperties"];

export function unsupported(settings) {
  const found = UNSUPPORTED.filter((key) => settings[key]?.length || settings[key] === true);
  if (settings.setAllTraitsByDefault === false) found.push("setAllTraitsByDefault");
  return found.length ? `this translator has no ${found.join(", ")}` : null;
}

export function translate(message, settings, now) {
  const problem = problemWith(message);
  if (problem) return { operations: [], skipped: [], error: problem };
  const time = message.timestamp ? Date.parse(message.timestamp) : now.getTime();
  if (Number.isNaN(time)) return failed("timestamp_unparsable", "the timestamp cannot be read");
  const age = now.getTime() - time;
  if (age > 5 * 365.25 * DAY) return failed("timestamp_too_old", "older than 5 years");
  const call = { message, settings, time, old: age > 5 * DAY, context: message.context ?? {} };
  const operations = CALLS[message.type](call);
  if (operations.some(({ endpoint }) => endpoint === "/import") && !settings.apiSecret) {
    return failed("api_secret_required", "older than 5 days, and there is no API secret");
  }
  const host = HOSTS[settings.enableEuropeanUnionEndpoint ? "eu" : "us"];
  return { operations: operations.map((one) => ({ ...one, host })), skipped: [], error: null };
}

function failed(code, message) {
  return { operations: [], skipped: [], error: { code, message } };
}

function problemWith(message) {
  if (message === null || typeof message !== "object" || Array.isArray(message)) {
    return { code: "not_an_object", message: "a message must be a JSON object" };
  }
  if (!message.type) return { code: "missing_type", message: "type is missing" };
  if (!Object.hasOwn(CALLS, message.type)) {
    return { code: "unknown_type", message: `type ${message.type} is not a Segment call` };
  }
  if (message.type === "track" && !message.event) {
    return { code: "missing_event_name", message: "event is missing" };
  }
  for (const field of ["properties", "traits", "context"]) {
    const value = message[field] ?? {};
    if (typeof value !== "object" || Array.isArray(value)) {
      return { code: "invalid_field", message: `${field} must be an object` };
    }
  }
  return null;
}

const CALLS = {
  track: (call) => eventCalls(call, [call.message.event], call.message.properties ?? {}),
  page: pageOrScreen,
  screen: pageOrScreen,
  identify,
  alias,
  group,
};

function pageOrScreen(call) {
  const { type, name, category, properties } = call.message;
  const kind = type === "page" ? "Page" : "Screen";
  const options = call.settings;
  const names = [
    options.consolidatedPageCalls && `Loaded a ${kind}`,
    options.trackAllPages && `Loaded a ${kind}`,
    options.trackCategorizedPages && category && `Viewed ${[category, name, kind].filter(Boolean).join(" ")}`,
    options.trackNamedPages && name && `Viewed ${name} ${kind}`,
  ].filter(Boolean);
  const named = { ...properties, ...(category && { category }), ...(name && { name }) };
  return eventCalls(call, names, named);
}

function eventCalls(call, names, properties) {
  const counted = [...new Set(names)];
  return [
    ...names.flatMap((name) => {
      const first = counted[0] === name;
      const counts = counted.includes(name) ? increments(call, name, first ? properties : {}) : [];
      counted.splice(counted.indexOf(name), counted.includes(name) ? 1 : 0);
      return [...counts, event(call, name, properties)];
    }),
    ...(names.length ? charge(call, properties) : []),
  ];
}

function event(call, name, properties) {
  const { message, settings, context } = call;
  const out = {};
  for (const [key, value] of Object.entries(properties)) {
    if (value !== null) out[key] = written(value);
  }
  Object.assign(out, fromContext(context, CONTEXT), fromContext(context, PROFILE));
  const referrer = context.referrer?.url || context.page?.referrer;
  if (referrer) out.$referrer = referrer;
  if (context.ip !== undefined && context.ip !== null) out.ip = context.ip;
  out.distinct_id = distinctId(message) ?? "";
  if (message.userId) out.id = message.userId;
  out.time = Math.floor(call.time / 1000);
  out.token = settings.token;
  out.mp_lib = library(context);
  const traits = context.traits ?? {};
  const named = traits.name || [traits.firstName, traits.lastName].filter(Boolean).join(" ");
  const tag = named || traits.email || distinctId(message);
  if (tag) out.mp_name_tag = tag;
  if (settings.sourceName?.trim()) out.segment_source_name = settings.sourceName;
  if (message.messageId) out.$insert_id = insertId(message, settings, name);
  return { endpoint: call.old ? "/import" : "/track", payload: { event: name, properties: out } };
}

function identify(call) {
  const { message, settings, context } = call;
  if (settings.people === false) return [];
  const envelope = {
    $token: settings.token,
    $distinct_id: distinctId(message),
    $time: call.time,
    $ip: context.ip ?? 0,
    $ignore_time: !isActive(context),
    mp_lib: library(context),
  };
  const set = profile(message.traits ?? {}, message.userId);
  const lists = Object.entries(set).filter(([, value]) => Array.isArray(value) && value.length);
  for (const [key] of lists) delete set[key];
  const updates = [{ $set: { ...set, ...fromContext(context, PROFILE) } }];
  if (lists.length) updates.push({ $union: Object.fromEntries(lists) });
  return updates.map((update) => engage({ ...envelope, ...update }));
}

function profile(traits, userId) {
  const out = {};
  for (const [key, value] of Object.entries(traits)) {
    const name = Object.hasOwn(TRAITS, key) ? TRAITS[key] : key;
    out[name] = written(value);
  }
  if (out.$name === undefined && (out.$first_name || out.$last_name)) {
    out.$name = [out.$first_name, out.$last_name].filter(Boolean).join(" ");
  }
  if (userId) out.id = userId;
  return out;
}

function increments(call, name, properties) {
  const { message, settings, context } = call;
  if (settings.people === false || !message.userId) return [];
  const updates = [];
  const listed = (settings.eventIncrements ?? []).map((each) => each.toLowerCase());
  if (listed.includes(name.toLowerCase())) {
    updates.push({ $add: { [name]: 1 } }, { $set: { [`Last ${name}`]: seconds(call.time) } });
  }
  const numbers = (settings.propIncrements ?? []).filter((key) => typeof properties[key] === "number");
  if (numbers.length) updates.push({ $add: Object.fromEntries(numbers.map((key) => [key, properties[key]])) });
  const envelope = { $distinct_id: message.userId, $token: settings.token, mp_lib: "Segment.io" };
  const still = isActive(context) ? {} : { $ignore_time: true };
  return updates.map((update) => engage({ ...envelope, ...still, ...update }));
}

function charge(call, properties) {
  const { message, settings, context } = call;
  const amount = Number.parseFloat(String(properties.revenue ?? "").replace(/^\$/, ""));
  if (!amount || settings.people === false || !distinctId(message)) return [];
  const transaction = { $amount: amount, $time: seconds(call.time) };
  const payload = {
    $distinct_id: distinctId(message),
    $token: settings.token,
    $append: { $transactions: transaction },
  };
  if (context.ip !== undefined && context.ip !== null) payload.$ip = context.ip;
  if (!isActive(context)) payload.$ignore_time = true;
  return [engage(payload)];
}

function alias({ message, settings }) {
  const { previousId, userId } = message;
  if (!previousId || !userId || previousId === userId) return [];
  const properties = { token: settings.token, distinct_id: previousId, alias: userId };
  return [{ endpoint: "/track", payload: { event: "$create_alias", properties } }];
}

function group({ message, settings }) {
  const traits = message.traits ?? {};
  const once = settings.groupSetOnce ?? [];
  return (settings.groupIdentifierTraits ?? []).flatMap((key) =>
    [traits[key] ?? []].flat().flatMap((id) => {
      const entries = Object.entries(traits).map(([name, value]) => [name, written(value)]);
      const parts = {
        $set: entries.filter(([name]) => !once.includes(name)),
        $set_once: entries.filter(([name]) => once.includes(name)),
      };
      return Object.entries(parts)
        .filter(([, chosen]) => chosen.length)
        .map(([verb, chosen]) => ({
          endpoint: "/groups",
          payload: {
            $token: settings.token,
            $group_key: key,
            $group_id: id,
            [verb]: Object.fromEntries(chosen),
          },
        }));
    }),
  );
}

function engage(payload) {
  return { endpoint: "/engage", payload };
}

function distinctId(message) {
  return message.userId || message.anonymousId || null;
}

function library(context) {
  return `Segment: ${context.library?.name || "unknown"}`;
}

function isActive(context) {
  return context.active === undefined || context.active === null || Boolean(context.active);
}

function fromContext(context, table) {
  const out = {};
  for (const [section, keys] of Object.entries(table)) {
    for (const [key, name] of Object.entries(keys)) {
      const value = context[section]?.[key];
      if (value !== undefined && value !== null) out[name] = value;
    }
  }
  return out;
}

// Objects become JSON text, dates are written in UTC.
function written(value) {
  if (Array.isArray(value)) return value.map((item) => (isObject(item) ? item : written(item)));
  if (isObject(value)) return JSON.stringify(value);
  const isDate = typeof value === "string" && /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:?\d\d)?)?$/.test(value);
  return isDate && !Number.isNaN(Date.parse(value)) ? new Date(value).toISOString() : value;
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function seconds(time) {
  return new Date(time).toISOString().slice(0, 19);
}

// A UUID of version 5 in a namespace of our own: the same message has the same id, always.
function insertId(message, settings, name) {
  const digest = createHash("sha1")
    .update(`mixpanel:${message.messageId}:${settings.projectId ?? ""}:${name}`)
    .digest("hex");
  const variant = "89ab"[Number.parseInt(digest[16], 16) & 3];
  return [digest.slice(0, 8), digest.slice(8, 12), `5${digest.slice(13, 16)}`, variant + digest.slice(17, 20), digest.slice(20, 32)].join("-");
}
