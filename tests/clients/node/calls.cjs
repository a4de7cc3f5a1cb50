// Calls the `mixpanel` package as told on standard input, one call after another, and writes the
// errors that its callbacks, its promises and its log told of as JSON.
//
// Input: {"token", "options", "calls": [["people.set", ...arguments], ...]}. {"$date": ms} among the
// arguments is a Date, {"$account": [user, secret, project]} in the options for credentials.
const fs = require("node:fs");
const Mixpanel = require("mixpanel");

const input = JSON.parse(fs.readFileSync(0, "utf8"), (name, value) => {
  if (value && value.$date !== undefined) return new Date(value.$date);
  if (value && value.$account) return new Mixpanel.ServiceAccountCredentials(...value.$account);
  return value;
});
const told = [];
console.error = (...words) => told.push(words.join(" "));
const client = Mixpanel.init(input.token, input.options);

function call([path, ...given]) {
  const names = path.split(".");
  const method = names.pop();
  const owner = names.reduce((object, name) => object[name], client);
  return new Promise((resolve) => {
    const promise = owner[method](...given, (error) => {
      const errors = [error].flat().filter(Boolean);
      resolve(errors.map((each) => each.message));
    });
    if (promise) promise.then(() => resolve([]), (error) => resolve([error.message]));
  });
}

(async () => {
  for (const each of input.calls) told.push(...(await call(each)));
  process.stdout.write(JSON.stringify(told), () => process.exit(0));
})();
