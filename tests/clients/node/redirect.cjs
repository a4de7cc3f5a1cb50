// Preloaded (`node --require`): TLS connections to Mixpanel's hosts go to MIXPANEL_PORT of this
// machine instead, as with an entry for each in /etc/hosts. The name that the certificate must have
// stays the one asked for.
const tls = require("node:tls");

const connect = tls.connect;
tls.connect = function (...given) {
  const [options, ...more] = given;
  const host = options && (options.servername || options.host);
  if (!/(^|\.)mixpanel\.com$/.test(host || "")) return connect.apply(this, given);
  const here = { host: "127.0.0.1", port: process.env.MIXPANEL_PORT, servername: host };
  return connect.call(this, { ...options, ...here }, ...more);
};
