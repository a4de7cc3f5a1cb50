"""Reports of a run: JSON lines, JUnit XML, HTML, Markdown, terminal output and a badge."""
