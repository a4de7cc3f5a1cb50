"""Endpoints that SDKs read: settings at start-up, and feature flags."""
