// What the packages use of React Native: an iPhone with the app in the foreground, without native
// modules of Mixpanel.
const subscription = { remove() {} };

module.exports = {
  AppState: { currentState: "active", addEventListener: () => subscription },
  NativeEventEmitter: class {
    addListener() {
      return subscription;
    }
  },
  NativeModules: { AnalyticsReactNative: { getContextInfo: async () => ({}) }, Sovran: {} },
  Platform: { OS: "ios", Version: "18.0", select: (values) => values.ios ?? values.default },
};
