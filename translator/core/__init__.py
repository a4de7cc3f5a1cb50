"""Settings, rules, mapping and values: what every mode of the translator shares."""
