"""Reports of a run: for programs, for build servers, for people, and for a README."""
