"""Device mode on iOS and Android: messages to calls on the SDK."""
