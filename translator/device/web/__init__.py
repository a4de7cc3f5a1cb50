"""Device mode in a page: messages to calls on mixpanel-js."""
