"""The translator's reading of YAML, for this package's own data files."""

from translator.yaml_text import YamlTextError, parse_yaml

__all__ = ["YamlTextError", "parse_yaml"]
