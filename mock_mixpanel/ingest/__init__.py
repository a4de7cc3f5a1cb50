"""From a request to a verdict on each record: decoding, authentication, validation."""
