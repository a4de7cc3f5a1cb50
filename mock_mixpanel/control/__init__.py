"""The mock's own API under `/_mock`, and its OpenAPI document."""
