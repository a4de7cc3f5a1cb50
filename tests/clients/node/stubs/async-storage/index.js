// React Native's storage, in the memory of one process of Node.
const stored = new Map();

module.exports = {
  getItem: async (key) => stored.get(key) ?? null,
  setItem: async (key, value) => void stored.set(key, value),
  removeItem: async (key) => void stored.delete(key),
};
module.exports.default = module.exports;
